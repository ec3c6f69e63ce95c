/* SPDX-License-Identifier: Apache-2.0 */
/* earlier.h - what a candidate that learns on has learned from so far: which rows, its model, and what its estimator
 * keeps.
 *
 * Rows are known by their content, so that it does not matter where in the table they stand now. Bytes: "TARNPAST",
 * then little-endian the numbers n, model bytes and state bytes (8 each), the spec (32), the rows (8 each), model,
 * state. */
#ifndef TARN_FLOW_EARLIER_H
#define TARN_FLOW_EARLIER_H

#include "flow/fitting.h"

typedef struct tarn_earlier {
    tarn_id spec;   /* what must be the same to go on: estimator, settings, preparation, columns */
    uint64_t *rows; /* (n) ascending; a row's number twice, and 1 more where the preparation was fitted on the row */
    int64_t n;
    const char *model, *state; /* in bytes */
    size_t model_len, state_len;
    char *bytes;
} tarn_earlier;

/* From the bytes of tarn_earlier_write; TARN_CORRUPT if they are none. *out: tarn_earlier_clear. */
TARN_MUST tarn_code tarn_earlier_read(const char *bytes, size_t len, tarn_earlier *out, tarn_err *err);
/* rows, model and state are read; *out: tarn_free. */
TARN_MUST tarn_code tarn_earlier_write(const tarn_earlier *past, char **out, size_t *len, tarn_err *err);
void tarn_earlier_clear(tarn_earlier *past);

/* The rows of a table as a candidate sees them after an earlier fit. */
typedef struct tarn_news {
    int64_t *prepare, n_prepare; /* ascending: rows that the preparation was and is fitted on */
    int64_t *fresh, n_fresh;     /* ascending: train rows not learned from yet */
    uint64_t *rows;              /* (n_rows) the past's rows and the fresh ones, as in tarn_earlier */
    int64_t n_rows;
    const char *afresh; /* why it learns from the beginning, if it does: prepare and fresh are then all train rows */
} tarn_news;

/* What of train[n] (ascending rows of f->data) is new; past NULL: all of it. spec: of this fit. *out: tarn_news_clear.
 */
TARN_MUST tarn_code tarn_earlier_compare(const tarn_earlier *past, const tarn_id *spec, const tarn_fitting *f,
                                         const int64_t *train, int64_t n, tarn_news *out, tarn_err *err);
void tarn_news_clear(tarn_news *news);

/* The spec of a fit: what of its parameters decides what can be gone on from. */
TARN_MUST tarn_code tarn_earlier_spec(const tarn_fitting *f, const json_t *settings, tarn_id *out, tarn_err *err);

#endif
