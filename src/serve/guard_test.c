/* SPDX-License-Identifier: Apache-2.0 */
/* guard_test.c - the server's door over sockets: every route by every kind of asker, sessions, wrong passwords, what
 * stands in the audit log and in the figures afterwards. */
#include "serve/serve_sample.h"

#include "lake/access.h"
#include "serve/guard.h"
#include "serve/route.h"

#define RECORD "{\"month\": 7, \"carrier\": \"AA\", \"distance\": 2000}"

typedef struct house {
    tarn_lake *lake;
    tarn_server *server;
    int port;
} house;

static void add_user(tarn_lake *lake, const char *name, const char *role, const char *branch, const char *model)
{
    tarn_who local = tarn_who_local();
    tarn_grant g = {.deny = false};

    must(tarn_access_user_add(lake, &local, name, "long enough", 11, err));
    if (!role) return;
    (void)snprintf(g.user, sizeof g.user, "%s", name);
    (void)snprintf(g.what, sizeof g.what, "%s", role);
    (void)snprintf(g.branch, sizeof g.branch, "%s", branch);
    (void)snprintf(g.model, sizeof g.model, "%s", model);
    must(tarn_access_grant(lake, &local, &g, err));
}

static void open_house(house *h, const char *anonymous)
{
    tarn_json_setup();
    serve_sample_lake(&h->lake);
    must(serve_sample_register(h->lake, -1, err));
    tarn_server_options options = {.lake = h->lake, .threads = 2, .version = "0.1.0", .anonymous = anonymous};
    must(tarn_server_start(&options, &h->server, err));
    h->port = tarn_server_port(h->server);
}

static void close_house(house *h)
{
    must(tarn_server_stop(h->server, err));
    serve_sample_remove(h->lake);
}

static int status_of(const house *h, const char *method, const char *path, const char *headers, const char *body)
{
    reply r = {0};

    client_ask(h->port, method, path, headers, body, &r);
    int status = r.status;
    reply_clear(&r);
    return status;
}

/* {parts} of a pattern filled in. */
static void fill(const char *pattern, char out[256])
{
    size_t n = 0;

    for (const char *p = pattern; *p && n < 200; p++) {
        if (*p != '{') {
            out[n++] = *p;
            continue;
        }
        n += (size_t)sprintf(out + n, "%s", strncmp(p, "{model}", 7) == 0 ? "flights" : "1");
        p = strchr(p, '}');
    }
    out[n] = '\0';
}

/* What a route needs decides, and nothing else: asked without a credential at each level, and by users who may nothing,
 * read, or read another model only. */
static void every_route_asks_for_what_it_needs(void **state)
{
    static const char *const levels[] = {"none", "predict", "read"};
    static const char nothing[] = "Authorization: Basic em9lOmxvbmcgZW5vdWdo\r\n"; /* zoe:long enough */
    static const char reader[] = "Authorization: Basic YW5uOmxvbmcgZW5vdWdo\r\n";  /* ann:long enough */
    static const char other[] = "Authorization: Basic YmVuOmxvbmcgZW5vdWdo\r\n";   /* ben:long enough */

    (void)state;
    for (int level = 0; level < 3; level++) {
        house h;
        open_house(&h, levels[level]);
        add_user(h.lake, "zoe", NULL, "", "");
        add_user(h.lake, "ann", "reader", "", "");
        add_user(h.lake, "ben", "reader", "", "demand");
        for (int i = 0; i < tarn_route_count(); i++) {
            const tarn_route *r = tarn_route_at(i);
            const char *body = strcmp(r->method, "POST") == 0 ? "{}" : NULL;
            tarn_action action;
            char path[256];
            if (strcmp(r->name, "login") == 0) continue;
            assert_true(tarn_action_find(r->needs, &action));
            const tarn_action_info *info = tarn_action_at(action);
            bool open = info->least == TARN_ROLE_ANYBODY, model = info->on == TARN_ON_MODEL;
            fill(r->path, path);
            int got = status_of(&h, r->method, path, "", body);
            if ((got == 401) == (open || level == 2 || (level == 1 && model)))
                fail_msg("%s %s at %s: %d", r->method, path, levels[level], got);
            assert_int_equal(status_of(&h, r->method, path, nothing, body) == 403, !open);
            got = status_of(&h, r->method, path, reader, body);
            assert_true(got != 401 && got != 403);
            assert_int_equal(status_of(&h, r->method, path, other, body) == 403, !open);
        }
        close_house(&h);
    }
}

