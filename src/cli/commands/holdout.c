/* SPDX-License-Identifier: Apache-2.0 */
/* holdout.c - tarn holdout: judge a model on the rows that were kept apart, and keep count of it.
 *
 * The use is recorded, durably, before the figures are shown: nobody looks without leaving a line.
 */
#include "base/mem.h"
#include "cli/holdouts.h"
#include "cli/scored.h"
#include "flow/scoring.h"

#include <stdio.h>
#include <string.h>

typedef struct holdout_params {
    char why[500];
    bool list;
} holdout_params;

static const tarn_param params[] = {
    TARN_TEXT(holdout_params, why, "", "what the figures are for; kept with the use"),
    TARN_BOOL_PARAM(holdout_params, list, false, "show the uses so far, and use nothing"),
    TARN_PARAMS_END,
};

typedef struct work {
    tarn_cli *cli;
    tarn_lake *lake;
    const char *branch;
    char name[200]; /* of the model */
    tarn_model *model;
    tarn_columns *columns;
    int64_t *rows, n;
    tarn_scored scored;
    tarn_weighed weighed;
    json_t *use;
} work;

static void clear(work *w)
{
    tarn_scored_clear(&w->scored);
    tarn_weighed_clear(&w->weighed);
    tarn_columns_release(w->columns);
    tarn_free(w->rows);
    tarn_model_free(w->model);
    json_decref(w->use);
}

/* The model that is named, else the project's champion. */
static tarn_code open_model(work *w, const char *asked, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *p = NULL;
    const char *name = asked;

    if (!name) TARN_TRY(tarn_project_read(w->cli->folder, &p, NULL, err));
    if (!name) name = p->model;
    if (!*name) TARN_TRY(TARN_FAIL(err, TARN_USAGE, "the project registers no model; name one of its candidates"));
    (void)snprintf(w->name, sizeof w->name, "%s", name);
    TARN_TRY(tarn_cli_candidate(w->lake, w->branch, name, &w->model, err));
done:
    tarn_project_free(p);
    return rc;
}

static tarn_code judge(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *assessed = NULL;

    TARN_TRY(tarn_score(w->model, w->cli->pool, w->columns, w->rows, w->n, &w->scored, err));
    TARN_TRY(tarn_cli_weigh(w->cli, w->columns, w->rows, w->n, &w->weighed, err));
    tarn_weighed_give(&w->weighed, &w->scored.judged);
    TARN_TRY(tarn_assess(&w->scored.judged, NULL, &assessed, err));
    TARN_TRY(tarn_put_intervals(&w->scored.judged, NULL, w->cli->pool, assessed, err));
    TARN_TRY(tarn_json_set(w->use, "weighted", json_boolean(w->weighed.weight != NULL), err));
    if (w->weighed.groups_of[0]) TARN_TRY(tarn_json_set(w->use, "groups_of", json_string(w->weighed.groups_of), err));
    TARN_TRY(tarn_json_set(w->use, "metrics", json_incref(json_object_get(assessed, "metrics")), err));
    TARN_TRY(tarn_json_set(w->use, "intervals", json_incref(json_object_get(assessed, "intervals")), err));
done:
    json_decref(assessed);
    return rc;
}

static void tell_figures(const work *w)
{
    const json_t *metrics = json_object_get(w->use, "metrics"), *sure = json_object_get(w->use, "intervals");

    for (int i = 0; i < tarn_metric_count(); i++) {
        const tarn_metric *m = tarn_metric_at(i);
        const json_t *x = json_object_get(metrics, m->name), *between = json_object_get(sure, m->name);
        if (!json_is_number(x)) continue;
        tarn_out(w->cli, "  %-24s %12.6g", m->name, json_number_value(x));
        if (json_is_array(between))
            tarn_out(w->cli, "   95 %% sure: %.6g to %.6g", json_number_value(json_array_get(between, 0)),
                     json_number_value(json_array_get(between, 1)));
        tarn_out(w->cli, "\n");
    }
}

