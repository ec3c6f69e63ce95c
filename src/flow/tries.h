/* SPDX-License-Identifier: Apache-2.0 */
/* tries.h - what steps `try` found, in order of merit. */
#ifndef TARN_FLOW_TRIES_H
#define TARN_FLOW_TRIES_H

#include "assess/assess.h"
#include "flow/stage.h"

/* The inputs at `paths` (array of texts), the best first; of equals, the one named first. Those without a figure come
 * last. *out (decref): array of what the steps wrote. */
TARN_MUST tarn_code tarn_tries_read(const tarn_stage_job *job, const json_t *paths, const tarn_metric *metric,
                                    json_t **out, tarn_err *err);

#endif
