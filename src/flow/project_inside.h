/* SPDX-License-Identifier: Apache-2.0 */
/* project_inside.h - what the readers of the project file's sections share; private to project.c and project_*.c.
 *
 * project.c reads the whole, in this order: project_serve.c, project_tables.c (ingest, rules), project_prepare.c
 * (cleanse, join, split), project_train.c (task, candidates, judging), project_search.c. Their tools are in
 * project_maker.c.
 *
 * Mistakes of the file go to m->problems and reading goes on; running out of memory is kept in m->rc, and what comes
 * after it does nothing that matters.
 */
#ifndef TARN_FLOW_PROJECT_INSIDE_H
#define TARN_FLOW_PROJECT_INSIDE_H

#include "base/json.h"
#include "flow/project.h"
#include "flow/settings.h"
#include "train/train.h"

enum { TARN_MAKER_TABLES = 1000 /* most of them */, TARN_MAKER_TEXT = 4096 };

typedef struct tarn_maker {
    tarn_project *p;
    tarn_problems *problems;
    tarn_err *err;
    tarn_code rc;        /* sticky: out of memory */
    const char **tables; /* lake paths without .parquet, in the order in which they are made */
    size_t n_tables;
    const tarn_yaml *rules; /* section `tables` */
    json_t *costs;          /* borrowed from the assess step; NULL: none */
} tarn_maker;

/* ---- project_maker.c ---- */

/* Is all well, with this? */
bool tarn_maker_fine(tarn_maker *m, tarn_code rc);
/* A text that lives as long as the project; "" without memory. */
const char *tarn_maker_text(tarn_maker *m, const char *fmt, ...) TARN_PRINTF(2, 3);
void tarn_maker_put(tarn_maker *m, json_t *object, const char *key, json_t *take_value);
/* The text under key of a map that was checked, or otherwise. */
const char *tarn_maker_word(const tarn_yaml *map, const char *key, const char *otherwise);
/* "a, b" or [a, b] as a JSON array of texts. */
json_t *tarn_maker_words(tarn_maker *m, const tarn_yaml *v);
/* As tarn_settings_from_yaml; decref. NULL: the maker is not fine, now or since before. */
json_t *tarn_maker_settings(tarn_maker *m, const tarn_param *table, size_t size, const tarn_yaml *map,
                            const char *const *skip, size_t n_skip);
/* The same as one text "a,b". */
const char *tarn_maker_joined(tarn_maker *m, const tarn_yaml *v);
/* A name becomes a part of a path and of SQL: letters, digits, '_' and '-', not starting with '-'. */
bool tarn_maker_good_name(tarn_maker *m, const tarn_yaml *key);
void tarn_maker_add_table(tarn_maker *m, const char *path);
/* Is it made by now? If not, that is a problem at `at`. */
bool tarn_maker_need_table(tarn_maker *m, const tarn_yaml *at, const char *path);
/* Add a step; takes params. inputs get ".parquet" put behind when `are_tables`. */
void tarn_maker_add_step(tarn_maker *m, const char *name, const char *kind, json_t *take_params,
                         const char *const *inputs, size_t n_inputs, bool are_tables, int line);
/* The declared key of a table, as "a,b"; "" if none. */
const char *tarn_maker_key_of(tarn_maker *m, const char *table);

/* ---- the sections ---- */

void tarn_project_serve(tarn_maker *m, const tarn_yaml *serve);
void tarn_project_ingest(tarn_maker *m, const tarn_yaml *ingest);
/* A check step over the tables first .. n_tables-1 that have rules; none if no rules were declared. */
void tarn_project_check(tarn_maker *m, const char *name, size_t first);
void tarn_project_unknown_rules(tarn_maker *m);
void tarn_project_cleanse(tarn_maker *m, const tarn_yaml *cleanse);
void tarn_project_join(tarn_maker *m, const tarn_yaml *join);
void tarn_project_split(tarn_maker *m, const tarn_yaml *split, const tarn_yaml *train);
/* The preparing steps of a candidate, for its recipe. */
json_t *tarn_project_steps(tarn_maker *m, const tarn_yaml *list);
/* The search that a candidate asks for: what it writes; NULL if it asks for none. */
const char *tarn_project_search(tarn_maker *m, const tarn_yaml *name, const tarn_yaml *search, const tarn_algo *algo,
                                const json_t *params, const char *metric);
void tarn_project_train(tarn_maker *m, const tarn_yaml *root);

#endif
