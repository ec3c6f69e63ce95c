/* SPDX-License-Identifier: Apache-2.0 */
/* gram.c - the Gram kernel, Cholesky's factorisation, dot and axpy, in AVX2 and FMA.
 *
 * The kernel holds a tile of 3 by 4 entries of G in twelve registers of four lanes, which run down 256 rows: per four
 * rows it loads 3 + 4 vectors for 12 multiply-adds, so that the multipliers are the limit and not the loads. The three
 * columns of the tile's rows are copied times w beforehand (they are used for all the tiles to the right), padded with
 * zeros where there are fewer; the four others are read where they lie unless they are cut by a border. 256 rows of
 * 150 columns are 300 KB, which stay in the second level of the cache.
 */
#include "math/gram.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { DOWN = 3, ACROSS = 4, ROWS = 256, LANES = 4 };

typedef __m256d four;

/* What a tile works on: `rows` rows, filled up to a multiple of four. */
typedef struct panel {
    double scaled[DOWN][ROWS]; /* w x for the tile's rows of G */
    double copied[ACROSS][ROWS];
    const double *across[ACROSS];
    size_t rows, padded;
} panel;

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* (l0 + l1) + (l2 + l3) of each of four accumulators. */
static inline four add_lanes(four a, four b, four c, four d)
{
    const four ab = _mm256_hadd_pd(a, b), cd = _mm256_hadd_pd(c, d);
    const four low = _mm256_permute2f128_pd(ab, cd, 0x20), high = _mm256_permute2f128_pd(ab, cd, 0x31);

    return low + high;
}

/* sums[i] = the four products of scaled column i with the columns across. */
static void multiply(const panel *p, four sums[DOWN])
{
    const double *a = p->across[0], *b = p->across[1], *c = p->across[2], *d = p->across[3];
    const double *x = p->scaled[0], *y = p->scaled[1], *z = p->scaled[2];
    four xa = _mm256_setzero_pd(), xb = xa, xc = xa, xd = xa, ya = xa, yb = xa, yc = xa, yd = xa;
    four za = xa, zb = xa, zc = xa, zd = xa;

    for (size_t r = 0; r < p->padded; r += LANES) {
        const four x_r = _mm256_loadu_pd(x + r), y_r = _mm256_loadu_pd(y + r), z_r = _mm256_loadu_pd(z + r);
        four t = _mm256_loadu_pd(a + r);

        xa = _mm256_fmadd_pd(x_r, t, xa);
        ya = _mm256_fmadd_pd(y_r, t, ya);
        za = _mm256_fmadd_pd(z_r, t, za);
        t = _mm256_loadu_pd(b + r);
        xb = _mm256_fmadd_pd(x_r, t, xb);
        yb = _mm256_fmadd_pd(y_r, t, yb);
        zb = _mm256_fmadd_pd(z_r, t, zb);
        t = _mm256_loadu_pd(c + r);
        xc = _mm256_fmadd_pd(x_r, t, xc);
        yc = _mm256_fmadd_pd(y_r, t, yc);
        zc = _mm256_fmadd_pd(z_r, t, zc);
        t = _mm256_loadu_pd(d + r);
        xd = _mm256_fmadd_pd(x_r, t, xd);
        yd = _mm256_fmadd_pd(y_r, t, yd);
        zd = _mm256_fmadd_pd(z_r, t, zd);
    }
    sums[0] = add_lanes(xa, xb, xc, xd);
    sums[1] = add_lanes(ya, yb, yc, yd);
    sums[2] = add_lanes(za, zb, zc, zd);
}

/* Columns first .. first+2 of X times w; zeros beyond the last column and the last row. */
static void fill_scaled(panel *p, size_t cols, size_t stride, const double *X, const double *w, size_t first)
{
    for (size_t i = 0; i < DOWN; i++) {
        double *out = p->scaled[i];
        const size_t have = first + i < cols ? p->rows : 0;

        for (size_t r = 0; r < have; r++) out[r] = (w ? w[r] : 1) * X[(first + i) * stride + r];
        memset(out + have, 0, (p->padded - have) * sizeof *out);
    }
}

