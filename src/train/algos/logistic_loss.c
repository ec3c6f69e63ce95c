/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_loss.c - the objective of logistic regression, its gradient and its Hessian. See logistic_parts.h.
 *
 * A pass is a sum over blocks of rows (tarn_comm_sum_blocks), so the bits do not depend on threads or ranks. Within a
 * block, rows go through in tiles small enough that a tile's columns stay in the cache between the three uses:
 * margins, gradient, Gram matrix.
 *
 * Sum of a pass: [loss, gradient (K, wide), one (wide, wide) Gram matrix per pair of outputs k >= l].
 * With p_k the probability of class k, the Hessian's block (k, l) is X' diag(w p_k ([k = l] - p_l)) X.
 */
#include "base/mem.h"
#include "math/elementary.h"
#include "math/gram.h"
#include "train/algos/logistic_space.h"
#include "train/tile.h"

#include <math.h>
#include <string.h>

logistic_space logistic_space_of(const logistic_problem *p, int worker)
{
    logistic_space s = {.stride = p->tile + 8, .block = p->scratch + worker * p->scratch_each};

    s.x = s.block + (int64_t)p->dense * TARN_BLOCK_ROWS;
    s.margin = s.x + p->tall * s.stride;
    s.residual = s.margin + p->outputs * s.stride;
    s.weight = s.residual + p->outputs * s.stride;
    s.curve = s.weight + s.stride;
    s.row = s.curve + s.stride;
    return s;
}

int64_t logistic_space_size(const logistic_problem *p)
{
    int64_t tile = (p->tall + 2 * (int64_t)p->outputs + 2) * (p->tile + 8);

    return (int64_t)p->dense * TARN_BLOCK_ROWS + tile + p->outputs;
}

tarn_code logistic_read_block(const logistic_problem *p, int64_t block, logistic_space *s, tarn_err *err)
{
    const tarn_matrix *m = p->job->x;
    int64_t at = block * TARN_BLOCK_ROWS, n = tarn_block_size(m, block);

    if (p->dense == 0) return TARN_OK;
    s->from = m->view ? m->view(m->self, at, n, &s->apart) : NULL;
    if (s->from) return TARN_OK;
    s->from = s->block;
    s->apart = n;
    return m->block(m->self, at, n, s->block, err);
}

static double row_weight(const logistic_problem *p, int64_t row)
{
    const tarn_matrix *m = p->job->x;
    double own = m->weight ? m->weight[row] : 1;
    return own * p->class_weight[(size_t)m->y[row]];
}

void logistic_weigh(const logistic_problem *p, int64_t row, int64_t n, logistic_space *s)
{
    for (int64_t i = 0; i < n; i++) s->weight[i] = row_weight(p, row + i);
}

logistic_tile logistic_take_tile(const logistic_problem *p, int64_t row, int64_t at, int64_t n, logistic_space *s)
{
    logistic_tile tile = {(size_t)n, (size_t)p->tall, (size_t)s->stride, s->x};

    for (int32_t j = 0; j < p->dense; j++)
        memcpy(s->x + j * s->stride, s->from + j * s->apart + at, (size_t)n * sizeof *s->x);
    for (int64_t i = 0; i < n && p->tall > p->dense; i++) s->x[p->dense * s->stride + i] = 1;
    logistic_weigh(p, row, n, s);
    return tile;
}

/* Two classes: with s = -1 for class 1 and +1 for class 0, the loss is softplus(s z) and its slope s sigmoid(s z),
 * which loses no digits however sure the model is. */
static double binary_tile(int64_t n, const double *y, logistic_space *s)
{
    double loss = 0;

    for (int64_t i = 0; i < n; i++) s->margin[i] = y[i] > 0 ? -s->margin[i] : s->margin[i];
    tarn_softplus_n((size_t)n, s->margin, s->curve);
    for (int64_t i = 0; i < n; i++) loss += s->weight[i] * s->curve[i];
    tarn_sigmoid_n((size_t)n, s->margin, s->margin);
    for (int64_t i = 0; i < n; i++) {
        double q = s->margin[i], w = s->weight[i];
        s->residual[i] = y[i] > 0 ? -w * q : w * q;
        s->curve[i] = w * q * (1 - q);
    }
    return loss;
}

/* More classes: margins become probabilities, in place. */
static double softmax_tile(int64_t n, int32_t outputs, const double *y, logistic_space *s)
{
    double loss = 0, *z = s->margin;

    for (int64_t i = 0; i < n; i++) {
        double most = z[i], own = z[(int64_t)y[i] * s->stride + i];
        for (int32_t k = 1; k < outputs; k++) most = z[k * s->stride + i] > most ? z[k * s->stride + i] : most;
        for (int32_t k = 0; k < outputs; k++) z[k * s->stride + i] -= most;
        loss += s->weight[i] * (most - own);
    }
    for (int32_t k = 0; k < outputs; k++) tarn_exp_n((size_t)n, z + k * s->stride, z + k * s->stride);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int32_t k = 0; k < outputs; k++) sum += z[k * s->stride + i];
        for (int32_t k = 0; k < outputs; k++) {
            z[k * s->stride + i] /= sum;
            s->residual[k * s->stride + i] = s->weight[i] * (z[k * s->stride + i] - (y[i] == k ? 1 : 0));
        }
        loss += s->weight[i] * tarn_log(sum);
    }
    return loss;
}

