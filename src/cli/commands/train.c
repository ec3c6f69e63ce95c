/* SPDX-License-Identifier: Apache-2.0 */
/* train.c - tarn train: run the project up to this stage. */
#include "cli/flow_run.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    (void)values, (void)argc, (void)argv;
    return tarn_cli_run_flow(cli, "train", false, err);
}

const tarn_command tarn_command_train = {
    .name = "train",
    .stage = "train",
    .title = "train the candidates, and choose",
    .usage = "",
    .help = "Runs the project up to the choice among the candidates.",
    .run = run,
};
