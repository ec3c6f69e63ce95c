/* SPDX-License-Identifier: Apache-2.0 */
/* text_words.h - the words of many texts: counted by several workers, put together, kept in order. Part of text.c. */
#ifndef TARN_PREPARE_TEXT_WORDS_H
#define TARN_PREPARE_TEXT_WORDS_H

#include "comm/comm.h"

/* A word, how many texts have it and how often it stands there. */
typedef struct text_word {
    uint64_t at; /* in the bytes */
    uint32_t len, hash;
    int64_t texts, times;
    int64_t last; /* the last text that had it, from 1 */
} text_word;

typedef struct text_words {
    text_word *word;
    uint32_t *slot; /* 1 + number of a word; 0: none */
    char *bytes;
    size_t words, words_cap, slots, len, cap;
} text_words;

void text_words_clear(text_words *w);
/* Text number `text` (from 1) has the word. Errors: TARN_NOMEM; TARN_LIMIT too many different words. */
TARN_MUST tarn_code text_words_add(text_words *w, const char *bytes, size_t len, int64_t text, tarn_err *err);
/* Add all of b's to a. */
TARN_MUST tarn_code text_words_merge(text_words *a, const text_words *b, tarn_err *err);
/* Put together what all ranks have; all then have the same words, in some order. */
TARN_MUST tarn_code text_words_share(text_words *w, tarn_comm *comm, tarn_err *err);
/* Sort by bytes; the table is then of no use. */
void text_words_sort(text_words *w);

#endif
