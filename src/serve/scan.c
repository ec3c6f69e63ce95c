/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - see scan.h. Grammar: RFC 8259. */
#include "serve/scan.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DEEPEST = 64 };

void tarn_scan_init(tarn_scan *s, char *text, size_t len)
{
    *s = (tarn_scan){.text = text, .len = len, .line = 1};
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) s->at = s->line_at = 3; /* a byte order mark means nothing */
}

static void skip_space(tarn_scan *s)
{
    for (; s->at < s->len; s->at++) {
        char c = s->text[s->at];
        if (c == '\n') {
            s->line++;
            s->line_at = s->at + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

static bool word_at(const tarn_scan *s, const char *word)
{
    size_t n = strlen(word);
    if (s->len - s->at < n || memcmp(s->text + s->at, word, n) != 0) return false;
    char c = s->at + n < s->len ? s->text[s->at + n] : ' ';
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
}

tarn_scan_kind tarn_scan_next(tarn_scan *s)
{
    skip_space(s);
    if (s->at == s->len) return TARN_SCAN_END;
    switch (s->text[s->at]) {
    case '{': return TARN_SCAN_OBJECT;
    case '[': return TARN_SCAN_ARRAY;
    case '"': return TARN_SCAN_TEXT;
    case 't': return word_at(s, "true") ? TARN_SCAN_TRUE : TARN_SCAN_OTHER;
    case 'f': return word_at(s, "false") ? TARN_SCAN_FALSE : TARN_SCAN_OTHER;
    case 'n': return word_at(s, "null") ? TARN_SCAN_NULL : TARN_SCAN_OTHER;
    case '-':
        return s->at + 1 < s->len && s->text[s->at + 1] >= '0' && s->text[s->at + 1] <= '9' ? TARN_SCAN_NUMBER
                                                                                            : TARN_SCAN_OTHER;
    default: return s->text[s->at] >= '0' && s->text[s->at] <= '9' ? TARN_SCAN_NUMBER : TARN_SCAN_OTHER;
    }
}

const char *tarn_scan_describe(const tarn_scan *s, char *out, size_t cap)
{
    static const char *const numbers[] = {"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "Inf", "-NaN", "-nan"};
    tarn_scan c = *s;
    size_t n = 0;

    skip_space(&c);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!word_at(&c, numbers[i])) continue;
        (void)snprintf(out, cap, "%s, which JSON does not have (write null for a missing value)", numbers[i]);
        return out;
    }
    for (const char *p = c.text + c.at; n < 24 && c.at + n < c.len && (unsigned char)p[n] > ' ' && !strchr(",]}", p[n]);
         n++)
        continue;
    switch (tarn_scan_next(&c)) {
    case TARN_SCAN_END: (void)snprintf(out, cap, "the end"); break;
    case TARN_SCAN_OBJECT: (void)snprintf(out, cap, "an object"); break;
    case TARN_SCAN_ARRAY: (void)snprintf(out, cap, "an array"); break;
    case TARN_SCAN_TEXT:
        (void)snprintf(out, cap, "the text %.*s%s", (int)n, c.text + c.at, n == 24 ? "..." : "");
        break;
    case TARN_SCAN_NUMBER:
    case TARN_SCAN_TRUE:
    case TARN_SCAN_FALSE:
    case TARN_SCAN_NULL: (void)snprintf(out, cap, "%.*s", (int)n, c.text + c.at); break;
    case TARN_SCAN_OTHER: (void)snprintf(out, cap, "'%.*s'", n ? (int)n : 1, c.text + c.at); break;
    }
    return out;
}

tarn_code tarn_scan_fail(tarn_scan *s, const char *wanted, tarn_err *err)
{
    char what[120];

    skip_space(s);
    return TARN_FAIL(err, TARN_INVALID, "line %lld, column %zu: expected %s, got %s", (long long)s->line,
                     s->at - s->line_at + 1, wanted, tarn_scan_describe(s, what, sizeof what));
}

tarn_code tarn_scan_enter(tarn_scan *s, tarn_scan_kind kind, const char *wanted, tarn_err *err)
{
    if (tarn_scan_next(s) != kind) return tarn_scan_fail(s, wanted, err);
    s->at++;
    return TARN_OK;
}

/* Behind a value: ',' and on, or the closing mark. */
static tarn_code step(tarn_scan *s, bool *first, char close, const char *wanted, bool *more, tarn_err *err)
{
    skip_space(s);
    if (s->at < s->len && s->text[s->at] == close) {
        s->at++;
        *more = false;
        return TARN_OK;
    }
    if (!*first) {
        if (s->at == s->len || s->text[s->at] != ',') return tarn_scan_fail(s, wanted, err);
        s->at++;
    }
    *first = false;
    *more = true;
    return TARN_OK;
}

tarn_code tarn_scan_item(tarn_scan *s, bool *first, bool *more, tarn_err *err)
{
    return step(s, first, ']', "',' or ']'", more, err);
}

tarn_code tarn_scan_key(tarn_scan *s, bool *first, const char **key, size_t *len, bool *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(step(s, first, '}', "',' or '}'", more, err));
    if (!*more) return TARN_OK;
    if (tarn_scan_next(s) != TARN_SCAN_TEXT) return tarn_scan_fail(s, "a key in quotes", err);
    TARN_TRY(tarn_scan_text(s, key, len, err));
    skip_space(s);
    if (s->at == s->len || s->text[s->at] != ':') return tarn_scan_fail(s, "':' after the key", err);
    s->at++;
done:
    return rc;
}

/* ---- texts ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits at p; -1 if they are not. */
static int32_t four_hex(const tarn_scan *s, size_t p)
{
    int32_t x = 0;

    if (s->len - p < 4) return -1;
    for (size_t i = 0; i < 4; i++) {
        int d = hex_digit(s->text[p + i]);
        if (d < 0) return -1;
        x = x * 16 + d;
    }
    return x;
}

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) return (void)(to[0] = (char)c), (size_t)1;
    if (c < 0x800) return (void)(to[0] = (char)(0xC0 | c >> 6), to[1] = (char)(0x80 | (c & 63))), (size_t)2;
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 63)), to[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18), to[1] = (char)(0x80 | (c >> 12 & 63)), to[2] = (char)(0x80 | (c >> 6 & 63)),
    to[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* The escape at *from (behind the backslash): its character, *from moved behind it; 0 if it is none. */
static uint32_t read_escape(const tarn_scan *s, size_t *from)
{
    static const char marks[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    if (*from == s->len) return 0;
    char c = s->text[(*from)++];
    const char *at = c ? strchr(marks, c) : NULL;

    if (at) return (uint32_t)(unsigned char)means[at - marks];
    if (c != 'u') return 0;
    int32_t x = four_hex(s, *from);
    if (x <= 0 || (x >= 0xDC00 && x < 0xE000)) return 0;
    *from += 4;
    if (x < 0xD800 || x >= 0xE000) return (uint32_t)x;
    if (s->len - *from < 6 || s->text[*from] != '\\' || s->text[*from + 1] != 'u') return 0;
    int32_t low = four_hex(s, *from + 2);
    if (low < 0xDC00 || low >= 0xE000) return 0;
    *from += 6;
    return 0x10000 + ((uint32_t)(x - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
}

static tarn_code bad_text(tarn_scan *s, size_t at, const char *what, tarn_err *err)
{
    return TARN_FAIL(err, TARN_INVALID, "line %lld, column %zu: %s", (long long)s->line, at - s->line_at + 1, what);
}

/* Walk a text from its opening quote; decode it in place when `keep`. */
static tarn_code walk_text(tarn_scan *s, bool keep, const char **text, size_t *len, tarn_err *err)
{
    size_t start = s->at + 1, from = start, to = start, bad;

    for (;;) {
        size_t run = from;
        while (from < s->len && (unsigned char)s->text[from] >= 0x20 && s->text[from] != '"' && s->text[from] != '\\')
            from++;
        if (keep && to != run) memmove(s->text + to, s->text + run, from - run);
        if (!tarn_utf8_valid(s->text + (keep ? to : run), from - run, &bad))
            return bad_text(s, run + bad, "not valid UTF-8", err);
        to += from - run;
        if (from == s->len) return bad_text(s, start, "a text has no closing quote", err);
        if (s->text[from] == '"') break;
        if (s->text[from] != '\\')
            return bad_text(s, from, "a control character in a text must be written as \\u and four digits", err);
        size_t escape = from++;
        uint32_t c = read_escape(s, &from);
        if (c == 0) return bad_text(s, escape, "not an escape that JSON knows", err);
        if (keep) to += put_utf8(s->text + to, c);
    }
    if (keep) *text = s->text + start, *len = to - start;
    s->at = from + 1;
    return TARN_OK;
}

tarn_code tarn_scan_text(tarn_scan *s, const char **text, size_t *len, tarn_err *err)
{
    if (tarn_scan_next(s) != TARN_SCAN_TEXT) return tarn_scan_fail(s, "a text in quotes", err);
    return walk_text(s, true, text, len, err);
}

/* ---- numbers ---- */

static size_t digits(const tarn_scan *s, size_t at, uint64_t *mantissa, int *kept)
{
    size_t n = 0;

    for (; at + n < s->len && s->text[at + n] >= '0' && s->text[at + n] <= '9'; n++) {
        if (*kept < 18) *mantissa = *mantissa * 10 + (uint64_t)(s->text[at + n] - '0');
        if (*mantissa > 0) (*kept)++;
    }
    return n;
}

/* Where the number at s->at ends; its digits as mantissa and power of ten if they are few enough to be exact. */
static size_t number_end(const tarn_scan *s, uint64_t *mantissa, int *power, bool *exact)
{
    size_t at = s->at + (s->text[s->at] == '-'), n;
    int kept = 0, exponent = 0;

    *mantissa = 0, *power = 0;
    n = digits(s, at, mantissa, &kept);
    if (n == 0 || (n > 1 && s->text[at] == '0')) return 0;
    at += n;
    if (at < s->len && s->text[at] == '.') {
        n = digits(s, at + 1, mantissa, &kept);
        if (n == 0) return 0;
        *power = n < 400 ? -(int)n : -400;
        at += 1 + n;
    }
    *exact = kept <= 15;
    if (at < s->len && (s->text[at] == 'e' || s->text[at] == 'E')) {
        bool minus = at + 1 < s->len && s->text[at + 1] == '-';
        size_t from = at + 1 + (at + 1 < s->len && (minus || s->text[at + 1] == '+'));
        for (n = 0; from + n < s->len && s->text[from + n] >= '0' && s->text[from + n] <= '9'; n++)
            if (exponent < 10000) exponent = exponent * 10 + (s->text[from + n] - '0');
        if (n == 0) return 0;
        *power += minus ? -exponent : exponent;
        at = from + n;
    }
    return at;
}

tarn_code tarn_scan_number(tarn_scan *s, double *x, const char **raw, size_t *raw_len, tarn_err *err)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    uint64_t mantissa;
    int power;
    bool exact = false;

    if (tarn_scan_next(s) != TARN_SCAN_NUMBER) return tarn_scan_fail(s, "a number", err);
    const char *text = s->text + s->at;
    size_t end = number_end(s, &mantissa, &power, &exact), len = end - s->at;
    if (end == 0) return bad_text(s, s->at, "not a number as JSON writes it", err);
    if (exact && power >= -22 && power <= 22) {
        /* both are exact doubles, so one rounding gives the nearest double (Clinger 1990) */
        *x = power < 0 ? (double)mantissa / ten[-power] : (double)mantissa * ten[power];
        if (text[0] == '-') *x = -*x;
    } else if (len > 400) {
        return bad_text(s, s->at, "a number has more than 400 digits", err);
    } else if (!tarn_num_parse(text, len, false, x)) {
        return bad_text(s, s->at, "a number is too large; the largest is about 1.8e308", err);
    }
    if (raw) *raw = text, *raw_len = len;
    s->at = end;
    return TARN_OK;
}

tarn_code tarn_scan_word(tarn_scan *s, tarn_err *err)
{
    tarn_scan_kind kind = tarn_scan_next(s);

    if (kind != TARN_SCAN_TRUE && kind != TARN_SCAN_FALSE && kind != TARN_SCAN_NULL)
        return tarn_scan_fail(s, "true, false or null", err);
    s->at += kind == TARN_SCAN_FALSE ? 5 : 4;
    return TARN_OK;
}

/* ---- any value ---- */

static tarn_code skip_value(tarn_scan *s, int depth, tarn_err *err);

static tarn_code skip_inside(tarn_scan *s, int depth, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool object = s->text[s->at++] == '{', first = true, more;

    if (depth == DEEPEST) return bad_text(s, s->at - 1, "nested too deeply; 64 levels are allowed", err);
    for (;;) {
        TARN_TRY(step(s, &first, object ? '}' : ']', object ? "',' or '}'" : "',' or ']'", &more, err));
        if (!more) break;
        if (object) {
            if (tarn_scan_next(s) != TARN_SCAN_TEXT) return tarn_scan_fail(s, "a key in quotes", err);
            TARN_TRY(walk_text(s, false, NULL, NULL, err));
            skip_space(s);
            if (s->at == s->len || s->text[s->at] != ':') return tarn_scan_fail(s, "':' after the key", err);
            s->at++;
        }
        TARN_TRY(skip_value(s, depth + 1, err));
    }
done:
    return rc;
}

static tarn_code skip_value(tarn_scan *s, int depth, tarn_err *err)
{
    double x;

    switch (tarn_scan_next(s)) {
    case TARN_SCAN_OBJECT:
    case TARN_SCAN_ARRAY: return skip_inside(s, depth, err);
    case TARN_SCAN_TEXT: return walk_text(s, false, NULL, NULL, err);
    case TARN_SCAN_NUMBER: return tarn_scan_number(s, &x, NULL, NULL, err);
    case TARN_SCAN_TRUE:
    case TARN_SCAN_FALSE:
    case TARN_SCAN_NULL: return tarn_scan_word(s, err);
    case TARN_SCAN_END:
    case TARN_SCAN_OTHER: break;
    }
    return tarn_scan_fail(s, "a value", err);
}

tarn_code tarn_scan_skip(tarn_scan *s, tarn_err *err) { return skip_value(s, 0, err); }

tarn_code tarn_scan_finish(tarn_scan *s, tarn_err *err)
{
    return tarn_scan_next(s) == TARN_SCAN_END ? TARN_OK : tarn_scan_fail(s, "nothing more", err);
}
