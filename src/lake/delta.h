/* SPDX-License-Identifier: Apache-2.0 */
/* delta.h - records stored as what changed against older ones (pack.h has the bytes).
 *
 * A delta's depth is above that of each of its bases, so reading ends after TARN_DELTA_HOPS hops whatever the bytes
 * say.
 *
 * Threads: any.
 */
#ifndef TARN_LAKE_DELTA_H
#define TARN_LAKE_DELTA_H

#include "lake/inside.h"

#include <stdatomic.h>

/* The bytes of a record. Immutable and counted. */
typedef struct tarn_plain {
    atomic_int users;
    tarn_id id;
    tarn_delta delta; /* what it is stored as; n 0: no delta */
    int cost;         /* records to open for it */
    tarn_kind kind;   /* where it was asked for */
    size_t len;
    uint8_t bytes[];
} tarn_plain;

enum { TARN_DELTA_WORK = 256 };

/* The bytes of a record; its hash is not checked, its checksum is. The last ones are kept. *work is how many records
 * may still be opened; TARN_CORRUPT below 0. */
TARN_MUST tarn_code tarn_plain_load(tarn_lake *lake, const tarn_id *id, int *work, tarn_plain **out, tarn_err *err);
void tarn_plain_release(tarn_plain *plain);

/* ---- plain.c: threads any ---- */

/* A counted copy. */
TARN_MUST tarn_code tarn_plain_make(const tarn_id *id, const void *bytes, size_t len, tarn_plain **out, tarn_err *err);

/* Of up to 4 * sets entries and `most` bytes, more than any one has. */
typedef struct tarn_plain_cache tarn_plain_cache;
TARN_MUST tarn_code tarn_plain_cache_new(size_t sets, size_t most, tarn_plain_cache **out, tarn_err *err);
void tarn_plain_enter(tarn_plain_cache *cache, tarn_plain *plain);
void tarn_plain_cache_free(tarn_plain_cache *cache);
/* What is kept of that id, with one more user, or NULL. */
tarn_plain *tarn_plain_kept(tarn_plain_cache *cache, const tarn_id *id);
/* Keep a copy of the bytes in the cache and give it to the caller too. */
TARN_MUST tarn_code tarn_plain_keep(tarn_plain_cache *cache, const tarn_id *id, tarn_kind kind, const void *bytes,
                                    size_t len, tarn_plain **out, tarn_err *err);
/* Forget all. */
void tarn_plain_forget(tarn_plain_cache *cache);

/* For opening a record that may be a delta. Start with {lake, &work}; clear afterwards. */
typedef struct tarn_before {
    tarn_lake *lake;
    int *work;
    int cost;    /* of the bases, when they have been got */
    bool failed; /* a base could not be read: the error names it */
    tarn_plain *plain[TARN_DELTA_BASES];
    uint8_t *joined;
} tarn_before;
tarn_before_fn tarn_before_get;
void tarn_before_clear(tarn_before *b);

/* Code the bytes against the records `like` (1 to TARN_DELTA_BASES, in the order in which what they hold is expected;
 * the last matters most) or against what those are made from. *stored is 0 when that takes more than `most` bytes of
 * out, or a record that is named cannot be read: a hint does not make a put fail. `used` gets the bases. */
TARN_MUST tarn_code tarn_delta_pack(tarn_lake *lake, const tarn_id *like, int n, const void *bytes, size_t len,
                                    void *out, size_t most, size_t *stored, tarn_delta *used, tarn_err *err);

#endif
