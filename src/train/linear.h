/* SPDX-License-Identifier: Apache-2.0 */
/* linear.h - the nodes that every linear model ends in: weighted sums of the columns, then a link. */
#ifndef TARN_TRAIN_LINEAR_H
#define TARN_TRAIN_LINEAR_H

#include "model/payload.h"
#include "train/algo.h"

/* Add 'linear' over all dense columns of the job, a 'bag' for each source of sparse ones, and behind them 'link'.
 *
 * coefficients (outputs + outputs * all)   all biases, then the weights of output 0, of output 1 ...; all is cols and,
 *         behind these, the sparse columns, if the job has any
 * first   out: register of the first output
 *
 * Errors: TARN_NOMEM; TARN_INVALID a coefficient is not finite, or there are too many for a model
 */
TARN_MUST tarn_code tarn_linear_add(const tarn_fit *job, uint32_t outputs, const double *coefficients, tarn_link link,
                                    uint32_t *first, tarn_err *err);

#endif
