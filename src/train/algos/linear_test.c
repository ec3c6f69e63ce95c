/* SPDX-License-Identifier: Apache-2.0 */
/* linear_test.c - linear estimators against scikit-learn 1.2.1 (tests/golden/linear.py): the coefficients are read off
 * the models, by predicting at zero and at each unit vector. What every estimator must do is tried by
 * tests/conform/algos_test.c. */
#include "train/golden_sample.h"

#include "base/file.h"
#include "base/str.h"
#include "train/train.h"

#include <math.h>

enum { MOST_ROWS = 600, MOST_COLS = 30 };

/* A small table in memory. */
typedef struct sample {
    int64_t rows;
    int32_t cols, classes;
    double values[MOST_COLS][MOST_ROWS], y[MOST_ROWS], weight[MOST_ROWS];
    bool weighted;
} sample;

static void read_cancer(sample *s)
{
    char *text = NULL;
    size_t len = 0;

    memset(s, 0, sizeof *s);
    must(tarn_file_read("tests/golden/breast_cancer.csv", 0, &text, &len, err));
    char *at = strchr(text, '\n') + 1;
    for (s->cols = 30; *at; s->rows++) {
        for (int32_t j = 0; j < 30; j++) {
            size_t cell = strcspn(at, ",");
            assert_true(tarn_num_parse(at, cell, false, &s->values[j][s->rows]));
            at += cell + 1;
        }
        s->y[s->rows] = strncmp(at, "malignant", 9) == 0;
        s->weight[s->rows] = 0.5 + (double)(s->rows % 7) / 4;
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    tarn_free(text);
    assert_int_equal(s->rows, 569);
}

static void standardise(sample *s)
{
    for (int32_t j = 0; j < s->cols; j++) {
        double mean = 0, square = 0, *x = s->values[j];
        for (int64_t i = 0; i < s->rows; i++) mean += x[i] / (double)s->rows;
        for (int64_t i = 0; i < s->rows; i++) square += (x[i] - mean) * (x[i] - mean) / (double)s->rows;
        for (int64_t i = 0; i < s->rows; i++) x[i] = (x[i] - mean) / sqrt(square);
    }
}

/* The first column is the target, the others are as they are, or standardised. */
static void regression(sample *s, bool standard)
{
    read_cancer(s);
    memcpy(s->y, s->values[0], sizeof s->y);
    memmove(s->values[0], s->values[1], 29 * sizeof s->values[0]);
    s->cols = 29;
    if (standard) standardise(s);
}

/* 29 columns for two classes. */
static void classification(sample *s)
{
    read_cancer(s);
    memmove(s->values[0], s->values[1], 29 * sizeof s->values[0]);
    s->cols = 29;
    s->classes = 2;
    standardise(s);
}

static void set_all(const tarn_algo *algo, void *params, const char *settings)
{
    char copy[200], *at = copy;

    tarn_params_default(algo->params, params);
    (void)snprintf(copy, sizeof copy, "%s", settings);
    for (char *word = strtok_r(at, " ", &at); word; word = strtok_r(NULL, " ", &at)) {
        char *eq = strchr(word, '=');
        *eq = '\0';
        must(tarn_param_set(algo->params, params, word, eq + 1, err));
    }
}

/* How a fit is run. */
typedef struct run_as {
    tarn_pool *pool;
    tarn_comm *comm;
    double *objective; /* out; may be NULL */
    tarn_text *state;  /* may be NULL; what an earlier fit left, gets what this one leaves */
} run_as;

static tarn_code learn(const char *name, const char *settings, const sample *s, run_as how, tarn_model **model,
                       tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_algo *algo = NULL;
    const double *columns[MOST_COLS];
    tarn_feature features[MOST_COLS];
    uint32_t regs[MOST_COLS];
    tarn_dense dense;
    tarn_matrix x;
    tarn_fitted fitted = {0};
    tarn_fit job = {.x = &x, .seed = 1, .regs = regs, .pool = how.pool, .comm = how.comm};
    void *params = NULL;

    if (how.state && how.state->len > 0) job.before = how.state->data, job.before_len = how.state->len;
    job.keep_state = how.state != NULL;
    TARN_TRY(tarn_algo_find(name, &algo, err));
    TARN_TRY(tarn_alloc(&params, 1, algo->params_size, err));
    set_all(algo, params, settings);
    TARN_TRY(tarn_graph_new(&job.graph, err));
    for (int32_t j = 0; j < s->cols; j++) {
        char column[16];
        (void)snprintf(column, sizeof column, "x%d", j);
        columns[j] = s->values[j];
        TARN_TRY(tarn_graph_input(job.graph, column, TARN_NUMBER, false, NAN, NAN, NULL, NULL, 0, &regs[j], err));
        features[j] = *tarn_graph_feature(job.graph, regs[j]);
    }
    tarn_matrix_dense(&x, &dense, how.comm, s->rows, s->cols, columns, features);
    x.y = s->y + x.first;
    x.weight = s->weighted ? s->weight + x.first : NULL;
    x.classes = s->classes;
    TARN_TRY(tarn_train(algo, params, &job, &fitted, err));
    if (!fitted.converged) fail_msg("%s %s did not converge", name, settings);
    if (how.objective) *how.objective = fitted.objective;
    if (how.state) {
        tarn_text_clear(how.state);
        tarn_text_addn(how.state, fitted.state, fitted.state_len);
    }
    TARN_TRY(golden_finish(job.graph, s->classes, fitted.out, model, err));
done:
    tarn_free(fitted.importance);
    tarn_free(fitted.state);
    tarn_free(params);
    tarn_graph_free(job.graph);
    return rc;
}

/* What the model says where all columns are 0 but number `at` (-1: none), which is 1; of classes, the log odds. */
static double predict_at(const tarn_model *m, int32_t at)
{
    double in[MOST_COLS] = {0}, scratch[4000], out[1];

    assert_true(tarn_model_scratch(m) <= 4000);
    if (at >= 0) in[at] = 1;
    tarn_model_row(m, in, scratch, out);
    return tarn_model_classes(m) ? log(out[0] / (1 - out[0])) : out[0];
}

/* The stored values of a case: place 0 is the intercept. */
static int32_t golden(const char *name, double *values)
{
    char *text = NULL, cell[4][64];
    size_t len = 0;
    int32_t seen = 0;

    must(tarn_file_read("tests/golden/linear.csv", 0, &text, &len, err));
    for (char *line = text; *line; line += strcspn(line, "\n") + 1) {
        if (sscanf(line, "%63[^,],%63[^,],%63[^,],%63[^\n]", cell[0], cell[1], cell[2], cell[3]) != 4) continue;
        if (strcmp(cell[0], name) != 0) continue;
        assert_true(tarn_num_parse(cell[3], strlen(cell[3]), false, &values[seen++]));
    }
    tarn_free(text);
    assert_true(seen > 1);
    return seen;
}

/* A case of linear.csv: which estimator with which settings finds it, to which share of the largest coefficient. */
typedef struct golden_case {
    const char *name, *algo, *settings;
    double tolerance;
    bool weighted;
} golden_case;

static void compare(const golden_case *c, const sample *s)
{
    double want[MOST_COLS + 1], most = 0;
    tarn_model *model = NULL;

    must(learn(c->algo, c->settings, s, (run_as){0}, &model, err));
    assert_int_equal(golden(c->name, want), s->cols + 1);
    double base = predict_at(model, -1);
    for (int32_t j = 1; j <= s->cols; j++) most = fmax(most, fabs(want[j]));
    if (!(fabs(base - want[0]) <= c->tolerance * fmax(fabs(want[0]), most)))
        fail_msg("%s: intercept %.12g, scikit-learn has %.12g", c->name, base, want[0]);
    for (int32_t j = 0; j < s->cols; j++) {
        double b = predict_at(model, j) - base;
        if (!(fabs(b - want[j + 1]) <= c->tolerance * fmax(most, fabs(base) * 1e-6)))
            fail_msg("%s: coefficient %d is %.12g, scikit-learn has %.12g", c->name, (int)j, b, want[j + 1]);
    }
    tarn_model_free(model);
}

static void compare_all(const golden_case *cases, size_t count, sample *s)
{
    for (size_t i = 0; i < count; i++) {
        s->weighted = cases[i].weighted;
        compare(&cases[i], s);
    }
}

static void least_squares_finds_scikit_learns_coefficients(void **state)
{
    static sample s;
    static const golden_case raw[] = {{"ols", "ols", "", 1e-7, false},
                                      {"ols_weighted", "ols", "", 1e-7, true},
                                      {"ols_no_intercept", "ols", "intercept=false", 1e-7, false}};
    static const golden_case dependent[] = {{"ols_dependent", "ols", "", 1e-7, false}};
    static const golden_case few[] = {{"ols_few_rows", "ols", "", 1e-7, false}};
    (void)state;

    regression(&s, false);
    compare_all(raw, 3, &s);
    regression(&s, true);
    memcpy(s.values[5], s.values[3], sizeof s.values[5]);
    for (int64_t i = 0; i < s.rows; i++) s.values[7][i] = s.values[8][i] + s.values[9][i];
    compare_all(dependent, 1, &s);
    regression(&s, true);
    s.rows = 20;
    compare_all(few, 1, &s);
}

static void penalised_least_squares_finds_scikit_learns_coefficients(void **state)
{
    static sample s;
    static const golden_case cases[] = {
        {"ridge", "ridge", "alpha=1", 1e-9, false},
        {"ridge_weighted", "ridge", "alpha=10", 1e-9, true},
        {"lasso", "elastic_net", "alpha=0.05 l1_ratio=1 tol=1e-13", 1e-6, false},
        {"elastic_net", "elastic_net", "alpha=0.2 l1_ratio=0.3 tol=1e-13", 1e-6, false},
        {"elastic_net_weighted", "elastic_net", "alpha=0.2 l1_ratio=0.3 tol=1e-13", 1e-6, true},
        {"elastic_net_cv", "elastic_net", "tol=1e-13", 1e-6, false},
    };
    (void)state;

    regression(&s, true);
    compare_all(cases, sizeof cases / sizeof cases[0], &s);
}

/* The model of rows from .. to - 1, which goes on from *state. */
static tarn_model *learn_part(const char *algo, const char *settings, const sample *s, int64_t from, int64_t to,
                              tarn_text *state)
{
    static sample part;
    tarn_model *model = NULL;

    part = *s;
    part.rows = to - from;
    for (int32_t j = 0; j < s->cols; j++)
        memcpy(part.values[j], s->values[j] + from, (size_t)part.rows * sizeof(double));
    memcpy(part.y, s->y + from, (size_t)part.rows * sizeof(double));
    memcpy(part.weight, s->weight + from, (size_t)part.rows * sizeof(double));
    must(learn(algo, settings, &part, (run_as){.state = state}, &model, err));
    return model;
}

/* Few rows, one row, all others: as all at once, but for rounding. */
static void learning_on_is_as_learning_at_once(void **state)
{
    static sample s;
    static const struct {
        const char *algo, *settings;
        double tolerance; /* of the sum of absolute terms */
        bool weighted, standard;
    } cases[] = {{"ols", "", 1e-8, false, true},
                 {"ols", "", 1e-6, false, false},
                 {"ols", "", 1e-8, true, true},
                 {"ols", "intercept=false", 1e-8, false, true},
                 {"ridge", "alpha=1", 1e-12, false, true},
                 {"ridge", "alpha=10", 1e-12, true, true},
                 {"ridge", "alpha=1", 1e-8, false, false}};
    static const int64_t borders[] = {0, 10, 11, 569};
    (void)state;

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        tarn_model *whole = NULL, *on = NULL;
        tarn_text left = {0};
        regression(&s, cases[c].standard);
        s.weighted = cases[c].weighted;
        must(learn(cases[c].algo, cases[c].settings, &s, (run_as){0}, &whole, err));
        for (size_t k = 0; k < 3; k++) {
            tarn_model_free(on);
            on = learn_part(cases[c].algo, cases[c].settings, &s, borders[k], borders[k + 1], &left);
        }
        double base = predict_at(whole, -1), most = fabs(base);
        for (int32_t j = 0; j < s.cols; j++) most = fmax(most, fabs(predict_at(whole, j) - base));
        for (int32_t j = -1; j < s.cols; j++) {
            double want = predict_at(whole, j), got = predict_at(on, j);
            if (!(fabs(got - want) <= cases[c].tolerance * most))
                fail_msg("%s %s, case %d: at %d %.15g after learning on, %.15g at once", cases[c].algo,
                         cases[c].settings, (int)c, (int)j, got, want);
        }
        tarn_text_clear(&left);
        tarn_model_free(whole);
        tarn_model_free(on);
    }
}

