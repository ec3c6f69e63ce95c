/* SPDX-License-Identifier: Apache-2.0 */
/* blocks_test.c - the cache in front of a store that counts what it is asked: right bytes always, few requests,
 * bounded. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "lake/blocks.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 5 * TARN_BLOCK + 777 };

/* One blob "packs/p" of SIZE bytes. */
typedef struct fake {
    char *bytes;
    int asked;      /* requests */
    size_t largest; /* of them, in bytes */
    bool fails;
} fake;

static tarn_code fake_get_some(void *self, const char *name, uint64_t at, size_t len, void *out, size_t *got,
                               tarn_err *err)
{
    fake *f = self;

    f->asked++;
    if (len > f->largest) f->largest = len;
    if (f->fails) return TARN_FAIL(err, TARN_IO, "the store is away");
    if (strcmp(name, "packs/p") != 0) return TARN_FAIL(err, TARN_NOT_FOUND, "no '%s'", name);
    *got = at >= SIZE ? 0 : SIZE - at < len ? SIZE - (size_t)at : len;
    memcpy(out, f->bytes + (at < SIZE ? at : 0), *got);
    return TARN_OK;
}

static tarn_code fake_put(void *self, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    (void)self, (void)name, (void)bytes, (void)len, (void)err;
    return TARN_OK;
}

static tarn_code fake_remove(void *self, const char *name, tarn_err *err)
{
    (void)self, (void)name, (void)err;
    return TARN_OK;
}

static void fake_close(void *self) { (void)self; }

static const tarn_backend faker = {.name = "fake",
                                   .remote = true,
                                   .get_some = fake_get_some,
                                   .put = fake_put,
                                   .remove = fake_remove,
                                   .close = fake_close};

typedef struct setting {
    char folder[64];
    fake f;
    void *self;
} setting;

static setting set_up(void)
{
    setting s = {.folder = "/tmp/tarn-blocks-XXXXXX"};

    assert_non_null(mkdtemp(s.folder));
    s.f.bytes = malloc(SIZE);
    assert_non_null(s.f.bytes);
    for (size_t i = 0; i < SIZE; i++) s.f.bytes[i] = (char)(i * 2654435761u >> 11);
    return s;
}

static void open_cache(setting *s, uint64_t most)
{
    must(tarn_blocks_open(s->folder, most, &faker, &s->f, &s->self, err));
}

static void close_cache(setting *s)
{
    if (s->self) tarn_blocks_backend.close(s->self);
    s->self = NULL;
}

static void tear_down(setting *s)
{
    close_cache(s);
    free(s->f.bytes);
    must(tarn_dir_remove(s->folder, err));
}

static void read_and_compare(setting *s, uint64_t at, size_t len)
{
    char *back = malloc(len + 1);

    assert_non_null(back);
    must(tarn_blocks_backend.get(s->self, "packs/p", at, len, back, err));
    assert_memory_equal(back, s->f.bytes + at, len);
    free(back);
}

static uint64_t bytes_in(const char *folder, int *files)
{
    uint64_t total = 0;
    DIR *dir = opendir(folder);
    struct stat st;

    *files = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.' && fstatat(dirfd(dir), e->d_name, &st, 0) == 0)
            total += (uint64_t)st.st_size, (*files)++;
    (void)closedir(dir);
    return total;
}

static void reading_on_asks_for_ever_more(void **state)
{
    setting s = set_up();

    (void)state;
    open_cache(&s, 1u << 30);
    for (size_t at = 0; at < SIZE; at += 50000) read_and_compare(&s, at, SIZE - at < 50000 ? SIZE - at : 50000);
    assert_int_equal(s.f.asked, 3); /* of 1, 2 and 4 blocks, of which there are 3 */
    for (size_t at = 0; at < SIZE; at += 50000) read_and_compare(&s, at, SIZE - at < 50000 ? SIZE - at : 50000);
    read_and_compare(&s, 0, SIZE);
    read_and_compare(&s, TARN_BLOCK - 1, 2);
    read_and_compare(&s, SIZE - 1, 1);
    read_and_compare(&s, 17, 0);
    assert_int_equal(s.f.asked, 3);
    close_cache(&s);
    open_cache(&s, 1u << 30); /* another process finds the files */
    read_and_compare(&s, 0, SIZE);
    assert_int_equal(s.f.asked, 3);
    tear_down(&s);
}

