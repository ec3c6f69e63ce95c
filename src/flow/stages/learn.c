/* SPDX-License-Identifier: Apache-2.0 */
/* learn.c - the step that trains one candidate: preparation fitted on the train rows, estimator, threshold and figures
 * on the validation rows. */
#include "base/mem.h"
#include "flow/scoring.h"
#include "flow/settings.h"
#include "flow/stage.h"
#include "prepare/step.h"
#include "train/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* All that one fit needs, so that it is freed in one place. */
typedef struct fit_use {
    const tarn_algo *algo;
    void *params;
    tarn_columns *data;
    const char **features;
    tarn_step_use *steps;
    size_t n_steps;
    int64_t *train, *valid, n_train, n_valid;
    tarn_prepared *prepared;
    tarn_rows *train_rows, *valid_rows;
    tarn_fitted fitted;
    tarn_model *model;
    tarn_task task;
} fit_use;

static void close_fit(fit_use *u)
{
    tarn_model_free(u->model);
    tarn_free(u->fitted.importance);
    tarn_rows_free(u->valid_rows);
    tarn_rows_free(u->train_rows);
    tarn_prepared_free(u->prepared);
    tarn_free(u->valid);
    tarn_free(u->train);
    for (size_t i = 0; u->steps && i < u->n_steps; i++) tarn_free((void *)(uintptr_t)u->steps[i].params);
    tarn_free(u->steps);
    tarn_free(u->features);
    tarn_columns_release(u->data);
    tarn_free(u->params);
}

static tarn_task task_of(const char *word)
{
    if (strcmp(word, "multiclass") == 0) return TARN_MULTICLASS;
    return strcmp(word, "regression") == 0 ? TARN_REGRESSION : TARN_BINARY;
}

static tarn_code open_steps(const json_t *list, fit_use *u, tarn_err *err)
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

static tarn_code open_fit(const tarn_stage_job *job, fit_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *p = job->params, *features = json_object_get(p, "features");
    char path[200];

    u->task = task_of(tarn_json_text(p, "task", "binary"));
    TARN_TRY(tarn_algo_find(tarn_json_text(p, "algo", ""), &u->algo, err));
    TARN_TRY(tarn_alloc(&u->params, 1, u->algo->params_size ? u->algo->params_size : 1, err));
    TARN_TRY(tarn_settings_read(u->algo->params, json_object_get(p, "settings"), u->params, err));
    TARN_TRY(open_steps(json_object_get(p, "prepare"), u, err));
    TARN_TRY(tarn_alloc(&u->features, json_array_size(features) + 1, sizeof *u->features, err));
    for (size_t i = 0; i < json_array_size(features); i++)
        u->features[i] = json_string_value(json_array_get(features, i));
    (void)snprintf(path, sizeof path, "%s.parquet", tarn_json_text(p, "table", ""));
    TARN_TRY(tarn_stage_columns(job, path, &u->data, err));
    TARN_TRY(tarn_part_rows(job, tarn_columns_rows(u->data), TARN_TRAIN, &u->train, &u->n_train, err));
    TARN_TRY(tarn_part_rows(job, tarn_columns_rows(u->data), TARN_VALID, &u->valid, &u->n_valid, err));
    if (u->n_train == 0 || u->n_valid == 0)
        rc = TARN_FAIL(err, TARN_INVALID,
                       "the split leaves %lld train and %lld valid rows; both are needed (prepare.split)",
                       (long long)u->n_train, (long long)u->n_valid);
done:
    return rc;
}

static tarn_matrix matrix_of(const fit_use *u, const tarn_rows *rows, int64_t n)
{
    int32_t cols = 0;

    (void)tarn_prepared_regs(u->prepared, &cols);
    return (tarn_matrix){.rows = n,
                         .all_rows = n,
                         .cols = cols,
                         .features = tarn_prepared_features(u->prepared),
                         .block = tarn_rows_block,
                         .self = (void *)(uintptr_t)rows,
                         .y = tarn_rows_y(rows),
                         .classes = tarn_prepared_classes(u->prepared)};
}

