/* SPDX-License-Identifier: Apache-2.0 */
/* server_test.c - a whole server in this process, asked over sockets. */
#include "serve/serve_sample.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#define RECORD "{\"month\": 7, \"carrier\": \"AA\", \"distance\": 2000, \"departs\": \"2014-07-01T08:30:00Z\"}"

typedef struct house {
    tarn_lake *lake;
    tarn_server *server;
    int port;
} house;

static tarn_code say_project(void *arg, json_t **out, tarn_err *err)
{
    (void)arg;
    *out = json_pack("{s:s, s:[]}", "project", "flights", "steps");
    return *out ? TARN_OK : TARN_FAIL(err, TARN_NOMEM, "no memory");
}

static tarn_code say_why(void *arg, const char *id, json_t **out, tarn_err *err)
{
    return tarn_prediction_find(arg, id, out, err);
}

static void start(house *h, int timeout_s)
{
    tarn_server_options options = {.lake = h->lake,
                                   .threads = 2,
                                   .timeout_s = timeout_s,
                                   .version = "0.1.0",
                                   .code = "abc",
                                   .view = {.arg = h->lake, .project = say_project, .why = say_why}};
    must(tarn_server_start(&options, &h->server, err));
    h->port = tarn_server_port(h->server);
}

static void open_house(house *h, int timeout_s)
{
    tarn_json_setup();
    serve_sample_lake(&h->lake);
    must(serve_sample_register(h->lake, -1, err));
    start(h, timeout_s);
}

static void close_house(house *h)
{
    must(tarn_server_stop(h->server, err));
    serve_sample_remove(h->lake);
}