static void limited_rights_hold_over_http(void **state)
{
    house h;
    tarn_who local = tarn_who_local();
    char token[TARN_TOKEN_TEXT], header[200];
    tarn_credential what = {.user = "ann"};
    reply r = {0};

    (void)state;
    open_house(&h, "none");
    add_user(h.lake, "ann", "reader", "", "flights");
    must(tarn_access_token_new(h.lake, &local, &what, token, err));
    (void)snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", token);
    assert_int_equal(status_of(&h, "POST", "/serve/flights", header, RECORD), 200);
    assert_int_equal(status_of(&h, "POST", "/serve/flights@champion", header, RECORD), 200);
    assert_int_equal(status_of(&h, "POST", "/serve/other", header, RECORD), 403);
    assert_int_equal(status_of(&h, "GET", "/api/lake/log?ref=main", header, NULL), 403);
    client_ask(h.port, "POST", "/serve/flights", "", RECORD, &r);
    assert_int_equal(r.status, 401);
    assert_non_null(strstr(r.all.data, "WWW-Authenticate: Bearer realm=\"tarn\""));
    client_ask(h.port, "POST", "/serve/other", header, RECORD, &r);
    assert_non_null(strstr(r.body, "it needs the role reader, which `tarn grant ann reader --model other` gives"));
    token[13] = '\0';
    must(tarn_access_token_drop(h.lake, &local, token + 5, err));
    assert_int_equal(status_of(&h, "POST", "/serve/flights", header, RECORD), 401);
    assert_int_equal(status_of(&h, "GET", "/v2", header, NULL), 401); /* even where none is needed */
    assert_int_equal(status_of(&h, "GET", "/v2", "", NULL), 200);
    reply_clear(&r);
    close_house(&h);
}

static void a_body_is_not_read_for_strangers(void **state)
{
    house h;
    reply r = {0};

    (void)state;
    open_house(&h, "none");
    int fd = client_connect(h.port);
    client_ask_on(fd, "POST", "/serve/flights", "Expect: 100-continue\r\nContent-Length: 5000000\r\n", NULL, &r);
    assert_int_equal(r.status, 401); /* and not 100 */
    (void)close(fd);
    reply_clear(&r);
    close_house(&h);
}

