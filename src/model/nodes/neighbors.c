/* SPDX-License-Identifier: Apache-2.0 */
/* neighbors.c - the vote of the nearest of some stored rows, exactly. Payload: see payload.h.
 *
 * With few columns each row goes down a tree; else rows go through all stored ones together, as many as there is room
 * for: the stored rows, which are more than any cache holds, are then read once for all of them. */
#include "model/stored.h"

#include <stdio.h>

/* Hits in all lists, and values of the rows asked about: 2 MB each at most, unless one row has more. */
enum { MOST_HITS = 1 << 17, MOST_VALUES = 1 << 18, MOST_TOGETHER = 8 * TARN_NEAR_TILE };

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_stored s;
    uint64_t len = 0;
    tarn_code rc = tarn_stored_check(n, &s, &len, err);

    if (rc == TARN_OK) rc = tarn_node_check_len(n, len, err);
    return rc;
}

/* A row comes alone from a tree; else whole tiles. */
static size_t together(const tarn_node_view *n)
{
    const tarn_neighbors_data *head = n->data;
    size_t most = MOST_HITS / 8 / head->k, rows = MOST_VALUES / n->n_in;

    if (head->tree) return 1;
    rows = most < rows ? most : rows;
    rows = rows < MOST_TOGETHER ? rows : MOST_TOGETHER;
    return rows < TARN_NEAR_TILE ? TARN_NEAR_TILE : rows - rows % TARN_NEAR_TILE;
}

/* Lists of the nearest of so many rows, their hits, and what sifting needs. */
static size_t scratch_of(const tarn_node_view *n, size_t rows, size_t longest)
{
    const tarn_neighbors_data *head = n->data;
    size_t some = together(n), k = head->k;

    (void)longest;
    some = rows < some ? rows : some;
    return some * (sizeof(tarn_best) + k * sizeof(tarn_hit)) +
           (head->brief ? tarn_near_sift_bytes(n->n_in, k, some) : 0);
}

static void search(const tarn_stored *s, const tarn_asked *q, size_t rows, tarn_best *best, void *scratch)
{
    if (s->head->tree) tarn_kd_search(&s->kd, q, 0, best);
    else if (s->head->brief) tarn_near_sift(&s->near, q, rows, best, scratch);
    else tarn_near_scan(&s->near, q, rows, best);
}

static void run_with(const tarn_node_view *n, size_t rows, size_t stride, double *regs, void *scratch)
{
    tarn_stored s;
    size_t most = together(n), k = ((const tarn_neighbors_data *)n->data)->k;
    tarn_best *best = scratch;

    most = rows < most ? rows : most;
    tarn_hit *hit = (tarn_hit *)(void *)(best + most);
    (void)tarn_stored_view(n, &s);
    for (size_t at = 0; at < rows; at += most) {
        size_t some = rows - at < most ? rows - at : most;
        const tarn_asked q = {.values = regs + at, .column = n->in, .stride = stride};
        for (size_t i = 0; i < some; i++) best[i] = (tarn_best){.hit = hit + i * k, .k = k};
        search(&s, &q, some, best, hit + most * k);
        for (size_t i = 0; i < some; i++) {
            tarn_best_sort(&best[i]);
            tarn_stored_vote(&s, n, &best[i], at + i, stride, regs);
        }
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    static const char *const names[TARN_METRIC_COUNT] = {"euclidean", "manhattan", "chebyshev", "cosine"};
    const tarn_neighbors_data *head = n->data;

    (void)snprintf(out, cap, "the %u nearest of %u rows, %s distance in %u columns%s", head->k, head->rows,
                   names[head->metric], n->n_in, head->tree ? ", by a tree" : "");
}

const tarn_node_kind tarn_node_neighbors = {
    .name = "neighbors",
    .title = "The vote of the nearest stored rows",
    .id = 40,
    .check = check,
    .scratch = scratch_of,
    .run_with = run_with,
    .together = together,
    .text = text,
};
