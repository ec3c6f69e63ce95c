/* SPDX-License-Identifier: Apache-2.0 */
/* far_test.c - lakes whose packs are in a real object store: encrypted ones show nothing there and change their key
 * without their data; damage in the store is repaired from the cache of blocks and from another store; metadata that
 * are lost are made again; and a store that goes wrong in any way is never taken for a damaged one. */
#include "support/peer.h"
#include "support/tarn_test.h"

#include "base/file.h"
#include "base/mem.h"
#include "lake/backends.h"
#include "lake/care.h"
#include "lake/key.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define SECRET "Zanzibar-7714"
enum { URL_CAP = 300, BLOBS = 200, BIG = 400000 };

typedef struct far {
    char folder[64], key[100], cache[100], store[URL_CAP], meta[URL_CAP];
    peer server, database, proxy;
    tarn_lake *lake;
    tarn_id head;
    bool sealed;
} far;

/* ---- the store itself ---- */

typedef struct blobs {
    char names[BLOBS][100];
    uint64_t sizes[BLOBS];
    int n;
} blobs;

static tarn_code keep_blob(void *arg, const char *name, uint64_t size, tarn_err *err)
{
    blobs *b = arg;

    (void)err;
    if (b->n == BLOBS) return TARN_OK;
    (void)snprintf(b->names[b->n], sizeof b->names[0], "%s", name);
    b->sizes[b->n++] = size;
    return TARN_OK;
}

typedef struct store {
    const tarn_backend *backend;
    void *self;
} store;

static store open_store(const char *url)
{
    store s = {0};
    const char *rest = NULL;

    must(tarn_backend_find(url, &s.backend, &rest, err));
    must(s.backend->open(rest, &s.self, err));
    return s;
}

static void list_store(const store *s, const char *prefix, blobs *out)
{
    *out = (blobs){.n = 0};
    must(s->backend->list(s->self, prefix, keep_blob, out, err));
    assert_true(out->n < BLOBS);
}

static char *take_blob(const store *s, const char *name, uint64_t size)
{
    char *bytes = malloc(size + 1);

    assert_non_null(bytes);
    must(s->backend->get(s->self, name, 0, size, bytes, err));
    return bytes;
}

static void put_anew(const store *s, const char *name, const char *bytes, uint64_t size)
{
    must(s->backend->remove(s->self, name, err));
    must(s->backend->put(s->self, name, bytes, size, err));
}

/* ---- lakes ---- */

/* False: a server is not installed, and that may be. */
static bool start(far *f, const char *kind, bool postgres)
{
    bool azure = strcmp(kind, "azure") == 0;

    peer_keys();
    if (!peer_start(&f->server, kind, 0, "")) return false;
    if (postgres && !peer_start(&f->database, "postgres", 0, "")) {
        peer_stop(&f->server);
        return false;
    }
    peer_start_faults(&f->proxy, "faults", &f->server);
    (void)snprintf(f->store, sizeof f->store, "%s://packs/far/lake?endpoint=http://127.0.0.1:%d%s&patience=2", kind,
                   f->proxy.port, azure ? "/devstoreaccount1" : "");
    if (postgres)
        (void)snprintf(f->meta, sizeof f->meta, "postgresql://tarn@127.0.0.1:%d/postgres?schema=far", f->database.port);
    return true;
}

static void make_key(const char *path, char first)
{
    char bytes[32] = {first, 7};

    (void)unlink(path);
    must(tarn_file_save(path, bytes, sizeof bytes, err));
    assert_int_equal(chmod(path, 0600) | setenv("TARN_KEY_FILE", path, 1), 0);
}

static void commit(far *f, const char *path, const void *bytes, size_t len)
{
    tarn_entry e = {.path = ""};

    (void)snprintf(e.path, sizeof e.path, "%s", path);
    must(tarn_lake_put(f->lake, bytes, len, &e.object, err));
    must(tarn_lake_commit_entries(f->lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann " SECRET}, &f->head,
                                  err));
}

