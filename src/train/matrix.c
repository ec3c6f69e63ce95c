/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.c - a matrix over columns that are in memory. See train.h. */
#include "train/train.h"

#include <string.h>

static tarn_code dense_block(void *self, int64_t at, int64_t n, double *out, tarn_err *err)
{
    const tarn_dense *dense = self;

    (void)err;
    for (int32_t j = 0; j < dense->cols; j++)
        memcpy(out + (int64_t)j * n, dense->columns[j] + dense->first + at, (size_t)n * sizeof *out);
    return TARN_OK;
}

void tarn_matrix_dense(tarn_matrix *out, tarn_dense *self, const tarn_comm *comm, int64_t rows, int32_t cols,
                       const double *const *columns, const tarn_feature *features)
{
    *out = (tarn_matrix){.all_rows = rows, .cols = cols, .features = features, .block = dense_block, .self = self};
    tarn_comm_rows(comm, rows, &out->first, &out->rows);
    *self = (tarn_dense){.columns = columns, .first = out->first, .cols = cols};
}
