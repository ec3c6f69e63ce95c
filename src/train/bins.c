/* SPDX-License-Identifier: Apache-2.0 */
/* bins.c - sampling rows and choosing edges. See bins.h; turning rows into bins: bins_rows.c.
 *
 * Sampled values are gathered from all ranks (in rank order, which is row order), sorted per feature by radix, and
 * cut greedily: a value so frequent that it fills a bin ends one, and the others share what is left.
 *
 * Source: the greedy cut is that of Ke et al., "LightGBM: a highly efficient gradient boosting decision tree", NIPS
 * 2017, and of its program. */
#include "train/bins.h"

#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLE_ROWS = 200000,      /* about as many rows are looked at */
    SAMPLE_ROWS_LEAST = 10000, /* with very many columns */
    SAMPLE_VALUES = 1 << 25,   /* rows x columns, roughly */
    EDGES = 256,               /* places for edges per feature */
    OWN_BESIDE_GROUPS = 128,   /* levels with bins of their own, where others are grouped */
    GROUPS_MOST = TARN_BIN_LEVELS_MOST - OWN_BESIDE_GROUPS,
    GROUPED_LEAST = 10, /* rows of a level that is grouped */
    GROUPED_DOUBT = 10, /* rows of the overall mean */
    NO_BIN = 255
};

/* ---- sampling ---- */

typedef struct sample {
    const tarn_matrix *x;
    uint64_t seed;
    uint64_t keep;   /* of 2^32 */
    int64_t rows;    /* this rank's sampled rows */
    int64_t *before; /* (blocks + 1) sampled rows before each block */
    double *values;  /* (cols + 1, rows): the last are the labels */
    double *scratch; /* (threads, cols, TARN_BLOCK_ROWS) */
} sample;

static bool sampled(const sample *s, int64_t row)
{
    uint64_t r = (uint64_t)(s->x->first + row);

    return s->keep > UINT32_MAX || tarn_philox(s->seed, TARN_STREAM_BINS, r >> 2, 0).v[r & 3] < s->keep;
}

static int64_t block_rows(int64_t rows, int64_t block)
{
    int64_t left = rows - block * TARN_BLOCK_ROWS;

    return left < TARN_BLOCK_ROWS ? left : TARN_BLOCK_ROWS;
}

static uint64_t share_kept(int64_t all_rows, int32_t cols)
{
    int64_t want = SAMPLE_VALUES / (cols > 0 ? cols : 1);

    if (want > SAMPLE_ROWS) want = SAMPLE_ROWS;
    if (want < SAMPLE_ROWS_LEAST) want = SAMPLE_ROWS_LEAST;
    if (all_rows <= want) return UINT64_C(1) << 32;
    return (uint64_t)((double)want / (double)all_rows * 4294967296.0);
}

static tarn_code sample_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    sample *s = arg;
    const tarn_matrix *x = s->x;
    int64_t at = block * TARN_BLOCK_ROWS, n = block_rows(x->rows, block), to = s->before[block];
    double *values = s->scratch + (size_t)worker * (size_t)x->cols * TARN_BLOCK_ROWS;
    tarn_code rc = x->block(x->self, at, n, values, err);

    if (rc != TARN_OK) return rc;
    for (int64_t i = 0; i < n; i++) {
        if (!sampled(s, at + i)) continue;
        for (int32_t j = 0; j < x->cols; j++) s->values[(int64_t)j * s->rows + to] = values[(int64_t)j * n + i];
        s->values[(int64_t)x->cols * s->rows + to] = x->y[at + i];
        to++;
    }
    return TARN_OK;
}

static tarn_code take_sample(const tarn_fit *job, sample *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    int64_t blocks = tarn_blocks(x->rows);
    size_t cols = (size_t)x->cols, threads = (size_t)tarn_pool_threads(job->pool);

    TARN_TRY(tarn_alloc(&s->before, (size_t)blocks + 1, sizeof *s->before, err));
    for (int64_t row = 0; row < x->rows; row++) s->before[row / TARN_BLOCK_ROWS + 1] += sampled(s, row);
    for (int64_t b = 0; b < blocks; b++) s->before[b + 1] += s->before[b];
    s->rows = s->before[blocks];
    TARN_TRY(tarn_alloc(&s->values, (cols + 1) * (size_t)s->rows, sizeof *s->values, err));
    TARN_TRY(tarn_alloc(&s->scratch, threads * cols * TARN_BLOCK_ROWS, sizeof *s->scratch, err));
    TARN_TRY(tarn_pool_run(job->pool, blocks, sample_block, s, err));
done:
    tarn_free(s->scratch);
    s->scratch = NULL;
    return rc;
}

