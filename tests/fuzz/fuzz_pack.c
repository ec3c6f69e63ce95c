/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pack.c - any bytes as what packs are made of: an index, a tail, a record, a list of chunks. Refused, or used
 * without a step outside.
 *
 * Checksums are put right first, so that the fuzzer gets behind them. Build with libFuzzer, or with TARN_FUZZ_REPLAY
 * for a program that runs the files named on its command line; `fuzz_pack --samples FOLDER` writes what the corpus
 * began with. */
#include "base/file.h"
#include "base/mem.h"
#include "lake/bytes.h"
#include "lake/object.h"
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>

/* The index with right checksums, wherever its lengths make sense. */
static void repair_index(uint8_t *b, size_t len)
{
    if (len < 40) return;
    uint64_t n = tarn_get32(b + 8), bits = tarn_get32(b + 12);
    if (bits > 20 || len != 32 + ((size_t)8 << bits) + n * 52) return;
    uint32_t before = 0;
    for (size_t k = 0; k < (size_t)1 << bits; k++) {
        uint8_t *fan = b + 32 + 8 * k, *ids = b + 32 + ((size_t)8 << bits), *places = ids + n * 32;
        uint32_t end = tarn_get32(fan);
        if (end < before || end > n) break;
        uint32_t crc = tarn_crc32c(0, ids + (size_t)before * 32, (size_t)(end - before) * 32);
        tarn_put32(fan + 4, tarn_crc32c(crc, places + (size_t)before * 20, (size_t)(end - before) * 20));
        before = end;
    }
    uint32_t crc = tarn_crc32c(0, b, 16);
    tarn_put32(b + 16, tarn_crc32c(crc, b + 20, 32 + ((size_t)8 << bits) - 20));
}

static void use_index(const uint8_t *bytes, size_t len)
{
    tarn_index index = {0};
    tarn_indexed e;
    tarn_where where;
    bool found;

    if (tarn_index_open(&index, bytes, len, "fuzz", NULL) == TARN_OK) {
        for (uint32_t i = 0; i < index.n && i < 1000; i++) {
            if (tarn_index_at(&index, i, "fuzz", &e, NULL) != TARN_OK) continue;
            if (tarn_index_find(&index, &e.id, "fuzz", &where, &found, NULL) != TARN_OK || !found) abort();
        }
    }
    tarn_index_close(&index);
}

/* As bases: 1,000 bytes of a pattern, or as many as the delta wants up to there. */
static tarn_code some_before(void *arg, const tarn_delta *delta, const uint8_t **before, tarn_err *err)
{
    if (delta->before_len > 1000) return TARN_FAIL(err, TARN_CORRUPT, "its bases are too long");
    *before = arg;
    return TARN_OK;
}

static void use_record(const uint8_t *bytes, size_t len)
{
    tarn_slab slab = {0};
    tarn_codec *codec = NULL;
    tarn_id id;
    tarn_delta delta;
    uint8_t before[1000];

    if (len < TARN_RECORD_HEAD) return;
    for (size_t i = 0; i < sizeof before; i++) before[i] = (uint8_t)(i * i >> 3);
    tarn_where where = {.stored = (uint32_t)(len - TARN_RECORD_HEAD),
                        .raw = tarn_get32(bytes + 36),
                        .kind = bytes[40],
                        .coding = bytes[41]};
    memcpy(id.b, bytes, TARN_ID_BYTES);
    if (tarn_codec_new(&codec, NULL) == TARN_OK &&
        tarn_slab_need(&slab.stored, &slab.stored_cap, len, NULL) == TARN_OK) {
        memcpy(slab.stored, bytes, len);
        tarn_put32(slab.stored + 32, where.stored);
        tarn_put32(slab.stored + 44,
                   tarn_crc32c(tarn_crc32c(0, slab.stored, 44), slab.stored + TARN_RECORD_HEAD, where.stored));
        for (int proof = TARN_PROOF_HASH; proof <= TARN_PROOF_BY_CALLER; proof++) { /* few inputs have the right hash */
            tarn_opening how = {
                .codec = codec, .proof = (tarn_proof)proof, .before = some_before, .arg = before, .delta = &delta};
            if (tarn_record_open(&how, &id, &where, &slab, NULL) != TARN_OK) continue;
            if (slab.len != where.raw || (delta.n > 0) != (where.coding == TARN_CODING_DELTA)) abort();
        }
    }
    tarn_slab_clear(&slab);
    tarn_codec_free(codec);
}

