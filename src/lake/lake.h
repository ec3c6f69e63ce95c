/* SPDX-License-Identifier: Apache-2.0 */
/* lake: stage 1. In: bytes. Out: the same bytes, for ever, by name, by path, by time.
 *
 * A content-addressed store with git's words. Bytes are cut into chunks (content-defined), chunks go
 * into packs; an object is a list of chunks; a tree maps paths to objects (a B-tree whose node
 * borders are set by the content); a commit names a tree, its parents, author, time, message and
 * key-value metadata; refs (heads/, tags/, models/) name commits and change only by compare-and-swap.
 *
 * Calls: tarn_lake_init once; tarn_lake_open; put objects, stage them on a branch, commit; read by
 * ref and path; close.
 *
 * Durability: data is synced before the index, the index before the ref. Acknowledged means synced.
 * Every read checks its hash. A crash at any instruction leaves the old state or the new one.
 *
 * Threads: any, with an internal lock; several processes may open one lake, readers never wait for writers.
 */
#ifndef TARN_LAKE_H
#define TARN_LAKE_H

#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/sink.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tarn_lake tarn_lake;

/* Make `folder`/.tarn. TARN_EXISTS if there is one. */
TARN_MUST tarn_code tarn_lake_init(const char *folder, tarn_err *err);
/* The same with its packs at `store` (a folder, s3://bucket/prefix, gs://..., azure://...; NULL: inside .tarn) and its
 * metadata at `meta` (postgresql://user@host/database?schema=name; NULL: inside .tarn). See docs/places.md. */
TARN_MUST tarn_code tarn_lake_init_at(const char *folder, const char *store, const char *meta, tarn_err *err);
/* Make a .tarn for a lake that is there: another server over the same store and metadata. TARN_NOT_FOUND: there is
 * none; TARN_CONFLICT: the two belong to different lakes. */
TARN_MUST tarn_code tarn_lake_join(const char *folder, const char *store, const char *meta, tarn_err *err);
/* Open the lake of `folder` or of the nearest folder above it. TARN_NOT_FOUND tells to run tarn init. */
TARN_MUST tarn_code tarn_lake_open(const char *folder, tarn_lake **out, tarn_err *err);
void tarn_lake_close(tarn_lake *lake);
/* Where plain copies of content and files being worked on may stand (either may not be there yet): folders of .tarn, or
 * in memory if the lake is encrypted. */
const char *tarn_lake_cache_dir(const tarn_lake *lake);
const char *tarn_lake_tmp_dir(const tarn_lake *lake);
const char *tarn_lake_folder(const tarn_lake *lake);   /* the folder that holds .tarn */
const char *tarn_lake_inside(const tarn_lake *lake);   /* its .tarn */
const char *tarn_lake_store_at(const tarn_lake *lake); /* disk:. (inside .tarn) or a URL, without secrets */
const char *tarn_lake_meta_at(const tarn_lake *lake);  /* meta.db or a URL */
/* Do store and metadata answer? */
TARN_MUST tarn_code tarn_lake_probe(tarn_lake *lake, tarn_err *err);

/* ---- objects ---- */

typedef struct tarn_object {
    tarn_id id; /* SHA-256 of the content */
    uint64_t size;
} tarn_object;

/* Store bytes or a file. Not durable until tarn_lake_sync or a commit or stage that names it.
 *
 * `like` (NULL or the none id: nothing) is the object that the new one replaces, if one is known: where they resemble
 * each other only what changed is stored. It is a hint: the object's id is the same without it, and one that is not
 * there or not alike does no harm. */
TARN_MUST tarn_code tarn_lake_put(tarn_lake *lake, const void *bytes, size_t len, tarn_object *out, tarn_err *err);
TARN_MUST tarn_code tarn_lake_put_like(tarn_lake *lake, const void *bytes, size_t len, const tarn_id *like,
                                       tarn_object *out, tarn_err *err);
TARN_MUST tarn_code tarn_lake_put_file(tarn_lake *lake, const char *path, const tarn_id *like, tarn_object *out,
                                       tarn_err *err);
/* Store n files, paths[i] as out[i] with likes[i] (likes NULL: none), on the pool's threads (NULL: this one). The error
 * is that of the first that failed. */
