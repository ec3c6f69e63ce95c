/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - what recipes made, and facts: the door's calls around the metadata's rows. */
#include "lake/commit.h"
#include "lake/object.h"
#include "lake/tree.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* ---- what entries name ---- */

static tarn_code check_piece(void *arg, const tarn_piece *piece, bool *enter, tarn_err *err)
{
    bool has = true;
    tarn_code rc = tarn_lake_has(arg, &piece->id, &has, err);

    (void)enter;
    if (rc != TARN_OK || has) return rc;
    return TARN_FAIL(err, TARN_NOT_FOUND, "a part of it was swept by a garbage collection; put it again");
}

static tarn_code check_stored(tarn_lake *lake, const tarn_entry *e, const tarn_id *id, const char *what, tarn_err *err)
{
    bool found = true;
    tarn_where where = {0};
    char hex[TARN_ID_HEX];

    if (tarn_id_none(id)) return TARN_OK;
    tarn_code rc = tarn_store_find(lake, id, &where, &found, err);
    if (rc != TARN_OK) return rc;
    if (!found)
        return TARN_FAIL(err, TARN_NOT_FOUND, "'%.200s' names %s %.12s, which was not put into the lake", e->path, what,
                         tarn_id_hex(id, hex));
    if (where.kind != TARN_KIND_LIST) return TARN_OK;
    rc = tarn_object_pieces(lake, id, check_piece, lake, err);
    if (rc != TARN_OK) tarn_err_note(err, "%.100s: %s %.12s", e->path, what, tarn_id_hex(id, hex));
    return rc;
}

tarn_code tarn_entries_check(tarn_lake *lake, const tarn_entry *entries, size_t n, bool paths, int64_t *swept,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_store_fresh(lake, swept, err));
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

tarn_code tarn_entries_hold(tarn_lake *lake, const tarn_entry *entries, size_t n, int64_t swept, tarn_err *err)
{
    tarn_code rc = tarn_store_unswept(lake, swept, NULL);

    return rc == TARN_CONFLICT ? tarn_entries_check(lake, entries, n, false, &swept, err) : rc;
}

/* ---- what recipes made ---- */

tarn_code tarn_lake_made(tarn_lake *lake, const tarn_id *recipe, const tarn_entry *outputs, size_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t swept = 0;

    if (tarn_id_none(recipe)) return TARN_FAIL(err, TARN_INVALID, "a result cannot be recorded without its recipe");
    TARN_TRY(tarn_entries_check(lake, outputs, n, false, &swept, err));
    TARN_TRY(tarn_tx_begin_anew(lake, err));
    rc = tarn_entries_hold(lake, outputs, n, swept, err);
    if (rc == TARN_OK) rc = tarn_meta_made_forget(lake->meta, recipe, err);
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
    if (strchr(key, '\n')) return TARN_FAIL(err, TARN_INVALID, "the key of a fact has no line end in it");
    if (strncmp(key, "lake/", 5) == 0)
        return TARN_FAIL(err, TARN_INVALID, "facts 'lake/...' are the lake's own, '%s' cannot be set", key);
    return TARN_OK;
}

/* What a fact is called in the metadata: its key; in an encrypted lake the key's first word and a keyed name. */
static void stored_key(const tarn_lake *lake, const char *key, char out[320])
{
    tarn_id name;
    char hex[TARN_ID_HEX];

    (void)snprintf(out, 320, "%.200s", key);
    if (!lake->ring || strncmp(key, "lake/", 5) == 0) return;
    tarn_ring_name_bytes(lake->ring, key, strlen(key), &name);
    (void)snprintf(out, 320, "%.*s/%s", (int)strcspn(key, "/"), key, tarn_id_hex(&name, hex));
}

/* In an encrypted lake the key stands before the value, sealed with it. */
static tarn_code store_fact(tarn_lake *lake, const char *key, const char *value, char **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text both = {0};
    char stored[320];

    if (!lake->ring) return tarn_strdup(value, out, err);
    stored_key(lake, key, stored);
    tarn_text_addf(&both, "%s\n", key);
    tarn_text_add(&both, value);
    TARN_TRY(tarn_text_check(&both, err));
    TARN_TRY(tarn_sealed_text(lake, stored, both.data, out, err));
done:
    tarn_text_clear(&both);
    return rc;
}

/* The fact behind a row, in place of the row's texts. */
static tarn_code open_fact(const tarn_lake *lake, const char *stored, const char *text, char **both, char **value,
                           tarn_err *err)
{
    tarn_code rc = tarn_unsealed_text(lake, stored, text, both, err);

    if (rc != TARN_OK) return rc;
    char *end = lake->ring ? strchr(*both, '\n') : NULL;
    if (lake->ring && !end) {
        tarn_free(*both);
        *both = NULL;
        return TARN_FAIL(err, TARN_CORRUPT, "the metadata is damaged: fact '%.100s' has no key", stored);
    }
    if (end) *end = '\0';
    *value = end ? end + 1 : *both;
    return TARN_OK;
}

