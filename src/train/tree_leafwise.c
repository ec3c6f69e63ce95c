/* SPDX-License-Identifier: Apache-2.0 */
/* tree_leafwise.c - see tree_leafwise.h.
 *
 * For a split, the child with fewer rows gets its histogram from its rows, and the other one as what its parent's
 * leaves over. Histograms live in slots. There may be fewer slots than leaves when columns are many: the leaf that
 * gains least then loses its own, and should it be split after all, both children are counted from their rows. Sums
 * are of whole numbers, so that makes no difference to the tree.
 *
 * Work on few rows or few cells is done by the caller alone: waking threads costs more.
 *
 * Source: leaf-wise growth: Shi, "Best-first decision tree learning", thesis, Waikato 2007; Ke et al., NIPS 2017. */
#include "train/tree_leafwise.h"

#include "base/mem.h"
#include "train/tree_rows.h"

#include <string.h>

enum {
    SLOT_BYTES = 512 << 20, /* for all slots together */
    SLOTS_LEAST = 4,
    CELLS_SERIAL = 4096,   /* up to so many cells are looked through by the caller alone */
    ADDS_SERIAL = 1 << 18, /* and so many rows x columns added */
};

typedef struct leaf {
    int64_t at, rows;          /* its piece of the list of rows, on this rank */
    int32_t node, depth, slot; /* slot -1: none */
    tarn_sums sums;            /* over all ranks */
    tarn_split best;
} leaf;

struct tarn_leafwise {
    const tarn_fit *job;
    const tarn_bins *bins;
    const tarn_binned *rows;
    tarn_pack pack;
    tarn_leafwise_shape shape;
    tarn_tree_rows list;
    tarn_tree tree;
    leaf *leaf; /* (shape.leaves) */
    int32_t leaves;
    int64_t *slot; /* (slots, 3, cells) */
    bool *taken;   /* (slots) */
    int32_t slots;
    int64_t *fine;     /* (threads, cols, 256), zero between calls */
    int64_t *wide;     /* (threads, 3, cells) */
    bool *touched;     /* (threads) wide has something since the last merge */
    tarn_split *found; /* (2, cols) */
    /* during grow */
    const int64_t *packed;
    const tarn_split_rules *rules;
    const tarn_hist_use *use;
};

static size_t slot_cells(const tarn_leafwise *w) { return 3 * (size_t)w->bins->cells; }
static int64_t *slot_at(const tarn_leafwise *w, int32_t slot) { return w->slot + (size_t)slot * slot_cells(w); }

static int32_t slots_wanted(const tarn_bins *bins, int32_t leaves)
{
    int64_t fit = SLOT_BYTES / (3 * (int64_t)sizeof(int64_t) * bins->cells);

    if (fit > leaves + 1) fit = leaves + 1;
    return fit < SLOTS_LEAST ? SLOTS_LEAST : (int32_t)fit;
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
    w->slots = slots_wanted(bins, shape.leaves);
    TARN_TRY(tarn_tree_rows_init(&w->list, job->pool, rows->rows, err));
    TARN_TRY(tarn_tree_init(&w->tree, 2 * shape.leaves, shape.leaves, err));
    TARN_TRY(tarn_alloc(&w->leaf, leaves, sizeof *w->leaf, err));
    TARN_TRY(tarn_alloc(&w->slot, (size_t)w->slots * slot_cells(w), sizeof *w->slot, err));
    TARN_TRY(tarn_alloc(&w->taken, (size_t)w->slots, sizeof *w->taken, err));
    TARN_TRY(tarn_alloc(&w->fine, threads * cols * TARN_HIST_FINE, sizeof *w->fine, err));
    TARN_TRY(tarn_alloc(&w->wide, threads * slot_cells(w), sizeof *w->wide, err));
    TARN_TRY(tarn_alloc(&w->touched, threads, sizeof *w->touched, err));
    TARN_TRY(tarn_alloc(&w->found, 2 * cols, sizeof *w->found, err));
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
    tarn_free(w->touched);
    tarn_free(w->found);
    tarn_free(w);
}

