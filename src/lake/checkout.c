/* SPDX-License-Identifier: Apache-2.0 */
/* checkout.c - files of a commit into a folder.
 *
 * Paths in a tree are checked when it is read, so none can climb out; on the way down no symbolic link is
 * followed, so none that lies in the folder can lead out either. A file appears whole: it is written under
 * another name, or where the file system can do that without one, so that a killed process leaves nothing; its hash is
 * checked, and it is linked or renamed. All files are looked at before the first is written.
 *
 * A path into a folder .tarn is refused: whoever may write to a branch could otherwise change the lake of those who
 * check it out over their project. So is a commit with both `a` and `a/b`, which a store of objects can hold and a
 * folder cannot. */
#include "lake/inside.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct checkout {
    tarn_lake *lake;
    tarn_pool *pool;
    const tarn_id *commit;
    const char *prefix, *folder;
    char folder_seen[1025]; /* in the commit: the last that is known to be no file, nor those above it */
    int root;
    bool force, writing;
    int64_t files, total;
    const tarn_sink *sink;
    tarn_code stopped; /* a listing ends well when it is cancelled: this remembers */
} checkout;

static bool wanted(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    if (len == 0) return true;
    if (strncmp(path, prefix, len) != 0) return false;
    return prefix[len - 1] == '/' || path[len] == '\0' || path[len] == '/';
}

static tarn_code refuse_inside(const char *path, tarn_err *err)
{
    static const char own[] = ".tarn";

    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        size_t len = strcspn(part, "/");
        if (len == sizeof own - 1 && strncasecmp(part, own, len) == 0)
            return TARN_FAIL(
                err, TARN_DENIED,
                "'%.200s' would be written inside of a lake, so nothing was; 'tarn lake rm' takes it out of "
                "the branch, --prefix checks out another part",
                path);
    }
    return TARN_OK;
}

/* Paths come in the order of their bytes, so a file comes before what is below it, but not always just before. */
static tarn_code refuse_below_file(checkout *c, const char *path, tarn_err *err)
{
    char above[1025];
    tarn_entry file;

    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path);
        bool known = strncmp(c->folder_seen, path, len) == 0 && (c->folder_seen[len] == '/' || !c->folder_seen[len]);
        (void)snprintf(above, sizeof above, "%.*s", (int)len, path);
        if (known || !wanted(above, c->prefix)) continue;
        tarn_code rc = tarn_lake_lookup(c->lake, c->commit, above, &file, err);
        if (rc == TARN_OK)
            return TARN_FAIL(
                err, TARN_CONFLICT,
                "the commit has '%.200s' and '%.200s', and a folder cannot hold both: remove one of them, or "
                "check out a part with --prefix",
                above, path);
        if (rc != TARN_NOT_FOUND) return rc;
    }
    const char *end = strrchr(path, '/');
    if (end) (void)snprintf(c->folder_seen, sizeof c->folder_seen, "%.*s", (int)(end - path), path);
    return TARN_OK;
}

