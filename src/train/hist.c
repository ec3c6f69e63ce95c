/* SPDX-License-Identifier: Apache-2.0 */
/* hist.c - packed sums of gradients. See hist.h for the layout.
 *
 * The loop over rows is where boosting spends its time: one load of a bin, one addition in memory. Rows lie scattered,
 * so they are prefetched, in two steps: what comes from memory takes too long for the few places that the first level
 * of cache has for what is on its way. Cost: O(rows x features) for adding, O(cells) for pouring. */
#include "train/hist.h"

#include <string.h>

enum {
    FAR = 64,  /* rows ahead, a row is fetched from memory, */
    NEAR = 12, /* ... and brought near */
    LEAST_LOG = 6,
    MOST_LOG = 14,
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

/* Eight features, whose bins are the bytes of x. */
static inline void add_eight(uint64_t x, int64_t v, int64_t *fine)
{
    for (int j = 0; j < 8; j++) fine[j * TARN_HIST_FINE + (uint8_t)(x >> 8 * j)] += v;
}

static inline void add_row(const uint8_t *x, int32_t cols, int64_t v, int64_t *fine)
{
    int32_t j = 0;

    for (; j + 8 <= cols; j += 8, fine += 8 * TARN_HIST_FINE) {
        uint64_t eight;
        memcpy(&eight, x + j, sizeof eight);
        add_eight(eight, v, fine);
    }
    for (; j < cols; j++, fine += TARN_HIST_FINE) fine[x[j]] += v;
}

static inline void add_row_some(const uint8_t *x, const tarn_hist_use *use, int64_t v, int64_t *fine)
{
    for (int32_t k = 0; k < use->count; k++) fine[use->feature[k] * TARN_HIST_FINE + x[use->feature[k]]] += v;
}

/* Fetch a row's bins into the second level of cache, or the first. */
static inline void fetch_far(const tarn_binned *b, int32_t row)
{
    __builtin_prefetch(b->by_row + (size_t)row * b->row_bytes, 0, 2);
}
static inline void fetch_near(const tarn_binned *b, int32_t row)
{
    __builtin_prefetch(b->by_row + (size_t)row * b->row_bytes, 0, 3);
}

void tarn_hist_add(const tarn_binned *b, int32_t cols, const tarn_hist_use *use, const int64_t *packed,
                   const int32_t *rows, int64_t first, int64_t n, int64_t *fine)
{
    for (int64_t i = 0; rows && i < FAR && i < n; i++) fetch_far(b, rows[i]);
    for (int64_t i = 0; i < n; i++) {
        if (rows && i + FAR < n) fetch_far(b, rows[i + FAR]);
        if (rows && i + NEAR < n) fetch_near(b, rows[i + NEAR]);
        int64_t row = rows ? rows[i] : first + i;
        const uint8_t *x = b->by_row + (size_t)row * b->row_bytes;
        if (use->all) add_row(x, cols, packed[i], fine);
        else add_row_some(x, use, packed[i], fine);
    }
}

typedef int64_t vec __attribute__((vector_size(32)));
typedef uint64_t uvec __attribute__((vector_size(32)));

/* a += b or a -= b, n cells. */
static void add_cells(int64_t *a, const int64_t *b, int32_t n, bool less)
{
    int32_t i = 0;

    for (; i + 4 <= n; i += 4) {
        vec x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        x = less ? x - y : x + y;
        memcpy(a + i, &x, sizeof x);
    }
    for (; i < n; i++) a[i] += less ? -b[i] : b[i];
}

/* Fine cells of one feature, added to what stands in g, h and n. An arithmetic shift of a vector: of the number moved
 * up by half of its range, and down again. */
static void pour_feature(const tarn_pack *p, int32_t cells, const int64_t *fine, int64_t *g, int64_t *h, int64_t *n)
{
    int64_t n_mask = (INT64_C(1) << p->h_shift) - 1, h_mask = (INT64_C(1) << (p->g_shift - p->h_shift)) - 1;
    bool one = p->g_shift == p->h_shift;
    int32_t c = 0;

    for (; c + 4 <= cells; c += 4) {
        vec v, vg, vh, vn;
        memcpy(&v, fine + c, sizeof v);
        memcpy(&vg, g + c, sizeof v);
        memcpy(&vh, h + c, sizeof v);
        memcpy(&vn, n + c, sizeof v);
        vec count = v & n_mask;
        vg += (vec)((uvec)(v ^ INT64_MIN) >> (uint64_t)p->g_shift) - (INT64_C(1) << (63 - p->g_shift));
        vh += one ? count : (vec)((uvec)v >> (uint64_t)p->h_shift) & h_mask;
        vn += count;
        memcpy(g + c, &vg, sizeof v);
        memcpy(h + c, &vh, sizeof v);
        memcpy(n + c, &vn, sizeof v);
    }
    for (; c < cells; c++) {
        tarn_sums s = tarn_pack_sums(p, fine[c]);
        g[c] += s.g;
        h[c] += s.h;
        n[c] += s.n;
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
        if (set) tarn_hist_zero(bins, f, wide);
        pour_feature(p, cells, from, g, h, n);
        memset(from, 0, bytes);
    }
}

void tarn_hist_store(const tarn_bins *bins, const tarn_hist_use *use, int64_t *fine, int64_t *packed)
{
    for (int32_t k = 0; k < use->count; k++) {
        int32_t f = use->feature[k];
        size_t bytes = (size_t)(bins->feature[f].bins + 1) * sizeof *fine;
        memcpy(packed + bins->cell[f], fine + (size_t)f * TARN_HIST_FINE, bytes);
        memset(fine + (size_t)f * TARN_HIST_FINE, 0, bytes);
    }
}

void tarn_hist_zero(const tarn_bins *bins, int32_t feature, int64_t *a)
{
    size_t bytes = (size_t)(bins->feature[feature].bins + 1) * sizeof *a;

    for (int64_t plane = 0; plane < 3; plane++) memset(a + bins->cell[feature] + plane * bins->cells, 0, bytes);
}

void tarn_hist_merge(const tarn_bins *bins, int32_t feature, int64_t *a, const int64_t *b)
{
    for (int64_t plane = 0; plane < 3; plane++) {
        int64_t at = bins->cell[feature] + plane * bins->cells;
        add_cells(a + at, b + at, bins->feature[feature].bins + 1, false);
    }
}

/* Wide cells at a[0 .. n-1] and the two planes behind, less packed ones; wide again, or packed. */
static void subtract_packed(const tarn_pack *p, int64_t plane, int32_t n, int64_t *a, const int64_t *b, bool packed)
{
    for (int32_t i = 0; i < n; i++) {
        tarn_sums s = tarn_pack_sums(p, b[i]);
        s.g = a[i] - s.g;
        s.h = a[plane + i] - s.h;
        s.n = a[2 * plane + i] - s.n;
        a[i] = packed ? tarn_pack_row(p, s.g, s.h) + s.n - 1 : s.g; /* a packed row counts as one */
        a[plane + i] = s.h;
        a[2 * plane + i] = s.n;
    }
}

void tarn_hist_subtract(const tarn_bins *bins, const tarn_pack *p, int32_t feature, const tarn_hist *a,
                        const tarn_hist *b, bool packed)
{
    int64_t at = bins->cell[feature], plane = bins->cells;
    int32_t n = bins->feature[feature].bins + 1;

    if (a->packed) {
        add_cells(a->cell + at, b->cell + at, n, true);
    } else if (b->packed) {
        subtract_packed(p, plane, n, a->cell + at, b->cell + at, packed);
    } else {
        for (int k = 0; k < 3; k++, at += plane) add_cells(a->cell + at, b->cell + at, n, true);
    }
}

tarn_sums tarn_hist_total(const tarn_bins *bins, const tarn_pack *p, int32_t feature, const tarn_hist *of)
{
    tarn_sums s = {0};
    int64_t at = bins->cell[feature], plane = bins->cells;

    for (int64_t c = at; c <= at + bins->feature[feature].bins; c++) {
        tarn_sums cell = {of->cell[c], 0, 0};
        if (of->packed) cell = tarn_pack_sums(p, of->cell[c]);
        s.g += cell.g;
        s.h += of->packed ? cell.h : of->cell[c + plane];
        s.n += of->packed ? cell.n : of->cell[c + 2 * plane];
    }
    return s;
}
