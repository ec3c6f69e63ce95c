/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.c - the cache of blocks. See blocks.h.
 *
 *     <folder>/<blob, '/' as '_'>.<number>     "TARNBLK1", crc u32 of the bytes, length u32, the bytes
 *
 * A block shorter than 1 MiB is its blob's last. Files are written beside their place and renamed. */
#include "lake/blocks.h"

#include "base/file.h"
#include "base/mem.h"
#include "lake/bytes.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FOLDER_CAP = 3200, NAME_CAP = 200, HEAD = 16, KEPT = 24, FOLLOWED = 8, WINDOW_MOST = 8, STALE_SECONDS = 60 };

static const char magic[8] = {'T', 'A', 'R', 'N', 'B', 'L', 'K', '1'};

typedef struct kept_block {
    char name[NAME_CAP];
    uint64_t number, tick; /* tick 0: free place */
    uint8_t *bytes;
    size_t len;
    int users;
} kept_block;

/* Who reads a blob on and on. */
typedef struct reader {
    char name[NAME_CAP];
    uint64_t next, tick;
    unsigned window;
} reader;

typedef struct cache {
    const tarn_backend *origin;
    void *self;
    char folder[FOLDER_CAP];
    uint64_t most;
    atomic_uint counter;
    pthread_mutex_t lock; /* guards what follows */
    uint64_t used, tick;
    kept_block kept[KEPT];
    reader readers[FOLLOWED];
} cache;

/* ---- files ---- */

static bool path_of(const cache *c, const char *name, uint64_t number, char out[FOLDER_CAP + NAME_CAP + 40])
{
    size_t len = strlen(name);

    if (len >= NAME_CAP) return false;
    int n = snprintf(out, FOLDER_CAP + NAME_CAP + 40, "%s/", c->folder);
    for (size_t i = 0; i < len; i++) out[n++] = name[i] == '/' ? '_' : name[i];
    (void)snprintf(out + n, 40, ".%llu", (unsigned long long)number);
    return true;
}

/* The block's file into bytes (of TARN_BLOCK); false if there is none that is right. */
static bool read_file(const cache *c, const char *name, uint64_t number, uint8_t *bytes, size_t *len)
{
    char path[FOLDER_CAP + NAME_CAP + 40];
    uint8_t head[HEAD];
    bool good = false;

    if (!path_of(c, name, number, path)) return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return false;
    if (tarn_fd_read(fd, head, sizeof head, 0, path, NULL) == TARN_OK && memcmp(head, magic, sizeof magic) == 0) {
        *len = tarn_get32(head + 12);
        good = *len <= TARN_BLOCK && tarn_fd_read(fd, bytes, *len, HEAD, path, NULL) == TARN_OK &&
               tarn_crc32c(0, bytes, *len) == tarn_get32(head + 8);
    }
    if (good) (void)futimens(fd, NULL); /* used now; where that fails, it is only forgotten earlier */
    else (void)unlink(path);
    (void)close(fd);
    return good;
}

typedef struct old_file {
    char name[NAME_CAP + 40];
    struct timespec used;
    uint64_t size;
} old_file;

static int by_time(const void *a, const void *b)
{
    const struct timespec *x = &((const old_file *)a)->used, *y = &((const old_file *)b)->used;

    if (x->tv_sec != y->tv_sec) return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* All files of the folder; what dead processes left half written goes. */
static size_t look_through(const cache *c, old_file **out, uint64_t *total)
{
    DIR *dir = opendir(c->folder);
    struct dirent *e;
    struct stat st;
    size_t n = 0, cap = 0;

    *out = NULL;
    *total = 0;
    while (dir && (e = readdir(dir)) != NULL) {
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) continue;
        if (strncmp(e->d_name, "new-", 4) == 0) {
            if (time(NULL) - st.st_mtime > STALE_SECONDS) (void)unlinkat(dirfd(dir), e->d_name, 0);
            continue;
        }
        if (strlen(e->d_name) >= sizeof(*out)->name) continue;
        if (n == cap && tarn_resize(out, cap = cap ? cap * 2 : 256, sizeof **out, NULL) != TARN_OK) break;
        (*out)[n] = (old_file){.used = st.st_mtim, .size = (uint64_t)st.st_size};
        (void)strcpy((*out)[n++].name, e->d_name);
        *total += (uint64_t)st.st_size;
    }
    if (dir) (void)closedir(dir);
    return n;
}

/* Drop the oldest until four fifths of the limit are used. Under the lock. */
static void prune(cache *c)
{
    old_file *files = NULL;
    size_t n = look_through(c, &files, &c->used);
    char path[FOLDER_CAP + NAME_CAP + 64];

    if (c->used > c->most) {
        qsort(files, n, sizeof *files, by_time);
        for (size_t i = 0; i < n && c->used > c->most / 5 * 4; i++) {
            (void)snprintf(path, sizeof path, "%s/%s", c->folder, files[i].name);
            if (unlink(path) == 0) c->used -= files[i].size;
        }
    }
    tarn_free(files);
}

