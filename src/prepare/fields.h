/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h - raw fields of a model read from columns of a table (private to prepare).
 *
 * One reader per input of the model: which column, how to turn its values into the model's numbers. Training and
 * scoring read through the same one, so they cannot disagree.
 *
 * Threads: any, once made.
 */
#ifndef TARN_PREPARE_FIELDS_H
#define TARN_PREPARE_FIELDS_H

#include "model/model.h"
#include "table/column.h"

typedef struct tarn_reader {
    const tarn_column *column; /* NULL: every value is missing */
    double *codes;             /* CATEGORY: the model's code of each word of the column; STRING: the word */
    tarn_string *strings;      /* STRING: (words) into the column */
    size_t longest;            /* STRING: bytes of the longest one */
} tarn_reader;

/* The model's code of a text, or TARN_UNSEEN. */
typedef double tarn_code_of(const void *arg, int input, const char *text, size_t len);

/* Find column `name` and see that its type suits the kind. Without a value it suits any kind.
 * Errors: TARN_INVALID a required one is not there (names the nearest), or its type does not suit; TARN_LIMIT a text is
 * longer than TARN_STRING_MOST. */
TARN_MUST tarn_code tarn_reader_init(tarn_reader *r, const tarn_columns *data, const char *name, tarn_kind kind,
                                     bool required, tarn_code_of *code_of, const void *arg, int input, tarn_err *err);
void tarn_reader_clear(tarn_reader *r);
/* out[n]: values at rows[n], which are inside the column. */
void tarn_reader_read(const tarn_reader *r, const int64_t *rows, int64_t n, double *out);

/* TARN_INVALID if a row number is outside the table. */
TARN_MUST tarn_code tarn_rows_check(const tarn_columns *data, const int64_t *rows, int64_t n, tarn_err *err);

#endif
