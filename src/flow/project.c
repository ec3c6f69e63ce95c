/* SPDX-License-Identifier: Apache-2.0 */
/* project.c - from the project file to a plan of steps. See project.h.
 *
 * One section of the file, one function; each checks its keys (keys.c), turns its values into the JSON that a step's
 * recipe will carry, and adds the steps. What a section makes (tables, candidates) is remembered by lake path, so
 * that later sections can be told when they name something that nobody makes.
 */
#include "flow/project.h"

#include "assess/assess.h"
#include "base/file.h"
#include "flow/keys.h"
#include "flow/repairs.h"
#include "flow/settings.h"
#include "ingest/ingest.h"
#include "prepare/prepare.h"
#include "prepare/step.h"
#include "train/train.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TABLES = 1000, PATH_CAP = 4096 };

typedef struct maker {
    tarn_project *p;
    tarn_problems *problems;
    tarn_err *err;
    tarn_code rc;        /* sticky: out of memory */
    const char **tables; /* lake paths without .parquet, in the order in which they are made */
    size_t n_tables;
    const tarn_yaml *rules; /* section `tables` */
    json_t *costs;          /* borrowed from the assess step; NULL: none */
} maker;

/* ---- small tools ---- */

static bool fine(maker *m, tarn_code rc)
{
    if (m->rc == TARN_OK) m->rc = rc;
    return m->rc == TARN_OK;
}

static const char *text_of(maker *m, const char *fmt, ...) TARN_PRINTF(2, 3);
static const char *text_of(maker *m, const char *fmt, ...)
{
    char line[PATH_CAP];
    char *copy = NULL;
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    if (!fine(m, tarn_arena_strndup(m->p->arena, line, len, &copy, m->err))) return "";
    return copy;
}

static void put(maker *m, json_t *object, const char *key, json_t *take_value)
{
    (void)fine(m, tarn_json_set(object, key, take_value, m->err));
}

/* The text under key of a map that was checked, or otherwise. */
static const char *word(const tarn_yaml *map, const char *key, const char *otherwise)
{
    const tarn_yaml *v = tarn_yaml_get(map, key);
    return v && v->kind == TARN_YAML_TEXT && (v->quoted || v->text[0]) ? v->text : otherwise;
}

/* "a, b" or [a, b] as a JSON array of texts. */
static json_t *words(maker *m, const tarn_yaml *v)
{
    json_t *list = json_array();

    if (v && v->kind == TARN_YAML_LIST) {
        for (size_t i = 0; i < v->n; i++)
            if (v->items[i]->kind == TARN_YAML_TEXT)
                (void)fine(m, tarn_json_append(list, json_string(v->items[i]->text), m->err));
    } else if (v && v->kind == TARN_YAML_TEXT) {
        const char *at = v->text;
        while (*at) {
            at += strspn(at, ", ");
            size_t len = strcspn(at, ",");
            while (len > 0 && at[len - 1] == ' ') len--;
            if (len > 0) (void)fine(m, tarn_json_append(list, json_stringn(at, len), m->err));
            at += strcspn(at, ",");
        }
    }
    return list;
}

/* The same as one text "a,b". */
static const char *joined(maker *m, const tarn_yaml *v)
{
    json_t *list = words(m, v), *item;
    tarn_text t = {0};
    size_t i;

    json_array_foreach(list, i, item) tarn_text_addf(&t, "%s%s", i ? "," : "", json_string_value(item));
    const char *copy = text_of(m, "%s", t.data ? t.data : "");
    tarn_text_clear(&t);
    json_decref(list);
    return copy;
}

/* A name becomes a part of a path and of SQL: letters, digits, '_' and '-', not starting with '-'. */
static bool good_name(maker *m, const tarn_yaml *key)
{
    const char *s = key->text;
    bool good = *s && *s != '-' && strlen(s) <= 60;

    for (; good && *s; s++) good = isalnum((unsigned char)*s) || *s == '_' || *s == '-';
    if (!good)
        tarn_problems_add(m->problems, key->line, key->column,
                          "'%.40s' cannot be a name: use letters, digits, '_' and '-', at most 60", key->text);
    return good;
}

static bool knows_table(const maker *m, const char *path)
{
    for (size_t i = 0; i < m->n_tables; i++)
        if (strcmp(m->tables[i], path) == 0) return true;
    return false;
}

static void add_table(maker *m, const char *path)
{
    if (m->n_tables < MOST_TABLES) m->tables[m->n_tables++] = path;
}

