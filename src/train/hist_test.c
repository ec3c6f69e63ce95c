/* SPDX-License-Identifier: Apache-2.0 */
/* hist_test.c - packed sums against plain ones, up to the limits of the packing. */
#include "train/tree_sample.h"

#include "train/hist.h"

static const int64_t row_counts[] = {1, 50, 1000, 4096, 100000, INT64_C(10000000000)};

static void the_largest_gradients_fit(void **state)
{
    (void)state;
    for (int k = 0; k < 24; k++) {
        bool constant = k % 2 == 1, finer = k % 4 >= 2;
        tarn_pack p = tarn_pack_for(row_counts[k / 4], constant, finer);
        for (int sign = -1; sign <= 1; sign += 2) {
            int64_t v = tarn_pack_row(&p, sign * p.g_most, p.h_most), sum = 0;
            for (int64_t i = 0; i < p.rows; i++) sum += v;
            assert_int_equal(sum >> p.g_shift, sign * p.g_most * p.rows);
            assert_int_equal(sum & ((INT64_C(1) << p.h_shift) - 1), p.rows);
            if (p.g_shift == p.h_shift) continue;
            int64_t h = sum >> p.h_shift & ((INT64_C(1) << (p.g_shift - p.h_shift)) - 1);
            assert_int_equal(h, p.h_most * p.rows);
        }
        assert_true(p.g_most >= (finer ? 131071 : 2047));
        assert_true(constant || p.h_most >= (finer ? 32767 : 511));
    }
}

typedef struct sample {
    fixture t;
    tarn_bins *bins;
    tarn_binned rows;
    tarn_pack pack;
    int64_t *g, *h, *packed, *fine, *wide;
    int32_t *list;
} sample;

static void sample_new(sample *s, bool constant)
{
    static tarn_feature features[FIXTURE_COLS];
    tarn_dense dense;
    tarn_matrix x;

    fixture_new(&s->t, 3000, 7, 2);
    s->t.levels[3] = 9;
    for (int64_t i = 0; i < s->t.rows; i++)
        for (int32_t j = 0; j < 7; j++) {
            double u = fixture_unit(i, (uint32_t)j);
            s->t.column[j][i] = j == 3 ? floor(u * 9) : u < 0.1 ? NAN : u;
        }
    fixture_features(&s->t, features);
    fixture_matrix(&s->t, NULL, features, &dense, &x);
    tarn_fit job = {.x = &x};
    must(tarn_bins_make(&job, 255, false, &s->bins, err));
    must(tarn_bins_rows(s->bins, &x, NULL, true, false, &s->rows, err));
    s->pack = tarn_pack_for(3000, constant, false);
    must(tarn_alloc(&s->g, 3000, sizeof *s->g, err));
    must(tarn_alloc(&s->h, 3000, sizeof *s->h, err));
    must(tarn_alloc(&s->packed, 4000, sizeof *s->packed, err));
    must(tarn_alloc(&s->fine, 7 * TARN_HIST_FINE, sizeof *s->fine, err));
    must(tarn_alloc(&s->wide, 3 * (size_t)s->bins->cells, sizeof *s->wide, err));
    must(tarn_alloc(&s->list, 3000, sizeof *s->list, err));
    for (int64_t i = 0; i < 3000; i++) {
        s->g[i] = (int64_t)((fixture_unit(i, 20) * 2 - 1) * (double)s->pack.g_most);
        s->h[i] = constant ? 1 : (int64_t)(fixture_unit(i, 21) * (double)s->pack.h_most);
        s->packed[i] = tarn_pack_row(&s->pack, s->g[i], s->h[i]);
    }
}

static void sample_clear(sample *s)
{
    tarn_free(s->g);
    tarn_free(s->h);
    tarn_free(s->packed);
    tarn_free(s->fine);
    tarn_free(s->wide);
    tarn_free(s->list);
    tarn_binned_clear(&s->rows);
    tarn_bins_free(s->bins);
    fixture_clear(&s->t);
}

/* The feature's cells in wide must be `times` the plain sums over the listed rows (n of them; NULL: 0 .. n-1). */
static void compare(const sample *s, int32_t f, const int32_t *list, int64_t n, int64_t times)
{
    int64_t sums[3][256] = {{0}};

    for (int64_t k = 0; k < n; k++) {
        int64_t i = list ? list[k] : k;
        uint8_t bin = s->rows.by_row[(size_t)i * s->rows.row_bytes + (size_t)f];
        sums[0][bin] += s->g[i];
        sums[1][bin] += s->h[i];
        sums[2][bin] += 1;
    }
    for (int plane = 0; plane < 3; plane++)
        for (int32_t b = 0; b <= s->bins->feature[f].bins; b++)
            assert_int_equal(s->wide[plane * s->bins->cells + s->bins->cell[f] + b], times * sums[plane][b]);
}

