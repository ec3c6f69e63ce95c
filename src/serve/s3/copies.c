/* SPDX-License-Identifier: Apache-2.0 */
/* copies.c - see copies.h. A table of slots, one for each object read lately:
 *
 *     READ -> WANTED -> (the thread) MAKING -> READY -> READ     evicted, or its file is not as it was
 *                                           -> FAILED
 *
 * A slot being made is nobody else's to reuse. Names end in ".s3", so that these files are told from the cache's
 * others, which this never removes. */
#include "serve/s3/copies.h"

#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SLOTS = 256, LEAST = 128 << 10, PATH_MOST = 4096 };
static const char ext[] = ".s3";

typedef enum slot_state { FREE, READ, WANTED, MAKING, READY, FAILED } slot_state;

typedef struct slot {
    slot_state state;
    tarn_object object;
    uint64_t read, used; /* bytes; when (a number that grows) */
    char *path;          /* READY */
    struct stat seen;
} slot;

struct tarn_copies {
    tarn_lake *lake;
    const tarn_sink *sink;
    uint64_t most;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool over;
    uint64_t clock, bytes; /* of READY */
    slot slot[SLOTS];
};

/* ---- slots; under the lock ---- */

static void let_go(tarn_copies *p, slot *s)
{
    if (s->state == READY) {
        (void)unlink(s->path);
        p->bytes -= s->object.size;
    }
    tarn_free(s->path);
    *s = (slot){.state = FREE};
}

/* The object's, or the one that can best be spared; NULL if all are in the making. */
static slot *slot_of(tarn_copies *p, const tarn_object *object)
{
    slot *spare = NULL;

    for (int i = 0; i < SLOTS; i++) {
        slot *s = &p->slot[i];
        if (s->state != FREE && tarn_id_equal(&s->object.id, &object->id)) return s;
        if (s->state != MAKING && (!spare || s->used < spare->used)) spare = s;
    }
    if (!spare) return NULL;
    let_go(p, spare);
    *spare = (slot){.state = READ, .object = *object};
    return spare;
}

/* Room for `size` bytes more. */
static void make_room(tarn_copies *p, uint64_t size)
{
    while (p->bytes + size > p->most) {
        slot *oldest = NULL;
        for (int i = 0; i < SLOTS; i++)
            if (p->slot[i].state == READY && (!oldest || p->slot[i].used < oldest->used)) oldest = &p->slot[i];
        if (!oldest) break;
        let_go(p, oldest);
    }
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int open_ready(tarn_copies *p, slot *s)
{
    struct stat st;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0 && fstat(fd, &st) == 0 && same_file(&st, &s->seen)) return fd;
    if (fd >= 0) (void)close(fd);
    let_go(p, s);
    return -1;
}

