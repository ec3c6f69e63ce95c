/* SPDX-License-Identifier: Apache-2.0 */
/* put.h - how parts of an assessment are written into its JSON object. */
#ifndef TARN_ASSESS_PUT_H
#define TARN_ASSESS_PUT_H

#include "assess/assess.h"

/* Under key: x (n) as an array. */
TARN_MUST tarn_code tarn_put_numbers(json_t *object, const char *key, const double *x, int64_t n, tarn_err *err);
/* The same of x[at[0]], x[at[1]] ... */
TARN_MUST tarn_code tarn_put_chosen(json_t *object, const char *key, const double *x, const int64_t *at, int n,
                                    tarn_err *err);
TARN_MUST tarn_code tarn_put_number(json_t *object, const char *key, double x, tarn_err *err);
TARN_MUST tarn_code tarn_put_text(json_t *object, const char *key, const char *text, tarn_err *err);
/* A new empty object or array under key; *out is borrowed from object. */
TARN_MUST tarn_code tarn_put_object(json_t *object, const char *key, json_t **out, tarn_err *err);
TARN_MUST tarn_code tarn_put_array(json_t *object, const char *key, json_t **out, tarn_err *err);
/* A new empty object at the end of array. */
TARN_MUST tarn_code tarn_put_item(json_t *array, json_t **out, tarn_err *err);

/* The name of a class, or its number as text when there are no names. */
const char *tarn_judged_name(const tarn_judged *j, int class, char out[32]);

/* roc, pr and, with costs, profit. */
TARN_MUST tarn_code tarn_put_curves(const tarn_judged *j, const tarn_costs *costs, json_t *out, tarn_err *err);
/* residuals, scatter and tenths. */
TARN_MUST tarn_code tarn_put_residuals(const tarn_judged *j, json_t *out, tarn_err *err);

#endif
