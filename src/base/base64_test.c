/* SPDX-License-Identifier: Apache-2.0 */
/* base64_test.c - RFC 4648's examples both ways, and what is not base64. */
#include "support/tarn_test.h"

#include "base/base64.h"

static void writes_and_reads(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    char out[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_string_equal(tarn_base64_write(pairs[i][0], strlen(pairs[i][0]), out), pairs[i][1]);
        assert_true(tarn_base64_read(pairs[i][1], strlen(pairs[i][1]), out, sizeof out, &len));
        assert_int_equal(len, strlen(pairs[i][0]));
        assert_memory_equal(out, pairs[i][0], len);
    }
}

static void refuses_the_rest(void **state)
{
    static const char *const wrong[] = {"Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm9v!", "Zm 9", "Zh==", "Zm9="};
    char out[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(tarn_base64_read(wrong[i], strlen(wrong[i]), out, sizeof out, &len));
    assert_false(tarn_base64_read("Zm9vYmFy", 8, out, 5, &len));
}

TARN_TESTS(TARN_TEST(writes_and_reads), TARN_TEST(refuses_the_rest))
