/* SPDX-License-Identifier: Apache-2.0 */
/* meta.c - the tables, their statements, and what their rows mean. See meta.h; the databases are behind meta_db.h.
 *
 * Every statement is prepared once and kept. Values are bound by a short format: t text, i integer, p path
 * (bytes), d id (NULL or none: SQL NULL), b bytes and their length (size_t).
 *
 * In an encrypted lake (veil.h) a staged row has a keyed name for its path and a sealed piece for all the rest but
 * branch and user; since names are in no order of use, the rows of an area are opened and sorted when they are first
 * listed.
 *
 * `sum` is the CRC-32C of the row's other values in the order of binding, each with its length in front. */
#include "lake/meta.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/bytes.h"
#include "lake/meta_db.h"
#include "lake/veil.h"

#include <stdarg.h>
#include <string.h>

static const char schema[] =
    "CREATE TABLE packs(num INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL,"
    " records INTEGER NOT NULL, run INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX packs_by_run ON packs(run);"
    "CREATE TABLE runs(num INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, records INTEGER NOT NULL);"
    "CREATE TABLE refs(name TEXT PRIMARY KEY, target BLOB NOT NULL, time_us INTEGER NOT NULL, sum INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE ref_log(seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, was BLOB, target BLOB,"
    " time_us INTEGER NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, sum INTEGER NOT NULL);"
    "CREATE INDEX ref_log_by_name ON ref_log(name, seq);"
    "CREATE TABLE staged(branch TEXT NOT NULL, who TEXT NOT NULL, path BLOB NOT NULL, object BLOB,"
    " size INTEGER NOT NULL, recipe BLOB, attrs BLOB, seq INTEGER NOT NULL, sum INTEGER NOT NULL,"
    " PRIMARY KEY(branch, who, path)) WITHOUT ROWID;"
    "CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO counters VALUES('staged', 0);"
    "CREATE TABLE made(made_by BLOB NOT NULL, path BLOB NOT NULL, object BLOB, size INTEGER NOT NULL, recipe BLOB,"
    " attrs BLOB, sum INTEGER NOT NULL, PRIMARY KEY(made_by, path)) WITHOUT ROWID;"
    "CREATE TABLE facts(key TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE access(kind TEXT NOT NULL, name BLOB NOT NULL, value TEXT NOT NULL, sum INTEGER NOT NULL,"
    " PRIMARY KEY(kind, name)) WITHOUT ROWID;"
    "CREATE TABLE audit(seq INTEGER PRIMARY KEY, record TEXT NOT NULL, hash BLOB NOT NULL);";

static const char id_key[] = "lake/id";
enum { SEQS_TAKEN = 500 };

#define STATEMENTS(X)                                                                                             \
    X(PACK_ADD, "INSERT INTO packs(name, bytes, records) VALUES(?, ?, ?) ON CONFLICT(name) DO NOTHING")           \
    X(PACK_NUM, "SELECT num FROM packs WHERE name = ?")                                                           \
    X(PACK_NAME, "SELECT name FROM packs WHERE num = ?")                                                          \
    X(INDEXES, "SELECT 1, num, name, 0, records FROM runs"                                                        \
               " UNION ALL SELECT 0, num, name, bytes, records FROM packs WHERE run = 0")                         \
    X(PACKS, "SELECT 0, num, name, bytes, records FROM packs ORDER BY num")                                       \
    X(PACK_MEND, "UPDATE packs SET bytes = ?, records = ?, run = 0 WHERE name = ?")                               \
    X(RUN_ADD, "INSERT INTO runs(name, records) VALUES(?, ?)")                                                    \
    X(RUN_LAST, "SELECT max(num) FROM runs")                                                                      \
    X(RUN_OF_PACK, "UPDATE packs SET run = ? WHERE num = ?")                                                      \
    X(RUN_OF_RUN, "UPDATE packs SET run = ? WHERE run = ?")                                                       \
    X(RUN_DROP, "DELETE FROM runs WHERE num = ?")                                                                 \
    X(PACK_RUN, "SELECT run FROM packs WHERE num = ?")                                                            \
    X(PACK_DROP, "DELETE FROM packs WHERE num = ?")                                                               \
    X(REF_GET, "SELECT name, target, time_us, sum FROM refs WHERE name = ?")                                      \
    X(REF_SET, "INSERT INTO refs(name, target, time_us, sum) VALUES(?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET " \
               "target = excluded.target, time_us = excluded.time_us, sum = excluded.sum")                        \
    X(REF_DROP, "DELETE FROM refs WHERE name = ?")                                                                \
    X(REFS, "SELECT name, target, time_us, sum FROM refs WHERE name >= ? ORDER BY name")                          \
    X(LOG_ADD, "INSERT INTO ref_log(name, was, target, time_us, who, why, sum) VALUES(?, ?, ?, ?, ?, ?, ?)")      \
    X(LOG_AT, "SELECT name, was, target, time_us, who, why, sum FROM ref_log WHERE name = ? AND time_us <= ?"     \
              " ORDER BY seq DESC LIMIT 1")                                                                       \
    X(LOG_FIRST, "SELECT time_us FROM ref_log WHERE name = ? ORDER BY seq LIMIT 1")                               \
    X(LOG_OF, "SELECT name, was, target, time_us, who, why, sum FROM ref_log WHERE name = ? ORDER BY seq DESC")   \
    X(LOG_ALL, "SELECT name, was, target, time_us, who, why, sum FROM ref_log ORDER BY seq")                      \
    X(LOG_SINCE, "SELECT name, was, target, time_us, who, why, sum FROM ref_log WHERE time_us >= ? ORDER BY seq") \
    X(REFS_LOST, "SELECT name, CASE WHEN target IS NULL THEN 0 ELSE 1 END FROM ref_log AS l"                      \
                 " WHERE seq = (SELECT max(seq) FROM ref_log WHERE name = l.name)"                                \
                 " AND target IS DISTINCT FROM (SELECT target FROM refs WHERE name = l.name)")                    \
    X(STAGE_COUNT, "UPDATE counters SET value = value + ? WHERE name = 'staged' RETURNING value")                 \
    X(STAGE_SEQ, "SELECT value FROM counters WHERE name = 'staged'")                                              \
    X(STAGE,                                                                                                      \
      "INSERT INTO staged(branch, who, path, object, size, recipe, attrs, seq, sum)"                              \
      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(branch, who, path) DO UPDATE SET object = excluded.object," \
      " size = excluded.size, recipe = excluded.recipe, attrs = excluded.attrs, seq = excluded.seq,"              \
      " sum = excluded.sum")                                                                                      \
    X(STAGED, "SELECT branch, path, object, size, recipe, attrs, seq, sum, who FROM staged"                       \
              " WHERE branch = ? AND who = ? AND path >= ? ORDER BY path LIMIT ?")                                \
    X(STAGED_ALL, "SELECT branch, path, object, size, recipe, attrs, seq, sum, who FROM staged")                  \
    X(STAGED_AREAS, "SELECT who, count(*) FROM staged WHERE branch = ? GROUP BY who ORDER BY who")                \
    X(UNSTAGE, "DELETE FROM staged WHERE branch = ? AND who = ? AND path >= ? AND path < ? AND seq <= ?")         \
    X(UNSTAGE_ONE, "DELETE FROM staged WHERE branch = ? AND who = ? AND path = ? AND seq <= ?")                   \
    X(MADE_FORGET, "DELETE FROM made WHERE made_by = ?")                                                          \
    X(MADE_ADD, "INSERT INTO made(made_by, path, object, size, recipe, attrs, sum) VALUES(?, ?, ?, ?, ?, ?, ?)"   \
                " ON CONFLICT(made_by, path) DO UPDATE SET object = excluded.object, size = excluded.size,"       \
                " recipe = excluded.recipe, attrs = excluded.attrs, sum = excluded.sum")                          \
    X(MADE, "SELECT made_by, path, object, size, recipe, attrs, sum FROM made WHERE made_by = ? ORDER BY path")   \
    X(MADE_ALL, "SELECT made_by, path, object, size, recipe, attrs, sum FROM made")                               \
    X(FACT_SET, "INSERT INTO facts(key, value, sum) VALUES(?, ?, ?)"                                              \
                " ON CONFLICT(key) DO UPDATE SET value = excluded.value, sum = excluded.sum")                     \
    X(FACT_GET, "SELECT key, value, sum FROM facts WHERE key = ?")                                                \
    X(FACTS, "SELECT key, value, sum FROM facts WHERE key >= ? ORDER BY key")                                     \
    X(FACT_DROP, "DELETE FROM facts WHERE key = ?")                                                               \
    X(ACCESS_SET, "INSERT INTO access(kind, name, value, sum) VALUES(?, ?, ?, ?)"                                 \
                  " ON CONFLICT(kind, name) DO UPDATE SET value = excluded.value, sum = excluded.sum")            \
    X(ACCESS_DROP, "DELETE FROM access WHERE kind = ? AND name = ?")                                              \
    X(ACCESS_GET, "SELECT kind, name, value, sum FROM access WHERE kind = ? AND name = ?")                        \
    X(ACCESS_ALL, "SELECT kind, name, value, sum FROM access ORDER BY kind, name")                                \
    X(AUDIT_ADD, "INSERT INTO audit(seq, record, hash) VALUES(?, ?, ?)")                                          \
    X(AUDIT_LAST, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")                                        \
    X(AUDIT, "SELECT seq, record, hash FROM audit WHERE seq >= ? ORDER BY seq LIMIT ?")

