/* SPDX-License-Identifier: Apache-2.0 */
/* body.c - a body comes in: out of its AWS chunks, through checksums, into memory (documents) or the lake (content).
 *
 *     bytes -> [chunks] -> take: limits -> MD5 and the promised checksum
 *                                       -> writer, or text
 *
 * Of much content the two arrows are threads of their own (relay.h). MD5 is the slower of the sums, cannot be split,
 * and is what S3 wants for an ETag: at 0.76 GB/s of one core here it bounds every upload that is not in parts.
 *
 * What was promised is compared at the end: length, SHA-256, Content-MD5, x-amz-checksum-*. Only then does the
 * operation hear of the body, so a body that was cut off or damaged leaves nothing but chunks that nobody names. */
#include "serve/s3/auth.h"
#include "serve/s3/relay.h"
#include "serve/s3/sums.h"

#include "base/base64.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MUCH = 1 << 20 };

/* What a signature of the request's head starts; on the call's arena. */
typedef struct seed {
    tarn_sigv4 scope;
    tarn_id key;
    char signature[TARN_SIGV4_HEX], time[17], region[65], service[33];
} seed;

struct tarn_s3_receiver {
    tarn_s3_call *call;
    seed *seed;
    tarn_chunked *chunked;
    tarn_sums *sums;
    tarn_writer *writer;
    tarn_relay *relay; /* to the two above, if much is to come */
    tarn_text text;
    uint64_t size, expected; /* UINT64_MAX: not said */
    char sum_name[16];
    char promised[64], promised_md5[33], payload[TARN_SIGV4_HEX]; /* "" none */
};

tarn_code tarn_s3_keep_seed(tarn_s3_call *call, const tarn_sigv4 *r, const tarn_id *key, const char *signature,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    seed *s = NULL;

    TARN_TRY(tarn_arena_alloc(call->arena, &s, 1, sizeof *s, err));
    TARN_TRY(tarn_alloc(&call->receiver, 1, sizeof *call->receiver, err));
    call->receiver->call = call;
    call->receiver->seed = s;
    s->key = *key;
    (void)snprintf(s->signature, sizeof s->signature, "%s", signature);
    (void)snprintf(s->time, sizeof s->time, "%s", r->time);
    (void)snprintf(s->region, sizeof s->region, "%s", r->region);
    (void)snprintf(s->service, sizeof s->service, "%s", r->service);
    s->scope = (tarn_sigv4){.time = s->time, .region = s->region, .service = s->service};
done:
    return rc;
}

/* ---- what is promised ---- */

static tarn_code promise(tarn_s3_receiver *r, const char *name, const char *value, tarn_err *err)
{
    if (!tarn_sums_knows(name)) return TARN_OK;
    if (r->sum_name[0] && strcmp(r->sum_name, name) != 0)
        return tarn_s3_fail(r->call, err, TARN_S3_InvalidRequest, "one checksum at a time: x-amz-checksum-%s or -%s",
                            r->sum_name, name);
    (void)snprintf(r->sum_name, sizeof r->sum_name, "%s", name);
    if (value) (void)snprintf(r->promised, sizeof r->promised, "%s", value);
    return TARN_OK;
}

static tarn_code promised_checksums(tarn_s3_receiver *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *trailer = tarn_s3_header(r->call, "x-amz-trailer");
    char lower[16];

    for (size_t i = 0; i < r->call->n_headers; i++) {
        const char *name = r->call->headers[i].name;
        if (strncasecmp(name, "x-amz-checksum-", 15) != 0) continue;
        size_t n = 0;
        for (name += 15; name[n] && n + 1 < sizeof lower; n++)
            lower[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] + 32) : name[n];
        lower[n] = '\0';
        TARN_TRY(promise(r, lower, r->call->headers[i].value, err));
    }
    if (trailer && strncasecmp(trailer, "x-amz-checksum-", 15) == 0) TARN_TRY(promise(r, trailer + 15, NULL, err));
done:
    return rc;
}

static tarn_code promised_md5(tarn_s3_receiver *r, tarn_err *err)
{
    const char *text = tarn_s3_header(r->call, "Content-MD5");
    unsigned char bytes[16];
    size_t len = 0;

    if (!text) return TARN_OK;
    if (!tarn_base64_read(text, strlen(text), bytes, sizeof bytes, &len) || len != 16)
        return tarn_s3_fail(r->call, err, TARN_S3_InvalidDigest, "Content-MD5 '%.40s' is not 16 bytes in base64", text);
    for (size_t i = 0; i < 16; i++) (void)snprintf(r->promised_md5 + 2 * i, 3, "%02x", bytes[i]);
    return TARN_OK;
}

