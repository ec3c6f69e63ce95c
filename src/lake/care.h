/* SPDX-License-Identifier: Apache-2.0 */
/* care.h - looking after a lake: what damage hurts and mending it, taking away what nothing needs, what takes space
 * (one of the lake's doors).
 *
 * Order after damage: tarn_lake_mend_meta (before opening), tarn_lake_open, tarn_lake_repair, then tarn_lake_fsck says
 * what is left and tarn_lake_hurt which paths that hurts. No other process should be at work in the lake meanwhile.
 *
 * Threads: fsck and repair one at a time a lake; the rest any, and other threads and processes may read and write the
 * lake meanwhile.
 */
#ifndef TARN_LAKE_CARE_H
#define TARN_LAKE_CARE_H

#include "lake/lake.h"

/* ---- fsck and repair ---- */

/* A path of a commit that cannot be read whole. */
typedef struct tarn_hurt {
    char ref[256];   /* heads/main; for history: a ref that reaches it; "" what is staged */
    tarn_id commit;  /* none: staged */
    char path[1100]; /* "" the commit or its tree itself; "a/b and before" of a lost node of the tree */
    tarn_id object;  /* none with a lost node or commit */
    bool now;        /* in the newest commit of the ref, not only in its history */
    bool derived;    /* it has a recipe: `tarn run` makes it again */
} tarn_hurt;
typedef tarn_code tarn_hurt_fn(void *arg, const tarn_hurt *hurt, tarn_err *err);
/* Everything that is hurt: first in the newest commits of all refs, then in history, where what was told of a path
 * and object is not told again. Reads everything. */
TARN_MUST tarn_code tarn_lake_hurt(tarn_lake *lake, tarn_hurt_fn *fn, void *arg, const tarn_sink *sink, tarn_err *err);

typedef void tarn_say_fn(void *arg, const char *line);

typedef struct tarn_repair_options {
    tarn_lake *const *from; /* other lakes that may have what is missing (tarn_lake_source_open) */
    size_t n_from;
    const char *const *folders; /* that are no lakes: files with the right content count */
    size_t n_folders;
    tarn_say_fn *say; /* each thing done, one line; may be NULL */
    void *arg;
    const tarn_sink *sink;
} tarn_repair_options;

typedef struct tarn_repair {
    int64_t packs;   /* damaged ones, set aside in .tarn/damaged */
    int64_t saved;   /* sound records of those, stored again */
    int64_t fetched; /* records from other lakes */
    int64_t files;   /* objects from plain files: the cache, the project's folder */
    int64_t left;    /* records that are still missing */
} tarn_repair;
/* Set damaged packs aside and store their sound records again, as one change; then fetch what refs and staging miss:
 * from packs that meta.db does not name (those with commits are entered anyway: metadata that lost their newest changes
 * look as if a process had been killed before its commit), from other lakes, from plain files whose content has the
 * right hash. Damaged packs are moved, never deleted. TARN_IO where a store behind a network does not answer: nothing
 * that could not be read is taken for damaged then, and the repair can be started again. */
TARN_MUST tarn_code tarn_lake_repair(tarn_lake *lake, const tarn_repair_options *options, tarn_repair *out,
                                     tarn_err *err);

/* Open a place to repair `lake` from: a folder with a lake (of which at least the packs can be read), a folder with
 * packs, or a store's URL (s3://..., gs://..., azure://..., disk:/path). A copy of an encrypted lake is opened with the
 * keys of `lake`. *out NULL: a folder without a lake, for options.folders. Close it before `lake`. Nothing is written
 * to it. */
TARN_MUST tarn_code tarn_lake_source_open(tarn_lake *lake, const char *where, tarn_lake **out, tarn_say_fn *say,
                                          void *arg, tarn_err *err);

/* Look at `format` and meta.db of the lake in `folder` or above it, and make them again if they are lost or damaged:
 * packs from the packs there are, of the other tables each row that is sound; a lost ref gets the place that the ref
 * log tells. The damaged files go to .tarn/damaged. *mended tells whether anything was done. Needs no key. */
