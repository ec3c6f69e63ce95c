/* SPDX-License-Identifier: Apache-2.0 */
/* lake_log.c - tarn lake log: commits, newest first. */
#include "cli/lake_print.h"

typedef struct log_params {
    int64_t limit;
} log_params;

static const tarn_param params[] = {
    TARN_INT(log_params, limit, 50, 1, 1e9, "show at most so many"),
    TARN_PARAMS_END,
};

typedef struct log_walk {
    tarn_cli *cli;
    json_t *list;
    int64_t left;
} log_walk;

static tarn_code show(void *arg, const tarn_commit *c, tarn_err *err)
{
    log_walk *w = arg;

    if (w->left-- == 0) return TARN_CANCELLED;
    tarn_out_commit(w->cli, c, false);
    return tarn_json_append(w->list, tarn_commit_json(c), err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const log_params *p = values;
    tarn_lake *lake = NULL;
    char branch[256];
    tarn_id id;
    log_walk w = {.cli = cli, .list = json_array(), .left = p->limit};

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_resolve(lake, argc ? argv[0] : tarn_cli_branch(cli, branch, sizeof branch), &id, err));
    rc = tarn_lake_log(lake, &id, show, &w, err);
    if (rc == TARN_CANCELLED) rc = TARN_OK;
    if (rc != TARN_OK) goto done;
    TARN_TRY(tarn_json_set(cli->result, "commits", json_incref(w.list), err));
done:
    json_decref(w.list);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_log = {
    .name = "lake log",
    .stage = "lake",
    .title = "commits, newest first",
    .usage = "[REF]",
    .help = "REF is a branch, a tag, models/NAME/ALIAS, a commit id, or one of these with ~2, ^2 or "
            "@{2026-01-31T12:00} behind it.",
    .most = 1,
    .params_size = sizeof(log_params),
    .params = params,
    .run = run,
};
