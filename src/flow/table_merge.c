/* SPDX-License-Identifier: Apache-2.0 */
/* table_merge.c - see table_merge.h.
 *
 * Rules that refer to other tables are checked in the tree as it will be: another table there is what only one side
 * changed, or what was settled before, or is merged for the purpose. Both directions are looked at: what the merged
 * table refers to, and the tables that refer to it. */
#include "flow/table_merge.h"

#include "base/file.h"
#include "flow/declared.h"
#include "flow/rules_use.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_CAP = 4096 };

/* One question, while it is answered. */
typedef struct asked {
    tarn_table_merger *m;
    const char *path;
    char folder[PATH_CAP]; /* for the call's files */
    char merged[PATH_CAP + 32];
    tarn_db *db;
    tarn_text *why;
} asked;

/* ---- rows ---- */

typedef struct listed {
    const tarn_table_merger *m;
    tarn_text text;
    int64_t n, most;
} listed;

static void add_value(tarn_text *out, const char *value) { tarn_text_add(out, value ? value : "null"); }

/* "order_id 17 column price: 3 | 4 | 5" */
static tarn_code list_conflict(void *arg, const tarn_row_conflict *c, tarn_err *err)
{
    listed *l = arg;

    if (l->n++ >= l->most) return TARN_OK;
    tarn_text_add(&l->text, l->n > 1 ? "; " : "");
    for (int i = 0; i < c->n_key; i++)
        tarn_text_addf(&l->text, "%s %s ", c->key[i].column->name, c->key[i].after ? c->key[i].after : "null");
    tarn_text_addf(&l->text, "column %s: ", c->column);
    if (c->kind == TARN_CLASH_COLUMN) {
        tarn_text_add(&l->text, c->why);
        return l->m->conflict ? l->m->conflict(l->m->conflict_arg, c, err) : TARN_OK;
    }
    if (c->kind == TARN_CLASH_ADDED) tarn_text_add(&l->text, "no row");
    else add_value(&l->text, c->base);
    tarn_text_add(&l->text, " | ");
    if (c->kind == TARN_CLASH_OURS) tarn_text_add(&l->text, "row removed");
    else add_value(&l->text, c->ours);
    tarn_text_add(&l->text, " | ");
    if (c->kind == TARN_CLASH_THEIRS) tarn_text_add(&l->text, "row removed");
    else add_value(&l->text, c->theirs);
    return l->m->conflict ? l->m->conflict(l->m->conflict_arg, c, err) : TARN_OK;
}

static void say_conflicts(tarn_text *why, const tarn_rows_merged *out, const listed *l)
{
    if (out->conflict_columns)
        tarn_text_addf(why, "%lld column%s%s", (long long)out->conflict_columns, out->conflict_columns == 1 ? "" : "s",
                       out->conflict_rows ? " and " : "");
    if (out->conflict_rows)
        tarn_text_addf(why, "%lld row%s", (long long)out->conflict_rows, out->conflict_rows == 1 ? "" : "s");
    tarn_text_addf(why, ": %s%s", l->text.data ? l->text.data : "", l->n > l->most ? "; ..." : "");
}

static tarn_code cached(const asked *a, const tarn_entry *e, char path[PATH_CAP], tarn_err *err)
{
    return tarn_lake_cached(a->m->lake, &e->object.id, ".parquet", path, PATH_CAP, err);
}

/* Merge three entries (base may be NULL) into file `to`. Conflicts and data that cannot be merged: *done is false, and
 * why (may be NULL) says it. */
