/* SPDX-License-Identifier: Apache-2.0 */
/* gram.h - weighted cross products of columns, the linear system they make, and dot and axpy.
 *
 * What Newton's method on a linear model needs: the Hessian X' diag(w) X summed over blocks of rows (tarn_gram_add on
 * each block, added in block order by tarn_pool_sum or tarn_comm_sum_blocks), then one solve (tarn_cholesky_solve).
 *
 * Every sum has an order of its own that depends on its length alone: not on alignment, the other columns or threads.
 *
 * Threads: any; nothing is kept between calls.
 *
 * Example (compiled by make check-docs):
 *
 *     // One ridge step: solve (X'WX + l2 I) beta = X'z for 8192 rows of 20 columns.
 *     tarn_code ridge(const double X[20 * 8192], const double w[8192], const double z[8192], double l2,
 *                     double beta[20], tarn_err *err)
 *     {
 *         double G[20 * 20] = {0};
 *
 *         tarn_gram_add(20, 8192, 8192, X, w, G);
 *         for (size_t j = 0; j < 20; j++) {
 *             G[j * 20 + j] += l2;
 *             beta[j] = tarn_dot(8192, X + j * 8192, z);
 *         }
 *         return tarn_cholesky_solve(20, G, beta, NULL, err);
 *     }
 */
#ifndef TARN_MATH_GRAM_H
#define TARN_MATH_GRAM_H

#include "base/err.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Add X' diag(w) X to the upper triangle of G.
 *
 * X (cols, n)    column j is X[j * stride] .. X[j * stride + n - 1]; stride >= n, any alignment
 * w (n)          weights, any sign; NULL: all 1
 * G (cols, cols) in and out, row-major; only G[i * cols + j] with j >= i is read or written; overlaps neither
 *
 * Row r goes to lane r % 4 with a fused multiply-add of (w_r x_ri) and x_rj; after every 256 rows the lanes are added
 * as (l0 + l1) + (l2 + l3), and that to G.
 *
 * Cost: cols^2 n flops; on one core of 2020 some 30 GFLOP/s from 50 columns on. No memory but the stack (20 KB).
 */
void tarn_gram_add(size_t cols, size_t n, size_t stride, const double *X, const double *w, double *G);

/* The sum of x_i y_i, i = 0 .. n-1. Element i goes to lane i % 16; lanes 4 apart are added first, as
 * (a0 + a1) + (a2 + a3), then the four as (l0 + l1) + (l2 + l3). x may be y. */
double tarn_dot(size_t n, const double *x, const double *y);

/* y_i = fma(a, x_i, y_i). */
void tarn_axpy(size_t n, double a, const double *x, double *y);

/* Solve A x = b for a symmetric positive definite A, by Cholesky's factorisation A = U'U.
 *
 * A (n, n)  in and out, row-major; the upper triangle (j >= i) is read, and becomes U; the lower one is left alone
 * b (n)     in and out: becomes x. Of no use after a failure, like A
 * column    out, may be NULL: on TARN_NUMERIC, which column was at fault (from 0)
 *
 * A pivot that is not above n 2^-52 of its diagonal element has no correct digit: the column is then a linear
 * combination of those before it, for all that double precision can tell.
 *
 * Cost:   n^3 / 3 multiply-adds; no memory. Meant for n up to about 2000
 * Errors: TARN_NUMERIC A is not positive definite, or something in it or in b is not finite (message names the column)
 */
TARN_MUST tarn_code tarn_cholesky_solve(size_t n, double *A, double *b, size_t *column, tarn_err *err);

/* Solve A x = b for more right-hand sides, with the U that tarn_cholesky_solve left of A. B (count, n) in and out, a
 * side after the other: each becomes what a call of tarn_cholesky_solve would have made of it. U is read once for all.
 *
 * Cost: n^2 count multiply-adds; no memory */
void tarn_cholesky_again(size_t n, const double *U, size_t count, double *B);

#ifdef __cplusplus
}
#endif
#endif
