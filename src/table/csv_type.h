/* SPDX-License-Identifier: Apache-2.0 */
/* csv_type.h - what the text of a cell can be read as.
 *
 * Private to table/. What is recognised here, the SQL engine reads to the same value.
 */
#ifndef TARN_TABLE_CSV_TYPE_H
#define TARN_TABLE_CSV_TYPE_H

#include <stdbool.h>
#include <stddef.h>

/* Kinds of cells, as bits: a column has all the kinds that its cells have. */
enum {
    TARN_CSV_INT = 1,    /* fits into 64 bits; no leading zeros */
    TARN_CSV_REAL = 2,   /* decimal number; also NaN, inf */
    TARN_CSV_BOOL = 4,   /* true, false */
    TARN_CSV_DATE = 8,   /* 2026-01-31 */
    TARN_CSV_STAMP = 16, /* 2026-01-31 12:00 ... */
    TARN_CSV_ZONED = 32, /* ... with Z or +hh:mm */
    TARN_CSV_TEXT = 64,
    TARN_CSV_CODE = 128 /* digits that are no plain number: 007, or more than 64 bits hold */
};

unsigned tarn_csv_kind(const char *text, size_t len);

/* The SQL type for a column of these kinds without loss; 0 (only nulls) is VARCHAR. */
const char *tarn_csv_sql_type(unsigned kinds);

/* Whether a cell of this kind may stand in a column declared bool, int, real, text or time. */
bool tarn_csv_fits(unsigned kind, const char *text, size_t len, const char *type);
/* "a whole number": what is expected there. */
const char *tarn_csv_expects(const char *type);

#endif
