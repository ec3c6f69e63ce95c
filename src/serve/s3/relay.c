/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - see relay.h. Block k of the stream is in blocks[k % BLOCKS]; it is free again when every taker has taken
 * it. After a failure takers go on taking, without doing anything, so that nobody waits for them. */
#include "serve/s3/relay.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { BLOCK = 512 << 10, BLOCKS = 16 };

typedef struct runner {
    tarn_relay *relay;
    tarn_taker taker;
    pthread_t thread;
    bool running;
    unsigned taken; /* blocks since the beginning; under the lock */
} runner;

struct tarn_relay {
    runner runner[TARN_RELAY_TAKERS];
    size_t n;
    bool threaded;
    char *block[BLOCKS]; /* made when first needed */
    size_t filling;      /* bytes in the block being filled; the adder's own */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t len[BLOCKS]; /* from here on under the lock */
    unsigned made;
    bool over;
    tarn_err failed;
};

/* ---- the takers' threads ---- */

static void *work(void *arg)
{
    runner *w = arg;
    tarn_relay *r = w->relay;

    (void)pthread_mutex_lock(&r->lock);
    for (;;) {
        while (r->made == w->taken && !r->over) (void)pthread_cond_wait(&r->wake, &r->lock);
        if (r->made == w->taken) break;
        unsigned i = w->taken % BLOCKS;
        bool idle = r->failed.code != TARN_OK;
        (void)pthread_mutex_unlock(&r->lock);
        tarn_err err = {0};
        tarn_code rc = idle ? TARN_OK : w->taker.take(w->taker.arg, r->block[i], r->len[i], &err);
        (void)pthread_mutex_lock(&r->lock);
        if (rc != TARN_OK && r->failed.code == TARN_OK) r->failed = err;
        w->taken++;
        (void)pthread_cond_broadcast(&r->wake);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Blocks that the slowest taker has not taken. */
static unsigned waiting(const tarn_relay *r)
{
    unsigned most = 0;

    for (size_t i = 0; i < r->n; i++)
        if (r->made - r->runner[i].taken > most) most = r->made - r->runner[i].taken;
    return most;
}

static tarn_code failure(const tarn_relay *r, tarn_err *err)
{
    return r->failed.code == TARN_OK ? TARN_OK : TARN_FAIL(err, r->failed.code, "%s", r->failed.msg);
}

static tarn_code hand_over(tarn_relay *r, tarn_err *err)
{
    (void)pthread_mutex_lock(&r->lock);
    r->len[r->made % BLOCKS] = r->filling;
    r->made++;
    r->filling = 0;
    (void)pthread_cond_broadcast(&r->wake);
    while (waiting(r) == BLOCKS) (void)pthread_cond_wait(&r->wake, &r->lock);
    tarn_code rc = failure(r, err);
    (void)pthread_mutex_unlock(&r->lock);
    return rc;
}

static void stop(tarn_relay *r)
{
    (void)pthread_mutex_lock(&r->lock);
    r->over = true;
    (void)pthread_cond_broadcast(&r->wake);
    (void)pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; i < r->n; i++) {
        if (r->runner[i].running) (void)pthread_join(r->runner[i].thread, NULL);
        r->runner[i].running = false;
    }
}

/* ---- the door's calls ---- */

tarn_code tarn_relay_new(const tarn_taker *takers, size_t n, tarn_relay **out, tarn_err *err)
{
    tarn_relay *r = NULL;
    tarn_code rc = tarn_alloc(&r, 1, sizeof *r, err);

    if (rc != TARN_OK) return rc;
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->wake, NULL);
    r->n = n;
    r->threaded = tarn_alloc(&r->block[0], BLOCK, 1, NULL) == TARN_OK;
    for (size_t i = 0; i < n; i++) r->runner[i] = (runner){.relay = r, .taker = takers[i]};
    for (size_t i = 0; i < n && r->threaded; i++) {
        r->runner[i].running = pthread_create(&r->runner[i].thread, NULL, work, &r->runner[i]) == 0;
        r->threaded = r->runner[i].running;
    }
    if (!r->threaded) stop(r); /* those that did start */
    *out = r;
    return TARN_OK;
}

static tarn_code give_all(tarn_relay *r, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < r->n && rc == TARN_OK; i++)
        rc = r->runner[i].taker.take(r->runner[i].taker.arg, bytes, len, err);
    return rc;
}

tarn_code tarn_relay_add(tarn_relay *r, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *at = bytes;

    if (!r->threaded) return give_all(r, bytes, len, err);
    while (len > 0) {
        char **block = &r->block[r->made % BLOCKS]; /* only the adder changes made */
        size_t n = len < BLOCK - r->filling ? len : BLOCK - r->filling;
        if (!*block) TARN_TRY(tarn_alloc(block, BLOCK, 1, err));
        memcpy(*block + r->filling, at, n);
        r->filling += n;
        at += n;
        len -= n;
        if (r->filling == BLOCK) TARN_TRY(hand_over(r, err));
    }
done:
    return rc;
}

tarn_code tarn_relay_end(tarn_relay *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (!r->threaded) return TARN_OK;
    if (r->filling > 0) TARN_TRY(hand_over(r, err));
    stop(r);
    rc = failure(r, err);
done:
    return rc;
}

void tarn_relay_free(tarn_relay *r)
{
    if (!r) return;
    stop(r);
    for (int i = 0; i < BLOCKS; i++) tarn_free(r->block[i]);
    (void)pthread_cond_destroy(&r->wake);
    (void)pthread_mutex_destroy(&r->lock);
    tarn_free(r);
}
