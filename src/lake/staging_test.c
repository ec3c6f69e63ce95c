/* SPDX-License-Identifier: Apache-2.0 */
/* staging_test.c - staging areas by user, folders staged for removal, references to them; patterns; protection. */
#include "lake/scratch_test.h"

#include "lake/inside.h"

#include <stdlib.h>

static tarn_code join_paths(void *arg, const tarn_entry *entry, tarn_err *err)
{
    tarn_text_addf(arg, "%s ", entry->path);
    return tarn_text_check(arg, err);
}

static tarn_code join_changes(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                              tarn_err *err)
{
    tarn_text_addf(arg, "%c%s ", "+-~"[kind], (after ? after : before) -> path);
    return tarn_text_check(arg, err);
}

#define SAYS(want, call)                                   \
    do {                                                   \
        tarn_text t = {0};                                 \
        must(call);                                        \
        assert_string_equal(t.data ? t.data : "", (want)); \
        tarn_text_clear(&t);                               \
    } while (0)

#define LISTED(who, prefix, delimiter, want) \
    SAYS(want, tarn_lake_list_staged(s.lake, "main", (who), (prefix), "", (delimiter), join_paths, &t, err))

static tarn_entry removal(const char *path)
{
    tarn_entry e = {.path = ""};
    (void)snprintf(e.path, sizeof e.path, "%s", path);
    return e;
}

static void stage(tarn_lake *lake, const char *who, tarn_entry e)
{
    must(tarn_lake_stage(lake, "main", who, &e, 1, err));
}

static tarn_code join_areas(void *arg, const char *who, int64_t rows, tarn_err *err)
{
    tarn_text_addf(arg, "%s=%lld ", who, (long long)rows);
    return tarn_text_check(arg, err);
}

static void every_user_has_an_area_of_their_own(void **state)
{
    scratch s = scratch_new();
    tarn_commit_options o = {.author = "Ann", .message = "m"};
    tarn_id id, base = commit_text(s.lake, "main", "a", "0");
    tarn_entry got;
    char branch[256], path[1025], *bytes = NULL;
    bool staged = false;

    (void)state;
    stage(s.lake, "ann", entry_of(s.lake, "a", "1"));
    stage(s.lake, "ann", entry_of(s.lake, "b", "1"));
    stage(s.lake, "bob", entry_of(s.lake, "a", "2"));
    stage(s.lake, "", entry_of(s.lake, "c", "3"));
    SAYS("~a +b ", tarn_lake_staged(s.lake, "main", "ann", join_changes, &t, err));
    SAYS("~a ", tarn_lake_staged(s.lake, "main", "bob", join_changes, &t, err));
    SAYS("", tarn_lake_staged(s.lake, "main", "eve", join_changes, &t, err));
    SAYS("=1 ann=2 bob=1 ", tarn_lake_areas(s.lake, "main", join_areas, &t, err));
    LISTED("ann", "", 0, "a b ");
    LISTED("bob", "", 0, "a ");
    must(tarn_lake_lookup_staged(s.lake, "main", "bob", "a", &got, err));
    must(tarn_lake_get(s.lake, &got.object.id, 0, &bytes, NULL, err));
    assert_string_equal(bytes, "2");
    tarn_free(bytes);
    must_fail_with(TARN_NOT_FOUND, "no path", tarn_lake_lookup_staged(s.lake, "main", "bob", "b", &got, err));
    must(tarn_lake_commit(s.lake, "main", "ann", &o, &id, err));
    SAYS("~a +b ", tarn_lake_diff(s.lake, &base, &id, "", join_changes, &t, err));
    SAYS("=1 bob=1 ", tarn_lake_areas(s.lake, "main", join_areas, &t, err)); /* the others' are as they were */
    SAYS("~a ", tarn_lake_staged(s.lake, "main", "bob", join_changes, &t, err));
    must(tarn_lake_unstage(s.lake, "main", "bob", "", err));
    SAYS("=1 ", tarn_lake_areas(s.lake, "main", join_areas, &t, err));
    must_fail_with(TARN_NOT_FOUND, "nothing to commit", tarn_lake_commit(s.lake, "main", "bob", &o, &id, err));
    must_fail_with(TARN_INVALID, "control", tarn_lake_stage(s.lake, "main", "a\nb", &got, 1, err));

    must(tarn_lake_resolve_staged(s.lake, "main$", &staged, branch, path, err));
    assert_true(staged);
    assert_string_equal(branch, "heads/main");
    assert_string_equal(path, "");
    must(tarn_lake_resolve_staged(s.lake, "main$/x$/y", &staged, branch, path, err));
    assert_string_equal(path, "x$/y");
    must(tarn_lake_resolve_staged(s.lake, "main/x$/y", &staged, branch, path, err));
    assert_false(staged);
    must(tarn_lake_resolve_staged(s.lake, "nothing$", &staged, branch, path, err));
    assert_false(staged);
    must_fail_with(TARN_INVALID, "staging area", tarn_lake_resolve(s.lake, "main$", &id, err));
    must(tarn_lake_resolve(s.lake, "main@", &got.object.id, err));
    must(tarn_lake_ref_get(s.lake, "main", &id, err));
    assert_true(tarn_id_equal(&id, &got.object.id));
    must(tarn_lake_ref_move(s.lake, "tags/v1", NULL, &id, "Ann", "", err));
    must_fail_with(TARN_INVALID, "branch alone", tarn_lake_resolve(s.lake, "v1@", &id, err));
    must_fail_with(TARN_INVALID, "branch alone", tarn_lake_resolve(s.lake, "main~1@", &id, err));
    SAYS("+c ", tarn_lake_diff_staged(s.lake, &id, "main", "", "", join_changes, &t, err));
    scratch_free(&s);
}

