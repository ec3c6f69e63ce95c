/* SPDX-License-Identifier: Apache-2.0 */
/* interval_test.c - intervals against scikit-learn 1.2.1 and scipy 1.10.1, whatever the threads; that they hold the
 * true figure as often as they say; and what an assessment gets. */
#include "assess/golden_compare_test.h"
#include "assess/resample.h"
#include "base/random.h"
#include "math/distribution.h"

static void check_case(const json_t *c, tarn_pool *pool)
{
    static golden_rows g;
    const char *name = tarn_json_text(c, "name", "");
    const tarn_interval_kind *kind = NULL;
    const tarn_metric *metric = NULL;
    tarn_interval one, many;
    tarn_resampling how = {golden_number(c, "level"), (int)golden_number(c, "resamples"),
                           (uint64_t)json_integer_value(json_object_get(c, "seed"))};

    golden_read_rows(json_object_get(c, "rows"), &g);
    must(tarn_interval_find(tarn_json_text(c, "kind", ""), &kind, err));
    must(tarn_metric_find(tarn_json_text(c, "metric", ""), &metric, err));
    must(tarn_metric_interval(kind, metric, &g.a, &how, NULL, &one, err));
    must(tarn_metric_interval(kind, metric, &g.a, &how, pool, &many, err));
    golden_same(name, "low", one.low, golden_number(c, "low"), 1e-12);
    golden_same(name, "high", one.high, golden_number(c, "high"), 1e-12);
    assert_string_equal(one.kind, kind->name);
    assert_true(one.low == many.low && one.high == many.high && one.value == many.value);
}

static void intervals_equal_those_made_with_scikit_learn_and_scipy(void **state)
{
    json_t *all = golden_read(), *c;
    tarn_pool *pool = NULL;
    size_t i;

    (void)state;
    must(tarn_pool_new(3, &pool, err));
    json_array_foreach(json_object_get(all, "intervals"), i, c) check_case(c, pool);
    assert_int_equal(i, 15);
    tarn_pool_free(pool);
    json_decref(all);
}

/* Rows of which the true AUC is known: scores of the classes are normal with distance 1, so that it is Phi(1 / sqrt 2).
 * Of 200 samples, 190 intervals should hold it; by the binomial distribution, less than 181 would be a fault. */
static void nineteen_of_twenty_hold_the_truth(void **state)
{
    enum { N = 80, TRIALS = 200 };
    static const char *const kinds[] = {"delong", "percentile", "bca"};
    double y[N], p[N], truth = tarn_normal_below(1 / sqrt(2));
    tarn_judged j = {.task = TARN_BINARY, .classes = 2, .rows = N, .y = y, .p = p};
    const tarn_metric *metric = NULL;

    (void)state;
    must(tarn_metric_find("roc_auc", &metric, err));
    for (int k = 0; k < 3; k++) {
        const tarn_interval_kind *kind = NULL;
        int held = 0;
        must(tarn_interval_find(kinds[k], &kind, err));
        for (int t = 0; t < TRIALS; t++) {
            tarn_interval found;
            tarn_resampling how = {0.95, 300, (uint64_t)t};
            for (int i = 0; i < N; i++) {
                double u = tarn_random_unit((uint64_t)t, TARN_STREAM_TEST, (uint64_t)i, 0) + 0x1p-54;
                y[i] = i % 2;
                p[i] = tarn_normal_below((tarn_normal_quantile(u) + y[i]) / 2);
            }
            must(tarn_metric_interval(kind, metric, &j, &how, NULL, &found, err));
            held += found.low <= truth && truth <= found.high;
        }
        if (held < 181) fail_msg("%s holds the truth %d times of %d", kinds[k], held, TRIALS);
    }
}

/* Every customer has four rows that say the same: four times as many rows, no more knowledge. */
static void whole_groups_are_drawn(void **state)
{
    enum { N = 400 };
    double y[N], p[N];
    int64_t group[N];
    tarn_judged j = {.task = TARN_REGRESSION, .rows = N, .y = y, .p = p, .group = group};
    const tarn_metric *metric = NULL;
    tarn_interval by_group, by_row;

    (void)state;
    for (int i = 0; i < N; i++) {
        group[i] = i / 4;
        y[i] = 0;
        p[i] = tarn_random_unit(3, TARN_STREAM_TEST, (uint64_t)(i / 4), 0);
    }
    must(tarn_metric_find("mae", &metric, err));
    must(tarn_metric_interval(NULL, metric, &j, NULL, NULL, &by_group, err));
    j.group = NULL;
    must(tarn_metric_interval(NULL, metric, &j, NULL, NULL, &by_row, err));
    double ratio = (by_group.high - by_group.low) / (by_row.high - by_row.low);
    if (!(ratio > 1.7 && ratio < 2.3)) fail_msg("by group %g times as wide, which should be 2", ratio);
}

