/* SPDX-License-Identifier: Apache-2.0 */
/* plain_test.c - the steps' own ways: parts of dates, rare levels, limits, columns that do not vary, names. */
#include "prepare/prepare_sample.h"

enum { ROWS = 6 };

static const int64_t rows[ROWS] = {0, 1, 2, 3, 4, 5};
static sample_params params[4];

/* A table of one or two columns and a yes-or-no target. */
static tarn_columns *table(const char *name, tarn_type type, const void *values, const char *const *texts)
{
    static const uint8_t label[ROWS] = {0, 1, 0, 1, 0, 1};
    tarn_columns_maker *m = NULL;
    tarn_columns *c = NULL;

    must(tarn_columns_maker_new(ROWS, &m, err));
    if (texts) must(tarn_columns_maker_text(m, name, texts, NULL, err));
    else must(tarn_columns_maker_add(m, name, type, values, NULL, err));
    must(tarn_columns_maker_add(m, "late", TARN_BOOL, label, NULL, err));
    must(tarn_columns_maker_finish(m, &c, err));
    tarn_columns_maker_free(m);
    return c;
}

typedef struct result {
    tarn_columns *c;
    tarn_prepared *p;
    int32_t cols;
    double out[64 * ROWS];
} result;

static tarn_code prepare(result *r, const char *feature, const tarn_step_use *steps, int n_steps, int64_t train,
                         tarn_err *err)
{
    const char *const features[] = {feature, NULL};
    tarn_prepare_job job = sample_job(r->c, rows, train, steps, n_steps);

    job.features = features;
    return tarn_prepare(&job, &r->p, err);
}

static void run(result *r, const char *feature, const tarn_step_use *steps, int n_steps, int64_t train)
{
    tarn_rows *view = NULL;

    must(prepare(r, feature, steps, n_steps, train, err));
    (void)tarn_prepared_regs(r->p, &r->cols);
    assert_true(r->cols <= 64);
    must(tarn_rows_new(r->p, r->c, rows, ROWS, &view, err));
    must(tarn_rows_block(view, 0, ROWS, r->out, err));
    tarn_rows_free(view);
}

static void clear(result *r)
{
    tarn_prepared_free(r->p);
    tarn_columns_release(r->c);
    *r = (result){0};
}

static void columns_are(const result *r, const char *const *names, const double *values)
{
    for (int32_t k = 0; k < r->cols; k++) {
        assert_non_null(names[k]);
        assert_string_equal(tarn_prepared_features(r->p)[k].name, names[k]);
        for (int i = 0; i < ROWS; i++) assert_true(r->out[k * ROWS + i] == values[k * ROWS + i]);
    }
    assert_null(names[r->cols]);
}

static void dates_are_taken_apart(void **state)
{
    (void)state;
    static const char *const texts[ROWS] = {"1970-01-01", "2024-02-29T23:59",    "1969-12-31T12:00",
                                            "2000-12-31", "2026-11-22T11:34:32", "1900-03-01"};
    static const char *const names[] = {"t.weekday", "t.year",   "t.month",   "t.day",
                                        "t.hour",    "t.minute", "t.yearday", NULL};
    static const double want[] = {3,    3,    2,    6,    6,    3, /* checked with Python's datetime */
                                  1970, 2024, 1969, 2000, 2026, 1900, 1, 2,  12, 12, 11, 3, 1, 29, 31,  31,  22,  1,
                                  0,    23,   12,   0,    11,   0,    0, 59, 0,  0,  34, 0, 1, 60, 365, 366, 326, 60};
    int64_t times[ROWS];
    result r = {0};

    for (int i = 0; i < ROWS; i++) assert_true(tarn_time_parse(texts[i], strlen(texts[i]), &times[i]));
    r.c = table("t", TARN_TIME, times, NULL);
    tarn_step_use step =
        sample_step(&params[0], "dateparts", "parts", " weekday,year, month ,day,hour,minute,yearday", NULL);
    run(&r, "t", &step, 1, ROWS);
    columns_are(&r, names, want);
    tarn_prepared_free(r.p);
    r.p = NULL;
    step = sample_step(&params[0], "dateparts", "parts", "days", NULL);
    run(&r, "t", &step, 1, ROWS);
    assert_true(r.out[0] == 0 && r.out[2] == -0.5);
    tarn_prepared_free(r.p);
    r.p = NULL;
    step = sample_step(&params[0], "dateparts", "parts", "month,wekday", NULL);
    must_fail_with(TARN_INVALID, "step 'dateparts': parts: 'wekday' is unknown; did you mean 'weekday'?",
                   prepare(&r, "t", &step, 1, ROWS, err));
    step = sample_step(&params[0], "dateparts", "parts", "month,hour,month", NULL);
    must_fail_with(TARN_INVALID, "'month' is named twice", prepare(&r, "t", &step, 1, ROWS, err));
    step = sample_step(&params[0], "dateparts", "parts", " , ", NULL);
    must_fail_with(TARN_INVALID, "parts: none is named", prepare(&r, "t", &step, 1, ROWS, err));
    clear(&r);
}

