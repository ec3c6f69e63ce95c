/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - the log of what was done, as a chain. See access.h.
 *
 * A record is one line of JSON: seq, time, who, via, from, action, target, result, request, detail, count, before. Its
 * hash is the SHA-256 of that line, and `before` is the hash of the record before it, so no record can be changed,
 * taken out or put in without changing the hash of the last one. Numbers are given in the transaction of the metadata
 * that does what is recorded: one chain, however many processes.
 *
 * The last hash is committed to branch `audit` from time to time. Whoever keeps a copy of that branch, or of a commit's
 * id, can show that the log was cut or written anew. */
#include "lake/access_inside.h"
#include "lake/commit.h"

#include "base/mem.h"
#include "base/sink.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t us_per_day = INT64_C(86400000000);

/* ---- a record's line ---- */

/* "key":"value", with a comma in front; nothing if the value is empty. What is not UTF-8 becomes '?'. */
static void put(tarn_text *t, const char *key, const char *value)
{
    size_t len = value ? strlen(value) : 0;
    bool utf8 = tarn_utf8_valid(value, len, NULL);

    if (len == 0) return;
    tarn_text_addf(t, ",\"%s\":\"", key);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c == '"' || c == '\\') tarn_text_addn(t, (const char[]){'\\', (char)c}, 2);
        else if (c < 0x20 || c == 0x7f) tarn_text_addf(t, "\\u%04x", c);
        else if (c >= 0x80 && !utf8) tarn_text_add(t, "?");
        else tarn_text_addn(t, value + i, 1);
    }
    tarn_text_add(t, "\"");
}

static tarn_code put_record(const tarn_audit_entry *e, int64_t seq, const tarn_id *before, tarn_text *t, tarn_err *err)
{
    char when[32], hex[TARN_ID_HEX];

    tarn_text_addf(t, "{\"seq\":%lld", (long long)seq);
    put(t, "time", tarn_time_text(e->time_us, when));
    put(t, "who", e->who);
    put(t, "via", e->via);
    put(t, "from", e->from);
    put(t, "action", e->action);
    put(t, "target", e->target);
    put(t, "result", e->result);
    put(t, "request", e->request);
    put(t, "detail", e->detail);
    if (e->count > 1) tarn_text_addf(t, ",\"count\":%lld", (long long)e->count);
    put(t, "before", tarn_id_none(before) ? "" : tarn_id_hex(before, hex));
    tarn_text_add(t, "}");
    return tarn_text_check(t, err);
}

/* Cut at a whole character. */
static void keep_text(char *out, size_t cap, const char *text)
{
    size_t n = text ? strlen(text) : 0;

    if (n >= cap) {
        n = cap - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) n--;
    }
    if (n > 0) memcpy(out, text, n);
    out[n] = '\0';
}

static void fill(tarn_audit_entry *e, const tarn_who *who, const char *action, const char *target, const char *result,
                 const char *detail)
{
    *e = (tarn_audit_entry){.time_us = tarn_now_us(), .count = 1};
    if (who->kind == TARN_WHO_ANONYMOUS) keep_text(e->who, sizeof e->who, "anonymous");
    else (void)snprintf(e->who, sizeof e->who, "%s:%s", who->kind == TARN_WHO_LOCAL ? "local" : "user", who->user);
    keep_text(e->via, sizeof e->via, who->via);
    keep_text(e->from, sizeof e->from, who->from);
    keep_text(e->request, sizeof e->request, who->request);
    keep_text(e->action, sizeof e->action, action);
    keep_text(e->target, sizeof e->target, target);
    keep_text(e->result, sizeof e->result, result);
    keep_text(e->detail, sizeof e->detail, detail);
}

/* ---- adding, in a transaction ---- */

static tarn_code write_anchor_row(tarn_lake *lake, int64_t seq, int64_t time_us, tarn_err *err)
{
    char text[64];

    lake->access->anchor_seq = seq;
    lake->access->anchor_us = time_us;
    (void)snprintf(text, sizeof text, "%lld %lld", (long long)seq, (long long)time_us);
    return tarn_meta_access_set(lake->meta, "state", "anchor", text, err);
}

