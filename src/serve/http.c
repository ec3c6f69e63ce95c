/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - libmicrohttpd, and the rules at the door. See http.h.
 *
 * The daemon's threads each have their own epoll set and run the answers themselves. A body that is too long is refused
 * at once when the client waits for permission (Expect: 100-continue) or means to send very much; else it is read and
 * thrown away first, so that a client that only listens when it has sent all hears why it is refused.
 *
 * The daemon's own timeout starts again with every byte, so one thread looks at every connection four times a timeout
 * and shuts those whose request, since its first moment, takes longer than allowed. */
#include "serve/http_inside.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS = 4096,
    CONNECTION_BYTES = 32 << 10,
    STREAM_CONNECTIONS = 512, /* each has a thread */
    STREAM_BYTES = 256 << 10,
    BACKLOG = 1024,
    TIMEOUT_S = 60,
    MOST_THREADS = 64,
    FIRST_BYTES = 4 << 10
};
static const uint64_t most_discarded = 256u << 20;

static const char strict_policy[] = "default-src 'none'; frame-ancestors 'none'";

/* One request. */
typedef struct request {
    tarn_http *h;
    struct MHD_Connection *connection;
    tarn_call call;
    size_t cap;
    uint64_t discarded;
    double started;
    tarn_err refused; /* set: the body is not kept */
    int refused_status;
    char id[72];
} request;

/* ---- what the daemon knows of a request ---- */

static const char *ask(const void *asked, bool header, const char *name)
{
    const request *q = asked;
    return MHD_lookup_connection_value(q->connection, header ? MHD_HEADER_KIND : MHD_GET_ARGUMENT_KIND, name);
}