typedef enum statement {
#define X(name, sql) S_##name,
    STATEMENTS(X)
#undef X
        S_COUNT
} statement;

static const char *const sql_of[S_COUNT] = {
#define X(name, sql) sql,
    STATEMENTS(X)
#undef X
};

/* A statement kept; `own` is the driver's. */
typedef struct stmt {
    const tarn_meta_driver *driver;
    void *own;
} stmt;

struct tarn_meta {
    const tarn_meta_driver *driver;
    void *db;
    stmt kept[S_COUNT];
    int64_t stage_next, stage_last; /* numbers that this transaction has taken and not used */
    const tarn_ring *ring;
    tarn_veil_list veiled; /* staged rows of an area, opened */
};

/* ---- opening ---- */

/* A file's path, or the URL of a PostgreSQL. */
static const tarn_meta_driver *driver_of(const char *where)
{
    bool url = strncmp(where, "postgresql:", 11) == 0 || strncmp(where, "postgres:", 9) == 0;
    return url ? &tarn_meta_postgres : &tarn_meta_sqlite;
}

bool tarn_meta_shared(const char *where) { return driver_of(where)->shared; }

tarn_code tarn_meta_open(const char *where, bool readonly, tarn_meta **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_meta *m = NULL;

    *out = NULL;
    TARN_TRY(tarn_alloc(&m, 1, sizeof *m, err));
    m->driver = driver_of(where);
    TARN_TRY(m->driver->open(where, readonly, &m->db, err));
    *out = m;
    m = NULL;
done:
    tarn_meta_close(m);
    return rc;
}

void tarn_meta_close(tarn_meta *m)
{
    if (!m) return;
    for (int i = 0; i < S_COUNT; i++) m->driver->drop(m->kept[i].own);
    if (m->db) m->driver->close(m->db);
    tarn_veil_list_clear(&m->veiled);
    tarn_free(m);
}

void tarn_meta_seal_with(tarn_meta *m, const tarn_ring *ring) { m->ring = ring; }

/* ---- transactions ---- */

tarn_code tarn_meta_begin(tarn_meta *m, tarn_err *err)
{
    m->stage_next = m->stage_last = 0;
    return m->driver->begin(m->db, err);
}

tarn_code tarn_meta_commit(tarn_meta *m, tarn_err *err) { return m->driver->commit(m->db, err); }

void tarn_meta_rollback(tarn_meta *m)
{
    m->veiled.good = false;
    m->driver->rollback(m->db);
}

tarn_code tarn_meta_version(tarn_meta *m, int64_t *out, tarn_err *err) { return m->driver->version(m->db, out, err); }
bool tarn_meta_is_shared(const tarn_meta *m) { return m->driver->shared; }

tarn_code tarn_meta_turn(tarn_meta *m, bool *got, tarn_err *err)
{
    *got = true;
    return m->driver->turn ? m->driver->turn(m->db, got, err) : TARN_OK;
}

