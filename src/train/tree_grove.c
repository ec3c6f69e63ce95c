/* SPDX-License-Identifier: Apache-2.0 */
/* tree_grove.c - finished trees in the form of model/payload.h. See tree.h.
 *
 * Within a grove, `right` counts from the tree's own first node and a category's first word from the tree's own first
 * word, so trees may be gathered from ranks and cut off at will; tarn_grove_finish makes them absolute. */
#include "train/tree.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

void tarn_grove_clear(tarn_grove *g)
{
    tarn_free(g->node);
    tarn_free(g->bits);
    tarn_free(g->root);
    tarn_free(g->output);
    *g = (tarn_grove){0};
}

static tarn_code grow(void *array, uint32_t *cap, uint64_t need, size_t size, tarn_err *err)
{
    if (need <= *cap) return TARN_OK;
    if (need >= UINT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT, "the trees have more than 2^32 nodes; use fewer or smaller trees");
    uint64_t want = need + need / 2 < UINT32_MAX ? need + need / 2 : need;
    tarn_code rc = tarn_resize(array, (size_t)want, size, err);
    if (rc == TARN_OK) *cap = (uint32_t)want;
    return rc;
}

/* root and output share a capacity. */
static tarn_code grow_trees(tarn_grove *g, uint64_t need, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t cap = g->tree_cap;

    TARN_TRY(grow(&g->root, &cap, need, sizeof *g->root, err));
    cap = g->tree_cap;
    TARN_TRY(grow(&g->output, &cap, need, sizeof *g->output, err));
    g->tree_cap = cap;
done:
    return rc;
}

static uint32_t level_words(const tarn_bin_feature *f) { return ((uint32_t)f->levels + 63) / 64; }

/* Words that the tree's category branches need. */
static uint64_t words_of(const tarn_tree *t, const tarn_bins *bins)
{
    uint64_t words = 0;

    for (int32_t i = 0; i < t->nodes; i++)
        if (t->node[i].feature >= 0 && t->node[i].category) words += level_words(&bins->feature[t->node[i].feature]);
    return words;
}

static double bits_as_double(uint64_t u)
{
    double x;

    memcpy(&x, &u, sizeof x);
    return x;
}

