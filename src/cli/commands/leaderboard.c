/* SPDX-License-Identifier: Apache-2.0 */
/* leaderboard.c - tarn leaderboard: the candidates of the last run, best first. */
#include "cli/board.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;

    (void)values, (void)argc, (void)argv;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_cli_leaderboard(cli, lake, err));
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_leaderboard = {
    .name = "leaderboard",
    .stage = "train",
    .title = "the candidates of the last run, best first",
    .usage = "",
    .help =
        "The figure that chose the winner, and between what it lies (of the folds, or of the validation rows); how "
        "many "
        "settings were tried; how long fitting took, by the records of the runs; how long a prediction takes, measured "
        "now: a row among many, and a row by itself; the size of the model.",
    .run = run,
};
