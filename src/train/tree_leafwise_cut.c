/* SPDX-License-Identifier: Apache-2.0 */
/* tree_leafwise_cut.c - parting the rows of leaves, counting histograms, finding best splits. See tree_leafwise.c.
 *
 * Leaves of like size are cut by a thread each; one that holds most of the rows by all threads together. Work on few
 * rows or few cells is done by the caller alone: waking threads costs more. With several ranks, all count first, then
 * the histograms are summed, leaf by leaf in the order in which they were chosen, which is the same on every rank. */
#include "train/tree_leafwise_parts.h"

#include <string.h>

enum {
    CELLS_SERIAL = 4096,     /* up to so many cells are looked through by the caller alone */
    ADDS_SERIAL = 1 << 18,   /* and so many rows x columns added by one thread, of one leaf ... */
    LEAVES_SERIAL = 1 << 16, /* ... of all leaves that are cut together */
    FAR = 64                 /* a leaf with less than one of so many rows is a small one */
};

static bool one_rank(const tarn_leafwise *w) { return tarn_comm_size(w->job->comm) == 1; }

/* ---- histograms ---- */

static void add_batch(tarn_leafwise *w, tarn_tally *t)
{
    const tarn_tree_batch *b = &t->batch;

    for (int64_t i = 0, n; i < b->n; i += n) {
        if (t->rows == w->pack.rows) {
            tarn_hist_pour(w->bins, w->use, &w->pack, t->fine, t->wide, !t->poured);
            t->poured = true;
            t->rows = 0;
        }
        n = b->n - i < w->pack.rows - t->rows ? b->n - i : w->pack.rows - t->rows;
        tarn_hist_add(w->rows, w->bins->cols, w->use, b->packed + i, b->row ? b->row + i : NULL, b->first + i, n,
                      t->fine);
        t->rows += n;
    }
}

/* The rows of a part of a leaf in a strip. */
static void add_rows(tarn_leafwise *w, tarn_tally *t, const tarn_leaf *l, int part, int64_t strip)
{
    t->batch.next = -1;
    while (tarn_tree_rows_next(&w->list, tarn_leaf_part(l, part)->place, strip, &tarn_leaf_pieces(w, l, part)[strip],
                               w->packed, &t->batch))
        add_batch(w, t);
}

static tarn_tally *begin_tally(tarn_leafwise *w, int worker, int64_t *wide)
{
    tarn_tally *t = &w->tally[worker];

    t->fine = w->fine + (size_t)worker * (size_t)w->bins->cols * TARN_HIST_FINE;
    t->wide = wide;
    t->rows = 0;
    t->poured = false;
    return t;
}

/* This rank's rows of a part of a leaf, by one thread. A leaf without rows here still sets its cells to zero. */
static void count_alone(tarn_leafwise *w, const tarn_leaf *l, int part, int worker)
{
    tarn_hist to = tarn_leaf_hist(w, tarn_leaf_part(l, part));
    tarn_tally *t = begin_tally(w, worker, to.cell);

    for (int32_t s = 0; s < w->list.strips; s++) add_rows(w, t, l, part, s);
    if (to.packed) tarn_hist_store(w->bins, w->use, t->fine, to.cell);
    else tarn_hist_pour(w->bins, w->use, &w->pack, t->fine, to.cell, !t->poured);
}

/* What other ranks counted. */
static tarn_code sum_ranks(tarn_leafwise *w, const tarn_leaf_rows *l, tarn_err *err)
{
    tarn_hist h = tarn_leaf_hist(w, l);

    return tarn_comm_sum_i64(w->job->comm, h.cell, h.packed ? (size_t)w->bins->cells : tarn_slot_cells(w), err);
}

/* ---- the best splits of both children ---- */