static void packed_sums_are_plain_sums(void **state)
{
    (void)state;
    static const int32_t all[] = {0, 1, 2, 3, 4, 5, 6}, some[] = {1, 3, 6};

    for (int constant = 0; constant < 2; constant++) {
        sample s;
        sample_new(&s, constant);
        tarn_hist_use use = {all, 7, true};
        tarn_hist_add(&s.rows, 7, &use, s.packed, NULL, 0, 3000, s.fine);
        tarn_hist_pour(s.bins, &use, &s.pack, s.fine, s.wide, true);
        for (int32_t f = 0; f < 7; f++) compare(&s, f, NULL, 3000, 1);
        for (int i = 0; i < 7 * TARN_HIST_FINE; i++) assert_int_equal(s.fine[i], 0);
        tarn_hist wide = {s.wide, false};
        tarn_sums total = tarn_hist_total(s.bins, &s.pack, 2, &wide);
        tarn_sums other = tarn_hist_total(s.bins, &s.pack, 3, &wide);
        assert_int_equal(total.n, 3000);
        assert_memory_equal(&total, &other, sizeof total);
        int64_t *beside = s.packed + 3000;
        for (int64_t i = 0; i < 1000; i++) s.list[i] = (int32_t)(i * 3);
        for (int64_t i = 0; i < 1000; i++) beside[i] = s.packed[s.list[i]];
        use = (tarn_hist_use){some, 3, false};
        for (int times = 1; times <= 2; times++) {
            tarn_hist_add(&s.rows, 7, &use, beside, s.list, 0, 1000, s.fine);
            tarn_hist_pour(s.bins, &use, &s.pack, s.fine, s.wide, times == 1);
            for (int k = 0; k < 3; k++) compare(&s, some[k], s.list, 1000, times);
        }
        compare(&s, 0, NULL, 3000, 1); /* untouched */
        tarn_hist_merge(s.bins, 3, s.wide, s.wide);
        compare(&s, 3, s.list, 1000, 4);
        tarn_hist_subtract(s.bins, &s.pack, 3, &wide, &wide, false);
        compare(&s, 3, s.list, 0, 1);
        sample_clear(&s);
    }
}

/* What is left of wide or packed cells when packed ones are taken away, in either form. */
static void what_is_left_is_the_same_in_every_form(void **state)
{
    (void)state;
    static const int32_t all[] = {0, 1, 2, 3, 4, 5, 6};

    for (int k = 0; k < 8; k++) {
        sample s;
        int64_t *less = NULL;
        bool from_packed = k & 2, to_packed = k & 4 || from_packed;
        sample_new(&s, k & 1);
        tarn_hist_use use = {all, 7, true};
        must(tarn_alloc(&less, (size_t)s.bins->cells, sizeof *less, err));
        tarn_hist_add(&s.rows, 7, &use, s.packed, NULL, 0, 3000, s.fine);
        if (from_packed) tarn_hist_store(s.bins, &use, s.fine, s.wide);
        else tarn_hist_pour(s.bins, &use, &s.pack, s.fine, s.wide, true);
        tarn_hist_add(&s.rows, 7, &use, s.packed, NULL, 0, 1900, s.fine);
        tarn_hist_store(s.bins, &use, s.fine, less);
        tarn_hist a = {s.wide, from_packed}, b = {less, true};
        for (int32_t f = 0; f < 7; f++) tarn_hist_subtract(s.bins, &s.pack, f, &a, &b, to_packed);
        tarn_hist_add(&s.rows, 7, &use, s.packed + 1900, NULL, 1900, 1100, s.fine);
        for (int32_t f = 0; f < 7; f++)
            for (int32_t c = 0; c <= s.bins->feature[f].bins; c++) {
                int64_t want = s.fine[f * TARN_HIST_FINE + c], at = s.bins->cell[f] + c;
                tarn_sums sums = tarn_pack_sums(&s.pack, want);
                assert_int_equal(s.wide[at], to_packed ? want : sums.g);
                if (to_packed) continue;
                assert_int_equal(s.wide[at + s.bins->cells], sums.h);
                assert_int_equal(s.wide[at + 2 * s.bins->cells], sums.n);
            }
        tarn_free(less);
        sample_clear(&s);
    }
}

TARN_TESTS(TARN_TEST(what_is_left_is_the_same_in_every_form), TARN_TEST(the_largest_gradients_fit),
           TARN_TEST(packed_sums_are_plain_sums))
