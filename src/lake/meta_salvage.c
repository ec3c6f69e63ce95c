/* SPDX-License-Identifier: Apache-2.0 */
/* meta_salvage.c - sound rows out of a damaged meta.db into a new one.
 *
 * Each table is read from its start until a page cannot be read, then from its end, so that one damaged page costs what
 * is on it. A disk that fails meanwhile is no damage: it must not make rows look lost. */
#include "lake/meta.h"
#include "lake/meta_db.h"

#include <stdio.h>
#include <string.h>

/* Columns in the order of the statement that reads all rows, with what they are (t text, i integer, b bytes
 * or NULL), and what numbers the rows. */
typedef struct copied_table {
    const char *name, *columns, *types, *order, *backwards;
} copied_table;

typedef void say_fn(void *arg, const char *line);

typedef struct copying {
    const tarn_meta_driver *driver;
    void *from, *to;
    const copied_table *table;
    int64_t sound, damaged;
    bool cut; /* reading stopped at damage */
} copying;

/* ---- statements ---- */

static tarn_code run(const copying *c, void *db, const char *sql, tarn_err *err)
{
    void *st = NULL;
    bool row = false;
    tarn_code rc = c->driver->prepare(db, sql, &st, err);

    if (rc == TARN_OK) rc = c->driver->start(st, NULL, 0, err);
    if (rc == TARN_OK) rc = c->driver->step(st, &row, err);
    c->driver->drop(st);
    return rc;
}

static tarn_code insert(const copying *c, void *into, const tarn_meta_value *v, int n, tarn_err *err)
{
    bool row = false;
    tarn_code rc = c->driver->start(into, v, n, err);

    return rc == TARN_OK ? c->driver->step(into, &row, err) : rc;
}

static tarn_code insert_row(const copying *c, void *row, void *into, tarn_err *err)
{
    tarn_meta_value v[TARN_META_VALUES] = {{0}};
    int n = 0;

    for (; c->table->types[n]; n++) {
        v[n].kind = c->table->types[n];
        if (v[n].kind == 'i') v[n].number = c->driver->int_at(row, n);
        else if (v[n].kind == 'b' && !c->driver->bytes_at(row, n, &v[n].bytes, &v[n].len)) v[n].kind = 'n';
        else if (v[n].kind == 't') v[n].bytes = c->driver->text_at(row, n);
        if (v[n].kind == 't') v[n].len = strlen(v[n].bytes);
        if (v[n].kind == 'b' && v[n].len == 0) v[n].bytes = ""; /* empty, not NULL */
    }
    return insert(c, into, v, n, err);
}

/* ---- tables ---- */

/* Rows in one direction, until the end or the first page that cannot be read. */
static tarn_code copy_rows(copying *c, bool backwards, void *into, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    void *st = NULL;
    char sql[400];
    bool row = true;
    tarn_err why = {0};

    (void)snprintf(sql, sizeof sql, "SELECT %s FROM %s ORDER BY %s", c->table->columns, c->table->name,
                   backwards ? c->table->backwards : c->table->order);
    c->sound = c->damaged = 0;
    rc = c->driver->prepare(c->from, sql, &st, &why);
    if (rc == TARN_OK) rc = c->driver->start(st, NULL, 0, &why);
    while (rc == TARN_OK && (rc = c->driver->step(st, &row, &why)) == TARN_OK && row) {
        if (tarn_meta_row_check(c->driver, st, c->table->name, NULL) != TARN_OK) {
            c->damaged++;
            continue;
        }
        TARN_TRY(insert_row(c, st, into, err));
        c->sound++;
    }
    c->cut = rc == TARN_CORRUPT;
    rc = rc == TARN_OK || c->cut ? TARN_OK : TARN_FAIL(err, rc, "%s", why.msg);
done:
    c->driver->drop(st);
    return rc;
}

