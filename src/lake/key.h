/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - encryption at rest: lakes whose files tell a thief of the disk nothing that was put into them.
 *
 * A lake is made encrypted or plain, once. Its key is a key file (32 random bytes, raw or in hexadecimal) or a
 * passphrase; it seals the lake's own keys, which seal everything else. LOSING THE KEY IS LOSING THE DATA: there is no
 * way around it, for nobody. What stays readable without the key is listed in docs/security/encryption.md.
 *
 * The sealed keys stand in the metadata (the truth, which every server that shares the metadata finds) and, as copies
 * for the day when the metadata is lost, in .tarn/keys and in the store, if that is not inside .tarn.
 *
 * Threads: as lake.h.
 */
#ifndef TARN_LAKE_KEY_H
#define TARN_LAKE_KEY_H

#include "lake/lake.h"

/* Where the key comes from: a file, else a passphrase. Neither: what $TARN_KEY_FILE and $TARN_PASSPHRASE say; a lake is
 * opened by the one of its kind, and made with the file.
 * as: an open lake; if the one to be opened is a copy of it, its keys are those of this. */
typedef struct tarn_lake_key {
    const char *file, *passphrase;
    const tarn_lake *as;
} tarn_lake_key;

typedef enum tarn_key_kind { TARN_KEY_NONE, TARN_KEY_FILE, TARN_KEY_PASSPHRASE } tarn_key_kind;

/* Make an encrypted lake in `folder`, its parts where tarn_lake_init_at says. TARN_DENIED without a key. */
TARN_MUST tarn_code tarn_lake_init_encrypted(const char *folder, const char *store, const char *meta,
                                             const tarn_lake_key *key, tarn_err *err);
/* As tarn_lake_open, which takes the key from the environment. TARN_DENIED: the lake is encrypted and there is no key,
 * or another; nothing was read or written then. */
TARN_MUST tarn_code tarn_lake_open_with(const char *folder, const tarn_lake_key *key, tarn_lake **out, tarn_err *err);
/* What kind of key the lake of `folder` needs, without opening it. */
TARN_MUST tarn_code tarn_lake_key_needed(const char *folder, tarn_key_kind *out, tarn_err *err);

typedef struct tarn_key_status {
    tarn_key_kind kind;  /* TARN_KEY_NONE: the lake is not encrypted, the rest is empty */
    char lake[33];       /* the number by which keys know their lake */
    int generations;     /* of the lake's own keys; the newest seals what is written */
    int64_t made_us;     /* the newest */
    int64_t passes, mib; /* what guessing a passphrase costs */
} tarn_key_status;
TARN_MUST tarn_code tarn_lake_key_status(tarn_lake *lake, tarn_key_status *out, tarn_err *err);
/* Seal the lake's keys with another key (key->file or ->passphrase must say which) and add a generation for all that is
 * written from now on. No data is written anew. Other processes must open the lake again to read what is new. */
TARN_MUST tarn_code tarn_lake_key_rotate(tarn_lake *lake, const tarn_lake_key *key, tarn_err *err);

/* Whether files of ours that hold content must be sealed. */
bool tarn_lake_encrypted(const tarn_lake *lake);
/* Seal a piece for a file in .tarn, and open it again. `where` says what it is and where it stands: a piece moved to
 * another place does not open. tarn_free(*out); a NUL stands behind what was opened. */
TARN_MUST tarn_code tarn_lake_seal(tarn_lake *lake, const char *where, const void *bytes, size_t len, char **out,
                                   size_t *out_len, tarn_err *err);
TARN_MUST tarn_code tarn_lake_unseal(tarn_lake *lake, const char *where, const void *bytes, size_t len, char **out,
                                     size_t *out_len, tarn_err *err);

#endif
