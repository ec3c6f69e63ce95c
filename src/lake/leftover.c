/* SPDX-License-Identifier: Apache-2.0 */
/* leftover.c - files that nobody names: packs, runs, cached copies. See gc.c.
 *
 * A pack that meta.db does not name was left by a process that died, or is about to be named by one that lives. How
 * long it has been there is not asked of the place where packs live: the first call that sees it notes the time (fact
 * gc/leftovers, JSON), a call that sees it later than the time allowed unlinks it, inside a transaction. */
#include "lake/gc.h"

#include "base/json.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char fact[] = "gc/leftovers";

/* Is a pack of that name none of meta.db's? */
static tarn_code unnamed(tarn_lake *lake, const char *name, bool *yes, tarn_err *err)
{
    uint32_t num;
    tarn_code rc = tarn_meta_pack_num(lake->meta, name, &num, err);

    *yes = rc == TARN_NOT_FOUND;
    return *yes ? TARN_OK : rc;
}

/* In a transaction. */
static tarn_code unlink_pack(tarn_lake *lake, const char *name, tarn_err *err)
{
    char blob[80];
    bool yes = false;
    tarn_code rc = unnamed(lake, name, &yes, err);

    if (rc != TARN_OK || !yes) return rc;
    (void)snprintf(blob, sizeof blob, "packs/%.64s", name);
    rc = lake->backend->remove(lake->packs, blob, err);
    if (rc == TARN_IO && !lake->backend->remote) lake->broken = true; /* its folder could not be synced, perhaps */
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

tarn_code tarn_gc_unlink(tarn_gcing *g, const tarn_gc_pack *packs, size_t n, tarn_err *err)
{
    tarn_code rc = tarn_tx_begin(g->lake, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < n && rc == TARN_OK; i++)
        if (packs[i].drop) rc = unlink_pack(g->lake, packs[i].row.name, err);
    return tarn_tx_end(g->lake, rc, err);
}

/* ---- packs ---- */

typedef struct looking {
    tarn_gcing *g;
    const json_t *before; /* name -> time first seen */
    json_t *now, *due;    /* those that stay for now; name -> size of those to go */
} looking;

static tarn_code look_at(void *arg, const char *blob, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    looking *l = arg;
    const char *name = strrchr(blob, '/') ? strrchr(blob, '/') + 1 : blob;
    bool yes = false;

    TARN_TRY(unnamed(l->g->lake, name, &yes, err));
    if (!yes) goto done;
    const json_t *seen = json_object_get(l->before, name);
    int64_t first = json_is_integer(seen) ? (int64_t)json_integer_value(seen) : l->g->now_us;
    bool due = first <= l->g->now_us - l->g->leftovers_us;
    TARN_TRY(tarn_json_set(due ? l->due : l->now, name, json_integer(due ? (json_int_t)size : (json_int_t)first), err));
done:
    return rc;
}

static tarn_code read_before(tarn_gcing *g, json_t **out, tarn_err *err)
{
    char *text = NULL;
    tarn_code rc = tarn_meta_fact_get(g->lake->meta, fact, &text, err);

    *out = NULL;
    if (rc == TARN_OK && tarn_json_read(text, strlen(text), fact, out, NULL) != TARN_OK) *out = NULL;
    tarn_free(text);
    if (!*out) *out = json_object();
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

/* In a transaction. */
static tarn_code packs_left(tarn_gcing *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *before = NULL, *size;
    looking l = {.g = g, .now = json_object(), .due = json_object()};
    const char *name;
    char *text = NULL;

    TARN_TRY(read_before(g, &before, err));
    l.before = before;
    TARN_TRY(g->lake->backend->list(g->lake->packs, "packs/p-", look_at, &l, err));
    json_object_foreach(l.due, name, size)
    {
        g->out->leftovers++;
        g->out->leftover_bytes += (int64_t)json_integer_value(size);
        if (!g->dry_run) TARN_TRY(unlink_pack(g->lake, name, err));
    }
    if (g->dry_run || json_equal(before, l.now)) goto done;
    TARN_TRY(tarn_json_compact(l.now, &text, err));
    TARN_TRY(tarn_meta_fact_set(g->lake->meta, fact, text, err));
done:
    json_decref(before);
    json_decref(l.now);
    json_decref(l.due);
    tarn_free(text);
    return rc;
}

/* ---- runs ---- */

static tarn_code note_run(void *arg, const tarn_pack_row *row, tarn_err *err)
{
    return row->run ? tarn_json_set(arg, row->name, json_true(), err) : TARN_OK;
}

/* In a transaction: runs are written in one (merge.c), so that none is about to be named. */
static tarn_code runs_left(tarn_gcing *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *named = json_object();
    char path[TARN_LAKE_PATH + 8];
    struct dirent *e;
    DIR *dir = NULL;

    TARN_TRY(tarn_meta_indexes(g->lake->meta, note_run, named, err));
    (void)snprintf(path, sizeof path, "%s/index", g->lake->inside);
    dir = opendir(path);
    while (dir && (e = readdir(dir)) != NULL)
        if (strncmp(e->d_name, "r-", 2) == 0 && !json_object_get(named, e->d_name) && !g->dry_run)
            (void)unlinkat(dirfd(dir), e->d_name, 0); /* it only takes space */
done:
    if (dir) (void)closedir(dir);
    json_decref(named);
    return rc;
}

/* ---- cached copies ---- */

/* Copies of objects that are gone, not used for as long as the grace. */
static tarn_code cached_left(tarn_gcing *g, const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    struct dirent *e;
    struct stat st;
    DIR *dir = opendir(folder);
    tarn_id id;
    tarn_where where;
    bool found = false;

    if (!dir) return TARN_OK;
    while ((e = readdir(dir)) != NULL) {
        if (strlen(e->d_name) < 2 * TARN_ID_BYTES || !tarn_id_parse(e->d_name, 2 * TARN_ID_BYTES, &id)) continue;
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) continue;
        if ((int64_t)st.st_ctime * 1000000 > g->now_us - g->grace_us) continue;
        TARN_TRY(tarn_store_find(g->lake, &id, &where, &found, err));
        if (found) continue;
        g->out->cached++;
        g->out->cached_bytes += st.st_size;
        if (!g->dry_run) (void)unlinkat(dirfd(dir), e->d_name, 0); /* it only takes space */
    }
done:
    (void)closedir(dir);
    return rc;
}

static tarn_code caches_left(tarn_gcing *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 96];

    for (int i = 0; i < 256; i++) {
        (void)snprintf(path, sizeof path, "%s/objects/%02x", g->lake->cache, (unsigned)i);
        TARN_TRY(cached_left(g, path, err));
    }
    (void)snprintf(path, sizeof path, "%s/columns", g->lake->cache);
    TARN_TRY(cached_left(g, path, err));
done:
    return rc;
}

tarn_code tarn_gc_leftovers(tarn_gcing *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (g->dry_run) {
        tarn_lake_lock(g->lake);
        rc = packs_left(g, err);
        tarn_lake_unlock(g->lake);
    } else {
        TARN_TRY(tarn_tx_begin(g->lake, err));
        rc = packs_left(g, err);
        if (rc == TARN_OK) rc = runs_left(g, err);
        rc = tarn_tx_end(g->lake, rc, err);
    }
    if (rc == TARN_OK) rc = caches_left(g, err);
done:
    return rc;
}