static tarn_code add(tarn_lake *lake, const tarn_audit_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text line = {0};
    tarn_id before, hash;
    int64_t seq = 0;
    char *stored = NULL;

    TARN_TRY(tarn_meta_audit_last(lake->meta, &seq, &before, err));
    seq++;
    TARN_TRY(put_record(e, seq, &before, &line, err));
    TARN_TRY(tarn_sealed_text(lake, "audit", line.data, &stored, err));
    TARN_TRY(tarn_digest(stored, strlen(stored), &hash, err)); /* of what is stored: it tells nothing of the line */
    TARN_TRY(tarn_meta_audit_add(lake->meta, seq, stored, &hash, err));
    if (seq == 1) TARN_TRY(write_anchor_row(lake, 0, e->time_us, err));
    lake->access->audit_seq = seq;
done:
    tarn_free(stored);
    tarn_text_clear(&line);
    return rc;
}

static const tarn_who *acting(tarn_lake *lake)
{
    const tarn_who *who = pthread_getspecific(lake->access->acting);
    return who ? who : &lake->access->local;
}

tarn_code tarn_audit_add(tarn_lake *lake, const tarn_who *who, const char *action, const char *target,
                         const char *detail, tarn_err *err)
{
    tarn_audit_entry e;

    fill(&e, who ? who : acting(lake), action, target, "ok", detail);
    return add(lake, &e, err);
}

tarn_code tarn_audit_ref(tarn_lake *lake, const char *action, const char *name, const tarn_id *was, const tarn_id *to,
                         const char *who, const char *why, tarn_err *err)
{
    char detail[256], hex[TARN_ID_HEX] = "", made[32];
    const char *kind = strncmp(name, "tags/", 5) == 0 ? "tag" : strncmp(name, "models/", 7) == 0 ? "model" : "branch";

    if (to || was) (void)tarn_id_hex(to ? to : was, hex);
    (void)snprintf(made, sizeof made, "%s.%s", kind, !to ? "delete" : !was ? "create" : "move");
    (void)snprintf(detail, sizeof detail, "%s by %.60s: %.100s", hex, who ? who : "", why ? why : "");
    detail[strcspn(detail, "\n")] = '\0';
    return tarn_audit_add(lake, NULL, action ? action : made, name, detail, err);
}

tarn_code tarn_audit_stage(tarn_lake *lake, const char *ref, const tarn_entry *entries, size_t n, const char *prefix,
                           tarn_err *err)
{
    char detail[256] = "";
    size_t gone = 0;

    if (!pthread_getspecific(lake->access->acting) || (entries && n == 0)) return TARN_OK;
    if (!entries) return tarn_audit_add(lake, NULL, "object.unstage", ref, prefix, err);
    for (size_t i = 0; i < n; i++) gone += tarn_id_none(&entries[i].object.id);
    if (n == 1) (void)snprintf(detail, sizeof detail, "%.200s", entries[0].path);
    else (void)snprintf(detail, sizeof detail, "%zu paths, first %.180s", n, entries[0].path);
    return tarn_audit_add(lake, NULL, gone == n ? "object.delete" : "object.write", ref, detail, err);
}

/* ---- notes, which wait ---- */

static bool same_note(const tarn_audit_entry *a, const tarn_audit_entry *b)
{
    return strcmp(a->action, b->action) == 0 && strcmp(a->who, b->who) == 0 && strcmp(a->from, b->from) == 0 &&
           strcmp(a->target, b->target) == 0 && strcmp(a->result, b->result) == 0 && strcmp(a->via, b->via) == 0;
}

