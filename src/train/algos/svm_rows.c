/* SPDX-License-Identifier: Apache-2.0 */
/* svm_rows.c - all rows as floats, on every rank. See svm_parts.h.
 *
 * RBF looks at differences only, so its columns are moved to mean zero before they are rounded: columns far from zero
 * keep their digits. */
#include "base/mem.h"
#include "base/str.h"
#include "train/algos/svm_parts.h"
#include "train/held.h"

#include <math.h>
#include <string.h>

typedef struct reading {
    tarn_held rows;
    const double *shift;
    double mean; /* over all values */
    float *x;    /* (rows, cols) this rank's */
} reading;

static tarn_code add_sums(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const reading *r = arg;
    const double *values;
    int64_t n;
    tarn_code rc = tarn_held_block(&r->rows, block, worker, &n, &values, err);

    if (rc == TARN_OK) rc = tarn_held_squares(r->rows.job, n, values, err);
    for (int32_t j = 0; rc == TARN_OK && j < r->rows.job->x->cols; j++)
        for (int64_t i = 0; i < n; i++) sum[j] += values[j * n + i];
    return rc;
}

/* Keep the rows, and add up squares. */
static tarn_code take_rows(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const reading *r = arg;
    int64_t cols = r->rows.job->x->cols, n;
    const double *values;
    tarn_code rc = tarn_held_block(&r->rows, block, worker, &n, &values, err);

    if (rc != TARN_OK) return rc;
    float *to = r->x + block * TARN_BLOCK_ROWS * cols;
    for (int64_t j = 0; j < cols; j++)
        for (int64_t i = 0; i < n; i++) {
            double off = values[j * n + i] - r->mean;
            sum[0] += off * off;
            to[i * cols + j] = tarn_kernel_number(values[j * n + i] - r->shift[j]);
        }
    return TARN_OK;
}

static tarn_code read_gamma(const char *text, size_t cols, double variance, double *out, tarn_err *err)
{
    if (strcmp(text, "scale") == 0) *out = variance > 0 ? 1 / ((double)cols * variance) : 1;
    else if (strcmp(text, "auto") == 0) *out = 1 / (double)cols;
    else if (!tarn_num_parse(text, strlen(text), false, out) || !(*out >= 1e-30 && *out <= 1e30))
        return TARN_FAIL(err, TARN_INVALID, "gamma is '%s'; it must be scale, auto or a number from 1e-30 to 1e30",
                         text);
    *out = fmin(fmax(*out, 1e-30), 1e30);
    return TARN_OK;
}

static tarn_code allocate(const tarn_fit *job, reading *r, svm_rows *out, double **sums, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    size_t cols = (size_t)x->cols;

    TARN_TRY(tarn_held_open(&r->rows, job, err));
    TARN_TRY(tarn_alloc(&r->x, (size_t)x->rows * cols, sizeof *r->x, err));
    TARN_TRY(tarn_alloc(sums, cols, sizeof **sums, err));
    TARN_TRY(tarn_alloc(&out->shift, cols, sizeof *out->shift, err));
done:
    return rc;
}

tarn_code svm_rows_read(const tarn_fit *job, const svm_params *set, svm_rows *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    reading r = {0};
    double *sums = NULL, squares = 0;
    int64_t blocks = tarn_blocks(job->x->rows);

    *out = (svm_rows){.n = job->x->all_rows, .d = (size_t)job->x->cols};
    if (out->n > INT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT, "%lld rows are more than a support vector machine takes (2147483647)",
                         (long long)out->n);
    rc = allocate(job, &r, out, &sums, err);
    if (rc == TARN_OK) rc = tarn_cancel_check(job->sink, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, blocks, (int64_t)out->d, add_sums, &r, sums, err));
    for (size_t j = 0; j < out->d; j++) {
        sums[j] /= (double)out->n;
        r.mean += sums[j] / (double)out->d;
        if (set->kernel == TARN_KERNEL_RBF) out->shift[j] = sums[j];
    }
    r.shift = out->shift;
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, blocks, 1, take_rows, &r, &squares, err));
    TARN_TRY(read_gamma(set->gamma, out->d, squares / ((double)out->n * (double)out->d), &out->gamma, err));
    TARN_TRY(tarn_held_join(job, &r.x, out->d * sizeof *r.x, err));
    out->x = r.x;
    r.x = NULL;
    TARN_TRY(tarn_held_labels(job, &out->y, &out->weight, err));
done:
    tarn_held_close(&r.rows);
    tarn_free(r.x);
    tarn_free(sums);
    return rc;
}

void svm_rows_clear(svm_rows *rows)
{
    tarn_free(rows->shift);
    tarn_free(rows->x);
    tarn_free(rows->y);
    tarn_free(rows->weight);
}