static void the_page_has_a_session(void **state)
{
    static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";
    house h;
    reply r = {0};
    char cookie[200], header[400];
    tarn_who local = tarn_who_local();

    (void)state;
    open_house(&h, "none");
    add_user(h.lake, "ann", "reader", "", "");
    client_ask(h.port, "GET", "/", "", NULL, &r);
    assert_non_null(strstr(r.body, "<form method=\"post\" action=\"/login\">"));
    client_ask(h.port, "POST", "/login", form, "user=ann&password=wrong+one", &r);
    assert_int_equal(r.status, 401);
    assert_null(strstr(r.all.data, "Set-Cookie"));
    client_ask(h.port, "POST", "/login", form, "user=ann&password=long+enough", &r);
    assert_int_equal(r.status, 303);
    const char *at = strstr(r.all.data, "Set-Cookie: ");
    assert_non_null(at);
    assert_non_null(strstr(at, "HttpOnly; SameSite=Strict"));
    (void)snprintf(cookie, sizeof cookie, "%.*s", (int)strcspn(at + 12, ";"), at + 12);
    (void)snprintf(header, sizeof header, "Cookie: %s\r\n", cookie);
    assert_int_equal(status_of(&h, "GET", "/api/models", header, NULL), 200);
    client_ask(h.port, "GET", "/", header, NULL, &r);
    assert_null(strstr(r.body, "action=\"/login\""));
    /* what another site's form can send does nothing */
    assert_int_equal(status_of(&h, "POST", "/serve/flights", header, RECORD), 403);
    (void)snprintf(header, sizeof header, "Cookie: %s\r\nContent-Type: text/plain\r\n", cookie);
    assert_int_equal(status_of(&h, "POST", "/serve/flights", header, RECORD), 403);
    (void)snprintf(header, sizeof header,
                   "Cookie: %s\r\nContent-Type: application/json\r\nSec-Fetch-Site: cross-site\r\n", cookie);
    assert_int_equal(status_of(&h, "POST", "/serve/flights", header, RECORD), 403);
    (void)snprintf(header, sizeof header, "Cookie: %s\r\nContent-Type: application/json\r\n", cookie);
    assert_int_equal(status_of(&h, "POST", "/serve/flights", header, RECORD), 200);
    must(tarn_access_user_password(h.lake, &local, "ann", "another one", 11, err));
    assert_int_equal(status_of(&h, "GET", "/api/models", header, NULL), 401);
    client_ask(h.port, "POST", "/login", form, "user=ann&password=another+one", &r);
    at = strstr(r.all.data, "Set-Cookie: ");
    assert_non_null(at);
    (void)snprintf(header, sizeof header, "Cookie: %.*s\r\n", (int)strcspn(at + 12, ";"), at + 12);
    assert_int_equal(status_of(&h, "GET", "/api/models", header, NULL), 200);
    assert_int_equal(status_of(&h, "POST", "/logout", header, ""), 303);
    assert_int_equal(status_of(&h, "GET", "/api/models", header, NULL), 401);
    reply_clear(&r);
    close_house(&h);
}

static void wrong_passwords_make_their_address_wait(void **state)
{
    tarn_guard *g = NULL;
    char peer[40];

    (void)state;
    must(tarn_guard_new(&g, err));
    for (int i = 0; i < 4; i++) tarn_guard_wrong(g, "10.0.0.1", 100);
    assert_int_equal(tarn_guard_wait(g, "10.0.0.1", 100), 0);
    tarn_guard_wrong(g, "10.0.0.1", 100);
    assert_int_equal(tarn_guard_wait(g, "10.0.0.1", 100.5), 1);
    assert_int_equal(tarn_guard_wait(g, "10.0.0.1", 101.5), 0);
    for (int i = 0; i < 30; i++) tarn_guard_wrong(g, "10.0.0.1", 102);
    assert_in_range(tarn_guard_wait(g, "10.0.0.1", 102), 60, 61);
    assert_int_equal(tarn_guard_wait(g, "10.0.0.2", 102), 0);
    tarn_guard_wrong(g, "10.0.0.1", 102 + 1000); /* long forgotten */
    assert_int_equal(tarn_guard_wait(g, "10.0.0.1", 102 + 1000), 0);
    for (int i = 0; i < 30; i++) tarn_guard_wrong(g, "2001:db8:1:2::1", 100);
    assert_in_range(tarn_guard_wait(g, "2001:db8:1:2:ffff::9", 100), 60, 61); /* the same /64 */
    assert_int_equal(tarn_guard_wait(g, "2001:db8:1:3::1", 100), 0);
    for (int i = 0; i < 30; i++) tarn_guard_wrong(g, "::ffff:10.0.0.3", 100);
    assert_int_equal(tarn_guard_wait(g, "::ffff:10.0.0.4", 100), 0);
    tarn_guard_right(g, "2001:db8:1:2::1");
    assert_int_equal(tarn_guard_wait(g, "2001:db8:1:2::1", 100), 0);
    for (int i = 0; i < 2000; i++) { /* more than there are places */
        (void)snprintf(peer, sizeof peer, "10.1.%d.%d", i / 256, i % 256);
        tarn_guard_wrong(g, peer, 200 + i);
    }
    tarn_guard_free(g);
}

static tarn_code keep_records(void *arg, int64_t seq, const char *record, tarn_err *err)
{
    (void)seq, (void)err;
    tarn_text_add(arg, record);
    tarn_text_add(arg, "\n");
    return TARN_OK;
}

