/* SPDX-License-Identifier: Apache-2.0 */
/* gc_stress_test.c - writers, readers and garbage collections without grace, in processes of their own, some of which
 * are killed (-9) all the time. After each round the lake is clean, and every acknowledged commit is there to the last
 * byte.
 *
 * Contents come from a small set and in versions alike, so that writers keep finding what is garbage, make deltas from
 * it, and put what another one is putting. Seconds of the whole: TARN_STRESS_SECONDS, 4 if it is not set. */
#include "lake/scratch_test.h"

#include "lake/care.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum {
    WRITERS = 3,
    READERS = 1,
    COLLECTORS = 2,
    PROCESSES = WRITERS + READERS + COLLECTORS,
    CONTENTS = 48,
    MOST = 500000
};

/* A commit that was acknowledged: of `content` under `path` on a branch that stays. */
typedef struct acknowledged {
    tarn_id commit;
    int content;
    char path[24];
} acknowledged;

/* Content number n: six families of versions alike; from 300 bytes to half a megabyte. */
static size_t content_of(int n, char *out)
{
    static const size_t sizes[6] = {300, 4000, 60000, 120000, 300000, MOST - 100};
    size_t len = sizes[n % 6];
    uint64_t version = (uint64_t)n / 6;

    for (size_t i = 0; i < len; i += 8) {
        uint64_t x = tarn_random_u64((uint64_t)(n % 6), TARN_STREAM_TEST, i, 0) & 0x0f0f0f0f0f0f0f0f;
        memcpy(out + i, &x, len - i < 8 ? len - i : 8);
    }
    for (uint64_t k = 0; k < version; k++) {
        uint64_t at = tarn_random_u64(k, TARN_STREAM_TEST, len, 1) % (len - 8);
        memcpy(out + at, &k, 8);
    }
    return len;
}

/* ---- the processes ---- */

/* Nobody is left behind by a test that failed. */
static void stop_with(pid_t parent)
{
    if (getppid() != parent) _exit(0);
}

static void die(const char *who, tarn_code rc, const tarn_err *e)
{
    (void)fprintf(stderr, "%s: %s: %s (%s:%d)\n", who, tarn_code_name(rc), e->msg, e->file, e->line);
    _exit(9);
}

/* Told to put it again, or another was faster: not a failure. */
static bool may_happen(tarn_code rc) { return rc == TARN_NOT_FOUND || rc == TARN_CONFLICT; }

static tarn_code write_once(tarn_lake *lake, const char *branch, int content, int way, char *bytes, acknowledged *ack,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry e = {.path = ""}, before = {.path = ""};
    tarn_id head;
    tarn_commit_options o = {.author = "Ann", .even_if_same = true};
    size_t len = content_of(content, bytes);

    (void)snprintf(e.path, sizeof e.path, "f%d", content % 6);
    if (tarn_lake_ref_get(lake, branch, &head, NULL) == TARN_OK)
        (void)!tarn_lake_lookup(lake, &head, e.path, &before, NULL);
    TARN_TRY(tarn_lake_put_like(lake, bytes, len, &before.object.id, &e.object, err));
    if (way == 0) {
        TARN_TRY(tarn_lake_stage(lake, branch, "", &e, 1, err));
        TARN_TRY(tarn_lake_commit(lake, branch, "", &o, &ack->commit, err));
    } else TARN_TRY(tarn_lake_commit_entries(lake, branch, &e, 1, &o, &ack->commit, err));
    ack->content = content;
    (void)snprintf(ack->path, sizeof ack->path, "%.20s", e.path);
done:
    return rc;
}

static void write_for_ever(const char *folder, pid_t parent, int who, uint64_t seed)
{
    tarn_lake *lake = NULL;
    tarn_err err = {0};
    char *bytes = malloc(MOST), own[32], passing[32], log[128];

    (void)snprintf(own, sizeof own, "heads/own%d", who);
    (void)snprintf(passing, sizeof passing, "heads/passing%d", who);
    (void)snprintf(log, sizeof log, "%s/acknowledged%d", folder, who);
    int fd = open(log, O_WRONLY | O_APPEND | O_CREAT, 0644);
    tarn_code rc = tarn_lake_open(folder, &lake, &err);
    if (rc != TARN_OK || fd < 0 || !bytes) die("writer", rc, &err);
    for (uint64_t i = 0;; i++) {
        tarn_random4 r = tarn_philox(seed, TARN_STREAM_TEST, i, (uint64_t)who);
        stop_with(parent);
        bool stays = r.v[0] % 4 == 0;
        acknowledged ack = {.content = 0};
        tarn_id head;
        rc = write_once(lake, stays ? own : passing, (int)(r.v[1] % CONTENTS), (int)(r.v[2] % 2), bytes, &ack, &err);
        if (rc == TARN_OK && stays && write(fd, &ack, sizeof ack) != sizeof ack) _exit(9);
        if (rc != TARN_OK && !may_happen(rc)) die("writer", rc, &err);
        if (r.v[3] % 3 == 0 && tarn_lake_ref_get(lake, passing, &head, NULL) == TARN_OK) { /* garbage from here on */
            rc = tarn_lake_ref_move(lake, passing, &head, NULL, "Ann", "", &err);
            if (rc != TARN_OK && !may_happen(rc)) die("writer, removing", rc, &err);
        }
    }
}

static tarn_code read_entry(void *arg, const tarn_entry *e, tarn_err *err)
{
    char *back = NULL;
    tarn_code rc = tarn_lake_get(arg, &e->object.id, 0, &back, NULL, err); /* checks its hash */

    tarn_free(back);
    return rc;
}

