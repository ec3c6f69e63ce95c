/* SPDX-License-Identifier: Apache-2.0 */
/* tree_split.c - see tree_split.h for what is searched, and the formula.
 *
 * Sums stay whole numbers until a candidate's gain is worked out, so they are the same in any order. Numbers: running
 * sums first, then all gains of the feature at once (four at a time, in vectors), then the first of the largest. */
#include "train/tree_split.h"

#include <string.h>

enum { FEW_LEVELS = 4, LEVELS_LEFT_MOST = 32, CELLS = 256 };

/* One feature's cells. */
typedef struct cells {
    const int64_t *g, *h, *n;
    int32_t bins; /* cell `bins` is the missing one */
} cells;

/* A node as its candidates see it. */
typedef struct node {
    const tarn_split_rules *rules;
    tarn_sums total;
    double g, h;  /* total, in true units */
    double score; /* G^2 / (H + l2) */
    double floor; /* what a gain must exceed: the user's least, and what rounding alone could make */
} node;

static node node_of(const tarn_split_rules *r, const tarn_sums *total)
{
    node v = {.rules = r, .total = *total};

    v.g = (double)total->g * r->g_unit;
    v.h = (double)total->h * r->h_unit;
    v.score = v.h + r->l2 > 0 ? v.g * v.g / (v.h + r->l2) : 0;
    double rounding = v.h + r->l2 > 0 ? 4 * r->g_unit * r->g_unit * (double)total->n / (v.h + r->l2) : 0;
    v.floor = r->min_gain + 1e-12 * v.score + rounding;
    return v;
}

static void keep(tarn_split *best, double gain, int32_t feature, const tarn_sums *left)
{
    *best = (tarn_split){.gain = gain, .left = *left};
    best->by.feature = feature;
}

/* ---- numbers ---- */

typedef struct running {
    _Alignas(32) double g[CELLS], h[CELLS], n[CELLS], gain[CELLS];
} running;

/* Sums of bins 0 .. b for b < count, after `start`. */
static void run_sums(const cells *c, const node *v, tarn_sums s, int32_t count, running *run)
{
    for (int32_t b = 0; b < count; b++) {
        s.g += c->g[b];
        s.h += c->h[b];
        s.n += c->n[b];
        run->g[b] = (double)s.g * v->rules->g_unit;
        run->h[b] = (double)s.h * v->rules->h_unit;
        run->n[b] = (double)s.n;
    }
    for (int32_t b = count; b & 3; b++) run->g[b] = run->h[b] = run->n[b] = 0; /* fill the last vector: refused */
}

typedef double vec __attribute__((vector_size(32)));
typedef int64_t mask __attribute__((vector_size(32)));

static inline vec load(const double *x)
{
    vec r;

    memcpy(&r, x, sizeof r);
    return r;
}

static inline vec all(double x) { return (vec){x, x, x, x}; }

/* run->gain[b], or -1 where a side has too few rows or too little hessian. */
static void run_gains(const node *v, int32_t count, running *run)
{
    const tarn_split_rules *r = v->rules;
    vec g = all(v->g), h = all(v->h), n = all((double)v->total.n), l2 = all(r->l2), score = all(v->score);
    vec least_h = all(r->min_hessian), least_n = all((double)r->min_rows);

    for (int32_t b = 0; b < count; b += 4) {
        vec gl = load(run->g + b), hl = load(run->h + b), nl = load(run->n + b);
        vec gr = g - gl, hr = h - hl, nr = n - nl;
        vec gain = gl * gl / (hl + l2) + gr * gr / (hr + l2) - score;
        mask ok = (nl >= least_n) & (nr >= least_n) & (hl >= least_h) & (hr >= least_h);
        gain = (vec)(((mask)gain & ok) | ((mask)all(-1) & ~ok));
        memcpy(run->gain + b, &gain, sizeof gain);
    }
}

static int32_t first_largest(const double *gain, int32_t count)
{
    double most = -1;
    int32_t at = 0;

    for (int32_t b = 0; b < count; b++) most = gain[b] > most ? gain[b] : most;
    while (at < count - 1 && gain[at] != most) at++;
    return at;
}

static void scan_number(const node *v, const cells *c, int32_t feature, bool missing_left, tarn_split *best)
{
    running run;
    tarn_sums missing = {c->g[c->bins], c->h[c->bins], c->n[c->bins]}, start = {0};
    int32_t count = missing.n > 0 && !missing_left ? c->bins : c->bins - 1;

    if (count < 1) return;
    if (missing_left) start = missing;
    run_sums(c, v, start, count, &run);
    run_gains(v, count, &run);
    int32_t b = first_largest(run.gain, count);
    if (run.gain[b] <= v->floor || run.gain[b] <= best->gain) return;
    for (int32_t i = 0; i <= b; i++) {
        start.g += c->g[i];
        start.h += c->h[i];
        start.n += c->n[i];
    }
    keep(best, run.gain[b], feature, &start);
    best->by.bin = (uint8_t)b;
    best->by.missing_left = missing.n > 0 ? missing_left : start.n * 2 >= v->total.n;
}