static tarn_code merge_rows(asked *a, const char *key, const tarn_entry *base, const tarn_entry *ours,
                            const tarn_entry *theirs, const char *to, bool *done, tarn_text *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char b[PATH_CAP] = "", o[PATH_CAP], t[PATH_CAP];
    listed l = {.m = a->m, .most = a->m->shown > 0 ? a->m->shown : 3};
    tarn_rows_merged out = {0};
    tarn_err said = {0};
    tarn_rows_merge_options options = {.key = key,
                                       .base_name = "base",
                                       .ours_name = "ours",
                                       .theirs_name = "theirs",
                                       .resolve = a->m->resolve,
                                       .limit = l.most + 1,
                                       .conflict = why ? list_conflict : NULL,
                                       .arg = &l};

    if (base) TARN_TRY(cached(a, base, b, err));
    TARN_TRY(cached(a, ours, o, err));
    TARN_TRY(cached(a, theirs, t, err));
    rc = tarn_rows_merge(a->db, base ? b : NULL, o, t, &options, to, &out, &said);
    *done = rc == TARN_OK && out.written;
    if (rc == TARN_INVALID) { /* the data's fault, not the merge's */
        rc = TARN_OK;
        if (why) tarn_text_add(why, said.msg);
    } else if (rc != TARN_OK) {
        if (err) *err = said;
    } else if (!out.written && why) {
        TARN_TRY(tarn_text_check(&l.text, err));
        say_conflicts(why, &out, &l);
    }
done:
    tarn_text_clear(&l.text);
    return rc;
}

/* ---- other tables, as the merged tree will have them ---- */

/* *there false: the commit has no such path. */
static tarn_code look(const asked *a, const tarn_id *commit, const char *path, tarn_entry *out, bool *there,
                      tarn_err *err)
{
    tarn_err none = {0};
    tarn_code rc = commit ? tarn_lake_lookup(a->m->lake, commit, path, out, &none) : TARN_NOT_FOUND;

    *there = rc == TARN_OK;
    if (rc == TARN_NOT_FOUND) return TARN_OK;
    if (rc != TARN_OK && err) *err = none;
    return rc;
}

static bool same(bool x_there, const tarn_entry *x, bool y_there, const tarn_entry *y)
{
    return x_there == y_there && (!x_there || tarn_id_equal(&x->object.id, &y->object.id));
}

/* Both sides changed it, and it was not asked about yet. */
static tarn_code merge_other(asked *a, const char *path, const tarn_entry *base, const tarn_entry *ours,
                             const tarn_entry *theirs, char out[PATH_CAP], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *key = tarn_declared_key(a->m->project, path);
    char to[PATH_CAP + 32];
    bool done = false;

    (void)snprintf(to, sizeof to, "%s/other.parquet", a->folder);
    (void)unlink(to);
    if (key) TARN_TRY(merge_rows(a, key, base, ours, theirs, to, &done, NULL, err));
    if (done) (void)snprintf(out, PATH_CAP, "%.*s", PATH_CAP - 1, to);
    else rc = cached(a, ours, out, err); /* a conflict by itself: the merge will not be without an answer to it */
done:
    return rc;
}

/* The file of table `path` in the merged tree; "" if it is not in it. */
static tarn_code other_table(asked *a, const char *path, char out[PATH_CAP], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_table_merger *m = a->m;
    tarn_entry e[3];
    bool there[3];
    const tarn_id *const commits[] = {m->base, m->ours, m->theirs};

    out[0] = '\0';
    if (strcmp(path, a->path) == 0) {
        (void)snprintf(out, PATH_CAP, "%.*s", PATH_CAP - 1, a->merged);
        return TARN_OK;
    }
    for (size_t i = 0; i < m->n_made; i++)
        if (strcmp(m->made[i].path, path) == 0) return cached(a, &m->made[i], out, err);
    for (int i = 0; i < 3; i++) TARN_TRY(look(a, commits[i], path, &e[i], &there[i], err));
    int which = same(there[0], &e[0], there[1], &e[1]) ? 2 : 1; /* what only theirs changed, or ours has */
    bool both = which == 1 && !same(there[0], &e[0], there[2], &e[2]) && !same(there[1], &e[1], there[2], &e[2]);
    if (both && there[1] && there[2]) rc = merge_other(a, path, there[0] ? &e[0] : NULL, &e[1], &e[2], out, err);
    else if (there[which]) rc = cached(a, &e[which], out, err);
done:
    return rc;
}

