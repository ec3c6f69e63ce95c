/* SPDX-License-Identifier: Apache-2.0 */
/* rules_test.c - declared rules against a small table whose every fault is known. */
#include "support/tarn_test.h"

#include "table/table.h"

static const char make_tables[] =
    "CREATE TABLE airlines (carrier VARCHAR, name VARCHAR);"
    "INSERT INTO airlines VALUES ('AA', 'American'), ('AS', 'Alaska'), (NULL, 'nobody');"
    "CREATE TABLE weather (origin VARCHAR, hour BIGINT);"
    "INSERT INTO weather VALUES ('PDX', 1), ('PDX', 2), ('SEA', 1);"
    "CREATE TABLE flights (flight BIGINT, carrier VARCHAR, origin VARCHAR, hour BIGINT, delay DOUBLE, day DATE);"
    "INSERT INTO flights VALUES"
    " (1, 'AA', 'PDX', 1, 0.5, '2014-01-01'), (2, 'ZZ', 'PDX', 2, 'nan', '2014-01-01'), (3, 'ZZ', 'SEA', 2, 99, "
    "'2014-01-02'),"
    " (3, 'AS', 'SEA', 1, NULL, NULL), (5, NULL, NULL, 25, -7, '2014-01-03'), (NULL, 'YY', 'SEA', NULL, 1, "
    "'2014-01-03');";

static tarn_db *open_tables(void)
{
    tarn_db *db = NULL;

    must(tarn_db_open(&(tarn_db_options){.memory_bytes = 1 << 30}, &db, err));
    must(tarn_db_run(db, make_tables, err));
    return db;
}

static void check_one(tarn_db *db, const tarn_table_rules *rules, const char *column, const char *rule, int64_t count,
                      const char *rows)
{
    tarn_violation *v = NULL;
    int n = -1;

    must(tarn_table_check(db, rules, &v, &n, err));
    for (int i = 0; n != (count > 0) && i < n; i++)
        print_message("%s | %s | %lld | %s\n", v[i].column, v[i].rule, (long long)v[i].count, v[i].rows);
    assert_int_equal(n, count > 0);
    if (n == 1) {
        assert_string_equal(v[0].table, rules->name);
        assert_string_equal(v[0].column, column);
        assert_string_equal(v[0].rule, rule);
        assert_int_equal(v[0].count, count);
        assert_string_equal(v[0].rows, rows);
    }
    tarn_free(v);
}

#define COLUMN(...) \
    &(tarn_table_rules) { .name = "flights", .columns = &(tarn_column_rule){__VA_ARGS__}, .n_columns = 1 }

