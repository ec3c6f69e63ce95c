/* SPDX-License-Identifier: Apache-2.0 */
/* algos_text.h - columns of the sample as a text of "name:value" tokens, for estimators that take sparse columns. Part
 * of algos_sample.h. */
#ifndef TARN_ALGOS_TEXT_H
#define TARN_ALGOS_TEXT_H

#include "base/str.h"
#include "model/tokens.h"
#include "support/tarn_test.h"
#include "train/train.h"

#include <math.h>

enum { TEXT_SLOTS = 64, TEXT_TOKEN = 28 };

typedef struct text_sample {
    int cols;
    uint32_t recipe[256]; /* words are the letters from a on */
    tarn_sparse_source source;
    tarn_string *strings; /* (rows) */
    char *bytes;          /* (rows, cols, TEXT_TOKEN) */
    double *field;        /* (rows) what the model reads */
    int64_t *start;       /* (rows + 1) */
    int32_t *index;
    float *value;
} text_sample;

static inline void text_sample_free(text_sample *t)
{
    if (!t) return;
    tarn_free(t->strings);
    tarn_free(t->bytes);
    tarn_free(t->field);
    tarn_free(t->start);
    tarn_free(t->index);
    tarn_free(t->value);
    tarn_free(t);
}

static inline void text_recipe(text_sample *t)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    uint32_t cols = (uint32_t)t->cols, *at = t->recipe + sizeof(tarn_bag_data) / 4;
    const tarn_bag_data head = {
        .tokens = TARN_TOKENS_VALUES, .least = 1, .most = 1, .cols = cols, .slots = TEXT_SLOTS, .text = cols};
    void *words = at + cols + 1 + TEXT_SLOTS;

    memcpy(t->recipe, &head, sizeof head);
    for (uint32_t j = 0; j <= cols; j++) at[j] = j;
    memcpy(words, letters, cols);
    tarn_bag_index(cols, at, words, TEXT_SLOTS, at + cols + 1);
    size_t len = sizeof head + (cols + 1 + TEXT_SLOTS) * sizeof *at + cols;
    t->source = (tarn_sparse_source){.cols = t->cols, .head = t->recipe, .len = (len + 7) / 8 * 8};
}

/* Read values[cols] of `rows` rows as texts; what is missing or 0 is left out. */
static inline void text_sample_fill(text_sample *t, int64_t rows, const double *const *values)
{
    int64_t n = 0;

    for (int64_t i = 0; i < rows; i++) {
        char *text = t->bytes + i * t->cols * TEXT_TOKEN, digits[32];
        size_t len = 0;
        for (int j = 0; j < t->cols; j++) {
            double x = values[j][i];
            if (isnan(x) || (float)x == 0) continue;
            len += (size_t)snprintf(text + len, TEXT_TOKEN, "%s%c:%s", len ? " " : "", 'a' + j,
                                    tarn_num_format(isfinite((float)x) ? (double)(float)x : x, digits));
            if (!isfinite((float)x)) continue; /* no number: a name that nobody knows */
            t->index[n] = j;
            t->value[n++] = (float)x;
        }
        t->strings[i] = (tarn_string){text, len};
        t->field[i] = tarn_string_value(&t->strings[i]);
        t->start[i + 1] = n;
    }
}

static inline text_sample *text_sample_new(int cols, int64_t rows)
{
    text_sample *t = NULL;

    must(tarn_alloc(&t, 1, sizeof *t, err));
    t->cols = cols;
    must(tarn_alloc(&t->strings, (size_t)rows, sizeof *t->strings, err));
    must(tarn_alloc(&t->bytes, (size_t)rows * (size_t)cols, TEXT_TOKEN, err));
    must(tarn_alloc(&t->field, (size_t)rows, sizeof *t->field, err));
    must(tarn_alloc(&t->start, (size_t)rows + 1, sizeof *t->start, err));
    must(tarn_alloc(&t->index, (size_t)rows * (size_t)cols, sizeof *t->index, err));
    must(tarn_alloc(&t->value, (size_t)rows * (size_t)cols, sizeof *t->value, err));
    text_recipe(t);
    return t;
}

/* This rank's rows as sparse columns. */
static inline void text_sample_sparse(const text_sample *t, int64_t first, tarn_sparse *out)
{
    *out = (tarn_sparse){.cols = t->cols,
                         .start = t->start + first,
                         .index = t->index,
                         .value = t->value,
                         .source = &t->source,
                         .sources = 1};
}

#endif
