/* SPDX-License-Identifier: Apache-2.0 */
/* approximate_knn_test.c - beside exact neighbours: how many are found, and that it is said truly. */
#include "base/random.h"
#include "support/tarn_test.h"

#include "train/algos/approximate_knn_parts.h"
#include "train/train.h"

#include <math.h>
#include <stdlib.h>

extern const tarn_algo tarn_algo_approximate_knn, tarn_algo_knn;

enum { ROWS = 4000, ASKED = 300, D = 10 };

typedef struct sample {
    int64_t rows;
    double values[D][ROWS], asked[D][ASKED], y[ROWS];
    char said[256]; /* the node's line */
} sample;

typedef enum shape { EVEN, CLOUDS, SAME, FAR, CONSTANT } shape;

static double draw(uint64_t i, uint32_t j) { return tarn_random_unit(5, TARN_STREAM_TEST, i, j); }

/* EVEN: in a cube. CLOUDS: 40 narrow ones. SAME: 9 of 10 rows at one of two places. FAR: close together, far from 0,
 * and no floats. CONSTANT: all columns but two. */
static double value(shape s, uint64_t i, uint32_t j, bool asked)
{
    if (s == CLOUDS) return 10 * draw(100000 + i % 40, j) + 0.05 * draw(i, j);
    if (s == SAME && !asked && i % 10 > 0) return i % 2 ? 0.25 : 0.75;
    if (s == FAR) return 1e6 + 1e-3 * draw(i, j);
    if (s == CONSTANT && j > 1) return 7;
    return draw(i, j);
}

/* The label is the row's number, so that with k = 1 predictions say which row was found. */
static sample *sample_make(shape form, int64_t rows)
{
    sample *s = NULL;

    must(tarn_alloc(&s, 1, sizeof *s, err));
    s->rows = rows;
    for (uint32_t j = 0; j < D; j++) {
        for (uint64_t i = 0; i < (uint64_t)rows; i++) s->values[j][i] = value(form, i, j, false);
        for (uint64_t i = 0; i < ASKED; i++) s->asked[j][i] = value(form, 50000 + i, j, true);
    }
    for (int64_t i = 0; i < rows; i++) s->y[i] = (double)i;
    return s;
}

/* Predictions of the rows asked about. settings: "name value ..." */
static void predict(const tarn_algo *algo, sample *s, const char *settings, double out[ASKED])
{
    tarn_feature features[D];
    tarn_dense dense;
    tarn_matrix matrix;
    tarn_fitted fitted = {0};
    tarn_model *model = NULL;
    uint32_t regs[D];
    tarn_fit job = {.x = &matrix, .seed = 3, .regs = regs};
    const double *columns[D], *asked[D];
    char text[128], *rest = NULL;
    void *params = NULL;

    must(tarn_graph_new(&job.graph, err));
    for (int j = 0; j < D; j++) {
        (void)snprintf(text, sizeof text, "x%d", j);
        must(tarn_graph_input(job.graph, text, TARN_NUMBER, true, NAN, NAN, NULL, NULL, 0, &regs[j], err));
        features[j] = *tarn_graph_feature(job.graph, regs[j]);
        columns[j] = s->values[j];
        asked[j] = s->asked[j];
    }
    must(tarn_alloc(&params, 1, algo->params_size, err));
    tarn_params_default(algo->params, params);
    if (algo == &tarn_algo_approximate_knn) must(tarn_param_set(algo->params, params, "ef_construction", "80", err));
    (void)snprintf(text, sizeof text, "%s", settings);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        must(tarn_param_set(algo->params, params, word, strtok_r(NULL, " ", &rest), err));
    tarn_matrix_dense(&matrix, &dense, NULL, s->rows, D, columns, features);
    matrix.y = s->y;
    must(tarn_train(algo, params, &job, &fitted, err));
    must(tarn_graph_output(job.graph, TARN_REGRESSION, "y", &fitted.out, 1, NULL, 0, 0, err));
    must(tarn_graph_finish(job.graph, &model, err));
    must(tarn_model_run(model, NULL, ASKED, asked, out, err));
    (void)tarn_model_node_text(model, tarn_model_nodes(model) - 1, s->said, sizeof s->said);
    tarn_free(params);
    tarn_model_free(model);
    tarn_graph_free(job.graph);
}

/* The share of rows asked about that get the same prediction, of the nearest row, as from exact neighbours. */
static double agreement(sample *s, const char *settings, const char *metric)
{
    double exact[ASKED], ours[ASKED];
    char all[128];
    int same = 0;

    (void)snprintf(all, sizeof all, "k 1 metric %s", metric);
    predict(&tarn_algo_knn, s, all, exact);
    (void)snprintf(all, sizeof all, "k 1 metric %s %s", metric, settings);
    predict(&tarn_algo_approximate_knn, s, all, ours);
    for (int i = 0; i < ASKED; i++) same += exact[i] == ours[i];
    return (double)same / ASKED;
}

static const char *const metrics[] = {"euclidean", "manhattan", "chebyshev", "cosine"};

static void the_nearest_row_is_found_by_every_metric(void **state)
{
    (void)state;
    for (int m = 0; m < 4; m++) {
        sample *s = sample_make(EVEN, ROWS);
        double share = agreement(s, "ef 100", metrics[m]);
        if (!(share >= 0.97)) fail_msg("%s: %g agree", metrics[m], share);
        tarn_free(s);
    }
}

/* Rows in clouds, mostly the same, close together far from zero, in a plane: which are hard for graphs or for sketches.
 */
