/* SPDX-License-Identifier: Apache-2.0 */
/* ask_model.c - what routes ask of a loaded model: predictions, its schema, its metadata. See route.h. */
#include "serve/server.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The model that a path means: "flights", "flights@challenger", or "flights" with version "3". */
static tarn_code find(tarn_call *call, const char *model, const char *version, tarn_loaded **out, tarn_err *err)
{
    char name[300];
    int64_t number;

    if (strlen(model) > 260 || strchr(model, '/'))
        return TARN_FAIL(err, TARN_NOT_FOUND, "'%.60s' is not a model's name", model);
    if (!version || !*version) return tarn_models_get(call->server->models, model, out, err);
    if (!tarn_int_parse(version, strlen(version), &number) || number < 1)
        return TARN_FAIL(err, TARN_NOT_FOUND, "'%.40s' is not a version; versions are numbers from 1", version);
    (void)snprintf(name, sizeof name, "%s/%lld", model, (long long)number);
    return tarn_models_get(call->server->models, name, out, err);
}

/* ---- predictions ---- */

/* Time since *last, which becomes now. */
static double lap(double *last)
{
    double now = tarn_seconds(), took = now - *last;
    *last = now;
    return took;
}

static tarn_code predict(tarn_call *call, const tarn_loaded *loaded, bool tensors, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_batch batch = {.model = loaded->model};
    tarn_answers answers = {0};
    tarn_model_metrics *m = loaded->metrics;
    double last = tarn_seconds();

    TARN_TRY(tensors ? tarn_tensors_read(&batch, call->body, call->body_len, err)
                     : tarn_records_read(&batch, call->body, call->body_len, err));
    tarn_metrics_phase(m, TARN_PHASE_PARSE, lap(&last));
    TARN_TRY(tarn_answers_compute(&batch, &answers, err));
    tarn_metrics_phase(m, TARN_PHASE_COMPUTE, lap(&last));
    TARN_TRY(tarn_answers_log(loaded, &batch, &answers, call->server->log, err));
    tarn_metrics_phase(m, TARN_PHASE_LOG, lap(&last));
    if (tensors) tarn_answers_tensors(loaded, &batch, &answers, &call->out);
    else tarn_answers_plain(loaded, &batch, &answers, &call->out);
    TARN_TRY(tarn_text_check(&call->out, err));
    tarn_metrics_phase(m, TARN_PHASE_ENCODE, lap(&last));
    (void)atomic_fetch_add_explicit(&m->rows, (uint64_t)batch.rows, memory_order_relaxed);
done:
    (void)atomic_fetch_add_explicit(rc == TARN_OK ? &m->good : &m->bad, 1, memory_order_relaxed);
    tarn_answers_clear(&answers);
    tarn_batch_clear(&batch);
    return rc;
}

tarn_code tarn_call_predict(tarn_call *call, const char *model, const char *version, bool tensors, tarn_err *err)
{
    tarn_loaded *loaded = NULL;
    tarn_code rc;

    if (tensors && tarn_call_header(call, "Inference-Header-Content-Length"))
        return TARN_FAIL(err, TARN_INVALID,
                         "binary tensors are not understood; send JSON (binary_data=False in clients that offer it)");
    rc = find(call, model, version, &loaded, err);
    if (rc != TARN_OK) return rc;
    rc = predict(call, loaded, tensors, err);
    if (rc == TARN_INVALID && !tensors)
        call->remedy = "GET /serve/{model}/schema shows every field, its kind and what it may hold";
    tarn_loaded_release(loaded);
    return rc;
}

/* ---- schema ---- */

static const char *const kinds[] = {"number", "category", "time", "text"};
static const char *const tasks[] = {"binary", "multiclass", "regression"};

static tarn_code add_range(json_t *field, const tarn_model_input *in, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char text[32];

    if (in->kind == TARN_CATEGORY || in->kind == TARN_STRING || isnan(in->least) || isnan(in->most)) return TARN_OK;
    if (in->kind == TARN_NUMBER) {
        TARN_TRY(tarn_json_set(field, "least", tarn_json_num(in->least), err));
        TARN_TRY(tarn_json_set(field, "most", tarn_json_num(in->most), err));
    } else if (fabs(in->least) < 1e18 && fabs(in->most) < 1e18) {
        TARN_TRY(tarn_json_set(field, "least", json_string(tarn_time_text((int64_t)in->least, text)), err));
        TARN_TRY(tarn_json_set(field, "most", json_string(tarn_time_text((int64_t)in->most, text)), err));
    }
done:
    return rc;
}

