/* SPDX-License-Identifier: Apache-2.0 */
/* predict.c - tarn predict: score every row of a file or of a table of the lake. */
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/columns_print.h"
#include "cli/scored.h"

#include <stdio.h>
#include <string.h>

typedef struct predict_params {
    char model[200], part[16], keep[4096], out[1000];
    int64_t limit;
} predict_params;

static const tarn_param params[] = {
    TARN_TEXT(predict_params, model, "",
              "model: name, name@alias, name/version or id, or a candidate of the last run (default: the project's)"),
    TARN_TEXT(predict_params, part, "", "instead of FILE: the rows of this part of the project's table (valid, test)"),
    TARN_TEXT(predict_params, keep, "", "columns of the rows to stand before the predictions: id,label"),
    TARN_TEXT(predict_params, out, "", "write all rows as CSV to this file instead of showing some"),
    TARN_INT(predict_params, limit, 20, 1, 1e12, "rows to show"),
    TARN_PARAMS_END,
};

/* The rows, and what scores them. */
typedef struct work {
    tarn_model *model;
    tarn_version version; /* no name: the model is a candidate that is not registered */
    tarn_columns *columns;
    int64_t *rows, n;
} work;

static void clear(work *w)
{
    tarn_columns_release(w->columns);
    tarn_free(w->rows);
    tarn_model_free(w->model);
    tarn_version_clear(&w->version);
}

static tarn_code keep_text(tarn_columns_maker *maker, const tarn_column *c, const work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char **texts = NULL;
    int32_t *lens = NULL;

    TARN_TRY(tarn_alloc(&texts, (size_t)w->n + 1, sizeof *texts, err));
    TARN_TRY(tarn_alloc(&lens, (size_t)w->n + 1, sizeof *lens, err));
    for (int64_t i = 0; i < w->n; i++)
        if (tarn_column_has(c, w->rows[i]))
            texts[i] = tarn_column_word(c, ((const int32_t *)c->values)[w->rows[i]], &lens[i]);
    TARN_TRY(tarn_columns_maker_text(maker, c->name, texts, lens, err));
done:
    tarn_free(texts);
    tarn_free(lens);
    return rc;
}

static tarn_code keep_column(tarn_columns_maker *maker, const tarn_column *c, const work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t size = c->type == TARN_BOOL ? 1 : 8;
    char *values = NULL;
    uint8_t *valid = NULL;

    if (c->type == TARN_TEXT) return keep_text(maker, c, w, err);
    TARN_TRY(tarn_alloc(&values, (size_t)w->n + 1, size, err));
    TARN_TRY(tarn_alloc(&valid, (size_t)w->n / 8 + 1, 1, err));
    for (int64_t i = 0; i < w->n; i++) {
        memcpy(values + (size_t)i * size, (const char *)c->values + (size_t)w->rows[i] * size, size);
        if (tarn_column_has(c, w->rows[i])) valid[i / 8] = (uint8_t)(valid[i / 8] | 1u << i % 8);
    }
    TARN_TRY(tarn_columns_maker_add(maker, c->name, c->type, values, valid, err));
done:
    tarn_free(values);
    tarn_free(valid);
    return rc;
}

static tarn_code keep_columns(tarn_columns_maker *maker, const char *list, const work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char name[256];

    while (*list) {
        size_t len = strcspn(list, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), list);
        int at = tarn_columns_find(w->columns, name);
        if (at < 0) TARN_TRY(TARN_FAIL(err, TARN_NOT_FOUND, "keep: the rows have no column '%.80s'", name));
        TARN_TRY(keep_column(maker, tarn_columns_at(w->columns, at), w, err));
        list += len + (list[len] == ',');
    }
done:
    return rc;
}

