/* SPDX-License-Identifier: Apache-2.0 */
/* duck_test.c - the SQL engine behind its door: errors with their place, types, limits, names, Parquet. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "base/str.h"
#include "table/table.h"

#include <math.h>
#include <unistd.h>

#define FOLDER "/tmp/tarn-duck-test"

static tarn_db *open_db(int threads)
{
    tarn_db *db = NULL;

    must(tarn_dir_make(FOLDER, err));
    must(tarn_db_open(&(tarn_db_options){.threads = threads, .memory_bytes = 1 << 30, .spill_folder = FOLDER}, &db,
                      err));
    return db;
}

static char *temp_name(char out[256], const char *name)
{
    (void)snprintf(out, 256, FOLDER "/%ld-%s", (long)getpid(), name);
    return out;
}

static void errors_name_line_and_column(void **state)
{
    tarn_db *db = open_db(1);
    tarn_columns *c = NULL;

    (void)state;
    must_fail_with(TARN_INVALID, "line 2, column 10: Table with name foo does not exist!",
                   tarn_db_run(db, "SELECT a,\n  b FROM foo", err));
    must_fail_with(TARN_INVALID, "line 1, column 1: syntax error at or near \"selec\"",
                   tarn_db_run(db, "selec 1", err));
    must_fail_with(TARN_INVALID, "line 2, column 8: Referenced column \"x\" was not found",
                   tarn_db_run(db, "SELECT '\xC3\xA9';\nSELECT x", err));
    must_fail_with(TARN_INVALID, "line 1, column 8: Referenced column \"x\"",
                   tarn_db_query(db, "SELECT x", -1, &c, err));
    must_fail_with(TARN_INVALID, "line 1, column 8: Referenced column \"x\"",
                   tarn_db_write_parquet(db, "SELECT x", NULL, FOLDER "/never.parquet", NULL, err));
    must_fail_with(TARN_INVALID, "Could not convert string 'x' to INT32",
                   tarn_db_query(db, "SELECT 'x'::INTEGER", -1, &c, err));
    must_fail_with(TARN_INVALID, "one query is expected, here are 2",
                   tarn_db_query(db, "SELECT 1; SELECT 2", -1, &c, err));
    must_fail_with(TARN_INVALID, "there is no SQL statement", tarn_db_query(db, "  ", -1, &c, err));
    must_fail_with(TARN_NOT_FOUND, "no-such.csv", tarn_db_run(db, "SELECT * FROM 'no-such.csv'", err));
    assert_null(c);
    tarn_db_close(db);
}

static void an_error_in_the_middle_of_a_result_is_not_its_end(void **state)
{
    tarn_db *db = open_db(2);
    tarn_columns *c = NULL;

    (void)state;
    must_fail_with(
        TARN_INVALID, "too far",
        tarn_db_query(
            db, "SELECT CASE WHEN range = 300000 THEN error('too far') ELSE range::VARCHAR END FROM range(400000)", -1,
            &c, err));
    assert_null(c);
    tarn_db_close(db);
}

static int64_t int_at(const tarn_columns *c, int column, int64_t row)
{
    const tarn_column *a = tarn_columns_at(c, column);

    assert_true(a->type == TARN_INT || a->type == TARN_TIME);
    assert_true(tarn_column_has(a, row));
    return ((const int64_t *)a->values)[row];
}

static void text_is(const tarn_columns *c, int column, int64_t row, const char *want)
{
    const tarn_column *a = tarn_columns_at(c, column);
    int32_t len;

    assert_int_equal(a->type, TARN_TEXT);
    assert_true(tarn_column_has(a, row));
    const char *word = tarn_column_word(a, ((const int32_t *)a->values)[row], &len);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(word, want, strlen(want));
}

static void whole_numbers_of_every_width_become_int(void **state)
{
    tarn_db *db = open_db(1);
    tarn_columns *c = NULL;

    (void)state;
    must(tarn_db_query(
        db,
        "SELECT (-128)::TINYINT, (-32768)::SMALLINT, (-2147483648)::INTEGER, (-9223372036854775808)::BIGINT,"
        " 255::UTINYINT, 65535::USMALLINT, 4294967295::UINTEGER, 9223372036854775807::UBIGINT,"
        " (-9223372036854775808)::HUGEINT, 9223372036854775807::UHUGEINT, sum(range) FROM range(11)",
        -1, &c, err));
    static const int64_t want[] = {-128,       -32768,    INT32_MIN, INT64_MIN, 255, 65535,
                                   UINT32_MAX, INT64_MAX, INT64_MIN, INT64_MAX, 55};
    for (int i = 0; i < 11; i++) assert_int_equal(int_at(c, i, 0), want[i]);
    tarn_columns_release(c);
    static const char *const big[] = {"9223372036854775808::UBIGINT", "(-9223372036854775809)::HUGEINT",
                                      "9223372036854775808::HUGEINT", "18446744073709551616::UHUGEINT"};
    for (int i = 0; i < 4; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "SELECT 1::UBIGINT UNION ALL SELECT %s", big[i]);
        must_fail_with(TARN_LIMIT, "row 2: the number does not fit into 64 bits", tarn_db_query(db, sql, -1, &c, err));
    }
    tarn_db_close(db);
}

static void decimals_and_floats_become_real(void **state)
{
    tarn_db *db = open_db(1);
    tarn_columns *c = NULL;
    static const double want[] = {0.1, 12345.678, 1e20, 0.5, -2.25};

    (void)state;
    must(tarn_db_query(
        db, "SELECT 0.1, 12345.678::DECIMAL(10,3), 100000000000000000000::DECIMAL(38,2), 0.5::FLOAT, -2.25::DOUBLE", -1,
        &c, err));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(tarn_columns_at(c, i)->type, TARN_REAL);
        assert_true(tarn_column_number(tarn_columns_at(c, i), 0) == want[i]);
    }
    tarn_columns_release(c);
    tarn_db_close(db);
}

static void times_become_utc_microseconds(void **state)
{
    tarn_db *db = open_db(1);
    tarn_columns *c = NULL;

    (void)state;
    must(tarn_db_query(db,
                       "SELECT DATE '1970-01-02', DATE '1969-12-31', TIMESTAMP '2014-01-01 08:00:00.000001',"
                       " TIMESTAMPTZ '2014-01-01 10:00:00+02', TIMESTAMP_S '1970-01-01 00:00:01',"
                       " TIMESTAMP_MS '1970-01-01 00:00:00.001', TIMESTAMP_NS '1969-12-31 23:59:59.999999999',"
                       " 'infinity'::DATE, '-infinity'::TIMESTAMP",
                       -1, &c, err));
    const int64_t day = (int64_t)86400 * 1000000, new_year = (int64_t)1388563200 * 1000000;
    const int64_t want[] = {day, -day, new_year + 1, new_year, 1000000, 1000, -1, INT64_MAX, -INT64_MAX};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(tarn_columns_at(c, i)->type, TARN_TIME);
        assert_int_equal(int_at(c, i, 0), want[i]);
    }
    tarn_columns_release(c);
    tarn_db_close(db);
}

static void everything_else_becomes_text(void **state)
{
    tarn_db *db = open_db(1);
    tarn_columns *c = NULL;

    (void)state;
    must(tarn_db_query(
        db,
        "SELECT 'a' AS a, 'sad'::ENUM('sad','ok') AS a, '00000000-0000-0000-0000-000000000001'::UUID AS u,"
        " '\\xAA'::BLOB AS b, [1, 2] AS l, {'x': 1} AS s, TIME '08:00:00' AS t, INTERVAL 1 DAY AS i, NULL::VARCHAR AS "
        "n,"
        " 1.5 AS d, true AS yes ORDER BY 1;  ",
        -1, &c, err));
    static const char *const want[] = {
        "a", "sad", "00000000-0000-0000-0000-000000000001", "\\xAA", "[1, 2]", "{'x': 1}", "08:00:00", "1 day"};
    for (int i = 0; i < 8; i++) text_is(c, i, 0, want[i]);
    assert_string_equal(tarn_columns_at(c, 1)->name, "a_1");
    assert_int_equal(tarn_columns_at(c, 8)->type, TARN_TEXT);
    assert_int_equal(tarn_columns_at(c, 8)->nulls, 1);
    assert_true(tarn_column_number(tarn_columns_at(c, 9), 0) == 1.5);
    assert_int_equal(tarn_columns_at(c, 10)->type, TARN_BOOL);
    tarn_columns_release(c);
    must_fail_with(TARN_INVALID, "line 1, column 13: Referenced column \"nope\"",
                   tarn_db_query(db, "SELECT 1.5, nope", -1, &c, err));
    tarn_db_close(db);
}

static void rows_keep_their_order_on_any_number_of_threads(void **state)
{
    enum { ROWS = 500000 };

    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        tarn_db *db = open_db(threads);
        tarn_columns *c = NULL;
        must(tarn_db_run(db,
                         "CREATE TABLE t AS SELECT range AS n, CASE WHEN range % 3 > 0 THEN 'w' || (range % 7) END AS "
                         "w FROM range(500000)",
                         err));
        must(tarn_db_query(db, "SELECT * FROM t", -1, &c, err));
        assert_int_equal(tarn_columns_rows(c), ROWS);
        assert_int_equal(tarn_columns_at(c, 1)->words, 7);
        assert_int_equal(tarn_columns_at(c, 1)->nulls, (ROWS + 2) / 3);
        for (int64_t i = 0; i < ROWS; i++) assert_true(((const int64_t *)tarn_columns_at(c, 0)->values)[i] == i);
        text_is(c, 1, 499999, "w3"); /* 499999 mod 7 */
        tarn_columns_release(c);
        must(tarn_db_query(db, "SELECT n, n / 2.0::DECIMAL(3,1) AS half FROM t ORDER BY n DESC", 3000, &c, err));
        assert_int_equal(tarn_columns_rows(c), 3000);
        assert_int_equal(int_at(c, 0, 0), ROWS - 1);
        assert_int_equal(int_at(c, 0, 2999), ROWS - 3000);
        tarn_columns_release(c);
        must(tarn_db_query(db, "SELECT * FROM t", 0, &c, err));
        assert_int_equal(tarn_columns_rows(c), 0);
        assert_int_equal(tarn_columns_count(c), 2);
        tarn_columns_release(c);
        tarn_db_close(db);
    }
}

