/* SPDX-License-Identifier: Apache-2.0 */
/* s3.c - the S3 protocol, as far as packs need it. See s3.h.
 *
 * Every request is signed anew for each try, since the signature holds the time. All of them may be repeated: a PUT
 * stores the same bytes, parts are numbered, and where a repeated one meets what the first has done ("exists already",
 * "no such upload"), the blob's size tells whether that was us. */
#include "lake/s3.h"

#include "base/mem.h"
#include "base/sigv4.h"
#include "base/xml.h"
#include "lake/remote.h"
#include "lake/s3_login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PART = 16 << 20, PARTS = 64, MOST_PAIRS = 10, LIST_MOST = 8 << 20 };

typedef struct s3 {
    const tarn_s3_kind *kind;
    tarn_remote r;
    tarn_s3_login login;
} s3;

/* ---- one call ---- */

typedef struct call {
    s3 *s;
    const char *method, *name; /* of the blob; NULL: about the bucket */
    tarn_sigv4_pair query[MOST_PAIRS], headers[MOST_PAIRS];
    size_t n_query, n_headers;
    const void *body;
    size_t len;
    tarn_remote_into *into;
    size_t most;
    tarn_http_answer answer;
} call;

static void add_query(call *c, const char *name, const char *value)
{
    c->query[c->n_query++] = (tarn_sigv4_pair){name, value};
}

static void add_header(call *c, const char *name, const char *value)
{
    c->headers[c->n_headers++] = (tarn_sigv4_pair){name, value};
}

static tarn_code fail_status(const call *c, tarn_err *err)
{
    tarn_remote_fault f;
    const char *bucket = c->s->r.bucket, *what = c->name ? c->name : bucket;
    int status = c->answer.status;

    tarn_remote_fault_read(&c->answer, &f);
    if (strcmp(f.code, "NoSuchBucket") == 0)
        return TARN_FAIL(err, TARN_IO, "bucket '%s' is not there at %s; make it first", bucket, c->s->r.endpoint);
    if (status == 404) return TARN_FAIL(err, TARN_NOT_FOUND, "'%s' is not in bucket '%s'", what, bucket);
    if (strcmp(f.code, "RequestTimeTooSkewed") == 0)
        return TARN_FAIL(err, TARN_DENIED, "the store at %s says that the clock here is wrong", c->s->r.endpoint);
    if (status == 401 || status == 403)
        return TARN_FAIL(err, TARN_DENIED,
                         "the store at %s refuses '%s' in bucket '%s' (%s); are the keys right, and may "
                         "they do that?",
                         c->s->r.endpoint, what, bucket, *f.code ? f.code : "no reason");
    if (status == 301 || status == 307 || strcmp(f.code, "AuthorizationHeaderMalformed") == 0)
        return TARN_FAIL(err, TARN_INVALID,
                         "bucket '%s' is not in region '%s' of %s; say where by ?region= or ?endpoint=", bucket,
                         c->s->r.region, c->s->r.endpoint);
    return TARN_FAIL(err, TARN_IO, "the store at %s answers %d to %s '%s' in bucket '%s'%s%.60s%s%.120s",
                     c->s->r.endpoint, status, c->method, what, bucket, *f.code ? ": " : "", f.code,
                     *f.message ? ": " : "", f.message);
}

/* The URL's path, as signed: with the bucket in front unless it is in the host's name. */
static void add_path(const call *c, tarn_text *out)
{
    const tarn_remote *r = &c->s->r;

    if (strcmp(r->style, "path") == 0) tarn_text_addf(out, "/%s", r->bucket);
    if (!c->name) {
        if (out->len == 0) tarn_text_add(out, "/");
        return;
    }
    tarn_text_add(out, "/");
    tarn_sigv4_encode(out, r->prefix, strlen(r->prefix), true);
    tarn_sigv4_encode(out, c->name, strlen(c->name), true);
}

static void add_query_text(const call *c, tarn_text *url)
{
    for (size_t i = 0; i < c->n_query; i++) {
        tarn_text_add(url, i ? "&" : "?");
        tarn_sigv4_encode(url, c->query[i].name, strlen(c->query[i].name), false);
        tarn_text_add(url, "=");
        tarn_sigv4_encode(url, c->query[i].value, strlen(c->query[i].value), false);
    }
}

