/* SPDX-License-Identifier: Apache-2.0 */
/* digest_test.c - SHA-256 against FIPS 180-4's examples, in one piece and in many. */
#include "support/upper_halves.h"

#include "base/digest.h"

static const struct {
    const char *text, *hex;
} known[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};
enum { KNOWN = sizeof known / sizeof *known };

static void gives_the_published_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        tarn_id id;
        char hex[TARN_ID_HEX];

        must(tarn_digest(known[i].text, strlen(known[i].text), &id, err));
        assert_string_equal(tarn_id_hex(&id, hex), known[i].hex);
    }
}

static void pieces_give_the_name_of_the_whole(void **state)
{
    const char *text = known[2].text;
    const size_t len = strlen(text);

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        tarn_hasher *h = NULL;
        tarn_id id;
        char hex[TARN_ID_HEX];

        must(tarn_hasher_new(&h, err));
        must(tarn_hasher_add(h, text, cut, err));
        must(tarn_hasher_add(h, text + cut, len - cut, err));
        must(tarn_hasher_end(h, &id, err));
        assert_string_equal(tarn_id_hex(&id, hex), known[2].hex);
        tarn_hasher_free(h);
    }
    tarn_hasher_free(NULL);
}

/* What is worked on two at a time, and in pieces, against OpenSSL one by one: every length around the borders of
 * blocks, several of them together, cut in many ways. */
static void many_at_a_time_give_the_same_names(void **state)
{
    enum { N = 40, MOST = 9000 };
    uint8_t bytes[MOST];
    tarn_stretch in[N];
    tarn_id each[N], alone, whole, expect;

    (void)state;
    for (int i = 0; i < MOST; i++) bytes[i] = (uint8_t)(i * 131 + i / 251);
    for (size_t n = 0; n <= N; n++) {
        for (int how = 0; how < 6; how++) {
            tarn_hasher *h = NULL;
            size_t at = 0;
            for (size_t i = 0; i < n; i++) {
                const size_t len[] = {i, 64 * (i % 3), 55 + i, 119 + i % 3, i % 2 ? 0 : 200, (i * 7919 + n) % 223};
                in[i] = (tarn_stretch){bytes + at, len[how]};
                at += len[how];
            }
            must(tarn_hasher_new(&h, err));
            must(tarn_hasher_add(h, "in front", n % 9, err));
            must(tarn_digest_each(in, n, h, each, err));
            must(tarn_hasher_add(h, "behind", n % 7, err));
            must(tarn_hasher_end(h, &whole, err));
            tarn_hasher_free(h);
            for (size_t i = 0; i < n; i++) {
                must(tarn_digest(in[i].bytes, in[i].len, &alone, err));
                assert_true(tarn_id_equal(&each[i], &alone));
            }
            must(tarn_digest_each(in, n, NULL, each, err));
            for (size_t i = 0; i < n; i++) {
                must(tarn_digest(in[i].bytes, in[i].len, &alone, err));
                assert_true(tarn_id_equal(&each[i], &alone));
            }
            uint8_t joined[MOST + 20];
            memcpy(joined, "in front", n % 9);
            memcpy(joined + n % 9, bytes, at);
            memcpy(joined + n % 9 + at, "behind", n % 7);
            must(tarn_digest(joined, n % 9 + at + n % 7, &expect, err));
            assert_true(tarn_id_equal(&whole, &expect));
        }
    }
}

static void names_are_read_and_compared(void **state)
{
    tarn_id a, b, none = {{0}};
    char hex[TARN_ID_HEX], upper[TARN_ID_HEX];

    (void)state;
    must(tarn_digest(NULL, 0, &a, err));
    must(tarn_digest("", 0, &b, err));
    assert_true(tarn_id_equal(&a, &b));
    must(tarn_digest("x", 1, &a, err));
    (void)tarn_id_hex(&a, hex);
    assert_true(tarn_id_parse(hex, 64, &b) && tarn_id_equal(&a, &b));
    for (int i = 0; i < TARN_ID_HEX; i++) upper[i] = (char)(hex[i] >= 'a' && hex[i] <= 'f' ? hex[i] - 32 : hex[i]);
    assert_true(tarn_id_parse(upper, 64, &b) && tarn_id_equal(&a, &b));
    assert_false(tarn_id_none(&a));
    assert_true(tarn_id_none(&none));
    b.b[31] ^= 1;
    assert_false(tarn_id_equal(&a, &b));
}

static void what_is_no_name_is_refused(void **state)
{
    tarn_id id = {{1}};
    char hex[TARN_ID_HEX + 1];

    (void)state;
    memset(hex, 'a', sizeof hex);
    for (size_t len = 0; len <= 65; len++) assert_int_equal(tarn_id_parse(hex, len, &(tarn_id){{0}}), len == 64);
    for (size_t i = 0; i < 64; i++)
        for (int c = 0; c < 256; c++) {
            const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

            hex[i] = (char)c;
            if (!digit) assert_false(tarn_id_parse(hex, 64, &id));
            hex[i] = 'a';
        }
    assert_int_equal(id.b[0], 1); /* untouched */
}

static void keyed_hashes_are_as_published(void **state) /* RFC 4231, cases 2 and 6; RFC 1321 */
{
    tarn_id mac;
    char hex[TARN_ID_HEX], key[131];
    uint8_t md5[16];

    (void)state;
    must(tarn_hmac("Jefe", 4, "what do ya want for nothing?", 28, &mac, err));
    assert_string_equal(tarn_id_hex(&mac, hex), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    must(tarn_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, &mac, err));
    assert_string_equal(tarn_id_hex(&mac, hex), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    must(tarn_hmac(NULL, 0, "", 0, &mac, err));
    must(tarn_md5("abc", 3, md5, err));
    assert_memory_equal(md5, "\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72", 16);
    assert_true(tarn_same_secret("abc", "abc", 3));
    assert_false(tarn_same_secret("abc", "abd", 3));
}

static void a_callers_wide_registers_are_cleared_first(void **state)
{
    static char bytes[4096];
    tarn_hasher *h = NULL;

    (void)state;
    if (!tarn_test_tells_upper_halves() || !__builtin_cpu_supports("avx2")) skip();
    must(tarn_hasher_new(&h, err));
    __asm__ volatile("vinserti128 $1, %xmm15, %ymm15, %ymm15"); /* the lower half stays */
    must(tarn_hasher_add(h, bytes, sizeof bytes, err));
    assert_false(tarn_test_upper_halves());
    tarn_hasher_free(h);
}

static void running_out_of_memory_is_a_clean_error(void **state)
{
    tarn_hasher *h = NULL;

    (void)state;
    tarn_mem_fail_after(1);
    must_fail_with(TARN_NOMEM, "memory", tarn_hasher_new(&h, err));
    tarn_mem_fail_after(0);
    assert_null(h);
}

TARN_TESTS(TARN_TEST(gives_the_published_names), TARN_TEST(pieces_give_the_name_of_the_whole),
           TARN_TEST(many_at_a_time_give_the_same_names), TARN_TEST(names_are_read_and_compared),
           TARN_TEST(what_is_no_name_is_refused), TARN_TEST(keyed_hashes_are_as_published),
           TARN_TEST(a_callers_wide_registers_are_cleared_first), TARN_TEST(running_out_of_memory_is_a_clean_error))
