/* SPDX-License-Identifier: Apache-2.0 */
/* seal_test.c - published vectors, every flipped bit, wrong keys, key files and who may read them. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/seal.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void from_hex(const char *hex, uint8_t *out)
{
    for (size_t i = 0; hex[2 * i]; i++) {
        unsigned x;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &x), 1);
        out[i] = (uint8_t)x;
    }
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test case 16. */
static void gcm_gives_the_published_bytes(void **state)
{
    tarn_key key;
    uint8_t nonce[12], beside[20], plain[60], want[76], got[76], back[60];
    tarn_cipher *c = NULL;

    (void)state;
    from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key.b);
    from_hex("cafebabefacedbaddecaf888", nonce);
    from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", beside);
    from_hex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de"
        "657ba637b39",
        plain);
    from_hex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7"
        "a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
        want);
    must(tarn_cipher_new(&c, err));
    must(tarn_seal(c, &key, nonce, beside, sizeof beside, plain, sizeof plain, got, err));
    assert_memory_equal(got, want, sizeof want);
    must(tarn_unseal(c, &key, nonce, beside, sizeof beside, got, sizeof got, back, err));
    assert_memory_equal(back, plain, sizeof plain);
    must(tarn_unseal(c, &key, nonce, beside, sizeof beside, got, sizeof got, got, err)); /* in place */
    assert_memory_equal(got, plain, sizeof plain);
    tarn_cipher_free(c);
}

/* RFC 5869, test case 1 has another length of key; these are libsodium's and OpenSSL's common ground: HMAC of RFC 4231
 * needs 20 bytes of key. So HKDF is held to its definition by HMAC. */
static void hkdf_is_what_its_rfc_says(void **state)
{
    tarn_key key, salt_key = {{0}}, prk, want, got;
    tarn_mac *m = NULL;
    uint8_t info[6] = {'p', 'a', 'c', 'k', 's', 1};

    (void)state;
    for (int i = 0; i < 32; i++) key.b[i] = (uint8_t)i, salt_key.b[i] = (uint8_t)(100 + i);
    must(tarn_mac_new(salt_key.b, &m, err));
    tarn_mac_of(m, key.b, 32, prk.b);
    tarn_mac_free(m);
    must(tarn_mac_new(prk.b, &m, err));
    tarn_mac_of(m, info, sizeof info, want.b);
    tarn_mac_free(m);
    must(tarn_key_derive(&key, salt_key.b, 32, "packs", &got, err));
    assert_memory_equal(got.b, want.b, 32);
    must(tarn_key_derive(&key, salt_key.b, 32, "other", &got, err));
    assert_memory_not_equal(got.b, want.b, 32);
}

/* HMAC-SHA256 of "what do ya want for nothing?" under 32 bytes 0x0b, by `openssl dgst -mac HMAC`. */
static void hmac_gives_the_known_bytes(void **state)
{
    tarn_key key;
    uint8_t got[32], want[32];
    tarn_mac *m = NULL;

    (void)state;
    memset(key.b, 0x0b, sizeof key.b);
    from_hex("c3f2649c34ea24e4d62a2c7e868bbea0233c9d4c2cc300794db76aa18d6822d8", want);
    must(tarn_mac_new(key.b, &m, err));
    for (int i = 0; i < 2; i++) {
        tarn_mac_of(m, "what do ya want for nothing?", 28, got);
        assert_memory_equal(got, want, 32);
    }
    tarn_mac_free(m);
}

static void every_flipped_bit_is_noticed(void **state)
{
    tarn_key key, other;
    uint8_t nonce[12] = {1}, sealed[40 + TARN_SEAL_TAG], back[40], text[40] = "forty bytes of text that is secret";
    tarn_cipher *c = NULL;

    (void)state;
    must(tarn_secret_random(&key, sizeof key, err));
    must(tarn_secret_random(&other, sizeof other, err));
    assert_false(tarn_secret_equal(&key, &other, sizeof key));
    must(tarn_cipher_new(&c, err));
    must(tarn_seal(c, &key, nonce, "head", 4, text, sizeof text, sealed, err));
    for (size_t i = 0; i < 8 * sizeof sealed; i++) {
        sealed[i / 8] ^= (uint8_t)(1 << i % 8);
        must_fail_with(TARN_CORRUPT, "changed",
                       tarn_unseal(c, &key, nonce, "head", 4, sealed, sizeof sealed, back, err));
        sealed[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    must_fail_with(TARN_CORRUPT, "", tarn_unseal(c, &other, nonce, "head", 4, sealed, sizeof sealed, back, err));
    must_fail_with(TARN_CORRUPT, "", tarn_unseal(c, &key, nonce, "tail", 4, sealed, sizeof sealed, back, err));
    nonce[11] = 1;
    must_fail_with(TARN_CORRUPT, "", tarn_unseal(c, &key, nonce, "head", 4, sealed, sizeof sealed, back, err));
    nonce[11] = 0;
    for (size_t len = 0; len < sizeof sealed; len++)
        must_fail_with(TARN_CORRUPT, "", tarn_unseal(c, &key, nonce, "head", 4, sealed, len, back, err));
    must(tarn_seal(c, &key, nonce, "head", 4, "", 0, sealed, err));
    must(tarn_unseal(c, &key, nonce, "head", 4, sealed, TARN_SEAL_TAG, back, err));
    tarn_cipher_free(c);
}

static void key_files(void **state)
{
    char folder[] = "/tmp/tarn-seal-XXXXXX", path[64];
    static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\n";
    uint8_t raw[32];
    tarn_key key;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/key", folder);
    must_fail_with(TARN_NOT_FOUND, path, tarn_key_read(path, &key, err));
    must(tarn_file_save(path, hex, sizeof hex - 1, err));
    assert_int_equal(chmod(path, 0640), 0);
    must_fail_with(TARN_DENIED, "chmod 600", tarn_key_read(path, &key, err));
    assert_int_equal(chmod(path, 0600), 0);
    must(tarn_key_read(path, &key, err));
    for (int i = 0; i < 32; i++) assert_int_equal(key.b[i], i), raw[i] = (uint8_t)(200 + i);
    must(tarn_file_save(path, raw, sizeof raw, err));
    assert_int_equal(chmod(path, 0600), 0);
    must(tarn_key_read(path, &key, err));
    assert_memory_equal(key.b, raw, 32);
    must(tarn_file_save(path, raw, 31, err));
    assert_int_equal(chmod(path, 0600), 0);
    must_fail_with(TARN_INVALID, "no key file", tarn_key_read(path, &key, err));
    must(tarn_dir_remove(folder, err));
}

static void memory_may_run_out(void **state)
{
    tarn_cipher *c = NULL;
    tarn_mac *m = NULL;
    tarn_key key = {{0}};

    (void)state;
    tarn_mem_fail_after(1);
    assert_int_equal(tarn_cipher_new(&c, NULL), TARN_NOMEM);
    assert_int_equal(tarn_mac_new(key.b, &m, NULL), TARN_NOMEM);
    tarn_mem_fail_after(0);
    tarn_cipher_free(NULL);
    tarn_mac_free(NULL);
}

TARN_TESTS(TARN_TEST(gcm_gives_the_published_bytes), TARN_TEST(hkdf_is_what_its_rfc_says),
           TARN_TEST(hmac_gives_the_known_bytes), TARN_TEST(every_flipped_bit_is_noticed), TARN_TEST(key_files),
           TARN_TEST(memory_may_run_out))
