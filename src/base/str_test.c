/* SPDX-License-Identifier: Apache-2.0 */
/* str_test.c - text, number text, words and UTF-8. */
#include "support/tarn_test.h"

#include "base/random.h"
#include "base/str.h"

#include <float.h>
#include <math.h>

static void text_grows_and_is_handed_over(void **state)
{
    tarn_text t = {0};
    char *out = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++) tarn_text_addf(&t, "%d,", i % 10);
    tarn_text_add(&t, "end");
    tarn_text_addn(&t, "\0x", 2);
    must(tarn_text_check(&t, err));
    assert_int_equal(t.len, 2005);
    must(tarn_text_take(&t, &out, err));
    assert_memory_equal(out, "0,1,2,3,4,5,6,7,8,9,0,", 22);
    assert_memory_equal(out + 2000, "end\0x", 6);
    assert_null(t.data);
    tarn_free(out);
    must(tarn_text_take(&t, &out, err));
    assert_string_equal(out, "");
    tarn_free(out);
    tarn_text_clear(&t);
}

static void text_remembers_the_first_failure(void **state)
{
    (void)state;
    for (int n = 1; n < 4; n++) {
        tarn_text t = {0};
        char *out = &(char){0};

        tarn_mem_fail_after(n);
        for (int i = 0; i < 100; i++) tarn_text_addf(&t, "%s", "0123456789");
        tarn_mem_fail_after(0);
        tarn_text_add(&t, "more");
        must_fail_with(TARN_NOMEM, "memory", tarn_text_check(&t, err));
        must_fail_with(TARN_NOMEM, "memory", tarn_text_take(&t, &out, err));
        assert_null(out);
        tarn_text_clear(&t);
    }
}

static void xml_is_escaped(void **state)
{
    tarn_text t = {0};

    (void)state;
    tarn_text_xml(&t, "<a href=\"x\">'1' & 2</a>\xc3\xbc");
    assert_string_equal(t.data, "&lt;a href=&quot;x&quot;&gt;&#39;1&#39; &amp; 2&lt;/a&gt;\xc3\xbc");
    tarn_text_clear(&t);
}

static void check_format(double x, const char *want)
{
    char text[32];

    assert_string_equal(tarn_num_format(x, text), want);
}

static void numbers_are_written_short(void **state)
{
    (void)state;
    check_format(0, "0");
    check_format(-0.0, "0");
    check_format(1, "1");
    check_format(-17, "-17");
    check_format(0.1, "0.1");
    check_format(1.0 / 3, "0.3333333333333333");
    check_format(0.1 + 0.2, "0.30000000000000004");
    check_format(123456789012345, "123456789012345");
    check_format(999999999999999, "999999999999999");
    check_format(1e15, "1e+15");
    check_format(1e300, "1e+300");
    check_format(5e-324, "5e-324");
    check_format(DBL_MIN, "2.2250738585072014e-308");
    check_format(DBL_MAX, "1.7976931348623157e+308");
    check_format(NAN, "NaN");
    check_format(INFINITY, "inf");
    check_format(-INFINITY, "-inf");
}

static void numbers_read_back_as_they_were(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t bits = tarn_random_u64(1, TARN_STREAM_TEST, 0, i);
        char text[32];
        double x, y = 0;

        memcpy(&x, &bits, sizeof x);
        if (i % 2) x = (double)(int64_t)bits * 0x1p-40;
        if (i % 5 == 0) x *= 0x1p-1040;
        if (!isfinite(x)) continue;
        tarn_num_format(x, text);
        assert_true(strlen(text) < sizeof text);
        if (!tarn_num_parse(text, strlen(text), false, &y) || x != y) fail_msg("%a became %s, %a", x, text, y);
    }
}

static bool reads(const char *text, bool special) { return tarn_num_parse(text, strlen(text), special, &(double){0}); }

static void only_numbers_are_numbers(void **state)
{
    static const char *const good[] = {"0", "-1", "+1", ".5", "5.", "1e5", "1E-5", "00012", "-.5e+3", "1e-400"};
    static const char *const bad[] = {"",  " 1", "1 ", "0x10", "0X1p3", "1,5", "1.5.2", "--1", "e5",   ".",
                                      "+", "-",  "1e", "12a",  "nanx",  "1_0", "\t1",   "1\n", "1e5 ", "in"};
    static const char *const special[] = {"nan", "NaN", "inf", "-inf", "+Infinity", "INF", "1e400"};
    double x = 42;
    char many[600];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(reads(good[i], false) && reads(good[i], true));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (reads(bad[i], false) || reads(bad[i], true)) fail_msg("'%s' was read as a number", bad[i]);
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        assert_true(!reads(special[i], false) && reads(special[i], true));
    assert_false(tarn_num_parse("1\0", 2, true, &x));
    assert_false(tarn_num_parse("\0", 1, true, &x));
    memset(many, '1', sizeof many);
    assert_false(tarn_num_parse(many, sizeof many, false, &x));
    assert_true(x == 42);
    assert_true(tarn_num_parse("12345", 3, false, &x) && x == 123);
}

