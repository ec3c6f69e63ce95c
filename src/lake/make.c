/* SPDX-License-Identifier: Apache-2.0 */
/* make.c - making a lake, and a .tarn that joins one.
 *
 * The .tarn is made beside its place and renamed, so that it is there whole or not at all. What is elsewhere comes
 * first: the store's blob `format`, then the schema in PostgreSQL. A process that dies in between leaves a lake without
 * a .tarn, which can be joined, or an empty store, which can be used again. */
#include "lake/format.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/backends.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- where ---- */

static tarn_code keep_url(char out[TARN_URL_CAP], const char *scheme, const char *url, const char *what, tarn_err *err)
{
    int n = snprintf(out, TARN_URL_CAP, "%s%s", scheme, url);

    if (n < 0 || n >= TARN_URL_CAP)
        return TARN_FAIL(err, TARN_LIMIT, "the %s has over %d bytes", what, TARN_URL_CAP - 1);
    for (const char *p = out; *p; p++)
        if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
            return TARN_FAIL(err, TARN_INVALID, "the %s may not hold quotes, '\\' or control characters", what);
    return TARN_OK;
}

/* A folder's path becomes disk:/path, and the folder is made. */
static tarn_code set_store(tarn_format *f, const char *url, tarn_err *err)
{
    const tarn_backend *backend = NULL;
    const char *rest = NULL, *folder = NULL;
    tarn_code rc = TARN_OK;

    if (!url || !*url || strcmp(url, "disk:.") == 0) return keep_url(f->store, "", "disk:.", "store's URL", err);
    if (strncmp(url, "disk:", 5) == 0) folder = url + 5;
    else if (strncmp(url, "file://", 7) == 0) folder = url + 7;
    else if (!strchr(url, ':')) folder = url;
    if (!folder) {
        TARN_TRY(tarn_backend_find(url, &backend, &rest, err));
        return keep_url(f->store, "", url, "store's URL", err);
    }
    TARN_TRY(tarn_dir_make(folder, err));
    char *real = realpath(folder, NULL);
    if (!real) return TARN_FAIL_ERRNO(err, "find folder", folder);
    rc = keep_url(f->store, "disk:", real, "store's path", err);
    free(real);
done:
    return rc;
}

static tarn_code set_meta(tarn_format *f, const char *url, tarn_err *err)
{
    if (!url || !*url || strcmp(url, "sqlite:") == 0 || strcmp(url, "sqlite") == 0) return TARN_OK;
    if (tarn_meta_shared(url)) return keep_url(f->meta, "", url, "metadata's URL", err);
    return TARN_FAIL(err, TARN_UNSUPPORTED,
                     "metadata cannot live at '%.60s'; leave --meta out for a file in .tarn, or give "
                     "postgresql://user@host/database?schema=name",
                     url);
}

static tarn_code new_id(char id[33], tarn_err *err)
{
    uint8_t bytes[16];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return TARN_FAIL_ERRNO(err, "ask for", "random bytes");
    for (size_t i = 0; i < sizeof bytes; i++) (void)snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return TARN_OK;
}

/* ---- the store ---- */

typedef struct store {
    const tarn_backend *backend;
    void *self;
} store;

static tarn_code open_store(const tarn_format *f, store *s, tarn_err *err)
{
    const char *rest = NULL;
    tarn_code rc = tarn_backend_find(f->store, &s->backend, &rest, err);

    return rc == TARN_OK ? s->backend->open(rest, &s->self, err) : rc;
}

static void close_store(store *s)
{
    if (s->self) s->backend->close(s->self);
}

static tarn_code read_store_format(const store *s, tarn_format *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t size = 0;
    char *text = NULL;

    TARN_TRY(s->backend->size(s->self, "format", &size, err));
    if (size > TARN_FORMAT_MOST)
        return TARN_FAIL(err, TARN_CORRUPT, "the store's blob 'format' is no description of a lake");
    TARN_TRY(tarn_alloc(&text, size + 1, 1, err));
    TARN_TRY(s->backend->get(s->self, "format", 0, (size_t)size, text, err));
    TARN_TRY(tarn_format_read(text, (size_t)size, "format of the store", out, err));
done:
    tarn_free(text);
    return rc;
}

static tarn_code any_blob(void *arg, const char *name, uint64_t size, tarn_err *err)
{
    (void)name, (void)size;
    *(bool *)arg = true;
    return TARN_FAIL(err, TARN_CANCELLED, "there is one");
}

/* Describe the lake in the store. Where an earlier attempt got no further, its id is taken over, if it was of the same
 * kind. */
