/* SPDX-License-Identifier: Apache-2.0 */
/* lake.c - finding, opening and closing a lake (make.c makes one).
 *
 *     .tarn/format   JSON: what this is, its version, the pinned parameters, where packs and metadata live
 *     .tarn/packs/   packs        .tarn/index/  runs: indexes of many packs, can be made again
 *     .tarn/meta.db  see meta.h   .tarn/cache/  may be deleted at any time
 *     .tarn/tmp/     files being written
 *     .tarn/keys     of an encrypted lake: a copy of the sealed keys, see key.h
 *
 * packs/ and meta.db may be elsewhere: then several servers, each with a .tarn of its own, work on one lake. */
#include "lake/format.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/access_inside.h"
#include "lake/backends.h"
#include "lake/blocks.h"
#include "lake/delta.h"
#include "lake/landings.h"
#include "lake/node.h"
#include "lake/place.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOKED_MOST = 64 << 20 /* of lists, and of chunks that are read in parts */ };

/* ---- opening ---- */

/* The nearest folder at or above `folder` with a .tarn in it. */
static tarn_code find(const char *folder, char out[TARN_LAKE_PATH], tarn_err *err)
{
    char *real = realpath(folder, NULL);
    char inside[TARN_LAKE_PATH + 8];

    if (!real) return TARN_FAIL_ERRNO(err, "find folder", folder);
    if (strlen(real) + 80 > TARN_LAKE_PATH) {
        free(real);
        return TARN_FAIL(err, TARN_LIMIT, "the path of folder '%.60s...' is too long", folder);
    }
    (void)strcpy(out, real);
    free(real);
    for (;;) {
        (void)snprintf(inside, sizeof inside, "%s/.tarn", strcmp(out, "/") == 0 ? "" : out);
        if (tarn_path_is_dir(inside)) return TARN_OK;
        char *slash = strrchr(out, '/');
        if (strcmp(out, "/") == 0)
            return TARN_FAIL(err, TARN_NOT_FOUND, "there is no lake in '%s' or above it; 'tarn init' makes one",
                             folder);
        slash[slash == out] = '\0';
    }
}

static tarn_code read_format(tarn_lake *lake, tarn_format *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 16], *text = NULL;
    size_t len = 0;

    (void)snprintf(path, sizeof path, "%s/format", lake->inside);
    rc = tarn_file_read(path, TARN_FORMAT_MOST, &text, &len, err);
    if (rc == TARN_NOT_FOUND)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "'%s' is not a lake: it has no file 'format'", lake->inside);
    if (rc == TARN_OK) rc = tarn_format_read(text, len, path, out, err);
    tarn_free(text);
    return rc;
}

/* Of blocks of remote packs, in bytes: TARN_CACHE_MIB (0: no cache), or 4 GiB. */
static uint64_t cache_limit(void)
{
    const char *text = getenv("TARN_CACHE_MIB");
    int64_t mib = 0;

    if (!text || !tarn_int_parse(text, strlen(text), &mib) || mib < 0 || mib > (1 << 30)) mib = 4096;
    return (uint64_t)mib << 20;
}

static tarn_code open_backend(tarn_lake *lake, const char *url, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *rest = NULL;
    char where[TARN_LAKE_PATH + TARN_URL_CAP];

    TARN_TRY(tarn_backend_find(url, &lake->backend, &rest, err));
    if (strcmp(lake->backend->name, "disk") == 0 && rest[0] != '/') /* relative to the lake */
        (void)snprintf(where, sizeof where, "%s%s%s", lake->inside, strcmp(rest, ".") == 0 ? "" : "/",
                       strcmp(rest, ".") == 0 ? "" : rest);
    else (void)snprintf(where, sizeof where, "%s", rest);
    TARN_TRY(lake->backend->open(where, &lake->packs, err));
    lake->origin = lake->backend;
    lake->origin_packs = lake->packs;
    if (!lake->backend->remote || cache_limit() == 0) goto done;
    (void)snprintf(where, sizeof where, "%s/cache/blocks", lake->inside);
    TARN_TRY(tarn_blocks_open(where, cache_limit(), lake->origin, lake->origin_packs, &lake->packs, err));
    lake->backend = &tarn_blocks_backend;
done:
    return rc;
}

static void init_locks(tarn_lake *lake)
{
    pthread_mutexattr_t recursive;

    (void)pthread_mutexattr_init(&recursive);
    (void)pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&lake->lock, &recursive);
    (void)pthread_mutexattr_destroy(&recursive);
}

/* Find the lake and read what kind it is. */
static tarn_code find_and_read(tarn_lake *lake, const char *folder, tarn_format *out, tarn_err *err)
{
    tarn_code rc = find(folder, lake->folder, err);

    if (rc != TARN_OK) return rc;
    (void)snprintf(lake->inside, sizeof lake->inside, "%.*s/.tarn", TARN_LAKE_PATH - 8,
                   strcmp(lake->folder, "/") == 0 ? "" : lake->folder);
    return read_format(lake, out, err);
}

/* Metadata: meta.db of the lake, or a PostgreSQL, which must be of this lake. */
static tarn_code open_meta(tarn_lake *lake, const tarn_format *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 16];

    lake->readonly = faccessat(AT_FDCWD, lake->inside, W_OK, AT_EACCESS) != 0;
    if (f->meta[0]) {
        TARN_TRY(tarn_meta_open(f->meta, lake->readonly, &lake->meta, err));
        return tarn_meta_check_id(lake->meta, f->id, err);
    }
    (void)snprintf(path, sizeof path, "%s/meta.db", lake->inside);
    if (!tarn_path_exists(path))
        return TARN_FAIL(err, TARN_CORRUPT,
                         "the lake '%s' has lost its meta.db; restore it from a copy, or "
                         "'tarn lake fsck --repair' makes a new one",
                         lake->inside);
    lake->readonly = lake->readonly || faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0;
    TARN_TRY(tarn_meta_open(path, lake->readonly, &lake->meta, err));
    TARN_TRY(tarn_acked_check(lake->inside, lake->meta, err));
