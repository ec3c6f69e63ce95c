/* SPDX-License-Identifier: Apache-2.0 */
/* meta_facts.c - the rows of facts, of who may do what, and of the audit log. See meta.h. */
#include "lake/meta_inside.h"

#include "base/mem.h"

#include <string.h>

uint32_t tarn_sum_fact(const char *key, const char *value)
{
    uint32_t sum = 0;

    tarn_sum_text(&sum, key);
    tarn_sum_text(&sum, value);
    return sum;
}

tarn_code tarn_meta_fact_set(tarn_meta *m, const char *key, const char *value, tarn_err *err)
{
    tarn_stmt *st = NULL;
    tarn_code rc = value
                       ? tarn_meta_start(m, S_FACT_SET, &st, err, "tti", key, value, (int64_t)tarn_sum_fact(key, value))
                       : tarn_meta_start(m, S_FACT_DROP, &st, err, "t", key);

    return rc == TARN_OK ? tarn_stmt_run(st, err) : rc;
}

tarn_code tarn_meta_row_fact(tarn_stmt *st, tarn_err *err)
{
    if (tarn_sum_fact(tarn_stmt_text(st, 0), tarn_stmt_text(st, 1)) == (uint32_t)tarn_stmt_int(st, 2)) return TARN_OK;
    return tarn_meta_row_damaged("facts", err);
}

tarn_code tarn_meta_fact_get(tarn_meta *m, const char *key, char **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    TARN_TRY(tarn_meta_start(m, S_FACT_GET, &st, err, "t", key));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no fact '%s'", key);
    TARN_TRY(tarn_meta_row_fact(st, err));
    TARN_TRY(tarn_strdup(tarn_stmt_text(st, 1), out, err));
done:
    tarn_stmt_done(st);
    return rc;
}

tarn_code tarn_meta_facts(tarn_meta *m, const char *prefix, tarn_fact_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;

    TARN_TRY(tarn_meta_start(m, S_FACTS, &st, err, "t", prefix));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row || strncmp(tarn_stmt_text(st, 0), prefix, strlen(prefix)) != 0) break;
        TARN_TRY(tarn_meta_row_fact(st, err));
        TARN_TRY(fn(arg, tarn_stmt_text(st, 0), tarn_stmt_text(st, 1), err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}

/* ---- access and audit ---- */

static uint32_t sum_access(const char *kind, const char *name, const char *value)
{
    uint32_t sum = 0;

    tarn_sum_text(&sum, kind);
    tarn_sum_text(&sum, name);
    tarn_sum_text(&sum, value);
    return sum;
}

tarn_code tarn_meta_access_set(tarn_meta *m, const char *kind, const char *name, const char *value, tarn_err *err)
{
    tarn_stmt *st = NULL;
    tarn_code rc = value ? tarn_meta_start(m, S_ACCESS_SET, &st, err, "tpti", kind, name, value,
                                           (int64_t)sum_access(kind, name, value))
                         : tarn_meta_start(m, S_ACCESS_DROP, &st, err, "tp", kind, name);

    return rc == TARN_OK ? tarn_stmt_run(st, err) : rc;
}

tarn_code tarn_meta_row_access(tarn_stmt *st, tarn_access_row_fn *fn, void *arg, tarn_err *err)
{
    const void *bytes = NULL;
    size_t len = 0;
    char name[1600];

    (void)st->driver->bytes_at(st->own, 1, &bytes, &len);
    if (len >= sizeof name) return tarn_meta_row_damaged("access", err);
    if (len > 0) memcpy(name, bytes, len);
    name[len] = '\0';
    if (sum_access(tarn_stmt_text(st, 0), name, tarn_stmt_text(st, 2)) != (uint32_t)tarn_stmt_int(st, 3))
        return tarn_meta_row_damaged("access", err);
    return fn ? fn(arg, tarn_stmt_text(st, 0), name, tarn_stmt_text(st, 2), err) : TARN_OK;
}

tarn_code tarn_meta_access_get(tarn_meta *m, const char *kind, const char *name, char **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    TARN_TRY(tarn_meta_start(m, S_ACCESS_GET, &st, err, "tp", kind, name));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no %s '%s'", kind, name);
    TARN_TRY(tarn_meta_row_access(st, NULL, NULL, err));
    TARN_TRY(tarn_strdup(tarn_stmt_text(st, 2), out, err));
done:
    tarn_stmt_done(st);
    return rc;
}

tarn_code tarn_meta_access_all(tarn_meta *m, tarn_access_row_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;

    TARN_TRY(tarn_meta_start(m, S_ACCESS_ALL, &st, err, ""));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        TARN_TRY(tarn_meta_row_access(st, fn, arg, err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}

tarn_code tarn_meta_audit_add(tarn_meta *m, int64_t seq, const char *record, const tarn_id *hash, tarn_err *err)
{
    tarn_stmt *st = NULL;
    tarn_code rc = tarn_meta_start(m, S_AUDIT_ADD, &st, err, "itd", seq, record, hash);

    return rc == TARN_OK ? tarn_stmt_run(st, err) : rc;
}

tarn_code tarn_meta_audit_last(tarn_meta *m, int64_t *seq, tarn_id *hash, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    *seq = 0;
    *hash = (tarn_id){{0}};
    TARN_TRY(tarn_meta_start(m, S_AUDIT_LAST, &st, err, ""));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (!row) goto done;
    *seq = tarn_stmt_int(st, 0);
    if (!tarn_stmt_id(st, 1, hash))
        rc = TARN_FAIL(err, TARN_CORRUPT,
                       "the last record of the audit log has no hash; "
                       "'tarn audit verify' tells more");
done:
    tarn_stmt_done(st);
    return rc;
}

tarn_code tarn_meta_audit(tarn_meta *m, int64_t from, int64_t most, tarn_audit_row_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;
    tarn_id hash;

    TARN_TRY(tarn_meta_start(m, S_AUDIT, &st, err, "ii", from, most));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        if (!tarn_stmt_id(st, 2, &hash)) hash = (tarn_id){{0}};
        TARN_TRY(fn(arg, tarn_stmt_int(st, 0), tarn_stmt_text(st, 1), &hash, err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}
