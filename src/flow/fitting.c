/* SPDX-License-Identifier: Apache-2.0 */
/* fitting.c - see fitting.h. */
#include "flow/fitting.h"

#include "base/mem.h"
#include "flow/settings.h"
#include "prepare/step.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tarn_task task_of(const char *word)
{
    if (strcmp(word, "multiclass") == 0) return TARN_MULTICLASS;
    return strcmp(word, "regression") == 0 ? TARN_REGRESSION : TARN_BINARY;
}

static tarn_code open_steps(const json_t *list, tarn_fitting *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    u->n_steps = json_array_size(list);
    TARN_TRY(tarn_alloc(&u->steps, u->n_steps + 1, sizeof *u->steps, err));
    for (size_t i = 0; i < u->n_steps; i++) {
        const json_t *j = json_array_get(list, i);
        const tarn_step *step = NULL;
        void *values = NULL;
        TARN_TRY(tarn_step_find(tarn_json_text(j, "step", ""), &step, err));
        TARN_TRY(tarn_alloc(&values, 1, step->params_size ? step->params_size : 1, err));
        u->steps[i] = (tarn_step_use){.name = step->name, .params = values};
        TARN_TRY(tarn_settings_read(step->params, json_object_get(j, "settings"), values, err));
    }
done:
    return rc;
}

/* Number of the column that the project names under `key`; -1 if it names none. */
static tarn_code named_column(const tarn_fitting *f, const char *key, int *out, tarn_err *err)
{
    const char *name = tarn_json_text(f->spec, key, "");

    *out = name[0] ? tarn_columns_find(f->data, name) : -1;
    if (name[0] && *out < 0) return TARN_FAIL(err, TARN_INVALID, "train.%s: the table has no column '%s'", key, name);
    return TARN_OK;
}

static tarn_code named_columns(tarn_fitting *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(named_column(f, "weight", &f->weight, err));
    TARN_TRY(named_column(f, "group", &f->group, err));
    const tarn_column *c = f->weight >= 0 ? tarn_columns_at(f->data, f->weight) : NULL;
    if (c && c->type != TARN_INT && c->type != TARN_REAL)
        rc = TARN_FAIL(err, TARN_INVALID, "train.weight: column '%s' is %s; a weight is a number", c->name,
                       tarn_type_name(c->type));
done:
    return rc;
}

tarn_code tarn_fitting_open(const tarn_stage_job *job, const json_t *spec, const json_t *settings, tarn_fitting *f,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *features = json_object_get(spec, "features");
    char path[200];

    *f = (tarn_fitting){.job = job, .spec = spec, .task = task_of(tarn_json_text(spec, "task", "binary"))};
    TARN_TRY(tarn_algo_find(tarn_json_text(spec, "algo", ""), &f->algo, err));
    TARN_TRY(tarn_alloc(&f->params, 1, f->algo->params_size ? f->algo->params_size : 1, err));
    TARN_TRY(tarn_settings_read(f->algo->params, settings, f->params, err));
    TARN_TRY(open_steps(json_object_get(spec, "prepare"), f, err));
    TARN_TRY(tarn_alloc(&f->features, json_array_size(features) + 1, sizeof *f->features, err));
    for (size_t i = 0; i < json_array_size(features); i++)
        f->features[i] = json_string_value(json_array_get(features, i));
    (void)snprintf(path, sizeof path, "%s.parquet", tarn_json_text(spec, "table", ""));
    TARN_TRY(tarn_stage_columns(job, path, &f->data, err));
    TARN_TRY(named_columns(f, err));
done:
    return rc;
}

tarn_code tarn_fitting_judge(const tarn_stage_job *job, tarn_columns *data, tarn_fitting *f, tarn_err *err)
{
    *f = (tarn_fitting){.job = job, .spec = job->params, .data = data};
    return named_columns(f, err);
}

void tarn_fitting_close(tarn_fitting *f)
{
    for (size_t i = 0; f->steps && i < f->n_steps; i++) tarn_free((void *)(uintptr_t)f->steps[i].params);
    tarn_free(f->steps);
    tarn_free(f->features);
    tarn_columns_release(f->data);
    tarn_free(f->params);
}

/* ---- weights and queries ---- */

