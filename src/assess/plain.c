/* SPDX-License-Identifier: Apache-2.0 */
/* plain.c - numbers as people read them. */
#include "assess/plain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

const char *tarn_plain_fixed(double x, int decimals, char out[TARN_PLAIN])
{
    char whole[32], number[32];
    double scaled = round(fabs(x) * tens[decimals]);

    if (!isfinite(x)) {
        (void)snprintf(out, TARN_PLAIN, "not defined");
        return out;
    }
    if (!(scaled < 9e15)) {
        (void)snprintf(out, TARN_PLAIN, "%s%s", x < 0 ? "\u2212" : "", tarn_num_format(fabs(x), number));
        return out;
    }
    int64_t all = (int64_t)scaled, unit = (int64_t)tens[decimals];
    const char *sign = x < 0 && all > 0 ? "\u2212" : "";
    (void)tarn_num_group(all / unit, whole);
    if (decimals == 0) (void)snprintf(out, TARN_PLAIN, "%s%s", sign, whole);
    else (void)snprintf(out, TARN_PLAIN, "%s%s.%0*lld", sign, whole, decimals, (long long)(all % unit));
    return out;
}

const char *tarn_plain_figure(double x, char out[TARN_PLAIN])
{
    double size = fabs(x);
    int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;

    if (size > 0 && size < 0.0995)
        while (decimals < 9 && size * tens[decimals] < 99.5) decimals++;
    return tarn_plain_fixed(x, decimals, out);
}

const char *tarn_plain_share(double x, char out[TARN_PLAIN])
{
    double percent = x * 100, size = fabs(percent);
    double edge = percent > 50 ? fabs(100 - percent) : size; /* from the nearer of 0% and 100% */
    int decimals = size >= 9.95 ? 0 : 1;

    if (edge > 0 && edge < 1)
        while (decimals < 6 && edge * tens[decimals] < 1) decimals++;
    (void)tarn_plain_fixed(percent, decimals, out);
    if (isfinite(x)) (void)strcat(out, "%");
    return out;
}

const char *tarn_plain_tick(double x, double step, double most, char out[TARN_PLAIN])
{
    static const struct {
        double from, unit;
        const char *suffix;
    } sizes[] = {{1e10, 1e9, "bn"}, {1e7, 1e6, "M"}, {1e4, 1e3, "k"}, {0, 1, ""}};
    int s = 0, decimals = 0;

    if (!(most < 1e15) || !(step > 1e-8)) {
        char number[32];
        (void)snprintf(out, TARN_PLAIN, "%s", tarn_num_format(x, number));
        return out;
    }
    while (most < sizes[s].from) s++;
    step /= sizes[s].unit;
    while (decimals < 9 && fabs(step * tens[decimals] - round(step * tens[decimals])) > 1e-6 * step * tens[decimals])
        decimals++;
    (void)tarn_plain_fixed(x / sizes[s].unit, decimals, out);
    if (fabs(x) > 0) (void)strcat(out, sizes[s].suffix);
    return out;
}

/* Width of the character that begins here, and its bytes. Wide scripts start at U+1100, more or less. */
static double step_over(const char *at, size_t *bytes)
{
    unsigned char c = (unsigned char)*at;
    size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

    *bytes = 1;
    while (*bytes < n && ((unsigned char)at[*bytes] & 0xC0) == 0x80) (*bytes)++;
    if (c >= 0xE1 && !(c == 0xE2 && (unsigned char)at[1] < 0xBA)) return 1.0;
    if (c >= 0x80) return 0.6;
    return strchr("iljtf.,:;'|!()[] I1", c) ? 0.36 : strchr("mwMW@%", c) ? 0.9 : c >= 'A' && c <= 'Z' ? 0.68 : 0.57;
}

double tarn_plain_width(const char *text)
{
    double sum = 0;
    size_t n = 0;

    for (const char *at = text; *at; at += n) sum += step_over(at, &n);
    return sum;
}

const char *tarn_plain_cut(const char *text, double most, char *out, size_t cap)
{
    double sum = 0;
    size_t len = 0, n = 0;
    bool whole = tarn_plain_width(text) <= most && strlen(text) < cap;

    for (const char *at = text; *at; at += n) {
        sum += step_over(at, &n);
        if (!whole && (sum > most - 0.9 || len + n + 4 > cap)) break;
        memcpy(out + len, at, n);
        len += n;
    }
    memcpy(out + len, whole ? "" : "\u2026", whole ? 1 : 4);
    return out;
}

void tarn_plain_markup(tarn_text *t, const char *text)
{
    size_t n = 0;

    for (const char *at = text; *at; at += n) {
        char one[8] = {0};
        (void)step_over(at, &n);
        memcpy(one, at, n);
        bool control = (unsigned char)*at < 0x20 && !strchr("\t\n\r", *at);
        bool no_character = memcmp(one, "\xEF\xBF\xBE", 4) == 0 || memcmp(one, "\xEF\xBF\xBF", 4) == 0;
        tarn_text_xml(t, control || no_character ? " " : one);
    }
}
