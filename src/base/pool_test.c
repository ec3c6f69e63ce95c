/* SPDX-License-Identifier: Apache-2.0 */
/* pool_test.c - each block once, errors in block order, sums with the same bits for any number of threads. */
#include "support/tarn_test.h"

#include "base/pool.h"
#include "base/random.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

static const int thread_counts[] = {1, 2, 3, 7};
enum { COUNTS = sizeof thread_counts / sizeof *thread_counts, BLOCKS = 257 };

typedef struct visits {
    atomic_int times[BLOCKS];
    atomic_int outside; /* a worker number that there is not */
    int threads;
} visits;

static tarn_code visit(void *arg, int64_t block, int worker, tarn_err *err)
{
    visits *v = arg;

    (void)err;
    atomic_fetch_add(&v->times[block], 1);
    if (worker < 0 || worker >= v->threads) atomic_fetch_add(&v->outside, 1);
    return TARN_OK;
}

static void every_block_runs_once(void **state)
{
    (void)state;
    for (int c = -1; c < COUNTS; c++) {
        tarn_pool *pool = NULL;

        if (c >= 0) must(tarn_pool_new(thread_counts[c], &pool, err));
        for (int64_t blocks = 0; blocks <= BLOCKS; blocks += blocks < 4 ? 1 : 23) {
            visits v = {.threads = tarn_pool_threads(pool)};

            assert_int_equal(v.threads, c < 0 ? 1 : thread_counts[c]);
            must(tarn_pool_run(pool, blocks, visit, &v, err));
            for (int64_t b = 0; b < BLOCKS; b++) assert_int_equal(v.times[b], b < blocks);
            assert_int_equal(v.outside, 0);
        }
        tarn_pool_free(pool);
    }
}

static void a_pool_takes_many_jobs(void **state)
{
    tarn_pool *pool = NULL;
    visits v = {.threads = 3};

    (void)state;
    must(tarn_pool_new(3, &pool, err));
    for (int i = 0; i < 3000; i++) must(tarn_pool_run(pool, 5, visit, &v, err));
    for (int b = 0; b < 5; b++) assert_int_equal(v.times[b], 3000);
    tarn_pool_free(pool);
}

/* ---- several callers ---- */

typedef struct caller {
    tarn_pool *pool;
    visits v;
    tarn_code rc;
} caller;

static void *call_often(void *arg)
{
    caller *c = arg;

    for (int i = 0; i < 200 && c->rc == TARN_OK; i++) c->rc = tarn_pool_run(c->pool, 9, visit, &c->v, NULL);
    return NULL;
}

static void callers_wait_for_each_other(void **state)
{
    static caller callers[4];
    pthread_t threads[4];
    tarn_pool *pool = NULL;

    (void)state;
    must(tarn_pool_new(2, &pool, err));
    for (int i = 0; i < 4; i++) {
        callers[i] = (caller){.pool = pool, .v.threads = 2};
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(callers[i].rc, TARN_OK);
        for (int b = 0; b < 9; b++) assert_int_equal(callers[i].v.times[b], 200);
    }
    tarn_pool_free(pool);
}

/* ---- errors ---- */

typedef struct bad_blocks {
    int64_t first;
    atomic_int after;
} bad_blocks;

static tarn_code fail_from(void *arg, int64_t block, int worker, tarn_err *err)
{
    bad_blocks *b = arg;

    (void)worker;
    if (block < b->first) return TARN_OK;
    atomic_fetch_add(&b->after, 1);
    return TARN_FAIL(err, block % 2 ? TARN_INVALID : TARN_NUMERIC, "block %d", (int)block);
}

static void the_lowest_failed_block_speaks(void **state)
{
    (void)state;
    for (int c = 0; c < COUNTS; c++) {
        tarn_pool *pool = NULL;

        must(tarn_pool_new(thread_counts[c], &pool, err));
        for (int64_t first = 0; first < BLOCKS; first += 16 + first % 2) {
            bad_blocks bad = {.first = first};
            char text[32];

            (void)snprintf(text, sizeof text, "block %d", (int)first);
            must_fail_with(first % 2 ? TARN_INVALID : TARN_NUMERIC, text,
                           tarn_pool_run(pool, BLOCKS, fail_from, &bad, err));
            assert_true(bad.after <= thread_counts[c]); /* no new blocks after a failure */
            assert_int_equal(tarn_pool_run(pool, 1 + first, fail_from, &bad, NULL),
                             first % 2 ? TARN_INVALID : TARN_NUMERIC);
            must(tarn_pool_run(pool, first, fail_from, &bad, err));
        }
        tarn_pool_free(pool);
    }
}

