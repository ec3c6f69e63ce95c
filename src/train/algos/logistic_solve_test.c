/* SPDX-License-Identifier: Apache-2.0 */
/* Many rows, of which a part says where Newton's method begins. */
#include "support/tarn_test.h"

#include "base/mem.h"
#include "base/random.h"
#include "train/algos/logistic_parts.h"
#include "train/train.h"

#include <math.h>
#include <string.h>

extern const tarn_algo tarn_algo_logistic;

static logistic_params presets(void)
{
    logistic_params params = {0};

    tarn_params_default(tarn_algo_logistic.params, &params);
    return params;
}

enum { MANY = 66 * TARN_BLOCK_ROWS + 5 };

typedef struct many {
    double *y;
    int order; /* how classes stand: mixed, one after the other, the second one in one block alone */
    double theta[3];
} many;

static double made(int64_t row, uint32_t col)
{
    return tarn_random_unit(7, TARN_STREAM_SAMPLE, (uint64_t)row, col) - 0.5;
}

static tarn_code made_block(void *self, int64_t at, int64_t n, double *out, tarn_err *err)
{
    const tarn_matrix *x = self;
    (void)err;

    for (int64_t i = 0; i < n; i++) {
        out[i] = made(x->first + at + i, 0) + 0.1 * x->y[at + i];
        out[n + i] = 5 * made(x->first + at + i, 1);
    }
    return TARN_OK;
}

static void make_classes(many *m)
{
    for (int64_t i = 0; i < MANY; i++) {
        bool mixed = made(i, 0) + 2 * made(i, 2) > 0.2;
        m->y[i] = m->order == 0 ? mixed : m->order == 1 ? i > MANY / 3 : i / TARN_BLOCK_ROWS == 5 && i % 3 > 0;
    }
}

static tarn_code solve_many(void *arg, tarn_comm *comm, tarn_err *err)
{
    many *m = arg;
    tarn_feature features[] = {{.name = "a"}, {.name = "b"}};
    tarn_matrix x;
    logistic_params params = presets();
    logistic_problem p = {0};
    tarn_fitted out = {0};
    double theta[3];

    x = (tarn_matrix){.all_rows = MANY, .cols = 2, .features = features, .block = made_block};
    tarn_comm_rows(comm, MANY, &x.first, &x.rows);
    x.self = &x;
    x.y = m->y + x.first;
    x.classes = 2;
    const tarn_fit job = {.x = &x, .comm = comm};
    params.tol = 1e-9;
    tarn_code rc = logistic_open(&p, &job, &params, err);
    if (rc == TARN_OK) rc = logistic_newton(&p, &params, theta, &out, err);
    logistic_close(&p);
    assert_true(rc != TARN_OK || out.converged);
    if (tarn_comm_rank(comm) == 0) memcpy(m->theta, theta, sizeof theta);
    return rc;
}

/* The same minimum as from 0, by the other way; the same bytes for any number of ranks. */
static void many_rows_begin_with_a_part_of_them(void **state)
{
    many m = {0}, ranks = {0};
    (void)state;

    must(tarn_alloc(&m.y, MANY, sizeof *m.y, err));
    for (m.order = 0; m.order < 3; m.order++) {
        tarn_feature features[] = {{.name = "a"}, {.name = "b"}};
        tarn_matrix x;
        logistic_params params = presets();
        logistic_problem p = {0};
        tarn_fitted out = {0};
        double theta[3];
        make_classes(&m);
        must(solve_many(&m, NULL, err));
        ranks = m;
        must(tarn_comm_run_threads(3, solve_many, &ranks, err));
        assert_memory_equal(ranks.theta, m.theta, sizeof m.theta);
        x = (tarn_matrix){.rows = MANY, .all_rows = MANY, .cols = 2, .features = features, .block = made_block};
        x.self = &x;
        x.y = m.y;
        x.classes = 2;
        const tarn_fit job = {.x = &x};
        params.tol = 1e-9;
        must(logistic_open(&p, &job, &params, err));
        must(logistic_lbfgs(&p, &params, theta, &out, err));
        logistic_close(&p);
        for (int j = 0; j < 3; j++) assert_true(fabs(m.theta[j] - theta[j]) <= 1e-5 * (1 + fabs(theta[j])));
    }
    tarn_free(m.y);
}

TARN_TESTS(TARN_TEST(many_rows_begin_with_a_part_of_them))
