/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.c - the gateway's life, and the course of a request. See s3.h and op.h. */
#include "serve/s3/inside.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_S = 20, TIMEOUT_S = 60, REQUESTS = 256 };

#define TARN_S3_OP(name) extern const tarn_s3_op tarn_s3_op_##name;
#include "serve/s3/ops.def"
#undef TARN_S3_OP

static const tarn_s3_op *const table[] = {
#define TARN_S3_OP(name) &tarn_s3_op_##name,
#include "serve/s3/ops.def"
#undef TARN_S3_OP
};

int tarn_s3_op_count(void) { return (int)(sizeof table / sizeof *table); }
const tarn_s3_op *tarn_s3_op_at(int i) { return table[i]; }

/* ---- replies ---- */

static void put_error(tarn_exchange *x, const char *code, const char *message, int status)
{
    tarn_text xml = {0};

    tarn_text_add(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>");
    tarn_text_xml(&xml, code);
    tarn_text_add(&xml, "</Code><Message>");
    tarn_text_xml(&xml, message);
    tarn_text_add(&xml, "</Message><Resource>");
    tarn_text resource = {0};
    for (const char *p = x->target; *p && *p != '?'; p++)
        if ((unsigned char)*p >= 32 && (unsigned char)*p < 127) tarn_text_addn(&resource, p, 1);
    tarn_text_xml(&xml, resource.data ? resource.data : "");
    tarn_text_clear(&resource);
    tarn_text_addf(&xml, "</Resource><RequestId>%s</RequestId></Error>", x->id);
    tarn_text_clear(&x->out);
    if (xml.failed != TARN_OK) tarn_text_clear(&xml);
    x->out = xml;
    tarn_exchange_no_body(x);
    x->status = status;
}

static void common_headers(tarn_exchange *x)
{
    tarn_text_addf(&x->headers, "x-amz-request-id: %s\nServer: tarn\n", x->id);
}

static void fail_with(tarn_s3_call *call, const tarn_err *err)
{
    tarn_s3_error error = tarn_s3_error_of(call, err->code);
    int status = tarn_s3_error_status(error);
    tarn_text kept = {0};

    /* Of what an operation has said already only what explains the error stays. */
    char *range = call->x->headers.data ? strstr(call->x->headers.data, "Content-Range: ") : NULL;
    if (range && error == TARN_S3_InvalidRange) tarn_text_addf(&kept, "%.*s\n", (int)strcspn(range, "\n"), range);
    tarn_text_clear(&call->x->headers);
    call->x->headers = kept;
    common_headers(call->x);
    tarn_text_add(&call->x->headers, "Content-Type: application/xml\n");
    if (status == 503) tarn_text_add(&call->x->headers, "Retry-After: 1\n");
    put_error(call->x, tarn_s3_error_name(error), err->msg, status);
    if (strcmp(call->x->method, "HEAD") == 0) tarn_text_clear(&call->x->out);
    if (status >= 500 && status != 501)
        tarn_say(call->gateway->options.sink, TARN_WARN, "s3 %s %.100s: %s", call->x->method, call->x->target,
                 err->msg);
}

static void succeed(tarn_s3_call *call)
{
    tarn_err err = {0};

    if (tarn_text_check(&call->xml, &err) != TARN_OK) {
        fail_with(call, &err);
        return;
    }
    common_headers(call->x);
    if (call->xml.len > 0) {
        tarn_text_add(&call->x->headers, "Content-Type: application/xml\n");
        call->x->out = call->xml;
        call->xml = (tarn_text){0};
    }
    call->x->status = call->status;
}

/* ---- a request ---- */

static tarn_code prepare(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_arena_new(&call->arena, err));
    TARN_TRY(tarn_s3_request_read(call, err));
    TARN_TRY(tarn_s3_authenticate(call, err));
    TARN_TRY(tarn_s3_choose(call, err));
    if (!call->op->finds_itself && call->op->level != TARN_S3_SERVICE) {
        rc = tarn_s3_place_find(call, call->bucket, call->key, &call->place, err);
        tarn_err denied = {0};
        if (rc == TARN_NOT_FOUND && call->who.kind == TARN_WHO_ANONYMOUS &&
            tarn_s3_may(call, call->op->right, &call->place, &denied) != TARN_OK)
            *err = denied, rc = TARN_DENIED; /* strangers do not learn what is there */
        if (rc != TARN_OK) goto done;
    }
    if (call->op->body == TARN_S3_FORM) {
        call->who.kind = TARN_WHO_ANONYMOUS; /* until the form says who */
        return tarn_s3_posting_new(call, &call->posting, err);
    }
    TARN_TRY(tarn_s3_may(call, call->op->right, &call->place, err));
    if (call->op->begin) TARN_TRY(call->op->begin(call, err));
    if (call->op->body != TARN_S3_NOTHING) TARN_TRY(tarn_s3_receiver_new(call, err));
done:
    return rc;
}

