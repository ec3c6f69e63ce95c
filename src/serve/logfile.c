/* SPDX-License-Identifier: Apache-2.0 */
/* logfile.c - a segment's file: lines as they are, or, in an encrypted lake, sealed in the pieces in which they were
 * written. See predlog.h.
 *
 *     piece   length u32, that many bytes (lake/key.h) sealed beside "log <segment> <offset of the piece>"
 *
 * A piece holds whole lines, so cutting a torn piece off cuts whole lines off. */
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "lake/key.h"
#include "serve/predlog.h"

#include <stdio.h>
#include <string.h>

enum { PIECE_HEAD = 4 };

static void where_of(const char *name, uint64_t at, char out[64])
{
    (void)snprintf(out, 64, "log %.13s %llu", name, (unsigned long long)at);
}

tarn_code tarn_segment_append(tarn_lake *lake, const char *name, int fd, const char *path, uint64_t at,
                              const char *lines, size_t len, uint64_t *written, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char where[64], *piece = NULL, *frame = NULL;
    size_t n = 0;

    if (!tarn_lake_encrypted(lake)) {
        *written = len;
        return tarn_fd_write(fd, lines, len, path, err);
    }
    where_of(name, at, where);
    TARN_TRY(tarn_lake_seal(lake, where, lines, len, &piece, &n, err));
    if (n > INT32_MAX) TARN_TRY(TARN_FAIL(err, TARN_LIMIT, "%zu bytes of predictions at once are too many", n));
    TARN_TRY(tarn_alloc(&frame, PIECE_HEAD + n, 1, err));
    for (int i = 0; i < PIECE_HEAD; i++) frame[i] = (char)(n >> 8 * i);
    memcpy(frame + PIECE_HEAD, piece, n);
    TARN_TRY(tarn_fd_write(fd, frame, PIECE_HEAD + n, path, err));
    *written = PIECE_HEAD + n;
done:
    tarn_free(piece);
    tarn_free(frame);
    return rc;
}

/* Open the pieces one after the other into out; *sound bytes of the file were whole ones. */
static tarn_code open_pieces(tarn_lake *lake, const char *name, const char *bytes, size_t len, tarn_text *out,
                             size_t *sound, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char where[64], *plain = NULL;
    size_t n = 0, got = 0;

    for (*sound = 0; len - *sound > PIECE_HEAD; *sound += PIECE_HEAD + n) {
        const unsigned char *p = (const unsigned char *)bytes + *sound;
        n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
        if (n > len - *sound - PIECE_HEAD) break; /* torn */
        where_of(name, *sound, where);
        rc = tarn_lake_unseal(lake, where, p + PIECE_HEAD, n, &plain, &got, err);
        if (rc == TARN_CORRUPT && n == len - *sound - PIECE_HEAD) rc = TARN_OK; /* the last: written in part */
        if (rc != TARN_OK || !plain) break;
        tarn_text_addn(out, plain, got);
        tarn_free(plain);
        plain = NULL;
    }
    if (rc != TARN_OK) {
        tarn_err_note(err, "segment %s of the prediction log at byte %zu", name, *sound);
        return rc;
    }
    return tarn_text_check(out, err);
}

tarn_code tarn_segment_read(tarn_lake *lake, const char *name, char **out, size_t *out_len, size_t *sound,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[4096], *bytes = NULL;
    size_t len = 0;
    tarn_text plain = {0};

    TARN_TRY(tarn_segment_path(lake, name, path, err));
    TARN_TRY(tarn_file_read(path, 0, &bytes, &len, err));
    *sound = len;
    if (tarn_lake_encrypted(lake)) {
        TARN_TRY(open_pieces(lake, name, bytes, len, &plain, sound, err));
        tarn_free(bytes);
        bytes = NULL;
        len = plain.len;
        tarn_text_addn(&plain, "", 0);
        TARN_TRY(tarn_text_take(&plain, &bytes, err));
    }
    *out = bytes;
    *out_len = len;
    bytes = NULL;
done:
    tarn_free(bytes);
    tarn_text_clear(&plain);
    return rc;
}