static void impossible_numbers_of_threads_are_refused(void **state)
{
    tarn_pool *pool = NULL;

    (void)state;
    must_fail_with(TARN_INVALID, "threads must be 0 to 1024, not -1", tarn_pool_new(-1, &pool, err));
    must_fail_with(TARN_INVALID, "not 1025", tarn_pool_new(1025, &pool, err));
    assert_null(pool);
    must(tarn_pool_new(0, &pool, err));
    assert_true(tarn_pool_threads(pool) >= 1 && tarn_pool_threads(pool) <= 64);
    tarn_pool_free(pool);
    tarn_pool_free(NULL);
}

/* ---- sums ---- */

enum { WIDTH = 7 };

static double share(int64_t block, int64_t i)
{
    return (tarn_random_unit(1, TARN_STREAM_TEST, (uint64_t)block, (uint32_t)i) - 0.5) * exp2((double)(block % 50));
}

static tarn_code add_share(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const int64_t *bad = arg;

    (void)worker;
    if (bad && *bad == block) return TARN_FAIL(err, TARN_CHECK, "block %d", (int)block);
    for (int64_t i = 0; i < WIDTH; i++) sum[i] += share(block, i);
    return TARN_OK;
}

static void sums_have_the_same_bits_for_any_threads(void **state)
{
    (void)state;
    for (int64_t blocks = 0; blocks < BLOCKS; blocks += blocks < 6 ? 1 : 50) {
        double want[WIDTH];

        for (int64_t i = 0; i < WIDTH; i++) {
            want[i] = 0.1;
            for (int64_t b = 0; b < blocks; b++) want[i] += share(b, i);
        }
        for (int c = -1; c < COUNTS; c++) {
            tarn_pool *pool = NULL;
            double got[WIDTH];

            if (c >= 0) must(tarn_pool_new(thread_counts[c], &pool, err));
            for (int i = 0; i < WIDTH; i++) got[i] = 0.1;
            must(tarn_pool_sum(pool, blocks, WIDTH, add_share, NULL, got, err));
            assert_memory_equal(want, got, sizeof want);
            tarn_pool_free(pool);
        }
    }
}

static void failed_sums_say_where(void **state)
{
    (void)state;
    for (int c = 0; c < COUNTS; c++) {
        tarn_pool *pool = NULL;
        double got[WIDTH] = {0};

        must(tarn_pool_new(thread_counts[c], &pool, err));
        for (int64_t bad = 0; bad < 100; bad += 9) {
            char text[32];

            (void)snprintf(text, sizeof text, "block %d", (int)bad);
            must_fail_with(TARN_CHECK, text, tarn_pool_sum(pool, 100, WIDTH, add_share, &bad, got, err));
        }
        tarn_pool_free(pool);
    }
}

static void running_out_of_memory_is_a_clean_error(void **state)
{
    const int64_t live = tarn_mem_live();
    tarn_code rc = TARN_NOMEM;
    int failures = 0;

    (void)state;
    for (int64_t n = 1; rc != TARN_OK; n++) {
        tarn_pool *pool = NULL;
        double got[WIDTH] = {0};

        assert_true(n < 20);
        tarn_mem_fail_after(n);
        rc = tarn_pool_new(3, &pool, NULL);
        if (rc == TARN_OK) rc = tarn_pool_sum(pool, 20, WIDTH, add_share, NULL, got, NULL);
        else assert_null(pool);
        tarn_mem_fail_after(0);
        assert_true(rc == TARN_OK || rc == TARN_NOMEM);
        failures += rc != TARN_OK;
        tarn_pool_free(pool);
        assert_int_equal(tarn_mem_live(), live);
    }
    assert_int_equal(failures, 3); /* pool, helpers, parts */
}

static void rows_make_blocks(void **state)
{
    (void)state;
    assert_int_equal(tarn_blocks(0), 0);
    assert_int_equal(tarn_blocks(1), 1);
    assert_int_equal(tarn_blocks(TARN_BLOCK_ROWS), 1);
    assert_int_equal(tarn_blocks(TARN_BLOCK_ROWS + 1), 2);
}

TARN_TESTS(TARN_TEST(every_block_runs_once), TARN_TEST(a_pool_takes_many_jobs), TARN_TEST(callers_wait_for_each_other),
           TARN_TEST(the_lowest_failed_block_speaks), TARN_TEST(impossible_numbers_of_threads_are_refused),
           TARN_TEST(sums_have_the_same_bits_for_any_threads), TARN_TEST(failed_sums_say_where),
           TARN_TEST(running_out_of_memory_is_a_clean_error), TARN_TEST(rows_make_blocks))
