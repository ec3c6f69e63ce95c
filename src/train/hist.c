/* SPDX-License-Identifier: Apache-2.0 */
/* hist.c - packed sums of gradients. See hist.h for the layout.
 *
 * The loop over rows is where boosting spends its time: one load of a bin, one addition in memory. Rows lie scattered,
 * so they are prefetched. Cost: O(rows x features) for adding, O(cells) for pouring. */
#include "train/hist.h"

#include <string.h>

enum {
    AHEAD = 16 /* rows */,
    LEAST_LOG = 6,
    MOST_LOG = 12,
    FINER_LOG = 10,
    H_BITS_MOST = 20,
    G_BITS_MOST = 30 /* so wide sums of 2^33 rows fit */
};

tarn_pack tarn_pack_for(int64_t all_rows, bool constant_hessian, bool finer)
{
    tarn_pack p = {0};
    int log = LEAST_LOG, most = finer ? FINER_LOG : MOST_LOG;

    while (log < most && (INT64_C(1) << log) < all_rows) log++;
    int free_bits = 64 - (log + 1) - 2 * log;                /* after the count, for a row's gradient and hessian */
    int h_bits = constant_hessian ? 0 : (free_bits - 3) / 2; /* the gradient gets a sign and two more */
    if (h_bits > H_BITS_MOST) h_bits = H_BITS_MOST;
    p.rows = INT64_C(1) << log;
    p.h_shift = log + 1;
    p.g_shift = constant_hessian ? p.h_shift : p.h_shift + h_bits + log;
    p.h_most = constant_hessian ? 1 : (INT64_C(1) << h_bits) - 1;
    int g_bits = 64 - p.g_shift - log - 1;
    if (g_bits > G_BITS_MOST) g_bits = G_BITS_MOST;
    p.g_most = (INT64_C(1) << g_bits) - 1;
    return p;
}

static inline void add_row(const uint8_t *x, int32_t cols, int64_t v, int64_t *fine)
{
    int32_t j = 0;

    for (; j + 4 <= cols; j += 4, fine += 4 * TARN_HIST_FINE) {
        fine[x[j]] += v;
        fine[TARN_HIST_FINE + x[j + 1]] += v;
        fine[2 * TARN_HIST_FINE + x[j + 2]] += v;
        fine[3 * TARN_HIST_FINE + x[j + 3]] += v;
    }
    for (; j < cols; j++, fine += TARN_HIST_FINE) fine[x[j]] += v;
}

static inline void add_row_some(const uint8_t *x, const tarn_hist_use *use, int64_t v, int64_t *fine)
{
    for (int32_t k = 0; k < use->count; k++) fine[use->feature[k] * TARN_HIST_FINE + x[use->feature[k]]] += v;
}

void tarn_hist_add(const tarn_binned *b, int32_t cols, const tarn_hist_use *use, const int64_t *packed,
                   const int32_t *rows, int64_t first, int64_t n, int64_t *fine)
{
    for (int64_t i = 0; i < n; i++) {
        if (rows && i + AHEAD < n) {
            int64_t ahead = rows[i + AHEAD];
            __builtin_prefetch(b->by_row + (size_t)ahead * b->row_bytes);
            __builtin_prefetch(packed + ahead);
        }
        int64_t row = rows ? rows[i] : first + i;
        const uint8_t *x = b->by_row + (size_t)row * b->row_bytes;
        if (use->all) add_row(x, cols, packed[row], fine);
        else add_row_some(x, use, packed[row], fine);
    }
}

/* Fine cells of one feature, added to what stands in g, h and n. */
static void pour_feature(const tarn_pack *p, int32_t cells, const int64_t *fine, int64_t *g, int64_t *h, int64_t *n)
{
    int64_t n_mask = (INT64_C(1) << p->h_shift) - 1, h_mask = (INT64_C(1) << (p->g_shift - p->h_shift)) - 1;
    bool one = p->g_shift == p->h_shift;

    for (int32_t c = 0; c < cells; c++) {
        int64_t v = fine[c], count = v & n_mask;
        g[c] += v >> p->g_shift;
        h[c] += one ? count : v >> p->h_shift & h_mask;
        n[c] += count;
    }
}

void tarn_hist_pour(const tarn_bins *bins, const tarn_hist_use *use, const tarn_pack *p, int64_t *fine, int64_t *wide,
                    bool set)
{
    for (int32_t k = 0; k < use->count; k++) {
        int32_t f = use->feature[k], cells = bins->feature[f].bins + 1;
        int64_t *from = fine + (size_t)f * TARN_HIST_FINE, *g = wide + bins->cell[f], *h = g + bins->cells,
                *n = h + bins->cells;
        size_t bytes = (size_t)cells * sizeof *g;
        if (set) {
            memset(g, 0, bytes);
            memset(h, 0, bytes);
            memset(n, 0, bytes);
        }
        pour_feature(p, cells, from, g, h, n);
        memset(from, 0, bytes);
    }
}

void tarn_hist_subtract(const tarn_bins *bins, int32_t feature, int64_t *a, const int64_t *b)
{
    for (int plane = 0; plane < 3; plane++) {
        int64_t at = bins->cell[feature] + (int64_t)plane * bins->cells, end = at + bins->feature[feature].bins + 1;
        for (; at < end; at++) a[at] -= b[at];
    }
}

void tarn_hist_merge(const tarn_bins *bins, int32_t feature, int64_t *a, const int64_t *b)
{
    for (int plane = 0; plane < 3; plane++) {
        int64_t at = bins->cell[feature] + (int64_t)plane * bins->cells, end = at + bins->feature[feature].bins + 1;
        for (; at < end; at++) a[at] += b[at];
    }
}

tarn_sums tarn_hist_total(const tarn_bins *bins, int32_t feature, const int64_t *wide)
{
    tarn_sums s = {0};

    for (int64_t c = bins->cell[feature]; c <= bins->cell[feature] + bins->feature[feature].bins; c++) {
        s.g += wide[c];
        s.h += wide[c + bins->cells];
        s.n += wide[c + 2 * (int64_t)bins->cells];
    }
    return s;
}
