/* SPDX-License-Identifier: Apache-2.0 */
/* predict.c - tarn predict: score every row of a file or of a table of the lake. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/columns_print.h"
#include "cli/scored.h"

#include <stdio.h>
#include <string.h>

typedef struct predict_params {
    char model[200], out[1000];
    int64_t limit;
} predict_params;

static const tarn_param params[] = {
    TARN_TEXT(predict_params, model, "", "model: name, name@alias, name/version or id (default: the project's)"),
    TARN_TEXT(predict_params, out, "", "write all rows as CSV to this file instead of showing some"),
    TARN_INT(predict_params, limit, 20, 1, 1e12, "rows to show"),
    TARN_PARAMS_END,
};

/* Predictions as columns: prediction (label or value), then one probability per output. */
static tarn_code make_columns(const tarn_model *m, const double *p, int64_t n, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns_maker *maker = NULL;
    const char **labels = NULL;
    int k = tarn_model_outputs(m);
    char name[200];

    TARN_TRY(tarn_columns_maker_new(n, &maker, err));
    TARN_TRY(tarn_alloc(&labels, (size_t)n, sizeof *labels, err));
    for (int64_t i = 0; i < n && tarn_model_task(m) != TARN_REGRESSION; i++) {
        int best = tarn_model_task(m) == TARN_BINARY ? p[i] >= tarn_model_threshold(m) : 0;
        for (int c = 1; tarn_model_task(m) == TARN_MULTICLASS && c < k; c++)
            if (p[(int64_t)c * n + i] > p[(int64_t)best * n + i]) best = c;
        labels[i] = tarn_model_class(m, best);
    }
    if (tarn_model_task(m) == TARN_REGRESSION) {
        TARN_TRY(tarn_columns_maker_add(maker, "prediction", TARN_REAL, p, NULL, err));
    } else {
        TARN_TRY(tarn_columns_maker_text(maker, "prediction", labels, NULL, err));
        for (int c = 0; c < k; c++) {
            (void)snprintf(name, sizeof name, "p(%.180s)", tarn_model_class(m, k == 1 ? 1 : c));
            TARN_TRY(tarn_columns_maker_add(maker, name, TARN_REAL, p + (int64_t)c * n, NULL, err));
        }
    }
    TARN_TRY(tarn_columns_maker_finish(maker, out, err));
done:
    tarn_free(labels);
    tarn_columns_maker_free(maker);
    return rc;
}

static tarn_code score(tarn_cli *cli, const tarn_model *m, const tarn_columns *c, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t n = tarn_columns_rows(c), *rows = NULL;
    double *p = NULL;

    TARN_TRY(tarn_alloc(&rows, (size_t)n, sizeof *rows, err));
    TARN_TRY(tarn_alloc(&p, (size_t)n * (size_t)tarn_model_outputs(m), sizeof *p, err));
    for (int64_t i = 0; i < n; i++) rows[i] = i;
    TARN_TRY(tarn_cli_score(cli, m, c, rows, n, p, err));
    TARN_TRY(make_columns(m, p, n, out, err));
done:
    tarn_free(p);
    tarn_free(rows);
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const predict_params *p = values;
    tarn_lake *lake = NULL;
    tarn_lake_db db = {0};
    tarn_project *project = NULL;
    tarn_version v = {0};
    tarn_model *m = NULL;
    tarn_columns *rows = NULL, *scored = NULL;
    char branch[256], number[32], hex[TARN_ID_HEX];
    tarn_text csv = {0};

    (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    if (!p->model[0]) TARN_TRY(tarn_project_read(cli->folder, &project, NULL, err));
    if (!p->model[0] && !project->model[0]) {
        rc = TARN_FAIL(err, TARN_USAGE, "the project registers no model; name one with --model");
        goto done;
    }
    TARN_TRY(tarn_cli_model(lake, p->model[0] ? p->model : project->model, &m, &v, err));
    TARN_TRY(tarn_lake_db_open(lake, tarn_cli_branch(cli, branch, sizeof branch), tarn_pool_threads(cli->pool), false,
                               &db, err));
    TARN_TRY(tarn_cli_rows(cli, argv[0], &db, &rows, err));
    TARN_TRY(score(cli, m, rows, &scored, err));
    TARN_TRY(tarn_json_set(cli->result, "model", json_string(v.model), err));
    TARN_TRY(tarn_json_set(cli->result, "version", json_integer((json_int_t)v.number), err));
    TARN_TRY(tarn_json_set(cli->result, "id", json_string(tarn_id_hex(&v.object, hex)), err));
    if (p->out[0]) {
        TARN_TRY(tarn_columns_csv(scored, &csv, err));
        TARN_TRY(tarn_file_save(p->out, csv.data, csv.len, err));
        tarn_out(cli, "%s rows scored by %s version %lld into %s\n", tarn_num_group(tarn_columns_rows(scored), number),
                 v.model, (long long)v.number, p->out);
        TARN_TRY(tarn_json_set(cli->result, "rows_scored", json_integer((json_int_t)tarn_columns_rows(scored)), err));
    } else {
        TARN_TRY(tarn_out_columns(cli, scored, p->limit, err));
    }
done:
    tarn_text_clear(&csv);
    tarn_columns_release(scored);
    tarn_columns_release(rows);
    tarn_model_free(m);
    tarn_version_clear(&v);
    tarn_project_free(project);
    tarn_lake_db_close(&db);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_predict = {
    .name = "predict",
    .stage = "serve",
    .title = "score every row of a file, or of a table of the lake",
    .usage = "FILE",
    .help = "Columns are found by name; the file may be CSV, TSV, JSON or Parquet.\nExample: tarn predict "
            "new_flights.csv --out scored.csv",
    .least = 1,
    .most = 1,
    .params_size = sizeof(predict_params),
    .params = params,
    .run = run,
};
