/* SPDX-License-Identifier: Apache-2.0 */
/* s3_test.c - the table of operations, ranges and dates, and a gateway asked over sockets by nobody in particular. */
#include "serve/s3/inside.h"
#include "serve/serve_sample.h"

#include <stdlib.h>

static void every_operation_is_whole(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_s3_op_count(); i++) {
        const tarn_s3_op *op = tarn_s3_op_at(i);
        assert_non_null(op->name);
        assert_non_null(op->title);
        assert_non_null(op->answer);
        assert_true(strstr("GET HEAD PUT POST DELETE", op->method) != NULL);
        assert_true(op->right < TARN_ACT_COUNT);
        assert_true(op->body != TARN_S3_CONTENT || op->level == TARN_S3_OBJECT);
        for (int k = 0; k < i; k++) {
            const tarn_s3_op *other = tarn_s3_op_at(k);
            assert_string_not_equal(op->name, other->name);
            bool same = op->level == other->level && strcmp(op->method, other->method) == 0 &&
                        strcmp(op->select ? op->select : "", other->select ? other->select : "") == 0 &&
                        strcmp(op->header ? op->header : "", other->header ? other->header : "") == 0;
            if (same) fail_msg("%s and %s are chosen by the same request", op->name, other->name);
        }
    }
}

static void reads_ranges(void **state)
{
    static const struct {
        const char *text;
        bool found;
        uint64_t at, length;
    } good[] = {{NULL, false, 0, 10},
                {"bytes=0-0", true, 0, 1},
                {"bytes=2-", true, 2, 8},
                {"bytes=-3", true, 7, 3},
                {"bytes=-99", true, 0, 10},
                {"bytes=5-999", true, 5, 5},
                {"bytes=1-2,4-5", false, 0, 10},
                {"bytes=5-2", false, 0, 10},
                {"lines=1-2", false, 0, 10},
                {"bytes=", false, 0, 10},
                {"bytes=-", false, 0, 10},
                {"bytes=0-99999999999999999999", true, 0, 10}};
    tarn_exchange x = {.method = "GET"};
    tarn_s3_call call = {.x = &x};
    bool found;
    uint64_t at, length;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        must(tarn_s3_range(&call, good[i].text, 10, &found, &at, &length, err));
        assert_int_equal(found, good[i].found);
        assert_int_equal(at, good[i].at);
        assert_int_equal(length, good[i].length);
    }
    must_fail_with(TARN_INVALID, "satisfiable", tarn_s3_range(&call, "bytes=10-", 10, &found, &at, &length, err));
    must_fail_with(TARN_INVALID, "satisfiable", tarn_s3_range(&call, "bytes=-0", 10, &found, &at, &length, err));
    must_fail_with(TARN_INVALID, "satisfiable", tarn_s3_range(&call, "bytes=0-", 0, &found, &at, &length, err));
    tarn_text_clear(&x.headers);
}

static void reads_dates(void **state)
{
    char out[40];
    int64_t us = 0;

    (void)state;
    assert_true(tarn_s3_read_date("Wed, 21 Oct 2015 07:28:00 GMT", &us));
    assert_int_equal(us, 1445412480000000);
    assert_string_equal(tarn_s3_http_date(us, out), "Wed, 21 Oct 2015 07:28:00 GMT");
    assert_string_equal(tarn_s3_iso_date(us + 7000, out), "2015-10-21T07:28:00.007Z");
    assert_false(tarn_s3_read_date("yesterday", &us));
    assert_false(tarn_s3_read_date("Wed, 21 Okt 2015 07:28:00 GMT", &us));
}

static void turns_paths_into_keys(void **state)
{
    char key[1025];

    (void)state;
    tarn_s3_key_of("a/b", key);
    assert_string_equal(key, "a/b");
    tarn_s3_key_of("a/ folder", key);
    assert_string_equal(key, "a/");
    tarn_s3_key_of("a folder", key);
    assert_string_equal(key, "a folder");
}

/* ---- over sockets ---- */

static void ask(int port, const char *request, char *got_back, size_t cap)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size_t got = 0;
    ssize_t n;

    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    while (got + 1 < cap && (n = recv(fd, got_back + got, cap - 1 - got, 0)) > 0) got += (size_t)n;
    got_back[got] = '\0';
    (void)close(fd);
}