static void single_reads_ask_for_one_block(void **state)
{
    setting s = set_up();

    (void)state;
    open_cache(&s, 1u << 30);
    read_and_compare(&s, 4 * TARN_BLOCK + 5, 10);
    read_and_compare(&s, 2 * TARN_BLOCK + 5, 10);
    assert_int_equal(s.f.asked, 2);
    assert_int_equal(s.f.largest, TARN_BLOCK);
    char back[8];
    must_fail_with(TARN_CORRUPT, "ends early", tarn_blocks_backend.get(s.self, "packs/p", SIZE - 3, 4, back, err));
    must_fail_with(TARN_CORRUPT, "ends early",
                   tarn_blocks_backend.get(s.self, "packs/p", 100 * TARN_BLOCK, 1, back, err));
    must_fail_with(TARN_NOT_FOUND, "packs/q", tarn_blocks_backend.get(s.self, "packs/q", 0, 1, back, err));
    s.f.fails = true;
    must_fail_with(TARN_IO, "away", tarn_blocks_backend.get(s.self, "packs/p", 0, 1, back, err));
    s.f.fails = false;
    read_and_compare(&s, 0, 1);
    tear_down(&s);
}

/* Whatever becomes of the files, the bytes are right. */
static void damaged_files_are_fetched_again(void **state)
{
    setting s = set_up();
    char path[128], *text = NULL;
    size_t len = 0;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/packs_p.0", s.folder);
    for (int kind = 0; kind < 5; kind++) {
        open_cache(&s, 1u << 30);
        read_and_compare(&s, 0, 100);
        close_cache(&s);
        must(tarn_file_read(path, 0, &text, &len, err));
        if (kind == 0) text[3] ^= 1;             /* the mark */
        if (kind == 1) text[13] ^= 1;            /* the length */
        if (kind == 2) text[9] ^= 1;             /* the sum */
        if (kind == 3) text[len - 1] ^= 1;       /* the bytes */
        size_t keep = kind == 4 ? len / 2 : len; /* the end */
        must(tarn_file_save(path, text, keep, err));
        tarn_free(text);
        open_cache(&s, 1u << 30);
        int before = s.f.asked;
        read_and_compare(&s, 0, TARN_BLOCK);
        assert_int_equal(s.f.asked, before + 1);
        close_cache(&s);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0); /* no file can be there */
    open_cache(&s, 1u << 30);
    read_and_compare(&s, 0, 100);
    close_cache(&s);
    must(tarn_dir_remove(s.folder, err));
    open_cache(&s, 1u << 30); /* the folder is made */
    must(tarn_dir_remove(s.folder, err));
    read_and_compare(&s, 0, SIZE); /* and need not be there */
    must(tarn_dir_make(s.folder, err));
    tear_down(&s);
}

static void the_limit_holds_and_the_oldest_goes(void **state)
{
    setting s = set_up();
    int files = 0;

    (void)state;
    open_cache(&s, 3 * TARN_BLOCK + 1000);
    for (int round = 0; round < 3; round++) {
        read_and_compare(&s, 0, SIZE);
        assert_true(bytes_in(s.folder, &files) <= 3 * TARN_BLOCK + 1000);
        assert_true(files > 0);
    }
    close_cache(&s);
    open_cache(&s, TARN_BLOCK); /* a smaller one from now on */
    assert_true(bytes_in(s.folder, &files) <= TARN_BLOCK);
    tear_down(&s);
}

static void what_is_put_is_there_and_what_is_removed_gone(void **state)
{
    setting s = set_up();
    int files = 0;

    (void)state;
    open_cache(&s, 1u << 30);
    must(tarn_blocks_backend.put(s.self, "packs/p", s.f.bytes, SIZE, err));
    must(tarn_blocks_backend.put(s.self, "format", "x", 1, err)); /* may change: is not kept */
    (void)bytes_in(s.folder, &files);
    assert_int_equal(files, 6);
    read_and_compare(&s, 0, SIZE);
    assert_int_equal(s.f.asked, 0);
    must(tarn_blocks_backend.remove(s.self, "packs/p", err));
    (void)bytes_in(s.folder, &files);
    assert_int_equal(files, 0);
    tear_down(&s);
}

static void running_out_of_memory_is_a_clean_error(void **state)
{
    setting s = set_up();
    tarn_code rc = TARN_NOMEM;
    char back[100];

    (void)state;
    for (int64_t n = 1; rc == TARN_NOMEM && n < 100; n++) {
        tarn_mem_fail_after(n);
        rc = tarn_blocks_open(s.folder, 1u << 30, &faker, &s.f, &s.self, NULL);
        if (rc == TARN_OK) rc = tarn_blocks_backend.get(s.self, "packs/p", 10, sizeof back, back, NULL);
        tarn_mem_fail_after(0);
        close_cache(&s);
    }
    assert_int_equal(rc, TARN_OK);
    assert_memory_equal(back, s.f.bytes + 10, sizeof back);
    tear_down(&s);
}

TARN_TESTS(TARN_TEST(reading_on_asks_for_ever_more), TARN_TEST(single_reads_ask_for_one_block),
           TARN_TEST(damaged_files_are_fetched_again), TARN_TEST(the_limit_holds_and_the_oldest_goes),
           TARN_TEST(what_is_put_is_there_and_what_is_removed_gone), TARN_TEST(running_out_of_memory_is_a_clean_error))
