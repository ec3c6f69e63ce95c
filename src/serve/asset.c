/* SPDX-License-Identifier: Apache-2.0 */
/* asset.c - gives the files of the page to browsers. See asset.h. */
#include "serve/asset.h"
#include "serve/route.h"

#include <string.h>

/* Everything comes from here, nothing inline, nobody may frame it. */
static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

tarn_code tarn_call_asset(tarn_call *call, const char *name, tarn_err *err)
{
    const tarn_asset *a = tarn_assets;
    const char *have = tarn_call_header(call, "If-None-Match"), *accepts = tarn_call_header(call, "Accept-Encoding");

    while (a->name && strcmp(a->name, name) != 0) a++;
    if (!a->name) return TARN_FAIL(err, TARN_NOT_FOUND, "the page has no file '%.100s'", name);
    bool gzip = a->gzip && accepts && strstr(accepts, "gzip");
    call->type = a->type;
    call->policy = page_policy;
    call->etag = a->etag;
    call->cache = "no-cache";
    call->encoding = gzip ? "gzip" : "";
    call->fixed = gzip ? a->gzip : a->bytes;
    call->fixed_len = gzip ? a->gzip_len : a->len;
    if (have && strstr(have, a->etag)) {
        call->status = 304;
        call->fixed_len = 0;
    }
    return TARN_OK;
}
