/* SPDX-License-Identifier: Apache-2.0 */
/* proved_test.c - a fingerprint stands for SHA-256 only for bytes that were proved; damage is found on the second read
 * as on the first; and the cache of plain bytes is bounded. */
#include "lake/scratch_test.h"

#include "lake/delta.h"
#include "support/upper_halves.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static void only_what_was_noted_is_known(void **state)
{
    struct tarn_proved *p = NULL, *other = NULL;
    char *bytes = noise(65536, 1);
    tarn_id id, another;

    (void)state;
    must(tarn_proved_new(&p, err));
    must(tarn_proved_new(&other, err));
    must(tarn_digest(bytes, 65536, &id, err));
    must(tarn_digest(bytes, 65535, &another, err));
    assert_false(tarn_proved_known(p, &id, bytes, 65536));
    tarn_proved_note(p, &id, bytes, 65536);
    assert_true(tarn_proved_known(p, &id, bytes, 65536));
    assert_false(tarn_proved_known(p, &another, bytes, 65536)); /* the same bytes under another name */
    assert_false(tarn_proved_known(p, &id, bytes, 65535));
    assert_false(tarn_proved_known(other, &id, bytes, 65536));
    for (int bit = 0; bit < 65536 * 8; bit += 4093) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(tarn_proved_known(p, &id, bytes, 65536));
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_true(tarn_proved_known(p, &id, bytes, 65536));
    tarn_proved_free(p);
    tarn_proved_free(other);
    free(bytes);
}

/* SHA-256's instructions, and all code for older processors, run at a hundredth of their speed while they are. */
static void a_fingerprint_leaves_no_vectors_in_use(void **state)
{
    struct tarn_proved *p = NULL;
    tarn_id id = {{1}};

    (void)state;
    if (!tarn_test_tells_upper_halves()) skip();
    char *bytes = noise(65536, 1);
    must(tarn_proved_new(&p, err));
    __asm__ volatile("vzeroupper");
    tarn_proved_note(p, &id, bytes, 65536);
    assert_true(tarn_proved_known(p, &id, bytes, 65536));
    assert_false(tarn_test_upper_halves());
    tarn_proved_free(p);
    free(bytes);
}

static tarn_code count_bytes(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    (void)bytes, (void)err;
    *(uint64_t *)arg += len;
    return TARN_OK;
}

/* Flip a bit in the middle of the largest pack. */
static void damage_pack(const scratch *s)
{
    char folder[128], path[512], largest[512] = "";
    struct dirent *e;
    struct stat st;
    off_t most = 0;
    char byte;

    (void)snprintf(folder, sizeof folder, "%s/.tarn/packs", s->folder);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= most) continue;
        most = st.st_size;
        (void)strcpy(largest, path);
    }
    (void)closedir(dir);
    int fd = open(largest, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, most / 2), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, most / 2), 1);
    (void)close(fd);
}

static void damage_is_found_on_the_second_read(void **state)
{
    if (!scratch_is_local()) return;
    enum { SIZE = 3000000 };
    scratch s = scratch_new();
    char *bytes = noise(SIZE, 2);
    tarn_entry e = {.path = "big"};
    tarn_id id;
    uint64_t got = 0;

    (void)state;
    must(tarn_lake_put(s.lake, bytes, SIZE, &e.object, err));
    must(tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &id, err));
    for (int i = 0; i < 2; i++) must(tarn_lake_read(s.lake, &e.object.id, 0, UINT64_MAX, count_bytes, &got, err));
    assert_int_equal(got, 2 * SIZE);
    damage_pack(&s);
    must_fail_with(TARN_CORRUPT, "do not match",
                   tarn_lake_read(s.lake, &e.object.id, 0, UINT64_MAX, count_bytes, &got, err));
    free(bytes);
    scratch_free(&s);
}

static void the_cache_is_bounded_and_keeps_what_is_asked_for(void **state)
{
    enum { N = 64, LEN = 100000, MOST = 1000000 };
    tarn_plain_cache *cache = NULL;
    char *bytes = noise(LEN, 3);
    tarn_id ids[N];
    int kept = 0;

    (void)state;
    must(tarn_plain_cache_new(8, MOST, &cache, err));
    for (int i = 0; i < N; i++) {
        tarn_plain *plain = NULL;
        must(tarn_digest(&i, sizeof i, &ids[i], err));
        must(tarn_plain_keep(cache, &ids[i], TARN_KIND_CHUNK, bytes, LEN, &plain, err));
        tarn_plain_release(plain);
        plain = tarn_plain_kept(cache, &ids[i]); /* what came last is there */
        assert_non_null(plain);
        assert_memory_equal(plain->bytes, bytes, LEN);
        tarn_plain_release(plain);
    }
    for (int i = 0; i < N; i++) {
        tarn_plain *plain = tarn_plain_kept(cache, &ids[i]);
        kept += plain != NULL;
        tarn_plain_release(plain);
    }
    assert_in_range(kept, 5, MOST / LEN);
    tarn_plain_forget(cache);
    assert_null(tarn_plain_kept(cache, &ids[N - 1]));
    tarn_plain_cache_free(cache);
    free(bytes);
}

TARN_TESTS(TARN_TEST(only_what_was_noted_is_known), TARN_TEST(a_fingerprint_leaves_no_vectors_in_use),
           TARN_TEST(damage_is_found_on_the_second_read), TARN_TEST(the_cache_is_bounded_and_keeps_what_is_asked_for))
