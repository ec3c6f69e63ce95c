/* SPDX-License-Identifier: Apache-2.0 */
/* near.h - which of many stored rows are nearest to a row: exactly, for any number of columns.
 *
 * Distances are worked out in double, from rows kept as float (where that loses nothing) or double. The search goes
 * through candidates in float, with a bound on the error: every row that could be among the nearest is looked at again
 * in double. So what is found does not depend on the width of vectors, on how many are asked for at a time, or on the
 * order of the search; rows equally far are taken in order of their numbers.
 *
 * Threads: any; nothing is kept between calls.
 */
#ifndef TARN_MATH_NEAR_H
#define TARN_MATH_NEAR_H

#include "math/brief.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tarn_metric {
    TARN_METRIC_EUCLIDEAN, /* distances are kept squared until tarn_near_length */
    TARN_METRIC_MANHATTAN,
    TARN_METRIC_CHEBYSHEV, /* the largest difference in a column */
    TARN_METRIC_COSINE,    /* 1 - cosine of the angle; 1 where a row is all 0 */
    TARN_METRIC_COUNT
} tarn_metric;

/* Stored rows (rows, d), row-major: one of narrow and wide. norm (rows) as tarn_near_norm makes it; most: no less than
 * any row's Euclidean length. brief: for tarn_near_sift only. */
typedef struct tarn_near {
    tarn_metric metric;
    size_t rows, d;
    const float *narrow;
    const double *wide;
    const float *norm;
    float most;
    tarn_brief brief;
} tarn_near;

/* Rows that are asked about: column j of row i is values[column[j] * stride + i]; column NULL: j itself. NaN and what
 * is beyond 1e150 are taken as 1e150, with their sign. */
typedef struct tarn_asked {
    const double *values;
    const uint32_t *column;
    size_t stride;
} tarn_asked;

typedef struct tarn_hit {
    double distance;
    uint32_t row;
} tarn_hit;

/* The k best so far, a heap with the worst on top; hit (k) is the caller's. Set n to 0 before. */
typedef struct tarn_best {
    tarn_hit *hit;
    size_t k, n;
} tarn_best;

/* What must not be exceeded to be taken. */
static inline double tarn_best_limit(const tarn_best *b) { return b->n < b->k ? __builtin_inf() : b->hit[0].distance; }
void tarn_best_add(tarn_best *b, double distance, uint32_t row);
/* Nearest first. */
void tarn_best_sort(tarn_best *b);

/* What stands in norm and, for `most`, the length. */
float tarn_near_norm(const tarn_near *s, size_t row, float *length);

/* Of row i of those asked about to a stored row; anything above limit if it is above limit. */
double tarn_near_distance(const tarn_near *s, const tarn_asked *q, size_t i, size_t row, double limit);

/* The nearest of all stored rows for `count` rows: best (count) lists, each with its k. */
void tarn_near_scan(const tarn_near *s, const tarn_asked *q, size_t count, tarn_best *best);

/* The same, sifting rows by their briefs first: Euclidean or cosine distance, s->brief there, all k alike. For many
 * columns several times as fast. scratch: tarn_near_sift_bytes, 8-byte aligned, whatever is in it. */
void tarn_near_sift(const tarn_near *s, const tarn_asked *q, size_t count, tarn_best *best, void *scratch);
size_t tarn_near_sift_bytes(size_t d, size_t k, size_t count);

/* How many rows are best asked about together (or a multiple, the more the better, to sift). */
enum { TARN_NEAR_TILE = 48 };

/* Row i of those asked about as it is taken: out (d). */
void tarn_near_fetch(const tarn_asked *q, size_t i, size_t d, double *out);

/* From what is compared to what is meant: the root, for Euclidean. */
double tarn_near_length(tarn_metric metric, double distance);

#ifdef __cplusplus
}
#endif
#endif
