/* SPDX-License-Identifier: Apache-2.0 */
/* spelt.h - texts that mean numbers or dates, but are not spelt as those are: 1,234 or 12,5 or $7 or 31.12.2024, or
 * numbers but for a word that stands for missing. Taken for names they would be lost without a word. */
#ifndef TARN_FLOW_SPELT_H
#define TARN_FLOW_SPELT_H

#include "table/column.h"

/* found gets what the texts of a column are and how to spell them, if nine of ten different ones mean a number or a
 * date; else "". */
void tarn_spelt_look(const tarn_column *c, char *found, size_t cap);

#endif
