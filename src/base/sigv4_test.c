/* SPDX-License-Identifier: Apache-2.0 */
/* sigv4_test.c - Amazon's published examples: those of the S3 API Reference (header, presigned, chunked), and of the
 * signature test suite. Then what a hostile client may send. */
#include "support/tarn_test.h"

#include "base/sigv4.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
static const char access_key[] = "AKIAIOSFODNN7EXAMPLE", secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
static const char s3_host[] = "examplebucket.s3.amazonaws.com", s3_time[] = "20130524T000000Z";

typedef struct example {
    tarn_sigv4_pair headers[8], query[4];
    tarn_sigv4 r;
    const char *secret, *signature;
} example;

static example examples[] = {
    {.headers = {{"Host", s3_host}, {"Range", "bytes=0-9"}, {"x-amz-content-sha256", EMPTY}, {"x-amz-date", s3_time}},
     .r = {.method = "GET", .path = "/test.txt", .payload = EMPTY},
     .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {.headers = {{"host", s3_host},
                 {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                 {"X-Amz-Date", s3_time},
                 {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                 {"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"}},
     .r = {.method = "PUT",
           .path = "/test$file.text", /* less escaped than it might be: the same request */
           .payload = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
     .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {.headers = {{"Host", s3_host}, {"x-amz-date", s3_time}, {"x-amz-content-sha256", EMPTY}},
     .query = {{"lifecycle", NULL}},
     .r = {.method = "GET", .path = "/", .payload = EMPTY},
     .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {.headers = {{"Host", s3_host}, {"x-amz-date", s3_time}, {"x-amz-content-sha256", EMPTY}},
     .query = {{"prefix", "J"}, {"max-keys", "2"}},
     .r = {.method = "GET", .path = "/", .payload = EMPTY},
     .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    /* presigned */
    {.headers = {{"Host", s3_host}, {"User-Agent", "not signed"}},
     .query = {{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"}},
     .r = {.method = "GET", .path = "/test.txt", .payload = TARN_SIGV4_UNSIGNED, .signed_headers = "host"},
     .signature = NULL},
    /* the test suite: get-vanilla, get-vanilla-query-order-key-case, get-header-value-trim, get-header-key-duplicate */
    {.headers = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
     .r = {.method = "GET", .path = "/", .payload = EMPTY, .time = "20150830T123600Z", .service = "service"},
     .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.headers = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
     .query = {{"Param2", "value2"}, {"Param1", "value1"}},
     .r = {.method = "GET", .path = "/", .payload = EMPTY, .time = "20150830T123600Z", .service = "service"},
     .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
     .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {.headers = {{"Host", "example.amazonaws.com"},
                 {"My-Header1", " value1"},
                 {"My-Header2", " \"a   b   c\""},
                 {"X-Amz-Date", "20150830T123600Z"}},
     .r = {.method = "GET", .path = "/", .payload = EMPTY, .time = "20150830T123600Z", .service = "service"},
     .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
     .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {.headers = {{"Host", "example.amazonaws.com"},
                 {"My-Header1", "value2"},
                 {"My-Header1", "value2"},
                 {"My-Header1", "value1"},
                 {"X-Amz-Date", "20150830T123600Z"}},
     .r = {.method = "GET", .path = "/", .payload = EMPTY, .time = "20150830T123600Z", .service = "service"},
     .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
     .signature = "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
};
enum { EXAMPLES = sizeof examples / sizeof *examples, PRESIGNED = 4 };

/* The request of an example with what most of them share. */
static tarn_sigv4 request_of(example *e)
{
    tarn_sigv4 r = e->r;

    r.headers = e->headers;
    r.query = e->query;
    while (r.n_headers < 8 && e->headers[r.n_headers].name) r.n_headers++;
    while (r.n_query < 4 && e->query[r.n_query].name) r.n_query++;
    if (!r.time) r.time = s3_time;
    if (!r.service) r.service = "s3";
    r.region = "us-east-1";
    return r;
}

static tarn_id key_of(const example *e, const tarn_sigv4 *r)
{
    tarn_id key;

    must(tarn_sigv4_key(e->secret ? e->secret : secret, r->time, r->region, r->service, &key, err));
    return key;
}

static void signs_as_published(void **state)
{
    (void)state;
    for (int i = 0; i < EXAMPLES; i++) {
        tarn_sigv4 r = request_of(&examples[i]);
        tarn_id key = key_of(&examples[i], &r);
        char signature[TARN_SIGV4_HEX];
        if (i == PRESIGNED) continue;
        must(tarn_sigv4_sign(&r, &key, signature, err));
        assert_string_equal(signature, examples[i].signature);
    }
}

static void the_canonical_request_is_as_published(void **state)
{
    tarn_sigv4 r = request_of(&examples[3]);
    tarn_text text = {0};

    (void)state;
    must(tarn_sigv4_canonical(&r, &text, err));
    assert_string_equal(text.data, "GET\n/\nmax-keys=2&prefix=J\nhost:examplebucket.s3.amazonaws.com\n"
                                   "x-amz-content-sha256:" EMPTY "\nx-amz-date:20130524T000000Z\n\n"
                                   "host;x-amz-content-sha256;x-amz-date\n" EMPTY);
    tarn_text_clear(&text);
    must(tarn_sigv4_to_sign(&r, &text, err));
    assert_string_equal(text.data, "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
                                   "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7");
    tarn_text_clear(&text);
}

static void a_header_is_written_and_read(void **state)
{
    tarn_sigv4 r = request_of(&examples[0]);
    tarn_id key = key_of(&examples[0], &r);
    tarn_text text = {0};
    tarn_sigv4_claim claim;

    (void)state;
    must(tarn_sigv4_authorization(&r, access_key, &key, &text, err));
    assert_string_equal(text.data,
                        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    must(tarn_sigv4_read(text.data, &claim, err));
    assert_string_equal(claim.access, access_key);
    assert_string_equal(claim.date, "20130524");
    assert_string_equal(claim.region, "us-east-1");
    assert_string_equal(claim.service, "s3");
    assert_string_equal(claim.signed_headers, "host;range;x-amz-content-sha256;x-amz-date");
    assert_true(tarn_sigv4_same(claim.signature, examples[0].signature));
    assert_true(tarn_sigv4_signs(claim.signed_headers, "range"));
    assert_false(tarn_sigv4_signs(claim.signed_headers, "x-amz"));
    tarn_text_clear(&text);
    must(tarn_sigv4_read(
        "AWS4-HMAC-SHA256 Credential=a/b/20130524/r/s3/aws4_request, SignedHeaders=host, Signature=" EMPTY, &claim,
        err));
    assert_string_equal(claim.access, "a/b");
}

static void a_url_is_presigned_as_published(void **state)
{
    tarn_sigv4 r = request_of(&examples[PRESIGNED]);
    tarn_id key = key_of(&examples[PRESIGNED], &r);
    tarn_text text = {0};
    tarn_sigv4_claim claim;

    (void)state;
    r.n_query = 0;
    must(tarn_sigv4_presign(&r, access_key, NULL, 86400, &key, &text, err));
    assert_string_equal(text.data,
                        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1"
                        "%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    tarn_text_clear(&text);
    tarn_sigv4_pair query[] = {{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
                               {"X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"},
                               {"X-Amz-Date", s3_time},
                               {"X-Amz-Expires", "86400"},
                               {"X-Amz-SignedHeaders", "host"},
                               {"X-Amz-Signature", "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"}};
    must(tarn_sigv4_read_query(query, 6, &claim, err)); /* as a server does it */
    assert_int_equal(claim.expires_s, 86400);
    r.query = query;
    r.n_query = 6;
    r.signed_headers = claim.signed_headers;
    r.time = claim.time;
    char signature[TARN_SIGV4_HEX];
    must(tarn_sigv4_sign(&r, &key, signature, err));
    assert_true(tarn_sigv4_same(signature, claim.signature));
    query[3].value = "604801";
    must_fail_with(TARN_INVALID, "604800", tarn_sigv4_read_query(query, 6, &claim, err));
}

static void chunks_are_signed_as_published(void **state)
{
    tarn_sigv4_pair headers[] = {{"host", "s3.amazonaws.com"},
                                 {"x-amz-date", s3_time},
                                 {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                 {"Authorization", "not signed"},
                                 {"x-amz-content-sha256", TARN_SIGV4_STREAM},
                                 {"Content-Encoding", "aws-chunked"},
                                 {"x-amz-decoded-content-length", "66560"},
                                 {"Content-Length", "66824"}};
    tarn_sigv4 r = {.method = "PUT",
                    .path = "/examplebucket/chunkObject.txt",
                    .headers = headers,
                    .n_headers = 8,
                    .signed_headers = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
                                      "x-amz-decoded-content-length;x-amz-storage-class",
                    .payload = TARN_SIGV4_STREAM,
                    .time = s3_time,
                    .region = "us-east-1",
                    .service = "s3"};
    tarn_id key, hash;
    char at[TARN_SIGV4_HEX], next[TARN_SIGV4_HEX], *body = malloc(65536);

    (void)state;
    assert_non_null(body);
    memset(body, 'a', 65536);
    must(tarn_sigv4_key(secret, r.time, r.region, r.service, &key, err));
    must(tarn_sigv4_sign(&r, &key, at, err));
    assert_string_equal(at, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    must(tarn_digest(body, 65536, &hash, err));
    must(tarn_sigv4_chunk(&r, &key, at, &hash, false, next, err));
    assert_string_equal(next, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    must(tarn_digest(body, 1024, &hash, err));
    must(tarn_sigv4_chunk(&r, &key, next, &hash, false, at, err));
    assert_string_equal(at, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
    must(tarn_digest("", 0, &hash, err));
    must(tarn_sigv4_chunk(&r, &key, at, &hash, false, next, err));
    assert_string_equal(next, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
    must(tarn_sigv4_chunk(&r, &key, at, &hash, true, at, err));
    assert_false(tarn_sigv4_same(at, next));
    free(body);
}

static void other_spellings_are_the_same_request(void **state)
{
    static const char *const paths[] = {"/a b/~x+y", "/a%20b/%7Ex%2By", "/a%20b/%7ex%2by"};
    char signatures[3][TARN_SIGV4_HEX];
    tarn_text text = {0};
    char letters[] = "a%2Fb%20c", bad[] = "a%2", zero[] = "a%00";
    size_t len = sizeof letters - 1;

    (void)state;
    for (int i = 0; i < 3; i++) {
        tarn_sigv4 r = request_of(&examples[0]);
        tarn_id key = key_of(&examples[0], &r);
        r.path = paths[i];
        must(tarn_sigv4_sign(&r, &key, signatures[i], err));
        assert_string_equal(signatures[i], signatures[0]);
    }
    assert_true(tarn_sigv4_decode(letters, &len));
    assert_int_equal(len, 5);
    assert_memory_equal(letters, "a/b c", 5);
    len = 3;
    assert_false(tarn_sigv4_decode(bad, &len));
    len = 4;
    assert_false(tarn_sigv4_decode(zero, &len));
    tarn_sigv4_encode(&text, "a/\xc3\xa4 ~", 6, false);
    assert_string_equal(text.data, "a%2F%C3%A4%20~");
    tarn_text_clear(&text);
}

static void nonsense_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
        tarn_code code;
    } bad[] = {
        {"", "only AWS4", TARN_UNSUPPORTED},
        {"AWS key:signature", "only AWS4", TARN_UNSUPPORTED},
        {"AWS4-HMAC-SHA256X Credential=a", "only AWS4", TARN_UNSUPPORTED},
        {"AWS4-HMAC-SHA256 ", "Credential", TARN_INVALID},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3", "Credential", TARN_INVALID},
        {"AWS4-HMAC-SHA256 Credential=/20130524/r/s3/aws4_request", "Credential", TARN_INVALID},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_requestx", "Credential", TARN_INVALID},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request", "SignedHeaders", TARN_INVALID},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request, SignedHeaders=Host", "SignedHeaders", TARN_INVALID},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request, SignedHeaders=b;a", "SignedHeaders", TARN_INVALID},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request, SignedHeaders=a;a", "SignedHeaders", TARN_INVALID},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request, SignedHeaders=a;", "SignedHeaders", TARN_INVALID},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request, SignedHeaders=a, Signature=12", "Signature",
         TARN_INVALID},
    };
    tarn_sigv4_claim claim;
    int64_t seconds;
    char time[17];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail_with(bad[i].code, bad[i].why, tarn_sigv4_read(bad[i].text, &claim, err));
    must_fail_with(TARN_UNSUPPORTED, "only AWS4", tarn_sigv4_read_query(NULL, 0, &claim, err));
    assert_true(tarn_sigv4_seconds("20130524T000000Z", &seconds));
    assert_int_equal(seconds, 1369353600);
    tarn_sigv4_time(seconds, time);
    assert_string_equal(time, "20130524T000000Z");
    static const char *const times[] = {"", "20130524", "20130231T000000Z", "20130524T250000Z", "20130524T000000Zx"};
    for (size_t i = 0; i < 5; i++) assert_false(tarn_sigv4_seconds(times[i], &seconds));
    tarn_sigv4 r = request_of(&examples[0]);
    tarn_id key = key_of(&examples[0], &r);
    char signature[TARN_SIGV4_HEX];
    r.signed_headers = "host;x-amz-meta-missing";
    must_fail_with(TARN_INVALID, "x-amz-meta-missing", tarn_sigv4_sign(&r, &key, signature, err));
    r.signed_headers = NULL;
    r.path = "relative";
    must_fail_with(TARN_INVALID, "relative", tarn_sigv4_sign(&r, &key, signature, err));
    assert_false(tarn_sigv4_same("", ""));
}

static void running_out_of_memory_is_a_clean_error(void **state)
{
    tarn_sigv4 r = request_of(&examples[1]);
    tarn_id key = key_of(&examples[1], &r);
    tarn_code rc = TARN_NOMEM;
    tarn_text text = {0};

    (void)state;
    for (int64_t n = 1; rc == TARN_NOMEM && n < 1000; n++) {
        tarn_text_clear(&text);
        tarn_mem_fail_after(n);
        rc = tarn_sigv4_authorization(&r, access_key, &key, &text, NULL);
        tarn_mem_fail_after(0);
    }
    assert_int_equal(rc, TARN_OK);
    tarn_text_clear(&text);
}

TARN_TESTS(TARN_TEST(signs_as_published), TARN_TEST(the_canonical_request_is_as_published),
           TARN_TEST(a_header_is_written_and_read), TARN_TEST(a_url_is_presigned_as_published),
           TARN_TEST(chunks_are_signed_as_published), TARN_TEST(other_spellings_are_the_same_request),
           TARN_TEST(nonsense_is_refused), TARN_TEST(running_out_of_memory_is_a_clean_error))
