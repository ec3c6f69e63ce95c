/* SPDX-License-Identifier: Apache-2.0 */
/* http_inside.h - what http.c and http_stream.c share; libmicrohttpd is behind these two. */
#ifndef TARN_SERVE_HTTP_INSIDE_H
#define TARN_SERVE_HTTP_INSIDE_H

#include "serve/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/* Who moves fewer bytes within a timeout is slow. */
enum { TARN_SLOW_BYTES = 64 << 10 };

/* A connection, so that slow ones can be shut. */
typedef struct peer {
    struct peer *next, *previous;
    int fd;
    double since; /* of the request under way, or of the end of the one before */
    bool sends_file;
    uint64_t arrived; /* if so: bytes that the peer had confirmed at `since` */
} peer;

struct tarn_http {
    tarn_http_options options;
    struct MHD_Daemon *daemon;
    int listening, port;
    bool loopback;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    peer *peers;
    pthread_t watcher;
    bool watching, stopping;
    _Atomic int busy;
    _Atomic uint64_t requests;
    _Atomic bool closing;
    uint64_t epoch;
};

/* The request begins, goes on or has ended: it is not slow now. */
void tarn_http_touch(tarn_http *h, struct MHD_Connection *connection);
/* From here to the next touch the kernel sends a file, and its word counts for whether the connection is slow. */
void tarn_http_sends_file(tarn_http *h, struct MHD_Connection *connection);
/* host may be NULL. */
bool tarn_http_host_allowed(const tarn_http *h, const char *host, const char *version, tarn_err *err);

/* ---- http_stream.c: what the daemon calls when options.streams is set ---- */

void *tarn_stream_target(void *arg, const char *target, struct MHD_Connection *connection);
enum MHD_Result tarn_stream_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                   const char *version, const char *data, size_t *size, void **context);
void tarn_stream_completed(void *arg, struct MHD_Connection *connection, void **context,
                           enum MHD_RequestTerminationCode how);

#endif
