/* SPDX-License-Identifier: Apache-2.0 */
/* tree_sample.h - tables in memory, fits on threads and ranks, and predictions: for the tests of trees. */
#ifndef TARN_TRAIN_TREE_SAMPLE_H
#define TARN_TRAIN_TREE_SAMPLE_H

#include "train/golden_sample.h"

#include "base/random.h"

#include <math.h>

enum { FIXTURE_COLS = 80, FIXTURE_RANKS = 4, FIXTURE_CLASSES = 5 };

typedef struct fixture {
    int64_t rows;
    int32_t cols, classes;
    double *column[FIXTURE_COLS];
    int32_t levels[FIXTURE_COLS]; /* 0: a number */
    double *y, *weight;           /* weight: used if `weighted` */
    bool weighted;
    int64_t *group; /* NULL: no queries */
    tarn_feature features[FIXTURE_COLS];
    tarn_dense dense;
} fixture;

static inline void fixture_new(fixture *t, int64_t rows, int32_t cols, int32_t classes)
{
    *t = (fixture){.rows = rows, .cols = cols, .classes = classes};
    for (int32_t j = 0; j < cols; j++) must(tarn_alloc(&t->column[j], (size_t)rows, sizeof(double), err));
    must(tarn_alloc(&t->y, (size_t)rows, sizeof(double), err));
    must(tarn_alloc(&t->weight, (size_t)rows, sizeof(double), err));
    for (int64_t i = 0; i < rows; i++) t->weight[i] = 1;
}

static inline void fixture_clear(fixture *t)
{
    for (int32_t j = 0; j < t->cols; j++) tarn_free(t->column[j]);
    tarn_free(t->y);
    tarn_free(t->weight);
    tarn_free(t->group);
}

/* Uniform in [0, 1): number `index` of row `row`. */
static inline double fixture_unit(int64_t row, uint32_t index)
{
    return tarn_random_unit(7, TARN_STREAM_TEST, (uint64_t)row, index);
}

static inline void fixture_features(const fixture *t, tarn_feature *features)
{
    for (int32_t j = 0; j < t->cols; j++) {
        features[j] = (tarn_feature){
            .kind = t->levels[j] ? TARN_CATEGORY : TARN_NUMBER, .levels = t->levels[j], .input = (uint32_t)j};
        (void)snprintf(features[j].name, sizeof features[j].name, "x%d", j);
    }
}

/* The rank's rows. */
static inline void fixture_matrix(const fixture *t, const tarn_comm *comm, const tarn_feature *features,
                                  tarn_dense *dense, tarn_matrix *x)
{
    tarn_matrix_dense(x, dense, comm, t->rows, t->cols, (const double *const *)t->column, features);
    x->y = t->y + x->first;
    x->weight = t->weighted ? t->weight + x->first : NULL;
    x->classes = t->classes;
    x->group = t->group ? t->group + x->first : NULL;
}

static inline tarn_code fixture_inputs(const fixture *t, tarn_graph *g, uint32_t *regs, tarn_err *err)
{
    enum { LEVELS = 1000 };
    char texts[LEVELS][8];
    const char *levels[LEVELS];

    for (int l = 0; l < LEVELS; l++) {
        (void)snprintf(texts[l], sizeof texts[l], "%03d", l);
        levels[l] = texts[l];
    }
    for (int32_t j = 0; j < t->cols; j++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x%d", j);
        tarn_code rc = tarn_graph_input(g, name, t->levels[j] ? TARN_CATEGORY : TARN_NUMBER, false, NAN, NAN, levels,
                                        NULL, t->levels[j], &regs[j], err);
        if (rc != TARN_OK) return rc;
    }
    return TARN_OK;
}

/* A fit, on so many threads and ranks. */
typedef struct fixture_job {
    const tarn_algo *algo;
    const void *params;
    const fixture *t, *valid;
    int threads;
    tarn_model *model[FIXTURE_RANKS];
    tarn_fitted fitted[FIXTURE_RANKS];
} fixture_job;

