/* SPDX-License-Identifier: Apache-2.0 */
/* mcnemar.h - what the two forms of McNemar's test count. */
#ifndef TARN_ASSESS_MCNEMAR_H
#define TARN_ASSESS_MCNEMAR_H

#include "assess/assess.h"

/* Rows that one model alone has right. Sets the difference of the accuracies and its interval in out, and puts only_a
 * and only_b into more. */
TARN_MUST tarn_code tarn_mcnemar_count(const tarn_contest *c, double *only_a, double *only_b, tarn_outcome *out,
                                       json_t *more, tarn_err *err);

#endif
