/* SPDX-License-Identifier: Apache-2.0 */
/* bins_test.c - bins against their edges, counts, ranks, layouts and a lack of memory. */
#include "train/tree_sample.h"

#include "train/bins.h"

static void make(const fixture *t, int64_t max_bins, tarn_bins **bins, tarn_binned *rows, bool by_row, bool by_column)
{
    static tarn_feature features[FIXTURE_COLS];
    tarn_dense dense;
    tarn_matrix x;

    fixture_features(t, features);
    fixture_matrix(t, NULL, features, &dense, &x);
    tarn_fit job = {.x = &x, .seed = 3};
    must(tarn_bins_make(&job, max_bins, false, bins, err));
    must(tarn_bins_rows(*bins, &x, NULL, by_row, by_column, rows, err));
}

/* What a served tree does: x <= edge, for every edge. */
static void agree_with_edges(const fixture *t, const tarn_bins *bins, const tarn_binned *rows)
{
    for (int32_t j = 0; j < t->cols; j++) {
        const tarn_bin_feature *f = &bins->feature[j];
        for (int64_t i = 0; i < t->rows; i++) {
            uint8_t bin = rows->by_column[(int64_t)j * t->rows + i];
            double x = t->column[j][i];
            if (isnan(x)) {
                assert_int_equal(bin, f->bins);
                continue;
            }
            assert_true(bin < f->bins);
            for (int32_t e = 0; e + 1 < f->bins; e++) assert_int_equal(x <= f->edges[e], bin <= e);
        }
    }
}

static void every_row_takes_the_same_way_by_bin_and_by_value(void **state)
{
    (void)state;
    fixture t;
    tarn_bins *bins = NULL;
    tarn_binned rows;

    fixture_new(&t, 3000, 5, 2);
    for (int64_t i = 0; i < t.rows; i++) {
        double u = fixture_unit(i, 0);
        t.column[0][i] = u < 0.1 ? NAN : u < 0.11 ? INFINITY : u < 0.12 ? -INFINITY : (u - 0.5) * 1e300;
        t.column[1][i] = u < 0.5 ? 0.0 : u < 0.7 ? -0.0 : ldexp(u, -1060); /* zeros of both signs, subnormals */
        t.column[2][i] = 1 + floor(u * 600) * 0x1p-52;                     /* neighbouring doubles */
        t.column[3][i] = floor(u * 20);
        t.column[4][i] = u < 0.5 ? 1.7e308 : -1.7e308;
    }
    make(&t, 255, &bins, &rows, true, true);
    agree_with_edges(&t, bins, &rows);
    assert_int_equal(bins->feature[3].bins, 20);
    assert_int_equal(bins->feature[4].bins, 2);
    assert_true(bins->feature[0].bins > 200);
    assert_true(bins->feature[0].bins <= 255);
    tarn_binned_clear(&rows);
    tarn_bins_free(bins);
    fixture_clear(&t);
}

static void edges_stand_midway_between_distinct_values(void **state)
{
    (void)state;
    static const double values[] = {5, 1, 2, 2, 8, NAN, 1};
    fixture t;
    tarn_bins *bins = NULL;
    tarn_binned rows;

    fixture_new(&t, 7, 1, 2);
    memcpy(t.column[0], values, sizeof values);
    make(&t, 255, &bins, &rows, false, true);
    assert_int_equal(bins->feature[0].bins, 4);
    assert_true(bins->feature[0].edges[0] == 1.5);
    assert_true(bins->feature[0].edges[1] == 3.5);
    assert_true(bins->feature[0].edges[2] == 6.5);
    assert_true(isinf(bins->feature[0].edges[3]));
    static const uint8_t expected[] = {2, 0, 1, 1, 3, 4, 0};
    assert_memory_equal(rows.by_column, expected, sizeof expected);
    tarn_binned_clear(&rows);
    tarn_bins_free(bins);
    fixture_clear(&t);
}

