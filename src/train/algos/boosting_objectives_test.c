/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_objectives_test.c - what boosting may be asked to make smaller, monotone columns, and early stopping on
 * other measures. */
#include "train/tree_sample.h"

extern const tarn_algo tarn_algo_boosting;

static fixture_settings with(const char *changes) { return fixture_with(&tarn_algo_boosting, changes); }

static void fit_with(fixture_job *j, const fixture *t, const char *changes)
{
    fixture_fit_with(j, &tarn_algo_boosting, t, changes);
}

static void is_refused(const fixture *t, const char *changes, const char *message)
{
    fixture_settings s = with(changes);
    fixture_job j = {.algo = &tarn_algo_boosting, .params = s.bytes, .t = t, .threads = 1};

    must_fail_with(TARN_INVALID, message, fixture_rank(&j, NULL, err));
}

/* Uniform columns; y is 4 x0 and noise of up to 2 (1 + x1). `first`: number of the first row. */
static void noisy(fixture *t, int64_t rows, int64_t first)
{
    fixture_new(t, rows, 3, 0);
    for (int64_t i = 0; i < rows; i++) {
        for (uint32_t j = 0; j < 3; j++) t->column[j][i] = fixture_unit(first + i, j);
        t->y[i] = 4 * t->column[0][i] + 2 * (1 + t->column[1][i]) * (fixture_unit(first + i, 9) - 0.5);
    }
}

/* Of each two neighbours in weight: the share of weight at or below the prediction. */
static double covered(const fixture_job *j, const fixture *t)
{
    double *p = fixture_predict(j, t), sum = 0, all = 0;

    for (int64_t i = 0; i < t->rows; i++) {
        sum += t->y[i] <= p[i] ? t->weight[i] : 0;
        all += t->weight[i];
    }
    tarn_free(p);
    return sum / all;
}

static void quantiles_have_their_share_of_rows_below(void **state)
{
    (void)state;
    static const double levels[] = {0.05, 0.5, 0.9};

    for (int k = 0; k < 6; k++) {
        fixture t, fresh;
        fixture_job j = {0};
        char text[128];
        double level = levels[k % 3];
        noisy(&t, 20000, 0);
        noisy(&fresh, 5000, 50000);
        t.weighted = k >= 3;
        for (int64_t i = 0; i < t.rows && k >= 3; i++) t.weight[i] = 1 + 2 * (double)(i % 2);
        (void)snprintf(text, sizeof text, "objective=quantile quantile=%g trees=80 min_rows=50", level);
        fit_with(&j, &t, text);
        assert_true(fabs(covered(&j, &t) - level) < 0.02);
        assert_true(fabs(covered(&j, &fresh) - level) < 0.03);
        fixture_job_clear(&j);
        fixture_clear(&t);
        fixture_clear(&fresh);
    }
}

/* The mean of |p - truth|, where 2 % of the training rows are off by 1000. */
static double off_with_outliers(const char *changes)
{
    fixture t;
    fixture_job j = {0};
    double sum = 0;

    noisy(&t, 10000, 0);
    for (int64_t i = 0; i < t.rows; i += 50) t.y[i] += 1000;
    fit_with(&j, &t, changes);
    double *p = fixture_predict(&j, &t);
    for (int64_t i = 0; i < t.rows; i++) sum += fabs(p[i] - 4 * t.column[0][i]);
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
    return sum / 10000;
}

static void absolute_and_huber_do_not_follow_outliers(void **state)
{
    (void)state;
    assert_true(off_with_outliers("objective=squared trees=50") > 5);
    assert_true(off_with_outliers("objective=absolute trees=80 min_rows=50") < 0.4);
    assert_true(off_with_outliers("objective=huber delta=2 trees=80 min_rows=50") < 0.4);
}

/* A count with mean m, by summing waiting times. */
static double count_of(double m, int64_t row)
{
    double n = 0;

    for (double t = -log(1 - fixture_unit(row, 100)); t < m; n++) t -= log(1 - fixture_unit(row, 101 + (uint32_t)n));
    return n;
}

static double deviance_per_row(const fixture *t, const double *p, double constant)
{
    double sum = 0;

    for (int64_t i = 0; i < t->rows; i++) {
        double m = p ? p[i] : constant, y = t->y[i];
        sum += 2 * ((y > 0 ? y * log(y / m) : 0) - y + m);
    }
    return sum / (double)t->rows;
}

