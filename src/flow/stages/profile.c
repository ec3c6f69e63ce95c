/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c - the step that describes every column of a table. */
#include "flow/stage.h"

#include <stdio.h>

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_db *db = NULL;
    json_t *profile = NULL;
    const char *table = tarn_json_text(job->params, "table", "");
    char path[200];

    TARN_TRY(tarn_stage_db(job, tarn_pool_threads(job->pool), &db, err));
    TARN_TRY(tarn_table_profile(db, table, &profile, err));
    (void)snprintf(path, sizeof path, "prepare/profile/%s.json", table);
    TARN_TRY(tarn_stage_put_json(job, path, profile, err));
    size_t i, missing = 0;
    json_t *column, *columns = json_object_get(profile, "columns");
    json_array_foreach(columns, i, column) missing += json_integer_value(json_object_get(column, "missing")) > 0;
    tarn_text_addf(&job->said, "%zu columns, %zu with missing values", json_array_size(columns), missing);
done:
    json_decref(profile);
    tarn_db_close(db);
    return rc;
}

const tarn_stage tarn_stage_profile = {
    .name = "profile", .stage = "prepare", .title = "describe every column of a table", .run = run};