static tarn_code claim_store(const store *s, tarn_format *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_format there = {.id = ""};
    tarn_text text = {0};
    bool used = false;

    rc = read_store_format(s, &there, err);
    if (rc == TARN_NOT_FOUND) {
        TARN_TRY(tarn_format_write(f, false, &text, err));
        TARN_TRY(s->backend->put(s->self, "format", text.data, text.len, err));
        TARN_TRY(read_store_format(s, &there, err)); /* another may have been faster */
        if (strcmp(there.id, f->id) == 0) goto done;
        used = true;
    }
    if (rc != TARN_OK) goto done;
    if (!used) rc = s->backend->list(s->self, "packs/", any_blob, &used, err);
    if (rc == TARN_CANCELLED) rc = TARN_OK;
    if (rc == TARN_OK && used)
        rc = TARN_FAIL(err, TARN_EXISTS,
                       "there is a lake in the store already; join it by tarn init --join, or choose "
                       "another bucket or prefix");
    if (rc == TARN_OK && there.encrypted != f->encrypted) {
        TARN_TRY(tarn_format_write(f, false, &text, err));
        TARN_TRY(s->backend->remove(s->self, "format", err));
        TARN_TRY(s->backend->put(s->self, "format", text.data, text.len, err));
    } else if (rc == TARN_OK) {
        (void)strcpy(f->id, there.id);
    }
done:
    tarn_text_clear(&text);
    return rc;
}

/* ---- .tarn ---- */

/* keys: as text, or NULL. */
static tarn_code fill_new(const char *inside, const tarn_format *f, const char *keys, tarn_err *err)
{
    static const char *const folders[] = {"packs", "index", "cache", "tmp"};
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 64];
    tarn_text text = {0};

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        TARN_TRY(tarn_path_join(path, sizeof path, inside, folders[i], err));
        TARN_TRY(tarn_dir_make(path, err));
    }
    TARN_TRY(tarn_path_join(path, sizeof path, inside, "meta.db", err));
    if (!f->meta[0]) TARN_TRY(tarn_meta_create(path, f->id, err));
    if (keys) TARN_TRY(tarn_sealed_make(inside, f->meta, keys, err));
    TARN_TRY(tarn_path_join(path, sizeof path, inside, "format", err));
    TARN_TRY(tarn_format_write(f, true, &text, err));
    TARN_TRY(tarn_file_save(path, text.data, text.len, err));
    TARN_TRY(tarn_dir_sync(inside, err));
done:
    tarn_text_clear(&text);
    return rc;
}

static tarn_code target_in(const char *folder, char target[TARN_LAKE_PATH], tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (strlen(folder) + 16 > TARN_LAKE_PATH) return TARN_FAIL(err, TARN_LIMIT, "the path of the lake is too long");
    if (!tarn_path_is_dir(folder))
        return TARN_FAIL(err, TARN_NOT_FOUND, "folder '%s' is not there; make it first", folder);
    TARN_TRY(tarn_path_join(target, TARN_LAKE_PATH, folder, ".tarn", err));
    if (tarn_path_exists(target)) rc = TARN_FAIL(err, TARN_EXISTS, "there is a lake in '%s' already", folder);
done:
    return rc;
}

/* The folder in which a .tarn is made. Its maker holds a lock on it, which goes with the process. */
typedef struct making {
    char path[TARN_LAKE_PATH + 32];
    int fd;
} making;

/* Nobody else's, and still the folder of that name: whoever cleared it away as a dead one's may have come in between.
 * unlockable: what to say where the file system has no locks. */
static bool lock_folder(int fd, const char *path, bool unlockable)
{
    struct stat held, named;

    if (flock(fd, LOCK_EX | LOCK_NB) != 0) return errno == ENOLCK && unlockable;
    return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

/* Remove what processes that died while they made a .tarn here left behind. What cannot be removed costs only room. */
static void clear_dead(const char *folder)
{
    static const char mark[] = ".tarn-new-";
    DIR *d = opendir(folder);

    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        char path[TARN_LAKE_PATH + 32];
        if (strncmp(e->d_name, mark, sizeof mark - 1) != 0) continue;
        if (tarn_path_join(path, sizeof path, folder, e->d_name, NULL) != TARN_OK) continue;
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) continue;
        if (lock_folder(fd, path, false)) (void)!tarn_dir_remove(path, NULL);
        (void)close(fd);
    }
    if (d) (void)closedir(d);
}

