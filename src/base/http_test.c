/* SPDX-License-Identifier: Apache-2.0 */
/* http_test.c - asking a server that answers what it was told to, byte for byte: well, late, half, not at all. */
#include "support/tarn_test.h"

#include "base/http.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Answers each connection with `answers[i]` (the last one from then on) after the request's head, and closes. */
typedef struct server {
    int socket, port, asked;
    const char *const *answers;
    int n;
    bool mute; /* takes the connection and says nothing until the client goes */
    char head[4096];
    pthread_t thread;
} server;

static void *serve(void *arg)
{
    server *s = arg;
    int fd;

    while ((fd = accept(s->socket, NULL, NULL)) >= 0) {
        size_t n = 0;
        ssize_t got;
        while (n + 1 < sizeof s->head && !strstr(s->head, "\r\n\r\n") &&
               (got = recv(fd, s->head + n, sizeof s->head - 1 - n, 0)) > 0) {
            n += (size_t)got;
            s->head[n] = '\0';
        }
        if (s->mute) (void)!recv(fd, s->head, 1, 0);
        const char *answer = s->answers[s->asked < s->n ? s->asked : s->n - 1];
        s->asked++;
        if (!s->mute) (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        (void)shutdown(fd, SHUT_WR);
        while (recv(fd, (char[256]){0}, 256, 0) > 0) {}
        (void)close(fd);
    }
    return NULL;
}

static void server_start(server *s, const char *const *answers, int n)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    (void)setenv("no_proxy", "127.0.0.1", 1);
    s->asked = 0;
    s->answers = answers;
    s->n = n;
    memset(s->head, 0, sizeof s->head);
    s->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->socket, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->socket, 8), 0);
    assert_int_equal(getsockname(s->socket, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(server *s)
{
    (void)shutdown(s->socket, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->socket);
}

static tarn_code ask(server *s, tarn_http *http, tarn_http_request r, tarn_http_answer *answer, tarn_err *err)
{
    char url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/path?secret=1", s->port);
    r.url = url;
    memset(s->head, 0, sizeof s->head);
    return tarn_http_ask(http, &r, answer, err);
}

static void a_request_and_its_answer_are_whole(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nETag: \"x\"\r\nconnection: close\r\n\r\nhello",
        "HTTP/1.1 404 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"};
    server s = {.mute = false};
    tarn_http *http = NULL;
    tarn_http_answer answer;
    char value[8];
    tarn_http_header header = {"X-Mine", "yes"};

    (void)state;
    server_start(&s, answers, 4);
    must(tarn_http_new(NULL, &http, err));
    must(ask(&s, http,
             (tarn_http_request){.method = "PUT", .body = "body", .body_len = 4, .headers = &header, .n_headers = 1},
             &answer, err));
    assert_int_equal(answer.status, 201);
    assert_string_equal(answer.body, "hello");
    assert_true(tarn_http_header_get(&answer, "etag", value, sizeof value));
    assert_string_equal(value, "\"x\"");
    assert_false(tarn_http_header_get(&answer, "tag", value, sizeof value));
    assert_non_null(strstr(s.head, "PUT /path?secret=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(s.head, "X-Mine: yes\r\n"));
    assert_non_null(strstr(s.head, "Content-Length: 4\r\n"));
    assert_null(strstr(s.head, "Content-Type"));
    assert_null(strstr(s.head, "Expect"));
    tarn_http_answer_clear(&answer);
    must(ask(&s, http, (tarn_http_request){.method = "GET"}, &answer, err));
    assert_int_equal(answer.status, 404);
    assert_string_equal(answer.body, "no");
    tarn_http_answer_clear(&answer);
    must(ask(&s, http, (tarn_http_request){.method = "GET"}, &answer, err));
    assert_int_equal(answer.status, 302); /* not followed */
    tarn_http_answer_clear(&answer);
    must(ask(&s, http, (tarn_http_request){.method = "HEAD"}, &answer, err));
    assert_true(tarn_http_header_get(&answer, "Content-Length", value, sizeof value));
    assert_string_equal(value, "7");
    tarn_http_answer_clear(&answer);
    tarn_http_free(http);
    server_stop(&s);
}

static tarn_code refuse(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    (void)arg, (void)bytes, (void)len;
    return TARN_FAIL(err, TARN_FULL, "no room");
}

static void what_goes_wrong_is_said(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf",
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789",
        "HTTP/1.1 500 X\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789"};
    server s = {.mute = false};
    tarn_http *http = NULL;
    tarn_http_answer answer;
    tarn_http_options quick = {.connect_ms = 2000, .stall_s = 1};

    (void)state;
    server_start(&s, answers, 6);
    must(tarn_http_new(&quick, &http, err));
    must_fail_with(TARN_IO, "cut the connection", ask(&s, http, (tarn_http_request){.method = "GET"}, &answer, err));
    must_fail_with(TARN_IO, "127.0.0.1", ask(&s, http, (tarn_http_request){.method = "GET"}, &answer, err));
    must_fail_with(TARN_IO, "127.0.0.1", ask(&s, http, (tarn_http_request){.method = "GET"}, &answer, err));
    must_fail_with(TARN_LIMIT, "over 9 bytes",
                   ask(&s, http, (tarn_http_request){.method = "GET", .most = 9}, &answer, err));
    must(ask(&s, http, (tarn_http_request){.method = "GET", .most = 9}, &answer, err));
    assert_string_equal(answer.body, "012345678"); /* an error's text is cut */
    tarn_http_answer_clear(&answer);
    must_fail_with(TARN_FULL, "no room",
                   ask(&s, http, (tarn_http_request){.method = "GET", .give = refuse}, &answer, err));
    tarn_err why = {0};
    s.mute = true;
    time_t began = time(NULL);
    assert_int_equal(ask(&s, http, (tarn_http_request){.method = "GET"}, &answer, &why), TARN_IO);
    assert_non_null(strstr(why.msg, "does not answer"));
    assert_null(strstr(why.msg, "secret"));
    assert_true(time(NULL) - began < 10);
    server_stop(&s);
    must_fail_with(TARN_IO, "cannot reach", ask(&s, http, (tarn_http_request){.method = "GET"}, &answer, err));
    tarn_http_request odd = {.method = "GET", .url = "file:///etc/passwd"};
    must_fail_with(TARN_INVALID, "not a URL", tarn_http_ask(http, &odd, &answer, err));
    tarn_http_free(http);
}

typedef struct trying {
    int tries, good_at;
    bool again, stranger;
} trying;

static tarn_code try_once(void *arg, tarn_retry_hint *hint, tarn_err *err)
{
    trying *t = arg;

    if (++t->tries == t->good_at) return TARN_OK;
    hint->again = t->again;
    hint->stranger = t->stranger;
    return TARN_FAIL(err, TARN_IO, "away");
}

static void trying_again_ends(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 503 Busy\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 0\r\nConnection: "
        "close\r\n\r\n"};
    server s = {.mute = false};
    tarn_http *http = NULL;
    tarn_http_answer answer;
    trying t = {.good_at = 3, .again = true};
    tarn_retry few = {.tries = 4, .first_ms = 1}, short_one = {.first_ms = 1, .longest_ms = 5, .total_ms = 200};

    (void)state;
    must(tarn_retry_run(&few, try_once, &t, err));
    assert_int_equal(t.tries, 3);
    t = (trying){.again = true};
    must_fail_with(TARN_IO, "tried 4 times: away", tarn_retry_run(&few, try_once, &t, err));
    t = (trying){.again = false};
    must_fail_with(TARN_IO, "away", tarn_retry_run(&few, try_once, &t, err));
    assert_int_equal(t.tries, 1);
    t = (trying){.again = true};
    must_fail_with(TARN_IO, "times", tarn_retry_run(&short_one, try_once, &t, err));
    assert_true(t.tries > 8 && t.tries < 100000); /* time ends it, not a count */
    t = (trying){.again = true, .stranger = true};
    must_fail_with(TARN_IO, "tried 8 times", tarn_retry_run(&short_one, try_once, &t, err));
    assert_true(tarn_http_again(503) && tarn_http_again(429) && !tarn_http_again(404) && !tarn_http_again(200));
    server_start(&s, answers, 2);
    must(tarn_http_new(NULL, &http, err));
    must(ask(&s, http, (tarn_http_request){.method = "GET"}, &answer, err));
    assert_int_equal(tarn_http_retry_after_ms(&answer), 7000);
    tarn_http_answer_clear(&answer);
    must(ask(&s, http, (tarn_http_request){.method = "GET"}, &answer, err));
    assert_int_equal(tarn_http_retry_after_ms(&answer), 0);
    tarn_http_answer_clear(&answer);
    tarn_http_free(http);
    server_stop(&s);
}

TARN_TESTS(TARN_TEST(a_request_and_its_answer_are_whole), TARN_TEST(what_goes_wrong_is_said),
           TARN_TEST(trying_again_ends))
