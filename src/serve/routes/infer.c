/* SPDX-License-Identifier: Apache-2.0 */
/* infer.c - POST /v2/models/{model}/infer. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    return tarn_call_predict(call, call->value[0], call->value[1], true, err);
}

const tarn_route tarn_route_infer = {
    .name = "infer",
    .method = "POST",
    .path = "/v2/models/{model}/infer",
    .title = "Predict by the Open Inference Protocol",
    .also = "/v2/models/{model}/versions/{version}/infer",
    .help = "One tensor a field, shape [n] or [n,1], data flat or nested, null for missing. Numbers as any INT, UINT, "
            "FP or BOOL type, categories and "
            "times as BYTES (texts). The ids of the predictions stand in parameters.prediction_ids, joined by commas.",
    .group = "serve",
    .needs = "predict",
    .takes = "{\"type\":\"object\",\"required\":[\"inputs\"],\"properties\":{\"id\":{\"type\":\"string\"},\"inputs\":{"
             "\"type\":\"array\",\"items\":"
             "{\"type\":\"object\",\"required\":[\"name\",\"shape\",\"datatype\",\"data\"]}},\"outputs\":{\"type\":"
             "\"array\",\"items\":{\"type\":\"object\"}}}}",
    .gives = "{\"type\":\"object\",\"required\":[\"model_name\",\"outputs\"],\"properties\":{\"model_name\":{\"type\":"
             "\"string\"},\"model_version\":"
             "{\"type\":\"string\"},\"id\":{\"type\":\"string\"},\"parameters\":{\"type\":\"object\"},\"outputs\":{"
             "\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}",
    .protocol = true,
    .answer = answer,
};