static void robust_and_quantile_regression_find_scikit_learns_coefficients(void **state)
{
    static sample s;
    static const golden_case cases[] = {
        {"huber", "huber", "", 1e-5, false},
        {"huber_weighted", "huber", "alpha=0.1", 1e-5, true},
        {"quantile", "quantile", "quantile=0.7 tol=1e-11", 1e-5, false},
        {"quantile_l1", "quantile", "quantile=0.3 alpha=0.02 tol=1e-11", 1e-5, false},
        {"quantile_weighted", "quantile", "tol=1e-11", 1e-5, true},
    };
    (void)state;

    regression(&s, true);
    compare_all(cases, sizeof cases / sizeof cases[0], &s);
}

static void support_vector_regression_finds_scikit_learns_coefficients(void **state)
{
    static sample s;
    static const golden_case cases[] = {
        {"svr_squared", "linear_svm", "C=0.1 epsilon=0.1 tol=1e-10", 1e-6, false},
        {"svr_squared", "linear_svm", "C=0.1 epsilon=0.1 tol=1e-9 solver=dual max_iter=1000000", 1e-5, false},
        {"svr_plain", "linear_svm", "C=0.1 epsilon=0.1 loss=hinge tol=1e-8 max_iter=1000000", 1e-3, false},
    };
    (void)state;

    regression(&s, true);
    compare_all(cases, sizeof cases / sizeof cases[0], &s);
}

