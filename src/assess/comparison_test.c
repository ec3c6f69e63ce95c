/* SPDX-License-Identifier: Apache-2.0 */
/* comparison_test.c - tests of models against scikit-learn 1.2.1 and scipy 1.10.1, and what is refused. */
#include "assess/golden_compare_test.h"

static void check_more(const char *name, json_t *want, const json_t *got)
{
    json_t *value;
    const char *key;

    json_object_foreach(want, key, value)
    {
        double a[GOLDEN_MOST], b[GOLDEN_MOST];
        bool nemenyi = strcmp(key, "pairs") == 0 || strcmp(key, "critical_difference") == 0; /* scipy integrates */
        int64_t n = 1;
        if (json_is_array(value)) {
            n = golden_numbers(value, a);
            assert_true(golden_numbers(json_object_get(got, key), b) == n);
        } else {
            a[0] = json_number_value(value), b[0] = golden_number(got, key);
        }
        for (int64_t i = 0; i < n; i++) golden_same(name, key, b[i], a[i], nemenyi ? 1e-9 : 1e-12);
    }
}

static void check_case(const json_t *c, tarn_pool *pool)
{
    static golden_rows g;
    static double score[GOLDEN_MOST];
    const char *name = tarn_json_text(c, "name", "");
    const json_t *what = json_object_get(c, "what"), *scores = json_object_get(what, "score");
    const tarn_comparison *test = NULL;
    json_t *found = NULL, *again = NULL;
    tarn_contest contest = {.a = &g.a,
                            .b = &g.b,
                            .how = {0, (int)json_integer_value(json_object_get(what, "resamples")),
                                    (uint64_t)json_integer_value(json_object_get(what, "seed"))}};

    if (json_object_get(what, "metric"))
        must(tarn_metric_find(tarn_json_text(what, "metric", ""), &contest.metric, err));
    if (scores) {
        int64_t n = golden_numbers(scores, score);
        contest = (tarn_contest){.score = score, .models = (int)json_array_size(scores)};
        contest.sets = n / contest.models;
        contest.test_share = json_number_value(json_object_get(what, "test_share"));
    } else {
        golden_read_rows(what, &g);
    }
    must(tarn_comparison_find(tarn_json_text(c, "test", ""), &test, err));
    assert_true(tarn_comparison_suits(test, &contest));
    must(tarn_compare(test, &contest, NULL, &found, err));
    must(tarn_compare(test, &contest, pool, &again, err));
    assert_true(json_equal(found, again));
    const json_t *interval = json_object_get(found, "interval");
    double none = NAN, *ends[2] = {&none, &none}, low = json_number_value(json_array_get(interval, 0)),
           high = json_number_value(json_array_get(interval, 1));
    if (json_is_array(interval)) ends[0] = &low, ends[1] = &high;
    golden_same(name, "statistic", golden_number(found, "statistic"), golden_number(c, "statistic"), 1e-11);
    golden_same(name, "p", golden_number(found, "p"), golden_number(c, "p"), 1e-11);
    golden_same(name, "difference", golden_number(found, "difference"), golden_number(c, "difference"), 1e-12);
    golden_same(name, "low", *ends[0], golden_number(c, "low"), 1e-12);
    golden_same(name, "high", *ends[1], golden_number(c, "high"), 1e-12);
    check_more(name, json_object_get(c, "more"), found);
    json_decref(found);
    json_decref(again);
}

static void tests_equal_those_of_scipy(void **state)
{
    json_t *all = golden_read(), *c;
    tarn_pool *pool = NULL;
    size_t i;

    (void)state;
    must(tarn_pool_new(3, &pool, err));
    json_array_foreach(json_object_get(all, "comparisons"), i, c) check_case(c, pool);
    assert_int_equal(i, 24);
    tarn_pool_free(pool);
    json_decref(all);
}

static const tarn_comparison *find(const char *name)
{
    const tarn_comparison *test = NULL;

    must(tarn_comparison_find(name, &test, err));
    return test;
}

