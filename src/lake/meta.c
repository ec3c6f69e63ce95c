/* SPDX-License-Identifier: Apache-2.0 */
/* meta.c - meta.db. See meta.h.
 *
 * WAL mode with synchronous=FULL: a transaction is durable when COMMIT returns, readers never wait. Every
 * statement is prepared once and kept. Values are bound by a short format: t text, i integer, d id (NULL or
 * none: SQL NULL), p path, b bytes and their length (size_t).
 *
 * In an encrypted lake (veil.h) a staged row has a keyed name for its path and a sealed piece for all the rest; since
 * names are in no order of use, the rows of a branch are opened and sorted when they are first listed.
 *
 * `sum` is the CRC-32C of the row's other values in the order of binding, each with its length in front. */
#include "lake/meta.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/bytes.h"
#include "lake/veil.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 60000 };

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
    "CREATE TABLE staged(branch TEXT NOT NULL, path BLOB NOT NULL, object BLOB, size INTEGER NOT NULL, recipe BLOB,"
    " attrs BLOB, seq INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY(branch, path)) WITHOUT ROWID;"
    "CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO counters VALUES('staged', 0);"
    "CREATE TABLE made(made_by BLOB NOT NULL, path BLOB NOT NULL, object BLOB, size INTEGER NOT NULL, recipe BLOB,"
    " attrs BLOB, sum INTEGER NOT NULL, PRIMARY KEY(made_by, path)) WITHOUT ROWID;"
    "CREATE TABLE facts(key TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;";

#define STATEMENTS(X)                                                                                                 \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                       \
    X(COMMIT, "COMMIT")                                                                                               \
    X(ROLLBACK, "ROLLBACK")                                                                                           \
    X(VERSION, "PRAGMA data_version")                                                                                 \
    X(CHECK, "PRAGMA integrity_check(20)")                                                                            \
    X(PACK_ADD, "INSERT OR IGNORE INTO packs(name, bytes, records) VALUES(?, ?, ?)")                                  \
    X(PACK_NUM, "SELECT num FROM packs WHERE name = ?")                                                               \
    X(PACK_NAME, "SELECT name FROM packs WHERE num = ?")                                                              \
    X(INDEXES, "SELECT 1, num, name, 0, records FROM runs"                                                            \
               " UNION ALL SELECT 0, num, name, bytes, records FROM packs WHERE run = 0")                             \
    X(PACKS, "SELECT 0, num, name, bytes, records FROM packs ORDER BY num")                                           \
    X(RUN_ADD, "INSERT INTO runs(name, records) VALUES(?, ?)")                                                        \
    X(RUN_LAST, "SELECT max(num) FROM runs")                                                                          \
    X(RUN_OF_PACK, "UPDATE packs SET run = ? WHERE num = ?")                                                          \
    X(RUN_OF_RUN, "UPDATE packs SET run = ? WHERE run = ?")                                                           \
    X(RUN_DROP, "DELETE FROM runs WHERE num = ?")                                                                     \
    X(REF_GET, "SELECT name, target, time_us, sum FROM refs WHERE name = ?")                                          \
    X(REF_SET, "INSERT OR REPLACE INTO refs(name, target, time_us, sum) VALUES(?, ?, ?, ?)")                          \
    X(REF_DROP, "DELETE FROM refs WHERE name = ?")                                                                    \
    X(REFS, "SELECT name, target, time_us, sum FROM refs WHERE name >= ? ORDER BY name")                              \
    X(LOG_ADD, "INSERT INTO ref_log(name, was, target, time_us, who, why, sum) VALUES(?, ?, ?, ?, ?, ?, ?)")          \
    X(LOG_AT, "SELECT name, was, target, time_us, who, why, sum FROM ref_log WHERE name = ? AND time_us <= ?"         \
              " ORDER BY seq DESC LIMIT 1")                                                                           \
    X(LOG_FIRST, "SELECT time_us FROM ref_log WHERE name = ? ORDER BY seq LIMIT 1")                                   \
    X(LOG_ALL, "SELECT name, was, target, time_us, who, why, sum FROM ref_log ORDER BY seq")                          \
    X(STAGE_COUNT, "UPDATE counters SET value = value + 1 WHERE name = 'staged' RETURNING value")                     \
    X(STAGE_SEQ, "SELECT value FROM counters WHERE name = 'staged'")                                                  \
    X(STAGE,                                                                                                          \
      "INSERT OR REPLACE INTO staged(branch, path, object, size, recipe, attrs, seq, sum) VALUES(?,?,?,?,?,?,?,?)")   \
    X(STAGED, "SELECT branch, path, object, size, recipe, attrs, seq, sum FROM staged WHERE branch = ? AND path >= ?" \
              " ORDER BY path LIMIT ?")                                                                               \
    X(STAGED_ALL, "SELECT branch, path, object, size, recipe, attrs, seq, sum FROM staged")                           \
    X(UNSTAGE, "DELETE FROM staged WHERE branch = ? AND path >= ? AND substr(path, 1, ?) = ? AND seq <= ?")           \
    X(UNSTAGE_ONE, "DELETE FROM staged WHERE branch = ? AND path = ? AND seq <= ?")                                   \
    X(MADE_FORGET, "DELETE FROM made WHERE made_by = ?")                                                              \
    X(MADE_ADD, "INSERT OR REPLACE INTO made(made_by, path, object, size, recipe, attrs, sum) VALUES(?,?,?,?,?,?,?)") \
    X(MADE, "SELECT made_by, path, object, size, recipe, attrs, sum FROM made WHERE made_by = ? ORDER BY path")       \
    X(MADE_ALL, "SELECT made_by, path, object, size, recipe, attrs, sum FROM made")                                   \
    X(FACT_SET, "INSERT OR REPLACE INTO facts(key, value, sum) VALUES(?, ?, ?)")                                      \
    X(FACT_GET, "SELECT key, value, sum FROM facts WHERE key = ?")                                                    \
    X(FACTS, "SELECT key, value, sum FROM facts WHERE key >= ? ORDER BY key")

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

