/* SPDX-License-Identifier: Apache-2.0 */
/* access_command.c - see access_command.h. */
#include "cli/access_command.h"

#include "base/mem.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* ---- secrets ---- */

/* One line without its end; byte by byte, so that nothing of it stays in a buffer. */
static tarn_code read_line(int fd, char *out, size_t cap, size_t *len, tarn_err *err)
{
    size_t n = 0;
    char c = 0;
    ssize_t got;

    while ((got = read(fd, &c, 1)) != 0) {
        if (got < 0 && errno == EINTR) return TARN_FAIL(err, TARN_CANCELLED, "nothing was changed");
        if (got < 0) return TARN_FAIL_ERRNO(err, "read", "standard input");
        if (c == '\n') break;
        if (n + 1 >= cap) return TARN_FAIL(err, TARN_LIMIT, "the line is longer than %zu bytes", cap - 1);
        out[n++] = c;
    }
    if (n > 0 && out[n - 1] == '\r') n--;
    out[n] = '\0';
    *len = n;
    if (n == 0)
        return TARN_FAIL(err, TARN_INVALID, "nothing was given: type it, or send it as one line to standard input");
    return TARN_OK;
}

static tarn_code ask(int fd, const char *prompt, char *out, size_t cap, size_t *len, tarn_err *err)
{
    struct termios old, quiet;

    if (tcgetattr(fd, &old) != 0) return TARN_FAIL_ERRNO(err, "ask at", "the terminal");
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0) return TARN_FAIL_ERRNO(err, "ask at", "the terminal");
    (void)dprintf(STDERR_FILENO, "%s: ", prompt);
    tarn_code rc = read_line(fd, out, cap, len, err);
    (void)tcsetattr(fd, TCSAFLUSH, &old);
    (void)dprintf(STDERR_FILENO, "\n");
    return rc;
}

tarn_code tarn_cli_secret(const char *prompt, bool twice, char *out, size_t cap, size_t *len, tarn_err *err)
{
    char again[1100];
    size_t again_len = 0;
    tarn_code rc = TARN_OK;

    if (!isatty(STDIN_FILENO)) return read_line(STDIN_FILENO, out, cap, len, err);
    TARN_TRY(ask(STDIN_FILENO, prompt, out, cap, len, err));
    if (!twice) goto done;
    TARN_TRY(ask(STDIN_FILENO, "once more", again, sizeof again, &again_len, err));
    if (again_len != *len || memcmp(again, out, *len) != 0)
        rc = TARN_FAIL(err, TARN_INVALID, "the two differ; nothing was changed");
done:
    tarn_secret_wipe(again, sizeof again);
    return rc;
}

/* ---- words ---- */

tarn_code tarn_cli_expires(const char *text, int64_t *us, tarn_err *err)
{
    size_t len = strlen(text);
    int64_t n = 0, unit = 0;

    *us = 0;
    if (len == 0) return TARN_OK;
    if (text[len - 1] == 'd') unit = 86400;
    if (text[len - 1] == 'h') unit = 3600;
    if (text[len - 1] == 'm') unit = 60;
    if (unit && tarn_int_parse(text, len - 1, &n) && n > 0 && n < 1000000) {
        *us = tarn_now_us() + n * unit * 1000000;
        return TARN_OK;
    }
    if (tarn_time_parse(text, len, us)) return TARN_OK;
    return TARN_FAIL(err, TARN_USAGE, "'%.60s' is no time: write 30d, 12h or 15m, or a day like 2026-12-31", text);
}

tarn_code tarn_cli_role(const char *text, tarn_role *out, tarn_err *err)
{
    *out = TARN_ROLE_ANYBODY;
    if (!*text) return TARN_OK;
    for (int i = TARN_ROLE_READER; i <= TARN_ROLE_ADMIN; i++) {
        if (strcmp(text, tarn_role_name((tarn_role)i)) != 0) continue;
        *out = (tarn_role)i;
        return TARN_OK;
    }
    return TARN_FAIL(err, TARN_USAGE, "'%.40s' is no role: reader, writer, maintainer or admin", text);
}

/* ---- lists ---- */

/* The text of a cell; yes and no for what is true or not. */
static const char *cell_of(const json_t *row, const char *column)
{
    const json_t *v = json_object_get(row, column);

    if (json_is_boolean(v)) return json_is_true(v) ? "yes" : "no";
    return json_is_string(v) ? json_string_value(v) : "";
}

