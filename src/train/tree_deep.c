/* SPDX-License-Identifier: Apache-2.0 */
/* tree_deep.c - drawing rows, growing, and closing leaves. See tree_deep.h.
 *
 * Open nodes stand in a heap: without a limit on leaves the newest is split next (its rows are still in the cache),
 * with one the node that gains most. Which comes first makes no difference to the draws, since these go by the way from
 * the root. */
#include "train/tree_deep_parts.h"

#include "base/mem.h"
#include "base/random.h"

#include <string.h>

static tarn_code alloc_all(tarn_deep *d, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t rows = (size_t)d->data->rows, cols = (size_t)d->data->bins->cols, classes = (size_t)d->data->classes;
    bool values = d->mode != TARN_DEEP_COUNTS, shares = d->mode == TARN_DEEP_SHARES;

    TARN_TRY(tarn_alloc(&d->drawn, rows, sizeof *d->drawn, err));
    TARN_TRY(tarn_alloc(&d->list, rows, sizeof *d->list, err));
    TARN_TRY(tarn_alloc(&d->spare, rows, sizeof *d->spare, err));
    if (values) TARN_TRY(tarn_alloc(&d->w, rows, sizeof *d->w, err));
    if (values) TARN_TRY(tarn_alloc(&d->s, rows, sizeof *d->s, err));
    if (shares) TARN_TRY(tarn_alloc(&d->label, rows, sizeof *d->label, err));
    TARN_TRY(tarn_alloc(&d->packed, TARN_DEEP_PLACES, sizeof *d->packed, err));
    TARN_TRY(tarn_alloc(&d->sums, TARN_DEEP_PLACES, sizeof *d->sums, err));
    if (shares) TARN_TRY(tarn_alloc(&d->share, TARN_DEEP_PLACES * classes, sizeof *d->share, err));
    if (shares) TARN_TRY(tarn_alloc(&d->side, 3 * classes, sizeof *d->side, err));
    TARN_TRY(tarn_alloc(&d->place, cols, TARN_DEEP_PLACES, err));
    TARN_TRY(tarn_alloc(&d->column, cols, sizeof *d->column, err));
    if (d->shape.random_cuts) TARN_TRY(tarn_alloc(&d->bin, rows + 31, 1, err));
    if (d->shape.smooth > 0 && classes > 0) TARN_TRY(tarn_alloc(&d->prior, classes, sizeof *d->prior, err));
    TARN_TRY(tarn_tree_init(&d->tree, 64, 8, err));
    if (shares) TARN_TRY(tarn_tree_init(&d->one_class, 64, 8, err));
done:
    return rc;
}

tarn_code tarn_deep_new(const tarn_deep_data *data, tarn_deep_shape shape, tarn_deep **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_deep *d = NULL;

    TARN_TRY(tarn_alloc(&d, 1, sizeof *d, err));
    d->data = data;
    d->shape = shape;
    d->mode = data->classes > 2                     ? TARN_DEEP_SHARES
              : data->classes == 2 && !data->weight ? TARN_DEEP_COUNTS
                                                    : TARN_DEEP_MEANS;
    TARN_TRY(alloc_all(d, err));
    *out = d;
    d = NULL;
done:
    tarn_deep_free(d);
    return rc;
}

void tarn_deep_free(tarn_deep *d)
{
    if (!d) return;
    tarn_free(d->drawn);
    tarn_free(d->list);
    tarn_free(d->spare);
    tarn_free(d->w);
    tarn_free(d->s);
    tarn_free(d->label);
    tarn_free(d->packed);
    tarn_free(d->sums);
    tarn_free(d->share);
    tarn_free(d->side);
    tarn_free(d->place);
    tarn_free(d->column);
    tarn_free(d->open);
    tarn_free(d->shares);
    tarn_free(d->stat);
    tarn_free(d->bin);
    tarn_free(d->prior);
    tarn_tree_clear(&d->tree);
    tarn_tree_clear(&d->one_class);
    tarn_free(d);
}

/* ---- drawing ---- */

