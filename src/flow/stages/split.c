/* SPDX-License-Identifier: Apache-2.0 */
/* split.c - the step that says of every row whether it is for learning, choosing, judging or kept apart. */
#include "base/mem.h"
#include "flow/settings.h"
#include "flow/stage.h"
#include "prepare/prepare.h"

#include <stdio.h>

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_split_params params;
    tarn_columns *c = NULL;
    uint8_t *part = NULL;
    json_t *report = NULL;
    char path[200], number[32];
    const char *key = tarn_json_text(job->params, "key", "");
    int64_t count[TARN_PARTS] = {0};

    TARN_TRY(tarn_settings_read(tarn_split_table, json_object_get(job->params, "settings"), &params, err));
    (void)snprintf(path, sizeof path, "%s.parquet", tarn_json_text(job->params, "table", ""));
    TARN_TRY(tarn_stage_columns(job, path, &c, err));
    int64_t rows = tarn_columns_rows(c);
    TARN_TRY(tarn_alloc(&part, (size_t)rows, 1, err));
    TARN_TRY(
        tarn_split(c, &params, key[0] ? key : NULL, tarn_json_text(job->params, "target", NULL), part, &report, err));
    TARN_TRY(tarn_stage_put(job, "prepare/split.parts", part, (size_t)rows, err));
    TARN_TRY(tarn_stage_put_json(job, "prepare/split.json", report, err));
    for (int64_t i = 0; i < rows; i++) count[part[i]]++;
    for (int p = 0; p < TARN_PARTS; p++)
        if (count[p] > 0)
            tarn_text_addf(&job->said, "%s%s %s", job->said.len ? ", " : "", tarn_part_name((tarn_part)p),
                           tarn_num_group(count[p], number));
done:
    json_decref(report);
    tarn_free(part);
    tarn_columns_release(c);
    return rc;
}

const tarn_stage tarn_stage_split = {
    .name = "split", .stage = "prepare", .title = "split rows into train, valid, test and holdout", .run = run};
