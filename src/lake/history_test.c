/* SPDX-License-Identifier: Apache-2.0 */
/* history_test.c - references, log, merge, checkout. */
#include "lake/scratch_test.h"

#include "lake/history.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

static tarn_id resolved(tarn_lake *lake, const char *text)
{
    tarn_id id = {{0}};
    must(tarn_lake_resolve(lake, text, &id, err));
    return id;
}

#define SAME(a, b) assert_true(tarn_id_equal(&(a), &(b)))

static void references_mean_what_they_say(void **state)
{
    scratch s = scratch_new();
    tarn_id c[4], got;
    char hex[TARN_ID_HEX], text[128], path[1025], when[32];
    int64_t between = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        char value[16];
        (void)snprintf(value, sizeof value, "%d", i);
        c[i] = commit_text(s.lake, "main", "a/b", value);
        if (i == 1) {
            between = tarn_now_us();
            (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        }
    }
    must(tarn_lake_ref_move(s.lake, "tags/v1", NULL, &c[1], "Ann", "", err));
    must(tarn_lake_ref_move(s.lake, "models/flights/champion", NULL, &c[2], "Ann", "", err));
    static const struct {
        const char *text;
        int commit;
    } cases[] = {{"main", 3},   {"heads/main", 3}, {"main~1", 2},    {"main~", 2},
                 {"main~3", 0}, {"main^", 2},      {"main^1~1", 1},  {"main~0", 3},
                 {"main^0", 3}, {"v1", 1},         {"tags/v1~1", 0}, {"models/flights/champion", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        got = resolved(s.lake, cases[i].text);
        SAME(got, c[cases[i].commit]);
    }
    (void)tarn_id_hex(&c[2], hex);
    got = resolved(s.lake, hex);
    SAME(got, c[2]);
    (void)snprintf(text, sizeof text, "%.8s~1", hex);
    got = resolved(s.lake, text);
    SAME(got, c[1]);

    time_t second = (time_t)(between / 1000000); /* microseconds in the text, as the log has them */
    struct tm tm;
    (void)gmtime_r(&second, &tm);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text, sizeof text, "main@{%s.%06ld}", when, (long)(between % 1000000));
    got = resolved(s.lake, text);
    SAME(got, c[1]);
    (void)snprintf(text, sizeof text, "main@{%s.%06ld}~1/a/b", when, (long)(between % 1000000));
    must(tarn_lake_resolve_path(s.lake, text, &got, path, err));
    SAME(got, c[0]);
    assert_string_equal(path, "a/b");
    must_fail_with(TARN_NOT_FOUND, "did not exist", tarn_lake_resolve(s.lake, "main@{2001-01-01}", &got, err));
    must_fail_with(TARN_INVALID, "is not a time", tarn_lake_resolve(s.lake, "main@{soon}", &got, err));
    must_fail_with(TARN_NOT_FOUND, "goes past", tarn_lake_resolve(s.lake, "main~4", &got, err));
    must_fail_with(TARN_NOT_FOUND, "has 1 parent", tarn_lake_resolve(s.lake, "main^2", &got, err));
    must_fail_with(TARN_NOT_FOUND, "did you mean 'main'", tarn_lake_resolve(s.lake, "mian", &got, err));
    must_fail_with(TARN_INVALID, "is not a reference", tarn_lake_resolve(s.lake, "main~1x", &got, err));
    must_fail_with(TARN_NOT_FOUND, "no branch", tarn_lake_resolve(s.lake, "", &got, err));
    must_fail_with(TARN_INVALID, "commit id always",
                   tarn_lake_resolve(s.lake, (snprintf(text, sizeof text, "%s@{2026-01-01}", hex), text), &got, err));
    scratch_free(&s);
}

static void a_removed_branch_is_found_by_its_log(void **state)
{
    scratch s = scratch_new();
    tarn_id c = commit_text(s.lake, "work", "a", "1"), got;
    char when[32], text[64];

    (void)state;
    (void)nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL);
    int64_t now = tarn_now_us();
    must(tarn_lake_ref_move(s.lake, "heads/work", &c, NULL, "Ann", "done", err));
    must_fail_with(TARN_NOT_FOUND, "work", tarn_lake_resolve(s.lake, "work", &got, err));
    (void)snprintf(text, sizeof text, "work@{%s}", tarn_time_text(now, when));
    got = resolved(s.lake, text);
    SAME(got, c);
    must_fail_with(TARN_NOT_FOUND, "did not exist", tarn_lake_resolve(s.lake, "work@{2100-01-01}", &got, err));
    scratch_free(&s);
}

