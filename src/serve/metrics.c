/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - see metrics.h. Format: Prometheus exposition formats, text 0.0.4; OpenMetrics 1.0.0. */
#include "serve/metrics.h"

#include "base/file.h"
#include "base/mem.h"
#include "serve/route.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

static const double bounds[TARN_METRIC_BUCKETS - 1] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                       0.05,   0.1,     0.25,   0.5,   1,      2.5,   10};
/* The last stands for all others. */
static const int codes[TARN_METRIC_CODES] = {200, 304, 400, 401, 403, 404, 405, 408,
                                             409, 413, 422, 500, 501, 503, 507, 0};

static void observe(tarn_histogram *h, double seconds)
{
    int i = 0;

    while (i < TARN_METRIC_BUCKETS - 1 && seconds > bounds[i]) i++;
    (void)atomic_fetch_add_explicit(&h->bucket[i], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&h->sum_ns, (uint64_t)(seconds * 1e9), memory_order_relaxed);
}

void tarn_metrics_request(tarn_metrics *m, int route, int status, double seconds)
{
    int i = 0;

    while (i < TARN_METRIC_CODES - 1 && codes[i] != status) i++;
    (void)atomic_fetch_add_explicit(&m->codes[route][i], 1, memory_order_relaxed);
    observe(&m->duration[route], seconds);
}

void tarn_metrics_denied(tarn_metrics *m, tarn_denied why)
{
    (void)atomic_fetch_add_explicit(&m->denied[why], 1, memory_order_relaxed);
}

void tarn_metrics_phase(tarn_model_metrics *m, tarn_phase phase, double seconds) { observe(&m->phase[phase], seconds); }

tarn_model_metrics *tarn_metrics_model(tarn_metrics *m, const char *model, int64_t version)
{
    for (int i = 0; i < m->n_models; i++)
        if (m->models[i].version == version && strcmp(m->models[i].model, model) == 0) return &m->models[i];
    if (m->n_models < TARN_METRIC_MODELS - 1) {
        tarn_model_metrics *slot = &m->models[m->n_models++];
        (void)snprintf(slot->model, sizeof slot->model, "%s", model);
        slot->version = version;
        return slot;
    }
    tarn_model_metrics *rest = &m->models[TARN_METRIC_MODELS - 1];
    (void)snprintf(rest->model, sizeof rest->model, "other");
    return rest;
}

/* ---- writing ---- */

typedef struct writer {
    tarn_text *out;
    bool open;
} writer;

