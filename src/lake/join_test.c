/* SPDX-License-Identifier: Apache-2.0 */
/* join_test.c - merging branches, reverting, picking, resetting; alone, many at once, and with things going wrong. */
#include "lake/scratch_test.h"

#include "base/pool.h"
#include "lake/inside.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define SAME(a, b) assert_true(tarn_id_equal(&(a), &(b)))

static const tarn_merge_options by_ann = {.author = "Ann"};

static tarn_id head_of(tarn_lake *lake, const char *branch)
{
    tarn_id id = {{0}};
    must(tarn_lake_ref_get(lake, branch, &id, err));
    return id;
}

static void branch_at(tarn_lake *lake, const char *name, const tarn_id *at)
{
    must(tarn_lake_ref_move(lake, name, NULL, at, "Ann", "made", err));
}

/* What stands at a path; "-": nothing. */
static const char *text_at(tarn_lake *lake, const char *ref, const char *path, char out[64])
{
    tarn_id id;
    tarn_entry e;
    char *bytes = NULL;

    must(tarn_lake_resolve(lake, ref, &id, err));
    (void)strcpy(out, "-");
    if (tarn_lake_lookup(lake, &id, path, &e, NULL) != TARN_OK) return out;
    must(tarn_lake_get(lake, &e.object.id, 0, &bytes, NULL, err));
    (void)snprintf(out, 64, "%s", bytes);
    tarn_free(bytes);
    return out;
}

#define HOLDS(ref, path, text)                                              \
    do {                                                                    \
        char holds[64];                                                     \
        assert_string_equal(text_at(s.lake, (ref), (path), holds), (text)); \
    } while (0)

/* ---- the best common ancestor ---- */

static tarn_id merge_of(tarn_lake *lake, const char *from, const char *into)
{
    tarn_merge_result r;
    tarn_merge_options o = by_ann;

    o.strategy = TARN_SIDE_OURS;
    o.no_ff = true;
    must(tarn_lake_merge(lake, from, into, &o, &r, err));
    return r.commit;
}

static void the_best_common_ancestor_is_found(void **state)
{
    scratch s = scratch_new();
    tarn_id root = commit_text(s.lake, "a", "x", "0"), got, alone = commit_text(s.lake, "alone", "x", "0");

    (void)state;
    tarn_id fork = commit_text(s.lake, "a", "x", "1");
    branch_at(s.lake, "b", &fork);
    branch_at(s.lake, "old", &root);
    tarn_id a1 = commit_text(s.lake, "a", "a", "1"), b1 = commit_text(s.lake, "b", "b", "1");
    must(tarn_lake_merge_base(s.lake, &a1, &b1, &got, err));
    SAME(got, fork);
    must(tarn_lake_merge_base(s.lake, &b1, &fork, &got, err));
    SAME(got, fork);
    must(tarn_lake_merge_base(s.lake, &b1, &b1, &got, err));
    SAME(got, b1);
    tarn_id old = commit_text(s.lake, "old", "o", "1");
    must(tarn_lake_merge_base(s.lake, &old, &a1, &got, err));
    SAME(got, root);
    must(tarn_lake_merge_base(s.lake, &old, &alone, &got, err));
    assert_true(tarn_id_none(&got));
    /* criss-cross: both a1 and b1 are best; the newer is taken, from both sides */
    branch_at(s.lake, "c", &a1);
    tarn_id m1 = merge_of(s.lake, "b", "a"), m2 = merge_of(s.lake, "c", "b");
    tarn_id one, two;
    must(tarn_lake_merge_base(s.lake, &m1, &m2, &one, err));
    must(tarn_lake_merge_base(s.lake, &m2, &m1, &two, err));
    SAME(one, two);
    SAME(one, b1);
    scratch_free(&s);
}

static const tarn_backend *disk;
static int64_t reads;

static tarn_code counting_get(void *self, const char *name, uint64_t at, size_t len, void *out, tarn_err *err)
{
    reads++;
    return disk->get(self, name, at, len, out, err);
}

static void a_near_ancestor_is_found_without_the_whole_history(void **state)
{
    scratch s = scratch_new();
    char value[16];
    tarn_id got, fork = {{0}};

    (void)state;
    for (int i = 0; i < 300; i++) {
        (void)snprintf(value, sizeof value, "%d", i);
        fork = commit_text(s.lake, "a", "x", value);
    }
    branch_at(s.lake, "b", &fork);
    tarn_id a = commit_text(s.lake, "a", "a", "1"), b = commit_text(s.lake, "b", "b", "1");
    scratch_reopen(&s);
    disk = s.lake->backend;
    tarn_backend counting = *disk;
    counting.get = counting_get;
    s.lake->backend = &counting;
    reads = 0;
    must(tarn_lake_merge_base(s.lake, &a, &b, &got, err));
    SAME(got, fork);
    assert_true(reads < 10);
    s.lake->backend = disk;
    scratch_free(&s);
}