static void counts_are_whole_numbers(void **state)
{
    tarn_db *db = open_db(1);
    int64_t n = -1;

    (void)state;
    must(tarn_db_count(db, "SELECT count(*) FROM range(12)", &n, err));
    assert_int_equal(n, 12);
    must(tarn_db_count(db, "SELECT NULL::BIGINT", &n, err));
    assert_int_equal(n, 0);
    must(tarn_db_count(db, "SELECT 9007199254740993", &n, err)); /* 2^53 + 1 */
    assert_true(n == 9007199254740993);
    must(tarn_db_count(db, "SELECT true", &n, err));
    assert_int_equal(n, 1);
    must_fail_with(TARN_INVALID, "not a whole number", tarn_db_count(db, "SELECT 1.5", &n, err));
    must_fail_with(TARN_INVALID, "not a whole number", tarn_db_count(db, "SELECT 'x'", &n, err));
    must_fail_with(TARN_INVALID, "one row of one column", tarn_db_count(db, "SELECT * FROM range(2)", &n, err));
    must_fail_with(TARN_INVALID, "one row of one column", tarn_db_count(db, "SELECT 1, 2", &n, err));
    tarn_db_close(db);
}

static void a_schema_names_types(void **state)
{
    tarn_db *db = open_db(1);
    tarn_field *f = NULL;
    int n = 0;
    static const tarn_type want[] = {TARN_INT,  TARN_REAL, TARN_TEXT, TARN_TIME,
                                     TARN_TIME, TARN_BOOL, TARN_TEXT, TARN_REAL};

    (void)state;
    must(tarn_db_run(db,
                     "CREATE TABLE \"my \"\"t\" (a UTINYINT, b DOUBLE, c VARCHAR, d DATE, e TIMESTAMPTZ, f BOOLEAN, g "
                     "DATE[], h DECIMAL(4,1))",
                     err));
    must(tarn_db_schema(db, "\"my \"\"t\"", &f, &n, err));
    assert_int_equal(n, 8);
    for (int i = 0; i < n; i++) {
        assert_int_equal(f[i].type, want[i]);
        assert_int_equal(f[i].name[0], 'a' + i);
    }
    assert_string_equal(f[0].sql_type, "UTINYINT");
    tarn_free(f);
    must_fail_with(TARN_INVALID, "does not exist", tarn_db_schema(db, "nothing", &f, &n, err));
    tarn_db_close(db);
}

