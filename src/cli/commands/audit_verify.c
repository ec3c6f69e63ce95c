/* SPDX-License-Identifier: Apache-2.0 */
/* audit_verify.c - tarn audit verify. */
#include "cli/access_command.h"

typedef struct verify_params {
    bool anchor;
} verify_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(verify_params, anchor, false, "commit the last hash to branch audit, if all is well"),
    TARN_PARAMS_END,
};

static tarn_code report(tarn_cli *cli, const tarn_audit_check *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_json_set(cli->result, "records", json_integer(c->records), err));
    TARN_TRY(tarn_json_set(cli->result, "anchors", json_integer(c->anchors), err));
    TARN_TRY(tarn_json_set(cli->result, "bad", c->bad ? json_integer(c->bad) : json_null(), err));
    TARN_TRY(tarn_json_set(cli->result, "head", json_string(c->head), err));
    if (c->bad) rc = TARN_FAIL(err, TARN_CORRUPT, "audit record %lld: %s", (long long)c->bad, c->why);
    else
        tarn_out(cli, "%lld records, %lld anchors: all as they were written\nlast hash %s\n", (long long)c->records,
                 (long long)c->anchors, c->head);
done:
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    const verify_params *p = values;
    tarn_lake *lake = NULL;
    tarn_audit_check check;
    tarn_code rc = TARN_OK;

    (void)argc, (void)argv;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_audit_verify(lake, &check, err));
    TARN_TRY(report(cli, &check, err));
    if (p->anchor) TARN_TRY(tarn_audit_anchor(lake, err));
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_audit_verify = {
    .name = "audit verify",
    .stage = "lake",
    .title = "check that the audit log is as it was written",
    .usage = "",
    .help =
        "Checks each record's hash, that each follows the one before, and the hashes that were committed to branch "
        "audit.\n"
        "Names the first bad record; exit status 70 then. Note the last hash elsewhere: it proves the log up to here.",
    .params_size = sizeof(verify_params),
    .params = params,
    .run = run,
};