/* Probabilities are the sigmoid of A times the margin plus B: coefficients are scikit-learn's up to a factor, and the
 * model puts rows in the same order. */
static void compare_direction(const golden_case *c, const sample *s)
{
    double want[MOST_COLS + 1], most = 0;
    tarn_model *model = NULL;
    int32_t top = 0;

    must(learn(c->algo, c->settings, s, (run_as){0}, &model, err));
    assert_int_equal(golden(c->name, want), s->cols + 1);
    for (int32_t j = 0; j < s->cols; j++)
        if (fabs(want[j + 1]) > most) most = fabs(want[j + 1]), top = j;
    double base = predict_at(model, -1), slope = (predict_at(model, top) - base) / want[top + 1];
    assert_true(slope > 0);
    for (int32_t j = 0; j < s->cols; j++) {
        double b = (predict_at(model, j) - base) / slope;
        if (!(fabs(b - want[j + 1]) <= c->tolerance * most))
            fail_msg("%s %s: coefficient %d is %.12g, scikit-learn has %.12g", c->name, c->settings, (int)j, b,
                     want[j + 1]);
    }
    tarn_model_free(model);
}

static void support_vector_classes_find_scikit_learns_coefficients(void **state)
{
    static sample s;
    static const golden_case cases[] = {
        {"svc_squared", "linear_svm", "C=0.5 tol=1e-10", 1e-6, false},
        {"svc_squared", "linear_svm", "C=0.5 solver=dual tol=1e-9 max_iter=1000000", 1e-5, false},
        {"svc_weighted", "linear_svm", "C=0.5 tol=1e-10", 1e-6, true},
        {"svc_hinge", "linear_svm", "C=0.1 loss=hinge tol=1e-8 max_iter=1000000", 1e-4, false},
    };
    (void)state;

    classification(&s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        s.weighted = cases[i].weighted;
        compare_direction(&cases[i], &s);
    }
}