/* The client's own id of the request if it is harmless, else one of ours. */
static void set_request_id(request *q)
{
    const char *given = ask(q, true, "X-Request-Id");
    size_t len = given ? strlen(given) : 0;

    if (len > 0 && len <= 64 &&
        strspn(given, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+=") == len)
        (void)snprintf(q->id, sizeof q->id, "%s", given);
    else
        (void)snprintf(q->id, sizeof q->id, "r-%llx-%llu", (unsigned long long)q->h->epoch,
                       (unsigned long long)atomic_fetch_add_explicit(&q->h->requests, 1, memory_order_relaxed));
}

/* ---- rules at the door ---- */

static bool is_loopback_name(const char *host, size_t len)
{
    struct in_addr v4;
    char copy[64];

    if (len >= sizeof copy) return false;
    memcpy(copy, host, len);
    copy[len] = '\0';
    if (strcasecmp(copy, "localhost") == 0 || strcmp(copy, "[::1]") == 0) return true;
    return inet_pton(AF_INET, copy, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

/* The name in a Host header, without its port. */
static size_t host_name(const char *host)
{
    const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
    size_t len = bracket ? (size_t)(bracket - host) + 1 : strcspn(host, ":");
    const char *port = host + len;

    if (*port == '\0') return len;
    return *port == ':' && strspn(port + 1, "0123456789") == strlen(port + 1) ? len : 0;
}

/* The domain itself, or a name in it. */
static bool in_domain(const char *domain, const char *host, size_t len)
{
    size_t n = domain ? strlen(domain) : 0;

    return n > 0 && len >= n && strncasecmp(host + len - n, domain, n) == 0 && (len == n || host[len - n - 1] == '.');
}

bool tarn_http_host_allowed(const tarn_http *h, const char *host, const char *version, tarn_err *err)
{
    if (!host) {
        if (strcmp(version, "HTTP/1.1") != 0) return true;
        (void)TARN_FAIL(err, TARN_INVALID, "the request has no Host header");
        return false;
    }
    size_t len = host_name(host);
    if (!h->loopback && len > 0) return true;
    if (len > 0 && (is_loopback_name(host, len) ||
                    (strlen(h->options.bind) == len && strncasecmp(host, h->options.bind, len) == 0) ||
                    in_domain(h->options.domain, host, len)))
        return true;
    (void)TARN_FAIL(err, TARN_DENIED, "this server listens on %s and does not answer for host '%.80s'", h->options.bind,
                    host);
    return false;
}

/* Pages of other sites may not make a browser send us anything. */
static bool site_allowed(const request *q, tarn_err *err)
{
    const char *site = ask(q, true, "Sec-Fetch-Site");

    if (strcmp(q->call.method, "POST") != 0 || !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0)
        return true;
    (void)TARN_FAIL(err, TARN_DENIED, "a page of another site may not send requests here");
    return false;
}

static bool too_long(request *q, tarn_err *err)
{
    char limit[32];
    (void)TARN_FAIL(err, TARN_LIMIT,
                    "the body is larger than %s; send fewer records at a time, or use `tarn predict FILE`",
                    tarn_num_bytes(q->h->options.most_body_bytes, limit));
    q->refused_status = 413;
    return true;
}

/* ---- replies ---- */

static void add_access_headers(const request *q, struct MHD_Response *r)
{
    const tarn_call *c = &q->call;
    char seconds[16];

    if (c->authenticate) (void)MHD_add_response_header(r, "WWW-Authenticate", c->authenticate);
    if (c->location) (void)MHD_add_response_header(r, "Location", c->location);
    if (c->cookie[0]) (void)MHD_add_response_header(r, "Set-Cookie", c->cookie);
    if (c->secure) (void)MHD_add_response_header(r, "Strict-Transport-Security", "max-age=31536000");
    if (c->retry_after <= 0) return;
    (void)snprintf(seconds, sizeof seconds, "%d", c->retry_after);
    (void)MHD_add_response_header(r, "Retry-After", seconds);
}

static void add_headers(const request *q, struct MHD_Response *r)
{
    const tarn_call *c = &q->call;

    (void)MHD_add_response_header(r, "Content-Type", c->type ? c->type : "application/json");
    (void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(r, "Content-Security-Policy", c->policy ? c->policy : strict_policy);
    (void)MHD_add_response_header(r, "Cache-Control", c->cache ? c->cache : "no-store");
    (void)MHD_add_response_header(r, "X-Request-Id", q->id);
    if (c->policy) {
        (void)MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
        (void)MHD_add_response_header(r, "Cross-Origin-Opener-Policy", "same-origin");
    }
    if (c->etag) (void)MHD_add_response_header(r, "ETag", c->etag);
    if (c->encoding) {
        if (*c->encoding) (void)MHD_add_response_header(r, "Content-Encoding", c->encoding);
        (void)MHD_add_response_header(r, "Vary", "Accept-Encoding");
    }
    if (c->allow) (void)MHD_add_response_header(r, "Allow", c->allow);
    add_access_headers(q, r);
    if (atomic_load(&q->h->closing)) (void)MHD_add_response_header(r, "Connection", "close");
}

static enum MHD_Result send_reply(request *q)
{
    tarn_call *c = &q->call;
    struct MHD_Response *r;
    void *bytes = NULL;

    if (c->fixed) {
        bytes = (void *)(uintptr_t)c->fixed;
        r = MHD_create_response_from_buffer(c->fixed_len, bytes, MHD_RESPMEM_PERSISTENT);
    } else {
        r = MHD_create_response_from_buffer_with_free_callback(c->out.len, c->out.data, tarn_free);
        if (r) c->out = (tarn_text){0}; /* the daemon has it now */
    }
    if (!r) return MHD_NO;
    add_headers(q, r);
    enum MHD_Result sent = MHD_queue_response(q->connection, (unsigned)c->status, r);
    MHD_destroy_response(r);
    return sent;
}

static enum MHD_Result refuse(request *q, int status)
{
    q->h->options.refuse(q->h->options.arg, &q->call, status, &q->refused, q->started);
    return send_reply(q);
}

/* ---- a request comes in ---- */

static void set_peer(request *q)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;

    q->call.loopback = q->h->loopback;
    q->call.secure = q->h->options.tls_cert != NULL;
    q->call.id = q->id;
    if (a && a->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, q->call.peer,
                        sizeof q->call.peer);
    else if (a && a->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, q->call.peer,
                        sizeof q->call.peer);
}

static peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

void tarn_http_touch(tarn_http *h, struct MHD_Connection *connection)
{
    peer *p = peer_of(connection);

    if (!p) return;
    (void)pthread_mutex_lock(&h->lock);
    p->since = tarn_seconds();
    p->sends_file = false;
    (void)pthread_mutex_unlock(&h->lock);
}

/* Bytes that the peer has confirmed, by the kernel's count; 0 where that is not told. */
static uint64_t arrived(int fd)
{
    struct {
        struct tcp_info known;
        uint64_t pacing, most_pacing, acked; /* what Linux has behind it, in this order */
    } info = {.acked = 0};
    socklen_t len = sizeof info;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 || len < sizeof info) return 0;
    return info.acked;
}

void tarn_http_sends_file(tarn_http *h, struct MHD_Connection *connection)
{
    peer *p = peer_of(connection);

    tarn_http_touch(h, connection);
    if (!p) return;
    (void)pthread_mutex_lock(&h->lock);
    p->sends_file = true;
    p->arrived = arrived(p->fd);
    (void)pthread_mutex_unlock(&h->lock);
}

/* Under the lock: a file goes out, and enough of it arrived since it was looked at last. */
static bool goes_on(peer *p, double now)
{
    uint64_t bytes = p->sends_file ? arrived(p->fd) : 0;

    if (bytes < p->arrived + TARN_SLOW_BYTES) return false;
    p->arrived = bytes;
    p->since = now;
    return true;
}

/* The head is there. A refusal that need not wait for the body is sent now. */
static enum MHD_Result begin(tarn_http *h, struct MHD_Connection *connection, const char *url, const char *method,
                             const char *version, void **context)
{
    request *q = NULL;
    tarn_err err = {0};

    if (tarn_alloc(&q, 1, sizeof *q, &err) != TARN_OK) return MHD_NO;
    *context = q;
    (void)atomic_fetch_add(&h->busy, 1);
    q->h = h;
    q->connection = connection;
    q->started = tarn_seconds();
    q->call = (tarn_call){.route = -1, .method = method, .path = url, .ask = ask, .asked = q, .status = 200};
    tarn_http_touch(h, connection);
    set_request_id(q);
    set_peer(q);
    const char *length = ask(q, true, "Content-Length"), *expect = ask(q, true, "Expect");
    int64_t bytes = 0;
    bool said = length && tarn_int_parse(length, strlen(length), &bytes);
    if (!tarn_http_host_allowed(h, ask(q, true, "Host"), version, &q->refused) || !site_allowed(q, &q->refused))
        q->refused_status = tarn_code_http(q->refused.code);
    else if (h->options.admit) q->refused_status = h->options.admit(h->options.arg, &q->call, &q->refused);
    if (!q->refused_status && said && (uint64_t)bytes > h->options.most_body_bytes) (void)too_long(q, &q->refused);
    if (q->refused_status && (bytes == 0 || expect || (uint64_t)bytes > most_discarded))
        return refuse(q, q->refused_status);
    return MHD_YES;
}

static enum MHD_Result take_body(request *q, const char *data, size_t *size)
{
    tarn_call *c = &q->call;
    size_t n = *size;

    *size = 0;
    if (!q->refused_status && c->body_len + n > q->h->options.most_body_bytes) (void)too_long(q, &q->refused);
    if (!q->refused_status && c->body_len + n + 1 > q->cap) {
        size_t cap = q->cap ? 2 * q->cap : FIRST_BYTES;
        while (cap < c->body_len + n + 1) cap *= 2;
        if (tarn_resize(&c->body, cap, 1, &q->refused) == TARN_OK) q->cap = cap;
        else q->refused_status = tarn_code_http(TARN_NOMEM);
    }
    if (q->refused_status) {
        tarn_free(c->body);
        c->body = NULL;
        c->body_len = q->cap = 0;
        q->discarded += n;
        return q->discarded > most_discarded ? MHD_NO : MHD_YES;
    }
    memcpy(c->body + c->body_len, data, n);
    c->body_len += n;
    c->body[c->body_len] = '\0';
    return MHD_YES;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **context)
{
    tarn_http *h = arg;
    request *q = *context;
    char nothing[1] = "";

    if (!q) return begin(h, connection, url, method, version, context);
    if (*size > 0) return take_body(q, data, size);
    if (q->refused_status) return refuse(q, q->refused_status);
    if (!q->call.body) q->call.body = nothing;
    h->options.answer(h->options.arg, &q->call, q->started);
    if (q->call.body == nothing) q->call.body = NULL;
    tarn_http_touch(h, connection);
    return send_reply(q);
}

static void completed(void *arg, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode how)
{
    tarn_http *h = arg;
    request *q = *context;

    (void)how;
    if (!q) return;
    *context = NULL;
    tarn_http_touch(h, connection);
    tarn_text_clear(&q->call.out);
    tarn_free(q->call.body);
    tarn_free(q);
    (void)atomic_fetch_sub(&h->busy, 1);
}

/* ---- connections ---- */

static void connected(void *arg, struct MHD_Connection *connection, void **context,
                      enum MHD_ConnectionNotificationCode what)
{
    tarn_http *h = arg;
    peer *p = *context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (!info || tarn_alloc(&p, 1, sizeof *p, NULL) != TARN_OK) return;
        p->fd = info->connect_fd;
        p->since = tarn_seconds();
        *context = p;
        (void)pthread_mutex_lock(&h->lock);
        p->next = h->peers;
        if (h->peers) h->peers->previous = p;
        h->peers = p;
        (void)pthread_mutex_unlock(&h->lock);
    } else if (p) {
        (void)pthread_mutex_lock(&h->lock);
        if (p->next) p->next->previous = p->previous;
        if (p->previous) p->previous->next = p->next;
        else h->peers = p->next;
        (void)pthread_mutex_unlock(&h->lock);
        *context = NULL;
        tarn_free(p);
    }
}

static void *watch(void *arg)
{
    tarn_http *h = arg;
    struct timespec t;

    (void)pthread_mutex_lock(&h->lock);
    while (!h->stopping) {
        double now = tarn_seconds();
        for (peer *p = h->peers; p; p = p->next)
            if (now - p->since > h->options.timeout_s && !goes_on(p, now)) (void)shutdown(p->fd, SHUT_RDWR);
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += 250000000L * (h->options.timeout_s < 4 ? 1 : 4);
        t.tv_sec += t.tv_nsec / 1000000000, t.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&h->wake, &h->lock, &t);
    }
    (void)pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* ---- start and stop ---- */

static tarn_code listen_on(tarn_http *h, const struct addrinfo *at, tarn_err *err)
{
    int one = 1;
    char where[160];
    struct sockaddr_storage mine;
    socklen_t len = sizeof mine;

    (void)snprintf(where, sizeof where, "%.100s, port %d", h->options.bind, h->options.port);
    h->listening = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (h->listening < 0) return TARN_FAIL_ERRNO(err, "make a socket for", where);
    (void)setsockopt(h->listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(h->listening, at->ai_addr, at->ai_addrlen) != 0) {
        if (errno == EADDRINUSE)
            return TARN_FAIL(err, TARN_BUSY,
                             "port %d on %.100s is taken by another program; choose another with --port",
                             h->options.port, h->options.bind);
        return TARN_FAIL_ERRNO(err, "listen on", where);
    }
    if (listen(h->listening, BACKLOG) != 0) return TARN_FAIL_ERRNO(err, "listen on", where);
    if (getsockname(h->listening, (struct sockaddr *)&mine, &len) != 0)
        return TARN_FAIL_ERRNO(err, "ask for the address of", where);
    h->port = ntohs(mine.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&mine)->sin6_port
                                               : ((struct sockaddr_in *)&mine)->sin_port);
    return TARN_OK;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24) == 127;
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static tarn_code open_socket(tarn_http *h, tarn_err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *found = NULL;
    char port[16], name[128];
    size_t len = strlen(h->options.bind);
    bool bracketed = len > 2 && h->options.bind[0] == '[' && h->options.bind[len - 1] == ']';

    (void)snprintf(port, sizeof port, "%d", h->options.port);
    (void)snprintf(name, sizeof name, "%.*s", (int)(bracketed ? len - 2 : len), h->options.bind + bracketed);
    int failed = getaddrinfo(name, port, &hints, &found);
    if (failed || !found)
        return TARN_FAIL(err, TARN_INVALID, "'%.100s' is no address to listen on: %s", name, gai_strerror(failed));
    tarn_code rc = listen_on(h, found, err);
    h->loopback = is_loopback(found->ai_addr);
    freeaddrinfo(found);
    if (rc == TARN_OK && !h->loopback && h->options.only_loopback)
        rc = TARN_FAIL(err, TARN_DENIED, "%s", h->options.only_loopback);
    if (rc == TARN_OK && !h->loopback && !(h->options.tls_cert && *h->options.tls_cert))
        tarn_say(h->options.sink, TARN_WARN,
                 "others can reach port %d, which speaks no TLS: what they send can be read on the way (tls_cert, "
                 "tls_key; or something in front that does)",
                 h->port);
    return rc;
}

static void hear(void *arg, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void hear(void *arg, const char *format, va_list args)
{
    tarn_http *h = arg;
    char line[300];
    (void)vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    tarn_say(h->options.sink, TARN_DEBUG, "http: %s", line);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo %xx in place. %00 stays as it is, since a path must not end before it ends. */
static size_t unescape(void *arg, struct MHD_Connection *connection, char *s)
{
    char *to = s;

    (void)arg, (void)connection;
    for (const char *from = s; *from; from++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1, low = high >= 0 ? hex_digit(from[2]) : -1;
        if (low < 0 || high + low == 0) {
            *to++ = *from;
            continue;
        }
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return (size_t)(to - s);
}

/* The daemon's options want pointers to what it does not change. */
static void *pem(const char *text) { return (void *)(uintptr_t)text; }

static tarn_code start_daemon(tarn_http *h, tarn_err *err)
{
    const tarn_streams *streams = h->options.streams;
    unsigned threads = streams ? 1 : (unsigned)h->options.threads, flags = MHD_USE_ITC | MHD_USE_ERROR_LOG;
    flags |= streams ? MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION : MHD_USE_EPOLL_INTERNAL_THREAD;
    struct MHD_OptionItem tls[] = {
        {h->options.tls_cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, pem(h->options.tls_cert)},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, pem(h->options.tls_key)},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, pem("NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2")},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)(void (*)(void *, const char *, va_list))hear, h},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)(size_t(*)(void *, struct MHD_Connection *, char *))unescape, h},
        {MHD_OPTION_LISTEN_SOCKET, h->listening, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, streams ? STREAM_CONNECTIONS : CONNECTIONS, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, streams ? STREAM_BYTES : CONNECTION_BYTES, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, h->options.timeout_s, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {streams ? MHD_OPTION_URI_LOG_CALLBACK : MHD_OPTION_END,
         (intptr_t)(void *(*)(void *, const char *, struct MHD_Connection *))tarn_stream_target, h},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem pool[] = {
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL},
        {MHD_OPTION_END, 0, NULL}};

    if (h->options.tls_cert) {
        if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
            return TARN_FAIL(err, TARN_UNSUPPORTED, "this libmicrohttpd was built without TLS; put a proxy in front");
        flags |= MHD_USE_TLS;
    }
    h->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, streams ? tarn_stream_handle : handle, h, MHD_OPTION_NOTIFY_COMPLETED,
                         streams ? tarn_stream_completed : completed, h, MHD_OPTION_NOTIFY_CONNECTION, connected, h,
                         MHD_OPTION_ARRAY, options, MHD_OPTION_ARRAY, pool, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!h->daemon && h->options.tls_cert)
        return TARN_FAIL(err, TARN_INVALID, "cannot start TLS: certificate and key must be PEM and belong together");
    if (!h->daemon) return TARN_FAIL(err, TARN_IO, "cannot start %u threads that answer requests", threads);
    h->listening = -1; /* the daemon's */
    if (pthread_create(&h->watcher, NULL, watch, h) != 0)
        return TARN_FAIL(err, TARN_NOMEM, "cannot start the thread that watches connections");
    h->watching = true;
    return TARN_OK;
}

