/* SPDX-License-Identifier: Apache-2.0 */
/* tree_deep_split.c - the best of a few random columns for a node. See tree_deep.h.
 *
 * Per column: sum labels by place (bins in cutting order), list the places that occur, and try a cut after each. With
 * W the weight and S the weighted sum of labels on a side, the best cut has the largest SL^2 / WL + SR^2 / WR: that
 * minimises the variance, and for two classes the Gini impurity as well. With more classes it is the sum of that over
 * classes. */
#include "train/tree_deep_parts.h"

#include "base/random.h"

#include <string.h>

enum { SMALL = 128 /* items: below, the places that occur are found from the items, not from all places */ };

/* A place that occurs in the node. */
typedef struct seen {
    int32_t place;
    tarn_deep_sums sums;
} seen;

typedef tarn_deep_search search;

/* ---- the node's rows ---- */

static void gather_counts(search *s, const tarn_deep_item *item)
{
    int64_t n = 0, ones = 0;

    for (int64_t i = 0; i < s->node->items; i++) {
        n += item[i].w >> 16;
        ones += item[i].w & 65535;
    }
    s->total = (tarn_deep_sums){(double)n, (double)ones, n};
    s->pure = ones == 0 || ones == n;
}

static void gather_values(search *s, const tarn_deep_item *item)
{
    tarn_deep *d = s->d;
    const double *y = d->data->y, *weight = d->data->weight;
    double least = y[item[0].row], most = least;

    for (int64_t i = 0; i < s->node->items; i++) {
        double v = y[item[i].row], w = weight ? item[i].w * weight[item[i].row] : item[i].w;
        if (d->mode == TARN_DEEP_SHARES) {
            d->label[i] = (int32_t)v;
            d->side[d->label[i]] += w;
        }
        d->w[i] = w;
        d->s[i] = w * v;
        s->total.w += w;
        s->total.s += d->s[i];
        s->total.n += item[i].w;
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    s->pure = least == most;
}

/* ---- sums by place ---- */

static void fill(tarn_deep *d, const tarn_deep_item *item, int64_t n, tarn_deep_column column, const uint8_t *place)
{
    int32_t classes = d->data->classes;

    switch (d->mode) {
    case TARN_DEEP_COUNTS:
        for (int64_t i = 0; i < n; i++) {
            uint64_t w = item[i].w;
            d->packed[place[tarn_deep_bin(column, item[i].row)]] += w >> 16 << 32 | (w & 65535);
        }
        break;
    case TARN_DEEP_SHARES:
        for (int64_t i = 0; i < n; i++)
            d->share[(int64_t)place[tarn_deep_bin(column, item[i].row)] * classes + d->label[i]] +=
                d->w[i]; /* fall through */
    case TARN_DEEP_MEANS:
        for (int64_t i = 0; i < n; i++) {
            tarn_deep_sums *to = &d->sums[place[tarn_deep_bin(column, item[i].row)]];
            to->w += d->w[i];
            to->s += d->s[i];
            to->n += item[i].w;
        }
    }
}

/* Read a place and make it zero again (but not its shares). */
static tarn_deep_sums take(tarn_deep *d, int32_t place)
{
    tarn_deep_sums s;

    if (d->mode == TARN_DEEP_COUNTS) {
        uint64_t v = d->packed[place];
        d->packed[place] = 0;
        return (tarn_deep_sums){(double)(v >> 32), (double)(v & UINT32_MAX), (int64_t)(v >> 32)};
    }
    s = d->sums[place];
    d->sums[place] = (tarn_deep_sums){0};
    return s;
}

static int32_t list_seen(tarn_deep *d, const tarn_deep_item *item, int64_t n, tarn_deep_column column,
                         const uint8_t *place, int32_t places, seen *list)
{
    uint64_t mask[4] = {0};
    int32_t count = 0;

    for (int64_t i = 0; n < SMALL && i < n; i++) {
        uint8_t p = place[tarn_deep_bin(column, item[i].row)];
        mask[p >> 6] |= UINT64_C(1) << (p & 63);
    }
    for (int32_t word = 0; word * 64 < places; word++) {
        uint64_t rest = n < SMALL ? mask[word] : ~UINT64_C(0);
        for (; rest; rest &= rest - 1) {
            int32_t p = word * 64 + __builtin_ctzll(rest);
            if (p >= places) break;
            list[count] = (seen){p, take(d, p)};
            count += list[count].sums.n > 0;
        }
    }
    return count;
}

/* ---- cuts ---- */

static void keep(search *s, double score, int32_t feature, const seen *at, const tarn_deep_sums *left)
{
    s->score = score;
    s->feature = feature;
    s->after = at[0].place;
    s->before = at[1].place;
    s->left_larger = 2 * left->w >= s->total.w;
}

/* Cuts after list[0 .. cuts-1], with `start` on the left beforehand. True if one is the best so far. */
static bool cut_means(search *s, int32_t feature, const seen *list, int32_t cuts, tarn_deep_sums start)
{
    int64_t least = s->d->shape.min_rows;
    tarn_deep_sums l = start;
    bool better = false;

    for (int32_t i = 0; i < cuts; i++) {
        l.w += list[i].sums.w;
        l.s += list[i].sums.s;
        l.n += list[i].sums.n;
        double rw = s->total.w - l.w, rs = s->total.s - l.s;
        if (l.n < least || s->total.n - l.n < least || !(rw > 0)) continue;
        double score = l.s * l.s / l.w + rs * rs / rw;
        if (!(score > s->score)) continue;
        keep(s, score, feature, list + i, &l);
        better = true;
    }
    return better;
}

static bool cut_shares(search *s, int32_t feature, const seen *list, int32_t cuts, const seen *start)
{
    tarn_deep *d = s->d;
    int32_t classes = d->data->classes;
    double *all = d->side, *left = d->side + classes;
    tarn_deep_sums l = {0};
    bool better = false;

    memset(left, 0, (size_t)classes * sizeof *left);
    for (int32_t i = start ? -1 : 0; i < cuts; i++) {
        const seen *at = i < 0 ? start : &list[i];
        const double *share = d->share + (int64_t)at->place * classes;
        double squares_left = 0, squares_right = 0;
        l.w += at->sums.w;
        l.n += at->sums.n;
        for (int32_t k = 0; k < classes; k++) {
            left[k] += share[k];
            double right = all[k] - left[k];
            squares_left += left[k] * left[k];
            squares_right += right * right;
        }
        double rw = s->total.w - l.w;
        if (i < 0 || l.n < d->shape.min_rows || s->total.n - l.n < d->shape.min_rows || !(rw > 0)) continue;
        double score = squares_left / l.w + squares_right / rw;
        if (!(score > s->score)) continue;
        keep(s, score, feature, at, &l);
        better = true;
    }
    return better;
}

static bool cut(search *s, int32_t feature, const seen *list, int32_t cuts, const seen *start)
{
    if (cuts < 1) return false;
    if (s->d->mode == TARN_DEEP_SHARES) return cut_shares(s, feature, list, cuts, start);
    return cut_means(s, feature, list, cuts, start ? start->sums : (tarn_deep_sums){0});
}

/* False if the column is the same in all rows of the node. */
static bool try_column(search *s, int32_t feature)
{
    tarn_deep *d = s->d;
    const tarn_bin_feature *f = &d->data->bins->feature[feature];
    const tarn_deep_item *item = d->list + s->node->at;
    tarn_deep_column column = tarn_deep_column_of(d, s->node, feature);
    const uint8_t *place = d->place + (size_t)feature * TARN_DEEP_PLACES;
    seen list[TARN_DEEP_PLACES];

    fill(d, item, s->node->items, column, place);
    int32_t count = list_seen(d, item, s->node->items, column, place, f->bins + 1, list);
    bool missing = !f->category && list[count - 1].place == f->bins;
    if (cut(s, feature, list, count - 1, NULL)) {
        s->missing = missing;
        s->missing_left = false;
    }
    if (missing && cut(s, feature, list, count - 2, &list[count - 1])) s->missing = s->missing_left = true;
    for (int32_t i = 0; d->mode == TARN_DEEP_SHARES && i < count; i++)
        memset(d->share + (int64_t)list[i].place * d->data->classes, 0, (size_t)d->data->classes * sizeof(double));
    return count > 1;
}

/* Columns in random order, until enough of them were not constant. */
static void try_columns(search *s)
{
    tarn_deep *d = s->d;
    int32_t cols = d->data->bins->cols, tried = 0;
    tarn_random4 r = {{0}};

    for (int32_t j = 0; j < cols; j++) d->column[j] = j;
    for (int32_t k = 0; k < cols && tried < d->shape.columns; k++) {
        if (k % 4 == 0) r = tarn_philox(d->seed, TARN_STREAM_FEATURES, s->node->id, (uint32_t)k / 4);
        int32_t other = k + (int32_t)((uint64_t)r.v[k % 4] * (uint64_t)(cols - k) >> 32), t = d->column[other];
        d->column[other] = d->column[k];
        d->column[k] = t;
        tried += d->shape.random_cuts ? tarn_deep_try_random(s, t) : try_column(s, t);
    }
}

/* Between two places there may be some that the node does not have: half of them go to either side. */
static tarn_branch branch_of(const search *s)
{
    const tarn_bins *bins = s->d->data->bins;
    const tarn_bin_feature *f = &bins->feature[s->feature];
    const uint8_t *place = s->d->place + (size_t)s->feature * TARN_DEEP_PLACES;
    int32_t last = (s->after + s->before - 1) / 2;
    tarn_branch b = {.feature = s->feature, .category = f->category};

    if (!f->category) {
        b.bin = (uint8_t)(s->before == f->bins ? f->bins - 1 : last);
        b.missing_left = s->missing ? s->missing_left : s->left_larger;
        return b;
    }
    for (int32_t bin = 0; bin <= f->bins; bin++)
        if (place[bin] <= last) b.set[bin >> 6] |= UINT64_C(1) << (bin & 63);
    b.missing_left = place[f->bins] <= last;
    return b;
}

void tarn_deep_look(tarn_deep *d, tarn_deep_node *node)
{
    search s = {.d = d, .node = node, .feature = -1, .score = -1};
    double before = 0;

    node->found = false;
    node->gain = 0;
    if (d->mode == TARN_DEEP_SHARES) memset(d->side, 0, (size_t)d->data->classes * sizeof *d->side);
    if (d->mode == TARN_DEEP_COUNTS) gather_counts(&s, d->list + node->at);
    else gather_values(&s, d->list + node->at);
    if (s.pure) return;
    try_columns(&s);
    if (s.feature < 0) return;
    if (d->mode != TARN_DEEP_SHARES) before = s.total.s * s.total.s / s.total.w;
    for (int32_t k = 0; d->mode == TARN_DEEP_SHARES && k < d->data->classes; k++)
        before += d->side[k] * d->side[k] / s.total.w;
    node->found = true;
    node->gain = s.score > before ? s.score - before : 0;
    node->by = branch_of(&s);
}
