/* SPDX-License-Identifier: Apache-2.0 */
/* why.c - GET /api/why/{id}. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    json_t *value = NULL;
    tarn_code rc = tarn_call_view(call, TARN_VIEW_WHY, call->value[0], &value, err);

    return rc == TARN_OK ? tarn_call_give(call, value, err) : rc;
}

const tarn_route tarn_route_why = {
    .name = "why",
    .method = "GET",
    .path = "/api/why/{id}",
    .title = "From a prediction to its model, the run, the commit and the rows",
    .group = "registry",
    .needs = "lake.read",
    .answer = answer,
};
