/* SPDX-License-Identifier: Apache-2.0 */
/* refs.c - names of commits, and moving them. The rows are meta_refs.c's. */
#include "lake/access_inside.h"
#include "lake/holding.h"

#include "base/mem.h"

#include <string.h>

enum { NAME_MOST = 200 };

static const char *const tops[] = {"heads/", "tags/", "models/"};

static bool part_ok(const char *part, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (len == 0 || part[0] == '.' || part[0] == '-' || part[len - 1] == '.') return false;
    for (size_t i = 0; i < len; i++)
        if (!strchr(letters, part[i]) || (part[i] == '.' && i + 1 < len && part[i + 1] == '.')) return false;
    return true;
}

static tarn_code check_name(const char *name, size_t top, tarn_err *err)
{
    size_t from = top, len = strlen(name);
    tarn_id id;

    if (len > NAME_MOST)
        return TARN_FAIL(err, TARN_INVALID, "a ref name of %zu bytes is too long (at most %d)", len, NAME_MOST);
    for (size_t i = top; i <= len; i++) {
        if (i < len && name[i] != '/') continue;
        if (!part_ok(name + from, i - from))
            return TARN_FAIL(
                err, TARN_INVALID,
                "'%s' cannot name a ref: use letters, digits, '-', '_' and single '.', with '/' between parts", name);
        from = i + 1;
    }
    if (tarn_id_parse(name + top, len - top, &id))
        return TARN_FAIL(err, TARN_INVALID, "'%s' cannot name a ref: it looks like a commit id", name);
    return TARN_OK;
}

tarn_code tarn_ref_full(const char *name, char out[256], tarn_err *err)
{
    size_t top = 0;

    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
        if (strncmp(name, tops[i], strlen(tops[i])) == 0) top = strlen(tops[i]);
    int n = snprintf(out, 256, "%s%s", top ? "" : tops[0], name);
    if (n < 0 || n >= 256)
        return TARN_FAIL(err, TARN_INVALID, "a ref name of %zu bytes is too long (at most %d)", strlen(name),
                         NAME_MOST);
    return check_name(out, top ? top : strlen(tops[0]), err);
}

tarn_code tarn_ref_branch(const char *name, char out[256], tarn_err *err)
{
    tarn_code rc = tarn_ref_full(name, out, err);

    if (rc == TARN_OK && strncmp(out, tops[0], strlen(tops[0])) != 0)
        rc = TARN_FAIL(err, TARN_INVALID, "'%s' is not a branch; branches are called heads/<name>, or just <name>",
                       name);
    return rc;
}

/* Who and why are what people wrote: sealed if the lake is. */
static tarn_code log_and_set(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to, const char *who,
                             const char *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *sealed_who = NULL, *sealed_why = NULL;

    if (!lake->ring)
        return tarn_meta_ref_set(lake->meta, name, was, to, tarn_now_us(), who ? who : "", why ? why : "", err);
    TARN_TRY(tarn_sealed_text(lake, "who", who ? who : "", &sealed_who, err));
    TARN_TRY(tarn_sealed_text(lake, "why", why ? why : "", &sealed_why, err));
    TARN_TRY(tarn_meta_ref_set(lake->meta, name, was, to, tarn_now_us(), sealed_who, sealed_why, err));
done:
    tarn_free(sealed_who);
    tarn_free(sealed_why);
    return rc;
}

tarn_code tarn_commit_dead(tarn_lake *lake, const tarn_id *id, bool *dead, tarn_err *err)
{
    char key[sizeof TARN_FACT_DEAD + TARN_ID_HEX], hex[TARN_ID_HEX], *value = NULL;

    (void)snprintf(key, sizeof key, "%s%s", TARN_FACT_DEAD, tarn_id_hex(id, hex));
    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_fact_get(lake->meta, key, &value, err);
    tarn_lake_unlock(lake);
    *dead = rc == TARN_OK;
    tarn_free(value);
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

/* A ref never names what is not there, or what a sweep has taken things from. */
tarn_code tarn_commit_usable(tarn_lake *lake, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t swept = 0;
    tarn_where where;
    bool found = false, dead = false;
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_store_fresh(lake, &swept, err));
    TARN_TRY(tarn_store_find(lake, id, &where, &found, err));
    if (found) TARN_TRY(tarn_commit_dead(lake, id, &dead, err));
    if (!found || dead)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "commit %.12s was removed by a garbage collection", tarn_id_hex(id, hex));
done:
    return rc;
}

tarn_code tarn_ref_swap(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to, const char *who,
                        const char *why, tarn_err *err)
{
    return tarn_ref_swap_as(lake, NULL, name, was, to, who, why, err);
}

/* The ref is `was`, as it stands now in *now. */
static tarn_code is_still(tarn_lake *lake, const char *name, const tarn_id *was, tarn_ref *now, bool *there,
                          tarn_err *err)
{
    tarn_code rc = tarn_meta_ref_get(lake->meta, name, now, err);

    *there = rc == TARN_OK;
    if (rc != TARN_OK && rc != TARN_NOT_FOUND) return rc;
    if (!was && *there) return TARN_FAIL(err, TARN_CONFLICT, "'%s' exists already", name);
    if (was && !*there) return TARN_FAIL(err, TARN_CONFLICT, "'%s' does not exist any more", name);
    if (was && !tarn_id_equal(was, &now->commit))
        return TARN_FAIL(err, TARN_CONFLICT, "'%s' has moved meanwhile; look at it and try again", name);
    return TARN_OK;
}