static void a_cleared_folder_hides_what_was_there_and_shows_what_comes(void **state)
{
    static const char *const paths[] = {"a", "d-e", "d/1", "d/2", "d/e/1", "d/e/2", "d0", "z/1"};
    scratch s = scratch_new();
    tarn_commit_options o = {.author = "Ann", .message = "m"};
    tarn_entry e[8], got;
    tarn_id id;

    (void)state;
    for (size_t i = 0; i < 8; i++) e[i] = entry_of(s.lake, paths[i], "x");
    must(tarn_lake_commit_entries(s.lake, "main", e, 8, &o, &id, err));
    stage(s.lake, "ann", entry_of(s.lake, "d/before", "x"));
    stage(s.lake, "ann", removal("d/"));
    LISTED("ann", "", 0, "a d-e d0 z/1 ");
    LISTED("ann", "", '/', "a d-e d0 z/ ");
    LISTED("ann", "d/", 0, "");
    LISTED("ann", "d/e/", 0, "");
    LISTED("ann", "d", 0, "d-e d0 ");
    LISTED("bob", "d/", '/', "d/1 d/2 d/e/ ");
    must_fail_with(TARN_NOT_FOUND, "staged for removal",
                   tarn_lake_lookup_staged(s.lake, "main", "ann", "d/e/1", &got, err));
    SAYS("-d/ ", tarn_lake_staged(s.lake, "main", "ann", join_changes, &t, err));
    stage(s.lake, "ann", entry_of(s.lake, "d/e/new", "y"));
    stage(s.lake, "ann", entry_of(s.lake, "d/2", "y"));
    LISTED("ann", "", 0, "a d-e d/2 d/e/new d0 z/1 ");
    LISTED("ann", "d/", '/', "d/2 d/e/ ");
    LISTED("ann", "d/e/", 0, "d/e/new ");
    must(tarn_lake_lookup_staged(s.lake, "main", "ann", "d/e/new", &got, err));
    SAYS("-d/1 ~d/2 -d/e/1 -d/e/2 +d/e/new ",
         tarn_lake_diff_staged(s.lake, &id, "main", "ann", "", join_changes, &t, err));
    stage(s.lake, "ann", removal("d/e/")); /* again, further in */
    LISTED("ann", "", 0, "a d-e d/2 d0 z/1 ");
    must(tarn_lake_commit(s.lake, "main", "ann", &o, &id, err));
    SAYS("a d-e d/2 d0 z/1 ", tarn_lake_list(s.lake, &id, "", "", 0, join_paths, &t, err));
    SAYS("", tarn_lake_areas(s.lake, "main", join_areas, &t, err));
    stage(s.lake, "ann", removal("nothing/"));
    SAYS("", tarn_lake_staged(s.lake, "main", "ann", join_changes, &t, err));
    must_fail_with(TARN_NOT_FOUND, "nothing to commit", tarn_lake_commit(s.lake, "main", "ann", &o, &id, err));
    tarn_entry bad = entry_of(s.lake, "x/", "y");
    must_fail_with(TARN_INVALID, "empty", tarn_lake_stage(s.lake, "main", "ann", &bad, 1, err));
    bad = removal("/");
    must_fail_with(TARN_INVALID, "empty", tarn_lake_stage(s.lake, "main", "ann", &bad, 1, err));
    bad = removal("x//");
    must_fail_with(TARN_INVALID, "empty", tarn_lake_stage(s.lake, "main", "ann", &bad, 1, err));
    scratch_free(&s);
}

