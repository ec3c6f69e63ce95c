/* SPDX-License-Identifier: Apache-2.0 */
/* crash_test.c - processes killed at any moment, many writers at once, disks that are full, folders that cannot be
 * written. */
#include "lake/scratch_test.h"

#include "base/pool.h"
#include "lake/inside.h"
#include "lake/kill_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* ---- kill -9 ---- */

/* Commit numbered files for ever; each acknowledged number is written to the pipe. */
static void commit_for_ever(const void *folder, int from, int pipe_fd)
{
    tarn_lake *lake = NULL;
    char *big = noise(300000, (uint64_t)from);

    if (tarn_lake_open(folder, &lake, NULL) != TARN_OK) _exit(9);
    for (int i = from;; i++) {
        tarn_entry e[2] = {{.path = ""}, {.path = "big"}};
        tarn_id id;
        char text[32];
        (void)snprintf(e[0].path, sizeof e[0].path, "n/%d", i);
        (void)snprintf(text, sizeof text, "content %d", i);
        memcpy(big + 1000, &i, sizeof i);
        if (tarn_lake_put(lake, text, strlen(text), &e[0].object, NULL) != TARN_OK) _exit(9);
        if (tarn_lake_put(lake, big, 300000, &e[1].object, NULL) != TARN_OK) _exit(9);
        tarn_code rc =
            i % 3 ? tarn_lake_commit_entries(lake, "main", e, 2, &(tarn_commit_options){.author = "Ann"}, &id, NULL)
                  : tarn_lake_stage(lake, "main", "ann", e, 2, NULL);
        if (rc == TARN_OK && i % 3 == 0)
            rc = tarn_lake_commit(lake, "main", "ann", &(tarn_commit_options){.author = "Ann"}, &id, NULL);
        if (rc != TARN_OK || write(pipe_fd, &i, sizeof i) != sizeof i) _exit(9);
    }
}

static void every_acknowledged_commit_survives_kill_9(void **state)
{
    scratch s = scratch_new();
    int acknowledged = 0;
    tarn_id head, first = commit_text(s.lake, "main", "n/0", "content 0");

    (void)state, (void)first;
    tarn_lake_close(s.lake);
    for (int round = 0; round < 30; round++) {
        tarn_random4 r = tarn_philox(5, TARN_STREAM_TEST, (uint64_t)round, 0);
        kill_after(commit_for_ever, s.folder, acknowledged + 1, (int)(r.v[0] % 4), (long)(r.v[1] % 6000),
                   &acknowledged);
        must(tarn_lake_open(s.folder, &s.lake, err));
        problems p = {0};
        tarn_fsck counts;
        must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
        if (p.n > 0) fail_msg("after kill %d: %s", round, p.lines[0]);
        must(tarn_lake_ref_get(s.lake, "heads/main", &head, err));
        for (int i = 0; i <= acknowledged; i++) {
            tarn_entry e;
            char path[32];
            (void)snprintf(path, sizeof path, "n/%d", i);
            must(tarn_lake_lookup(s.lake, &head, path, &e, err));
        }
        tarn_lake_close(s.lake);
    }
    assert_true(acknowledged > 12);
    s.lake = NULL;
    scratch_free(&s);
}

static void what_dead_processes_left_in_tmp_is_removed_when_old(void **state)
{
    scratch s = scratch_new();
    char old[128], young[128], locked[128];

    (void)state;
    (void)snprintf(old, sizeof old, "%s/.tarn/tmp/99-1", s.folder);
    (void)snprintf(young, sizeof young, "%s/.tarn/tmp/99-2", s.folder);
    (void)snprintf(locked, sizeof locked, "%s/.tarn/tmp/99-3", s.folder);
    must(tarn_file_save(old, "x", 1, err));
    must(tarn_file_save(young, "x", 1, err));
    must(tarn_file_save(locked, "x", 1, err));
    struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, old, long_ago, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, locked, long_ago, 0), 0);
    int fd = open(locked, O_RDONLY);
    assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
    scratch_reopen(&s);
    assert_false(tarn_path_exists(old));
    assert_true(tarn_path_exists(young));
    assert_true(tarn_path_exists(locked));
    (void)close(fd);
    scratch_free(&s);
}

