/* SPDX-License-Identifier: Apache-2.0 */
/* text_bench.c - from a file of text lines to a model, and how long it took and how good it is.
 *
 *     text_bench TRAIN TEST ESTIMATOR THREADS BITS [name=value ...]
 *
 * A line is a class (a whole number; of two classes -1 may stand for the lower one) and tokens, name or name:number,
 * parted by spaces; a lone | is passed over, so that SVMlight's and Vowpal Wabbit's files can be read. Tokens are
 * hashed to 2^BITS columns; with 0 they get a vocabulary, the way that a project goes: a table of texts, and step
 * `text` fitted on it. Prints one line of JSON for side.py: fit_s is all of it, from opening the file to the model;
 * learn_s the estimator's share. */
#include "auc.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/tokens.h"
#include "prepare/prepare.h"
#include "prepare/step.h"
#include "train/train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PIECE = 1 << 20, MOST_CLASSES = 64 };

typedef struct piece {
    int32_t *index;
    float *value;
    double *y;
    tarn_string *text;
    int64_t *entries;
    int64_t n, rows, n_cap, rows_cap;
} piece;

typedef struct file {
    tarn_mapped map;
    tarn_bag bag;
    piece *pieces;
    int64_t n_pieces, rows;
    uint64_t *scratch;
    size_t each;
    int64_t *start;
    int32_t *index;
    float *value;
    double *y, *field;
    tarn_string *text;
} file;

static tarn_code add_row(piece *p, const file *f, const char *line, size_t len, int worker, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *end;
    double y = strtod(line, &end);
    const char *text = end;
    tarn_bag_entry *e = NULL;

    while (text < line + len && (*text == ' ' || *text == '|')) text++;
    if (p->rows == p->rows_cap) {
        p->rows_cap = 2 * p->rows_cap + 1024;
        TARN_TRY(tarn_resize(&p->y, (size_t)p->rows_cap, sizeof *p->y, err));
        TARN_TRY(tarn_resize(&p->text, (size_t)p->rows_cap, sizeof *p->text, err));
        TARN_TRY(tarn_resize(&p->entries, (size_t)p->rows_cap, sizeof *p->entries, err));
    }
    tarn_string s = {text, (size_t)(line + len - text)};
    uint32_t found =
        f->bag.head ? tarn_bag_read(&f->bag, s.bytes, s.len, f->scratch + (size_t)worker * f->each, &e) : 0;
    if (p->n + found > p->n_cap) {
        p->n_cap = 2 * (p->n + found) + PIECE / 4;
        TARN_TRY(tarn_resize(&p->index, (size_t)p->n_cap, sizeof *p->index, err));
        TARN_TRY(tarn_resize(&p->value, (size_t)p->n_cap, sizeof *p->value, err));
    }
    for (uint32_t k = 0; k < found; k++) {
        p->index[p->n] = (int32_t)e[k].col;
        p->value[p->n++] = e[k].value;
    }
    p->y[p->rows] = y;
    p->text[p->rows] = s;
    p->entries[p->rows++] = found;
done:
    return rc;
}

/* The lines that begin in a piece of the file. */
static tarn_code read_piece(void *arg, int64_t block, int worker, tarn_err *err)
{
    file *f = arg;
    const char *all = f->map.bytes, *end = all + f->map.len, *at = all + block * PIECE, *to = at + PIECE;
    tarn_code rc = TARN_OK;

    if (to > end) to = end;
    if (block > 0) {
        const char *line = memchr(at - 1, '\n', (size_t)(end - at) + 1);
        at = line ? line + 1 : end;
    }
    while (at < to && rc == TARN_OK) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((line ? line : end) - at);
        if (len > 0) rc = add_row(&f->pieces[block], f, at, len, worker, err);
        at += len + 1;
    }
    return rc;
}

