/* SPDX-License-Identifier: Apache-2.0 */
/* duck.c - the SQL engine: opening it, running statements, and saying what went wrong.
 *
 * duck_query.c turns results into columns, duck_lake.c finds tables by name, duck_write.c writes Parquet.
 *
 * The engine is asked for its errors as JSON, which gives the byte where the statement went wrong; that
 * becomes line and column of the caller's text. Nothing is fetched from the network, no extension is
 * loaded, no setting is read from the user's home, and time is UTC: a result depends on its inputs alone. */
#include "table/duck.h"

#include "base/mem.h"
#include "base/str.h"
#include "table/csv_read.h"

#include <string.h>
#include <unistd.h>

/* ---- errors ---- */

static tarn_code code_of(duckdb_error_type type)
{
    switch (type) {
    case DUCKDB_ERROR_IO: return TARN_IO;
    case DUCKDB_ERROR_OUT_OF_MEMORY: return TARN_NOMEM;
    case DUCKDB_ERROR_PERMISSION: return TARN_DENIED;
    case DUCKDB_ERROR_INTERRUPT: return TARN_CANCELLED;
    case DUCKDB_ERROR_NOT_IMPLEMENTED: return TARN_UNSUPPORTED;
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL: return TARN_CORRUPT;
    default: return TARN_INVALID;
    }
}