/* ---- many at once ---- */

static int commit_some(const char *folder, int who, int n)
{
    tarn_lake *lake = NULL;
    tarn_err e = {0};

    if (tarn_lake_open(folder, &lake, &e) != TARN_OK) goto failed;
    for (int i = 0; i < n; i++) {
        tarn_entry entry = {.path = ""};
        tarn_id id;
        (void)snprintf(entry.path, sizeof entry.path, "p%d/%d", who, i);
        if (tarn_lake_put(lake, entry.path, strlen(entry.path), &entry.object, &e) != TARN_OK) goto failed;
        if (tarn_lake_commit_entries(lake, "main", &entry, 1, &(tarn_commit_options){.author = "Ann"}, &id, &e) !=
            TARN_OK)
            goto failed;
    }
    tarn_lake_close(lake);
    return 0;
failed:
    (void)fprintf(stderr, "process %d: %s\n", who, e.msg);
    return 1;
}

static tarn_code count_commits(void *arg, const tarn_commit *c, tarn_err *err)
{
    (void)c, (void)err;
    ++*(int *)arg;
    return TARN_OK;
}

static void check_all_there(scratch *s, int writers, int each)
{
    tarn_id head;
    tarn_commit c;
    int commits = 0;
    problems p = {0};
    tarn_fsck counts;

    must(tarn_lake_ref_get(s->lake, "main", &head, err));
    must(tarn_lake_commit_read(s->lake, &head, &c, err));
    assert_int_equal(c.paths, writers * each);
    tarn_commit_clear(&c);
    must(tarn_lake_log(s->lake, &head, count_commits, &commits, err));
    assert_int_equal(commits, writers * each);
    must(tarn_lake_fsck(s->lake, keep_problem, &p, &counts, NULL, err));
    if (p.n > 0) fail_msg("%s", p.lines[0]);
}

static void several_processes_on_one_branch_lose_nothing(void **state)
{
    enum { PROCESSES = 6, EACH = 25 };
    scratch s = scratch_new();
    pid_t children[PROCESSES];
    int status;

    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) _exit(commit_some(s.folder, i, EACH));
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    check_all_there(&s, PROCESSES, EACH);
    scratch_free(&s);
}

static tarn_code commit_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    scratch *s = arg;
    tarn_entry entry = {.path = ""}, found;
    tarn_id id;
    char *back = NULL;
    tarn_code rc = TARN_OK;

    (void)worker;
    (void)snprintf(entry.path, sizeof entry.path, "p0/%d", (int)block);
    TARN_TRY(tarn_lake_put(s->lake, entry.path, strlen(entry.path), &entry.object, err));
    TARN_TRY(tarn_lake_commit_entries(s->lake, "main", &entry, 1, &(tarn_commit_options){.author = "Ann"}, &id, err));
    TARN_TRY(tarn_lake_lookup(s->lake, &id, entry.path, &found, err));
    TARN_TRY(tarn_lake_get(s->lake, &found.object.id, 0, &back, NULL, err));
    if (strcmp(back, entry.path) != 0) rc = TARN_FAIL(err, TARN_CORRUPT, "'%s' reads as '%s'", entry.path, back);
done:
    tarn_free(back);
    return rc;
}

static void several_threads_of_one_handle_lose_nothing(void **state)
{
    scratch s = scratch_new();
    tarn_pool *pool = NULL;

    (void)state;
    must(tarn_pool_new(4, &pool, err));
    must(tarn_pool_run(pool, 80, commit_block, &s, err));
    tarn_pool_free(pool);
    check_all_there(&s, 1, 80);
    scratch_free(&s);
}

