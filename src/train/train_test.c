/* SPDX-License-Identifier: Apache-2.0 */
/* train_test.c - the table of estimators, and what tarn_train refuses before an estimator sees it. */
#include "support/tarn_test.h"

#include "train/train.h"

#include <math.h>

/* An estimator that only counts how often it was asked. */
typedef struct probe_params {
    int *asked;
    tarn_code answer;
} probe_params;

static tarn_code probe_fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    const probe_params *p = params;

    if (p->asked) (*p->asked)++;
    tarn_code rc = tarn_alloc(&out->importance, (size_t)job->x->cols, sizeof(double), err);
    if (rc != TARN_OK || p->answer == TARN_OK) return rc;
    return TARN_FAIL(err, p->answer, "the probe was told to fail");
}

static const tarn_algo strict = {.name = "strict", .does = TARN_DOES_BINARY, .fit = probe_fit};
static const tarn_algo broad = {.name = "broad",
                                .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
                                .takes = TARN_TAKES_MISSING | TARN_TAKES_CATEGORIES,
                                .fit = probe_fit};

enum { ROWS = 3 * TARN_BLOCK_ROWS - 100, COLS = 3 };

/* Three columns over three blocks; every test spoils its own copy. */
typedef struct sample {
    double values[COLS][ROWS], y[ROWS], weight[ROWS];
    const double *columns[COLS];
    tarn_feature features[COLS];
    tarn_dense dense;
    tarn_matrix matrix;
    tarn_fit job;
} sample;

static sample s;

static void fresh(void)
{
    memset(&s, 0, sizeof s);
    for (int j = 0; j < COLS; j++) {
        s.columns[j] = s.values[j];
        (void)snprintf(s.features[j].name, sizeof s.features[j].name, "%c", "abc"[j]);
        for (int i = 0; i < ROWS; i++) s.values[j][i] = i * (j + 1) % 17;
    }
    for (int i = 0; i < ROWS; i++) s.y[i] = i % 2, s.weight[i] = 1 + i % 3;
    tarn_matrix_dense(&s.matrix, &s.dense, NULL, ROWS, COLS, s.columns, s.features);
    s.matrix.y = s.y;
    s.matrix.weight = s.weight;
    s.matrix.classes = 2;
    s.job = (tarn_fit){.x = &s.matrix};
}

static tarn_code ask(const tarn_algo *algo, tarn_err *err)
{
    int asked = 0;
    probe_params params = {.asked = &asked};
    tarn_fitted out = {0};
    tarn_code rc = tarn_train(algo, &params, &s.job, &out, err);

    assert_int_equal(asked, rc == TARN_OK);
    assert_int_equal(out.importance != NULL, rc == TARN_OK);
    tarn_free(out.importance);
    return rc;
}

static void every_estimator_is_found_by_its_name(void **state)
{
    const tarn_algo *found = NULL;
    (void)state;

    assert_true(tarn_algo_count() > 0);
    for (int i = 0; i < tarn_algo_count(); i++) {
        must(tarn_algo_find(tarn_algo_at(i)->name, &found, err));
        assert_ptr_equal(found, tarn_algo_at(i));
    }
    assert_null(tarn_algo_at(-1));
    assert_null(tarn_algo_at(tarn_algo_count()));
}

static void an_unknown_name_gets_the_nearest_or_all(void **state)
{
    const tarn_algo *found = &strict;
    (void)state;

    must_fail_with(TARN_NOT_FOUND, "did you mean 'logistic'?", tarn_algo_find("logistik", &found, err));
    assert_null(found);
    must_fail_with(TARN_NOT_FOUND, "logistic", tarn_algo_find("qqqqqqqq", &found, err));
    must_fail_with(TARN_NOT_FOUND, "logistic", tarn_algo_find("", &found, err));
}

static void good_data_reach_the_estimator(void **state)
{
    (void)state;
    fresh();
    must(ask(&strict, err));
    s.matrix.weight = NULL;
    must(ask(&broad, err));
    s.matrix.classes = 0;
    s.y[7] = -1.5;
    must(ask(&broad, err));
    s.matrix.classes = 3;
    s.y[7] = 2;
    must(ask(&broad, err));
}

