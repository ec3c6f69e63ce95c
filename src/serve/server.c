/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - start, answer, stop. See serve.h. */
#include "serve/server.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BODY_BYTES = 16 << 20, PATIENCE_S = 20 };

static const char no_users[] =
    "others can reach that address, and nobody has a user here yet: add one with `tarn user add "
    "NAME --role admin`, or listen on 127.0.0.1";

/* ---- replies ---- */

void tarn_server_refuse(tarn_call *call, int status, const tarn_err *err)
{
    const tarn_route *r = call->route >= 0 ? tarn_route_at(call->route) : NULL;
    bool protocol = r ? r->protocol : strncmp(call->path, "/v2", 3) == 0;
    char code[32];

    call->status = status;
    call->type = "application/json";
    call->policy = call->etag = call->encoding = call->cache = NULL;
    call->fixed = NULL;
    tarn_text_clear(&call->out);
    tarn_text_add(&call->out, "{\"error\":");
    const char *text = err->msg[0] ? err->msg : tarn_code_text(err->code);
    tarn_put_quoted(&call->out, text, strlen(text));
    if (!protocol) {
        (void)snprintf(code, sizeof code, "%s", tarn_code_name(err->code));
        for (char *c = code; *c; c++) *c = (char)tolower((unsigned char)*c);
        tarn_text_addf(&call->out, ",\"code\":\"%s\"", code);
        if (call->remedy) {
            tarn_text_add(&call->out, ",\"remedy\":");
            tarn_put_quoted(&call->out, call->remedy, strlen(call->remedy));
        }
    }
    tarn_text_add(&call->out, "}\n");
    if (call->out.failed == TARN_OK) return;
    tarn_text_clear(&call->out);
    static const char nothing[] = "{\"error\":\"out of memory\"}\n";
    call->fixed = nothing;
    call->fixed_len = sizeof nothing - 1;
    call->status = 503;
}

void tarn_server_answer(tarn_server *s, tarn_call *call, double started)
{
    tarn_err err = {0};
    tarn_code rc;

    call->server = s;
    int refused = call->admitted ? 0 : tarn_guard_admit(s, call, &err);
    rc = refused ? TARN_OK : tarn_route_find(call, call->method, call->path, &err);
    if (refused) {
        tarn_server_refuse(call, refused, &err);
    } else if (rc != TARN_OK) {
        tarn_server_refuse(call, rc == TARN_USAGE ? 405 : 404, &err);
    } else {
        tarn_access_enter(s->options.lake, &call->who);
        rc = tarn_route_at(call->route)->answer(call, &err);
        tarn_access_leave(s->options.lake);
        if (rc == TARN_OK && !call->fixed) rc = tarn_text_check(&call->out, &err);
        if (rc != TARN_OK) tarn_server_refuse(call, tarn_code_http(rc), &err);
    }
    tarn_metrics_request(&s->metrics, call->route < 0 ? tarn_route_count() : call->route, call->status,
                         tarn_seconds() - started);
}

static void answer(void *arg, tarn_call *call, double started) { tarn_server_answer(arg, call, started); }

static int admit(void *arg, tarn_call *call, tarn_err *why) { return tarn_guard_admit(arg, call, why); }

static void refuse(void *arg, tarn_call *call, int status, const tarn_err *why, double started)
{
    tarn_server *s = arg;
    tarn_err ignored = {0};

    if (tarn_route_find(call, call->method, call->path, &ignored) != TARN_OK) call->route = -1;
    tarn_server_refuse(call, status, why);
    tarn_metrics_request(&s->metrics, call->route < 0 ? tarn_route_count() : call->route, status,
                         tarn_seconds() - started);
}

/* ---- the clerk: a thread that writes what waits for the audit log ---- */