static bool need_table(maker *m, const tarn_yaml *at, const char *path)
{
    if (knows_table(m, path)) return true;
    const char *near = tarn_nearest_word(path, m->tables, m->n_tables);
    tarn_problems_add(m->problems, at->line, at->column, "no table '%s' is made by then%s%s%s", path,
                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

/* Add a step; takes params. inputs get ".parquet" put behind when `tables`. */
static void add_step(maker *m, const char *name, const char *kind, json_t *take_params, const char *const *inputs,
                     size_t n_inputs, bool are_tables, int line)
{
    tarn_project *p = m->p;

    if (p->n_steps == p->cap_steps) {
        size_t cap = p->cap_steps ? 2 * p->cap_steps : 32;
        if (!fine(m, tarn_resize(&p->steps, cap, sizeof *p->steps, m->err))) {
            json_decref(take_params);
            return;
        }
        p->cap_steps = cap;
    }
    const char **copy = NULL;
    (void)fine(m, tarn_arena_alloc(p->arena, &copy, n_inputs + 1, sizeof *copy, m->err));
    for (size_t i = 0; copy && i < n_inputs; i++) copy[i] = text_of(m, "%s%s", inputs[i], are_tables ? ".parquet" : "");
    p->steps[p->n_steps++] = (tarn_planned){.name = name,
                                            .kind = kind,
                                            .params = take_params,
                                            .inputs = copy,
                                            .n_inputs = copy ? n_inputs : 0,
                                            .line = line};
}

/* The declared key of a table, as "a,b"; "" if none. */
static const char *key_of(maker *m, const char *table)
{
    const tarn_yaml *rules = tarn_yaml_get(m->rules, table);
    const tarn_yaml *key = rules && rules->kind == TARN_YAML_MAP ? tarn_yaml_get(rules, "key") : NULL;
    return key ? joined(m, key) : "";
}

/* ---- ingest ---- */

static json_t *types_of(maker *m, const tarn_yaml *types)
{
    json_t *out = json_object();

    for (size_t i = 0; types && types->kind == TARN_YAML_MAP && i < types->n; i++) {
        tarn_type type;
        const tarn_yaml *v = types->items[i];
        if (v->kind != TARN_YAML_TEXT || !tarn_type_parse(v->text, &type)) {
            tarn_problems_add(m->problems, v->line, v->column, "type of '%s' should be bool, int, real, text or time",
                              types->keys[i]->text);
            continue;
        }
        put(m, out, types->keys[i]->text, json_string(v->text));
    }
    return out;
}

static void read_source(maker *m, const tarn_yaml *name, const tarn_yaml *map)
{
    static const char *const own[] = {"source", "types"};
    const tarn_source *source = NULL;
    tarn_err why = {0};
    json_t *settings = NULL;

    if (!good_name(m, name)) return;
    add_table(m, name->text); /* even if its source is wrong: one mistake, one message */
    if (!tarn_keys_check(&tarn_keys_source, map, name->line, name->column, m->problems)) return;
    const tarn_yaml *kind = tarn_yaml_get(map, "source");
    if (tarn_source_find(kind->text, &source, &why) != TARN_OK) {
        tarn_problems_add(m->problems, kind->line, kind->column, "%s", why.msg);
        return;
    }
    if (!fine(m, tarn_settings_from_yaml(source->params, source->params_size, map, own, 2, &settings, m->problems,
                                         m->err)))
        return;
    json_t *params = json_object();
    put(m, params, "table", json_string(name->text));
    put(m, params, "source", json_string(source->name));
    put(m, params, "types", types_of(m, tarn_yaml_get(map, "types")));
    put(m, params, "key", json_string(key_of(m, name->text)));
    put(m, params, "settings", settings);
    add_step(m, text_of(m, "ingest/%s", name->text), "ingest", params, NULL, 0, false, name->line);
}

static void read_ingest(maker *m, const tarn_yaml *ingest)
{
    if (ingest->n == 0) tarn_problems_add(m->problems, ingest->line, ingest->column, "'ingest' names no table");
    for (size_t i = 0; i < ingest->n; i++) read_source(m, ingest->keys[i], ingest->items[i]);
}

/* ---- tables: rules ---- */

static json_t *read_column_rule(maker *m, const tarn_yaml *name, const tarn_yaml *map)
{
    json_t *rule = json_object();
    tarn_type type;

    put(m, rule, "name", json_string(name->text));
    (void)tarn_keys_check(&tarn_keys_column, map, name->line, name->column, m->problems);
    const char *type_name = word(map, "type", "");
    if (type_name[0] && !tarn_type_parse(type_name, &type)) {
        const tarn_yaml *v = tarn_yaml_get(map, "type");
        tarn_problems_add(m->problems, v->line, v->column, "type should be bool, int, real, text or time, not '%.40s'",
                          type_name);
    }
    if (type_name[0]) put(m, rule, "type", json_string(type_name));
    if (strcmp(word(map, "not_null", "false"), "true") == 0) put(m, rule, "not_null", json_true());
    if (strcmp(word(map, "unique", "false"), "true") == 0) put(m, rule, "unique", json_true());
    const tarn_yaml *range = tarn_yaml_get(map, "range"), *values = tarn_yaml_get(map, "values");
    double least = 0, most = 0;
    if (range && range->kind == TARN_YAML_LIST && range->n == 2 && range->items[0]->kind == TARN_YAML_TEXT &&
        range->items[1]->kind == TARN_YAML_TEXT &&
        tarn_num_parse(range->items[0]->text, strlen(range->items[0]->text), true, &least) &&
        tarn_num_parse(range->items[1]->text, strlen(range->items[1]->text), true, &most)) {
        if (!(least <= most))
            tarn_problems_add(m->problems, range->line, range->column, "range: %s is not below %s",
                              range->items[0]->text, range->items[1]->text);
        put(m, rule, "least", json_real(least));
        put(m, rule, "most", json_real(most));
    }
    if (values) put(m, rule, "values", words(m, values));
    return rule;
}

static json_t *read_reference(maker *m, const tarn_yaml *map)
{
    json_t *out = json_object();

    if (!tarn_keys_check(&tarn_keys_reference, map, map->line, map->column, m->problems)) return out;
    const tarn_yaml *columns = tarn_yaml_get(map, "columns"), *to = tarn_yaml_get(map, "to"),
                    *table = tarn_yaml_get(map, "table");
    (void)need_table(m, table, table->text);
    put(m, out, "columns", json_string(joined(m, columns)));
    put(m, out, "table", json_string(table->text));
    put(m, out, "to", json_string(joined(m, to ? to : columns)));
    return out;
}

/* The rules of one table as the check step wants them. */
static json_t *read_rules(maker *m, const tarn_yaml *name, const tarn_yaml *map)
{
    json_t *rules = json_object(), *columns = json_array(), *references = json_array();

    put(m, rules, "name", json_string(name->text));
    put(m, rules, "columns", columns);
    put(m, rules, "references", references);
    (void)tarn_keys_check(&tarn_keys_table, map, name->line, name->column, m->problems);
    if (tarn_yaml_get(map, "key")) put(m, rules, "key", json_string(joined(m, tarn_yaml_get(map, "key"))));
    if (strcmp(word(map, "closed", "false"), "true") == 0) put(m, rules, "closed", json_true());
    const tarn_yaml *of_columns = tarn_yaml_get(map, "columns"), *refs = tarn_yaml_get(map, "references");
    for (size_t i = 0; of_columns && of_columns->kind == TARN_YAML_MAP && i < of_columns->n; i++)
        (void)fine(m,
                   tarn_json_append(columns, read_column_rule(m, of_columns->keys[i], of_columns->items[i]), m->err));
    for (size_t i = 0; refs && refs->kind == TARN_YAML_LIST && i < refs->n; i++)
        (void)fine(m, tarn_json_append(references, read_reference(m, refs->items[i]), m->err));
    return rules;
}

/* A check step over the tables first .. n_tables-1 that have rules; none if no rules were declared. */
static void add_check(maker *m, const char *name, size_t first)
{
    json_t *all = json_array(), *params = json_object();
    size_t checked = 0;

    for (size_t i = first; i < m->n_tables; i++) {
        for (size_t k = 0; m->rules && k < m->rules->n; k++) {
            if (strcmp(m->rules->keys[k]->text, m->tables[i]) != 0) continue;
            (void)fine(m, tarn_json_append(all, read_rules(m, m->rules->keys[k], m->rules->items[k]), m->err));
            checked++;
        }
    }
    put(m, params, "name", json_string(name));
    put(m, params, "rules", all);
    if (checked == 0) {
        json_decref(params);
        return;
    }
    add_step(m, name, "check", params, m->tables, m->n_tables, true, m->rules->line);
}

static void find_unknown_rules(maker *m)
{
    for (size_t k = 0; m->rules && k < m->rules->n; k++)
        if (!need_table(m, m->rules->keys[k], m->rules->keys[k]->text))
            json_decref(read_rules(m, m->rules->keys[k], m->rules->items[k]));
}

/* ---- prepare ---- */

static json_t *read_repair(maker *m, const tarn_yaml *map)
{
    static const char *const copied[] = {"kind", "action", "value", "least", "most"};
    json_t *repair = json_object();
    double x;

    if (!tarn_keys_check(&tarn_keys_repair, map, map->line, map->column, m->problems)) return repair;
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        const tarn_yaml *v = tarn_yaml_get(map, copied[i]);
        if (!v) continue;
        if (i >= 3 && !tarn_num_parse(v->text, strlen(v->text), false, &x))
            tarn_problems_add(m->problems, v->line, v->column, "'%s' should be a number", copied[i]);
        put(m, repair, copied[i], json_string(v->text));
    }
    if (tarn_yaml_get(map, "columns")) put(m, repair, "columns", json_string(joined(m, tarn_yaml_get(map, "columns"))));
    if (tarn_yaml_get(map, "order")) put(m, repair, "order", json_string(joined(m, tarn_yaml_get(map, "order"))));
    const tarn_yaml *spellings = tarn_yaml_get(map, "map");
    if (spellings) {
        json_t *pairs = json_object();
        for (size_t i = 0; i < spellings->n; i++)
            put(m, pairs, spellings->keys[i]->text, json_string(spellings->items[i]->text));
        put(m, repair, "map", pairs);
    }
    return repair;
}

/* Hold one rule against the table of repair kinds. */
static void check_repair(maker *m, const tarn_yaml *at, json_t *repair)
{
    tarn_repairs one = {0};
    tarn_err why = {0};
    json_t *list = json_array();

    (void)json_array_append(list, repair);
    if (tarn_yaml_get(at, "kind") && fine(m, tarn_repairs_open(list, &one, m->err)) && one.n == 1 &&
        tarn_repair_check(&one.list[0], &why) != TARN_OK)
        tarn_problems_add(m->problems, at->line, at->column, "%s", why.msg);
    tarn_repairs_close(&one);
    json_decref(list);
}

static void read_cleanse(maker *m, const tarn_yaml *cleanse)
{
    for (size_t i = 0; cleanse && i < cleanse->n; i++) {
        const tarn_yaml *table = cleanse->keys[i], *list = cleanse->items[i];
        if (!need_table(m, table, table->text)) continue;
        if (list->kind != TARN_YAML_LIST) {
            tarn_problems_add(m->problems, table->line, table->column, "prepare.cleanse.%s should be a list of repairs",
                              table->text);
            continue;
        }
        json_t *params = json_object(), *repairs = json_array();
        const char *path = text_of(m, "clean/%s", table->text), *key = key_of(m, path);
        put(m, params, "table", json_string(table->text));
        put(m, params, "key", json_string(key[0] ? key : key_of(m, table->text)));
        put(m, params, "repairs", repairs);
        for (size_t k = 0; k < list->n; k++) {
            json_t *repair = read_repair(m, list->items[k]);
            check_repair(m, list->items[k], repair);
            (void)fine(m, tarn_json_append(repairs, repair, m->err));
        }
        add_step(m, text_of(m, "prepare/clean/%s", table->text), "cleanse", params, &table->text, 1, true, table->line);
        add_table(m, path);
    }
}

/* Tables that an SQL text names: every known one whose name stands in it as a whole word. More than needed does no
 * harm; the step sees no other. */
static size_t tables_in(const maker *m, const char *sql, const char **out)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_tables; i++) {
        size_t len = strlen(m->tables[i]);
        for (const char *at = strstr(sql, m->tables[i]); at; at = strstr(at + 1, m->tables[i])) {
            bool starts = at == sql || !(isalnum((unsigned char)at[-1]) || strchr("_/-", at[-1]));
            bool ends = !at[len] || !(isalnum((unsigned char)at[len]) || strchr("_/-", at[len]));
            if (!starts || !ends) continue;
            out[n++] = m->tables[i];
            break;
        }
    }
    return n;
}

