/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - an object as the body of a reply, in pieces; a range of one as an object of its own. */
#include "serve/s3/inside.h"
#include "serve/s3/relay.h"
#include "serve/s3/sums.h"

#include <stdio.h>
#include <string.h>

typedef struct source {
    tarn_lake *lake;
    tarn_id id;
    uint64_t at, left_of;
    char *to; /* where give puts the next bytes */
    size_t filled, cap;
} source;

static tarn_code fill(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    source *s = arg;

    if (len > s->cap - s->filled) return TARN_FAIL(err, TARN_CORRUPT, "an object gave more bytes than it has");
    memcpy(s->to + s->filled, bytes, len);
    s->filled += len;
    return TARN_OK;
}

static tarn_code pull(void *arg, uint64_t at, char *bytes, size_t cap, size_t *len, tarn_err *err)
{
    source *s = arg;

    s->to = bytes;
    s->filled = 0;
    s->cap = s->left_of - at < cap ? (size_t)(s->left_of - at) : cap;
    tarn_code rc = tarn_lake_read(s->lake, &s->id, s->at + at, s->cap, fill, s, err);
    *len = s->filled;
    return rc == TARN_OK && s->filled == 0 ? TARN_FAIL(err, TARN_CORRUPT, "an object ends early") : rc;
}

tarn_code tarn_s3_reply_content(tarn_s3_call *call, const tarn_object *object, uint64_t at, uint64_t length,
                                tarn_err *err)
{
    source *s = NULL;
    tarn_code rc = tarn_arena_alloc(call->arena, &s, 1, sizeof *s, err);

    if (rc != TARN_OK) return rc;
    if (strcmp(call->x->method, "GET") == 0 && length > 0) {
        call->x->file = tarn_copies_open(call->gateway->copies, object, length);
        call->x->file_at = at;
        call->x->has_file = call->x->file >= 0;
    }
    *s = (source){.lake = tarn_s3_lake(call), .id = object->id, .at = at, .left_of = length};
    call->x->pull = pull;
    call->x->pull_arg = s;
    call->x->length = length;
    return TARN_OK;
}

static tarn_code to_sums(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_sums_add(arg, bytes, len, err);
}

static tarn_code to_writer(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_lake_writer_add(arg, bytes, len, err);
}

static tarn_code to_relay(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_relay_add(arg, bytes, len, err);
}

tarn_code tarn_s3_copy_range(tarn_s3_call *call, const tarn_id *object, uint64_t at, uint64_t length,
                             tarn_s3_content *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_writer *writer = NULL;
    tarn_sums *sums = NULL;
    tarn_relay *relay = NULL;

    TARN_TRY(tarn_lake_writer_new(tarn_s3_lake(call), NULL, &writer, err));
    TARN_TRY(tarn_sums_new("", &sums, err));
    TARN_TRY(tarn_relay_new((tarn_taker[]){{to_sums, sums}, {to_writer, writer}}, 2, &relay, err));
    TARN_TRY(tarn_lake_read(tarn_s3_lake(call), object, at, length, to_relay, relay, err));
    TARN_TRY(tarn_relay_end(relay, err));
    TARN_TRY(tarn_lake_writer_end(writer, &out->object, err));
    TARN_TRY(tarn_sums_end(sums, out->md5, out->checksum, err));
done:
    tarn_relay_free(relay);
    tarn_sums_free(sums);
    tarn_lake_writer_free(writer);
    return rc;
}
