/* SPDX-License-Identifier: Apache-2.0 */
/* duck_lake.c - tables that SQL names and the engine does not know: the resolver gives their Parquet file.
 *
 * A trusted db reads that file itself (read_parquet). An untrusted one has no access to files, and a list
 * of allowed paths would let its SQL write to them too (COPY TO). So there the name becomes a call of the
 * table function tarn_lake(name), which asks the resolver and streams what a second engine reads; SQL can
 * call it as it likes, it reaches no more than the resolver gives.
 *
 * Threads: each scan has its own connection to the reading engine, and is fed by one thread. */
#include "table/duck.h"

#include "base/mem.h"

#include <string.h>

enum { PATH_CAP = 4096 };

/* The path as a pattern that fits this file alone: the engine reads * ? [ as wild. */
static void plain_pattern(tarn_text *out, const char *path)
{
    for (const char *c = path; *c; c++) {
        if (strchr("*?[", *c)) tarn_text_addf(out, "[%c]", *c);
        else tarn_text_addn(out, c, 1);
    }
}

void tarn_duck_parquet(tarn_text *out, const char *path)
{
    tarn_text_add(out, "read_parquet(");
    tarn_sql_path(out, path);
    tarn_text_add(out, ")");
}

static bool add_parameter(duckdb_replacement_scan_info info, const char *text)
{
    duckdb_value value = duckdb_create_varchar(text);

    if (!value) return false;
    duckdb_replacement_scan_add_parameter(info, value);
    duckdb_destroy_value(&value);
    return true;
}

/* Called by the engine for each name that it does not know. */
static void replace(duckdb_replacement_scan_info info, const char *name, void *arg)
{
    tarn_db *db = arg;
    char path[PATH_CAP] = "";
    tarn_text plain = {0};
    tarn_err err = {0};
    tarn_code rc = db->resolve(db->resolve_arg, name, path, sizeof path, &err);

    if (rc != TARN_OK) {
        err.code = rc;
        db->asked = err;
        if (rc != TARN_NOT_FOUND) duckdb_replacement_scan_set_error(info, err.msg);
        return;
    }
    if (db->untrusted) {
        duckdb_replacement_scan_set_function_name(info, "tarn_lake");
        (void)add_parameter(info, name);
        return;
    }
    plain_pattern(&plain, path);
    if (plain.failed == TARN_OK && plain.data) {
        duckdb_replacement_scan_set_function_name(info, "read_parquet");
        (void)add_parameter(info, plain.data);
    } else {
        duckdb_replacement_scan_set_error(info, "out of memory");
    }
    tarn_text_clear(&plain);
}

/* ---- the table function of an untrusted db ---- */

typedef struct scan_plan {
    char *path;
    char **names;
    idx_t count;
} scan_plan;

typedef struct scan {
    duckdb_connection connection;
    duckdb_prepared_statement prepared;
    duckdb_pending_result pending;
    duckdb_result result;
    bool has_result;
    idx_t columns;
} scan;

static void free_plan(void *arg)
{
    scan_plan *plan = arg;

    if (!plan) return;
    for (idx_t i = 0; plan->names && i < plan->count; i++) tarn_free(plan->names[i]);
    tarn_free(plan->names);
    tarn_free(plan->path);
    tarn_free(plan);
}

static void free_scan(void *arg)
{
    scan *s = arg;

    if (!s) return;
    if (s->has_result) duckdb_destroy_result(&s->result);
    duckdb_destroy_pending(&s->pending);
    duckdb_destroy_prepare(&s->prepared);
    duckdb_disconnect(&s->connection);
    tarn_free(s);
}

/* The file's columns become the function's. */
static tarn_code describe(tarn_db *reader, duckdb_bind_info info, scan_plan *plan, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    duckdb_prepared_statement prepared = NULL;
    tarn_text sql = {0};

    tarn_text_add(&sql, "SELECT * FROM ");
    tarn_duck_parquet(&sql, plan->path);
    TARN_TRY(tarn_text_check(&sql, err));
    if (duckdb_prepare(reader->connection, sql.data, &prepared) != DuckDBSuccess) {
        rc = tarn_duck_fail(reader, duckdb_prepare_error(prepared), DUCKDB_ERROR_IO, NULL, 0, err);
        goto done;
    }
    plan->count = duckdb_prepared_statement_column_count(prepared);
    TARN_TRY(tarn_alloc(&plan->names, plan->count, sizeof *plan->names, err));
    for (idx_t i = 0; i < plan->count; i++) {
        const char *name = duckdb_prepared_statement_column_name(prepared, i);
        duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(prepared, i);
        duckdb_bind_add_result_column(info, name, type);
        rc = tarn_strdup(name, &plan->names[i], err);
        duckdb_free((void *)(uintptr_t)name);
        duckdb_destroy_logical_type(&type);
        if (rc != TARN_OK) goto done;
    }
done:
    duckdb_destroy_prepare(&prepared);
    tarn_text_clear(&sql);
    return rc;
}

