/* SPDX-License-Identifier: Apache-2.0 */
/* cleanse.c - the step that repairs one table by its rules, counting each repair. */
#include "base/mem.h"
#include "flow/repairs.h"
#include "flow/stage.h"

#include <stdio.h>

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *table = tarn_json_text(job->params, "table", ""), *key = tarn_json_text(job->params, "key", "");
    tarn_db *db = NULL;
    tarn_repairs use = {0};
    json_t *report = NULL, *whole = NULL;
    tarn_text sql = {0};
    char file[4200], path[200], number[32];
    int64_t before = 0, rows = 0;

    TARN_TRY(tarn_repairs_open(json_object_get(job->params, "repairs"), &use, err));
    TARN_TRY(tarn_stage_db(job, 1, &db, err));
    tarn_text_add(&sql, "CREATE TABLE work AS SELECT * FROM ");
    tarn_sql_name(&sql, table);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_run(db, sql.data, err));
    TARN_TRY(tarn_db_count(db, "SELECT count(*) FROM work", &before, err));
    TARN_TRY(tarn_cleanse(db, "work", use.list, (int)use.n, &report, err));
    (void)snprintf(file, sizeof file, "%s/clean.parquet", job->scratch);
    (void)snprintf(path, sizeof path, "clean/%s.parquet", table);
    TARN_TRY(tarn_db_write_parquet(db, "SELECT * FROM work", key[0] ? key : NULL, file, &rows, err));
    TARN_TRY(tarn_stage_put_file(job, path, file, err));
    whole = json_pack("{s:s, s:I, s:I, s:O}", "table", table, "rows_before", (json_int_t)before, "rows",
                      (json_int_t)rows, "repairs", report);
    (void)snprintf(path, sizeof path, "prepare/clean/%s.json", table);
    TARN_TRY(tarn_stage_put_json(job, path, whole, err));

    json_int_t repaired = 0;
    size_t i;
    json_t *one;
    json_array_foreach(report, i, one) repaired += json_integer_value(json_object_get(one, "repaired"));
    tarn_text_addf(&job->said, "%s repairs by %zu rules", tarn_num_group(repaired, number), json_array_size(report));
    tarn_text_addf(&job->said, ", %s rows stay", tarn_num_group(rows, number));
done:
    tarn_text_clear(&sql);
    json_decref(whole);
    json_decref(report);
    tarn_repairs_close(&use);
    tarn_db_close(db);
    return rc;
}

const tarn_stage tarn_stage_cleanse = {
    .name = "cleanse", .stage = "prepare", .title = "repair a table by rules, counting each repair", .run = run};
