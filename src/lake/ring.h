/* SPDX-License-Identifier: Apache-2.0 */
/* ring.h - the keys of an encrypted lake: made, sealed as text, opened, used.
 *
 * The text is JSON:
 *
 *     {"what": "tarn keys", "version": 1, "lake": 32 digits,
 *      "kek": {"kind": "file"} or {"kind": "passphrase", "salt": 32 digits, "passes": 3, "mib": 64},
 *      "root": sealed, "generations": [{"made_us": n, "key": sealed}, ...]}
 *
 * sealed is the hexadecimal of a nonce and the AES-256-GCM of 32 bytes, beside "<lake> root" or "<lake> <number>",
 * under HKDF(key of the file or passphrase, lake, "tarn kek"). The root gives names and stays for ever; generations
 * give the keys of packs and of pieces, and grow by one with each rotation.
 *
 *     name of a record      the id of a commit (refs name those in plain anyway); else HMAC(HKDF(root, "names"), id)
 *     key of a pack         HKDF(generation, salt in the pack's head, "packs")
 *     key of a piece        HMAC(HKDF(generation, "pieces"), 16 random bytes), used once
 *     a piece               generation u32, 16 random bytes, sealed bytes, tag
 *
 * Threads: any, once open.
 */
#ifndef TARN_LAKE_RING_H
#define TARN_LAKE_RING_H

#include "base/seal.h"
#include "lake/index.h"
#include "lake/key.h"

enum {
    TARN_PACK_SALT = 32,
    TARN_RECORD_MORE = TARN_ID_BYTES + TARN_SEAL_TAG, /* what sealing adds to a record: its id and the tag */
    TARN_PIECE_MORE = 4 + TARN_SALT + TARN_SEAL_TAG
};

typedef struct tarn_ring tarn_ring;

/* New keys as text, sealed with `key`. tarn_free(*text). */
TARN_MUST tarn_code tarn_ring_make(const tarn_lake_key *key, char **text, tarn_err *err);
/* TARN_DENIED: no key, or the wrong one; TARN_CORRUPT: no keys. */
TARN_MUST tarn_code tarn_ring_open(const char *text, size_t len, const tarn_lake_key *key, tarn_ring **out,
                                   tarn_err *err);
/* The same ring once more, for another lake that is a copy; each is freed. */
tarn_ring *tarn_ring_share(tarn_ring *ring);
void tarn_ring_free(tarn_ring *ring);
/* The same keys and one generation more, sealed with another key. The ring stays as it is. */
TARN_MUST tarn_code tarn_ring_rotate(const tarn_ring *ring, const tarn_lake_key *key, char **text, tarn_err *err);
/* What the text tells without a key. */
TARN_MUST tarn_code tarn_ring_look(const char *text, size_t len, tarn_key_status *out, tarn_err *err);

const char *tarn_ring_lake(const tarn_ring *ring);
tarn_cipher *tarn_ring_cipher(const tarn_ring *ring);
uint32_t tarn_ring_newest(const tarn_ring *ring);
/* TARN_DENIED: a generation made after this ring was opened. */
TARN_MUST tarn_code tarn_ring_pack_key(const tarn_ring *ring, uint32_t generation, const uint8_t salt[TARN_PACK_SALT],
                                       tarn_key *out, tarn_err *err);
void tarn_ring_name(const tarn_ring *ring, tarn_kind kind, const tarn_id *id, tarn_id *name);
/* A name for other bytes, of a kind of its own. */
void tarn_ring_name_bytes(const tarn_ring *ring, const void *bytes, size_t len, tarn_id *name);

/* len + TARN_PIECE_MORE bytes into out. */
TARN_MUST tarn_code tarn_ring_seal(const tarn_ring *ring, const char *where, const void *bytes, size_t len,
                                   uint8_t *out, tarn_err *err);
/* len - TARN_PIECE_MORE bytes into out. */
TARN_MUST tarn_code tarn_ring_unseal(const tarn_ring *ring, const char *where, const uint8_t *bytes, size_t len,
                                     void *out, tarn_err *err);

#endif
