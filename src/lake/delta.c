/* SPDX-License-Identifier: Apache-2.0 */
/* delta.c - see delta.h.
 *
 * Which base. The n-th version in a row of a chunk (its generation; 0 is stored whole) could be made from version n -
 * 1: smallest, but reading it takes n hops. So n is written in base 4, and its lowest digit that is not 0 made one
 * less; from the third digit on the base is version 0:
 *
 *     1 <- 0   2 <- 1   3 <- 2   4 <- 0   5 <- 4   6 <- 5   7 <- 6   8 <- 4 ...   16 <- 0   32 <- 0
 *
 * Three of four versions are made from the one before, one of five from four before, and no version needs more than 7
 * hops. What is to be the base of n always stands on the way from n - 1 to 0, since n - 1 ends in as many 3s as n ends
 * in 0s. When the delta has grown too large to be worth it, the chunk is stored whole and counts from 0 again.
 *
 * A chunk that two old ones were merged into has two bases. The way up from it is taken through the last, its
 * generation is one above the higher; a depth that would be too great moves up too. */
#include "lake/delta.h"

#include "base/mem.h"
#include "lake/bytes.h"

enum { DIGIT = 4, MOST_GENERATION = 60000, MOST_COST = 32 };

/* ---- reading ---- */

static tarn_code read_plain(tarn_lake *lake, const tarn_id *id, int *work, tarn_plain **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    tarn_record_facts facts = {.work = work};
    tarn_plain *plain = NULL;

    TARN_TRY(tarn_store_load_record(lake, id, "base", &slab, &facts, err));
    TARN_TRY(tarn_plain_make(id, slab.bytes, slab.len, &plain, err));
    plain->delta = facts.delta;
    plain->cost = facts.cost;
    tarn_plain_enter(lake->plains, plain);
    *out = plain;
done:
    tarn_slab_clear(&slab);
    return rc;
}

tarn_code tarn_plain_load(tarn_lake *lake, const tarn_id *id, int *work, tarn_plain **out, tarn_err *err)
{
    *out = tarn_plain_kept(lake->plains, id);
    if (*out) return TARN_OK;
    if (--*work < 0) return TARN_FAIL(err, TARN_CORRUPT, "it is made from more records than can be right");
    return read_plain(lake, id, work, out, err);
}

tarn_code tarn_before_get(void *arg, const tarn_delta *delta, const uint8_t **before, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_before *b = arg;
    size_t len = 0;

    tarn_before_clear(b);
    for (int i = 0; i < delta->n; i++) {
        rc = tarn_plain_load(b->lake, &delta->base[i], b->work, &b->plain[i], err);
        if (rc == TARN_NOT_FOUND) rc = TARN_CORRUPT; /* the delta cannot be read */
        b->failed = rc != TARN_OK;
        if (rc != TARN_OK) goto done;
        len += b->plain[i]->len;
        b->cost += b->plain[i]->cost;
    }
    if (len != delta->before_len)
        return TARN_FAIL(err, TARN_CORRUPT, "its bases have %zu bytes, not %u", len, delta->before_len);
    *before = b->plain[0]->bytes;
    if (delta->n == 1) goto done;
    TARN_TRY(tarn_alloc(&b->joined, len + 1, 1, err));
    len = 0;
    for (int i = 0; i < delta->n; len += b->plain[i++]->len)
        memcpy(b->joined + len, b->plain[i]->bytes, b->plain[i]->len);
    *before = b->joined;
done:
    return rc;
}

void tarn_before_clear(tarn_before *b)
{
    for (int i = 0; i < TARN_DELTA_BASES; i++) tarn_plain_release(b->plain[i]);
    tarn_free(b->joined);
    *b = (tarn_before){.lake = b->lake, .work = b->work};
}

/* ---- writing ---- */

/* The generation that the base of generation g has. */
static uint32_t base_generation(uint32_t g)
{
    if (g % DIGIT != 0) return g - 1;
    return g % (DIGIT * DIGIT) != 0 ? g - DIGIT : 0;
}

/* The record, or the one on its way up that is of generation `most` at most and not too deep. */
static tarn_code climb(tarn_lake *lake, tarn_plain **plain, uint32_t most, tarn_err *err)
{
    while ((*plain)->delta.n > 0 && ((*plain)->delta.generation > most || (*plain)->delta.depth >= TARN_DELTA_HOPS)) {
        tarn_plain *above = NULL;
        int work = TARN_DELTA_WORK;
        tarn_code rc = tarn_plain_load(lake, &(*plain)->delta.base[(*plain)->delta.n - 1], &work, &above, err);
        if (rc != TARN_OK) return rc;
        tarn_plain_release(*plain);
        *plain = above;
    }
    return TARN_OK;
}

static tarn_code choose_bases(tarn_lake *lake, const tarn_id *like, int n, tarn_before *b, tarn_delta *delta,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int work = TARN_DELTA_WORK, cost = 1;

    *delta = (tarn_delta){0};
    for (int i = 0; i < n; i++) {
        TARN_TRY(tarn_plain_load(lake, &like[i], &work, &b->plain[i], err));
        if (b->plain[i]->delta.generation >= delta->generation) delta->generation = b->plain[i]->delta.generation + 1;
    }
    if (delta->generation > MOST_GENERATION) goto done;
    for (int i = 0; i < n; i++) {
        TARN_TRY(climb(lake, &b->plain[i], base_generation(delta->generation), err));
        if (b->plain[i]->delta.depth >= delta->depth) delta->depth = b->plain[i]->delta.depth + 1;
        delta->base[i] = b->plain[i]->id;
        delta->before_len += (uint32_t)b->plain[i]->len;
        cost += b->plain[i]->cost;
    }
    if (cost > MOST_COST) n = 0;
    if (n == 2 && tarn_id_equal(&delta->base[0], &delta->base[1])) {
        delta->before_len -= (uint32_t)b->plain[1]->len;
        n = 1;
    }
    delta->n = n;
done:
    return rc;
}

static tarn_code join_bases(const tarn_before *b, const tarn_delta *d, uint8_t **joined, tarn_err *err)
{
    tarn_code rc = tarn_alloc(joined, (size_t)d->before_len + 1, 1, err);
    size_t at = 0;

    if (rc != TARN_OK) return rc;
    for (int i = 0; i < d->n; at += b->plain[i++]->len) memcpy(*joined + at, b->plain[i]->bytes, b->plain[i]->len);
    return TARN_OK;
}

tarn_code tarn_delta_pack(tarn_lake *lake, const tarn_id *like, int n, const void *bytes, size_t len, void *out,
                          size_t most, size_t *stored, tarn_delta *used, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_before b = {.lake = lake};
    tarn_err why = {0};
    size_t frame = 0;

    *stored = 0;
    rc = choose_bases(lake, like, n, &b, used, &why);
    if (rc == TARN_NOMEM) rc = TARN_FAIL(err, rc, "%s", why.msg);
    else if (rc != TARN_OK) rc = TARN_OK, used->n = 0;
    if (rc != TARN_OK || used->n == 0 || used->before_len == 0) goto done;
    if (used->n == 2) TARN_TRY(join_bases(&b, used, &b.joined, err));
    size_t head = tarn_delta_write(used, out);
    TARN_TRY(tarn_codec_pack_after(lake->codec, used->n == 2 ? b.joined : b.plain[0]->bytes, used->before_len, bytes,
                                   len, (uint8_t *)out + head, most - head, &frame, err));
    if (frame > 0) *stored = head + frame;
done:
    tarn_before_clear(&b);
    return rc;
}