static const json_t *prediction(const json_t *got, size_t i)
{
    return json_array_get(json_object_get(got, "predictions"), i);
}
static double number_in(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void near(double a, double b) { assert_true(fabs(a - b) <= 1e-12 * (1 + fabs(b))); }

static void predicts_and_logs_a_record(void **state)
{
    house h = {0};
    reply r = {0};
    json_t *found = NULL;
    char id[64], path[100];

    (void)state;
    open_house(&h, 0);
    client_ask(h.port, "POST", "/serve/flights", "", RECORD, &r);
    assert_int_equal(r.status, 200);
    json_t *got = reply_json(&r);
    assert_string_equal(tarn_json_text(got, "model", ""), "flights");
    assert_string_equal(tarn_json_text(got, "positive", ""), "late");
    near(number_in(prediction(got, 0), "probability"), serve_sample_probability(-1, 7, 1, 2000));
    assert_string_equal(tarn_json_text(prediction(got, 0), "label", ""), "late");
    (void)snprintf(id, sizeof id, "%s", tarn_json_text(prediction(got, 0), "id", ""));
    (void)snprintf(path, sizeof path, "/api/why/%s", id);
    json_decref(got);
    client_ask(h.port, "GET", path, "", NULL, &r); /* still in the segment */
    assert_int_equal(r.status, 200);
    got = reply_json(&r);
    assert_string_equal(tarn_json_text(json_object_get(got, "inputs"), "carrier", ""), "AA");
    assert_true(json_is_null(json_object_get(got, "commit")));
    json_decref(got);
    reply_clear(&r);
    must(tarn_server_stop(h.server, err));
    must(tarn_prediction_find(h.lake, id, &found, err)); /* committed by the stop */
    assert_true(json_is_string(json_object_get(found, "commit")));
    near(number_in(json_object_get(found, "outputs"), "probability"), serve_sample_probability(-1, 7, 1, 2000));
    near(number_in(json_object_get(found, "inputs"), "distance"), 2000);
    assert_string_equal(tarn_json_text(json_object_get(found, "inputs"), "departs", ""), "2014-07-01T08:30:00Z");
    json_decref(found);
    serve_sample_remove(h.lake);
}

static void speaks_the_open_inference_protocol(void **state)
{
    static const char body[] = "{\"id\":\"42\",\"inputs\":[{\"data\":[[\"AA\"],[\"UA\"]],\"name\":\"carrier\","
                               "\"shape\":[2,1],\"datatype\":\"BYTES\"},"
                               "{\"name\":\"distance\",\"shape\":[2],\"datatype\":\"INT64\",\"data\":[2000,100]},"
                               "{\"name\":\"month\",\"shape\":[2],\"datatype\":\"FP64\",\"data\":[7,null]}]}";
    house h = {0};
    reply r = {0};

    (void)state;
    open_house(&h, 0);
    client_ask(h.port, "POST", "/v2/models/flights/infer", "", body, &r);
    if (r.status != 200) fail_msg("%s", r.body);
    json_t *got = reply_json(&r);
    assert_string_equal(tarn_json_text(got, "id", ""), "42");
    assert_string_equal(tarn_json_text(got, "model_version", ""), "1");
    const json_t *probability = json_array_get(json_object_get(got, "outputs"), 0),
                 *label = json_array_get(json_object_get(got, "outputs"), 1);
    near(json_number_value(json_array_get(json_object_get(probability, "data"), 0)),
         serve_sample_probability(-1, 7, 1, 2000));
    near(json_number_value(json_array_get(json_object_get(probability, "data"), 1)),
         serve_sample_probability(-1, 0, 0, 100));
    assert_string_equal(json_string_value(json_array_get(json_object_get(label, "data"), 0)), "late");
    assert_string_equal(json_string_value(json_array_get(json_object_get(label, "data"), 1)), "on time");
    assert_non_null(strchr(tarn_json_text(json_object_get(got, "parameters"), "prediction_ids", ""), ','));
    json_decref(got);
    client_ask(h.port, "POST", "/v2/models/flights/versions/9/infer", "", body, &r);
    assert_int_equal(r.status, 404);
    got = reply_json(&r);
    assert_int_equal(json_object_size(got), 1);
    json_decref(got);
    reply_clear(&r);
    close_house(&h);
}

static void refuses_what_is_wrong_and_says_what(void **state)
{
    static const struct {
        const char *method, *path, *headers, *body;
        int status;
        const char *says;
    } cases[] = {
        {"POST", "/serve/flights", "", "", 400, "empty"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\"}", 400, "field 'distance' is missing"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\",\"distanc\":1}", 400, "did you mean 'distance'"},
        {"POST", "/serve/flights", "",
         "[{\"carrier\":\"AA\",\"distance\":1},{\"carrier\":\"AA\",\"distance\":\"far\"}]", 400,
         "record 1, field 'distance'"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\",\"distance\":NaN}", 400, "NaN, which JSON does not have"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\",\"distance\":\"NaN\"}", 400, "expected a finite number"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\",\"distance\":-Infinity}", 400, "-Infinity"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\",\"distance\":1e999}", 400, "too large"},
        {"POST", "/serve/flights", "", "{\"carrier\":null,\"distance\":1}", 400, "must be given"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\",\"distance\":1,\"departs\":\"soon\"}", 400,
         "expected a time"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\",\"distance\":1", 400, "'}'"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\",\"distance\":1}}", 400, "nothing more"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"AA\",\"carrier\":\"AA\",\"distance\":1}", 400, "twice"},
        {"POST", "/serve/flights", "", "{\"carrier\":\"\xff\",\"distance\":1}", 400, "UTF-8"},
        {"POST", "/serve/nothing", "", RECORD, 404, "nothing"},
        {"POST", "/serve/..%2f..%2fetc", "", RECORD, 404, ""},
        {"POST", "/v2/models/flights/infer", "", "{}", 400, "no inputs"},
        {"POST", "/v2/models/flights/infer", "",
         "{\"inputs\":[{\"name\":\"distance\",\"shape\":[2],\"datatype\":\"INT8\",\"data\":[1,300]}]}", 400,
         "input 'distance', element 1"},
        {"POST", "/v2/models/flights/infer", "",
         "{\"inputs\":[{\"name\":\"distance\",\"shape\":[2],\"datatype\":\"FP64\",\"data\":[1]}]}", 400,
         "has 1 values, its shape says 2"},
        {"POST", "/v2/models/flights/infer", "",
         "{\"inputs\":[{\"name\":\"distance\",\"shape\":[1],\"datatype\":\"BYTES\",\"data\":[\"x\"]}]}", 400,
         "expected datatype FP64"},
        {"POST", "/v2/models/flights/infer", "Inference-Header-Content-Length: 3\r\n", "{}", 400, "binary"},
        {"GET", "/serve/flights", "", NULL, 405, "use POST"},
        {"DELETE", "/v2", "", NULL, 405, "use GET"},
        {"BREW", "/v2", "", NULL, 405, "use GET"},
        {"GET", "/nowhere", "", NULL, 404, "openapi"},
        {"GET", "/../../etc/passwd", "", NULL, 404, ""},
        {"GET", "/api/models/flights/1/file/..%2f..%2fmeta.db", "", NULL, 404, "no file"},
        {"GET", "/api/models/flights/1/file/nothing.svg", "", NULL, 404, "no file"},
        {"GET", "/api/models/flights/x", "", NULL, 404, "version"},
        {"GET", "/api/runs", "", NULL, 404, "project"},
        {"GET", "/api/why/p-nonsense", "", NULL, 400, "not the id"},
        {"GET", "/api/lake/log?ref=nowhere", "", NULL, 404, "nowhere"},
        {"GET", "/v2", "Host: evil.example\r\n", NULL, 403, ""},
        {"POST", "/serve/flights", "Sec-Fetch-Site: cross-site\r\n", RECORD, 403, "another site"},
    };
    house h = {0};
    reply r = {0};

    (void)state;
    open_house(&h, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strncmp(cases[i].headers, "Host", 4) == 0) { /* a client of its own, since the usual one names localhost */
            int fd = client_connect(h.port);
            static const char ask[] = "GET /v2 HTTP/1.1\r\nHost: evil.example\r\n\r\n";
            assert_true(client_send(fd, ask, sizeof ask - 1));
            client_receive(fd, false, &r);
            (void)close(fd);
        } else {
            client_ask(h.port, cases[i].method, cases[i].path, cases[i].headers, cases[i].body, &r);
        }
        if (r.status != cases[i].status || !strstr(r.body, cases[i].says))
            fail_msg("%s %s %s: wanted %d with '%s', got %d: %s", cases[i].method, cases[i].path,
                     cases[i].body ? cases[i].body : "", cases[i].status, cases[i].says, r.status,
                     r.body ? r.body : "");
        json_decref(reply_json(&r)); /* every error is JSON */
        assert_non_null(strstr(r.all.data, "X-Content-Type-Options: nosniff"));
        assert_non_null(strstr(r.all.data, "X-Request-Id: "));
    }
    client_ask(h.port, "POST", "/serve/flights", "", RECORD, &r);
    assert_int_equal(r.status, 200);
    reply_clear(&r);
    close_house(&h);
}