static void draw_rows(tarn_deep *d)
{
    uint64_t rows = (uint64_t)d->data->rows;

    memset(d->drawn, 0, (size_t)rows * sizeof *d->drawn);
    for (int64_t k = 0; d->shape.draws == 0 && k < d->data->rows; k++) d->drawn[k] = 1;
    for (int64_t k = 0; k < d->shape.draws; k += 4) {
        tarn_random4 r = tarn_philox(d->seed, TARN_STREAM_BOOTSTRAP, (uint64_t)k, 0);
        for (int i = 0; i < 4 && k + i < d->shape.draws; i++) {
            uint16_t *times = &d->drawn[(uint64_t)r.v[i] * rows >> 32];
            if (*times < UINT16_MAX) ++*times;
        }
    }
    d->items = 0;
    for (int64_t row = 0; row < d->data->rows; row++) {
        uint32_t times = d->drawn[row];
        if (times == 0) continue;
        uint32_t w = d->mode == TARN_DEEP_COUNTS ? times << 16 | (d->data->y[row] > 0 ? times : 0) : times;
        d->list[d->items++] = (tarn_deep_item){(int32_t)row, w};
    }
}

static uint32_t times_of(const tarn_deep *d, uint32_t w) { return d->mode == TARN_DEEP_COUNTS ? w >> 16 : w; }

/* ---- the heap of open nodes ---- */

static bool comes_first(const tarn_deep *d, const tarn_deep_node *a, const tarn_deep_node *b)
{
    if (d->shape.leaves == 0) return a->order > b->order;
    return a->gain != b->gain ? a->gain > b->gain : a->id < b->id;
}

static tarn_code push(tarn_deep *d, const tarn_deep_node *node, tarn_err *err)
{
    if (d->n_open == d->open_cap) {
        size_t cap = 2 * d->open_cap + 64;
        tarn_code rc = tarn_resize(&d->open, cap, sizeof *d->open, err);
        if (rc != TARN_OK) return rc;
        d->open_cap = cap;
    }
    size_t at = d->n_open++;
    for (; at > 0 && comes_first(d, node, &d->open[(at - 1) / 2]); at = (at - 1) / 2)
        d->open[at] = d->open[(at - 1) / 2];
    d->open[at] = *node;
    return TARN_OK;
}

static tarn_deep_node pop(tarn_deep *d)
{
    tarn_deep_node top = d->open[0], last = d->open[--d->n_open];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= d->n_open) break;
        if (child + 1 < d->n_open && comes_first(d, &d->open[child + 1], &d->open[child])) child++;
        if (!comes_first(d, &d->open[child], &last)) break;
        d->open[at] = d->open[child];
        at = child;
    }
    d->open[at] = last;
    return top;
}

/* ---- leaves ---- */

/* For pruning. */
static tarn_code note(tarn_deep *d, int32_t node, double gain, double weight, tarn_err *err)
{
    if (d->shape.prune <= 0) return TARN_OK;
    if ((size_t)node >= d->stat_cap) {
        size_t cap = 2 * (size_t)node + 64;
        tarn_code rc = tarn_resize(&d->stat, cap, sizeof *d->stat, err);
        if (rc != TARN_OK) return rc;
        d->stat_cap = cap;
    }
    d->stat[node] = (tarn_deep_stat){.gain = gain, .weight = weight};
    return TARN_OK;
}

static tarn_code close_shares(tarn_deep *d, const tarn_deep_node *node, tarn_err *err)
{
    size_t classes = (size_t)d->data->classes;
    double total = 0;

    if (d->leaves == d->shares_cap) {
        size_t cap = 2 * d->shares_cap + 64;
        tarn_code rc = tarn_resize(&d->shares, cap * classes, sizeof *d->shares, err);
        if (rc != TARN_OK) return rc;
        d->shares_cap = cap;
    }
    double *share = d->shares + d->leaves * classes;
    memset(share, 0, classes * sizeof *share);
    for (int64_t i = node->at; i < node->at + node->items; i++) {
        int32_t row = d->list[i].row;
        double w = d->list[i].w * (d->data->weight ? d->data->weight[row] : 1);
        share[(int32_t)d->data->y[row]] += w;
        total += w;
    }
    double smooth = d->prior ? d->shape.smooth : 0;
    for (size_t k = 0; k < classes; k++)
        share[k] = (share[k] + (d->prior ? smooth * d->prior[k] : 0)) / (total + smooth);
    d->tree.node[node->node].set = (uint32_t)d->leaves++;
    return note(d, node->node, 0, total, err);
}

