/* SPDX-License-Identifier: Apache-2.0 */
/* mend.c - `format` and meta.db made again when they are lost or damaged.
 *
 * A new meta.db is built as meta.db-mended: the packs that are there, and every sound row of the damaged file. Then the
 * damaged file and its log are kept in .tarn/damaged, the old log is removed and the new file renamed into place. A
 * crash in between leaves meta.db-mended, which the next attempt takes.
 *
 * Packs that are elsewhere are listed there: a store belongs to one lake (make.c). Of a lake that has its metadata in
 * PostgreSQL nothing is mended here.
 *
 * An encrypted lake is mended without its key: rows are copied as they stand, sealed, and the sealed keys themselves
 * come from .tarn/keys or the store where the metadata has lost them. */
#include "lake/salvage.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/backends.h"
#include "lake/format.h"
#include "lake/wal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct mending {
    char inside[TARN_LAKE_PATH];
    tarn_say_fn *say;
    void *arg;
    int problems;
} mending;

static void say(void *arg, const char *line)
{
    mending *m = arg;
    if (m->say) m->say(m->arg, line);
}

static void say_problem(void *arg, const char *line)
{
    mending *m = arg;
    if (m->problems++ < 20) say(m, line);
}

static tarn_code find_inside(const char *folder, char inside[TARN_LAKE_PATH], tarn_err *err)
{
    char *real = realpath(folder, NULL);
    tarn_code rc = TARN_NOT_FOUND;

    if (!real) return TARN_FAIL_ERRNO(err, "find folder", folder);
    while (rc != TARN_OK && real[0]) {
        int n = snprintf(inside, TARN_LAKE_PATH, "%s/.tarn", real);
        if (n > 0 && n < TARN_LAKE_PATH - 80 && tarn_path_is_dir(inside)) rc = TARN_OK;
        *strrchr(real, '/') = '\0';
    }
    free(real);
    return rc == TARN_OK ? rc : TARN_FAIL(err, rc, "there is no lake in '%s' or above it", folder);
}

/* Keep what stands at inside/name in .tarn/damaged, under a further link or as a copy. */
static tarn_code keep(mending *m, const char *name, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 64], to[TARN_LAKE_PATH + 128], *bytes = NULL;
    size_t len = 0;

    TARN_TRY(tarn_path_join(path, sizeof path, m->inside, name, err));
    if (!tarn_path_exists(path)) goto done;
    TARN_TRY(tarn_damaged_path(m->inside, name, to, sizeof to, err));
    if (link(path, to) != 0) {
        TARN_TRY(tarn_file_read(path, SIZE_MAX, &bytes, &len, err));
        TARN_TRY(tarn_file_save(to, bytes, len, err));
    }
    char line[TARN_LAKE_PATH + 200];
    (void)snprintf(line, sizeof line, "the damaged %s is kept as %s", name, to);
    say(m, line);
done:
    tarn_free(bytes);
    return rc;
}

/* ---- format ---- */

/* *known false: the file is lost or damaged. What a newer tarn wrote is neither. */
static tarn_code read_format(const char *path, tarn_format *out, bool *known, tarn_err *err)
{
    char *text = NULL;
    size_t len = 0;
    tarn_err why = {0};
    tarn_code rc = tarn_file_read(path, TARN_FORMAT_MOST, &text, &len, &why);

    if (rc == TARN_OK) rc = tarn_format_read(text, len, path, out, &why);
    tarn_free(text);
    *known = rc == TARN_OK && out->store[0];
    if (rc == TARN_OK || rc == TARN_NOT_FOUND || rc == TARN_CORRUPT || rc == TARN_LIMIT) return TARN_OK;
    return TARN_FAIL(err, rc, "%s", why.msg);
}

/* Of a lake that is all in its own folder. */
static tarn_code write_format(const char *path, bool encrypted, tarn_format *out, tarn_err *err)
{
    tarn_text text = {0};

    *out = (tarn_format){.store = "disk:.", .encrypted = encrypted};
    tarn_code rc = tarn_format_write(out, true, &text, err);
    if (rc == TARN_OK) rc = tarn_file_save(path, text.data, text.len, err);
    tarn_text_clear(&text);
    return rc;
}

static bool there(const mending *m, const char *name)
{
    char path[TARN_LAKE_PATH + 64];

    (void)snprintf(path, sizeof path, "%s/%s", m->inside, name);
    return tarn_path_exists(path);
}