static json_t *read_matches(maker *m, const tarn_yaml *list, const char **inputs, size_t *n_inputs)
{
    json_t *out = json_array();

    for (size_t i = 0; list && i < list->n; i++) {
        const tarn_yaml *map = list->items[i];
        if (!tarn_keys_check(&tarn_keys_match, map, map->line, map->column, m->problems)) continue;
        json_t *match = json_object();
        for (int side = 0; side < 2; side++) {
            const tarn_yaml *table = tarn_yaml_get(map, side ? "right" : "left");
            bool seen = false;
            if (!need_table(m, table, table->text)) continue;
            put(m, match, side ? "right" : "left", json_string(table->text));
            for (size_t k = 0; k < *n_inputs; k++) seen = seen || strcmp(inputs[k], table->text) == 0;
            if (!seen && *n_inputs < MOST_TABLES) inputs[(*n_inputs)++] = table->text;
        }
        put(m, match, "on", words(m, tarn_yaml_get(map, "on")));
        (void)fine(m, tarn_json_append(out, match, m->err));
    }
    return out;
}

static void read_join(maker *m, const tarn_yaml *join)
{
    const char **inputs = NULL;

    if (!fine(m, tarn_arena_alloc(m->p->arena, &inputs, MOST_TABLES, sizeof *inputs, m->err))) return;
    for (size_t i = 0; join && i < join->n; i++) {
        const tarn_yaml *name = join->keys[i], *map = join->items[i];
        if (!good_name(m, name) || !tarn_keys_check(&tarn_keys_join, map, name->line, name->column, m->problems))
            continue;
        const tarn_yaml *sql = tarn_yaml_get(map, "sql"), *key = tarn_yaml_get(map, "key");
        size_t n = tables_in(m, sql->text, inputs);
        if (n == 0)
            tarn_problems_add(m->problems, sql->line, sql->column, "this SQL names no table that the project makes");
        json_t *params = json_object();
        put(m, params, "name", json_string(name->text));
        put(m, params, "sql", json_string(sql->text));
        put(m, params, "key", json_string(key ? joined(m, key) : ""));
        put(m, params, "matches", read_matches(m, tarn_yaml_get(map, "matches"), inputs, &n));
        add_step(m, text_of(m, "prepare/join/%s", name->text), "join", params, inputs, n, true, name->line);
        add_table(m, text_of(m, "joined/%s", name->text));
    }
}

