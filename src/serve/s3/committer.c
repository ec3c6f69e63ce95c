/* SPDX-License-Identifier: Apache-2.0 */
/* committer.c - what was written is committed: after a quiet time, when asked, at the end.
 *
 * One thread looks at the branches with waiting writes. A branch that is never quiet is committed after QUIETS times
 * the quiet time. A commit that fails is tried again after the next quiet time; what was written stays staged
 * meanwhile. */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { QUIETS = 20 };

static tarn_s3_waiting *slot_of(tarn_s3 *s, const char *branch, const tarn_who *who)
{
    tarn_s3_waiting *unused = NULL;

    for (int i = 0; i < TARN_S3_BRANCHES; i++) {
        tarn_s3_waiting *w = &s->waiting[i];
        if (w->last > 0 && strcmp(w->branch, branch) == 0 && w->who.kind == who->kind &&
            strcmp(w->who.user, who->user) == 0)
            return w;
        if (w->last <= 0 && !unused) unused = w;
    }
    return unused;
}

void tarn_s3_note_write(tarn_s3 *s, const char *branch, const tarn_who *who)
{
    double now = tarn_seconds();

    (void)pthread_mutex_lock(&s->lock);
    tarn_s3_waiting *w = slot_of(s, branch, who);
    if (w && w->last <= 0) {
        (void)snprintf(w->branch, sizeof w->branch, "%s", branch);
        w->who = *who;
        w->first = now;
    }
    if (w) w->last = now; /* more branches than slots: those wait to be asked for, or for the end */
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
}

/* Commit what waits and is due at `now`; the error is the first one's. */
static tarn_code commit_due(tarn_s3 *s, double now, bool all, tarn_err *err)
{
    tarn_code worst = TARN_OK;

    for (int i = 0; i < TARN_S3_BRANCHES; i++) {
        tarn_err why = {0};
        tarn_id id;
        (void)pthread_mutex_lock(&s->lock);
        tarn_s3_waiting w = s->waiting[i];
        double quiet = s->options.commit_after_s;
        bool due = w.last > 0 && (all || (quiet > 0 && (now - w.last >= quiet || now - w.first >= quiet * QUIETS)));
        if (due) s->waiting[i].last = 0;
        (void)pthread_mutex_unlock(&s->lock);
        if (!due) continue;
        tarn_access_enter(s->options.lake, &w.who);
        tarn_code rc = tarn_s3_commit_branch(s, w.branch, &w.who, NULL, &id, &why);
        tarn_access_leave(s->options.lake);
        if (rc == TARN_OK || rc == TARN_NOT_FOUND) continue; /* not found: somebody else has committed it */
        tarn_say(s->options.sink, TARN_WARN, "writes to branch '%s' wait for a commit: %s", w.branch, why.msg);
        if (worst == TARN_OK && err) *err = why;
        if (worst == TARN_OK) worst = rc;
        if (!all) tarn_s3_note_write(s, w.branch, &w.who);
    }
    return worst;
}

static void *work(void *arg)
{
    tarn_s3 *s = arg;
    struct timespec t;

    (void)pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += 250000000;
        t.tv_sec += t.tv_nsec / 1000000000, t.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&s->wake, &s->lock, &t);
        (void)pthread_mutex_unlock(&s->lock);
        tarn_err ignored = {0};
        tarn_code rc = commit_due(s, tarn_seconds(), false, &ignored);
        (void)rc; /* said already */
        (void)pthread_mutex_lock(&s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

tarn_code tarn_s3_committer_start(tarn_s3 *s, tarn_err *err)
{
    if (pthread_create(&s->committer, NULL, work, s) != 0)
        return TARN_FAIL(err, TARN_NOMEM, "cannot start the thread that commits");
    s->committing = true;
    return TARN_OK;
}

tarn_code tarn_s3_committer_stop(tarn_s3 *s, tarn_err *err)
{
    if (!s->committing) return TARN_OK;
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->committer, NULL);
    s->committing = false;
    return commit_due(s, tarn_seconds(), true, err);
}
