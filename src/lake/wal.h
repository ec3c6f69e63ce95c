/* SPDX-License-Identifier: Apache-2.0 */
/* wal.h - SQLite's write-ahead log beside meta.db: has it lost what was acknowledged? Private to this folder.
 *
 * Threads: any.
 */
#ifndef TARN_LAKE_WAL_H
#define TARN_LAKE_WAL_H

#include "base/err.h"

#include <stdint.h>

/* TARN_CORRUPT if the log beside the database has damage with transactions behind it that were synced, which SQLite
 * would forget without a word. TARN_OK where there is no log, or only its end is torn, as a crash leaves it. */
TARN_MUST tarn_code tarn_wal_check(const char *database, tarn_err *err);
/* Write the database with every sound page of its log, up to the last transaction, to the file `to`. *frames: sound
 * pages, *damaged: others. */
TARN_MUST tarn_code tarn_wal_heal(const char *database, const char *to, int64_t *frames, int64_t *damaged,
                                  tarn_err *err);

#endif
