/* SPDX-License-Identifier: Apache-2.0 */
/* sql.c - quoting for SQL. See table.h. */
#include "table/table.h"

#include <string.h>

/* Doubles each `quote` inside. */
static void quoted(tarn_text *out, const char *text, char quote)
{
    tarn_text_addn(out, &quote, 1);
    for (const char *stop; (stop = strchr(text, quote)); text = stop + 1) {
        tarn_text_addn(out, text, (size_t)(stop - text) + 1);
        tarn_text_addn(out, &quote, 1);
    }
    tarn_text_add(out, text);
    tarn_text_addn(out, &quote, 1);
}

void tarn_sql_name(tarn_text *out, const char *name) { quoted(out, name, '"'); }
void tarn_sql_text(tarn_text *out, const char *text) { quoted(out, text, '\''); }

void tarn_sql_path(tarn_text *out, const char *path)
{
    tarn_text pattern = {0};

    for (const char *c = path; *c; c++) {
        if (strchr("*?[", *c)) tarn_text_addf(&pattern, "[%c]", *c);
        else tarn_text_addn(&pattern, c, 1);
    }
    tarn_sql_text(out, pattern.data ? pattern.data : "");
    if (pattern.failed != TARN_OK) out->failed = pattern.failed;
    tarn_text_clear(&pattern);
}