static tarn_code add_field(json_t *fields, const tarn_model *m, int i, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_model_input *in = tarn_model_input_at(m, i);
    const double *importance = tarn_model_importance(m);
    json_t *field =
               json_pack("{s:s, s:s, s:b}", "name", in->name, "kind", kinds[in->kind], "required", (int)in->required),
           *levels = NULL;

    TARN_TRY(add_range(field, in, err));
    if (in->kind == TARN_CATEGORY) {
        levels = json_array();
        for (int32_t k = 0; k < in->levels; k++)
            TARN_TRY(tarn_json_append(levels, json_string(tarn_model_level(m, i, k, NULL)), err));
        TARN_TRY(tarn_json_set(field, "levels", json_incref(levels), err));
    }
    if (importance) TARN_TRY(tarn_json_set(field, "importance", tarn_json_num(importance[i]), err));
    TARN_TRY(tarn_json_append(fields, json_incref(field), err));
done:
    json_decref(levels);
    json_decref(field);
    return rc;
}

static tarn_code schema_of(const tarn_loaded *loaded, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_model *m = loaded->model;
    json_t *fields = json_array(), *classes = json_array();
    json_t *schema =
        json_pack("{s:s, s:I, s:s, s:s, s:s, s:O, s:O}", "model", loaded->version.model, "version",
                  (json_int_t)loaded->version.number, "object", loaded->object, "task", tasks[tarn_model_task(m)],
                  "target", tarn_model_target(m), "fields", fields, "classes", classes);

    if (!schema) {
        rc = TARN_FAIL(err, TARN_NOMEM, "no memory for the schema");
        goto done;
    }
    for (int i = 0; i < tarn_model_inputs(m); i++) TARN_TRY(add_field(fields, m, i, err));
    for (int k = 0; k < tarn_model_classes(m); k++)
        TARN_TRY(tarn_json_append(classes, json_string(tarn_model_class(m, k)), err));
    if (tarn_model_task(m) == TARN_BINARY) {
        TARN_TRY(tarn_json_set(schema, "positive", json_string(tarn_model_class(m, 1)), err));
        TARN_TRY(tarn_json_set(schema, "threshold", tarn_json_num(tarn_model_threshold(m)), err));
    }
    *out = json_incref(schema);
done:
    json_decref(schema);
    json_decref(fields);
    json_decref(classes);
    return rc;
}

tarn_code tarn_call_schema(tarn_call *call, const char *model, json_t **out, tarn_err *err)
{
    tarn_loaded *loaded = NULL;
    tarn_code rc = find(call, model, NULL, &loaded, err);

    if (rc == TARN_OK) rc = schema_of(loaded, out, err);
    tarn_loaded_release(loaded);
    return rc;
}

/* ---- metadata of the Open Inference Protocol ---- */

static tarn_code metadata_of(const tarn_loaded *loaded, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_model *m = loaded->model;
    json_t *inputs = json_array(), *outputs = json_array(), *data = NULL;
    char version[32];

    for (int i = 0; i < tarn_model_inputs(m); i++) {
        const tarn_model_input *in = tarn_model_input_at(m, i);
        TARN_TRY(tarn_json_append(inputs,
                                  json_pack("{s:s, s:s, s:[i]}", "name", in->name, "datatype",
                                            in->kind == TARN_NUMBER ? "FP64" : "BYTES", "shape", -1),
                                  err));
    }
    for (int o = 0; o < TARN_OUT_COUNT; o++) {
        if (!tarn_output_suits(m, (tarn_output)o)) continue;
        const char *type = o == TARN_OUT_LABEL || o == TARN_OUT_ID ? "BYTES" : "FP64";
        json_t *shape = o == TARN_OUT_PROBABILITY && tarn_model_task(m) == TARN_MULTICLASS
                            ? json_pack("[i, i]", -1, tarn_model_outputs(m))
                            : json_pack("[i]", -1);
        TARN_TRY(tarn_json_append(
            outputs,
            json_pack("{s:s, s:s, s:o}", "name", tarn_output_name((tarn_output)o), "datatype", type, "shape", shape),
            err));
    }
    (void)snprintf(version, sizeof version, "%lld", (long long)loaded->version.number);
    data = json_pack("{s:s, s:[s], s:s, s:O, s:O}", "name", loaded->version.model, "versions", version, "platform",
                     "tarn", "inputs", inputs, "outputs", outputs);
    if (!data) rc = TARN_FAIL(err, TARN_NOMEM, "no memory for the metadata");
    else *out = data;
done:
    json_decref(inputs);
    json_decref(outputs);
    return rc;
}

tarn_code tarn_call_metadata(tarn_call *call, const char *model, const char *version, bool only_ready, json_t **out,
                             tarn_err *err)
{
    tarn_loaded *loaded = NULL;
    tarn_code rc = find(call, model, version, &loaded, err);

    if (rc == TARN_OK && only_ready) *out = json_pack("{s:s, s:b}", "name", loaded->version.model, "ready", 1);
    else if (rc == TARN_OK) rc = metadata_of(loaded, out, err);
    tarn_loaded_release(loaded);
    return rc;
}
