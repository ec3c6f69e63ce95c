/* SPDX-License-Identifier: Apache-2.0 */
/* chunk_test.c - borders: as the definition says, byte by byte, and the same for ever. */
#include "lake/chunk.h"
#include "lake/scratch_test.h"

/* As chunk.c tells it: one byte after the other. */
static size_t cut_plainly(const tarn_gear *gear, const uint8_t *bytes, size_t len)
{
    size_t most = len < TARN_CHUNK_MOST ? len : TARN_CHUNK_MOST;
    uint64_t h = 0;

    for (size_t i = TARN_CHUNK_LEAST; i < most; i++) {
        h = (h << 1) + gear->of[bytes[i]];
        if (h >> (i < TARN_CHUNK_USUAL ? 64 - 18 : 64 - 14) == 0) return i + 1;
    }
    return most;
}

static void borders_are_where_the_definition_has_them(void **state)
{
    enum { LEN = 3 << 20 };
    tarn_gear gear;
    char *bytes = noise(LEN, 5);
    size_t chunks = 0;

    (void)state;
    tarn_gear_init(&gear);
    memset(bytes + (1 << 20), 0, 400 << 10); /* a stretch without any border */
    for (size_t at = 0; at < LEN; chunks++) {
        size_t n = tarn_chunk_cut(&gear, (const uint8_t *)bytes + at, LEN - at);
        assert_int_equal(n, cut_plainly(&gear, (const uint8_t *)bytes + at, LEN - at));
        at += n;
    }
    assert_in_range(chunks, 20, 120);
    for (size_t len = 0; len < 300000; len += len < 9000 ? 1 : 997) /* wherever the content ends */
        assert_int_equal(tarn_chunk_cut(&gear, (const uint8_t *)bytes + 77, len),
                         cut_plainly(&gear, (const uint8_t *)bytes + 77, len));
    free(bytes);
}

/* What one version of Tarn cut, the next must cut the same: else nothing is found again. */
static void borders_never_change(void **state)
{
    tarn_gear gear;
    char *bytes = noise(1 << 20, 6);
    size_t at = 0, first[4];

    (void)state;
    tarn_gear_init(&gear);
    for (int i = 0; i < 4; i++) at += first[i] = tarn_chunk_cut(&gear, (const uint8_t *)bytes + at, (1 << 20) - at);
    const size_t expect[4] = {67537, 69478, 67924, 72762};
    assert_memory_equal(first, expect, sizeof expect);
    free(bytes);
}

TARN_TESTS(TARN_TEST(borders_are_where_the_definition_has_them), TARN_TEST(borders_never_change))
