/* SPDX-License-Identifier: Apache-2.0 */
/* learn.c - the step that trains one candidate: preparation fitted on the train rows, estimator, threshold and figures
 * on the validation rows; with folds, figures from cross-validation of the train rows, too.
 *
 * With learn_on it goes on from what the step left behind before (input models/NAME.before, output models/NAME.state):
 * the preparation stays as it was, the estimator sees the new train rows alone. */
#include "base/mem.h"
#include "flow/cross.h"
#include "flow/earlier.h"
#include "flow/fitting.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* All that the step needs, so that it is freed in one place. */
typedef struct fit_use {
    tarn_fitting f;
    tarn_learned l;
    int64_t *train, *valid, n_train, n_valid;
    json_t *chosen; /* the outcome of a search, with the settings to use; NULL: none was asked for */
    bool learns_on;
    tarn_earlier past; /* with learns_on */
    tarn_news news;
} fit_use;

static void close_fit(fit_use *u)
{
    tarn_learned_clear(&u->l);
    tarn_fitting_close(&u->f);
    tarn_earlier_clear(&u->past);
    tarn_news_clear(&u->news);
    tarn_free(u->valid);
    tarn_free(u->train);
    json_decref(u->chosen);
}

static const json_t *settings_of(const tarn_stage_job *job, const fit_use *u)
{
    return json_object_get(u->chosen ? u->chosen : job->params, "settings");
}

static tarn_code open_fit(const tarn_stage_job *job, fit_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *search = tarn_json_text(job->params, "search", "");
    int64_t rows;

    u->learns_on = json_is_true(json_object_get(job->params, "learn_on"));
    if (search[0]) TARN_TRY(tarn_stage_get_json(job, search, &u->chosen, err));
    TARN_TRY(tarn_fitting_open(job, job->params, settings_of(job, u), &u->f, err));
    rows = tarn_columns_rows(u->f.data);
    TARN_TRY(tarn_part_rows(job, rows, TARN_TRAIN, &u->train, &u->n_train, err));
    TARN_TRY(tarn_part_rows(job, rows, TARN_VALID, &u->valid, &u->n_valid, err));
    if (u->n_train == 0 || u->n_valid == 0)
        rc = TARN_FAIL(err, TARN_INVALID,
                       "the split leaves %lld train and %lld valid rows; both are needed (prepare.split)",
                       (long long)u->n_train, (long long)u->n_valid);
done:
    return rc;
}

/* ---- learning on ---- */

static void state_path(const tarn_stage_job *job, const char *what, char *out, size_t cap)
{
    (void)snprintf(out, cap, "models/%s.%s", tarn_json_text(job->params, "candidate", ""), what);
}

/* What was left behind before, held against the rows of today. */
static tarn_code look_back(const tarn_stage_job *job, fit_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[200], *bytes = NULL;
    size_t len = 0;
    tarn_id spec;

    state_path(job, "before", path, sizeof path);
    const tarn_entry *before = tarn_stage_input(job, path);
    TARN_TRY(tarn_earlier_spec(&u->f, settings_of(job, u), &spec, err));
    if (before) TARN_TRY(tarn_lake_get(job->lake, &before->object.id, SIZE_MAX, &bytes, &len, err));
    if (before) TARN_TRY(tarn_earlier_read(bytes, len, &u->past, err));
    TARN_TRY(tarn_earlier_compare(before ? &u->past : NULL, &spec, &u->f, u->train, u->n_train, &u->news, err));
    u->past.spec = spec;
done:
    tarn_free(bytes);
    return rc;
}

static tarn_code learn_on(const tarn_stage_job *job, fit_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(look_back(job, u, err));
    if (u->news.n_fresh == 0) { /* nothing to learn: the model stays */
        TARN_TRY(tarn_model_load(u->past.model, u->past.model_len, &u->l.model, err));
        u->l.fitted = (tarn_fitted){.converged = true, .objective = NAN};
        goto done;
    }
    tarn_going_on on = {.prepare = u->news.prepare,
                        .n_prepare = u->news.n_prepare,
                        .before = u->news.afresh ? NULL : u->past.state,
                        .before_len = u->news.afresh ? 0 : u->past.state_len};
    TARN_TRY(tarn_fitting_learn(&u->f, u->news.fresh, u->news.n_fresh, u->valid, u->n_valid, &on, &u->l, err));
done:
    return rc;
}