/* What is signed and sent, besides the body. */
typedef struct letter {
    tarn_sigv4_pair headers[MOST_PAIRS + 4];
    tarn_http_header sent[MOST_PAIRS + 5];
    size_t n;
    char host[540], time[17], hash[TARN_ID_HEX];
    tarn_text url, authorization;
} letter;

static tarn_code write_letter(const call *c, letter *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const s3 *s = c->s;
    bool in_path = strcmp(s->r.style, "path") == 0;
    const char *scheme_end = strstr(s->r.endpoint, "://") + 3;
    tarn_id id, key;
    tarn_text path = {0};

    TARN_TRY(tarn_digest(c->body, c->len, &id, err));
    (void)tarn_id_hex(&id, l->hash);
    tarn_sigv4_time((int64_t)time(NULL), l->time);
    (void)snprintf(l->host, sizeof l->host, "%s%s%s", in_path ? "" : s->r.bucket, in_path ? "" : ".", s->r.host);
    add_path(c, &path);
    TARN_TRY(tarn_text_check(&path, err));
    tarn_text_addf(&l->url, "%.*s%s%s", (int)(scheme_end - s->r.endpoint), s->r.endpoint, l->host, path.data);
    add_query_text(c, &l->url);
    TARN_TRY(tarn_text_check(&l->url, err));
    for (size_t i = 0; i < c->n_headers; i++) l->headers[l->n++] = c->headers[i];
    l->headers[l->n++] = (tarn_sigv4_pair){"Host", l->host};
    l->headers[l->n++] = (tarn_sigv4_pair){"x-amz-content-sha256", l->hash};
    l->headers[l->n++] = (tarn_sigv4_pair){"x-amz-date", l->time};
    if (s->login.token[0]) l->headers[l->n++] = (tarn_sigv4_pair){"x-amz-security-token", s->login.token};
    tarn_sigv4 r = {.method = c->method,
                    .path = path.data,
                    .query = c->query,
                    .n_query = c->n_query,
                    .headers = l->headers,
                    .n_headers = l->n,
                    .payload = l->hash,
                    .time = l->time,
                    .region = s->r.region,
                    .service = "s3"};
    TARN_TRY(tarn_sigv4_key(s->login.secret, l->time, s->r.region, "s3", &key, err));
    TARN_TRY(tarn_sigv4_authorization(&r, s->login.access, &key, &l->authorization, err));
    for (size_t i = 0; i < l->n; i++) l->sent[i] = (tarn_http_header){l->headers[i].name, l->headers[i].value};
    l->sent[l->n++] = (tarn_http_header){"Authorization", l->authorization.data};
done:
    tarn_text_clear(&path);
    return rc;
}

static tarn_code once(void *arg, tarn_retry_hint *hint, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    call *c = arg;
    letter l = {.n = 0};

    tarn_http_answer_clear(&c->answer);
    if (c->into) c->into->len = 0;
    TARN_TRY(write_letter(c, &l, err));
    tarn_http_request request = {.method = c->method,
                                 .url = l.url.data,
                                 .headers = l.sent,
                                 .n_headers = l.n,
                                 .body = c->body,
                                 .body_len = c->len,
                                 .most = c->most,
                                 .give = c->into ? tarn_remote_take : NULL,
                                 .give_arg = c->into};
    rc = tarn_http_ask(c->s->r.http, &request, &c->answer, err);
    tarn_remote_heard(&c->s->r, rc, hint);
    if (rc == TARN_OK && (tarn_http_again(c->answer.status) || (c->answer.status == 409 && c->n_headers > 0))) {
        hint->again = true;
        hint->after_ms = tarn_http_retry_after_ms(&c->answer);
        rc = fail_status(c, err);
    }
done:
    tarn_text_clear(&l.url);
    tarn_text_clear(&l.authorization);
    return rc;
}

/* The answer may have any status that trying again would not change. */
static tarn_code ask(call *c, tarn_err *err)
{
    if (!c->body && strcmp(c->method, "GET") != 0 && strcmp(c->method, "HEAD") != 0 && strcmp(c->method, "DELETE") != 0)
        c->body = "";
    return tarn_retry_run(&c->s->r.retry, once, c, err);
}

