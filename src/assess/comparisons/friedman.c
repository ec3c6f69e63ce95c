/* SPDX-License-Identifier: Apache-2.0 */
/* friedman.c - mean ranks of several models over several sets, and which pairs differ by Nemenyi's test. Equal scores
 * share ranks. */
#include "assess/order.h"
#include "assess/put.h"
#include "base/mem.h"
#include "math/distribution.h"

#include <math.h>

/* Add the ranks of the models on one set (1 is best) to rank; ties sums t^3 - t over runs of t equal scores. */
static tarn_code add_ranks(const tarn_contest *c, int64_t set, double *x, double *rank, double *ties, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double sign = c->metric && !c->metric->higher_is_better ? 1 : -1;
    uint32_t *order = NULL;

    for (int m = 0; m < c->models; m++) x[m] = sign * c->score[m * c->sets + set];
    TARN_TRY(tarn_order(x, c->models, &order, err));
    for (int from = 0, to; from < c->models; from = to) {
        for (to = from; to < c->models && x[order[to]] <= x[order[from]];) to++;
        double t = to - from;
        *ties += t * t * t - t;
        for (int i = from; i < to; i++) rank[order[i]] += (from + to + 1) / 2.0;
    }
done:
    tarn_free(order);
    return rc;
}

/* Mean ranks, the least difference of two that counts, and the chance of each difference. */
static tarn_code put_nemenyi(const tarn_contest *c, const double *rank, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double k = c->models, error = sqrt(k * (k + 1) / (12 * (double)c->sets));
    json_t *pairs = NULL;

    TARN_TRY(tarn_put_numbers(more, "ranks", rank, c->models, err));
    TARN_TRY(tarn_put_number(more, "critical_difference", tarn_range_quantile(c->how.level, c->models) * error, err));
    TARN_TRY(tarn_put_array(more, "pairs", &pairs, err));
    for (int a = 0; a < c->models; a++) {
        json_t *line = json_array();
        TARN_TRY(tarn_json_append(pairs, line, err));
        for (int b = 0; b < c->models; b++) {
            double p = a == b ? 1 : tarn_range_above(fabs(rank[a] - rank[b]) / error, c->models);
            TARN_TRY(tarn_json_append(line, tarn_json_num(p), err));
        }
    }
done:
    return rc;
}

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double k = c->models, n = (double)c->sets, squares = 0, ties = 0, *rank = NULL, *x = NULL;

    (void)pool;
    TARN_TRY(tarn_alloc(&rank, (size_t)c->models, sizeof(*rank), err));
    TARN_TRY(tarn_alloc(&x, (size_t)c->models, sizeof(*x), err));
    for (int64_t i = 0; i < c->sets; i++) TARN_TRY(add_ranks(c, i, x, rank, &ties, err));
    for (int m = 0; m < c->models; m++) squares += rank[m] * rank[m];
    double scale = 1 - ties / (n * k * (k * k - 1));
    out->statistic = scale > 0 ? (12 / (n * k * (k + 1)) * squares - 3 * n * (k + 1)) / scale : 0;
    out->p = scale > 0 ? tarn_chi2_above(fmax(0, out->statistic), k - 1) : 1;
    for (int m = 0; m < c->models; m++) rank[m] /= n;
    TARN_TRY(put_nemenyi(c, rank, more, err));
done:
    tarn_free(rank);
    tarn_free(x);
    return rc;
}

const tarn_comparison tarn_comparison_friedman = {
    .name = "friedman",
    .title = "Friedman, with Nemenyi",
    .paper = "Friedman 1937, J. Am. Stat. Assoc. 32(200); Demsar 2006, JMLR 7",
    .help = "scores of several models on several tables, and which pairs of models differ",
    .least = 2,
    .compute = compute,
};
