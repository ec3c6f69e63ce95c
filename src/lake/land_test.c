/* SPDX-License-Identifier: Apache-2.0 */
/* land_test.c - many who land at the same time: each gets what is its own, and nobody is told what does not hold. */
#include "lake/scratch_test.h"

#include "lake/access.h"
#include "lake/inside.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { THREADS = 16, ROUNDS = 6, NOTED = 100000 };

static const tarn_commit_options by_ann = {.author = "Ann", .message = "m"};

/* ---- a disk that takes its time, or fails ---- */

static struct {
    const tarn_backend *disk;
    tarn_backend slow;
    int pause_ms;
    atomic_int puts, fail_from; /* this put and later ones fail; 0: none */
} store;

static void pause_ms(int ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    (void)nanosleep(&t, NULL);
}

static tarn_code put_slowly(void *self, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    int n = atomic_fetch_add(&store.puts, 1) + 1, from = atomic_load(&store.fail_from);

    pause_ms(store.pause_ms);
    if (from > 0 && n >= from) return TARN_FAIL(err, TARN_IO, "cannot sync %s", name);
    return store.disk->put(self, name, bytes, len, err);
}

static void use_slow(tarn_lake *lake, int ms)
{
    store.disk = lake->backend;
    store.slow = *lake->backend;
    store.slow.put = put_slowly;
    store.slow.put_begin = NULL;
    store.pause_ms = ms;
    atomic_store(&store.puts, 0);
    atomic_store(&store.fail_from, 0);
    lake->backend = &store.slow;
}

/* ---- clients ---- */

typedef struct client {
    pthread_t thread;
    tarn_lake *lake;
    tarn_who who;
    int number, rounds;
    tarn_code want; /* of the last */
    tarn_code rc;
    tarn_err err;
    tarn_id ids[ROUNDS];
    tarn_code (*act)(struct client *c, int round);
} client;

static tarn_code put_text(tarn_lake *lake, const char *path, const char *text, tarn_entry *e, tarn_err *err)
{
    memset(e, 0, sizeof *e);
    (void)snprintf(e->path, sizeof e->path, "%s", path);
    return tarn_lake_put(lake, text, strlen(text), &e->object, err);
}

static void *work(void *arg)
{
    client *c = arg;

    tarn_access_enter(c->lake, &c->who);
    for (int i = 0; i < c->rounds && c->rc == TARN_OK; i++) c->rc = c->act(c, i);
    tarn_access_leave(c->lake);
    return NULL;
}

static void set_up(client *c, int n, tarn_lake *lake, int rounds, tarn_code (*act)(client *c, int round))
{
    for (int i = 0; i < n; i++) {
        c[i] = (client){.lake = lake, .number = i, .rounds = rounds, .act = act};
        c[i].who = (tarn_who){.kind = TARN_WHO_USER};
        (void)snprintf(c[i].who.user, sizeof c[i].who.user, "user%02d", i);
    }
}

static void run(client *c, int n)
{
    for (int i = 0; i < n; i++) assert_int_equal(pthread_create(&c[i].thread, NULL, work, &c[i]), 0);
    for (int i = 0; i < n; i++) (void)pthread_join(c[i].thread, NULL);
}

/* The others come while the first puts. */
static void run_behind_first(client *c, int n)
{
    assert_int_equal(pthread_create(&c[0].thread, NULL, work, &c[0]), 0);
    while (atomic_load(&store.puts) < 1) pause_ms(1);
    for (int i = 1; i < n; i++) assert_int_equal(pthread_create(&c[i].thread, NULL, work, &c[i]), 0);
    for (int i = 0; i < n; i++) (void)pthread_join(c[i].thread, NULL);
}

/* By number: entries alone, what is staged, or a branch of its own and a merge of it. */
static tarn_code land_something(client *c, int round)
{
    tarn_code rc = TARN_OK;
    char path[64], text[80], branch[32];
    tarn_entry e;
    tarn_merge_result m;

    (void)snprintf(path, sizeof path, "c%02d/%05d", c->number, round);
    (void)snprintf(text, sizeof text, "text of %s", path);
    (void)snprintf(branch, sizeof branch, "own%d", c->number);
    TARN_TRY(put_text(c->lake, path, text, &e, &c->err));
    if (c->number % 3 == 0) {
        TARN_TRY(tarn_lake_commit_entries(c->lake, "main", &e, 1, &by_ann, &c->ids[round % ROUNDS], &c->err));
    } else if (c->number % 3 == 1) {
        TARN_TRY(tarn_lake_stage(c->lake, "main", c->who.user, &e, 1, &c->err));
        TARN_TRY(tarn_lake_commit(c->lake, "main", c->who.user, &by_ann, &c->ids[round % ROUNDS], &c->err));
    } else {
        tarn_merge_options o = {.author = "Ann", .no_ff = true};
        TARN_TRY(tarn_lake_commit_entries(c->lake, branch, &e, 1, &by_ann, &c->ids[round % ROUNDS], &c->err));
        TARN_TRY(tarn_lake_merge(c->lake, branch, "main", &o, &m, &c->err));
        c->ids[round % ROUNDS] = m.commit;
    }
done:
    return rc;
}

