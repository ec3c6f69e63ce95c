/* SPDX-License-Identifier: Apache-2.0 */
/* sketch.h - rows in short, so that very many distances can be told quickly, and roughly.
 *
 * A sketch holds a byte for each column (steps of one size for all columns), or a float. How far two sketches are apart
 * is a key: a whole number, larger for what is farther, with the same bits for every width of vector. Of bytes it is
 * the distance in steps (squared, for Euclidean), of floats the bits of the distance, which for numbers that are not
 * negative are in the same order as they.
 *
 * For the cosine distance rows are scaled to length 1; what is near on the ball is near in angle.
 *
 * Threads: any; nothing is kept between calls.
 */
#ifndef TARN_MATH_SKETCH_H
#define TARN_MATH_SKETCH_H

#include "math/near.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes: up to TARN_SKETCH_COLUMNS columns, so that keys fit. */
typedef enum tarn_sketch_kind { TARN_SKETCH_BYTES, TARN_SKETCH_FLOATS, TARN_SKETCH_COUNT } tarn_sketch_kind;
enum { TARN_SKETCH_COLUMNS = 32768 };

typedef struct tarn_sketches {
    tarn_metric metric;
    tarn_sketch_kind kind;
    size_t d;
    const double *low;        /* (d) what 0 stands for */
    double steps;             /* how many make 1; of floats 1 */
    const unsigned char *row; /* (rows, tarn_sketch_size), 4-byte aligned */
} tarn_sketches;

/* Bytes of a sketch, a multiple of 8. */
size_t tarn_sketch_size(tarn_sketch_kind kind, size_t d);

/* Make one, at out, of x (d), any numbers. What lies outside of low .. low + 255 steps is taken as the nearest in it.
 */
void tarn_sketch_make(const tarn_sketches *s, const double *x, unsigned char *out);

/* What x (d) is multiplied by before it is sketched: 1, or for the cosine distance 1 / its length (0: no length). */
double tarn_sketch_scale(tarn_metric metric, size_t d, const double *x);

/* Keys between sketches, of which `body` bytes are compared. Which one is best here; any gives the same. */
typedef uint32_t tarn_sketch_key(const unsigned char *a, const unsigned char *b, size_t body);
tarn_sketch_key *tarn_sketch_keys(tarn_metric metric, tarn_sketch_kind kind);
size_t tarn_sketch_body(tarn_sketch_kind kind, size_t d);

#ifdef __cplusplus
}
#endif
#endif
