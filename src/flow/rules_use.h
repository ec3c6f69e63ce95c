/* SPDX-License-Identifier: Apache-2.0 */
/* rules_use.h - the declared rules of a table as the plan's JSON has them, for the table room: for the check step and
 * for merges. */
#ifndef TARN_FLOW_RULES_USE_H
#define TARN_FLOW_RULES_USE_H

#include "base/json.h"
#include "table/table.h"

typedef struct tarn_rules_use {
    tarn_table_rules rules; /* strings are the JSON's */
    tarn_column_rule *columns;
    tarn_reference *references;
    const char **values; /* all columns' allowed values, each list ended by NULL */
} tarn_rules_use;

/* One object of a check step's "rules"; close in any case. */
TARN_MUST tarn_code tarn_rules_open(const json_t *j, tarn_rules_use *u, tarn_err *err);
void tarn_rules_close(tarn_rules_use *u);

/* What a person is told of a broken rule: one line into out. */
void tarn_violation_text(const tarn_violation *v, char *out, size_t cap);

#endif
