/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c - uniting indexes, so that looking up a chunk asks few of them however many packs there are.
 *
 * When there are FEW_PACKS packs in no run, or one with many records, their indexes are united into a run: a
 * mapped file in .tarn/index, and with shared metadata a blob of the store too, from which the others fetch it. Older
 * runs join while they are at most twice as large as what joins so far, so each remaining run is more than twice as
 * large as all smaller ones together: there are at most log2(ids) of them, and an id is copied O(log ids) times in its
 * life. Packs themselves are not touched; a run can be made again from them at any time. */
#include "lake/inside.h"

#include "base/mem.h"
#include "lake/place.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FEW_PACKS = 16, MANY_RECORDS = 4096 };

static bool worth_it(const tarn_lake *lake)
{
    int packs = 0;

    for (size_t i = 0; i < lake->n_segments; i++) {
        const tarn_segment *s = &lake->segments[i];
        if (s->damage[0]) return false;
        if (s->row.run || s->row.num == 0) continue;
        packs++;
        if (s->index.n > MANY_RECORDS) return true;
    }
    return packs >= FEW_PACKS;
}

static int by_size(const void *a, const void *b)
{
    const tarn_segment *x = *(tarn_segment *const *)a, *y = *(tarn_segment *const *)b;
    if (x->row.run != y->row.run) return x->row.run ? 1 : -1;
    return x->index.n < y->index.n ? -1 : x->index.n > y->index.n;
}

/* The segments that join, packs first, then runs from the smallest. *total is the number of their entries. */
static size_t choose(tarn_lake *lake, tarn_segment **out, size_t *total)
{
    size_t n = 0, joining = 0;

    for (size_t i = 0; i < lake->n_segments; i++)
        if (lake->segments[i].row.num != 0) out[n++] = &lake->segments[i];
    qsort(out, n, sizeof(tarn_segment *), by_size);
    *total = 0;
    while (joining < n && (!out[joining]->row.run || out[joining]->index.n <= 2 * *total))
        *total += out[joining++]->index.n;
    return joining;
}

static tarn_code gather(tarn_segment *const *segments, size_t n, tarn_indexed *out, size_t *kept, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *kept = 0;
    for (size_t i = 0; i < n; i++) {
        const tarn_segment *s = segments[i];
        for (uint32_t k = 0; k < s->index.n; k++) {
            tarn_indexed *e = &out[*kept];
            TARN_TRY(tarn_index_at(&s->index, k, s->row.name, e, err));
            if (!s->row.run) e->where.pack = s->row.num;
            (*kept)++;
        }
    }
done:
    return rc;
}

static tarn_code write_run(tarn_lake *lake, const uint8_t *bytes, size_t len, char name[64], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_place place = {.fd = -1};
    tarn_id id;
    char hex[TARN_ID_HEX], path[TARN_LAKE_PATH + 80];

    TARN_TRY(tarn_digest(bytes, len, &id, err));
    (void)snprintf(name, 64, "r-%.32s", tarn_id_hex(&id, hex));
    if (strcmp(lake->store_url, "disk:.") == 0 &&
        lake->backend->put_begin) { /* it is the same, with both syncs at once */
        (void)snprintf(path, sizeof path, "index/%s", name);
        return lake->backend->put(lake->packs, path, bytes, len, err);
    }
    (void)snprintf(path, sizeof path, "%s/index/%s", lake->inside, name);
    TARN_TRY(tarn_place_open(lake, &place, err));
    TARN_TRY(tarn_place_write(&place, bytes, len, err));
    TARN_TRY(tarn_place_commit(&place, path, err));
    if (!tarn_runs_are_shared(lake) || strcmp(lake->store_url, "disk:.") == 0) goto done;
    (void)snprintf(path, sizeof path, "index/%s", name); /* before the metadata name it */
    TARN_TRY(lake->backend->put(lake->packs, path, bytes, len, err));
done:
    tarn_place_close(&place);
    return rc;
}

/* Inside the transaction. */
static tarn_code enter_run(tarn_lake *lake, const char *name, uint64_t records, tarn_segment *const *joining, size_t n,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t run = 0;

    TARN_TRY(tarn_meta_run_add(lake->meta, name, records, &run, err));
    for (size_t i = 0; i < n; i++) TARN_TRY(tarn_meta_run_absorb(lake->meta, run, &joining[i]->row, err));
done:
    return rc;
}

static tarn_code unite(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_segment **joining = NULL;
    tarn_indexed *entries = NULL;
    uint8_t *bytes = NULL;
    size_t total = 0, kept = 0, len = 0;
    char name[64], path[TARN_LAKE_PATH + 80];

    TARN_TRY(tarn_store_load(lake, err)); /* another process may have done it */
    if (!worth_it(lake)) goto done;
    TARN_TRY(tarn_alloc(&joining, lake->n_segments, sizeof *joining, err));
    size_t n = choose(lake, joining, &total);
    TARN_TRY(tarn_alloc(&entries, total, sizeof *entries, err));
    TARN_TRY(gather(joining, n, entries, &kept, err));
    TARN_TRY(tarn_index_build(entries, kept, &bytes, &len, err));
    TARN_TRY(write_run(lake, bytes, len, name, err));
    TARN_TRY(enter_run(lake, name, tarn_index_count(bytes), joining, n, err));
    TARN_TRY(tarn_meta_commit(lake->meta, err));
    for (size_t i = 0; i < n; i++) {
        if (!joining[i]->row.run || strcmp(joining[i]->row.name, name) == 0) continue;
        (void)snprintf(path, sizeof path, "%s/index/%s", lake->inside, joining[i]->row.name);
        (void)unlink(path); /* else it only takes space */
        (void)snprintf(path, sizeof path, "index/%s", joining[i]->row.name);
        if (tarn_runs_are_shared(lake) && lake->backend->remove(lake->packs, path, NULL) != TARN_OK) continue;
    }
    rc = tarn_store_load(lake, err);
done:
    tarn_free(joining);
    tarn_free(entries);
    tarn_free(bytes);
    return rc;
}

/* Runs that other servers have united since are no use any more; one that is, is fetched again. */
void tarn_runs_sweep(tarn_lake *lake)
{
    char path[TARN_LAKE_PATH + 8];
    struct dirent *e;

    /* where the store is .tarn itself, these are the runs, not copies of them */
    if (!tarn_runs_are_shared(lake) || lake->readonly || strcmp(lake->store_url, "disk:.") == 0) return;
    (void)snprintf(path, sizeof path, "%s/index", lake->inside);
    DIR *dir = opendir(path);
    while (dir && (e = readdir(dir)) != NULL) {
        bool used = strncmp(e->d_name, "r-", 2) != 0;
        for (size_t i = 0; i < lake->n_segments && !used; i++)
            used = strcmp(lake->segments[i].row.name, e->d_name) == 0;
        if (!used) (void)unlinkat(dirfd(dir), e->d_name, 0); /* else it only takes space */
    }
    if (dir) (void)closedir(dir);
}

void tarn_store_tidy(tarn_lake *lake)
{
    if (!worth_it(lake) || tarn_meta_begin(lake->meta, NULL) != TARN_OK) return;
    tarn_code rc = unite(lake, NULL);
    (void)rc;                       /* if it failed, the next commit tries again */
    tarn_meta_rollback(lake->meta); /* where it stopped before the commit */
}
