/* SPDX-License-Identifier: Apache-2.0 */
/* kd.c - a tree of boxes. See kd.h.
 *
 * Source: Friedman, Bentley, Finkel, ACM TOMS 3(3), 1977. */
#include "math/kd.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { LEAF = TARN_KD_LEAF, MOST = TARN_KD_COLUMNS, SERIAL_LEVELS = 4, DEPTH = 40 };

/* ---- building ---- */

typedef struct build {
    size_t rows, d, wide; /* wide: d + 1 */
    double *row;
    tarn_kd_split *split;
    uint32_t *column;
} build;

/* A subtree: leaves first .. first + count - 1, its root's place. */
typedef struct part {
    size_t first, count, node;
} part;

typedef struct parts {
    build *b;
    part part[1 << SERIAL_LEVELS];
    size_t count;
} parts;

static bool less(const build *b, const double *x, const double *y, size_t column)
{
    return x[column] < y[column] || (x[column] == y[column] && x[b->d] < y[b->d]);
}

static void swap(const build *b, double *x, double *y)
{
    double t[MOST + 1];

    memcpy(t, x, b->wide * sizeof *t);
    memcpy(x, y, b->wide * sizeof *t);
    memcpy(y, t, b->wide * sizeof *t);
}

/* The middle one of three becomes the pivot; all are different, since row numbers are. */
static void take_pivot(const build *b, size_t column, size_t from, size_t to, double *pivot)
{
    const double *x = b->row + from * b->wide, *y = b->row + (from + (to - from) / 2) * b->wide;
    const double *z = b->row + (to - 1) * b->wide, *t;

    if (less(b, y, x, column)) t = x, x = y, y = t;
    if (less(b, z, y, column)) y = z;
    if (less(b, y, x, column)) y = x;
    memcpy(pivot, y, b->wide * sizeof *pivot);
}

/* Rows from .. to - 1 so that the first `nth - from` are below all others. Hoare's selection. */
static void select_nth(const build *b, size_t column, size_t from, size_t to, size_t nth)
{
    double pivot[MOST + 1];

    while (to - from > 1 && nth > from && nth < to) {
        size_t i = from, j = to - 1;
        take_pivot(b, column, from, to, pivot);
        for (;;) {
            while (less(b, b->row + i * b->wide, pivot, column)) i++;
            while (less(b, pivot, b->row + j * b->wide, column)) j--;
            if (i >= j) break;
            swap(b, b->row + i++ * b->wide, b->row + j-- * b->wide);
        }
        /* below i: not above the pivot; from i on: not below it (i may stand on the pivot) */
        if (j == i && less(b, b->row + i * b->wide, pivot, column)) i++;
        if (nth <= i) {
            if (to == i) return;
            to = i;
        } else {
            if (from == i) return;
            from = i;
        }
        if (to - from < 2) return;
    }
}

static size_t widest(const build *b, size_t from, size_t to)
{
    double least[MOST], most[MOST];
    size_t best = 0;

    memcpy(least, b->row + from * b->wide, b->d * sizeof *least);
    memcpy(most, least, b->d * sizeof *most);
    for (size_t i = from + 1; i < to; i++)
        for (size_t j = 0; j < b->d; j++) {
            double x = b->row[i * b->wide + j];
            least[j] = x < least[j] ? x : least[j];
            most[j] = x > most[j] ? x : most[j];
        }
    for (size_t j = 1; j < b->d; j++)
        if (most[j] - least[j] > most[best] - least[best]) best = j;
    return best;
}

/* Split one node; its halves. */
static void split_node(build *b, part p, part *left, part *right)
{
    size_t from = p.first * LEAF, to = (p.first + p.count) * LEAF, half = p.count / 2, nth = from + half * LEAF;

    if (to > b->rows) to = b->rows;
    size_t column = widest(b, from, to);
    select_nth(b, column, from, to, nth);
    tarn_kd_split s = {-INFINITY, INFINITY};
    for (size_t i = from; i < nth; i++) s.left_most = fmax(s.left_most, b->row[i * b->wide + column]);
    for (size_t i = nth; i < to; i++) s.right_least = fmin(s.right_least, b->row[i * b->wide + column]);
    b->split[p.node] = s;
    b->column[p.node] = (uint32_t)column;
    *left = (part){p.first, half, p.node + 1};
    *right = (part){p.first + half, p.count - half, p.node + half};
}

static tarn_code build_part(void *arg, int64_t block, int worker, tarn_err *err)
{
    parts *all = arg;
    part stack[DEPTH];
    int depth = 0;

    (void)worker, (void)err;
    stack[depth++] = all->part[block];
    while (depth > 0) {
        part p = stack[--depth], left, right;
        if (p.count < 2) continue;
        split_node(all->b, p, &left, &right);
        stack[depth++] = right;
        stack[depth++] = left;
    }
    return TARN_OK;
}

