/* SPDX-License-Identifier: Apache-2.0 */
/* stage.c - the table of step kinds, and what steps use to read inputs and write outputs. See stage.h. */
#include "flow/stage.h"

#include "base/file.h"
#include "base/mem.h"
#include "flow/columns.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TARN_STAGE(name) extern const tarn_stage tarn_stage_##name;
#include "flow/stages.def"
#undef TARN_STAGE

static const tarn_stage *const table[] = {
#define TARN_STAGE(name) &tarn_stage_##name,
#include "flow/stages.def"
#undef TARN_STAGE
};

int tarn_stage_count(void) { return (int)(sizeof table / sizeof *table); }
const tarn_stage *tarn_stage_at(int i) { return table[i]; }

const tarn_stage *tarn_stage_find(const char *name)
{
    for (int i = 0; i < tarn_stage_count(); i++)
        if (strcmp(table[i]->name, name) == 0) return table[i];
    return NULL;
}

const tarn_entry *tarn_stage_input(const tarn_stage_job *job, const char *path)
{
    for (size_t i = 0; i < job->n_inputs; i++)
        if (strcmp(job->inputs[i].path, path) == 0) return &job->inputs[i];
    return NULL;
}

static tarn_code need_input(const tarn_stage_job *job, const char *path, const tarn_entry **out, tarn_err *err)
{
    *out = tarn_stage_input(job, path);
    if (!*out) return TARN_FAIL(err, TARN_NOT_FOUND, "this step has no input '%s'", path);
    return TARN_OK;
}

static tarn_code add_output(tarn_stage_job *job, const char *path, const tarn_object *object, tarn_err *err)
{
    if (strlen(path) >= sizeof job->outputs->path)
        return TARN_FAIL(err, TARN_LIMIT, "path '%.60s...' is too long", path);
    if (job->n_outputs == job->cap_outputs) {
        size_t cap = job->cap_outputs ? 2 * job->cap_outputs : 8;
        tarn_code rc = tarn_resize(&job->outputs, cap, sizeof *job->outputs, err);
        if (rc != TARN_OK) return rc;
        job->cap_outputs = cap;
    }
    tarn_entry *e = &job->outputs[job->n_outputs++];
    memset(e, 0, sizeof *e);
    (void)strcpy(e->path, path);
    e->object = *object;
    return TARN_OK;
}

/* The object that is at the path before this step, which a new one will resemble; none if there is none. */
static tarn_id object_before(const tarn_stage_job *job, const char *path)
{
    tarn_entry e;

    if (tarn_id_none(&job->before) || tarn_lake_lookup(job->lake, &job->before, path, &e, NULL) != TARN_OK)
        return (tarn_id){{0}}; /* it is only a hint */
    return e.object.id;
}

tarn_code tarn_stage_put(tarn_stage_job *job, const char *path, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_object object;
    tarn_id before = object_before(job, path);

    TARN_TRY(tarn_lake_put_like(job->lake, bytes, len, &before, &object, err));
    TARN_TRY(add_output(job, path, &object, err));
done:
    return rc;
}

tarn_code tarn_stage_put_file(tarn_stage_job *job, const char *path, const char *file, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_object object;
    tarn_id before = object_before(job, path);

    TARN_TRY(tarn_lake_put_files(job->lake, job->pool, &file, &before, 1, &object, err));
    TARN_TRY(add_output(job, path, &object, err));
done:
    return rc;
}

tarn_code tarn_stage_put_same(tarn_stage_job *job, const char *path, const tarn_entry *input, tarn_err *err)
{
    return add_output(job, path, &input->object, err);
}

tarn_code tarn_stage_model(const tarn_stage_job *job, const char *path, tarn_model **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_entry *entry = NULL;
    char *bytes = NULL;
    size_t len = 0;

    *out = NULL;
    TARN_TRY(need_input(job, path, &entry, err));
    TARN_TRY(tarn_lake_get(job->lake, &entry->object.id, 0, &bytes, &len, err));
    TARN_TRY(tarn_model_load(bytes, len, out, err));
done:
    tarn_free(bytes);
    return rc;
}

