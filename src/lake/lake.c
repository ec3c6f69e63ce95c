/* SPDX-License-Identifier: Apache-2.0 */
/* lake.c - making, finding, opening and closing a lake.
 *
 *     .tarn/format   JSON: what this is, its version, the pinned parameters, where packs live
 *     .tarn/packs/   packs        .tarn/index/  runs: indexes of many packs, can be made again
 *     .tarn/meta.db  see meta.h   .tarn/cache/  may be deleted at any time
 *     .tarn/tmp/     files being written
 *     .tarn/keys     of an encrypted lake: a copy of the sealed keys, see key.h
 *
 * A new lake is made beside its place and renamed, so that it is there whole or not at all. */
#include "lake/inside.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/backends.h"
#include "lake/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char sealed_text[] =
    "{\n  \"what\": \"tarn lake\",\n  \"version\": 2,\n  \"hash\": \"sha256\",\n"
    "  \"chunks\": \"fastcdc 8192 65536 131072\",\n  \"tree\": \"keys 512 4096 16384\",\n"
    "  \"packs\": \"disk:.\",\n  \"encryption\": \"aes-256-gcm hkdf-sha256 hmac-sha256\"\n}\n";
static const char format_text[] = "{\n  \"what\": \"tarn lake\",\n  \"version\": 1,\n  \"hash\": \"sha256\",\n"
                                  "  \"chunks\": \"fastcdc 8192 65536 131072\",\n  \"tree\": \"keys 512 4096 16384\",\n"
                                  "  \"packs\": \"disk:.\"\n}\n";

/* ---- making ---- */

/* keys: as text, or NULL. */
static tarn_code fill_new(const char *inside, const char *keys, tarn_err *err)
{
    static const char *const folders[] = {"packs", "index", "cache", "tmp"};
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 64];

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        TARN_TRY(tarn_path_join(path, sizeof path, inside, folders[i], err));
        TARN_TRY(tarn_dir_make(path, err));
    }
    TARN_TRY(tarn_path_join(path, sizeof path, inside, "meta.db", err));
    TARN_TRY(tarn_meta_create(path, err));
    if (keys) TARN_TRY(tarn_sealed_make(inside, keys, err));
    TARN_TRY(tarn_path_join(path, sizeof path, inside, "format", err));
    const char *text = keys ? sealed_text : format_text;
    TARN_TRY(tarn_file_save(path, text, strlen(text), err));
    TARN_TRY(tarn_dir_sync(inside, err));
done:
    return rc;
}

static tarn_code make_lake(const char *folder, const char *keys, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char target[TARN_LAKE_PATH], fresh[TARN_LAKE_PATH + 32] = "";

    if (strlen(folder) + 16 > TARN_LAKE_PATH) return TARN_FAIL(err, TARN_LIMIT, "the path of the lake is too long");
    if (!tarn_path_is_dir(folder))
        return TARN_FAIL(err, TARN_NOT_FOUND, "folder '%s' is not there; make it first", folder);
    TARN_TRY(tarn_path_join(target, sizeof target, folder, ".tarn", err));
    if (tarn_path_exists(target)) return TARN_FAIL(err, TARN_EXISTS, "there is a lake in '%s' already", folder);
    (void)snprintf(fresh, sizeof fresh, "%s-new-%ld", target, (long)getpid());
    TARN_TRY(tarn_dir_remove(fresh, err)); /* of a dead process that had our number */
    TARN_TRY(tarn_dir_make(fresh, err));
    TARN_TRY(fill_new(fresh, keys, err));
    if (rename(fresh, target) != 0) {
        rc = errno == EEXIST || errno == ENOTEMPTY
                 ? TARN_FAIL(err, TARN_EXISTS, "there is a lake in '%s' already", folder)
                 : TARN_FAIL_ERRNO(err, "rename into", target);
        goto done;
    }
    fresh[0] = '\0';
    TARN_TRY(tarn_dir_sync(folder, err));
done:
    if (rc != TARN_OK && fresh[0] && tarn_dir_remove(fresh, NULL) != TARN_OK) tarn_err_note(err, "making '%s'", target);
    return rc;
}

tarn_code tarn_lake_init(const char *folder, tarn_err *err) { return make_lake(folder, NULL, err); }

tarn_code tarn_lake_init_encrypted(const char *folder, const tarn_lake_key *key, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *keys = NULL;

    TARN_TRY(tarn_ring_make(key, &keys, err));
    TARN_TRY(make_lake(folder, keys, err));
done:
    tarn_free(keys);
    return rc;
}

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

