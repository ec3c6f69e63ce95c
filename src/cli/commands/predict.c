/* SPDX-License-Identifier: Apache-2.0 */
/* predict.c - tarn predict: score every row of a file or of a table of the lake. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/columns_print.h"
#include "flow/flow.h"
#include "ingest/ingest.h"
#include "prepare/prepare.h"

#include <math.h>
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

/* The rows to score, in db as table `rows`: a file by the file source, else a table of the lake. */
static tarn_code load_rows(tarn_cli *cli, const char *name, tarn_lake_db *db, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_source *source = NULL;
    void *settings = NULL;
    tarn_rejects rejects = {0};
    tarn_text sql = {0};
    int64_t rows = 0;
    tarn_entry entry;

    if (tarn_path_exists(name)) {
        TARN_TRY(tarn_source_find("file", &source, err));
        TARN_TRY(tarn_alloc(&settings, 1, source->params_size, err));
        tarn_params_default(source->params, settings);
        TARN_TRY(tarn_param_set(source->params, settings, "path", name, err));
        TARN_TRY(source->read(settings, ".", NULL, db->db, "rows", &rows, &rejects, cli->sink, err));
        for (int64_t i = 0; i < rejects.kept && i < 5; i++)
            tarn_say(cli->sink, TARN_WARN, "line %lld cannot be read and is left out: %s",
                     (long long)rejects.rows[i].line, rejects.rows[i].reason);
        if (rejects.count > 5)
            tarn_say(cli->sink, TARN_WARN, "... and %lld further lines", (long long)(rejects.count - 5));
        TARN_TRY(tarn_json_set(cli->result, "rejected", json_integer((json_int_t)rejects.count), err));
        TARN_TRY(tarn_db_query(db->db, "SELECT * FROM rows", -1, out, err));
    } else {
        rc = tarn_lake_table(db->lake, db->branch, name, &entry, err);
        if (rc == TARN_NOT_FOUND || rc == TARN_INVALID)
            rc = TARN_FAIL(err, TARN_NOT_FOUND, "'%.200s' is neither a file nor a table of the lake", name);
        TARN_TRY(rc);
        tarn_text_add(&sql, "SELECT * FROM ");
        tarn_sql_name(&sql, name);
        TARN_TRY(tarn_text_check(&sql, err));
        TARN_TRY(tarn_db_query(db->db, sql.data, -1, out, err));
    }
done:
    tarn_text_clear(&sql);
    tarn_rejects_clear(&rejects);
    tarn_free(settings);
    return rc;
}

static tarn_code load_model(tarn_lake *lake, const char *name, tarn_model **out, tarn_version *v, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[4096];

    TARN_TRY(tarn_registry_find(lake, name, v, err));
    TARN_TRY(tarn_lake_cached(lake, &v->object, ".tarn", path, sizeof path, err));
    TARN_TRY(tarn_model_map(path, out, err));
done:
    return rc;
}

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
    int inputs = tarn_model_inputs(m);
    double *fields = NULL, *p = NULL;
    const double **columns = NULL;

    TARN_TRY(tarn_alloc(&rows, (size_t)n, sizeof *rows, err));
    TARN_TRY(tarn_alloc(&fields, (size_t)n * (size_t)inputs, sizeof *fields, err));
    TARN_TRY(tarn_alloc(&p, (size_t)n * (size_t)tarn_model_outputs(m), sizeof *p, err));
    TARN_TRY(tarn_alloc(&columns, (size_t)inputs + 1, sizeof *columns, err));
    for (int64_t i = 0; i < n; i++) rows[i] = i;
    for (int i = 0; i < inputs; i++) columns[i] = fields + (int64_t)i * n;
    TARN_TRY(tarn_model_fields(m, c, rows, n, fields, err));
    TARN_TRY(tarn_model_run(m, cli->pool, n, columns, p, err));
    TARN_TRY(make_columns(m, p, n, out, err));
done:
    tarn_free(columns);
    tarn_free(p);
    tarn_free(fields);
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
    TARN_TRY(load_model(lake, p->model[0] ? p->model : project->model, &m, &v, err));
    TARN_TRY(tarn_lake_db_open(lake, tarn_cli_branch(cli, branch, sizeof branch), tarn_pool_threads(cli->pool), false,
                               &db, err));
    TARN_TRY(load_rows(cli, argv[0], &db, &rows, err));
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
