/* SPDX-License-Identifier: Apache-2.0 */
/* profile_test.c - profiles against numbers worked by hand. */
#include "support/tarn_test.h"

#include "base/json.h"
#include "base/str.h"
#include "table/table.h"

#include <math.h>

static json_t *profile_of(tarn_db *db, const char *table)
{
    json_t *p = NULL;

    must(tarn_table_profile(db, table, &p, err));
    return p;
}

static const json_t *column(const json_t *p, const char *name)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_object_get(p, "columns"), i, c)
    {
        if (strcmp(tarn_json_text(c, "name", ""), name) == 0) return c;
    }
    fail_msg("no column %s", name);
    return NULL;
}

static double number(const json_t *c, const char *key)
{
    const json_t *v = json_object_get(c, key);

    if (!json_is_number(v)) fail_msg("%s is not a number", key);
    return json_number_value(v);
}

static void numbers_are_as_worked_by_hand(void **state)
{
    tarn_db *db = NULL;

    (void)state;
    must(tarn_db_open(&(tarn_db_options){.threads = 2}, &db, err));
    must(tarn_db_run(db,
                     "CREATE TABLE t (n BIGINT, x DOUBLE, w VARCHAR, d DATE, b BOOLEAN, l INT[], none VARCHAR);"
                     "INSERT INTO t VALUES (1, 2.5, 'PDX', '2014-01-01', true, [1], NULL), (2, 'nan', 'pdx ', "
                     "'2014-01-03', false, [1], NULL),"
                     " (3, 'inf', ' ', NULL, true, NULL, NULL), (6, -0.5, 'SEA', '2014-01-05', NULL, [2], NULL),"
                     " (NULL, 0, 'PDX', '2014-01-01', true, [], NULL), (6, -0.5, 'SEA', '2014-01-05', NULL, [2], NULL)",
                     err));
    json_t *p = profile_of(db, "t");
    assert_int_equal(number(p, "rows"), 6);
    assert_int_equal(number(p, "duplicate_rows"), 1);
    const json_t *n = column(p, "n");
    /* 1 2 3 6 6: mean 18/5, squares around it 6.76 + 2.56 + 0.36 + 5.76 + 5.76 = 21.2, by 4 = 5.3 */
    assert_int_equal(number(n, "missing"), 1);
    assert_int_equal(number(n, "distinct"), 4);
    assert_int_equal(number(n, "minimum"), 1);
    assert_int_equal(number(n, "maximum"), 6);
    assert_true(fabs(number(n, "mean") - 3.6) < 1e-15);
    assert_true(fabs(number(n, "deviation") - sqrt(5.3)) < 1e-15);
    const json_t *q = json_object_get(n, "quartiles");
    assert_true(json_number_value(json_array_get(q, 0)) == 2 && json_number_value(json_array_get(q, 1)) == 3 &&
                json_number_value(json_array_get(q, 2)) == 6);
    const json_t *top = json_object_get(n, "top");
    assert_string_equal(tarn_json_text(json_array_get(top, 0), "value", ""), "6");
    assert_int_equal(number(json_array_get(top, 0), "count"), 2);
    assert_string_equal(tarn_json_text(json_array_get(top, 1), "value", ""), "1");
    const json_t *x = column(p, "x"); /* finite: 2.5 -0.5 0 -0.5 */
    assert_true(number(x, "mean") == 0.375);
    assert_int_equal(number(x, "not_finite"), 2);
    assert_int_equal(number(x, "zeros"), 1);
    assert_int_equal(number(x, "negative"), 2);
    assert_true(number(x, "maximum") == 2.5);
    const json_t *w = column(p, "w");
    assert_int_equal(number(w, "shortest"), 1);
    assert_int_equal(number(w, "longest"), 4);
    assert_int_equal(number(w, "empty"), 1);
    const json_t *alike = json_object_get(w, "spellings");
    assert_int_equal(json_array_size(alike), 1);
    assert_string_equal(tarn_json_text(json_array_get(json_array_get(alike, 0), 0), "value", ""), "PDX");
    assert_string_equal(tarn_json_text(json_array_get(json_array_get(alike, 0), 1), "value", ""), "pdx ");
    const json_t *d = column(p, "d"); /* 1 3 5 1 5: mean the 3rd */
    assert_string_equal(tarn_json_text(d, "minimum", ""), "2014-01-01T00:00:00Z");
    assert_string_equal(tarn_json_text(d, "mean", ""), "2014-01-03T00:00:00Z");
    assert_int_equal(number(column(p, "b"), "missing"), 2);
    assert_int_equal(number(column(p, "l"), "distinct"), 3);
    assert_int_equal(number(column(p, "none"), "missing"), 6);
    assert_true(json_is_null(json_object_get(column(p, "none"), "minimum")));
    json_decref(p);
    tarn_db_close(db);
}

/* 0 and -0 are equal, and which of them a group keeps depends on who came first. */
static void no_zero_is_negative(void **state)
{
    tarn_db *db = NULL;

    (void)state;
    must(tarn_db_open(NULL, &db, err));
    must(tarn_db_run(
        db, "CREATE TABLE z AS SELECT unnest([-0.0, 0.0, -0.0])::DOUBLE AS d, unnest([-0.0, 0, 1])::FLOAT AS f", err));
    json_t *p = profile_of(db, "z");
    const json_t *top = json_object_get(column(p, "d"), "top");
    assert_int_equal(json_array_size(top), 1);
    assert_string_equal(tarn_json_text(json_array_get(top, 0), "value", ""), "0.0");
    assert_int_equal(number(json_array_get(top, 0), "count"), 3);
    assert_int_equal(number(column(p, "f"), "distinct"), 2);
    assert_false(signbit(number(column(p, "d"), "minimum")));
    assert_string_equal(tarn_json_text(column(p, "f"), "sql_type", ""), "FLOAT");
    json_decref(p);
    tarn_db_close(db);
}