struct tarn_meta {
    sqlite3 *db;
    sqlite3_stmt *kept[S_COUNT];
    const tarn_ring *ring;
    tarn_veil_list veiled; /* staged rows of a branch, opened */
};

/* ---- errors, opening ---- */

static tarn_code code_of(int status)
{
    switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return TARN_BUSY;
    case SQLITE_FULL: return TARN_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return TARN_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return TARN_DENIED;
    case SQLITE_NOMEM: return TARN_NOMEM;
    case SQLITE_TOOBIG: return TARN_LIMIT;
    default: return TARN_IO;
    }
}

static tarn_code fail(tarn_meta *m, int status, tarn_err *err)
{
    const char *why = m->db ? sqlite3_errmsg(m->db) : sqlite3_errstr(status);

    switch (code_of(status)) {
    case TARN_BUSY: return TARN_FAIL(err, TARN_BUSY, "another process has held meta.db for over a minute; try again");
    case TARN_CORRUPT:
        return TARN_FAIL(err, TARN_CORRUPT,
                         "meta.db is damaged (%s); restore it from a copy, 'tarn lake fsck' tells more", why);
    default: return TARN_FAIL(err, code_of(status), "meta.db: %s", why);
    }
}

static tarn_code execute(tarn_meta *m, const char *sql, tarn_err *err)
{
    int status = sqlite3_exec(m->db, sql, NULL, NULL, NULL);
    return status == SQLITE_OK ? TARN_OK : fail(m, status, err);
}

static tarn_code open_file(const char *path, int flags, tarn_meta **out, tarn_err *err)
{
    tarn_meta *m = NULL;
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&m, 1, sizeof *m, err));
    int status = sqlite3_open_v2(path, &m->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    if (status != SQLITE_OK) {
        rc = fail(m, status, err);
        goto done;
    }
    (void)sqlite3_extended_result_codes(m->db, 1);
    (void)sqlite3_busy_timeout(m->db, WAIT_MS);
    *out = m;
    m = NULL;
done:
    tarn_meta_close(m);
    return rc;
}

tarn_code tarn_meta_create(const char *path, tarn_err *err)
{
    tarn_meta *m = NULL;
    tarn_code rc = TARN_OK;

    TARN_TRY(open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &m, err));
    TARN_TRY(execute(m, "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", err));
    TARN_TRY(execute(m, "BEGIN", err));
    TARN_TRY(execute(m, schema, err));
    TARN_TRY(execute(m, "COMMIT", err));
done:
    tarn_meta_close(m);
    return rc;
}

/* path as a URI, for immutable=1. */
static tarn_code as_uri(const char *path, tarn_text *out, tarn_err *err)
{
    tarn_text_add(out, "file:");
    for (const char *p = path; *p; p++) {
        if (*p == '?' || *p == '#' || *p == '%') tarn_text_addf(out, "%%%02X", (unsigned)(unsigned char)*p);
        else tarn_text_addn(out, p, 1);
    }
    tarn_text_add(out, "?immutable=1");
    return tarn_text_check(out, err);
}

/* A folder that cannot be written: plainly if SQLite can (its helper files are there), else as a file that
 * cannot change, which is true only if nothing waits in the write-ahead log. */