double logistic_losses(const logistic_problem *p, int64_t row, int64_t n, logistic_space *s)
{
    const double *y = p->job->x->y + row;

    return p->outputs == 1 ? binary_tile(n, y, s) : softmax_tile(n, p->outputs, y, s);
}

/* Coefficients as a pass reads them: those of a tile's columns, and those of sparse columns, which lie together for all
 * outputs because a row has few of these columns and needs every output of each. */
typedef struct pass_job {
    const logistic_problem *p;
    double *theta;  /* (outputs, tall) */
    double *sparse; /* (sparse columns, outputs) */
    bool hessian;
    int64_t first;             /* this rank's first block of those that the pass takes */
    double *margin, *residual; /* (outputs, rows) out, may be NULL */
} pass_job;

/* margins += sparse columns of `n` rows from row number `row` on times their coefficients. */
static void sparse_times(const pass_job *job, int64_t row, int64_t n, logistic_space *s)
{
    const tarn_sparse *x = job->p->job->x->sparse;
    int64_t outputs = job->p->outputs;

    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < outputs; k++) s->row[k] = s->margin[k * s->stride + i];
        for (int64_t e = x->start[row + i]; e < x->start[row + i + 1]; e++) {
            const double *theta = job->sparse + x->index[e] * outputs;
            const double value = (double)x->value[e];
            for (int64_t k = 0; k < outputs; k++) s->row[k] = fma(value, theta[k], s->row[k]);
        }
        for (int64_t k = 0; k < outputs; k++) s->margin[k * s->stride + i] = s->row[k];
    }
}

/* g (sparse columns, outputs) += sparse columns times r (outputs, stride). */
static void sparse_transposed(const logistic_problem *p, int64_t row, int64_t n, int64_t outputs, const double *r,
                              logistic_space *s, double *g)
{
    const tarn_sparse *x = p->job->x->sparse;

    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < outputs; k++) s->row[k] = r[k * s->stride + i];
        for (int64_t e = x->start[row + i]; e < x->start[row + i + 1]; e++) {
            double *to = g + x->index[e] * outputs;
            const double value = (double)x->value[e];
            for (int64_t k = 0; k < outputs; k++) to[k] = fma(value, s->row[k], to[k]);
        }
    }
}

static void add_hessian(const logistic_problem *p, const logistic_tile *tile, logistic_space *s, double *out)
{
    int64_t square = (int64_t)p->wide * p->wide, n = (int64_t)tile->rows;

    if (p->outputs == 1) {
        tarn_gram_add(tile->cols, tile->rows, tile->stride, tile->x, s->curve, out);
        return;
    }
    for (int32_t k = 0; k < p->outputs; k++)
        for (int32_t l = 0; l <= k; l++, out += square) {
            const double *a = s->margin + k * s->stride, *b = s->margin + l * s->stride;
            for (int64_t i = 0; i < n; i++) s->curve[i] = s->weight[i] * a[i] * (k == l ? 1 - b[i] : -b[i]);
            tarn_gram_add(tile->cols, tile->rows, tile->stride, tile->x, s->curve, out);
        }
}

/* Numbers of a tile (outputs, stride) to where those of all rows stand (outputs, rows). */
static void keep(const logistic_problem *p, int64_t row, int64_t n, int64_t stride, const double *from, double *to)
{
    for (int32_t k = 0; k < p->outputs; k++)
        memcpy(to + k * p->job->x->rows + row, from + k * stride, (size_t)n * sizeof *to);
}

/* Rows from number `row` on. */
static void pass_tile(const pass_job *job, const logistic_tile *tile, int64_t row, logistic_space *s, double *sum)
{
    const logistic_problem *p = job->p;
    int64_t n = (int64_t)tile->rows;
    size_t outputs = (size_t)p->outputs;

    logistic_times(tile, outputs, job->theta, s->margin);
    if (job->sparse) sparse_times(job, row, n, s);
    if (job->margin) keep(p, row, n, s->stride, s->margin, job->margin);
    sum[0] += logistic_losses(p, row, n, s);
    if (job->residual) keep(p, row, n, s->stride, s->residual, job->residual);
    logistic_transposed(tile, outputs, s->residual, sum + 1);
    if (job->sparse) sparse_transposed(p, row, n, p->outputs, s->residual, s, sum + 1 + outputs * (size_t)p->tall);
    if (job->hessian) add_hessian(p, tile, s, sum + 1 + p->thetas);
}