static void readers_see_what_other_processes_committed(void **state)
{
    scratch s = scratch_new();
    tarn_lake *other = NULL;
    tarn_entry e;
    char *back = NULL;
    tarn_id id;

    (void)state;
    must(tarn_lake_open(s.folder, &other, err));
    for (int i = 0; i < 40; i++) { /* past the point where indexes are united under the other's eyes */
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        (void)commit_text(s.lake, "main", "a", text);
        must(tarn_lake_resolve(other, "main", &id, err));
        must(tarn_lake_lookup(other, &id, "a", &e, err));
        must(tarn_lake_get(other, &e.object.id, 0, &back, NULL, err));
        assert_string_equal(back, text);
        tarn_free(back);
    }
    tarn_lake_close(other);
    scratch_free(&s);
}

/* ---- full disks, folders without permission ---- */

/* Puts that fail; the rest of the backend is the disk's. */
static tarn_code put_full(void *self, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    (void)self, (void)bytes, (void)len;
    return TARN_FAIL(err, TARN_FULL, "no room for %s", name);
}

static tarn_code put_broken(void *self, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    (void)self, (void)bytes, (void)len;
    return TARN_FAIL(err, TARN_IO, "sync of %s failed", name);
}

static void a_full_disk_can_be_retried_and_a_failed_sync_stops_the_writer(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();
    tarn_entry e = entry_of(s.lake, "a", "1");
    tarn_commit_options o = {.author = "Ann"};
    tarn_id id;
    const tarn_backend *disk = s.lake->backend;
    tarn_backend full = *disk, broken = *disk;

    (void)state;
    full.put = put_full;
    broken.put = put_broken;
    full.put_begin = broken.put_begin = NULL;
    s.lake->backend = &full;
    must_fail_with(TARN_FULL, "no room", tarn_lake_commit_entries(s.lake, "main", &e, 1, &o, &id, err));
    must_fail_with(TARN_NOT_FOUND, "main", tarn_lake_ref_get(s.lake, "main", &id, err));
    s.lake->backend = disk; /* room again: what was put is still there */
    must(tarn_lake_commit_entries(s.lake, "main", &e, 1, &o, &id, err));
    e = entry_of(s.lake, "a", "2");
    s.lake->backend = &broken;
    must_fail_with(TARN_IO, "sync of", tarn_lake_commit_entries(s.lake, "main", &e, 1, &o, &id, err));
    s.lake->backend = disk;
    must_fail_with(TARN_IO, "earlier write", tarn_lake_commit_entries(s.lake, "main", &e, 1, &o, &id, err));
    must_fail_with(TARN_IO, "earlier write", tarn_lake_put(s.lake, "x", 1, &e.object, err));
    scratch_reopen(&s);
    (void)commit_text(s.lake, "main", "a", "2");
    scratch_free(&s);
}

/* In a child with a limit on the size of files: put and commit must fail cleanly, and say why. */
static int fail_when_full(const char *folder, rlim_t limit)
{
    tarn_lake *lake = NULL;
    tarn_err e = {0};
    tarn_entry entry = {.path = "big"};
    tarn_id id;
    char *big = noise(3000000, 8);

    (void)signal(SIGXFSZ, SIG_IGN);
    if (tarn_lake_open(folder, &lake, &e) != TARN_OK) return 2;
    struct rlimit r = {limit, limit};
    if (setrlimit(RLIMIT_FSIZE, &r) != 0) return 3;
    tarn_code rc = tarn_lake_put(lake, big, 3000000, &entry.object, &e);
    if (rc == TARN_OK)
        rc = tarn_lake_commit_entries(lake, "main", &entry, 1, &(tarn_commit_options){.author = "Ann"}, &id, &e);
    if (rc != TARN_FULL && rc != TARN_IO) {
        (void)fprintf(stderr, "limit %ld: %s: %s\n", (long)limit, tarn_code_name(rc), e.msg);
        return rc == TARN_OK ? 0 : 4;
    }
    tarn_lake_close(lake);
    free(big);
    return e.msg[0] ? 1 : 5;
}

