/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_test.c - coefficients against scikit-learn 1.2.1 (tests/golden/logistic.py), and what the formulas say. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "base/str.h"
#include "train/algos/logistic_parts.h"
#include "train/train.h"

#include <math.h>

extern const tarn_algo tarn_algo_logistic;

enum { MOST_ROWS = 600, MOST_COLS = 32 };

/* A small table in memory, as a job wants it. */
typedef struct sample {
    int64_t rows;
    int32_t cols;
    double values[MOST_COLS][MOST_ROWS], y[MOST_ROWS], weight[MOST_ROWS];
    const double *columns[MOST_COLS];
    tarn_feature features[MOST_COLS];
    tarn_dense dense;
    tarn_matrix matrix;
    uint32_t regs[MOST_COLS];
    tarn_fit job;
} sample;

static void sample_ready(sample *s, int32_t classes, bool weighted)
{
    for (int32_t j = 0; j < s->cols; j++) {
        s->columns[j] = s->values[j];
        s->regs[j] = (uint32_t)j;
        if (!s->features[j].name[0]) (void)snprintf(s->features[j].name, sizeof s->features[j].name, "x%d", j);
    }
    tarn_matrix_dense(&s->matrix, &s->dense, NULL, s->rows, s->cols, s->columns, s->features);
    s->matrix.y = s->y;
    s->matrix.weight = weighted ? s->weight : NULL;
    s->matrix.classes = classes;
    s->job = (tarn_fit){.x = &s->matrix, .regs = s->regs};
}

/* Comma-separated text, cell by cell; true while there are more. */
static bool cell(const char **at, char *out, size_t cap, bool *end_of_line)
{
    size_t len = strcspn(*at, ",\n");

    if (!**at) return false;
    (void)snprintf(out, cap, "%.*s", (int)len, *at);
    *end_of_line = (*at)[len] == '\n';
    *at += len + 1;
    return true;
}

static double number(const char *text)
{
    double x = 0;

    assert_true(tarn_num_parse(text, strlen(text), false, &x));
    return x;
}

