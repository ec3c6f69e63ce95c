/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.h - a cache in front of a remote backend: blobs in blocks of 1 MiB, as files and the last ones in memory.
 *
 * A record is read with one request of a whole block, so that its neighbours cost nothing; who reads on gets ever
 * larger pieces, up to 8 MiB. Files are checked by their CRC when they come in, shared by all processes, and may be
 * deleted at any time. Over its limit the cache drops what was used longest ago. A disk that is full costs the cache,
 * not the answer.
 *
 * Threads: any.
 */
#ifndef TARN_LAKE_BLOCKS_H
#define TARN_LAKE_BLOCKS_H

#include "lake/backend.h"

enum { TARN_BLOCK = 1 << 20 };

/* A backend over origin, which is closed with it; origin_self is taken on success only. folder is made; most is in
 * bytes. */
TARN_MUST tarn_code tarn_blocks_open(const char *folder, uint64_t most, const tarn_backend *origin, void *origin_self,
                                     void **self, tarn_err *err);
extern const tarn_backend tarn_blocks_backend;

#endif
