/* SPDX-License-Identifier: Apache-2.0 */
/* fit_bench.c - fit one estimator on a plain table and say how long it took and how good it is.
 *
 *     fit_bench TABLE ESTIMATOR THREADS [name=value ...]
 *
 * TABLE is written by bench/train/peers.py, all little-endian: int64 rows, test rows, columns, classes; per column
 * int64 levels (0: a number); then columns of doubles (training rows, then test rows), and the target likewise.
 * TARN_BENCH_OUT=FILE writes the predictions there, doubles, outputs by rows. Prints one line of JSON for side.py:
 * seconds to fit and to predict the test rows, microseconds to predict one row by itself, peak memory (the table
 * included), and AUC (binary), accuracy (multiclass) or RMSE (regression) on the test rows. */
#include "auc.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "model/model.h"
#include "train/train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct table {
    int64_t rows, tests, cols, classes;
    int64_t *levels;
    const double **train, **test;
    double *values;
} table;

static tarn_code read_table(const char *path, table *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t head[4];
    FILE *f = fopen(path, "rb");

    if (!f) return TARN_FAIL_ERRNO(err, "open", path);
    if (fread(head, sizeof head, 1, f) != 1) goto bad;
    *t = (table){.rows = head[0], .tests = head[1], .cols = head[2], .classes = head[3]};
    size_t cols = (size_t)t->cols, each = (size_t)(t->rows + t->tests);
    TARN_TRY(tarn_alloc(&t->levels, cols, sizeof *t->levels, err));
    TARN_TRY(tarn_alloc(&t->values, (cols + 1) * each, sizeof *t->values, err));
    TARN_TRY(tarn_alloc(&t->train, cols + 1, sizeof *t->train, err));
    TARN_TRY(tarn_alloc(&t->test, cols + 1, sizeof *t->test, err));
    if (fread(t->levels, sizeof *t->levels, cols, f) != cols) goto bad;
    if (fread(t->values, sizeof *t->values, (cols + 1) * each, f) != (cols + 1) * each) goto bad;
    for (size_t j = 0; j <= cols; j++) {
        t->train[j] = t->values + j * each;
        t->test[j] = t->train[j] + t->rows;
    }
done:
    (void)fclose(f);
    return rc;
bad:
    rc = TARN_FAIL(err, TARN_INVALID, "'%s' is not a table written by peers.py", path);
    goto done;
}

static tarn_code add_inputs(const table *t, tarn_graph *g, tarn_feature *features, uint32_t *regs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char **levels = NULL;
    char(*texts)[16] = NULL;

    for (int64_t j = 0; j < t->cols; j++) {
        char name[32];
        (void)snprintf(name, sizeof name, "x%lld", (long long)j);
        TARN_TRY(tarn_alloc(&levels, (size_t)t->levels[j], sizeof *levels, err));
        TARN_TRY(tarn_alloc(&texts, (size_t)t->levels[j], sizeof *texts, err));
        for (int64_t l = 0; l < t->levels[j]; l++) {
            (void)snprintf(texts[l], sizeof texts[l], "%09lld", (long long)l);
            levels[l] = texts[l];
        }
        TARN_TRY(tarn_graph_input(g, name, t->levels[j] ? TARN_CATEGORY : TARN_NUMBER, false, NAN, NAN, levels, NULL,
                                  (int32_t)t->levels[j], &regs[j], err));
        features[j] = *tarn_graph_feature(g, regs[j]);
        tarn_free(levels);
        tarn_free(texts);
        levels = NULL;
        texts = NULL;
    }
done:
    tarn_free(levels);
    tarn_free(texts);
    return rc;
}

