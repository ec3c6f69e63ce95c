/* SPDX-License-Identifier: Apache-2.0 */
/* sources_test.c - what every source must keep to, whatever it reads. A new line in sources.def is tested by being
 * there. */
#include "support/tarn_test.h"

#include "base/str.h"
#include "ingest/ingest.h"

#include <ctype.h>

static void is_word(const char *name)
{
    assert_true(name && *name);
    for (const char *c = name; *c; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_') fail_msg("'%s' is no name", name);
}

static void is_sentence(const char *name, const char *what, const char *text)
{
    if (!text || strlen(text) < 8 || strchr(text, '\n') || text[strlen(text) - 1] == '.')
        fail_msg("%s: the %s should be a line of text without full stop, not '%s'", name, what, text ? text : "NULL");
}

static void *presets(const tarn_source *s)
{
    void *values = NULL;

    must(tarn_alloc(&values, 1, s->params_size, err));
    tarn_params_default(s->params, values);
    return values;
}

static void every_source_is_described_and_found(void **state)
{
    (void)state;
    assert_true(tarn_source_count() > 0);
    for (int i = 0; i < tarn_source_count(); i++) {
        const tarn_source *s = tarn_source_at(i), *found = NULL;
        is_word(s->name);
        is_sentence(s->name, "title", s->title);
        assert_non_null(s->read);
        assert_non_null(s->facts);
        assert_true(s->params_size > 0);
        must(tarn_source_find(s->name, &found, err));
        assert_ptr_equal(found, s); /* else the name is there twice */
    }
}

static void every_parameter_has_help_and_a_default_in_range(void **state)
{
    char preset[512], now[512];

    (void)state;
    for (int i = 0; i < tarn_source_count(); i++) {
        const tarn_source *s = tarn_source_at(i);
        void *values = presets(s);
        for (const tarn_param *p = s->params; p && p->type != TARN_P_END; p++) {
            is_word(p->name);
            is_sentence(p->name, "help", p->help);
            assert_ptr_equal(tarn_param_find(s->params, p->name), p);
            must(tarn_param_set(s->params, values, p->name, tarn_param_preset(p, preset, sizeof preset), err));
            assert_string_equal(tarn_param_get(p, values, now, sizeof now), preset);
        }
        must_fail_with(TARN_INVALID, "no_such_setting", tarn_param_set(s->params, values, "no_such_setting", "1", err));
        tarn_free(values);
    }
}

/* Nothing can be read from what its defaults name, nor from nowhere: an error with a message, and no memory kept. */
static void every_source_refuses_what_is_not_there(void **state)
{
    static const char *const places[] = {"", "/nowhere/at/all.csv", "no such thing"};
    tarn_db *db = NULL;

    (void)state;
    must(tarn_db_open(NULL, &db, err));
    for (int i = 0; i < tarn_source_count(); i++) {
        const tarn_source *s = tarn_source_at(i);
        const tarn_param *path = tarn_param_find(s->params, "path");
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            void *values = presets(s);
            tarn_rejects rejects = {0};
            tarn_err e = {0};
            json_t *facts = NULL;
            int64_t rows = 0;
            if (path) must(tarn_param_set(s->params, values, "path", places[k], err));
            assert_int_not_equal(s->read(values, "/nowhere", NULL, db, "t", &rows, &rejects, NULL, &e), TARN_OK);
            if (strlen(e.msg) < 12) fail_msg("%s: '%s' is no useful message", s->name, e.msg);
            if (path && *places[k] && !strstr(e.msg, places[k]))
                fail_msg("%s: '%s' does not name '%s'", s->name, e.msg, places[k]);
            assert_int_not_equal(s->facts(values, "/nowhere", &facts, &e), TARN_OK);
            assert_null(facts);
            assert_int_equal(rejects.count, 0);
            tarn_free(values);
        }
    }
    tarn_db_close(db);
}

TARN_TESTS(TARN_TEST(every_source_is_described_and_found), TARN_TEST(every_parameter_has_help_and_a_default_in_range),
           TARN_TEST(every_source_refuses_what_is_not_there))
