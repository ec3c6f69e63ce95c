/* SPDX-License-Identifier: Apache-2.0 */
/* project_train.c - sections `train` and `assess` of the project file: the task, its candidates, and the judging. */
#include "flow/project_inside.h"

#include "assess/assess.h"
#include "flow/keys.h"
#include "flow/settings.h"
#include "prepare/prepare.h"
#include "train/train.h"

#include <string.h>

static void read_class_weight(tarn_maker *m, const tarn_yaml *v, json_t *task)
{
    json_t *weights = json_object();
    double x;

    for (size_t i = 0; v && v->kind == TARN_YAML_MAP && i < v->n; i++) {
        const tarn_yaml *w = v->items[i];
        if (w->kind == TARN_YAML_TEXT && tarn_num_parse(w->text, strlen(w->text), false, &x) && x > 0)
            tarn_maker_put(m, weights, v->keys[i]->text, json_real(x));
        else tarn_problems_add(m->problems, w->line, w->column, "a class's weight should be a number above 0");
    }
    if (v && v->kind == TARN_YAML_TEXT && strcmp(v->text, "balanced") != 0)
        tarn_problems_add(m->problems, v->line, v->column, "class_weight should be 'balanced' or {class: weight}");
    if (v)
        tarn_maker_put(m, task, "class_weight",
                       v->kind == TARN_YAML_MAP ? json_incref(weights) : json_string("balanced"));
    json_decref(weights);
}

/* What all candidates share. */
static json_t *read_task(tarn_maker *m, const tarn_yaml *train)
{
    json_t *task = json_object();
    int64_t seed = 1;
    const char *kind = tarn_maker_word(train, "task", "binary"),
               *threshold = tarn_maker_word(train, "threshold", "0.5");
    const char *seed_text = tarn_maker_word(train, "seed", "1");
    double x;

    if (strcmp(kind, "binary") != 0 && strcmp(kind, "multiclass") != 0 && strcmp(kind, "regression") != 0) {
        const tarn_yaml *v = tarn_yaml_get(train, "task");
        tarn_problems_add(m->problems, v->line, v->column,
                          "task should be binary, multiclass or regression, not '%.40s'", kind);
    }
    if (strcmp(threshold, "profit") != 0 &&
        (!tarn_num_parse(threshold, strlen(threshold), false, &x) || x < 0 || x > 1)) {
        const tarn_yaml *v = tarn_yaml_get(train, "threshold");
        tarn_problems_add(m->problems, v->line, v->column, "threshold should be 'profit' or a number, 0 to 1");
    }
    if (strcmp(threshold, "profit") == 0) {
        if (m->costs) tarn_maker_put(m, task, "costs", json_deep_copy(m->costs));
        else tarn_problems_add(m->problems, train->line, train->column, "threshold 'profit' needs 'assess.costs'");
    }
    (void)tarn_int_parse(seed_text, strlen(seed_text), &seed);
    tarn_maker_put(m, task, "table", json_string(tarn_maker_word(train, "table", "")));
    tarn_maker_put(m, task, "target", json_string(tarn_maker_word(train, "target", "")));
    tarn_maker_put(m, task, "task", json_string(kind));
    tarn_maker_put(m, task, "positive", json_string(tarn_maker_word(train, "positive", "")));
    tarn_maker_put(m, task, "threshold", json_string(threshold));
    tarn_maker_put(m, task, "seed", json_integer(seed));
    tarn_maker_put(m, task, "features", tarn_maker_words(m, tarn_yaml_get(train, "features")));
    if (tarn_maker_word(train, "group", "")[0] && strcmp(kind, "regression") != 0) {
        const tarn_yaml *v = tarn_yaml_get(train, "group");
        tarn_problems_add(m->problems, v->line, v->column,
                          "ranking within groups needs `task: regression`: the target is how relevant a row is, 0 or "
                          "more");
    }
    if (tarn_maker_word(train, "weight", "")[0])
        tarn_maker_put(m, task, "weight", json_string(tarn_maker_word(train, "weight", "")));
    if (tarn_maker_word(train, "group", "")[0])
        tarn_maker_put(m, task, "group", json_string(tarn_maker_word(train, "group", "")));
    read_class_weight(m, tarn_yaml_get(train, "class_weight"), task);
    const tarn_yaml *folds = tarn_yaml_get(train, "folds");
    json_t *settings = folds ? tarn_maker_settings(m, tarn_fold_table, sizeof(tarn_fold_params), folds, NULL, 0) : NULL;
    if (settings) tarn_maker_put(m, task, "folds", settings);
    return task;
}