static void must_say(int port, const char *line, const char *status, const char *text)
{
    char request[512], got_back[8192];

    (void)snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", line);
    ask(port, request, got_back, sizeof got_back);
    if (strncmp(got_back + 9, status, 3) != 0 || !strstr(got_back, text))
        fail_msg("%s: wanted %s %s, got %s", line, status, text, got_back);
    assert_non_null(strstr(got_back, "x-amz-request-id: "));
}

static void answers_strangers(void **state)
{
    char folder[] = "/tmp/tarn-s3-XXXXXX";
    tarn_lake *lake = NULL;
    tarn_s3 *s3 = NULL;
    tarn_entry e = {.path = "a/x.csv"};
    tarn_id id;

    (void)state;
    assert_non_null(mkdtemp(folder));
    must(tarn_lake_init(folder, err));
    must(tarn_lake_open(folder, &lake, err));
    must(tarn_lake_put(lake, "0123456789", 10, &e.object, err));
    must(
        tarn_lake_commit_entries(lake, "main", &e, 1, &(tarn_commit_options){.author = "t", .message = "m"}, &id, err));
    tarn_s3_options o = {.lake = lake, .bucket = "lake", .domain = "s3.test"};
    must(tarn_s3_start(&o, &s3, err));
    must_say(tarn_s3_port(s3), "GET /lake/main/a/x.csv", "403", "AccessDenied");
    must_say(tarn_s3_port(s3), "GET /", "403", "AccessDenied");
    must(tarn_s3_stop(s3, err));
    o.anonymous_reads = true;
    must(tarn_s3_start(&o, &s3, err));
    int port = tarn_s3_port(s3);
    must_say(port, "GET /lake/main/a/x.csv", "200", "0123456789");
    must_say(port, "GET /lake/heads/main/a/x.csv", "200", "text/csv");
    must_say(port, "HEAD /lake/main/a/x.csv", "200", "Content-Length: 10");
    must_say(port, "GET /lake/main/none", "404", "NoSuchKey");
    must_say(port, "GET /lake/nothing/none", "404", "NoSuchKey");
    must_say(port, "GET /other/", "404", "NoSuchBucket");
    must_say(port, "GET /lake/main/a/../x", "400", "InvalidArgument");
    must_say(port, "GET /lake?list-type=2", "200", "main/a/x.csv");
    must_say(port, "GET /lake?list-type=2&delimiter=/", "200", "<Prefix>main/</Prefix>");
    must_say(port, "GET /lake?lifecycle", "501", "NotImplemented");
    must_say(port, "GET /lake/main/a/x.csv?torrent", "501", "NotImplemented");
    must_say(port, "PATCH /lake/main/a/x.csv", "501", "NotImplemented");
    must_say(port, "PUT /lake/main/a/x.csv", "403", "AccessDenied");
    must_say(port, "DELETE /lake/main/a/x.csv", "403", "AccessDenied");
    must_say(port, "GET /lake/main/a/x.csv?AWSAccessKeyId=a&Signature=b", "400", "Version 2");
    char got_back[8192];
    ask(port, "GET /main/a/x.csv HTTP/1.1\r\nHost: lake.s3.test\r\nRange: bytes=2-3\r\nConnection: close\r\n\r\n",
        got_back, sizeof got_back);
    assert_non_null(strstr(got_back, "Content-Range: bytes 2-3/10"));
    must(tarn_s3_stop(s3, err));
    tarn_lake_close(lake);
    must(tarn_dir_remove(folder, err));
}

/* ---- users ---- */

typedef struct asker {
    int port;
    char id[TARN_KEY_ID], secret[TARN_KEY_SECRET];
} asker;