static void the_longest_ref_wins_in_ref_and_path(void **state)
{
    scratch s = scratch_new();
    tarn_id main = commit_text(s.lake, "main", "data/x", "1"), deep = commit_text(s.lake, "main/data", "x", "2"), got;
    char path[1025];

    (void)state;
    must(tarn_lake_resolve_path(s.lake, "main/data/x", &got, path, err));
    SAME(got, deep);
    assert_string_equal(path, "x");
    must(tarn_lake_resolve_path(s.lake, "main/other", &got, path, err));
    SAME(got, main);
    assert_string_equal(path, "other");
    must(tarn_lake_resolve_path(s.lake, "main~0/data/x", &got, path, err));
    SAME(got, main);
    must(tarn_lake_resolve_path(s.lake, "main", &got, path, err));
    assert_string_equal(path, "");
    must_fail_with(TARN_NOT_FOUND, "no branch", tarn_lake_resolve_path(s.lake, "nothing/data/x", &got, path, err));
    scratch_free(&s);
}

static tarn_code join_messages(void *arg, const tarn_commit *c, tarn_err *err)
{
    tarn_text *t = arg;
    tarn_text_addf(t, "%s ", c->message);
    return tarn_text_check(t, err);
}

static void the_log_is_newest_first_and_merging_moves_forward_where_it_can(void **state)
{
    scratch s = scratch_new();
    tarn_id one = commit_text(s.lake, "main", "one", "1"), head;
    tarn_text t = {0};
    tarn_merge_options o = {.author = "Ann"};
    tarn_merge_result r;

    (void)state;
    must(tarn_lake_ref_move(s.lake, "heads/work", NULL, &one, "Ann", "branch", err));
    (void)commit_text(s.lake, "work", "two", "2");
    tarn_id three = commit_text(s.lake, "work", "three", "3");
    must(tarn_lake_merge(s.lake, "main", "work", &o, &r, err)); /* is in already */
    assert_true(r.nothing);
    SAME(r.commit, three);
    must(tarn_lake_merge(s.lake, "work", "main", &o, &r, err));
    assert_true(r.fast_forward);
    SAME(r.commit, three);
    head = resolved(s.lake, "main");
    SAME(head, three);
    must(tarn_lake_log(s.lake, &head, join_messages, &t, err));
    assert_string_equal(t.data, "three two one ");
    tarn_text_clear(&t);
    must_fail_with(TARN_NOT_FOUND, "no branch", tarn_lake_merge(s.lake, "nothing", "main", &o, &r, err));
    must_fail_with(TARN_NOT_FOUND, "no branch", tarn_lake_merge(s.lake, "main", "nothing", &o, &r, err));
    scratch_free(&s);
}

static void checkout_writes_refuses_and_forces(void **state)
{
    scratch s = scratch_new();
    char out[128], path[256], *back = NULL;
    int64_t files = 0;
    char *big = noise(300000, 9);
    tarn_entry e[3] = {entry_of(s.lake, "a/b/c.txt", "see"), entry_of(s.lake, "ab", "beside"), {.path = "a/big"}};
    tarn_id id;

    (void)state;
    must(tarn_lake_put(s.lake, big, 300000, &e[2].object, err));
    must(tarn_lake_commit_entries(s.lake, "main", e, 3, &(tarn_commit_options){.author = "Ann"}, &id, err));
    (void)snprintf(out, sizeof out, "%s/out", s.folder);
    must(tarn_lake_checkout(s.lake, &id, "a", out, false, &files, NULL, err));
    assert_int_equal(files, 2);
    (void)snprintf(path, sizeof path, "%s/ab", out);
    assert_false(tarn_path_exists(path));
    (void)snprintf(path, sizeof path, "%s/a/big", out);
    size_t len;
    must(tarn_file_read(path, 0, &back, &len, err));
    assert_int_equal(len, 300000);
    assert_memory_equal(back, big, len);
    tarn_free(back);
    (void)snprintf(path, sizeof path, "%s/a/b/c.txt", out);
    must(tarn_file_save(path, "sea", 3, err));
    must_fail_with(TARN_CONFLICT, "a/b/c.txt", tarn_lake_checkout(s.lake, &id, "", out, false, &files, NULL, err));
    assert_int_equal(files, 0); /* not even the file that would have been fine */
    must(tarn_lake_checkout(s.lake, &id, "", out, true, &files, NULL, err));
    assert_int_equal(files, 3);
    must(tarn_file_read(path, 0, &back, &len, err));
    assert_string_equal(back, "see");
    tarn_free(back);
    must(tarn_lake_checkout(s.lake, &id, NULL, out, false, &files, NULL, err)); /* the same again is fine */
    must_fail_with(TARN_NOT_FOUND, "no path 'nothing'",
                   tarn_lake_checkout(s.lake, &id, "nothing", out, false, &files, NULL, err));
    free(big);
    scratch_free(&s);
}