/* Whether the candidate is to learn on, and can. */
static bool read_learn_on(tarn_maker *m, const tarn_yaml *map, const tarn_algo *algo, const json_t *task)
{
    const tarn_yaml *v = tarn_yaml_get(map, "learn_on");

    if (!v || strcmp(v->text, "true") != 0) return false;
    if (!algo->learns_on && !algo->learns_on_numbers)
        tarn_problems_add(m->problems, v->line, v->column,
                          "estimator '%s' cannot learn on; `tarn reference` says of each whether it can", algo->name);
    if (tarn_yaml_get(map, "search") || json_object_get(task, "folds"))
        tarn_problems_add(m->problems, v->line, v->column,
                          "learn_on does not go with search or folds, which learn from all rows again and again");
    return true;
}

static void read_candidate(tarn_maker *m, const tarn_yaml *name, const tarn_yaml *map, const json_t *task,
                           const char *metric)
{
    static const char *const own[] = {"algo", "features", "prepare", "search", "learn_on"};
    const tarn_algo *algo = NULL;
    tarn_err why = {0};

    if (!tarn_maker_good_name(m, name) ||
        !tarn_keys_check(&tarn_keys_candidate, map, name->line, name->column, m->problems))
        return;
    const tarn_yaml *kind = tarn_yaml_get(map, "algo");
    if (tarn_algo_find(kind->text, &algo, &why) != TARN_OK) {
        tarn_problems_add(m->problems, kind->line, kind->column, "%s", why.msg);
        json_decref(tarn_project_steps(m, tarn_yaml_get(map, "prepare")));
        return;
    }
    json_t *settings = tarn_maker_settings(m, algo->params, algo->params_size, map, own, 5);
    if (!settings) return;
    json_t *params = json_deep_copy(task);
    tarn_maker_put(m, params, "candidate", json_string(name->text));
    tarn_maker_put(m, params, "algo", json_string(algo->name));
    tarn_maker_put(m, params, "settings", settings);
    if (tarn_yaml_get(map, "features"))
        tarn_maker_put(m, params, "features", tarn_maker_words(m, tarn_yaml_get(map, "features")));
    tarn_maker_put(m, params, "prepare", tarn_project_steps(m, tarn_yaml_get(map, "prepare")));
    const char *search = tarn_project_search(m, name, tarn_yaml_get(map, "search"), algo, params, metric);
    if (search) tarn_maker_put(m, params, "search", json_string(search));
    bool learns_on = read_learn_on(m, map, algo, task);
    if (learns_on) tarn_maker_put(m, params, "learn_on", json_true());
    const char *inputs[] = {tarn_maker_text(m, "%s.parquet", tarn_json_text(task, "table", "")), "prepare/split.parts",
                            search};
    tarn_maker_add_step(m, tarn_maker_text(m, "train/%s", name->text), "learn", params, inputs, search ? 3 : 2, false,
                        name->line);
    if (!learns_on || m->p->n_steps == 0) return;
    m->p->steps[m->p->n_steps - 1].state = tarn_maker_text(m, "models/%s.state", name->text);
    m->p->steps[m->p->n_steps - 1].before = tarn_maker_text(m, "models/%s.before", name->text);
}