TARN_MUST tarn_code tarn_lake_mend_meta(const char *folder, tarn_say_fn *say, void *arg, bool *mended, tarn_err *err);

/* Commits in the lake that no ref reaches, newest first; tip: no other lost commit has it as a parent. */
typedef tarn_code tarn_lost_fn(void *arg, const tarn_commit *commit, bool tip, tarn_err *err);
TARN_MUST tarn_code tarn_lake_lost(tarn_lake *lake, tarn_lost_fn *fn, void *arg, tarn_err *err);

/* ---- garbage collection ---- */

/* What a record holds, by name: "chunks", "lists", "trees", "commits". */
enum { TARN_GC_KINDS = 4 };
const char *tarn_gc_kind(int i);

typedef struct tarn_gc_options {
    bool dry_run;         /* only tell */
    bool no_grace;        /* grace_us counts although it is 0 */
    int64_t grace_us;     /* 0: 14 days. What was put, and what refs were, since then is kept */
    int64_t leftovers_us; /* 0: an hour, or the grace if no_grace. Packs that dead processes left go after it */
} tarn_gc_options;

typedef struct tarn_gc {
    int64_t packs, bytes;                                    /* that there were */
    int64_t live_bytes, garbage_bytes;                       /* of their records, before */
    int64_t live[TARN_GC_KINDS], garbage[TARN_GC_KINDS];     /* the same by kind */
    int64_t packs_dropped, packs_written;                    /* dry run: packs_dropped would be rewritten */
    int64_t bytes_dropped, bytes_written;                    /* dry run: bytes_dropped - bytes_written would be freed */
    int64_t leftovers, leftover_bytes, cached, cached_bytes; /* packs of dead processes; cached files of what is gone */
} tarn_gc;

/* Remove what nothing reaches from refs, the ref log of the last days, staging areas and results of runs. Incremental
 * and resumable: killed at any moment it leaves a lake that can be read, and the next call goes on. TARN_BUSY: another
 * one is at work. TARN_CORRUPT: what is reachable cannot all be read; nothing was removed. TARN_DENIED: read-only. */
TARN_MUST tarn_code tarn_lake_gc(tarn_lake *lake, const tarn_gc_options *options, tarn_gc *out, const tarn_sink *sink,
                                 tarn_err *err);

/* ---- what takes space ---- */

typedef struct tarn_du {
    char name[1026];  /* a ref, or "" for what is staged and what runs made */
    uint64_t paths;   /* at the newest commit */
    uint64_t logical; /* bytes of their contents */
    uint64_t stored;  /* bytes of all records that the ref's history needs */
    uint64_t alone;   /* of them, those that nothing else needs: removing the ref frees them, in the end */
} tarn_du;
typedef tarn_code tarn_du_fn(void *arg, const tarn_du *row, tarn_err *err);

typedef struct tarn_du_total {
    uint64_t packs;   /* bytes of all packs */
    uint64_t live;    /* stored bytes of records that anything needs */
    uint64_t shared;  /* of them, what more than one holder needs */
    uint64_t logical; /* of all rows */
} tarn_du_total;

/* One row for each of the n refs (n 0: every ref, and one row for the rest). */
TARN_MUST tarn_code tarn_lake_du(tarn_lake *lake, const char *const *refs, size_t n, tarn_du_fn *fn, void *arg,
                                 tarn_du_total *total, const tarn_sink *sink, tarn_err *err);
/* One row for each folder and file directly under prefix ("", or ending in '/') at a commit: `name` is the path,
 * `alone` what no other row needs. */
TARN_MUST tarn_code tarn_lake_du_paths(tarn_lake *lake, const tarn_id *commit, const char *prefix, tarn_du_fn *fn,
                                       void *arg, tarn_du_total *total, const tarn_sink *sink, tarn_err *err);

#endif
