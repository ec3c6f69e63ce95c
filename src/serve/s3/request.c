/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - what a request says: bucket, key, query, headers, and which operation that is. */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PAIRS_MOST = 100, HEADERS_MOST = 200, METADATA_MOST = 8192 };

/* ---- reading ---- */

static tarn_code decode(tarn_s3_call *call, const char *text, size_t len, bool plus, const char **out, tarn_err *err)
{
    char *copy = NULL;
    size_t n = len, bad = 0;
    tarn_code rc = tarn_arena_strndup(call->arena, text, len, &copy, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; plus && i < len; i++)
        if (copy[i] == '+') copy[i] = ' ';
    if (!tarn_sigv4_decode(copy, &n) || !tarn_utf8_valid(copy, n, &bad))
        return tarn_s3_fail(call, err, TARN_S3_InvalidURI, "'%.100s' is not UTF-8 with each '%%' before two digits",
                            text);
    copy[n] = '\0';
    *out = copy;
    return TARN_OK;
}

tarn_code tarn_s3_pairs(tarn_s3_call *call, const char *text, tarn_sigv4_pair **out, size_t *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t most = 1;

    for (const char *p = text; *p; p++) most += *p == '&';
    if (most > PAIRS_MOST)
        return tarn_s3_fail(call, err, TARN_S3_InvalidURI, "%zu parameters are too many (at most %d)", most,
                            (int)PAIRS_MOST);
    TARN_TRY(tarn_arena_alloc(call->arena, out, most, sizeof **out, err));
    for (*n = 0; *text;) {
        size_t len = strcspn(text, "&");
        const char *equals = memchr(text, '=', len);
        tarn_sigv4_pair *p = &(*out)[*n];
        if (len > 0) {
            TARN_TRY(decode(call, text, equals ? (size_t)(equals - text) : len, true, &p->name, err));
            p->value = "";
            if (equals) TARN_TRY(decode(call, equals + 1, len - (size_t)(equals - text) - 1, true, &p->value, err));
            ++*n;
        }
        text += len + (text[len] == '&');
    }
done:
    return rc;
}

static void keep_header(void *arg, const char *name, const char *value)
{
    tarn_s3_call *call = arg;

    if (call->n_headers < HEADERS_MOST) call->headers[call->n_headers++] = (tarn_sigv4_pair){name, value};
    else call->failed = true;
}

/* The bucket in the host, if it is <bucket>.<domain>; else "". */
static tarn_code host_bucket(tarn_s3_call *call, char bucket[64])
{
    const char *host = tarn_s3_header(call, "Host"), *domain = call->gateway->options.domain;
    size_t len = host ? strcspn(host, ":") : 0, n = domain ? strlen(domain) : 0;

    bucket[0] = '\0';
    if (n == 0 || len < n + 2 || len - n - 1 >= 64 || host[len - n - 1] != '.' ||
        strncasecmp(host + len - n, domain, n) != 0)
        return TARN_OK;
    (void)snprintf(bucket, 64, "%.*s", (int)(len - n - 1), host);
    return TARN_OK;
}

static tarn_code read_path(tarn_s3_call *call, const char *path, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char in_host[64];
    char *raw = NULL;

    if (len == 0 || path[0] != '/')
        return tarn_s3_fail(call, err, TARN_S3_InvalidURI, "the path does not begin with '/'");
    TARN_TRY(tarn_arena_strndup(call->arena, path, len, &raw, err));
    call->raw_path = raw;
    TARN_TRY(host_bucket(call, in_host));
    const char *key = path + 1;
    size_t left = len - 1;
    if (in_host[0]) {
        TARN_TRY(decode(call, in_host, strlen(in_host), false, &call->bucket, err));
    } else {
        size_t n = 0;
        while (n < left && key[n] != '/') n++;
        TARN_TRY(decode(call, key, n, false, &call->bucket, err));
        key += n < left ? n + 1 : n;
        left -= n < left ? n + 1 : n;
    }
    TARN_TRY(decode(call, key, left, false, &call->key, err));
    if (strlen(call->key) > 1024)
        rc = tarn_s3_fail(call, err, TARN_S3_KeyTooLongError, "the key has %zu bytes; 1,024 are possible",
                          strlen(call->key));
done:
    return rc;
}

tarn_code tarn_s3_request_read(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *target = call->x->target, *query = strchr(target, '?');
    size_t bytes = 0;

    call->bucket = call->key = call->raw_path = "";
    TARN_TRY(tarn_arena_alloc(call->arena, &call->headers, HEADERS_MOST, sizeof *call->headers, err));
    tarn_exchange_headers(call->x, keep_header, call);
    if (call->failed) {
        call->failed = false;
        return tarn_s3_fail(call, err, TARN_S3_MetadataTooLarge, "more than %d headers", (int)HEADERS_MOST);
    }
    for (size_t i = 0; i < call->n_headers; i++)
        if (strncasecmp(call->headers[i].name, "x-amz-meta-", 11) == 0)
            bytes += strlen(call->headers[i].name) - 11 + strlen(call->headers[i].value);
    if (bytes > METADATA_MOST)
        return tarn_s3_fail(call, err, TARN_S3_MetadataTooLarge, "%zu bytes of user metadata; %d are possible", bytes,
                            (int)METADATA_MOST);
    TARN_TRY(read_path(call, target, query ? (size_t)(query - target) : strlen(target), err));
    if (query) TARN_TRY(tarn_s3_pairs(call, query + 1, &call->query, &call->n_query, err));
done:
    return rc;
}