static void read_for_ever(const char *folder, pid_t parent)
{
    tarn_lake *lake = NULL;
    tarn_err err = {0};
    tarn_id head;
    char own[32];
    tarn_code rc = tarn_lake_open(folder, &lake, &err);

    if (rc != TARN_OK) die("reader", rc, &err);
    for (int i = 0;; i++) {
        stop_with(parent);
        (void)snprintf(own, sizeof own, "heads/own%d", i % WRITERS);
        if (tarn_lake_ref_get(lake, own, &head, NULL) != TARN_OK) continue;
        rc = tarn_lake_list(lake, &head, "", "", 0, read_entry, lake, &err);
        if (rc != TARN_OK) die("reader", rc, &err);
    }
}

static void collect_for_ever(const char *folder, pid_t parent)
{
    tarn_lake *lake = NULL;
    tarn_err err = {0};
    tarn_gc g;
    tarn_code rc = tarn_lake_open(folder, &lake, &err);

    if (rc != TARN_OK) die("collector", rc, &err);
    for (;;) {
        stop_with(parent);
        rc = tarn_lake_gc(lake, &(tarn_gc_options){.no_grace = true}, &g, NULL, &err);
        if (rc != TARN_OK && rc != TARN_BUSY && rc != TARN_CONFLICT) die("collector", rc, &err);
        (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

static pid_t start(const char *folder, int who, uint64_t seed)
{
    pid_t parent = getpid(), child = fork();

    assert_true(child >= 0);
    if (child > 0) return child;
    if (who < WRITERS) write_for_ever(folder, parent, who, seed);
    else if (who < WRITERS + READERS) read_for_ever(folder, parent);
    else collect_for_ever(folder, parent);
    _exit(9);
}

/* It must have been at work until now. */
static void kill_one(pid_t child)
{
    int status;

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) fail_msg("a process had failed by itself");
}

/* ---- what must hold ---- */

static int check_acknowledged(tarn_lake *lake, const char *folder, int who)
{
    char log[128], *bytes = malloc(MOST), *text = NULL, *back = NULL;
    size_t len = 0, got = 0;
    int n = 0;

    assert_non_null(bytes);
    (void)snprintf(log, sizeof log, "%s/acknowledged%d", folder, who);
    if (tarn_file_read(log, 0, &text, &len, NULL) != TARN_OK) len = 0;
    for (size_t at = 0; at + sizeof(acknowledged) <= len; at += sizeof(acknowledged), n++) {
        acknowledged a;
        tarn_entry e;
        memcpy(&a, text + at, sizeof a);
        must(tarn_lake_lookup(lake, &a.commit, a.path, &e, err));
        must(tarn_lake_get(lake, &e.object.id, 0, &back, &got, err));
        assert_int_equal(got, content_of(a.content, bytes));
        assert_memory_equal(back, bytes, got);
        tarn_free(back);
    }
    tarn_free(text);
    free(bytes);
    return n;
}

static int check_lake(scratch *s)
{
    problems p = {0};
    tarn_fsck counts;
    int n = 0;

    must(tarn_lake_open(s->folder, &s->lake, err));
    must(tarn_lake_fsck(s->lake, keep_problem, &p, &counts, NULL, err));
    if (p.n > 0) fail_msg("%s", p.lines[0]);
    for (int i = 0; i < WRITERS; i++) n += check_acknowledged(s->lake, s->folder, i);
    return n;
}

static void check_size(scratch *s)
{
    tarn_gc g;
    problems p = {0};
    tarn_fsck counts;

    for (int i = 0; i < 2; i++) must(tarn_lake_gc(s->lake, &(tarn_gc_options){.no_grace = true}, &g, NULL, err));
    must(tarn_lake_fsck(s->lake, keep_problem, &p, &counts, NULL, err));
    if (p.n > 0) fail_msg("%s", p.lines[0]);
    if ((double)counts.bytes > 1.3 * (double)g.live_bytes)
        fail_msg("%lld bytes for %lld that are needed", (long long)counts.bytes, (long long)g.live_bytes);
}

static void nothing_acknowledged_is_lost_while_all_are_at_work_and_killed(void **state)
{
    const char *asked = getenv("TARN_STRESS_SECONDS");
    double seconds = asked ? atof(asked) : 4, from = tarn_seconds();
    scratch s = scratch_new();
    pid_t children[PROCESSES];
    int kept = 0;

    (void)state;
    tarn_lake_close(s.lake);
    s.lake = NULL;
    for (uint64_t round = 0; tarn_seconds() - from < seconds || round < 2; round++) {
        for (int i = 0; i < PROCESSES; i++) children[i] = start(s.folder, i, round * 1000);
        for (uint64_t k = 0; k < 30; k++) {
            tarn_random4 r = tarn_philox(11, TARN_STREAM_TEST, round, k);
            int who = (int)(r.v[0] % PROCESSES);
            (void)nanosleep(&(struct timespec){.tv_nsec = (long)(r.v[1] % 60000000)}, NULL);
            kill_one(children[who]);
            children[who] = start(s.folder, who, round * 1000 + k + 1);
        }
        for (int i = 0; i < PROCESSES; i++) kill_one(children[i]);
        kept = check_lake(&s);
        check_size(&s);
        tarn_lake_close(s.lake);
        s.lake = NULL;
    }
    assert_true(kept > 20);
    if (asked) (void)printf("%d acknowledged commits\n", kept);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(nothing_acknowledged_is_lost_while_all_are_at_work_and_killed))
