/* SPDX-License-Identifier: Apache-2.0 */
/* algos_sample.h - data that every estimator should be able to learn from, and a fit of it from rows to bytes. Part of
 * algos_test.c. */
#ifndef TARN_ALGOS_SAMPLE_H
#define TARN_ALGOS_SAMPLE_H

#include "algos_text.h"
#include "base/random.h"
#include "support/tarn_test.h"
#include "train/train.h"

#include <math.h>

enum { COLS = 12, DENSE_BESIDE_TEXT = 2, MOST_CLASSES = 3, MOST_LEVELS = 300 };

/* Of estimators that take sparse columns, whether samples are made so that the columns from DENSE_BESIDE_TEXT on are a
 * text: the input behind all others. */
static bool sample_as_text;

/* A task to be tried beside those of models: regression with queries. */
#define RANKING ((tarn_task)(TARN_REGRESSION + 1))

/* Columns 0 to 3 and, where categories are taken, 9 matter; 7 is constant; the rest is noise. */
typedef struct sample {
    int64_t rows;
    tarn_task task;
    bool missing, categories, counts;
    int dense;                       /* columns of the matrix */
    text_sample *text;               /* NULL: all columns are dense */
    double *values, *y, *weight;     /* (COLS, rows), (rows), (rows) */
    int64_t *group;                  /* (rows) ranking: queries of some 25 rows, one of 9000 */
    const double *columns[COLS + 1]; /* of the model: the last is the text, or NULL */
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
    return j == 5 ? floor(u * 4) : 2 * u - (s->counts ? 0 : 1) + drawn(which, i, 50 + (uint32_t)j);
}

/* What y hangs on: about -2 to 2. */
static double score(const sample *s, uint64_t which, int64_t i)
{
    double sum = (drawn(which, i, 200) - 0.5) / 2;

    for (int j = 0; j < 4; j++) {
        double x = s->columns[j][i];
        sum += isnan(x) ? 0.2 : (j % 2 ? -0.8 : 0.8) * (x - (s->counts ? 1.5 : 0.5));
    }
    if (levels_of(s, 9) > 0 && (s->columns[9][i] == 2 || s->columns[9][i] == 4)) sum += 0.6;
    return sum;
}

static void sample_free(sample *s)
{
    text_sample_free(s->text);
    tarn_free(s->values);
    tarn_free(s->y);
    tarn_free(s->weight);
    tarn_free(s->group);
}

/* The label by what y hangs on. */
static double label_of(tarn_task task, double t)
{
    if (task == RANKING) return floor(fmin(4, fmax(0, 2 * t + 1.5)));
    return task == TARN_REGRESSION ? 10 + t : task == TARN_BINARY ? t > 0 : (t > -0.3) + (t > 0.3);
}

/* To be called when values have been changed. */
static void sample_changed(sample *s)
{
    if (s->text) text_sample_fill(s->text, s->rows, s->columns + DENSE_BESIDE_TEXT);
}

/* `which`: another number, other rows of the same kind. */
static void sample_make(sample *s, const tarn_algo *algo, tarn_task task, int64_t rows, uint64_t which)
{
    *s = (sample){.rows = rows, .task = task};
    bool as_text = sample_as_text && (algo->takes & TARN_TAKES_SPARSE);
    s->missing = (algo->takes & TARN_TAKES_MISSING) != 0 && !as_text;
    s->categories = (algo->takes & TARN_TAKES_CATEGORIES) != 0 && !as_text;
    s->counts = algo->counts;
    s->dense = as_text ? DENSE_BESIDE_TEXT : COLS;
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
        s->y[i] = label_of(task, t);
        s->weight[i] = 1 + (double)(i % 3) / 2;
    }
    if (task == RANKING) {
        must(tarn_alloc(&s->group, (size_t)rows, sizeof *s->group, err));
        for (int64_t i = 0; i < rows; i++) s->group[i] = i < 12000 ? i / 25 : i < 21000 ? 480 : i / 25;
    }
    if (!as_text) return;
    s->text = text_sample_new(COLS - DENSE_BESIDE_TEXT, rows);
    s->text->source.reg = COLS;
    s->columns[COLS] = s->text->field;
    sample_changed(s);
}

static int32_t classes_of(tarn_task task)
{
    return task >= TARN_REGRESSION ? 0 : task == TARN_BINARY ? 2 : MOST_CLASSES;
}

/* This rank's rows of s as a matrix. */
static void sample_matrix(const sample *s, const tarn_comm *comm, bool weighted, tarn_dense *dense, tarn_sparse *sparse,
                          tarn_matrix *out)
{
    tarn_matrix_dense(out, dense, comm, s->rows, s->dense, s->columns, s->features);
    if (s->text) text_sample_sparse(s->text, out->first, sparse);
    if (s->text) out->sparse = sparse;
    out->y = s->y + out->first;
    out->weight = weighted ? s->weight + out->first : NULL;
    out->classes = classes_of(s->task);
    out->group = s->group ? s->group + out->first : NULL;
}