static void answers_every_get(void **state)
{
    static const char *const paths[] = {"/v2",
                                        "/v2/",
                                        "/v2/health/live",
                                        "/v2/health/ready",
                                        "/v2/models",
                                        "/v2/models/flights",
                                        "/v2/models/flights/versions/1",
                                        "/v2/models/flights/ready",
                                        "/v2/models/flights/versions/1/ready",
                                        "/v2/models/flights@champion",
                                        "/serve/flights/schema",
                                        "/openapi.json",
                                        "/api/project",
                                        "/api/models",
                                        "/api/models/flights/1",
                                        "/api/lake/log?ref=models/flights/versions&most=1"};
    house h = {0};
    reply r = {0};

    (void)state;
    open_house(&h, 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        client_ask(h.port, "GET", paths[i], "", NULL, &r);
        if (r.status != 200) fail_msg("%s: %d %s", paths[i], r.status, r.body);
        json_decref(reply_json(&r));
    }
    client_ask(h.port, "GET", "/api/models/flights/1/file/report.html", "", NULL, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.all.data, "Content-Security-Policy: sandbox;"));
    assert_non_null(strstr(r.body, "Fine."));
    client_ask(h.port, "HEAD", "/api/models/flights/1/file/assess/roc.svg", "", NULL, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.all.data, "image/svg+xml"));
    assert_string_equal(r.body, "");
    client_ask(h.port, "GET", "/metrics", "", NULL, &r);
    assert_non_null(strstr(r.body, "tarn_http_requests_total{route=\"/v2\",method=\"GET\",code=\"200\"} 2\n"));
    assert_non_null(strstr(r.body, "process_resident_memory_bytes "));
    client_ask(h.port, "GET", "/metrics", "Accept: application/openmetrics-text\r\n", NULL, &r);
    assert_string_equal(r.body + strlen(r.body) - 6, "# EOF\n");
    reply_clear(&r);
    close_house(&h);
}