/* ---- sorting: doubles as keys that compare like them ---- */

static uint64_t key_of(double x)
{
    uint64_t u;

    x += 0.0; /* -0 becomes 0 */
    memcpy(&u, &x, sizeof u);
    return u ^ ((uint64_t)((int64_t)u >> 63) | UINT64_C(1) << 63);
}

static double value_of(uint64_t key)
{
    uint64_t u = key >> 63 ? key ^ UINT64_C(1) << 63 : ~key;
    double x;

    memcpy(&x, &u, sizeof x);
    return x;
}

/* Ascending. spare has n places too; returns whichever of the two holds the result. Digits that are the same in all
 * keys (small whole numbers have many) cost nothing. */
static uint64_t *sort_keys(uint64_t *keys, uint64_t *spare, int64_t n)
{
    int64_t count[8][256] = {{0}};

    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < 8; d++) count[d][keys[i] >> 8 * d & 255]++;
    for (int d = 0; d < 8; d++) {
        int64_t sum = 0;
        if (n == 0 || count[d][keys[0] >> 8 * d & 255] == n) continue;
        for (int v = 0; v < 256; v++) {
            int64_t c = count[d][v];
            count[d][v] = sum;
            sum += c;
        }
        for (int64_t i = 0; i < n; i++) spare[count[d][keys[i] >> 8 * d & 255]++] = keys[i];
        uint64_t *t = keys;
        keys = spare;
        spare = t;
    }
    return keys;
}

/* ---- edges ---- */

/* An m with a <= m < b, about midway. */
static double midway(double a, double b)
{
    double m = a * 0.5 + b * 0.5;

    return m >= a && m < b ? m : a;
}

static int64_t run_end(const uint64_t *keys, int64_t n, int64_t at)
{
    int64_t end = at + 1;

    while (end < n && keys[end] == keys[at]) end++;
    return end;
}

/* An edge between every two neighbours, unless there are more than `most` distinct values: then -1. */
static int32_t cut_all(const uint64_t *keys, int64_t n, int64_t most, double *edges)
{
    int32_t count = 0;

    for (int64_t i = 1; i < n; i++) {
        if (keys[i] == keys[i - 1]) continue;
        if (count == most - 1) return -1;
        edges[count++] = midway(value_of(keys[i - 1]), value_of(keys[i]));
    }
    return count;
}

static int32_t cut_evenly(const uint64_t *keys, int64_t n, int64_t most, double *edges)
{
    int64_t big = 0, rest = n, filled = 0;
    int32_t count = 0;

    for (int64_t i = 0, end; i < n; i = end) {
        end = run_end(keys, n, i);
        if ((end - i) * most < n) continue;
        big++;
        rest -= end - i;
    }
    int64_t bins_left = most - big;
    double mean = (double)rest / (double)(bins_left > 0 ? bins_left : 1);
    for (int64_t i = 0, end = run_end(keys, n, 0), next_end; end < n && count < most - 1; i = end, end = next_end) {
        bool is_big = (end - i) * most >= n;
        next_end = run_end(keys, n, end);
        bool next_is_big = (next_end - end) * most >= n;
        filled += end - i;
        if (!is_big) rest -= end - i;
        if (!is_big && (double)filled < mean && !(next_is_big && (double)filled >= mean * 0.5)) continue;
        edges[count++] = midway(value_of(keys[i]), value_of(keys[end]));
        filled = 0;
        if (is_big) continue;
        bins_left--;
        mean = (double)rest / (double)(bins_left > 0 ? bins_left : 1);
    }
    return count;
}

/* ---- every feature from the gathered sample ---- */