static tarn_code open_readonly(const char *path, tarn_meta **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text uri = {0}, wal = {0};
    struct stat st;
    int64_t version;

    if (open_file(path, SQLITE_OPEN_READONLY, out, NULL) == TARN_OK) {
        if (tarn_meta_version(*out, &version, NULL) == TARN_OK &&
            tarn_meta_pack_name(*out, 0, (char[64]){0}, NULL) == TARN_NOT_FOUND)
            return TARN_OK;
        tarn_meta_close(*out);
        *out = NULL;
    }
    tarn_text_addf(&wal, "%s-wal", path);
    TARN_TRY(tarn_text_check(&wal, err));
    if (stat(wal.data, &st) == 0 && st.st_size > 0) {
        rc = TARN_FAIL(err, TARN_DENIED,
                       "the lake cannot be written here, but its last changes still wait in meta.db-wal; open it once "
                       "with write permission ('tarn status' will do)");
        goto done;
    }
    TARN_TRY(as_uri(path, &uri, err));
    TARN_TRY(open_file(uri.data, SQLITE_OPEN_READONLY, out, err));
done:
    tarn_text_clear(&uri);
    tarn_text_clear(&wal);
    return rc;
}

tarn_code tarn_meta_open(const char *path, bool readonly, tarn_meta **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_meta *m = NULL;
    int64_t version;

    *out = NULL;
    if (readonly) return open_readonly(path, out, err);
    TARN_TRY(open_file(path, SQLITE_OPEN_READWRITE, &m, err));
    TARN_TRY(execute(m, "PRAGMA synchronous=FULL", err));
    TARN_TRY(tarn_meta_version(m, &version, err));
    *out = m;
    m = NULL;
done:
    tarn_meta_close(m);
    return rc;
}

void tarn_meta_close(tarn_meta *m)
{
    if (!m) return;
    for (int i = 0; i < S_COUNT; i++) (void)sqlite3_finalize(m->kept[i]);
    (void)sqlite3_close(m->db);
    tarn_veil_list_clear(&m->veiled);
    tarn_free(m);
}

void tarn_meta_seal_with(tarn_meta *m, const tarn_ring *ring) { m->ring = ring; }

/* ---- statements ---- */

static void bind_id(sqlite3_stmt *st, int at, const tarn_id *id)
{
    if (id && !tarn_id_none(id)) (void)sqlite3_bind_blob(st, at, id->b, TARN_ID_BYTES, SQLITE_TRANSIENT);
    else (void)sqlite3_bind_null(st, at);
}

static tarn_code prepare(tarn_meta *m, statement which, sqlite3_stmt **out, tarn_err *err)
{
    if (!m->kept[which]) {
        int status = sqlite3_prepare_v3(m->db, sql_of[which], -1, SQLITE_PREPARE_PERSISTENT, &m->kept[which], NULL);
        if (status != SQLITE_OK) return fail(m, status, err);
    }
    *out = m->kept[which];
    return TARN_OK;
}

/* The statement, reset and bound: t const char *, p path (bytes), i int64_t, d const tarn_id *, b bytes and size_t. */
static tarn_code start(tarn_meta *m, statement which, sqlite3_stmt **out, tarn_err *err, const char *format, ...)
{
    va_list args;
    tarn_code rc = prepare(m, which, out, err);
    sqlite3_stmt *st = *out;

    if (rc != TARN_OK) return rc;
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    va_start(args, format);
    for (int i = 0; format[i]; i++) {
        if (format[i] == 'b') {
            const uint8_t *bytes = va_arg(args, const uint8_t *);
            (void)sqlite3_bind_blob(st, i + 1, bytes, (int)va_arg(args, size_t), SQLITE_TRANSIENT);
        } else if (format[i] == 't') {
            (void)sqlite3_bind_text(st, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
        } else if (format[i] == 'p') {
            const char *path = va_arg(args, const char *);
            (void)sqlite3_bind_blob(st, i + 1, path, (int)strlen(path), SQLITE_TRANSIENT);
        } else if (format[i] == 'i') {
            (void)sqlite3_bind_int64(st, i + 1, va_arg(args, int64_t));
        } else {
            bind_id(st, i + 1, va_arg(args, const tarn_id *));
        }
    }
    va_end(args);
    return TARN_OK;
}

/* *row tells whether there is one; at the end (or on failure) the statement is reset. */
static tarn_code step(tarn_meta *m, sqlite3_stmt *st, bool *row, tarn_err *err)
{
    int status = sqlite3_step(st);

    *row = status == SQLITE_ROW;
    if (*row) return TARN_OK;
    tarn_code rc = status == SQLITE_DONE ? TARN_OK : fail(m, status, err);
    (void)sqlite3_reset(st);
    return rc;
}

static tarn_code finish(tarn_meta *m, sqlite3_stmt *st, tarn_err *err)
{
    bool row;
    tarn_code rc = step(m, st, &row, err);

    if (row) (void)sqlite3_reset(st);
    return rc;
}

static tarn_code simply(tarn_meta *m, statement which, tarn_err *err)
{
    sqlite3_stmt *st = NULL;
    tarn_code rc = start(m, which, &st, err, "");
    return rc == TARN_OK ? finish(m, st, err) : rc;
}

tarn_code tarn_meta_begin(tarn_meta *m, tarn_err *err) { return simply(m, S_BEGIN, err); }
tarn_code tarn_meta_commit(tarn_meta *m, tarn_err *err) { return simply(m, S_COMMIT, err); }

void tarn_meta_rollback(tarn_meta *m)
{
    m->veiled.good = false;
    if (!sqlite3_get_autocommit(m->db) && simply(m, S_ROLLBACK, NULL) != TARN_OK) return; /* nothing more can be done */
}

tarn_code tarn_meta_version(tarn_meta *m, int64_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_VERSION, &st, err, ""));
    TARN_TRY(step(m, st, &row, err));
    *out = row ? sqlite3_column_int64(st, 0) : 0;
    if (row) (void)sqlite3_reset(st);
