/* SPDX-License-Identifier: Apache-2.0 */
/* cached.c - objects as plain files in the cache (private.c says where), for libraries that want a path or a mapping.
 *
 * A file is made whole and its hash checked then. Its time of modification is set to a number made from the id: as
 * long as size and time are right nobody has written to it since, and nothing is read. If they are not, the hash
 * decides, and a file that is wrong is made again. The cache may be deleted at any time. */
#include "lake/object.h"

#include "base/mem.h"
#include "lake/bytes.h"
#include "lake/place.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Some moment between 2001 and 2033, with nanoseconds. */
static struct timespec stamp_of(const tarn_id *id)
{
    return (struct timespec){.tv_sec = 1000000000 + (time_t)(tarn_get32(id->b) % 1000000000u),
                             .tv_nsec = (long)(tarn_get32(id->b + 4) % 1000000u) * 1000};
}

static tarn_code set_stamp(const char *path, const tarn_id *id, tarn_err *err)
{
    struct timespec times[2] = {stamp_of(id), stamp_of(id)};

    if (utimensat(AT_FDCWD, path, times, 0) != 0) return TARN_FAIL_ERRNO(err, "set the time of", path);
    return TARN_OK;
}

typedef struct making {
    tarn_place place;
    tarn_hasher *hasher;
} making;

static tarn_code give_to_file(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    making *m = arg;
    tarn_code rc = tarn_place_write(&m->place, bytes, len, err);
    return rc == TARN_OK ? tarn_hasher_add(m->hasher, bytes, len, err) : rc;
}

static tarn_code make(tarn_lake *lake, const tarn_id *id, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    making m = {.place.fd = -1};
    tarn_id hash;

    TARN_TRY(tarn_place_open_private(lake, &m.place, err));
    TARN_TRY(tarn_hasher_new(&m.hasher, err));
    TARN_TRY(tarn_lake_read(lake, id, 0, UINT64_MAX, give_to_file, &m, err));
    TARN_TRY(tarn_hasher_end(m.hasher, &hash, err));
    if (!tarn_id_equal(&hash, id)) {
        rc = TARN_FAIL(err, TARN_CORRUPT, "bytes do not match their name; 'tarn lake fsck' tells more");
        goto done;
    }
    TARN_TRY(tarn_place_commit(&m.place, path, err));
    TARN_TRY(set_stamp(path, id, err));
done:
    tarn_place_close(&m.place);
    tarn_hasher_free(m.hasher);
    return rc;
}

/* Does the file have the content by its hash? */
static tarn_code right_by_hash(const char *path, const tarn_id *id, bool *right, tarn_err *err)
{
    tarn_mapped map = {.bytes = ""};
    tarn_id hash;
    tarn_code rc = tarn_map_open(path, &map, err);

    if (rc == TARN_OK) rc = tarn_digest(map.bytes, map.len, &hash, err);
    *right = rc == TARN_OK && tarn_id_equal(&hash, id);
    tarn_map_close(&map);
    return rc;
}

static tarn_code ext_check(const char *ext, tarn_err *err)
{
    size_t len = strlen(ext);

    if (len > 32 || strspn(ext, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
        return TARN_FAIL(err, TARN_INVALID, "'%.40s' cannot end the name of a cached file", ext);
    return TARN_OK;
}

tarn_code tarn_lake_cached(tarn_lake *lake, const tarn_id *id, const char *ext, char *path, size_t cap, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char hex[TARN_ID_HEX];
    struct stat st;
    uint64_t size = 0;
    bool list, right = false;
    struct timespec stamp = stamp_of(id);

    TARN_TRY(ext_check(ext, err));
    (void)tarn_id_hex(id, hex);
    int n = snprintf(path, cap, "%s/objects/%.2s", lake->cache, hex);
    if (n < 0 || (size_t)n + TARN_ID_HEX + strlen(ext) + 2 > cap)
        return TARN_FAIL(err, TARN_LIMIT, "the path of a cached file is too long");
    bool folder_there = tarn_path_is_dir(path);
    if (!folder_there) TARN_TRY(tarn_dir_make(path, err));
    (void)snprintf(path + n, cap - (size_t)n, "/%s%s", hex, ext);
    TARN_TRY(tarn_object_look(lake, id, &size, &list, err));
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size) {
        if (st.st_mtim.tv_sec == stamp.tv_sec && st.st_mtim.tv_nsec == stamp.tv_nsec) goto done;
        TARN_TRY(right_by_hash(path, id, &right, err));
        if (right && set_stamp(path, id, NULL) == TARN_OK) goto done;
    }
    if (!right) TARN_TRY(make(lake, id, path, err));
done:
    if (rc != TARN_OK && rc != TARN_NOMEM) tarn_err_note(err, "cached copy of %.12s", hex);
    return rc;
}
