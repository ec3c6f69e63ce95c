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
 * A node of at most pack.rows rows keeps its cells packed, (cells): a third of the memory to walk through.
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

/* The cells of a node, in memory for (3, cells). packed: of at most pack.rows rows over all ranks, in (cells) only. */
typedef struct tarn_hist {
    int64_t *cell;
    bool packed;
} tarn_hist;

/* Add n <= pack.rows rows, whose gradients are packed[0 .. n-1]: those numbered rows[0 .. n-1] or, if rows is NULL,
 * first .. first + n - 1. */
void tarn_hist_add(const tarn_binned *b, int32_t cols, const tarn_hist_use *use, const int64_t *packed,
                   const int32_t *rows, int64_t first, int64_t n, int64_t *fine);

/* Pour fine cells into wide ones (`set`: replacing what is there, else adding), and zero them. Other features of `use`
 * may be poured by other threads at once. */
void tarn_hist_pour(const tarn_bins *bins, const tarn_hist_use *use, const tarn_pack *p, int64_t *fine, int64_t *wide,
                    bool set);

/* Move fine cells to packed ones, and zero them. */
void tarn_hist_store(const tarn_bins *bins, const tarn_hist_use *use, int64_t *fine, int64_t *packed);

/* One feature of wide cells: a = 0, a += b. */
void tarn_hist_zero(const tarn_bins *bins, int32_t feature, int64_t *a);
void tarn_hist_merge(const tarn_bins *bins, int32_t feature, int64_t *a, const int64_t *b);

/* One feature: a -= b, packed afterwards if `packed` (as b must be then; a packed a stays so). a->packed is left to the
 * caller, once all features are done. */
void tarn_hist_subtract(const tarn_bins *bins, const tarn_pack *p, int32_t feature, const tarn_hist *a,
                        const tarn_hist *b, bool packed);

/* A packed sum of rows, as three. */
static inline tarn_sums tarn_pack_sums(const tarn_pack *p, int64_t v)
{
    int64_t n = v & ((INT64_C(1) << p->h_shift) - 1);
    int64_t h = v >> p->h_shift & ((INT64_C(1) << (p->g_shift - p->h_shift)) - 1);

    return (tarn_sums){v >> p->g_shift, p->g_shift > p->h_shift ? h : n, n};
}

/* All rows of the node, from any one feature's cells. */
tarn_sums tarn_hist_total(const tarn_bins *bins, const tarn_pack *p, int32_t feature, const tarn_hist *of);

#endif
