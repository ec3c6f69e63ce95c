/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - see settings.h. */
#include "flow/settings.h"

#include "base/mem.h"

#include <string.h>

static bool among(const char *word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(word, words[i]) == 0) return true;
    return false;
}

/* A list of words where a text is wanted: "a,b". Returns NULL if the value is of another kind. */
static const char *as_text(const tarn_yaml *value, tarn_text *scratch)
{
    if (value->kind == TARN_YAML_TEXT) return value->text;
    if (value->kind != TARN_YAML_LIST) return NULL;
    scratch->len = 0;
    tarn_text_add(scratch, "");
    for (size_t i = 0; i < value->n; i++) {
        if (value->items[i]->kind != TARN_YAML_TEXT) return NULL;
        tarn_text_addf(scratch, "%s%s", i ? "," : "", value->items[i]->text);
    }
    return scratch->data;
}

static void set_one(const tarn_param *table, void *values, const tarn_yaml *key, const tarn_yaml *value,
                    tarn_text *scratch, tarn_problems *problems)
{
    tarn_err why = {0};
    const tarn_param *p = tarn_param_find(table, key->text);
    const char *text = as_text(value, scratch);

    if (p && value->kind == TARN_YAML_LIST && p->type != TARN_P_TEXT) text = NULL;
    if (p && !text) {
        char expects[256];
        tarn_problems_add(problems, value->line, value->column, "'%s' should be %s", key->text,
                          tarn_param_expects(p, expects, sizeof expects));
        return;
    }
    const tarn_yaml *at = p ? value : key;
    if (tarn_param_set(table, values, key->text, text ? text : "", &why) != TARN_OK)
        tarn_problems_add(problems, at->line, at->column, "%s", why.msg);
}

tarn_code tarn_settings_from_yaml(const tarn_param *table, size_t size, const tarn_yaml *map, const char *const *skip,
                                  size_t n_skip, json_t **out, tarn_problems *problems, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    void *values = NULL;
    json_t *settings = json_object();
    tarn_text scratch = {0};
    char text[4096];

    *out = NULL;
    TARN_TRY(tarn_alloc(&values, 1, size ? size : 1, err));
    tarn_params_default(table, values);
    for (size_t i = 0; map && i < map->n; i++)
        if (!among(map->keys[i]->text, skip, n_skip))
            set_one(table, values, map->keys[i], map->items[i], &scratch, problems);
    for (const tarn_param *p = table; p && p->type != TARN_P_END; p++)
        TARN_TRY(tarn_json_set(settings, p->name, json_string(tarn_param_get(p, values, text, sizeof text)), err));
    *out = settings;
    settings = NULL;
done:
    tarn_text_clear(&scratch);
    json_decref(settings);
    tarn_free(values);
    return rc;
}

tarn_code tarn_settings_read(const tarn_param *table, const json_t *settings, void *values, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *key;
    json_t *value, *object = json_incref((json_t *)(uintptr_t)settings);

    tarn_params_default(table, values);
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value)) {
            rc = TARN_FAIL(err, TARN_INVALID, "parameter '%s' of a recipe should be text", key);
            goto done;
        }
        TARN_TRY(tarn_param_set(table, values, key, json_string_value(value), err));
    }
done:
    json_decref(object);
    return rc;
}
