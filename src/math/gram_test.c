/* SPDX-License-Identifier: Apache-2.0 */
/* gram_test.c - the kernel against the order its header promises, to the bit, and the solver against known answers. */
#include "support/tarn_test.h"

#include "base/random.h"
#include "math/gram.h"

#include <math.h>

static double *numbers(size_t n, uint64_t seed)
{
    double *x = NULL;

    must(tarn_alloc(&x, n ? n : 1, sizeof *x, err));
    for (size_t i = 0; i < n; i++) x[i] = tarn_random_unit(seed, TARN_STREAM_TEST, i, 0) * 2 - 1;
    return x;
}

/* One entry of G as the header describes it. */
static double entry_by_hand(size_t n, const double *x, const double *w, const double *y, double g)
{
    for (size_t from = 0; from < n; from += 256) {
        double lane[4] = {0};

        for (size_t r = from; r < n && r < from + 256; r++) lane[r % 4] = fma((w ? w[r] : 1) * x[r], y[r], lane[r % 4]);
        g += (lane[0] + lane[1]) + (lane[2] + lane[3]);
    }
    return g;
}

static void check_gram(size_t cols, size_t n, size_t stride, bool weighted)
{
    double *X = numbers(cols * stride, 1), *w = numbers(n, 2), *G = numbers(cols * cols, 3);
    double *before = numbers(cols * cols, 3);

    for (size_t j = 0; j < cols; j++) /* what lies between the columns must not count */
        for (size_t r = n; r < stride; r++) X[j * stride + r] = NAN;
    tarn_gram_add(cols, n, stride, X, weighted ? w : NULL, G);
    for (size_t i = 0; i < cols; i++)
        for (size_t j = 0; j < cols; j++) {
            double want = before[i * cols + j];

            if (j >= i) want = entry_by_hand(n, X + i * stride, weighted ? w : NULL, X + j * stride, want);
            if (memcmp(&want, &G[i * cols + j], sizeof want) != 0)
                fail_msg("%zu columns, %zu rows: entry %zu,%zu is %a, not %a", cols, n, i, j, G[i * cols + j], want);
        }
    tarn_free(X);
    tarn_free(w);
    tarn_free(G);
    tarn_free(before);
}

static void adds_every_entry_in_the_promised_order(void **state)
{
    static const size_t rows[] = {0, 1, 2, 3, 4, 5, 31, 255, 256, 257, 511, 700};

    (void)state;
    for (size_t cols = 0; cols <= 14; cols++)
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
            check_gram(cols, rows[k], rows[k] + k % 3, true);
            check_gram(cols, rows[k], rows[k], false);
        }
    check_gram(53, 8192, 8192, true);
}

static void gives_the_same_bits_at_any_alignment(void **state)
{
    enum { N = 301, COLS = 9 };
    double *X = numbers(COLS * N, 4), *w = numbers(N, 5), *moved = NULL, A[COLS * COLS] = {0};

    (void)state;
    must(tarn_alloc(&moved, COLS * N + 4, sizeof *moved, err));
    tarn_gram_add(COLS, N, N, X, w, A);
    for (size_t shift = 0; shift < 4; shift++) {
        double B[COLS * COLS] = {0};

        memcpy(moved + shift, X, COLS * N * sizeof *X);
        tarn_gram_add(COLS, N, N, moved + shift, w, B);
        assert_memory_equal(A, B, sizeof A);
    }
    tarn_free(X);
    tarn_free(w);
    tarn_free(moved);
}

static void dot_and_axpy_keep_their_order(void **state)
{
    enum { N = 100 };
    double *x = numbers(N, 6), *y = numbers(N, 7);

    (void)state;
    for (size_t n = 0; n <= N; n++) {
        double lane[16] = {0}, four[4], z[N], want, got = tarn_dot(n, x, y);

        for (size_t i = 0; i < n; i++) lane[i % 16] = fma(x[i], y[i], lane[i % 16]);
        for (size_t i = 0; i < 4; i++) four[i] = (lane[i] + lane[i + 4]) + (lane[i + 8] + lane[i + 12]);
        want = (four[0] + four[1]) + (four[2] + four[3]);
        assert_memory_equal(&want, &got, sizeof want);
        memcpy(z, y, sizeof z);
        tarn_axpy(n, 1.1, x, z);
        for (size_t i = 0; i < N; i++) {
            want = i < n ? fma(1.1, x[i], y[i]) : y[i];
            assert_memory_equal(&want, &z[i], sizeof want);
        }
    }
    tarn_free(x);
    tarn_free(y);
}

