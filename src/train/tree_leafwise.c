/* SPDX-License-Identifier: Apache-2.0 */
/* tree_leafwise.c - which leaf is split when, and where its histogram stands. See tree_leafwise.h.
 *
 * A leaf is *cut* before it is split: its rows are parted, and the best splits of both halves found. That touches
 * nothing but its own, so the leaves that come next are cut together, each by a thread of its own
 * (tree_leafwise_cut.c); they are split one after another, in the order of their gains, as if cut one by one. What was
 * cut in vain, at the end of a tree, is little: fewer are cut ahead as the tree fills up.
 *
 * For a cut, the child with fewer rows gets its histogram from its rows, and the other one as what its parent's
 * leaves over. Histograms live in slots. There may be fewer slots than leaves when columns are many: leaves are then
 * cut one at a time, and the leaf that gains least loses its own; should it be split after all, both children are
 * counted from their rows. Sums are of whole numbers, so that makes no difference to the tree.
 *
 * Source: leaf-wise growth: Shi, "Best-first decision tree learning", thesis, Waikato 2007; Ke et al., NIPS 2017. */
#include "train/tree_leafwise_parts.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum {
    SLOT_BYTES = 512 << 20, /* for all slots together */
    SLOTS_LEAST = 4,
};

static void set_slots(tarn_leafwise *w)
{
    int64_t fit = SLOT_BYTES / (3 * (int64_t)sizeof(int64_t) * w->bins->cells);
    int64_t want = w->shape.leaves + TARN_LEAVES_AHEAD + 1;

    w->ahead = fit >= want ? TARN_LEAVES_AHEAD : 1;
    w->slots = (int32_t)(fit >= want ? want : fit < SLOTS_LEAST ? SLOTS_LEAST : fit);
}

tarn_code tarn_leafwise_new(const tarn_fit *job, const tarn_bins *bins, const tarn_binned *rows, const tarn_pack *pack,
                            tarn_leafwise_shape shape, tarn_leafwise **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_leafwise *w = NULL;
    size_t threads = (size_t)tarn_pool_threads(job->pool), cols = (size_t)bins->cols, leaves = (size_t)shape.leaves;

    TARN_TRY(tarn_alloc(&w, 1, sizeof *w, err));
    w->job = job;
    w->bins = bins;
    w->rows = rows;
    w->pack = *pack;
    w->shape = shape;
    w->bucket_leaves = shape.leaves < TARN_REFIT_LEAVES ? shape.leaves : TARN_REFIT_LEAVES;
    set_slots(w);
    TARN_TRY(tarn_tree_rows_init(&w->list, rows->rows, err));
    TARN_TRY(tarn_alloc(&w->piece, leaves * 3 * (size_t)w->list.strips, sizeof *w->piece, err));
    TARN_TRY(tarn_tree_init(&w->tree, 2 * shape.leaves, shape.leaves, err));
    TARN_TRY(tarn_alloc(&w->leaf, leaves, sizeof *w->leaf, err));
    TARN_TRY(tarn_alloc(&w->slot, (size_t)w->slots * tarn_slot_cells(w), sizeof *w->slot, err));
    TARN_TRY(tarn_alloc(&w->taken, (size_t)w->slots, sizeof *w->taken, err));
    TARN_TRY(tarn_alloc(&w->fine, threads * cols * TARN_HIST_FINE, sizeof *w->fine, err));
    TARN_TRY(tarn_alloc(&w->wide, threads * tarn_slot_cells(w), sizeof *w->wide, err));
    TARN_TRY(tarn_alloc(&w->tally, threads, sizeof *w->tally, err));
    TARN_TRY(tarn_alloc(&w->found, 2 * cols, sizeof *w->found, err));
    TARN_TRY(tarn_alloc(&w->bucket, (size_t)w->bucket_leaves * 256, sizeof *w->bucket, err));
    *out = w;
    w = NULL;
done:
    tarn_leafwise_free(w);
    return rc;
}

void tarn_leafwise_free(tarn_leafwise *w)
{
    if (!w) return;
    tarn_tree_rows_clear(&w->list);
    tarn_tree_clear(&w->tree);
    tarn_free(w->leaf);
    tarn_free(w->slot);
    tarn_free(w->taken);
    tarn_free(w->fine);
    tarn_free(w->wide);
    tarn_free(w->piece);
    tarn_free(w->tally);
    tarn_free(w->found);
    tarn_free(w->bucket);
    tarn_free(w);
}

/* ---- slots ---- */

static void drop_slot(tarn_leafwise *w, tarn_leaf_rows *l)
{
    if (l->slot >= 0) w->taken[l->slot] = false;
    l->slot = -1;
}