/* Columns first .. first+3 where they lie, or copied and padded like the others. */
static void find_across(panel *p, size_t cols, size_t stride, const double *X, size_t first)
{
    for (size_t j = 0; j < ACROSS; j++) {
        const size_t have = first + j < cols ? p->rows : 0;

        p->across[j] = have ? X + (first + j) * stride : p->copied[j];
        if (have == p->padded) continue;
        if (have) memcpy(p->copied[j], p->across[j], have * sizeof(double));
        memset(p->copied[j] + have, 0, (p->padded - have) * sizeof(double));
        p->across[j] = p->copied[j];
    }
}

/* Add the tile whose first entry is (i, j) to G, upper triangle only. */
static void add_tile(size_t cols, size_t i, size_t j, const four sums[DOWN], double *G)
{
    for (size_t down = 0; down < DOWN && i + down < cols; down++) {
        double *g = G + (i + down) * cols + j, one[ACROSS];

        if (j >= i + down && j + ACROSS <= cols) {
            _mm256_storeu_pd(g, _mm256_loadu_pd(g) + sums[down]);
            continue;
        }
        _mm256_storeu_pd(one, sums[down]);
        for (size_t k = 0; k < ACROSS && j + k < cols; k++)
            if (j + k >= i + down) g[k] += one[k];
    }
}

void tarn_gram_add(size_t cols, size_t n, size_t stride, const double *X, const double *w, double *G)
{
    panel p;

    for (size_t r = 0; r < n; r += ROWS) {
        p.rows = least(ROWS, n - r);
        p.padded = (p.rows + LANES - 1) / LANES * LANES;
        for (size_t i = 0; i < cols; i += DOWN) {
            fill_scaled(&p, cols, stride, X + r, w ? w + r : NULL, i);
            for (size_t j = i; j < cols; j += ACROSS) {
                four sums[DOWN];

                find_across(&p, cols, stride, X + r, j);
                multiply(&p, sums);
                add_tile(cols, i, j, sums, G);
            }
        }
    }
}

double tarn_dot(size_t n, const double *x, const double *y)
{
    four s0 = _mm256_setzero_pd(), s1 = s0, s2 = s0, s3 = s0;
    double last_x[16] = {0}, last_y[16] = {0}, lanes[LANES];
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        s0 = _mm256_fmadd_pd(_mm256_loadu_pd(x + i), _mm256_loadu_pd(y + i), s0);
        s1 = _mm256_fmadd_pd(_mm256_loadu_pd(x + i + 4), _mm256_loadu_pd(y + i + 4), s1);
        s2 = _mm256_fmadd_pd(_mm256_loadu_pd(x + i + 8), _mm256_loadu_pd(y + i + 8), s2);
        s3 = _mm256_fmadd_pd(_mm256_loadu_pd(x + i + 12), _mm256_loadu_pd(y + i + 12), s3);
    }
    if (i < n) {
        memcpy(last_x, x + i, (n - i) * sizeof *x);
        memcpy(last_y, y + i, (n - i) * sizeof *y);
        s0 = _mm256_fmadd_pd(_mm256_loadu_pd(last_x), _mm256_loadu_pd(last_y), s0);
        s1 = _mm256_fmadd_pd(_mm256_loadu_pd(last_x + 4), _mm256_loadu_pd(last_y + 4), s1);
        s2 = _mm256_fmadd_pd(_mm256_loadu_pd(last_x + 8), _mm256_loadu_pd(last_y + 8), s2);
        s3 = _mm256_fmadd_pd(_mm256_loadu_pd(last_x + 12), _mm256_loadu_pd(last_y + 12), s3);
    }
    _mm256_storeu_pd(lanes, (s0 + s1) + (s2 + s3));
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

void tarn_axpy(size_t n, double a, const double *x, double *y)
{
    const four a4 = _mm256_set1_pd(a);
    size_t i = 0;

    for (; i + LANES <= n; i += LANES)
        _mm256_storeu_pd(y + i, _mm256_fmadd_pd(a4, _mm256_loadu_pd(x + i), _mm256_loadu_pd(y + i)));
    for (; i < n; i++) y[i] = fma(a, x[i], y[i]);
}

