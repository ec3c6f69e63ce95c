/* SPDX-License-Identifier: Apache-2.0 */
/* meta.c - the tables, opening them, transactions, and running the statements. See meta.h; the databases are behind
 * meta_db.h, what rows mean stands in the files that meta_inside.h names.
 *
 * Every statement is prepared once and kept.
 *
 * `sum` is the CRC-32C of the row's other values in the order of binding, each with its length in front. */
#include "lake/meta_inside.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/bytes.h"

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

static const char *const sql_of[TARN_STATEMENTS] = {
#define TARN_STATEMENT(name, sql) sql,
#include "lake/meta_statements.def"
#undef TARN_STATEMENT
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
    for (int i = 0; i < TARN_STATEMENTS; i++) m->driver->drop(m->kept[i].own);
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

static tarn_code prepare(tarn_meta *m, tarn_statement which, tarn_stmt **out, tarn_err *err)
{
    tarn_stmt *st = &m->kept[which];

    *out = st;
    st->driver = m->driver;
    return st->own ? TARN_OK : m->driver->prepare(m->db, sql_of[which], &st->own, err);
}

/* The statement, reset and bound: t const char *, p path (bytes), i int64_t, d const tarn_id *, b bytes and size_t. */
tarn_code tarn_meta_start(tarn_meta *m, tarn_statement which, tarn_stmt **out, tarn_err *err, const char *format, ...)
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
tarn_code tarn_stmt_next(tarn_stmt *st, bool *row, tarn_err *err) { return st->driver->step(st->own, row, err); }

void tarn_stmt_done(tarn_stmt *st)
{
    if (st && st->own) st->driver->reset(st->own);
}

tarn_code tarn_stmt_run(tarn_stmt *st, tarn_err *err)
{
    bool row;
    tarn_code rc = tarn_stmt_next(st, &row, err);

    if (row) tarn_stmt_done(st);
    return rc;
}

int64_t tarn_stmt_int(tarn_stmt *st, int column) { return st->driver->int_at(st->own, column); }
const char *tarn_stmt_text(tarn_stmt *st, int column) { return st->driver->text_at(st->own, column); }

/* ---- sums and columns ---- */

void tarn_sum_bytes(uint32_t *sum, const void *bytes, size_t len)
{
    uint8_t n[8];

    tarn_put64(n, len);
    *sum = tarn_crc32c(tarn_crc32c(*sum, n, sizeof n), bytes, len);
}

void tarn_sum_text(uint32_t *sum, const char *text) { tarn_sum_bytes(sum, text, strlen(text)); }

void tarn_sum_int(uint32_t *sum, int64_t x)
{
    uint8_t n[8];

    tarn_put64(n, (uint64_t)x);
    tarn_sum_bytes(sum, n, sizeof n);
}

void tarn_sum_id(uint32_t *sum, const tarn_id *id)
{
    tarn_sum_bytes(sum, id ? id->b : NULL, id && !tarn_id_none(id) ? TARN_ID_BYTES : 0);
}

/* An id column; none for NULL. False if it is something else. */
bool tarn_stmt_id(tarn_stmt *st, int column, tarn_id *out)
{
    const void *bytes = NULL;
    size_t len = 0;

    *out = (tarn_id){{0}};
    if (!st->driver->bytes_at(st->own, column, &bytes, &len)) return true;
    if (len != TARN_ID_BYTES) return false;
    memcpy(out->b, bytes, TARN_ID_BYTES);
    return true;
}

tarn_code tarn_meta_row_damaged(const char *table, tarn_err *err)
{
    return TARN_FAIL(err, TARN_CORRUPT,
                     "meta.db is damaged: a row of table '%s' does not match its checksum; restore meta.db "
                     "from a copy",
                     table);
}

/* ---- making ---- */

/* The tables, and the id as a fact in the same breath. */
tarn_code tarn_meta_create(const char *where, const char *id, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_add(&sql, schema);
    if (*id)
        tarn_text_addf(&sql, "INSERT INTO facts(key, value, sum) VALUES('%s', '%s', %lu);", id_key, id,
                       (unsigned long)tarn_sum_fact(id_key, id));
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

const tarn_meta_driver *tarn_meta_db(tarn_meta *m, void **db)
{
    *db = m->db;
    return m->driver;
}
