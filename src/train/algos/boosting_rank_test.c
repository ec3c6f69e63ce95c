/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_rank_test.c - LambdaMART: numbers worked by hand, and queries that lie across ranks. */
#include "train/tree_sample.h"

#include "train/algos/boosting_rank.h"

extern const tarn_algo tarn_algo_boosting;

enum { PARAMS_BYTES = 2048 };

/* Queries of many sizes, one of them longer than a block of rows; relevance 0 to 4 by two columns and chance. */
static void queries(fixture *t, int64_t rows, int64_t first)
{
    int64_t group = 0, left = 9000;

    fixture_new(t, rows, 4, 0);
    must(tarn_alloc(&t->group, (size_t)rows, sizeof *t->group, err));
    for (int64_t i = 0; i < rows; i++, left--) {
        if (left == 0) left = 1 + (int64_t)(fixture_unit(++group, 200) * 60);
        t->group[i] = group;
        for (uint32_t j = 0; j < 4; j++) t->column[j][i] = fixture_unit(first + i, j);
        double like = 3 * t->column[0][i] - 2 * t->column[1][i] + fixture_unit(first + i, 9) - 0.2;
        t->y[i] = floor(fmin(4, fmax(0, like * 1.5)));
    }
}

static double ndcg_of(const fixture *t, const double *score, int64_t truncation)
{
    tarn_feature features[FIXTURE_COLS];
    tarn_dense dense;
    tarn_matrix x;
    tarn_lambda *r = NULL;
    double mean = 0;

    fixture_features(t, features);
    fixture_matrix(t, NULL, features, &dense, &x);
    must(tarn_lambda_new(&x, NULL, NULL, truncation, &r, err));
    must(tarn_lambda_ndcg(r, score, &mean, err));
    tarn_lambda_free(r);
    return mean;
}

/* Relevances 0, 1, 3 (gains 0, 1, 7), scores in that order: places 2, 1, 0 by score 1, 2, 3 are the best order. With
 * scores 3, 2, 1: DCG = 0 + 1/log2(3) + 7/2 against 7 + 1/log2(3). */
static void ndcg_is_worked_by_hand(void **state)
{
    (void)state;
    static const double best[] = {1, 2, 3}, worst[] = {3, 2, 1};
    fixture t;

    fixture_new(&t, 3, 1, 0);
    must(tarn_alloc(&t.group, 3, sizeof *t.group, err));
    t.y[0] = 0, t.y[1] = 1, t.y[2] = 3;
    double d1 = 1 / log2(3);
    assert_true(fabs(ndcg_of(&t, best, 10) - 1) < 1e-12);
    assert_true(fabs(ndcg_of(&t, worst, 10) - (d1 + 3.5) / (7 + d1)) < 1e-12);
    assert_true(fabs(ndcg_of(&t, worst, 1) - 0) < 1e-12);
    t.y[1] = t.y[2] = 0; /* nothing is relevant: nothing can be wrong */
    assert_true(ndcg_of(&t, worst, 10) == 1);
    fixture_clear(&t);
}

/* Two rows of relevance 0 and 1, equal scores: rho = 1/2, D = 1 (1 - 1/log2 3) / 1, so g = +-D/2, h = D/4; then scaled
 * by log2(1 + S) / S with S = D. */
static void a_pair_is_worked_by_hand(void **state)
{
    (void)state;
    fixture t;
    tarn_feature features[FIXTURE_COLS];
    tarn_dense dense;
    tarn_matrix x;
    tarn_lambda *r = NULL;
    double score[2] = {0, 0}, g[2], h[2], d = 1 - 1 / log2(3), scale = log2(1 + d) / d;

    fixture_new(&t, 2, 1, 0);
    must(tarn_alloc(&t.group, 2, sizeof *t.group, err));
    t.y[1] = 1;
    fixture_features(&t, features);
    fixture_matrix(&t, NULL, features, &dense, &x);
    must(tarn_lambda_new(&x, NULL, NULL, 5, &r, err));
    must(tarn_lambda_gradients(r, score, g, h, err));
    assert_true(fabs(g[0] - d / 2 * scale) < 1e-12 && fabs(g[1] + d / 2 * scale) < 1e-12);
    assert_true(fabs(h[0] - d / 4 * scale) < 1e-12 && fabs(h[1] - d / 4 * scale) < 1e-12);
    tarn_lambda_free(r);
    r = NULL;
    t.y[0] = 61;
    must_fail_with(TARN_INVALID, "relevance of row 1", tarn_lambda_new(&x, NULL, NULL, 5, &r, err));
    fixture_clear(&t);
}