static inline tarn_code fixture_rank(void *arg, tarn_comm *comm, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    fixture_job *j = arg;
    int rank = tarn_comm_rank(comm);
    tarn_graph *graph = NULL;
    tarn_pool *pool = NULL;
    tarn_feature features[FIXTURE_COLS];
    uint32_t regs[FIXTURE_COLS];
    tarn_dense dense, valid_dense;
    tarn_matrix x, valid;

    fixture_features(j->t, features);
    fixture_matrix(j->t, comm, features, &dense, &x);
    if (j->valid) fixture_matrix(j->valid, NULL, features, &valid_dense, &valid);
    TARN_TRY(tarn_graph_new(&graph, err));
    TARN_TRY(fixture_inputs(j->t, graph, regs, err));
    if (j->threads > 1) TARN_TRY(tarn_pool_new(j->threads, &pool, err));
    tarn_fit job = {.x = &x,
                    .valid = j->valid ? &valid : NULL,
                    .seed = 5,
                    .pool = pool,
                    .comm = comm,
                    .graph = graph,
                    .regs = regs};
    TARN_TRY(tarn_train(j->algo, j->params, &job, &j->fitted[rank], err));
    rc = golden_finish(graph, j->t->classes, j->fitted[rank].out, &j->model[rank], err);
    if (rc == TARN_OK) goto done;
    tarn_free(j->fitted[rank].importance); /* it was the caller's; a failed fit must not leave any */
    j->fitted[rank].importance = NULL;
done:
    tarn_graph_free(graph);
    tarn_pool_free(pool);
    return rc;
}

static inline void fixture_job_clear(fixture_job *j)
{
    for (int r = 0; r < FIXTURE_RANKS; r++) {
        tarn_model_free(j->model[r]);
        tarn_free(j->fitted[r].importance);
        j->model[r] = NULL;
        j->fitted[r].importance = NULL;
    }
}

static inline void fixture_fit(fixture_job *j, const tarn_algo *algo, const void *params, const fixture *t)
{
    const fixture *valid = j->valid;

    *j = (fixture_job){.algo = algo, .params = params, .t = t, .valid = valid, .threads = 1};
    must(fixture_rank(j, NULL, err));
}

typedef struct fixture_settings {
    _Alignas(16) unsigned char bytes[2048];
} fixture_settings;

/* An estimator's defaults, changed by "name=value name=value". */
static inline fixture_settings fixture_with(const tarn_algo *algo, const char *changes)
{
    fixture_settings s = {{0}};
    char text[256], *rest = text;

    assert_true(algo->params_size <= sizeof s);
    tarn_params_default(algo->params, s.bytes);
    (void)snprintf(text, sizeof text, "%s", changes);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *eq = strchr(word, '=');
        *eq = 0;
        must(tarn_param_set(algo->params, s.bytes, word, eq + 1, err));
    }
    return s;
}

static inline void fixture_fit_with(fixture_job *j, const tarn_algo *algo, const fixture *t, const char *changes)
{
    fixture_settings s = fixture_with(algo, changes);

    fixture_fit(j, algo, s.bytes, t);
    j->params = NULL;
}

/* out (outputs, rows) */
static inline double *fixture_predict(const fixture_job *j, const fixture *t)
{
    double *out = NULL;

    must(tarn_alloc(&out, (size_t)tarn_model_outputs(j->model[0]) * (size_t)t->rows, sizeof *out, err));
    must(tarn_model_run(j->model[0], NULL, t->rows, (const double *const *)t->column, out, err));
    return out;
}

/* Share of rows whose class is predicted. */
static inline double fixture_accuracy(const fixture_job *j, const fixture *t)
{
    double *p = fixture_predict(j, t);
    int64_t right = 0;
    int outputs = tarn_model_outputs(j->model[0]);

    for (int64_t i = 0; i < t->rows; i++) {
        int best = 0;
        for (int k = 1; k < outputs; k++)
            if (p[k * t->rows + i] > p[best * t->rows + i]) best = k;
        if (outputs == 1) best = p[i] >= 0.5;
        right += (double)best == t->y[i];
    }
    tarn_free(p);
    return (double)right / (double)t->rows;
}

