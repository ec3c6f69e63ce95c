/* SPDX-License-Identifier: Apache-2.0 */
/* gc.c - taking away what nothing needs, while others read and write.
 *
 * 1. Mark (mark.c): everything that the roots (roots.c) need. No lock is held; roots may change meanwhile.
 * 2. Survey (sweep.c): packs younger than the grace stay. Of the others those with much garbage go, and small ones
 *    when there are many. Of what stays, garbage too, the bases are marked: what is in a pack that meta.db names can
 *    always be decoded.
 * 3. Copy what is marked out of the packs that go into new packs, byte for byte, and store them, synced. Nobody knows
 *    of them yet.
 * 4. One transaction, which shuts out every other writer of meta.db: gather the roots again and mark what is new,
 *    also from packs that came meanwhile. If that needs something in a pack that goes and is not copied: roll back,
 * back to 3. Else drop the rows of the packs that go and of the runs that index them, enter the new packs, and count
 * the sweep (fact gc/swept).
 * 5. Unlink the files of dropped packs, which meta.db does not name any more.
 * 6. The same again while there are packs to go: at most about a gigabyte of them at once, so that the disk does not
 * fill. Then leftovers (leftover.c).
 *
 * A kill before 4 leaves new packs that nobody names, a kill after it old ones: leftovers, which a later call removes.
 * A kill inside 4 is SQLite's to undo. Nothing is unlinked that meta.db names, and 4 never takes away what a root
 * needs.
 *
 * Who is in the middle of writing. A writer relies on what it has not stored itself in three ways: a chunk that was
 * there already is not stored again; a delta is made from one that is there; a commit's tree takes over nodes. It may
 * have looked at any time before it names them, in segments of any age. So:
 *
 *   - stage, made and commit look up all that they name, to the last chunk, in segments that know of every sweep so far
 *     (tarn_store_fresh), and remember the number of sweeps. In their transaction they compare it: if there was a sweep
 *     in between they look once more (tarn_entries_hold), or begin anew (tarn_lake_commit: TARN_CONFLICT, again).
 *     A sweep cannot happen after that comparison, since it would need a transaction; and once theirs is through, what
 *     they named is a root, which step 4 of the next sweep sees.
 *   - the bases of new deltas are remembered, with the number of sweeps when they were found, and looked up again in
 * the transaction that enters their pack, if there was one in between (settle.c). Bases of bases are there by 2.
 *   - a pack that waits to be entered may be taken for a leftover: its file is looked at in the transaction that enters
 *     it (still_stored), and leftovers are unlinked inside one.
 *   - a ref may be set to a commit that is there but has lost its tree: such commits are noted in step 4 and refused.
 *
 * What is missed is an error that says to put it again: nothing is acknowledged that cannot be read. It takes content
 * that equals garbage older than the grace, put before a sweep (or after it, by a handle that has not looked at the
 * metadata since) and named after it. Who names nothing of the kind is not bothered (tarn_tx_begin_anew).
 *
 * Readers with old segments may look into a pack that is gone: they load the segments anew and find the copy (store.c:
 * get_record); a file that they have open stays theirs.
 *
 * One collection works at a time on a machine (a lock on .tarn/gc). From two machines 4 lets only one through, since
 * the other finds the number of sweeps changed. */
#include "lake/gc.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static const int64_t second_us = 1000000;

const char *tarn_gc_kind(int i)
{
    static const char *const names[TARN_GC_KINDS] = {"chunks", "lists", "trees", "commits"};
    return i >= 0 && i < TARN_GC_KINDS ? names[i] : "";
}

static tarn_code lock_out_others(tarn_lake *lake, int *fd, tarn_err *err)
{
    char path[TARN_LAKE_PATH + 8];

    (void)snprintf(path, sizeof path, "%s/gc", lake->inside);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0) return TARN_FAIL_ERRNO(err, "open", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0 || errno == ENOLCK) return TARN_OK;
    return TARN_FAIL(err, TARN_BUSY, "another garbage collection is at work in '%s'", lake->inside);
}

/* One pass; *dropped 0: there is nothing more to do. */
static tarn_code pass(tarn_gcing *g, size_t *dropped, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_store_fresh(g->lake, &g->swept, err));
    TARN_TRY(tarn_gc_mark(g, err));
    TARN_TRY(tarn_gc_survey(g, err));
    TARN_TRY(tarn_gc_sweep(g, dropped, err));
done:
    tarn_gc_forget_packs(g);
    tarn_idmap_clear(&g->live);
    g->fresh.n = 0;
    g->note_fresh = false;
    return rc;
}

/* Figures of what there was are those of the first pass; those of what was done add up. */
static void add_pass(tarn_gc *sum, const tarn_gc *of, bool first)
{
    tarn_gc before = *sum;

    if (first) *sum = *of;
    if (first) return;
    sum->packs_dropped = before.packs_dropped + of->packs_dropped;
    sum->packs_written = before.packs_written + of->packs_written;
    sum->bytes_dropped = before.bytes_dropped + of->bytes_dropped;
    sum->bytes_written = before.bytes_written + of->bytes_written;
}

static tarn_code passes(tarn_gcing *g, tarn_gc *sum, tarn_err *err)
{
    size_t dropped = 1;

    for (int n = 0; dropped > 0; n++) {
        tarn_gc one = {0};
        g->out = &one;
        tarn_code rc = pass(g, &dropped, err);
        if (rc != TARN_OK) return rc;
        add_pass(sum, &one, n == 0);
        if (g->dry_run) break;
    }
    return TARN_OK;
}

tarn_code tarn_lake_gc(tarn_lake *lake, const tarn_gc_options *options, tarn_gc *out, const tarn_sink *sink,
                       tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_gc_options *o = options ? options : &(tarn_gc_options){0};
    int fd = -1;
    bool grace = o->grace_us > 0 || o->no_grace;
    tarn_gcing g = {.lake = lake, .sink = sink, .dry_run = o->dry_run, .now_us = tarn_now_us()};

    *out = (tarn_gc){0};
    g.grace_us = grace ? o->grace_us : 14 * 86400 * second_us;
    g.leftovers_us = o->leftovers_us > 0 ? o->leftovers_us : o->no_grace ? o->grace_us : 3600 * second_us;
    if (lake->readonly && !o->dry_run)
        return TARN_FAIL(err, TARN_DENIED, "the lake '%s' cannot be written here", lake->inside);
    if (!o->dry_run) TARN_TRY(lock_out_others(lake, &fd, err));
    if (!o->dry_run) TARN_TRY(tarn_lake_sync(lake, err));
    TARN_TRY(passes(&g, out, err));
    g.out = out;
    TARN_TRY(tarn_gc_leftovers(&g, err));
done:
    tarn_free(g.fresh.v);
    if (fd >= 0) (void)close(fd);
    return rc;
}