/* How a fit is run; zero is one thread, one rank, nothing special. */
typedef struct run_as {
    tarn_pool *pool;
    tarn_comm *comm;
    const tarn_sink *sink;
    const sample *valid;
    bool weighted, keep_state;
    const void *before;
    size_t before_len;
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
    if (s->text) TARN_TRY(tarn_graph_input(g, "text", TARN_STRING, false, NAN, NAN, NULL, NULL, 0, NULL, err));
done:
    return rc;
}

static tarn_code add_outputs(tarn_task task, tarn_graph *g, uint32_t first, tarn_err *err)
{
    static const char *const names[] = {"low", "middle", "high"};
    uint32_t regs[MOST_CLASSES] = {first, first + 1, first + 2};

    return tarn_graph_output(g, task == RANKING ? TARN_REGRESSION : task, "y", regs,
                             task == TARN_MULTICLASS ? MOST_CLASSES : 1, task >= TARN_REGRESSION ? NULL : names,
                             classes_of(task), 0.5, err);
}

/* Small numbers of rounds where an estimator has such a parameter, so that the whole table is tried in a minute. */
static tarn_code settings(const tarn_algo *algo, void **out, tarn_err *err)
{
    static const struct {
        const char *algo, *param, *value; /* algo NULL: any */
    } small[] = {{NULL, "trees", "8"},
                 {NULL, "rounds", "8"},
                 {NULL, "folds", "2"},
                 {NULL, "fit_prior", "true"}, /* else weights cannot be seen */
                 {"approximate_knn", "ef_construction", "16"},
                 {"approximate_knn", "ef", "1"}, /* and has to be raised */
                 {"approximate_knn", "recall", "0.9"},
                 {"svm", "max_iter", "2000"}};
    tarn_code rc = tarn_alloc(out, 1, algo->params_size, err);

    if (rc != TARN_OK) return rc;
    tarn_params_default(algo->params, *out);
    for (size_t i = 0; i < sizeof small / sizeof small[0] && rc == TARN_OK; i++)
        if (algo->params && tarn_param_find(algo->params, small[i].param) &&
            (!small[i].algo || strcmp(small[i].algo, algo->name) == 0))
            rc = tarn_param_set(algo->params, *out, small[i].param, small[i].value, err);
    return rc;
}

/* An estimator's importance is by columns, and then by sources; the model's is by inputs. */
static tarn_code add_importance(const sample *s, const tarn_fitted *fitted, tarn_graph *g, tarn_err *err)
{
    double share[COLS + 1] = {0};

    memcpy(share, fitted->importance, (size_t)s->dense * sizeof *share);
    if (s->text) share[COLS] = fitted->importance[s->dense];
    return tarn_graph_importance(g, share, err);
}

/* From rows to a model. fitted may be NULL; its importance is then freed. */
static tarn_code learn(const tarn_algo *algo, const sample *s, const run_as *how, tarn_fitted *fitted, tarn_model **out,
                       tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_dense dense, valid_dense;
    tarn_sparse sparse, valid_sparse;
    tarn_matrix matrix, valid;
    uint32_t regs[COLS];
    tarn_fitted done_fit = {0};
    void *params = NULL;
    tarn_fit job = {.x = &matrix,
                    .seed = 42,
                    .pool = how->pool,
                    .comm = how->comm,
                    .sink = how->sink,
                    .regs = regs,
                    .before = how->before,
                    .before_len = how->before_len,
                    .keep_state = how->keep_state};

    *out = NULL;
    sample_matrix(s, how->comm, how->weighted, &dense, &sparse, &matrix);
    if (how->block) matrix.block = how->block, matrix.view = NULL;
    if (how->block) matrix.self = how->self;
    if (how->valid) sample_matrix(how->valid, NULL, how->weighted, &valid_dense, &valid_sparse, &valid);
    if (how->valid) job.valid = &valid;
    rc = settings(algo, &params, err);
    if (rc == TARN_OK) rc = tarn_graph_new(&job.graph, err);
    if (rc == TARN_OK) rc = add_inputs(s, job.graph, regs, err);
    TARN_TRY(tarn_comm_agree(how->comm, rc, err));
    TARN_TRY(tarn_train(algo, params, &job, &done_fit, err));
    TARN_TRY(add_outputs(s->task, job.graph, done_fit.out, err));
    if (done_fit.importance) TARN_TRY(add_importance(s, &done_fit, job.graph, err));
    TARN_TRY(tarn_graph_finish(job.graph, out, err));
    if (fitted) *fitted = done_fit;
    if (fitted) done_fit.importance = NULL;
    if (fitted) done_fit.state = NULL;
done:
    tarn_free(done_fit.importance);
    tarn_free(done_fit.state);
    tarn_free(params);
    tarn_graph_free(job.graph);
    return rc;
}

#endif