/* ---- categories ---- */

typedef struct level {
    double ratio;
    int32_t bin;
} level;

static double gain_of(const node *v, const tarn_sums *left, double l2)
{
    const tarn_split_rules *r = v->rules;
    double gl = (double)left->g * r->g_unit, hl = (double)left->h * r->h_unit, gr = v->g - gl, hr = v->h - hl;

    if (hl < r->min_hessian || hr < r->min_hessian || hl + l2 <= 0 || hr + l2 <= 0) return -1;
    return gl * gl / (hl + l2) + gr * gr / (hr + l2) - v->g * v->g / (v->h + l2);
}

static void add_bin(const cells *c, int32_t bin, tarn_sums *s)
{
    s->g += c->g[bin];
    s->h += c->h[bin];
    s->n += c->n[bin];
}

static void keep_set(const node *v, const cells *c, int32_t feature, double gain, const tarn_sums *left,
                     const level *order, int32_t from, int32_t to, tarn_split *best)
{
    if (gain <= v->floor || gain <= best->gain) return;
    keep(best, gain, feature, left);
    best->by.category = true;
    for (int32_t i = from; i < to; i++) {
        int32_t bin = order[i].bin;
        best->by.set[bin >> 6] |= UINT64_C(1) << (bin & 63);
        if (bin == c->bins) best->by.missing_left = true;
    }
}

static void each_alone(const node *v, const cells *c, int32_t feature, const level *order, int32_t count,
                       tarn_split *best)
{
    for (int32_t i = 0; i < count; i++) {
        tarn_sums left = {0};
        add_bin(c, order[i].bin, &left);
        if (left.n < v->rules->min_rows || v->total.n - left.n < v->rules->min_rows) continue;
        keep_set(v, c, feature, gain_of(v, &left, v->rules->l2), &left, order, i, i + 1, best);
    }
}

/* The first k of the order (step 1) or the last k (step -1), for k = 1, 2 ... */
static void from_one_end(const node *v, const cells *c, int32_t feature, const level *order, int32_t count, int step,
                         tarn_split *best)
{
    const tarn_split_rules *r = v->rules;
    int64_t least = r->min_rows > r->category_rows ? r->min_rows : r->category_rows, since = 0;
    int32_t most = (count + 1) / 2 < LEVELS_LEFT_MOST ? (count + 1) / 2 : LEVELS_LEFT_MOST;
    tarn_sums left = {0};

    for (int32_t k = 1; k <= most; k++) {
        int32_t bin = order[step > 0 ? k - 1 : count - k].bin;
        add_bin(c, bin, &left);
        since += c->n[bin];
        if (v->total.n - left.n < least) return;
        if (left.n < r->min_rows || since < r->category_rows) continue;
        since = 0;
        double gain = gain_of(v, &left, r->l2 + r->category_l2) - r->level_noise * (count - 1);
        keep_set(v, c, feature, gain, &left, order, step > 0 ? 0 : count - k, step > 0 ? k : count, best);
    }
}

/* By ratio, then bin. Few levels: insertion. */
static void sort_levels(level *order, int32_t count)
{
    for (int32_t i = 1; i < count; i++) {
        level x = order[i];
        int32_t at = i;
        for (; at > 0 && order[at - 1].ratio > x.ratio; at--) order[at] = order[at - 1];
        order[at] = x;
    }
}

static void scan_category(const node *v, const cells *c, int32_t feature, tarn_split *best)
{
    const tarn_split_rules *r = v->rules;
    level order[CELLS];
    int32_t seen = 0, count = 0;

    for (int32_t b = 0; b <= c->bins; b++) seen += c->n[b] > 0;
    bool few = seen <= FEW_LEVELS;
    if (seen < 2) return;
    for (int32_t b = 0; b <= c->bins; b++) {
        if (c->n[b] == 0 || (!few && (double)c->n[b] < r->category_smooth)) continue;
        double h = (double)c->h[b] * r->h_unit + r->category_smooth;
        order[count++] = (level){h > 0 ? (double)c->g[b] * r->g_unit / h : 0, b};
    }
    if (few) {
        each_alone(v, c, feature, order, count, best);
        return;
    }
    sort_levels(order, count);
    from_one_end(v, c, feature, order, count, 1, best);
    from_one_end(v, c, feature, order, count, -1, best);
}

void tarn_split_find(const tarn_split_rules *r, const tarn_bins *bins, int32_t feature, const int64_t *wide,
                     const tarn_sums *total, tarn_split *best)
{
    const int64_t *g = wide + bins->cell[feature];
    cells c = {g, g + bins->cells, g + 2 * (int64_t)bins->cells, bins->feature[feature].bins};
    node v = node_of(r, total);

    if (total->n < 2 * r->min_rows) return;
    if (bins->feature[feature].category) {
        scan_category(&v, &c, feature, best);
        return;
    }
    scan_number(&v, &c, feature, false, best);
    if (c.n[c.bins] > 0) scan_number(&v, &c, feature, true, best);
}
