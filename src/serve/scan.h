/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - reads the JSON of a request once, from front to back, straight into where the values belong.
 *
 * A tree of values would cost a hostile 16 MiB body a gigabyte; this costs nothing beyond the body. It is as strict as
 * the standard (no NaN, no comments, no trailing comma), refuses NUL characters and bytes that are not UTF-8, and skips
 * values at most 64 deep. Texts are decoded where they lie, so the body must be writable and stays the caller's.
 *
 * A scan is a small value: a copy of it is a bookmark to come back to, as long as the texts between have not been read.
 *
 * Errors: TARN_INVALID names line and column and what was expected.
 */
#ifndef TARN_SERVE_SCAN_H
#define TARN_SERVE_SCAN_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tarn_scan {
    char *text;
    size_t len, at, line_at; /* line_at: where the current line starts */
    int64_t line;
} tarn_scan;

/* What comes next. OTHER is nothing that JSON knows; tarn_scan_fail describes it. */
typedef enum tarn_scan_kind {
    TARN_SCAN_END,
    TARN_SCAN_OBJECT,
    TARN_SCAN_ARRAY,
    TARN_SCAN_TEXT,
    TARN_SCAN_NUMBER,
    TARN_SCAN_TRUE,
    TARN_SCAN_FALSE,
    TARN_SCAN_NULL,
    TARN_SCAN_OTHER
} tarn_scan_kind;

void tarn_scan_init(tarn_scan *s, char *text, size_t len);
tarn_scan_kind tarn_scan_next(tarn_scan *s);
/* "an object", "the text "abc"", "NaN, which JSON does not have" ...: what stands at the scan, for messages. */
const char *tarn_scan_describe(const tarn_scan *s, char *out, size_t cap);
/* TARN_INVALID "line 3, column 14: expected <wanted>, got <what is there>". */
tarn_code tarn_scan_fail(tarn_scan *s, const char *wanted, tarn_err *err);

/* Step into an object or array; then ask for one key or item after the other until *more is false. `first` is the
 * caller's, true before the first. A key's text stays valid with the body. */
TARN_MUST tarn_code tarn_scan_enter(tarn_scan *s, tarn_scan_kind kind, const char *wanted, tarn_err *err);
TARN_MUST tarn_code tarn_scan_key(tarn_scan *s, bool *first, const char **key, size_t *len, bool *more, tarn_err *err);
TARN_MUST tarn_code tarn_scan_item(tarn_scan *s, bool *first, bool *more, tarn_err *err);

TARN_MUST tarn_code tarn_scan_text(tarn_scan *s, const char **text, size_t *len, tarn_err *err);
/* A finite number; *raw and *raw_len (may be NULL) get its digits as they stand. */
TARN_MUST tarn_code tarn_scan_number(tarn_scan *s, double *x, const char **raw, size_t *raw_len, tarn_err *err);
/* true, false or null, whichever tarn_scan_next saw. */
TARN_MUST tarn_code tarn_scan_word(tarn_scan *s, tarn_err *err);
/* Any value, checked as strictly, but not kept. */
TARN_MUST tarn_code tarn_scan_skip(tarn_scan *s, tarn_err *err);
/* Nothing but white space is left. */
TARN_MUST tarn_code tarn_scan_finish(tarn_scan *s, tarn_err *err);

#endif
