/* SPDX-License-Identifier: Apache-2.0 */
/* stored.h - rows that a model keeps, with their labels, and the vote of the nearest. For the nodes that have such. */
#ifndef TARN_MODEL_STORED_H
#define TARN_MODEL_STORED_H

#include "math/kd.h"
#include "model/node.h"
#include "model/payload.h"

typedef struct tarn_stored {
    const tarn_neighbors_data *head;
    const double *label, *weight; /* weight: NULL if there is none */
    tarn_near near;               /* without a tree */
    tarn_kd kd;                   /* with one */
} tarn_stored;

/* Where everything is in the node's payload, which is at least as long as its head. Returns how long the payload must
 * be at least (what follows is the node's own). The head must have been checked. */
uint64_t tarn_stored_view(const tarn_node_view *n, tarn_stored *out);
/* Errors: TARN_CORRUPT, as a node's check. */
TARN_MUST tarn_code tarn_stored_check(const tarn_node_view *n, tarn_stored *out, uint64_t *len, tarn_err *err);

/* What the nearest, sorted, say: into register n->out and following, row i. */
void tarn_stored_vote(const tarn_stored *s, const tarn_node_view *n, const tarn_best *best, size_t i, size_t stride,
                      double *regs);

#endif
