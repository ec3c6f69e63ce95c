/* SPDX-License-Identifier: Apache-2.0 */
/* bins_rows.c - turning rows into bins. See bins.h. */
#include "train/bins.h"

#include "base/mem.h"

#include <immintrin.h>
#include <math.h>

enum {
    SIXTEEN = 16, /* times as many are the places for edges of a feature */
    TILE = 512,   /* rows turned at a time */
    BEHIND = 128  /* bytes of by_column that may be read beyond its end */
};

static int64_t block_rows(int64_t rows, int64_t block)
{
    int64_t left = rows - block * TARN_BLOCK_ROWS;

    return left < TARN_BLOCK_ROWS ? left : TARN_BLOCK_ROWS;
}

/* The bin of x is the number of edges below it. Of every sixteen edges the last one is looked at first, to find the
 * sixteen among which x lies: two steps, without a branch. */
/* How many of sixteen numbers are below x; 0 for NaN. */
static inline int below(const double *sixteen, __m256d x)
{
    __m256i a = _mm256_castpd_si256(_mm256_cmp_pd(_mm256_loadu_pd(sixteen), x, _CMP_LT_OQ));
    __m256i b = _mm256_castpd_si256(_mm256_cmp_pd(_mm256_loadu_pd(sixteen + 4), x, _CMP_LT_OQ));
    __m256i c = _mm256_castpd_si256(_mm256_cmp_pd(_mm256_loadu_pd(sixteen + 8), x, _CMP_LT_OQ));
    __m256i d = _mm256_castpd_si256(_mm256_cmp_pd(_mm256_loadu_pd(sixteen + 12), x, _CMP_LT_OQ));
    __m256i all = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)); /* two bytes for each */

    return __builtin_popcount((unsigned)_mm256_movemask_epi8(all)) / 2;
}

static void numbers_to_bins(const tarn_bin_feature *f, const double *x, int64_t n, uint8_t *out)
{
    double last[SIXTEEN];

    for (int k = 0; k < SIXTEEN; k++) last[k] = f->edges[k * SIXTEEN + SIXTEEN - 1];
    for (int64_t i = 0; i < n; i++) {
        __m256d v = _mm256_broadcast_sd(&x[i]);
        int before = below(last, v) * SIXTEEN; /* the last edge of all is infinity: at most 240 */
        int bin = before + below(f->edges + before, v);
        out[i] = (uint8_t)(isnan(x[i]) ? f->bins : bin);
    }
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
    if (by_column) TARN_TRY(tarn_alloc(&out->by_column, rows * cols + BEHIND, 1, err));
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
