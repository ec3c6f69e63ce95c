/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - lists of column names as people write them, and columns found by name (private to prepare). */
#ifndef TARN_PREPARE_NAMES_H
#define TARN_PREPARE_NAMES_H

#include "base/str.h"
#include "table/column.h"

enum { TARN_NAME_CAP = 160 };

/* The next of comma-separated names: trimmed, never empty, into name; false at the end. text may be NULL. */
bool tarn_name_next(const char **at, char *name, size_t cap);

/* Append "; did you mean 'x'?" if one of names[n] is near, else "; known are: a, b, ..." (the first few). */
void tarn_name_hint(tarn_text *out, const char *name, const char *const *names, size_t n);

/* Fail with "<what> 'name' <problem>" and the hint; returns code. */
TARN_MUST tarn_code tarn_name_fail(tarn_code code, const char *what, const char *name, const char *problem,
                                   const char *const *names, size_t n, tarn_err *err);

/* The column of that name; TARN_INVALID says "<what> 'name' is not in the table" with the nearest known one. */
TARN_MUST tarn_code tarn_name_column(const tarn_columns *c, const char *what, const char *name, int *at, tarn_err *err);

#endif
