/* SPDX-License-Identifier: Apache-2.0 */
/* lake_db.c - tables of the lake by name, for SQL and for people. See flow.h. */
#include "flow/flow.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* Look for path, then for path.parquet. */
static tarn_code look(tarn_lake *lake, const tarn_id *commit, const char *path, tarn_entry *out, tarn_err *err)
{
    char with[1040];
    tarn_code rc = tarn_lake_lookup(lake, commit, path, out, err);

    if (rc != TARN_NOT_FOUND) return rc;
    (void)snprintf(with, sizeof with, "%s.parquet", path);
    return strlen(with) < 1025 ? tarn_lake_lookup(lake, commit, with, out, err) : rc;
}

typedef struct known_tables {
    tarn_text text;
    int n;
} known_tables;

static tarn_code name_table(void *arg, const tarn_entry *e, tarn_err *err)
{
    known_tables *k = arg;
    size_t len = strlen(e->path);

    (void)err;
    if (len <= 8 || strcmp(e->path + len - 8, ".parquet") != 0) return TARN_OK;
    tarn_text_addf(&k->text, "%s%.*s", k->n ? ", " : "", (int)(len - 8), e->path);
    return ++k->n < 12 ? TARN_OK : TARN_CANCELLED;
}

/* commit NULL: the branch has none yet. */
static tarn_code no_such_table(tarn_lake *lake, const tarn_id *commit, const char *where, const char *name,
                               tarn_err *err)
{
    known_tables k = {0};
    tarn_code rc = commit ? tarn_lake_list(lake, commit, "", "", 0, name_table, &k, NULL) : TARN_NOT_FOUND;

    (void)rc;
    rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no table '%.100s' %s%s%.300s", name, where, k.n ? "; there are " : "",
                   k.n && k.text.data ? k.text.data : "");
    tarn_text_clear(&k.text);
    return rc;
}

tarn_code tarn_lake_table(tarn_lake *lake, const char *branch, const char *name, tarn_entry *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[300], path[1025], where[100];
    tarn_id head, commit;
    bool dated = strstr(name, "@{") != NULL;

    (void)snprintf(ref, sizeof ref, "heads/%.200s", branch);
    bool there = tarn_lake_ref_get(lake, ref, &head, NULL) == TARN_OK;
    if (there && strlen(name) < 1025 && !dated) {
        rc = look(lake, &head, name, out, err);
        if (rc != TARN_NOT_FOUND && rc != TARN_INVALID) return rc;
    }
    rc = tarn_lake_resolve_path(lake, name, &commit, path, err);
    if (rc == TARN_OK && path[0]) {
        rc = look(lake, &commit, path, out, err);
        return rc == TARN_NOT_FOUND ? no_such_table(lake, &commit, "in that commit", name, err) : rc;
    }
    if (dated && rc != TARN_OK) return rc; /* the moment is at fault */
    (void)snprintf(where, sizeof where, "on branch '%.60s'", branch);
    return no_such_table(lake, there ? &head : NULL, where, name, err);
}

static tarn_code resolve(void *arg, const char *name, char *path, size_t cap, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake_db *db = arg;
    tarn_entry entry;

    TARN_TRY(tarn_lake_table(db->lake, db->branch, name, &entry, err));
    TARN_TRY(tarn_lake_cached(db->lake, &entry.object.id, ".parquet", path, cap, err));
done:
    return rc;
}

tarn_code tarn_lake_db_open(tarn_lake *lake, const char *branch, int threads, bool untrusted, tarn_lake_db *out,
                            tarn_err *err)
{
    *out = (tarn_lake_db){.lake = lake, .branch = branch};
    tarn_db_options options = {.threads = threads, .resolve = resolve, .resolve_arg = out, .untrusted = untrusted};
    return tarn_db_open(&options, &out->db, err);
}

void tarn_lake_db_close(tarn_lake_db *db)
{
    tarn_db_close(db->db);
    db->db = NULL;
}