static void logins_and_denials_are_counted_and_recorded(void **state)
{
    house h;
    reply r = {0};
    tarn_text log = {0};

    (void)state;
    open_house(&h, "predict");
    add_user(h.lake, "ann", "predict", "", "");
    for (int i = 0; i < 7; i++)
        assert_int_equal(status_of(&h, "GET", "/api/models", "Authorization: Basic YW5uOndyb25n\r\n", NULL),
                         i < 5 ? 401 : 429);
    assert_int_equal(status_of(&h, "GET", "/api/runs", "X-Request-Id: my-7\r\n", NULL), 401);
    must(tarn_audit_flush(h.lake, false, err));
    must(tarn_audit_read(h.lake, 1, keep_records, &log, err));
    assert_non_null(strstr(log.data,
                           "\"who\":\"anonymous\",\"from\":\"127.0.0.1\",\"action\":\"login\",\"target\":\"ann\","
                           "\"result\":\"denied\""));
    assert_non_null(strstr(log.data,
                           "\"action\":\"lake.read\",\"target\":\"this lake\",\"result\":\"denied\",\"request\":"
                           "\"my-7\""));
    assert_null(strstr(log.data, "wrong")); /* the password, a word that no hash in hexadecimal can spell */
    tarn_text_clear(&log);
    close_house(&h);
    open_house(&h, NULL);
    assert_int_equal(status_of(&h, "GET", "/v2", "Authorization: Bearer x\r\n", NULL), 401);
    client_ask(h.port, "GET", "/metrics", "", NULL, &r);
    assert_non_null(strstr(r.body, "tarn_denied_total{reason=\"bad credential\"} 1"));
    assert_non_null(strstr(r.body, "tarn_denied_total{reason=\"too often\"} 0"));
    reply_clear(&r);
    close_house(&h);
}

static void others_are_not_served_before_there_is_a_user(void **state)
{
    tarn_lake *lake = NULL;
    tarn_server *server = NULL;
    tarn_server_options options = {.bind = "0.0.0.0", .threads = 1, .version = "0"};

    (void)state;
    tarn_json_setup();
    serve_sample_lake(&lake);
    options.lake = lake;
    must_fail_with(TARN_DENIED, "tarn user add", tarn_server_start(&options, &server, err));
    add_user(lake, "ann", NULL, "", "");
    must(tarn_server_start(&options, &server, err));
    house h = {.lake = lake, .server = server, .port = tarn_server_port(server)};
    assert_int_equal(status_of(&h, "GET", "/metrics", "", NULL), 401); /* nothing is open there by itself */
    assert_int_equal(status_of(&h, "GET", "/api/models", "", NULL), 401);
    assert_int_equal(status_of(&h, "GET", "/v2/health/live", "", NULL), 200);
    must(tarn_server_stop(server, err));
    options.open_metrics = true;
    must(tarn_server_start(&options, &server, err));
    h.port = tarn_server_port(server);
    assert_int_equal(status_of(&h, "GET", "/metrics", "", NULL), 200);
    assert_int_equal(status_of(&h, "GET", "/api/models", "", NULL), 401);
    must(tarn_server_stop(server, err));
    options.tls_cert = "/nowhere";
    must_fail_with(TARN_USAGE, "both", tarn_server_start(&options, &server, err));
    options.tls_key = "/nowhere";
    must_fail_with(TARN_NOT_FOUND, "/nowhere", tarn_server_start(&options, &server, err));
    options.anonymous = "write";
    must_fail_with(TARN_INVALID, "none, predict or read", tarn_server_start(&options, &server, err));
    serve_sample_remove(lake);
}

TARN_TESTS(TARN_TEST(every_route_asks_for_what_it_needs), TARN_TEST(limited_rights_hold_over_http),
           TARN_TEST(a_body_is_not_read_for_strangers), TARN_TEST(the_page_has_a_session),
           TARN_TEST(wrong_passwords_make_their_address_wait), TARN_TEST(logins_and_denials_are_counted_and_recorded),
           TARN_TEST(others_are_not_served_before_there_is_a_user))