/* y -= a[0] x_0 + a[1] x_1 + a[2] x_2 + a[3] x_3, in this order, where row k of x starts at x + k * stride. Four rows
 * at a time, so that y is loaded and stored a quarter as often; the numbers are those of four calls of tarn_axpy. */
static void subtract_four(size_t n, const double a[4], const double *x, size_t stride, double *y)
{
    const double *x0 = x, *x1 = x + stride, *x2 = x + 2 * stride, *x3 = x + 3 * stride;
    const four a0 = _mm256_set1_pd(a[0]), a1 = _mm256_set1_pd(a[1]);
    const four a2 = _mm256_set1_pd(a[2]), a3 = _mm256_set1_pd(a[3]);
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        four t = _mm256_fnmadd_pd(a0, _mm256_loadu_pd(x0 + i), _mm256_loadu_pd(y + i));

        t = _mm256_fnmadd_pd(a1, _mm256_loadu_pd(x1 + i), t);
        t = _mm256_fnmadd_pd(a2, _mm256_loadu_pd(x2 + i), t);
        _mm256_storeu_pd(y + i, _mm256_fnmadd_pd(a3, _mm256_loadu_pd(x3 + i), t));
    }
    for (; i < n; i++) y[i] = fma(-a[3], x3[i], fma(-a[2], x2[i], fma(-a[1], x1[i], fma(-a[0], x0[i], y[i]))));
}

/* Take the rows of U above row i off row i of A, from the diagonal on. */
static void subtract_rows(size_t n, double *A, size_t i)
{
    size_t k = 0;

    for (; k + 4 <= i; k += 4) {
        const double a[4] = {A[k * n + i], A[(k + 1) * n + i], A[(k + 2) * n + i], A[(k + 3) * n + i]};

        subtract_four(n - i, a, A + k * n + i, n, A + i * n + i);
    }
    for (; k < i; k++) tarn_axpy(n - i, -A[k * n + i], A + k * n + i, A + i * n + i);
}

/* A = U'U, row after row. */
static tarn_code factor(size_t n, double *A, size_t *column, tarn_err *err)
{
    for (size_t i = 0; i < n; i++) {
        double *row = A + i * n;
        const double diagonal = row[i];

        subtract_rows(n, A, i);
        if (isfinite(row[i]) && row[i] > diagonal * (double)n * 0x1p-52) {
            const double root = sqrt(row[i]);

            for (size_t j = i; j < n; j++) row[j] /= root;
            continue;
        }
        if (column) *column = i;
        if (!isfinite(row[i]))
            return TARN_FAIL(err, TARN_NUMERIC,
                             "column %zu of the linear system is not finite: squares overflow; scale the columns first",
                             i);
        return TARN_FAIL(err, TARN_NUMERIC,
                         "column %zu is a linear combination of those before it (pivot %g of %g); leave it out or "
                         "raise the l2 penalty",
                         i, row[i], diagonal);
    }
    return TARN_OK;
}

void tarn_cholesky_again(size_t n, const double *U, size_t count, double *B)
{
    for (size_t i = 0; i < n; i++) /* U'Y = B */
        for (size_t k = 0; k < count; k++) {
            double *b = B + k * n;
            b[i] /= U[i * n + i];
            tarn_axpy(n - i - 1, -b[i], U + i * n + i + 1, b + i + 1);
        }
    for (size_t i = n; i-- > 0;) /* UX = Y */
        for (size_t k = 0; k < count; k++) {
            double *b = B + k * n;
            b[i] = (b[i] - tarn_dot(n - i - 1, U + i * n + i + 1, b + i + 1)) / U[i * n + i];
        }
}

tarn_code tarn_cholesky_solve(size_t n, double *A, double *b, size_t *column, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(factor(n, A, column, err));
    tarn_cholesky_again(n, A, 1, b);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(b[i])) {
            if (column) *column = i;
            rc = TARN_FAIL(err, TARN_NUMERIC, "the solution for column %zu is not finite; scale the columns", i);
            break;
        }
done:
    return rc;
}
