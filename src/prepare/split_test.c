/* SPDX-License-Identifier: Apache-2.0 */
/* split_test.c - shares, strata, groups and borders; the same split for the same rows in any order. */
#include "prepare/prepare_sample.h"

enum { ROWS = 5000 };

static tarn_split_params with(const char *key, ...)
{
    tarn_split_params p;
    va_list list;

    tarn_params_default(tarn_split_table, &p);
    va_start(list, key);
    for (; key; key = va_arg(list, const char *))
        must(tarn_param_set(tarn_split_table, &p, key, va_arg(list, const char *), err));
    va_end(list);
    return p;
}

static int64_t part_rows(const json_t *report, const char *part)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(report, "parts"), i, one)
    {
        if (strcmp(tarn_json_text(one, "part", ""), part) == 0) return json_integer_value(json_object_get(one, "rows"));
    }
    return 0;
}

static int64_t leak(const json_t *report, const char *name)
{
    const json_t *n = json_object_get(json_object_get(report, "leaks"), name);
    return n ? json_integer_value(n) : -1;
}

static void counts(const uint8_t *part, int64_t n, int64_t out[TARN_PARTS])
{
    memset(out, 0, TARN_PARTS * sizeof *out);
    for (int64_t i = 0; i < n; i++) {
        assert_true(part[i] < TARN_PARTS);
        out[part[i]]++;
    }
}

static void shares_are_met(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(ROWS, (sample_options){0});
    static uint8_t part[ROWS];
    json_t *report = NULL;
    int64_t n[TARN_PARTS];
    tarn_split_params p = with("by", "random", "valid", "0.1", "test", "0.2", "holdout", "0.05", NULL);

    must(tarn_split(c, &p, "id", "late", part, &report, err));
    counts(part, ROWS, n);
    const double want[TARN_PARTS] = {0.65, 0.1, 0.2, 0.05};
    for (int k = 0; k < TARN_PARTS; k++) { /* five standard deviations */
        double sd = sqrt(ROWS * want[k] * (1 - want[k]));
        assert_true(fabs((double)n[k] - ROWS * want[k]) < 5 * sd);
        assert_int_equal(part_rows(report, tarn_part_name((tarn_part)k)), n[k]);
    }
    assert_string_equal(tarn_json_text(report, "by", ""), "random");
    assert_int_equal(leak(report, "duplicate_rows"), 0);
    assert_int_equal(leak(report, "groups"), -1);
    json_decref(report);
    tarn_columns_release(c);
}

/* The classes of each part as in the whole, to a row, and the totals as well. */
static void strata_are_exact_to_rounding(void **state)
{
    (void)state;
    static const char *const columns[] = {"class", "carrier", "late", "code"};
    static uint8_t part[ROWS];

    for (size_t k = 0; k < 4; k++)
        for (int64_t rows = 40; rows <= ROWS; rows = rows * 3 + 1) {
            tarn_columns *c = sample_table(rows, (sample_options){0});
            tarn_split_params p =
                with("by", "stratified", "column", columns[k], "valid", "0.1", "test", "0.25", "holdout", "0.15", NULL);
            const double share[TARN_PARTS] = {0.5, 0.1, 0.25, 0.15};
            const tarn_column *col = tarn_columns_at(c, tarn_columns_find(c, columns[k]));
            int64_t n[TARN_PARTS], in[64][TARN_PARTS] = {{0}}, of[64] = {0};
            must(tarn_split(c, &p, "id", "late", part, NULL, err));
            counts(part, rows, n);
            for (int j = 0; j < TARN_PARTS; j++) assert_true(fabs((double)n[j] - share[j] * (double)rows) < 2.5);
            for (int64_t i = 0; i < rows; i++) {
                double x = tarn_column_number(col, i);
                int s = isnan(x) ? 63 : (int)x + 1;
                in[s][part[i]]++;
                of[s]++;
            }
            for (int s = 0; s < 64; s++)
                for (int j = 0; j < TARN_PARTS; j++) assert_true(fabs((double)in[s][j] - share[j] * (double)of[s]) < 1);
            tarn_columns_release(c);
        }
}

