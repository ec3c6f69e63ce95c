/* SPDX-License-Identifier: Apache-2.0 */
/* file_test.c - files that are there whole or not at all: full disks, read-only folders, killed writers, cut files. */
#include "support/tarn_test.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)strcpy(folder, "/tmp/tarn-file-test-XXXXXX");
    return mkdtemp(folder) ? tarn_test_setup(state) : -1;
}

static int drop_folder(void **state)
{
    tarn_code rc = tarn_dir_remove(folder, NULL);

    return rc == TARN_OK && !tarn_path_exists(folder) ? tarn_test_teardown(state) : -1;
}

static int entries(void)
{
    DIR *dir = opendir(folder);
    int n = 0;

    assert_non_null(dir);
    while (readdir(dir)) n++;
    (void)closedir(dir);
    return n - 2;
}

static void must_hold(const char *name, const char *want)
{
    char *bytes = NULL;
    size_t len = 0;

    must(tarn_file_read(in_folder(name), 0, &bytes, &len, err));
    assert_int_equal(len, strlen(want));
    assert_string_equal(bytes, want);
    tarn_free(bytes);
}

static void files_appear_whole_on_commit(void **state)
{
    tarn_file *f = NULL;

    (void)state;
    must(tarn_file_save(in_folder("a"), "old", 3, err));
    must(tarn_file_create(in_folder("a"), &f, err));
    must(tarn_file_write(f, "new", 3, err));
    must_hold("a", "old");
    must(tarn_file_commit(f, err));
    must_hold("a", "new");
    tarn_file_close(f);
    must_hold("a", "new");
    assert_int_equal(entries(), 1);
    tarn_file_close(NULL);
}

static void closing_without_commit_leaves_nothing(void **state)
{
    tarn_file *f = NULL;

    (void)state;
    must(tarn_file_save(in_folder("a"), "old", 3, err));
    must(tarn_file_create(in_folder("a"), &f, err));
    must(tarn_file_write(f, "new", 3, err));
    assert_int_equal(entries(), 2);
    tarn_file_close(f);
    must_hold("a", "old");
    assert_int_equal(entries(), 1);
}

/* Pieces around the size of the buffer. */
static void bytes_arrive_in_order_whatever_the_pieces(void **state)
{
    static const size_t pieces[] = {0, 1, 65535, 65536, 65537, 200000, 3, 65530, 6, 7};
    tarn_file *f = NULL;
    char *bytes = NULL, *read = NULL;
    size_t total = 0, len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) total += pieces[i];
    must(tarn_alloc(&bytes, total, 1, err));
    for (size_t i = 0; i < total; i++) bytes[i] = (char)(i * 31 % 251);
    must(tarn_file_create(in_folder("a"), &f, err));
    for (size_t i = 0, at = 0; i < sizeof pieces / sizeof *pieces; at += pieces[i++])
        must(tarn_file_write(f, bytes + at, pieces[i], err));
    must(tarn_file_commit(f, err));
    tarn_file_close(f);
    must(tarn_file_read(in_folder("a"), 0, &read, &len, err));
    assert_int_equal(len, total);
    assert_memory_equal(read, bytes, total);
    tarn_free(bytes);
    tarn_free(read);
}

/* A child is killed in the middle of writing, again and again: what is there is old or new, and the next goes through,
 * even where the dead child had the process number that the next one gets. */
static void a_killed_writer_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    must(tarn_file_save(in_folder("a"), "first", 5, err));
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            for (;;) (void)!tarn_file_save(in_folder("a"), "other", 5, NULL);
        (void)usleep((useconds_t)(200 * i));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        char *bytes = NULL;
        must(tarn_file_read(in_folder("a"), 5, &bytes, NULL, err));
        assert_true(strcmp(bytes, "first") == 0 || strcmp(bytes, "other") == 0);
        tarn_free(bytes);
    }
    must(tarn_file_save(in_folder("a"), "last", 4, err));
    must_hold("a", "last");
}