/* Forty customers of ten rows each, all of a customer with one label and one score that say nothing of each other: the
 * true AUC is 0.5. Of 100 samples, 95 intervals should hold it; by the binomial distribution, less than 88 would be a
 * fault. By rows alone, they are some three times too narrow. */
static void clusters_make_intervals_as_wide_as_they_should_be(void **state)
{
    enum { CUSTOMERS = 40, EACH = 10, N = CUSTOMERS * EACH, TRIALS = 100 };
    double y[N], p[N];
    int64_t customer[N];
    tarn_judged rows = {.task = TARN_BINARY, .classes = 2, .rows = N, .y = y, .p = p, .threshold = 0.5};
    const tarn_metric *metric = NULL;
    int held = 0, held_by_rows = 0;

    (void)state;
    must(tarn_metric_find("roc_auc", &metric, err));
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        tarn_judged clustered = rows;
        tarn_interval wide, narrow;
        for (int i = 0; i < N; i++) {
            customer[i] = i % CUSTOMERS;
            y[i] = tarn_random_unit(trial, TARN_STREAM_TEST, (uint64_t)customer[i], 0) < 0.4;
            p[i] = tarn_random_unit(trial, TARN_STREAM_TEST, (uint64_t)customer[i], 1);
        }
        clustered.cluster = customer;
        must(tarn_metric_interval(NULL, metric, &clustered, NULL, NULL, &wide, err));
        must(tarn_metric_interval(NULL, metric, &rows, NULL, NULL, &narrow, err));
        assert_true(wide.value == narrow.value && wide.high - wide.low > 1.5 * (narrow.high - narrow.low));
        held += wide.low <= 0.5 && 0.5 <= wide.high;
        held_by_rows += narrow.low <= 0.5 && 0.5 <= narrow.high;
    }
    if (held < 88 || held_by_rows > 70) fail_msg("%d of 100 hold the truth, by rows %d", held, held_by_rows);
}

/* The same ids as cluster and as group: the same draws; but only a group makes a ranking of the rows. */
static void clusters_are_drawn_as_groups_are_and_change_no_figure(void **state)
{
    json_t *golden = golden_read(), *plain = NULL, *by_group = json_object(), *by_cluster = NULL, *found;
    const char *name;
    static golden_rows g;
    static int64_t id[GOLDEN_MOST];
    tarn_judged cluster, group;
    const tarn_metric *ndcg = NULL;
    const tarn_interval_kind *bca = NULL;
    tarn_interval a, b;

    (void)state;
    must(tarn_metric_find("ndcg", &ndcg, err));
    must(tarn_interval_find("bca", &bca, err));
    golden_read_rows(json_object_get(json_array_get(json_object_get(golden, "intervals"), 0), "rows"), &g);
    for (int64_t i = 0; i < g.a.rows; i++) id[i] = i % 17;
    cluster = group = g.a;
    cluster.cluster = id;
    group.group = id;
    assert_false(tarn_metric_suits(ndcg, &cluster));
    must(tarn_assess(&g.a, NULL, &plain, err));
    must(tarn_assess(&cluster, NULL, &by_cluster, err));
    assert_true(json_equal(plain, by_cluster));
    must(tarn_put_intervals(&cluster, NULL, NULL, by_cluster, err));
    must(tarn_put_intervals(&group, NULL, NULL, by_group, err));
    const json_t *about = json_object_get(by_cluster, "interval");
    json_object_foreach(json_object_get(by_cluster, "intervals"), name, found)
    {
        assert_true(json_equal(found, json_object_get(json_object_get(by_group, "intervals"), name)));
    }
    assert_true(json_is_true(json_object_get(about, "by_group")));
    assert_int_equal(json_integer_value(json_object_get(about, "groups")), 17);
    assert_string_equal(tarn_json_text(json_object_get(about, "kinds"), "recall", ""), "percentile");
    assert_string_equal(tarn_json_text(json_object_get(about, "kinds"), "roc_auc", ""), "percentile");
    must(tarn_metric_interval(bca, tarn_metric_at(0), &cluster, NULL, NULL, &a, err));
    must(tarn_metric_interval(bca, tarn_metric_at(0), &group, NULL, NULL, &b, err));
    assert_true(a.low == b.low && a.high == b.high && a.low < a.high);
    json_decref(plain);
    json_decref(by_group);
    json_decref(by_cluster);
    json_decref(golden);
}

