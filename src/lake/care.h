/* SPDX-License-Identifier: Apache-2.0 */
/* care - keeping a lake small: what takes space, and taking away what nothing needs (the lake's second door).
 *
 * Threads: any; other threads and processes may read and write the lake meanwhile.
 */
#ifndef TARN_LAKE_CARE_H
#define TARN_LAKE_CARE_H

#include "lake/lake.h"

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