/* A free slot; if there is none, that of the leaf that gains least, but not of `busy`. */
static int32_t take_slot(tarn_leafwise *w, const tarn_leaf *busy)
{
    tarn_leaf_rows *poorest = NULL;

    for (int32_t s = 0; s < w->slots; s++) {
        if (w->taken[s]) continue;
        w->taken[s] = true;
        return s;
    }
    for (int32_t i = 0; i < w->leaves; i++) {
        tarn_leaf_rows *l = &w->leaf[i].own;
        if (&w->leaf[i] == busy || l->slot < 0) continue;
        if (!poorest || l->best.gain < poorest->best.gain) poorest = l;
    }
    int32_t s = poorest->slot; /* there is one: slots > 3, and the leaf and its children hold 2 at most */
    poorest->slot = -1;
    return s;
}

/* ---- growing ---- */

static bool may_split(const tarn_leafwise *w, const tarn_leaf_rows *l)
{
    if (w->shape.depth > 0 && l->depth >= w->shape.depth) return false;
    return l->of.total.n >= 2 * w->rules->min_rows;
}

/* Where the children's rows will be. Marks of leaves that are cut at once must differ, so none is given back yet. */
static void place_children(tarn_leafwise *w, tarn_leaf *l)
{
    bool listed = l->own.place.form == TARN_ROWS_LISTED, mark_left = !listed;
    tarn_tree_place list = {.form = TARN_ROWS_LISTED, .buffer = listed ? 1 - l->own.place.buffer : 0};

    for (int i = 0; i < 2; i++) {
        int64_t n = l->child[i].of.total.n;
        uint8_t mark = l->own.place.mark;
        l->child[i].place = list;
        if (listed || w->list.strips < 2 || n * TARN_TREE_MARKED < w->root_rows) continue;
        for (uint8_t m = 0; !mark_left && m < TARN_TREE_MARKED; m++)
            if (!w->mark[m]) mark = m;
        mark_left = false;
        w->mark[mark] = true;
        l->child[i].place = (tarn_tree_place){.form = TARN_ROWS_MARKED, .mark = mark};
    }
}

/* What the leaf will become, and where the histograms go. last: no split comes after it. */
static void plan(tarn_leafwise *w, tarn_leaf *l, bool last)
{
    tarn_split_node side[2];

    tarn_split_sides(w->rules, &l->own.of, &l->own.best, &side[0], &side[1]);
    l->less = side[0].total.n <= side[1].total.n ? 0 : 1;
    for (int i = 0; i < 2; i++) {
        l->child[i] = (tarn_leaf_rows){.depth = l->own.depth + 1, .slot = -1, .of = side[i]};
        l->child[i].packed = l->own.packed || side[i].total.n <= w->pack.rows;
        l->looks[i] = !last && may_split(w, &l->child[i]);
    }
    place_children(w, l);
    int less = l->less, more = 1 - l->less;
    l->subtracts = l->looks[more] && l->own.slot >= 0;
    l->counts[less] = l->looks[less] || l->subtracts;
    l->counts[more] = l->looks[more] && !l->subtracts;
    if (l->counts[less]) l->child[less].slot = take_slot(w, l);
    if (l->subtracts) {
        l->child[more].slot = l->own.slot;
        l->own.slot = -1;
    }
    if (l->counts[more]) l->child[more].slot = take_slot(w, l);
    drop_slot(w, &l->own);
}

/* Leaf `first` and those that will probably come next, most gain first. */
static int32_t choose(tarn_leafwise *w, tarn_leaf *first, tarn_leaf **list)
{
    int32_t left = w->shape.leaves - w->leaves, most = 1 + (left - 1) / 4, n = 1;

    list[0] = first;
    if (most > w->ahead) most = w->ahead;
    for (int32_t i = 0; i < w->leaves; i++) most -= w->leaf[i].cut;
    for (int32_t i = 0; i < w->leaves && most > 1; i++) {
        tarn_leaf *l = &w->leaf[i];
        if (l->cut || l == first || l->own.best.gain <= 0) continue;
        if (n == most && l->own.best.gain <= list[n - 1]->own.best.gain) continue;
        int32_t at = n == most ? n - 1 : n++;
        for (; at > 1 && list[at - 1]->own.best.gain < l->own.best.gain; at--) list[at] = list[at - 1];
        list[at] = l;
    }
    return n;
}

static tarn_code cut(tarn_leafwise *w, tarn_leaf *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_leaf *list[TARN_LEAVES_AHEAD];
    int32_t n = choose(w, first, list);

    for (int32_t i = 0; i < n; i++) plan(w, list[i], w->leaves + 1 == w->shape.leaves);
    TARN_TRY(tarn_leaf_cut(w, list, n, err));
    for (int32_t i = 0; i < n; i++) {
        for (int c = 0; c < 2; c++)
            if (list[i]->child[c].best.gain <= 0) drop_slot(w, &list[i]->child[c]);
        list[i]->cut = true;
        bool marked = list[i]->own.place.form != TARN_ROWS_LISTED;
        for (int c = 0; c < 2; c++) marked = marked && list[i]->child[c].place.form == TARN_ROWS_LISTED;
        if (marked) w->mark[list[i]->own.place.mark] = false;
    }
done:
    return rc;
}