static void use_list(const uint8_t *bytes, size_t len)
{
    tarn_list_view list;
    tarn_id id = {{1}};
    uint64_t size, total = 0;

    if (tarn_list_open(bytes, len, &id, &list, NULL) != TARN_OK &&
        tarn_list_open(bytes, len, NULL, &list, NULL) != TARN_OK)
        return;
    for (uint32_t i = 0; i < list.n; i++) {
        tarn_list_at(&list, i, &id, &size);
        total += size;
    }
    if (total != list.total) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = NULL;
    tarn_tail tail;

    if (tarn_alloc(&copy, len, 1, NULL) != TARN_OK) return 0;
    if (len > 0) memcpy(copy, bytes, len);
    repair_index(copy, len);
    use_index(copy, len);
    use_record(bytes, len);
    use_list(bytes, len);
    if (len >= TARN_PACK_TAIL) {
        memcpy(copy, bytes, len);
        tarn_put32(copy + 60, tarn_crc32c(0, copy, 60));
        if (tarn_tail_read(copy, len, "fuzz", &tail, NULL) == TARN_OK && tail.index_at + tail.index_len > len) abort();
    }
    tarn_free(copy);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
/* A delta that opens: of the bytes that some_before gives, with one changed. */
static tarn_code save_delta(const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t before[1000], now[1000], record[1200];
    tarn_codec *codec = NULL;
    tarn_pack pack = {0};
    tarn_delta d = {.n = 1, .depth = 1, .generation = 1, .before_len = sizeof before, .base = {{{1}}}};
    tarn_id id;
    size_t head = tarn_delta_write(&d, record), len = 0;

    for (size_t i = 0; i < sizeof before; i++) now[i] = before[i] = (uint8_t)(i * i >> 3);
    now[500] ^= 1;
    TARN_TRY(tarn_codec_new(&codec, err));
    TARN_TRY(tarn_codec_pack_after(codec, before, sizeof before, now, sizeof now, record + head, sizeof record - head,
                                   &len, err));
    TARN_TRY(tarn_digest(now, sizeof now, &id, err));
    TARN_TRY(tarn_pack_add(&pack, &id, TARN_KIND_CHUNK, TARN_CODING_DELTA, record, head + len, sizeof now, err));
    TARN_TRY(save_sample(folder, "delta", pack.bytes + TARN_PACK_HEAD, TARN_RECORD_HEAD + head + len, err));
done:
    tarn_pack_clear(&pack);
    tarn_codec_free(codec);
    return rc;
}

/* A pack of three records, and its parts. */
static tarn_code samples(const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_pack pack = {0};
    char name[TARN_PACK_NAME];
    size_t at = 0, len = 0;
    uint8_t list[24 + 40] = {'T', 'A', 'R', 'N', 'L', 'S', 'T', '1', 0, 0, 0, 0, 1, 0, 0, 0, 100};

    list[24] = 9;
    list[56] = 100;
    for (uint8_t i = 1; i <= 3; i++) {
        tarn_id id;
        TARN_TRY(tarn_digest(&i, 1, &id, err));
        TARN_TRY(tarn_pack_add(&pack, &id, TARN_KIND_CHUNK, TARN_CODING_RAW, &i, 1, 1, err));
    }
    TARN_TRY(tarn_pack_seal(&pack, 1, name, &at, &len, err));
    TARN_TRY(save_sample(folder, "index", pack.bytes + at, len, err));
    TARN_TRY(save_sample(folder, "tail", pack.bytes + at + len, TARN_PACK_TAIL, err));
    TARN_TRY(save_sample(folder, "record", pack.bytes + TARN_PACK_HEAD, TARN_RECORD_HEAD + 1, err));
    TARN_TRY(save_sample(folder, "list", list, sizeof list, err));
    TARN_TRY(save_delta(folder, err));
done:
    tarn_pack_clear(&pack);
    return rc;
}

int main(int argc, char **argv) { return replay(argc, argv, samples); }
#endif
