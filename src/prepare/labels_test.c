/* SPDX-License-Identifier: Apache-2.0 */
/* labels_test.c - classes found in train rows, and labels of any table read by them. */
#include "prepare/prepare_sample.h"

enum { ROWS = 3000 };

static void check_classes(const tarn_columns *c, const int64_t *rows, int64_t n, const char *target, tarn_task task,
                          const char *positive, const char *first, const char *last)
{
    tarn_prepared *p = NULL;
    tarn_rows *view = NULL;
    tarn_prepare_job job = sample_job(c, rows, n, NULL, 0);

    job.target = target;
    job.task = task;
    job.positive = positive;
    must(tarn_prepare(&job, &p, err));
    int classes = tarn_prepared_classes(p);
    if (task == TARN_REGRESSION) {
        assert_int_equal(classes, 0);
    } else {
        assert_string_equal(tarn_prepared_class_names(p)[0], first);
        assert_string_equal(tarn_prepared_class_names(p)[classes - 1], last);
    }
    must(tarn_rows_new(p, c, rows, n, &view, err));
    const tarn_column *col = tarn_columns_at(c, tarn_columns_find(c, target));
    for (int64_t i = 0; i < n; i++) {
        double y = tarn_rows_y(view)[i], x = tarn_column_number(col, rows[i]);
        int32_t len;
        if (task == TARN_REGRESSION) assert_true(y == x);
        else if (col->type == TARN_BOOL)
            assert_true((strcmp(tarn_prepared_class_names(p)[(int)y], "true") == 0) == (x == 1));
        else if (col->type == TARN_INT) assert_true(strtod(tarn_prepared_class_names(p)[(int)y], NULL) == x);
        else assert_memory_equal(tarn_prepared_class_names(p)[(int)y], tarn_column_word(col, (int32_t)x, &len), 2);
    }
    tarn_rows_free(view);
    tarn_prepared_free(p);
}

static void classes_are_sorted_and_positive_is_the_second(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(ROWS, (sample_options){0});
    int64_t n, *rows = sample_rows(ROWS, 1, &n);

    check_classes(c, rows, n, "late", TARN_BINARY, NULL, "false", "true");
    check_classes(c, rows, n, "late", TARN_BINARY, "false", "true", "false");
    check_classes(c, rows, n, "late", TARN_BINARY, "1", "false", "true");
    check_classes(c, rows, n, "class", TARN_MULTICLASS, NULL, "bad", "ok");
    check_classes(c, rows, n, "code", TARN_MULTICLASS, NULL, "-1", "10");
    check_classes(c, rows, n, "delay", TARN_REGRESSION, NULL, "", "");
    tarn_free(rows);
    tarn_columns_release(c);
}

static void a_model_reads_labels_of_any_table(void **state)
{
    (void)state;
    static const uint8_t truth[] = {0, 1, 1};
    static const double real[] = {0, 1, 2};
    static const int64_t whole[] = {1, 0, 1};
    static const char *const texts[] = {"true", "false", "maybe"};
    const int64_t rows[] = {0, 1, 2};
    const char *const features[] = {"x", NULL}, *const classes[] = {"false", "true"};
    tarn_columns_maker *mk = NULL;
    tarn_columns *c[4] = {NULL};
    tarn_prepared *p = NULL;
    tarn_model *m = NULL;
    uint32_t reg = 0;
    double out[3];

    for (int k = 0; k < 4; k++) {
        must(tarn_columns_maker_new(3, &mk, err));
        must(tarn_columns_maker_add(mk, "x", TARN_REAL, real, NULL, err));
        if (k == 0) must(tarn_columns_maker_add(mk, "y", TARN_BOOL, truth, NULL, err));
        if (k == 1) must(tarn_columns_maker_add(mk, "y", TARN_INT, whole, NULL, err));
        if (k == 2) must(tarn_columns_maker_text(mk, "y", texts, NULL, err));
        if (k == 3) must(tarn_columns_maker_add(mk, "y", TARN_REAL, real, NULL, err));
        must(tarn_columns_maker_finish(mk, &c[k], err));
        tarn_columns_maker_free(mk);
    }
    tarn_prepare_job job = {
        .data = c[0], .features = features, .target = "y", .task = TARN_BINARY, .train_rows = rows, .n_train = 3};
    must(tarn_prepare(&job, &p, err));
    must(tarn_graph_output(tarn_prepared_graph(p), TARN_BINARY, "y", &reg, 1, classes, 2, 0.5, err));
    must(tarn_graph_finish(tarn_prepared_graph(p), &m, err));
    must(tarn_model_labels(m, c[0], rows, 3, out, err));
    assert_true(out[0] == 0 && out[1] == 1 && out[2] == 1);
    must(tarn_model_labels(m, c[1], rows, 3, out, err));
    assert_true(out[0] == 1 && out[1] == 0 && out[2] == 1);
    must(tarn_model_labels(m, c[2], rows, 2, out, err));
    assert_true(out[0] == 1 && out[1] == 0);
    must_fail_with(TARN_INVALID, "row 3: label 'maybe' is not a class of the model; known are: false, true",
                   tarn_model_labels(m, c[2], rows, 3, out, err));
    must_fail_with(TARN_INVALID, "label '2'", tarn_model_labels(m, c[3], rows, 3, out, err));
    const int64_t outside[] = {0, 3};
    must_fail_with(TARN_INVALID, "row 3 is outside", tarn_model_labels(m, c[0], outside, 2, out, err));
    must_fail_with(TARN_INVALID, "row 3 is outside", tarn_model_fields(m, c[0], outside, 2, NULL, out, err));
    tarn_model_free(m);
    tarn_prepared_free(p);
    for (int k = 0; k < 4; k++) tarn_columns_release(c[k]);
}

TARN_TESTS(TARN_TEST(classes_are_sorted_and_positive_is_the_second), TARN_TEST(a_model_reads_labels_of_any_table))
