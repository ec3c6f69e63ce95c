/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - gathering a pack, and opening its records. See pack.h for the layout. */
#include "lake/pack.h"

#include "base/mem.h"
#include "lake/bytes.h"

#include <stdio.h>

static const char head_magic[8] = {'T', 'A', 'R', 'N', 'P', 'A', 'C', 'K'};
static const char tail_magic[8] = {'T', 'A', 'R', 'N', 'T', 'A', 'I', 'L'};

enum { FIRST_CAP = 64 << 10, PACK_VERSION = 1, SEALED_VERSION = 2, KEEP_CAP = 4 << 20 };

/* Room for `more` bytes. A fresh block four times as large: large blocks then come in huge pages. */
static tarn_code reserve(tarn_pack *pack, size_t more, tarn_err *err)
{
    size_t cap = pack->cap ? pack->cap : FIRST_CAP;
    uint8_t *bigger = NULL;

    if (pack->cap - pack->len >= more && pack->cap > 0) return TARN_OK;
    while (cap - pack->len < more) cap = cap < (16u << 20) ? cap * 4 : cap * 2;
    tarn_code rc = tarn_alloc(&bigger, cap, 1, err);
    if (rc != TARN_OK) return rc;
    if (pack->len > 0) memcpy(bigger, pack->bytes, pack->len);
    tarn_free(pack->bytes);
    pack->bytes = bigger;
    pack->cap = cap;
    return TARN_OK;
}

static void append(tarn_pack *pack, const void *bytes, size_t len)
{
    if (len > 0) memcpy(pack->bytes + pack->len, bytes, len);
    pack->len += len;
}

static tarn_code start(tarn_pack *pack, tarn_err *err)
{
    uint8_t head[TARN_PACK_SEALED_HEAD] = {0};
    tarn_code rc = TARN_OK;

    memcpy(head, head_magic, sizeof head_magic);
    tarn_put32(head + 8, pack->ring ? SEALED_VERSION : PACK_VERSION);
    if (pack->ring) {
        tarn_put32(head + 12, tarn_ring_newest(pack->ring));
        TARN_TRY(tarn_secret_random(head + 16, TARN_PACK_SALT, err));
        TARN_TRY(tarn_pack_key(pack->ring, head, &pack->key, err));
    }
    append(pack, head, pack->ring ? TARN_PACK_SEALED_HEAD : TARN_PACK_HEAD);
done:
    return rc;
}

/* ---- sealing ---- */

static void nonce_at(uint32_t offset, uint8_t out[TARN_NONCE])
{
    memset(out, 0, TARN_NONCE);
    tarn_put32(out, offset);
}

tarn_code tarn_pack_key(const tarn_ring *ring, const uint8_t head[TARN_PACK_SEALED_HEAD], tarn_key *out, tarn_err *err)
{
    if (memcmp(head, head_magic, sizeof head_magic) != 0 || tarn_get32(head + 8) != SEALED_VERSION)
        return TARN_FAIL(err, TARN_CORRUPT, "the pack's head is not that of a sealed pack");
    return tarn_ring_pack_key(ring, tarn_get32(head + 12), head + 16, out, err);
}

/* Seal bytes and id behind the pack's end, where the record's bytes will stand. */
static tarn_code seal_record(tarn_pack *pack, const uint8_t *head, const tarn_id *id, const void *bytes, size_t len,
                             tarn_err *err)
{
    uint8_t nonce[TARN_NONCE], *at = pack->bytes + pack->len + TARN_RECORD_HEAD;

    nonce_at((uint32_t)pack->len, nonce);
    if (len > 0) memcpy(at, bytes, len);
    memcpy(at + len, id->b, TARN_ID_BYTES);
    return tarn_seal(tarn_ring_cipher(pack->ring), &pack->key, nonce, head, 44, at, len + TARN_ID_BYTES, at, err);
}

static bool header_fits(const tarn_id *name, const tarn_where *w, const uint8_t *head)
{
    return memcmp(head, name->b, TARN_ID_BYTES) == 0 && tarn_get32(head + 32) == w->stored &&
           tarn_get32(head + 36) == w->raw && head[40] == w->kind && head[41] == w->coding;
}

static void put_header(uint8_t head[TARN_RECORD_HEAD], const tarn_id *name, const tarn_where *w)
{
    memset(head, 0, TARN_RECORD_HEAD);
    memcpy(head, name->b, TARN_ID_BYTES);
    tarn_put32(head + 32, w->stored);
    tarn_put32(head + 36, w->raw);
    head[40] = w->kind;
    head[41] = w->coding;
}

