/* SPDX-License-Identifier: Apache-2.0 */
/* search_test.c - which settings a search tries: the same ones for a seed, none twice, within what is asked; and what
 * is said of a search that makes no sense. */
#include "support/tarn_test.h"

#include "base/mem.h"
#include "flow/search.h"
#include "flow/settings.h"

#include <math.h>

typedef struct asked {
    tarn_arena *arena;
    tarn_problems problems;
    tarn_search search;
    const tarn_algo *algo;
} asked;

/* Read the YAML of a search for an estimator whose settings are the preset ones. */
static void ask(asked *a, const char *algo, const char *text, int64_t seed)
{
    const tarn_yaml *yaml = NULL;
    json_t *settings = NULL;
    char file[500];

    (void)snprintf(file, sizeof file, "search: %s\n", text);
    *a = (asked){0};
    must(tarn_arena_new(&a->arena, err));
    must(tarn_algo_find(algo, &a->algo, err));
    must(tarn_settings_from_yaml(a->algo->params, a->algo->params_size, NULL, NULL, 0, &settings, &a->problems, err));
    must(tarn_yaml_read(file, strlen(file), a->arena, &yaml, &a->problems, err));
    must(tarn_search_read(a->algo, tarn_yaml_get(yaml, "search"), settings, seed, &a->search, &a->problems, err));
    json_decref(settings);
}

static void done(asked *a)
{
    tarn_search_clear(&a->search);
    tarn_problems_clear(&a->problems);
    tarn_arena_free(a->arena);
}

static double number_of(const json_t *settings, const char *name) { return atof(tarn_json_text(settings, name, "x")); }

static void tries_are_those_of_the_seed(void **state)
{
    static const char text[] = "{by: random, tries: 12, space: {C: {from: 0.01, to: 100, scale: log}}}";
    asked a, b, other;

    (void)state;
    ask(&a, "logistic", text, 7);
    ask(&b, "logistic", text, 7);
    ask(&other, "logistic", text, 8);
    assert_int_equal(a.problems.n, 0);
    assert_int_equal(json_array_size(a.search.tries), 12);
    assert_true(json_equal(a.search.tries, b.search.tries));
    assert_false(json_equal(a.search.tries, other.search.tries));
    assert_true(json_equal(json_array_get(a.search.tries, 0), json_array_get(other.search.tries, 0))); /* its own */
    done(&a);
    done(&b);
    done(&other);
}

static void none_is_tried_twice(void **state)
{
    asked a;

    (void)state;
    ask(&a, "forest", "{tries: 50, space: {min_rows: [1, 3, 10], row_share: [0.5, 1]}}", 1);
    assert_int_equal(a.problems.n, 0);
    assert_int_equal(json_array_size(a.search.tries), 7); /* 6 points, and its own settings */
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(json_equal(json_array_get(a.search.tries, i), json_array_get(a.search.tries, k)));
    done(&a);
}

static void a_log_scale_keeps_its_bounds_and_its_middle(void **state)
{
    asked a;
    int low = 0;

    (void)state;
    ask(&a, "logistic", "{tries: 400, space: {C: {from: 0.001, to: 1000, scale: log}}}", 3);
    size_t n = json_array_size(a.search.tries);
    assert_true(n > 300);
    for (size_t i = 1; i < n; i++) {
        double x = number_of(json_array_get(a.search.tries, i), "C");
        assert_true(x >= 0.001 && x <= 1000);
        low += x < 1;
    }
    assert_true(fabs((double)low / (double)n - 0.5) < 0.1); /* as many below 1 as above: 400 draws, 4 deviations */
    done(&a);
}

static void whole_numbers_stay_whole(void **state)
{
    asked a;

    (void)state;
    ask(&a, "boosting", "{tries: 20, space: {leaves: {from: 4, to: 64}}}", 3);
    for (size_t i = 1; i < json_array_size(a.search.tries); i++) {
        double x = number_of(json_array_get(a.search.tries, i), "leaves");
        assert_true(x == floor(x) && x >= 4 && x <= 64);
    }
    done(&a);
}

