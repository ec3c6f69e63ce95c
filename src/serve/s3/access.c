/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - who somebody is and what they may do: the seam to the rest of the house. */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <string.h>

tarn_code tarn_s3_secret(tarn_s3_call *call, const char *access, char secret[129], tarn_err *err)
{
    const tarn_s3_options *o = &call->gateway->options;

    if (!o->access_key || strcmp(o->access_key, access) != 0)
        return tarn_s3_fail(call, err, TARN_S3_InvalidAccessKeyId, "there is no access key '%.60s'", access);
    (void)snprintf(secret, 129, "%s", o->secret_key ? o->secret_key : "");
    (void)snprintf(call->user, sizeof call->user, "owner");
    return TARN_OK;
}

tarn_code tarn_s3_may(tarn_s3_call *call, tarn_s3_right right, const tarn_s3_place *place, tarn_err *err)
{
    (void)place;
    if (call->user[0] || right == TARN_S3_FREE) return TARN_OK;
    if (right <= TARN_S3_READ && call->gateway->options.anonymous_reads) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "sign the request: whoever does not say who they are may %s",
                        call->gateway->options.anonymous_reads ? "only read" : "do nothing here");
}
