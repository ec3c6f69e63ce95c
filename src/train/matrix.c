/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.c - a matrix over columns that are in memory. See train.h. */
#include "train/train.h"

#include <stdint.h>
#include <string.h>

static tarn_code dense_block(void *self, int64_t at, int64_t n, double *out, tarn_err *err)
{
    const tarn_dense *dense = self;

    (void)err;
    for (int32_t j = 0; j < dense->cols; j++)
        memcpy(out + (int64_t)j * n, dense->columns[j] + dense->first + at, (size_t)n * sizeof *out);
    return TARN_OK;
}

static const double *dense_view(const void *self, int64_t at, int64_t n, int64_t *stride)
{
    const tarn_dense *dense = self;

    (void)n;
    *stride = dense->step;
    return dense->step != 0 ? dense->columns[0] + dense->first + at : NULL;
}

/* How far the columns are apart, in doubles; 0 if not always as far. */
static int64_t step_of(const double *const *columns, int32_t cols)
{
    int64_t bytes = cols > 1 ? (int64_t)((intptr_t)columns[1] - (intptr_t)columns[0]) : 0;

    for (int32_t j = 1; j < cols; j++)
        if ((intptr_t)columns[j] - (intptr_t)columns[j - 1] != bytes) return 0;
    return bytes % (int64_t)sizeof **columns == 0 ? bytes / (int64_t)sizeof **columns : 0;
}

void tarn_matrix_dense(tarn_matrix *out, tarn_dense *self, const tarn_comm *comm, int64_t rows, int32_t cols,
                       const double *const *columns, const tarn_feature *features)
{
    *out = (tarn_matrix){
        .all_rows = rows, .cols = cols, .features = features, .block = dense_block, .view = dense_view, .self = self};
    tarn_comm_rows(comm, rows, &out->first, &out->rows);
    *self = (tarn_dense){.columns = columns, .first = out->first, .step = step_of(columns, cols), .cols = cols};
}
