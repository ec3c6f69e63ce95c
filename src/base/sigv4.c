/* SPDX-License-Identifier: Apache-2.0 */
/* sigv4.c - AWS Signature Version 4. See sigv4.h.
 *
 *     canonical request   method, path, query, headers, names of headers, payload: one per line
 *     string to sign      algorithm, time, scope (date/region/service/aws4_request), SHA-256 of that
 *     signature           HMAC(HMAC(HMAC(HMAC(HMAC("AWS4" secret, date), region), service), "aws4_request"), string) */
#include "base/sigv4.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PRESIGN_MOST = 50, MORE_PARAMETERS = 6 };

static const char algorithm[] = "AWS4-HMAC-SHA256";

/* ---- letters ---- */

static bool unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void tarn_sigv4_encode(tarn_text *out, const void *bytes, size_t len, bool slash)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++) {
        if (unreserved(p[i]) || (slash && p[i] == '/')) tarn_text_addn(out, &p[i], 1);
        else tarn_text_addf(out, "%%%02X", (unsigned)p[i]);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool tarn_sigv4_decode(char *text, size_t *len)
{
    size_t to = 0;

    for (size_t i = 0; i < *len; i++) {
        if (text[i] != '%') {
            text[to++] = text[i];
            continue;
        }
        int high = i + 1 < *len ? hex_digit(text[i + 1]) : -1, low = i + 2 < *len ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
        text[to++] = (char)(high << 4 | low);
        i += 2;
    }
    *len = to;
    return true;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* name is lower case already, of len bytes. */
static bool same_name(const char *sent, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(sent[i]) != name[i]) return false;
    return sent[len] == '\0';
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* Without space around, runs of it as one. */
static void add_trimmed(tarn_text *out, const char *value)
{
    bool gap = false, any = false;

    for (; *value; value++) {
        if (is_space(*value)) {
            gap = any;
            continue;
        }
        if (gap) tarn_text_addn(out, " ", 1);
        tarn_text_addn(out, value, 1);
        gap = false;
        any = true;
    }
}

/* ---- the canonical request ---- */

static tarn_code add_path(const tarn_sigv4 *r, tarn_text *out, tarn_err *err)
{
    char *path = NULL;
    size_t len = strlen(r->path);
    tarn_code rc = tarn_strdup(r->path, &path, err);

    if (rc != TARN_OK) return rc;
    if (r->path[0] != '/' || !tarn_sigv4_decode(path, &len))
        rc = TARN_FAIL(err, TARN_INVALID,
                       "'%.100s' is not the path of a URL: it starts with '/', and every '%%' stands "
                       "before two hexadecimal digits that are not 00",
                       r->path);
    else tarn_sigv4_encode(out, path, len, true);
    tarn_free(path);
    return rc;
}

/* A parameter in its place: "name=value", encoded, from the text that holds all. */
typedef struct parameter {
    size_t at, equals;
    const tarn_text *all;
} parameter;

static int by_name_and_value(const void *a, const void *b)
{
    const parameter *x = a, *y = b;
    const char *s = x->all->data + x->at, *t = y->all->data + y->at;
    size_t least = x->equals < y->equals ? x->equals : y->equals;
    int order = memcmp(s, t, least);

    if (order != 0) return order;
    if (x->equals != y->equals) return x->equals < y->equals ? -1 : 1;
    return strcmp(s + x->equals, t + y->equals);
}

static tarn_code add_query(const tarn_sigv4_pair *query, size_t n, tarn_text *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text all = {0};
    parameter *p = NULL;
    size_t kept = 0;

    TARN_TRY(tarn_alloc(&p, n, sizeof *p, err));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(query[i].name, "X-Amz-Signature") == 0) continue;
        size_t at = all.len;
        tarn_sigv4_encode(&all, query[i].name, strlen(query[i].name), false);
        p[kept++] = (parameter){.at = at, .equals = all.len - at, .all = &all};
        tarn_text_addn(&all, "=", 1);
        if (query[i].value) tarn_sigv4_encode(&all, query[i].value, strlen(query[i].value), false);
        tarn_text_addn(&all, "\0", 1);
    }
    TARN_TRY(tarn_text_check(&all, err));
    if (kept > 1) qsort(p, kept, sizeof *p, by_name_and_value);
    for (size_t i = 0; i < kept; i++) {
        if (i > 0) tarn_text_addn(out, "&", 1);
        tarn_text_add(out, all.data + p[i].at);
    }
done:
    tarn_free(p);
    tarn_text_clear(&all);
    return rc;
}