static char *file_bytes(const char *path, size_t *len)
{
    char *bytes = NULL;

    must(tarn_file_read(path, 0, &bytes, len, err));
    return bytes;
}

static void parquet_bytes_depend_on_the_rows_alone(void **state)
{
    char path[256], *first = NULL, *again;
    size_t n, m;
    int64_t rows = 0;

    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        for (int turn = 0; turn < 2; turn++) {
            tarn_db *db = open_db(threads);
            char sql[512];
            (void)snprintf(
                sql, sizeof sql,
                "CREATE TABLE t AS SELECT hash(range) %% 1000 AS a, range * 0.1 AS x, 'v' || (range %% 50) AS \"w, w\","
                " CASE WHEN range %% 11 > 0 THEN range END AS n FROM range(300000) ORDER BY hash(range + %d)",
                turn);
            must(tarn_db_run(db, sql, err));
            must(tarn_db_write_parquet(db, "SELECT * FROM t;", turn ? "a" : " a ", temp_name(path, "p"), &rows, err));
            assert_int_equal(rows, 300000);
            again = file_bytes(path, &m);
            if (!first) {
                first = again;
                n = m;
            } else {
                assert_int_equal(n, m);
                assert_memory_equal(first, again, n);
                tarn_free(again);
            }
            must(tarn_db_count(db, "SELECT current_setting('threads')", &rows, err));
            assert_int_equal(rows, threads); /* as before */
            tarn_db_close(db);
        }
    }
    tarn_free(first);
    (void)unlink(path);
}

