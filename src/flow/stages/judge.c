/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c - the step that assesses the winner on rows that nobody has learned or chosen from. */
#include "base/mem.h"
#include "flow/fitting.h"

#include <stdio.h>
#include <string.h>

static tarn_part part_of(const char *name)
{
    for (int p = 0; p < TARN_PARTS; p++)
        if (strcmp(tarn_part_name((tarn_part)p), name) == 0) return (tarn_part)p;
    return TARN_TEST;
}

/* What a model that knows only the shares of the train rows would reach: the bar for "better than nothing". */
static tarn_code judge_constant(const tarn_judged *j, const double *prior, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *p = NULL;
    int k = j->task == TARN_MULTICLASS ? j->classes : 1;
    tarn_judged constant = *j;

    TARN_TRY(tarn_alloc(&p, (size_t)k * (size_t)j->rows, sizeof *p, err));
    for (int c = 0; c < k; c++)
        for (int64_t i = 0; i < j->rows; i++) p[(int64_t)c * j->rows + i] = prior[c];
    constant.p = p;
    constant.threshold = 0.5;
    TARN_TRY(tarn_metrics_all(&constant, out, err));
done:
    tarn_free(p);
    return rc;
}

/* BINARY: share of class 1; MULTICLASS: share of each; REGRESSION: mean; over the train rows. */
static tarn_code find_prior(const tarn_stage_job *job, const tarn_model *m, const tarn_columns *c, double **prior,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t *rows = NULL, n = 0;
    double *y = NULL, sum = 0;
    int classes = tarn_model_classes(m);

    TARN_TRY(tarn_alloc(prior, (size_t)classes + 1, sizeof **prior, err));
    TARN_TRY(tarn_part_rows(job, tarn_columns_rows(c), TARN_TRAIN, &rows, &n, err));
    TARN_TRY(tarn_alloc(&y, (size_t)n, sizeof *y, err));
    TARN_TRY(tarn_model_labels(m, c, rows, n, y, err));
    for (int64_t i = 0; i < n; i++) {
        sum += y[i];
        if (tarn_model_task(m) == TARN_MULTICLASS) (*prior)[(int)y[i]] += 1.0 / (double)n;
    }
    if (tarn_model_task(m) != TARN_MULTICLASS && n > 0) (*prior)[0] = sum / (double)n;
done:
    tarn_free(y);
    tarn_free(rows);
    return rc;
}

/* Whether the assessment has what the picture shows: without costs there is no profit, and not every model says what it
 * goes by. */
static bool is_there(const char *picture, const json_t *assessed)
{
    if (strcmp(picture, "profit") == 0) return json_is_object(json_object_get(assessed, "profit"));
    return strcmp(picture, "importance") != 0 || json_array_size(json_object_get(assessed, "importance")) > 0;
}

static tarn_code put_pictures(tarn_stage_job *job, tarn_task task, const json_t *assessed, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[200];

    for (const char *const *name = tarn_pictures(task); *name; name++) {
        char *svg = NULL;
        if (!is_there(*name, assessed)) continue;
        rc = tarn_picture(*name, assessed, &svg, err);
        (void)snprintf(path, sizeof path, "assess/%s.svg", *name);
        if (rc == TARN_OK) rc = tarn_stage_put(job, path, svg, strlen(svg), err);
        tarn_free(svg);
        if (rc != TARN_OK) return rc;
    }
    return rc;
}

/* The column of which whole groups were drawn for the intervals; "": rows were. */
static const char *groups_of(const tarn_stage_job *job)
{
    return tarn_json_text(job->params, "cluster", tarn_json_text(job->params, "group", ""));
}

static void say_figures(tarn_stage_job *job, const json_t *assessed)
{
    static const char *const shown[] = {"roc_auc", "pr_auc", "log_loss", "accuracy", "ndcg", "rmse", "r2"};
    const json_t *metrics = json_object_get(assessed, "metrics"), *intervals = json_object_get(assessed, "intervals");
    char number[32];

    tarn_text_addf(&job->said,
                   "%s rows:", tarn_num_group(json_integer_value(json_object_get(assessed, "rows")), number));
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const json_t *x = json_object_get(metrics, shown[i]);
        const json_t *sure = json_object_get(intervals, shown[i]);
        if (!json_is_number(x)) continue;
        tarn_text_addf(&job->said, " %s %.4f", shown[i], json_number_value(x));
        if (sure)
            tarn_text_addf(&job->said, " (%.4f to %.4f)", json_number_value(json_array_get(sure, 0)),
                           json_number_value(json_array_get(sure, 1)));
    }
    if (groups_of(job)[0]) tarn_text_addf(&job->said, "; intervals by whole groups of '%s'", groups_of(job));
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_part part = part_of(tarn_json_text(job->params, "part", "test"));
    tarn_costs costs = tarn_costs_of(json_object_get(job->params, "costs"));
    tarn_model *m = NULL;
    tarn_columns *c = NULL;
    int64_t *rows = NULL, n = 0;
    double *prior = NULL;
    tarn_fitting f = {0};
    tarn_scored scored = {0};
    json_t *assessed = NULL, *constant = NULL;
    char path[200];

    TARN_TRY(tarn_stage_model(job, "model.tarn", &m, err));
    (void)snprintf(path, sizeof path, "%s.parquet", tarn_json_text(job->params, "table", ""));
    TARN_TRY(tarn_stage_columns(job, path, &c, err));
    TARN_TRY(tarn_part_rows(job, tarn_columns_rows(c), part, &rows, &n, err));
    if (n == 0) {
        rc = TARN_FAIL(err, TARN_INVALID, "the split leaves no %s rows to judge on (prepare.split)",
                       tarn_part_name(part));
        goto done;
    }
    TARN_TRY(tarn_fitting_judge(job, c, &f, err));
    TARN_TRY(tarn_fitting_score(&f, m, rows, n, &scored, err));
    TARN_TRY(tarn_assess(&scored.judged, &costs, &assessed, err));
    TARN_TRY(tarn_put_intervals(&scored.judged, NULL, job->pool, assessed, err));
    if (groups_of(job)[0])
        TARN_TRY(tarn_json_set(json_object_get(assessed, "interval"), "groups_of", json_string(groups_of(job)), err));
    TARN_TRY(find_prior(job, m, c, &prior, err));
    TARN_TRY(judge_constant(&scored.judged, prior, &constant, err));
    TARN_TRY(tarn_json_set(assessed, "baseline", json_incref(constant), err));
    TARN_TRY(tarn_put_importance(m, assessed, err));
    (void)snprintf(path, sizeof path, "assess/%s.json", tarn_part_name(part));
    TARN_TRY(tarn_stage_put_json(job, path, assessed, err));
    TARN_TRY(put_pictures(job, tarn_model_task(m), assessed, err));
    say_figures(job, assessed);
done:
    json_decref(constant);
    json_decref(assessed);
    tarn_scored_clear(&scored);
    tarn_free(prior);
    tarn_free(rows);
    tarn_columns_release(c);
    tarn_model_free(m);
    return rc;
}

const tarn_stage tarn_stage_judge = {
    .name = "judge", .stage = "assess", .title = "assess the winner on rows nobody has learned from", .run = run};