static tarn_code put_state(tarn_stage_job *job, const fit_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[200], *bytes = NULL;
    size_t len = 0;
    bool stays = u->news.n_fresh == 0;
    tarn_earlier past = {.spec = u->past.spec,
                         .rows = u->news.rows,
                         .n = u->news.n_rows,
                         .state = stays ? u->past.state : u->l.fitted.state,
                         .state_len = stays ? u->past.state_len : u->l.fitted.state_len};

    past.model = tarn_model_bytes(u->l.model, &past.model_len);
    TARN_TRY(tarn_earlier_write(&past, &bytes, &len, err));
    state_path(job, "state", path, sizeof path);
    TARN_TRY(tarn_stage_put(job, path, bytes, len, err));
done:
    tarn_free(bytes);
    return rc;
}

static tarn_code report_news(const fit_use *u, json_t *report, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_int_t fresh = (json_int_t)u->news.n_fresh;
    json_t *on = json_pack("{s:I, s:I}", "new_rows", fresh, "rows_before",
                           u->news.afresh ? (json_int_t)0 : (json_int_t)u->news.n_rows - fresh);

    if (u->news.afresh) TARN_TRY(tarn_json_set(on, "from_the_beginning", json_string(u->news.afresh), err));
    TARN_TRY(tarn_json_set(report, "learned_on", json_incref(on), err));
done:
    json_decref(on);
    return rc;
}

static void say_news(tarn_stage_job *job, const fit_use *u)
{
    if (!u->news.afresh)
        tarn_text_addf(&job->said, "; %lld new rows after %lld", (long long)u->news.n_fresh,
                       (long long)(u->news.n_rows - u->news.n_fresh));
    else if (u->past.n > 0) tarn_text_addf(&job->said, "; from the beginning: %s", u->news.afresh);
}

/* ---- the whole ---- */

/* The declared threshold, or the most profitable one on the validation rows; puts it into the model. */
static tarn_code set_threshold(const tarn_stage_job *job, fit_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *word = tarn_json_text(job->params, "threshold", "0.5");
    tarn_scored scored = {0};
    double threshold = 0.5;

    if (u->f.task == TARN_BINARY && strcmp(word, "profit") == 0) {
        tarn_costs costs = tarn_costs_of(json_object_get(job->params, "costs"));
        TARN_TRY(tarn_fitting_score(&u->f, u->l.model, u->valid, u->n_valid, &scored, err));
        TARN_TRY(tarn_best_threshold(&scored.judged, &costs, &threshold, err));
    } else {
        (void)tarn_num_parse(word, strlen(word), false, &threshold);
    }
    if (u->f.task == TARN_BINARY) TARN_TRY(tarn_model_rethreshold(u->l.model, threshold, err));
done:
    tarn_scored_clear(&scored);
    return rc;
}

static json_int_t tries_of(const fit_use *u) { return json_integer_value(json_object_get(u->chosen, "tried")); }