static void look_at_feature(tarn_leafwise *w, tarn_leaf *l, int32_t feature, tarn_split *left, tarn_split *right)
{
    tarn_split *found[2] = {left, right};

    if (l->subtracts) {
        int more = 1 - l->less;
        tarn_hist to = tarn_leaf_hist(w, &l->child[more]), by = tarn_leaf_hist(w, &l->child[l->less]), from = to;
        from.packed = l->own.packed;
        tarn_hist_subtract(w->bins, &w->pack, feature, &from, &by, to.packed);
    }
    for (int i = 0; i < 2; i++) {
        if (!l->looks[i]) continue;
        tarn_hist h = tarn_leaf_hist(w, &l->child[i]);
        tarn_split_find(w->rules, w->bins, feature, &h, &l->child[i].of, found[i]);
    }
}

static void look_alone(tarn_leafwise *w, tarn_leaf *l)
{
    for (int32_t k = 0; k < w->use->count; k++)
        look_at_feature(w, l, w->use->feature[k], &l->child[0].best, &l->child[1].best);
}

/* ---- by all threads together ---- */

/* A leaf that all threads work on together, strip by strip. */
typedef struct together {
    tarn_leafwise *w;
    tarn_leaf *l;
    const tarn_tree_parting *part; /* NULL: parted already */
    int count;                     /* the part of the leaf that is counted, -1: none */
    int64_t *to;                   /* wide cells of what is counted */
    bool looks;                    /* and then look for the best splits of the children */
} together;

static tarn_code work_on_strip(void *arg, int64_t strip, int worker, tarn_err *err)
{
    const together *j = arg;
    tarn_leafwise *w = j->w;

    (void)err;
    if (j->part)
        tarn_tree_rows_part(&w->list, j->part, strip, tarn_leaf_pieces(w, j->l, 0) + strip,
                            tarn_leaf_pieces(w, j->l, 1) + strip, tarn_leaf_pieces(w, j->l, 2) + strip);
    if (j->count >= 0) add_rows(w, &w->tally[worker], j->l, j->count, strip);
    return TARN_OK;
}

/* The worker's cells of one feature are put together, and looked at. */
static void merge_feature(const together *j, int32_t f)
{
    const tarn_leafwise *w = j->w;
    tarn_hist_use one = {&f, 1, false};

    tarn_hist_zero(w->bins, f, j->to);
    for (int t = 0; t < tarn_pool_threads(w->job->pool); t++) {
        const tarn_tally *tally = &w->tally[t];
        if (tally->poured) tarn_hist_merge(w->bins, f, j->to, tally->wide);
        if (tally->rows > 0) tarn_hist_pour(w->bins, &one, &w->pack, tally->fine, j->to, false);
    }
}

static tarn_code work_on_feature(void *arg, int64_t k, int worker, tarn_err *err)
{
    const together *j = arg;
    tarn_split *left = &j->w->found[k], *right = left + j->w->bins->cols;
    int32_t f = j->w->use->feature[k];

    (void)worker, (void)err;
    *left = *right = (tarn_split){0};
    if (j->count >= 0) merge_feature(j, f);
    if (j->looks) look_at_feature(j->w, j->l, f, left, right);
    return TARN_OK;
}

/* Of what the features found, the best. */
static void choose_best(const tarn_leafwise *w, tarn_leaf *l)
{
    for (int i = 0; i < 2; i++)
        for (int32_t k = 0; k < w->use->count; k++) {
            const tarn_split *found = &w->found[(size_t)i * (size_t)w->bins->cols + (size_t)k];
            if (found->gain > l->child[i].best.gain) l->child[i].best = *found;
        }
}

/* Features are worked on after all strips. */
static tarn_code work_on_features(together *j, tarn_err *err)
{
    tarn_leafwise *w = j->w;
    bool few = w->bins->cells < CELLS_SERIAL;

    if (j->count < 0 && !j->looks) return TARN_OK;
    tarn_code rc = tarn_pool_run(few ? NULL : w->job->pool, w->use->count, work_on_feature, j, err);
    if (rc == TARN_OK && j->looks) choose_best(w, j->l);
    return rc;
}