static void big_bytes(char *out)
{
    uint64_t x = 88172645463325252u;

    for (int i = 0; i < BIG; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        out[i] = (char)x;
    }
}

static void reopen(far *f)
{
    tarn_lake_close(f->lake);
    f->lake = NULL;
    must(tarn_lake_open(f->folder, &f->lake, err));
}

static void make(far *f, bool sealed)
{
    char *big = malloc(BIG), text[40];

    assert_non_null(big);
    f->sealed = sealed;
    (void)strcpy(f->folder, "/tmp/tarn-far-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->key, sizeof f->key, "%s/lake.key", f->folder);
    (void)snprintf(f->cache, sizeof f->cache, "%s/plain", f->folder);
    must(tarn_dir_make(f->cache, err));
    assert_int_equal(setenv("TARN_CACHE", f->cache, 1), 0);
    make_key(f->key, 'a');
    const char *meta = f->meta[0] ? f->meta : NULL;
    if (sealed) must(tarn_lake_init_encrypted(f->folder, f->store, meta, &(tarn_lake_key){.file = f->key}, err));
    else must(tarn_lake_init_at(f->folder, f->store, meta, err));
    must(tarn_lake_open(f->folder, &f->lake, err));
    big_bytes(big);
    commit(f, "big", big, BIG);
    for (int i = 0; i < 4; i++) {
        (void)snprintf(text, sizeof text, SECRET " number %d", i);
        commit(f, text, text, strlen(text));
    }
    free(big);
}

static void stop(far *f)
{
    tarn_lake_close(f->lake);
    if (f->folder[0]) must(tarn_dir_remove(f->folder, err));
    peer_stop(&f->proxy);
    peer_stop(&f->database);
    peer_stop(&f->server);
    assert_int_equal(unsetenv("TARN_KEY_FILE") | unsetenv("TARN_CACHE"), 0);
}

static int64_t problems(far *f)
{
    tarn_fsck sum = {0};

    must(tarn_lake_fsck(f->lake, NULL, NULL, &sum, NULL, err));
    return sum.problems;
}

static void say_problem(void *arg, const char *line)
{
    (void)arg;
    print_message("%s\n", line);
}

/* Opened anew, without caches: all is there and clean. */
static void must_be_whole(far *f)
{
    char cache[200], *want = malloc(BIG), *bytes = NULL;
    size_t len = 0;
    tarn_id head;
    tarn_entry e;

    assert_non_null(want);
    tarn_lake_close(f->lake);
    f->lake = NULL;
    (void)snprintf(cache, sizeof cache, "%s/.tarn/cache", f->folder);
    must(tarn_dir_remove(cache, err));
    reopen(f);
    tarn_fsck sum = {0};
    must(tarn_lake_fsck(f->lake, say_problem, NULL, &sum, NULL, err));
    assert_int_equal(sum.problems, 0);
    must(tarn_lake_ref_get(f->lake, "heads/main", &head, err));
    assert_true(tarn_id_equal(&head, &f->head));
    must(tarn_lake_lookup(f->lake, &head, "big", &e, err));
    must(tarn_lake_get(f->lake, &e.object.id, 0, &bytes, &len, err));
    big_bytes(want);
    assert_int_equal(len, BIG);
    assert_memory_equal(bytes, want, BIG);
    tarn_free(bytes);
    free(want);
}

/* ---- encrypted ---- */

static void shows_nothing(const store *s, int *n)
{
    blobs all;

    list_store(s, "", &all);
    for (int i = 0; i < all.n; i++) {
        char *bytes = take_blob(s, all.names[i], all.sizes[i]);
        if (memmem(bytes, all.sizes[i], SECRET, strlen(SECRET))) fail_msg("'%s' shows the content", all.names[i]);
        free(bytes);
    }
    *n = all.n;
}

static void change_key(far *f, const store *s)
{
    blobs before, after, keys, old_keys;
    char other[140];

    list_store(s, "packs/", &before);
    list_store(s, "keys/", &old_keys);
    assert_int_equal(old_keys.n, 1);
    (void)snprintf(other, sizeof other, "%s/other.key", f->folder);
    make_key(other, 'b');
    must(tarn_lake_key_rotate(f->lake, &(tarn_lake_key){.file = other}, err));
    list_store(s, "packs/", &after);
    assert_int_equal(after.n, before.n); /* not a pack was written */
    list_store(s, "keys/", &keys);
    assert_int_equal(keys.n, 1); /* the old copy, which the old key opens, is gone */
    assert_string_not_equal(keys.names[0], old_keys.names[0]);
    tarn_lake *none = NULL;
    must_fail_with(TARN_DENIED, "not the lake's key",
                   tarn_lake_open_with(f->folder, &(tarn_lake_key){.file = f->key}, &none, err));
    reopen(f);
    commit(f, "after", "sealed with the new generation", 30);
    must_be_whole(f);
}

/* Another server: it finds that the lake is encrypted, and its keys. */
static void join_it(far *f)
{
    char folder[100];
    tarn_lake *lake = NULL;
    tarn_id head;
    tarn_key_status status;

    (void)snprintf(folder, sizeof folder, "%s/second", f->folder);
    must(tarn_dir_make(folder, err));
    must(tarn_lake_join(folder, f->store, f->meta, err));
    must(tarn_lake_open(folder, &lake, err));
    must(tarn_lake_key_status(lake, &status, err));
    assert_int_equal(status.generations, 2);
    must(tarn_lake_ref_get(lake, "heads/main", &head, err));
    assert_true(tarn_id_equal(&head, &f->head));
    tarn_lake_close(lake);
}

/* Everything of the folder but `format` is lost. */
static void lose_metadata(far *f)
{
    char command[300];
    bool mended = false;

    tarn_lake_close(f->lake);
    f->lake = NULL;
    (void)snprintf(command, sizeof command, "cd %s/.tarn && mv format .. && rm -rf ./* && mv ../format .", f->folder);
    assert_int_equal(system(command), 0);
    must(tarn_lake_mend_meta(f->folder, NULL, NULL, &mended, err));
    assert_true(mended);
    must(tarn_lake_open(f->folder, &f->lake, err));
    must(tarn_lake_ref_move(f->lake, "heads/main", NULL, &f->head, "Ann", "test", err));
    must_be_whole(f);
}

static void check_sealed(const char *kind, bool postgres)
{
    far f = {.folder = ""};
    int n = 0;

    if (!start(&f, kind, postgres)) return;
    make(&f, true);
    store s = open_store(f.store);
    must_be_whole(&f);
    shows_nothing(&s, &n);
    assert_true(n > 6);
    change_key(&f, &s);
    shows_nothing(&s, &n);
    if (postgres) join_it(&f);
    else lose_metadata(&f);
    s.backend->close(s.self);
    stop(&f);
}

static void encrypted_lakes_live_in_object_stores(void **state)
{
    (void)state;
    check_sealed("s3", false);
    check_sealed("azure", false);
    check_sealed("s3", true);
}

/* ---- damage in the store ---- */

/* A byte of the largest pack, or (how 1) the whole pack. */
static void damage_largest(const store *s, int how)
{
    blobs packs;
    int k = 0;

    list_store(s, "packs/", &packs);
    for (int i = 1; i < packs.n; i++)
        if (packs.sizes[i] > packs.sizes[k]) k = i;
    char *bytes = take_blob(s, packs.names[k], packs.sizes[k]);
    bytes[packs.sizes[k] / 2] ^= 1;
    if (how == 0) put_anew(s, packs.names[k], bytes, packs.sizes[k]);
    else must(s->backend->remove(s->self, packs.names[k], err));
    free(bytes);
}

static void repair_it(far *f, tarn_lake *from, tarn_repair *sum)
{
    tarn_lake *lakes[1] = {from};

    must(tarn_lake_repair(f->lake, &(tarn_repair_options){.from = lakes, .n_from = from != NULL}, sum, err));
}

static void copy_store(const store *from, const char *url)
{
    store to = open_store(url);
    blobs all;

    list_store(from, "", &all);
    for (int i = 0; i < all.n; i++) {
        char *bytes = take_blob(from, all.names[i], all.sizes[i]);
        must(to.backend->put(to.self, all.names[i], bytes, all.sizes[i], err));
        free(bytes);
    }
    to.backend->close(to.self);
}

static void drop_block_cache(far *f)
{
    char cache[200];

    tarn_lake_close(f->lake);
    f->lake = NULL;
    (void)snprintf(cache, sizeof cache, "%s/.tarn/cache", f->folder);
    must(tarn_dir_remove(cache, err));
    must(tarn_lake_open(f->folder, &f->lake, err));
}

static void check_damage(const char *kind, bool sealed)
{
    far f = {.folder = ""};
    char copy[URL_CAP], *at;
    tarn_repair sum;

    if (!start(&f, kind, false)) return;
    make(&f, sealed);
    store s = open_store(f.store);
    for (int how = 0; how < 2; how++) { /* the cache still has all of it */
        damage_largest(&s, how);
        assert_true(problems(&f) > 0);
        repair_it(&f, NULL, &sum);
        assert_true(sum.packs == 1 && sum.left == 0);
        must_be_whole(&f);
    }
    (void)strcpy(copy, f.store);
    at = strstr(copy, "far/lake");
    memcpy(at, "far/copy", 8);
    copy_store(&s, copy);
    for (int how = 0; how < 2; how++) { /* only another store has it */
        tarn_lake *from = NULL;
        damage_largest(&s, how);
        drop_block_cache(&f);
        repair_it(&f, NULL, &sum);
        assert_true(sum.left > 0);
        must(tarn_lake_source_open(f.lake, copy, &from, NULL, NULL, err));
        repair_it(&f, from, &sum);
        assert_true(sum.left == 0 && sum.fetched > 0);
        tarn_lake_close(from);
        must_be_whole(&f);
    }
    s.backend->close(s.self);
    stop(&f);
}

static void damage_in_a_store_is_repaired_from_the_cache_and_from_another_store(void **state)
{
    (void)state;
    check_damage("s3", false);
    check_damage("azure", true);
}

/* ---- a store that goes wrong ---- */

static tarn_code look_and_repair(far *f, tarn_lake *from, int64_t *found, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_fsck counts = {0};
    tarn_lake *lakes[1] = {from};
    tarn_repair sum;

    TARN_TRY(tarn_lake_fsck(f->lake, NULL, NULL, &counts, NULL, err));
    TARN_TRY(tarn_lake_repair(f->lake, &(tarn_repair_options){.from = lakes, .n_from = from != NULL}, &sum, err));
    *found = counts.problems + sum.packs;
done:
    return rc;
}

static void faults_that_pass_are_waited_for_and_others_end_the_repair(void **state)
{
    static const char *const kinds[] = {"500", "503", "slow", "cut", "reset"};
    far f = {.folder = ""};
    int64_t found = 0;
    char damaged[200];
    blobs before, after;
    tarn_repair sum;

    (void)state;
    if (!start(&f, "s3", false)) return;
    make(&f, true);
    store s = open_store(f.store);
    list_store(&s, "packs/", &before);
    (void)snprintf(damaged, sizeof damaged, "%s/.tarn/damaged", f.folder);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        peer_fault(&f.proxy, kinds[i], 1); /* in the middle of fsck, which goes on */
        must(look_and_repair(&f, NULL, &found, err));
        assert_int_equal(found, 0);
        assert_true(peer_fault_is_over(&f.proxy));
        if (i != 0 && i != 4) continue; /* the others end in the same way, and slow is an answer */
        peer_fault(&f.proxy, kinds[i], 100000);
        must_fail_with(TARN_IO, "127.0.0.1", look_and_repair(&f, NULL, &found, err));
        if (i == 0)
            must_fail_with(TARN_IO, "127.0.0.1",
                           tarn_lake_repair(f.lake, &(tarn_repair_options){.n_from = 0}, &sum, err));
        peer_fault(&f.proxy, "", 0);
        assert_false(tarn_path_exists(damaged)); /* nothing was taken for damaged */
        list_store(&s, "packs/", &after);
        assert_int_equal(after.n, before.n);
    }
    must_be_whole(&f);
    s.backend->close(s.self);
    stop(&f);
}

