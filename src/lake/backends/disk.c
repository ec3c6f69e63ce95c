/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - blobs as files of a folder.
 *
 * put: a file in <root>/tmp, locked while it is written; rename to its name; sync of file and folder at once. So after
 * a loss of power there may be a file that is not whole; nobody names it, since nobody was told that it is there. A
 * file that replaces one, or that came early, is synced before it is renamed. What comes early is written to its file
 * at once, and the kernel asked to begin with it. Opening removes what dead processes left in tmp: files that nobody
 * has locked and that are over a minute old.
 *
 * get keeps the files used last open: blobs never change, so a descriptor stays right even if the name is gone. */
#include "lake/backend.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_CAP = 4096, NAME_CAP = 200, KEPT = 64, STALE_SECONDS = 60 };

typedef struct kept_file {
    char name[NAME_CAP];
    int fd, users;
    uint64_t tick; /* 0: free place */
} kept_file;

typedef struct disk {
    char root[PATH_CAP - NAME_CAP - 64];
    atomic_uint counter;
    pthread_mutex_t lock; /* guards the kept files */
    kept_file kept[KEPT];
    uint64_t tick;
} disk;

static bool name_ok(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len >= NAME_CAP || name[0] == '/' || strstr(name, "..")) return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789/.-") == len;
}

static tarn_code path_of(const disk *d, const char *name, char out[PATH_CAP], tarn_err *err)
{
    if (!name_ok(name)) return TARN_FAIL(err, TARN_INVALID, "'%.100s' cannot name a blob", name);
    return tarn_path_join(out, PATH_CAP, d->root, name, err);
}

/* ---- stale temporary files ---- */

static void drop_if_stale(int dir, const char *name)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > STALE_SECONDS &&
        flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlinkat(dir, name, 0); /* a leftover costs only space */
    (void)close(fd);
}

static void drop_stale(const char *root)
{
    char path[PATH_CAP];
    struct dirent *e;

    if (tarn_path_join(path, sizeof path, root, "tmp", NULL) != TARN_OK) return;
    DIR *dir = opendir(path);
    if (!dir) return;
    while ((e = readdir(dir)) != NULL)
        if (e->d_name[0] != '.') drop_if_stale(dirfd(dir), e->d_name);
    (void)closedir(dir);
}

static tarn_code open_disk(const char *url, void **self, tarn_err *err)
{
    disk *d = NULL;
    size_t len = strlen(url);

    if (!tarn_path_is_dir(url)) return TARN_FAIL(err, TARN_NOT_FOUND, "folder '%s' of packs is not there", url);
    if (len >= sizeof d->root) return TARN_FAIL(err, TARN_LIMIT, "the path of the lake is too long (%zu bytes)", len);
    tarn_code rc = tarn_alloc(&d, 1, sizeof *d, err);
    if (rc != TARN_OK) return rc;
    memcpy(d->root, url, len + 1);
    (void)pthread_mutex_init(&d->lock, NULL);
    drop_stale(d->root);
    *self = d;
    return TARN_OK;
}

static void close_disk(void *self)
{
    disk *d = self;

    if (!d) return;
    for (int i = 0; i < KEPT; i++)
        if (d->kept[i].tick) (void)close(d->kept[i].fd);
    (void)pthread_mutex_destroy(&d->lock);
    tarn_free(d);
}

/* ---- put ---- */

static tarn_code write_all(int fd, const uint8_t *at, size_t len, const char *name, tarn_err *err)
{
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EFBIG)
            return TARN_FAIL(err, TARN_FULL, "%s would be larger than files may be here (see ulimit -f)", name);
        if (n < 0) return TARN_FAIL_ERRNO(err, "write", name);
        at += n;
        len -= (size_t)n;
    }
    return TARN_OK;
}

