/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.c - see tokens.h. Recipes proved, texts read.
 *
 * A text is cut into a buffer first, so that words stand next to each other with one space between, and what n
 * neighbours make is a piece of the buffer. Each token's column then gets its number: where columns are few, in a place
 * of its own, with a bit for those that have one; else in a small table with open addressing, whose size follows from
 * the length of the text, and which is packed and sorted by column. All of it lies in the caller's scratch.
 *
 * Cost: O(text) time, and a sort of the columns found; scratch for the text and twice the columns it can have. */
#include "model/tokens.h"

#include "math/elementary.h"
#include "model/model.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { FEWEST_SLOTS = 16, SORT_BY_HAND = 16, MOST_HASHED = 1 << 24, FEW_COLS = 4096 };

/* ---- recipes ---- */

static size_t up8(size_t x) { return (x + 7) & ~(size_t)7; }

static bool is_power(uint32_t x) { return x > 0 && (x & (x - 1)) == 0; }

/* Where the parts stand; cannot overflow, since all counts are of 32 bits. */
static size_t words_at(const tarn_bag_data *h)
{
    return sizeof *h + (h->hashed ? 0 : ((size_t)h->cols + 1 + h->slots) * sizeof(uint32_t));
}

static size_t idf_at(const tarn_bag_data *h) { return up8(words_at(h) + h->text); }

static size_t end_of(const tarn_bag_data *h)
{
    return idf_at(h) + (h->flags & TARN_BAG_IDF ? (size_t)h->cols * sizeof(double) : 0);
}

void tarn_bag_point(const void *bytes, tarn_bag *out)
{
    const tarn_bag_data *h = bytes;
    const void *at = h + 1, *idf = (const char *)bytes + idf_at(h);

    *out = (tarn_bag){.head = h, .len = end_of(h)};
    if (!h->hashed) {
        out->at = at;
        out->slot = out->at + h->cols + 1;
        out->words = (const char *)bytes + words_at(h);
    }
    if (h->flags & TARN_BAG_IDF) out->idf = idf;
}

static tarn_code check_head(const tarn_bag_data *h, tarn_err *err)
{
    bool one = h->tokens == TARN_TOKENS_VALUES || h->tokens == TARN_TOKENS_WHOLE;

    if (h->tokens >= TARN_TOKENS_COUNT || h->flags > TARN_BAG_FLAGS || h->norm >= TARN_NORM_COUNT || h->hashed > 1)
        return TARN_FAIL(err, TARN_CORRUPT, "tokens %u, flags %u, norm %u, hashed %u: one is unknown", h->tokens,
                         h->flags, h->norm, h->hashed);
    if (h->least < 1 || h->most < h->least || h->most > TARN_GRAMS_MOST || (one && h->most != 1))
        return TARN_FAIL(err, TARN_CORRUPT, "%u to %u tokens in a row", h->least, h->most);
    if (h->cols < 1 || h->cols > MOST_HASHED)
        return TARN_FAIL(err, TARN_CORRUPT, "%u columns; 1 to %d belong there", h->cols, MOST_HASHED);
    if (h->hashed && (!is_power(h->cols) || h->slots != 0 || h->text != 0))
        return TARN_FAIL(err, TARN_CORRUPT, "%u hashed columns, %u slots, %u bytes of words", h->cols, h->slots,
                         h->text);
    if (!h->hashed && (!is_power(h->slots) || h->slots <= h->cols))
        return TARN_FAIL(err, TARN_CORRUPT, "%u slots for %u words", h->slots, h->cols);
    return TARN_OK;
}

