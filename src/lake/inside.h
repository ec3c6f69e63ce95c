/* SPDX-License-Identifier: Apache-2.0 */
/* inside.h - what an open lake is made of; private to this folder.
 *
 * From the bottom: codec, index, pack (bytes); meta (SQLite); backend (blobs); store (chunks by id, over all
 * packs, transactions); object, tree, commit; refs, resolve, log, checkout, fsck.
 */
#ifndef TARN_LAKE_INSIDE_H
#define TARN_LAKE_INSIDE_H

#include "base/file.h"
#include "lake/backend.h"
#include "lake/chunk.h"
#include "lake/lake.h"
#include "lake/meta.h"
#include "lake/pack.h"
#include "lake/ring.h"

#include <pthread.h>

/* Version 2: encrypted. */
enum { TARN_LAKE_PATH = 3072, TARN_LAKE_VERSION = 2, TARN_NAMES_KEPT = 64, TARN_TREES_KEPT = 16, TARN_KEYS_KEPT = 64 };

/* One open index: a run's, a pack's own, or that of a pack which is stored but not yet in meta.db. */
typedef struct tarn_segment {
    tarn_index index;
    tarn_pack_row row; /* row.num 0: pending */
    tarn_mapped map;   /* a run's file */
    uint8_t *owned;    /* else a pack's index */
    char damage[240];  /* why it cannot be used: then index is empty */
} tarn_segment;

struct tarn_lake {
    char folder[TARN_LAKE_PATH], inside[TARN_LAKE_PATH];
    bool readonly;
    const tarn_backend *backend;
    void *packs;
    tarn_codec *codec;
    struct tarn_node_cache *nodes;
    tarn_ring *ring;                                           /* NULL: the lake is not encrypted */
    char cache[TARN_LAKE_PATH + 64], tmp[TARN_LAKE_PATH + 64]; /* for plain content */
    int private_fd;                                            /* holds a folder in memory for this process; -1: none */
    tarn_gear gear;

    pthread_mutex_t lock; /* recursive; guards all below, and every use of meta */
    tarn_meta *meta;
    int64_t meta_version;
    tarn_pack open; /* gathered, not yet stored */
    tarn_segment *segments;
    size_t n_segments, cap_segments;
    struct {
        uint32_t num; /* 0: none */
        char name[64];
    } names[TARN_NAMES_KEPT]; /* of packs, at number modulo TARN_NAMES_KEPT: a number never names another pack */
    struct {
        char pack[64];
        tarn_key key;
    } keys[TARN_KEYS_KEPT]; /* of sealed packs, at a number made from the name */
    struct {
        tarn_id commit, tree;
    } trees[TARN_TREES_KEPT]; /* of commits, by their ids' last byte */
    bool broken;              /* a sync failed: nothing is written any more */
    pthread_mutex_t turn;     /* held with the file `lock` by a committer that lost a race */
};

/* ---- store.c: chunks by id ---- */

/* Store bytes under id unless they are there. Any thread. */
TARN_MUST tarn_code tarn_store_put(tarn_lake *lake, const tarn_id *id, tarn_kind kind, const void *bytes, size_t len,
                                   tarn_err *err);
/* Read into slab->bytes, slab->len, checked. where (may be NULL) tells kind and sizes. TARN_NOT_FOUND, TARN_CORRUPT.
 * `what` is for messages ("chunk", "tree node"). Any thread. */
TARN_MUST tarn_code tarn_store_get(tarn_lake *lake, const tarn_id *id, const char *what, tarn_slab *slab,
                                   tarn_where *where, tarn_err *err);
TARN_MUST tarn_code tarn_store_find(tarn_lake *lake, const tarn_id *id, tarn_where *where, bool *found, tarn_err *err);
/* Commits whose id starts with the first `digits` digits of `from` (the rest zero); at most two are told apart. */
TARN_MUST tarn_code tarn_store_commits_like(tarn_lake *lake, const tarn_id *from, int digits, tarn_id found[2], int *n,
                                            tarn_err *err);