static void parquet_is_in_order_and_whole_or_absent(void **state)
{
    tarn_db *db = open_db(2);
    char path[256], sql[512];
    int64_t n;

    (void)state;
    (void)temp_name(path, "it's [1]*.parquet");
    must(
        tarn_db_write_parquet(db, "SELECT 5 - range AS a, range AS b FROM range(4) -- as it comes", "", path, &n, err));
    must(tarn_db_write_parquet(db, "SELECT 5 - range AS a, range AS b FROM range(4)", "a", path, NULL,
                               err)); /* over it */
    (void)snprintf(sql, sizeof sql, "SELECT a FROM '%s/%ld-it''s [[]1]*.parquet'", FOLDER, (long)getpid());
    tarn_columns *c = NULL;
    must(tarn_db_query(db, sql, -1, &c, err));
    assert_int_equal(int_at(c, 0, 0), 2);
    assert_int_equal(int_at(c, 0, 3), 5);
    tarn_columns_release(c);
    (void)unlink(path);
    must_fail_with(TARN_INVALID, "boo", tarn_db_write_parquet(db, "SELECT error('boo')", NULL, path, NULL, err));
    assert_false(tarn_path_exists(path));
    must_fail_with(TARN_NOT_FOUND, "nowhere",
                   tarn_db_write_parquet(db, "SELECT 1", NULL, "/nowhere/x.parquet", NULL, err));
    must_fail_with(TARN_INVALID, "\"nope\" not found",
                   tarn_db_write_parquet(db, "SELECT 1 AS a", "nope", path, NULL, err));
    tarn_db_close(db);
}

