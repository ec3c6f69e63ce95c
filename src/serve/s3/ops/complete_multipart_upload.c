/* SPDX-License-Identifier: Apache-2.0 */
/* complete_multipart_upload.c - the parts become one content.
 *
 * Its ETag is made of the parts' MD5s, which are known. The bytes have to be read once more all the same: the lake's
 * name for content is its SHA-256, and that of the whole cannot be had from those of the parts. They are read here and
 * summed and cut on another thread; chunks that are there already are not stored again. */
#include "serve/s3/op.h"
#include "serve/s3/relay.h"
#include "serve/s3/sums.h"

#include <stdio.h>
#include <string.h>

enum { PART_LEAST = 5 << 20 };

typedef struct wanted {
    int number;
    char etag[36], checksum[48];
    tarn_s3_part part; /* number 0: not found */
} wanted;

typedef struct completing {
    tarn_s3_call *call;
    wanted *v;
    size_t n, cap, at; /* at: of the next part looked for, as both are in order */
} completing;

static tarn_code begin_part(completing *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (c->n == TARN_S3_PARTS_MOST) return TARN_FAIL(err, TARN_INVALID, "more than %d parts", (int)TARN_S3_PARTS_MOST);
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 16;
        TARN_TRY(tarn_resize(&c->v, cap, sizeof *c->v, err));
        c->cap = cap;
    }
    memset(&c->v[c->n++], 0, sizeof *c->v);
done:
    return rc;
}

static tarn_code read_element(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    static const char part[] = "CompleteMultipartUpload/Part";
    completing *c = arg;
    int64_t number = 0;

    if (strncmp(path, part, sizeof part - 1) != 0) return TARN_OK;
    const char *name = path + sizeof part - 1;
    if (!text) return *name ? TARN_OK : begin_part(c, err);
    if (*name != '/' || c->n == 0) return TARN_OK;
    wanted *w = &c->v[c->n - 1];
    name++;
    if (strcmp(name, "PartNumber") == 0) {
        if (!tarn_int_parse(text, len, &number) || number < 1 || number > TARN_S3_PARTS_MOST)
            return TARN_FAIL(err, TARN_INVALID, "PartNumber is 1 to %d, not '%.20s'", (int)TARN_S3_PARTS_MOST, text);
        w->number = (int)number;
    } else if (strcmp(name, "ETag") == 0) {
        bool quoted = text[0] == '"' && len > 1;
        (void)snprintf(w->etag, sizeof w->etag, "%.*s", (int)(quoted ? len - 2 : len), text + quoted);
    } else if (strncmp(name, "Checksum", 8) == 0) {
        (void)snprintf(w->checksum, sizeof w->checksum, "%s", text);
    }
    return TARN_OK;
}

/* Stored parts come in order of numbers, wanted ones are in order. */
static tarn_code match(void *arg, const tarn_s3_part *part, tarn_err *err)
{
    completing *c = arg;

    (void)err;
    while (c->at < c->n && c->v[c->at].number < part->number) c->at++;
    if (c->at < c->n && c->v[c->at].number == part->number) c->v[c->at++].part = *part;
    return TARN_OK;
}

static tarn_code check_parts(completing *c, tarn_err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        const wanted *w = &c->v[i];
        if (w->part.number == 0 || strcmp(w->part.md5, w->etag) != 0)
            return tarn_s3_fail(c->call, err, TARN_S3_InvalidPart, "part %d was not uploaded, or has another ETag",
                                w->number);
        if (w->checksum[0] && w->part.checksum_name[0] && strcmp(w->checksum, w->part.checksum) != 0)
            return tarn_s3_fail(c->call, err, TARN_S3_InvalidPart, "part %d has another checksum", w->number);
        if (i + 1 < c->n && w->part.object.size < PART_LEAST)
            return tarn_s3_fail(c->call, err, TARN_S3_EntityTooSmall,
                                "part %d has %llu bytes; all but the last need 5 MiB", w->number,
                                (unsigned long long)w->part.object.size);
    }
    return TARN_OK;
}

static tarn_code read_wanted(completing *c, const char *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_s3_read_xml(c->call, read_element, c, err));
    if (c->n == 0) return tarn_s3_fail(c->call, err, TARN_S3_MalformedXML, "the body names no parts");
    for (size_t i = 1; i < c->n; i++)
        if (c->v[i].number <= c->v[i - 1].number)
            return tarn_s3_fail(c->call, err, TARN_S3_InvalidPartOrder, "the parts are not in ascending order");
    TARN_TRY(tarn_s3_upload_parts(c->call, id, match, c, err));
    rc = check_parts(c, err);
done:
    return rc;
}

static tarn_code to_writer(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_lake_writer_add(arg, bytes, len, err);
}

static tarn_code to_relay(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_relay_add(arg, bytes, len, err);
}

/* Parts have a name from the moment they are acknowledged, so this is a part whose upload was aborted just now. */
static tarn_code part_is_gone(completing *c, const wanted *w, tarn_err *err)
{
    return tarn_s3_fail(c->call, err, TARN_S3_InvalidPart, "part %d is not there any more: upload it again", w->number);
}

