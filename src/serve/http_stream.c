/* SPDX-License-Identifier: Apache-2.0 */
/* http_stream.c - requests and replies in pieces. See http.h.
 *
 * A connection that moves fewer than TARN_SLOW_BYTES within the timeout is shut by the watcher of http.c: a body of
 * hours is fine, one byte a second is not. */
#include "serve/http_inside.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 2 << 20, ID_BYTES = 32 };
static const uint64_t most_discarded = 64u << 20;

typedef struct stream {
    tarn_exchange x;
    tarn_http *h;
    struct MHD_Connection *connection;
    char *target;
    uint64_t discarded, moved; /* bytes since the last touch */
    bool begun;
    char id[ID_BYTES], peer[INET6_ADDRSTRLEN];
} stream;

const char *tarn_exchange_header(const tarn_exchange *x, const char *name)
{
    const stream *s = (const void *)x;
    return MHD_lookup_connection_value(s->connection, MHD_HEADER_KIND, name);
}

typedef struct header_arg {
    tarn_header_fn *fn;
    void *arg;
} header_arg;

static enum MHD_Result tell_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    header_arg *a = arg;

    (void)kind;
    a->fn(a->arg, name, value ? value : "");
    return MHD_YES;
}

void tarn_exchange_headers(const tarn_exchange *x, tarn_header_fn *fn, void *arg)
{
    const stream *s = (const void *)x;
    header_arg a = {fn, arg};

    (void)MHD_get_connection_values(s->connection, MHD_HEADER_KIND, tell_header, &a);
}

/* ---- the reply ---- */

static void moved(stream *s, size_t bytes)
{
    s->moved += bytes;
    if (s->moved < TARN_SLOW_BYTES) return;
    s->moved = 0;
    tarn_http_touch(s->h, s->connection);
}

