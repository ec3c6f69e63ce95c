/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - tarn compare: whether two models differ, on the same rows. */
#include "base/mem.h"
#include "cli/holdouts.h"
#include "cli/scored.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct compare_params {
    char metric[64], part[16];
    double level;
    int64_t resamples, seed;
} compare_params;

static const tarn_param params[] = {
    TARN_TEXT(compare_params, metric, "", "the figure to compare (default: the one that the project chooses by)"),
    TARN_TEXT(compare_params, part, "test",
              "without rows named: the part of the project's table (valid, test, holdout)"),
    TARN_REAL(compare_params, level, 0.95, 0.5, 0.9999, "how sure intervals are to be"),
    TARN_INT(compare_params, resamples, 0, 0, 1e6, "rounds of the bootstrap (0: 100 for many rows to 1,000 for few)"),
    TARN_INT(compare_params, seed, 0, 0, 1e15, "where the draws start"),
    TARN_PARAMS_END,
};

/* The two models, and what they say of the rows. */
typedef struct match {
    tarn_model *model[2];
    tarn_columns *columns;
    int64_t *rows, n;
    double *y, *p[2];
    tarn_weighed weighed;
    const char **classes;
    tarn_judged judged[2];
    tarn_interval found[2]; /* the figure of each */
    char metric[64];        /* that the project chooses by; "": it does not say */
} match;

static void clear(match *m)
{
    for (int i = 0; i < 2; i++) {
        tarn_model_free(m->model[i]);
        tarn_free(m->p[i]);
    }
    tarn_free(m->rows);
    tarn_free(m->y);
    tarn_weighed_clear(&m->weighed);
    tarn_free(m->classes);
    tarn_columns_release(m->columns);
}

/* Both must answer the same question, for the labels to mean the same. */
static tarn_code check_models(const tarn_model *a, const tarn_model *b, tarn_err *err)
{
    bool same = tarn_model_task(a) == tarn_model_task(b) && tarn_model_classes(a) == tarn_model_classes(b);

    for (int i = 0; same && i < tarn_model_classes(a); i++)
        same = strcmp(tarn_model_class(a, i), tarn_model_class(b, i)) == 0;
    return same ? TARN_OK : TARN_FAIL(err, TARN_INVALID, "the two models do not predict the same classes or values");
}

static tarn_code all_rows(tarn_cli *cli, tarn_lake_db *db, const char *name, match *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_cli_rows(cli, name, db, &m->columns, err));
    m->n = tarn_columns_rows(m->columns);
    if (m->n == 0) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'%.200s' has no rows to compare on", name));
    TARN_TRY(tarn_alloc(&m->rows, (size_t)m->n, sizeof *m->rows, err));
    for (int64_t i = 0; i < m->n; i++) m->rows[i] = i;
done:
    return rc;
}

/* The figure that the last run chose by, written in the project or preset. */
static tarn_code read_metric(tarn_lake *lake, const char *branch, match *m, tarn_err *err)
{
    json_t *board = NULL;
    tarn_code rc = tarn_cli_read_json(lake, branch, "train/leaderboard.json", &board, err);

    if (rc == TARN_OK) (void)snprintf(m->metric, sizeof m->metric, "%s", tarn_json_text(board, "metric", ""));
    json_decref(board);
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

/* Rows count as the project says, if there is one: registered models can be compared without. */
static tarn_code weigh(tarn_cli *cli, match *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *project = tarn_cli_declared(cli);

    if (project) rc = tarn_cli_weigh(cli, m->columns, m->rows, m->n, &m->weighed, err);
    tarn_project_free(project);
    return rc;
}

static tarn_code judge(tarn_cli *cli, match *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_model *first = m->model[0];
    int classes = tarn_model_classes(first);

    TARN_TRY(tarn_alloc(&m->y, (size_t)m->n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&m->classes, (size_t)classes + 1, sizeof *m->classes, err));
    for (int i = 0; i < classes; i++) m->classes[i] = tarn_model_class(first, i);
    TARN_TRY(tarn_model_labels(first, m->columns, m->rows, m->n, m->y, err));
    for (int i = 0; i < 2; i++) {
        TARN_TRY(tarn_alloc(&m->p[i], (size_t)m->n * (size_t)tarn_model_outputs(first), sizeof(double), err));
        TARN_TRY(tarn_cli_score(cli, m->model[i], m->columns, m->rows, m->n, m->p[i], err));
        m->judged[i] = (tarn_judged){.task = tarn_model_task(first),
                                     .rows = m->n,
                                     .classes = classes,
                                     .class_names = m->classes,
                                     .y = m->y,
                                     .p = m->p[i],
                                     .threshold = tarn_model_threshold(m->model[i])};
        tarn_weighed_give(&m->weighed, &m->judged[i]);
    }
done:
    return rc;
}

/* The named metric, or that of the project, or the first of the table that suits. */
static tarn_code find_metric(const char *name, const char *project, const tarn_judged *j, const tarn_metric **out,
                             tarn_err *err)
{
    if (*name) return tarn_metric_find(name, out, err);
    if (*project && tarn_metric_find(project, out, NULL) == TARN_OK && tarn_metric_suits(*out, j)) return TARN_OK;
    for (int i = tarn_metric_count() - 1; i >= 0; i--)
        if (tarn_metric_suits(tarn_metric_at(i), j)) *out = tarn_metric_at(i);
    return TARN_OK;
}

static tarn_code find_figures(tarn_cli *cli, match *m, const tarn_metric *metric, const tarn_resampling *how,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int i = 0; i < 2; i++)
        TARN_TRY(tarn_metric_interval(NULL, metric, &m->judged[i], how, cli->pool, &m->found[i], err));
done:
    return rc;
}

