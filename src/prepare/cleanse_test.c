/* SPDX-License-Identifier: Apache-2.0 */
/* cleanse_test.c - each repair does what it says, counts what it did, and leaves the table alone when it fails. */
#include "prepare/prepare.h"
#include "support/tarn_test.h"

#include <math.h>

static const char make_table[] = "CREATE TABLE t AS SELECT * FROM (VALUES"
                                 " (1, 10,   1.5,                 'Oslo',   true,  TIMESTAMP '2024-01-01'),"
                                 " (2, NULL, 2.5,                 'oslo ',  false, NULL),"
                                 " (3, 30,   'nan'::DOUBLE,       'Oslo',   true,  TIMESTAMP '2024-01-03'),"
                                 " (4, 40,   NULL,                NULL,     NULL,  TIMESTAMP '2024-01-04'),"
                                 " (5, 999,  -7.0,                'BERGEN', true,  TIMESTAMP '2024-01-05'),"
                                 " (6, -3,   'infinity'::DOUBLE,  'bergen', true,  TIMESTAMP '2024-01-06'),"
                                 " (6, -3,   'infinity'::DOUBLE,  'bergen', true,  TIMESTAMP '2024-01-06'),"
                                 " (8, NULL, 1.5,                 'O  slo', false, TIMESTAMP '2024-01-08')"
                                 ") v(id, n, x, city, flag, moment)";

static tarn_db *open_table(const char *sql)
{
    tarn_db *db = NULL;
    tarn_db_options options = {.threads = 1};

    tarn_json_setup();
    must(tarn_db_open(&options, &db, err));
    must(tarn_db_run(db, sql, err));
    return db;
}

static const tarn_repair blank = {.least = NAN, .most = NAN};

static tarn_repair rule(const char *kind, const char *columns, const char *action)
{
    tarn_repair r = blank;

    r.kind = kind;
    r.columns = columns;
    r.action = action;
    return r;
}

static int64_t entry(const json_t *report, size_t i, const char *field)
{
    const json_t *n = json_object_get(json_array_get(report, i), field);

    assert_true(json_is_integer(n));
    return json_integer_value(n);
}

static const char *entry_text(const json_t *report, size_t i, const char *field)
{
    return tarn_json_text(json_array_get(report, i), field, "(none)");
}

static const char *example(const json_t *report, size_t i, size_t k)
{
    const char *text = json_string_value(json_array_get(json_object_get(json_array_get(report, i), "examples"), k));

    return text ? text : "(none)";
}

/* All of a column, in the table's order, as one text. */
static void column_is(tarn_db *db, const char *expression, const char *want)
{
    char sql[512];
    tarn_columns *c = NULL;
    int32_t len = 0;

    (void)snprintf(sql, sizeof sql, "SELECT string_agg(coalesce(CAST(%s AS VARCHAR), '-'), ' ' ORDER BY rowid) FROM t",
                   expression);
    must(tarn_db_query(db, sql, -1, &c, err));
    const tarn_column *t = tarn_columns_at(c, 0);
    const char *text = tarn_column_has(t, 0) ? tarn_column_word(t, ((const int32_t *)t->values)[0], &len) : "";
    if ((size_t)len != strlen(want) || memcmp(text, want, (size_t)len) != 0)
        fail_msg("%s is '%.*s', not '%s'", expression, len, text, want);
    tarn_columns_release(c);
}

static void one(tarn_db *db, tarn_repair r, int64_t found, int64_t repaired)
{
    json_t *report = NULL;

    must(tarn_cleanse(db, "t", &r, 1, &report, err));
    assert_int_equal(json_array_size(report), 1);
    assert_string_equal(entry_text(report, 0, "rule"), r.kind);
    assert_int_equal(entry(report, 0, "found"), found);
    assert_int_equal(entry(report, 0, "repaired"), repaired);
    json_decref(report);
}

