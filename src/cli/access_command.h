/* SPDX-License-Identifier: Apache-2.0 */
/* access_command.h - what the commands about users, tokens, keys and grants share. */
#ifndef TARN_CLI_ACCESS_COMMAND_H
#define TARN_CLI_ACCESS_COMMAND_H

#include "cli/command.h"
#include "lake/access.h"

/* A secret from the person: asked for without echo at a terminal (twice, if it is new), else the first line of stdin.
 * It never comes from the command line, where other users of the machine could read it. Wipe out afterwards. */
TARN_MUST tarn_code tarn_cli_secret(const char *prompt, bool twice, char *out, size_t cap, size_t *len, tarn_err *err);

/* "30d", "12h", "15m" from now, or a time; "": never (0). */
TARN_MUST tarn_code tarn_cli_expires(const char *text, int64_t *us, tarn_err *err);

/* "": as much as the user has. */
TARN_MUST tarn_code tarn_cli_role(const char *text, tarn_role *out, tarn_err *err);

/* The rows of a kind (tarn_access_list) as a table and under this key of the result. Columns: "id:user:role". */
TARN_MUST tarn_code tarn_cli_access_list(tarn_cli *cli, const char *kind, const char *key, const char *columns,
                                         tarn_err *err);

/* What the commands with one name do: open the lake, change, say it. */
typedef tarn_code tarn_access_change_fn(tarn_lake *lake, const tarn_who *by, const char *name, tarn_err *err);
TARN_MUST tarn_code tarn_cli_access_change(tarn_cli *cli, tarn_access_change_fn *change, const char *name,
                                           const char *said, tarn_err *err);

/* Options of grant and revoke, and both of them. */
typedef struct tarn_grant_params {
    char branch[256], path[1025], model[128];
    bool deny;
} tarn_grant_params;
extern const tarn_param tarn_grant_options[];
TARN_MUST tarn_code tarn_cli_grant(tarn_cli *cli, const tarn_grant_params *p, const char *user, const char *what,
                                   bool add, tarn_err *err);

#endif
