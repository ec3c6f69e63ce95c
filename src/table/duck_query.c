/* SPDX-License-Identifier: Apache-2.0 */
/* duck_query.c - one query's result as columns, whole (tarn_db_query) or in pieces (tarn_db_each).
 *
 * The result is streamed chunk by chunk into growing buffers, so that it is in memory once and a limit
 * stops the engine; in pieces, only one chunk of the engine is in memory. Types that have no column of their own
 * (decimals, lists, enums, intervals ...) are cast by the engine: the query is then run inside another one. */
#include "table/duck.h"

#include "base/mem.h"
#include "table/column_make.h"
#include "table/words.h"

#include <string.h>

/* How a type of the engine becomes one of ours. */
typedef enum how { DIRECT, CAST_REAL, CAST_TEXT } how;

static how how_of(duckdb_type from, tarn_type *to)
{
    switch (from) {
    case DUCKDB_TYPE_BOOLEAN: *to = TARN_BOOL; return DIRECT;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT: *to = TARN_INT; return DIRECT;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE: *to = TARN_REAL; return DIRECT;
    case DUCKDB_TYPE_DECIMAL: *to = TARN_REAL; return CAST_REAL;
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ: *to = TARN_TIME; return DIRECT;
    case DUCKDB_TYPE_VARCHAR: *to = TARN_TEXT; return DIRECT;
    default: *to = TARN_TEXT; return CAST_TEXT;
    }
}

typedef struct growing {
    duckdb_type from;
    tarn_type type;
    tarn_buffers b;
    tarn_words words;
    const char *name; /* the result's */
} growing;

typedef struct reading {
    duckdb_extracted_statements statements;
    duckdb_prepared_statement prepared;
    duckdb_pending_result pending;
    duckdb_result result;
    bool has_result;
    growing *columns;
    idx_t count;
    int64_t rows, cap;
} reading;

/* ---- values ---- */

static int64_t times(int64_t x, int64_t by)
{
    int64_t y;

    if (__builtin_mul_overflow(x, by, &y)) return x < 0 ? INT64_MIN : INT64_MAX; /* 'infinity' is the end of time */
    return y;
}

static int64_t floor_div(int64_t x, int64_t by) { return x / by - (x % by < 0); }

/* Row i of `from` as a 64-bit whole number; false if it does not fit. */
static bool whole(duckdb_type from, const void *data, idx_t i, int64_t *out)
{
    switch (from) {
    case DUCKDB_TYPE_TINYINT: *out = ((const int8_t *)data)[i]; return true;
    case DUCKDB_TYPE_SMALLINT: *out = ((const int16_t *)data)[i]; return true;
    case DUCKDB_TYPE_INTEGER: *out = ((const int32_t *)data)[i]; return true;
    case DUCKDB_TYPE_UTINYINT: *out = ((const uint8_t *)data)[i]; return true;
    case DUCKDB_TYPE_USMALLINT: *out = ((const uint16_t *)data)[i]; return true;
    case DUCKDB_TYPE_UINTEGER: *out = ((const uint32_t *)data)[i]; return true;
    case DUCKDB_TYPE_UBIGINT: *out = (int64_t)((const uint64_t *)data)[i]; return *out >= 0;
    case DUCKDB_TYPE_DATE: *out = times(((const int32_t *)data)[i], (int64_t)86400 * 1000000); return true;
    case DUCKDB_TYPE_TIMESTAMP_S: *out = times(((const int64_t *)data)[i], 1000000); return true;
    case DUCKDB_TYPE_TIMESTAMP_MS: *out = times(((const int64_t *)data)[i], 1000); return true;
    case DUCKDB_TYPE_TIMESTAMP_NS: *out = floor_div(((const int64_t *)data)[i], 1000); return true;
    case DUCKDB_TYPE_HUGEINT: {
        const duckdb_hugeint *x = (const duckdb_hugeint *)data + i;
        *out = (int64_t)x->lower;
        return x->upper == (*out < 0 ? -1 : 0);
    }
    case DUCKDB_TYPE_UHUGEINT: {
        const duckdb_uhugeint *x = (const duckdb_uhugeint *)data + i;
        *out = (int64_t)x->lower;
        return x->upper == 0 && *out >= 0;
    }
    default: *out = ((const int64_t *)data)[i]; return true;
    }
}

static bool has(const uint64_t *valid, idx_t i) { return !valid || (valid[i >> 6] >> (i & 63) & 1); }

