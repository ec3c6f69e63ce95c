/* SPDX-License-Identifier: Apache-2.0 */
/* large_test.c - large contents on several threads: the same bytes stored and read whatever their number, ranges,
 * damage, failures in the middle, and memory running out. */
#include "lake/inside.h"
#include "lake/object.h"
#include "lake/pipeline.h"
#include "lake/scratch_test.h"

#include "base/pool.h"
#include "base/str.h"
#include "lake/care.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { LEN = (13 << 20) + 4321 };

/* Noise, text that compresses, and a stretch that comes twice. */
static char *content(uint64_t seed)
{
    char *bytes = noise(LEN, seed);

    for (size_t i = 3 << 20; i < 7 << 20; i++) bytes[i] = (char)('a' + (i * i / 911) % 7);
    memcpy(bytes + (10 << 20), bytes, 1 << 20);
    return bytes;
}

static void path_in(const scratch *s, const char *name, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", s->folder, name);
}

/* The records of all packs, in order of their length: what stands before their indexes. */
static void digest_of_packs(const scratch *s, tarn_id *out)
{
    char folder[128], path[512];
    tarn_id each[32];
    size_t n = 0;
    struct dirent *e;

    path_in(s, ".tarn/packs", folder);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        tarn_mapped map;
        tarn_tail tail;
        if (e->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        must(tarn_map_open(path, &map, err));
        must(tarn_tail_read((const uint8_t *)map.bytes + map.len - TARN_PACK_TAIL, map.len, e->d_name, &tail, err));
        assert_true(n < 32);
        must(tarn_digest(map.bytes, (size_t)tail.index_at, &each[n++], err));
        tarn_map_close(&map);
    }
    (void)closedir(dir);
    for (size_t i = 1; i < n; i++) /* folders have no order */
        for (size_t k = i; k > 0 && memcmp(&each[k - 1], &each[k], sizeof *each) > 0; k--) {
            tarn_id t = each[k];
            each[k] = each[k - 1];
            each[k - 1] = t;
        }
    must(tarn_digest(each, n * sizeof *each, out, err));
}

typedef struct taking {
    char *bytes;
    size_t at, most; /* most: fail behind that */
} taking;

static tarn_code take(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    taking *t = arg;

    if (t->at + len > t->most) return TARN_FAIL(err, TARN_FULL, "this is enough");
    memcpy(t->bytes + t->at, bytes, len);
    t->at += len;
    return TARN_OK;
}

static void check_range(scratch *s, tarn_pool *pool, const tarn_id *id, const char *bytes, size_t at, size_t len,
                        char *back)
{
    taking t = {.bytes = back, .most = LEN};
    size_t expect = LEN - at < len ? LEN - at : len;

    must(tarn_lake_read_by(s->lake, pool, id, at, len, take, &t, err));
    assert_int_equal(t.at, expect);
    assert_memory_equal(back, bytes + at, expect);
}

/* Two versions of a file, the second made from the first; on 0 (one by one), 1, 2 and 5 threads. */
static void the_same_is_stored_for_any_number_of_threads(void **state)
{
    static const int threads[] = {0, 1, 2, 5};
    char *one = content(1), *two = content(1), *back = malloc(LEN), path[128];
    tarn_id packs[4];
    tarn_object a = {0}, b = {0};

    (void)state;
    if (!scratch_is_local()) return;
    for (size_t i = 1 << 18; i < LEN; i += 700001) two[i] ^= 1;
    memmove(two + (8 << 20) + 100, two + (8 << 20), LEN - (8 << 20) - 100); /* inserted */
    for (int k = 0; k < 4; k++) {
        scratch s = scratch_new();
        tarn_pool *pool = NULL;
        const char *paths[1] = {path};
        if (threads[k] > 0) must(tarn_pool_new(threads[k], &pool, err));
        path_in(&s, "file", path);
        must(tarn_file_save(path, one, LEN, err));
        must(tarn_lake_put_files(s.lake, pool, paths, NULL, 1, &a, err));
        must(tarn_lake_sync(s.lake, err));
        must(tarn_file_save(path, two, LEN, err));
        must(tarn_lake_put_files(s.lake, pool, paths, &a.id, 1, &b, err));
        must(tarn_lake_sync(s.lake, err));
        check_range(&s, pool, &a.id, one, 0, LEN, back);
        check_range(&s, pool, &b.id, two, 0, LEN, back);
        tarn_id id;
        must(tarn_digest(two, LEN, &id, err));
        assert_true(tarn_id_equal(&id, &b.id));
        must(tarn_object_check(s.lake, &b.id, err));
        digest_of_packs(&s, &packs[k]);
        assert_true(tarn_id_equal(&packs[k], &packs[0]));
        tarn_pool_free(pool);
        scratch_free(&s);
    }
    free(one);
    free(two);
    free(back);
}

