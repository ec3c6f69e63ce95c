/* SPDX-License-Identifier: Apache-2.0 */
/* history: the second door of the lake. In: branches that went their own ways. Out: one again, and who did what.
 *
 * Merging compares three trees (the best common ancestor's and the two sides') and reads only what changed on
 * the side that changed less. A path that one side changed is taken, a path that both changed alike is fine; changed
 * differently, or changed and removed, is a conflict. Every change of a branch here begins again on the new head
 * by itself when another came first. Renames are not followed: a moved file is one path gone and one path new.
 *
 * Protection: rules by branch pattern, kept in the lake, so that every way in obeys them.
 *
 * Threads: any, as in lake.h.
 */
#ifndef TARN_LAKE_HISTORY_H
#define TARN_LAKE_HISTORY_H

#include "lake/lake.h"

/* ---- merging ---- */

/* The best common ancestor of two commits: one that is no ancestor of another common ancestor. Where there are
 * several (criss-cross merges), the newest by time, and of equally new ones that with the smallest id, so that everyone
 * gets the same. *out is none if they share nothing. Cost: the commits newer than the answer. */
TARN_MUST tarn_code tarn_lake_merge_base(tarn_lake *lake, const tarn_id *a, const tarn_id *b, tarn_id *out,
                                         tarn_err *err);

/* Asked at a conflict, after patterns and before the strategy: NULL where the path does not exist. Put what shall
 * stand there into *merged (object none: nothing; its path is set) and say *settled; or leave it, and say why. May be
 * called again for the same path when the branch moved meanwhile. Objects it puts are synced with the merge. */
typedef tarn_code tarn_resolve_fn(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                                  const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_text *why,
                                  tarn_err *err);

/* A conflict that stays. why: "" or what the resolver said. All live for the call. */
typedef tarn_code tarn_conflict_fn(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                                   const tarn_entry *theirs, const char *why, tarn_err *err);

typedef enum tarn_side { TARN_SIDE_NONE, TARN_SIDE_OURS, TARN_SIDE_THEIRS } tarn_side;

typedef struct tarn_merge_options {
    const char *author, *message; /* message NULL: one is made */
    const json_t *meta;           /* may be NULL */
    tarn_side strategy;           /* of conflicts that nothing else settled */
    const char *ours, *theirs;    /* patterns of paths, one a line: their conflicts go to that side; NULL: none.
                                     '*' and '?' stay within a part of a path, '**' does not; "x/" is all below x */
    tarn_resolve_fn *resolve;     /* may be NULL */
    void *resolve_arg;
    tarn_conflict_fn *conflict; /* told each conflict that stays, in order of paths; may be NULL */
    tarn_change_fn *change;     /* told what the merge changes in the branch; may be NULL */
    void *told_arg;             /* of conflict and change */
    int mainline; /* revert and pick of a merge: which parent counts as what was before, 1 or 2; 0: not said */
    bool no_ff;   /* a merge commit even where moving the branch would do */
    bool dry_run; /* tell, and change nothing */
} tarn_merge_options;

typedef struct tarn_merge_result {
    tarn_id commit;             /* the branch's head now; dry run: what it stays at */
    tarn_id base, tree;         /* base: of a merge; tree: what came out */
    bool fast_forward, nothing; /* nothing: all of it was there already */
    int64_t settled;            /* conflicts settled by patterns, resolver or strategy */
    int64_t conflicts;          /* that stay */
    char idle[256];             /* the first pattern of ours and theirs that fits no conflict; "": each fits one */
} tarn_merge_result;

/* Merge `from` (a ref) into branch `into`. TARN_CONFLICT, with out->conflicts > 0 and nothing changed, if conflicts
 * stay. Where the branch requires checks there is always a merge commit: their results stand in it. */
TARN_MUST tarn_code tarn_lake_merge(tarn_lake *lake, const char *from, const char *into,
                                    const tarn_merge_options *options, tarn_merge_result *out, tarn_err *err);
/* Undo on `branch` what `commit` did, or do it there once more: as a merge with the same rules, one parent. */
TARN_MUST tarn_code tarn_lake_revert(tarn_lake *lake, const char *branch, const tarn_id *commit,
                                     const tarn_merge_options *options, tarn_merge_result *out, tarn_err *err);
TARN_MUST tarn_code tarn_lake_pick(tarn_lake *lake, const char *branch, const tarn_id *commit,
                                   const tarn_merge_options *options, tarn_merge_result *out, tarn_err *err);
/* Make branch name `to`. *was: what it named; *when_us: a time at which it did (branch@{time} finds it again). */
TARN_MUST tarn_code tarn_lake_reset(tarn_lake *lake, const char *branch, const tarn_id *to, const char *who,
                                    const char *why, tarn_id *was, int64_t *when_us, tarn_err *err);

/* ---- looking back ---- */