static tarn_code prepare_and_train(const tarn_stage_job *job, fit_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *p = job->params;
    const char *positive = tarn_json_text(p, "positive", "");
    tarn_prepare_job prepare = {.data = u->data,
                                .features = u->features,
                                .target = tarn_json_text(p, "target", ""),
                                .positive = positive[0] ? positive : NULL,
                                .task = u->task,
                                .train_rows = u->train,
                                .n_train = u->n_train,
                                .steps = u->steps,
                                .n_steps = (int)u->n_steps,
                                .pool = job->pool,
                                .sink = job->sink};

    TARN_TRY(tarn_prepare(&prepare, &u->prepared, err));
    TARN_TRY(tarn_rows_new(u->prepared, u->data, u->train, u->n_train, &u->train_rows, err));
    TARN_TRY(tarn_rows_new(u->prepared, u->data, u->valid, u->n_valid, &u->valid_rows, err));
    tarn_matrix x = matrix_of(u, u->train_rows, u->n_train), valid = matrix_of(u, u->valid_rows, u->n_valid);
    int32_t cols = 0;
    tarn_fit fit = {.x = &x,
                    .valid = &valid,
                    .seed = (uint64_t)json_integer_value(json_object_get(p, "seed")),
                    .pool = job->pool,
                    .sink = job->sink,
                    .graph = tarn_prepared_graph(u->prepared),
                    .regs = tarn_prepared_regs(u->prepared, &cols)};
    TARN_TRY(tarn_train(u->algo, u->params, &fit, &u->fitted, err));
done:
    return rc;
}

/* Importance per column summed over the raw input each column came from. */
static tarn_code set_importance(fit_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_graph *g = tarn_prepared_graph(u->prepared);
    const tarn_feature *features = tarn_prepared_features(u->prepared);
    double *share = NULL;
    int32_t cols = 0;

    if (!u->fitted.importance) return TARN_OK;
    (void)tarn_prepared_regs(u->prepared, &cols);
    TARN_TRY(tarn_alloc(&share, tarn_graph_inputs(g), sizeof *share, err));
    for (int32_t i = 0; i < cols; i++) share[features[i].input] += u->fitted.importance[i];
    TARN_TRY(tarn_graph_importance(g, share, err));
done:
    tarn_free(share);
    return rc;
}

static tarn_code finish_model(const tarn_stage_job *job, fit_use *u, double threshold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_graph *g = tarn_prepared_graph(u->prepared);
    int classes = tarn_prepared_classes(u->prepared), n = u->task == TARN_MULTICLASS ? classes : 1;
    uint32_t *regs = NULL;

    TARN_TRY(tarn_alloc(&regs, (size_t)n, sizeof *regs, err));
    for (int i = 0; i < n; i++) regs[i] = u->fitted.out + (uint32_t)i;
    TARN_TRY(tarn_graph_output(g, u->task, tarn_json_text(job->params, "target", ""), regs, n,
                               tarn_prepared_class_names(u->prepared), classes, threshold, err));
    tarn_model_free(u->model);
    u->model = NULL;
    TARN_TRY(tarn_graph_finish(g, &u->model, err));
done:
    tarn_free(regs);
    return rc;
}

/* The declared threshold, or the most profitable one on the validation rows; puts it into the model. */
static tarn_code set_threshold(const tarn_stage_job *job, fit_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *word = tarn_json_text(job->params, "threshold", "0.5");
    tarn_scored scored = {0};
    double threshold = 0.5;

    if (u->task == TARN_BINARY && strcmp(word, "profit") == 0) {
        tarn_costs costs = tarn_costs_of(json_object_get(job->params, "costs"));
        TARN_TRY(tarn_score(u->model, job->pool, u->data, u->valid, u->n_valid, &scored, err));
        TARN_TRY(tarn_best_threshold(&scored.judged, &costs, &threshold, err));
    } else {
        (void)tarn_num_parse(word, strlen(word), false, &threshold);
    }
    TARN_TRY(finish_model(job, u, threshold, err));
done:
    tarn_scored_clear(&scored);
    return rc;
}

