/* SPDX-License-Identifier: Apache-2.0 */
/* model_sample.h - models for tests and the fuzz target: random trees, and one small model with every kind of node. */
#ifndef TARN_MODEL_SAMPLE_H
#define TARN_MODEL_SAMPLE_H

#include "base/mem.h"
#include "base/random.h"
#include "model/graph.h"
#include "model/payload.h"
#include "model/tokens.h"

#include <math.h>
#include <string.h>

/* What random trees look like. Features below `categories` are categories with `levels` levels. */
typedef struct sample_shape {
    uint64_t seed;
    uint32_t trees, leaves, features, outputs, categories, levels;
} sample_shape;

typedef struct sample_trees {
    tarn_trees_data *head;
    double *base;
    uint32_t *root, *output;
    tarn_tree_node *node;
    uint64_t *bits;
    void *data;
    size_t len;
} sample_trees;

static inline uint64_t sample_below(const sample_shape *s, uint64_t n, uint64_t item, uint32_t what)
{
    return tarn_random_below(n, s->seed, TARN_STREAM_TEST, item, what);
}

/* Write a random subtree of `leaves` leaves in preorder from node i on; returns the node behind it. */
static inline uint32_t sample_subtree(const sample_shape *s, sample_trees *t, uint32_t i, uint32_t leaves)
{
    tarn_tree_node *node = &t->node[i];

    if (leaves == 1) {
        *node = (tarn_tree_node){.value = (double)sample_below(s, 2001, i, 0) / 1000 - 1, .flags = TARN_TREE_LEAF};
        return i + 1;
    }
    uint32_t feature = (uint32_t)sample_below(s, s->features, i, 1), words = (s->levels + 63) / 64;
    node->flags = feature | (sample_below(s, 2, i, 2) ? TARN_TREE_MISSING_LEFT : 0);
    if (feature < s->categories) {
        uint64_t value = (uint64_t)t->head->words << 32 | (1 + sample_below(s, s->levels, i, 3));
        node->flags |= TARN_TREE_CATEGORY;
        memcpy(&node->value, &value, sizeof value);
        for (uint32_t w = 0; w < words; w++)
            t->bits[t->head->words++] = tarn_random_u64(s->seed, TARN_STREAM_TEST, i, 4 + w);
    } else {
        node->value = (double)sample_below(s, 33, i, 3) / 8 - 2;
        if (sample_below(s, 40, i, 9999) == 0) node->value = INFINITY; /* splits missing from the rest */
    }
    /* near balance, as grown trees are, but not quite */
    uint32_t left = leaves == 2 ? 1 : 1 + leaves / 4 + (uint32_t)sample_below(s, leaves - 1 - leaves / 4, i, 10000) / 2;
    uint32_t right = sample_subtree(s, t, i + 1, left);
    node->right = right;
    return sample_subtree(s, t, right, leaves - left);
}

/* t->data is tarn_free'd by the caller. */
static inline tarn_code sample_trees_make(const sample_shape *s, sample_trees *t, tarn_err *err)
{
    uint32_t nodes = s->trees * (2 * s->leaves - 1);
    size_t words = (size_t)s->trees * (s->leaves - 1) * ((s->levels + 63) / 64);
    size_t len = sizeof *t->head + s->outputs * sizeof(double) + s->trees * 8 + nodes * sizeof *t->node + words * 8;
    char *data = NULL;
    tarn_code rc = tarn_alloc(&data, len, 1, err);

    *t = (sample_trees){.data = data};
    if (rc != TARN_OK) return rc;
    void *at[] = {data, data + sizeof *t->head, NULL, NULL, NULL, NULL};
    at[2] = (char *)at[1] + s->outputs * sizeof(double);
    at[3] = (char *)at[2] + s->trees * sizeof(uint32_t);
    at[4] = (char *)at[3] + s->trees * sizeof(uint32_t);
    at[5] = (char *)at[4] + nodes * sizeof *t->node;
    t->head = at[0], t->base = at[1], t->root = at[2], t->output = at[3], t->node = at[4], t->bits = at[5];
    *t->head = (tarn_trees_data){.trees = s->trees, .nodes = nodes, .outputs = s->outputs, .factor = 0.125};
    for (uint32_t k = 0; k < s->outputs; k++) t->base[k] = 0.25 * k - 0.5;
    uint32_t i = 0;
    for (uint32_t k = 0; k < s->trees; k++) {
        t->root[k] = i;
        t->output[k] = k % s->outputs;
        i = sample_subtree(s, t, i, s->leaves);
    }
    t->len = len - (words - t->head->words) * 8;
    return TARN_OK;
}

