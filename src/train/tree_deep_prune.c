/* SPDX-License-Identifier: Apache-2.0 */
/* tree_deep_prune.c - cost-complexity pruning, and what trees say about rows that they did not draw. See tree_deep.h.
 *
 * A branch is worth what its splits save of the impurity, less `prune` for each of them: a branch of L leaves has L - 1
 * splits. From the last node to the first (children come after their parent), a branch that is worth nothing becomes a
 * leaf. That leaves the smallest of the trees with least cost, which weakest-link pruning also ends at.
 *
 * Source: Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984, chapter 3. */
#include "train/tree_deep_parts.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

/* ---- pruning ---- */

static const double *shares_of(const tarn_deep *d, int32_t node)
{
    const tarn_tree_bud *b = &d->tree.node[node];

    return d->shares + (b->feature < 0 ? b->set : d->stat[node].share) * (size_t)d->data->classes;
}

/* What a branch would say as a leaf: the means of both sides, weighted; of more classes, all shares. */
static tarn_code set_mean(tarn_deep *d, int32_t node, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_tree_bud *b = &d->tree.node[node];
    double wl = d->stat[b->left].weight, wr = d->stat[b->right].weight, all = wl + wr;
    size_t classes = (size_t)d->data->classes;

    d->stat[node].weight = all;
    b->value = (wl * d->tree.node[b->left].value + wr * d->tree.node[b->right].value) / all;
    if (d->mode != TARN_DEEP_SHARES) return TARN_OK;
    if (d->leaves == d->shares_cap) {
        TARN_TRY(tarn_resize(&d->shares, 2 * d->shares_cap * classes, sizeof *d->shares, err));
        d->shares_cap *= 2;
    }
    const double *sl = shares_of(d, b->left), *sr = shares_of(d, b->right);
    double *to = d->shares + d->leaves * classes;
    for (size_t k = 0; k < classes; k++) to[k] = (wl * sl[k] + wr * sr[k]) / all;
    d->stat[node].share = (uint32_t)d->leaves++;
done:
    return rc;
}

static void become_leaf(tarn_deep *d, int32_t node)
{
    d->tree.node[node].feature = -1;
    d->tree.node[node].set = d->stat[node].share;
}

/* What splits that are left have gained: those of branches that the root still leads to. */
static void add_gains(const tarn_deep *d, double *worth, double *gain)
{
    for (int32_t i = 0; i < d->tree.nodes; i++) worth[i] = i == 0; /* now: whether the root leads there */
    for (int32_t i = 0; i < d->tree.nodes; i++) {
        const tarn_tree_bud *b = &d->tree.node[i];
        if (b->feature < 0 || worth[i] == 0) continue;
        gain[b->feature] += d->stat[i].gain;
        worth[b->left] = worth[b->right] = 1;
    }
}

tarn_code tarn_deep_prune(tarn_deep *d, double *gain, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *worth = NULL, scale = d->data->classes == 2 ? 2 : 1; /* Gini of two classes: 2 p (1 - p) */

    TARN_TRY(tarn_alloc(&worth, (size_t)d->tree.nodes, sizeof *worth, err));
    for (int32_t i = d->tree.nodes - 1; i >= 0; i--)
        if (d->tree.node[i].feature >= 0) TARN_TRY(set_mean(d, i, err));
    for (int32_t i = d->tree.nodes - 1; i >= 0; i--) {
        const tarn_tree_bud *b = &d->tree.node[i];
        if (b->feature < 0) continue;
        worth[i] = worth[b->left] + worth[b->right] + scale * d->stat[i].gain / d->stat[0].weight - d->shape.prune;
        if (worth[i] > 0) continue;
        worth[i] = 0;
        become_leaf(d, i);
    }
    add_gains(d, worth, gain);
done:
    tarn_free(worth);
    return rc;
}

/* ---- rows out of the bag ---- */

enum { SHARE_BITS = 32, VALUE_BITS = 40 }; /* times 2^17 trees: below 2^63 */

tarn_code tarn_deep_votes_init(tarn_deep_votes *v, const tarn_deep_data *data, tarn_err *err)
{
    double most = 0;

    v->stride = 1 + (data->classes > 2 ? data->classes : 1);
    v->steps = (double)(INT64_C(1) << SHARE_BITS);
    for (int64_t i = 0; i < data->rows && data->classes == 0; i++) most = fmax(most, fabs(data->y[i]));
    if (data->classes == 0) v->steps = (double)(INT64_C(1) << VALUE_BITS) / (most > 0 ? most : 1);
    return tarn_alloc(&v->sum, (size_t)data->rows * (size_t)v->stride, sizeof *v->sum, err);
}

static const tarn_tree_bud *leaf_of(const tarn_deep *d, int64_t row)
{
    const tarn_tree_bud *b = d->tree.node;

    while (b->feature >= 0) {
        uint8_t bin = d->data->by_column[(int64_t)b->feature * d->data->rows + row];
        bool left = b->category ? d->tree.sets[b->set + (bin >> 6)] >> (bin & 63) & 1
                    : bin == d->data->bins->feature[b->feature].bins ? b->missing_left
                                                                     : bin <= b->bin;
        b = d->tree.node + (left ? b->left : b->right);
    }
    return b;
}

void tarn_deep_vote(const tarn_deep *d, tarn_deep_votes *v)
{
    int32_t classes = d->data->classes;

    for (int64_t row = 0; row < d->data->rows; row++) {
        int64_t *to = v->sum + row * v->stride;
        if (d->drawn[row] > 0) continue;
        const tarn_tree_bud *leaf = leaf_of(d, row);
        (void)__atomic_fetch_add(to, 1, __ATOMIC_RELAXED);
        for (int32_t k = 0; k < v->stride - 1; k++) {
            double value = leaf->value - d->data->shift;
            if (d->mode == TARN_DEEP_SHARES) value = d->shares[(size_t)leaf->set * (size_t)classes + (size_t)k];
            (void)__atomic_fetch_add(to + 1 + k, (int64_t)(value * v->steps), __ATOMIC_RELAXED);
        }
    }
}
