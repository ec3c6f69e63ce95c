/* SPDX-License-Identifier: Apache-2.0 */
/* meta_postgres.c - metadata in a schema of a PostgreSQL, shared by many servers. See meta_db.h.
 *
 * postgresql://user@host/database?schema=name, and whatever else libpq knows (sslmode, service, ...). Passwords come by
 * libpq's own means (PGPASSWORD, ~/.pgpass, a service file) and are refused in the URL.
 *
 * A writing transaction holds an advisory lock of the schema from its first statement, so writers stand in line as they
 * do with SQLite's BEGIN IMMEDIATE. Its last statement raises the counter 'version', by which others notice it.
 *
 * Inside a transaction, statements that give no rows are sent one behind the other without waiting (libpq's pipeline
 * mode); what they have to say is heard before the next that does, at the latest by the commit.
 *
 * A connection that is lost outside a transaction is made again and the statement repeated. Inside one, every call
 * fails until rollback. Lost during COMMIT, the transaction's number is asked for on a new connection, so that the
 * answer is never a guess. */
#include "lake/meta_db.h"

#include "base/mem.h"
#include "base/str.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOCK_CLASS = 0x7461726e, TURN_CLASS = 0x7461726f, SCHEMA_CAP = 64, AGAIN = 6, QUEUE_MOST = 400 };

typedef struct database {
    PGconn *conn;
    char *url; /* without schema= */
    char schema[SCHEMA_CAP];
    int key; /* of the advisory locks */
    bool in_transaction, lost;
    unsigned generation; /* of the connection: statements are prepared once in each */
    unsigned statements;
    int queued;  /* statements sent in pipeline mode and not yet heard of */
    int64_t own; /* transactions of this connection that are in the counter 'version' */
} database;

typedef struct statement {
    database *d;
    char *sql;
    char name[16];
    unsigned generation;
    bool silent; /* gives no rows */
    PGresult *rows;
    int at, n;
} statement;

/* ---- errors ---- */

static tarn_code code_of(const char *state)
{
    static const struct {
        const char *begins;
        tarn_code code;
    } known[] = {
        {"55P03", TARN_BUSY},      {"40", TARN_BUSY},       {"53100", TARN_FULL},    {"53200", TARN_NOMEM},
        {"28", TARN_DENIED},       {"42501", TARN_DENIED},  {"25006", TARN_DENIED},  {"22", TARN_INVALID},
        {"42P01", TARN_CORRUPT},   {"42703", TARN_CORRUPT}, {"XX001", TARN_CORRUPT}, {"XX002", TARN_CORRUPT},
        {"3D000", TARN_NOT_FOUND},
    };

    for (size_t i = 0; state && i < sizeof known / sizeof *known; i++)
        if (strncmp(state, known[i].begins, strlen(known[i].begins)) == 0) return known[i].code;
    return TARN_IO;
}

/* The first line of what libpq says, without the space behind it. */
static int first_line(const char *text)
{
    size_t n = strcspn(text, "\n");

    while (n > 0 && text[n - 1] == ' ') n--;
    return n > 300 ? 300 : (int)n;
}

static tarn_code fail(const database *d, const PGresult *result, tarn_err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *why = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    tarn_code rc = code_of(state);

    if (!why) why = PQerrorMessage(d->conn);
    if (rc == TARN_BUSY)
        return TARN_FAIL(err, rc,
                         "another process has held the metadata (PostgreSQL schema '%s') for over a minute; try "
                         "again",
                         d->schema);
    return TARN_FAIL(err, rc, "the metadata in PostgreSQL (schema '%s'): %.*s%s", d->schema, first_line(why), why,
                     rc == TARN_CORRUPT ? "; was this lake made by another tarn?" : "");
}

static tarn_code fail_lost(database *d, tarn_err *err)
{
    d->lost = true;
    return TARN_FAIL(err, TARN_IO,
                     "the connection to PostgreSQL was lost, and nothing of this change was kept; try again");
}

static void ignore_notice(void *arg, const char *message) { (void)arg, (void)message; }

/* ---- the URL ---- */

static bool schema_ok(const char *name, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

    if (len == 0 || len >= SCHEMA_CAP || (name[0] >= '0' && name[0] <= '9') || strncmp(name, "pg_", 3) == 0)
        return false;
    return strspn(name, letters) >= len;
}

