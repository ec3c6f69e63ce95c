/* SPDX-License-Identifier: Apache-2.0 */
/* hold.h - what nobody may remove before its day: retention and legal holds on commits and objects.
 *
 * A hold is on a commit (and so on all that it holds) or on an object, and may name the ref and path through which it
 * is held. Held things are roots of garbage collection. A ref that a hold names cannot be removed, nor moved to where
 * the held commit is no longer in its history.
 *
 *     governance   ends at its time; released earlier only with an explicit bypass
 *     compliance   ends at its time; can be made longer, never shorter, never released
 *     legal        has no time; released when its reason is gone. Independent of the other two
 *
 * Time is the lake's own (tarn_hold_clock): it goes on only as far as the machine's running time proves, and by at most
 * TARN_HOLD_BOOT_DAYS over a restart. A clock set forward frees nothing: what should have ended stays held, and
 * says so. A clock set back makes nothing shorter.
 *
 * Holds stand in the metadata; whoever can write to the lake's files past Tarn can remove them, and the packs as well.
 *
 * Threads: as lake.h.
 */
#ifndef TARN_LAKE_HOLD_H
#define TARN_LAKE_HOLD_H

#include "lake/lake.h"

enum { TARN_HOLD_BOOT_DAYS = 7, TARN_HOLD_NAME = 33 };

typedef enum tarn_hold_kind { TARN_HOLD_COMMIT, TARN_HOLD_OBJECT } tarn_hold_kind;
typedef enum tarn_hold_mode { TARN_HOLD_GOVERNANCE, TARN_HOLD_COMPLIANCE, TARN_HOLD_LEGAL } tarn_hold_mode;
extern const char *const tarn_hold_modes[3];

typedef struct tarn_hold {
    char name[TARN_HOLD_NAME]; /* out: by what tarn_lake_hold_release finds it */
    tarn_hold_kind kind;
    tarn_hold_mode mode;
    tarn_id id;
    char branch[256], path[1025]; /* full name of a ref, path in it; "" if it is held by id alone */
    int64_t until_us;             /* 0 if legal */
    char who[256], why[512];
    /* out: */
    int64_t made_us, ends_us; /* ends_us: on the lake's clock */
    int64_t released_us;      /* 0: not released */
    bool active;
} tarn_hold;

/* Every change is written to the audit log. Where users act (tarn_access_enter), holding and releasing need hold.set on
 * the branch, a bypass needs hold.bypass; the owner of the folder may do all of it. */

/* Hold, or hold longer what is held already (id, branch and path are the same; legal beside the others). Durable on
 * return. TARN_NOT_FOUND: no such commit or object; TARN_DENIED: it would become shorter or weaker. hold->name is
 * filled in. */
TARN_MUST tarn_code tarn_lake_hold(tarn_lake *lake, tarn_hold *hold, tarn_err *err);
/* TARN_DENIED: compliance that has not ended, or governance without bypass. The record of the hold stays. */
TARN_MUST tarn_code tarn_lake_hold_release(tarn_lake *lake, const char *name, bool bypass, const char *who,
                                           const char *why, tarn_err *err);
typedef tarn_code tarn_hold_fn(void *arg, const tarn_hold *hold, tarn_err *err);
/* Every active hold: what garbage collection must keep. TARN_CANCELLED from fn stops without being an error. */
TARN_MUST tarn_code tarn_lake_holds(tarn_lake *lake, tarn_hold_fn *fn, void *arg, tarn_err *err);
/* Also those that have ended or were released. */
TARN_MUST tarn_code tarn_lake_holds_all(tarn_lake *lake, tarn_hold_fn *fn, void *arg, tarn_err *err);

/* Every new commit on refs that match the pattern ('*' is any text; without heads/, tags/ or models/ it is a branch) is
 * held for so many days. days 0 takes the rule away; what is held already stays so. mode is not legal. */
typedef struct tarn_hold_rule {
    char pattern[256];
    tarn_hold_mode mode;
    int64_t days;
} tarn_hold_rule;
TARN_MUST tarn_code tarn_lake_hold_rule_set(tarn_lake *lake, const tarn_hold_rule *rule, const char *who,
                                            tarn_err *err);
typedef tarn_code tarn_hold_rule_fn(void *arg, const tarn_hold_rule *rule, tarn_err *err);
TARN_MUST tarn_code tarn_lake_hold_rules(tarn_lake *lake, tarn_hold_rule_fn *fn, void *arg, tarn_err *err);

/* The lake's time, and how far the machine's clock is ahead of it. */
TARN_MUST tarn_code tarn_lake_hold_clock(tarn_lake *lake, int64_t *lake_us, int64_t *ahead_us, tarn_err *err);

#endif
