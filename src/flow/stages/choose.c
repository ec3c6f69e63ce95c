/* SPDX-License-Identifier: Apache-2.0 */
/* choose.c - the step that compares the candidates on the validation rows and takes the best. */
#include "assess/assess.h"
#include "base/mem.h"
#include "flow/stage.h"

#include <math.h>
#include <stdio.h>

/* The mean over the folds where there are any, else the figure on the validation rows. */
static double figure_of(const json_t *candidate, const char *metric)
{
    const json_t *folds = json_object_get(json_object_get(candidate, "folds"), "metrics");
    const json_t *x = folds ? json_object_get(json_object_get(folds, metric), "mean")
                            : json_object_get(json_object_get(candidate, "valid"), metric);

    return json_is_number(x) ? json_number_value(x) : NAN;
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *names = json_object_get(job->params, "candidates");
    const char *metric_name = tarn_json_text(job->params, "metric", "");
    const tarn_metric *metric = NULL;
    json_t *rows = json_array(), *board = NULL;
    const char *winner = NULL;
    double best = NAN;
    char path[200];

    TARN_TRY(tarn_metric_find(metric_name, &metric, err));
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        json_t *candidate = NULL;
        (void)snprintf(path, sizeof path, "train/%s.json", name);
        TARN_TRY(tarn_stage_get_json(job, path, &candidate, err));
        double x = figure_of(candidate, metric_name);
        bool better = isnan(best) ? !isnan(x) : metric->higher_is_better ? x > best : x < best;
        if (better) { /* ties stay with the candidate that the project names first */
            best = x;
            winner = name;
        }
        TARN_TRY(tarn_json_append(rows, candidate, err));
    }
    if (!winner) {
        rc = TARN_FAIL(
            err, TARN_NUMERIC, "no candidate has a finite figure '%s' on the validation rows; %s", metric_name,
            metric->tasks & 1u << TARN_REGRESSION ? "scale the target: squares of it, or of predictions, overflow"
                                                  : "check that they hold rows of each class");
        goto done;
    }
    board = json_pack("{s:s, s:b, s:s, s:O}", "metric", metric_name, "higher_is_better", (int)metric->higher_is_better,
                      "winner", winner, "candidates", rows);
    TARN_TRY(tarn_stage_put_json(job, "train/leaderboard.json", board, err));
    (void)snprintf(path, sizeof path, "models/%s.tarn", winner);
    TARN_TRY(tarn_stage_put_same(job, "model.tarn", tarn_stage_input(job, path), err));
    tarn_text_addf(&job->said, "%s wins with %s %.4f %s", winner, metric_name, best,
                   json_object_get(json_array_get(rows, 0), "folds") ? "over the folds" : "on the validation rows");
done:
    json_decref(board);
    json_decref(rows);
    return rc;
}

const tarn_stage tarn_stage_choose = {
    .name = "choose", .stage = "train", .title = "take the best candidate on the validation rows", .run = run};
