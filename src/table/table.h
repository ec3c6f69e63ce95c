/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - tables: SQL, file formats, schema, rules and profile. DuckDB is behind table/duck*.c alone.
 *
 * A tarn_db is a private, in-memory SQL engine with spill to a given folder. Names of tables that it
 * does not know are asked of a resolver, which answers with the path of a Parquet file: so the lake's
 * names, "main@{2026-01-31}/flights" too, are usable in SQL (in double quotes where SQL needs them).
 *
 * Repeatable: SQL whose result must have the same bytes each time runs on one thread and is put in a
 * total order (tarn_db_write_parquet does both).
 *
 * Threads: a tarn_db is used by one thread at a time. The resolver is called on that thread.
 */
#ifndef TARN_TABLE_H
#define TARN_TABLE_H

#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/sink.h"
#include "table/column.h"

typedef struct tarn_db tarn_db;

typedef struct tarn_db_options {
    int threads;              /* 0: 1 */
    int64_t memory_bytes;     /* 0: three quarters of the machine's */
    const char *spill_folder; /* NULL: no spilling */
    /* Find the Parquet file of a table called `name`. TARN_NOT_FOUND lets the SQL engine complain
     * (its message then carries err's). May be NULL. path has cap bytes. */
    tarn_code (*resolve)(void *arg, const char *name, char *path, size_t cap, tarn_err *err);
    void *resolve_arg;
    bool untrusted; /* SQL from outside: no access to files or network but through resolve, no spilling, no settings */
} tarn_db_options;

TARN_MUST tarn_code tarn_db_open(const tarn_db_options *options, tarn_db **out, tarn_err *err);
void tarn_db_close(tarn_db *db);

/* Run statements; results are dropped. Errors carry the engine's message with line and column. */
TARN_MUST tarn_code tarn_db_run(tarn_db *db, const char *sql, tarn_err *err);
/* Run one query and keep its result in memory as columns. limit < 0: all rows. */
TARN_MUST tarn_code tarn_db_query(tarn_db *db, const char *sql, int64_t limit, tarn_columns **out, tarn_err *err);
/* The same, handed over in pieces of a few thousand rows, so that a result of any size needs little memory. The piece
 * is released behind the call; fn returns other than TARN_OK to stop, TARN_CANCELLED without being an error. fn may not
 * use db. */
typedef tarn_code tarn_columns_fn(void *arg, const tarn_columns *piece, tarn_err *err);
TARN_MUST tarn_code tarn_db_each(tarn_db *db, const char *sql, tarn_columns_fn *fn, void *arg, tarn_err *err);
/* One query with one row and one column, as a whole number; null is 0. */
TARN_MUST tarn_code tarn_db_count(tarn_db *db, const char *sql, int64_t *out, tarn_err *err);
/* Write the query's result as Parquet (the stored form: plain pages, not compressed, row groups of 122,880 rows, so
 * that a version costs what changed; see duck_write.c), in the order of `order_by` (comma-separated columns; NULL: by
 * all columns; "": as the query gives it), the same bytes for the same rows. The file appears whole or not at all.
 * *rows may be NULL. */
TARN_MUST tarn_code tarn_db_write_parquet(tarn_db *db, const char *sql, const char *order_by, const char *path,
                                          int64_t *rows, tarn_err *err);
/* Append text as an SQL identifier, or as an SQL string. */
void tarn_sql_name(tarn_text *out, const char *name);
void tarn_sql_text(tarn_text *out, const char *text);
/* As an SQL string that the engine's readers take for this one file, also where its name has * ? or [. */
void tarn_sql_path(tarn_text *out, const char *path);

/* Columns of a Parquet file or SQL table expression: [{"name","type","sql_type"}...]. */
typedef struct tarn_field {
    char name[128];
    tarn_type type;
    char sql_type[64];
} tarn_field;
/* *out (tarn_free) has *n fields. `from` is what may stand after FROM. */
TARN_MUST tarn_code tarn_db_schema(tarn_db *db, const char *from, tarn_field **out, int *n, tarn_err *err);

/* What values of an SQL type become here ("DECIMAL(9,2)" is TARN_REAL); TARN_TEXT where there is nothing better. */
tarn_type tarn_type_of_sql(const char *sql_type);