/* Take schema=NAME out of the query of the URL. */
static tarn_code split_url(database *d, const char *url, tarn_err *err)
{
    tarn_text rest = {0};
    const char *query = strchr(url, '?');
    size_t path_len = query ? (size_t)(query - url) : strlen(url);
    char mark = '?';

    (void)strcpy(d->schema, "tarn");
    tarn_text_addn(&rest, url, path_len);
    for (const char *p = query ? query + 1 : ""; *p;) {
        size_t len = strcspn(p, "&");
        if (len >= 7 && strncmp(p, "schema=", 7) == 0) {
            if (!schema_ok(p + 7, len - 7)) {
                tarn_text_clear(&rest);
                return TARN_FAIL(err, TARN_INVALID,
                                 "'%.*s' cannot name a schema: use lower-case letters, digits and '_'",
                                 len > 67 ? 60 : (int)len - 7, p + 7);
            }
            memcpy(d->schema, p + 7, len - 7);
            d->schema[len - 7] = '\0';
        } else {
            tarn_text_addn(&rest, &mark, 1);
            tarn_text_addn(&rest, p, len);
            mark = '&';
        }
        p += len + (p[len] == '&');
    }
    uint32_t hash = 2166136261u; /* FNV-1a: it only has to differ between schemas */
    for (const char *p = d->schema; *p; p++) hash = (hash ^ (unsigned char)*p) * 16777619u;
    d->key = (int)(hash >> 1);
    return tarn_text_take(&rest, &d->url, err);
}

static tarn_code check_url(const database *d, tarn_err *err)
{
    char *why = NULL;
    bool secret = false;
    PQconninfoOption *options = PQconninfoParse(d->url, &why);

    if (!options) {
        tarn_code rc = TARN_FAIL(err, TARN_INVALID,
                                 "the URL of PostgreSQL is not understood; it looks like "
                                 "postgresql://user@host/database?schema=name (%.*s)",
                                 why ? first_line(why) : 0, why ? why : "");
        PQfreemem(why);
        return rc;
    }
    for (PQconninfoOption *o = options; o->keyword; o++)
        secret = secret || (o->val && (strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0));
    PQconninfoFree(options);
    if (!secret) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID,
                     "a password may not stand in the URL of PostgreSQL, which is written down; give it "
                     "by PGPASSWORD, ~/.pgpass or a service file");
}

/* ---- connecting ---- */

static tarn_code run_plain(database *d, const char *sql, tarn_err *err)
{
    PGresult *r = PQexec(d->conn, sql);
    ExecStatusType status = PQresultStatus(r);
    tarn_code rc = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? TARN_OK : fail(d, r, err);

    PQclear(r);
    return rc;
}

static tarn_code connect_now(database *d, tarn_err *err)
{
    /* what stands before dbname may be overruled by the URL */
    static const char *const words[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                                        "keepalives_count", "tcp_user_timeout", "fallback_application_name",
                                        "dbname",           "client_encoding",  NULL};
    const char *const values[] = {"10", "30", "10", "3", "30000", "tarn", d->url, "UTF8", NULL};
    char sql[400];

    PQfinish(d->conn);
    d->generation++;
    d->conn = PQconnectdbParams(words, values, 1);
    if (!d->conn) return TARN_FAIL(err, TARN_NOMEM, "no memory for a connection to PostgreSQL");
    if (PQstatus(d->conn) != CONNECTION_OK) {
        const char *why = PQerrorMessage(d->conn);
        bool denied =
            strstr(why, "authentication failed") || strstr(why, "no password supplied") || strstr(why, "pg_hba");
        return TARN_FAIL(err, denied ? TARN_DENIED : TARN_IO, "cannot connect to PostgreSQL for the metadata: %.*s",
                         first_line(why), why);
    }
    (void)PQsetNoticeProcessor(d->conn, ignore_notice, NULL);
    (void)snprintf(sql, sizeof sql,
                   "SET search_path TO \"%s\"; SET lock_timeout = '60s'; SET synchronous_commit = on; "
                   "SET idle_in_transaction_session_timeout = '5min'; SET standard_conforming_strings = on",
                   d->schema);
    return run_plain(d, sql, err);
}

