/* SPDX-License-Identifier: Apache-2.0 */
/* trees_test.c - trees against a walk written from payload.h alone, and what check refuses. */
#include "model/model_sample.h"
#include "model/node.h"
#include "support/tarn_test.h"

extern const tarn_node_kind tarn_node_trees;

enum { ROWS = 203, MOST = 600 };

static const sample_shape shapes[] = {
    {.seed = 1, .trees = 1, .leaves = 1, .features = 1, .outputs = 1},
    {.seed = 2, .trees = 1, .leaves = 2, .features = 1, .outputs = 1},
    {.seed = 3, .trees = 37, .leaves = 9, .features = 5, .outputs = 1},
    {.seed = 4, .trees = 20, .leaves = 31, .features = 9, .outputs = 3, .categories = 4, .levels = 130},
    {.seed = 5, .trees = 9, .leaves = 17, .features = 3, .outputs = 2, .categories = 3, .levels = 3},
    {.seed = 7, .trees = 33, .leaves = 20, .features = 512, .outputs = 1, .categories = 200, .levels = 70},
    {.seed = 8, .trees = 7, .leaves = 20, .features = 513, .outputs = 2, .categories = 200, .levels = 70},
    {.seed = 6, .trees = 11, .leaves = 40, .features = 16, .outputs = 4, .categories = 1, .levels = 64},
};

/* As payload.h says it, one node after another. */
static double plain_walk(const sample_trees *t, uint32_t i, const double *x)
{
    const tarn_tree_node *node = &t->node[i];
    if (node->flags & TARN_TREE_LEAF) return node->value;
    double v = x[node->flags & TARN_TREE_FEATURE];
    bool missing_left = (node->flags & TARN_TREE_MISSING_LEFT) != 0, left;

    if (node->flags & TARN_TREE_CATEGORY) {
        uint64_t both;
        memcpy(&both, &node->value, sizeof both);
        uint64_t first = both >> 32, covered = both & 0xffffffff;
        if (isnan(v) || v < 0 || v >= (double)covered) {
            left = missing_left;
        } else {
            uint64_t c = (uint64_t)floor(v);
            left = (t->bits[first + c / 64] >> c % 64 & 1) != 0;
        }
    } else {
        left = isnan(v) ? missing_left : v <= node->value;
    }
    return plain_walk(t, left ? i + 1 : node->right, x);
}

static double plain_sum(const sample_trees *t, uint32_t output, const double *x)
{
    double sum = 0;

    for (uint32_t k = 0; k < t->head->trees; k++)
        if (t->output[k] == output) sum += plain_walk(t, t->root[k], x);
    return t->base[output] + t->head->factor * sum;
}

/* Registers: 0 is not read, features from 1 on in reverse order, outputs behind. */
static tarn_node_view view_of(const sample_shape *s, const sample_trees *t, uint32_t in[MOST])
{
    for (uint32_t j = 0; j < s->features; j++) in[j] = s->features - j;
    return (tarn_node_view){
        .n_in = s->features, .n_out = s->outputs, .in = in, .out = s->features + 1, .data = t->data, .len = t->len};
}

static void compare_rows(const sample_shape *s, const sample_trees *t, const tarn_node_view *v, size_t rows)
{
    double *regs = NULL, x[MOST];
    const size_t stride = ROWS + 5;

    must(tarn_alloc(&regs, stride * (1 + s->features + s->outputs), sizeof *regs, err));
    for (uint32_t j = 0; j < s->features; j++)
        for (size_t i = 0; i < rows; i++) regs[v->in[j] * stride + i] = sample_value(s, j, i);
    tarn_node_trees.run(v, rows, stride, regs);
    for (size_t i = 0; i < rows; i++)
        for (uint32_t k = 0; k < s->outputs; k++) {
            for (uint32_t j = 0; j < s->features; j++) x[j] = sample_value(s, j, i);
            double want = plain_sum(t, k, x), got = regs[(v->out + k) * stride + i];
            if (memcmp(&want, &got, sizeof want) != 0)
                fail_msg("row %zu, output %u: %.17g, wanted %.17g", i, k, got, want);
        }
    for (size_t i = rows; i < stride; i++)
        for (uint32_t k = 0; k < s->outputs; k++) assert_true(regs[(v->out + k) * stride + i] == 0);
    tarn_free(regs);
}

static void any_number_of_rows_sums_as_a_plain_walk_does(void **state)
{
    static const size_t counts[] = {1, 2, 15, 16, 17, 33, 100, ROWS};

    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        sample_trees t;
        uint32_t in[MOST];
        must(sample_trees_make(&shapes[k], &t, err));
        tarn_node_view v = view_of(&shapes[k], &t, in);
        must(tarn_node_trees.check(&v, err));
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) compare_rows(&shapes[k], &t, &v, counts[c]);
        tarn_free(t.data);
    }
}

