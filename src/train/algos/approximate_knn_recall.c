/* SPDX-License-Identifier: Apache-2.0 */
/* approximate_knn_recall.c - how many of the nearest are found: measured with rows that are not in the graph yet.
 *
 * The last rows of the drawn order are looked for exactly among all others. Then their nearest are looked for with
 * sketches, and through the graph of the others, as those of new rows will be. What is as near as the last of the k
 * nearest counts as one of them. */
#include "base/mem.h"
#include "train/algos/approximate_knn_parts.h"

enum { SAMPLE = 256, PART = 4, SPARE = 32, BLOCK = 8 };

/* ---- the truth ---- */

typedef struct truth {
    const tarn_near *near;
    const knn_nodes *nodes;
    knn_sample *sample;
    size_t k;      /* that are looked for: some may be in the sample */
    double *asked; /* (threads, d, TARN_NEAR_TILE) */
    tarn_hit *hit; /* (threads, TARN_NEAR_TILE, k) */
} truth;

/* Of the hits, nearest first, those that are not in the sample: how far the k-th is, and how many there are. */
static void keep_limit(const truth *t, size_t i, const tarn_best *best)
{
    knn_sample *s = t->sample;

    s->want[i] = 0;
    for (size_t h = 0; h < best->n && s->want[i] < s->k; h++) {
        if (t->nodes->node[best->hit[h].row] >= s->first) continue;
        s->limit[i] = best->hit[h].distance;
        s->want[i]++;
    }
}

static tarn_code find_truth(void *arg, int64_t block, int worker, tarn_err *err)
{
    enum { TILE = TARN_NEAR_TILE };
    truth *t = arg;
    size_t d = t->near->d, from = (size_t)block * TILE;
    size_t some = t->sample->n - from < TILE ? t->sample->n - from : TILE;
    double *values = t->asked + (size_t)worker * d * TILE;
    tarn_hit *hit = t->hit + (size_t)worker * TILE * t->k;
    const tarn_asked asked = {.values = values, .stride = TILE};
    tarn_best best[TILE];
    (void)err;

    for (size_t i = 0; i < some; i++) {
        best[i] = (tarn_best){.hit = hit + i * t->k, .k = t->k};
        for (size_t j = 0; j < d; j++) values[j * TILE + i] = t->sample->x[(from + i) * d + j];
    }
    tarn_near_scan(t->near, &asked, some, best);
    for (size_t i = 0; i < some; i++) {
        tarn_best_sort(&best[i]);
        keep_limit(t, from + i, &best[i]);
    }
    return TARN_OK;
}

tarn_code knn_sample_make(const tarn_near *near, const knn_nodes *nodes, size_t k, tarn_pool *pool, knn_sample *out,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = nodes->n / PART < SAMPLE ? nodes->n / PART : SAMPLE, threads = (size_t)tarn_pool_threads(pool);
    truth t = {.near = near, .nodes = nodes, .sample = out, .k = k + SPARE < near->rows ? k + SPARE : near->rows};

    *out = (knn_sample){.n = n, .first = nodes->n - n, .k = k};
    TARN_TRY(tarn_alloc(&out->x, n * near->d, sizeof *out->x, err));
    TARN_TRY(tarn_alloc(&out->limit, n, sizeof *out->limit, err));
    TARN_TRY(tarn_alloc(&out->want, n, sizeof *out->want, err));
    TARN_TRY(tarn_alloc(&t.asked, threads * near->d * TARN_NEAR_TILE, sizeof *t.asked, err));
    TARN_TRY(tarn_alloc(&t.hit, threads * TARN_NEAR_TILE * t.k, sizeof *t.hit, err));
    for (size_t i = 0; i < n; i++)
        knn_clean_row(near, nodes->member[nodes->first[out->first + i]], out->x + i * near->d);
    TARN_TRY(tarn_pool_run(pool, (int64_t)((n + TARN_NEAR_TILE - 1) / TARN_NEAR_TILE), find_truth, &t, err));
done:
    tarn_free(t.asked);
    tarn_free(t.hit);
    return rc;
}

void knn_sample_clear(knn_sample *s)
{
    tarn_free(s->x);
    tarn_free(s->limit);
    tarn_free(s->want);
}

/* ---- what is found of it ---- */

