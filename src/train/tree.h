/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - trees while they grow, and the grove of finished ones that becomes a node of the model.
 *
 * A tarn_tree branches on bins; tarn_grove_add turns it into the form of model/payload.h, with the edges of the bins
 * as thresholds and levels as bits, its nodes in preorder. A row takes the same way by its bins as by its values.
 *
 * Calls, in order: tarn_tree_init, (tarn_tree_reset, tarn_tree_split ..., tarn_grove_add) per tree,
 * tarn_grove_finish, then tarn_tree_clear and tarn_grove_clear.
 */
#ifndef TARN_TRAIN_TREE_H
#define TARN_TRAIN_TREE_H

#include "model/payload.h"
#include "train/bins.h"

enum { TARN_TREE_SET_WORDS = 4 /* of 64 bins */ };

/* A way to part the rows of a node. A number goes left if its bin is <= bin; a category if its bin's bit is set. */
typedef struct tarn_branch {
    int32_t feature;
    bool category, missing_left;
    uint8_t bin;
    uint64_t set[TARN_TREE_SET_WORDS]; /* category; includes the missing bin if missing_left */
} tarn_branch;

typedef struct tarn_tree_bud {
    double value;        /* leaf */
    int32_t feature;     /* -1: leaf */
    int32_t left, right; /* nodes */
    uint32_t set;        /* category: first word in sets */
    uint8_t bin;
    bool category, missing_left;
} tarn_tree_bud;

typedef struct tarn_tree {
    tarn_tree_bud *node;
    uint64_t *sets;
    int32_t nodes, node_cap;
    uint32_t words, word_cap;
} tarn_tree;

/* Places for so many nodes and category branches; both grow when needed. */
TARN_MUST tarn_code tarn_tree_init(tarn_tree *t, int32_t nodes, int32_t categories, tarn_err *err);
void tarn_tree_clear(tarn_tree *t);
/* One leaf of this value. */
void tarn_tree_reset(tarn_tree *t, double value);
/* Leaf `node` becomes a branch with two leaves of value 0, nodes t->nodes - 2 (left) and t->nodes - 1. On failure the
 * tree is as before. */
TARN_MUST tarn_code tarn_tree_split(tarn_tree *t, int32_t node, const tarn_branch *by, tarn_err *err);
/* left[bin] = 1 for each bin of the feature (the missing one too) that goes left, else 0. */
void tarn_branch_table(const tarn_branch *b, const tarn_bins *bins, uint8_t left[256]);
/* The value of the leaf that a row reaches by its bins. */
double tarn_tree_value(const tarn_tree *t, const tarn_bins *bins, const uint8_t *row);

/* Finished trees. Starts as {0}. */
typedef struct tarn_grove {
    tarn_tree_node *node;
    uint64_t *bits;
    uint32_t *root, *output;
    uint32_t nodes, words, trees;
    uint32_t node_cap, word_cap, tree_cap;
} tarn_grove;

void tarn_grove_clear(tarn_grove *g);
/* Add a tree for one output of the model. Errors: TARN_NOMEM; TARN_LIMIT 2^32 nodes; the grove is then as before. */
TARN_MUST tarn_code tarn_grove_add(tarn_grove *g, const tarn_tree *t, const tarn_bins *bins, uint32_t output,
                                   tarn_err *err);
/* Forget the trees from number `trees` on. */
void tarn_grove_cut(tarn_grove *g, uint32_t trees);
/* Add all of b's trees behind g's. */
TARN_MUST tarn_code tarn_grove_join(tarn_grove *g, const tarn_grove *b, tarn_err *err);
/* Every rank's trees, in rank order, to every rank. */
TARN_MUST tarn_code tarn_grove_gather(tarn_grove *g, tarn_comm *comm, tarn_err *err);
/* The payload of a node `trees`: base[outputs] + factor * sums. tarn_free. */
TARN_MUST tarn_code tarn_grove_payload(const tarn_grove *g, uint32_t outputs, const double *base, double factor,
                                       void **out, size_t *out_len, tarn_err *err);
/* The trees of a payload that a graph has taken (so that it is sound), into an empty grove. Errors: TARN_NOMEM;
 * TARN_CORRUPT no grove made it */
TARN_MUST tarn_code tarn_grove_read(tarn_grove *g, const void *payload, tarn_err *err);
/* Add the node `trees` to the job's graph: base[outputs] + factor * sums. *first is its first register. */
TARN_MUST tarn_code tarn_grove_finish(const tarn_grove *g, const tarn_fit *job, uint32_t outputs, const double *base,
                                      double factor, uint32_t *first, tarn_err *err);

#endif
