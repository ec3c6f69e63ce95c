/* SPDX-License-Identifier: Apache-2.0 */
/* lake_print.h - commits, changes and references at the terminal: what the lake commands share. */
#ifndef TARN_CLI_LAKE_PRINT_H
#define TARN_CLI_LAKE_PRINT_H

#include "cli/command.h"

/* {"id","parents","time","author","message","paths","meta"} */
json_t *tarn_commit_json(const tarn_commit *c);
void tarn_out_commit(const tarn_cli *cli, const tarn_commit *c, bool full);

/* Prints changes one a line (added +, removed -, changed ~) and collects them; arg of tarn_print_change. */
typedef struct tarn_change_list {
    tarn_cli *cli;
    json_t *list;
    int64_t added, removed, changed;
} tarn_change_list;
tarn_code tarn_print_change(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                            tarn_err *err);

#endif