/* ---- slots ---- */

static void drop_slot(tarn_leafwise *w, leaf *l)
{
    if (l->slot >= 0) w->taken[l->slot] = false;
    l->slot = -1;
}

/* A free slot; if there is none, that of the leaf that gains least, but not of a or b. */
static int32_t take_slot(tarn_leafwise *w, const leaf *a, const leaf *b)
{
    leaf *poorest = NULL;

    for (int32_t s = 0; s < w->slots; s++) {
        if (w->taken[s]) continue;
        w->taken[s] = true;
        return s;
    }
    for (int32_t i = 0; i < w->leaves; i++) {
        leaf *l = &w->leaf[i];
        if (l == a || l == b || l->slot < 0) continue;
        if (!poorest || l->best.gain < poorest->best.gain) poorest = l;
    }
    int32_t s = poorest->slot; /* there is one: slots > 3, and a and b hold 2 at most */
    poorest->slot = -1;
    return s;
}

/* ---- histograms ---- */

typedef struct counting {
    tarn_leafwise *w;
    const leaf *l;
    int64_t *to;
} counting;

static void add_chunk(const tarn_leafwise *w, const leaf *l, int64_t chunk, int64_t *fine)
{
    int64_t from = chunk * w->pack.rows, n = l->rows - from < w->pack.rows ? l->rows - from : w->pack.rows;
    const int32_t *rows = l->rows == w->list.rows ? NULL : w->list.list + l->at + from; /* the root's are in order */

    tarn_hist_add(w->rows, w->bins->cols, w->use, w->packed, rows, from, n, fine);
}

static tarn_code count_chunk(void *arg, int64_t chunk, int worker, tarn_err *err)
{
    const counting *c = arg;
    tarn_leafwise *w = c->w;
    int64_t *fine = w->fine + (size_t)worker * (size_t)w->bins->cols * TARN_HIST_FINE;

    (void)err;
    add_chunk(w, c->l, chunk, fine);
    tarn_hist_pour(w->bins, w->use, &w->pack, fine, w->wide + (size_t)worker * slot_cells(w), !w->touched[worker]);
    w->touched[worker] = true;
    return TARN_OK;
}

static tarn_code merge_feature(void *arg, int64_t k, int worker, tarn_err *err)
{
    const counting *c = arg;
    tarn_leafwise *w = c->w;
    int32_t f = w->use->feature[k];
    bool first = true;

    (void)worker, (void)err;
    for (int t = 0; t < tarn_pool_threads(w->job->pool); t++) {
        const int64_t *from = w->wide + (size_t)t * slot_cells(w);
        if (!w->touched[t]) continue;
        if (first) tarn_hist_subtract(w->bins, f, c->to, c->to); /* to zero */
        first = false;
        tarn_hist_merge(w->bins, f, c->to, from);
    }
    return TARN_OK;
}

/* This rank's rows of the leaf, into a slot. */
static tarn_code count_rows(tarn_leafwise *w, const leaf *l, int64_t *to, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    counting c = {w, l, to};
    int64_t chunks = (l->rows + w->pack.rows - 1) / w->pack.rows;
    int threads = tarn_pool_threads(w->job->pool);

    if (chunks < 2 || threads == 1 || l->rows * w->use->count < ADDS_SERIAL) {
        for (int64_t i = 0; i < chunks || i == 0; i++) { /* a leaf without rows here still sets its cells to zero */
            if (l->rows > 0) add_chunk(w, l, i, w->fine);
            tarn_hist_pour(w->bins, w->use, &w->pack, w->fine, to, i == 0);
        }
        return TARN_OK;
    }
    memset(w->touched, 0, (size_t)threads * sizeof *w->touched);
    TARN_TRY(tarn_pool_run(w->job->pool, chunks, count_chunk, &c, err));
    bool few = w->bins->cells < CELLS_SERIAL;
    TARN_TRY(tarn_pool_run(few ? NULL : w->job->pool, w->use->count, merge_feature, &c, err));
done:
    return rc;
}

