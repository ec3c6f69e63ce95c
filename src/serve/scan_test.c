/* SPDX-License-Identifier: Apache-2.0 */
/* scan_test.c - JSON as it comes, and as it should not. */
#include "support/tarn_test.h"

#include "base/json.h"
#include "base/random.h"
#include "serve/scan.h"

#include <math.h>

/* Whether a whole text is JSON, by the scanner; on a copy that ends where it ends. */
static tarn_code check(const char *text, size_t len, tarn_err *err)
{
    tarn_scan s;
    char *copy = malloc(len + 1);
    tarn_code rc;

    assert_non_null(copy);
    memcpy(copy, text, len);
    tarn_scan_init(&s, copy, len);
    rc = tarn_scan_skip(&s, err);
    if (rc == TARN_OK) rc = tarn_scan_finish(&s, err);
    free(copy);
    return rc;
}

static void takes_json_and_nothing_else(void **state)
{
    static const char *const good[] = {"{}",
                                       " [ ] ",
                                       "null",
                                       "-0",
                                       "1e5",
                                       "0.5E-3",
                                       "\"\"",
                                       "\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                       "[1,2,[3,{\"a\":[]}]]",
                                       "{\"a\":{\"b\":true},\"c\":false}",
                                       "\xef\xbb\xbf[1]",
                                       "\"\xc3\xa9\""};
    static const char *const bad[] = {"",          "{",           "[1,]",         "{\"a\":1,}",  "{a:1}",
                                      "'a'",       "01",          "1.",           ".5",          "+1",
                                      "-",         "1e",          "NaN",          "[Infinity]",  "\"\\x\"",
                                      "\"\\u12\"", "\"\\ud83d\"", "\"\\udc00\"",  "\"\\u0000\"", "\"\n\"",
                                      "\"",        "\"\xff\"",    "\"\xc0\x80\"", "truth",       "nul",
                                      "1 2",       "{\"a\" 1}",   "{1:2}",        "[1 2]",       "]",
                                      "/*x*/1",    "1e400",       "{\"a\":1}}"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) must(check(good[i], strlen(good[i]), err));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail_with(TARN_INVALID, "line 1, column", check(bad[i], strlen(bad[i]), err));
    must_fail_with(TARN_INVALID, "expected a value", check("[\0]", 3, err));
}

static void says_where_and_what(void **state)
{
    (void)state;
    must_fail_with(TARN_INVALID, "line 3, column 2: expected a value, got ']'", check("[1,\n2,\n ]", 9, err));
    must_fail_with(TARN_INVALID, "NaN, which JSON does not have (write null", check("[NaN]", 5, err));
    must_fail_with(TARN_INVALID, "got the end", check("[1", 2, err));
    must_fail_with(TARN_INVALID, "expected nothing more, got the text \"a\"", check("1 \"a\"", 5, err));
}

static void goes_64_levels_deep_and_no_further(void **state)
{
    char deep[200];

    (void)state;
    memset(deep, '[', 64), memset(deep + 64, ']', 64);
    must(check(deep, 128, err));
    memset(deep, '[', 65), memset(deep + 65, ']', 65);
    must_fail_with(TARN_INVALID, "nested too deeply", check(deep, 130, err));
    char *abyss = malloc(1 << 20);
    assert_non_null(abyss);
    memset(abyss, '[', 1 << 20);
    must_fail_with(TARN_INVALID, "nested too deeply", check(abyss, 1 << 20, err));
    free(abyss);
}

static double number(const char *text)
{
    char copy[800];
    tarn_scan s;
    double x = NAN;

    (void)snprintf(copy, sizeof copy, "%s", text);
    tarn_scan_init(&s, copy, strlen(copy));
    must(tarn_scan_number(&s, &x, NULL, NULL, err));
    must(tarn_scan_finish(&s, err));
    return x;
}

/* The short way through exact doubles and the long way must agree with strtod for whatever is written. */
static void numbers_are_the_nearest_doubles(void **state)
{
    static const char *const hard[] = {"9007199254740993",
                                       "0.1",
                                       "1e22",
                                       "1e23",
                                       "123456789012345",
                                       "1234567890123456789012",
                                       "2.2250738585072011e-308",
                                       "5e-324",
                                       "1e-400",
                                       "179769313486231570000e288",
                                       "0.000000000000000000000001",
                                       "-0.0",
                                       "100000000000000000000000",
                                       "8.5e-22",
                                       "3.0e22"};
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) assert_true(number(hard[i]) == strtod(hard[i], NULL));
    assert_true(signbit(number("-0")));
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t r = tarn_random_u64(1, TARN_STREAM_TEST, i, 0);
        int digits = 1 + (int)(r % 19), power = (int)(r / 64 % 60) - 30;
        double mantissa = (double)(int64_t)(tarn_random_u64(2, TARN_STREAM_TEST, i, 0) >> 2);
        (void)snprintf(text, sizeof text, "%.*g", digits, mantissa);
        if (!strchr(text, 'e')) (void)snprintf(text + strlen(text), 16, "%se%d", strchr(text, '.') ? "" : ".25", power);
        if (number(text) != strtod(text, NULL)) fail_msg("%s", text);
    }
}

static void texts_are_decoded_where_they_lie(void **state)
{
    char text[] = "\"a\\u00e9\\ud83d\\ude00\\n\\\"b\"  ";
    const char *got;
    size_t len;
    tarn_scan s;

    (void)state;
    tarn_scan_init(&s, text, strlen(text));
    must(tarn_scan_text(&s, &got, &len, err));
    assert_int_equal(len, 1 + 2 + 4 + 1 + 1 + 1);
    assert_memory_equal(got, "a\xc3\xa9\xf0\x9f\x98\x80\n\"b", len);
    must(tarn_scan_finish(&s, err));
}

/* Cut anywhere, or with any one byte changed: taken exactly when jansson takes it, apart from what we refuse on
 * purpose. */
static void agrees_with_jansson_on_broken_texts(void **state)
{
    static const char text[] = "{\"a\": [1, -2.5e3, \"x\\u00e9\"], \"b\": {\"c\": null, \"d\": true}}";
    char copy[sizeof text];
    static const char bytes[] = "\"\\{}[],:0 -e.tn\n\x80\x01u";
    json_t *value;

    (void)state;
    tarn_json_setup();
    for (size_t len = 1; len < sizeof text; len++) {
        value = json_loadb(text, len, JSON_DECODE_ANY, NULL);
        assert_int_equal(check(text, len, NULL) == TARN_OK, value != NULL);
        json_decref(value);
    }
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (size_t k = 0; k < sizeof bytes - 1; k++) {
            memcpy(copy, text, sizeof text);
            copy[at] = bytes[k];
            value = json_loadb(copy, sizeof text - 1, JSON_DECODE_ANY, NULL);
            if ((check(copy, sizeof text - 1, NULL) == TARN_OK) != (value != NULL)) fail_msg("%s", copy);
            json_decref(value);
        }
    }
}

TARN_TESTS(TARN_TEST(takes_json_and_nothing_else), TARN_TEST(says_where_and_what),
           TARN_TEST(goes_64_levels_deep_and_no_further), TARN_TEST(numbers_are_the_nearest_doubles),
           TARN_TEST(texts_are_decoded_where_they_lie), TARN_TEST(agrees_with_jansson_on_broken_texts))
