/* SPDX-License-Identifier: Apache-2.0 */
/* tree_split.h - the best way to part a node's rows by one feature, from its histogram of gradients.
 *
 * Gain of a split: GL^2 / (HL + l2) + GR^2 / (HR + l2) - G^2 / (H + l2).
 *
 * Numbers: every border between bins is tried with missing values on the right and, if the node has any, on the left;
 * also the missing ones against all others. If the node has none, they go with the larger child.
 *
 * Categories: up to 4 levels in the node: each alone against the rest. Otherwise levels with at least category_smooth
 * rows are sorted by G / (H + category_smooth), and the first k of either end go left, up to 32. Missing (and rare, and
 * unseen) is one more level. To keep many levels from fitting noise: level_noise per level is taken off the gain,
 * category_l2 is added to l2, and both sides need category_rows rows.
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
    double g_unit, h_unit; /* what one step of a gradient and of a hessian is worth */
    double l2, min_gain, min_hessian;
    int64_t min_rows;
    double category_smooth, category_l2;
    int64_t category_rows;
    double level_noise; /* gain that each level of a category may owe to chance */
} tarn_split_rules;

typedef struct tarn_split {
    double gain; /* 0: none found */
    tarn_branch by;
    tarn_sums left;
} tarn_split;

/* Look at one feature of a node with these sums; *best is replaced if the feature does better than it. Ties: the
 * earlier feature (ask in ascending order), the lower bin, missing to the right. */
void tarn_split_find(const tarn_split_rules *r, const tarn_bins *bins, int32_t feature, const int64_t *wide,
                     const tarn_sums *total, tarn_split *best);

#endif