static ssize_t pull(void *arg, uint64_t at, char *bytes, size_t cap)
{
    stream *s = arg;
    size_t len = 0;
    tarn_err err = {0};

    if (s->x.pull(s->x.pull_arg, at, bytes, cap, &len, &err) != TARN_OK) {
        tarn_say(s->h->options.sink, TARN_WARN, "%s %.100s: %s", s->x.method, s->x.target, err.msg);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    moved(s, len);
    return len > 0 ? (ssize_t)len : MHD_CONTENT_READER_END_OF_STREAM;
}

/* Each line of the headers; the text is taken to pieces. */
static bool add_headers(stream *s, struct MHD_Response *r)
{
    for (char *line = s->x.headers.data; line && *line;) {
        char *end = strchr(line, '\n'), *colon = strchr(line, ':');
        if (!end || !colon || colon > end) return false;
        *end = *colon = '\0';
        if (MHD_add_response_header(r, line, colon + 1 + strspn(colon + 1, " ")) != MHD_YES) return false;
        line = end + 1;
    }
    if (atomic_load(&s->h->closing)) (void)MHD_add_response_header(r, "Connection", "close");
    return true;
}

void tarn_exchange_no_body(tarn_exchange *x)
{
    if (x->has_file) (void)close(x->file);
    x->has_file = false;
    x->pull = NULL;
    x->length = 0;
}

static struct MHD_Response *make_response(stream *s)
{
    if (s->x.has_file && s->x.length > 0) {
        struct MHD_Response *f = MHD_create_response_from_fd_at_offset64(s->x.length, s->x.file, s->x.file_at);
        if (f) s->x.has_file = false; /* the daemon closes it */
        return f;
    }
    if (s->x.pull && s->x.length > 0)
        return MHD_create_response_from_callback(s->x.length, s->x.length < BLOCK ? (size_t)s->x.length : BLOCK, pull,
                                                 s, NULL);
    struct MHD_Response *r = MHD_create_response_from_buffer_with_free_callback(s->x.out.len, s->x.out.data, tarn_free);
    if (r) s->x.out = (tarn_text){0}; /* the daemon has it now */
    return r;
}

static enum MHD_Result reply(stream *s)
{
    enum MHD_Result sent = MHD_NO;
    bool file = s->x.has_file;
    struct MHD_Response *r = make_response(s);

    if (file) tarn_http_sends_file(s->h, s->connection);
    else tarn_http_touch(s->h, s->connection);
    if (!r) return MHD_NO;
    if (s->x.headers.failed == TARN_OK && add_headers(s, r))
        sent = MHD_queue_response(s->connection, (unsigned)s->x.status, r);
    MHD_destroy_response(r);
    return sent;
}

/* ---- the request ---- */

void *tarn_stream_target(void *arg, const char *target, struct MHD_Connection *connection)
{
    tarn_http *h = arg;
    stream *s = NULL;

    if (tarn_alloc(&s, 1, sizeof *s, NULL) != TARN_OK) return NULL;
    s->h = h;
    s->connection = connection;
    if (tarn_strdup(target, &s->target, NULL) != TARN_OK) {
        tarn_free(s);
        return NULL;
    }
    (void)atomic_fetch_add(&h->busy, 1);
    return s;
}

static void ask_peer(stream *s)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(s->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;

    if (a && a->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, s->peer, sizeof s->peer);
    if (a && a->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, s->peer, sizeof s->peer);
}

static void ask_length(stream *s)
{
    const char *length = tarn_exchange_header(&s->x, "Content-Length");

    s->x.body_bytes = tarn_exchange_header(&s->x, "Transfer-Encoding") ? -1 : 0;
    if (length && (!tarn_int_parse(length, strlen(length), &s->x.body_bytes) || s->x.body_bytes < 0))
        s->x.body_bytes = -1;
}

static enum MHD_Result begin(stream *s, const char *method, const char *version)
{
    tarn_http *h = s->h;
    tarn_err err = {0};

    s->begun = true;
    s->x.method = method;
    s->x.target = s->target;
    s->x.id = s->id;
    (void)snprintf(s->id, sizeof s->id, "%012llX%06llX", (unsigned long long)h->epoch,
                   (unsigned long long)(atomic_fetch_add(&h->requests, 1) & 0xffffff));
    s->x.peer = s->peer;
    ask_peer(s);
    ask_length(s);
    tarn_http_touch(h, s->connection);
    if (!tarn_http_host_allowed(h, tarn_exchange_header(&s->x, "Host"), version, &err))
        h->options.streams->refuse(h->options.arg, &s->x, tarn_code_http(err.code), &err);
    else h->options.streams->begin(h->options.arg, &s->x);
    bool waits = tarn_exchange_header(&s->x, "Expect") || (uint64_t)s->x.body_bytes > most_discarded;
    return s->x.status && (waits || s->x.body_bytes == 0) ? reply(s) : MHD_YES;
}

static enum MHD_Result piece(stream *s, const char *data, size_t *size)
{
    size_t n = *size;

    *size = 0;
    moved(s, n);
    if (!s->x.status) s->h->options.streams->piece(s->h->options.arg, &s->x, data, n);
    else s->discarded += n;
    return s->discarded > most_discarded ? MHD_NO : MHD_YES;
}

enum MHD_Result tarn_stream_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                   const char *version, const char *data, size_t *size, void **context)
{
    stream *s = *context;

    (void)arg, (void)connection, (void)url;
    if (!s) return MHD_NO; /* there was no memory for it */
    if (!s->begun) return begin(s, method, version);
    if (*size > 0) return piece(s, data, size);
    if (!s->x.status) s->h->options.streams->end(s->h->options.arg, &s->x);
    return reply(s);
}

void tarn_stream_completed(void *arg, struct MHD_Connection *connection, void **context,
                           enum MHD_RequestTerminationCode how)
{
    tarn_http *h = arg;
    stream *s = *context;

    (void)how;
    if (!s) return;
    *context = NULL;
    tarn_http_touch(h, connection);
    if (s->begun) h->options.streams->done(h->options.arg, &s->x);
    tarn_exchange_no_body(&s->x);
    tarn_text_clear(&s->x.headers);
    tarn_text_clear(&s->x.out);
    tarn_free(s->target);
    tarn_free(s);
    (void)atomic_fetch_sub(&h->busy, 1);
}