static tarn_code find_table(void *arg, const char *name, char *path, size_t cap, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    asked *a = arg;
    char lake_path[1040], file[PATH_CAP];

    (void)snprintf(lake_path, sizeof lake_path, "%.1020s.parquet", name);
    TARN_TRY(other_table(a, lake_path, file, err));
    if (!file[0]) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no table '%.200s' in what the merge makes", name);
    if ((size_t)snprintf(path, cap, "%s", file) >= cap) rc = TARN_FAIL(err, TARN_LIMIT, "path '%s' is too long", file);
done:
    return rc;
}

/* ---- rules ---- */

/* Hold a table against rules; *why gets the first that is broken. */
static tarn_code hold(tarn_db *db, const tarn_table_rules *rules, tarn_text *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_violation *found = NULL;
    int n = 0;
    char line[1100];
    tarn_err said = {0};

    rc = tarn_table_check(db, rules, &found, &n, &said);
    if (rc == TARN_NOT_FOUND || rc == TARN_INVALID) { /* a rule about a table or column that is not there */
        rc = TARN_OK;
        tarn_text_addf(why, "rows merge, but the rules cannot be held: %s", said.msg);
    } else if (rc != TARN_OK) {
        if (err) *err = said;
    } else if (n > 0) {
        tarn_violation_text(&found[0], line, sizeof line);
        tarn_text_addf(why, "rows merge, but %s", line);
    }
    tarn_free(found);
    return rc;
}

/* Keep only the references of `use` that lead to table `name`. */
static void keep_references(tarn_rules_use *use, const char *name)
{
    int n = 0;

    for (int i = 0; i < use->rules.n_references; i++)
        if (strcmp(use->references[i].table, name) == 0) use->references[n++] = use->references[i];
    use->rules.n_references = n;
}

/* Rules of other tables that refer to this one. */
static tarn_code check_referring(asked *a, tarn_db *db, const char *name, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_rules_use use = {0};
    char path[1040], file[PATH_CAP];
    const json_t *j;

    for (size_t i = 0; a->why->len == 0 && (j = tarn_declared_rules_at(a->m->project, i)); i++) {
        const char *other = tarn_json_text(j, "name", "");
        if (strcmp(other, name) == 0) continue;
        tarn_rules_close(&use);
        TARN_TRY(tarn_rules_open(j, &use, err));
        keep_references(&use, name);
        if (use.rules.n_references == 0) continue;
        (void)snprintf(path, sizeof path, "%.1020s.parquet", other);
        TARN_TRY(other_table(a, path, file, err));
        if (!file[0]) continue;
        tarn_table_rules only = {
            .name = use.rules.name, .references = use.references, .n_references = use.rules.n_references};
        TARN_TRY(hold(db, &only, a->why, err));
    }
done:
    tarn_rules_close(&use);
    return rc;
}

/* Nothing is added to why if all rules hold. */
static tarn_code check_rules(asked *a, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_rules_use use = {0};
    tarn_db *db = NULL;
    char name[1025];
    const json_t *rules = tarn_declared_rules(a->m->project, a->path);
    bool whole = a->m->ours && a->m->theirs;
    tarn_db_options options = {.threads = a->m->threads,
                               .memory_bytes = a->m->memory_bytes,
                               .spill_folder = a->folder,
                               .resolve = find_table,
                               .resolve_arg = a};

    (void)snprintf(name, sizeof name, "%.*s", (int)strlen(a->path) - 8, a->path);
    TARN_TRY(tarn_db_open(&options, &db, err));
    if (rules) {
        TARN_TRY(tarn_rules_open(rules, &use, err));
        if (!whole) use.rules.n_references = 0;
        TARN_TRY(hold(db, &use.rules, a->why, err));
    }
    if (whole && a->why->len == 0) TARN_TRY(check_referring(a, db, name, err));
done:
    tarn_rules_close(&use);
    tarn_db_close(db);
    return rc;
}