/* The same, and every other status than 2xx is an error. */
static tarn_code ask_good(call *c, tarn_err *err)
{
    tarn_code rc = ask(c, err);

    if (rc == TARN_OK && (c->answer.status < 200 || c->answer.status > 299)) rc = fail_status(c, err);
    return rc;
}

/* ---- opening ---- */

tarn_code tarn_s3_open(const tarn_s3_kind *kind, const char *rest, void **self, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    s3 *s = NULL;
    char endpoint[200];
    const char *region = getenv("AWS_REGION"), *usual = getenv("AWS_DEFAULT_REGION");

    TARN_TRY(tarn_alloc(&s, 1, sizeof *s, err));
    s->kind = kind;
    TARN_TRY(tarn_remote_open(&s->r, kind->scheme, rest, err));
    if (!s->r.region[0])
        (void)snprintf(s->r.region, sizeof s->r.region, "%s",
                       kind->region        ? kind->region
                       : region && *region ? region
                       : usual && *usual   ? usual
                                           : "us-east-1");
    if (!s->r.style[0]) (void)strcpy(s->r.style, s->r.endpoint[0] || strchr(s->r.bucket, '.') ? "path" : "host");
    if (!s->r.endpoint[0]) {
        (void)snprintf(endpoint, sizeof endpoint, "https://s3.%s.amazonaws.com", s->r.region);
        TARN_TRY(tarn_remote_endpoint(&s->r, kind->endpoint ? kind->endpoint : endpoint, err));
    }
    if (strchr(strstr(s->r.endpoint, "://") + 3, '/')) {
        rc = TARN_FAIL(err, TARN_INVALID, "the endpoint '%s' has a path, which S3 has not", s->r.endpoint);
        goto done;
    }
    TARN_TRY(tarn_s3_login_find(kind, s->r.profile, &s->login, err));
    *self = s;
    s = NULL;
done:
    tarn_s3_close(s);
    return rc;
}

void tarn_s3_close(void *self)
{
    s3 *s = self;

    if (!s) return;
    tarn_remote_clear(&s->r);
    explicit_bzero(&s->login, sizeof s->login);
    tarn_free(s);
}

/* ---- reading ---- */

tarn_code tarn_s3_size(void *self, const char *name, uint64_t *out, tarn_err *err)
{
    call c = {.s = self, .method = "HEAD", .name = name};
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

/* "bytes 10-19/1000" must begin where we asked. */
static bool range_fits(const call *c, uint64_t at)
{
    char text[80];
    unsigned long long from = 0;

    return tarn_http_header_get(&c->answer, "Content-Range", text, sizeof text) &&
           sscanf(text, "bytes %llu-", &from) == 1 && from == at;
}

tarn_code tarn_s3_get_some(void *self, const char *name, uint64_t at, size_t len, void *out, size_t *got, tarn_err *err)
{
    tarn_remote_into into = {.at = out, .cap = len};
    call c = {.s = self, .method = "GET", .name = name, .into = &into};
    char range[64];
    tarn_code rc = tarn_remote_name(name, err);
    uint64_t size = 0;

    *got = 0;
    if (rc != TARN_OK) return rc;
    if (len == 0) return tarn_s3_size(self, name, &size, err);
    (void)snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)at, (unsigned long long)(at + len - 1));
    add_header(&c, "Range", range);
    rc = ask(&c, err);
    if (rc == TARN_OK && c.answer.status == 416) { /* it ends before */
        tarn_http_answer_clear(&c.answer);
        return TARN_OK;
    }
    if (rc == TARN_OK && c.answer.status == 206 && !range_fits(&c, at))
        rc = TARN_FAIL(err, TARN_IO, "the store sends another part of '%s' than was asked for", name);
    else if (rc == TARN_OK && c.answer.status != 206 && !(c.answer.status == 200 && at == 0)) rc = fail_status(&c, err);
    if (rc == TARN_OK) *got = into.len;
    tarn_http_answer_clear(&c.answer);
    return rc;
}

tarn_code tarn_s3_get(void *self, const char *name, uint64_t at, size_t len, void *out, tarn_err *err)
{
    size_t got = 0;
    tarn_code rc = tarn_s3_get_some(self, name, at, len, out, &got, err);

    if (rc == TARN_OK && got < len)
        rc = TARN_FAIL(err, TARN_CORRUPT, "'%s' ends early: it has no %zu bytes at %llu", name, len,
                       (unsigned long long)at);
    return rc;
}