typedef struct measuring {
    const knn_sample *sample;
    const tarn_hnsw_index *index;
    size_t ef, bytes;
    bool all;      /* look at all sketches instead of walking */
    char *memory;  /* (threads, bytes) */
    size_t *found; /* (sample->n) */
} measuring;

/* The ef nearest of all nodes that are not in the sample, by their sketches. */
static void scan(const measuring *m, const unsigned char *sketch, tarn_hnsw_work *w)
{
    const tarn_sketches *s = &m->index->graph.sketches;
    size_t size = tarn_sketch_size(s->kind, s->d), body = tarn_sketch_body(s->kind, s->d);
    tarn_sketch_key *keys = tarn_sketch_keys(s->metric, s->kind);

    w->n = 0;
    for (size_t i = 0; i < m->sample->first; i++)
        tarn_hnsw_put(w, m->ef, (uint64_t)keys(s->row + i * size, sketch, body) << 32 | (uint64_t)i << 1);
}

static tarn_code measure(void *arg, int64_t block, int worker, tarn_err *err)
{
    measuring *m = arg;
    const knn_sample *s = m->sample;
    const tarn_sketches *as = &m->index->graph.sketches;
    size_t nodes = m->index->graph.level[0].nodes;
    char *at = m->memory + (size_t)worker * m->bytes;
    tarn_hnsw_work w;
    (void)err;

    tarn_hnsw_work_set(&w, nodes, m->ef, at);
    unsigned char *sketch = (unsigned char *)(at += tarn_hnsw_work_bytes(nodes, m->ef));
    tarn_hit *hit = (tarn_hit *)(void *)(at + tarn_sketch_size(as->kind, as->d));
    for (size_t i = (size_t)block * BLOCK; i < ((size_t)block + 1) * BLOCK && i < s->n; i++) {
        const double *x = s->x + i * as->d;
        tarn_best best = {.hit = hit, .k = s->k};
        tarn_sketch_make(as, x, sketch);
        if (m->all) scan(m, sketch, &w);
        else tarn_hnsw_search(&m->index->graph, sketch, m->ef, &w);
        tarn_hnsw_rank(m->index, x, &w, &best);
        m->found[i] = 0;
        for (size_t h = 0; h < best.n; h++) m->found[i] += s->want[i] > 0 && best.hit[h].distance <= s->limit[i];
        if (m->found[i] > s->want[i]) m->found[i] = s->want[i];
    }
    return TARN_OK;
}

/* With the first n rows of the sample. Without any, all is found. */
static tarn_code share_of(measuring *m, size_t n, tarn_pool *pool, double *share, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_sketches *as = &m->index->graph.sketches;
    size_t threads = (size_t)tarn_pool_threads(pool), found = 0, want = 0;

    m->bytes = tarn_hnsw_work_bytes(m->index->graph.level[0].nodes, m->ef) + tarn_sketch_size(as->kind, as->d) +
               m->sample->k * sizeof(tarn_hit);
    TARN_TRY(tarn_alloc(&m->memory, threads, m->bytes, err));
    TARN_TRY(tarn_alloc(&m->found, n + BLOCK, sizeof *m->found, err));
    TARN_TRY(tarn_pool_run(pool, (int64_t)((n + BLOCK - 1) / BLOCK), measure, m, err));
    for (size_t i = 0; i < n; i++) {
        found += m->found[i];
        want += m->sample->want[i];
    }
    *share = want > 0 ? (double)found / (double)want : 1;
done:
    tarn_free(m->memory);
    tarn_free(m->found);
    return rc;
}

tarn_code knn_recall(const knn_sample *s, const tarn_hnsw_index *index, size_t ef, tarn_pool *pool, double *share,
                     tarn_err *err)
{
    measuring m = {.sample = s, .index = index, .ef = ef};

    return share_of(&m, s->n, pool, share, err);
}

/* ---- sketches ---- */

typedef struct making {
    const tarn_near *near;
    const knn_nodes *nodes;
    knn_sketches *out;
    double *x; /* (threads, d) */
} making;

enum { NODES = 512, TRIED = 64 };
/* Bytes are good enough if so much of the nearest is among the 2 k + 16 that are nearest by their sketches. */
#define GOOD 0.99

