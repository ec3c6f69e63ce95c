/* SPDX-License-Identifier: Apache-2.0 */
/* bayes_test.c - nodes above, gaussian and levels, and which registers a text may stand in. */
#include "model/model_sample.h"
#include "model/node.h"
#include "support/tarn_test.h"

#include <math.h>

static void run_one(const char *kind, uint32_t n_in, uint32_t n_out, const void *data, size_t len, double *regs)
{
    static const uint32_t in[] = {0, 1, 2, 3};
    const tarn_node_kind *k = tarn_node_find(kind);
    const tarn_node_view v = {.n_in = n_in, .n_out = n_out, .in = in, .out = n_in, .data = data, .len = len};

    must(k->check(&v, err));
    k->run(&v, 1, 1, regs);
}

static void above_is_strictly_above(void **state)
{
    static const double threshold[] = {0, 2, -1};
    double regs[6] = {0, 2.5, NAN};

    (void)state;
    run_one("above", 3, 3, threshold, sizeof threshold, regs);
    assert_true(regs[3] == 0 && regs[4] == 1 && regs[5] == 0);
}

/* One column, two classes: bias -1 and -2, means 0 and 3, variances 1/2 and 2 (half: 1, 0.25), width 0.1 and 0.2. */
static void densities_leave_out_what_is_missing_and_stay_finite(void **state)
{
    static const double data[] = {-1, -2, 0, 3, 1, 0.25, 0.1, 0.2};
    static const struct {
        double x, a, b;
    } rows[] = {{1, -2.1, -3.2}, {NAN, -1, -2}, {INFINITY, -1, -2}, {1e300, -1e280, -1e280}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double regs[3] = {rows[i].x};
        run_one("gaussian", 1, 2, data, sizeof data, regs);
        assert_true(fabs(regs[1] - rows[i].a) <= 1e-12 * fabs(rows[i].a));
        assert_true(fabs(regs[2] - rows[i].b) <= 1e-12 * fabs(rows[i].b));
    }
}

static void levels_are_looked_up_and_others_add_nothing(void **state)
{
    static const struct {
        tarn_levels_data head;
        uint32_t first[4];
        double table[5][2];
    } data = {{2, 2}, {0, 2, 5, 0}, {{1, 2}, {3, 4}, {10, 20}, {30, 40}, {50, 60}}};
    static const struct {
        double first, second, a, b;
    } rows[] = {{0, 0, 11.5, 22.25},
                {1, 2, 53.5, 64.25},
                {NAN, 1, 30.5, 40.25},
                {TARN_UNSEEN, 3, 0.5, 0.25},
                {1.9, 1e300, 3.5, 4.25}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double regs[6] = {0.5, 0.25, rows[i].first, rows[i].second};
        run_one("levels", 4, 2, &data, sizeof data, regs);
        assert_true(regs[4] == rows[i].a && regs[5] == rows[i].b);
    }
}

/* ---- a text is followed: only where it is proved to be one ---- */

static void only_raw_texts_are_read_as_texts(void **state)
{
    static const double weight[] = {0, 1};
    sample_bag bag;
    tarn_graph *g = NULL;

    (void)state;
    sample_bag_make(&bag, 1);
    size_t len = offsetof(sample_bag, weight[4]);
    must(tarn_graph_new(&g, err));
    must(tarn_graph_input(g, "note", TARN_STRING, false, NAN, NAN, NULL, NULL, 0, NULL, err));
    must(tarn_graph_input(g, "links", TARN_NUMBER, true, 0, 9, NULL, NULL, 0, NULL, err));
    must_fail_with(
        TARN_INVALID, "levels for something",
        tarn_graph_input(g, "late", TARN_STRING, false, NAN, NAN, (const char *const[]){"a"}, NULL, 1, NULL, err));
    must_fail_with(TARN_INVALID, "reads register 0, which is a text",
                   tarn_graph_node(g, "linear", (const uint32_t[]){0}, 1, 1, NULL, weight, sizeof weight, NULL, err));
    must_fail_with(TARN_INVALID, "reads register 1, which is no text",
                   tarn_graph_node(g, "bag", (const uint32_t[]){1, 1}, 2, 1, NULL, &bag, len, NULL, err));
    must_fail_with(TARN_INVALID, "reads register 0, which is a text",
                   tarn_graph_node(g, "bag", (const uint32_t[]){0, 0}, 2, 1, NULL, &bag, len, NULL, err));
    tarn_feature lie = {.name = "no text", .kind = TARN_STRING};
    must(tarn_graph_node(g, "linear", (const uint32_t[]){1}, 1, 1, &lie, weight, sizeof weight, NULL, err));
    must_fail_with(TARN_INVALID, "reads register 2, which is no text",
                   tarn_graph_node(g, "bag", (const uint32_t[]){2, 1}, 2, 1, NULL, &bag, len, NULL, err));
    must_fail_with(TARN_INVALID, "output 0 is a text",
                   tarn_graph_output(g, TARN_REGRESSION, "y", (const uint32_t[]){0}, 1, NULL, 0, 0, err));
    tarn_graph_free(g);
}

TARN_TESTS(TARN_TEST(above_is_strictly_above), TARN_TEST(densities_leave_out_what_is_missing_and_stay_finite),
           TARN_TEST(levels_are_looked_up_and_others_add_nothing), TARN_TEST(only_raw_texts_are_read_as_texts))
