/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - the step that holds tables against their declared rules; a broken rule stops the run before the commit. */
#include "base/mem.h"
#include "flow/rules_use.h"
#include "flow/stage.h"

#include <stdio.h>
#include <string.h>

typedef struct tally {
    int64_t rules, broken;
    tarn_violation first;
    json_t *list;
} tally;

static tarn_code check_table(tarn_stage_job *job, tarn_db *db, const json_t *j, tally *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_rules_use use = {0};
    tarn_violation *found = NULL;
    int n = 0;
    char line[1100];

    TARN_TRY(tarn_rules_open(j, &use, err));
    TARN_TRY(tarn_table_check(db, &use.rules, &found, &n, err));
    t->rules += use.rules.n_columns + use.rules.n_references + (use.rules.key ? 1 : 0);
    for (int i = 0; i < n; i++) {
        if (t->broken++ == 0) t->first = found[i];
        tarn_violation_text(&found[i], line, sizeof line);
        tarn_say(job->sink, TARN_WARN, "%s", line);
        TARN_TRY(tarn_json_append(t->list,
                                  json_pack("{s:s, s:s, s:s, s:I, s:s}", "table", found[i].table, "column",
                                            found[i].column, "rule", found[i].rule, "count", (json_int_t)found[i].count,
                                            "rows", found[i].rows),
                                  err));
    }
done:
    tarn_free(found);
    tarn_rules_close(&use);
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
        tarn_violation_text(&t.first, line, sizeof line);
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
