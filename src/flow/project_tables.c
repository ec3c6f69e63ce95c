/* SPDX-License-Identifier: Apache-2.0 */
/* project_tables.c - sections `ingest` and `tables` of the project file: sources, and the rules that tables keep. */
#include "flow/project_inside.h"

#include "flow/keys.h"
#include "flow/settings.h"
#include "ingest/ingest.h"

#include <string.h>

/* ---- ingest ---- */

static json_t *types_of(tarn_maker *m, const tarn_yaml *types)
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
        tarn_maker_put(m, out, types->keys[i]->text, json_string(v->text));
    }
    return out;
}

static void read_source(tarn_maker *m, const tarn_yaml *name, const tarn_yaml *map)
{
    static const char *const own[] = {"source", "types"};
    const tarn_source *source = NULL;
    tarn_err why = {0};

    if (!tarn_maker_good_name(m, name)) return;
    tarn_maker_add_table(m, name->text); /* even if its source is wrong: one mistake, one message */
    if (!tarn_keys_check(&tarn_keys_source, map, name->line, name->column, m->problems)) return;
    const tarn_yaml *kind = tarn_yaml_get(map, "source");
    if (tarn_source_find(kind->text, &source, &why) != TARN_OK) {
        tarn_problems_add(m->problems, kind->line, kind->column, "%s", why.msg);
        return;
    }
    json_t *settings = tarn_maker_settings(m, source->params, source->params_size, map, own, 2);
    if (!settings) return;
    json_t *params = json_object();
    tarn_maker_put(m, params, "table", json_string(name->text));
    tarn_maker_put(m, params, "source", json_string(source->name));
    tarn_maker_put(m, params, "types", types_of(m, tarn_yaml_get(map, "types")));
    tarn_maker_put(m, params, "key", json_string(tarn_maker_key_of(m, name->text)));
    tarn_maker_put(m, params, "settings", settings);
    tarn_maker_add_step(m, tarn_maker_text(m, "ingest/%s", name->text), "ingest", params, NULL, 0, false, name->line);
}

void tarn_project_ingest(tarn_maker *m, const tarn_yaml *ingest)
{
    if (ingest->n == 0) tarn_problems_add(m->problems, ingest->line, ingest->column, "'ingest' names no table");
    for (size_t i = 0; i < ingest->n; i++) read_source(m, ingest->keys[i], ingest->items[i]);
}

/* ---- tables: rules ---- */

static json_t *read_column_rule(tarn_maker *m, const tarn_yaml *name, const tarn_yaml *map)
{
    json_t *rule = json_object();
    tarn_type type;

    tarn_maker_put(m, rule, "name", json_string(name->text));
    (void)tarn_keys_check(&tarn_keys_column, map, name->line, name->column, m->problems);
    const char *type_name = tarn_maker_word(map, "type", "");
    if (type_name[0] && !tarn_type_parse(type_name, &type)) {
        const tarn_yaml *v = tarn_yaml_get(map, "type");
        tarn_problems_add(m->problems, v->line, v->column, "type should be bool, int, real, text or time, not '%.40s'",
                          type_name);
    }
    if (type_name[0]) tarn_maker_put(m, rule, "type", json_string(type_name));
    if (strcmp(tarn_maker_word(map, "not_null", "false"), "true") == 0)
        tarn_maker_put(m, rule, "not_null", json_true());
    if (strcmp(tarn_maker_word(map, "unique", "false"), "true") == 0) tarn_maker_put(m, rule, "unique", json_true());
    const tarn_yaml *range = tarn_yaml_get(map, "range"), *values = tarn_yaml_get(map, "values");
    double least = 0, most = 0;
    if (range && range->kind == TARN_YAML_LIST && range->n == 2 && range->items[0]->kind == TARN_YAML_TEXT &&
        range->items[1]->kind == TARN_YAML_TEXT &&
        tarn_num_parse(range->items[0]->text, strlen(range->items[0]->text), true, &least) &&
        tarn_num_parse(range->items[1]->text, strlen(range->items[1]->text), true, &most)) {
        if (!(least <= most))
            tarn_problems_add(m->problems, range->line, range->column, "range: %s is not below %s",
                              range->items[0]->text, range->items[1]->text);
        tarn_maker_put(m, rule, "least", json_real(least));
        tarn_maker_put(m, rule, "most", json_real(most));
    }
    if (values) tarn_maker_put(m, rule, "values", tarn_maker_words(m, values));
    return rule;
}

