/* SPDX-License-Identifier: Apache-2.0 */
/* inside.h - what an open lake is made of; private to this folder.
 *
 * From the bottom: codec, index, pack (bytes); meta (SQLite or PostgreSQL); backend (blobs); store (chunks by id, over
 * all packs, transactions), delta (chunks made from others); object, tree, commit; refs, resolve, log, checkout; reach
 * (what a root needs), fsck, gc, du.
 */
#ifndef TARN_LAKE_INSIDE_H
#define TARN_LAKE_INSIDE_H

#include "base/file.h"
#include "lake/backend.h"
#include "lake/chunk.h"
#include "lake/history.h"
#include "lake/meta.h"
#include "lake/pack.h"
#include "lake/ring.h"

#include <pthread.h>

/* Version 2: encrypted. */
enum {
    TARN_LAKE_PATH = 3072,
    TARN_URL_CAP = 1024,
    TARN_LAKE_VERSION = 2,
    TARN_NAMES_KEPT = 64,
    TARN_TREES_KEPT = 16,
    TARN_KEYS_KEPT = 64
};

/* One open index: a run's, a pack's own, or that of a pack which is stored but not yet in meta.db. */
typedef struct tarn_segment {
    tarn_index index;
    tarn_pack_row row; /* row.num 0: pending */
    tarn_mapped map;   /* a run's file */
    uint8_t *owned;    /* else a pack's index */
    char damage[240];  /* why it cannot be used: then index is empty */
} tarn_segment;

typedef struct tarn_ids {
    tarn_id *v;
    size_t n, cap;
} tarn_ids;
TARN_MUST tarn_code tarn_ids_add(tarn_ids *list, const tarn_id *id, tarn_err *err);

struct tarn_lake {
    char folder[TARN_LAKE_PATH], inside[TARN_LAKE_PATH];
    char store_url[TARN_URL_CAP], meta_url[TARN_URL_CAP];
    bool readonly;
    bool scratch; /* made around a store to read from it (source.c): the folder goes with the handle */
    const tarn_backend *backend, *origin; /* what is asked; the store itself, if that is a cache in front of it */
    void *packs, *origin_packs;
    tarn_codec *codec;
    struct tarn_node_cache *nodes;
    struct tarn_links_cache *links;  /* of commits: commit.c */
    struct tarn_plain_cache *plains; /* what deltas are made from */
    struct tarn_plain_cache *looked; /* proved: lists, and chunks of which only a part was wanted */
    struct tarn_proved *proved;      /* what its hash was compared with once */
    tarn_ring *ring;                 /* NULL: the lake is not encrypted */
    char cache[TARN_LAKE_PATH + 64], tmp[TARN_LAKE_PATH + 64]; /* for plain content */
    int private_fd;                                            /* holds a folder in memory for this process; -1: none */
    tarn_gear gear;

    pthread_mutex_t lock; /* recursive; guards all below, and every use of meta */
    tarn_meta *meta;
    int64_t meta_version;
    int64_t swept;            /* sweeps of gc.c that the segments know of */
    int64_t discards;         /* times that this handle lost what it had put (tarn_store_discard) */
    tarn_ids bases;           /* that records not yet in meta.db are made from, found there when ... */
    int64_t bases_at;         /* ... this many sweeps had been */
    tarn_pack open;           /* gathered, not yet stored */
    uint64_t puts;            /* records put so far */
    int64_t acked;            /* acked.c: what the note tells */
    void *sealing;            /* in a transaction: what its pack waits for (store_tx.c) */
    struct tarn_carry *carry; /* carry.c; NULL: packs are synced before what names them */
    void *draft;              /* its first bytes on the way to the disk (backend.h: early), NULL: none of them */
    size_t drafted;           /* how many */
    bool no_draft;            /* that failed */
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
    bool broken;              /* a sync of the disk failed: nothing is written any more */
    tarn_gate_fn *gate;       /* set before threads share the lake; NULL: none */
    const void *gate_arg;
    struct tarn_access *access;     /* access_inside.h */
    struct tarn_landings *landings; /* landings.h */
};

/* ---- the store: chunks by id (store.c, store_segments.c, store_write.c, store_tx.c) ---- */

