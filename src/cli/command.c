/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - the table of commands, their help, and what they print with. See command.h. */
#include "cli/command.h"

#include "base/file.h"
#include "base/mem.h"
#include "cli/secret.h"
#include "flow/gate.h"
#include "flow/project.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TARN_COMMAND(name) extern const tarn_command tarn_command_##name;
#include "cli/commands.def"
#undef TARN_COMMAND

static const tarn_command *const table[] = {
#define TARN_COMMAND(name) &tarn_command_##name,
#include "cli/commands.def"
#undef TARN_COMMAND
};

int tarn_command_count(void) { return (int)(sizeof table / sizeof *table); }
const tarn_command *tarn_command_at(int i) { return table[i]; }

/* Messages of commits, names and cells may be a stranger's: what a terminal would obey is shown as '?'. Our colours
 * stay. */
static void tame(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (*c == 0x1B && c[1] == '[') {
            size_t n = strspn((char *)c + 2, "0123456789");
            if (n > 0 && c[2 + n] == 'm') continue;
        }
        bool high = *c == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F; /* the same controls with the eighth bit, in UTF-8 */
        if (high) *c++ = '?';
        if (high || (*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7F) *c = '?';
    }
}

void tarn_out(const tarn_cli *cli, const char *fmt, ...)
{
    va_list args;
    char some[1024], *more = NULL;

    if (cli->json) return;
    va_start(args, fmt);
    int n = vsnprintf(some, sizeof some, fmt, args);
    va_end(args);
    if (n >= (int)sizeof some && tarn_alloc(&more, (size_t)n + 1, 1, NULL) == TARN_OK) {
        va_start(args, fmt);
        (void)vsnprintf(more, (size_t)n + 1, fmt, args);
        va_end(args);
    }
    tame(more ? more : some);
    (void)fputs(more ? more : some, stdout);
    tarn_free(more);
}

const char *tarn_color(const tarn_cli *cli, const char *name)
{
    static const struct {
        const char *name, *code;
    } colors[] = {{"red", "\033[31m"},  {"green", "\033[32m"}, {"yellow", "\033[33m"},
                  {"blue", "\033[34m"}, {"dim", "\033[2m"},    {"bold", "\033[1m"}};

    if (!cli->color) return "";
    if (!name) return "\033[0m";
    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
        if (strcmp(colors[i].name, name) == 0) return colors[i].code;
    return "";
}

/* Letters on the screen: bytes that do not continue a UTF-8 character. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static bool looks_numeric(const char *text) { return *text == '\0' || text[strspn(text, "0123456789.,+-eE%")] == '\0'; }

void tarn_out_table(const tarn_cli *cli, const char *const *cells, size_t rows, size_t cols)
{
    for (size_t r = 0; r < rows && !cli->json; r++) {
        for (size_t c = 0; c < cols; c++) {
            size_t width = 0, own = width_of(cells[r * cols + c]);
            bool right = rows > 1;
            for (size_t k = 0; k < rows; k++) {
                size_t w = width_of(cells[k * cols + c]);
                if (w > width) width = w;
                if (k > 0) right = right && looks_numeric(cells[k * cols + c]);
            }
            if (c) tarn_out(cli, "  ");
            if (r == 0) tarn_out(cli, "%s", tarn_color(cli, "bold"));
            if (right) tarn_out(cli, "%*s", (int)(width - own), "");
            tarn_out(cli, "%s", cells[r * cols + c]);
            if (!right && c + 1 < cols) tarn_out(cli, "%*s", (int)(width - own), "");
            if (r == 0) tarn_out(cli, "%s", tarn_color(cli, NULL));
        }
        tarn_out(cli, "\n");
    }
}

tarn_code tarn_cli_lake(const tarn_cli *cli, tarn_lake **out, tarn_err *err)
{
    tarn_code rc = tarn_cli_open_lake(cli->folder, out, err);

    if (rc == TARN_OK) tarn_lake_set_gate(*out, tarn_flow_gate, cli->sink);
    return rc;
}

const char *tarn_cli_author(char *out, size_t cap)
{
    struct passwd entry, *found = NULL;
    char buffer[2048];

    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
        (void)snprintf(out, cap, "%s", found->pw_name);
    else (void)snprintf(out, cap, "uid-%ld", (long)getuid());
    return out;
}

const char *tarn_cli_who(const char *as, char *out, size_t cap)
{
    if (!as[0]) return tarn_cli_author(out, cap);
    (void)snprintf(out, cap, "%s", as);
    return out;
}

tarn_project *tarn_cli_declared(tarn_cli *cli)
{
    tarn_project *p = NULL;
    tarn_err why = {0};
    tarn_code rc = tarn_project_read(cli->folder, &p, NULL, &why);

    if (rc == TARN_OK) return p;
    if (rc != TARN_NOT_FOUND && !cli->told)
        tarn_say(cli->sink, TARN_WARN,
                 "the branch, keys and rules that tarn.yaml declares are not used, as it cannot be read (`tarn status` "
                 "tells more): %s",
                 why.msg);
    cli->told = true;
    return NULL;
}

const char *tarn_cli_branch(tarn_cli *cli, char *out, size_t cap)
{
    tarn_project *p = tarn_cli_declared(cli);

    (void)snprintf(out, cap, "%s", p ? p->branch : "main");
    tarn_project_free(p);
    return out;
}

/* "early_stopping" -> "--early-stopping" */
static void option_name(const tarn_param *p, char *out, size_t cap)
{
    (void)snprintf(out, cap, "--%s", p->name);
    for (char *s = out + 2; *s; s++)
        if (*s == '_') *s = '-';
}