/* "line 2, column 8: " for byte `at` of sql. Columns count characters. */
static void say_place(tarn_text *out, const char *sql, size_t at)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at && sql[i]; i++) {
        if (sql[i] == '\n') {
            line++;
            column = 1;
        } else if ((sql[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    tarn_text_addf(out, "line %zu, column %zu: ", line, column);
}

/* First lines only; the engine adds hints and excerpts behind an empty line. */
static void say_message(tarn_text *out, const char *message)
{
    const char *end = strstr(message, "\n\n");
    size_t len = end ? (size_t)(end - message) : strlen(message);

    while (len > 0 && (message[len - 1] == '\n' || message[len - 1] == '.')) len--;
    for (size_t i = 0; i < len; i++) {
        if (message[i] == '\n') tarn_text_add(out, i > 0 && strchr(".!?:", message[i - 1]) ? " " : "; ");
        else tarn_text_addn(out, message + i, 1);
    }
}

tarn_code tarn_duck_fail(tarn_db *db, const char *message, duckdb_error_type type, const char *sql, size_t shift,
                         tarn_err *err)
{
    tarn_text text = {0};
    tarn_code code = code_of(type);
    const char *brace = message ? strchr(message, '{') : NULL;
    json_t *json = NULL;

    if (!message) message = "the SQL engine failed without saying why";
    if (brace && tarn_json_read(brace, strlen(brace), "error", &json, NULL) == TARN_OK) {
        const char *position = tarn_json_text(json, "position", NULL);
        int64_t at;
        if (sql && position && tarn_int_parse(position, strlen(position), &at) && (size_t)at >= shift &&
            (size_t)at <= strlen(sql))
            say_place(&text, sql + shift, (size_t)at - shift);
        if (strcmp(tarn_json_text(json, "exception_type", ""), "IO") == 0) code = TARN_IO; /* preparing has no type */
        message = tarn_json_text(json, "exception_message", message);
    }
    if (code == TARN_IO && (strstr(message, "No space left") || strstr(message, "quota"))) code = TARN_FULL;
    if (code == TARN_IO && (strstr(message, "No such file") || strstr(message, "No files found")))
        code = TARN_NOT_FOUND;
    bool asked = db && db->asked.code == TARN_NOT_FOUND && strncmp(message, "Table with name", 15) == 0;
    say_message(&text,
                asked ? db->asked.msg : message); /* the resolver knows which tables there are, the engine does not */
    if (asked) {
        code = TARN_NOT_FOUND;
    } else if (db && db->asked.code != TARN_OK && strstr(message, db->asked.msg)) {
        code = db->asked.code;
    }
    code = TARN_FAIL(err, code, "%s", text.failed == TARN_OK && text.data ? text.data : message);
    tarn_text_clear(&text);
    json_decref(json);
    return code;
}

/* ---- opening ---- */

static tarn_code set(duckdb_config config, const char *name, const char *value, tarn_err *err)
{
    if (duckdb_set_config(config, name, value) == DuckDBSuccess) return TARN_OK;
    return TARN_FAIL(err, TARN_UNSUPPORTED, "this DuckDB has no setting %s=%s", name, value);
}

static tarn_code configure(const tarn_db *db, duckdb_config config, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char number[32];

    TARN_TRY(set(config, "autoinstall_known_extensions", "false", err));
    TARN_TRY(set(config, "autoload_known_extensions", "false", err));
    TARN_TRY(set(config, "allow_community_extensions", "false", err));
    TARN_TRY(set(config, "allow_persistent_secrets", "false", err));
    TARN_TRY(set(config, "errors_as_json", "true", err));
    /* The kernel keeps files in memory already, at the same speed (measured); and the engine tells files apart by path
     * and time of change, so that one written again at once could be read half old, half new. */
    TARN_TRY(set(config, "enable_external_file_cache", "false", err));
    (void)snprintf(number, sizeof number, "%d", db->threads);
    TARN_TRY(set(config, "threads", number, err));
    (void)snprintf(number, sizeof number, "%lldB", (long long)db->memory_bytes);
    TARN_TRY(set(config, "memory_limit", number, err));
    /* The engine lets SQL read and write in its spill folder whatever else is locked: so untrusted SQL has none. */
    TARN_TRY(set(config, "temp_directory", db->spill_folder && !db->untrusted ? db->spill_folder : "", err));
done:
    return rc;
}

static tarn_code open_engine(tarn_db *db, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    duckdb_config config = NULL;
    char *why = NULL;

    if (duckdb_create_config(&config) != DuckDBSuccess) return TARN_FAIL(err, TARN_NOMEM, "cannot configure DuckDB");
    TARN_TRY(configure(db, config, err));
    if (duckdb_open_ext(NULL, &db->database, config, &why) != DuckDBSuccess) {
        rc = TARN_FAIL(err, TARN_IO, "cannot open DuckDB: %s", why ? why : "no reason given");
        goto done;
    }
    if (duckdb_connect(db->database, &db->connection) != DuckDBSuccess) {
        rc = TARN_FAIL(err, TARN_NOMEM, "cannot connect to DuckDB");
        goto done;
    }
    TARN_TRY(tarn_db_run(db, "SET TimeZone = 'UTC'; SET Calendar = 'gregorian'", err));
done:
    if (why) duckdb_free(why);
    duckdb_destroy_config(&config);
    return rc;
}

/* From here on SQL can neither open files nor change that. What the resolver names is read by another engine. */
static tarn_code lock_up(tarn_db *db, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_db_options trusted = {
        .threads = db->threads, .memory_bytes = db->memory_bytes, .spill_folder = db->spill_folder};

    if (db->resolve) TARN_TRY(tarn_db_open(&trusted, &db->reader, err));
    TARN_TRY(tarn_duck_resolve(db, err));
    TARN_TRY(tarn_db_run(db, "SET enable_external_access = false; SET lock_configuration = true", err));
done:
    return rc;
}

tarn_code tarn_db_open(const tarn_db_options *options, tarn_db **out, tarn_err *err)
{
    static const tarn_db_options presets = {0};
    tarn_code rc = TARN_OK;
    tarn_db *db = NULL;

    *out = NULL;
    if (!options) options = &presets;
    TARN_TRY(tarn_alloc(&db, 1, sizeof *db, err));
    db->threads = options->threads > 0 ? options->threads : 1;
    db->memory_bytes = options->memory_bytes > 0 ? options->memory_bytes : tarn_mem_machine() / 4 * 3;
    db->resolve = options->resolve;
    db->resolve_arg = options->resolve_arg;
    db->untrusted = options->untrusted;
    if (options->spill_folder) TARN_TRY(tarn_strdup(options->spill_folder, &db->spill_folder, err));
    TARN_TRY(open_engine(db, err));
    if (db->untrusted) TARN_TRY(lock_up(db, err));
    else TARN_TRY(tarn_duck_resolve(db, err));
    *out = db;
    db = NULL;
done:
    tarn_db_close(db);
    return rc;
}

void tarn_db_close(tarn_db *db)
{
    if (!db) return;
    duckdb_disconnect(&db->connection);
    duckdb_close(&db->database);
    tarn_db_close(db->reader);
    tarn_free(db->spill_folder);
    tarn_free(db);
}

const char *tarn_db_folder(const tarn_db *db) { return db->spill_folder; }

/* ---- running ---- */

tarn_code tarn_db_run(tarn_db *db, const char *sql, tarn_err *err)
{
    duckdb_result result;
    tarn_code rc = TARN_OK;

    db->asked = (tarn_err){0};
    if (duckdb_query(db->connection, sql, &result) != DuckDBSuccess)
        rc = tarn_duck_fail(db, duckdb_result_error(&result), duckdb_result_error_type(&result), sql, 0, err);
    duckdb_destroy_result(&result);
    return rc;
}

tarn_code tarn_db_count(tarn_db *db, const char *sql, int64_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns *c = NULL;

    TARN_TRY(tarn_db_query(db, sql, 2, &c, err));
    if (tarn_columns_count(c) != 1 || tarn_columns_rows(c) != 1) {
        rc = TARN_FAIL(err, TARN_INVALID, "one row of one column was expected of this query");
        goto done;
    }
    const tarn_column *a = tarn_columns_at(c, 0);
    double x = a->nulls ? 0 : tarn_column_number(a, 0);
    if (a->type == TARN_TEXT || (a->type == TARN_REAL && !(x > -0x1p63 && x < 0x1p63 && x == (double)(int64_t)x))) {
        rc = TARN_FAIL(err, TARN_INVALID, "column '%s' is not a whole number", a->name);
        goto done;
    }
    *out = a->nulls ? 0 : a->type == TARN_INT || a->type == TARN_TIME ? *(const int64_t *)a->values : (int64_t)x;
done:
    tarn_columns_release(c);
    return rc;
}
