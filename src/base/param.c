/* SPDX-License-Identifier: Apache-2.0 */
/* param.c - reading, checking and printing declared parameters. See param.h. */
#include "base/param.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void *field(const tarn_param *p, void *values) { return (char *)values + p->at; }

/* A value of one of the four types that are not text; `whole` is INT, BOOL and WORD: a double cannot hold every INT. */
typedef struct number {
    int64_t whole;
    double real;
} number;

/* x, which the table's author wrote as a double. */
static number preset_of(const tarn_param *p)
{
    number x = {.real = p->preset};

    if (p->type != TARN_P_REAL) x.whole = p->preset >= 0x1p63 ? INT64_MAX : (int64_t)p->preset;
    return x;
}

static void store_number(const tarn_param *p, void *values, number x)
{
    int word = (int)x.whole;
    bool yes = x.whole != 0;

    switch (p->type) {
    case TARN_P_INT: memcpy(field(p, values), &x.whole, sizeof x.whole); break;
    case TARN_P_REAL: memcpy(field(p, values), &x.real, sizeof x.real); break;
    case TARN_P_BOOL: memcpy(field(p, values), &yes, sizeof yes); break;
    case TARN_P_WORD: memcpy(field(p, values), &word, sizeof word); break;
    case TARN_P_TEXT:
    case TARN_P_END: break;
    }
}

static number load_number(const tarn_param *p, const void *values)
{
    const char *at = (const char *)values + p->at;
    number x = {0};
    bool yes;
    int word;

    switch (p->type) {
    case TARN_P_INT: memcpy(&x.whole, at, sizeof x.whole); break;
    case TARN_P_REAL: memcpy(&x.real, at, sizeof x.real); break;
    case TARN_P_BOOL:
        memcpy(&yes, at, sizeof yes);
        x.whole = yes;
        break;
    case TARN_P_WORD:
        memcpy(&word, at, sizeof word);
        x.whole = word;
        break;
    default: break;
    }
    return x;
}

/* Behind what is there, in a line of its own. False: no room. */
static bool add_text(const tarn_param *p, void *values, const char *text)
{
    char *at = field(p, values);
    size_t used = strlen(at), len = strlen(text);

    if (used + len + 2 > (size_t)p->most) return false;
    if (len == 0) return true;
    if (used > 0) at[used++] = '\n';
    memcpy(at + used, text, len + 1);
    return true;
}

static void store_text(const tarn_param *p, void *values, const char *text)
{
    size_t cap = (size_t)p->most;
    char *at = field(p, values);

    memset(at, 0, cap);
    memcpy(at, text, strnlen(text, cap - 1));
}

void tarn_params_default(const tarn_param *table, void *values)
{
    for (const tarn_param *p = table; p && p->type != TARN_P_END; p++) {
        if (p->type == TARN_P_TEXT) store_text(p, values, p->preset_text ? p->preset_text : "");
        else store_number(p, values, preset_of(p));
    }
}

const tarn_param *tarn_param_find(const tarn_param *table, const char *name)
{
    for (const tarn_param *p = table; p && p->type != TARN_P_END; p++)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

/* The i-th of "a|b|c" into out; false past the last. */
static bool word_at(const char *words, int i, char *out, size_t cap)
{
    const char *at = words;

    for (; i > 0; i--) {
        at = strchr(at, '|');
        if (!at) return false;
        at++;
    }
    size_t len = strcspn(at, "|");
    if (len >= cap) len = cap - 1;
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

static tarn_code unknown_name(const tarn_param *table, const char *name, tarn_err *err)
{
    const char *names[128] = {0};
    size_t n = 0;

    for (const tarn_param *p = table; p && p->type != TARN_P_END && n < 128; p++) names[n++] = p->name;
    const char *near = tarn_nearest_word(name, names, n);
    if (near) return TARN_FAIL(err, TARN_INVALID, "unknown parameter '%s'; did you mean '%s'?", name, near);
    tarn_text list = {0};
    for (size_t i = 0; i < n; i++) tarn_text_addf(&list, "%s%s", i ? ", " : "", names[i]);
    tarn_code rc =
        TARN_FAIL(err, TARN_INVALID, "unknown parameter '%s'; known are: %s", name, list.data ? list.data : "none");
    tarn_text_clear(&list);
    return rc;
}

static bool read_value(const tarn_param *p, const char *text, number *x)
{
    char word[64];

    switch (p->type) {
    case TARN_P_INT:
        if (!tarn_int_parse(text, strlen(text), &x->whole)) return false;
        return (double)x->whole >= p->least && (double)x->whole <= p->most;
    case TARN_P_REAL:
        return tarn_num_parse(text, strlen(text), false, &x->real) && x->real >= p->least && x->real <= p->most;
    case TARN_P_BOOL:
        x->whole = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "1") == 0;
        return x->whole != 0 || strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "0") == 0;
    case TARN_P_WORD:
        for (int i = 0; word_at(p->words, i, word, sizeof word); i++)
            if (strcmp(word, text) == 0) {
                x->whole = i;
                return true;
            }
        return false;
    default: return false;
    }
}

