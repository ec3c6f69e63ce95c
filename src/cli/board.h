/* SPDX-License-Identifier: Apache-2.0 */
/* board.h - the candidates of the last run side by side: how good, how sure, how long, how large. */
#ifndef TARN_CLI_BOARD_H
#define TARN_CLI_BOARD_H

#include "cli/command.h"

/* Print the leaderboard of the branch, best first, and put it into cli->result ("metric", "part", "candidates").
 * Prediction times are measured now, on the validation rows, on one thread; they go nowhere else.
 * Errors: TARN_NOT_FOUND nothing was trained on the branch */
TARN_MUST tarn_code tarn_cli_leaderboard(tarn_cli *cli, tarn_lake *lake, tarn_err *err);

#endif
