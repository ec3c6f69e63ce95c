/* SPDX-License-Identifier: Apache-2.0 */
/* svm_test.c - against scikit-learn 1.2.1 (tests/golden/svm.py), and what the formulas say. */
#include "train/golden_sample.h"

#include "math/elementary.h"
#include "train/algos/svm_cache.h"
#include "train/algos/svm_parts.h"

#include <math.h>

extern const tarn_algo tarn_algo_svm;

enum { ROWS = 400, COLS = 6 };

/* The data of tests/golden/svm.py. */
typedef struct sample {
    double values[COLS][ROWS], y[ROWS], weight[ROWS];
    const double *columns[COLS];
    tarn_feature features[COLS];
    tarn_dense dense;
    tarn_matrix matrix;
    uint32_t regs[COLS];
    tarn_fit job;
    svm_params params;
} sample;

static void sample_make(sample *s, int32_t classes, bool weighted)
{
    memset(s, 0, sizeof *s);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < COLS; j++) s->values[j][i] = golden_formula(i * COLS + j + 1);
        double score = (s->values[0][i] - 0.5) * (s->values[1][i] - 0.5) * 4 + s->values[2][i] - 0.5;
        score = score + 0.2 * ((double)(i * 37 % 101) / 101 - 0.5);
        s->y[i] = classes == 0 ? 10 * score : classes == 2 ? score > 0 : (score > -0.2) + (score > 0.2);
        s->weight[i] = 0.5 + (double)(i % 7) / 4;
    }
    for (uint32_t j = 0; j < COLS; j++) {
        s->columns[j] = s->values[j];
        s->regs[j] = j;
        (void)snprintf(s->features[j].name, sizeof s->features[j].name, "x%u", j);
    }
    tarn_matrix_dense(&s->matrix, &s->dense, NULL, ROWS, COLS, s->columns, s->features);
    s->matrix.y = s->y;
    s->matrix.weight = weighted ? s->weight : NULL;
    s->matrix.classes = classes;
    s->job = (tarn_fit){.x = &s->matrix, .regs = s->regs, .seed = 3};
    tarn_params_default(tarn_algo_svm.params, &s->params);
}

/* Sum over pairs, rows that any pair uses, and the decision of pair p for a row. */
static double objective_of(const svm_plan *plan)
{
    double sum = 0;

    for (int64_t p = 0; p < plan->pairs; p++) sum += plan->pair[p].full.objective;
    return sum;
}

static int vectors_of(const svm_plan *plan)
{
    bool used[ROWS] = {false};
    int count = 0;

    for (int64_t p = 0; p < plan->pairs; p++)
        for (size_t i = 0; i < plan->pair[p].n; i++)
            if (plan->pair[p].full.beta[i] != 0) used[plan->pair[p].row[i]] = true;
    for (int i = 0; i < ROWS; i++) count += used[i];
    return count;
}

static double decision_of(const svm_plan *plan, int64_t p, int64_t row)
{
    const svm_pair *pair = &plan->pair[p];
    float packed[TARN_KERNEL_WIDE * COLS] = {0}, square[TARN_KERNEL_WIDE] = {0};
    double out[TARN_KERNEL_WIDE] = {0};

    tarn_kernel_pack(COLS, 0, plan->rows->x + row * COLS, packed, square);
    svm_decide(&plan->kernel, COLS, plan->rows->x, pair->n, pair->row, pair->full.beta, 1, packed, square, out);
    return out[0] - pair->full.rho;
}

static void near(const char *name, const char *what, double ours, double golden, double tolerance)
{
    if (!(fabs(ours - golden) <= tolerance * (1 + fabs(golden))))
        fail_msg("%s: %s is %.9g, scikit-learn has %.9g", name, what, ours, golden);
}

static void case_of(const char *at)
{
    sample s;
    svm_rows rows = {0};
    svm_plan plan = {0};
    char name[64];

    assert_true(golden_word(&at, name, sizeof name));
    int32_t classes = (int32_t)golden_number(&at);
    sample_make(&s, classes, golden_number(&at) > 0);
    s.params.class_weight = (int)golden_number(&at);
    golden_set(&tarn_algo_svm, &s.params, "kernel", &at);
    golden_set(&tarn_algo_svm, &s.params, "C", &at);
    golden_set(&tarn_algo_svm, &s.params, "gamma", &at);
    golden_set(&tarn_algo_svm, &s.params, "degree", &at);
    golden_set(&tarn_algo_svm, &s.params, "coef0", &at);
    s.params.tol = 1e-6;
    s.params.epsilon = 0.3;
    /* Kernel values are floats, and a polynomial's are in the hundreds. */
    double loose = s.params.kernel == TARN_KERNEL_POLY ? 100 : 1;
    must(svm_rows_read(&s.job, &s.params, &rows, err));
    must(svm_plan_make(&s.job, &s.params, &rows, &plan, err));
    must(svm_plan_solve(&plan, err));
    near(name, "number of vectors", vectors_of(&plan), golden_number(&at), 0.01);
    int count = (int)golden_number(&at);
    near(name, "objective", objective_of(&plan), golden_number(&at), loose * 1e-6);
    for (int k = 0; k < count - 1; k++) /* scikit-learn: of two classes, above 0 is class 1 */
        near(name, "decision", (classes == 2 ? -1 : 1) * decision_of(&plan, k % plan.pairs, k / plan.pairs * 40),
             golden_number(&at), loose * 1e-4);
    svm_plan_clear(&plan);
    svm_rows_clear(&rows);
}