/* Predictions as columns: prediction (label or value), then one probability per output. */
static tarn_code make_columns(const work *w, const char *keep, const double *p, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_model *m = w->model;
    int64_t n = w->n;
    tarn_columns_maker *maker = NULL;
    const char **labels = NULL;
    int k = tarn_model_outputs(m);
    char name[200];

    TARN_TRY(tarn_columns_maker_new(n, &maker, err));
    TARN_TRY(keep_columns(maker, keep, w, err));
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

static tarn_code score(tarn_cli *cli, const work *w, const char *keep, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *p = NULL;

    TARN_TRY(tarn_alloc(&p, (size_t)w->n * (size_t)tarn_model_outputs(w->model), sizeof *p, err));
    TARN_TRY(tarn_cli_score(cli, w->model, w->columns, w->rows, w->n, p, err));
    TARN_TRY(make_columns(w, keep, p, out, err));
done:
    tarn_free(p);
    return rc;
}

/* The model that is named, else the project's. */
static tarn_code open_model(tarn_cli *cli, tarn_lake *lake, const char *branch, const char *asked, work *w,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *project = NULL;

    if (!*asked) TARN_TRY(tarn_project_read(cli->folder, &project, NULL, err));
    if (!*asked && !project->model[0])
        TARN_TRY(TARN_FAIL(err, TARN_USAGE, "the project registers no model; name one with --model"));
    rc = tarn_cli_model(lake, *asked ? asked : project->model, &w->model, &w->version, err);
    if (rc == TARN_NOT_FOUND && *asked) {
        tarn_version_clear(&w->version);
        rc = tarn_cli_candidate(lake, branch, asked, &w->model, err);
    }
done:
    tarn_project_free(project);
    return rc;
}

static tarn_code open_rows(tarn_cli *cli, tarn_lake_db *db, const predict_params *p, const char *name, work *w,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (!name == !p->part[0]) TARN_TRY(TARN_FAIL(err, TARN_USAGE, "name a file or a table, or give --part, not both"));
    if (strcmp(p->part, "holdout") == 0)
        TARN_TRY(TARN_FAIL(err, TARN_USAGE, "the holdout is for `tarn holdout`, which counts its uses"));
    if (!name) return tarn_cli_part(cli, db, p->part, &w->columns, &w->rows, &w->n, err);
    TARN_TRY(tarn_cli_rows(cli, name, db, &w->columns, err));
    w->n = tarn_columns_rows(w->columns);
    TARN_TRY(tarn_alloc(&w->rows, (size_t)w->n, sizeof *w->rows, err));
    for (int64_t i = 0; i < w->n; i++) w->rows[i] = i;
done:
    return rc;
}

static tarn_code tell(tarn_cli *cli, const predict_params *p, const work *w, const tarn_columns *scored, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool registered = w->version.model[0] != 0;
    char number[32], hex[TARN_ID_HEX], version[40] = "";
    const char *name = registered ? w->version.model : p->model;
    size_t len = 0;
    const void *bytes = tarn_model_bytes(w->model, &len);
    tarn_text csv = {0};
    tarn_id id;

    TARN_TRY(tarn_digest(bytes, len, &id, err));
    if (registered) (void)snprintf(version, sizeof version, " version %lld", (long long)w->version.number);
    TARN_TRY(tarn_json_set(cli->result, "model", json_string(name), err));
    TARN_TRY(tarn_json_set(cli->result, "version",
                           registered ? json_integer((json_int_t)w->version.number) : json_null(), err));
    TARN_TRY(tarn_json_set(cli->result, "id", json_string(tarn_id_hex(&id, hex)), err));
    if (!p->out[0]) TARN_TRY(tarn_out_columns(cli, scored, p->limit, err));
    if (!p->out[0]) goto done;
    TARN_TRY(tarn_columns_csv(scored, &csv, err));
    TARN_TRY(tarn_file_save(p->out, csv.data, csv.len, err));
    tarn_out(cli, "%s rows scored by %s%s into %s\n", tarn_num_group(w->n, number), name, version, p->out);
    TARN_TRY(tarn_json_set(cli->result, "rows_scored", json_integer((json_int_t)w->n), err));
done:
    tarn_text_clear(&csv);
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const predict_params *p = values;
    tarn_lake *lake = NULL;
    tarn_lake_db db = {0};
    work w = {0};
    tarn_columns *scored = NULL;
    char branch[256];

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    (void)tarn_cli_branch(cli, branch, sizeof branch);
    TARN_TRY(open_model(cli, lake, branch, p->model, &w, err));
    TARN_TRY(tarn_lake_db_open(lake, branch, tarn_pool_threads(cli->pool), false, &db, err));
    TARN_TRY(open_rows(cli, &db, p, argc ? argv[0] : NULL, &w, err));
    TARN_TRY(score(cli, &w, p->keep, &scored, err));
    TARN_TRY(tell(cli, p, &w, scored, err));
done:
    tarn_columns_release(scored);
    clear(&w);
    tarn_lake_db_close(&db);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_predict = {
    .name = "predict",
    .stage = "serve",
    .title = "score every row of a file, or of a table of the lake",
    .usage = "[FILE|TABLE]",
    .help = "Columns are found by name; the file may be CSV, TSV, JSON or Parquet.\n"
            "Examples: tarn predict new_flights.csv --keep flight --out scored.csv\n"
            "          tarn predict --part test --model forest --keep arr_delay --out test.csv",
    .least = 0,
    .most = 1,
    .params_size = sizeof(predict_params),
    .params = params,
    .run = run,
};
