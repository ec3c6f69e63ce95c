/* SPDX-License-Identifier: Apache-2.0 */
/* algo.c - the table of estimators, made from algos.def. See train.h. */
#include "train/train.h"

#include "base/str.h"

#include <string.h>

#define TARN_ALGO(name) extern const tarn_algo tarn_algo_##name;
#include "train/algos.def"
#undef TARN_ALGO

static const tarn_algo *const table[] = {
#define TARN_ALGO(name) &tarn_algo_##name,
#include "train/algos.def"
#undef TARN_ALGO
};

/* The same names without the plug-ins, for messages. */
static const char *const names[] = {
#define TARN_ALGO(name) #name,
#include "train/algos.def"
#undef TARN_ALGO
};

enum { ALGOS = sizeof table / sizeof table[0] };

int tarn_algo_count(void) { return ALGOS; }

const tarn_algo *tarn_algo_at(int i) { return i >= 0 && i < ALGOS ? table[i] : NULL; }

tarn_code tarn_algo_find(const char *name, const tarn_algo **out, tarn_err *err)
{
    *out = NULL;
    for (int i = 0; i < ALGOS; i++) {
        if (strcmp(table[i]->name, name) != 0) continue;
        *out = table[i];
        return TARN_OK;
    }
    const char *near = tarn_nearest_word(name, names, ALGOS);
    if (near) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no estimator '%.60s'; did you mean '%s'?", name, near);
    tarn_text list = {0};
    for (int i = 0; i < ALGOS; i++) tarn_text_addf(&list, "%s%s", i ? ", " : "", names[i]);
    tarn_code rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no estimator '%.60s'; there are: %s", name,
                             list.data ? list.data : names[0]);
    tarn_text_clear(&list);
    return rc;
}