static void profiles_are_the_same_each_time_on_any_threads(void **state)
{
    char *first = NULL, *again;

    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        tarn_db *db = NULL;
        must(tarn_db_open(&(tarn_db_options){.threads = threads}, &db, err));
        must(tarn_db_run(db,
                         "CREATE TABLE t AS SELECT sin(range) AS x, range % 1000 * 0.1 AS y, 'w' || (range % 77) AS w, "
                         "range % 5 AS n FROM range(300000)",
                         err));
        json_t *p = profile_of(db, "t");
        must(tarn_json_compact(p, &again, err));
        if (first) assert_string_equal(first, again);
        if (first) tarn_free(again);
        else first = again;
        json_decref(p);
        tarn_db_close(db);
    }
    tarn_free(first);
}

static void odd_tables_have_profiles_too(void **state)
{
    tarn_db *db = NULL;
    json_t *p;

    (void)state;
    must(tarn_db_open(NULL, &db, err));
    must(tarn_db_run(
        db,
        "CREATE TABLE e (a BIGINT, b VARCHAR, c DATE); CREATE TABLE big (x DOUBLE, h HUGEINT, d DECIMAL(9,2));"
        "INSERT INTO big VALUES (1e308, 5, 1.25), (-1e308, 7, 2), (1e308, 9, NULL);"
        "CREATE TABLE \"q \"\" t\" AS SELECT 1 AS \"c' \"\" d\"",
        err));
    p = profile_of(db, "e");
    assert_int_equal(number(p, "rows"), 0);
    assert_true(json_is_null(json_object_get(column(p, "a"), "mean")));
    assert_int_equal(json_array_size(json_object_get(column(p, "b"), "top")), 0);
    json_decref(p);
    p = profile_of(db, "big"); /* squares overflow: no deviation, but no error either */
    assert_true(json_is_null(json_object_get(column(p, "x"), "deviation")));
    assert_int_equal(number(column(p, "h"), "maximum"), 9);
    assert_true(number(column(p, "d"), "mean") == 1.625);
    json_decref(p);
    p = profile_of(db, "q \" t");
    assert_int_equal(number(column(p, "c' \" d"), "distinct"), 1);
    json_decref(p);
    must_fail_with(TARN_INVALID, "profile of 'nope'", tarn_table_profile(db, "nope", &p, err));
    tarn_db_close(db);
}

/* Names that the profile's own statements give to their results mean the table's columns all the same. */
static void columns_may_have_any_short_name(void **state)
{
    static const char *const names[] = {"v", "n", "g", "r", "m", "alike"};
    tarn_db *db = NULL;

    (void)state;
    must(tarn_db_open(NULL, &db, err));
    must(tarn_db_run(db,
                     "CREATE TABLE t AS SELECT i AS c, 'V' || i % 2 AS v, 'N' || i % 3 AS n, 'G' || i % 4 AS g,"
                     " 'r  ' || i % 5 AS r, 'm' || i % 6 AS m, CASE WHEN i < 3 THEN 'A b' WHEN i < 5 THEN 'a  B' ELSE"
                     " 'c' || i END AS alike FROM range(8) s(i)",
                     err));
    json_t *p = profile_of(db, "t");
    for (int i = 0; i < 6; i++) {
        assert_int_equal(number(column(p, names[i]), "distinct"), i < 5 ? i + 2 : 5);
        assert_int_equal(json_array_size(json_object_get(column(p, names[i]), "spellings")), i < 5 ? 0 : 1);
    }
    assert_string_equal(tarn_json_text(json_array_get(json_object_get(column(p, "v"), "top"), 0), "value", ""), "V0");
    assert_int_equal(number(column(p, "c"), "distinct"), 8);
    json_decref(p);
    tarn_db_close(db);
}

static void every_column_of_a_wide_table_is_looked_at(void **state)
{
    enum { WIDE = 100 };
    tarn_text sql = {0};
    tarn_db *db = NULL;
    char name[16];

    (void)state;
    tarn_text_add(&sql, "CREATE TABLE t AS SELECT 0 AS c0");
    for (int i = 1; i < WIDE; i++) tarn_text_addf(&sql, ", r * %d AS c%d", i, i);
    tarn_text_add(&sql, " FROM range(5) s(r)");
    must(tarn_db_open(&(tarn_db_options){.threads = 2}, &db, err));
    must(tarn_db_run(db, sql.data, err));
    json_t *p = profile_of(db, "t");
    assert_int_equal(number(p, "rows"), 5);
    for (int i = 1; i < WIDE; i++) {
        (void)snprintf(name, sizeof name, "c%d", i);
        const json_t *c = column(p, name);
        assert_int_equal(number(c, "missing"), 0);
        assert_int_equal(number(c, "distinct"), 5);
        assert_int_equal(number(c, "maximum"), 4 * i);
        assert_true(number(c, "mean") == 2 * i);
        assert_true(fabs(number(c, "deviation") - i * sqrt(2.5)) < 1e-9);
    }
    json_decref(p);
    tarn_text_clear(&sql);
    tarn_db_close(db);
}

TARN_TESTS(TARN_TEST(numbers_are_as_worked_by_hand), TARN_TEST(columns_may_have_any_short_name),
           TARN_TEST(every_column_of_a_wide_table_is_looked_at), TARN_TEST(no_zero_is_negative),
           TARN_TEST(profiles_are_the_same_each_time_on_any_threads), TARN_TEST(odd_tables_have_profiles_too))