done:
    return rc;
}

tarn_code tarn_lake_open(const char *folder, tarn_lake **out, tarn_err *err)
{
    return tarn_lake_open_with(folder, NULL, out, err);
}

tarn_code tarn_lake_open_with(const char *folder, const tarn_lake_key *key, tarn_lake **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_format format = {.id = ""};

    *out = NULL;
    TARN_TRY(tarn_alloc(&lake, 1, sizeof *lake, err));
    lake->private_fd = -1;
    init_locks(lake);
    tarn_gear_init(&lake->gear);
    TARN_TRY(find_and_read(lake, folder, &format, err));
    (void)strcpy(lake->store_url, format.store);
    (void)strcpy(lake->meta_url, format.meta);
    TARN_TRY(tarn_access_open(lake, err));
    TARN_TRY(tarn_codec_new(&lake->codec, err));
    TARN_TRY(tarn_node_cache_new(&lake->nodes, err));
    TARN_TRY(tarn_landings_new(&lake->landings, err));
    TARN_TRY(tarn_links_cache_new(&lake->links, err));
    TARN_TRY(tarn_plain_cache_new(16, 16 << 20, &lake->plains, err));
    TARN_TRY(tarn_plain_cache_new(512, LOOKED_MOST, &lake->looked, err));
    TARN_TRY(tarn_proved_new(&lake->proved, err));
    TARN_TRY(open_meta(lake, &format, err));
    TARN_TRY(format.encrypted ? tarn_sealed_open(lake, key, err) : tarn_sealed_none(lake, err));
    TARN_TRY(tarn_private_open(lake, err));
    TARN_TRY(open_backend(lake, format.store, err));
    tarn_place_tidy(lake);
    TARN_TRY(tarn_carry_open(lake, err));
    TARN_TRY(tarn_store_load(lake, err));
    tarn_runs_sweep(lake);
    *out = lake;
    lake = NULL;
done:
    tarn_lake_close(lake);
    return rc;
}

/* What waits to be recorded; a lake that did not open has nothing. */
static void finish_audit(tarn_lake *lake)
{
    tarn_err ignored = {0};

    if (!lake->access || !lake->meta || !lake->packs || lake->readonly) return;
    tarn_code rc = tarn_audit_flush(lake, false, &ignored);
    if (rc == TARN_OK) tarn_audit_settle(lake, true);
}

void tarn_lake_close(tarn_lake *lake)
{
    if (!lake) return;
    finish_audit(lake);
    tarn_store_close(lake);
    tarn_carry_close(lake);
    if (lake->backend && lake->packs) lake->backend->close(lake->packs);
    tarn_meta_close(lake->meta);
    tarn_access_close(lake);
    tarn_private_close(lake);
    tarn_ring_free(lake->ring);
    tarn_secret_wipe(lake->keys, sizeof lake->keys);
    tarn_codec_free(lake->codec);
    tarn_node_cache_free(lake->nodes);
    tarn_plain_cache_free(lake->plains);
    tarn_plain_cache_free(lake->looked);
    tarn_proved_free(lake->proved);
    (void)pthread_mutex_destroy(&lake->lock);
    if (lake->scratch && tarn_dir_remove(lake->folder, NULL) != TARN_OK) {
        /* it only takes space */
    }
    tarn_landings_free(lake->landings);
    tarn_links_cache_free(lake->links);
    tarn_free(lake);
}

tarn_code tarn_lake_key_needed(const char *folder, tarn_key_kind *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL; /* never opened: a place for paths */
    tarn_meta *meta = NULL;
    tarn_format format = {.id = ""};
    char path[TARN_LAKE_PATH + 16], *text = NULL;
    tarn_key_status status = {.kind = TARN_KEY_NONE};

    TARN_TRY(tarn_alloc(&lake, 1, sizeof *lake, err));
    TARN_TRY(find_and_read(lake, folder, &format, err));
    (void)snprintf(path, sizeof path, "%s/meta.db", lake->inside);
    if (format.encrypted) {
        TARN_TRY(tarn_meta_open(format.meta[0] ? format.meta : path, true, &meta, err));
        TARN_TRY(tarn_meta_fact_get(meta, "lake/keys", &text, err));
        TARN_TRY(tarn_ring_look(text, strlen(text), &status, err));
    }
    *out = status.kind;
done:
    tarn_free(text);
    tarn_meta_close(meta);
    tarn_free(lake);
    return rc;
}

const char *tarn_lake_folder(const tarn_lake *lake) { return lake->folder; }
const char *tarn_lake_inside(const tarn_lake *lake) { return lake->inside; }
const char *tarn_lake_store_at(const tarn_lake *lake) { return lake->store_url; }
const char *tarn_lake_meta_at(const tarn_lake *lake) { return lake->meta_url[0] ? lake->meta_url : "meta.db"; }

tarn_code tarn_lake_probe(tarn_lake *lake, tarn_err *err)
{
    uint64_t size = 0;
    int64_t version = 0;

    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_version(lake->meta, &version, err);
    tarn_lake_unlock(lake);
    if (rc != TARN_OK || strcmp(lake->store_url, "disk:.") == 0) return rc;
    rc = lake->backend->size(lake->packs, "format", &size, err);
    return rc == TARN_NOT_FOUND ? TARN_FAIL(err, TARN_CORRUPT, "the store has lost its blob 'format'") : rc;
}
