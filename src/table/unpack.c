/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.c - unpacking gzip and Zstandard, refusing what is cut short.
 *
 * The SQL engine could unpack by itself, but it takes a gzip file that ends in the middle for a shorter one. */
#include "table/unpack.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

enum { PIECE = 1 << 18 };

tarn_code tarn_temporary_name(const char *folder, const char *suffix, char *out, size_t cap, tarn_err *err)
{
    static atomic_uint counter;

    if (!folder) folder = getenv("TMPDIR");
    if (!folder || !*folder) folder = "/tmp";
    int n = snprintf(out, cap, "%s/tarn-%ld-%u%s", folder, (long)getpid(), atomic_fetch_add(&counter, 1), suffix);
    if (n < 0 || (size_t)n >= cap) return TARN_FAIL(err, TARN_LIMIT, "the folder name '%s' is too long", folder);
    return TARN_OK;
}

static tarn_code ends_early(const tarn_mapped *in, uint64_t text, const char *what, tarn_err *err)
{
    return TARN_FAIL(err, TARN_CORRUPT,
                     "the %s data ends early, after %zu bytes that give %llu bytes of text; fetch the file again", what,
                     in->len, (unsigned long long)text);
}

static tarn_code unpack_gzip(const tarn_mapped *in, tarn_file *out, unsigned char *piece, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    z_stream z = {0};
    const unsigned char *at = in->bytes, *end = at + in->len;
    uint64_t text = 0;
    int state = Z_OK;

    if (inflateInit2(&z, 15 + 16) != Z_OK) return TARN_FAIL(err, TARN_NOMEM, "cannot start unpacking gzip");
    while (state != Z_STREAM_END || at < end) {
        if (state == Z_STREAM_END) { /* another member, or zeros to fill a block */
            if (*at == 0) break;
            if (inflateReset(&z) != Z_OK) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "cannot restart unpacking gzip"));
        }
        size_t left = (size_t)(end - at);
        z.next_in = at;
        z.avail_in = left > (1u << 30) ? 1u << 30 : (uInt)left;
        z.next_out = piece;
        z.avail_out = PIECE;
        state = inflate(&z, Z_NO_FLUSH);
        at = z.next_in;
        TARN_TRY(tarn_file_write(out, piece, PIECE - z.avail_out, err));
        text += PIECE - z.avail_out;
        if (state == Z_STREAM_END) continue;
        if ((state == Z_BUF_ERROR || state == Z_OK) && at == end && z.avail_out > 0)
            TARN_TRY(ends_early(in, text, "gzip", err));
        if (state != Z_OK && state != Z_BUF_ERROR)
            TARN_TRY(TARN_FAIL(err, TARN_CORRUPT, "the gzip data is damaged after %llu bytes of text (%s)",
                               (unsigned long long)text, z.msg ? z.msg : "no reason given"));
    }
done:
    (void)inflateEnd(&z);
    return rc;
}

static tarn_code unpack_zstd(const tarn_mapped *in, tarn_file *out, unsigned char *piece, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    ZSTD_DStream *z = ZSTD_createDStream();
    ZSTD_inBuffer from = {in->bytes, in->len, 0};
    uint64_t text = 0;
    size_t left = 1;

    if (!z) return TARN_FAIL(err, TARN_NOMEM, "cannot start unpacking zstd");
    for (;;) {
        ZSTD_outBuffer to = {piece, PIECE, 0};
        size_t before = from.pos;
        left = ZSTD_decompressStream(z, &to, &from);
        if (ZSTD_isError(left))
            TARN_TRY(TARN_FAIL(err, TARN_CORRUPT, "the zstd data is damaged after %llu bytes of text (%s)",
                               (unsigned long long)text, ZSTD_getErrorName(left)));
        TARN_TRY(tarn_file_write(out, piece, to.pos, err));
        text += to.pos;
        if (from.pos == from.size && to.pos < PIECE) break;
        if (from.pos == before && to.pos == 0) break;
    }
    if (left != 0) rc = ends_early(in, text, "zstd", err);
done:
    (void)ZSTD_freeDStream(z);
    return rc;
}

typedef tarn_code unpack_fn(const tarn_mapped *in, tarn_file *out, unsigned char *piece, tarn_err *err);

static unpack_fn *packing_of(const tarn_mapped *m)
{
    if (m->len >= 2 && memcmp(m->bytes, "\x1F\x8B", 2) == 0) return unpack_gzip;
    if (m->len >= 4 && memcmp(m->bytes, "\x28\xB5\x2F\xFD", 4) == 0) return unpack_zstd;
    return NULL;
}

tarn_code tarn_plain_open(const char *path, const char *folder, tarn_plain *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_mapped packed = {0};
    tarn_file *file = NULL;
    unsigned char *piece = NULL;

    *out = (tarn_plain){.path = path};
    TARN_TRY(tarn_map_open(path, &packed, err));
    unpack_fn *unpack = packing_of(&packed);
    if (!unpack) {
        out->map = packed;
        return TARN_OK;
    }
    TARN_TRY(tarn_alloc(&piece, PIECE, 1, err));
    TARN_TRY(tarn_temporary_name(folder, ".unpacked", out->temporary, sizeof out->temporary, err));
    rc = tarn_file_create(out->temporary, &file, err);
    if (rc != TARN_OK) {
        out->temporary[0] = '\0';
        goto done;
    }
    rc = unpack(&packed, file, piece, err);
    if (rc != TARN_OK) {
        tarn_err_note(err, "'%s'", path);
        goto done;
    }
    TARN_TRY(tarn_file_commit(file, err));
    TARN_TRY(tarn_map_open(out->temporary, &out->map, err));
    out->path = out->temporary;
done:
    tarn_file_close(file);
    tarn_free(piece);
    tarn_map_close(&packed);
    if (rc != TARN_OK) tarn_plain_close(out);
    return rc;
}

void tarn_plain_close(tarn_plain *p)
{
    tarn_map_close(&p->map);
    if (p->temporary[0]) (void)unlink(p->temporary);
    p->temporary[0] = '\0';
}
