/* SPDX-License-Identifier: Apache-2.0 */
/* commit.h - the record of a commit; its id is the SHA-256 of these bytes.
 *
 *     "TARNCOM1", tree 32, parents u8, that many ids, time u64 (two's complement, microseconds), paths varint,
 *     then author, message and meta, each as length varint and bytes; meta is one line of JSON with sorted keys
 */
#ifndef TARN_LAKE_COMMIT_H
#define TARN_LAKE_COMMIT_H

#include "lake/inside.h"

/* Check and decode foreign bytes; out->id is left alone. tarn_commit_clear. */
TARN_MUST tarn_code tarn_commit_decode(const char *bytes, size_t len, tarn_commit *out, tarn_err *err);
/* Canonical bytes of a commit; tarn_free(*out). */
TARN_MUST tarn_code tarn_commit_encode(const tarn_commit *c, const json_t *meta, char **out, size_t *len,
                                       tarn_err *err);
/* The tree of a commit; commit NULL or none: the empty tree (none). */
TARN_MUST tarn_code tarn_commit_tree(tarn_lake *lake, const tarn_id *commit, tarn_id *tree, tarn_err *err);
/* Remember it: the next commit is made on this one. */
void tarn_commit_tree_keep(tarn_lake *lake, const tarn_id *commit, const tarn_id *tree);

/* What a walk over history needs of a commit. */
typedef struct tarn_links {
    tarn_id id, tree, parents[2];
    int n_parents;
    int64_t time_us;
} tarn_links;
/* Of commits used lately they are at hand, whatever became of the commits. */
TARN_MUST tarn_code tarn_commit_links(tarn_lake *lake, const tarn_id *id, tarn_links *out, tarn_err *err);
/* Have them at hand: of a commit that was just made. */
void tarn_commit_links_keep(tarn_lake *lake, const tarn_commit *commit);
typedef struct tarn_links_cache tarn_links_cache;
TARN_MUST tarn_code tarn_links_cache_new(tarn_links_cache **out, tarn_err *err);
void tarn_links_cache_free(tarn_links_cache *cache);

/* tarn_lake_commit_entries, with more in the transaction that moves the ref. */
TARN_MUST tarn_code tarn_commit_entries_with(tarn_lake *lake, const char *ref, const tarn_entry *entries, size_t n,
                                             const tarn_commit_options *options,
                                             tarn_code (*with)(void *arg, tarn_err *err), void *arg, tarn_id *out,
                                             tarn_err *err);

/* ---- land.c: moving a ref to a new commit ---- */

/* What the commit for a head is to be. */
typedef struct tarn_draft {
    bool checked;       /* in: checks are required, so a commit of its own has to carry their results */
    bool exists;        /* commit.id is in the lake: the ref moves there */
    bool nothing;       /* the ref stays */
    tarn_commit commit; /* else tree, paths, parents, author, message */
    const json_t *meta; /* borrowed; may be NULL */
} tarn_draft;

typedef struct tarn_landing {
    const char *ref;   /* full */
    const char *event; /* see tarn_gate_ask */
    const char *author, *message;
    bool direct;           /* not a merge */
    bool slow;             /* building may take long: others are not made to wait for it, unless it always comes late */
    const tarn_id *expect; /* as in tarn_commit_options */
    /* Called again on the new head when the ref moved meanwhile; on the thread of another who lands at the same time,
     * as the one who called tarn_land. It may not land anything itself. */
    tarn_code (*build)(void *arg, const tarn_id *head, tarn_draft *draft, tarn_err *err);
    tarn_code (*with)(void *arg, tarn_err *err); /* in the transaction that moves the ref; may be NULL */
    void *arg;
} tarn_landing;
/* Build on the head, pass the gate, move the ref; again until nobody came first. */
TARN_MUST tarn_code tarn_land(tarn_lake *lake, const tarn_landing *landing, tarn_id *out, tarn_err *err);

#endif