static tarn_code pass_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const pass_job *job = arg;
    const logistic_problem *p = job->p;
    logistic_space s = logistic_space_of(p, worker);

    block = job->first + block * p->every;
    int64_t first = block * TARN_BLOCK_ROWS, rows = tarn_block_size(p->job->x, block);
    tarn_code rc = logistic_read_block(p, block, &s, err);
    if (rc != TARN_OK) return rc;
    for (int64_t at = 0; at < rows; at += p->tile) {
        int64_t n = rows - at < p->tile ? rows - at : p->tile;
        logistic_tile tile = logistic_take_tile(p, first + at, at, n, &s);
        pass_tile(job, &tile, first + at, &s, sum);
    }
    return TARN_OK;
}

/* Gram matrices of the pairs k >= l, upper triangles, to the upper triangle of the Hessian of F. Adding the same to
 * all intercepts changes no probability, so with more than two classes the Hessian is flat that way; the gradient has
 * no share in it, so any curvature put there leaves Newton's step as it is, and makes it unique. */
static void unpack_hessian(const logistic_problem *p, const double *sum, double *hessian)
{
    int64_t d = p->wide, n = p->thetas;
    double flat = p->outputs > 1 && p->wide > p->cols ? 1.0 / p->outputs : 0;

    for (int32_t k = 0; k < p->outputs; k++)
        for (int32_t l = 0; l <= k; l++, sum += d * d) {
            double *block = hessian + l * d * n + k * d;
            for (int64_t i = 0; i < d; i++)
                for (int64_t j = 0; j < d; j++)
                    block[i * n + j] = (i <= j ? sum[i * d + j] : sum[j * d + i]) / p->weight_sum;
            block[(d - 1) * n + d - 1] += flat;
            for (int64_t j = 0; k == l && j < p->cols; j++) block[j * n + j] += p->penalty;
        }
}

/* Where coefficient j of output k lies in what a pass reads and writes: see pass_job. */
static int64_t place(const logistic_problem *p, int64_t k, int64_t j)
{
    if (j < p->dense) return k * p->tall + j;
    if (j == p->cols) return k * p->tall + p->dense;
    return p->outputs * (int64_t)p->tall + (j - p->dense) * p->outputs + k;
}

/* Sums become means, and the penalty joins. */
static void unpack(const logistic_problem *p, const double *sum, logistic_point *at)
{
    double squares = 0;

    for (int64_t i = 0; i < p->thetas; i++) {
        bool free = i % p->wide == p->cols;
        double g = sum[1 + place(p, i / p->wide, i % p->wide)];
        at->gradient[i] = g / p->weight_sum + (free ? 0 : p->penalty * at->theta[i]);
        if (!free) squares = fma(at->theta[i], at->theta[i], squares);
    }
    at->value = sum[0] / p->weight_sum + 0.5 * p->penalty * squares;
    if (at->hessian) unpack_hessian(p, sum + 1 + p->thetas, at->hessian);
}

tarn_code logistic_pass(const logistic_problem *p, logistic_point *at, tarn_err *err)
{
    return logistic_pass_keep(p, at, NULL, NULL, err);
}

tarn_code logistic_pass_keep(const logistic_problem *p, logistic_point *at, double *margin, double *residual,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = p->job;
    pass_job pass = {.p = p, .hessian = at->hessian != NULL, .margin = margin, .residual = residual};
    int64_t pairs = (int64_t)p->outputs * (p->outputs + 1) / 2;
    int64_t n = 1 + p->thetas + (at->hessian ? pairs * p->wide * p->wide : 0);
    int64_t blocks = tarn_blocks(job->x->rows), taken = 0;
    double *sum = NULL;

    pass.first = (p->every - job->x->first / TARN_BLOCK_ROWS % p->every) % p->every;
    if (blocks > pass.first) taken = (blocks - pass.first + p->every - 1) / p->every;
    rc = tarn_alloc(&sum, (size_t)n, sizeof *sum, err);
    if (rc == TARN_OK) rc = tarn_alloc(&pass.theta, (size_t)p->thetas, sizeof *pass.theta, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    for (int64_t i = 0; i < p->thetas; i++) pass.theta[place(p, i / p->wide, i % p->wide)] = at->theta[i];
    if (job->x->sparse) pass.sparse = pass.theta + p->outputs * (int64_t)p->tall;
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, taken, n, pass_block, &pass, sum, err));
    unpack(p, sum, at);
done:
    tarn_free(pass.theta);
    tarn_free(sum);
    return rc;
}

tarn_code logistic_point_new(const logistic_problem *p, bool hessian, logistic_point *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = (size_t)p->thetas;

    *out = (logistic_point){0};
    TARN_TRY(tarn_alloc(&out->theta, n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&out->gradient, n, sizeof(double), err));
    if (hessian) TARN_TRY(tarn_alloc(&out->hessian, n * n, sizeof(double), err));
done:
    if (rc != TARN_OK) logistic_point_clear(out);
    return rc;
}

void logistic_point_clear(logistic_point *point)
{
    tarn_free(point->theta);
    tarn_free(point->gradient);
    tarn_free(point->hessian);
    *point = (logistic_point){0};
}