static void put_record_crc(uint8_t head[TARN_RECORD_HEAD], const void *bytes, size_t len)
{
    tarn_put32(head + 44, tarn_crc32c(tarn_crc32c(0, head, 44), bytes, len));
}

tarn_code tarn_record_unseal(const tarn_ring *ring, const tarn_key *key, const tarn_id *name, tarn_where *where,
                             tarn_slab *slab, tarn_id *id, tarn_err *err)
{
    uint8_t *head = slab->stored, *bytes = head + TARN_RECORD_HEAD, nonce[TARN_NONCE];
    tarn_id is;

    if (!header_fits(name, where, head) || where->stored < TARN_RECORD_MORE)
        return TARN_FAIL(err, TARN_CORRUPT, "the record's header is not what the index tells");
    nonce_at(where->offset, nonce);
    tarn_code rc = tarn_unseal(tarn_ring_cipher(ring), key, nonce, head, 44, bytes, where->stored, bytes, err);
    if (rc != TARN_OK) return rc;
    where->stored -= TARN_RECORD_MORE;
    memcpy(id->b, bytes + where->stored, TARN_ID_BYTES);
    tarn_ring_name(ring, (tarn_kind)where->kind, id, &is);
    if (!tarn_secret_equal(is.b, name->b, TARN_ID_BYTES))
        return TARN_FAIL(err, TARN_CORRUPT, "the record holds another than its name tells");
    put_header(head, id, where);
    put_record_crc(head, bytes, where->stored);
    return TARN_OK;
}

/* ---- adding ---- */

static tarn_code note(tarn_pack *pack, const tarn_id *id, const tarn_where *where, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (pack->n == pack->n_cap) {
        size_t cap = pack->n_cap ? pack->n_cap * 2 : 64;
        TARN_TRY(tarn_resize(&pack->entries, cap, sizeof *pack->entries, err));
        pack->n_cap = cap;
    }
    TARN_TRY(tarn_idmap_put(&pack->places, id, pack->n, NULL, err));
    pack->entries[pack->n++] = (tarn_indexed){*id, *where};
done:
    return rc;
}

tarn_code tarn_pack_add_named(tarn_pack *pack, const tarn_id *name, const tarn_id *id, tarn_kind kind,
                              tarn_coding coding, const void *bytes, size_t stored, size_t raw, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t head[TARN_RECORD_HEAD];
    size_t more = pack->ring ? TARN_RECORD_MORE : 0;

    if (raw > TARN_RECORD_MOST || stored > raw)
        return TARN_FAIL(err, TARN_LIMIT, "a record of %zu bytes is more than the %d that fit", raw, TARN_RECORD_MOST);
    TARN_TRY(reserve(pack, TARN_PACK_SEALED_HEAD + TARN_RECORD_HEAD + stored + more, err));
    if (pack->len == 0) TARN_TRY(start(pack, err));
    tarn_where where = {.offset = (uint32_t)pack->len,
                        .stored = (uint32_t)(stored + more),
                        .raw = (uint32_t)raw,
                        .kind = (uint8_t)kind,
                        .coding = (uint8_t)coding};
    put_header(head, name, &where);
    if (pack->ring) TARN_TRY(seal_record(pack, head, id, bytes, stored, err));
    else if (stored > 0) memcpy(pack->bytes + pack->len + sizeof head, bytes, stored);
    TARN_TRY(note(pack, name, &where, err));
    put_record_crc(head, pack->bytes + pack->len + sizeof head, where.stored);
    append(pack, head, sizeof head);
    pack->len += where.stored;
done:
    return rc;
}

tarn_code tarn_pack_add(tarn_pack *pack, const tarn_id *id, tarn_kind kind, tarn_coding coding, const void *bytes,
                        size_t stored, size_t raw, tarn_err *err)
{
    tarn_id name = *id;

    if (pack->ring) tarn_ring_name(pack->ring, kind, id, &name);
    return tarn_pack_add_named(pack, &name, id, kind, coding, bytes, stored, raw, err);
}

bool tarn_pack_full(const tarn_pack *pack, size_t stored)
{
    size_t index = (pack->n + 1) * 60; /* 52 bytes an entry, and the fan-out */
    return pack->n > 0 && pack->len + TARN_RECORD_HEAD + TARN_RECORD_MORE + stored + index > TARN_PACK_MOST;
}

const tarn_where *tarn_pack_find(const tarn_pack *pack, const tarn_id *name)
{
    const uint64_t *at = tarn_idmap_find(&pack->places, name);
    return at ? &pack->entries[*at].where : NULL;
}