/* A value for feature j of row i: on and between thresholds, missing, infinite, and codes that no level has. */
static inline double sample_value(const sample_shape *s, uint32_t j, uint64_t i)
{
    static const double odd[] = {NAN, NAN, -1, 0.5, 1e300, -1e300, INFINITY, -INFINITY, -0.0, 4294967296.0};
    uint64_t which = tarn_random_below(16 * sizeof odd / sizeof *odd, s->seed + 1, TARN_STREAM_TEST, i, j);

    if (which < sizeof odd / sizeof *odd) return odd[which];
    if (j < s->categories) return (double)tarn_random_below(s->levels + 2, s->seed + 2, TARN_STREAM_TEST, i, j);
    return (double)tarn_random_below(129, s->seed + 2, TARN_STREAM_TEST, i, j) / 32 - 2;
}

/* A payload of node 'bag': a vocabulary of three words and a pair, for up to two outputs. */
typedef struct sample_bag {
    tarn_bag_data head;
    uint32_t at[5], slot[8];
    char words[28];
    double idf[4], weight[8];
} sample_bag;
_Static_assert(sizeof(sample_bag) == 216, "the sample has no gaps");

static inline void sample_bag_make(sample_bag *bag, uint32_t outputs)
{
    *bag = (sample_bag){
        .head = {.flags = TARN_BAG_LOWER | TARN_BAG_IDF | TARN_BAG_SUBLINEAR,
                 .norm = TARN_NORM_L2,
                 .least = 1,
                 .most = 2,
                 .cols = 4,
                 .slots = 8,
                 .text = 27,
                 .outputs = outputs},
        .at = {0, 4, 14, 19, 27},
        .words = "freefree moneymoneytomorrow",
        .idf = {1, 2.5, 1.5, 1.25},
        .weight = {1, -1, 0.5, 2, 0.25, 0, -3, 1.5},
    };
    tarn_bag_index(bag->head.cols, bag->at, bag->words, bag->head.slots, bag->slot);
}

static inline tarn_code sample_inputs(tarn_graph *g, tarn_err *err)
{
    static const char *const carriers[] = {"AA", "AS", "UA"};
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_graph_input(g, "month", TARN_NUMBER, false, 1, 12, NULL, NULL, 0, NULL, err));
    TARN_TRY(tarn_graph_input(g, "carrier", TARN_CATEGORY, true, 0, 0, carriers, NULL, 3, NULL, err));
    TARN_TRY(tarn_graph_input(g, "distance", TARN_NUMBER, true, 95, 4243, NULL, NULL, 0, NULL, err));
    TARN_TRY(tarn_graph_input(g, "departs", TARN_MOMENT, false, NAN, NAN, NULL, NULL, 0, NULL, err));
done:
    return rc;
}

/* Preparation: registers 4,5 weekday and hour; 6,7 month and distance imputed; 8,9 scaled; 10..13 one-hot. */
static inline tarn_code sample_prepare(tarn_graph *g, tarn_err *err)
{
    static const uint32_t parts[] = {TARN_PART_WEEKDAY, TARN_PART_HOUR};
    static const double fill[] = {6.5, 800}, scale[] = {6.5, 800, 0.25, 0.001};
    static const tarn_onehot_data onehot = {.levels = 3, .missing_column = 1};
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_graph_node(g, "dateparts", (const uint32_t[]){3}, 1, 2, NULL, parts, sizeof parts, NULL, err));
    TARN_TRY(tarn_graph_node(g, "impute", (const uint32_t[]){0, 2}, 2, 2, NULL, fill, sizeof fill, NULL, err));
    TARN_TRY(tarn_graph_node(g, "scale", (const uint32_t[]){6, 7}, 2, 2, NULL, scale, sizeof scale, NULL, err));
    TARN_TRY(tarn_graph_node(g, "onehot", (const uint32_t[]){1}, 1, 4, NULL, &onehot, sizeof onehot, NULL, err));
