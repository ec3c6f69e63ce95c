/* SPDX-License-Identifier: Apache-2.0 */
/* tree_leafwise_parts.h - what the files tree_leafwise*.c share. Private to them. */
#ifndef TARN_TRAIN_TREE_LEAFWISE_PARTS_H
#define TARN_TRAIN_TREE_LEAFWISE_PARTS_H

#include "train/tree_leafwise.h"
#include "train/tree_rows.h"

/* The rows of a leaf, and what may become of them. */
typedef struct tarn_leaf_rows {
    int64_t rows;        /* on this rank; where they are: tarn_leaf_pieces */
    int32_t depth, slot; /* slot -1: no histogram */
    tarn_tree_place place;
    bool packed;        /* its form */
    tarn_split_node of; /* over all ranks */
    tarn_split best;
} tarn_leaf_rows;

/* A leaf, and once it is cut, the two that it would become. */
typedef struct tarn_leaf {
    tarn_leaf_rows own, child[2]; /* left, right */
    int32_t node;
    bool cut;       /* the children are known: rows parted, histograms counted, best splits found */
    int less;       /* which child has fewer rows */
    bool looks[2];  /* children whose best split is wanted */
    bool counts[2]; /* ... whose rows are counted */
    bool subtracts; /* the other child's histogram is what the leaf's own leaves over */
} tarn_leaf;

/* What a worker counts in until it is full. */
typedef struct tarn_tally {
    int64_t *fine; /* (cols, 256), zero between leaves */
    int64_t *wide; /* (3, cells): its own, or those of the leaf */
    int64_t rows;  /* in fine */
    bool poured;   /* wide holds something */
    tarn_tree_batch batch;
} tarn_tally;

struct tarn_leafwise {
    const tarn_fit *job;
    const tarn_bins *bins;
    const tarn_binned *rows;
    tarn_pack pack;
    tarn_leafwise_shape shape;
    tarn_tree_rows list;
    tarn_tree tree;
    tarn_leaf *leaf; /* (shape.leaves) */
    int32_t leaves;
    int64_t *slot; /* (slots, 3, cells) */
    bool *taken;   /* (slots) */
    int32_t slots;
    int32_t ahead;               /* how many leaves may be cut before it is their turn */
    tarn_tree_piece *piece;      /* (shape.leaves, 3, strips) */
    bool mark[TARN_TREE_MARKED]; /* taken */
    int64_t root_rows;           /* that take part, over all ranks */
    int64_t *fine;               /* (threads, cols, 256), zero between calls */
    int64_t *wide;               /* (threads, 3, cells) */
    tarn_tally *tally;           /* (threads) */
    tarn_split *found;           /* (2, cols) */
    int64_t *bucket;             /* (bucket_leaves, 256) for refitting */
    int32_t bucket_leaves;
    /* during grow */
    const int64_t *packed;
    const tarn_split_rules *rules;
    const tarn_hist_use *use;
};

enum {
    TARN_LEAVES_AHEAD = 8, /* cut at once, so that threads have leaves of their own */
    TARN_REFIT_LEAVES = 1024
};

static inline size_t tarn_slot_cells(const tarn_leafwise *w) { return 3 * (size_t)w->bins->cells; }

/* The pieces of a part of a leaf: its own rows (0), or those of its children (1 left, 2 right). */
static inline tarn_tree_piece *tarn_leaf_pieces(const tarn_leafwise *w, const tarn_leaf *l, int part)
{
    return w->piece + ((size_t)(l - w->leaf) * 3 + (size_t)part) * (size_t)w->list.strips;
}

/* Of which rows a leaf consists: a part of it is its own rows (0) or, once it is cut, those of its children (1, 2).
 * Begin with -1; -1 afterwards. */
static inline int tarn_leaf_next_part(const tarn_leaf *l, int part)
{
    if (part < 0) return l->cut ? 1 : 0;
    return part == 1 ? 2 : -1;
}
static inline const tarn_leaf_rows *tarn_leaf_part(const tarn_leaf *l, int part)
{
    return part == 0 ? &l->own : &l->child[part - 1];
}

/* The histogram of a leaf that has a slot. */
static inline tarn_hist tarn_leaf_hist(const tarn_leafwise *w, const tarn_leaf_rows *l)
{
    return (tarn_hist){w->slot + (size_t)l->slot * tarn_slot_cells(w), l->packed};
}

/* Count the rows of the root, those of all ranks, and find its best split. */
TARN_MUST tarn_code tarn_leaf_plant(tarn_leafwise *w, tarn_leaf *root, tarn_err *err);
/* Cut n leaves (what they are to become is filled in), by any threads. */
TARN_MUST tarn_code tarn_leaf_cut(tarn_leafwise *w, tarn_leaf *const *leaf, int32_t n, tarn_err *err);

#endif