static tarn_code take_texts(growing *g, void *data, const uint64_t *valid, int64_t at, idx_t n, tarn_err *err)
{
    duckdb_string_t *texts = data;
    int32_t *codes = (int32_t *)g->b.values + at;
    tarn_code rc = TARN_OK;

    for (idx_t i = 0; i < n; i++) {
        codes[i] = -1;
        if (!has(valid, i)) continue;
        TARN_TRY(tarn_words_put(&g->words, duckdb_string_t_data(&texts[i]), duckdb_string_t_length(texts[i]), &codes[i],
                                err));
    }
done:
    return rc;
}

static tarn_code take_wholes(growing *g, const void *data, const uint64_t *valid, int64_t at, idx_t n, tarn_err *err)
{
    int64_t *to = (int64_t *)g->b.values + at;

    for (idx_t i = 0; i < n; i++) {
        if (whole(g->from, data, i, &to[i]) || !has(valid, i)) continue;
        return TARN_FAIL(err, TARN_LIMIT,
                         "column '%s', row %lld: the number does not fit into 64 bits; CAST it to DOUBLE", g->name,
                         (long long)at + (long long)i + 1);
    }
    return TARN_OK;
}

static tarn_code take_vector(growing *g, duckdb_vector vector, int64_t at, idx_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const uint64_t *valid = duckdb_vector_get_validity(vector);
    void *data = duckdb_vector_get_data(vector);

    switch (g->type) {
    case TARN_TEXT: TARN_TRY(take_texts(g, data, valid, at, n, err)); break;
    case TARN_INT:
    case TARN_TIME: TARN_TRY(take_wholes(g, data, valid, at, n, err)); break;
    case TARN_BOOL: memcpy((uint8_t *)g->b.values + at, data, n); break;
    case TARN_REAL:
        if (g->from == DUCKDB_TYPE_DOUBLE) {
            memcpy((double *)g->b.values + at, data, n * sizeof(double));
            break;
        }
        for (idx_t i = 0; i < n; i++) ((double *)g->b.values)[at + (int64_t)i] = ((const float *)data)[i];
        break;
    }
    for (idx_t i = 0; i < n; i++) {
        int64_t row = at + (int64_t)i;
        uint8_t bit = (uint8_t)(1u << (row & 7));
        if (has(valid, i)) g->b.valid[row >> 3] |= bit;
        else g->b.valid[row >> 3] &= (uint8_t)~bit;
    }
done:
    return rc;
}

/* ---- statements ---- */

static tarn_code prepare(tarn_db *db, reading *r, const char *sql, size_t shift, tarn_err *err)
{
    idx_t n = duckdb_extract_statements(db->connection, sql, &r->statements);

    if (n == 0) {
        const char *why = duckdb_extract_statements_error(r->statements);
        if (!why) return TARN_FAIL(err, TARN_INVALID, "there is no SQL statement");
        return tarn_duck_fail(db, why, DUCKDB_ERROR_PARSER, sql, shift, err);
    }
    if (n > 1) return TARN_FAIL(err, TARN_INVALID, "one query is expected, here are %llu", (unsigned long long)n);
    if (duckdb_prepare_extracted_statement(db->connection, r->statements, 0, &r->prepared) != DuckDBSuccess)
        return tarn_duck_fail(db, duckdb_prepare_error(r->prepared), DUCKDB_ERROR_BINDER, sql, shift, err);
    return TARN_OK;
}

static void let_go(reading *r)
{
    if (r->has_result) duckdb_destroy_result(&r->result);
    duckdb_destroy_pending(&r->pending);
    duckdb_destroy_prepare(&r->prepared);
    duckdb_destroy_extracted(&r->statements);
    r->has_result = false;
}

/* SELECT CAST(c1 AS VARCHAR) AS name, ... FROM (sql) AS q(c0, c1, ...); *shift is where sql starts. */
static tarn_code cast_around(const reading *r, const char *sql, char **out, size_t *shift, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text text = {0};
    size_t len = strlen(sql);
    tarn_type type;

    while (len > 0 && strchr("; \t\r\n", sql[len - 1])) len--;
    for (idx_t i = 0; i < duckdb_prepared_statement_column_count(r->prepared); i++) {
        how h = how_of(duckdb_prepared_statement_column_type(r->prepared, i), &type);
        const char *name = duckdb_prepared_statement_column_name(r->prepared, i),
                   *to = h == CAST_REAL ? "DOUBLE" : "VARCHAR";
        tarn_text_add(&text, i == 0 ? "SELECT " : ", ");
        if (h == DIRECT) tarn_text_addf(&text, "c%llu AS ", (unsigned long long)i);
        else tarn_text_addf(&text, "CAST(c%llu AS %s) AS ", (unsigned long long)i, to);
        tarn_sql_name(&text, name ? name : "");
        duckdb_free((void *)(uintptr_t)name);
    }
    tarn_text_add(&text, " FROM (");
    *shift = text.len;
    tarn_text_addn(&text, sql, len);
    tarn_text_add(&text, "\n) AS q(");
    for (idx_t i = 0; i < duckdb_prepared_statement_column_count(r->prepared); i++)
        tarn_text_addf(&text, "%sc%llu", i == 0 ? "" : ", ", (unsigned long long)i);
    tarn_text_add(&text, ")");
    rc = tarn_text_take(&text, out, err);
    tarn_text_clear(&text);
    return rc;
}

