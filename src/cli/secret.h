/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - passphrases: from the environment or asked for at the terminal, without showing what is typed. */
#ifndef TARN_CLI_SECRET_H
#define TARN_CLI_SECRET_H

#include "cli/command.h"
#include "lake/key.h"

enum { TARN_PASSPHRASE_MOST = 1024 };

/* From the environment's `variable`, else typed after "<question>: " (twice if `twice`). Wipe it after use.
 * TARN_DENIED: neither is possible. */
TARN_MUST tarn_code tarn_cli_passphrase(const char *variable, const char *question, bool twice,
                                        char out[TARN_PASSPHRASE_MOST], tarn_err *err);
/* The lake of a folder; asks for the passphrase if it needs one and a person is there. */
TARN_MUST tarn_code tarn_cli_open_lake(const char *folder, tarn_lake **out, tarn_err *err);
/* The key that options --key-file and --passphrase name, for making and changing; a key file that is not there is made.
 * passphrase holds what *out points to. */
TARN_MUST tarn_code tarn_cli_new_key(const tarn_cli *cli, const char *key_file, bool use_passphrase,
                                     const char *variable, char passphrase[TARN_PASSPHRASE_MOST], tarn_lake_key *out,
                                     tarn_err *err);

#define TARN_LOSING_THE_KEY                                                                                         \
    "LOSING THE KEY IS LOSING THE DATA: nobody, not the makers of Tarn either, can read an encrypted lake without " \
    "it. Keep a copy of the key file, or the passphrase on paper, in another place than the lake."

#endif
