/* SPDX-License-Identifier: Apache-2.0 */
/* column.h - columns in Arrow layout, in memory or mapped from a file.
 *
 * A tarn_columns is immutable and counted. Text is dictionary-encoded: int32 codes into a dictionary
 * that is sorted by bytes and holds each used text once, so equal content gives equal bytes.
 *
 * The file form (one per table version, in .tarn/cache, named by what it was made from) is the same
 * memory: magic, version, checksum, column heads, then each buffer on a 64-byte border. Mapping one
 * checks every offset, length, code and dictionary entry before anything is read through it.
 */
#ifndef TARN_TABLE_COLUMN_H
#define TARN_TABLE_COLUMN_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tarn_type {
    TARN_BOOL, /* uint8_t 0 or 1 */
    TARN_INT,  /* int64_t */
    TARN_REAL, /* double */
    TARN_TEXT, /* int32_t codes and a dictionary */
    TARN_TIME  /* int64_t microseconds since 1970-01-01 UTC (dates and timestamps) */
} tarn_type;

typedef struct tarn_column {
    const char *name;
    tarn_type type;
    int64_t rows, nulls;
    const uint8_t *valid;   /* bitmap, bit i of byte i/8 = row i has a value; NULL when nulls is 0 */
    const void *values;     /* rows values; undefined (but readable) where not valid */
    int32_t words;          /* TEXT: dictionary entries */
    const int32_t *offsets; /* (words + 1) into bytes */
    const char *bytes;      /* UTF-8, not NUL-terminated */
} tarn_column;

typedef struct tarn_columns tarn_columns;

int64_t tarn_columns_rows(const tarn_columns *c);
int tarn_columns_count(const tarn_columns *c);
const tarn_column *tarn_columns_at(const tarn_columns *c, int i);
/* -1 if there is none of that name. */
int tarn_columns_find(const tarn_columns *c, const char *name);
tarn_columns *tarn_columns_retain(tarn_columns *c);
void tarn_columns_release(tarn_columns *c);

static inline bool tarn_column_has(const tarn_column *c, int64_t row)
{
    return !c->valid || (c->valid[row >> 3] >> (row & 7) & 1);
}
/* The row as a number: BOOL, INT, REAL and TIME (microseconds); TEXT gives its code. NaN if null. */
double tarn_column_number(const tarn_column *c, int64_t row);
/* Words of a TEXT column, 0 <= word < words; not NUL-terminated. */
static inline const char *tarn_column_word(const tarn_column *c, int32_t word, int32_t *len)
{
    *len = c->offsets[word + 1] - c->offsets[word];
    return c->bytes + c->offsets[word];
}

/* Building, for tests and readers: new, add columns (bytes are copied), finish. `valid` may be NULL.
 * For TEXT, texts[i] with lens[i]; NULL = null; the dictionary is made here. */
typedef struct tarn_columns_maker tarn_columns_maker;
TARN_MUST tarn_code tarn_columns_maker_new(int64_t rows, tarn_columns_maker **out, tarn_err *err);
TARN_MUST tarn_code tarn_columns_maker_add(tarn_columns_maker *m, const char *name, tarn_type type, const void *values,
                                           const uint8_t *valid, tarn_err *err);
TARN_MUST tarn_code tarn_columns_maker_text(tarn_columns_maker *m, const char *name, const char *const *texts,
                                            const int32_t *lens, tarn_err *err);
/* *out is released with tarn_columns_release; the maker is still to be freed. */
TARN_MUST tarn_code tarn_columns_maker_finish(tarn_columns_maker *m, tarn_columns **out, tarn_err *err);
void tarn_columns_maker_free(tarn_columns_maker *m);

/* Write the file form (crash-safe), and map it (checked; TARN_CORRUPT names the file and what is wrong). */
TARN_MUST tarn_code tarn_columns_save(const tarn_columns *c, const char *path, tarn_err *err);
TARN_MUST tarn_code tarn_columns_map(const char *path, tarn_columns **out, tarn_err *err);

const char *tarn_type_name(tarn_type type); /* bool, int, real, text, time */
bool tarn_type_parse(const char *name, tarn_type *out);

#endif