/* The rows of all ranks. */
static tarn_code count_leaf(tarn_leafwise *w, leaf *l, int32_t slot, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    l->slot = slot;
    TARN_TRY(count_rows(w, l, slot_at(w, slot), err));
    TARN_TRY(tarn_comm_sum_i64(w->job->comm, slot_at(w, slot), slot_cells(w), err));
done:
    return rc;
}

/* ---- the best split of one or two leaves ---- */

typedef struct looking {
    tarn_leafwise *w;
    leaf *leaf[2];     /* to be looked through; NULL: not */
    int64_t *less;     /* first, what leaves over from this ... */
    const int64_t *by; /* ... when this is taken away; NULL: nothing to take away */
} looking;

static tarn_code look_at_feature(void *arg, int64_t k, int worker, tarn_err *err)
{
    const looking *j = arg;
    tarn_leafwise *w = j->w;
    int32_t f = w->use->feature[k];

    (void)worker, (void)err;
    if (j->by) tarn_hist_subtract(w->bins, f, j->less, j->by);
    for (int i = 0; i < 2; i++) {
        tarn_split *found = &w->found[(size_t)i * (size_t)w->bins->cols + (size_t)k];
        *found = (tarn_split){0};
        if (j->leaf[i]) tarn_split_find(w->rules, w->bins, f, slot_at(w, j->leaf[i]->slot), &j->leaf[i]->sums, found);
    }
    return TARN_OK;
}

static tarn_code look(tarn_leafwise *w, looking *j, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool few = w->bins->cells < CELLS_SERIAL;

    TARN_TRY(tarn_pool_run(few ? NULL : w->job->pool, w->use->count, look_at_feature, j, err));
    for (int i = 0; i < 2; i++) {
        leaf *l = j->leaf[i];
        if (!l) continue;
        const tarn_split *found = &w->found[(size_t)i * (size_t)w->bins->cols];
        l->best = (tarn_split){0};
        for (int32_t k = 0; k < w->use->count; k++)
            if (found[k].gain > l->best.gain) l->best = found[k];
        if (l->best.gain <= 0) drop_slot(w, l);
    }
done:
    return rc;
}

/* ---- growing ---- */

static bool may_split(const tarn_leafwise *w, const leaf *l)
{
    if (w->shape.depth > 0 && l->depth >= w->shape.depth) return false;
    return l->sums.n >= 2 * w->rules->min_rows;
}

static void set_value(tarn_leafwise *w, const leaf *l)
{
    double h = (double)l->sums.h * w->rules->h_unit + w->rules->l2;

    w->tree.node[l->node].value = h > 0 ? -w->shape.shrink * ((double)l->sums.g * w->rules->g_unit) / h : 0;
}

static tarn_code plant(tarn_leafwise *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    leaf *root = &w->leaf[0];
    looking j = {.w = w, .leaf = {root, NULL}};

    memset(w->taken, 0, (size_t)w->slots * sizeof *w->taken);
    tarn_tree_reset(&w->tree, 0);
    TARN_TRY(tarn_tree_rows_reset(&w->list, err));
    *root = (leaf){.rows = w->list.rows, .slot = -1};
    w->leaves = 1;
    TARN_TRY(count_leaf(w, root, take_slot(w, root, root), err));
    root->sums = tarn_hist_total(w->bins, w->use->feature[0], slot_at(w, root->slot));
    if (may_split(w, root)) TARN_TRY(look(w, &j, err));
done:
    return rc;
}

/* Histograms of a and b, of which a has fewer rows, and their best splits. parent: the slot of what both were, or -1.
 */
