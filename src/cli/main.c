/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - from what was typed to one command's run.
 *
 * Order: words name the command (the longest that fits), then options and arguments in any order; `--` ends the
 * options. The exit status is that of the error's code (base/codes.def). */
#include "base/mem.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "flow/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct typed {
    const tarn_command *command;
    void *params;
    char **args;
    int n_args;
    bool help;
    tarn_cli cli;
} typed;

/* How many of the words are the command's name; 0 if they are not. */
static int words_matching(const tarn_command *c, int argc, char **argv)
{
    const char *at = c->name;
    int used = 0;

    while (*at) {
        size_t len = strcspn(at, " ");
        if (used == argc || strlen(argv[used]) != len || memcmp(argv[used], at, len) != 0) return 0;
        used++;
        at += len + (at[len] == ' ');
    }
    return used;
}

static tarn_code unknown_command(int argc, char **argv, tarn_err *err)
{
    const char *names[128] = {0};
    char typed_name[100];
    size_t n = 0;

    for (int i = 0; i < tarn_command_count() && n < 128; i++) names[n++] = tarn_command_at(i)->name;
    (void)snprintf(typed_name, sizeof typed_name, "%s%s%s", argv[0], argc > 1 && argv[1][0] != '-' ? " " : "",
                   argc > 1 && argv[1][0] != '-' ? argv[1] : "");
    const char *near = tarn_nearest_word(typed_name, names, n);
    if (!near) near = tarn_nearest_word(argv[0], names, n);
    if (near) return TARN_FAIL(err, TARN_USAGE, "there is no command '%s'; did you mean 'tarn %s'?", typed_name, near);
    return TARN_FAIL(err, TARN_USAGE, "there is no command '%s'; `tarn --help` lists all", typed_name);
}

/* --some-name or --some-name=value as the name in a table. False: too long, or it has no name. */
static bool option_name(const char *word, char out[128])
{
    size_t len = strcspn(word, "=");

    if (strncmp(word, "--", 2) != 0 || len < 3 || len - 2 >= 128) return false;
    (void)snprintf(out, 128, "%.*s", (int)(len - 2), word + 2);
    for (char *s = out; *s; s++)
        if (*s == '-') *s = '_';
    return true;
}

/* What follows an option as a word of its own is its value, unless it is an option itself: who forgot the value would
 * lose that too. */
static tarn_code check_value(const typed *t, const char *name, bool has_equals, const char *value, const char *expects,
                             tarn_err *err)
{
    static const char *const common[] = {"json", "quiet", "help", "folder", "threads"};
    char other[128];

    if (!value) return TARN_FAIL(err, TARN_USAGE, "option --%s needs a value%s", name, expects);
    if (has_equals || !option_name(value, other)) return TARN_OK;
    bool is_option = tarn_param_find(t->command->params, other) != NULL;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) is_option = is_option || strcmp(other, common[i]) == 0;
    if (!is_option) return TARN_OK;
    return TARN_FAIL(err, TARN_USAGE,
                     "option --%s needs a value, and '%.60s' is an option; if it is the value, write --%s=%.60s", name,
                     value, name, value);
}

/* One of the options that every command has. *used: words taken; 0 if it is none of them. */
static tarn_code common_option(typed *t, const char *name, bool has_equals, const char *value, int *used, tarn_err *err)
{
    int64_t n;
    tarn_code rc;

    *used = 1;
    if (strcmp(name, "json") == 0) t->cli.json = true;
    else if (strcmp(name, "quiet") == 0) t->cli.quiet = true;
    else if (strcmp(name, "help") == 0) t->help = true;
    else if (strcmp(name, "folder") == 0 || strcmp(name, "threads") == 0) {
        *used = has_equals ? 1 : 2;
        if ((rc = check_value(t, name, has_equals, value, "", err)) != TARN_OK) return rc;
        if (name[0] == 'f') t->cli.folder = value;
        else if (!tarn_int_parse(value, strlen(value), &n) || n < 1 || n > 1024)
            return TARN_FAIL(err, TARN_USAGE, "option --threads should be 1 to 1024, not '%.40s'", value);
        else t->cli.threads = (int)n;
    } else {
        *used = 0;
    }
    return TARN_OK;
}

