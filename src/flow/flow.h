/* SPDX-License-Identifier: Apache-2.0 */
/* flow: the top floor. In: a project. Out: everything it asks for, made once.
 *
 * A run walks the plan. A step whose recipe (kind, parameters, inputs by content, code) has run before is
 * not run again; a killed run resumes behind its last finished step. The raw tables are committed as soon as they are
 * in and checked, everything derived at the end, then the winner is registered.
 */
#ifndef TARN_FLOW_H
#define TARN_FLOW_H

#include "base/json.h"
#include "base/pool.h"
#include "base/sink.h"
#include "flow/project.h"
#include "lake/lake.h"
#include "registry/registry.h"
#include "table/table.h"

/* Version of the program and hash of its sources; both stand in every recipe. */
const char *tarn_version_text(void);
const char *tarn_code_hash(void);

typedef enum tarn_step_state {
    TARN_STEP_TODO,
    TARN_STEP_RUNNING,
    TARN_STEP_DONE,
    TARN_STEP_KEPT,
    TARN_STEP_FAILED
} tarn_step_state;
const char *tarn_step_state_name(tarn_step_state state);

/* What became of a step. Strings live for the call. */
typedef struct tarn_step_news {
    const char *name, *stage, *title;
    tarn_step_state state;
    double seconds;
    const char *said; /* what came of it, or why it has to run */
} tarn_step_news;

typedef struct tarn_flow_options {
    const char *until;  /* last stage word or step name to do; NULL: all */
    bool again;         /* run steps even if they have run before */
    const char *author; /* NULL: the user's name */
    tarn_pool *pool;
    const tarn_sink *sink;
    void (*news)(void *arg, const tarn_step_news *news); /* may be NULL; called from the running thread */
    void *news_arg;
} tarn_flow_options;

/* Run the project. *summary (decref): {"run", "state", "seconds", "steps":
 * [{"name","stage","title","state","seconds","said"}], "commit", "model": {"name","version","alias","id"}, "figures":
 * {...}}; set also when a step failed. Only one run at a time per lake: TARN_BUSY names the other. */
TARN_MUST tarn_code tarn_flow_run(tarn_lake *lake, const tarn_project *p, const tarn_flow_options *options,
                                  json_t **summary, tarn_err *err);

/* What a run would do now: {"steps": [{"name","stage","title","state": "kept"|"todo","why"}], "todo": n}. Changes
 * nothing. */
TARN_MUST tarn_code tarn_flow_status(tarn_lake *lake, const tarn_project *p, json_t **out, tarn_err *err);

/* Past runs, newest first, at most `most`: an array of summaries. */
TARN_MUST tarn_code tarn_flow_runs(tarn_lake *lake, size_t most, json_t **out, tarn_err *err);

/* Everything that path `path` of a commit came from: {"path","object","bytes","recipe","step","stage","code","params",
 * "sources":[...],"inputs":[...same...]}. An input that was shown already is given without its own inputs ("seen":
 * true). */
TARN_MUST tarn_code tarn_flow_lineage(tarn_lake *lake, const tarn_id *commit, const char *path, json_t **out,
                                      tarn_err *err);

/* Make a model version again from its recipe, and everything derived that the recipe stands on, down to the committed
 * raw tables, and compare hashes:
 * {"model","version","same","code_same","steps":[{"step","output","expected","got","same"}]}. Nothing is kept. */
TARN_MUST tarn_code tarn_flow_reproduce(tarn_lake *lake, const tarn_version *version, tarn_pool *pool,
                                        const tarn_sink *sink, json_t **out, tarn_err *err);

/* A SQL engine over the lake: a table is named by its path on `branch` ("flights", "clean/planes") or as ref/path
 * ("main@{2026-01-31}/flights"); the ".parquet" may be left away. untrusted: the SQL can read tables and nothing else.
 */
typedef struct tarn_lake_db {
    tarn_lake *lake;
    const char *branch;
    tarn_db *db;
} tarn_lake_db;
TARN_MUST tarn_code tarn_lake_db_open(tarn_lake *lake, const char *branch, int threads, bool untrusted,
                                      tarn_lake_db *out, tarn_err *err);
void tarn_lake_db_close(tarn_lake_db *db);
/* Which object such a name means, and the path it was found at. */
TARN_MUST tarn_code tarn_lake_table(tarn_lake *lake, const char *branch, const char *name, tarn_entry *out,
                                    tarn_err *err);

#endif