done:
    return rc;
}

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

static uint32_t sum_entry(const char *owner, size_t owner_len, const tarn_entry *e, int64_t seq)
{
    uint32_t sum = 0;

    sum_bytes(&sum, owner, owner_len);
    sum_text(&sum, e->path);
    sum_id(&sum, &e->object.id);
    sum_int(&sum, (int64_t)e->object.size);
    sum_id(&sum, &e->recipe);
    sum_id(&sum, &e->attrs);
    sum_int(&sum, seq);
    return sum;
}

static const char *text_at(sqlite3_stmt *st, int column)
{
    const unsigned char *text = sqlite3_column_text(st, column);
    return text ? (const char *)text : "";
}

/* An id column; none for NULL. False if it is something else. */
static bool id_at(sqlite3_stmt *st, int column, tarn_id *out)
{
    *out = (tarn_id){{0}};
    if (sqlite3_column_type(st, column) == SQLITE_NULL) return true;
    const void *bytes = sqlite3_column_blob(st, column);
    if (!bytes || sqlite3_column_bytes(st, column) != TARN_ID_BYTES) return false;
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
    sqlite3_stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_PACK_NUM, &st, err, "t", name));
    TARN_TRY(step(m, st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "meta.db does not name pack %s", name);
    *num = (uint32_t)sqlite3_column_int64(st, 0);
    (void)sqlite3_reset(st);
done:
    return rc;
}

tarn_code tarn_meta_pack_add(tarn_meta *m, const char *name, uint64_t bytes, uint64_t records, uint32_t *num,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;

    TARN_TRY(start(m, S_PACK_ADD, &st, err, "tii", name, (int64_t)bytes, (int64_t)records));
    TARN_TRY(finish(m, st, err));
    TARN_TRY(tarn_meta_pack_num(m, name, num, err));
done:
    return rc;
}

tarn_code tarn_meta_pack_name(tarn_meta *m, uint32_t num, char name[64], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_PACK_NAME, &st, err, "i", (int64_t)num));
    TARN_TRY(step(m, st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "meta.db names no pack %u", num);
    (void)snprintf(name, 64, "%s", text_at(st, 0));
    (void)sqlite3_reset(st);
done:
    return rc;
}

static tarn_code each_pack(tarn_meta *m, statement which, tarn_pack_row_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = true;

    TARN_TRY(start(m, which, &st, err, ""));
    for (;;) {
        TARN_TRY(step(m, st, &row, err));
        if (!row) break;
        tarn_pack_row r = {.run = sqlite3_column_int(st, 0) != 0,
                           .num = (uint32_t)sqlite3_column_int64(st, 1),
                           .bytes = (uint64_t)sqlite3_column_int64(st, 3),
                           .records = (uint64_t)sqlite3_column_int64(st, 4)};
        (void)snprintf(r.name, sizeof r.name, "%s", text_at(st, 2));
        TARN_TRY(fn(arg, &r, err));
    }
done:
    if (st) (void)sqlite3_reset(st);
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
    sqlite3_stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_RUN_ADD, &st, err, "ti", name, (int64_t)records));
    TARN_TRY(finish(m, st, err));
    TARN_TRY(start(m, S_RUN_LAST, &st, err, ""));
    TARN_TRY(step(m, st, &row, err));
    *num = row ? (uint32_t)sqlite3_column_int64(st, 0) : 0;
    (void)sqlite3_reset(st);
done:
    return rc;
}

