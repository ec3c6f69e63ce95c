/* SPDX-License-Identifier: Apache-2.0 */
/* str.h - growing text, and small things done with text and numbers.
 *
 * Nothing here depends on the locale: '.' is always the decimal point.
 */
#ifndef TARN_BASE_STR_H
#define TARN_BASE_STR_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text that grows. Start with {0}; `data` is NUL-terminated once anything was added (NULL before).
 * Adding remembers the first failure in `failed` and does nothing from then on, so that a writer may
 * add a hundred times and ask once, with tarn_text_check. */
typedef struct tarn_text {
    char *data;
    size_t len, cap;
    tarn_code failed;
} tarn_text;

void tarn_text_add(tarn_text *t, const char *text);
void tarn_text_addn(tarn_text *t, const void *bytes, size_t len);
void tarn_text_addf(tarn_text *t, const char *fmt, ...) TARN_PRINTF(2, 3);
/* As the value would stand in XML or HTML: & < > " ' are escaped. */
void tarn_text_xml(tarn_text *t, const char *text);
/* The shortest decimal that reads back as x; "NaN", "inf" and "-inf" for those. */
void tarn_text_num(tarn_text *t, double x);
TARN_MUST tarn_code tarn_text_check(const tarn_text *t, tarn_err *err);
/* Hand over the NUL-terminated bytes (never NULL on success; tarn_free them) and empty t. */
TARN_MUST tarn_code tarn_text_take(tarn_text *t, char **out, tarn_err *err);
void tarn_text_clear(tarn_text *t);

/* Shortest decimal that reads back as x, into out; returns out. */
const char *tarn_num_format(double x, char out[32]);
/* Whole text as a number; false if it is not one. Accepts what C accepts, but no hexadecimal and no
 * leading or trailing space; "nan" and "inf" only when `special`. */
bool tarn_num_parse(const char *text, size_t len, bool special, double *out);
bool tarn_int_parse(const char *text, size_t len, int64_t *out);

/* 1234567 -> "1,234,567". Returns out. */
const char *tarn_num_group(int64_t n, char out[32]);
/* Bytes as "1.2 MB" (powers of 1,000). Returns out. */
const char *tarn_num_bytes(uint64_t n, char out[32]);

/* The word of words[n] nearest to `word` by edit distance, whatever the case, if it is near enough to be meant (at most
 * a third of its letters differ); NULL otherwise. */
const char *tarn_nearest_word(const char *word, const char *const *words, size_t n);

/* True if the bytes are valid UTF-8 (no surrogates, no overlong forms); else *bad is the offset. */
bool tarn_utf8_valid(const void *bytes, size_t len, size_t *bad);
/* How many bytes of valid UTF-8 to keep, at most `most`, so that no letter is cut. */
size_t tarn_utf8_cut(const char *text, size_t len, size_t most);

#ifdef __cplusplus
}
#endif
#endif
