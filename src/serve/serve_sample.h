/* SPDX-License-Identifier: Apache-2.0 */
/* serve_sample.h - for tests: a scratch lake with a registered model, a client of plain sockets, a whole server. */
#ifndef TARN_SERVE_SAMPLE_H
#define TARN_SERVE_SAMPLE_H

#include "support/tarn_test.h"

#include "base/file.h"
#include "base/str.h"
#include "model/graph.h"
#include "model/payload.h"
#include "registry/registry.h"
#include "serve/serve.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* ---- a model ----
 *
 * probability of "late" = sigmoid(bias + 0.5 month + 1 (carrier is AA) - 0.001 distance), each missing value 0. Inputs:
 * month NUMBER, carrier CATEGORY {AA, AS, UA} required, distance NUMBER required, departs MOMENT (not used). */
static inline tarn_code serve_sample_model(double bias, tarn_model **out, tarn_err *err)
{
    static const char *const carriers[] = {"AA", "AS", "UA"}, *const classes[] = {"on time", "late"};
    static const double fill[] = {0, 0};
    static const tarn_onehot_data onehot = {.levels = 3, .missing_column = 1};
    static const uint32_t sums[] = {4, 5, 6};
    const double weights[] = {bias, 0.5, -0.001, 1};
    static const tarn_link_data link = {.link = TARN_LINK_SIGMOID};
    static const double importance[] = {1, 2, 4, 1};
    tarn_code rc = TARN_OK;
    tarn_graph *g = NULL;

    TARN_TRY(tarn_graph_new(&g, err));
    TARN_TRY(tarn_graph_input(g, "month", TARN_NUMBER, false, 1, 12, NULL, NULL, 0, NULL, err));
    TARN_TRY(tarn_graph_input(g, "carrier", TARN_CATEGORY, true, 0, 0, carriers, NULL, 3, NULL, err));
    TARN_TRY(tarn_graph_input(g, "distance", TARN_NUMBER, true, 95, 4243, NULL, NULL, 0, NULL, err));
    TARN_TRY(tarn_graph_input(g, "departs", TARN_MOMENT, false, 1388534400e6, 1420070399e6, NULL, NULL, 0, NULL, err));
    TARN_TRY(tarn_graph_node(g, "impute", (const uint32_t[]){0, 2}, 2, 2, NULL, fill, sizeof fill, NULL, err));
    TARN_TRY(tarn_graph_node(g, "onehot", (const uint32_t[]){1}, 1, 4, NULL, &onehot, sizeof onehot, NULL, err));
    TARN_TRY(tarn_graph_node(g, "linear", sums, 3, 1, NULL, weights, sizeof weights, NULL, err));
    TARN_TRY(tarn_graph_node(g, "link", (const uint32_t[]){10}, 1, 1, NULL, &link, sizeof link, NULL, err));
    TARN_TRY(tarn_graph_output(g, TARN_BINARY, "outcome", (const uint32_t[]){11}, 1, classes, 2, 0.5, err));
    TARN_TRY(tarn_graph_importance(g, importance, err));
    TARN_TRY(tarn_graph_finish(g, out, err));
done:
    tarn_graph_free(g);
    return rc;
}

/* Register it as the next version of flights, and let champion be that one. */
static inline tarn_code serve_sample_register(tarn_lake *lake, double bias, tarn_err *err)
{
    static const char report[] = "<!doctype html><title>Report</title><p>Fine.",
                      board[] = "{\"metric\":\"roc_auc\",\"winner\":\"a\",\"candidates\":[]}",
                      test[] =
                          "{\"task\":\"binary\",\"rows\":10,\"metrics\":{\"roc_auc\":0.75},\"roc\":{\"curves\":[]}}",
                      picture[] = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    tarn_code rc = TARN_OK;
    tarn_model *m = NULL;
    tarn_entry e[5] = {{.path = "model.tarn"},
                       {.path = "report.html"},
                       {.path = "train/leaderboard.json"},
                       {.path = "assess/test.json"},
                       {.path = "assess/roc.svg"}};
    tarn_version v = {0};
    size_t len;

    TARN_TRY(serve_sample_model(bias, &m, err));
    const void *bytes = tarn_model_bytes(m, &len);
    TARN_TRY(tarn_lake_put(lake, bytes, len, &e[0].object, err));
    TARN_TRY(tarn_lake_put(lake, report, sizeof report - 1, &e[1].object, err));
    TARN_TRY(tarn_lake_put(lake, board, sizeof board - 1, &e[2].object, err));
    TARN_TRY(tarn_lake_put(lake, test, sizeof test - 1, &e[3].object, err));
    TARN_TRY(tarn_lake_put(lake, picture, sizeof picture - 1, &e[4].object, err));
    TARN_TRY(tarn_registry_add(lake, "flights", e, 5, NULL, NULL, "tester", "made by hand", &v, err));
    TARN_TRY(tarn_registry_alias(lake, "flights", "champion", v.number, "tester", "newest", err));
done:
    tarn_version_clear(&v);
    tarn_model_free(m);
    return rc;
}

