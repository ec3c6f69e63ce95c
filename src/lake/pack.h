/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - packs: immutable files of records, their index behind them.
 *
 *     head      "TARNPACK", version u32, 0 u32
 *     records   { id 32, stored u32, raw u32, kind u8, coding u8, 0 u16, crc u32 of header and bytes } bytes
 *     index     see index.h, with pack number 0
 *     tail      "TARNTAIL", index offset u64, index length u64, records u32, crc u32 of head and records,
 *               crc u32 of the index, made u64 (microseconds since 1970), 16 zeros, crc u32 of the tail before it
 *
 * A record's bytes go through stages: plain, then coded (raw, zstd, delta: delta.h), and as coded they are stored.
 *
 * The name is "p-" and the first 32 digits of the SHA-256 of index and tail.
 *
 * In an encrypted lake (ring.h) the head is "TARNPACK", 2 u32, generation u32, salt 32, ids are keyed names, and a
 * record's bytes are sealed: (bytes as coded, id 32), tag 16, under the pack's key, with the record's offset as nonce,
 * beside the first 44 bytes of its header. Sealing is the last step of writing and the first of reading: what comes
 * out of tarn_record_unseal is a record as in a plain lake.
 *
 * A pack is gathered in memory and stored in one go, so nothing half written is ever seen: a process that
 * dies before tarn_pack_seal loses only what was not acknowledged.
 */
#ifndef TARN_LAKE_PACK_H
#define TARN_LAKE_PACK_H

#include "lake/codec.h"
#include "lake/idmap.h"
#include "lake/index.h"
#include "lake/ring.h"

enum {
    TARN_PACK_HEAD = 16,
    TARN_PACK_SEALED_HEAD = 48,
    TARN_PACK_TAIL = 64,
    TARN_RECORD_HEAD = 48,
    TARN_PACK_MOST = 62 << 20,   /* a pack is sealed before records and index pass this */
    TARN_RECORD_MOST = 16 << 20, /* bytes of a record */
    TARN_PACK_NAME = 40,         /* "p-", 32 digits, NUL; with room */
    TARN_DELTA_BASES = 2,
    TARN_DELTA_HOPS = 8,
    TARN_DELTA_HEAD = 8
};

/* The pack being gathered. Start with {0}; ring set: it is sealed. */
typedef struct tarn_pack {
    uint8_t *bytes;
    size_t len, cap;
    bool large; /* it had many bytes since they were last lent to the kernel */
    tarn_indexed *entries;
    size_t n, n_cap;
    tarn_idmap places; /* name -> number of entry */
    const tarn_ring *ring;
    tarn_key key; /* of this pack */
} tarn_pack;

/* Add a record. bytes are as coded says. */
TARN_MUST tarn_code tarn_pack_add(tarn_pack *pack, const tarn_id *id, tarn_kind kind, tarn_coding coding,
                                  const void *bytes, size_t stored, size_t raw, tarn_err *err);
/* The same, for whoever knows already what the record is called there. */
TARN_MUST tarn_code tarn_pack_add_named(tarn_pack *pack, const tarn_id *name, const tarn_id *id, tarn_kind kind,
                                        tarn_coding coding, const void *bytes, size_t stored, size_t raw,
                                        tarn_err *err);
/* True when a record of `stored` bytes more would make it too large. */
bool tarn_pack_full(const tarn_pack *pack, size_t stored);
const tarn_where *tarn_pack_find(const tarn_pack *pack, const tarn_id *name);
/* Put index and tail behind the records: pack->bytes is then the whole pack. *index_at is where the index
 * starts, *index_len its length. On failure the pack can be sealed again. */
TARN_MUST tarn_code tarn_pack_seal(tarn_pack *pack, int64_t made_us, char name[TARN_PACK_NAME], size_t *index_at,
                                   size_t *index_len, tarn_err *err);
/* Take index and tail off again (storing the sealed pack failed). */
void tarn_pack_unseal(tarn_pack *pack, size_t index_at);
/* Forget the records; the memory is kept for the next. */
void tarn_pack_reset(tarn_pack *pack);
/* Lend memory to the kernel if it is much and nothing is in it. */
void tarn_pack_trim(tarn_pack *pack);
void tarn_pack_clear(tarn_pack *pack);

