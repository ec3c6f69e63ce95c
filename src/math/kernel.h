/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - how like two rows are, as support vector machines measure it: one row against many at a time.
 *
 * The many are packed: 64 to a group, column after column, so that a group is read from front to back. Dot products are
 * chains of fused multiply-adds in order of the columns; every element is worked out by itself, so that its bits depend
 * neither on its neighbours, nor on the vector width of the machine.
 *
 * Threads: any; nothing is kept between calls.
 *
 * Example (compiled by make check-docs):
 *
 *     // How like 100 rows of 3 columns are to row x.
 *     void likeness(const float *rows, const float x[3], float out[128])
 *     {
 *         const tarn_kernel k = {.kind = TARN_KERNEL_RBF, .gamma = 0.5f};
 *         float packed[2 * 64 * 3] = {0}, square[128] = {0};
 *
 *         for (size_t i = 0; i < 100; i++) tarn_kernel_pack(3, i, rows + i * 3, packed, square);
 *         tarn_kernel_row(&k, 3, 100, packed, square, x, tarn_kernel_square(3, x), out);
 *     }
 */
#ifndef TARN_MATH_KERNEL_H
#define TARN_MATH_KERNEL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tarn_kernel_kind {
    TARN_KERNEL_LINEAR,  /* x'z */
    TARN_KERNEL_RBF,     /* exp(-gamma |x - z|^2) */
    TARN_KERNEL_POLY,    /* (gamma x'z + coef0)^degree */
    TARN_KERNEL_SIGMOID, /* tanh(gamma x'z + coef0) */
    TARN_KERNEL_KINDS
} tarn_kernel_kind;

typedef struct tarn_kernel {
    tarn_kernel_kind kind;
    int degree;         /* poly: 0 or more */
    float gamma, coef0; /* gamma > 0 */
} tarn_kernel;

enum { TARN_KERNEL_WIDE = 64 };

/* Room for n rows: as many floats as tarn_kernel_padded(n) rows of d columns have. */
static inline size_t tarn_kernel_padded(size_t n)
{
    return (n + TARN_KERNEL_WIDE - 1) / TARN_KERNEL_WIDE * TARN_KERNEL_WIDE;
}

/* A number as the kernels take it: rounded to float, and no larger than 1e15 (then no sum of squares overflows). NaN is
 * not meant to occur, and becomes -1e15. */
float tarn_kernel_number(double x);

/* |x|^2, as the kernels add it up. */
float tarn_kernel_square(size_t d, const float *x);

/* Put row i in its place. x (d); packed (tarn_kernel_padded rows, d), square (tarn_kernel_padded) may be NULL. */
void tarn_kernel_pack(size_t d, size_t i, const float *x, float *packed, float *square);

/* out_i = k(x, z_i) for i < n, and anything up to the next multiple of 16.
 *
 * packed, square   as tarn_kernel_pack made them; square is read by RBF only
 * x (d), xx        the one row, and its square
 * out              room for n rounded up to a multiple of 16; values are within 1e30, RBF's in 0 .. 1
 *
 * Cost: n d multiply-adds; at d = 20 some 1 ns per element on one core of 2024
 */
void tarn_kernel_row(const tarn_kernel *k, size_t d, size_t n, const float *packed, const float *square, const float *x,
                     float xx, float *out);

/* The two halves of it, for 16 elements at a time and columns in parts.
 * dots: add to sum (rows, 16) the products of x (rows, its rows `apart` floats apart) with tile (d, 16).
 * finish: what such sums over all columns are as kernel values; square and out (16); sum may be out. */
void tarn_kernel_dots(size_t d, const float *tile, size_t rows, const float *x, size_t apart, float *sum);
void tarn_kernel_finish(const tarn_kernel *k, const float *sum, const float *square, float xx, float *out);

#ifdef __cplusplus
}
#endif
#endif