static uint64_t double_as_bits(double x)
{
    uint64_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

/* Levels whose bin goes left, in g->bits from g->words on. Levels without a bin of their own go as missing. */
static double put_levels(tarn_grove *g, const tarn_tree *t, const tarn_tree_bud *b, const tarn_bin_feature *f,
                         uint32_t tree_words)
{
    const uint64_t *set = t->sets + b->set;
    uint32_t words = level_words(f), first = g->words - tree_words;

    memset(g->bits + g->words, 0, words * sizeof *g->bits);
    for (int32_t l = 0; l < f->levels; l++) {
        uint32_t bin = f->of_level[l];
        bool left = (int32_t)bin == f->bins ? b->missing_left : set[bin >> 6] >> (bin & 63) & 1;
        if (left) g->bits[g->words + (uint32_t)l / 64] |= UINT64_C(1) << (l & 63);
    }
    g->words += words;
    return bits_as_double((uint64_t)first << 32 | (uint32_t)f->levels);
}

static tarn_tree_node put_node(tarn_grove *g, const tarn_tree *t, const tarn_tree_bud *b, const tarn_bins *bins,
                               uint32_t tree_words)
{
    tarn_tree_node n = {.value = b->value, .flags = TARN_TREE_LEAF};

    if (b->feature < 0) return n;
    const tarn_bin_feature *f = &bins->feature[b->feature];
    n.flags = (uint32_t)b->feature | (b->missing_left ? TARN_TREE_MISSING_LEFT : 0u);
    if (b->category) {
        n.flags |= TARN_TREE_CATEGORY;
        n.value = put_levels(g, t, b, f, tree_words);
    } else {
        n.value = b->bin + 1 < f->bins ? f->edges[b->bin] : INFINITY;
    }
    return n;
}

/* Preorder with a stack: a right child is pushed with the node that waits for its number. */
typedef struct waiting {
    int32_t bud;
    uint32_t parent; /* UINT32_MAX: a left child, or the root */
} waiting;

static void put_tree(tarn_grove *g, const tarn_tree *t, const tarn_bins *bins, waiting *stack)
{
    uint32_t tree_nodes = g->nodes, tree_words = g->words;
    int32_t depth = 0;

    stack[depth++] = (waiting){0, UINT32_MAX};
    while (depth > 0) {
        waiting w = stack[--depth];
        const tarn_tree_bud *b = &t->node[w.bud];
        uint32_t at = g->nodes++;
        if (w.parent != UINT32_MAX) g->node[w.parent].right = at - tree_nodes;
        g->node[at] = put_node(g, t, b, bins, tree_words);
        if (b->feature < 0) continue;
        stack[depth++] = (waiting){b->right, at};
        stack[depth++] = (waiting){b->left, UINT32_MAX};
    }
}

tarn_code tarn_grove_add(tarn_grove *g, const tarn_tree *t, const tarn_bins *bins, uint32_t output, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    waiting *stack = NULL;

    TARN_TRY(grow_trees(g, (uint64_t)g->trees + 1, err));
    TARN_TRY(grow(&g->node, &g->node_cap, (uint64_t)g->nodes + (uint64_t)t->nodes, sizeof *g->node, err));
    TARN_TRY(grow(&g->bits, &g->word_cap, g->words + words_of(t, bins), sizeof *g->bits, err));
    TARN_TRY(tarn_alloc(&stack, (size_t)t->nodes + 1, sizeof *stack, err));
    g->root[g->trees] = g->nodes;
    g->output[g->trees++] = output;
    put_tree(g, t, bins, stack);
done:
    tarn_free(stack);
    return rc;
}

/* Words used by the nodes from..to-1 of one tree. */
static uint32_t tree_words(const tarn_grove *g, uint32_t from, uint32_t to)
{
    uint32_t most = 0;

    for (uint32_t i = from; i < to; i++) {
        if (g->node[i].flags & TARN_TREE_LEAF || !(g->node[i].flags & TARN_TREE_CATEGORY)) continue;
        uint64_t v = double_as_bits(g->node[i].value);
        uint32_t end = (uint32_t)(v >> 32) + ((uint32_t)v + 63) / 64;
        if (end > most) most = end;
    }
    return most;
}

static uint32_t tree_end(const tarn_grove *g, uint32_t tree)
{
    return tree + 1 < g->trees ? g->root[tree + 1] : g->nodes;
}

void tarn_grove_cut(tarn_grove *g, uint32_t trees)
{
    while (g->trees > trees) {
        uint32_t from = g->root[g->trees - 1];
        g->words -= tree_words(g, from, g->nodes);
        g->nodes = from;
        g->trees--;
    }
}

tarn_code tarn_grove_join(tarn_grove *g, const tarn_grove *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (b->trees == 0) return TARN_OK;
    TARN_TRY(grow_trees(g, (uint64_t)g->trees + b->trees, err));
    TARN_TRY(grow(&g->node, &g->node_cap, (uint64_t)g->nodes + b->nodes, sizeof *g->node, err));
    TARN_TRY(grow(&g->bits, &g->word_cap, (uint64_t)g->words + b->words, sizeof *g->bits, err));
    memcpy(g->node + g->nodes, b->node, b->nodes * sizeof *g->node);
    memcpy(g->output + g->trees, b->output, b->trees * sizeof *g->output);
    if (b->words > 0) memcpy(g->bits + g->words, b->bits, b->words * sizeof *g->bits);
    for (uint32_t t = 0; t < b->trees; t++) g->root[g->trees + t] = b->root[t] + g->nodes;
    g->trees += b->trees;
    g->nodes += b->nodes;
    g->words += b->words;
done:
    return rc;
}

/* ---- gathering from ranks ---- */

static tarn_code gather(tarn_comm *comm, const void *mine, size_t count, size_t size, void *out, size_t *out_count,
                        size_t *sizes, tarn_err *err)
{
    void *all = NULL;
    size_t len = 0;
    tarn_code rc = tarn_comm_gather(comm, mine, count * size, &all, &len, sizes, err);

    memcpy(out, &all, sizeof all);
    *out_count = len / size;
    return rc;
}

tarn_code tarn_grove_gather(tarn_grove *g, tarn_comm *comm, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_grove all = {0};
    size_t trees = 0, nodes = 0, words = 0, outputs = 0, *tree_sizes = NULL, *node_sizes = NULL;
    size_t ranks = (size_t)tarn_comm_size(comm);

    if (ranks == 1) return TARN_OK;
    rc = tarn_alloc(&tree_sizes, ranks, sizeof *tree_sizes, err);
    if (rc == TARN_OK) rc = tarn_alloc(&node_sizes, ranks, sizeof *node_sizes, err);
    TARN_TRY(tarn_comm_agree(comm, rc, err));
    TARN_TRY(gather(comm, g->root, g->trees, sizeof *g->root, &all.root, &trees, tree_sizes, err));
    TARN_TRY(gather(comm, g->output, g->trees, sizeof *g->output, &all.output, &outputs, NULL, err));
    TARN_TRY(gather(comm, g->node, g->nodes, sizeof *g->node, &all.node, &nodes, node_sizes, err));
    TARN_TRY(gather(comm, g->bits, g->words, sizeof *g->bits, &all.bits, &words, NULL, err));
    if (nodes >= UINT32_MAX || words >= UINT32_MAX) {
        rc = TARN_FAIL(err, TARN_LIMIT, "the trees have more than 2^32 nodes; use fewer or smaller trees");
        goto done;
    }
    size_t tree = 0, first = 0;
    for (size_t r = 0; r < ranks; r++) {
        for (size_t end = tree + tree_sizes[r] / sizeof *g->root; tree < end; tree++) all.root[tree] += (uint32_t)first;
        first += node_sizes[r] / sizeof *g->node;
    }
    all.trees = all.tree_cap = (uint32_t)trees;
    all.nodes = all.node_cap = (uint32_t)nodes;
    all.words = all.word_cap = (uint32_t)words;
    tarn_grove_clear(g);
    *g = all;
    all = (tarn_grove){0};
done:
    tarn_grove_clear(&all);
    tarn_free(tree_sizes);
    tarn_free(node_sizes);
    return rc;
}

/* ---- the model's node ---- */

/* One tree's nodes, with absolute numbers; returns the first word of the next tree. */
static uint32_t put_absolute(const tarn_grove *g, uint32_t tree, uint32_t first_word, tarn_tree_node *out)
{
    uint32_t from = g->root[tree], to = tree_end(g, tree);

    for (uint32_t i = from; i < to; i++) {
        out[i] = g->node[i];
        if (out[i].flags & TARN_TREE_LEAF) continue;
        out[i].right += from;
        if (out[i].flags & TARN_TREE_CATEGORY)
            out[i].value = bits_as_double(double_as_bits(out[i].value) + ((uint64_t)first_word << 32));
    }
    return first_word + tree_words(g, from, to);
}

tarn_code tarn_grove_payload(const tarn_grove *g, uint32_t outputs, const double *base, double factor, void **out,
                             size_t *out_len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    unsigned char *bytes = NULL;
    tarn_trees_data head = {g->trees, g->nodes, g->words, outputs, factor};
    size_t lists = 2 * sizeof(uint32_t) * g->trees, bases = outputs * sizeof *base; /* 2 lists: always whole 8 bytes */
    size_t nodes = g->nodes * sizeof *g->node, bits = g->words * sizeof *g->bits;
    size_t len = sizeof head + bases + lists + nodes + bits, at = sizeof head;
    uint32_t word = 0;

    TARN_TRY(tarn_alloc(&bytes, len, 1, err));
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + at, base, bases);
    at += bases;
    if (g->trees > 0) {
        memcpy(bytes + at, g->root, lists / 2);
        memcpy(bytes + at + lists / 2, g->output, lists / 2);
    }
    at += lists;
    for (uint32_t t = 0; t < g->trees; t++) word = put_absolute(g, t, word, (tarn_tree_node *)(void *)(bytes + at));
    if (bits > 0) memcpy(bytes + at + nodes, g->bits, bits);
    *out = bytes;
    *out_len = len;
done:
    return rc;
}

