/* SPDX-License-Identifier: Apache-2.0 */
/* held.h - all rows of a fit, held on every rank: for estimators that keep rows, or compare them with each other.
 *
 * Order of calls: tarn_held_open; tarn_held_block for each block, as often as wanted; tarn_held_close. What an
 * estimator made of its rank's rows becomes everyone's by tarn_held_join, labels by tarn_held_labels.
 */
#ifndef TARN_TRAIN_HELD_H
#define TARN_TRAIN_HELD_H

#include "train/algo.h"

#include <stdatomic.h>

/* Reads this rank's rows. */
typedef struct tarn_held {
    const tarn_fit *job;
    double *scratch; /* (threads, cols, TARN_BLOCK_ROWS) */
} tarn_held;

TARN_MUST tarn_code tarn_held_open(tarn_held *r, const tarn_fit *job, tarn_err *err);
void tarn_held_close(tarn_held *r);

/* The rows of a block: *values (cols, *n), column-major with stride *n, until this worker's next block. Threads: any,
 * each as a worker of its own, as a pool calls them. Errors: those of the matrix; TARN_CANCELLED */
TARN_MUST tarn_code tarn_held_block(const tarn_held *r, int64_t block, int worker, int64_t *n, const double **values,
                                    tarn_err *err);

/* TARN_NUMERIC, naming the column, if squares of a block's values overflow, or sums of them may. */
TARN_MUST tarn_code tarn_held_squares(const tarn_fit *job, int64_t n, const double *values, tarn_err *err);

/* (n, cols) row-major from a block's values: exactly, or as floats. *lossy becomes true if a value is no float, and is
 * not touched else. */
void tarn_held_turn(int64_t n, int64_t cols, const double *values, double *out);
void tarn_held_turn_narrow(int64_t n, int64_t cols, const double *values, float *out, atomic_bool *lossy);

/* A pointer to this rank's rows, each of `each` bytes, becomes one to everyone's, in their order. A collective; on
 * failure it stays. */
TARN_MUST tarn_code tarn_held_join(const tarn_fit *job, void *rows, size_t each, tarn_err *err);
/* Everyone's labels and weights, 1 where there is none: (all_rows), tarn_free. A collective. */
TARN_MUST tarn_code tarn_held_labels(const tarn_fit *job, double **y, double **weight, tarn_err *err);

#endif
