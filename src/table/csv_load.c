/* SPDX-License-Identifier: Apache-2.0 */
/* csv_load.c - from judged records to a SQL table. See csv_read.h.
 *
 * Columns declared with a SQL type of their own (DECIMAL(10,2), UUID ...) are read as text first and cast in
 * the engine, which knows those types: rows that cannot be cast are rejected here, with the line that the
 * n-th good record starts at. */
#include "table/csv_read.h"

#include "base/mem.h"
#include "base/str.h"
#include "table/csv_type.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a clean copy ---- */

static void copy_field(tarn_text *line, const tarn_csv_field *f)
{
    bool quote = f->quoted || f->has_quote || memchr(f->at, ',', f->len) || (f->len > 0 && *f->at == ' ');

    if (!quote || f->quoted) {
        if (quote) tarn_text_add(line, "\"");
        tarn_text_addn(line, f->at, f->len);
        if (quote) tarn_text_add(line, "\"");
        return;
    }
    tarn_text_add(line, "\"");
    for (size_t i = 0; i < f->len; i++)
        tarn_text_addn(line, f->at[i] == '"' ? "\"\"" : f->at + i, f->at[i] == '"' ? 2 : 1);
    tarn_text_add(line, "\"");
}

/* The good records: no header, commas, LF, quotes only around whole fields. */
static tarn_code write_copy(tarn_csv *csv, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_file *file = NULL;
    tarn_text line = {0};
    tarn_csv_scan s = {0};
    const tarn_csv_record *r;
    char column[128], reason[256];

    TARN_TRY(tarn_file_create(path, &file, err));
    TARN_TRY(tarn_csv_rewind(csv, &s, err));
    for (;;) {
        TARN_TRY(tarn_csv_next(&s, &r, err));
        if (!r) break;
        if (!tarn_csv_judge(csv, r, column, reason)) continue;
        line.len = 0;
        for (int i = 0; i < r->count; i++) {
            if (i > 0) tarn_text_add(&line, ",");
            copy_field(&line, &r->fields[i]);
        }
        tarn_text_add(&line, "\n");
        TARN_TRY(tarn_text_check(&line, err));
        TARN_TRY(tarn_file_write(file, line.data, line.len, err));
    }
    TARN_TRY(tarn_file_commit(file, err));
done:
    tarn_csv_stop(&s);
    tarn_text_clear(&line);
    tarn_file_close(file);
    return rc;
}

/* ---- SQL ---- */

static bool is_sql_type(const tarn_csv_column *c)
{
    tarn_type type;
    return c->declared && !tarn_type_parse(c->declared, &type);
}

/* The type the engine reads the column as. */
static const char *read_as(const tarn_csv_column *c)
{
    tarn_type type;

    if (!c->declared) return tarn_csv_sql_type(c->kinds);
    if (!tarn_type_parse(c->declared, &type)) return "VARCHAR";
    switch (type) {
    case TARN_BOOL: return "BOOLEAN";
    case TARN_INT: return "BIGINT";
    case TARN_REAL: return "DOUBLE";
    case TARN_TIME: return c->kinds & TARN_CSV_ZONED ? "TIMESTAMPTZ" : "TIMESTAMP";
    case TARN_TEXT: break;
    }
    return "VARCHAR";
}

static tarn_code read_sql(const tarn_csv *csv, const char *path, bool copy, const char *table, tarn_text *sql,
                          tarn_err *err)
{
    char delimiter[2] = {copy ? ',' : csv->delimiter, '\0'};

    tarn_text_add(sql, "CREATE OR REPLACE TABLE ");
    tarn_sql_name(sql, table);
    tarn_text_add(sql, " AS SELECT * FROM read_csv(");
    tarn_sql_path(sql, path);
    tarn_text_addf(sql,
                   ", auto_detect=false, compression='none', quote='\"', escape='\"', header=%s, new_line='%s', delim=",
                   copy || csv->options->no_header ? "false" : "true", !copy && csv->ends == 'r' ? "\\r\\n" : "\\n");
    tarn_sql_text(sql, delimiter);
    tarn_text_add(sql, ", nullstr=['");
    if (csv->options->null_text) {
        tarn_text_add(sql, "', ");
        tarn_sql_text(sql, csv->options->null_text);
        tarn_text_add(sql, "]");
    } else {
        tarn_text_add(sql, "']");
    }
    if (csv->longest > 1000000)
        tarn_text_addf(sql, ", max_line_size=%zu, buffer_size=%zu", csv->longest * 2 + 1024, csv->longest * 8 + 65536);
    tarn_text_add(sql, ", columns={");
    for (int i = 0; i < csv->count; i++) {
        if (i > 0) tarn_text_add(sql, ", ");
        tarn_sql_text(sql, csv->columns[i].name);
        tarn_text_addf(sql, ": '%s'", read_as(&csv->columns[i]));
    }
    tarn_text_add(sql, "})");
    return tarn_text_check(sql, err);
}

