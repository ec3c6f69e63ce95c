/* SPDX-License-Identifier: Apache-2.0 */
/* Passes in single precision: the bits of the products, how near they come, and fits that end where double precision
 * would. */
#include "support/tarn_test.h"

#include "base/mem.h"
#include "base/random.h"
#include "train/algos/logistic_single.h"
#include "train/train.h"

#include <math.h>
#include <string.h>

extern const tarn_algo tarn_algo_logistic;

static double drawn(int64_t row, uint32_t col) { return tarn_random_unit(3, TARN_STREAM_TEST, (uint64_t)row, col); }

/* As logistic_single_kernel.c describes it: 16 lanes, halves of them added until one is left. */
static float dot_by_hand(size_t wide, const float *x, const float *theta)
{
    float lane[16] = {0};

    for (size_t j = 0; j < wide; j++) lane[j % 16] = fmaf(theta[j], x[j], lane[j % 16]);
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

static void products_are_added_in_the_same_order_for_any_width_of_vector(void **state)
{
    enum { ROWS = 12, WIDE = 144, OUTPUTS = 13, STRIDE = 24 };
    static float x[ROWS * WIDE], theta[OUTPUTS * WIDE], z[OUTPUTS * STRIDE], r[OUTPUTS * STRIDE];
    static double g[OUTPUTS * WIDE];
    (void)state;

    for (size_t i = 0; i < ROWS * WIDE; i++) x[i] = (float)drawn((int64_t)i, 0) - 0.5f;
    for (size_t i = 0; i < OUTPUTS * WIDE; i++) theta[i] = (float)drawn((int64_t)i, 1) - 0.5f;
    for (size_t i = 0; i < OUTPUTS * STRIDE; i++) r[i] = (float)drawn((int64_t)i, 2) - 0.5f;
    for (size_t rows = 1; rows <= 9; rows++)
        for (size_t wide = 16; wide <= WIDE; wide += 16)
            for (size_t outputs = 1; outputs <= OUTPUTS; outputs++) {
                const logistic_rows t = {rows, wide, rows < 6 ? 4 : 0, x};
                for (size_t i = 0; i < outputs * wide; i++) g[i] = 0.25;
                logistic_single_times(&t, outputs, theta, STRIDE, z);
                logistic_single_transposed(&t, outputs, r, STRIDE, g);
                for (size_t k = 0; k < outputs; k++) {
                    for (size_t i = 0; i < rows; i++)
                        assert_true(z[k * STRIDE + i] == dot_by_hand(wide, x + i * wide, theta + k * wide));
                    for (size_t j = 0; j < wide; j++) {
                        float sum = 0;
                        for (size_t i = 0; i < rows; i++) sum = fmaf(r[k * STRIDE + i], x[i * wide + j], sum);
                        assert_true(g[k * wide + j] == 0.25 + (double)sum);
                    }
                }
            }
}

/* A table with columns that single precision alone could not deal with. */
enum { COLS = 70, MOST_ROWS = TARN_BLOCK_ROWS + 2075, MOST_CLASSES = 4 };

typedef struct wide {
    int64_t rows;
    int32_t classes;
    double tol, *x, *y, *weight; /* x (COLS, rows) */
    double huge;                 /* the value of row 7, column 5 */
    int threads;
    int64_t max_iter;
    double theta[MOST_CLASSES * (COLS + 1)];
    tarn_fitted out;
} wide;

static double value(int64_t row, uint32_t j)
{
    double u = drawn(row, 10 + j) - 0.5 + (j > 8 ? 0.6 * (drawn(row, 10 + j / 8) - 0.5) : 0);

    if (j == 0) return 1e9 * u;
    if (j == 1) return 1000 + 0.01 * u;
    if (j == 2) return 4.5;
    if (j == 3) return u > 0.49 ? 50 : 0;
    return j == 4 ? 1e-20 * u : u;
}

typedef struct source {
    const wide *w;
    tarn_matrix x;
} source;

static tarn_code fill(void *self, int64_t at, int64_t n, double *out, tarn_err *err)
{
    const source *s = self;
    (void)err;

    for (uint32_t j = 0; j < COLS; j++)
        memcpy(out + j * n, s->w->x + j * s->w->rows + s->x.first + at, (size_t)n * sizeof *out);
    if (s->w->huge > 0 && s->x.first + at == 0) out[5 * n + 7] = s->w->huge;
    return TARN_OK;
}

static void make(wide *w, int64_t rows, int32_t classes)
{
    *w = (wide){.rows = rows, .classes = classes, .tol = 1e-9, .threads = 1, .max_iter = 1000};
    must(tarn_alloc(&w->y, (size_t)rows, sizeof *w->y, err));
    must(tarn_alloc(&w->weight, (size_t)rows, sizeof *w->weight, err));
    must(tarn_alloc(&w->x, (size_t)rows * COLS, sizeof *w->x, err));
    for (uint32_t j = 0; j < COLS; j++)
        for (int64_t i = 0; i < rows; i++) w->x[j * rows + i] = value(i, j);
    for (int64_t i = 0; i < rows; i++) {
        double best = -1;
        for (int32_t k = 0; k < classes; k++) {
            double score = w->x[(6 + k) * rows + i] + w->x[(20 + k) * rows + i] + 0.8 * drawn(i, 200 + (uint32_t)k);
            if (k == 0 || score > best) best = score, w->y[i] = k;
        }
        w->weight[i] = 0.5 + (double)(i % 7) / 4;
    }
}

static void unmake(wide *w)
{
    tarn_free(w->x);
    tarn_free(w->y);
    tarn_free(w->weight);
}

/* This rank's problem. */
static tarn_code open_wide(const wide *w, tarn_comm *comm, tarn_pool *pool, source *s, tarn_fit *job,
                           logistic_problem *p, tarn_err *err)
{
    static tarn_feature features[COLS];
    logistic_params params = {0};

    tarn_params_default(tarn_algo_logistic.params, &params);
    *s = (source){.w = w, .x = {.all_rows = w->rows, .cols = COLS, .features = features, .block = fill}};
    tarn_comm_rows(comm, w->rows, &s->x.first, &s->x.rows);
    s->x.self = s;
    s->x.y = w->y + s->x.first;
    s->x.weight = w->weight + s->x.first;
    s->x.classes = w->classes;
    *job = (tarn_fit){.x = &s->x, .comm = comm, .pool = pool};
    return logistic_open(p, job, &params, err);
}

static tarn_code solve(void *arg, tarn_comm *comm, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    wide *w = arg;
    source s;
    tarn_fit job;
    logistic_problem p = {0};
    logistic_params params = {.tol = w->tol, .max_iter = w->max_iter};
    tarn_pool *pool = NULL;
    tarn_fitted out = {0};
    double theta[MOST_CLASSES * (COLS + 1)];

    rc = w->threads > 1 ? tarn_pool_new(w->threads, &pool, err) : TARN_OK;
    TARN_TRY(tarn_comm_agree(comm, rc, err));
    TARN_TRY(open_wide(w, comm, pool, &s, &job, &p, err));
    TARN_TRY(logistic_lbfgs(&p, &params, theta, &out, err));
    if (tarn_comm_rank(comm) == 0) {
        memcpy(w->theta, theta, (size_t)p.thetas * sizeof *theta);
        w->out = out;
    }
done:
    logistic_close(&p);
    tarn_pool_free(pool);
    return rc;
}

/* The largest entry of the gradient in double precision. */
static double largest_at(const wide *w, const double *theta)
{
    source s;
    tarn_fit job;
    logistic_problem p = {0};
    logistic_point at = {0};

    must(open_wide(w, NULL, NULL, &s, &job, &p, err));
    must(logistic_point_new(&p, false, &at, err));
    memcpy(at.theta, theta, (size_t)p.thetas * sizeof *theta);
    must(logistic_pass(&p, &at, err));
    double most = logistic_largest(&p, at.gradient);
    logistic_point_clear(&at);
    logistic_close(&p);
    return most;
}

static void fits_end_at_the_minimum_of_double_precision(void **state)
{
    static wide w, again;
    (void)state;

    for (int32_t classes = 2; classes <= MOST_CLASSES; classes += 2) {
        make(&w, MOST_ROWS, classes);
        must(solve(&w, NULL, err));
        assert_true(w.out.converged);
        assert_true(largest_at(&w, w.theta) <= w.tol);
        again = w;
        again.threads = 2;
        must(solve(&again, NULL, err));
        assert_memory_equal(again.theta, w.theta, sizeof w.theta);
        again.threads = 1;
        must(tarn_comm_run_threads(3, solve, &again, err)); /* one of them without a row */
        assert_memory_equal(again.theta, w.theta, sizeof w.theta);
        unmake(&w);
    }
}

/* A tenth of the distance, a tenth of the error: relative to how the gradient changes it stays what floats have. */
static void errors_shrink_with_the_distance_from_the_reference(void **state)
{
    static wide w;
    source s;
    tarn_fit job;
    logistic_problem p = {0};
    logistic_single *single = NULL;
    logistic_point at = {0}, near = {0}, there = {0};
    (void)state;

    make(&w, 1000, 4);
    must(open_wide(&w, NULL, NULL, &s, &job, &p, err));
    must(logistic_point_new(&p, false, &at, err));
    must(logistic_point_new(&p, false, &near, err));
    must(logistic_point_new(&p, false, &there, err));
    must(logistic_single_new(&p, &single, err));
    assert_non_null(single);
    for (int64_t i = 0; i < p.thetas; i++) at.theta[i] = (drawn(i, 300) - 0.5) / p.size[i % p.wide];
    must(logistic_single_refer(single, &at, err));
    for (double far = 1; far > 1e-9; far /= 10) {
        double error = 0, change = 0;
        for (int64_t i = 0; i < p.thetas; i++)
            near.theta[i] = there.theta[i] = at.theta[i] + far * (drawn(i, 301) - 0.5) / p.size[i % p.wide];
        must(logistic_single_pass(single, &near, err));
        must(logistic_pass(&p, &there, err));
        for (int64_t i = 0; i < p.thetas; i++) {
            double size = p.size[i % p.wide];
            error = fmax(error, fabs(near.gradient[i] - there.gradient[i]) / size);
            change = fmax(change, fabs(there.gradient[i] - at.gradient[i]) / size);
        }
        assert_true(error <= 1e-6 * change + 1e-15);
        assert_true(fabs(near.value - there.value) <= 1e-6 * change * far + 1e-14);
    }
    logistic_single_free(single);
    logistic_point_clear(&at);
    logistic_point_clear(&near);
    logistic_point_clear(&there);
    logistic_close(&p);
    unmake(&w);
}

/* 1e39 is no float; its row weighs so little that in double precision all is well. */
static void what_no_float_can_hold_is_left_to_double_precision(void **state)
{
    static wide w;
    (void)state;

    make(&w, 1000, 4);
    w.huge = 1e39;
    w.weight[7] = 1e-80;
    must(solve(&w, NULL, err));
    assert_true(w.out.converged);
    assert_true(largest_at(&w, w.theta) <= w.tol);
    unmake(&w);
}

static void running_out_of_memory_is_an_error_at_every_allocation(void **state)
{
    static wide w;
    tarn_code rc = TARN_NOMEM;
    int64_t n = 0;
    (void)state;

    make(&w, 300, 4);
    w.max_iter = 2;
    while (rc == TARN_NOMEM && ++n < 200) {
        tarn_err failed = {0};
        tarn_mem_fail_after(n);
        rc = solve(&w, NULL, &failed);
        tarn_mem_fail_after(0);
    }
    assert_int_equal(rc, TARN_OK);
    assert_true(n > 30);
    unmake(&w);
}

TARN_TESTS(TARN_TEST(products_are_added_in_the_same_order_for_any_width_of_vector),
           TARN_TEST(fits_end_at_the_minimum_of_double_precision),
           TARN_TEST(errors_shrink_with_the_distance_from_the_reference),
           TARN_TEST(what_no_float_can_hold_is_left_to_double_precision),
           TARN_TEST(running_out_of_memory_is_an_error_at_every_allocation))
