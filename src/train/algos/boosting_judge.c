/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_judge.c - see boosting_judge.h. */
#include "train/algos/boosting_judge.h"

#include "base/mem.h"
#include "math/elementary.h"

#include <math.h>
#include <stdlib.h>

tarn_code tarn_judge_check(const tarn_loss *l, tarn_judge_by by, tarn_err *err)
{
    bool ranking = l->kind == TARN_LOSS_RANKING, value = l->classes == 0 && !ranking;

    if (by == TARN_JUDGE_AUC && l->classes != 2)
        return TARN_FAIL(err, TARN_INVALID, "parameter 'stop_on' is auc, which is for two classes only");
    if (by == TARN_JUDGE_ACCURACY && l->classes == 0)
        return TARN_FAIL(err, TARN_INVALID, "parameter 'stop_on' is accuracy, which is for classes only");
    if ((by == TARN_JUDGE_RMSE || by == TARN_JUDGE_MAE) && !value)
        return TARN_FAIL(err, TARN_INVALID, "parameter 'stop_on' is rmse or mae, which are for regression only");
    if (by == TARN_JUDGE_NDCG && !ranking)
        return TARN_FAIL(err, TARN_INVALID, "parameter 'stop_on' is ndcg, which is for ranking only");
    return TARN_OK;
}

typedef struct judged {
    double score, y, weight;
    int64_t row;
} judged;

/* By score, then row: so that weights are added in the same order everywhere. */
static int by_score(const void *a, const void *b)
{
    const judged *x = a, *y = b;

    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Weighted: the share of pairs of a one and a zero in which the one has the higher score; ties count half. */
static double auc_of(judged *j, int64_t n)
{
    double zeros = 0, ones = 0, pairs = 0;

    qsort(j, (size_t)n, sizeof *j, by_score);
    for (int64_t i = 0, end; i < n; i = end) {
        double zero = 0, one = 0;
        for (end = i; end < n && j[end].score == j[i].score; end++) *(j[end].y > 0 ? &one : &zero) += j[end].weight;
        pairs += one * (zeros + zero / 2);
        zeros += zero;
        ones += one;
    }
    return zeros > 0 && ones > 0 ? pairs / (zeros * ones) : 0.5;
}

static tarn_code auc(const tarn_matrix *x, const double *score, double *bad, tarn_err *err)
{
    judged *j = NULL;
    tarn_code rc = tarn_alloc(&j, (size_t)x->rows, sizeof *j, err);

    if (rc != TARN_OK) return rc;
    for (int64_t i = 0; i < x->rows; i++) j[i] = (judged){score[i], x->y[i], x->weight ? x->weight[i] : 1, i};
    *bad = 1 - auc_of(j, x->rows);
    tarn_free(j);
    return TARN_OK;
}

static bool is_right(const tarn_loss *l, const tarn_matrix *x, const double *score, int64_t i)
{
    int32_t best = 0;

    if (l->classes == 2) return (score[i] > 0) == (x->y[i] > 0);
    for (int32_t k = 1; k < l->outputs; k++)
        if (score[k * x->rows + i] > score[best * x->rows + i]) best = k;
    return x->y[i] == (double)best;
}

typedef struct summing {
    const tarn_loss *loss;
    tarn_judge_by by;
    const tarn_matrix *x;
    const double *score;
} summing;

static tarn_code sum_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const summing *s = arg;
    int64_t at = block * TARN_BLOCK_ROWS, end = at + TARN_BLOCK_ROWS;

    (void)worker, (void)err;
    for (int64_t i = at; i < end && i < s->x->rows; i++) {
        double w = s->x->weight ? s->x->weight[i] : 1, bad;
        if (s->by == TARN_JUDGE_ACCURACY) {
            bad = is_right(s->loss, s->x, s->score, i) ? 0 : 1;
        } else {
            double off = (tarn_loss_has_log_link(s->loss) ? tarn_exp(s->score[i]) : s->score[i]) - s->x->y[i];
            bad = s->by == TARN_JUDGE_MAE ? fabs(off) : off * off;
        }
        sum[0] += w;
        sum[1] += w * bad;
    }
    return TARN_OK;
}

tarn_code tarn_judge(const tarn_loss *l, tarn_judge_by by, const tarn_matrix *x, tarn_lambda *ranking, tarn_pool *pool,
                     const double *score, double *bad, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    summing s = {l, by, x, score};
    double sum[2] = {0};

    if (by == TARN_JUDGE_AUC) return auc(x, score, bad, err);
    if (l->kind == TARN_LOSS_RANKING) {
        TARN_TRY(tarn_lambda_ndcg(ranking, score, bad, err));
        *bad = 1 - *bad;
        goto done;
    }
    if (by == TARN_JUDGE_LOSS) return tarn_loss_mean(l, x, pool, NULL, score, bad, err);
    TARN_TRY(tarn_pool_sum(pool, tarn_blocks(x->rows), 2, sum_block, &s, sum, err));
    *bad = sum[1] / sum[0];
done:
    return rc;
}
