/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - crash-safe writing, mapping and reading. See file.h. */
#include "base/file.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_BUFFER = 1 << 16, PATH_CAP = 4096 };

struct tarn_file {
    int fd;
    bool committed, broken; /* broken: bytes are missing, so it must never be committed */
    size_t used;
    char path[PATH_CAP], temporary[PATH_CAP + 48];
    unsigned char buffer[WRITE_BUFFER];
};

tarn_code tarn_fd_write(int fd, const void *bytes, size_t len, const char *path, tarn_err *err)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return TARN_FAIL_ERRNO(err, "write", path);
        at += n;
        len -= (size_t)n;
    }
    return TARN_OK;
}

tarn_code tarn_fd_read(int fd, void *bytes, size_t len, uint64_t at, const char *path, tarn_err *err)
{
    char *to = bytes;

    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return TARN_FAIL_ERRNO(err, "read", path);
        if (n == 0) return TARN_FAIL(err, TARN_CORRUPT, "'%s' ends early, at byte %llu", path, (unsigned long long)at);
        to += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return TARN_OK;
}

tarn_code tarn_fd_sync(int fd, const char *path, tarn_err *err)
{
    if (fdatasync(fd) != 0) return TARN_FAIL_ERRNO(err, "sync", path);
    return TARN_OK;
}

tarn_code tarn_dir_sync(const char *dir, tarn_err *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) return TARN_FAIL_ERRNO(err, "open", dir);
    tarn_code rc = fsync(fd) == 0 ? TARN_OK : TARN_FAIL_ERRNO(err, "sync", dir);
    (void)close(fd);
    return rc;
}

/* The folder of path: "a/b" -> "a", "b" -> ".", "/b" -> "/". */
static void folder_of(const char *path, char out[PATH_CAP])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;

    if (!slash) {
        memcpy(out, ".", 2);
    } else if (len == 0) {
        memcpy(out, "/", 2);
    } else {
        memcpy(out, path, len);
        out[len] = '\0';
    }
}

tarn_code tarn_file_create(const char *path, tarn_file **out, tarn_err *err)
{
    static atomic_uint counter;
    tarn_code rc = TARN_OK;
    tarn_file *f = NULL;

    *out = NULL;
    if (strlen(path) >= PATH_CAP) return TARN_FAIL(err, TARN_LIMIT, "path of %zu bytes is too long", strlen(path));
    TARN_TRY(tarn_alloc(&f, 1, sizeof *f, err));
    (void)strcpy(f->path, path);
    /* A number may be taken: a killed process had ours, as happens in containers, and left its file behind. */
    for (int tries = 0; tries < 1000; tries++) {
        (void)snprintf(f->temporary, sizeof f->temporary, "%s.tmp-%ld-%u", path, (long)getpid(),
                       atomic_fetch_add(&counter, 1));
        f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (f->fd >= 0 || errno != EEXIST) break;
    }
    if (f->fd < 0) {
        rc = TARN_FAIL_ERRNO(err, "create", f->path);
        tarn_free(f);
        f = NULL;
        goto done;
    }
    *out = f;
done:
    return rc;
}

static tarn_code flush_buffer(tarn_file *f, tarn_err *err)
{
    tarn_code rc = tarn_fd_write(f->fd, f->buffer, f->used, f->path, err);
    f->used = 0;
    if (rc != TARN_OK) f->broken = true;
    return rc;
}

tarn_code tarn_file_write(tarn_file *f, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (len > WRITE_BUFFER - f->used) TARN_TRY(flush_buffer(f, err));
    if (len >= WRITE_BUFFER) {
        rc = tarn_fd_write(f->fd, bytes, len, f->path, err);
        if (rc != TARN_OK) f->broken = true;
        return rc;
    }
    if (len > 0) memcpy(f->buffer + f->used, bytes, len);
    f->used += len;
done:
    return rc;
}

tarn_code tarn_file_commit(tarn_file *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char folder[PATH_CAP];

    if (f->broken) return TARN_FAIL(err, TARN_IO, "'%s' is not replaced: an earlier write to it failed", f->path);
    TARN_TRY(flush_buffer(f, err));
    rc = tarn_fd_sync(f->fd, f->path, err);
    f->broken = rc != TARN_OK; /* a second sync might succeed without the bytes */
    if (rc != TARN_OK) goto done;
    if (rename(f->temporary, f->path) != 0) return TARN_FAIL_ERRNO(err, "rename into", f->path);
    f->committed = true;
    folder_of(f->path, folder);
    TARN_TRY(tarn_dir_sync(folder, err));
done:
    return rc;
}

void tarn_file_close(tarn_file *f)
{
    if (!f) return;
    (void)close(f->fd);
    if (!f->committed) (void)unlink(f->temporary);
    tarn_free(f);
}

tarn_code tarn_file_save(const char *path, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_file *f = NULL;

    TARN_TRY(tarn_file_create(path, &f, err));
    TARN_TRY(tarn_file_write(f, bytes, len, err));
    TARN_TRY(tarn_file_commit(f, err));
done:
    tarn_file_close(f);
    return rc;
}