static json_t *read_reference(tarn_maker *m, const tarn_yaml *map)
{
    json_t *out = json_object();

    if (!tarn_keys_check(&tarn_keys_reference, map, map->line, map->column, m->problems)) return out;
    const tarn_yaml *columns = tarn_yaml_get(map, "columns"), *to = tarn_yaml_get(map, "to"),
                    *table = tarn_yaml_get(map, "table");
    (void)tarn_maker_need_table(m, table, table->text);
    tarn_maker_put(m, out, "columns", json_string(tarn_maker_joined(m, columns)));
    tarn_maker_put(m, out, "table", json_string(table->text));
    tarn_maker_put(m, out, "to", json_string(tarn_maker_joined(m, to ? to : columns)));
    return out;
}

/* The rules of one table as the check step wants them. */
static json_t *read_rules(tarn_maker *m, const tarn_yaml *name, const tarn_yaml *map)
{
    json_t *rules = json_object(), *columns = json_array(), *references = json_array();

    tarn_maker_put(m, rules, "name", json_string(name->text));
    tarn_maker_put(m, rules, "columns", columns);
    tarn_maker_put(m, rules, "references", references);
    (void)tarn_keys_check(&tarn_keys_table, map, name->line, name->column, m->problems);
    if (tarn_yaml_get(map, "key"))
        tarn_maker_put(m, rules, "key", json_string(tarn_maker_joined(m, tarn_yaml_get(map, "key"))));
    if (strcmp(tarn_maker_word(map, "closed", "false"), "true") == 0) tarn_maker_put(m, rules, "closed", json_true());
    const tarn_yaml *of_columns = tarn_yaml_get(map, "columns"), *refs = tarn_yaml_get(map, "references");
    for (size_t i = 0; of_columns && of_columns->kind == TARN_YAML_MAP && i < of_columns->n; i++)
        (void)tarn_maker_fine(
            m, tarn_json_append(columns, read_column_rule(m, of_columns->keys[i], of_columns->items[i]), m->err));
    for (size_t i = 0; refs && refs->kind == TARN_YAML_LIST && i < refs->n; i++)
        (void)tarn_maker_fine(m, tarn_json_append(references, read_reference(m, refs->items[i]), m->err));
    return rules;
}

/* A check step over the tables first .. n_tables-1 that have rules; none if no rules were declared. */
void tarn_project_check(tarn_maker *m, const char *name, size_t first)
{
    json_t *all = json_array(), *params = json_object();
    size_t checked = 0;

    for (size_t i = first; i < m->n_tables; i++) {
        for (size_t k = 0; m->rules && k < m->rules->n; k++) {
            if (strcmp(m->rules->keys[k]->text, m->tables[i]) != 0) continue;
            (void)tarn_maker_fine(m,
                                  tarn_json_append(all, read_rules(m, m->rules->keys[k], m->rules->items[k]), m->err));
            checked++;
        }
    }
    tarn_maker_put(m, params, "name", json_string(name));
    tarn_maker_put(m, params, "rules", all);
    if (checked == 0) {
        json_decref(params);
        return;
    }
    tarn_maker_add_step(m, name, "check", params, m->tables, m->n_tables, true, m->rules->line);
}

void tarn_project_unknown_rules(tarn_maker *m)
{
    for (size_t k = 0; m->rules && k < m->rules->n; k++)
        if (!tarn_maker_need_table(m, m->rules->keys[k], m->rules->keys[k]->text))
            json_decref(read_rules(m, m->rules->keys[k], m->rules->items[k]));
}
