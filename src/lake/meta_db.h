/* SPDX-License-Identifier: Apache-2.0 */
/* meta_db.h - what meta.c and its parts need of a database. Drivers: meta_sqlite.c (a file of the lake),
 * meta_postgres.c (shared by many lakes' folders). meta_inside.h and meta_salvage.c alone include it, besides the
 * drivers.
 *
 * Statements are written once, in the SQL that both know, with '?' for values; the schema in SQLite's words, which
 * the other driver translates (INTEGER, BLOB, AUTOINCREMENT, WITHOUT ROWID). Upserts are ON CONFLICT.
 *
 * Threads: one at a time.
 */
#ifndef TARN_LAKE_META_DB_H
#define TARN_LAKE_META_DB_H

#include "base/err.h"
#include "lake/meta.h"

#include <stddef.h>
#include <stdint.h>

/* A value to bind: t text (NUL-terminated), b bytes, i integer, n NULL. */
typedef struct tarn_meta_value {
    char kind;
    const void *bytes;
    size_t len;
    int64_t number;
} tarn_meta_value;

enum { TARN_META_VALUES = 16 /* most values of a statement */ };

typedef struct tarn_meta_driver {
    const char *name;
    bool shared; /* several folders on several machines may use it at once */
    /* Make the tables. TARN_EXISTS if they are there; all of them are made, or none. */
    tarn_code (*create)(const char *where, const char *schema, tarn_err *err);
    tarn_code (*open)(const char *where, bool readonly, void **db, tarn_err *err);
    void (*close)(void *db); /* after drop of its statements */

    /* A writing transaction: alone among all processes, which wait up to a minute. commit: durable on return. A
     * connection lost in between makes every call fail with TARN_IO until rollback. */
    tarn_code (*begin)(void *db, tarn_err *err);
    tarn_code (*commit)(void *db, tarn_err *err);
    void (*rollback)(void *db); /* nothing to do outside one */
    /* Changes when another connection has written. */
    tarn_code (*version)(void *db, int64_t *out, tarn_err *err);
    /* The database's own check of its bytes; each problem one line. */
    tarn_code (*check)(void *db, void (*problem)(void *arg, const char *line), void *arg, tarn_err *err);
    /* A lock among all who share it, for a committer that lost a race. *got false: another has it now. NULL: none */
    tarn_code (*turn)(void *db, bool *got, tarn_err *err);
    void (*turn_end)(void *db);

    tarn_code (*prepare)(void *db, const char *sql, void **stmt, tarn_err *err);
    void (*drop)(void *stmt); /* NULL is fine */
    /* Bind, and perhaps run. The values are copied. */
    tarn_code (*start)(void *stmt, const tarn_meta_value *values, int n, tarn_err *err);
    /* *row: there is one; at the end (or on failure) the statement is reset. */
    tarn_code (*step)(void *stmt, bool *row, tarn_err *err);
    void (*reset)(void *stmt);
    /* Of the row: 0, "" and false for NULL. */
    int64_t (*int_at)(void *stmt, int column);
    const char *(*text_at)(void *stmt, int column);
    bool (*bytes_at)(void *stmt, int column, const void **bytes, size_t *len);
} tarn_meta_driver;

extern const tarn_meta_driver tarn_meta_sqlite, tarn_meta_postgres;

/* ---- of meta.c, meta_refs.c and meta_check.c, for meta_salvage.c ---- */

/* Is the row that the statement stands at what its checksum says? Its columns are those of the statement for all
 * rows of the table; the rows of others are not checked. TARN_CORRUPT. */
TARN_MUST tarn_code tarn_meta_row_check(const tarn_meta_driver *driver, void *stmt, const char *table, tarn_err *err);
uint32_t tarn_meta_sum_ref(const char *name, const tarn_id *target, int64_t time_us);
/* was may be none. */
uint32_t tarn_meta_sum_log(const char *name, const tarn_id *was, const tarn_id *target, int64_t time_us,
                           const char *who, const char *why);
const tarn_meta_driver *tarn_meta_db(tarn_meta *meta, void **db);

#endif
