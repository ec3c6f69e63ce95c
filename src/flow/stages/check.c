/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - the step that holds tables against their declared rules; a broken rule stops the run before the commit. */
#include "base/mem.h"
#include "flow/stage.h"

#include <stdio.h>
#include <string.h>

/* Rules as the table room wants them; strings are the JSON's. */
typedef struct rules_use {
    tarn_table_rules rules;
    tarn_column_rule *columns;
    tarn_reference *references;
    const char **values; /* all columns' allowed values, each list ended by NULL */
} rules_use;

static void close_rules(rules_use *u)
{
    tarn_free(u->columns);
    tarn_free(u->references);
    tarn_free(u->values);
    *u = (rules_use){0};
}

static void fill_column(const json_t *c, tarn_column_rule *rule, const char **values, size_t *at)
{
    const json_t *least = json_object_get(c, "least"), *list = json_object_get(c, "values");

    *rule = (tarn_column_rule){.name = tarn_json_text(c, "name", ""),
                               .type = tarn_json_text(c, "type", NULL),
                               .not_null = json_is_true(json_object_get(c, "not_null")),
                               .unique = json_is_true(json_object_get(c, "unique")),
                               .has_least = least != NULL,
                               .has_most = least != NULL,
                               .least = json_number_value(least),
                               .most = json_number_value(json_object_get(c, "most"))};
    if (!list) return;
    rule->values = values + *at;
    for (size_t i = 0; i < json_array_size(list); i++) values[(*at)++] = json_string_value(json_array_get(list, i));
    values[(*at)++] = NULL;
}

static tarn_code open_rules(const json_t *j, rules_use *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *columns = json_object_get(j, "columns"), *references = json_object_get(j, "references");
    size_t n_values = 0, at = 0;

    for (size_t i = 0; i < json_array_size(columns); i++)
        n_values += json_array_size(json_object_get(json_array_get(columns, i), "values")) + 1;
    TARN_TRY(tarn_alloc(&u->columns, json_array_size(columns) + 1, sizeof *u->columns, err));
    TARN_TRY(tarn_alloc(&u->references, json_array_size(references) + 1, sizeof *u->references, err));
    TARN_TRY(tarn_alloc(&u->values, n_values + 1, sizeof *u->values, err));
    for (size_t i = 0; i < json_array_size(columns); i++)
        fill_column(json_array_get(columns, i), &u->columns[i], u->values, &at);
    for (size_t i = 0; i < json_array_size(references); i++) {
        const json_t *r = json_array_get(references, i);
        u->references[i] = (tarn_reference){tarn_json_text(r, "columns", ""), tarn_json_text(r, "table", ""),
                                            tarn_json_text(r, "to", "")};
    }
    u->rules = (tarn_table_rules){.name = tarn_json_text(j, "name", ""),
                                  .key = tarn_json_text(j, "key", NULL),
                                  .columns = u->columns,
                                  .n_columns = (int)json_array_size(columns),
                                  .references = u->references,
                                  .n_references = (int)json_array_size(references),
                                  .closed = json_is_true(json_object_get(j, "closed"))};
done:
    return rc;
}

/* What a person is told of a broken rule. */
static void describe(const tarn_violation *v, char *out, size_t cap)
{
    if (strcmp(v->rule, "column missing") == 0)
        (void)snprintf(out, cap, "table '%s' has no column '%s', which the project declares; %s", v->table, v->column,
                       v->rows);
    else
        (void)snprintf(out, cap, "table '%s', column '%s': rule '%s' is broken by %lld row%s: %s", v->table, v->column,
                       v->rule, (long long)v->count, v->count == 1 ? "" : "s", v->rows);
}

typedef struct tally {
    int64_t rules, broken;
    tarn_violation first;
    json_t *list;
} tally;

static tarn_code check_table(tarn_stage_job *job, tarn_db *db, const json_t *j, tally *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    rules_use use = {0};
    tarn_violation *found = NULL;
    int n = 0;
    char line[1100];

    TARN_TRY(open_rules(j, &use, err));
    TARN_TRY(tarn_table_check(db, &use.rules, &found, &n, err));
    t->rules += use.rules.n_columns + use.rules.n_references + (use.rules.key ? 1 : 0);
    for (int i = 0; i < n; i++) {
        if (t->broken++ == 0) t->first = found[i];
        describe(&found[i], line, sizeof line);
        tarn_say(job->sink, TARN_WARN, "%s", line);
        TARN_TRY(tarn_json_append(t->list,
                                  json_pack("{s:s, s:s, s:s, s:I, s:s}", "table", found[i].table, "column",
                                            found[i].column, "rule", found[i].rule, "count", (json_int_t)found[i].count,
                                            "rows", found[i].rows),
                                  err));
    }
done:
    tarn_free(found);
    close_rules(&use);
    return rc;
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_db *db = NULL;
    tally t = {.list = json_array()};
    const json_t *rules = json_object_get(job->params, "rules");
    const char *name = tarn_json_text(job->params, "name", "check");
    json_t *report = NULL;
    char path[200], line[1100];

    TARN_TRY(tarn_stage_db(job, tarn_pool_threads(job->pool), &db, err));
    for (size_t i = 0; i < json_array_size(rules); i++)
        TARN_TRY(check_table(job, db, json_array_get(rules, i), &t, err));
    if (t.broken > 0) {
        describe(&t.first, line, sizeof line);
        if (t.broken == 1) rc = TARN_FAIL(err, TARN_CHECK, "nothing was committed: %s", line);
        else
            rc = TARN_FAIL(err, TARN_CHECK, "nothing was committed, %lld rules are broken: %s", (long long)t.broken,
                           line);
        goto done;
    }
    report = json_pack("{s:I, s:I, s:O}", "tables", (json_int_t)json_array_size(rules), "rules", (json_int_t)t.rules,
                       "violations", t.list);
    (void)snprintf(path, sizeof path, "%s.json", name);
    TARN_TRY(tarn_stage_put_json(job, path, report, err));
    tarn_text_addf(&job->said, "%zu tables keep all %lld rules", json_array_size(rules), (long long)t.rules);
done:
    json_decref(report);
    json_decref(t.list);
    tarn_db_close(db);
    return rc;
}

const tarn_stage tarn_stage_check = {
    .name = "check", .stage = "lake", .title = "hold tables against their declared rules", .run = run};