static tarn_code finish(tarn_graph *g, const table *t, const tarn_fitted *f, tarn_model **m, tarn_err *err)
{
    static const char *const classes[] = {"c00", "c01", "c02", "c03", "c04", "c05", "c06", "c07", "c08", "c09",
                                          "c10", "c11", "c12", "c13", "c14", "c15", "c16", "c17", "c18", "c19",
                                          "c20", "c21", "c22", "c23", "c24", "c25", "c26", "c27", "c28", "c29"};
    uint32_t regs[30];
    int n = t->classes > 2 ? (int)t->classes : 1;
    tarn_task task = t->classes == 0 ? TARN_REGRESSION : t->classes == 2 ? TARN_BINARY : TARN_MULTICLASS;
    tarn_code rc = TARN_OK;

    for (int i = 0; i < n; i++) regs[i] = f->out + (uint32_t)i;
    TARN_TRY(tarn_graph_output(g, task, "y", regs, n, t->classes ? classes : NULL, (int)t->classes, 0.5, err));
    TARN_TRY(tarn_graph_finish(g, m, err));
done:
    return rc;
}

/* Predictions, where TARN_BENCH_OUT says. */
static tarn_code write_out(const double *out, size_t n, tarn_err *err)
{
    const char *path = getenv("TARN_BENCH_OUT");
    FILE *f = path ? fopen(path, "wb") : NULL;

    if (!path) return TARN_OK;
    if (!f) return TARN_FAIL_ERRNO(err, "open", path);
    size_t wrote = fwrite(out, sizeof *out, n, f);
    if (fclose(f) != 0 || wrote != n) return TARN_FAIL_ERRNO(err, "write", path);
    return TARN_OK;
}

static tarn_code measure(const table *t, const tarn_model *m, tarn_pool *pool, const char **what, double *value,
                         double *seconds, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t n = t->tests, k = t->classes > 2 ? t->classes : 1;
    double *out = NULL, sum = 0, start = tarn_seconds();
    const double *y = t->test[t->cols];
    scored *s = NULL;

    TARN_TRY(tarn_alloc(&out, (size_t)(k * n), sizeof *out, err));
    TARN_TRY(tarn_alloc(&s, (size_t)n, sizeof *s, err));
    TARN_TRY(tarn_model_run(m, pool, n, t->test, out, err));
    *seconds = tarn_seconds() - start;
    TARN_TRY(write_out(out, (size_t)(k * n), err));
    for (int64_t i = 0; i < n; i++) {
        int64_t best = 0;
        for (int64_t c = 1; c < k; c++)
            if (out[c * n + i] > out[best * n + i]) best = c;
        s[i] = (scored){out[i], y[i]};
        sum += t->classes > 2 ? (double)best == y[i] : (out[i] - y[i]) * (out[i] - y[i]);
    }
    *what = t->classes == 0 ? "rmse" : t->classes == 2 ? "auc" : "accuracy";
    *value = t->classes == 0 ? sqrt(sum / (double)n) : t->classes == 2 ? auc(s, n) : sum / (double)n;
done:
    tarn_free(out);
    tarn_free(s);
    return rc;
}

/* Microseconds that one row takes by itself, over the first test rows, for two seconds at most. */
static tarn_code time_rows(const table *t, const tarn_model *m, double *us, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t n = t->tests < 2000 ? t->tests : 2000;
    double *scratch = NULL, *in = NULL, out[64];

    TARN_TRY(tarn_alloc(&scratch, tarn_model_scratch(m), sizeof *scratch, err));
    TARN_TRY(tarn_alloc(&in, (size_t)(n * t->cols), sizeof *in, err));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < t->cols; j++) in[i * t->cols + j] = t->test[j][i];
    double start = tarn_seconds();
    int64_t done = 0;
    while (done < n && tarn_seconds() - start < 2) tarn_model_row(m, in + done++ * t->cols, scratch, out);
    *us = (tarn_seconds() - start) / (double)done * 1e6;
done:
    tarn_free(scratch);
    tarn_free(in);
    return rc;
}

static double peak_mb(void)
{
    struct rusage use;

    return getrusage(RUSAGE_SELF, &use) == 0 ? (double)use.ru_maxrss / 1024 : NAN;
}