static void a_full_disk_leaves_the_old_state(void **state)
{
    if (!scratch_is_local()) return;
    static const rlim_t limits[] = {0, 100, 5000, 40000, 100000, 1000000, 2900000};
    scratch s = scratch_new();
    tarn_id before = commit_text(s.lake, "main", "a", "1"), head;
    int status;

    (void)state;
    tarn_lake_close(s.lake);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) _exit(fail_when_full(s.folder, limits[i]));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
        must(tarn_lake_open(s.folder, &s.lake, err));
        must(tarn_lake_ref_get(s.lake, "main", &head, err));
        assert_true(tarn_id_equal(&head, &before));
        problems p = {0};
        tarn_fsck counts;
        must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
        assert_int_equal(p.n, 0);
        tarn_lake_close(s.lake);
    }
    must(tarn_lake_open(s.folder, &s.lake, err));
    (void)commit_text(s.lake, "main", "a", "2"); /* and with room again it goes on */
    scratch_free(&s);
}

/* As nobody, who may read the lake but not write it. */
static int use_readonly(const char *folder, const tarn_id *commit)
{
    tarn_lake *lake = NULL;
    tarn_err e = {0};
    tarn_entry entry = {.path = "x"}, found;
    char *back = NULL;
    tarn_id id;
    tarn_fsck counts;

    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 2;
    if (tarn_lake_open(folder, &lake, &e) != TARN_OK) goto failed;
    if (tarn_lake_resolve(lake, "main", &id, &e) != TARN_OK || !tarn_id_equal(&id, commit)) goto failed;
    if (tarn_lake_lookup(lake, &id, "a", &found, &e) != TARN_OK) goto failed;
    if (tarn_lake_get(lake, &found.object.id, 0, &back, NULL, &e) != TARN_OK) goto failed;
    if (tarn_lake_fsck(lake, NULL, NULL, &counts, NULL, &e) != TARN_OK || counts.problems > 0) goto failed;
    tarn_free(back);
    if (tarn_lake_put(lake, "x", 1, &entry.object, &e) != TARN_DENIED || !strstr(e.msg, "cannot be written")) return 4;
    if (tarn_lake_fact_set(lake, "k", "v", &e) != TARN_DENIED) return 5;
    tarn_lake_close(lake);
    return 1;
failed:
    (void)fprintf(stderr, "read-only: %s\n", e.msg);
    return 3;
}

static void a_lake_that_cannot_be_written_can_be_read(void **state)
{
    scratch s = scratch_new();
    tarn_id id = commit_text(s.lake, "main", "a", "1");
    char command[256];
    int status;

    (void)state;
    tarn_lake_close(s.lake);
    (void)snprintf(command, sizeof command, "chmod -R a+rX,a-w %s", s.folder);
    assert_int_equal(system(command), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(use_readonly(s.folder, &id));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    (void)snprintf(command, sizeof command, "chmod -R u+w %s", s.folder);
    assert_int_equal(system(command), 0);
    s.lake = NULL;
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(every_acknowledged_commit_survives_kill_9),
           TARN_TEST(what_dead_processes_left_in_tmp_is_removed_when_old),
           TARN_TEST(several_processes_on_one_branch_lose_nothing),
           TARN_TEST(several_threads_of_one_handle_lose_nothing), TARN_TEST(readers_see_what_other_processes_committed),
           TARN_TEST(a_full_disk_leaves_the_old_state),
           TARN_TEST(a_full_disk_can_be_retried_and_a_failed_sync_stops_the_writer),
           TARN_TEST(a_lake_that_cannot_be_written_can_be_read))