static void bins_hold_about_equally_many_but_for_a_heavy_value(void **state)
{
    (void)state;
    fixture t;
    tarn_bins *bins = NULL;
    tarn_binned rows;
    int64_t count[256] = {0};

    fixture_new(&t, 20000, 1, 2);
    for (int64_t i = 0; i < t.rows; i++) t.column[0][i] = i % 2 ? 0.5 : exp(3 * fixture_unit(i, 0)) - 4;
    make(&t, 64, &bins, &rows, false, true);
    for (int64_t i = 0; i < t.rows; i++) count[rows.by_column[i]]++;
    assert_int_equal(bins->feature[0].bins, 64);
    for (int b = 0; b < 64; b++) {
        if (b == rows.by_column[1]) continue;          /* the heavy one */
        assert_true(count[b] >= 79 && count[b] < 240); /* 10000 / 63 = 159; the one before may be half full */
    }
    int64_t heavy = count[rows.by_column[1]];
    assert_true(heavy >= 10000 && heavy < 10080); /* it takes in what would not fill half a bin */
    tarn_binned_clear(&rows);
    tarn_bins_free(bins);
    fixture_clear(&t);
}

static void rare_unseen_and_missing_levels_share_a_bin(void **state)
{
    (void)state;
    fixture t;
    tarn_bins *bins = NULL;
    tarn_binned rows;

    fixture_new(&t, 3000, 2, 2);
    t.levels[0] = 300;
    t.levels[1] = 3;
    for (int64_t i = 0; i < t.rows; i++) {
        t.column[0][i] = i < 300 ? (double)i : (double)(i % 200 + 100); /* levels below 100 occur once */
        t.column[1][i] = i % 5 == 3 ? NAN : i % 5 == 4 ? TARN_UNSEEN : (double)(i % 5);
    }
    t.column[1][1] = 7; /* no such level */
    make(&t, 255, &bins, &rows, true, true);
    assert_int_equal(bins->feature[0].bins, 254);
    int32_t without = 0;
    for (int l = 0; l < 300; l++) {
        without += bins->feature[0].of_level[l] == 254;
        if (l >= 100) assert_true(bins->feature[0].of_level[l] < 254);
    }
    assert_int_equal(without, 46); /* of the levels that occur once, the lower codes have a bin */
    assert_int_equal(bins->feature[0].of_level[53], 53);
    assert_int_equal(bins->feature[0].of_level[54], 254);
    assert_int_equal(bins->feature[0].of_level[100], 54);
    assert_int_equal(bins->feature[1].bins, 3);
    static const uint8_t expected[] = {0, 3, 2, 3, 3, 0, 1, 2, 3, 3};
    assert_memory_equal(rows.by_column + t.rows, expected, sizeof expected);
    tarn_binned_clear(&rows);
    tarn_bins_free(bins);
    fixture_clear(&t);
}

static void both_layouts_hold_the_same(void **state)
{
    (void)state;
    static const int32_t widths[] = {1, 9, 20, 65};

    for (int k = 0; k < 4; k++) {
        fixture t;
        tarn_bins *bins = NULL;
        tarn_binned both, one;
        fixture_new(&t, 1500, widths[k], 2);
        for (int64_t i = 0; i < t.rows; i++)
            for (int32_t j = 0; j < t.cols; j++) t.column[j][i] = fixture_unit(i, (uint32_t)j);
        make(&t, 255, &bins, &both, true, true);
        for (int64_t i = 0; i < t.rows; i++)
            for (int32_t j = 0; j < t.cols; j++)
                assert_int_equal(both.by_row[(size_t)i * both.row_bytes + (size_t)j],
                                 both.by_column[(int64_t)j * t.rows + i]);
        tarn_bins_free(bins);
        make(&t, 255, &bins, &one, true, false);
        assert_null(one.by_column);
        assert_memory_equal(one.by_row, both.by_row, (size_t)t.rows * both.row_bytes);
        tarn_binned_clear(&both);
        tarn_binned_clear(&one);
        tarn_bins_free(bins);
        fixture_clear(&t);
    }
}