static tarn_code use(work *w, const holdout_params *p, const char *asked, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake_db db = {0};
    json_t *uses = NULL;
    char who[128];

    TARN_TRY(open_model(w, asked, err));
    TARN_TRY(tarn_lake_db_open(w->lake, w->branch, tarn_pool_threads(w->cli->pool), false, &db, err));
    TARN_TRY(tarn_cli_part(w->cli, &db, "holdout", &w->columns, &w->rows, &w->n, err));
    TARN_TRY(tarn_holdout_describe(w->lake, w->branch, w->name, w->model, w->n, p->why,
                                   tarn_cli_author(who, sizeof who), &w->use, err));
    TARN_TRY(judge(w, err));
    TARN_TRY(tarn_holdout_add(w->lake, w->branch, w->use, who, err));
    TARN_TRY(tarn_holdout_uses(w->lake, w->branch, &uses, err));
    int64_t same = tarn_holdout_count(uses, "split", tarn_json_text(w->use, "split", ""));
    tarn_holdout_tell(w->cli, w->name, w->n, same, (int64_t)json_array_size(uses));
    tell_figures(w);
    TARN_TRY(tarn_weighed_tell(w->cli, &w->weighed, err));
    TARN_TRY(tarn_json_set(w->cli->result, "uses_of_these_rows", json_integer((json_int_t)same), err));
    TARN_TRY(tarn_json_set(w->cli->result, "uses", json_integer((json_int_t)json_array_size(uses)), err));
    TARN_TRY(tarn_json_set(w->cli->result, "use", json_incref(w->use), err));
done:
    json_decref(uses);
    tarn_lake_db_close(&db);
    return rc;
}

static tarn_code list(const work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *uses = NULL, *u;
    size_t i;

    TARN_TRY(tarn_holdout_uses(w->lake, w->branch, &uses, err));
    json_array_foreach(uses, i, u)
    {
        tarn_out(w->cli, "%4lld  %s  %-16s %-24s %.12s  rows %.12s  %s\n",
                 (long long)json_integer_value(json_object_get(u, "use")), tarn_json_text(u, "time", ""),
                 tarn_json_text(u, "by", ""), tarn_json_text(u, "model", ""), tarn_json_text(u, "id", ""),
                 tarn_json_text(u, "split", ""), tarn_json_text(u, "why", ""));
    }
    if (json_array_size(uses) == 0) tarn_out(w->cli, "The holdout has not been used on this branch.\n");
    TARN_TRY(tarn_json_set(w->cli->result, "uses", json_incref(uses), err));
done:
    json_decref(uses);
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const holdout_params *p = values;
    char branch[256];
    work w = {.cli = cli, .branch = tarn_cli_branch(cli, branch, sizeof branch)};

    TARN_TRY(tarn_cli_lake(cli, &w.lake, err));
    TARN_TRY(p->list ? list(&w, err) : use(&w, p, argc ? argv[0] : NULL, err));
done:
    clear(&w);
    tarn_lake_close(w.lake);
    return rc;
}

const tarn_command tarn_command_holdout = {
    .name = "holdout",
    .stage = "assess",
    .title = "judge a model on the rows kept apart, and keep count of it",
    .usage = "[MODEL]",
    .help =
        "The holdout (prepare.split: holdout) is for one question, at the end: how good is the model that was chosen? "
        "Whoever looks more often, and chooses by what was seen, learns from these rows, too. So each use is committed "
        "to assess/holdout.json before the figures are shown: when, by whom, which model, which rows, which "
        "figures.\n\n"
        "MODEL is a candidate of the last run or a registered model; without it the project's champion.\n"
        "Example: tarn holdout --why \"release 2\"",
    .most = 1,
    .params_size = sizeof(holdout_params),
    .params = params,
    .run = run,
};