static tarn_code expected_length(tarn_s3_receiver *r, bool chunks, tarn_err *err)
{
    const char *decoded = tarn_s3_header(r->call, "x-amz-decoded-content-length");
    int64_t n = r->call->x->body_bytes;

    if (chunks && (!decoded || !tarn_int_parse(decoded, strlen(decoded), &n) || n < 0))
        return tarn_s3_fail(r->call, err, TARN_S3_InvalidRequest,
                            "a body in AWS chunks needs x-amz-decoded-content-length");
    r->expected = n < 0 ? UINT64_MAX : (uint64_t)n;
    return TARN_OK;
}

/* ---- bytes ---- */

static tarn_code take(void *arg, const char *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_receiver *r = arg;

    r->size += len;
    if (r->size > r->expected)
        return tarn_s3_fail(r->call, err, TARN_S3_InvalidRequest, "the body is longer than it says");
    if (r->relay) return tarn_relay_add(r->relay, bytes, len, err);
    if (r->sums) TARN_TRY(tarn_sums_add(r->sums, bytes, len, err));
    if (r->writer) {
        TARN_TRY(tarn_lake_writer_add(r->writer, bytes, len, err));
    } else if (r->call->op->body == TARN_S3_DOCUMENT) {
        if (r->size > TARN_S3_DOCUMENT_MOST)
            return tarn_s3_fail(r->call, err, TARN_S3_EntityTooLarge, "the body has more than %d bytes",
                                (int)TARN_S3_DOCUMENT_MOST);
        tarn_text_addn(&r->text, bytes, len);
        TARN_TRY(tarn_text_check(&r->text, err));
    }
done:
    return rc;
}

static tarn_code told(void *arg, const char *name, const char *value, tarn_err *err)
{
    tarn_s3_receiver *r = arg;

    if (strncmp(name, "x-amz-checksum-", 15) != 0) return TARN_OK;
    if (strcmp(name + 15, r->sum_name) != 0)
        return tarn_s3_fail(r->call, err, TARN_S3_MalformedTrailerError, "the trailer '%.60s' was not announced", name);
    (void)snprintf(r->promised, sizeof r->promised, "%s", value);
    return TARN_OK;
}

static tarn_code start_chunks(tarn_s3_receiver *r, const char *payload, tarn_err *err)
{
    bool is_signed = strncmp(payload, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 34) == 0;
    bool trailer = strlen(payload) > 8 && strcmp(payload + strlen(payload) - 8, "-TRAILER") == 0;

    if (!is_signed && strcmp(payload, "STREAMING-UNSIGNED-PAYLOAD-TRAILER") != 0)
        return tarn_s3_fail(r->call, err, TARN_S3_NotImplemented, "bodies as '%.60s' are not known here", payload);
    if (is_signed && !r->seed)
        return tarn_s3_fail(r->call, err, TARN_S3_AccessDenied, "an anonymous request cannot have signed chunks");
    tarn_chunked_options o = {.is_signed = is_signed, .trailer = trailer, .give = take, .told = told, .arg = r};
    if (is_signed) {
        o.scope = r->seed->scope;
        o.key = r->seed->key;
        o.seed = r->seed->signature;
    }
    return tarn_chunked_new(&o, &r->chunked, err);
}

static tarn_code start_payload(tarn_s3_receiver *r, tarn_err *err)
{
    const char *payload = tarn_s3_header(r->call, "x-amz-content-sha256");
    tarn_id id;

    if (!payload) payload = tarn_s3_query(r->call, "X-Amz-Content-Sha256");
    if (!payload || strcmp(payload, TARN_SIGV4_UNSIGNED) == 0) return expected_length(r, false, err);
    if (strncmp(payload, "STREAMING-", 10) == 0) {
        tarn_code rc = expected_length(r, true, err);
        return rc == TARN_OK ? start_chunks(r, payload, err) : rc;
    }
    if (!tarn_id_parse(payload, strlen(payload), &id))
        return tarn_s3_fail(r->call, err, TARN_S3_InvalidArgument,
                            "x-amz-content-sha256 is 64 digits, UNSIGNED-PAYLOAD or STREAMING-..., not '%.80s'",
                            payload);
    (void)snprintf(r->payload, sizeof r->payload, "%s", payload);
    return expected_length(r, false, err);
}

static tarn_code to_sums(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_sums_add(arg, bytes, len, err);
}

static tarn_code to_writer(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_lake_writer_add(arg, bytes, len, err);
}

static tarn_code start_relay(tarn_s3_receiver *r, tarn_err *err)
{
    const tarn_taker takers[] = {{to_sums, r->sums}, {to_writer, r->writer}};

    return tarn_relay_new(takers, 2, &r->relay, err);
}

