/* SPDX-License-Identifier: Apache-2.0 */
/* svm_team.c - threads that stand by to help with very short work. See svm_parts.h.
 *
 * A step of the solver takes some ten microseconds, about what it takes to wake a thread. So the pool's threads are
 * taken for the whole solution: one leads, the others look again and again whether there is a piece to take. Pieces
 * that are left stand in one word, which also says which round they belong to: whoever changes it by compare-and-swap
 * has taken a piece. The leader takes from the front and helpers from the back, so that a thread sees mostly the same
 * columns in its own cache. The leader never waits for a piece that no one took: a helper that the machine has put
 * aside holds up nothing but the piece in its hands. */
#include "train/algos/svm_parts.h"

#include <immintrin.h>
#include <sched.h>
#include <stdatomic.h>

struct svm_team {
    _Atomic uint64_t left; /* round << 32 | next piece << 16 | one behind the last piece */
    _Atomic uint32_t finished;
    _Atomic int stop;
    svm_piece_fn *fn; /* set before `left`, read after it */
    void *arg;
    svm_lead_fn *lead;
    void *lead_arg;
};

enum { MOST_PIECES = 0xffff, PATIENCE = 4096 };

static bool take(svm_team *t, bool front, size_t *piece)
{
    uint64_t left = atomic_load_explicit(&t->left, memory_order_acquire);

    for (;;) {
        uint32_t next = (uint32_t)(left >> 16) & 0xffff, end = (uint32_t)left & 0xffff;
        if (next >= end) return false;
        uint64_t then = front ? left + 0x10000 : left - 1;
        *piece = front ? next : end - 1;
        if (atomic_compare_exchange_weak_explicit(&t->left, &left, then, memory_order_acq_rel, memory_order_acquire))
            return true;
    }
}

static void work(svm_team *t, bool front)
{
    size_t piece;

    while (take(t, front, &piece)) {
        t->fn(t->arg, piece);
        (void)atomic_fetch_add_explicit(&t->finished, 1, memory_order_release);
    }
}

void svm_team_run(svm_team *t, size_t pieces, svm_piece_fn *fn, void *arg)
{
    if (!t || pieces < 2 || pieces > MOST_PIECES) {
        for (size_t i = 0; i < pieces; i++) fn(arg, i);
        return;
    }
    uint64_t round = (atomic_load_explicit(&t->left, memory_order_relaxed) >> 32) + 1;
    t->fn = fn;
    t->arg = arg;
    atomic_store_explicit(&t->finished, 0, memory_order_relaxed);
    atomic_store_explicit(&t->left, round << 32 | pieces, memory_order_release);
    work(t, true);
    for (int spins = 0; atomic_load_explicit(&t->finished, memory_order_acquire) < pieces; spins++) {
        if (spins < PATIENCE) _mm_pause();
        else (void)sched_yield();
    }
}

static tarn_code take_part(void *arg, int64_t block, int worker, tarn_err *err)
{
    svm_team *t = arg;

    (void)worker;
    if (block == 0) {
        tarn_code rc = t->lead(t->lead_arg, t, err);
        atomic_store_explicit(&t->stop, 1, memory_order_release);
        return rc;
    }
    for (int spins = 0; !atomic_load_explicit(&t->stop, memory_order_acquire); spins++) {
        uint64_t left = atomic_load_explicit(&t->left, memory_order_relaxed);
        if ((left >> 16 & 0xffff) < (left & 0xffff)) {
            work(t, false);
            spins = 0;
        } else if (spins < PATIENCE) _mm_pause();
        else (void)sched_yield();
    }
    return TARN_OK;
}

tarn_code svm_team_lead(tarn_pool *pool, svm_lead_fn *lead, void *arg, tarn_err *err)
{
    svm_team team = {.lead = lead, .lead_arg = arg};
    int threads = tarn_pool_threads(pool);

    if (threads < 2) return lead(arg, NULL, err);
    return tarn_pool_run(pool, threads, take_part, &team, err);
}
