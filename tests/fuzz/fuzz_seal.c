/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_seal.c - any bytes as what an encrypted lake keeps beside its packs: the text of its keys, sealed pieces and
 * rows, the clock of holds. Refused, or used without a step outside.
 *
 * Nobody without the key gets behind a seal, so rows are also given sealed by the right key around any bytes. Build
 * with libFuzzer, or with TARN_FUZZ_REPLAY for a program that runs the files named on its command line; `fuzz_seal
 * --samples FOLDER` writes what the corpus began with. */
#include "base/file.h"
#include "base/mem.h"
#include "lake/holding.h"
#include "lake/veil.h"
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct keys {
    char path[64];
    char *text;
    tarn_ring *ring;
} keys;

static tarn_code make_keys(keys *k, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    static const uint8_t key[32] = {1};

    (void)snprintf(k->path, sizeof k->path, "/tmp/tarn-fuzz-seal-%ld", (long)getpid());
    FILE *f = fopen(k->path, "wb");
    if (!f) return TARN_FAIL_ERRNO(err, "create", k->path);
    (void)fwrite(key, 1, sizeof key, f);
    (void)fclose(f);
    (void)chmod(k->path, 0600);
    TARN_TRY(tarn_ring_make(&(tarn_lake_key){.file = k->path}, &k->text, err));
    TARN_TRY(tarn_ring_open(k->text, strlen(k->text), &(tarn_lake_key){.file = k->path}, &k->ring, err));
done:
    return rc;
}

static void drop_keys(keys *k)
{
    tarn_ring_free(k->ring);
    tarn_free(k->text);
    (void)unlink(k->path);
}

static void use_text(const keys *k, const uint8_t *bytes, size_t len)
{
    tarn_key_status status;
    tarn_ring *ring = NULL;

    if (tarn_ring_look((const char *)bytes, len, &status, NULL) == TARN_OK && status.generations < 1) abort();
    if (tarn_ring_open((const char *)bytes, len, &(tarn_lake_key){.file = k->path}, &ring, NULL) == TARN_OK &&
        tarn_ring_newest(ring) == 0)
        abort();
    tarn_ring_free(ring);
}

/* As it is, and sealed by the right key. */
static void use_row(const keys *k, const uint8_t *bytes, size_t len)
{
    tarn_entry e;
    tarn_id name = {{1}};
    uint8_t *sealed = NULL;

    if (tarn_unveil(k->ring, "staged", "heads/main", &name, bytes, len, &e, NULL) == TARN_OK) abort();
    if (len > 2000 || tarn_alloc(&sealed, len + TARN_PIECE_MORE, 1, NULL) != TARN_OK) return;
    if (tarn_ring_seal(k->ring, "staged heads/main", bytes, len, sealed, NULL) != TARN_OK) abort();
    if (len > 2) tarn_veil_name(k->ring, "heads/main", "a", &name);
    if (tarn_unveil(k->ring, "staged", "heads/main", &name, sealed, len + TARN_PIECE_MORE, &e, NULL) == TARN_OK &&
        strcmp(e.path, "a") != 0)
        abort();
    tarn_free(sealed);
}

static void use_clock(const uint8_t *bytes, size_t len)
{
    char *text = NULL, *next = NULL;
    int64_t now = 0;
    bool news = false;
    tarn_machine_time m = {.wall_us = 1795344000000000, .running_us = 5, .boot = "b"};

    if (tarn_alloc(&text, len + 1, 1, NULL) != TARN_OK) return;
    if (len > 0) memcpy(text, bytes, len);
    if (tarn_hold_time(text, &m, &now, &next, &news, NULL) == TARN_OK && now < 0) abort();
    tarn_free(next);
    tarn_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    keys k = {.path = ""};

    if (make_keys(&k, NULL) == TARN_OK) {
        use_text(&k, bytes, len);
        use_row(&k, bytes, len);
        use_clock(bytes, len);
    }
    drop_keys(&k);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
static tarn_code samples(const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    keys k = {.path = ""};
    static const char clock[] = "{\"starts\":[{\"boot\":\"b\",\"running_us\":1,\"lake_us\":1795343000000000}],"
                                "\"highest_seen_time_us\":1795343000000000}";
    uint8_t row[2 + 1 + 104] = {1, 0, 'a'};

    TARN_TRY(make_keys(&k, err));
    TARN_TRY(save_sample(folder, "keys", k.text, strlen(k.text), err));
    TARN_TRY(save_sample(folder, "clock", clock, sizeof clock - 1, err));
    TARN_TRY(save_sample(folder, "row", row, sizeof row, err));
done:
    drop_keys(&k);
    return rc;
}

int main(int argc, char **argv) { return replay(argc, argv, samples); }
#endif
