/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_s3.c - any bytes as what S3 clients send: refused with a message, or read.
 *
 * The first byte chooses the reader: 'c' chunks with trailers, 's' signed chunks, 'a' Authorization, 'q' a query, 'x' a
 * document, 'f' a form, else a Range and a date. Build with libFuzzer, or with TARN_FUZZ_REPLAY for a program that runs
 * the files named on its command line. */
#include "base/base64.h"
#include "base/file.h"
#include "replay.h"
#include "serve/s3/form.h"
#include "serve/s3/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tarn_code give(void *arg, const char *bytes, size_t len, tarn_err *err)
{
    (void)bytes, (void)err;
    *(size_t *)arg += len;
    return TARN_OK;
}

static tarn_code chunks(const char *text, size_t len, bool is_signed, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_chunked *c = NULL;
    size_t got = 0;
    tarn_chunked_options o = {.is_signed = is_signed,
                              .trailer = true,
                              .scope = {.time = "20130524T000000Z", .region = "r", .service = "s3"},
                              .seed = "00",
                              .give = give,
                              .arg = &got};

    TARN_TRY(tarn_chunked_new(&o, &c, err));
    for (size_t at = 0; at < len; at += 7) TARN_TRY(tarn_chunked_add(c, text + at, len - at < 7 ? len - at : 7, err));
    rc = tarn_chunked_end(c, err);
done:
    if (got > len) abort();
    tarn_chunked_free(c);
    return rc;
}

static tarn_code element(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    (void)arg, (void)err;
    if (text && strlen(text) > len) abort();
    return path ? TARN_OK : TARN_INVALID;
}

static tarn_code begun(void *arg, const json_t *fields, tarn_err *err)
{
    (void)arg, (void)err;
    return json_is_object(fields) ? TARN_OK : TARN_INVALID;
}

/* The boundary is the first line. */
static tarn_code form(const char *text, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_form *f = NULL;
    size_t got = 0;
    char type[200];
    tarn_form_options o = {.type = type, .file = begun, .give = give, .arg = &got};

    (void)snprintf(type, sizeof type, "multipart/form-data; boundary=%.80s", text);
    type[strcspn(type, "\n")] = '\0';
    TARN_TRY(tarn_form_new(&o, &f, err));
    for (size_t at = 0; at < len; at += 11) TARN_TRY(tarn_form_add(f, text + at, len - at < 11 ? len - at : 11, err));
    rc = tarn_form_end(f, err);
done:
    if (got > len) abort();
    tarn_form_free(f);
    return rc;
}

static tarn_code range(tarn_s3_call *call, const char *text, tarn_err *err)
{
    bool found;
    uint64_t at, length;
    int64_t us;
    uint8_t bytes[32];
    size_t n;
    tarn_code rc = tarn_s3_range(call, text, 1000, &found, &at, &length, err);

    if (rc == TARN_OK && at + length > 1000) abort();
    (void)tarn_s3_read_date(text, &us);
    (void)tarn_base64_read(text, strlen(text), bytes, sizeof bytes, &n);
    return rc;
}

static tarn_code read(tarn_s3_call *call, char what, char *text, size_t len, tarn_err *err)
{
    static tarn_sigv4_claim claim; /* large; the fuzzer's process is its own */
    tarn_sigv4_pair *pairs;
    json_t *tags = NULL;
    size_t n;
    tarn_code rc;

    switch (what) {
    case 'c': return chunks(text, len, false, err);
    case 's': return chunks(text, len, true, err);
    case 'a': return tarn_sigv4_read(text, &claim, err);
    case 'f': return form(text, len, err);
    case 'x': return tarn_xml_read(text, len, TARN_S3_DOCUMENT_MOST, "the body", element, NULL, err);
    case 'q':
        rc = tarn_s3_pairs(call, text, &pairs, &n, err);
        if (rc == TARN_OK) rc = tarn_s3_tags_parse(call, text, &tags, err);
        json_decref(tags);
        return rc;
    default: return range(call, text, err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    tarn_err err = {0};
    char *text = NULL;
    tarn_exchange x = {.method = "GET", .target = "/"};
    tarn_s3_call call = {.x = &x};

    if (len == 0 || len > 1 << 20) return 0;
    if (tarn_arena_new(&call.arena, &err) != TARN_OK) return 0;
    if (tarn_alloc(&text, len, 1, &err) == TARN_OK) {
        memcpy(text, bytes + 1, len - 1);
        if (read(&call, (char)bytes[0], text, len - 1, &err) != TARN_OK && err.msg[0] == '\0') abort();
    }
    tarn_free(text);
    tarn_text_clear(&x.headers);
    tarn_arena_free(call.arena);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
int main(int argc, char **argv) { return replay(argc, argv, NULL); }
#endif