static void *write_log(void *arg)
{
    tarn_server *s = arg;
    struct timespec t;

    (void)pthread_mutex_lock(&s->clerk_lock);
    while (!s->clerk_stops) {
        (void)clock_gettime(CLOCK_REALTIME, &t);
        t.tv_sec++;
        (void)pthread_cond_timedwait(&s->clerk_wake, &s->clerk_lock, &t);
        (void)pthread_mutex_unlock(&s->clerk_lock);
        tarn_err err = {0};
        if (tarn_audit_flush(s->options.lake, true, &err) != TARN_OK)
            tarn_say(s->options.sink, TARN_WARN, "audit log: %s", err.msg);
        (void)pthread_mutex_lock(&s->clerk_lock);
    }
    (void)pthread_mutex_unlock(&s->clerk_lock);
    return NULL;
}

static void stop_clerk(tarn_server *s)
{
    if (s->clerk_runs) {
        (void)pthread_mutex_lock(&s->clerk_lock);
        s->clerk_stops = true;
        (void)pthread_cond_signal(&s->clerk_wake);
        (void)pthread_mutex_unlock(&s->clerk_lock);
        (void)pthread_join(s->clerk, NULL);
    }
    (void)pthread_cond_destroy(&s->clerk_wake);
    (void)pthread_mutex_destroy(&s->clerk_lock);
}

/* ---- life ---- */

static tarn_code keep_anonymous(tarn_server *s, const char *said, tarn_err *err)
{
    static const char *const words[] = {"none", "predict", "read"};

    s->anonymous_said = said && *said;
    if (!s->anonymous_said) return TARN_OK;
    for (int i = 0; i < 3; i++)
        if (strcmp(said, words[i]) == 0) {
            s->anonymous = (tarn_anonymous)i;
            return TARN_OK;
        }
    return TARN_FAIL(err, TARN_INVALID, "anonymous: '%.40s' should be none, predict or read", said);
}

static tarn_code keep_tls(tarn_server *s, const char *cert, const char *key, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t len;

    cert = cert && *cert ? cert : NULL;
    key = key && *key ? key : NULL;
    if (!cert && !key) return TARN_OK;
    if (!cert || !key) return TARN_FAIL(err, TARN_USAGE, "TLS needs both: a certificate and its key");
    TARN_TRY(tarn_file_read(cert, 1 << 20, &s->tls_cert, &len, err));
    TARN_TRY(tarn_file_read(key, 1 << 20, &s->tls_key, &s->tls_key_len, err));
done:
    return rc;
}

static tarn_code keep_options(tarn_server *s, const tarn_server_options *options, tarn_err *err)
{
    s->options = *options;
    if (strlen(options->bind ? options->bind : "") >= sizeof s->bind)
        return TARN_FAIL(err, TARN_INVALID, "'%.100s' is not an address", options->bind);
    (void)snprintf(s->bind, sizeof s->bind, "%s", options->bind ? options->bind : "127.0.0.1");
    (void)snprintf(s->version, sizeof s->version, "%s", options->version ? options->version : "");
    (void)snprintf(s->code, sizeof s->code, "%s", options->code ? options->code : "");
    s->options.bind = s->bind;
    s->options.version = s->version;
    s->options.code = s->code;
    if (s->options.most_body_bytes == 0) s->options.most_body_bytes = BODY_BYTES;
    s->options.anonymous = s->options.tls_cert = s->options.tls_key = NULL; /* kept elsewhere */
    tarn_code rc = keep_anonymous(s, options->anonymous, err);
    return rc == TARN_OK ? keep_tls(s, options->tls_cert, options->tls_key, err) : rc;
}

/* Stop what runs, in the order in which it depends; the error is that of the log. */
static tarn_code stop(tarn_server *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    tarn_http_stop(s->http, PATIENCE_S);
    tarn_err why = {0};
    tarn_code gateway = tarn_s3_stop(s->s3, &why);
    stop_clerk(s);
    if (s->log) rc = tarn_predlog_close(s->log, err);
    if (rc == TARN_OK && gateway != TARN_OK) rc = TARN_FAIL(err, gateway, "S3 writes stay staged: %s", why.msg);
    tarn_guard_free(s->guard);
    if (s->tls_key) tarn_secret_wipe(s->tls_key, s->tls_key_len);
    tarn_free(s->tls_key);
    tarn_free(s->tls_cert);
    tarn_models_free(s->models);
    (void)pthread_mutex_destroy(&s->view_lock);
    tarn_free(s);
    return rc;
}

