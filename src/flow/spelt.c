/* SPDX-License-Identifier: Apache-2.0 */
/* spelt.c - see spelt.h. */
#include "flow/spelt.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

typedef enum spelling { PLAIN, POINT, COMMA, UNIT, DATE, OTHER, SPELLINGS } spelling;

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* How many digits s begins with. */
static size_t digits(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && digit(s[n])) n++;
    return n;
}

/* Digits in groups of three with `between`, at least one of it, perhaps a fraction after `point`. */
static bool is_grouped(const char *s, size_t len, char between, char point)
{
    size_t n = digits(s, len), groups = 0;

    if (n < 1 || n > 3) return false;
    while (n < len && s[n] == between && digits(s + n + 1, len - n - 1) == 3) {
        n += 4;
        groups++;
    }
    if (n < len && s[n] == point) n += 1 + digits(s + n + 1, len - n - 1);
    return groups > 0 && n == len;
}

/* 12,5 */
static bool has_comma(const char *s, size_t len)
{
    size_t n = digits(s, len);

    return n < len && s[n] == ',' && len - n > 1 && digits(s + n + 1, len - n - 1) == len - n - 1;
}

/* 31.12.2024, 1/2/24 or 2024/12/31 */
static bool is_date(const char *s, size_t len)
{
    size_t n = digits(s, len), whole = n;

    for (int part = 1; part < 3; part++) {
        if (n < 1 || whole >= len || !strchr("./-", s[whole])) return false;
        n = digits(s + whole + 1, len - whole - 1);
        whole += n + 1;
    }
    return whole == len && n > 0 && n <= 4 && len <= 10;
}

/* Without a sign of money or of a share before or behind it, and the space between. */
static bool strip_unit(const char **s, size_t *len)
{
    static const char *const units[] = {"$", "%", "\xE2\x82\xAC", "\xC2\xA3", "\xC2\xA5"};
    size_t before = *len;

    for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
        size_t u = strlen(units[k]);
        if (*len > u && memcmp(*s, units[k], u) == 0) *s += u, *len -= u;
        if (*len > u && memcmp(*s + *len - u, units[k], u) == 0) *len -= u;
    }
    while (*len > 0 && **s == ' ') (*s)++, (*len)--;
    while (*len > 0 && (*s)[*len - 1] == ' ') (*len)--;
    return *len < before;
}

static spelling spelling_of(const char *s, size_t len)
{
    double x;

    if (tarn_num_parse(s, len, true, &x)) return PLAIN;
    if (is_date(s, len)) return DATE;
    bool unit = strip_unit(&s, &len);
    if (len > 1 && (*s == '-' || *s == '+')) s++, len--;
    if (is_grouped(s, len, ',', '.')) return POINT;
    if (is_grouped(s, len, '.', ',') || is_grouped(s, len, ' ', ',') || has_comma(s, len)) return COMMA;
    return unit && tarn_num_parse(s, len, false, &x) ? UNIT : OTHER;
}

void tarn_spelt_look(const tarn_column *c, char *found, size_t cap)
{
    static const char *const means[] = {[POINT] = "numbers", [COMMA] = "numbers", [UNIT] = "numbers", [DATE] = "dates"};
    int32_t count[SPELLINGS] = {0}, shown[SPELLINGS] = {0}, len = 0;
    spelling most = POINT;

    found[0] = '\0';
    for (int32_t w = 0; w < c->words; w++) {
        const char *word = tarn_column_word(c, w, &len);
        spelling s = spelling_of(word, (size_t)len);
        if (count[s]++ == 0) shown[s] = w;
    }
    for (spelling s = POINT; s <= DATE; s++)
        if (count[s] > count[most]) most = s;
    int32_t dates = count[DATE], numbers = c->words - dates - count[OTHER];
    if ((int64_t)10 * (most == DATE ? dates : numbers) < (int64_t)9 * c->words || c->words == 0) return;
    spelling example = count[most] > 0 ? most : OTHER;
    const char *word = tarn_column_word(c, shown[example], &len);
    int most_bytes = (int)tarn_utf8_cut(word, (size_t)len, 30);
    if (example == OTHER && count[OTHER] > 0)
        (void)snprintf(found, cap,
                       "numbers but for texts like '%.*s': if those mean missing, say `null_text` in `ingest`",
                       most_bytes, word);
    else if (example != OTHER)
        (void)snprintf(found, cap, "%s, spelt like '%.*s': spell them like %s", means[most], most_bytes, word,
                       most == DATE ? "2024-12-31" : "1234.5");
}
