/* SPDX-License-Identifier: Apache-2.0 */
/* commits.c - GET /api/lake/log. */
#include "serve/route.h"

#include <string.h>

static tarn_code answer(tarn_call *call, tarn_err *err)
{
    const char *ref = tarn_call_query(call, "ref"), *most = tarn_call_query(call, "most");
    int64_t n = 100;
    json_t *value = NULL;

    if (most && (!tarn_int_parse(most, strlen(most), &n) || n < 1 || n > 10000))
        return TARN_FAIL(err, TARN_INVALID, "most=%.40s: expected a whole number, 1 to 10000", most);
    tarn_code rc = tarn_call_commits(call, ref && *ref ? ref : "main", n, &value, err);
    return rc == TARN_OK ? tarn_call_give(call, value, err) : rc;
}

const tarn_route tarn_route_commits = {
    .name = "commits",
    .method = "GET",
    .path = "/api/lake/log",
    .title = "Commits, newest first",
    .group = "lake",
    .needs = "object.read",
    .query = "ref: where to start, such as a branch (main); most: how many (100)",
    .gives = "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}",
    .answer = answer,
};