static inline double fixture_rmse(const fixture_job *j, const fixture *t)
{
    double *p = fixture_predict(j, t), sum = 0;

    for (int64_t i = 0; i < t->rows; i++) sum += (p[i] - t->y[i]) * (p[i] - t->y[i]);
    tarn_free(p);
    return sqrt(sum / (double)t->rows);
}

/* The model, and the importance, must be the same bytes. */
static inline void fixture_same(const fixture_job *a, const fixture_job *b, int rank)
{
    size_t len = 0, other = 0;
    const void *x = tarn_model_bytes(a->model[0], &len), *y = tarn_model_bytes(b->model[rank], &other);

    assert_int_equal(len, other);
    assert_memory_equal(x, y, len);
    assert_memory_equal(a->fitted[0].importance, b->fitted[rank].importance, (size_t)a->t->cols * sizeof(double));
    assert_true(memcmp(&a->fitted[0].objective, &b->fitted[rank].objective, sizeof(double)) == 0);
    assert_true(memcmp(&a->fitted[0].oob, &b->fitted[rank].oob, sizeof(double)) == 0);
}

/* Threads 1, 2, 3, 7 and ranks 1, 2, 3 give the same model. */
static inline void fixture_same_everywhere(const tarn_algo *algo, const void *params, const fixture *t,
                                           const fixture *valid)
{
    static const int threads[] = {2, 3, 7};
    fixture_job one = {.valid = valid};

    fixture_fit(&one, algo, params, t);
    for (int i = 0; i < 3; i++) {
        fixture_job j = {.algo = algo, .params = params, .t = t, .valid = valid, .threads = threads[i]};
        must(fixture_rank(&j, NULL, err));
        fixture_same(&one, &j, 0);
        fixture_job_clear(&j);
    }
    for (int ranks = 1; ranks <= 3; ranks++) {
        fixture_job j = {.algo = algo, .params = params, .t = t, .valid = valid, .threads = ranks == 3 ? 2 : 1};
        must(tarn_comm_run_threads(ranks, fixture_rank, &j, err));
        for (int r = 0; r < ranks; r++) fixture_same(&one, &j, r);
        fixture_job_clear(&j);
    }
    fixture_job_clear(&one);
}

/* The first allocation fails, then the second ..., until the fit succeeds; each time a clean error, and all memory
 * back. */
static inline void fixture_survive_no_memory(const tarn_algo *algo, const void *params, const fixture *t,
                                             const fixture *valid)
{
    for (int64_t n = 1;; n++) {
        fixture_job j = {.algo = algo, .params = params, .t = t, .valid = valid, .threads = 1};
        tarn_err err = {0};
        int64_t live = tarn_mem_live();
        tarn_mem_fail_after(n);
        tarn_code rc = fixture_rank(&j, NULL, &err);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) {
            assert_true(n > 20);
            fixture_job_clear(&j);
            return;
        }
        assert_int_equal(rc, TARN_NOMEM);
        assert_non_null(strstr(err.msg, "memory"));
        assert_null(j.model[0]);
        assert_null(j.fitted[0].importance);
        assert_int_equal(tarn_mem_live(), live);
    }
}

/* The same on two ranks: neither may hang. Which of them lacks the memory is chance. */
static inline void fixture_survive_no_memory_on_ranks(const tarn_algo *algo, const void *params, const fixture *t)
{
    for (int64_t n = 1, step = 1;; n += step, step = n / 20 + 1) {
        fixture_job j = {.algo = algo, .params = params, .t = t, .threads = 1};
        tarn_err err = {0};
        int64_t live = tarn_mem_live();
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_comm_run_threads(2, fixture_rank, &j, &err);
        tarn_mem_fail_after(0);
        bool enough = rc == TARN_OK;
        fixture_job_clear(&j);
        assert_int_equal(tarn_mem_live(), live);
        if (enough) return;
        assert_true(rc == TARN_NOMEM || rc == TARN_CANCELLED);
    }
}

#endif