/* Words follow each other and ascend; slots name words, and not all are taken, so that a search ends. */
static tarn_code check_words(const tarn_bag *b, tarn_err *err)
{
    const tarn_bag_data *h = b->head;
    uint32_t taken = 0;

    if (b->at[0] != 0 || b->at[h->cols] != h->text)
        return TARN_FAIL(err, TARN_CORRUPT, "words from %u to %u of %u bytes", b->at[0], b->at[h->cols], h->text);
    for (uint32_t j = 0; j < h->cols; j++) {
        if (b->at[j + 1] <= b->at[j] || b->at[j + 1] > h->text)
            return TARN_FAIL(err, TARN_CORRUPT, "word %u from %u to %u of %u bytes", j, b->at[j], b->at[j + 1],
                             h->text);
        if (j == 0) continue;
        uint32_t len = b->at[j + 1] - b->at[j], before = b->at[j] - b->at[j - 1];
        int order = memcmp(b->words + b->at[j - 1], b->words + b->at[j], before < len ? before : len);
        if (order > 0 || (order == 0 && before >= len))
            return TARN_FAIL(err, TARN_CORRUPT, "word %u does not come after the one before it", j);
    }
    for (uint32_t s = 0; s < h->slots; s++) {
        if (b->slot[s] > h->cols) return TARN_FAIL(err, TARN_CORRUPT, "slot %u names word %u", s, b->slot[s]);
        taken += b->slot[s] > 0;
    }
    if (taken != h->cols) return TARN_FAIL(err, TARN_CORRUPT, "%u slots are taken by %u words", taken, h->cols);
    return TARN_OK;
}

tarn_code tarn_bag_open(const void *bytes, size_t len, tarn_bag *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_bag_data *h = bytes;

    if (len < sizeof *h) return TARN_FAIL(err, TARN_CORRUPT, "the recipe has %zu bytes of %zu", len, sizeof *h);
    TARN_TRY(check_head(h, err));
    if (end_of(h) > len)
        return TARN_FAIL(err, TARN_CORRUPT, "the recipe ends at byte %zu, the payload at %zu", end_of(h), len);
    tarn_bag_point(bytes, out);
    if (!h->hashed) TARN_TRY(check_words(out, err));
    for (size_t i = words_at(h) + h->text; i < idf_at(h); i++)
        if (((const char *)bytes)[i]) return TARN_FAIL(err, TARN_CORRUPT, "byte %zu behind the words is not zero", i);
    for (uint32_t j = 0; out->idf && j < h->cols; j++)
        if (!(out->idf[j] > 0 && isfinite(out->idf[j])))
            return TARN_FAIL(err, TARN_CORRUPT, "idf[%u] is not a positive number", j);
done:
    return rc;
}

/* ---- columns of tokens ---- */

static uint32_t turn(uint32_t x, int by) { return x << by | x >> (32 - by); }

