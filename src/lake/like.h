/* SPDX-License-Identifier: Apache-2.0 */
/* like.h - an old object walked beside the new one that replaces it: which of its records a new one resembles.
 *
 * Calls: new; for each chunk of the new object in order chunk; at the end of a list of chunks list. A hint only:
 * whatever cannot be read gives no answer.
 *
 * Threads: one at a time.
 */
#ifndef TARN_LAKE_LIKE_H
#define TARN_LAKE_LIKE_H

#include "lake/delta.h"

typedef struct tarn_like tarn_like;
/* TARN_NOMEM alone is an error. */
TARN_MUST tarn_code tarn_like_new(tarn_lake *lake, const tarn_id *object, tarn_like **out, tarn_err *err);
void tarn_like_free(tarn_like *like);

/* The old chunks where the next chunk of the new object stands, into base; their number (0: the chunk is one of the old
 * object's, or nothing stands there) into *n. */
TARN_MUST tarn_code tarn_like_chunk(tarn_like *like, const tarn_id *id, const uint8_t *bytes, size_t len,
                                    tarn_id base[TARN_DELTA_BASES], int *n, tarn_err *err);
/* The old list of chunks that a list which ends before the chunk last asked for resembles. */
void tarn_like_list(const tarn_like *like, tarn_id *base);

#endif
