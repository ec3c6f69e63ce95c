/* SPDX-License-Identifier: Apache-2.0 */
/* store_tx.c - transactions that make what was put durable, and how those who put find out about sweeps. See store.c.
 */
#include "lake/store_inside.h"

/* A pack that waited long may have been taken for a leftover of a dead process. */
static tarn_code still_stored(tarn_lake *lake, const tarn_pack_row *row, tarn_err *err)
{
    char blob[80];
    uint64_t size = 0;
    tarn_code rc = tarn_store_blob(row->name, blob, err);

    if (rc == TARN_OK) rc = lake->backend->size(lake->packs, blob, &size, err);
    if (rc != TARN_NOT_FOUND) return rc;
    return TARN_FAIL(err, TARN_CONFLICT,
                     "what was put long ago and never named was swept by a garbage collection; put it again");
}

static tarn_code enter_packs(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < lake->n_segments; i++) {
        tarn_pack_row *row = &lake->segments[i].row;
        uint32_t num;
        if (row->num != 0) continue;
        TARN_TRY(still_stored(lake, row, err));
        TARN_TRY(tarn_meta_pack_add(lake->meta, row->name, row->bytes, row->records, &num, err));
    }
done:
    return rc;
}

/* After the commit: the packs have numbers. Should asking fail, they stay pending and are entered once more, which
 * is harmless. */
static void number_packs(tarn_lake *lake)
{
    for (size_t i = 0; i < lake->n_segments; i++) {
        tarn_pack_row *row = &lake->segments[i].row;
        uint32_t num;
        if (row->num == 0 && tarn_meta_pack_num(lake->meta, row->name, &num, NULL) == TARN_OK) row->num = num;
    }
}

/* The pack is being synced while the transaction goes on; tx_end waits for it before it commits, or after that if the
 * transaction carries the pack's bytes. They stay where they are until the next record is put. */
tarn_code tarn_tx_begin(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool begun = false;
    char name[TARN_PACK_NAME] = "";

    tarn_lake_lock(lake);
    TARN_TRY(tarn_store_may_write(lake, err));
    TARN_TRY(tarn_store_seal_begin(lake, &lake->sealing, name, err));
    size_t len = lake->sealing ? lake->segments[lake->n_segments - 1].row.bytes : 0;
    TARN_TRY(tarn_meta_begin(lake->meta, err));
    begun = true;
    TARN_TRY(tarn_carry_enter(lake, name, lake->open.bytes, len, err));
    TARN_TRY(tarn_store_settle(lake, err));
    TARN_TRY(enter_packs(lake, err));
    return TARN_OK;
done:
    if (begun) tarn_meta_rollback(lake->meta);
    tarn_carry_end(lake, false, false);
    if (tarn_store_seal_end(lake, &lake->sealing, NULL) == TARN_OK && begun && rc == TARN_CONFLICT)
        tarn_store_discard(lake);
    tarn_lake_unlock(lake);
    return rc;
}

tarn_code tarn_tx_begin_anew(tarn_lake *lake, tarn_err *err)
{
    enum { ATTEMPTS = 4 }; /* other threads may put, and sweeps come, in between */
    tarn_code rc = TARN_CONFLICT;

    for (int i = 0; i < ATTEMPTS && rc == TARN_CONFLICT; i++) rc = tarn_tx_begin(lake, err);
    return rc;
}

/* What happens is durable: data before metadata, or in the same sync. */
static tarn_code commit_tx(tarn_lake *lake, tarn_err *err)
{
    bool holds = tarn_carry_holds(lake);
    tarn_code rc = holds ? TARN_OK : tarn_store_seal_end(lake, &lake->sealing, err);

    if (rc != TARN_OK) return rc;
    rc = tarn_meta_commit(lake->meta, err);
    if (rc == TARN_IO && !tarn_meta_is_shared(lake->meta)) lake->broken = true;
    tarn_code synced =
        tarn_store_seal_end(lake, &lake->sealing, NULL); /* if not: the lake is broken, what it holds is not */
    tarn_carry_end(lake, rc == TARN_OK, synced == TARN_OK);
    if (rc == TARN_OK) tarn_acked_note(lake);
    return rc;
}

tarn_code tarn_tx_end(tarn_lake *lake, tarn_code rc, tarn_err *err)
{
    if (rc == TARN_OK) {
        rc = commit_tx(lake, err);
    } else {
        tarn_code synced = tarn_store_seal_end(lake, &lake->sealing, NULL); /* the lake knows */
        tarn_carry_end(lake, false, synced == TARN_OK);
    }
    if (rc == TARN_OK) {
        lake->bases.n = 0;
        number_packs(lake);
        tarn_store_tidy(lake);
    } else {
        tarn_meta_rollback(lake->meta);
    }
    tarn_pack_trim(&lake->open);
    tarn_lake_unlock(lake);
    return rc;
}

/* ---- sweeps ---- */

static const int64_t DISCARD = (int64_t)1 << 40; /* more sweeps than there will ever be */

tarn_code tarn_store_fresh(tarn_lake *lake, int64_t *swept, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t version = 0;

    int64_t now = lake->swept;

    tarn_lake_lock(lake);
    TARN_TRY(tarn_meta_version(lake->meta, &version, err));
    if (version != lake->meta_version) TARN_TRY(tarn_store_swept(lake, &now, err));
    else now = lake->swept;
    if (now != lake->swept) TARN_TRY(tarn_store_load(lake, err));
    *swept = lake->swept + lake->discards * DISCARD;
done:
    tarn_lake_unlock(lake);
    return rc;
}

tarn_code tarn_store_unswept(tarn_lake *lake, int64_t swept, tarn_err *err)
{
    int64_t now = 0;
    tarn_code rc = tarn_store_swept(lake, &now, err);

    if (rc != TARN_OK || now + lake->discards * DISCARD == swept) return rc;
    return TARN_FAIL(err, TARN_CONFLICT, "a garbage collection came between; try again");
}

tarn_code tarn_lake_sync(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    tarn_lake_lock(lake);
    bool nothing = lake->open.n == 0;
    for (size_t i = 0; i < lake->n_segments; i++) nothing = nothing && lake->segments[i].row.num != 0;
    if (!nothing) {
        rc = tarn_tx_begin(lake, err);
        if (rc == TARN_OK) rc = tarn_tx_end(lake, TARN_OK, err);
    }
    tarn_lake_unlock(lake);
    return rc;
}
