/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.c - the table of sources. See ingest.h. */
#include "ingest/ingest.h"

#include "base/str.h"

#include <string.h>

#define TARN_SOURCE(name) extern const tarn_source tarn_source_##name;
#include "ingest/sources.def"
#undef TARN_SOURCE

static const tarn_source *const table[] = {
#define TARN_SOURCE(name) &tarn_source_##name,
#include "ingest/sources.def"
#undef TARN_SOURCE
};

enum { COUNT = sizeof table / sizeof table[0] };

int tarn_source_count(void) { return COUNT; }

const tarn_source *tarn_source_at(int i) { return i >= 0 && i < COUNT ? table[i] : NULL; }

tarn_code tarn_source_find(const char *name, const tarn_source **out, tarn_err *err)
{
    const char *names[COUNT];

    *out = NULL;
    for (int i = 0; i < COUNT; i++) {
        names[i] = table[i]->name;
        if (strcmp(names[i], name) != 0) continue;
        *out = table[i];
        return TARN_OK;
    }
    const char *near = tarn_nearest_word(name, names, COUNT);
    if (near) return TARN_FAIL(err, TARN_NOT_FOUND, "no source is called '%s'; did you mean '%s'?", name, near);
    return TARN_FAIL(err, TARN_NOT_FOUND, "no source is called '%s'; the first of %d is '%s'", name, (int)COUNT,
                     names[0]);
}
