/* SPDX-License-Identifier: Apache-2.0 */
/* payload.h - the flat bytes of each kind of node: what training fills in and running reads.
 *
 * All little-endian, 8-byte aligned, no pointers. Arrays follow their head in the order named. A payload is exactly as
 * long as what is named here; numbers are finite unless it says otherwise.
 *
 * A category's code x is level floor(x) if 0 <= x < levels; NaN is missing; all else (TARN_UNSEEN, too large,
 * infinite) is unseen. So no register content is wrong.
 */
#ifndef TARN_MODEL_PAYLOAD_H
#define TARN_MODEL_PAYLOAD_H

#include <stdint.h>

/* dateparts: 1 moment in, one number out per part. data: uint32_t part[n_out]. Missing gives missing, and so
 * do infinities and what is more than 2^62 us from 1970. All in UTC, Gregorian calendar. */
typedef enum tarn_date_part {
    TARN_PART_YEAR,
    TARN_PART_MONTH,   /* 1..12 */
    TARN_PART_DAY,     /* 1..31 */
    TARN_PART_WEEKDAY, /* 0 Monday .. 6 Sunday */
    TARN_PART_HOUR,
    TARN_PART_MINUTE,
    TARN_PART_YEARDAY, /* 1..366 */
    TARN_PART_DAYS,    /* days since 1970-01-01, with fraction */
    TARN_PART_COUNT
} tarn_date_part;

/* gaussian: d numbers in, k out. data: double bias[k], mean[k][d], half[k][d], width[k][d]; half is at least 0.
 * out_k = bias_k - sum_j (half_kj (x_j - mean_kj)^2 + width_kj), where a square counts 1e280 at most; missing and
 * infinities add nothing. */

/* impute: n numbers in, n out. data: double fill[n]. Missing becomes fill; infinities too. A category's
 * unseen code stays. */

/* scale: n in, n out. data: double shift[n], double factor[n]. out = (in - shift) * factor; missing stays. */

/* onehot: 1 category in, levels + missing_column out. Code j sets output j; missing sets the last
 * output if missing_column; unseen sets none. */
typedef struct tarn_onehot_data {
    uint32_t levels, missing_column; /* missing_column: 0 or 1 */
} tarn_onehot_data;

/* above: n numbers in, n out. data: double threshold[n]. out = 1 if x > threshold, else 0; missing gives 0. */

/* bag: 1 text and k numbers in, k out: to each number its weights of the text's columns are added, times what stands in
 * them, in order of the columns, with fused multiply-add. data: the recipe below, then double weight[cols][k].
 *
 * The recipe: tarn_bag_data; for a vocabulary uint32_t at[cols + 1] and uint32_t slot[slots]; char words[text]; (pad to
 * 8); with TARN_BAG_IDF double idf[cols]. Word j is words at[j] .. at[j + 1] - 1; words ascend by bytes, each once. A
 * slot is 0, or 1 + the number of a word; a word is looked for from slot (its hash mod slots) on, up to an empty one.
 *
 * A text is cut into tokens (tokens.h); a token's column is its word's, or the absolute value of its hash mod cols. A
 * column's number is the sum over its tokens (1 each, or -1 where SIGN is set and the hash is negative; values give
 * their own). BINARY makes it 1; SUBLINEAR 1 + log of it, if positive; IDF multiplies; the norm divides all numbers of
 * the text. What comes out is rounded to float. */
