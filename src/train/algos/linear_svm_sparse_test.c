/* SPDX-License-Identifier: Apache-2.0 */
/* Columns given as sparse ones have the same minimum as given as dense ones. */
#include "support/tarn_test.h"

#include "base/mem.h"
#include "base/random.h"
#include "train/algos/linear_svm_parts.h"
#include "train/train.h"

#include <math.h>

enum { ROWS = 700, COLS = 9, TURNS = 3 };

typedef struct sample {
    double values[COLS][ROWS], y[ROWS], weight[ROWS];
    int64_t start[ROWS + 1];
    int32_t index[COLS * ROWS];
    float value[COLS * ROWS];
} sample;

static double drawn(int64_t row, uint32_t what) { return tarn_random_unit(3, TARN_STREAM_SAMPLE, (uint64_t)row, what); }

/* Six of ten numbers are 0. Labels are noisy: no plane parts them. */
static void make(sample *s, int32_t classes)
{
    int64_t n = 0;

    for (int64_t i = 0; i < ROWS; i++) {
        double sum = 2 * drawn(i, 100);
        for (uint32_t j = 0; j < COLS; j++) {
            float v = drawn(i, j) < 0.6 ? 0 : (float)(drawn(i, 50 + j) - 0.3);
            s->values[j][i] = (double)v;
            sum += (double)v * (j % 3 ? 1 : -2);
            if (v == 0) continue;
            s->index[n] = (int32_t)j;
            s->value[n++] = v;
        }
        s->start[i + 1] = n;
        s->weight[i] = 0.5 + (double)(i % 4);
        s->y[i] = classes == 0 ? sum : sum > 1.5 ? classes - 1 : sum > 0.7 ? 1 : 0;
    }
}

/* Coefficients and objective of all outputs and turns. b is the caller's to free. */
static linear_svm solve(const sample *s, int32_t classes, bool sparse, tarn_pool *pool)
{
    static linear_svm_params set = {
        .C = 2, .epsilon = 0.1, .tol = 1e-8, .max_iter = 1000, .folds = 2, .intercept = true};
    static tarn_feature features[COLS];
    static tarn_matrix x;
    static tarn_dense dense;
    static tarn_sparse columns;
    static tarn_fit job;
    const double *values[COLS];

    set.folds = classes == 0 ? 0 : TURNS - 1;
    for (int j = 0; j < COLS; j++) values[j] = s->values[j];
    columns = (tarn_sparse){.cols = COLS, .start = s->start, .index = s->index, .value = s->value};
    tarn_matrix_dense(&x, &dense, NULL, ROWS, sparse ? 0 : COLS, values, features);
    x.y = s->y;
    x.weight = s->weight;
    x.classes = classes;
    x.sparse = sparse ? &columns : NULL;
    job = (tarn_fit){.x = &x, .seed = 1, .pool = pool};
    linear_svm m = {.job = &job,
                    .set = &set,
                    .regression = classes == 0,
                    .outputs = classes > 2 ? classes : 1,
                    .turns = (int32_t)set.folds + 1,
                    .cols = COLS,
                    .wide = COLS + 1};
    must(tarn_alloc(&m.b, (size_t)(m.turns * m.outputs * m.wide), sizeof *m.b, err));
    must((sparse ? linear_svm_sparse : linear_svm_primal)(&m, err));
    assert_true(m.converged);
    return m;
}

static void sparse_columns_have_the_minimum_of_dense_ones(void **state)
{
    static const int32_t classes[] = {0, 2, 3};
    static sample s;
    tarn_pool *pool = NULL;
    (void)state;

    must(tarn_pool_new(2, &pool, err));
    for (int c = 0; c < 3; c++) {
        make(&s, classes[c]);
        linear_svm dense = solve(&s, classes[c], false, NULL), sparse = solve(&s, classes[c], true, pool);
        int64_t all = dense.outputs * dense.wide;
        for (int64_t i = 0; i < dense.turns * all; i++) { /* turns for probabilities are solved less sharply */
            double off = fabs(sparse.b[i] - dense.b[i]), most = i < (dense.turns - 1) * all ? 1e-3 : 1e-4;
            if (!(off <= most))
                fail_msg("%d classes, place %d: %g and %g", classes[c], (int)i, sparse.b[i], dense.b[i]);
        }
        assert_true(sparse.objective > 0 && isfinite(sparse.objective));
        tarn_free(dense.b);
        tarn_free(sparse.b);
    }
    tarn_pool_free(pool);
}

TARN_TESTS(TARN_TEST(sparse_columns_have_the_minimum_of_dense_ones))
