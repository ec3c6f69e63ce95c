/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - history: commits from the newest back, and whether one is in another's past. */
#include "lake/idmap.h"
#include "lake/inside.h"

#include "base/mem.h"

#include <string.h>

/* Commits seen but not yet told: a heap with the newest on top, ties by id. */
typedef struct pending {
    tarn_id id;
    int64_t time_us;
} pending;

typedef struct history {
    pending *heap;
    size_t n, cap;
    tarn_idmap seen;
    tarn_commit commit;
} history;

static bool newer(const pending *a, const pending *b)
{
    if (a->time_us != b->time_us) return a->time_us > b->time_us;
    return memcmp(a->id.b, b->id.b, TARN_ID_BYTES) < 0;
}

static void swap(pending *a, pending *b)
{
    pending t = *a;
    *a = *b;
    *b = t;
}

static tarn_code push(history *h, const tarn_id *id, int64_t time_us, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool fresh = false;

    TARN_TRY(tarn_idmap_put(&h->seen, id, 1, &fresh, err));
    if (!fresh) goto done;
    if (h->n == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 32;
        TARN_TRY(tarn_resize(&h->heap, cap, sizeof *h->heap, err));
        h->cap = cap;
    }
    h->heap[h->n] = (pending){*id, time_us};
    for (size_t i = h->n++; i > 0 && newer(&h->heap[i], &h->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&h->heap[i], &h->heap[(i - 1) / 2]);
done:
    return rc;
}

static pending pop(history *h)
{
    pending top = h->heap[0];

    h->heap[0] = h->heap[--h->n];
    for (size_t i = 0;;) {
        size_t best = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < h->n; k++)
            if (newer(&h->heap[k], &h->heap[best])) best = k;
        if (best == i) return top;
        swap(&h->heap[i], &h->heap[best]);
        i = best;
    }
}

/* Read the newest pending commit into h->commit, and make its parents pending. */
static tarn_code step(tarn_lake *lake, history *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_commit *parent = NULL;
    pending top = pop(h);

    tarn_commit_clear(&h->commit);
    TARN_TRY(tarn_lake_commit_read(lake, &top.id, &h->commit, err));
    TARN_TRY(tarn_alloc(&parent, 1, sizeof *parent, err));
    for (int i = 0; i < h->commit.n_parents; i++) {
        TARN_TRY(tarn_lake_commit_read(lake, &h->commit.parents[i], parent, err));
        int64_t time_us = parent->time_us;
        tarn_commit_clear(parent);
        TARN_TRY(push(h, &h->commit.parents[i], time_us, err));
    }
done:
    tarn_free(parent);
    return rc;
}

static void history_free(history *h)
{
    if (!h) return;
    tarn_commit_clear(&h->commit);
    tarn_free(h->heap);
    tarn_idmap_clear(&h->seen);
    tarn_free(h);
}

tarn_code tarn_lake_log(tarn_lake *lake, const tarn_id *from, tarn_commit_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    history *h = NULL;

    TARN_TRY(tarn_alloc(&h, 1, sizeof *h, err));
    TARN_TRY(push(h, from, 0, err));
    while (h->n > 0) {
        TARN_TRY(step(lake, h, err));
        TARN_TRY(fn(arg, &h->commit, err));
    }
done:
    history_free(h);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

static tarn_code is_past(tarn_lake *lake, const tarn_id *old, const tarn_id *of, bool *yes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    history *h = NULL;

    *yes = false;
    TARN_TRY(tarn_alloc(&h, 1, sizeof *h, err));
    TARN_TRY(push(h, of, 0, err));
    while (h->n > 0 && !*yes) {
        TARN_TRY(step(lake, h, err));
        *yes = tarn_id_equal(&h->commit.id, old);
    }
done:
    history_free(h);
    return rc;
}

tarn_code tarn_lake_merge(tarn_lake *lake, const char *from, const char *into, const char *author, tarn_id *out,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256], why[300];
    tarn_id theirs, ours = {{0}};
    bool ahead = false, behind = false;

    TARN_TRY(tarn_ref_branch(into, ref, err));
    TARN_TRY(tarn_lake_resolve(lake, from, &theirs, err));
    TARN_TRY(tarn_lake_ref_get(lake, ref, &ours, err));
    TARN_TRY(is_past(lake, &ours, &theirs, &ahead, err));
    if (!ahead) TARN_TRY(is_past(lake, &theirs, &ours, &behind, err));
    if (behind || tarn_id_equal(&ours, &theirs)) {
        *out = ours; /* everything is in already */
        goto done;
    }
    if (!ahead) {
        rc = TARN_FAIL(err, TARN_CONFLICT,
                       "'%s' and '%s' have both moved on since they parted, so moving '%s' would lose commits; "
                       "commit the files of '%s' onto '%s' instead",
                       from, into, into, from, into);
        goto done;
    }
    (void)snprintf(why, sizeof why, "merge %.200s", from);
    TARN_TRY(tarn_lake_ref_move(lake, ref, &ours, &theirs, author, why, err));
    *out = theirs;
done:
    return rc;
}
