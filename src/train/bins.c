/* SPDX-License-Identifier: Apache-2.0 */
/* bins.c - sampling rows, choosing edges, and turning rows into bins. See bins.h.
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
#include <string.h>

enum {
    SAMPLE_ROWS = 200000,      /* about as many rows are looked at */
    SAMPLE_ROWS_LEAST = 10000, /* with very many columns */
    SAMPLE_VALUES = 1 << 25,   /* rows x columns, roughly */
    EDGES = 255,               /* places for edges per feature */
    TILE = 512                 /* rows turned at a time */
};

/* ---- sampling ---- */

typedef struct sample {
    const tarn_matrix *x;
    uint64_t seed;
    uint64_t keep;   /* of 2^32 */
    int64_t rows;    /* this rank's sampled rows */
    int64_t *before; /* (blocks + 1) sampled rows before each block */
    double *values;  /* (cols, rows) */
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
    TARN_TRY(tarn_alloc(&s->values, cols * (size_t)s->rows, sizeof *s->values, err));
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
    const double *const *part; /* (ranks) its (cols, share) values */
    int64_t rows;              /* over all */
    uint64_t *keys;            /* (threads, 2, rows) */
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

/* How often a level must at least occur to have a bin: the count of the 254th most frequent one. */
static int64_t level_count_needed(const int64_t *count, uint64_t *keys, uint64_t *spare, int32_t levels)
{
    for (int32_t l = 0; l < levels; l++) keys[l] = (uint64_t)count[l];
    return (int64_t)sort_keys(keys, spare, levels)[levels - TARN_BIN_LEVELS_MOST];
}

static tarn_code cut_category(const cutting *c, int32_t j, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_bin_feature *f = &c->bins->feature[j];
    uint8_t *of_level = c->bins->of_level + (f->of_level - c->bins->of_level);
    int64_t *count = NULL, needed = 0, ties = 0;
    uint64_t *keys = NULL;

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
    needed = level_count_needed(count, keys, keys + f->levels, f->levels);
    ties = TARN_BIN_LEVELS_MOST;
    for (int32_t l = 0; l < f->levels; l++) ties -= count[l] > needed;
    for (int32_t l = 0, bin = 0; l < f->levels; l++) {
        bool own = count[l] > needed || (count[l] == needed && ties-- > 0);
        of_level[l] = (uint8_t)(own ? bin++ : f->bins);
    }
done:
    tarn_free(count);
    tarn_free(keys);
    return rc;
}

static tarn_code cut_feature(void *arg, int64_t j, int worker, tarn_err *err)
{
    const cutting *c = arg;

    if (c->bins->feature[j].category) return cut_category(c, (int32_t)j, err);
    cut_number(c, (int32_t)j, c->keys + (size_t)worker * 2 * (size_t)c->rows);
    return TARN_OK;
}

static tarn_code bins_new(const tarn_matrix *x, tarn_bins **out, tarn_err *err)
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
        share[r] = (int64_t)(bytes[r] / sizeof *values / cols);
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

tarn_code tarn_bins_make(const tarn_fit *job, int64_t max_bins, tarn_bins **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    sample s = {.x = x, .seed = job->seed, .keep = share_kept(x->all_rows, x->cols)};
    cutting c = {.max_bins = max_bins < 2 ? 2 : max_bins, .ranks = tarn_comm_size(job->comm)};
    void *gathered = NULL;
    size_t *bytes = NULL, len = 0;

    *out = NULL;
    if (c.max_bins > TARN_BINS_MOST) c.max_bins = TARN_BINS_MOST;
    rc = tarn_alloc(&bytes, (size_t)c.ranks, sizeof *bytes, err);
    if (rc == TARN_OK) rc = bins_new(x, &c.bins, err);
    if (rc == TARN_OK) rc = take_sample(job, &s, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    bytes[0] = (size_t)x->cols * (size_t)s.rows * sizeof *s.values;
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
    tarn_free(bins);
}

/* ---- rows into bins ---- */

/* The bin of x is the number of edges below it: found by halving. LANES values go side by side, since each step waits
 * for the one before; a comparison is used as a number, since as a branch it would be mispredicted half of the time. */
enum { LANES = 4 };

static void number_lanes(const tarn_bin_feature *f, int log, const double *x, uint8_t *out)
{
    const double *e = f->edges;
    size_t a = 0, b = 0, c = 0, d = 0; /* edges known to be below each */

    while (log-- > 0) {
        size_t half = ((size_t)1 << log) - 1;
        a += (size_t)(x[0] > e[a + half]) << log; /* false for NaN */
        b += (size_t)(x[1] > e[b + half]) << log;
        c += (size_t)(x[2] > e[c + half]) << log;
        d += (size_t)(x[3] > e[d + half]) << log;
    }
    out[0] = (uint8_t)(isnan(x[0]) ? (size_t)f->bins : a);
    out[1] = (uint8_t)(isnan(x[1]) ? (size_t)f->bins : b);
    out[2] = (uint8_t)(isnan(x[2]) ? (size_t)f->bins : c);
    out[3] = (uint8_t)(isnan(x[3]) ? (size_t)f->bins : d);
}

static void numbers_to_bins(const tarn_bin_feature *f, const double *x, int64_t n, uint8_t *out)
{
    int log = 0;
    int64_t i = 0;

    while (1 << log < f->bins) log++;
    for (; i + LANES <= n; i += LANES) number_lanes(f, log, x + i, out + i);
    if (i == n) return;
    double rest[LANES] = {0};
    uint8_t bins[LANES];
    memcpy(rest, x + i, (size_t)(n - i) * sizeof *x);
    number_lanes(f, log, rest, bins);
    memcpy(out + i, bins, (size_t)(n - i));
}

void tarn_bins_of(const tarn_bin_feature *f, const double *x, int64_t n, uint8_t *out)
{
    if (!f->category && f->bins > 0) {
        numbers_to_bins(f, x, n, out);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        bool known = f->category && x[i] >= 0 && x[i] < f->levels; /* false for NaN */
        out[i] = known ? f->of_level[(int32_t)x[i]] : (uint8_t)f->bins;
    }
}

typedef struct turning {
    const tarn_bins *bins;
    const tarn_matrix *x;
    tarn_binned *to;
    double *scratch; /* (threads, cols, TARN_BLOCK_ROWS) */
} turning;

/* Rows at .. at + n - 1, n <= TILE, whose values stand at x (cols, stride). */
static void turn_tile(const turning *t, int64_t at, int64_t n, const double *x, int64_t stride)
{
    uint8_t column[TILE];

    for (int32_t j = 0; j < t->bins->cols; j++) {
        uint8_t *bins = t->to->by_column ? t->to->by_column + (int64_t)j * t->to->rows + at : column;
        tarn_bins_of(&t->bins->feature[j], x + (int64_t)j * stride, n, bins);
        if (!t->to->by_row) continue;
        uint8_t *cell = t->to->by_row + (size_t)at * t->to->row_bytes + j;
        for (int64_t i = 0; i < n; i++) cell[(size_t)i * t->to->row_bytes] = bins[i];
    }
}

static tarn_code turn_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const turning *t = arg;
    int64_t at = block * TARN_BLOCK_ROWS, n = block_rows(t->x->rows, block);
    double *values = t->scratch + (size_t)worker * (size_t)t->x->cols * TARN_BLOCK_ROWS;
    tarn_code rc = t->x->block(t->x->self, at, n, values, err);

    if (rc != TARN_OK) return rc;
    for (int64_t i = 0; i < n; i += TILE) turn_tile(t, at + i, n - i < TILE ? n - i : TILE, values + i, n);
    return TARN_OK;
}

static size_t padded(size_t cols)
{
    if (cols > 64) return (cols + 63) / 64 * 64;
    return cols > 32 ? 64 : cols > 16 ? 32 : cols > 8 ? 16 : 8;
}

tarn_code tarn_bins_rows(const tarn_bins *bins, const tarn_matrix *x, tarn_pool *pool, bool by_row, bool by_column,
                         tarn_binned *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t rows = (size_t)x->rows, cols = (size_t)x->cols, threads = (size_t)tarn_pool_threads(pool);
    turning t = {.bins = bins, .x = x, .to = out};

    *out = (tarn_binned){.rows = x->rows, .row_bytes = padded(cols)};
    if (by_row) TARN_TRY(tarn_alloc(&out->by_row, rows, out->row_bytes, err));
    if (by_column) TARN_TRY(tarn_alloc(&out->by_column, rows, cols, err));
    TARN_TRY(tarn_alloc(&t.scratch, threads * cols * TARN_BLOCK_ROWS, sizeof *t.scratch, err));
    TARN_TRY(tarn_pool_run(pool, tarn_blocks(x->rows), turn_block, &t, err));
done:
    tarn_free(t.scratch);
    if (rc != TARN_OK) tarn_binned_clear(out);
    return rc;
}

void tarn_binned_clear(tarn_binned *rows)
{
    tarn_free(rows->by_row);
    tarn_free(rows->by_column);
    *rows = (tarn_binned){0};
}
