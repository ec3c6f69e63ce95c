/* SPDX-License-Identifier: Apache-2.0 */
/* landings.h - those who wait to land a commit, and landing them together; private to land.c, group.c, landings.c.
 *
 * land.c builds alone what may take long (checks, merges of tables) and hands everything to the queue; the first who
 * waits there leads: it takes all who wait with it, and group.c builds what is not built yet, one on the other, makes
 * all of it durable in one transaction, and tells each what became of his. */
#ifndef TARN_LAKE_LANDINGS_H
#define TARN_LAKE_LANDINGS_H

#include "lake/access_inside.h"
#include "lake/commit.h"

#include <semaphore.h>

enum { TARN_GROUP_MOST = 256 };

/* One who lands. It is the leader's until it has an answer. */
typedef struct tarn_lander {
    const tarn_landing *landing;
    const tarn_who *who; /* acts on the thread that called; NULL: nobody said */
    tarn_id stamp;       /* of the protection that was read for it */
    tarn_draft *draft;
    bool built;    /* the draft is a stored commit for ... */
    tarn_id head;  /* ... this head (out: what its commit stands on), made ... */
    int64_t swept; /* ... after so many sweeps */

    tarn_id commit; /* out: what the ref names now */
    bool lost;      /* out: begin again; its head or its protection is not what it was */
    tarn_code rc;   /* out, with *err */
    tarn_err *err;  /* may be NULL */

    bool settled, moves, leans; /* group.c: has its answer; moves its ref; was answered by a commit of the group */
    struct tarn_lander *next;   /* landings.c: and what follows */
    bool leads;                 /* it is told to lead, not what became of it */
    sem_t told;
} tarn_lander;

/* The commit's id, its bytes into the store. parent (may be NULL) is what is known of one of its parents. */
TARN_MUST tarn_code tarn_land_make(tarn_lake *lake, const tarn_landing *l, const tarn_links *parent, tarn_draft *draft,
                                   tarn_err *err);
/* The head of a ref; none if there is no such ref. */
TARN_MUST tarn_code tarn_land_head(tarn_lake *lake, const char *ref, tarn_id *head, tarn_err *err);
/* TARN_CONFLICT if the landing expects another head. */
TARN_MUST tarn_code tarn_land_expected(const tarn_landing *l, const tarn_id *head, tarn_err *err);
/* Wait for the turn among the threads and processes of this folder, of a ref or (NULL) the lake's; to be closed. -1: no
 * such file can be made; then there is only luck. */
int tarn_land_turn(tarn_lake *lake, const char *ref);

/* ---- group.c ---- */

/* Who lands together: v, n of them so far; more (may be NULL) adds those who come in time, until it leaves n alone. */
typedef struct tarn_group {
    tarn_lander *v[TARN_GROUP_MOST];
    size_t n;
    void (*more)(void *arg, struct tarn_group *group);
    void *arg;
    double publishing; /* out: seconds that the last transaction took */
} tarn_group;
/* Land them together. Each has rc, or lost. */
void tarn_group_land(tarn_lake *lake, tarn_group *group);

/* ---- landings.c ---- */

typedef struct tarn_landings tarn_landings;
TARN_MUST tarn_code tarn_landings_new(tarn_landings **out, tarn_err *err);
void tarn_landings_free(tarn_landings *q);
/* Somebody will join soon, and has had its answer: a leader waits a moment for those who are on their way. */
void tarn_landings_come(tarn_lake *lake);
void tarn_landings_go(tarn_lake *lake);
/* Land with all who wait meanwhile. The answer is in x. */
void tarn_landings_join(tarn_lake *lake, tarn_lander *x);

#endif