static const char *metric_of(tarn_maker *m, const tarn_yaml *train, const char *task)
{
    const tarn_metric *metric = NULL;
    tarn_err why = {0};
    bool value = strcmp(task, "regression") == 0, many = strcmp(task, "multiclass") == 0;
    bool ranking = tarn_maker_word(train, "group", "")[0] != 0;
    const char *preset = ranking ? "ndcg" : value ? "rmse" : many ? "log_loss" : "roc_auc";
    const char *name = tarn_maker_word(train, "metric", preset);
    const tarn_yaml *v = tarn_yaml_get(train, "metric");
    const int64_t query = 0;
    tarn_judged rows = {.task = value  ? TARN_REGRESSION
                                : many ? TARN_MULTICLASS
                                       : TARN_BINARY,
                        .group = ranking ? &query : NULL};

    if (tarn_metric_find(name, &metric, &why) != TARN_OK)
        tarn_problems_add(m->problems, v ? v->line : train->line, v ? v->column : train->column, "%s", why.msg);
    else if (!tarn_metric_suits(metric, &rows))
        tarn_problems_add(m->problems, v ? v->line : train->line, v ? v->column : train->column,
                          metric->needs_group ? "metric '%s' ranks within groups of rows; say with 'train.group' which"
                                              : "metric '%s' does not suit this task",
                          name);
    return name;
}

static void tarn_project_candidates(tarn_maker *m, const tarn_yaml *train)
{
    const tarn_yaml *candidates = tarn_yaml_get(train, "candidates");
    json_t *task = read_task(m, train), *names = json_array(), *params = json_object();
    const char **inputs = NULL, *metric = metric_of(m, train, tarn_maker_word(train, "task", "binary"));
    size_t n = 0;

    if (!candidates || candidates->kind != TARN_YAML_MAP) {
        json_decref(task);
        json_decref(names);
        json_decref(params);
        return;
    }
    if (candidates->n == 0)
        tarn_problems_add(m->problems, candidates->line, candidates->column, "'train.candidates' names no candidate");
    if (tarn_maker_fine(m, tarn_arena_alloc(m->p->arena, &inputs, 2 * candidates->n + 1, sizeof *inputs, m->err))) {
        for (size_t i = 0; i < candidates->n; i++) {
            read_candidate(m, candidates->keys[i], candidates->items[i], task, metric);
            (void)tarn_maker_fine(m, tarn_json_append(names, json_string(candidates->keys[i]->text), m->err));
            inputs[n++] = tarn_maker_text(m, "train/%s.json", candidates->keys[i]->text);
            inputs[n++] = tarn_maker_text(m, "models/%s.tarn", candidates->keys[i]->text);
        }
    }
    tarn_maker_put(m, params, "candidates", names);
    tarn_maker_put(m, params, "metric", json_string(metric));
    tarn_maker_add_step(m, "train/choose", "choose", params, inputs, n, false, train->line);
    json_decref(task);
}

/* ---- assess, report ---- */

static void read_costs(tarn_maker *m, const tarn_yaml *assess)
{
    static const char *const outcomes[] = {"true_positive", "false_positive", "true_negative", "false_negative"};
    const tarn_yaml *costs = tarn_yaml_get(assess, "costs");
    double x = 0;

    if (!costs || !tarn_keys_check(&tarn_keys_costs, costs, costs->line, costs->column, m->problems)) return;
    m->costs = json_object();
    for (size_t i = 0; i < 4; i++) {
        const tarn_yaml *v = tarn_yaml_get(costs, outcomes[i]);
        if (!tarn_num_parse(v->text, strlen(v->text), false, &x))
            tarn_problems_add(m->problems, v->line, v->column, "'%s' should be a number", outcomes[i]);
        tarn_maker_put(m, m->costs, outcomes[i], json_real(x));
    }
    tarn_maker_put(m, m->costs, "unit", json_string(tarn_maker_word(costs, "unit", "")));
}