static void set(unsigned char *params, const char *name, const char *value)
{
    must(tarn_param_set(tarn_algo_boosting.params, params, name, value, err));
}

static void puts_new_queries_in_order(void **state)
{
    (void)state;
    _Alignas(16) unsigned char params[PARAMS_BYTES];
    fixture t, valid, fresh;

    queries(&t, 20000, 0);
    queries(&valid, 12000, 100000);
    queries(&fresh, 15000, 200000);
    tarn_params_default(tarn_algo_boosting.params, params);
    set(params, "trees", "60");
    set(params, "stop_on", "ndcg");
    fixture_job j = {.valid = &valid};
    fixture_fit(&j, &tarn_algo_boosting, params, &t);
    double *p = fixture_predict(&j, &fresh);
    double ours = ndcg_of(&fresh, p, 10), chance = ndcg_of(&fresh, fresh.column[3], 10);
    if (!(ours > 0.9 && chance < 0.7)) fail_msg("NDCG %g, by chance %g", ours, chance);
    assert_true(j.fitted[0].objective > 0 && j.fitted[0].objective < 0.1);
    tarn_free(p);
    fixture_job_clear(&j);
    fixture_clear(&t);
    fixture_clear(&valid);
    fixture_clear(&fresh);
}

static void queries_across_ranks_make_no_difference(void **state)
{
    (void)state;
    _Alignas(16) unsigned char params[PARAMS_BYTES];
    fixture t, valid;

    queries(&t, 40000, 0); /* the first query lies on the first two of three ranks */
    queries(&valid, 2000, 100000);
    t.weighted = true;
    for (int64_t i = 0; i < t.rows; i++) t.weight[i] = 1 + (double)(i % 3);
    tarn_params_default(tarn_algo_boosting.params, params);
    set(params, "trees", "4");
    fixture_same_everywhere(&tarn_algo_boosting, params, &t, NULL);
    t.weighted = false;
    fixture_same_everywhere(&tarn_algo_boosting, params, &t, &valid);
    for (int64_t i = 0; i < t.rows; i++) t.group[i] = 5; /* one query for all */
    set(params, "trees", "1");
    fixture_same_everywhere(&tarn_algo_boosting, params, &t, NULL);
    fixture_clear(&t);
    fixture_clear(&valid);
}

static void a_lack_of_memory_is_a_clean_error(void **state)
{
    (void)state;
    _Alignas(16) unsigned char params[PARAMS_BYTES];
    fixture t;

    fixture_new(&t, 300, 2, 0);
    must(tarn_alloc(&t.group, 300, sizeof *t.group, err));
    for (int64_t i = 0; i < 300; i++) {
        t.group[i] = i / 10;
        t.column[0][i] = t.column[1][i] = fixture_unit(i, 0);
        t.y[i] = floor(4 * t.column[0][i]);
    }
    tarn_params_default(tarn_algo_boosting.params, params);
    set(params, "trees", "2");
    fixture_survive_no_memory(&tarn_algo_boosting, params, &t, &t);
    fixture_survive_no_memory_on_ranks(&tarn_algo_boosting, params, &t);
    fixture_clear(&t);
}

TARN_TESTS(TARN_TEST(ndcg_is_worked_by_hand), TARN_TEST(a_pair_is_worked_by_hand), TARN_TEST(puts_new_queries_in_order),
           TARN_TEST(queries_across_ranks_make_no_difference), TARN_TEST(a_lack_of_memory_is_a_clean_error))
