/* SPDX-License-Identifier: Apache-2.0 */
/* azure.c - Azure Blob Storage by its REST interface, signed with the account's key.
 *
 *     azure://container/prefix?endpoint=http://127.0.0.1:10000/devstoreaccount1
 *
 * Account and key come from AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY, or AZURE_STORAGE_CONNECTION_STRING. A blob up
 * to 16 MiB is one Put Blob, a larger one is sent in blocks, which become a blob by Put Block List, whole or not at
 * all. The store checks every body against Content-MD5. Names that are there are not written again.
 *
 * Source: "Authorize with Shared Key" and "Blob service REST API", Microsoft Learn; version 2021-12-02. */
#include "lake/backend.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/sigv4.h"
#include "base/xml.h"
#include "lake/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCK = 16 << 20, BLOCKS = 64, MOST_PAIRS = 8, LIST_MOST = 16 << 20 };

typedef struct azure {
    tarn_remote r;
    char account[65];
    char base[300]; /* path of the endpoint: "" or "/account" */
    uint8_t key[128];
    size_t key_len;
} azure;

/* ---- one call ---- */

typedef struct pair {
    const char *name, *value;
} pair;

typedef struct call {
    azure *a;
    const char *method, *name; /* of the blob; NULL: about the container */
    pair query[MOST_PAIRS];    /* in the order of their names */
    size_t n_query;
    const char *range, *md5, *if_none, *type, *blob_type;
    const void *body;
    size_t len;
    tarn_remote_into *into;
    size_t most;
    tarn_http_answer answer;
} call;

static void add_query(call *c, const char *name, const char *value) { c->query[c->n_query++] = (pair){name, value}; }

static tarn_code fail_status(const call *c, tarn_err *err)
{
    tarn_remote_fault f;
    const char *container = c->a->r.bucket, *what = c->name ? c->name : container;
    int status = c->answer.status;

    tarn_remote_fault_read(&c->answer, &f);
    if (!f.code[0]) (void)tarn_http_header_get(&c->answer, "x-ms-error-code", f.code, sizeof f.code);
    if (strcmp(f.code, "ContainerNotFound") == 0)
        return TARN_FAIL(err, TARN_IO, "container '%s' is not there at %s; make it first", container, c->a->r.endpoint);
    if (status == 404) return TARN_FAIL(err, TARN_NOT_FOUND, "'%s' is not in container '%s'", what, container);
    if (status == 401 || status == 403)
        return TARN_FAIL(
            err, TARN_DENIED,
            "the store at %s refuses '%s' in container '%s' (%s); are account and key right, and the clock?",
            c->a->r.endpoint, what, container, *f.code ? f.code : "no reason");
    return TARN_FAIL(err, TARN_IO, "the store at %s answers %d to %s '%s' in container '%s'%s%.60s%s%.120s",
                     c->a->r.endpoint, status, c->method, what, container, *f.code ? ": " : "", f.code,
                     *f.message ? ": " : "", f.message);
}

static void add_path(const call *c, tarn_text *out)
{
    const azure *a = c->a;

    tarn_text_addf(out, "%s/%s", a->base, a->r.bucket);
    if (!c->name) return;
    tarn_text_add(out, "/");
    tarn_sigv4_encode(out, a->r.prefix, strlen(a->r.prefix), true);
    tarn_sigv4_encode(out, c->name, strlen(c->name), true);
}

typedef struct letter {
    char date[40], length[24];
    tarn_text path, url, to_sign, authorization;
} letter;

/* "value or nothing", and a line's end. */
static void add_line(tarn_text *t, const char *value) { tarn_text_addf(t, "%s\n", value ? value : ""); }

static tarn_code sign(const call *c, letter *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id mac;
    tarn_text *t = &l->to_sign;

    tarn_text_addf(t, "%s\n\n\n", c->method);
    add_line(t, c->len > 0 ? l->length : "");
    add_line(t, c->md5);
    add_line(t, c->type);
    tarn_text_add(t, "\n\n\n");
    add_line(t, c->if_none);
    tarn_text_add(t, "\n");
    add_line(t, c->range);
    if (c->blob_type) tarn_text_addf(t, "x-ms-blob-type:%s\n", c->blob_type);
    tarn_text_addf(t, "x-ms-date:%s\nx-ms-version:2021-12-02\n/%s%s", l->date, c->a->account, l->path.data);
    for (size_t i = 0; i < c->n_query; i++) tarn_text_addf(t, "\n%s:%s", c->query[i].name, c->query[i].value);
    TARN_TRY(tarn_text_check(t, err));
    TARN_TRY(tarn_hmac(c->a->key, c->a->key_len, t->data, t->len, &mac, err));
    tarn_text_addf(&l->authorization, "SharedKey %s:", c->a->account);
    tarn_base64(&l->authorization, mac.b, sizeof mac.b);
    rc = tarn_text_check(&l->authorization, err);
done:
    return rc;
}

