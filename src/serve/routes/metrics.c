/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - GET /metrics. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err) { return tarn_call_metrics(call, err); }

const tarn_route tarn_route_metrics = {
    .name = "metrics",
    .method = "GET",
    .path = "/metrics",
    .title = "Counters for Prometheus",
    .group = "serve",
    .needs = "server.read",
    .type = "text/plain",
    .answer = answer,
};
