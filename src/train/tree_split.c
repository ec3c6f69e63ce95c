/* SPDX-License-Identifier: Apache-2.0 */
/* tree_split.c - see tree_split.h for what is searched, and the formula.
 *
 * Sums stay whole numbers until a candidate's gain is worked out, so they are the same in any order. Numbers: running
 * sums first, then all gains of the feature at once (four at a time, in vectors), then the first of the largest. */
#include "train/tree_split.h"

#include <math.h>
#include <string.h>

enum { FEW_LEVELS = 4, LEVELS_LEFT_MOST = 32, CELLS = 256 };

/* One feature's cells: packed in g, or in three planes. */
typedef struct cells {
    const int64_t *g, *h, *n;
    int32_t bins;          /* cell `bins` is the missing one */
    const tarn_pack *pack; /* NULL: planes */
    const int32_t *merged; /* levels in each bin; NULL: one */
} cells;

/* A node as its candidates see it. */
typedef struct node {
    const tarn_split_rules *rules;
    const tarn_split_node *of;
    tarn_sums total;
    double g, h;  /* total, in true units */
    double score; /* G^2 / (H + l2) */
    double floor; /* what a gain must exceed: the user's least, and what rounding alone could make */
    int monotone; /* of the feature */
    bool bounded; /* gains are of values within bounds */
} node;

/* G after the l1 penalty. */
static double soft(double g, double l1)
{
    double left = fabs(g) - l1;

    return left > 0 ? copysign(left, g) : 0;
}

static double value_within(const node *v, double g, double h, double l2)
{
    double value = h + l2 > 0 ? -soft(g, v->rules->l1) / (h + l2) : 0;

    return value < v->of->least ? v->of->least : value > v->of->most ? v->of->most : value;
}

/* What a side is worth with this value; G^2 / (H + l2) if that is the best one. */
static double worth(const node *v, double g, double h, double l2, double value)
{
    return -(2 * soft(g, v->rules->l1) * value + (h + l2) * value * value);
}

static node node_of(const tarn_split_rules *r, const tarn_split_node *of, int32_t feature)
{
    node v = {.rules = r, .of = of, .total = of->total};
    double l2 = r->l2;

    v.g = (double)of->total.g * r->g_unit;
    v.h = (double)of->total.h * r->h_unit;
    v.bounded = r->monotone != NULL;
    v.monotone = r->monotone ? r->monotone[feature] : 0;
    double g = soft(v.g, r->l1);
    v.score = v.h + l2 > 0 ? g * g / (v.h + l2) : 0;
    if (v.bounded) v.score = worth(&v, v.g, v.h, l2, value_within(&v, v.g, v.h, l2));
    double rounding = v.h + l2 > 0 ? 4 * r->g_unit * r->g_unit * (double)of->total.n / (v.h + l2) : 0;
    v.floor = r->min_gain + 1e-12 * fabs(v.score) + rounding;
    return v;
}

/* -1 if the sides are out of order, else the gain. */
static double gain_within(const node *v, double gl, double hl, double l2)
{
    double gr = v->g - gl, hr = v->h - hl;
    double left = value_within(v, gl, hl, l2), right = value_within(v, gr, hr, l2);

    if (v->monotone * (right - left) < 0) return -1;
    return worth(v, gl, hl, l2, left) + worth(v, gr, hr, l2, right) - v->score;
}

static void keep(tarn_split *best, double gain, int32_t feature, const tarn_sums *left)
{
    *best = (tarn_split){.gain = gain, .left = *left};
    best->by.feature = feature;
}

static tarn_sums cell_at(const cells *c, int32_t bin)
{
    return c->pack ? tarn_pack_sums(c->pack, c->g[bin]) : (tarn_sums){c->g[bin], c->h[bin], c->n[bin]};
}

static void add_bin(const cells *c, int32_t bin, tarn_sums *s)
{
    tarn_sums cell = cell_at(c, bin);

    s->g += cell.g;
    s->h += cell.h;
    s->n += cell.n;
}

/* ---- numbers ---- */

typedef double vec __attribute__((vector_size(32)));
typedef int64_t mask __attribute__((vector_size(32)));
typedef uint64_t bits __attribute__((vector_size(32)));

typedef struct running {
    _Alignas(32) double g[CELLS], h[CELLS], n[CELLS], gain[CELLS];
} running;

static inline vec load(const double *x)
{
    vec r;

    memcpy(&r, x, sizeof r);
    return r;
}

static inline vec all(double x) { return (vec){x, x, x, x}; }

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

/* Whole numbers of 0 .. 2^52 - 1 as doubles: they become the digits of 2^52 + x. */
static inline vec doubles_of(bits x) { return (vec)(x | (uint64_t)0x4330000000000000) - all(0x1p52); }