static void rare_levels_have_no_column(void **state)
{
    (void)state;
    static const char *const texts[ROWS] = {"x", "y", "x", NULL, "z", "y"}; /* z is not in train rows */
    static const char *const all[] = {"c=x", "c=y", "c=(missing)", NULL}, *const common[] = {"c=x", NULL};
    static const double want[] = {1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0};
    result r = {.c = table("c", TARN_TEXT, NULL, texts)};

    tarn_step_use step = sample_step(&params[0], "onehot", NULL);
    run(&r, "c", &step, 1, 4);
    columns_are(&r, all, want);
    tarn_prepared_free(r.p);
    step = sample_step(&params[0], "onehot", "min_rows", "2", "missing", "no", NULL);
    run(&r, "c", &step, 1, 4);
    columns_are(&r, common, want);
    tarn_prepared_free(r.p);
    step = sample_step(&params[0], "onehot", "missing", "auto", NULL);
    run(&r, "c", &step, 1, 3); /* no train row lacks it */
    assert_int_equal(r.cols, 2);
    tarn_prepared_free(r.p);
    step = sample_step(&params[0], "onehot", "missing", "yes", NULL);
    run(&r, "c", &step, 1, 3);
    columns_are(&r, all, want);
    tarn_prepared_free(r.p);
    r.p = NULL;
    step = sample_step(&params[0], "onehot", "max_levels", "1", NULL);
    must_fail_with(TARN_LIMIT, "column 'c' would become 2 columns, over max_levels 1; raise min_rows",
                   prepare(&r, "c", &step, 1, 4, err));
    step = sample_step(&params[0], "onehot", "min_rows", "3", "missing", "no", NULL);
    must_fail_with(TARN_INVALID, "none of its 2 levels has 3 train rows", prepare(&r, "c", &step, 1, 4, err));
    clear(&r);
}

static void long_names_are_cut_at_whole_characters(void **state)
{
    (void)state;
    char level[200] = "", name[160] = "";
    const char *texts[ROWS] = {level, "b", level, "b", "b", "b"};

    for (int i = 0; i < 61; i++) strcat(level, "\xC3\x85");
    for (int i = 0; i < 45; i++) strcat(name, "\xC3\x98");
    strcat(name, "x");
    result r = {.c = table(name, TARN_TEXT, NULL, texts)};
    tarn_step_use step = sample_step(&params[0], "onehot", NULL);
    run(&r, name, &step, 1, ROWS);
    for (int32_t k = 0; k < r.cols; k++) {
        const char *got = tarn_prepared_features(r.p)[k].name;
        size_t bad;
        assert_true(tarn_utf8_valid(got, strlen(got), &bad));
        assert_memory_equal(got, name, 80);
    }
    clear(&r);
}

static void a_column_that_does_not_vary_becomes_nought(void **state)
{
    (void)state;
    static const double same[ROWS] = {0.1, 0.1, 0.1, 0.1, 7.1, NAN};
    static const char *const methods[] = {"standard", "minmax", "robust"};
    result r = {.c = table("x", TARN_REAL, same, NULL)};

    for (int k = 0; k < 3; k++) {
        tarn_step_use step = sample_step(&params[0], "scale", "method", methods[k], NULL);
        run(&r, "x", &step, 1, 4);
        for (int i = 0; i < 4; i++) assert_true(r.out[i] == 0);
        assert_true(r.out[4] == 7.0 && isnan(r.out[5]));
        tarn_prepared_free(r.p);
        r.p = NULL;
    }
    clear(&r);
}