static void leftovers_of_the_same_process_number_are_no_obstacle(void **state)
{
    char name[300];

    (void)state;
    for (unsigned i = 0; i < 500; i++) { /* more numbers than these tests have used */
        (void)snprintf(name, sizeof name, "%s.tmp-%ld-%u", in_folder("a"), (long)getpid(), i);
        int fd = open(name, O_CREAT | O_WRONLY, 0666);
        assert_true(fd >= 0);
        assert_int_equal(close(fd), 0);
    }
    must(tarn_file_save(in_folder("a"), "new", 3, err));
    must_hold("a", "new");
    assert_int_equal(entries(), 501);
}

static void a_full_disk_is_said_and_harms_nothing(void **state)
{
    const struct rlimit small = {100000, RLIM_INFINITY};
    struct rlimit before;
    tarn_file *f = NULL;
    char *bytes = NULL;
    int full = open("/dev/full", O_WRONLY);

    (void)state;
    must_fail_with(TARN_FULL, "cannot write 'disk': No space left on device; free some space",
                   tarn_fd_write(full, "x", 1, "disk", err));
    (void)close(full);
    must(tarn_file_save(in_folder("a"), "old", 3, err));
    must(tarn_alloc(&bytes, 300000, 1, err));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){small.rlim_cur, before.rlim_max}), 0);
    must_fail_with(TARN_FULL, "cannot write", tarn_file_save(in_folder("a"), bytes, 300000, err));
    must(tarn_file_create(in_folder("a"), &f, err));
    must_fail_with(TARN_FULL, "cannot write", tarn_file_write(f, bytes, 300000, err));
    must(tarn_file_write(f, bytes, 3, err)); /* a caller that does not look */
    must_fail_with(TARN_IO, "an earlier write", tarn_file_commit(f, err));
    tarn_file_close(f);
    must(tarn_file_create(in_folder("a"), &f, err)); /* and in the buffer's last piece */
    must(tarn_file_write(f, bytes, 65000, err));
    must(tarn_file_write(f, bytes, 60000, err));
    must_fail_with(TARN_FULL, "cannot write", tarn_file_commit(f, err));
    must_fail_with(TARN_IO, "an earlier write", tarn_file_commit(f, err));
    tarn_file_close(f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    must_hold("a", "old");
    assert_int_equal(entries(), 1);
    tarn_free(bytes);
}

/* Run as nobody if we are root, for whom nothing is read-only. Exit status 0: as it should be. */
static int status_as_nobody(int (*check)(void))
{
    int status = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) _exit(geteuid() == 0 && setuid(65534) != 0 ? 99 : check());
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_denied(tarn_code rc, const tarn_err *err)
{
    return rc == TARN_DENIED && strstr(err->msg, "Permission denied; check the owner and the permissions");
}

static int write_where_forbidden(void)
{
    tarn_err err = {0};
    char path[300], *bytes = NULL;

    if (!is_denied(tarn_file_save(in_folder("shut/a"), "x", 1, &err), &err)) return 1;
    (void)snprintf(path, sizeof path, "%s/new", in_folder("shut"));
    if (!is_denied(tarn_dir_make(path, &err), &err)) return 2;
    if (!is_denied(tarn_file_read(in_folder("secret"), 0, &bytes, NULL, &err), &err)) return 3;
    if (!is_denied(tarn_dir_remove(in_folder("shut"), &err), &err)) return 4;
    return 0;
}

static void what_is_not_permitted_is_said(void **state)
{
    (void)state;
    assert_int_equal(chmod(folder, 0755), 0);
    must(tarn_dir_make(in_folder("shut"), err));
    must(tarn_file_save(in_folder("shut/a"), "old", 3, err));
    must(tarn_file_save(in_folder("secret"), "x", 1, err));
    assert_int_equal(chmod(in_folder("secret"), 0), 0);
    assert_int_equal(chmod(in_folder("shut"), 0555), 0);
    assert_int_equal(status_as_nobody(write_where_forbidden), 0);
    assert_int_equal(chmod(in_folder("shut"), 0755), 0);
    must_hold("shut/a", "old");
}

