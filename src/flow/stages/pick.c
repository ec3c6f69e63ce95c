/* SPDX-License-Identifier: Apache-2.0 */
/* pick.c - the step that ends a search: the best settings among those tried and, where asked for, what the whole search
 * is worth (nested cross-validation). */
#include "base/mem.h"
#include "flow/cross.h"
#include "flow/tries.h"

#include <stdio.h>

static tarn_code nested(const tarn_stage_job *job, const tarn_metric *metric, json_t *report, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns *c = NULL;
    int64_t *rows = NULL, n = 0;
    json_t *found = NULL, *spec = json_object_get(job->params, "candidate");
    char path[200];

    (void)snprintf(path, sizeof path, "%s.parquet", tarn_json_text(spec, "table", ""));
    TARN_TRY(tarn_stage_columns(job, path, &c, err));
    TARN_TRY(tarn_part_rows(job, tarn_columns_rows(c), TARN_TRAIN, &rows, &n, err));
    TARN_TRY(tarn_cross_nested(job, spec, json_object_get(job->params, "nested"), metric, rows, n, &found, err));
    TARN_TRY(tarn_json_set(report, "nested", json_incref(found), err));
done:
    json_decref(found);
    tarn_free(rows);
    tarn_columns_release(c);
    return rc;
}

static void say_nested(tarn_stage_job *job, const json_t *report, const char *metric)
{
    const json_t *found = json_object_get(json_object_get(json_object_get(report, "nested"), "metrics"), metric);

    if (!json_is_number(json_object_get(found, "mean"))) return;
    tarn_text_addf(&job->said, "; the search itself is worth %.4f (%.4f to %.4f)",
                   json_number_value(json_object_get(found, "mean")), json_number_value(json_object_get(found, "low")),
                   json_number_value(json_object_get(found, "high")));
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_metric *metric = NULL;
    const char *name = tarn_json_text(job->params, "metric", "");
    json_t *tries = NULL, *report = NULL;

    TARN_TRY(tarn_metric_find(name, &metric, err));
    TARN_TRY(tarn_tries_read(job, json_object_get(job->params, "tries"), metric, &tries, err));
    const json_t *best = json_array_get(tries, 0), *figure = json_object_get(best, "figure");
    if (!json_is_number(figure)) {
        rc = TARN_FAIL(err, TARN_NUMERIC, "none of the %zu tries has a figure '%s'", json_array_size(tries), name);
        goto done;
    }
    report = json_pack("{s:O, s:s, s:O, s:O}", "settings", json_object_get(best, "settings"), "metric", name, "figure",
                       figure, "tries", tries);
    if (!report) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "out of memory"));
    TARN_TRY(tarn_json_set(report, "tried", json_incref(json_object_get(job->params, "tried")), err));
    if (json_object_get(job->params, "nested")) TARN_TRY(nested(job, metric, report, err));
    TARN_TRY(tarn_stage_put_json(job, tarn_json_text(job->params, "output", ""), report, err));
    tarn_text_addf(&job->said, "%s %.4f is the best of %lld", name, json_number_value(figure),
                   (long long)json_integer_value(json_object_get(job->params, "tried")));
    say_nested(job, report, name);
done:
    json_decref(report);
    json_decref(tries);
    return rc;
}

const tarn_stage tarn_stage_pick = {
    .name = "pick", .stage = "train", .title = "take the best settings among those tried", .run = run};