/* ---- split and train ---- */

static void read_split(maker *m, const tarn_yaml *split, const tarn_yaml *train)
{
    static const char *const own[] = {"key"};
    json_t *settings = NULL;

    if (!split) {
        tarn_problems_add(m->problems, train->line, train->column,
                          "'train' needs 'prepare.split': which rows are for learning, which for judging");
        return;
    }
    if (!tarn_keys_check(&tarn_keys_split, split, split->line, split->column, m->problems)) return;
    if (!fine(m, tarn_settings_from_yaml(tarn_split_table, sizeof(tarn_split_params), split, own, 1, &settings,
                                         m->problems, m->err)))
        return;
    json_t *params = json_object();
    const char *table = word(train, "table", "");
    put(m, params, "table", json_string(table));
    put(m, params, "target", json_string(word(train, "target", "")));
    const tarn_yaml *key = tarn_yaml_get(split, "key");
    put(m, params, "key", json_string(key ? joined(m, key) : ""));
    put(m, params, "settings", settings);
    add_step(m, "prepare/split", "split", params, &table, 1, true, split->line);
}

static json_t *read_steps(maker *m, const tarn_yaml *list)
{
    static const char *const own[] = {"step"};
    json_t *out = json_array();

    for (size_t i = 0; list && list->kind == TARN_YAML_LIST && i < list->n; i++) {
        const tarn_yaml *map = list->items[i];
        const tarn_step *step = NULL;
        tarn_err why = {0};
        json_t *settings = NULL;
        if (!tarn_keys_check(&tarn_keys_step, map, map->line, map->column, m->problems)) continue;
        const tarn_yaml *name = tarn_yaml_get(map, "step");
        if (tarn_step_find(name->text, &step, &why) != TARN_OK) {
            tarn_problems_add(m->problems, name->line, name->column, "%s", why.msg);
            continue;
        }
        if (!fine(m, tarn_settings_from_yaml(step->params, step->params_size, map, own, 1, &settings, m->problems,
                                             m->err)))
            break;
        json_t *use = json_object();
        put(m, use, "step", json_string(step->name));
        put(m, use, "settings", settings);
        (void)fine(m, tarn_json_append(out, use, m->err));
    }
    return out;
}