static void nap(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- hostile clients ---- */

/* 100 MB of garbage, with and without saying so beforehand: refused with a reason, and never held. */
static void throws_away_what_is_too_long(void **state)
{
    enum { PIECE = 1 << 20, PIECES = 100 };
    static char garbage[PIECE];
    house h = {0};
    reply r = {0};
    char head[200];

    (void)state;
    open_house(&h, 0);
    int64_t before = tarn_mem_live();
    memset(garbage, '[', sizeof garbage);
    for (int chunked = 0; chunked < 2; chunked++) {
        int fd = client_connect(h.port), sent = 0;
        (void)snprintf(head, sizeof head, "POST /serve/flights HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                       chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 104857600\r\n");
        assert_true(client_send(fd, head, strlen(head)));
        for (; sent < PIECES; sent++) {
            if (chunked && !client_send(fd, "100000\r\n", 8)) break;
            if (!client_send(fd, garbage, PIECE)) break;
            if (chunked && !client_send(fd, "\r\n", 2)) break;
        }
        if (chunked) (void)client_send(fd, "0\r\n\r\n", 5);
        client_receive(fd, false, &r);
        assert_int_equal(r.status, 413);
        assert_non_null(strstr(r.body, "larger than 16.8 MB"));
        (void)close(fd);
    }
    reply_clear(&r);
    int fd = client_connect(h.port); /* who asks first is told at once */
    (void)snprintf(
        head, sizeof head,
        "POST /serve/flights HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 104857600\r\n\r\n");
    assert_true(client_send(fd, head, strlen(head)));
    client_receive(fd, false, &r);
    assert_int_equal(r.status, 413);
    (void)close(fd);
    reply_clear(&r);
    client_ask(h.port, "GET", "/v2/health/live", "", NULL, &r);
    assert_int_equal(r.status, 200);
    reply_clear(&r);
    for (int i = 0; i < 500 && tarn_mem_live() > before + 20; i++) nap(20); /* threads that end give theirs back */
    assert_true(tarn_mem_live() <= before + 20);
    close_house(&h);
}

/* Bytes that come one by one do not hold a connection for ever, neither in the head nor in the body. */
static void shuts_the_door_on_slow_clients(void **state)
{
    static const char *const heads[] = {
        "GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\nX: ",
        "POST /serve/flights HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"};
    house h = {0};
    reply r = {0};
    char byte;

    (void)state;
    open_house(&h, 1);
    for (size_t i = 0; i < 2; i++) {
        int fd = client_connect(h.port), turns = 0;
        assert_true(client_send(fd, heads[i], strlen(heads[i])));
        for (; turns < 60; turns++) {
            if (!client_send(fd, "a", 1) || recv(fd, &byte, 1, MSG_DONTWAIT) == 0) break;
            nap(100);
        }
        assert_in_range(turns, 5, 50);
        (void)close(fd);
    }
    client_ask(h.port, "GET", "/v2/health/live", "", NULL, &r);
    assert_int_equal(r.status, 200);
    reply_clear(&r);
    close_house(&h);
}

static void lives_through_broken_http(void **state)
{
    static const char *const lines[] = {
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /serve/flights HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        "POST /serve/flights HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST /serve/flights HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /v2 HTTP/1.1\r\n\r\n",
        "GET /%00%ff/../%2e%2e HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /v2 HTTP/1.1\r\nHost: localhost:80:80\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"};
    house h = {0};
    reply r = {0};

    (void)state;
    open_house(&h, 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int fd = client_connect(h.port);
        assert_true(client_send(fd, lines[i], strlen(lines[i])));
        (void)shutdown(fd, SHUT_WR);
        client_receive(fd, false, &r);
        if (r.status != 0) assert_in_range(r.status, 400, 505);
        (void)close(fd);
    }
    client_ask(h.port, "GET", "/v2/health/live", "", NULL, &r);
    assert_int_equal(r.status, 200);
    reply_clear(&r);
    close_house(&h);
}

/* ---- many at once ---- */

enum { CLIENTS = 4, ASKS = 150 };

typedef struct crowd {
    int port;
    _Atomic int versions[8];
    _Atomic int wrong;
    _Atomic bool go_on;
    char ids[CLIENTS][ASKS][64];
} crowd;

typedef struct one_client {
    crowd *c;
    int number;
} one_client;

static void *ask_and_ask(void *arg)
{
    const one_client *me = arg;
    crowd *c = me->c;
    reply r = {0};
    int fd = client_connect(c->port);

    for (int i = 0; fd >= 0 && (i < ASKS || atomic_load(&c->go_on)); i++) {
        client_ask_on(fd, "POST", "/serve/flights", "", RECORD, &r);
        const char *version = r.status == 200 ? strstr(r.body, "\"version\":") : NULL,
                   *id = r.status == 200 ? strstr(r.body, "\"id\":\"") : NULL;
        if (!version || !id) {
            (void)atomic_fetch_add(&c->wrong, 1);
            break;
        }
        (void)atomic_fetch_add(&c->versions[atoi(version + 10) & 7], 1);
        if (i < ASKS) (void)snprintf(c->ids[me->number][i], 64, "%.*s", (int)strcspn(id + 6, "\""), id + 6);
    }
    if (fd >= 0) (void)close(fd);
    reply_clear(&r);
    return NULL;
}

/* The champion changes four times while clients ask all the time: every answer comes, and the last version answers in
 * the end; afterwards every id is found, and no two are alike. */
static void swaps_models_under_load_without_losing_a_request(void **state)
{
    house h = {0};
    pthread_t threads[CLIENTS];
    one_client me[CLIENTS];
    crowd *c = calloc(1, sizeof *c);
    reply r = {0};

    (void)state;
    assert_non_null(c);
    open_house(&h, 0);
    c->port = h.port;
    atomic_store(&c->go_on, true);
    for (int i = 0; i < CLIENTS; i++) {
        me[i] = (one_client){c, i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_and_ask, &me[i]), 0);
    }
    for (int v = 2; v <= 5; v++) {
        must(serve_sample_register(h.lake, -v, err));
        nap(150);
    }
    for (int i = 0; i < 1000 && !(r.body && strstr(r.body, "\"version\":5"));
         i++) { /* a busy machine is slow to load it */
        client_ask(h.port, "POST", "/serve/flights", "", RECORD, &r);
        nap(10);
    }
    assert_non_null(strstr(r.body, "\"version\":5"));
    atomic_store(&c->go_on, false);
    for (int i = 0; i < CLIENTS; i++) (void)pthread_join(threads[i], NULL);
    reply_clear(&r);
    assert_int_equal(c->wrong, 0);
    assert_true(c->versions[5] > 0);
    must(tarn_server_stop(h.server, err));
    for (int k = 0; k < CLIENTS * ASKS; k += 7) {
        json_t *found = NULL;
        const char *id = c->ids[k / ASKS][k % ASKS];
        must(tarn_prediction_find(h.lake, id, &found, err));
        assert_string_equal(tarn_json_text(found, "id", ""), id);
        assert_true(json_is_string(json_object_get(found, "commit")));
        json_decref(found);
        for (int j = 0; j < k; j++) assert_string_not_equal(id, c->ids[j / ASKS][j % ASKS]);
    }
    free(c);
    serve_sample_remove(h.lake);
}