static tarn_code place(void *arg, int64_t block, int worker, tarn_err *err)
{
    file *f = arg;
    piece *p = &f->pieces[block];
    int64_t row = 0, n = 0;

    (void)worker, (void)err;
    for (int64_t b = 0; b < block; b++) {
        row += f->pieces[b].rows;
        n += f->pieces[b].n;
    }
    if (p->n > 0) memcpy(f->index + n, p->index, (size_t)p->n * sizeof *f->index);
    if (p->n > 0) memcpy(f->value + n, p->value, (size_t)p->n * sizeof *f->value);
    for (int64_t i = 0; i < p->rows; i++) {
        f->y[row + i] = p->y[i];
        f->text[row + i] = p->text[i];
        f->field[row + i] = tarn_string_value(&f->text[row + i]);
        f->start[row + i] = n;
        n += p->entries[i];
    }
    return TARN_OK;
}

static tarn_code read_file(file *f, const char *path, const tarn_bag_data *head, tarn_pool *pool, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t n = 0;

    *f = (file){.bag = {.head = head}};
    TARN_TRY(tarn_map_open(path, &f->map, err));
    f->n_pieces = (int64_t)((f->map.len + PIECE - 1) / PIECE);
    f->each = head ? tarn_bag_scratch(head, TARN_STRING_MOST) / 8 + 8 : 0;
    TARN_TRY(tarn_alloc(&f->scratch, (size_t)tarn_pool_threads(pool) * f->each, 8, err));
    TARN_TRY(tarn_alloc(&f->pieces, (size_t)f->n_pieces, sizeof *f->pieces, err));
    TARN_TRY(tarn_pool_run(pool, f->n_pieces, read_piece, f, err));
    for (int64_t b = 0; b < f->n_pieces; b++) {
        f->rows += f->pieces[b].rows;
        n += f->pieces[b].n;
    }
    TARN_TRY(tarn_alloc(&f->start, (size_t)f->rows + 1, sizeof *f->start, err));
    TARN_TRY(tarn_alloc(&f->index, (size_t)n, sizeof *f->index, err));
    TARN_TRY(tarn_alloc(&f->value, (size_t)n, sizeof *f->value, err));
    TARN_TRY(tarn_alloc(&f->y, (size_t)f->rows, sizeof *f->y, err));
    TARN_TRY(tarn_alloc(&f->text, (size_t)f->rows, sizeof *f->text, err));
    TARN_TRY(tarn_alloc(&f->field, (size_t)f->rows, sizeof *f->field, err));
    TARN_TRY(tarn_pool_run(pool, f->n_pieces, place, f, err));
    f->start[f->rows] = n;
done:
    for (int64_t b = 0; f->pieces && b < f->n_pieces; b++) {
        tarn_free(f->pieces[b].index);
        tarn_free(f->pieces[b].value);
        tarn_free(f->pieces[b].y);
        tarn_free(f->pieces[b].text);
        tarn_free(f->pieces[b].entries);
    }
    tarn_free(f->pieces);
    tarn_free(f->scratch);
    return rc;
}

static void close_file(file *f)
{
    tarn_free(f->start);
    tarn_free(f->index);
    tarn_free(f->value);
    tarn_free(f->y);
    tarn_free(f->text);
    tarn_free(f->field);
    tarn_map_close(&f->map);
}

/* Classes 0, 1 ... of the numbers that occur. */
static int number_classes(double *y, int64_t n, double *names, int known)
{
    for (int64_t i = 0; i < n; i++) {
        int k = 0;
        while (k < known && names[k] < y[i]) k++;
        if (k < known && names[k] == y[i]) continue;
        if (known == MOST_CLASSES) return known;
        memmove(names + k + 1, names + k, (size_t)(known - k) * sizeof *names);
        names[k] = y[i];
        known++;
    }
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < known; k++)
            if (names[k] == y[i]) {
                y[i] = k;
                break;
            }
    return known;
}

