/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h - one large file into the lake on several threads. */
#ifndef TARN_LAKE_PIPELINE_H
#define TARN_LAKE_PIPELINE_H

#include "lake/inside.h"

#include "base/pool.h"

/* Store what fd (a regular file, at its beginning) gives until its end: the same records in the same order as
 * tarn_lake_put_file stores. path is for messages. */
TARN_MUST tarn_code tarn_pipeline_put(tarn_lake *lake, tarn_pool *pool, int fd, const char *path, const tarn_id *like,
                                      tarn_object *out, tarn_err *err);

#endif