/* Mon, 27 Jul 2026 10:00:00 GMT: strftime would ask the locale for names. */
static void write_date(char out[40])
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm t = {0};

    (void)gmtime_r(&now, &t);
    (void)snprintf(out, 40, "%.3s, %02d %.3s %d %02d:%02d:%02d GMT", days + (size_t)t.tm_wday * 3, t.tm_mday,
                   months + (size_t)t.tm_mon * 3, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static tarn_code write_letter(const call *c, letter *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    write_date(l->date);
    (void)snprintf(l->length, sizeof l->length, "%zu", c->len);
    add_path(c, &l->path);
    TARN_TRY(tarn_text_check(&l->path, err));
    tarn_text_addf(&l->url, "%.*s%s", (int)(strlen(c->a->r.endpoint) - strlen(c->a->base)), c->a->r.endpoint,
                   l->path.data);
    for (size_t i = 0; i < c->n_query; i++) {
        tarn_text_addf(&l->url, "%s%s=", i ? "&" : "?", c->query[i].name);
        tarn_sigv4_encode(&l->url, c->query[i].value, strlen(c->query[i].value), false);
    }
    TARN_TRY(tarn_text_check(&l->url, err));
    TARN_TRY(sign(c, l, err));
done:
    return rc;
}

static tarn_code once(void *arg, tarn_retry_hint *hint, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    call *c = arg;
    letter l = {.date = ""};
    tarn_http_header sent[10];
    size_t n = 0;

    tarn_http_answer_clear(&c->answer);
    if (c->into) c->into->len = 0;
    TARN_TRY(write_letter(c, &l, err));
    sent[n++] = (tarn_http_header){"x-ms-date", l.date};
    sent[n++] = (tarn_http_header){"x-ms-version", "2021-12-02"};
    sent[n++] = (tarn_http_header){"Authorization", l.authorization.data};
    if (c->blob_type) sent[n++] = (tarn_http_header){"x-ms-blob-type", c->blob_type};
    if (c->range) sent[n++] = (tarn_http_header){"Range", c->range};
    if (c->md5) sent[n++] = (tarn_http_header){"Content-MD5", c->md5};
    if (c->type) sent[n++] = (tarn_http_header){"Content-Type", c->type};
    if (c->if_none) sent[n++] = (tarn_http_header){"If-None-Match", c->if_none};
    tarn_http_request request = {.method = c->method,
                                 .url = l.url.data,
                                 .headers = sent,
                                 .n_headers = n,
                                 .body = c->body,
                                 .body_len = c->len,
                                 .most = c->most,
                                 .give = c->into ? tarn_remote_take : NULL,
                                 .give_arg = c->into};
    rc = tarn_http_ask(c->a->r.http, &request, &c->answer, err);
    tarn_remote_heard(&c->a->r, rc, hint);
    if (rc == TARN_OK && tarn_http_again(c->answer.status)) {
        hint->again = true;
        hint->after_ms = tarn_http_retry_after_ms(&c->answer);
        rc = fail_status(c, err);
    }
done:
    tarn_text_clear(&l.path);
    tarn_text_clear(&l.url);
    tarn_text_clear(&l.to_sign);
    tarn_text_clear(&l.authorization);
    return rc;
}

static tarn_code ask(call *c, tarn_err *err) { return tarn_retry_run(&c->a->r.retry, once, c, err); }

static tarn_code ask_good(call *c, tarn_err *err)
{
    tarn_code rc = ask(c, err);

    if (rc == TARN_OK && (c->answer.status < 200 || c->answer.status > 299)) rc = fail_status(c, err);
    return rc;
}

/* ---- opening ---- */

/* The value of a field of a connection string "Name=value;Name=value"; values may hold '='. */
static bool field(const char *text, const char *name, char *out, size_t cap)
{
    size_t n = strlen(name);

    while (text && *text) {
        size_t len = strcspn(text, ";");
        if (len > n && text[n] == '=' && memcmp(text, name, n) == 0 && len - n - 1 < cap) {
            memcpy(out, text + n + 1, len - n - 1);
            out[len - n - 1] = '\0';
            return true;
        }
        text += len + (text[len] == ';');
    }
    return false;
}

static tarn_code find_login(azure *a, tarn_err *err)
{
    const char *account = getenv("AZURE_STORAGE_ACCOUNT"), *key = getenv("AZURE_STORAGE_KEY");
    const char *all = getenv("AZURE_STORAGE_CONNECTION_STRING");
    char endpoint[280], key_text[200] = "", suffix[128];
    tarn_code rc = TARN_OK;

    if (account && *account && key && *key) {
        (void)snprintf(a->account, sizeof a->account, "%s", account);
        (void)snprintf(key_text, sizeof key_text, "%s", key);
    } else if (!field(all, "AccountName", a->account, sizeof a->account) ||
               !field(all, "AccountKey", key_text, sizeof key_text)) {
        return TARN_FAIL(err, TARN_DENIED,
                         "no key for the store: set AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY, or "
                         "AZURE_STORAGE_CONNECTION_STRING");
    }
    bool good = tarn_base64_read(key_text, strlen(key_text), a->key, sizeof a->key, &a->key_len) && a->key_len > 0;
    explicit_bzero(key_text, sizeof key_text);
    if (!good) return TARN_FAIL(err, TARN_DENIED, "the key of the Azure account '%s' is not base64", a->account);
    if (!a->r.endpoint[0]) {
        if (!field(all, "EndpointSuffix", suffix, sizeof suffix)) (void)strcpy(suffix, "core.windows.net");
        if (!field(all, "BlobEndpoint", endpoint, sizeof endpoint))
            (void)snprintf(endpoint, sizeof endpoint, "https://%s.blob.%s", a->account, suffix);
        rc = tarn_remote_endpoint(&a->r, endpoint, err);
    }
    return rc;
}

static void close_azure(void *self)
{
    azure *a = self;

    if (!a) return;
    tarn_remote_clear(&a->r);
    explicit_bzero(a->key, sizeof a->key);
    tarn_free(a);
}

static tarn_code open_azure(const char *url, void **self, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    azure *a = NULL;

    TARN_TRY(tarn_alloc(&a, 1, sizeof *a, err));
    TARN_TRY(tarn_remote_open(&a->r, "azure", url, err));
    TARN_TRY(find_login(a, err));
    const char *host = strstr(a->r.endpoint, "://") + 3;
    (void)snprintf(a->base, sizeof a->base, "%s", host + strcspn(host, "/"));
    *self = a;
    a = NULL;
done:
    close_azure(a);
    return rc;
}

/* ---- reading ---- */

static tarn_code size(void *self, const char *name, uint64_t *out, tarn_err *err)
{
    call c = {.a = self, .method = "HEAD", .name = name};
    char text[32];
    int64_t n = -1;
    tarn_code rc = tarn_remote_name(name, err);

    if (rc == TARN_OK) rc = ask_good(&c, err);
    if (rc == TARN_OK && (!tarn_http_header_get(&c.answer, "Content-Length", text, sizeof text) ||
                          !tarn_int_parse(text, strlen(text), &n) || n < 0))
        rc = TARN_FAIL(err, TARN_IO, "the store does not tell the size of '%s'", name);
    if (rc == TARN_OK) *out = (uint64_t)n;
    tarn_http_answer_clear(&c.answer);
    return rc;
}

static tarn_code get_some(void *self, const char *name, uint64_t at, size_t len, void *out, size_t *got, tarn_err *err)
{
    tarn_remote_into into = {.at = out, .cap = len};
    char range[64], answered[80];
    unsigned long long from = 0;
    uint64_t whole = 0;
    call c = {.a = self, .method = "GET", .name = name, .range = range, .into = &into};
    tarn_code rc = tarn_remote_name(name, err);

    *got = 0;
    if (rc != TARN_OK) return rc;
    if (len == 0) return size(self, name, &whole, err);
    (void)snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)at, (unsigned long long)(at + len - 1));
    rc = ask(&c, err);
    bool ends_before = rc == TARN_OK && c.answer.status == 416;
    if (rc == TARN_OK && c.answer.status == 206 &&
        (!tarn_http_header_get(&c.answer, "Content-Range", answered, sizeof answered) ||
         sscanf(answered, "bytes %llu-", &from) != 1 || from != at))
        rc = TARN_FAIL(err, TARN_IO, "the store sends another part of '%s' than was asked for", name);
    else if (rc == TARN_OK && !ends_before && c.answer.status != 206 && !(c.answer.status == 200 && at == 0))
        rc = fail_status(&c, err);
    if (rc == TARN_OK && !ends_before) *got = into.len;
    tarn_http_answer_clear(&c.answer);
    return rc;
}

