/* SPDX-License-Identifier: Apache-2.0 */
/* clusters.c - counts, centres and information of clusters. */
#include "assess/clusters.h"

#include "assess/order.h"
#include "assess/sum.h"
#include "base/mem.h"
#include "math/distribution.h"
#include "math/elementary.h"

#include <float.h>

/* Numbers from 0 by rising key; names (n) may be NULL. */
static tarn_code number(const int64_t *key, int64_t rows, uint32_t **out, int64_t **names, int64_t *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t *order = NULL, *numbers = NULL;
    int64_t *found = NULL, k = -1;

    TARN_TRY(tarn_alloc(&order, (size_t)rows, sizeof(*order), err));
    TARN_TRY(tarn_alloc(&numbers, (size_t)rows, sizeof(*numbers), err));
    TARN_TRY(tarn_alloc(&found, (size_t)rows, sizeof(*found), err));
    for (int64_t i = 0; i < rows; i++) order[i] = (uint32_t)i;
    TARN_TRY(tarn_order_by(key, rows, order, err));
    for (int64_t i = 0; i < rows; i++) {
        if (i == 0 || key[order[i]] != key[order[i - 1]]) found[++k] = key[order[i]];
        numbers[order[i]] = (uint32_t)k;
    }
    *n = k + 1;
    *out = numbers;
    numbers = NULL;
    if (names) *names = found, found = NULL;
done:
    tarn_free(order);
    tarn_free(numbers);
    tarn_free(found);
    return rc;
}

static tarn_code count(const uint32_t *number, int64_t rows, int64_t n, double **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, (size_t)n, sizeof(**out), err);

    for (int64_t i = 0; rc == TARN_OK && i < rows; i++) (*out)[number[i]]++;
    return rc;
}

/* Centre of each cluster, and of all rows in the line behind them. */
static tarn_code find_centres(tarn_clusters *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int d = c->columns;
    tarn_sum *sums = NULL;

    TARN_TRY(tarn_alloc(&c->centre, (size_t)(c->clusters + 1) * (size_t)d, sizeof(double), err));
    TARN_TRY(tarn_alloc(&sums, (size_t)c->clusters + 1, sizeof(*sums), err));
    for (int k = 0; k < d; k++) {
        for (int64_t g = 0; g <= c->clusters; g++) sums[g] = (tarn_sum){0};
        for (int64_t i = 0; i < c->rows; i++) {
            tarn_sum_add(&sums[c->label[i]], c->of->column[k][i]);
            tarn_sum_add(&sums[c->clusters], c->of->column[k][i]);
        }
        for (int64_t g = 0; g <= c->clusters; g++)
            c->centre[g * d + k] = tarn_sum_get(&sums[g]) / (g < c->clusters ? c->size[g] : (double)c->rows);
    }
done:
    tarn_free(sums);
    return rc;
}

static double squared_distance(const tarn_clusters *c, int64_t row, const double *centre)
{
    double sum = 0;

    for (int k = 0; k < c->columns; k++) {
        double d = c->of->column[k][row] - centre[k];
        sum += d * d;
    }
    return sum;
}

static tarn_code measure(tarn_clusters *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int d = c->columns;
    tarn_sum *inside = NULL, *radius = NULL, within = {0}, between = {0};

    TARN_TRY(find_centres(c, err));
    TARN_TRY(tarn_alloc(&inside, (size_t)c->clusters, sizeof(*inside), err));
    TARN_TRY(tarn_alloc(&radius, (size_t)c->clusters, sizeof(*radius), err));
    TARN_TRY(tarn_alloc(&c->inside, (size_t)c->clusters, sizeof(double), err));
    TARN_TRY(tarn_alloc(&c->radius, (size_t)c->clusters, sizeof(double), err));
    for (int64_t i = 0; i < c->rows; i++) {
        double square = squared_distance(c, i, c->centre + (int64_t)c->label[i] * d);
        tarn_sum_add(&inside[c->label[i]], square);
        tarn_sum_add(&radius[c->label[i]], sqrt(square));
    }
    for (int64_t g = 0; g < c->clusters; g++) {
        double square = 0;
        for (int k = 0; k < d; k++) {
            double off = c->centre[g * d + k] - c->centre[c->clusters * d + k];
            square += off * off;
        }
        c->inside[g] = tarn_sum_get(&inside[g]);
        c->radius[g] = tarn_sum_get(&radius[g]) / c->size[g];
        tarn_sum_add(&within, c->inside[g]);
        tarn_sum_add(&between, c->size[g] * square);
    }
    c->within = tarn_sum_get(&within);
    c->between = tarn_sum_get(&between);
done:
    tarn_free(inside);
    tarn_free(radius);
    return rc;
}

static double entropy(const double *size, int64_t n, double rows)
{
    tarn_sum sum = {0};

    for (int64_t i = 0; i < n && n > 1; i++) tarn_sum_add(&sum, -size[i] / rows * tarn_log(size[i] / rows));
    return tarn_sum_get(&sum);
}

