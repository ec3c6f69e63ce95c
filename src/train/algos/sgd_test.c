/* SPDX-License-Identifier: Apache-2.0 */
/* sgd_test.c - what the formulas of stochastic gradient descent say, on data whose answer is known. */
#include "train/golden_sample.h"

#include "base/random.h"
#include "train/train.h"

#include <math.h>

extern const tarn_algo tarn_algo_sgd;

enum { ROWS = 20000, COLS = 4 };

typedef struct sample {
    double value[COLS][ROWS], y[ROWS];
    const double *columns[COLS];
    tarn_feature features[COLS];
    uint32_t regs[COLS];
    tarn_dense dense;
    tarn_matrix x;
} sample;

static double unit(uint64_t row, uint32_t what) { return tarn_random_unit(11, TARN_STREAM_TEST, row, what); }

/* About normal, deviation 1. */
static double bell(uint64_t row, uint32_t what)
{
    double sum = -6;

    for (uint32_t i = 0; i < 12; i++) sum += unit(row, 100 * what + i);
    return sum;
}

static void fill(sample *s, int64_t rows, int32_t classes)
{
    for (int j = 0; j < COLS; j++) {
        s->columns[j] = s->value[j];
        s->regs[j] = (uint32_t)j;
        (void)snprintf(s->features[j].name, sizeof s->features[j].name, "x%d", j);
        for (int i = 0; i < ROWS; i++) s->value[j][i] = bell((uint64_t)i, (uint32_t)j + 1);
    }
    tarn_matrix_dense(&s->x, &s->dense, NULL, rows, COLS, s->columns, s->features);
    s->x.y = s->y;
    s->x.classes = classes;
}

typedef struct learned {
    tarn_model *m;
    tarn_fitted fitted;
    double w[COLS + 1]; /* bias, then weights: read off from predictions */
} learned;

/* settings: name, value, ..., NULL */
static tarn_code learn(const sample *s, const tarn_matrix *valid, const char *const *settings, learned *out,
                       tarn_err *why)
{
    tarn_code rc = TARN_OK;
    double params[32];
    tarn_fit job = {.x = &s->x, .valid = valid, .regs = s->regs, .seed = 1};

    *out = (learned){0};
    assert_true(tarn_algo_sgd.params_size <= sizeof params);
    tarn_params_default(tarn_algo_sgd.params, params);
    for (; *settings; settings += 2) must(tarn_param_set(tarn_algo_sgd.params, params, settings[0], settings[1], err));
    must(tarn_graph_new(&job.graph, err));
    for (int j = 0; j < COLS; j++)
        must(tarn_graph_input(job.graph, s->features[j].name, TARN_NUMBER, true, 0, 0, NULL, NULL, 0, NULL, err));
    TARN_TRY(tarn_train(&tarn_algo_sgd, params, &job, &out->fitted, why));
    must(golden_finish(job.graph, s->x.classes, out->fitted.out, &out->m, err));
done:
    tarn_graph_free(job.graph);
    return rc;
}

static void forget(learned *l)
{
    tarn_free(l->fitted.importance);
    tarn_free(l->fitted.state);
    tarn_model_free(l->m);
}

static double said(const learned *l, const double *row)
{
    double scratch[64], out[3];

    assert_true(tarn_model_scratch(l->m) <= 64);
    tarn_model_row(l->m, row, scratch, out);
    return out[0];
}

