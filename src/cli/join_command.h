/* SPDX-License-Identifier: Apache-2.0 */
/* join_command.h - what tarn lake merge, revert and cherry-pick share: their options, conflicts at the terminal, and
 * what came of it. */
#ifndef TARN_CLI_JOIN_COMMAND_H
#define TARN_CLI_JOIN_COMMAND_H

#include "cli/command.h"
#include "lake/history.h"

typedef struct tarn_join_params {
    char message[2000], as[256], ours[4000], theirs[4000];
    int strategy;
    int64_t mainline, limit;
    bool no_ff, dry_run;
} tarn_join_params;

extern const tarn_param tarn_merge_table[]; /* of a tarn_join_params: without mainline */
extern const tarn_param tarn_pick_table[];  /* without no_ff */

typedef tarn_code tarn_join_fn(tarn_lake *lake, const char *what, const char *branch, const tarn_merge_options *options,
                               tarn_merge_result *out, tarn_err *err);
/* argv: WHAT [BRANCH]. */
TARN_MUST tarn_code tarn_cli_join(tarn_cli *cli, const tarn_join_params *p, tarn_join_fn *join, int argc,
                                  char *const *argv, tarn_err *err);

#endif