typedef struct cutting {
    tarn_bins *bins;
    int64_t max_bins;
    int ranks;
    const int64_t *share;      /* (ranks) sampled rows of each */
    const double *const *part; /* (ranks) its (cols + 1, share) values */
    int32_t classes;
    int64_t rows;   /* over all */
    uint64_t *keys; /* (threads, 2, rows) */
} cutting;

static void cut_number(const cutting *c, int32_t j, uint64_t *keys)
{
    tarn_bin_feature *f = &c->bins->feature[j];
    double *edges = c->bins->edges + (size_t)j * EDGES;
    int64_t n = 0;

    for (int r = 0; r < c->ranks; r++) {
        const double *x = c->part[r] + (int64_t)j * c->share[r];
        for (int64_t i = 0; i < c->share[r]; i++)
            if (!isnan(x[i])) keys[n++] = key_of(x[i]);
    }
    const uint64_t *sorted = sort_keys(keys, keys + c->rows, n);
    int32_t count = cut_all(sorted, n, c->max_bins, edges);
    if (count < 0) count = cut_evenly(sorted, n, c->max_bins, edges);
    for (int32_t b = count; b < EDGES; b++) edges[b] = INFINITY;
    f->bins = n > 0 ? count + 1 : 0;
    f->edges = edges;
}

/* The most frequent `most` levels get bins of their own, the others bin `rest`. */
static void give_bins(const int64_t *count, uint64_t *keys, int32_t levels, int32_t most, uint8_t rest,
                      uint8_t *of_level)
{
    for (int32_t l = 0; l < levels; l++) keys[l] = (uint64_t)count[l];
    int64_t needed = (int64_t)sort_keys(keys, keys + levels, levels)[levels - most], ties = most;

    for (int32_t l = 0; l < levels; l++) ties -= count[l] > needed;
    for (int32_t l = 0, bin = 0; l < levels; l++) {
        bool own = count[l] > needed || (count[l] == needed && ties-- > 0);
        of_level[l] = own ? (uint8_t)bin++ : rest;
    }
}

/* The number whose mean a level is known by. */
static double mark_of(const cutting *c, double y, int32_t common) { return c->classes > 2 ? y == (double)common : y; }

static int32_t most_common_class(const cutting *c)
{
    int32_t best = 0;
    int64_t most = -1;

    for (int32_t k = 0; k < c->classes; k++) {
        int64_t n = 0;
        for (int r = 0; r < c->ranks; r++) {
            const double *y = c->part[r] + (int64_t)c->bins->cols * c->share[r];
            for (int64_t i = 0; i < c->share[r]; i++) n += y[i] == (double)k;
        }
        if (n > most) most = n, best = k;
    }
    return best;
}

typedef struct grouped {
    double mean;
    int64_t count;
    int32_t level;
} grouped;

static int by_mean(const void *a, const void *b)
{
    const grouped *x = a, *y = b;

    if (x->mean != y->mean) return x->mean < y->mean ? -1 : 1;
    return (x->level > y->level) - (x->level < y->level);
}

/* Levels without a bin of their own that are frequent enough, with their means; returns how many. */
static int32_t list_known(const cutting *c, int32_t j, const int64_t *count, double *sum, grouped *list)
{
    const tarn_bin_feature *f = &c->bins->feature[j];
    int32_t common = c->classes > 2 ? most_common_class(c) : 0, n = 0;
    double total = 0;

    for (int r = 0; r < c->ranks; r++) {
        const double *x = c->part[r] + (int64_t)j * c->share[r];
        const double *y = c->part[r] + (int64_t)c->bins->cols * c->share[r];
        for (int64_t i = 0; i < c->share[r]; i++) {
            double mark = mark_of(c, y[i], common);
            total += mark;
            if (x[i] >= 0 && x[i] < f->levels) sum[(int32_t)x[i]] += mark;
        }
    }
    double mean = c->rows > 0 ? total / (double)c->rows : 0;
    for (int32_t l = 0; l < f->levels; l++) {
        if (f->of_level[l] != NO_BIN || count[l] < GROUPED_LEAST) continue;
        list[n++] = (grouped){(sum[l] + GROUPED_DOUBT * mean) / ((double)count[l] + GROUPED_DOUBT), count[l], l};
    }
    qsort(list, (size_t)n, sizeof *list, by_mean);
    return n;
}

