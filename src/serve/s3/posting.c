/* SPDX-License-Identifier: Apache-2.0 */
/* posting.c - a file that comes in a form: fields judged before its first byte is taken, then as any content. */
#include "serve/s3/auth.h"
#include "serve/s3/form.h"
#include "serve/s3/sums.h"

#include <stdio.h>
#include <string.h>

struct tarn_s3_posting {
    tarn_s3_call *call;
    tarn_form *form;
    tarn_writer *writer;
    tarn_sums *sums;
    json_t *fields;
    uint64_t size, range[2];
};

/* The key, with the file's own name for ${filename}. */
static tarn_code set_key(tarn_s3_posting *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text key = {0};
    char *copy = NULL;
    const char *text = tarn_json_text(p->fields, "key", ""), *at = strstr(text, "${filename}");

    if (!*text) return tarn_s3_fail(p->call, err, TARN_S3_MalformedPOSTRequest, "the form has no key");
    tarn_text_addn(&key, text, at ? (size_t)(at - text) : strlen(text));
    if (at) tarn_text_addf(&key, "%s%s", tarn_json_text(p->fields, "filename", ""), at + 11);
    TARN_TRY(tarn_text_check(&key, err));
    TARN_TRY(tarn_arena_strndup(p->call->arena, key.data ? key.data : "", key.len, &copy, err));
    p->call->key = copy;
done:
    tarn_text_clear(&key);
    return rc;
}

static tarn_code file(void *arg, const json_t *fields, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_posting *p = arg;
    tarn_s3_call *call = p->call;
    tarn_entry now;

    p->fields = json_deep_copy(fields);
    if (!p->fields) return TARN_FAIL(err, TARN_NOMEM, "a form");
    TARN_TRY(tarn_s3_policy_check(call, p->fields, p->range, err));
    TARN_TRY(set_key(p, err));
    TARN_TRY(tarn_s3_place_find(call, call->bucket, call->key, &call->place, err));
    TARN_TRY(tarn_s3_place_writable(call, &call->place, err));
    TARN_TRY(tarn_s3_may(call, TARN_ACT_OBJECT_WRITE, &call->place, err));
    TARN_TRY(tarn_lake_writer_new(tarn_s3_lake(call), tarn_s3_replaced(call, &now), &p->writer, err));
    TARN_TRY(tarn_sums_new("", &p->sums, err));
done:
    return rc;
}

static tarn_code give(void *arg, const char *bytes, size_t len, tarn_err *err)
{
    tarn_s3_posting *p = arg;

    p->size += len;
    if (p->size > p->range[1])
        return tarn_s3_fail(p->call, err, TARN_S3_EntityTooLarge, "the policy allows %llu bytes",
                            (unsigned long long)p->range[1]);
    tarn_code rc = tarn_sums_add(p->sums, bytes, len, err);
    return rc == TARN_OK ? tarn_lake_writer_add(p->writer, bytes, len, err) : rc;
}

static tarn_code malformed(tarn_s3_call *call, tarn_code rc)
{
    if (rc == TARN_INVALID && !call->failed) {
        call->failed = true;
        call->error = TARN_S3_MalformedPOSTRequest;
    }
    return rc;
}

tarn_code tarn_s3_posting_new(tarn_s3_call *call, tarn_s3_posting **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc != TARN_OK) return rc;
    (*out)->call = call;
    tarn_form_options o = {.type = tarn_s3_header(call, "Content-Type"), .file = file, .give = give, .arg = *out};
    return malformed(call, tarn_form_new(&o, &(*out)->form, err));
}

tarn_code tarn_s3_posting_add(tarn_s3_posting *p, const char *bytes, size_t len, tarn_err *err)
{
    return malformed(p->call, tarn_form_add(p->form, bytes, len, err));
}

tarn_code tarn_s3_posting_end(tarn_s3_posting *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_content *c = &p->call->content;

    TARN_TRY(malformed(p->call, tarn_form_end(p->form, err)));
    if (p->size < p->range[0])
        return tarn_s3_fail(p->call, err, TARN_S3_EntityTooSmall, "the policy wants at least %llu bytes",
                            (unsigned long long)p->range[0]);
    TARN_TRY(tarn_lake_writer_end(p->writer, &c->object, err));
    TARN_TRY(tarn_sums_end(p->sums, c->md5, c->checksum, err));
    p->call->scratch = p->fields;
done:
    return rc;
}

void tarn_s3_posting_free(tarn_s3_posting *p)
{
    if (!p) return;
    tarn_form_free(p->form);
    tarn_lake_writer_free(p->writer);
    tarn_sums_free(p->sums);
    json_decref(p->fields);
    tarn_free(p);
}
