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

/* What pruning must know of a node. */
typedef struct tarn_deep_stat {
    double gain;    /* of its split */
    double weight;  /* of its rows */
    uint32_t share; /* SHARES: of a branch, where its rows' shares stand, as `set` of a leaf */
} tarn_deep_stat;

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
    tarn_deep_stat *stat; /* by node, if pruned */
    size_t stat_cap;
    double *prior; /* (classes) shares of the tree's rows, if leaves are smoothed */
    uint8_t *bin;  /* (rows + 31) random cuts: places of the node's rows in one column */
};

/* A column for the rows of one node: the bin of row i is at[i * stride]. */
typedef struct tarn_deep_column {
    const uint8_t *at;
    size_t stride;
} tarn_deep_column;

enum { TARN_DEEP_FEW = 8192 /* items whose rows a core's cache holds */ };

/* Of few rows, all bins of a row are fetched at once, and serve the columns that are tried next; of many, only what is
 * asked for. */
static inline tarn_deep_column tarn_deep_column_of(const tarn_deep *d, const tarn_deep_node *node, int32_t feature)
{
    const tarn_deep_data *x = d->data;

    if (x->by_row && node->items <= TARN_DEEP_FEW) return (tarn_deep_column){x->by_row + feature, x->row_bytes};
    return (tarn_deep_column){x->by_column + (int64_t)feature * x->rows, 1};
}
static inline uint8_t tarn_deep_bin(tarn_deep_column c, int32_t row) { return c.at[(size_t)row * c.stride]; }

/* Places of all bins for this tree: by number, or for categories by label among rows not drawn. */
void tarn_deep_order(tarn_deep *d, uint64_t tree);

/* Look for the node's best split: fills found, gain and by. */
void tarn_deep_look(tarn_deep *d, tarn_deep_node *node);
/* What a cut is judged on, and the best one so far. */
typedef struct tarn_deep_search {
    tarn_deep *d;
    const tarn_deep_node *node;
    tarn_deep_sums total;
    bool pure;
    int32_t feature;            /* of the best; -1: none */
    int32_t after, before;      /* it cuts between these two places */
    bool missing, missing_left; /* the node has missing values there, and they went left */
    bool left_larger;
    double score;
} tarn_deep_search;

/* Random cuts: try one of the column, which is drawn. False if the column is the same in all rows of the node. */
bool tarn_deep_try_random(tarn_deep_search *s, int32_t feature);

/* Make leaves of branches that do not pay; gain[cols] is what is left. Errors: TARN_NOMEM */
TARN_MUST tarn_code tarn_deep_prune(tarn_deep *d, double *gain, tarn_err *err);

#endif