static void whole_numbers_are_exact_to_the_border(void **state)
{
    static const char *const bad[] = {
        "",    "-",   "+", "1.0", " 1", "1 ", "9223372036854775808", "-9223372036854775809", "99999999999999999999999",
        "1e3", "0x1", "1-"};
    int64_t x = 42;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(tarn_int_parse(bad[i], strlen(bad[i]), &x));
    assert_int_equal(x, 42);
    assert_true(tarn_int_parse("9223372036854775807", 19, &x) && x == INT64_MAX);
    assert_true(tarn_int_parse("-9223372036854775808", 20, &x) && x == INT64_MIN);
    assert_true(tarn_int_parse("-0", 2, &x) && x == 0);
    assert_true(tarn_int_parse("+0017", 5, &x) && x == 17);
}

static void check_group(int64_t n, const char *want)
{
    char text[32];

    assert_string_equal(tarn_num_group(n, text), want);
}

static void check_bytes(uint64_t n, const char *want)
{
    char text[32];

    assert_string_equal(tarn_num_bytes(n, text), want);
}

static void people_can_read_the_sizes(void **state)
{
    (void)state;
    check_group(0, "0");
    check_group(999, "999");
    check_group(-999, "-999");
    check_group(1000, "1,000");
    check_group(-123456, "-123,456");
    check_group(1234567, "1,234,567");
    check_group(INT64_MIN, "-9,223,372,036,854,775,808");
    check_bytes(0, "0 B");
    check_bytes(999, "999 B");
    check_bytes(1000, "1.0 kB");
    check_bytes(1234567, "1.2 MB");
    check_bytes(99940, "99.9 kB");
    check_bytes(99960, "100 kB");
    check_bytes(999600, "1.0 MB");
    check_bytes(UINT64_MAX, "18.4 EB");
}

static void the_nearest_word_is_one_that_was_meant(void **state)
{
    static const char *const words[] = {"learning_rate", "max_leaves", "l2", "seed", "rounds"};
    const size_t n = sizeof words / sizeof *words;
    char long_word[200];

    (void)state;
    assert_string_equal(tarn_nearest_word("learnig_rate", words, n), "learning_rate");
    assert_string_equal(tarn_nearest_word("learning-rate", words, n), "learning_rate");
    assert_string_equal(tarn_nearest_word("sede", words, n), "seed");
    assert_string_equal(tarn_nearest_word("l1", words, n), "l2");
    assert_string_equal(tarn_nearest_word("round", words, n), "rounds");
    assert_null(tarn_nearest_word("kernel", words, n));
    assert_null(tarn_nearest_word("y", (const char *const[]){"a", "z"}, 2));
    assert_string_equal(tarn_nearest_word("c", (const char *const[]){"a", "C"}, 2), "C");
    assert_null(tarn_nearest_word("something_else", words, n));
    assert_null(tarn_nearest_word("seed", words, 0));
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    assert_null(tarn_nearest_word(long_word, words, n));
}

/* Unicode 15, table 3-7, row by row: the first and last of each range, and what lies just outside. */
static void utf8_is_what_the_standard_says(void **state)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xec\xbf\xbf",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf3\xbf\xbf\xbf",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x41",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe2\x82",
                                      "\xe2\x41\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf0\x9f\x98",
                                      "\xff"};
    char text[8];
    size_t at;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(tarn_utf8_valid(good[i], strlen(good[i]), NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(text, sizeof text, "ab%s", bad[i]);
        assert_false(tarn_utf8_valid(text, strlen(text), &at));
        assert_int_equal(at, 2);
        assert_false(tarn_utf8_valid(bad[i], strlen(bad[i]), NULL));
    }
    assert_true(tarn_utf8_valid("a\0b", 3, NULL));
}

TARN_TESTS(TARN_TEST(text_grows_and_is_handed_over), TARN_TEST(text_remembers_the_first_failure),
           TARN_TEST(xml_is_escaped), TARN_TEST(numbers_are_written_short), TARN_TEST(numbers_read_back_as_they_were),
           TARN_TEST(only_numbers_are_numbers), TARN_TEST(whole_numbers_are_exact_to_the_border),
           TARN_TEST(people_can_read_the_sizes), TARN_TEST(the_nearest_word_is_one_that_was_meant),
           TARN_TEST(utf8_is_what_the_standard_says))