int tarn_copies_open(tarn_copies *p, const tarn_object *object, uint64_t length)
{
    int fd = -1;

    if (!p || object->size < LEAST || object->size > p->most) return -1;
    (void)pthread_mutex_lock(&p->lock);
    slot *s = slot_of(p, object);
    if (s) s->used = ++p->clock;
    if (s && s->state == READY) {
        fd = open_ready(p, s);
    } else if (s && s->state == READ) {
        if (s->read >= s->object.size) {
            s->state = WANTED;
            (void)pthread_cond_signal(&p->wake);
        }
        s->read += length;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return fd;
}

/* ---- the thread ---- */

/* A disk that is nearly full has better uses. */
static bool disk_has(const char *folder, uint64_t size)
{
    struct statvfs v;

    return statvfs(folder, &v) == 0 && size < (uint64_t)v.f_bavail * v.f_frsize / 4;
}

static tarn_code make(tarn_copies *p, const tarn_object *object, char **path, struct stat *seen, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char text[PATH_MOST];

    if (!disk_has(tarn_lake_inside(p->lake), object->size))
        return TARN_FAIL(err, TARN_FULL, "the disk has no room for a plain copy");
    TARN_TRY(tarn_lake_cached(p->lake, &object->id, ext, text, sizeof text, err));
    if (lstat(text, seen) != 0) return TARN_FAIL_ERRNO(err, "look at", text);
    TARN_TRY(tarn_strdup(text, path, err));
done:
    return rc;
}

/* Takes the lock away for the time of the work. */
static void make_slot(tarn_copies *p, slot *s)
{
    tarn_err err = {0};
    char *path = NULL;
    struct stat seen = {0};

    s->state = MAKING;
    make_room(p, s->object.size);
    (void)pthread_mutex_unlock(&p->lock);
    tarn_code rc = make(p, &s->object, &path, &seen, &err);
    if (rc != TARN_OK) tarn_say(p->sink, TARN_DEBUG, "s3: %s", err.msg);
    (void)pthread_mutex_lock(&p->lock);
    s->state = rc == TARN_OK ? READY : FAILED;
    s->path = path;
    s->seen = seen;
    if (rc == TARN_OK) p->bytes += s->object.size;
}

static slot *wanted(tarn_copies *p)
{
    slot *best = NULL;

    for (int i = 0; i < SLOTS; i++)
        if (p->slot[i].state == WANTED && (!best || p->slot[i].used > best->used)) best = &p->slot[i];
    return best;
}

static void *work(void *arg)
{
    tarn_copies *p = arg;

    (void)pthread_mutex_lock(&p->lock);
    while (!p->over) {
        slot *s = wanted(p);
        if (s) make_slot(p, s);
        else (void)pthread_cond_wait(&p->wake, &p->lock);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- life ---- */

static void sweep_folder(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *e;

    if (!d) return;
    while ((e = readdir(d)) != NULL) {
        size_t len = strlen(e->d_name), n = sizeof ext - 1;
        if (len > n && strcmp(e->d_name + len - n, ext) == 0) (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    (void)closedir(d);
}

/* What a killed server left. */
static void sweep(const tarn_lake *lake)
{
    char path[PATH_MOST];

    for (int i = 0; i < 256; i++) {
        int n = snprintf(path, sizeof path, "%s/objects/%02x", tarn_lake_cache_dir(lake), i);
        if (n > 0 && (size_t)n < sizeof path) sweep_folder(path);
    }
}

/* An encrypted lake has its cache in memory, which is dear. */
static bool on_disk(const tarn_lake *lake)
{
    const char *inside = tarn_lake_inside(lake);

    return strncmp(tarn_lake_cache_dir(lake), inside, strlen(inside)) == 0;
}

tarn_code tarn_copies_new(tarn_lake *lake, uint64_t most, const tarn_sink *sink, tarn_copies **out, tarn_err *err)
{
    tarn_copies *p = NULL;

    *out = NULL;
    if (!on_disk(lake)) return TARN_OK;
    sweep(lake);
    if (most == 0) return TARN_OK;
    tarn_code rc = tarn_alloc(&p, 1, sizeof *p, err);
    if (rc != TARN_OK) return rc;
    p->lake = lake;
    p->sink = sink;
    p->most = most;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->wake, NULL);
    if (pthread_create(&p->thread, NULL, work, p) == 0) {
        *out = p;
        return TARN_OK;
    }
    (void)pthread_cond_destroy(&p->wake);
    (void)pthread_mutex_destroy(&p->lock);
    tarn_free(p);
    return TARN_FAIL(err, TARN_NOMEM, "cannot start the thread that makes plain copies");
}

void tarn_copies_free(tarn_copies *p)
{
    if (!p) return;
    (void)pthread_mutex_lock(&p->lock);
    p->over = true;
    (void)pthread_cond_signal(&p->wake);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->thread, NULL);
    for (int i = 0; i < SLOTS; i++) let_go(p, &p->slot[i]);
    (void)pthread_cond_destroy(&p->wake);
    (void)pthread_mutex_destroy(&p->lock);
    tarn_free(p);
}
