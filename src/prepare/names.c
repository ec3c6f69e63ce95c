/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - lists of column names, and finding what was meant. See names.h. */
#include "prepare/names.h"

#include "base/mem.h"

#include <string.h>

bool tarn_name_next(const char **at, char *name, size_t cap)
{
    const char *s = *at ? *at : "";

    while (*s == ' ' || *s == '\t' || *s == ',') s++;
    if (!*s) {
        *at = s;
        return false;
    }
    size_t len = strcspn(s, ",");
    *at = s + len;
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t')) len--;
    if (len >= cap) len = cap - 1;
    memcpy(name, s, len);
    name[len] = '\0';
    return true;
}

void tarn_name_hint(tarn_text *out, const char *name, const char *const *names, size_t n)
{
    const char *near = tarn_nearest_word(name, names, n);

    if (near) {
        tarn_text_addf(out, "; did you mean '%s'?", near);
        return;
    }
    tarn_text_add(out, "; known are: ");
    for (size_t i = 0; i < n && i < 12; i++) tarn_text_addf(out, "%s%s", i ? ", " : "", names[i]);
    tarn_text_add(out, n > 12 ? ", ..." : n == 0 ? "none" : "");
}

tarn_code tarn_name_fail(tarn_code code, const char *what, const char *name, const char *problem,
                         const char *const *names, size_t n, tarn_err *err)
{
    tarn_text hint = {0};

    tarn_name_hint(&hint, name, names, n);
    tarn_code rc = TARN_FAIL(err, code, "%s '%.120s' %s%s", what, name, problem, hint.data ? hint.data : "");
    tarn_text_clear(&hint);
    return rc;
}

tarn_code tarn_name_column(const tarn_columns *c, const char *what, const char *name, int *at, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char **names = NULL;
    int n = tarn_columns_count(c);

    *at = tarn_columns_find(c, name);
    if (*at >= 0) return TARN_OK;
    TARN_TRY(tarn_alloc(&names, (size_t)n, sizeof *names, err));
    for (int i = 0; i < n; i++) names[i] = tarn_columns_at(c, i)->name;
    rc = tarn_name_fail(TARN_INVALID, what, name, "is not in the table", names, (size_t)n, err);
done:
    tarn_free(names);
    return rc;
}