static tarn_code start_gateway(tarn_server *s, tarn_err *err)
{
    const tarn_server_options *o = &s->options;
    tarn_s3_options s3 = {.lake = o->lake,
                          .bind = s->bind,
                          .port = o->s3_port < 0 ? 0 : o->s3_port,
                          .timeout_s = o->timeout_s,
                          .bucket = o->s3_bucket,
                          .domain = o->s3_domain,
                          .tls_cert = s->tls_cert,
                          .tls_key = s->tls_key,
                          .commit_after_s = o->s3_commit_after_s,
                          .copies_bytes = o->s3_copies_bytes,
                          .most_requests = o->s3_most_requests,
                          .signature_v2 = o->s3_signature_v2,
                          .anonymous_reads = o->s3_anonymous_reads,
                          .access_key = o->s3_access_key,
                          .secret_key = o->s3_secret_key,
                          .sink = o->sink};

    return o->s3_port ? tarn_s3_start(&s3, &s->s3, err) : TARN_OK;
}

tarn_code tarn_server_start(const tarn_server_options *options, tarn_server **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_server *s = NULL;
    tarn_predlog_options log = {.sink = options->sink};
    bool users = false;

    *out = NULL;
    TARN_TRY(tarn_alloc(&s, 1, sizeof *s, err));
    (void)pthread_mutex_init(&s->view_lock, NULL);
    (void)pthread_mutex_init(&s->clerk_lock, NULL);
    (void)pthread_cond_init(&s->clerk_wake, NULL);
    s->started = (double)tarn_now_us() * 1e-6;
    TARN_TRY(keep_options(s, options, err));
    TARN_TRY(tarn_guard_new(&s->guard, err));
    TARN_TRY(tarn_access_any_user(options->lake, &users, err));
    TARN_TRY(tarn_models_new(options->lake, &s->metrics, &s->models, err));
    TARN_TRY(tarn_predlog_open(options->lake, &log, &s->log, err));
    tarn_http_options http = {.bind = s->bind,
                              .port = options->port,
                              .threads = options->threads,
                              .timeout_s = options->timeout_s,
                              .most_body_bytes = s->options.most_body_bytes,
                              .tls_cert = s->tls_cert,
                              .tls_key = s->tls_key,
                              .only_loopback = users ? NULL : no_users,
                              .sink = options->sink,
                              .arg = s,
                              .admit = admit,
                              .answer = answer,
                              .refuse = refuse};
    TARN_TRY(tarn_http_start(&http, &s->http, err));
    TARN_TRY(start_gateway(s, err));
    if (pthread_create(&s->clerk, NULL, write_log, s) != 0) {
        rc = TARN_FAIL(err, TARN_NOMEM, "cannot start the thread that writes the audit log");
        goto done;
    }
    s->clerk_runs = true;
    *out = s;
    s = NULL;
done:
    if (s) {
        tarn_err ignored = {0};
        tarn_code stopped = stop(s, &ignored);
        (void)stopped; /* why it did not start matters more */
    }
    return rc;
}

int tarn_server_port(const tarn_server *s) { return tarn_http_port(s->http); }

int tarn_server_s3_port(const tarn_server *s) { return s->s3 ? tarn_s3_port(s->s3) : 0; }
const char *tarn_server_s3_bucket(const tarn_server *s) { return s->s3 ? tarn_s3_bucket_name(s->s3) : NULL; }

tarn_code tarn_server_stop(tarn_server *s, tarn_err *err) { return stop(s, err); }