typedef struct tarn_log_options {
    const char *author;         /* part of the author's name; NULL: any */
    int64_t since_us, until_us; /* by the commits' times, both included; 0: no bound */
    const char *path;           /* a path, or a folder with '/' behind: only commits that differ there from every parent
                                   they have; NULL: all */
    int64_t limit;              /* 0: no limit */
} tarn_log_options;
/* tarn_lake_log with a choice. Walks from the newest; stops below since_us. */
TARN_MUST tarn_code tarn_lake_log_some(tarn_lake *lake, const tarn_id *from, const tarn_log_options *options,
                                       tarn_commit_fn *fn, void *arg, tarn_err *err);

/* The commit that last changed a path: back from `from`, always to a parent that has the same there (the first such).
 * For a folder ("a/", or "" for the top) each of its entries is told with its own; what is in inner folders counts as
 * theirs. TARN_NOT_FOUND if there is no such path. */
typedef tarn_code tarn_blame_fn(void *arg, const tarn_entry *entry, const tarn_commit *commit, tarn_err *err);
TARN_MUST tarn_code tarn_lake_blame(tarn_lake *lake, const tarn_id *from, const char *path, tarn_blame_fn *fn,
                                    void *arg, tarn_err *err);

/* What happened to a ref, newest first, also when it is gone. */
typedef struct tarn_move {
    tarn_id was, to; /* none: it did not exist */
    int64_t time_us;
    const char *who, *why;
} tarn_move;
typedef tarn_code tarn_move_fn(void *arg, const tarn_move *move, tarn_err *err);
TARN_MUST tarn_code tarn_lake_ref_moves(tarn_lake *lake, const char *name, tarn_move_fn *fn, void *arg, tarn_err *err);

/* ---- staging areas: one for each branch and user ---- */

/* Who has something staged on the branch, and how many rows. */
typedef tarn_code tarn_area_fn(void *arg, const char *who, int64_t rows, tarn_err *err);
TARN_MUST tarn_code tarn_lake_areas(tarn_lake *lake, const char *branch, tarn_area_fn *fn, void *arg, tarn_err *err);
/* What a path is on the branch with who's staged changes on top. TARN_NOT_FOUND. */
TARN_MUST tarn_code tarn_lake_lookup_staged(tarn_lake *lake, const char *branch, const char *who, const char *path,
                                            tarn_entry *out, tarn_err *err);
/* Changes from a commit (NULL: the empty tree) to the branch with who's staged changes on top. */
TARN_MUST tarn_code tarn_lake_diff_staged(tarn_lake *lake, const tarn_id *a, const char *branch, const char *who,
                                          const char *prefix, tarn_change_fn *fn, void *arg, tarn_err *err);
/* "main$", "main$/a/b": true, and the branch's full name and the path, if the branch exists. */
TARN_MUST tarn_code tarn_lake_resolve_staged(tarn_lake *lake, const char *text, bool *staged, char branch[256],
                                             char path[1025], tarn_err *err);

/* ---- protection ---- */

/* Rules are JSON: {"no_direct": true, "require": ["schema", "command: ./check.sh"], "seconds": 300}. A branch that any
 * pattern names cannot be reset, removed or forced. no_direct: it changes by merges only. require: what the gate must
 * pass before the branch moves; seconds: for each command. A rule replaces that of the same pattern; NULL takes it
 * away (TARN_NOT_FOUND without one). '*' stays within a part of the branch's name, '**' does not. */
TARN_MUST tarn_code tarn_lake_protect(tarn_lake *lake, const char *pattern, const json_t *rule, const char *who,
                                      tarn_err *err);
/* All rules, {pattern: rule}; decref. */
TARN_MUST tarn_code tarn_lake_protection(tarn_lake *lake, json_t **out, tarn_err *err);
/* The rules that hold for a branch, united; NULL: it is not protected. decref. */
TARN_MUST tarn_code tarn_lake_protection_of(tarn_lake *lake, const char *branch, json_t **out, tarn_err *err);

/* What the lake asks before it moves a protected branch. */
typedef struct tarn_gate_ask {
    const char *ref, *event; /* "heads/main"; "commit", "merge", "revert", "pick", "branch" */
    tarn_id head;            /* none: the branch will be made */
    tarn_id commit;          /* the candidate: durable, readable by id, on no branch */
    const json_t *require;
    int64_t seconds;
} tarn_gate_ask;
/* Append {"check", "passed", "seconds", "summary"} for each to results, which go into the commit's metadata as
 * "checks". TARN_CHECK refuses the change and says which check and what. Called without any lock of the lake, but
 * with the branch's turn: a check that changes the same branch is refused (environment TARN_CHECKING), since it would
 * wait for itself. */
typedef tarn_code tarn_gate_fn(const void *arg, tarn_lake *lake, const tarn_gate_ask *ask, json_t *results,
                               tarn_err *err);
/* Without a gate, a branch that requires checks does not move. Set it before threads share the lake. */
void tarn_lake_set_gate(tarn_lake *lake, tarn_gate_fn *fn, const void *arg);
/* For a gate's child: the value of TARN_CHECKING while it checks `ref`. */
TARN_MUST tarn_code tarn_lake_checking(const tarn_lake *lake, const char *ref, tarn_text *out, tarn_err *err);

#endif
