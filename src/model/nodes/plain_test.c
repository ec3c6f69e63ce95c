/* SPDX-License-Identifier: Apache-2.0 */
/* plain_test.c - the nodes that treat each column or row by a formula, against that formula written plainly. */
#include "model/model_sample.h"
#include "model/node.h"
#include "support/tarn_test.h"

#include <time.h>

enum { ROWS = 211, STRIDE = 220, MOST = 24 };

static const double odd[] = {0,   1,    2,    3,        -0.0,      0.5,    1.5,    2.999, -0.5,  -1,    -2,
                             NAN, 1e18, 1e19, INFINITY, -INFINITY, 1e-320, -1e300, 64,    4.3e9, 12.25, 700};

static double value(uint32_t reg, size_t row)
{
    return odd[(row + 7 * reg + row / 22 * reg) % (sizeof odd / sizeof *odd)];
}

/* Registers 0 .. n_in - 1 filled, read in reverse order; checked and run for 1, 8 and ROWS rows. */
static double *run_kind(const char *kind, uint32_t n_in, uint32_t n_out, const void *data, size_t len, size_t rows)
{
    uint32_t in[MOST];
    double *regs = NULL;
    const tarn_node_kind *k = tarn_node_find(kind);

    assert_non_null(k);
    for (uint32_t j = 0; j < n_in; j++) in[j] = n_in - 1 - j;
    tarn_node_view v = {.n_in = n_in, .n_out = n_out, .in = in, .out = n_in, .data = data, .len = len};
    must(k->check(&v, err));
    must(tarn_alloc(&regs, (size_t)(n_in + n_out) * STRIDE, sizeof *regs, err));
    for (uint32_t j = 0; j < n_in; j++)
        for (size_t i = 0; i < STRIDE; i++) regs[j * STRIDE + i] = value(j, i);
    k->run(&v, rows, STRIDE, regs);
    for (uint32_t j = 0; j < n_out; j++)
        for (size_t i = rows; i < STRIDE; i++) assert_true(regs[(n_in + j) * STRIDE + i] == 0);
    return regs;
}

static void same(double got, double want, size_t row, uint32_t col)
{
    if (isnan(got) && isnan(want)) return;
    if (memcmp(&got, &want, sizeof got) != 0) fail_msg("row %zu, column %u: %.17g, wanted %.17g", row, col, got, want);
}

static const size_t counts[] = {1, 2, 7, 8, 9, 63, 64, 65, ROWS};
enum { COUNTS = sizeof counts / sizeof *counts };

static void impute_fills_what_is_not_finite(void **state)
{
    static const double fill[] = {5, -7.5};

    (void)state;
    for (int c = 0; c < COUNTS; c++) {
        double *regs = run_kind("impute", 2, 2, fill, sizeof fill, counts[c]);
        for (uint32_t j = 0; j < 2; j++)
            for (size_t i = 0; i < counts[c]; i++) {
                double x = value(1 - j, i);
                same(regs[(2 + j) * STRIDE + i], isnan(x) || isinf(x) ? fill[j] : x, i, j);
            }
        tarn_free(regs);
    }
}

static void scale_shifts_then_stretches(void **state)
{
    static const double numbers[] = {5, -7.5, 0.1, 3};

    (void)state;
    for (int c = 0; c < COUNTS; c++) {
        double *regs = run_kind("scale", 2, 2, numbers, sizeof numbers, counts[c]);
        for (uint32_t j = 0; j < 2; j++)
            for (size_t i = 0; i < counts[c]; i++)
                same(regs[(2 + j) * STRIDE + i], (value(1 - j, i) - numbers[j]) * numbers[2 + j], i, j);
        tarn_free(regs);
    }
}

static void onehot_sets_the_column_of_the_level(void **state)
{
    (void)state;
    for (uint32_t missing = 0; missing < 2; missing++)
        for (int c = 0; c < COUNTS; c++) {
            const tarn_onehot_data data = {.levels = 3, .missing_column = missing};
            double *regs = run_kind("onehot", 1, 3 + missing, &data, sizeof data, counts[c]);
            for (size_t i = 0; i < counts[c]; i++)
                for (uint32_t j = 0; j < 3 + missing; j++) {
                    double x = value(0, i);
                    double want = j == 3 ? isnan(x) : x >= 0 && floor(x) == j;
                    same(regs[(1 + j) * STRIDE + i], want, i, j);
                }
            tarn_free(regs);
        }
}

