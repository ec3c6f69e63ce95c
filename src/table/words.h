/* SPDX-License-Identifier: Apache-2.0 */
/* words.h - collects the distinct texts of a column while it is read, and sorts them at the end.
 *
 * Private to table/. Calls in order: {0}, put (one a value, giving a provisional code), finish (puts the
 * words in byte order and renumbers the codes), clear.
 */
#ifndef TARN_TABLE_WORDS_H
#define TARN_TABLE_WORDS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tarn_words {
    char *bytes;
    size_t used, bytes_cap;
    int32_t *ends; /* word w is bytes[ends[w - 1] .. ends[w]) */
    int32_t count, ends_cap;
    int32_t *slots; /* open addressing, -1 is free */
    uint32_t slots_cap;
} tarn_words;

/* Errors: TARN_LIMIT more than 2 GiB of different texts in one column. */
TARN_MUST tarn_code tarn_words_put(tarn_words *w, const char *text, size_t len, int32_t *code, tarn_err *err);

/* codes[rows] are renumbered in place; negative ones (nulls) become 0. *offsets (count + 1) and *bytes are the
 * caller's. */
TARN_MUST tarn_code tarn_words_finish(tarn_words *w, int32_t *codes, int64_t rows, int32_t **offsets, char **bytes,
                                      tarn_err *err);
void tarn_words_clear(tarn_words *w);

#endif
