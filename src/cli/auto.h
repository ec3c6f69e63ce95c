/* SPDX-License-Identifier: Apache-2.0 */
/* auto.h - a project from the statement of the problem alone: look at the rows, write tarn.yaml, run it. */
#ifndef TARN_CLI_AUTO_H
#define TARN_CLI_AUTO_H

#include "cli/command.h"
#include "flow/guess.h"

typedef struct tarn_auto {
    const char *rows; /* a file, or a table of the lake */
    tarn_wish wish;
    const char *metric; /* "": the task's own */
    int64_t tries;      /* of each candidate's settings, at most */
    double minutes;     /* 0: as long as it takes; else settings are tried only as far as this is enough */
} tarn_auto;

/* Write cli->folder/tarn.yaml and run it to the end, then print the leaderboard. A candidate that fails is taken out of
 * the file, which says why, and the run goes on without it.
 *
 * Errors: TARN_EXISTS there is a project file already; what tarn_guess_problem says; those of the run */
TARN_MUST tarn_code tarn_cli_auto(tarn_cli *cli, const tarn_auto *asked, tarn_err *err);

#endif
