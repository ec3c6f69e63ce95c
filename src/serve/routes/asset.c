/* SPDX-License-Identifier: Apache-2.0 */
/* asset.c - GET /assets/{name}. */
#include "serve/route.h"

#include <stdio.h>

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    char name[120];

    (void)snprintf(name, sizeof name, "assets/%.100s", call->value[0]);
    return tarn_call_asset(call, name, err);
}

const tarn_route tarn_route_asset = {
    .name = "asset",
    .method = "GET",
    .path = "/assets/{name}",
    .title = "A file of the page",
    .group = "serve",
    .needs = "always",
    .type = "application/octet-stream",
    .answer = answer,
};