/* Coefficients, from what is said of the corners. */
static void read_off(learned *l)
{
    double row[COLS] = {0};

    l->w[0] = said(l, row);
    for (int j = 0; j < COLS; j++) {
        row[j] = 1;
        l->w[1 + j] = said(l, row) - l->w[0];
        row[j] = 0;
    }
}

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void losses_find_the_line_and_robust_ones_do_not_mind_outliers(void **state)
{
    static sample s;
    static const struct {
        const char *loss;
        double within;
    } losses[] = {{"squared_error", 0.5}, {"huber", 0.05}, {"epsilon_insensitive", 0.05}, {"quantile", 0.05}};
    learned l;

    (void)state;
    fill(&s, ROWS, 0);
    for (int i = 0; i < ROWS; i++)
        s.y[i] = 100 + 3 * s.value[0][i] - 2 * s.value[1][i] + 0.1 * bell((uint64_t)i, 9) +
                 (unit((uint64_t)i, 77) < 0.02 ? 200 * (unit((uint64_t)i, 78) - 0.5) : 0);
    for (size_t k = 0; k < 4; k++) {
        must(learn(&s, NULL, SETTINGS("loss", losses[k].loss, "epochs", "20"), &l, err));
        read_off(&l);
        const double want[] = {100, 3, -2, 0, 0};
        for (int j = 0; j <= COLS; j++)
            if (!(fabs(l.w[j] - want[j]) < losses[k].within))
                fail_msg("%s: coefficient %d is %g, wanted %g", losses[k].loss, j, l.w[j], want[j]);
        forget(&l);
    }
}

static void a_quantile_is_found(void **state)
{
    static sample s;
    learned l;

    (void)state;
    fill(&s, ROWS, 0);
    for (int i = 0; i < ROWS; i++) s.y[i] = 10 * unit((uint64_t)i, 5);
    must(learn(&s, NULL, SETTINGS("loss", "quantile", "quantile", "0.9", "epochs", "20"), &l, err));
    read_off(&l);
    assert_true(fabs(l.w[0] - 9) < 0.1);
    forget(&l);
}

/* With p = sigmoid(1 + 2 x0 - x1): the maximum likelihood is near that. */
static void probabilities_are_found(void **state)
{
    static sample s;
    learned l;

    (void)state;
    fill(&s, ROWS, 2);
    for (int i = 0; i < ROWS; i++)
        s.y[i] = unit((uint64_t)i, 5) < 1 / (1 + exp(-1 - 2 * s.value[0][i] + s.value[1][i]));
    must(learn(&s, NULL, SETTINGS("epochs", "20"), &l, err));
    for (int i = -1; i < 2; i++) {
        double row[COLS] = {i, -i, 3, -1}, want = 1 / (1 + exp(-1 - 3 * i));
        if (!(fabs(said(&l, row) - want) < 0.04)) fail_msg("%g, wanted %g", said(&l, row), want);
    }
    forget(&l);
}

/* One column in other units gives the same predictions, in every kind of class and margin. */
static void units_make_no_difference(void **state)
{
    static sample s, t;
    static const char *const losses[] = {"log_loss", "hinge", "modified_huber"};
    learned a, b;

    (void)state;
    for (int classes = 2; classes <= 3; classes++) {
        fill(&s, ROWS / 4, classes);
        for (int i = 0; i < ROWS; i++) s.y[i] = s.value[0][i] > 0.3 ? classes - 1 : s.value[1][i] > 0;
        t = s;
        fill(&t, ROWS / 4, classes);
        memcpy(t.y, s.y, sizeof t.y);
        for (int i = 0; i < ROWS; i++) t.value[0][i] = 1e6 * s.value[0][i] - 3e7;
        for (int k = 0; k < 3; k++) {
            double row[COLS] = {0.4, -0.5, 0.1, 0.2};
            must(learn(&s, NULL, SETTINGS("loss", losses[k]), &a, err));
            must(learn(&t, NULL, SETTINGS("loss", losses[k]), &b, err));
            double p = said(&a, row);
            row[0] = 1e6 * row[0] - 3e7;
            assert_true(fabs(p - said(&b, row)) < 1e-3);
            forget(&a);
            forget(&b);
        }
    }
}