/* Hear what the statements in the pipeline have to say, and leave it. */
static tarn_code drain(database *d, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool synced = false;

    if (d->queued == 0) return TARN_OK;
    d->queued = 0;
    if (PQpipelineSync(d->conn) != 1) return fail_lost(d, err);
    while (!synced) {
        PGresult *r = PQgetResult(d->conn);
        ExecStatusType status = PQresultStatus(r);
        if (r) {
            synced = status == PGRES_PIPELINE_SYNC;
            if (rc == TARN_OK && status == PGRES_FATAL_ERROR) rc = fail(d, r, err);
            PQclear(r);
        } /* else: the end of one statement's results */
        if (PQstatus(d->conn) != CONNECTION_OK) return fail_lost(d, err);
    }
    if (PQexitPipelineMode(d->conn) != 1) return fail_lost(d, err);
    return rc;
}

/* A connection that works, as far as one can know, and waits for a statement. */
static tarn_code ready(database *d, tarn_err *err)
{
    tarn_code rc = drain(d, err);

    if (rc != TARN_OK) return rc;
    if (d->in_transaction && (d->lost || PQstatus(d->conn) != CONNECTION_OK)) return fail_lost(d, err);
    return d->conn && PQstatus(d->conn) == CONNECTION_OK ? TARN_OK : connect_now(d, err);
}

/* One command, repeated on a new connection if the old one turns out to be gone. Outside transactions. */
static tarn_code run_again(database *d, const char *sql, PGresult **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int attempt = 0; attempt < 2; attempt++) {
        rc = ready(d, err);
        if (rc != TARN_OK) return rc;
        PGresult *r = PQexec(d->conn, sql);
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
            if (out) *out = r;
            else PQclear(r);
            return TARN_OK;
        }
        rc = fail(d, r, err);
        PQclear(r);
        if (PQstatus(d->conn) == CONNECTION_OK) return rc;
    }
    return rc;
}

static void close_database(void *db)
{
    database *d = db;

    if (!d) return;
    PQfinish(d->conn);
    tarn_free(d->url);
    tarn_free(d);
}

static tarn_code new_database(const char *url, database **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    database *d = NULL;

    TARN_TRY(tarn_alloc(&d, 1, sizeof *d, err));
    TARN_TRY(split_url(d, url, err));
    TARN_TRY(check_url(d, err));
    TARN_TRY(connect_now(d, err));
    *out = d;
    d = NULL;
done:
    close_database(d);
    return rc;
}

/* The first value of the first row; -1 without one. */
static tarn_code ask(database *d, const char *sql, int64_t *out, tarn_err *err)
{
    PGresult *r = NULL;
    tarn_code rc = run_again(d, sql, &r, err);

    if (rc != TARN_OK) return rc;
    *out = PQntuples(r) > 0 && !PQgetisnull(r, 0, 0) ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : -1;
    PQclear(r);
    return TARN_OK;
}

/* ---- making the tables ---- */