void tarn_meta_turn_end(tarn_meta *m)
{
    if (m->driver->turn_end) m->driver->turn_end(m->db);
}

/* ---- statements ---- */

static tarn_code prepare(tarn_meta *m, statement which, stmt **out, tarn_err *err)
{
    stmt *st = &m->kept[which];

    *out = st;
    st->driver = m->driver;
    return st->own ? TARN_OK : m->driver->prepare(m->db, sql_of[which], &st->own, err);
}

/* The statement, reset and bound: t const char *, p path (bytes), i int64_t, d const tarn_id *, b bytes and size_t. */
static tarn_code start(tarn_meta *m, statement which, stmt **out, tarn_err *err, const char *format, ...)
{
    va_list args;
    tarn_meta_value v[TARN_META_VALUES] = {{0}};
    tarn_code rc = prepare(m, which, out, err);
    int n = 0;

    if (rc != TARN_OK) return rc;
    va_start(args, format);
    for (; format[n] && n < TARN_META_VALUES; n++) {
        v[n].kind = format[n] == 'p' || format[n] == 'd' ? 'b' : format[n];
        if (format[n] == 'i') v[n].number = va_arg(args, int64_t);
        else v[n].bytes = va_arg(args, const void *);
        if (format[n] == 't' || format[n] == 'p') v[n].len = strlen(v[n].bytes);
        else if (format[n] == 'd') v[n].len = TARN_ID_BYTES;
        else if (format[n] == 'b') v[n].len = va_arg(args, size_t);
        if (format[n] == 'd' && (!v[n].bytes || tarn_id_none(v[n].bytes))) v[n].kind = 'n';
    }
    va_end(args);
    return m->driver->start((*out)->own, v, n, err);
}

/* *row tells whether there is one; at the end (or on failure) the statement is reset. */
static tarn_code step(stmt *st, bool *row, tarn_err *err) { return st->driver->step(st->own, row, err); }

static void reset(stmt *st)
{
    if (st && st->own) st->driver->reset(st->own);
}

static tarn_code finish(stmt *st, tarn_err *err)
{
    bool row;
    tarn_code rc = step(st, &row, err);

    if (row) reset(st);
    return rc;
}

static int64_t int_at(stmt *st, int column) { return st->driver->int_at(st->own, column); }
static const char *text_at(stmt *st, int column) { return st->driver->text_at(st->own, column); }

/* ---- sums and columns ---- */

static void sum_bytes(uint32_t *sum, const void *bytes, size_t len)
{
    uint8_t n[8];

    tarn_put64(n, len);
    *sum = tarn_crc32c(tarn_crc32c(*sum, n, sizeof n), bytes, len);
}

static void sum_text(uint32_t *sum, const char *text) { sum_bytes(sum, text, strlen(text)); }

static void sum_int(uint32_t *sum, int64_t x)
{
    uint8_t n[8];

    tarn_put64(n, (uint64_t)x);
    sum_bytes(sum, n, sizeof n);
}

static void sum_id(uint32_t *sum, const tarn_id *id)
{
    sum_bytes(sum, id ? id->b : NULL, id && !tarn_id_none(id) ? TARN_ID_BYTES : 0);
}

/* who: of a staged row, else NULL */
static uint32_t sum_entry(const char *owner, size_t owner_len, const char *who, const tarn_entry *e, int64_t seq)
{
    uint32_t sum = 0;

    sum_bytes(&sum, owner, owner_len);
    sum_text(&sum, e->path);
    sum_id(&sum, &e->object.id);
    sum_int(&sum, (int64_t)e->object.size);
    sum_id(&sum, &e->recipe);
    sum_id(&sum, &e->attrs);
    sum_int(&sum, seq);
    if (who) sum_text(&sum, who);
    return sum;
}

/* An id column; none for NULL. False if it is something else. */
static bool id_at(stmt *st, int column, tarn_id *out)
{
    const void *bytes = NULL;
    size_t len = 0;

    *out = (tarn_id){{0}};
    if (!st->driver->bytes_at(st->own, column, &bytes, &len)) return true;
    if (len != TARN_ID_BYTES) return false;
    memcpy(out->b, bytes, TARN_ID_BYTES);
    return true;
}

static tarn_code damaged(const char *table, tarn_err *err)
{
    return TARN_FAIL(err, TARN_CORRUPT,
                     "meta.db is damaged: a row of table '%s' does not match its checksum; restore meta.db "
                     "from a copy",
                     table);
}

/* ---- packs ---- */

tarn_code tarn_meta_pack_num(tarn_meta *m, const char *name, uint32_t *num, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_PACK_NUM, &st, err, "t", name));
    TARN_TRY(step(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "meta.db does not name pack %s", name);
    *num = (uint32_t)int_at(st, 0);
    reset(st);
done:
    return rc;
}

tarn_code tarn_meta_pack_add(tarn_meta *m, const char *name, uint64_t bytes, uint64_t records, uint32_t *num,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;

    TARN_TRY(start(m, S_PACK_ADD, &st, err, "tii", name, (int64_t)bytes, (int64_t)records));
    TARN_TRY(finish(st, err));
    TARN_TRY(tarn_meta_pack_num(m, name, num, err));
done:
    return rc;
}

tarn_code tarn_meta_pack_name(tarn_meta *m, uint32_t num, char name[64], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_PACK_NAME, &st, err, "i", (int64_t)num));
    TARN_TRY(step(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "meta.db names no pack %u", num);
    (void)snprintf(name, 64, "%s", text_at(st, 0));
    reset(st);
done:
    return rc;
}

static tarn_code each_pack(tarn_meta *m, statement which, tarn_pack_row_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;

    TARN_TRY(start(m, which, &st, err, ""));
    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        tarn_pack_row r = {.run = int_at(st, 0) != 0,
                           .num = (uint32_t)int_at(st, 1),
                           .bytes = (uint64_t)int_at(st, 3),
                           .records = (uint64_t)int_at(st, 4)};
        (void)snprintf(r.name, sizeof r.name, "%s", text_at(st, 2));
        TARN_TRY(fn(arg, &r, err));
    }
done:
    reset(st);
    return rc;
}

tarn_code tarn_meta_indexes(tarn_meta *m, tarn_pack_row_fn *fn, void *arg, tarn_err *err)
{
    return each_pack(m, S_INDEXES, fn, arg, err);
}

