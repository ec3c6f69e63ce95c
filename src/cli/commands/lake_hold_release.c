/* SPDX-License-Identifier: Apache-2.0 */
/* lake_hold_release.c - tarn lake hold release: end a legal hold, or one for governance before its day. */
#include "cli/command.h"
#include "lake/hold.h"

typedef struct release_params {
    bool bypass;
    char why[512];
} release_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(release_params, bypass, false, "end a governance hold before its day; this is written down"),
    TARN_TEXT(release_params, why, "", "the reason, for the record"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const release_params *p = values;
    tarn_lake *lake = NULL;
    char who[128];

    (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_hold_release(lake, argv[0], p->bypass, tarn_cli_author(who, sizeof who), p->why, err));
    tarn_out(cli, "Released hold %s\n", argv[0]);
    TARN_TRY(tarn_json_set(cli->result, "released", json_string(argv[0]), err));
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_hold_release = {
    .name = "lake hold release",
    .stage = "lake",
    .title = "end a legal hold, or one for governance before its day",
    .usage = "HOLD",
    .help = "HOLD is the beginning of what `tarn lake hold list` shows first. A hold for compliance cannot be ended "
            "before its "
            "day by anybody. The record stays: `tarn lake hold list --all`.",
    .least = 1,
    .most = 1,
    .params_size = sizeof(release_params),
    .params = params,
    .run = run,
};
