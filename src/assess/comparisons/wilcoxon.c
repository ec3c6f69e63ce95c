/* SPDX-License-Identifier: Apache-2.0 */
/* wilcoxon.c - signed ranks of the differences of two models. Equal scores are left out; equal differences share ranks.
 * The exact distribution up to 50 sets without either, else the normal one with correction for ties. */
#include "assess/order.h"
#include "assess/paired.h"
#include "base/mem.h"
#include "math/distribution.h"

#include <math.h>

enum { MOST_EXACT = 50 };

/* Chance that the ranks 1 .. n, of which each counts or not by a fair coin, sum to at most `sum`. */
static double exact_below(int n, double sum)
{
    double chance[MOST_EXACT * (MOST_EXACT + 1) / 2 + 1] = {1}, below = 0;
    int most = n * (n + 1) / 2;

    for (int rank = 1; rank <= n; rank++)
        for (int s = most; s >= 0; s--) chance[s] = (chance[s] + (s >= rank ? chance[s - rank] : 0)) / 2;
    for (int s = 0; s <= most && s <= sum; s++) below += chance[s];
    return below;
}

/* Sums of the ranks of |d| where d is above and below 0; *ties sums t^3 - t over runs of t equal ones. */
static tarn_code rank(const double *d, int64_t n, double *above, double *below, double *ties, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *size = NULL;
    uint32_t *order = NULL;

    TARN_TRY(tarn_alloc(&size, (size_t)n, sizeof(*size), err));
    for (int64_t i = 0; i < n; i++) size[i] = fabs(d[i]);
    TARN_TRY(tarn_order(size, n, &order, err));
    for (int64_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && size[order[to]] <= size[order[from]];) to++;
        double shared = (double)(from + to + 1) / 2, t = (double)(to - from);
        *ties += t * t * t - t;
        for (int64_t i = from; i < to; i++) *(d[order[i]] > 0 ? above : below) += shared;
    }
done:
    tarn_free(size);
    tarn_free(order);
    return rc;
}

/* Chance of a sum this far from the middle; n differences that are not 0. */
static double chance_of(double sum, int64_t n, int64_t sets, double ties)
{
    double k = (double)n;

    if (n == 0) return 1;
    if (n == sets && n <= MOST_EXACT && ties <= 0) return fmin(1, 2 * exact_below((int)n, sum));
    double variance = k * (k + 1) * (2 * k + 1) / 24 - ties / 48;
    return fmin(1, 2 * tarn_normal_below((sum - k * (k + 1) / 4) / sqrt(variance)));
}

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *d = NULL, above = 0, below = 0, ties = 0;
    int64_t n = 0;

    (void)pool, (void)more;
    TARN_TRY(tarn_alloc(&d, (size_t)c->sets, sizeof(*d), err));
    out->difference = 0;
    for (int64_t i = 0; i < c->sets; i++) {
        double x = c->score[i] - c->score[c->sets + i];
        out->difference += x / (double)c->sets;
        if (fabs(x) > 0) d[n++] = x;
    }
    TARN_TRY(rank(d, n, &above, &below, &ties, err));
    out->statistic = fmin(above, below);
    out->p = chance_of(out->statistic, n, c->sets, ties);
done:
    tarn_free(d);
    return rc;
}

const tarn_comparison tarn_comparison_wilcoxon = {
    .name = "wilcoxon",
    .title = "Wilcoxon signed ranks",
    .paper = "Wilcoxon 1945, Biometrics Bulletin 1(6); Demsar 2006, JMLR 7",
    .help = "scores of two models on several tables, whatever their distribution",
    .most = 2,
    .least = 1,
    .compute = compute,
};
