/* SPDX-License-Identifier: Apache-2.0 */
/* remote.c - URLs and answers of stores behind HTTP. See remote.h. */
#include "lake/remote.h"

#include "base/sigv4.h"
#include "base/xml.h"

#include <stdio.h>
#include <string.h>

enum { NAME_CAP = 200, PATIENCE_MOST = 86400 };

/* ---- the URL ---- */

tarn_code tarn_remote_endpoint(tarn_remote *r, const char *url, tarn_err *err)
{
    bool tls = strncmp(url, "https://", 8) == 0;
    const char *host = strstr(url, "://");
    size_t len = strlen(url);

    if ((!tls && strncmp(url, "http://", 7) != 0) || !host || !host[3] || host[3] == '/' || strpbrk(url, "?#@ "))
        return TARN_FAIL(err, TARN_INVALID, "the endpoint '%.100s' is no URL like https://host:port", url);
    while (len > 0 && url[len - 1] == '/') len--;
    if (len >= sizeof r->endpoint) return TARN_FAIL(err, TARN_LIMIT, "the endpoint's URL is too long");
    memcpy(r->endpoint, url, len);
    r->endpoint[len] = '\0';
    host = strstr(r->endpoint, "://") + 3;
    size_t n = strcspn(host, "/"), port = tls ? 4 : 3;
    if (n >= sizeof r->host) return TARN_FAIL(err, TARN_LIMIT, "the endpoint's host is too long");
    memcpy(r->host, host, n);
    r->host[n] = '\0';
    if (n > port && strcmp(r->host + n - port, tls ? ":443" : ":80") == 0) r->host[n - port] = '\0';
    return TARN_OK;
}

void tarn_remote_heard(tarn_remote *r, tarn_code rc, tarn_retry_hint *hint)
{
    if (rc == TARN_OK) atomic_store(&r->known, true);
    hint->again = rc == TARN_IO;
    hint->stranger = !atomic_load(&r->known);
}

static tarn_code keep(char *out, size_t cap, const char *value, size_t len, const char *what, tarn_err *err)
{
    if (len >= cap) return TARN_FAIL(err, TARN_LIMIT, "the %s in the store's URL is too long", what);
    memcpy(out, value, len);
    out[len] = '\0';
    return TARN_OK;
}

static tarn_code set_option(tarn_remote *r, const char *name, size_t name_len, const char *value, size_t len,
                            tarn_err *err)
{
    char endpoint[sizeof r->endpoint];
    int64_t seconds = 0;
    tarn_code rc = TARN_OK;

    switch (name_len) {
    case 8:
        if (memcmp(name, "endpoint", 8) == 0) {
            rc = keep(endpoint, sizeof endpoint, value, len, "endpoint", err);
            return rc == TARN_OK ? tarn_remote_endpoint(r, endpoint, err) : rc;
        }
        if (memcmp(name, "patience", 8) == 0 && tarn_int_parse(value, len, &seconds) && seconds > 0 &&
            seconds <= PATIENCE_MOST) {
            r->retry.total_ms = seconds * 1000;
            atomic_store(&r->known, true);
            return TARN_OK;
        }
        break;
    case 7:
        if (memcmp(name, "profile", 7) == 0) return keep(r->profile, sizeof r->profile, value, len, "profile", err);
        break;
    case 6:
        if (memcmp(name, "region", 6) == 0) return keep(r->region, sizeof r->region, value, len, "region", err);
        break;
    case 5:
        if (memcmp(name, "style", 5) == 0 &&
            ((len == 4 && memcmp(value, "path", 4) == 0) || (len == 4 && memcmp(value, "host", 4) == 0)))
            return keep(r->style, sizeof r->style, value, len, "style", err);
        break;
    default: break;
    }
    return TARN_FAIL(err, TARN_INVALID,
                     "'%.*s' is no option of a store's URL, or its value is none; there are endpoint=URL, region=NAME, "
                     "style=path|host, profile=NAME, patience=SECONDS. Secrets come from the environment",
                     name_len > 40 ? 40 : (int)name_len, name);
}

