/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - GET /. */
#include "serve/route.h"

/* Where nobody may look around without a credential, the way to one. */
static tarn_code answer(tarn_call *call, tarn_err *err)
{
    if (call->who.kind == TARN_WHO_ANONYMOUS && call->who.anonymous != TARN_ANONYMOUS_READ)
        return tarn_call_login_page(call, "", err);
    return tarn_call_asset(call, "index.html", err);
}

const tarn_route tarn_route_page = {
    .name = "page",
    .method = "GET",
    .path = "/",
    .title = "The page",
    .group = "serve",
    .needs = "always",
    .type = "text/html",
    .answer = answer,
};