static void an_assessment_gets_intervals_of_every_metric_that_has_one(void **state)
{
    json_t *golden = golden_read(), *all = NULL, *value;
    static golden_rows g;
    const char *name;

    (void)state;
    golden_read_rows(json_object_get(json_array_get(json_object_get(golden, "intervals"), 0), "rows"), &g);
    must(tarn_assess(&g.a, NULL, &all, err));
    must(tarn_put_intervals(&g.a, NULL, NULL, all, err));
    const json_t *intervals = json_object_get(all, "intervals"), *about = json_object_get(all, "interval");
    json_object_foreach(json_object_get(all, "metrics"), name, value)
    {
        const tarn_metric *metric = NULL;
        const json_t *found = json_object_get(intervals, name);
        must(tarn_metric_find(name, &metric, err));
        assert_true(metric->no_interval == !found);
        if (!found) continue;
        double low = json_number_value(json_array_get(found, 0)), high = json_number_value(json_array_get(found, 1));
        assert_true(low <= json_number_value(value) && json_number_value(value) <= high);
    }
    assert_int_equal(json_integer_value(json_object_get(about, "resamples")), 1000);
    assert_string_equal(tarn_json_text(json_object_get(about, "kinds"), "roc_auc", ""), "delong");
    assert_string_equal(tarn_json_text(json_object_get(about, "kinds"), "recall", ""), "wilson");
    assert_string_equal(tarn_json_text(json_object_get(about, "kinds"), "brier", ""), "percentile");
    json_decref(all);
    json_decref(golden);
}

static void what_is_not_defined_has_no_interval(void **state)
{
    double y[] = {1, 1, 1}, p[] = {0.2, 0.7, 0.9};
    tarn_judged j = {.task = TARN_BINARY, .classes = 2, .rows = 3, .y = y, .p = p, .threshold = 0.5};
    const tarn_metric *auc = NULL, *specificity = NULL, *largest = NULL;
    const tarn_interval_kind *wilson = NULL;
    tarn_interval found;
    tarn_resampling level = {1.5, 0, 0};
    json_t *all = json_object();

    (void)state;
    must(tarn_metric_find("roc_auc", &auc, err));
    must(tarn_metric_find("specificity", &specificity, err));
    must(tarn_metric_find("max_error", &largest, err));
    must(tarn_interval_find("wilson", &wilson, err));
    must(tarn_metric_interval(NULL, auc, &j, NULL, NULL, &found, err));
    assert_true(isnan(found.value) && isnan(found.low) && isnan(found.high));
    must(tarn_metric_interval(NULL, specificity, &j, NULL, NULL, &found, err));
    assert_true(found.low <= 0 && found.high >= 1); /* of no rows, everything is possible */
    must_fail_with(TARN_INVALID, "does not suit", tarn_metric_interval(wilson, auc, &j, NULL, NULL, &found, err));
    must_fail_with(TARN_INVALID, "level 1.5", tarn_metric_interval(NULL, auc, &j, &level, NULL, &found, err));
    must_fail_with(TARN_NOT_FOUND, "did you mean 'wilson'", tarn_interval_find("wilsen", &wilson, err));
    must(tarn_put_intervals(&j, NULL, NULL, all, err));
    assert_null(json_object_get(json_object_get(all, "intervals"), "roc_auc"));
    json_decref(all);
    j.task = TARN_REGRESSION;
    must(tarn_metric_interval(NULL, largest, &j, NULL, NULL, &found, err));
    assert_true(found.value > 0.7 && isnan(found.low));
    j.rows = 1;
    must(tarn_metric_find("mae", &auc, err));
    must(tarn_metric_interval(NULL, auc, &j, NULL, NULL, &found, err));
    assert_true(found.low == found.value && found.high == found.value);
    j.rows = 3, j.cluster = (const int64_t[]){5, 5, 5}; /* one customer says nothing of others */
    must(tarn_metric_interval(NULL, auc, &j, NULL, NULL, &found, err));
    assert_true(found.value > 0 && isnan(found.low) && isnan(found.high));
}

static void memory_running_out_is_a_clean_error(void **state)
{
    double y[] = {1, 0, 1, 0}, p[] = {0.2, 0.7, 0.9, 0.1};
    tarn_judged j = {.task = TARN_BINARY, .classes = 2, .rows = 4, .y = y, .p = p, .threshold = 0.5};
    tarn_resampling how = {0.95, 3, 0};
    tarn_code rc = TARN_NOMEM;
    int64_t live = tarn_mem_live();

    (void)state;
    for (int n = 1; rc != TARN_OK; n++) {
        tarn_err err = {0};
        json_t *all = json_object();
        tarn_mem_fail_after(n);
        rc = tarn_put_intervals(&j, &how, NULL, all, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK) assert_true(rc == TARN_NOMEM && err.msg[0]);
        json_decref(all);
        assert_int_equal(tarn_mem_live(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(intervals_equal_those_made_with_scikit_learn_and_scipy),
        TARN_TEST(nineteen_of_twenty_hold_the_truth),
        TARN_TEST(whole_groups_are_drawn),
        TARN_TEST(clusters_make_intervals_as_wide_as_they_should_be),
        TARN_TEST(clusters_are_drawn_as_groups_are_and_change_no_figure),
        TARN_TEST(an_assessment_gets_intervals_of_every_metric_that_has_one),
        TARN_TEST(what_is_not_defined_has_no_interval),
        TARN_TEST(memory_running_out_is_a_clean_error),
    };
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