typedef enum tarn_tokens {
    TARN_TOKENS_WORDS,  /* two letters or more */
    TARN_TOKENS_CHARS,  /* characters, runs of white space as one space */
    TARN_TOKENS_VALUES, /* parted by white space: name, or name:number */
    TARN_TOKENS_WHOLE,  /* the text itself */
    TARN_TOKENS_COUNT
} tarn_tokens;
typedef enum tarn_bag_flag {
    TARN_BAG_LOWER = 1,
    TARN_BAG_STOP = 2, /* leave English stop words out */
    TARN_BAG_BINARY = 4,
    TARN_BAG_SUBLINEAR = 8,
    TARN_BAG_SIGN = 16,
    TARN_BAG_IDF = 32,
    TARN_BAG_FLAGS = 63
} tarn_bag_flag;
typedef enum tarn_bag_norm { TARN_NORM_NONE, TARN_NORM_L1, TARN_NORM_L2, TARN_NORM_COUNT } tarn_bag_norm;
typedef struct tarn_bag_data {
    uint32_t tokens, flags, norm;
    uint32_t least, most; /* tokens in a row that make one: 1 <= least <= most <= 16; values and whole: 1 */
    uint32_t hashed;      /* 1: cols is a power of two, up to 2^24; 0: there is a vocabulary */
    uint32_t cols, slots; /* slots: a power of two above cols; 0 if hashed */
    uint32_t text;        /* bytes of the words; 0 if hashed */
    uint32_t outputs;     /* the node's k */
} tarn_bag_data;

/* levels: k numbers and c categories in, k out: to each number is added what the table says of each category's level,
 * in order; missing and unseen add nothing. data: tarn_levels_data, uint32_t first[c + 1] (ascending from 0), (pad to
 * 8), double table[first[c]][k]: category j's levels are rows first[j] .. first[j + 1] - 1. */
typedef struct tarn_levels_data {
    uint32_t categories, outputs; /* c and k */
} tarn_levels_data;

/* linear: d in (may be 0), k out. data: double bias[k], double weight[k][d]. out_k = bias_k + sum_j weight_kj in_j,
 * added in order of j with fused multiply-add. */

/* link: k in, k out. data: tarn_link_data. softmax and shares treat each row, all others each column by
 * itself. */
typedef enum tarn_link {
    TARN_LINK_IDENTITY,
    TARN_LINK_SIGMOID,
    TARN_LINK_SOFTMAX,
    TARN_LINK_EXP,
    TARN_LINK_SHARES,
    TARN_LINK_COUNT
} tarn_link;
typedef struct tarn_link_data {
    uint32_t link, pad; /* pad 0 */
} tarn_link_data;

/* trees: d in, k out. out_k = base_k + factor * (sum over trees of output k, in tree order, of the reached
 * leaf's value). data: tarn_trees_data, double base[k], uint32_t root[trees], uint32_t output[trees],
 * (pad to 8), tarn_tree_node node[nodes], uint64_t bits[words].
 * Trees stand one after another: root[0] is 0, root[t + 1] is the node behind tree t's last one, and the last tree ends
 * at `nodes` (trees and nodes may both be 0). A tree's nodes are in preorder: the left child of node i is i + 1, the
 * right one is `right` > i + 1, the node behind the left subtree. At most 2^30 nodes. */
typedef struct tarn_trees_data {
    uint32_t trees, nodes, words, outputs; /* outputs: the node's k */
    double factor;
} tarn_trees_data;

enum {
    TARN_TREE_LEAF = 1 << 27,
    TARN_TREE_CATEGORY = 1 << 26,     /* value's bits hold (first word << 32 | number of levels covered) */
    TARN_TREE_MISSING_LEFT = 1 << 25, /* missing, and unseen categories, go left */
    TARN_TREE_FEATURE = (1 << 24) - 1
};
typedef struct tarn_tree_node {
    double value;   /* leaf: its value; number: go left if x <= value (not NaN, may be infinite); category: see above */
    uint32_t flags; /* feature index (0..d-1) and the flags above; of a leaf: TARN_TREE_LEAF */
    uint32_t right; /* of a leaf: 0 */
} tarn_tree_node;
/* A category's code c goes left if bit c of bits[first word ...] is set (bit c % 64 of word c / 64); c >= levels
 * covered and unseen are as missing. At least one level is covered; a trailing word may be shared or have spare bits.
 */