tarn_code tarn_http_start(const tarn_http_options *options, tarn_http **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_http *h = NULL;
    pthread_condattr_t attr;

    TARN_TRY(tarn_alloc(&h, 1, sizeof *h, err));
    h->options = *options;
    h->listening = -1;
    h->epoch = (uint64_t)tarn_now_us();
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (h->options.threads <= 0) h->options.threads = cores > 0 ? (int)cores : 1;
    if (h->options.threads > MOST_THREADS) h->options.threads = MOST_THREADS;
    if (h->options.timeout_s <= 0) h->options.timeout_s = TIMEOUT_S;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&h->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&h->lock, NULL);
    TARN_TRY(open_socket(h, err));
    TARN_TRY(start_daemon(h, err));
    *out = h;
    h = NULL;
done:
    tarn_http_stop(h, 0);
    return rc;
}

int tarn_http_port(const tarn_http *h) { return h->port; }

void tarn_http_stop(tarn_http *h, double patience_s)
{
    if (!h) return;
    double end = tarn_seconds() + patience_s;

    atomic_store(&h->closing, true);
    if (h->daemon) {
        int fd = MHD_quiesce_daemon(h->daemon);
        while (atomic_load(&h->busy) > 0 && tarn_seconds() < end)
            (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        MHD_stop_daemon(h->daemon);
        if (fd >= 0) (void)close(fd);
    }
    if (h->watching) {
        (void)pthread_mutex_lock(&h->lock);
        h->stopping = true;
        (void)pthread_cond_signal(&h->wake);
        (void)pthread_mutex_unlock(&h->lock);
        (void)pthread_join(h->watcher, NULL);
    }
    if (h->listening >= 0) (void)close(h->listening);
    (void)pthread_cond_destroy(&h->wake);
    (void)pthread_mutex_destroy(&h->lock);
    tarn_free(h);
}
