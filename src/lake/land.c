/* SPDX-License-Identifier: Apache-2.0 */
/* land.c - moving a ref to a commit that is made for its head.
 *
 * Read the head, build the commit on it, store it, and swap the ref in the transaction that makes all of it durable. If
 * another came first, the commit is built again on the new head, which costs only the nodes changed: nothing is
 * lost and nobody is sent away. All who land at the same time do it together (landings.h).
 *
 * A protected ref that requires checks has a turn file of its own, taken from the start: a check may take minutes, and
 * what it passed must still be the head's successor when it ends. So its commit is built here, before the queue, as are
 * merges that may take long. The candidate is made durable before the gate is asked, so that other processes can read
 * it; the commit that the ref moves to is the same with the results in its metadata. */
#include "lake/landings.h"

#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { MOST_ATTEMPTS = 10000, SLOW_ALONE = 3 };

tarn_code tarn_land_head(tarn_lake *lake, const char *ref, tarn_id *head, tarn_err *err)
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
static tarn_code set_time(tarn_lake *lake, const tarn_links *known, tarn_commit *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_links parent;

    c->time_us = tarn_now_us();
    for (int i = 0; i < c->n_parents; i++) {
        if (known && tarn_id_equal(&known->id, &c->parents[i])) parent = *known;
        else TARN_TRY(tarn_commit_links(lake, &c->parents[i], &parent, err));
        if (parent.time_us >= c->time_us) c->time_us = parent.time_us + 1;
    }
done:
    return rc;
}

tarn_code tarn_land_make(tarn_lake *lake, const tarn_landing *l, const tarn_links *parent, tarn_draft *draft,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (draft->exists) goto done;
    TARN_TRY(set_texts(&draft->commit, l->author, l->message, err));
    TARN_TRY(set_time(lake, parent, &draft->commit, err));
    TARN_TRY(store_commit(lake, &draft->commit, draft->meta, err));
    tarn_commit_tree_keep(lake, &draft->commit.id, &draft->commit.tree);
    tarn_commit_links_keep(lake, &draft->commit);
done:
    return rc;
}

tarn_code tarn_land_expected(const tarn_landing *l, const tarn_id *head, tarn_err *err)
{
    if (!l->expect || tarn_id_equal(l->expect, head)) return TARN_OK;
    return TARN_FAIL(err, TARN_CONFLICT, "'%s' has moved since you looked; look at what came in and commit again",
                     l->ref);
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

/* The draft as a stored commit that passed the gate, before the queue. *lost: begin again. */
static tarn_code build_alone(tarn_lake *lake, const tarn_guard *guard, tarn_lander *x, bool *lost, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_landing *l = x->landing;
    json_t *meta = NULL;

    *lost = false;
    *x->draft = (tarn_draft){.checked = tarn_guard_requires(guard)};
    TARN_TRY(tarn_store_fresh(lake, &x->swept, err));
    TARN_TRY(tarn_land_head(lake, l->ref, &x->head, err));
    TARN_TRY(tarn_land_expected(l, &x->head, err));
    TARN_TRY(l->build(l->arg, &x->head, x->draft, err));
    x->built = true;
    x->commit = x->head;
    if (x->draft->nothing) goto done;
    TARN_TRY(tarn_land_make(lake, l, NULL, x->draft, err));
    if (!x->draft->checked || x->draft->exists) goto done;
    rc = pass_gate(lake, l, guard, &x->head, x->draft, &meta, err);
    *lost = rc == TARN_CONFLICT;
    TARN_TRY(rc);
    TARN_TRY(store_commit(lake, &x->draft->commit, meta, err));
done:
    json_decref(meta);
    return rc;
}

int tarn_land_turn(tarn_lake *lake, const char *ref)
{
    char path[TARN_LAKE_PATH + 32], hex[TARN_ID_HEX] = "";
    tarn_id id;

    if (ref && tarn_digest(ref, strlen(ref), &id, NULL) == TARN_OK) (void)tarn_id_hex(&id, hex);
    (void)snprintf(path, sizeof path, "%s/turn%s%.16s", lake->inside, hex[0] ? "-" : "", hex);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0) (void)flock(fd, LOCK_EX);
    return fd;
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

/* Once. x->lost: begin again. */
static tarn_code attempt(tarn_lake *lake, const tarn_guard *guard, bool alone, tarn_lander *x, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    x->stamp = guard->stamp;
    if (alone) {
        tarn_landings_go(lake); /* it may take long */
        rc = build_alone(lake, guard, x, &x->lost, err);
        tarn_landings_come(lake);
    }
    if (x->lost || rc != TARN_OK || (x->built && x->draft->nothing)) return rc;
    tarn_landings_join(lake, x);
    return x->rc;
}

tarn_code tarn_land(tarn_lake *lake, const tarn_landing *l, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_guard guard = {.rule = NULL};
    tarn_lander x = {.lost = true};
    tarn_draft *draft = NULL;
    int turn = -1;
    bool waited = false;

    tarn_landings_come(lake);
    TARN_TRY(tarn_guard_reentry(lake, l->ref, err));
    TARN_TRY(tarn_alloc(&draft, 1, sizeof *draft, err));
    for (int i = 0; i < MOST_ATTEMPTS && x.lost; i++) {
        TARN_TRY(read_guard(lake, l, &guard, err));
        bool checked = tarn_guard_requires(&guard);
        if (checked && !waited) turn = tarn_land_turn(lake, l->ref);
        waited = waited || checked;
        x = (tarn_lander){.landing = l, .who = pthread_getspecific(lake->access->acting), .draft = draft, .err = err};
        rc = attempt(lake, &guard, checked || (l->slow && i < SLOW_ALONE), &x, err);
    }
    if (x.lost && rc == TARN_OK) rc = TARN_FAIL(err, TARN_BUSY, "others keep moving '%s'; try again", l->ref);
    if (rc == TARN_OK) *out = x.commit;
done:
    tarn_landings_go(lake);
    if (turn >= 0) (void)close(turn);
    json_decref(guard.rule);
    tarn_free(draft);
    if (rc == TARN_OK) tarn_audit_settle(lake, false);
    return rc;
}