/* Under access->lock. */
static void take_note(struct tarn_access *a, const tarn_audit_entry *e)
{
    for (size_t i = a->n_notes; i-- > 0;) {
        if (!same_note(&a->notes[i], e)) continue;
        a->notes[i].count++;
        return;
    }
    if (a->n_notes == TARN_NOTES) {
        a->lost_notes++;
        return;
    }
    if (a->n_notes == 0) a->waiting = tarn_seconds();
    a->notes[a->n_notes++] = *e;
}

tarn_code tarn_audit_note(tarn_lake *lake, const tarn_who *who, const char *action, const char *target,
                          const char *result, const char *detail, tarn_err *err)
{
    struct tarn_access *a = lake->access;
    tarn_audit_entry e;
    tarn_code rc = TARN_OK;

    if (lake->readonly) return TARN_FAIL(err, TARN_DENIED, "the lake cannot be written, so nothing is recorded");
    fill(&e, who, action, target, result, detail);
    (void)pthread_mutex_lock(&a->lock);
    if (!a->notes) rc = tarn_alloc(&a->notes, TARN_NOTES, sizeof *a->notes, err);
    if (rc == TARN_OK) take_note(a, &e);
    (void)pthread_mutex_unlock(&a->lock);
    return rc == TARN_OK ? tarn_audit_flush(lake, true, err) : rc;
}

static tarn_code write_notes(tarn_lake *lake, const tarn_audit_entry *v, size_t n, int64_t lost, tarn_err *err)
{
    tarn_audit_entry e;
    tarn_code rc = tarn_tx_begin_anew(lake, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < n && rc == TARN_OK; i++) rc = add(lake, &v[i], err);
    if (lost > 0 && rc == TARN_OK) {
        fill(&e, &lake->access->local, "audit.dropped", "", "ok", "more came at once than are kept");
        e.count = lost;
        rc = add(lake, &e, err);
    }
    return tarn_tx_end(lake, rc, err);
}

tarn_code tarn_audit_flush(tarn_lake *lake, bool patient, tarn_err *err)
{
    struct tarn_access *a = lake->access;
    tarn_audit_entry *notes = NULL;
    tarn_code rc = TARN_OK;

    (void)pthread_mutex_lock(&a->lock);
    bool due = a->n_notes > 0 && (!patient || tarn_seconds() - a->waiting >= 1.0);
    size_t n = due ? a->n_notes : 0;
    int64_t lost = a->lost_notes;
    if (due) {
        notes = a->notes;
        a->notes = NULL;
        a->n_notes = 0;
        a->lost_notes = 0;
    }
    (void)pthread_mutex_unlock(&a->lock);
    if (!due) return TARN_OK;
    rc = write_notes(lake, notes, n, lost, err);
    if (rc != TARN_OK) {
        (void)pthread_mutex_lock(&a->lock);
        a->lost_notes += lost + (int64_t)n;
        (void)pthread_mutex_unlock(&a->lock);
    }
    tarn_free(notes);
    if (rc == TARN_OK) tarn_audit_settle(lake, false);
    return rc;
}

/* ---- anchors ---- */

