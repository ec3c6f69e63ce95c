/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - a fixed set of threads and one shared block counter. See pool.h.
 *
 * The caller posts a job under the lock, works through blocks itself, and waits until the last
 * worker has left the job. Workers sleep on a condition between jobs: no spinning, since users' other
 * programs share the cores. */
#include "base/pool.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

typedef struct job {
    tarn_block_fn *fn;
    void *arg;
    int64_t blocks;
    atomic_llong next;
    int64_t failed_block; /* lowest, under the pool's lock; -1: none */
    tarn_code rc;
    tarn_err err;
    atomic_bool stop;
} job;

typedef struct helper {
    tarn_pool *pool;
    int worker;
    pthread_t id;
} helper;

struct tarn_pool {
    int threads;
    helper *helpers; /* threads - 1 of them */
    int started;
    pthread_mutex_t busy; /* one job at a time */
    pthread_mutex_t lock; /* guards all below, and the job's failure */
    pthread_cond_t wake, idle;
    job *current;
    uint64_t job_number;
    int inside; /* workers in the current job */
    bool closing;
};

static void work(tarn_pool *pool, job *j, int worker)
{
    while (!atomic_load_explicit(&j->stop, memory_order_relaxed)) {
        int64_t block = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
        if (block >= j->blocks) return;
        tarn_err err = {0};
        tarn_code rc = j->fn(j->arg, block, worker, &err);
        if (rc == TARN_OK) continue;
        if (pool) (void)pthread_mutex_lock(&pool->lock);
        if (j->failed_block < 0 || block < j->failed_block) {
            j->failed_block = block;
            j->rc = rc;
            j->err = err;
        }
        if (pool) (void)pthread_mutex_unlock(&pool->lock);
        atomic_store_explicit(&j->stop, true, memory_order_relaxed);
    }
}

static void *worker_main(void *arg)
{
    const helper *self = arg;
    tarn_pool *pool = self->pool;
    uint64_t seen = 0;

    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->closing && (!pool->current || pool->job_number == seen))
            (void)pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->closing) break;
        seen = pool->job_number;
        job *j = pool->current;
        pool->inside++;
        (void)pthread_mutex_unlock(&pool->lock);
        work(pool, j, self->worker);
        (void)pthread_mutex_lock(&pool->lock);
        if (--pool->inside == 0) (void)pthread_cond_signal(&pool->idle);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static tarn_code start_workers(tarn_pool *pool, tarn_err *err)
{
    for (int i = 1; i < pool->threads; i++) {
        helper *h = &pool->helpers[i - 1];
        h->pool = pool;
        h->worker = i;
        if (pthread_create(&h->id, NULL, worker_main, h) != 0)
            return TARN_FAIL(err, TARN_LIMIT, "cannot start thread %d of %d", i + 1, pool->threads);
        pool->started++;
    }
    return TARN_OK;
}

tarn_code tarn_pool_new(int threads, tarn_pool **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_pool *pool = NULL;

    *out = NULL;
    if (threads < 0 || threads > 1024)
        return TARN_FAIL(err, TARN_INVALID, "threads must be 0 to 1024, not %d", threads);
    if (threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        threads = cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
    }
    TARN_TRY(tarn_alloc(&pool, 1, sizeof *pool, err));
    pool->threads = threads;
    (void)pthread_mutex_init(&pool->busy, NULL);
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->wake, NULL);
    (void)pthread_cond_init(&pool->idle, NULL);
    TARN_TRY(tarn_alloc(&pool->helpers, (size_t)threads, sizeof *pool->helpers, err));
    TARN_TRY(start_workers(pool, err));
    *out = pool;
    pool = NULL;
done:
    tarn_pool_free(pool);
    return rc;
}

void tarn_pool_free(tarn_pool *pool)
{
    if (!pool) return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->started; i++) (void)pthread_join(pool->helpers[i].id, NULL);
    (void)pthread_cond_destroy(&pool->idle);
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_mutex_destroy(&pool->lock);
    (void)pthread_mutex_destroy(&pool->busy);
    tarn_free(pool->helpers);
    tarn_free(pool);
}

int tarn_pool_threads(const tarn_pool *pool) { return pool ? pool->threads : 1; }

static void run_on_pool(tarn_pool *pool, job *j)
{
    (void)pthread_mutex_lock(&pool->busy);
    (void)pthread_mutex_lock(&pool->lock);
    pool->current = j;
    pool->job_number++;
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
    work(pool, j, 0);
    (void)pthread_mutex_lock(&pool->lock);
    pool->current = NULL; /* late wakers find nothing to enter */
    while (pool->inside > 0) (void)pthread_cond_wait(&pool->idle, &pool->lock);
    (void)pthread_mutex_unlock(&pool->lock);
    (void)pthread_mutex_unlock(&pool->busy);
}

tarn_code tarn_pool_run(tarn_pool *pool, int64_t blocks, tarn_block_fn *fn, void *arg, tarn_err *err)
{
    job j = {.fn = fn, .arg = arg, .blocks = blocks, .failed_block = -1};

    if (pool && pool->threads > 1 && blocks > 1) run_on_pool(pool, &j);
    else work(NULL, &j, 0);
    if (j.failed_block >= 0 && err) *err = j.err;
    return j.failed_block >= 0 ? j.rc : TARN_OK;
}

typedef struct sum_job {
    tarn_sum_fn *fn;
    void *arg;
    int64_t first, n;
    double *parts; /* (window, n) */
} sum_job;

static tarn_code sum_block(void *arg, int64_t i, int worker, tarn_err *err)
{
    sum_job *s = arg;
    double *part = s->parts + i * s->n;

    memset(part, 0, (size_t)s->n * sizeof *part);
    return s->fn(s->arg, s->first + i, worker, part, err);
}

tarn_code tarn_pool_sum(tarn_pool *pool, int64_t blocks, int64_t n, tarn_sum_fn *fn, void *arg, double *out,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t window = 4 * (int64_t)tarn_pool_threads(pool);
    sum_job s = {.fn = fn, .arg = arg, .n = n};

    if (window > blocks) window = blocks;
    if (blocks == 0 || n == 0) return TARN_OK;
    TARN_TRY(tarn_alloc(&s.parts, (size_t)(window * n), sizeof(double), err));
    for (; s.first < blocks; s.first += window) {
        int64_t count = blocks - s.first < window ? blocks - s.first : window;
        TARN_TRY(tarn_pool_run(pool, count, sum_block, &s, err));
        for (int64_t b = 0; b < count; b++)
            for (int64_t i = 0; i < n; i++) out[i] += s.parts[b * n + i];
    }
done:
    tarn_free(s.parts);
    return rc;
}
