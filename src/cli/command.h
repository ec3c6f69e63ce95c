/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - what a command must do (plug-ins of cli, one file each in cli/commands/).
 *
 * A command declares its words, arguments and options; --help, the man page, completion, the checks of what
 * was typed and the reference page come from that. Every command has --json, --help, --folder, --threads and --quiet.
 *
 * A command prints for people through tarn_out (which is silent under --json) and puts what it found into
 * cli->result, a JSON object that --json prints.
 */
#ifndef TARN_CLI_COMMAND_H
#define TARN_CLI_COMMAND_H

#include "base/json.h"
#include "base/param.h"
#include "base/pool.h"
#include "base/sink.h"
#include "lake/lake.h"

typedef struct tarn_cli {
    const char *folder; /* where the project is: --folder, or "." */
    bool json, quiet, color;
    int threads;
    const tarn_sink *sink; /* the terminal: progress bars and lines on stderr */
    tarn_pool *pool;
    json_t *result; /* object; a command sets keys in it */
    bool told;      /* that the project file cannot be used */
} tarn_cli;

typedef struct tarn_command {
    const char *name;  /* "lake log" */
    const char *stage; /* one of the nine words, or "project" */
    const char *title; /* one line */
    const char *usage; /* arguments: "[REF] [PATH]"; "" for none */
    const char *help;  /* a paragraph or two, with an example; may be NULL */
    int least, most;   /* arguments; most -1: any number */
    size_t params_size;
    const tarn_param *params; /* options: --l2 0.5, --force; may be NULL */
    tarn_code (*run)(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err);
} tarn_command;

int tarn_command_count(void);
const tarn_command *tarn_command_at(int i);

/* Print for people, on stdout; nothing under --json. Control characters come out as '?'. */
void tarn_out(const tarn_cli *cli, const char *fmt, ...) TARN_PRINTF(2, 3);
/* Text in a colour of the terminal where colours are on: "red", "green", "yellow", "blue", "dim", "bold". Printf it
 * with
 * "%s%s%s", tarn_color(cli, "red"), text, tarn_color(cli, NULL). */
const char *tarn_color(const tarn_cli *cli, const char *name);
/* A table for people: rows of texts, columns aligned, first row is the head. Cells are freed by the caller. */
void tarn_out_table(const tarn_cli *cli, const char *const *cells, size_t rows, size_t cols);

/* Open the lake of cli->folder. */
TARN_MUST tarn_code tarn_cli_lake(const tarn_cli *cli, tarn_lake **out, tarn_err *err);
/* The user's name, for commits and logs; into out. */
const char *tarn_cli_author(char *out, size_t cap);
/* Whose staging area: `as` where it is given, else the user's own; into out. */
const char *tarn_cli_who(const char *as, char *out, size_t cap);
/* The project of cli->folder, for what it says of branch, keys and rules. NULL if there is none, or if its file has
 * mistakes: that is told. The caller frees it. */
struct tarn_project *tarn_cli_declared(tarn_cli *cli);
/* The branch that commands work on: that of the project file, or main; into out. */
const char *tarn_cli_branch(tarn_cli *cli, char *out, size_t cap);

/* Help of one command, or the overview (NULL), as text; of all commands that begin with a word (false: none does); the
 * reference page of all commands as Markdown. */
bool tarn_help_group(const char *word, tarn_text *out);
void tarn_help(const tarn_command *command, tarn_text *out);
void tarn_commands_reference(tarn_text *out);

#endif
