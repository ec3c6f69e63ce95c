/* SPDX-License-Identifier: Apache-2.0 */
/* lake_hold_rule.c - tarn lake hold rule: hold every new commit on some branches. */
#include "cli/command.h"
#include "lake/hold.h"

#include <stdio.h>

typedef struct rule_params {
    int mode;
    int64_t days;
} rule_params;

static const tarn_param params[] = {
    TARN_WORD(rule_params, mode, 0, "governance|compliance", "how the commits are held"),
    TARN_INT(rule_params, days, 0, 0, 36500, "for so many days; 0 takes the rule away, what is held stays so"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const rule_params *p = values;
    tarn_lake *lake = NULL;
    tarn_hold_rule rule = {.mode = (tarn_hold_mode)p->mode, .days = p->days};
    char who[128];

    (void)argc;
    (void)snprintf(rule.pattern, sizeof rule.pattern, "%s", argv[0]);
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_hold_rule_set(lake, &rule, tarn_cli_author(who, sizeof who), err));
    if (rule.days)
        tarn_out(cli, "Every new commit on '%s' is held for %lld days (%s)\n", rule.pattern, (long long)rule.days,
                 tarn_hold_modes[rule.mode]);
    else tarn_out(cli, "No rule for '%s' any more; what is held stays held\n", rule.pattern);
    TARN_TRY(tarn_json_set(cli->result, "pattern", json_string(rule.pattern), err));
    TARN_TRY(tarn_json_set(cli->result, "days", json_integer(rule.days), err));
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_hold_rule = {
    .name = "lake hold rule",
    .stage = "lake",
    .title = "hold every new commit on some branches for some days",
    .usage = "PATTERN",
    .help =
        "'*' in PATTERN is any text; a pattern that begins with heads/, tags/ or models/ is one for full names, others "
        "are for branches. Of several rules that fit, the strongest and longest counts.\n\n"
        "Example: tarn lake hold rule 'release/*' --days 3650 --mode compliance",
    .least = 1,
    .most = 1,
    .params_size = sizeof(rule_params),
    .params = params,
    .run = run,
};
