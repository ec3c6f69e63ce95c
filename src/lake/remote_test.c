/* SPDX-License-Identifier: Apache-2.0 */
/* remote_test.c - URLs of stores, keys from files, base64 (RFC 4648's examples). */
#include "support/tarn_test.h"

#include "base/base64.h"
#include "lake/remote.h"
#include "lake/s3_login.h"

static void urls_are_taken_apart(void **state)
{
    tarn_remote r;
    tarn_retry_hint hint = {.again = false};

    (void)state;
    must(tarn_remote_open(&r, "s3",
                          "//bucket/a/b/?endpoint=http://h:80/&region=eu-west-1&style=path&profile=p&patience=7", err));
    assert_string_equal(r.bucket, "bucket");
    assert_string_equal(r.prefix, "a/b/");
    assert_string_equal(r.endpoint, "http://h:80");
    assert_string_equal(r.host, "h");
    assert_string_equal(r.region, "eu-west-1");
    assert_string_equal(r.profile, "p");
    assert_int_equal(r.retry.total_ms, 7000);
    tarn_remote_heard(&r, TARN_IO, &hint);
    assert_true(hint.again && !hint.stranger); /* the patience that was asked for */
    tarn_remote_clear(&r);
    must(tarn_remote_open(&r, "s3", "//bucket?endpoint=https%3A%2F%2Fh%3A8443", err));
    assert_string_equal(r.prefix, "");
    assert_string_equal(r.host, "h:8443");
    tarn_remote_heard(&r, TARN_IO, &hint);
    assert_true(hint.again && hint.stranger); /* nobody has answered there yet */
    tarn_remote_heard(&r, TARN_OK, &hint);
    assert_true(!hint.again && !hint.stranger);
    tarn_remote_heard(&r, TARN_IO, &hint);
    assert_true(hint.again && !hint.stranger);
    tarn_remote_clear(&r);
    static const char *const bad[] = {"",
                                      "/",
                                      "//",
                                      "bucket",
                                      "//b?",
                                      "//b/..",
                                      "//b//c",
                                      "//b?a=b",
                                      "//b?endpoint=h",
                                      "//b?endpoint=http://a@h",
                                      "//b?patience=x",
                                      "//b?patience=-1",
                                      "//b?style=x",
                                      "//b?region=%zz",
                                      "//b c"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (i == 4) continue; /* an empty query is fine */
        tarn_err why = {0};
        assert_int_equal(tarn_remote_open(&r, "s3", bad[i], &why), TARN_INVALID);
        tarn_remote_clear(&r);
    }
}

static void keys_are_read_from_a_file(void **state)
{
    static const char text[] =
        "# mine\n[default]\naws_access_key_id=A\naws_secret_access_key = S=/+ \r\n\n[ other ]\nx\n"
        "[other]\n  aws_access_key_id = B\naws_secret_access_key=T\naws_session_token = U\n[half]\n"
        "aws_access_key_id = C";
    tarn_s3_login login;

    (void)state;
    assert_true(tarn_s3_login_parse(text, "default", &login));
    assert_string_equal(login.access, "A");
    assert_string_equal(login.secret, "S=/+");
    assert_string_equal(login.token, "");
    assert_true(tarn_s3_login_parse(text, "other", &login));
    assert_string_equal(login.access, "B");
    assert_string_equal(login.token, "U");
    assert_false(tarn_s3_login_parse(text, "half", &login));
    assert_false(tarn_s3_login_parse(text, "none", &login));
    assert_false(tarn_s3_login_parse("", "", &login));
}

static void base64_goes_there_and_back(void **state)
{
    static const char *const words[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    uint8_t back[8];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        tarn_text t = {0};
        tarn_base64(&t, words[i][0], strlen(words[i][0]));
        assert_string_equal(t.data ? t.data : "", words[i][1]);
        assert_true(tarn_base64_read(words[i][1], strlen(words[i][1]), back, sizeof back, &n));
        assert_int_equal(n, strlen(words[i][0]));
        assert_memory_equal(back, words[i][0], n);
        tarn_text_clear(&t);
    }
    assert_false(tarn_base64_read("Zg=", 3, back, sizeof back, &n));
    assert_false(tarn_base64_read("Z*==", 4, back, sizeof back, &n));
    assert_false(tarn_base64_read("Zm9vYmFy", 8, back, 5, &n));
}

TARN_TESTS(TARN_TEST(urls_are_taken_apart), TARN_TEST(keys_are_read_from_a_file), TARN_TEST(base64_goes_there_and_back))