/* What all candidates share. */
static json_t *read_task(maker *m, const tarn_yaml *train)
{
    json_t *task = json_object();
    int64_t seed = 1;
    const char *kind = word(train, "task", "binary"), *threshold = word(train, "threshold", "0.5");
    const char *seed_text = word(train, "seed", "1");
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
        if (m->costs) put(m, task, "costs", json_deep_copy(m->costs));
        else tarn_problems_add(m->problems, train->line, train->column, "threshold 'profit' needs 'assess.costs'");
    }
    (void)tarn_int_parse(seed_text, strlen(seed_text), &seed);
    put(m, task, "table", json_string(word(train, "table", "")));
    put(m, task, "target", json_string(word(train, "target", "")));
    put(m, task, "task", json_string(kind));
    put(m, task, "positive", json_string(word(train, "positive", "")));
    put(m, task, "threshold", json_string(threshold));
    put(m, task, "seed", json_integer(seed));
    put(m, task, "features", words(m, tarn_yaml_get(train, "features")));
    return task;
}

static void read_candidate(maker *m, const tarn_yaml *name, const tarn_yaml *map, const json_t *task)
{
    static const char *const own[] = {"algo", "prepare"};
    const tarn_algo *algo = NULL;
    tarn_err why = {0};
    json_t *settings = NULL;

    if (!good_name(m, name) || !tarn_keys_check(&tarn_keys_candidate, map, name->line, name->column, m->problems))
        return;
    const tarn_yaml *kind = tarn_yaml_get(map, "algo");
    if (tarn_algo_find(kind->text, &algo, &why) != TARN_OK) {
        tarn_problems_add(m->problems, kind->line, kind->column, "%s", why.msg);
        json_decref(read_steps(m, tarn_yaml_get(map, "prepare")));
        return;
    }
    if (!fine(m, tarn_settings_from_yaml(algo->params, algo->params_size, map, own, 2, &settings, m->problems, m->err)))
        return;
    json_t *params = json_deep_copy(task);
    put(m, params, "candidate", json_string(name->text));
    put(m, params, "algo", json_string(algo->name));
    put(m, params, "settings", settings);
    put(m, params, "prepare", read_steps(m, tarn_yaml_get(map, "prepare")));
    const char *inputs[] = {text_of(m, "%s.parquet", tarn_json_text(task, "table", "")), "prepare/split.parts"};
    add_step(m, text_of(m, "train/%s", name->text), "learn", params, inputs, 2, false, name->line);
}

