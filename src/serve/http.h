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
