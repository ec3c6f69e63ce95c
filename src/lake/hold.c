/* SPDX-License-Identifier: Apache-2.0 */
/* hold.c - see hold.h. Holds, rules and the clock are facts of the lake's own:
 *
 *     lake/hold/<32 digits of the hash of ref>/<name>   a hold as JSON; so the holds of one ref stand together
 *     lake/hold-rule/<name>                             a rule
 *     lake/hold-clock                                   see holdclock.c
 *
 * A name is made from what identifies the hold: kind, id, ref, path, legal or not. In an encrypted lake names are
 * keyed and values sealed. */
#include "lake/holding.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

#define PREFIX "lake/hold/"
#define RULES  "lake/hold-rule/"
#define CLOCK  "lake/hold-clock"

enum { KEY = 200, MOST_DAYS = 36500 };
static const int64_t day_us = 86400000000;

const char *const tarn_hold_modes[3] = {"governance", "compliance", "legal"};
static const char *const kinds[2] = {"commit", "object"};

/* ---- names ---- */

static tarn_code name_of(const tarn_lake *lake, const char *text, char out[TARN_HOLD_NAME], tarn_err *err)
{
    tarn_id id;
    char hex[TARN_ID_HEX];
    tarn_code rc = TARN_OK;

    if (lake->ring) tarn_ring_name_bytes(lake->ring, text, strlen(text), &id);
    else rc = tarn_digest(text, strlen(text), &id, err);
    if (rc == TARN_OK) (void)snprintf(out, TARN_HOLD_NAME, "%.32s", tarn_id_hex(&id, hex));
    return rc;
}

/* Where the holds of a ref stand. */
static tarn_code ref_prefix(const tarn_lake *lake, const char *ref, char out[KEY], tarn_err *err)
{
    char name[TARN_HOLD_NAME], text[300];

    (void)snprintf(text, sizeof text, "ref %.255s", ref);
    tarn_code rc = name_of(lake, text, name, err);
    if (rc == TARN_OK) (void)snprintf(out, KEY, PREFIX "%s/", name);
    return rc;
}

static tarn_code key_of(const tarn_lake *lake, tarn_hold *h, char out[KEY], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char text[1500], hex[TARN_ID_HEX];

    (void)snprintf(text, sizeof text, "%s %s %s\n%s\n%s", kinds[h->kind], tarn_id_hex(&h->id, hex),
                   h->mode == TARN_HOLD_LEGAL ? "legal" : "retention", h->branch, h->path);
    TARN_TRY(name_of(lake, text, h->name, err));
    TARN_TRY(ref_prefix(lake, h->branch, out, err));
    (void)snprintf(out + strlen(out), KEY - strlen(out), "%s", h->name);
done:
    return rc;
}

/* ---- rows ---- */

static tarn_code put_row(tarn_lake *lake, const char *key, json_t *value, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL, *stored = NULL;

    TARN_TRY(tarn_json_compact(value, &text, err));
    TARN_TRY(tarn_sealed_text(lake, key, text, &stored, err));
    TARN_TRY(tarn_meta_fact_set(lake->meta, key, stored, err));
done:
    tarn_free(text);
    tarn_free(stored);
    return rc;
}

/* TARN_NOT_FOUND without it. */
static tarn_code get_text(tarn_lake *lake, const char *key, char **out, tarn_err *err)
{
    char *stored = NULL;
    tarn_code rc = tarn_meta_fact_get(lake->meta, key, &stored, err);

    if (rc == TARN_OK) rc = tarn_unsealed_text(lake, key, stored, out, err);
    tarn_free(stored);
    return rc;
}

static int64_t number(const json_t *o, const char *key) { return json_integer_value(json_object_get(o, key)); }