tarn_code tarn_meta_packs(tarn_meta *m, tarn_pack_row_fn *fn, void *arg, tarn_err *err)
{
    return each_pack(m, S_PACKS, fn, arg, err);
}

tarn_code tarn_meta_run_add(tarn_meta *m, const char *name, uint64_t records, uint32_t *num, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_RUN_ADD, &st, err, "ti", name, (int64_t)records));
    TARN_TRY(finish(st, err));
    TARN_TRY(start(m, S_RUN_LAST, &st, err, ""));
    TARN_TRY(step(st, &row, err));
    *num = row ? (uint32_t)int_at(st, 0) : 0;
    reset(st);
done:
    return rc;
}

tarn_code tarn_meta_run_absorb(tarn_meta *m, uint32_t run, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;

    TARN_TRY(start(m, row->run ? S_RUN_OF_RUN : S_RUN_OF_PACK, &st, err, "ii", (int64_t)run, (int64_t)row->num));
    TARN_TRY(finish(st, err));
    if (!row->run) goto done;
    TARN_TRY(start(m, S_RUN_DROP, &st, err, "i", (int64_t)row->num));
    TARN_TRY(finish(st, err));
done:
    return rc;
}

tarn_code tarn_meta_pack_drop(tarn_meta *m, uint32_t num, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_PACK_RUN, &st, err, "i", (int64_t)num));
    TARN_TRY(step(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "meta.db names no pack %u", num);
    tarn_pack_row run = {.run = true, .num = (uint32_t)int_at(st, 0)};
    reset(st);
    TARN_TRY(start(m, S_PACK_DROP, &st, err, "i", (int64_t)num));
    TARN_TRY(finish(st, err));
    if (run.num != 0) TARN_TRY(tarn_meta_run_absorb(m, 0, &run, err));
done:
    return rc;
}

tarn_code tarn_meta_pack_mend(tarn_meta *m, const char *name, uint64_t bytes, uint64_t records, tarn_err *err)
{
    stmt *st = NULL;
    tarn_code rc = start(m, S_PACK_MEND, &st, err, "iit", (int64_t)bytes, (int64_t)records, name);

    return rc == TARN_OK ? finish(st, err) : rc;
}

/* ---- refs ---- */

static uint32_t sum_ref(const char *name, const tarn_id *target, int64_t time_us)
{
    uint32_t sum = 0;

    sum_text(&sum, name);
    sum_id(&sum, target);
    sum_int(&sum, time_us);
    return sum;
}

static uint32_t sum_log(const char *name, const tarn_id *was, const tarn_id *to, int64_t time_us, const char *who,
                        const char *why)
{
    uint32_t sum = sum_ref(name, to, time_us);

    sum_id(&sum, was);
    sum_text(&sum, who);
    sum_text(&sum, why);
    return sum;
}

static tarn_code read_ref(stmt *st, tarn_ref *out, tarn_err *err)
{
    *out = (tarn_ref){.time_us = int_at(st, 2)};
    (void)snprintf(out->name, sizeof out->name, "%s", text_at(st, 0));
    if (!id_at(st, 1, &out->commit) || tarn_id_none(&out->commit) ||
        sum_ref(out->name, &out->commit, out->time_us) != (uint32_t)int_at(st, 3))
        return damaged("refs", err);
    return TARN_OK;
}

tarn_code tarn_meta_ref_get(tarn_meta *m, const char *name, tarn_ref *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_REF_GET, &st, err, "t", name));
    TARN_TRY(step(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no ref '%s'", name);
    rc = read_ref(st, out, err);
    reset(st);
done:
    return rc;
}

tarn_code tarn_meta_ref_set(tarn_meta *m, const char *name, const tarn_id *was, const tarn_id *to, int64_t time_us,
                            const char *who, const char *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;

    if (to) TARN_TRY(start(m, S_REF_SET, &st, err, "tdii", name, to, time_us, (int64_t)sum_ref(name, to, time_us)));
    else TARN_TRY(start(m, S_REF_DROP, &st, err, "t", name));
    TARN_TRY(finish(st, err));
    TARN_TRY(start(m, S_LOG_ADD, &st, err, "tdditti", name, was, to, time_us, who, why,
                   (int64_t)sum_log(name, was, to, time_us, who, why)));
    TARN_TRY(finish(st, err));
done:
    return rc;
}

tarn_code tarn_meta_refs(tarn_meta *m, const char *prefix, tarn_ref_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;
    tarn_ref ref;

    TARN_TRY(start(m, S_REFS, &st, err, "t", prefix));
    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        TARN_TRY(read_ref(st, &ref, err));
        if (strncmp(ref.name, prefix, strlen(prefix)) != 0) break;
        TARN_TRY(fn(arg, &ref, err));
    }
done:
    reset(st);
    return rc;
}

static tarn_code read_log(stmt *st, tarn_id *was, tarn_id *target, tarn_err *err)
{
    if (!id_at(st, 1, was) || !id_at(st, 2, target) ||
        sum_log(text_at(st, 0), was, target, int_at(st, 3), text_at(st, 4), text_at(st, 5)) != (uint32_t)int_at(st, 6))
        return damaged("ref_log", err);
    return TARN_OK;
}

tarn_code tarn_meta_ref_at(tarn_meta *m, const char *name, int64_t time_us, tarn_id *out, bool *known,
                           int64_t *first_us, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;
    tarn_id was;

    *out = (tarn_id){{0}};
    TARN_TRY(start(m, S_LOG_FIRST, &st, err, "t", name));
    TARN_TRY(step(st, known, err));
    if (!*known) return TARN_OK;
    *first_us = int_at(st, 0);
    reset(st);
    TARN_TRY(start(m, S_LOG_AT, &st, err, "ti", name, time_us));
    TARN_TRY(step(st, &row, err));
    if (row) {
        rc = read_log(st, &was, out, err);
        reset(st);
    }
done:
    return rc;
}

