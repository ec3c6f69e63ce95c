/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - POST /serve/{model}. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    return tarn_call_predict(call, call->value[0], NULL, false, err);
}

const tarn_route tarn_route_serve = {
    .name = "serve",
    .method = "POST",
    .path = "/serve/{model}",
    .title = "Predict from raw records by field name",
    .help = "The body is one record (an object), an array of records, or {\"records\": [...]}. A field that the model "
            "does not know is refused, "
            "and so is a missing one that it needs; null means missing. Every prediction has an id, under which it is "
            "logged.",
    .group = "serve",
    .needs = "predict",
    .takes = "{\"oneOf\":[{\"type\":\"object\"},{\"type\":\"array\",\"items\":{\"type\":\"object\"}}]}",
    .gives = "{\"type\":\"object\",\"required\":[\"model\",\"version\",\"predictions\"],\"properties\":{\"model\":{"
             "\"type\":\"string\"},"
             "\"version\":{\"type\":\"integer\"},\"positive\":{\"type\":\"string\"},\"threshold\":{\"type\":\"number\"}"
             ",\"predictions\":{\"type\":\"array\","
             "\"items\":{\"type\":\"object\",\"required\":[\"id\",\"prediction\"],\"properties\":{\"id\":{\"type\":"
             "\"string\"},\"prediction\":"
             "{\"type\":\"number\"},\"label\":{\"type\":\"string\"},\"probability\":{\"type\":\"number\"},"
             "\"probabilities\":{\"type\":\"object\"},"
             "\"unseen\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}}",
    .answer = answer,
};
