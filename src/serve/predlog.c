/* SPDX-License-Identifier: Apache-2.0 */
/* predlog.c - the queue and its two threads. See predlog.h.
 *
 * A segment's life: made by the first record of its model (file created and locked); lines are added to `pending`; the
 * writer moves pending lines to the file and syncs; when it is old or long enough it is `closing` and takes no more
 * lines; written and synced, it is `ready`; the committer commits ready ones. All fields are guarded by log->lock; the
 * writer alone touches `writing` and the file, so that nobody waits for the disk but the writer. */
#include "serve/predlog.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
    STREAM_NAMES = 1000,
    SYNC_US = 50000,
    GATHER_US = 2000,
    RETRY_US = 500000,
    TICK_US = 250000,
    COMMIT_RETRY_US = 5000000,
    AT_ONCE = 64
};

typedef struct segment {
    struct segment *next;
    tarn_segment_file file;
    int64_t lines, opened_us;
    tarn_text pending, writing;
    uint64_t written; /* bytes in the file that are whole lines */
    bool fresh, dirty, closing, ready;
} segment;

struct tarn_predlog {
    tarn_lake *lake;
    tarn_predlog_options options;
    pthread_mutex_t lock;
    pthread_cond_t work, room, finished;
    pthread_t writer, committer;
    bool writer_runs, committer_runs, stopping, syncing;
    segment *segments;
    size_t waiting;                  /* bytes pending and being written */
    int64_t records, commits, turns; /* turns: times that everything was synced */
    tarn_err failed;                 /* code OK: all is well */
    bool broken;                     /* a sync failed: for good */
    uint64_t salt;
    char folder[4096];
};

static void until(struct timespec *t, int64_t us)
{
    (void)clock_gettime(CLOCK_MONOTONIC, t);
    t->tv_sec += us / 1000000;
    t->tv_nsec += us % 1000000 * 1000;
    if (t->tv_nsec >= 1000000000) t->tv_sec++, t->tv_nsec -= 1000000000;
}

/* Wait on cond for at most us microseconds; with the lock held. */
static void wait_for(tarn_predlog *log, pthread_cond_t *cond, int64_t us)
{
    struct timespec t;
    until(&t, us);
    (void)pthread_cond_timedwait(cond, &log->lock, &t);
}

static void pause_for(int64_t us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)nanosleep(&t, NULL);
}

static int64_t clock_us(void) { return (int64_t)(tarn_seconds() * 1e6); }

/* ---- segments ---- */

static void segment_free(segment *s)
{
    if (s->file.fd >= 0) (void)close(s->file.fd);
    tarn_text_clear(&s->pending);
    tarn_text_clear(&s->writing);
    tarn_free(s);
}

/* Make the file under a name that nobody has, and lock it. */
static tarn_code segment_create(tarn_predlog *log, segment *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[4096];

    for (int attempt = 0; attempt < 16; attempt++) {
        tarn_segment_name(tarn_now_us(),
                          tarn_random_u64(log->salt, STREAM_NAMES, (uint64_t)tarn_now_us(), (uint32_t)attempt),
                          s->file.name);
        TARN_TRY(tarn_segment_path(log->lake, s->file.name, path, err));
        s->file.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (s->file.fd >= 0) {
            if (flock(s->file.fd, LOCK_EX | LOCK_NB) == 0) return TARN_OK;
            (void)close(s->file.fd); /* somebody recovers it already: it is empty, and goes */
            s->file.fd = -1;
        } else if (errno != EEXIST) {
            return TARN_FAIL_ERRNO(err, "create", path);
        }
    }
    rc = TARN_FAIL(err, TARN_BUSY, "no free name for a new segment of the prediction log in '%s'", log->folder);
done:
    return rc;
}

/* The open segment of a model, made if there is none. */
static tarn_code segment_of(tarn_predlog *log, const char *model, segment **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    segment *s;

    for (s = log->segments; s; s = s->next)
        if (!s->closing && strcmp(s->file.model, model) == 0) {
            *out = s;
            return TARN_OK;
        }
    TARN_TRY(tarn_alloc(&s, 1, sizeof *s, err));
    s->file.fd = -1;
    (void)snprintf(s->file.model, sizeof s->file.model, "%s", model);
    rc = segment_create(log, s, err);
    if (rc != TARN_OK) {
        segment_free(s);
        return rc;
    }
    s->fresh = true;
    s->opened_us = clock_us();
    s->next = log->segments;
    log->segments = s;
    *out = s;
done:
    return rc;
}

/* ---- adding ---- */

