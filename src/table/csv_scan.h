/* SPDX-License-Identifier: Apache-2.0 */
/* csv_scan.h - delimited text, record by record: where each field is, and what is wrong with a record.
 *
 * Private to table/. Calls in order: tarn_csv_start, tarn_csv_next until it gives no record, tarn_csv_stop.
 * Rules: RFC 4180, and spaces may stand around a quoted field; blank lines are skipped; lines end in LF or
 * CRLF. A record whose quotes do not close, or that has text behind a closing quote, is bad: it is taken to
 * be its first line alone, and reading goes on with the next line, so that one stray quote costs one line.
 */
#ifndef TARN_TABLE_CSV_SCAN_H
#define TARN_TABLE_CSV_SCAN_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tarn_csv_field {
    const char *at; /* between the quotes, if quoted; then "" still stands for " */
    size_t len;
    bool quoted, has_quote; /* has_quote: a " is inside */
} tarn_csv_field;

typedef struct tarn_csv_record {
    const char *start;
    size_t len;             /* without the line end */
    int64_t line;           /* where it starts, from 1 */
    tarn_csv_field *fields; /* valid until the next call */
    int count;
    const char *bad; /* what is wrong, or NULL */
    int bad_field;   /* from 0 */
} tarn_csv_record;

typedef struct tarn_csv_scan {
    const char *at, *start, *end;
    int64_t line; /* of `at` */
    char delimiter;
    int cap;
    tarn_csv_record record;
    size_t longest;  /* record so far */
    uint64_t reread; /* bytes looked at more than once, because of bad quotes */
    bool irregular; /* another reader might see other records than this one: blank lines, mixed line ends, odd quotes */
    char ends;      /* 0 none seen, 'n' LF, 'r' CRLF */
} tarn_csv_scan;

void tarn_csv_start(tarn_csv_scan *s, const char *bytes, size_t len, char delimiter);
/* *record is NULL at the end. Errors: TARN_LIMIT quotes so wild that finding the records takes too long, or a
 * record of more than 16 MiB; TARN_NOMEM. */
TARN_MUST tarn_code tarn_csv_next(tarn_csv_scan *s, const tarn_csv_record **record, tarn_err *err);
void tarn_csv_stop(tarn_csv_scan *s);

/* The delimiter that cuts the first records into the same number of fields most often; ',' if none does. */
TARN_MUST tarn_code tarn_csv_sniff(const char *bytes, size_t len, char *delimiter, tarn_err *err);

/* Write a field's text into out, quotes undone, cut at cap - 1 bytes (whole characters), NUL-terminated. */
void tarn_csv_text(const tarn_csv_field *f, char *out, size_t cap);

#endif