static tarn_code make_some(void *arg, int64_t block, int worker, tarn_err *err)
{
    making *m = arg;
    const tarn_sketches *as = &m->out->as;
    size_t size = tarn_sketch_size(as->kind, as->d);
    double *x = m->x + (size_t)worker * as->d;
    (void)err;

    for (size_t i = (size_t)block * NODES; i < ((size_t)block + 1) * NODES && i < m->nodes->n; i++) {
        knn_clean_row(m->near, m->nodes->member[m->nodes->first[i]], x);
        tarn_sketch_make(as, x, m->out->row + i * size);
    }
    return TARN_OK;
}

/* low: the middle of each column; returns the widest column's range. */
static double ranges(const making *m, double *low, double *high)
{
    size_t d = m->near->d;
    double widest = 0;

    for (size_t i = 0; i < m->nodes->n; i++) {
        knn_clean_row(m->near, m->nodes->member[m->nodes->first[i]], m->x);
        double scale = tarn_sketch_scale(m->near->metric, d, m->x);
        for (size_t j = 0; j < d; j++) {
            double value = m->x[j] * scale;
            low[j] = i == 0 || value < low[j] ? value : low[j];
            high[j] = i == 0 || value > high[j] ? value : high[j];
        }
    }
    for (size_t j = 0; j < d; j++) {
        widest = high[j] - low[j] > widest ? high[j] - low[j] : widest;
        low[j] = low[j] / 2 + high[j] / 2;
    }
    return widest;
}

static tarn_code make_kind(making *m, tarn_sketch_kind kind, double widest, tarn_pool *pool, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    knn_sketches *out = m->out;
    size_t size = tarn_sketch_size(kind, m->near->d);

    out->as = (tarn_sketches){.metric = m->near->metric, .kind = kind, .d = m->near->d, .low = out->low, .steps = 1};
    if (kind == TARN_SKETCH_BYTES && widest > 1e-250) out->as.steps = 255 / widest;
    TARN_TRY(tarn_alloc(&out->row, m->nodes->n, size, err));
    out->as.row = out->row;
    TARN_TRY(tarn_pool_run(pool, (int64_t)((m->nodes->n + NODES - 1) / NODES), make_some, m, err));
done:
    return rc;
}

static tarn_code are_bytes_good(const tarn_hnsw_index *index, const knn_sample *s, const knn_sketches *sketches,
                                tarn_pool *pool, bool *good, tarn_err *err)
{
    tarn_hnsw_index tried = *index;
    measuring m = {.sample = s, .index = &tried, .ef = 2 * s->k + 16, .all = true};
    double share = 0;

    tried.graph.sketches = sketches->as;
    tarn_code rc = share_of(&m, s->n < TRIED ? s->n : TRIED, pool, &share, err);
    *good = share >= GOOD;
    return rc;
}

tarn_code knn_sketches_make(const tarn_hnsw_index *index, const knn_nodes *nodes, const knn_sample *s, tarn_pool *pool,
                            knn_sketches *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t d = index->near.d;
    making m = {.near = &index->near, .nodes = nodes, .out = out};
    double *high = NULL;
    bool good = false;

    TARN_TRY(tarn_alloc(&m.x, (size_t)tarn_pool_threads(pool) * d, sizeof *m.x, err));
    TARN_TRY(tarn_alloc(&high, d, sizeof *high, err));
    TARN_TRY(tarn_alloc(&out->low, d, sizeof *out->low, err));
    double widest = ranges(&m, out->low, high);
    if (d <= TARN_SKETCH_COLUMNS) {
        for (size_t j = 0; j < d; j++) out->low[j] -= widest / 2;
        TARN_TRY(make_kind(&m, TARN_SKETCH_BYTES, widest, pool, err));
        TARN_TRY(are_bytes_good(index, s, out, pool, &good, err));
        for (size_t j = 0; j < d && !good; j++) out->low[j] += widest / 2;
    }
    if (!good) {
        tarn_free(out->row);
        out->row = NULL;
        TARN_TRY(make_kind(&m, TARN_SKETCH_FLOATS, widest, pool, err));
    }
done:
    tarn_free(m.x);
    tarn_free(high);
    return rc;
}

void knn_sketches_clear(knn_sketches *s)
{
    tarn_free(s->low);
    tarn_free(s->row);
}
