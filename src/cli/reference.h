/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h - the pages that are made from tables. */
#ifndef TARN_CLI_REFERENCE_H
#define TARN_CLI_REFERENCE_H

#include "base/str.h"

typedef struct tarn_page {
    const char *name, *title;
    void (*write)(tarn_text *out);
} tarn_page;

extern const tarn_page tarn_pages[]; /* ended by a NULL name */

#endif
