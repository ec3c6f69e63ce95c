/* SPDX-License-Identifier: Apache-2.0 */
/* ready.c - GET /v2/health/ready. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    return tarn_call_give(call, json_pack("{s:b}", "ready", 1), err);
}

const tarn_route tarn_route_ready = {
    .name = "ready",
    .method = "GET",
    .path = "/v2/health/ready",
    .title = "Whether the server can answer",
    .help = "Ready as soon as it answers: models are loaded on first use.",
    .group = "serve",
    .needs = "always",
    .protocol = true,
    .answer = answer,
};
