/* SPDX-License-Identifier: Apache-2.0 */
/* flow_run.h - a run of the project at the terminal: what tarn run, ingest, train and assess share. */
#ifndef TARN_CLI_FLOW_RUN_H
#define TARN_CLI_FLOW_RUN_H

#include "cli/command.h"
#include "flow/flow.h"

/* Read the project of cli->folder, print every mistake in it, and run it up to `until` (NULL: all). The lake is made if
 * there is none. cli->result becomes the run's summary. */
TARN_MUST tarn_code tarn_cli_run_flow(tarn_cli *cli, const char *until, bool again, tarn_err *err);
/* Read the project; its mistakes go to stderr, one line each (and to cli->result). */
TARN_MUST tarn_code tarn_cli_project(tarn_cli *cli, tarn_project **out, tarn_err *err);

#endif