static inline double serve_sample_probability(double bias, double month, int is_aa, double distance)
{
    return 1 / (1 + exp(-(bias + 0.5 * month - 0.001 * distance + is_aa)));
}

/* ---- a folder with a lake ---- */

static char serve_sample_folder[] = "/tmp/tarn-serve-XXXXXX";

static inline void serve_sample_lake(tarn_lake **lake)
{
    (void)strcpy(serve_sample_folder + sizeof serve_sample_folder - 7, "XXXXXX");
    assert_non_null(mkdtemp(serve_sample_folder));
    must(tarn_lake_init(serve_sample_folder, err));
    must(tarn_lake_open(serve_sample_folder, lake, err));
}

static inline void serve_sample_remove(tarn_lake *lake)
{
    tarn_lake_close(lake);
    must(tarn_dir_remove(serve_sample_folder, err));
}

/* ---- a client ---- */

typedef struct reply {
    int status;
    tarn_text all;    /* head and body */
    const char *body; /* in all */
} reply;

static inline int client_connect(int port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 30};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
    (void)close(fd);
    return -1;
}

/* False if the connection ended before all was sent. */
static inline bool client_send(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0) return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static inline void reply_clear(reply *r)
{
    tarn_text_clear(&r->all);
    *r = (reply){0};
}

/* One whole reply; status 0 if the connection ended before it. head_only: to HEAD, which has no body. */
static inline void client_receive(int fd, bool head_only, reply *r)
{
    char piece[65536];
    const char *end = NULL, *length;
    size_t want = 0;

    reply_clear(r);
    for (;;) {
        end = r->all.data ? strstr(r->all.data, "\r\n\r\n") : NULL;
        if (end && want == 0) {
            length = strstr(r->all.data, "Content-Length: ");
            want = (size_t)(end - r->all.data) + 4 + (length && !head_only ? strtoul(length + 16, NULL, 10) : 0);
        }
        if (end && r->all.len >= want) break;
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0) return;
        tarn_text_addn(&r->all, piece, (size_t)n);
    }
    r->status = atoi(r->all.data + 9);
    r->body = strstr(r->all.data, "\r\n\r\n") + 4;
}

static inline void client_ask_on(int fd, const char *method, const char *path, const char *headers, const char *body,
                                 reply *r)
{
    tarn_text t = {0};

    tarn_text_addf(&t, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", method, path, headers);
    if (body) tarn_text_addf(&t, "Content-Length: %zu\r\n", strlen(body));
    tarn_text_add(&t, "\r\n");
    if (body) tarn_text_add(&t, body);
    if (client_send(fd, t.data, t.len)) client_receive(fd, strcmp(method, "HEAD") == 0, r);
    else reply_clear(r);
    tarn_text_clear(&t);
}

static inline void client_ask(int port, const char *method, const char *path, const char *headers, const char *body,
                              reply *r)
{
    int fd = client_connect(port);

    reply_clear(r);
    if (fd < 0) return;
    client_ask_on(fd, method, path, headers, body, r);
    (void)close(fd);
}

/* The body as JSON; decref. */
static inline json_t *reply_json(const reply *r)
{
    json_t *value = NULL;
    must(tarn_json_read(r->body, strlen(r->body), "reply", &value, err));
    return value;
}

#endif