/* Store bytes under id unless they are there. Any thread. */
TARN_MUST tarn_code tarn_store_put(tarn_lake *lake, const tarn_id *id, tarn_kind kind, const void *bytes, size_t len,
                                   tarn_err *err);
/* The same, as a delta against up to TARN_DELTA_BASES older records (delta.h) where that is clearly smaller. */
TARN_MUST tarn_code tarn_store_put_like(tarn_lake *lake, const tarn_id *id, tarn_kind kind, const void *bytes,
                                        size_t len, const tarn_id *like, int n_like, tarn_err *err);
/* The two halves of tarn_store_put_like: first coding, which takes the time and holds no lock (room: of
 * tarn_store_room(len, n_like) bytes; it and bytes must live until the second half); then entering. */
typedef struct tarn_coding_of {
    tarn_coding coding;
    const void *bytes;
    size_t len;
} tarn_coding_of;
typedef struct tarn_coded {
    tarn_id id, name;
    tarn_kind kind;
    size_t raw;
    uint64_t puts;                 /* of the lake, when it was not found */
    bool found;                    /* it is stored already: nothing else is set */
    tarn_coding_of without, delta; /* delta.len 0: there is none */
    tarn_delta made_from;
} tarn_coded;
size_t tarn_store_room(size_t len, int n_like);
TARN_MUST tarn_code tarn_store_code(tarn_lake *lake, const tarn_id *id, tarn_kind kind, const void *bytes, size_t len,
                                    const tarn_id *like, int n_like, uint8_t *room, tarn_coded *out, tarn_err *err);
TARN_MUST tarn_code tarn_store_enter(tarn_lake *lake, const tarn_coded *c, tarn_err *err);
/* Put many small chunks, with two turns of the lock for all of them. */
typedef struct tarn_putting {
    tarn_id id;
    const uint8_t *bytes;
    size_t len;
    uint8_t *room;    /* (len) memory to compress into */
    tarn_coded coded; /* not the caller's */
} tarn_putting;
TARN_MUST tarn_code tarn_store_put_many(tarn_lake *lake, tarn_putting *v, size_t n, tarn_err *err);
/* Read into slab->bytes, slab->len, checked. where (may be NULL) tells kind and sizes. TARN_NOT_FOUND, TARN_CORRUPT.
 * `what` is for messages ("chunk", "tree node"). Any thread. */
TARN_MUST tarn_code tarn_store_get(tarn_lake *lake, const tarn_id *id, const char *what, tarn_slab *slab,
                                   tarn_where *where, tarn_err *err);
/* The same for a caller who compares the hash of what comes with the id before using it. */
TARN_MUST tarn_code tarn_store_get_unproved(tarn_lake *lake, const tarn_id *id, const char *what, tarn_slab *slab,
                                            tarn_err *err);
/* The same without checking the hash. */
typedef struct tarn_record_facts {
    int *work;        /* in: how many records may be opened as bases (delta.h) */
    int cost;         /* records that were needed for it, itself included */
    tarn_delta delta; /* what it is made from; n 0: no delta */
} tarn_record_facts;
TARN_MUST tarn_code tarn_store_load_record(tarn_lake *lake, const tarn_id *id, const char *what, tarn_slab *slab,
                                           tarn_record_facts *facts, tarn_err *err);
TARN_MUST tarn_code tarn_store_find(tarn_lake *lake, const tarn_id *id, tarn_where *where, bool *found, tarn_err *err);
/* Commits whose id starts with the first `digits` digits of `from` (the rest zero); at most two are told apart. */
TARN_MUST tarn_code tarn_store_commits_like(tarn_lake *lake, const tarn_id *from, int digits, tarn_id found[2], int *n,
                                            tarn_err *err);
/* Read the own index of the pack of s->row, and when the pack was made (may be NULL). Close also after a failure. */
TARN_MUST tarn_code tarn_segment_open(tarn_lake *lake, tarn_segment *s, int64_t *made_us, tarn_err *err);
void tarn_segment_close(tarn_segment *s);
/* Put a whole pack as "packs/<name>", durably. If a disk of ours fails, nothing more is written by this handle: what a
 * failed sync has left behind is unknown. */
TARN_MUST tarn_code tarn_store_put_pack(tarn_lake *lake, const char *name, const void *bytes, size_t len,
                                        tarn_err *err);
