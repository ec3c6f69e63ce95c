/* SPDX-License-Identifier: Apache-2.0 */
/* repairs.c - see repairs.h. */
#include "flow/repairs.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static double number_or_nan(const json_t *j, const char *key)
{
    const char *text = tarn_json_text(j, key, NULL);
    double x = NAN;

    if (text && !tarn_num_parse(text, strlen(text), false, &x)) x = NAN;
    return x;
}

void tarn_repairs_close(tarn_repairs *u)
{
    for (size_t i = 0; u->maps && i < u->n; i++) tarn_free(u->maps[i]);
    tarn_free(u->maps);
    tarn_free(u->list);
    *u = (tarn_repairs){0};
}

tarn_code tarn_repairs_open(const json_t *repairs, tarn_repairs *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    u->n = json_array_size(repairs);
    TARN_TRY(tarn_alloc(&u->list, u->n + 1, sizeof *u->list, err));
    TARN_TRY(tarn_alloc(&u->maps, u->n + 1, sizeof *u->maps, err));
    for (size_t i = 0; i < u->n; i++) {
        const json_t *r = json_array_get(repairs, i), *map = json_object_get(r, "map");
        if (map) TARN_TRY(tarn_json_compact(map, &u->maps[i], err));
        u->list[i] = (tarn_repair){.kind = tarn_json_text(r, "kind", ""),
                                   .columns = tarn_json_text(r, "columns", ""),
                                   .action = tarn_json_text(r, "action", NULL),
                                   .value = tarn_json_text(r, "value", NULL),
                                   .least = number_or_nan(r, "least"),
                                   .most = number_or_nan(r, "most"),
                                   .order = tarn_json_text(r, "order", NULL),
                                   .map = u->maps[i]};
    }
done:
    return rc;
}