/* "name:value,value\n" of one signed header. */
static tarn_code add_header(const tarn_sigv4 *r, const char *name, size_t len, tarn_text *out, tarn_err *err)
{
    bool any = false;

    tarn_text_addn(out, name, len);
    tarn_text_addn(out, ":", 1);
    for (size_t i = 0; i < r->n_headers; i++) {
        if (!same_name(r->headers[i].name, name, len)) continue;
        if (any) tarn_text_addn(out, ",", 1);
        add_trimmed(out, r->headers[i].value);
        any = true;
    }
    tarn_text_addn(out, "\n", 1);
    if (any) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID, "the header '%.*s' is signed but was not sent", len > 60 ? 60 : (int)len, name);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The names of all headers, lower case, sorted, each once. */
static tarn_code all_names(const tarn_sigv4 *r, tarn_text *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_arena *arena = NULL;
    char **names = NULL;

    TARN_TRY(tarn_arena_new(&arena, err));
    TARN_TRY(tarn_arena_alloc(arena, &names, r->n_headers + 1, sizeof *names, err));
    for (size_t i = 0; i < r->n_headers; i++) {
        TARN_TRY(tarn_arena_strndup(arena, r->headers[i].name, strlen(r->headers[i].name), &names[i], err));
        for (char *p = names[i]; *p; p++) *p = lower(*p);
    }
    qsort(names, r->n_headers, sizeof *names, by_text);
    for (size_t i = 0; i < r->n_headers; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0) continue;
        if (out->len > 0) tarn_text_addn(out, ";", 1);
        tarn_text_add(out, names[i]);
    }
    rc = tarn_text_check(out, err);
done:
    tarn_arena_free(arena);
    return rc;
}

static tarn_code signed_names(const tarn_sigv4 *r, tarn_text *out, tarn_err *err)
{
    if (!r->signed_headers) return all_names(r, out, err);
    tarn_text_add(out, r->signed_headers);
    return tarn_text_check(out, err);
}

tarn_code tarn_sigv4_canonical(const tarn_sigv4 *r, tarn_text *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text names = {0};

    TARN_TRY(signed_names(r, &names, err));
    tarn_text_addf(out, "%s\n", r->method);
    TARN_TRY(add_path(r, out, err));
    tarn_text_addn(out, "\n", 1);
    TARN_TRY(add_query(r->query, r->n_query, out, err));
    tarn_text_addn(out, "\n", 1);
    for (const char *name = names.data; name && *name;) {
        size_t len = strcspn(name, ";");
        TARN_TRY(add_header(r, name, len, out, err));
        name += len + (name[len] == ';');
    }
    tarn_text_addf(out, "\n%s\n%s", names.data ? names.data : "", r->payload);
    rc = tarn_text_check(out, err);
done:
    tarn_text_clear(&names);
    return rc;
}

/* ---- signing ---- */

static tarn_code add_scope(const tarn_sigv4 *r, tarn_text *out, tarn_err *err)
{
    int64_t seconds;

    if (!tarn_sigv4_seconds(r->time, &seconds))
        return TARN_FAIL(err, TARN_INVALID, "'%.40s' is not a time like 20130524T000000Z", r->time);
    tarn_text_addf(out, "%.8s/%s/%s/aws4_request", r->time, r->region, r->service);
    return tarn_text_check(out, err);
}

static tarn_code hash_hex(const char *bytes, size_t len, char out[TARN_ID_HEX], tarn_err *err)
{
    tarn_id id;
    tarn_code rc = tarn_digest(bytes, len, &id, err);

    if (rc == TARN_OK) (void)tarn_id_hex(&id, out);
    return rc;
}

tarn_code tarn_sigv4_to_sign(const tarn_sigv4 *r, tarn_text *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text canonical = {0};
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_sigv4_canonical(r, &canonical, err));
    TARN_TRY(hash_hex(canonical.data, canonical.len, hex, err));
    tarn_text_addf(out, "%s\n%s\n", algorithm, r->time);
    TARN_TRY(add_scope(r, out, err));
    tarn_text_addf(out, "\n%s", hex);
    rc = tarn_text_check(out, err);