static int word_of(const char *const *words, int n, const char *word)
{
    for (int i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

static tarn_code damaged(const char *key, tarn_err *err)
{
    return TARN_FAIL(err, TARN_CORRUPT, "the metadata is damaged: '%.100s' is no hold", key);
}

/* now 0: the lake's time is not known, and every hold counts. */
static tarn_code read_hold(const char *key, const char *text, int64_t now, tarn_hold *h, tarn_err *err)
{
    json_t *o = NULL;
    tarn_code rc = tarn_json_read(text, strlen(text), "a hold", &o, err);

    *h = (tarn_hold){.kind = TARN_HOLD_COMMIT};
    if (rc == TARN_NOMEM) return rc;
    if (rc != TARN_OK) return damaged(key, err);
    int kind = word_of(kinds, 2, tarn_json_text(o, "kind", "")),
        mode = word_of(tarn_hold_modes, 3, tarn_json_text(o, "mode", ""));
    const char *hex = tarn_json_text(o, "id", ""), *slash = strrchr(key, '/');
    if (kind < 0 || mode < 0 || !tarn_id_parse(hex, strlen(hex), &h->id) || !slash) {
        json_decref(o);
        return damaged(key, err);
    }
    h->kind = (tarn_hold_kind)kind;
    h->mode = (tarn_hold_mode)mode;
    (void)snprintf(h->name, sizeof h->name, "%s", slash + 1);
    (void)snprintf(h->branch, sizeof h->branch, "%s", tarn_json_text(o, "ref", ""));
    (void)snprintf(h->path, sizeof h->path, "%s", tarn_json_text(o, "path", ""));
    (void)snprintf(h->who, sizeof h->who, "%s", tarn_json_text(o, "who", ""));
    (void)snprintf(h->why, sizeof h->why, "%s", tarn_json_text(o, "why", ""));
    h->until_us = number(o, "until_us");
    h->ends_us = number(o, "ends_on_lakes_clock_us");
    h->made_us = number(o, "made_us");
    h->released_us = number(o, "released_us");
    h->active = h->released_us == 0 &&
                (h->mode == TARN_HOLD_LEGAL || now == 0 || now < h->ends_us || tarn_now_us() < h->until_us);
    json_decref(o);
    return TARN_OK;
}

static json_t *hold_json(const tarn_hold *h, tarn_err *err)
{
    char hex[TARN_ID_HEX];
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "kind", kinds[h->kind], "id",
                          tarn_id_hex(&h->id, hex), "mode", tarn_hold_modes[h->mode], "ref", h->branch, "path", h->path,
                          "who", h->who, "why", h->why, "until_us", (json_int_t)h->until_us, "ends_on_lakes_clock_us",
                          (json_int_t)h->ends_us, "made_us", (json_int_t)h->made_us);

    if (!o) (void)TARN_FAIL(err, TARN_INVALID, "a hold's names and reasons must be UTF-8");
    return o;
}

/* ---- time ---- */

/* The lake's time; written down if `write` (in a transaction). */
static tarn_code lake_time(tarn_lake *lake, bool write, int64_t *now, int64_t *ahead, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *seen = NULL, *next = NULL;
    tarn_machine_time m;
    bool news = false;
    json_t *o = NULL;

    tarn_machine_now(&m);
    rc = get_text(lake, CLOCK, &seen, err);
    if (rc != TARN_OK && rc != TARN_NOT_FOUND) goto done;
    TARN_TRY(tarn_hold_time(seen, &m, now, &next, &news, err));
    *ahead = m.wall_us - *now;
    if (!write || !news) goto done;
    TARN_TRY(tarn_json_read(next, strlen(next), "the clock of holds", &o, err));
    TARN_TRY(put_row(lake, CLOCK, o, err));
done:
    json_decref(o);
    tarn_free(seen);
    tarn_free(next);
    return rc;
}

/* Look at the clock and write it down where that is possible: time that nobody saw pass may not count later. */
static tarn_code observe(tarn_lake *lake, int64_t *now, int64_t *ahead, tarn_err *err)
{
    tarn_code rc;

    if (lake->readonly) {
        tarn_lake_lock(lake);
        rc = lake_time(lake, false, now, ahead, err);
        tarn_lake_unlock(lake);
        return rc;
    }
    rc = tarn_tx_begin_anew(lake, err);
    return rc == TARN_OK ? tarn_tx_end(lake, lake_time(lake, true, now, ahead, err), err) : rc;
}

tarn_code tarn_lake_hold_clock(tarn_lake *lake, int64_t *lake_us, int64_t *ahead_us, tarn_err *err)
{
    return observe(lake, lake_us, ahead_us, err);
}

/* ---- listing ---- */

typedef struct hold_list {
    const tarn_lake *lake;
    int64_t now;
    tarn_hold *v;
    size_t n, cap;
} hold_list;

static tarn_code keep_hold(void *arg, const char *key, const char *stored, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    hold_list *list = arg;
    char *text = NULL;

    TARN_TRY(tarn_unsealed_text(list->lake, key, stored, &text, err));
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    TARN_TRY(read_hold(key, text, list->now, &list->v[list->n], err));
    list->n++;
done:
    tarn_free(text);
    return rc;
}

/* now: the lake's time. */
static tarn_code each_hold_at(tarn_lake *lake, int64_t now, bool all, tarn_hold_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    hold_list list = {.lake = lake, .now = now};

    tarn_lake_lock(lake);
    rc = tarn_meta_facts(lake->meta, PREFIX, keep_hold, &list, err);
    tarn_lake_unlock(lake);
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++)
        if (all || list.v[i].active) rc = fn(arg, &list.v[i], err);
    tarn_free(list.v);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

static tarn_code each_hold(tarn_lake *lake, bool all, tarn_hold_fn *fn, void *arg, tarn_err *err)
{
    int64_t now = 0, ahead = 0;
    tarn_code rc = observe(lake, &now, &ahead, err);

    return rc == TARN_OK ? each_hold_at(lake, now, all, fn, arg, err) : rc;
}

tarn_code tarn_holds_seen(tarn_lake *lake, tarn_hold_fn *fn, void *arg, tarn_err *err)
{
    int64_t now = 0, ahead = 0;

    tarn_lake_lock(lake);
    tarn_code rc = lake_time(lake, false, &now, &ahead, err);
    tarn_lake_unlock(lake);
    return rc == TARN_OK ? each_hold_at(lake, now, false, fn, arg, err) : rc;
}

tarn_code tarn_lake_holds(tarn_lake *lake, tarn_hold_fn *fn, void *arg, tarn_err *err)
{
    return each_hold(lake, false, fn, arg, err);
}

tarn_code tarn_lake_holds_all(tarn_lake *lake, tarn_hold_fn *fn, void *arg, tarn_err *err)
{
    return each_hold(lake, true, fn, arg, err);
}

/* ---- holding ---- */

static tarn_code check_hold(tarn_lake *lake, const tarn_hold *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_where where = {0};
    bool found = false;
    char hex[TARN_ID_HEX];

    if ((h->mode == TARN_HOLD_LEGAL) != (h->until_us == 0))
        return TARN_FAIL(err, TARN_INVALID, "%s",
                         h->until_us ? "a legal hold has no time; release it when its reason is gone"
                                     : "a hold needs the time until which it holds");
    if (h->path[0]) TARN_TRY(tarn_path_check(h->path, strlen(h->path), err));
    TARN_TRY(tarn_store_find(lake, &h->id, &where, &found, err));
    bool is_commit = where.kind == TARN_KIND_COMMIT,
         is_object = where.kind == TARN_KIND_CHUNK || where.kind == TARN_KIND_LIST;
    if (!found || !(h->kind == TARN_HOLD_COMMIT ? is_commit : is_object))
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no %s %.12s to hold", kinds[h->kind], tarn_id_hex(&h->id, hex));
done:
    return rc;
}

/* What is held already may only get longer, and stronger. */
static tarn_code check_change(const tarn_hold *was, const tarn_hold *h, tarn_err *err)
{
    char when[32];

    if (!was->active || h->mode == TARN_HOLD_LEGAL) return TARN_OK;
    if (was->mode == TARN_HOLD_COMPLIANCE && h->mode != TARN_HOLD_COMPLIANCE)
        return TARN_FAIL(err, TARN_DENIED, "it is held for compliance, which cannot become governance");
    if (h->until_us < was->until_us || h->ends_us < was->ends_us)
        return TARN_FAIL(err, TARN_DENIED, "it is held until %s already, and a hold cannot become shorter",
                         tarn_time_text(was->until_us, when));
    return TARN_OK;
}

/* In a transaction. */
static tarn_code add_hold(tarn_lake *lake, tarn_hold *h, int64_t now, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char key[KEY], *text = NULL;
    tarn_hold was;
    json_t *o = NULL;

    h->made_us = tarn_now_us();
    if (h->mode != TARN_HOLD_LEGAL && h->until_us <= h->made_us)
        return TARN_FAIL(err, TARN_INVALID, "the time until which it is to be held is past");
    if (h->until_us > h->made_us + MOST_DAYS * day_us)
        return TARN_FAIL(err, TARN_LIMIT, "a hold lasts at most %d days; a legal hold has no end", MOST_DAYS);
    h->ends_us = h->mode == TARN_HOLD_LEGAL ? 0 : now + (h->until_us - h->made_us);
    h->released_us = 0;
    h->active = true;
    TARN_TRY(key_of(lake, h, key, err));
    rc = get_text(lake, key, &text, err);
    if (rc == TARN_OK) rc = read_hold(key, text, now, &was, err);
    if (rc == TARN_OK) rc = check_change(&was, h, err);
    if (rc != TARN_OK && rc != TARN_NOT_FOUND) goto done;
    o = hold_json(h, err);
    rc = o ? put_row(lake, key, o, err) : TARN_INVALID;
    if (rc == TARN_OK) rc = tarn_hold_record(lake, "hold.set", h, h->who, h->why, err);
done:
    json_decref(o);
    tarn_free(text);
    return rc;
}

tarn_code tarn_lake_hold(tarn_lake *lake, tarn_hold *hold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char full[256];
    int64_t now = 0, ahead = 0, swept = 0;
    tarn_entry e = {.object.id = hold->id};

    if (hold->branch[0]) {
        TARN_TRY(tarn_ref_full(hold->branch, full, err));
        memcpy(hold->branch, full, sizeof full);
    }
    TARN_TRY(check_hold(lake, hold, err));
    TARN_TRY(tarn_hold_may(lake, false, hold->branch, hold->path, err));
    (void)snprintf(e.path, sizeof e.path, "a hold");
    if (hold->kind == TARN_HOLD_OBJECT) TARN_TRY(tarn_entries_check(lake, &e, 1, false, &swept, err));
    TARN_TRY(tarn_tx_begin_anew(lake, err));
    rc = hold->kind == TARN_HOLD_OBJECT ? tarn_entries_hold(lake, &e, 1, swept, err)
                                        : tarn_commit_usable(lake, &hold->id, err);
    if (rc == TARN_OK) rc = lake_time(lake, true, &now, &ahead, err);
    if (rc == TARN_OK) rc = add_hold(lake, hold, now, err);
    rc = tarn_tx_end(lake, rc, err);
done:
    return rc;
}

/* ---- releasing ---- */

static tarn_code may_release(const tarn_hold *h, bool bypass, int64_t now, int64_t ahead, tarn_err *err)
{
    char when[32], lake[32];

    if (h->released_us) return TARN_FAIL(err, TARN_NOT_FOUND, "hold %.12s is released already", h->name);
    if (h->mode == TARN_HOLD_LEGAL || !h->active) return TARN_OK;
    if (h->mode == TARN_HOLD_GOVERNANCE && bypass) return TARN_OK;
    (void)tarn_time_text(h->until_us, when);
    if (tarn_now_us() >= h->until_us)
        return TARN_FAIL(
            err, TARN_DENIED,
            "hold %.12s was to end at %s, but the lake has only seen %s: the clock is %lld s ahead of what "
            "running time proves, so the hold stays",
            h->name, when, tarn_time_text(now, lake), (long long)(ahead / 1000000));
    return TARN_FAIL(err, TARN_DENIED, "hold %.12s (%s) lasts until %s%s", h->name, tarn_hold_modes[h->mode], when,
                     h->mode == TARN_HOLD_GOVERNANCE ? "; it ends earlier only with an explicit bypass"
                                                     : "; nobody can end it earlier");
}

typedef struct finding {
    const tarn_lake *lake;
    const char *name;
    char key[KEY], *text;
    int found;
} finding;

static tarn_code find_named(void *arg, const char *key, const char *stored, tarn_err *err)
{
    finding *f = arg;
    const char *slash = strrchr(key, '/');

    if (!slash || strncmp(slash + 1, f->name, strlen(f->name)) != 0 || strlen(key) >= KEY) return TARN_OK;
    if (f->found++) return TARN_OK;
    (void)strcpy(f->key, key);
    return tarn_unsealed_text(f->lake, key, stored, &f->text, err);
}

static tarn_code find_hold(tarn_lake *lake, const char *name, int64_t now, char key[KEY], tarn_hold *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    finding f = {.lake = lake, .name = name};

    TARN_TRY(tarn_meta_facts(lake->meta, PREFIX, find_named, &f, err));
    if (f.found != 1) {
        rc = f.found
                 ? TARN_FAIL(err, TARN_INVALID, "several holds begin with '%.40s'; give more digits", name)
                 : TARN_FAIL(err, TARN_NOT_FOUND, "there is no hold '%.40s'; 'tarn lake hold list' shows them", name);
        goto done;
    }
    memcpy(key, f.key, KEY);
    TARN_TRY(read_hold(f.key, f.text, now, h, err));
done:
    tarn_free(f.text);
    return rc;
}

/* A hold's branch and path never change, so what may be done there can be asked before the transaction. */
static tarn_code may_end(tarn_lake *lake, const char *name, bool bypass, tarn_err *err)
{
    char key[KEY];
    tarn_hold h;

    tarn_lake_lock(lake);
    tarn_code rc = find_hold(lake, name, 0, key, &h, err);
    tarn_lake_unlock(lake);
    return rc == TARN_OK ? tarn_hold_may(lake, bypass, h.branch, h.path, err) : rc;
}

/* In a transaction: mark it as released; it stays as a record. */
static tarn_code release(tarn_lake *lake, const char *name, bool bypass, const char *who, const char *why,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char key[KEY];
    tarn_hold h;
    int64_t now = 0, ahead = 0;
    json_t *o = NULL;

    TARN_TRY(lake_time(lake, true, &now, &ahead, err));
    TARN_TRY(find_hold(lake, name, now, key, &h, err));
    TARN_TRY(may_release(&h, bypass, now, ahead, err));
    o = hold_json(&h, err);
    if (!o) TARN_TRY(TARN_INVALID);
    TARN_TRY(tarn_json_set(o, "released_us", json_integer(tarn_now_us()), err));
    TARN_TRY(tarn_json_set(o, "released_by", json_string(who ? who : ""), err));
    TARN_TRY(tarn_json_set(o, "released_why", json_string(why ? why : ""), err));
    TARN_TRY(tarn_json_set(o, "bypass", json_boolean(bypass && h.active), err));
    TARN_TRY(put_row(lake, key, o, err));
    bool early = bypass && h.active && h.mode == TARN_HOLD_GOVERNANCE;
    TARN_TRY(tarn_hold_record(lake, early ? "hold.bypass" : "hold.release", &h, who, why, err));
done:
    json_decref(o);
    return rc;
}

tarn_code tarn_lake_hold_release(tarn_lake *lake, const char *name, bool bypass, const char *who, const char *why,
                                 tarn_err *err)
{
    if (strlen(name) < 6 || strlen(name) >= TARN_HOLD_NAME)
        return TARN_FAIL(err, TARN_INVALID,
                         "'%.40s' cannot name a hold: give 6 to 32 digits of what 'tarn lake hold "
                         "list' shows",
                         name);
    tarn_code rc = may_end(lake, name, bypass, err);
    if (rc == TARN_OK) rc = tarn_tx_begin_anew(lake, err);
    return rc == TARN_OK ? tarn_tx_end(lake, release(lake, name, bypass, who, why, err), err) : rc;
}

/* ---- refs ---- */

typedef struct reaching {
    tarn_id wanted;
    bool found;
} reaching;

static tarn_code look_for(void *arg, const tarn_commit *c, tarn_err *err)
{
    reaching *r = arg;

    (void)err;
    r->found = tarn_id_equal(&c->id, &r->wanted);
    return r->found ? TARN_CANCELLED : TARN_OK;
}

/* Whether `to` is `wanted` or has it among its ancestors. */
static tarn_code reaches(tarn_lake *lake, const tarn_id *to, const tarn_id *wanted, bool *yes, tarn_err *err)
{
    reaching r = {.wanted = *wanted};
    tarn_code rc = tarn_lake_log(lake, to, look_for, &r, err);

    *yes = r.found;
    return rc;
}

/* A commit on top, or a merge: the common case, told without looking at any hold. */
static tarn_code only_adds(tarn_lake *lake, const tarn_id *was, const tarn_id *to, bool *yes, tarn_err *err)
{
    tarn_commit *c = NULL;
    tarn_code rc = TARN_OK;

    *yes = tarn_id_equal(was, to);
    if (*yes) return TARN_OK;
    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    TARN_TRY(tarn_lake_commit_read(lake, to, c, err));
    for (int i = 0; i < c->n_parents; i++) *yes = *yes || tarn_id_equal(was, &c->parents[i]);
    tarn_commit_clear(c);
done:
    tarn_free(c);
    return rc;
}

static tarn_code refuse(const tarn_hold *h, const char *name, bool removing, tarn_err *err)
{
    char when[32] = "";

    if (h->mode != TARN_HOLD_LEGAL) (void)tarn_time_text(h->until_us, when);
    return TARN_FAIL(err, TARN_DENIED, "'%.120s' cannot be %s: hold %.12s (%s%s%s) needs it", name,
                     removing ? "removed" : "moved there", h->name, tarn_hold_modes[h->mode], *when ? " until " : "",
                     when);
}

tarn_code tarn_hold_guard(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    hold_list list = {.lake = lake};
    char prefix[KEY];
    int64_t ahead = 0;
    bool fine = false;

    if (!was) return TARN_OK;
    if (to) TARN_TRY(only_adds(lake, was, to, &fine, err));
    if (fine) goto done;
    TARN_TRY(ref_prefix(lake, name, prefix, err));
    TARN_TRY(lake_time(lake, true, &list.now, &ahead, err));
    TARN_TRY(tarn_meta_facts(lake->meta, prefix, keep_hold, &list, err));
    for (size_t i = 0; i < list.n; i++) {
        const tarn_hold *h = &list.v[i];
        if (!h->active) continue;
        fine = false;
        if (to) TARN_TRY(reaches(lake, to, h->kind == TARN_HOLD_COMMIT ? &h->id : was, &fine, err));
        if (!fine) TARN_TRY(refuse(h, name, !to, err));
    }
done:
    tarn_free(list.v);
    return rc;
}

/* ---- rules ---- */

/* '*' is any text. */
static bool matches(const char *pattern, const char *text)
{
    const char *star = NULL, *back = NULL;

    while (*text) {
        if (*pattern == '*') star = pattern++, back = text;
        else if (*pattern == *text) pattern++, text++;
        else if (star) pattern = star + 1, text = ++back;
        else return false;
    }
    while (*pattern == '*') pattern++;
    return *pattern == '\0';
}

static tarn_code read_rule(const char *key, const char *text, tarn_hold_rule *out, tarn_err *err)
{
    json_t *o = NULL;
    tarn_code rc = tarn_json_read(text, strlen(text), "a rule", &o, err);

    if (rc != TARN_OK) return rc == TARN_NOMEM ? rc : damaged(key, err);
    int mode = word_of(tarn_hold_modes, 2, tarn_json_text(o, "mode", ""));
    *out = (tarn_hold_rule){.mode = (tarn_hold_mode)mode, .days = number(o, "days")};
    (void)snprintf(out->pattern, sizeof out->pattern, "%s", tarn_json_text(o, "pattern", ""));
    json_decref(o);
    return mode < 0 || out->days < 0 || out->days > MOST_DAYS ? damaged(key, err) : TARN_OK;
}

typedef struct rule_list {
    const tarn_lake *lake;
    tarn_hold_rule *v;
    size_t n, cap;
} rule_list;

static tarn_code keep_rule(void *arg, const char *key, const char *stored, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    rule_list *list = arg;
    char *text = NULL;

    TARN_TRY(tarn_unsealed_text(list->lake, key, stored, &text, err));
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    TARN_TRY(read_rule(key, text, &list->v[list->n], err));
    if (list->v[list->n].days > 0) list->n++;
done:
    tarn_free(text);
    return rc;
}

tarn_code tarn_lake_hold_rules(tarn_lake *lake, tarn_hold_rule_fn *fn, void *arg, tarn_err *err)
{
    rule_list list = {.lake = lake};

    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_facts(lake->meta, RULES, keep_rule, &list, err);
    tarn_lake_unlock(lake);
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++) rc = fn(arg, &list.v[i], err);
    tarn_free(list.v);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

tarn_code tarn_lake_hold_rule_set(tarn_lake *lake, const tarn_hold_rule *rule, const char *who, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char key[KEY], name[TARN_HOLD_NAME];
    json_t *o = NULL;

    if (!rule->pattern[0] || rule->mode == TARN_HOLD_LEGAL || rule->days < 0 || rule->days > MOST_DAYS)
        return TARN_FAIL(err, TARN_INVALID, "a rule needs a pattern, 0 to %d days, and governance or compliance",
                         MOST_DAYS);
    TARN_TRY(name_of(lake, rule->pattern, name, err));
    (void)snprintf(key, sizeof key, RULES "%s", name);
    o = json_pack("{s:s, s:s, s:I, s:s, s:I}", "pattern", rule->pattern, "mode", tarn_hold_modes[rule->mode], "days",
                  (json_int_t)rule->days, "who", who ? who : "", "made_us", (json_int_t)tarn_now_us());
    if (!o) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "the pattern of a rule must be UTF-8"));
    TARN_TRY(tarn_hold_may(lake, false, rule->pattern, "", err));
    TARN_TRY(tarn_tx_begin_anew(lake, err));
    rc = put_row(lake, key, o, err);
    if (rc == TARN_OK) rc = tarn_hold_rule_record(lake, rule, who, err);
    rc = tarn_tx_end(lake, rc, err);