static tarn_code set_params(const tarn_algo *algo, void *params, int count, char **texts, tarn_err *err)
{
    tarn_params_default(algo->params, params);
    for (int i = 0; i < count; i++) {
        char *eq = strchr(texts[i], '=');
        if (!eq) return TARN_FAIL(err, TARN_USAGE, "'%s' is not name=value", texts[i]);
        *eq = 0;
        tarn_code rc = tarn_param_set(algo->params, params, texts[i], eq + 1, err);
        if (rc != TARN_OK) return rc;
    }
    return TARN_OK;
}

static uint64_t hash_of(const tarn_model *m)
{
    size_t len = 0;
    const unsigned char *bytes = tarn_model_bytes(m, &len);
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < len; i++) h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

static tarn_code run(int argc, char **argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    table t = {0};
    const tarn_algo *algo = NULL;
    void *params = NULL;
    tarn_pool *pool = NULL;
    tarn_graph *graph = NULL;
    tarn_model *model = NULL;
    tarn_feature *features = NULL;
    uint32_t *regs = NULL;
    tarn_fitted fitted = {0};
    tarn_dense dense = {0};
    tarn_matrix x;
    const char *what = NULL;
    double value = 0, predict_s = 0, row_us = 0;

    TARN_TRY(tarn_algo_find(argv[2], &algo, err));
    TARN_TRY(tarn_alloc(&params, 1, algo->params_size, err));
    TARN_TRY(set_params(algo, params, argc - 4, argv + 4, err));
    TARN_TRY(read_table(argv[1], &t, err));
    TARN_TRY(tarn_pool_new(atoi(argv[3]), &pool, err));
    TARN_TRY(tarn_graph_new(&graph, err));
    TARN_TRY(tarn_alloc(&features, (size_t)t.cols, sizeof *features, err));
    TARN_TRY(tarn_alloc(&regs, (size_t)t.cols, sizeof *regs, err));
    TARN_TRY(add_inputs(&t, graph, features, regs, err));
    tarn_matrix_dense(&x, &dense, NULL, t.rows, (int32_t)t.cols, t.train, features);
    x.y = t.train[t.cols];
    x.classes = (int32_t)t.classes;
    tarn_fit job = {.x = &x, .seed = 1, .pool = pool, .graph = graph, .regs = regs};
    double start = tarn_seconds();
    TARN_TRY(tarn_train(algo, params, &job, &fitted, err));
    double fit_s = tarn_seconds() - start, peak = peak_mb();
    TARN_TRY(finish(graph, &t, &fitted, &model, err));
    TARN_TRY(measure(&t, model, pool, &what, &value, &predict_s, err));
    TARN_TRY(time_rows(&t, model, &row_us, err));
    size_t len = 0;
    char objective[64] = "";
    if (!isnan(fitted.objective))
        (void)snprintf(objective, sizeof objective, "\"objective\": %.9g, ", fitted.objective);
    (void)tarn_model_bytes(model, &len);
    printf("{\"table\": \"%s\", \"estimator\": \"%s\", \"fit_s\": %.4f, \"predict_s\": %.4f, \"row_us\": %.2f, "
           "\"peak_mb\": %.1f, \"%s\": %.6f, "
           "%s\"iterations\": %lld, \"model_bytes\": %zu, \"model\": \"%016llx\"}\n",
           argv[1], argv[2], fit_s, predict_s, row_us, peak, what, value, objective, (long long)fitted.iterations, len,
           (unsigned long long)hash_of(model));
done:
    tarn_free(fitted.importance);
    tarn_model_free(model);
    tarn_graph_free(graph);
    tarn_pool_free(pool);
    tarn_free(params);
    tarn_free(features);
    tarn_free(regs);
    tarn_free(t.levels);
    tarn_free(t.values);
    tarn_free(t.train);
    tarn_free(t.test);
    return rc;
}

int main(int argc, char **argv)
{
    tarn_err err = {0};

    if (argc < 4) {
        (void)fprintf(stderr, "usage: fit_bench TABLE ESTIMATOR THREADS [name=value ...]\n");
        return 64;
    }
    if (run(argc, argv, &err) == TARN_OK) return 0;
    (void)fprintf(stderr, "fit_bench: %s\n", err.msg);
    return 1;
}