/* Is it an encrypted lake, by what is beside the lost format? Opening asks the metadata once more (sealed.c). */
static bool has_keys(const mending *m)
{
    char path[TARN_LAKE_PATH + 64], *text = NULL;
    tarn_meta *meta = NULL;

    if (there(m, "keys")) return true;
    (void)snprintf(path, sizeof path, "%s/meta.db", m->inside);
    if (!tarn_path_exists(path) || tarn_meta_open(path, false, &meta, NULL) != TARN_OK) return false;
    bool found = tarn_meta_fact_get(meta, "lake/keys", &text, NULL) == TARN_OK;
    tarn_free(text);
    tarn_meta_close(meta);
    return found;
}

static bool any_pack(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *e;
    bool found = false;

    while (dir && !found && (e = readdir(dir)) != NULL) found = strncmp(e->d_name, "p-", 2) == 0;
    if (dir) (void)closedir(dir);
    return found;
}

static tarn_code mend_format(mending *m, tarn_format *format, bool *mended, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 64], packs[TARN_LAKE_PATH + 64];
    bool known = false;

    TARN_TRY(tarn_path_join(path, sizeof path, m->inside, "format", err));
    TARN_TRY(read_format(path, format, &known, err));
    if (known) goto done;
    TARN_TRY(tarn_path_join(packs, sizeof packs, m->inside, "packs", err));
    if (!any_pack(packs) || !(there(m, "meta.db") || there(m, "meta.db-mended")))
        return TARN_FAIL(err, TARN_CORRUPT,
                         "the file 'format' of '%s' is lost or damaged, and there are no packs and meta.db beside it "
                         "that would tell what it said; copy 'format' from another copy of the lake",
                         m->inside);
    TARN_TRY(keep(m, "format", err));
    TARN_TRY(write_format(path, has_keys(m), format, err));
    say(m, "the lake's file 'format' is made again");
    *mended = true;
done:
    return rc;
}

/* ---- meta.db ---- */

static tarn_code meta_sound(mending *m, const char *path, bool *sound, tarn_err *err)
{
    tarn_meta *meta = NULL;
    tarn_err why = {0};
    tarn_code rc = TARN_OK;

    *sound = false;
    m->problems = 0;
    if (!tarn_path_exists(path)) {
        say(m, "meta.db is lost");
        return TARN_OK;
    }
    rc = tarn_meta_open(path, false, &meta, &why);
    if (rc == TARN_OK) rc = tarn_meta_check(meta, say_problem, m, &why);
    tarn_meta_close(meta);
    *sound = rc == TARN_OK && m->problems == 0;
    if (rc == TARN_CORRUPT) say(m, why.msg);
    return rc == TARN_OK || rc == TARN_CORRUPT ? TARN_OK : TARN_FAIL(err, rc, "%s", why.msg);
}

typedef struct entering {
    const tarn_backend *backend;
    void *packs;
    tarn_meta *meta;
    int n;
} entering;

/* What the pack's tail tells. */
static tarn_code enter_pack(void *arg, const char *blob, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    entering *in = arg;
    const char *name = blob + strlen("packs/");
    uint8_t bytes[TARN_PACK_TAIL];
    tarn_tail tail = {0};
    tarn_err why = {0};
    uint32_t num;

    if (strncmp(name, "p-", 2) != 0 || strlen(name) >= 60) return TARN_OK;
    if (size >= sizeof bytes) rc = in->backend->get(in->packs, blob, size - sizeof bytes, sizeof bytes, bytes, &why);
    if (rc == TARN_NOMEM || (in->backend->remote && rc != TARN_OK && rc != TARN_NOT_FOUND && rc != TARN_CORRUPT))
        return TARN_FAIL(err, rc, "%s", why.msg);
    if (size < sizeof bytes || rc != TARN_OK || tarn_tail_read(bytes, size, name, &tail, NULL) != TARN_OK)
        tail.records = 0;
    TARN_TRY(tarn_meta_pack_add(in->meta, name, size, tail.records, &num, err));
    in->n++;
done:
    return rc;
}

tarn_code tarn_salvage_enter(const tarn_backend *backend, void *packs, tarn_meta *meta, int *n, tarn_err *err)
{
    entering in = {.backend = backend, .packs = packs, .meta = meta};
    tarn_code rc = tarn_meta_begin(meta, err);

    if (rc == TARN_OK) rc = backend->list(packs, "packs/p-", enter_pack, &in, err);
    if (rc == TARN_OK) rc = tarn_meta_commit(meta, err);
    if (rc != TARN_OK) tarn_meta_rollback(meta);
    *n = in.n;
    return rc;
}

