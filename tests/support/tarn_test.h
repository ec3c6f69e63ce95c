/* SPDX-License-Identifier: Apache-2.0 */
/* tarn_test.h - what every unit test starts with: cmocka, and a check that all memory came back.
 *
 *     static void adds_up(void **state) { ... }
 *     TARN_TESTS(TARN_TEST(adds_up), TARN_TEST(refuses_nonsense))
 *
 * Each test runs between two counts of live blocks, which must agree.
 */
#ifndef TARN_TEST_H
#define TARN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"

static int64_t tarn_test_blocks;

__attribute__((unused)) static int tarn_test_setup(void **state)
{
    (void)state;
    tarn_mem_fail_after(0);
    tarn_test_blocks = tarn_mem_live();
    return 0;
}

__attribute__((unused)) static int tarn_test_teardown(void **state)
{
    (void)state;
    tarn_mem_fail_after(0);
    if (tarn_mem_live() == tarn_test_blocks) return 0;
    (void)fprintf(stderr, "%lld blocks of memory did not come back\n", (long long)(tarn_mem_live() - tarn_test_blocks));
    return 1;
}

/* The call must succeed; its error message is shown if not. */
#define must(call)                                                                       \
    do {                                                                                 \
        tarn_err must_err = {0};                                                         \
        tarn_err *err = &must_err;                                                       \
        tarn_code must_rc = (call);                                                      \
        if (must_rc != TARN_OK)                                                          \
            fail_msg("%s: %s: %s (%s:%d)", #call, tarn_code_name(must_rc), must_err.msg, \
                     must_err.file ? must_err.file : "?", must_err.line);                \
    } while (0)

/* The call must fail with this code and a message that contains the text. */
#define must_fail_with(want, text, call)                                                         \
    do {                                                                                         \
        tarn_err must_err = {0};                                                                 \
        tarn_err *err = &must_err;                                                               \
        tarn_code must_rc = (call);                                                              \
        if (must_rc != (want) || !strstr(must_err.msg, (text)))                                  \
            fail_msg("%s: wanted %s with '%s', got %s: %s", #call, tarn_code_name(want), (text), \
                     tarn_code_name(must_rc), must_err.msg);                                     \
    } while (0)

#define TARN_TEST(function) cmocka_unit_test_setup_teardown(function, tarn_test_setup, tarn_test_teardown)
#define TARN_TESTS(...)                                   \
    int main(void)                                        \
    {                                                     \
        const struct CMUnitTest tests[] = {__VA_ARGS__};  \
        return cmocka_run_group_tests(tests, NULL, NULL); \
    }

#endif