static void commits_are_younger_than_their_parents(void **state)
{
    scratch s = scratch_new();
    tarn_id a = commit_text(s.lake, "main", "x", "0"), b;
    tarn_commit one, two;

    (void)state;
    for (int i = 0; i < 20; i++) {
        char value[8];
        (void)snprintf(value, sizeof value, "v%d", i);
        b = commit_text(s.lake, "main", "x", value);
        must(tarn_lake_commit_read(s.lake, &a, &one, err));
        must(tarn_lake_commit_read(s.lake, &b, &two, err));
        assert_true(two.time_us > one.time_us);
        tarn_commit_clear(&one);
        tarn_commit_clear(&two);
        a = b;
    }
    scratch_free(&s);
}

/* ---- merging ---- */

/* main and work: "both" changed by both, "gone" changed by main and removed by work, "alike" changed alike. */
static void part_ways(scratch *s)
{
    tarn_entry e[5] = {entry_of(s->lake, "alike", "0"), entry_of(s->lake, "both", "0"), entry_of(s->lake, "gone", "0"),
                       entry_of(s->lake, "mine", "0"), entry_of(s->lake, "yours", "0")};
    tarn_commit_options o = {.author = "Ann"};
    tarn_id id;

    must(tarn_lake_commit_entries(s->lake, "main", e, 5, &o, &id, err));
    branch_at(s->lake, "work", &id);
    (void)commit_text(s->lake, "main", "alike", "1");
    (void)commit_text(s->lake, "main", "both", "1");
    (void)commit_text(s->lake, "main", "gone", "1");
    (void)commit_text(s->lake, "main", "mine", "1");
    (void)commit_text(s->lake, "work", "alike", "1");
    (void)commit_text(s->lake, "work", "both", "2");
    (void)commit_text(s->lake, "work", "gone", NULL);
    (void)commit_text(s->lake, "work", "yours", "2");
}

typedef struct told {
    char text[400];
} told;

static tarn_code tell(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                      const tarn_entry *theirs, const char *why, tarn_err *err)
{
    told *t = arg;
    size_t n = strlen(t->text);

    (void)err;
    (void)snprintf(t->text + n, sizeof t->text - n, "%s %c%c%c%s; ", path, base ? 'b' : '-', ours ? 'o' : '-',
                   theirs ? 't' : '-', why);
    return TARN_OK;
}

static tarn_code tell_change(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                             tarn_err *err)
{
    told *t = arg;
    size_t n = strlen(t->text);

    (void)err;
    (void)snprintf(t->text + n, sizeof t->text - n, "%c%s; ", "+-~"[kind], (after ? after : before) -> path);
    return TARN_OK;
}

static void conflicts_are_told_and_change_nothing(void **state)
{
    scratch s = scratch_new();
    told t = {""};
    tarn_merge_options o = {.author = "Ann", .conflict = tell, .told_arg = &t};
    tarn_merge_result r;

    (void)state;
    part_ways(&s);
    tarn_id before = head_of(s.lake, "main");
    must_fail_with(TARN_CONFLICT, "2 conflicts", tarn_lake_merge(s.lake, "work", "main", &o, &r, err));
    assert_string_equal(t.text, "both bot; gone bo-; ");
    assert_int_equal(r.conflicts, 2);
    tarn_id after = head_of(s.lake, "main");
    SAME(before, after);
    t.text[0] = '\0';
    o.dry_run = true;
    o.change = tell_change;
    must(tarn_lake_merge(s.lake, "work", "main", &o, &r, err));
    assert_string_equal(t.text, "both bot; gone bo-; ~yours; ");
    after = head_of(s.lake, "main");
    SAME(before, after);
    scratch_free(&s);
}

