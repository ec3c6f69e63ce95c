/* SPDX-License-Identifier: Apache-2.0 */
/* param_test.c - one table of every type: defaults, reading, refusing, printing. */
#include "support/tarn_test.h"

#include "base/param.h"
#include "base/str.h"

#include <float.h>

typedef struct settings {
    int64_t rounds, seed;
    double rate;
    bool early;
    int solver;
    char note[8];
    char canary;
} settings;

static const tarn_param table[] = {
    TARN_INT(settings, rounds, 100, 1, 10000, "how many"),
    TARN_INT(settings, seed, 1e16, -0x1p63, 0x1p63, "any whole number"),
    TARN_REAL(settings, rate, 0.1, 0, 1, "step"),
    TARN_BOOL_PARAM(settings, early, true, "stop early"),
    TARN_WORD(settings, solver, 1, "newton|lbfgs|sgd", "how"),
    TARN_TEXT(settings, note, "hi", "anything"),
    TARN_PARAMS_END,
};

static void defaults_are_those_of_the_table(void **state)
{
    settings s;

    (void)state;
    memset(&s, 0x55, sizeof s);
    tarn_params_default(table, &s);
    assert_true(s.rounds == 100 && s.seed == 10000000000000000 && s.rate == 0.1 && s.early && s.solver == 1);
    assert_string_equal(s.note, "hi");
    assert_int_equal(s.canary, 0x55);
    tarn_params_default(NULL, NULL);
}

static void values_are_read_by_type(void **state)
{
    settings s = {.canary = 7};

    (void)state;
    must(tarn_param_set(table, &s, "rounds", "10000", err));
    must(tarn_param_set(table, &s, "seed", "9007199254740993", err));
    must(tarn_param_set(table, &s, "rate", "1e-3", err));
    must(tarn_param_set(table, &s, "early", "yes", err));
    must(tarn_param_set(table, &s, "solver", "sgd", err));
    must(tarn_param_set(table, &s, "note", "1234567", err));
    assert_true(s.rounds == 10000 && s.seed == 9007199254740993 && s.rate == 1e-3 && s.early && s.solver == 2);
    assert_string_equal(s.note, "1234567");
    must(tarn_param_set(table, &s, "note", "", err));
    must(tarn_param_set(table, &s, "early", "0", err));
    must(tarn_param_set(table, &s, "seed", "9223372036854775807", err));
    assert_true(s.note[0] == '\0' && !s.early && s.seed == INT64_MAX && s.canary == 7);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        {"rounds", "0", "parameter 'rounds': '0' should be a whole number, 1 to 10000"},
        {"rounds", "10001", "should be a whole number"},
        {"rounds", "5.5", "should be a whole number"},
        {"rounds", "", "should be a whole number"},
        {"rate", "-0.001", "'rate': '-0.001' should be a number, 0 to 1"},
        {"rate", "nan", "should be a number"},
        {"rate", "inf", "should be a number"},
        {"rate", "0.1 ", "should be a number"},
        {"early", "maybe", "should be true or false"},
        {"early", "TRUE", "should be true or false"},
        {"solver", "newto", "should be one of newton, lbfgs, sgd"},
        {"solver", "newton|lbfgs", "should be one of"},
        {"solver", "", "should be one of"},
        {"note", "12345678", "should be text of at most 7 bytes"},
    };
    settings s = {0}, before;

    (void)state;
    tarn_params_default(table, &s);
    before = s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        must_fail_with(TARN_INVALID, cases[i].says, tarn_param_set(table, &s, cases[i].name, cases[i].text, err));
    assert_memory_equal(&s, &before, sizeof s);
}

static void unknown_names_get_a_suggestion(void **state)
{
    settings s = {0};

    (void)state;
    must_fail_with(TARN_INVALID, "unknown parameter 'ronds'; did you mean 'rounds'?",
                   tarn_param_set(table, &s, "ronds", "1", err));
    must_fail_with(TARN_INVALID, "known are: rounds, seed, rate, early, solver, note",
                   tarn_param_set(table, &s, "gamma_correction", "1", err));
    must_fail_with(TARN_INVALID, "known are: none", tarn_param_set(NULL, &s, "x", "1", err));
    assert_null(tarn_param_find(table, "nope"));
    assert_null(tarn_param_find(NULL, "rate"));
    assert_ptr_equal(tarn_param_find(table, "rate"), &table[2]);
}