/* Bins from f->bins on, of about equally many rows. */
static void put_groups(const cutting *c, int32_t j, const grouped *list, int32_t n, uint8_t *of_level, int32_t *merged)
{
    tarn_bin_feature *f = &c->bins->feature[j];
    int32_t first = f->bins, groups = n < GROUPS_MOST ? n : GROUPS_MOST;
    int64_t all = 0, before = 0;

    for (int32_t i = 0; i < n; i++) all += list[i].count;
    for (int32_t b = 0; b < 256; b++) merged[b] = b < first ? 1 : 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t bin = first + (int32_t)(before * groups / all);
        before += list[i].count;
        of_level[list[i].level] = (uint8_t)bin;
        merged[bin]++;
    }
    f->bins = first + groups;
    for (int32_t l = 0; l < f->levels; l++) /* those without a bin go as missing */
        if (of_level[l] == NO_BIN) of_level[l] = (uint8_t)f->bins;
    f->merged = merged;
}

static tarn_code cut_category(const cutting *c, int32_t j, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_bin_feature *f = &c->bins->feature[j];
    uint8_t *of_level = c->bins->of_level + (f->of_level - c->bins->of_level);
    int64_t *count = NULL;
    uint64_t *keys = NULL;
    double *sum = NULL;
    grouped *list = NULL;

    f->bins = f->levels < TARN_BIN_LEVELS_MOST ? f->levels : TARN_BIN_LEVELS_MOST;
    for (int32_t l = 0; l < f->levels; l++) of_level[l] = (uint8_t)(l < f->bins ? l : f->bins);
    if (f->levels <= TARN_BIN_LEVELS_MOST) return TARN_OK;
    TARN_TRY(tarn_alloc(&count, (size_t)f->levels, sizeof *count, err));
    TARN_TRY(tarn_alloc(&keys, 2 * (size_t)f->levels, sizeof *keys, err));
    for (int r = 0; r < c->ranks; r++) {
        const double *x = c->part[r] + (int64_t)j * c->share[r];
        for (int64_t i = 0; i < c->share[r]; i++)
            if (x[i] >= 0 && x[i] < f->levels) count[(int32_t)x[i]]++;
    }
    f->bins = c->bins->merged ? OWN_BESIDE_GROUPS : TARN_BIN_LEVELS_MOST;
    give_bins(count, keys, f->levels, f->bins, c->bins->merged ? NO_BIN : TARN_BIN_LEVELS_MOST, of_level);
    if (!c->bins->merged) goto done;
    TARN_TRY(tarn_alloc(&sum, (size_t)f->levels, sizeof *sum, err));
    TARN_TRY(tarn_alloc(&list, (size_t)f->levels, sizeof *list, err));
    put_groups(c, j, list, list_known(c, j, count, sum, list), of_level, c->bins->merged + (size_t)j * 256);
done:
    tarn_free(count);
    tarn_free(keys);
    tarn_free(sum);
    tarn_free(list);
    return rc;
}

static tarn_code cut_feature(void *arg, int64_t j, int worker, tarn_err *err)
{
    const cutting *c = arg;

    if (c->bins->feature[j].category) return cut_category(c, (int32_t)j, err);
    cut_number(c, (int32_t)j, c->keys + (size_t)worker * 2 * (size_t)c->rows);
    return TARN_OK;
}

/* Whether a column has more levels than bins. */
static bool has_many_levels(const tarn_matrix *x)
{
    for (int32_t j = 0; j < x->cols; j++)
        if (x->features[j].kind == TARN_CATEGORY && x->features[j].levels > TARN_BIN_LEVELS_MOST) return true;
    return false;
}

