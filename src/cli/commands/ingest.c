/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.c - tarn ingest: run the project up to this stage. */
#include "cli/flow_run.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    (void)values, (void)argc, (void)argv;
    return tarn_cli_run_flow(cli, "lake", false, err);
}

const tarn_command tarn_command_ingest = {
    .name = "ingest",
    .stage = "ingest",
    .title = "collect the project's tables and commit them",
    .usage = "",
    .help = "Collects every table of the project from its source, holds them against their declared rules and commits "
            "them.",
    .run = run,
};
