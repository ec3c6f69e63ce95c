/* SPDX-License-Identifier: Apache-2.0 */
/* authorization.c - see authorization.h.
 * Source: RFC 7617 (Basic), RFC 6750 section 2.1 (Bearer), RFC 4648 section 4 (base64), RFC 6265 section 4.2 (Cookie),
 * WHATWG URL, application/x-www-form-urlencoded. */
#include "serve/authorization.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

/* ---- Authorization ---- */

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Whole text, padding as it must be; the number of bytes, or -1. */
static long unbase64(const char *text, size_t len, char *out, size_t cap)
{
    size_t digits = len, n = 0;
    uint32_t bits = 0;

    if (len == 0 || len % 4 != 0) return -1;
    while (digits > len - 2 && text[digits - 1] == '=') digits--;
    for (size_t i = 0; i < digits; i++) {
        int d = base64_digit(text[i]);
        if (d < 0) return -1;
        bits = bits << 6 | (uint32_t)d;
        if (i % 4 == 0) continue;
        if (n == cap) return -1;
        out[n++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    return (long)n;
}

static tarn_code read_basic(const char *text, size_t len, tarn_auth *out, tarn_err *err)
{
    char plain[TARN_AUTH_USER + TARN_AUTH_SECRET];
    long n = unbase64(text, len, plain, sizeof plain);
    const char *colon = n > 0 ? memchr(plain, ':', (size_t)n) : NULL;
    tarn_code rc = TARN_OK;

    if (!colon || memchr(plain, '\0', (size_t)n)) {
        rc = TARN_FAIL(err, TARN_INVALID, "the Authorization header is not Basic with base64 of user:password");
        goto done;
    }
    size_t user = (size_t)(colon - plain);
    out->len = (size_t)n - user - 1;
    if (user >= sizeof out->user || out->len >= sizeof out->secret) {
        rc = TARN_FAIL(err, TARN_INVALID, "the user or password of the Authorization header is too long");
        goto done;
    }
    memcpy(out->user, plain, user);
    memcpy(out->secret, colon + 1, out->len);
    out->basic = true;
done:
    explicit_bzero(plain, sizeof plain);
    return rc;
}

static tarn_code read_bearer(const char *text, size_t len, tarn_auth *out, tarn_err *err)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return TARN_FAIL(err, TARN_INVALID, "the Authorization header is not Bearer with one token");
    if (len == 0 || len >= sizeof out->secret)
        return TARN_FAIL(err, TARN_INVALID, "the token of the Authorization header is empty or too long");
    memcpy(out->secret, text, len);
    out->len = len;
    return TARN_OK;
}

tarn_code tarn_auth_read(const char *header, tarn_auth *out, tarn_err *err)
{
    size_t scheme = strcspn(header, " "), len;
    const char *rest = header + scheme;

    *out = (tarn_auth){.len = 0};
    rest += strspn(rest, " ");
    len = strlen(rest);
    while (len > 0 && rest[len - 1] == ' ') len--;
    if (scheme == 5 && strncasecmp(header, "Basic", 5) == 0) return read_basic(rest, len, out, err);
    if (scheme == 6 && strncasecmp(header, "Bearer", 6) == 0) return read_bearer(rest, len, out, err);
    return TARN_FAIL(err, TARN_INVALID, "the Authorization header is neither Bearer nor Basic");
}

/* ---- cookie and form ---- */

bool tarn_cookie_find(const char *header, const char *name, char *out, size_t cap)
{
    size_t name_len = strlen(name);

    for (const char *p = header; *p;) {
        p += strspn(p, " ;");
        size_t len = strcspn(p, ";");
        if (len > name_len && strncmp(p, name, name_len) == 0 && p[name_len] == '=') {
            size_t n = len - name_len - 1;
            if (n >= cap) return false;
            memcpy(out, p + name_len + 1, n);
            out[n] = '\0';
            return true;
        }
        p += len;
    }
    return false;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %xx and + undone; false if it does not fit or is not well formed. */
static bool decode(const char *text, size_t len, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        int c = text[i] == '+' ? ' ' : (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_of(text[i + 1]) : -1, low = i + 2 < len ? hex_of(text[i + 2]) : -1;
            if (high < 0 || low < 0) return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || n + 1 >= cap) return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

bool tarn_form_find(const char *body, size_t len, const char *name, char *out, size_t cap)
{
    size_t name_len = strlen(name);

    for (size_t at = 0; at < len;) {
        const char *end = memchr(body + at, '&', len - at);
        size_t n = end ? (size_t)(end - body) - at : len - at;
        if (n > name_len && memcmp(body + at, name, name_len) == 0 && body[at + name_len] == '=')
            return decode(body + at + name_len + 1, n - name_len - 1, out, cap);
        at += n + 1;
    }
    return false;
}