/* Three classes by size, all together: probabilities do not show the coefficients, but what is minimised does. Golden:
 * scikit-learn 1.2.1, LinearSVC(C=0.1, multi_class='crammer_singer', tol=1e-6, random_state=1), evaluated in numpy. */
static void classes_learned_together_reach_scikit_learns_objective(void **state)
{
    static sample s;
    static const double golden_objective[] = {15.732197881045291, 18.310077544480876}; /* plain, weighted */
    const char *settings = "C=0.1 folds=0 multi_class=crammer_singer tol=1e-4 max_iter=100000";
    (void)state;

    read_cancer(&s);
    for (int64_t i = 0; i < s.rows; i++) s.y[i] = (s.values[0][i] > 12) + (s.values[0][i] > 15);
    memmove(s.values[0], s.values[1], 29 * sizeof s.values[0]);
    s.cols = 29;
    s.classes = 3;
    standardise(&s);
    for (int w = 0; w < 2; w++) {
        double objective = 0;
        tarn_model *model = NULL;
        s.weighted = w == 1;
        must(learn("linear_svm", settings, &s, (run_as){.objective = &objective}, &model, err));
        assert_true(fabs(objective / golden_objective[w] - 1) < 1e-4);
        tarn_model_free(model);
    }
}

/* ---- the same bytes from the ways that the conformance tests' settings do not take ---- */