static tarn_code work_on_strips(together *j, tarn_err *err)
{
    tarn_leafwise *w = j->w;

    for (int t = 0; t < tarn_pool_threads(w->job->pool); t++)
        (void)begin_tally(w, t, w->wide + (size_t)t * tarn_slot_cells(w));
    return tarn_pool_run(w->job->pool, w->list.strips, work_on_strip, j, err);
}

/* ---- a leaf ---- */

/* Rows of a small leaf are far from each other: each has a cache line of its own to be fetched, which is then better
 * the one that its bins will be counted from. */
static tarn_tree_parting parting_of(const tarn_leafwise *w, const tarn_leaf *l)
{
    const tarn_binned *rows = w->rows;
    int32_t feature = l->own.best.by.feature;
    bool far = l->own.place.form == TARN_ROWS_LISTED && l->own.rows * FAR < rows->rows;
    tarn_tree_parting p = {.of = l->own.place,
                           .child = {l->child[0].place, l->child[1].place},
                           .packed = w->packed,
                           .stride = far ? rows->row_bytes : 1};

    p.column = far ? rows->by_row + feature : rows->by_column + (int64_t)feature * rows->rows;
    tarn_branch_table(&l->own.best.by, w->bins, p.left);
    return p;
}

static void set_sizes(const tarn_leafwise *w, tarn_leaf *l)
{
    for (int i = 0; i < 2; i++) {
        l->child[i].rows = 0;
        for (int32_t s = 0; s < w->list.strips; s++) l->child[i].rows += tarn_leaf_pieces(w, l, i + 1)[s].n;
    }
}

static void part_and_count_alone(tarn_leafwise *w, tarn_leaf *l, int worker)
{
    tarn_tree_parting p = parting_of(w, l);
    tarn_tree_piece *own = tarn_leaf_pieces(w, l, 0), *left = tarn_leaf_pieces(w, l, 1),
                    *right = tarn_leaf_pieces(w, l, 2);

    for (int32_t s = 0; s < w->list.strips; s++) tarn_tree_rows_part(&w->list, &p, s, &own[s], &left[s], &right[s]);
    set_sizes(w, l);
    for (int i = 0; i < 2; i++)
        if (l->counts[i]) count_alone(w, l, i + 1, worker);
}

/* One child at most is counted strip by strip; another one, and one with packed cells, by the caller. */
static tarn_code cut_together(tarn_leafwise *w, tarn_leaf *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_tree_parting p = parting_of(w, l);
    together j = {.w = w, .l = l, .part = &p, .count = -1};
    int alone = -1;

    for (int i = 0; i < 2; i++) {
        if (!l->counts[i]) continue;
        if (l->child[i].packed || j.count > 0) alone = i + 1;
        else j.count = i + 1;
    }
    if (j.count > 0) j.to = tarn_leaf_hist(w, &l->child[j.count - 1]).cell;
    j.looks = alone < 0 && one_rank(w);
    TARN_TRY(work_on_strips(&j, err));
    set_sizes(w, l);
    TARN_TRY(work_on_features(&j, err));
    if (alone < 0) goto done;
    count_alone(w, l, alone, 0);
    j.count = -1;
    j.looks = one_rank(w);
    TARN_TRY(work_on_features(&j, err));
done:
    return rc;
}

/* ---- several leaves ---- */

typedef struct cutting {
    tarn_leafwise *w;
    tarn_leaf *leaf[TARN_LEAVES_AHEAD];
} cutting;

static tarn_code cut_block(void *arg, int64_t i, int worker, tarn_err *err)
{
    const cutting *c = arg;

    (void)err;
    part_and_count_alone(c->w, c->leaf[i], worker);
    if (one_rank(c->w)) look_alone(c->w, c->leaf[i]);
    return TARN_OK;
}

static tarn_code look_leaf(void *arg, int64_t i, int worker, tarn_err *err)
{
    const cutting *c = arg;

    (void)worker, (void)err;
    look_alone(c->w, c->leaf[i]);
    return TARN_OK;
}

