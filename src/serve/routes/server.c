/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - GET /v2. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    return tarn_call_give(
        call, json_pack("{s:s, s:s, s:[]}", "name", "tarn", "version", tarn_call_program(call), "extensions"), err);
}

const tarn_route tarn_route_server = {
    .name = "server",
    .method = "GET",
    .path = "/v2",
    .title = "The server itself",
    .group = "serve",
    .needs = "always",
    .protocol = true,
    .answer = answer,
};