/* A golden CSV: the last column is the label, classes in the order of their names. */
static void sample_read(sample *s, const char *path, const char *const *classes)
{
    char *text = NULL, word[64];
    size_t len = 0;
    bool end = false;
    int32_t j = 0;

    memset(s, 0, sizeof *s);
    must(tarn_file_read(path, 0, &text, &len, err));
    const char *at = text;
    while (!end && cell(&at, word, sizeof word, &end))
        if (!end) (void)snprintf(s->features[s->cols++].name, sizeof s->features[0].name, "%s", word);
    for (; cell(&at, word, sizeof word, &end); j = end ? 0 : j + 1) {
        if (!end) s->values[j][s->rows] = number(word);
        else {
            while (strcmp(classes[(int)s->y[s->rows]], word) != 0) s->y[s->rows]++;
            s->weight[s->rows] = 0.5 + (double)(s->rows % 7) / 4;
            s->rows++;
        }
    }
    tarn_free(text);
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

static const char *const cancer_classes[] = {"benign", "malignant"};
static const char *const iris_classes[] = {"setosa", "versicolor", "virginica"};

static logistic_params presets(void)
{
    logistic_params params = {0};

    tarn_params_default(tarn_algo_logistic.params, &params);
    return params;
}

static void solve(const sample *s, const logistic_params *params, double *theta, tarn_fitted *out)
{
    logistic_problem p = {0};

    *out = (tarn_fitted){0};
    must(logistic_open(&p, &s->job, params, err));
    bool absolute = p.absolute > 0 && params->solver == LOGISTIC_NEWTON;
    must((params->solver == LOGISTIC_LBFGS ? logistic_lbfgs
          : absolute                       ? logistic_proximal
                                           : logistic_newton)(&p, params, theta, out, err));
    logistic_close(&p);
}

/* Within `tolerance` of the stored coefficient, relatively; 1e-9 absolutely, for those that are nearly zero. */
static void compare_with_golden(const char *name, const sample *s, const double *theta, double tolerance)
{
    char *text = NULL, cells[4][160];
    size_t len = 0;
    int32_t seen = 0, wide = s->cols + 1;
    bool end = false;

    must(tarn_file_read("tests/golden/logistic.csv", 0, &text, &len, err));
    const char *at = text;
    while (cell(&at, cells[0], sizeof cells[0], &end)) {
        for (int c = 1; c < 4; c++) assert_true(cell(&at, cells[c], sizeof cells[c], &end));
        if (strcmp(cells[0], name) != 0) continue;
        double golden = number(cells[3]);
        int32_t j = 0;
        while (j < s->cols && strcmp(s->features[j].name, cells[2]) != 0) j++;
        double ours = theta[(int32_t)number(cells[1]) * wide + j];
        if (!(fabs(ours - golden) <= tolerance * fabs(golden) + 1e-9))
            fail_msg("%s, output %s, %s: %.17g, scikit-learn has %.17g", name, cells[1], cells[2], ours, golden);
        seen++;
    }
    tarn_free(text);
    assert_int_equal(seen, wide * (s->matrix.classes == 2 ? 1 : s->matrix.classes));
}

/* Newton must come within 1e-6 always; L-BFGS, which sees the gradient only, within `loose`. */
static void golden(const char *name, const sample *s, double c, bool balanced, double loose)
{
    double theta[3 * (MOST_COLS + 1)];
    logistic_params params = presets();
    tarn_fitted out;

    params.C = c;
    params.class_weight = balanced ? LOGISTIC_BALANCED : LOGISTIC_EQUAL;
    params.tol = 1e-10;
    params.max_iter = 100000;
    for (params.solver = LOGISTIC_NEWTON; params.solver <= LOGISTIC_LBFGS; params.solver++) {
        solve(s, &params, theta, &out);
        assert_true(out.converged);
        compare_with_golden(name, s, theta, params.solver == LOGISTIC_NEWTON ? 1e-6 : loose);
        if (params.solver == LOGISTIC_NEWTON) assert_in_range(out.iterations, 3, 20);
    }
}

/* L1 and mixed penalties: the same coefficients, and the same zeros. */
static void golden_absolute(const char *name, const sample *s, double c, double ratio)
{
    double theta[3 * (MOST_COLS + 1)];
    logistic_params params = presets();
    tarn_fitted out;

    params.C = c;
    params.l1_ratio = ratio;
    params.tol = 1e-9;
    params.max_iter = 100000;
    for (params.solver = LOGISTIC_NEWTON; params.solver <= LOGISTIC_LBFGS; params.solver++) {
        solve(s, &params, theta, &out);
        assert_true(out.converged);
        double mean = 0; /* intercepts of several classes may lie anywhere together */
        int32_t outputs = s->matrix.classes == 2 ? 1 : s->matrix.classes, wide = s->cols + 1;
        for (int32_t k = 0; k < outputs; k++) mean += theta[k * wide + s->cols] / outputs;
        for (int32_t k = 0; k < outputs && outputs > 1; k++) theta[k * wide + s->cols] -= mean;
        compare_with_golden(name, s, theta, params.solver == LOGISTIC_NEWTON ? 2e-6 : 2e-5);
    }
}

static void absolute_penalties_find_scikit_learns_coefficients(void **state)
{
    static sample s;
    (void)state;

    sample_read(&s, "tests/golden/breast_cancer.csv", cancer_classes);
    standardise(&s);
    sample_ready(&s, 2, false);
    golden_absolute("cancer_lasso", &s, 0.1, 1);
    golden_absolute("cancer_elastic", &s, 1, 0.5);
    sample_read(&s, "tests/golden/iris.csv", iris_classes);
    standardise(&s);
    sample_ready(&s, 3, false);
    golden_absolute("iris_lasso", &s, 1, 1);
}

static void finds_scikit_learns_coefficients_for_two_classes(void **state)
{
    static sample s;
    (void)state;

    sample_read(&s, "tests/golden/breast_cancer.csv", cancer_classes);
    assert_int_equal(s.rows, 569);
    sample_ready(&s, 2, false);
    /* columns from 0.003 to 4000 and nearly dependent: along the flattest direction a gradient of 1e-10 is 1e-5 away */
    golden("cancer_raw", &s, 10, false, 1e-5);
    standardise(&s);
    golden("cancer", &s, 1, false, 1e-6);
    sample_ready(&s, 2, true);
    golden("cancer_weighted", &s, 0.1, true, 1e-6);
}

static void finds_scikit_learns_coefficients_for_three_classes(void **state)
{
    static sample s;
    (void)state;

    sample_read(&s, "tests/golden/iris.csv", iris_classes);
    assert_int_equal(s.rows, 150);
    sample_ready(&s, 3, true);
    golden("iris_weighted", &s, 10, true, 1e-6);
    standardise(&s);
    sample_ready(&s, 3, false);
    golden("iris", &s, 1, false, 1e-6);
}

static void separable_data_converge_to_scikit_learns_coefficients(void **state)
{
    static sample s;
    (void)state;

    sample_read(&s, "tests/golden/iris.csv", iris_classes);
    standardise(&s);
    for (int64_t i = 0; i < s.rows; i++) s.y[i] = s.y[i] == 0;
    sample_ready(&s, 2, false);
    golden("iris_separable", &s, 100, false, 1e-6);
}

static void separable_data_converge_with_hardly_any_penalty(void **state)
{
    static sample s;
    logistic_params params = presets();
    double theta[2];
    tarn_fitted out;
    (void)state;

    memset(&s, 0, sizeof s);
    s.rows = 4;
    s.cols = 1;
    for (int i = 0; i < 4; i++) s.values[0][i] = i - 1.5, s.y[i] = i > 1;
    sample_ready(&s, 2, false);
    params.C = 1e12;
    for (params.solver = LOGISTIC_NEWTON; params.solver <= LOGISTIC_LBFGS; params.solver++) {
        solve(&s, &params, theta, &out);
        assert_true(out.converged);
        assert_true(theta[0] > 10);
    }
}

/* One column of ones and no intercept: with m of n rows of class 1 and C large, the coefficient is log(m / (n - m)). */
static void a_constant_alone_gives_the_log_odds(void **state)
{
    static sample s;
    logistic_params params = presets();
    double theta[1];
    tarn_fitted out;
    (void)state;

    memset(&s, 0, sizeof s);
    s.rows = 10;
    s.cols = 1;
    for (int i = 0; i < 10; i++) s.values[0][i] = 1, s.y[i] = i < 3;
    sample_ready(&s, 2, false);
    params.C = 1e12;
    params.tol = 1e-12;
    params.intercept = false;
    solve(&s, &params, theta, &out);
    assert_true(fabs(theta[0] - log(3.0 / 7.0)) < 1e-10);
    /* the objective is the loss in scikit-learn's scale: -3 log 0.3 - 7 log 0.7 */
    assert_true(fabs(out.objective - (-3 * log(0.3) - 7 * log(0.7))) < 1e-9);
}

/* A penalty on squares shares a coefficient equally between equal columns. */
static void equal_columns_get_equal_coefficients(void **state)
{
    static sample s;
    logistic_params params = presets();
    double theta[32];
    tarn_fitted out;
    (void)state;

    sample_read(&s, "tests/golden/breast_cancer.csv", cancer_classes);
    standardise(&s);
    memcpy(s.values[7], s.values[3], sizeof s.values[3]);
    sample_ready(&s, 2, false);
    params.tol = 1e-10;
    params.C = 1e6;
    solve(&s, &params, theta, &out);
    assert_true(out.converged);
    assert_true(fabs(theta[7] - theta[3]) < 1e-6 * fabs(theta[3]));
}

/* A penalty on absolute values alone adds nothing to the Hessian, so that it is 0 along a column of zeros. */
static void a_column_of_zeros_takes_no_part(void **state)
{
    static sample s;
    logistic_params params = presets();
    double newton[3 * (MOST_COLS + 1)], theta[3 * (MOST_COLS + 1)];
    tarn_fitted out;
    (void)state;

    sample_read(&s, "tests/golden/iris.csv", iris_classes);
    standardise(&s);
    memset(s.values[1], 0, sizeof s.values[1]);
    sample_ready(&s, 3, false);
    params.tol = 1e-9;
    for (int half = 0; half <= 2; half++) {
        params.l1_ratio = half / 2.0;
        params.solver = LOGISTIC_NEWTON;
        solve(&s, &params, newton, &out);
        params.solver = LOGISTIC_LBFGS;
        solve(&s, &params, theta, &out);
        assert_true(out.converged);
        for (int32_t k = 0; k < 3; k++) {
            assert_true(theta[k * (s.cols + 1) + 1] == 0);
            for (int32_t j = 0; j < s.cols; j++)
                assert_true(fabs(theta[k * (s.cols + 1) + j] - newton[k * (s.cols + 1) + j]) < 1e-5);
        }
    }
}

static void columns_of_very_unlike_size_converge(void **state)
{
    static sample s;
    logistic_params params = presets();
    double theta[5];
    tarn_fitted out;
    (void)state;

    sample_read(&s, "tests/golden/iris.csv", iris_classes);
    for (int64_t i = 0; i < s.rows; i++) {
        s.y[i] = s.y[i] == 2;
        s.values[0][i] *= 1e9;
        s.values[1][i] = s.values[1][i] * 1e-9 + 1;
        s.values[2][i] = s.values[2][i] + 1e6;
    }
    sample_ready(&s, 2, false);
    params.solver = LOGISTIC_NEWTON;
    solve(&s, &params, theta, &out);
    assert_true(out.converged);
    assert_true(out.objective < 150 * log(2) / 4);
}

typedef struct listener {
    double last;
    int lines;
    bool rose, cancel;
} listener;

static void hear(void *self, tarn_level level, const char *line)
{
    listener *l = self;
    const char *at = strstr(line, "mean loss ");
    (void)level;

    if (!at) return;
    double loss = strtod(at + 10, NULL);
    if (l->lines > 0 && loss > l->last) l->rose = true;
    l->last = loss;
    l->lines++;
}

static bool ask(void *self) { return ((listener *)self)->cancel && ((listener *)self)->lines > 2; }

static void the_objective_never_rises(void **state)
{
    static sample s;
    logistic_params params = presets();
    double theta[32];
    tarn_fitted out;
    (void)state;

    sample_read(&s, "tests/golden/breast_cancer.csv", cancer_classes);
    sample_ready(&s, 2, false);
    params.C = 1e4;
    for (params.solver = LOGISTIC_NEWTON; params.solver <= LOGISTIC_LBFGS; params.solver++) {
        listener l = {0};
        tarn_sink sink = {.self = &l, .say = hear};
        s.job.sink = &sink;
        solve(&s, &params, theta, &out);
        assert_true(l.lines > 5);
        assert_false(l.rose);
    }
}

static void stops_when_cancelled_and_at_the_limit_of_steps(void **state)
{
    static sample s;
    logistic_params params = presets();
    logistic_problem p = {0};
    double theta[32];
    tarn_fitted out = {0};
    listener l = {.cancel = true};
    tarn_sink sink = {.self = &l, .say = hear, .cancelled = ask};
    (void)state;

    sample_read(&s, "tests/golden/breast_cancer.csv", cancer_classes);
    sample_ready(&s, 2, false);
    s.job.sink = &sink;
    must(logistic_open(&p, &s.job, &params, err));
    must_fail_with(TARN_CANCELLED, "", logistic_newton(&p, &params, theta, &out, err));
    must_fail_with(TARN_CANCELLED, "", logistic_lbfgs(&p, &params, theta, &out, err));
    logistic_close(&p);
    s.job.sink = NULL;
    params.max_iter = 2;
    for (params.solver = LOGISTIC_NEWTON; params.solver <= LOGISTIC_LBFGS; params.solver++) {
        solve(&s, &params, theta, &out);
        assert_false(out.converged);
        assert_int_equal(out.iterations, 2);
        assert_true(out.objective < 569 * log(2));
    }
}

static void says_which_column_overflows_and_when_newton_is_too_much(void **state)
{
    static sample s;
    logistic_params params = presets();
    logistic_problem p = {0};
    tarn_fitted out = {0};
    (void)state;

    sample_read(&s, "tests/golden/iris.csv", iris_classes);
    sample_ready(&s, 3, false);
    must(logistic_open(&p, &s.job, &params, err));
    p.thetas = 5001;
    must_fail_with(TARN_LIMIT, "lbfgs", logistic_newton(&p, &params, NULL, &out, err));
    p.thetas = 15;
    logistic_close(&p);
    s.values[2][5] = 1e200;
    must_fail_with(TARN_NUMERIC, "petal_length", logistic_open(&p, &s.job, &params, err));
}

/* The model's numbers are the coefficients': softmax of bias + weights x, worked out here with libm. */
static void the_model_predicts_what_the_coefficients_say(void **state)
{
    static sample s;
    static double probability[3 * MOST_ROWS];
    static const char *const names[] = {"0", "1", "2"};
    logistic_params params = presets();
    tarn_fitted out = {0}, direct = {0};
    tarn_model *model = NULL;
    double theta[15];
    (void)state;

    sample_read(&s, "tests/golden/iris.csv", iris_classes);
    sample_ready(&s, 3, false);
    must(tarn_graph_new(&s.job.graph, err));
    for (int32_t j = 0; j < s.cols; j++)
        must(tarn_graph_input(s.job.graph, s.features[j].name, TARN_NUMBER, false, 0, 10, NULL, NULL, 0, &s.regs[j],
                              err));
    must(tarn_train(&tarn_algo_logistic, &params, &s.job, &out, err));
    must(tarn_graph_output(s.job.graph, TARN_MULTICLASS, "species", (uint32_t[]){out.out, out.out + 1, out.out + 2}, 3,
                           names, 3, NAN, err));
    must(tarn_graph_finish(s.job.graph, &model, err));
    must(tarn_model_run(model, NULL, s.rows, s.columns, probability, err));
    solve(&s, &params, theta, &direct);
    assert_int_equal(out.iterations, direct.iterations);
    for (int64_t i = 0; i < s.rows; i++) {
        double e[3], sum = 0;
        for (int k = 0; k < 3; k++) {
            e[k] = theta[5 * k + 4];
            for (int j = 0; j < 4; j++) e[k] += theta[5 * k + j] * s.values[j][i];
            sum += e[k] = exp(e[k]);
        }
        for (int k = 0; k < 3; k++) assert_true(fabs(probability[k * s.rows + i] - e[k] / sum) < 1e-13);
    }
    tarn_free(out.importance);
    tarn_model_free(model);
    tarn_graph_free(s.job.graph);
}

/* Two columns, the second ten times as wide: |coefficient| x deviation from numbers computed here. */
static void importance_is_coefficient_times_deviation(void **state)
{
    static sample s;
    logistic_params params = presets();
    tarn_fitted out = {0}, direct = {0};
    double theta[32];
    (void)state;

    sample_read(&s, "tests/golden/breast_cancer.csv", cancer_classes);
    sample_ready(&s, 2, false);
    must(tarn_graph_new(&s.job.graph, err));
    for (int32_t j = 0; j < s.cols; j++)
        must(tarn_graph_input(s.job.graph, s.features[j].name, TARN_NUMBER, false, 0, 10, NULL, NULL, 0, &s.regs[j],
                              err));
    must(tarn_train(&tarn_algo_logistic, &params, &s.job, &out, err));
    solve(&s, &params, theta, &direct);
    for (int32_t j = 0; j < s.cols; j++) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < s.rows; i++) mean += s.values[j][i] / (double)s.rows;
        for (int64_t i = 0; i < s.rows; i++) square += pow(s.values[j][i] - mean, 2) / (double)s.rows;
        double want = fabs(theta[j]) * sqrt(square);
        assert_true(fabs(out.importance[j] - want) <= 1e-9 * want);
    }
    tarn_free(out.importance);
    tarn_graph_free(s.job.graph);
}

