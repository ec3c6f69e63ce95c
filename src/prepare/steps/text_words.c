/* SPDX-License-Identifier: Apache-2.0 */
/* text_words.c - see text_words.h. */
#include "prepare/steps/text_words.h"

#include "base/mem.h"
#include "model/tokens.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 1 << 28 };

void text_words_clear(text_words *w)
{
    tarn_free(w->word);
    tarn_free(w->slot);
    tarn_free(w->bytes);
    *w = (text_words){0};
}

/* Twice as many slots, at least four for each word. */
static tarn_code grow_table(text_words *w, tarn_err *err)
{
    size_t slots = w->slots ? 2 * w->slots : 4096;
    uint32_t *slot = NULL;
    tarn_code rc = tarn_alloc(&slot, slots, sizeof *slot, err);

    if (rc != TARN_OK) return rc;
    for (size_t k = 0; k < w->words; k++) {
        size_t s = w->word[k].hash & (slots - 1);
        while (slot[s] > 0) s = (s + 1) & (slots - 1);
        slot[s] = (uint32_t)k + 1;
    }
    tarn_free(w->slot);
    w->slot = slot;
    w->slots = slots;
    return TARN_OK;
}

static tarn_code add_new(text_words *w, const char *bytes, size_t len, uint32_t hash, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (w->words >= MOST_WORDS)
        return TARN_FAIL(err, TARN_LIMIT, "the texts have more than %d different tokens; use features: hash",
                         MOST_WORDS);
    if (w->words == w->words_cap) {
        size_t cap = 2 * w->words_cap + 1024;
        TARN_TRY(tarn_resize(&w->word, cap, sizeof *w->word, err));
        w->words_cap = cap;
    }
    if (w->len + len > w->cap) {
        size_t cap = 2 * (w->len + len) + 16384;
        TARN_TRY(tarn_resize(&w->bytes, cap, 1, err));
        w->cap = cap;
    }
    memcpy(w->bytes + w->len, bytes, len);
    w->word[w->words++] = (text_word){.at = w->len, .len = (uint32_t)len, .hash = hash};
    w->len += len;
done:
    return rc;
}

/* The word, made if it is new. */
static tarn_code find(text_words *w, const char *bytes, size_t len, uint32_t hash, text_word **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (2 * (w->words + 1) > w->slots) TARN_TRY(grow_table(w, err));
    size_t s = hash & (w->slots - 1);
    for (; w->slot[s] > 0; s = (s + 1) & (w->slots - 1)) {
        text_word *x = &w->word[w->slot[s] - 1];
        if (x->hash != hash || x->len != len || memcmp(w->bytes + x->at, bytes, len) != 0) continue;
        *out = x;
        return TARN_OK;
    }
    TARN_TRY(add_new(w, bytes, len, hash, err));
    w->slot[s] = (uint32_t)w->words;
    *out = &w->word[w->words - 1];
done:
    return rc;
}

tarn_code text_words_add(text_words *w, const char *bytes, size_t len, int64_t text, tarn_err *err)
{
    text_word *x = NULL;
    tarn_code rc = find(w, bytes, len, tarn_token_hash(bytes, len), &x, err);

    if (rc != TARN_OK) return rc;
    x->times++;
    x->texts += x->last != text;
    x->last = text;
    return TARN_OK;
}

tarn_code text_words_merge(text_words *a, const text_words *b, tarn_err *err)
{
    for (size_t k = 0; k < b->words; k++) {
        const text_word *from = &b->word[k];
        text_word *x = NULL;
        tarn_code rc = find(a, b->bytes + from->at, from->len, from->hash, &x, err);
        if (rc != TARN_OK) return rc;
        x->times += from->times;
        x->texts += from->texts;
    }
    return TARN_OK;
}

tarn_code text_words_share(text_words *w, tarn_comm *comm, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    text_words all = {0};
    text_word *word = NULL;
    char *bytes = NULL;
    size_t words_len = 0, bytes_len = 0, *sizes = NULL, ranks = (size_t)tarn_comm_size(comm), at = 0, from = 0;

    if (ranks == 1) return TARN_OK;
    rc = tarn_alloc(&sizes, 2 * ranks, sizeof *sizes, err);
    TARN_TRY(tarn_comm_agree(comm, rc, err));
    TARN_TRY(tarn_comm_gather(comm, w->word, w->words * sizeof *word, (void **)&word, &words_len, sizes, err));
    TARN_TRY(tarn_comm_gather(comm, w->bytes, w->len, (void **)&bytes, &bytes_len, sizes + ranks, err));
    for (size_t r = 0; r < ranks && rc == TARN_OK; r++) {
        text_words one = {.word = word + at, .words = sizes[r] / sizeof *word, .bytes = bytes + from};
        rc = text_words_merge(&all, &one, err);
        at += one.words;
        from += sizes[ranks + r];
    }
    TARN_TRY(tarn_comm_agree(comm, rc, err));
    text_words_clear(w);
    *w = all;
    all = (text_words){0};
done:
    text_words_clear(&all);
    tarn_free(word);
    tarn_free(bytes);
    tarn_free(sizes);
    return rc;
}

typedef struct sorting {
    const char *bytes;
} sorting;

static int by_bytes(const void *a, const void *b, void *arg)
{
    const text_word *x = a, *y = b;
    const sorting *s = arg;
    int order = memcmp(s->bytes + x->at, s->bytes + y->at, x->len < y->len ? x->len : y->len);

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

void text_words_sort(text_words *w)
{
    sorting s = {w->bytes};

    if (w->words > 1) qsort_r(w->word, w->words, sizeof *w->word, by_bytes, &s);
}