static tarn_code read_format(tarn_lake *lake, char url[256], bool *encrypted, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 16], *text = NULL;
    size_t len = 0;
    json_t *o = NULL;

    (void)snprintf(path, sizeof path, "%s/format", lake->inside);
    rc = tarn_file_read(path, 65536, &text, &len, err);
    if (rc == TARN_NOT_FOUND)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "'%s' is not a lake: it has no file 'format'", lake->inside);
    if (rc != TARN_OK) goto done;
    rc = tarn_json_read(text, len, "the lake's file 'format'", &o, err);
    if (rc == TARN_INVALID) rc = TARN_CORRUPT;
    if (rc != TARN_OK) goto done;
    int64_t version = json_integer_value(json_object_get(o, "version"));
    const char *packs = tarn_json_text(o, "packs", "");
    if (strcmp(tarn_json_text(o, "what", ""), "tarn lake") != 0 || version < 1 || strlen(packs) >= 256)
        rc = TARN_FAIL(err, TARN_CORRUPT, "'%s' is damaged: it does not describe a lake", path);
    else if (version > TARN_LAKE_VERSION)
        rc = TARN_FAIL(err, TARN_UNSUPPORTED,
                       "the lake '%s' has format version %lld; this tarn knows up to %d: use a newer tarn",
                       lake->inside, (long long)version, TARN_LAKE_VERSION);
    else (void)strcpy(url, packs);
    *encrypted = version > 1 && json_object_get(o, "encryption") != NULL;
done:
    json_decref(o);
    tarn_free(text);
    return rc;
}

static tarn_code open_backend(tarn_lake *lake, const char *url, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *rest = NULL;
    char where[TARN_LAKE_PATH + 260];

    TARN_TRY(tarn_backend_find(url, &lake->backend, &rest, err));
    if (strcmp(lake->backend->name, "disk") == 0 && rest[0] != '/') /* relative to the lake */
        (void)snprintf(where, sizeof where, "%s%s%s", lake->inside, strcmp(rest, ".") == 0 ? "" : "/",
                       strcmp(rest, ".") == 0 ? "" : rest);
    else (void)snprintf(where, sizeof where, "%s", rest);
    TARN_TRY(lake->backend->open(where, &lake->packs, err));
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
    (void)pthread_mutex_init(&lake->turn, NULL);
}

/* Find the lake and read what kind it is. */
static tarn_code find_and_read(tarn_lake *lake, const char *folder, char url[256], bool *encrypted, tarn_err *err)
{
    tarn_code rc = find(folder, lake->folder, err);

    if (rc != TARN_OK) return rc;
    (void)snprintf(lake->inside, sizeof lake->inside, "%.*s/.tarn", TARN_LAKE_PATH - 8,
                   strcmp(lake->folder, "/") == 0 ? "" : lake->folder);
    return read_format(lake, url, encrypted, err);
}

tarn_code tarn_lake_open(const char *folder, tarn_lake **out, tarn_err *err)
{
    return tarn_lake_open_with(folder, NULL, out, err);
}

tarn_code tarn_lake_open_with(const char *folder, const tarn_lake_key *key, tarn_lake **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    bool encrypted = false;
    char url[256] = "", path[TARN_LAKE_PATH + 16];

    *out = NULL;
    TARN_TRY(tarn_alloc(&lake, 1, sizeof *lake, err));
    lake->private_fd = -1;
    init_locks(lake);
    tarn_gear_init(&lake->gear);
    TARN_TRY(find_and_read(lake, folder, url, &encrypted, err));
    lake->readonly = faccessat(AT_FDCWD, lake->inside, W_OK, AT_EACCESS) != 0;
    (void)snprintf(path, sizeof path, "%s/meta.db", lake->inside);
    if (!tarn_path_exists(path)) {
        rc = TARN_FAIL(err, TARN_CORRUPT, "the lake '%s' has lost its meta.db; restore it from a copy", lake->inside);
        goto done;
    }
    lake->readonly = lake->readonly || faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0;
    TARN_TRY(tarn_codec_new(&lake->codec, err));
    TARN_TRY(tarn_node_cache_new(&lake->nodes, err));
    TARN_TRY(tarn_meta_open(path, lake->readonly, &lake->meta, err));
    TARN_TRY(encrypted ? tarn_sealed_open(lake, key, err) : tarn_sealed_none(lake, err));
    TARN_TRY(tarn_private_open(lake, err));
    TARN_TRY(open_backend(lake, url, err));
    TARN_TRY(tarn_store_load(lake, err));
    *out = lake;
    lake = NULL;
done:
    tarn_lake_close(lake);
    return rc;
}

void tarn_lake_close(tarn_lake *lake)
{
    if (!lake) return;
    tarn_store_close(lake);
    if (lake->backend && lake->packs) lake->backend->close(lake->packs);
    tarn_meta_close(lake->meta);
    tarn_private_close(lake);
    tarn_ring_free(lake->ring);
    tarn_wipe(lake->keys, sizeof lake->keys);
    tarn_codec_free(lake->codec);
    tarn_node_cache_free(lake->nodes);
    (void)pthread_mutex_destroy(&lake->lock);
    (void)pthread_mutex_destroy(&lake->turn);
    tarn_free(lake);
}

tarn_code tarn_lake_key_needed(const char *folder, tarn_key_kind *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL; /* never opened: a place for paths */
    tarn_meta *meta = NULL;
    bool encrypted = false;
    char url[256] = "", path[TARN_LAKE_PATH + 16], *text = NULL;
    tarn_key_status status = {.kind = TARN_KEY_NONE};

    TARN_TRY(tarn_alloc(&lake, 1, sizeof *lake, err));
    TARN_TRY(find_and_read(lake, folder, url, &encrypted, err));
    (void)snprintf(path, sizeof path, "%s/meta.db", lake->inside);
    if (encrypted) {
        TARN_TRY(tarn_meta_open(path, true, &meta, err));
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
