/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.c - GET /openapi.json. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    json_t *value = NULL;
    tarn_code rc = tarn_routes_openapi(tarn_call_program(call), &value, err);

    return rc == TARN_OK ? tarn_call_give(call, value, err) : rc;
}

const tarn_route tarn_route_openapi = {
    .name = "openapi",
    .method = "GET",
    .path = "/openapi.json",
    .title = "This description",
    .group = "serve",
    .needs = "always",
    .answer = answer,
};