static void missing_and_impossible_paths_are_said(void **state)
{
    tarn_file *f = NULL;
    char *bytes = NULL, path[5000];
    tarn_mapped map;

    (void)state;
    must_fail_with(TARN_NOT_FOUND, "No such file", tarn_file_create(in_folder("none/a"), &f, err));
    assert_null(f);
    must_fail_with(TARN_NOT_FOUND, "cannot open", tarn_file_read(in_folder("none"), 0, &bytes, NULL, err));
    must_fail_with(TARN_NOT_FOUND, "cannot open", tarn_map_open(in_folder("none"), &map, err));
    must_fail_with(TARN_INVALID, "not a regular file", tarn_file_read(folder, 0, &bytes, NULL, err));
    must_fail_with(TARN_INVALID, "not a regular file", tarn_file_read("/dev/null", 0, &bytes, NULL, err));
    must_fail_with(TARN_INVALID, "not a regular file", tarn_map_open("/dev/zero", &map, err));
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    must_fail_with(TARN_INVALID, "not a regular file", tarn_file_read(in_folder("pipe"), 0, &bytes, NULL, err));
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    must_fail_with(TARN_LIMIT, "too long", tarn_file_create(path, &f, err));
    must_fail_with(TARN_LIMIT, "cannot be a folder", tarn_dir_make(path, err));
    must_fail_with(TARN_LIMIT, "cannot be a folder", tarn_dir_make("", err));
    must(tarn_file_save(in_folder("a"), "x", 1, err));
    must_fail_with(TARN_IO, "Not a directory", tarn_file_create(in_folder("a/b"), &f, err));
    must_fail_with(TARN_EXISTS, "not a folder", tarn_dir_make(in_folder("a"), err));
    must_fail_with(TARN_IO, "rename into", tarn_file_save(folder, "x", 1, err));
}

static void reading_has_a_limit(void **state)
{
    char *bytes = NULL;
    size_t len = 0;

    (void)state;
    must(tarn_file_save(in_folder("a"), "12345", 5, err));
    must_fail_with(TARN_LIMIT, "has 5 bytes, more than the limit of 4",
                   tarn_file_read(in_folder("a"), 4, &bytes, &len, err));
    assert_null(bytes);
    must(tarn_file_read(in_folder("a"), 5, &bytes, NULL, err));
    tarn_free(bytes);
    must(tarn_file_save(in_folder("empty"), NULL, 0, err));
    must(tarn_file_read(in_folder("empty"), 1, &bytes, &len, err));
    assert_int_equal(len, 0);
    assert_string_equal(bytes, "");
    tarn_free(bytes);
}

static void files_are_mapped(void **state)
{
    tarn_mapped map;

    (void)state;
    must(tarn_file_save(in_folder("a"), "12345", 5, err));
    must(tarn_map_open(in_folder("a"), &map, err));
    must(tarn_file_save(in_folder("a"), "abc", 3, err)); /* the map keeps the old file */
    assert_int_equal(map.len, 5);
    assert_memory_equal(map.bytes, "12345", 5);
    tarn_map_close(&map);
    assert_int_equal(map.len, 0);
    tarn_map_close(&map);
    must(tarn_file_save(in_folder("a"), "", 0, err));
    must(tarn_map_open(in_folder("a"), &map, err));
    assert_int_equal(map.len, 0);
    assert_string_equal(map.bytes, "");
    tarn_map_close(&map);
}