tarn_code tarn_meta_run_absorb(tarn_meta *m, uint32_t run, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;

    TARN_TRY(start(m, row->run ? S_RUN_OF_RUN : S_RUN_OF_PACK, &st, err, "ii", (int64_t)run, (int64_t)row->num));
    TARN_TRY(finish(m, st, err));
    if (!row->run) goto done;
    TARN_TRY(start(m, S_RUN_DROP, &st, err, "i", (int64_t)row->num));
    TARN_TRY(finish(m, st, err));
done:
    return rc;
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

static tarn_code read_ref(sqlite3_stmt *st, tarn_ref *out, tarn_err *err)
{
    *out = (tarn_ref){.time_us = sqlite3_column_int64(st, 2)};
    (void)snprintf(out->name, sizeof out->name, "%s", text_at(st, 0));
    if (!id_at(st, 1, &out->commit) || tarn_id_none(&out->commit) ||
        sum_ref(out->name, &out->commit, out->time_us) != (uint32_t)sqlite3_column_int64(st, 3))
        return damaged("refs", err);
    return TARN_OK;
}

tarn_code tarn_meta_ref_get(tarn_meta *m, const char *name, tarn_ref *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_REF_GET, &st, err, "t", name));
    TARN_TRY(step(m, st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no ref '%s'", name);
    rc = read_ref(st, out, err);
    (void)sqlite3_reset(st);
done:
    return rc;
}

tarn_code tarn_meta_ref_set(tarn_meta *m, const char *name, const tarn_id *was, const tarn_id *to, int64_t time_us,
                            const char *who, const char *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;

    if (to) TARN_TRY(start(m, S_REF_SET, &st, err, "tdii", name, to, time_us, (int64_t)sum_ref(name, to, time_us)));
    else TARN_TRY(start(m, S_REF_DROP, &st, err, "t", name));
    TARN_TRY(finish(m, st, err));
    TARN_TRY(start(m, S_LOG_ADD, &st, err, "tdditti", name, was, to, time_us, who, why,
                   (int64_t)sum_log(name, was, to, time_us, who, why)));
    TARN_TRY(finish(m, st, err));
done:
    return rc;
}

tarn_code tarn_meta_refs(tarn_meta *m, const char *prefix, tarn_ref_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = true;
    tarn_ref ref;

    TARN_TRY(start(m, S_REFS, &st, err, "t", prefix));
    for (;;) {
        TARN_TRY(step(m, st, &row, err));
        if (!row) break;
        TARN_TRY(read_ref(st, &ref, err));
        if (strncmp(ref.name, prefix, strlen(prefix)) != 0) break;
        TARN_TRY(fn(arg, &ref, err));
    }
done:
    if (st) (void)sqlite3_reset(st);
    return rc;
}

static tarn_code read_log(sqlite3_stmt *st, tarn_id *target, tarn_err *err)
{
    tarn_id was;

    if (!id_at(st, 1, &was) || !id_at(st, 2, target) ||
        sum_log(text_at(st, 0), &was, target, sqlite3_column_int64(st, 3), text_at(st, 4), text_at(st, 5)) !=
            (uint32_t)sqlite3_column_int64(st, 6))
        return damaged("ref_log", err);
    return TARN_OK;
}

tarn_code tarn_meta_ref_at(tarn_meta *m, const char *name, int64_t time_us, tarn_id *out, bool *known,
                           int64_t *first_us, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = false;

    *out = (tarn_id){{0}};
    TARN_TRY(start(m, S_LOG_FIRST, &st, err, "t", name));
    TARN_TRY(step(m, st, known, err));
    if (!*known) return TARN_OK;
    *first_us = sqlite3_column_int64(st, 0);
    (void)sqlite3_reset(st);
    TARN_TRY(start(m, S_LOG_AT, &st, err, "ti", name, time_us));
    TARN_TRY(step(m, st, &row, err));
    if (row) {
        rc = read_log(st, out, err);
        (void)sqlite3_reset(st);
    }
done:
    return rc;
}

/* ---- entries: staging and made ---- */

static uint32_t sum_veiled(const char *owner, size_t owner_len, const tarn_id *name, const void *piece, size_t len,
                           int64_t seq)
{
    uint32_t sum = 0;

    sum_bytes(&sum, owner, owner_len);
    sum_id(&sum, name);
    sum_bytes(&sum, piece, len);
    sum_int(&sum, seq);
    return sum;
}

/* The owner of a row as text: a branch, or the hexadecimal of a recipe's name. */
static const char *owner_text(bool staged, const void *owner, int len, char out[256])
{
    tarn_id id = {{0}};

    if (staged) {
        (void)snprintf(out, 256, "%.*s", len < 255 ? len : 255, (const char *)owner);
        return out;
    }
    if (len == TARN_ID_BYTES) memcpy(id.b, owner, TARN_ID_BYTES);
    return tarn_id_hex(&id, out);
}

static tarn_code read_veiled(tarn_meta *m, sqlite3_stmt *st, bool staged, tarn_entry *out, int64_t *seq, tarn_err *err)
{
    const char *table = staged ? "staged" : "made";
    const void *owner = sqlite3_column_blob(st, 0), *piece = sqlite3_column_blob(st, 2);
    int owner_len = sqlite3_column_bytes(st, 0), len = sqlite3_column_bytes(st, 2);
    char text[256];
    tarn_id name;

    *seq = staged ? sqlite3_column_int64(st, 6) : 0;
    if (!id_at(st, 1, &name) || !owner || !piece || len < 0 ||
        sum_veiled(owner, (size_t)owner_len, &name, piece, (size_t)len, *seq) !=
            (uint32_t)sqlite3_column_int64(st, staged ? 7 : 6))
        return damaged(table, err);
    return tarn_unveil(m->ring, table, owner_text(staged, owner, owner_len, text), &name, piece, (size_t)len, out, err);
}

/* owner, path, object, size, recipe, attrs [, seq], sum */
static tarn_code read_entry(tarn_meta *m, sqlite3_stmt *st, bool staged, tarn_entry *out, int64_t *seq, tarn_err *err)
{
    if (m->ring) return read_veiled(m, st, staged, out, seq, err);
    const char *table = staged ? "staged" : "made";
    const void *path = sqlite3_column_blob(st, 1), *owner = sqlite3_column_blob(st, 0);
    int len = sqlite3_column_bytes(st, 1), owner_len = sqlite3_column_bytes(st, 0);

    *out = (tarn_entry){.object.size = (uint64_t)sqlite3_column_int64(st, 3)};
    *seq = staged ? sqlite3_column_int64(st, 6) : 0;
    if (len < 0 || (size_t)len >= sizeof out->path) return damaged(table, err);
    if (len > 0) memcpy(out->path, path, (size_t)len);
    if (!id_at(st, 2, &out->object.id) || !id_at(st, 4, &out->recipe) || !id_at(st, 5, &out->attrs) ||
        sum_entry(owner, (size_t)owner_len, out, *seq) != (uint32_t)sqlite3_column_int64(st, staged ? 7 : 6))
        return damaged(table, err);
    return TARN_OK;
}

static tarn_code stage_veiled(tarn_meta *m, const char *branch, const tarn_entry *e, int64_t seq, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    uint8_t piece[TARN_VEIL_MOST];
    size_t len = 0;
    tarn_id name;

    tarn_veil_name(m->ring, branch, e->path, &name);
    TARN_TRY(tarn_veil(m->ring, "staged", branch, e, piece, &len, err));
    TARN_TRY(start(m, S_STAGE, &st, err, "tdbiddii", branch, &name, piece, len, (int64_t)0, (tarn_id *)NULL,
                   (tarn_id *)NULL, seq, (int64_t)sum_veiled(branch, strlen(branch), &name, piece, len, seq)));
    TARN_TRY(finish(m, st, err));
done:
    return rc;
}

tarn_code tarn_meta_stage(tarn_meta *m, const char *branch, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_STAGE_COUNT, &st, err, ""));
    TARN_TRY(step(m, st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_CORRUPT, "meta.db is damaged: the counter of staged paths is gone");
    int64_t seq = sqlite3_column_int64(st, 0);
    (void)sqlite3_reset(st);
    m->veiled.good = false;
    if (m->ring) {
        rc = stage_veiled(m, branch, e, seq, err);
        goto done;
    }
    TARN_TRY(start(m, S_STAGE, &st, err, "tpdiddii", branch, e->path, &e->object.id, (int64_t)e->object.size,
                   &e->recipe, &e->attrs, seq, (int64_t)sum_entry(branch, strlen(branch), e, seq)));
    TARN_TRY(finish(m, st, err));
done:
    return rc;
}

