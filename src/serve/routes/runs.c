/* SPDX-License-Identifier: Apache-2.0 */
/* runs.c - GET /api/runs. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    json_t *value = NULL;
    tarn_code rc = tarn_call_view(call, TARN_VIEW_RUNS, NULL, &value, err);

    return rc == TARN_OK ? tarn_call_give(call, value, err) : rc;
}

const tarn_route tarn_route_runs = {
    .name = "runs",
    .method = "GET",
    .path = "/api/runs",
    .title = "Runs, newest first",
    .group = "flow",
    .needs = "lake.read",
    .gives = "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}",
    .answer = answer,
};