static tarn_code create_temporary(disk *d, char path[PATH_CAP], int *fd, tarn_err *err)
{
    char folder[PATH_CAP];
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_path_join(folder, sizeof folder, d->root, "tmp", err));
    TARN_TRY(tarn_dir_make(folder, err));
    for (int attempt = 0; attempt < 1000; attempt++) { /* other handles of this process count for themselves */
        (void)snprintf(path, PATH_CAP, "%s/tmp/%ld-%u", d->root, (long)getpid(), atomic_fetch_add(&d->counter, 1));
        *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
        if (*fd >= 0 || errno != EEXIST) break;
    }
    if (*fd < 0) return TARN_FAIL_ERRNO(err, "create", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0 && errno != ENOLCK) rc = TARN_FAIL_ERRNO(err, "lock", path);
done:
    return rc;
}

static tarn_code sync_folder_of(const char *path, tarn_err *err)
{
    char folder[PATH_CAP];
    size_t len = (size_t)(strrchr(path, '/') - path);

    memcpy(folder, path, len);
    folder[len] = '\0';
    return tarn_dir_sync(folder, err);
}

static tarn_code make_folder_of(const char *path, tarn_err *err)
{
    char folder[PATH_CAP];
    size_t len = (size_t)(strrchr(path, '/') - path);

    memcpy(folder, path, len);
    folder[len] = '\0';
    return tarn_path_is_dir(folder) ? TARN_OK : tarn_dir_make(folder, err);
}

/* The file of that name is another one from now on: an open descriptor is not used any more. */
static void forget(disk *d, const char *name)
{
    (void)pthread_mutex_lock(&d->lock);
    for (int i = 0; i < KEPT; i++)
        if (d->kept[i].tick && strcmp(d->kept[i].name, name) == 0) d->kept[i].name[0] = '\0';
    (void)pthread_mutex_unlock(&d->lock);
}

/* A blob that has its name but is not durable yet. Nobody relies on it before. */
typedef struct unsynced {
    char path[PATH_CAP];
    int fd;
    bool by_threads;
    pthread_t file, folder;
    tarn_code file_rc, folder_rc;
    tarn_err file_err, folder_err;
} unsynced;

static void *sync_file(void *arg)
{
    unsynced *u = arg;

    u->file_rc = tarn_fd_sync(u->fd, strrchr(u->path, '/') + 1, &u->file_err);
    return NULL;
}

static void *sync_folder(void *arg)
{
    unsynced *u = arg;

    u->folder_rc = sync_folder_of(u->path, &u->folder_err);
    return NULL;
}

/* Both syncs at once: a disk takes about as long for two as for one. Without threads they wait for put_end. */
static void start_syncs(unsynced *u)
{
    if (pthread_create(&u->file, NULL, sync_file, u) != 0) return;
    u->by_threads = pthread_create(&u->folder, NULL, sync_folder, u) == 0;
    if (!u->by_threads) (void)pthread_join(u->file, NULL);
}

static tarn_code put_end(void *self, void *rest, tarn_err *err)
{
    unsynced *u = rest;
    tarn_code rc = TARN_OK;

    (void)self;
    if (!u) return TARN_OK;
    if (u->by_threads) {
        (void)pthread_join(u->file, NULL);
        (void)pthread_join(u->folder, NULL);
    } else {
        (void)sync_file(u);
        (void)sync_folder(u);
    }
    rc = u->file_rc != TARN_OK ? u->file_rc : u->folder_rc;
    if (rc != TARN_OK && err) *err = u->file_rc != TARN_OK ? u->file_err : u->folder_err;
    (void)close(u->fd);
    tarn_free(u);
    return rc;
}

/* Where the name is taken (or the file system cannot tell): what is there may be relied on already, so what replaces it
 * is synced first. */
static tarn_code replace(disk *d, int fd, const char *temporary, const char *path, const char *name, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_fd_sync(fd, name, err));
    if (rename(temporary, path) != 0) return TARN_FAIL_ERRNO(err, "rename into", path);
    forget(d, name);
    TARN_TRY(sync_folder_of(path, err));
done:
    return rc;
}

