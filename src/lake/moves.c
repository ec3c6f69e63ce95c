/* SPDX-License-Identifier: Apache-2.0 */
/* moves.c - resetting branches, and what happened to refs. */
#include "lake/commit.h"

#include "base/mem.h"

#include <string.h>

enum { MOST_ATTEMPTS = 100 };

tarn_code tarn_lake_reset(tarn_lake *lake, const char *branch, const tarn_id *to, const char *who, const char *why,
                          tarn_id *was, int64_t *when_us, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256];

    TARN_TRY(tarn_ref_branch(branch, ref, err));
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        TARN_TRY(tarn_lake_ref_get(lake, ref, was, err));
        *when_us = tarn_now_us();
        rc = tarn_lake_ref_move(lake, ref, was, to, who, why, err);
        if (rc != TARN_CONFLICT) break; /* else somebody committed meanwhile: that is what it was, then */
    }
done:
    return rc;
}

typedef struct move_list {
    const tarn_lake *lake;
    tarn_arena *arena;
    tarn_move *v;
    size_t n, cap;
} move_list;

static tarn_code keep_move(void *arg, const tarn_move *move, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    move_list *list = arg;
    char *who = NULL, *why = NULL, *plain_who = NULL, *plain_why = NULL;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    TARN_TRY(tarn_unsealed_text(list->lake, "who", move->who, &plain_who, err));
    TARN_TRY(tarn_unsealed_text(list->lake, "why", move->why, &plain_why, err));
    TARN_TRY(tarn_arena_strndup(list->arena, plain_who, strlen(plain_who), &who, err));
    TARN_TRY(tarn_arena_strndup(list->arena, plain_why, strlen(plain_why), &why, err));
    list->v[list->n] = *move;
    list->v[list->n].who = who;
    list->v[list->n++].why = why;
done:
    tarn_free(plain_who);
    tarn_free(plain_why);
    return rc;
}

tarn_code tarn_lake_ref_moves(tarn_lake *lake, const char *name, tarn_move_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char full[256];
    move_list list = {.lake = lake};

    TARN_TRY(tarn_ref_full(name, full, err));
    TARN_TRY(tarn_arena_new(&list.arena, err));
    tarn_lake_lock(lake);
    rc = tarn_meta_ref_moves(lake->meta, full, keep_move, &list, err);
    tarn_lake_unlock(lake);
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++) rc = fn(arg, &list.v[i], err);
done:
    tarn_arena_free(list.arena);
    tarn_free(list.v);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}
