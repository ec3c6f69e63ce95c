/* SPDX-License-Identifier: Apache-2.0 */
/* distribution_test.c - against scipy 1.10.1: tests/golden/distribution.txt, made by tests/golden/distribution.py. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "math/distribution.h"

#include <math.h>

static double range_above(double q, double k) { return tarn_range_above(q, (int)k); }

typedef double one_fn(double);
typedef double two_fn(double, double);
typedef double three_fn(double, double, double);

/* Relative tolerance, and the value below which it is meant absolutely. binomial_below of 100,000 tries: scipy itself
 * is good to 1e-11 only. */
static const struct function {
    const char *name;
    int arguments;
    one_fn *one;
    two_fn *two;
    three_fn *three;
    double relative, least;
} functions[] = {
    {"log_gamma", 1, tarn_log_gamma, NULL, NULL, 1e-13, 1},
    {"beta_below", 3, NULL, NULL, tarn_beta_below, 2e-12, 0},
    {"gamma_below", 2, NULL, tarn_gamma_below, NULL, 1e-12, 0},
    {"gamma_above", 2, NULL, tarn_gamma_above, NULL, 1e-12, 0},
    {"normal_below", 1, tarn_normal_below, NULL, NULL, 1e-12, 0},
    {"normal_above", 1, tarn_normal_above, NULL, NULL, 1e-12, 0},
    {"normal_quantile", 1, tarn_normal_quantile, NULL, NULL, 1e-13, 0},
    {"t_beyond", 2, NULL, tarn_t_beyond, NULL, 1e-12, 0},
    {"t_quantile", 2, NULL, tarn_t_quantile, NULL, 1e-12, 0},
    {"f_above", 3, NULL, NULL, tarn_f_above, 1e-12, 0},
    {"chi2_above", 2, NULL, tarn_chi2_above, NULL, 1e-12, 0},
    {"binomial_below", 3, NULL, NULL, tarn_binomial_below, 1e-11, 0},
    {"range_above", 2, NULL, range_above, NULL, 1e-10, 1e-2},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const struct function *find(const char *name)
{
    for (int i = 0; i < FUNCTIONS; i++)
        if (strcmp(functions[i].name, name) == 0) return &functions[i];
    fail_msg("'%s' is no function of this test", name);
    return NULL;
}

static void check_line(const char *line, int seen[FUNCTIONS])
{
    char name[32];
    double x[4] = {0};
    int used = 0, n = 0, step;

    assert_int_equal(sscanf(line, "%31s%n", name, &used), 1);
    for (; n < 4 && sscanf(line + used, " %lf%n", &x[n], &step) == 1; n++) used += step;
    const struct function *f = find(name);
    seen[f - functions]++;
    assert_int_equal(n, f->arguments + 1);
    double want = x[n - 1], got = n == 2 ? f->one(x[0]) : n == 3 ? f->two(x[0], x[1]) : f->three(x[0], x[1], x[2]);
    if (!(fabs(got - want) <= f->relative * fmax(fabs(want), f->least)))
        fail_msg("%s: got %.17g, off by %.2g", line, got, (got - want) / want);
}

static void values_equal_those_of_scipy(void **state)
{
    char *text = NULL, *save = NULL;
    size_t len = 0;
    int seen[FUNCTIONS] = {0};

    (void)state;
    must(tarn_file_read("tests/golden/distribution.txt", 0, &text, &len, err));
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (*line != '#') check_line(line, seen);
    for (int i = 0; i < FUNCTIONS; i++)
        if (!seen[i]) fail_msg("%s is not in the file", functions[i].name);
    tarn_free(text);
}

static void quantiles_undo_what_probabilities_do(void **state)
{
    (void)state;
    for (int i = 1; i < 200; i++) {
        double p = i / 200.0;
        assert_true(fabs(tarn_normal_below(tarn_normal_quantile(p)) - p) < 1e-15);
        assert_true(fabs(1 - tarn_t_beyond(tarn_t_quantile(p, 3), 3) - fabs(2 * p - 1)) < 1e-14);
        assert_true(fabs(tarn_range_above(tarn_range_quantile(p, 4), 4) - (1 - p)) < 1e-13);
    }
    /* Demsar 2006, table 5: 2.343 for three models, times the root of 2 */
    assert_true(fabs(tarn_range_quantile(0.95, 3) / sqrt(2) - 2.343) < 1e-3);
}

static void outside_of_the_domain_there_is_no_number(void **state)
{
    (void)state;
    assert_true(isnan(tarn_log_gamma(0)) && isnan(tarn_beta_below(0.5, 0, 1)) && isnan(tarn_beta_below(1.5, 1, 1)));
    assert_true(isnan(tarn_gamma_below(-1, 1)) && isnan(tarn_gamma_above(1, -1)) && isnan(tarn_normal_below(NAN)));
    assert_true(isnan(tarn_normal_quantile(1.5)) && isnan(tarn_t_beyond(1, 0)) && isnan(tarn_f_above(-1, 1, 1)));
    assert_true(isnan(tarn_binomial_below(1, 2, 1.5)) && isnan(tarn_range_above(1, 1)));
    assert_true(isinf(tarn_normal_quantile(0)) && isinf(tarn_t_quantile(1, 4)) && tarn_t_beyond(INFINITY, 4) <= 0);
    assert_true(tarn_binomial_below(3, 3, 0.2) >= 1 && tarn_gamma_above(INFINITY, 2) <= 0);
}

TARN_TESTS(TARN_TEST(values_equal_those_of_scipy), TARN_TEST(quantiles_undo_what_probabilities_do),
           TARN_TEST(outside_of_the_domain_there_is_no_number))
