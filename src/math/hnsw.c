/* SPDX-License-Identifier: Apache-2.0 */
/* hnsw.c - walking through a graph of neighbours. See hnsw.h. */
#include "math/hnsw.h"

#include <string.h>

enum { TOGETHER = 64, LINE = 64, AHEAD = 2 };

static size_t words_for(size_t nodes) { return (nodes + 63) / 64; }

size_t tarn_hnsw_work_bytes(size_t nodes, size_t ef) { return 8 * (ef + 1 + words_for(nodes)); }

void tarn_hnsw_work_set(tarn_hnsw_work *w, size_t nodes, size_t ef, void *bytes)
{
    *w = (tarn_hnsw_work){.found = bytes, .ef = ef};
    w->seen = w->found + ef + 1;
    memset(w->seen, 0, 8 * words_for(nodes));
}

static const uint32_t *links_of(const tarn_hnsw_level *level, uint32_t node, size_t *n)
{
    if (level->start) {
        *n = level->start[node + 1] - level->start[node];
        return level->link + level->start[node];
    }
    *n = level->count[node];
    return level->link + node * level->width;
}

/* True the first time. */
static bool is_new(tarn_hnsw_work *w, uint32_t node)
{
    uint64_t bit = UINT64_C(1) << (node & 63), *word = &w->seen[node / 64];

    if (*word & bit) return false;
    *word |= bit;
    return true;
}

size_t tarn_hnsw_put(tarn_hnsw_work *w, size_t ef, uint64_t entry)
{
    size_t low = 0, high = w->n;

    if (w->n == ef && entry > w->found[w->n - 1]) return w->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (w->found[middle] < entry) low = middle + 1;
        else high = middle;
    }
    memmove(w->found + low + 1, w->found + low, (w->n - low) * sizeof *w->found);
    w->found[low] = entry;
    w->n += w->n < ef;
    return low;
}

static void fetch(const unsigned char *row, size_t body)
{
    for (size_t j = 0; j < body; j += LINE) __builtin_prefetch(row + j);
}

static void fetch_links(const tarn_hnsw_level *level, uint32_t node)
{
    size_t n;
    const uint32_t *link = links_of(level, node, &n);

    __builtin_prefetch(link);
    __builtin_prefetch(link + LINE / sizeof *link);
}

typedef struct walk {
    const unsigned char *rows, *sketch;
    size_t size, body;
    tarn_sketch_key *key;
} walk;

static walk begin(const tarn_hnsw *g, const unsigned char *sketch)
{
    const tarn_sketches *s = &g->sketches;

    return (walk){.rows = s->row,
                  .sketch = sketch,
                  .size = tarn_sketch_size(s->kind, s->d),
                  .body = tarn_sketch_body(s->kind, s->d),
                  .key = tarn_sketch_keys(s->metric, s->kind)};
}

static uint64_t entry_of(const walk *k, uint32_t node)
{
    return (uint64_t)k->key(k->rows + node * k->size, k->sketch, k->body) << 32 | (uint64_t)node << 1;
}

/* Measure n new nodes and keep the good ones, whose links will be wanted soon; returns the first place in found that
 * changed. */
static size_t measure(const walk *k, const tarn_hnsw_level *level, const uint32_t *node, size_t n, size_t ef,
                      tarn_hnsw_work *w)
{
    size_t first = ef;

    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) fetch(k->rows + node[i + AHEAD] * k->size, k->size);
        size_t at = tarn_hnsw_put(w, ef, entry_of(k, node[i]));
        first = at < first ? at : first;
        if (at < ef) fetch_links(level, node[i]);
    }
    return first;
}

/* Look at whatever `from` has links to. */
static size_t go_on(const walk *k, const tarn_hnsw_level *level, uint32_t from, size_t ef, tarn_hnsw_work *w)
{
    uint32_t fresh[TOGETHER];
    size_t n = 0, links, first = ef;
    const uint32_t *link = links_of(level, from, &links);

    for (size_t i = 0; i < links; i++) {
        if (is_new(w, link[i])) {
            if (n < AHEAD) fetch(k->rows + link[i] * k->size, k->size);
            fresh[n++] = link[i];
        }
        if (n == TOGETHER || i + 1 == links) {
            size_t at = measure(k, level, fresh, n, ef, w);
            first = at < first ? at : first;
            n = 0;
        }
    }
    return first;
}

void tarn_hnsw_walk(const tarn_hnsw *g, uint32_t at, const unsigned char *sketch, size_t ef, tarn_hnsw_work *w)
{
    const walk k = begin(g, sketch);

    memset(w->seen, 0, 8 * words_for(g->level[at].nodes));
    for (size_t i = 0; i < w->n; i++) {
        w->found[i] &= ~UINT64_C(1);
        (void)is_new(w, tarn_hnsw_node(w->found[i]));
    }
    for (size_t i = 0; i < w->n;) {
        if (w->found[i] & 1) {
            i++;
            continue;
        }
        w->found[i] |= 1;
        size_t changed = go_on(&k, &g->level[at], tarn_hnsw_node(w->found[i]), ef, w);
        i = changed <= i ? changed : i + 1;
    }
}

void tarn_hnsw_descend(const tarn_hnsw *g, uint32_t to, const unsigned char *sketch, tarn_hnsw_work *w)
{
    const walk k = begin(g, sketch);

    w->found[0] = entry_of(&k, 0);
    w->n = 1;
    for (uint32_t at = g->levels - 1; at > to; at--) tarn_hnsw_walk(g, at, sketch, 1, w);
}

/* All nodes, in order: for a search as wide as the graph. */
static void take_all(uint32_t nodes, tarn_hnsw_work *w)
{
    for (uint32_t i = 0; i < nodes; i++) w->found[i] = (uint64_t)i << 1;
    w->n = nodes;
}

void tarn_hnsw_search(const tarn_hnsw *g, const unsigned char *sketch, size_t ef, tarn_hnsw_work *w)
{
    if (ef >= g->level[0].nodes) {
        take_all(g->level[0].nodes, w);
        return;
    }
    tarn_hnsw_descend(g, 0, sketch, w);
    tarn_hnsw_walk(g, 0, sketch, ef, w);
}

void tarn_hnsw_rank(const tarn_hnsw_index *index, const double *x, const tarn_hnsw_work *w, tarn_best *best)
{
    const tarn_asked asked = {.values = x, .stride = 1};

    for (size_t i = 0; i < w->n; i++) {
        uint32_t node = tarn_hnsw_node(w->found[i]), from = index->first[node], n = index->first[node + 1] - from;
        double distance = tarn_near_distance(&index->near, &asked, 0, index->member[from], tarn_best_limit(best));
        for (uint32_t r = 0; r < n && r < best->k; r++) tarn_best_add(best, distance, index->member[from + r]);
    }
}
