/* SPDX-License-Identifier: Apache-2.0 */
/* assess.c - tarn assess: run the project up to this stage. */
#include "cli/flow_run.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    (void)values, (void)argc, (void)argv;
    return tarn_cli_run_flow(cli, "assess", false, err);
}

const tarn_command tarn_command_assess = {
    .name = "assess",
    .stage = "assess",
    .title = "assess the winner and write its report",
    .usage = "",
    .help = "Runs the project up to the report on the test rows.",
    .run = run,
};
