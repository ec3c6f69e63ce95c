/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the one place that speaks HTTP (libmicrohttpd is behind http.c alone).
 *
 * Takes connections on a few threads, reads bodies up to a limit without ever holding more, gives whole requests to
 * `answer`, sends replies. Connections that take too long over a request are closed. A request for another host than
 * the address it listens on is refused while that is loopback, since only a web page that plays with name servers asks
 * so.
 */
#ifndef TARN_SERVE_HTTP_H
#define TARN_SERVE_HTTP_H

#include "base/sink.h"
#include "serve/route.h"

typedef struct tarn_http tarn_http;

/* ---- requests and replies of any length, in pieces ----
 *
 * With options.streams every connection has a thread of its own, which may wait for the disk. Of a request the head is
 * told (begin), then its body piece by piece, then its end; done comes last in any case, and alone when the client went
 * away. Who fills in status has answered: what is left of the body is thrown away. */

typedef struct tarn_exchange {
    const char *method, *target; /* target as on the wire, from the first '/' on */
    const char *id;              /* of the request */
    const char *peer;            /* address of the client */
    int64_t body_bytes;          /* as the client says; -1: it does not */
    void *state;                 /* the seam's own */
    /* the reply */
    int status;        /* 0: not yet */
    tarn_text headers; /* lines "Name: value\n" */
    tarn_text out;     /* the body, or: */
    uint64_t length;   /* bytes that pull gives, or that are sent of the file: */
    bool has_file;     /* the kernel sends them from file_at on; who sets it gives the descriptor away */
    int file;
    uint64_t file_at;
    /* Fill in 1 to cap bytes of the body from `at` on. An error cuts the connection, so that the client notices. */
    tarn_code (*pull)(void *arg, uint64_t at, char *bytes, size_t cap, size_t *len, tarn_err *err);
    void *pull_arg;
} tarn_exchange;

/* The header's value, or NULL; every header in the order of sending, a name may come twice. */
const char *tarn_exchange_header(const tarn_exchange *x, const char *name);
typedef void tarn_header_fn(void *arg, const char *name, const char *value);
void tarn_exchange_headers(const tarn_exchange *x, tarn_header_fn *fn, void *arg);

/* Forget the body that was set, whatever it is, but for `out`. */
void tarn_exchange_no_body(tarn_exchange *x);

typedef struct tarn_streams {
    void (*begin)(void *arg, tarn_exchange *x);
    void (*piece)(void *arg, tarn_exchange *x, const char *bytes, size_t len);
    void (*end)(void *arg, tarn_exchange *x); /* must answer */
    void (*done)(void *arg, tarn_exchange *x);
    /* A request for a host that is not this one (see above) is refused with this. */
    void (*refuse)(void *arg, tarn_exchange *x, int status, const tarn_err *why);
} tarn_streams;

typedef struct tarn_http_options {
    const char *bind;
    int port, threads, timeout_s;
    size_t most_body_bytes;
    const char *tls_cert, *tls_key; /* PEM texts, which live until stop; NULL: plain HTTP */
    const char *only_loopback;      /* why it may not listen on another address; NULL: it may */
    const tarn_sink *sink;
    void *arg;
    /* Whether the one who asks may do so, by the head alone, before the body is read: 0, or the status of a refusal
     * with *why filled. */
    int (*admit)(void *arg, tarn_call *call, tarn_err *why);
    const tarn_streams *streams; /* instead of answer and refuse, and of a limit for bodies */
    const char *domain;          /* also answers for this host and names in it, may be NULL */
    /* Fill in the reply of a whole request; `started` is tarn_seconds() of its beginning. */
    void (*answer)(void *arg, tarn_call *call, double started);
    /* The same for a request that is refused before it is read whole. */
    void (*refuse)(void *arg, tarn_call *call, int status, const tarn_err *why, double started);
} tarn_http_options;

TARN_MUST tarn_code tarn_http_start(const tarn_http_options *options, tarn_http **out, tarn_err *err);
int tarn_http_port(const tarn_http *h);
/* Take no new connections, finish the requests that are under way (for at most `patience_s`), stop. NULL is fine. */
void tarn_http_stop(tarn_http *h, double patience_s);

#endif
