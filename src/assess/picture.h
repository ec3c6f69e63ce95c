/* SPDX-License-Identifier: Apache-2.0 */
/* picture.h - how one picture is drawn, and what it says in a sentence; the table of them is in picture.c. */
#ifndef TARN_ASSESS_PICTURE_H
#define TARN_ASSESS_PICTURE_H

#include "assess/assess.h"
#include "assess/chart.h"

/* Numbers of an assessment, read with care: it may come from a file. */
typedef struct tarn_series {
    double *x;
    size_t n;
} tarn_series;

/* The array of numbers under key. TARN_INVALID names the key. */
TARN_MUST tarn_code tarn_series_read(const json_t *object, const char *key, tarn_series *out, tarn_err *err);
/* The same, which must have n numbers. */
TARN_MUST tarn_code tarn_series_read_n(const json_t *object, const char *key, size_t n, tarn_series *out,
                                       tarn_err *err);
void tarn_series_clear(tarn_series *s);
/* A number under key, or under metrics.key; NaN without. */
double tarn_picture_number(const json_t *object, const char *key);
double tarn_picture_metric(const json_t *assessed, const char *name);
/* The interval of a metric; false if there is none. */
bool tarn_picture_interval(const json_t *assessed, const char *name, double *low, double *high);
/* The part under key. TARN_NOT_FOUND if the assessment has none. */
TARN_MUST tarn_code tarn_picture_part(const json_t *assessed, const char *key, const json_t **out, tarn_err *err);

typedef struct tarn_picture_kind {
    const char *name;
    /* Add the sentence that a reader should take away. Called first; must not fail on anything it finds. */
    void (*say)(const json_t *assessed, tarn_text *out);
    tarn_code (*draw)(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err);
} tarn_picture_kind;

extern const tarn_picture_kind tarn_picture_roc, tarn_picture_pr, tarn_picture_calibration, tarn_picture_profit,
    tarn_picture_confusion, tarn_picture_histogram, tarn_picture_importance, tarn_picture_residuals,
    tarn_picture_predicted;

/* NULL if there is none of that name. */
const tarn_picture_kind *tarn_picture_find(const char *name);

#endif
