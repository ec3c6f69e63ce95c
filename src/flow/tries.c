/* SPDX-License-Identifier: Apache-2.0 */
/* tries.c - see tries.h. */
#include "flow/tries.h"

#include <math.h>

static double merit(const json_t *try, const tarn_metric *metric)
{
    const json_t *x = json_object_get(try, "figure");

    if (!json_is_number(x)) return -INFINITY;
    return metric->higher_is_better ? json_number_value(x) : -json_number_value(x);
}

tarn_code tarn_tries_read(const tarn_stage_job *job, const json_t *paths, const tarn_metric *metric, json_t **out,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *sorted = json_array();

    *out = NULL;
    for (size_t i = 0; i < json_array_size(paths); i++) {
        json_t *try = NULL;
        TARN_TRY(tarn_stage_get_json(job, json_string_value(json_array_get(paths, i)), &try, err));
        size_t at = json_array_size(sorted);
        while (at > 0 && merit(try, metric) > merit(json_array_get(sorted, at - 1), metric)) at--;
        if (json_array_insert_new(sorted, at, try) != 0) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "out of memory"));
    }
    *out = json_incref(sorted);
done:
    json_decref(sorted);
    return rc;
}