/* Into the folder `part` of fd, which is closed. *fd -1: it is not there (and not to be made). */
static tarn_code descend(const checkout *c, int *fd, const char *part, tarn_err *err)
{
    int up = *fd;

    *fd = openat(up, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT && c->writing) {
        if (mkdirat(up, part, 0777) == 0 || errno == EEXIST)
            *fd = openat(up, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    int why = errno;
    (void)close(up);
    if (*fd >= 0 || (why == ENOENT && !c->writing)) return TARN_OK;
    if (why == ENOTDIR || why == ELOOP)
        return TARN_FAIL(err, TARN_CONFLICT,
                         "'%.200s' in '%.200s' is not a folder (links are not followed); move it away", part,
                         c->folder);
    errno = why;
    return TARN_FAIL_ERRNO(err, "open folder", part);
}

/* The folder that is to hold the path's file, and the file's name. *fd -1: not there. */
static tarn_code open_parent(const checkout *c, const char *path, int *fd, const char **name, tarn_err *err)
{
    char part[1025];
    const char *slash;

    *fd = fcntl(c->root, F_DUPFD_CLOEXEC, 0);
    if (*fd < 0) return TARN_FAIL_ERRNO(err, "open folder", c->folder);
    for (; (slash = strchr(path, '/')) != NULL && *fd >= 0; path = slash + 1) {
        memcpy(part, path, (size_t)(slash - path));
        part[slash - path] = '\0';
        tarn_code rc = descend(c, fd, part, err);
        if (rc != TARN_OK) return rc;
    }
    *name = path;
    return TARN_OK;
}

static tarn_code hash_file(int fd, const char *path, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hasher *h = NULL;
    char buffer[16384];
    ssize_t n;

    TARN_TRY(tarn_hasher_new(&h, err));
    while ((n = read(fd, buffer, sizeof buffer)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            rc = TARN_FAIL_ERRNO(err, "read", path);
            goto done;
        }
        TARN_TRY(tarn_hasher_add(h, buffer, (size_t)n, err));
    }
    TARN_TRY(tarn_hasher_end(h, out, err));
done:
    tarn_hasher_free(h);
    return rc;
}

/* Is the file there with this content? TARN_CONFLICT if something else is and may not be replaced. */
static tarn_code look(const checkout *c, int dir, const char *name, const tarn_entry *e, bool *same, tarn_err *err)
{
    struct stat st;
    tarn_id id = {{0}};
    tarn_code rc = TARN_OK;

    *same = false;
    if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return TARN_OK;
    if (S_ISDIR(st.st_mode)) return TARN_FAIL(err, TARN_CONFLICT, "'%.300s' is a folder there; move it away", e->path);
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == e->object.size) {
        int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) return TARN_FAIL_ERRNO(err, "open", e->path);
        rc = hash_file(fd, e->path, &id, err);
        (void)close(fd);
    }
    *same = tarn_id_equal(&id, &e->object.id);
    if (rc == TARN_OK && !*same && !c->force)
        rc = TARN_FAIL(err, TARN_CONFLICT, "'%.300s' is there and differs; it is only overwritten with --force",
                       e->path);
    return rc;
}

typedef struct writing {
    int fd;
    bool nameless; /* the file has no name yet; else it is called `temporary` */
    const char *path;
    char temporary[64], self[64]; /* self: what a nameless file can be linked by */
    tarn_hasher *hasher;
} writing;

static tarn_code write_some(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    writing *w = arg;
    tarn_code rc = tarn_fd_write(w->fd, bytes, len, w->path, err);
    return rc == TARN_OK ? tarn_hasher_add(w->hasher, bytes, len, err) : rc;
}