tarn_code tarn_s3_receiver_new(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry now;
    bool content = call->op->body == TARN_S3_CONTENT;

    if (content && !tarn_s3_header(call, "Content-Length") && !tarn_s3_header(call, "Transfer-Encoding"))
        return tarn_s3_fail(call, err, TARN_S3_MissingContentLength,
                            "say how long the content is (Content-Length), or send it in chunks");
    if (!call->receiver) TARN_TRY(tarn_alloc(&call->receiver, 1, sizeof *call->receiver, err));
    tarn_s3_receiver *r = call->receiver;
    r->call = call;
    TARN_TRY(start_payload(r, err));
    if (!call->op->sums_elsewhere) TARN_TRY(promised_checksums(r, err));
    TARN_TRY(promised_md5(r, err));
    if (content || r->sum_name[0] || r->promised_md5[0]) TARN_TRY(tarn_sums_new(r->sum_name, &r->sums, err));
    const tarn_id *like = content && !call->op->select ? tarn_s3_replaced(call, &now) : NULL; /* a part replaces none */
    if (content) TARN_TRY(tarn_lake_writer_new(tarn_s3_lake(call), like, &r->writer, err));
    if (content && r->expected >= MUCH) TARN_TRY(start_relay(r, err));
done:
    return rc;
}

tarn_code tarn_s3_receiver_add(tarn_s3_receiver *r, const char *bytes, size_t len, tarn_err *err)
{
    if (!r->chunked) return take(r, bytes, len, err);
    tarn_code rc = tarn_chunked_add(r->chunked, bytes, len, err);
    if (rc == TARN_DENIED && !r->call->failed) {
        r->call->failed = true;
        r->call->error = TARN_S3_SignatureDoesNotMatch;
    } else if (rc == TARN_INVALID && !r->call->failed) {
        r->call->failed = true;
        r->call->error = TARN_S3_IncompleteBody;
    }
    return rc;
}

/* ---- the end ---- */

static tarn_code check_sums(tarn_s3_receiver *r, const tarn_s3_content *c, tarn_err *err)
{
    if (r->promised_md5[0] && strcmp(r->promised_md5, c->md5) != 0)
        return tarn_s3_fail(r->call, err, TARN_S3_BadDigest, "Content-MD5 does not match the body that was received");
    if (r->promised[0] && strcmp(r->promised, c->checksum) != 0)
        return tarn_s3_fail(r->call, err, TARN_S3_BadDigest,
                            "x-amz-checksum-%s is %.48s, of the body that was received it is %s", r->sum_name,
                            r->promised, c->checksum);
    return TARN_OK;
}

static tarn_code check_payload(tarn_s3_receiver *r, const tarn_id *id, tarn_err *err)
{
    char hex[TARN_ID_HEX];

    if (!r->payload[0] || strcasecmp(tarn_id_hex(id, hex), r->payload) == 0) return TARN_OK;
    return tarn_s3_fail(r->call, err, TARN_S3_XAmzContentSHA256Mismatch,
                        "x-amz-content-sha256 does not match the body that was received");
}

tarn_code tarn_s3_receiver_end(tarn_s3_receiver *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_call *call = r->call;
    tarn_id id;

    if (r->chunked) {
        rc = tarn_chunked_end(r->chunked, err);
        if (rc != TARN_OK) return tarn_s3_fail(call, err, TARN_S3_IncompleteBody, "the body ends inside its chunks");
    }
    if (r->expected != UINT64_MAX && r->size != r->expected)
        return tarn_s3_fail(call, err, TARN_S3_IncompleteBody, "%llu bytes came of %llu", (unsigned long long)r->size,
                            (unsigned long long)r->expected);
    if (r->relay) TARN_TRY(tarn_relay_end(r->relay, err));
    (void)snprintf(call->content.checksum_name, sizeof call->content.checksum_name, "%s", r->sum_name);
    if (r->sums) TARN_TRY(tarn_sums_end(r->sums, call->content.md5, call->content.checksum, err));
    if (r->sums) TARN_TRY(check_sums(r, &call->content, err));
    if (r->writer) {
        TARN_TRY(tarn_lake_writer_end(r->writer, &call->content.object, err));
        TARN_TRY(check_payload(r, &call->content.object.id, err));
    } else if (call->op->body == TARN_S3_DOCUMENT) {
        TARN_TRY(tarn_digest(r->text.data ? r->text.data : "", r->text.len, &id, err));
        TARN_TRY(check_payload(r, &id, err));
        call->body_len = r->text.len;
        TARN_TRY(tarn_text_take(&r->text, &call->body, err));
    }
done:
    return rc;
}

void tarn_s3_receiver_free(tarn_s3_receiver *r)
{
    if (!r) return;
    tarn_chunked_free(r->chunked);
    tarn_relay_free(r->relay);
    tarn_sums_free(r->sums);
    tarn_lake_writer_free(r->writer);
    tarn_text_clear(&r->text);
    tarn_free(r);
}