static void help_options(const tarn_param *params, tarn_text *out)
{
    char name[80], preset[512], expects[256], left[400];

    tarn_text_add(out, "\nOptions\n");
    for (const tarn_param *p = params; p && p->type != TARN_P_END; p++) {
        option_name(p, name, sizeof name);
        (void)tarn_param_preset(p, preset, sizeof preset);
        if (p->type == TARN_P_BOOL) (void)snprintf(left, sizeof left, "%s", name);
        else
            (void)snprintf(left, sizeof left, "%s %s", name,
                           p->type == TARN_P_WORD   ? p->words
                           : p->type == TARN_P_TEXT ? "TEXT"
                                                    : "N");
        tarn_text_addf(out, "  %-26s %s", left, p->help);
        if (p->type != TARN_P_BOOL && preset[0]) tarn_text_addf(out, " (default %s)", preset);
        if (p->type == TARN_P_INT || p->type == TARN_P_REAL)
            tarn_text_addf(out, "; %s", tarn_param_expects(p, expects, sizeof expects));
        tarn_text_add(out, "\n");
    }
    tarn_text_addf(out, "  %-26s %s\n  %-26s %s\n  %-26s %s\n  %-26s %s\n  %-26s %s\n", "--json",
                   "print the result as JSON", "--folder DIR", "folder of the project (default .)", "--threads N",
                   "threads to use (default: all cores)", "--quiet", "no progress, warnings only", "--help",
                   "this text");
}

static void help_line(const tarn_command *c, tarn_text *out)
{
    char left[120];

    (void)snprintf(left, sizeof left, "%s %s", c->name, c->usage);
    tarn_text_addf(out, "  %-34s %s\n", left, c->title);
}

static void help_overview(tarn_text *out)
{
    const char *stage = "";

    tarn_text_add(
        out,
        "tarn - a whole machine-learning architecture in one program\n\nUsage: tarn COMMAND [ARGUMENTS] [OPTIONS]\n");
    for (int i = 0; i < tarn_command_count(); i++) {
        if (strcmp(stage, table[i]->stage) != 0) tarn_text_addf(out, "\n%s\n", table[i]->stage);
        stage = table[i]->stage;
        help_line(table[i], out);
    }
    tarn_text_add(
        out,
        "\n`tarn COMMAND --help` tells more. Every command has --json. Start with `tarn init` in an empty folder.\n");
}

bool tarn_help_group(const char *word, tarn_text *out)
{
    size_t len = strlen(word), n = 0;

    for (int i = 0; i < tarn_command_count(); i++) {
        if (strncmp(table[i]->name, word, len) != 0 || table[i]->name[len] != ' ') continue;
        if (n++ == 0) tarn_text_addf(out, "Usage: tarn %s COMMAND [ARGUMENTS] [OPTIONS]\n\n", word);
        help_line(table[i], out);
    }
    if (n > 0) tarn_text_addf(out, "\n`tarn %s COMMAND --help` tells more.\n", word);
    return n > 0;
}

void tarn_help(const tarn_command *command, tarn_text *out)
{
    if (!command) {
        help_overview(out);
        return;
    }
    tarn_text_addf(out, "tarn %s - %s\n\nUsage: tarn %s%s%s [OPTIONS]\n", command->name, command->title, command->name,
                   command->usage[0] ? " " : "", command->usage);
    if (command->help) tarn_text_addf(out, "\n%s\n", command->help);
    help_options(command->params, out);
}

void tarn_commands_reference(tarn_text *out)
{
    tarn_text_add(out,
                  "# Commands\n\nThis page is made from the table of commands; `tarn COMMAND --help` says the same.\n");
    for (int i = 0; i < tarn_command_count(); i++) {
        tarn_text_addf(out, "\n## tarn %s\n\n```text\n", table[i]->name);
        tarn_help(table[i], out);
        tarn_text_add(out, "```\n");
    }
}
