/* SPDX-License-Identifier: Apache-2.0 */
/* care.h - looking after a lake: what damage hurts, mending it, finding what no ref reaches any more.
 *
 * Order after damage: tarn_lake_mend_meta (before opening), tarn_lake_open, tarn_lake_repair, then tarn_lake_fsck says
 * what is left and tarn_lake_hurt which paths that hurts. No other process should be at work in the lake meanwhile.
 *
 * Threads: one at a time a lake.
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
    tarn_lake *const *from; /* other lakes that may have what is missing */
    size_t n_from;
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
 * from packs that meta.db does not name, from other lakes, from plain files whose content has the right hash.
 * Damaged packs are moved, never deleted. */
TARN_MUST tarn_code tarn_lake_repair(tarn_lake *lake, const tarn_repair_options *options, tarn_repair *out,
                                     tarn_err *err);

/* Look at `format` and meta.db of the lake in `folder` or above it, and make them again if they are lost or damaged:
 * packs from the packs there are, of the other tables each row that is sound; a lost ref gets the place that the ref
 * log tells. The damaged files go to .tarn/damaged. *mended tells whether anything was done. */
TARN_MUST tarn_code tarn_lake_mend_meta(const char *folder, tarn_say_fn *say, void *arg, bool *mended, tarn_err *err);

/* Commits in the lake that no ref reaches, newest first; tip: no other lost commit has it as a parent. */
typedef tarn_code tarn_lost_fn(void *arg, const tarn_commit *commit, bool tip, tarn_err *err);
TARN_MUST tarn_code tarn_lake_lost(tarn_lake *lake, tarn_lost_fn *fn, void *arg, tarn_err *err);

#endif