static tarn_code read_into(tarn_db *db, tarn_csv *csv, const char *table, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    char temporary[4096] = "";

    if (csv->irregular) {
        TARN_TRY(tarn_temporary_name(tarn_db_folder(db), ".csv", temporary, sizeof temporary, err));
        TARN_TRY(write_copy(csv, temporary, err));
    }
    TARN_TRY(read_sql(csv, csv->irregular ? temporary : csv->plain.path, csv->irregular, table, &sql, err));
    TARN_TRY(tarn_db_run(db, sql.data, err));
done:
    if (*temporary) (void)unlink(temporary);
    tarn_text_clear(&sql);
    return rc;
}

/* The engine must have every row and every value that was seen. */
static tarn_code check_counts(tarn_db *db, const tarn_csv *csv, const char *table, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *counts = NULL;

    tarn_text_add(&sql, "SELECT count(*)");
    for (int i = 0; i < csv->count; i++) {
        tarn_text_add(&sql, ", count(");
        tarn_sql_name(&sql, csv->columns[i].name);
        tarn_text_add(&sql, ")");
    }
    tarn_text_add(&sql, " FROM ");
    tarn_sql_name(&sql, table);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db, sql.data, -1, &counts, err));
    for (int i = 0; i <= csv->count; i++) {
        int64_t got = *(const int64_t *)tarn_columns_at(counts, i)->values;
        int64_t want = csv->rows - (i > 0 ? csv->columns[i - 1].nulls : 0);
        if (got == want) continue;
        rc = TARN_FAIL(err, TARN_UNSUPPORTED, "%s%s%s: the SQL engine reads %lld values where there are %lld",
                       i > 0 ? "column '" : "rows", i > 0 ? csv->columns[i - 1].name : "", i > 0 ? "'" : "",
                       (long long)got, (long long)want);
        goto done;
    }
done:
    tarn_columns_release(counts);
    tarn_text_clear(&sql);
    return rc;
}

/* ---- columns of SQL types ---- */

/* "c" IS NOT NULL AND TRY_CAST("c" AS type) IS NULL */
static void add_misfit(tarn_text *sql, const tarn_csv_column *c)
{
    tarn_text_add(sql, "(");
    tarn_sql_name(sql, c->name);
    tarn_text_add(sql, " IS NOT NULL AND TRY_CAST(");
    tarn_sql_name(sql, c->name);
    tarn_text_addf(sql, " AS %s) IS NULL)", c->declared);
}

static void add_misfits(tarn_text *sql, const tarn_csv *csv)
{
    tarn_text_add(sql, "(false");
    for (int i = 0; i < csv->count; i++) {
        if (!is_sql_type(&csv->columns[i])) continue;
        tarn_text_add(sql, " OR ");
        add_misfit(sql, &csv->columns[i]);
    }
    tarn_text_add(sql, ")");
}

/* Rows (by number from 0) that cannot be cast, with the first column that cannot. */
static tarn_code find_misfits(tarn_db *db, const tarn_csv *csv, const char *table, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    tarn_text_add(&sql, "SELECT rowid, CASE");
    for (int i = 0; i < csv->count; i++) {
        if (!is_sql_type(&csv->columns[i])) continue;
        tarn_text_add(&sql, " WHEN ");
        add_misfit(&sql, &csv->columns[i]);
        tarn_text_addf(&sql, " THEN %d", i);
    }
    tarn_text_add(&sql, " END FROM ");
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " WHERE ");
    add_misfits(&sql, csv);
    tarn_text_add(&sql, " ORDER BY rowid");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db, sql.data, -1, out, err));
done:
    tarn_text_clear(&sql);
    return rc;
}

static int by_line(const void *a, const void *b)
{
    int64_t x = ((const tarn_reject *)a)->line, y = ((const tarn_reject *)b)->line;
    return (x > y) - (x < y);
}

