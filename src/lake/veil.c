/* SPDX-License-Identifier: Apache-2.0 */
/* veil.c - see veil.h. */
#include "lake/veil.h"

#include "lake/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHERE = 32 + 1 + TARN_VEIL_OWNER };

struct tarn_veil_row {
    const char *path;
    tarn_object object;
    tarn_id recipe, attrs;
    int64_t seq;
};

void tarn_veil_name(const tarn_ring *ring, const char *owner, const char *path, tarn_id *name)
{
    char text[TARN_VEIL_OWNER + 1 + 1025];

    int n = snprintf(text, sizeof text, "%.559s\n%.1024s", owner, path);
    tarn_ring_name_bytes(ring, text, (size_t)n, name);
}

static void where_of(const char *table, const char *owner, char out[WHERE])
{
    (void)snprintf(out, WHERE, "%.32s %.559s", table, owner);
}

tarn_code tarn_veil(const tarn_ring *ring, const char *table, const char *owner, const tarn_entry *e,
                    uint8_t out[TARN_VEIL_MOST], size_t *len, tarn_err *err)
{
    uint8_t plain[TARN_VEIL_MOST], *p = plain;
    size_t path = strnlen(e->path, 1024);
    char where[WHERE];

    tarn_put16(p, (uint16_t)path);
    memcpy(p + 2, e->path, path);
    p += 2 + path;
    memcpy(p, e->object.id.b, TARN_ID_BYTES);
    tarn_put64(p + TARN_ID_BYTES, e->object.size);
    p += TARN_ID_BYTES + 8;
    memcpy(p, e->recipe.b, TARN_ID_BYTES);
    memcpy(p + TARN_ID_BYTES, e->attrs.b, TARN_ID_BYTES);
    p += (size_t)2 * TARN_ID_BYTES;
    *len = (size_t)(p - plain) + TARN_PIECE_MORE;
    where_of(table, owner, where);
    return tarn_ring_seal(ring, where, plain, (size_t)(p - plain), out, err);
}

tarn_code tarn_unveil(const tarn_ring *ring, const char *table, const char *owner, const tarn_id *name,
                      const uint8_t *bytes, size_t len, tarn_entry *out, tarn_err *err)
{
    uint8_t plain[TARN_VEIL_MOST];
    char where[WHERE];
    tarn_id is;

    *out = (tarn_entry){.path = ""};
    where_of(table, owner, where);
    if (len < TARN_PIECE_MORE || len > TARN_VEIL_MOST)
        return TARN_FAIL(err, TARN_CORRUPT, "the metadata is damaged: a sealed row of table '%s' has %zu bytes", table,
                         len);
    tarn_code rc = tarn_ring_unseal(ring, where, bytes, len, plain, err);
    if (rc != TARN_OK) {
        tarn_err_note(err, "a sealed row of table '%s'", table);
        return rc;
    }
    tarn_cursor c = {plain, plain + len - TARN_PIECE_MORE, false};
    size_t path = tarn_get16(tarn_take(&c, 2));
    if (path > 1024) c.bad = true;
    if (!c.bad) {
        const uint8_t *text = tarn_take(&c, path);
        if (!c.bad) memcpy(out->path, text, path);
    }
    tarn_take_id(&c, &out->object.id);
    out->object.size = tarn_get64(tarn_take(&c, 8));
    tarn_take_id(&c, &out->recipe);
    tarn_take_id(&c, &out->attrs);
    tarn_veil_name(ring, owner, out->path, &is);
    if (c.bad || c.at != c.end || !tarn_id_equal(&is, name))
        return TARN_FAIL(err, TARN_CORRUPT, "the metadata is damaged: a sealed row of table '%s' holds another", table);
    return TARN_OK;
}

/* ---- lists ---- */

tarn_code tarn_veil_list_add(tarn_veil_list *list, const tarn_entry *e, int64_t seq, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *path = NULL;

    if (!list->paths) TARN_TRY(tarn_arena_new(&list->paths, err));
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 64;
        TARN_TRY(tarn_resize(&list->rows, cap, sizeof *list->rows, err));
        list->cap = cap;
    }
    TARN_TRY(tarn_arena_strndup(list->paths, e->path, strlen(e->path), &path, err));
    list->rows[list->n++] = (struct tarn_veil_row){path, e->object, e->recipe, e->attrs, seq};
done:
    return rc;
}

static int by_path(const void *a, const void *b)
{
    const struct tarn_veil_row *x = a, *y = b;
    return strcmp(x->path, y->path);
}

void tarn_veil_list_sort(tarn_veil_list *list)
{
    if (list->n > 1) qsort(list->rows, list->n, sizeof *list->rows, by_path);
}

tarn_code tarn_veil_list_each(const tarn_veil_list *list, const char *from, int64_t most,
                              tarn_code (*fn)(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err),
                              void *arg, tarn_err *err)
{
    size_t low = 0, high = list->n;
    tarn_entry e;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(list->rows[middle].path, from) < 0) low = middle + 1;
        else high = middle;
    }
    for (size_t i = low; i < list->n && (most <= 0 || i - low < (size_t)most); i++) {
        const struct tarn_veil_row *row = &list->rows[i];
        e = (tarn_entry){.object = row->object, .recipe = row->recipe, .attrs = row->attrs};
        (void)snprintf(e.path, sizeof e.path, "%s", row->path);
        tarn_code rc = fn(arg, &e, row->seq, err);
        if (rc != TARN_OK) return rc;
    }
    return TARN_OK;
}

void tarn_veil_list_clear(tarn_veil_list *list)
{
    tarn_free(list->rows);
    tarn_arena_free(list->paths);
    *list = (tarn_veil_list){.good = false};
}