/* A new folder beside `target`, locked. */
static tarn_code begin_making(making *m, const char *folder, const char *target, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    clear_dead(folder);
    (void)snprintf(m->path, sizeof m->path, "%s-new-%ld", target, (long)getpid());
    TARN_TRY(tarn_dir_make(m->path, err));
    m->fd = open(m->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (m->fd < 0) rc = TARN_FAIL_ERRNO(err, "open", m->path);
    else if (!lock_folder(m->fd, m->path, true)) {
        rc = TARN_FAIL(err, TARN_CONFLICT, "somebody else makes or clears away '%s' now; try again", m->path);
        m->path[0] = '\0'; /* it is theirs */
    }
done:
    return rc;
}

static tarn_code make_inside(const char *folder, const char *target, const tarn_format *f, const char *keys,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    making m = {.path = "", .fd = -1};

    TARN_TRY(begin_making(&m, folder, target, err));
    TARN_TRY(fill_new(m.path, f, keys, err));
    if (rename(m.path, target) != 0) {
        rc = errno == EEXIST || errno == ENOTEMPTY
                 ? TARN_FAIL(err, TARN_EXISTS, "there is a lake in '%s' already", folder)
                 : TARN_FAIL_ERRNO(err, "rename into", target);
        goto done;
    }
    m.path[0] = '\0';
    TARN_TRY(tarn_dir_sync(folder, err));
done:
    if (rc != TARN_OK && m.path[0] && tarn_dir_remove(m.path, NULL) != TARN_OK)
        tarn_err_note(err, "making '%s'", target);
    if (m.fd >= 0) (void)close(m.fd);
    return rc;
}

/* ---- the door's calls ---- */

/* keys: as text; NULL: not encrypted. */
static tarn_code init(const char *folder, const char *store_url, const char *meta_url, const char *keys, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_format f = {.id = "", .encrypted = keys != NULL};
    store s = {0};
    char target[TARN_LAKE_PATH];

    TARN_TRY(target_in(folder, target, err));
    TARN_TRY(set_store(&f, store_url, err));
    TARN_TRY(set_meta(&f, meta_url, err));
    if (!tarn_format_is_local(&f)) TARN_TRY(new_id(f.id, err));
    if (strcmp(f.store, "disk:.") != 0) {
        TARN_TRY(open_store(&f, &s, err));
        TARN_TRY(claim_store(&s, &f, err));
        if (keys) TARN_TRY(tarn_sealed_to_store(s.backend, s.self, keys, err));
    }
    if (f.meta[0]) TARN_TRY(tarn_meta_create(f.meta, f.id, err));
    TARN_TRY(make_inside(folder, target, &f, keys, err));
done:
    close_store(&s);
    return rc;
}

tarn_code tarn_lake_init_at(const char *folder, const char *store_url, const char *meta_url, tarn_err *err)
{
    return init(folder, store_url, meta_url, NULL, err);
}

tarn_code tarn_lake_init(const char *folder, tarn_err *err) { return tarn_lake_init_at(folder, NULL, NULL, err); }

tarn_code tarn_lake_init_encrypted(const char *folder, const char *store_url, const char *meta_url,
                                   const tarn_lake_key *key, tarn_err *err)
{
    char *keys = NULL;
    tarn_code rc = tarn_ring_make(key, &keys, err);

    if (rc == TARN_OK) rc = init(folder, store_url, meta_url, keys, err);
    tarn_free(keys);
    return rc;
}

/* The id in the metadata must be the store's. */
static tarn_code check_meta(const tarn_format *f, tarn_err *err)
{
    tarn_meta *meta = NULL;
    tarn_code rc = tarn_meta_open(f->meta, true, &meta, err);

    if (rc == TARN_OK) rc = tarn_meta_check_id(meta, f->id, err);
    tarn_meta_close(meta);
    return rc;
}

tarn_code tarn_lake_join(const char *folder, const char *store_url, const char *meta_url, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_format f = {.id = ""}, there = {.id = ""};
    store s = {0};
    char target[TARN_LAKE_PATH];

    TARN_TRY(target_in(folder, target, err));
    TARN_TRY(set_store(&f, store_url, err));
    TARN_TRY(set_meta(&f, meta_url, err));
    if (strcmp(f.store, "disk:.") == 0 || !f.meta[0]) {
        rc = TARN_FAIL(err, TARN_USAGE,
                       "to join a lake, say where it lives: --store URL and --meta postgresql://...; a lake "
                       "with its metadata in a .tarn has one folder only");
        goto done;
    }
    TARN_TRY(open_store(&f, &s, err));
    rc = read_store_format(&s, &there, err);
    if (rc == TARN_NOT_FOUND)
        rc = TARN_FAIL(err, rc, "there is no lake in the store '%.200s'; tarn init without --join makes one", f.store);
    if (rc != TARN_OK) goto done;
    (void)strcpy(f.id, there.id);
    f.encrypted = there.encrypted; /* the keys are in the metadata, and in .tarn/keys from the first opening on */
    TARN_TRY(check_meta(&f, err));
    TARN_TRY(make_inside(folder, target, &f, NULL, err));
done:
    close_store(&s);
    return rc;
}
