/* SPDX-License-Identifier: Apache-2.0 */
/* holding.h - holds as the rest of the lake sees them; private to this folder. */
#ifndef TARN_LAKE_HOLDING_H
#define TARN_LAKE_HOLDING_H

#include "lake/hold.h"
#include "lake/inside.h"

/* In a transaction that moves ref `name` from was to `to` (NULL: removes it): TARN_DENIED if a hold forbids it. */
TARN_MUST tarn_code tarn_hold_guard(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to,
                                    tarn_err *err);
/* In the same transaction: hold the new commit if a rule says so. */
TARN_MUST tarn_code tarn_hold_by_rule(tarn_lake *lake, const char *name, const tarn_id *commit, const char *who,
                                      tarn_err *err);

/* As tarn_lake_holds, without writing the time down: also in a transaction, and in a lake that is only read. */
TARN_MUST tarn_code tarn_holds_seen(tarn_lake *lake, tarn_hold_fn *fn, void *arg, tarn_err *err);

/* ---- holdaccess.c ---- */

/* May who acts on this thread set holds there, or (bypass) end one before its day? TARN_DENIED. Not in a transaction.
 */
TARN_MUST tarn_code tarn_hold_may(tarn_lake *lake, bool bypass, const char *branch, const char *path, tarn_err *err);
/* In the transaction that changes it: "hold.set", "hold.release", "hold.bypass". */
TARN_MUST tarn_code tarn_hold_record(tarn_lake *lake, const char *action, const tarn_hold *hold, const char *by,
                                     const char *why, tarn_err *err);
TARN_MUST tarn_code tarn_hold_rule_record(tarn_lake *lake, const tarn_hold_rule *rule, const char *by, tarn_err *err);

/* ---- holdclock.c ---- */

/* What the machine says: its clock, its running time since it was started, and which start that was. */
typedef struct tarn_machine_time {
    int64_t wall_us, running_us;
    char boot[40];
} tarn_machine_time;
void tarn_machine_now(tarn_machine_time *out);
/* The lake's time, from what was seen before (JSON, NULL: nothing) and what the machine says. *next is what to remember
 * (tarn_free), *news whether it is worth writing. */
TARN_MUST tarn_code tarn_hold_time(const char *seen, const tarn_machine_time *machine, int64_t *lake_us, char **next,
                                   bool *news, tarn_err *err);

#endif
