/* SPDX-License-Identifier: Apache-2.0 */
/* meta_sqlite.c - metadata in meta.db, a file of the lake. See meta_db.h.
 *
 * WAL mode with synchronous=FULL: a transaction is durable when COMMIT returns, readers never wait.
 *
 * SQLite before 3.51.3 may lose a transaction if one connection begins the log anew while another carries it over into
 * the file (sqlite.org/wal.html, "The WAL-Reset Bug"; Debian 12 has 3.40.1). So the log is never carried over but
 * by us, while we hold the right to write: then nobody can begin it anew. */
#include "lake/meta_db.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/wal.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 60000, LOG_PAGES = 4000, LOG_PAGES_AGAIN = 1000 };

typedef enum control { C_BEGIN, C_COMMIT, C_ROLLBACK, C_VERSION, C_COUNT } control;
static const char *const control_sql[C_COUNT] = {"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "PRAGMA data_version"};

typedef struct database {
    sqlite3 *db;
    sqlite3_stmt *controls[C_COUNT];
    int log_pages, log_due; /* in the write-ahead log; from how many on it is carried over into the file */
    bool alone;             /* no other connection can be open: see open_alone */
} database;

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

/* What the system said about a file that could not be opened, written or synced; 0 for other failures. */
static int system_errno(sqlite3 *db, int status)
{
    int kind = status & 0xff;
    return db && (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN || kind == SQLITE_FULL) ? sqlite3_system_errno(db)
                                                                                          : 0;
}

static tarn_code no_space(tarn_err *err)
{
    return TARN_FAIL(err, TARN_FULL, "meta.db: no space left; free some space and run the command again");
}

/* A disk that is full or failing makes SQLite say "cannot open" and "read-only" too; those are no lack of rights. */
static tarn_code fail_by_system(sqlite3 *db, int status, tarn_err *err)
{
    int cause = system_errno(db, status);
    bool denied = code_of(status) == TARN_DENIED;

    if (cause == ENOSPC || cause == EDQUOT) return no_space(err);
    if (cause == ENOENT && denied) /* it tried to make one, then to find one */
        return TARN_FAIL(err, TARN_IO, "meta.db: a file that it needs cannot be made; is the disk full?");
    if (cause != 0 && cause != EACCES && cause != EPERM && cause != EROFS && denied)
        return TARN_FAIL(err, TARN_IO, "meta.db: %s (%s)", sqlite3_errmsg(db), strerror(cause));
    if ((status & 0xff) == SQLITE_READONLY && db && access(sqlite3_db_filename(db, "main"), W_OK) == 0)
        return TARN_FAIL(err, TARN_IO, "meta.db: a file that it needs cannot be made or written; is the disk full?");
    return TARN_OK;
}

static tarn_code fail(sqlite3 *db, int status, tarn_err *err)
{
    const char *why = db && status != SQLITE_IOERR_READ ? sqlite3_errmsg(db) : sqlite3_errstr(status);
    tarn_code rc = fail_by_system(db, status, err);

    if (rc != TARN_OK) return rc;
    switch (code_of(status)) {
    case TARN_FULL: return no_space(err);
    case TARN_BUSY: return TARN_FAIL(err, TARN_BUSY, "another process has held meta.db for over a minute; try again");
    case TARN_CORRUPT:
        return TARN_FAIL(err, TARN_CORRUPT,
                         "meta.db is damaged (%s); restore it from a copy, or 'tarn lake fsck --repair' mends it", why);
    default: return TARN_FAIL(err, code_of(status), "meta.db: %s", why);
    }
}

/* SQLite calls a file that the disk fails to read corrupt. It is not: it may be read yet, and whoever repairs it must
 * not take its rows for lost. Call with errno 0 before what gave status. */
static int as_system_says(int status)
{
    return (status & 0xff) == SQLITE_CORRUPT && errno == EIO ? SQLITE_IOERR_READ : status;
}

static int run_step(sqlite3_stmt *st)
{
    errno = 0;
    return as_system_says(sqlite3_step(st));
}

static int compile(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    errno = 0;
    return as_system_says(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL));
}

static void close_database(void *db)
{
    database *d = db;

    if (!d) return;
    for (int i = 0; i < C_COUNT; i++) (void)sqlite3_finalize(d->controls[i]);
    (void)sqlite3_close(d->db);
    tarn_free(d);
}

static tarn_code execute(database *d, const char *sql, tarn_err *err)
{
    errno = 0;
    int status = as_system_says(sqlite3_exec(d->db, sql, NULL, NULL, NULL));
    return status == SQLITE_OK ? TARN_OK : fail(d->db, status, err);
}

static tarn_code open_file(const char *path, int flags, database **out, tarn_err *err)
{
    database *d = NULL;
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&d, 1, sizeof *d, err));
    int status = sqlite3_open_v2(path, &d->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    if (status != SQLITE_OK) {
        rc = fail(d->db, status, err);
        goto done;
    }
    (void)sqlite3_extended_result_codes(d->db, 1);
    (void)sqlite3_busy_timeout(d->db, WAIT_MS);
    *out = d;
    d = NULL;
done:
    close_database(d);
    return rc;
}