/* The same of packed cells: one sum for all three. The gradient (below 2^50 either way) is moved up by `half` while it
 * is split off. */
static void run_packed(const cells *c, const node *v, int64_t s, int32_t count, running *run)
{
    _Alignas(32) int64_t sum[CELLS];
    const tarn_pack *p = c->pack;
    uint64_t n_mask = (UINT64_C(1) << p->h_shift) - 1, h_mask = (UINT64_C(1) << (p->g_shift - p->h_shift)) - 1;
    bool one = p->g_shift == p->h_shift;
    int half_bit = p->g_shift < 13 ? 50 : 63 - p->g_shift;
    vec g_unit = all(v->rules->g_unit), h_unit = all(v->rules->h_unit), half = all((double)(INT64_C(1) << half_bit));

    for (int32_t b = 0; b < count; b++) sum[b] = s += c->g[b];
    for (int32_t b = count; b & 3; b++) sum[b] = 0;
    for (int32_t b = 0; b < count; b += 4) {
        bits x;
        memcpy(&x, sum + b, sizeof x);
        vec n = doubles_of(x & n_mask);
        vec h = one ? n : doubles_of(x >> (uint64_t)p->h_shift & h_mask);
        vec g = doubles_of((x + (UINT64_C(1) << (p->g_shift + half_bit))) >> (uint64_t)p->g_shift) - half;
        g *= g_unit;
        h *= h_unit;
        memcpy(run->g + b, &g, sizeof g);
        memcpy(run->h + b, &h, sizeof h);
        memcpy(run->n + b, &n, sizeof n);
    }
}

/* run->gain[b], or -1 where a side has too few rows or too little hessian; returns the largest. */
static double run_gains(const node *v, int32_t count, running *run)
{
    const tarn_split_rules *r = v->rules;
    vec g = all(v->g), h = all(v->h), n = all((double)v->total.n), l2 = all(r->l2), score = all(v->score);
    vec least_h = all(r->min_hessian), least_n = all((double)r->min_rows), most = all(-1), l1 = all(r->l1);

    for (int32_t b = 0; b < count; b += 4) {
        vec gl = load(run->g + b), hl = load(run->h + b), nl = load(run->n + b);
        vec gr = g - gl, hr = h - hl, nr = n - nl;
        if (r->l1 > 0) {
            gl = (vec)((mask)gl & INT64_MAX) - l1, gr = (vec)((mask)gr & INT64_MAX) - l1;
            gl = (vec)((mask)gl & (gl > 0)), gr = (vec)((mask)gr & (gr > 0));
        }
        vec gain = gl * gl / (hl + l2) + gr * gr / (hr + l2) - score;
        mask ok = (nl >= least_n) & (nr >= least_n) & (hl >= least_h) & (hr >= least_h);
        gain = (vec)(((mask)gain & ok) | ((mask)all(-1) & ~ok));
        mask more = gain > most;
        most = (vec)(((mask)gain & more) | ((mask)most & ~more));
        memcpy(run->gain + b, &gain, sizeof gain);
    }
    double a = most[0] > most[1] ? most[0] : most[1], b = most[2] > most[3] ? most[2] : most[3];
    return a > b ? a : b;
}

/* The same where values have bounds. */
static double run_gains_within(const node *v, int32_t count, running *run)
{
    const tarn_split_rules *r = v->rules;
    double most = -1, least = (double)r->min_rows;

    for (int32_t b = 0; b < count; b++) {
        bool few = run->n[b] < least || (double)v->total.n - run->n[b] < least;
        bool flat = run->h[b] < r->min_hessian || v->h - run->h[b] < r->min_hessian;
        run->gain[b] = few || flat ? -1 : gain_within(v, run->g[b], run->h[b], r->l2);
        most = run->gain[b] > most ? run->gain[b] : most;
    }
    return most;
}

static void scan_number(const node *v, const cells *c, int32_t feature, bool missing_left, tarn_split *best)
{
    running run;
    tarn_sums missing = cell_at(c, c->bins), start = {0};
    int32_t count = missing.n > 0 && !missing_left ? c->bins : c->bins - 1, b = 0;

    if (count < 1) return;
    if (missing_left) start = missing;
    if (c->pack) run_packed(c, v, missing_left ? c->g[c->bins] : 0, count, &run);
    else run_sums(c, v, start, count, &run);
    double most = v->bounded ? run_gains_within(v, count, &run) : run_gains(v, count, &run);
    if (!(most > v->floor && most > best->gain)) return;
    while (run.gain[b] != most) b++;
    for (int32_t i = 0; i <= b; i++) add_bin(c, i, &start);
    keep(best, most, feature, &start);
    best->by.bin = (uint8_t)b;
    best->by.missing_left = missing.n > 0 ? missing_left : start.n * 2 >= v->total.n;
}