static tarn_code count(void *arg, const tarn_entry *entry, tarn_err *err)
{
    (void)entry, (void)err;
    ++*(int *)arg;
    return TARN_OK;
}

static void a_large_folder_goes_as_one_row_and_is_not_walked(void **state)
{
    enum { MANY = 200000 };
    scratch s = scratch_new();
    tarn_entry *e = calloc(MANY + 1, sizeof *e), one = entry_of(s.lake, "x", "x");
    tarn_id id;
    int n = 0;

    (void)state;
    for (int i = 0; i <= MANY; i++) {
        e[i] = one;
        (void)snprintf(e[i].path, sizeof e[i].path, i < MANY ? "big/%02d/%06d" : "rest/%d%d", i % 50, i);
    }
    must(tarn_lake_commit_entries(s.lake, "main", e, MANY + 1, &(tarn_commit_options){.author = "Ann"}, &id, err));
    free(e);
    stage(s.lake, "ann", removal("big/"));
    SAYS("ann=1 ", tarn_lake_areas(s.lake, "main", join_areas, &t, err));
    double start = tarn_seconds();
    must(tarn_lake_list_staged(s.lake, "main", "ann", "", "", 0, count, &n, err));
    double ms = 1000 * (tarn_seconds() - start);
    print_message("listing with %d paths staged away: %.2f ms\n", MANY, ms);
    assert_int_equal(n, 1);
    start = tarn_seconds();
    must(tarn_lake_commit(s.lake, "main", "ann", &(tarn_commit_options){.author = "Ann"}, &id, err));
    print_message("committing it: %.2f ms\n", 1000 * (tarn_seconds() - start));
    tarn_commit c;
    must(tarn_lake_commit_read(s.lake, &id, &c, err));
    assert_int_equal(c.paths, 1);
    tarn_commit_clear(&c);
    assert_true(ms < 500); /* walking them takes longer even on a busy machine */
    scratch_free(&s);
}

