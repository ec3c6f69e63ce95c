/* SPDX-License-Identifier: Apache-2.0 */
/* err_test.c - messages are one line of valid UTF-8, are cut cleanly, and say what the system said. */
#include "support/tarn_test.h"

#include "base/str.h"

#include <errno.h>

static void every_code_has_its_line(void **state)
{
    (void)state;
    assert_int_equal(TARN_OK, 0);
    assert_string_equal(tarn_code_name(TARN_OK), "OK");
    assert_string_equal(tarn_code_name(TARN_NOMEM), "NOMEM");
    assert_int_equal(tarn_code_exit(TARN_OK), 0);
    assert_int_equal(tarn_code_http(TARN_NOT_FOUND), 404);
    assert_true(tarn_code_retry(TARN_BUSY));
    for (int c = 0; c < TARN_CODE_COUNT; c++) {
        assert_true(*tarn_code_name((tarn_code)c) && *tarn_code_text((tarn_code)c));
        assert_true(tarn_code_exit((tarn_code)c) >= 0 && tarn_code_exit((tarn_code)c) < 256);
        assert_true(tarn_code_http((tarn_code)c) >= 200 && tarn_code_http((tarn_code)c) < 600);
        assert_true((c == TARN_OK) == (tarn_code_exit((tarn_code)c) == 0));
        assert_true((c == TARN_OK) == (tarn_code_http((tarn_code)c) == 200));
        for (int d = 0; d < c; d++) assert_string_not_equal(tarn_code_name((tarn_code)c), tarn_code_name((tarn_code)d));
    }
    assert_string_equal(tarn_code_name((tarn_code)-1), "INVALID");
    assert_string_equal(tarn_code_name((tarn_code)TARN_CODE_COUNT), "INVALID");
}

static void keeps_code_place_and_text(void **state)
{
    tarn_err err = {0};

    (void)state;
    assert_int_equal(TARN_FAIL(&err, TARN_LIMIT, "%d is more than %d", 5, 4), TARN_LIMIT);
    assert_int_equal(err.code, TARN_LIMIT);
    assert_int_equal(err.line, __LINE__ - 2);
    assert_non_null(strstr(err.file, "err_test.c"));
    assert_string_equal(err.msg, "5 is more than 4");
    assert_int_equal(TARN_FAIL(NULL, TARN_IO, "nobody listens"), TARN_IO);
}

static void messages_are_one_printable_line(void **state)
{
    tarn_err err = {0};

    (void)state;
    (void)TARN_FAIL(&err, TARN_INVALID, "a\nb\r\tc\x1b[31m\x7f d");
    assert_string_equal(err.msg, "a b  c [31m  d");
}

static void foreign_bytes_become_question_marks(void **state)
{
    tarn_err err = {0};

    (void)state;
    (void)TARN_FAIL(&err, TARN_INVALID, "value '%s' and '%s'", "M\xfcnchen", "\xff\xfe\xe2\x82");
    assert_string_equal(err.msg, "value 'M?nchen' and '?"
                                 "??"
                                 "?'");
    (void)TARN_FAIL(&err, TARN_INVALID, "value '%s'", "M\xc3\xbcnchen");
    assert_string_equal(err.msg, "value 'M\xc3\xbcnchen'");
}

/* Characters of 1 to 4 bytes, shifted so that the cut goes through each of their bytes. */
static void long_messages_are_cut_at_whole_characters(void **state)
{
    static const char *const letters[] = {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

    (void)state;
    for (size_t k = 0; k < 4; k++)
        for (size_t shift = 0; shift < 5; shift++) {
            char text[2500] = "-----";
            tarn_err err = {0};
            const size_t size = strlen(letters[k]);

            text[shift] = '\0';
            for (int i = 0; i < 600; i++) strcat(text, letters[k]);
            (void)TARN_FAIL(&err, TARN_INVALID, "%s", text);
            assert_true(tarn_utf8_valid(err.msg, strlen(err.msg), NULL));
            assert_null(strchr(err.msg, '?'));
            assert_true(strlen(err.msg) + size >= sizeof err.msg);
        }
}

static void notes_go_in_front(void **state)
{
    tarn_err err = {0};

    (void)state;
    tarn_err_note(&err, "nothing happened");
    assert_string_equal(err.msg, "");
    tarn_err_note(NULL, "nobody listens");
    (void)TARN_FAIL(&err, TARN_NUMERIC, "is singular");
    tarn_err_note(&err, "column '%s'", "age");
    tarn_err_note(&err, "step %d", 3);
    assert_string_equal(err.msg, "step 3: column 'age': is singular");
    assert_int_equal(err.code, TARN_NUMERIC);
}

static void notes_leave_room_for_the_cause(void **state)
{
    char deep[700];

    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        tarn_err err = {0};

        memset(deep, 0, sizeof deep);
        memset(deep, '-', shift);
        for (int i = 0; i < 200; i++) strcat(deep, "\xe2\x82\xac");
        (void)TARN_FAIL(&err, TARN_IO, "the cause");
        for (int i = 0; i < 5; i++) tarn_err_note(&err, "%s", deep);
        assert_true(tarn_utf8_valid(err.msg, strlen(err.msg), NULL));
        assert_null(strchr(err.msg, '?'));
        (void)TARN_FAIL(&err, TARN_IO, "the cause");
        tarn_err_note(&err, "%s", deep);
        assert_non_null(strstr(err.msg, ": the cause"));
    }
}

static void system_errors_are_named(void **state)
{
    static const struct {
        int number;
        tarn_code code;
        const char *text;
    } cases[] = {{ENOSPC, TARN_FULL, "No space left on device; free some space"},
                 {EDQUOT, TARN_FULL, "quota"},
                 {EFBIG, TARN_FULL, "File too large"},
                 {ENOMEM, TARN_NOMEM, "Cannot allocate memory"},
                 {EACCES, TARN_DENIED, "Permission denied; check the owner"},
                 {EPERM, TARN_DENIED, "Operation not permitted"},
                 {EROFS, TARN_DENIED, "Read-only file system"},
                 {ENOENT, TARN_NOT_FOUND, "No such file or directory"},
                 {EIO, TARN_IO, "Input/output error"},
                 {ENOTDIR, TARN_IO, "Not a directory"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        errno = cases[i].number;
        must_fail_with(cases[i].code, cases[i].text, TARN_FAIL_ERRNO(err, "open", "a/b"));
        errno = cases[i].number;
        must_fail_with(cases[i].code, "cannot open 'a/b': ", TARN_FAIL_ERRNO(err, "open", "a/b"));
    }
}

TARN_TESTS(TARN_TEST(every_code_has_its_line), TARN_TEST(keeps_code_place_and_text),
           TARN_TEST(messages_are_one_printable_line), TARN_TEST(foreign_bytes_become_question_marks),
           TARN_TEST(long_messages_are_cut_at_whole_characters), TARN_TEST(notes_go_in_front),
           TARN_TEST(notes_leave_room_for_the_cause), TARN_TEST(system_errors_are_named))