static void linear_sums_in_order_with_fma(void **state)
{
    static const double numbers[] = {0.5, -1, /* weights */ 1, 1e-3, -2, 7, 0.1, 0.2, 0.3, 0.4};

    (void)state;
    for (int c = 0; c < COUNTS; c++) {
        double *regs = run_kind("linear", 4, 2, numbers, sizeof numbers, counts[c]);
        for (uint32_t k = 0; k < 2; k++)
            for (size_t i = 0; i < counts[c]; i++) {
                double want = numbers[k];
                for (uint32_t j = 0; j < 4; j++) want = fma(numbers[2 + 4 * k + j], value(3 - j, i), want);
                same(regs[(4 + k) * STRIDE + i], want, i, k);
            }
        tarn_free(regs);
    }
}

/* p must be within 1e-15 relative of want, which is worked in long double. */
static void near_enough(double p, long double want, size_t row, uint32_t col)
{
    if (isnan(p) && isnan(want)) return;
    if (p == (double)want || fabsl(p - want) <= 4e-16L * fabsl(want) + 1e-300L) return;
    fail_msg("row %zu, column %u: %.17g, wanted %.17Lg", row, col, p, want);
}

static void links_are_what_their_names_say(void **state)
{
    (void)state;
    for (uint32_t link = 0; link < TARN_LINK_COUNT; link++)
        for (int c = 0; c < COUNTS && link != TARN_LINK_SOFTMAX; c++) {
            const tarn_link_data data = {.link = link};
            double *regs = run_kind("link", 2, 2, &data, sizeof data, counts[c]);
            for (uint32_t j = 0; j < 2; j++)
                for (size_t i = 0; i < counts[c]; i++) {
                    double z = value(1 - j, i), p = regs[(2 + j) * STRIDE + i];
                    if (link == TARN_LINK_IDENTITY) same(p, z, i, j);
                    if (link == TARN_LINK_EXP) near_enough(p, (double)expl(z), i, j);
                    if (link == TARN_LINK_SIGMOID) near_enough(p, 1 / (1 + expl(-(long double)z)), i, j);
                }
            tarn_free(regs);
        }
}

static void softmax_sums_to_one_and_keeps_the_order_of_scores(void **state)
{
    const tarn_link_data data = {.link = TARN_LINK_SOFTMAX};

    (void)state;
    for (int c = 0; c < COUNTS; c++) {
        double *regs = run_kind("link", 3, 3, &data, sizeof data, counts[c]);
        for (size_t i = 0; i < counts[c]; i++) {
            long double top = -INFINITY, sum = 0;
            bool finite = true;
            for (uint32_t j = 0; j < 3; j++) {
                finite = finite && isfinite(value(j, i));
                if (value(j, i) > top) top = value(j, i);
            }
            for (uint32_t j = 0; j < 3; j++) sum += expl(value(j, i) - top);
            for (uint32_t j = 0; j < 3 && finite; j++) {
                long double want = expl(value(2 - j, i) - top) / sum;
                double p = regs[(3 + j) * STRIDE + i];
                if (fabsl(p - want) > 1e-15L) fail_msg("row %zu, class %u: %.17g, wanted %.17Lg", i, j, p, want);
            }
        }
        tarn_free(regs);
    }
}

static void one_row_of_softmax_has_the_bits_of_many(void **state)
{
    const tarn_link_data data = {.link = TARN_LINK_SOFTMAX};
    double *many = run_kind("link", 3, 3, &data, sizeof data, ROWS);
    const tarn_node_view v = {
        .n_in = 3, .n_out = 3, .in = (const uint32_t[]){2, 1, 0}, .out = 3, .data = &data, .len = sizeof data};

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        double regs[6] = {value(0, i), value(1, i), value(2, i)};
        tarn_node_find("link")->run(&v, 1, 1, regs);
        for (uint32_t j = 0; j < 3; j++) same(regs[3 + j], many[(3 + j) * STRIDE + i], i, j);
    }
    tarn_free(many);
}

static const uint32_t all_parts[] = {TARN_PART_YEAR, TARN_PART_MONTH,  TARN_PART_DAY,     TARN_PART_WEEKDAY,
                                     TARN_PART_HOUR, TARN_PART_MINUTE, TARN_PART_YEARDAY, TARN_PART_DAYS};

static void parts_of(double moment, double out[8])
{
    double regs[9] = {moment};
    const tarn_node_view v = {
        .n_in = 1, .n_out = 8, .in = (const uint32_t[]){0}, .out = 1, .data = all_parts, .len = sizeof all_parts};

    must(tarn_node_find("dateparts")->check(&v, err));
    tarn_node_find("dateparts")->run(&v, 1, 1, regs);
    memcpy(out, regs + 1, 8 * sizeof *out);
}

