/* SPDX-License-Identifier: Apache-2.0 */
/* neighbor_graph.c - the vote of the nearest of some stored rows, found through a graph. Payload: see payload.h. */
#include "math/hnsw.h"
#include "model/stored.h"

#include <math.h>
#include <stdio.h>

enum { TILE = 8 }; /* rows that are taken out of the registers together: a line of the cache in each column */

typedef struct view {
    tarn_stored stored;
    const tarn_neighbor_graph_data *head;
    const uint32_t *size, *start, *link;
    tarn_hnsw_index index;
} view;

static uint64_t padded(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

/* Where everything behind the stored rows is, which take `at` bytes. The head and size have been checked. */
static uint64_t place(const tarn_node_view *n, uint64_t at, view *v)
{
    const char *data = n->data;
    const tarn_neighbor_graph_data *h = v->head = (const void *)(data + at);
    tarn_hnsw *g = &v->index.graph;
    uint64_t lists = 0;

    v->size = (const uint32_t *)(const void *)(data + (at += sizeof *h));
    for (uint32_t l = 0; l < h->levels; l++) lists += v->size[l];
    g->sketches = (tarn_sketches){.metric = (tarn_metric)v->stored.head->metric,
                                  .kind = (tarn_sketch_kind)h->kind,
                                  .d = n->n_in,
                                  .low = (const double *)(const void *)(data + (at += padded(4 * (uint64_t)h->levels))),
                                  .steps = h->steps};
    g->sketches.row = (const unsigned char *)(data + (at += 8 * (uint64_t)n->n_in));
    at += tarn_sketch_size(g->sketches.kind, n->n_in) * h->nodes;
    v->index.near = v->stored.near;
    v->index.first = (const uint32_t *)(const void *)(data + at);
    v->index.member = v->index.first + h->nodes + 1;
    v->start = v->index.member + v->stored.head->rows;
    v->link = v->start + lists + 1;
    at += 4 * (h->nodes + 1 + (uint64_t)v->stored.head->rows + lists + 1 + h->links);
    g->levels = h->levels;
    const uint32_t *start = v->start;
    for (uint32_t l = 0; l < h->levels; start += v->size[l++])
        g->level[l] = (tarn_hnsw_level){.nodes = v->size[l], .start = start, .link = v->link};
    return padded(at);
}

static tarn_code check_head(const tarn_neighbor_graph_data *h, const tarn_neighbors_data *rows, uint32_t d,
                            tarn_err *err)
{
    if (h->nodes < 1 || h->nodes > rows->rows || h->nodes > INT32_MAX)
        return TARN_FAIL(err, TARN_CORRUPT, "%u nodes are none or too many for %u rows", h->nodes, rows->rows);
    if (h->levels < 1 || h->levels > TARN_HNSW_LEVELS)
        return TARN_FAIL(err, TARN_CORRUPT, "%u levels are not 1 to %d", h->levels, TARN_HNSW_LEVELS);
    if (h->kind >= TARN_SKETCH_COUNT || (h->kind == TARN_SKETCH_BYTES && d > TARN_SKETCH_COLUMNS))
        return TARN_FAIL(err, TARN_CORRUPT, "kind of sketch %u is not known, or not for %u columns", h->kind, d);
    if (h->ef < rows->k || h->ef > (h->nodes > rows->k ? h->nodes : rows->k))
        return TARN_FAIL(err, TARN_CORRUPT, "ef is %u with k %u and %u nodes", h->ef, rows->k, h->nodes);
    if (!(h->recall >= 0 && h->recall <= 1) || !(h->steps > 0) || !isfinite(h->steps))
        return TARN_FAIL(err, TARN_CORRUPT, "recall is %g, or steps is %g", h->recall, h->steps);
    return TARN_OK;
}

/* The heads, and that the payload is as long as they say. */
static tarn_code check_lengths(const tarn_node_view *n, view *v, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t at = 0, want;
    const uint32_t *size;

    TARN_TRY(tarn_stored_check(n, &v->stored, &at, err));
    if (v->stored.head->tree || v->stored.head->brief)
        return TARN_FAIL(err, TARN_CORRUPT, "a tree or briefs have no place here");
    if (n->len < at + sizeof *v->head) return TARN_FAIL(err, TARN_CORRUPT, "payload ends before the graph's head");
    const tarn_neighbor_graph_data *h = (const void *)((const char *)n->data + at);
    TARN_TRY(check_head(h, v->stored.head, n->n_in, err));
    size = (const uint32_t *)(const void *)(h + 1);
    if (n->len < at + sizeof *h + padded(4 * (uint64_t)h->levels))
        return TARN_FAIL(err, TARN_CORRUPT, "payload ends within the sizes of levels");
    for (uint32_t l = 0; l < h->levels; l++)
        if (size[l] < 1 || size[l] > (l ? size[l - 1] : h->nodes) || size[0] != h->nodes)
            return TARN_FAIL(err, TARN_CORRUPT, "level %u has %u of %u nodes", l, size[l], h->nodes);
    want = place(n, at, v);
    TARN_TRY(tarn_node_check_len(n, want, err));
done:
    return rc;
}

/* at[0] .. at[n] ascend from 0 to `end`. */
static tarn_code check_parts(const uint32_t *at, uint64_t n, uint32_t end, uint32_t least, const char *what,
                             tarn_err *err)
{
    if (at[0] != 0 || at[n] != end)
        return TARN_FAIL(err, TARN_CORRUPT, "%s goes from %u to %u, not from 0 to %u", what, at[0], at[n], end);
    for (uint64_t i = 0; i < n; i++)
        if (at[i + 1] < at[i] || at[i + 1] - at[i] < least)
            return TARN_FAIL(err, TARN_CORRUPT, "%s[%llu] is %u after %u", what, (unsigned long long)i + 1, at[i + 1],
                             at[i]);
    return TARN_OK;
}

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    view v;
    uint64_t lists = 0;

    TARN_TRY(check_lengths(n, &v, err));
    TARN_TRY(tarn_node_check_finite(v.index.graph.sketches.low, n->n_in, "low", err));
    TARN_TRY(check_parts(v.index.first, v.head->nodes, v.stored.head->rows, 1, "first", err));
    for (uint32_t i = 0; i < v.stored.head->rows; i++)
        if (v.index.member[i] >= v.stored.head->rows)
            return TARN_FAIL(err, TARN_CORRUPT, "member[%u] is %u of %u", i, v.index.member[i], v.stored.head->rows);
    for (uint32_t l = 0; l < v.head->levels; l++) lists += v.size[l];
    TARN_TRY(check_parts(v.start, lists, v.head->links, 0, "start", err));
    const uint32_t *start = v.start;
    for (uint32_t l = 0; l < v.head->levels; start += v.size[l++])
        for (uint32_t i = start[0]; i < start[v.size[l]]; i++)
            if (v.link[i] >= v.size[l])
                return TARN_FAIL(err, TARN_CORRUPT, "link[%u] is %u of %u on level %u", i, v.link[i], v.size[l], l);
done:
    return rc;
}