/* A row's weight by its column; rows without one, or below 0, are at fault. */
static tarn_code column_weight(const tarn_fitting *f, int64_t row, double *out, tarn_err *err)
{
    const tarn_column *c = f->weight >= 0 ? tarn_columns_at(f->data, f->weight) : NULL;

    *out = c ? tarn_column_number(c, row) : 1;
    if (*out > 0 && isfinite(*out)) return TARN_OK;
    if (isnan(*out))
        return TARN_FAIL(err, TARN_INVALID,
                         "train.weight: column '%s' is missing in row %lld; every row needs a weight", c->name,
                         (long long)row + 1);
    return TARN_FAIL(err, TARN_INVALID, "train.weight: column '%s' is %g in row %lld; weights must be above 0", c->name,
                     *out, (long long)row + 1);
}

/* What each class's rows weigh: "balanced", or {class: weight}; NULL: 1 each. */
static tarn_code class_weights(const tarn_fitting *f, const tarn_prepared *p, const double *y, int64_t n, double **out,
                               tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *asked = json_object_get(f->spec, "class_weight");
    int classes = tarn_prepared_classes(p);
    const char *name;
    json_t *x;

    *out = NULL;
    if (!asked || classes == 0) return TARN_OK;
    TARN_TRY(tarn_alloc(out, (size_t)classes, sizeof **out, err));
    if (json_is_string(asked)) {
        for (int64_t i = 0; i < n; i++) (*out)[(int)y[i]]++;
        for (int k = 0; k < classes; k++) (*out)[k] = (double)n / (classes * fmax(1, (*out)[k]));
        goto done;
    }
    for (int k = 0; k < classes; k++) (*out)[k] = 1;
    json_object_foreach((json_t *)(uintptr_t)asked, name, x)
    {
        int k = 0;
        while (k < classes && strcmp(tarn_prepared_class_names(p)[k], name) != 0) k++;
        if (k == classes)
            TARN_TRY(
                TARN_FAIL(err, TARN_INVALID, "train.class_weight: no row to learn from is of class '%.80s'", name));
        (*out)[k] = json_number_value(x);
    }
done:
    return rc;
}

static tarn_code weigh(const tarn_fitting *f, const tarn_prepared *p, const int64_t *rows, const double *y, int64_t n,
                       bool classes, double **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *of_class = NULL;

    *out = NULL;
    if (classes) TARN_TRY(class_weights(f, p, y, n, &of_class, err));
    if (f->weight < 0 && !of_class) return TARN_OK;
    TARN_TRY(tarn_alloc(out, (size_t)n, sizeof **out, err));
    for (int64_t i = 0; i < n; i++) {
        TARN_TRY(column_weight(f, rows[i], &(*out)[i], err));
        if (of_class) (*out)[i] *= of_class[(int)y[i]];
    }
done:
    tarn_free(of_class);
    return rc;
}

/* A row and its query. */
typedef struct member {
    int64_t group, row;
} member;

