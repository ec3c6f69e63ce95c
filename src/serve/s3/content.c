/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - an object as the body of a reply, in pieces; a range of one as an object of its own. */
#include "serve/s3/inside.h"
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

tarn_code tarn_s3_reply_content(tarn_s3_call *call, const tarn_id *object, uint64_t at, uint64_t length, tarn_err *err)
{
    source *s = NULL;
    tarn_code rc = tarn_arena_alloc(call->arena, &s, 1, sizeof *s, err);

    if (rc != TARN_OK) return rc;
    *s = (source){.lake = tarn_s3_lake(call), .id = *object, .at = at, .left_of = length};
    call->x->pull = pull;
    call->x->pull_arg = s;
    call->x->length = length;
    return TARN_OK;
}

typedef struct copying {
    tarn_writer *writer;
    tarn_sums *sums;
} copying;

static tarn_code copy(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    copying *c = arg;
    tarn_code rc = tarn_sums_add(c->sums, bytes, len, err);

    return rc == TARN_OK ? tarn_lake_writer_add(c->writer, bytes, len, err) : rc;
}

tarn_code tarn_s3_copy_range(tarn_s3_call *call, const tarn_id *object, uint64_t at, uint64_t length,
                             tarn_s3_content *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    copying c = {0};

    TARN_TRY(tarn_lake_writer_new(tarn_s3_lake(call), NULL, &c.writer, err));
    TARN_TRY(tarn_sums_new("", length >= (1 << 20), &c.sums, err));
    TARN_TRY(tarn_lake_read(tarn_s3_lake(call), object, at, length, copy, &c, err));
    TARN_TRY(tarn_lake_writer_end(c.writer, &out->object, err));
    TARN_TRY(tarn_sums_end(c.sums, out->md5, out->checksum, err));
done:
    tarn_sums_free(c.sums);
    tarn_lake_writer_free(c.writer);
    return rc;
}
