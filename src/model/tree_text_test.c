/* SPDX-License-Identifier: Apache-2.0 */
/* tree_text_test.c - trees as lines for people. */
#include "base/mem.h"
#include "model/graph.h"
#include "model/payload.h"
#include "support/tarn_test.h"

#include <math.h>

enum { NODES = 8, LINES = 16 };

typedef struct payload {
    tarn_trees_data head;
    double base[1];
    uint32_t root[2], output[2];
    tarn_tree_node node[NODES];
    uint64_t bits[1];
} payload;

static double levels(uint32_t first, uint32_t covered)
{
    uint64_t both = (uint64_t)first << 32 | covered;
    double x;

    memcpy(&x, &both, sizeof x);
    return x;
}

/* Inputs age (a number, imputed first) and colour (three levels); two trees. */
static tarn_model *make_model(uint64_t left_levels)
{
    static const char *const names[] = {"blue", "green", "red"};
    static const double fill[] = {30};
    uint32_t regs[2], first = 0;
    tarn_graph *g = NULL;
    tarn_model *m = NULL;
    payload p = {.head = {.trees = 2, .nodes = NODES, .words = 1, .outputs = 1, .factor = 1},
                 .root = {0, 5},
                 .node = {{30.5, 0, 2},
                          {0.25, TARN_TREE_LEAF, 0},
                          {levels(0, 3), 1 | TARN_TREE_CATEGORY | TARN_TREE_MISSING_LEFT, 4},
                          {0.5, TARN_TREE_LEAF, 0},
                          {0.75, TARN_TREE_LEAF, 0},
                          {-2, 0 | TARN_TREE_MISSING_LEFT, 7},
                          {1, TARN_TREE_LEAF, 0},
                          {2, TARN_TREE_LEAF, 0}},
                 .bits = {left_levels}};

    must(tarn_graph_new(&g, err));
    must(tarn_graph_input(g, "age", TARN_NUMBER, false, NAN, NAN, NULL, NULL, 0, &regs[0], err));
    must(tarn_graph_input(g, "colour", TARN_CATEGORY, false, NAN, NAN, names, NULL, 3, &regs[1], err));
    must(tarn_graph_node(g, "impute", regs, 1, 1, NULL, fill, sizeof fill, &regs[0], err));
    must(tarn_graph_node(g, "trees", regs, 2, 1, NULL, &p, sizeof p, &first, err));
    must(tarn_graph_output(g, TARN_REGRESSION, "y", &first, 1, NULL, 0, 0, err));
    must(tarn_graph_finish(g, &m, err));
    tarn_graph_free(g);
    return m;
}

typedef struct lines {
    char text[LINES][200];
    int n, most;
} lines;

static tarn_code keep_line(void *arg, const char *line, tarn_err *err)
{
    lines *l = arg;

    if (l->n == l->most) return TARN_FAIL(err, TARN_CANCELLED, "enough");
    (void)snprintf(l->text[l->n++], sizeof l->text[0], "%s", line);
    return TARN_OK;
}

static void expect(const tarn_model *m, int64_t tree, int depth, const char *const *want, int n)
{
    lines l = {.most = LINES};

    must(tarn_model_tree_lines(m, tree, depth, keep_line, &l, err));
    assert_int_equal(l.n, n);
    for (int i = 0; i < n; i++) assert_string_equal(l.text[i], want[i]);
}

static void trees_are_told_by_the_names_of_columns(void **state)
{
    (void)state;
    static const char *const whole[] = {"age (after impute) <= 30.5", "  yes: 0.25",
                                        "  no: colour is 'red', or missing", "    yes: 0.5", "    no: 0.75"};
    static const char *const others[] = {"age (after impute) <= 30.5", "  yes: 0.25",
                                         "  no: colour is none of 'green', or missing", "    yes: 0.5", "    no: 0.75"};
    static const char *const shallow[] = {"age (after impute) <= 30.5", "  yes: 0.25", "  no: ... 2 leaves"};
    static const char *const second[] = {"age (after impute) <= -2, or missing", "  yes: 1", "  no: 2"};
    static const char *const root[] = {"... 3 leaves"};
    tarn_model *m = make_model(4), *n = make_model(5);

    assert_int_equal(tarn_model_trees(m), 2);
    expect(m, 0, 8, whole, 5);
    expect(n, 0, 8, others, 5);
    expect(m, 0, 1, shallow, 3);
    expect(m, 1, 8, second, 3);
    expect(m, 0, 0, root, 1);
    tarn_model_free(m);
    tarn_model_free(n);
}

static void what_is_not_there_is_an_error(void **state)
{
    (void)state;
    lines l = {.most = 2};
    tarn_model *m = make_model(1);

    must_fail_with(TARN_NOT_FOUND, "no tree 3", tarn_model_tree_lines(m, 2, 8, keep_line, &l, err));
    must_fail_with(TARN_NOT_FOUND, "has 2", tarn_model_tree_lines(m, -1, 8, keep_line, &l, err));
    must_fail_with(TARN_INVALID, "depth", tarn_model_tree_lines(m, 0, 1000, keep_line, &l, err));
    assert_int_equal(l.n, 0);
    must_fail_with(TARN_CANCELLED, "enough", tarn_model_tree_lines(m, 0, 8, keep_line, &l, err));
    tarn_model_free(m);
}

TARN_TESTS(TARN_TEST(trees_are_told_by_the_names_of_columns), TARN_TEST(what_is_not_there_is_an_error))