static tarn_code add_rows(void *arg, const tarn_columns *piece, tarn_err *err)
{
    int64_t *sum = arg;
    const tarn_column *a = tarn_columns_at(piece, 0), *b = tarn_columns_at(piece, 1);

    assert_true(tarn_columns_rows(piece) > 0 && tarn_columns_rows(piece) <= 8192);
    for (int64_t i = 0; i < tarn_columns_rows(piece); i++) {
        char want[32];
        int64_t x = ((const int64_t *)a->values)[i];
        (void)snprintf(want, sizeof want, "x%lld", (long long)(x % 10));
        text_is(piece, 1, i, want);
        assert_true(tarn_column_has(b, i));
        sum[0] += x;
        sum[1]++;
    }
    return sum[1] >= sum[2] ? TARN_FAIL(err, (tarn_code)sum[3], "enough") : TARN_OK;
}

static void a_result_can_be_taken_in_pieces(void **state)
{
    tarn_db *db = open_db(2);
    const char *sql = "SELECT range AS a, 'x' || (range % 10) AS b FROM range(100000)";
    int64_t sum[4] = {0, 0, INT64_MAX, TARN_OK};

    (void)state;
    must(tarn_db_each(db, sql, add_rows, sum, err));
    assert_int_equal(sum[1], 100000);
    assert_int_equal(sum[0], (int64_t)99999 * 50000);
    int64_t some[4] = {0, 0, 5000, TARN_CANCELLED}, bad[4] = {0, 0, 1, TARN_LIMIT}, none[4] = {0, 0, 1, TARN_LIMIT};
    must(tarn_db_each(db, sql, add_rows, some, err));
    assert_true(some[1] >= 5000 && some[1] < 20000);
    must_fail_with(TARN_LIMIT, "enough", tarn_db_each(db, sql, add_rows, bad, err));
    must(tarn_db_each(db, "SELECT 1 AS a, 'x' AS b WHERE false", add_rows, none, err));
    must_fail_with(
        TARN_INVALID, "too far",
        tarn_db_each(db,
                     "SELECT range AS a, CASE WHEN range = 60000 THEN error('too far') ELSE 'x' || (range % 10) "
                     "END AS b FROM range(70000)",
                     add_rows, sum, err));
    must(tarn_db_each(db, sql, add_rows, sum, err)); /* the engine is as before */
    tarn_db_close(db);
}

/* What makes versions of a table cheap to store: plain pages, and nothing else that a change would spread over. */
static void a_changed_cell_changes_few_stored_bytes(void **state)
{
    tarn_db *db = open_db(1);
    char paths[2][256], sql[600];
    char *bytes[2] = {NULL, NULL};
    size_t len[2], differ = 0;
    int64_t n = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(
            sql, sizeof sql,
            "SELECT range AS k, 'word ' || (range %% 7) AS w, range * 0.5 AS x, range %% 3 = 0 AS b, DATE "
            "'2026-01-01' + (range %% 9)::INT AS d, CASE WHEN range = 70000 THEN %d ELSE range %% 11 END AS c FROM "
            "range(150000)",
            i ? 99 : 4);
        must(
            tarn_db_write_parquet(db, sql, "k", temp_name(paths[i], i ? "form1.parquet" : "form0.parquet"), NULL, err));
        must(tarn_file_read(paths[i], 0, &bytes[i], &len[i], err));
    }
    assert_int_equal(len[0], len[1]);
    for (size_t i = 0; i < len[0]; i++) differ += bytes[0][i] != bytes[1][i];
    assert_true(differ > 0 && differ < 16); /* the cell, and the greatest value of its row group */
    (void)snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM parquet_metadata('%s') WHERE compression = 'UNCOMPRESSED' AND encodings = 'PLAIN' AND "
        "dictionary_page_offset IS NULL AND bloom_filter_offset IS NULL",
        paths[0]);
    must(tarn_db_count(db, sql, &n, err));
    assert_int_equal(n, 12); /* 6 columns in 2 row groups */
    for (int i = 0; i < 2; i++) {
        tarn_free(bytes[i]);
        (void)unlink(paths[i]);
    }
    tarn_db_close(db);
}

