/* SPDX-License-Identifier: Apache-2.0 */
/* meta_packs.c - the rows of packs, of the runs that index many of them, and the bytes of packs that a transaction
 * carries. See meta.h. */
#include "lake/meta_inside.h"

#include <stdio.h>

tarn_code tarn_meta_pack_num(tarn_meta *m, const char *name, uint32_t *num, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    TARN_TRY(tarn_meta_start(m, S_PACK_NUM, &st, err, "t", name));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "meta.db does not name pack %s", name);
    *num = (uint32_t)tarn_stmt_int(st, 0);
    tarn_stmt_done(st);
done:
    return rc;
}

tarn_code tarn_meta_pack_add(tarn_meta *m, const char *name, uint64_t bytes, uint64_t records, uint32_t *num,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;

    TARN_TRY(tarn_meta_start(m, S_PACK_ADD, &st, err, "tii", name, (int64_t)bytes, (int64_t)records));
    TARN_TRY(tarn_stmt_run(st, err));
    TARN_TRY(tarn_meta_pack_num(m, name, num, err));
done:
    return rc;
}

tarn_code tarn_meta_pack_name(tarn_meta *m, uint32_t num, char name[64], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    TARN_TRY(tarn_meta_start(m, S_PACK_NAME, &st, err, "i", (int64_t)num));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "meta.db names no pack %u", num);
    (void)snprintf(name, 64, "%s", tarn_stmt_text(st, 0));
    tarn_stmt_done(st);
done:
    return rc;
}

static tarn_code each_pack(tarn_meta *m, tarn_statement which, tarn_pack_row_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;

    TARN_TRY(tarn_meta_start(m, which, &st, err, ""));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        tarn_pack_row r = {.run = tarn_stmt_int(st, 0) != 0,
                           .num = (uint32_t)tarn_stmt_int(st, 1),
                           .bytes = (uint64_t)tarn_stmt_int(st, 3),
                           .records = (uint64_t)tarn_stmt_int(st, 4)};
        (void)snprintf(r.name, sizeof r.name, "%s", tarn_stmt_text(st, 2));
        TARN_TRY(fn(arg, &r, err));
    }
done:
    tarn_stmt_done(st);
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
    tarn_stmt *st = NULL;
    bool row = false;

    TARN_TRY(tarn_meta_start(m, S_RUN_ADD, &st, err, "ti", name, (int64_t)records));
    TARN_TRY(tarn_stmt_run(st, err));
    TARN_TRY(tarn_meta_start(m, S_RUN_LAST, &st, err, ""));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    *num = row ? (uint32_t)tarn_stmt_int(st, 0) : 0;
    tarn_stmt_done(st);
done:
    return rc;
}

tarn_code tarn_meta_run_absorb(tarn_meta *m, uint32_t run, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;

    TARN_TRY(
        tarn_meta_start(m, row->run ? S_RUN_OF_RUN : S_RUN_OF_PACK, &st, err, "ii", (int64_t)run, (int64_t)row->num));
    TARN_TRY(tarn_stmt_run(st, err));
    if (!row->run) goto done;
    TARN_TRY(tarn_meta_start(m, S_RUN_DROP, &st, err, "i", (int64_t)row->num));
    TARN_TRY(tarn_stmt_run(st, err));
done:
    return rc;
}

tarn_code tarn_meta_pack_drop(tarn_meta *m, uint32_t num, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    TARN_TRY(tarn_meta_start(m, S_PACK_RUN, &st, err, "i", (int64_t)num));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "meta.db names no pack %u", num);
    tarn_pack_row run = {.run = true, .num = (uint32_t)tarn_stmt_int(st, 0)};
    tarn_stmt_done(st);
    TARN_TRY(tarn_meta_start(m, S_PACK_DROP, &st, err, "i", (int64_t)num));
    TARN_TRY(tarn_stmt_run(st, err));
    if (run.num != 0) TARN_TRY(tarn_meta_run_absorb(m, 0, &run, err));
done:
    return rc;
}

tarn_code tarn_meta_pack_mend(tarn_meta *m, const char *name, uint64_t bytes, uint64_t records, tarn_err *err)
{
    tarn_stmt *st = NULL;
    tarn_code rc = tarn_meta_start(m, S_PACK_MEND, &st, err, "iit", (int64_t)bytes, (int64_t)records, name);

    return rc == TARN_OK ? tarn_stmt_run(st, err) : rc;
}

/* ---- carried packs ---- */

static uint32_t sum_carried(const char *name, const void *bytes, size_t len)
{
    uint32_t sum = 0;

    tarn_sum_text(&sum, name);
    tarn_sum_bytes(&sum, bytes, len);
    return sum;
}

/* The table came later than the others: a lake of an older version gets it with its first row. */
tarn_code tarn_meta_carry(tarn_meta *m, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;

    TARN_TRY(tarn_meta_start(m, S_CARRIED_TABLE, &st, err, ""));
    TARN_TRY(tarn_stmt_run(st, err));
    TARN_TRY(tarn_meta_start(m, S_CARRY, &st, err, "tbi", name, bytes, len, (int64_t)sum_carried(name, bytes, len)));
    TARN_TRY(tarn_stmt_run(st, err));
done:
    return rc;
}

static tarn_code give_carried(tarn_stmt *st, tarn_carried_fn *fn, void *arg, tarn_err *err)
{
    const void *bytes = NULL;
    size_t len = 0;
    const char *name = tarn_stmt_text(st, 0);
    bool named = tarn_stmt_int(st, 3) != 0;

    if (!st->driver->bytes_at(st->own, 1, &bytes, &len) ||
        sum_carried(name, bytes, len) != (uint32_t)tarn_stmt_int(st, 2))
        bytes = NULL; /* then the pack must do, which has sums of its own */
    return fn(arg, name, named ? bytes : NULL, len, err);
}

tarn_code tarn_meta_carried(tarn_meta *m, tarn_carried_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    TARN_TRY(tarn_meta_start(m, S_CARRIED_THERE, &st, err, ""));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    if (!row) return TARN_OK;
    tarn_stmt_done(st);
    TARN_TRY(tarn_meta_start(m, S_CARRIED, &st, err, ""));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        TARN_TRY(give_carried(st, fn, arg, err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}

tarn_code tarn_meta_carried_drop(tarn_meta *m, const char *name, tarn_err *err)
{
    tarn_stmt *st = NULL;
    tarn_code rc = tarn_meta_start(m, S_CARRIED_DROP, &st, err, "t", name);

    return rc == TARN_OK ? tarn_stmt_run(st, err) : rc;
}
