/* SPDX-License-Identifier: Apache-2.0 */
/* single.h - running on one thread for a while, where the order of rows or of sums must not vary.
 *
 * Private to table/.
 */
#ifndef TARN_TABLE_SINGLE_H
#define TARN_TABLE_SINGLE_H

#include "table/table.h"

/* true: one thread from now on; false: as many as before. An untrusted db, whose settings are locked, stays as it is.
 */
TARN_MUST tarn_code tarn_db_single(tarn_db *db, bool single, tarn_err *err);

#endif
