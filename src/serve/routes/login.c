/* SPDX-License-Identifier: Apache-2.0 */
/* login.c - POST /login. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err) { return tarn_call_login(call, err); }

const tarn_route tarn_route_login = {
    .name = "login",
    .method = "POST",
    .path = "/login",
    .title = "Open a session for the page",
    .help =
        "Takes the page's form: user=...&password=..., as application/x-www-form-urlencoded. The reply sets a cookie "
        "for twelve hours. Programs send a token with each request instead.",
    .group = "serve",
    .needs = "always",
    .type = "text/html",
    .answer = answer,
};
