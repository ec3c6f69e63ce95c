/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_test.c - what boosting must learn, and that threads, ranks and a lack of memory make no difference. */
#include "train/tree_sample.h"

extern const tarn_algo tarn_algo_boosting;

static fixture_settings with(const char *changes) { return fixture_with(&tarn_algo_boosting, changes); }

static void fit_with(fixture_job *j, const fixture *t, const char *changes)
{
    fixture_fit_with(j, &tarn_algo_boosting, t, changes);
}

/* Two columns of the unit square and some of noise. */
static void uniform(fixture *t, int64_t rows, int32_t cols, int32_t classes)
{
    fixture_new(t, rows, cols, classes);
    for (int64_t i = 0; i < rows; i++)
        for (int32_t j = 0; j < cols; j++) t->column[j][i] = fixture_unit(i, (uint32_t)j);
}

static void learns_a_chequered_square(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    uniform(&t, 4000, 4, 2);
    for (int64_t i = 0; i < t.rows; i++) t.y[i] = (t.column[0][i] < 0.5) != (t.column[1][i] < 0.3);
    fit_with(&j, &t, "trees=30");
    assert_true(fixture_accuracy(&j, &t) > 0.995);
    assert_true(j.fitted[0].importance[0] + j.fitted[0].importance[1] >
                5 * (j.fitted[0].importance[2] + j.fitted[0].importance[3]));
    assert_int_equal(j.fitted[0].iterations, 30);
    assert_true(j.fitted[0].objective > 0 && j.fitted[0].objective < 0.15);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void learns_steps_and_more_classes(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    uniform(&t, 3000, 3, 0);
    for (int64_t i = 0; i < t.rows; i++) {
        t.column[0][i] = floor(t.column[0][i] * 50) / 50; /* steps stand between bins */
        t.y[i] = 100 + floor(t.column[0][i] * 5) * 10;
    }
    fit_with(&j, &t, "trees=100 leaves=8");
    assert_true(fixture_rmse(&j, &t) < 0.1);
    fixture_job_clear(&j);
    t.classes = 5;
    for (int64_t i = 0; i < t.rows; i++) t.y[i] = floor(t.column[0][i] * 5);
    fit_with(&j, &t, "trees=20 leaves=8");
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

static void one_tree_of_two_leaves_is_worked_by_hand(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3, 4}, y[] = {0, 0, 6, 10};
    fixture t;
    fixture_job j = {0};

    /* Mean 4; residuals F - y: 4, 4, -2, -6. Best cut between 2 and 3: 8^2/2 + 8^2/2 = 64. With l2 = 2 and rate 1 the
     * leaves are -8/(2+2) = -2 and 8/(2+2) = 2, so predictions are 2 and 6. With l2 = 0: 0 and 8. */
    fixture_new(&t, 4, 1, 0);
    memcpy(t.column[0], x, sizeof x);
    memcpy(t.y, y, sizeof y);
    fit_with(&j, &t, "trees=1 leaves=2 min_rows=1 learning_rate=1 l2=2");
    double *p = fixture_predict(&j, &t);
    assert_true(fabs(p[0] - 2) < 1e-5 && fabs(p[1] - 2) < 1e-5 && fabs(p[2] - 6) < 1e-5 && fabs(p[3] - 6) < 1e-5);
    assert_true(fabs(j.fitted[0].importance[0] - 32) < 1e-4); /* 64/4 + 64/4 - 0 */
    tarn_free(p);
    fixture_job_clear(&j);
    fit_with(&j, &t, "trees=1 leaves=2 min_rows=1 learning_rate=1");
    p = fixture_predict(&j, &t);
    assert_true(fabs(p[1]) < 1e-5 && fabs(p[2] - 8) < 1e-5);
    assert_true(fabs(j.fitted[0].objective - 2) < 1e-4); /* (0 + 0 + 4 + 4) / 4 */
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void loss_falls_with_every_tree(void **state)
{
    (void)state;
    for (int32_t classes = 0; classes <= 3; classes += 1 + (classes == 0)) { /* 0, 2, 3 */
        fixture t;
        double last = INFINITY;
        uniform(&t, 2000, 3, classes);
        for (int64_t i = 0; i < t.rows; i++)
            t.y[i] = classes ? floor((t.column[0][i] * t.column[1][i] + 0.3 * fixture_unit(i, 9)) / 1.3 * classes)
                             : t.column[0][i] * t.column[1][i] + 0.3 * fixture_unit(i, 9);
        for (int trees = 1; trees <= 20; trees++) {
            fixture_job j = {0};
            char changes[32];
            (void)snprintf(changes, sizeof changes, "trees=%d", trees);
            fit_with(&j, &t, changes);
            assert_true(j.fitted[0].objective < last);
            last = j.fitted[0].objective;
            fixture_job_clear(&j);
        }
        fixture_clear(&t);
    }
}

static void missing_values_take_the_side_that_suits_them(void **state)
{
    (void)state;
    for (int missing_is_one = 0; missing_is_one < 2; missing_is_one++) {
        fixture t;
        fixture_job j = {0};
        uniform(&t, 2000, 2, 2);
        for (int64_t i = 0; i < t.rows; i++) {
            t.column[0][i] = floor(t.column[0][i] * 100);
            t.y[i] = t.column[0][i] > 60;
            if (fixture_unit(i, 9) > 0.3) continue;
            t.column[0][i] = NAN;
            t.y[i] = missing_is_one;
        }
        fit_with(&j, &t, "trees=20 leaves=2");
        assert_true(fixture_accuracy(&j, &t) == 1);
        fixture_job_clear(&j);
        fixture_clear(&t);
    }
}

static void levels_split_by_what_they_mean_not_by_their_codes(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    uniform(&t, 6000, 2, 2);
    t.levels[0] = 300; /* more than have bins: those beyond 254 go with the missing */
    for (int64_t i = 0; i < t.rows; i++) {
        t.column[0][i] = i % 40 == 39 ? 40 + floor(260 * fixture_unit(i, 3)) : (double)(i % 40);
        int64_t code = (int64_t)t.column[0][i];
        t.y[i] = code * 7 % 5 < 2;
    }
    fit_with(&j, &t, "trees=40");
    int64_t right = 0, common = 0;
    double *p = fixture_predict(&j, &t);
    for (int64_t i = 0; i < t.rows; i++) {
        if (t.column[0][i] >= 39) continue;
        common++;
        right += (p[i] >= 0.5) == (t.y[i] > 0);
    }
    assert_int_equal(right, common);
    tarn_free(p);
    for (int64_t i = 0; i < 100; i++) t.column[0][i] = i % 2 ? TARN_UNSEEN : NAN;
    p = fixture_predict(&j, &t);
    for (int64_t i = 0; i < 100; i++) assert_true(p[i] > 0 && p[i] < 1);
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void levels_of_noise_are_not_believed(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    uniform(&t, 4000, 2, 2);
    t.levels[1] = 250; /* 16 rows each, of pure noise */
    for (int64_t i = 0; i < t.rows; i++) {
        t.column[1][i] = floor(250 * fixture_unit(i, 5));
        t.y[i] = fixture_unit(i, 6) < (t.column[0][i] < 0.5 ? 0.2 : 0.8);
    }
    fit_with(&j, &t, "trees=30");
    double *p = fixture_predict(&j, &t), off = 0;
    for (int64_t i = 0; i < t.rows; i++) off += fabs(p[i] - (t.column[0][i] < 0.5 ? 0.2 : 0.8)) / (double)t.rows;
    assert_true(off < 0.16);
    assert_true(fixture_accuracy(&j, &t) < 0.9); /* the noise is not learned by heart */
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void a_weight_is_worth_as_many_rows(void **state)
{
    (void)state;
    for (int32_t classes = 0; classes <= 2; classes += 2) {
        fixture weighted, repeated;
        fixture_job a = {0}, b = {0};
        int64_t n = 0;
        uniform(&weighted, 1500, 2, classes);
        weighted.weighted = true;
        for (int64_t i = 0; i < 1500; i++) {
            weighted.column[0][i] = floor(20 * weighted.column[0][i]);
            weighted.column[1][i] = floor(20 * weighted.column[1][i]);
            weighted.weight[i] = 1 + (double)(i % 3);
            double v = weighted.column[0][i] / 20 + 0.5 * (weighted.column[1][i] > 8) + 0.5 * fixture_unit(i, 8);
            weighted.y[i] = classes ? v > 1 : v;
            n += 1 + i % 3;
        }
        uniform(&repeated, n, 2, classes);
        n = 0;
        for (int64_t i = 0; i < 1500; i++)
            for (int64_t k = 0; k <= i % 3; k++, n++) {
                repeated.column[0][n] = weighted.column[0][i];
                repeated.column[1][n] = weighted.column[1][i];
                repeated.y[n] = weighted.y[i];
            }
        fit_with(&a, &weighted, "trees=20 leaves=6 min_rows=1 min_hessian=5");
        fit_with(&b, &repeated, "trees=20 leaves=6 min_rows=1 min_hessian=5");
        double *p = fixture_predict(&a, &weighted), *q = fixture_predict(&b, &weighted), off = 0;
        for (int64_t i = 0; i < 1500; i++) off += fabs(p[i] - q[i]) / 1500;
        assert_true(off < 2e-3); /* rounding to whole steps may turn a near tie */
        assert_true(fabs(a.fitted[0].objective - b.fitted[0].objective) < 1e-3);
        tarn_free(p);
        tarn_free(q);
        fixture_job_clear(&a);
        fixture_job_clear(&b);
        fixture_clear(&weighted);
        fixture_clear(&repeated);
    }
}

static void very_unequal_weights_do_not_drown_the_light_rows(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    uniform(&t, 6000, 2, 2);
    t.weighted = true;
    for (int64_t i = 0; i < t.rows; i++) {
        t.weight[i] = i % 100 ? 1 : 10000; /* the heavy ones know nothing about column 1 */
        t.y[i] = i % 100 ? t.column[1][i] > 0.7 : (double)(i / 100 % 2);
        if (i % 100 == 0) t.column[0][i] = -1;
    }
    fit_with(&j, &t, "trees=100");
    double *p = fixture_predict(&j, &t);
    int64_t right = 0;
    for (int64_t i = 0; i < t.rows; i++) right += i % 100 && (p[i] > 0.5) == (t.y[i] > 0.5);
    assert_true(right > 5900);
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void stops_when_validation_no_longer_improves(void **state)
{
    (void)state;
    fixture t, valid;
    fixture_job j = {0}, full = {0};

    uniform(&t, 600, 5, 2);
    uniform(&valid, 2000, 5, 2);
    for (int64_t i = 0; i < t.rows; i++) t.y[i] = fixture_unit(i, 11) < (t.column[0][i] > 0.5 ? 0.7 : 0.3);
    for (int64_t i = 0; i < valid.rows; i++) {
        for (int32_t c = 0; c < 5; c++) valid.column[c][i] = fixture_unit(i + 10000, (uint32_t)c);
        valid.y[i] = fixture_unit(i + 10000, 11) < (valid.column[0][i] > 0.5 ? 0.7 : 0.3);
    }
    fixture_settings s = with("trees=300 early_stopping=10");
    j.valid = &valid;
    fixture_fit(&j, &tarn_algo_boosting, s.bytes, &t);
    int64_t rounds = j.fitted[0].iterations;
    assert_true(rounds >= 1 && rounds < 100);
    assert_true(j.fitted[0].converged);
    char changes[64];
    (void)snprintf(changes, sizeof changes, "trees=%d early_stopping=0", (int)rounds);
    s = with(changes);
    full.valid = &valid;
    fixture_fit(&full, &tarn_algo_boosting, s.bytes, &t);
    fixture_same(&full, &j, 0); /* cutting trees off leaves what fewer rounds would have made */
    fixture_job_clear(&j);
    fixture_job_clear(&full);
    s = with("trees=30 early_stopping=5"); /* and everywhere the same */
    fixture_same_everywhere(&tarn_algo_boosting, s.bytes, &t, &valid);
    fixture_clear(&t);
    fixture_clear(&valid);
}

/* Numbers, missing ones, categories with few and many levels; enough rows for every rank and thread. */
static void mixed(fixture *t, int32_t classes, bool weighted)
{
    uniform(t, 28000, 6, classes);
    t->levels[2] = 4;
    t->levels[3] = 300;
    t->weighted = weighted;
    for (int64_t i = 0; i < t->rows; i++) {
        double u = fixture_unit(i, 20);
        t->column[1][i] = u < 0.1 ? NAN : t->column[1][i];
        t->column[2][i] = u > 0.95 ? NAN : floor(4 * t->column[2][i]);
        t->column[3][i] = floor(300 * t->column[3][i] * t->column[3][i]);
        t->column[4][i] = floor(10 * t->column[4][i]);
        t->weight[i] = 0.5 + fixture_unit(i, 21);
        double v = t->column[0][i] + 0.3 * (fmod(t->column[3][i], 7) < 3) + 0.2 * fixture_unit(i, 22) + (u < 0.1);
        t->y[i] = classes ? floor(fmin(v / 2, 0.999) * classes) : v;
    }
}

static void threads_and_ranks_make_no_difference(void **state)
{
    (void)state;
    static const char *const changes[] = {"trees=4", "trees=3 row_share=0.6 column_share=0.5 depth=4", "trees=3"};

    for (int32_t k = 0; k < 3; k++) {
        fixture t;
        fixture_settings s = with(changes[k]);
        mixed(&t, k == 2 ? 0 : k + 2, k == 1);
        fixture_same_everywhere(&tarn_algo_boosting, s.bytes, &t, NULL);
        t.weighted = true;
        if (k == 2) fixture_same_everywhere(&tarn_algo_boosting, s.bytes, &t, NULL);
        fixture_clear(&t);
    }
}

static void ranks_without_rows_take_part(void **state)
{
    (void)state;
    fixture t;
    fixture_settings s = with("trees=3 min_rows=2");

    uniform(&t, 90, 3, 2);
    t.levels[2] = 6;
    for (int64_t i = 0; i < t.rows; i++) {
        t.column[2][i] = floor(6 * t.column[2][i]);
        t.y[i] = t.column[0][i] + t.column[2][i] > 3;
    }
    fixture_same_everywhere(&tarn_algo_boosting, s.bytes, &t, NULL);
    fixture_survive_no_memory_on_ranks(&tarn_algo_boosting, s.bytes, &t);
    fixture_clear(&t);
}

static void odd_tables_are_fine(void **state)
{
    (void)state;
    fixture t;
    fixture_job j = {0};

    for (int64_t rows = 1; rows <= 60; rows += rows < 5 ? 1 : 11) { /* too few rows to split: the mean */
        uniform(&t, rows, 3, 0);
        for (int64_t i = 0; i < rows; i++) {
            t.column[1][i] = NAN;
            t.column[2][i] = 4;
            t.y[i] = 3 + (double)i;
        }
        fit_with(&j, &t, "trees=5");
        double *p = fixture_predict(&j, &t);
        if (rows < 40) assert_true(fabs(p[0] - (3 + (double)(rows - 1) / 2)) < 1e-9);
        tarn_free(p);
        assert_true(j.fitted[0].importance[1] == 0 && j.fitted[0].importance[2] == 0);
        fixture_job_clear(&j);
        fixture_clear(&t);
    }
    uniform(&t, 200, 1, 0); /* a constant target, and nothing known */
    for (int64_t i = 0; i < 200; i++) t.column[0][i] = NAN, t.y[i] = 7;
    fit_with(&j, &t, "trees=5");
    assert_true(fixture_rmse(&j, &t) == 0);
    assert_true(j.fitted[0].converged);
    assert_int_equal(j.fitted[0].iterations, 1);
    fixture_job_clear(&j);
    fixture_clear(&t);
}

static void huge_and_tiny_targets_are_fine(void **state)
{
    (void)state;
    static const double scales[] = {1e-150, 1e-6, 1, 1e9, 1e150};

    for (int k = 0; k < 5; k++) {
        fixture t;
        fixture_job j = {0};
        uniform(&t, 500, 1, 0);
        for (int64_t i = 0; i < t.rows; i++) t.y[i] = scales[k] * (t.column[0][i] > 0.5 ? 3 : 1);
        fit_with(&j, &t, "trees=60 leaves=2 learning_rate=0.3");
        double *p = fixture_predict(&j, &t);
        for (int64_t i = 0; i < t.rows; i++) assert_true(fabs(p[i] - t.y[i]) < 1e-6 * scales[k]);
        tarn_free(p);
        fixture_job_clear(&j);
        fixture_clear(&t);
    }
}

static bool stop_at_once(void *self)
{
    ++*(int *)self;
    return *(int *)self > 2;
}

/* Learn on from `before`: rounds more on t. */
static tarn_code go_on(const fixture *t, const char *changes, const tarn_fitted *before, fixture_job *j, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_feature features[FIXTURE_COLS];
    tarn_dense dense;
    tarn_matrix x;
    tarn_graph *g = NULL;
    uint32_t regs[FIXTURE_COLS];
    fixture_settings s = with(changes);

    *j = (fixture_job){.algo = &tarn_algo_boosting, .params = s.bytes, .t = t};
    fixture_features(t, features);
    fixture_matrix(t, NULL, features, &dense, &x);
    TARN_TRY(tarn_graph_new(&g, err));
    TARN_TRY(fixture_inputs(t, g, regs, err));
    tarn_fit job = {.x = &x,
                    .seed = 5,
                    .graph = g,
                    .regs = regs,
                    .before = before ? before->state : NULL,
                    .before_len = before ? before->state_len : 0,
                    .keep_state = true};
    TARN_TRY(tarn_train(j->algo, j->params, &job, &j->fitted[0], err));
    rc = golden_finish(g, t->classes, j->fitted[0].out, &j->model[0], err);
done:
    tarn_graph_free(g);
    return rc;
}

static void learning_on_adds_trees_to_those_there_were(void **state)
{
    (void)state;
    static const int32_t classes[] = {0, 2, 4};

    for (int k = 0; k < 3; k++) {
        fixture t;
        fixture_job ten, more, all;
        mixed(&t, classes[k], true);
        must(go_on(&t, "trees=10", NULL, &ten, err));
        must(go_on(&t, "trees=15", &ten.fitted[0], &more, err));
        must(go_on(&t, "trees=25", NULL, &all, err));
        assert_int_equal(more.fitted[0].iterations, 25);
        assert_true(more.fitted[0].objective < ten.fitted[0].objective);
        /* on the same rows it is nearly as if all trees were grown at once: only dither and draws differ */
        assert_true(fabs(more.fitted[0].objective / all.fitted[0].objective - 1) < 0.02);
        for (int32_t c = 0; c < t.cols; c++) assert_true(more.fitted[0].importance[c] >= ten.fitted[0].importance[c]);
        fixture_job *jobs[] = {&ten, &more, &all};
        for (int i = 0; i < 3; i++) {
            tarn_free(jobs[i]->fitted[0].state);
            fixture_job_clear(jobs[i]);
        }
        fixture_clear(&t);
    }
}

static void what_an_earlier_fit_left_is_not_believed(void **state)
{
    (void)state;
    fixture t;
    fixture_job first, j;
    tarn_err error = {0};

    mixed(&t, 0, false);
    must(go_on(&t, "trees=3", NULL, &first, err));
    unsigned char *bytes = first.fitted[0].state;
    size_t len = first.fitted[0].state_len;
    assert_int_equal(go_on(&t, "trees=3 objective=absolute", &first.fitted[0], &j, &error), TARN_INVALID);
    for (size_t at = 0; at < len; at += at < 200 ? 3 : len / 300 + 1) {
        bytes[at] ^= 0x55;
        tarn_code rc = go_on(&t, "trees=1", &first.fitted[0], &j, &error); /* what is sound may be learned from */
        assert_true(rc == TARN_OK || rc == TARN_CORRUPT || rc == TARN_INVALID || rc == TARN_NUMERIC);
        if (rc == TARN_OK) tarn_free(j.fitted[0].state);
        if (rc == TARN_OK) fixture_job_clear(&j);
        bytes[at] ^= 0x55;
    }
    tarn_free(first.fitted[0].state);
    fixture_job_clear(&first);
    fixture_clear(&t);
}

static void can_be_cancelled(void **state)
{
    (void)state;
    fixture t;
    tarn_feature features[FIXTURE_COLS];
    tarn_dense dense;
    tarn_matrix x;
    tarn_graph *g = NULL;
    uint32_t regs[FIXTURE_COLS];
    tarn_fitted out;
    int asked = 0;
    tarn_sink sink = {.self = &asked, .cancelled = stop_at_once};
    fixture_settings s = with("trees=50");

    uniform(&t, 300, 2, 2);
    for (int64_t i = 0; i < t.rows; i++) t.y[i] = t.column[0][i] > 0.5;
    fixture_features(&t, features);
    fixture_matrix(&t, NULL, features, &dense, &x);
    must(tarn_graph_new(&g, err));
    must(fixture_inputs(&t, g, regs, err));
    tarn_fit job = {.x = &x, .sink = &sink, .graph = g, .regs = regs};
    must_fail_with(TARN_CANCELLED, "", tarn_train(&tarn_algo_boosting, s.bytes, &job, &out, err));
    assert_true(asked < 10);
    tarn_graph_free(g);
    fixture_clear(&t);
}

static void a_lack_of_memory_is_a_clean_error(void **state)
{
    (void)state;
    fixture t, valid;
    fixture_settings s = with("trees=3 leaves=6 row_share=0.9");

    uniform(&t, 400, 3, 3);
    uniform(&valid, 100, 3, 3);
    t.levels[2] = valid.levels[2] = 6;
    for (int64_t i = 0; i < 400; i++) {
        t.column[2][i] = floor(6 * t.column[2][i]);
        t.y[i] = fmod(t.column[2][i], 3);
        if (i >= 100) continue;
        valid.column[2][i] = t.column[2][i];
        valid.y[i] = t.y[i];
    }
    fixture_survive_no_memory(&tarn_algo_boosting, s.bytes, &t, &valid);
    fixture_clear(&t);
    fixture_clear(&valid);
}

/* 900 levels of about 60 rows: a third of them, without any order, stand for a y that is higher by 1; of another such
 * column nothing hangs. With the first, new rows are told apart; with the second, nothing is believed that is not so.
 */
static void many_rare_levels_are_used_but_not_believed_blindly(void **state)
{
    (void)state;
    enum { LEVELS = 900, ROWS = 54000, NEW = 10000 };
    double rmse[3];

    for (int k = 0; k < 3; k++) { /* 0: the column is all missing; 1: it tells; 2: it does not */
        fixture t, fresh;
        fixture_job j = {0};
        for (int part = 0; part < 2; part++) {
            fixture *f = part ? &fresh : &t;
            uniform(f, part ? NEW : ROWS, 2, 0);
            f->levels[1] = LEVELS;
            for (int64_t i = 0; i < f->rows; i++) {
                int64_t id = i + part * 1000000;
                double level = floor(LEVELS * fixture_unit(id, 30)), other = floor(LEVELS * fixture_unit(id, 31));
                f->column[0][i] = fixture_unit(id, 32);
                f->column[1][i] = k == 0 ? NAN : k == 1 ? level : other;
                f->y[i] = 2 * f->column[0][i] + (fixture_unit((int64_t)level, 33) < 1.0 / 3) + 3 * fixture_unit(id, 34);
            }
        }
        fit_with(&j, &t, "trees=60");
        rmse[k] = fixture_rmse(&j, &fresh);
        fixture_job_clear(&j);
        fixture_clear(&t);
        fixture_clear(&fresh);
    }
    /* Noise has a deviation of 0.866, the levels one of 0.471: 0.986 together. */
    if (!(rmse[1] < 0.91 && rmse[2] < 1.003 * rmse[0])) fail_msg("RMSE %g, %g, %g", rmse[0], rmse[1], rmse[2]);
}

/* Where a class has a dozen rows of 20000, its second derivatives are next to nothing, and Newton steps without end. */
static void a_class_of_few_rows_does_not_run_away(void **state)
{
    (void)state;
    fixture t, fresh;
    fixture_job j = {0};

    for (int part = 0; part < 2; part++) {
        fixture *f = part ? &fresh : &t;
        uniform(f, 20000, 3, 4);
        for (int64_t i = 0; i < f->rows; i++) {
            int64_t id = i + part * 1000000;
            for (uint32_t c = 0; c < 3; c++) f->column[c][i] = fixture_unit(id, c);
            double x = f->column[0][i];
            f->y[i] = x < 0.0006 ? 3 : x < 0.0013 ? 2 : x < 0.2 || fixture_unit(id, 40) < 0.001 ? 1 : 0;
        }
    }
    fit_with(&j, &t, "trees=60");
    double right = fixture_accuracy(&j, &fresh);
    if (!(right > 0.995)) fail_msg("accuracy %g", right);
    fixture_job_clear(&j);
    fixture_clear(&t);
    fixture_clear(&fresh);
}

TARN_TESTS(TARN_TEST(a_class_of_few_rows_does_not_run_away),
           TARN_TEST(many_rare_levels_are_used_but_not_believed_blindly), TARN_TEST(learns_a_chequered_square),
           TARN_TEST(learns_steps_and_more_classes), TARN_TEST(one_tree_of_two_leaves_is_worked_by_hand),
           TARN_TEST(loss_falls_with_every_tree), TARN_TEST(missing_values_take_the_side_that_suits_them),
           TARN_TEST(levels_split_by_what_they_mean_not_by_their_codes), TARN_TEST(levels_of_noise_are_not_believed),
           TARN_TEST(a_weight_is_worth_as_many_rows), TARN_TEST(very_unequal_weights_do_not_drown_the_light_rows),
           TARN_TEST(stops_when_validation_no_longer_improves), TARN_TEST(threads_and_ranks_make_no_difference),
           TARN_TEST(ranks_without_rows_take_part), TARN_TEST(odd_tables_are_fine),
           TARN_TEST(huge_and_tiny_targets_are_fine), TARN_TEST(can_be_cancelled),
           TARN_TEST(learning_on_adds_trees_to_those_there_were), TARN_TEST(what_an_earlier_fit_left_is_not_believed),
           TARN_TEST(a_lack_of_memory_is_a_clean_error))
