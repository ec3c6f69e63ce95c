/* SPDX-License-Identifier: Apache-2.0 */
/* lake_checkout.c - tarn lake checkout: files of a reference into a folder. */
#include "cli/command.h"

typedef struct checkout_params {
    char prefix[1000];
    bool force;
} checkout_params;

static const tarn_param params[] = {
    TARN_TEXT(checkout_params, prefix, "", "only paths that start so"),
    TARN_BOOL_PARAM(checkout_params, force, false, "write over files that differ"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const checkout_params *p = values;
    tarn_lake *lake = NULL;
    tarn_id id;
    int64_t files = 0;

    (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_resolve(lake, argv[0], &id, err));
    TARN_TRY(tarn_lake_checkout_by(lake, cli->pool, &id, p->prefix, argv[1], p->force, &files, cli->sink, err));
    tarn_out(cli, "%lld file%s in %s\n", (long long)files, files == 1 ? "" : "s", argv[1]);
    TARN_TRY(tarn_json_set(cli->result, "files", json_integer((json_int_t)files), err));
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_checkout = {
    .name = "lake checkout",
    .stage = "lake",
    .title = "files of a reference into a folder",
    .usage = "REF FOLDER",
    .least = 2,
    .most = 2,
    .params_size = sizeof(checkout_params),
    .params = params,
    .run = run,
};
