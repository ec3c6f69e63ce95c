/* SPDX-License-Identifier: Apache-2.0 */
/* forest_test.c - what a forest must learn, and that threads, ranks and a lack of memory make no difference. */
#include "train/tree_sample.h"

extern const tarn_algo tarn_algo_forest;

static fixture_settings with(const char *changes) { return fixture_with(&tarn_algo_forest, changes); }

static void fit_with(fixture_job *j, const fixture *t, const char *changes)
{
    fixture_fit_with(j, &tarn_algo_forest, t, changes);
}

/* Columns uniform in [0, 1) with 100 values each; rows from number `first`. */
static void uniform(fixture *t, int64_t first, int64_t rows, int32_t cols, int32_t classes)
{
    fixture_new(t, rows, cols, classes);
    for (int64_t i = 0; i < rows; i++)
        for (int32_t j = 0; j < cols; j++) t->column[j][i] = floor(100 * fixture_unit(first + i, (uint32_t)j)) / 100;
}

static void learns_a_chequered_square(void **state)
{
    (void)state;
    fixture t, unseen;
    fixture_job j = {0};

    uniform(&t, 0, 3000, 4, 2);
    uniform(&unseen, 5000, 1000, 4, 2);
    for (int64_t i = 0; i < t.rows; i++) t.y[i] = (t.column[0][i] < 0.5) != (t.column[1][i] < 0.3);
    for (int64_t i = 0; i < unseen.rows; i++) unseen.y[i] = (unseen.column[0][i] < 0.5) != (unseen.column[1][i] < 0.3);
    fit_with(&j, &t, "trees=40 columns=all");
    assert_true(fixture_accuracy(&j, &t) > 0.995);
    assert_true(fixture_accuracy(&j, &unseen) > 0.98);
    assert_true(j.fitted[0].importance[0] + j.fitted[0].importance[1] >
                3 * (j.fitted[0].importance[2] + j.fitted[0].importance[3]));
    double *p = fixture_predict(&j, &unseen);
    for (int64_t i = 0; i < unseen.rows; i++) assert_true(p[i] >= 0 && p[i] <= 1);
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
    fixture_clear(&unseen);
}

