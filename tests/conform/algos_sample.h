/* SPDX-License-Identifier: Apache-2.0 */
/* algos_sample.h - data that every estimator should be able to learn from, and a fit of it from rows to bytes. Part of
 * algos_test.c. */
#ifndef TARN_ALGOS_SAMPLE_H
#define TARN_ALGOS_SAMPLE_H

#include "base/random.h"
#include "support/tarn_test.h"
#include "train/train.h"

#include <math.h>

enum { COLS = 12, MOST_CLASSES = 3, MOST_LEVELS = 300 };

/* Columns 0 to 3 and, where categories are taken, 9 matter; 7 is constant; the rest is noise. */
typedef struct sample {
    int64_t rows;
    tarn_task task;
    bool missing, categories;
    double *values, *y, *weight; /* (COLS, rows), (rows), (rows) */
    const double *columns[COLS];
    tarn_feature features[COLS];
} sample;

static double drawn(uint64_t which, int64_t row, uint32_t index)
{
    return tarn_random_unit(which, TARN_STREAM_TEST, (uint64_t)row, index);
}

static int32_t levels_of(const sample *s, int j)
{
    return !s->categories || j < 9 ? 0 : j == 9 ? 5 : j == 10 ? 40 : MOST_LEVELS;
}

static double drawn_value(const sample *s, uint64_t which, int64_t i, int j)
{
    double u = drawn(which, i, (uint32_t)j);

    if (s->missing && (j < 2 || j > 8) && drawn(which, i, 100 + (uint32_t)j) < 0.1) return NAN;
    if (levels_of(s, j) > 0) return u < 0.02 ? TARN_UNSEEN : floor(u * levels_of(s, j));
    if (j == 7) return 3.25;
    return j == 5 ? floor(u * 4) : 2 * u - 1 + drawn(which, i, 50 + (uint32_t)j);
}

/* What y hangs on: about -2 to 2. */
static double score(const sample *s, uint64_t which, int64_t i)
{
    double sum = (drawn(which, i, 200) - 0.5) / 2;

    for (int j = 0; j < 4; j++) {
        double x = s->columns[j][i];
        sum += isnan(x) ? 0.2 : (j % 2 ? -0.8 : 0.8) * (x - 0.5);
    }
    if (levels_of(s, 9) > 0 && (s->columns[9][i] == 2 || s->columns[9][i] == 4)) sum += 0.6;
    return sum;
}

static void sample_free(sample *s)
{
    tarn_free(s->values);
    tarn_free(s->y);
    tarn_free(s->weight);
}

/* `which`: another number, other rows of the same kind. */
static void sample_make(sample *s, const tarn_algo *algo, tarn_task task, int64_t rows, uint64_t which)
{
    *s = (sample){.rows = rows, .task = task};
    s->missing = (algo->takes & TARN_TAKES_MISSING) != 0;
    s->categories = (algo->takes & TARN_TAKES_CATEGORIES) != 0;
    must(tarn_alloc(&s->values, (size_t)(COLS * rows), sizeof(double), err));
    must(tarn_alloc(&s->y, (size_t)rows, sizeof(double), err));
    must(tarn_alloc(&s->weight, (size_t)rows, sizeof(double), err));
    for (int j = 0; j < COLS; j++) {
        double *column = s->values + j * rows;
        s->columns[j] = column;
        s->features[j] = (tarn_feature){
            .kind = levels_of(s, j) ? TARN_CATEGORY : TARN_NUMBER, .levels = levels_of(s, j), .input = (uint32_t)j};
        (void)snprintf(s->features[j].name, sizeof s->features[j].name, "column%d", j);
        for (int64_t i = 0; i < rows; i++) column[i] = drawn_value(s, which, i, j);
    }
    for (int64_t i = 0; i < rows; i++) {
        double t = score(s, which, i);
        s->y[i] = task == TARN_REGRESSION ? 10 + t : task == TARN_BINARY ? t > 0 : (t > -0.3) + (t > 0.3);
        s->weight[i] = 1 + (double)(i % 3) / 2;
    }
}

static int32_t classes_of(tarn_task task)
{
    return task == TARN_REGRESSION ? 0 : task == TARN_BINARY ? 2 : MOST_CLASSES;
}