/* The schema in the words of PostgreSQL. Text is ordered by its bytes, as everywhere in the lake. */
static void translate_schema(const char *sql, tarn_text *out)
{
    static const char *const words[][2] = {
        {"INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
        {"INTEGER", "BIGINT"},
        {"BLOB", "BYTEA"},
        {"TEXT", "TEXT COLLATE \"C\""},
        {" WITHOUT ROWID", ""},
    };

    while (*sql) {
        size_t i = 0, n = sizeof words / sizeof *words;
        while (i < n && strncmp(sql, words[i][0], strlen(words[i][0])) != 0) i++;
        if (i < n) tarn_text_add(out, words[i][1]);
        else tarn_text_addn(out, sql, 1);
        sql += i < n ? strlen(words[i][0]) : 1;
    }
}

static tarn_code create(const char *url, const char *schema, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    database *d = NULL;
    tarn_text sql = {0};
    char question[200];
    int64_t there = 0, used = 0;

    TARN_TRY(new_database(url, &d, err));
    (void)snprintf(question, sizeof question, "SELECT count(*) FROM pg_namespace WHERE nspname = '%s'", d->schema);
    TARN_TRY(ask(d, question, &there, err));
    (void)snprintf(question, sizeof question, "SELECT (to_regclass('\"%s\".counters') IS NOT NULL)::int", d->schema);
    TARN_TRY(ask(d, question, &used, err));
    if (used == 1) {
        rc = TARN_FAIL(err, TARN_EXISTS,
                       "there is a lake in schema '%s' of this PostgreSQL already; choose another by "
                       "?schema=name, or join it with tarn init --join",
                       d->schema);
        goto done;
    }
    tarn_text_add(&sql, "BEGIN;");
    if (there == 0) tarn_text_addf(&sql, "CREATE SCHEMA \"%s\";", d->schema);
    translate_schema(schema, &sql);
    tarn_text_add(&sql, "INSERT INTO counters VALUES('version', 0); COMMIT");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(run_plain(d, sql.data, err));
done:
    tarn_text_clear(&sql);
    close_database(d);
    return rc;
}

static tarn_code open_database(const char *url, bool readonly, void **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    database *d = NULL;
    char question[200];
    int64_t used = 0;

    (void)readonly; /* nothing is written by reading */
    *out = NULL;
    TARN_TRY(new_database(url, &d, err));
    (void)snprintf(question, sizeof question, "SELECT (to_regclass('\"%s\".counters') IS NOT NULL)::int", d->schema);
    TARN_TRY(ask(d, question, &used, err));
    if (used != 1) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND,
                       "there is no lake in schema '%s' of this PostgreSQL database; 'tarn init' makes "
                       "one",
                       d->schema);
        goto done;
    }
    *out = d;
    d = NULL;
done:
    close_database(d);
    return rc;
}

/* ---- transactions ---- */

static tarn_code begin(void *db, tarn_err *err)
{
    database *d = db;
    char sql[120];

    if (d->in_transaction) return TARN_FAIL(err, TARN_INVALID, "a transaction is open already");
    (void)snprintf(sql, sizeof sql, "BEGIN; SELECT pg_advisory_xact_lock(%d, %d)", LOCK_CLASS, d->key);
    d->lost = false;
    tarn_code rc = run_again(d, sql, NULL, err);
    if (rc == TARN_OK) d->in_transaction = true;
    else if (d->conn && PQstatus(d->conn) == CONNECTION_OK) PQclear(PQexec(d->conn, "ROLLBACK"));
    return rc;
}

static void rollback(void *db)
{
    database *d = db;

    if (!d->in_transaction) return;
    if (drain(d, NULL) == TARN_NOMEM) d->lost = true; /* other errors end with the transaction */
    if (!d->lost && PQstatus(d->conn) == CONNECTION_OK) PQclear(PQexec(d->conn, "ROLLBACK"));
    d->in_transaction = d->lost = false;
}

static void wait_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* What became of transaction `number`, whose COMMIT got no answer. */
static tarn_code resolve(database *d, const char *number, tarn_err *err)
{
    char sql[160];
    int64_t state = -1;

    (void)snprintf(sql, sizeof sql,
                   "SELECT CASE pg_xact_status('%s'::xid8) WHEN 'committed' THEN 1 WHEN 'aborted' THEN 0 ELSE 2 END",
                   number);
    for (int i = 0; i < AGAIN; i++) {
        wait_ms(100L << i);
        if (ask(d, sql, &state, NULL) != TARN_OK) continue;
        if (state == 1) return TARN_OK;
        if (state == 0) return fail_lost(d, err);
    }
    return TARN_FAIL(err, TARN_IO,
                     "the connection to PostgreSQL was lost while committing, and does not come back: it is "
                     "not known whether the change was kept; look before you repeat it");
}

static tarn_code commit(void *db, tarn_err *err)
{
    database *d = db;
    char number[32] = "";
    tarn_code rc = ready(d, err);

    if (rc != TARN_OK) return rc;
    PGresult *r = PQexec(
        d->conn, "UPDATE counters SET value = value + 1 WHERE name = 'version' RETURNING pg_current_xact_id()::text");
    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1) {
        rc = PQstatus(d->conn) != CONNECTION_OK ? fail_lost(d, err) : fail(d, r, err);
        PQclear(r);
        return rc;
    }
    (void)snprintf(number, sizeof number, "%.20s", PQgetvalue(r, 0, 0));
    PQclear(r);
    r = PQexec(d->conn, "COMMIT");
    if (PQresultStatus(r) == PGRES_COMMAND_OK && strcmp(PQcmdStatus(r), "COMMIT") == 0) rc = TARN_OK;
    else if (PQstatus(d->conn) == CONNECTION_OK) rc = fail(d, r, err);
    else {
        d->in_transaction = false; /* whatever it became, it is over */
        rc = resolve(d, number, err);
    }
    PQclear(r);
    if (rc == TARN_OK) {
        d->in_transaction = d->lost = false;
        d->own++;
    }
    return rc;
}

