/* SPDX-License-Identifier: Apache-2.0 */
/* assess_test.c - what is said of a set of rows: figures, curves, profit, and that nonsense is refused. */
#include "assess/assess.h"
#include "base/random.h"
#include "support/tarn_test.h"

#include <math.h>

enum { MOST = 3000, MOST_CLASSES = 12 };

typedef struct sample {
    tarn_judged judged;
    double y[MOST], p[MOST * MOST_CLASSES];
} sample;

static double unit(int64_t row, uint32_t index) { return tarn_random_unit(5, TARN_STREAM_TEST, (uint64_t)row, index); }

static void fill(sample *s, tarn_task task, int64_t rows, int classes)
{
    s->judged = (tarn_judged){.task = task, .rows = rows, .classes = classes, .y = s->y, .p = s->p, .threshold = 0.4};
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;
        s->y[i] = task == TARN_REGRESSION ? 100 * unit(i, 0) : floor(unit(i, 0) * classes);
        if (task == TARN_REGRESSION) s->p[i] = s->y[i] + 20 * (unit(i, 1) - 0.5);
        if (task == TARN_BINARY) s->p[i] = 0.3 * s->y[i] + 0.7 * unit(i, 1);
        for (int c = 0; c < classes && task == TARN_MULTICLASS; c++)
            sum += s->p[c * rows + i] = unit(i, 2 + (uint32_t)c) + (s->y[i] > c - 0.5 && s->y[i] < c + 0.5);
        for (int c = 0; c < classes && task == TARN_MULTICLASS; c++) s->p[c * rows + i] /= sum;
    }
}

