/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - what the files of serve share: the server itself. */
#ifndef TARN_SERVE_SERVER_H
#define TARN_SERVE_SERVER_H

#include "serve/guard.h"
#include "serve/http.h"
#include "serve/metrics.h"
#include "serve/models.h"
#include "serve/predict.h"
#include "serve/predlog.h"
#include "serve/route.h"
#include "serve/serve.h"

#include <pthread.h>

struct tarn_server {
    tarn_server_options options; /* texts are copies */
    char bind[128], version[64], code[80];
    char *tls_cert, *tls_key; /* PEM */
    size_t tls_key_len;
    bool anonymous_said;
    tarn_anonymous anonymous; /* if it was said */
    tarn_guard *guard;
    pthread_t clerk; /* writes waiting audit records once a second */
    pthread_cond_t clerk_wake;
    pthread_mutex_t clerk_lock; /* guards the next two */
    bool clerk_runs, clerk_stops;
    tarn_http *http;
    tarn_models *models;
    tarn_predlog *log;
    tarn_metrics metrics;
    pthread_mutex_t view_lock; /* the top floor is asked one question at a time */
    double started;            /* seconds since 1970 */
};

/* Answer one request: find its route, run it, turn an error into a reply, count. Never fails: call->status, call->type
 * and call->out or call->fixed are the reply. */
void tarn_server_answer(tarn_server *s, tarn_call *call, double started);
/* An error as the reply. */
void tarn_server_refuse(tarn_call *call, int status, const tarn_err *err);

#endif