tarn_code tarn_meta_ref_moves(tarn_meta *m, const char *name, tarn_move_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;

    TARN_TRY(start(m, S_LOG_OF, &st, err, "t", name));
    for (;;) {
        tarn_move move = {.time_us = 0};
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        TARN_TRY(read_log(st, &move.was, &move.to, err));
        move.time_us = int_at(st, 3);
        move.who = text_at(st, 4);
        move.why = text_at(st, 5);
        TARN_TRY(fn(arg, &move, err));
    }
done:
    reset(st);
    return rc;
}

tarn_code tarn_meta_ref_log(tarn_meta *m, int64_t since_us, tarn_log_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;
    tarn_id was, to;

    TARN_TRY(start(m, S_LOG_SINCE, &st, err, "i", since_us));
    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        TARN_TRY(read_log(st, &was, &to, err));
        TARN_TRY(fn(arg, &was, &to, err));
    }
done:
    reset(st);
    return rc;
}

/* ---- entries: staging and made ---- */

/* who: of a staged row, else NULL */
static uint32_t sum_veiled(const void *owner, size_t owner_len, const char *who, const tarn_id *name, const void *piece,
                           size_t len, int64_t seq)
{
    uint32_t sum = 0;

    sum_bytes(&sum, owner, owner_len);
    sum_id(&sum, name);
    sum_bytes(&sum, piece, len);
    sum_int(&sum, seq);
    if (who) sum_text(&sum, who);
    return sum;
}

/* The owner of a row as text: the hexadecimal of a recipe's name; of a staged row (who is not NULL) branch and user. */
static const char *owner_text(const char *who, const void *owner, size_t len, char out[TARN_VEIL_OWNER])
{
    tarn_id id = {{0}};

    if (who) {
        (void)snprintf(out, TARN_VEIL_OWNER, "%.*s\n%.300s", len < 255 ? (int)len : 255, (const char *)owner, who);
        return out;
    }
    if (len == TARN_ID_BYTES) memcpy(id.b, owner, TARN_ID_BYTES);
    return tarn_id_hex(&id, out);
}

static tarn_code read_veiled(tarn_meta *m, stmt *st, bool staged, tarn_entry *out, int64_t *seq, tarn_err *err)
{
    const char *table = staged ? "staged" : "made", *who = staged ? text_at(st, 8) : NULL;
    const void *owner = NULL, *piece = NULL;
    size_t owner_len = 0, len = 0;
    char text[TARN_VEIL_OWNER];
    tarn_id name;

    *seq = staged ? int_at(st, 6) : 0;
    if (!id_at(st, 1, &name) || !st->driver->bytes_at(st->own, 0, &owner, &owner_len) ||
        !st->driver->bytes_at(st->own, 2, &piece, &len) || !owner || !piece ||
        sum_veiled(owner, owner_len, who, &name, piece, len, *seq) != (uint32_t)int_at(st, staged ? 7 : 6))
        return damaged(table, err);
    return tarn_unveil(m->ring, table, owner_text(who, owner, owner_len, text), &name, piece, len, out, err);
}

/* owner, path, object, size, recipe, attrs [, seq], sum [, who] */
static tarn_code read_entry(tarn_meta *m, stmt *st, bool staged, tarn_entry *out, int64_t *seq, tarn_err *err)
{
    if (m->ring) return read_veiled(m, st, staged, out, seq, err);
    const char *table = staged ? "staged" : "made";
    const void *path = NULL, *owner = NULL;
    size_t len = 0, owner_len = 0;

    (void)st->driver->bytes_at(st->own, 1, &path, &len);
    (void)st->driver->bytes_at(st->own, 0, &owner, &owner_len);

    *out = (tarn_entry){.object.size = (uint64_t)int_at(st, 3)};
    *seq = staged ? int_at(st, 6) : 0;
    if (len >= sizeof out->path) return damaged(table, err);
    if (len > 0) memcpy(out->path, path, len);
    if (!id_at(st, 2, &out->object.id) || !id_at(st, 4, &out->recipe) || !id_at(st, 5, &out->attrs) ||
        sum_entry(owner, owner_len, staged ? text_at(st, 8) : NULL, out, *seq) != (uint32_t)int_at(st, staged ? 7 : 6))
        return damaged(table, err);
    return TARN_OK;
}

/* The next number of the transaction. They are taken by the hundred: the counter's row would be written as often as
 * rows are staged, which PostgreSQL pays for dearly. */
static tarn_code next_stage_seq(tarn_meta *m, int64_t *seq, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    if (m->stage_next == m->stage_last) {
        int64_t n = m->stage_next == 0 ? 1 : SEQS_TAKEN;
        TARN_TRY(start(m, S_STAGE_COUNT, &st, err, "i", n));
        TARN_TRY(step(st, &row, err));
        if (!row) return TARN_FAIL(err, TARN_CORRUPT, "meta.db is damaged: the counter of staged paths is gone");
        m->stage_last = int_at(st, 0);
        m->stage_next = m->stage_last - n;
        reset(st);
    }
    *seq = ++m->stage_next;
done:
    return rc;
}

static tarn_code stage_veiled(tarn_meta *m, const char *branch, const char *who, const tarn_entry *e, int64_t seq,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    uint8_t piece[TARN_VEIL_MOST];
    size_t len = 0, n = strlen(branch);
    char owner[TARN_VEIL_OWNER];
    tarn_id name;

    (void)owner_text(who, branch, n, owner);
    tarn_veil_name(m->ring, owner, e->path, &name);
    TARN_TRY(tarn_veil(m->ring, "staged", owner, e, piece, &len, err));
    TARN_TRY(start(m, S_STAGE, &st, err, "ttdbiddii", branch, who, &name, piece, len, (int64_t)0, (tarn_id *)NULL,
                   (tarn_id *)NULL, seq, (int64_t)sum_veiled(branch, n, who, &name, piece, len, seq)));
    TARN_TRY(finish(st, err));
done:
    return rc;
}

tarn_code tarn_meta_stage(tarn_meta *m, const char *branch, const char *who, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    int64_t seq = 0;

    TARN_TRY(next_stage_seq(m, &seq, err));
    m->veiled.good = false;
    if (m->ring) return stage_veiled(m, branch, who, e, seq, err);
    TARN_TRY(start(m, S_STAGE, &st, err, "ttpdiddii", branch, who, e->path, &e->object.id, (int64_t)e->object.size,
                   &e->recipe, &e->attrs, seq, (int64_t)sum_entry(branch, strlen(branch), who, e, seq)));
    TARN_TRY(finish(st, err));
done:
    return rc;
}

