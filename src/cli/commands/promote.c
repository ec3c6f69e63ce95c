/* SPDX-License-Identifier: Apache-2.0 */
/* promote.c - tarn promote: point an alias at a version. */
#include "cli/command.h"
#include "registry/registry.h"

typedef struct promote_params {
    char alias[100], why[500];
} promote_params;

static const tarn_param params[] = {
    TARN_TEXT(promote_params, alias, "champion", "alias that is to point at the version"),
    TARN_TEXT(promote_params, why, "promoted by hand", "reason, kept in the ref log"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const promote_params *p = values;
    tarn_lake *lake = NULL;
    tarn_version v = {0};
    char author[128];

    (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_registry_find(lake, argv[0], &v, err));
    TARN_TRY(
        tarn_registry_alias(lake, v.model, p->alias, v.number, tarn_cli_author(author, sizeof author), p->why, err));
    tarn_out(cli, "%s@%s is version %lld now. A running server takes it up by itself.\n", v.model, p->alias,
             (long long)v.number);
    TARN_TRY(tarn_json_set(cli->result, "model", json_string(v.model), err));
    TARN_TRY(tarn_json_set(cli->result, "alias", json_string(p->alias), err));
    TARN_TRY(tarn_json_set(cli->result, "version", json_integer((json_int_t)v.number), err));
done:
    tarn_version_clear(&v);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_promote = {
    .name = "promote",
    .stage = "registry",
    .title = "point an alias at a version",
    .usage = "MODEL/VERSION",
    .help = "Example: `tarn promote flights/2` makes version 2 the champion; an earlier version rolls back in the same "
            "way.",
    .least = 1,
    .most = 1,
    .params_size = sizeof(promote_params),
    .params = params,
    .run = run,
};
