/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_test.c - the file source: one file, folders, patterns, formats, facts; and the flights where they are there.
 */
#include "support/tarn_test.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/str.h"
#include "ingest/ingest.h"

#include <unistd.h>

#define BASE "/tmp/tarn-ingest-test"

typedef struct setting {
    const char *name, *value;
} setting;

static const tarn_source *file_source(void)
{
    const tarn_source *s = NULL;

    must(tarn_source_find("file", &s, err));
    return s;
}

static void *make_params(const setting *settings)
{
    const tarn_source *s = file_source();
    void *p;

    must(tarn_alloc(&p, 1, s->params_size, err));
    tarn_params_default(s->params, p);
    for (; settings->name; settings++) must(tarn_param_set(s->params, p, settings->name, settings->value, err));
    return p;
}
#define PARAMS(...) make_params((const setting[]){__VA_ARGS__, {NULL, NULL}})

static int set_up(void **state)
{
    static const struct {
        const char *name, *text;
    } files[] = {{"a.csv", "n,w\n1,x\n2,y\n"},    {"data/b.csv", "n,w\n3,x\nbad\n"},
                 {"data/a.csv", "w,n\nz,1.5\n"},  {"data/notes.md", "# not data"},
                 {"data/.hidden.csv", "a\n"},     {"t.tsv", "n\tw\n1\ta,b\n"},
                 {"o.jsonl", "{\"n\": 1}\nno\n"}, {"o.json", "[{\"n\": 1}, {\"n\": 2}]"},
                 {"plain", "{\"n\": 5}\n"},       {"odd/x.csv", "n\n1\n"},
                 {"odd/y.csv", "n,m\n1,2\n"},     {"we[i]rd.csv", "n\n7\n"}};

    must(tarn_dir_remove(BASE, err));
    must(tarn_dir_make(BASE "/data", err));
    must(tarn_dir_make(BASE "/odd", err));
    must(tarn_dir_make(BASE "/empty", err));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, BASE "/%s", files[i].name);
        must(tarn_file_save(path, files[i].text, strlen(files[i].text), err));
    }
    return tarn_test_setup(state);
}

static tarn_db *open_db(void)
{
    tarn_db *db = NULL;

    must(tarn_db_open(&(tarn_db_options){.threads = 2, .memory_bytes = 1 << 30, .spill_folder = BASE}, &db, err));
    return db;
}

static int64_t count(tarn_db *db, const char *sql)
{
    int64_t n = -1;

    must(tarn_db_count(db, sql, &n, err));
    return n;
}

static void each_format_is_read(void **state)
{
    static const struct {
        const char *path, *format;
        int64_t rows, rejects;
    } cases[] = {{"a.csv", "auto", 2, 0},       {"t.tsv", "auto", 1, 0},      {"o.jsonl", "auto", 1, 1},
                 {"o.json", "auto", 2, 0},      {"plain", "auto", 1, 0},      {"plain", "ndjson", 1, 0},
                 {"we[i]rd.csv", "auto", 1, 0}, {BASE "/a.csv", "csv", 2, 0}, {"p.parquet", "auto", 3, 0}};
    tarn_db *db = open_db();

    (void)state;
    must(tarn_db_write_parquet(db, "SELECT range AS n FROM range(3)", NULL, BASE "/p.parquet", NULL, err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *p = PARAMS({"path", cases[i].path}, {"format", cases[i].format});
        tarn_rejects r = {0};
        int64_t rows = -1;
        must(file_source()->read(p, BASE, NULL, db, "t", &rows, &r, NULL, err));
        assert_int_equal(rows, cases[i].rows);
        assert_int_equal(count(db, "SELECT count(n) FROM t"), rows);
        assert_int_equal(r.count, cases[i].rejects);
        tarn_rejects_clear(&r);
        tarn_free(p);
    }
    tarn_db_close(db);
}

static void a_folder_is_one_table_in_the_order_of_names(void **state)
{
    static const char *const paths[] = {"data", "data/", "data/*.csv", BASE "/data/[ab].csv"};
    tarn_db *db = open_db();

    (void)state;
    for (int i = 0; i < 4; i++) {
        void *p = PARAMS({"path", paths[i]});
        tarn_rejects r = {0};
        int64_t rows = 0;
        must(file_source()->read(p, BASE, NULL, db, "t", &rows, &r, NULL, err));
        assert_int_equal(rows, 2);
        assert_int_equal(count(db, "SELECT count(*) FROM (SELECT n, w, row_number() OVER () AS i FROM t) WHERE (i = 1 "
                                   "AND n = 1.5 AND w = 'z') OR (i = 2 AND n = 3 AND w = 'x')"),
                         2);
        assert_int_equal(count(db, "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '% part %'"), 0);
        assert_int_equal(r.count, 1);
        assert_int_equal(r.rows[0].line, 3);
        assert_non_null(strstr(r.rows[0].reason, "data/b.csv: 1 field where the header has 2"));
        tarn_rejects_clear(&r);
        tarn_free(p);
    }
    tarn_db_close(db);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *path, *want;
        tarn_code code;
    } cases[] = {{"", "path: the file to read must be named", TARN_INVALID},
                 {"nope.csv", "there is no file '" BASE "/nope.csv'", TARN_NOT_FOUND},
                 {"*.xyz", "no file fits", TARN_NOT_FOUND},
                 {"empty", "no file fits", TARN_NOT_FOUND},
                 {"odd", "'odd/x.csv' has no column 'm', which 'odd/y.csv' has", TARN_INVALID},
                 {"/dev/null", "neither a file nor a folder", TARN_INVALID}};
    tarn_db *db = open_db();
    const tarn_source *s = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *p = PARAMS({"path", cases[i].path});
        int64_t rows;
        must_fail_with(cases[i].code, cases[i].want,
                       file_source()->read(p, BASE, NULL, db, "t", &rows, NULL, NULL, err));
        tarn_free(p);
    }
    must_fail_with(TARN_NOT_FOUND, "did you mean 'file'?", tarn_source_find("flie", &s, err));
    must_fail_with(TARN_NOT_FOUND, "the first of", tarn_source_find("carrier pigeon", &s, err));
    assert_null(s);
    assert_null(tarn_source_at(-1));
    assert_null(tarn_source_at(tarn_source_count()));
    tarn_db_close(db);
}

