/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - GET /api/models/{model}/{version}/file/{file+}. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    return tarn_call_file(call, call->value[0], call->value[1], call->value[2], err);
}

const tarn_route tarn_route_file = {
    .name = "file",
    .method = "GET",
    .path = "/api/models/{model}/{version}/file/{file+}",
    .title = "A file of a version: report, pictures, model",
    .help = "Shown in a sandbox: nothing in it runs, nothing is fetched.",
    .group = "registry",
    .needs = "model.read",
    .type = "application/octet-stream",
    .answer = answer,
};
