/* SPDX-License-Identifier: Apache-2.0 */
/* labels.h - what is predicted, as class numbers or values (private to prepare). */
#ifndef TARN_PREPARE_LABELS_H
#define TARN_PREPARE_LABELS_H

#include "base/mem.h"
#include "prepare/prepare.h"

enum { TARN_CLASSES_MOST = 1000 };

typedef struct tarn_labels {
    tarn_task task;
    const char *target;
    int classes; /* 0 for REGRESSION */
    const char *const *names;
} tarn_labels;

/* Find the classes in the job's train rows, or see that a value can be predicted. Texts go to the arena. */
TARN_MUST tarn_code tarn_labels_learn(const tarn_prepare_job *job, tarn_arena *arena, tarn_labels *out, tarn_err *err);

/* out[n]: class number, or value, of each row. */
TARN_MUST tarn_code tarn_labels_read(const tarn_labels *l, const tarn_columns *data, const int64_t *rows, int64_t n,
                                     double *out, tarn_err *err);

#endif
