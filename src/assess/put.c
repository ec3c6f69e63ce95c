/* SPDX-License-Identifier: Apache-2.0 */
/* put.c - arrays and objects into an assessment. */
#include "assess/put.h"

#include <stdio.h>

tarn_code tarn_put_array(json_t *object, const char *key, json_t **out, tarn_err *err)
{
    *out = json_array();
    return tarn_json_set(object, key, *out, err);
}

tarn_code tarn_put_object(json_t *object, const char *key, json_t **out, tarn_err *err)
{
    *out = json_object();
    return tarn_json_set(object, key, *out, err);
}

tarn_code tarn_put_item(json_t *array, json_t **out, tarn_err *err)
{
    *out = json_object();
    return tarn_json_append(array, *out, err);
}

tarn_code tarn_put_number(json_t *object, const char *key, double x, tarn_err *err)
{
    return tarn_json_set(object, key, tarn_json_num(x), err);
}

tarn_code tarn_put_text(json_t *object, const char *key, const char *text, tarn_err *err)
{
    return tarn_json_set(object, key, json_string(text), err);
}

tarn_code tarn_put_numbers(json_t *object, const char *key, const double *x, int64_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *array = NULL;

    TARN_TRY(tarn_put_array(object, key, &array, err));
    for (int64_t i = 0; i < n; i++) TARN_TRY(tarn_json_append(array, tarn_json_num(x[i]), err));
done:
    return rc;
}

tarn_code tarn_put_chosen(json_t *object, const char *key, const double *x, const int64_t *at, int n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *array = NULL;

    TARN_TRY(tarn_put_array(object, key, &array, err));
    for (int i = 0; i < n; i++) TARN_TRY(tarn_json_append(array, tarn_json_num(x[at[i]]), err));
done:
    return rc;
}

const char *tarn_judged_name(const tarn_judged *j, int class, char out[32])
{
    if (j->class_names && j->class_names[class]) return j->class_names[class];
    (void)snprintf(out, 32, "%d", class);
    return out;
}