uint32_t tarn_token_hash(const char *token, size_t len)
{
    static const uint32_t a = 0xcc9e2d51u, b = 0x1b873593u;
    uint32_t h = 0, k = 0;
    size_t whole = len & ~(size_t)3;

    for (size_t i = 0; i < whole; i += 4) {
        memcpy(&k, token + i, sizeof k);
        h = turn(h ^ turn(k * a, 15) * b, 13) * 5 + 0xe6546b64u;
    }
    k = 0;
    for (size_t i = len; i > whole; i--) k = k << 8 | (unsigned char)token[i - 1];
    h ^= turn(k * a, 15) * b;
    h ^= (uint32_t)len;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

uint32_t tarn_bag_find(const tarn_bag *b, const char *token, size_t len)
{
    uint32_t mask = b->head->slots - 1;

    for (uint32_t s = tarn_token_hash(token, len) & mask; b->slot[s] > 0; s = (s + 1) & mask) {
        uint32_t j = b->slot[s] - 1;
        if (b->at[j + 1] - b->at[j] == len && memcmp(b->words + b->at[j], token, len) == 0) return j;
    }
    return b->head->cols;
}

void tarn_bag_index(uint32_t cols, const uint32_t *at, const char *words, uint32_t slots, uint32_t *slot)
{
    memset(slot, 0, slots * sizeof *slot);
    for (uint32_t j = 0; j < cols; j++) {
        uint32_t s = tarn_token_hash(words + at[j], at[j + 1] - at[j]) & (slots - 1);
        while (slot[s] > 0) s = (s + 1) & (slots - 1);
        slot[s] = j + 1;
    }
}

/* As scikit-learn's HashingVectorizer: the hash is signed, and its sign is what SIGN takes. */
static uint32_t hashed_column(const tarn_bag_data *h, const char *token, size_t len, float *value)
{
    uint32_t hash = tarn_token_hash(token, len);
    bool negative = hash >> 31;

    if (negative && h->flags & TARN_BAG_SIGN) *value = -*value;
    return (negative ? 0u - hash : hash) & (h->cols - 1);
}

/* ---- reading a text ---- */

/* How many tokens a text of this length can have, at most. */
static size_t most_tokens(const tarn_bag_data *h, size_t len)
{
    return h->tokens == TARN_TOKENS_WHOLE   ? 1
           : h->tokens == TARN_TOKENS_CHARS ? len
           : h->tokens == TARN_TOKENS_WORDS ? (len + 1) / 3
                                            : (len + 1) / 2;
}

/* Slots for the columns of so many tokens, twice as many at least. */
static size_t slots_for(const tarn_bag_data *h, size_t tokens)
{
    size_t grams = tokens * (h->most - h->least + 1), want = 2 * (grams < h->cols ? grams : h->cols);
    size_t slots = FEWEST_SLOTS;

    while (slots < want) slots *= 2;
    return slots;
}

/* Tokens of a text that has been cut. */
static size_t tokens_of(const tarn_bag_data *h, const char *cut, size_t len)
{
    size_t spaces = 0, i = 0;

    if (len == 0 || h->tokens == TARN_TOKENS_WHOLE || h->tokens == TARN_TOKENS_CHARS) return most_tokens(h, len);
    for (; i + 32 <= len; i += 32) { /* side by side */
        unsigned char some = 0;
        for (size_t k = 0; k < 32; k++) some += cut[i + k] == ' ';
        spaces += some;
    }
    for (; i < len; i++) spaces += cut[i] == ' ';
    return spaces + 1;
}

static size_t within_limit(size_t len) { return len < TARN_STRING_MOST ? len : TARN_STRING_MOST; }

static size_t words_of_bits(const tarn_bag_data *h) { return ((size_t)h->cols + 63) / 64; }

/* Bytes of what columns get their numbers in: entries, bits and numbers of few columns, or slots. A multiple of 8. */
static size_t table_bytes(const tarn_bag_data *h, size_t tokens)
{
    if (h->cols > FEW_COLS) return slots_for(h, tokens) * sizeof(tarn_bag_entry);
    return h->cols * sizeof(tarn_bag_entry) + words_of_bits(h) * sizeof(uint64_t) + up8(h->cols * sizeof(float));
}

size_t tarn_bag_scratch(const tarn_bag_data *head, size_t longest)
{
    longest = within_limit(longest);
    return up8(longest) + table_bytes(head, most_tokens(head, longest));
}

static float as_float(double x) { return x > (double)FLT_MAX ? FLT_MAX : x < (double)-FLT_MAX ? -FLT_MAX : (float)x; }

static float sum(float a, float b) { return as_float((double)a + (double)b); }

/* The next token that has a column. */
static bool next_column(const tarn_bag *b, tarn_grams *g, uint32_t *col, float *value)
{
    const char *token;
    size_t len;

    while (tarn_grams_next(g, &token, &len, value)) {
        *col = b->head->hashed ? hashed_column(b->head, token, len, value) : tarn_bag_find(b, token, len);
        if (*col < b->head->cols) return true;
    }
    return false;
}

/* Into slots; those that are taken hold 1 + their column. Returns how many entries there are, packed, in no order. */
static uint32_t fill_slots(const tarn_bag *b, tarn_grams *g, tarn_bag_entry *table, size_t slots)
{
    uint32_t col, n = 0;
    float value;

    memset(table, 0, slots * sizeof *table);
    while (next_column(b, g, &col, &value)) {
        size_t s = (size_t)((uint64_t)(col + 1) * 0x9e3779b97f4a7c15u >> 32) & (slots - 1);
        while (table[s].col != 0 && table[s].col != col + 1) s = (s + 1) & (slots - 1);
        table[s] = (tarn_bag_entry){col + 1, sum(table[s].value, value)};
    }
    for (size_t s = 0; s < slots; s++)
        if (table[s].col > 0) table[n++] = (tarn_bag_entry){table[s].col - 1, table[s].value};
    return n;
}

/* Into places of few columns; returns how many entries there are, in order. */
static uint32_t fill_places(const tarn_bag *b, tarn_grams *g, tarn_bag_entry *out)
{
    size_t words = words_of_bits(b->head);
    uint64_t *bits = (uint64_t *)(out + b->head->cols);
    float *place = (float *)(bits + words), value;
    uint32_t col, n = 0;

    memset(bits, 0, words * sizeof *bits);
    while (next_column(b, g, &col, &value)) {
        uint64_t bit = (uint64_t)1 << (col & 63);
        place[col] = bits[col / 64] & bit ? sum(place[col], value) : value;
        bits[col / 64] |= bit;
    }
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = bits[w]; left; left &= left - 1) {
            col = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left);
            out[n++] = (tarn_bag_entry){col, place[col]};
        }
    return n;
}