static tarn_code create(writing *w, int dir, tarn_err *err)
{
    (void)snprintf(w->temporary, sizeof w->temporary, TARN_CHECKOUT_TEMPORARY "%ld", (long)getpid());
    (void)unlinkat(dir, w->temporary, 0); /* of a dead process that had our number */
    w->fd = openat(dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
    (void)snprintf(w->self, sizeof w->self, "/proc/self/fd/%d", w->fd);
    w->nameless = w->fd >= 0 && access(w->self, F_OK) == 0;
    if (w->nameless) return TARN_OK;
    if (w->fd >= 0) (void)close(w->fd);
    w->fd = openat(dir, w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    return w->fd < 0 ? TARN_FAIL_ERRNO(err, "create", w->path) : TARN_OK;
}

/* A file that is there is replaced in one step, by renaming over it. */
static tarn_code give_name(writing *w, int dir, const char *name, tarn_err *err)
{
    if (w->nameless) {
        if (linkat(AT_FDCWD, w->self, dir, name, AT_SYMLINK_FOLLOW) == 0) return TARN_OK;
        if (errno != EEXIST || linkat(AT_FDCWD, w->self, dir, w->temporary, AT_SYMLINK_FOLLOW) != 0)
            return TARN_FAIL_ERRNO(err, "link", w->path);
        w->nameless = false;
    }
    return renameat(dir, w->temporary, dir, name) == 0 ? TARN_OK : TARN_FAIL_ERRNO(err, "rename into", w->path);
}

static tarn_code write_file(const checkout *c, int dir, const char *name, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    writing w = {.fd = -1, .path = e->path};
    tarn_id id;

    TARN_TRY(create(&w, dir, err));
    TARN_TRY(tarn_hasher_new(&w.hasher, err));
    TARN_TRY(tarn_lake_read_by(c->lake, c->pool, &e->object.id, 0, UINT64_MAX, write_some, &w, err));
    TARN_TRY(tarn_hasher_end(w.hasher, &id, err));
    if (!tarn_id_equal(&id, &e->object.id)) {
        rc = TARN_FAIL(err, TARN_CORRUPT, "bytes do not match their name");
        goto done;
    }
    TARN_TRY(give_name(&w, dir, name, err));
done:
    tarn_hasher_free(w.hasher);
    if (w.fd >= 0) (void)close(w.fd);
    if (rc != TARN_OK) {
        if (!w.nameless) (void)unlinkat(dir, w.temporary, 0);
        tarn_err_note(err, "'%.300s'", e->path);
    }
    return rc;
}

/* Called for each path twice: to look at all, then to write all. */
static tarn_code one_path(void *arg, const tarn_entry *e, tarn_err *err)
{
    checkout *c = arg;
    tarn_code rc = TARN_OK;
    const char *name = NULL;
    int dir = -1;
    bool same = false;

    if (!wanted(e->path, c->prefix)) return TARN_OK;
    c->stopped = tarn_cancel_check(c->sink, err);
    if (c->stopped != TARN_OK) return c->stopped;
    if (!c->writing) {
        TARN_TRY(refuse_inside(e->path, err));
        TARN_TRY(refuse_below_file(c, e->path, err));
    }
    TARN_TRY(open_parent(c, e->path, &dir, &name, err));
    TARN_TRY(look(c, dir, name, e, &same, err));
    if (!c->writing) c->total++;
    if (!c->writing) goto done;
    if (!same) TARN_TRY(write_file(c, dir, name, e, err));
    c->files++;
    tarn_progress(c->sink, "checkout", c->files, c->total, "files");
done:
    if (dir >= 0) (void)close(dir);
    return rc;
}

tarn_code tarn_lake_checkout(tarn_lake *lake, const tarn_id *commit, const char *prefix, const char *folder, bool force,
                             int64_t *files, const tarn_sink *sink, tarn_err *err)
{
    return tarn_lake_checkout_by(lake, NULL, commit, prefix, folder, force, files, sink, err);
}

tarn_code tarn_lake_checkout_by(tarn_lake *lake, tarn_pool *pool, const tarn_id *commit, const char *prefix,
                                const char *folder, bool force, int64_t *files, const tarn_sink *sink, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    checkout c = {.lake = lake,
                  .pool = pool,
                  .commit = commit,
                  .prefix = prefix ? prefix : "",
                  .folder = folder,
                  .root = -1,
                  .force = force,
                  .sink = sink};

    TARN_TRY(tarn_dir_make(folder, err));
    c.root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c.root < 0) return TARN_FAIL_ERRNO(err, "open folder", folder);
    TARN_TRY(tarn_lake_list(lake, commit, c.prefix, "", 0, one_path, &c, err));
    TARN_TRY(c.stopped);
    if (c.total == 0 && *c.prefix) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "the commit has no path '%.300s'", c.prefix);
        goto done;
    }
    c.writing = true;
    TARN_TRY(tarn_lake_list(lake, commit, c.prefix, "", 0, one_path, &c, err));
    TARN_TRY(c.stopped);
done:
    if (files) *files = c.files;
    if (c.root >= 0) (void)close(c.root);
    return rc;
}