/* b's rows go into a, in the order of lines; `from` is where this file's begin in a. */
static tarn_code merge_rejects(tarn_rejects *a, int64_t from, const tarn_rejects *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_rejects both = {0};

    TARN_TRY(tarn_resize(&both.rows, (size_t)(a->kept - from + b->kept), sizeof *both.rows, err));
    for (int64_t i = from; i < a->kept; i++) both.rows[both.kept++] = a->rows[i];
    for (int64_t i = 0; i < b->kept; i++) both.rows[both.kept++] = b->rows[i];
    qsort(both.rows, (size_t)both.kept, sizeof *both.rows, by_line);
    int64_t count = a->count + b->count;
    a->kept = from;
    for (int64_t i = 0; i < both.kept; i++) {
        const tarn_reject *r = &both.rows[i];
        TARN_TRY(tarn_rejects_add(a, r->line, r->column, r->reason, r->text, strlen(r->text), err));
    }
    a->count = count;
done:
    tarn_free(both.rows);
    return rc;
}

/* Walk the good records again, to say where the misfits are. */
static tarn_code reject_misfits(tarn_csv *csv, const tarn_columns *misfits, tarn_rejects *rejects, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_csv_scan s = {0};
    const tarn_csv_record *r;
    const int64_t *rows = tarn_columns_at(misfits, 0)->values, *where = tarn_columns_at(misfits, 1)->values;
    int64_t good = 0, next = 0;
    char column[128], reason[256], cell[96];

    TARN_TRY(tarn_csv_rewind(csv, &s, err));
    while (next < tarn_columns_rows(misfits)) {
        TARN_TRY(tarn_csv_next(&s, &r, err));
        if (!r) break;
        if (!tarn_csv_judge(csv, r, column, reason) || good++ != rows[next]) continue;
        const tarn_csv_column *c = &csv->columns[where[next]];
        tarn_csv_text(&r->fields[where[next++]], cell, sizeof cell);
        (void)snprintf(reason, sizeof reason, "'%s' is not of type %s", cell, c->declared);
        if (!rejects)
            TARN_TRY(TARN_FAIL(err, TARN_INVALID, "line %lld, column '%s': %s", (long long)r->line, c->name, reason));
        TARN_TRY(tarn_rejects_add(rejects, r->line, c->name, reason, r->start, r->len, err));
    }
done:
    tarn_csv_stop(&s);
    return rc;
}

/* The same table with its columns cast and the misfits left out. */
static tarn_code cast_columns(tarn_db *db, const tarn_csv *csv, const char *table, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    const char *comma = "";

    tarn_text_add(&sql, "CREATE OR REPLACE TABLE ");
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " AS SELECT * REPLACE (");
    for (int i = 0; i < csv->count; i++) {
        const tarn_csv_column *c = &csv->columns[i];
        if (!is_sql_type(c)) continue;
        tarn_text_addf(&sql, "%sTRY_CAST(", comma);
        tarn_sql_name(&sql, c->name);
        tarn_text_addf(&sql, " AS %s) AS ", c->declared);
        tarn_sql_name(&sql, c->name);
        comma = ", ";
    }
    tarn_text_add(&sql, ") FROM ");
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " WHERE NOT ");
    add_misfits(&sql, csv);
    tarn_text_add(&sql, " ORDER BY rowid");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_run(db, sql.data, err));
done:
    tarn_text_clear(&sql);
    return rc;
}

static tarn_code load_sql_types(tarn_db *db, tarn_csv *csv, const char *table, tarn_rejects *rejects, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns *misfits = NULL;
    tarn_rejects more = {0};
    bool any = false;

    for (int i = 0; i < csv->count; i++) any = any || is_sql_type(&csv->columns[i]);
    if (!any) return TARN_OK;
    TARN_TRY(find_misfits(db, csv, table, &misfits, err));
    TARN_TRY(reject_misfits(csv, misfits, rejects ? &more : NULL, err));
    if (more.count > 0) {
        TARN_TRY(merge_rejects(rejects, csv->first_reject, &more, err));
        csv->rows -= more.count;
    }
    TARN_TRY(cast_columns(db, csv, table, err));
done:
    tarn_columns_release(misfits);
    tarn_rejects_clear(&more);
    return rc;
}

tarn_code tarn_csv_load(tarn_db *db, tarn_csv *csv, const char *table, tarn_rejects *rejects, int64_t *rows,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(read_into(db, csv, table, err));
    TARN_TRY(check_counts(db, csv, table, err));
    TARN_TRY(load_sql_types(db, csv, table, rejects, err));
    if (rows) *rows = csv->rows;
done:
    return rc;
}
