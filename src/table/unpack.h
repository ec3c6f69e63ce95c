/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.h - a file's plain bytes, whether it is plain, gzip (.gz) or Zstandard (.zst).
 *
 * Private to table/. zlib and zstd are behind unpack.c alone.
 */
#ifndef TARN_TABLE_UNPACK_H
#define TARN_TABLE_UNPACK_H

#include "base/file.h"

typedef struct tarn_plain {
    tarn_mapped map;
    const char *path;     /* of the plain bytes */
    char temporary[4096]; /* "" when the file itself is plain */
} tarn_plain;

/* Which it is is told by its first bytes, not by its name. Packed files are unpacked into folder (NULL: TMPDIR
 * or /tmp); tarn_plain_close removes that again. path must outlive *out.
 * Errors: TARN_CORRUPT the packed bytes end early or are damaged. */
TARN_MUST tarn_code tarn_plain_open(const char *path, const char *folder, tarn_plain *out, tarn_err *err);
void tarn_plain_close(tarn_plain *p);

/* A name that no other file in folder (NULL: as above) has. */
TARN_MUST tarn_code tarn_temporary_name(const char *folder, const char *suffix, char *out, size_t cap, tarn_err *err);

#endif