static void a_grid_has_all_points(void **state)
{
    asked a;

    (void)state;
    ask(&a, "forest", "{by: grid, space: {min_rows: [1, 3], columns: [sqrt, third, all]}}", 1);
    assert_int_equal(a.problems.n, 0);
    assert_int_equal(json_array_size(a.search.tries), 6);
    assert_string_equal(tarn_json_text(json_array_get(a.search.tries, 5), "columns", ""), "all");
    done(&a);
}

static void halving_gives_few_settings_many_rows(void **state)
{
    static const int64_t want[] = {27, 9, 3};
    asked a;
    double share = 0, before = 0;

    (void)state;
    ask(&a, "logistic", "{by: halving, tries: 27, keep: 0.333333}", 1);
    assert_int_equal(a.search.rounds, 3);
    for (int64_t r = 0; r < a.search.rounds; r++) {
        int64_t tries = tarn_search_round(&a.search, r, &share);
        assert_true(share > before && tries >= 1);
        assert_int_equal(tries, want[r]);
        before = share;
    }
    assert_true(share == 1);
    done(&a);
}

static void every_own_space_suits_its_estimator(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_algo_count(); i++) {
        asked a;
        if (!tarn_algo_at(i)->space) continue;
        ask(&a, tarn_algo_at(i)->name, "auto", 1);
        if (a.problems.n > 0) fail_msg("%s: %s", tarn_algo_at(i)->name, a.problems.items[0].text);
        assert_true(json_array_size(a.search.tries) > 1);
        done(&a);
    }
}

static void mistakes_are_told(void **state)
{
    static const struct {
        const char *algo, *text, *said;
    } cases[] = {
        {"logistic", "{space: {depth: [1, 2]}}", "estimator 'logistic' has no parameter 'depth'"},
        {"forest", "{space: {columns: {from: 1, to: 9}}}", "'columns' should be a list of values"},
        {"logistic", "{space: {C: {from: 10, to: 1}}}", "'C' should be a list of values, or {from: a, to: b"},
        {"logistic", "{space: {C: {from: 0, to: 1, scale: log}}}", "'C' should be"},
        {"logistic", "{space: {C: [1, many]}}", "C"},
        {"logistic", "{space: {C: []}}", "each with a value"},
        {"logistic", "{by: grid, space: {C: {from: 1, to: 10}}}", "by grid, 'C' should be a list of values"},
        {"logistic", "{by: chance}", "by should be random, grid or halving, not 'chance'"},
        {"logistic", "{tries: 0}", "tries should be 1 to 1000"},
        {"logistic", "{tries: 1001}", "tries should be 1 to 1000"},
        {"logistic", "{by: halving, keep: 1}", "keep should be 0.05 to 0.9"},
        {"logistic", "{trys: 3}", "did you mean 'tries'"},
        {"gaussian_nb", "auto", "has no search space of its own"},
        {"forest",
         "{by: grid, space: {trees: [1,2,3,4,5,6,7,8,9,10,11], depth: [1,2,3,4,5,6,7,8,9,10], "
         "leaves: [2,3,4,5,6,7,8,9,10,11]}}",
         "this grid has 1100 points; at most 1000 are tried"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asked a;
        ask(&a, cases[i].algo, cases[i].text, 1);
        if (a.problems.n == 0) fail_msg("nothing is said of %s", cases[i].text);
        if (!strstr(a.problems.items[0].text, cases[i].said))
            fail_msg("of %s is said: %s", cases[i].text, a.problems.items[0].text);
        if (a.problems.items[0].line != 1) fail_msg("no line is given: %s", a.problems.items[0].text);
        done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(tries_are_those_of_the_seed),
        TARN_TEST(none_is_tried_twice),
        TARN_TEST(a_log_scale_keeps_its_bounds_and_its_middle),
        TARN_TEST(whole_numbers_stay_whole),
        TARN_TEST(a_grid_has_all_points),
        TARN_TEST(halving_gives_few_settings_many_rows),
        TARN_TEST(every_own_space_suits_its_estimator),
        TARN_TEST(mistakes_are_told),
    };

    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