static tarn_code look_at_children(tarn_leafwise *w, leaf *a, leaf *b, int32_t parent, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    looking j = {.w = w, .leaf = {may_split(w, a) ? a : NULL, may_split(w, b) ? b : NULL}};

    b->slot = parent;
    if (j.leaf[1] && parent >= 0) {
        TARN_TRY(count_leaf(w, a, take_slot(w, a, b), err));
        j.less = slot_at(w, parent);
        j.by = slot_at(w, a->slot);
    } else {
        if (j.leaf[0]) TARN_TRY(count_leaf(w, a, take_slot(w, a, b), err));
        if (j.leaf[1]) TARN_TRY(count_leaf(w, b, take_slot(w, a, b), err));
    }
    if (j.leaf[0] || j.leaf[1]) TARN_TRY(look(w, &j, err));
    if (!j.leaf[0]) drop_slot(w, a);
    if (!j.leaf[1]) drop_slot(w, b);
done:
    return rc;
}

static tarn_code split_leaf(tarn_leafwise *w, leaf *l, double *gain, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    leaf *r = &w->leaf[w->leaves];
    tarn_split by = l->best;
    int32_t parent = l->slot;
    uint8_t left[256];
    int64_t n_left = 0;

    tarn_branch_table(&by.by, w->bins, left);
    TARN_TRY(tarn_tree_split(&w->tree, l->node, &by.by, err));
    TARN_TRY(tarn_tree_rows_part(&w->list, l->at, l->rows, w->rows->by_column + (int64_t)by.by.feature * w->rows->rows,
                                 left, &n_left, err));
    gain[by.by.feature] += by.gain;
    *r = (leaf){
        .at = l->at + n_left, .rows = l->rows - n_left, .node = w->tree.nodes - 1, .depth = l->depth + 1, .slot = -1};
    r->sums = (tarn_sums){l->sums.g - by.left.g, l->sums.h - by.left.h, l->sums.n - by.left.n};
    *l = (leaf){
        .at = l->at, .rows = n_left, .node = w->tree.nodes - 2, .depth = l->depth + 1, .slot = -1, .sums = by.left};
    w->leaves++;
    if (w->leaves == w->shape.leaves) return TARN_OK; /* nobody asks for their splits */
    bool left_less = l->sums.n <= r->sums.n;
    TARN_TRY(look_at_children(w, left_less ? l : r, left_less ? r : l, parent, err));
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
        leaf *most = &w->leaf[0];
        for (int32_t i = 1; i < w->leaves; i++)
            if (w->leaf[i].best.gain > most->best.gain) most = &w->leaf[i];
        if (most->best.gain <= 0) break;
        TARN_TRY(split_leaf(w, most, gain, err));
    }
    for (int32_t i = 0; i < w->leaves; i++) set_value(w, &w->leaf[i]);
done:
    return rc;
}

const tarn_tree *tarn_leafwise_tree(const tarn_leafwise *w) { return &w->tree; }

/* ---- scores ---- */

typedef struct adding {
    const tarn_leafwise *w;
    double *score;
} adding;

static tarn_code add_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const adding *a = arg;
    const tarn_leafwise *w = a->w;
    int64_t from = block * TARN_BLOCK_ROWS, to = from + TARN_BLOCK_ROWS;

    (void)worker, (void)err;
    if (to > w->list.rows) to = w->list.rows;
    for (int32_t i = 0; i < w->leaves; i++) {
        const leaf *l = &w->leaf[i];
        int64_t begin = l->at > from ? l->at : from, end = l->at + l->rows < to ? l->at + l->rows : to;
        double value = w->tree.node[l->node].value;
        for (int64_t k = begin; k < end; k++) a->score[w->list.list[k]] += value;
    }
    return TARN_OK;
}

tarn_code tarn_leafwise_add(tarn_leafwise *w, double *score, tarn_err *err)
{
    adding a = {w, score};

    return tarn_pool_run(w->job->pool, tarn_blocks(w->list.rows), add_block, &a, err);
}
