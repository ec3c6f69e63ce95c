/* SPDX-License-Identifier: Apache-2.0 */
/* hnsw_build.c - making a graph of neighbours in batches. See hnsw_build.h.
 *
 * Which of the near ones a node has links to: nearest first, each that is nearer to the node than to every one chosen
 * before (algorithm 4 of the paper), so that links lead in all directions. Equal keys go to the lower node. */
#include "math/hnsw_build.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { PART = 50 /* a batch is this part of what is in */ };

typedef struct level {
    uint32_t nodes;
    size_t width;                /* most links of a node */
    uint32_t *link, *key, *head; /* (nodes, width) twice; head (nodes): 1 + the first of the new edges */
    uint16_t *count;             /* (nodes) */
} level;

/* A link back, to be entered; next: 1 + that of the same node and level, 0 for the last one. */
typedef struct edge {
    uint32_t from, key, next;
} edge;

typedef struct touched {
    uint32_t level, node;
} touched;

/* A link that pruning or packing adds besides: from one node to another, on level 0. */
typedef struct bridge {
    uint32_t from, to;
} bridge;

struct tarn_hnsw_build {
    tarn_sketches sketches;
    size_t nodes, m, ef, in, size, body;
    tarn_sketch_key *keys;
    uint32_t levels;
    level level[TARN_HNSW_LEVELS];
    /* While nodes are added: */
    size_t batch, threads, work_bytes;
    char *work; /* (threads, work_bytes) */
    edge *edges;
    touched *list;
    size_t n_edges, n_list, edges_cap;
    bridge *bridges; /* ascending by from */
    size_t n_bridges, bridges_cap;
};

static size_t candidates_cap(const tarn_hnsw_build *b) { return 4 * b->m; }

static tarn_code level_new(tarn_hnsw_build *b, size_t nodes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    level *l = &b->level[b->levels];

    *l = (level){.nodes = (uint32_t)nodes, .width = b->levels == 0 ? 2 * b->m : b->m};
    b->levels++;
    TARN_TRY(tarn_alloc(&l->link, nodes * l->width, sizeof *l->link, err));
    TARN_TRY(tarn_alloc(&l->key, nodes * l->width, sizeof *l->key, err));
    TARN_TRY(tarn_alloc(&l->head, nodes, sizeof *l->head, err));
    TARN_TRY(tarn_alloc(&l->count, nodes, sizeof *l->count, err));
done:
    return rc;
}

tarn_code tarn_hnsw_build_new(const tarn_sketches *sketches, size_t nodes, size_t m, size_t ef, tarn_hnsw_build **out,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hnsw_build *b = NULL;

    TARN_TRY(tarn_alloc(&b, 1, sizeof *b, err));
    b->sketches = *sketches;
    b->nodes = nodes;
    b->m = m;
    b->ef = ef;
    b->size = tarn_sketch_size(sketches->kind, sketches->d);
    b->body = tarn_sketch_body(sketches->kind, sketches->d);
    b->keys = tarn_sketch_keys(sketches->metric, sketches->kind);
    TARN_TRY(level_new(b, nodes, err));
    for (size_t n = nodes / m; n > 0 && b->levels < TARN_HNSW_LEVELS; n /= m) TARN_TRY(level_new(b, n, err));
    *out = b;
    b = NULL;
done:
    tarn_hnsw_build_free(b);
    return rc;
}

static void working_free(tarn_hnsw_build *b)
{
    tarn_free(b->work);
    tarn_free(b->edges);
    tarn_free(b->list);
    b->work = NULL;
    b->edges = NULL;
    b->list = NULL;
    b->n_edges = b->n_list = b->edges_cap = 0;
}

void tarn_hnsw_build_free(tarn_hnsw_build *b)
{
    if (!b) return;
    working_free(b);
    for (uint32_t l = 0; l < b->levels; l++) {
        tarn_free(b->level[l].link);
        tarn_free(b->level[l].key);
        tarn_free(b->level[l].head);
        tarn_free(b->level[l].count);
    }
    tarn_free(b->bridges);
    tarn_free(b);
}

void tarn_hnsw_build_view(const tarn_hnsw_build *b, tarn_hnsw *out)
{
    *out = (tarn_hnsw){.sketches = b->sketches, .levels = b->levels};
    for (uint32_t l = 0; l < b->levels; l++)
        out->level[l] = (tarn_hnsw_level){.nodes = b->level[l].nodes,
                                          .link = b->level[l].link,
                                          .count = b->level[l].count,
                                          .width = b->level[l].width};
}

static const unsigned char *row_of(const tarn_hnsw_build *b, uint64_t node) { return b->sketches.row + node * b->size; }