/* An option of the command itself: --name value, --name=value, --flag, --no-flag. */
static tarn_code own_option(typed *t, const char *name, bool has_equals, const char *value, int *used, tarn_err *err)
{
    const tarn_param *table = t->command->params;
    bool off = strncmp(name, "no_", 3) == 0 && !tarn_param_find(table, name);
    const tarn_param *p = tarn_param_find(table, off ? name + 3 : name);
    char expects[256], needs[260] = "";
    tarn_code rc;

    *used = 1;
    if (p && p->type == TARN_P_BOOL && !has_equals)
        return tarn_param_set(table, t->params, p->name, off ? "false" : "true", err);
    if (p) (void)snprintf(needs, sizeof needs, ": %s", tarn_param_expects(p, expects, sizeof expects));
    if (p && (rc = check_value(t, name, has_equals, value, needs, err)) != TARN_OK) return rc;
    *used = has_equals ? 1 : 2;
    rc = tarn_param_set(table, t->params, name, value ? value : "", err);
    if (rc != TARN_OK && err) err->code = TARN_USAGE;
    return rc == TARN_OK ? TARN_OK : TARN_USAGE;
}

/* -x: the one option of the command that begins with x; NULL if there is none or several. */
static const char *option_of_letter(const tarn_param *table, char letter)
{
    const char *found = NULL;

    for (const tarn_param *p = table; p && p->type != TARN_P_END; p++) {
        if (p->name[0] != letter) continue;
        if (found) return NULL;
        found = p->name;
    }
    return found;
}

static tarn_code read_option(typed *t, int argc, char **argv, int *used, tarn_err *err)
{
    char name[128];
    const char *word = argv[0], *equals = strchr(word, '=');

    if (strcmp(word, "-h") == 0) {
        t->help = true;
        *used = 1;
        return TARN_OK;
    }
    const char *whole = word[1] != '-' && !word[2] ? option_of_letter(t->command->params, word[1]) : NULL;
    if (whole) return own_option(t, whole, false, argc > 1 ? argv[1] : NULL, used, err);
    if (!option_name(word, name))
        return TARN_FAIL(err, TARN_USAGE, "'%.60s' is not an option; options start with --, and `--` ends them", word);
    const char *value = equals ? equals + 1 : argc > 1 ? argv[1] : NULL;
    tarn_code rc = common_option(t, name, equals != NULL, value, used, err);
    if (rc != TARN_OK || *used > 0) return rc;
    return own_option(t, name, equals != NULL, value, used, err);
}

static tarn_code read_words(typed *t, int argc, char **argv, tarn_err *err)
{
    int best = 0;
    tarn_code rc;

    for (int i = 0; i < tarn_command_count(); i++) {
        int n = words_matching(tarn_command_at(i), argc, argv);
        if (n <= best) continue;
        best = n;
        t->command = tarn_command_at(i);
    }
    if (!t->command) return unknown_command(argc, argv, err);
    rc = tarn_alloc(&t->params, 1, t->command->params_size ? t->command->params_size : 1, err);
    if (rc == TARN_OK) rc = tarn_alloc(&t->args, (size_t)argc + 1, sizeof *t->args, err);
    if (rc != TARN_OK) return rc;
    tarn_params_default(t->command->params, t->params);
    bool options = true;
    for (int i = best; i < argc;) {
        int used = 1;
        if (options && strcmp(argv[i], "--") == 0) options = false;
        else if (options && argv[i][0] == '-' && argv[i][1]) {
            rc = read_option(t, argc - i, argv + i, &used, err);
            if (rc != TARN_OK) return rc;
        } else t->args[t->n_args++] = argv[i];
        i += used;
    }
    const tarn_command *c = t->command;
    if (!t->help && (t->n_args < c->least || (c->most >= 0 && t->n_args > c->most)))
        return TARN_FAIL(err, TARN_USAGE, "usage: tarn %s%s%s; `tarn %s --help` tells more", c->name,
                         c->usage[0] ? " " : "", c->usage, c->name);
    return TARN_OK;
}

