/* SPDX-License-Identifier: Apache-2.0 */
/* landings.c - who lands with whom. See landings.h.
 *
 * Nobody has a thread of its own: of those who wait the first leads, and when its group is through it passes the lead
 * to the first who came meanwhile. A group's cost is mostly that of its syncs, whatever its size, so while it builds
 * the leader takes in who comes, and waits a moment for those who may come back: those of the last group were just
 * told, and will want to land again. It waits at most a part of what the last transaction took, and not at all where
 * nobody was beside it: a single client never waits. */
#include "lake/landings.h"

#include "base/mem.h"
#include "base/sink.h"

#include <time.h>

static const double PATIENCE_MOST = 0.01; /* seconds */

struct tarn_landings {
    pthread_mutex_t lock; /* guards all below; never held while the lake is used */
    pthread_cond_t come;  /* one more, while the leader waits for that */
    tarn_lander *first, **last;
    size_t here;           /* between come and go */
    bool leading, awaited; /* somebody leads; it waits for more */
    pthread_t leader;
    size_t seen;              /* here when the last group ended, itself included */
    double ended, publishing; /* when that was, and what its transaction took; seconds */
};

tarn_code tarn_landings_new(tarn_landings **out, tarn_err *err)
{
    tarn_landings *q = NULL;
    pthread_condattr_t steady;
    tarn_code rc = tarn_alloc(&q, 1, sizeof *q, err);

    if (rc != TARN_OK) return rc;
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_condattr_init(&steady);
    (void)pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&q->come, &steady);
    (void)pthread_condattr_destroy(&steady);
    q->last = &q->first;
    *out = q;
    return TARN_OK;
}

void tarn_landings_free(tarn_landings *q)
{
    if (!q) return;
    (void)pthread_cond_destroy(&q->come);
    (void)pthread_mutex_destroy(&q->lock);
    tarn_free(q);
}

void tarn_landings_come(tarn_lake *lake)
{
    (void)pthread_mutex_lock(&lake->landings->lock);
    lake->landings->here++;
    (void)pthread_mutex_unlock(&lake->landings->lock);
}

void tarn_landings_go(tarn_lake *lake)
{
    (void)pthread_mutex_lock(&lake->landings->lock);
    lake->landings->here--;
    (void)pthread_mutex_unlock(&lake->landings->lock);
}

/* ---- under the lock ---- */

static void append(tarn_landings *q, tarn_lander *x)
{
    *q->last = x;
    q->last = &x->next;
    if (q->awaited) (void)pthread_cond_signal(&q->come);
}

static void take(tarn_landings *q, tarn_group *g)
{
    while (q->first && g->n < TARN_GROUP_MOST) {
        g->v[g->n++] = q->first;
        q->first = q->first->next;
    }
    if (!q->first) q->last = &q->first;
}

/* Take who came, or wait for one, until as many are here as were beside the last group, or too long. */
static void gather(void *arg, tarn_group *g)
{
    tarn_landings *q = arg;
    double patience = q->publishing / 2 < PATIENCE_MOST ? q->publishing / 2 : PATIENCE_MOST;
    double until = q->ended + patience;
    struct timespec t = {.tv_sec = (time_t)until};

    t.tv_nsec = (long)((until - (double)t.tv_sec) * 1e9);
    (void)pthread_mutex_lock(&q->lock);
    q->awaited = true;
    while (!q->first && g->n < q->seen && tarn_seconds() < until)
        if (pthread_cond_timedwait(&q->come, &q->lock, &t) != 0) break;
    q->awaited = false;
    take(q, g);
    (void)pthread_mutex_unlock(&q->lock);
}

/* Tell everyone, and let the first who waits lead. Who is told goes at once, and need not come for the lock. */
static void dismiss(tarn_landings *q, const tarn_group *g, const tarn_lander *self)
{
    q->publishing = g->publishing;
    q->ended = tarn_seconds();
    q->seen = q->here;
    q->leading = q->first != NULL;
    if (q->leading) {
        q->first->leads = true;
        (void)sem_post(&q->first->told);
    }
    for (size_t i = 0; i < g->n; i++)
        if (g->v[i] != self) (void)sem_post(&g->v[i]->told);
}

/* ---- */

static void lead(tarn_lake *lake, tarn_landings *q, const tarn_lander *self)
{
    tarn_group g = {.more = gather, .arg = q};

    q->leader = pthread_self();
    take(q, &g);
    (void)pthread_mutex_unlock(&q->lock);
    tarn_group_land(lake, &g);
    (void)pthread_mutex_lock(&q->lock);
    dismiss(q, &g, self);
}

void tarn_landings_join(tarn_lake *lake, tarn_lander *x)
{
    tarn_landings *q = lake->landings;

    (void)pthread_mutex_lock(&q->lock);
    if (q->leading && pthread_equal(q->leader, pthread_self())) { /* from inside another landing */
        (void)pthread_mutex_unlock(&q->lock);
        tarn_group_land(lake, &(tarn_group){.v = {x}, .n = 1});
        return;
    }
    (void)sem_init(&x->told, 0, 0);
    append(q, x);
    bool first = !q->leading;
    q->leading = true;
    (void)pthread_mutex_unlock(&q->lock);
    while (!first && sem_wait(&x->told) != 0) continue; /* a signal came between */
    if (first || x->leads) {
        (void)pthread_mutex_lock(&q->lock);
        lead(lake, q, x);
        (void)pthread_mutex_unlock(&q->lock);
    }
    (void)sem_destroy(&x->told);
}