static void groups_stay_together(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(ROWS, (sample_options){0});
    static uint8_t part[ROWS];
    json_t *report = NULL;
    int part_of[256];
    const tarn_column *dest = tarn_columns_at(c, tarn_columns_find(c, "dest"));
    tarn_split_params p = with("by", "group", "column", "dest", "valid", "0.2", "test", "0.3", NULL);

    must(tarn_split(c, &p, NULL, "late", part, &report, err));
    for (int i = 0; i < 256; i++) part_of[i] = -1;
    for (int64_t i = 0; i < ROWS; i++) {
        int g = (int)tarn_column_number(dest, i);
        if (part_of[g] >= 0) assert_int_equal(part_of[g], part[i]);
        part_of[g] = part[i];
    }
    assert_int_equal(leak(report, "groups"), 0);
    assert_true(part_rows(report, "test") > 0 && part_rows(report, "valid") > 0);
    json_decref(report);
    tarn_columns_release(c);
}

static void borders_cut_by_time(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(ROWS, (sample_options){0});
    static uint8_t part[ROWS];
    json_t *report = NULL;
    int64_t edge, edge2;
    const tarn_column *when = tarn_columns_at(c, tarn_columns_find(c, "when"));
    tarn_split_params p =
        with("by", "time", "column", "when", "valid_from", "2014-02-01", "test_from", "2014-02-15T12:00", NULL);

    assert_true(tarn_time_parse("2014-02-01", 10, &edge) && tarn_time_parse("2014-02-15T12:00", 16, &edge2));
    must(tarn_split(c, &p, "id", "class", part, &report, err));
    for (int64_t i = 0; i < ROWS; i++) {
        int64_t t = ((const int64_t *)when->values)[i];
        assert_int_equal(part[i], t >= edge2 ? TARN_TEST : t >= edge ? TARN_VALID : TARN_TRAIN);
    }
    assert_int_equal(leak(report, "times"), 0);
    assert_int_equal(part_rows(report, "holdout"), 0);
    assert_string_equal(tarn_json_text(json_object_get(report, "borders"), "test", ""), "2014-02-15T12:00:00Z");
    assert_string_equal(tarn_json_text(json_array_get(json_object_get(report, "parts"), 0), "first", ""),
                        "2014-01-01T00:00:00Z");
    json_decref(report);
    p = with("by", "time", "column", "id", "holdout_from", "5000.5", NULL);
    must(tarn_split(c, &p, NULL, "delay", part, &report, err));
    for (int64_t i = 0; i < ROWS; i++) assert_int_equal(part[i], i + 1000 >= 5001 ? TARN_HOLDOUT : TARN_TRAIN);
    assert_true(json_is_real(json_object_get(json_array_get(json_object_get(report, "parts"), 1), "mean")));
    json_decref(report);
    tarn_columns_release(c);
}

