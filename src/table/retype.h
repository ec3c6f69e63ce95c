/* SPDX-License-Identifier: Apache-2.0 */
/* retype.h - a SQL table's columns become what they were declared to be; rows that do not fit are rejected.
 *
 * Private to table/.
 */
#ifndef TARN_TABLE_RETYPE_H
#define TARN_TABLE_RETYPE_H

#include "table/table.h"

/* type_names as in tarn_csv_options; NULL does nothing. lines[row] is where each row of the table came from;
 * NULL: its number from 1. *rows becomes what is left. rejects NULL: any is an error. */
TARN_MUST tarn_code tarn_retype(tarn_db *db, const char *table, const char *const *type_names, const int64_t *lines,
                                int64_t *rows, tarn_rejects *rejects, tarn_err *err);

#endif
