/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - who somebody is and what they may do, by the lake's users, access keys and grants.
 *
 * The key that the program was started with (if any) is its owner's: as on the command line, everything is allowed. */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <string.h>

tarn_code tarn_s3_secret(tarn_s3_call *call, const char *access, char secret[129], tarn_err *err)
{
    const tarn_s3_options *o = &call->gateway->options;
    tarn_code rc = TARN_OK;

    if (o->access_key && strcmp(o->access_key, access) == 0) {
        call->who = tarn_who_local();
        (void)snprintf(secret, 129, "%s", o->secret_key);
    } else {
        rc = tarn_access_key_find(o->lake, access, secret, &call->who, err);
    }
    (void)snprintf(call->who.from, sizeof call->who.from, "%s", call->x->peer);
    (void)snprintf(call->who.request, sizeof call->who.request, "%s", call->x->id);
    if (rc == TARN_DENIED)
        return tarn_s3_fail(call, err, TARN_S3_InvalidAccessKeyId, "there is no access key '%.60s', or it has ended",
                            access);
    return rc;
}

tarn_code tarn_s3_may(tarn_s3_call *call, tarn_action action, const tarn_s3_place *place, tarn_err *err)
{
    bool branch = tarn_action_at(action)->on == TARN_ON_BRANCH;
    const char *where = place->branch[0] ? place->branch : place->ref;

    if (call->who.kind == TARN_WHO_ANONYMOUS && !call->gateway->options.anonymous_reads)
        return tarn_s3_fail(call, err, TARN_S3_AccessDenied,
                            "sign the request: whoever does not say who they are may do "
                            "nothing here");
    return tarn_access_check(call->gateway->options.lake, &call->who, action, branch ? where : NULL,
                             branch && place->path[0] ? place->path : NULL, err);
}