static tarn_code refuse(const tarn_predlog *log, tarn_err *err)
{
    return TARN_FAIL(err, log->failed.code, "the prediction log cannot be written, so nothing is predicted: %s%s",
                     log->failed.msg, log->broken ? "; start the server again once the disk is well" : "");
}

tarn_code tarn_predlog_add(tarn_predlog *log, const char *model, const char *tails, const size_t *ends, size_t n,
                           char name[TARN_SEGMENT_NAME], int64_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t need = ends[n - 1] + n * (TARN_PREDICTION_ID + 8);
    segment *s = NULL;
    char id[TARN_PREDICTION_ID];

    (void)pthread_mutex_lock(&log->lock);
    while (log->failed.code == TARN_OK && log->waiting > 0 && log->waiting + need > log->options.queue_bytes)
        (void)pthread_cond_wait(&log->room, &log->lock);
    if (log->failed.code != TARN_OK) {
        rc = refuse(log, err);
        goto done;
    }
    TARN_TRY(segment_of(log, model, &s, err));
    size_t before = s->pending.len;
    for (size_t i = 0; i < n; i++) {
        size_t from = i ? ends[i - 1] : 0;
        tarn_text_addn(&s->pending, "{\"id\":\"", 7);
        tarn_text_add(&s->pending, tarn_prediction_id(s->file.name, s->lines + (int64_t)i, id));
        tarn_text_addn(&s->pending, "\"", 1);
        tarn_text_addn(&s->pending, tails + from, ends[i] - from);
        tarn_text_addn(&s->pending, "\n", 1);
    }
    rc = tarn_text_check(&s->pending, err);
    if (rc != TARN_OK) { /* as if it had not been asked */
        s->pending.failed = TARN_OK;
        s->pending.len = before;
        goto done;
    }
    memcpy(name, s->file.name, TARN_SEGMENT_NAME);
    *first = s->lines;
    s->lines += (int64_t)n;
    log->records += (int64_t)n;
    if (s->lines >= log->options.commit_records) s->closing = true;
    bool idle = log->waiting == 0;
    log->waiting += s->pending.len - before;
    if (idle) (void)pthread_cond_signal(&log->work);
done:
    (void)pthread_mutex_unlock(&log->lock);
    return rc;
}

/* ---- the writer ---- */

/* Append the taken lines; after a failure the file is cut back to whole lines, so that it can be tried again. */
static tarn_code write_out(tarn_predlog *log, segment *s, tarn_err *err)
{
    char path[4096];
    uint64_t written = 0;
    tarn_code rc = tarn_segment_path(log->lake, s->file.name, path, err);

    if (rc == TARN_OK)
        rc = tarn_segment_append(log->lake, s->file.name, s->file.fd, path, s->written, s->writing.data, s->writing.len,
                                 &written, err);
    if (rc != TARN_OK) (void)!ftruncate(s->file.fd, (off_t)s->written);
    else s->written += written;
    return rc;
}

/* Write all pending lines of s, dropping the lock meanwhile. */
static void write_segment(tarn_predlog *log, segment *s)
{
    tarn_err err = {0};
    tarn_code rc;

    if (s->writing.len == 0) {
        tarn_text t = s->writing;
        s->writing = s->pending;
        s->pending = t;
    }
    (void)pthread_mutex_unlock(&log->lock);
    rc = write_out(log, s, &err);
    (void)pthread_mutex_lock(&log->lock);
    if (rc != TARN_OK) {
        log->failed = err;
        return;
    }
    if (!log->broken) log->failed = (tarn_err){0};
    log->waiting -= s->writing.len;
    s->writing.len = 0;
    s->dirty = true;
    (void)pthread_cond_broadcast(&log->room);
}

/* Sync one segment, dropping the lock meanwhile. */
static void sync_segment(tarn_predlog *log, segment *s)
{
    tarn_err err = {0};
    bool fresh = s->fresh;

    s->dirty = s->fresh = false;
    (void)pthread_mutex_unlock(&log->lock);
    tarn_code rc = tarn_fd_sync(s->file.fd, s->file.name, &err);
    if (rc == TARN_OK && fresh) rc = tarn_dir_sync(log->folder, &err);
    (void)pthread_mutex_lock(&log->lock);
    if (rc == TARN_OK) return;
    log->failed = err;
    log->broken = true;
    s->dirty = true;
}

/* Segments are only ever added at the front, and taken out by the committer when ready; the writer walks those that are
 * not ready, which stay where they are while the lock is dropped. */
static bool write_all(tarn_predlog *log)
{
    bool wrote = false;

    for (segment *s = log->segments; s; s = s->next) {
        if (s->ready || s->pending.len + s->writing.len == 0) continue;
        write_segment(log, s);
        wrote = true;
        if (log->failed.code != TARN_OK) break;
    }
    return wrote;
}