/* Each request under way may hold a ring of megabytes and a pack's worth of work: beyond a number of them it is better
 * for all that some wait. Clients do that by themselves when they are told so. */
static tarn_code admit(tarn_s3_call *call, tarn_err *err)
{
    tarn_s3 *s = call->gateway;
    int most = s->options.most_requests ? s->options.most_requests : REQUESTS;

    call->counted = atomic_fetch_add(&s->under_way, 1) < most;
    if (call->counted) return TARN_OK;
    (void)atomic_fetch_sub(&s->under_way, 1);
    return tarn_s3_fail(call, err, TARN_S3_SlowDown, "%d requests are under way already; try again in a second", most);
}

static void begin(void *arg, tarn_exchange *x)
{
    tarn_s3_call *call = NULL;
    tarn_err err = {0};

    if (tarn_alloc(&call, 1, sizeof *call, &err) != TARN_OK) {
        common_headers(x);
        put_error(x, "ServiceUnavailable", err.msg, 503);
        return;
    }
    call->gateway = arg;
    call->x = x;
    call->status = 200;
    call->secure = call->gateway->options.tls_cert != NULL;
    call->who.anonymous = call->gateway->options.anonymous_reads ? TARN_ANONYMOUS_READ : TARN_ANONYMOUS_NONE;
    (void)snprintf(call->who.from, sizeof call->who.from, "%s", x->peer);
    (void)snprintf(call->who.request, sizeof call->who.request, "%s", x->id);
    x->state = call;
    tarn_access_enter(call->gateway->options.lake, &call->who);
    tarn_code rc = admit(call, &err);
    if (rc == TARN_OK) rc = prepare(call, &err);
    tarn_access_leave(call->gateway->options.lake);
    if (rc != TARN_OK) fail_with(call, &err);
}

static void piece(void *arg, tarn_exchange *x, const char *bytes, size_t len)
{
    tarn_s3_call *call = x->state;
    tarn_err err = {0};

    (void)arg;
    if (call->op->body == TARN_S3_NOTHING) return;
    tarn_access_enter(call->gateway->options.lake, &call->who);
    tarn_code rc = call->posting ? tarn_s3_posting_add(call->posting, bytes, len, &err)
                                 : tarn_s3_receiver_add(call->receiver, bytes, len, &err);
    tarn_access_leave(call->gateway->options.lake);
    if (rc != TARN_OK) fail_with(call, &err);
}

static void end(void *arg, tarn_exchange *x)
{
    tarn_code rc = TARN_OK;
    tarn_s3_call *call = x->state;
    tarn_err err = {0};

    (void)arg;
    tarn_access_enter(call->gateway->options.lake, &call->who);
    if (call->posting) TARN_TRY(tarn_s3_posting_end(call->posting, &err));
    else if (call->op->body != TARN_S3_NOTHING) TARN_TRY(tarn_s3_receiver_end(call->receiver, &err));
    TARN_TRY(call->op->answer(call, &err));
done:
    tarn_access_leave(call->gateway->options.lake);
    if (rc == TARN_OK) succeed(call);
    else fail_with(call, &err);
}

static void done_with(void *arg, tarn_exchange *x)
{
    tarn_s3_call *call = x->state;

    (void)arg;
    if (!call) return;
    if (call->counted) (void)atomic_fetch_sub(&call->gateway->under_way, 1);
    tarn_s3_receiver_free(call->receiver);
    tarn_s3_posting_free(call->posting);
    tarn_text_clear(&call->xml);
    tarn_free(call->body);
    tarn_arena_free(call->arena);
    tarn_free(call);
}

