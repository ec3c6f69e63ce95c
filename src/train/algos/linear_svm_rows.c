/* SPDX-License-Identifier: Apache-2.0 */
/* linear_svm_rows.c - all rows of all ranks, row by row. See linear_svm_parts.h. */
#include "base/mem.h"
#include "train/algos/linear_svm_parts.h"

#include <string.h>

static tarn_code take_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    void **both = arg;
    const tarn_matrix *x = both[0];
    double *out = both[1], *space = (double *)both[2] + (size_t)worker * (size_t)x->cols * TARN_BLOCK_ROWS;
    int64_t first = block * TARN_BLOCK_ROWS, n = x->rows - first;

    n = n < TARN_BLOCK_ROWS ? n : TARN_BLOCK_ROWS;
    tarn_code rc = x->block(x->self, first, n, space, err);
    if (rc != TARN_OK) return rc;
    for (int64_t i = 0; i < n; i++)
        for (int32_t j = 0; j < x->cols; j++) out[(first + i) * x->cols + j] = space[j * n + i];
    return TARN_OK;
}

static tarn_code take_dense(const tarn_fit *job, double **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    double *space = NULL;
    size_t threads = (size_t)tarn_pool_threads(job->pool);

    rc = tarn_alloc(out, (size_t)x->rows * (size_t)x->cols, sizeof **out, err);
    if (rc == TARN_OK) rc = tarn_alloc(&space, threads * (size_t)x->cols * TARN_BLOCK_ROWS, sizeof *space, err);
    void *both[] = {(void *)(uintptr_t)x, *out, space};
    if (rc == TARN_OK && x->cols > 0) rc = tarn_pool_run(job->pool, tarn_blocks(x->rows), take_block, both, err);
    tarn_free(space);
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