static void each_rule_of_a_column_finds_its_rows(void **state)
{
    static const char *const carriers[] = {"AA", "AS", NULL}, *const hours[] = {"1", "2", NULL};
    tarn_db *db = open_tables();

    (void)state;
    check_one(db, COLUMN(.name = "carrier", .type = "text", .values = carriers), "carrier", "one of AA, AS", 3,
              "carrier='ZZ' (2 rows, e.g. flight=2, origin='PDX', hour=2, delay=nan); carrier='YY' (1 row: "
              "flight=null, origin='SEA', hour=null, delay=1.0)");
    check_one(db, COLUMN(.name = "hour", .values = hours), "hour", "one of 1, 2", 1,
              "hour=25 (1 row: flight=5, carrier=null, origin=null, delay=-7.0)");
    check_one(db, COLUMN(.name = "hour", .not_null = true), "hour", "not null", 1,
              "hour=null (1 row: flight=null, carrier='YY', origin='SEA', delay=1.0)");
    check_one(db, COLUMN(.name = "flight", .unique = true), "flight", "unique", 2,
              "flight=3 (2 rows, e.g. carrier='AS', origin='SEA', hour=1, delay=null)");
    check_one(db, COLUMN(.name = "hour", .has_least = true, .has_most = true, .least = 0, .most = 24), "hour",
              "range 0 to 24", 1, "hour=25 (1 row: flight=5, carrier=null, origin=null, delay=-7.0)");
    check_one(db, COLUMN(.name = "delay", .has_least = true, .least = -7), "delay", "at least -7", 1,
              "delay=nan (1 row: flight=2, carrier='ZZ', origin='PDX', hour=2)");
    check_one(db, COLUMN(.name = "delay", .has_most = true, .most = 1e2), "delay", "at most 100", 1,
              "delay=nan (1 row: flight=2, carrier='ZZ', origin='PDX', hour=2)");
    check_one(db, COLUMN(.name = "carrier", .type = "int"), "carrier", "type int", 6, "the column is text (VARCHAR)");
    check_one(db, COLUMN(.name = "day", .has_most = true, .most = 1), "day", "at most 1", 6,
              "the column is time (DATE); ranges are for numbers");
    check_one(db, COLUMN(.name = "carier", .not_null = true), "carier", "column missing", 6, "did you mean 'carrier'?");
    check_one(db, COLUMN(.name = "xyzzyx"), "xyzzyx", "column missing", 6,
              "there are: flight, carrier, origin, hour, delay, day");
    check_one(db, COLUMN(.name = "hour", .type = "real"), "", "", 0, ""); /* a whole number is a number */
    check_one(db, COLUMN(.name = "day", .type = "time"), "", "", 0, "");
    tarn_violation *v = NULL;
    int n;
    must_fail_with(TARN_INVALID, "column 'hour': 'number' is not a type; there are bool",
                   tarn_table_check(db, COLUMN(.name = "hour", .type = "number"), &v, &n, err));
    must_fail_with(TARN_INVALID, "rules of table 'nope'",
                   tarn_table_check(db, &(tarn_table_rules){.name = "nope"}, &v, &n, err));
    tarn_db_close(db);
}

static void keys_are_unique_and_there(void **state)
{
    tarn_db *db = open_tables();
    tarn_violation *v = NULL;
    int n = 0;

    (void)state;
    check_one(db, &(tarn_table_rules){.name = "weather", .key = "origin, hour"}, "", "", 0, "");
    check_one(db, &(tarn_table_rules){.name = "weather", .key = "hour"}, "hour", "key (hour)", 2,
              "hour=1 (2 rows, e.g. origin='PDX')");
    must(tarn_table_check(db, &(tarn_table_rules){.name = "flights", .key = "flight,Carrier"}, &v, &n, err));
    assert_int_equal(n, 2);
    assert_string_equal(v[0].column, "Carrier");
    assert_string_equal(v[0].rule, "column missing");
    assert_string_equal(v[1].rule, "key (flight,Carrier)");
    assert_string_equal(v[1].rows, "flight=null (1 row: carrier='YY', origin='SEA', hour=null, delay=1.0)");
    tarn_free(v);
    must_fail_with(TARN_INVALID, "a column name is empty",
                   tarn_table_check(db, &(tarn_table_rules){.name = "flights", .key = "a,,b"}, &v, &n, err));
    tarn_db_close(db);
}

#define REFERENCE(a, t, b)                                                                              \
    &(tarn_table_rules)                                                                                 \
    {                                                                                                   \
        .name = "flights", .key = "flight", .references = &(tarn_reference){a, t, b}, .n_references = 1 \
    }