static bool needs_cast(const reading *r)
{
    tarn_type type;

    for (idx_t i = 0; i < duckdb_prepared_statement_column_count(r->prepared); i++) {
        duckdb_type from = duckdb_prepared_statement_column_type(r->prepared, i);
        if (from != DUCKDB_TYPE_INVALID && how_of(from, &type) != DIRECT) return true;
    }
    return false;
}

/* The result ended: with an error? When one thread of the engine fails, another may only say that it was interrupted,
 * and nobody here interrupts: then the query is run once more, whole, to hear why. */
static tarn_code check_end(tarn_db *db, reading *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *why = duckdb_result_error(&r->result);
    duckdb_result again;

    if (!why || !*why) return TARN_OK;
    if (duckdb_result_error_type(&r->result) != DUCKDB_ERROR_INTERRUPT)
        return tarn_duck_fail(db, why, duckdb_result_error_type(&r->result), NULL, 0, err);
    if (duckdb_execute_prepared(r->prepared, &again) != DuckDBSuccess)
        rc = tarn_duck_fail(db, duckdb_result_error(&again), duckdb_result_error_type(&again), NULL, 0, err);
    else rc = TARN_FAIL(err, TARN_IO, "the SQL engine stopped in the middle of a result without saying why");
    duckdb_destroy_result(&again);
    return rc;
}

/* Prepare, inside a casting query if need be, and start. */
static tarn_code start(tarn_db *db, reading *r, const char *sql, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *around = NULL;
    size_t shift = 0;

    TARN_TRY(prepare(db, r, sql, 0, err));
    if (needs_cast(r)) {
        TARN_TRY(cast_around(r, sql, &around, &shift, err));
        let_go(r);
        TARN_TRY(prepare(db, r, around, shift, err));
        sql = around;
    }
    if (duckdb_pending_prepared_streaming(r->prepared, &r->pending) != DuckDBSuccess) {
        rc = tarn_duck_fail(db, duckdb_pending_error(r->pending), DUCKDB_ERROR_INVALID, sql, shift, err);
        goto done;
    }
    duckdb_state state = duckdb_execute_pending(r->pending, &r->result);
    r->has_result = true;
    if (state != DuckDBSuccess) {
        duckdb_error_type type = duckdb_result_error_type(&r->result);
        if (type == DUCKDB_ERROR_INTERRUPT) rc = check_end(db, r, err);
        else rc = tarn_duck_fail(db, duckdb_result_error(&r->result), type, sql, shift, err);
    }
done:
    tarn_free(around);
    return rc;
}

/* ---- reading ---- */

static tarn_code grow(reading *r, int64_t rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t cap = r->cap ? r->cap : 2048;

    if (rows <= r->cap) return TARN_OK;
    while (cap < rows) cap *= 2;
    for (idx_t i = 0; i < r->count; i++) {
        growing *g = &r->columns[i];
        TARN_TRY(tarn_resize(&g->b.values, (size_t)cap, tarn_type_width(g->type), err));
        TARN_TRY(tarn_resize(&g->b.valid, (size_t)cap / 8, 1, err));
    }
    r->cap = cap;
done:
    return rc;
}

static tarn_code open_columns(reading *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    r->count = duckdb_column_count(&r->result);
    TARN_TRY(tarn_alloc(&r->columns, r->count, sizeof *r->columns, err));
    for (idx_t i = 0; i < r->count; i++) {
        growing *g = &r->columns[i];
        g->from = duckdb_column_type(&r->result, i);
        g->name = duckdb_column_name(&r->result, i);
        if (how_of(g->from, &g->type) == DIRECT) continue;
        rc = TARN_FAIL(err, TARN_UNSUPPORTED, "column '%s' has a type that cannot be read here; CAST it to VARCHAR",
                       g->name);
        goto done;
    }
    TARN_TRY(grow(r, 1, err));
done:
    return rc;
}