static void a_read_past_the_end_is_damage(void **state)
{
    char bytes[5] = {0};
    int fd;

    (void)state;
    must(tarn_file_save(in_folder("a"), "12345", 5, err));
    fd = open(in_folder("a"), O_RDONLY);
    must(tarn_fd_read(fd, bytes, 3, 2, "a", err));
    assert_memory_equal(bytes, "345", 3);
    must_fail_with(TARN_CORRUPT, "'a' ends early, at byte 5", tarn_fd_read(fd, bytes, 4, 2, "a", err));
    must_fail_with(TARN_IO, "cannot write 'a'", tarn_fd_write(fd, "x", 1, "a", err));
    assert_int_equal(close(fd), 0);
    must_fail_with(TARN_IO, "cannot read 'a'", tarn_fd_read(fd, bytes, 1, 0, "a", err));
    must_fail_with(TARN_IO, "cannot sync 'a'", tarn_fd_sync(fd, "a", err));
    must_fail_with(TARN_NOT_FOUND, "cannot open", tarn_dir_sync(in_folder("none"), err));
}

static void folders_are_made_and_removed_without_following_links(void **state)
{
    (void)state;
    must(tarn_dir_make(in_folder("a/b/c"), err));
    must(tarn_dir_make(in_folder("a/b/c/"), err));
    assert_true(tarn_path_is_dir(in_folder("a/b/c")) && !tarn_path_is_dir(in_folder("a/none")));
    must(tarn_dir_make(in_folder("kept"), err));
    must(tarn_file_save(in_folder("kept/file"), "x", 1, err));
    must(tarn_file_save(in_folder("a/b/file"), "x", 1, err));
    char target[256];
    (void)snprintf(target, sizeof target, "%s", in_folder("kept"));
    assert_int_equal(symlink(target, in_folder("a/b/link")), 0);
    assert_int_equal(symlink(target, in_folder("link")), 0);
    must(tarn_dir_remove(in_folder("a"), err));
    assert_false(tarn_path_exists(in_folder("a")));
    must_fail_with(TARN_IO, "cannot open folder", tarn_dir_remove(in_folder("link"), err));
    must_hold("kept/file", "x");
    must(tarn_dir_remove(in_folder("none"), err));
}

static void paths_are_joined(void **state)
{
    char out[8];

    (void)state;
    must(tarn_path_join(out, sizeof out, "abc", "def", err));
    assert_string_equal(out, "abc/def");
    must_fail_with(TARN_LIMIT, "'abc.../defg' is too long", tarn_path_join(out, sizeof out, "abc", "defg", err));
}

static void running_out_of_memory_is_a_clean_error(void **state)
{
    char *bytes = NULL;

    (void)state;
    must(tarn_file_save(in_folder("a"), "x", 1, err));
    tarn_mem_fail_after(1);
    must_fail_with(TARN_NOMEM, "memory", tarn_file_save(in_folder("a"), "y", 1, err));
    must_fail_with(TARN_NOMEM, "memory", tarn_file_read(in_folder("a"), 0, &bytes, NULL, err));
    tarn_mem_fail_after(0);
    must_hold("a", "x");
    assert_int_equal(entries(), 1);
}

#define IN_FOLDER(function) cmocka_unit_test_setup_teardown(function, make_folder, drop_folder)
TARN_TESTS(IN_FOLDER(files_appear_whole_on_commit), IN_FOLDER(closing_without_commit_leaves_nothing),
           IN_FOLDER(bytes_arrive_in_order_whatever_the_pieces), IN_FOLDER(a_killed_writer_leaves_the_old_or_the_new),
           IN_FOLDER(leftovers_of_the_same_process_number_are_no_obstacle),
           IN_FOLDER(a_full_disk_is_said_and_harms_nothing), IN_FOLDER(what_is_not_permitted_is_said),
           IN_FOLDER(missing_and_impossible_paths_are_said), IN_FOLDER(reading_has_a_limit),
           IN_FOLDER(files_are_mapped), IN_FOLDER(a_read_past_the_end_is_damage),
           IN_FOLDER(folders_are_made_and_removed_without_following_links), IN_FOLDER(paths_are_joined),
           IN_FOLDER(running_out_of_memory_is_a_clean_error))
