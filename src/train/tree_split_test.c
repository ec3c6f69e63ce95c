/* SPDX-License-Identifier: Apache-2.0 */
/* tree_split_test.c - the search for a split against trying every one. */
#include "train/tree_sample.h"

#include "train/tree_split.h"

enum { BINS = 12 };

/* One feature with BINS bins and its cells: {g, h, n} of each bin, the missing one last. */
typedef struct sample {
    tarn_bin_feature feature;
    int32_t cell;
    tarn_bins bins;
    int64_t wide[3 * (BINS + 1)];
    tarn_sums total;
} sample;

static const tarn_pack no_pack = {0};

static void total_of(sample *s)
{
    tarn_hist wide = {s->wide, false};

    s->total = tarn_hist_total(&s->bins, &no_pack, 0, &wide);
}

static void find(const tarn_split_rules *r, sample *s, tarn_split *best)
{
    tarn_hist wide = {s->wide, false};
    tarn_split_node node = {s->total, -INFINITY, INFINITY};

    tarn_split_find(r, &s->bins, 0, &wide, &node, best);
}

static void sample_new(sample *s, uint32_t seed, bool category, int32_t bins, bool missing)
{
    static const double edges[255] = {0};
    static const uint8_t of_level[BINS] = {0};

    *s =
        (sample){.feature = {.category = category, .bins = bins, .levels = bins, .edges = edges, .of_level = of_level}};
    s->bins = (tarn_bins){.cols = 1, .cells = BINS + 1, .feature = &s->feature, .cell = &s->cell};
    for (int32_t b = 0; b <= bins; b++) {
        int64_t n = b == bins && !missing ? 0 : (int64_t)(fixture_unit(b, 3 * seed) * 60);
        s->wide[b] = (int64_t)((fixture_unit(b, 3 * seed + 1) - 0.5) * 2000 * (double)n);
        s->wide[b + BINS + 1] = n * 250;
        s->wide[b + 2 * (BINS + 1)] = n;
    }
    total_of(s);
}

static const tarn_split_rules rules = {.g_unit = 1e-3,
                                       .h_unit = 1e-3,
                                       .l2 = 0.5,
                                       .min_hessian = 1e-3,
                                       .min_rows = 20,
                                       .category_smooth = 0,
                                       .category_rows = 1};

static tarn_sums left_of(const sample *s, uint32_t set)
{
    tarn_sums l = {0};

    for (int32_t b = 0; b <= s->feature.bins; b++) {
        if (!(set >> b & 1)) continue;
        l.g += s->wide[b];
        l.h += s->wide[b + BINS + 1];
        l.n += s->wide[b + 2 * (BINS + 1)];
    }
    return l;
}

/* -1 where a side has too few rows. */
static double gain(const sample *s, uint32_t set)
{
    tarn_sums l = left_of(s, set);
    double g = (double)s->total.g * 1e-3, h = (double)s->total.h * 1e-3, gl = (double)l.g * 1e-3,
           hl = (double)l.h * 1e-3;

    if (l.n < rules.min_rows || s->total.n - l.n < rules.min_rows) return -1;
    return gl * gl / (hl + 0.5) + (g - gl) * (g - gl) / (h - hl + 0.5) - g * g / (h + 0.5);
}

static uint32_t set_of(const tarn_split *split, const tarn_bins *bins)
{
    uint8_t left[256];
    uint32_t set = 0;

    tarn_branch_table(&split->by, bins, left);
    for (int b = 0; b <= bins->feature[0].bins; b++) set |= (uint32_t)left[b] << b;
    return set;
}

static void numbers_split_as_well_as_any_border_allows(void **state)
{
    (void)state;
    int found = 0;

    for (uint32_t seed = 0; seed < 300; seed++) {
        sample s;
        tarn_split split = {0};
        double best = 0;
        bool missing = seed % 3 > 0;
        int32_t bins = 1 + (int32_t)(seed % BINS);
        sample_new(&s, seed, false, bins, missing);
        for (int32_t b = 0; b < bins; b++) {
            double right = gain(&s, (2u << b) - 1), left = gain(&s, ((2u << b) - 1) | 1u << bins);
            best = right > best ? right : best;
            best = missing && left > best ? left : best;
        }
        find(&rules, &s, &split);
        assert_true(fabs(split.gain - best) <= 1e-9 * (1 + best));
        if (split.gain <= 0) continue;
        found++;
        uint32_t set = set_of(&split, &s.bins);
        tarn_sums l = left_of(&s, set);
        assert_true(fabs(gain(&s, set) - split.gain) <= 1e-9 * (1 + best));
        assert_memory_equal(&l, &split.left, sizeof l);
        if (s.wide[bins + 2 * (BINS + 1)] == 0) /* missing values that may come later follow the larger side */
            assert_int_equal(split.by.missing_left, 2 * l.n >= s.total.n);
    }
    assert_true(found > 200);
}