static tarn_code close_leaf(tarn_deep *d, const tarn_deep_node *node, tarn_err *err)
{
    double w = 0, s = 0;

    if (d->mode == TARN_DEEP_SHARES) return close_shares(d, node, err);
    for (int64_t i = node->at; i < node->at + node->items; i++) {
        if (d->mode == TARN_DEEP_COUNTS) {
            w += d->list[i].w >> 16;
            s += d->list[i].w & 65535;
            continue;
        }
        int32_t row = d->list[i].row;
        double v = times_of(d, d->list[i].w) * (d->data->weight ? d->data->weight[row] : 1);
        w += v;
        s += v * d->data->y[row];
    }
    d->tree.node[node->node].value = s / w + d->data->shift;
    if (d->prior) d->tree.node[node->node].value = (s + d->shape.smooth * d->prior[1]) / (w + d->shape.smooth);
    return note(d, node->node, 0, w, err);
}

/* ---- growing ---- */

static void set_prior(tarn_deep *d)
{
    size_t classes = (size_t)d->data->classes;
    double total = 0;

    memset(d->prior, 0, classes * sizeof *d->prior);
    for (int64_t i = 0; i < d->items; i++) {
        int32_t row = d->list[i].row;
        double w = times_of(d, d->list[i].w) * (d->data->weight ? d->data->weight[row] : 1);
        d->prior[(int32_t)d->data->y[row]] += w;
        total += w;
    }
    for (size_t k = 0; k < classes; k++) d->prior[k] /= total;
}

/* A new node: a leaf at once, or open. */
static tarn_code open_node(tarn_deep *d, tarn_deep_node *node, tarn_err *err)
{
    node->order = d->opened++;
    node->rows = 0;
    for (int64_t i = node->at; i < node->at + node->items; i++) node->rows += times_of(d, d->list[i].w);
    bool deep = d->shape.depth > 0 && node->depth >= d->shape.depth;
    if (deep || node->items < 2 || node->rows < 2 * d->shape.min_rows) return close_leaf(d, node, err);
    if (d->shape.leaves > 0) {
        tarn_deep_look(d, node);
        if (!node->found) return close_leaf(d, node, err);
    }
    return push(d, node, err);
}

/* Rows of a number go left up to a bin, and beyond it if they are missing and missing ones do. */
static int64_t part_number(tarn_deep *d, const tarn_deep_node *node, tarn_deep_column column)
{
    tarn_deep_item *list = d->list + node->at;
    int32_t bins = d->data->bins->feature[node->by.feature].bins, missing = node->by.missing_left ? bins : -1;
    int32_t last = node->by.bin < bins ? node->by.bin : bins - 1;
    int64_t a = 0, b = 0;

    for (int64_t i = 0; i < node->items; i++) {
        tarn_deep_item item = list[i];
        int32_t bin = tarn_deep_bin(column, item.row);
        int64_t goes = (bin <= last) | (bin == missing);
        list[a] = item;
        d->spare[b] = item;
        a += goes;
        b += 1 - goes;
    }
    return a;
}

static int64_t part_category(tarn_deep *d, const tarn_deep_node *node, tarn_deep_column column)
{
    tarn_deep_item *list = d->list + node->at;
    int64_t a = 0, b = 0;
    uint8_t left[256];

    tarn_branch_table(&node->by, d->data->bins, left);
    for (int64_t i = 0; i < node->items; i++) {
        tarn_deep_item item = list[i];
        int64_t goes = left[tarn_deep_bin(column, item.row)];
        list[a] = item;
        d->spare[b] = item;
        a += goes;
        b += 1 - goes;
    }
    return a;
}

