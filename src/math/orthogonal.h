/* SPDX-License-Identifier: Apache-2.0 */
/* orthogonal.h - least squares by orthogonal transformations, for columns so nearly dependent that their cross products
 * (gram.h) have lost the answer.
 *
 * Rows go into a triangle R, some at a time, as by Householder's QR of all of them; the triangles of parts of the rows
 * are joined by putting one's rows into the other. Then the triangle alone is solved, also when it has not full rank.
 *
 * Threads: any; nothing is kept between calls.
 *
 * Example (compiled by make check-docs):
 *
 *     // Coefficients of 3 columns from 100 rows; the fourth column of X is the target. X is overwritten.
 *     tarn_code solve(double X[4 * 100], double b[3], tarn_err *err)
 *     {
 *         double R[4 * 4] = {0}, A[3 * 3], y[3];
 *         size_t rank = 0;
 *
 *         tarn_qr_add(4, 100, 100, X, R);
 *         for (size_t i = 0; i < 3; i++) {
 *             y[i] = R[i * 4 + 3];
 *             for (size_t j = 0; j < 3; j++) A[i * 3 + j] = R[i * 4 + j];
 *         }
 *         return tarn_qr_solve(3, A, y, 1e-13, b, &rank, err);
 *     }
 */
#ifndef TARN_MATH_ORTHOGONAL_H
#define TARN_MATH_ORTHOGONAL_H

#include "base/err.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* R becomes the triangle of the rows it stood for and of those in X.
 *
 * X (cols, n)    column j is X[j * stride] ..; overwritten
 * R (cols, cols) in and out, row-major, upper triangle; zeros to begin with; the lower one is not touched
 *
 * Cost: 2 cols^2 n flops. Source: Golub, Van Loan, Matrix Computations, 4th ed., 2013, section 5.2. */
void tarn_qr_add(size_t cols, size_t n, size_t stride, double *X, double *R);

/* The x of least |R x - y|, and of all such the one of least |x|.
 *
 * R (n, n)   row-major, upper triangle; unchanged
 * tolerance  what is left of a column, as a share of the longest one, below which it counts as dependent
 * rank       out: how many columns are not
 *
 * Cost:   2 n^3 flops, n^2 doubles
 * Source: Golub, Van Loan, section 5.4.2 (column pivoting) and 5.5.2 (complete orthogonal decomposition)
 * Errors: TARN_NUMERIC something is not finite; TARN_NOMEM */
TARN_MUST tarn_code tarn_qr_solve(size_t n, const double *R, const double *y, double tolerance, double *x, size_t *rank,
                                  tarn_err *err);

#ifdef __cplusplus
}
#endif
#endif