/* In OpenMetrics the family of a counter goes without the _total that its samples carry. */
static void family(const writer *w, const char *name, const char *type, const char *help)
{
    int len = (int)strlen(name);

    if (w->open && strcmp(type, "counter") == 0 && len > 6 && strcmp(name + len - 6, "_total") == 0) len -= 6;
    tarn_text_addf(w->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", len, name, help, len, name, type);
}

static void number(const writer *w, double x)
{
    tarn_text_add(w->out, " ");
    tarn_text_num(w->out, x);
    tarn_text_add(w->out, "\n");
}

static void single(const writer *w, const char *name, const char *type, const char *help, double x)
{
    family(w, name, type, help);
    tarn_text_add(w->out, name);
    number(w, x);
}

/* `labels` ends without comma: route="/v2",method="GET" */
static void histogram(const writer *w, const char *name, const char *labels, const tarn_histogram *h)
{
    uint64_t sum = 0;

    for (int i = 0; i < TARN_METRIC_BUCKETS; i++) {
        sum += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
        tarn_text_addf(w->out, "%s_bucket{%s,le=\"", name, labels);
        if (i < TARN_METRIC_BUCKETS - 1) tarn_text_num(w->out, bounds[i]);
        else tarn_text_add(w->out, "+Inf");
        tarn_text_addf(w->out, "\"} %llu\n", (unsigned long long)sum);
    }
    tarn_text_addf(w->out, "%s_sum{%s}", name, labels);
    number(w, (double)atomic_load_explicit(&h->sum_ns, memory_order_relaxed) * 1e-9);
    tarn_text_addf(w->out, "%s_count{%s} %llu\n", name, labels, (unsigned long long)sum);
}

static const char *route_labels(int i, char *out, size_t cap)
{
    const tarn_route *r = i < tarn_route_count() ? tarn_route_at(i) : NULL;
    (void)snprintf(out, cap, "route=\"%s\",method=\"%s\"", r ? r->path : "none", r ? r->method : "any");
    return out;
}

static void write_requests(const writer *w, tarn_metrics *m)
{
    char labels[300];

    family(w, "tarn_http_requests_total", "counter", "Requests answered, by route and status.");
    for (int i = 0; i <= tarn_route_count(); i++) {
        for (int k = 0; k < TARN_METRIC_CODES; k++) {
            uint64_t n = atomic_load_explicit(&m->codes[i][k], memory_order_relaxed);
            if (n == 0) continue;
            tarn_text_addf(w->out, "tarn_http_requests_total{%s,code=\"", route_labels(i, labels, sizeof labels));
            if (codes[k]) tarn_text_addf(w->out, "%d\"} %llu\n", codes[k], (unsigned long long)n);
            else tarn_text_addf(w->out, "other\"} %llu\n", (unsigned long long)n);
        }
    }
    family(w, "tarn_http_request_duration_seconds", "histogram", "From the whole request to the whole reply.");
    for (int i = 0; i <= tarn_route_count(); i++) {
        uint64_t n = 0;
        for (int k = 0; k < TARN_METRIC_BUCKETS; k++)
            n += atomic_load_explicit(&m->duration[i].bucket[k], memory_order_relaxed);
        if (n > 0)
            histogram(w, "tarn_http_request_duration_seconds", route_labels(i, labels, sizeof labels), &m->duration[i]);
    }
}

static void write_denied(const writer *w, tarn_metrics *m)
{
    static const char *const reasons[] = {"no credential", "bad credential", "rights", "too often"};

    family(w, "tarn_denied_total", "counter", "Requests that were not let in, by reason.");
    for (int i = 0; i < TARN_DENIED_COUNT; i++)
        tarn_text_addf(w->out, "tarn_denied_total{reason=\"%s\"} %llu\n", reasons[i],
                       (unsigned long long)atomic_load_explicit(&m->denied[i], memory_order_relaxed));
}

static void write_models(const writer *w, tarn_metrics *m)
{
    static const char *const phases[] = {"parse", "compute", "log", "encode"};
    char labels[300];

    family(w, "tarn_inference_requests_total", "counter", "Requests for predictions, by model version and outcome.");
    for (int i = 0; i < TARN_METRIC_MODELS; i++) {
        tarn_model_metrics *k = &m->models[i];
        if (!k->model[0]) continue;
        (void)snprintf(labels, sizeof labels, "model=\"%s\",version=\"%lld\"", k->model, (long long)k->version);
        tarn_text_addf(w->out, "tarn_inference_requests_total{%s,outcome=\"ok\"} %llu\n", labels,
                       (unsigned long long)atomic_load(&k->good));
        tarn_text_addf(w->out, "tarn_inference_requests_total{%s,outcome=\"refused\"} %llu\n", labels,
                       (unsigned long long)atomic_load(&k->bad));
    }
    family(w, "tarn_inference_rows_total", "counter", "Predictions made, by model version.");
    for (int i = 0; i < TARN_METRIC_MODELS; i++) {
        tarn_model_metrics *k = &m->models[i];
        if (!k->model[0]) continue;
        tarn_text_addf(w->out, "tarn_inference_rows_total{model=\"%s\",version=\"%lld\"} %llu\n", k->model,
                       (long long)k->version, (unsigned long long)atomic_load(&k->rows));
    }
    family(w, "tarn_inference_duration_seconds", "histogram", "Time in each phase of a prediction.");
    for (int i = 0; i < TARN_METRIC_MODELS; i++) {
        tarn_model_metrics *k = &m->models[i];
        for (int p = 0; k->model[0] && p < TARN_PHASE_COUNT; p++) {
            (void)snprintf(labels, sizeof labels, "model=\"%s\",version=\"%lld\",phase=\"%s\"", k->model,
                           (long long)k->version, phases[p]);
            histogram(w, "tarn_inference_duration_seconds", labels, &k->phase[p]);
        }
    }
}

static double open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double n = -3; /* ".", ".." and the folder itself */

    if (!dir) return 0;
    while (readdir(dir)) n++;
    (void)closedir(dir);
    return n;
}

static void write_process(const writer *w, const tarn_metric_facts *facts)
{
    struct rusage use = {0};
    struct rlimit files = {0};
    unsigned long long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    (void)getrusage(RUSAGE_SELF, &use);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    if (f && fscanf(f, "%llu %llu", &pages, &resident) != 2) pages = resident = 0;
    if (f) (void)fclose(f);
    double page = (double)sysconf(_SC_PAGESIZE);
    double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                 (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
    single(w, "process_cpu_seconds_total", "counter", "Time of the processor used, user and system.", cpu);
    single(w, "process_resident_memory_bytes", "gauge", "Memory in use.", (double)resident * page);
    single(w, "process_virtual_memory_bytes", "gauge", "Address space in use.", (double)pages * page);
    single(w, "process_open_fds", "gauge", "Open files and connections.", open_fds());
    single(w, "process_max_fds", "gauge", "Most open files and connections.",
           files.rlim_cur == RLIM_INFINITY ? -1 : (double)files.rlim_cur);
    single(w, "process_start_time_seconds", "gauge", "When the server was started, since 1970.", facts->started);
}

void tarn_metrics_write(tarn_metrics *m, const tarn_metric_facts *facts, bool open_metrics, tarn_text *out)
{
    writer w = {out, open_metrics};

    family(&w, "tarn_build_info", "gauge", "Always 1; version and hash of the sources are labels.");
    tarn_text_addf(out, "tarn_build_info{version=\"%s\",commit=\"%s\"} 1\n", facts->version, facts->code);
    write_requests(&w, m);
    write_denied(&w, m);
    write_models(&w, m);
    single(&w, "tarn_prediction_log_records_total", "counter", "Predictions handed to the log.",
           (double)facts->log_records);
    single(&w, "tarn_prediction_log_waiting_bytes", "gauge", "Records not yet written to the disk.",
           (double)facts->log_waiting_bytes);
    single(&w, "tarn_prediction_log_commits_total", "counter", "Commits of the log to the lake.",
           (double)facts->log_commits);
    single(&w, "tarn_prediction_log_dropped_total", "counter", "Records lost; requests wait instead, so this stays 0.",
           0);
    write_process(&w, facts);
    if (open_metrics) tarn_text_add(out, "# EOF\n");
}