static void ranges_come_back(void **state)
{
    scratch s = scratch_new();
    char *bytes = content(2), *back = malloc(LEN);
    tarn_object o;
    tarn_pool *pools[3] = {NULL};

    (void)state;
    must(tarn_pool_new(1, &pools[1], err));
    must(tarn_pool_new(4, &pools[2], err));
    must(tarn_lake_put(s.lake, bytes, LEN, &o, err));
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < 60; i++) {
            size_t at = (size_t)(tarn_random_u64(3, TARN_STREAM_TEST, i, 0) % LEN);
            check_range(&s, pools[k], &o.id, bytes, at, i % 3 == 0 ? 4096 : i * 40000, back);
        }
        check_range(&s, pools[k], &o.id, bytes, LEN, 10, back); /* nothing */
        check_range(&s, pools[k], &o.id, bytes, LEN - 1, 10, back);
        check_range(&s, pools[k], &o.id, bytes, 0, 0, back);
        taking t = {.bytes = back, .most = LEN};
        must_fail_with(TARN_INVALID, "cannot start at",
                       tarn_lake_read_by(s.lake, pools[k], &o.id, LEN + 1, 1, take, &t, err));
        t = (taking){.bytes = back, .most = 5000000}; /* who takes the bytes has had enough: the first ones are right */
        must_fail_with(TARN_FULL, "enough", tarn_lake_read_by(s.lake, pools[k], &o.id, 0, UINT64_MAX, take, &t, err));
        assert_in_range(t.at, 5000000 - TARN_CHUNK_MOST, 5000000);
        assert_memory_equal(back, bytes, t.at);
        tarn_pool_free(pools[k]);
    }
    free(bytes);
    free(back);
    scratch_free(&s);
}

