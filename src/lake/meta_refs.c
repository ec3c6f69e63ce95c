/* SPDX-License-Identifier: Apache-2.0 */
/* meta_refs.c - the rows of refs, and of what happened to them. See meta.h. */
#include "lake/inside.h"
#include "lake/meta_inside.h"

#include <stdio.h>
#include <string.h>

uint32_t tarn_meta_sum_ref(const char *name, const tarn_id *target, int64_t time_us)
{
    uint32_t sum = 0;

    tarn_sum_text(&sum, name);
    tarn_sum_id(&sum, target);
    tarn_sum_int(&sum, time_us);
    return sum;
}

uint32_t tarn_meta_sum_log(const char *name, const tarn_id *was, const tarn_id *to, int64_t time_us, const char *who,
                           const char *why)
{
    uint32_t sum = tarn_meta_sum_ref(name, to, time_us);

    tarn_sum_id(&sum, was);
    tarn_sum_text(&sum, who);
    tarn_sum_text(&sum, why);
    return sum;
}

tarn_code tarn_meta_row_ref(tarn_stmt *st, tarn_ref *out, tarn_err *err)
{
    *out = (tarn_ref){.time_us = tarn_stmt_int(st, 2)};
    (void)snprintf(out->name, sizeof out->name, "%s", tarn_stmt_text(st, 0));
    if (!tarn_stmt_id(st, 1, &out->commit) || tarn_id_none(&out->commit) ||
        tarn_meta_sum_ref(out->name, &out->commit, out->time_us) != (uint32_t)tarn_stmt_int(st, 3))
        return tarn_meta_row_damaged("refs", err);
    return TARN_OK;
}

tarn_code tarn_meta_ref_get(tarn_meta *m, const char *name, tarn_ref *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    TARN_TRY(tarn_meta_start(m, S_REF_GET, &st, err, "t", name));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no ref '%s'", name);
    rc = tarn_meta_row_ref(st, out, err);
    tarn_stmt_done(st);
done:
    return rc;
}

tarn_code tarn_meta_ref_set(tarn_meta *m, const char *name, const tarn_id *was, const tarn_id *to, int64_t time_us,
                            const char *who, const char *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;

    if (to)
        TARN_TRY(tarn_meta_start(m, S_REF_SET, &st, err, "tdii", name, to, time_us,
                                 (int64_t)tarn_meta_sum_ref(name, to, time_us)));
    else TARN_TRY(tarn_meta_start(m, S_REF_DROP, &st, err, "t", name));
    TARN_TRY(tarn_stmt_run(st, err));
    TARN_TRY(tarn_meta_start(m, S_LOG_ADD, &st, err, "tdditti", name, was, to, time_us, who, why,
                             (int64_t)tarn_meta_sum_log(name, was, to, time_us, who, why)));
    TARN_TRY(tarn_stmt_run(st, err));
done:
    return rc;
}

tarn_code tarn_meta_refs(tarn_meta *m, const char *prefix, tarn_ref_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;
    tarn_ref ref;

    TARN_TRY(tarn_meta_start(m, S_REFS, &st, err, "t", prefix));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        TARN_TRY(tarn_meta_row_ref(st, &ref, err));
        if (strncmp(ref.name, prefix, strlen(prefix)) != 0) break;
        TARN_TRY(fn(arg, &ref, err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}

tarn_code tarn_meta_row_log(tarn_stmt *st, tarn_id *was, tarn_id *target, tarn_err *err)
{
    if (!tarn_stmt_id(st, 1, was) || !tarn_stmt_id(st, 2, target) ||
        tarn_meta_sum_log(tarn_stmt_text(st, 0), was, target, tarn_stmt_int(st, 3), tarn_stmt_text(st, 4),
                          tarn_stmt_text(st, 5)) != (uint32_t)tarn_stmt_int(st, 6))
        return tarn_meta_row_damaged("ref_log", err);
    return TARN_OK;
}

tarn_code tarn_meta_ref_at(tarn_meta *m, const char *name, int64_t time_us, tarn_id *out, bool *known,
                           int64_t *first_us, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;
    tarn_id was;

    *out = (tarn_id){{0}};
    TARN_TRY(tarn_meta_start(m, S_LOG_FIRST, &st, err, "t", name));
    TARN_TRY(tarn_stmt_next(st, known, err));
    if (!*known) return TARN_OK;
    *first_us = tarn_stmt_int(st, 0);
    tarn_stmt_done(st);
    TARN_TRY(tarn_meta_start(m, S_LOG_AT, &st, err, "ti", name, time_us));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (row) {
        rc = tarn_meta_row_log(st, &was, out, err);
        tarn_stmt_done(st);
    }
done:
    return rc;
}

tarn_code tarn_meta_ref_moves(tarn_meta *m, const char *name, tarn_move_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;

    TARN_TRY(tarn_meta_start(m, S_LOG_OF, &st, err, "t", name));
    for (;;) {
        tarn_move move = {.time_us = 0};
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        TARN_TRY(tarn_meta_row_log(st, &move.was, &move.to, err));
        move.time_us = tarn_stmt_int(st, 3);
        move.who = tarn_stmt_text(st, 4);
        move.why = tarn_stmt_text(st, 5);
        TARN_TRY(fn(arg, &move, err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}

tarn_code tarn_meta_ref_log(tarn_meta *m, int64_t since_us, tarn_log_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;
    tarn_id was, to;

    TARN_TRY(tarn_meta_start(m, S_LOG_SINCE, &st, err, "i", since_us));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        TARN_TRY(tarn_meta_row_log(st, &was, &to, err));
        TARN_TRY(fn(arg, &was, &to, err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}

tarn_code tarn_meta_ref_newest(tarn_meta *m, tarn_acked *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    *out = (tarn_acked){.seq = 0};
    TARN_TRY(tarn_meta_start(m, S_LOG_NEWEST, &st, err, ""));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (!row) goto done;
    out->seq = tarn_stmt_int(st, 0);
    (void)snprintf(out->ref, sizeof out->ref, "%s", tarn_stmt_text(st, 1));
    (void)tarn_stmt_id(st, 2, &out->commit); /* a damaged one is none */
    tarn_stmt_done(st);
done:
    return rc;
}