static void no_trees_give_the_base(void **state)
{
    static const tarn_trees_data head = {.outputs = 2, .factor = 1};
    struct {
        tarn_trees_data head;
        double base[2];
    } data = {head, {0.5, -3}};
    tarn_node_view v = {.n_out = 2, .data = &data, .len = sizeof data};
    double regs[6];

    (void)state;
    must(tarn_node_trees.check(&v, err));
    tarn_node_trees.run(&v, 3, 3, regs);
    for (int i = 0; i < 6; i++) assert_true(regs[i] == data.base[i / 3]);
}

/* One tree of three leaves to be broken in one place. */
typedef struct small {
    tarn_trees_data head;
    double base[1];
    uint32_t root[1], output[1];
    tarn_tree_node node[5];
    uint64_t bits[1];
} small;

static const small whole = {
    .head = {.trees = 1, .nodes = 5, .words = 1, .outputs = 1, .factor = 1},
    .node = {{.value = 1, .flags = 0, .right = 4},
             {.value = 5e-324 /* first word 0, 1 level */, .flags = TARN_TREE_CATEGORY | 1, .right = 3},
             {.value = 1, .flags = TARN_TREE_LEAF},
             {.value = 2, .flags = TARN_TREE_LEAF},
             {.value = 3, .flags = TARN_TREE_LEAF}},
};

static tarn_code check_small(const small *data, size_t len, tarn_err *err)
{
    tarn_node_view v = {.n_in = 2, .n_out = 1, .data = data, .len = len};
    return tarn_node_trees.check(&v, err);
}

#define REFUSES(text, change)                                               \
    do {                                                                    \
        small s = whole;                                                    \
        change;                                                             \
        must_fail_with(TARN_CORRUPT, text, check_small(&s, sizeof s, err)); \
    } while (0)

static void check_refuses_every_broken_place(void **state)
{
    (void)state;
    must(check_small(&whole, sizeof whole, err));
    REFUSES("has 128 bytes", s.head.trees = 2);
    REFUSES("has 128 bytes", s.head.nodes = 4);
    REFUSES("has 128 bytes", s.head.words = 0xffffffff);
    REFUSES("has 128 bytes", s.head.nodes = 0xffffffff);
    REFUSES("outputs", s.head.outputs = 2);
    REFUSES("factor", s.head.factor = INFINITY);
    REFUSES("base", s.base[0] = NAN);
    REFUSES("root[0]", s.root[0] = 5);
    REFUSES("before the first tree", s.root[0] = 4);
    REFUSES("output[0]", s.output[0] = 1);
    REFUSES("unknown flags", s.node[2].flags |= 1u << 24);
    REFUSES("unknown flags", s.node[2].flags |= 1u << 31);
    REFUSES("a leaf and a category", s.node[2].flags |= TARN_TREE_CATEGORY);
    REFUSES("finite value", s.node[2].value = NAN);
    REFUSES("column 2 of 2", s.node[0].flags = 2);
    REFUSES("right child", s.node[0].right = 0);
    REFUSES("right child", s.node[0].right = 1);
    REFUSES("right child", s.node[0].right = 5);
    REFUSES("right child", s.node[0].right = 0xffffffff);
    REFUSES("its tree ends before 4", s.head.nodes = 4; s.head.words = 3; s.node[0].right = 4);
    REFUSES("left subtree ends at 4", s.node[0].right = 3);
    REFUSES("left subtree ends at 3", s.node[1].right = 4; s.node[0].right = 4);
    REFUSES("right child", s.node[4].flags = 0);
    REFUSES("tree 0 ends before", s.node[0].flags = TARN_TREE_LEAF);
    REFUSES("NaN", s.node[0].value = NAN);
    REFUSES("covers no level", s.node[1].value = 0);
    REFUSES("there are 1 words", s.node[1].value = 65 * 5e-324);
    must_fail_with(TARN_CORRUPT, "too short", check_small(&whole, 23, err));
    must_fail_with(TARN_CORRUPT, "has 127 bytes", check_small(&whole, sizeof whole - 1, err));
}

static void the_text_counts_trees_and_leaves(void **state)
{
    sample_trees t;
    uint32_t in[MOST];
    char line[100];

    (void)state;
    must(sample_trees_make(&shapes[3], &t, err));
    tarn_node_view v = view_of(&shapes[3], &t, in);
    tarn_node_trees.text(&v, line, sizeof line);
    assert_string_equal(line, "20 trees, 31 leaves at most, 9 columns");
    tarn_free(t.data);
}

TARN_TESTS(TARN_TEST(any_number_of_rows_sums_as_a_plain_walk_does), TARN_TEST(no_trees_give_the_base),
           TARN_TEST(check_refuses_every_broken_place), TARN_TEST(the_text_counts_trees_and_leaves))
