/* SPDX-License-Identifier: Apache-2.0 */
/* threads.c - ranks as threads of one process, with a mailbox each.
 *
 * A message is a copy in a list, from one sender to one receiver; a send never waits. A rank that leaves marks itself
 * as gone in every mailbox and wakes their owners, so that nobody waits for what can no longer come.
 */
#include "comm/transport.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

typedef struct message {
    struct message *next;
    size_t len;
    max_align_t bytes[];
} message;

/* What came from one sender and was not received yet. */
typedef struct queue {
    message *head, *tail;
    bool gone; /* the sender will send no more */
} queue;

typedef struct mailbox {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t came;  /* only the owner waits */
    queue *from;          /* (ranks) */
    bool closed;          /* the owner has left: nothing is kept for it */
} mailbox;

typedef struct hub hub;

typedef struct rank {
    hub *hub;
    tarn_comm comm;
    pthread_t thread;
    bool started;
    tarn_code rc;
    tarn_err err;
} rank;

struct hub {
    int ranks;
    mailbox *boxes; /* (ranks) */
    rank *all;      /* (ranks) */
    tarn_rank_fn *fn;
    void *arg;
};

extern const tarn_transport tarn_transport_threads; /* at the end */

static tarn_code send_message(void *self, int to, const void *bytes, size_t len, tarn_err *err)
{
    const rank *me = self;
    mailbox *box = &me->hub->boxes[to];
    message *m = NULL;
    tarn_code rc = TARN_OK;

    if (len > SIZE_MAX - sizeof *m) return TARN_FAIL(err, TARN_LIMIT, "a message of %zu bytes is too long", len);
    TARN_TRY(tarn_alloc(&m, 1, sizeof *m + len, err));
    m->len = len;
    memcpy(m->bytes, bytes, len);
    (void)pthread_mutex_lock(&box->lock);
    if (box->closed) {
        rc = TARN_FAIL(err, TARN_CANCELLED, "rank %d has left the job", to);
    } else {
        queue *q = &box->from[me->comm.rank];

        if (q->tail) q->tail->next = m;
        else q->head = m;
        q->tail = m;
        m = NULL;
        (void)pthread_cond_signal(&box->came);
    }
    (void)pthread_mutex_unlock(&box->lock);
done:
    tarn_free(m);
    return rc;
}

/* The next message of a queue; NULL if the sender is gone. */
static message *wait_for_message(mailbox *box, queue *q)
{
    (void)pthread_mutex_lock(&box->lock);
    while (!q->head && !q->gone) (void)pthread_cond_wait(&box->came, &box->lock);
    message *m = q->head;
    if (m) q->head = m->next;
    if (!q->head) q->tail = NULL;
    (void)pthread_mutex_unlock(&box->lock);
    return m;
}

static tarn_code receive_message(void *self, int from, void *bytes, size_t len, tarn_err *err)
{
    const rank *me = self;
    mailbox *box = &me->hub->boxes[me->comm.rank];
    message *m = wait_for_message(box, &box->from[from]);
    tarn_code rc = TARN_OK;

    if (!m) return TARN_FAIL(err, TARN_CANCELLED, "rank %d has left the job", from);
    if (m->len == len) memcpy(bytes, m->bytes, len);
    else
        rc = TARN_FAIL(err, TARN_INVALID,
                       "rank %d sent %zu bytes where rank %d expected %zu: ranks must make the same calls in the same "
                       "order",
                       from, m->len, me->comm.rank, len);
    tarn_free(m);
    return rc;
}

/* Tell the others that rank r will neither send nor receive. */
static void leave(void *self)
{
    const rank *me = self;

    for (int k = 0; k < me->hub->ranks; k++) {
        mailbox *box = &me->hub->boxes[k];

        (void)pthread_mutex_lock(&box->lock);
        box->from[me->comm.rank].gone = true;
        if (k == me->comm.rank) box->closed = true;
        (void)pthread_cond_signal(&box->came);
        (void)pthread_mutex_unlock(&box->lock);
    }
}

static void *rank_main(void *arg)
{
    rank *me = arg;

    me->rc = me->hub->fn(me->hub->arg, &me->comm, &me->err);
    tarn_comm_leave(&me->comm);
    return NULL;
}

static void close_hub(hub *h)
{
    for (int k = 0; h->boxes && k < h->ranks; k++) {
        mailbox *box = &h->boxes[k];

        for (int i = 0; box->from && i < h->ranks; i++)
            for (message *m = box->from[i].head, *next; m; m = next) {
                next = m->next;
                tarn_free(m);
            }
        (void)pthread_cond_destroy(&box->came);
        (void)pthread_mutex_destroy(&box->lock);
        tarn_free(box->from);
    }
    tarn_free(h->boxes);
    tarn_free(h->all);
}

static tarn_code open_hub(hub *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&h->all, (size_t)h->ranks, sizeof *h->all, err));
    TARN_TRY(tarn_alloc(&h->boxes, (size_t)h->ranks, sizeof *h->boxes, err));
    for (int k = 0; k < h->ranks; k++) {
        (void)pthread_mutex_init(&h->boxes[k].lock, NULL);
        (void)pthread_cond_init(&h->boxes[k].came, NULL);
        h->all[k].hub = h;
        h->all[k].comm =
            (tarn_comm){.transport = &tarn_transport_threads, .self = &h->all[k], .rank = k, .size = h->ranks};
    }
    for (int k = 0; k < h->ranks; k++)
        TARN_TRY(tarn_alloc(&h->boxes[k].from, (size_t)h->ranks, sizeof *h->boxes[k].from, err));
done:
    return rc;
}

/* The lowest rank that failed by itself; else the lowest that failed; NULL if none. */
static const rank *first_failure(const hub *h)
{
    const rank *cancelled = NULL;

    for (int k = 0; k < h->ranks; k++) {
        const rank *r = &h->all[k];

        if (r->rc != TARN_OK && r->rc != TARN_CANCELLED) return r;
        if (r->rc == TARN_CANCELLED && !cancelled) cancelled = r;
    }
    return cancelled;
}

static tarn_code run(int ranks, tarn_rank_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    hub h = {.ranks = ranks, .fn = fn, .arg = arg};

    if (ranks < 1 || ranks > TARN_RANKS_MAX)
        return TARN_FAIL(err, TARN_INVALID, "ranks must be 1 to %d, not %d", TARN_RANKS_MAX, ranks);
    TARN_TRY(open_hub(&h, err));
    for (int k = 1; k < ranks; k++) {
        rank *r = &h.all[k];

        r->started = pthread_create(&r->thread, NULL, rank_main, r) == 0;
        if (r->started) continue;
        r->rc = TARN_FAIL(&r->err, TARN_LIMIT, "cannot start the thread of rank %d of %d", k, ranks);
        tarn_comm_leave(&r->comm);
    }
    (void)rank_main(&h.all[0]);
    for (int k = 1; k < ranks; k++)
        if (h.all[k].started) (void)pthread_join(h.all[k].thread, NULL);
    const rank *failed = first_failure(&h);
    if (failed) {
        rc = failed->rc;
        if (err) *err = failed->err;
    }
done:
    close_hub(&h);
    return rc;
}

const tarn_transport tarn_transport_threads = {
    .name = "threads",
    .title = "ranks as threads of one process",
    .run = run,
    .send = send_message,
    .receive = receive_message,
    .close = leave,
};
