/* SPDX-License-Identifier: Apache-2.0 */
/* orthogonal.c - Householder's reflections on a growing triangle, and the solution of a triangle of any rank. */
#include "math/orthogonal.h"

#include "base/mem.h"
#include "math/gram.h"

#include <math.h>
#include <string.h>

/* The reflection that takes (head, v) to (new head, 0): its own first element, and 2 / |it|^2; 0 if v is 0 already. */
static double reflector(double *head, double squares, double *first)
{
    double length = sqrt(fma(*head, *head, squares)), becomes = *head > 0 ? -length : length;

    if (squares == 0) return 0;
    *first = *head - becomes;
    *head = becomes;
    return 2 / fma(*first, *first, squares);
}

void tarn_qr_add(size_t cols, size_t n, size_t stride, double *X, double *R)
{
    for (size_t j = 0; j < cols; j++) {
        double *v = X + j * stride, *row = R + j * cols, first = 0;
        double factor = reflector(&row[j], tarn_dot(n, v, v), &first);
        if (factor == 0) continue;
        for (size_t k = j + 1; k < cols; k++) {
            double t = factor * fma(first, row[k], tarn_dot(n, v, X + k * stride));
            row[k] = fma(-t, first, row[k]);
            tarn_axpy(n, -t, v, X + k * stride);
        }
    }
}

/* A triangle while it is solved: columns in order of their pivots. */
typedef struct triangle {
    size_t n, rank;
    double *a;      /* (n, n) column-major */
    double *y;      /* (n) */
    double *factor; /* (n) of the reflections from the right, whose vectors replace what they made 0 */
    size_t *order;  /* (n) original number of each column */
} triangle;

static tarn_code triangle_new(size_t n, const double *R, const double *y, triangle *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *t = (triangle){.n = n};
    TARN_TRY(tarn_alloc(&t->a, n * n, sizeof *t->a, err));
    TARN_TRY(tarn_alloc(&t->y, n, sizeof *t->y, err));
    TARN_TRY(tarn_alloc(&t->factor, n, sizeof *t->factor, err));
    TARN_TRY(tarn_alloc(&t->order, n, sizeof *t->order, err));
    for (size_t j = 0; j < n; j++) {
        t->order[j] = j;
        t->y[j] = y[j];
        for (size_t i = 0; i <= j; i++) t->a[j * n + i] = R[i * n + j];
    }
done:
    return rc;
}

static void triangle_clear(triangle *t)
{
    tarn_free(t->a);
    tarn_free(t->y);
    tarn_free(t->factor);
    tarn_free(t->order);
}

/* The longest of the columns k .. from row k on; the lowest number if several are. */
static size_t longest(const triangle *t, size_t k, double *square)
{
    size_t best = k;

    *square = -1;
    for (size_t j = k; j < t->n; j++) {
        const double *column = t->a + j * t->n + k;
        double s = tarn_dot(t->n - k, column, column);
        if (s > *square) best = j, *square = s;
    }
    return best;
}

static void exchange(triangle *t, size_t a, size_t b)
{
    size_t was = t->order[a];

    t->order[a] = t->order[b];
    t->order[b] = was;
    for (size_t i = 0; a != b && i < t->n; i++) {
        double x = t->a[a * t->n + i];
        t->a[a * t->n + i] = t->a[b * t->n + i];
        t->a[b * t->n + i] = x;
    }
}

/* Column k below the diagonal to zero, and y with it. */
static void reflect_column(triangle *t, size_t k)
{
    size_t n = t->n, rest = n - k - 1;
    double *v = t->a + k * n + k, first = 0, factor = reflector(v, tarn_dot(rest, v + 1, v + 1), &first);

    if (factor == 0) return;
    for (size_t j = k + 1; j <= n; j++) {
        double *to = j < n ? t->a + j * n + k : t->y + k;
        double s = factor * fma(first, to[0], tarn_dot(rest, v + 1, to + 1));
        to[0] = fma(-s, first, to[0]);
        tarn_axpy(rest, -s, v + 1, to + 1);
    }
    memset(v + 1, 0, rest * sizeof *v);
}

/* Columns from `rank` on to zero, by reflections from the right, last row first. Each leaves its vector where the zeros
 * belong, and its first element apart in `heads`. */
static void reflect_rows(triangle *t, double *heads)
{
    size_t n = t->n, r = t->rank;

    for (size_t i = r; i-- > 0;) {
        double squares = 0, first = 0;
        for (size_t j = r; j < n; j++) squares = fma(t->a[j * n + i], t->a[j * n + i], squares);
        t->factor[i] = reflector(&t->a[i * n + i], squares, &first);
        heads[i] = first;
        for (size_t k = 0; t->factor[i] != 0 && k < i; k++) {
            double s = first * t->a[i * n + k];
            for (size_t j = r; j < n; j++) s = fma(t->a[j * n + i], t->a[j * n + k], s);
            s *= t->factor[i];
            t->a[i * n + k] = fma(-s, first, t->a[i * n + k]);
            for (size_t j = r; j < n; j++) t->a[j * n + k] = fma(-s, t->a[j * n + i], t->a[j * n + k]);
        }
    }
}

/* Solve the leading triangle of t->rank rows; z (n) becomes the solution in pivot order. */
static void back_substitute(const triangle *t, const double *heads, double *z)
{
    size_t n = t->n, r = t->rank;

    memset(z, 0, n * sizeof *z);
    for (size_t i = r; i-- > 0;) {
        double sum = t->y[i];
        for (size_t j = i + 1; j < r; j++) sum = fma(-t->a[j * n + i], z[j], sum);
        z[i] = sum / t->a[i * n + i];
    }
    for (size_t i = 0; r < n && i < r; i++) {
        double s = heads[i] * z[i];
        for (size_t j = r; j < n; j++) s = fma(t->a[j * n + i], z[j], s);
        s *= t->factor[i];
        z[i] = fma(-s, heads[i], z[i]);
        for (size_t j = r; j < n; j++) z[j] = fma(-s, t->a[j * n + i], z[j]);
    }
}

tarn_code tarn_qr_solve(size_t n, const double *R, const double *y, double tolerance, double *x, size_t *rank,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    triangle t = {0};
    double most = 0, square = 0, *heads = NULL, *z = NULL;

    TARN_TRY(triangle_new(n, R, y, &t, err));
    TARN_TRY(tarn_alloc(&heads, n, sizeof *heads, err));
    TARN_TRY(tarn_alloc(&z, n, sizeof *z, err));
    for (t.rank = 0; t.rank < n; t.rank++) {
        size_t best = longest(&t, t.rank, &square);
        most = t.rank == 0 ? square : most;
        if (!(square > tolerance * tolerance * most)) break;
        exchange(&t, t.rank, best);
        reflect_column(&t, t.rank);
    }
    if (t.rank < n) reflect_rows(&t, heads);
    back_substitute(&t, heads, z);
    for (size_t j = 0; j < n; j++) {
        x[t.order[j]] = z[j];
        if (!isfinite(z[j]) && rc == TARN_OK)
            rc = TARN_FAIL(err, TARN_NUMERIC, "the solution for column %zu is not finite; scale the columns",
                           t.order[j]);
    }
    *rank = t.rank;
done:
    triangle_clear(&t);
    tarn_free(heads);
    tarn_free(z);
    return rc;
}
