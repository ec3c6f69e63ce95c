/* SPDX-License-Identifier: Apache-2.0 */
/* duck.h - what the duck*.c files share: the only ones that see DuckDB.
 *
 * Private to table/. Every engine error becomes a tarn_err in tarn_duck_fail.
 */
#ifndef TARN_TABLE_DUCK_H
#define TARN_TABLE_DUCK_H

#include "table/table.h"

#include <duckdb.h>

struct tarn_db {
    duckdb_database database;
    duckdb_connection connection;
    tarn_code (*resolve)(void *arg, const char *name, char *path, size_t cap, tarn_err *err);
    void *resolve_arg;
    tarn_err asked;     /* what the resolver last said to a name it did not know */
    tarn_db *reader;    /* of an untrusted db: reads what the resolver names; untrusted SQL does not reach it */
    char *spill_folder; /* or NULL */
    int threads;
    int64_t memory_bytes;
    bool untrusted;
};

/* The engine's JSON error as ours. sql, from byte `shift` on, is what the caller wrote: line and column
 * count from there. sql may be NULL. */
tarn_code tarn_duck_fail(tarn_db *db, const char *message, duckdb_error_type type, const char *sql, size_t shift,
                         tarn_err *err);

/* Names that the engine does not know are asked of the resolver from now on. */
TARN_MUST tarn_code tarn_duck_resolve(tarn_db *db, tarn_err *err);

/* Append ` FROM`-able text that reads this one Parquet file, whatever characters its path has. */
void tarn_duck_parquet(tarn_text *out, const char *path);

#endif