static void strategies_and_patterns_settle_conflicts(void **state)
{
    scratch s = scratch_new();
    tarn_merge_options o = by_ann;
    tarn_merge_result r;
    tarn_commit c;

    (void)state;
    part_ways(&s);
    tarn_id main = head_of(s.lake, "main"), work = head_of(s.lake, "work");
    branch_at(s.lake, "one", &main);
    branch_at(s.lake, "two", &main);
    branch_at(s.lake, "three", &main);
    o.strategy = TARN_SIDE_THEIRS;
    must(tarn_lake_merge(s.lake, "work", "one", &o, &r, err));
    assert_int_equal(r.settled, 2);
    HOLDS("one", "both", "2");
    HOLDS("one", "gone", "-");
    HOLDS("one", "mine", "1");
    HOLDS("one", "yours", "2");
    HOLDS("one", "alike", "1");
    must(tarn_lake_commit_read(s.lake, &r.commit, &c, err));
    assert_int_equal(c.n_parents, 2);
    SAME(c.parents[0], main);
    SAME(c.parents[1], work);
    assert_string_equal(c.message, "merge work into one");
    assert_int_equal(c.paths, 4);
    tarn_commit_clear(&c);
    o.strategy = TARN_SIDE_OURS;
    must(tarn_lake_merge(s.lake, "work", "two", &o, &r, err));
    HOLDS("two", "both", "1");
    HOLDS("two", "gone", "1");
    HOLDS("two", "yours", "2");
    o.strategy = TARN_SIDE_NONE;
    o.ours = "nothing\nb?th";
    must_fail_with(TARN_CONFLICT, "1 conflict", tarn_lake_merge(s.lake, "work", "three", &o, &r, err));
    o.theirs = "**";
    must(tarn_lake_merge(s.lake, "work", "three", &o, &r, err));
    HOLDS("three", "both", "1");
    HOLDS("three", "gone", "-");
    must(tarn_lake_merge(s.lake, "work", "three", &o, &r, err)); /* again */
    assert_true(r.nothing);
    scratch_free(&s);
}

static tarn_code add_both(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                          const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_text *why, tarn_err *err)
{
    if (!ours || !theirs) {
        tarn_text_addf(why, "'%s' is gone on one side", path);
        return TARN_OK;
    }
    (void)base;
    *settled = true;
    return tarn_lake_put(arg, "both", 4, &merged->object, err);
}

static tarn_code name_a_ghost(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                              const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_text *why,
                              tarn_err *err)
{
    (void)arg, (void)path, (void)base, (void)ours, (void)theirs, (void)why, (void)err;
    merged->object = (tarn_object){.id = {{9}}, .size = 3};
    *settled = true;
    return TARN_OK;
}

static void a_resolver_is_asked_and_not_trusted(void **state)
{
    scratch s = scratch_new();
    told t = {""};
    tarn_merge_options o = {
        .author = "Ann", .resolve = add_both, .resolve_arg = s.lake, .conflict = tell, .told_arg = &t};
    tarn_merge_result r;

    (void)state;
    part_ways(&s);
    must_fail_with(TARN_CONFLICT, "1 conflict", tarn_lake_merge(s.lake, "work", "main", &o, &r, err));
    assert_string_equal(t.text, "gone bo-'gone' is gone on one side; ");
    o.strategy = TARN_SIDE_OURS; /* for what it left */
    must(tarn_lake_merge(s.lake, "work", "main", &o, &r, err));
    assert_int_equal(r.settled, 2);
    HOLDS("main", "both", "both");
    HOLDS("main", "gone", "1");
    (void)commit_text(s.lake, "main", "yours", "3");
    (void)commit_text(s.lake, "work", "yours", "4");
    o.resolve = name_a_ghost;
    must_fail_with(TARN_NOT_FOUND, "not put", tarn_lake_merge(s.lake, "work", "main", &o, &r, err));
    scratch_free(&s);
}

