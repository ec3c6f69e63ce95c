/* SPDX-License-Identifier: Apache-2.0 */
/* group.c - landing several at once: one after the other as far as anybody can tell, with the syncs of one.
 *
 * Each is built on the one before it on the same ref, which is stored but not durable yet; then one transaction seals
 * the pack with all of them, and moves every ref step by step, with a line of the ref log and an audit record for each,
 * by whom it is. Nobody is told anything that rests on a commit of the group before that transaction is through:
 *
 *   - it went through: each has what it was told while building;
 *   - a ref, the protection or the sweeps are not what they were: all are built again, with the turn of the lake's
 *     folder (and with shared metadata a lock there), so that processes do not keep undoing each other's work;
 *   - one of them may not do what it wants: that one is told, the rest are built again without it;
 *   - anything else, as a disk that fails: nothing has happened, and all are told that.
 *
 * Building costs little a second time: what it puts is there already. */
#include "lake/landings.h"

#include "base/mem.h"
#include "base/sink.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ROUNDS = 10000, TURN_TRIES = 2000 };

/* A ref, from where it stands in the metadata to the last commit built on it. */
typedef struct chain {
    const char *ref;
    tarn_links tip; /* id, and the time if it was made here (else 0) */
    bool moved;
} chain;

typedef struct work {
    tarn_lake *lake;
    tarn_group *g;
    chain *chains; /* room for TARN_GROUP_MOST */
    size_t n_chains;
    bool moves;
    tarn_id stamp; /* of the protection */
    int64_t swept;
} work;

/* ---- working for another ---- */

static const tarn_who *act_as(tarn_lake *lake, const tarn_who *who)
{
    const tarn_who *self = pthread_getspecific(lake->access->acting);

    tarn_access_enter(lake, who);
    return self;
}

/* ---- building ---- */

static tarn_code chain_of(work *w, const char *ref, chain **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    chain *c = &w->chains[w->n_chains];

    for (size_t i = 0; i < w->n_chains; i++) {
        if (strcmp(w->chains[i].ref, ref) != 0) continue;
        *out = &w->chains[i];
        return TARN_OK;
    }
    *c = (chain){.ref = ref};
    TARN_TRY(tarn_land_head(w->lake, ref, &c->tip.id, err));
    w->n_chains++;
    *out = c;
done:
    return rc;
}

static tarn_code build_on(work *w, tarn_lander *x, const chain *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_landing *l = x->landing;

    *x->draft = (tarn_draft){.nothing = false};
    TARN_TRY(l->build(l->arg, &c->tip.id, x->draft, err));
    if (!x->draft->nothing) TARN_TRY(tarn_land_make(w->lake, l, c->tip.time_us ? &c->tip : NULL, x->draft, err));
done:
    return rc;
}

/* What x wants, on what came before it. */
static tarn_code build_one(work *w, tarn_lander *x, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    chain *c = NULL;

    TARN_TRY(chain_of(w, x->landing->ref, &c, err));
    x->leans = c->moved;
    x->lost = !tarn_id_equal(&x->stamp, &w->stamp) ||
              (x->built && (x->swept != w->swept || !tarn_id_equal(&x->head, &c->tip.id)));
    if (x->lost) goto done;
    x->head = x->commit = c->tip.id;
    if (!x->built) {
        TARN_TRY(tarn_land_expected(x->landing, &c->tip.id, err));
        TARN_TRY(build_on(w, x, c, err));
    }
    if (x->draft->nothing) goto done;
    x->commit = x->draft->commit.id;
    x->moves = c->moved = w->moves = true;
    c->tip = (tarn_links){.id = x->commit, .time_us = x->draft->exists ? 0 : x->draft->commit.time_us};
done:
    return rc;
}

static void build_for(work *w, tarn_lander *x)
{
    if (x->settled) return;
    x->moves = x->leans = false;
    const tarn_who *self = act_as(w->lake, x->who);
    x->rc = build_one(w, x, x->err);
    (void)act_as(w->lake, self);
    x->settled = x->lost || (!x->moves && !x->leans); /* whatever becomes of the others */
}

static tarn_code build_all(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_group *g = w->g;

    w->n_chains = 0;
    w->moves = false;
    TARN_TRY(tarn_store_fresh(w->lake, &w->swept, err));
    tarn_lake_lock(w->lake);
    rc = tarn_guard_stamp(w->lake, &w->stamp, err);
    tarn_lake_unlock(w->lake);
    TARN_TRY(rc);
    for (size_t i = 0; i < g->n; i++) {
        build_for(w, g->v[i]);
        if (i + 1 == g->n && g->more) g->more(g->arg, g);
    }
    g->more = NULL; /* the next round is for the same */
done:
    return rc;
}

/* ---- publishing ---- */