static void sort_few(tarn_bag_entry *e, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        tarn_bag_entry x = e[i];
        uint32_t k = i;
        for (; k > 0 && e[k - 1].col > x.col; k--) e[k] = e[k - 1];
        e[k] = x;
    }
}

/* By bytes of the column, lowest first; `room` has n entries too. Columns are below 2^24. Returns where the sorted ones
 * are. */
static tarn_bag_entry *sort_many(tarn_bag_entry *e, tarn_bag_entry *room, uint32_t n, uint32_t cols)
{
    for (int shift = 0; shift < 24 && (cols - 1) >> shift > 0; shift += 8) {
        uint32_t at[257] = {0};
        for (uint32_t i = 0; i < n; i++) at[(e[i].col >> shift & 255) + 1]++;
        for (int d = 0; d < 256; d++) at[d + 1] += at[d];
        for (uint32_t i = 0; i < n; i++) room[at[e[i].col >> shift & 255]++] = e[i];
        tarn_bag_entry *other = e;
        e = room;
        room = other;
    }
    return e;
}

/* From sums over tokens to the numbers of the columns; those that are 0 are left out. */
static uint32_t weigh(const tarn_bag *b, tarn_bag_entry *e, uint32_t n)
{
    const tarn_bag_data *h = b->head;
    double norm = 0;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        double v = (double)e[i].value;
        if (v != 0 && h->flags & TARN_BAG_BINARY) v = 1;
        if (v > 0 && h->flags & TARN_BAG_SUBLINEAR) v = 1 + tarn_log(v);
        if (b->idf) v *= b->idf[e[i].col];
        norm += h->norm == TARN_NORM_L2 ? v * v : fabs(v);
        e[i].value = as_float(v);
    }
    if (h->norm == TARN_NORM_L2) norm = sqrt(norm);
    for (uint32_t i = 0; i < n; i++) {
        if (h->norm != TARN_NORM_NONE && norm > 0) e[i].value = (float)((double)e[i].value / norm);
        if (e[i].value != 0) e[kept++] = e[i];
    }
    return kept;
}

uint32_t tarn_bag_read(const tarn_bag *b, const char *text, size_t len, void *scratch, tarn_bag_entry **out)
{
    const tarn_bag_data *h = b->head;
    size_t looked_at = within_limit(len);
    char *buffer = (char *)scratch + table_bytes(h, most_tokens(h, looked_at));
    tarn_bag_entry *table = scratch;
    tarn_grams g;
    uint32_t n;

    size_t cut = tarn_tokens_cut(h, text, looked_at, buffer);
    tarn_grams_start(&g, h, buffer, cut);
    if (h->cols <= FEW_COLS) {
        n = fill_places(b, &g, table);
    } else {
        size_t slots = slots_for(h, tokens_of(h, buffer, cut));
        n = fill_slots(b, &g, table, slots);
        if (n <= SORT_BY_HAND) sort_few(table, n);
        else table = sort_many(table, table + slots / 2, n, h->cols);
    }
    *out = table;
    return weigh(b, table, n);
}