static void missing_values_are_filled(void **state)
{
    (void)state;
    tarn_db *db = open_table(make_table);
    tarn_repair r = rule("missing", "n", "median");
    json_t *report = NULL;

    must(tarn_cleanse(db, "t", &r, 1, &report, err)); /* of -3 -3 10 30 40 999 the lower middle */
    assert_int_equal(entry(report, 0, "found"), 2);
    assert_int_equal(entry(report, 0, "repaired"), 2);
    assert_string_equal(entry_text(report, 0, "column"), "n");
    assert_string_equal(entry_text(report, 0, "action"), "median");
    assert_string_equal(entry_text(report, 0, "with"), "10");
    assert_string_equal(example(report, 0, 0), "row 2");
    assert_string_equal(example(report, 0, 1), "row 8");
    json_decref(report);
    column_is(db, "n", "10 10 30 40 999 -3 -3 10");
    one(db, rule("missing", "n", "median"), 0, 0);
    r = rule("missing", "city", "mode"); /* bergen and Oslo twice each: bytes decide */
    one(db, r, 1, 1);
    column_is(db, "replace(city, ' ', '_')", "Oslo oslo_ Oslo Oslo BERGEN bergen bergen O__slo");
    r = rule("missing", "x", "value");
    r.value = "-0.25";
    one(db, r, 2, 2);
    column_is(db, "x", "1.5 2.5 -0.25 -0.25 -7.0 inf inf 1.5");
    r = rule("missing", "moment", "value");
    r.value = "2024-01-02";
    one(db, r, 1, 1);
    one(db, rule("missing", "flag", NULL), 1, 1); /* drop_row is the first action */
    column_is(db, "id", "1 2 3 5 6 6 8");
    tarn_db_close(db);
}

static void the_median_of_reals_lies_between(void **state)
{
    (void)state;
    tarn_db *db =
        open_table("CREATE TABLE t AS SELECT * FROM (VALUES (1.0::DOUBLE), (2.5), ('nan'), (4), (NULL), (9)) v(x)");
    one(db, rule("missing", NULL, "median"), 2, 2);
    column_is(db, "x", "1.0 2.5 3.25 4.0 3.25 9.0");
    tarn_db_close(db);
}

static void every_column_gets_its_entry(void **state)
{
    (void)state;
    tarn_db *db = open_table(make_table);
    const tarn_repair rules[] = {rule("missing", "", "mode"), rule("category", "", "")};
    json_t *report = NULL;

    must(tarn_cleanse(db, "t", rules, 2, &report, err));
    assert_int_equal(json_array_size(report), 7);
    assert_int_equal(entry(report, 0, "found"), 0); /* id */
    assert_int_equal(entry(report, 2, "found"), 2); /* x: null and NaN */
    assert_int_equal(entry(report, 5, "found"), 1); /* moment */
    assert_string_equal(entry_text(report, 6, "rule"), "category");
    assert_string_equal(entry_text(report, 6, "column"), "city");
    json_decref(report);
    tarn_db_close(db);
    db = open_table("CREATE TABLE t AS SELECT 'a' AS only_text");
    const tarn_repair range = {.kind = "range", .least = 0, .most = 1};
    one(db, range, 0, 0); /* suits no column: still told */
    tarn_db_close(db);
}

static void nothing_to_learn_from_is_told(void **state)
{
    (void)state;
    tarn_db *db = open_table("CREATE TABLE t AS SELECT NULL::INTEGER AS n FROM range(3)");
    one(db, rule("missing", "n", "median"), 3, 0);
    one(db, rule("missing", "n", "mode"), 3, 0);
    tarn_db_close(db);
}