static tarn_code version(void *db, int64_t *out, tarn_err *err)
{
    database *d = db;
    tarn_code rc = ask(d, "SELECT value FROM counters WHERE name = 'version'", out, err);

    if (rc == TARN_OK) *out -= d->own;
    return rc;
}

static tarn_code check(void *db, void (*problem)(void *arg, const char *line), void *arg, tarn_err *err)
{
    int64_t n = 0;
    tarn_err why = {0};
    tarn_code rc = ask(db, "SELECT count(*) FROM counters WHERE name IN ('version', 'staged')", &n, &why);

    if (rc == TARN_OK && n != 2) rc = TARN_FAIL(&why, TARN_CORRUPT, "the metadata are damaged: a counter is gone");
    if (rc == TARN_CORRUPT) problem(arg, why.msg);
    else if (rc != TARN_OK) (void)TARN_FAIL(err, rc, "%s", why.msg);
    return rc;
}

static tarn_code turn(void *db, bool *got, tarn_err *err)
{
    database *d = db;
    char sql[100];
    int64_t yes = 0;

    (void)snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(%d, %d)::int", TURN_CLASS, d->key);
    tarn_code rc = ask(d, sql, &yes, err);
    *got = rc == TARN_OK && yes == 1;
    return rc;
}

static void turn_end(void *db)
{
    database *d = db;
    char sql[100];

    (void)snprintf(sql, sizeof sql, "SELECT pg_advisory_unlock(%d, %d)", TURN_CLASS, d->key);
    if (run_again(d, sql, NULL, NULL) != TARN_OK) return; /* it ended with the connection */
}

/* ---- statements ---- */

/* '?' as $1, $2, ... */
static void number_values(const char *sql, tarn_text *out)
{
    bool quoted = false;
    int n = 0;

    for (; *sql; sql++) {
        if (*sql == '\'') quoted = !quoted;
        if (*sql == '?' && !quoted) tarn_text_addf(out, "$%d", ++n);
        else tarn_text_addn(out, sql, 1);
    }
}

static void drop(void *stmt)
{
    statement *st = stmt;

    if (!st) return;
    PQclear(st->rows);
    tarn_free(st->sql);
    tarn_free(st);
}

static tarn_code prepare_here(statement *st, tarn_err *err)
{
    tarn_code rc = ready(st->d, err);

    if (rc != TARN_OK || st->generation == st->d->generation) return rc;
    PGresult *r = PQprepare(st->d->conn, st->name, st->sql, 0, NULL);
    if (PQresultStatus(r) == PGRES_COMMAND_OK) st->generation = st->d->generation;
    else
        rc = st->d->in_transaction && PQstatus(st->d->conn) != CONNECTION_OK ? fail_lost(st->d, err)
                                                                             : fail(st->d, r, err);
    PQclear(r);
    return rc;
}

static tarn_code prepare(void *db, const char *sql, void **stmt, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    database *d = db;
    statement *st = NULL;
    tarn_text text = {0};

    TARN_TRY(tarn_alloc(&st, 1, sizeof *st, err));
    st->d = d;
    (void)snprintf(st->name, sizeof st->name, "s%u", d->statements++);
    st->silent = strncmp(sql, "SELECT", 6) != 0 && !strstr(sql, "RETURNING");
    number_values(sql, &text);
    TARN_TRY(tarn_text_take(&text, &st->sql, err));
    *stmt = st;
    st = NULL;
done:
    tarn_text_clear(&text);
    drop(st);
    return rc;
}

static void reset(void *stmt)
{
    statement *st = stmt;

    PQclear(st->rows);
    st->rows = NULL;
    st->at = -1;
    st->n = 0;
}