static tarn_code create(const char *path, const char *schema, tarn_err *err)
{
    database *d = NULL;
    tarn_code rc = TARN_OK;

    TARN_TRY(open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &d, err));
    TARN_TRY(execute(d, "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", err));
    TARN_TRY(execute(d, "BEGIN", err));
    TARN_TRY(execute(d, schema, err));
    TARN_TRY(execute(d, "COMMIT", err));
done:
    close_database(d);
    return rc;
}

/* ---- transactions ---- */

/* *value (may be NULL): of the first column, 0 without a row. */
static tarn_code control_run(database *d, control which, int64_t *value, tarn_err *err)
{
    int status = SQLITE_OK;

    if (!d->controls[which]) status = compile(d->db, control_sql[which], &d->controls[which]);
    if (status != SQLITE_OK) return fail(d->db, status, err);
    status = run_step(d->controls[which]);
    if (value) *value = status == SQLITE_ROW ? sqlite3_column_int64(d->controls[which], 0) : 0;
    tarn_code rc = status == SQLITE_DONE || status == SQLITE_ROW ? TARN_OK : fail(d->db, status, err);
    (void)sqlite3_reset(d->controls[which]);
    return rc;
}

static tarn_code begin(void *db, tarn_err *err) { return control_run(db, C_BEGIN, NULL, err); }
static tarn_code version(void *db, int64_t *out, tarn_err *err) { return control_run(db, C_VERSION, out, err); }

static void rollback(void *db)
{
    database *d = db;

    if (sqlite3_get_autocommit(d->db)) return;
    if (control_run(d, C_ROLLBACK, NULL, NULL) != TARN_OK) return; /* nothing more can be done */
}

/* SQLite asks after each commit; this takes the place of its own carrying over. */
static int count_log(void *db, sqlite3 *self, const char *name, int pages)
{
    (void)self, (void)name;
    ((database *)db)->log_pages = pages;
    return SQLITE_OK;
}

/* Carry the log over into the file: by a second connection, since a transaction of this one keeps other writers away
 * meanwhile. What a reader still needs stays in the log, and whatever fails is done at another commit. */
