/* SPDX-License-Identifier: Apache-2.0 */
/* copies.h - plain copies of the objects that are read most, so that the kernel can send them without anybody touching
 * a byte.
 *
 * Of the objects read lately it is remembered how much of them was read; once that is as much as the object is long, a
 * thread makes a copy in the lake's cache, whose hash is checked then. Before each use its size, time and place are
 * compared with what they were: whoever wrote to the file since would have changed those. The copies are removed, the
 * longest unused first, when they have more than the bytes allowed; and all at the end.
 *
 * Threads: any.
 */
#ifndef TARN_SERVE_S3_COPIES_H
#define TARN_SERVE_S3_COPIES_H

#include "base/sink.h"
#include "lake/lake.h"

typedef struct tarn_copies tarn_copies;

/* *out NULL: there are to be none, since most is 0 or the lake may have no plain content on a disk. */
TARN_MUST tarn_code tarn_copies_new(tarn_lake *lake, uint64_t most, const tarn_sink *sink, tarn_copies **out,
                                    tarn_err *err);
/* `length` bytes of the object are about to be read: its copy, open for reading (the caller closes it), or -1. p may be
 * NULL. */
int tarn_copies_open(tarn_copies *p, const tarn_object *object, uint64_t length);
/* Waits for the copy that is being made. NULL is fine. */
void tarn_copies_free(tarn_copies *p);

#endif