static void bind_scan(duckdb_bind_info info)
{
    tarn_db *db = duckdb_bind_get_extra_info(info);
    duckdb_value value = duckdb_bind_get_parameter(info, 0);
    char *name = duckdb_is_null_value(value) ? NULL : duckdb_get_varchar(value), path[PATH_CAP] = "";
    scan_plan *plan = NULL;
    tarn_err err = {0};
    tarn_code rc = TARN_OK;

    if (!name) TARN_TRY(TARN_FAIL(&err, TARN_INVALID, "tarn_lake needs the name of a table"));
    TARN_TRY(db->resolve(db->resolve_arg, name, path, sizeof path, &err));
    TARN_TRY(tarn_alloc(&plan, 1, sizeof *plan, &err));
    TARN_TRY(tarn_strdup(path, &plan->path, &err));
    TARN_TRY(describe(db->reader, info, plan, &err));
    duckdb_bind_set_bind_data(info, plan, free_plan);
    plan = NULL;
done:
    if (rc != TARN_OK) {
        err.code = rc;
        db->asked = err;
        duckdb_bind_set_error(info, err.msg);
    }
    free_plan(plan);
    duckdb_free(name);
    duckdb_destroy_value(&value);
}

/* SELECT of the wanted columns only. Columns that the file does not have are the engine's row numbers. */
static void scan_sql(const scan_plan *plan, duckdb_init_info info, idx_t columns, tarn_text *sql)
{
    tarn_text_add(sql, "SELECT ");
    for (idx_t i = 0; i < columns; i++) {
        idx_t at = duckdb_init_get_column_index(info, i);
        if (i > 0) tarn_text_add(sql, ", ");
        if (at < plan->count) tarn_sql_name(sql, plan->names[at]);
        else tarn_text_add(sql, "CAST(0 AS BIGINT)");
    }
    tarn_text_add(sql, columns == 0 ? "0 FROM " : " FROM ");
    tarn_duck_parquet(sql, plan->path);
}

static void start_scan(duckdb_init_info info)
{
    tarn_db *db = duckdb_init_get_extra_info(info);
    const scan_plan *plan = duckdb_init_get_bind_data(info);
    scan *s = NULL;
    tarn_text sql = {0};
    tarn_err err = {0};
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&s, 1, sizeof *s, &err));
    s->columns = duckdb_init_get_column_count(info);
    scan_sql(plan, info, s->columns, &sql);
    TARN_TRY(tarn_text_check(&sql, &err));
    if (duckdb_connect(db->reader->database, &s->connection) != DuckDBSuccess)
        TARN_TRY(TARN_FAIL(&err, TARN_NOMEM, "cannot connect to DuckDB"));
    if (duckdb_prepare(s->connection, sql.data, &s->prepared) != DuckDBSuccess)
        TARN_TRY(tarn_duck_fail(db->reader, duckdb_prepare_error(s->prepared), DUCKDB_ERROR_IO, NULL, 0, &err));
    if (duckdb_pending_prepared_streaming(s->prepared, &s->pending) != DuckDBSuccess)
        TARN_TRY(tarn_duck_fail(db->reader, duckdb_pending_error(s->pending), DUCKDB_ERROR_IO, NULL, 0, &err));
    duckdb_state state = duckdb_execute_pending(s->pending, &s->result);
    s->has_result = true;
    if (state != DuckDBSuccess)
        TARN_TRY(tarn_duck_fail(db->reader, duckdb_result_error(&s->result), DUCKDB_ERROR_IO, NULL, 0, &err));
    duckdb_init_set_max_threads(info, 1);
    duckdb_init_set_init_data(info, s, free_scan);
    s = NULL;
done:
    if (rc != TARN_OK) duckdb_init_set_error(info, err.msg);
    free_scan(s);
    tarn_text_clear(&sql);
}

static void next_chunk(duckdb_function_info info, duckdb_data_chunk out)
{
    scan *s = duckdb_function_get_init_data(info);
    duckdb_data_chunk chunk = duckdb_fetch_chunk(s->result);
    idx_t rows = 0;

    if (chunk) {
        rows = duckdb_data_chunk_get_size(chunk);
        for (idx_t i = 0; i < s->columns; i++)
            duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(out, i),
                                           duckdb_data_chunk_get_vector(chunk, i));
    } else {
        const char *why = duckdb_result_error(&s->result);
        if (why && *why) duckdb_function_set_error(info, why);
    }
    duckdb_data_chunk_set_size(out, rows);
    duckdb_destroy_data_chunk(&chunk);
}

static tarn_code register_scan(tarn_db *db, tarn_err *err)
{
    duckdb_table_function f = duckdb_create_table_function();
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    tarn_code rc = TARN_OK;

    duckdb_table_function_set_name(f, "tarn_lake");
    duckdb_table_function_add_parameter(f, text);
    duckdb_table_function_set_extra_info(f, db, NULL);
    duckdb_table_function_set_bind(f, bind_scan);
    duckdb_table_function_set_init(f, start_scan);
    duckdb_table_function_set_function(f, next_chunk);
    duckdb_table_function_supports_projection_pushdown(f, true);
    if (duckdb_register_table_function(db->connection, f) != DuckDBSuccess)
        rc = TARN_FAIL(err, TARN_UNSUPPORTED, "this DuckDB takes no table functions");
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_table_function(&f);
    return rc;
}

tarn_code tarn_duck_resolve(tarn_db *db, tarn_err *err)
{
    if (!db->resolve) return TARN_OK;
    duckdb_add_replacement_scan(db->database, replace, db, NULL);
    return db->untrusted ? register_scan(db, err) : TARN_OK;
}