/* Store the open pack. */
TARN_MUST tarn_code tarn_store_seal(tarn_lake *lake, tarn_err *err);
TARN_MUST tarn_code tarn_store_load(tarn_lake *lake, tarn_err *err);
void tarn_store_close(tarn_lake *lake);
/* With metadata that others share, runs are also blobs of the store, "index/<name>": whoever lacks one fetches it. */
bool tarn_runs_are_shared(const tarn_lake *lake);
/* Remove local copies of shared runs that are in no use. */
void tarn_runs_sweep(tarn_lake *lake);

/* A transaction on the metadata that makes everything put so far durable with it: seal, begin, enter the new
 * packs ... commit. Between begin and end this thread holds the lake's lock. end takes what happened in between,
 * rolls back unless it is TARN_OK, and returns what holds then. */
TARN_MUST tarn_code tarn_tx_begin(tarn_lake *lake, tarn_err *err);
/* The same for those who name nothing that was put, or look at it inside (tarn_entries_hold): where a sweep has taken
 * what waited for its name, that is dropped and the transaction begins without it. */
TARN_MUST tarn_code tarn_tx_begin_anew(tarn_lake *lake, tarn_err *err);
TARN_MUST tarn_code tarn_tx_end(tarn_lake *lake, tarn_code rc, tarn_err *err);

/* ---- what gc.c takes away, and how those who put find out (gc.c has the argument) ---- */

/* Have segments that know of every sweep so far. *swept tells the next two whether what was looked up holds: another
 * number when there was a sweep, or what this handle put was forgotten. */
TARN_MUST tarn_code tarn_store_fresh(tarn_lake *lake, int64_t *swept, tarn_err *err);
/* The number of sweeps by meta.db. */
TARN_MUST tarn_code tarn_store_swept(tarn_lake *lake, int64_t *out, tarn_err *err);
/* In a transaction: TARN_CONFLICT if there was a sweep since. */
TARN_MUST tarn_code tarn_store_unswept(tarn_lake *lake, int64_t swept, tarn_err *err);
/* Forget the open and the pending packs: what was put since the last transaction. Under the lock. */
void tarn_store_discard(tarn_lake *lake);
/* What a record is made from (n 0 for one that is no delta). */
TARN_MUST tarn_code tarn_store_bases(tarn_lake *lake, const tarn_id *id, tarn_delta *out, tarn_err *err);
/* The same of the very record of that pack, not of another copy. */
TARN_MUST tarn_code tarn_pack_bases(tarn_lake *lake, const char *pack, const tarn_indexed *e, tarn_delta *out,
                                    tarn_err *err);

#define TARN_FACT_SWEPT "gc/swept"
#define TARN_FACT_DEAD  "gc/dead/" /* and the id of a commit that is there, but not all that it needs */
/* Was the commit found unreachable by a sweep? */
TARN_MUST tarn_code tarn_commit_dead(tarn_lake *lake, const tarn_id *id, bool *dead, tarn_err *err);

/* ---- carry.c: small packs in the transaction that names them ---- */

/* Make packs whole that a lost machine left behind; after tarn_meta_open and the backend's. */
TARN_MUST tarn_code tarn_carry_open(tarn_lake *lake, tarn_err *err);
void tarn_carry_close(tarn_lake *lake);
/* In a transaction, of the pack that is being synced: its bytes, if they are few. */
TARN_MUST tarn_code tarn_carry_enter(tarn_lake *lake, const char *name, const void *bytes, size_t len, tarn_err *err);
/* Does this transaction hold its pack, so that it need not wait for the pack's sync? */
bool tarn_carry_holds(const tarn_lake *lake);
/* The transaction is through; `synced` tells whether its pack is on the disk by itself. */
void tarn_carry_end(tarn_lake *lake, bool committed, bool synced);

/* ---- proved.c: content that was compared with its hash before ---- */

TARN_MUST tarn_code tarn_proved_new(struct tarn_proved **out, tarn_err *err);
void tarn_proved_free(struct tarn_proved *proved);
/* The bytes have been compared with the id. */
void tarn_proved_note(struct tarn_proved *proved, const tarn_id *id, const void *bytes, size_t len);
/* Are these the bytes of that note? False also where it is forgotten. Threads: any, both. */
bool tarn_proved_known(struct tarn_proved *proved, const tarn_id *id, const void *bytes, size_t len);