static tarn_code put_report(tarn_stage_job *job, fit_use *u, json_t *valid, json_t *cross, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *name = tarn_json_text(job->params, "candidate", "");
    size_t bytes = 0;
    char path[200], line[400];
    json_t *report = json_object(), *nodes = json_array();
    const void *block = tarn_model_bytes(u->l.model, &bytes);

    for (int i = 0; i < tarn_model_nodes(u->l.model); i++)
        TARN_TRY(tarn_json_append(nodes, json_string(tarn_model_node_text(u->l.model, i, line, sizeof line)), err));
    TARN_TRY(tarn_json_set(report, "name", json_string(name), err));
    TARN_TRY(tarn_json_set(report, "algo", json_string(u->f.algo->name), err));
    TARN_TRY(tarn_json_set(report, "title", json_string(u->f.algo->title), err));
    TARN_TRY(tarn_json_set(report, "settings", json_deep_copy(settings_of(job, u)), err));
    TARN_TRY(tarn_json_set(report, "train_rows", json_integer((json_int_t)u->n_train), err));
    TARN_TRY(tarn_json_set(report, "valid_rows", json_integer((json_int_t)u->n_valid), err));
    TARN_TRY(tarn_json_set(report, "iterations", json_integer((json_int_t)u->l.fitted.iterations), err));
    TARN_TRY(tarn_json_set(report, "converged", json_boolean(u->l.fitted.converged), err));
    TARN_TRY(tarn_json_set(report, "objective", tarn_json_num(u->l.fitted.objective), err));
    if (u->l.fitted.oob_rows > 0) {
        TARN_TRY(tarn_json_set(report, "oob", tarn_json_num(u->l.fitted.oob), err));
        TARN_TRY(tarn_json_set(report, "oob_rows", json_integer((json_int_t)u->l.fitted.oob_rows), err));
    }
    TARN_TRY(tarn_json_set(report, "bytes", json_integer((json_int_t)bytes), err));
    TARN_TRY(tarn_json_set(report, "threshold", tarn_json_num(tarn_model_threshold(u->l.model)), err));
    TARN_TRY(tarn_json_set(report, "valid", json_incref(valid), err));
    if (cross) TARN_TRY(tarn_json_set(report, "folds", json_incref(cross), err));
    if (u->chosen) TARN_TRY(tarn_json_set(report, "tries", json_integer(tries_of(u)), err));
    if (u->learns_on) TARN_TRY(report_news(u, report, err));
    TARN_TRY(tarn_json_set(report, "nodes", json_incref(nodes), err));
    TARN_TRY(tarn_put_importance(u->l.model, report, err));
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
    static const char *const shown[][3] = {{"roc_auc", "log_loss", "pr_auc"},
                                           {"log_loss", "accuracy", "roc_auc"},
                                           {"rmse", "r2", "mae"},
                                           {"ndcg", "ndcg_10", "mean_ap"}};

    tarn_text_add(&job->said, "valid:");
    for (int i = 0; i < 3; i++) {
        const char *name = shown[u->f.group >= 0 ? 3 : (int)u->f.task][i];
        const json_t *x = json_object_get(valid, name);
        if (json_is_number(x)) tarn_text_addf(&job->said, " %s %.4f", name, json_number_value(x));
    }
    tarn_text_addf(&job->said, "; %lld iterations%s", (long long)u->l.fitted.iterations,
                   u->l.fitted.converged ? "" : " (stopped at the limit)");
    if (u->l.fitted.oob_rows > 0)
        tarn_text_addf(&job->said, "; out of bag: %s %.4f", u->f.task == TARN_REGRESSION ? "r2" : "accuracy",
                       u->l.fitted.oob);
    if (u->learns_on) say_news(job, u);
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    fit_use u = {0};
    tarn_scored scored = {0};
    json_t *valid = NULL, *cross = NULL;

    TARN_TRY(open_fit(job, &u, err));
    if (u.learns_on) TARN_TRY(learn_on(job, &u, err));
    else TARN_TRY(tarn_fitting_learn(&u.f, u.train, u.n_train, u.valid, u.n_valid, NULL, &u.l, err));
    TARN_TRY(set_threshold(job, &u, err));
    TARN_TRY(tarn_fitting_score(&u.f, u.l.model, u.valid, u.n_valid, &scored, err));
    TARN_TRY(tarn_metrics_all(&scored.judged, &valid, err));
    TARN_TRY(tarn_cross_validate(&u.f, u.train, u.n_train, &cross, err));
    TARN_TRY(put_report(job, &u, valid, cross, err));
    if (u.learns_on) TARN_TRY(put_state(job, &u, err));
    say_figures(job, &u, valid);
done:
    json_decref(valid);
    json_decref(cross);
    tarn_scored_clear(&scored);
    close_fit(&u);
    return rc;
}

const tarn_stage tarn_stage_learn = {.name = "learn", .stage = "train", .title = "train a candidate", .run = run};
