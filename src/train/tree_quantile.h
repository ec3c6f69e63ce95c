/* SPDX-License-Identifier: Apache-2.0 */
/* tree_quantile.h - weighted quantiles over the rows of all ranks, the same for any number of them.
 *
 * Numbers become keys that compare like them, weights whole steps, and the key sought is found byte by byte from the
 * top, each time from how much weight lies on each next byte among the keys that begin like it.
 */
#ifndef TARN_TRAIN_TREE_QUANTILE_H
#define TARN_TRAIN_TREE_QUANTILE_H

#include "comm/comm.h"

#include <string.h>

static inline uint64_t tarn_key_of(double x)
{
    uint64_t u;

    x += 0.0; /* -0 becomes 0 */
    memcpy(&u, &x, sizeof u);
    return u ^ ((uint64_t)((int64_t)u >> 63) | UINT64_C(1) << 63);
}

static inline double tarn_key_value(uint64_t key)
{
    uint64_t u = key >> 63 ? key ^ UINT64_C(1) << 63 : ~key;
    double x;

    memcpy(&x, &u, sizeof x);
    return x;
}

/* The search for one key: begin has what was found so far. */
typedef struct tarn_quantile {
    double level;
    int shift;      /* of the byte that is looked for: 56 first */
    uint64_t begin; /* the bytes above it */
    int64_t below;  /* weight that must still lie below or at the key, among those that begin so */
} tarn_quantile;

static inline tarn_quantile tarn_quantile_begin(double level) { return (tarn_quantile){.level = level, .shift = 56}; }

/* Whether a key's next byte is to be weighed. */
static inline bool tarn_quantile_wants(const tarn_quantile *q, uint64_t key)
{
    return q->shift == 56 || key >> (q->shift + 8) == q->begin;
}

/* Go down to the byte at which the weight is reached. bucket: weight by next byte, over all ranks; none at all: as if
 * of 0. After eight times, begin is the key. */
void tarn_quantile_narrow(tarn_quantile *q, const int64_t bucket[256]);

/* Weights as whole steps, at least one: most_weight is the largest over all ranks. */
int64_t tarn_quantile_steps(double weight, double most_weight);

/* The least y[rows] that has at least `level` of the weight at or below it; weight NULL: all 1. Eight passes. */
TARN_MUST tarn_code tarn_quantile_of(tarn_comm *comm, const double *y, const double *weight, double most_weight,
                                     int64_t rows, double level, double *out, tarn_err *err);

#endif