static void ranges_are_kept(void **state)
{
    (void)state;
    tarn_db *db = open_table(make_table);
    tarn_repair r = rule("range", "n", NULL);
    json_t *report = NULL;

    r.least = 0;
    r.most = 100;
    must(tarn_cleanse(db, "t", &r, 1, &report, err));
    assert_int_equal(entry(report, 0, "found"), 3);
    assert_string_equal(example(report, 0, 0), "row 5: 999");
    assert_string_equal(example(report, 0, 2), "row 7: -3");
    assert_string_equal(entry_text(report, 0, "action"), "null");
    json_decref(report);
    column_is(db, "n", "10 - 30 40 - - - -");
    one(db, r, 0, 0);
    r = rule("range", "x", "clip");
    r.least = -1.25;
    r.most = 2;
    one(db, r, 4, 4); /* 2.5, -7, inf, inf; NaN is missing, not large */
    column_is(db, "x", "1.5 2.0 nan - -1.25 2.0 2.0 1.5");
    r = rule("range", "id", "drop_row");
    r.most = 5.5;
    one(db, r, 3, 3);
    column_is(db, "id", "1 2 3 4 5");
    r = rule("range", "id", "clip"); /* whole numbers are clipped to whole numbers inside */
    r.least = 1.2;
    r.most = 3.9;
    one(db, r, 3, 3);
    column_is(db, "id", "2 2 3 3 3");
    tarn_db_close(db);
}

static void rare_values_go(void **state)
{
    tarn_db *db =
        open_table("CREATE TABLE t AS SELECT i AS id, CASE WHEN i < 5 THEN 'a' WHEN i < 7 THEN 'b' WHEN i = 7 "
                   "THEN 'c' END AS k, i // 4 AS n, i < 9 AS f FROM range(10) r(i)");
    tarn_repair r = rule("rare", "k", NULL);

    (void)state;
    r.least = 2;
    one(db, r, 1, 1); /* 'c' becomes missing; missing is no value that could be rare */
    column_is(db, "k", "a a a a a b b - - -");
    r = rule("rare", "k", "value"), r.least = 3, r.value = "other";
    one(db, r, 2, 2);
    column_is(db, "k", "a a a a a other other - - -");
    r = rule("rare", "n", "drop_row"), r.least = 2.5; /* 0 1 2: 2 has two rows */
    one(db, r, 2, 2);
    r = rule("rare", "f", "null"), r.least = 8;
    one(db, r, 0, 0);
    r.least = 9;
    one(db, r, 8, 8);
    tarn_db_close(db);
}

static void the_first_of_duplicates_stays(void **state)
{
    (void)state;
    tarn_db *db = open_table(make_table);
    json_t *report = NULL;
    tarn_repair r = rule("duplicates", "", "drop");

    must(tarn_cleanse(db, "t", &r, 1, &report, err));
    assert_int_equal(entry(report, 0, "found"), 1);
    assert_string_equal(example(report, 0, 0), "row 7");
    assert_string_equal(entry_text(report, 0, "column"), "id, n, x, city, flag, moment");
    json_decref(report);
    r = rule("duplicates", "flag", NULL);
    r.order = "n desc";
    one(db, r, 4, 4); /* true: 999 stays; false: both n are null, so the first row; null: one */
    column_is(db, "id", "2 4 5");
    r.order = "x";
    r.columns = "nothing";
    json_t *none = NULL;
    must_fail_with(TARN_INVALID, "column 'nothing' is not in the table", tarn_cleanse(db, "t", &r, 1, &none, err));
    r.columns = "flag";
    r.order = "x, citi desc";
    must_fail_with(TARN_INVALID, "order: column 'citi' is not in the table; did you mean 'city'?",
                   tarn_cleanse(db, "t", &r, 1, &none, err));
    tarn_db_close(db);
}

