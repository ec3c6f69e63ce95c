/* SPDX-License-Identifier: Apache-2.0 */
/* exemplars.h - rows that a model keeps whole, for estimators that look for the nearest of them.
 *
 * Order of calls: tarn_exemplars_read, then what makes a payload, tarn_exemplars_clear. What makes a payload takes from
 * the rows what it has put into it, so that there are never two of all. */
#ifndef TARN_TRAIN_EXEMPLARS_H
#define TARN_TRAIN_EXEMPLARS_H

#include "math/near.h"
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

/* TARN_NUMERIC: a column's values are too large for this metric. */
TARN_MUST tarn_code tarn_exemplars_read(const tarn_fit *job, tarn_metric metric, tarn_exemplars *out, tarn_err *err);
void tarn_exemplars_clear(tarn_exemplars *rows);
/* The rows as bytes that a later fit goes on from. */
TARN_MUST tarn_code tarn_exemplars_state(const tarn_exemplars *rows, int32_t classes, void **out, size_t *len,
                                         tarn_err *err);

/* Row i as doubles: out (d). */
void tarn_exemplars_row(const tarn_exemplars *rows, size_t i, double *out);

/* The values as doubles with the row's number behind each row, (n, d + 1), to be sorted; the rows lose them. Freed by
 * the caller. */
TARN_MUST tarn_code tarn_exemplars_numbered(tarn_exemplars *rows, double **out, tarn_err *err);
/* Then: the beginning of a payload with a tree (head, labels, weights), with room for `rest` bytes behind it, which are
 * returned in *behind. wide: the values will be doubles. Nothing but n, d and `weighted` is left of the rows. */
TARN_MUST tarn_code tarn_exemplars_tree(const tarn_fit *job, const tarn_exemplars_vote *vote, tarn_exemplars *rows,
                                        bool wide, size_t rest, char **data, size_t *len, char **behind, tarn_err *err);
/* The payload without a tree: norms, values, and if `briefs` with more than a few columns briefs. Nothing but n, d and
 * `weighted` is left of the rows. */
TARN_MUST tarn_code tarn_exemplars_scan(const tarn_fit *job, const tarn_exemplars_vote *vote, tarn_exemplars *rows,
                                        bool briefs, char **data, size_t *len, tarn_err *err);

#endif
