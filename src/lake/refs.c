/* SPDX-License-Identifier: Apache-2.0 */
/* refs.c - names of commits, and moving them. The rows are meta.c's. */
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

tarn_code tarn_ref_swap(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to, const char *who,
                        const char *why, tarn_err *err)
{
    tarn_ref now = {.time_us = 0};
    tarn_code rc = tarn_meta_ref_get(lake->meta, name, &now, err);

    if (rc != TARN_OK && rc != TARN_NOT_FOUND) return rc;
    bool there = rc == TARN_OK;
    if (!was && there) return TARN_FAIL(err, TARN_CONFLICT, "'%s' exists already", name);
    if (was && !there) return TARN_FAIL(err, TARN_CONFLICT, "'%s' does not exist any more", name);
    if (was && !tarn_id_equal(was, &now.commit))
        return TARN_FAIL(err, TARN_CONFLICT, "'%s' has moved meanwhile; look at it and try again", name);
    rc = tarn_hold_guard(lake, name, there ? &now.commit : NULL, to, err);
    if (rc == TARN_OK) rc = log_and_set(lake, name, there ? &now.commit : NULL, to, who, why, err);
    return rc == TARN_OK ? tarn_hold_by_rule(lake, name, to, who, err) : rc;
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

tarn_code tarn_lake_ref_move(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to, const char *who,
                             const char *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char full[256];
    tarn_commit *commit = NULL;

    TARN_TRY(tarn_ref_full(name, full, err));
    if (to) { /* a ref never names what is not there */
        TARN_TRY(tarn_alloc(&commit, 1, sizeof *commit, err));
        TARN_TRY(tarn_lake_commit_read(lake, to, commit, err));
        tarn_commit_clear(commit);
    }
    TARN_TRY(tarn_tx_begin(lake, err));
    rc = tarn_tx_end(lake, tarn_ref_swap(lake, full, was, to, who, why, err), err);
done:
    tarn_free(commit);
    return rc;
}
