/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.c - walking over what an object's list names. See object.h. */
#include "lake/object.h"

typedef struct walk {
    tarn_lake *lake;
    tarn_piece_fn *fn;
    void *arg;
    uint64_t at;
} walk;

static tarn_code walk_list(walk *w, const tarn_list_view *list, tarn_err *err);

static tarn_code walk_part(walk *w, const tarn_id *id, int level, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    tarn_list_view part;

    TARN_TRY(tarn_store_get(w->lake, id, "part of a list", &slab, NULL, err));
    TARN_TRY(tarn_list_open(slab.bytes, slab.len, NULL, &part, err));
    if (part.level != level - 1 || part.total != size)
        rc = TARN_FAIL(err, TARN_CORRUPT, "a part of a list of chunks does not fit");
    else TARN_TRY(walk_list(w, &part, err));
done:
    tarn_slab_clear(&slab);
    return rc;
}

static tarn_code walk_list(walk *w, const tarn_list_view *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (uint32_t i = 0; i < list->n; i++) {
        tarn_piece p = {.level = list->level, .at = w->at};
        bool enter = true;
        tarn_list_at(list, i, &p.id, &p.size);
        TARN_TRY(w->fn(w->arg, &p, &enter, err));
        if (p.level > 0 && enter) TARN_TRY(walk_part(w, &p.id, p.level, p.size, err));
        w->at = p.at + p.size;
    }
done:
    return rc;
}

tarn_code tarn_object_pieces(tarn_lake *lake, const tarn_id *object, tarn_piece_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    walk w = {lake, fn, arg, 0};
    tarn_slab slab = {0};
    tarn_where where = {0};
    tarn_list_view list;
    bool found = false, enter;
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_store_find(lake, object, &where, &found, err));
    if (!found) return TARN_FAIL(err, TARN_NOT_FOUND, "object %.12s is not in the lake", tarn_id_hex(object, hex));
    if (where.kind != TARN_KIND_LIST) {
        rc = fn(arg, &(tarn_piece){.id = *object, .size = where.raw}, &enter, err);
        goto done;
    }
    TARN_TRY(tarn_store_get(lake, object, "object", &slab, NULL, err));
    TARN_TRY(tarn_list_open(slab.bytes, slab.len, object, &list, err));
    TARN_TRY(walk_list(&w, &list, err));
done:
    tarn_slab_clear(&slab);
    return rc;
}
