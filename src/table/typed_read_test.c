/* SPDX-License-Identifier: Apache-2.0 */
/* typed_read_test.c - JSON, one object a line or one array, and Parquet into SQL tables. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "base/str.h"
#include "table/table.h"

#include <unistd.h>

#define FOLDER "/tmp/tarn-typed-test"
#define PATH   FOLDER "/a[b].x"

static tarn_db *open_db(void)
{
    tarn_db *db = NULL;

    must(tarn_dir_make(FOLDER, err));
    must(tarn_db_open(&(tarn_db_options){.threads = 2, .memory_bytes = 1 << 30, .spill_folder = FOLDER}, &db, err));
    return db;
}

static void put_text(const char *text) { must(tarn_file_save(PATH, text, strlen(text), err)); }

static int64_t count(tarn_db *db, const char *sql)
{
    int64_t n = -1;

    must(tarn_db_count(db, sql, &n, err));
    return n;
}

static void lines_that_are_no_object_are_put_aside(void **state)
{
    static const char *const types[] = {"a", "int", "t", "time", NULL};
    tarn_db *db = open_db();
    tarn_rejects r = {0};
    int64_t rows;

    (void)state;
    put_text("\xEF\xBB\xBF{\"a\": 1, \"b\": \"x\", \"t\": \"2014-01-01T10:00:00+02:00\"}\n\n[1]\n{\"a\": "
             "2.5}\r\n{\"a\": 3, \"b\": {\"c\": [1, 2]}}\n"
             "{\"a\": \n{\"a\": 4, \"a\": 5}\n{\"a\": \"six\"}\n{\"a\": 7, \"t\": \"soon\"}\n{\"a\": 8}");
    must(tarn_db_read_json(db, PATH, "t", types, true, &rows, &r, err));
    assert_int_equal(rows, 3);
    assert_int_equal(count(db, "SELECT sum(a) FROM t"), 1 + 3 + 8);
    assert_int_equal(count(db, "SELECT epoch_us(t) FROM t WHERE a = 1"), (int64_t)1388563200 * 1000000);
    static const int64_t lines[] = {3, 4, 6, 7, 8, 9};
    static const char *const reasons[] = {"not a JSON object", "'2.5' is not of type int", "line",
                                          "duplicate",         "is not of type int",       "is not of type time"};
    assert_int_equal(r.count, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(r.rows[i].line, lines[i]);
        if (!strstr(r.rows[i].reason, reasons[i]))
            fail_msg("line %lld: '%s' lacks '%s'", (long long)lines[i], r.rows[i].reason, reasons[i]);
    }
    assert_string_equal(r.rows[0].text, "[1]");
    tarn_rejects_clear(&r);
    must_fail_with(TARN_INVALID, "line 3: not a JSON object",
                   tarn_db_read_json(db, PATH, "t", types, true, &rows, NULL, err));
    tarn_db_close(db);
}

static void an_array_is_read_whole_or_refused(void **state)
{
    tarn_db *db = open_db();
    tarn_rejects r = {0};
    int64_t rows;

    (void)state;
    put_text("[{\"a\": 1, \"b\": true},\n {\"a\": \"x\", \"c\": null}]");
    must(tarn_db_read_json(db, PATH, "t", (const char *const[]){"a", "int", NULL}, false, &rows, &r, err));
    assert_int_equal(rows, 1);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.rows[0].line, 2);
    tarn_rejects_clear(&r);
    static const struct {
        const char *text, *want;
    } bad[] = {{"[{\"a\": 1},", "line 1"},
               {"{\"a\": 1}", "an array of objects was expected"},
               {"[1]", "element 1 of the array is not an object"},
               {"[]", "there is no JSON object in the file"},
               {"", PATH},
               {"[{\"a\": \"\xE9\"}]", "line 1: byte 0xE9 is not UTF-8"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_text(bad[i].text);
        must_fail_with(TARN_INVALID, bad[i].want, tarn_db_read_json(db, PATH, "t", NULL, false, &rows, &r, err));
        must_fail_with(TARN_INVALID, PATH, tarn_db_read_json(db, PATH, "t", NULL, false, &rows, &r, err));
    }
    put_text("{\"tail\": 1}\n");
    must_fail_with(TARN_INVALID, "no column 'tial'; did you mean 'tail'?",
                   tarn_db_read_json(db, PATH, "t", (const char *const[]){"tial", "int", NULL}, true, &rows, &r, err));
    tarn_db_close(db);
}

static void parquet_is_read_and_cut_parquet_refused(void **state)
{
    tarn_db *db = open_db();
    tarn_rejects r = {0};
    int64_t rows;
    char *bytes;
    size_t len;

    (void)state;
    must(tarn_db_write_parquet(db, "SELECT range AS a, 'x' || range AS b FROM range(1000)", "a", PATH, NULL, err));
    must(tarn_db_read_parquet(db, PATH, "t", (const char *const[]){"a", "real", NULL}, &rows, NULL, err));
    assert_int_equal(rows, 1000);
    assert_int_equal(count(db, "SELECT count(*) FROM t WHERE typeof(a) = 'DOUBLE'"), 1000);
    must(tarn_db_read_parquet(db, PATH, "t", (const char *const[]){"b", "int", NULL}, &rows, &r, err));
    assert_int_equal(rows, 0);
    assert_int_equal(r.count, 1000);
    assert_int_equal(r.rows[999].line, 1000);
    assert_string_equal(r.rows[0].text, "{\"a\":0,\"b\":\"x0\"}");
    tarn_rejects_clear(&r);
    must_fail_with(TARN_INVALID, "row 1, column 'b': 'x0' is not of type int",
                   tarn_db_read_parquet(db, PATH, "t", (const char *const[]){"b", "int", NULL}, &rows, NULL, err));
    must(tarn_file_read(PATH, 0, &bytes, &len, err));
    must(tarn_file_save(PATH, bytes, len - 5, err));
    must_fail_with(TARN_CORRUPT, "it does not end with PAR1",
                   tarn_db_read_parquet(db, PATH, "t", NULL, &rows, NULL, err));
    must(tarn_file_save(PATH, "a,b\n1,2\nlong enough\n", 20, err));
    must_fail_with(TARN_CORRUPT, "it does not start with PAR1",
                   tarn_db_read_parquet(db, PATH, "t", NULL, &rows, NULL, err));
    for (size_t i = 4; i + 4 < len; i += 7) { /* damage inside: an error or other values, never a crash */
        bytes[i] ^= 0x55;
        must(tarn_file_save(PATH, bytes, len, err));
        tarn_err e = {0};
        if (tarn_db_read_parquet(db, PATH, "t", NULL, &rows, NULL, &e) != TARN_OK) assert_non_null(strstr(e.msg, PATH));
        bytes[i] ^= 0x55;
    }
    tarn_free(bytes);
    (void)unlink(PATH);
    tarn_db_close(db);
}

TARN_TESTS(TARN_TEST(lines_that_are_no_object_are_put_aside), TARN_TEST(an_array_is_read_whole_or_refused),
           TARN_TEST(parquet_is_read_and_cut_parquet_refused))