static void sync_all(tarn_predlog *log)
{
    log->syncing = true;
    for (segment *s = log->segments; s && !log->broken; s = s->next)
        if (!s->ready && s->dirty) sync_segment(log, s);
    log->syncing = false;
    if (log->broken) return;
    for (segment *s = log->segments; s; s = s->next)
        if (s->closing && !s->dirty && s->pending.len + s->writing.len == 0) s->ready = true;
    log->turns++;
    (void)pthread_cond_broadcast(&log->finished);
}

static bool any(const tarn_predlog *log, bool (*test)(const segment *s))
{
    for (const segment *s = log->segments; s; s = s->next)
        if (!s->ready && test(s)) return true;
    return false;
}

static bool is_dirty(const segment *s) { return s->dirty; }
static bool wants_ready(const segment *s) { return s->closing; }

static void *write_for_ever(void *arg)
{
    tarn_predlog *log = arg;
    int64_t dirty_since = 0;

    (void)pthread_mutex_lock(&log->lock);
    for (;;) {
        bool stop = log->stopping;
        if (write_all(log) && dirty_since == 0) dirty_since = clock_us();
        bool closing = any(log, wants_ready);
        if (stop || closing || (dirty_since && clock_us() - dirty_since >= SYNC_US - GATHER_US)) {
            sync_all(log);
            dirty_since = any(log, is_dirty) ? clock_us() : 0;
        }
        if (stop && (log->waiting == 0 || log->failed.code != TARN_OK)) break;
        if (log->broken) {
            (void)pthread_cond_broadcast(&log->room);
            (void)pthread_cond_broadcast(&log->finished);
            wait_for(log, &log->work, RETRY_US);
        } else if (log->failed.code != TARN_OK) {
            (void)pthread_cond_broadcast(&log->room);
            wait_for(log, &log->work, RETRY_US);
        } else if (log->waiting > 0 || dirty_since) { /* gather what comes in the next moment into one write */
            (void)pthread_mutex_unlock(&log->lock);
            pause_for(GATHER_US);
            (void)pthread_mutex_lock(&log->lock);
        } else if (!log->stopping) {
            wait_for(log, &log->work, 1000000);
        }
    }
    (void)pthread_cond_broadcast(&log->finished);
    (void)pthread_mutex_unlock(&log->lock);
    return NULL;
}

tarn_code tarn_predlog_sync(tarn_predlog *log, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    (void)pthread_mutex_lock(&log->lock);
    int64_t wanted = log->turns + 2; /* the turn under way may have passed a segment by already */
    while (log->failed.code == TARN_OK && log->turns < wanted &&
           (log->waiting > 0 || log->syncing || any(log, is_dirty))) {
        (void)pthread_cond_signal(&log->work);
        wait_for(log, &log->finished, SYNC_US);
    }
    if (log->failed.code != TARN_OK) rc = refuse(log, err);
    (void)pthread_mutex_unlock(&log->lock);
    return rc;
}

/* ---- the committer ---- */

/* Unlink up to AT_ONCE ready segments from the list; the lock is held. */
static size_t take_ready(tarn_predlog *log, segment **taken)
{
    size_t n = 0;

    for (segment **at = &log->segments; *at && n < AT_ONCE;) {
        if (!(*at)->ready) {
            at = &(*at)->next;
            continue;
        }
        taken[n++] = *at;
        *at = (*at)->next;
    }
    return n;
}

/* Commit what is ready, dropping the lock meanwhile; back into the list after a failure. */
static tarn_code commit_ready(tarn_predlog *log, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    segment *taken[AT_ONCE];
    tarn_segment_file files[AT_ONCE];
    size_t n;

    while (rc == TARN_OK && (n = take_ready(log, taken)) > 0) {
        int64_t records = 0;
        for (size_t i = 0; i < n; i++) files[i] = taken[i]->file, records += taken[i]->lines;
        (void)pthread_mutex_unlock(&log->lock);
        rc = tarn_segments_commit(log->lake, files, n, records, err);
        if (rc != TARN_OK)
            tarn_say(log->options.sink, TARN_WARN, "the prediction log is not committed yet: %s", err->msg);
        (void)pthread_mutex_lock(&log->lock);
        for (size_t i = 0; i < n; i++) {
            if (rc == TARN_OK) {
                segment_free(taken[i]);
            } else {
                taken[i]->next = log->segments;
                log->segments = taken[i];
            }
        }
        if (rc == TARN_OK) log->commits++;
    }
    return rc;
}

static void close_old(tarn_predlog *log)
{
    int64_t now = clock_us();
    bool some = false;

    for (segment *s = log->segments; s; s = s->next)
        if (!s->closing && now - s->opened_us >= (int64_t)log->options.commit_s * 1000000) s->closing = some = true;
    if (some) (void)pthread_cond_signal(&log->work);
}