/* kernel: d in (may be 0), k out: sums of kernel values, as support vector machines have. data: tarn_kernel_data,
 * double shift[d], double bias[k], double coef[sides][rows], uint32_t start[classes + 1] if classes, (pad to 8),
 * float square[rows], float row[rows][d], (pad to 8).
 * With x the row as tarn_kernel_number(in - shift) (math/kernel.h) and square the |x|^2 of each stored row:
 * classes 0: k and sides are 1, out = bias + sum_r coef_r k(row_r, x). Else k is classes (classes - 1) / 2 and sides is
 * classes - 1: rows start[a] .. start[a + 1] - 1 belong to class a, and the output of a pair a < b, in the order (0,1)
 * (0,2) .. (1,2) .., is bias + the sum over rows of a with coef[b - 1] and over rows of b with coef[a]. */
typedef struct tarn_kernel_data {
    uint32_t kind, degree, rows, classes; /* kind: tarn_kernel_kind; degree: 0 to 64 */
    float gamma, coef0;                   /* gamma > 0 */
} tarn_kernel_data;

/* coupling: the probability of a against b for each pair of classes, in the order of `kernel`, in; a probability per
 * class out. data: tarn_coupling_data. */
typedef struct tarn_coupling_data {
    uint32_t classes, pad; /* classes: 3 or more; pad 0 */
} tarn_coupling_data;

/* neighbors: d in (1 or more), out 1 or, with 3 or more classes, one share per class: a vote of the k nearest of some
 * stored rows. data: tarn_neighbors_data, double label[rows], double weight[rows] if weighted, then
 * with a tree (math/kd.h): uint32_t number[leaves * 16], tarn_kd_split split[leaves - 1], uint32_t column[leaves - 1],
 * (pad to 8), values as there; without: float norm[rows], (pad to 8), values row[rows][d] (math/near.h); (pad to 8);
 * with briefs (math/brief.h): float centre[d], (pad to 8), tarn_brief_note note[rows], int8_t code[places][stride].
 * label is a class, or the value of which the mean is taken; number says which label a place of the tree has. */
typedef struct tarn_neighbors_data {
    uint32_t metric, by_distance, k,
        classes;                         /* by_distance: votes count 1 / distance; classes 0: the mean; k: 1 to 1024 */
    uint32_t rows, wide, tree, weighted; /* rows: 1 or more; wide: values are doubles, else floats */
    float most;                          /* as in tarn_near */
    uint32_t brief;                      /* there are briefs: not with a tree, Euclidean or cosine distance only */
} tarn_neighbors_data;
enum { TARN_NEIGHBORS_MOST = 1024 };

/* neighbor_graph: in and out as neighbors, but found through a graph (math/hnsw.h), so some of the k nearest may be
 * missed. data: as neighbors without tree and briefs, then tarn_neighbor_graph_data, uint32_t size[levels] (pad to 8),
 * double low[d], the sketches of the nodes (math/sketch.h), uint32_t first[nodes + 1], uint32_t member[rows], uint32_t
 * start[lists + 1], uint32_t link[links], (pad to 8). size is how many nodes each level has, from 0 up, size[0] being
 * nodes; lists is the sum of it, level by level. Node i stands for rows member[first[i]] .. member[first[i + 1] - 1]
 * (one or more, all the same), and has links to those from link[start[list]] on, which are nodes of the same level. */
typedef struct tarn_neighbor_graph_data {
    uint32_t nodes, levels, links, kind; /* kind: tarn_sketch_kind */
    uint32_t ef;                         /* how many nodes a search keeps: k or more */
    uint32_t sample;                     /* how many rows recall was measured with, before they were put in */
    double recall;                       /* the share of the k nearest that was found; 0 to 1 */
    double steps;                        /* as in tarn_sketches: above 0 */
} tarn_neighbor_graph_data;

#endif