static tarn_code put_begin(void *self, const char *name, const void *bytes, size_t len, void **rest, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    disk *d = self;
    char temporary[PATH_CAP] = "";
    unsynced *u = NULL;
    int fd = -1;

    *rest = NULL;
    TARN_TRY(tarn_alloc(&u, 1, sizeof *u, err));
    TARN_TRY(path_of(d, name, u->path, err));
    TARN_TRY(make_folder_of(u->path, err));
    TARN_TRY(create_temporary(d, temporary, &fd, err));
    TARN_TRY(write_all(fd, bytes, len, name, err));
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, u->path, RENAME_NOREPLACE) != 0) {
        TARN_TRY(replace(d, fd, temporary, u->path, name, err));
        temporary[0] = '\0';
        goto done;
    }
    temporary[0] = '\0';
    u->fd = fd;
    fd = -1;
    start_syncs(u);
    *rest = u;
    u = NULL;
done:
    if (fd >= 0 && temporary[0]) (void)unlink(temporary);
    if (fd >= 0) (void)close(fd);
    tarn_free(u);
    return rc;
}

/* A file in tmp that is being written. */
typedef struct draft {
    char path[PATH_CAP];
    int fd;
    uint64_t len;
} draft;

/* Without a name it is nothing. */
static void drop_draft(void **p)
{
    draft *w = *p;

    if (!w) return;
    if (w->fd >= 0 && w->path[0]) (void)unlink(w->path);
    if (w->fd >= 0) (void)close(w->fd);
    tarn_free(w);
    *p = NULL;
}

static tarn_code start_draft(disk *d, void **p, tarn_err *err)
{
    draft *w = NULL;
    tarn_code rc = tarn_alloc(&w, 1, sizeof *w, err);

    if (rc != TARN_OK) return rc;
    *p = w;
    w->fd = -1;
    rc = create_temporary(d, w->path, &w->fd, err);
    if (rc != TARN_OK) drop_draft(p);
    return rc;
}

static tarn_code early(void *self, void **p, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (!bytes) {
        drop_draft(p);
        return TARN_OK;
    }
    if (!*p) TARN_TRY(start_draft(self, p, err));
    draft *w = *p;
    TARN_TRY(write_all(w->fd, bytes, len, w->path, err));
    (void)sync_file_range(w->fd, (off_t)w->len, (off_t)len, SYNC_FILE_RANGE_WRITE); /* a wish: the sync comes later */
    w->len += len;
done:
    return rc;
}

static tarn_code finish(void *self, void **p, const char *name, const void *rest, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    disk *d = self;
    char path[PATH_CAP];

    TARN_TRY(path_of(d, name, path, err));
    TARN_TRY(make_folder_of(path, err));
    if (!*p) TARN_TRY(start_draft(d, p, err));
    draft *w = *p;
    TARN_TRY(write_all(w->fd, rest, len, name, err));
    TARN_TRY(tarn_fd_sync(w->fd, name, err));
    if (rename(w->path, path) != 0) {
        rc = TARN_FAIL_ERRNO(err, "rename into", path);
        goto done;
    }
    w->path[0] = '\0';
    forget(d, name);
    TARN_TRY(sync_folder_of(path, err));
done:
    drop_draft(p);
    return rc;
}

static tarn_code put(void *self, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    void *rest = NULL;
    tarn_code rc = put_begin(self, name, bytes, len, &rest, err);

    return rc == TARN_OK ? put_end(self, rest, err) : rc;
}

/* ---- get ---- */

/* The place of an open file of that name with one more user, or NULL: all places are in use. */
static tarn_code borrow(disk *d, const char *name, kept_file **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    kept_file *place = NULL;
    char path[PATH_CAP];

    *out = NULL;
    (void)pthread_mutex_lock(&d->lock);
    for (int i = 0; i < KEPT; i++) {
        kept_file *k = &d->kept[i];
        if (k->tick && strcmp(k->name, name) == 0) {
            place = k;
            goto done;
        }
    }
    for (int i = 0; i < KEPT; i++)
        if (d->kept[i].users == 0 && (!place || d->kept[i].tick < place->tick)) place = &d->kept[i];
    TARN_TRY(path_of(d, name, path, err));
    if (!place) goto done;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        rc = TARN_FAIL_ERRNO(err, "open", path);
        place = NULL;
        goto done;
    }
    if (place->tick) (void)close(place->fd);
    (void)strcpy(place->name, name);
    place->fd = fd;