/* ---- categories ---- */

typedef struct level {
    double ratio;
    int32_t bin;
} level;

/* How many levels a bin may owe its place in the order to: no more than it has rows. */
static double levels_in(const cells *c, int32_t bin)
{
    int64_t rows = cell_at(c, bin).n;

    if (!c->merged || bin == c->bins) return 1;
    return c->merged[bin] < rows ? c->merged[bin] : (double)rows;
}

static double gain_of(const node *v, const tarn_sums *left, double l2)
{
    const tarn_split_rules *r = v->rules;
    double gl = (double)left->g * r->g_unit, hl = (double)left->h * r->h_unit, gr = v->g - gl, hr = v->h - hl;

    if (hl < r->min_hessian || hr < r->min_hessian || hl + l2 <= 0 || hr + l2 <= 0) return -1;
    if (v->bounded) return gain_within(v, gl, hl, l2);
    gl = soft(gl, r->l1);
    gr = soft(gr, r->l1);
    return gl * gl / (hl + l2) + gr * gr / (hr + l2) - v->score;
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
    int32_t most = (count + 1) / 2 < LEVELS_LEFT_MOST || c->merged ? (count + 1) / 2 : LEVELS_LEFT_MOST;
    double levels = -1;
    tarn_sums left = {0};

    for (int32_t i = 0; i < count; i++) levels += levels_in(c, order[i].bin);

    for (int32_t k = 1; k <= most; k++) {
        int32_t bin = order[step > 0 ? k - 1 : count - k].bin;
        add_bin(c, bin, &left);
        since += cell_at(c, bin).n;
        if (v->total.n - left.n < least) return;
        if (left.n < r->min_rows || since < r->category_rows) continue;
        since = 0;
        double gain = gain_of(v, &left, r->l2 + r->category_l2) - r->level_noise * levels;
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

    for (int32_t b = 0; b <= c->bins; b++) seen += cell_at(c, b).n > 0;
    bool few = seen <= FEW_LEVELS && !c->merged;
    if (seen < 2) return;
    for (int32_t b = 0; b <= c->bins; b++) {
        tarn_sums cell = cell_at(c, b);
        if (cell.n == 0 || (!few && (double)cell.n < r->category_smooth)) continue;
        double h = (double)cell.h * r->h_unit + r->category_smooth;
        order[count++] = (level){h > 0 ? (double)cell.g * r->g_unit / h : 0, b};
    }
    if (few) {
        each_alone(v, c, feature, order, count, best);
        return;
    }
    sort_levels(order, count);
    from_one_end(v, c, feature, order, count, 1, best);
    from_one_end(v, c, feature, order, count, -1, best);
}

void tarn_split_find(const tarn_split_rules *r, const tarn_bins *bins, int32_t feature, const tarn_hist *hist,
                     const tarn_split_node *of, tarn_split *best)
{
    const int64_t *g = hist->cell + bins->cell[feature];
    cells c = {g,
               g + bins->cells,
               g + 2 * (int64_t)bins->cells,
               bins->feature[feature].bins,
               hist->packed ? r->pack : NULL,
               bins->feature[feature].merged};
    node v = node_of(r, of, feature);

    if (of->total.n < 2 * r->min_rows) return;
    if (bins->feature[feature].category) {
        scan_category(&v, &c, feature, best);
        return;
    }
    scan_number(&v, &c, feature, false, best);
    if (cell_at(&c, c.bins).n > 0) scan_number(&v, &c, feature, true, best);
}

double tarn_split_value(const tarn_split_rules *r, const tarn_split_node *leaf)
{
    node v = {.rules = r, .of = leaf};

    return value_within(&v, (double)leaf->total.g * r->g_unit, (double)leaf->total.h * r->h_unit, r->l2);
}

void tarn_split_sides(const tarn_split_rules *r, const tarn_split_node *of, const tarn_split *by, tarn_split_node *left,
                      tarn_split_node *right)
{
    int monotone = r->monotone ? r->monotone[by->by.feature] : 0;

    *left = *right = *of;
    left->total = by->left;
    right->total.g -= by->left.g;
    right->total.h -= by->left.h;
    right->total.n -= by->left.n;
    if (monotone == 0) return;
    double middle = tarn_split_value(r, left) * 0.5 + tarn_split_value(r, right) * 0.5;
    if (monotone > 0) left->most = right->least = middle;
    else left->least = right->most = middle;
}