/* A signed request without a body; source: x-amz-copy-source, or NULL. The status must be this. */
static void must_get(const asker *a, const char *method, const char *path, const char *source, const char *status)
{
    char host[40], time[17], got_back[8192];
    tarn_text line = {0}, authorization = {0};
    tarn_id key;
    tarn_sigv4_pair headers[] = {{"host", host},
                                 {"x-amz-content-sha256", TARN_SIGV4_UNSIGNED},
                                 {"x-amz-date", time},
                                 {"x-amz-copy-source", source}};

    (void)snprintf(host, sizeof host, "127.0.0.1:%d", a->port);
    tarn_sigv4_time(tarn_now_us() / 1000000, time);
    tarn_sigv4 r = {.method = method,
                    .path = path,
                    .headers = headers,
                    .n_headers = source ? 4 : 3,
                    .payload = TARN_SIGV4_UNSIGNED,
                    .time = time,
                    .region = "us-east-1",
                    .service = "s3"};
    must(tarn_sigv4_key(a->secret, time, "us-east-1", "s3", &key, err));
    must(tarn_sigv4_authorization(&r, a->id, &key, &authorization, err));
    tarn_text_addf(&line, "%s %s HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n", method, path);
    for (size_t i = 0; i < r.n_headers; i++) tarn_text_addf(&line, "%s: %s\r\n", headers[i].name, headers[i].value);
    tarn_text_addf(&line, "Authorization: %s\r\n\r\n", authorization.data);
    ask(a->port, line.data, got_back, sizeof got_back);
    if (strncmp(got_back + 9, status, 3) != 0) fail_msg("%s %s: wanted %s, got %s", method, path, status, got_back);
    tarn_text_clear(&line);
    tarn_text_clear(&authorization);
}

static tarn_code grant(tarn_lake *lake, const char *what, const char *branch, const char *path, tarn_err *err)
{
    tarn_who me = tarn_who_local();
    tarn_grant g = {.user = "ann"};

    (void)snprintf(g.what, sizeof g.what, "%s", what);
    (void)snprintf(g.branch, sizeof g.branch, "%s", branch);
    (void)snprintf(g.path, sizeof g.path, "%s", path);
    return tarn_access_grant(lake, &me, &g, err);
}

static void commit_for_users(tarn_lake *lake)
{
    tarn_entry e[2] = {{.path = "open/x"}, {.path = "secret/x"}};
    tarn_id id;

    for (int i = 0; i < 2; i++) must(tarn_lake_put(lake, "x", 1, &e[i].object, err));
    must(tarn_lake_commit_entries(lake, "work", e, 1, &(tarn_commit_options){.author = "t", .message = "m"}, &id, err));
    must(tarn_lake_commit_entries(lake, "main", e, 2, &(tarn_commit_options){.author = "t", .message = "m"}, &id, err));
}

static void asks_what_users_may(void **state)
{
    char folder[] = "/tmp/tarn-s3-XXXXXX";
    tarn_lake *lake = NULL;
    tarn_s3 *s3 = NULL;
    tarn_who me = tarn_who_local();
    asker ann = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    must(tarn_lake_init(folder, err));
    must(tarn_lake_open(folder, &lake, err));
    commit_for_users(lake);
    must(tarn_access_user_add(lake, &me, "ann", "correct horse", 13, err));
    must(tarn_access_key_new(lake, &me, &(tarn_credential){.user = "ann"}, ann.id, ann.secret, err));
    must(grant(lake, "reader", "main", "open", err));
    must(grant(lake, "writer", "work", "", err));
    tarn_s3_options o = {.lake = lake, .bucket = "lake"};
    must(tarn_s3_start(&o, &s3, err));
    ann.port = tarn_s3_port(s3);
    must_get(&ann, "GET", "/lake/main/open/x", NULL, "200");
    must_get(&ann, "GET", "/lake/main/secret/x", NULL, "403");
    must_get(&ann, "PUT", "/lake/main/open/y", NULL, "403");
    must_get(&ann, "DELETE", "/lake/main/open/x", NULL, "403");
    must_get(&ann, "PUT", "/newbucket", NULL, "403");
    must_get(&ann, "PUT", "/lake/work/y", NULL, "200");
    must_get(&ann, "GET", "/lake/work/y", NULL, "200");
    must_get(&ann, "PUT", "/lake/work/copy", "/lake/main/open/x", "200");
    must_get(&ann, "PUT", "/lake/work/copy", "/lake/main/secret/x", "403");
    must_get(&ann, "POST", "/lake/work?commit=", NULL, "403"); /* the query is not signed here */
    (void)snprintf(ann.secret, sizeof ann.secret, "wrong");
    must_get(&ann, "GET", "/lake/main/open/x", NULL, "403");
    must(tarn_s3_stop(s3, err));
    tarn_lake_close(lake);
    must(tarn_dir_remove(folder, err));
}

TARN_TESTS(TARN_TEST(every_operation_is_whole), TARN_TEST(reads_ranges), TARN_TEST(reads_dates),
           TARN_TEST(turns_paths_into_keys), TARN_TEST(answers_strangers), TARN_TEST(asks_what_users_may))
