/* SPDX-License-Identifier: Apache-2.0 */
/* carry_test.c - packs that a transaction carries: what a lost machine takes of their files comes back, and rows go
 * when they have done their work. A lost machine is a process that ends without closing, and then a file that is torn.
 */
#include "lake/scratch_test.h"

#include "lake/backends.h"
#include "lake/care.h"
#include "lake/inside.h"
#include "lake/meta_db.h"

#include <sys/stat.h>
#include <sys/wait.h>

enum { COMMITS = 5 };

typedef struct rows {
    int n, useful;
    char last[64];
} rows;

static tarn_code count_row(void *arg, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    rows *r = arg;

    (void)len, (void)err;
    r->n++;
    r->useful += bytes != NULL;
    (void)snprintf(r->last, sizeof r->last, "%s", name);
    return TARN_OK;
}

static rows rows_of(tarn_lake *lake)
{
    rows r = {0};

    must(tarn_meta_carried(lake->meta, count_row, &r, err));
    return r;
}

static void commits_and_dies(const scratch *s)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        tarn_lake *lake = NULL;
        char path[32];
        if (tarn_lake_open(s->folder, &lake, NULL) != TARN_OK) _exit(9);
        for (int i = 0; i < COMMITS; i++) {
            (void)snprintf(path, sizeof path, "f/%d", i);
            (void)commit_text(lake, "main", path, path);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void all_reads(tarn_lake *lake)
{
    problems p = {0};
    tarn_fsck counts = {0};
    char path[32], *text = NULL;
    tarn_id head;

    must(tarn_lake_resolve(lake, "main", &head, err));
    for (int i = 0; i < COMMITS; i++) {
        tarn_entry e;
        (void)snprintf(path, sizeof path, "f/%d", i);
        must(tarn_lake_lookup(lake, &head, path, &e, err));
        must(tarn_lake_get(lake, &e.object.id, 0, &text, NULL, err));
        assert_string_equal(text, path);
        tarn_free(text);
    }
    must(tarn_lake_fsck(lake, keep_problem, &p, &counts, NULL, err));
    assert_int_equal(p.n, 0);
}

static void pack_path(const scratch *s, const char *name, char out[256])
{
    (void)snprintf(out, 256, "%s/.tarn/packs/%s", s->folder, name);
}

/* Only the last pack can be lost: those before were synced when the next transaction began. */
static void a_pack_that_a_lost_machine_tore_is_made_again(void **state)
{
    if (!scratch_is_local()) return;
    static const char *const tears[] = {"", "TARNPACK and then nothing", NULL};
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        scratch s = scratch_new();
        char path[256];
        tarn_lake_close(s.lake);
        commits_and_dies(&s);
        tarn_meta *meta = NULL;
        rows r = {0};
        (void)snprintf(path, sizeof path, "%s/.tarn/meta.db", s.folder);
        must(tarn_meta_open(path, false, &meta, err));
        must(tarn_meta_carried(meta, count_row, &r, err));
        tarn_meta_close(meta);
        assert_int_equal(r.n, 1);
        pack_path(&s, r.last, path);
        if (tears[t]) must(tarn_file_save(path, tears[t], strlen(tears[t]), err));
        else assert_int_equal(unlink(path), 0);
        must(tarn_lake_open(s.folder, &s.lake, err));
        all_reads(s.lake);
        assert_int_equal(rows_of(s.lake).n, 0);
        scratch_free(&s);
    }
}

static void a_row_goes_with_the_next_transaction(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();

    (void)state;
    (void)commit_text(s.lake, "main", "a", "1");
    rows first = rows_of(s.lake);
    assert_int_equal(first.n, 1);
    assert_int_equal(first.useful, 1);
    (void)commit_text(s.lake, "main", "a", "2");
    rows second = rows_of(s.lake);
    assert_int_equal(second.n, 1);
    assert_string_not_equal(first.last, second.last);
    scratch_reopen(&s); /* nothing is written again: a line tells that the pack was synced */
    assert_int_equal(rows_of(s.lake).n, 1);
    (void)commit_text(s.lake, "main", "a", "3");
    assert_int_equal(rows_of(s.lake).n, 1);
    scratch_free(&s);
}

static void rows_of_a_process_that_lives_are_left_alone(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();
    tarn_lake *other = NULL;

    (void)state;
    (void)commit_text(s.lake, "main", "a", "1");
    rows mine = rows_of(s.lake);
    must(tarn_lake_open(s.folder, &other, err));
    (void)commit_text(other, "main", "b", "1");
    rows both = rows_of(other);
    assert_int_equal(both.n, 2);
    tarn_lake_close(other);
    (void)commit_text(s.lake, "main", "a", "2");
    rows after = rows_of(s.lake); /* its own is gone; that of the other waits for somebody who opens the lake */
    assert_int_equal(after.n, 2);
    assert_string_not_equal(mine.last, after.last);
    scratch_free(&s);
}

static void a_large_pack_is_synced_before_what_names_it(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();
    tarn_entry e = {.path = "big"};
    tarn_id id;
    char *big = noise(3000000, 3);

    (void)state;
    must(tarn_lake_put(s.lake, big, 3000000, &e.object, err));
    must(tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &id, err));
    assert_int_equal(rows_of(s.lake).n, 0);
    free(big);
    scratch_free(&s);
}

