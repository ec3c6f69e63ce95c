/* SPDX-License-Identifier: Apache-2.0 */
/* moments.c - means and cross products in one pass. See moments.h.
 *
 * A block goes through in tiles of some hundred rows, copied next to each other (moved, with a column of ones in front
 * and the target behind), so that a tile stays in the second level of the cache while every pair of columns is
 * multiplied. */
#include "train/moments.h"

#include "base/mem.h"
#include "math/gram.h"
#include "train/linear.h"
#include "train/tile.h"

#include <math.h>
#include <string.h>

enum { TILE = TARN_TILE, STRIDE = TARN_TILE_STRIDE };

typedef struct work {
    const tarn_fit *job;
    tarn_moments *m;
    double *scratch; /* (threads, each) */
    size_t each;
} work;

/* First row of a fold, as scikit-learn's KFold cuts: the first n % folds ones have a row more. */
static int64_t fold_begin(int64_t rows, int64_t folds, int64_t fold)
{
    int64_t more = rows % folds;

    return fold * (rows / folds) + (fold < more ? fold : more);
}

static int64_t fold_of(int64_t rows, int64_t folds, int64_t row)
{
    int64_t fold = row / (rows / folds + 1);

    while (fold + 1 < folds && row >= fold_begin(rows, folds, fold + 1)) fold++;
    return fold;
}

/* Rows at .. at + n - 1 of a block of `rows`, the first of which is `first`, to the tile. */
static void take_tile(const work *w, const double *block, int64_t rows, int64_t first, int64_t at, int64_t n,
                      double *tile)
{
    const tarn_matrix *x = w->job->x;
    const double *shift = w->m->shift;

    for (int64_t i = 0; i < n; i++) tile[i] = 1;
    tarn_tile_take(block, x->cols, rows, at, n, shift, NULL, false, tile + STRIDE);
    double *to = tile + w->m->wide * STRIDE;
    for (int64_t i = 0; i < n; i++) to[i] = x->y[first + at + i] - shift[x->cols];
}

static tarn_code add_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const work *w = arg;
    const tarn_matrix *x = w->job->x;
    size_t side = (size_t)w->m->wide + 1;
    int64_t first = block * TARN_BLOCK_ROWS, rows = tarn_block_size(x, block), n = 0;
    double *values = w->scratch + (size_t)worker * w->each, *tile = values + (size_t)x->cols * TARN_BLOCK_ROWS;

    tarn_code rc = x->block(x->self, first, rows, values, err);
    if (rc != TARN_OK) return rc;
    for (int64_t at = 0; at < rows; at += n) {
        int64_t row = x->first + first + at, fold = fold_of(x->all_rows, w->m->folds, row);
        int64_t left = fold_begin(x->all_rows, w->m->folds, fold + 1) - row;
        n = rows - at < TILE ? rows - at : TILE;
        n = left < n ? left : n;
        take_tile(w, values, rows, first, at, n, tile);
        tarn_gram_add(side, (size_t)n, STRIDE, tile, x->weight ? x->weight + first + at : NULL,
                      sum + (size_t)fold * side * side);
    }
    return TARN_OK;
}

/* Sums of the first block of all, for the shift. */
static tarn_code add_means(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const work *w = arg;
    const tarn_matrix *x = w->job->x;
    int64_t rows = tarn_block_size(x, block);
    double *values = w->scratch + (size_t)worker * w->each;

    tarn_code rc = x->block(x->self, 0, rows, values, err);
    if (rc != TARN_OK) return rc;
    for (int32_t j = 0; j < x->cols; j++)
        for (int64_t i = 0; i < rows; i++) sum[j] += values[j * rows + i] / (double)rows;
    for (int64_t i = 0; i < rows; i++) sum[x->cols] += x->y[i] / (double)rows;
    return TARN_OK;
}

static tarn_code check_finite(const tarn_fit *job, const tarn_moments *m, tarn_err *err)
{
    size_t side = (size_t)m->wide + 1;

    for (int32_t f = 0; f < m->folds; f++)
        for (size_t j = 1; j < side; j++) {
            if (isfinite(m->sums[(size_t)f * side * side + j * side + j])) continue;
            return TARN_FAIL(err, TARN_NUMERIC, "the squares of %s '%s' overflow; scale it first",
                             j + 1 < side ? "column" : "the target", j + 1 < side ? job->x->features[j - 1].name : "y");
        }
    return TARN_OK;
}

/* What a fit leaves: this, then shift and sums. */
typedef struct kept {
    char magic[8];
    int64_t wide, centred;
} kept;

static const char MAGIC[8] = "TARNMOM1";

static size_t kept_size(size_t wide) { return sizeof(kept) + (wide + (wide + 1) * (wide + 1)) * sizeof(double); }

/* Shift and sums as they were; all ranks get the same bytes, and so the same answer. */
static tarn_code take_before(const tarn_fit *job, tarn_moments *m, tarn_err *err)
{
    size_t wide = (size_t)m->wide, side = wide + 1;
    kept head = {0};
    const char *at = job->before;

    if (job->before_len >= sizeof head) memcpy(&head, at, sizeof head);
    if (job->before_len < sizeof head || memcmp(head.magic, MAGIC, sizeof MAGIC) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left is not of a least-squares estimator");
    if (head.wide != m->wide || head.centred != m->centred || m->folds != 1)
        return TARN_FAIL(err, TARN_INVALID,
                         "the earlier fit had %lld columns and %s intercept; this one has %d, and must have the same "
                         "settings and no cross-validation",
                         (long long)head.wide - 1, head.centred ? "an" : "no", (int)m->wide - 1);
    if (job->before_len != kept_size(wide))
        return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left is %zu bytes long, not %zu", job->before_len,
                         kept_size(wide));
    memcpy(m->shift, at + sizeof head, wide * sizeof(double));
    memcpy(m->sums, at + sizeof head + wide * sizeof(double), side * side * sizeof(double));
    return TARN_OK;
}