tarn_code tarn_meta_stage_seq(tarn_meta *m, int64_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_STAGE_SEQ, &st, err, ""));
    TARN_TRY(step(m, st, &row, err));
    *out = row ? sqlite3_column_int64(st, 0) : 0;
    if (row) (void)sqlite3_reset(st);
done:
    return rc;
}

static tarn_code each_staged(tarn_meta *m, sqlite3_stmt *st, tarn_staged_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool row = true;
    tarn_entry e;
    int64_t seq;

    for (;;) {
        TARN_TRY(step(m, st, &row, err));
        if (!row) break;
        TARN_TRY(read_entry(m, st, true, &e, &seq, err));
        TARN_TRY(fn(arg, &e, seq, err));
    }
done:
    (void)sqlite3_reset(st);
    return rc;
}

static tarn_code keep_veiled(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err)
{
    return tarn_veil_list_add(arg, entry, seq, err);
}

/* The opened rows of the branch, read anew if they may have changed. */
static tarn_code open_veiled(tarn_meta *m, const char *branch, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    int64_t version = 0;

    TARN_TRY(tarn_meta_version(m, &version, err));
    if (m->veiled.good && m->veiled.version == version && strcmp(m->veiled.owner, branch) == 0) return TARN_OK;
    tarn_veil_list_clear(&m->veiled);
    TARN_TRY(start(m, S_STAGED, &st, err, "tpi", branch, "", (int64_t)-1));
    TARN_TRY(each_staged(m, st, keep_veiled, &m->veiled, err));
    tarn_veil_list_sort(&m->veiled);
    (void)snprintf(m->veiled.owner, sizeof m->veiled.owner, "%s", branch);
    m->veiled.version = version;
    m->veiled.good = true;
done:
    return rc;
}