/* Who compares on the holdout looks at it, once with each model: that is recorded before the figures are shown. */
static tarn_code count_uses(tarn_cli *cli, tarn_lake *lake, const char *branch, char *const *names, const match *m,
                            const tarn_metric *metric, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char who[128], why[300];
    json_t *use = NULL, *uses = NULL;

    for (int i = 0; i < 2; i++) {
        const tarn_interval *f = &m->found[i];
        (void)snprintf(why, sizeof why, "compared with %.200s", names[1 - i]);
        json_decref(use);
        TARN_TRY(tarn_holdout_describe(lake, branch, names[i], m->model[i], m->n, why, tarn_cli_author(who, sizeof who),
                                       &use, err));
        TARN_TRY(tarn_json_set(use, "weighted", json_boolean(m->weighed.weight != NULL), err));
        if (m->weighed.groups_of[0]) TARN_TRY(tarn_json_set(use, "groups_of", json_string(m->weighed.groups_of), err));
        TARN_TRY(tarn_json_set(use, "metrics", json_pack("{s:o}", metric->name, tarn_json_num(f->value)), err));
        TARN_TRY(tarn_json_set(use, "intervals",
                               json_pack("{s:[o,o]}", metric->name, tarn_json_num(f->low), tarn_json_num(f->high)),
                               err));
        TARN_TRY(tarn_holdout_add(lake, branch, use, who, err));
    }
    TARN_TRY(tarn_holdout_uses(lake, branch, &uses, err));
    tarn_holdout_tell(cli, "Both", m->n, tarn_holdout_count(uses, "split", tarn_json_text(use, "split", "")),
                      (int64_t)json_array_size(uses));
done:
    json_decref(uses);
    json_decref(use);
    return rc;
}

static tarn_code tell_models(tarn_cli *cli, char *const *names, const match *m, const tarn_metric *metric, double level,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *list = json_array();
    char number[32];

    tarn_out(cli, "%s of %s rows, higher is %s\n", metric->title, tarn_num_group(m->n, number),
             metric->higher_is_better ? "better" : "worse");
    for (int i = 0; i < 2; i++) {
        const tarn_interval *f = &m->found[i];
        tarn_out(cli, "  %c  %-24s %.4f", 'a' + i, names[i], f->value);
        if (isfinite(f->low)) tarn_out(cli, "   %.4g %% sure: %.4f to %.4f", 100 * level, f->low, f->high);
        tarn_out(cli, "\n");
        TARN_TRY(tarn_json_append(list,
                                  json_pack("{s:s, s:o, s:o, s:o}", "model", names[i], "value", tarn_json_num(f->value),
                                            "low", tarn_json_num(f->low), "high", tarn_json_num(f->high)),
                                  err));
    }
    TARN_TRY(tarn_json_set(cli->result, "models", json_incref(list), err));
    TARN_TRY(tarn_json_set(cli->result, "metric", json_string(metric->name), err));
    TARN_TRY(tarn_json_set(cli->result, "rows", json_integer(m->n), err));
    TARN_TRY(tarn_json_set(cli->result, "weighted", json_boolean(m->weighed.weight != NULL), err));
    TARN_TRY(tarn_weighed_tell(cli, &m->weighed, err));
done:
    json_decref(list);
    return rc;
}

