/* SPDX-License-Identifier: Apache-2.0 */
/* why.c - see why.h. */
#include "cli/why.h"

#include "base/mem.h"
#include "flow/flow.h"
#include "serve/serve.h"

#include <string.h>

/* The learn step behind the chosen model: the first in the lineage that has a table and a split. */
static const json_t *find_learning(const json_t *node, const char *object)
{
    size_t i;
    json_t *input, *inputs = json_object_get(node, "inputs");

    if (strcmp(tarn_json_text(node, "step", ""), "learn") == 0 &&
        strcmp(tarn_json_text(node, "object", ""), object) == 0)
        return node;
    json_array_foreach(inputs, i, input)
    {
        const json_t *found = find_learning(input, object);
        if (found) return found;
    }
    return NULL;
}

static tarn_code count_train_rows(tarn_lake *lake, const tarn_id *commit, int64_t *rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry entry;
    char *parts = NULL;
    size_t len = 0;

    *rows = 0;
    TARN_TRY(tarn_lake_lookup(lake, commit, "prepare/split.parts", &entry, err));
    TARN_TRY(tarn_lake_get(lake, &entry.object.id, 0, &parts, &len, err));
    for (size_t i = 0; i < len; i++) *rows += parts[i] == 0;
done:
    tarn_free(parts);
    return rc;
}

static tarn_code tell_data(tarn_lake *lake, const tarn_version *v, json_t *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_commit commit = {0};
    json_t *lineage = NULL;
    int64_t rows = 0;
    char hex[TARN_ID_HEX], model[TARN_ID_HEX], when[32];

    TARN_TRY(tarn_lake_commit_read(lake, &v->data, &commit, err));
    TARN_TRY(tarn_flow_lineage(lake, &v->data, "model.tarn", &lineage, err));
    TARN_TRY(count_train_rows(lake, &v->data, &rows, err));
    const json_t *learning = find_learning(lineage, tarn_id_hex(&v->object, model));
    TARN_TRY(tarn_json_set(why, "data",
                           json_pack("{s:s, s:s, s:s, s:I}", "commit", tarn_id_hex(&v->data, hex), "time",
                                     tarn_time_text(commit.time_us, when), "table",
                                     tarn_json_text(json_object_get(learning, "params"), "table", "?"), "train_rows",
                                     (json_int_t)rows),
                           err));
    TARN_TRY(tarn_json_set(why, "lineage", json_incref(lineage), err));
done:
    json_decref(lineage);
    tarn_commit_clear(&commit);
    return rc;
}

/* The version that answered; of several with the same bytes, the one that the record names. */
static tarn_code find_version(tarn_lake *lake, const json_t *record, tarn_version *out, tarn_err *err)
{
    const char *id = tarn_json_text(record, "object", "");
    char name[192];
    tarn_id object;

    if (!tarn_id_parse(id, strlen(id), &object))
        return TARN_FAIL(err, TARN_CORRUPT, "the record of the prediction names no model");
    (void)snprintf(name, sizeof name, "%.150s/%lld", tarn_json_text(record, "model", ""),
                   (long long)json_integer_value(json_object_get(record, "version")));
    if (tarn_registry_find(lake, name, out, NULL) == TARN_OK) {
        if (tarn_id_equal(&out->object, &object)) return TARN_OK;
        tarn_version_clear(out);
    }
    return tarn_registry_find_object(lake, &object, out, err);
}

tarn_code tarn_why(tarn_lake *lake, const char *prediction_id, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *record = NULL, *why = json_object();
    tarn_version v = {0};
    char hex[TARN_ID_HEX], commit[TARN_ID_HEX], when[32];

    *out = NULL;
    TARN_TRY(tarn_prediction_find(lake, prediction_id, &record, err));
    TARN_TRY(tarn_json_set(why, "prediction", json_incref(record), err));
    TARN_TRY(find_version(lake, record, &v, err));
    TARN_TRY(
        tarn_json_set(why, "version",
                      json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "model", v.model, "version", (json_int_t)v.number,
                                "id", tarn_id_hex(&v.object, hex), "made", tarn_time_text(v.time_us, when), "by",
                                v.author, "commit", tarn_id_hex(&v.commit, commit)),
                      err));
    if (!tarn_id_none(&v.data)) TARN_TRY(tell_data(lake, &v, why, err));
    *out = json_incref(why);
done:
    tarn_version_clear(&v);
    json_decref(record);
    json_decref(why);
    return rc;
}
