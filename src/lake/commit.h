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

#endif
