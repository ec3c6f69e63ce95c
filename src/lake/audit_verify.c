/* SPDX-License-Identifier: Apache-2.0 */
/* audit_verify.c - whether the audit log is what was written.
 *
 * Three things are compared: each record with its hash, each record's `before` with the hash of the record before it
 * and its number with its place, and the hashes that were committed to branch `audit` with those of the log. The first
 * two find a record that was changed, taken out or put in by somebody who did not do the whole chain again; the third
 * finds one who did, and a log whose end was cut off. */
#include "lake/access_inside.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

typedef struct anchor {
    int64_t seq;
    tarn_id hash;
} anchor;

typedef struct check {
    tarn_lake *lake;
    tarn_audit_check *out;
    anchor *anchors; /* by seq */
    size_t n, next;
    int64_t seq, in_batch, good_anchor;
    tarn_id hash;
    bool recorded_anchor; /* the log says that one was made */
} check;

static void fault(check *c, int64_t seq, const char *why)
{
    if (c->out->bad && c->out->bad <= seq) return;
    c->out->bad = seq;
    (void)snprintf(c->out->why, sizeof c->out->why, "%s", why);
}

/* ---- the anchors ---- */

static tarn_code read_anchor(check *c, const tarn_entry *entry, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;
    size_t len = 0;
    json_t *o = NULL;

    TARN_TRY(tarn_lake_get(c->lake, &entry->object.id, 4096, &text, &len, err));
    TARN_TRY(tarn_json_read(text, len, entry->path, &o, err));
    const char *hex = tarn_json_text(o, "hash", "");
    anchor a = {.seq = json_integer_value(json_object_get(o, "seq"))};
    if (a.seq < 1 || !tarn_id_parse(hex, strlen(hex), &a.hash) || (c->n > 0 && a.seq <= c->anchors[c->n - 1].seq)) {
        rc = TARN_FAIL(err, TARN_CORRUPT, "'%s' on branch 'audit' is not an anchor", entry->path);
        goto done;
    }
    if ((c->n & (c->n - 1)) == 0) TARN_TRY(tarn_resize(&c->anchors, c->n ? 2 * c->n : 1, sizeof a, err));
    c->anchors[c->n++] = a;
done:
    json_decref(o);
    tarn_free(text);
    return rc;
}

static tarn_code keep_anchor(void *arg, const tarn_entry *entry, tarn_err *err) { return read_anchor(arg, entry, err); }

static tarn_code read_anchors(check *c, tarn_err *err)
{
    tarn_id head;
    tarn_code rc = tarn_lake_ref_get(c->lake, "heads/audit", &head, err);

    if (rc == TARN_NOT_FOUND) return TARN_OK;
    if (rc == TARN_OK) rc = tarn_lake_list(c->lake, &head, "anchors/", "", 0, keep_anchor, c, err);
    c->out->anchors = (int64_t)c->n;
    return rc;
}

/* ---- the records ---- */

/* What the line itself says of its place. */
typedef enum place { FOLLOWS, OTHER_NUMBER, OTHER_BEFORE } place;

static place says(const char *record, int64_t seq, const tarn_id *before)
{
    char start[48], end[100] = "}", hex[TARN_ID_HEX];
    size_t len = strlen(record);

    (void)snprintf(start, sizeof start, "{\"seq\":%lld,", (long long)seq);
    if (strncmp(record, start, strlen(start)) != 0) return OTHER_NUMBER;
    if (!tarn_id_none(before)) (void)snprintf(end, sizeof end, ",\"before\":\"%s\"}", tarn_id_hex(before, hex));
    return len >= strlen(end) && strcmp(record + len - strlen(end), end) == 0 ? FOLLOWS : OTHER_BEFORE;
}

static void check_anchors(check *c, int64_t seq)
{
    char why[200];

    for (; c->next < c->n && c->anchors[c->next].seq <= seq; c->next++) {
        const anchor *a = &c->anchors[c->next];
        if (a->seq == seq && tarn_id_equal(&a->hash, &c->hash)) {
            c->good_anchor = seq;
            continue;
        }
        (void)snprintf(why, sizeof why,
                       "the records from %lld to %lld were written anew: the anchor of record %lld on "
                       "branch 'audit' holds another hash",
                       (long long)c->good_anchor + 1, (long long)a->seq, (long long)a->seq);
        fault(c, c->good_anchor + 1, why);
    }
}

/* real: the hash of the record as it is stored. */
static void check_line(check *c, int64_t seq, const char *record, const tarn_id *hash, const tarn_id *real)
{
    char why[200];

    c->in_batch++;
    if (seq != c->seq + 1) {
        (void)snprintf(why, sizeof why, "record %lld is missing: record %lld comes next", (long long)c->seq + 1,
                       (long long)seq);
        fault(c, c->seq + 1, why);
    } else if (!tarn_id_equal(real, hash)) {
        fault(c, seq, "the record does not match its hash: it was changed");
    } else if (says(record, seq, &c->hash) != FOLLOWS) {
        bool before = seq > 1 && says(record, seq, &c->hash) == OTHER_BEFORE;
        fault(c, before ? seq - 1 : seq,
              before ? "the record was changed together with its hash: the next record holds another hash of it"
                     : "the record does not name its own number: it was changed or put in");
    }
    c->recorded_anchor = c->recorded_anchor || strstr(record, "\"target\":\"heads/audit\"") != NULL;
    c->seq = seq;
    c->hash = *hash;
    c->out->records++;
    check_anchors(c, seq);
}

static tarn_code check_record(void *arg, int64_t seq, const char *stored, const tarn_id *hash, tarn_err *err)
{
    check *c = arg;
    tarn_id real;
    char *line = NULL;
    tarn_code rc = tarn_digest(stored, strlen(stored), &real, err);

    if (rc == TARN_OK) rc = tarn_unsealed_text(c->lake, "audit", stored, &line, err);
    if (rc == TARN_OK || rc == TARN_CORRUPT) {
        rc = TARN_OK;
        check_line(c, seq, line ? line : "", hash, &real);
    }
    tarn_free(line);
    return rc;
}

static void check_end(check *c)
{
    char why[200];

    if (c->next < c->n) {
        (void)snprintf(why, sizeof why,
                       "the log ends at record %lld, but record %lld was there: branch 'audit' holds its "
                       "hash",
                       (long long)c->seq, (long long)c->anchors[c->n - 1].seq);
        fault(c, c->seq + 1, why);
    } else if (c->recorded_anchor && c->n == 0) {
        fault(c, 1, "the log says that anchors were made, but branch 'audit' is gone");
    }
}

tarn_code tarn_audit_verify(tarn_lake *lake, tarn_audit_check *out, tarn_err *err)
{
    check c = {.lake = lake, .out = out};
    tarn_code rc = TARN_OK;

    *out = (tarn_audit_check){.bad = 0};
    TARN_TRY(read_anchors(&c, err));
    do {
        c.in_batch = 0;
        tarn_lake_lock(lake);
        rc = tarn_meta_audit(lake->meta, c.seq + 1, 1000, check_record, &c, err);
        tarn_lake_unlock(lake);
    } while (rc == TARN_OK && c.in_batch == 1000);
    if (rc != TARN_OK) goto done;
    check_end(&c);
    (void)tarn_id_hex(&c.hash, out->head);
done:
    tarn_free(c.anchors);
    return rc;
}
