/* SPDX-License-Identifier: Apache-2.0 */
/* trees.c - sums of decision trees. Payload: tarn_trees_data and its arrays (payload.h).
 *
 * out_k = base_k + factor * (((0 + leaf) + leaf) + ...), the leaves of output k's trees in tree order.
 *
 * A walk is a chain of dependent loads, so several are done side by side: eight rows in one tree when there are many
 * rows, eight trees for one row when there is one. A step has no branch: a leaf steps to itself, and the walk ends
 * when none of the eight moved. Which walks stand side by side does not touch the order of the sums.
 *
 * check() proves that each tree is exactly one preorder sequence, so that walks only go forward and end: the right
 * child of i must begin where the left subtree (from i + 1) ends. Going from the last node to the first, all behind i
 * is already proved, so the end of the left subtree is found by following its right children; each node is on one such
 * path only, which makes the whole linear, without memory. */
#include "model/node.h"
#include "model/payload.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LANES = 8, FLAGS = TARN_TREE_LEAF | TARN_TREE_CATEGORY | TARN_TREE_MISSING_LEFT | TARN_TREE_FEATURE };

typedef struct trees {
    const tarn_trees_data *head;
    const double *base;
    const uint32_t *root, *output;
    const tarn_tree_node *node;
    const uint64_t *bits;
} trees;

/* Where the arrays stand, and how many bytes they need in all. Counts are 32 bits, so nothing can overflow. */
static uint64_t layout(const void *data, uint32_t outputs, trees *t)
{
    const tarn_trees_data *head = data;
    uint64_t base = sizeof *head, root = base + (uint64_t)outputs * sizeof(double);
    uint64_t output = root + (uint64_t)head->trees * sizeof(uint32_t);
    uint64_t node = output + (uint64_t)head->trees * sizeof(uint32_t); /* a multiple of 8: two arrays as long */
    uint64_t bits = node + (uint64_t)head->nodes * sizeof(tarn_tree_node);
    const char *bytes = data;
    const void *const at[] = {bytes + base, bytes + root, bytes + output, bytes + node, bytes + bits};

    *t = (trees){.head = head, .base = at[0], .root = at[1], .output = at[2], .node = at[3], .bits = at[4]};
    return bits + (uint64_t)head->words * sizeof(uint64_t);
}

static bool is_leaf(const tarn_tree_node *node) { return node->flags & TARN_TREE_LEAF; }

/* A category node's value: which bits of which words. */
static void category_of(double value, uint32_t *first, uint32_t *covered)
{
    uint64_t both;

    memcpy(&both, &value, sizeof both);
    *first = (uint32_t)(both >> 32);
    *covered = (uint32_t)both;
}

static tarn_code check_category(const trees *t, uint32_t i, tarn_err *err)
{
    uint32_t first, covered;

    category_of(t->node[i].value, &first, &covered);
    if (covered == 0) return TARN_FAIL(err, TARN_CORRUPT, "node[%u] is a category split that covers no level", i);
    if ((uint64_t)first + ((uint64_t)covered + 63) / 64 > t->head->words)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] wants bits of %u levels from word %u on; there are %u words", i,
                         covered, first, t->head->words);
    return TARN_OK;
}

/* The first node behind the subtree at i, whose nodes are proved already. */
static uint32_t subtree_end(const trees *t, uint32_t i)
{
    while (!is_leaf(&t->node[i])) i = t->node[i].right;
    return i + 1;
}

/* Node i of a tree that ends before node `end`; all nodes behind i are proved. */
static tarn_code check_node(const tarn_node_view *n, const trees *t, uint32_t i, uint32_t end, tarn_err *err)
{
    const tarn_tree_node *node = &t->node[i];
    uint32_t feature = node->flags & TARN_TREE_FEATURE;

    if (node->flags & ~(uint32_t)FLAGS)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] has unknown flags 0x%x", i, node->flags);
    if (is_leaf(node)) {
        if (!isfinite(node->value)) return TARN_FAIL(err, TARN_CORRUPT, "node[%u] is a leaf without a finite value", i);
        return TARN_OK;
    }
    if (feature >= n->n_in)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] asks for column %u of %u", i, feature, n->n_in);
    if (i + 1 >= end || node->right <= i + 1 || node->right >= end)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] has its right child at %u; its tree ends before %u", i,
                         node->right, end);
    if (subtree_end(t, i + 1) != node->right)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] has its right child at %u, but the left subtree ends at %u", i,
                         node->right, subtree_end(t, i + 1));
    if (node->flags & TARN_TREE_CATEGORY) return check_category(t, i, err);
    if (isnan(node->value)) return TARN_FAIL(err, TARN_CORRUPT, "node[%u] compares with NaN", i);
    return TARN_OK;
}

