/* SPDX-License-Identifier: Apache-2.0 */
/* csv_read.h - what csv.c (looking at every record) and csv_load.c (the SQL table) share.
 *
 * Private to table/.
 */
#ifndef TARN_TABLE_CSV_READ_H
#define TARN_TABLE_CSV_READ_H

#include "table/csv_scan.h"
#include "table/table.h"
#include "table/unpack.h"

typedef struct tarn_csv_column {
    char name[128];
    const char *declared; /* as in type_names, or NULL */
    const char *class;    /* bool, int, real, text or time: what the cells of a declared column must be; or NULL */
    unsigned kinds;       /* of its cells in good records */
    int64_t nulls;        /* in good records */
} tarn_csv_column;

typedef struct tarn_csv {
    const tarn_csv_options *options;
    tarn_plain plain;
    const char *text; /* plain bytes without byte order mark */
    size_t len;
    char delimiter;
    tarn_csv_column *columns;
    unsigned *kinds; /* of the record being judged */
    int count;
    int64_t rows, bad;    /* good and bad records */
    int64_t first_reject; /* where this file's begin among the rejects kept */
    size_t longest;
    char ends;      /* of its lines: 'n' LF, 'r' CRLF, 0 none seen */
    bool irregular; /* the SQL engine must not read the file as it is */
} tarn_csv;

/* Whether the record is good; if not, column (may be "") and reason say why. */
bool tarn_csv_judge(tarn_csv *csv, const tarn_csv_record *r, char column[128], char reason[256]);
bool tarn_csv_is_null(const tarn_csv *csv, const tarn_csv_field *f);
/* Start behind the header. */
TARN_MUST tarn_code tarn_csv_rewind(const tarn_csv *csv, tarn_csv_scan *s, tarn_err *err);

/* The folder that db spills to; NULL if it has none. */
const char *tarn_db_folder(const tarn_db *db);

/* Make the SQL table, check that it holds what was seen, and reject what SQL types do not take. */
TARN_MUST tarn_code tarn_csv_load(tarn_db *db, tarn_csv *csv, const char *table, tarn_rejects *rejects, int64_t *rows,
                                  tarn_err *err);

#endif