static void what_cannot_be_compared_is_named(void **state)
{
    double y[] = {1, 0, 1}, other[] = {1, 0, 0}, p[] = {0.2, 0.7, 0.9}, w[] = {1, 2, 1}, score[] = {1, 2, 3, 1, 2, NAN};
    tarn_judged a = {.task = TARN_BINARY, .classes = 2, .rows = 3, .y = y, .p = p, .threshold = 0.5}, b = a;
    tarn_contest c = {.a = &a, .b = &b};
    const int64_t customer[] = {7, 7, 8};
    const tarn_comparison *test = NULL;
    json_t *out = NULL;

    (void)state;
    must_fail_with(TARN_NOT_FOUND, "did you mean 'mcnemar'", tarn_comparison_find("mcnemer", &test, err));
    must_fail_with(TARN_INVALID, "needs a metric", tarn_compare(find("bootstrap"), &c, NULL, &out, err));
    must_fail_with(TARN_INVALID, "needs scores", tarn_compare(find("friedman"), &c, NULL, &out, err));
    b.y = other;
    must_fail_with(TARN_INVALID, "other true values", tarn_compare(find("mcnemar"), &c, NULL, &out, err));
    b.y = y, b.rows = 2;
    must_fail_with(TARN_INVALID, "not judged on the same rows", tarn_compare(find("mcnemar"), &c, NULL, &out, err));
    b.rows = 3, a.weight = w;
    must_fail_with(TARN_INVALID, "other weights", tarn_compare(find("mcnemar"), &c, NULL, &out, err));
    b.weight = w;
    must_fail_with(TARN_INVALID, "try bootstrap", tarn_compare(find("delong"), &c, NULL, &out, err));
    assert_false(tarn_comparison_suits(find("delong"), &c));
    a.weight = b.weight = NULL, a.cluster = customer;
    must_fail_with(TARN_INVALID, "or groups", tarn_compare(find("mcnemar"), &c, NULL, &out, err));
    b.cluster = customer;
    must_fail_with(TARN_INVALID, "try bootstrap", tarn_compare(find("mcnemar"), &c, NULL, &out, err));
    assert_false(tarn_comparison_suits(find("mcnemar"), &c));
    assert_true(tarn_comparison_suits(find("bootstrap"), &c));
    a.cluster = b.cluster = NULL, p[0] = 2;
    must_fail_with(TARN_INVALID, "row 0", tarn_compare(find("delong"), &c, NULL, &out, err));
    c.a = NULL;
    must_fail_with(TARN_INVALID, "predictions of two models", tarn_compare(find("delong"), &c, NULL, &out, err));
    c = (tarn_contest){.score = score, .models = 2, .sets = 3};
    must_fail_with(TARN_INVALID, "score of model 1 on set 2", tarn_compare(find("paired_t"), &c, NULL, &out, err));
    score[5] = 4;
    must_fail_with(TARN_INVALID, "test_share", tarn_compare(find("resampled_t"), &c, NULL, &out, err));
    must_fail_with(TARN_INVALID, "needs scores on 10 sets", tarn_compare(find("cv52_f"), &c, NULL, &out, err));
    c.models = 3, c.sets = 2;
    must_fail_with(TARN_INVALID, "2 to 2 models", tarn_compare(find("wilcoxon"), &c, NULL, &out, err));
    c.how.level = 2;
    must_fail_with(TARN_INVALID, "level 2", tarn_compare(find("friedman"), &c, NULL, &out, err));
    assert_null(out);
}

/* Where lower is better, ranks go the other way. */
static void ranks_follow_the_metric(void **state)
{
    double score[] = {1, 1, 1, 2, 2, 2};
    tarn_contest c = {.score = score, .models = 2, .sets = 3};
    json_t *out = NULL;

    (void)state;
    must(tarn_compare(find("friedman"), &c, NULL, &out, err));
    assert_true(json_number_value(json_array_get(json_object_get(out, "ranks"), 0)) == 2);
    json_decref(out);
    must(tarn_metric_find("rmse", &c.metric, err));
    must(tarn_compare(find("friedman"), &c, NULL, &out, err));
    assert_true(json_number_value(json_array_get(json_object_get(out, "ranks"), 0)) == 1);
    json_decref(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(tests_equal_those_of_scipy),
        TARN_TEST(what_cannot_be_compared_is_named),
        TARN_TEST(ranks_follow_the_metric),
    };
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