static void a_task_that_it_does_not_do_is_refused(void **state)
{
    (void)state;
    fresh();
    s.matrix.classes = 3;
    must_fail_with(TARN_INVALID, "'strict' does not do multiclass", ask(&strict, err));
    s.matrix.classes = 0;
    must_fail_with(TARN_INVALID, "'strict' does not do regression", ask(&strict, err));
    s.matrix.classes = 1;
    must_fail_with(TARN_INVALID, "one class only", ask(&broad, err));
    s.matrix.classes = -5;
    must_fail_with(TARN_INVALID, "one class only", ask(&broad, err));
    s.matrix.classes = 100000;
    must_fail_with(TARN_INVALID, "identifier", ask(&broad, err));
}

static void no_rows_and_no_columns_are_refused(void **state)
{
    (void)state;
    fresh();
    s.matrix.cols = 0;
    must_fail_with(TARN_INVALID, "no columns", ask(&strict, err));
    fresh();
    s.matrix.rows = s.matrix.all_rows = 0;
    must_fail_with(TARN_INVALID, "no rows", ask(&strict, err));
    fresh();
    s.matrix.rows--;
    must_fail_with(TARN_INVALID, "but the ranks hold", ask(&strict, err));
    s.matrix.rows += 2;
    must_fail_with(TARN_INVALID, "make no sense", ask(&strict, err));
    fresh();
    s.matrix.y = NULL;
    must_fail_with(TARN_INVALID, "no labels", ask(&strict, err));
}

static void bad_labels_and_weights_name_their_row(void **state)
{
    (void)state;
    fresh();
    s.y[9999] = NAN;
    must_fail_with(TARN_INVALID, "label of row 10000 is missing", ask(&strict, err));
    s.y[99] = INFINITY;
    must_fail_with(TARN_INVALID, "label of row 100 is missing", ask(&strict, err));
    s.y[9] = 0.5;
    must_fail_with(TARN_INVALID, "row 10 is 0.5, not a class number 0 to 1", ask(&strict, err));
    s.y[8] = 2;
    must_fail_with(TARN_INVALID, "row 9 is 2,", ask(&strict, err));
    s.y[7] = -1;
    must_fail_with(TARN_INVALID, "row 8 is -1,", ask(&strict, err));
    s.weight[6] = 0;
    must_fail_with(TARN_INVALID, "weight of row 7 is 0", ask(&strict, err));
    s.weight[5] = NAN;
    must_fail_with(TARN_INVALID, "weight of row 6", ask(&strict, err));
}

static void every_class_must_occur(void **state)
{
    (void)state;
    fresh();
    for (int i = 0; i < ROWS; i++) s.y[i] = 1;
    must_fail_with(TARN_INVALID, "are of class 1: class 0 does not occur", ask(&strict, err));
    s.matrix.classes = 4;
    s.y[0] = 0;
    s.y[1] = 3;
    must_fail_with(TARN_INVALID, "class 2 of 0 to 3 has no row", ask(&broad, err));
}

static void categories_and_missing_values_name_their_column(void **state)
{
    (void)state;
    fresh();
    s.features[1].kind = TARN_CATEGORY;
    must_fail_with(TARN_INVALID, "column 'b' holds categories", ask(&strict, err));
    must(ask(&broad, err));
    fresh();
    s.values[2][20000] = NAN;
    must_fail_with(TARN_INVALID, "column 'c' is missing in row 20001", ask(&strict, err));
    s.values[2][9000] = s.values[1][9000] = -INFINITY;
    must_fail_with(TARN_INVALID, "column 'b' is infinite in row 9001", ask(&strict, err));
    must(ask(&broad, err));
}

static void validation_rows_are_checked_too(void **state)
{
    tarn_matrix valid;
    (void)state;

    fresh();
    valid = s.matrix;
    s.job.valid = &valid;
    must(ask(&strict, err));
    valid.classes = 3;
    must_fail_with(TARN_INVALID, "validation data has 3 columns and 3 classes", ask(&broad, err));
    valid = s.matrix;
    valid.rows = valid.all_rows = 0;
    must_fail_with(TARN_INVALID, "validation data has no rows", ask(&strict, err));
    valid = s.matrix;
    double one[1] = {1};
    valid.rows = valid.all_rows = 1; /* one class is enough to judge by */
    valid.y = one;
    must(ask(&strict, err));
    one[0] = 3;
    must_fail_with(TARN_INVALID, "validation data: the label of row 1 is 3", ask(&strict, err));
}

