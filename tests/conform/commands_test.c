/* SPDX-License-Identifier: Apache-2.0 */
/* commands_test.c - what every command must be, walking commands.def: named, described, its help complete. */
#include "support/tarn_test.h"

#include "cli/command.h"

#include <ctype.h>

static const char *const words[] = {"project", "ingest",   "lake",  "prepare", "train",
                                    "assess",  "registry", "serve", "monitor", "retrain"};

static void every_command_is_described(void **state)
{
    (void)state;
    assert_true(tarn_command_count() > 20);
    for (int i = 0; i < tarn_command_count(); i++) {
        const tarn_command *c = tarn_command_at(i);
        bool known = false;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) known = known || strcmp(words[w], c->stage) == 0;
        assert_true(known);
        assert_true(strlen(c->name) >= 2 && strlen(c->title) >= 10);
        assert_true(islower((unsigned char)c->title[0]));
        assert_non_null(c->usage);
        assert_non_null(c->run);
        assert_true(c->least >= 0 && (c->most < 0 || c->most >= c->least));
        assert_true((c->least > 0 || c->most != 0) == (c->usage[0] != '\0' && c->usage[0] != '-'));
        for (int k = 0; k < i; k++) assert_string_not_equal(c->name, tarn_command_at(k)->name);
    }
}

static void every_option_is_described_and_its_default_can_be_typed(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_command_count(); i++) {
        const tarn_command *c = tarn_command_at(i);
        void *values = NULL;
        must(tarn_alloc(&values, 1, c->params_size + 1, err));
        tarn_params_default(c->params, values);
        for (const tarn_param *p = c->params; p && p->type != TARN_P_END; p++) {
            char preset[4096];
            assert_true(strlen(p->help) >= 8);
            must(tarn_param_set(c->params, values, p->name, tarn_param_preset(p, preset, sizeof preset), err));
            assert_null(strchr(p->name, '-'));
        }
        tarn_free(values);
    }
}

static void help_names_every_option_and_the_overview_every_command(void **state)
{
    tarn_text overview = {0};

    (void)state;
    tarn_help(NULL, &overview);
    for (int i = 0; i < tarn_command_count(); i++) {
        const tarn_command *c = tarn_command_at(i);
        tarn_text help = {0};
        tarn_help(c, &help);
        must(tarn_text_check(&help, err));
        assert_non_null(strstr(help.data, c->title));
        assert_non_null(strstr(help.data, "--json"));
        for (const tarn_param *p = c->params; p && p->type != TARN_P_END; p++)
            assert_non_null(strstr(help.data, p->help));
        assert_non_null(strstr(overview.data, c->title));
        tarn_text_clear(&help);
    }
    tarn_text_clear(&overview);
}

TARN_TESTS(TARN_TEST(every_command_is_described), TARN_TEST(every_option_is_described_and_its_default_can_be_typed),
           TARN_TEST(help_names_every_option_and_the_overview_every_command))
