/* SPDX-License-Identifier: Apache-2.0 */
/* staging.c - the lake's staging area, as the gateway uses it: written to by every PUT and DELETE, seen by every read
 * of a branch, emptied by commits. Every user has an area of their own: others see a write when it is committed. */
#include "serve/s3/inside.h"

#include "lake/history.h"

#include <stdio.h>
#include <string.h>

enum { TRIES = 5 };

tarn_code tarn_s3_staged_lookup(tarn_s3_call *call, const char *branch, const char *path, tarn_entry *out,
                                tarn_err *err)
{
    return tarn_lake_lookup_staged(tarn_s3_lake(call), branch, call->who.user, path, out, err);
}

tarn_code tarn_s3_staged_list(tarn_s3_call *call, const char *branch, const char *prefix, const char *after,
                              char delimiter, tarn_entry_fn *fn, void *arg, tarn_err *err)
{
    return tarn_lake_list_staged(tarn_s3_lake(call), branch, call->who.user, prefix, after, delimiter, fn, arg, err);
}

tarn_code tarn_s3_staged_forget(tarn_s3_call *call, const char *branch, tarn_err *err)
{
    return tarn_lake_unstage(tarn_s3_lake(call), branch, call->who.user, "", err);
}

tarn_code tarn_s3_stage(tarn_s3_call *call, const char *branch, const tarn_entry *entries, size_t n, tarn_err *err)
{
    tarn_code rc = tarn_lake_stage(tarn_s3_lake(call), branch, call->who.user, entries, n, err);

    if (rc == TARN_NOT_FOUND || rc == TARN_CONFLICT)
        return tarn_s3_fail(call, err, TARN_S3_SlowDown,
                            "what was sent was swept away by a garbage collection before it had a name; send it again");
    if (rc == TARN_OK) tarn_s3_note_write(call->gateway, branch, &call->who);
    return rc;
}

tarn_code tarn_s3_fact(tarn_s3_call *call, const char *key, const char *value, tarn_err *err)
{
    tarn_code rc = TARN_CONFLICT;

    for (int i = 0; i < TRIES && rc == TARN_CONFLICT; i++) rc = tarn_lake_fact_set(tarn_s3_lake(call), key, value, err);
    if (rc == TARN_CONFLICT)
        return tarn_s3_fail(call, err, TARN_S3_SlowDown, "garbage collections came in between; try again in a second");
    return rc;
}

typedef struct others {
    const char *me;
    bool *found;
} others;

static tarn_code note_other(void *arg, const char *who, int64_t rows, tarn_err *err)
{
    others *o = arg;

    (void)err;
    if (rows > 0 && strcmp(who, o->me) != 0) *o->found = true;
    return TARN_OK;
}

tarn_code tarn_s3_staged_by_others(tarn_s3_call *call, const char *branch, bool *found, tarn_err *err)
{
    others o = {.me = call->who.user, .found = found};

    *found = false;
    return tarn_lake_areas(tarn_s3_lake(call), branch, note_other, &o, err);
}

const tarn_id *tarn_s3_replaced(tarn_s3_call *call, tarn_entry *room)
{
    const tarn_s3_place *p = &call->place;
    tarn_err ignored = {0};

    if (!p->branch[0] || !p->path[0]) return NULL;
    return tarn_s3_staged_lookup(call, p->branch, p->path, room, &ignored) == TARN_OK ? &room->object.id : NULL;
}

typedef struct counts {
    int64_t of[3];
} counts;

static tarn_code count(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                       tarn_err *err)
{
    (void)before, (void)after, (void)err;
    ((counts *)arg)->of[kind]++;
    return TARN_OK;
}

tarn_code tarn_s3_commit_branch(tarn_s3 *s, const char *branch, const tarn_who *who, const char *message, tarn_id *out,
                                tarn_err *err)
{
    tarn_code rc = TARN_OK;
    counts n = {{0}};
    char text[160];

    TARN_TRY(tarn_access_check(s->options.lake, who, TARN_ACT_COMMIT, branch, NULL, err));
    TARN_TRY(tarn_lake_staged(s->options.lake, branch, who->user, count, &n, err));
    (void)snprintf(text, sizeof text, "S3: %lld added, %lld changed, %lld removed", (long long)n.of[TARN_ADDED],
                   (long long)n.of[TARN_CHANGED], (long long)n.of[TARN_REMOVED]);
    tarn_commit_options o = {.author = who->user[0] ? who->user : "anonymous",
                             .message = message && *message ? message : text};
    TARN_TRY(tarn_lake_commit(s->options.lake, branch, who->user, &o, out, err));
done:
    return rc;
}

tarn_code tarn_s3_commit_now(tarn_s3_call *call, const char *branch, const char *message, tarn_id *out, tarn_err *err)
{
    return tarn_s3_commit_branch(call->gateway, branch, &call->who, message, out, err);
}
