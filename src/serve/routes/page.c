/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - GET /. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err) { return tarn_call_asset(call, "index.html", err); }

const tarn_route tarn_route_page = {
    .name = "page",
    .method = "GET",
    .path = "/",
    .title = "The page",
    .group = "serve",
    .type = "text/html",
    .answer = answer,
};