done:
    tarn_text_clear(&canonical);
    return rc;
}

tarn_code tarn_sigv4_key(const char *secret, const char *date, const char *region, const char *service, tarn_id *key,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text first = {0};

    tarn_text_addf(&first, "AWS4%s", secret);
    TARN_TRY(tarn_text_check(&first, err));
    TARN_TRY(tarn_hmac(first.data, first.len, date, strnlen(date, 8), key, err));
    TARN_TRY(tarn_hmac(key->b, sizeof key->b, region, strlen(region), key, err));
    TARN_TRY(tarn_hmac(key->b, sizeof key->b, service, strlen(service), key, err));
    TARN_TRY(tarn_hmac(key->b, sizeof key->b, "aws4_request", 12, key, err));
done:
    if (first.data) explicit_bzero(first.data, first.cap);
    tarn_text_clear(&first);
    return rc;
}

static tarn_code sign_text(const tarn_text *text, const tarn_id *key, char out[TARN_SIGV4_HEX], tarn_err *err)
{
    tarn_id mac;
    tarn_code rc = tarn_hmac(key->b, sizeof key->b, text->data, text->len, &mac, err);

    if (rc == TARN_OK) (void)tarn_id_hex(&mac, out);
    return rc;
}

tarn_code tarn_sigv4_sign(const tarn_sigv4 *r, const tarn_id *key, char out[TARN_SIGV4_HEX], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text text = {0};

    TARN_TRY(tarn_sigv4_to_sign(r, &text, err));
    TARN_TRY(sign_text(&text, key, out, err));
done:
    tarn_text_clear(&text);
    return rc;
}

bool tarn_sigv4_same(const char *a, const char *b)
{
    enum { LEN = TARN_SIGV4_HEX - 1 };
    return strlen(a) == LEN && strlen(b) == LEN && tarn_same_secret(a, b, LEN);
}

tarn_code tarn_sigv4_chunk(const tarn_sigv4 *r, const tarn_id *key, const char *before, const tarn_id *hash,
                           bool trailer, char out[TARN_SIGV4_HEX], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text text = {0};
    char nothing[TARN_ID_HEX], hex[TARN_ID_HEX];

    TARN_TRY(hash_hex("", 0, nothing, err));
    tarn_text_addf(&text, "%s-%s\n%s\n", algorithm, trailer ? "TRAILER" : "PAYLOAD", r->time);
    TARN_TRY(add_scope(r, &text, err));
    tarn_text_addf(&text, "\n%s\n", before);
    if (!trailer) tarn_text_addf(&text, "%s\n", nothing);
    tarn_text_add(&text, tarn_id_hex(hash, hex));
    TARN_TRY(tarn_text_check(&text, err));
    TARN_TRY(sign_text(&text, key, out, err));
done:
    tarn_text_clear(&text);
    return rc;
}

tarn_code tarn_sigv4_authorization(const tarn_sigv4 *r, const char *access, const tarn_id *key, tarn_text *out,
                                   tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char signature[TARN_SIGV4_HEX];

    TARN_TRY(tarn_sigv4_sign(r, key, signature, err));
    tarn_text_addf(out, "%s Credential=%s/", algorithm, access);
    TARN_TRY(add_scope(r, out, err));
    tarn_text_add(out, ",SignedHeaders=");
    tarn_text names = {0};
    rc = signed_names(r, &names, err);
    if (rc == TARN_OK) tarn_text_addf(out, "%s,Signature=%s", names.data ? names.data : "", signature);
    tarn_text_clear(&names);
    if (rc == TARN_OK) rc = tarn_text_check(out, err);
done:
    return rc;
}

