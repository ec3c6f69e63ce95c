/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - staging, what recipes made, and facts: the door's calls around meta.c's rows. */
#include "lake/commit.h"
#include "lake/tree.h"

#include "base/mem.h"

#include <string.h>

/* ---- staging ---- */

static tarn_code check_stored(tarn_lake *lake, const tarn_entry *e, const tarn_id *id, const char *what, tarn_err *err)
{
    bool has = true;
    char hex[TARN_ID_HEX];

    if (tarn_id_none(id)) return TARN_OK;
    tarn_code rc = tarn_lake_has(lake, id, &has, err);
    if (rc != TARN_OK || has) return rc;
    return TARN_FAIL(err, TARN_NOT_FOUND, "'%.200s' names %s %.12s, which was not put into the lake", e->path, what,
                     tarn_id_hex(id, hex));
}

tarn_code tarn_entries_check(tarn_lake *lake, const tarn_entry *entries, size_t n, bool paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < n; i++) {
        const tarn_entry *e = &entries[i];
        size_t len = strnlen(e->path, sizeof e->path);
        if (paths) TARN_TRY(tarn_path_check(e->path, len, err));
        if (len >= sizeof e->path) return TARN_FAIL(err, TARN_INVALID, "a name of over 1,024 bytes is too long");
        TARN_TRY(check_stored(lake, e, &e->object.id, "object", err));
        TARN_TRY(check_stored(lake, e, &e->recipe, "recipe", err));
        TARN_TRY(check_stored(lake, e, &e->attrs, "attributes", err));
    }
done:
    return rc;
}

tarn_code tarn_lake_stage(tarn_lake *lake, const char *branch, const tarn_entry *entries, size_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256];

    TARN_TRY(tarn_ref_branch(branch, ref, err));
    TARN_TRY(tarn_entries_check(lake, entries, n, true, err));
    TARN_TRY(tarn_tx_begin(lake, err));
    for (size_t i = 0; i < n && rc == TARN_OK; i++) rc = tarn_meta_stage(lake->meta, ref, &entries[i], err);
    rc = tarn_tx_end(lake, rc, err);
done:
    return rc;
}

tarn_code tarn_lake_unstage(tarn_lake *lake, const char *branch, const char *prefix, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256];

    TARN_TRY(tarn_ref_branch(branch, ref, err));
    TARN_TRY(tarn_tx_begin(lake, err));
    rc = tarn_tx_end(lake, tarn_meta_unstage(lake->meta, ref, prefix ? prefix : "", INT64_MAX, err), err);
done:
    return rc;
}

/* ---- what recipes made ---- */

tarn_code tarn_lake_made(tarn_lake *lake, const tarn_id *recipe, const tarn_entry *outputs, size_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (tarn_id_none(recipe)) return TARN_FAIL(err, TARN_INVALID, "a result cannot be recorded without its recipe");
    TARN_TRY(tarn_entries_check(lake, outputs, n, false, err));
    TARN_TRY(tarn_tx_begin(lake, err));
    rc = tarn_meta_made_forget(lake->meta, recipe, err);
    for (size_t i = 0; i < n && rc == TARN_OK; i++) rc = tarn_meta_made_add(lake->meta, recipe, &outputs[i], err);
    rc = tarn_tx_end(lake, rc, err);
done:
    return rc;
}

typedef struct entry_list {
    tarn_entry *v;
    size_t n, cap;
} entry_list;

static tarn_code keep_entry(void *arg, const tarn_entry *entry, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    entry_list *list = arg;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    list->v[list->n++] = *entry;
done:
    return rc;
}

tarn_code tarn_lake_find_made(tarn_lake *lake, const tarn_id *recipe, tarn_entry_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    entry_list list = {0};
    char hex[TARN_ID_HEX];
    bool has = true;

    tarn_lake_lock(lake);
    rc = tarn_meta_made(lake->meta, recipe, keep_entry, &list, err);
    tarn_lake_unlock(lake);
    if (rc != TARN_OK) goto done;
    if (list.n == 0) rc = TARN_FAIL(err, TARN_NOT_FOUND, "recipe %.12s has not run here", tarn_id_hex(recipe, hex));
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++) {
        if (tarn_id_none(&list.v[i].object.id)) continue;
        TARN_TRY(tarn_lake_has(lake, &list.v[i].object.id, &has, err));
        if (!has)
            rc = TARN_FAIL(err, TARN_NOT_FOUND, "output '%.200s' of recipe %.12s is gone", list.v[i].path,
                           tarn_id_hex(recipe, hex));
    }
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++) rc = fn(arg, &list.v[i], err);
done:
    tarn_free(list.v);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

/* ---- facts ---- */

static tarn_code check_fact(const char *key, tarn_err *err)
{
    size_t len = strlen(key);

    if (len == 0 || len > 200)
        return TARN_FAIL(err, TARN_INVALID, "the key of a fact has 1 to 200 bytes, not %zu", len);
    if (strncmp(key, "lake/", 5) == 0)
        return TARN_FAIL(err, TARN_INVALID, "facts 'lake/...' are the lake's own, '%s' cannot be set", key);
    return TARN_OK;
}

tarn_code tarn_lake_fact_set(tarn_lake *lake, const char *key, const char *value, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    char *stored = NULL;

    TARN_TRY(check_fact(key, err));
    TARN_TRY(tarn_sealed_text(lake, key, value, &stored, err));
    TARN_TRY(tarn_tx_begin(lake, err));
    rc = tarn_tx_end(lake, tarn_meta_fact_set(lake->meta, key, stored, err), err);
done:
    tarn_free(stored);
    return rc;
}

tarn_code tarn_lake_fact_get(tarn_lake *lake, const char *key, char **out, tarn_err *err)
{
    char *stored = NULL;

    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_fact_get(lake->meta, key, &stored, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_OK) rc = tarn_unsealed_text(lake, key, stored, out, err);
    tarn_free(stored);
    return rc;
}

typedef struct fact_list {
    tarn_arena *arena;
    struct fact {
        char *key, *value;
    } * v;
    size_t n, cap;
} fact_list;

static tarn_code keep_fact(void *arg, const char *key, const char *value, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    fact_list *list = arg;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 32;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    TARN_TRY(tarn_arena_strndup(list->arena, key, strlen(key), &list->v[list->n].key, err));
    TARN_TRY(tarn_arena_strndup(list->arena, value, strlen(value), &list->v[list->n].value, err));
    list->n++;
done:
    return rc;
}

static tarn_code give_fact(const tarn_lake *lake, const struct fact *f, tarn_fact_fn *fn, void *arg, tarn_err *err)
{
    char *value = NULL;
    tarn_code rc = TARN_OK;

    if (strncmp(f->key, "lake/", 5) == 0) return TARN_OK; /* the lake's own */
    rc = tarn_unsealed_text(lake, f->key, f->value, &value, err);
    if (rc == TARN_OK) rc = fn(arg, f->key, value, err);
    tarn_free(value);
    return rc;
}

tarn_code tarn_lake_facts(tarn_lake *lake, const char *prefix, tarn_fact_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    fact_list list = {0};

    TARN_TRY(tarn_arena_new(&list.arena, err));
    tarn_lake_lock(lake);
    rc = tarn_meta_facts(lake->meta, prefix ? prefix : "", keep_fact, &list, err);
    tarn_lake_unlock(lake);
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++) rc = give_fact(lake, &list.v[i], fn, arg, err);
done:
    tarn_arena_free(list.arena);
    tarn_free(list.v);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}
