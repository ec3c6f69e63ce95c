/* SPDX-License-Identifier: Apache-2.0 */
/* graph_test.c - building: what is refused, what features are called, prefix runs, equal bytes for equal graphs. */
#include "model/graph.h"

#include "model/model_sample.h"
#include "support/tarn_test.h"

static void equal_graphs_are_equal_bytes(void **state)
{
    tarn_model *a = NULL, *b = NULL;
    size_t a_len, b_len;

    (void)state;
    must(sample_model(&a, err));
    must(sample_model(&b, err));
    const void *a_bytes = tarn_model_bytes(a, &a_len), *b_bytes = tarn_model_bytes(b, &b_len);
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a_bytes, b_bytes, a_len);
    tarn_model_free(a);
    tarn_model_free(b);
}

static void a_finished_graph_stays_usable(void **state)
{
    static const char *const classes[] = {"no", "yes"};
    tarn_graph *g = NULL;
    tarn_model *a = NULL, *b = NULL;

    (void)state;
    must(tarn_graph_new(&g, err));
    must(sample_inputs(g, err));
    must_fail_with(TARN_INVALID, "no output", tarn_graph_finish(g, &a, err));
    must(tarn_graph_output(g, TARN_REGRESSION, "x", (const uint32_t[]){2}, 1, NULL, 0, NAN, err));
    must(tarn_graph_finish(g, &a, err));
    must(sample_prepare(g, err));
    must(tarn_graph_output(g, TARN_BINARY, "y", (const uint32_t[]){10}, 1, classes, 2, 0.5, err));
    must(tarn_graph_finish(g, &b, err));
    assert_int_equal(tarn_model_nodes(a), 0);
    assert_int_equal(tarn_model_nodes(b), 4);
    assert_null(tarn_model_importance(b));
    double in[] = {1, 0, 77, 0}, scratch[20], out;
    tarn_model_row(a, in, scratch, &out);
    assert_true(out == 77);
    tarn_model_row(b, in, scratch, &out);
    assert_true(out == 1);
    tarn_model_free(a);
    tarn_model_free(b);
    tarn_graph_free(g);
}

/* Linear nodes of 2, 5000 and 3 outputs, whose payloads the graph is given or copies. */
static void linear_nodes(bool given, tarn_graph **g)
{
    static const uint32_t regs[] = {0, 1}, outputs[] = {2, 5000, 3};

    must(tarn_graph_new(g, err));
    must(sample_inputs(*g, err));
    for (int k = 0; k < 3; k++) {
        size_t n = 3 * (size_t)outputs[k];
        double *data = NULL;
        must(tarn_alloc(&data, n, sizeof *data, err));
        for (size_t i = 0; i < n; i++) data[i] = (double)i / 7 + k;
        if (given) must(tarn_graph_node_take(*g, "linear", regs, 2, outputs[k], &data, 8 * n, NULL, err));
        else must(tarn_graph_node(*g, "linear", regs, 2, outputs[k], NULL, data, 8 * n, NULL, err));
        assert_true((data == NULL) == given);
        tarn_free(data);
    }
    uint32_t last = tarn_graph_registers(*g) - 1;
    must(tarn_graph_output(*g, TARN_REGRESSION, "y", &last, 1, NULL, 0, NAN, err));
}