static double squares(const double *size, int64_t n)
{
    tarn_sum sum = {0};

    for (int64_t i = 0; i < n; i++) tarn_sum_add(&sum, size[i] * size[i]);
    return tarn_sum_get(&sum);
}

/* Runs of equal (cluster, group) among the rows in the order of both: the cells of their table that are not empty. */
static tarn_code meet(tarn_clusters *c, const uint32_t *truth, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t *order = NULL;
    int64_t *key = NULL;
    tarn_sum both = {0}, information = {0};
    double n = (double)c->rows;

    TARN_TRY(tarn_alloc(&order, (size_t)c->rows, sizeof(*order), err));
    TARN_TRY(tarn_alloc(&key, (size_t)c->rows, sizeof(*key), err));
    for (int64_t i = 0; i < c->rows; i++) {
        order[i] = (uint32_t)i;
        key[i] = (int64_t)c->label[i] * c->classes + truth[i];
    }
    TARN_TRY(tarn_order_by(key, c->rows, order, err));
    for (int64_t from = 0, to; from < c->rows; from = to) {
        for (to = from; to < c->rows && key[order[to]] == key[order[from]];) to++;
        double cell = (double)(to - from), of = c->size[c->label[order[from]]] * c->class_size[truth[order[from]]];
        tarn_sum_add(&both, cell * cell);
        tarn_sum_add(&information, cell / n * tarn_log(cell / of * n));
    }
    c->pairs_both = tarn_sum_get(&both);
    c->information = tarn_sum_get(&information);
    if (c->information < DBL_EPSILON) c->information = 0; /* what is left by rounding */
done:
    tarn_free(order);
    tarn_free(key);
    return rc;
}

static tarn_code hold_against_truth(tarn_clusters *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t *truth = NULL;

    TARN_TRY(number(c->of->truth, c->rows, &truth, NULL, &c->classes, err));
    TARN_TRY(count(truth, c->rows, c->classes, &c->class_size, err));
    TARN_TRY(meet(c, truth, err));
    c->pairs_cluster = squares(c->size, c->clusters);
    c->pairs_truth = squares(c->class_size, c->classes);
    c->entropy_cluster = entropy(c->size, c->clusters, (double)c->rows);
    c->entropy_truth = entropy(c->class_size, c->classes, (double)c->rows);
done:
    tarn_free(truth);
    return rc;
}

tarn_code tarn_clusters_make(const tarn_clustered *of, tarn_pool *pool, tarn_clusters *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_clusters c = {.of = of, .pool = pool, .rows = of->rows, .columns = of->column ? of->columns : 0};

    TARN_TRY(number(of->label, of->rows, &c.label, &c.name, &c.clusters, err));
    TARN_TRY(count(c.label, c.rows, c.clusters, &c.size, err));
    if (c.columns > 0) TARN_TRY(measure(&c, err));
    if (of->truth) TARN_TRY(hold_against_truth(&c, err));
    *out = c;
    c = (tarn_clusters){0};
done:
    tarn_clusters_clear(&c);
    return rc;
}

void tarn_clusters_clear(tarn_clusters *c)
{
    tarn_free(c->label);
    tarn_free(c->name);
    tarn_free(c->size);
    tarn_free(c->class_size);
    tarn_free(c->centre);
    tarn_free(c->radius);
    tarn_free(c->inside);
    tarn_free(c->silhouette);
    *c = (tarn_clusters){0};
}

bool tarn_clusters_apart(const tarn_clusters *c) { return c->clusters >= 2 && c->clusters < c->rows; }

/* Hypergeometric: over the sizes n that a cell of a cluster of a rows and a group of b rows can have. */
static double expected_cell(const double *log_factorial, int64_t a, int64_t b, int64_t n)
{
    tarn_sum sum = {0};
    const double *lf = log_factorial;
    double fixed = lf[a] + lf[b] + lf[n - a] + lf[n - b] - lf[n];

    for (int64_t k = a + b > n ? a + b - n : 1; k <= (a < b ? a : b); k++) {
        double chance = tarn_exp(fixed - lf[k] - lf[a - k] - lf[b - k] - lf[n - a - b + k]);
        tarn_sum_add(&sum, (double)k / (double)n * tarn_log((double)n * (double)k / ((double)a * (double)b)) * chance);
    }
    return tarn_sum_get(&sum);
}

tarn_code tarn_clusters_chance_information(const tarn_clusters *c, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *log_factorial = NULL;
    tarn_sum sum = {0};

    TARN_TRY(tarn_alloc(&log_factorial, (size_t)c->rows + 1, sizeof(double), err));
    for (int64_t i = 0; i <= c->rows; i++) log_factorial[i] = tarn_log_gamma((double)i + 1);
    for (int64_t a = 0; a < c->clusters; a++)
        for (int64_t b = 0; b < c->classes; b++)
            tarn_sum_add(&sum, expected_cell(log_factorial, (int64_t)c->size[a], (int64_t)c->class_size[b], c->rows));
    *out = tarn_sum_get(&sum);
done:
    tarn_free(log_factorial);
    return rc;
}