static void objectives_and_decisions_are_those_of_scikit_learn(void **state)
{
    (void)state;
    golden_lines("tests/golden/svm.txt", 11, case_of);
}

/* Whatever is set aside, the minimum is the same. Small caches, too. */
static void shrinking_and_small_caches_change_nothing_but_time(void **state)
{
    static const char *const settings[][2] = {{"shrinking", "false"}, {"cache_mb", "1"}, {"cache_mb", "1000"}};
    double objective[3];

    (void)state;
    for (int k = 0; k < 3; k++) {
        sample s;
        svm_rows rows = {0};
        svm_plan plan = {0};
        sample_make(&s, 0, true);
        must(tarn_param_set(tarn_algo_svm.params, &s.params, "C", "1000", err));
        must(tarn_param_set(tarn_algo_svm.params, &s.params, "tol", "1e-7", err));
        must(tarn_param_set(tarn_algo_svm.params, &s.params, settings[k][0], settings[k][1], err));
        must(svm_rows_read(&s.job, &s.params, &rows, err));
        must(svm_plan_make(&s.job, &s.params, &rows, &plan, err));
        must(svm_plan_solve(&plan, err));
        assert_true(plan.pair[0].full.converged);
        objective[k] = objective_of(&plan);
        svm_plan_clear(&plan);
        svm_rows_clear(&rows);
    }
    near("shrinking", "objective", objective[1], objective[0], 1e-6);
    assert_memory_equal(&objective[1], &objective[2], sizeof objective[1]);
}

/* Ten positive and thirty negative rows with the same decision: the targets' mean, (10 hi + 30 lo) / 40. */
static void a_decision_that_tells_nothing_becomes_the_share(void **state)
{
    double f[40] = {0}, y[40], w[40], a = 1, b = 1;

    (void)state;
    for (int i = 0; i < 40; i++) {
        y[i] = i < 10 ? 1 : -1;
        w[i] = 1;
    }
    svm_platt(40, f, y, w, &a, &b);
    double want = (10 * 11.0 / 12 + 30 / 32.0) / 40;
    assert_true(fabs(tarn_sigmoid(-b) - want) < 1e-6);
    /* Half the rows with twice the weight are the same data. */
    double half_b = 0;
    for (int i = 0; i < 40; i += 2) {
        y[i / 2] = i < 10 ? 1 : -1;
        w[i / 2] = 2;
    }
    svm_platt(20, f, y, w, &a, &half_b);
    assert_true(fabs(b - half_b) < 1e-6);
}

static void a_gamma_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {"", "scales", "0", "-1", "nan", "1e99"};
    svm_rows rows = {0};
    sample s;

    (void)state;
    sample_make(&s, 2, false);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        (void)snprintf(s.params.gamma, sizeof s.params.gamma, "%s", bad[k]);
        must_fail_with(TARN_INVALID, "scale, auto or a number", svm_rows_read(&s.job, &s.params, &rows, err));
        svm_rows_clear(&rows);
    }
}

static void the_cache_keeps_what_was_used_last(void **state)
{
    svm_cache c;
    bool is_new = false;

    (void)state;
    must(svm_cache_open(&c, 10, 16, 4 * 16 * sizeof(float), err));
    for (int32_t k = 0; k < 4; k++) {
        svm_cache_row(&c, k, &is_new)[3] = (float)k;
        assert_true(is_new);
    }
    (void)svm_cache_row(&c, 0, &is_new); /* so 1 is the oldest */
    assert_false(is_new);
    (void)svm_cache_row(&c, 7, &is_new);
    assert_true(is_new);
    assert_true(svm_cache_row(&c, 0, &is_new)[3] == 0 && !is_new);
    assert_true(svm_cache_row(&c, 3, &is_new)[3] == 3 && !is_new);
    static const int32_t from[] = {0, 3, 7, 9};
    svm_cache_shrink(&c, from, 4, 4);
    assert_true(svm_cache_row(&c, 1, &is_new)[1] == 3 && !is_new); /* what stood at 3, in row and column */
    (void)svm_cache_row(&c, 3, &is_new);
    assert_true(is_new);
    svm_cache_close(&c);
}

TARN_TESTS(TARN_TEST(objectives_and_decisions_are_those_of_scikit_learn),
           TARN_TEST(shrinking_and_small_caches_change_nothing_but_time),
           TARN_TEST(a_decision_that_tells_nothing_becomes_the_share), TARN_TEST(a_gamma_that_is_none_is_refused),
           TARN_TEST(the_cache_keeps_what_was_used_last))
