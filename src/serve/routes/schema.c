/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - GET /serve/{model}/schema. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    json_t *value = NULL;
    tarn_code rc = tarn_call_schema(call, call->value[0], &value, err);

    return rc == TARN_OK ? tarn_call_give(call, value, err) : rc;
}

const tarn_route tarn_route_schema = {
    .name = "schema",
    .method = "GET",
    .path = "/serve/{model}/schema",
    .title = "What a model takes and gives",
    .help = "Fields with kind (number, category, time, text), levels, ranges seen in training, and whether they must "
            "be given.",
    .group = "serve",
    .needs = "model.read",
    .answer = answer,
};