static void references_let_nulls_pass(void **state)
{
    tarn_db *db = open_tables();
    tarn_violation *v = NULL;
    int n = 0;
    tarn_table_rules rules = {.name = "flights", .n_references = 1};

    (void)state;
    rules.references = &(tarn_reference){"carrier", "airlines", "carrier"};
    check_one(db, &rules, "carrier", "references airlines(carrier)", 3,
              "carrier='ZZ' (2 rows, e.g. flight=2, origin='PDX', hour=2, delay=nan); carrier='YY' (1 row: "
              "flight=null, origin='SEA', hour=null, delay=1.0)");
    rules.references = &(tarn_reference){"origin,hour", "weather", "origin,hour"};
    check_one(db, &rules, "origin, hour", "references weather(origin,hour)", 1,
              "origin='SEA', hour=2 (1 row: flight=3, carrier='ZZ', delay=99.0, day=2014-01-02)");
    rules.references = &(tarn_reference){"hour", "airlines", "carrier"}; /* types differ: compared as text */
    check_one(db, &rules, "hour", "references airlines(carrier)", 5,
              "hour=1 (2 rows, e.g. flight=1, carrier='AA', origin='PDX', delay=0.5); "
              "hour=2 (2 rows, e.g. flight=2, carrier='ZZ', origin='PDX', delay=nan); hour=25 (1 row: flight=5, "
              "carrier=null, origin=null, delay=-7.0)");
    rules.references = &(tarn_reference){"carrier", "airlines", "carier"};
    check_one(db, &rules, "carrier", "references airlines(carier)", 6,
              "airlines has no column 'carier'; did you mean 'carrier'?");
    rules.references = &(tarn_reference){"carrier", "airline", "carrier"};
    must(tarn_table_check(db, &rules, &v, &n, err));
    assert_int_equal(n, 1);
    assert_non_null(strstr(v[0].rows, "Table with name airline does not exist"));
    tarn_free(v);
    must_fail_with(TARN_INVALID, "2 columns cannot refer to 1",
                   tarn_table_check(db, REFERENCE("origin,hour", "weather", "origin"), &v, &n, err));
    tarn_db_close(db);
}

static void a_closed_table_has_no_other_columns(void **state)
{
    static const tarn_column_rule columns[] = {{.name = "carrier"}};
    tarn_db *db = open_tables();

    (void)state;
    check_one(db, &(tarn_table_rules){.name = "airlines", .columns = columns, .n_columns = 1, .closed = true}, "name",
              "not declared", 3, "the table is closed to other columns");
    check_one(
        db, &(tarn_table_rules){.name = "airlines", .columns = columns, .n_columns = 1, .key = "name", .closed = true},
        "", "", 0, "");
    tarn_db_close(db);
}

static void rules_with_quotes_are_no_sql(void **state)
{
    static const char *const values[] = {"it's", "a\"b", NULL};
    tarn_db *db = NULL;

    (void)state;
    must(tarn_db_open(NULL, &db, err));
    must(tarn_db_run(db,
                     "CREATE TABLE \"t'\"\"; x\" (\"c'\"\" (1)\" VARCHAR); INSERT INTO \"t'\"\"; x\" VALUES ('it''s'), "
                     "('a\"b'), ('c''d')",
                     err));
    check_one(
        db,
        &(tarn_table_rules){
            .name = "t'\"; x",
            .columns = &(tarn_column_rule){.name = "c'\" (1)", .values = values, .unique = true, .not_null = true},
            .n_columns = 1,
            .key = "c'\" (1)"},
        "c'\" (1)", "one of it's, a\"b", 1, "c'\" (1)='c'd' (1 row)");
    tarn_db_close(db);
}

static void memory_running_out_is_an_error_each_time(void **state)
{
    static const char *const carriers[] = {"AA", NULL};
    tarn_db *db = open_tables();
    tarn_column_rule columns[] = {{.name = "carrier", .values = carriers}, {.name = "nope"}};
    tarn_table_rules rules = {.name = "flights",
                              .key = "flight",
                              .columns = columns,
                              .n_columns = 2,
                              .references = &(tarn_reference){"carrier", "airlines", "carrier"},
                              .n_references = 1};
    int64_t live = tarn_mem_live();
    tarn_violation *v = NULL;
    tarn_err e = {0};
    int n;

    (void)state;
    for (int64_t at = 1;; at++) {
        tarn_mem_fail_after(at);
        tarn_code rc = tarn_table_check(db, &rules, &v, &n, &e);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) break;
        if (rc != TARN_NOMEM) fail_msg("allocation %lld: %s: %s", (long long)at, tarn_code_name(rc), e.msg);
        assert_int_equal(tarn_mem_live(), live);
    }
    assert_int_equal(n, 5);
    tarn_free(v);
    tarn_db_close(db);
}

TARN_TESTS(TARN_TEST(each_rule_of_a_column_finds_its_rows), TARN_TEST(keys_are_unique_and_there),
           TARN_TEST(references_let_nulls_pass), TARN_TEST(a_closed_table_has_no_other_columns),
           TARN_TEST(rules_with_quotes_are_no_sql), TARN_TEST(memory_running_out_is_an_error_each_time))