tarn_code tarn_pack_seal(tarn_pack *pack, int64_t made_us, char name[TARN_PACK_NAME], size_t *index_at,
                         size_t *index_len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed *sorted = NULL;
    uint8_t *index = NULL, tail[TARN_PACK_TAIL] = {0};
    size_t len = 0, at = pack->len;
    tarn_id hash;
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_alloc(&sorted, pack->n, sizeof *sorted, err));
    memcpy(sorted, pack->entries, pack->n * sizeof *sorted);
    TARN_TRY(tarn_index_build(sorted, pack->n, &index, &len, err));
    TARN_TRY(reserve(pack, len + TARN_PACK_TAIL, err));
    memcpy(tail, tail_magic, sizeof tail_magic);
    tarn_put64(tail + 8, at);
    tarn_put64(tail + 16, len);
    tarn_put32(tail + 24, (uint32_t)pack->n);
    tarn_put32(tail + 28, tarn_crc32c(0, pack->bytes, at));
    tarn_put32(tail + 32, tarn_crc32c(0, index, len));
    tarn_put64(tail + 36, (uint64_t)made_us);
    tarn_put32(tail + 60, tarn_crc32c(0, tail, 60));
    append(pack, index, len);
    append(pack, tail, sizeof tail);
    rc = tarn_digest(pack->bytes + at, len + sizeof tail, &hash, err);
    if (rc != TARN_OK) {
        tarn_pack_unseal(pack, at);
        goto done;
    }
    (void)snprintf(name, TARN_PACK_NAME, "p-%.32s", tarn_id_hex(&hash, hex));
    *index_at = at;
    *index_len = len;
done:
    tarn_free(sorted);
    tarn_free(index);
    return rc;
}

void tarn_pack_unseal(tarn_pack *pack, size_t index_at) { pack->len = index_at; }

void tarn_pack_reset(tarn_pack *pack)
{
    pack->large = pack->large || pack->len > KEEP_CAP;
    pack->len = pack->n = 0;
    tarn_idmap_reset(&pack->places);
}

/* Making a large buffer anew for each pack would cost more than filling it: every page is zeroed and, as it grows,
 * copied. */
void tarn_pack_trim(tarn_pack *pack)
{
    if (pack->len > 0 || !pack->large) return;
    tarn_mem_lend(pack->bytes + KEEP_CAP, pack->cap - KEEP_CAP);
    pack->large = false;
}

void tarn_pack_clear(tarn_pack *pack)
{
    tarn_free(pack->bytes);
    tarn_free(pack->entries);
    tarn_idmap_clear(&pack->places);
    tarn_secret_wipe(&pack->key, sizeof pack->key);
    *pack = (tarn_pack){.ring = pack->ring};
}

tarn_code tarn_tail_read(const uint8_t bytes[TARN_PACK_TAIL], uint64_t size, const char *name, tarn_tail *out,
                         tarn_err *err)
{
    if (memcmp(bytes, tail_magic, sizeof tail_magic) != 0 || tarn_crc32c(0, bytes, 60) != tarn_get32(bytes + 60))
        return TARN_FAIL(err, TARN_CORRUPT, "pack %s is cut short or its last bytes are damaged", name);
    *out = (tarn_tail){.index_at = tarn_get64(bytes + 8),
                       .index_len = tarn_get64(bytes + 16),
                       .records = tarn_get32(bytes + 24),
                       .crc = tarn_get32(bytes + 28),
                       .index_crc = tarn_get32(bytes + 32),
                       .made_us = (int64_t)tarn_get64(bytes + 36)};
    if (out->index_at > size || out->index_len > size || out->index_at < TARN_PACK_HEAD ||
        out->index_at + out->index_len + TARN_PACK_TAIL != size)
        return TARN_FAIL(err, TARN_CORRUPT, "pack %s has %llu bytes, not those its tail tells", name,
                         (unsigned long long)size);
    return TARN_OK;
}

tarn_code tarn_slab_need(uint8_t **block, size_t *cap, size_t need, tarn_err *err)
{
    if (*block && *cap >= need) return TARN_OK;
    size_t bigger = need < 4096 ? 4096 : need + need / 4;
    tarn_free(*block);
    *cap = 0;
    tarn_code rc = tarn_alloc(block, bigger, 1, err);
    if (rc == TARN_OK) *cap = bigger;
    return rc;
}

void tarn_slab_clear(tarn_slab *slab)
{
    tarn_free(slab->stored);
    tarn_free(slab->raw);
    *slab = (tarn_slab){0};
}

static bool sum_fits(const tarn_where *w, const uint8_t *head)
{
    return tarn_crc32c(tarn_crc32c(0, head, 44), head + TARN_RECORD_HEAD, w->stored) == tarn_get32(head + 44);
}