/* Requests that are under way when the server stops are answered. */
static void stops_behind_the_last_reply(void **state)
{
    house h = {0};
    reply r = {0};

    (void)state;
    open_house(&h, 0);
    int fd = client_connect(h.port);
    static const char head[] = "POST /serve/flights HTTP/1.1\r\nHost: localhost\r\nContent-Length: 82\r\n\r\n{";
    assert_int_equal(strlen(RECORD), 82);
    assert_true(client_send(fd, head, sizeof head - 1));
    nap(100);
    pid_t helper = fork(); /* sends the rest while the stop waits; has no part in the server */
    if (helper == 0) {
        nap(300);
        _exit(client_send(fd, &RECORD[1], 81) ? 0 : 1);
    }
    must(tarn_server_stop(h.server, err));
    client_receive(fd, false, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.all.data, "Connection: close"));
    (void)close(fd);
    (void)waitpid(helper, NULL, 0);
    reply_clear(&r);
    assert_int_equal(client_connect(h.port), -1);
    serve_sample_remove(h.lake);
}

/* ---- kill -9 ---- */

static void serve_until_killed(int port_pipe)
{
    house h = {0};
    tarn_err err = {0};
    tarn_server_options options = {.threads = 2};

    if (tarn_lake_open(serve_sample_folder, &options.lake, &err) != TARN_OK ||
        tarn_server_start(&options, &h.server, &err) != TARN_OK)
        _exit(1);
    int port = tarn_server_port(h.server);
    if (write(port_pipe, &port, sizeof port) != sizeof port) _exit(1);
    for (;;) (void)pause();
}