static void revert_takes_back_and_pick_does_again(void **state)
{
    scratch s = scratch_new();
    tarn_id first = commit_text(s.lake, "main", "a", "1"), r1, got;
    tarn_merge_options o = by_ann;
    tarn_merge_result r;
    tarn_commit c;

    (void)state;
    branch_at(s.lake, "work", &first);
    tarn_id second = commit_text(s.lake, "main", "b", "2");
    (void)commit_text(s.lake, "main", "c", "3");
    must(tarn_lake_revert(s.lake, "main", &second, &o, &r, err));
    HOLDS("main", "b", "-");
    HOLDS("main", "c", "3");
    must(tarn_lake_commit_read(s.lake, &r.commit, &c, err));
    assert_int_equal(c.n_parents, 1);
    assert_non_null(strstr(c.message, ": b"));
    assert_string_equal(tarn_json_text(c.meta, "reverts", ""), tarn_id_hex(&second, (char[TARN_ID_HEX]){0}));
    tarn_commit_clear(&c);
    r1 = r.commit;
    must(tarn_lake_revert(s.lake, "main", &second, &o, &r, err)); /* there is nothing left to take back */
    assert_true(r.nothing);
    must(tarn_lake_revert(s.lake, "main", &r1, &o, &r, err)); /* the revert itself */
    HOLDS("main", "b", "2");
    must(tarn_lake_pick(s.lake, "work", &second, &o, &r, err));
    HOLDS("work", "b", "2");
    HOLDS("work", "c", "-");
    must(tarn_lake_revert(s.lake, "work", &first, &o, &r, err)); /* a first commit */
    HOLDS("work", "a", "-");
    (void)commit_text(s.lake, "work", "b", "5");
    must_fail_with(TARN_CONFLICT, "'b'", tarn_lake_revert(s.lake, "work", &second, &o, &r, err));
    o.strategy = TARN_SIDE_OURS; /* the branch wins */
    tarn_id merged = merge_of(s.lake, "work", "main");
    o.strategy = TARN_SIDE_NONE;
    must_fail_with(TARN_INVALID, "--mainline", tarn_lake_revert(s.lake, "main", &merged, &o, &r, err));
    o.mainline = 1;
    must(tarn_lake_revert(s.lake, "main", &merged, &o, &r, err));
    must(tarn_lake_resolve(s.lake, "main~2", &got, err));
    tarn_commit was, now;
    must(tarn_lake_commit_read(s.lake, &got, &was, err));
    must(tarn_lake_commit_read(s.lake, &r.commit, &now, err));
    SAME(was.tree, now.tree);
    tarn_commit_clear(&was);
    tarn_commit_clear(&now);
    o.mainline = 3;
    must_fail_with(TARN_INVALID, "no mainline 3", tarn_lake_pick(s.lake, "main", &merged, &o, &r, err));
    scratch_free(&s);
}

static void a_reset_can_be_taken_back(void **state)
{
    scratch s = scratch_new();
    tarn_id one = commit_text(s.lake, "main", "a", "1"), two = commit_text(s.lake, "main", "a", "2"), was, got;
    int64_t when = 0;
    char text[80], whole[32];

    (void)state;
    (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    must(tarn_lake_reset(s.lake, "main", &one, "Ann", "oops", &was, &when, err));
    SAME(was, two);
    got = head_of(s.lake, "main");
    SAME(got, one);
    time_t second = (time_t)(when / 1000000);
    struct tm tm;
    (void)gmtime_r(&second, &tm);
    (void)strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text, sizeof text, "main@{%s.%06ld}", whole, (long)(when % 1000000));
    must(tarn_lake_resolve(s.lake, text, &got, err));
    SAME(got, two);
    must_fail_with(TARN_NOT_FOUND, "no ref", tarn_lake_reset(s.lake, "nothing", &one, "", "", &was, &when, err));
    must_fail_with(TARN_INVALID, "not a branch", tarn_lake_reset(s.lake, "tags/x", &one, "", "", &was, &when, err));
    scratch_free(&s);
}

/* ---- looking back ---- */

static tarn_code join_message(void *arg, const tarn_commit *c, tarn_err *err)
{
    tarn_text_addf(arg, "%s ", c->message);
    return tarn_text_check(arg, err);
}

#define LOGGED(want, ...)                                                                                 \
    do {                                                                                                  \
        tarn_text t = {0};                                                                                \
        must(tarn_lake_log_some(s.lake, &head, &(tarn_log_options){__VA_ARGS__}, join_message, &t, err)); \
        assert_string_equal(t.data ? t.data : "", (want));                                                \
        tarn_text_clear(&t);                                                                              \
    } while (0)

static tarn_code join_blame(void *arg, const tarn_entry *entry, const tarn_commit *c, tarn_err *err)
{
    tarn_text_addf(arg, "%s:%s ", entry->path, c->message);
    return tarn_text_check(arg, err);
}

#define BLAMED(path, want)                                                 \
    do {                                                                   \
        tarn_text t = {0};                                                 \
        must(tarn_lake_blame(s.lake, &head, (path), join_blame, &t, err)); \
        assert_string_equal(t.data, (want));                               \
        tarn_text_clear(&t);                                               \
    } while (0)

