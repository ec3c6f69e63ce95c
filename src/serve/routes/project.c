/* SPDX-License-Identifier: Apache-2.0 */
/* project.c - GET /api/project. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    json_t *value = NULL;
    tarn_code rc = tarn_call_view(call, TARN_VIEW_PROJECT, NULL, &value, err);

    return rc == TARN_OK ? tarn_call_give(call, value, err) : rc;
}

const tarn_route tarn_route_project = {
    .name = "project",
    .method = "GET",
    .path = "/api/project",
    .title = "The project and the state of its steps",
    .group = "flow",
    .needs = "lake.read",
    .answer = answer,
};
