/* SPDX-License-Identifier: Apache-2.0 */
/* markup_test.h - for tests: is a text well-formed XML, as far as our writers use it, and is it free of what was put
 * in? */
#ifndef TARN_ASSESS_MARKUP_TEST_H
#define TARN_ASSESS_MARKUP_TEST_H

#include "base/str.h"
#include "support/tarn_test.h"

enum { MARKUP_DEPTH = 32, MARKUP_NAME = 16 };

static const char *markup_name(const char *at, char out[MARKUP_NAME])
{
    size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!");

    if (n == 0 || n >= MARKUP_NAME) fail_msg("no tag name at '%.40s'", at);
    memcpy(out, at, n);
    out[n] = 0;
    return at + n;
}

/* A tag from behind its name to behind its '>'; *alone: it ends in "/>". */
static const char *markup_attributes(const char *at, bool *alone)
{
    while (*at == ' ') {
        size_t n = strspn(++at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:");
        at += n;
        if (n > 0 && *at != '=') continue; /* <!DOCTYPE html> */
        if (n == 0 || at[1] != '"') fail_msg("no attribute at '%.40s'", at);
        at += 2;
        n = strcspn(at, "\"<");
        if (at[n] != '"') fail_msg("an attribute does not end: '%.40s'", at);
        if (memmem(at, n, "nan", 3) || memmem(at, n, "inf", 3)) fail_msg("a number is not one: '%.40s'", at);
        at += n + 1;
    }
    *alone = *at == '/';
    at += *alone;
    if (*at != '>') fail_msg("a tag does not end at '%.40s'", at);
    return at + 1;
}

static void markup_check_text(const char *at, size_t n)
{
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

    for (size_t i = 0; i < n; i++) {
        bool known = at[i] != '&';
        for (int e = 0; e < 5; e++) known |= strncmp(at + i, entities[e], strlen(entities[e])) == 0;
        if (!known) fail_msg("a bare ampersand: '%.40s'", at + i);
        if ((unsigned char)at[i] < 0x20 && !strchr("\t\r\n", at[i])) fail_msg("a control character: '%.40s'", at + i);
    }
}

/* Fails the test unless all tags close in order, attributes are quoted, and texts are escaped. */
static void markup_check(const char *text)
{
    char open[MARKUP_DEPTH][MARKUP_NAME], name[MARKUP_NAME];
    int depth = 0;
    bool alone;
    size_t bad;

    if (!tarn_utf8_valid(text, strlen(text), &bad)) fail_msg("not UTF-8 at %zu", bad);
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "<");
        if (!(depth > 0 && strcmp(open[depth - 1], "style") == 0)) markup_check_text(at, n);
        at += n;
        if (!*at) break;
        bool closes = at[1] == '/';
        at = markup_attributes(markup_name(at + 1 + closes, name), &alone);
        if (closes) {
            if (depth == 0 || strcmp(open[depth - 1], name) != 0) fail_msg("</%s> closes nothing at '%.40s'", name, at);
            depth--;
        } else if (!alone && strcmp(name, "meta") != 0 && strcmp(name, "!DOCTYPE") != 0) {
            assert_true(depth < MARKUP_DEPTH);
            memcpy(open[depth++], name, MARKUP_NAME);
        }
    }
    if (depth != 0) fail_msg("<%s> is not closed", open[depth - 1]);
}

#endif