static tarn_code open_store(const mending *m, const tarn_format *format, const tarn_backend **backend, void **packs,
                            tarn_err *err)
{
    const char *rest = NULL;
    char where[TARN_LAKE_PATH + TARN_URL_CAP];
    tarn_code rc = tarn_backend_find(format->store, backend, &rest, err);

    if (rc != TARN_OK) return rc;
    bool local = strcmp((*backend)->name, "disk") == 0 && rest[0] != '/';
    bool here = local && strcmp(rest, ".") == 0;
    (void)snprintf(where, sizeof where, "%s%s%s", local ? m->inside : "", local && !here ? "/" : "", here ? "" : rest);
    return (*backend)->open(where, packs, err);
}

/* The new file gets the packs of the store, and the keys if it has none. */
static tarn_code from_store(mending *m, const tarn_format *format, tarn_meta *meta, int *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_backend *backend = NULL;
    void *packs = NULL;
    bool found = false;

    TARN_TRY(open_store(m, format, &backend, &packs, err));
    TARN_TRY(tarn_salvage_enter(backend, packs, meta, n, err));
    if (!format->encrypted) goto done;
    TARN_TRY(tarn_sealed_restore(m->inside, backend, packs, meta, &found, err));
    if (!found)
        rc = TARN_FAIL(err, TARN_CORRUPT,
                       "the sealed keys of the encrypted lake are lost: neither meta.db nor .tarn/keys has them; copy "
                       "the file 'keys' from another copy of .tarn to '%s' and repair again",
                       m->inside);
done:
    if (packs) backend->close(packs);
    return rc;
}

static void unlink_inside(const mending *m, const char *name)
{
    char path[TARN_LAKE_PATH + 64];

    (void)snprintf(path, sizeof path, "%s/%s", m->inside, name);
    (void)unlink(path); /* may not be there */
}

/* The sound rows of the damaged file. If its log has damage before acknowledged changes, they are read with what of the
 * log is sound. */
static tarn_code take_rows(mending *m, const char *path, tarn_meta *meta, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char healed[TARN_LAKE_PATH + 64], line[200];
    int64_t frames = 0, damaged = 0;
    tarn_err why = {0};

    rc = tarn_wal_check(path, &why);
    if (rc == TARN_OK) return tarn_meta_salvage(path, meta, say, m, err);
    if (rc != TARN_CORRUPT) return TARN_FAIL(err, rc, "%s", why.msg);
    TARN_TRY(tarn_path_join(healed, sizeof healed, m->inside, "meta.db-healed", err));
    TARN_TRY(tarn_wal_heal(path, healed, &frames, &damaged, err));
    (void)snprintf(line, sizeof line, "meta.db-wal: %lld pages are sound and used, %lld are not", (long long)frames,
                   (long long)damaged);
    say(m, line);
    rc = tarn_meta_salvage(healed, meta, say, m, err);
done:
    unlink_inside(m, "meta.db-healed");
    unlink_inside(m, "meta.db-healed-wal");
    unlink_inside(m, "meta.db-healed-shm");
    return rc;
}

/* Build the new file; it has its last name when it is whole. */
static tarn_code build(mending *m, const tarn_format *format, const char *path, const char *mended, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_meta *meta = NULL;
    char fresh[TARN_LAKE_PATH + 64], line[160];
    int n = 0;

    TARN_TRY(tarn_path_join(fresh, sizeof fresh, m->inside, "meta.db-new", err));
    unlink_inside(m, "meta.db-new");
    unlink_inside(m, "meta.db-new-wal");
    unlink_inside(m, "meta.db-new-shm");
    TARN_TRY(tarn_meta_create(fresh, format->id, err));
    TARN_TRY(tarn_meta_open(fresh, false, &meta, err));
    if (tarn_path_exists(path)) TARN_TRY(take_rows(m, path, meta, err));
    TARN_TRY(from_store(m, format, meta, &n, err));
    TARN_TRY(tarn_meta_settle(meta, err)); /* closing would not say that its log could not be written back */
    tarn_meta_close(meta);
    meta = NULL;
    if (rename(fresh, mended) != 0) return TARN_FAIL_ERRNO(err, "rename into", mended);
    TARN_TRY(tarn_dir_sync(m->inside, err));
    (void)snprintf(line, sizeof line,
                   "meta.db is made again: %d packs; 'tarn lake fsck --lost' lists commits without a name", n);
    say(m, line);
done:
    tarn_meta_close(meta);
    return rc;
}