static void tell_test(tarn_cli *cli, const tarn_comparison *test, const json_t *found)
{
    const json_t *interval = json_object_get(found, "interval"), *p = json_object_get(found, "p");

    tarn_out(cli, "  %-22s a - b %+.4f", test->title, json_number_value(json_object_get(found, "difference")));
    if (json_is_array(interval))
        tarn_out(cli, " (%+.4f to %+.4f)", json_number_value(json_array_get(interval, 0)),
                 json_number_value(json_array_get(interval, 1)));
    if (json_is_number(p)) tarn_out(cli, "  p %.4g", json_number_value(p));
    tarn_out(cli, "   %s\n", test->help);
}

static tarn_code tell_tests(tarn_cli *cli, const tarn_contest *contest, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *list = json_array(), *found = NULL;

    tarn_out(cli, "\nThe difference (p: the chance of one as large or larger if the models were equally good)\n");
    for (int i = 0; i < tarn_comparison_count(); i++) {
        const tarn_comparison *test = tarn_comparison_at(i);
        if (!tarn_comparison_suits(test, contest)) continue;
        TARN_TRY(tarn_compare(test, contest, cli->pool, &found, err));
        tell_test(cli, test, found);
        TARN_TRY(tarn_json_append(list, found, err));
    }
    TARN_TRY(tarn_json_set(cli->result, "tests", json_incref(list), err));
done:
    json_decref(list);
    return rc;
}

/* ---- over folds ---- */

