/* SPDX-License-Identifier: Apache-2.0 */
/* veil.h - entries as rows of an encrypted lake's metadata: a keyed name where the path stood, a sealed piece where the
 * object stood, nothing in the other columns.
 *
 *     piece of  path length u16, path, object 32, size u64, recipe 32, attrs 32;  sealed beside "<table> <owner>"
 */
#ifndef TARN_LAKE_VEIL_H
#define TARN_LAKE_VEIL_H

#include "base/mem.h"
#include "lake/ring.h"

enum {
    TARN_VEIL_MOST = 2 + 1024 + 3 * TARN_ID_BYTES + 8 + TARN_PIECE_MORE,
    TARN_VEIL_OWNER = 560 /* of a staged row: branch, line end, user */
};

/* The name of a path among those of one owner (a user's area on a branch, a recipe). */
void tarn_veil_name(const tarn_ring *ring, const char *owner, const char *path, tarn_id *name);
/* The sealed piece into out; *len bytes. */
TARN_MUST tarn_code tarn_veil(const tarn_ring *ring, const char *table, const char *owner, const tarn_entry *entry,
                              uint8_t out[TARN_VEIL_MOST], size_t *len, tarn_err *err);
/* Open it, and check that `name` is that of the path in it. */
TARN_MUST tarn_code tarn_unveil(const tarn_ring *ring, const char *table, const char *owner, const tarn_id *name,
                                const uint8_t *bytes, size_t len, tarn_entry *out, tarn_err *err);

/* Opened rows of one owner in the order of their paths, which the rows themselves do not show. Start with {0}. */
typedef struct tarn_veil_list {
    char owner[TARN_VEIL_OWNER];
    int64_t version; /* of the metadata when it was read */
    bool good;
    struct tarn_veil_row *rows;
    size_t n, cap;
    tarn_arena *paths;
} tarn_veil_list;

TARN_MUST tarn_code tarn_veil_list_add(tarn_veil_list *list, const tarn_entry *entry, int64_t seq, tarn_err *err);
void tarn_veil_list_sort(tarn_veil_list *list);
/* Up to `most` rows (0: all) with path >= from. */
TARN_MUST tarn_code tarn_veil_list_each(const tarn_veil_list *list, const char *from, int64_t most,
                                        tarn_code (*fn)(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err),
                                        void *arg, tarn_err *err);
void tarn_veil_list_clear(tarn_veil_list *list);

#endif