tarn_code tarn_stage_put_json(tarn_stage_job *job, const char *path, const json_t *value, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;

    TARN_TRY(tarn_json_pretty(value, &text, err));
    TARN_TRY(tarn_stage_put(job, path, text, strlen(text), err));
done:
    tarn_free(text);
    return rc;
}

tarn_code tarn_stage_get_json(const tarn_stage_job *job, const char *path, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_entry *entry = NULL;
    char *text = NULL;
    size_t len = 0;

    *out = NULL;
    TARN_TRY(need_input(job, path, &entry, err));
    TARN_TRY(tarn_lake_get(job->lake, &entry->object.id, 64 << 20, &text, &len, err));
    TARN_TRY(tarn_json_read(text, len, path, out, err));
done:
    tarn_free(text);
    return rc;
}

/* The resolver of a step's SQL engine: its inputs, and nothing else. */
static tarn_code find_input_table(void *arg, const char *name, char *path, size_t cap, tarn_err *err)
{
    tarn_stage_job *job = arg;
    const char *names[64] = {0};
    size_t n = 0;

    for (size_t i = 0; i < job->n_inputs; i++) {
        const tarn_entry *e = &job->inputs[i];
        size_t len = strlen(e->path);
        if (len < 9 || strcmp(e->path + len - 8, ".parquet") != 0) continue;
        if (strlen(name) == len - 8 && strncmp(e->path, name, len - 8) == 0)
            return tarn_lake_cached(job->lake, &e->object.id, ".parquet", path, cap, err);
        if (n < 64) names[n++] = e->path;
    }
    const char *near = tarn_nearest_word(name, names, n);
    return TARN_FAIL(err, TARN_NOT_FOUND, "no table '%.120s' among the inputs of this step%s%s", name,
                     near ? "; nearest is " : "", near ? near : "");
}

tarn_code tarn_stage_db(tarn_stage_job *job, int threads, tarn_db **out, tarn_err *err)
{
    tarn_db_options options = {
        .threads = threads, .spill_folder = job->scratch, .resolve = find_input_table, .resolve_arg = job};
    return tarn_db_open(&options, out, err);
}

static tarn_code no_key_column(const tarn_field *fields, int n, const char *name, int len, tarn_err *err)
{
    tarn_text list = {0};

    for (int i = 0; i < n; i++) tarn_text_addf(&list, "%s%s", i ? ", " : "", fields[i].name);
    tarn_code rc =
        TARN_FAIL(err, TARN_INVALID, "there is no column '%.*s', which its declared key needs; there are: %.120s", len,
                  name, list.data ? list.data : "none");
    tarn_text_clear(&list);
    return rc;
}

tarn_code tarn_stage_check_key(tarn_db *db, const char *of, const char *key, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text from = {0};
    tarn_field *fields = NULL;
    int n = 0;

    if (!key[0]) return TARN_OK;
    tarn_sql_name(&from, of);
    TARN_TRY(tarn_text_check(&from, err));
    TARN_TRY(tarn_db_schema(db, from.data, &fields, &n, err));
    for (const char *at = key; rc == TARN_OK && *at; at += strspn(at, ",")) {
        size_t len = strcspn(at, ",");
        bool there = false;
        for (int i = 0; i < n && !there; i++)
            there = strlen(fields[i].name) == len && strncasecmp(fields[i].name, at, len) == 0;
        if (!there) rc = no_key_column(fields, n, at, (int)len, err);
        at += len;
    }
done:
    tarn_free(fields);
    tarn_text_clear(&from);
    return rc;
}

tarn_code tarn_stage_columns(const tarn_stage_job *job, const char *path, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_entry *entry = NULL;

    *out = NULL;
    TARN_TRY(need_input(job, path, &entry, err));
    TARN_TRY(tarn_columns_of(job->lake, &entry->object.id, out, err));
done:
    return rc;
}
