/* SPDX-License-Identifier: Apache-2.0 */
/* repairs.h - repair rules as the project file's JSON has them, for the prepare room: checked when the file is read,
 * used when the step runs. */
#ifndef TARN_FLOW_REPAIRS_H
#define TARN_FLOW_REPAIRS_H

#include "base/json.h"
#include "prepare/prepare.h"

typedef struct tarn_repairs {
    tarn_repair *list; /* (n) strings are the JSON's */
    char **maps;       /* (n) JSON text or NULL */
    size_t n;
} tarn_repairs;

/* An array of repair objects; close in any case. */
TARN_MUST tarn_code tarn_repairs_open(const json_t *repairs, tarn_repairs *u, tarn_err *err);
void tarn_repairs_close(tarn_repairs *u);

#endif
