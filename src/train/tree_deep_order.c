/* SPDX-License-Identifier: Apache-2.0 */
/* tree_deep_order.c - the order in which a tree cuts the levels of each category. See tree_deep.h. */
#include "train/tree_deep_parts.h"

#include "base/random.h"

enum { DOUBT = 10 /* rows' worth of the overall mean, mixed into each level's */ };

typedef struct ranked {
    double mean;
    int32_t bin;
} ranked;

/* The number that levels are ordered by: the label, or whether it is class k. */
static double mark(const tarn_deep *d, int64_t row, int32_t k)
{
    double y = d->data->y[row];

    return d->mode == TARN_DEEP_SHARES ? (y == (double)k ? 1 : 0) : y;
}

static void sum_levels(const tarn_deep *d, int32_t feature, int32_t k, bool all, tarn_deep_sums *sums,
                       tarn_deep_sums *total)
{
    const uint8_t *column = d->data->by_column + (int64_t)feature * d->data->rows;

    for (int64_t row = 0; row < d->data->rows; row++) {
        if (!all && d->drawn[row] > 0) continue;
        double w = d->data->weight ? d->data->weight[row] : 1, s = w * mark(d, row, k);
        sums[column[row]].w += w;
        sums[column[row]].s += s;
        total->w += w;
        total->s += s;
    }
}

/* By mean, then bin. */
static void sort(ranked *r, int32_t n)
{
    for (int32_t i = 1; i < n; i++) {
        ranked x = r[i];
        int32_t at = i;
        for (; at > 0 && r[at - 1].mean > x.mean; at--) r[at] = r[at - 1];
        r[at] = x;
    }
}

static void place_levels(ranked *order, int32_t bins, uint8_t *place)
{
    sort(order, bins + 1);
    for (int32_t i = 0; i <= bins; i++) place[order[i].bin] = (uint8_t)i;
}

static void order_levels(tarn_deep *d, int32_t feature, uint64_t tree)
{
    tarn_deep_sums sums[TARN_DEEP_PLACES] = {{0}}, total = {0};
    ranked order[TARN_DEEP_PLACES];
    int32_t bins = d->data->bins->feature[feature].bins, k = 0;
    uint8_t *place = d->place + (size_t)feature * TARN_DEEP_PLACES;

    for (int32_t b = 0; d->shape.random_cuts && b <= bins; b++)
        order[b] =
            (ranked){tarn_random_unit(d->seed, TARN_STREAM_FEATURES, tree, ((uint32_t)feature << 8) + (uint32_t)b), b};
    if (d->shape.random_cuts) {
        place_levels(order, bins, place);
        return;
    }
    if (d->mode == TARN_DEEP_SHARES)
        k = (int32_t)tarn_random_below((uint64_t)d->data->classes, d->seed, TARN_STREAM_FEATURES, tree,
                                       (uint32_t)feature);
    sum_levels(d, feature, k, false, sums, &total);
    if (total.w <= 0) sum_levels(d, feature, k, true, sums, &total); /* every row was drawn */
    double mean = total.s / total.w;
    for (int32_t b = 0; b <= bins; b++) order[b] = (ranked){(sums[b].s + DOUBT * mean) / (sums[b].w + DOUBT), b};
    place_levels(order, bins, place);
}

void tarn_deep_order(tarn_deep *d, uint64_t tree)
{
    for (int32_t j = 0; j < d->data->bins->cols; j++) {
        uint8_t *place = d->place + (size_t)j * TARN_DEEP_PLACES;
        if (d->data->bins->feature[j].category) {
            order_levels(d, j, tree);
            continue;
        }
        for (int32_t b = 0; b < TARN_DEEP_PLACES; b++) place[b] = (uint8_t)b;
    }
}