static void make_branches(tarn_lake *lake)
{
    char name[32];
    tarn_id head;

    must(tarn_lake_resolve(lake, "main", &head, err));
    for (int i = 2; i < THREADS; i += 3) {
        (void)snprintf(name, sizeof name, "heads/own%d", i);
        must(tarn_lake_ref_move(lake, name, NULL, &head, "", "", err));
    }
}

/* ---- looking ---- */

static void reads(tarn_lake *lake, const tarn_id *head, const char *path)
{
    char text[80], *bytes = NULL;
    tarn_entry e;

    (void)snprintf(text, sizeof text, "text of %s", path);
    must(tarn_lake_lookup(lake, head, path, &e, err));
    must(tarn_lake_get(lake, &e.object.id, 0, &bytes, NULL, err));
    assert_string_equal(bytes, text);
    tarn_free(bytes);
}

typedef struct audit_count {
    const char *who, *action;
    int n;
} audit_count;

static tarn_code count_line(void *arg, int64_t seq, const char *line, tarn_err *err)
{
    audit_count *c = arg;

    (void)seq, (void)err;
    c->n += strstr(line, c->who) && strstr(line, c->action) && strstr(line, "\"target\":\"heads/main\"");
    return TARN_OK;
}

static int audited(tarn_lake *lake, const char *who, const char *action)
{
    char quoted[2][64];
    audit_count c = {quoted[0], quoted[1], 0};

    (void)snprintf(quoted[0], sizeof quoted[0], "\"who\":\"user:%s\"", who);
    (void)snprintf(quoted[1], sizeof quoted[1], "\"action\":\"%s\"", action);
    must(tarn_audit_read(lake, 1, count_line, &c, err));
    return c.n;
}

static tarn_code find_commit(void *arg, const tarn_commit *c, tarn_err *err)
{
    (void)err;
    client *all = arg;

    for (int i = 0; i < THREADS; i++)
        for (int k = 0; k < ROUNDS; k++)
            if (tarn_id_equal(&all[i].ids[k], &c->id)) {
                all[i].ids[k] = (tarn_id){{0}};
                all[i].want++;
            }
    return TARN_OK;
}

static void is_clean(tarn_lake *lake)
{
    tarn_fsck f;
    problems p = {0};

    must(tarn_lake_fsck(lake, keep_problem, &p, &f, NULL, err));
    if (p.n > 0) fail_msg("%s", p.lines[0]);
}

/* ---- tests ---- */

/* Half of them through another handle, as from another process. */
static void each_has_its_own_commit_and_record(void **state)
{
    scratch s = scratch_new();
    tarn_lake *other = NULL;
    client c[THREADS];
    tarn_id head;
    char path[64];

    (void)state;
    (void)commit_text(s.lake, "main", "start", "x");
    make_branches(s.lake);
    must(tarn_lake_open(s.folder, &other, err));
    set_up(c, THREADS, s.lake, ROUNDS, land_something);
    for (int i = 0; i < THREADS; i += 2) c[i].lake = other;
    run(c, THREADS);
    must(tarn_lake_resolve(s.lake, "main", &head, err));
    for (int i = 0; i < THREADS; i++) {
        if (c[i].rc != TARN_OK) fail_msg("client %d: %s", i, c[i].err.msg);
        for (int k = 0; k < ROUNDS; k++) {
            (void)snprintf(path, sizeof path, "c%02d/%05d", i, k);
            reads(s.lake, &head, path);
        }
        assert_int_equal(audited(s.lake, c[i].who.user, i % 3 == 2 ? "merge" : "commit"), ROUNDS);
    }
    must(tarn_lake_log(s.lake, &head, find_commit, c, err));
    for (int i = 0; i < THREADS; i++) assert_int_equal(c[i].want, ROUNDS); /* no two were told of one */
    tarn_lake_close(other);
    is_clean(s.lake);
    scratch_free(&s);
}

