/* SPDX-License-Identifier: Apache-2.0 */
/* glob.c - patterns of paths and of branches. */
#include "lake/inside.h"

#include <string.h>

/* Where to go on when what follows a star did not fit: the star takes one character more. The last '**' is kept beside
 * the last '*' behind it, because only the former may take a '/'. */
typedef struct retry {
    const char *pattern, *text; /* pattern NULL: no star yet */
} retry;

/* Behind the character at t: UTF-8 goes on with bytes that begin with 10. */
static const char *next_character(const char *t)
{
    for (t++; ((unsigned char)*t & 0xC0) == 0x80; t++) continue;
    return t;
}

static bool take_again(retry *star, const char **p, const char **t, const char *end, bool over_slash)
{
    if (!star->pattern || star->text >= end || (!over_slash && *star->text == '/')) return false;
    *p = star->pattern;
    *t = star->text = next_character(star->text);
    return true;
}

static bool fits(const char *p, size_t len, const char *t)
{
    const char *p_end = p + len, *t_end = t + strlen(t);
    bool below = len > 0 && p[len - 1] == '/';
    retry one = {NULL, NULL}, two = {NULL, NULL};

    for (;;) {
        if (p == p_end && (below || t == t_end)) return true;
        if (p < p_end && *p == '*') {
            bool deep = p + 1 < p_end && p[1] == '*';
            while (p < p_end && *p == '*') p++;
            if (deep) two = (retry){p, t}, one.pattern = NULL;
            else one = (retry){p, t};
        } else if (p < p_end && t < t_end && *p == '?' && *t != '/') {
            p++, t = next_character(t);
        } else if (p < p_end && t < t_end && *p == *t) {
            p++, t++;
        } else if (!take_again(&one, &p, &t, t_end, false)) {
            one.pattern = NULL;
            if (!take_again(&two, &p, &t, t_end, true)) return false;
        }
    }
}

bool tarn_glob_any(const char *patterns, const char *text)
{
    while (patterns && *patterns) {
        size_t len = strcspn(patterns, "\n");
        if (len > 0 && fits(patterns, len, text)) return true;
        patterns += len + (patterns[len] == '\n');
    }
    return false;
}

uint64_t tarn_glob_which(const char *patterns, const char *text)
{
    uint64_t which = 0;

    for (uint64_t bit = 1; patterns && *patterns && bit; bit <<= 1) {
        size_t len = strcspn(patterns, "\n");
        if (len > 0 && fits(patterns, len, text)) which |= bit;
        patterns += len + (patterns[len] == '\n');
    }
    return which;
}
