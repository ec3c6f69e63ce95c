/* SPDX-License-Identifier: Apache-2.0 */
/* scored.c - see scored.h. */
#include "cli/scored.h"

#include "base/file.h"
#include "base/mem.h"
#include "flow/project.h"
#include "flow/scoring.h"
#include "ingest/ingest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static tarn_code table_rows(tarn_lake_db *db, const char *name, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_entry entry;

    rc = tarn_lake_table(db->lake, db->branch, name, &entry, err);
    if (rc == TARN_NOT_FOUND || rc == TARN_INVALID)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "'%.200s' is neither a file nor a table of the lake", name);
    TARN_TRY(rc);
    tarn_text_add(&sql, "SELECT * FROM ");
    tarn_sql_name(&sql, name);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db->db, sql.data, -1, out, err));
done:
    tarn_text_clear(&sql);
    return rc;
}

tarn_code tarn_cli_rows(tarn_cli *cli, const char *name, tarn_lake_db *db, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_source *source = NULL;
    void *settings = NULL;
    tarn_rejects rejects = {0};
    int64_t rows = 0;

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
        TARN_TRY(table_rows(db, name, out, err));
    }
done:
    tarn_rejects_clear(&rejects);
    tarn_free(settings);
    return rc;
}

/* What the project's judging step goes by; NULL: it has none. */
static const json_t *judging(const tarn_project *project)
{
    for (size_t i = 0; i < project->n_steps; i++)
        if (strcmp(project->steps[i].kind, "judge") == 0) return project->steps[i].params;
    return NULL;
}

/* The table on which it judges. */
static tarn_code judged_table(const tarn_project *project, const char **out, tarn_err *err)
{
    *out = tarn_json_text(judging(project), "table", "");
    return **out ? TARN_OK
                 : TARN_FAIL(err, TARN_USAGE, "the project judges no model; name a file or a table with the rows");
}

tarn_code tarn_cli_part(tarn_cli *cli, tarn_lake_db *db, const char *part, tarn_columns **columns, int64_t **rows,
                        int64_t *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *project = NULL;
    tarn_entry entry;
    const char *table = "";
    char *parts = NULL;
    size_t len = 0;
    int number = 0;

    *n = 0;
    while (number < TARN_PARTS && strcmp(tarn_part_name((tarn_part)number), part) != 0) number++;
    if (number == TARN_PARTS)
        TARN_TRY(TARN_FAIL(err, TARN_USAGE, "'%s' is no part of a split; take valid, test or holdout", part));
    TARN_TRY(tarn_project_read(cli->folder, &project, NULL, err));
    TARN_TRY(judged_table(project, &table, err));
    TARN_TRY(table_rows(db, table, columns, err)); /* a file of that name is none of ours */
    TARN_TRY(tarn_lake_table(db->lake, db->branch, "prepare/split.parts", &entry, err));
    TARN_TRY(tarn_lake_get(db->lake, &entry.object.id, 0, &parts, &len, err));
    if ((int64_t)len != tarn_columns_rows(*columns))
        TARN_TRY(
            TARN_FAIL(err, TARN_INVALID, "the split is of another version of table '%.100s'; `tarn run` first", table));
    TARN_TRY(tarn_alloc(rows, len, sizeof **rows, err));
    for (size_t i = 0; i < len; i++)
        if (parts[i] == (char)number) (*rows)[(*n)++] = (int64_t)i;
    if (*n == 0) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "the split has no %s rows (prepare.split)", part));
done:
    tarn_free(parts);
    tarn_project_free(project);
    return rc;
}

/* The numbers of a column; *out stays NULL if there is none of that name. */
static tarn_code numbers_of(const char *name, const tarn_columns *columns, const int64_t *rows, int64_t n, double **out,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int at = name[0] ? tarn_columns_find(columns, name) : -1;

    if (at < 0) return TARN_OK;
    TARN_TRY(tarn_alloc(out, (size_t)n, sizeof **out, err));
    for (int64_t i = 0; i < n; i++) (*out)[i] = tarn_column_number(tarn_columns_at(columns, at), rows[i]);
done:
    return rc;
}

tarn_code tarn_cli_weigh(const tarn_cli *cli, const tarn_columns *columns, const int64_t *rows, int64_t n,
                         tarn_weighed *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *p = NULL;
    double *number = NULL;

    *out = (tarn_weighed){0};
    TARN_TRY(tarn_project_read(cli->folder, &p, NULL, err));
    const char *group = tarn_json_text(judging(p), "group", ""), *cluster = tarn_json_text(judging(p), "cluster", "");
    TARN_TRY(numbers_of(tarn_json_text(judging(p), "weight", ""), columns, rows, n, &out->weight, err));
    TARN_TRY(numbers_of(group, columns, rows, n, &number, err));
    if (number) {
        TARN_TRY(tarn_alloc(&out->group, (size_t)n, sizeof *out->group, err));
        for (int64_t i = 0; i < n; i++) out->group[i] = isnan(number[i]) ? 0 : (int64_t)number[i];
    }
    if (cluster[0] && tarn_columns_find(columns, cluster) >= 0)
        TARN_TRY(tarn_row_clusters(columns, cluster, rows, n, &out->cluster, err));
    (void)snprintf(out->groups_of, sizeof out->groups_of, "%s", out->cluster ? cluster : out->group ? group : "");
done:
    if (rc != TARN_OK) tarn_weighed_clear(out);
    tarn_free(number);
    tarn_project_free(p);
    return rc;
}

