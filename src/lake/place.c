/* SPDX-License-Identifier: Apache-2.0 */
/* place.c - see place.h. */
#include "lake/place.h"

#include "lake/backends.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

void tarn_place_tidy(const tarn_lake *lake)
{
    const tarn_backend *disk = NULL;
    const char *rest;
    void *self = NULL;

    if (strcmp(lake->store_url, "disk:.") == 0 || lake->readonly) return; /* opening the packs has done it */
    if (tarn_backend_find("disk:.", &disk, &rest, NULL) != TARN_OK) return;
    if (disk->open(lake->inside, &self, NULL) == TARN_OK) disk->close(self);
}

static tarn_code open_in(const char *folder, mode_t mode, tarn_place *out, tarn_err *err)
{
    out->fd = -1;
    tarn_code rc = tarn_dir_make(folder, err);
    if (rc != TARN_OK) return rc;
    for (int attempt = 0; attempt < 1000 && out->fd < 0; attempt++) {
        (void)snprintf(out->path, sizeof out->path, "%s/%ld-f%d", folder, (long)getpid(), attempt);
        out->fd = open(out->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (out->fd < 0 && errno != EEXIST) break;
    }
    if (out->fd < 0) return TARN_FAIL_ERRNO(err, "create", out->path);
    (void)flock(out->fd, LOCK_EX | LOCK_NB); /* without locks the file is only protected while it is young */
    return TARN_OK;
}

tarn_code tarn_place_open(tarn_lake *lake, tarn_place *out, tarn_err *err)
{
    char folder[TARN_LAKE_PATH + 8];

    (void)snprintf(folder, sizeof folder, "%s/tmp", lake->inside);
    return open_in(folder, 0644, out, err);
}

tarn_code tarn_place_open_private(tarn_lake *lake, tarn_place *out, tarn_err *err)
{
    return open_in(lake->tmp, lake->ring ? 0600 : 0644, out, err);
}

tarn_code tarn_place_write(tarn_place *p, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_fd_write(p->fd, bytes, len, p->path, err);
}

tarn_code tarn_place_commit(tarn_place *p, const char *target, tarn_err *err)
{
    char folder[TARN_LAKE_PATH + 128];
    size_t len = (size_t)(strrchr(target, '/') - target);
    tarn_code rc = tarn_fd_sync(p->fd, target, err);

    if (rc != TARN_OK) return rc;
    if (rename(p->path, target) != 0) return TARN_FAIL_ERRNO(err, "rename into", target);
    p->path[0] = '\0';
    if (len >= sizeof folder) return TARN_FAIL(err, TARN_LIMIT, "path '%.60s...' is too long", target);
    memcpy(folder, target, len);
    folder[len] = '\0';
    return tarn_dir_sync(folder, err);
}

void tarn_place_close(tarn_place *p)
{
    if (p->fd < 0) return;
    if (p->path[0]) (void)unlink(p->path);
    (void)close(p->fd);
    p->fd = -1;
}
