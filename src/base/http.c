/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - HTTP by libcurl's easy interface. See http.h. */
#include "base/http.h"

#include "base/mem.h"
#include "base/str.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { KEPT = 16, HEADERS_MOST = 65536, BODY_MOST = 1 << 20 };

struct tarn_http {
    pthread_mutex_t lock; /* guards what follows */
    CURL *idle[KEPT];
    int n_idle;
    tarn_http_options options;
};

static void start_curl(void) { (void)curl_global_init(CURL_GLOBAL_DEFAULT); }

tarn_code tarn_http_new(const tarn_http_options *options, tarn_http **out, tarn_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* libcurl's own state of the process */

    (void)pthread_once(&once, start_curl);
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);
    if (rc != TARN_OK) return rc;
    (void)pthread_mutex_init(&(*out)->lock, NULL);
    if (options) (*out)->options = *options;
    if ((*out)->options.connect_ms <= 0) (*out)->options.connect_ms = 10000;
    if ((*out)->options.stall_s <= 0) (*out)->options.stall_s = 30;
    if ((*out)->options.stall_bytes <= 0) (*out)->options.stall_bytes = 1;
    return TARN_OK;
}

void tarn_http_free(tarn_http *h)
{
    if (!h) return;
    for (int i = 0; i < h->n_idle; i++) curl_easy_cleanup(h->idle[i]);
    (void)pthread_mutex_destroy(&h->lock);
    tarn_free(h);
}

static CURL *borrow(tarn_http *h)
{
    CURL *c = NULL;

    (void)pthread_mutex_lock(&h->lock);
    if (h->n_idle > 0) c = h->idle[--h->n_idle];
    (void)pthread_mutex_unlock(&h->lock);
    return c ? c : curl_easy_init();
}

static void give_back(tarn_http *h, CURL *c)
{
    curl_easy_reset(c); /* connections stay */
    (void)pthread_mutex_lock(&h->lock);
    if (h->n_idle < KEPT) {
        h->idle[h->n_idle++] = c;
        c = NULL;
    }
    (void)pthread_mutex_unlock(&h->lock);
    if (c) curl_easy_cleanup(c);
}

/* ---- one request ---- */

typedef struct transfer {
    CURL *curl;
    const tarn_http_request *request;
    tarn_text headers, body;
    size_t most;
    tarn_code rc; /* of a callback */
    tarn_err *err;
} transfer;

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    transfer *t = arg;
    size_t len = size * n;

    if (len > 5 && memcmp(bytes, "HTTP/", 5) == 0) t->headers.len = 0; /* that before was only "100 Continue" */
    if (t->headers.len + len > HEADERS_MOST) {
        t->rc = TARN_FAIL(t->err, TARN_LIMIT, "the headers of the answer have over %d bytes", HEADERS_MOST);
        return 0;
    }
    tarn_text_addn(&t->headers, bytes, len);
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    transfer *t = arg;
    size_t len = size * n;
    long status = 0;

    (void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    bool good = status >= 200 && status < 300;
    if (good && t->request->give) {
        t->rc = t->request->give(t->request->give_arg, bytes, len, t->err);
        return t->rc == TARN_OK ? len : 0;
    }
    size_t room = t->most - t->body.len;
    if (len > room && good) {
        t->rc = TARN_FAIL(t->err, TARN_LIMIT, "the answer has over %zu bytes", t->most);
        return 0;
    }
    tarn_text_addn(&t->body, bytes, len < room ? len : room);
    t->rc = tarn_text_check(&t->body, t->err);
    return t->rc == TARN_OK ? len : 0;
}

/* scheme://host:port of the URL, for messages. */
static int host_part(const char *url)
{
    const char *p = strstr(url, "://");
    return (int)(p ? (size_t)(p - url) + 3 + strcspn(p + 3, "/?#") : strcspn(url, "/?#"));
}

static tarn_code fail(const tarn_http *h, CURLcode status, const char *url, tarn_err *err)
{
    int n = host_part(url);

    n = n > 150 ? 150 : n;
    if (status == CURLE_UNSUPPORTED_PROTOCOL && strncmp(url, "http", 4) == 0) status = CURLE_WEIRD_SERVER_REPLY;
    switch (status) {
    case CURLE_OUT_OF_MEMORY: return TARN_FAIL(err, TARN_NOMEM, "no memory for a request to '%.*s'", n, url);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return TARN_FAIL(err, TARN_INVALID, "'%.*s' is not a URL that can be asked", n, url);
    case CURLE_OPERATION_TIMEDOUT:
        return TARN_FAIL(err, TARN_IO, "'%.*s' does not answer (waited %d seconds to connect, %d for bytes)", n, url,
                         h->options.connect_ms / 1000, h->options.stall_s);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_WEIRD_SERVER_REPLY:
        return TARN_FAIL(err, TARN_IO, "'%.*s' cut the connection: %s", n, url, curl_easy_strerror(status));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return TARN_FAIL(
            err, TARN_DENIED,
            "the certificate of '%.*s' cannot be verified: %s; if it has an authority of its own, name its "
            "file in TARN_CA_FILE",
            n, url, curl_easy_strerror(status));
    default: return TARN_FAIL(err, TARN_IO, "cannot reach '%.*s': %s", n, url, curl_easy_strerror(status));
    }
}

