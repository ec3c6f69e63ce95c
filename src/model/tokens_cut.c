/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_cut.c - from a text to tokens, one after the other. See tokens.h. */
#include "model/tokens.h"

#include "base/str.h"

#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { BAD = -1 };

/* ---- characters ---- */

/* The character at s, and its bytes; BAD and 1 where it is not UTF-8. */
static int32_t character(const char *s, size_t len, size_t *bytes)
{
    const unsigned char *u = (const unsigned char *)s;
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;
    int32_t c = n == 1 ? u[0] : u[0] & 0xff >> (n + 1);

    *bytes = 1;
    if (n == 0 || n > len) return BAD;
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80) return BAD;
        c = c << 6 | (u[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return BAD;
    *bytes = n;
    return c;
}

typedef struct range {
    int32_t from, to;
} range;

/* Beyond ASCII: what is no letter, digit or mark. */
static bool is_sign(int32_t c)
{
    static const range signs[] = {
        {0x80, 0xa9},     {0xab, 0xb1},     {0xb4, 0xb4},     {0xb6, 0xb8},     {0xbb, 0xbb},       {0xbf, 0xbf},
        {0xd7, 0xd7},     {0xf7, 0xf7},     {0x2c2, 0x2c5},   {0x2d2, 0x2df},   {0x37e, 0x37e},     {0x387, 0x387},
        {0x55a, 0x55f},   {0x589, 0x58a},   {0x5be, 0x5be},   {0x5c0, 0x5c0},   {0x5c3, 0x5c3},     {0x5f3, 0x5f4},
        {0x60c, 0x60d},   {0x61b, 0x61f},   {0x66a, 0x66d},   {0x6d4, 0x6d4},   {0x964, 0x965},     {0xe3f, 0xe3f},
        {0x1680, 0x1680}, {0x2000, 0x206f}, {0x207a, 0x207e}, {0x208a, 0x208e}, {0x20a0, 0x20cf},   {0x2100, 0x2101},
        {0x2103, 0x2106}, {0x2108, 0x2109}, {0x2114, 0x2114}, {0x2116, 0x2118}, {0x211e, 0x2123},   {0x2190, 0x245f},
        {0x249c, 0x24e9}, {0x2500, 0x2775}, {0x2794, 0x2bff}, {0x2e00, 0x2e7f}, {0x3000, 0x3004},   {0x3008, 0x3020},
        {0x3030, 0x3030}, {0x30fb, 0x30fb}, {0xe000, 0xf8ff}, {0xfd3e, 0xfd3f}, {0xfe10, 0xfe6f},   {0xff01, 0xff0f},
        {0xff1a, 0xff20}, {0xff3b, 0xff40}, {0xff5b, 0xff65}, {0xffe0, 0xffff}, {0x1f000, 0x1faff},
    };
    size_t low = 0, high = sizeof signs / sizeof *signs;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c < signs[mid].from) high = mid;
        else if (c > signs[mid].to) low = mid + 1;
        else return true;
    }
    return false;
}

static bool is_letter(int32_t c)
{
    if (c >= 0x80) return !is_sign(c);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* White space as regular expressions know it. */
static bool is_space(int32_t c)
{
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Latin letters in pairs: capital first, even or odd. */
static int32_t lower_latin(int32_t c)
{
    bool odd_first = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);

    if (c >= 0xc0 && c <= 0xde) return c == 0xd7 ? c : c + 32;
    if (c < 0x100 || c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17f) return c;
    if (c == 0x178) return 0xff;
    if (c <= 0x17e) return odd_first ? c + (c & 1) : c | 1;
    return (c >= 0x1e00 && c <= 0x1e95) || (c >= 0x1ea0 && c <= 0x1eff) ? c | 1 : c;
}

static int32_t lower_greek(int32_t c)
{
    if (c >= 0x391 && c <= 0x3ab && c != 0x3a2) return c + 32;
    if (c == 0x386) return 0x3ac;
    if (c >= 0x388 && c <= 0x38a) return c + 37;
    if (c == 0x38c) return 0x3cc;
    return c == 0x38e || c == 0x38f ? c + 63 : c;
}

static int32_t lower_cyrillic(int32_t c)
{
    if (c <= 0x40f) return c + 80;
    if (c <= 0x42f) return c + 32;
    if (c == 0x4c0) return 0x4cf;
    if (c >= 0x4c1 && c <= 0x4ce) return c + (c & 1);
    bool pairs = (c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf) || c >= 0x4d0;
    return pairs ? c | 1 : c;
}

/* Never longer in UTF-8 than what it came from. */
static int32_t lower(int32_t c)
{
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c < 0x180 || (c >= 0x1e00 && c <= 0x1eff)) return lower_latin(c);
    if (c >= 0x386 && c <= 0x3ab) return lower_greek(c);
    return c >= 0x400 && c <= 0x52f ? lower_cyrillic(c) : c;
}

