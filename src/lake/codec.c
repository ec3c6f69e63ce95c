/* SPDX-License-Identifier: Apache-2.0 */
/* codec.c - zstd at level 1 (faster than level 3 and, on tables, no larger). See codec.h.
 *
 * The lake's own records are mostly ids, which do not compress: at level -1 they come out as small, in half the time.
 *
 * With bytes in front (a prefix that is referenced, not copied) at level 3: it finds a tenth more of what repeats, and
 * only chunks that changed are packed so. */
#include "lake/codec.h"

#include "base/mem.h"

#include <pthread.h>
#include <zstd.h>

enum { LEVEL = 1, LEVEL_LIGHT = -1, LEVEL_AFTER = 3, KEPT = 16, WORTH_FROM = 128 };

struct tarn_codec {
    pthread_mutex_t lock; /* guards the two stacks of idle contexts */
    ZSTD_CCtx *packers[KEPT];
    ZSTD_DCtx *unpackers[KEPT];
    int n_packers, n_unpackers;
};

tarn_code tarn_codec_new(tarn_codec **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc == TARN_OK) (void)pthread_mutex_init(&(*out)->lock, NULL);
    return rc;
}

void tarn_codec_free(tarn_codec *codec)
{
    if (!codec) return;
    for (int i = 0; i < codec->n_packers; i++) (void)ZSTD_freeCCtx(codec->packers[i]);
    for (int i = 0; i < codec->n_unpackers; i++) (void)ZSTD_freeDCtx(codec->unpackers[i]);
    (void)pthread_mutex_destroy(&codec->lock);
    tarn_free(codec);
}

static ZSTD_CCtx *take_packer(tarn_codec *codec)
{
    ZSTD_CCtx *ctx = NULL;

    (void)pthread_mutex_lock(&codec->lock);
    if (codec->n_packers > 0) ctx = codec->packers[--codec->n_packers];
    (void)pthread_mutex_unlock(&codec->lock);
    return ctx ? ctx : ZSTD_createCCtx();
}

static void give_packer(tarn_codec *codec, ZSTD_CCtx *ctx)
{
    (void)pthread_mutex_lock(&codec->lock);
    if (codec->n_packers < KEPT) {
        codec->packers[codec->n_packers++] = ctx;
        ctx = NULL;
    }
    (void)pthread_mutex_unlock(&codec->lock);
    (void)ZSTD_freeCCtx(ctx);
}

static ZSTD_DCtx *take_unpacker(tarn_codec *codec)
{
    ZSTD_DCtx *ctx = NULL;

    (void)pthread_mutex_lock(&codec->lock);
    if (codec->n_unpackers > 0) ctx = codec->unpackers[--codec->n_unpackers];
    (void)pthread_mutex_unlock(&codec->lock);
    return ctx ? ctx : ZSTD_createDCtx();
}

static void give_unpacker(tarn_codec *codec, ZSTD_DCtx *ctx)
{
    (void)pthread_mutex_lock(&codec->lock);
    if (codec->n_unpackers < KEPT) {
        codec->unpackers[codec->n_unpackers++] = ctx;
        ctx = NULL;
    }
    (void)pthread_mutex_unlock(&codec->lock);
    (void)ZSTD_freeDCtx(ctx);
}

tarn_code tarn_codec_pack(tarn_codec *codec, bool light, const void *bytes, size_t len, void *out, size_t *stored,
                          tarn_err *err)
{
    *stored = 0;
    if (len < WORTH_FROM) return TARN_OK;
    ZSTD_CCtx *ctx = take_packer(codec);
    if (!ctx) return TARN_FAIL(err, TARN_NOMEM, "no memory to compress");
    size_t n = ZSTD_compressCCtx(ctx, out, len - len / 16, bytes, len, light ? LEVEL_LIGHT : LEVEL);
    give_packer(codec, ctx);
    if (!ZSTD_isError(n)) *stored = n; /* else it did not fit, so it does not help */
    return TARN_OK;
}

tarn_code tarn_codec_unpack(tarn_codec *codec, const void *bytes, size_t len, void *out, size_t raw, tarn_err *err)
{
    ZSTD_DCtx *ctx = take_unpacker(codec);

    if (!ctx) return TARN_FAIL(err, TARN_NOMEM, "no memory to decompress");
    size_t n = ZSTD_decompressDCtx(ctx, out, raw, bytes, len);
    give_unpacker(codec, ctx);
    if (ZSTD_isError(n)) return TARN_FAIL(err, TARN_CORRUPT, "does not decompress: %s", ZSTD_getErrorName(n));
    if (n != raw) return TARN_FAIL(err, TARN_CORRUPT, "decompresses to %zu bytes, not %zu", n, raw);
    return TARN_OK;
}

tarn_code tarn_codec_pack_after(tarn_codec *codec, const void *before, size_t before_len, const void *bytes, size_t len,
                                void *out, size_t room, size_t *stored, tarn_err *err)
{
    *stored = 0;
    ZSTD_CCtx *ctx = take_packer(codec);
    if (!ctx) return TARN_FAIL(err, TARN_NOMEM, "no memory to compress");
    size_t n = ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, LEVEL_AFTER);
    if (!ZSTD_isError(n)) n = ZSTD_CCtx_refPrefix(ctx, before, before_len);
    if (!ZSTD_isError(n)) n = ZSTD_compress2(ctx, out, room, bytes, len);
    (void)ZSTD_CCtx_reset(ctx, ZSTD_reset_session_and_parameters);
    give_packer(codec, ctx);
    if (!ZSTD_isError(n)) *stored = n;
    return TARN_OK;
}

tarn_code tarn_codec_unpack_after(tarn_codec *codec, const void *before, size_t before_len, const void *bytes,
                                  size_t len, void *out, size_t raw, tarn_err *err)
{
    ZSTD_DCtx *ctx = take_unpacker(codec);

    if (!ctx) return TARN_FAIL(err, TARN_NOMEM, "no memory to decompress");
    size_t n = ZSTD_DCtx_refPrefix(ctx, before, before_len);
    if (!ZSTD_isError(n)) n = ZSTD_decompressDCtx(ctx, out, raw, bytes, len);
    (void)ZSTD_DCtx_reset(ctx, ZSTD_reset_session_and_parameters);
    give_unpacker(codec, ctx);
    if (ZSTD_isError(n)) return TARN_FAIL(err, TARN_CORRUPT, "does not decompress: %s", ZSTD_getErrorName(n));
    if (n != raw) return TARN_FAIL(err, TARN_CORRUPT, "decompresses to %zu bytes, not %zu", n, raw);
    return TARN_OK;
}