void tarn_weighed_clear(tarn_weighed *w)
{
    tarn_free(w->weight);
    tarn_free(w->group);
    tarn_free(w->cluster);
    *w = (tarn_weighed){0};
}

void tarn_weighed_give(const tarn_weighed *w, tarn_judged *j)
{
    j->weight = w->weight;
    j->group = w->group;
    j->cluster = w->cluster;
}

tarn_code tarn_weighed_tell(tarn_cli *cli, const tarn_weighed *w, tarn_err *err)
{
    if (!w->groups_of[0]) return TARN_OK;
    tarn_out(cli, "How sure: whole groups of rows with the same '%s' were drawn, as these depend on each other.\n",
             w->groups_of);
    return tarn_json_set(cli->result, "groups_of", json_string(w->groups_of), err);
}

tarn_code tarn_cli_read_json(tarn_lake *lake, const char *branch, const char *path, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[300], *text = NULL;
    size_t len = 0;
    tarn_id head;
    tarn_entry entry;

    *out = NULL;
    (void)snprintf(ref, sizeof ref, "heads/%.200s", branch);
    TARN_TRY(tarn_lake_ref_get(lake, ref, &head, err));
    TARN_TRY(tarn_lake_lookup(lake, &head, path, &entry, err));
    TARN_TRY(tarn_lake_get(lake, &entry.object.id, 64 << 20, &text, &len, err));
    TARN_TRY(tarn_json_read(text, len, path, out, err));
done:
    tarn_free(text);
    return rc;
}

static tarn_code map_model(tarn_lake *lake, const tarn_id *object, tarn_model **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[4096];

    TARN_TRY(tarn_lake_cached(lake, object, ".tarn", path, sizeof path, err));
    TARN_TRY(tarn_model_map(path, out, err));
done:
    return rc;
}

tarn_code tarn_cli_model(tarn_lake *lake, const char *name, tarn_model **out, tarn_version *v, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_version own = {0};

    TARN_TRY(tarn_registry_find(lake, name, v ? v : &own, err));
    TARN_TRY(map_model(lake, v ? &v->object : &own.object, out, err));
done:
    tarn_version_clear(&own);
    return rc;
}

tarn_code tarn_cli_candidate(tarn_lake *lake, const char *branch, const char *name, tarn_model **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[300], path[300];
    tarn_id head;
    tarn_entry entry;

    (void)snprintf(ref, sizeof ref, "heads/%.200s", branch);
    (void)snprintf(path, sizeof path, "models/%.200s.tarn", name);
    if (strlen(name) > 200 || tarn_lake_ref_get(lake, ref, &head, NULL) != TARN_OK ||
        tarn_lake_lookup(lake, &head, path, &entry, NULL) != TARN_OK) {
        rc = tarn_cli_model(lake, name, out, NULL, err);
        if (rc == TARN_NOT_FOUND)
            rc = TARN_FAIL(err, TARN_NOT_FOUND,
                           "'%.80s' is neither a candidate of the last run on branch '%.60s' nor a registered model; "
                           "`tarn models` lists those",
                           name, branch);
        goto done;
    }
    TARN_TRY(map_model(lake, &entry.object.id, out, err));
done:
    return rc;
}

tarn_code tarn_cli_score(tarn_cli *cli, const tarn_model *m, const tarn_columns *c, const int64_t *rows, int64_t n,
                         double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int inputs = tarn_model_inputs(m);
    double *fields = NULL;
    const double **columns = NULL;
    tarn_arena *texts = NULL;

    TARN_TRY(tarn_arena_new(&texts, err));
    TARN_TRY(tarn_alloc(&fields, (size_t)n * (size_t)inputs, sizeof *fields, err));
    TARN_TRY(tarn_alloc(&columns, (size_t)inputs + 1, sizeof *columns, err));
    for (int i = 0; i < inputs; i++) columns[i] = fields + (int64_t)i * n;
    TARN_TRY(tarn_model_fields(m, c, rows, n, texts, fields, err));
    TARN_TRY(tarn_model_run(m, cli->pool, n, columns, out, err));
done:
    tarn_arena_free(texts);
    tarn_free(columns);
    tarn_free(fields);
    return rc;
}