static void log_and_blame_follow_paths_through_merges(void **state)
{
    scratch s = scratch_new();
    tarn_id first = commit_text(s.lake, "main", "d/x", "1"), head;
    tarn_commit c;

    (void)state;
    branch_at(s.lake, "work", &first);
    (void)commit_text(s.lake, "main", "d/y", "1");
    (void)commit_text(s.lake, "main", "e", "1");
    (void)commit_text(s.lake, "work", "d/in/z", "1");
    (void)commit_text(s.lake, "work", "dx", "1");
    head = merge_of(s.lake, "work", "main");
    (void)commit_text(s.lake, "main", "e", "2");
    head = commit_text(s.lake, "main", "f", "2");
    LOGGED("f e merge work into main dx d/in/z e d/y d/x ", .limit = 0);
    LOGGED("f e ", .limit = 2);
    LOGGED("merge work into main d/in/z d/y d/x ", .path = "d/");
    LOGGED("merge work into main d/in/z d/y d/x ", .path = "d");
    LOGGED("d/in/z ", .path = "d/in/");
    LOGGED("d/in/z ", .path = "d/in");
    LOGGED("d/x ", .path = "d/x");
    LOGGED("", .path = "d/i");
    LOGGED("e e ", .path = "e");
    LOGGED("e ", .path = "e", .limit = 1);
    LOGGED("", .path = "nothing");
    LOGGED("", .author = "Bob");
    LOGGED("f ", .author = "Ann", .limit = 1);
    must(tarn_lake_commit_read(s.lake, &first, &c, err));
    LOGGED("d/x ", .until_us = c.time_us);
    LOGGED("f e merge work into main dx d/in/z e d/y ", .since_us = c.time_us + 1);
    tarn_commit_clear(&c);
    BLAMED("e", "e:e ");
    BLAMED("d/", "d/in/:d/in/z d/x:d/x d/y:d/y ");
    BLAMED("", "d/:merge work into main dx:dx e:e f:f ");
    BLAMED("d/in/z", "d/in/z:d/in/z ");
    must_fail_with(TARN_NOT_FOUND, "no path", tarn_lake_blame(s.lake, &head, "nothing", join_blame, NULL, err));
    must_fail_with(TARN_NOT_FOUND, "no path", tarn_lake_blame(s.lake, &head, "no/", join_blame, NULL, err));
    scratch_free(&s);
}

/* ---- many at once ---- */

enum { CLIENTS = 64 };

/* main, and a branch for every client with a change of its own. */
static void make_clients(scratch *s)
{
    char name[32], path[32];
    tarn_id root = commit_text(s->lake, "main", "x", "0");

    for (int i = 0; i < CLIENTS; i++) {
        (void)snprintf(name, sizeof name, "c%d", i);
        (void)snprintf(path, sizeof path, "p/%d", i);
        branch_at(s->lake, name, &root);
        (void)commit_text(s->lake, name, path, "1");
    }
}

static tarn_code merge_client(tarn_lake *lake, int i, tarn_err *err)
{
    char name[32];
    tarn_merge_result r;

    (void)snprintf(name, sizeof name, "c%d", i);
    return tarn_lake_merge(lake, name, "main", &by_ann, &r, err);
}

static void check_clients(scratch *s)
{
    char path[32], got[64];
    problems p = {0};
    tarn_fsck counts;

    for (int i = 0; i < CLIENTS; i++) {
        (void)snprintf(path, sizeof path, "p/%d", i);
        assert_string_equal(text_at(s->lake, "main", path, got), "1");
    }
    must(tarn_lake_fsck(s->lake, keep_problem, &p, &counts, NULL, err));
    if (p.n > 0) fail_msg("%s", p.lines[0]);
}

static tarn_code merge_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    (void)worker;
    return merge_client(arg, (int)block, err);
}

static void sixty_four_threads_merge_into_one_branch(void **state)
{
    scratch s = scratch_new();
    tarn_pool *pool = NULL;

    (void)state;
    make_clients(&s);
    must(tarn_pool_new(CLIENTS, &pool, err));
    double start = tarn_seconds();
    must(tarn_pool_run(pool, CLIENTS, merge_block, s.lake, err));
    print_message("%d threads: %.0f merges/s\n", CLIENTS, CLIENTS / (tarn_seconds() - start));
    tarn_pool_free(pool);
    check_clients(&s);
    scratch_free(&s);
}