static tarn_code no_sync(void *self, void *rest, tarn_err *err)
{
    const tarn_backend *disk = NULL;
    const char *name;
    tarn_code rc = tarn_backend_find("disk:.", &disk, &name, err);

    if (rc == TARN_OK) rc = disk->put_end(self, rest, err);
    return rc == TARN_OK ? TARN_FAIL(err, TARN_IO, "the sync failed") : rc;
}

/* What is acknowledged is durable in its row; nothing more is written, and nothing of the file is believed. */
static void a_pack_whose_sync_failed_is_made_again(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();
    const tarn_backend *disk = s.lake->backend;
    tarn_backend failing = *disk;
    tarn_entry e = entry_of(s.lake, "late", "x");
    tarn_id id;
    char path[256];

    (void)state;
    for (int i = 0; i + 1 < COMMITS; i++) {
        (void)snprintf(path, sizeof path, "f/%d", i);
        (void)commit_text(s.lake, "main", path, path);
    }
    failing.put_end = no_sync;
    s.lake->backend = &failing;
    (void)snprintf(path, sizeof path, "f/%d", COMMITS - 1);
    (void)commit_text(s.lake, "main", path, path);
    rows r = rows_of(s.lake);
    must_fail_with(TARN_IO, "earlier write",
                   tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &id, err));
    s.lake->backend = disk;
    tarn_lake_close(s.lake);
    pack_path(&s, r.last, path);
    must(tarn_file_save(path, "torn", 4, err));
    must(tarn_lake_open(s.folder, &s.lake, err));
    all_reads(s.lake);
    scratch_free(&s);
}

static void run_sql(tarn_lake *lake, const char *sql)
{
    void *db = NULL, *st = NULL;
    bool row = false;
    const tarn_meta_driver *driver = tarn_meta_db(lake->meta, &db);

    must(driver->prepare(db, sql, &st, err));
    must(driver->start(st, NULL, 0, err));
    must(driver->step(st, &row, err));
    driver->drop(st);
}

static void a_lake_of_an_older_version_gets_its_table(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();

    (void)state;
    (void)commit_text(s.lake, "main", "a", "1");
    run_sql(s.lake, "DROP TABLE carried");
    scratch_reopen(&s);
    assert_int_equal(rows_of(s.lake).n, 0);
    (void)commit_text(s.lake, "main", "a", "2");
    assert_int_equal(rows_of(s.lake).n, 1);
    scratch_free(&s);
}

static void a_damaged_row_is_not_believed(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();

    (void)state;
    tarn_lake_close(s.lake);
    commits_and_dies(&s);
    tarn_meta *meta = NULL;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/.tarn/meta.db", s.folder);
    must(tarn_meta_open(path, false, &meta, err));
    tarn_lake bare = {.meta = meta};
    run_sql(&bare, "UPDATE carried SET bytes = zeroblob(100)");
    rows r = rows_of(&bare);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.useful, 0);
    tarn_meta_close(meta);
    must(tarn_lake_open(s.folder, &s.lake, err));
    all_reads(s.lake);
    scratch_free(&s);
}

/* The log of meta.db is carried over into the file again and again, among handles that all write. */
static void the_log_stays_short(void **state)
{
    enum { HANDLES = 3, PACKS = 120, SIZE = 400000, MOST = 24 << 20 };
    scratch s = scratch_new();
    tarn_lake *lakes[HANDLES] = {s.lake};
    char path[256];
    struct stat st;

    (void)state;
    for (int i = 1; i < HANDLES; i++) must(tarn_lake_open(s.folder, &lakes[i], err));
    for (int i = 0; i < PACKS; i++) {
        tarn_lake *lake = lakes[i % HANDLES];
        char *bytes = noise(SIZE, (uint64_t)i);
        tarn_entry e = {.path = ""};
        tarn_commit_options o = {.author = "Ann"};
        tarn_id id;
        (void)snprintf(e.path, sizeof e.path, "f/%d", i);
        must(tarn_lake_put(lake, bytes, SIZE, &e.object, err));
        must(tarn_lake_commit_entries(lake, "main", &e, 1, &o, &id, err));
        free(bytes);
    }
    (void)snprintf(path, sizeof path, "%s/.tarn/meta.db-wal", s.folder);
    if (!tarn_meta_is_shared(s.lake->meta)) {
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size < MOST);
    }
    for (int i = 1; i < HANDLES; i++) tarn_lake_close(lakes[i]);
    problems p = {0};
    tarn_fsck counts = {0};
    must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
    assert_int_equal(p.n, 0);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(a_pack_that_a_lost_machine_tore_is_made_again), TARN_TEST(a_row_goes_with_the_next_transaction),
           TARN_TEST(rows_of_a_process_that_lives_are_left_alone),
           TARN_TEST(a_large_pack_is_synced_before_what_names_it), TARN_TEST(a_pack_whose_sync_failed_is_made_again),
           TARN_TEST(a_lake_of_an_older_version_gets_its_table), TARN_TEST(a_damaged_row_is_not_believed),
           TARN_TEST(the_log_stays_short))