static void levels_split_as_well_as_any_subset_allows(void **state)
{
    (void)state;
    int found = 0;

    for (uint32_t seed = 0; seed < 200; seed++) {
        sample s;
        tarn_split split = {0};
        double best = 0, best_single = 0;
        int32_t bins = 2 + (int32_t)(seed % 9), used = 0;
        sample_new(&s, seed, true, bins, seed % 2);
        for (int32_t b = 0; b <= bins; b++) used += s.wide[b + 2 * (BINS + 1)] > 0;
        for (uint32_t set = 1; set < 2u << bins; set++) {
            double v = gain(&s, set);
            best = v > best ? v : best;
            if ((set & (set - 1)) == 0 && v > best_single) best_single = v;
        }
        find(&rules, &s, &split);
        if (used <= 4) assert_true(fabs(split.gain - best_single) <= 1e-9 * (1 + best));
        else
            assert_true(split.gain <= best * (1 + 1e-9) &&
                        split.gain >= 0.9 * best); /* l2 and the count disturb the order a little */
        if (split.gain <= 0) continue;
        found++;
        tarn_sums l = left_of(&s, set_of(&split, &s.bins));
        assert_memory_equal(&l, &split.left, sizeof l);
        assert_int_equal(split.by.missing_left, set_of(&split, &s.bins) >> bins & 1);
    }
    assert_true(found > 150);
}

static void rare_levels_do_not_decide(void **state)
{
    (void)state;
    tarn_split_rules careful = rules;
    sample s;
    tarn_split split = {0};

    sample_new(&s, 1, true, BINS, false);
    for (int32_t b = 0; b < BINS; b++) { /* all alike, but one with 9 rows */
        int64_t n = b == 5 ? 9 : 100;
        s.wide[b] = n * (b == 5 ? 500 : 1);
        s.wide[b + BINS + 1] = n * 250;
        s.wide[b + 2 * (BINS + 1)] = n;
    }
    total_of(&s);
    careful.category_smooth = 10;
    careful.category_rows = 100;
    find(&careful, &s, &split);
    assert_true(split.gain == 0 || !(split.by.set[0] >> 5 & 1));
}

static void many_levels_pay_for_what_chance_gives_them(void **state)
{
    (void)state;
    tarn_split_rules doubting = rules;
    int level_won = 0, believed = 0;

    doubting.level_noise = 0.64;
    for (uint32_t seed = 0; seed < 200; seed++) { /* pure noise: g of variance h, 50 rows a level */
        sample s;
        tarn_split split = {0}, doubted = {0};
        sample_new(&s, seed, true, BINS, false);
        for (int32_t b = 0; b < BINS; b++) {
            double u = fixture_unit(b, 3 * seed) + fixture_unit(b, 3 * seed + 1) + fixture_unit(b, 3 * seed + 2) - 1.5;
            s.wide[b] = (int64_t)(2000 * u * sqrt(50 * 0.25)); /* the sum of three has variance 1/4; units of 1/1000 */
            s.wide[b + BINS + 1] = 50 * 250;
            s.wide[b + 2 * (BINS + 1)] = 50;
        }
        total_of(&s);
        find(&rules, &s, &split);
        find(&doubting, &s, &doubted);
        level_won += split.gain > 4;
        believed += doubted.gain > 4;
        if (doubted.gain > 0) assert_true(fabs(split.gain - 0.64 * (BINS - 1) - doubted.gain) < 1e-9);
    }
    assert_true(level_won > 140);
    assert_true(believed < level_won / 4);
}

static void equal_columns_tie_for_the_first(void **state)
{
    (void)state;
    sample s;
    tarn_split first = {0};

    sample_new(&s, 4, false, BINS, true);
    find(&rules, &s, &first);
    assert_true(first.gain > 0);
    tarn_split again = first;
    again.by.feature = -7; /* would be overwritten by a better one */
    find(&rules, &s, &again);
    assert_int_equal(again.by.feature, -7);
}

TARN_TESTS(TARN_TEST(numbers_split_as_well_as_any_border_allows), TARN_TEST(levels_split_as_well_as_any_subset_allows),
           TARN_TEST(rare_levels_do_not_decide), TARN_TEST(many_levels_pay_for_what_chance_gives_them),
           TARN_TEST(equal_columns_tie_for_the_first))
