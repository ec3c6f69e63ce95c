/* SPDX-License-Identifier: Apache-2.0 */
/* sealed_crash_test.c - an encrypted lake killed at any moment while it commits, collects garbage and changes its key;
 * and what settle.c holds, where records go by keyed names.
 *
 * TARN_KILL_ROUNDS: how often it is killed (10). */
#include "lake/scratch_test.h"

#include "lake/care.h"
#include "lake/inside.h"
#include "lake/kill_test.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

typedef struct sealed {
    scratch s;
    char keys[2][100]; /* key files; the lake is opened by one of them, at any moment */
    char cache[100];
} sealed;

static sealed sealed_new(void)
{
    sealed x = {.s = {.folder = ""}};
    uint8_t bytes[32] = {7};

    tarn_json_setup();
    (void)snprintf(x.s.folder, sizeof x.s.folder, "%s/tarn-sealed-crash-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(x.s.folder));
    for (int i = 0; i < 2; i++) {
        bytes[1] = (uint8_t)i;
        (void)snprintf(x.keys[i], sizeof x.keys[i], "%s/key-%d", x.s.folder, i);
        must(tarn_file_save(x.keys[i], bytes, sizeof bytes, err));
        assert_int_equal(chmod(x.keys[i], 0600), 0);
    }
    (void)snprintf(x.cache, sizeof x.cache, "%s/plain", x.s.folder);
    must(tarn_dir_make(x.cache, err));
    assert_int_equal(setenv("TARN_CACHE", x.cache, 1), 0);
    must(tarn_lake_init_encrypted(x.s.folder, NULL, NULL, &(tarn_lake_key){.file = x.keys[0]}, err));
    return x;
}

/* With whichever key fits: exactly one does. *which tells. */
static tarn_code open_sealed(const sealed *x, tarn_lake **out, int *which, tarn_err *err)
{
    *which = 0;
    tarn_code rc = tarn_lake_open_with(x->s.folder, &(tarn_lake_key){.file = x->keys[0]}, out, err);
    if (rc != TARN_DENIED) return rc;
    *which = 1;
    return tarn_lake_open_with(x->s.folder, &(tarn_lake_key){.file = x->keys[1]}, out, err);
}

static void sealed_free(sealed *x)
{
    scratch_free(&x->s);
    assert_int_equal(unsetenv("TARN_CACHE"), 0);
}

/* ---- kill -9 ---- */

static const tarn_gc_options all_garbage = {.no_grace = true};

/* One numbered commit; now and then garbage, its collection, another key. */
static tarn_code work_once(const sealed *x, tarn_lake **lake, int *which, int i, char *big, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry e[2] = {{.path = ""}, {.path = "big"}};
    tarn_object waste;
    tarn_id id;
    tarn_gc sum;
    char text[32];

    (void)snprintf(e[0].path, sizeof e[0].path, "n/%d", i);
    (void)snprintf(text, sizeof text, "content %d", i);
    memcpy(big + 1000, &i, sizeof i);
    if (i % 4 == 1) {
        big[5000] = (char)(i + 1);
        TARN_TRY(tarn_lake_put(*lake, big, 200000, &waste, err));
        TARN_TRY(tarn_lake_sync(*lake, err));
    }
    TARN_TRY(tarn_lake_put(*lake, text, strlen(text), &e[0].object, err));
    TARN_TRY(tarn_lake_put(*lake, big, 200000, &e[1].object, err));
    TARN_TRY(tarn_lake_commit_entries(*lake, "main", e, 2,
                                      &(tarn_commit_options){.author = "Ann", .even_if_same = true}, &id, err));
    if (i % 4 == 2) TARN_TRY(tarn_lake_gc(*lake, &all_garbage, &sum, NULL, err));
    if (i % 3 == 2) {
        TARN_TRY(tarn_lake_key_rotate(*lake, &(tarn_lake_key){.file = x->keys[!*which]}, err));
        tarn_lake_close(*lake);
        *lake = NULL;
        TARN_TRY(open_sealed(x, lake, which, err));
    }
done:
    return rc;
}

static void work_for_ever(const void *sealed_lake, int from, int pipe_fd)
{
    const sealed *x = sealed_lake;
    tarn_lake *lake = NULL;
    char *big = noise(200000, (uint64_t)from);
    int which = 0;

    if (open_sealed(x, &lake, &which, NULL) != TARN_OK) _exit(9);
    for (int i = from;; i++) {
        tarn_err err = {0};
        if (work_once(x, &lake, &which, i, big, &err) != TARN_OK) {
            (void)fprintf(stderr, "number %d: %s\n", i, err.msg);
            _exit(9);
        }
        if (write(pipe_fd, &i, sizeof i) != sizeof i) _exit(9);
    }
}

static void check_after_kill(sealed *x, int acknowledged, int round)
{
    problems p = {0};
    tarn_fsck counts = {0};
    tarn_entry e;
    tarn_id head;
    char path[32], want[32], *text = NULL;
    int which = 0;

    must(open_sealed(x, &x->s.lake, &which, err));
    must(tarn_lake_fsck(x->s.lake, keep_problem, &p, &counts, NULL, err));
    if (p.n > 0) fail_msg("round %d: %s", round, p.lines[0]);
    for (int i = 1; i <= acknowledged; i++) {
        if (i == 1) must(tarn_lake_ref_get(x->s.lake, "heads/main", &head, err));
        (void)snprintf(path, sizeof path, "n/%d", i);
        (void)snprintf(want, sizeof want, "content %d", i);
        must(tarn_lake_lookup(x->s.lake, &head, path, &e, err));
        must(tarn_lake_get(x->s.lake, &e.object.id, 0, &text, NULL, err));
        assert_string_equal(text, want);
        tarn_free(text);
    }
    tarn_lake_close(x->s.lake);
    x->s.lake = NULL;
}

static void commits_sweeps_and_changes_of_the_key_survive_kill_9(void **state)
{
    sealed x = sealed_new();
    const char *rounds = getenv("TARN_KILL_ROUNDS");
    int n = rounds ? atoi(rounds) : 10, acknowledged = 0;

    (void)state;
    for (int round = 0; round < n; round++) {
        tarn_random4 r = tarn_philox(n == 10 ? 5 : (uint64_t)time(NULL), TARN_STREAM_TEST, (uint32_t)round, 0);
        kill_after(work_for_ever, &x, acknowledged + 1, (int)(r.v[0] % 5), (long)(r.v[1] % 30000), &acknowledged);
        check_after_kill(&x, acknowledged, round);
    }
    assert_true(acknowledged > n);
    sealed_free(&x);
}

/* ---- settle.c ---- */

static void two_handles(const sealed *x, tarn_lake *out[2])
{
    int which;

    for (int i = 0; i < 2; i++) must(open_sealed(x, &out[i], &which, err));
}

/* Both make one content from the other, in opposite order; then what is named must not go round. */
static void two_writers_in_opposite_order_make_no_circle(void **state)
{
    sealed x = sealed_new();
    tarn_lake *lakes[2];
    char *a = noise(30000, 5), *b = noise(30000, 5), *back = NULL;
    tarn_object oa, ob;
    int n_deltas = 0, which;

    (void)state;
    memcpy(b + 100, "another", 7);
    two_handles(&x, lakes);
    must(tarn_lake_put(lakes[1], b, 30000, &ob, err));
    must(tarn_lake_put_like(lakes[1], a, 30000, &ob.id, &oa, err)); /* a from b, waiting */
    must(tarn_lake_put(lakes[0], a, 30000, &oa, err));
    must(tarn_lake_put_like(lakes[0], b, 30000, &oa.id, &ob, err)); /* b from a */
    must(tarn_lake_sync(lakes[0], err));
    must(tarn_lake_sync(lakes[1], err));
    for (int i = 0; i < 2; i++) tarn_lake_close(lakes[i]);
    must(open_sealed(&x, &x.s.lake, &which, err));
    for (int i = 0; i < 2; i++) {
        must(tarn_lake_get(x.s.lake, i ? &oa.id : &ob.id, 0, &back, NULL, err));
        assert_memory_equal(back, i ? a : b, 30000);
        tarn_free(back);
    }
    for (size_t i = 0; i < x.s.lake->n_segments; i++) {
        tarn_segment *g = &x.s.lake->segments[i];
        tarn_indexed e;
        for (uint32_t k = 0; k < g->index.n; k++) {
            must(tarn_index_at(&g->index, k, "x", &e, err));
            n_deltas += e.where.coding == TARN_CODING_DELTA;
        }
    }
    assert_int_equal(n_deltas, 1); /* the other's second copy was left out */
    free(a);
    free(b);
    sealed_free(&x);
}

/* A sweep takes what waiting content is made from: it is told, and putting it again works. */
static void a_base_that_was_swept_is_told(void **state)
{
    sealed x = sealed_new();
    tarn_lake *lakes[2];
    char *a = noise(30000, 5), *b = noise(30000, 5), *back = NULL;
    tarn_object oa, ob;
    tarn_gc sum;

    (void)state;
    memcpy(b + 100, "another", 7);
    two_handles(&x, lakes);
    must(tarn_lake_put(lakes[0], a, 30000, &oa, err));
    must(tarn_lake_sync(lakes[0], err));
    must(tarn_lake_put_like(lakes[1], b, 30000, &oa.id, &ob, err));
    must(tarn_lake_gc(lakes[0], &all_garbage, &sum, NULL, err));
    assert_true(sum.packs_dropped > 0);
    must_fail_with(TARN_CONFLICT, "put the content again", tarn_lake_sync(lakes[1], err));
    must(tarn_lake_put_like(lakes[1], b, 30000, &oa.id, &ob, err));
    must(tarn_lake_sync(lakes[1], err));
    must(tarn_lake_get(lakes[0], &ob.id, 0, &back, NULL, err));
    assert_memory_equal(back, b, 30000);
    tarn_free(back);
    for (int i = 0; i < 2; i++) tarn_lake_close(lakes[i]);
    free(a);
    free(b);
    sealed_free(&x);
}

TARN_TESTS(TARN_TEST(commits_sweeps_and_changes_of_the_key_survive_kill_9),
           TARN_TEST(two_writers_in_opposite_order_make_no_circle), TARN_TEST(a_base_that_was_swept_is_told))
