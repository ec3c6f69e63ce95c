/* SPDX-License-Identifier: Apache-2.0 */
/* format.h - the description of a lake: the file .tarn/format, and the blob `format` of a store that is not inside
 * .tarn.
 *
 * Both pin what may never change (version, hash, chunks, tree). The file also says where packs and metadata live. A
 * lake whose store or metadata are elsewhere has an id, which stands in the file, the store and the metadata, so that
 * they are never mixed up. A checksum of it all is its last member.
 */
#ifndef TARN_LAKE_FORMAT_H
#define TARN_LAKE_FORMAT_H

#include "lake/inside.h"

typedef struct tarn_format {
    char store[TARN_URL_CAP]; /* disk:. or a URL */
    char meta[TARN_URL_CAP];  /* "" is meta.db of the lake, or a URL */
    char id[33];              /* 32 digits; "" for a lake that is all inside .tarn */
    bool encrypted;           /* key.h */
} tarn_format;

enum { TARN_FORMAT_MOST = 65536 };

/* The text of the file (with places) or of the store's blob; tarn_text_clear. */
TARN_MUST tarn_code tarn_format_write(const tarn_format *f, bool places, tarn_text *out, tarn_err *err);
/* `what` names it in messages. TARN_CORRUPT, TARN_UNSUPPORTED (a newer version, or other pins than this tarn's). */
TARN_MUST tarn_code tarn_format_read(const char *text, size_t len, const char *what, tarn_format *out, tarn_err *err);
/* Is all of the lake inside its .tarn? */
bool tarn_format_is_local(const tarn_format *f);

#endif