tarn_code tarn_meta_staged(tarn_meta *m, const char *branch, const char *from, int64_t most, tarn_staged_fn *fn,
                           void *arg, tarn_err *err)
{
    sqlite3_stmt *st = NULL;

    if (m->ring) {
        tarn_code opened = open_veiled(m, branch, err);
        return opened == TARN_OK ? tarn_veil_list_each(&m->veiled, from, most, fn, arg, err) : opened;
    }
    tarn_code rc = start(m, S_STAGED, &st, err, "tpi", branch, from, most > 0 ? most : (int64_t)-1);

    return rc == TARN_OK ? each_staged(m, st, fn, arg, err) : rc;
}

tarn_code tarn_meta_staged_all(tarn_meta *m, tarn_staged_fn *fn, void *arg, tarn_err *err)
{
    sqlite3_stmt *st = NULL;
    tarn_code rc = start(m, S_STAGED_ALL, &st, err, "");

    return rc == TARN_OK ? each_staged(m, st, fn, arg, err) : rc;
}

typedef struct unstaging {
    tarn_meta *m;
    const char *branch, *prefix;
    int64_t upto;
} unstaging;

static tarn_code unstage_one(void *arg, const tarn_entry *e, int64_t seq, tarn_err *err)
{
    const unstaging *u = arg;
    sqlite3_stmt *st = NULL;
    tarn_id name;

    (void)seq;
    if (strncmp(e->path, u->prefix, strlen(u->prefix)) != 0) return TARN_CANCELLED; /* in the order of paths */
    tarn_veil_name(u->m->ring, u->branch, e->path, &name);
    tarn_code rc = start(u->m, S_UNSTAGE_ONE, &st, err, "tdi", u->branch, &name, u->upto);
    return rc == TARN_OK ? finish(u->m, st, err) : rc;
}