static void facts_name_size_and_hash_each_file(void **state)
{
    void *p = PARAMS({"path", "data"});
    json_t *facts = NULL;
    tarn_id id;
    char hex[TARN_ID_HEX];

    (void)state;
    must(file_source()->facts(p, BASE, &facts, err));
    assert_int_equal(json_array_size(facts), 2);
    const json_t *b = json_array_get(facts, 1);
    assert_string_equal(tarn_json_text(b, "file", ""), "data/b.csv");
    assert_int_equal(json_integer_value(json_object_get(b, "bytes")), 12);
    must(tarn_digest("n,w\n3,x\nbad\n", 12, &id, err));
    assert_string_equal(tarn_json_text(b, "sha256", ""), tarn_id_hex(&id, hex));
    json_decref(facts);
    tarn_free(p);
}

static bool stop_now(void *self) { return self != NULL; }

static void reading_stops_when_asked(void **state)
{
    int yes = 1;
    tarn_sink sink = {.self = &yes, .cancelled = stop_now};
    void *p = PARAMS({"path", "data"});
    tarn_db *db = open_db();
    int64_t rows;

    (void)state;
    must_fail_with(TARN_CANCELLED, "", file_source()->read(p, BASE, NULL, db, "t", &rows, NULL, &sink, err));
    tarn_free(p);
    tarn_db_close(db);
}

static void memory_running_out_is_an_error_each_time(void **state)
{
    void *p = PARAMS({"path", "data"});
    tarn_db *db = open_db();
    int64_t rows = 0, live = tarn_mem_live();

    (void)state;
    for (int64_t at = 1;; at++) {
        tarn_rejects r = {0};
        tarn_err e = {0};
        tarn_mem_fail_after(at);
        tarn_code rc = file_source()->read(p, BASE, NULL, db, "t", &rows, &r, NULL, &e);
        tarn_mem_fail_after(0);
        tarn_rejects_clear(&r);
        assert_int_equal(tarn_mem_live(), live);
        if (rc == TARN_OK) break;
        if (rc != TARN_NOMEM) fail_msg("allocation %lld: %s: %s", (long long)at, tarn_code_name(rc), e.msg);
    }
    tarn_free(p);
    tarn_db_close(db);
}

/* The five tables of the example, where they are there: row counts of the tables and of their joins. */
static void the_flights_are_all_there(void **state)
{
    static const struct {
        const char *name;
        int64_t rows;
    } tables[] = {{"flights", 162049}, {"planes", 2628}, {"weather", 17426}, {"airlines", 11}, {"airports", 1397}};
    tarn_db *db = NULL;

    (void)state;
    if (!tarn_path_is_dir("examples/flights/data")) skip();
    db = open_db();
    for (int i = 0; i < 5; i++) {
        char path[128];
        int64_t rows = 0;
        (void)snprintf(path, sizeof path, "data/%s.csv*", tables[i].name);
        void *p = PARAMS({"path", path});
        must(file_source()->read(p, "examples/flights", NULL, db, tables[i].name, &rows, NULL, NULL, err));
        assert_int_equal(rows, tables[i].rows);
        tarn_free(p);
    }
    assert_int_equal(count(db, "SELECT count(*) FROM flights JOIN planes USING (tailnum)"), 153123);
    assert_int_equal(count(db, "SELECT count(*) FROM flights JOIN weather USING (origin, year, month, day, hour)"),
                     160280);
    assert_int_equal(count(db, "SELECT count(*) FROM flights f JOIN weather USING (origin, year, month, day, hour) "
                               "JOIN planes p ON p.tailnum = f.tailnum"),
                     151722);
    assert_int_equal(count(db, "SELECT count(*) FROM flights WHERE arr_delay > 15"), 24249);
    tarn_db_close(db);
}

#define INGEST_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tarn_test_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(each_format_is_read),       INGEST_TEST(a_folder_is_one_table_in_the_order_of_names),
        INGEST_TEST(what_is_wrong_is_said),     INGEST_TEST(facts_name_size_and_hash_each_file),
        INGEST_TEST(reading_stops_when_asked),  INGEST_TEST(memory_running_out_is_an_error_each_time),
        INGEST_TEST(the_flights_are_all_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
