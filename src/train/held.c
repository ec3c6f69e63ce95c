/* SPDX-License-Identifier: Apache-2.0 */
/* held.c - all rows of a fit, held on every rank. See held.h. */
#include "train/held.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

/* So many rows of all columns stay in the cache while they are turned. */
enum { TURN = 64 };

tarn_code tarn_held_open(tarn_held *r, const tarn_fit *job, tarn_err *err)
{
    size_t threads = (size_t)tarn_pool_threads(job->pool), cols = (size_t)job->x->cols;
    size_t rows = job->x->rows < TARN_BLOCK_ROWS ? (size_t)job->x->rows : TARN_BLOCK_ROWS;

    *r = (tarn_held){.job = job};
    return tarn_alloc(&r->scratch, threads * cols * rows, sizeof *r->scratch, err);
}

void tarn_held_close(tarn_held *r)
{
    tarn_free(r->scratch);
    r->scratch = NULL;
}

tarn_code tarn_held_block(const tarn_held *r, int64_t block, int worker, int64_t *n, const double **values,
                          tarn_err *err)
{
    const tarn_matrix *x = r->job->x;
    int64_t first = block * TARN_BLOCK_ROWS, most = x->rows < TARN_BLOCK_ROWS ? x->rows : TARN_BLOCK_ROWS;
    double *own = r->scratch + worker * x->cols * most;
    tarn_code rc = tarn_cancel_check(r->job->sink, err);

    *n = x->rows - first < TARN_BLOCK_ROWS ? x->rows - first : TARN_BLOCK_ROWS;
    *values = own;
    return rc == TARN_OK ? x->block(x->self, first, *n, own, err) : rc;
}

tarn_code tarn_held_squares(const tarn_fit *job, int64_t n, const double *values, tarn_err *err)
{
    for (int32_t j = 0; j < job->x->cols; j++) {
        double most = 0;
        for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(values[j * n + i]));
        if (most > 1e150) return tarn_matrix_overflow(job->x, j, err);
    }
    return TARN_OK;
}

void tarn_held_turn(int64_t n, int64_t cols, const double *values, double *out)
{
    for (int64_t at = 0; at < n; at += TURN)
        for (int64_t j = 0; j < cols; j++)
            for (int64_t i = at; i < at + TURN && i < n; i++) out[i * cols + j] = values[j * n + i];
}

void tarn_held_turn_narrow(int64_t n, int64_t cols, const double *values, float *out, atomic_bool *lossy)
{
    for (int64_t at = 0; at < n && !atomic_load(lossy); at += TURN) {
        bool lost = false;
        for (int64_t j = 0; j < cols; j++)
            for (int64_t i = at; i < at + TURN && i < n; i++) {
                double x = values[j * n + i];
                out[i * cols + j] = (float)x;
                lost |= (double)(float)x != x;
            }
        if (lost) atomic_store(lossy, true);
    }
}

tarn_code tarn_held_join(const tarn_fit *job, void *rows, size_t each, tarn_err *err)
{
    void *mine, *all = NULL;
    size_t len = 0;

    if (tarn_comm_size(job->comm) == 1) return TARN_OK;
    memcpy(&mine, rows, sizeof mine);
    tarn_code rc = tarn_comm_gather(job->comm, mine, (size_t)job->x->rows * each, &all, &len, NULL, err);
    if (rc != TARN_OK) return rc;
    tarn_free(mine);
    memcpy(rows, &all, sizeof all);
    return TARN_OK;
}

tarn_code tarn_held_labels(const tarn_fit *job, double **y, double **weight, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    size_t rows = (size_t)x->rows;

    rc = tarn_alloc(y, rows, sizeof **y, err);
    if (rc == TARN_OK) rc = tarn_alloc(weight, rows, sizeof **weight, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    if (rows > 0) memcpy(*y, x->y, rows * sizeof **y);
    for (size_t i = 0; i < rows; i++) (*weight)[i] = x->weight ? x->weight[i] : 1;
    TARN_TRY(tarn_held_join(job, y, sizeof **y, err));
    TARN_TRY(tarn_held_join(job, weight, sizeof **weight, err));
done:
    return rc;
}