/* In the transaction. *late: the ref is not where it was. */
static tarn_code move_one(work *w, const tarn_lander *x, bool *late, tarn_err *err)
{
    const tarn_landing *l = x->landing;
    const tarn_id *was = tarn_id_none(&x->head) ? NULL : &x->head;
    const tarn_who *self = act_as(w->lake, x->who);
    tarn_code rc = x->draft->exists
                       ? tarn_ref_swap_as(w->lake, l->event, l->ref, was, &x->commit, l->author, l->message, err)
                       : tarn_ref_advance(w->lake, l->event, l->ref, was, &x->commit, l->author, l->message, err);

    *late = rc == TARN_CONFLICT;
    if (rc == TARN_OK && l->with) rc = l->with(l->arg, err);
    (void)act_as(w->lake, self);
    return rc;
}

/* Is it the fault of what one of them wants? */
static bool is_own(tarn_code rc)
{
    return rc != TARN_IO && rc != TARN_FULL && rc != TARN_NOMEM && rc != TARN_BUSY && rc != TARN_CONFLICT;
}

static tarn_code unchanged(work *w, tarn_err *err)
{
    tarn_id stamp;
    tarn_code rc = tarn_store_unswept(w->lake, w->swept, err);

    if (rc == TARN_OK) rc = tarn_guard_stamp(w->lake, &stamp, err);
    if (rc == TARN_OK && !tarn_id_equal(&stamp, &w->stamp))
        rc = TARN_FAIL(err, TARN_CONFLICT, "the protection of branches has changed meanwhile");
    return rc;
}

/* Move all refs, durably. *again: build once more; *late: because somebody else came first. */
static tarn_code publish(work *w, bool *again, bool *late, tarn_err *err)
{
    tarn_code rc = tarn_tx_begin(w->lake, err);

    *again = *late = rc == TARN_CONFLICT; /* a sweep has taken what new records are made from */
    if (rc != TARN_OK) return rc;
    rc = unchanged(w, err);
    *again = *late = rc == TARN_CONFLICT;
    for (size_t i = 0; i < w->g->n && rc == TARN_OK; i++) {
        tarn_lander *x = w->g->v[i];
        if (x->settled || !x->moves) continue;
        tarn_err why = {0};
        rc = move_one(w, x, late, &why);
        if (rc == TARN_OK) continue;
        *again = *late || is_own(rc);
        if (err) *err = why;
        if (*late || !is_own(rc)) break;
        x->settled = true;
        x->rc = rc;
        if (x->err) *x->err = why;
    }
    return tarn_tx_end(w->lake, rc, err);
}

static tarn_code round_of(work *w, bool *again, bool *late, tarn_err *err)
{
    tarn_code rc = build_all(w, err);
    double start = tarn_seconds();

    *again = *late = false;
    if (rc == TARN_OK && w->moves) rc = publish(w, again, late, err);
    w->g->publishing = tarn_seconds() - start;
    return rc;
}

/* ---- turns ---- */

typedef struct turn {
    int file;
    bool has, shared;
} turn;

/* The turn among all who share the metadata, asked for again and again: waiting for it in the database would keep the
 * other threads from it. After a while, or if the database cannot tell, there is only luck. */
static bool take_shared_turn(tarn_lake *lake)
{
    struct timespec pause = {.tv_nsec = 5000000};
    bool got = false;

    for (int i = 0; i < TURN_TRIES && !got; i++) {
        tarn_lake_lock(lake);
        tarn_code rc = tarn_meta_turn(lake->meta, &got, NULL);
        tarn_lake_unlock(lake);
        if (rc != TARN_OK) return false;
        if (!got) (void)nanosleep(&pause, NULL);
    }
    return got;
}

static void take_turn(tarn_lake *lake, turn *t)
{
    if (t->has) return;
    t->file = tarn_land_turn(lake, NULL);
    t->shared = tarn_meta_is_shared(lake->meta) && take_shared_turn(lake);
    t->has = true;
}

static void give_turn(tarn_lake *lake, turn *t)
{
    if (t->has && t->shared) {
        tarn_lake_lock(lake);
        tarn_meta_turn_end(lake->meta);
        tarn_lake_unlock(lake);
    }
    if (t->has && t->file >= 0) (void)close(t->file);
}

/* ---- */

static void fail_all(const tarn_group *g, tarn_code rc, const tarn_err *why)
{
    for (size_t i = 0; i < g->n; i++) {
        if (g->v[i]->settled) continue;
        g->v[i]->rc = rc;
        g->v[i]->lost = false;
        if (g->v[i]->err) *g->v[i]->err = *why;
    }
}

void tarn_group_land(tarn_lake *lake, tarn_group *g)
{
    work w = {.lake = lake, .g = g};
    turn t = {.file = -1};
    tarn_err err = {0};
    bool again = true, late = false;
    tarn_code rc = tarn_alloc(&w.chains, TARN_GROUP_MOST, sizeof *w.chains, &err);

    for (int i = 0; i < MOST_ROUNDS && again && (rc == TARN_OK || i > 0); i++) {
        if (late) take_turn(lake, &t);
        rc = round_of(&w, &again, &late, &err);
    }
    give_turn(lake, &t);
    if (rc != TARN_OK) fail_all(g, rc, &err);
    tarn_free(w.chains);
}
