/* SPDX-License-Identifier: Apache-2.0 */
/* models.c - GET /v2/models. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err) { return tarn_call_names(call, err); }

const tarn_route tarn_route_models = {
    .name = "models",
    .method = "GET",
    .path = "/v2/models",
    .title = "Names of the models",
    .group = "serve",
    .needs = "model.read",
    .protocol = true,
    .answer = answer,
};