/* ---- listing ---- */

typedef struct listing {
    const char *prefix; /* of the store's URL, left out of the names */
    char key[1100], token[2048];
    uint64_t size;
    bool more;
    tarn_code (*fn)(void *arg, const char *name, uint64_t size, tarn_err *err);
    void *arg;
} listing;

static tarn_code list_item(listing *l, tarn_err *err)
{
    size_t n = strlen(l->prefix);

    if (strncmp(l->key, l->prefix, n) != 0 || tarn_remote_name(l->key + n, NULL) != TARN_OK)
        return TARN_OK; /* not ours */
    return l->fn(l->arg, l->key + n, l->size, err);
}

static tarn_code list_element(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    listing *l = arg;
    int64_t n = 0;

    if (!text) {
        if (strcmp(path, "ListBucketResult/Contents") == 0) l->key[0] = '\0', l->size = 0;
        return TARN_OK;
    }
    if (strcmp(path, "ListBucketResult/Contents/Key") == 0 && len < sizeof l->key) memcpy(l->key, text, len + 1);
    if (strcmp(path, "ListBucketResult/Contents/Size") == 0 && tarn_int_parse(text, len, &n) && n >= 0)
        l->size = (uint64_t)n;
    if (strcmp(path, "ListBucketResult/IsTruncated") == 0) l->more = strcmp(text, "true") == 0;
    if (strcmp(path, "ListBucketResult/NextContinuationToken") == 0 && len < sizeof l->token)
        memcpy(l->token, text, len + 1);
    return strcmp(path, "ListBucketResult/Contents") == 0 ? list_item(l, err) : TARN_OK;
}

tarn_code tarn_s3_list(void *self, const char *prefix,
                       tarn_code (*fn)(void *arg, const char *name, uint64_t size, tarn_err *err), void *arg,
                       tarn_err *err)
{
    tarn_code rc = TARN_OK;
    s3 *s = self;
    listing l = {.prefix = s->r.prefix, .fn = fn, .arg = arg, .more = true};
    char whole[800], token[sizeof l.token] = "";
    call c = {.s = s};

    (void)snprintf(whole, sizeof whole, "%s%.200s", s->r.prefix, prefix);
    while (l.more) {
        c = (call){.s = s, .method = "GET", .most = LIST_MOST};
        add_query(&c, "list-type", "2");
        add_query(&c, "prefix", whole);
        if (token[0]) add_query(&c, "continuation-token", token);
        TARN_TRY(ask_good(&c, err));
        l.more = false;
        l.token[0] = '\0';
        TARN_TRY(tarn_xml_read(c.answer.body, c.answer.len, LIST_MOST, "the store's list", list_element, &l, err));
        if (l.more && (!l.token[0] || strcmp(l.token, token) == 0)) {
            rc = TARN_FAIL(err, TARN_IO, "the store's list of '%s' does not go on", whole);
            goto done;
        }
        memcpy(token, l.token, sizeof token);
        tarn_http_answer_clear(&c.answer);
    }
done:
    tarn_http_answer_clear(&c.answer);
    return rc;
}

tarn_code tarn_s3_remove(void *self, const char *name, tarn_err *err)
{
    call c = {.s = self, .method = "DELETE", .name = name};
    tarn_code rc = tarn_remote_name(name, err);

    if (rc == TARN_OK) rc = ask_good(&c, err);
    tarn_http_answer_clear(&c.answer);
    return rc;
}

/* ---- storing ---- */

/* The MD5 of a body, as it is sent and as it comes back: most stores make it the ETag of what they have kept. */
typedef struct body_sum {
    char sent[32], etag[33];
} body_sum;

static tarn_code add_md5(call *c, body_sum *out, tarn_err *err)
{
    uint8_t md5[16];
    tarn_text t = {0};
    tarn_code rc = tarn_md5(c->body, c->len, md5, err);

    *out = (body_sum){.sent = ""};
    if (rc == TARN_UNSUPPORTED) return TARN_OK; /* what is signed holds the SHA-256 anyway */
    if (rc != TARN_OK) return rc;
    tarn_base64(&t, md5, sizeof md5);
    rc = tarn_text_check(&t, err);
    if (rc == TARN_OK) (void)snprintf(out->sent, sizeof out->sent, "%s", t.data);
    if (rc == TARN_OK) add_header(c, "Content-MD5", out->sent);
    for (size_t i = 0; i < sizeof md5; i++) (void)snprintf(out->etag + 2 * i, 3, "%02x", md5[i]);
    tarn_text_clear(&t);
    return rc;
}