/* One JSON document, whatever happens: what the command found, and the error beside it. */
static tarn_code print_json(const typed *t, tarn_code rc, const tarn_err *why, tarn_err *err)
{
    char *text = NULL;
    json_t *result = t->cli.result ? json_incref(t->cli.result) : json_object();
    tarn_code printed = TARN_OK;

    if (rc != TARN_OK)
        printed = tarn_json_set(result, "error",
                                json_pack("{s:s, s:s, s:b}", "code", tarn_code_name(rc), "message", why->msg, "retry",
                                          (int)tarn_code_retry(rc)),
                                err);
    if (printed == TARN_OK) printed = tarn_json_pretty(result, &text, err);
    if (printed == TARN_OK) (void)printf("%s\n", text);
    tarn_free(text);
    json_decref(result);
    return printed;
}

static void print_error(const typed *t, tarn_code rc, const tarn_err *err)
{
    (void)fflush(stdout); /* what was found before it stands before it, in one file, too */
    (void)fprintf(stderr, "%starn: %s%s\n", t->cli.color ? "\033[31m" : "", err->msg[0] ? err->msg : tarn_code_text(rc),
                  t->cli.color ? "\033[0m" : "");
}

static tarn_code run_command(typed *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_terminal *terminal = NULL;

    tarn_catch_stop();
    t->cli.result = json_object();
    TARN_TRY(tarn_terminal_new(t->cli.quiet || t->cli.json, t->cli.color, &terminal, err));
    t->cli.sink = tarn_terminal_sink(terminal);
    TARN_TRY(tarn_pool_new(t->cli.threads, &t->cli.pool, err));
    rc = t->command->run(&t->cli, t->params, t->n_args, t->args, err);
    tarn_terminal_wipe(terminal);
done:
    tarn_pool_free(t->cli.pool);
    tarn_terminal_free(terminal);
    return rc;
}

/* `tarn help [WORDS]`, and `tarn lake`, `tarn lake help`, `tarn lake --help`. *status: how it ends; false: nothing of
 * it was typed. */
static bool asked_for_help(int argc, char **argv, int *status)
{
    const tarn_command *of = NULL;
    tarn_text help = {0};
    bool first = argc > 1 && strcmp(argv[1], "help") == 0;
    int at = first ? 2 : 1, left = argc - at;

    *status = 0;
    if (left <= 0 || (!first && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))) {
        tarn_help(NULL, &help);
    } else {
        int best = 0;
        for (int i = 0; i < tarn_command_count(); i++) {
            int n = words_matching(tarn_command_at(i), left, argv + at);
            if (n > best) of = tarn_command_at(i), best = n;
        }
        const char *next = left > 1 ? argv[at + 1] : "help";
        bool group = first || strcmp(next, "help") == 0 || strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0;
        if (first && of) tarn_help(of, &help);
        else if (of || !group || !tarn_help_group(argv[at], &help)) return false;
        if (!first && left == 1) *status = tarn_code_exit(TARN_USAGE);
    }
    (void)fputs(help.data ? help.data : "", *status ? stderr : stdout);
    tarn_text_clear(&help);
    return true;
}

static int print_help(const tarn_command *command)
{
    tarn_text help = {0};

    tarn_help(command, &help);
    (void)fputs(help.data ? help.data : "", stdout);
    tarn_text_clear(&help);
    return 0;
}

int main(int argc, char **argv)
{
    tarn_err err = {0};
    typed t = {.cli = {.folder = "."}};

    tarn_json_setup();
    t.cli.color = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && !getenv("NO_COLOR");
    int status = 0;
    if (asked_for_help(argc, argv, &status)) return status;
    if (strcmp(argv[1], "--version") == 0)
        return printf("tarn %s (code %.12s)\n", tarn_version_text(), tarn_code_hash()) < 0;
    tarn_code rc = read_words(&t, argc - 1, argv + 1, &err);
    if (rc == TARN_OK) rc = t.help ? (print_help(t.command), TARN_OK) : run_command(&t, &err);
    if (t.cli.json && !t.help) {
        tarn_err none = {0};
        tarn_code printed = print_json(&t, rc, &err, rc == TARN_OK ? &err : &none);
        if (rc == TARN_OK) rc = printed;
    }
    if (rc == TARN_OK && (fflush(stdout) != 0 || ferror(stdout)) && !tarn_nobody_reads())
        rc = TARN_FAIL(&err, TARN_IO, "cannot write the output");
    if (rc != TARN_OK) print_error(&t, rc, &err);
    json_decref(t.cli.result);
    tarn_free(t.params);
    tarn_free(t.args);
    return tarn_code_exit(rc);
}