static void the_largest_payload_given_becomes_the_model(void **state)
{
    tarn_model *m[2] = {0}, *again = NULL;
    size_t len[2];
    const void *bytes[2];

    (void)state;
    for (int given = 0; given < 2; given++) {
        tarn_graph *g = NULL;
        linear_nodes(given, &g);
        must(tarn_graph_finish(g, &m[given], err));
        bytes[given] = tarn_model_bytes(m[given], &len[given]);
        if (given) must_fail_with(TARN_INVALID, "given its payloads", tarn_graph_finish(g, &again, err));
        tarn_graph_free(g);
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(bytes[0], bytes[1], len[0]);
    tarn_model_free(m[0]);
    tarn_model_free(m[1]);
}

static void features_are_named_after_what_they_come_from(void **state)
{
    static const tarn_feature given[] = {{.name = "weekday of departure", .kind = TARN_NUMBER, .input = 3}};
    static const uint32_t part = TARN_PART_WEEKDAY;
    tarn_graph *g = NULL;
    uint32_t reg = 0;

    (void)state;
    must(tarn_graph_new(&g, err));
    must(sample_inputs(g, err));
    must(sample_prepare(g, err));
    must(tarn_graph_node(g, "dateparts", (const uint32_t[]){3}, 1, 1, given, &part, sizeof part, &reg, err));
    assert_int_equal(reg, 14);
    assert_string_equal(tarn_graph_feature(g, 14)->name, "weekday of departure");
    assert_string_equal(tarn_graph_feature(g, 1)->name, "carrier");
    assert_int_equal(tarn_graph_feature(g, 1)->levels, 3);
    assert_string_equal(tarn_graph_feature(g, 5)->name, "dateparts.1");
    assert_int_equal(tarn_graph_feature(g, 5)->input, 3);
    assert_string_equal(tarn_graph_feature(g, 7)->name, "distance");
    assert_string_equal(tarn_graph_feature(g, 9)->name, "distance");
    assert_int_equal(tarn_graph_feature(g, 9)->input, 2);
    assert_int_equal(tarn_graph_feature(g, 13)->input, 1);
    assert_null(tarn_graph_feature(g, 15));
    assert_int_equal(tarn_graph_inputs(g), 4);
    assert_int_equal(tarn_graph_registers(g), 15);
    tarn_graph_free(g);
}

static void a_prefix_runs_as_the_finished_model_does(void **state)
{
    enum { ROWS = 777, INPUTS = 4 };
    static double data[INPUTS][ROWS], out[3][ROWS];
    const double *columns[INPUTS] = {data[0], data[1], data[2], data[3]};
    const uint32_t want[] = {9, 2, 11};
    tarn_graph *g = NULL;
    tarn_model *m = NULL;
    double *scratch = NULL, *regs = NULL, y;

    (void)state;
    must(tarn_graph_new(&g, err));
    must(sample_inputs(g, err));
    must(sample_prepare(g, err));
    for (int j = 0; j < INPUTS; j++)
        for (int i = 0; i < ROWS; i++) data[j][i] = j == 3 ? i * 1e9 : i % 11 == 3 ? NAN : i % (5 + j) - 1;
    must(tarn_alloc(&scratch, tarn_graph_scratch(g), sizeof *scratch, err));
    tarn_graph_run(g, ROWS, columns, want, 3, scratch, out[0]);
    for (int k = 0; k < 3; k++) {
        must(tarn_graph_output(g, TARN_REGRESSION, "y", &want[k], 1, NULL, 0, 0, err));
        must(tarn_graph_finish(g, &m, err));
        must(tarn_alloc(&regs, tarn_model_scratch(m), sizeof *regs, err));
        for (int i = 0; i < ROWS; i++) {
            double in[] = {data[0][i], data[1][i], data[2][i], data[3][i]};
            tarn_model_row(m, in, regs, &y);
            assert_memory_equal(&y, &out[k][i], sizeof y);
        }
        tarn_free(regs);
        tarn_model_free(m);
    }
    tarn_free(scratch);
    tarn_graph_free(g);
}

static tarn_code add_category(tarn_graph *g, const char *name, const char *const *levels, int32_t n, tarn_err *err)
{
    return tarn_graph_input(g, name, TARN_CATEGORY, false, 0, 0, levels, NULL, n, NULL, err);
}

static void inputs_that_would_not_load_are_refused(void **state)
{
    static const char *const unsorted[] = {"b", "a"}, *const twice[] = {"a", "a"}, *const broken[] = {"a", "\xc3("};
    static const char *const fine[] = {"", "a", "ab", "b", "\xc3\xa9"}, *const nul[] = {"a\0b", "a\0c"};
    static const int32_t lens[] = {3, 3};
    tarn_graph *g = NULL;
    char longest[200];
    uint32_t reg = 99;

    (void)state;
    must(tarn_graph_new(&g, err));
    must(add_category(g, "c", fine, 5, err));
    must(tarn_graph_input(g, "n", TARN_CATEGORY, false, 0, 0, nul, lens, 2, &reg, err));
    assert_int_equal(reg, 1);
    must_fail_with(TARN_INVALID, "input 'x': level 1: it does not come after", add_category(g, "x", unsorted, 2, err));
    must_fail_with(TARN_INVALID, "level 1: it does not come after", add_category(g, "x", twice, 2, err));
    must_fail_with(TARN_INVALID, "level 1: it is not UTF-8", add_category(g, "x", broken, 2, err));
    must_fail_with(TARN_INVALID, "needs a name", add_category(g, "", fine, 2, err));
    must_fail_with(TARN_INVALID, "this name already", add_category(g, "c", fine, 2, err));
    must_fail_with(TARN_INVALID, "not UTF-8", add_category(g, "\xff", fine, 2, err));
    must_fail_with(TARN_INVALID, "not a category",
                   tarn_graph_input(g, "x", TARN_NUMBER, false, 0, 0, fine, NULL, 2, NULL, err));
    must_fail_with(TARN_INVALID, "kind 9",
                   tarn_graph_input(g, "x", (tarn_kind)9, false, 0, 0, NULL, NULL, 0, NULL, err));
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    must_fail_with(TARN_LIMIT, "at most 159", add_category(g, longest, fine, 2, err));
    assert_int_equal(tarn_graph_registers(g), 2);
    must(tarn_graph_node(g, "impute", (const uint32_t[]){1}, 1, 1, NULL, (const double[]){0}, 8, NULL, err));
    must_fail_with(TARN_INVALID, "before the first node", add_category(g, "y", fine, 2, err));
    tarn_graph_free(g);
}

static tarn_code add_impute(tarn_graph *g, uint32_t reg, uint32_t n_out, double fill, tarn_err *err)
{
    return tarn_graph_node(g, "impute", &reg, 1, n_out, NULL, &fill, sizeof fill, NULL, err);
}

static void nodes_and_outputs_that_would_not_load_are_refused(void **state)
{
    static const char *const two[] = {"a", "b"}, *const same[] = {"a", "a"};
    static const tarn_feature stray[] = {{.name = "f", .input = 4}};
    const uint32_t far = 5, near = 4;
    const double fill = 0;
    tarn_graph *g = NULL;

    (void)state;
    must(tarn_graph_new(&g, err));
    must(sample_inputs(g, err));
    must(add_impute(g, 0, 1, 0, err));
    must_fail_with(TARN_NOT_FOUND, "'imputee'", tarn_graph_node(g, "imputee", NULL, 0, 1, NULL, NULL, 0, NULL, err));
    must_fail_with(TARN_INVALID, "node 1 (impute): reads register 5 of 5", add_impute(g, 5, 1, 0, err));
    must_fail_with(TARN_INVALID, "as many", add_impute(g, 0, 2, 0, err));
    must_fail_with(TARN_INVALID, "fill[0] is not a finite", add_impute(g, 0, 1, NAN, err));
    must_fail_with(TARN_INVALID, "put out", add_impute(g, 0, 0, 0, err));
    must_fail_with(TARN_LIMIT, "limit", add_impute(g, 0, 1 << 20, 0, err));
    must_fail_with(TARN_INVALID, "feature 0",
                   tarn_graph_node(g, "impute", &near, 1, 1, stray, &fill, sizeof fill, NULL, err));
    assert_int_equal(tarn_graph_registers(g), 5);
    must_fail_with(TARN_INVALID, "output 0 is register 5",
                   tarn_graph_output(g, TARN_REGRESSION, "t", &far, 1, NULL, 0, 0, err));
    must_fail_with(TARN_INVALID, "do not make", tarn_graph_output(g, TARN_REGRESSION, "t", &near, 1, two, 2, 0, err));
    must_fail_with(TARN_INVALID, "do not make", tarn_graph_output(g, TARN_MULTICLASS, "t", &near, 1, two, 2, 0, err));
    must_fail_with(TARN_INVALID, "both 'a'", tarn_graph_output(g, TARN_BINARY, "t", &near, 1, same, 2, 0.5, err));
    must_fail_with(TARN_INVALID, "threshold", tarn_graph_output(g, TARN_BINARY, "t", &near, 1, two, 2, NAN, err));
    must_fail_with(TARN_INVALID, "target needs a name",
                   tarn_graph_output(g, TARN_BINARY, "", &near, 1, two, 2, 0.5, err));
    must_fail_with(TARN_INVALID, "'month'", tarn_graph_importance(g, (const double[]){-1, 0, 0, 0}, err));
    must_fail_with(TARN_INVALID, "finite sum", tarn_graph_importance(g, (const double[]){1e308, 1e308, 0, 0}, err));
    must(tarn_graph_importance(g, (const double[]){0, 0, 0, 0}, err));
    tarn_graph_free(g);
}

TARN_TESTS(TARN_TEST(equal_graphs_are_equal_bytes), TARN_TEST(a_finished_graph_stays_usable),
           TARN_TEST(the_largest_payload_given_becomes_the_model),
           TARN_TEST(features_are_named_after_what_they_come_from), TARN_TEST(a_prefix_runs_as_the_finished_model_does),
           TARN_TEST(inputs_that_would_not_load_are_refused),
           TARN_TEST(nodes_and_outputs_that_would_not_load_are_refused))