/* Two rows, plain steps of 0.1 on columns that have mean 0 and deviation 1: worked by hand. */
static void plain_steps_are_as_worked_by_hand(void **state)
{
    static sample s;
    learned l;

    (void)state;
    fill(&s, 2, 0);
    for (int j = 0; j < COLS; j++) s.value[j][0] = s.value[j][1] = 0;
    s.value[0][0] = -1, s.value[0][1] = 1, s.y[0] = -2, s.y[1] = 2;
    /* scaled targets -1 and 1; row 0: z = 0, g = 1, so v = -0.1 (bias), 0.1; row 1: z = 0, g = -1: bias 0, v = 0.2 */
    must(learn(&s, NULL,
               SETTINGS("learning_rate", "constant", "eta0", "0.1", "epochs", "1", "shuffle", "false", "average", "no"),
               &l, err));
    read_off(&l);
    assert_true(fabs(l.w[0]) < 1e-6 && fabs(l.w[1] - 0.4) < 1e-6);
    forget(&l);
}

static void penalties_shrink_and_l1_leaves_zeros(void **state)
{
    static sample s;
    learned none, l2, l1;

    (void)state;
    fill(&s, ROWS, 0);
    for (int i = 0; i < ROWS; i++) s.y[i] = 2 * s.value[0][i] + 0.5 * bell((uint64_t)i, 9);
    must(learn(&s, NULL, SETTINGS("epochs", "3"), &none, err));
    must(learn(&s, NULL, SETTINGS("penalty", "l2", "alpha", "0.5", "epochs", "10"), &l2, err));
    must(learn(&s, NULL, SETTINGS("penalty", "l1", "alpha", "0.1", "epochs", "10", "average", "no"), &l1, err));
    read_off(&none);
    read_off(&l2);
    read_off(&l1);
    assert_true(fabs(none.w[1] - 2) < 0.05);
    assert_true(l2.w[1] > 0.1 && l2.w[1] < 1.8);
    for (int j = 1; j < COLS; j++) assert_true(fabs(l1.w[1 + j]) < 1e-6 && l1.w[1] > 1);
    forget(&none);
    forget(&l2);
    forget(&l1);
}

/* Where the validation rows say that all was learned in vain, the least bad epoch stays and the rest is not run. */
static void validation_rows_end_the_fit(void **state)
{
    static sample s, v;
    learned l;

    (void)state;
    fill(&s, 300, 2);
    fill(&v, 300, 2);
    for (int i = 0; i < 300; i++) {
        s.y[i] = unit((uint64_t)i, 5) < 0.5;
        v.y[i] = 1 - s.y[i];
    }
    must(learn(&s, &v.x, SETTINGS("epochs", "100", "average", "no"), &l, err));
    assert_true(l.fitted.iterations == 3 && l.fitted.converged);
    forget(&l);
}

static void settings_that_make_no_sense_are_told(void **state)
{
    static sample s;
    learned l;

    (void)state;
    fill(&s, 100, 2);
    for (int i = 0; i < 100; i++) s.y[i] = i % 3;
    s.x.classes = 3;
    must_fail_with(TARN_INVALID, "this loss is for values", learn(&s, NULL, SETTINGS("loss", "huber"), &l, err));
    must_fail_with(TARN_INVALID, "softmax goes with log_loss only",
                   learn(&s, NULL, SETTINGS("loss", "hinge", "multi_class", "softmax"), &l, err));
    must_fail_with(TARN_INVALID, "needs an alpha above 0",
                   learn(&s, NULL, SETTINGS("learning_rate", "optimal", "alpha", "0"), &l, err));
    s.x.classes = 0;
    must_fail_with(TARN_INVALID, "this loss is for classes", learn(&s, NULL, SETTINGS("loss", "hinge"), &l, err));
}

TARN_TESTS(TARN_TEST(losses_find_the_line_and_robust_ones_do_not_mind_outliers), TARN_TEST(a_quantile_is_found),
           TARN_TEST(probabilities_are_found), TARN_TEST(units_make_no_difference),
           TARN_TEST(plain_steps_are_as_worked_by_hand), TARN_TEST(penalties_shrink_and_l1_leaves_zeros),
           TARN_TEST(validation_rows_end_the_fit), TARN_TEST(settings_that_make_no_sense_are_told))
