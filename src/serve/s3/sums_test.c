/* SPDX-License-Identifier: Apache-2.0 */
/* sums_test.c - known sums, and sums of parts. */
#include "support/tarn_test.h"

#include "serve/s3/sums.h"

static void sum(const char *name, const char *bytes, size_t len, size_t piece, char md5[33], char checksum[48])
{
    tarn_sums *s = NULL;

    must(tarn_sums_new(name, &s, err));
    for (size_t at = 0; at < len; at += piece)
        must(tarn_sums_add(s, bytes + at, len - at < piece ? len - at : piece, err));
    must(tarn_sums_end(s, md5, checksum, err));
    tarn_sums_free(s);
}

static void knows_sums(void **state)
{
    static const char *const known[][2] = {{"crc32", "NSRBwg=="},
                                           {"crc32c", "Nks/tw=="},
                                           {"sha1", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="},
                                           {"sha256", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
                                           {"", ""}};
    char md5[33], checksum[48];

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        sum(known[i][0], "abc", 3, 2, md5, checksum);
        assert_string_equal(md5, "900150983cd24fb0d6963f7d28e17f72");
        assert_string_equal(checksum, known[i][1]);
    }
    assert_true(tarn_sums_knows("crc64nvme"));
    assert_false(tarn_sums_knows("md5"));
}

static void sums_of_parts(void **state)
{
    char etag[48], whole[64];
    static const char *const sums[] = {"NSRBwg=="};

    (void)state;
    /* md5 of the 16 bytes of md5("abc") */
    must(tarn_sums_of_parts("900150983cd24fb0d6963f7d28e17f72", 1, etag, err));
    assert_string_equal(etag, "af5da9f45af7a300e3aded972f8ff687-1");
    must(tarn_sums_of_checksums("crc32", sums, 1, whole, err));
    assert_string_equal(strchr(whole, '-'), "-1");
    must_fail_with(TARN_CORRUPT, "base64", tarn_sums_of_checksums("crc32", (const char *const[]){"?"}, 1, whole, err));
}

TARN_TESTS(TARN_TEST(knows_sums), TARN_TEST(sums_of_parts))