/* ---- acked.c: a note of what was acknowledged last ---- */

typedef struct tarn_acked {
    int64_t seq; /* of the ref log */
    char ref[256];
    tarn_id commit; /* none: the ref was removed */
} tarn_acked;
/* False: there is none that is whole. */
bool tarn_acked_read(const char *inside, tarn_acked *out);
void tarn_acked_forget(const char *inside);
/* After a transaction. */
void tarn_acked_note(tarn_lake *lake);
/* TARN_CORRUPT if the metadata are older than the note. */
TARN_MUST tarn_code tarn_acked_check(const char *inside, tarn_meta *meta, tarn_err *err);

/* ---- settle.c ---- */

/* In a transaction: new records that are deltas must be the first copies of their ids, and their bases be there.
 * TARN_CONFLICT: put again. */
TARN_MUST tarn_code tarn_store_settle(tarn_lake *lake, tarn_err *err);

/* ---- merge.c: many indexes into few ---- */

/* Unite small indexes into a run when there are many. Failing leaves things as they were and loses nothing. */
void tarn_store_tidy(tarn_lake *lake);

/* ---- sealed.c: the lake's key, and records of sealed packs ---- */

/* The keys that the metadata holds, with the key given; after tarn_meta_open. */
TARN_MUST tarn_code tarn_sealed_open(tarn_lake *lake, const tarn_lake_key *key, tarn_err *err);
/* A plain lake has no keys; if it has, its description was changed, and what is written next would be in plain. */
TARN_MUST tarn_code tarn_sealed_none(tarn_lake *lake, tarn_err *err);
/* Put fresh keys into a new lake's metadata (meta "": meta.db of inside) and its file `keys`. */
TARN_MUST tarn_code tarn_sealed_make(const char *inside, const char *meta, const char *text, tarn_err *err);
/* Metadata that were made again and have no keys get the copy in inside/keys, else the one in the store. *found: they
 * have keys now. */
TARN_MUST tarn_code tarn_sealed_restore(const char *inside, const tarn_backend *store, void *packs, tarn_meta *meta,
                                        bool *found, tarn_err *err);
/* The keys as a blob of a store that is not inside .tarn; older ones go. */
TARN_MUST tarn_code tarn_sealed_to_store(const tarn_backend *store, void *packs, const char *text, tarn_err *err);
/* The key of a stored pack, which is at hand for the last ones used. */
TARN_MUST tarn_code tarn_sealed_pack_key(tarn_lake *lake, const char *pack, tarn_key *out, tarn_err *err);
/* Read a record of a stored pack into slab->stored, check it and unseal it if it is sealed: *id is what e->id names,
 * and *where tells of the record as it stands there then. */
TARN_MUST tarn_code tarn_sealed_take(tarn_lake *lake, const char *pack, const tarn_indexed *e, tarn_slab *slab,
                                     tarn_id *id, tarn_where *where, tarn_err *err);
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

/* Is this a failure of looking rather than damage? Where something is behind a network it may only not answer. */
static inline bool tarn_check_stops(const tarn_lake *lake, tarn_code rc)
{
    bool far = lake->origin->remote || tarn_meta_is_shared(lake->meta);

    return rc == TARN_NOMEM || rc == TARN_CANCELLED || rc == TARN_BUSY ||
           (far && (rc == TARN_IO || rc == TARN_DENIED || rc == TARN_FULL));
}

/* ---- path.c ---- */

/* The smallest text above everything that starts with prefix; false if there is none. In place. */
bool tarn_path_after(char *prefix);

/* ---- staging.c ---- */

/* A staged row that removes all under its path: one that ends in '/'. */
bool tarn_row_clears(const tarn_entry *row);
TARN_MUST tarn_code tarn_who_check(const char *who, tarn_err *err);
/* Is path under a row that clears? Its prefix into out, "" if not. */
TARN_MUST tarn_code tarn_staged_cover(tarn_lake *lake, const char *ref, const char *who, const char *path,
                                      char out[1026], tarn_err *err);