static tarn_code judge(const tarn_model *m, const file *f, tarn_pool *pool, double *value, double *seconds,
                       tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int k = tarn_model_outputs(m);
    int64_t n = f->rows, right = 0;
    const double *columns[] = {f->field};
    double *out = NULL, start = tarn_seconds();
    scored *s = NULL;

    TARN_TRY(tarn_alloc(&out, (size_t)(k * n), sizeof *out, err));
    TARN_TRY(tarn_alloc(&s, (size_t)n, sizeof *s, err));
    TARN_TRY(tarn_model_run(m, pool, n, columns, out, err));
    *seconds = tarn_seconds() - start;
    for (int64_t i = 0; i < n; i++) {
        int best = 0;
        for (int c = 1; c < k; c++)
            if (out[c * n + i] > out[best * n + i]) best = c;
        right += (double)best == f->y[i];
        s[i] = (scored){out[i], f->y[i]};
    }
    *value = k > 1 ? (double)right / (double)n : auc(s, n);
done:
    tarn_free(out);
    tarn_free(s);
    return rc;
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

static tarn_code finish(tarn_graph *g, int classes, uint32_t first, tarn_model **m, tarn_err *err)
{
    uint32_t regs[MOST_CLASSES];
    char text[MOST_CLASSES][12];
    const char *names[MOST_CLASSES];

    for (int k = 0; k < classes; k++) {
        (void)snprintf(text[k], sizeof text[k], "c%d", k);
        names[k] = text[k];
        regs[k] = first + (uint32_t)k;
    }
    tarn_code rc = tarn_graph_output(g, classes == 2 ? TARN_BINARY : TARN_MULTICLASS, "y", regs,
                                     classes == 2 ? 1 : classes, names, classes, 0.5, err);
    return rc == TARN_OK ? tarn_graph_finish(g, m, err) : rc;
}

/* The way of a project: rows as a table, step `text` fitted on it. */
typedef struct table {
    tarn_columns *columns;
    tarn_prepared *prepared;
    tarn_rows *rows;
    int64_t *numbers;
} table;

static void table_free(table *t)
{
    tarn_rows_free(t->rows);
    tarn_prepared_free(t->prepared);
    tarn_columns_release(t->columns);
    tarn_free(t->numbers);
}

static tarn_code make_table(const file *f, table *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns_maker *m = NULL;
    const char **texts = NULL;
    int32_t *lens = NULL;
    int64_t *y = NULL;

    TARN_TRY(tarn_alloc(&texts, (size_t)f->rows, sizeof *texts, err));
    TARN_TRY(tarn_alloc(&lens, (size_t)f->rows, sizeof *lens, err));
    TARN_TRY(tarn_alloc(&y, (size_t)f->rows, sizeof *y, err));
    TARN_TRY(tarn_alloc(&t->numbers, (size_t)f->rows, sizeof *t->numbers, err));
    for (int64_t i = 0; i < f->rows; i++) {
        texts[i] = f->text[i].bytes;
        lens[i] = (int32_t)f->text[i].len;
        y[i] = (int64_t)f->y[i];
        t->numbers[i] = i;
    }
    TARN_TRY(tarn_columns_maker_new(f->rows, &m, err));
    TARN_TRY(tarn_columns_maker_text(m, "text", texts, lens, err));
    TARN_TRY(tarn_columns_maker_add(m, "y", TARN_INT, y, NULL, err));
    TARN_TRY(tarn_columns_maker_finish(m, &t->columns, err));
done:
    tarn_columns_maker_free(m);
    tarn_free(texts);
    tarn_free(lens);
    tarn_free(y);
    return rc;
}

static tarn_code prepare(const file *f, tarn_pool *pool, table *t, tarn_sparse_source *source, tarn_sparse *sparse,
                         tarn_err *err)
{
    static const char *const features[] = {"text", NULL};
    static double params[2048];
    tarn_code rc = TARN_OK;
    const tarn_step *step = NULL;
    tarn_text_columns c;

    TARN_TRY(make_table(f, t, err));
    TARN_TRY(tarn_step_find("text", &step, err));
    tarn_params_default(step->params, params);
    TARN_TRY(tarn_param_set(step->params, params, "tokens", "values", err));
    const tarn_step_use use = {.name = "text", .params = params};
    tarn_prepare_job job = {.data = t->columns,
                            .features = features,
                            .target = "y",
                            .task = TARN_MULTICLASS,
                            .train_rows = t->numbers,
                            .n_train = f->rows,
                            .steps = &use,
                            .n_steps = 1,
                            .pool = pool};
    TARN_TRY(tarn_prepare(&job, &t->prepared, err));
    TARN_TRY(tarn_rows_new(t->prepared, t->columns, t->numbers, f->rows, &t->rows, err));
    TARN_TRY(tarn_rows_sparse(t->rows, pool, &c, err));
    *source = (tarn_sparse_source){.cols = c.cols, .reg = c.source->reg, .head = c.source->head, .len = c.source->len};
    *sparse = (tarn_sparse){
        .cols = c.cols, .start = c.start, .index = c.index, .value = c.value, .source = source, .sources = 1};
done:
    return rc;
}

static tarn_code run(int argc, char **argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool hashed = atoi(argv[5]) > 0;
    const tarn_bag_data head = {
        .tokens = TARN_TOKENS_VALUES, .least = 1, .most = 1, .hashed = 1, .cols = 1u << (atoi(argv[5]) & 31)};
    const tarn_algo *algo = NULL;
    void *params = NULL;
    tarn_pool *pool = NULL;
    tarn_graph *graph = NULL;
    tarn_model *model = NULL;
    tarn_fitted fitted = {0};
    file train = {0}, test = {0};
    table t = {0};
    double names[MOST_CLASSES], value = 0, predict_s = 0, start = tarn_seconds();
    struct rusage use;
    int classes;

    TARN_TRY(tarn_algo_find(argv[3], &algo, err));
    TARN_TRY(tarn_alloc(&params, 1, algo->params_size, err));
    TARN_TRY(set_params(algo, params, argc - 6, argv + 6, err));
    TARN_TRY(tarn_pool_new(atoi(argv[4]), &pool, err));
    TARN_TRY(read_file(&train, argv[1], hashed ? &head : NULL, pool, err));
    classes = number_classes(train.y, train.rows, names, 0);
    tarn_sparse_source source = {.cols = (int32_t)head.cols, .head = &head, .len = sizeof head};
    tarn_sparse sparse = {.cols = (int32_t)head.cols,
                          .start = train.start,
                          .index = train.index,
                          .value = train.value,
                          .source = &source,
                          .sources = 1};
    tarn_dense dense;
    tarn_matrix x;
    tarn_matrix_dense(&x, &dense, NULL, train.rows, 0, NULL, NULL);
    x.y = train.y;
    x.classes = classes;
    x.sparse = &sparse;
    if (!hashed) TARN_TRY(prepare(&train, pool, &t, &source, &sparse, err));
    if (hashed) {
        TARN_TRY(tarn_graph_new(&graph, err));
        TARN_TRY(tarn_graph_input(graph, "text", TARN_STRING, false, NAN, NAN, NULL, NULL, 0, NULL, err));
    }
    tarn_graph *g = hashed ? graph : tarn_prepared_graph(t.prepared);
    double learn_s = tarn_seconds();
    tarn_fit job = {.x = &x, .seed = 1, .pool = pool, .graph = g};
    TARN_TRY(tarn_train(algo, params, &job, &fitted, err));
    double fit_s = tarn_seconds() - start;
    learn_s = tarn_seconds() - learn_s;
    TARN_TRY(finish(g, classes, fitted.out, &model, err));
    (void)getrusage(RUSAGE_SELF, &use);
    TARN_TRY(read_file(&test, argv[2], NULL, pool, err));
    (void)number_classes(test.y, test.rows, names, classes);
    TARN_TRY(judge(model, &test, pool, &value, &predict_s, err));
    printf("{\"estimator\": \"%s\", \"fit_s\": %.4f, \"learn_s\": %.4f, \"predict_s\": %.4f, \"peak_mb\": %.1f, "
           "\"%s\": %.6f, \"objective\": %.9g, \"iterations\": %lld}\n",
           argv[3], fit_s, learn_s, predict_s, (double)use.ru_maxrss / 1024, classes == 2 ? "auc" : "accuracy", value,
           isfinite(fitted.objective) ? fitted.objective : 0, (long long)fitted.iterations);
done:
    tarn_free(fitted.importance);
    tarn_free(params);
    tarn_model_free(model);
    tarn_graph_free(graph);
    table_free(&t);
    tarn_pool_free(pool);
    close_file(&train);
    close_file(&test);
    return rc;
}

int main(int argc, char **argv)
{
    tarn_err err = {0};

    if (argc < 6) {
        (void)fprintf(stderr, "usage: text_bench TRAIN TEST ESTIMATOR THREADS BITS [name=value ...]\n");
        return 64;
    }
    if (run(argc, argv, &err) == TARN_OK) return 0;
    (void)fprintf(stderr, "text_bench: %s\n", err.msg);
    return 1;
}
