/* SPDX-License-Identifier: Apache-2.0 */
/* declared.h - what the project file declares of a table of the lake: its key and its rules.
 *
 * Tables are named by path, with or without ".parquet". What is returned belongs to the project.
 */
#ifndef TARN_FLOW_DECLARED_H
#define TARN_FLOW_DECLARED_H

#include "flow/project.h"

/* The key of the table, as "a,b": `key` under tables.<table>, else that of the step that makes it (a cleansed table has
 * that of the table it is made from, a join its own). NULL if there is none. */
const char *tarn_declared_key(const tarn_project *p, const char *table);

/* The rules declared of the table, as check steps have them; NULL if there are none. */
const json_t *tarn_declared_rules(const tarn_project *p, const char *table);
/* The i-th table with rules, from 0; NULL behind the last. */
const json_t *tarn_declared_rules_at(const tarn_project *p, size_t i);

#endif