/* ---- the whole ---- */

static tarn_code remember(tarn_table_merger *m, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = tarn_resize(&m->made, m->n_made + 1, sizeof *m->made, err);

    if (rc == TARN_OK) m->made[m->n_made++] = *e;
    return rc;
}

static tarn_code store(asked *a, tarn_entry *merged, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *merged = (tarn_entry){.path = ""};
    (void)snprintf(merged->path, sizeof merged->path, "%s", a->path);
    TARN_TRY(tarn_lake_put_file(a->m->lake, a->merged, NULL, &merged->object, err));
    TARN_TRY(remember(a->m, merged, err));
done:
    return rc;
}

/* In a folder of its own; *why stays empty if the path is settled. */
static tarn_code answer(asked *a, const char *key, const tarn_entry *base, const tarn_entry *ours,
                        const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool done = false;
    tarn_db_options options = {.threads = a->m->threads, .memory_bytes = a->m->memory_bytes, .spill_folder = a->folder};

    TARN_TRY(tarn_db_open(&options, &a->db, err));
    TARN_TRY(merge_rows(a, key, base, ours, theirs, a->merged, &done, a->why, err));
    if (!done) goto done;
    TARN_TRY(check_rules(a, err));
    TARN_TRY(tarn_text_check(a->why, err));
    if (a->why->len > 0) goto done;
    TARN_TRY(store(a, merged, err));
    *settled = true;
done:
    tarn_db_close(a->db);
    return rc;
}

/* Why the path is not for us; NULL if it is. */
static const char *not_ours(const tarn_table_merger *m, const char *path, const tarn_entry *ours,
                            const tarn_entry *theirs, const char **key)
{
    size_t len = strlen(path);

    *key = NULL;
    if (!ours) return "ours removed it, theirs changed it";
    if (!theirs) return "theirs removed it, ours changed it";
    if (len < 9 || strcmp(path + len - 8, ".parquet") != 0) return "both sides changed it";
    if (m->project) *key = tarn_declared_key(m->project, path);
    return *key ? NULL
                : "both sides changed it, and its rows cannot be merged without a key: declare one under `tables`";
}

tarn_code tarn_table_merge(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                           const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_text *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_table_merger *m = arg;
    asked a = {.m = m, .path = path};
    tarn_text said = {0};
    const char *key = NULL, *reason = not_ours(m, path, ours, theirs, &key);

    *settled = false;
    if (reason) {
        tarn_text_add(why, reason);
        return tarn_text_check(why, err);
    }
    a.why = &said;
    int n = snprintf(a.folder, sizeof a.folder, "%s/step-rows%zx-%ld", tarn_lake_tmp_dir(m->lake), (size_t)m,
                     (long)getpid());
    if (n < 0 || (size_t)n >= sizeof a.folder) return TARN_FAIL(err, TARN_LIMIT, "path of the lake is too long");
    TARN_TRY(tarn_dir_make(a.folder, err));
    (void)snprintf(a.merged, sizeof a.merged, "%s/merged.parquet", a.folder);
    TARN_TRY(answer(&a, key, base, ours, theirs, merged, settled, err));
    if (said.data) tarn_text_add(why, said.data);
    TARN_TRY(tarn_text_check(why, err));
done:
    if (rc != TARN_OK) {
        *settled = false;
        tarn_err_note(err, "%s", path);
    }
    tarn_text_clear(&said);
    if (a.folder[0] && tarn_dir_remove(a.folder, rc == TARN_OK ? err : NULL) != TARN_OK && rc == TARN_OK) rc = TARN_IO;
    return rc;
}

void tarn_table_merger_clear(tarn_table_merger *m)
{
    tarn_free(m->made);
    m->made = NULL;
    m->n_made = 0;
}