static struct curl_slist *header_lines(const tarn_http_request *r, bool *failed)
{
    /* not what libcurl would send by itself */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"), *next = list;
    bool type = false;

    for (size_t i = 0; i < r->n_headers && next; i++) {
        tarn_text line = {0};
        tarn_text_addf(&line, *r->headers[i].value ? "%s: %s" : "%s;%s", r->headers[i].name, r->headers[i].value);
        type = type || strcasecmp(r->headers[i].name, "Content-Type") == 0;
        next = line.failed == TARN_OK ? curl_slist_append(list, line.data) : NULL;
        tarn_text_clear(&line);
    }
    if (next && !type) next = curl_slist_append(list, "Content-Type:");
    *failed = next == NULL;
    return list;
}

static void set_up(const tarn_http *h, transfer *t, struct curl_slist *lines)
{
    const tarn_http_request *r = t->request;
    CURL *c = t->curl;
    const char *authorities = getenv("TARN_CA_FILE");
    bool head = strcmp(r->method, "HEAD") == 0;

    (void)curl_easy_setopt(c, CURLOPT_URL, r->url);
    (void)curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "tarn");
    (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    if (authorities && *authorities) (void)curl_easy_setopt(c, CURLOPT_CAINFO, authorities);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)h->options.connect_ms);
    (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)h->options.stall_s);
    (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)h->options.stall_bytes);
    (void)curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 262144L);
    (void)curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, lines);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (head) (void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    if (r->body) {
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body);
    }
    if (!head) (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
}

tarn_code tarn_http_ask(tarn_http *http, const tarn_http_request *request, tarn_http_answer *answer, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool failed = false;
    long status = 0;
    transfer t = {.request = request, .err = err, .most = request->most ? request->most : BODY_MOST};
    struct curl_slist *lines = NULL;

    *answer = (tarn_http_answer){.status = 0};
    t.curl = borrow(http);
    if (t.curl) lines = header_lines(request, &failed);
    if (!t.curl || failed) {
        rc = fail(http, CURLE_OUT_OF_MEMORY, request->url, err);
        goto done;
    }
    set_up(http, &t, lines);
    CURLcode ended = curl_easy_perform(t.curl);
    if (t.rc != TARN_OK) tarn_err_note(err, "'%.*s'", host_part(request->url), request->url);
    rc = t.rc != TARN_OK ? t.rc : ended == CURLE_OK ? TARN_OK : fail(http, ended, request->url, err);
    if (rc != TARN_OK) goto done;
    (void)curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    answer->len = t.body.len;
    TARN_TRY(tarn_text_take(&t.headers, &answer->headers, err));
    TARN_TRY(tarn_text_take(&t.body, &answer->body, err));
done:
    tarn_text_clear(&t.headers);
    tarn_text_clear(&t.body);
    if (t.curl) give_back(http, t.curl);
    curl_slist_free_all(lines);
    return rc;
}

void tarn_http_answer_clear(tarn_http_answer *answer)
{
    tarn_free(answer->body);
    tarn_free(answer->headers);
    *answer = (tarn_http_answer){.status = 0};
}

bool tarn_http_header_get(const tarn_http_answer *answer, const char *name, char *out, size_t cap)
{
    size_t n = strlen(name);

    for (const char *line = answer->headers; line && *line;) {
        size_t len = strcspn(line, "\r\n");
        if (len > n && line[n] == ':' && strncasecmp(line, name, n) == 0) {
            const char *value = line + n + 1 + strspn(line + n + 1, " \t");
            size_t value_len = (size_t)(line + len - value);
            if (value_len >= cap) value_len = cap - 1;
            memcpy(out, value, value_len);
            out[value_len] = '\0';
            return true;
        }
        line += len;
        line += strspn(line, "\r\n");
    }
    return false;
}

bool tarn_http_again(int status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

int64_t tarn_http_retry_after_ms(const tarn_http_answer *answer)
{
    char value[64];
    int64_t seconds = 0;

    if (!tarn_http_header_get(answer, "Retry-After", value, sizeof value)) return 0;
    if (!tarn_int_parse(value, strlen(value), &seconds)) {
        time_t when = curl_getdate(value, NULL);
        seconds = when < 0 ? 0 : (int64_t)(when - time(NULL));
    }
    if (seconds < 0) seconds = 0;
    return (seconds > 3600 ? 3600 : seconds) * 1000;
}