tarn_code tarn_param_set(const tarn_param *table, void *values, const char *name, const char *text, tarn_err *err)
{
    char expects[256];
    number x = {0};
    const tarn_param *p = tarn_param_find(table, name);

    if (!p) return unknown_name(table, name, err);
    if (p->many) {
        if (add_text(p, values, text)) return TARN_OK;
    } else if (p->type == TARN_P_TEXT) {
        if (strlen(text) < (size_t)p->most) {
            store_text(p, values, text);
            return TARN_OK;
        }
    } else if (read_value(p, text, &x)) {
        store_number(p, values, x);
        return TARN_OK;
    }
    return TARN_FAIL(err, TARN_INVALID, "parameter '%s': '%.80s' should be %s", name, text,
                     tarn_param_expects(p, expects, sizeof expects));
}

const char *tarn_param_expects(const tarn_param *p, char *out, size_t cap)
{
    char a[32], b[32], word[64];
    size_t at = 0;

    switch (p->type) {
    case TARN_P_INT:
    case TARN_P_REAL:
        (void)snprintf(out, cap, "%s, %s to %s", p->type == TARN_P_INT ? "a whole number" : "a number",
                       tarn_num_format(p->least, a), tarn_num_format(p->most, b));
        break;
    case TARN_P_BOOL: (void)snprintf(out, cap, "true or false"); break;
    case TARN_P_WORD:
        at = (size_t)snprintf(out, cap, "one of ");
        for (int i = 0; at < cap && word_at(p->words, i, word, sizeof word); i++)
            at += (size_t)snprintf(out + at, cap - at, "%s%s", i ? ", " : "", word);
        break;
    case TARN_P_TEXT: (void)snprintf(out, cap, "text of at most %d bytes", (int)p->most - 1); break;
    case TARN_P_END: (void)snprintf(out, cap, "%s", ""); break;
    }
    return out;
}

static const char *number_text(const tarn_param *p, number x, char *out, size_t cap)
{
    char digits[32];

    if (p->type == TARN_P_BOOL) (void)snprintf(out, cap, "%s", x.whole != 0 ? "true" : "false");
    else if (p->type == TARN_P_WORD) {
        if (!word_at(p->words, (int)x.whole, out, cap)) (void)snprintf(out, cap, "?");
    } else if (p->type == TARN_P_INT) (void)snprintf(out, cap, "%lld", (long long)x.whole);
    else (void)snprintf(out, cap, "%s", tarn_num_format(x.real, digits));
    return out;
}

const char *tarn_param_get(const tarn_param *p, const void *values, char *out, size_t cap)
{
    if (p->type != TARN_P_TEXT) return number_text(p, load_number(p, values), out, cap);
    (void)snprintf(out, cap, "%s", (const char *)values + p->at);
    return out;
}

const char *tarn_param_preset(const tarn_param *p, char *out, size_t cap)
{
    if (p->type != TARN_P_TEXT) return number_text(p, preset_of(p), out, cap);
    (void)snprintf(out, cap, "%s", p->preset_text ? p->preset_text : "");
    return out;
}
