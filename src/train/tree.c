/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - growing trees node by node. See tree.h. */
#include "train/tree.h"

#include "base/mem.h"

#include <string.h>

tarn_code tarn_tree_init(tarn_tree *t, int32_t nodes, int32_t categories, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *t = (tarn_tree){.node_cap = nodes < 1 ? 1 : nodes,
                     .word_cap = TARN_TREE_SET_WORDS * (uint32_t)(categories < 1 ? 1 : categories)};
    TARN_TRY(tarn_alloc(&t->node, (size_t)t->node_cap, sizeof *t->node, err));
    TARN_TRY(tarn_alloc(&t->sets, t->word_cap, sizeof *t->sets, err));
done:
    if (rc != TARN_OK) tarn_tree_clear(t);
    return rc;
}

void tarn_tree_clear(tarn_tree *t)
{
    tarn_free(t->node);
    tarn_free(t->sets);
    *t = (tarn_tree){0};
}

static const tarn_tree_bud leaf = {.feature = -1, .left = -1, .right = -1};

void tarn_tree_reset(tarn_tree *t, double value)
{
    t->nodes = 1;
    t->words = 0;
    t->node[0] = leaf;
    t->node[0].value = value;
}

static tarn_code make_room(tarn_tree *t, bool category, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (t->nodes > INT32_MAX / 2 - 2) return TARN_FAIL(err, TARN_LIMIT, "a tree has more than 2^30 nodes");
    if (t->nodes + 2 > t->node_cap) {
        TARN_TRY(tarn_resize(&t->node, 2 * (size_t)t->node_cap + 2, sizeof *t->node, err));
        t->node_cap = 2 * t->node_cap + 2;
    }
    if (category && t->words + TARN_TREE_SET_WORDS > t->word_cap) {
        TARN_TRY(tarn_resize(&t->sets, 2 * (size_t)t->word_cap + TARN_TREE_SET_WORDS, sizeof *t->sets, err));
        t->word_cap = 2 * t->word_cap + TARN_TREE_SET_WORDS;
    }
done:
    return rc;
}

tarn_code tarn_tree_split(tarn_tree *t, int32_t node, const tarn_branch *by, tarn_err *err)
{
    tarn_code rc = make_room(t, by->category, err);

    if (rc != TARN_OK) return rc;
    t->node[node] = (tarn_tree_bud){.feature = by->feature,
                                    .left = t->nodes,
                                    .right = t->nodes + 1,
                                    .set = t->words,
                                    .bin = by->bin,
                                    .category = by->category,
                                    .missing_left = by->missing_left};
    if (by->category) {
        memcpy(t->sets + t->words, by->set, sizeof by->set);
        t->words += TARN_TREE_SET_WORDS;
    }
    t->node[t->nodes++] = leaf;
    t->node[t->nodes++] = leaf;
    return TARN_OK;
}

static bool in_set(const uint64_t *set, uint32_t bin) { return set[bin >> 6] >> (bin & 63) & 1; }

void tarn_branch_table(const tarn_branch *b, const tarn_bins *bins, uint8_t left[256])
{
    int32_t missing = bins->feature[b->feature].bins;

    memset(left, 0, 256);
    for (int32_t bin = 0; bin < missing; bin++) left[bin] = b->category ? in_set(b->set, (uint32_t)bin) : bin <= b->bin;
    left[missing] = b->missing_left;
}

double tarn_tree_value(const tarn_tree *t, const tarn_bins *bins, const uint8_t *row)
{
    const tarn_tree_bud *n = t->node;

    while (n->feature >= 0) {
        uint8_t bin = row[n->feature];
        bool left;
        if (bin == bins->feature[n->feature].bins) left = n->missing_left;
        else left = n->category ? in_set(t->sets + n->set, bin) : bin <= n->bin;
        n = t->node + (left ? n->left : n->right);
    }
    return n->value;
}
