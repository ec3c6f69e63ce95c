/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_monotone.c - see boosting_monotone.h. */
#include "train/algos/boosting_monotone.h"

#include <string.h>

static const char *const endings[] = {":+1", ":1", ":-1"};

/* The length of the part at text, with its ending; 0: it has none. *sign is what the ending says. */
static size_t part_at(const char *text, size_t *name, int8_t *sign)
{
    for (const char *c = strchr(text, ':'); c; c = strchr(c + 1, ':'))
        for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++) {
            size_t n = strlen(endings[k]);
            if (strncmp(c, endings[k], n) != 0 || (c[n] != ',' && c[n] != '\0')) continue;
            *name = (size_t)(c - text);
            *sign = k < 2 ? 1 : -1;
            return *name + n;
        }
    return 0;
}

static int32_t column_called(const tarn_matrix *x, const char *name, size_t len)
{
    for (int32_t j = 0; j < x->cols; j++)
        if (strlen(x->features[j].name) == len && memcmp(x->features[j].name, name, len) == 0) return j;
    return -1;
}

tarn_code tarn_monotone_read(const char *text, const tarn_matrix *x, int8_t *out, bool *any, tarn_err *err)
{
    *any = false;
    memset(out, 0, (size_t)x->cols * sizeof *out);
    while (*text) {
        size_t name = 0;
        int8_t sign = 0;
        while (*text == ' ' || *text == ',') text++;
        size_t len = part_at(text, &name, &sign);
        if (len == 0)
            return TARN_FAIL(err, TARN_INVALID,
                             "parameter 'monotone' has '%s'; expected column:+1 or column:-1, with commas between",
                             text);
        int32_t j = column_called(x, text, name);
        if (j < 0)
            return TARN_FAIL(err, TARN_INVALID, "parameter 'monotone' names column '%.*s', which is not there",
                             (int)name, text);
        if (x->features[j].kind == TARN_CATEGORY)
            return TARN_FAIL(err, TARN_INVALID,
                             "parameter 'monotone' names column '%s', which holds categories: they have no order",
                             x->features[j].name);
        if (x->classes > 2)
            return TARN_FAIL(err, TARN_INVALID, "parameter 'monotone' is not for more than two classes");
        out[j] = sign;
        *any = true;
        text += len;
    }
    return TARN_OK;
}
