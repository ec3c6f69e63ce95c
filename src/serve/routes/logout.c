/* SPDX-License-Identifier: Apache-2.0 */
/* logout.c - POST /logout. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err) { return tarn_call_logout(call, err); }

const tarn_route tarn_route_logout = {
    .name = "logout",
    .method = "POST",
    .path = "/logout",
    .title = "End the session of the page",
    .group = "serve",
    .needs = "always",
    .type = "text/html",
    .answer = answer,
};
