/* SPDX-License-Identifier: Apache-2.0 */
/* lake_check.c - tarn lake check: run the checks of a protected branch by hand. */
#include "cli/command.h"
#include "flow/gate.h"

#include <stdio.h>
#include <string.h>

typedef struct check_params {
    char require[4000], branch[200];
    int64_t seconds;
} check_params;

static const tarn_param params[] = {
    TARN_TEXTS(check_params, require, "check this instead: schema, or 'command: ...'; may be repeated"),
    TARN_TEXT(check_params, branch, "", "whose rules hold (default: those of REF, where that is a branch)"),
    TARN_INT(check_params, seconds, 300, 1, 86400, "time for each command"),
    TARN_PARAMS_END,
};

static tarn_code typed_checks(const char *lines, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *out = json_array();
    if (!*out) return TARN_FAIL(err, TARN_NOMEM, "no memory for a list of checks");
    while (*lines && rc == TARN_OK) {
        size_t len = strcspn(lines, "\n");
        if (len > 0) rc = tarn_json_append(*out, json_stringn(lines, len), err);
        lines += len + (lines[len] == '\n');
    }
    return rc;
}

/* What was typed, else what the branch requires. */
static tarn_code find_checks(tarn_lake *lake, const check_params *p, const char *branch, json_t **out, int64_t *seconds,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *rule = NULL;

    *seconds = p->seconds;
    if (p->require[0]) return typed_checks(p->require, out, err);
    rc = tarn_lake_protection_of(lake, branch, &rule, err);
    if (rc != TARN_OK) return rc;
    *out = json_incref(json_object_get(rule, "require"));
    if (json_integer_value(json_object_get(rule, "seconds")) > 0)
        *seconds = json_integer_value(json_object_get(rule, "seconds"));
    json_decref(rule);
    if (json_array_size(*out) > 0) return TARN_OK;
    return TARN_FAIL(err, TARN_NOT_FOUND,
                     "no check is required of '%.100s'; name one with --require, or a branch with --branch", branch);
}

static void print_results(const tarn_cli *cli, const json_t *results)
{
    size_t i;
    json_t *r;

    json_array_foreach(results, i, r)
    {
        bool passed = json_is_true(json_object_get(r, "passed"));
        tarn_out(cli, "%s%-6s%s  %6.2f s  %s  %s\n", tarn_color(cli, passed ? "green" : "red"),
                 passed ? "passed" : "failed", tarn_color(cli, NULL), json_number_value(json_object_get(r, "seconds")),
                 tarn_json_text(r, "check", ""), tarn_json_text(r, "summary", ""));
    }
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const check_params *p = values;
    tarn_lake *lake = NULL;
    char own[256], full[280];
    const char *ref = argc ? argv[0] : tarn_cli_branch(cli, own, sizeof own);
    const char *branch = p->branch[0] ? p->branch : ref;
    json_t *require = NULL, *results = json_array();
    tarn_gate_ask ask = {.event = "check"};
    int failed = 0;

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_resolve(lake, ref, &ask.commit, err));
    TARN_TRY(find_checks(lake, p, branch, &require, &ask.seconds, err));
    (void)snprintf(full, sizeof full, "%s%.250s", strncmp(branch, "heads/", 6) == 0 ? "" : "heads/", branch);
    if (tarn_lake_ref_get(lake, full, &ask.head, NULL) != TARN_OK) ask.head = (tarn_id){{0}};
    ask.ref = full;
    ask.require = require;
    TARN_TRY(tarn_flow_checks(cli->sink, lake, &ask, results, &failed, err));
    print_results(cli, results);
    TARN_TRY(tarn_json_set(cli->result, "checks", json_incref(results), err));
    if (failed > 0) rc = TARN_FAIL(err, TARN_CHECK, "%d of %zu checks failed", failed, json_array_size(require));
done:
    json_decref(require);
    json_decref(results);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_check = {
    .name = "lake check",
    .stage = "lake",
    .title = "run the checks of a protected branch by hand",
    .usage = "[REF]",
    .help =
        "Runs what `tarn lake protect` requires of the branch REF (default: the project's) on its newest commit, or on "
        "any other: `tarn lake check work --branch main` tells whether work could be merged into main. Changes "
        "nothing.",
    .most = 1,
    .params_size = sizeof(check_params),
    .params = params,
    .run = run,
};
