/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.c - the step that collects one table from its source, with unreadable rows put aside. */
#include "ingest/ingest.h"
#include "base/mem.h"
#include "flow/settings.h"
#include "flow/stage.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_REJECTS = 20, INSERT_ROWS = 500 };

typedef struct source_use {
    const tarn_source *source;
    void *params;
    const char **types; /* pairs, ended by NULL */
} source_use;

static tarn_code open_use(const json_t *params, source_use *use, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *key;
    json_t *value, *types = json_object_get(params, "types");
    size_t n = 0;

    TARN_TRY(tarn_source_find(tarn_json_text(params, "source", ""), &use->source, err));
    TARN_TRY(tarn_alloc(&use->params, 1, use->source->params_size ? use->source->params_size : 1, err));
    TARN_TRY(tarn_settings_read(use->source->params, json_object_get(params, "settings"), use->params, err));
    TARN_TRY(tarn_alloc(&use->types, 2 * json_object_size(types) + 1, sizeof *use->types, err));
    json_object_foreach(types, key, value)
    {
        use->types[n++] = key;
        use->types[n++] = json_string_value(value);
    }
done:
    return rc;
}

static void close_use(source_use *use)
{
    tarn_free(use->params);
    tarn_free(use->types);
}

static tarn_code facts(const json_t *params, const char *folder, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    source_use use = {0};

    *out = NULL;
    TARN_TRY(open_use(params, &use, err));
    TARN_TRY(use.source->facts(use.params, folder, out, err));
done:
    close_use(&use);
    if (rc != TARN_OK) tarn_err_note(err, "table '%s'", tarn_json_text(params, "table", "?"));
    return rc;
}

/* The dead-letter table: one row per line that could not be read. */
static tarn_code put_rejects(tarn_stage_job *job, tarn_db *db, const char *table, const tarn_rejects *rejects,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    char file[4200], path[200];

    TARN_TRY(tarn_db_run(
        db, "CREATE OR REPLACE TABLE dead_letters (line BIGINT, \"column\" VARCHAR, reason VARCHAR, text VARCHAR)",
        err));
    for (int64_t i = 0; i < rejects->kept; i++) {
        const tarn_reject *r = &rejects->rows[i];
        tarn_text_addf(&sql, "%s(%lld, ", sql.len ? ", " : "INSERT INTO dead_letters VALUES ", (long long)r->line);
        tarn_sql_text(&sql, r->column);
        tarn_text_add(&sql, ", ");
        tarn_sql_text(&sql, r->reason);
        tarn_text_add(&sql, ", ");
        tarn_sql_text(&sql, r->text);
        tarn_text_add(&sql, ")");
        if ((i + 1) % INSERT_ROWS != 0 && i + 1 < rejects->kept) continue;
        TARN_TRY(tarn_text_check(&sql, err));
        TARN_TRY(tarn_db_run(db, sql.data, err));
        tarn_text_clear(&sql);
    }
    (void)snprintf(file, sizeof file, "%s/dead.parquet", job->scratch);
    (void)snprintf(path, sizeof path, "dead/%s.parquet", table);
    TARN_TRY(tarn_db_write_parquet(db, "SELECT * FROM dead_letters", "line", file, NULL, err));
    TARN_TRY(tarn_stage_put_file(job, path, file, err));
done:
    tarn_text_clear(&sql);
    return rc;
}

static tarn_code put_report(tarn_stage_job *job, tarn_db *db, const char *table, int64_t rows,
                            const tarn_rejects *rejects, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[200];
    tarn_field *fields = NULL;
    int n = 0;
    tarn_text from = {0};
    json_t *report = json_object(), *columns = json_array(), *shown = json_array();

    tarn_sql_name(&from, table);
    TARN_TRY(tarn_text_check(&from, err));
    TARN_TRY(tarn_db_schema(db, from.data, &fields, &n, err));
    for (int i = 0; i < n; i++)
        TARN_TRY(tarn_json_append(columns,
                                  json_pack("{s:s, s:s, s:s}", "name", fields[i].name, "type",
                                            tarn_type_name(fields[i].type), "sql_type", fields[i].sql_type),
                                  err));
    for (int64_t i = 0; i < rejects->kept && i < SHOWN_REJECTS; i++)
        TARN_TRY(tarn_json_append(shown,
                                  json_pack("{s:I, s:s, s:s, s:s}", "line", (json_int_t)rejects->rows[i].line, "column",
                                            rejects->rows[i].column, "reason", rejects->rows[i].reason, "text",
                                            rejects->rows[i].text),
                                  err));
    TARN_TRY(tarn_json_set(report, "table", json_string(table), err));
    TARN_TRY(tarn_json_set(report, "source", json_deep_copy(json_object_get(job->params, "settings")), err));
    TARN_TRY(tarn_json_set(report, "rows", json_integer((json_int_t)rows), err));
    TARN_TRY(tarn_json_set(report, "rejected", json_integer((json_int_t)rejects->count), err));
    TARN_TRY(tarn_json_set(report, "columns", json_incref(columns), err));
    TARN_TRY(tarn_json_set(report, "rejects", json_incref(shown), err));
    (void)snprintf(path, sizeof path, "ingest/%s.json", table);
    TARN_TRY(tarn_stage_put_json(job, path, report, err));
done:
    tarn_text_clear(&from);
    tarn_free(fields);
    json_decref(shown);
    json_decref(columns);
    json_decref(report);
    return rc;
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *table = tarn_json_text(job->params, "table", ""), *key = tarn_json_text(job->params, "key", "");
    source_use use = {0};
    tarn_db *db = NULL;
    tarn_rejects rejects = {0};
    tarn_text sql = {0};
    int64_t rows = 0;
    char file[4200], path[200], number[32];

    TARN_TRY(open_use(job->params, &use, err));
    TARN_TRY(tarn_stage_db(job, tarn_pool_threads(job->pool), &db, err));
    TARN_TRY(use.source->read(use.params, job->folder, use.types[0] ? use.types : NULL, db, table, &rows, &rejects,
                              job->sink, err));
    TARN_TRY(tarn_stage_check_key(db, table, key, err));
    tarn_text_add(&sql, "SELECT * FROM ");
    tarn_sql_name(&sql, table);
    TARN_TRY(tarn_text_check(&sql, err));
    (void)snprintf(file, sizeof file, "%s/table.parquet", job->scratch);
    (void)snprintf(path, sizeof path, "%s.parquet", table);
    TARN_TRY(tarn_db_write_parquet(db, sql.data, key, file, NULL, err));
    TARN_TRY(tarn_stage_put_file(job, path, file, err));
    if (rejects.count > 0) TARN_TRY(put_rejects(job, db, table, &rejects, err));
    TARN_TRY(put_report(job, db, table, rows, &rejects, err));
    tarn_text_addf(&job->said, "%s rows", tarn_num_group(rows, number));
    if (rejects.count > 0)
        tarn_text_addf(&job->said, ", %s unreadable (dead/%s, first: line %lld: %s)",
                       tarn_num_group(rejects.count, number), table, (long long)rejects.rows[0].line,
                       rejects.rows[0].reason);
done:
    tarn_text_clear(&sql);
    tarn_rejects_clear(&rejects);
    tarn_db_close(db);
    close_use(&use);
    if (rc != TARN_OK) tarn_err_note(err, "table '%s'", table);
    return rc;
}

const tarn_stage tarn_stage_ingest = {
    .name = "ingest", .stage = "ingest", .title = "collect a table from its source", .run = run, .facts = facts};