static void *commit_for_ever(void *arg)
{
    tarn_predlog *log = arg;
    tarn_err err = {0};

    (void)pthread_mutex_lock(&log->lock);
    while (!log->stopping) {
        wait_for(log, &log->finished, TICK_US);
        close_old(log);
        for (int64_t end = 0; commit_ready(log, &err) != TARN_OK && !log->stopping;) {
            for (end = clock_us() + COMMIT_RETRY_US; clock_us() < end && !log->stopping;)
                wait_for(log, &log->finished, TICK_US);
        }
    }
    (void)pthread_mutex_unlock(&log->lock);
    return NULL;
}

/* ---- life ---- */

static tarn_code start_threads(tarn_predlog *log, tarn_err *err)
{
    if (pthread_create(&log->writer, NULL, write_for_ever, log) != 0)
        return TARN_FAIL(err, TARN_NOMEM, "cannot start the thread that writes the prediction log");
    log->writer_runs = true;
    if (pthread_create(&log->committer, NULL, commit_for_ever, log) != 0)
        return TARN_FAIL(err, TARN_NOMEM, "cannot start the thread that commits the prediction log");
    log->committer_runs = true;
    return TARN_OK;
}

static void init_waits(tarn_predlog *log)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&log->lock, NULL);
    (void)pthread_cond_init(&log->work, &attr);
    (void)pthread_cond_init(&log->room, &attr);
    (void)pthread_cond_init(&log->finished, &attr);
    (void)pthread_condattr_destroy(&attr);
}

tarn_code tarn_predlog_open(tarn_lake *lake, const tarn_predlog_options *options, tarn_predlog **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_predlog *log = NULL;
    tarn_err ignored = {0};
    int64_t records = 0;

    TARN_TRY(tarn_alloc(&log, 1, sizeof *log, err));
    log->lake = lake;
    log->options = *options;
    if (log->options.commit_s <= 0) log->options.commit_s = 60;
    if (log->options.commit_records <= 0) log->options.commit_records = 10000;
    if (log->options.queue_bytes == 0) log->options.queue_bytes = 32u << 20;
    log->salt = (uint64_t)tarn_now_us() ^ (uint64_t)getpid() << 44;
    init_waits(log);
    TARN_TRY(tarn_path_join(log->folder, sizeof log->folder, tarn_lake_inside(lake), "log", err));
    TARN_TRY(tarn_dir_make(log->folder, err));
    TARN_TRY(tarn_segments_recover(lake, &records, err));
    if (records > 0)
        tarn_say(options->sink, TARN_INFO, "%lld predictions that an earlier server left were committed",
                 (long long)records);
    TARN_TRY(start_threads(log, err));
    *out = log;
    log = NULL;
done:
    if (log) {
        tarn_code closed = tarn_predlog_close(log, &ignored);
        (void)closed; /* nothing was added yet */
    }
    return rc;
}

tarn_code tarn_predlog_close(tarn_predlog *log, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    (void)pthread_mutex_lock(&log->lock);
    for (segment *s = log->segments; s; s = s->next) s->closing = true;
    log->stopping = true;
    (void)pthread_cond_broadcast(&log->work);
    (void)pthread_cond_broadcast(&log->finished);
    (void)pthread_mutex_unlock(&log->lock);
    if (log->writer_runs) (void)pthread_join(log->writer, NULL);
    if (log->committer_runs) (void)pthread_join(log->committer, NULL);
    (void)pthread_mutex_lock(&log->lock);
    tarn_err failed = {0};
    rc = commit_ready(log, &failed);
    if (rc == TARN_OK && log->failed.code != TARN_OK) {
        rc = log->failed.code;
        failed = log->failed;
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (rc != TARN_OK && err) {
        *err = failed;
        tarn_err_note(err, "prediction log");
    }
    for (segment *s = log->segments, *next; s; s = next) {
        next = s->next;
        segment_free(s);
    }
    (void)pthread_cond_destroy(&log->work);
    (void)pthread_cond_destroy(&log->room);
    (void)pthread_cond_destroy(&log->finished);
    (void)pthread_mutex_destroy(&log->lock);
    tarn_free(log);
    return rc;
}

void tarn_predlog_count(tarn_predlog *log, tarn_predlog_counts *out)
{
    (void)pthread_mutex_lock(&log->lock);
    *out =
        (tarn_predlog_counts){.records = log->records, .waiting_bytes = (int64_t)log->waiting, .commits = log->commits};
    (void)pthread_mutex_unlock(&log->lock);
}
