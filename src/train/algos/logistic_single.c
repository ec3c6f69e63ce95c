/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_single.c - passes in single precision around a reference in double precision. See logistic_single.h.
 *
 * Sum of a pass: [loss, X'(r - r0) (outputs, wide), the sums of r - r0 (outputs)], with X as it was packed; the last
 * make up for the columns' shift, and are the intercepts' gradient. */
#include "train/algos/logistic_single.h"

#include "base/mem.h"
#include "train/algos/logistic_space.h"
#include "train/tile.h"

#include <math.h>
#include <string.h>

/* From so many columns on it pays; so many floats are a tile, which stays in the second level of the cache. */
enum { FEWEST = 64, TILE = 65536 };

/* What is smaller becomes 0: processors are slow with numbers near the smallest float. */
static const double SMALLEST = 1e-30;

struct logistic_single {
    const logistic_problem *p;
    size_t wide;  /* columns up to a multiple of 16 */
    int64_t tile; /* rows that go through together */
    float *x;     /* (rows up to a multiple of 4, wide) */
    double *unit; /* (cols) */
    /* at the reference */
    double *margin, *residual; /* (outputs, rows) */
    logistic_point at;
    float *between; /* (threads, outputs, stride): what goes into and comes out of the products */
};

static float brief(double x) { return fabs(x) < SMALLEST ? 0.0f : (float)x; }

static size_t stride_of(const logistic_problem *p) { return (size_t)p->tile + 8; }

static tarn_code pack_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    logistic_single *s = arg;
    const logistic_problem *p = s->p;
    logistic_space space = logistic_space_of(p, worker);
    int64_t n = tarn_block_size(p->job->x, block), d = p->dense;
    float *to = s->x + (size_t)block * TARN_BLOCK_ROWS * s->wide;
    tarn_code rc = logistic_read_block(p, block, &space, err);

    if (rc != TARN_OK) return rc;
    for (int64_t j = 0; j < d; j += 16) /* a line of the cache is written whole */
        for (int64_t i = 0; i < n; i++)
            for (int64_t c = j; c < j + 16 && c < d; c++)
                to[(size_t)i * s->wide + (size_t)c] =
                    brief((space.from[c * space.apart + i] - p->mean[c]) / s->unit[c]);
    return TARN_OK;
}

static void find_units(logistic_single *s)
{
    const logistic_problem *p = s->p;

    for (int32_t j = 0; j < p->cols; j++) {
        double variance = p->square[j] - p->mean[j] * p->mean[j];
        s->unit[j] = variance > 1e-12 * p->square[j] ? sqrt(variance) : p->size[j];
    }
}

static tarn_code allocate(logistic_single *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const logistic_problem *p = s->p;
    size_t rows = (size_t)p->job->x->rows, outputs = (size_t)p->outputs;
    size_t threads = (size_t)tarn_pool_threads(p->job->pool);

    TARN_TRY(tarn_alloc(&s->x, (rows + 3) / 4 * 4 * s->wide, sizeof *s->x, err));
    TARN_TRY(tarn_alloc(&s->unit, (size_t)p->cols, sizeof *s->unit, err));
    TARN_TRY(tarn_alloc(&s->margin, outputs * rows, sizeof *s->margin, err));
    TARN_TRY(tarn_alloc(&s->residual, outputs * rows, sizeof *s->residual, err));
    TARN_TRY(tarn_alloc(&s->between, threads * outputs * stride_of(p), sizeof *s->between, err));
    TARN_TRY(logistic_point_new(p, false, &s->at, err));
done:
    return rc;
}

tarn_code logistic_single_new(const logistic_problem *p, logistic_single **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    logistic_single *s = NULL;
    int64_t tile = 0;

    *out = NULL;
    if (p->job->x->sparse || p->absolute > 0 || p->cols < FEWEST || 4 * p->outputs > p->cols) return TARN_OK;
    rc = tarn_alloc(&s, 1, sizeof *s, err);
    if (rc == TARN_OK) {
        s->p = p;
        s->wide = ((size_t)p->cols + 15) / 16 * 16;
        tile = TILE / (int64_t)s->wide / 16 * 16;
        s->tile = tile < 16 ? 16 : tile < p->tile ? tile : p->tile;
        rc = allocate(s, err);
    }
    TARN_TRY(tarn_comm_agree(p->job->comm, rc, err));
    find_units(s);
    rc = tarn_pool_run(p->job->pool, tarn_blocks(p->job->x->rows), pack_block, s, err);
    TARN_TRY(tarn_comm_agree(p->job->comm, rc, err));
    *out = s;
    s = NULL;
done:
    logistic_single_free(s);
    return rc;
}

void logistic_single_free(logistic_single *s)
{
    if (!s) return;
    tarn_free(s->x);
    tarn_free(s->unit);
    tarn_free(s->margin);
    tarn_free(s->residual);
    tarn_free(s->between);
    logistic_point_clear(&s->at);
    tarn_free(s);
}

static void copy_point(const logistic_problem *p, const logistic_point *from, logistic_point *to)
{
    to->value = from->value;
    memcpy(to->theta, from->theta, (size_t)p->thetas * sizeof *to->theta);
    memcpy(to->gradient, from->gradient, (size_t)p->thetas * sizeof *to->gradient);
}