/* A bit falls over somewhere in a pack: what was given before is right, and the error tells the place. */
static void damage_is_found_by_any_number_of_threads(void **state)
{
    scratch s = scratch_new();
    char *bytes = content(4), *back = malloc(LEN), folder[128], path[512];
    tarn_object o;
    tarn_pool *pool = NULL;

    (void)state;
    if (!scratch_is_local()) goto done;
    must(tarn_pool_new(3, &pool, err));
    must(tarn_lake_put(s.lake, bytes, LEN, &o, err));
    must(tarn_lake_sync(s.lake, err));
    path_in(&s, ".tarn/packs", folder);
    DIR *dir = opendir(folder);
    struct dirent *e;
    do e = readdir(dir);
    while (e && e->d_name[0] == '.');
    assert_non_null(e);
    (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    (void)closedir(dir);
    assert_int_equal(chmod(path, 0644), 0);
    int fd = open(path, O_RDWR);
    for (off_t at = 40000; at < 5 << 20; at += 900001) {
        uint8_t byte;
        taking t = {.bytes = back, .most = LEN};
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 16;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        must_fail_with(TARN_CORRUPT, "pack p-", tarn_lake_read_by(s.lake, pool, &o.id, 0, UINT64_MAX, take, &t, err));
        assert_true(t.at < LEN);
        assert_memory_equal(back, bytes, t.at);
        byte ^= 16;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    (void)close(fd);
    check_range(&s, pool, &o.id, bytes, 0, LEN, back);
done:
    tarn_pool_free(pool);
    free(bytes);
    free(back);
    scratch_free(&s);
}

/* Files that are not what they seemed, and sizes around the borders of batches. */
static void any_size_goes_through_the_pipeline(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   131072,
                                   131073,
                                   (4 << 20) + 131072,
                                   (4 << 20) + 131073,
                                   4 << 20,
                                   (4 << 20) - 1,
                                   (8 << 20) + 131072,
                                   (8 << 20) + 262144};
    scratch s = scratch_new();
    char *bytes = content(5), path[128];
    tarn_pool *pool = NULL;

    (void)state;
    must(tarn_pool_new(2, &pool, err));
    path_in(&s, "file", path);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tarn_object by_pipeline, plainly;
        must(tarn_file_save(path, bytes, sizes[i], err));
        int fd = open(path, O_RDONLY);
        must(tarn_pipeline_put(s.lake, pool, fd, path, NULL, &by_pipeline, err));
        (void)close(fd);
        must(tarn_lake_put(s.lake, bytes, sizes[i], &plainly, err));
        assert_true(tarn_id_equal(&by_pipeline.id, &plainly.id));
        assert_int_equal(by_pipeline.size, sizes[i]);
        must(tarn_object_check(s.lake, &plainly.id, err));
    }
    tarn_pool_free(pool);
    free(bytes);
    scratch_free(&s);
}

/* Large and small ones together, and one that is not there. */
static void many_files_of_all_sizes(void **state)
{
    enum { N = 9 };
    scratch s = scratch_new();
    char *bytes = content(6), path[N][128];
    const char *paths[N];
    tarn_pool *pool = NULL;
    tarn_object out[N];
    tarn_id id;

    (void)state;
    must(tarn_pool_new(2, &pool, err));
    for (int i = 0; i < N; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%d", i);
        path_in(&s, name, path[i]);
        paths[i] = path[i];
        must(tarn_file_save(path[i], bytes + i, (size_t)i % 3 == 0 ? (3 << 20) + (size_t)i : (size_t)i * 1000, err));
    }
    must(tarn_lake_put_files(s.lake, pool, paths, NULL, N, out, err));
    for (int i = 0; i < N; i++) {
        must(tarn_digest(bytes + i, (size_t)out[i].size, &id, err));
        assert_true(tarn_id_equal(&id, &out[i].id));
    }
    assert_int_equal(unlink(path[6]), 0); /* a large one */
    must_fail_with(TARN_NOT_FOUND, "f6", tarn_lake_put_files(s.lake, pool, paths, NULL, N, out, err));
    must(tarn_dir_make(path[6], err));
    must_fail_with(TARN_INVALID, "not a regular file", tarn_lake_put_files(s.lake, pool, paths, NULL, N, out, err));
    tarn_pool_free(pool);
    free(bytes);
    scratch_free(&s);
}

/* Hundreds of little ones, some empty, some the same, some at the border; on one thread and on three. */
static void little_files_go_together(void **state)
{
    enum { N = 500 };
    char *bytes = content(8), *back = malloc(LEN);

    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        scratch s = scratch_new();
        static char path[N][128];
        const char *paths[N];
        tarn_pool *pool = NULL;
        static tarn_object out[N], again[N];
        must(tarn_pool_new(threads, &pool, err));
        for (int i = 0; i < N; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "f%d", i);
            path_in(&s, name, path[i]);
            paths[i] = path[i];
            size_t len = i % 7 == 0 ? 8185 + (size_t)i % 16 : i % 11 == 0 ? 0 : (size_t)i * 13 % 900;
            must(tarn_file_save(path[i], bytes + (i % 5 == 0 ? 0 : i), len, err));
        }
        must(tarn_lake_put_files(s.lake, pool, paths, NULL, N, out, err));
        uint64_t puts = s.lake->puts;
        for (int i = 0; i < N; i++) {
            taking t = {.bytes = back, .most = LEN};
            must(tarn_lake_read(s.lake, &out[i].id, 0, UINT64_MAX, take, &t, err));
            assert_int_equal(t.at, out[i].size);
            assert_memory_equal(back, bytes + (i % 5 == 0 ? 0 : i), t.at);
        }
        must(tarn_lake_put_files(s.lake, pool, paths, NULL, N, again, err));
        assert_memory_equal(out, again, sizeof out);
        assert_int_equal(s.lake->puts, puts);
        tarn_pool_free(pool);
        scratch_free(&s);
    }
    free(bytes);
    free(back);
}