static tarn_code put_report(tarn_stage_job *job, fit_use *u, json_t *valid, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *name = tarn_json_text(job->params, "candidate", "");
    size_t bytes = 0;
    char path[200], line[400];
    json_t *report = json_object(), *nodes = json_array();
    const void *block = tarn_model_bytes(u->model, &bytes);

    for (int i = 0; i < tarn_model_nodes(u->model); i++)
        TARN_TRY(tarn_json_append(nodes, json_string(tarn_model_node_text(u->model, i, line, sizeof line)), err));
    TARN_TRY(tarn_json_set(report, "name", json_string(name), err));
    TARN_TRY(tarn_json_set(report, "algo", json_string(u->algo->name), err));
    TARN_TRY(tarn_json_set(report, "title", json_string(u->algo->title), err));
    TARN_TRY(tarn_json_set(report, "settings", json_deep_copy(json_object_get(job->params, "settings")), err));
    TARN_TRY(tarn_json_set(report, "train_rows", json_integer((json_int_t)u->n_train), err));
    TARN_TRY(tarn_json_set(report, "valid_rows", json_integer((json_int_t)u->n_valid), err));
    TARN_TRY(tarn_json_set(report, "iterations", json_integer((json_int_t)u->fitted.iterations), err));
    TARN_TRY(tarn_json_set(report, "converged", json_boolean(u->fitted.converged), err));
    TARN_TRY(tarn_json_set(report, "objective", tarn_json_num(u->fitted.objective), err));
    TARN_TRY(tarn_json_set(report, "bytes", json_integer((json_int_t)bytes), err));
    TARN_TRY(tarn_json_set(report, "threshold", tarn_json_num(tarn_model_threshold(u->model)), err));
    TARN_TRY(tarn_json_set(report, "valid", json_incref(valid), err));
    TARN_TRY(tarn_json_set(report, "nodes", json_incref(nodes), err));
    TARN_TRY(tarn_put_importance(u->model, report, err));
    (void)snprintf(path, sizeof path, "models/%s.tarn", name);
    TARN_TRY(tarn_stage_put(job, path, block, bytes, err));
    (void)snprintf(path, sizeof path, "train/%s.json", name);
    TARN_TRY(tarn_stage_put_json(job, path, report, err));
done:
    json_decref(nodes);
    json_decref(report);
    return rc;
}

static void say_figures(tarn_stage_job *job, const fit_use *u, const json_t *valid)
{
    static const char *const shown[][3] = {
        {"roc_auc", "log_loss", "pr_auc"}, {"log_loss", "accuracy", "roc_auc"}, {"rmse", "r2", "mae"}};

    tarn_text_add(&job->said, "valid:");
    for (int i = 0; i < 3; i++) {
        const json_t *x = json_object_get(valid, shown[u->task][i]);
        if (json_is_number(x)) tarn_text_addf(&job->said, " %s %.4f", shown[u->task][i], json_number_value(x));
    }
    tarn_text_addf(&job->said, "; %lld iterations%s", (long long)u->fitted.iterations,
                   u->fitted.converged ? "" : " (stopped at the limit)");
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    fit_use u = {0};
    tarn_scored scored = {0};
    json_t *valid = NULL;

    TARN_TRY(open_fit(job, &u, err));
    TARN_TRY(prepare_and_train(job, &u, err));
    TARN_TRY(set_importance(&u, err));
    TARN_TRY(finish_model(job, &u, 0.5, err));
    TARN_TRY(set_threshold(job, &u, err));
    TARN_TRY(tarn_score(u.model, job->pool, u.data, u.valid, u.n_valid, &scored, err));
    TARN_TRY(tarn_all_metrics(&scored.judged, &valid, err));
    TARN_TRY(put_report(job, &u, valid, err));
    say_figures(job, &u, valid);
done:
    json_decref(valid);
    tarn_scored_clear(&scored);
    close_fit(&u);
    return rc;
}

const tarn_stage tarn_stage_learn = {.name = "learn", .stage = "train", .title = "train a candidate", .run = run};