typedef struct tarn_tail {
    uint64_t index_at, index_len;
    uint32_t records, crc, index_crc;
    int64_t made_us;
} tarn_tail;
/* Check a tail and that it fits a pack of `size` bytes. */
TARN_MUST tarn_code tarn_tail_read(const uint8_t bytes[TARN_PACK_TAIL], uint64_t size, const char *name, tarn_tail *out,
                                   tarn_err *err);

/* Memory for reading records, reused from call to call. Start with {0}; `bytes` and `len` are the content of
 * the last record read. */
typedef struct tarn_slab {
    uint8_t *stored, *raw;
    size_t stored_cap, raw_cap;
    const uint8_t *bytes;
    size_t len;
} tarn_slab;
TARN_MUST tarn_code tarn_slab_need(uint8_t **block, size_t *cap, size_t need, tarn_err *err);
void tarn_slab_clear(tarn_slab *slab);

/* The key of a sealed pack from its head. TARN_CORRUPT: it is not one (a plain pack has no place in an encrypted lake).
 */
TARN_MUST tarn_code tarn_pack_key(const tarn_ring *ring, const uint8_t head[TARN_PACK_SEALED_HEAD], tarn_key *out,
                                  tarn_err *err);
/* Open the sealed record called `name` in slab->stored, in place: a plain record stands there then, where it was sealed
 * as *id, and *where tells of it. TARN_CORRUPT. */
TARN_MUST tarn_code tarn_record_unseal(const tarn_ring *ring, const tarn_key *key, const tarn_id *name,
                                       tarn_where *where, tarn_slab *slab, tarn_id *id, tarn_err *err);
/* What a delta is made from; in front of its zstd frame:
 *
 *     bases u8 (1 or 2), depth u8 (hops to what is no delta: 1 to 8), generation u16, bytes of the bases u32,
 *     bases x id 32
 *
 * The bases' bytes, one behind the other, are what the frame's content repeats. */
typedef struct tarn_delta {
    int n, depth;
    uint32_t generation; /* versions since the last that is no delta */
    uint32_t before_len;
    tarn_id base[TARN_DELTA_BASES];
} tarn_delta;
/* Bytes written to out (room for TARN_DELTA_HEAD and the ids). */
size_t tarn_delta_write(const tarn_delta *delta, uint8_t *out);
/* Check and read it; *head is its length. */
TARN_MUST tarn_code tarn_delta_read(const uint8_t *bytes, size_t len, tarn_delta *out, size_t *head, tarn_err *err);

/* The bytes of a delta's bases, delta->before_len of them, valid until the record is open. */
typedef tarn_code tarn_before_fn(void *arg, const tarn_delta *delta, const uint8_t **before, tarn_err *err);

/* What is checked besides the header: the checksum and the hash; the checksum; or neither, because the caller compares
 * the hash, and no damage that the checksum finds gets past that. Lists always by their checksum: their id is not the
 * hash of their bytes. */
typedef enum tarn_proof { TARN_PROOF_HASH, TARN_PROOF_SUM, TARN_PROOF_BY_CALLER } tarn_proof;

/* Check and decode the record in slab->stored: header against id and where, decompression, and what `proof` says.
 * TARN_CORRUPT says what is wrong, without saying where. delta (may be NULL) is what it was made from, n 0 for what is
 * no delta. */
typedef struct tarn_opening {
    tarn_codec *codec;
    tarn_proof proof;
    tarn_before_fn *before;
    void *arg;
    tarn_delta *delta;
} tarn_opening;
TARN_MUST tarn_code tarn_record_open(const tarn_opening *how, const tarn_id *id, const tarn_where *where,
                                     tarn_slab *slab, tarn_err *err);
/* Only the header and the checksum: what is behind the header is as it was written. */
TARN_MUST tarn_code tarn_record_check(const tarn_id *id, const tarn_where *where, const uint8_t *record, tarn_err *err);

#endif