/* Every remainder of rows, columns and outputs against plain loops. */
static void the_kernels_multiply_as_plain_loops_do(void **state)
{
    enum { STRIDE = 24, MOST = 9 };
    double x[MOST * STRIDE], theta[MOST * MOST], z[MOST * STRIDE], r[MOST * STRIDE], g[MOST * MOST];
    (void)state;

    for (size_t i = 0; i < MOST * STRIDE; i++) x[i] = (double)(i * 7 % 31) - 15, r[i] = (double)(i * 5 % 29) - 14;
    for (size_t i = 0; i < MOST * MOST; i++) theta[i] = (double)(i * 3 % 23) - 11;
    for (size_t rows = 1; rows < 20; rows++)
        for (size_t cols = 1; cols <= MOST; cols++)
            for (size_t outputs = 1; outputs <= 5; outputs++) {
                logistic_tile tile = {rows, cols, STRIDE, x};
                memset(g, 0, sizeof g);
                logistic_times(&tile, outputs, theta, z);
                logistic_transposed(&tile, outputs, r, g);
                for (size_t k = 0; k < outputs; k++) { /* whole numbers: no rounding, so equal in any order */
                    for (size_t i = 0; i < rows; i++) {
                        double sum = 0;
                        for (size_t j = 0; j < cols; j++) sum += theta[k * cols + j] * x[j * STRIDE + i];
                        assert_true(z[k * STRIDE + i] == sum);
                    }
                    for (size_t j = 0; j < cols; j++) {
                        double sum = 0;
                        for (size_t i = 0; i < rows; i++) sum += r[k * STRIDE + i] * x[j * STRIDE + i];
                        assert_true(g[k * cols + j] == sum);
                    }
                }
            }
}

TARN_TESTS(TARN_TEST(absolute_penalties_find_scikit_learns_coefficients),
           TARN_TEST(the_kernels_multiply_as_plain_loops_do),
           TARN_TEST(finds_scikit_learns_coefficients_for_two_classes),
           TARN_TEST(finds_scikit_learns_coefficients_for_three_classes),
           TARN_TEST(separable_data_converge_to_scikit_learns_coefficients),
           TARN_TEST(separable_data_converge_with_hardly_any_penalty), TARN_TEST(a_constant_alone_gives_the_log_odds),
           TARN_TEST(equal_columns_get_equal_coefficients), TARN_TEST(a_column_of_zeros_takes_no_part),
           TARN_TEST(columns_of_very_unlike_size_converge), TARN_TEST(the_objective_never_rises),
           TARN_TEST(stops_when_cancelled_and_at_the_limit_of_steps),
           TARN_TEST(says_which_column_overflows_and_when_newton_is_too_much),
           TARN_TEST(the_model_predicts_what_the_coefficients_say),
           TARN_TEST(importance_is_coefficient_times_deviation))
