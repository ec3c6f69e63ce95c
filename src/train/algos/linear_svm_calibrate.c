/* SPDX-License-Identifier: Apache-2.0 */
/* linear_svm_calibrate.c - from margins to probabilities. See linear_svm_parts.h.
 *
 * p = sigmoid(A z + B) per output, by Newton's method on the log loss against targets that are a little inside of 0 and
 * 1, so that margins that part the classes wholly do not make A infinite.
 *
 * Source: Platt, in Advances in Large Margin Classifiers, 1999; Lin, Lin, Weng, Machine Learning 68, 2007. */
#include "train/algos/linear_svm_parts.h"

#include "base/mem.h"
#include "math/elementary.h"
#include "math/gram.h"

#include <math.h>
#include <string.h>

enum { STEPS = 60, SUMS = 6 /* loss, slope by A and by B, curvature by AA, AB and BB */ };

typedef struct work {
    const linear_svm *m;
    double *scratch;    /* (threads, cols, block) */
    double *z;          /* (outputs, rows) margins of this rank's rows */
    double *high, *low; /* (outputs) targets of the two classes */
    double *a, *b;      /* (outputs) */
} work;

/* The margins of one row under the turn that left it out. */
static double margin(const linear_svm *m, const double *values, int64_t n, int64_t i, int64_t row, int32_t output)
{
    const tarn_matrix *x = m->job->x;
    int32_t turn = m->set->folds > 0 ? linear_svm_turn(m, x->first + row) : m->turns - 1;
    const double *b = m->b + ((int64_t)turn * m->outputs + output) * m->wide;
    double sum = m->wide > m->cols ? b[m->cols] : 0;

    for (int32_t j = 0; j < x->cols; j++) sum = fma(values[j * n + i], b[j], sum);
    for (int64_t e = x->sparse ? x->sparse->start[row] : 0; x->sparse && e < x->sparse->start[row + 1]; e++)
        sum = fma((double)x->sparse->value[e], b[x->cols + x->sparse->index[e]], sum);
    return sum;
}

static tarn_code margins_of(void *arg, int64_t block, int worker, tarn_err *err)
{
    const work *w = arg;
    const tarn_matrix *x = w->m->job->x;
    int64_t first = block * TARN_BLOCK_ROWS, n = x->rows - first;
    double *values = w->scratch + (size_t)worker * (size_t)x->cols * TARN_BLOCK_ROWS;

    n = n < TARN_BLOCK_ROWS ? n : TARN_BLOCK_ROWS;
    tarn_code rc = x->cols > 0 ? x->block(x->self, first, n, values, err) : TARN_OK;
    if (rc != TARN_OK) return rc;
    for (int32_t o = 0; o < w->m->outputs; o++)
        for (int64_t i = 0; i < n; i++) w->z[o * x->rows + first + i] = margin(w->m, values, n, i, first + i, o);
    return TARN_OK;
}

/* Weights of the two classes of each output: (outputs, 2). */
static tarn_code count_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const work *w = arg;
    const tarn_matrix *x = w->m->job->x;
    (void)worker, (void)err;

    for (int64_t i = block * TARN_BLOCK_ROWS; i < x->rows && i < (block + 1) * TARN_BLOCK_ROWS; i++)
        for (int32_t o = 0; o < w->m->outputs; o++)
            sum[2 * o + (linear_svm_target(w->m, i, o) > 0)] += x->weight ? x->weight[i] : 1;
    return TARN_OK;
}

static tarn_code look_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const work *w = arg;
    const tarn_matrix *x = w->m->job->x;
    (void)worker, (void)err;

    for (int32_t o = 0; o < w->m->outputs; o++, sum += SUMS)
        for (int64_t i = block * TARN_BLOCK_ROWS; i < x->rows && i < (block + 1) * TARN_BLOCK_ROWS; i++) {
            double z = w->z[o * x->rows + i], f = fma(w->a[o], z, w->b[o]), weight = x->weight ? x->weight[i] : 1;
            double target = linear_svm_target(w->m, i, o) > 0 ? w->high[o] : w->low[o], p = tarn_sigmoid(f);
            double pull = weight * (p - target), curve = weight * p * (1 - p);
            sum[0] += weight * (tarn_softplus(f) - target * f);
            sum[1] = fma(pull, z, sum[1]);
            sum[2] += pull;
            sum[3] = fma(curve * z, z, sum[3]);
            sum[4] = fma(curve, z, sum[4]);
            sum[5] += curve;
        }
    return TARN_OK;
}