/* Scratch: a search's work, a sketch, TILE rows, and the nearest. */
static void part_scratch(const view *v, void *scratch, tarn_hnsw_work *work, unsigned char **sketch, double **tile,
                         tarn_hit **hit)
{
    const tarn_sketches *s = &v->index.graph.sketches;
    char *at = scratch;

    tarn_hnsw_work_set(work, v->head->nodes, v->head->ef, at);
    *sketch = (unsigned char *)(at += tarn_hnsw_work_bytes(v->head->nodes, v->head->ef));
    *tile = (double *)(void *)(at += tarn_sketch_size(s->kind, s->d));
    *hit = (tarn_hit *)(void *)(at + TILE * s->d * sizeof **tile);
}

static void view_of(const tarn_node_view *n, view *v)
{
    *v = (view){0};
    (void)place(n, tarn_stored_view(n, &v->stored), v);
}

static size_t scratch_bytes(const tarn_node_view *n, size_t rows, size_t longest)
{
    view v;
    (void)rows, (void)longest;

    view_of(n, &v);
    return tarn_hnsw_work_bytes(v.head->nodes, v.head->ef) + tarn_sketch_size((tarn_sketch_kind)v.head->kind, n->n_in) +
           TILE * (size_t)n->n_in * sizeof(double) + v.stored.head->k * sizeof(tarn_hit);
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs, void *scratch)
{
    view v;
    tarn_hnsw_work work;
    unsigned char *sketch;
    double *tile;
    tarn_hit *hit;

    view_of(n, &v);
    part_scratch(&v, scratch, &work, &sketch, &tile, &hit);
    for (size_t at = 0; at < rows; at += TILE) {
        size_t some = rows - at < TILE ? rows - at : TILE;
        for (size_t j = 0; j < n->n_in; j++)
            for (size_t i = 0; i < some; i++) {
                double x = regs[n->in[j] * stride + at + i];
                tile[i * n->n_in + j] = x > -1e150 ? (x < 1e150 ? x : 1e150) : -1e150;
            }
        for (size_t i = 0; i < some; i++) {
            tarn_best best = {.hit = hit, .k = v.stored.head->k};
            tarn_sketch_make(&v.index.graph.sketches, tile + i * n->n_in, sketch);
            tarn_hnsw_search(&v.index.graph, sketch, v.head->ef, &work);
            tarn_hnsw_rank(&v.index, tile + i * n->n_in, &work, &best);
            tarn_best_sort(&best);
            tarn_stored_vote(&v.stored, n, &best, at + i, stride, regs);
        }
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    static const char *const names[TARN_METRIC_COUNT] = {"euclidean", "manhattan", "chebyshev", "cosine"};
    const tarn_neighbors_data *rows = n->data;
    view v;

    view_of(n, &v);
    (void)snprintf(out, cap,
                   "the %u nearest of %u rows, %s distance in %u columns, by a graph searched %u wide: "
                   "recall %.4f of %u rows",
                   rows->k, rows->rows, names[rows->metric], n->n_in, v.head->ef, v.head->recall, v.head->sample);
}

const tarn_node_kind tarn_node_neighbor_graph = {
    .name = "neighbor_graph",
    .title = "The vote of the nearest stored rows, by a graph",
    .id = 41,
    .check = check,
    .scratch = scratch_bytes,
    .run_with = run,
    .text = text,
};