static const char *metric_of(maker *m, const tarn_yaml *train, const char *task)
{
    const tarn_metric *metric = NULL;
    tarn_err why = {0};
    const char *preset = strcmp(task, "regression") == 0   ? "rmse"
                         : strcmp(task, "multiclass") == 0 ? "log_loss"
                                                           : "roc_auc";
    const char *name = word(train, "metric", preset);

    if (tarn_metric_find(name, &metric, &why) != TARN_OK) {
        const tarn_yaml *v = tarn_yaml_get(train, "metric");
        tarn_problems_add(m->problems, v ? v->line : train->line, v ? v->column : train->column, "%s", why.msg);
    }
    return name;
}

static void read_candidates(maker *m, const tarn_yaml *train)
{
    const tarn_yaml *candidates = tarn_yaml_get(train, "candidates");
    json_t *task = read_task(m, train), *names = json_array(), *params = json_object();
    const char **inputs = NULL;
    size_t n = 0;

    if (!candidates || candidates->kind != TARN_YAML_MAP) {
        json_decref(task);
        json_decref(names);
        json_decref(params);
        return;
    }
    if (candidates->n == 0)
        tarn_problems_add(m->problems, candidates->line, candidates->column, "'train.candidates' names no candidate");
    if (fine(m, tarn_arena_alloc(m->p->arena, &inputs, 2 * candidates->n + 1, sizeof *inputs, m->err))) {
        for (size_t i = 0; i < candidates->n; i++) {
            read_candidate(m, candidates->keys[i], candidates->items[i], task);
            (void)fine(m, tarn_json_append(names, json_string(candidates->keys[i]->text), m->err));
            inputs[n++] = text_of(m, "train/%s.json", candidates->keys[i]->text);
            inputs[n++] = text_of(m, "models/%s.tarn", candidates->keys[i]->text);
        }
    }
    put(m, params, "candidates", names);
    put(m, params, "metric", json_string(metric_of(m, train, word(train, "task", "binary"))));
    add_step(m, "train/choose", "choose", params, inputs, n, false, train->line);
    json_decref(task);
}

/* ---- assess, report ---- */

static void read_costs(maker *m, const tarn_yaml *assess)
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
        put(m, m->costs, outcomes[i], json_real(x));
    }
    put(m, m->costs, "unit", json_string(word(costs, "unit", "")));
}

static void add_judging(maker *m, const tarn_yaml *root, const tarn_yaml *train)
{
    const char *table = text_of(m, "%s.parquet", word(train, "table", ""));
    const char *judged[] = {"model.tarn", table, "prepare/split.parts"};
    json_t *params = json_object(), *story = json_object();

    put(m, params, "table", json_string(word(train, "table", "")));
    put(m, params, "part", json_string("test"));
    if (m->costs) put(m, params, "costs", json_deep_copy(m->costs));
    add_step(m, "assess/test", "judge", params, judged, 3, false, train->line);

    const char **inputs = NULL;
    size_t n = 0;
    if (!fine(m, tarn_arena_alloc(m->p->arena, &inputs, m->n_tables + 8, sizeof *inputs, m->err))) {
        json_decref(story);
        return;
    }
    inputs[n++] = "model.tarn";
    inputs[n++] = "train/leaderboard.json";
    inputs[n++] = "assess/test.json";
    inputs[n++] = "prepare/split.json";
    for (size_t i = 0; i < m->n_tables; i++) {
        const char *t = m->tables[i];
        if (strncmp(t, "clean/", 6) == 0) inputs[n++] = text_of(m, "prepare/clean/%s.json", t + 6);
        else if (strncmp(t, "joined/", 7) == 0) inputs[n++] = text_of(m, "prepare/join/%s.json", t + 7);
        else inputs[n++] = text_of(m, "ingest/%s.json", t);
    }
    put(m, story, "project", json_string(m->p->name));
    put(m, story, "problem", json_string(m->p->problem));
    put(m, story, "target", json_string(word(train, "target", "")));
    put(m, story, "positive", json_string(word(train, "positive", "")));
    put(m, story, "model", json_string(m->p->model));
    const tarn_yaml *assess = tarn_yaml_get(root, "assess");
    put(m, story, "noun", json_string(word(assess, "noun", "")));
    put(m, story, "notes", words(m, tarn_yaml_get(assess, "notes")));
    add_step(m, "assess/report", "report", story, inputs, n, false, tarn_yaml_get(root, "train")->line);
}

