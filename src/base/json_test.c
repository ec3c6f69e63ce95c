/* SPDX-License-Identifier: Apache-2.0 */
/* json_test.c - errors have a place, output is always the same bytes, and no input or shortage of memory does harm. */
#include "support/tarn_test.h"

#include "base/json.h"
#include "base/random.h"

#include <math.h>

static void check_bad(const char *text, size_t len, tarn_code code, const char *says)
{
    json_t *value = NULL;

    must_fail_with(code, says, tarn_json_read(text, len, "the request", &value, err));
    assert_null(value);
}

static void errors_name_line_and_column(void **state)
{
    (void)state;
    check_bad("{\"a\": 1,\n \"b\" 2}", 16, TARN_INVALID, "the request is not JSON: line 2, column 6");
    check_bad("", 0, TARN_INVALID, "line 1, column 0");
    check_bad("{\"a\": 1, \"a\": 2}", 16, TARN_INVALID, "duplicate");
    check_bad("[1, 2] 3", 8, TARN_INVALID, "line 1");
    check_bad("[NaN]", 5, TARN_INVALID, "line 1");
    check_bad("[1e999]", 7, TARN_INVALID, "real number overflow");
    check_bad("\"a\0b\"", 5, TARN_INVALID, "line 1");
    check_bad("\"a\\u0000b\"", 10, TARN_INVALID, "line 1");
    check_bad("\"\xff\"", 3, TARN_INVALID, "line 1");
    check_bad("\"\xed\xa0\x80\"", 5, TARN_INVALID, "line 1");
}

static void nesting_has_a_limit(void **state)
{
    char text[2000];
    json_t *value = NULL;

    (void)state;
    memset(text, '[', 512);
    memset(text + 512, ']', 512);
    must(tarn_json_read(text, 1024, "x", &value, err));
    json_decref(value);
    memset(text, '[', 1000);
    text[1] = '\n';
    memset(text + 1000, ']', 1000);
    check_bad(text, 2000, TARN_LIMIT, "the request: line 2, column 512: nested deeper than 512");
    memset(text, '[', sizeof text);
    check_bad(text, sizeof text, TARN_LIMIT, "nested deeper");
    text[0] = '"'; /* brackets in a string are letters */
    text[1999] = '"';
    text[1000] = '\\';
    text[1001] = '"';
    must(tarn_json_read(text, 2000, "x", &value, err));
    json_decref(value);
}

static void any_value_may_stand_alone(void **state)
{
    static const char *const texts[] = {"null", "true", "3", "2.5", "\"x\"", "[]", "{}", " [1] \n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *value = NULL;

        must(tarn_json_read(texts[i], strlen(texts[i]), "x", &value, err));
        json_decref(value);
    }
}

/* The same object built in two orders. */
static json_t *build(bool backwards)
{
    json_t *object = json_object();

    if (backwards) must(tarn_json_set(object, "b", json_string("\xc3\xbc\"\n"), err));
    must(tarn_json_set(object, "a", tarn_json_num(2.5), err));
    if (!backwards) must(tarn_json_set(object, "b", json_string("\xc3\xbc\"\n"), err));
    return object;
}

static void compact_is_the_same_bytes_for_the_same_value(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        json_t *object = build(i);
        char *text = NULL;

        must(tarn_json_compact(object, &text, err));
        assert_string_equal(text, "{\"a\":2.5,\"b\":\"\xc3\xbc\\\"\\n\"}");
        tarn_free(text);
        must(tarn_json_pretty(object, &text, err));
        assert_string_equal(text, i ? "{\n  \"b\": \"\xc3\xbc\\\"\\n\",\n  \"a\": 2.5\n}"
                                    : "{\n  \"a\": 2.5,\n  \"b\": \"\xc3\xbc\\\"\\n\"\n}");
        tarn_free(text);
        json_decref(object);
    }
}

static void check_num(double x, const char *want)
{
    json_t *number = tarn_json_num(x);
    char *text = NULL;

    must(tarn_json_compact(number, &text, err));
    assert_string_equal(text, want);
    tarn_free(text);
    json_decref(number);
}

static void numbers_are_json_numbers_or_null(void **state)
{
    (void)state;
    check_num(3, "3");
    check_num(-0.0, "0");
    check_num(0.5, "0.5");
    check_num(9e15, "9000000000000000.0");
    check_num(NAN, "null");
    check_num(INFINITY, "null");
    for (uint32_t i = 0; i < 5000; i++) {
        uint64_t bits = tarn_random_u64(2, TARN_STREAM_TEST, 0, i);
        double x;
        char *text = NULL;
        json_t *back = NULL;

        memcpy(&x, &bits, sizeof x);
        json_t *number = tarn_json_num(x);
        must(tarn_json_compact(number, &text, err));
        must(tarn_json_read(text, strlen(text), "x", &back, err));
        assert_true(isfinite(x) ? json_number_value(back) == x : json_is_null(back));
        tarn_free(text);
        json_decref(back);
        json_decref(number);
    }
}

