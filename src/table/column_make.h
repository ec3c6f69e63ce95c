/* SPDX-License-Identifier: Apache-2.0 */
/* column_make.h - what the files of table/ share about columns: the struct, and making without copying.
 *
 * Private to table/.
 */
#ifndef TARN_TABLE_COLUMN_MAKE_H
#define TARN_TABLE_COLUMN_MAKE_H

#include "base/file.h"
#include "table/column.h"

#include <stdatomic.h>

/* The memory of one column; all from tarn_alloc, NULL where the type has none. */
typedef struct tarn_buffers {
    char *name;
    void *values;
    uint8_t *valid;
    int32_t *offsets;
    char *bytes;
    int32_t words;
} tarn_buffers;

struct tarn_columns {
    atomic_int users;
    int count;
    int64_t rows;
    tarn_column *at;
    tarn_buffers *owned; /* count of them, or NULL when the columns lie in `map` */
    tarn_mapped map;
};

/* Bytes of one value of the type. */
size_t tarn_type_width(tarn_type type);

/* Add a column whose buffers the maker keeps. *take_b is emptied, on failure too. Values under nulls are
 * set to zero, every NaN to one NaN and every bool to 0 or 1, so that equal content is equal bytes. */
TARN_MUST tarn_code tarn_columns_maker_take(tarn_columns_maker *m, const char *name, tarn_type type,
                                            tarn_buffers *take_b, tarn_err *err);
void tarn_buffers_clear(tarn_buffers *b);

/* For tests and the fuzzer: put length and checksum of a hostile file right, as far as its layout can be followed, so
 * that what is behind them is reached. */
void tarn_columns_seal(void *bytes, size_t len);

#endif