static void a_failing_estimator_is_named_and_leaves_nothing(void **state)
{
    probe_params params = {.answer = TARN_NUMERIC};
    tarn_fitted out = {.out = 77};
    (void)state;

    fresh();
    must_fail_with(TARN_NUMERIC, "estimator 'strict': the probe was told to fail",
                   tarn_train(&strict, &params, &s.job, &out, err));
    assert_int_equal(out.out, 77);
    assert_null(out.importance);
}

/* What each rank came back with. */
typedef struct rank_answers {
    tarn_code rc[8];
    char msg[8][488];
} rank_answers;

static tarn_code ask_as_rank(void *arg, tarn_comm *comm, tarn_err *err)
{
    rank_answers *a = arg;
    tarn_dense dense;
    tarn_matrix matrix;
    probe_params params = {0};
    tarn_fitted out = {0};
    tarn_fit job = {.x = &matrix, .comm = comm};
    tarn_err mine = {0};
    int me = tarn_comm_rank(comm);
    (void)err;

    tarn_matrix_dense(&matrix, &dense, comm, ROWS, COLS, s.columns, s.features);
    matrix.y = s.y + matrix.first;
    matrix.classes = 2;
    a->rc[me] = tarn_train(&strict, &params, &job, &out, &mine);
    (void)snprintf(a->msg[me], sizeof a->msg[me], "%s", mine.msg);
    tarn_free(out.importance);
    return TARN_OK;
}

static void all_ranks_end_alike(void **state)
{
    static rank_answers a;
    (void)state;

    for (int ranks = 1; ranks <= 4; ranks++) { /* with four, one has no rows */
        fresh();
        for (int i = 0; i < ROWS; i++) s.y[i] = i > 20000; /* the first ranks see one class only */
        must(tarn_comm_run_threads(ranks, ask_as_rank, &a, err));
        for (int k = 0; k < ranks; k++) assert_int_equal(a.rc[k], TARN_OK);
        s.values[0][21000] = NAN;
        must(tarn_comm_run_threads(ranks, ask_as_rank, &a, err));
        for (int k = 0; k < ranks; k++) {
            assert_int_equal(a.rc[k], TARN_INVALID);
            assert_non_null(strstr(a.msg[k], "column 'a' is missing in row 21001"));
        }
        s.values[0][21000] = 0;
        for (int i = 0; i < ROWS; i++) s.y[i] = 0;
        must(tarn_comm_run_threads(ranks, ask_as_rank, &a, err));
        for (int k = 0; k < ranks; k++) assert_non_null(strstr(a.msg[k], "class 1 does not occur"));
    }
}

static void memory_running_out_is_a_clean_error(void **state)
{
    (void)state;
    fresh();
    for (int n = 1;; n++) {
        probe_params params = {0};
        tarn_fitted out = {0};
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_train(&strict, &params, &s.job, &out, &err);
        tarn_mem_fail_after(0);
        tarn_free(out.importance);
        if (rc == TARN_OK) break;
        assert_int_equal(rc, TARN_NOMEM);
        assert_true(n < 100);
    }
}

static void a_dense_matrix_gives_whole_blocks(void **state)
{
    static double block[COLS * TARN_BLOCK_ROWS];
    const int64_t n = ROWS - 2 * TARN_BLOCK_ROWS;
    (void)state;

    fresh();
    assert_int_equal(s.matrix.rows, ROWS);
    must(s.matrix.block(s.matrix.self, 2 * TARN_BLOCK_ROWS, n, block, err));
    for (int j = 0; j < COLS; j++)
        for (int64_t i = 0; i < n; i++) assert_true(block[j * n + i] == s.values[j][2 * TARN_BLOCK_ROWS + i]);
}

TARN_TESTS(TARN_TEST(every_estimator_is_found_by_its_name), TARN_TEST(an_unknown_name_gets_the_nearest_or_all),
           TARN_TEST(good_data_reach_the_estimator), TARN_TEST(a_task_that_it_does_not_do_is_refused),
           TARN_TEST(no_rows_and_no_columns_are_refused), TARN_TEST(bad_labels_and_weights_name_their_row),
           TARN_TEST(every_class_must_occur), TARN_TEST(categories_and_missing_values_name_their_column),
           TARN_TEST(validation_rows_are_checked_too), TARN_TEST(a_failing_estimator_is_named_and_leaves_nothing),
           TARN_TEST(all_ranks_end_alike), TARN_TEST(memory_running_out_is_a_clean_error),
           TARN_TEST(a_dense_matrix_gives_whole_blocks))