/* Store the open pack. */
TARN_MUST tarn_code tarn_store_seal(tarn_lake *lake, tarn_err *err);
TARN_MUST tarn_code tarn_store_load(tarn_lake *lake, tarn_err *err);
void tarn_store_close(tarn_lake *lake);

/* A transaction on the metadata that makes everything put so far durable with it: seal, begin, enter the new
 * packs ... commit. Between begin and end this thread holds the lake's lock. end takes what happened in between,
 * rolls back unless it is TARN_OK, and returns what holds then. */
TARN_MUST tarn_code tarn_tx_begin(tarn_lake *lake, tarn_err *err);
TARN_MUST tarn_code tarn_tx_end(tarn_lake *lake, tarn_code rc, tarn_err *err);

/* ---- merge.c: many indexes into few ---- */

/* Unite small indexes into a run when there are many. Failing leaves things as they were and loses nothing. */
void tarn_store_tidy(tarn_lake *lake);

/* ---- sealed.c: the lake's key, and records of sealed packs ---- */

/* The keys that the metadata holds, with the key given; after tarn_meta_open. */
TARN_MUST tarn_code tarn_sealed_open(tarn_lake *lake, const tarn_lake_key *key, tarn_err *err);
/* A plain lake has no keys; if it has, its description was changed, and what is written next would be in plain. */
TARN_MUST tarn_code tarn_sealed_none(tarn_lake *lake, tarn_err *err);
/* Put fresh keys into a new lake's metadata and its file `keys`. */
TARN_MUST tarn_code tarn_sealed_make(const char *inside, const char *text, tarn_err *err);
/* The key of a stored pack, which is at hand for the last ones used. */
TARN_MUST tarn_code tarn_sealed_pack_key(tarn_lake *lake, const char *pack, tarn_key *out, tarn_err *err);
/* Text in, text out, for values of the metadata: sealed if the lake is. tarn_free(*out). */
TARN_MUST tarn_code tarn_sealed_text(const tarn_lake *lake, const char *where, const char *text, char **out,
                                     tarn_err *err);
TARN_MUST tarn_code tarn_unsealed_text(const tarn_lake *lake, const char *where, const char *text, char **out,
                                       tarn_err *err);

/* ---- private.c: where plain content may stand ---- */

TARN_MUST tarn_code tarn_private_open(tarn_lake *lake, tarn_err *err);
void tarn_private_close(tarn_lake *lake);

static inline void tarn_lake_lock(tarn_lake *lake) { (void)pthread_mutex_lock(&lake->lock); }
static inline void tarn_lake_unlock(tarn_lake *lake) { (void)pthread_mutex_unlock(&lake->lock); }

/* ---- path.c ---- */

/* TARN_INVALID says what is wrong with it. */
TARN_MUST tarn_code tarn_path_check(const char *path, size_t len, tarn_err *err);
/* The smallest text above everything that starts with prefix; false if there is none. In place. */
bool tarn_path_after(char *prefix);

/* ---- records.c ---- */

/* Entries that name an object or a recipe must name what is here: what is acknowledged can be read. paths: their
 * names are paths. */
TARN_MUST tarn_code tarn_entries_check(tarn_lake *lake, const tarn_entry *entries, size_t n, bool paths, tarn_err *err);

/* ---- refs.c ---- */

/* heads/, tags/ or models/ in front stays; else heads/ is put there. Checks the name. */
TARN_MUST tarn_code tarn_ref_full(const char *name, char out[256], tarn_err *err);
/* The same, of a branch: "main" and "heads/main" both give heads/main. */
TARN_MUST tarn_code tarn_ref_branch(const char *name, char out[256], tarn_err *err);
/* In a transaction: compare-and-swap. TARN_CONFLICT. */
TARN_MUST tarn_code tarn_ref_swap(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to,
                                  const char *who, const char *why, tarn_err *err);

#endif