static void patterns_fit_what_they_say(void **state)
{
    static const struct {
        const char *patterns, *text;
        bool fits;
    } cases[] = {{"a", "a", true},
                 {"a", "ab", false},
                 {"", "a", false},
                 {NULL, "a", false},
                 {"*", "abc", true},
                 {"*", "a/b", false},
                 {"**", "a/b/c", true},
                 {"a/*", "a/b", true},
                 {"a/*", "a/b/c", false},
                 {"a/**", "a/b/c", true},
                 {"a/", "a/b/c", true},
                 {"a/", "ab", false},
                 {"a/", "a", false},
                 {"*/", "a/b", true},
                 {"a?c", "abc", true},
                 {"a?c", "a/c", false},
                 {"a?c",
                  "a\xc3\xa9"
                  "c",
                  true},
                 {"a??c",
                  "a\xc3\xa9"
                  "c",
                  false},
                 {"*?\xc3\xa9", "a\xf0\x9f\x8c\x8a\xc3\xa9", true},
                 {"*??", "\xc3\xa9", false},
                 {"a\\?", "a?", false},
                 {"x\na*", "abc", true},
                 {"x\n\ny", "abc", false},
                 {"*.csv", "a.csv", true},
                 {"*.csv", "d/a.csv", false},
                 {"**.csv", "d/a.csv", true},
                 {"**/*.csv", "d/e/a.csv", true},
                 {"**/b*d/*", "a/b/bcd/e", true},
                 {"**/b*d/*", "a/b/bc/e", false},
                 {"a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
                 {"release/*", "release/1.0", true},
                 {"release/*", "release/1/0", false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (tarn_glob_any(cases[i].patterns, cases[i].text) != cases[i].fits)
            fail_msg("'%s' and '%s'", cases[i].patterns, cases[i].text);
}

/* ---- protection ---- */

static void protect(tarn_lake *lake, const char *pattern, const char *rule)
{
    json_t *j = NULL;

    must(tarn_json_read(rule, strlen(rule), "a rule", &j, err));
    must(tarn_lake_protect(lake, pattern, j, "Ann", err));
    json_decref(j);
}

static tarn_code put_x(tarn_lake *lake, const char *branch, const char *text, tarn_id *out, tarn_err *err)
{
    tarn_entry e = entry_of(lake, "x", text);
    return tarn_lake_commit_entries(lake, branch, &e, 1, &(tarn_commit_options){.author = "Ann"}, out, err);
}

static void a_protected_branch_is_not_reset_removed_or_committed_to(void **state)
{
    scratch s = scratch_new();
    tarn_id one = commit_text(s.lake, "main", "a", "1"), two = commit_text(s.lake, "main", "a", "2"), id;
    tarn_merge_options o = {.author = "Ann"};
    tarn_merge_result r;
    int64_t when;
    json_t *rule = NULL;
    tarn_lake *other = NULL;

    (void)state;
    must(tarn_lake_ref_move(s.lake, "work", NULL, &two, "Ann", "", err));
    must(tarn_lake_open(s.folder, &other, err));
    protect(s.lake, "main", "{}");
    must_fail_with(TARN_DENIED, "protected", tarn_lake_reset(other, "main", &one, "", "", &id, &when, err));
    must_fail_with(TARN_DENIED, "removed", tarn_lake_ref_move(other, "main", &two, NULL, "", "", err));
    must_fail_with(TARN_DENIED, "forced", tarn_lake_ref_move(other, "main", &two, &one, "", "", err));
    must(put_x(other, "main", "1", &id, err));
    protect(s.lake, "ma*", "{\"no_direct\": true}");
    must_fail_with(TARN_DENIED, "direct commits", put_x(other, "main", "2", &id, err));
    must_fail_with(TARN_DENIED, "direct commits", tarn_lake_revert(other, "main", &two, &o, &r, err));
    must(put_x(other, "work", "1", &id, err));
    must(tarn_lake_merge(other, "work", "main", &o, &r, err));
    must(tarn_lake_protection_of(s.lake, "main", &rule, err));
    assert_true(json_is_true(json_object_get(rule, "no_direct")));
    json_decref(rule);
    must(tarn_lake_protection_of(s.lake, "work", &rule, err));
    assert_null(rule);
    must(tarn_lake_protect(s.lake, "ma*", NULL, "Ann", err));
    must_fail_with(TARN_NOT_FOUND, "no rule", tarn_lake_protect(s.lake, "ma*", NULL, "Ann", err));
    must(put_x(other, "main", "3", &id, err));
    json_t *bad = json_pack("{s:[s]}", "require", "nonsense");
    must_fail_with(TARN_INVALID, "a check is", tarn_lake_protect(s.lake, "x", bad, "Ann", err));
    json_decref(bad);
    tarn_lake_close(other);
    scratch_free(&s);
}

typedef struct gatekeeper {
    bool pass;
    int asked;
    tarn_id candidate;
    const char *folder;
    bool readable; /* by another handle, as another process would */
} gatekeeper;

static gatekeeper *keeper; /* the gate's arg is const */

static tarn_code gate(const void *arg, tarn_lake *lake, const tarn_gate_ask *ask, json_t *results, tarn_err *err)
{
    gatekeeper *k = keeper;
    tarn_lake *other = NULL;
    tarn_commit c;

    (void)lake, (void)arg;
    k->asked++;
    k->candidate = ask->commit;
    if (tarn_lake_open(k->folder, &other, NULL) == TARN_OK &&
        tarn_lake_commit_read(other, &ask->commit, &c, NULL) == TARN_OK) {
        k->readable = true;
        tarn_commit_clear(&c);
    }
    tarn_lake_close(other);
    if (!k->pass) return TARN_FAIL(err, TARN_CHECK, "check 'schema' failed: no");
    if (!results) return TARN_OK;
    return tarn_json_append(results, json_pack("{s:s, s:b}", "check", "schema", "passed", 1), err);
}

static void what_a_gate_refuses_leaves_the_branch_as_it_was(void **state)
{
    scratch s = scratch_new();
    tarn_id one = commit_text(s.lake, "main", "a", "1"), id, head;
    gatekeeper k = {.folder = s.folder};
    tarn_merge_options o = {.author = "Ann"};
    tarn_merge_result r;
    tarn_commit c;

    (void)state;
    keeper = &k;
    must(tarn_lake_ref_move(s.lake, "work", NULL, &one, "Ann", "", err));
    protect(s.lake, "main", "{\"require\": [\"schema\"]}");
    must_fail_with(TARN_DENIED, "cannot run", put_x(s.lake, "main", "1", &id, err));
    tarn_lake_set_gate(s.lake, gate, NULL);
    must_fail_with(TARN_CHECK, "schema", put_x(s.lake, "main", "1", &id, err));
    assert_true(k.asked == 1 && k.readable);
    must(tarn_lake_ref_get(s.lake, "main", &head, err));
    assert_true(tarn_id_equal(&head, &one));
    must(put_x(s.lake, "work", "1", &id, err)); /* other branches are free */
    assert_int_equal(k.asked, 1);
    must_fail_with(TARN_CHECK, "schema", tarn_lake_merge(s.lake, "work", "main", &o, &r, err));
    must_fail_with(TARN_CHECK, "schema",
                   tarn_lake_ref_move(s.lake, "mai", NULL, &one, "", "", err) == TARN_OK
                       ? (protect(s.lake, "new", "{\"require\": [\"schema\"]}"),
                          tarn_lake_ref_move(s.lake, "new", NULL, &one, "", "", err))
                       : TARN_OK);
    k.pass = true;
    must(tarn_lake_merge(s.lake, "work", "main", &o, &r, err)); /* a commit of its own, to carry the results */
    assert_false(r.fast_forward);
    must(tarn_lake_commit_read(s.lake, &r.commit, &c, err));
    assert_int_equal(c.n_parents, 2);
    assert_string_equal(tarn_json_text(json_array_get(json_object_get(c.meta, "checks"), 0), "check", ""), "schema");
    tarn_commit_clear(&c);
    tarn_text own = {0};
    must(tarn_lake_checking(s.lake, "heads/main", &own, err)); /* as a check's child sees it */
    assert_int_equal(setenv("TARN_CHECKING", own.data, 1), 0);
    must_fail_with(TARN_DENIED, "cannot change the branch it checks", put_x(s.lake, "main", "9", &id, err));
    must(put_x(s.lake, "work", "9", &id, err));
    assert_int_equal(unsetenv("TARN_CHECKING"), 0);
    tarn_text_clear(&own);
    scratch_free(&s);
}

/* Every allocation fails once. */
static void failing_memory_leaves_protection_whole(void **state)
{
    scratch s = scratch_new();
    tarn_id id;
    gatekeeper k = {.folder = s.folder, .pass = true};
    json_t *rule = json_pack("{s:[s], s:b}", "require", "schema", "no_direct", 0);
    tarn_entry e = entry_of(s.lake, "x", "1");

    (void)state;
    keeper = &k;
    tarn_lake_set_gate(s.lake, gate, NULL);
    for (int64_t n = 1;; n++) {
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_lake_protect(s.lake, "main", rule, "Ann", NULL);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) break;
        assert_int_equal(rc, TARN_NOMEM);
    }
    for (int64_t n = 1;; n++) {
        tarn_mem_fail_after(n);
        tarn_code rc =
            tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &id, NULL);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) break;
        assert_int_equal(rc, TARN_NOMEM);
        must_fail_with(TARN_NOT_FOUND, "main", tarn_lake_ref_get(s.lake, "main", &id, err));
    }
    json_decref(rule);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(every_user_has_an_area_of_their_own),
           TARN_TEST(a_cleared_folder_hides_what_was_there_and_shows_what_comes),
           TARN_TEST(a_large_folder_goes_as_one_row_and_is_not_walked), TARN_TEST(patterns_fit_what_they_say),
           TARN_TEST(a_protected_branch_is_not_reset_removed_or_committed_to),
           TARN_TEST(what_a_gate_refuses_leaves_the_branch_as_it_was),
           TARN_TEST(failing_memory_leaves_protection_whole))
