/* SPDX-License-Identifier: Apache-2.0 */
/* predict.h - from a batch to answers: run the model, log, write the reply. */
#ifndef TARN_SERVE_PREDICT_H
#define TARN_SERVE_PREDICT_H

#include "serve/batch.h"
#include "serve/models.h"
#include "serve/predlog.h"

/* What the model said of each row, and under which ids it was logged. */
typedef struct tarn_answers {
    int64_t rows;
    int outputs;
    double *p;      /* (outputs, rows) */
    int32_t *label; /* (rows) class; 0 for REGRESSION */
    char segment[TARN_SEGMENT_NAME];
    int64_t first; /* line of row 0 */
} tarn_answers;

void tarn_answers_clear(tarn_answers *a);
/* Run the model on every row. The same numbers as `tarn predict` gives. */
TARN_MUST tarn_code tarn_answers_compute(const tarn_batch *b, tarn_answers *out, tarn_err *err);
/* Hand every row to the prediction log; from then on the answers have ids. */
TARN_MUST tarn_code tarn_answers_log(const tarn_loaded *loaded, const tarn_batch *b, tarn_answers *a, tarn_predlog *log,
                                     tarn_err *err);

/* {"model","version","task", ... "predictions":[{"id", ...}]} */
void tarn_answers_plain(const tarn_loaded *loaded, const tarn_batch *b, const tarn_answers *a, tarn_text *out);
/* The reply of the Open Inference Protocol. */
void tarn_answers_tensors(const tarn_loaded *loaded, const tarn_batch *b, const tarn_answers *a, tarn_text *out);

/* A text in quotes, as JSON writes it. */
void tarn_put_quoted(tarn_text *t, const char *text, size_t len);

#endif
