/* SPDX-License-Identifier: Apache-2.0 */
/* declared.c - see declared.h. All of it stands in the plan: rules in its check steps, keys there and in the steps that
 * make tables. */
#include "flow/declared.h"

#include <stdio.h>
#include <string.h>

const json_t *tarn_declared_rules_at(const tarn_project *p, size_t i)
{
    for (size_t s = 0; s < p->n_steps; s++) {
        const json_t *rules = json_object_get(p->steps[s].params, "rules");
        if (strcmp(p->steps[s].kind, "check") != 0) continue;
        if (i < json_array_size(rules)) return json_array_get(rules, i);
        i -= json_array_size(rules);
    }
    return NULL;
}

static bool is_table(const char *path, const char *folder, const char *name)
{
    size_t len = strlen(path), before = strlen(folder);

    if (len > 8 && strcmp(path + len - 8, ".parquet") == 0) len -= 8;
    return len == before + strlen(name) && strncmp(path, folder, before) == 0 &&
           strncmp(path + before, name, len - before) == 0;
}

const json_t *tarn_declared_rules(const tarn_project *p, const char *table)
{
    const json_t *rules;

    for (size_t i = 0; (rules = tarn_declared_rules_at(p, i)); i++)
        if (is_table(table, "", tarn_json_text(rules, "name", ""))) return rules;
    return NULL;
}

static bool makes(const tarn_planned *step, const char *table)
{
    static const struct {
        const char *kind, *folder, *param;
    } makers[] = {{"ingest", "", "table"}, {"cleanse", "clean/", "table"}, {"join", "joined/", "name"}};

    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(step->kind, makers[i].kind) == 0)
            return is_table(table, makers[i].folder, tarn_json_text(step->params, makers[i].param, ""));
    return false;
}

const char *tarn_declared_key(const tarn_project *p, const char *table)
{
    const char *key = tarn_json_text(tarn_declared_rules(p, table), "key", "");

    for (size_t i = 0; !key[0] && i < p->n_steps; i++)
        if (makes(&p->steps[i], table)) key = tarn_json_text(p->steps[i].params, "key", "");
    return key[0] ? key : NULL;
}