tarn_code tarn_meta_stage_seq(tarn_meta *m, int64_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_STAGE_SEQ, &st, err, ""));
    TARN_TRY(step(st, &row, err));
    *out = row ? int_at(st, 0) : 0;
    if (row) reset(st);
done:
    return rc;
}

static tarn_code each_staged(tarn_meta *m, stmt *st, tarn_staged_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool row = true;
    tarn_entry e;
    int64_t seq;

    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        TARN_TRY(read_entry(m, st, true, &e, &seq, err));
        TARN_TRY(fn(arg, &e, seq, err));
    }
done:
    reset(st);
    return rc;
}

static tarn_code keep_veiled(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err)
{
    return tarn_veil_list_add(arg, entry, seq, err);
}

/* The opened rows of the area, read anew if they may have changed. */
static tarn_code open_veiled(tarn_meta *m, const char *branch, const char *who, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    int64_t version = 0;
    char owner[TARN_VEIL_OWNER];

    (void)owner_text(who, branch, strlen(branch), owner);
    TARN_TRY(tarn_meta_version(m, &version, err));
    if (m->veiled.good && m->veiled.version == version && strcmp(m->veiled.owner, owner) == 0) return TARN_OK;
    tarn_veil_list_clear(&m->veiled);
    TARN_TRY(start(m, S_STAGED, &st, err, "ttpi", branch, who, "", INT64_MAX));
    TARN_TRY(each_staged(m, st, keep_veiled, &m->veiled, err));
    tarn_veil_list_sort(&m->veiled);
    (void)snprintf(m->veiled.owner, sizeof m->veiled.owner, "%s", owner);
    m->veiled.version = version;
    m->veiled.good = true;
done:
    return rc;
}

tarn_code tarn_meta_staged(tarn_meta *m, const char *branch, const char *who, const char *from, int64_t most,
                           tarn_staged_fn *fn, void *arg, tarn_err *err)
{
    stmt *st = NULL;

    if (m->ring) {
        tarn_code opened = open_veiled(m, branch, who, err);
        return opened == TARN_OK ? tarn_veil_list_each(&m->veiled, from, most, fn, arg, err) : opened;
    }
    tarn_code rc = start(m, S_STAGED, &st, err, "ttpi", branch, who, from, most > 0 ? most : INT64_MAX);

    return rc == TARN_OK ? each_staged(m, st, fn, arg, err) : rc;
}

tarn_code tarn_meta_staged_all(tarn_meta *m, tarn_staged_fn *fn, void *arg, tarn_err *err)
{
    stmt *st = NULL;
    tarn_code rc = start(m, S_STAGED_ALL, &st, err, "");

    return rc == TARN_OK ? each_staged(m, st, fn, arg, err) : rc;
}

tarn_code tarn_meta_areas(tarn_meta *m, const char *branch, tarn_area_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;

    TARN_TRY(start(m, S_STAGED_AREAS, &st, err, "t", branch));
    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        TARN_TRY(fn(arg, text_at(st, 0), int_at(st, 1), err));
    }
done:
    reset(st);
    return rc;
}

typedef struct unstaging {
    tarn_meta *m;
    const char *branch, *who, *to;
    int64_t upto;
} unstaging;

static tarn_code unstage_one(void *arg, const tarn_entry *e, int64_t seq, tarn_err *err)
{
    const unstaging *u = arg;
    stmt *st = NULL;
    char owner[TARN_VEIL_OWNER];
    tarn_id name;

    (void)seq;
    if (strcmp(e->path, u->to) >= 0) return TARN_CANCELLED; /* in the order of paths */
    (void)owner_text(u->who, u->branch, strlen(u->branch), owner);
    tarn_veil_name(u->m->ring, owner, e->path, &name);
    tarn_code rc = start(u->m, S_UNSTAGE_ONE, &st, err, "ttdi", u->branch, u->who, &name, u->upto);
    return rc == TARN_OK ? finish(st, err) : rc;
}

static tarn_code unstage_veiled(tarn_meta *m, const char *from, unstaging *u, tarn_err *err)
{
    tarn_code rc = tarn_meta_staged(m, u->branch, u->who, from, 0, unstage_one, u, err);

    m->veiled.good = false;
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

tarn_code tarn_meta_unstage(tarn_meta *m, const char *branch, const char *who, const char *from, const char *to,
                            int64_t upto, tarn_err *err)
{
    stmt *st = NULL;

    if (m->ring) return unstage_veiled(m, from, &(unstaging){m, branch, who, to, upto}, err);
    tarn_code rc = start(m, S_UNSTAGE, &st, err, "ttppi", branch, who, from, to, upto);

    return rc == TARN_OK ? finish(st, err) : rc;
}

/* What a recipe is called in table made. */
static tarn_id recipe_name(const tarn_meta *m, const tarn_id *recipe)
{
    tarn_id name = *recipe;

    if (m->ring) tarn_ring_name(m->ring, TARN_KIND_CHUNK, recipe, &name);
    return name;
}

tarn_code tarn_meta_made_forget(tarn_meta *m, const tarn_id *recipe, tarn_err *err)
{
    stmt *st = NULL;
    tarn_id name = recipe_name(m, recipe);
    tarn_code rc = start(m, S_MADE_FORGET, &st, err, "d", &name);

    return rc == TARN_OK ? finish(st, err) : rc;
}

static tarn_code made_add_veiled(tarn_meta *m, const tarn_id *recipe, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    uint8_t piece[TARN_VEIL_MOST];
    size_t len = 0;
    char hex[TARN_ID_HEX];
    tarn_id made_by = recipe_name(m, recipe), name;

    tarn_veil_name(m->ring, tarn_id_hex(&made_by, hex), e->path, &name);
    TARN_TRY(tarn_veil(m->ring, "made", hex, e, piece, &len, err));
    TARN_TRY(start(m, S_MADE_ADD, &st, err, "ddbiddi", &made_by, &name, piece, len, (int64_t)0, (tarn_id *)NULL,
                   (tarn_id *)NULL, (int64_t)sum_veiled(made_by.b, sizeof made_by.b, NULL, &name, piece, len, 0)));
    TARN_TRY(finish(st, err));
done:
    return rc;
}

tarn_code tarn_meta_made_add(tarn_meta *m, const tarn_id *recipe, const tarn_entry *e, tarn_err *err)
{
    stmt *st = NULL;
    char owner[TARN_ID_BYTES];

    if (m->ring) return made_add_veiled(m, recipe, e, err);
    memcpy(owner, recipe->b, sizeof owner);
    tarn_code rc = start(m, S_MADE_ADD, &st, err, "dpdiddi", recipe, e->path, &e->object.id, (int64_t)e->object.size,
                         &e->recipe, &e->attrs, (int64_t)sum_entry(owner, sizeof owner, NULL, e, 0));
    return rc == TARN_OK ? finish(st, err) : rc;
}

typedef struct made_call {
    tarn_entry_fn *fn;
    void *arg;
} made_call;

static tarn_code give_made(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err)
{
    const made_call *call = arg;

    (void)seq;
    return call->fn(call->arg, entry, err);
}

tarn_code tarn_meta_made(tarn_meta *m, const tarn_id *recipe, tarn_entry_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;
    tarn_entry e;
    int64_t seq;
    tarn_id name = recipe_name(m, recipe);
    tarn_veil_list list = {.good = false};

    TARN_TRY(start(m, S_MADE, &st, err, "d", &name));
    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        TARN_TRY(read_entry(m, st, false, &e, &seq, err));
        if (m->ring) TARN_TRY(tarn_veil_list_add(&list, &e, 0, err));
        else TARN_TRY(fn(arg, &e, err));
    }
    tarn_veil_list_sort(&list);
    TARN_TRY(tarn_veil_list_each(&list, "", 0, give_made, &(made_call){fn, arg}, err));
done:
    reset(st);
    tarn_veil_list_clear(&list);
    return rc;
}