/* Whatever is refused: an error, nothing lost, and it works when there is memory again. */
static void memory_runs_out_cleanly(void **state)
{
    scratch s = scratch_new();
    char *bytes = content(7), *back = malloc(LEN), path[128];
    const char *paths[1] = {path};
    tarn_pool *pool = NULL;
    tarn_object o, other;
    tarn_code rc = TARN_NOMEM;

    (void)state;
    must(tarn_pool_new(2, &pool, err));
    path_in(&s, "file", path);
    must(tarn_file_save(path, bytes, LEN, err));
    for (int64_t n = 1; rc == TARN_NOMEM; n += n < 60 ? 1 : 37) {
        tarn_err why = {0};
        tarn_mem_fail_after(n);
        rc = tarn_lake_put_files(s.lake, pool, paths, NULL, 1, &o, &why);
        tarn_mem_fail_after(0);
        assert_true(rc == TARN_OK || rc == TARN_NOMEM);
    }
    must(tarn_lake_sync(s.lake, err));
    rc = TARN_NOMEM;
    for (int64_t n = 1; rc == TARN_NOMEM; n++) {
        tarn_err why = {0};
        taking t = {.bytes = back, .most = LEN};
        tarn_mem_fail_after(n);
        rc = tarn_lake_read_by(s.lake, pool, &o.id, 100, LEN - 200, take, &t, &why);
        tarn_mem_fail_after(0);
        assert_true(rc == TARN_OK || rc == TARN_NOMEM);
        assert_memory_equal(back, bytes + 100, t.at);
    }
    must(tarn_lake_put(s.lake, bytes, LEN, &other, err));
    assert_true(tarn_id_equal(&o.id, &other.id));
    tarn_pool_free(pool);
    free(bytes);
    free(back);
    scratch_free(&s);
}

/* What a sweep took is not answered from memory, and what was begun on the disk and never named leaves nothing. */
static void what_is_gone_is_gone(void **state)
{
    scratch s = scratch_new();
    char *bytes = content(8), *back = malloc(LEN), folder[128];
    tarn_object o;
    taking t = {.bytes = back, .most = LEN};

    (void)state;
    must(tarn_lake_put(s.lake, bytes, LEN, &o, err));
    must(tarn_lake_sync(s.lake, err));
    check_range(&s, NULL, &o.id, bytes, 5000, 1000, back);
    tarn_gc_options options = {.no_grace = true};
    tarn_gc report;
    must(tarn_lake_gc(s.lake, &options, &report, NULL, err));
    must_fail_with(TARN_NOT_FOUND, "is not in the lake", tarn_lake_read(s.lake, &o.id, 5000, 1000, take, &t, err));
    must(tarn_lake_put(s.lake, bytes, LEN, &o, err)); /* never synced */
    scratch_reopen(&s);
    path_in(&s, ".tarn/tmp", folder);
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) assert_int_equal(e->d_name[0], '.');
    if (dir) (void)closedir(dir);
    free(bytes);
    free(back);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(the_same_is_stored_for_any_number_of_threads), TARN_TEST(ranges_come_back),
           TARN_TEST(damage_is_found_by_any_number_of_threads), TARN_TEST(any_size_goes_through_the_pipeline),
           TARN_TEST(many_files_of_all_sizes), TARN_TEST(little_files_go_together), TARN_TEST(memory_runs_out_cleanly),
           TARN_TEST(what_is_gone_is_gone))