static void counts_are_learned_by_their_logs(void **state)
{
    (void)state;
    static const char *const how[] = {"objective=poisson trees=60", "objective=tweedie power=1.1 trees=60",
                                      "objective=gamma trees=60"};

    for (int k = 0; k < 3; k++) {
        fixture t;
        fixture_job j = {0};
        double mean = 0, said = 0;
        noisy(&t, 10000, 0);
        for (int64_t i = 0; i < t.rows; i++) {
            double m = exp(3 * t.column[0][i] - 1 + (t.column[1][i] > 0.5 ? 1 : 0));
            t.y[i] = k < 2 ? count_of(m, i) : m * (0.1 - log(1 - fixture_unit(i, 77)));
            mean += t.y[i] / (double)t.rows;
        }
        fit_with(&j, &t, how[k]);
        double *p = fixture_predict(&j, &t);
        for (int64_t i = 0; i < t.rows; i++) {
            assert_true(p[i] > 0);
            said += p[i] / (double)t.rows;
        }
        if (!(fabs(said / mean - 1) < (k == 0 ? 0.02 : 0.1))) fail_msg("%s: mean %g instead of %g", how[k], said, mean);
        double ours = deviance_per_row(&t, p, 0), guess = deviance_per_row(&t, NULL, mean);
        assert_true(ours < 0.6 * guess);
        tarn_free(p);
        fixture_job_clear(&j);
        fixture_clear(&t);
    }
}

static void labels_that_an_objective_cannot_take_are_refused(void **state)
{
    (void)state;
    fixture t, two;

    noisy(&t, 100, 0);
    fixture_new(&two, 100, 1, 2);
    for (int64_t i = 0; i < 100; i++) t.y[i] = i == 6 ? -1 : i == 3 ? 0 : 1;
    for (int64_t i = 0; i < 100; i++) two.y[i] = (double)(i % 2);
    is_refused(&t, "objective=poisson", "-1 in row 7");
    is_refused(&t, "objective=tweedie", "-1 in row 7");
    is_refused(&t, "objective=gamma", "0 in row 4");
    is_refused(&two, "objective=poisson", "for regression");
    is_refused(&t, "stop_on=auc", "two classes");
    is_refused(&t, "stop_on=accuracy", "classes only");
    is_refused(&two, "stop_on=rmse", "regression only");
    is_refused(&two, "stop_on=ndcg", "ranking only");
    is_refused(&t, "monotone=nobody:+1", "column 'nobody'");
    is_refused(&t, "monotone=x1", "expected column:+1");
    is_refused(&t, "monotone=x1:+2", "expected column:+1");
    t.levels[1] = 3;
    for (int64_t i = 0; i < 100; i++) t.column[1][i] = (double)(i % 3);
    is_refused(&t, "monotone=x1:1", "no order");
    fixture_clear(&t);
    fixture_clear(&two);
}

/* ---- monotone columns ---- */

enum { GRID = 60, PLACES = 40 };

/* Predictions must not fall with x0 nor rise with x1, wherever the other columns are, missing ones included. */
static void check_order(const fixture_job *j, int32_t column, int sign)
{
    fixture grid;

    fixture_new(&grid, GRID * PLACES, 3, j->t->classes);
    for (int64_t i = 0; i < grid.rows; i++)
        for (int32_t c = 0; c < 3; c++) {
            double u = fixture_unit(i / GRID, 300 + (uint32_t)c);
            grid.column[c][i] = c == column ? -0.5 + 2.0 * (double)(i % GRID) / GRID : u < 0.25 ? NAN : u * 1.2 - 0.1;
        }
    double *p = fixture_predict(j, &grid);
    for (int64_t i = 0; i < grid.rows; i++)
        if (i % GRID > 0 && !(sign * (p[i] - p[i - 1]) >= 0))
            fail_msg("with column %d at %g, %g follows %g", column, grid.column[column][i], p[i], p[i - 1]);
    tarn_free(p);
    fixture_clear(&grid);
}

static void monotone_columns_are_obeyed_by_every_prediction(void **state)
{
    (void)state;
    static const char *const how[] = {
        "trees=40 min_rows=5 monotone=x0:+1,x1:-1", "trees=40 min_rows=5 monotone=x0:+1,x1:-1",
        "trees=40 min_rows=5 monotone=x0:+1,x1:-1 objective=quantile quantile=0.7",
        "trees=40 min_rows=5 monotone=x0:+1,x1:-1 objective=poisson",
        "trees=40 min_rows=5 monotone=x0:+1,x1:-1 l1=0.5 l2=1 learning_rate=0.5 leaves=100"};

    for (int k = 0; k < 5; k++) {
        fixture t, plain;
        fixture_job j = {0}, free_job = {0};
        noisy(&t, 4000, 0);
        t.classes = k == 1 ? 2 : 0;
        for (int64_t i = 0; i < t.rows; i++) { /* waves: the truth goes up and down */
            double y = 2 + sin(12 * t.column[0][i]) + 2 * t.column[0][i] - cos(9 * t.column[1][i]) +
                       t.column[2][i] * t.column[0][i] + fixture_unit(i, 50);
            t.y[i] = k == 1 ? y > 3 : y;
            for (uint32_t c = 0; c < 3; c++)
                if (fixture_unit(i, 60 + c) < 0.15) t.column[c][i] = NAN;
        }
        plain = t;
        fit_with(&j, &t, how[k]);
        check_order(&j, 0, 1);
        check_order(&j, 1, -1);
        if (k == 0) { /* what is asked for costs something, but not all */
            fit_with(&free_job, &plain, "trees=40 min_rows=5");
            double bound = fixture_rmse(&j, &t), loose = fixture_rmse(&free_job, &t);
            assert_true(bound > loose && bound < 1.1);
            fixture_job_clear(&free_job);
        }
        fixture_job_clear(&j);
        fixture_clear(&t);
    }
}