tarn_code tarn_meta_made_all(tarn_meta *m, tarn_made_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;
    tarn_entry e;
    tarn_id recipe;
    int64_t seq;

    TARN_TRY(start(m, S_MADE_ALL, &st, err, ""));
    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        TARN_TRY(read_entry(m, st, false, &e, &seq, err));
        if (m->ring || !id_at(st, 0, &recipe)) recipe = (tarn_id){{0}}; /* behind a name nobody finds the recipe */
        TARN_TRY(fn(arg, &recipe, &e, err));
    }
done:
    reset(st);
    return rc;
}

/* ---- facts ---- */

static uint32_t sum_fact(const char *key, const char *value)
{
    uint32_t sum = 0;

    sum_text(&sum, key);
    sum_text(&sum, value);
    return sum;
}

tarn_code tarn_meta_fact_set(tarn_meta *m, const char *key, const char *value, tarn_err *err)
{
    stmt *st = NULL;
    tarn_code rc = value ? start(m, S_FACT_SET, &st, err, "tti", key, value, (int64_t)sum_fact(key, value))
                         : start(m, S_FACT_DROP, &st, err, "t", key);

    return rc == TARN_OK ? finish(st, err) : rc;
}

/* The tables, and the id as a fact in the same breath. */
tarn_code tarn_meta_create(const char *where, const char *id, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_add(&sql, schema);
    if (*id)
        tarn_text_addf(&sql, "INSERT INTO facts(key, value, sum) VALUES('%s', '%s', %lu);", id_key, id,
                       (unsigned long)sum_fact(id_key, id));
    tarn_code rc = tarn_text_check(&sql, err);
    if (rc == TARN_OK) rc = driver_of(where)->create(where, sql.data, err);
    tarn_text_clear(&sql);
    return rc;
}

tarn_code tarn_meta_check_id(tarn_meta *m, const char *id, tarn_err *err)
{
    char *there = NULL;
    tarn_code rc = tarn_meta_fact_get(m, id_key, &there, err);

    if (rc != TARN_OK && rc != TARN_NOT_FOUND) return rc;
    rc = strcmp(there ? there : "", id) == 0
             ? TARN_OK
             : TARN_FAIL(err, TARN_CONFLICT,
                         "the metadata are those of another lake than the store's (ids '%.8s' and '%.8s')",
                         there ? there : "none", id);
    tarn_free(there);
    return rc;
}

static tarn_code check_fact(stmt *st, tarn_err *err)
{
    if (sum_fact(text_at(st, 0), text_at(st, 1)) == (uint32_t)int_at(st, 2)) return TARN_OK;
    return damaged("facts", err);
}

tarn_code tarn_meta_fact_get(tarn_meta *m, const char *key, char **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_FACT_GET, &st, err, "t", key));
    TARN_TRY(step(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no fact '%s'", key);
    TARN_TRY(check_fact(st, err));
    TARN_TRY(tarn_strdup(text_at(st, 1), out, err));
done:
    reset(st);
    return rc;
}

tarn_code tarn_meta_facts(tarn_meta *m, const char *prefix, tarn_fact_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;

    TARN_TRY(start(m, S_FACTS, &st, err, "t", prefix));
    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row || strncmp(text_at(st, 0), prefix, strlen(prefix)) != 0) break;
        TARN_TRY(check_fact(st, err));
        TARN_TRY(fn(arg, text_at(st, 0), text_at(st, 1), err));
    }
done:
    reset(st);
    return rc;
}

/* ---- access and audit ---- */

static uint32_t sum_access(const char *kind, const char *name, const char *value)
{
    uint32_t sum = 0;

    sum_text(&sum, kind);
    sum_text(&sum, name);
    sum_text(&sum, value);
    return sum;
}

tarn_code tarn_meta_access_set(tarn_meta *m, const char *kind, const char *name, const char *value, tarn_err *err)
{
    stmt *st = NULL;
    tarn_code rc =
        value ? start(m, S_ACCESS_SET, &st, err, "tpti", kind, name, value, (int64_t)sum_access(kind, name, value))
              : start(m, S_ACCESS_DROP, &st, err, "tp", kind, name);

    return rc == TARN_OK ? finish(st, err) : rc;
}

