/* SPDX-License-Identifier: Apache-2.0 */
/* knn_test.c - against scikit-learn 1.2.1 (tests/golden/knn.py), one way of searching against another, and ties. */
#include "train/golden_sample.h"

#include "train/algos/knn_parts.h"

#include <math.h>

extern const tarn_algo tarn_algo_knn;

enum { ROWS = 500, ASKED = 12, MOST_COLS = 40 };

typedef struct sample {
    int32_t cols, classes;
    double values[MOST_COLS][ROWS], asked[MOST_COLS][ASKED], y[ROWS];
    knn_params params;
} sample;

static void sample_make(sample *s, int32_t cols, int32_t classes)
{
    memset(s, 0, sizeof *s);
    s->cols = cols;
    s->classes = classes;
    tarn_params_default(tarn_algo_knn.params, &s->params);
    for (int32_t j = 0; j < cols; j++) {
        for (int64_t i = 0; i < ROWS; i++) s->values[j][i] = golden_formula(1 + i * cols + j);
        for (int64_t i = 0; i < ASKED; i++) s->asked[j][i] = golden_formula(50001 + i * cols + j);
    }
    for (int i = 0; i < ROWS; i++) {
        double score = s->values[0][i] + s->values[1][i];
        s->y[i] = classes == 0 ? score : floor(score * classes / 2.000001);
    }
}

/* Learn, and predict the rows asked about: out (outputs, ASKED). */
static void predict(const sample *s, double *out)
{
    const double *columns[MOST_COLS], *asked[MOST_COLS];
    tarn_feature features[MOST_COLS] = {0};
    uint32_t regs[MOST_COLS];
    tarn_dense dense;
    tarn_matrix matrix;
    tarn_fitted fitted = {0};
    tarn_model *model = NULL;
    tarn_fit job = {.x = &matrix, .regs = regs};

    must(tarn_graph_new(&job.graph, err));
    for (int32_t j = 0; j < s->cols; j++) {
        columns[j] = s->values[j];
        asked[j] = s->asked[j];
        (void)snprintf(features[j].name, sizeof features[j].name, "x%d", j);
        must(tarn_graph_input(job.graph, features[j].name, TARN_NUMBER, true, 0, 1, NULL, NULL, 0, &regs[j], err));
    }
    tarn_matrix_dense(&matrix, &dense, NULL, ROWS, s->cols, columns, features);
    matrix.y = s->y;
    matrix.classes = s->classes;
    must(tarn_train(&tarn_algo_knn, &s->params, &job, &fitted, err));
    must(golden_finish(job.graph, s->classes, fitted.out, &model, err));
    must(tarn_model_run(model, NULL, ASKED, asked, out, err));
    tarn_model_free(model);
    tarn_graph_free(job.graph);
}

static void case_of(const char *at)
{
    sample s;
    double out[3 * ASKED];
    const char *line = at;

    int32_t cols = (int32_t)golden_number(&at);
    sample_make(&s, cols, (int32_t)golden_number(&at));
    golden_set(&tarn_algo_knn, &s.params, "metric", &at);
    golden_set(&tarn_algo_knn, &s.params, "weights", &at);
    golden_set(&tarn_algo_knn, &s.params, "k", &at);
    predict(&s, out);
    for (int i = 0; i < ASKED; i++) {
        double golden = golden_number(&at), ours = out[(s.classes > 2 ? s.classes - 1 : 0) * ASKED + i];
        /* 1 - cosine of a small angle has few correct digits, in either program */
        double tolerance = s.params.metric == TARN_METRIC_COSINE ? 1e-6 : 1e-9;
        if (!(fabs(ours - golden) <= tolerance))
            fail_msg("row %d: %.12g instead of %.12g: %.40s", i, ours, golden, line);
    }
}

static void predictions_are_those_of_scikit_learn(void **state)
{
    (void)state;
    golden_lines("tests/golden/knn.txt", 72, case_of);
}

static void tree_and_scan_find_the_same(void **state)
{
    static const char *const metrics[] = {"euclidean", "manhattan", "chebyshev"};

    (void)state;
    for (int32_t cols = 2; cols <= TARN_KD_COLUMNS; cols += 7)
        for (int m = 0; m < 3; m++) {
            sample s;
            double tree[ASKED], scan[ASKED];
            sample_make(&s, cols, 0);
            s.params.k = 7;
            must(tarn_param_set(tarn_algo_knn.params, &s.params, "metric", metrics[m], err));
            must(tarn_param_set(tarn_algo_knn.params, &s.params, "method", "tree", err));
            predict(&s, tree);
            must(tarn_param_set(tarn_algo_knn.params, &s.params, "method", "scan", err));
            predict(&s, scan);
            assert_memory_equal(tree, scan, sizeof tree);
        }
}

/* Many rows at the same few places, so that most are equally far: the lower numbers win, whichever way. */
static void ties_go_to_the_lower_row(void **state)
{
    (void)state;
    for (int method = KNN_TREE; method <= KNN_SCAN; method++) {
        sample s;
        double out[ASKED];
        sample_make(&s, 3, 0);
        for (int i = 0; i < ROWS; i++) {
            for (int j = 0; j < 3; j++) s.values[j][i] = i % 2;
            s.y[i] = i;
        }
        for (int i = 0; i < ASKED; i++)
            for (int j = 0; j < 3; j++) s.asked[j][i] = i % 2 ? 0.9 : 0.1;
        s.params.k = 3;
        s.params.method = method;
        predict(&s, out);
        for (int i = 0; i < ASKED; i++) assert_true(out[i] == (i % 2 ? 3 : 2)); /* of 1 3 5, of 0 2 4 */
    }
}

/* Rows far from zero and close together: float alone could not tell them apart. */
static void rows_that_floats_cannot_tell_apart_are_told_apart(void **state)
{
    sample s;
    double out[ASKED];

    (void)state;
    sample_make(&s, 20, 0);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < 20; j++) s.values[j][i] = 1e6 + 1e-4 * (double)(i * 7 % ROWS);
        s.y[i] = i * 7 % ROWS;
    }
    for (int i = 0; i < ASKED; i++)
        for (int j = 0; j < 20; j++) s.asked[j][i] = 1e6 + 1e-4 * (double)(i * 40);
    s.params.k = 1;
    predict(&s, out);
    for (int i = 0; i < ASKED; i++) assert_true(out[i] == i * 40);
}

static void a_tree_of_many_columns_is_refused(void **state)
{
    tarn_feature features[MOST_COLS] = {0};
    tarn_matrix matrix = {.cols = TARN_KD_COLUMNS + 1, .features = features};
    tarn_fit job = {.x = &matrix};
    tarn_fitted fitted = {0};
    knn_params params;
    (void)state;

    tarn_params_default(tarn_algo_knn.params, &params);
    params.method = KNN_TREE;
    must_fail_with(TARN_INVALID, "method tree", tarn_algo_knn.fit(&job, &params, &fitted, err));
}

TARN_TESTS(TARN_TEST(predictions_are_those_of_scikit_learn), TARN_TEST(tree_and_scan_find_the_same),
           TARN_TEST(ties_go_to_the_lower_row), TARN_TEST(rows_that_floats_cannot_tell_apart_are_told_apart),
           TARN_TEST(a_tree_of_many_columns_is_refused))