tarn_code tarn_sigv4_presign(const tarn_sigv4 *r, const char *access, const char *token, int expires_s,
                             const tarn_id *key, tarn_text *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sigv4_pair query[PRESIGN_MOST + MORE_PARAMETERS];
    tarn_text credential = {0}, names = {0};
    char expires[16], signature[TARN_SIGV4_HEX];
    size_t n = r->n_query;

    if (n > PRESIGN_MOST) return TARN_FAIL(err, TARN_LIMIT, "a URL with %zu parameters cannot be signed", n);
    tarn_text_addf(&credential, "%s/", access);
    TARN_TRY(add_scope(r, &credential, err));
    TARN_TRY(signed_names(r, &names, err));
    (void)snprintf(expires, sizeof expires, "%d", expires_s);
    if (n > 0) memcpy(query, r->query, n * sizeof *query);
    query[n++] = (tarn_sigv4_pair){"X-Amz-Algorithm", algorithm};
    query[n++] = (tarn_sigv4_pair){"X-Amz-Credential", credential.data};
    query[n++] = (tarn_sigv4_pair){"X-Amz-Date", r->time};
    query[n++] = (tarn_sigv4_pair){"X-Amz-Expires", expires};
    query[n++] = (tarn_sigv4_pair){"X-Amz-SignedHeaders", names.data};
    if (token) query[n++] = (tarn_sigv4_pair){"X-Amz-Security-Token", token};
    tarn_sigv4 whole = *r;
    whole.query = query;
    whole.n_query = n;
    TARN_TRY(tarn_sigv4_sign(&whole, key, signature, err));
    TARN_TRY(add_query(query, n, out, err));
    tarn_text_addf(out, "&X-Amz-Signature=%s", signature);
    rc = tarn_text_check(out, err);
done:
    tarn_text_clear(&credential);
    tarn_text_clear(&names);
    return rc;
}

/* ---- reading ---- */

/* The piece of *text up to `stop` (or the end) into out; *text goes behind the stop. False: empty, or too long. */
static bool take(const char **text, const char *stop, char *out, size_t cap)
{
    size_t len = strcspn(*text, stop);

    if (len == 0 || len >= cap) return false;
    memcpy(out, *text, len);
    out[len] = '\0';
    *text += len + ((*text)[len] != '\0');
    return true;
}

/* access/20130524/us-east-1/s3/aws4_request; the access key itself may hold '/'. */
static bool read_credential(const char *text, size_t len, tarn_sigv4_claim *out)
{
    size_t slash = len, slashes = 0;

    while (slash > 0 && slashes < 4) slashes += text[--slash] == '/';
    if (slashes < 4 || slash == 0 || slash >= sizeof out->access) return false;
    memcpy(out->access, text, slash);
    out->access[slash] = '\0';
    const char *at = text + slash + 1;
    char end[16];
    return take(&at, "/", out->date, sizeof out->date) && strlen(out->date) == 8 &&
           take(&at, "/", out->region, sizeof out->region) && take(&at, "/", out->service, sizeof out->service) &&
           at < text + len && take(&at, ", \t", end, sizeof end) && strcmp(end, "aws4_request") == 0;
}

static bool read_signature(const char *text, size_t len, tarn_sigv4_claim *out)
{
    tarn_id id;

    if (!tarn_id_parse(text, len, &id)) return false;
    (void)tarn_id_hex(&id, out->signature);
    return true;
}

/* Lower-case names in ascending order: each header once. */
static bool read_names(const char *text, size_t len, tarn_sigv4_claim *out)
{
    const char *before = NULL;

    if (len == 0 || len >= sizeof out->signed_headers) return false;
    memcpy(out->signed_headers, text, len);
    out->signed_headers[len] = '\0';
    for (const char *at = out->signed_headers; *at;) {
        size_t n = strcspn(at, ";");
        if (n == 0 || strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~") < n) return false;
        size_t m = before ? strcspn(before, ";") : 0;
        int order = before ? memcmp(before, at, n < m ? n : m) : -1;
        if (order > 0 || (order == 0 && m >= n)) return false;
        before = at;
        at += n;
        if (*at == ';' && at[1] == '\0') return false;
        at += *at == ';';
    }
    return true;
}

static tarn_code refuse(const char *what, tarn_err *err)
{
    return TARN_FAIL(err, TARN_INVALID, "the %s of the AWS signature is missing or malformed", what);
}

tarn_code tarn_sigv4_read(const char *authorization, tarn_sigv4_claim *out, tarn_err *err)
{
    size_t n = strlen(algorithm);
    bool credential = false, names = false, signature = false;

    *out = (tarn_sigv4_claim){.expires_s = 0};
    if (strncmp(authorization, algorithm, n) != 0 || !is_space(authorization[n]))
        return TARN_FAIL(err, TARN_UNSUPPORTED, "only %s is understood in the header Authorization", algorithm);
    for (const char *at = authorization + n; *at;) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ", \t"), key = strcspn(at, "=");
        if (key >= len) break;
        const char *value = at + key + 1;
        size_t value_len = len - key - 1;
        if (key == 10 && memcmp(at, "Credential", key) == 0) credential = read_credential(value, value_len, out);
        else if (key == 13 && memcmp(at, "SignedHeaders", key) == 0) names = read_names(value, value_len, out);
        else if (key == 9 && memcmp(at, "Signature", key) == 0) signature = read_signature(value, value_len, out);
        at += len;
    }
    if (!credential) return refuse("Credential", err);
    if (!names) return refuse("SignedHeaders", err);
    return signature ? TARN_OK : refuse("Signature", err);
}

