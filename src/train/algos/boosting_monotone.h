/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_monotone.h - which columns the prediction must rise or fall with. Private to boosting. */
#ifndef TARN_TRAIN_ALGOS_BOOSTING_MONOTONE_H
#define TARN_TRAIN_ALGOS_BOOSTING_MONOTONE_H

#include "train/algo.h"

/* Read "column:+1,other:-1" into out[cols]; *any if there is one. A name may hold commas and colons, as long as the
 * whole is read in one way: each part ends with :+1, :1 or :-1.
 *
 * Errors: TARN_INVALID no such column, a category, a malformed text, more than two classes */
TARN_MUST tarn_code tarn_monotone_read(const char *text, const tarn_matrix *x, int8_t *out, bool *any, tarn_err *err);

#endif