done:
    json_decref(o);
    return rc;
}

static bool rule_fits(const tarn_hold_rule *rule, const char *ref)
{
    static const char *const tops[] = {"heads/", "tags/", "models/"};

    for (size_t i = 0; i < 3; i++)
        if (strncmp(rule->pattern, tops[i], strlen(tops[i])) == 0) return matches(rule->pattern, ref);
    return strncmp(ref, tops[0], strlen(tops[0])) == 0 && matches(rule->pattern, ref + strlen(tops[0]));
}

/* Of several rules that fit, the strongest and the longest. */
static const tarn_hold_rule *choose_rule(const rule_list *list, const char *ref)
{
    const tarn_hold_rule *best = NULL;

    for (size_t i = 0; i < list->n; i++) {
        const tarn_hold_rule *r = &list->v[i];
        if (!rule_fits(r, ref)) continue;
        if (!best || r->mode > best->mode || (r->mode == best->mode && r->days > best->days)) best = r;
    }
    return best;
}

tarn_code tarn_hold_by_rule(tarn_lake *lake, const char *name, const tarn_id *commit, const char *who, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    rule_list list = {.lake = lake};
    tarn_hold h = {.kind = TARN_HOLD_COMMIT};
    int64_t now = 0, ahead = 0;
    tarn_err why = {0};

    TARN_TRY(tarn_meta_facts(lake->meta, RULES, keep_rule, &list, err));
    const tarn_hold_rule *rule = choose_rule(&list, name);
    if (!rule || !commit) goto done;
    TARN_TRY(lake_time(lake, true, &now, &ahead, err));
    h.mode = rule->mode;
    h.id = *commit;
    (void)snprintf(h.branch, sizeof h.branch, "%s", name);
    (void)snprintf(h.who, sizeof h.who, "%.255s", who ? who : "");
    (void)snprintf(h.why, sizeof h.why, "rule %.255s", rule->pattern);
    h.until_us = tarn_now_us() + rule->days * day_us;
    rc = add_hold(lake, &h, now, &why);
    if (rc == TARN_DENIED) rc = TARN_OK; /* it is held longer already */
    if (rc != TARN_OK && err) *err = why;
done:
    tarn_free(list.v);
    return rc;
}
