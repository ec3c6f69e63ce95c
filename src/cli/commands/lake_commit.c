/* SPDX-License-Identifier: Apache-2.0 */
/* lake_commit.c - tarn lake commit: commit what is staged. */
#include "cli/command.h"

typedef struct commit_params {
    char message[2000], branch[200], as[256];
} commit_params;

static const tarn_param params[] = {
    TARN_TEXT(commit_params, message, "", "what changed, and why"),
    TARN_TEXT(commit_params, branch, "", "branch (default: the project's)"),
    TARN_TEXT(commit_params, as, "", "whose staging area, and author (default: your own)"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const commit_params *p = values;
    tarn_lake *lake = NULL;
    tarn_id id;
    char branch[256], who[256], hex[TARN_ID_HEX];
    const char *on = p->branch[0] ? p->branch : tarn_cli_branch(cli, branch, sizeof branch);

    (void)argc, (void)argv;
    if (!p->message[0]) return TARN_FAIL(err, TARN_USAGE, "say what changed: tarn lake commit --message \"...\"");
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    tarn_commit_options options = {.author = tarn_cli_who(p->as, who, sizeof who), .message = p->message};
    TARN_TRY(tarn_lake_commit(lake, on, who, &options, &id, err));
    tarn_out(cli, "%.12s on %s\n", tarn_id_hex(&id, hex), on);
    TARN_TRY(tarn_json_set(cli->result, "commit", json_string(hex), err));
    TARN_TRY(tarn_json_set(cli->result, "branch", json_string(on), err));
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_commit = {
    .name = "lake commit",
    .stage = "lake",
    .title = "commit what is staged",
    .usage = "--message TEXT",
    .params_size = sizeof(commit_params),
    .params = params,
    .run = run,
};
