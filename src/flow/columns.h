/* SPDX-License-Identifier: Apache-2.0 */
/* columns.h - a table of the lake as mapped columns, by way of the cache. */
#ifndef TARN_FLOW_COLUMNS_H
#define TARN_FLOW_COLUMNS_H

#include "lake/lake.h"
#include "table/column.h"

/* The columns of a Parquet object, in its row order. Made once per object into .tarn/cache, named by the object's
 * id; a damaged cache file is made again. Release *out. */
TARN_MUST tarn_code tarn_columns_of(tarn_lake *lake, const tarn_id *object, tarn_columns **out, tarn_err *err);

#endif