/* Write a character, in lower case if wanted; from has its bytes. Returns how many were written. */
static size_t put(char *to, const char *from, size_t bytes, int32_t c, bool low)
{
    int32_t to_c = low && c != BAD ? lower(c) : c;

    if (to_c == c) {
        for (size_t i = 0; i < bytes; i++) to[i] = from[i];
        return bytes;
    }
    if (to_c < 0x80) {
        to[0] = (char)to_c;
        return 1;
    }
    if (to_c < 0x800) {
        to[0] = (char)(0xc0 | to_c >> 6);
        to[1] = (char)(0x80 | (to_c & 0x3f));
        return 2;
    }
    to[0] = (char)(0xe0 | to_c >> 12);
    to[1] = (char)(0x80 | (to_c >> 6 & 0x3f));
    to[2] = (char)(0x80 | (to_c & 0x3f));
    return 3;
}

/* ---- cutting ---- */

/* For bytes of ASCII: the letter (in lower case, if wanted), or 0. */
static void letters_table(bool low, unsigned char table[128])
{
    for (int c = 0; c < 128; c++) table[c] = is_letter(c) ? (unsigned char)(low ? lower(c) : c) : 0;
}

static size_t cut_words(const tarn_bag_data *head, const char *text, size_t len, char *out)
{
    bool low = head->flags & TARN_BAG_LOWER, stop = head->flags & TARN_BAG_STOP;
    unsigned char table[128];
    size_t at = 0, n = 0, bytes;

    letters_table(low, table);
    while (at < len) {
        size_t start = n > 0 ? n + 1 : 0, to = start, letters = 0;
        for (; at < len; at += bytes, letters++) {
            unsigned char byte = (unsigned char)text[at];
            bytes = 1;
            if (byte < 0x80) {
                if (!table[byte]) break;
                out[to++] = (char)table[byte];
                continue;
            }
            int32_t c = character(text + at, len - at, &bytes);
            if (c == BAD || !is_letter(c)) break;
            to += put(out + to, text + at, bytes, c, low);
        }
        if (letters > 1 && !(stop && tarn_token_stops(out + start, to - start))) {
            if (start > 0) out[start - 1] = ' ';
            n = to;
        }
        if (at < len) at += bytes;
    }
    return n;
}

/* Two or more of white space become one space. */
static size_t cut_chars(const tarn_bag_data *head, const char *text, size_t len, char *out)
{
    bool low = head->flags & TARN_BAG_LOWER;
    size_t n = 0, bytes, run = 0, before = 0;

    for (size_t at = 0; at < len; at += bytes) {
        int32_t c = character(text + at, len - at, &bytes);
        run = c != BAD && is_space(c) ? run + 1 : 0;
        if (run > 1) {
            n = before;
            out[n++] = ' ';
            continue;
        }
        before = n;
        n += put(out + n, text + at, bytes, c, low);
    }
    return n;
}

/* How many bytes from the beginning are cut as they are: visible ASCII, parted by single spaces. In steps of 32; a
 * space that ends a step is left to the next one, and to the slow way. */
static size_t cut_already(const char *text, size_t len)
{
    const __m256i blank = _mm256_set1_epi8(' ');
    size_t at = 0;

    for (uint32_t before = 1; at + 32 <= len; at += 32) {
        __m256i c = _mm256_loadu_si256((const void *)(text + at));
        uint32_t spaces = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(c, blank));
        uint32_t seen = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(c, blank));
        if ((spaces | seen) != UINT32_MAX || spaces & (spaces << 1 | before)) break;
        before = spaces >> 31;
    }
    while (at > 0 && text[at - 1] == ' ') at--;
    return at;
}

static size_t cut_values(const tarn_bag_data *head, const char *text, size_t len, char *out)
{
    bool low = head->flags & TARN_BAG_LOWER;
    size_t n = low ? 0 : cut_already(text, len), bytes;
    bool parted = n == 0;

    if (n > 0) memcpy(out, text, n);
    for (size_t at = n; at < len; at += bytes) {
        bytes = 1;
        int32_t c = (unsigned char)text[at] < 0x80 ? text[at] : character(text + at, len - at, &bytes);
        if (c == ' ' || (c >= 9 && c <= 13)) {
            parted = true;
            continue;
        }
        if (parted && n > 0) out[n++] = ' ';
        parted = false;
        if (bytes == 1 && c != BAD && !low) out[n++] = text[at]; /* what most of them are */
        else n += put(out + n, text + at, bytes, c, low);
    }
    return n;
}

static size_t cut_whole(const tarn_bag_data *head, const char *text, size_t len, char *out)
{
    size_t n = 0, bytes;

    for (size_t at = 0; at < len; at += bytes) {
        int32_t c = character(text + at, len - at, &bytes);
        n += put(out + n, text + at, bytes, c, head->flags & TARN_BAG_LOWER);
    }
    return n;
}

