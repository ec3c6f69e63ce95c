/* SPDX-License-Identifier: Apache-2.0 */
/* versions.c - GET /api/models. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    json_t *value = NULL;
    tarn_code rc = tarn_call_versions(call, &value, err);

    return rc == TARN_OK ? tarn_call_give(call, value, err) : rc;
}

const tarn_route tarn_route_versions = {
    .name = "versions",
    .method = "GET",
    .path = "/api/models",
    .title = "Every version of every model",
    .group = "registry",
    .needs = "model.read",
    .gives = "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}",
    .answer = answer,
};