tarn_code tarn_lake_fact_set(tarn_lake *lake, const char *key, const char *value, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL, stored[320];

    TARN_TRY(check_fact(key, err));
    stored_key(lake, key, stored);
    if (value) TARN_TRY(store_fact(lake, key, value, &text, err));
    TARN_TRY(tarn_tx_begin_anew(lake, err));
    rc = tarn_tx_end(lake, tarn_meta_fact_set(lake->meta, stored, text, err), err);
done:
    tarn_free(text);
    return rc;
}

tarn_code tarn_lake_fact_naming(tarn_lake *lake, const char *key, const char *value, const tarn_id *object,
                                tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL, stored[320];
    tarn_entry e = {.object.id = *object};
    int64_t swept = 0;

    TARN_TRY(check_fact(key, err));
    stored_key(lake, key, stored);
    (void)snprintf(e.path, sizeof e.path, "%.200s", key); /* for messages */
    TARN_TRY(store_fact(lake, key, value, &text, err));
    TARN_TRY(tarn_entries_check(lake, &e, 1, false, &swept, err));
    TARN_TRY(tarn_tx_begin_anew(lake, err));
    rc = tarn_entries_hold(lake, &e, 1, swept, err);
    if (rc == TARN_OK) rc = tarn_meta_fact_set(lake->meta, stored, text, err);
    rc = tarn_tx_end(lake, rc, err);
done:
    tarn_free(text);
    return rc;
}

tarn_code tarn_lake_fact_get(tarn_lake *lake, const char *key, char **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL, *both = NULL, *value = NULL, stored[320];

    stored_key(lake, key, stored);
    tarn_lake_lock(lake);
    rc = tarn_meta_fact_get(lake->meta, stored, &text, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_NOT_FOUND) rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no fact '%.200s'", key);
    if (rc != TARN_OK) goto done;
    TARN_TRY(open_fact(lake, stored, text, &both, &value, err));
    TARN_TRY(tarn_strdup(value, out, err));
done:
    tarn_free(text);
    tarn_free(both);
    return rc;
}

typedef struct fact {
    const char *key, *value;
} fact;

typedef struct fact_list {
    const tarn_lake *lake;
    const char *prefix;
    tarn_arena *arena;
    fact *v;
    size_t n, cap;
} fact_list;

static tarn_code add_fact(fact_list *list, const char *key, const char *value, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *k = NULL, *v = NULL;

    if (strncmp(key, "lake/", 5) == 0 || strncmp(key, list->prefix, strlen(list->prefix)) != 0) return TARN_OK;
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 32;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    TARN_TRY(tarn_arena_strndup(list->arena, key, strlen(key), &k, err));
    TARN_TRY(tarn_arena_strndup(list->arena, value, strlen(value), &v, err));
    list->v[list->n++] = (fact){k, v};
done:
    return rc;
}

static tarn_code keep_fact(void *arg, const char *stored, const char *text, tarn_err *err)
{
    fact_list *list = arg;
    char *both = NULL, *value = NULL;

    if (!list->lake->ring) return add_fact(list, stored, text, err);
    if (strncmp(stored, "lake/", 5) == 0 || strncmp(stored, "gc/", 3) == 0 || strcmp(stored, "protection") == 0)
        return TARN_OK; /* the lake's own */
    tarn_code rc = open_fact(list->lake, stored, text, &both, &value, err);
    if (rc == TARN_OK) rc = add_fact(list, both, value, err);
    tarn_free(both);
    return rc;
}

static int by_key(const void *a, const void *b)
{
    const fact *x = a, *y = b;
    return strcmp(x->key, y->key);
}

tarn_code tarn_lake_facts(tarn_lake *lake, const char *prefix, tarn_fact_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    fact_list list = {.lake = lake, .prefix = prefix ? prefix : ""};
    const char *slash = strchr(list.prefix, '/');
    char from[256];

    (void)snprintf(from, sizeof from, "%.*s", lake->ring ? (slash ? (int)(slash - list.prefix) + 1 : 0) : 255,
                   list.prefix);
    TARN_TRY(tarn_arena_new(&list.arena, err));
    tarn_lake_lock(lake);
    rc = tarn_meta_facts(lake->meta, from, keep_fact, &list, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_OK && lake->ring && list.n > 1) qsort(list.v, list.n, sizeof *list.v, by_key);
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++) rc = fn(arg, list.v[i].key, list.v[i].value, err);
done:
    tarn_arena_free(list.arena);
    tarn_free(list.v);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}