/* This rank's rows of s as a matrix. */
static void sample_matrix(const sample *s, const tarn_comm *comm, bool weighted, tarn_dense *dense, tarn_matrix *out)
{
    tarn_matrix_dense(out, dense, comm, s->rows, COLS, s->columns, s->features);
    out->y = s->y + out->first;
    out->weight = weighted ? s->weight + out->first : NULL;
    out->classes = classes_of(s->task);
}

/* How a fit is run; zero is one thread, one rank, nothing special. */
typedef struct run_as {
    tarn_pool *pool;
    tarn_comm *comm;
    const tarn_sink *sink;
    const sample *valid;
    bool weighted;
    tarn_code (*block)(void *self, int64_t at, int64_t n, double *out, tarn_err *err); /* instead of the matrix's own */
    void *self;
} run_as;

static tarn_code add_inputs(const sample *s, tarn_graph *g, uint32_t *regs, tarn_err *err)
{
    static const char digits[] = "0123456789";
    char text[MOST_LEVELS][5];
    const char *levels[MOST_LEVELS];
    tarn_code rc = TARN_OK;

    for (int i = 0; i < MOST_LEVELS; i++) {
        char name[5] = {'L', digits[i / 100], digits[i / 10 % 10], digits[i % 10], '\0'};
        memcpy(text[i], name, sizeof name);
        levels[i] = text[i];
    }
    for (int j = 0; j < COLS; j++)
        TARN_TRY(tarn_graph_input(g, s->features[j].name, s->features[j].kind, false, NAN, NAN, levels, NULL,
                                  s->features[j].levels, &regs[j], err));
done:
    return rc;
}

static tarn_code add_outputs(tarn_task task, tarn_graph *g, uint32_t first, tarn_err *err)
{
    static const char *const names[] = {"low", "middle", "high"};
    uint32_t regs[MOST_CLASSES] = {first, first + 1, first + 2};

    return tarn_graph_output(g, task, "y", regs, task == TARN_MULTICLASS ? MOST_CLASSES : 1,
                             task == TARN_REGRESSION ? NULL : names, classes_of(task), 0.5, err);
}

/* Small numbers of rounds where the table has such a parameter, so that the whole table is tried in seconds. */
static tarn_code settings(const tarn_algo *algo, void **out, tarn_err *err)
{
    static const char *const sizes[] = {"trees", "rounds"};
    tarn_code rc = tarn_alloc(out, 1, algo->params_size, err);

    if (rc != TARN_OK) return rc;
    tarn_params_default(algo->params, *out);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && rc == TARN_OK; i++)
        if (algo->params && tarn_param_find(algo->params, sizes[i]))
            rc = tarn_param_set(algo->params, *out, sizes[i], "8", err);
    return rc;
}

/* From rows to a model. fitted may be NULL; its importance is then freed. */
static tarn_code learn(const tarn_algo *algo, const sample *s, const run_as *how, tarn_fitted *fitted, tarn_model **out,
                       tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_dense dense, valid_dense;
    tarn_matrix matrix, valid;
    uint32_t regs[COLS];
    tarn_fitted done_fit = {0};
    void *params = NULL;
    tarn_fit job = {.x = &matrix, .seed = 42, .pool = how->pool, .comm = how->comm, .sink = how->sink, .regs = regs};

    *out = NULL;
    sample_matrix(s, how->comm, how->weighted, &dense, &matrix);
    if (how->block) matrix.block = how->block;
    if (how->block) matrix.self = how->self;
    if (how->valid) sample_matrix(how->valid, NULL, how->weighted, &valid_dense, &valid);
    if (how->valid) job.valid = &valid;
    rc = settings(algo, &params, err);
    if (rc == TARN_OK) rc = tarn_graph_new(&job.graph, err);
    if (rc == TARN_OK) rc = add_inputs(s, job.graph, regs, err);
    TARN_TRY(tarn_comm_agree(how->comm, rc, err));
    TARN_TRY(tarn_train(algo, params, &job, &done_fit, err));
    TARN_TRY(add_outputs(s->task, job.graph, done_fit.out, err));
    if (done_fit.importance) TARN_TRY(tarn_graph_importance(job.graph, done_fit.importance, err));
    TARN_TRY(tarn_graph_finish(job.graph, out, err));
    if (fitted) *fitted = done_fit;
    if (fitted) done_fit.importance = NULL;
done:
    tarn_free(done_fit.importance);
    tarn_free(params);
    tarn_graph_free(job.graph);
    return rc;
}

#endif
