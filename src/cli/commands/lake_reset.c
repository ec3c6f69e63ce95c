/* SPDX-License-Identifier: Apache-2.0 */
/* lake_reset.c - tarn lake reset: make a branch name another commit. */
#include "cli/command.h"
#include "lake/history.h"

#include <stdio.h>
#include <time.h>

typedef struct reset_params {
    char message[500];
} reset_params;

static const tarn_param params[] = {
    TARN_TEXT(reset_params, message, "", "why, for the ref log"),
    TARN_PARAMS_END,
};

/* To the microsecond, as @{...} reads it. */
static void exact_time(int64_t us, char out[40])
{
    time_t second = (time_t)(us / 1000000);
    struct tm tm;
    char whole[24] = "";

    if (gmtime_r(&second, &tm)) (void)strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out, 40, "%s.%06ld", whole, (long)(us % 1000000));
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const reset_params *p = values;
    tarn_lake *lake = NULL;
    tarn_id to, was;
    int64_t when_us = 0;
    char author[128], why[512], when[40], old[TARN_ID_HEX], now[TARN_ID_HEX], back[300];

    (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_resolve(lake, argv[1], &to, err));
    (void)snprintf(why, sizeof why, "%s%s%.200s", p->message, p->message[0] ? "" : "reset to ",
                   p->message[0] ? "" : argv[1]);
    TARN_TRY(tarn_lake_reset(lake, argv[0], &to, tarn_cli_author(author, sizeof author), why, &was, &when_us, err));
    exact_time(when_us, when);
    (void)snprintf(back, sizeof back, "%.200s@{%s}", argv[0], when);
    tarn_out(cli, "%s is at %.12s now; it was at %.12s, which is %s\n", argv[0], tarn_id_hex(&to, now),
             tarn_id_hex(&was, old), back);
    tarn_out(cli, "To go back: tarn lake reset %s '%s'\n", argv[0], back);
    TARN_TRY(tarn_json_set(cli->result, "branch", json_string(argv[0]), err));
    TARN_TRY(tarn_json_set(cli->result, "commit", json_string(now), err));
    TARN_TRY(tarn_json_set(cli->result, "was", json_string(old), err));
    TARN_TRY(tarn_json_set(cli->result, "back", json_string(back), err));
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_reset = {
    .name = "lake reset",
    .stage = "lake",
    .title = "make a branch name another commit",
    .usage = "BRANCH REF",
    .help = "The commits that BRANCH named before are not lost: the ref log keeps them, and the command says how to go "
            "back. To take back a commit and keep history, use `tarn lake revert`.",
    .least = 2,
    .most = 2,
    .params_size = sizeof(reset_params),
    .params = params,
    .run = run,
};
