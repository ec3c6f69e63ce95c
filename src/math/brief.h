/* SPDX-License-Identifier: Apache-2.0 */
/* brief.h - rows in bytes, each with a bound on what it has lost: what near_sift.c looks at before it measures.
 *
 * A row x stands for the point z = x, or x / |x| for the cosine distance. Its brief is a whole number -127 .. 127 for
 * each column and a step of its own, so that z is about centre + step * code; the error says how far from that it is at
 * most. By the triangle inequality the distance of two points is the distance of their briefs, give or take both
 * errors.
 *
 * Threads: any; nothing is kept between calls.
 */
#ifndef TARN_MATH_BRIEF_H
#define TARN_MATH_BRIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* More columns do not fit into 32 bits when products are added up. */
enum { TARN_BRIEF_COLUMNS = 32768, TARN_BRIEF_STEP = 8 };

/* Of one row. square: |step * code|^2; shift: -128 times the sum of the codes, which takes back that the other side's
 * codes are 128 too large. */
typedef struct tarn_brief_note {
    float step, error, square;
    int32_t shift;
} tarn_brief_note;

/* Of many: code (places, stride), places: rows up to a multiple of TARN_BRIEF_STEP. code NULL: there are none. */
typedef struct tarn_brief {
    const float *centre; /* (d) */
    const tarn_brief_note *note;
    const int8_t *code;
} tarn_brief;

static inline size_t tarn_brief_stride(size_t d) { return (d + 3) / 4 * 4; }
static inline size_t tarn_brief_places(size_t rows)
{
    return (rows + TARN_BRIEF_STEP - 1) / TARN_BRIEF_STEP * TARN_BRIEF_STEP;
}

/* What x (d) is multiplied by to become a point: 1, or 1 / |x| (0 if x has no direction, which is then 0 with an error
 * that covers every point). */
double tarn_brief_scale(bool cosine, size_t d, const double *x);

/* Make the brief of x (d), which becomes the rest that it has lost: code (stride). False: x is too far from the centre
 * (1e15) or not finite, and code and note are of no use. */
bool tarn_brief_make(bool cosine, size_t d, const float *centre, double *x, int8_t *code, tarn_brief_note *note);

#ifdef __cplusplus
}
#endif
#endif
