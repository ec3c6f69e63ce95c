/* SPDX-License-Identifier: Apache-2.0 */
/* land.c - moving a ref to a commit that is made for its head.
 *
 * Read the head, build the commit on it, store it, and swap the ref in the transaction that makes all of it durable. If
 * another came first, the commit is built again on the new head, which costs only the nodes changed: nothing is
 * lost and nobody is sent away. From the second attempt on they queue for the lake's `turn` file, and with shared
 * metadata for a lock there, so that many of them do not keep undoing each other's work.
 *
 * A protected ref that requires checks has a turn file of its own, taken from the start: a check may take minutes, and
 * what it passed must still be the head's successor when it ends. The candidate is made durable before the gate is
 * asked, so that other processes can read it; the commit that the ref moves to is the same with the results in its
 * metadata. */
#include "lake/access_inside.h"
#include "lake/commit.h"

#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ATTEMPTS = 10000, TURN_TRIES = 2000 };

static tarn_code read_head(tarn_lake *lake, const char *ref, tarn_id *head, tarn_err *err)
{
    tarn_ref r;

    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_ref_get(lake->meta, ref, &r, err);
    tarn_lake_unlock(lake);
    *head = rc == TARN_OK ? r.commit : (tarn_id){{0}};
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

/* The commit's id, and its bytes into the store. */
static tarn_code store_commit(tarn_lake *lake, tarn_commit *c, const json_t *meta, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *bytes = NULL;
    size_t len = 0;

    if (meta && !json_is_object(meta))
        return TARN_FAIL(err, TARN_INVALID, "the metadata of a commit must be a JSON object");
    TARN_TRY(tarn_commit_encode(c, meta, &bytes, &len, err));
    TARN_TRY(tarn_digest(bytes, len, &c->id, err));
    TARN_TRY(tarn_store_put(lake, &c->id, TARN_KIND_COMMIT, bytes, len, err));
done:
    tarn_free(bytes);
    return rc;
}

static tarn_code set_texts(tarn_commit *c, const char *author, const char *message, tarn_err *err)
{
    author = author && *author ? author : "unknown";
    message = message ? message : "";
    if (strlen(author) >= sizeof c->author)
        return TARN_FAIL(err, TARN_INVALID, "the author has %zu bytes; at most %zu are possible", strlen(author),
                         sizeof c->author - 1);
    if (strlen(message) >= sizeof c->message)
        return TARN_FAIL(err, TARN_INVALID, "the message has %zu bytes; at most %zu are possible", strlen(message),
                         sizeof c->message - 1);
    if (!tarn_utf8_valid(author, strlen(author), NULL) || !tarn_utf8_valid(message, strlen(message), NULL))
        return TARN_FAIL(err, TARN_INVALID, "author and message of a commit must be UTF-8");
    (void)strcpy(c->author, author);
    (void)strcpy(c->message, message);
    return TARN_OK;
}

/* Now, but after the parents: so times are an order of generations, whatever the clocks do. */
static tarn_code set_time(tarn_lake *lake, tarn_commit *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_links parent;

    c->time_us = tarn_now_us();
    for (int i = 0; i < c->n_parents; i++) {
        TARN_TRY(tarn_commit_links(lake, &c->parents[i], &parent, err));
        if (parent.time_us >= c->time_us) c->time_us = parent.time_us + 1;
    }
done:
    return rc;
}

/* Show the candidate to the gate; *meta: the commit's own and the results, decref. */
static tarn_code pass_gate(tarn_lake *lake, const tarn_landing *l, const tarn_guard *guard, const tarn_id *head,
                           const tarn_draft *draft, json_t **meta, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *results = json_array();

    *meta = draft->meta ? json_deep_copy(draft->meta) : json_object();
    if (!results || !*meta) rc = TARN_FAIL(err, TARN_NOMEM, "no memory for the results of checks");
    TARN_TRY(rc);
    TARN_TRY(tarn_lake_sync(lake, err));
    TARN_TRY(tarn_guard_pass(lake, guard, l->ref, l->event, head, &draft->commit.id, results, err));
    TARN_TRY(tarn_json_set(*meta, "checks", json_incref(results), err));
done:
    json_decref(results);
    return rc;
}

/* Move the ref, durably. *lost: it or its protection is not what it was, or there was a sweep since `swept`. */
static tarn_code publish(tarn_lake *lake, const tarn_landing *l, const tarn_guard *guard, const tarn_id *head,
                         const tarn_commit *commit, int64_t swept, bool *lost, tarn_err *err)
{
    bool same = true;
    tarn_code rc = tarn_tx_begin(lake, err);

    *lost = rc == TARN_CONFLICT; /* a sweep has taken what new records are made from */
    if (rc != TARN_OK) return rc;
    rc = tarn_store_unswept(lake, swept, err);
    if (rc == TARN_OK) rc = tarn_guard_same(lake, guard, &same, err);
    if (rc == TARN_OK && !same) rc = TARN_FAIL(err, TARN_CONFLICT, "the protection of '%s' has changed", l->ref);
    if (rc == TARN_OK)
        rc = tarn_ref_swap_as(lake, l->event, l->ref, tarn_id_none(head) ? NULL : head, &commit->id, l->author,
                              l->message, err);
    *lost = rc == TARN_CONFLICT;
    if (rc == TARN_OK && l->with) rc = l->with(l->arg, err);
    return tarn_tx_end(lake, rc, err);
}

/* The draft as a stored commit that passed the gate. */
static tarn_code make_commit(tarn_lake *lake, const tarn_landing *l, const tarn_guard *guard, const tarn_id *head,
                             tarn_draft *draft, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *meta = NULL;

    if (draft->exists) goto done;
    TARN_TRY(set_texts(&draft->commit, l->author, l->message, err));
    TARN_TRY(set_time(lake, &draft->commit, err));
    TARN_TRY(store_commit(lake, &draft->commit, draft->meta, err));
    if (!draft->checked) goto done;
    TARN_TRY(pass_gate(lake, l, guard, head, draft, &meta, err));
    TARN_TRY(store_commit(lake, &draft->commit, meta, err));
done:
    json_decref(meta);
    return rc;
}

static tarn_code land_once(tarn_lake *lake, const tarn_landing *l, const tarn_guard *guard, tarn_id *out, bool *lost,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_draft *draft = NULL;
    tarn_id head;
    int64_t swept = 0;

    *lost = false;
    TARN_TRY(tarn_store_fresh(lake, &swept, err));
    TARN_TRY(tarn_alloc(&draft, 1, sizeof *draft, err));
    TARN_TRY(read_head(lake, l->ref, &head, err));
    if (l->expect && !tarn_id_equal(l->expect, &head)) {
        rc = TARN_FAIL(err, TARN_CONFLICT, "'%s' has moved since you looked; look at what came in and commit again",
                       l->ref);
        goto done;
    }
    draft->checked = tarn_guard_requires(guard);
    TARN_TRY(l->build(l->arg, &head, draft, err));
    if (draft->nothing) {
        *out = head;
        goto done;
    }
    rc = make_commit(lake, l, guard, &head, draft, err);
    *lost = rc == TARN_CONFLICT;
    TARN_TRY(rc);
    TARN_TRY(publish(lake, l, guard, &head, &draft->commit, swept, lost, err));
    *out = draft->commit.id;
done:
    tarn_free(draft);
    return rc;
}

/* ---- turns ---- */

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

/* Wait for the turn among the threads and processes of this folder, of a ref or (NULL) the lake's. -1: no such file can
 * be made; then there is only luck. */
static int take_turn(tarn_lake *lake, const char *ref)
{
    char path[TARN_LAKE_PATH + 32], hex[TARN_ID_HEX] = "";
    tarn_id id;

    if (ref && tarn_digest(ref, strlen(ref), &id, NULL) == TARN_OK) (void)tarn_id_hex(&id, hex);
    (void)snprintf(path, sizeof path, "%s/turn%s%.16s", lake->inside, hex[0] ? "-" : "", hex);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0) (void)flock(fd, LOCK_EX);
    return fd;
}

