/* SPDX-License-Identifier: Apache-2.0 */
/* meta_check.c - is every row what its checksum says, and every ref where its log set it? See meta.h. */
#include "lake/meta_inside.h"

#include <stdio.h>
#include <string.h>

static tarn_code check_row(tarn_meta *m, tarn_statement which, tarn_stmt *st, tarn_err *err)
{
    tarn_ref ref;
    tarn_entry e;
    tarn_id was, to;
    int64_t seq;

    switch (which) {
    case S_REFS: return tarn_meta_row_ref(st, &ref, err);
    case S_LOG_ALL: return tarn_meta_row_log(st, &was, &to, err);
    case S_STAGED_ALL: return tarn_meta_row_entry(m, st, true, &e, &seq, err);
    case S_MADE_ALL: return tarn_meta_row_entry(m, st, false, &e, &seq, err);
    case S_ACCESS_ALL: return tarn_meta_row_access(st, NULL, NULL, err);
    default: return tarn_meta_row_fact(st, err);
    }
}

tarn_code tarn_meta_row_check(const tarn_meta_driver *driver, void *own, const char *table, tarn_err *err)
{
    static const struct {
        const char *table;
        tarn_statement rows;
    } checks[] = {{"refs", S_REFS},     {"ref_log", S_LOG_ALL},   {"staged", S_STAGED_ALL},
                  {"made", S_MADE_ALL}, {"access", S_ACCESS_ALL}, {"facts", S_FACTS}};
    tarn_stmt st = {.driver = driver, .own = own};
    tarn_meta bare = {.driver = driver}; /* no keys: sealed rows are taken by their checksums */
    bool staged = strcmp(table, "staged") == 0;

    if ((staged || strcmp(table, "made") == 0) && tarn_meta_row_veiled_sound(&st, staged)) return TARN_OK;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].table, table) == 0) return check_row(&bare, checks[i].rows, &st, err);
    return TARN_OK;
}

/* Refs and their log are written together: the newest line of a ref's log tells where it is, or that it is gone. */
static tarn_code check_refs_by_log(tarn_meta *m, void (*problem)(void *arg, const char *line), void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;
    char line[400];

    TARN_TRY(tarn_meta_start(m, S_REFS_LOST, &st, err, ""));
    while ((rc = tarn_stmt_next(st, &row, err)) == TARN_OK && row) {
        (void)snprintf(line, sizeof line, "meta.db is damaged: ref %.200s is not %s", tarn_stmt_text(st, 0),
                       tarn_stmt_int(st, 1) ? "where its log set it last" : "removed as its log tells");
        problem(arg, line);
    }
done:
    return rc;
}

tarn_code tarn_meta_check(tarn_meta *m, void (*problem)(void *arg, const char *line), void *arg, tarn_err *err)
{
    static const tarn_statement tables[] = {S_REFS, S_LOG_ALL, S_STAGED_ALL, S_MADE_ALL, S_ACCESS_ALL, S_FACTS};
    tarn_stmt *st = NULL;
    bool row = false;
    tarn_err e = {0};
    tarn_code rc = m->driver->check(m->db, problem, arg, err);

    if (rc != TARN_OK && rc != TARN_CORRUPT) return rc;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        bool has_bound = tables[t] == S_REFS || tables[t] == S_FACTS;
        rc = tarn_meta_start(m, tables[t], &st, &e, has_bound ? "t" : "", "");
        while (rc == TARN_OK && (rc = tarn_stmt_next(st, &row, &e)) == TARN_OK && row)
            if (check_row(m, tables[t], st, &e) != TARN_OK) problem(arg, e.msg);
        if (rc == TARN_CORRUPT) problem(arg, e.msg);
        else if (rc != TARN_OK) return TARN_FAIL(err, rc, "%s", e.msg);
    }
    rc = check_refs_by_log(m, problem, arg, &e);
    return rc == TARN_OK || rc == TARN_CORRUPT ? TARN_OK : TARN_FAIL(err, rc, "%s", e.msg);
}
