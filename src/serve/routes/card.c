/* SPDX-License-Identifier: Apache-2.0 */
/* card.c - GET /api/models/{model}/{version}. */
#include "serve/route.h"

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    json_t *value = NULL;
    tarn_code rc = tarn_call_card(call, call->value[0], call->value[1], &value, err);

    return rc == TARN_OK ? tarn_call_give(call, value, err) : rc;
}

const tarn_route tarn_route_card = {
    .name = "card",
    .method = "GET",
    .path = "/api/models/{model}/{version}",
    .title = "A version: figures, leaderboard, files, where it came from",
    .group = "registry",
    .needs = "model.read",
    .answer = answer,
};