done:
    return rc;
}

/* Trees on the prepared columns (14), a linear sum on top of them (15), and a probability (16). */
static inline tarn_code sample_learn(tarn_graph *g, tarn_err *err)
{
    static const uint32_t reads[] = {1, 4, 5, 8, 9}, sums[] = {14, 8, 9, 10, 11, 12, 13};
    static const double weights[] = {0.125, 1, 0.5, -0.25, 0.75, -0.5, 0.0625, 0.3};
    static const tarn_link_data link = {.link = TARN_LINK_SIGMOID};
    sample_shape shape = {
        .seed = 7, .trees = 3, .leaves = 4, .features = 5, .outputs = 1, .categories = 1, .levels = 3};
    sample_trees t = {0};
    tarn_code rc = TARN_OK;

    TARN_TRY(sample_trees_make(&shape, &t, err));
    TARN_TRY(tarn_graph_node(g, "trees", reads, 5, 1, NULL, t.data, t.len, NULL, err));
    TARN_TRY(tarn_graph_node(g, "linear", sums, 7, 1, NULL, weights, sizeof weights, NULL, err));
    TARN_TRY(tarn_graph_node(g, "link", (const uint32_t[]){15}, 1, 1, NULL, &link, sizeof link, NULL, err));
done:
    tarn_free(t.data);
    return rc;
}

/* A small model with every kind of node. */
static inline tarn_code sample_model(tarn_model **out, tarn_err *err)
{
    static const char *const classes[] = {"on time", "late"};
    static const double importance[] = {1, 2, 4, 1};
    tarn_code rc = TARN_OK;
    tarn_graph *g = NULL;

    *out = NULL;
    TARN_TRY(tarn_graph_new(&g, err));
    TARN_TRY(sample_inputs(g, err));
    TARN_TRY(sample_prepare(g, err));
    TARN_TRY(sample_learn(g, err));
    TARN_TRY(tarn_graph_output(g, TARN_BINARY, "late", (const uint32_t[]){16}, 1, classes, 2, 0.375, err));
    TARN_TRY(tarn_graph_importance(g, importance, err));
    TARN_TRY(tarn_graph_finish(g, out, err));
done:
    tarn_graph_free(g);
    return rc;
}

/* A small model that reads a text (input 0) and a number: what the note says, on top of a weighted sum. */
static inline tarn_code sample_text_model(tarn_model **out, tarn_err *err)
{
    static const char *const classes[] = {"ham", "spam"};
    static const double sums[] = {-1, 0.5};
    static const tarn_link_data link = {.link = TARN_LINK_SIGMOID};
    tarn_code rc = TARN_OK;
    tarn_graph *g = NULL;
    sample_bag bag;

    *out = NULL;
    sample_bag_make(&bag, 1);
    TARN_TRY(tarn_graph_new(&g, err));
    TARN_TRY(tarn_graph_input(g, "note", TARN_STRING, false, NAN, NAN, NULL, NULL, 0, NULL, err));
    TARN_TRY(tarn_graph_input(g, "links", TARN_NUMBER, true, 0, 9, NULL, NULL, 0, NULL, err));
    TARN_TRY(tarn_graph_node(g, "linear", (const uint32_t[]){1}, 1, 1, NULL, sums, sizeof sums, NULL, err));
    TARN_TRY(tarn_graph_node(g, "bag", (const uint32_t[]){0, 2}, 2, 1, NULL, &bag, offsetof(sample_bag, weight[4]),
                             NULL, err));
    TARN_TRY(tarn_graph_node(g, "link", (const uint32_t[]){3}, 1, 1, NULL, &link, sizeof link, NULL, err));
    TARN_TRY(tarn_graph_output(g, TARN_BINARY, "spam", (const uint32_t[]){4}, 1, classes, 2, 0.5, err));
    TARN_TRY(tarn_graph_finish(g, out, err));
done:
    tarn_graph_free(g);
    return rc;
}

#endif