static tarn_code print_rows(const tarn_cli *cli, const json_t *rows, const char *columns, tarn_err *err)
{
    const char **cells = NULL;
    char names[8][24];
    size_t cols = 0, n = json_array_size(rows), i;
    const json_t *row;
    tarn_code rc = TARN_OK;

    for (const char *p = columns; *p && cols < 8; cols++) {
        size_t len = strcspn(p, ":");
        (void)snprintf(names[cols], sizeof names[cols], "%.*s", (int)len, p);
        p += len + (p[len] == ':');
    }
    TARN_TRY(tarn_alloc(&cells, (n + 1) * cols, sizeof *cells, err));
    for (size_t c = 0; c < cols; c++) cells[c] = names[c];
    json_array_foreach(rows, i, row) for (size_t c = 0; c < cols; c++) cells[(i + 1) * cols + c] =
        cell_of(row, names[c]);
    tarn_out_table(cli, cells, n + 1, cols);
done:
    tarn_free(cells);
    return rc;
}

tarn_code tarn_cli_access_list(tarn_cli *cli, const char *kind, const char *key, const char *columns, tarn_err *err)
{
    tarn_lake *lake = NULL;
    json_t *rows = NULL;
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_access_list(lake, kind, &rows, err));
    if (json_array_size(rows) > 0) TARN_TRY(print_rows(cli, rows, columns, err));
    else tarn_out(cli, "there are no %s yet\n", key);
    TARN_TRY(tarn_json_set(cli->result, key, json_incref(rows), err));
done:
    json_decref(rows);
    tarn_lake_close(lake);
    return rc;
}

/* ---- changes ---- */

tarn_code tarn_cli_access_change(tarn_cli *cli, tarn_access_change_fn *change, const char *name, const char *said,
                                 tarn_err *err)
{
    tarn_lake *lake = NULL;
    tarn_who by = tarn_who_local();
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(change(lake, &by, name, err));
    tarn_out(cli, "%s %s\n", said, name);
    TARN_TRY(tarn_json_set(cli->result, "name", json_string(name), err));
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_param tarn_grant_options[] = {
    TARN_TEXT(tarn_grant_params, branch, "", "only on branches that fit: main, exp/*, tags/v* for tags"),
    TARN_TEXT(tarn_grant_params, path, "", "only in this folder, or this file, of the branches"),
    TARN_TEXT(tarn_grant_params, model, "", "only on models that fit: churn, demand-*"),
    TARN_BOOL_PARAM(tarn_grant_params, deny, false, "forbid instead: it wins over every grant"),
    TARN_PARAMS_END,
};

tarn_code tarn_cli_grant(tarn_cli *cli, const tarn_grant_params *p, const char *user, const char *what, bool add,
                         tarn_err *err)
{
    tarn_lake *lake = NULL;
    tarn_who by = tarn_who_local();
    tarn_grant g = {.deny = p->deny};
    tarn_code rc = TARN_OK;

    if (strlen(user) >= sizeof g.user || strlen(what) >= sizeof g.what)
        return TARN_FAIL(err, TARN_USAGE, "'%.80s' is too long for a %s", strlen(user) >= sizeof g.user ? user : what,
                         strlen(user) >= sizeof g.user ? "user" : "role or action");
    (void)strcpy(g.user, user);
    (void)strcpy(g.what, what);
    memcpy(g.branch, p->branch, sizeof g.branch);
    memcpy(g.path, p->path, sizeof g.path);
    memcpy(g.model, p->model, sizeof g.model);
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(add ? tarn_access_grant(lake, &by, &g, err) : tarn_access_revoke(lake, &by, &g, err));
    tarn_out(cli, "%s: %s %s %s%s%s%s%s%s%s\n", add ? "from now on" : "no longer", g.user,
             g.deny ? "may not, whatever else is granted:" : "may:", g.what, g.branch[0] ? ", on branches " : "",
             g.branch, g.path[0] ? ", in " : "", g.path, g.model[0] ? ", on models " : "", g.model);
    TARN_TRY(tarn_json_set(cli->result, "user", json_string(g.user), err));
    TARN_TRY(tarn_json_set(cli->result, "what", json_string(g.what), err));
    TARN_TRY(tarn_json_set(cli->result, "deny", json_boolean(g.deny), err));
done:
    tarn_lake_close(lake);
    return rc;
}