/* Open a regular file and say how long it is. */
static tarn_code open_regular(const char *path, int *fd, size_t *len, tarn_err *err)
{
    struct stat st;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return TARN_FAIL_ERRNO(err, "open", path);
    tarn_code rc = TARN_OK;
    if (fstat(*fd, &st) != 0) rc = TARN_FAIL_ERRNO(err, "look at", path);
    else if (!S_ISREG(st.st_mode)) rc = TARN_FAIL(err, TARN_INVALID, "'%s' is not a regular file", path);
    if (rc != TARN_OK) {
        (void)close(*fd);
        *fd = -1;
        return rc;
    }
    *len = (size_t)st.st_size;
    return TARN_OK;
}

tarn_code tarn_file_read(const char *path, size_t most, char **out, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *bytes = NULL;
    int fd = -1;
    size_t size = 0;

    *out = NULL;
    TARN_TRY(open_regular(path, &fd, &size, err));
    if (size > (most ? most : (size_t)1 << 30)) {
        rc = TARN_FAIL(err, TARN_LIMIT, "'%s' has %zu bytes, more than the limit of %zu", path, size,
                       most ? most : (size_t)1 << 30);
        goto done;
    }
    TARN_TRY(tarn_alloc(&bytes, size + 1, 1, err));
    TARN_TRY(tarn_fd_read(fd, bytes, size, 0, path, err));
    bytes[size] = '\0';
    *out = bytes;
    if (len) *len = size;
    bytes = NULL;
done:
    tarn_free(bytes);
    if (fd >= 0) (void)close(fd);
    return rc;
}

tarn_code tarn_map_open(const char *path, tarn_mapped *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int fd = -1;
    size_t size = 0;

    *out = (tarn_mapped){.bytes = ""};
    TARN_TRY(open_regular(path, &fd, &size, err));
    if (size > 0) {
        void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED) {
            rc = TARN_FAIL_ERRNO(err, "map", path);
            goto done;
        }
        *out = (tarn_mapped){at, size};
    }
done:
    if (fd >= 0) (void)close(fd);
    return rc;
}

void tarn_map_close(tarn_mapped *m)
{
    if (m->len > 0) {
        void *at;
        memcpy(&at, &m->bytes, sizeof at);
        (void)munmap(at, m->len);
    }
    *m = (tarn_mapped){.bytes = ""};
}

tarn_code tarn_dir_make(const char *path, tarn_err *err)
{
    char part[PATH_CAP];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof part) return TARN_FAIL(err, TARN_LIMIT, "path of %zu bytes cannot be a folder", len);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        char was = part[i];
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) return TARN_FAIL_ERRNO(err, "make folder", part);
        part[i] = was;
    }
    if (!tarn_path_is_dir(path)) return TARN_FAIL(err, TARN_EXISTS, "'%s' is there but is not a folder", path);
    return TARN_OK;
}

static tarn_code remove_entries(int dir_fd, const char *path, int depth, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    DIR *dir = fdopendir(dir_fd);
    struct dirent *e;

    if (!dir) {
        (void)close(dir_fd);
        return TARN_FAIL_ERRNO(err, "read folder", path);
    }
    if (depth > 200) {
        rc = TARN_FAIL(err, TARN_LIMIT, "folder '%s' is nested too deep to remove", path);
        goto done;
    }
    while ((e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (unlinkat(dirfd(dir), e->d_name, 0) == 0 || errno == ENOENT) continue;
        if (errno != EISDIR && errno != EPERM) {
            rc = TARN_FAIL_ERRNO(err, "remove", e->d_name);
            goto done;
        }
        int sub = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub < 0) {
            rc = TARN_FAIL_ERRNO(err, "remove", e->d_name);
            goto done;
        }
        TARN_TRY(remove_entries(sub, path, depth + 1, err));
        if (unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR) != 0) {
            rc = TARN_FAIL_ERRNO(err, "remove folder", e->d_name);
            goto done;
        }
    }
done:
    (void)closedir(dir);
    return rc;
}

tarn_code tarn_dir_remove(const char *path, tarn_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0) return errno == ENOENT ? TARN_OK : TARN_FAIL_ERRNO(err, "open folder", path);
    tarn_code rc = remove_entries(fd, path, 0, err);
    if (rc == TARN_OK && rmdir(path) != 0) rc = TARN_FAIL_ERRNO(err, "remove folder", path);
    return rc;
}

bool tarn_path_exists(const char *path) { return access(path, F_OK) == 0; }

bool tarn_path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

tarn_code tarn_path_join(char *out, size_t cap, const char *dir, const char *name, tarn_err *err)
{
    int n = snprintf(out, cap, "%s/%s", dir, name);

    if (n < 0 || (size_t)n >= cap) return TARN_FAIL(err, TARN_LIMIT, "path '%.60s.../%.60s' is too long", dir, name);
    return TARN_OK;
}