/* Values in the form of the wire. */
typedef struct bound {
    char numbers[TARN_META_VALUES][24];
    const char *values[TARN_META_VALUES];
    int lengths[TARN_META_VALUES], formats[TARN_META_VALUES];
} bound;

static void bind(bound *b, const tarn_meta_value *v, int n)
{
    for (int i = 0; i < n; i++) {
        b->values[i] = v[i].kind == 'n' ? NULL : v[i].kind == 'i' ? b->numbers[i] : v[i].bytes;
        b->lengths[i] = (int)v[i].len;
        b->formats[i] = v[i].kind == 'b';
        if (v[i].kind == 'i') (void)snprintf(b->numbers[i], sizeof b->numbers[i], "%lld", (long long)v[i].number);
    }
}

/* Send it and do not wait. */
static tarn_code enqueue(statement *st, const bound *b, int n, tarn_err *err)
{
    database *d = st->d;

    if (PQpipelineStatus(d->conn) == PQ_PIPELINE_OFF && PQenterPipelineMode(d->conn) != 1) return fail_lost(d, err);
    d->queued++;
    if (PQsendQueryPrepared(d->conn, st->name, n, b->values, b->lengths, b->formats, 1) != 1) {
        tarn_code rc = fail_lost(d, err);
        d->queued = 0;
        return rc;
    }
    return d->queued < QUEUE_MOST ? TARN_OK : drain(d, err);
}

static tarn_code start(void *stmt, const tarn_meta_value *values, int n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    statement *st = stmt;
    database *d = st->d;
    bound b;

    reset(st);
    bind(&b, values, n);
    if (st->silent && d->in_transaction && !d->lost && st->generation == d->generation) return enqueue(st, &b, n, err);
    for (int attempt = 0; attempt < 2; attempt++) {
        rc = prepare_here(st, err);
        bool gone = PQstatus(d->conn) != CONNECTION_OK;
        if (rc != TARN_OK && (!gone || d->in_transaction)) return rc;
        if (gone) continue;
        st->rows = PQexecPrepared(d->conn, st->name, n, b.values, b.lengths, b.formats, 1);
        ExecStatusType status = PQresultStatus(st->rows);
        st->n = status == PGRES_TUPLES_OK ? PQntuples(st->rows) : 0;
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return TARN_OK;
        rc = fail(d, st->rows, err);
        reset(st);
        if (PQstatus(d->conn) == CONNECTION_OK) return rc;
        if (d->in_transaction) return fail_lost(d, err);
    }
    return rc;
}

static tarn_code step(void *stmt, bool *row, tarn_err *err)
{
    statement *st = stmt;

    (void)err; /* start has met them */
    *row = ++st->at < st->n;
    if (!*row) reset(st);
    return TARN_OK;
}

/* A whole number in the form of the wire: 1, 2, 4 or 8 bytes, the highest first. */
static int64_t int_at(void *stmt, int column)
{
    statement *st = stmt;
    const unsigned char *p = (const unsigned char *)PQgetvalue(st->rows, st->at, column);
    int len = PQgetlength(st->rows, st->at, column);

    if (PQgetisnull(st->rows, st->at, column) || len < 1 || len > 8) return 0;
    uint64_t x = p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < len; i++) x = x << 8 | p[i];
    return (int64_t)x;
}

static const char *text_at(void *stmt, int column)
{
    statement *st = stmt;
    return PQgetvalue(st->rows, st->at, column); /* "" for NULL, NUL-terminated in any format */
}

static bool bytes_at(void *stmt, int column, const void **bytes, size_t *len)
{
    statement *st = stmt;

    if (PQgetisnull(st->rows, st->at, column)) return false;
    *bytes = PQgetvalue(st->rows, st->at, column);
    *len = (size_t)PQgetlength(st->rows, st->at, column);
    return true;
}

const tarn_meta_driver tarn_meta_postgres = {
    .name = "postgresql",
    .shared = true,
    .create = create,
    .open = open_database,
    .close = close_database,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .version = version,
    .check = check,
    .turn = turn,
    .turn_end = turn_end,
    .prepare = prepare,
    .drop = drop,
    .start = start,
    .step = step,
    .reset = reset,
    .int_at = int_at,
    .text_at = text_at,
    .bytes_at = bytes_at,
};
