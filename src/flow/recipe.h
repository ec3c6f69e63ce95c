/* SPDX-License-Identifier: Apache-2.0 */
/* recipe.h - what a step depends on, as one JSON text; its SHA-256 names the step's outputs in the run index. */
#ifndef TARN_FLOW_RECIPE_H
#define TARN_FLOW_RECIPE_H

#include "base/json.h"
#include "flow/stage.h"
#include "lake/lake.h"

/* {"tarn", "code", "step", "params", "inputs": {path: id}, "sources": [...]} for a step. Decref *out. */
TARN_MUST tarn_code tarn_recipe_make(const tarn_stage *stage, const json_t *params, const tarn_entry *inputs, size_t n,
                                     const json_t *sources, json_t **out, tarn_err *err);
/* Its id (hash of the compact text); the text itself goes to *text (tarn_free) if not NULL. */
TARN_MUST tarn_code tarn_recipe_id(const json_t *recipe, tarn_id *id, char **text, tarn_err *err);
/* The recipe object of that id, checked for shape: TARN_CORRUPT if it is none. */
TARN_MUST tarn_code tarn_recipe_get(tarn_lake *lake, const tarn_id *id, json_t **out, tarn_err *err);
/* Whether this input is what the step's own run before left for it to go on from (`before` of tarn_planned). */
bool tarn_recipe_is_before(const char *path);
/* In a few words, what differs between an old recipe and a new one: "trees: 100 -> 200", "the code". */
void tarn_recipe_difference(const json_t *was, const json_t *is, char *out, size_t cap);

/* Run one step: scratch folder, outputs stored, their recipe set. job's lake, pool, sink, folder, params and inputs are
 * given. Outputs and said are the caller's: tarn_stage_job_clear. */
TARN_MUST tarn_code tarn_recipe_run(const tarn_stage *stage, const tarn_id *recipe, tarn_stage_job *job, tarn_err *err);
void tarn_stage_job_clear(tarn_stage_job *job);
/* Remove the scratch folders of steps whose process is no more: what a kill left behind. */
void tarn_recipe_sweep(const tarn_lake *lake);

#endif
