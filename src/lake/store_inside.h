/* SPDX-License-Identifier: Apache-2.0 */
/* store_inside.h - what the parts of the store share: segments (store_segments.c), looking up (store.c), writing
 * (store_write.c), transactions and sweeps (store_tx.c). */
#ifndef TARN_LAKE_STORE_INSIDE_H
#define TARN_LAKE_STORE_INSIDE_H

#include "lake/delta.h"

/* How often others may change things under our eyes before we call it damage. */
enum { TARN_STORE_CHANGES = 100 };

/* Where a record is. */
typedef struct tarn_spot {
    tarn_id name; /* the id, or what stands for it in a sealed pack */
    tarn_where where;
    bool in_open, pending; /* in the open pack, in one that is not in meta.db yet */
    char pack[64];
    tarn_key key; /* in the open pack of an encrypted lake */
} tarn_spot;

/* A pack's name in the backend. */
TARN_MUST tarn_code tarn_store_blob(const char *pack, char out[80], tarn_err *err);
/* One more segment fits. */
TARN_MUST tarn_code tarn_store_segment_room(tarn_lake *lake, tarn_err *err);

/* Under the lock. For reading, other processes' newest packs count too, and damage is an error; for writing a
 * chunk that cannot be found is simply stored again. */
TARN_MUST tarn_code tarn_store_locate_name(tarn_lake *lake, const tarn_id *name, bool reading, tarn_spot *out,
                                           bool *found, tarn_err *err);
/* By id; the kind is not known, and a commit's name is made in another way than that of all others. */
TARN_MUST tarn_code tarn_store_locate(tarn_lake *lake, const tarn_id *id, bool reading, tarn_spot *out, bool *found,
                                      tarn_err *err);

TARN_MUST tarn_code tarn_store_may_write(const tarn_lake *lake, tarn_err *err);
/* Store the open pack; it is durable after tarn_store_seal_end. name: left alone if there is nothing to store. */
TARN_MUST tarn_code tarn_store_seal_begin(tarn_lake *lake, void **rest, char name[TARN_PACK_NAME], tarn_err *err);
/* What begin began. The pack stays among the segments if it fails, but nothing is written any more. */
TARN_MUST tarn_code tarn_store_seal_end(tarn_lake *lake, void **rest, tarn_err *err);

#endif