static void give_turn(int fd)
{
    if (fd >= 0) (void)close(fd);
}

typedef struct turns {
    tarn_lake *lake;
    int own, common;
    bool waited, queued, shared;
} turns;

static void leave_common(turns *t)
{
    if (!t->queued) return;
    if (t->shared) {
        tarn_lake_lock(t->lake);
        tarn_meta_turn_end(t->lake->meta);
        tarn_lake_unlock(t->lake);
    }
    give_turn(t->common);
    (void)pthread_mutex_unlock(&t->lake->turn);
    t->queued = false;
}

/* Before an attempt. The lake's turn is never held while a check runs: the check may want it itself. */
static void wait_for_turn(turns *t, const char *ref, bool checked, bool lost)
{
    if (checked) leave_common(t);
    if (checked && !t->waited) t->own = take_turn(t->lake, ref);
    t->waited = t->waited || checked;
    if (checked || !lost || t->queued) return;
    (void)pthread_mutex_lock(&t->lake->turn);
    t->common = take_turn(t->lake, NULL);
    t->shared = tarn_meta_is_shared(t->lake->meta) && take_shared_turn(t->lake);
    t->queued = true;
}

static tarn_code read_guard(tarn_lake *lake, const tarn_landing *l, tarn_guard *guard, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    json_decref(guard->rule);
    guard->rule = NULL;
    TARN_TRY(tarn_guard_read(lake, l->ref, guard, err));
    if (l->direct && json_is_true(json_object_get(guard->rule, "no_direct")))
        rc = TARN_FAIL(err, TARN_DENIED,
                       "'%.200s' is protected from direct commits; commit to a branch of your own and merge that",
                       l->ref);
done:
    return rc;
}

tarn_code tarn_land(tarn_lake *lake, const tarn_landing *l, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_guard guard = {.rule = NULL};
    turns t = {.lake = lake, .own = -1, .common = -1};
    bool lost = false;

    TARN_TRY(tarn_guard_reentry(lake, l->ref, err));
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        TARN_TRY(read_guard(lake, l, &guard, err));
        wait_for_turn(&t, l->ref, tarn_guard_requires(&guard), lost);
        rc = land_once(lake, l, &guard, out, &lost, err);
        if (!lost) break; /* of those who expect a head, the next attempt says that it has moved */
    }
done:
    leave_common(&t);
    give_turn(t.own);
    json_decref(guard.rule);
    if (rc == TARN_OK) tarn_audit_settle(lake, false);
    return rc;
}