static void printed_values_read_back(void **state)
{
    static const char *const rounds[] = {"1", "10000"};
    static const char *const seeds[] = {"-9223372036854775808", "9223372036854775807", "9007199254740993",
                                        "2000000000000000"};
    static const char *const rates[] = {"0", "1", "0.30000000000000004", "5e-324"};
    settings s, back;
    char text[64];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        memset(&s, 0, sizeof s);
        memset(&back, 0, sizeof back);
        tarn_params_default(table, &s);
        must(tarn_param_set(table, &s, "rounds", rounds[i % 2], err));
        must(tarn_param_set(table, &s, "seed", seeds[i], err));
        must(tarn_param_set(table, &s, "rate", rates[i], err));
        must(tarn_param_set(table, &s, "early", i % 2 ? "true" : "false", err));
        assert_string_equal(tarn_param_get(&table[1], &s, text, sizeof text), seeds[i]);
        for (const tarn_param *p = table; p->type != TARN_P_END; p++)
            must(tarn_param_set(table, &back, p->name, tarn_param_get(p, &s, text, sizeof text), err));
        assert_memory_equal(&s, &back, sizeof s);
    }
}

static void printed_defaults_read_back(void **state)
{
    settings s, back;
    char text[64];

    (void)state;
    memset(&s, 0, sizeof s);
    memset(&back, 0, sizeof back);
    tarn_params_default(table, &s);
    for (const tarn_param *p = table; p->type != TARN_P_END; p++)
        must(tarn_param_set(table, &back, p->name, tarn_param_preset(p, text, sizeof text), err));
    assert_memory_equal(&s, &back, sizeof s);
    assert_string_equal(tarn_param_preset(&table[4], text, sizeof text), "lbfgs");
    assert_string_equal(tarn_param_preset(&table[3], text, sizeof text), "true");
    assert_string_equal(tarn_param_preset(&table[1], text, sizeof text), "10000000000000000");
}

static void small_buffers_are_never_overrun(void **state)
{
    (void)state;
    for (const tarn_param *p = table; p->type != TARN_P_END; p++)
        for (size_t cap = 1; cap < 40; cap++) {
            char *text = NULL;
            settings s = {0};

            must(tarn_alloc(&text, cap, 1, err)); /* so that a sanitizer sees the border */
            assert_true(strlen(tarn_param_expects(p, text, cap)) < cap);
            assert_true(strlen(tarn_param_preset(p, text, cap)) < cap);
            assert_true(strlen(tarn_param_get(p, &s, text, cap)) < cap);
            tarn_free(text);
        }
}

static void long_and_foreign_values_are_quoted_safely(void **state)
{
    settings s = {0};
    tarn_err err = {0};
    char text[3000];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof text; i++) text[i] = "\xe2\x82\xac"[i % 3];
    text[sizeof text - 1] = '\0';
    assert_int_equal(tarn_param_set(table, &s, "rate", text, &err), TARN_INVALID);
    assert_true(tarn_utf8_valid(err.msg, strlen(err.msg), NULL));
    assert_non_null(strstr(err.msg, "should be a number"));
}

static void a_repeated_text_keeps_every_value(void **state)
{
    typedef struct many {
        char list[12];
    } many;
    static const tarn_param own[] = { TARN_TEXTS(many, list, "some words"), TARN_PARAMS_END };
    many m;

    (void)state;
    tarn_params_default(own, &m);
    must(tarn_param_set(own, &m, "list", "one", err));
    must(tarn_param_set(own, &m, "list", "", err));
    must(tarn_param_set(own, &m, "list", "two", err));
    assert_string_equal(m.list, "one\ntwo");
    must_fail_with(TARN_INVALID, "at most", tarn_param_set(own, &m, "list", "four", err));
    assert_string_equal(m.list, "one\ntwo");
    must(tarn_param_set(own, &m, "list", "six", err)); /* to the last byte */
    assert_string_equal(m.list, "one\ntwo\nsix");
}

TARN_TESTS(TARN_TEST(a_repeated_text_keeps_every_value), TARN_TEST(defaults_are_those_of_the_table),
           TARN_TEST(values_are_read_by_type), TARN_TEST(what_does_not_fit_is_refused_and_changes_nothing),
           TARN_TEST(unknown_names_get_a_suggestion), TARN_TEST(printed_values_read_back),
           TARN_TEST(printed_defaults_read_back), TARN_TEST(small_buffers_are_never_overrun),
           TARN_TEST(long_and_foreign_values_are_quoted_safely))