static void checkout_follows_no_link_out_of_the_folder(void **state)
{
    scratch s = scratch_new();
    char out[128], outside[128], path[256], *back = NULL;
    tarn_entry e[2] = {entry_of(s.lake, "a/file", "inside"), entry_of(s.lake, "link", "inside")};
    tarn_id id;
    struct stat st;

    (void)state;
    must(tarn_lake_commit_entries(s.lake, "main", e, 2, &(tarn_commit_options){.author = "Ann"}, &id, err));
    (void)snprintf(out, sizeof out, "%s/out", s.folder);
    (void)snprintf(outside, sizeof outside, "%s/outside", s.folder);
    must(tarn_dir_make(out, err));
    must(tarn_dir_make(outside, err));
    (void)snprintf(path, sizeof path, "%s/a", out);
    assert_int_equal(symlink(outside, path), 0);
    must_fail_with(TARN_CONFLICT, "links are not followed",
                   tarn_lake_checkout(s.lake, &id, "", out, true, NULL, NULL, err));
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/victim", outside);
    must(tarn_file_save(path, "precious", 8, err));
    char link[256];
    (void)snprintf(link, sizeof link, "%s/link", out);
    assert_int_equal(symlink(path, link), 0);
    must_fail_with(TARN_CONFLICT, "link", tarn_lake_checkout(s.lake, &id, "", out, false, NULL, NULL, err));
    must(tarn_lake_checkout(s.lake, &id, "", out, true, NULL, NULL, err)); /* the link is replaced, not followed */
    must(tarn_file_read(path, 0, &back, NULL, err));
    assert_string_equal(back, "precious");
    tarn_free(back);
    assert_true(lstat(link, &st) == 0 && S_ISREG(st.st_mode));
    scratch_free(&s);
}

static void a_path_that_is_file_and_folder_is_refused_cleanly(void **state)
{
    scratch s = scratch_new();
    char out[128], path[256];
    int64_t files = 0;
    tarn_entry e[2] = {entry_of(s.lake, "a", "1"), entry_of(s.lake, "a/b", "2")};
    tarn_id id;

    (void)state;
    must(tarn_lake_commit_entries(s.lake, "main", e, 2, &(tarn_commit_options){.author = "Ann"}, &id, err));
    (void)snprintf(out, sizeof out, "%s/out", s.folder);
    must_fail_with(TARN_CONFLICT, "the commit has 'a' and 'a/b'",
                   tarn_lake_checkout(s.lake, &id, "", out, true, &files, NULL, err));
    (void)snprintf(path, sizeof path, "%s/a", out);
    assert_false(tarn_path_exists(path)); /* nothing was written */
    must(tarn_lake_checkout(s.lake, &id, "a/", out, false, &files, NULL, err));
    assert_int_equal(files, 1);
    scratch_free(&s);
}

static void checkout_never_writes_into_a_lake(void **state)
{
    static const char *const paths[] = {".tarn/format", ".tarn/meta.db-wal", "a/.tarn/x", ".Tarn/x", "a/.TARN"};
    scratch s = scratch_new();
    char out[128], path[256], branch[16];
    tarn_id id;
    int64_t files = 0;

    (void)state;
    (void)snprintf(out, sizeof out, "%s/out", s.folder);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        tarn_entry e[3] = {entry_of(s.lake, "ok", "1"), entry_of(s.lake, "z.tarn/ok", "2"),
                           entry_of(s.lake, paths[i], "3")};
        (void)snprintf(branch, sizeof branch, "b%zu", i);
        must(tarn_lake_commit_entries(s.lake, branch, e, 3, &(tarn_commit_options){.author = "Ann"}, &id, err));
        must_fail_with(TARN_DENIED, paths[i], tarn_lake_checkout(s.lake, &id, "", out, true, &files, NULL, err));
        (void)snprintf(path, sizeof path, "%s/ok", out);
        assert_false(tarn_path_exists(path));
        must(tarn_lake_checkout(s.lake, &id, "z.tarn/", out, true, &files, NULL, err));
        assert_int_equal(files, 1);
    }
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(references_mean_what_they_say), TARN_TEST(a_removed_branch_is_found_by_its_log),
           TARN_TEST(the_longest_ref_wins_in_ref_and_path),
           TARN_TEST(the_log_is_newest_first_and_merging_moves_forward_where_it_can),
           TARN_TEST(checkout_writes_refuses_and_forces), TARN_TEST(checkout_follows_no_link_out_of_the_folder),
           TARN_TEST(a_path_that_is_file_and_folder_is_refused_cleanly), TARN_TEST(checkout_never_writes_into_a_lake))