/* ---- penalties, importance, early stopping ---- */

static void l1_pulls_small_leaves_to_nothing(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    /* Mean 0, residuals -1 for half of the rows and 1 for the other: G = +-50, H = 50; with l1 = 30 the leaves are
     * (50 - 30) / 50 = 0.4; with 60 there is no split. */
    fixture_new(&t, 100, 1, 0);
    for (int64_t i = 0; i < 100; i++) {
        t.column[0][i] = (double)i;
        t.y[i] = i < 50 ? -1 : 1;
    }
    fit_with(&j, &t, "trees=1 leaves=2 min_rows=1 learning_rate=1 l1=30");
    double *p = fixture_predict(&j, &t);
    assert_true(fabs(p[0] + 0.4) < 1e-5 && fabs(p[99] - 0.4) < 1e-5);
    assert_true(fabs(j.fitted[0].importance[0] - 2 * 20 * 20 / 50.0) < 1e-3);
    tarn_free(p);
    fixture_job_clear(&j);
    fit_with(&j, &t, "trees=1 leaves=2 min_rows=1 learning_rate=1 l1=60");
    p = fixture_predict(&j, &t);
    assert_true(p[0] == p[99]);
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void importance_may_count_splits(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};
    double sum = 0;

    noisy(&t, 3000, 0);
    fit_with(&j, &t, "trees=5 leaves=8 importance=splits");
    for (int k = 0; k < 3; k++) {
        assert_true(j.fitted[0].importance[k] == floor(j.fitted[0].importance[k]));
        sum += j.fitted[0].importance[k];
    }
    assert_true(sum == 5 * 7);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void stops_on_any_measure_of_the_task(void **state)
{
    (void)state;
    static const char *const how[] = {"stop_on=auc", "stop_on=accuracy", "stop_on=rmse", "stop_on=mae"};

    for (int k = 0; k < 4; k++) {
        fixture t, valid;
        char text[128];
        noisy(&t, 2000, 0);
        noisy(&valid, 1000, 70000);
        for (int64_t i = 0; i < 2000 && k < 2; i++) t.y[i] = t.y[i] > 2;
        for (int64_t i = 0; i < 1000 && k < 2; i++) valid.y[i] = valid.y[i] > 2;
        t.classes = valid.classes = k < 2 ? 2 : 0;
        fixture_job j = {.valid = &valid};
        (void)snprintf(text, sizeof text, "trees=400 early_stopping=15 %s", how[k]);
        fit_with(&j, &t, text);
        assert_true(j.fitted[0].converged);
        assert_true(j.fitted[0].iterations > 3 && j.fitted[0].iterations < 380);
        fixture_job_clear(&j);
        fixture_clear(&t);
        fixture_clear(&valid);
    }
}

static void threads_and_ranks_make_no_difference(void **state)
{
    (void)state;
    static const char *const how[] = {"trees=6 objective=quantile quantile=0.3 row_share=0.7",
                                      "trees=6 objective=poisson min_rows=5", "trees=6 objective=gamma l1=1",
                                      "trees=6 objective=huber monotone=x0:+1",
                                      "trees=6 objective=absolute leaves=200"};

    for (int k = 0; k < 5; k++) {
        fixture t;
        fixture_settings s = with(how[k]);
        noisy(&t, 30000, 0);
        t.weighted = k % 2 == 0;
        for (int64_t i = 0; i < t.rows; i++) {
            t.weight[i] = 1 + fixture_unit(i, 33);
            t.y[i] = fabs(t.y[i]) + 0.1;
        }
        fixture_same_everywhere(&tarn_algo_boosting, s.bytes, &t, NULL);
        fixture_clear(&t);
    }
}

TARN_TESTS(TARN_TEST(quantiles_have_their_share_of_rows_below), TARN_TEST(absolute_and_huber_do_not_follow_outliers),
           TARN_TEST(counts_are_learned_by_their_logs), TARN_TEST(labels_that_an_objective_cannot_take_are_refused),
           TARN_TEST(monotone_columns_are_obeyed_by_every_prediction), TARN_TEST(l1_pulls_small_leaves_to_nothing),
           TARN_TEST(importance_may_count_splits), TARN_TEST(stops_on_any_measure_of_the_task),
           TARN_TEST(threads_and_ranks_make_no_difference))
