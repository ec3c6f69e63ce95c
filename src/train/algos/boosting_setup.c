/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_setup.c - what stands before the first round of boosting: loss, bins, memory, rules, scores. See boosting.c.
 */
#include "train/algos/boosting_monotone.h"
#include "train/algos/boosting_parts.h"

#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

typedef tarn_boosting boosting;

enum { UNEQUAL = 100 /* times the least weight: the largest is too much for coarse steps */ };

static void make_dither(boosting *b)
{
    const tarn_matrix *x = b->job->x;

    for (int64_t i = 0; i < x->rows; i += 8) {
        tarn_random4 r =
            tarn_philox(b->job->seed, TARN_STREAM_BAGGING, (uint64_t)(x->first + i) >> 3, (uint32_t)DITHER_PLACE);
        for (int64_t k = 0; k < 8 && i + k < x->rows; k++) b->dither[i + k] = (uint16_t)(r.v[k / 2] >> (k % 2 * 16));
    }
}

static tarn_code agree_on_weights(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = b->job->x;
    double most[3] = {0, -INFINITY, x->weight ? 1 : 0}; /* largest, least with the sign turned, any */

    for (int64_t i = 0; i < x->rows; i++) {
        double w = x->weight ? x->weight[i] : 1;
        most[0] = fmax(most[0], w);
        most[1] = fmax(most[1], -w);
    }
    TARN_TRY(tarn_comm_max_f64(b->job->comm, most, 3, err));
    b->most_weight = most[0];
    b->weighted = most[2] > 0;
    b->very_unequal = most[0] > UNEQUAL * -most[1];
done:
    return rc;
}

static tarn_code set_up_memory(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = b->job->x;
    size_t rows = (size_t)x->rows, outputs = (size_t)b->loss.outputs, cols = (size_t)x->cols;
    size_t threads = (size_t)tarn_pool_threads(b->job->pool);

    TARN_TRY(tarn_alloc(&b->score, outputs * rows, sizeof *b->score, err));
    TARN_TRY(tarn_alloc(&b->base, outputs, sizeof *b->base, err));
    TARN_TRY(tarn_alloc(&b->packed, outputs * rows, sizeof *b->packed, err));
    TARN_TRY(tarn_alloc(&b->scratch, threads * (outputs + 1) * TARN_BLOCK_ROWS, sizeof *b->scratch, err));
    TARN_TRY(tarn_alloc(&b->dither, rows + 3, sizeof *b->dither, err));
    if (b->p->row_share < 1) TARN_TRY(tarn_alloc(&b->share, rows, 1, err));
    TARN_TRY(tarn_alloc(&b->seen, 2 * (size_t)tarn_blocks(x->rows), sizeof *b->seen, err));
    if (b->loss.kind == TARN_LOSS_RANKING) TARN_TRY(tarn_alloc(&b->g, rows, sizeof *b->g, err));
    if (b->loss.kind == TARN_LOSS_RANKING) TARN_TRY(tarn_alloc(&b->h, rows, sizeof *b->h, err));
    TARN_TRY(tarn_alloc(&b->columns, cols, sizeof *b->columns, err));
    TARN_TRY(tarn_alloc(&b->gain, cols, sizeof *b->gain, err));
    TARN_TRY(tarn_alloc(&b->best_gain, cols, sizeof *b->best_gain, err));
done:
    return rc;
}

static tarn_code set_up_valid(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *v = b->job->valid;
    size_t values = (size_t)b->loss.outputs * (size_t)v->rows;

    TARN_TRY(tarn_bins_rows(b->bins, v, b->job->pool, true, false, &b->valid, err));
    TARN_TRY(tarn_alloc(&b->valid_score, values, sizeof *b->valid_score, err));
done:
    return rc;
}

/* What this rank does alone. */
static tarn_code set_up_alone(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = b->job;
    tarn_leafwise_shape shape = {(int32_t)b->p->leaves, (int32_t)b->p->depth, b->p->learning_rate,
                                 b->p->importance == 1};

    TARN_TRY(set_up_memory(b, err));
    TARN_TRY(tarn_bins_rows(b->bins, job->x, job->pool, true, true, &b->rows, err));
    if (tarn_boosting_stops_early(b)) TARN_TRY(set_up_valid(b, err));
    TARN_TRY(tarn_leafwise_new(job, b->bins, &b->rows, &b->rounding.pack, shape, &b->trees, err));
    make_dither(b);
done:
    return rc;
}

void tarn_boosting_set_h_unit(boosting *b, double most)
{
    b->rules.h_unit = most * b->most_weight / (double)b->rounding.pack.h_most;
    b->rounding.h_scale = 1 / b->rules.h_unit;
}

static void set_rules(boosting *b)
{
    const int8_t *monotone = b->rules.monotone;
    bool log = b->loss.classes > 0 || tarn_loss_has_log_link(&b->loss);
    const tarn_boosting_params *p = b->p;
    double h_most = b->loss.classes > 2 ? 0.25 * b->loss.classes / (b->loss.classes - 1) : 0.25;

    if (b->loss.classes == 0) h_most = 1; /* of open losses it is set in each round */
    for (int32_t j = 0; j < b->bins->cols; j++) b->categories = b->categories || b->bins->feature[j].category;
    b->rules = (tarn_split_rules){.pack = &b->rounding.pack,
                                  .l1 = p->l1,
                                  .l2 = p->l2,
                                  .most_value = log && p->max_step > 0 ? p->max_step : INFINITY,
                                  .min_gain = p->min_gain,
                                  .min_hessian = p->min_hessian,
                                  .min_rows = p->min_rows,
                                  .category_smooth = p->category_smooth,
                                  .category_l2 = p->category_l2,
                                  .category_rows = p->category_rows,
                                  .monotone = monotone};
    tarn_boosting_set_h_unit(b, h_most);
    b->rounding.dither = b->dither;
}