/* As well as it goes: a cache may miss. */
static void write_file(cache *c, const char *name, uint64_t number, const uint8_t *bytes, size_t len)
{
    char path[FOLDER_CAP + NAME_CAP + 40], fresh[FOLDER_CAP + 64];
    uint8_t head[HEAD];

    if (!path_of(c, name, number, path)) return;
    (void)snprintf(fresh, sizeof fresh, "%s/new-%ld-%u", c->folder, (long)getpid(), atomic_fetch_add(&c->counter, 1));
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return;
    memcpy(head, magic, sizeof magic);
    tarn_put32(head + 8, tarn_crc32c(0, bytes, len));
    tarn_put32(head + 12, (uint32_t)len);
    bool good = tarn_fd_write(fd, head, sizeof head, fresh, NULL) == TARN_OK &&
                tarn_fd_write(fd, bytes, len, fresh, NULL) == TARN_OK;
    (void)close(fd);
    if (!good || rename(fresh, path) != 0) (void)unlink(fresh);
    (void)pthread_mutex_lock(&c->lock);
    c->used += len + HEAD;
    if (c->used > c->most) prune(c);
    (void)pthread_mutex_unlock(&c->lock);
}

/* ---- blocks in memory ---- */

/* The block with one more user, or NULL. */
static kept_block *borrow(cache *c, const char *name, uint64_t number)
{
    kept_block *found = NULL;

    (void)pthread_mutex_lock(&c->lock);
    for (int i = 0; i < KEPT && !found; i++)
        if (c->kept[i].tick && c->kept[i].number == number && strcmp(c->kept[i].name, name) == 0) found = &c->kept[i];
    if (found) {
        found->users++;
        found->tick = ++c->tick;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return found;
}

static void give_back(cache *c, kept_block *k)
{
    (void)pthread_mutex_lock(&c->lock);
    k->users--;
    (void)pthread_mutex_unlock(&c->lock);
}

/* Keep the bytes (of tarn_alloc), which are taken over, in place of the block used longest ago. */
static void keep(cache *c, const char *name, uint64_t number, uint8_t *take_bytes, size_t len)
{
    kept_block *place = NULL;

    (void)pthread_mutex_lock(&c->lock);
    for (int i = 0; i < KEPT; i++)
        if (c->kept[i].users == 0 && (!place || c->kept[i].tick < place->tick)) place = &c->kept[i];
    if (place) {
        tarn_free(place->bytes);
        *place = (kept_block){.number = number, .tick = ++c->tick, .bytes = take_bytes, .len = len};
        (void)snprintf(place->name, sizeof place->name, "%s", name);
        take_bytes = NULL;
    }
    (void)pthread_mutex_unlock(&c->lock);
    tarn_free(take_bytes);
}

/* How many blocks to ask for: more each time somebody reads on. */
static unsigned window_for(cache *c, const char *name, uint64_t number)
{
    reader *r = NULL;

    (void)pthread_mutex_lock(&c->lock);
    for (int i = 0; i < FOLLOWED; i++)
        if (c->readers[i].tick && c->readers[i].next == number && strcmp(c->readers[i].name, name) == 0)
            r = &c->readers[i];
    unsigned window = r ? r->window * 2 : 1;
    if (window > WINDOW_MOST) window = WINDOW_MOST;
    for (int i = 0; i < FOLLOWED && (!r || r->next != number); i++)
        if (!r || c->readers[i].tick < r->tick) r = &c->readers[i];
    *r = (reader){.next = number + window, .tick = ++c->tick, .window = window};
    (void)snprintf(r->name, sizeof r->name, "%s", name);
    (void)pthread_mutex_unlock(&c->lock);
    return window;
}

/* ---- reading ---- */

/* Ask the store for the block and perhaps some behind it; the first is kept in memory, all as files. */
static tarn_code fetch(cache *c, const char *name, uint64_t number, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    unsigned window = window_for(c, name, number);
    uint8_t *bytes = NULL, *first = NULL;
    size_t got = 0;

    TARN_TRY(tarn_alloc(&bytes, (size_t)window * TARN_BLOCK, 1, err));
    TARN_TRY(c->origin->get_some(c->self, name, number * TARN_BLOCK, (size_t)window * TARN_BLOCK, bytes, &got, err));
    for (size_t at = 0, i = 0; at < got; at += TARN_BLOCK, i++)
        write_file(c, name, number + i, bytes + at, got - at < TARN_BLOCK ? got - at : TARN_BLOCK);
    size_t len = got < TARN_BLOCK ? got : TARN_BLOCK;
    TARN_TRY(tarn_alloc(&first, len, 1, err));
    memcpy(first, bytes, len);
    keep(c, name, number, first, len);
done:
    tarn_free(bytes);
    return rc;
}

static tarn_code from_file(cache *c, const char *name, uint64_t number, bool *found, tarn_err *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    tarn_code rc = tarn_alloc(&bytes, TARN_BLOCK, 1, err);

    if (rc != TARN_OK) return rc;
    *found = read_file(c, name, number, bytes, &len);
    if (*found) keep(c, name, number, bytes, len);
    else tarn_free(bytes);
    return TARN_OK;
}

/* *got bytes of the block from `from` on, at most len; fewer only at the blob's end. */
static tarn_code take(cache *c, const char *name, uint64_t number, size_t from, size_t len, void *out, size_t *got,
                      tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool found = false;
    kept_block *k = borrow(c, name, number);

    if (!k) {
        TARN_TRY(from_file(c, name, number, &found, err));
        if (!found) TARN_TRY(fetch(c, name, number, err));
        k = borrow(c, name, number);
    }
    if (!k) return c->origin->get_some(c->self, name, number * TARN_BLOCK + from, len, out, got, err); /* all in use */
    *got = k->len > from ? k->len - from : 0;
    if (*got > len) *got = len;
    if (*got > 0) memcpy(out, k->bytes + from, *got);
    give_back(c, k);
done:
    return rc;
}

static tarn_code get(void *self, const char *name, uint64_t at, size_t len, void *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t *to = out;

    while (len > 0) {
        size_t from = (size_t)(at % TARN_BLOCK), want = TARN_BLOCK - from < len ? TARN_BLOCK - from : len, got = 0;
        TARN_TRY(take(self, name, at / TARN_BLOCK, from, want, to, &got, err));
        if (got < want)
            return TARN_FAIL(err, TARN_CORRUPT, "'%s' ends early: it has no byte %llu", name,
                             (unsigned long long)(at + want - 1));
        at += want;
        to += want;
        len -= want;
    }
done:
    return rc;
}

/* ---- the rest of the contract ---- */

static tarn_code put(void *self, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    cache *c = self;
    const uint8_t *from = bytes;
    tarn_code rc = c->origin->put(c->self, name, bytes, len, err);

    if (rc != TARN_OK || strncmp(name, "packs/", 6) != 0) return rc;
    for (size_t at = 0, i = 0; at < len; at += TARN_BLOCK, i++) /* what was just written is read first */
        write_file(c, name, i, from + at, len - at < TARN_BLOCK ? len - at : TARN_BLOCK);
    return TARN_OK;
}

static tarn_code get_some(void *self, const char *name, uint64_t at, size_t len, void *out, size_t *got, tarn_err *err)
{
    cache *c = self;
    return c->origin->get_some(c->self, name, at, len, out, got, err);
}

static tarn_code size(void *self, const char *name, uint64_t *out, tarn_err *err)
{
    cache *c = self;
    return c->origin->size(c->self, name, out, err);
}

static tarn_code list(void *self, const char *prefix,
                      tarn_code (*fn)(void *arg, const char *name, uint64_t bytes, tarn_err *err), void *arg,
                      tarn_err *err)
{
    cache *c = self;
    return c->origin->list(c->self, prefix, fn, arg, err);
}

static tarn_code drop(void *self, const char *name, tarn_err *err)
{
    cache *c = self;
    char path[FOLDER_CAP + NAME_CAP + 40];
    tarn_code rc = c->origin->remove(c->self, name, err);

    (void)pthread_mutex_lock(&c->lock);
    for (int i = 0; i < KEPT; i++)
        if (c->kept[i].users == 0 && strcmp(c->kept[i].name, name) == 0) c->kept[i].tick = 0;
    (void)pthread_mutex_unlock(&c->lock);
    for (uint64_t i = 0; i < 64; i++)
        if (path_of(c, name, i, path)) (void)unlink(path); /* most are not there */
    return rc;
}

static void close_cache(void *self)
{
    cache *c = self;

    if (!c) return;
    c->origin->close(c->self);
    for (int i = 0; i < KEPT; i++) tarn_free(c->kept[i].bytes);
    (void)pthread_mutex_destroy(&c->lock);
    tarn_free(c);
}

tarn_code tarn_blocks_open(const char *folder, uint64_t most, const tarn_backend *origin, void *origin_self,
                           void **self, tarn_err *err)
{
    cache *c = NULL;
    tarn_code rc = TARN_OK;

    if (strlen(folder) >= sizeof c->folder) return TARN_FAIL(err, TARN_LIMIT, "the path of the cache is too long");
    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    (void)strcpy(c->folder, folder);
    c->origin = origin;
    c->self = origin_self;
    c->most = most;
    (void)pthread_mutex_init(&c->lock, NULL);
    if (tarn_dir_make(folder, NULL) == TARN_OK) prune(c); /* else nothing is kept */
    *self = c;
done:
    return rc;
}

const tarn_backend tarn_blocks_backend = {
    .name = "blocks",
    .title = "A cache in front of a remote store",
    .remote = true,
    .close = close_cache,
    .put = put,
    .get = get,
    .get_some = get_some,
    .size = size,
    .list = list,
    .remove = drop,
};