static tarn_code read_chunks(tarn_db *db, reading *r, int64_t limit, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    duckdb_data_chunk chunk = NULL;

    while ((limit < 0 || r->rows < limit) && (chunk = duckdb_fetch_chunk(r->result))) {
        idx_t n = duckdb_data_chunk_get_size(chunk);
        if (limit >= 0 && (int64_t)n > limit - r->rows) n = (idx_t)(limit - r->rows);
        TARN_TRY(grow(r, r->rows + (int64_t)n, err));
        for (idx_t i = 0; i < r->count; i++)
            TARN_TRY(take_vector(&r->columns[i], duckdb_data_chunk_get_vector(chunk, i), r->rows, n, err));
        r->rows += (int64_t)n;
        duckdb_destroy_data_chunk(&chunk);
    }
    if (limit < 0 || r->rows < limit) rc = check_end(db, r, err);
done:
    duckdb_destroy_data_chunk(&chunk);
    return rc;
}

/* "a" a second time is "a_1": as the engine itself names it in CREATE TABLE. */
static tarn_code name_column(tarn_words *names, const char *name, tarn_text *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int copy = 0;; copy++) {
        int32_t before = names->count, code;
        out->len = 0;
        tarn_text_add(out, *name ? name : "?");
        if (copy > 0) tarn_text_addf(out, "_%d", copy);
        TARN_TRY(tarn_text_check(out, err));
        TARN_TRY(tarn_words_put(names, out->data, out->len, &code, err));
        if (code == before) return TARN_OK;
    }
done:
    return rc;
}

static tarn_code hand_over(reading *r, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns_maker *m = NULL;
    tarn_words names = {0};
    tarn_text name = {0};

    TARN_TRY(tarn_columns_maker_new(r->rows, &m, err));
    for (idx_t i = 0; i < r->count; i++) {
        growing *g = &r->columns[i];
        if (g->type == TARN_TEXT) {
            g->b.words = g->words.count;
            TARN_TRY(tarn_words_finish(&g->words, g->b.values, r->rows, &g->b.offsets, &g->b.bytes, err));
            tarn_words_clear(&g->words);
        }
        TARN_TRY(name_column(&names, g->name, &name, err));
        TARN_TRY(tarn_columns_maker_take(m, name.data, g->type, &g->b, err));
    }
    TARN_TRY(tarn_columns_maker_finish(m, out, err));
done:
    tarn_words_clear(&names);
    tarn_text_clear(&name);
    tarn_columns_maker_free(m);
    return rc;
}

static void close_reading(reading *r)
{
    for (idx_t i = 0; r->columns && i < r->count; i++) {
        tarn_buffers_clear(&r->columns[i].b);
        tarn_words_clear(&r->columns[i].words);
    }
    tarn_free(r->columns);
    let_go(r);
}

tarn_code tarn_db_query(tarn_db *db, const char *sql, int64_t limit, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    reading r = {0};

    *out = NULL;
    db->asked = (tarn_err){0};
    TARN_TRY(start(db, &r, sql, err));
    TARN_TRY(open_columns(&r, err));
    TARN_TRY(read_chunks(db, &r, limit, err));
    TARN_TRY(hand_over(&r, out, err));
done:
    close_reading(&r);
    return rc;
}

/* The first chunk of what is still to come as columns; *out stays NULL at the end. */
static tarn_code next_piece(tarn_db *db, reading *r, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    duckdb_data_chunk chunk = duckdb_fetch_chunk(r->result);

    r->rows = r->cap = 0;
    if (!chunk) return check_end(db, r, err);
    idx_t n = duckdb_data_chunk_get_size(chunk);
    TARN_TRY(grow(r, (int64_t)n, err));
    for (idx_t i = 0; i < r->count; i++)
        TARN_TRY(take_vector(&r->columns[i], duckdb_data_chunk_get_vector(chunk, i), 0, n, err));
    r->rows = (int64_t)n;
    TARN_TRY(hand_over(r, out, err));
done:
    duckdb_destroy_data_chunk(&chunk);
    return rc;
}

tarn_code tarn_db_each(tarn_db *db, const char *sql, tarn_columns_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    reading r = {0};
    tarn_columns *piece = NULL;

    db->asked = (tarn_err){0};
    TARN_TRY(start(db, &r, sql, err));
    TARN_TRY(open_columns(&r, err));
    for (;;) {
        TARN_TRY(next_piece(db, &r, &piece, err));
        if (!piece) break;
        rc = fn(arg, piece, err);
        if (rc == TARN_CANCELLED) { /* fn has enough; the engine's own end is an error */
            rc = TARN_OK;
            break;
        }
        TARN_TRY(rc);
        tarn_columns_release(piece);
        piece = NULL;
    }
done:
    tarn_columns_release(piece);
    close_reading(&r);
    return rc;
}