/* Those first that are not listed: their marks stand side by side, so that only one may be parted at a time. */
static bool is_before(const tarn_leaf *a, const tarn_leaf *b)
{
    bool a_listed = a->own.place.form == TARN_ROWS_LISTED, b_listed = b->own.place.form == TARN_ROWS_LISTED;

    return a_listed != b_listed ? b_listed : a->own.rows > b->own.rows;
}

static void sort_leaves(tarn_leaf *const *leaf, int32_t n, tarn_leaf **sorted)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t at = i;
        for (; at > 0 && is_before(leaf[i], sorted[at - 1]); at--) sorted[at] = sorted[at - 1];
        sorted[at] = leaf[i];
    }
}

/* Leaves that alone hold more than an even share of what there is to do are taken by all threads. */
static tarn_code cut_here(tarn_leafwise *w, tarn_leaf *const *leaf, int32_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    cutting c = {.w = w};
    int32_t threads = tarn_pool_threads(w->job->pool), done_with = 0;
    int64_t rest = 0;

    sort_leaves(leaf, n, c.leaf);
    for (int32_t i = 0; i < n; i++) rest += leaf[i]->own.rows;
    for (; threads > 1 && done_with < n; done_with++) {
        tarn_leaf *l = c.leaf[done_with];
        bool small = l->own.rows * threads * 4 <= rest * 5 || l->own.rows * w->use->count < ADDS_SERIAL;
        if (small && l->own.place.form == TARN_ROWS_LISTED) break;
        TARN_TRY(cut_together(w, l, err));
        rest -= l->own.rows;
    }
    bool few = rest * w->use->count < LEAVES_SERIAL;
    memmove(c.leaf, c.leaf + done_with, (size_t)(n - done_with) * sizeof *c.leaf);
    TARN_TRY(tarn_pool_run(few || n - done_with < 2 ? NULL : w->job->pool, n - done_with, cut_block, &c, err));
done:
    return rc;
}

tarn_code tarn_leaf_cut(tarn_leafwise *w, tarn_leaf *const *leaf, int32_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    cutting c = {.w = w};

    TARN_TRY(cut_here(w, leaf, n, err));
    if (one_rank(w)) goto done;
    for (int32_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            if (leaf[i]->counts[k]) TARN_TRY(sum_ranks(w, &leaf[i]->child[k], err));
    memcpy(c.leaf, leaf, (size_t)n * sizeof(tarn_leaf *));
    TARN_TRY(tarn_pool_run(w->job->pool, n, look_leaf, &c, err));
done:
    return rc;
}

/* Count the root's rows: all, in order. */
static tarn_code count_root(tarn_leafwise *w, tarn_leaf *root, tarn_err *err)
{
    tarn_hist to = tarn_leaf_hist(w, &root->own);
    together j = {.w = w, .l = root, .to = to.cell};

    if (to.packed || tarn_pool_threads(w->job->pool) == 1) {
        count_alone(w, root, 0, 0);
        return TARN_OK;
    }
    tarn_code rc = work_on_strips(&j, err);
    return rc == TARN_OK ? work_on_features(&j, err) : rc;
}

/* To be looked at, the root is made the right child of nothing. */
tarn_code tarn_leaf_plant(tarn_leafwise *w, tarn_leaf *root, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_leaf above = {.child = {{.slot = -1}}, .looks = {false, true}};
    together j = {.w = w, .l = &above, .count = -1, .looks = true};
    tarn_leaf_rows *l = &root->own;

    TARN_TRY(count_root(w, root, err));
    TARN_TRY(sum_ranks(w, l, err));
    tarn_hist h = tarn_leaf_hist(w, l);
    l->of.total = tarn_hist_total(w->bins, &w->pack, w->use->feature[0], &h);
    above.child[1] = *l;
    TARN_TRY(work_on_features(&j, err));
    l->best = above.child[1].best;
done:
    return rc;
}
