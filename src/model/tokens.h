/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.h - from a text to numbers by column: the same code when a model is fitted and when it is asked.
 *
 * A bag is a recipe (payload.h: tarn_bag_data and what follows it): how a text is cut into tokens, which column each
 * token is, what a column's number is made of. prepare's step `text` makes one; node `bag` runs it.
 *
 * Letters are ASCII letters, digits and '_', and every character beyond ASCII but for the usual signs (punctuation,
 * currency, arrows, drawings); a byte that is not UTF-8 parts words as a space does. Lower case is made of ASCII,
 * Latin, Greek and Cyrillic letters, one character for one.
 *
 * Order of calls: tarn_bag_open proves a recipe and points into it; tarn_bag_read as often as wanted. Those who have no
 * columns yet cut (tarn_tokens_cut) and walk the tokens (tarn_grams_start, tarn_grams_next).
 *
 * Threads: any; scratch is the caller's.
 */
#ifndef TARN_MODEL_TOKENS_H
#define TARN_MODEL_TOKENS_H

#include "base/err.h"
#include "model/payload.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TARN_GRAMS_MOST = 16 };

typedef struct tarn_bag {
    const tarn_bag_data *head;
    const uint32_t *at, *slot; /* vocabulary: where words begin, and the table they are found by; hashed: NULL */
    const char *words;
    const double *idf; /* NULL: none */
    size_t len;        /* bytes up to here; what is behind is not the recipe's */
} tarn_bag;

/* A column of one text and its number: finite, not 0. */
typedef struct tarn_bag_entry {
    uint32_t col;
    float value;
} tarn_bag_entry;

/* Prove that reading texts by these bytes stays inside memory and ends, whatever the bytes; 8-byte aligned. Bytes
 * behind the recipe are not looked at. Errors: TARN_CORRUPT names the place. */
TARN_MUST tarn_code tarn_bag_open(const void *bytes, size_t len, tarn_bag *out, tarn_err *err);
/* Point into bytes that tarn_bag_open has proved. */
void tarn_bag_point(const void *bytes, tarn_bag *out);
/* Bytes of scratch for texts of up to `longest` bytes; does not shrink when longest grows. */
size_t tarn_bag_scratch(const tarn_bag_data *head, size_t longest);
/* The columns of a text, ascending, each once; *out points into scratch (8-byte aligned). What is beyond
 * TARN_STRING_MOST bytes is not looked at. */
uint32_t tarn_bag_read(const tarn_bag *b, const char *text, size_t len, void *scratch, tarn_bag_entry **out);

/* Column of a token in the vocabulary; cols if it has none. */
uint32_t tarn_bag_find(const tarn_bag *b, const char *token, size_t len);
/* MurmurHash3 of 32 bits, seed 0 (Appleby, public domain): of a token. */
uint32_t tarn_token_hash(const char *token, size_t len);
/* Fill slot[slots] for words that stand at `at` in `words`. */
void tarn_bag_index(uint32_t cols, const uint32_t *at, const char *words, uint32_t slots, uint32_t *slot);

/* Cut a text: out (as long as the text) gets the tokens, with one space between two words. Returns how long that is. */
size_t tarn_tokens_cut(const tarn_bag_data *head, const char *text, size_t len, char *out);

/* Walk the tokens of a cut text, and what n neighbours make. */
typedef struct tarn_grams {
    const tarn_bag_data *head;
    const char *text;
    size_t len, at;
    size_t start[TARN_GRAMS_MOST]; /* where the last tokens began, in turn */
    size_t end;                    /* of the last token */
    uint32_t seen, next;           /* tokens so far, and the length that comes next */
} tarn_grams;
void tarn_grams_start(tarn_grams *g, const tarn_bag_data *head, const char *cut, size_t len);
/* The next token: its bytes, and its number (1, unless tokens are values). False at the end. */
bool tarn_grams_next(tarn_grams *g, const char **token, size_t *len, float *value);

/* Whether an English text says this word so often that it tells nothing. */
bool tarn_token_stops(const char *word, size_t len);

#ifdef __cplusplus
}
#endif
#endif
