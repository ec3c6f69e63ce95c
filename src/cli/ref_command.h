/* SPDX-License-Identifier: Apache-2.0 */
/* ref_command.h - listing, making and removing refs of one kind: what tarn lake branch and tag share. */
#ifndef TARN_CLI_REF_COMMAND_H
#define TARN_CLI_REF_COMMAND_H

#include "cli/command.h"

/* prefix: "heads/" or "tags/"; word: what people call it. */
TARN_MUST tarn_code tarn_cli_refs(tarn_cli *cli, const char *prefix, const char *word, bool remove, int argc,
                                  char *const *argv, tarn_err *err);

#endif