/* What the note names, and how to have it again; there: as another commit. */
static void tell_noted(mending *m, const tarn_acked *noted, bool there)
{
    char line[700], hex[TARN_ID_HEX], again[300] = "";
    const char *own = strchr(noted->ref, '/');

    (void)tarn_id_hex(&noted->commit, hex);
    own = own ? own + 1 : noted->ref;
    if (strncmp(noted->ref, "heads/", 6) == 0)
        (void)snprintf(again, sizeof again, "; if the packs have it, 'tarn lake %s %.200s %.12s' puts it there again",
                       there ? "reset" : "branch", own, hex);
    else if (strncmp(noted->ref, "tags/", 5) == 0)
        (void)snprintf(again, sizeof again,
                       "; if the packs have it, 'tarn lake tag %.200s %.12s%s' puts it there again", own, hex,
                       there ? " --force" : "");
    (void)snprintf(line, sizeof line, "'%.200s' was at commit %s%s",
                   strncmp(noted->ref, "heads/", 6) == 0 ? own : noted->ref, hex, again);
    say(m, line);
}

/* What the note of acked.c tells beyond the metadata, and the note with it. */
static tarn_code take_note(mending *m, const char *path, bool *done_some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_meta *meta = NULL;
    tarn_acked noted;
    tarn_ref now = {.name = ""};

    if (!tarn_acked_read(m->inside, &noted)) return TARN_OK;
    TARN_TRY(tarn_meta_open(path, false, &meta, err));
    tarn_code ahead = tarn_acked_check(m->inside, meta, NULL);
    if (ahead != TARN_CORRUPT && !*done_some) goto done;
    if (ahead == TARN_CORRUPT)
        say(m, "meta.db lacks steps that were acknowledged: its log was cut or damaged at its end");
    *done_some = true;
    rc = tarn_meta_ref_get(meta, noted.ref, &now, err);
    if (rc != TARN_NOT_FOUND) TARN_TRY(rc);
    rc = TARN_OK;
    if (!tarn_id_none(&noted.commit) && !tarn_id_equal(&now.commit, &noted.commit)) {
        tell_noted(m, &noted, now.name[0] != '\0');
    }
    tarn_acked_forget(m->inside);
done:
    tarn_meta_close(meta);
    return rc;
}

static tarn_code mend_file(mending *m, const tarn_format *format, const char *path, bool *done_some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char mended[TARN_LAKE_PATH + 64];
    bool sound = false;

    TARN_TRY(tarn_path_join(mended, sizeof mended, m->inside, "meta.db-mended", err));
    if (!tarn_path_exists(mended)) {
        TARN_TRY(meta_sound(m, path, &sound, err));
        if (sound) goto done;
        TARN_TRY(build(m, format, path, mended, err));
    }
    TARN_TRY(keep(m, "meta.db", err));
    TARN_TRY(keep(m, "meta.db-wal", err));
    unlink_inside(m, "meta.db-wal"); /* it would be played into the new file */
    unlink_inside(m, "meta.db-shm");
    TARN_TRY(tarn_dir_sync(m->inside, err));
    if (rename(mended, path) != 0) return TARN_FAIL_ERRNO(err, "rename into", path);
    TARN_TRY(tarn_dir_sync(m->inside, err));
    *done_some = true;
done:
    return rc;
}

static tarn_code mend_meta(mending *m, const tarn_format *format, bool *done_some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 64];
    bool made = false;

    TARN_TRY(tarn_path_join(path, sizeof path, m->inside, "meta.db", err));
    TARN_TRY(mend_file(m, format, path, &made, err));
    TARN_TRY(take_note(m, path, &made, err));
    *done_some = *done_some || made;
done:
    return rc;
}

tarn_code tarn_lake_mend_meta(const char *folder, tarn_say_fn *fn, void *arg, bool *mended, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    mending m = {.say = fn, .arg = arg};
    tarn_format format = {.id = ""};

    *mended = false;
    TARN_TRY(find_inside(folder, m.inside, err));
    TARN_TRY(mend_format(&m, &format, mended, err));
    if (!format.meta[0]) TARN_TRY(mend_meta(&m, &format, mended, err));
done:
    return rc;
}