/* A = M'M + n I is well conditioned; b = A x for a known x. */
static void solves_what_it_was_made_from(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 16, 33, 100, 151};

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const size_t n = sizes[k];
        double *M = numbers(n * n, 8), *A = numbers(n * n, 9), *x = numbers(n, 10), *b = numbers(n, 11);

        for (size_t i = 0; i < n; i++)
            for (size_t j = i; j < n; j++) {
                A[i * n + j] = i == j ? (double)n : 0;
                for (size_t r = 0; r < n; r++) A[i * n + j] += M[r * n + i] * M[r * n + j];
            }
        for (size_t i = 0; i < n; i++) {
            b[i] = 0;
            for (size_t j = 0; j < n; j++) b[i] += A[i <= j ? i * n + j : j * n + i] * x[j];
        }
        must(tarn_cholesky_solve(n, A, b, NULL, err));
        for (size_t i = 0; i < n; i++) assert_true(fabs(b[i] - x[i]) < 1e-12);
        tarn_free(M);
        tarn_free(A);
        tarn_free(x);
        tarn_free(b);
    }
}

static void leaves_the_lower_triangle_alone(void **state)
{
    double A[9] = {4, 2, 2, NAN, 5, 3, NAN, NAN, 6}, b[3] = {8, 10, 11};

    (void)state;
    must(tarn_cholesky_solve(3, A, b, NULL, err));
    for (int i = 0; i < 3; i++) assert_true(fabs(b[i] - 1) < 1e-15);
    assert_true(isnan(A[3]) && isnan(A[6]) && isnan(A[7]));
    assert_true(A[0] == 2 && A[1] == 1 && A[2] == 1 && A[4] == 2 && A[5] == 1 && A[8] == 2);
}

static void names_the_column_at_fault(void **state)
{
    /* The third column is the sum of the first two. */
    double A[16] = {2, 1, 3, 0, 0, 2, 3, 0, 0, 0, 6, 0, 0, 0, 0, 1}, b[4] = {1, 1, 1, 1};
    double negative[4] = {1, 2, 2, 1}, zero[1] = {0}, broken[4] = {1, 0, 0, NAN}, huge[1] = {1e-300};
    size_t column = 99;

    (void)state;
    must_fail_with(TARN_NUMERIC, "column 2 is a linear combination", tarn_cholesky_solve(4, A, b, &column, err));
    assert_int_equal(column, 2);
    must_fail_with(TARN_NUMERIC, "column 1", tarn_cholesky_solve(2, negative, b, NULL, err));
    must_fail_with(TARN_NUMERIC, "column 0", tarn_cholesky_solve(1, zero, b, &column, err));
    assert_int_equal(column, 0);
    must_fail_with(TARN_NUMERIC, "column 1 of the linear system is not finite: squares overflow",
                   tarn_cholesky_solve(2, broken, b, &column, err));
    b[0] = 1e300;
    must_fail_with(TARN_NUMERIC, "solution for column 0", tarn_cholesky_solve(1, huge, b, &column, err));
    assert_int_equal(tarn_cholesky_solve(1, zero, b, NULL, NULL), TARN_NUMERIC);
}

static void more_sides_get_what_the_first_got(void **state)
{
    enum { N = 23, SIDES = 5 };
    double *X = numbers(N * 40, 6), *B = numbers(N * SIDES, 7), G[N * N] = {0}, U[N * N];

    (void)state;
    tarn_gram_add(N, 40, 40, X, NULL, G);
    for (size_t i = 0; i < N; i++) G[i * N + i] += 1;
    for (size_t k = 0; k < SIDES; k++) {
        double one[N], again[N * SIDES];

        memcpy(one, B + k * N, sizeof one);
        memcpy(again, B, sizeof again);
        memcpy(U, G, sizeof G);
        must(tarn_cholesky_solve(N, U, one, NULL, err));
        tarn_cholesky_again(N, U, SIDES, again);
        assert_memory_equal(again + k * N, one, sizeof one);
    }
    tarn_free(X);
    tarn_free(B);
}

TARN_TESTS(TARN_TEST(adds_every_entry_in_the_promised_order), TARN_TEST(gives_the_same_bits_at_any_alignment),
           TARN_TEST(dot_and_axpy_keep_their_order), TARN_TEST(solves_what_it_was_made_from),
           TARN_TEST(leaves_the_lower_triangle_alone), TARN_TEST(names_the_column_at_fault),
           TARN_TEST(more_sides_get_what_the_first_got))
