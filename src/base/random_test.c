/* SPDX-License-Identifier: Apache-2.0 */
/* random_test.c - Philox4x32-10 against the known answers published with Random123 (kat_vectors), and what is made of
 * it. Our words: key = (seed low, seed high), counter = (index, item low, item high, stream). */
#include "support/tarn_test.h"

#include "base/random.h"

#include <math.h>

static void check_known(const uint32_t counter[4], const uint32_t key[2], const uint32_t want[4])
{
    tarn_random4 got =
        tarn_philox((uint64_t)key[1] << 32 | key[0], counter[3], (uint64_t)counter[2] << 32 | counter[1], counter[0]);

    assert_memory_equal(got.v, want, sizeof got.v);
}

static void gives_the_published_numbers(void **state)
{
    (void)state;
    check_known((uint32_t[]){0, 0, 0, 0}, (uint32_t[]){0, 0},
                (uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    check_known((uint32_t[]){0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, (uint32_t[]){0xffffffff, 0xffffffff},
                (uint32_t[]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    /* The digits of pi. */
    check_known((uint32_t[]){0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, (uint32_t[]){0xa4093822, 0x299f31d0},
                (uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

static void every_part_of_the_counter_counts(void **state)
{
    uint64_t seen[400];
    size_t n = 0;

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) seen[n++] = tarn_random_u64(1ull << bit, 0, 0, 0);
    for (unsigned bit = 0; bit < 64; bit++) seen[n++] = tarn_random_u64(0, 0, 1ull << bit, 0);
    for (unsigned bit = 0; bit < 32; bit++) seen[n++] = tarn_random_u64(0, 1u << bit, 0, 0);
    for (unsigned bit = 0; bit < 32; bit++) seen[n++] = tarn_random_u64(0, 0, 0, 1u << bit);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) assert_true(seen[i] != seen[k]);
}

/* 200,000 numbers into 64 cells: chi-squared of 63 degrees; a fixed seed, so this never fails by chance. 130 is beyond
 * its 1 - 1e-6 quantile. */
static void units_are_spread_evenly(void **state)
{
    enum { N = 200000, CELLS = 64 };
    int cells[CELLS] = {0}, below[CELLS] = {0};
    double chi_unit = 0, chi_below = 0, sum = 0;

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        double u = tarn_random_unit(7, TARN_STREAM_TEST, 3, i);

        assert_true(u >= 0 && u < 1);
        sum += u;
        cells[(int)(u * CELLS)]++;
        below[tarn_random_below(CELLS, 8, TARN_STREAM_TEST, i, 0)]++;
    }
    for (int c = 0; c < CELLS; c++) {
        const double want = (double)N / CELLS;

        chi_unit += (cells[c] - want) * (cells[c] - want) / want;
        chi_below += (below[c] - want) * (below[c] - want) / want;
    }
    assert_true(chi_unit < 130 && chi_below < 130);
    assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
}

static void below_stays_below(void **state)
{
    static const uint64_t sizes[] = {1, 2, 3, 10, 1000003, UINT64_MAX};

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (uint32_t i = 0; i < 1000; i++)
            assert_true(tarn_random_below(sizes[k], 9, TARN_STREAM_TEST, 0, i) < sizes[k]);
}

TARN_TESTS(TARN_TEST(gives_the_published_numbers), TARN_TEST(every_part_of_the_counter_counts),
           TARN_TEST(units_are_spread_evenly), TARN_TEST(below_stays_below))