/* The tree of a branch; none when it has no commit yet. */
TARN_MUST tarn_code tarn_branch_tree(tarn_lake *lake, const char *ref, tarn_id *root, tarn_err *err);
/* Apply who's rows with numbers up to `upto` to *tree. *paths is left alone when there are none. */
TARN_MUST tarn_code tarn_staged_apply(tarn_lake *lake, const char *ref, const char *who, int64_t upto, tarn_id *tree,
                                      uint64_t *paths, tarn_err *err);

/* ---- records.c ---- */

/* Entries that name an object or a recipe must name what is here, to the last chunk: what is acknowledged can be read.
 * paths: their names are paths. *swept: the answer holds until the next sweep. */
TARN_MUST tarn_code tarn_entries_check(tarn_lake *lake, const tarn_entry *entries, size_t n, bool paths, int64_t *swept,
                                       tarn_err *err);
/* In a transaction: the same once more, if there was a sweep since. */
TARN_MUST tarn_code tarn_entries_hold(tarn_lake *lake, const tarn_entry *entries, size_t n, int64_t swept,
                                      tarn_err *err);

/* ---- glob.c ---- */

/* Does one of the patterns, one a line, fit the text? NULL: no. '?' is one character; it and '*' stay within a part,
 * '**' does not; a pattern that ends in '/' fits all that begins with it. */
bool tarn_glob_any(const char *patterns, const char *text);
/* Which of them do: bit i for the i-th, of the first 64. */
uint64_t tarn_glob_which(const char *patterns, const char *text);

/* ---- protect.c ---- */

/* What holds for a ref now; stamp tells whether it is still so. */
typedef struct tarn_guard {
    json_t *rule; /* NULL: not protected; decref */
    tarn_id stamp;
} tarn_guard;
TARN_MUST tarn_code tarn_guard_read(tarn_lake *lake, const char *ref, tarn_guard *out, tarn_err *err);
/* Still the same? In a transaction. */
TARN_MUST tarn_code tarn_guard_same(tarn_lake *lake, const tarn_guard *guard, bool *same, tarn_err *err);
/* Of the rules as they are now, to be compared with a guard's. In the lake's lock. */
TARN_MUST tarn_code tarn_guard_stamp(tarn_lake *lake, tarn_id *stamp, tarn_err *err);
bool tarn_guard_requires(const tarn_guard *guard);
/* Ask the gate for a stored candidate. results: array, NULL: they go nowhere. */
TARN_MUST tarn_code tarn_guard_pass(tarn_lake *lake, const tarn_guard *guard, const char *ref, const char *event,
                                    const tarn_id *head, const tarn_id *candidate, json_t *results, tarn_err *err);
/* TARN_DENIED if this process is a check of that ref. */
TARN_MUST tarn_code tarn_guard_reentry(const tarn_lake *lake, const char *ref, tarn_err *err);

/* ---- refs.c ---- */

/* heads/, tags/ or models/ in front stays; else heads/ is put there. Checks the name. */
TARN_MUST tarn_code tarn_ref_full(const char *name, char out[256], tarn_err *err);
/* The same, of a branch: "main" and "heads/main" both give heads/main. */
TARN_MUST tarn_code tarn_ref_branch(const char *name, char out[256], tarn_err *err);
/* TARN_NOT_FOUND: a sweep has taken the commit, or something that it needs. */
TARN_MUST tarn_code tarn_commit_usable(tarn_lake *lake, const tarn_id *id, tarn_err *err);
/* In a transaction: compare-and-swap, with its audit record. TARN_CONFLICT. */
TARN_MUST tarn_code tarn_ref_swap(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to,
                                  const char *who, const char *why, tarn_err *err);
/* The same for the audit log as this action ("commit", "merge"); NULL: what moving it looks like ("branch.move"). */
TARN_MUST tarn_code tarn_ref_swap_as(tarn_lake *lake, const char *action, const char *name, const tarn_id *was,
                                     const tarn_id *to, const char *who, const char *why, tarn_err *err);
/* The same for a commit that was made for this and has `was` (NULL: there was none) as its first parent: a step ahead,
 * which no hold forbids. */
TARN_MUST tarn_code tarn_ref_advance(tarn_lake *lake, const char *action, const char *name, const tarn_id *was,
                                     const tarn_id *to, const char *who, const char *why, tarn_err *err);

#endif