/* Reading delimited text with bad rows put aside. */
typedef struct tarn_csv_options {
    const char *delimiter;         /* NULL: sniffed */
    const char *null_text;         /* NULL: empty cell */
    const char *const *type_names; /* pairs: column, SQL or tarn type, ending with NULL; NULL: inferred */
    bool no_header;
} tarn_csv_options;
typedef struct tarn_reject {
    int64_t line; /* of the file, from 1 */
    char column[128], reason[256], text[512];
} tarn_reject;
typedef struct tarn_rejects {
    tarn_reject *rows;   /* the first 10,000 */
    int64_t kept, count; /* how many are in rows; how many there were */
} tarn_rejects;
/* Make SQL table `table` in db from a CSV or TSV file (.gz and .zst too), rows in the order of the file.
 * Rows that cannot be read are added to *rejects (may be NULL: any is an error), counted once each, in the
 * order of lines. A file that is not UTF-8 or has no header, or lacks a column named in type_names, is an
 * error that names line and column; so is a packed file that ends early.
 *
 * Columns that type_names does not name get the narrowest of int, real, bool, time, text that holds every
 * cell without loss (digits with leading zeros or of more than 64 bits stay text). A header cell that is
 * empty is named column<number>, as all are with no_header. */
TARN_MUST tarn_code tarn_db_read_csv(tarn_db *db, const char *path, const char *table, const tarn_csv_options *options,
                                     int64_t *rows, tarn_rejects *rejects, tarn_err *err);
/* The same from JSON: with `lines` one object a line (blank lines are skipped; lines that are no object go to
 * *rejects), else one array of objects, whose rejects have the number of the object for a line. Fields that
 * hold objects or lists become SQL's structs and lists. .gz and .zst too. type_names as above: values that
 * do not fit are rejects. A file without any object is an error. */
TARN_MUST tarn_code tarn_db_read_json(tarn_db *db, const char *path, const char *table, const char *const *type_names,
                                      bool lines, int64_t *rows, tarn_rejects *rejects, tarn_err *err);
/* The same from Parquet; a reject's line is its row, from 1. */
TARN_MUST tarn_code tarn_db_read_parquet(tarn_db *db, const char *path, const char *table,
                                         const char *const *type_names, int64_t *rows, tarn_rejects *rejects,
                                         tarn_err *err);
/* Count one row that could not be read, and keep it if there is room. text has len bytes; all are cut to fit. */
TARN_MUST tarn_code tarn_rejects_add(tarn_rejects *r, int64_t line, const char *column, const char *reason,
                                     const char *text, size_t len, tarn_err *err);
void tarn_rejects_clear(tarn_rejects *r);

/* What a table is declared to be; checked at each commit (A14). Strings are borrowed. */
typedef struct tarn_column_rule {
    const char *name;
    const char *type; /* tarn type name or NULL */
    bool not_null, unique, has_least, has_most;
    double least, most;
    const char *const *values; /* allowed texts, NULL-terminated; NULL: any */
    int line, column;          /* where declared */
} tarn_column_rule;
typedef struct tarn_reference {
    const char *columns, *table, *to; /* comma-separated names; the other table; its columns */
} tarn_reference;
typedef struct tarn_table_rules {
    const char *name;
    const char *key; /* comma-separated, NULL: none. Unique and not null */
    const tarn_column_rule *columns;
    int n_columns;
    const tarn_reference *references;
    int n_references;
    bool closed; /* columns that are not declared are refused */
} tarn_table_rules;
typedef struct tarn_violation {
    char table[128], column[128], rule[160]; /* rule: "not null", "range 0 to 24", "references airlines(carrier)" */
    int64_t count;                           /* rows that break it */
    char rows[512];                          /* the first ones, readable */
} tarn_violation;
/* Check table `rules->name` of db (or found by its resolver). *out (tarn_free) has *n violations; none is TARN_OK with
 * n 0. */
TARN_MUST tarn_code tarn_table_check(tarn_db *db, const tarn_table_rules *rules, tarn_violation **out, int *n,
                                     tarn_err *err);

/* Profile of every column: rows, missing, distinct, minimum, maximum, mean, deviation, quartiles, most
 * frequent values, text lengths, suspicious spellings (values equal but for case and space), duplicates
 * of whole rows. A JSON object; the caller decrefs it. */
TARN_MUST tarn_code tarn_table_profile(tarn_db *db, const char *table, json_t **out, tarn_err *err);

#endif