static tarn_code find_table(void *arg, const char *name, char *path, size_t cap, tarn_err *err)
{
    if (strcmp(name, "main@{2026-01-31}/flights") == 0) {
        (void)snprintf(path, cap, "%s", (const char *)arg);
        return TARN_OK;
    }
    if (strcmp(name, "broken") == 0) return TARN_FAIL(err, TARN_CORRUPT, "chunk 17 is damaged");
    return TARN_FAIL(err, TARN_NOT_FOUND, "the lake has no table '%s' on main", name);
}

static void unknown_names_are_asked_of_the_resolver(void **state)
{
    char path[256];
    tarn_db *db = open_db(1);
    tarn_columns *c = NULL;
    tarn_field *f = NULL;
    int64_t n;
    int fields;

    (void)state;
    must(tarn_db_write_parquet(db, "SELECT range AS a, 'x' || range AS b, range * 0.5 AS c FROM range(1000)", "a",
                               temp_name(path, "lake [x].parquet"), NULL, err));
    tarn_db_close(db);
    for (int untrusted = 0; untrusted < 2; untrusted++) {
        tarn_db_options options = {.threads = 2, .resolve = find_table, .resolve_arg = path, .untrusted = untrusted};
        must(tarn_db_open(&options, &db, err));
        must(tarn_db_count(db, "SELECT count(*) FROM \"main@{2026-01-31}/flights\"", &n, err));
        assert_int_equal(n, 1000);
        must(tarn_db_count(db, "SELECT sum(a) FROM \"main@{2026-01-31}/flights\" WHERE b <> 'x7'", &n, err));
        assert_int_equal(n, 999 * 1000 / 2 - 7);
        must(tarn_db_count(
            db, "SELECT count(*) FROM \"main@{2026-01-31}/flights\" x JOIN \"main@{2026-01-31}/flights\" y USING (b)",
            &n, err));
        assert_int_equal(n, 1000);
        must(tarn_db_query(db, "SELECT c, a FROM \"main@{2026-01-31}/flights\" ORDER BY a DESC", 1, &c, err));
        assert_true(tarn_column_number(tarn_columns_at(c, 0), 0) == 499.5);
        tarn_columns_release(c);
        must(tarn_db_schema(db, "\"main@{2026-01-31}/flights\"", &f, &fields, err));
        assert_int_equal(fields, 3);
        assert_string_equal(f[1].sql_type, "VARCHAR");
        tarn_free(f);
        must_fail_with(TARN_NOT_FOUND, "the lake has no table 'planes' on main",
                       tarn_db_run(db, "SELECT * FROM planes", err));
        must_fail_with(TARN_CORRUPT, "chunk 17 is damaged", tarn_db_run(db, "SELECT * FROM broken", err));
        must_fail_with(TARN_INVALID, "syntax", tarn_db_run(db, "SELEC 1", err)); /* the last answer is forgotten */
        tarn_db_close(db);
    }
    (void)unlink(path);
}