/* In a transaction or under the lake's lock: what the last anchor was, which another process may have made. */
static tarn_code read_anchor_row(tarn_lake *lake, tarn_err *err)
{
    char *text = NULL, *rest = NULL;
    tarn_code rc = tarn_meta_access_get(lake->meta, "state", "anchor", &text, err);

    if (rc == TARN_OK) {
        lake->access->anchor_seq = strtoll(text, &rest, 10);
        lake->access->anchor_us = strtoll(rest, NULL, 10);
    }
    tarn_free(text);
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

typedef struct anchor {
    tarn_lake *lake;
    int64_t seq;
} anchor;

static tarn_code note_anchor(void *arg, tarn_err *err)
{
    const anchor *a = arg;
    return write_anchor_row(a->lake, a->seq, tarn_now_us(), err);
}

static tarn_code commit_anchor(tarn_lake *lake, int64_t seq, const tarn_id *hash, tarn_err *err)
{
    tarn_entry e = {.path = ""};
    char line[200], hex[TARN_ID_HEX], when[32], message[80];
    tarn_commit_options options = {.author = "tarn", .message = message};
    tarn_id id;
    tarn_code rc = TARN_OK;

    (void)snprintf(e.path, sizeof e.path, "anchors/%012lld.json", (long long)seq);
    (void)snprintf(message, sizeof message, "audit log up to record %lld", (long long)seq);
    (void)snprintf(line, sizeof line, "{\"seq\":%lld,\"hash\":\"%s\",\"time\":\"%s\"}\n", (long long)seq,
                   tarn_id_hex(hash, hex), tarn_time_text(tarn_now_us(), when));
    TARN_TRY(tarn_lake_put(lake, line, strlen(line), &e.object, err));
    rc = tarn_commit_entries_with(lake, "audit", &e, 1, &options, note_anchor, &(anchor){lake, seq}, &id, err);
done:
    return rc;
}

tarn_code tarn_audit_anchor(tarn_lake *lake, tarn_err *err)
{
    struct tarn_access *a = lake->access;
    int64_t seq = 0;
    tarn_id hash;
    tarn_code rc;

    tarn_lake_lock(lake);
    bool mine = !a->anchoring;
    rc = tarn_meta_audit_last(lake->meta, &seq, &hash, err);
    if (rc == TARN_OK) rc = read_anchor_row(lake, err);
    /* the commit of an anchor is itself a record; that alone needs no other anchor */
    mine = mine && rc == TARN_OK && seq > a->anchor_seq + 1;
    if (mine) a->anchoring = true;
    tarn_lake_unlock(lake);
    if (!mine) return rc;
    rc = commit_anchor(lake, seq, &hash, err);
    tarn_lake_lock(lake);
    a->anchoring = false;
    tarn_lake_unlock(lake);
    return rc;
}

void tarn_audit_settle(tarn_lake *lake, bool closing)
{
    struct tarn_access *a = lake->access;
    tarn_err ignored = {0};

    tarn_lake_lock(lake);
    int64_t since = a->audit_seq - a->anchor_seq;
    bool due = !a->anchoring && a->audit_seq > 0 && (since >= TARN_ANCHOR_EVERY || closing);
    if (due) due = read_anchor_row(lake, &ignored) == TARN_OK;
    since = a->audit_seq - a->anchor_seq;
    due = due && (since >= TARN_ANCHOR_EVERY || (closing && since > 1 && tarn_now_us() - a->anchor_us > us_per_day));
    tarn_lake_unlock(lake);
    if (!due) return;
    tarn_code rc = tarn_audit_anchor(lake, &ignored);
    (void)rc; /* the next record tries again */
}

/* ---- reading ---- */

tarn_code tarn_audit_last(tarn_lake *lake, int64_t *seq, tarn_err *err)
{
    tarn_id hash;

    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_audit_last(lake->meta, seq, &hash, err);
    tarn_lake_unlock(lake);
    return rc;
}

typedef struct reading {
    const tarn_lake *lake;
    tarn_audit_fn *fn;
    void *arg;
    int64_t next, n;
} reading;

static tarn_code give_record(void *arg, int64_t seq, const char *record, const tarn_id *hash, tarn_err *err)
{
    reading *r = arg;

    (void)hash;
    r->next = seq + 1;
    r->n++;
    char *line = NULL;
    tarn_code rc = tarn_unsealed_text(r->lake, "audit", record, &line, err);
    if (rc == TARN_OK) rc = r->fn(r->arg, seq, line, err);
    tarn_free(line);
    return rc;
}

/* In batches, so that writers get their turn. */
tarn_code tarn_audit_read(tarn_lake *lake, int64_t from, tarn_audit_fn *fn, void *arg, tarn_err *err)
{
    reading r = {lake, fn, arg, from, 0};
    tarn_code rc;

    do {
        r.n = 0;
        tarn_lake_lock(lake);
        rc = tarn_meta_audit(lake->meta, r.next, 1000, give_record, &r, err);
        tarn_lake_unlock(lake);
    } while (rc == TARN_OK && r.n == 1000);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}
