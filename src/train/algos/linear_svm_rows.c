/* SPDX-License-Identifier: Apache-2.0 */
/* linear_svm_rows.c - all rows of all ranks, row by row. See linear_svm_parts.h. */
#include "base/mem.h"
#include "train/algos/linear_svm_parts.h"
#include "train/held.h"

#include <string.h>

typedef struct dense_rows {
    tarn_held rows;
    double *out; /* (rows, cols) */
} dense_rows;

static tarn_code take_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const dense_rows *d = arg;
    const double *values;
    int64_t n, cols = d->rows.job->x->cols;
    tarn_code rc = tarn_held_block(&d->rows, block, worker, &n, &values, err);

    if (rc == TARN_OK) rc = tarn_held_squares(d->rows.job, n, values, err);
    if (rc == TARN_OK) tarn_held_turn(n, cols, values, d->out + block * TARN_BLOCK_ROWS * cols);
    return rc;
}

static tarn_code take_dense(const tarn_fit *job, double **out, tarn_err *err)
{
    const tarn_matrix *x = job->x;
    dense_rows d = {0};

    tarn_code rc = tarn_alloc(out, (size_t)x->rows * (size_t)x->cols, sizeof **out, err);
    if (rc == TARN_OK) rc = tarn_held_open(&d.rows, job, err);
    d.out = *out;
    if (rc == TARN_OK && x->cols > 0) rc = tarn_pool_run(job->pool, tarn_blocks(x->rows), take_block, &d, err);
    tarn_held_close(&d.rows);
    return rc;
}

/* Replace *mine by everyone's. */
static tarn_code gather(const tarn_fit *job, void *mine, size_t bytes, void **out, tarn_err *err)
{
    size_t len = 0;

    return tarn_comm_gather(job->comm, mine, bytes, out, &len, NULL, err);
}

void linear_svm_rows_clear(linear_svm_rows *r)
{
    for (int i = 0; i < 5; i++) tarn_free(r->gathered[i]);
    tarn_free(r->x);
    tarn_free(r->y);
    tarn_free(r->weight);
}

/* Starts of each rank's entries become starts among all. */
static tarn_code gather_sparse(const tarn_fit *job, const tarn_sparse *s, linear_svm_rows *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t n = job->x->rows, *lengths = NULL, *start = NULL;
    size_t entries = n > 0 ? (size_t)(s->start[n] - s->start[0]) : 0;

    rc = tarn_alloc(&lengths, (size_t)n, sizeof *lengths, err);
    if (rc == TARN_OK) rc = tarn_alloc(&start, (size_t)r->n + 1, sizeof *start, err);
    r->gathered[0] = start;
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    for (int64_t i = 0; i < n; i++) lengths[i] = s->start[i + 1] - s->start[i];
    TARN_TRY(gather(job, lengths, (size_t)n * sizeof *lengths, &r->gathered[1], err));
    TARN_TRY(gather(job, (void *)(uintptr_t)(s->index + (n > 0 ? s->start[0] : 0)), entries * sizeof *s->index,
                    &r->gathered[2], err));
    TARN_TRY(gather(job, (void *)(uintptr_t)(s->value + (n > 0 ? s->start[0] : 0)), entries * sizeof *s->value,
                    &r->gathered[3], err));
    const int64_t *all = r->gathered[1];
    for (int64_t i = 0; i < r->n; i++) start[i + 1] = start[i] + all[i];
    r->start = start;
    r->index = r->gathered[2];
    r->value = r->gathered[3];
done:
    tarn_free(lengths);
    return rc;
}

static tarn_code gather_doubles(const tarn_fit *job, double **mine, size_t count, tarn_err *err)
{
    void *all = NULL;
    tarn_code rc = gather(job, *mine, count * sizeof **mine, &all, err);

    if (rc != TARN_OK) return rc;
    tarn_free(*mine);
    *mine = all;
    return TARN_OK;
}

tarn_code linear_svm_rows_take(const linear_svm *m, linear_svm_rows *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = m->job;
    const tarn_matrix *x = job->x;
    size_t n = (size_t)x->rows;

    *r = (linear_svm_rows){
        .n = x->all_rows, .ones = m->wide > m->cols, .dense = x->cols, .sparse = x->sparse ? x->sparse->cols : 0};
    rc = take_dense(job, &r->x, err);
    if (rc == TARN_OK) rc = tarn_alloc(&r->y, n, sizeof *r->y, err);
    if (rc == TARN_OK) rc = tarn_alloc(&r->weight, n, sizeof *r->weight, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    for (size_t i = 0; i < n; i++) r->y[i] = x->y[i], r->weight[i] = x->weight ? x->weight[i] : 1;
    if (tarn_comm_size(job->comm) > 1) {
        TARN_TRY(gather_doubles(job, &r->x, n * (size_t)x->cols, err));
        TARN_TRY(gather_doubles(job, &r->y, n, err));
        TARN_TRY(gather_doubles(job, &r->weight, n, err));
        if (x->sparse) TARN_TRY(gather_sparse(job, x->sparse, r, err));
    } else if (x->sparse) {
        r->start = x->sparse->start;
        r->index = x->sparse->index;
        r->value = x->sparse->value;
    }
done:
    return rc;
}