/* Choose up to `limit` of n candidates (ascending) for the node that their keys are about, into its list. */
static void choose(const tarn_hnsw_build *b, const uint64_t *candidate, size_t n, size_t limit, level *l, size_t node)
{
    uint32_t *link = l->link + node * l->width, *key = l->key + node * l->width;
    size_t chosen = 0;

    for (size_t i = 0; i < n && chosen < limit; i++) {
        uint32_t other = tarn_hnsw_node(candidate[i]), own = tarn_hnsw_key(candidate[i]);
        const unsigned char *row = row_of(b, other);
        bool good = true;
        for (size_t c = 0; c < chosen && good; c++) good = b->keys(row_of(b, link[c]), row, b->body) > own;
        if (!good) continue;
        link[chosen] = other;
        key[chosen++] = own;
    }
    l->count[node] = (uint16_t)chosen;
}

/* ---- looking for the nodes of a batch ---- */

static uint32_t top_of(const tarn_hnsw_build *b, size_t node)
{
    uint32_t l = 0;

    while (l + 1 < b->levels && node < b->level[l + 1].nodes) l++;
    return l;
}

static tarn_code look_for(void *arg, int64_t block, int worker, tarn_err *err)
{
    tarn_hnsw_build *b = arg;
    size_t node = b->in + (size_t)block;
    uint32_t top = top_of(b, node);
    tarn_hnsw_work w;
    tarn_hnsw g;
    (void)err;

    tarn_hnsw_build_view(b, &g);
    tarn_hnsw_work_set(&w, b->nodes, b->ef, b->work + (size_t)worker * b->work_bytes);
    tarn_hnsw_descend(&g, top, row_of(b, node), &w);
    for (uint32_t l = top + 1; l-- > 0;) {
        tarn_hnsw_walk(&g, l, row_of(b, node), b->ef, &w);
        choose(b, w.found, w.n, b->m, &b->level[l], node);
    }
    return TARN_OK;
}

/* ---- links back ---- */

static tarn_code add_edge(tarn_hnsw_build *b, uint32_t at, uint32_t node, uint32_t from, uint32_t key, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t *head = &b->level[at].head[node];

    if (b->n_edges == b->edges_cap) {
        size_t cap = b->edges_cap ? 2 * b->edges_cap : 1024;
        TARN_TRY(tarn_resize(&b->edges, cap, sizeof *b->edges, err));
        TARN_TRY(tarn_resize(&b->list, cap, sizeof *b->list, err));
        b->edges_cap = cap;
    }
    if (*head == 0) b->list[b->n_list++] = (touched){at, node};
    b->edges[b->n_edges++] = (edge){from, key, *head};
    *head = (uint32_t)b->n_edges;
done:
    return rc;
}

/* From the last node of the batch to the first, so that each chain has them in ascending order. */
static tarn_code gather_edges(tarn_hnsw_build *b, size_t batch, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    b->n_edges = b->n_list = 0;
    for (size_t node = b->in + batch; node-- > b->in;)
        for (uint32_t at = top_of(b, node) + 1; at-- > 0;) {
            const level *l = &b->level[at];
            for (size_t i = 0; i < l->count[node]; i++)
                TARN_TRY(
                    add_edge(b, at, l->link[node * l->width + i], (uint32_t)node, l->key[node * l->width + i], err));
        }
done:
    return rc;
}

static void sort(uint64_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t own = x[i];
        size_t at = i;
        for (; at > 0 && x[at - 1] > own; at--) x[at] = x[at - 1];
        x[at] = own;
    }
}

/* Enter the new links of one node; where there are too many, choose. */
static tarn_code link_back(void *arg, int64_t block, int worker, tarn_err *err)
{
    tarn_hnsw_build *b = arg;
    touched t = b->list[block];
    level *l = &b->level[t.level];
    uint32_t *link = l->link + t.node * l->width, *key = l->key + t.node * l->width, at = l->head[t.node];
    uint64_t *candidate = (uint64_t *)(void *)(b->work + (size_t)worker * b->work_bytes);
    (void)err;

    l->head[t.node] = 0;
    while (at > 0) {
        size_t n = l->count[t.node];
        for (; at > 0 && n < l->width; at = b->edges[at - 1].next) {
            link[n] = b->edges[at - 1].from;
            key[n++] = b->edges[at - 1].key;
        }
        l->count[t.node] = (uint16_t)n;
        if (at == 0) break;
        for (size_t i = 0; i < n; i++) candidate[i] = (uint64_t)key[i] << 32 | (uint64_t)link[i] << 1;
        for (; at > 0 && n < candidates_cap(b); at = b->edges[at - 1].next)
            candidate[n++] = (uint64_t)b->edges[at - 1].key << 32 | (uint64_t)b->edges[at - 1].from << 1;
        sort(candidate, n);
        choose(b, candidate, n, l->width, l, t.node);
    }
    return TARN_OK;
}