/* Rows shuffled, and some left out: with a key, every row keeps its part. */
static void order_of_rows_makes_no_difference_with_a_key(void **state)
{
    (void)state;
    static int64_t order[ROWS];
    static uint8_t plain[ROWS], shuffled[ROWS], fewer[ROWS];
    const tarn_split_params ways[] = {with("by", "random", NULL), with("by", "stratified", NULL),
                                      with("by", "group", "column", "dest", "test", "0.3", NULL),
                                      with("by", "time", "column", "when", "test_from", "2014-02-01", NULL)};
    tarn_columns *a = sample_table(ROWS, (sample_options){0});

    for (int64_t i = 0; i < ROWS; i++) order[i] = i;
    for (int64_t i = ROWS - 1; i > 0; i--) {
        int64_t j = (int64_t)tarn_random_below((uint64_t)i + 1, 3, TARN_STREAM_TEST, (uint64_t)i, 99), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    tarn_columns *b = sample_table(ROWS, (sample_options){.order = order});
    tarn_columns *few = sample_table(ROWS / 2, (sample_options){.order = order});
    for (size_t k = 0; k < 4; k++) {
        must(tarn_split(a, &ways[k], "id", "late", plain, NULL, err));
        must(tarn_split(b, &ways[k], "id", "late", shuffled, NULL, err));
        for (int64_t i = 0; i < ROWS; i++) assert_int_equal(plain[order[i]], shuffled[i]);
        if (k != 0 && k != 3) continue;
        must(tarn_split(few, &ways[k], "id", "late", fewer, NULL, err));
        for (int64_t i = 0; i < ROWS / 2; i++) assert_int_equal(fewer[i], shuffled[i]);
    }
    tarn_columns_release(a);
    tarn_columns_release(b);
    tarn_columns_release(few);
}

static void another_seed_is_another_split(void **state)
{
    (void)state;
    static uint8_t one[ROWS], two[ROWS];
    tarn_columns *c = sample_table(ROWS, (sample_options){0});
    tarn_split_params p = with("seed", "1", NULL), q = with("seed", "2", NULL);
    int64_t same = 0;

    must(tarn_split(c, &p, NULL, NULL, one, NULL, err));
    must(tarn_split(c, &q, NULL, NULL, two, NULL, err));
    for (int64_t i = 0; i < ROWS; i++) same += one[i] == two[i];
    assert_true(same > ROWS / 3 && same < ROWS * 3 / 4);
    must(tarn_split(c, &p, "", NULL, two, NULL, err));
    assert_memory_equal(one, two, ROWS);
    tarn_columns_release(c);
}

/* What a released split did it must always do: models in the wild were tested on these rows. */
static void the_split_is_for_ever(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(60, (sample_options){0});
    uint8_t part[60];
    char text[61] = {0};
    tarn_split_params p = with("valid", "0.2", "test", "0.2", "holdout", "0.1", NULL);

    must(tarn_split(c, &p, "dest,id, night", NULL, part, NULL, err));
    for (int i = 0; i < 60; i++) text[i] = (char)('0' + part[i]);
    assert_string_equal(text, "002000010002001210001002001100300002030021113012030020210011");
    tarn_columns_release(c);
}

static void twins_across_parts_are_found(void **state)
{
    (void)state;
    enum { N = 400 };
    static int64_t key[N], x[N];
    static double y[N];
    static uint8_t part[N];
    tarn_columns_maker *m = NULL;
    tarn_columns *c = NULL;
    json_t *report = NULL;
    int64_t want = 0;

    for (int i = 0; i < N; i++) { /* rows 2k and 2k + 1 are twins for k < 50; y differs in sign of zero only */
        key[i] = i;
        x[i] = i < 100 ? i / 2 : i;
        y[i] = i < 100 ? (i & 1 ? -0.0 : 0.0) : i;
    }
    must(tarn_columns_maker_new(N, &m, err));
    must(tarn_columns_maker_add(m, "key", TARN_INT, key, NULL, err));
    must(tarn_columns_maker_add(m, "x", TARN_INT, x, NULL, err));
    must(tarn_columns_maker_add(m, "y", TARN_REAL, y, NULL, err));
    must(tarn_columns_maker_finish(m, &c, err));
    tarn_columns_maker_free(m);
    tarn_split_params p = with("test", "0.4", "valid", "0", NULL);
    must(tarn_split(c, &p, "key", NULL, part, &report, err));
    for (int i = 0; i < 100; i += 2) want += part[i] != part[i + 1];
    assert_true(want > 10);
    assert_int_equal(leak(report, "duplicate_rows"), want);
    assert_int_equal(json_array_size(json_object_get(json_object_get(report, "leaks"), "examples")), 3);
    json_decref(report);
    p = with("by", "group", "column", "x", "test", "0.4", "valid", "0", NULL); /* the remedy */
    must(tarn_split(c, &p, "key", NULL, part, &report, err));
    for (int i = 0; i < 100; i += 2) assert_int_equal(part[i], part[i + 1]);
    json_decref(report);
    tarn_columns_release(c);
}

static void refused(const tarn_columns *c, tarn_split_params p, const char *key, const char *target, const char *text)
{
    static uint8_t part[ROWS];
    json_t *report = NULL;

    must_fail_with(TARN_INVALID, text, tarn_split(c, &p, key, target, part, &report, err));
    assert_null(report);
}

static void senseless_settings_are_refused(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(ROWS, (sample_options){0}), *empty = sample_table(0, (sample_options){0});

    refused(c, with("by", "time", NULL), NULL, NULL, "split by time needs a column");
    refused(c, with("by", "time", "column", "whne", NULL), NULL, NULL, "did you mean 'when'?");
    refused(c, with("by", "time", "column", "when", NULL), NULL, NULL, "needs valid_from, test_from or holdout_from");
    refused(c, with("by", "time", "column", "when", "test_from", "yesterday", NULL), NULL, NULL,
            "test_from: 'yesterday' should be a date or time like 2026-01-31");
    refused(c, with("by", "time", "column", "id", "test_from", "2014-01-01", NULL), NULL, NULL,
            "should be a number, as column 'id' is int");
    refused(c, with("by", "time", "column", "dest", "test_from", "2014-01-01", NULL), NULL, NULL,
            "is text, not a time or a number");
    refused(c, with("by", "time", "column", "when", "valid_from", "2014-03-01", "test_from", "2014-02-01", NULL), NULL,
            NULL, "test_from (2014-02-01) should be after valid_from (2014-03-01)");
    refused(c, with("by", "time", "column", "when", "test_from", "2044-02-01", NULL), NULL, NULL,
            "test gets none of the 5000 rows");
    refused(c, with("by", "time", "column", "when", "test_from", "1944-02-01", NULL), NULL, NULL,
            "train gets none of the 5000 rows");
    refused(c, with("by", "time", "column", "age", "test_from", "20", NULL), NULL, NULL, "column 'age' is missing in ");
    refused(c, with("by", "group", NULL), NULL, NULL, "split by group needs a column");
    refused(c, with("by", "group", "column", "carrier", NULL), NULL, NULL, "of 5000 rows, the first is row ");
    refused(c, with("by", "group", "column", "dest", "test_from", "2014-01-01", NULL), NULL, NULL, "are for by: time");
    refused(c, with("by", "group", "column", "late", NULL), NULL, NULL, "gets none of the 5000 rows");
    refused(c, with("by", "stratified", NULL), NULL, NULL, "needs a column (or a target)");
    refused(c, with("by", "stratified", "column", "id", NULL), NULL, NULL, "5000 different values");
    refused(c, with("column", "id", NULL), NULL, NULL, "means nothing to a random split");
    refused(c, with("valid", "0.5", "test", "0.5", NULL), NULL, NULL, "leave none to train on");
    refused(c, with("by", "random", NULL), "id,idd", NULL, "key column 'idd' is not in the table; did you mean 'id'?");
    refused(c, with("by", "random", NULL), NULL, "Late", "target 'Late' is not in the table; did you mean 'late'?");
    refused(empty, with("by", "random", NULL), NULL, NULL, "no rows to split");
    tarn_split_params p = with("by", "random", NULL);
    p.by = 17;
    refused(c, p, NULL, NULL, "split by 17 is unknown");
    p = with("by", "random", NULL);
    p.valid = NAN;
    refused(c, p, NULL, NULL, "share of valid");
    tarn_columns_release(c);
    tarn_columns_release(empty);
}

static void running_out_of_memory_anywhere_is_a_clean_error(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(100, (sample_options){0});
    uint8_t part[100];
    const tarn_split_params ways[] = {with("by", "random", NULL), with("by", "stratified", NULL),
                                      with("by", "group", "column", "dest", "test", "0.3", NULL),
                                      with("by", "time", "column", "when", "test_from", "2014-01-02", NULL)};

    tarn_json_setup();
    for (int k = 0; k < 4; k++) {
        tarn_code rc = TARN_NOMEM;
        for (int64_t i = 1; rc != TARN_OK; i++) {
            tarn_err err = {0};
            json_t *report = NULL;
            int64_t live = tarn_mem_live();
            tarn_mem_fail_after(i);
            rc = tarn_split(c, &ways[k], "id", "late", part, &report, &err);
            tarn_mem_fail_after(0);
            if (rc != TARN_OK && (rc != TARN_NOMEM || report)) fail_msg("allocation %d: %s", (int)i, err.msg);
            json_decref(report);
            assert_int_equal(tarn_mem_live(), live);
            assert_true(i < 5000);
        }
    }
    tarn_columns_release(c);
}

TARN_TESTS(TARN_TEST(shares_are_met), TARN_TEST(strata_are_exact_to_rounding), TARN_TEST(groups_stay_together),
           TARN_TEST(borders_cut_by_time), TARN_TEST(order_of_rows_makes_no_difference_with_a_key),
           TARN_TEST(another_seed_is_another_split), TARN_TEST(the_split_is_for_ever),
           TARN_TEST(twins_across_parts_are_found), TARN_TEST(senseless_settings_are_refused),
           TARN_TEST(running_out_of_memory_anywhere_is_a_clean_error))
