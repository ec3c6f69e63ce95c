/* SPDX-License-Identifier: Apache-2.0 */
/* crc_test.c - the published check values, and any cut gives the same. */
#include "support/tarn_test.h"

#include "base/crc.h"

static uint64_t crc_of(tarn_crc_kind kind, const char *bytes, size_t len, size_t piece)
{
    tarn_crc *c = NULL;

    must(tarn_crc_new(kind, &c, err));
    for (size_t at = 0; at < len; at += piece) tarn_crc_add(c, bytes + at, len - at < piece ? len - at : piece);
    uint64_t value = tarn_crc_value(c);
    tarn_crc_free(c);
    return value;
}

/* Check values of the catalogue of parametrised CRC algorithms (reveng.sourceforge.io). */
static void knows_the_catalogue(void **state)
{
    (void)state;
    assert_int_equal(crc_of(TARN_CRC32, "123456789", 9, 9), 0xcbf43926u);
    assert_int_equal(crc_of(TARN_CRC32C, "123456789", 9, 9), 0xe3069283u);
    assert_true(crc_of(TARN_CRC64NVME, "123456789", 9, 9) == 0xae8b14860a799888u);
    assert_int_equal(crc_of(TARN_CRC32, "", 0, 1), 0);
    assert_true(crc_of(TARN_CRC64NVME, "", 0, 1) == 0);
}

static void cuts_do_not_matter(void **state)
{
    char bytes[1000];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7 + i / 11);
    for (int kind = TARN_CRC32; kind <= TARN_CRC64NVME; kind++) {
        uint64_t whole = crc_of((tarn_crc_kind)kind, bytes, sizeof bytes, sizeof bytes);
        for (size_t piece = 1; piece < 40; piece++)
            assert_true(crc_of((tarn_crc_kind)kind, bytes, sizeof bytes, piece) == whole);
    }
}

TARN_TESTS(TARN_TEST(knows_the_catalogue), TARN_TEST(cuts_do_not_matter))
