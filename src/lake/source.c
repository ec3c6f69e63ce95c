/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - places to repair from. See care.h.
 *
 * Packs tell themselves what is in them. So a store of which there is no metadata is read through a lake that is made
 * around it: a scratch folder with a .tarn whose meta.db names every pack that the store lists. Damaged packs are among
 * them; what is read from there has to have the right hash anyway. */
#include "lake/salvage.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/backends.h"
#include "lake/format.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a lake around a store ---- */

static tarn_code new_scratch(const tarn_lake *lake, char out[TARN_LAKE_PATH], tarn_err *err)
{
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(out, TARN_LAKE_PATH - 100, "%s/source-%ld-%d", lake->tmp, (long)getpid(), i);
        if (n < 0 || n >= TARN_LAKE_PATH - 100) return TARN_FAIL(err, TARN_LIMIT, "the path of the lake is too long");
        if (!tarn_path_exists(out)) return tarn_dir_make(out, err);
    }
    return TARN_FAIL(err, TARN_EXISTS, "'%s' and 1,000 like it are there already; remove them", out);
}

static tarn_code name_packs(const char *path, const tarn_format *f, int *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_backend *backend = NULL;
    const char *rest = NULL;
    void *packs = NULL;
    tarn_meta *meta = NULL;

    TARN_TRY(tarn_backend_find(f->store, &backend, &rest, err));
    TARN_TRY(backend->open(rest, &packs, err));
    TARN_TRY(tarn_meta_create(path, "", err));
    TARN_TRY(tarn_meta_open(path, false, &meta, err));
    rc = tarn_salvage_enter(backend, packs, meta, n, err);
done:
    tarn_meta_close(meta);
    if (packs) backend->close(packs);
    return rc;
}

static tarn_code write_format(const char *inside, const tarn_format *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text text = {0};
    char path[TARN_LAKE_PATH];

    TARN_TRY(tarn_format_write(f, true, &text, err));
    TARN_TRY(tarn_path_join(path, sizeof path, inside, "format", err));
    rc = tarn_file_save(path, text.data, text.len, err);
done:
    tarn_text_clear(&text);
    return rc;
}

static tarn_code open_around(tarn_lake *lake, const char *url, tarn_lake **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_format f = {.encrypted = lake->ring != NULL};
    char folder[TARN_LAKE_PATH] = "", inside[TARN_LAKE_PATH], path[TARN_LAKE_PATH];
    int n = 0;

    if (strlen(url) >= sizeof f.store || strpbrk(url, "\"\\"))
        return TARN_FAIL(err, TARN_INVALID, "'%.100s' cannot be the URL of a store", url);
    (void)strcpy(f.store, url);
    TARN_TRY(new_scratch(lake, folder, err));
    TARN_TRY(tarn_path_join(inside, sizeof inside, folder, ".tarn", err));
    TARN_TRY(tarn_dir_make(inside, err));
    TARN_TRY(tarn_path_join(path, sizeof path, inside, "meta.db", err));
    TARN_TRY(name_packs(path, &f, &n, err));
    if (n == 0) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "there are no packs of a lake in it");
        goto done;
    }
    TARN_TRY(write_format(inside, &f, err));
    TARN_TRY(tarn_lake_open_with(folder, &(tarn_lake_key){.as = lake}, out, err));
    (*out)->scratch = true;
done:
    if (rc != TARN_OK && folder[0] && tarn_dir_remove(folder, NULL) != TARN_OK) tarn_err_note(err, "%.100s", url);
    return rc;
}

/* ---- folders ---- */

static bool has_folder(const char *folder, const char *name)
{
    char path[TARN_LAKE_PATH];

    return tarn_path_join(path, sizeof path, folder, name, NULL) == TARN_OK && tarn_path_is_dir(path);
}

static tarn_code around_folder(tarn_lake *lake, const char *folder, const char *name, tarn_lake **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH], url[TARN_LAKE_PATH + 8];

    TARN_TRY(tarn_path_join(path, sizeof path, folder, name, err));
    char *real = realpath(path, NULL);
    if (!real) return TARN_FAIL_ERRNO(err, "find folder", path);
    (void)snprintf(url, sizeof url, "disk:%.*s", TARN_LAKE_PATH - 1, real);
    free(real);
    rc = open_around(lake, url, out, err);
done:
    return rc;
}

static tarn_code open_lake(tarn_lake *lake, const char *folder, tarn_lake **out, tarn_say_fn *say, void *arg,
                           tarn_err *err)
{
    tarn_err why = {0};
    char line[600], inside[TARN_LAKE_PATH];
    tarn_code rc = tarn_lake_open_with(folder, &(tarn_lake_key){.as = lake}, out, &why);

    (void)snprintf(inside, sizeof inside, "%.*s/.tarn", TARN_LAKE_PATH - 8, folder);
    if ((rc != TARN_CORRUPT && rc != TARN_NOT_FOUND) || !has_folder(inside, "packs"))
        return rc == TARN_OK ? rc : TARN_FAIL(err, rc, "%s", why.msg);
    (void)snprintf(line, sizeof line, "of the copy '%.200s' only the packs are used: %.232s", folder, why.msg);
    if (say) say(arg, line);
    return around_folder(lake, folder, ".tarn", out, err);
}

tarn_code tarn_lake_source_open(tarn_lake *lake, const char *where, tarn_lake **out, tarn_say_fn *say, void *arg,
                                tarn_err *err)
{
    const tarn_backend *backend = NULL;
    const char *rest = NULL, *folder = strncmp(where, "file://", 7) == 0 ? where + 7 : where;

    *out = NULL;
    if (strncmp(where, "disk:", 5) == 0) return around_folder(lake, where + 5, "", out, err);
    if (folder == where && strstr(where, "://")) {
        tarn_code rc = tarn_backend_find(where, &backend, &rest, err);
        return rc == TARN_OK ? open_around(lake, where, out, err) : rc;
    }
    if (!tarn_path_is_dir(folder)) return TARN_FAIL(err, TARN_NOT_FOUND, "folder '%.200s' is not there", folder);
    if (has_folder(folder, ".tarn")) return open_lake(lake, folder, out, say, arg, err);
    return has_folder(folder, "packs") ? around_folder(lake, folder, "", out, err) : TARN_OK;
}