static void a_slow_disk_is_shared(void **state)
{
    scratch s = scratch_new();
    client c[THREADS];
    tarn_id head;

    (void)state;
    (void)commit_text(s.lake, "main", "start", "x");
    const tarn_backend *disk = s.lake->backend;
    use_slow(s.lake, 20);
    set_up(c, THREADS, s.lake, ROUNDS, land_something);
    for (int i = 0; i < THREADS; i++) c[i].number = i * 3; /* all commit entries */
    run(c, THREADS);
    for (int i = 0; i < THREADS; i++)
        if (c[i].rc != TARN_OK) fail_msg("client %d: %s", i, c[i].err.msg);
    s.lake->backend = disk;
    assert_true(atomic_load(&store.puts) <= THREADS * ROUNDS / 2); /* one for each if they were alone */
    must(tarn_lake_resolve(s.lake, "main", &head, err));
    scratch_free(&s);
}

/* What one of a group may not do is told to that one. */
static tarn_code want_something(client *c, int round)
{
    tarn_entry e;
    char path[64];
    tarn_id id, old = {{1}};
    tarn_commit_options o = by_ann;
    tarn_merge_result m;
    tarn_merge_options mo = {.author = "Ann"};

    (void)snprintf(path, sizeof path, "w%02d/%d", c->number, round);
    if (c->number % 6 == 1) o.expect = &old; /* CONFLICT */
    if (c->number % 6 == 2) (void)snprintf(path, sizeof path, "start");
    if (c->number % 6 == 3) return tarn_lake_merge(c->lake, "side", "main", &mo, &m, &c->err);
    tarn_code rc = put_text(c->lake, path, c->number % 6 == 2 ? "x" : path, &e, &c->err);
    if (rc != TARN_OK) return rc;
    return tarn_lake_commit_entries(c->lake, c->number % 6 == 4 ? "guarded" : "main", &e, 1, &o, &id, &c->err);
}

static void what_one_may_not_do_is_no_matter_to_others(void **state)
{
    static const tarn_code want[6] = {TARN_OK, TARN_CONFLICT, TARN_NOT_FOUND, TARN_CONFLICT, TARN_DENIED, TARN_OK};
    scratch s = scratch_new();
    client c[THREADS];
    json_t *rule = json_pack("{s:b}", "no_direct", 1);
    tarn_id head;
    tarn_entry e;
    char path[64];

    (void)state;
    tarn_id start = commit_text(s.lake, "main", "start", "x");
    must(tarn_lake_ref_move(s.lake, "heads/side", NULL, &start, "", "", err));
    (void)commit_text(s.lake, "side", "both", "theirs");
    (void)commit_text(s.lake, "main", "both", "ours");
    (void)commit_text(s.lake, "guarded", "a", "a");
    must(tarn_lake_protect(s.lake, "guarded", rule, "Ann", err));
    json_decref(rule);
    const tarn_backend *disk = s.lake->backend;
    use_slow(s.lake, 10);
    set_up(c, THREADS, s.lake, ROUNDS, want_something);
    run(c, THREADS);
    s.lake->backend = disk;
    must(tarn_lake_resolve(s.lake, "main", &head, err));
    for (int i = 0; i < THREADS; i++) {
        if (c[i].rc != want[i % 6]) fail_msg("client %d: %s: %s", i, tarn_code_name(c[i].rc), c[i].err.msg);
        (void)snprintf(path, sizeof path, "w%02d/0", i);
        if (c[i].rc == TARN_OK) must(tarn_lake_lookup(s.lake, &head, path, &e, err));
    }
    is_clean(s.lake);
    scratch_free(&s);
}

/* What it commits was put before. */
static tarn_entry prepared[THREADS];

static tarn_code land_prepared(client *c, int round)
{
    return tarn_lake_commit_entries(c->lake, "main", &prepared[c->number], 1, &by_ann, &c->ids[round], &c->err);
}

