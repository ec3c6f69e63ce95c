/* SPDX-License-Identifier: Apache-2.0 */
/* rowgroups.h - which row groups of two Parquet files are the same bytes, and so hold the same rows.
 *
 * Private to table/.
 */
#ifndef TARN_TABLE_ROWGROUPS_H
#define TARN_TABLE_ROWGROUPS_H

#include "table/rowside.h"

/* Pair the row groups of a and b that are the same, each with at most one, and set the ranges of both sides to all
 * other rows (`part`). Files of different schemas have no such pairs. *groups_a, *groups_b: how many there are; *same:
 * how many pairs. Ranges are the arena's. A file whose metadata points outside of it simply pairs nothing: reading it
 * says what is wrong. Cost: at most twice the bytes of both files, at the speed of memory. */
TARN_MUST tarn_code tarn_rowside_skip_same(tarn_db *db, tarn_arena *arena, tarn_rowside *a, tarn_rowside *b,
                                           int64_t *groups_a, int64_t *groups_b, int64_t *same, tarn_err *err);

#endif