/* Does the ETag of the answer look like an MD5, of other bytes than were sent? So it is with damage, and with some ways
 * of encryption. */
static bool is_suspect(const call *c, const body_sum *sum)
{
    char tag[40];

    if (!sum->etag[0] || !tarn_http_header_get(&c->answer, "ETag", tag, sizeof tag)) return false;
    const char *at = tag + (tag[0] == '"');
    return strspn(at, "0123456789abcdef") == 32 && memcmp(at, sum->etag, 32) != 0;
}

/* A blob of that name was there: ours, from a try whose answer got lost or from before, if it has the size. */
static tarn_code settle(s3 *s, const char *name, size_t len, tarn_err *err)
{
    uint64_t size = 0;
    tarn_code rc = tarn_s3_size(s, name, &size, err);

    if (rc == TARN_OK && size != len)
        rc = TARN_FAIL(err, TARN_EXISTS, "'%s' is in bucket '%s' with %llu bytes, where %zu were to be stored", name,
                       s->r.bucket, (unsigned long long)size, len);
    return rc;
}

/* What a put needs to know. */
typedef struct putting {
    s3 *s;
    const char *name;
    const uint8_t *bytes;
    size_t len;
    bool suspect; /* out: what the store kept must be looked at */
} putting;

static tarn_code put_whole(putting *p, bool if_none, tarn_err *err)
{
    call c = {.s = p->s, .method = "PUT", .name = p->name, .body = p->len ? (const void *)p->bytes : "", .len = p->len};
    body_sum sum;
    tarn_code rc = add_md5(&c, &sum, err);

    if (if_none) add_header(&c, "If-None-Match", "*");
    if (rc == TARN_OK) rc = ask(&c, err);
    int status = rc == TARN_OK ? c.answer.status : 0;
    bool good = status >= 200 && status <= 299;
    if (rc == TARN_OK && status != 412 && !(if_none && status == 501) && !good) rc = fail_status(&c, err);
    if (good) p->suspect = is_suspect(&c, &sum);
    tarn_http_answer_clear(&c.answer);
    if (rc == TARN_OK && status == 412) return settle(p->s, p->name, p->len, err);
    if (rc == TARN_OK && status == 501) return put_whole(p, false, err); /* it knows no conditions */
    return rc;
}

static tarn_code note_text(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    (void)err;
    if (text && strcmp(path, "InitiateMultipartUploadResult/UploadId") == 0 && len < 1024) memcpy(arg, text, len + 1);
    return TARN_OK;
}

static tarn_code begin_upload(s3 *s, const char *name, char id[1024], tarn_err *err)
{
    call c = {.s = s, .method = "POST", .name = name};
    tarn_code rc = TARN_OK;

    id[0] = '\0';
    add_query(&c, "uploads", "");
    TARN_TRY(ask_good(&c, err));
    TARN_TRY(tarn_xml_read(c.answer.body, c.answer.len, 1 << 20, "the store's answer", note_text, id, err));
    if (!id[0]) rc = TARN_FAIL(err, TARN_IO, "the store gives no id to upload '%s' in parts", name);
done:
    tarn_http_answer_clear(&c.answer);
    return rc;
}

static tarn_code put_part(putting *p, const char *id, int number, tarn_text *parts, tarn_err *err)
{
    size_t at = (size_t)(number - 1) * PART, len = p->len - at < PART ? p->len - at : PART;
    call c = {.s = p->s, .method = "PUT", .name = p->name, .body = p->bytes + at, .len = len};
    char text[16], tag[200];
    body_sum sum;
    tarn_code rc = add_md5(&c, &sum, err);

    (void)snprintf(text, sizeof text, "%d", number);
    add_query(&c, "partNumber", text);
    add_query(&c, "uploadId", id);
    if (rc == TARN_OK) rc = ask_good(&c, err);
    if (rc == TARN_OK && !tarn_http_header_get(&c.answer, "ETag", tag, sizeof tag))
        rc = TARN_FAIL(err, TARN_IO, "the store gives no ETag for part %d of '%s'", number, p->name);
    if (rc == TARN_OK) {
        p->suspect = p->suspect || is_suspect(&c, &sum);
        tarn_text_addf(parts, "<Part><PartNumber>%d</PartNumber><ETag>", number);
        tarn_text_xml(parts, tag);
        tarn_text_add(parts, "</ETag></Part>");
    }
    tarn_http_answer_clear(&c.answer);
    return rc;
}