static tarn_code get(void *self, const char *name, uint64_t at, size_t len, void *out, tarn_err *err)
{
    size_t got = 0;
    tarn_code rc = get_some(self, name, at, len, out, &got, err);

    if (rc == TARN_OK && got < len)
        rc = TARN_FAIL(err, TARN_CORRUPT, "'%s' ends early: it has no %zu bytes at %llu", name, len,
                       (unsigned long long)at);
    return rc;
}

typedef struct listing {
    const char *prefix;
    char key[1100], marker[2048];
    uint64_t size;
    tarn_code (*fn)(void *arg, const char *name, uint64_t size, tarn_err *err);
    void *arg;
} listing;

static tarn_code list_element(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    listing *l = arg;
    size_t n = strlen(l->prefix);
    int64_t size_of = 0;

    if (!text) {
        if (strcmp(path, "EnumerationResults/Blobs/Blob") == 0) l->key[0] = '\0', l->size = 0;
        return TARN_OK;
    }
    if (strcmp(path, "EnumerationResults/Blobs/Blob/Name") == 0 && len < sizeof l->key) memcpy(l->key, text, len + 1);
    if (strcmp(path, "EnumerationResults/Blobs/Blob/Properties/Content-Length") == 0 &&
        tarn_int_parse(text, len, &size_of))
        l->size = (uint64_t)size_of;
    if (strcmp(path, "EnumerationResults/NextMarker") == 0 && len < sizeof l->marker) memcpy(l->marker, text, len + 1);
    if (strcmp(path, "EnumerationResults/Blobs/Blob") != 0) return TARN_OK;
    if (strncmp(l->key, l->prefix, n) != 0 || tarn_remote_name(l->key + n, NULL) != TARN_OK)
        return TARN_OK; /* not ours */
    return l->fn(l->arg, l->key + n, l->size, err);
}