static void spellings_fold_to_the_most_frequent(void **state)
{
    (void)state;
    tarn_db *db = open_table(
        "CREATE TABLE t AS SELECT * FROM (VALUES ('New York'), ('new  york'), ('NEW YORK'), ('NEW YORK'), (' new\tyork "
        "'),"
        " ('b'), ('B'), (NULL), ('\xC3\x85L'), ('\xC3\xA5l'), ('\xC3\xA5l'), ('it''s'), ('It''s'), ('It''s')) v(c)");
    tarn_repair r = rule("category", "c", "spelling");
    json_t *report = NULL;

    must(tarn_cleanse(db, "t", &r, 1, &report, err));
    assert_int_equal(entry(report, 0, "found"), 6);
    assert_int_equal(entry(report, 0, "repaired"), 6);
    assert_string_equal(example(report, 0, 0), "' new\tyork ' -> 'NEW YORK' (1 row)");
    json_decref(report);
    column_is(db, "replace(c, ' ', '_')",
              "NEW_YORK NEW_YORK NEW_YORK NEW_YORK NEW_YORK B B - \xC3\xA5l \xC3\xA5l \xC3\xA5l It's It's It's");
    one(db, r, 0, 0);
    r.map = "{\"B\": \"C\", \"It's\": \"its \\\"own\\\"\", \"absent\": \"x\", \"NEW YORK\": \"NEW YORK\"}";
    one(db, r, 5, 5);
    column_is(db, "replace(c, ' ', '_')",
              "NEW_YORK NEW_YORK NEW_YORK NEW_YORK NEW_YORK C C - \xC3\xA5l \xC3\xA5l \xC3\xA5l its_\"own\" "
              "its_\"own\" its_\"own\"");
    tarn_db_close(db);
}

static void refused(tarn_db *db, tarn_code code, tarn_repair r, const char *text)
{
    json_t *report = NULL;

    must_fail_with(code, text, tarn_cleanse(db, "t", &r, 1, &report, err));
    assert_null(report);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    tarn_db *db = open_table(make_table);
    tarn_repair r;

    refused(db, TARN_NOT_FOUND, rule("mising", NULL, NULL),
            "kind of repair 'mising' is unknown; did you mean 'missing'?");
    refused(db, TARN_NOT_FOUND, rule(NULL, NULL, NULL), "is unknown");
    refused(db, TARN_INVALID, rule("missing", NULL, "drop_rows"),
            "action 'drop_rows' is unknown to this repair; did you mean 'drop_row'?");
    refused(db, TARN_INVALID, rule("missing", "citty", NULL),
            "column 'citty' is not in the table; did you mean 'city'?");
    refused(db, TARN_INVALID, rule("missing", "city", "median"), "column 'city' is text; this takes numbers");
    refused(db, TARN_INVALID, rule("missing", "n", "value"), "needs a value");
    r = rule("missing", "n", "value"), r.value = "1.5",
    refused(db, TARN_INVALID, r, "value '1.5' is not of type int (INTEGER)");
    r = rule("missing", "n", "value"), r.value = "3000000000",
    refused(db, TARN_INVALID, r, "is not of type int (INTEGER)");
    r = rule("missing", "x", "value"), r.value = "'); DROP TABLE t; --",
    refused(db, TARN_INVALID, r, "is not of type real");
    r = rule("missing", "moment", "value"), r.value = "soon", refused(db, TARN_INVALID, r, "is not of type time");
    r = rule("missing", "n", "mode"), r.value = "1",
    refused(db, TARN_INVALID, r, "'value' means nothing to action 'mode'");
    r = rule("missing", "n", "mode"), r.most = 5, refused(db, TARN_INVALID, r, "'most' means nothing");
    refused(db, TARN_INVALID, rule("range", "n", "clip"), "range needs least or most");
    refused(db, TARN_INVALID, rule("rare", "n", NULL), "rare needs least");
    r = rule("rare", NULL, NULL), r.least = 5;
    refused(db, TARN_INVALID, r, "rare needs columns");
    r = rule("rare", "n", "value"), r.least = 5;
    refused(db, TARN_INVALID, r, "action 'value' needs a value");
    r = rule("range", "n", "clip"), r.least = 5, r.most = 4,
    refused(db, TARN_INVALID, r, "least (5) is above most (4)");
    r = rule("range", "city", "clip"), r.least = 5,
    refused(db, TARN_INVALID, r, "column 'city' is text; this takes numbers");
    r = rule("category", "n", NULL), refused(db, TARN_INVALID, r, "column 'n' is int; this takes texts");
    r = rule("category", "city", NULL), r.map = "{\"a\": 1}",
    refused(db, TARN_INVALID, r, "map: 'a' should become a text");
    r = rule("category", "city", NULL), r.map = "[1]", refused(db, TARN_INVALID, r, "map should be a JSON object");
    r = rule("category", "city", NULL), r.map = "{\"a\": ", refused(db, TARN_INVALID, r, "map is not JSON");
    r = rule("missing", "city", "lose"), r.line = 4, r.column = 9,
    refused(db, TARN_INVALID, r, "cleanse 't': line 4, column 9: repair 'missing'");
    json_t *report = NULL;
    r = rule("missing", NULL, NULL);
    assert_int_not_equal(tarn_cleanse(db, "no such table", &r, 1, &report, NULL), TARN_OK);
    column_is(db, "id", "1 2 3 4 5 6 6 8");
    tarn_db_close(db);
}

