/* SPDX-License-Identifier: Apache-2.0 */
/* place.h - files of .tarn that are made in .tarn/tmp and renamed to where they belong.
 *
 * A file in tmp is locked while its maker lives; what nobody locks and is over a minute old is removed when a lake
 * is opened (by the disk backend, which shares the folder).
 */
#ifndef TARN_LAKE_PLACE_H
#define TARN_LAKE_PLACE_H

#include "lake/inside.h"

typedef struct tarn_place {
    int fd; /* -1: none */
    char path[TARN_LAKE_PATH + 112];
} tarn_place;

/* Remove what dead processes left, where the packs are elsewhere. */
void tarn_place_tidy(const tarn_lake *lake);
/* For what may stand on the disk as it is. */
TARN_MUST tarn_code tarn_place_open(tarn_lake *lake, tarn_place *out, tarn_err *err);
/* For plain content, to be committed to the cache. */
TARN_MUST tarn_code tarn_place_open_private(tarn_lake *lake, tarn_place *out, tarn_err *err);
TARN_MUST tarn_code tarn_place_write(tarn_place *p, const void *bytes, size_t len, tarn_err *err);
/* Sync, rename to target, sync its folder. */
TARN_MUST tarn_code tarn_place_commit(tarn_place *p, const char *target, tarn_err *err);
/* Removes the file unless it was committed. */
void tarn_place_close(tarn_place *p);

#endif