static void carry_over(database *d)
{
    database *hand = NULL;
    int pages = 0, carried = 0;

    d->log_due = d->log_pages + LOG_PAGES_AGAIN;
    if (d->alone && sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
        d->log_due = LOG_PAGES;
    if (d->alone) return;
    if (open_file(sqlite3_db_filename(d->db, "main"), SQLITE_OPEN_READWRITE, &hand, NULL) != TARN_OK) return;
    if (execute(hand, "PRAGMA schema_version", NULL) == TARN_OK && begin(d, NULL) == TARN_OK) { /* it finds the log */
        int status = sqlite3_wal_checkpoint_v2(hand->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &carried);
        if (status == SQLITE_OK && carried == pages) d->log_due = LOG_PAGES;
        rollback(d);
    }
    close_database(hand);
}

static tarn_code commit(void *db, tarn_err *err)
{
    database *d = db;
    tarn_code rc = control_run(d, C_COMMIT, NULL, err);

    if (rc == TARN_OK && d->log_pages >= d->log_due) carry_over(d);
    return rc;
}

/* ---- opening what is there ---- */

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
static tarn_code open_readonly(const char *path, database **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text uri = {0}, wal = {0};
    struct stat st;
    int64_t now;

    if (open_file(path, SQLITE_OPEN_READONLY, out, NULL) == TARN_OK) {
        if (version(*out, &now, NULL) == TARN_OK && execute(*out, "SELECT num FROM packs LIMIT 1", NULL) == TARN_OK)
            return TARN_OK;
        close_database(*out);
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

/* On a full disk the file through which connections know of each other (-shm) cannot be made. Whoever is alone needs
 * none: then all that is there can be read, and space be made. */
static tarn_code open_alone(const char *path, database **out, tarn_err *err)
{
    tarn_code rc = open_file(path, SQLITE_OPEN_READWRITE, out, err);

    if (rc != TARN_OK) return rc;
    (void)sqlite3_busy_timeout((*out)->db, 0);
    rc = execute(*out, "PRAGMA locking_mode=EXCLUSIVE; SELECT count(*) FROM (SELECT num FROM packs LIMIT 1)", err);
    (void)sqlite3_busy_timeout((*out)->db, WAIT_MS);
    (*out)->alone = rc == TARN_OK;
    if (rc == TARN_OK) return rc;
    close_database(*out);
    *out = NULL;
    return rc;
}

/* For reading and writing. */
static tarn_code open_both_ways(const char *path, database **out, tarn_err *err)
{
    int64_t now;
    tarn_code rc = open_file(path, SQLITE_OPEN_READWRITE, out, err);

    if (rc != TARN_OK) return rc;
    if (sqlite3_db_readonly((*out)->db, "main") == 1) /* it may be written, but the system would not open it so */
        return TARN_FAIL(err, TARN_IO, "meta.db: it cannot be opened for writing (disk error?); try again");
    rc = version(*out, &now, err);
    if (rc != TARN_FULL) return rc;
    close_database(*out);
    *out = NULL;
    return open_alone(path, out, NULL) == TARN_OK ? TARN_OK : rc;
}

static tarn_code open_database(const char *path, bool readonly, void **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    database *d = NULL;

    *out = NULL;
    TARN_TRY(tarn_wal_check(path, err)); /* before SQLite takes damage for the end of its log */
    if (readonly) TARN_TRY(open_readonly(path, &d, err));
    else TARN_TRY(open_both_ways(path, &d, err));
    if (!readonly) TARN_TRY(execute(d, "PRAGMA synchronous=FULL", err));
    d->log_due = LOG_PAGES;
    (void)sqlite3_wal_hook(d->db, count_log, d);
    *out = d;
    d = NULL;
done:
    close_database(d);
    return rc;
}

/* ---- checking ---- */

static tarn_code check(void *db, void (*problem)(void *arg, const char *line), void *arg, tarn_err *err)
{
    database *d = db;
    sqlite3_stmt *st = NULL;
    tarn_err e = {0};
    int status = compile(d->db, "PRAGMA integrity_check(20)", &st);

    while (status == SQLITE_OK || status == SQLITE_ROW) {
        status = run_step(st);
        const char *line = status == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
        if (!line || strcmp(line, "ok") == 0) continue;
        (void)TARN_FAIL(&e, TARN_CORRUPT, "meta.db is damaged: %s", line);
        problem(arg, e.msg);
    }
    tarn_code rc = status == SQLITE_DONE ? TARN_OK : fail(d->db, status, &e);
    (void)sqlite3_finalize(st);
    if (rc == TARN_CORRUPT) problem(arg, e.msg);
    else if (rc != TARN_OK) (void)TARN_FAIL(err, rc, "%s", e.msg);
    return rc;
}

/* ---- statements ---- */

static tarn_code prepare(void *db, const char *sql, void **stmt, tarn_err *err)
{
    database *d = db;
    sqlite3_stmt *st = NULL;
    int status = compile(d->db, sql, &st);

    *stmt = st;
    if ((status & 0xff) == SQLITE_ERROR) /* a table that is not there */
        return TARN_FAIL(err, TARN_CORRUPT, "meta.db is damaged (%s); 'tarn lake fsck --repair' makes a new one",
                         sqlite3_errmsg(d->db));
    return status == SQLITE_OK ? TARN_OK : fail(d->db, status, err);
}

static void drop(void *stmt) { (void)sqlite3_finalize(stmt); }
static void reset(void *stmt) { (void)sqlite3_reset(stmt); }

static int bind(sqlite3_stmt *st, int at, const tarn_meta_value *v)
{
    switch (v->kind) {
    case 't': return sqlite3_bind_text(st, at, v->bytes, (int)v->len, SQLITE_TRANSIENT);
    case 'b': return sqlite3_bind_blob(st, at, v->bytes, (int)v->len, SQLITE_TRANSIENT);
    case 'i': return sqlite3_bind_int64(st, at, v->number);
    default: return sqlite3_bind_null(st, at);
    }
}

static tarn_code start(void *stmt, const tarn_meta_value *values, int n, tarn_err *err)
{
    (void)sqlite3_reset(stmt);
    for (int i = 0; i < n; i++) {
        int status = bind(stmt, i + 1, &values[i]);
        if (status != SQLITE_OK) return fail(sqlite3_db_handle(stmt), status, err);
    }
    return TARN_OK;
}

static tarn_code step(void *stmt, bool *row, tarn_err *err)
{
    int status = run_step(stmt);

    *row = status == SQLITE_ROW;
    if (*row) return TARN_OK;
    tarn_code rc = status == SQLITE_DONE ? TARN_OK : fail(sqlite3_db_handle(stmt), status, err);
    (void)sqlite3_reset(stmt);
    return rc;
}

static int64_t int_at(void *stmt, int column) { return sqlite3_column_int64(stmt, column); }

static const char *text_at(void *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);
    return text ? (const char *)text : "";
}

static bool bytes_at(void *stmt, int column, const void **bytes, size_t *len)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return false;
    *bytes = sqlite3_column_blob(stmt, column);
    *len = *bytes ? (size_t)sqlite3_column_bytes(stmt, column) : 0;
    return true;
}

const tarn_meta_driver tarn_meta_sqlite = {
    .name = "sqlite",
    .create = create,
    .open = open_database,
    .close = close_database,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .version = version,
    .check = check,
    .prepare = prepare,
    .drop = drop,
    .start = start,
    .step = step,
    .reset = reset,
    .int_at = int_at,
    .text_at = text_at,
    .bytes_at = bytes_at,
};