static tarn_code check(const tarn_id *id, const tarn_where *w, const uint8_t *head, bool sum, tarn_err *err)
{
    if (!header_fits(id, w, head))
        return TARN_FAIL(err, TARN_CORRUPT, "the record's header is not what the index tells");
    if (w->coding >= TARN_CODING_COUNT)
        return TARN_FAIL(err, TARN_UNSUPPORTED, "stored in coding %d, which only a newer tarn can read", w->coding);
    if (sum && !sum_fits(w, head)) return TARN_FAIL(err, TARN_CORRUPT, "bytes do not match their name");
    if (w->raw > TARN_RECORD_MOST || w->stored > w->raw || (w->coding == TARN_CODING_RAW && w->stored != w->raw))
        return TARN_FAIL(err, TARN_CORRUPT, "the record's lengths are impossible");
    return TARN_OK;
}

tarn_code tarn_record_check(const tarn_id *id, const tarn_where *w, const uint8_t *head, tarn_err *err)
{
    return check(id, w, head, true, err);
}

size_t tarn_delta_write(const tarn_delta *d, uint8_t *out)
{
    out[0] = (uint8_t)d->n;
    out[1] = (uint8_t)d->depth;
    tarn_put16(out + 2, (uint16_t)d->generation);
    tarn_put32(out + 4, d->before_len);
    memcpy(out + TARN_DELTA_HEAD, d->base, (size_t)d->n * TARN_ID_BYTES);
    return TARN_DELTA_HEAD + (size_t)d->n * TARN_ID_BYTES;
}

tarn_code tarn_delta_read(const uint8_t *bytes, size_t len, tarn_delta *out, size_t *head, tarn_err *err)
{
    *out = (tarn_delta){0};
    if (len < TARN_DELTA_HEAD) return TARN_FAIL(err, TARN_CORRUPT, "a delta is cut short");
    *out = (tarn_delta){
        .n = bytes[0], .depth = bytes[1], .generation = tarn_get16(bytes + 2), .before_len = tarn_get32(bytes + 4)};
    *head = TARN_DELTA_HEAD + (size_t)out->n * TARN_ID_BYTES;
    if (out->n < 1 || out->n > TARN_DELTA_BASES || out->depth < 1 || out->depth > TARN_DELTA_HOPS || len < *head ||
        out->before_len > TARN_DELTA_BASES * TARN_RECORD_MOST)
        return TARN_FAIL(err, TARN_CORRUPT, "a delta tells impossible things of its bases");
    memcpy(out->base, bytes + TARN_DELTA_HEAD, (size_t)out->n * TARN_ID_BYTES);
    return TARN_OK;
}

static tarn_code decode_delta(const tarn_opening *how, const tarn_where *where, tarn_slab *slab, tarn_delta *delta,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const uint8_t *payload = slab->stored + TARN_RECORD_HEAD, *before = NULL;
    size_t head = 0;

    TARN_TRY(tarn_delta_read(payload, where->stored, delta, &head, err));
    if (!how->before) return TARN_FAIL(err, TARN_CORRUPT, "a delta cannot be read without its bases");
    TARN_TRY(how->before(how->arg, delta, &before, err));
    TARN_TRY(tarn_codec_unpack_after(how->codec, before, delta->before_len, payload + head, where->stored - head,
                                     slab->raw, where->raw, err));
done:
    return rc;
}

tarn_code tarn_record_open(const tarn_opening *how, const tarn_id *id, const tarn_where *where, tarn_slab *slab,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_delta delta = {0};
    tarn_id hash;

    slab->bytes = slab->stored + TARN_RECORD_HEAD;
    slab->len = where->raw;
    TARN_TRY(check(id, where, slab->stored, how->proof != TARN_PROOF_BY_CALLER || where->kind == TARN_KIND_LIST, err));
    if (where->coding != TARN_CODING_RAW) {
        TARN_TRY(tarn_slab_need(&slab->raw, &slab->raw_cap, where->raw, err));
        if (where->coding == TARN_CODING_DELTA) TARN_TRY(decode_delta(how, where, slab, &delta, err));
        else
            TARN_TRY(tarn_codec_unpack(how->codec, slab->stored + TARN_RECORD_HEAD, where->stored, slab->raw,
                                       where->raw, err));
        slab->bytes = slab->raw;
    }
    if (how->delta) *how->delta = delta;
    if (how->proof != TARN_PROOF_HASH || where->kind == TARN_KIND_LIST) goto done;
    TARN_TRY(tarn_digest(slab->bytes, slab->len, &hash, err));
    if (!tarn_id_equal(&hash, id)) rc = TARN_FAIL(err, TARN_CORRUPT, "bytes do not match their name");
done:
    return rc;
}
