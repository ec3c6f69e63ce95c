/* SPDX-License-Identifier: Apache-2.0 */
/* live.c - GET /v2/health/live. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    return tarn_call_give(call, json_pack("{s:b}", "live", 1), err);
}

const tarn_route tarn_route_live = {
    .name = "live",
    .method = "GET",
    .path = "/v2/health/live",
    .title = "Whether the server lives",
    .group = "serve",
    .needs = "always",
    .protocol = true,
    .answer = answer,
};