static tarn_code unstage_veiled(tarn_meta *m, const char *branch, const char *prefix, int64_t upto, tarn_err *err)
{
    unstaging u = {m, branch, prefix, upto};
    tarn_code rc = tarn_meta_staged(m, branch, prefix, 0, unstage_one, &u, err);

    m->veiled.good = false;
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

tarn_code tarn_meta_unstage(tarn_meta *m, const char *branch, const char *prefix, int64_t upto, tarn_err *err)
{
    sqlite3_stmt *st = NULL;

    if (m->ring && *prefix) return unstage_veiled(m, branch, prefix, upto, err);
    m->veiled.good = false;
    tarn_code rc = start(m, S_UNSTAGE, &st, err, "tpipi", branch, prefix, (int64_t)strlen(prefix), prefix, upto);

    return rc == TARN_OK ? finish(m, st, err) : rc;
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
    sqlite3_stmt *st = NULL;
    tarn_id name = recipe_name(m, recipe);
    tarn_code rc = start(m, S_MADE_FORGET, &st, err, "d", &name);

    return rc == TARN_OK ? finish(m, st, err) : rc;
}

static tarn_code made_add_veiled(tarn_meta *m, const tarn_id *recipe, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    uint8_t piece[TARN_VEIL_MOST];
    size_t len = 0;
    char owner[TARN_ID_BYTES], hex[TARN_ID_HEX];
    tarn_id made_by = recipe_name(m, recipe), name;

    memcpy(owner, made_by.b, sizeof owner);
    tarn_veil_name(m->ring, tarn_id_hex(&made_by, hex), e->path, &name);
    TARN_TRY(tarn_veil(m->ring, "made", hex, e, piece, &len, err));
    TARN_TRY(start(m, S_MADE_ADD, &st, err, "ddbiddi", &made_by, &name, piece, len, (int64_t)0, (tarn_id *)NULL,
                   (tarn_id *)NULL, (int64_t)sum_veiled(owner, sizeof owner, &name, piece, len, 0)));
    TARN_TRY(finish(m, st, err));
done:
    return rc;
}

tarn_code tarn_meta_made_add(tarn_meta *m, const tarn_id *recipe, const tarn_entry *e, tarn_err *err)
{
    sqlite3_stmt *st = NULL;
    char owner[TARN_ID_BYTES];

    if (m->ring) return made_add_veiled(m, recipe, e, err);
    memcpy(owner, recipe->b, sizeof owner);
    tarn_code rc = start(m, S_MADE_ADD, &st, err, "dpdiddi", recipe, e->path, &e->object.id, (int64_t)e->object.size,
                         &e->recipe, &e->attrs, (int64_t)sum_entry(owner, sizeof owner, e, 0));
    return rc == TARN_OK ? finish(m, st, err) : rc;
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
    sqlite3_stmt *st = NULL;
    bool row = true;
    tarn_entry e;
    int64_t seq;
    tarn_id name = recipe_name(m, recipe);
    tarn_veil_list list = {.good = false};

    TARN_TRY(start(m, S_MADE, &st, err, "d", &name));
    for (;;) {
        TARN_TRY(step(m, st, &row, err));
        if (!row) break;
        TARN_TRY(read_entry(m, st, false, &e, &seq, err));
        if (m->ring) TARN_TRY(tarn_veil_list_add(&list, &e, 0, err));
        else TARN_TRY(fn(arg, &e, err));
    }
    tarn_veil_list_sort(&list);
    TARN_TRY(tarn_veil_list_each(&list, "", 0, give_made, &(made_call){fn, arg}, err));
done:
    if (st) (void)sqlite3_reset(st);
    tarn_veil_list_clear(&list);
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
    sqlite3_stmt *st = NULL;
    tarn_code rc = start(m, S_FACT_SET, &st, err, "tti", key, value, (int64_t)sum_fact(key, value));

    return rc == TARN_OK ? finish(m, st, err) : rc;
}

static tarn_code check_fact(sqlite3_stmt *st, tarn_err *err)
{
    if (sum_fact(text_at(st, 0), text_at(st, 1)) == (uint32_t)sqlite3_column_int64(st, 2)) return TARN_OK;
    return damaged("facts", err);
}

tarn_code tarn_meta_fact_get(tarn_meta *m, const char *key, char **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = false;

    TARN_TRY(start(m, S_FACT_GET, &st, err, "t", key));
    TARN_TRY(step(m, st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no fact '%s'", key);
    TARN_TRY(check_fact(st, err));
    TARN_TRY(tarn_strdup(text_at(st, 1), out, err));
done:
    if (st) (void)sqlite3_reset(st);
    return rc;
}

tarn_code tarn_meta_facts(tarn_meta *m, const char *prefix, tarn_fact_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sqlite3_stmt *st = NULL;
    bool row = true;

    TARN_TRY(start(m, S_FACTS, &st, err, "t", prefix));
    for (;;) {
        TARN_TRY(step(m, st, &row, err));
        if (!row || strncmp(text_at(st, 0), prefix, strlen(prefix)) != 0) break;
        TARN_TRY(check_fact(st, err));
        TARN_TRY(fn(arg, text_at(st, 0), text_at(st, 1), err));
    }
done:
    if (st) (void)sqlite3_reset(st);
    return rc;
}

/* ---- checking ---- */

static tarn_code check_row(tarn_meta *m, statement which, sqlite3_stmt *st, tarn_err *err)
{
    tarn_ref ref;
    tarn_entry e;
    tarn_id id;
    int64_t seq;

    switch (which) {
    case S_REFS: return read_ref(st, &ref, err);
    case S_LOG_ALL: return read_log(st, &id, err);
    case S_STAGED_ALL: return read_entry(m, st, true, &e, &seq, err);
    case S_MADE_ALL: return read_entry(m, st, false, &e, &seq, err);
    default: return check_fact(st, err);
    }
}

tarn_code tarn_meta_check(tarn_meta *m, void (*problem)(void *arg, const char *line), void *arg, tarn_err *err)
{
    static const statement tables[] = {S_REFS, S_LOG_ALL, S_STAGED_ALL, S_MADE_ALL, S_FACTS};
    sqlite3_stmt *st = NULL;
    bool row = false;
    tarn_err e = {0};
    tarn_code rc = start(m, S_CHECK, &st, err, "");

    while (rc == TARN_OK && (rc = step(m, st, &row, &e)) == TARN_OK && row) {
        if (strcmp(text_at(st, 0), "ok") == 0) continue;
        (void)TARN_FAIL(&e, TARN_CORRUPT, "meta.db is damaged: %s", text_at(st, 0));
        problem(arg, e.msg);
    }
    if (rc == TARN_CORRUPT) problem(arg, e.msg);
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        bool has_bound = tables[t] == S_REFS || tables[t] == S_FACTS;
        rc = start(m, tables[t], &st, &e, has_bound ? "t" : "", "");
        while (rc == TARN_OK && (rc = step(m, st, &row, &e)) == TARN_OK && row)
            if (check_row(m, tables[t], st, &e) != TARN_OK) problem(arg, e.msg);
        if (rc == TARN_CORRUPT) problem(arg, e.msg);
        else if (rc != TARN_OK) return TARN_FAIL(err, rc, "%s", e.msg);
    }
    return TARN_OK;
}
