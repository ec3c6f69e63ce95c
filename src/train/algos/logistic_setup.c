/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_setup.c - what logistic regression looks at before its first pass: weights, and the moments of the columns.
 * See logistic_parts.h. */
#include "base/mem.h"
#include "math/gram.h"
#include "train/algos/logistic_space.h"
#include "train/tile.h"

#include <math.h>

/* Column j of a tile is column number... of the problem: the ones come last. */
static int64_t column_of(const logistic_problem *p, int64_t j) { return j < p->dense ? j : p->cols; }

/* [W, sum of w x_j (wide), sum of w x_j^2 (wide)] */
static void look_tile(const logistic_problem *p, const logistic_tile *tile, int64_t row, logistic_space *s, double *sum)
{
    const tarn_sparse *x = p->job->x->sparse;
    int64_t n = (int64_t)tile->rows;

    for (int64_t i = 0; i < n; i++) sum[0] += s->weight[i];
    for (int64_t j = 0; j < p->tall; j++) {
        const double *v = s->x + j * s->stride;
        for (int64_t i = 0; i < n; i++) s->curve[i] = v[i] * v[i];
        sum[1 + column_of(p, j)] += tarn_dot((size_t)n, v, s->weight);
        sum[1 + p->wide + column_of(p, j)] += tarn_dot((size_t)n, s->curve, s->weight);
    }
    for (int64_t i = 0; x && i < n; i++)
        for (int64_t e = x->start[row + i]; e < x->start[row + i + 1]; e++) {
            double *to = sum + 1 + p->dense + x->index[e], value = (double)x->value[e], weighed = s->weight[i] * value;
            to[0] += weighed;
            to[p->wide] = fma(weighed, value, to[p->wide]);
        }
}

static tarn_code look_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const logistic_problem *p = arg;
    logistic_space s = logistic_space_of(p, worker);
    int64_t first = block * TARN_BLOCK_ROWS, rows = tarn_block_size(p->job->x, block);

    tarn_code rc = logistic_read_block(p, block, &s, err);
    if (rc != TARN_OK) return rc;
    for (int64_t at = 0; at < rows; at += p->tile) {
        int64_t n = rows - at < p->tile ? rows - at : p->tile;
        logistic_tile tile = logistic_take_tile(p, first + at, at, n, &s);
        look_tile(p, &tile, first + at, &s, sum);
    }
    return TARN_OK;
}

/* One pass: W and the columns' moments. */
static tarn_code look(logistic_problem *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t n = 1 + 2 * (int64_t)p->wide;
    double *sum = NULL;

    rc = tarn_alloc(&sum, (size_t)n, sizeof *sum, err);
    TARN_TRY(tarn_comm_agree(p->job->comm, rc, err));
    TARN_TRY(
        tarn_comm_sum_blocks(p->job->comm, p->job->pool, tarn_blocks(p->job->x->rows), n, look_block, p, sum, err));
    p->weight_sum = sum[0];
    for (int32_t j = 0; j < p->wide; j++) {
        p->mean[j] = sum[1 + j] / sum[0];
        p->square[j] = sum[1 + p->wide + j] / sum[0];
        p->size[j] = p->square[j] > 0 ? sqrt(p->square[j]) : 1;
        if (!isfinite(p->mean[j]) || !isfinite(p->square[j])) TARN_TRY(tarn_matrix_overflow(p->job->x, j, err));
    }
done:
    tarn_free(sum);
    return rc;
}

/* Balanced: rows / (classes * rows of the class), whatever the rows' own weights; as scikit-learn does. */
static tarn_code weigh_classes(logistic_problem *p, bool balanced, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = p->job->x;
    size_t classes = (size_t)x->classes;
    int64_t *counts = NULL;

    rc = tarn_alloc(&counts, classes, sizeof *counts, err);
    TARN_TRY(tarn_comm_agree(p->job->comm, rc, err));
    for (int64_t i = 0; i < x->rows; i++) counts[(size_t)x->y[i]]++;
    TARN_TRY(tarn_comm_sum_i64(p->job->comm, counts, classes, err));
    for (size_t k = 0; k < classes; k++)
        p->class_weight[k] = balanced ? (double)x->all_rows / ((double)classes * (double)counts[k]) : 1;
done:
    tarn_free(counts);
    return rc;
}

static tarn_code allocate(logistic_problem *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t wide = (size_t)p->wide, threads = (size_t)tarn_pool_threads(p->job->pool);

    p->tile = p->tall <= 64 ? 512 : p->tall <= 256 ? 256 : 128;
    p->scratch_each = logistic_space_size(p);
    TARN_TRY(tarn_alloc(&p->class_weight, (size_t)p->job->x->classes, sizeof(double), err));
    TARN_TRY(tarn_alloc(&p->mean, wide, sizeof(double), err));
    TARN_TRY(tarn_alloc(&p->square, wide, sizeof(double), err));
    TARN_TRY(tarn_alloc(&p->size, wide, sizeof(double), err));
    TARN_TRY(tarn_alloc(&p->scratch, threads * (size_t)p->scratch_each, sizeof(double), err));
done:
    return rc;
}

tarn_code logistic_open(logistic_problem *p, const tarn_fit *job, const logistic_params *params, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    int32_t ones = params->intercept ? 1 : 0;

    *p = (logistic_problem){.job = job, .dense = x->cols, .tall = x->cols + ones, .every = 1};
    p->cols = x->cols + (x->sparse ? x->sparse->cols : 0);
    p->wide = p->cols + ones;
    p->outputs = x->classes == 2 ? 1 : x->classes;
    p->thetas = (int64_t)p->outputs * p->wide;
    rc = allocate(p, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(weigh_classes(p, params->class_weight == LOGISTIC_BALANCED, err));
    TARN_TRY(look(p, err));
    p->penalty = (1 - params->l1_ratio) / (params->C * p->weight_sum);
    p->absolute = params->l1_ratio / (params->C * p->weight_sum);
done:
    if (rc != TARN_OK) logistic_close(p);
    return rc;
}

void logistic_close(logistic_problem *p)
{
    tarn_free(p->class_weight);
    tarn_free(p->mean);
    tarn_free(p->square);
    tarn_free(p->size);
    tarn_free(p->scratch);
    *p = (logistic_problem){0};
}