/* Newton's step of one output from its sums. */
static void step(const double *s, double *by_a, double *by_b)
{
    double aa = s[3] + 1e-10 * (s[3] + 1e-30) + 1e-12, bb = s[5] + 1e-12, det = aa * bb - s[4] * s[4];

    *by_a = det > 0 ? -(bb * s[1] - s[4] * s[2]) / det : 0;
    *by_b = det > 0 ? -(aa * s[2] - s[4] * s[1]) / det : -s[2] / bb;
}

/* Sums at (a, b) of all outputs. */
static tarn_code look(work *w, double *sums, tarn_err *err)
{
    const tarn_fit *job = w->m->job;
    int64_t count = (int64_t)SUMS * w->m->outputs;

    memset(sums, 0, (size_t)count * sizeof *sums);
    return tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), count, look_block, w, sums, err);
}

/* All outputs at once; each halves its own step where its loss did not fall, and rests when it has arrived. */
static tarn_code solve(work *w, double *space, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t k = (size_t)w->m->outputs;
    double *at = space, *next = at + SUMS * k, *da = next + SUMS * k, *db = da + k;
    bool moving = true;

    TARN_TRY(look(w, at, err));
    for (size_t o = 0; o < k; o++) step(at + SUMS * o, &da[o], &db[o]);
    for (int i = 0; i < STEPS && moving; i++) {
        for (size_t o = 0; o < k; o++) w->a[o] += da[o], w->b[o] += db[o];
        TARN_TRY(look(w, next, err));
        moving = false;
        for (size_t o = 0; o < k; o++) {
            const double *s = next + SUMS * o;
            bool fell = s[0] <= at[SUMS * o];
            if (fell) {
                memcpy(at + SUMS * o, s, SUMS * sizeof *s);
                step(s, &da[o], &db[o]);
            } else {
                w->a[o] -= da[o], w->b[o] -= db[o];
                da[o] /= 2, db[o] /= 2;
            }
            moving = moving || fabs(da[o]) > 1e-12 * (1 + fabs(w->a[o])) || fabs(db[o]) > 1e-12 * (1 + fabs(w->b[o]));
        }
    }
done:
    return rc;
}

tarn_code linear_svm_calibrate(const linear_svm *m, double *slope, double *offset, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = m->job;
    size_t k = (size_t)m->outputs, threads = (size_t)tarn_pool_threads(job->pool);
    double *space = NULL, *counts = NULL;
    work w = {.m = m, .a = slope, .b = offset};

    rc = tarn_alloc(&w.scratch, threads * (size_t)job->x->cols * TARN_BLOCK_ROWS, sizeof *w.scratch, err);
    if (rc == TARN_OK) rc = tarn_alloc(&w.z, k * (size_t)job->x->rows, sizeof *w.z, err);
    if (rc == TARN_OK) rc = tarn_alloc(&space, (2 * SUMS + 6) * k, sizeof *space, err);
    if (rc == TARN_OK) rc = tarn_pool_run(job->pool, tarn_blocks(job->x->rows), margins_of, &w, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    counts = space + (2 * SUMS + 2) * k;
    w.high = counts + 2 * k;
    w.low = w.high + k;
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), 2 * (int64_t)k, count_block, &w,
                                  counts, err));
    for (size_t o = 0; o < k; o++) {
        w.high[o] = (counts[2 * o + 1] + 1) / (counts[2 * o + 1] + 2);
        w.low[o] = 1 / (counts[2 * o] + 2);
        slope[o] = 0;
        offset[o] = tarn_log((counts[2 * o + 1] + 1) / (counts[2 * o] + 1));
    }
    TARN_TRY(solve(&w, space, err));
    for (size_t o = 0; o < k; o++) { /* margins that tell nothing fall a little where a left-out row was missed */
        if (slope[o] >= 0) continue;
        slope[o] = 0;
        offset[o] = tarn_log((counts[2 * o + 1] + 1) / (counts[2 * o] + 1));
    }
done:
    tarn_free(w.scratch);
    tarn_free(w.z);
    tarn_free(space);
    return rc;
}