static const char *parameter_of(const tarn_sigv4_pair *query, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(query[i].name, name) == 0) return query[i].value ? query[i].value : "";
    return "";
}

tarn_code tarn_sigv4_read_query(const tarn_sigv4_pair *query, size_t n, tarn_sigv4_claim *out, tarn_err *err)
{
    const char *names = parameter_of(query, n, "X-Amz-SignedHeaders"), *time = parameter_of(query, n, "X-Amz-Date");
    const char *who = parameter_of(query, n, "X-Amz-Credential"), *mac = parameter_of(query, n, "X-Amz-Signature");
    const char *expires = parameter_of(query, n, "X-Amz-Expires");
    int64_t seconds;

    *out = (tarn_sigv4_claim){.expires_s = 0};
    if (strcmp(parameter_of(query, n, "X-Amz-Algorithm"), algorithm) != 0)
        return TARN_FAIL(err, TARN_UNSUPPORTED, "only %s is understood in a signed URL", algorithm);
    if (!read_credential(who, strlen(who), out)) return refuse("X-Amz-Credential", err);
    if (!read_names(names, strlen(names), out)) return refuse("X-Amz-SignedHeaders", err);
    if (!read_signature(mac, strlen(mac), out)) return refuse("X-Amz-Signature", err);
    if (!tarn_sigv4_seconds(time, &seconds)) return refuse("X-Amz-Date", err);
    (void)strcpy(out->time, time);
    if (!tarn_int_parse(expires, strlen(expires), &out->expires_s) || out->expires_s < 1 || out->expires_s > 604800)
        return TARN_FAIL(err, TARN_INVALID, "X-Amz-Expires of a signed URL is 1 to 604800 seconds, not '%.20s'",
                         expires);
    return TARN_OK;
}

bool tarn_sigv4_signs(const char *signed_headers, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = signed_headers; *at;) {
        size_t n = strcspn(at, ";");
        if (n == len && memcmp(at, name, n) == 0) return true;
        at += n + (at[n] == ';');
    }
    return false;
}

/* ---- time ---- */

void tarn_sigv4_time(int64_t seconds, char out[17])
{
    time_t t = (time_t)seconds;
    struct tm tm;

    if (!gmtime_r(&t, &tm) || strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm) != 16) (void)strcpy(out, "19700101T000000Z");
}

bool tarn_sigv4_seconds(const char *time, int64_t *out)
{
    static const char form[] = "00000000T000000Z";
    char again[17];
    int n[16];

    for (int i = 0; i < 16; i++) {
        if (form[i] == '0' ? time[i] < '0' || time[i] > '9' : time[i] != form[i]) return false;
        n[i] = time[i] - '0';
    }
    if (time[16] != '\0') return false;
    struct tm tm = {.tm_year = n[0] * 1000 + n[1] * 100 + n[2] * 10 + n[3] - 1900,
                    .tm_mon = n[4] * 10 + n[5] - 1,
                    .tm_mday = n[6] * 10 + n[7],
                    .tm_hour = n[9] * 10 + n[10],
                    .tm_min = n[11] * 10 + n[12],
                    .tm_sec = n[13] * 10 + n[14]};
    *out = (int64_t)timegm(&tm);
    tarn_sigv4_time(*out, again);
    return strcmp(again, time) == 0; /* no 31st of February */
}