static void read_train(maker *m, const tarn_yaml *root)
{
    const tarn_yaml *train = tarn_yaml_get(root, "train"), *assess = tarn_yaml_get(root, "assess");

    if (assess && tarn_keys_check(&tarn_keys_assess, assess, assess->line, assess->column, m->problems))
        read_costs(m, assess);
    if (!train) return;
    (void)tarn_keys_check(&tarn_keys_train, train, train->line, train->column, m->problems);
    if (train->kind != TARN_YAML_MAP) return;
    if (word(train, "table", "")[0]) (void)need_table(m, tarn_yaml_get(train, "table"), word(train, "table", ""));
    m->p->target = text_of(m, "%s", word(train, "target", ""));
    m->p->positive = text_of(m, "%s", word(train, "positive", ""));
    const tarn_yaml *prepare = tarn_yaml_get(root, "prepare");
    read_split(m, tarn_yaml_get(prepare, "split"), train);
    read_candidates(m, train);
    add_judging(m, root, train);
}

/* ---- the whole ---- */

static void read_serve(maker *m, const tarn_yaml *serve)
{
    tarn_project *p = m->p;
    const char *port = word(serve, "port", "8471"), *anonymous = word(serve, "anonymous", "");

    if (serve) (void)tarn_keys_check(&tarn_keys_serve, serve, serve->line, serve->column, m->problems);
    if (!tarn_int_parse(port, strlen(port), &p->port) || p->port < 1 || p->port > 65535) {
        const tarn_yaml *v = tarn_yaml_get(serve, "port");
        tarn_problems_add(m->problems, v->line, v->column, "port should be 1 to 65535, not '%.40s'", port);
    }
    if (*anonymous && strcmp(anonymous, "none") != 0 && strcmp(anonymous, "predict") != 0 &&
        strcmp(anonymous, "read") != 0) {
        const tarn_yaml *v = tarn_yaml_get(serve, "anonymous");
        tarn_problems_add(m->problems, v->line, v->column, "anonymous should be none, predict or read, not '%.40s'",
                          anonymous);
    }
    p->bind = text_of(m, "%s", word(serve, "bind", "127.0.0.1"));
    p->anonymous = text_of(m, "%s", anonymous);
    p->tls_cert = text_of(m, "%s", word(serve, "tls_cert", ""));
    p->tls_key = text_of(m, "%s", word(serve, "tls_key", ""));
    p->open_metrics = strcmp(word(serve, "open_metrics", "false"), "true") == 0;
    p->audit_reads = strcmp(word(serve, "audit_reads", "false"), "true") == 0;
}

static void read_names(maker *m, const tarn_yaml *root)
{
    tarn_project *p = m->p;
    const tarn_yaml *lake = tarn_yaml_get(root, "lake"), *registry = tarn_yaml_get(root, "registry"),
                    *serve = tarn_yaml_get(root, "serve");

    p->name = text_of(m, "%s", word(root, "project", ""));
    p->problem = text_of(m, "%s", word(root, "problem", ""));
    if (lake) (void)tarn_keys_check(&tarn_keys_lake, lake, lake->line, lake->column, m->problems);
    p->branch = text_of(m, "%s", word(lake, "branch", "main"));
    if (registry && tarn_keys_check(&tarn_keys_registry, registry, registry->line, registry->column, m->problems)) {
        (void)good_name(m, tarn_yaml_get(registry, "name"));
        if (tarn_yaml_get(registry, "alias")) (void)good_name(m, tarn_yaml_get(registry, "alias"));
    }
    p->model = text_of(m, "%s", word(registry, "name", ""));
    p->alias = text_of(m, "%s", word(registry, "alias", "champion"));
    read_serve(m, serve);
}

static void read_file(maker *m, const tarn_yaml *root)
{
    if (!tarn_keys_check(&tarn_keys_file, root, 1, 1, m->problems)) {
        const tarn_yaml *ingest = tarn_yaml_get(root, "ingest");
        if (!ingest || ingest->kind != TARN_YAML_MAP) return; /* nothing below would make sense */
    }
    const tarn_yaml *rules = tarn_yaml_get(root, "tables"), *prepare = tarn_yaml_get(root, "prepare");
    m->rules = rules && rules->kind == TARN_YAML_MAP ? rules : NULL;
    read_names(m, root);
    read_ingest(m, tarn_yaml_get(root, "ingest"));
    add_check(m, "lake/check", 0);
    size_t raw = m->n_tables;
    for (size_t i = 0; i < raw; i++) {
        json_t *params = json_object();
        put(m, params, "table", json_string(m->tables[i]));
        add_step(m, text_of(m, "prepare/profile/%s", m->tables[i]), "profile", params, &m->tables[i], 1, true, 0);
    }
    if (prepare && tarn_keys_check(&tarn_keys_prepare, prepare, prepare->line, prepare->column, m->problems)) {
        read_cleanse(m, tarn_yaml_get(prepare, "cleanse"));
        read_join(m, tarn_yaml_get(prepare, "join"));
        add_check(m, "prepare/check", raw);
    }
    find_unknown_rules(m);
    read_train(m, root);
}