tarn_code logistic_single_refer(logistic_single *s, logistic_point *at, tarn_err *err)
{
    tarn_code rc = logistic_pass_keep(s->p, at, s->margin, s->residual, err);

    if (rc == TARN_OK) copy_point(s->p, at, &s->at);
    return rc;
}

void logistic_single_reference(const logistic_single *s, logistic_point *out) { copy_point(s->p, &s->at, out); }

/* theta - theta0, as a pass reads it. */
typedef struct pass_job {
    const logistic_single *s;
    float *theta;  /* (outputs, wide) of the packed columns */
    double *shift; /* (outputs) what it adds to the margin of every row */
} pass_job;

static void begin(const pass_job *job, const logistic_point *at)
{
    const logistic_single *s = job->s;
    const logistic_problem *p = s->p;

    for (int64_t k = 0; k < p->outputs; k++) {
        const double *theta = at->theta + k * p->wide, *was = s->at.theta + k * p->wide;
        double shift = p->wide > p->cols ? theta[p->cols] - was[p->cols] : 0;
        for (int64_t j = 0; j < p->cols; j++) {
            double by = theta[j] - was[j];
            job->theta[k * (int64_t)s->wide + j] = brief(by * s->unit[j]);
            shift = fma(by, p->mean[j], shift);
        }
        job->shift[k] = shift;
    }
}

/* Rows from number `row` on; more: as many come behind them. */
static void pass_tile(const pass_job *job, int64_t row, int64_t n, bool more, logistic_space *space, float *between,
                      double *sum)
{
    const logistic_single *s = job->s;
    const logistic_problem *p = s->p;
    size_t outputs = (size_t)p->outputs, stride = stride_of(p);
    logistic_rows rows = {(size_t)n, s->wide, more ? (size_t)n * s->wide : 0, s->x + (size_t)row * s->wide};

    logistic_single_times(&rows, outputs, job->theta, stride, between);
    for (size_t k = 0; k < outputs; k++) {
        const double *was = s->margin + k * (size_t)p->job->x->rows + row;
        for (int64_t i = 0; i < n; i++)
            space->margin[k * stride + (size_t)i] = was[i] + (job->shift[k] + (double)between[k * stride + (size_t)i]);
    }
    logistic_weigh(p, row, n, space);
    sum[0] += logistic_losses(p, row, n, space);
    for (size_t k = 0; k < outputs; k++) {
        const double *was = s->residual + k * (size_t)p->job->x->rows + row;
        for (int64_t i = 0; i < n; i++) {
            double by = space->residual[k * stride + (size_t)i] - was[i];
            sum[1 + outputs * s->wide + k] += by;
            between[k * stride + (size_t)i] = brief(by);
        }
    }
    logistic_single_transposed(&rows, outputs, between, stride, sum + 1);
}

static tarn_code pass_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const pass_job *job = arg;
    const logistic_single *s = job->s;
    logistic_space space = logistic_space_of(s->p, worker);
    float *between = s->between + (size_t)worker * (size_t)s->p->outputs * stride_of(s->p);
    int64_t first = block * TARN_BLOCK_ROWS, rows = tarn_block_size(s->p->job->x, block);
    (void)err;

    for (int64_t at = 0; at < rows; at += s->tile) {
        int64_t n = rows - at < s->tile ? rows - at : s->tile;
        pass_tile(job, first + at, n, rows - at >= 2 * s->tile, &space, between, sum);
    }
    return TARN_OK;
}

/* Sums become what they add to the reference's gradient, and the penalty joins. */
static void finish(const logistic_single *s, const double *sum, logistic_point *at)
{
    const logistic_problem *p = s->p;
    const double *sums = sum + 1 + p->outputs * (int64_t)s->wide;
    double squares = 0;

    for (int64_t k = 0; k < p->outputs; k++)
        for (int64_t j = 0; j < p->wide; j++) {
            int64_t i = k * p->wide + j;
            bool free = j == p->cols;
            double g = sums[k];
            if (!free) g = fma(sum[1 + k * (int64_t)s->wide + j], s->unit[j], p->mean[j] * sums[k]);
            at->gradient[i] = s->at.gradient[i] + g / p->weight_sum;
            if (free) continue;
            at->gradient[i] = fma(p->penalty, at->theta[i] - s->at.theta[i], at->gradient[i]);
            squares = fma(at->theta[i], at->theta[i], squares);
        }
    at->value = sum[0] / p->weight_sum + 0.5 * p->penalty * squares;
}

tarn_code logistic_single_pass(const logistic_single *s, logistic_point *at, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = s->p->job;
    pass_job pass = {.s = s};
    size_t outputs = (size_t)s->p->outputs, n = 1 + outputs * (s->wide + 1);
    double *sum = NULL;

    rc = tarn_alloc(&sum, n, sizeof *sum, err);
    if (rc == TARN_OK) rc = tarn_alloc(&pass.theta, outputs * s->wide, sizeof *pass.theta, err);
    if (rc == TARN_OK) rc = tarn_alloc(&pass.shift, outputs, sizeof *pass.shift, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    begin(&pass, at);
    TARN_TRY(
        tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), (int64_t)n, pass_block, &pass, sum, err));
    finish(s, sum, at);
done:
    tarn_free(pass.theta);
    tarn_free(pass.shift);
    tarn_free(sum);
    return rc;
}