done:
    if (place) {
        place->users++;
        place->tick = ++d->tick;
        *out = place;
    }
    (void)pthread_mutex_unlock(&d->lock);
    return rc;
}

static tarn_code get(void *self, const char *name, uint64_t at, size_t len, void *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    disk *d = self;
    kept_file *k = NULL;
    char path[PATH_CAP];
    int fd = -1;

    TARN_TRY(borrow(d, name, &k, err));
    if (!k) {
        TARN_TRY(path_of(d, name, path, err));
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return TARN_FAIL_ERRNO(err, "open", path);
    }
    TARN_TRY(tarn_fd_read(k ? k->fd : fd, out, len, at, name, err));
done:
    if (k) {
        (void)pthread_mutex_lock(&d->lock);
        k->users--;
        (void)pthread_mutex_unlock(&d->lock);
    }
    if (fd >= 0) (void)close(fd);
    return rc;
}

static tarn_code size(void *self, const char *name, uint64_t *out, tarn_err *err)
{
    char path[PATH_CAP];
    struct stat st;
    tarn_code rc = path_of(self, name, path, err);

    if (rc != TARN_OK) return rc;
    if (stat(path, &st) != 0) return TARN_FAIL_ERRNO(err, "look at", path);
    if (!S_ISREG(st.st_mode)) return TARN_FAIL(err, TARN_CORRUPT, "'%s' is not a regular file", path);
    *out = (uint64_t)st.st_size;
    return TARN_OK;
}

/* prefix is "folder/beginning": only that folder is read. */
static tarn_code list(void *self, const char *prefix,
                      tarn_code (*fn)(void *arg, const char *name, uint64_t bytes, tarn_err *err), void *arg,
                      tarn_err *err)
{
    tarn_code rc = TARN_OK;
    disk *d = self;
    char folder[PATH_CAP], name[PATH_CAP + 260];
    const char *slash = strrchr(prefix, '/');
    int folder_len = slash ? (int)(slash - prefix) : 0;
    struct dirent *e;
    struct stat st;

    (void)snprintf(folder, sizeof folder, "%s/%.*s", d->root, folder_len < NAME_CAP ? folder_len : NAME_CAP, prefix);
    DIR *dir = opendir(folder);
    if (!dir) return errno == ENOENT ? TARN_OK : TARN_FAIL_ERRNO(err, "read folder", folder);
    while ((e = readdir(dir)) != NULL) {
        (void)snprintf(name, sizeof name, "%.*s%s%s", folder_len, prefix, folder_len ? "/" : "", e->d_name);
        if (e->d_name[0] == '.' || strncmp(name, prefix, strlen(prefix)) != 0) continue;
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            TARN_TRY(fn(arg, name, (uint64_t)st.st_size, err));
    }
done:
    (void)closedir(dir);
    return rc;
}

static tarn_code drop(void *self, const char *name, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[PATH_CAP];

    TARN_TRY(path_of(self, name, path, err));
    if (unlink(path) != 0) return TARN_FAIL_ERRNO(err, "remove", path);
    forget(self, name);
    TARN_TRY(sync_folder_of(path, err));
done:
    return rc;
}

extern const tarn_backend tarn_backend_disk;
const tarn_backend tarn_backend_disk = {
    .name = "disk",
    .title = "A folder on a local or network disk",
    .open = open_disk,
    .close = close_disk,
    .put = put,
    .put_begin = put_begin,
    .put_end = put_end,
    .early = early,
    .finish = finish,
    .get = get,
    .size = size,
    .list = list,
    .remove = drop,
};