static tarn_code read_options(tarn_remote *r, const char *at, tarn_err *err)
{
    while (*at) {
        size_t len = strcspn(at, "&"), name = strcspn(at, "=&");
        size_t value = name < len ? name + 1 : len;
        char text[400];
        tarn_code rc = keep(text, sizeof text, at + value, len - value, "value of an option", err);
        size_t n = len - value;
        if (rc == TARN_OK && !tarn_sigv4_decode(text, &n))
            rc = TARN_FAIL(err, TARN_INVALID, "a '%%' in the store's URL stands before no two hexadecimal digits");
        if (rc == TARN_OK) text[n] = '\0';
        if (rc == TARN_OK) rc = set_option(r, at, name, text, n, err);
        if (rc != TARN_OK) return rc;
        at += len + (at[len] == '&');
    }
    return TARN_OK;
}

static bool path_ok(const char *text, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";

    for (size_t i = 0; i < len; i++)
        if (!strchr(letters, text[i]) || (text[i] == '/' && i + 1 < len && text[i + 1] == '/') ||
            (text[i] == '.' && i + 1 < len && text[i + 1] == '.'))
            return false;
    return true;
}

tarn_code tarn_remote_open(tarn_remote *r, const char *scheme, const char *rest, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *name = rest + 2, *query = strchr(rest, '?');

    *r = (tarn_remote){.scheme = scheme};
    size_t all = query ? (size_t)(query - rest) : strlen(rest);
    size_t bucket = all > 2 ? strcspn(name, "/?") : 0;
    if (strncmp(rest, "//", 2) != 0 || bucket == 0 || !path_ok(name, all - 2))
        return TARN_FAIL(
            err, TARN_INVALID,
            "a store's URL looks like %s://bucket/prefix?option=value, with letters, digits, '.', '_', '-' in "
            "bucket and prefix",
            scheme);
    TARN_TRY(keep(r->bucket, sizeof r->bucket, name, bucket, "bucket", err));
    const char *prefix = name + bucket;
    size_t len = all - 2 - bucket;
    while (len > 0 && *prefix == '/') prefix++, len--;
    while (len > 0 && prefix[len - 1] == '/') len--;
    TARN_TRY(keep(r->prefix, sizeof r->prefix - 1, prefix, len, "prefix", err));
    if (len > 0) (void)strcpy(r->prefix + len, "/");
    if (query) TARN_TRY(read_options(r, query + 1, err));
    TARN_TRY(tarn_http_new(NULL, &r->http, err));
done:
    return rc;
}

void tarn_remote_clear(tarn_remote *r)
{
    tarn_http_free(r->http);
    r->http = NULL;
}

tarn_code tarn_remote_name(const char *name, tarn_err *err)
{
    size_t len = strlen(name);

    if (len == 0 || len >= NAME_CAP || name[0] == '/' || strstr(name, "..") ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789/.-") != len)
        return TARN_FAIL(err, TARN_INVALID, "'%.100s' cannot name a blob", name);
    return TARN_OK;
}

/* ---- answers ---- */

static tarn_code keep_fault(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    tarn_remote_fault *f = arg;

    (void)len, (void)err;
    if (!text) return TARN_OK;
    if (strcmp(path, "Error/Code") == 0) (void)snprintf(f->code, sizeof f->code, "%.*s", (int)sizeof f->code - 1, text);
    if (strcmp(path, "Error/Message") == 0)
        (void)snprintf(f->message, sizeof f->message, "%.*s", (int)strcspn(text, "\r\n"), text);
    return TARN_OK;
}

void tarn_remote_fault_read(const tarn_http_answer *answer, tarn_remote_fault *out)
{
    *out = (tarn_remote_fault){.code = ""};
    if (answer->len == 0) return;
    if (tarn_xml_read(answer->body, answer->len, 1 << 20, "the store's error", keep_fault, out, NULL) != TARN_OK)
        return;
}

tarn_code tarn_remote_take(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    tarn_remote_into *into = arg;

    if (len > into->cap - into->len)
        return TARN_FAIL(err, TARN_IO, "the store sends more than the %zu bytes that were asked for", into->cap);
    memcpy(into->at + into->len, bytes, len);
    into->len += len;
    return TARN_OK;
}

/* ---- base64 (RFC 4648) ---- */

static const char letters64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void tarn_base64(tarn_text *out, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t x = (uint32_t)p[i] << 16 | (uint32_t)(n > 1 ? p[i + 1] : 0) << 8 | (uint32_t)(n > 2 ? p[i + 2] : 0);
        char four[4] = {letters64[x >> 18], letters64[x >> 12 & 63], letters64[x >> 6 & 63], letters64[x & 63]};
        if (n < 3) four[3] = '=';
        if (n < 2) four[2] = '=';
        tarn_text_addn(out, four, 4);
    }
}