/* Success is told by the root of the answer: the store may say 200 before it knows. */
static tarn_code end_upload(s3 *s, const char *name, const char *id, const tarn_text *parts, size_t len, tarn_err *err)
{
    call c = {.s = s, .method = "POST", .name = name, .body = parts->data, .len = parts->len};
    tarn_remote_fault f = {.code = ""};

    add_query(&c, "uploadId", id);
    tarn_code rc = ask(&c, err);
    int status = rc == TARN_OK ? c.answer.status : 0;
    if (status == 200) tarn_remote_fault_read(&c.answer, &f);
    if (rc == TARN_OK && status != 404 && status != 412 && (status < 200 || status > 299 || f.code[0]))
        rc = fail_status(&c, err);
    tarn_http_answer_clear(&c.answer);
    return rc == TARN_OK ? settle(s, name, len, err) : rc;
}

static void abort_upload(s3 *s, const char *name, const char *id)
{
    call c = {.s = s, .method = "DELETE", .name = name};

    add_query(&c, "uploadId", id);
    if (ask(&c, NULL) != TARN_OK) return; /* it costs space until the bucket's rule for abandoned uploads takes it */
    tarn_http_answer_clear(&c.answer);
}

static tarn_code put_in_parts(putting *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char id[1024] = "";
    tarn_text parts = {0};

    TARN_TRY(begin_upload(p->s, p->name, id, err));
    tarn_text_add(&parts, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (int number = 1; (size_t)(number - 1) * PART < p->len; number++) TARN_TRY(put_part(p, id, number, &parts, err));
    tarn_text_add(&parts, "</CompleteMultipartUpload>");
    TARN_TRY(tarn_text_check(&parts, err));
    TARN_TRY(end_upload(p->s, p->name, id, &parts, p->len, err));
done:
    if (rc != TARN_OK && id[0]) abort_upload(p->s, p->name, id);
    tarn_text_clear(&parts);
    return rc;
}

/* Read what was stored: *same tells whether it is what was sent. */
static tarn_code read_back(const putting *p, bool *same, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t *piece = NULL;
    size_t got = 0;

    *same = true;
    TARN_TRY(tarn_alloc(&piece, PART, 1, err));
    for (size_t at = 0; at < p->len && *same; at += PART) {
        size_t len = p->len - at < PART ? p->len - at : PART;
        TARN_TRY(tarn_s3_get_some(p->s, p->name, at, len, piece, &got, err));
        *same = got == len && memcmp(piece, p->bytes + at, len) == 0;
    }
done:
    tarn_free(piece);
    return rc;
}

tarn_code tarn_s3_put(void *self, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    putting p = {.s = self, .name = name, .bytes = bytes, .len = len};
    bool same = true;

    TARN_TRY(tarn_remote_name(name, err));
    if (len > (size_t)PART * PARTS)
        return TARN_FAIL(err, TARN_LIMIT, "a blob of %zu bytes is more than the %zu that are stored", len,
                         (size_t)PART * PARTS);
    for (int attempt = 0; attempt < 2; attempt++) {
        p.suspect = false;
        if (len > PART) TARN_TRY(put_in_parts(&p, err));
        else TARN_TRY(put_whole(&p, p.s->kind->if_none && attempt == 0, err));
        if (p.suspect) TARN_TRY(read_back(&p, &same, err));
        if (same) return TARN_OK;
        TARN_TRY(tarn_s3_remove(self, name, err));
    }
    rc = TARN_FAIL(err, TARN_IO, "the store at %s kept other bytes than were sent as '%s', twice; it was removed again",
                   p.s->r.endpoint, name);
done:
    return rc;
}
