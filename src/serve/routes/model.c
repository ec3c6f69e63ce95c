/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - GET /v2/models/{model}. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    json_t *value = NULL;
    tarn_code rc = tarn_call_metadata(call, call->value[0], call->value[1], false, &value, err);

    return rc == TARN_OK ? tarn_call_give(call, value, err) : rc;
}

const tarn_route tarn_route_model = {
    .name = "model",
    .method = "GET",
    .path = "/v2/models/{model}",
    .title = "Inputs and outputs of a model",
    .also = "/v2/models/{model}/versions/{version}",
    .group = "serve",
    .needs = "model.read",
    .protocol = true,
    .answer = answer,
};