TARN_MUST tarn_code tarn_lake_put_files(tarn_lake *lake, tarn_pool *pool, const char *const *paths,
                                        const tarn_id *likes, size_t n, tarn_object *out, tarn_err *err);
/* Store what comes in pieces: new, add ..., end; free in any case. end may be called once. */
typedef struct tarn_writer tarn_writer;
TARN_MUST tarn_code tarn_lake_writer_new(tarn_lake *lake, const tarn_id *like, tarn_writer **out, tarn_err *err);
TARN_MUST tarn_code tarn_lake_writer_add(tarn_writer *w, const void *bytes, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_lake_writer_end(tarn_writer *w, tarn_object *out, tarn_err *err);
void tarn_lake_writer_free(tarn_writer *w);
TARN_MUST tarn_code tarn_lake_sync(tarn_lake *lake, tarn_err *err);
/* Whole object in memory (tarn_free), at most `most` bytes (0: 1 GiB). NUL added behind. */
TARN_MUST tarn_code tarn_lake_get(tarn_lake *lake, const tarn_id *id, size_t most, char **out, size_t *len,
                                  tarn_err *err);
/* A range, streamed: give is called with consecutive pieces. length UINT64_MAX: to the end. */
typedef tarn_code tarn_give_fn(void *arg, const void *bytes, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_lake_read(tarn_lake *lake, const tarn_id *id, uint64_t at, uint64_t length, tarn_give_fn *give,
                                   void *arg, tarn_err *err);
/* The same on the pool's threads (NULL: this one): give is called on any of them, by one at a time and in order, and
 * may not use the pool. */
TARN_MUST tarn_code tarn_lake_read_by(tarn_lake *lake, tarn_pool *pool, const tarn_id *id, uint64_t at, uint64_t length,
                                      tarn_give_fn *give, void *arg, tarn_err *err);
/* Path of a plain file with the object's bytes, in the cache (made on first use, verified then). ext like
 * ".parquet" or "". */
TARN_MUST tarn_code tarn_lake_cached(tarn_lake *lake, const tarn_id *id, const char *ext, char *path, size_t cap,
                                     tarn_err *err);
TARN_MUST tarn_code tarn_lake_has(tarn_lake *lake, const tarn_id *id, bool *has, tarn_err *err);

/* ---- paths ---- */

/* What a tree says of a path. Paths: UTF-8, parts joined by '/', no empty, "." or ".." part, no control
 * character, at most 1,024 bytes. */
typedef struct tarn_entry {
    char path[1025];
    tarn_object object;
    tarn_id recipe; /* object with the recipe JSON of a derived object; none for raw data */
    tarn_id attrs;  /* object with JSON of what came with the content (type, user's own metadata); none: nothing */
} tarn_entry;

/* May this be a path? TARN_INVALID says what is wrong with it. Whatever takes a path asks; ask before long work. */
TARN_MUST tarn_code tarn_path_check(const char *path, size_t len, tarn_err *err);

/* Return other than TARN_OK to stop; TARN_CANCELLED stops without being an error. */
typedef tarn_code tarn_entry_fn(void *arg, const tarn_entry *entry, tarn_err *err);

/* ---- references ----
 * A ref text is: a full commit id, else a branch, else a tag, else heads/x, tags/x, models/m/alias, else a unique
 * beginning of a commit id of at least 6 digits; then any number of ~n, ^n, or @{2026-01-31T12:00} (the ref's value at
 * that time, by the ref log); or, of a branch alone, @: what is committed ($: what is staged too, see history.h). */

TARN_MUST tarn_code tarn_lake_resolve(tarn_lake *lake, const char *ref, tarn_id *commit, tarn_err *err);
/* "main@{2026-01-31}/a/b" -> commit and path "a/b". The longest ref that exists wins. */
TARN_MUST tarn_code tarn_lake_resolve_path(tarn_lake *lake, const char *text, tarn_id *commit, char path[1025],
                                           tarn_err *err);

TARN_MUST tarn_code tarn_lake_lookup(tarn_lake *lake, const tarn_id *commit, const char *path, tarn_entry *out,
                                     tarn_err *err);
/* Entries under prefix (of bytes: "a" holds "ab" too) in byte order, after the listed name `after` ("" from the
 * start). delimiter '/' folds deeper ones into one entry whose path ends in '/' (object none); 0: all. A folded
 * folder costs O(log n), however much is in it. */
TARN_MUST tarn_code tarn_lake_list(tarn_lake *lake, const tarn_id *commit, const char *prefix, const char *after,
                                   char delimiter, tarn_entry_fn *fn, void *arg, tarn_err *err);
/* Same on a branch with who's staged changes on top. A folder staged for removal costs nothing, however much is in
 * it. */
TARN_MUST tarn_code tarn_lake_list_staged(tarn_lake *lake, const char *branch, const char *who, const char *prefix,
                                          const char *after, char delimiter, tarn_entry_fn *fn, void *arg,
                                          tarn_err *err);

typedef enum tarn_change_kind { TARN_ADDED, TARN_REMOVED, TARN_CHANGED } tarn_change_kind;
typedef tarn_code tarn_change_fn(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                                 tarn_err *err);
/* In byte order of paths; walks only what differs. A NULL commit is the empty tree. */
TARN_MUST tarn_code tarn_lake_diff(tarn_lake *lake, const tarn_id *a, const tarn_id *b, const char *prefix,
                                   tarn_change_fn *fn, void *arg, tarn_err *err);

/* ---- commits ---- */

typedef struct tarn_commit {
    tarn_id id, tree, parents[2];
    int n_parents;
    int64_t time_us;
    uint64_t paths; /* in the tree */
    char author[256], message[4096];
    json_t *meta; /* object; decref with tarn_commit_clear */
} tarn_commit;
TARN_MUST tarn_code tarn_lake_commit_read(tarn_lake *lake, const tarn_id *id, tarn_commit *out, tarn_err *err);
void tarn_commit_clear(tarn_commit *c);

/* A staging area belongs to a branch and a user: who, up to 255 bytes, "" where there are no users. entry.object none
 * removes the path, or with '/' behind ("a/b/") all that is under it and was staged there before: one row, however
 * much it is. Durable when it returns. TARN_NOT_FOUND if an object or recipe that an entry names was not put, here and
 * in tarn_lake_commit_entries. */
TARN_MUST tarn_code tarn_lake_stage(tarn_lake *lake, const char *branch, const char *who, const tarn_entry *entries,
                                    size_t n, tarn_err *err);
/* What is staged, against the branch. A folder that goes is one change whose path ends in '/'. */
TARN_MUST tarn_code tarn_lake_staged(tarn_lake *lake, const char *branch, const char *who, tarn_change_fn *fn,
                                     void *arg, tarn_err *err);
TARN_MUST tarn_code tarn_lake_unstage(tarn_lake *lake, const char *branch, const char *who, const char *prefix,
                                      tarn_err *err);

typedef struct tarn_commit_options {
    const char *author, *message;
    const json_t *meta;    /* may be NULL */
    bool even_if_same;     /* else TARN_NOT_FOUND "nothing to commit" when the tree would not change */
    const tarn_id *expect; /* the branch's head must still be this, the none id: there must be none (CONFLICT
                              otherwise); NULL: retried on the new head until it fits */
} tarn_commit_options;
/* Commit what `who` staged on the branch (made from nothing if there is no such branch yet). TARN_DENIED, TARN_CHECK
 * where the branch is protected: see history.h. */
TARN_MUST tarn_code tarn_lake_commit(tarn_lake *lake, const char *branch, const char *who,
                                     const tarn_commit_options *options, tarn_id *out, tarn_err *err);
/* Commit these entries alone, without touching the staging area, onto any ref (heads/x, models/m/versions; x alone
 * is heads/x). */
TARN_MUST tarn_code tarn_lake_commit_entries(tarn_lake *lake, const char *ref, const tarn_entry *entries, size_t n,
                                             const tarn_commit_options *options, tarn_id *out, tarn_err *err);

/* Newest first, by time then id, through all parents. */
typedef tarn_code tarn_commit_fn(void *arg, const tarn_commit *commit, tarn_err *err);
TARN_MUST tarn_code tarn_lake_log(tarn_lake *lake, const tarn_id *from, tarn_commit_fn *fn, void *arg, tarn_err *err);
/* ---- refs ---- */

typedef struct tarn_ref {
    char name[256]; /* heads/main */
    tarn_id commit;
    int64_t time_us; /* of the last change */
} tarn_ref;
typedef tarn_code tarn_ref_fn(void *arg, const tarn_ref *ref, tarn_err *err);
TARN_MUST tarn_code tarn_lake_refs(tarn_lake *lake, const char *prefix, tarn_ref_fn *fn, void *arg, tarn_err *err);
TARN_MUST tarn_code tarn_lake_ref_get(tarn_lake *lake, const char *name, tarn_id *out, tarn_err *err);
/* Compare-and-swap: `was` NULL: must not exist; `to` NULL: remove. CONFLICT if it is something else by now,
 * TARN_DENIED if a protected branch would go back or away. */
TARN_MUST tarn_code tarn_lake_ref_move(tarn_lake *lake, const char *name, const tarn_id *was, const tarn_id *to,
                                       const char *who, const char *why, tarn_err *err);

/* ---- checkout, checking ---- */

/* What a checkout that is killed may leave beside the files, followed by digits, where the file system knows no files
 * without a name. */
#define TARN_CHECKOUT_TEMPORARY ".tarn-checkout-"

/* Write the files under prefix (a path or folder; "": all) at a commit into folder (made), under their whole paths.
 * Files that are there and differ are refused unless `force`, before anything is written. No link is followed. */
TARN_MUST tarn_code tarn_lake_checkout(tarn_lake *lake, const tarn_id *commit, const char *prefix, const char *folder,
                                       bool force, int64_t *files, const tarn_sink *sink, tarn_err *err);
/* The same with large files read on the pool's threads. */
TARN_MUST tarn_code tarn_lake_checkout_by(tarn_lake *lake, tarn_pool *pool, const tarn_id *commit, const char *prefix,
                                          const char *folder, bool force, int64_t *files, const tarn_sink *sink,
                                          tarn_err *err);

typedef struct tarn_fsck {
    int64_t packs, chunks, objects, trees, commits, refs, bytes;
    int64_t problems;
} tarn_fsck;
/* Read everything and check every hash and link; each problem is one line to `problem` (may be NULL). The result is
 * TARN_OK with problems > 0 when damage was found. A damaged index of many packs is told and made again; nothing
 * else is changed. */
TARN_MUST tarn_code tarn_lake_fsck(tarn_lake *lake, void (*problem)(void *arg, const char *line), void *arg,
                                   tarn_fsck *out, const tarn_sink *sink, tarn_err *err);

/* ---- the run index: what a recipe made (may be rebuilt from commits) ---- */

/* Entry paths here are output names. Recorded durably after the objects are. */
TARN_MUST tarn_code tarn_lake_made(tarn_lake *lake, const tarn_id *recipe, const tarn_entry *outputs, size_t n,
                                   tarn_err *err);
/* TARN_NOT_FOUND if the recipe has not run, or an output is gone. */
TARN_MUST tarn_code tarn_lake_find_made(tarn_lake *lake, const tarn_id *recipe, tarn_entry_fn *fn, void *arg,
                                        tarn_err *err);
/* Small durable facts of this lake (segment numbers, run records): key up to 200 bytes, value JSON or text; NULL
 * forgets the fact. */
TARN_MUST tarn_code tarn_lake_fact_set(tarn_lake *lake, const char *key, const char *value, tarn_err *err);
TARN_MUST tarn_code tarn_lake_fact_get(tarn_lake *lake, const char *key, char **out, tarn_err *err);
/* The same of a fact that names an object by its id, which is kept as long as the fact is there. TARN_NOT_FOUND: the
 * object was not put, or a garbage collection took parts of it before it had this name; put it again. */
TARN_MUST tarn_code tarn_lake_fact_naming(tarn_lake *lake, const char *key, const char *value, const tarn_id *object,
                                          tarn_err *err);
typedef tarn_code tarn_fact_fn(void *arg, const char *key, const char *value, tarn_err *err);
TARN_MUST tarn_code tarn_lake_facts(tarn_lake *lake, const char *prefix, tarn_fact_fn *fn, void *arg, tarn_err *err);

#endif