static tarn_code check_tree(const tarn_node_view *n, const trees *t, uint32_t k, uint32_t end, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t root = t->root[k];

    if (t->output[k] >= n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "output[%u] is %u of %u", k, t->output[k], n->n_out);
    if (root >= end) return TARN_FAIL(err, TARN_CORRUPT, "root[%u] is %u, not below %u", k, root, end);
    for (uint32_t i = end; i-- > root;) TARN_TRY(check_node(n, t, i, end, err));
    if (subtree_end(t, root) != end)
        rc = TARN_FAIL(err, TARN_CORRUPT, "tree %u ends before node[%u]; the next begins at %u", k,
                       subtree_end(t, root), end);
done:
    return rc;
}

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    trees t;

    if (n->len < sizeof *t.head)
        return TARN_FAIL(err, TARN_CORRUPT, "payload of %zu bytes is too short for its head", n->len);
    uint64_t want = layout(n->data, n->n_out, &t);
    TARN_TRY(tarn_node_check_len(n, want, err));
    if (t.head->outputs != n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "payload has %u outputs, the node %u", t.head->outputs, n->n_out);
    TARN_TRY(tarn_node_check_finite(&t.head->factor, 1, "factor", err));
    TARN_TRY(tarn_node_check_finite(t.base, n->n_out, "base", err));
    if (t.head->nodes > UINT32_MAX - 1) return TARN_FAIL(err, TARN_CORRUPT, "%u nodes are too many", t.head->nodes);
    for (uint32_t k = t.head->trees, end = t.head->nodes; k-- > 0; end = t.root[k])
        TARN_TRY(check_tree(n, &t, k, end, err));
    if (t.head->trees > 0 ? t.root[0] != 0 : t.head->nodes != 0)
        rc = TARN_FAIL(err, TARN_CORRUPT, "nodes before the first tree");
done:
    return rc;
}

/* Does a category's code go left? */
static bool category_left(const tarn_tree_node *node, const uint64_t *bits, double x)
{
    uint32_t first, covered;

    category_of(node->value, &first, &covered);
    if (!(x >= 0 && x < covered)) return node->flags & TARN_TREE_MISSING_LEFT;
    uint32_t code = (uint32_t)x;
    return bits[first + code / 64] >> (code % 64) & 1;
}

/* One step from node i for the row whose register r is regs[r * stride]. */
static inline uint32_t step(const tarn_node_view *n, const trees *t, uint32_t i, size_t stride, const double *regs)
{
    const tarn_tree_node *node = &t->node[i];
    uint32_t flags = node->flags;
    if (flags & TARN_TREE_LEAF) return i;
    double x = regs[n->in[flags & TARN_TREE_FEATURE] * stride];
    bool left = (x <= node->value) | ((x != x) & (flags / TARN_TREE_MISSING_LEFT));

    if (flags & TARN_TREE_CATEGORY) left = category_left(node, t->bits, x);
    return left ? i + 1 : node->right;
}

/* LANES rows through one tree; regs at the first of them. */
static void walk_rows(const tarn_node_view *n, const trees *t, uint32_t root, size_t stride, const double *regs,
                      double *sum)
{
    uint32_t at[LANES], moved;

    for (int l = 0; l < LANES; l++) at[l] = root;
    do {
        moved = 0;
        for (int l = 0; l < LANES; l++) {
            uint32_t next = step(n, t, at[l], stride, regs + l);
            moved |= next ^ at[l];
            at[l] = next;
        }
    } while (moved);
    for (int l = 0; l < LANES; l++) sum[l] += t->node[at[l]].value;
}

/* One row through trees k .. k + lanes - 1. */
static void walk_trees(const tarn_node_view *n, const trees *t, uint32_t k, uint32_t lanes, size_t stride, double *regs)
{
    uint32_t at[LANES], moved;

    for (uint32_t l = 0; l < lanes; l++) at[l] = t->root[k + l];
    do {
        moved = 0;
        for (uint32_t l = 0; l < lanes; l++) {
            uint32_t next = step(n, t, at[l], stride, regs);
            moved |= next ^ at[l];
            at[l] = next;
        }
    } while (moved);
    for (uint32_t l = 0; l < lanes; l++) regs[(n->out + t->output[k + l]) * stride] += t->node[at[l]].value;
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    trees t;
    size_t whole = rows - rows % LANES;

    (void)layout(n->data, n->n_out, &t);
    for (uint32_t o = 0; o < n->n_out; o++) memset(regs + (n->out + o) * stride, 0, rows * sizeof *regs);
    for (uint32_t k = 0; k < t.head->trees && whole > 0; k++)
        for (size_t i = 0; i < whole; i += LANES)
            walk_rows(n, &t, t.root[k], stride, regs + i, regs + (n->out + t.output[k]) * stride + i);
    for (size_t i = whole; i < rows; i++)
        for (uint32_t k = 0; k < t.head->trees; k += LANES)
            walk_trees(n, &t, k, t.head->trees - k < LANES ? t.head->trees - k : LANES, stride, regs + i);
    for (uint32_t o = 0; o < n->n_out; o++) {
        double *out = regs + (n->out + o) * stride;
        for (size_t i = 0; i < rows; i++) out[i] = t.base[o] + t.head->factor * out[i];
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    trees t;
    uint32_t most = 0;

    (void)layout(n->data, n->n_out, &t);
    for (uint32_t k = 0; k < t.head->trees; k++) {
        uint32_t end = k + 1 < t.head->trees ? t.root[k + 1] : t.head->nodes;
        uint32_t leaves = (end - t.root[k] + 1) / 2;
        if (leaves > most) most = leaves;
    }
    (void)snprintf(out, cap, "%u tree%s, %u leaves at most, %u columns", t.head->trees, t.head->trees == 1 ? "" : "s",
                   most, n->n_in);
}

const tarn_node_kind tarn_node_trees = {
    .name = "trees",
    .title = "A sum of decision trees",
    .id = 7,
    .check = check,
    .run = run,
    .text = text,
};
