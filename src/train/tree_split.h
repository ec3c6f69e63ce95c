/* SPDX-License-Identifier: Apache-2.0 */
/* tree_split.h - the best way to part a node's rows by one feature, from its histogram of gradients.
 *
 * Gain of a split: GL^2 / (HL + l2) + GR^2 / (HR + l2) - G^2 / (H + l2).
 *
 * With an l1 penalty, each G is first moved towards 0 by l1. Where a column must make the prediction rise (or fall),
 * cuts by it are refused that would give the lower side the higher value (or the other way round), and the two sides
 * then keep below and above the middle between their values, with all that grows from them. With such bounds, the gain
 * is that of the values within them.
 *
 * Numbers: every border between bins is tried with missing values on the right and, if the node has any, on the left;
 * also the missing ones against all others. If the node has none, they go with the larger child.
 *
 * Categories: up to 4 levels in the node: each alone against the rest. Otherwise levels with at least category_smooth
 * rows are sorted by G / (H + category_smooth), and the first k of either end go left, up to 32. Missing (and rare, and
 * unseen) is one more level. To keep many levels from fitting noise: level_noise per level is taken off the gain,
 * category_l2 is added to l2, and both sides need category_rows rows.
 *
 * Bins that hold several levels (bins.h) pay for each of them.
 *
 * On pure noise a level's G^2 / H is s^2 on average, where s^2 is what a row's g^2 is of its h. Sorted and parted in
 * the middle, L such levels gain 2/pi L s^2 (the halves of a normal distribution have means of +-sqrt(2/pi)
 * deviations), while a number's borders gain little more than s^2. Without that correction a column of many levels
 * would be chosen for no other reason: with flights' tail numbers, AUC fell by 0.02.
 *
 * Source: Friedman, "Greedy function approximation: a gradient boosting machine", Ann. Statist. 29(5), 2001; Fisher,
 * "On grouping for maximum homogeneity", JASA 53, 1958 (why sorting suffices); Ke et al., NIPS 2017 (the smoothing).
 */
#ifndef TARN_TRAIN_TREE_SPLIT_H
#define TARN_TRAIN_TREE_SPLIT_H

#include "train/hist.h"
#include "train/tree.h"

typedef struct tarn_split_rules {
    const tarn_pack *pack;
    double g_unit, h_unit; /* what one step of a gradient and of a hessian is worth */
    double l1, l2, min_gain, min_hessian;
    double most_value; /* leaves lie within -most_value .. most_value; infinite: no limit */
    int64_t min_rows;
    double category_smooth, category_l2;
    int64_t category_rows;
    double level_noise;     /* gain that each level of a category may owe to chance */
    const int8_t *monotone; /* (cols) 1: the value must not fall with the column, -1: not rise, 0: free; NULL: all 0 */
} tarn_split_rules;

typedef struct tarn_split {
    double gain; /* 0: none found */
    tarn_branch by;
    tarn_sums left;
} tarn_split;

/* What is to be split: its sums, and where values of leaves must lie. */
typedef struct tarn_split_node {
    tarn_sums total;
    double least, most;
} tarn_split_node;

/* Look at one feature of a node; *best is replaced if the feature does better than it. Ties: the earlier feature (ask
 * in ascending order), the lower bin, missing to the right. */
void tarn_split_find(const tarn_split_rules *r, const tarn_bins *bins, int32_t feature, const tarn_hist *hist,
                     const tarn_split_node *of, tarn_split *best);

/* The value of a leaf with these sums: -G / (H + l2), within its bounds. */
double tarn_split_value(const tarn_split_rules *r, const tarn_split_node *leaf);

/* The two sides of a split. */
void tarn_split_sides(const tarn_split_rules *r, const tarn_split_node *of, const tarn_split *by, tarn_split_node *left,
                      tarn_split_node *right);

#endif
