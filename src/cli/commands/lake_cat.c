/* SPDX-License-Identifier: Apache-2.0 */
/* lake_cat.c - tarn lake cat: the bytes of a path. */
#include "cli/command.h"
#include "cli/terminal.h"
#include "lake/history.h"

#include <errno.h>
#include <stdio.h>

typedef struct cat_params {
    char as[256];
} cat_params;

static const tarn_param params[] = {
    TARN_TEXT(cat_params, as, "", "for BRANCH$/PATH: whose staging area (default: your own)"),
    TARN_PARAMS_END,
};

static tarn_code give(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    (void)arg;
    if (fwrite(bytes, 1, len, stdout) == len) return TARN_OK;
    return tarn_nobody_reads() ? TARN_CANCELLED : TARN_FAIL_ERRNO(err, "write", "standard output");
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_id id;
    char path[1025], branch[256], who[256], hex[TARN_ID_HEX];
    const cat_params *p = values;
    tarn_entry entry;
    bool staged = false;

    (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_resolve_staged(lake, argv[0], &staged, branch, path, err));
    if (staged) {
        TARN_TRY(tarn_lake_lookup_staged(lake, branch, tarn_cli_who(p->as, who, sizeof who), path, &entry, err));
    } else {
        TARN_TRY(tarn_lake_resolve_path(lake, argv[0], &id, path, err));
        TARN_TRY(tarn_lake_lookup(lake, &id, path, &entry, err));
    }
    TARN_TRY(tarn_json_set(cli->result, "path", json_string(entry.path), err));
    TARN_TRY(tarn_json_set(cli->result, "object", json_string(tarn_id_hex(&entry.object.id, hex)), err));
    TARN_TRY(tarn_json_set(cli->result, "bytes", json_integer((json_int_t)entry.object.size), err));
    if (!cli->json) rc = tarn_lake_read_by(lake, cli->pool, &entry.object.id, 0, UINT64_MAX, give, NULL, err);
    if (rc == TARN_CANCELLED && tarn_nobody_reads()) rc = TARN_OK;
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_cat = {
    .name = "lake cat",
    .stage = "lake",
    .title = "the bytes of a path",
    .usage = "REF/PATH",
    .help =
        "Example: `tarn lake cat main/report.html > report.html`; with --json: what the path is, without its bytes. "
        "`main$/report.html` is the one that you have staged.",
    .least = 1,
    .most = 1,
    .params_size = sizeof(cat_params),
    .params = params,
    .run = run,
};