static void a_column_without_values_has_no_bins(void **state)
{
    (void)state;
    fixture t;
    tarn_bins *bins = NULL;
    tarn_binned rows;

    fixture_new(&t, 10, 2, 2);
    for (int64_t i = 0; i < t.rows; i++) t.column[0][i] = NAN;
    make(&t, 255, &bins, &rows, true, true);
    assert_int_equal(bins->feature[0].bins, 0);
    assert_int_equal(bins->feature[1].bins, 1);
    assert_int_equal(bins->cells, 1 + 2);
    for (int64_t i = 0; i < t.rows; i++) assert_int_equal(rows.by_column[i], 0);
    tarn_binned_clear(&rows);
    tarn_bins_free(bins);
    fixture_clear(&t);
}

typedef struct ranks_job {
    const fixture *t;
    tarn_bins *bins[3];
} ranks_job;

static tarn_code bins_of_rank(void *arg, tarn_comm *comm, tarn_err *err)
{
    ranks_job *j = arg;
    tarn_feature features[FIXTURE_COLS];
    tarn_dense dense;
    tarn_matrix x;

    fixture_features(j->t, features);
    fixture_matrix(j->t, comm, features, &dense, &x);
    tarn_fit job = {.x = &x, .seed = 3, .comm = comm};
    return tarn_bins_make(&job, 255, false, &j->bins[tarn_comm_rank(comm)], err);
}

static void a_sample_over_ranks_gives_the_same_edges(void **state)
{
    (void)state;
    fixture t;
    tarn_bins *alone = NULL;
    tarn_binned rows;

    fixture_new(&t, 260000, 2, 2); /* more than are looked at */
    t.levels[1] = 400;
    for (int64_t i = 0; i < t.rows; i++) {
        double u = fixture_unit(i, 0);
        t.column[0][i] = u * u;
        t.column[1][i] = floor(400 * u * u * u);
    }
    make(&t, 255, &alone, &rows, false, true);
    agree_with_edges(&(fixture){.rows = 5000, .cols = 1, .column = {t.column[0]}}, alone, &rows);
    for (int ranks = 2; ranks <= 3; ranks++) {
        ranks_job j = {.t = &t};
        must(tarn_comm_run_threads(ranks, bins_of_rank, &j, err));
        for (int r = 0; r < ranks; r++) {
            assert_int_equal(j.bins[r]->feature[0].bins, alone->feature[0].bins);
            assert_memory_equal(j.bins[r]->edges, alone->edges, 255 * sizeof(double));
            assert_memory_equal(j.bins[r]->of_level, alone->of_level, 400);
            tarn_bins_free(j.bins[r]);
        }
    }
    tarn_binned_clear(&rows);
    tarn_bins_free(alone);
    fixture_clear(&t);
}

static void a_lack_of_memory_is_a_clean_error(void **state)
{
    (void)state;
    fixture t;

    fixture_new(&t, 600, 2, 2);
    t.levels[1] = 300;
    for (int64_t i = 0; i < t.rows; i++) {
        t.column[0][i] = fixture_unit(i, 0);
        t.column[1][i] = (double)(i % 300);
    }
    for (int64_t n = 1;; n++) {
        ranks_job j = {.t = &t};
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        tarn_code rc = bins_of_rank(&j, NULL, &err);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) {
            tarn_bins_free(j.bins[0]);
            assert_true(n > 8);
            break;
        }
        assert_int_equal(rc, TARN_NOMEM);
        assert_null(j.bins[0]);
    }
    fixture_clear(&t);
}

TARN_TESTS(TARN_TEST(every_row_takes_the_same_way_by_bin_and_by_value),
           TARN_TEST(edges_stand_midway_between_distinct_values),
           TARN_TEST(bins_hold_about_equally_many_but_for_a_heavy_value),
           TARN_TEST(rare_unseen_and_missing_levels_share_a_bin), TARN_TEST(both_layouts_hold_the_same),
           TARN_TEST(a_column_without_values_has_no_bins), TARN_TEST(a_sample_over_ranks_gives_the_same_edges),
           TARN_TEST(a_lack_of_memory_is_a_clean_error))