static tarn_code read_access(stmt *st, tarn_access_row_fn *fn, void *arg, tarn_err *err)
{
    const void *bytes = NULL;
    size_t len = 0;
    char name[1600];

    (void)st->driver->bytes_at(st->own, 1, &bytes, &len);
    if (len >= sizeof name) return damaged("access", err);
    if (len > 0) memcpy(name, bytes, len);
    name[len] = '\0';
    if (sum_access(text_at(st, 0), name, text_at(st, 2)) != (uint32_t)int_at(st, 3)) return damaged("access", err);
    return fn ? fn(arg, text_at(st, 0), name, text_at(st, 2), err) : TARN_OK;
}

tarn_code tarn_meta_access_get(tarn_meta *m, const char *kind, const char *name, char **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_ACCESS_GET, &st, err, "tp", kind, name));
    TARN_TRY(step(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no %s '%s'", kind, name);
    TARN_TRY(read_access(st, NULL, NULL, err));
    TARN_TRY(tarn_strdup(text_at(st, 2), out, err));
done:
    reset(st);
    return rc;
}

tarn_code tarn_meta_access_all(tarn_meta *m, tarn_access_row_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;

    TARN_TRY(start(m, S_ACCESS_ALL, &st, err, ""));
    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        TARN_TRY(read_access(st, fn, arg, err));
    }
done:
    reset(st);
    return rc;
}

tarn_code tarn_meta_audit_add(tarn_meta *m, int64_t seq, const char *record, const tarn_id *hash, tarn_err *err)
{
    stmt *st = NULL;
    tarn_code rc = start(m, S_AUDIT_ADD, &st, err, "itd", seq, record, hash);

    return rc == TARN_OK ? finish(st, err) : rc;
}

tarn_code tarn_meta_audit_last(tarn_meta *m, int64_t *seq, tarn_id *hash, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;

    *seq = 0;
    *hash = (tarn_id){{0}};
    TARN_TRY(start(m, S_AUDIT_LAST, &st, err, ""));
    TARN_TRY(step(st, &row, err));
    if (!row) goto done;
    *seq = int_at(st, 0);
    if (!id_at(st, 1, hash))
        rc = TARN_FAIL(err, TARN_CORRUPT,
                       "the last record of the audit log has no hash; "
                       "'tarn audit verify' tells more");
done:
    reset(st);
    return rc;
}

tarn_code tarn_meta_audit(tarn_meta *m, int64_t from, int64_t most, tarn_audit_row_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = true;
    tarn_id hash;

    TARN_TRY(start(m, S_AUDIT, &st, err, "ii", from, most));
    for (;;) {
        TARN_TRY(step(st, &row, err));
        if (!row) break;
        if (!id_at(st, 2, &hash)) hash = (tarn_id){{0}};
        TARN_TRY(fn(arg, int_at(st, 0), text_at(st, 1), &hash, err));
    }
done:
    reset(st);
    return rc;
}

/* ---- checking ---- */

static tarn_code check_row(tarn_meta *m, statement which, stmt *st, tarn_err *err)
{
    tarn_ref ref;
    tarn_entry e;
    tarn_id was, to;
    int64_t seq;

    switch (which) {
    case S_REFS: return read_ref(st, &ref, err);
    case S_LOG_ALL: return read_log(st, &was, &to, err);
    case S_STAGED_ALL: return read_entry(m, st, true, &e, &seq, err);
    case S_MADE_ALL: return read_entry(m, st, false, &e, &seq, err);
    case S_ACCESS_ALL: return read_access(st, NULL, NULL, err);
    default: return check_fact(st, err);
    }
}

tarn_code tarn_meta_row_check(const tarn_meta_driver *driver, void *own, const char *table, tarn_err *err)
{
    static const struct {
        const char *table;
        statement rows;
    } checks[] = {{"refs", S_REFS},     {"ref_log", S_LOG_ALL},   {"staged", S_STAGED_ALL},
                  {"made", S_MADE_ALL}, {"access", S_ACCESS_ALL}, {"facts", S_FACTS}};
    stmt st = {.driver = driver, .own = own};
    tarn_meta bare = {.driver = driver}; /* no keys: mend.c leaves encrypted lakes alone */

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].table, table) == 0) return check_row(&bare, checks[i].rows, &st, err);
    return TARN_OK;
}

uint32_t tarn_meta_sum_ref(const char *name, const tarn_id *target, int64_t time_us)
{
    return sum_ref(name, target, time_us);
}

const tarn_meta_driver *tarn_meta_db(tarn_meta *m, void **db)
{
    *db = m->db;
    return m->driver;
}

/* Refs and their log are written together: the newest line of a ref's log tells where it is, or that it is gone. */
static tarn_code check_refs_by_log(tarn_meta *m, void (*problem)(void *arg, const char *line), void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stmt *st = NULL;
    bool row = false;
    char line[400];

    TARN_TRY(start(m, S_REFS_LOST, &st, err, ""));
    while ((rc = step(st, &row, err)) == TARN_OK && row) {
        (void)snprintf(line, sizeof line, "meta.db is damaged: ref %.200s is not %s", text_at(st, 0),
                       int_at(st, 1) ? "where its log set it last" : "removed as its log tells");
        problem(arg, line);
    }
done:
    return rc;
}

tarn_code tarn_meta_check(tarn_meta *m, void (*problem)(void *arg, const char *line), void *arg, tarn_err *err)
{
    static const statement tables[] = {S_REFS, S_LOG_ALL, S_STAGED_ALL, S_MADE_ALL, S_ACCESS_ALL, S_FACTS};
    stmt *st = NULL;
    bool row = false;
    tarn_err e = {0};
    tarn_code rc = m->driver->check(m->db, problem, arg, err);

    if (rc != TARN_OK && rc != TARN_CORRUPT) return rc;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        bool has_bound = tables[t] == S_REFS || tables[t] == S_FACTS;
        rc = start(m, tables[t], &st, &e, has_bound ? "t" : "", "");
        while (rc == TARN_OK && (rc = step(st, &row, &e)) == TARN_OK && row)
            if (check_row(m, tables[t], st, &e) != TARN_OK) problem(arg, e.msg);
        if (rc == TARN_CORRUPT) problem(arg, e.msg);
        else if (rc != TARN_OK) return TARN_FAIL(err, rc, "%s", e.msg);
    }
    rc = check_refs_by_log(m, problem, arg, &e);
    return rc == TARN_OK || rc == TARN_CORRUPT ? TARN_OK : TARN_FAIL(err, rc, "%s", e.msg);
}