static int by_group(const void *a_, const void *b_)
{
    const member *a = a_, *b = b_;

    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* A copy of the rows, the members of a query together. *group stays NULL without queries. */
static tarn_code order_rows(const tarn_fitting *f, const int64_t *rows, int64_t n, int64_t **out, int64_t **group,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_column *c = f->group >= 0 ? tarn_columns_at(f->data, f->group) : NULL;
    member *members = NULL;

    *group = NULL;
    TARN_TRY(tarn_alloc(out, (size_t)n, sizeof **out, err));
    memcpy(*out, rows, (size_t)n * sizeof **out);
    if (!c) goto done;
    TARN_TRY(tarn_alloc(&members, (size_t)n, sizeof *members, err));
    TARN_TRY(tarn_alloc(group, (size_t)n, sizeof **group, err));
    for (int64_t i = 0; i < n; i++) {
        if (!tarn_column_has(c, rows[i]))
            TARN_TRY(TARN_FAIL(err, TARN_INVALID, "train.group: column '%s' is missing in row %lld", c->name,
                               (long long)rows[i] + 1));
        members[i] = (member){(int64_t)tarn_column_number(c, rows[i]), rows[i]};
    }
    qsort(members, (size_t)n, sizeof *members, by_group);
    for (int64_t i = 0; i < n; i++) (*out)[i] = members[i].row, (*group)[i] = members[i].group;
done:
    tarn_free(members);
    return rc;
}

/* ---- learning ---- */

/* Rows as an estimator sees them, and all that its matrix points to. */
typedef struct fit_matrix {
    tarn_matrix x;
    tarn_rows *rows;
    int64_t *order, *group;
    double *weight;
    tarn_sparse sparse;
    tarn_sparse_source *source;
} fit_matrix;

static void close_matrix(fit_matrix *m)
{
    tarn_rows_free(m->rows);
    tarn_free(m->order);
    tarn_free(m->group);
    tarn_free(m->weight);
    tarn_free(m->source);
}

static tarn_code open_sparse(fit_matrix *m, tarn_pool *pool, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text_columns t;

    TARN_TRY(tarn_rows_sparse(m->rows, pool, &t, err));
    if (t.cols == 0) return TARN_OK;
    TARN_TRY(tarn_alloc(&m->source, (size_t)t.sources, sizeof *m->source, err));
    for (int32_t s = 0; s < t.sources; s++)
        m->source[s] = (tarn_sparse_source){.first = t.source[s].first,
                                            .cols = t.source[s].cols,
                                            .reg = t.source[s].reg,
                                            .head = t.source[s].head,
                                            .len = t.source[s].len};
    m->sparse = (tarn_sparse){.cols = t.cols,
                              .start = t.start,
                              .index = t.index,
                              .value = t.value,
                              .source = m->source,
                              .sources = t.sources};
    m->x.sparse = &m->sparse;
done:
    return rc;
}

static tarn_code open_matrix(const tarn_fitting *f, const tarn_prepared *p, const int64_t *rows, int64_t n,
                             fit_matrix *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int32_t cols = 0;

    (void)tarn_prepared_regs(p, &cols);
    TARN_TRY(order_rows(f, rows, n, &m->order, &m->group, err));
    TARN_TRY(tarn_rows_new(p, f->data, m->order, n, &m->rows, err));
    TARN_TRY(weigh(f, p, m->order, tarn_rows_y(m->rows), n, true, &m->weight, err));
    m->x = (tarn_matrix){.rows = n,
                         .all_rows = n,
                         .cols = cols,
                         .features = tarn_prepared_features(p),
                         .block = tarn_rows_block,
                         .view = tarn_rows_view,
                         .self = m->rows,
                         .y = tarn_rows_y(m->rows),
                         .weight = m->weight,
                         .group = m->group,
                         .of_table = m->order,
                         .classes = tarn_prepared_classes(p)};
    TARN_TRY(open_sparse(m, f->job->pool, err));
done:
    return rc;
}

static tarn_code prepare(const tarn_fitting *f, const int64_t *rows, int64_t n, tarn_prepared **out, tarn_err *err)
{
    const char *positive = tarn_json_text(f->spec, "positive", "");
    tarn_prepare_job job = {.data = f->data,
                            .features = f->features,
                            .target = tarn_json_text(f->spec, "target", ""),
                            .positive = positive[0] ? positive : NULL,
                            .task = f->task,
                            .train_rows = rows,
                            .n_train = n,
                            .steps = f->steps,
                            .n_steps = (int)f->n_steps,
                            .pool = f->job->pool,
                            .sink = f->job->sink};

    return tarn_prepare(&job, out, err);
}

/* Importance per column summed over the raw input each column came from. */
static tarn_code set_importance(tarn_learned *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_graph *g = tarn_prepared_graph(l->prepared);
    const tarn_feature *features = tarn_prepared_features(l->prepared);
    double *share = NULL;
    int32_t cols = 0, texts = 0;

    if (!l->fitted.importance) return TARN_OK;
    (void)tarn_prepared_regs(l->prepared, &cols);
    TARN_TRY(tarn_alloc(&share, tarn_graph_inputs(g), sizeof *share, err));
    for (int32_t i = 0; i < cols; i++) share[features[i].input] += l->fitted.importance[i];
    const tarn_text_source *text = tarn_prepared_texts(l->prepared, &texts);
    for (int32_t s = 0; s < texts; s++) share[text[s].reg] += l->fitted.importance[cols + s];
    TARN_TRY(tarn_graph_importance(g, share, err));
done:
    tarn_free(share);
    return rc;
}

/* Estimators say of two classes how likely the second is; a model of several classes says it of each. */
static tarn_code add_first_class(tarn_learned *l, tarn_err *err)
{
    static const double both[] = {1, 0, -1, 1}; /* 1 - p and 0 + p */

    return tarn_graph_node(tarn_prepared_graph(l->prepared), "linear", &l->fitted.out, 1, 2, NULL, both, sizeof both,
                           &l->fitted.out, err);
}

static tarn_code finish(const tarn_fitting *f, tarn_learned *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_graph *g = tarn_prepared_graph(l->prepared);
    int classes = tarn_prepared_classes(l->prepared), n = f->task == TARN_MULTICLASS ? classes : 1;
    uint32_t *regs = NULL;

    TARN_TRY(tarn_alloc(&regs, (size_t)n, sizeof *regs, err));
    for (int i = 0; i < n; i++) regs[i] = l->fitted.out + (uint32_t)i;
    TARN_TRY(tarn_graph_output(g, f->task, tarn_json_text(f->spec, "target", ""), regs, n,
                               tarn_prepared_class_names(l->prepared), classes, 0.5, err));
    TARN_TRY(tarn_graph_finish(g, &l->model, err));
done:
    tarn_free(regs);
    return rc;
}

tarn_code tarn_fitting_learn(const tarn_fitting *f, const int64_t *rows, int64_t n, const int64_t *valid,
                             int64_t n_valid, const tarn_going_on *on, tarn_learned *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_stage_job *job = f->job;
    fit_matrix x = {0}, v = {0};
    int32_t cols = 0;

    *out = (tarn_learned){0};
    TARN_TRY(prepare(f, on ? on->prepare : rows, on ? on->n_prepare : n, &out->prepared, err));
    TARN_TRY(open_matrix(f, out->prepared, rows, n, &x, err));
    if (n_valid > 0) TARN_TRY(open_matrix(f, out->prepared, valid, n_valid, &v, err));
    tarn_fit fit = {.x = &x.x,
                    .valid = n_valid > 0 ? &v.x : NULL,
                    .seed = (uint64_t)json_integer_value(json_object_get(f->spec, "seed")),
                    .pool = job->pool,
                    .sink = job->sink,
                    .graph = tarn_prepared_graph(out->prepared),
                    .regs = tarn_prepared_regs(out->prepared, &cols),
                    .before = on && on->before_len > 0 ? on->before : NULL,
                    .before_len = on ? on->before_len : 0,
                    .keep_state = on != NULL};
    TARN_TRY(tarn_train(f->algo, f->params, &fit, &out->fitted, err));
    TARN_TRY(set_importance(out, err));
    if (f->task == TARN_MULTICLASS && x.x.classes == 2) TARN_TRY(add_first_class(out, err));
    TARN_TRY(finish(f, out, err));
done:
    close_matrix(&x);
    close_matrix(&v);
    if (rc != TARN_OK) tarn_learned_clear(out);
    return rc;
}

void tarn_learned_clear(tarn_learned *l)
{
    tarn_model_free(l->model);
    tarn_free(l->fitted.importance);
    tarn_free(l->fitted.state);
    tarn_prepared_free(l->prepared);
    *l = (tarn_learned){0};
}

tarn_code tarn_fitting_score(const tarn_fitting *f, const tarn_model *m, const int64_t *rows, int64_t n,
                             tarn_scored *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *cluster = tarn_json_text(f->spec, "cluster", "");
    int64_t *order = NULL;

    *out = (tarn_scored){0};
    TARN_TRY(order_rows(f, rows, n, &order, &out->group, err));
    int64_t *group = out->group;
    TARN_TRY(tarn_score(m, f->job->pool, f->data, order, n, out, err));
    out->group = group;
    out->judged.group = group;
    TARN_TRY(weigh(f, NULL, order, out->y, n, false, &out->weight, err));
    out->judged.weight = out->weight;
    if (cluster[0]) TARN_TRY(tarn_row_clusters(f->data, cluster, order, n, &out->cluster, err));
    out->judged.cluster = out->cluster;
done:
    tarn_free(order);
    if (rc != TARN_OK) tarn_scored_clear(out);
    return rc;
}
