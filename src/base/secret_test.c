/* SPDX-License-Identifier: Apache-2.0 */
/* secret_test.c - passwords are told apart, keys come out the same, boxes open only with their key. */
#include "support/tarn_test.h"

#include "base/secret.h"

static void tells_passwords_apart(void **state)
{
    char kept[TARN_SECRET_HASH], other[TARN_SECRET_HASH];
    bool same = false;

    (void)state;
    must(tarn_secret_hash("correct horse", 13, kept, err));
    must(tarn_secret_hash("correct horse", 13, other, err));
    assert_true(strncmp(kept, "$argon2id$v=19$m=65536,t=2,p=1$", 31) == 0);
    assert_string_not_equal(kept, other); /* each has its salt */
    must(tarn_secret_verify(kept, "correct horse", 13, &same, err));
    assert_true(same);
    must(tarn_secret_verify(other, "correct horse", 13, &same, err));
    assert_true(same);
    must(tarn_secret_verify(kept, "correct horsf", 13, &same, err));
    assert_false(same);
    must(tarn_secret_verify(kept, "", 0, &same, err));
    assert_false(same);
}

/* From test.c of the reference implementation (phc-winner-argon2): password, somesalt, 2 passes, 64 MiB. */
static void reads_the_reference_programs_hash(void **state)
{
    static const char reference[] =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    bool same = false;

    (void)state;
    must(tarn_secret_verify(reference, "password", 8, &same, err));
    assert_true(same);
    must(tarn_secret_verify(reference, "Password", 8, &same, err));
    assert_false(same);
}

static void refuses_hashes_that_are_none_or_cost_too_much(void **state)
{
    static const char *const bad[] = {
        "",
        "$",
        "secret",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2id$v=19$m=0,t=2,p=1$YQ$YQ",
        "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=65536,t=99999,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    };
    bool same = true;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        must_fail_with(TARN_CORRUPT, "damaged", tarn_secret_verify(bad[i], "x", 1, &same, err));
        assert_false(same);
    }
}

static void derives_the_same_key_again(void **state)
{
    const uint8_t salt[TARN_SECRET_SALT] = {1, 2, 3}, salt2[TARN_SECRET_SALT] = {1, 2, 4};
    const tarn_secret_cost cost = {1, 8};
    uint8_t a[32], b[32];

    (void)state;
    must(tarn_secret_derive("phrase", 6, salt, cost, a, sizeof a, err));
    must(tarn_secret_derive("phrase", 6, salt, cost, b, sizeof b, err));
    assert_memory_equal(a, b, sizeof a);
    must(tarn_secret_derive("phrase", 6, salt2, cost, b, sizeof b, err));
    assert_memory_not_equal(a, b, sizeof a);
    must(tarn_secret_derive("phrasf", 6, salt, cost, b, sizeof b, err));
    assert_memory_not_equal(a, b, sizeof a);
    must_fail_with(TARN_INVALID, "MiB",
                   tarn_secret_derive("phrase", 6, salt, (tarn_secret_cost){0, 8}, a, sizeof a, err));
    must_fail_with(TARN_INVALID, "MiB",
                   tarn_secret_derive("phrase", 6, salt, (tarn_secret_cost){1, 8192}, a, sizeof a, err));
}

static void boxes_open_only_with_their_key(void **state)
{
    uint8_t key[TARN_SECRET_KEY], other[TARN_SECRET_KEY], sealed[5 + TARN_SECRET_BOX], again[5 + TARN_SECRET_BOX];
    char open[6] = "";

    (void)state;
    must(tarn_secret_random(key, sizeof key, err));
    must(tarn_secret_random(other, sizeof other, err));
    must(tarn_secret_box(key, "hello", 5, sealed, err));
    must(tarn_secret_box(key, "hello", 5, again, err));
    assert_memory_not_equal(sealed, again, sizeof sealed);
    must(tarn_secret_unbox(key, sealed, sizeof sealed, open, err));
    assert_string_equal(open, "hello");
    must_fail_with(TARN_CORRUPT, "another key", tarn_secret_unbox(other, sealed, sizeof sealed, open, err));
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        must_fail_with(TARN_CORRUPT, "another key", tarn_secret_unbox(key, sealed, sizeof sealed, open, err));
        sealed[i] ^= 1;
    }
    for (size_t len = 0; len < sizeof sealed; len++)
        must_fail_with(TARN_CORRUPT, "another key", tarn_secret_unbox(key, sealed, len, open, err));
}

static void texts_use_the_whole_alphabet(void **state)
{
    char text[4001];
    int seen[256] = {0};

    (void)state;
    must(tarn_secret_text("abcde", text, 4000, err));
    assert_int_equal(strlen(text), 4000);
    assert_int_equal(strspn(text, "abcde"), 4000);
    for (const char *c = text; *c; c++) seen[(unsigned char)*c]++;
    for (char c = 'a'; c <= 'e'; c++) assert_in_range(seen[(unsigned char)c], 600, 1000); /* 800 +- 8 deviations */
    must_fail_with(TARN_INVALID, "alphabet", tarn_secret_text("a", text, 10, err));
    char first[17] = "", second[17] = "";
    must(tarn_secret_text("0123456789abcdef", first, 16, err));
    must(tarn_secret_text("0123456789abcdef", second, 16, err));
    assert_string_not_equal(first, second);
}

static void compares_and_forgets(void **state)
{
    char a[] = "secret", b[] = "secreu";

    (void)state;
    assert_true(tarn_secret_equal(a, "secret", 6));
    assert_false(tarn_secret_equal(a, b, 6));
    assert_true(tarn_secret_equal(a, b, 5));
    tarn_secret_wipe(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++) assert_int_equal(a[i], 0);
    tarn_secret_wipe(NULL, 0);
}

TARN_TESTS(TARN_TEST(tells_passwords_apart), TARN_TEST(reads_the_reference_programs_hash),
           TARN_TEST(refuses_hashes_that_are_none_or_cost_too_much), TARN_TEST(derives_the_same_key_again),
           TARN_TEST(boxes_open_only_with_their_key), TARN_TEST(texts_use_the_whole_alphabet),
           TARN_TEST(compares_and_forgets))
