/* SPDX-License-Identifier: Apache-2.0 */
/* ancestry.h - walking over commits from the newest back. */
#ifndef TARN_LAKE_ANCESTRY_H
#define TARN_LAKE_ANCESTRY_H

#include "lake/commit.h"
#include "lake/idmap.h"

/* Commits to come: a heap with the newest on top, ties by id. Start with {0}. */
typedef struct tarn_queue {
    tarn_links *heap;
    size_t n, cap;
} tarn_queue;
TARN_MUST tarn_code tarn_queue_push(tarn_queue *q, const tarn_links *links, tarn_err *err);
tarn_links tarn_queue_pop(tarn_queue *q);
void tarn_queue_clear(tarn_queue *q);

enum { TARN_LINKS_KEPT = 64 };

/* Every commit reachable from some, once each, newest first. Start with {.lake}. */
typedef struct tarn_past {
    tarn_lake *lake;
    tarn_queue queue;
    tarn_idmap seen;
    tarn_links kept[TARN_LINKS_KEPT]; /* read lately, by their ids' last byte */
} tarn_past;
/* A commit's links, not read again if they were read lately. */
TARN_MUST tarn_code tarn_past_links(tarn_past *p, const tarn_id *id, tarn_links *out, tarn_err *err);
/* Unless it was seen. */
TARN_MUST tarn_code tarn_past_add(tarn_past *p, const tarn_id *id, tarn_err *err);
/* The next one, its parents added. *ended at the end. */
TARN_MUST tarn_code tarn_past_next(tarn_past *p, tarn_links *out, bool *ended, tarn_err *err);
void tarn_past_clear(tarn_past *p);

#endif
