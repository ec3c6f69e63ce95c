/* SPDX-License-Identifier: Apache-2.0 */
/* form_test.c - a form in any pieces, and what is none. */
#include "support/tarn_test.h"

#include "serve/s3/form.h"

typedef struct heard {
    tarn_text fields, file;
} heard;

static tarn_code file(void *arg, const json_t *fields, tarn_err *err)
{
    heard *h = arg;
    char *text = NULL;
    tarn_code rc = tarn_json_compact(fields, &text, err);

    if (rc == TARN_OK) tarn_text_add(&h->fields, text);
    tarn_free(text);
    return rc;
}

static tarn_code give(void *arg, const char *bytes, size_t len, tarn_err *err)
{
    heard *h = arg;
    tarn_text_addn(&h->file, bytes, len);
    return tarn_text_check(&h->file, err);
}

static tarn_code run(const char *type, const char *body, size_t piece, heard *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_form *f = NULL;
    size_t len = strlen(body);
    tarn_form_options o = {.type = type, .file = file, .give = give, .arg = h};

    tarn_text_clear(&h->fields);
    tarn_text_clear(&h->file);
    TARN_TRY(tarn_form_new(&o, &f, err));
    for (size_t at = 0; at < len; at += piece)
        TARN_TRY(tarn_form_add(f, body + at, len - at < piece ? len - at : piece, err));
    rc = tarn_form_end(f, err);
done:
    tarn_form_free(f);
    return rc;
}

static const char type[] = "multipart/form-data; boundary=\"XX\"";
static const char whole[] =
    "--XX\r\nContent-Disposition: form-data; name=\"Key\"\r\n\r\na/b\r\n--XX\r\n"
    "Content-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\none\r\n--X\r\ntwo\r\n--XX--\r\n";

static void reads_in_any_pieces(void **state)
{
    heard h = {0};

    (void)state;
    for (size_t piece = 1; piece <= sizeof whole; piece++) {
        must(run(type, whole, piece, &h, err));
        assert_string_equal(h.fields.data, "{\"filename\":\"x\",\"key\":\"a/b\"}");
        assert_string_equal(h.file.data, "one\r\n--X\r\ntwo");
    }
    tarn_text_clear(&h.fields);
    tarn_text_clear(&h.file);
}

static void refuses_the_rest(void **state)
{
    heard h = {0};
    tarn_text long_field = {0};

    (void)state;
    must_fail_with(TARN_INVALID, "boundary", run("text/plain", whole, 9, &h, err));
    must_fail_with(TARN_INVALID, "boundary", run("multipart/form-data; boundary=", whole, 9, &h, err));
    must_fail_with(TARN_INVALID, "ends inside", run(type, "--XX\r\n", 9, &h, err));
    must_fail_with(TARN_INVALID, "no name", run(type, "--XX\r\nX: y\r\n\r\n", 9, &h, err));
    must_fail_with(TARN_INVALID, "ends inside",
                   run(type, "--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\none", 9, &h, err));
    tarn_text_add(&long_field, "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n");
    for (int i = 0; i < TARN_FORM_FIELDS_MOST + 1000; i++) tarn_text_add(&long_field, "x");
    must_fail_with(TARN_INVALID, "more than", run(type, long_field.data, 5000, &h, err));
    tarn_text_clear(&long_field);
    tarn_text_clear(&h.fields);
    tarn_text_clear(&h.file);
}

static void survives_no_memory(void **state)
{
    heard h = {0};
    tarn_code rc = TARN_NOMEM;

    (void)state;
    for (int64_t n = 1; rc != TARN_OK && n < 1000; n++) {
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        rc = run(type, whole, 50, &h, &err);
        tarn_mem_fail_after(0);
    }
    assert_int_equal(rc, TARN_OK);
    tarn_text_clear(&h.fields);
    tarn_text_clear(&h.file);
}

TARN_TESTS(TARN_TEST(reads_in_any_pieces), TARN_TEST(refuses_the_rest), TARN_TEST(survives_no_memory))