/* A later rule fails: what earlier ones did is undone, and the work table is gone. */
static void a_failure_leaves_the_table_as_it_was(void **state)
{
    (void)state;
    tarn_db *db = open_table(make_table);
    const tarn_repair rules[] = {rule("missing", "n", "drop_row"), rule("duplicates", "", ""),
                                 rule("missing", "nn", "mode")};
    json_t *report = NULL;
    int64_t n;

    must_fail_with(TARN_INVALID, "column 'nn'", tarn_cleanse(db, "t", rules, 3, &report, err));
    column_is(db, "id", "1 2 3 4 5 6 6 8");
    must(tarn_db_count(db, "SELECT count(*) FROM duckdb_tables()", &n, err));
    assert_int_equal(n, 1);
    must(tarn_cleanse(db, "t", rules, 2, &report, err));
    must(tarn_db_count(db, "SELECT count(*) FROM duckdb_tables()", &n, err));
    assert_int_equal(n, 1);
    json_decref(report);
    column_is(db, "id", "1 3 4 5 6");
    tarn_db_close(db);
}

static void odd_names_are_names(void **state)
{
    (void)state;
    tarn_db *db =
        open_table("CREATE TABLE \"a \"\"b\"\" c\" AS SELECT * FROM (VALUES (1, NULL, 'x'), (2, 5, 'X'), (3, 7, 'X')) "
                   "v(\"tarn row\", \"it's; \"\"n\", \"select\")");
    const tarn_repair rules[] = {rule("missing", "it's; \"n", "median"), rule("category", "select", NULL),
                                 rule("duplicates", "select", NULL)};
    json_t *report = NULL;
    int64_t n;

    must(tarn_cleanse(db, "a \"b\" c", rules, 3, &report, err));
    json_decref(report);
    must(tarn_db_count(db, "SELECT sum(\"tarn row\" * 100 + \"it's; \"\"n\") FROM \"a \"\"b\"\" c\"", &n, err));
    assert_int_equal(n, 105);
    must(tarn_db_count(db, "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'a \"b\" c'", &n, err));
    assert_int_equal(n, 3);
    must(tarn_db_run(db, "CREATE VIEW v AS SELECT 1 AS x UNION ALL SELECT NULL", err));
    must(tarn_cleanse(db, "v", rules, 0, &report, err));
    json_decref(report);
    const tarn_repair drop = rule("missing", "", "");
    must(tarn_cleanse(db, "v", &drop, 1, &report, err));
    json_decref(report);
    must(tarn_db_count(db, "SELECT count(*) FROM v", &n, err));
    assert_int_equal(n, 1);
    tarn_db_close(db);
}

