/* SPDX-License-Identifier: Apache-2.0 */
/* ref_command.h - listing, making and removing refs of one kind: what tarn lake branch and tag share. */
#ifndef TARN_CLI_REF_COMMAND_H
#define TARN_CLI_REF_COMMAND_H

#include "cli/command.h"

typedef struct tarn_ref_change {
    const char *prefix, *word; /* "heads/" or "tags/", and what people call it */
    bool remove, force;        /* force: move one that is there */
    const char *message;       /* kept in the ref log; "": none */
} tarn_ref_change;
TARN_MUST tarn_code tarn_cli_refs(tarn_cli *cli, const tarn_ref_change *change, int argc, char *const *argv,
                                  tarn_err *err);

#endif