/* ---- asking ---- */

const char *tarn_s3_query(const tarn_s3_call *call, const char *name)
{
    for (size_t i = 0; i < call->n_query; i++)
        if (strcmp(call->query[i].name, name) == 0) return call->query[i].value;
    return NULL;
}

bool tarn_s3_has_query(const tarn_s3_call *call, const char *name) { return tarn_s3_query(call, name) != NULL; }

const char *tarn_s3_header(const tarn_s3_call *call, const char *name) { return tarn_exchange_header(call->x, name); }

tarn_code tarn_s3_number(tarn_s3_call *call, const char *name, int64_t least, int64_t most, int64_t otherwise,
                         int64_t *out, tarn_err *err)
{
    const char *text = tarn_s3_query(call, name);

    *out = otherwise;
    if (!text || !*text) return TARN_OK;
    if (tarn_int_parse(text, strlen(text), out) && *out >= least && *out <= most) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "%s=%.40s: expected a whole number, %lld to %lld", name,
                        text, (long long)least, (long long)most);
}

/* ---- choosing ---- */

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = words; p && *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        if (len == n && strncmp(p, word, n) == 0) return true;
        p += len;
    }
    return false;
}

static bool selects(const tarn_s3_call *call, const tarn_s3_op *op)
{
    char name[64];
    const char *equals = strchr(op->select, '=');

    if (!equals) return tarn_s3_has_query(call, op->select);
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - op->select), op->select);
    const char *value = tarn_s3_query(call, name);
    return value && strcmp(value, equals + 1) == 0;
}

/* Parameters that are about the request, not about what is asked. */
static bool of_every_request(const char *name)
{
    return strncmp(name, "X-Amz-", 6) == 0 || strncmp(name, "x-", 2) == 0 || strcmp(name, "AWSAccessKeyId") == 0 ||
           strcmp(name, "Signature") == 0 || strcmp(name, "Expires") == 0;
}

static tarn_code check_query(tarn_s3_call *call, tarn_err *err)
{
    const tarn_s3_op *op = call->op;
    size_t n = op->select ? strcspn(op->select, "=") : 0;

    for (size_t i = 0; i < call->n_query; i++) {
        const char *name = call->query[i].name;
        if (of_every_request(name) || has_word(op->takes, name)) continue;
        if (op->select && strlen(name) == n && strncmp(name, op->select, n) == 0) continue;
        return tarn_s3_fail(call, err, TARN_S3_NotImplemented, "%s does not know '%.60s' here", op->name, name);
    }
    return TARN_OK;
}

/* Headers that ask for something this server does not do: better refused than forgotten. */
static const char *const refused[] = {"x-amz-server-side-encryption",
                                      "x-amz-copy-source-server-side-encryption",
                                      "x-amz-grant-",
                                      "x-amz-website-redirect-location",
                                      "x-amz-write-offset-bytes",
                                      "x-amz-if-match-",
                                      "x-amz-rename-source"};

static tarn_code check_headers(tarn_s3_call *call, tarn_err *err)
{
    static const char *const owners[] = {"x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"};

    for (size_t i = 0; i < call->n_headers; i++)
        for (size_t k = 0; k < sizeof refused / sizeof *refused; k++)
            if (strncasecmp(call->headers[i].name, refused[k], strlen(refused[k])) == 0)
                return tarn_s3_fail(call, err, TARN_S3_NotImplemented, "the header '%.60s' is not known here",
                                    call->headers[i].name);
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        const char *owner = tarn_s3_header(call, owners[i]);
        if (owner && strcmp(owner, "tarn") != 0)
            return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "the owner of all buckets here is 'tarn', not '%.60s'",
                                owner);
    }
    return TARN_OK;
}

/* How well an operation fits: -1 not at all; more the more it asks for. */
static int fit(const tarn_s3_call *call, const tarn_s3_op *op, tarn_s3_level level)
{
    if (op->level != level || strcmp(op->method, call->x->method) != 0) return -1;
    if (op->select && !selects(call, op)) return -1;
    if (op->header && !tarn_s3_header(call, op->header)) return -1;
    return (op->select ? 2 : 0) + (op->header ? 1 : 0);
}

tarn_code tarn_s3_choose(tarn_s3_call *call, tarn_err *err)
{
    tarn_s3_level level = *call->key ? TARN_S3_OBJECT : *call->bucket ? TARN_S3_BUCKET : TARN_S3_SERVICE;
    int best = -1;

    for (int i = 0; i < tarn_s3_op_count(); i++) {
        int n = fit(call, tarn_s3_op_at(i), level);
        if (n > best) call->op = tarn_s3_op_at(i);
        if (n > best) best = n;
    }
    if (call->op) {
        tarn_code rc = check_query(call, err);
        return rc == TARN_OK ? check_headers(call, err) : rc;
    }
    return tarn_s3_fail(call, err, TARN_S3_NotImplemented, "%.20s of %s%s is not an operation that this server has",
                        call->x->method,
                        level == TARN_S3_OBJECT   ? "an object"
                        : level == TARN_S3_BUCKET ? "a bucket"
                                                  : "/",
                        call->n_query ? " with these parameters" : "");
}
