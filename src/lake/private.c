/* SPDX-License-Identifier: Apache-2.0 */
/* private.c - where plain content may stand while we work: .tarn/cache and .tarn/tmp; for an encrypted lake a folder in
 * memory, /dev/shm/tarn-<uid>-<lake>, or below $TARN_CACHE.
 *
 * The folder belongs to one user and is closed to all others. Every open handle holds a shared lock on it; the last one
 * takes it away. A killed process leaves it to the next, or to the end of the machine's memory. */
#include "lake/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static tarn_code not_ours(const char *path, const char *why, tarn_err *err)
{
    return TARN_FAIL(err, TARN_DENIED,
                     "'%.120s' cannot hold plain content of the encrypted lake: %s; take it away or set "
                     "TARN_CACHE to a private folder",
                     path, why);
}

static tarn_code check(const char *path, const struct stat *st, tarn_err *err)
{
    if (!S_ISDIR(st->st_mode)) return not_ours(path, "it is not a folder", err);
    if (st->st_uid != geteuid()) return not_ours(path, "it belongs to somebody else", err);
    if ((st->st_mode & 077) != 0) return not_ours(path, "others may look into it", err);
    return TARN_OK;
}

/* Make it if need be, and hold it. *held false: it went away meanwhile. */
static tarn_code hold(const char *path, int *fd, bool *held, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    struct stat st, now;

    *held = false;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return TARN_FAIL_ERRNO(err, "make folder", path);
    if (lstat(path, &st) != 0) return errno == ENOENT ? TARN_OK : TARN_FAIL_ERRNO(err, "look at", path);
    TARN_TRY(check(path, &st, err));
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0) return errno == ENOENT ? TARN_OK : TARN_FAIL_ERRNO(err, "open folder", path);
    (void)flock(*fd, LOCK_SH);
    *held = fstat(*fd, &st) == 0 && lstat(path, &now) == 0 && st.st_ino == now.st_ino && st.st_dev == now.st_dev;
    if (*held) TARN_TRY(check(path, &st, err));
done:
    if (!*held || rc != TARN_OK) {
        if (*fd >= 0) (void)close(*fd);
        *fd = -1;
    }
    return rc;
}

tarn_code tarn_private_open(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *base = getenv("TARN_CACHE");
    char folder[TARN_LAKE_PATH];
    bool held = false;

    (void)snprintf(lake->cache, sizeof lake->cache, "%s/cache", lake->inside);
    (void)snprintf(lake->tmp, sizeof lake->tmp, "%s/tmp", lake->inside);
    if (!lake->ring) return TARN_OK;
    if (!base || !*base) base = "/dev/shm";
    int n = snprintf(folder, sizeof folder, "%s/tarn-%ld-%s", base, (long)geteuid(), tarn_ring_lake(lake->ring));
    if (n < 0 || n >= (int)sizeof folder) return TARN_FAIL(err, TARN_LIMIT, "the path in TARN_CACHE is too long");
    for (int attempt = 0; attempt < 100 && !held; attempt++) TARN_TRY(hold(folder, &lake->private_fd, &held, err));
    if (!held) return not_ours(folder, "it keeps going away", err);
    (void)snprintf(lake->cache, sizeof lake->cache, "%s/cache", folder);
    (void)snprintf(lake->tmp, sizeof lake->tmp, "%s/tmp", folder);
done:
    if (rc != TARN_OK && rc != TARN_DENIED)
        tarn_err_note(err, "an encrypted lake needs a private folder for plain content (TARN_CACHE says where)");
    return rc;
}

void tarn_private_close(tarn_lake *lake)
{
    char folder[TARN_LAKE_PATH + 64];

    if (lake->private_fd < 0) return;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strlen(lake->cache) - strlen("/cache")), lake->cache);
    if (flock(lake->private_fd, LOCK_EX | LOCK_NB) == 0 && tarn_dir_remove(folder, NULL) != TARN_OK)
        (void)rmdir(folder); /* nothing more can be done */
    (void)close(lake->private_fd);
    lake->private_fd = -1;
}

const char *tarn_lake_cache_dir(const tarn_lake *lake) { return lake->cache; }
const char *tarn_lake_tmp_dir(const tarn_lake *lake) { return lake->tmp; }
