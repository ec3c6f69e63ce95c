/* SPDX-License-Identifier: Apache-2.0 */
/* rules_use.c - see rules_use.h. */
#include "flow/rules_use.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void tarn_rules_close(tarn_rules_use *u)
{
    tarn_free(u->columns);
    tarn_free(u->references);
    tarn_free(u->values);
    *u = (tarn_rules_use){0};
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

tarn_code tarn_rules_open(const json_t *j, tarn_rules_use *u, tarn_err *err)
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

void tarn_violation_text(const tarn_violation *v, char *out, size_t cap)
{
    if (strcmp(v->rule, "column missing") == 0)
        (void)snprintf(out, cap, "table '%s' has no column '%s', which the project declares; %s", v->table, v->column,
                       v->rows);
    else
        (void)snprintf(out, cap, "table '%s', column '%s': rule '%s' is broken by %lld row%s: %s", v->table, v->column,
                       v->rule, (long long)v->count, v->count == 1 ? "" : "s", v->rows);
}