static int64_t part(tarn_deep *d, const tarn_deep_node *node)
{
    tarn_deep_column column = tarn_deep_column_of(d, node, node->by.feature);
    int64_t a = node->by.category ? part_category(d, node, column) : part_number(d, node, column);

    memcpy(d->list + node->at + a, d->spare, (size_t)(node->items - a) * sizeof *d->list);
    return a;
}

static tarn_code split(tarn_deep *d, const tarn_deep_node *node, double *gain, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_tree_split(&d->tree, node->node, &node->by, err));
    if (d->shape.prune <= 0) gain[node->by.feature] += node->gain;
    TARN_TRY(note(d, node->node, node->gain, 0, err));
    int64_t n_left = part(d, node);
    tarn_deep_node left = {
        .at = node->at, .items = n_left, .node = d->tree.nodes - 2, .depth = node->depth + 1, .id = 2 * node->id};
    tarn_deep_node right = {.at = node->at + n_left,
                            .items = node->items - n_left,
                            .node = d->tree.nodes - 1,
                            .depth = node->depth + 1,
                            .id = 2 * node->id + 1};
    TARN_TRY(open_node(d, &right, err));
    TARN_TRY(open_node(d, &left, err));
done:
    return rc;
}

tarn_code tarn_deep_grow(tarn_deep *d, uint64_t seed, uint64_t tree, double *gain, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_deep_node root = {.id = 1};

    d->seed = tarn_random_u64(seed, TARN_STREAM_BOOTSTRAP, tree, 1);
    d->n_open = 0;
    d->leaves = 0;
    d->opened = 0;
    draw_rows(d);
    tarn_deep_order(d, tree);
    if (d->prior) set_prior(d);
    tarn_tree_reset(&d->tree, 0);
    root.items = d->items;
    TARN_TRY(open_node(d, &root, err));
    while (d->n_open > 0) {
        tarn_deep_node node = pop(d);
        bool full = d->shape.leaves > 0 && (d->tree.nodes + 1) / 2 >= d->shape.leaves;
        if (d->shape.leaves == 0) tarn_deep_look(d, &node);
        if (full || !node.found) TARN_TRY(close_leaf(d, &node, err));
        else TARN_TRY(split(d, &node, gain, err));
    }
    if (d->shape.prune > 0) TARN_TRY(tarn_deep_prune(d, gain, err));
done:
    return rc;
}

/* ---- results ---- */

tarn_code tarn_deep_tree(tarn_deep *d, int32_t k, const tarn_tree **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_tree *t = &d->one_class;

    *out = &d->tree;
    if (d->mode != TARN_DEEP_SHARES) return TARN_OK;
    if (t->node_cap < d->tree.nodes) {
        TARN_TRY(tarn_resize(&t->node, (size_t)d->tree.nodes, sizeof *t->node, err));
        t->node_cap = d->tree.nodes;
    }
    if (t->word_cap < d->tree.words) {
        TARN_TRY(tarn_resize(&t->sets, d->tree.words, sizeof *t->sets, err));
        t->word_cap = d->tree.words;
    }
    t->nodes = d->tree.nodes;
    t->words = d->tree.words;
    if (t->words > 0) memcpy(t->sets, d->tree.sets, t->words * sizeof *t->sets);
    for (int32_t i = t->nodes - 1; i >= 0; i--) { /* children come after their parent */
        tarn_tree_bud *b = &t->node[i];
        *b = d->tree.node[i];
        if (b->feature < 0) {
            b->value = d->shares[(size_t)b->set * (size_t)d->data->classes + (size_t)k];
            continue;
        }
        const tarn_tree_bud *l = &t->node[b->left], *r = &t->node[b->right];
        if (l->feature >= 0 || r->feature >= 0 || l->value != r->value) continue;
        b->feature = -1;
        b->value = l->value;
    }
    *out = t;
done:
    return rc;
}
