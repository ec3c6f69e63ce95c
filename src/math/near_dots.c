/* SPDX-License-Identifier: Apache-2.0 */
/* near_dots.c - products of briefs: whole numbers, so the same whichever way. See near_sift.h.
 *
 * Without the pragmas gcc 12 keeps the accumulators in memory, at half the speed. */
#include "base/cpu.h"
#include "math/near_sift.h"

#include <immintrin.h>
#include <string.h>

enum { ROWS = TARN_BRIEF_STEP, TILE = TARN_NEAR_TILE, GROUP = 16, PART = 512 };

/* ---- AVX-512 with VNNI: four columns of 16 asked rows at a time ---- */

TARN_VNNI __attribute__((always_inline)) static inline void add_vnni(size_t stride, int groups, const uint8_t *tile,
                                                                     const int8_t *code, int32_t *sum)
{
    __m512i acc[ROWS][TILE / GROUP], asked[TILE / GROUP];

#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 8
        for (int g = 0; g < groups; g++) acc[r][g] = _mm512_loadu_si512(sum + r * TILE + g * GROUP);
    for (size_t j = 0; j < stride; j += 4, tile += (size_t)groups * GROUP * 4) {
#pragma GCC unroll 8
        for (int g = 0; g < groups; g++) asked[g] = _mm512_loadu_si512(tile + (size_t)g * GROUP * 4);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            int32_t four;
            memcpy(&four, code + (size_t)r * stride + j, sizeof four);
            const __m512i stored = _mm512_set1_epi32(four);
#pragma GCC unroll 8
            for (int g = 0; g < groups; g++) acc[r][g] = _mm512_dpbusd_epi32(acc[r][g], asked[g], stored);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 8
        for (int g = 0; g < groups; g++) _mm512_storeu_si512(sum + r * TILE + g * GROUP, acc[r][g]);
}

TARN_VNNI static void dots_vnni(size_t stride, int groups, const uint8_t *tile, const int8_t *code, int32_t *sum)
{
    if (groups == 3) add_vnni(stride, 3, tile, code, sum);
    else if (groups == 2) add_vnni(stride, 2, tile, code, sum);
    else add_vnni(stride, 1, tile, code, sum);
}

/* ---- AVX2: columns 0 and 2 of four, then 1 and 3, as pairs of 16 bits ---- */

typedef struct pairs {
    int32_t even, odd;
} pairs;

static int32_t pair(int8_t low, int8_t high)
{
    return (int32_t)((uint32_t)(uint16_t)low | (uint32_t)(uint16_t)high << 16);
}

/* Columns of four stored rows against a group of asked ones: sum (4, TILE). */
static void add_pairs(size_t fours, size_t apart, const uint8_t *tile, const pairs *stored, int32_t *sum)
{
    const __m256i low = _mm256_set1_epi32(0x00ff00ff);
    __m256i acc[4][2];

#pragma GCC unroll 8
    for (int r = 0; r < 8; r++) acc[r / 2][r % 2] = _mm256_loadu_si256((const void *)(sum + r / 2 * TILE + r % 2 * 8));
    for (size_t j = 0; j < fours; j++, tile += apart, stored += ROWS)
#pragma GCC unroll 8
        for (int h = 0; h < 2; h++) {
            const __m256i asked = _mm256_loadu_si256((const void *)(tile + 32 * h));
            const __m256i even = _mm256_and_si256(asked, low), odd = _mm256_srli_epi16(asked, 8);
#pragma GCC unroll 8
            for (int r = 0; r < 4; r++) {
                __m256i a = _mm256_madd_epi16(even, _mm256_set1_epi32(stored[r].even));
                __m256i b = _mm256_madd_epi16(odd, _mm256_set1_epi32(stored[r].odd));
                acc[r][h] = _mm256_add_epi32(acc[r][h], _mm256_add_epi32(a, b));
            }
        }
#pragma GCC unroll 8
    for (int r = 0; r < 8; r++) _mm256_storeu_si256((void *)(sum + r / 2 * TILE + r % 2 * 8), acc[r / 2][r % 2]);
}

static void dots_avx2(size_t stride, int groups, const uint8_t *tile, const int8_t *code, int32_t *sum)
{
    pairs stored[PART / 4][ROWS];

    for (size_t from = 0; from < stride; from += PART) {
        size_t fours = (stride - from < PART ? stride - from : PART) / 4;
        for (size_t j = 0; j < fours; j++)
            for (size_t r = 0; r < ROWS; r++) {
                const int8_t *x = code + r * stride + from + 4 * j;
                stored[j][r] = (pairs){.even = pair(x[0], x[2]), .odd = pair(x[1], x[3])};
            }
        for (int g = 0; g < groups; g++)
            for (int r = 0; r < ROWS; r += 4)
                add_pairs(fours, (size_t)groups * GROUP * 4,
                          tile + from * (size_t)groups * GROUP + (size_t)g * GROUP * 4, &stored[0][r],
                          sum + r * TILE + g * GROUP);
    }
}

void tarn_near_dots(size_t stride, int groups, const uint8_t *tile, const int8_t *code, int32_t *sum)
{
    if (tarn_cpu_vnni()) dots_vnni(stride, groups, tile, code, sum);
    else dots_avx2(stride, groups, tile, code, sum);
}