static void refuse(void *arg, tarn_exchange *x, int status, const tarn_err *why)
{
    (void)arg;
    common_headers(x);
    put_error(x, "AccessDenied", why->msg, status);
}

static const tarn_streams streams = {.begin = begin, .piece = piece, .end = end, .done = done_with, .refuse = refuse};

/* ---- life ---- */

/* Lower-case letters, digits and '-', 3 to 63 of them, from a name. */
static void bucket_of(const char *name, char out[64])
{
    size_t n = 0;

    for (const char *p = name; *p && n < 63; p++) {
        char c = (char)tolower((unsigned char)*p);
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (fine) out[n++] = c;
        else if (n > 0 && out[n - 1] != '-') out[n++] = '-';
    }
    while (n > 0 && out[n - 1] == '-') n--;
    out[n] = '\0';
    if (n < 3) (void)snprintf(out, 64, "lake");
}

static tarn_code keep(tarn_s3 *s, const char **text, tarn_err *err)
{
    char *copy = NULL;

    if (!*text || !**text) {
        *text = NULL;
        return TARN_OK;
    }
    tarn_code rc = tarn_arena_strndup(s->room, *text, strlen(*text), &copy, err);
    *text = copy;
    return rc;
}

static tarn_code keep_options(tarn_s3 *s, const tarn_s3_options *options, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    s->options = *options;
    TARN_TRY(keep(s, &s->options.bind, err));
    TARN_TRY(keep(s, &s->options.bucket, err));
    TARN_TRY(keep(s, &s->options.domain, err));
    TARN_TRY(keep(s, &s->options.access_key, err));
    TARN_TRY(keep(s, &s->options.secret_key, err));
    if (!s->options.bind) s->options.bind = "127.0.0.1";
    const char *folder = tarn_lake_folder(options->lake), *slash = strrchr(folder, '/');
    bucket_of(s->options.bucket ? s->options.bucket : slash ? slash + 1 : folder, s->bucket);
    if (s->options.access_key && !s->options.secret_key)
        rc = TARN_FAIL(err, TARN_INVALID, "there is an access key for S3, but no secret key with it");
done:
    return rc;
}

tarn_code tarn_s3_start(const tarn_s3_options *options, tarn_s3 **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3 *s = NULL;
    pthread_condattr_t attr;

    *out = NULL;
    TARN_TRY(tarn_alloc(&s, 1, sizeof *s, err));
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_mutex_init(&s->write_lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    TARN_TRY(tarn_arena_new(&s->room, err));
    TARN_TRY(keep_options(s, options, err));
    TARN_TRY(tarn_copies_new(options->lake, options->copies_bytes, options->sink, &s->copies, err));
    TARN_TRY(tarn_s3_committer_start(s, err));
    tarn_http_options http = {.bind = s->options.bind,
                              .port = options->port,
                              .timeout_s = options->timeout_s ? options->timeout_s : TIMEOUT_S,
                              .tls_cert = options->tls_cert,
                              .tls_key = options->tls_key,
                              .sink = options->sink,
                              .arg = s,
                              .streams = &streams,
                              .domain = s->options.domain};
    TARN_TRY(tarn_http_start(&http, &s->http, err));
    *out = s;
    s = NULL;
done:
    if (s) {
        tarn_err ignored = {0};
        tarn_code stopped = tarn_s3_stop(s, &ignored);
        (void)stopped; /* why it did not start matters more */
    }
    return rc;
}

int tarn_s3_port(const tarn_s3 *s) { return tarn_http_port(s->http); }
const char *tarn_s3_bucket_name(const tarn_s3 *s) { return s->bucket; }

tarn_code tarn_s3_stop(tarn_s3 *s, tarn_err *err)
{
    if (!s) return TARN_OK;
    tarn_http_stop(s->http, PATIENCE_S);
    tarn_code rc = tarn_s3_committer_stop(s, err);
    tarn_copies_free(s->copies);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_mutex_destroy(&s->write_lock);
    tarn_arena_free(s->room);
    tarn_free(s);
    return rc;
}
