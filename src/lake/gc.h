/* SPDX-License-Identifier: Apache-2.0 */
/* gc.h - what the files of the garbage collection share. Order: gc.c calls mark.c, then sweep.c, then leftover.c. */
#ifndef TARN_LAKE_GC_H
#define TARN_LAKE_GC_H

#include "lake/care.h"
#include "lake/idmap.h"
#include "lake/reach.h"

/* What is known of a record (the values of tarn_gcing.live). */
enum {
    TARN_GC_NEEDED = 1,  /* its bytes stay */
    TARN_GC_ENTERED = 2, /* and so does what it names */
    TARN_GC_SAFE = 4     /* it is in a pack that stays */
};

typedef struct tarn_gc_pack {
    tarn_pack_row row;
    tarn_segment segment; /* open while it is looked at or to be dropped */
    int64_t made_us;
    bool young, drop;
    uint64_t all, live; /* bytes of its records; of those that only it keeps safe */
} tarn_gc_pack;

typedef struct tarn_gcing {
    tarn_lake *lake;
    tarn_gc *out;
    const tarn_sink *sink;
    int64_t now_us, grace_us, leftovers_us;
    bool dry_run;
    tarn_idmap live; /* by what indexes call records: ids, in an encrypted lake keyed names */
    tarn_ids fresh;  /* needed since copying last began, where note_fresh */
    bool note_fresh;
    tarn_gc_pack *packs;
    size_t n_packs;
    int64_t swept; /* for tarn_store_unswept: nobody else has swept */
} tarn_gcing;

/* ---- mark.c ---- */

/* Everything that the roots need, as they are now. */
TARN_MUST tarn_code tarn_gc_mark(tarn_gcing *g, tarn_err *err);
/* A pack that stays: what its records are made from stays; commits of a young one are roots too. */
TARN_MUST tarn_code tarn_gc_mark_pack(tarn_gcing *g, const tarn_gc_pack *pack, tarn_err *err);
TARN_MUST tarn_code tarn_gc_mark_bases(tarn_gcing *g, const tarn_delta *delta, tarn_err *err);
uint64_t tarn_gc_state(const tarn_gcing *g, const tarn_id *name);

/* ---- sweep.c ---- */

/* Look at every pack and decide which go. */
TARN_MUST tarn_code tarn_gc_survey(tarn_gcing *g, tarn_err *err);
/* Rewrite and drop them, in one transaction; nothing if none go. *dropped tells how many. */
TARN_MUST tarn_code tarn_gc_sweep(tarn_gcing *g, size_t *dropped, tarn_err *err);
void tarn_gc_forget_packs(tarn_gcing *g);

/* ---- leftover.c ---- */

/* Packs that no transaction named, runs that none names, cached files of what is gone. */
TARN_MUST tarn_code tarn_gc_leftovers(tarn_gcing *g, tarn_err *err);
/* Unlink packs that meta.db does not name any more. */
TARN_MUST tarn_code tarn_gc_unlink(tarn_gcing *g, const tarn_gc_pack *packs, size_t n, tarn_err *err);

#endif
