/* SPDX-License-Identifier: Apache-2.0 */
/* authorization_test.c - headers, cookies and forms, right and wrong. */
#include "support/tarn_test.h"

#include "serve/authorization.h"

static void reads_what_the_rfcs_show(void **state)
{
    tarn_auth a;

    (void)state;
    must(tarn_auth_read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", &a, err)); /* RFC 7617 section 2 */
    assert_true(a.basic);
    assert_string_equal(a.user, "Aladdin");
    assert_string_equal(a.secret, "open sesame");
    must(tarn_auth_read("basic  dGVzdDoxMjPCow== ", &a, err)); /* section 2.1: test, 123 and a pound sign */
    assert_string_equal(a.user, "test");
    assert_string_equal(a.secret, "123\xc2\xa3");
    must(tarn_auth_read("Basic OmE6Yg==", &a, err)); /* ":a:b": no user, a colon in the password */
    assert_string_equal(a.user, "");
    assert_string_equal(a.secret, "a:b");
    must(tarn_auth_read("bEARER mF_9.B5f-4.1JqM", &a, err)); /* RFC 6750 section 2.1 */
    assert_false(a.basic);
    assert_string_equal(a.secret, "mF_9.B5f-4.1JqM");
}

static void refuses_what_is_not_right(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "Basic",
        "Bearer",
        "Bearer  ",
        "Digest x=y",
        "Basic =",
        "Basic ====",
        "Basic QQ",
        "Basic QQ==",
        "Basic QWxh ZGRp",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=",
        "Basic !!!!",
        "Bearer a b",
        "Bearer a\tb",
        "Bearer \xc3\xa4",
        "BasicQWxhZGRpbjpvcGVu",
        "Basic YTpiAGM=",
        /* a NUL in it */ "Bearer\ttoken",
    };
    tarn_auth a;
    char *longer = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tarn_err why = {0};
        if (tarn_auth_read(bad[i], &a, &why) == TARN_OK) fail_msg("'%s' was read", bad[i]);
        assert_int_equal(why.code, TARN_INVALID);
    }
    must(tarn_alloc(&longer, 100000, 1, err));
    for (size_t len = 1; len < 99000; len = len * 2 + 1) {
        (void)strcpy(longer, "Bearer ");
        memset(longer + 7, 'a', len);
        longer[7 + len] = '\0';
        assert_int_equal(tarn_auth_read(longer, &a, NULL), len < TARN_AUTH_SECRET ? TARN_OK : TARN_INVALID);
        memcpy(longer, "Basic  ", 7);
        assert_int_equal(tarn_auth_read(longer, &a, NULL), TARN_INVALID);
    }
    tarn_free(longer);
}

static void finds_cookies(void **state)
{
    char out[8];

    (void)state;
    assert_true(tarn_cookie_find("a=1; tarn=abc; b=2", "tarn", out, sizeof out));
    assert_string_equal(out, "abc");
    assert_true(tarn_cookie_find("tarn=;x", "tarn", out, sizeof out));
    assert_string_equal(out, "");
    assert_false(tarn_cookie_find("xtarn=abc; tarnx=1; tarn", "tarn", out, sizeof out));
    assert_false(tarn_cookie_find("tarn=12345678", "tarn", out, sizeof out)); /* too long is not cut */
    assert_false(tarn_cookie_find("", "tarn", out, sizeof out));
    assert_false(tarn_cookie_find(";;; ;", "tarn", out, sizeof out));
}

static void reads_forms(void **state)
{
    static const char form[] = "user=ann%40x&password=a+b%26c%3Dd&empty=";
    char out[16];

    (void)state;
    assert_true(tarn_form_find(form, sizeof form - 1, "user", out, sizeof out));
    assert_string_equal(out, "ann@x");
    assert_true(tarn_form_find(form, sizeof form - 1, "password", out, sizeof out));
    assert_string_equal(out, "a b&c=d");
    assert_true(tarn_form_find(form, sizeof form - 1, "empty", out, sizeof out));
    assert_string_equal(out, "");
    assert_false(tarn_form_find(form, sizeof form - 1, "word", out, sizeof out));
    assert_false(tarn_form_find("user=a%0", 8, "user", out, sizeof out));
    assert_false(tarn_form_find("user=a%00b", 10, "user", out, sizeof out));
    assert_false(tarn_form_find("user=a%zz", 9, "user", out, sizeof out));
    assert_false(tarn_form_find("user=0123456789abcdef", 21, "user", out, sizeof out));
    assert_false(tarn_form_find("", 0, "user", out, sizeof out));
}

TARN_TESTS(TARN_TEST(reads_what_the_rfcs_show), TARN_TEST(refuses_what_is_not_right), TARN_TEST(finds_cookies),
           TARN_TEST(reads_forms))
