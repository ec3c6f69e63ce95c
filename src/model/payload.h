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

/* impute: n numbers in, n out. data: double fill[n]. Missing becomes fill; infinities too. A category's
 * unseen code stays. */

/* scale: n in, n out. data: double shift[n], double factor[n]. out = (in - shift) * factor; missing stays. */

/* onehot: 1 category in, levels + missing_column out. Code j sets output j; missing sets the last
 * output if missing_column; unseen sets none. */
typedef struct tarn_onehot_data {
    uint32_t levels, missing_column; /* missing_column: 0 or 1 */
} tarn_onehot_data;

/* linear: d in (may be 0), k out. data: double bias[k], double weight[k][d]. out_k = bias_k + sum_j weight_kj in_j,
 * added in order of j with fused multiply-add. */

/* link: k in, k out. data: tarn_link_data. All but softmax treat each column by itself; softmax each row. */
typedef enum tarn_link {
    TARN_LINK_IDENTITY,
    TARN_LINK_SIGMOID,
    TARN_LINK_SOFTMAX,
    TARN_LINK_EXP,
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

#endif
