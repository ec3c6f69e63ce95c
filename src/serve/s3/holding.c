/* SPDX-License-Identifier: Apache-2.0 */
/* holding.c - a version's locks as holds of the lake (lake/hold.h).
 *
 * The attributes "retain", "mode" and "held" say what S3 shows; the holds are what the lake keeps to: content that is
 * held is never collected, a branch that a hold names cannot be removed, and time is the lake's own. A hold is on the
 * version's content, with the branch and the version's path, and is made before the attributes that tell of it are
 * staged; it ends after they are gone only where it has to be released. */
#include "serve/s3/inside.h"

#include "lake/hold.h"

#include <string.h>

typedef struct finding {
    const tarn_hold *like;
    tarn_hold *out;
    bool found;
} finding;

static tarn_code compare(void *arg, const tarn_hold *h, tarn_err *err)
{
    finding *f = arg;
    const tarn_hold *like = f->like;

    (void)err;
    if (h->kind != TARN_HOLD_OBJECT || (h->mode == TARN_HOLD_LEGAL) != (like->mode == TARN_HOLD_LEGAL) ||
        !tarn_id_equal(&h->id, &like->id) || strcmp(h->branch, like->branch) != 0 || strcmp(h->path, like->path) != 0)
        return TARN_OK;
    *f->out = *h;
    f->found = true;
    return TARN_CANCELLED;
}

static tarn_hold hold_of(const tarn_s3_call *call, const char *branch, const tarn_entry *version, tarn_hold_mode mode)
{
    tarn_hold h = {.kind = TARN_HOLD_OBJECT, .mode = mode, .id = version->object.id};

    (void)snprintf(h.branch, sizeof h.branch, "heads/%.249s", strncmp(branch, "heads/", 6) == 0 ? branch + 6 : branch);
    (void)snprintf(h.path, sizeof h.path, "%s", version->path);
    (void)snprintf(h.who, sizeof h.who, "%s", call->who.user);
    (void)snprintf(h.why, sizeof h.why, "S3 object lock, bucket %s", call->place.bucket);
    return h;
}

/* The active hold of that kind. */
static tarn_code find(tarn_s3_call *call, const tarn_hold *like, tarn_hold *out, bool *found, tarn_err *err)
{
    finding f = {.like = like, .out = out};
    tarn_code rc = tarn_lake_holds(tarn_s3_lake(call), compare, &f, err);

    *found = f.found;
    return rc;
}

/* What the lake does not allow is not allowed; a time that it cannot hold for is a wrong argument. */
static tarn_code as_s3(tarn_s3_call *call, tarn_code rc, tarn_err *err)
{
    tarn_err why = err ? *err : (tarn_err){0};

    if (rc == TARN_DENIED) return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "%s", why.msg);
    if (rc == TARN_LIMIT || rc == TARN_INVALID) return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "%s", why.msg);
    if (rc == TARN_NOT_FOUND || rc == TARN_CONFLICT)
        return tarn_s3_fail(call, err, TARN_S3_SlowDown, "%s; send it again", why.msg);
    return rc;
}

static tarn_code release(tarn_s3_call *call, const char *branch, const tarn_entry *version, tarn_hold_mode mode,
                         bool bypass, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hold *h = NULL;
    bool found = false;

    TARN_TRY(tarn_arena_alloc(call->arena, &h, 2, sizeof *h, err));
    h[0] = hold_of(call, branch, version, mode);
    TARN_TRY(find(call, &h[0], &h[1], &found, err));
    if (found)
        rc = as_s3(call,
                   tarn_lake_hold_release(tarn_s3_lake(call), h[1].name, bypass, call->who.user,
                                          bypass ? "S3: x-amz-bypass-governance-retention" : "S3 object lock", err),
                   err);
done:
    return rc;
}

static tarn_code set(tarn_s3_call *call, const char *branch, const tarn_entry *version, tarn_hold_mode mode,
                     int64_t until_us, tarn_err *err)
{
    tarn_hold *h = NULL;
    tarn_code rc = tarn_arena_alloc(call->arena, &h, 1, sizeof *h, err);

    if (rc != TARN_OK) return rc;
    *h = hold_of(call, branch, version, mode);
    h->until_us = until_us;
    return as_s3(call, tarn_lake_hold(tarn_s3_lake(call), h, err), err);
}

tarn_code tarn_s3_hold_version(tarn_s3_call *call, const char *branch, const tarn_entry *version,
                               const tarn_s3_lock *lock, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hold_mode mode = lock->compliance ? TARN_HOLD_COMPLIANCE : TARN_HOLD_GOVERNANCE;

    if (lock->passes_over) TARN_TRY(release(call, branch, version, TARN_HOLD_GOVERNANCE, true, err));
    if (lock->until_us > tarn_now_us()) TARN_TRY(set(call, branch, version, mode, lock->until_us, err));
    if (lock->frees) TARN_TRY(release(call, branch, version, TARN_HOLD_LEGAL, false, err));
    if (lock->legal) TARN_TRY(set(call, branch, version, TARN_HOLD_LEGAL, 0, err));
done:
    return rc;
}

tarn_code tarn_s3_hold_ended(tarn_s3_call *call, const tarn_s3_place *place, const tarn_entry *version, bool bypass,
                             tarn_err *err)
{
    return release(call, place->branch, version, TARN_HOLD_GOVERNANCE, bypass, err);
}