/* Labels, settings and columns that go together: the same on all ranks, but for labels. */
static tarn_code set_loss(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_boosting_params *p = b->p;
    bool any = false;

    TARN_TRY(tarn_loss_for(b->job->x, (tarn_loss_kind)p->objective, &b->loss, err));
    b->loss.level = b->loss.kind == TARN_LOSS_QUANTILE ? p->quantile : 0.5;
    b->loss.delta = p->delta;
    b->loss.power = p->power;
    TARN_TRY(tarn_judge_check(&b->loss, (tarn_judge_by)p->stop_on, err));
    TARN_TRY(tarn_alloc(&b->monotone, (size_t)b->job->x->cols, sizeof *b->monotone, err));
    TARN_TRY(tarn_monotone_read(p->monotone, b->job->x, b->monotone, &any, err));
    if (any) b->rules.monotone = b->monotone;
done:
    return rc;
}

static tarn_code set_up_ranking(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = b->job;

    if (b->loss.kind != TARN_LOSS_RANKING) return TARN_OK;
    TARN_TRY(tarn_lambda_new(job->x, job->comm, job->pool, b->p->ndcg_at, &b->ranking, err));
    if (!tarn_boosting_stops_early(b)) goto done;
    rc = tarn_lambda_new(job->valid, NULL, job->pool, b->p->ndcg_at, &b->valid_ranking, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
done:
    return rc;
}

tarn_code tarn_boosting_set_up(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    rc = set_loss(b, err);
    if (rc == TARN_OK) rc = tarn_boosted_read(b->job, &b->loss, &b->before, err);
    TARN_TRY(tarn_comm_agree(b->job->comm, rc, err));
    TARN_TRY(agree_on_weights(b, err));
    b->rounding.pack = tarn_pack_for(b->job->x->all_rows, tarn_loss_is_flat(&b->loss) && !b->weighted,
                                     b->very_unequal || tarn_loss_is_open(&b->loss));
    TARN_TRY(tarn_bins_make(b->job, b->p->max_bins, true, &b->bins, err));
    rc = set_up_alone(b, err);
    TARN_TRY(tarn_comm_agree(b->job->comm, rc, err));
    TARN_TRY(set_up_ranking(b, err));
    set_rules(b);
done:
    return rc;
}

/* Where rounds begin: at constants, or at what an earlier fit says. */
static tarn_code begin_scores(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = b->job->x;
    size_t outputs = (size_t)b->loss.outputs;

    if (b->before.rounds > 0) {
        memcpy(b->base, b->before.base, outputs * sizeof *b->base);
        memcpy(b->gain, b->before.gain, (size_t)x->cols * sizeof *b->gain);
        rc = tarn_grove_read(&b->grove, b->before.payload, err);
        if (rc == TARN_OK) rc = tarn_boosted_scores(&b->before, &b->loss, x, b->job->pool, b->score, err);
        if (rc == TARN_OK && b->valid_score)
            rc = tarn_boosted_scores(&b->before, &b->loss, b->job->valid, b->job->pool, b->valid_score, err);
        return tarn_comm_agree(b->job->comm, rc, err);
    }
    TARN_TRY(tarn_loss_base(&b->loss, b->job, b->most_weight, b->base, err));
    for (int32_t k = 0; k < b->loss.outputs; k++) {
        for (int64_t i = 0; i < x->rows; i++) b->score[k * x->rows + i] = b->base[k];
        for (int64_t i = 0; i < b->valid.rows; i++) b->valid_score[k * b->valid.rows + i] = b->base[k];
    }
done:
    return rc;
}

tarn_code tarn_boosting_set_scores(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = b->job->x;

    TARN_TRY(begin_scores(b, err));
    if (b->loss.kind != TARN_LOSS_SQUARED) return TARN_OK;
    for (int64_t i = 0; i < x->rows; i++) b->most_residual = fmax(b->most_residual, fabs(x->y[i] - b->score[i]));
    TARN_TRY(tarn_comm_max_f64(b->job->comm, &b->most_residual, 1, err));
done:
    return rc;
}

void tarn_boosting_tear_down(boosting *b)
{
    tarn_leafwise_free(b->trees);
    tarn_boosted_clear(&b->before);
    tarn_bins_free(b->bins);
    tarn_binned_clear(&b->rows);
    tarn_binned_clear(&b->valid);
    tarn_grove_clear(&b->grove);
    tarn_free(b->score);
    tarn_free(b->valid_score);
    tarn_free(b->base);
    tarn_free(b->packed);
    tarn_free(b->scratch);
    tarn_free(b->dither);
    tarn_free(b->share);
    tarn_free(b->seen);
    tarn_free(b->g);
    tarn_free(b->h);
    tarn_free(b->monotone);
    tarn_lambda_free(b->ranking);
    tarn_lambda_free(b->valid_ranking);
    tarn_free(b->columns);
    tarn_free(b->gain);
    tarn_free(b->best_gain);
}