tarn_code tarn_moments_keep(const tarn_moments *m, tarn_fitted *out, tarn_err *err)
{
    size_t wide = (size_t)m->wide, side = wide + 1;
    kept head = {.wide = m->wide, .centred = m->centred};
    char *at = NULL;

    memcpy(head.magic, MAGIC, sizeof MAGIC);
    tarn_code rc = tarn_alloc(&at, kept_size(wide), 1, err);
    if (rc != TARN_OK) return rc;
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, m->shift, wide * sizeof(double));
    memcpy(at + sizeof head + wide * sizeof(double), m->sums, side * side * sizeof(double));
    out->state = at;
    out->state_len = kept_size(wide);
    return TARN_OK;
}

tarn_code tarn_moments_make(const tarn_fit *job, bool centred, int32_t folds, tarn_moments *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    size_t side = (size_t)x->cols + 2, threads = (size_t)tarn_pool_threads(job->pool);
    double *earlier = NULL;
    work w = {.job = job, .m = out, .each = (size_t)x->cols * TARN_BLOCK_ROWS + side * STRIDE};

    *out = (tarn_moments){.wide = x->cols + 1, .folds = folds, .centred = centred};
    rc = tarn_alloc(&out->shift, (size_t)out->wide, sizeof *out->shift, err);
    if (rc == TARN_OK) rc = tarn_alloc(&out->sums, (size_t)folds * side * side, sizeof *out->sums, err);
    if (rc == TARN_OK) rc = tarn_alloc(&w.scratch, threads * w.each, sizeof *w.scratch, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    if (job->before) TARN_TRY(take_before(job, out, err));
    if (job->before) {
        earlier = out->sums;
        out->sums = NULL;
        rc = tarn_alloc(&out->sums, side * side, sizeof *out->sums, err);
        TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    } else if (centred) {
        bool mine = x->first == 0 && x->rows > 0;
        TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, mine, out->wide, add_means, &w, out->shift, err));
    }
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(x->rows), (int64_t)((size_t)folds * side * side),
                                  add_block, &w, out->sums, err));
    for (size_t i = 0; earlier && i < side * side; i++) out->sums[i] += earlier[i];
    TARN_TRY(check_finite(job, out, err));
done:
    tarn_free(earlier);
    tarn_free(w.scratch);
    if (rc != TARN_OK) tarn_moments_clear(out);
    return rc;
}

void tarn_moments_clear(tarn_moments *m)
{
    tarn_free(m->shift);
    tarn_free(m->sums);
    *m = (tarn_moments){0};
}

tarn_code tarn_cross_new(const tarn_moments *m, tarn_cross *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t wide = (size_t)m->wide;

    *out = (tarn_cross){0};
    TARN_TRY(tarn_alloc(&out->mean, wide, sizeof *out->mean, err));
    TARN_TRY(tarn_alloc(&out->g, wide * wide, sizeof *out->g, err));
done:
    if (rc != TARN_OK) tarn_cross_clear(out);
    return rc;
}

void tarn_cross_clear(tarn_cross *c)
{
    tarn_free(c->mean);
    tarn_free(c->g);
    *c = (tarn_cross){0};
}

/* Entry (i, j) of the sums of the folds that are wanted. */
static double summed(const tarn_moments *m, int32_t without, int32_t only, size_t i, size_t j)
{
    size_t side = (size_t)m->wide + 1;
    double sum = 0;

    for (int32_t f = 0; f < m->folds; f++)
        if (f != without && (only == TARN_FOLD_NONE || f == only)) sum += m->sums[((size_t)f * side + i) * side + j];
    return sum;
}

void tarn_moments_take(const tarn_moments *m, int32_t without, int32_t only, tarn_cross *out)
{
    size_t wide = (size_t)m->wide;

    out->weight = summed(m, without, only, 0, 0);
    for (size_t j = 0; j < wide; j++) out->mean[j] = m->centred ? summed(m, without, only, 0, j + 1) / out->weight : 0;
    for (size_t i = 0; i < wide; i++)
        for (size_t j = i; j < wide; j++) {
            double g = summed(m, without, only, i + 1, j + 1);
            if (m->centred) g -= out->weight * out->mean[i] * out->mean[j];
            out->g[i * wide + j] = out->g[j * wide + i] = g;
        }
    for (size_t j = 0; j < wide; j++) { /* a constant column leaves the rounding of its sum: that is 0 */
        double whole = summed(m, without, only, j + 1, j + 1), *g = &out->g[j * wide + j];
        if (*g <= 1e-14 * whole || *g < 0) {
            for (size_t i = 0; i < wide; i++) out->g[i * wide + j] = out->g[j * wide + i] = 0;
        }
        out->mean[j] += m->shift[j];
    }
}

tarn_code tarn_moments_finish(const tarn_fit *job, const tarn_cross *all, double intercept, const double *b,
                              tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)job->x->cols, wide = cols + 1;
    double *coefficients = NULL;

    TARN_TRY(tarn_alloc(&coefficients, wide, sizeof *coefficients, err));
    TARN_TRY(tarn_alloc(&out->importance, cols, sizeof *out->importance, err));
    coefficients[0] = intercept;
    memcpy(coefficients + 1, b, cols * sizeof *b);
    for (size_t j = 0; j < cols; j++) out->importance[j] = fabs(b[j]) * sqrt(all->g[j * wide + j] / all->weight);
    TARN_TRY(tarn_linear_add(job, 1, coefficients, TARN_LINK_IDENTITY, &out->out, err));
done:
    tarn_free(coefficients);
    return rc;
}
