/* SPDX-License-Identifier: Apache-2.0 */
/* tree_deep_parts.h - what the files tree_deep*.c share. Private to them. */
#ifndef TARN_TRAIN_TREE_DEEP_PARTS_H
#define TARN_TRAIN_TREE_DEEP_PARTS_H

#include "train/tree_deep.h"

enum { TARN_DEEP_PLACES = 256 /* bins of a feature, the missing one included, in the order in which they are cut */ };

/* How labels are summed. */
typedef enum tarn_deep_mode {
    TARN_DEEP_COUNTS, /* two classes without weights: counts, packed two in 64 bits */
    TARN_DEEP_MEANS,  /* values, or two classes with weights: sums of weights and of weighted values */
    TARN_DEEP_SHARES  /* more classes: a sum of weights for each */
} tarn_deep_mode;

/* A drawn row. COUNTS: drawn << 16 | drawn times label; else: how often it was drawn. */
typedef struct tarn_deep_item {
    int32_t row;
    uint32_t w;
} tarn_deep_item;

typedef struct tarn_deep_sums {
    double w, s; /* weights; weighted values (or labels) */
    int64_t n;   /* rows as often as drawn */
} tarn_deep_sums;

/* A node whose fate is open. */
typedef struct tarn_deep_node {
    int64_t at, items; /* its piece of the list */
    int64_t rows;      /* as often as drawn */
    int32_t node, depth;
    uint64_t id;    /* the way from the root, for draws */
    uint64_t order; /* of becoming open */
    bool found;     /* a split */
    double gain;
    tarn_branch by;
} tarn_deep_node;

struct tarn_deep {
    const tarn_deep_data *data;
    tarn_deep_shape shape;
    tarn_deep_mode mode;
    uint64_t seed;                /* the tree's own */
    uint16_t *drawn;              /* (rows) how often */
    tarn_deep_item *list, *spare; /* (rows) */
    int64_t items;
    double *w, *s;        /* (rows) of the node being looked at: weight, weighted value. MEANS, SHARES */
    int32_t *label;       /* (rows) SHARES */
    uint64_t *packed;     /* (PLACES) COUNTS. These three are zero between columns */
    tarn_deep_sums *sums; /* (PLACES) MEANS, SHARES */
    double *share;        /* (PLACES, classes) SHARES */
    double *side;         /* (3, classes) the node's, left, right */
    uint8_t *place;       /* (cols, PLACES) of each bin */
    int32_t *column;      /* (cols) */
    tarn_deep_node *open; /* a heap, the next to be split first */
    size_t n_open, open_cap;
    uint64_t opened;
    tarn_tree tree, one_class;
    double *shares; /* SHARES: (leaves, classes); a leaf's `set` is its number */
    size_t leaves, shares_cap;
};

/* Places of all bins for this tree: by number, or for categories by label among rows not drawn. */
void tarn_deep_order(tarn_deep *d, uint64_t tree);

/* Look for the node's best split: fills found, gain and by. */
void tarn_deep_look(tarn_deep *d, tarn_deep_node *node);

#endif
