/* SPDX-License-Identifier: Apache-2.0 */
/* lake_protect.c - tarn lake protect: rules that branches are protected by. */
#include "cli/command.h"
#include "lake/history.h"

#include <string.h>

typedef struct protect_params {
    bool no_direct, off;
    char require[4000];
    int64_t seconds;
} protect_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(protect_params, no_direct, false, "no direct commits: the branch changes by merges only"),
    TARN_TEXTS(protect_params, require,
               "a check that a commit or merge must pass: schema, or 'command: ...'; may be "
               "repeated"),
    TARN_INT(protect_params, seconds, 300, 1, 86400, "time for each command"),
    TARN_BOOL_PARAM(protect_params, off, false, "take the rule away"),
    TARN_PARAMS_END,
};

static void print_rule(const tarn_cli *cli, const char *pattern, const json_t *rule)
{
    size_t i;
    json_t *check;

    tarn_out(cli, "%-20s  no reset, removal or force%s\n", pattern,
             json_is_true(json_object_get(rule, "no_direct")) ? "; changes by merges only" : "");
    json_array_foreach(json_object_get(rule, "require"), i, check)
    {
        tarn_out(cli, "%-20s  must pass %s\n", "", json_string_value(check));
    }
}

static tarn_code list_rules(tarn_cli *cli, tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *rules = NULL, *rule;
    const char *pattern;

    TARN_TRY(tarn_lake_protection(lake, &rules, err));
    json_object_foreach(rules, pattern, rule) print_rule(cli, pattern, rule);
    if (json_object_size(rules) == 0) tarn_out(cli, "No branch is protected\n");
    TARN_TRY(tarn_json_set(cli->result, "rules", json_incref(rules), err));
done:
    json_decref(rules);
    return rc;
}

static tarn_code make_rule(const protect_params *p, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *require = NULL;

    *out = json_pack("{s:b, s:[], s:I}", "no_direct", (int)p->no_direct, "require", "seconds", (json_int_t)p->seconds);
    require = json_object_get(*out, "require");
    if (!require) return TARN_FAIL(err, TARN_NOMEM, "no memory for a rule");
    for (const char *at = p->require; *at;) {
        size_t len = strcspn(at, "\n");
        if (len > 0) TARN_TRY(tarn_json_append(require, json_stringn(at, len), err));
        at += len + (at[len] == '\n');
    }
done:
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const protect_params *p = values;
    tarn_lake *lake = NULL;
    json_t *rule = NULL;
    char author[128];

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    if (argc == 0) {
        TARN_TRY(list_rules(cli, lake, err));
        goto done;
    }
    if (!p->off) TARN_TRY(make_rule(p, &rule, err));
    TARN_TRY(tarn_lake_protect(lake, argv[0], rule, tarn_cli_author(author, sizeof author), err));
    if (rule) print_rule(cli, argv[0], rule);
    else tarn_out(cli, "%s is not protected any more\n", argv[0]);
    TARN_TRY(tarn_json_set(cli->result, "pattern", json_string(argv[0]), err));
    TARN_TRY(tarn_json_set(cli->result, "rule", rule ? json_incref(rule) : json_null(), err));
done:
    json_decref(rule);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_protect = {
    .name = "lake protect",
    .stage = "lake",
    .title = "rules that branches are protected by",
    .usage = "[BRANCH-PATTERN]",
    .help =
        "Without arguments: lists. A branch that a pattern names ('main', 'release/*') cannot be reset, removed or "
        "forced, whichever way in is used. `--require schema` holds the tables of the candidate against the rules "
        "in tarn.yaml; `--require 'command: ...'` runs a command, with the candidate's id in TARN_COMMIT, the lake in "
        "TARN_LAKE and tarn itself in TARN: `command: \"$TARN\" lake ls --folder \"$TARN_LAKE\" $TARN_COMMIT`. A "
        "check that fails leaves the branch as it was. A rule replaces the one of the same pattern.",
    .most = 1,
    .params_size = sizeof(protect_params),
    .params = params,
    .run = run,
};