/* The second put fails: all who waited for it are told so, and nothing of theirs is there. */
static void a_sync_that_fails_is_told_to_all_of_the_group(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();
    client c[THREADS];
    tarn_id before, after;
    int told = 0;

    (void)state;
    before = commit_text(s.lake, "main", "start", "x");
    for (int i = 0; i < THREADS; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "c%02d", i);
        prepared[i] = entry_of(s.lake, path, path);
    }
    use_slow(s.lake, 300); /* the first commits alone, the rest wait */
    atomic_store(&store.fail_from, 2);
    set_up(c, THREADS, s.lake, 1, land_prepared);
    run_behind_first(c, THREADS);
    s.lake->backend = store.disk;
    int landed = 0;
    for (int i = 0; i < THREADS; i++) {
        landed += c[i].rc == TARN_OK;
        told +=
            c[i].rc == TARN_IO && strstr(c[i].err.msg, "cannot sync") && strstr(c[i].err.msg, "nothing was committed");
        if (c[i].rc != TARN_OK && c[i].rc != TARN_IO) fail_msg("client %d: %s", i, c[i].err.msg);
    }
    assert_int_equal(landed, 1);
    assert_true(told >= 1); /* who comes later is told that the lake is broken */
    scratch_reopen(&s);
    must(tarn_lake_resolve(s.lake, "main", &after, err));
    assert_int_equal(tarn_id_equal(&before, &after), landed == 0);
    for (int i = 0; i < THREADS; i++) {
        tarn_entry e;
        assert_int_equal(tarn_lake_lookup(s.lake, &after, prepared[i].path, &e, NULL),
                         c[i].rc == TARN_OK ? TARN_OK : TARN_NOT_FOUND);
    }
    is_clean(s.lake);
    (void)commit_text(s.lake, "main", "later", "y");
    scratch_free(&s);
}

/* ---- kill -9 ---- */

/* Shared with the child: what was acknowledged. */
typedef struct noted {
    atomic_int n;
    struct {
        int number, round;
    } v[NOTED];
} noted;

static noted *acknowledged;
static int first_round;

static tarn_code land_and_note(client *c, int round)
{
    tarn_code rc = land_something(c, first_round + round);

    if (rc != TARN_OK) return rc;
    int at = atomic_fetch_add(&acknowledged->n, 1);
    if (at >= NOTED) return TARN_LIMIT;
    acknowledged->v[at].round = first_round + round;
    acknowledged->v[at].number = c->number + 1; /* last: 0 is not there yet */
    return TARN_OK;
}

static void child(const char *folder, pid_t parent)
{
    static client c[THREADS];
    tarn_lake *lake = NULL;

    if (tarn_lake_open(folder, &lake, NULL) != TARN_OK || getppid() != parent) _exit(2);
    set_up(c, THREADS, lake, 1 << 20, land_and_note);
    run(c, THREADS);
    for (int i = 0; i < THREADS; i++)
        if (c[i].rc != TARN_OK) (void)fprintf(stderr, "client %d: %s\n", i, c[i].err.msg);
    _exit(3); /* they go on for ever */
}

static void what_was_acknowledged_outlives_kill_9(void **state)
{
    scratch s = scratch_new();
    tarn_id head;
    char path[64];
    int status, checked = 0;

    (void)state;
    acknowledged = mmap(NULL, sizeof *acknowledged, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(acknowledged != MAP_FAILED);
    (void)commit_text(s.lake, "main", "start", "x");
    make_branches(s.lake);
    tarn_lake_close(s.lake);
    for (int life = 0; life < 8; life++) {
        pid_t self = getpid();
        first_round = life * 10000;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) child(s.folder, self);
        for (int i = 0; i < 3000 && atomic_load(&acknowledged->n) < THREADS; i++) pause_ms(10); /* at work */
        pause_ms(20 + (int)tarn_random_below(200, 7, TARN_STREAM_TEST, (uint64_t)life, (uint64_t)self));
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        must(tarn_lake_open(s.folder, &s.lake, err));
        must(tarn_lake_resolve(s.lake, "main", &head, err));
        int n = atomic_load(&acknowledged->n);
        for (int i = 0; i < n && i < NOTED; i++) {
            if (acknowledged->v[i].number == 0) continue; /* killed between the two */
            (void)snprintf(path, sizeof path, "c%02d/%05d", acknowledged->v[i].number - 1, acknowledged->v[i].round);
            reads(s.lake, &head, path);
            checked++;
        }
        atomic_store(&acknowledged->n, 0);
        memset(acknowledged->v, 0, sizeof acknowledged->v[0] * (size_t)(n < NOTED ? n + THREADS : NOTED));
        is_clean(s.lake);
        tarn_lake_close(s.lake);
    }
    assert_true(checked >= 8 * (THREADS / 2));
    must(tarn_lake_open(s.folder, &s.lake, err));
    (void)munmap(acknowledged, sizeof *acknowledged);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(each_has_its_own_commit_and_record), TARN_TEST(a_slow_disk_is_shared),
           TARN_TEST(what_one_may_not_do_is_no_matter_to_others),
           TARN_TEST(a_sync_that_fails_is_told_to_all_of_the_group), TARN_TEST(what_was_acknowledged_outlives_kill_9))