static void processes_merge_into_one_branch(void **state)
{
    enum { PROCESSES = 16 };
    scratch s = scratch_new();
    pid_t children[PROCESSES];
    int status;

    (void)state;
    make_clients(&s);
    double start = tarn_seconds();
    for (int k = 0; k < PROCESSES; k++) {
        children[k] = fork();
        assert_true(children[k] >= 0);
        if (children[k] > 0) continue;
        tarn_lake *lake = NULL;
        tarn_err e = {0};
        tarn_code rc = tarn_lake_open(s.folder, &lake, &e);
        for (int i = k; i < CLIENTS && rc == TARN_OK; i += PROCESSES) rc = merge_client(lake, i, &e);
        if (rc != TARN_OK) (void)fprintf(stderr, "process %d: %s\n", k, e.msg);
        tarn_lake_close(lake);
        _exit(rc == TARN_OK ? 0 : 1);
    }
    for (int k = 0; k < PROCESSES; k++) {
        assert_int_equal(waitpid(children[k], &status, 0), children[k]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    print_message("%d processes: %.0f merges/s\n", PROCESSES, CLIENTS / (tarn_seconds() - start));
    check_clients(&s);
    scratch_free(&s);
}

/* ---- things going wrong ---- */

/* Killed at any moment, main is at the old commit or at a whole merge. */
static void a_kill_leaves_the_old_state_or_the_new(void **state)
{
    scratch s = scratch_new();
    char got[64];

    (void)state;
    make_clients(&s);
    tarn_lake_close(s.lake);
    for (int round = 0; round < 12; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            tarn_lake *lake = NULL;
            if (tarn_lake_open(s.folder, &lake, NULL) != TARN_OK) _exit(1);
            for (int i = 0; i < CLIENTS; i++)
                if (merge_client(lake, i, NULL) != TARN_OK) _exit(1);
            _exit(0);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 3000000L * (round + 1)}, NULL);
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        must(tarn_lake_open(s.folder, &s.lake, err));
        problems p = {0};
        tarn_fsck counts;
        must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
        if (p.n > 0) fail_msg("after kill %d: %s", round, p.lines[0]);
        assert_string_equal(text_at(s.lake, "main", "x", got), "0");
        tarn_lake_close(s.lake);
    }
    must(tarn_lake_open(s.folder, &s.lake, err));
    for (int i = 0; i < CLIENTS; i++) must(merge_client(s.lake, i, err));
    check_clients(&s);
    scratch_free(&s);
}

/* Every allocation of a merge fails once; afterwards it works, and main is where it was until then. */
static void failing_memory_fails_the_merge_and_nothing_else(void **state)
{
    scratch s = scratch_new();
    tarn_merge_options o = {.author = "Ann", .theirs = "**"};
    tarn_merge_result r;
    tarn_err e = {0};
    int64_t failed = 0;

    (void)state;
    part_ways(&s);
    tarn_id before = head_of(s.lake, "main");
    for (int64_t n = 1;; n++) {
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_lake_merge(s.lake, "work", "main", &o, &r, &e);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) break;
        failed++;
        if (rc != TARN_NOMEM) fail_msg("allocation %d: %s: %s", (int)n, tarn_code_name(rc), e.msg);
        tarn_id now = head_of(s.lake, "main");
        SAME(before, now);
    }
    assert_true(failed > 20);
    HOLDS("main", "both", "2");
    tarn_id head = head_of(s.lake, "main");
    for (int64_t n = 1;; n++) { /* and looking back */
        tarn_text t = {0};
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_lake_blame(s.lake, &head, "", join_blame, &t, &e);
        if (rc == TARN_OK)
            rc = tarn_lake_log_some(s.lake, &head, &(tarn_log_options){.path = "both"}, join_message, &t, &e);
        tarn_mem_fail_after(0);
        tarn_text_clear(&t);
        if (rc == TARN_OK) break;
        if (rc != TARN_NOMEM) fail_msg("allocation %d: %s: %s", (int)n, tarn_code_name(rc), e.msg);
    }
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(the_best_common_ancestor_is_found), TARN_TEST(a_near_ancestor_is_found_without_the_whole_history),
           TARN_TEST(commits_are_younger_than_their_parents), TARN_TEST(conflicts_are_told_and_change_nothing),
           TARN_TEST(strategies_and_patterns_settle_conflicts), TARN_TEST(a_resolver_is_asked_and_not_trusted),
           TARN_TEST(revert_takes_back_and_pick_does_again), TARN_TEST(a_reset_can_be_taken_back),
           TARN_TEST(log_and_blame_follow_paths_through_merges), TARN_TEST(sixty_four_threads_merge_into_one_branch),
           TARN_TEST(processes_merge_into_one_branch), TARN_TEST(a_kill_leaves_the_old_state_or_the_new),
           TARN_TEST(failing_memory_fails_the_merge_and_nothing_else))