tarn_code tarn_grove_finish(const tarn_grove *g, const tarn_fit *job, uint32_t outputs, const double *base,
                            double factor, uint32_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    void *bytes = NULL;
    size_t len = 0;

    TARN_TRY(tarn_grove_payload(g, outputs, base, factor, &bytes, &len, err));
    TARN_TRY(
        tarn_graph_node_take(job->graph, "trees", job->regs, (uint32_t)job->x->cols, outputs, &bytes, len, first, err));
done:
    tarn_free(bytes);
    return rc;
}

/* ---- and back ---- */

/* One tree's nodes with numbers of its own again, its words from *word on, which moves behind them. False: others'. */
static bool make_relative(tarn_grove *g, uint32_t tree, uint32_t *word)
{
    uint32_t from = g->root[tree], to = tree_end(g, tree);

    for (uint32_t i = from; i < to; i++) {
        tarn_tree_node *n = &g->node[i];
        if (n->flags & TARN_TREE_LEAF) continue;
        n->right -= from;
        if (!(n->flags & TARN_TREE_CATEGORY)) continue;
        uint64_t v = double_as_bits(n->value);
        if (v >> 32 < *word) return false;
        n->value = bits_as_double(v - ((uint64_t)*word << 32));
    }
    uint64_t end = (uint64_t)*word + tree_words(g, from, to);
    *word = (uint32_t)end;
    return end <= g->words;
}

tarn_code tarn_grove_read(tarn_grove *g, const void *payload, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_trees_data head;
    uint32_t word = 0;

    memcpy(&head, payload, sizeof head);
    const char *at = (const char *)payload + sizeof head + head.outputs * sizeof(double);
    size_t list = head.trees * sizeof *g->root, nodes = head.nodes * sizeof *g->node;
    TARN_TRY(grow_trees(g, head.trees, err));
    TARN_TRY(grow(&g->node, &g->node_cap, head.nodes, sizeof *g->node, err));
    TARN_TRY(grow(&g->bits, &g->word_cap, head.words, sizeof *g->bits, err));
    if (list > 0) {
        memcpy(g->root, at, list);
        memcpy(g->output, at + list, list);
        memcpy(g->node, at + 2 * list, nodes);
    }
    if (head.words > 0) memcpy(g->bits, at + 2 * list + nodes, head.words * sizeof *g->bits);
    g->trees = head.trees;
    g->nodes = head.nodes;
    g->words = head.words;
    bool own = true;
    for (uint32_t t = 0; own && t < g->trees; t++) own = make_relative(g, t, &word);
    if (!own || word != g->words) rc = TARN_FAIL(err, TARN_CORRUPT, "trees of an earlier fit share levels");
done:
    return rc;
}
