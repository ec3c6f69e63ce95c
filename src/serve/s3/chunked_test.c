/* SPDX-License-Identifier: Apache-2.0 */
/* chunked_test.c - AWS's own example of a signed body in chunks, any cut of it, and what is wrong with others. */
#include "support/tarn_test.h"

#include "serve/s3/chunked.h"

typedef struct heard {
    tarn_text bytes, trailers;
} heard;

static tarn_code give(void *arg, const char *bytes, size_t len, tarn_err *err)
{
    heard *h = arg;
    tarn_text_addn(&h->bytes, bytes, len);
    return tarn_text_check(&h->bytes, err);
}

static tarn_code told(void *arg, const char *name, const char *value, tarn_err *err)
{
    heard *h = arg;
    tarn_text_addf(&h->trailers, "%s=%s;", name, value);
    return tarn_text_check(&h->trailers, err);
}

/* The example of "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks". */
static void example(tarn_chunked_options *o, heard *h, tarn_text *body)
{
    static const char one[] =
        "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
                      two[] =
                          "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
                      end[] =
                          "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";

    *o = (tarn_chunked_options){.is_signed = true,
                                .scope = {.time = "20130524T000000Z", .region = "us-east-1", .service = "s3"},
                                .seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
                                .give = give,
                                .told = told,
                                .arg = h};
    must(tarn_sigv4_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3", &o->key, err));
    tarn_text_add(body, one);
    for (int i = 0; i < 65536; i++) tarn_text_addn(body, "a", 1);
    tarn_text_add(body, "\r\n");
    tarn_text_add(body, two);
    for (int i = 0; i < 1024; i++) tarn_text_addn(body, "a", 1);
    tarn_text_add(body, "\r\n");
    tarn_text_add(body, end);
}

static tarn_code run(const tarn_chunked_options *o, const char *bytes, size_t len, size_t piece, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_chunked *c = NULL;

    TARN_TRY(tarn_chunked_new(o, &c, err));
    for (size_t at = 0; at < len; at += piece)
        TARN_TRY(tarn_chunked_add(c, bytes + at, len - at < piece ? len - at : piece, err));
    rc = tarn_chunked_end(c, err);
done:
    tarn_chunked_free(c);
    return rc;
}

static void clear(heard *h)
{
    tarn_text_clear(&h->bytes);
    tarn_text_clear(&h->trailers);
}

static void reads_the_example(void **state)
{
    tarn_chunked_options o;
    heard h = {0};
    tarn_text body = {0};

    (void)state;
    example(&o, &h, &body);
    for (size_t piece = 1; piece < body.len * 2; piece = piece * 7 + 3) {
        must(run(&o, body.data, body.len, piece, err));
        assert_int_equal(h.bytes.len, 66560);
        clear(&h);
    }
    body.data[100] = 'b';
    must_fail_with(TARN_DENIED, "does not match", run(&o, body.data, body.len, 4096, err));
    body.data[100] = 'a';
    must_fail_with(TARN_INVALID, "ends inside", run(&o, body.data, body.len - 200, 4096, err));
    clear(&h);
    tarn_text_clear(&body);
}

static void reads_trailers(void **state)
{
    heard h = {0};
    tarn_chunked_options o = {.trailer = true, .give = give, .told = told, .arg = &h};
    static const char body[] = "3\r\nabc\r\n0\r\nX-Amz-Checksum-Crc32: NSRBwg==\r\n\r\n";

    (void)state;
    for (size_t piece = 1; piece < sizeof body; piece++) {
        must(run(&o, body, sizeof body - 1, piece, err));
        assert_string_equal(h.bytes.data, "abc");
        assert_string_equal(h.trailers.data, "x-amz-checksum-crc32=NSRBwg==;");
        clear(&h);
    }
}

static void refuses_the_rest(void **state)
{
    static const char *const wrong[] = {
        "",          "x\r\n",        "3\r\nabcd\r\n0\r\n\r\n",           "3\r\nabc0\r\n\r\n", "fffffffffffffffff\r\n",
        "3 \r\nabc", "3\r\nabc\r\n", "3\r\nabc\r\n0\r\nnocolon\r\n\r\n", "0\r\n\r\nmore"};
    heard h = {0};
    tarn_chunked_options o = {.trailer = true, .give = give, .told = told, .arg = &h};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tarn_err err = {0};
        if (run(&o, wrong[i], strlen(wrong[i]), 3, &err) != TARN_INVALID) fail_msg("'%s' was read", wrong[i]);
        assert_true(err.msg[0] != '\0');
        clear(&h);
    }
    o.is_signed = true;
    o.scope = (tarn_sigv4){.time = "20130524T000000Z", .region = "r", .service = "s3"};
    o.seed = "";
    must_fail_with(TARN_INVALID, "chunk-signature", run(&o, "3\r\nabc\r\n", 8, 8, err));
    clear(&h);
}

static void survives_no_memory(void **state)
{
    tarn_chunked_options o;
    heard h = {0};
    tarn_text body = {0};
    tarn_code rc = TARN_NOMEM;

    (void)state;
    example(&o, &h, &body);
    for (int64_t n = 1; rc != TARN_OK && n < 10000; n++) {
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        rc = run(&o, body.data, body.len, 10000, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK) assert_int_equal(rc, TARN_NOMEM);
        clear(&h);
    }
    assert_int_equal(rc, TARN_OK);
    tarn_text_clear(&body);
}

TARN_TESTS(TARN_TEST(reads_the_example), TARN_TEST(reads_trailers), TARN_TEST(refuses_the_rest),
           TARN_TEST(survives_no_memory))