static void untrusted_sql_reaches_no_file_and_changes_no_setting(void **state)
{
    static const char *const evil[] = {
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd.csv'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_parquet('%s')",
        "SELECT * FROM parquet_metadata('%s')",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '%s'",
        "COPY (SELECT 1) TO '/tmp/tarn-duck-test/evil.csv'",
        "CREATE TABLE t (a VARCHAR); COPY t FROM '/etc/passwd'",
        "EXPORT DATABASE '/tmp/tarn-duck-test/evil'",
        "ATTACH '/tmp/tarn-duck-test/evil.db'",
        "INSTALL httpfs",
        "LOAD '/tmp/evil.duckdb_extension'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "SET allowed_directories = ['/']",
        "SET threads = 64",
        "SET memory_limit = '1TB'",
        "PRAGMA memory_limit = '1TB'",
        "SET temp_directory = '/etc'",
        "SELECT * FROM tarn_lake('/etc/passwd')",
        "SELECT * FROM tarn_lake(NULL)",
        "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
        "PRAGMA enable_profiling; PRAGMA profiling_output = '/tmp/tarn-duck-test/evil.json'",
        "SELECT * FROM read_json('/etc/os-release')",
        "SELECT getenv('HOME')",
    };
    char path[256], *before, *after;
    size_t n, m;
    tarn_db *db = open_db(1);

    (void)state;
    must(tarn_db_write_parquet(db, "SELECT range AS a FROM range(10)", NULL, temp_name(path, "safe.parquet"), NULL,
                               err));
    tarn_db_close(db);
    before = file_bytes(path, &n);
    tarn_db_options options = {.resolve = find_table, .resolve_arg = path, .untrusted = true, .spill_folder = FOLDER};
    must(tarn_db_open(&options, &db, err));
    for (size_t i = 0; i < sizeof evil / sizeof evil[0]; i++) {
        tarn_text sql = {0};
        tarn_err e = {0};
        const char *hole = strstr(evil[i], "%s");
        tarn_text_addn(&sql, evil[i], hole ? (size_t)(hole - evil[i]) : strlen(evil[i]));
        if (hole) {
            tarn_text_add(&sql, path);
            tarn_text_add(&sql, hole + 2);
        }
        if (tarn_db_run(db, sql.data, &e) == TARN_OK) fail_msg("untrusted SQL may do this: %s", sql.data);
        tarn_text_clear(&sql);
    }
    must_fail_with(TARN_DENIED, "cannot write files", tarn_db_write_parquet(db, "SELECT 1", NULL, path, NULL, err));
    tarn_db_close(db);
    after = file_bytes(path, &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    tarn_free(before);
    tarn_free(after);
    assert_false(tarn_path_exists(FOLDER "/evil.csv") || tarn_path_exists(FOLDER "/evil.db") ||
                 tarn_path_exists(FOLDER "/evil.json"));
    (void)unlink(path);
}

static void memory_running_out_in_a_query_is_an_error_each_time(void **state)
{
    tarn_db *db = open_db(1);
    tarn_columns *c = NULL;
    tarn_err e = {0};
    int64_t live = tarn_mem_live(), n = 1;

    (void)state;
    for (;; n++) {
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_db_query(db, "SELECT range AS a, 'w' || range AS w, 1.5 AS d FROM range(5000)", -1, &c, &e);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) break;
        assert_int_equal(rc, TARN_NOMEM);
        assert_int_equal(tarn_mem_live(), live);
    }
    assert_true(n > 10);
    tarn_columns_release(c);
    tarn_db_close(db);
}

static void sql_text_is_quoted(void **state)
{
    tarn_text t = {0};

    (void)state;
    tarn_sql_name(&t, "a\"b");
    tarn_sql_text(&t, "it's'");
    assert_string_equal(t.data, "\"a\"\"b\"'it''s'''");
    tarn_text_clear(&t);
}

TARN_TESTS(TARN_TEST(errors_name_line_and_column), TARN_TEST(an_error_in_the_middle_of_a_result_is_not_its_end),
           TARN_TEST(whole_numbers_of_every_width_become_int), TARN_TEST(decimals_and_floats_become_real),
           TARN_TEST(times_become_utc_microseconds), TARN_TEST(everything_else_becomes_text),
           TARN_TEST(rows_keep_their_order_on_any_number_of_threads), TARN_TEST(counts_are_whole_numbers),
           TARN_TEST(a_schema_names_types), TARN_TEST(parquet_bytes_depend_on_the_rows_alone),
           TARN_TEST(parquet_is_in_order_and_whole_or_absent), TARN_TEST(a_result_can_be_taken_in_pieces),
           TARN_TEST(a_changed_cell_changes_few_stored_bytes), TARN_TEST(unknown_names_are_asked_of_the_resolver),
           TARN_TEST(untrusted_sql_reaches_no_file_and_changes_no_setting),
           TARN_TEST(memory_running_out_in_a_query_is_an_error_each_time), TARN_TEST(sql_text_is_quoted))