/* A copy that does not answer is left out, and told; another one serves. */
static tarn_lake *open_copy(far *f, const char *url)
{
    tarn_lake *from = NULL;

    assert_int_equal(setenv("TARN_CACHE_MIB", "0", 1), 0); /* or all of it is here as soon as it is open */
    must(tarn_lake_source_open(f->lake, url, &from, NULL, NULL, err));
    assert_int_equal(unsetenv("TARN_CACHE_MIB"), 0);
    return from;
}

static void say_silent(void *arg, const char *line)
{
    if (strstr(line, "does not answer")) ++*(int *)arg;
}

static void a_copy_that_does_not_answer_is_left_out(void **state)
{
    far f = {.folder = ""};
    char copy[URL_CAP], command[300];
    int silent = 0;
    tarn_repair sum;

    (void)state;
    if (!start(&f, "s3", false)) return;
    make(&f, false);
    store s = open_store(f.store);
    (void)snprintf(copy, sizeof copy, "s3://packs/far/copy?endpoint=http://127.0.0.1:%d&patience=1", f.proxy.port);
    copy_store(&s, copy);
    s.backend->close(s.self);
    tarn_lake_close(f.lake);
    f.lake = NULL;
    (void)snprintf(command, sizeof command, "cd %s && mkdir near && cd near && cp -a ../lake.key .", f.folder);
    assert_int_equal(system(command), 0);
    (void)strcat(f.folder, "/near"); /* a lake of the same content on this disk, where a pack is lost */
    must(tarn_lake_init(f.folder, err));
    must(tarn_lake_open(f.folder, &f.lake, err));
    char *big = malloc(BIG);
    big_bytes(big);
    commit(&f, "big", big, BIG);
    free(big);
    tarn_lake_close(f.lake);
    f.lake = NULL;
    (void)snprintf(
        command, sizeof command,
        "cd %s/.tarn/packs && chmod u+w p-* && printf x | dd of=$(ls) bs=1 seek=200000 conv=notrunc 2>/dev/null",
        f.folder);
    assert_int_equal(system(command), 0);
    must(tarn_lake_open(f.folder, &f.lake, err));
    for (int answers = 0; answers < 2; answers++) {
        tarn_lake *from[1] = {open_copy(&f, copy)};
        peer_fault(&f.proxy, answers ? "" : "500", answers ? 0 : 100000);
        must(tarn_lake_repair(
            f.lake, &(tarn_repair_options){.from = from, .n_from = 1, .say = say_silent, .arg = &silent}, &sum, err));
        assert_int_equal(silent, 1);
        assert_int_equal(sum.fetched, answers);
        assert_int_equal(sum.left, !answers);
        peer_fault(&f.proxy, "", 0);
        tarn_lake_close(from[0]);
    }
    tarn_lake_close(f.lake);
    f.lake = NULL;
    *strrchr(f.folder, '/') = '\0';
    stop(&f);
}

TARN_TESTS(TARN_TEST(encrypted_lakes_live_in_object_stores),
           TARN_TEST(damage_in_a_store_is_repaired_from_the_cache_and_from_another_store),
           TARN_TEST(faults_that_pass_are_waited_for_and_others_end_the_repair),
           TARN_TEST(a_copy_that_does_not_answer_is_left_out))