/* The figures that a candidate reached on the folds, and how these were dealt; *out NULL: it has none. */
static tarn_code read_folds(tarn_lake *lake, const char *branch, const char *name, json_t **out, tarn_err *err)
{
    char path[300];
    json_t *report = NULL;

    *out = NULL;
    (void)snprintf(path, sizeof path, "train/%.200s.json", name);
    tarn_code rc = tarn_cli_read_json(lake, branch, path, &report, err);
    if (rc == TARN_OK) *out = json_incref(json_object_get(report, "folds"));
    json_decref(report);
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

/* (2, sets) figures, NaN where a fold has none; *score NULL: the candidates were not judged on the same folds. */
static tarn_code take_scores(json_t *const folds[2], const char *metric, double **score, int64_t *sets, tarn_err *err)
{
    static const char *const dealt[] = {"n", "repeats", "by"};
    tarn_code rc = TARN_OK;
    const json_t *each[2];

    *score = NULL;
    for (size_t i = 0; i < sizeof dealt / sizeof *dealt; i++)
        if (!json_equal(json_object_get(folds[0], dealt[i]), json_object_get(folds[1], dealt[i]))) return TARN_OK;
    for (int i = 0; i < 2; i++)
        each[i] = json_object_get(json_object_get(json_object_get(folds[i], "metrics"), metric), "each");
    *sets = (int64_t)json_array_size(each[0]);
    if (*sets < 2 || json_array_size(each[1]) != (size_t)*sets) return TARN_OK;
    TARN_TRY(tarn_alloc(score, 2 * (size_t)*sets, sizeof **score, err));
    for (int64_t i = 0; i < 2 * *sets; i++) {
        const json_t *x = json_array_get(each[i / *sets], (size_t)(i % *sets));
        (*score)[i] = json_is_number(x) ? json_number_value(x) : NAN;
    }
done:
    return rc;
}

/* Tests that know that folds share the rows that are learned from. */
static tarn_code test_folds(tarn_cli *cli, const json_t *folds, const tarn_contest *contest, tarn_err *err)
{
    static const char *const tests[] = {"resampled_t", "cv52_t", "cv52_f"};
    tarn_code rc = TARN_OK;
    json_t *list = json_array(), *found = NULL;
    bool five_by_two = json_integer_value(json_object_get(folds, "n")) == 2 && contest->sets == 10;

    tarn_out(cli, "\nOver %lld folds of the train rows\n", (long long)contest->sets);
    for (size_t i = 0; i < (five_by_two ? 3 : 1); i++) {
        const tarn_comparison *test = NULL;
        TARN_TRY(tarn_comparison_find(tests[i], &test, err));
        TARN_TRY(tarn_compare(test, contest, cli->pool, &found, err));
        tell_test(cli, test, found);
        TARN_TRY(tarn_json_append(list, found, err));
    }
    TARN_TRY(tarn_json_set(cli->result, "fold_tests", json_incref(list), err));
done:
    json_decref(list);
    return rc;
}

static tarn_code tell_folds(tarn_cli *cli, tarn_lake *lake, const char *branch, char *const *names,
                            const tarn_contest *rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *folds[2] = {NULL, NULL};
    double *score = NULL;
    int64_t sets = 0;
    bool known = true;

    for (int i = 0; i < 2; i++) TARN_TRY(read_folds(lake, branch, names[i], &folds[i], err));
    if (!json_is_object(folds[0]) || !json_is_object(folds[1])) goto done;
    TARN_TRY(take_scores(folds, rows->metric->name, &score, &sets, err));
    for (int64_t i = 0; score && i < 2 * sets; i++) known = known && isfinite(score[i]);
    if (!score || !known) goto done;
    const tarn_contest contest = {.metric = rows->metric,
                                  .score = score,
                                  .models = 2,
                                  .sets = sets,
                                  .test_share = json_number_value(json_object_get(folds[0], "test_share")),
                                  .how = rows->how};
    TARN_TRY(test_folds(cli, folds[0], &contest, err));
done:
    tarn_free(score);
    json_decref(folds[0]);
    json_decref(folds[1]);
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const compare_params *p = values;
    tarn_lake *lake = NULL;
    tarn_lake_db db = {0};
    match m = {0};
    char branch[256];
    tarn_contest contest = {
        .a = &m.judged[0], .b = &m.judged[1], .how = {p->level, (int)p->resamples, (uint64_t)p->seed}};

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    (void)tarn_cli_branch(cli, branch, sizeof branch);
    for (int i = 0; i < 2; i++) TARN_TRY(tarn_cli_candidate(lake, branch, argv[i], &m.model[i], err));
    TARN_TRY(check_models(m.model[0], m.model[1], err));
    TARN_TRY(tarn_lake_db_open(lake, branch, tarn_pool_threads(cli->pool), false, &db, err));
    if (argc > 2) TARN_TRY(all_rows(cli, &db, argv[2], &m, err));
    else TARN_TRY(tarn_cli_part(cli, &db, p->part, &m.columns, &m.rows, &m.n, err));
    TARN_TRY(weigh(cli, &m, err));
    TARN_TRY(read_metric(lake, branch, &m, err));
    TARN_TRY(judge(cli, &m, err));
    TARN_TRY(find_metric(p->metric, m.metric, &m.judged[0], &contest.metric, err));
    TARN_TRY(find_figures(cli, &m, contest.metric, &contest.how, err));
    if (argc == 2 && strcmp(p->part, "holdout") == 0)
        TARN_TRY(count_uses(cli, lake, branch, argv, &m, contest.metric, err));
    TARN_TRY(tell_models(cli, argv, &m, contest.metric, p->level, err));
    TARN_TRY(tell_tests(cli, &contest, err));
    if (argc == 2) TARN_TRY(tell_folds(cli, lake, branch, argv, &contest, err));
done:
    clear(&m);
    tarn_lake_db_close(&db);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_compare = {
    .name = "compare",
    .stage = "assess",
    .title = "whether two models differ, on the same rows",
    .usage = "MODEL MODEL [FILE|TABLE]",
    .help =
        "A model is a candidate of the last run, by its name in the project file, or a registered one (name, "
        "name@alias, name/version, id). Without a file or table, the test rows of the project. Rows count as "
        "train.weight and train.group say; where rows are split by group, whole groups are drawn. With --part holdout "
        "each of the two models uses the holdout once, which is recorded "
        "(`tarn holdout --list`). Candidates that were judged on folds are compared over these, too: by the corrected "
        "resampled t test, and, with folds: {n: 2, repeats: 5}, by 5x2cv.\n"
        "Example: tarn compare forest boosting --metric log_loss",
    .least = 2,
    .most = 3,
    .params_size = sizeof(compare_params),
    .params = params,
    .run = run,
};
