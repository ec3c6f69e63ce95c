/* SPDX-License-Identifier: Apache-2.0 */
/* mend.c - `format` and meta.db made again when they are lost or damaged.
 *
 * A new meta.db is built as meta.db-mended: the packs that are there, and every sound row of the damaged file. Then the
 * damaged file and its log are kept in .tarn/damaged, the old log is removed and the new file renamed into place. A
 * crash in between leaves meta.db-mended, which the next attempt takes.
 *
 * Of a lake that has its metadata in PostgreSQL nothing is mended here; of one that has its packs elsewhere meta.db is
 * not made again: its packs are not listed from here. */
#include "lake/salvage.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/format.h"

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
static tarn_code write_format(const char *path, tarn_format *out, tarn_err *err)
{
    tarn_text text = {0};

    *out = (tarn_format){.store = "disk:."};
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
    TARN_TRY(write_format(path, format, err));
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

/* What the pack's tail tells; a damaged one is entered too, so that it is told and repaired. */
static tarn_code enter_pack(tarn_meta *meta, const char *folder, const char *name, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 400];
    tarn_mapped map = {.bytes = ""};
    tarn_tail tail = {0};
    uint32_t num;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    TARN_TRY(tarn_map_open(path, &map, err));
    if (map.len >= TARN_PACK_TAIL &&
        tarn_tail_read((const uint8_t *)map.bytes + map.len - TARN_PACK_TAIL, map.len, name, &tail, NULL) != TARN_OK)
        tail.records = 0;
    TARN_TRY(tarn_meta_pack_add(meta, name, map.len, tail.records, &num, err));
done:
    tarn_map_close(&map);
    return rc;
}

static tarn_code enter_packs(mending *m, tarn_meta *meta, int *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char folder[TARN_LAKE_PATH + 64];
    struct dirent *e;

    TARN_TRY(tarn_path_join(folder, sizeof folder, m->inside, "packs", err));
    DIR *dir = opendir(folder);
    if (!dir) return errno == ENOENT ? TARN_OK : TARN_FAIL_ERRNO(err, "read folder", folder);
    rc = tarn_meta_begin(meta, err);
    while (rc == TARN_OK && (e = readdir(dir)) != NULL) {
        if (strncmp(e->d_name, "p-", 2) != 0 || strlen(e->d_name) >= 60) continue;
        rc = enter_pack(meta, folder, e->d_name, err);
        ++*n;
    }
    if (rc == TARN_OK) rc = tarn_meta_commit(meta, err);
    (void)closedir(dir);
done:
    return rc;
}

static void unlink_inside(const mending *m, const char *name)
{
    char path[TARN_LAKE_PATH + 64];

    (void)snprintf(path, sizeof path, "%s/%s", m->inside, name);
    (void)unlink(path); /* may not be there */
}

/* Build the new file; it has its last name when it is whole. */
static tarn_code build(mending *m, const char *path, const char *mended, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_meta *meta = NULL;
    char fresh[TARN_LAKE_PATH + 64], line[100];
    int n = 0;

    TARN_TRY(tarn_path_join(fresh, sizeof fresh, m->inside, "meta.db-new", err));
    unlink_inside(m, "meta.db-new");
    unlink_inside(m, "meta.db-new-wal");
    unlink_inside(m, "meta.db-new-shm");
    TARN_TRY(tarn_meta_create(fresh, "", err));
    TARN_TRY(tarn_meta_open(fresh, false, &meta, err));
    TARN_TRY(enter_packs(m, meta, &n, err));
    if (tarn_path_exists(path)) TARN_TRY(tarn_meta_salvage(path, meta, say, m, err));
    TARN_TRY(tarn_meta_settle(meta, err)); /* closing would not say that its log could not be written back */
    tarn_meta_close(meta);
    meta = NULL;
    if (rename(fresh, mended) != 0) return TARN_FAIL_ERRNO(err, "rename into", mended);
    TARN_TRY(tarn_dir_sync(m->inside, err));
    (void)snprintf(line, sizeof line, "meta.db is made again: %d packs", n);
    say(m, line);
done:
    tarn_meta_close(meta);
    return rc;
}

static tarn_code mend_meta(mending *m, const tarn_format *format, bool *done_some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 64], mended[TARN_LAKE_PATH + 64];
    bool sound = false;

    TARN_TRY(tarn_path_join(path, sizeof path, m->inside, "meta.db", err));
    TARN_TRY(tarn_path_join(mended, sizeof mended, m->inside, "meta.db-mended", err));
    if (!tarn_path_exists(mended)) {
        TARN_TRY(meta_sound(m, path, &sound, err));
        if (sound) goto done;
        if (!tarn_format_is_local(format))
            return TARN_FAIL(
                err, TARN_UNSUPPORTED,
                "meta.db of '%s' cannot be made again here, since its packs are in %.200s; restore meta.db "
                "from a copy",
                m->inside, format->store);
        TARN_TRY(build(m, path, mended, err));
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

tarn_code tarn_lake_mend_meta(const char *folder, tarn_say_fn *fn, void *arg, bool *mended, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    mending m = {.say = fn, .arg = arg};
    tarn_format format = {.id = ""};
    char keys[TARN_LAKE_PATH + 16];

    *mended = false;
    TARN_TRY(find_inside(folder, m.inside, err));
    (void)snprintf(keys, sizeof keys, "%s/keys", m.inside);
    if (tarn_path_exists(keys)) goto done; /* encrypted: tarn_lake_repair says no */
    TARN_TRY(mend_format(&m, &format, mended, err));
    if (!format.meta[0]) TARN_TRY(mend_meta(&m, &format, mended, err));
done:
    return rc;
}
