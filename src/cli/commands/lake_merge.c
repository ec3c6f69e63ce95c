/* SPDX-License-Identifier: Apache-2.0 */
/* lake_merge.c - tarn lake merge: move a branch forward to another's commits. */
#include "cli/command.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_id id;
    char branch[256], author[128], hex[TARN_ID_HEX];
    const char *into = argc > 1 ? argv[1] : tarn_cli_branch(cli, branch, sizeof branch);

    (void)values;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_merge(lake, argv[0], into, tarn_cli_author(author, sizeof author), &id, err));
    tarn_out(cli, "%s is at %.12s now\n", into, tarn_id_hex(&id, hex));
    TARN_TRY(tarn_json_set(cli->result, "branch", json_string(into), err));
    TARN_TRY(tarn_json_set(cli->result, "commit", json_string(hex), err));
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_merge = {
    .name = "lake merge",
    .stage = "lake",
    .title = "move a branch forward to another's commits",
    .usage = "FROM [INTO]",
    .help = "Moves INTO (default: the project's branch) to FROM if that only adds commits (fast-forward); otherwise it "
            "is refused and nothing changes.",
    .least = 1,
    .most = 2,
    .run = run,
};
