/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - what the server counts, for Prometheus.
 *
 * Counters are relaxed atomics: a request touches a handful and waits for nobody. Names: `serve` words with the prefix
 * tarn_; labels hold routes, models and versions, never ids or values.
 *
 * Threads: any.
 */
#ifndef TARN_SERVE_METRICS_H
#define TARN_SERVE_METRICS_H

#include "base/str.h"

#include <stdatomic.h>

enum { TARN_METRIC_ROUTES = 64, TARN_METRIC_CODES = 16, TARN_METRIC_BUCKETS = 16, TARN_METRIC_MODELS = 65 };

typedef enum tarn_phase {
    TARN_PHASE_PARSE,
    TARN_PHASE_COMPUTE,
    TARN_PHASE_LOG,
    TARN_PHASE_ENCODE,
    TARN_PHASE_COUNT
} tarn_phase;

/* Why somebody was not let in. */
typedef enum tarn_denied {
    TARN_DENIED_NO_CREDENTIAL, /* none, where one is needed */
    TARN_DENIED_BAD_CREDENTIAL,
    TARN_DENIED_RIGHTS,
    TARN_DENIED_TOO_OFTEN,
    TARN_DENIED_COUNT
} tarn_denied;

typedef struct tarn_histogram {
    _Atomic uint64_t bucket[TARN_METRIC_BUCKETS], sum_ns; /* buckets hold what falls between two bounds */
} tarn_histogram;

/* One model version; the last slot is for all that found no room. */
typedef struct tarn_model_metrics {
    char model[128];
    int64_t version;
    _Atomic uint64_t good, bad, rows;
    tarn_histogram phase[TARN_PHASE_COUNT];
} tarn_model_metrics;

typedef struct tarn_metrics {
    _Atomic uint64_t codes[TARN_METRIC_ROUTES][TARN_METRIC_CODES];
    tarn_histogram duration[TARN_METRIC_ROUTES];
    tarn_model_metrics models[TARN_METRIC_MODELS];
    _Atomic uint64_t denied[TARN_DENIED_COUNT];
    int n_models; /* guarded by who calls tarn_metrics_model */
} tarn_metrics;

/* route: index in the table of routes; its count stands for "no such route". */
void tarn_metrics_request(tarn_metrics *m, int route, int status, double seconds);
void tarn_metrics_denied(tarn_metrics *m, tarn_denied why);
void tarn_metrics_phase(tarn_model_metrics *m, tarn_phase phase, double seconds);
/* The slot of a model version, made on first use. One caller at a time. */
tarn_model_metrics *tarn_metrics_model(tarn_metrics *m, const char *model, int64_t version);

/* Gauges and facts that others know. */
typedef struct tarn_metric_facts {
    const char *version, *code;
    int64_t log_records, log_waiting_bytes, log_commits;
    double started; /* seconds since 1970 */
} tarn_metric_facts;
/* The whole text, exposition format 0.0.4 or, if asked for, OpenMetrics 1.0.0. */
void tarn_metrics_write(tarn_metrics *m, const tarn_metric_facts *facts, bool open_metrics, tarn_text *out);

#endif