static tarn_code list(void *self, const char *prefix,
                      tarn_code (*fn)(void *arg, const char *name, uint64_t size, tarn_err *err), void *arg,
                      tarn_err *err)
{
    tarn_code rc = TARN_OK;
    azure *a = self;
    listing l = {.prefix = a->r.prefix, .fn = fn, .arg = arg};
    char whole[800], marker[sizeof l.marker] = "";
    call c = {.a = a};

    (void)snprintf(whole, sizeof whole, "%s%.200s", a->r.prefix, prefix);
    do {
        c = (call){.a = a, .method = "GET", .most = LIST_MOST};
        add_query(&c, "comp", "list");
        if (marker[0]) add_query(&c, "marker", marker);
        add_query(&c, "prefix", whole);
        add_query(&c, "restype", "container");
        TARN_TRY(ask_good(&c, err));
        l.marker[0] = '\0';
        TARN_TRY(tarn_xml_read(c.answer.body, c.answer.len, LIST_MOST, "the store's list", list_element, &l, err));
        if (l.marker[0] && strcmp(l.marker, marker) == 0) {
            rc = TARN_FAIL(err, TARN_IO, "the store's list of '%s' does not go on", whole);
            goto done;
        }
        memcpy(marker, l.marker, sizeof marker);
        tarn_http_answer_clear(&c.answer);
    } while (marker[0]);
done:
    tarn_http_answer_clear(&c.answer);
    return rc;
}

static tarn_code drop(void *self, const char *name, tarn_err *err)
{
    call c = {.a = self, .method = "DELETE", .name = name};
    tarn_code rc = tarn_remote_name(name, err);

    if (rc == TARN_OK) rc = ask_good(&c, err);
    tarn_http_answer_clear(&c.answer);
    return rc;
}

/* ---- storing ---- */

static tarn_code md5_text(const void *bytes, size_t len, char out[32], tarn_err *err)
{
    uint8_t md5[16];
    tarn_text t = {0};
    tarn_code rc = tarn_md5(bytes, len, md5, err);

    if (rc != TARN_OK) return rc;
    tarn_base64(&t, md5, sizeof md5);
    rc = tarn_text_check(&t, err);
    if (rc == TARN_OK) (void)snprintf(out, 32, "%s", t.data);
    tarn_text_clear(&t);
    return rc;
}

