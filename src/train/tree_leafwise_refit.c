/* SPDX-License-Identifier: Apache-2.0 */
/* tree_leafwise_refit.c - leaves that say a quantile of what is left over, instead of a Newton step. See
 * tree_leafwise.h. The quantiles of all leaves are searched for together (tree_quantile.h), in eight passes. */
#include "train/tree_leafwise_parts.h"
#include "train/tree_quantile.h"

typedef struct refit {
    tarn_leafwise *w;
    const double *y, *weight, *score;
    double most_weight;
    int32_t first;                         /* leaf of this turn */
    tarn_quantile want[TARN_REFIT_LEAVES]; /* of leaf first + i */
} refit;

static void weigh_rows(const refit *r, const tarn_quantile *q, const tarn_tree_batch *b, int64_t *bucket)
{
    for (int64_t k = 0; k < b->n; k++) {
        int64_t row = b->row ? b->row[k] : b->first + k;
        uint64_t key = tarn_key_of(r->y[row] - r->score[row]);
        if (b->packed[k] == 0 || !tarn_quantile_wants(q, key)) continue;
        bucket[key >> q->shift & 255] += r->weight ? tarn_quantile_steps(r->weight[row], r->most_weight) : 1;
    }
}

static tarn_code weigh_leaf(void *arg, int64_t i, int worker, tarn_err *err)
{
    const refit *r = arg;
    const tarn_leafwise *w = r->w;
    const tarn_leaf *l = &w->leaf[r->first + i];
    tarn_tree_batch *b = &w->tally[worker].batch;
    int64_t *bucket = w->bucket + i * 256;

    (void)err;
    memset(bucket, 0, 256 * sizeof *bucket);
    for (int k = tarn_leaf_next_part(l, -1); k >= 0; k = tarn_leaf_next_part(l, k))
        for (int32_t s = 0; s < w->list.strips; s++) {
            const tarn_tree_piece *p = &tarn_leaf_pieces(w, l, k)[s];
            b->next = -1;
            while (tarn_tree_rows_next(&w->list, tarn_leaf_part(l, k)->place, s, p, w->packed, b))
                weigh_rows(r, &r->want[i], b, bucket);
        }
    return TARN_OK;
}

static void set_leaf(const refit *r, int32_t i)
{
    const tarn_leaf *l = &r->w->leaf[r->first + i];
    double value = tarn_key_value(r->want[i].begin);

    if (l->own.of.total.n == 0) return;
    value = value < l->own.of.least ? l->own.of.least : value > l->own.of.most ? l->own.of.most : value;
    r->w->tree.node[l->node].value = r->w->shape.shrink * value;
}

tarn_code tarn_leafwise_refit(tarn_leafwise *w, const double *y, const double *weight, double most_weight,
                              const double *score, double level, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    refit r = {.w = w, .y = y, .weight = weight, .score = score, .most_weight = most_weight};

    for (; r.first < w->leaves; r.first += w->bucket_leaves) {
        int32_t count = w->leaves - r.first < w->bucket_leaves ? w->leaves - r.first : w->bucket_leaves;
        for (int32_t i = 0; i < count; i++) r.want[i] = tarn_quantile_begin(level);
        while (r.want[0].shift >= 0) {
            TARN_TRY(tarn_pool_run(w->job->pool, count, weigh_leaf, &r, err));
            TARN_TRY(tarn_comm_sum_i64(w->job->comm, w->bucket, (size_t)count * 256, err));
            for (int32_t i = 0; i < count; i++) tarn_quantile_narrow(&r.want[i], w->bucket + (int64_t)i * 256);
        }
        for (int32_t i = 0; i < count; i++) set_leaf(&r, i);
    }
done:
    return rc;
}
