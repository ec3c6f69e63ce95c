/* SPDX-License-Identifier: Apache-2.0 */
/* why.h - the whole story of a prediction: for the command and for the page. */
#ifndef TARN_CLI_WHY_H
#define TARN_CLI_WHY_H

#include "base/json.h"
#include "lake/lake.h"

/* {"prediction": record, "version": {"model","version","id","made","by","commit"}, "data":
 * {"commit","time","table","train_rows"}, "lineage": {...}}. Decref *out. */
TARN_MUST tarn_code tarn_why(tarn_lake *lake, const char *prediction_id, json_t **out, tarn_err *err);

#endif
