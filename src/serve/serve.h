/* SPDX-License-Identifier: Apache-2.0 */
/* serve: stage 7. In: registered models and requests. Out: predictions, each with an id, logged to the lake.
 *
 * The server answers the Open Inference Protocol (JSON), raw records by field name, Prometheus metrics, and the web
 * page with its API. Routes are declared in routes.def, one file each in serve/routes/. A model is found by the
 * registry's name or name@alias; a request that begins 100 ms after an alias has moved sees the new model, and none is
 * dropped.
 *
 * Everybody who wants more than reading and predicting shows a credential: a token or a user's password
 * (lake/access.h). On an address that others can reach the server does not start before there is a user.
 *
 * Stages that serve may not see (runs, status, lineage: the flow) are given as callbacks by the top floor.
 *
 * Calls, in order: tarn_server_start, (requests), tarn_server_stop. Stop finishes the requests that are under way,
 * then syncs and commits the prediction log.
 */
#ifndef TARN_SERVE_H
#define TARN_SERVE_H

#include "base/json.h"
#include "base/pool.h"
#include "base/sink.h"
#include "lake/lake.h"

typedef struct tarn_server tarn_server;

/* What the page shows and only the top floor knows. Each gives a JSON value that the server decrefs; any may be NULL
 * (the route then answers 404). Called from any thread, one at a time. */
typedef struct tarn_server_view {
    void *arg;
    tarn_code (*project)(
        void *arg, json_t **out,
        tarn_err *err); /* {"project","problem","branch","steps":[...]}: chain of stages and their state */
    tarn_code (*runs)(void *arg, json_t **out, tarn_err *err); /* array of run summaries, newest first */
    tarn_code (*why)(void *arg, const char *prediction_id, json_t **out, tarn_err *err);
} tarn_server_view;

typedef struct tarn_server_options {
    tarn_lake *lake;
    const char *bind;       /* NULL: 127.0.0.1 */
    int port;               /* 0: any free one */
    int threads;            /* 0: as many as cores */
    size_t most_body_bytes; /* 0: 16 MiB */
    int timeout_s;          /* 0: 60; a connection may take that long over a request, and be idle */
    const char *anonymous; /* what may be done without a credential: "none", "predict", "read"; NULL: read on a loopback
                              address, none elsewhere. Nobody writes without one */
    bool open_metrics;     /* /metrics is for everybody, wherever */
    bool audit_reads;      /* what is only read goes to the audit log, too */
    const char *tls_cert, *tls_key; /* paths of PEM files; NULL: plain HTTP */
    const char *version;            /* of the program, for /v2 and tarn_build_info */
    const char *code;
    tarn_server_view view;
    /* The S3 gateway, see serve/s3/s3.h for each. */
    int s3_port; /* 0: none; -1: any free one */
    const char *s3_bucket, *s3_domain, *s3_access_key, *s3_secret_key;
    int s3_commit_after_s, s3_most_requests;
    uint64_t s3_copies_bytes;
    bool s3_anonymous_reads, s3_signature_v2;
    const tarn_sink *sink;
} tarn_server_options;

TARN_MUST tarn_code tarn_server_start(const tarn_server_options *options, tarn_server **out, tarn_err *err);
int tarn_server_port(const tarn_server *s);
/* Of the gateway, and the bucket that is the lake; 0 and NULL if there is none. */
int tarn_server_s3_port(const tarn_server *s);
const char *tarn_server_s3_bucket(const tarn_server *s);
/* Graceful; s is gone afterwards. An error says that the log could not be committed (it stays on disk and is taken up
 * by the next start). */
TARN_MUST tarn_code tarn_server_stop(tarn_server *s, tarn_err *err);

/* The record of a prediction: {"id","time","model","version","object" (of
 * model.tarn),"inputs":{...},"outputs":{...},"commit","path","line"}, from the committed log or from segments not yet
 * committed. TARN_NOT_FOUND says where it looked. */
TARN_MUST tarn_code tarn_prediction_find(tarn_lake *lake, const char *id, json_t **out, tarn_err *err);

#endif
