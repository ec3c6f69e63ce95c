/* SPDX-License-Identifier: Apache-2.0 */
/* rowhash.h - a number for the content of a row, the same wherever the row stands.
 *
 * Made from values, not from dictionary codes or row numbers, and never changed: splits, and what candidates
 * that learn on remember, depend on it.
 */
#ifndef TARN_PREPARE_ROWHASH_H
#define TARN_PREPARE_ROWHASH_H

#include "table/column.h"

/* The value in 64 bits, equal for equal values of one column (TEXT: the code). False if there is none (null, NaN). */
bool tarn_value_bits(const tarn_column *c, int64_t row, uint64_t *out);

/* hash[rows] of the columns cols[n_cols]; with n_cols 0, of the row number. */
TARN_MUST tarn_code tarn_row_hashes(const tarn_columns *c, const int *cols, int n_cols, uint64_t *hash, tarn_err *err);

/* The values of two rows in these columns are the same. */
bool tarn_rows_equal(const tarn_columns *c, const int *cols, int n_cols, int64_t a, int64_t b);

#endif
