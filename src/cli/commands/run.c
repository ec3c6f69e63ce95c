/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - tarn run: do what the project asks, as far as it is not done. */
#include "cli/flow_run.h"

typedef struct run_params {
    char to[128];
    bool again;
} run_params;

static const tarn_param params[] = {
    TARN_TEXT(run_params, to, "", "stop behind this stage (ingest, prepare, train, assess) or step"),
    TARN_BOOL_PARAM(run_params, again, false, "run all steps, even those that nothing has changed for"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    const run_params *p = values;

    (void)argc, (void)argv;
    return tarn_cli_run_flow(cli, p->to[0] ? p->to : NULL, p->again, err);
}

const tarn_command tarn_command_run = {
    .name = "run",
    .stage = "project",
    .title = "do what the project asks, as far as it is not done",
    .usage = "",
    .help = "Reads tarn.yaml, checks all of it, and runs the steps whose inputs, parameters or code have changed. A "
            "second run does\n"
            "nothing and says so; a stopped or killed run resumes behind its last finished step.",
    .params_size = sizeof(run_params),
    .params = params,
    .run = run,
};