static tarn_code copy_table(copying *c, say_fn *say, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    void *into = NULL;
    char sql[400], marks[64] = "?";

    for (size_t i = 1; i < strlen(c->table->types); i++) (void)strcat(marks, ",?");
    (void)snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO %s(%s) VALUES(%s)", c->table->name, c->table->columns,
                   marks);
    TARN_TRY(c->driver->prepare(c->to, sql, &into, err));
    TARN_TRY(copy_rows(c, false, into, err));
    int64_t sound = c->sound, bad = c->damaged;
    bool cut = c->cut;
    if (cut) { /* what lies behind the damage, from the other end */
        TARN_TRY(copy_rows(c, true, into, err));
        sound += c->sound;
    }
    if (bad > 0 || cut) {
        (void)snprintf(sql, sizeof sql, "meta.db, table '%s': %lld rows are sound and kept, %s", c->table->name,
                       (long long)sound, cut ? "the others cannot be read" : "damaged ones are left out");
        say(arg, sql);
    }
done:
    c->driver->drop(into);
    return rc;
}

/* ---- refs ---- */

static tarn_code set_ref(const copying *c, void *row, void *into, say_fn *say, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *name = c->driver->text_at(row, 0);
    int64_t time_us = c->driver->int_at(row, 3);
    const void *bytes = NULL;
    size_t len = 0;
    tarn_id target = {{0}};
    char line[400], hex[TARN_ID_HEX];

    if (!c->driver->bytes_at(row, 2, &bytes, &len) || len != TARN_ID_BYTES) return TARN_OK;
    memcpy(target.b, bytes, sizeof target.b);
    const tarn_meta_value v[] = {{.kind = 't', .bytes = name, .len = strlen(name)},
                                 {.kind = 'b', .bytes = target.b, .len = sizeof target.b},
                                 {.kind = 'i', .number = time_us},
                                 {.kind = 'i', .number = tarn_meta_sum_ref(name, &target, time_us)}};
    TARN_TRY(insert(c, into, v, 4, err));
    (void)snprintf(line, sizeof line, "ref %.200s was lost; the ref log's last sound line sets it to %.12s", name,
                   tarn_id_hex(&target, hex));
    say(arg, line);
done:
    return rc;
}

/* Refs that are gone although their last line in the log sets them, or that are older than it. Only sound lines came
 * into the new file. */
static tarn_code refs_from_log(const copying *c, say_fn *say, void *arg, tarn_err *err)
{
    static const char lost[] =
        "SELECT name, was, target, time_us FROM ref_log AS l WHERE target IS NOT NULL"
        " AND seq = (SELECT max(seq) FROM ref_log WHERE name = l.name) AND NOT EXISTS (SELECT 1 FROM refs AS r"
        " WHERE r.name = l.name AND (r.target = l.target OR r.time_us > l.time_us))"
        " ORDER BY seq";
    tarn_code rc = TARN_OK;
    void *st = NULL, *into = NULL;
    bool row = true;

    TARN_TRY(c->driver->prepare(c->to, lost, &st, err));
    TARN_TRY(c->driver->prepare(c->to, "INSERT OR REPLACE INTO refs(name, target, time_us, sum) VALUES(?, ?, ?, ?)",
                                &into, err));
    TARN_TRY(c->driver->start(st, NULL, 0, err));
    for (;;) {
        TARN_TRY(c->driver->step(st, &row, err));
        if (!row) break;
        TARN_TRY(set_ref(c, st, into, say, arg, err));
    }
done:
    c->driver->drop(st);
    c->driver->drop(into);
    return rc;
}

/* A line for a ref that is newer than its last one. Who and why are those of that one: in an encrypted lake they are
 * sealed, and there is no key here. */
static tarn_code add_line(const copying *c, void *row, void *into, tarn_err *err)
{
    const char *name = c->driver->text_at(row, 0), *who = c->driver->text_at(row, 4), *why = c->driver->text_at(row, 5);
    int64_t time_us = c->driver->int_at(row, 3);
    const void *bytes = NULL;
    size_t len = 0;
    tarn_id ids[2] = {{{0}}};

    for (int i = 0; i < 2; i++)
        if (c->driver->bytes_at(row, i + 1, &bytes, &len) && len == TARN_ID_BYTES) memcpy(ids[i].b, bytes, len);
    int64_t sum = tarn_meta_sum_log(name, &ids[0], &ids[1], time_us, who, why);
    const tarn_meta_value v[] = {{.kind = 't', .bytes = name, .len = strlen(name)},
                                 {.kind = tarn_id_none(&ids[0]) ? 'n' : 'b', .bytes = ids[0].b, .len = TARN_ID_BYTES},
                                 {.kind = 'b', .bytes = ids[1].b, .len = TARN_ID_BYTES},
                                 {.kind = 'i', .number = time_us},
                                 {.kind = 't', .bytes = who, .len = strlen(who)},
                                 {.kind = 't', .bytes = why, .len = strlen(why)},
                                 {.kind = 'i', .number = sum}};
    return insert(c, into, v, 7, err);
}

