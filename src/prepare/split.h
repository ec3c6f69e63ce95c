/* SPDX-License-Identifier: Apache-2.0 */
/* split.h - a split while it is made, and what is reported of it (private to prepare). */
#ifndef TARN_PREPARE_SPLIT_H
#define TARN_PREPARE_SPLIT_H

#include "prepare/prepare.h"

enum { TARN_BY_RANDOM, TARN_BY_STRATIFIED, TARN_BY_TIME, TARN_BY_GROUP };

typedef struct tarn_splitting {
    const tarn_columns *c;
    const tarn_split_params *params;
    const char *key, *target; /* as given, or NULL */
    int64_t rows;
    int *keys, n_keys;         /* columns of the key */
    int column, target_at;     /* split column and target; -1: none */
    double share[TARN_PARTS];  /* asked for; by time: 0 */
    double border[TARN_PARTS]; /* by time; NaN: no such part. TIME: microseconds */
    int64_t count[TARN_PARTS];
    uint8_t *part;
} tarn_splitting;

TARN_MUST tarn_code tarn_split_report(const tarn_splitting *s, json_t **out, tarn_err *err);

#endif