static void add_judging(tarn_maker *m, const tarn_yaml *root, const tarn_yaml *train)
{
    const char *table = tarn_maker_text(m, "%s.parquet", tarn_maker_word(train, "table", ""));
    const char *judged[] = {"model.tarn", table, "prepare/split.parts"};
    json_t *params = json_object(), *story = json_object();

    tarn_maker_put(m, params, "table", json_string(tarn_maker_word(train, "table", "")));
    tarn_maker_put(m, params, "part", json_string("test"));
    if (tarn_maker_word(train, "weight", "")[0])
        tarn_maker_put(m, params, "weight", json_string(tarn_maker_word(train, "weight", "")));
    if (tarn_maker_word(train, "group", "")[0])
        tarn_maker_put(m, params, "group", json_string(tarn_maker_word(train, "group", "")));
    const tarn_yaml *split = tarn_yaml_get(tarn_yaml_get(root, "prepare"), "split");
    if (strcmp(tarn_maker_word(split, "by", ""), "group") == 0)
        tarn_maker_put(m, params, "cluster", json_string(tarn_maker_word(split, "column", "")));
    if (m->costs) tarn_maker_put(m, params, "costs", json_deep_copy(m->costs));
    tarn_maker_add_step(m, "assess/test", "judge", params, judged, 3, false, train->line);

    const char **inputs = NULL;
    size_t n = 0;
    if (!tarn_maker_fine(m, tarn_arena_alloc(m->p->arena, &inputs, m->n_tables + 8, sizeof *inputs, m->err))) {
        json_decref(story);
        return;
    }
    inputs[n++] = "model.tarn";
    inputs[n++] = "train/leaderboard.json";
    inputs[n++] = "assess/test.json";
    inputs[n++] = "prepare/split.json";
    for (size_t i = 0; i < m->n_tables; i++) {
        const char *t = m->tables[i];
        if (strncmp(t, "clean/", 6) == 0) inputs[n++] = tarn_maker_text(m, "prepare/clean/%s.json", t + 6);
        else if (strncmp(t, "joined/", 7) == 0) inputs[n++] = tarn_maker_text(m, "prepare/join/%s.json", t + 7);
        else inputs[n++] = tarn_maker_text(m, "ingest/%s.json", t);
    }
    tarn_maker_put(m, story, "project", json_string(m->p->name));
    tarn_maker_put(m, story, "problem", json_string(m->p->problem));
    tarn_maker_put(m, story, "target", json_string(tarn_maker_word(train, "target", "")));
    tarn_maker_put(m, story, "positive", json_string(tarn_maker_word(train, "positive", "")));
    tarn_maker_put(m, story, "model", json_string(m->p->model));
    const tarn_yaml *assess = tarn_yaml_get(root, "assess");
    tarn_maker_put(m, story, "noun", json_string(tarn_maker_word(assess, "noun", "")));
    tarn_maker_put(m, story, "notes", tarn_maker_words(m, tarn_yaml_get(assess, "notes")));
    tarn_maker_add_step(m, "assess/report", "report", story, inputs, n, false, tarn_yaml_get(root, "train")->line);
}

void tarn_project_train(tarn_maker *m, const tarn_yaml *root)
{
    const tarn_yaml *train = tarn_yaml_get(root, "train"), *assess = tarn_yaml_get(root, "assess");

    if (assess && tarn_keys_check(&tarn_keys_assess, assess, assess->line, assess->column, m->problems))
        read_costs(m, assess);
    if (!train) return;
    (void)tarn_keys_check(&tarn_keys_train, train, train->line, train->column, m->problems);
    if (train->kind != TARN_YAML_MAP) return;
    if (tarn_maker_word(train, "table", "")[0])
        (void)tarn_maker_need_table(m, tarn_yaml_get(train, "table"), tarn_maker_word(train, "table", ""));
    m->p->target = tarn_maker_text(m, "%s", tarn_maker_word(train, "target", ""));
    m->p->positive = tarn_maker_text(m, "%s", tarn_maker_word(train, "positive", ""));
    const tarn_yaml *prepare = tarn_yaml_get(root, "prepare");
    tarn_project_split(m, tarn_yaml_get(prepare, "split"), train);
    tarn_project_candidates(m, train);
    add_judging(m, root, train);
}