/* A blob of that name was there: ours, from a try whose answer got lost or from before, if it has the size. */
static tarn_code settle(azure *a, const char *name, size_t len, tarn_err *err)
{
    uint64_t there = 0;
    tarn_code rc = size(a, name, &there, err);

    if (rc == TARN_OK && there != len)
        rc = TARN_FAIL(err, TARN_EXISTS, "'%s' is in container '%s' with %llu bytes, where %zu were to be stored", name,
                       a->r.bucket, (unsigned long long)there, len);
    return rc;
}

/* Send c, which makes the blob appear. */
static tarn_code finish_put(call *c, size_t len, tarn_err *err)
{
    tarn_remote_fault f = {.code = ""};
    tarn_code rc = ask(c, err);
    int status = rc == TARN_OK ? c->answer.status : 0;

    if (status == 400) tarn_remote_fault_read(&c->answer, &f);
    /* its blocks are gone when somebody else made the same blob meanwhile */
    bool was_there = status == 409 || status == 412 || strcmp(f.code, "InvalidBlockList") == 0;
    if (rc == TARN_OK && !was_there && (status < 200 || status > 299)) rc = fail_status(c, err);
    tarn_http_answer_clear(&c->answer);
    return rc == TARN_OK && was_there ? settle(c->a, c->name, len, err) : rc;
}

static void block_id(size_t number, char out[16])
{
    /* base64 of "000017" is what any six digits are: themselves, spelt by pairs; all ids have one length */
    tarn_text t = {0};
    char digits[8];

    (void)snprintf(digits, sizeof digits, "%06zu", number % 1000000);
    tarn_base64(&t, digits, 6);
    (void)snprintf(out, 16, "%s", t.failed == TARN_OK ? t.data : "");
    tarn_text_clear(&t);
}

static tarn_code put_block(azure *a, const char *name, size_t number, const void *bytes, size_t len,
                           tarn_text *list_text, tarn_err *err)
{
    char md5[32], id[16];
    call c = {.a = a,
              .method = "PUT",
              .name = name,
              .md5 = md5,
              .type = "application/octet-stream",
              .body = bytes,
              .len = len};
    tarn_code rc = md5_text(bytes, len, md5, err);

    block_id(number, id);
    add_query(&c, "blockid", id);
    add_query(&c, "comp", "block");
    if (rc == TARN_OK) rc = ask_good(&c, err);
    tarn_http_answer_clear(&c.answer);
    tarn_text_addf(list_text, "<Latest>%s</Latest>", id);
    return rc;
}

static tarn_code put_in_blocks(azure *a, const char *name, const uint8_t *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text blocks = {0};
    char md5[32];

    tarn_text_add(&blocks, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for (size_t at = 0, n = 0; at < len; at += BLOCK, n++)
        TARN_TRY(put_block(a, name, n, bytes + at, len - at < BLOCK ? len - at : BLOCK, &blocks, err));
    tarn_text_add(&blocks, "</BlockList>");
    TARN_TRY(tarn_text_check(&blocks, err));
    TARN_TRY(md5_text(blocks.data, blocks.len, md5, err));
    call c = {.a = a,
              .method = "PUT",
              .name = name,
              .md5 = md5,
              .type = "application/xml",
              .if_none = "*",
              .body = blocks.data,
              .len = blocks.len};
    add_query(&c, "comp", "blocklist");
    TARN_TRY(finish_put(&c, len, err));
done:
    tarn_text_clear(&blocks);
    return rc;
}

static tarn_code put(void *self, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char md5[32];
    call c = {.a = self,
              .method = "PUT",
              .name = name,
              .md5 = md5,
              .type = "application/octet-stream",
              .blob_type = "BlockBlob",
              .if_none = "*",
              .body = len ? bytes : "",
              .len = len};

    TARN_TRY(tarn_remote_name(name, err));
    if (len > (size_t)BLOCK * BLOCKS)
        return TARN_FAIL(err, TARN_LIMIT, "a blob of %zu bytes is more than the %zu that are stored", len,
                         (size_t)BLOCK * BLOCKS);
    if (len > BLOCK) return put_in_blocks(self, name, bytes, len, err);
    TARN_TRY(md5_text(c.body, len, md5, err));
    TARN_TRY(finish_put(&c, len, err));
done:
    return rc;
}

extern const tarn_backend tarn_backend_azure;
const tarn_backend tarn_backend_azure = {
    .name = "azure",
    .title = "Azure Blob Storage: azure://container/prefix",
    .remote = true,
    .open = open_azure,
    .close = close_azure,
    .put = put,
    .get = get,
    .get_some = get_some,
    .size = size,
    .list = list,
    .remove = drop,
};