static void infinite_and_huge_values_do_no_harm(void **state)
{
    (void)state;
    static const double wild[ROWS] = {INFINITY, 1, 3, -INFINITY, NAN, 5},
                        huge[ROWS] = {1e200, -1e200, 1e308, 1e308, 1e308, 1};
    static const double tiny[ROWS] = {0, 5e-324, 0, 5e-324, 0, 0},
                        none[ROWS] = {INFINITY, -INFINITY, INFINITY, 1, 2, 3};
    result r = {.c = table("x", TARN_REAL, wild, NULL)};
    tarn_step_use step = sample_step(&params[0], "impute", NULL);

    run(&r, "x", &step, 1, ROWS);
    assert_true(r.out[0] == 3 && r.out[1] == 1 && r.out[3] == 3 && r.out[4] == 3 && r.out[5] == 5);
    clear(&r);
    r.c = table("x", TARN_REAL, huge, NULL);
    step = sample_step(&params[0], "scale", NULL);
    must_fail_with(TARN_NUMERIC, "column 'x'", prepare(&r, "x", &step, 1, 2, err));    /* the deviation overflows */
    must_fail_with(TARN_NUMERIC, "column 'x'", prepare(&r, "x", &step, 1, ROWS, err)); /* the sum */
    step = sample_step(&params[0], "impute", "strategy", "mean", NULL);
    run(&r, "x", &step, 1, 2); /* needs no deviation */
    clear(&r);
    r.c = table("x", TARN_REAL, tiny, NULL);
    for (int k = 0; k < 3; k++) {
        static const char *const methods[] = {"standard", "minmax", "robust"};
        step = sample_step(&params[0], "scale", "method", methods[k], NULL);
        run(&r, "x", &step, 1, ROWS);
        for (int i = 0; i < ROWS; i++) assert_true(isfinite(r.out[i]));
        tarn_prepared_free(r.p);
        r.p = NULL;
    }
    clear(&r);
    r.c = table("x", TARN_REAL, none, NULL);
    step = sample_step(&params[0], "impute", NULL);
    must_fail_with(TARN_INVALID, "no finite value in train rows to learn from; use strategy constant",
                   prepare(&r, "x", &step, 1, 3, err));
    step = sample_step(&params[0], "scale", NULL);
    must_fail_with(TARN_INVALID, "no finite value in train rows", prepare(&r, "x", &step, 1, 3, err));
    clear(&r);
}

static void steps_find_columns_by_the_field_they_came_from(void **state)
{
    (void)state;
    static const char *const texts[ROWS] = {"x", "y", "x", NULL, "z", "y"};
    result r = {.c = table("c", TARN_TEXT, NULL, texts)};
    tarn_step_use steps[] = {sample_step(&params[0], "onehot", NULL),
                             sample_step(&params[1], "scale", "columns", "c", "method", "minmax", NULL),
                             sample_step(&params[2], "scale", "columns", "c=x", NULL)};
    uint32_t before[8], n;

    run(&r, "c", steps, 1, ROWS);
    n = (uint32_t)r.cols;
    assert_int_equal(n, 4);
    tarn_prepared_free(r.p);
    run(&r, "c", steps, 2, ROWS);
    memcpy(before, tarn_prepared_regs(r.p, &r.cols), n * sizeof *before);
    for (uint32_t k = 0; k < n; k++) assert_true(before[k] >= 1 + n); /* each has been scaled */
    tarn_prepared_free(r.p);
    run(&r, "c", steps, 3, ROWS);
    const uint32_t *after = tarn_prepared_regs(r.p, &r.cols);
    assert_true(after[0] != before[0] && after[1] == before[1] && after[2] == before[2]);
    tarn_prepared_free(r.p);
    r.p = NULL;
    steps[1] = sample_step(&params[1], "onehot", NULL);
    steps[2] = sample_step(&params[2], "onehot", "columns", "c", NULL);
    run(&r, "c", steps, 2, ROWS); /* nothing is left to expand */
    tarn_prepared_free(r.p);
    r.p = NULL;
    must_fail_with(TARN_INVALID, "column 'c=x' is a number, but this step takes a category",
                   prepare(&r, "c", steps, 3, ROWS, err));
    clear(&r);
}

TARN_TESTS(TARN_TEST(dates_are_taken_apart), TARN_TEST(rare_levels_have_no_column),
           TARN_TEST(long_names_are_cut_at_whole_characters), TARN_TEST(a_column_that_does_not_vary_becomes_nought),
           TARN_TEST(infinite_and_huge_values_do_no_harm), TARN_TEST(steps_find_columns_by_the_field_they_came_from))
