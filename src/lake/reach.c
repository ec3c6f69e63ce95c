/* SPDX-License-Identifier: Apache-2.0 */
/* reach.c - see reach.h. History is walked with a list of commits to do, trees with a walk, lists by their pieces: the
 * depth of calls does not grow with what is in the lake. */
#include "lake/reach.h"

#include "base/mem.h"
#include "lake/commit.h"
#include "lake/object.h"
#include "lake/tree.h"

static tarn_code visit(const tarn_reach *r, const tarn_id *id, bool base, tarn_where *where, bool *enter, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool found = false;
    tarn_delta delta;
    char hex[TARN_ID_HEX];

    *enter = false;
    TARN_TRY(tarn_store_find(r->lake, id, where, &found, err));
    if (!found) return TARN_FAIL(err, TARN_NOT_FOUND, "record %.12s is not in the lake", tarn_id_hex(id, hex));
    TARN_TRY(r->visit(r->arg, id, where, base, enter, err));
    if (!*enter || where->coding != TARN_CODING_DELTA) goto done;
    TARN_TRY(tarn_store_bases(r->lake, id, &delta, err));
    for (int i = 0; i < delta.n; i++) {
        tarn_where other;
        bool other_enter;
        TARN_TRY(visit(r, &delta.base[i], true, &other, &other_enter, err)); /* at most 8 deep: bases end */
    }
done:
    return rc;
}

tarn_code tarn_reach_base(const tarn_reach *r, const tarn_id *id, tarn_err *err)
{
    tarn_where where;
    bool enter;

    return visit(r, id, true, &where, &enter, err);
}

static tarn_code visit_piece(void *arg, const tarn_piece *piece, bool *enter, tarn_err *err)
{
    tarn_where where;

    return visit(arg, &piece->id, false, &where, enter, err);
}

static tarn_code reach_object(const tarn_reach *r, const tarn_id *id, tarn_err *err)
{
    tarn_where where;
    bool enter = false;
    tarn_reach copy = *r;
    tarn_code rc = visit(r, id, false, &where, &enter, err);

    if (rc != TARN_OK || !enter || where.kind != TARN_KIND_LIST) return rc;
    return tarn_object_pieces(r->lake, id, visit_piece, &copy, err);
}

static tarn_code reach_item(const tarn_reach *r, const tarn_item *item, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(reach_object(r, &item->id, err));
    if (!tarn_id_none(&item->recipe)) TARN_TRY(reach_object(r, &item->recipe, err));
    if (!tarn_id_none(&item->attrs)) TARN_TRY(reach_object(r, &item->attrs, err));
done:
    return rc;
}

static tarn_code reach_tree(const tarn_reach *r, const tarn_id *root, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_walk w = {0};
    tarn_where where;
    bool enter = false;
    uint32_t steps = 0;

    TARN_TRY(visit(r, root, false, &where, &enter, err));
    if (!enter) goto done;
    TARN_TRY(tarn_walk_open(&w, r->lake, root, err));
    while (w.depth > 0) {
        const tarn_item *item = tarn_walk_item(&w);
        if (++steps % 1024 == 0) TARN_TRY(tarn_cancel_check(r->sink, err));
        if (tarn_walk_level(&w) == 0) {
            TARN_TRY(reach_item(r, item, err));
            tarn_walk_pass(&w);
            continue;
        }
        TARN_TRY(visit(r, &item->id, false, &where, &enter, err));
        if (enter) TARN_TRY(tarn_walk_enter(&w, err));
        else tarn_walk_pass(&w);
    }
done:
    tarn_walk_close(&w);
    return rc;
}

static tarn_code reach_commits(const tarn_reach *r, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_ids todo = {0};
    tarn_commit *c = NULL;
    tarn_where where;
    bool enter = false;

    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    TARN_TRY(tarn_ids_add(&todo, id, err));
    while (todo.n > 0) {
        tarn_id now = todo.v[--todo.n];
        TARN_TRY(tarn_cancel_check(r->sink, err));
        TARN_TRY(visit(r, &now, false, &where, &enter, err));
        if (!enter) continue;
        TARN_TRY(tarn_lake_commit_read(r->lake, &now, c, err));
        tarn_commit_clear(c);
        for (int i = 0; i < c->n_parents; i++) TARN_TRY(tarn_ids_add(&todo, &c->parents[i], err));
        TARN_TRY(reach_tree(r, &c->tree, err));
    }
done:
    tarn_free(c);
    tarn_free(todo.v);
    return rc;
}

tarn_code tarn_reach_from(const tarn_reach *r, const tarn_id *id, tarn_err *err)
{
    tarn_where where = {0};
    bool found = false;
    char hex[TARN_ID_HEX];
    tarn_code rc = tarn_store_find(r->lake, id, &where, &found, err);

    if (rc != TARN_OK) return rc;
    if (!found) return TARN_FAIL(err, TARN_NOT_FOUND, "record %.12s is not in the lake", tarn_id_hex(id, hex));
    if (where.kind == TARN_KIND_COMMIT) return reach_commits(r, id, err);
    return where.kind == TARN_KIND_NODE ? reach_tree(r, id, err) : reach_object(r, id, err);
}
