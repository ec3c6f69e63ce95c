/* SPDX-License-Identifier: Apache-2.0 */
/* hist.h - histograms of gradients over bins, in integers, so that no order of adding makes a difference.
 *
 * A row's gradient, hessian and a count of one are rounded to whole steps and packed into a single int64: one addition
 * then makes three sums. Such *fine* cells hold at most pack.rows rows; before they could overflow they are poured
 * into *wide* ones of three int64. Wide sums of threads and ranks may be added in any order: same bits.
 *
 *     fine  (cols, 256)   packed cells of one worker, zero between calls
 *     wide  (3, cells)    all gradients, then all hessians, then all counts; feature f's cells start at bins->cell[f]
 *
 * Source: the integer idea is that of Shi et al., "Quantized training of gradient boosting decision trees", NeurIPS
 * 2022; here with more bits, and exact counts.
 */
#ifndef TARN_TRAIN_HIST_H
#define TARN_TRAIN_HIST_H

#include "train/bins.h"

enum { TARN_HIST_FINE = 256 /* fine cells per feature */ };

/* How a row is packed: gradient << g_shift | hessian << h_shift | 1. */
typedef struct tarn_pack {
    int g_shift, h_shift;   /* equal: the hessian is 1 for every row, and is not stored */
    int64_t rows;           /* as many rows may be added in fine cells */
    int64_t g_most, h_most; /* steps of the largest gradient and hessian allowed */
} tarn_pack;

/* The best use of 64 bits for so many rows over all ranks. finer: smaller steps, for which fine cells are poured more
 * often; for rows of very unequal weight, so that the light ones' gradients are not lost in one step. */
tarn_pack tarn_pack_for(int64_t all_rows, bool constant_hessian, bool finer);

/* -g_most <= g <= g_most, 0 <= h <= h_most */
static inline int64_t tarn_pack_row(const tarn_pack *p, int64_t g, int64_t h)
{
    uint64_t low = p->g_shift > p->h_shift ? (uint64_t)h << p->h_shift : 0;

    return (int64_t)((uint64_t)g << p->g_shift) + (int64_t)(low + 1);
}

typedef struct tarn_sums {
    int64_t g, h, n;
} tarn_sums;

/* Which features take part. */
typedef struct tarn_hist_use {
    const int32_t *feature; /* ascending */
    int32_t count;
    bool all; /* every one */
} tarn_hist_use;

/* Add n <= pack.rows rows: those numbered rows[0 .. n-1] or, if rows is NULL, first .. first + n - 1. */
void tarn_hist_add(const tarn_binned *b, int32_t cols, const tarn_hist_use *use, const int64_t *packed,
                   const int32_t *rows, int64_t first, int64_t n, int64_t *fine);

/* Pour fine cells into wide ones (`set`: replacing what is there, else adding), and zero them. */
void tarn_hist_pour(const tarn_bins *bins, const tarn_hist_use *use, const tarn_pack *p, int64_t *fine, int64_t *wide,
                    bool set);

/* a -= b or a += b, the cells of one feature. */
void tarn_hist_subtract(const tarn_bins *bins, int32_t feature, int64_t *a, const int64_t *b);
void tarn_hist_merge(const tarn_bins *bins, int32_t feature, int64_t *a, const int64_t *b);

/* All rows of the node, from any one feature's cells. */
tarn_sums tarn_hist_total(const tarn_bins *bins, int32_t feature, const int64_t *wide);

#endif