/* Many rows, one thread or two: the same table, in its own order. */
static void the_order_of_rows_is_kept(void **state)
{
    (void)state;
    static const char sum[] = "SELECT CAST(sum(hash(k, n, c) % 1000003 * (rowid + 1)) % 1000000007 AS BIGINT) FROM t";
    int64_t first = 0;

    tarn_json_setup();
    for (int threads = 1; threads <= 2; threads++) {
        tarn_db *db = NULL;
        tarn_db_options options = {.threads = threads};
        json_t *report = NULL;
        tarn_repair rules[] = {rule("duplicates", "k", NULL), rule("missing", "n", "median"),
                               rule("category", "c", NULL), rule("range", "n", "clip")};
        int64_t n;
        rules[3].most = 900;
        must(tarn_db_open(&options, &db, err));
        must(tarn_db_run(
            db,
            "CREATE TABLE t AS SELECT (i * 7919) % 150001 AS k, CASE WHEN i % 11 = 0 THEN NULL ELSE i % 1000 END AS n, "
            "CASE WHEN i % 3 = 0 THEN 'ab' WHEN i % 3 = 1 THEN 'AB' ELSE 'a b' END AS c FROM range(300000) r(i)",
            err));
        must(tarn_cleanse(db, "t", rules, 4, &report, err));
        assert_int_equal(entry(report, 0, "repaired"), 149999);
        json_decref(report);
        must(tarn_db_count(db,
                           "SELECT count(*) FROM t a JOIN t b ON b.rowid = a.rowid + 1 WHERE "
                           "(b.k - a.k - 7919) % 150001 <> 0",
                           &n, err));
        assert_int_equal(n, 0);
        must(tarn_db_count(db, sum, &n, err));
        if (threads == 1) first = n;
        assert_int_equal(n, first);
        tarn_db_close(db);
    }
}

static void the_table_of_kinds_is_whole(void **state)
{
    (void)state;
    const tarn_repair_kind *found = NULL;

    assert_int_equal(tarn_repair_kind_count(), 5);
    assert_null(tarn_repair_kind_at(-1));
    assert_null(tarn_repair_kind_at(5));
    for (int i = 0; i < tarn_repair_kind_count(); i++) {
        const tarn_repair_kind *k = tarn_repair_kind_at(i);
        assert_true(*k->name && strlen(k->title) > 10 && *k->suits && *k->actions && k->settings);
        for (const tarn_repair_setting *s = k->settings; s->name; s++) assert_true(*s->name && strlen(s->help) > 10);
        must(tarn_repair_kind_find(k->name, &found, err));
        assert_ptr_equal(found, k);
    }
}

static void running_out_of_memory_anywhere_leaves_the_table(void **state)
{
    (void)state;
    tarn_db *db = open_table(make_table);
    tarn_repair rules[] = {rule("missing", "n", "median"), rule("range", "x", "clip"), rule("category", "", NULL),
                           rule("duplicates", "", NULL), rule("rare", "city", NULL)};
    tarn_code rc = TARN_NOMEM;
    int failures = 0;

    rules[1].most = 2;
    rules[4].least = 2;
    for (int64_t i = 1; rc != TARN_OK;
         i += 1 + i / 50) { /* each one at first, then every few: a statement takes long */
        tarn_err err = {0};
        json_t *report = NULL;
        int64_t live = tarn_mem_live();
        tarn_mem_fail_after(i);
        rc = tarn_cleanse(db, "t", rules, 5, &report, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK && (rc != TARN_NOMEM || report))
            fail_msg("allocation %d: %s: %s", (int)i, tarn_code_name(rc), err.msg);
        if (rc != TARN_OK && failures++ % 10 == 0) column_is(db, "id", "1 2 3 4 5 6 6 8");
        json_decref(report);
        assert_int_equal(tarn_mem_live(), live);
        assert_true(i < 5000);
    }
    column_is(db, "id", "1 2 3 4 5 6 8");
    tarn_db_close(db);
}

TARN_TESTS(TARN_TEST(missing_values_are_filled), TARN_TEST(the_median_of_reals_lies_between),
           TARN_TEST(every_column_gets_its_entry), TARN_TEST(nothing_to_learn_from_is_told), TARN_TEST(ranges_are_kept),
           TARN_TEST(rare_values_go), TARN_TEST(the_first_of_duplicates_stays),
           TARN_TEST(spellings_fold_to_the_most_frequent), TARN_TEST(what_makes_no_sense_is_refused),
           TARN_TEST(a_failure_leaves_the_table_as_it_was), TARN_TEST(odd_names_are_names),
           TARN_TEST(the_order_of_rows_is_kept), TARN_TEST(the_table_of_kinds_is_whole),
           TARN_TEST(running_out_of_memory_anywhere_leaves_the_table))
