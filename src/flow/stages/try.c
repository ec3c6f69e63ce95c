/* SPDX-License-Identifier: Apache-2.0 */
/* try.c - the step that tries one set of an estimator's settings: one figure, by cross-validation of the train rows or,
 * without folds, on the validation rows. In a search by halving, later rounds try the settings that did best before, on
 * more rows. */
#include "base/mem.h"
#include "base/random.h"
#include "flow/cross.h"
#include "flow/tries.h"

#include <math.h>
#include <stdio.h>

/* Of an earlier round, the settings that came in at place `slot` (from 0); else those of the step itself. decref. */
static tarn_code settings_of(const tarn_stage_job *job, const tarn_metric *metric, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *earlier = json_object_get(job->params, "earlier");
    json_t *tries = NULL;

    if (!earlier) {
        *out = json_incref(json_object_get(job->params, "settings"));
        return TARN_OK;
    }
    TARN_TRY(tarn_tries_read(job, earlier, metric, &tries, err));
    const json_t *try = json_array_get(tries, (size_t)json_integer_value(json_object_get(job->params, "slot")));
    *out = json_incref(json_object_get(try, "settings"));
done:
    json_decref(tries);
    return rc;
}

/* The share of the rows that this round learns from: each row by a number drawn for it. */
static int64_t thin(const tarn_stage_job *job, int64_t *rows, int64_t n)
{
    const json_t *share = json_object_get(job->params, "share");
    uint64_t seed = (uint64_t)json_integer_value(json_object_get(job->params, "seed"));
    int64_t kept = 0;

    if (!share) return n;
    for (int64_t i = 0; i < n; i++)
        if (tarn_random_unit(seed, TARN_STREAM_SAMPLE, (uint64_t)rows[i], 7) < json_number_value(share))
            rows[kept++] = rows[i];
    return kept;
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *name = tarn_json_text(job->params, "metric", ""), *output = tarn_json_text(job->params, "output", "");
    const tarn_metric *metric = NULL;
    tarn_fitting f = {0};
    json_t *settings = NULL, *report = NULL;
    int64_t *train = NULL, *valid = NULL, n_train = 0, n_valid = 0;
    double figure = NAN;

    TARN_TRY(tarn_metric_find(name, &metric, err));
    TARN_TRY(settings_of(job, metric, &settings, err));
    TARN_TRY(tarn_fitting_open(job, job->params, settings, &f, err));
    TARN_TRY(tarn_part_rows(job, tarn_columns_rows(f.data), TARN_TRAIN, &train, &n_train, err));
    TARN_TRY(tarn_part_rows(job, tarn_columns_rows(f.data), TARN_VALID, &valid, &n_valid, err));
    n_train = thin(job, train, n_train);
    TARN_TRY(tarn_cross_figure(&f, metric, train, n_train, valid, n_valid, &figure, err));
    report = json_pack("{s:O, s:s, s:o, s:I}", "settings", settings, "metric", name, "figure", tarn_json_num(figure),
                       "rows", (json_int_t)n_train);
    TARN_TRY(tarn_stage_put_json(job, output, report, err));
    tarn_text_addf(&job->said, "%s %.4f from %lld rows", name, figure, (long long)n_train);
done:
    json_decref(report);
    json_decref(settings);
    tarn_free(train);
    tarn_free(valid);
    tarn_fitting_close(&f);
    return rc;
}

const tarn_stage tarn_stage_try = {.name = "try", .stage = "train", .title = "try one set of settings", .run = run};