static void dateparts_agree_with_gmtime(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 40000; i++) {
        /* seconds within +-10,000 years, and every day around some century borders */
        int64_t s = (int64_t)tarn_random_below(600000000000, 3, TARN_STREAM_TEST, i, 0) - 300000000000;
        if (i < 2000) s = 86400 * ((int64_t)i + 10400);          /* 1998 .. 2004 */
        else if (i < 3000) s = 86400 * ((int64_t)i - 28000) + 1; /* 1898 .. */
        else if (i < 4000) s = 86400 * ((int64_t)i + 44000) - 1; /* 2098 .. */
        time_t t = (time_t)s;
        struct tm tm;
        double got[8];
        assert_non_null(gmtime_r(&t, &tm));
        parts_of((double)s * 1e6, got);
        const double want[] = {tm.tm_year + 1900.0, tm.tm_mon + 1.0, tm.tm_mday,      (tm.tm_wday + 6) % 7,
                               tm.tm_hour,          tm.tm_min,       tm.tm_yday + 1.0};
        for (uint32_t j = 0; j < 7; j++) same(got[j], want[j], (size_t)i, j);
        assert_true(fabs(got[7] - (double)s / 86400) < 1e-9);
    }
}

static void moments_beyond_the_calendar_are_missing(void **state)
{
    static const double beyond[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 0x1p63, -0x1p63};
    double got[8];

    (void)state;
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        parts_of(beyond[i], got);
        for (int j = 0; j < 8; j++) assert_true(isnan(got[j]));
    }
    parts_of(-0x1p62, got);
    assert_true(got[0] < -144000 && got[1] >= 1 && got[1] <= 12);
    parts_of(-0.5, got); /* the last microsecond of 1969 */
    assert_true(got[0] == 1969 && got[1] == 12 && got[2] == 31 && got[4] == 23 && got[5] == 59 && got[6] == 365);
}

static void checks_refuse_payloads_that_do_not_fit(void **state)
{
    static const double numbers[] = {1, 2, 3, INFINITY};
    static const uint32_t parts[] = {0, TARN_PART_COUNT}, link[] = {TARN_LINK_COUNT, 0}, pad[] = {0, 1};
    static const tarn_onehot_data hot = {.levels = 3, .missing_column = 1},
                                  odd_hot = {.levels = 2, .missing_column = 2};
    static const struct {
        const char *kind, *text;
        uint32_t n_in, n_out;
        const void *data;
        size_t len;
    } cases[] = {
        {"impute", "as many", 1, 2, numbers, 16},         {"impute", "has 16 bytes where 8 belong", 1, 1, numbers, 16},
        {"impute", "fill[3]", 4, 4, numbers, 32},         {"scale", "as many", 2, 1, numbers, 32},
        {"scale", "where 16 belong", 1, 1, numbers, 8},   {"scale", "factor[1]", 2, 2, numbers, 32},
        {"onehot", "one category", 2, 4, &hot, 8},        {"onehot", "do not make 3", 1, 3, &hot, 8},
        {"onehot", "neither 0 nor 1", 1, 4, &odd_hot, 8}, {"onehot", "where 8 belong", 1, 4, &hot, 7},
        {"linear", "where 32 belong", 3, 1, numbers, 24}, {"linear", "weight[2]", 3, 1, numbers, 32},
        {"linear", "bias[3]", 0, 4, numbers, 32},         {"linear", "too many", UINT32_MAX, UINT32_MAX, numbers, 32},
        {"dateparts", "one moment", 2, 2, parts, 8},      {"dateparts", "part[1] is 8", 1, 2, parts, 8},
        {"dateparts", "where 4 belong", 1, 1, parts, 8},  {"link", "as many", 1, 2, link, 8},
        {"link", "links go from 0", 1, 1, link, 8},       {"link", "pad", 1, 1, pad, 8},
        {"link", "where 8 belong", 1, 1, pad, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const tarn_node_view v = {
            .n_in = cases[i].n_in, .n_out = cases[i].n_out, .data = cases[i].data, .len = cases[i].len};
        must_fail_with(TARN_CORRUPT, cases[i].text, tarn_node_find(cases[i].kind)->check(&v, err));
    }
}

TARN_TESTS(TARN_TEST(impute_fills_what_is_not_finite), TARN_TEST(scale_shifts_then_stretches),
           TARN_TEST(onehot_sets_the_column_of_the_level), TARN_TEST(linear_sums_in_order_with_fma),
           TARN_TEST(links_are_what_their_names_say), TARN_TEST(softmax_sums_to_one_and_keeps_the_order_of_scores),
           TARN_TEST(one_row_of_softmax_has_the_bits_of_many), TARN_TEST(dateparts_agree_with_gmtime),
           TARN_TEST(moments_beyond_the_calendar_are_missing), TARN_TEST(checks_refuse_payloads_that_do_not_fit))
