/* SPDX-License-Identifier: Apache-2.0 */
/* str.c - growing text and number text. See str.h. */
#include "base/str.h"

#include "base/mem.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The "C" locale, made once, so that a host program's setlocale changes nothing here. */
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* The caller puts back what this returns, with uselocale. */
static locale_t enter_c_locale(void)
{
    (void)pthread_once(&c_locale_once, make_c_locale);
    return uselocale(c_locale);
}

static bool reserve(tarn_text *t, size_t more)
{
    if (t->failed != TARN_OK) return false;
    if (t->cap - t->len > more) return true;
    size_t cap = t->cap ? t->cap : 64;
    while (cap - t->len <= more) {
        if (cap > SIZE_MAX / 4) {
            t->failed = TARN_NOMEM;
            return false;
        }
        cap *= 2;
    }
    t->failed = tarn_resize(&t->data, cap, 1, NULL);
    if (t->failed != TARN_OK) return false;
    t->cap = cap;
    return true;
}

void tarn_text_addn(tarn_text *t, const void *bytes, size_t len)
{
    if (!reserve(t, len)) return;
    if (len > 0) memcpy(t->data + t->len, bytes, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void tarn_text_add(tarn_text *t, const char *text) { tarn_text_addn(t, text, strlen(text)); }

void tarn_text_addf(tarn_text *t, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    locale_t old = enter_c_locale();
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n >= 0 && reserve(t, (size_t)n)) {
        (void)vsnprintf(t->data + t->len, (size_t)n + 1, fmt, again);
        t->len += (size_t)n;
    }
    (void)uselocale(old);
    va_end(again);
    va_end(args);
}

void tarn_text_xml(tarn_text *t, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': tarn_text_add(t, "&amp;"); break;
        case '<': tarn_text_add(t, "&lt;"); break;
        case '>': tarn_text_add(t, "&gt;"); break;
        case '"': tarn_text_add(t, "&quot;"); break;
        case '\'': tarn_text_add(t, "&#39;"); break;
        default: tarn_text_addn(t, text, 1);
        }
    }
}

void tarn_text_num(tarn_text *t, double x)
{
    char text[32];
    tarn_text_add(t, tarn_num_format(x, text));
}

tarn_code tarn_text_check(const tarn_text *t, tarn_err *err)
{
    if (t->failed == TARN_OK) return TARN_OK;
    return TARN_FAIL(err, t->failed, "cannot get memory for %zu bytes of text", t->len);
}

tarn_code tarn_text_take(tarn_text *t, char **out, tarn_err *err)
{
    tarn_code rc = tarn_text_check(t, err);

    *out = NULL;
    if (rc == TARN_OK && !t->data) rc = tarn_strdup("", &t->data, err);
    if (rc != TARN_OK) return rc;
    *out = t->data;
    *t = (tarn_text){0};
    return TARN_OK;
}

void tarn_text_clear(tarn_text *t)
{
    tarn_free(t->data);
    *t = (tarn_text){0};
}

static double read_double(const char *text, char **end)
{
    locale_t old = enter_c_locale();
    double x = strtod(text, end);
    (void)uselocale(old);
    return x;
}

const char *tarn_num_format(double x, char out[32])
{
    if (isnan(x)) return strcpy(out, "NaN");
    if (isinf(x)) return strcpy(out, x > 0 ? "inf" : "-inf");
    if (x == floor(x) && fabs(x) < 1e15) {
        (void)snprintf(out, 32, "%.0f", x == 0 ? 0.0 : x);
        return out;
    }
    locale_t old = enter_c_locale();
    /* 15 digits are the shortest text of any number that has one so short, but for subnormals. */
    for (int digits = fabs(x) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        (void)snprintf(out, 32, "%.*g", digits, x);
        if (strtod(out, NULL) == x) break;
    }
    (void)uselocale(old);
    return out;
}

bool tarn_num_parse(const char *text, size_t len, bool special, double *out)
{
    char copy[512];

    if (len == 0 || len >= sizeof copy || memchr(text, 'x', len) || memchr(text, 'X', len)) return false;
    char c = text[0];
    bool digit = (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.';
    if (!digit && !special) return false;
    if (!digit && !strchr("nNiI", c)) return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    char *end;
    double x = read_double(copy, &end);
    if (end != copy + len) return false;
    if (!special && !isfinite(x)) return false;
    *out = x;
    return true;
}

bool tarn_int_parse(const char *text, size_t len, int64_t *out)
{
    bool minus = len > 0 && text[0] == '-';
    size_t i = minus || (len > 0 && text[0] == '+') ? 1 : 0;
    uint64_t x = 0, most = minus ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;

    if (i == len) return false;
    for (; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (x > (most - digit) / 10) return false;
        x = x * 10 + digit;
    }
    *out = minus ? (x == most ? INT64_MIN : -(int64_t)x) : (int64_t)x;
    return true;
}

const char *tarn_num_group(int64_t n, char out[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n), at = 0;

    for (int i = 0; i < len; i++) {
        out[at++] = digits[i];
        int left = len - i - 1;
        if (left > 0 && left % 3 == 0 && digits[i] != '-') out[at++] = ',';
    }
    out[at] = '\0';
    return out;
}

const char *tarn_num_bytes(uint64_t n, char out[32])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double x = (double)n;
    int u = 0;

    while (x >= 999.5 && u < 6) {
        x /= 1000;
        u++;
    }
    locale_t old = enter_c_locale();
    (void)snprintf(out, 32, u == 0 || x >= 99.95 ? "%.0f %s" : "%.1f %s", x, units[u]);
    (void)uselocale(old);
    return out;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* Damerau-Levenshtein distance (swaps of neighbours count 1, case counts nothing), words up to 63 letters. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), d[3][65];

    if (n > 63 || m > 63) return SIZE_MAX;
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = d[i % 3], *prev = d[(i + 2) % 3], *prev2 = d[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = prev[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
            if (prev[j] + 1 < best) best = prev[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && prev2[j - 2] + 1 < best)
                best = prev2[j - 2] + 1;
            row[j] = best;
        }
    }
    return d[n % 3][m];
}

const char *tarn_nearest_word(const char *word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX, len = strlen(word);

    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, words[i]);
        if (d < best_distance) {
            best_distance = d;
            best = words[i];
        }
    }
    size_t most = len < 4 ? 1 : (len + 2) / 3;
    return best_distance <= most && best_distance < len ? best : NULL;
}

bool tarn_utf8_valid(const void *bytes, size_t len, size_t *bad)
{
    const unsigned char *s = bytes;

    for (size_t i = 0; i < len;) {
        unsigned char c = s[i];
        size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
        bool good = n > 0 && i + n <= len;
        for (size_t k = 1; good && k < n; k++) good = (s[i + k] & 0xC0) == 0x80;
        if (good && n == 3) good = !(c == 0xE0 && s[i + 1] < 0xA0) && !(c == 0xED && s[i + 1] > 0x9F);
        if (good && n == 4) good = !(c == 0xF0 && s[i + 1] < 0x90) && !(c == 0xF4 && s[i + 1] > 0x8F);
        if (!good) {
            if (bad) *bad = i;
            return false;
        }
        i += n;
    }
    return true;
}

size_t tarn_utf8_cut(const char *text, size_t len, size_t most)
{
    if (len <= most) return len;
    while (most > 0 && ((unsigned char)text[most] & 0xC0) == 0x80) most--;
    return most;
}
