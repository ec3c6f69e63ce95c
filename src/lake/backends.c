/* SPDX-License-Identifier: Apache-2.0 */
/* backends.c - the table of places where packs can live, from backends.def. */
#include "lake/backends.h"

#include "base/str.h"

#include <string.h>

#define TARN_BACKEND(name) extern const tarn_backend tarn_backend_##name;
#include "lake/backends.def"
#undef TARN_BACKEND

static const tarn_backend *const table[] = {
#define TARN_BACKEND(name) &tarn_backend_##name,
#include "lake/backends.def"
#undef TARN_BACKEND
};

size_t tarn_backend_count(void) { return sizeof table / sizeof *table; }
const tarn_backend *tarn_backend_at(size_t i) { return i < tarn_backend_count() ? table[i] : NULL; }

tarn_code tarn_backend_find(const char *url, const tarn_backend **out, const char **rest, tarn_err *err)
{
    const char *colon = strchr(url, ':');
    size_t len = colon ? (size_t)(colon - url) : 0;

    for (size_t i = 0; colon && i < tarn_backend_count(); i++) {
        if (strlen(table[i]->name) != len || memcmp(table[i]->name, url, len) != 0) continue;
        *out = table[i];
        *rest = colon + 1;
        return TARN_OK;
    }
    return TARN_FAIL(err, TARN_UNSUPPORTED, "packs live at '%s', which this tarn cannot read", url);
}
