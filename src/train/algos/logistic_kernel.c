/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_kernel.c - a tile of rows times coefficients, and residuals times a tile. See logistic_parts.h.
 *
 * Outputs go two at a time and columns four at a time, so that a value that was loaded is used twice and an output
 * four times; what is left over goes singly. Which numbers are added in which order follows from the shape alone.
 */
#include "math/gram.h"
#include "train/algos/logistic_parts.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

typedef __m256d four;

/* z_k[i] += sum_c theta_k[c] x[c * stride + i] for four columns c and two outputs k. */
static void add_pair(size_t n, size_t stride, const double *x, const double *theta, const double *theta2, double *z,
                     double *z2)
{
    const four a0 = _mm256_set1_pd(theta[0]), a1 = _mm256_set1_pd(theta[1]);
    const four a2 = _mm256_set1_pd(theta[2]), a3 = _mm256_set1_pd(theta[3]);
    const four b0 = _mm256_set1_pd(theta2[0]), b1 = _mm256_set1_pd(theta2[1]);
    const four b2 = _mm256_set1_pd(theta2[2]), b3 = _mm256_set1_pd(theta2[3]);
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        const four x0 = _mm256_loadu_pd(x + i), x1 = _mm256_loadu_pd(x + stride + i);
        const four x2 = _mm256_loadu_pd(x + 2 * stride + i), x3 = _mm256_loadu_pd(x + 3 * stride + i);
        four s = _mm256_fmadd_pd(a1, x1, _mm256_fmadd_pd(a0, x0, _mm256_loadu_pd(z + i)));
        four t = _mm256_fmadd_pd(b1, x1, _mm256_fmadd_pd(b0, x0, _mm256_loadu_pd(z2 + i)));
        s = _mm256_fmadd_pd(a3, x3, _mm256_fmadd_pd(a2, x2, s));
        t = _mm256_fmadd_pd(b3, x3, _mm256_fmadd_pd(b2, x2, t));
        _mm256_storeu_pd(z + i, s);
        _mm256_storeu_pd(z2 + i, t);
    }
    for (; i < n; i++)
        for (size_t c = 0; c < 4; c++) {
            z[i] = fma(theta[c], x[c * stride + i], z[i]);
            z2[i] = fma(theta2[c], x[c * stride + i], z2[i]);
        }
}

void logistic_times(const logistic_tile *tile, size_t outputs, const double *theta, double *z)
{
    size_t d = tile->cols;

    memset(z, 0, outputs * tile->stride * sizeof *z);
    for (size_t k = 0; k < outputs; k += 2, theta += 2 * d, z += 2 * tile->stride) {
        bool pair = k + 1 < outputs;
        size_t j = 0;
        for (; pair && j + 4 <= d; j += 4)
            add_pair(tile->rows, tile->stride, tile->x + j * tile->stride, theta + j, theta + d + j, z,
                     z + tile->stride);
        for (; j < d; j++) {
            tarn_axpy(tile->rows, theta[j], tile->x + j * tile->stride, z);
            if (pair) tarn_axpy(tile->rows, theta[d + j], tile->x + j * tile->stride, z + tile->stride);
        }
    }
}

static double add_lanes(four v)
{
    double lane[4];

    _mm256_storeu_pd(lane, v);
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* g_k[c] += sum_i r_k[i] x[c * stride + i] for four columns c and two outputs k. */
static void dot_pair(size_t n, size_t stride, const double *x, const double *r, const double *r2, double *g, double *g2)
{
    four a0 = _mm256_setzero_pd(), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    double rest[4] = {0}, rest2[4] = {0};
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        const four u = _mm256_loadu_pd(r + i), v = _mm256_loadu_pd(r2 + i);
        const four x0 = _mm256_loadu_pd(x + i), x1 = _mm256_loadu_pd(x + stride + i);
        const four x2 = _mm256_loadu_pd(x + 2 * stride + i), x3 = _mm256_loadu_pd(x + 3 * stride + i);
        a0 = _mm256_fmadd_pd(u, x0, a0), b0 = _mm256_fmadd_pd(v, x0, b0);
        a1 = _mm256_fmadd_pd(u, x1, a1), b1 = _mm256_fmadd_pd(v, x1, b1);
        a2 = _mm256_fmadd_pd(u, x2, a2), b2 = _mm256_fmadd_pd(v, x2, b2);
        a3 = _mm256_fmadd_pd(u, x3, a3), b3 = _mm256_fmadd_pd(v, x3, b3);
    }
    for (; i < n; i++)
        for (size_t c = 0; c < 4; c++) {
            rest[c] = fma(r[i], x[c * stride + i], rest[c]);
            rest2[c] = fma(r2[i], x[c * stride + i], rest2[c]);
        }
    const four a[4] = {a0, a1, a2, a3}, b[4] = {b0, b1, b2, b3};
    for (size_t c = 0; c < 4; c++) {
        g[c] += add_lanes(a[c]) + rest[c];
        g2[c] += add_lanes(b[c]) + rest2[c];
    }
}

void logistic_transposed(const logistic_tile *tile, size_t outputs, const double *r, double *g)
{
    size_t d = tile->cols;

    for (size_t k = 0; k < outputs; k += 2, g += 2 * d, r += 2 * tile->stride) {
        bool pair = k + 1 < outputs;
        size_t j = 0;
        for (; pair && j + 4 <= d; j += 4)
            dot_pair(tile->rows, tile->stride, tile->x + j * tile->stride, r, r + tile->stride, g + j, g + d + j);
        for (; j < d; j++) {
            const double *x = tile->x + j * tile->stride;
            g[j] += tarn_dot(tile->rows, x, r);
            if (pair) g[d + j] += tarn_dot(tile->rows, x, r + tile->stride);
        }
    }
}
