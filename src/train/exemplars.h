/* SPDX-License-Identifier: Apache-2.0 */
/* exemplars.h - rows that a model keeps whole, for estimators that look for the nearest of them.
 *
 * Order of calls: tarn_exemplars_read, then what makes a payload, tarn_exemplars_clear. */
#ifndef TARN_TRAIN_EXEMPLARS_H
#define TARN_TRAIN_EXEMPLARS_H

#include "model/payload.h"
#include "train/algo.h"

/* Everybody's rows, those of an earlier fit first; the same on every rank. */
typedef struct tarn_exemplars {
    size_t n, d;
    float *narrow;      /* (n, d), or NULL: some value is no float */
    double *wide;       /* (n, d) then */
    double *y, *weight; /* (n) */
    bool weighted;      /* some weight is not 1 */
} tarn_exemplars;

/* How the nearest of them vote. */
typedef struct tarn_exemplars_vote {
    int64_t k;
    int by_distance, metric;
} tarn_exemplars_vote;

TARN_MUST tarn_code tarn_exemplars_read(const tarn_fit *job, tarn_exemplars *out, tarn_err *err);
void tarn_exemplars_clear(tarn_exemplars *rows);
/* The rows as bytes that a later fit goes on from. */
TARN_MUST tarn_code tarn_exemplars_state(const tarn_exemplars *rows, int32_t classes, void **out, size_t *len,
                                         tarn_err *err);

/* Row i as doubles: out (d). */
void tarn_exemplars_row(const tarn_exemplars *rows, size_t i, double *out);

/* A payload: what every kind begins with (head, labels, weights), with room for `rest` bytes behind it, which are
 * returned in *behind. */
TARN_MUST tarn_code tarn_exemplars_payload(const tarn_fit *job, const tarn_exemplars_vote *vote,
                                           const tarn_exemplars *rows, bool tree, size_t rest, char **data, size_t *len,
                                           char **behind, tarn_err *err);
/* The payload without a tree: norms, values, and if `briefs` with more than a few columns briefs. */
TARN_MUST tarn_code tarn_exemplars_scan(const tarn_fit *job, const tarn_exemplars_vote *vote,
                                        const tarn_exemplars *rows, bool briefs, char **data, size_t *len,
                                        tarn_err *err);

#endif
