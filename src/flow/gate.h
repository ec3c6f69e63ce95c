/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h - the checks that protected branches require. The lake asks (lake/history.h); this answers.
 *
 *     schema         the rules of tables in the lake's project file, on the tables that the candidate holds
 *     command: TEXT  `sh -c TEXT` in an empty folder, ended by status 0. It gets PATH, and in its environment TARN
 * (this program), TARN_LAKE (the lake's folder), TARN_REF, TARN_EVENT, TARN_COMMIT (the candidate, which every command
 * of tarn can read by this id) and TARN_HEAD (what the branch is at; may be empty). It has nothing to read, 1 MiB to
 * say, 2 GiB of memory, and the rule's seconds. It may not change the branch that it checks.
 */
#ifndef TARN_FLOW_GATE_H
#define TARN_FLOW_GATE_H

#include "base/sink.h"
#include "lake/history.h"

/* For tarn_lake_set_gate; arg: a tarn_sink, or NULL. */
tarn_code tarn_flow_gate(const void *arg, tarn_lake *lake, const tarn_gate_ask *ask, json_t *results, tarn_err *err);
/* All checks that ask requires, by hand: TARN_OK even if some fail; *failed counts them. */
TARN_MUST tarn_code tarn_flow_checks(const tarn_sink *sink, tarn_lake *lake, const tarn_gate_ask *ask, json_t *results,
                                     int *failed, tarn_err *err);

#endif