static tarn_code read_parts(completing *c, tarn_relay *relay, tarn_err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        tarn_code rc =
            tarn_lake_read(tarn_s3_lake(c->call), &c->v[i].part.object.id, 0, UINT64_MAX, to_relay, relay, err);
        if (rc == TARN_NOT_FOUND) return part_is_gone(c, &c->v[i], err);
        if (rc != TARN_OK) return rc;
    }
    return TARN_OK;
}

/* The whole, from the parts in their order. */
static tarn_code join(completing *c, tarn_object *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_writer *writer = NULL;
    tarn_relay *relay = NULL;
    tarn_entry now;

    if (c->n == 1) {
        *out = c->v[0].part.object;
        return TARN_OK;
    }
    TARN_TRY(tarn_lake_writer_new(tarn_s3_lake(c->call), tarn_s3_replaced(c->call, &now), &writer, err));
    TARN_TRY(tarn_relay_new(&(tarn_taker){to_writer, writer}, 1, &relay, err));
    TARN_TRY(read_parts(c, relay, err));
    TARN_TRY(tarn_relay_end(relay, err));
    TARN_TRY(tarn_lake_writer_end(writer, out, err));
done:
    tarn_relay_free(relay);
    tarn_lake_writer_free(writer);
    return rc;
}

static tarn_code put_etag(completing *c, json_t *attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text hexes = {0};
    char etag[48];
    json_t *sizes = json_array();

    for (size_t i = 0; i < c->n; i++) {
        tarn_text_add(&hexes, c->v[i].part.md5);
        TARN_TRY(tarn_json_append(sizes, json_integer((int64_t)c->v[i].part.object.size), err));
    }
    TARN_TRY(tarn_text_check(&hexes, err));
    TARN_TRY(tarn_sums_of_parts(hexes.data, c->n, etag, err));
    TARN_TRY(tarn_json_set(attrs, "etag", json_string(etag), err));
    TARN_TRY(tarn_json_set(attrs, "parts", json_incref(sizes), err));
done:
    json_decref(sizes);
    tarn_text_clear(&hexes);
    return rc;
}

/* A checksum of the checksums, if every part has one of the same kind. */
static tarn_code put_checksum(completing *c, json_t *attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *name = c->v[0].part.checksum_name, **sums = NULL;
    char whole[64];
    json_t *checksum = NULL;

    if (!*name || strcmp(name, "crc64nvme") == 0) return TARN_OK;
    TARN_TRY(tarn_arena_alloc(c->call->arena, &sums, c->n, sizeof *sums, err));
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->v[i].part.checksum_name, name) != 0) return TARN_OK;
        sums[i] = c->v[i].part.checksum;
    }
    TARN_TRY(tarn_sums_of_checksums(name, sums, c->n, whole, err));
    checksum = json_object();
    TARN_TRY(tarn_json_set(checksum, name, json_string(whole), err));
    TARN_TRY(tarn_json_set(attrs, "checksum", json_incref(checksum), err));
done:
    json_decref(checksum);
    return rc;
}

static tarn_code finish(completing *c, tarn_s3_upload *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_object object;
    tarn_s3_call *call = c->call;

    TARN_TRY(put_etag(c, u->attrs, err));
    TARN_TRY(put_checksum(c, u->attrs, err));
    TARN_TRY(join(c, &object, err));
    TARN_TRY(tarn_s3_put_entry(call, &object, u->attrs, err));
    TARN_TRY(tarn_s3_upload_end(call, u->id, err));
    tarn_s3_xml_open(call, "CompleteMultipartUploadResult");
    tarn_s3_xml(call, "Location", call->raw_path);
    tarn_s3_xml(call, "Bucket", call->bucket);
    tarn_s3_xml(call, "Key", call->key);
    tarn_text_addf(&call->xml, "<ETag>&quot;%s&quot;</ETag></CompleteMultipartUploadResult>",
                   tarn_json_text(u->attrs, "etag", ""));
done:
    return rc;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    completing c = {.call = call};
    tarn_s3_upload u = {.attrs = NULL};

    TARN_TRY(tarn_s3_upload_find(call, &u, err));
    TARN_TRY(tarn_s3_put_conditions(call, err));
    TARN_TRY(read_wanted(&c, u.id, err));
    TARN_TRY(finish(&c, &u, err));
done:
    tarn_free(c.v);
    tarn_s3_upload_clear(&u);
    return rc;
}

const tarn_s3_op tarn_s3_op_complete_multipart_upload = {
    .name = "CompleteMultipartUpload",
    .method = "POST",
    .level = TARN_S3_OBJECT,
    .select = "uploadId",
    .right = TARN_ACT_OBJECT_WRITE,
    .body = TARN_S3_DOCUMENT,
    .sums_elsewhere = true,
    .title = "the parts become one content; order, sizes and ETags are checked",
    .answer = answer,
};