/* Refs that are newer than their log, of which the newest page is lost. */
static tarn_code lines_from_refs(const copying *c, tarn_err *err)
{
    static const char newer[] = "SELECT r.name, l.target, r.target, r.time_us, l.who, l.why FROM refs AS r"
                                " JOIN ref_log AS l ON l.name = r.name"
                                " AND l.seq = (SELECT max(seq) FROM ref_log WHERE name = r.name)"
                                " WHERE l.target IS NULL OR l.target <> r.target";
    tarn_code rc = TARN_OK;
    void *st = NULL, *into = NULL;
    bool row = true;

    TARN_TRY(c->driver->prepare(c->to, newer, &st, err));
    TARN_TRY(c->driver->prepare(
        c->to, "INSERT INTO ref_log(name, was, target, time_us, who, why, sum) VALUES(?, ?, ?, ?, ?, ?, ?)", &into,
        err));
    TARN_TRY(c->driver->start(st, NULL, 0, err));
    for (;;) {
        TARN_TRY(c->driver->step(st, &row, err));
        if (!row) break;
        TARN_TRY(add_line(c, st, into, err));
    }
done:
    c->driver->drop(st);
    c->driver->drop(into);
    return rc;
}

/* ---- the door's calls ---- */

static const copied_table tables[] = {
    {"refs", "name, target, time_us, sum", "tbii", "name", "name DESC"},
    {"ref_log", "name, was, target, time_us, who, why, sum, seq", "tbbittii", "seq", "seq DESC"},
    {"staged", "branch, path, object, size, recipe, attrs, seq, sum, who", "tbbibbiit", "branch, who, path",
     "branch DESC, who DESC, path DESC"},
    {"made", "made_by, path, object, size, recipe, attrs, sum", "bbbibbi", "made_by, path", "made_by DESC, path DESC"},
    {"facts", "key, value, sum", "tti", "key", "key DESC"},
    {"access", "kind, name, value, sum", "tbti", "kind, name", "kind DESC, name DESC"},
    {"audit", "seq, record, hash", "itb", "seq", "seq DESC"}, /* its own check tells what is wrong in it */
};

static tarn_code copy_all(copying *c, say_fn *say, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        c->table = &tables[i];
        TARN_TRY(copy_table(c, say, arg, err));
    }
    TARN_TRY(refs_from_log(c, say, arg, err));
    TARN_TRY(lines_from_refs(c, err));
    rc = run(c, c->to, "UPDATE counters SET value = max(value, (SELECT coalesce(max(seq), 0) FROM staged))", err);
done:
    return rc;
}

tarn_code tarn_meta_salvage(const char *from, tarn_meta *to, say_fn *say, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err why = {0};
    copying c = {.from = NULL};

    c.driver = tarn_meta_db(to, &c.to);
    rc = c.driver->open(from, false, &c.from, &why);
    if (rc == TARN_CORRUPT) { /* no database any more: nothing is in it */
        say(arg, why.msg);
        return TARN_OK;
    }
    if (rc != TARN_OK) return TARN_FAIL(err, rc, "%s", why.msg);
    TARN_TRY(tarn_meta_begin(to, err));
    rc = copy_all(&c, say, arg, err);
    if (rc == TARN_OK) rc = tarn_meta_commit(to, err);
    if (rc != TARN_OK) tarn_meta_rollback(to);
done:
    c.driver->close(c.from);
    return rc;
}

tarn_code tarn_meta_settle(tarn_meta *meta, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    void *db = NULL, *st = NULL;
    bool row = false;
    const tarn_meta_driver *driver = tarn_meta_db(meta, &db);

    TARN_TRY(driver->prepare(db, "PRAGMA wal_checkpoint(TRUNCATE)", &st, err));
    TARN_TRY(driver->start(st, NULL, 0, err));
    TARN_TRY(driver->step(st, &row, err));
    if (row && driver->int_at(st, 0) != 0)
        rc = TARN_FAIL(err, TARN_BUSY, "another process reads meta.db-new; let no other tarn work in the lake");
done:
    driver->drop(st);
    return rc;
}