static void learns_values_and_more_classes(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    uniform(&t, 0, 2000, 3, 0);
    for (int64_t i = 0; i < t.rows; i++) t.y[i] = 1e6 + floor(t.column[0][i] * 5) * 10;
    fit_with(&j, &t, "trees=30 columns=all");
    assert_true(fixture_rmse(&j, &t) < 0.5);
    fixture_job_clear(&j);
    t.classes = 5;
    for (int64_t i = 0; i < t.rows; i++) t.y[i] = floor(t.column[0][i] * 5);
    fit_with(&j, &t, "trees=30");
    assert_true(fixture_accuracy(&j, &t) > 0.995);
    double *p = fixture_predict(&j, &t);
    for (int64_t i = 0; i < t.rows; i++) {
        double sum = 0;
        for (int k = 0; k < 5; k++) sum += p[k * t.rows + i];
        assert_true(fabs(sum - 1) < 1e-12);
    }
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void one_full_tree_knows_its_rows_by_heart(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    for (int32_t classes = 0; classes <= 4; classes += 2) {
        uniform(&t, 0, 250, 2, classes);
        for (int64_t i = 0; i < t.rows; i++) {
            t.column[0][i] = (double)(i * 7 % 250); /* all different, and fewer than bins */
            t.y[i] = classes ? floor(classes * fixture_unit(i, 9)) : fixture_unit(i, 9);
        }
        fit_with(&j, &t, "trees=1 bootstrap=false min_rows=1 columns=all");
        if (classes) assert_true(fixture_accuracy(&j, &t) == 1);
        else assert_true(fixture_rmse(&j, &t) < 1e-12);
        fixture_job_clear(&j);
        fixture_clear(&t);
    }
}

static void the_first_split_is_worked_by_hand(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3, 4, 5, 6}, y[] = {0, 0, 0, 1, 0, 1};
    fixture t;
    fixture_job j = {0};

    /* 2 of 6 are ones: S^2/W = 4/6. Cut after 3: 0 + 4/3, gain 2/3. After 5: 1/5 + 1, gain 8/15. After 3 is best. */
    fixture_new(&t, 6, 1, 2);
    memcpy(t.column[0], x, sizeof x);
    memcpy(t.y, y, sizeof y);
    fit_with(&j, &t, "trees=1 bootstrap=false min_rows=1 depth=1");
    double *p = fixture_predict(&j, &t);
    assert_true(p[0] == 0 && p[2] == 0);
    assert_true(fabs(p[3] - 2.0 / 3) < 1e-15 && fabs(p[5] - 2.0 / 3) < 1e-15);
    assert_true(fabs(j.fitted[0].importance[0] - 2.0 / 3) < 1e-12);
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void missing_values_take_the_side_that_suits_them(void **state)
{
    (void)state;
    for (int32_t classes = 2; classes <= 3; classes++)
        for (int missing_is = 0; missing_is < 2; missing_is++) {
            fixture t;
            fixture_job j = {0};
            uniform(&t, 0, 1500, 2, classes);
            for (int64_t i = 0; i < t.rows; i++) {
                t.y[i] = t.column[0][i] > 0.6 ? classes - 1 : t.column[0][i] < 0.3 ? 0 : classes - 2;
                if (fixture_unit(i, 9) > 0.3) continue;
                t.column[0][i] = NAN;
                t.y[i] = missing_is;
            }
            fit_with(&j, &t, "trees=15 columns=all depth=3");
            assert_true(fixture_accuracy(&j, &t) > 0.99);
            fixture_job_clear(&j);
            fixture_clear(&t);
        }
}

static void levels_split_by_what_they_mean_not_by_their_codes(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    for (int32_t classes = 2; classes <= 3; classes++) {
        uniform(&t, 0, 6000, 2, classes);
        t.levels[0] = 40;
        for (int64_t i = 0; i < t.rows; i++) {
            t.column[0][i] = (double)(i % 40);
            t.y[i] = (double)((i % 40) * 7 % classes);
        }
        fit_with(&j, &t, "trees=20 columns=all");
        assert_true(fixture_accuracy(&j, &t) == 1);
        for (int64_t i = 0; i < t.rows; i++) t.column[0][i] = i % 2 ? TARN_UNSEEN : NAN;
        double *p = fixture_predict(&j, &t);
        for (int64_t i = 0; i < t.rows; i++) assert_true(p[i] >= 0 && p[i] <= 1);
        tarn_free(p);
        fixture_job_clear(&j);
        fixture_clear(&t);
    }
}

static void levels_of_noise_are_not_believed(void **state)
{
    (void)state;
    fixture t, unseen;
    fixture_job j = {0};

    uniform(&t, 0, 3000, 2, 2);
    uniform(&unseen, 5000, 3000, 2, 2);
    t.levels[1] = unseen.levels[1] = 250;
    for (int64_t i = 0; i < 3000; i++) {
        t.column[1][i] = floor(250 * fixture_unit(i, 5));
        t.y[i] = fixture_unit(i, 6) < (t.column[0][i] < 0.5 ? 0.1 : 0.9);
        unseen.column[1][i] = floor(250 * fixture_unit(5000 + i, 5));
        unseen.y[i] = fixture_unit(5000 + i, 6) < (unseen.column[0][i] < 0.5 ? 0.1 : 0.9);
    }
    fit_with(&j, &t, "trees=50 columns=all");
    assert_true(fixture_accuracy(&j, &unseen) > 0.87); /* 0.9 is what can be known */
    fixture_job_clear(&j);
    fixture_clear(&t);
    fixture_clear(&unseen);
}

static void a_weight_is_worth_as_many_rows(void **state)
{
    (void)state;
    for (int32_t classes = 0; classes <= 3; classes += 1 + (classes == 0)) {
        fixture weighted, repeated;
        fixture_job a = {0}, b = {0};
        uniform(&weighted, 0, 500, 2, classes);
        uniform(&repeated, 0, 1000, 2, classes);
        weighted.weighted = true;
        for (int64_t i = 0; i < 500; i++) {
            double v = weighted.column[0][i] + 0.5 * fixture_unit(i, 8);
            weighted.weight[i] = 2;
            weighted.y[i] = classes ? floor(v / 1.5 * classes) : v;
            for (int k = 0; k < 2; k++) {
                for (int32_t c = 0; c < 2; c++) repeated.column[c][2 * i + k] = weighted.column[c][i];
                repeated.y[2 * i + k] = weighted.y[i];
            }
        }
        fit_with(&a, &weighted, "trees=3 bootstrap=false min_rows=5 columns=all");
        fit_with(&b, &repeated, "trees=3 bootstrap=false min_rows=10 columns=all");
        int outputs = tarn_model_outputs(a.model[0]);
        double *p = fixture_predict(&a, &weighted), *q = fixture_predict(&b, &weighted);
        for (int64_t i = 0; i < 500 * outputs; i++) assert_true(fabs(p[i] - q[i]) < 1e-9);
        tarn_free(p);
        tarn_free(q);
        fixture_job_clear(&a);
        fixture_job_clear(&b);
        fixture_clear(&weighted);
        fixture_clear(&repeated);
    }
}

static int64_t nodes_of(const fixture_job *j)
{
    size_t len = 0;

    (void)tarn_model_bytes(j->model[0], &len);
    return (int64_t)len / 16;
}

static void limits_are_kept(void **state)
{
    (void)state;
    fixture t;
    fixture_job full = {0}, shallow = {0}, few = {0}, wide = {0};

    uniform(&t, 0, 2000, 4, 2);
    for (int64_t i = 0; i < t.rows; i++) t.y[i] = fixture_unit(i, 9) < t.column[0][i];
    fit_with(&full, &t, "trees=20 min_rows=1");
    fit_with(&shallow, &t, "trees=20 min_rows=1 depth=3");
    fit_with(&few, &t, "trees=20 min_rows=1 leaves=8");
    fit_with(&wide, &t, "trees=20 min_rows=200");
    int64_t least = nodes_of(&shallow) - 20 * 15;
    assert_true(nodes_of(&few) <= least + 20 * 15 + 8); /* 8 leaves are 15 nodes, as depth 3 has at most */
    assert_true(nodes_of(&wide) < nodes_of(&full) / 10);
    assert_true(nodes_of(&full) > 20 * 500);
    fixture_job_clear(&full);
    fixture_job_clear(&shallow);
    fixture_job_clear(&few);
    fixture_job_clear(&wide);
    fixture_clear(&t);
}

static void columns_must_be_a_rule_or_a_number(void **state)
{
    (void)state;
    fixture t;
    tarn_matrix x;
    tarn_dense dense;
    tarn_feature features[FIXTURE_COLS];
    tarn_fitted out;
    fixture_settings s = with("columns=many");

    uniform(&t, 0, 50, 2, 2);
    for (int64_t i = 0; i < 50; i++) t.y[i] = (double)(i % 2);
    fixture_features(&t, features);
    fixture_matrix(&t, NULL, features, &dense, &x);
    tarn_fit job = {.x = &x};
    must_fail_with(TARN_INVALID, "'columns' is 'many'", tarn_train(&tarn_algo_forest, s.bytes, &job, &out, err));
    s = with("columns=0");
    must_fail_with(TARN_INVALID, "1 and more", tarn_train(&tarn_algo_forest, s.bytes, &job, &out, err));
    fixture_clear(&t);
}

/* Numbers, missing ones, categories with few and many levels; enough rows for every rank and thread. */
static void mixed(fixture *t, int32_t classes, bool weighted)
{
    uniform(t, 0, 28000, 5, classes);
    t->levels[2] = 4;
    t->levels[3] = 300;
    t->weighted = weighted;
    for (int64_t i = 0; i < t->rows; i++) {
        double u = fixture_unit(i, 20);
        t->column[1][i] = u < 0.1 ? NAN : t->column[1][i];
        t->column[2][i] = u > 0.95 ? NAN : floor(4 * t->column[2][i]);
        t->column[3][i] = floor(300 * fixture_unit(i, 23) * t->column[3][i]);
        t->weight[i] = 0.5 + fixture_unit(i, 21);
        double v = t->column[0][i] + 0.3 * (fmod(t->column[3][i], 7) < 3) + 0.2 * fixture_unit(i, 22) + (u < 0.1);
        t->y[i] = classes ? floor(fmin(v / 2, 0.999) * classes) : v;
    }
}

static void threads_and_ranks_make_no_difference(void **state)
{
    (void)state;
    static const char *const changes[] = {"trees=4 min_rows=50", "trees=3 min_rows=50 leaves=40",
                                          "trees=2 min_rows=50"};

    for (int32_t k = 0; k < 3; k++) {
        fixture t;
        fixture_settings s = with(changes[k]);
        mixed(&t, k == 2 ? 0 : k + 2, k == 1);
        fixture_same_everywhere(&tarn_algo_forest, s.bytes, &t, NULL);
        fixture_clear(&t);
    }
}

static void ranks_without_rows_take_part(void **state)
{
    (void)state;
    fixture t;
    fixture_settings s = with("trees=5 min_rows=2");

    uniform(&t, 0, 90, 3, 2);
    t.levels[2] = 6;
    for (int64_t i = 0; i < t.rows; i++) {
        t.column[2][i] = floor(6 * t.column[2][i]);
        t.y[i] = t.column[0][i] + t.column[2][i] > 3;
    }
    fixture_same_everywhere(&tarn_algo_forest, s.bytes, &t, NULL);
    fixture_survive_no_memory_on_ranks(&tarn_algo_forest, s.bytes, &t);
    fixture_clear(&t);
}

static void odd_tables_are_fine(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    for (int64_t rows = 1; rows <= 30; rows += rows < 5 ? 1 : 25) {
        uniform(&t, 0, rows, 3, 0);
        for (int64_t i = 0; i < rows; i++) {
            t.column[1][i] = NAN;
            t.column[2][i] = 4;
            t.y[i] = 3 + (double)i;
        }
        fit_with(&j, &t, "trees=7");
        double *p = fixture_predict(&j, &t);
        for (int64_t i = 0; i < rows; i++) assert_true(p[i] >= 3 && p[i] <= 2 + (double)rows);
        tarn_free(p);
        fixture_job_clear(&j);
        fixture_clear(&t);
    }
    uniform(&t, 0, 300, 1, 2); /* nothing known: the share of ones */
    for (int64_t i = 0; i < 300; i++) {
        t.column[0][i] = NAN;
        t.y[i] = i % 3 == 0;
    }
    fit_with(&j, &t, "trees=100");
    double *p = fixture_predict(&j, &t);
    assert_true(fabs(p[0] - 1.0 / 3) < 0.02);
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void a_lack_of_memory_is_a_clean_error(void **state)
{
    (void)state;
    fixture t;

    for (int32_t classes = 2; classes <= 3; classes++) {
        fixture_settings s = with(classes == 2 ? "trees=3" : "trees=2 min_rows=10");
        uniform(&t, 0, 400, 3, classes);
        t.levels[2] = 6;
        for (int64_t i = 0; i < 400; i++) {
            t.column[2][i] = floor(6 * t.column[2][i]);
            t.y[i] = floor(classes * fixture_unit(i, 9));
        }
        fixture_survive_no_memory(&tarn_algo_forest, s.bytes, &t, NULL);
        fixture_clear(&t);
    }
}

/* What trees say of rows that they did not draw is about what they say of new rows; full trees know their own by heart.
 */
static void rows_out_of_the_bag_are_judged_like_new_ones(void **state)
{
    (void)state;

    for (int32_t classes = 0; classes <= 3; classes += classes < 2 ? 2 : 1) {
        fixture t, fresh;
        fixture_job j = {0};
        double mean = 0, var = 0;
        uniform(&t, 0, 4000, 4, classes);
        uniform(&fresh, 50000, 4000, 4, classes);
        for (int k = 0; k < 2; k++) {
            fixture *f = k ? &fresh : &t;
            for (int64_t i = 0; i < f->rows; i++) {
                double v = 2 * f->column[0][i] + f->column[1][i] + fixture_unit(i + 9000 * k, 88);
                f->y[i] = classes ? floor(fmin(classes - 1, v * classes / 4)) : v;
            }
        }
        fit_with(&j, &t, "trees=40 min_rows=1");
        const tarn_fitted *said = &j.fitted[0];
        assert_int_equal(said->oob_rows, 4000); /* a row that all 40 trees drew would be a wonder */
        for (int64_t i = 0; i < 4000; i++) mean += fresh.y[i] / 4000;
        for (int64_t i = 0; i < 4000; i++) var += (fresh.y[i] - mean) * (fresh.y[i] - mean) / 4000;
        double rmse = classes ? 0 : fixture_rmse(&j, &fresh);
        double expected = classes ? fixture_accuracy(&j, &fresh) : 1 - rmse * rmse / var;
        if (!(fabs(said->oob - expected) < 0.03))
            fail_msg("%d classes: %g out of bag, %g new", classes, said->oob, expected);
        fixture_job_clear(&j);
        fit_with(&j, &t, "trees=3 oob=false");
        assert_int_equal(j.fitted[0].oob_rows, 0);
        fixture_job_clear(&j);
        fit_with(&j, &t, "trees=3 bootstrap=false");
        assert_int_equal(j.fitted[0].oob_rows, 0);
        fixture_job_clear(&j);
        fixture_clear(&t);
        fixture_clear(&fresh);
    }
}

TARN_TESTS(TARN_TEST(rows_out_of_the_bag_are_judged_like_new_ones), TARN_TEST(learns_a_chequered_square),
           TARN_TEST(learns_values_and_more_classes), TARN_TEST(one_full_tree_knows_its_rows_by_heart),
           TARN_TEST(the_first_split_is_worked_by_hand), TARN_TEST(missing_values_take_the_side_that_suits_them),
           TARN_TEST(levels_split_by_what_they_mean_not_by_their_codes), TARN_TEST(levels_of_noise_are_not_believed),
           TARN_TEST(a_weight_is_worth_as_many_rows), TARN_TEST(limits_are_kept),
           TARN_TEST(columns_must_be_a_rule_or_a_number), TARN_TEST(threads_and_ranks_make_no_difference),
           TARN_TEST(ranks_without_rows_take_part), TARN_TEST(odd_tables_are_fine),
           TARN_TEST(a_lack_of_memory_is_a_clean_error))
