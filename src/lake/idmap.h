/* SPDX-License-Identifier: Apache-2.0 */
/* idmap.h - a hash map from ids to numbers; as a set where the number is not wanted.
 *
 * Ids are SHA-256, so their own first bytes are the hash. The none id cannot be a key. Start with {0}.
 */
#ifndef TARN_LAKE_IDMAP_H
#define TARN_LAKE_IDMAP_H

#include "base/digest.h"

typedef struct tarn_idmap_slot {
    tarn_id id;
    uint64_t value;
} tarn_idmap_slot;

typedef struct tarn_idmap {
    tarn_idmap_slot *slots;
    size_t cap, n; /* cap: 0 or a power of two */
} tarn_idmap;

/* The value of id, or NULL. */
uint64_t *tarn_idmap_find(const tarn_idmap *map, const tarn_id *id);
/* Put id -> value; *fresh (may be NULL) tells whether it was not there. An older value is replaced. */
TARN_MUST tarn_code tarn_idmap_put(tarn_idmap *map, const tarn_id *id, uint64_t value, bool *fresh, tarn_err *err);
/* Forget all, keep the memory. */
void tarn_idmap_reset(tarn_idmap *map);
void tarn_idmap_clear(tarn_idmap *map);

#endif