tarn_code tarn_kd_build(size_t rows, size_t d, double *row, tarn_kd_split *split, uint32_t *column, tarn_pool *pool,
                        tarn_err *err)
{
    build b = {.rows = rows, .d = d, .wide = d + 1, .row = row, .split = split, .column = column};
    parts all = {.b = &b, .part = {{0, tarn_kd_leaves(rows), 0}}, .count = 1};

    for (int level = 0; level < SERIAL_LEVELS; level++) {
        parts next = {.b = &b};
        for (size_t k = 0; k < all.count; k++) {
            if (all.part[k].count < 2) continue;
            split_node(&b, all.part[k], &next.part[next.count], &next.part[next.count + 1]);
            next.count += 2;
        }
        all = next;
    }
    return tarn_pool_run(pool, (int64_t)all.count, build_part, &all, err);
}

/* ---- searching ---- */

typedef struct search {
    const tarn_kd *t;
    double q[MOST], off[MOST]; /* off: how far the box is away in each column */
    tarn_best *best;
} search;

/* As the distance to a row is worked out, but of differences that are known. */
static double add_up(const search *s)
{
    double sum = 0;

    for (size_t j = 0; j < s->t->d; j++) {
        double x = s->off[j];
        sum = s->t->metric == TARN_METRIC_EUCLIDEAN   ? fma(x, x, sum)
              : s->t->metric == TARN_METRIC_MANHATTAN ? sum + x
                                                      : fmax(sum, x);
    }
    return sum;
}

static __m256d add_one(tarn_metric metric, __m256d sum, __m256d difference)
{
    const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), difference);

    if (metric == TARN_METRIC_EUCLIDEAN) return _mm256_fmadd_pd(difference, difference, sum);
    return metric == TARN_METRIC_MANHATTAN ? _mm256_add_pd(sum, size) : _mm256_max_pd(sum, size);
}

static void look_at_leaf(search *s, size_t leaf)
{
    const tarn_kd *t = s->t;
    __m256d sum[LEAF / 4];
    double distance[LEAF];

    for (int v = 0; v < LEAF / 4; v++) sum[v] = _mm256_setzero_pd();
    for (size_t j = 0; j < t->d; j++) {
        const __m256d q = _mm256_set1_pd(s->q[j]);
        size_t at = (leaf * t->d + j) * LEAF;
        for (int v = 0; v < LEAF / 4; v++) {
            __m256d x =
                t->wide ? _mm256_loadu_pd(t->wide + at + v * 4) : _mm256_cvtps_pd(_mm_loadu_ps(t->narrow + at + v * 4));
            sum[v] = add_one(t->metric, sum[v], _mm256_sub_pd(q, x));
        }
    }
    for (int v = 0; v < LEAF / 4; v++) _mm256_storeu_pd(distance + v * 4, sum[v]);
    size_t rows = t->rows - leaf * LEAF < LEAF ? t->rows - leaf * LEAF : LEAF;
    for (size_t i = 0; i < rows; i++)
        if (distance[i] <= tarn_best_limit(s->best)) tarn_best_add(s->best, distance[i], t->number[leaf * LEAF + i]);
}

/* Depth is the logarithm of the leaves: at most 32. */
static void descend(search *s, size_t first, size_t count, size_t node)
{
    if (count == 1) {
        look_at_leaf(s, first);
        return;
    }
    const tarn_kd_split *split = &s->t->split[node];
    size_t j = s->t->column[node], half = count / 2;
    double q = s->q[j], was = s->off[j];
    bool right = q - split->left_most > split->right_least - q;
    double away = right ? q - split->left_most : split->right_least - q;

    if (right) descend(s, first + half, count - half, node + half);
    else descend(s, first, half, node + 1);
    if (away > was) s->off[j] = away;
    if (!(add_up(s) > tarn_best_limit(s->best))) {
        if (right) descend(s, first, half, node + 1);
        else descend(s, first + half, count - half, node + half);
    }
    s->off[j] = was;
}

void tarn_kd_search(const tarn_kd *t, const tarn_asked *q, size_t i, tarn_best *best)
{
    search s = {.t = t, .best = best};

    for (size_t j = 0; j < t->d; j++) {
        double x = q->values[(q->column ? q->column[j] : j) * q->stride + i];
        s.q[j] = x > -1e150 ? (x < 1e150 ? x : 1e150) : -1e150;
    }
    if (t->rows > 0) descend(&s, 0, tarn_kd_leaves(t->rows), 0);
}
