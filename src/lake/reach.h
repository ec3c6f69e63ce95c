/* SPDX-License-Identifier: Apache-2.0 */
/* reach.h - every record that a root needs: commits and their parents, trees, objects, chunks, bases of deltas.
 *
 * Threads: one at a time.
 */
#ifndef TARN_LAKE_REACH_H
#define TARN_LAKE_REACH_H

#include "lake/inside.h"

/* A record that is needed. base: only its bytes are, as the base of a delta, and not what it names. *enter true goes on
 * to what it needs itself; false where that was done before. */
typedef tarn_code tarn_visit_fn(void *arg, const tarn_id *id, const tarn_where *where, bool base, bool *enter,
                                tarn_err *err);

typedef struct tarn_reach {
    tarn_lake *lake;
    tarn_visit_fn *visit;
    void *arg;
    const tarn_sink *sink;
} tarn_reach;

/* From a record of any kind. TARN_NOT_FOUND: it, or something that it needs, is not in the lake. */
TARN_MUST tarn_code tarn_reach_from(const tarn_reach *r, const tarn_id *id, tarn_err *err);
/* The record itself as a base, and its bases. */
TARN_MUST tarn_code tarn_reach_base(const tarn_reach *r, const tarn_id *id, tarn_err *err);

#endif