static void fields_are_looked_up_and_set(void **state)
{
    json_t *object = json_object(), *array = json_array();

    (void)state;
    must(tarn_json_set(object, "name", json_string("tarn"), err));
    must(tarn_json_set(object, "n", json_integer(1), err));
    assert_string_equal(tarn_json_text(object, "name", "?"), "tarn");
    assert_string_equal(tarn_json_text(object, "n", "?"), "?");
    assert_string_equal(tarn_json_text(object, "none", "?"), "?");
    assert_null(tarn_json_text(NULL, "none", NULL));
    must_fail_with(TARN_NOMEM, "'bad'", tarn_json_set(object, "bad", json_string("\xff"), err));
    must_fail_with(TARN_NOMEM, "'bad'", tarn_json_set(object, "bad", NULL, err));
    must_fail_with(TARN_NOMEM, "array", tarn_json_append(array, NULL, err));
    must(tarn_json_append(array, json_true(), err));
    assert_int_equal(json_array_size(array), 1);
    json_decref(object);
    json_decref(array);
}

static const char sample[] = "{\"rows\": [{\"a\": 1.5, \"b\": \"\\u00fc\\ud83d\\ude00\"}, null, true], \"n\": -12e3}";

static void cut_and_flipped_bytes_are_refused_or_read(void **state)
{
    char text[sizeof sample];
    json_t *value = NULL;

    (void)state;
    for (size_t len = 0; len < sizeof sample - 1; len++) check_bad(sample, len, TARN_INVALID, "line 1");
    for (size_t i = 0; i < sizeof sample - 1; i++)
        for (int c = 0; c < 256; c++) {
            memcpy(text, sample, sizeof text);
            text[i] = (char)c;
            tarn_code rc = tarn_json_read(text, sizeof sample - 1, "x", &value, NULL);
            assert_true(rc == TARN_OK ? value != NULL : value == NULL && rc == TARN_INVALID);
            if (rc == TARN_OK) json_decref(value);
        }
}

static tarn_code read_and_write(tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *value = NULL;
    char *text = NULL;

    TARN_TRY(tarn_json_read(sample, sizeof sample - 1, "x", &value, err));
    TARN_TRY(tarn_json_set(value, "more", json_string("text"), err));
    TARN_TRY(tarn_json_compact(value, &text, err));
    tarn_free(text);
    text = NULL;
    TARN_TRY(tarn_json_pretty(value, &text, err));
done:
    json_decref(value);
    tarn_free(text);
    return rc;
}

static void running_out_of_memory_is_a_clean_error(void **state)
{
    const int64_t live = tarn_mem_live();
    tarn_code rc = TARN_NOMEM;
    int64_t n = 1;

    (void)state;
    for (; rc != TARN_OK; n++) {
        tarn_err err = {0};

        assert_true(n < 1000);
        tarn_mem_fail_after(n);
        rc = read_and_write(&err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK && rc != TARN_NOMEM) fail_msg("allocation %d: %s", (int)n, err.msg);
        assert_int_equal(tarn_mem_live(), live);
    }
    assert_true(n > 10); /* jansson's memory is ours */
}

/* Where jansson by itself ends the process, or reads behind a token: its buffer grows in a number, a word, a string. */
static void running_out_of_memory_inside_of_a_long_token_is_a_clean_error(void **state)
{
    static const char *const texts[] = {
        "[0,123456789012345678]",
        "[-0.12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789]",
        "[1e000000000000000000000000000000000000000000000000000000000000001]",
        "{\"a\": 1234567890123456}",
        "[\"a string of more than sixteen and of more than thirty-two and sixty-four bytes, too\"]",
        "[\"\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\", 7]",
        "[\"a control character behind\x01\"]",
        "[falsefalsefalsefalsefalsefalsefalse]",
        "123456789012345678901234567890",
    };
    const int64_t live = tarn_mem_live();

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tarn_code rc = TARN_NOMEM;
        int64_t n = 1;
        json_t *value = NULL;
        for (; rc == TARN_NOMEM; n++) {
            tarn_err err = {0};
            assert_true(n < 100);
            tarn_mem_fail_after(n);
            rc = tarn_json_read(texts[i], strlen(texts[i]), "x", &value, &err);
            tarn_mem_fail_after(0);
            if (rc != TARN_OK && rc != TARN_NOMEM && rc != TARN_INVALID) fail_msg("%s: %s", texts[i], err.msg);
            assert_true((value != NULL) == (rc == TARN_OK));
        }
        json_decref(value);
        assert_true(n > 3);
        assert_int_equal(tarn_mem_live(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(errors_name_line_and_column),
        TARN_TEST(nesting_has_a_limit),
        TARN_TEST(any_value_may_stand_alone),
        TARN_TEST(compact_is_the_same_bytes_for_the_same_value),
        TARN_TEST(numbers_are_json_numbers_or_null),
        TARN_TEST(fields_are_looked_up_and_set),
        TARN_TEST(cut_and_flipped_bytes_are_refused_or_read),
        TARN_TEST(running_out_of_memory_is_a_clean_error),
        TARN_TEST(running_out_of_memory_inside_of_a_long_token_is_a_clean_error),
    };

    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
