/* SPDX-License-Identifier: Apache-2.0 */
/* rejects.c - rows that could not be read: all are counted, the first 10,000 are kept. See table.h. */
#include "table/table.h"

#include "base/mem.h"

#include <string.h>

enum { KEPT = 10000, FIRST = 16 };

/* Copy as much as fits, whole characters only. */
static void cut(char *out, size_t cap, const char *text, size_t len)
{
    if (len >= cap) {
        len = cap - 1;
        while (len > 0 && (text[len] & 0xC0) == 0x80) len--;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}

tarn_code tarn_rejects_add(tarn_rejects *r, int64_t line, const char *column, const char *reason, const char *text,
                           size_t len, tarn_err *err)
{
    if (r->kept == KEPT) {
        r->count++;
        return TARN_OK;
    }
    bool full = r->kept == 0 || (r->kept >= FIRST && (r->kept & (r->kept - 1)) == 0); /* room grows by doubling */
    if (full) {
        int64_t cap = r->kept < FIRST ? FIRST : r->kept * 2;
        tarn_code rc = tarn_resize(&r->rows, (size_t)(cap < KEPT ? cap : KEPT), sizeof *r->rows, err);
        if (rc != TARN_OK) return rc;
    }
    tarn_reject *one = &r->rows[r->kept++];
    r->count++;
    one->line = line;
    cut(one->column, sizeof one->column, column, strlen(column));
    cut(one->reason, sizeof one->reason, reason, strlen(reason));
    cut(one->text, sizeof one->text, text, len);
    return TARN_OK;
}

void tarn_rejects_clear(tarn_rejects *r)
{
    tarn_free(r->rows);
    *r = (tarn_rejects){0};
}