static tarn_code split(tarn_leafwise *w, tarn_leaf *l, double *gain, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_leaf *right = &w->leaf[w->leaves];
    const tarn_split *by = &l->own.best;

    TARN_TRY(tarn_tree_split(&w->tree, l->node, &by->by, err));
    gain[by->by.feature] += w->shape.count_splits ? 1 : by->gain;
    size_t bytes = (size_t)w->list.strips * sizeof(tarn_tree_piece);
    memcpy(tarn_leaf_pieces(w, right, 0), tarn_leaf_pieces(w, l, 2), bytes);
    memcpy(tarn_leaf_pieces(w, l, 0), tarn_leaf_pieces(w, l, 1), bytes);
    *right = (tarn_leaf){.own = l->child[1], .node = w->tree.nodes - 1};
    *l = (tarn_leaf){.own = l->child[0], .node = w->tree.nodes - 2};
    w->leaves++;
done:
    return rc;
}

static tarn_code plant(tarn_leafwise *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_leaf *root = &w->leaf[0];

    memset(w->taken, 0, (size_t)w->slots * sizeof *w->taken);
    tarn_tree_reset(&w->tree, 0);
    *root = (tarn_leaf){.own = {.rows = w->list.rows, .of = {{0}, -w->rules->most_value, w->rules->most_value}}};
    w->leaves = 1;
    root->own.slot = take_slot(w, root);
    root->own.packed = w->job->x->all_rows <= w->pack.rows;
    tarn_tree_rows_reset(&w->list, tarn_leaf_pieces(w, root, 0));
    memset(w->mark, 0, sizeof w->mark);
    w->mark[0] = true;
    TARN_TRY(tarn_leaf_plant(w, root, err));
    w->root_rows = root->own.of.total.n;
    if (!may_split(w, &root->own)) root->own.best = (tarn_split){0};
done:
    return rc;
}

tarn_code tarn_leafwise_grow(tarn_leafwise *w, const int64_t *packed, const tarn_split_rules *rules,
                             const tarn_hist_use *use, double *gain, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    w->packed = packed;
    w->rules = rules;
    w->use = use;
    TARN_TRY(plant(w, err));
    while (w->leaves < w->shape.leaves) {
        tarn_leaf *most = &w->leaf[0];
        for (int32_t i = 1; i < w->leaves; i++)
            if (w->leaf[i].own.best.gain > most->own.best.gain) most = &w->leaf[i];
        if (most->own.best.gain <= 0) break;
        if (!most->cut) TARN_TRY(cut(w, most, err));
        TARN_TRY(split(w, most, gain, err));
    }
    for (int32_t i = 0; i < w->leaves; i++)
        w->tree.node[w->leaf[i].node].value = w->shape.shrink * tarn_split_value(rules, &w->leaf[i].own.of);
done:
    return rc;
}

const tarn_tree *tarn_leafwise_tree(const tarn_leafwise *w) { return &w->tree; }

/* ---- scores ---- */

typedef struct adding {
    const tarn_leafwise *w;
    double *score;
} adding;

/* Rows that carry a mark are added to all together, in order; the others by their lists. */
static tarn_code add_strip(void *arg, int64_t strip, int worker, tarn_err *err)
{
    const adding *a = arg;
    const tarn_leafwise *w = a->w;
    double of_mark[256] = {0};
    bool marks = false;

    (void)worker, (void)err;
    for (int32_t i = 0; i < w->leaves; i++) {
        const tarn_leaf *l = &w->leaf[i];
        double value = w->tree.node[l->node].value;
        for (int k = tarn_leaf_next_part(l, -1); k >= 0; k = tarn_leaf_next_part(l, k)) {
            tarn_tree_place place = tarn_leaf_part(l, k)->place;
            tarn_tree_piece p = tarn_leaf_pieces(w, l, k)[strip];
            const int32_t *row = w->list.list[place.buffer] + p.at;
            marks = marks || place.form != TARN_ROWS_LISTED;
            if (place.form != TARN_ROWS_LISTED) of_mark[place.mark] = value;
            else
                for (int32_t r = 0; r < p.n; r++) a->score[row[r]] += value;
        }
    }
    int64_t end, at = tarn_tree_rows_strip(&w->list, strip, &end);
    for (; marks && at < end; at++) a->score[at] += of_mark[w->list.mark[at]];
    return TARN_OK;
}

tarn_code tarn_leafwise_add(tarn_leafwise *w, double *score, tarn_err *err)
{
    adding a = {w, score};

    return tarn_pool_run(w->job->pool, w->list.strips, add_strip, &a, err);
}