static tarn_code move(tarn_lake *lake, const char *action, const char *name, const tarn_id *was, const tarn_id *to,
                      const char *who, const char *why, tarn_err *err)
{
    tarn_code rc = log_and_set(lake, name, was, to, who, why, err);

    if (rc == TARN_OK) rc = tarn_hold_by_rule(lake, name, to, who, err);
    return rc == TARN_OK ? tarn_audit_ref(lake, action, name, was, to, who, why, err) : rc;
}

tarn_code tarn_ref_swap_as(tarn_lake *lake, const char *action, const char *name, const tarn_id *was, const tarn_id *to,
                           const char *who, const char *why, tarn_err *err)
{
    tarn_ref now = {.time_us = 0};
    bool there = false;
    tarn_code rc = to ? tarn_commit_usable(lake, to, err) : TARN_OK;

    if (rc == TARN_OK) rc = is_still(lake, name, was, &now, &there, err);
    if (rc == TARN_OK) rc = tarn_hold_guard(lake, name, there ? &now.commit : NULL, to, err);
    return rc == TARN_OK ? move(lake, action, name, was, to, who, why, err) : rc;
}

tarn_code tarn_ref_advance(tarn_lake *lake, const char *action, const char *name, const tarn_id *was, const tarn_id *to,
                           const char *who, const char *why, tarn_err *err)
{
    tarn_ref now = {.time_us = 0};
    bool there = false;
    tarn_code rc = is_still(lake, name, was, &now, &there, err);

    return rc == TARN_OK ? move(lake, action, name, was, to, who, why, err) : rc;
}

/* ---- the door's calls ---- */

typedef struct ref_list {
    tarn_ref *v;
    size_t n, cap;
} ref_list;

static tarn_code keep_ref(void *arg, const tarn_ref *ref, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    ref_list *list = arg;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    list->v[list->n++] = *ref;
done:
    return rc;
}

tarn_code tarn_lake_refs(tarn_lake *lake, const char *prefix, tarn_ref_fn *fn, void *arg, tarn_err *err)
{
    ref_list list = {0};

    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_refs(lake->meta, prefix ? prefix : "", keep_ref, &list, err);
    tarn_lake_unlock(lake);
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++) rc = fn(arg, &list.v[i], err);
    tarn_free(list.v);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

tarn_code tarn_lake_ref_get(tarn_lake *lake, const char *name, tarn_id *out, tarn_err *err)
{
    char full[256];
    tarn_ref ref;
    tarn_code rc = tarn_ref_full(name, full, err);

    if (rc != TARN_OK) return rc;
    tarn_lake_lock(lake);
    rc = tarn_meta_ref_get(lake->meta, full, &ref, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_OK) *out = ref.commit;
    return rc;
}

/* A protected branch can be made (where its checks pass); it moves by commits and merges alone. */
static tarn_code check_guard(tarn_lake *lake, const tarn_guard *guard, const char *ref, const tarn_id *was,
                             const tarn_id *to, tarn_err *err)
{
    if (!guard->rule) return TARN_OK;
    if (was)
        return TARN_FAIL(err, TARN_DENIED,
                         "'%.200s' is protected: it cannot be %s, only committed or merged to; 'tarn lake protect' "
                         "tells the rule",
                         ref, to ? "reset or forced" : "removed");
    if (!to || !tarn_guard_requires(guard)) return TARN_OK;
    return tarn_guard_pass(lake, guard, ref, "branch", &(tarn_id){{0}}, to, NULL, err);
}

/* In a transaction. */
static tarn_code swap_guarded(tarn_lake *lake, const tarn_guard *guard, const char *ref, const tarn_id *was,
                              const tarn_id *to, const char *who, const char *why, tarn_err *err)
{
    bool same = false;
    tarn_code rc = tarn_guard_same(lake, guard, &same, err);

    if (rc == TARN_OK && !same)
        rc = TARN_FAIL(err, TARN_CONFLICT, "the lake's protection changed meanwhile; try again");
    return rc == TARN_OK ? tarn_ref_swap(lake, ref, was, to, who, why, err) : rc;
}

tarn_code tarn_lake_ref_move(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to, const char *who,
                             const char *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char full[256];
    tarn_commit *commit = NULL;
    tarn_guard guard = {.rule = NULL};

    TARN_TRY(tarn_ref_full(name, full, err));
    TARN_TRY(tarn_guard_reentry(lake, full, err));
    if (to) { /* a ref never names what is not there */
        TARN_TRY(tarn_alloc(&commit, 1, sizeof *commit, err));
        TARN_TRY(tarn_lake_commit_read(lake, to, commit, err));
        tarn_commit_clear(commit);
    }
    TARN_TRY(tarn_guard_read(lake, full, &guard, err));
    TARN_TRY(check_guard(lake, &guard, full, was, to, err));
    TARN_TRY(tarn_tx_begin_anew(lake, err));
    rc = tarn_tx_end(lake, swap_guarded(lake, &guard, full, was, to, who, why, err), err);
    if (rc == TARN_OK) tarn_audit_settle(lake, false);
done:
    json_decref(guard.rule);
    tarn_free(commit);
    return rc;
}