typedef struct ranks_job {
    const char *algo, *settings;
    const sample *s;
    const tarn_model *want;
} ranks_job;

static void same(const tarn_model *a, const tarn_model *b)
{
    size_t la = 0, lb = 0;
    const void *x = tarn_model_bytes(a, &la), *y = tarn_model_bytes(b, &lb);

    assert_int_equal(la, lb);
    assert_memory_equal(x, y, la);
}

static tarn_code as_rank(void *arg, tarn_comm *comm, tarn_err *err)
{
    const ranks_job *job = arg;
    tarn_model *model = NULL;
    tarn_code rc = learn(job->algo, job->settings, job->s, (run_as){.comm = comm}, &model, err);

    if (rc == TARN_OK) same(job->want, model);
    tarn_model_free(model);
    return rc;
}

static void workers_make_no_difference(void **state)
{
    static sample s;
    static const char *const cases[][2] = {{"linear_svm", "solver=dual tol=0.01"},
                                           {"linear_svm", "solver=dual loss=hinge tol=0.01"},
                                           {"linear_svm", "multi_class=crammer_singer C=0.01 max_iter=100000"},
                                           {"ols", ""}};
    (void)state;

    classification(&s);
    memcpy(s.values[3], s.values[4], sizeof s.values[3]); /* ols goes by the triangle */
    for (size_t i = 0; i < 4; i++) {
        tarn_model *model = NULL, *other = NULL;
        run_as how = {0};
        s.classes = i < 2 ? 2 : i == 2 ? 3 : 0;
        for (int64_t k = 0; i == 2 && k < s.rows; k++) s.y[k] += s.y[k] > 0 && k % 2 > 0; /* of the second class, two */
        must(learn(cases[i][0], cases[i][1], &s, how, &model, err));
        must(tarn_pool_new(3, &how.pool, err));
        must(learn(cases[i][0], cases[i][1], &s, how, &other, err));
        same(model, other);
        ranks_job job = {cases[i][0], cases[i][1], &s, model};
        must(tarn_comm_run_threads(3, as_rank, &job, err));
        tarn_model_free(model);
        tarn_model_free(other);
        tarn_pool_free(how.pool);
    }
}

TARN_TESTS(TARN_TEST(least_squares_finds_scikit_learns_coefficients),
           TARN_TEST(penalised_least_squares_finds_scikit_learns_coefficients),
           TARN_TEST(learning_on_is_as_learning_at_once),
           TARN_TEST(robust_and_quantile_regression_find_scikit_learns_coefficients),
           TARN_TEST(support_vector_regression_finds_scikit_learns_coefficients),
           TARN_TEST(support_vector_classes_find_scikit_learns_coefficients),
           TARN_TEST(classes_learned_together_reach_scikit_learns_objective), TARN_TEST(workers_make_no_difference))