/* A server is killed while clients ask. All that was acknowledged a moment before is there after the next start, whole,
 * once. */
static void loses_nothing_to_kill_9(void **state)
{
    house h = {0};
    int pipes[2], port = 0, status, asked = 0;
    static char ids[2000][64];
    reply r = {0};

    (void)state;
    tarn_json_setup();
    serve_sample_lake(&h.lake);
    must(serve_sample_register(h.lake, -1, err));
    tarn_lake_close(h.lake);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) serve_until_killed(pipes[1]);
        assert_int_equal(read(pipes[0], &port, sizeof port), sizeof port);
        int fd = client_connect(port);
        for (int i = 0; i < 200 + 50 * round; i++) {
            client_ask_on(fd, "POST", "/serve/flights", "", RECORD, &r);
            assert_int_equal(r.status, 200);
            const char *id = strstr(r.body, "\"id\":\"") + 6;
            (void)snprintf(ids[asked++], 64, "%.*s", (int)strcspn(id, "\""), id);
        }
        if (round > 0) nap(20); /* written is enough against a kill; the first time not even that is waited for */
        assert_int_equal(kill(child, SIGKILL), 0);
        (void)waitpid(child, &status, 0);
        (void)close(fd);
        (void)close(pipes[0]);
        (void)close(pipes[1]);
        if (round == 0) asked = 0;
    }
    reply_clear(&r);
    must(tarn_lake_open(serve_sample_folder, &h.lake, err));
    start(&h, 0); /* takes up what the killed left */
    for (int i = 0; i < asked; i++) {
        json_t *found = NULL;
        must(tarn_prediction_find(h.lake, ids[i], &found, err));
        assert_true(json_is_string(json_object_get(found, "commit")));
        json_decref(found);
    }
    close_house(&h);
}

TARN_TESTS(TARN_TEST(predicts_and_logs_a_record), TARN_TEST(speaks_the_open_inference_protocol),
           TARN_TEST(refuses_what_is_wrong_and_says_what), TARN_TEST(answers_every_get),
           TARN_TEST(throws_away_what_is_too_long), TARN_TEST(shuts_the_door_on_slow_clients),
           TARN_TEST(lives_through_broken_http), TARN_TEST(swaps_models_under_load_without_losing_a_request),
           TARN_TEST(stops_behind_the_last_reply), TARN_TEST(loses_nothing_to_kill_9))