size_t tarn_tokens_cut(const tarn_bag_data *head, const char *text, size_t len, char *out)
{
    switch (head->tokens) {
    case TARN_TOKENS_WORDS: return cut_words(head, text, len, out);
    case TARN_TOKENS_CHARS: return cut_chars(head, text, len, out);
    case TARN_TOKENS_VALUES: return cut_values(head, text, len, out);
    default: return cut_whole(head, text, len, out);
    }
}

/* ---- walking ---- */

void tarn_grams_start(tarn_grams *g, const tarn_bag_data *head, const char *cut, size_t len)
{
    *g = (tarn_grams){.head = head, .text = cut, .len = len, .next = head->least};
}

/* Sixteen digits, each a byte, the highest first. */
static uint64_t sixteen_digits(__m128i d)
{
    d = _mm_maddubs_epi16(d, _mm_set1_epi16(0x010a));  /* 8 of two */
    d = _mm_madd_epi16(d, _mm_set1_epi32(0x00010064)); /* 4 of four */
    d = _mm_packus_epi32(d, d);
    d = _mm_madd_epi16(d, _mm_set1_epi32(0x00012710)); /* 2 of eight */
    return (uint64_t)(uint32_t)_mm_cvtsi128_si32(d) * 100000000 + (uint32_t)_mm_extract_epi32(d, 1);
}

/* A number at the end of 16 bytes that can be read, with no branch on what it is: false where it is more than a sign,
 * 1 to 15 digits, which are exact, and a point among them. */
static bool short_number(const char *s, size_t len, double *out)
{
    static const char window[32] = {0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
                                    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    static const double sign[] = {1, -1},
                        ten[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const __m128i place = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t minus = s[0] == '-', left = len - minus;
    __m128i d = _mm_loadu_si128((const void *)(s + len - 16));

    d = _mm_and_si128(_mm_sub_epi8(d, _mm_set1_epi8('0')), _mm_loadu_si128((const void *)(window + left)));
    uint32_t points = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(d, _mm_set1_epi8('.' - '0')));
    int at = points ? __builtin_ctz(points) : -1; /* digits before the point move up to it */
    d = _mm_shuffle_epi8(d, _mm_add_epi8(place, _mm_cmpgt_epi8(_mm_set1_epi8((char)(at + 1)), place)));
    size_t digits = left - (points != 0);
    if (digits - 1 > 14 || !_mm_testz_si128(_mm_subs_epu8(d, _mm_set1_epi8(9)), _mm_set1_epi8(-1))) return false;
    *out = (double)(int64_t)sixteen_digits(d) / ten[points ? 15 - at : 0] * sign[minus];
    return true;
}

/* name:3.5 is name with 3.5; what has no number behind its last colon is a name with 1. before: bytes in front of the
 * token that can be read. */
static void split_value(const char *token, size_t before, size_t *len, float *value)
{
    const char *colon = memrchr(token, ':', *len);
    double x;

    *value = 1;
    if (!colon || colon == token) return;
    size_t name = (size_t)(colon - token), number = *len - name - 1;
    bool is_short = number - 1 < 16 && before + *len >= 16 && short_number(colon + 1, number, &x);
    if (!is_short && !tarn_num_parse(colon + 1, number, false, &x)) return;
    if (!(fabs(x) <= (double)FLT_MAX)) return;
    *len = name;
    *value = (float)x;
}

/* Step over the next token: it begins at *start, g->end is behind it. */
static bool step(tarn_grams *g, size_t *start)
{
    if (g->at >= g->len) return false;
    *start = g->at;
    if (g->head->tokens == TARN_TOKENS_CHARS) {
        size_t bytes;
        (void)character(g->text + g->at, g->len - g->at, &bytes);
        g->end = g->at += bytes;
        return true;
    }
    const char *space = g->head->tokens == TARN_TOKENS_WHOLE ? NULL : memchr(g->text + g->at, ' ', g->len - g->at);
    g->end = space ? (size_t)(space - g->text) : g->len;
    g->at = g->end + 1;
    return true;
}

bool tarn_grams_next(tarn_grams *g, const char **token, size_t *len, float *value)
{
    while (g->seen == 0 || g->next > g->head->most || g->next > g->seen) {
        size_t start;
        if (!step(g, &start)) return false;
        g->start[g->seen++ % TARN_GRAMS_MOST] = start;
        g->next = g->head->least;
    }
    size_t from = g->start[(g->seen - g->next) % TARN_GRAMS_MOST];
    g->next++;
    *token = g->text + from;
    *len = g->end - from;
    *value = 1;
    if (g->head->tokens == TARN_TOKENS_VALUES) split_value(*token, from, len, value);
    return true;
}
