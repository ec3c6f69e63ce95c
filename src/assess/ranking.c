/* SPDX-License-Identifier: Apache-2.0 */
/* ranking.c - see ranking.h. */
#include "assess/ranking.h"

#include "assess/known.h"
#include "assess/order.h"
#include "assess/sum.h"
#include "base/mem.h"
#include "math/elementary.h"

/* Rows group by group, in each by falling x. */
static tarn_code by_group(const tarn_judged *j, const double *x, uint32_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t *rising = NULL, *rows = NULL;

    TARN_TRY(tarn_order(x, j->rows, &rising, err));
    TARN_TRY(tarn_alloc(&rows, (size_t)j->rows, sizeof(*rows), err));
    for (int64_t i = 0; i < j->rows; i++) rows[i] = rising[j->rows - 1 - i];
    TARN_TRY(tarn_order_by(j->group, j->rows, rows, err));
    *out = rows;
    rows = NULL;
done:
    tarn_free(rising);
    tarn_free(rows);
    return rc;
}

static tarn_code find_starts(const tarn_judged *j, tarn_groups *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&g->start, (size_t)j->rows + 1, sizeof(*g->start), err));
    for (int64_t i = 0; i < j->rows; i++)
        if (i == 0 || j->group[g->by_p[i]] != j->group[g->by_p[i - 1]]) g->start[g->n++] = i;
    g->start[g->n] = j->rows;
    for (int64_t i = 0; i < g->n; i++)
        if (g->start[i + 1] - g->start[i] > g->largest) g->largest = g->start[i + 1] - g->start[i];
done:
    return rc;
}

tarn_code tarn_groups_make(const tarn_judged *j, tarn_groups *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_groups g = {0};
    const double log_2 = tarn_log(2);

    TARN_TRY(by_group(j, j->p, &g.by_p, err));
    TARN_TRY(by_group(j, j->y, &g.by_y, err));
    TARN_TRY(find_starts(j, &g, err));
    TARN_TRY(tarn_alloc(&g.discount, (size_t)g.largest + 1, sizeof(*g.discount), err));
    for (int64_t i = 0; i < g.largest; i++) g.discount[i + 1] = g.discount[i] + log_2 / tarn_log((double)i + 2);
    *out = g;
    g = (tarn_groups){0};
done:
    tarn_groups_clear(&g);
    return rc;
}

void tarn_groups_clear(tarn_groups *g)
{
    tarn_free(g->start);
    tarn_free(g->by_p);
    tarn_free(g->by_y);
    tarn_free(g->discount);
    *g = (tarn_groups){0};
}

/* The rows of group i that have weight, into y, p and ideal; returns the sum of their weights. */
static double gather(const tarn_judged *j, const tarn_groups *g, int64_t i, double *y, double *p, double *ideal,
                     int64_t *n)
{
    double weight = 0;
    int64_t k = 0;

    *n = 0;
    for (int64_t at = g->start[i]; at < g->start[i + 1]; at++) {
        int64_t row = g->by_p[at], best = g->by_y[at];
        double w = tarn_judged_weight(j, row);

        if (w > 0) y[*n] = j->y[row], p[(*n)++] = j->p[row], weight += w;
        if (tarn_judged_weight(j, best) > 0) ideal[k++] = j->y[best];
    }
    return weight;
}

tarn_code tarn_ranking_mean(const tarn_judged *j, tarn_ranking_fn *fn, int64_t k, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_groups own = {0};
    const tarn_groups *g = NULL;
    double *y = NULL, *p = NULL, *ideal = NULL;
    tarn_sum sum = {0}, weight = {0};

    TARN_TRY(tarn_known_groups(j, &own, &g, err));
    TARN_TRY(tarn_alloc(&y, (size_t)g->largest, sizeof(*y), err));
    TARN_TRY(tarn_alloc(&p, (size_t)g->largest, sizeof(*p), err));
    TARN_TRY(tarn_alloc(&ideal, (size_t)g->largest, sizeof(*ideal), err));
    for (int64_t i = 0; i < g->n; i++) {
        tarn_ranked r = {0, y, p, ideal, g->discount};
        double w = gather(j, g, i, y, p, ideal, &r.n);

        if (r.n == 0) continue;
        tarn_sum_add(&sum, w / (double)r.n * fn(&r, k));
        tarn_sum_add(&weight, w / (double)r.n);
    }
    *out = tarn_sum_get(&sum) / tarn_sum_get(&weight);
done:
    tarn_free(y);
    tarn_free(p);
    tarn_free(ideal);
    tarn_groups_clear(&own);
    return rc;
}

double tarn_ranking_ndcg(const tarn_ranked *r, int64_t k)
{
    double gain = 0, most = 0;
    int64_t last = k < r->n ? k : r->n;

    if (r->ideal[r->n - 1] < 0) return NAN;
    for (int64_t from = 0, to; from < last; from = to) {
        double sum = 0;
        for (to = from; to < r->n && r->p[to] >= r->p[from]; to++) sum += r->y[to];
        gain += sum / (double)(to - from) * (r->discount[to < last ? to : last] - r->discount[from]);
    }
    for (int64_t i = 0; i < last; i++) most += r->ideal[i] * (r->discount[i + 1] - r->discount[i]);
    return most > 0 ? gain / most : 0;
}
