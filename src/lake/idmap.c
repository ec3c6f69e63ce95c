/* SPDX-License-Identifier: Apache-2.0 */
/* idmap.c - open addressing with linear probing, at most two thirds full. See idmap.h. */
#include "lake/idmap.h"

#include "base/mem.h"

#include <string.h>

static size_t start_of(const tarn_idmap *map, const tarn_id *id)
{
    uint64_t h;

    memcpy(&h, id->b + 8, sizeof h);
    return (size_t)h & (map->cap - 1);
}

static tarn_idmap_slot *slot_of(const tarn_idmap *map, const tarn_id *id)
{
    size_t i = start_of(map, id);

    while (!tarn_id_none(&map->slots[i].id) && !tarn_id_equal(&map->slots[i].id, id)) i = (i + 1) & (map->cap - 1);
    return &map->slots[i];
}

uint64_t *tarn_idmap_find(const tarn_idmap *map, const tarn_id *id)
{
    if (map->n == 0) return NULL;
    tarn_idmap_slot *s = slot_of(map, id);
    return tarn_id_none(&s->id) ? NULL : &s->value;
}

static tarn_code grow(tarn_idmap *map, tarn_err *err)
{
    tarn_idmap bigger = {.cap = map->cap ? map->cap * 2 : 64, .n = map->n};
    tarn_code rc = tarn_alloc(&bigger.slots, bigger.cap, sizeof *bigger.slots, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < map->cap; i++)
        if (!tarn_id_none(&map->slots[i].id)) *slot_of(&bigger, &map->slots[i].id) = map->slots[i];
    tarn_free(map->slots);
    *map = bigger;
    return TARN_OK;
}

tarn_code tarn_idmap_put(tarn_idmap *map, const tarn_id *id, uint64_t value, bool *fresh, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (tarn_id_none(id)) return TARN_FAIL(err, TARN_INVALID, "the empty id cannot be stored");
    if (map->n * 3 >= map->cap * 2) TARN_TRY(grow(map, err));
    tarn_idmap_slot *s = slot_of(map, id);
    bool is_new = tarn_id_none(&s->id);
    if (fresh) *fresh = is_new;
    map->n += is_new;
    *s = (tarn_idmap_slot){*id, value};
done:
    return rc;
}

void tarn_idmap_reset(tarn_idmap *map)
{
    if (map->n > 0) memset(map->slots, 0, map->cap * sizeof *map->slots);
    map->n = 0;
}

void tarn_idmap_clear(tarn_idmap *map)
{
    tarn_free(map->slots);
    *map = (tarn_idmap){0};
}
