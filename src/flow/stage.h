/* SPDX-License-Identifier: Apache-2.0 */
/* stage.h - what a kind of step must do (plug-ins of flow, one file each in flow/stages/).
 *
 * A step sees its parameters and its inputs, nothing else of the world, and writes outputs. So its recipe (kind,
 * parameters, inputs by content, code) says all that its outputs depend on: that is what the cache, resuming,
 * lineage and `tarn reproduce` rest on. No clock and no thread count may reach an output.
 */
#ifndef TARN_FLOW_STAGE_H
#define TARN_FLOW_STAGE_H

#include "base/json.h"
#include "base/pool.h"
#include "base/sink.h"
#include "lake/lake.h"
#include "model/model.h"
#include "table/table.h"

typedef struct tarn_stage_job {
    tarn_lake *lake;
    tarn_pool *pool;
    const tarn_sink *sink;
    const char *folder;  /* of the project: where sources' relative paths start */
    const char *scratch; /* a folder for this step's temporary files */
    tarn_id before; /* commit with what earlier runs made, or none: how outputs are stored, never what is in them */
    const json_t *params;
    const tarn_entry *inputs;
    size_t n_inputs;
    tarn_entry *outputs; /* filled by tarn_stage_put* */
    size_t n_outputs, cap_outputs;
    tarn_text said; /* one line for people: what came of it */
} tarn_stage_job;

typedef struct tarn_stage {
    const char *name;  /* the kind */
    const char *stage; /* one of the nine words */
    const char *title;
    tarn_code (*run)(tarn_stage_job *job, tarn_err *err);
    /* What the step takes from outside the lake (files and their hashes), to go into the recipe. NULL: nothing. */
    tarn_code (*facts)(const json_t *params, const char *folder, json_t **out, tarn_err *err);
} tarn_stage;

int tarn_stage_count(void);
const tarn_stage *tarn_stage_at(int i);
const tarn_stage *tarn_stage_find(const char *name); /* NULL */

/* ---- for the stages ---- */

/* The input of that path; NULL if there is none. */
const tarn_entry *tarn_stage_input(const tarn_stage_job *job, const char *path);
/* Store an output. Paths as in the lake. */
TARN_MUST tarn_code tarn_stage_put(tarn_stage_job *job, const char *path, const void *bytes, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_stage_put_file(tarn_stage_job *job, const char *path, const char *file, tarn_err *err);
/* Indented JSON; takes no reference. */
TARN_MUST tarn_code tarn_stage_put_json(tarn_stage_job *job, const char *path, const json_t *value, tarn_err *err);
/* An input's bytes under a further path. */
TARN_MUST tarn_code tarn_stage_put_same(tarn_stage_job *job, const char *path, const tarn_entry *input, tarn_err *err);
/* An input that is JSON; decref *out. */
TARN_MUST tarn_code tarn_stage_get_json(const tarn_stage_job *job, const char *path, json_t **out, tarn_err *err);
/* A SQL engine in which exactly the step's inputs are tables, under their lake paths without ".parquet". */
TARN_MUST tarn_code tarn_stage_db(tarn_stage_job *job, int threads, tarn_db **out, tarn_err *err);
/* A declared key ("a,b"; "" is fine) must name columns of SQL table `table`: TARN_INVALID names the one that is not
 * there. */
TARN_MUST tarn_code tarn_stage_check_key(tarn_db *db, const char *of, const char *key, tarn_err *err);
/* An input model, loaded; tarn_model_free(*out). */
TARN_MUST tarn_code tarn_stage_model(const tarn_stage_job *job, const char *path, tarn_model **out, tarn_err *err);
/* The rows of an input table as mapped columns, from the cache (made on first use). */
TARN_MUST tarn_code tarn_stage_columns(const tarn_stage_job *job, const char *path, tarn_columns **out, tarn_err *err);

#endif