static double at(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

static double nth(const json_t *object, const char *key, size_t i)
{
    const json_t *x = json_array_get(json_object_get(object, key), i);

    assert_true(json_is_number(x));
    return json_number_value(x);
}

static json_t *curve(const json_t *all, const char *which, size_t i)
{
    return json_array_get(json_object_get(json_object_get(all, which), "curves"), i);
}

/* Six rows; from 0.7 on, which is a score itself, the flags fall on rows 1, 2 and 5: two right, one wrong, one missed.
 */
static void a_small_case_worked_by_hand(void **state)
{
    const char *names[] = {"on time", "late"};
    double y[] = {0, 1, 1, 0, 1, 0}, p[] = {0.1, 0.9, 0.7, 0.2, 0.3, 0.8};
    tarn_judged j = {
        .task = TARN_BINARY, .rows = 6, .classes = 2, .class_names = names, .y = y, .p = p, .threshold = 0.7};
    tarn_costs costs = {30, -10, 0, -20, "EUR", true};
    json_t *all = NULL;

    (void)state;
    must(tarn_assess(&j, &costs, &all, err));
    assert_string_equal(tarn_json_text(all, "task", ""), "binary");
    assert_string_equal(tarn_json_text(all, "positive", ""), "late");
    assert_true(at(json_object_get(all, "metrics"), "accuracy") == 4.0 / 6);
    const json_t *confusion = json_object_get(all, "confusion");
    assert_true(json_number_value(json_array_get(json_array_get(confusion, 0), 1)) == 1);
    assert_true(json_number_value(json_array_get(json_array_get(confusion, 1), 1)) == 2);
    const json_t *profit = json_object_get(all, "profit");
    assert_true(at(profit, "value") == 2 * 30 - 10 - 20);
    assert_true(at(profit, "none") == -60 && at(profit, "all") == 60);
    assert_true(at(profit, "best_value") == 3 * 30 - 10 && at(profit, "best_threshold") == 0.3);
    assert_string_equal(tarn_json_text(profit, "unit", ""), "EUR");
    const json_t *bins = json_object_get(all, "calibration");
    assert_int_equal(json_array_size(json_object_get(bins, "rows")), 6);
    assert_true(nth(bins, "stated", 2) == 0.3 && nth(bins, "came_true", 2) == 1 && nth(bins, "rows", 2) == 1);
    const json_t *groups = json_object_get(json_object_get(all, "histogram"), "groups");
    assert_true(nth(json_array_get(groups, 1), "rows", 18) == 1 && nth(json_array_get(groups, 0), "rows", 2) == 1);
    json_decref(all);
}

static void curves_begin_and_end_where_they_must(void **state)
{
    static sample s;
    tarn_costs costs = {10, -4, 0, -3, "EUR", true};
    json_t *all = NULL;

    (void)state;
    fill(&s, TARN_BINARY, MOST, 2);
    must(tarn_assess(&s.judged, &costs, &all, err));
    const json_t *roc = curve(all, "roc", 0), *pr = curve(all, "pr", 0), *profit = json_object_get(all, "profit");
    size_t n = json_array_size(json_object_get(roc, "fpr"));
    assert_true(n > 50 && n <= 512 && json_array_size(json_object_get(roc, "thresholds")) == n);
    assert_true(nth(roc, "fpr", 0) == 0 && nth(roc, "tpr", 0) == 0 && nth(roc, "fpr", n - 1) == 1 &&
                nth(roc, "tpr", n - 1) == 1);
    assert_true(json_is_null(json_array_get(json_object_get(roc, "thresholds"), 0)));
    double area = 0;
    for (size_t i = 1; i < n; i++)
        area += (nth(roc, "fpr", i) - nth(roc, "fpr", i - 1)) * (nth(roc, "tpr", i) + nth(roc, "tpr", i - 1)) / 2;
    assert_true(fabs(area - at(roc, "area")) < 1e-3 &&
                at(roc, "area") == at(json_object_get(all, "metrics"), "roc_auc"));
    n = json_array_size(json_object_get(pr, "recall"));
    assert_true(n <= 512 && nth(pr, "recall", n - 1) == 1 &&
                fabs(nth(pr, "precision", n - 1) - at(pr, "share")) < 1e-12);
    n = json_array_size(json_object_get(profit, "values"));
    assert_true(n <= 512 && fabs(nth(profit, "values", 0) - at(profit, "all")) < 1e-9 &&
                fabs(nth(profit, "values", n - 1) - at(profit, "none")) < 1e-9);
    double best = -1e300;
    for (size_t i = 0; i < n; i++) {
        best = fmax(best, nth(profit, "values", i));
        if (i) assert_true(nth(profit, "thresholds", i) > nth(profit, "thresholds", i - 1));
    }
    assert_true(fabs(best - at(profit, "best_value")) <= 0.002 * (at(profit, "best_value") - at(profit, "none")) + 1);
    json_decref(all);
}

static void many_classes_show_the_most_frequent(void **state)
{
    static sample s;
    json_t *all = NULL;

    (void)state;
    fill(&s, TARN_MULTICLASS, 600, MOST_CLASSES);
    must(tarn_assess(&s.judged, NULL, &all, err));
    assert_int_equal(json_array_size(json_object_get(json_object_get(all, "roc"), "curves")), 8);
    assert_int_equal(json_array_size(json_object_get(all, "per_class")), MOST_CLASSES);
    assert_int_equal(json_array_size(json_object_get(all, "confusion")), MOST_CLASSES);
    assert_null(json_object_get(all, "profit"));
    assert_true(json_array_size(json_object_get(curve(all, "roc", 0), "fpr")) <= 128);
    assert_string_equal(tarn_json_text(json_array_get(json_object_get(all, "per_class"), 3), "name", ""), "3");
    json_decref(all);
}

static void regression_has_residuals_and_a_sample(void **state)
{
    static sample s;
    json_t *all = NULL;

    (void)state;
    fill(&s, TARN_REGRESSION, MOST, 0);
    must(tarn_assess(&s.judged, NULL, &all, err));
    const json_t *residuals = json_object_get(all, "residuals"), *tenths = json_object_get(all, "tenths");
    double rows = at(residuals, "below") + at(residuals, "above"), sum = 0;
    for (size_t i = 0; i < json_array_size(json_object_get(residuals, "rows")); i++) rows += nth(residuals, "rows", i);
    assert_true(rows == MOST);
    assert_true(fabs(at(residuals, "p95") - 9) < 0.4 && fabs(at(residuals, "p50")) < 0.8 &&
                fabs(at(residuals, "mean")) < 0.5);
    assert_int_equal(json_array_size(json_object_get(json_object_get(all, "scatter"), "actual")), 400);
    for (size_t t = 0; t < 10; t++) {
        sum += nth(tenths, "rows", t);
        if (t) assert_true(nth(tenths, "predicted", t) > nth(tenths, "predicted", t - 1));
    }
    assert_true(sum == MOST);
    json_decref(all);
}

static void one_row_and_one_class_are_judged_with_null_where_undefined(void **state)
{
    static sample s;
    static const struct {
        tarn_task task;
        int classes;
        const char *undefined;
    } cases[] = {{TARN_BINARY, 2, "roc_auc"}, {TARN_MULTICLASS, 3, "roc_auc"}, {TARN_REGRESSION, 0, "r2"}};
    tarn_costs costs = {10, -4, 0, -3, "EUR", true};

    (void)state;
    for (int i = 0; i < 3; i++) {
        json_t *all = NULL;
        fill(&s, cases[i].task, 1, cases[i].classes);
        must(tarn_assess(&s.judged, &costs, &all, err));
        assert_true(json_is_null(json_object_get(json_object_get(all, "metrics"), cases[i].undefined)));
        json_decref(all);
    }
}

static void nonsense_is_refused(void **state)
{
    static sample s;
    const char *names[] = {"fine", "\xff\xfe"};
    tarn_costs costs = {10, -4, 0, INFINITY, "EUR", true}, unit_cut = {10, -4, 0, 0, "\xe2\x82", true},
               unit_long = {.given = true};
    json_t *all = NULL;

    (void)state;
    memset(unit_long.unit, 'x', sizeof(unit_long.unit));
    fill(&s, TARN_BINARY, 10, 2);
    must_fail_with(TARN_INVALID, "not a finite number", tarn_assess(&s.judged, &costs, &all, err));
    must_fail_with(TARN_INVALID, "unit of the costs", tarn_assess(&s.judged, &unit_cut, &all, err));
    must_fail_with(TARN_INVALID, "unit of the costs", tarn_assess(&s.judged, &unit_long, &all, err));
    s.judged.class_names = names;
    must_fail_with(TARN_INVALID, "the name of class 1 is not UTF-8", tarn_assess(&s.judged, NULL, &all, err));
    s.judged.rows = 0;
    must_fail_with(TARN_INVALID, "no rows to judge", tarn_assess(&s.judged, NULL, &all, err));
    assert_null(all);
}

static void memory_running_out_is_a_clean_error(void **state)
{
    static sample s;
    static const int classes[] = {2, 3, 0};
    tarn_costs costs = {10, -4, 0, -3, "EUR", true};
    int64_t live = tarn_mem_live();

    (void)state;
    for (int task = 0; task < 3; task++) {
        tarn_code rc = TARN_NOMEM;
        fill(&s, (tarn_task)task, 25, classes[task]);
        for (int n = 1; rc != TARN_OK; n++) {
            tarn_err err = {0};
            json_t *all = NULL;
            tarn_mem_fail_after(n);
            rc = tarn_assess(&s.judged, &costs, &all, &err);
            tarn_mem_fail_after(0);
            if (rc != TARN_OK) assert_true(rc == TARN_NOMEM && !all && err.msg[0]);
            json_decref(all);
            assert_int_equal(tarn_mem_live(), live);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(a_small_case_worked_by_hand),
        TARN_TEST(curves_begin_and_end_where_they_must),
        TARN_TEST(many_classes_show_the_most_frequent),
        TARN_TEST(regression_has_residuals_and_a_sample),
        TARN_TEST(one_row_and_one_class_are_judged_with_null_where_undefined),
        TARN_TEST(nonsense_is_refused),
        TARN_TEST(memory_running_out_is_a_clean_error),
    };
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