static void nor_do_shapes_of_data_hide_rows(void **state)
{
    (void)state;
    for (int form = CLOUDS; form <= CONSTANT; form++) {
        sample *s = sample_make((shape)form, ROWS);
        double share = agreement(s, "ef 50", "euclidean");
        if (!(share >= 0.98)) fail_msg("shape %d: %g agree", form, share);
        tarn_free(s);
    }
}

static void a_search_as_wide_as_the_graph_is_exact(void **state)
{
    double exact[ASKED], ours[ASKED];
    (void)state;

    for (int form = EVEN; form <= CONSTANT; form++)
        for (int m = 0; m < 4; m++) {
            char plain[64], scan[80], wide[80]; /* a tree adds differences up in another order */
            sample *s = sample_make((shape)form, 700);
            (void)snprintf(plain, sizeof plain, "k 7 weights distance metric %s", metrics[m]);
            (void)snprintf(scan, sizeof scan, "%s method scan", plain);
            (void)snprintf(wide, sizeof wide, "%s ef 700", plain);
            predict(&tarn_algo_knn, s, scan, exact);
            predict(&tarn_algo_approximate_knn, s, wide, ours);
            assert_memory_equal(exact, ours, sizeof exact);
            assert_non_null(strstr(s->said, "recall 1.0000"));
            tarn_free(s);
        }
}

/* Also with so few rows that there is hardly a graph. */
static void few_rows_are_found_exactly(void **state)
{
    double exact[ASKED], ours[ASKED];
    (void)state;

    for (int64_t rows = 1; rows < 40; rows++) {
        sample *s = sample_make(rows % 2 ? SAME : EVEN, rows);
        predict(&tarn_algo_knn, s, "k 9", exact);
        predict(&tarn_algo_approximate_knn, s, "k 9 ef 40", ours);
        assert_memory_equal(exact, ours, sizeof exact);
        predict(&tarn_algo_approximate_knn, s, "k 9 ef 1", ours);
        for (int i = 0; i < ASKED; i++) assert_true(ours[i] >= 0 && ours[i] < (double)rows);
        tarn_free(s);
    }
}

static double stated(const sample *s)
{
    const char *at = strstr(s->said, "recall ");

    assert_non_null(at);
    return strtod(at + 7, NULL);
}

static size_t width(const sample *s)
{
    const char *at = strstr(s->said, "searched ");

    assert_non_null(at);
    return strtoul(at + 9, NULL, 10);
}

static void recall_is_stated_truly_and_reached(void **state)
{
    double out[ASKED];
    size_t before = 0;
    (void)state;

    sample *s = sample_make(EVEN, ROWS);
    predict(&tarn_algo_approximate_knn, s, "k 10 ef 10 m 4", out);
    assert_int_equal(width(s), 10);
    assert_true(stated(s) > 0.3 && stated(s) < 0.9);
    double share = agreement(s, "ef 5 m 4", "euclidean");
    assert_true(fabs(share - stated(s)) < 0.08);
    for (int want = 80; want <= 100; want += 5) {
        char settings[64];
        (void)snprintf(settings, sizeof settings, "k 10 ef 1 m 4 recall %g", want / 100.0);
        predict(&tarn_algo_approximate_knn, s, settings, out);
        assert_true(stated(s) >= want / 100.0);
        assert_true(width(s) > before);
        before = width(s);
    }
    predict(&tarn_algo_approximate_knn, s, "k 10 ef 300 m 4 recall 0.5", out);
    assert_int_equal(width(s), 300); /* never narrower than asked for */
    tarn_free(s);
}

/* Bytes cannot tell rows apart that are close together beside a far one: floats are taken then. */
static void sketches_are_as_fine_as_they_must_be(void **state)
{
    (void)state;
    sample *s = sample_make(EVEN, ROWS);
    for (int j = 0; j < D; j++) s->values[j][0] = 1e5;
    assert_true(agreement(s, "ef 50", "euclidean") >= 0.97);
    tarn_free(s);
}

static void rows_that_are_the_same_share_a_node(void **state)
{
    float rows[][2] = {{1, 2}, {3, 4}, {1, 2}, {0, 0}, {3, 4}, {1, 2}};
    const tarn_near near = {.rows = 6, .d = 2, .narrow = rows[0]};
    knn_nodes nodes;
    bool seen[6] = {false};
    (void)state;

    must(knn_nodes_make(&near, 4, &nodes, err));
    assert_int_equal(nodes.n, 3);
    assert_int_equal(nodes.first[3], 6);
    for (uint32_t n = 0; n < 3; n++)
        for (uint32_t i = nodes.first[n]; i < nodes.first[n + 1]; i++) {
            uint32_t row = nodes.member[i];
            assert_false(seen[row]);
            seen[row] = true;
            assert_int_equal(nodes.node[row], n);
            assert_memory_equal(rows[row], rows[nodes.member[nodes.first[n]]], sizeof rows[row]);
            assert_true(i == nodes.first[n] || row > nodes.member[i - 1]);
        }
    knn_nodes_clear(&nodes);
}

TARN_TESTS(TARN_TEST(the_nearest_row_is_found_by_every_metric), TARN_TEST(nor_do_shapes_of_data_hide_rows),
           TARN_TEST(a_search_as_wide_as_the_graph_is_exact), TARN_TEST(few_rows_are_found_exactly),
           TARN_TEST(recall_is_stated_truly_and_reached), TARN_TEST(sketches_are_as_fine_as_they_must_be),
           TARN_TEST(rows_that_are_the_same_share_a_node))