static json_t *as_json(const tarn_yaml *y)
{
    json_t *out;

    if (!y) return json_null();
    if (y->kind == TARN_YAML_TEXT) return json_string(y->text);
    if (y->kind == TARN_YAML_LIST) {
        out = json_array();
        for (size_t i = 0; i < y->n; i++) (void)json_array_append_new(out, as_json(y->items[i]));
        return out;
    }
    out = json_object();
    for (size_t i = 0; i < y->n; i++) (void)json_object_set_new(out, y->keys[i]->text, as_json(y->items[i]));
    return out;
}

static tarn_code first_problem(const char *file, const tarn_problems *problems, tarn_err *err)
{
    const tarn_problem *first = &problems->items[0];

    if (problems->n == 1)
        return TARN_FAIL(err, TARN_INVALID, "%s:%d:%d: %s", file, first->line, first->column, first->text);
    return TARN_FAIL(err, TARN_INVALID, "%s:%d:%d: %s (and %zu more)", file, first->line, first->column, first->text,
                     problems->n - 1);
}

static tarn_code fill_project(tarn_project *p, const char *text, size_t len, const char *file, const char *folder,
                              tarn_problems *problems, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_yaml *root = NULL;
    maker m = {.p = p, .problems = problems, .err = err};

    p->file = text_of(&m, "%s", file);
    p->folder = text_of(&m, "%s", folder);
    TARN_TRY(m.rc);
    TARN_TRY(tarn_arena_alloc(p->arena, &m.tables, MOST_TABLES, sizeof *m.tables, err));
    TARN_TRY(tarn_yaml_read(text, len, p->arena, &root, problems, err));
    if (problems->n == 0) {
        read_file(&m, root);
        p->settings = as_json(root);
    }
    json_decref(m.costs);
    TARN_TRY(m.rc);
    tarn_problems_sort(problems);
    if (problems->n > 0) rc = first_problem(file, problems, err);
done:
    return rc;
}

tarn_code tarn_project_parse(const char *text, size_t len, const char *file, const char *folder, tarn_project **out,
                             tarn_problems *problems, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *p = NULL;
    tarn_problems own = {0};

    *out = NULL;
    TARN_TRY(tarn_alloc(&p, 1, sizeof *p, err));
    TARN_TRY(tarn_arena_new(&p->arena, err));
    TARN_TRY(fill_project(p, text, len, file, folder, problems ? problems : &own, err));
    *out = p;
    p = NULL;
done:
    tarn_problems_clear(&own);
    tarn_project_free(p);
    return rc;
}

tarn_code tarn_project_read(const char *folder, tarn_project **out, tarn_problems *problems, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[PATH_CAP];
    char *text = NULL;
    size_t len = 0;

    *out = NULL;
    TARN_TRY(tarn_path_join(path, sizeof path, folder, "tarn.yaml", err));
    if (!tarn_path_exists(path)) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no project file '%s'; `tarn init` makes one", path);
        goto done;
    }
    TARN_TRY(tarn_file_read(path, 4 << 20, &text, &len, err));
    TARN_TRY(tarn_project_parse(text, len, "tarn.yaml", folder, out, problems, err));
done:
    tarn_free(text);
    return rc;
}

void tarn_project_free(tarn_project *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->n_steps; i++) json_decref(p->steps[i].params);
    tarn_free(p->steps);
    json_decref(p->settings);
    tarn_arena_free(p->arena);
    tarn_free(p);
}

void tarn_project_reference(tarn_text *out)
{
    static const char *const shapes[] = {"value",         "names", "whole number", "true or false",
                                         "[least, most]", "list",  "group"};

    tarn_text_add(
        out,
        "# The project file\n\n`tarn.yaml` says what is wanted. This page is made from the tables that check it.\n");
    for (const tarn_keys *const *k = tarn_all_keys; *k; k++) {
        tarn_text_addf(out, "\n## %s\n\n%c%s%s.\n\n| key | is | needed | meaning |\n|---|---|---|---|\n", (*k)->place,
                       toupper((unsigned char)(*k)->help[0]), (*k)->help + 1, "");
        for (const tarn_key *key = (*k)->keys; key->name; key++)
            tarn_text_addf(out, "| `%s` | %s | %s | %s |\n", key->name, shapes[key->shape], key->required ? "yes" : "",
                           key->help);
    }
}
