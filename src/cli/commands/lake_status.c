/* SPDX-License-Identifier: Apache-2.0 */
/* lake_status.c - tarn lake status: where a branch is, and what everybody has staged on it. */
#include "cli/lake_print.h"
#include "lake/history.h"

#include <stdio.h>
#include <string.h>

typedef struct status_params {
    char as[256];
} status_params;

static const tarn_param params[] = {
    TARN_TEXT(status_params, as, "", "whose staging area to show in full (default: your own)"),
    TARN_PARAMS_END,
};

typedef struct areas {
    tarn_cli *cli;
    const char *who;
    json_t *list;
    int64_t others;
} areas;

static tarn_code show_area(void *arg, const char *who, int64_t rows, tarn_err *err)
{
    areas *a = arg;

    if (strcmp(who, a->who) != 0) {
        tarn_out(a->cli, "%lld staged by %s\n", (long long)rows, who[0] ? who : "nobody in particular");
        a->others++;
    }
    return tarn_json_append(a->list, json_pack("{s:s, s:I}", "who", who, "rows", (json_int_t)rows), err);
}

static tarn_code show_rule(tarn_cli *cli, const json_t *rule, tarn_err *err)
{
    size_t i;
    json_t *check;

    if (!rule) return tarn_json_set(cli->result, "protected", json_false(), err);
    tarn_out(cli, "Protected%s\n", json_is_true(json_object_get(rule, "no_direct")) ? ": changes by merges only" : "");
    json_array_foreach(json_object_get(rule, "require"), i, check)
    {
        tarn_out(cli, "  must pass %s\n", json_string_value(check));
    }
    return tarn_json_set(cli->result, "protected", json_deep_copy(rule), err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const status_params *p = values;
    tarn_lake *lake = NULL;
    char branch[256], who[256], hex[TARN_ID_HEX], full[280];
    const char *on = argc ? argv[0] : tarn_cli_branch(cli, branch, sizeof branch);
    areas a = {cli, tarn_cli_who(p->as, who, sizeof who), json_array(), 0};
    tarn_change_list changes = {.cli = cli, .list = json_array()};
    json_t *rule = NULL;
    tarn_id head;

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    (void)snprintf(full, sizeof full, "%s%.250s", strncmp(on, "heads/", 6) == 0 ? "" : "heads/", on);
    bool there = tarn_lake_ref_get(lake, full, &head, NULL) == TARN_OK;
    tarn_out(cli, "Branch %s%s%.12s\n", on, there ? " at " : " (no commit yet)", there ? tarn_id_hex(&head, hex) : "");
    TARN_TRY(tarn_lake_protection_of(lake, on, &rule, err));
    TARN_TRY(show_rule(cli, rule, err));
    TARN_TRY(tarn_lake_areas(lake, on, show_area, &a, err));
    TARN_TRY(tarn_lake_staged(lake, on, who, tarn_print_change, &changes, err));
    if (json_array_size(changes.list) > 0)
        tarn_out(cli, "`tarn lake commit --message ...` commits what %s staged\n", who);
    else tarn_out(cli, "Nothing staged by %s\n", who);
    TARN_TRY(tarn_json_set(cli->result, "branch", json_string(on), err));
    TARN_TRY(tarn_json_set(cli->result, "commit", there ? json_string(hex) : json_null(), err));
    TARN_TRY(tarn_json_set(cli->result, "areas", json_incref(a.list), err));
    TARN_TRY(tarn_json_set(cli->result, "changes", json_incref(changes.list), err));
done:
    json_decref(rule);
    json_decref(a.list);
    json_decref(changes.list);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_status = {
    .name = "lake status",
    .stage = "lake",
    .title = "where a branch is, and what everybody has staged on it",
    .usage = "[BRANCH]",
    .help = "Every user has a staging area of their own on every branch; yours is shown in full.",
    .most = 1,
    .params_size = sizeof(status_params),
    .params = params,
    .run = run,
};