tarn_code tarn_hnsw_build_add(tarn_hnsw_build *b, size_t end, tarn_pool *pool, const tarn_sink *sink, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t threads = (size_t)tarn_pool_threads(pool), most = candidates_cap(b);

    b->work_bytes = tarn_hnsw_work_bytes(b->nodes, b->ef > most ? b->ef : most);
    TARN_TRY(tarn_alloc(&b->work, threads, b->work_bytes, err));
    if (b->in == 0 && end > 0) b->in = 1; /* node 0 has nobody to look for */
    while (b->in < end) {
        size_t batch = b->in / PART > 0 ? b->in / PART : 1;
        if (batch > end - b->in) batch = end - b->in;
        TARN_TRY(tarn_cancel_check(sink, err));
        TARN_TRY(tarn_pool_run(pool, (int64_t)batch, look_for, b, err));
        TARN_TRY(gather_edges(b, batch, err));
        TARN_TRY(tarn_pool_run(pool, (int64_t)b->n_list, link_back, b, err));
        b->in += batch;
        tarn_progress(sink, "linking", (int64_t)b->in, (int64_t)b->nodes, "rows");
    }
done:
    working_free(b);
    return rc;
}

/* ---- joining and packing ---- */

/* Mark what can be reached from `from`; stack (nodes). */
static void reach(const tarn_hnsw_build *b, uint32_t from, unsigned char *reached, uint32_t *stack)
{
    const level *l = &b->level[0];
    size_t n = 0;

    reached[from] = 1;
    stack[n++] = from;
    while (n > 0) {
        uint32_t node = stack[--n];
        for (size_t i = 0; i < l->count[node]; i++) {
            uint32_t to = l->link[node * l->width + i];
            if (reached[to]) continue;
            reached[to] = 1;
            stack[n++] = to;
        }
    }
}

/* The nearest to `node` that is found on level 0 from node 0. */
static uint32_t nearest_found(const tarn_hnsw_build *b, uint32_t node, tarn_hnsw_work *w)
{
    tarn_hnsw g;

    tarn_hnsw_build_view(b, &g);
    tarn_hnsw_descend(&g, b->levels - 1, row_of(b, node), w);
    tarn_hnsw_walk(&g, 0, row_of(b, node), b->ef, w);
    return tarn_hnsw_node(w->found[0]);
}

static tarn_code add_bridge(tarn_hnsw_build *b, uint32_t from, uint32_t to, tarn_err *err)
{
    if (b->n_bridges == b->bridges_cap) {
        size_t cap = b->bridges_cap ? 2 * b->bridges_cap : 64;
        tarn_code rc = tarn_resize(&b->bridges, cap, sizeof *b->bridges, err);
        if (rc != TARN_OK) return rc;
        b->bridges_cap = cap;
    }
    b->bridges[b->n_bridges++] = (bridge){from, to};
    return TARN_OK;
}

static int by_from(const void *x, const void *y)
{
    const bridge *a = x, *b = y;

    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

tarn_code tarn_hnsw_build_join(tarn_hnsw_build *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    unsigned char *reached = NULL;
    uint32_t *stack = NULL;
    char *bytes = NULL;
    tarn_hnsw_work w;

    TARN_TRY(tarn_alloc(&reached, b->nodes, 1, err));
    TARN_TRY(tarn_alloc(&stack, b->nodes, sizeof *stack, err));
    TARN_TRY(tarn_alloc(&bytes, 1, tarn_hnsw_work_bytes(b->nodes, b->ef), err));
    tarn_hnsw_work_set(&w, b->nodes, b->ef, bytes);
    reach(b, 0, reached, stack);
    for (uint32_t node = 0; node < b->nodes; node++) {
        if (reached[node]) continue;
        TARN_TRY(add_bridge(b, nearest_found(b, node, &w), node, err));
        reach(b, node, reached, stack);
    }
    if (b->n_bridges > 0) qsort(b->bridges, b->n_bridges, sizeof *b->bridges, by_from);
done:
    tarn_free(reached);
    tarn_free(stack);
    tarn_free(bytes);
    return rc;
}

void tarn_hnsw_build_size(const tarn_hnsw_build *b, size_t *lists, size_t *links)
{
    *lists = 0;
    *links = b->n_bridges;
    for (uint32_t l = 0; l < b->levels; l++) {
        *lists += b->level[l].nodes;
        for (size_t i = 0; i < b->level[l].nodes; i++) *links += b->level[l].count[i];
    }
}

void tarn_hnsw_build_pack(const tarn_hnsw_build *b, uint32_t *start, uint32_t *link)
{
    size_t list = 0, at = 0, next = 0;

    for (uint32_t k = 0; k < b->levels; k++) {
        const level *l = &b->level[k];
        for (size_t i = 0; i < l->nodes; i++) {
            start[list++] = (uint32_t)at;
            memcpy(link + at, l->link + i * l->width, l->count[i] * sizeof *link);
            at += l->count[i];
            for (; k == 0 && next < b->n_bridges && b->bridges[next].from == i; next++)
                link[at++] = b->bridges[next].to;
        }
    }
    start[list] = (uint32_t)at;
}
