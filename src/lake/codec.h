/* SPDX-License-Identifier: Apache-2.0 */
/* codec.h - compression of records: zstd where it helps. The one file that knows zstd is codec.c.
 *
 * Threads: any; working memory is kept and handed from call to call under an internal lock.
 */
#ifndef TARN_LAKE_CODEC_H
#define TARN_LAKE_CODEC_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* How a record's bytes are stored; the number is in the pack format. */
typedef enum tarn_coding {
    TARN_CODING_RAW,
    TARN_CODING_ZSTD,
    TARN_CODING_DELTA, /* against other records: see delta.h */
    TARN_CODING_COUNT
} tarn_coding;

typedef struct tarn_codec tarn_codec;
TARN_MUST tarn_code tarn_codec_new(tarn_codec **out, tarn_err *err);
void tarn_codec_free(tarn_codec *codec);

/* Compress into out (len bytes of room). *stored is 0 when that would save less than a sixteenth. light: bytes that are
 * mostly hashes. */
TARN_MUST tarn_code tarn_codec_pack(tarn_codec *codec, bool light, const void *bytes, size_t len, void *out,
                                    size_t *stored, tarn_err *err);
/* Exactly raw bytes come out, or TARN_CORRUPT. */
TARN_MUST tarn_code tarn_codec_unpack(tarn_codec *codec, const void *bytes, size_t len, void *out, size_t raw,
                                      tarn_err *err);

/* The same with bytes that both sides know in front: what repeats them costs next to nothing. *stored is 0 when more
 * than `room` bytes would come out. */
TARN_MUST tarn_code tarn_codec_pack_after(tarn_codec *codec, const void *before, size_t before_len, const void *bytes,
                                          size_t len, void *out, size_t room, size_t *stored, tarn_err *err);
TARN_MUST tarn_code tarn_codec_unpack_after(tarn_codec *codec, const void *before, size_t before_len, const void *bytes,
                                            size_t len, void *out, size_t raw, tarn_err *err);

#endif