static tarn_code bins_new(const tarn_matrix *x, bool group, tarn_bins **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_bins *bins = NULL;
    size_t cols = (size_t)x->cols, levels = 0;

    TARN_TRY(tarn_alloc(&bins, 1, sizeof *bins, err));
    bins->cols = x->cols;
    TARN_TRY(tarn_alloc(&bins->feature, cols, sizeof *bins->feature, err));
    TARN_TRY(tarn_alloc(&bins->cell, cols, sizeof *bins->cell, err));
    TARN_TRY(tarn_alloc(&bins->edges, cols * EDGES, sizeof *bins->edges, err));
    for (size_t j = 0; j < cols; j++)
        if (x->features[j].kind == TARN_CATEGORY) levels += (size_t)x->features[j].levels;
    TARN_TRY(tarn_alloc(&bins->of_level, levels, 1, err));
    if (group && has_many_levels(x)) TARN_TRY(tarn_alloc(&bins->merged, cols * 256, sizeof *bins->merged, err));
    levels = 0;
    for (size_t j = 0; j < cols; j++) {
        tarn_bin_feature *f = &bins->feature[j];
        f->category = x->features[j].kind == TARN_CATEGORY;
        if (!f->category) continue;
        f->levels = x->features[j].levels;
        f->of_level = bins->of_level + levels;
        levels += (size_t)f->levels;
    }
    *out = bins;
    bins = NULL;
done:
    tarn_bins_free(bins);
    return rc;
}

/* Point c->part at each rank's share of the gathered values, then cut. */
static tarn_code cut_all_features(const tarn_fit *job, cutting *c, const double *values, const size_t *bytes,
                                  tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t threads = (size_t)tarn_pool_threads(job->pool), cols = (size_t)job->x->cols;
    const double **part = NULL;
    int64_t *share = NULL;

    TARN_TRY(tarn_alloc(&part, (size_t)c->ranks, sizeof *part, err));
    TARN_TRY(tarn_alloc(&share, (size_t)c->ranks, sizeof *share, err));
    for (int r = 0; r < c->ranks; r++) {
        part[r] = values;
        share[r] = (int64_t)(bytes[r] / sizeof *values / (cols + 1));
        values += bytes[r] / sizeof *values;
        c->rows += share[r];
    }
    c->part = part;
    c->share = share;
    TARN_TRY(tarn_alloc(&c->keys, threads * 2 * (size_t)c->rows, sizeof *c->keys, err));
    TARN_TRY(tarn_pool_run(job->pool, job->x->cols, cut_feature, c, err));
    for (int32_t j = 0; j < c->bins->cols; j++) {
        c->bins->cell[j] = c->bins->cells;
        c->bins->cells += c->bins->feature[j].bins + 1;
    }
done:
    tarn_free(part);
    tarn_free(share);
    tarn_free(c->keys);
    return rc;
}

tarn_code tarn_bins_make(const tarn_fit *job, int64_t max_bins, bool group, tarn_bins **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    sample s = {.x = x, .seed = job->seed, .keep = share_kept(x->all_rows, x->cols)};
    cutting c = {.max_bins = max_bins < 2 ? 2 : max_bins, .ranks = tarn_comm_size(job->comm), .classes = x->classes};
    void *gathered = NULL;
    size_t *bytes = NULL, len = 0;

    *out = NULL;
    if (c.max_bins > TARN_BINS_MOST) c.max_bins = TARN_BINS_MOST;
    rc = tarn_alloc(&bytes, (size_t)c.ranks, sizeof *bytes, err);
    if (rc == TARN_OK) rc = bins_new(x, group, &c.bins, err);
    if (rc == TARN_OK) rc = take_sample(job, &s, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    bytes[0] = ((size_t)x->cols + 1) * (size_t)s.rows * sizeof *s.values;
    if (c.ranks > 1) TARN_TRY(tarn_comm_gather(job->comm, s.values, bytes[0], &gathered, &len, bytes, err));
    rc = cut_all_features(job, &c, gathered ? gathered : s.values, bytes, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    *out = c.bins;
    c.bins = NULL;
done:
    tarn_bins_free(c.bins);
    tarn_free(s.before);
    tarn_free(s.values);
    tarn_free(gathered);
    tarn_free(bytes);
    return rc;
}

void tarn_bins_free(tarn_bins *bins)
{
    if (!bins) return;
    tarn_free(bins->feature);
    tarn_free(bins->cell);
    tarn_free(bins->edges);
    tarn_free(bins->of_level);
    tarn_free(bins->merged);
    tarn_free(bins);
}
