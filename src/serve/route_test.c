/* SPDX-License-Identifier: Apache-2.0 */
/* route_test.c - the table of routes: told in full, found by path, described as OpenAPI. */
#include "support/tarn_test.h"

#include "serve/metrics.h"
#include "serve/route.h"

static const char *found(tarn_call *call, const char *method, const char *path)
{
    *call = (tarn_call){.method = method, .path = path};
    return tarn_route_find(call, method, path, NULL) == TARN_OK ? tarn_route_at(call->route)->name : "";
}

static void finds_routes_and_their_values(void **state)
{
    static const struct {
        const char *method, *path, *name, *values[TARN_ROUTE_VALUES];
    } cases[] = {
        {"GET", "/", "page", {"", "", ""}},
        {"HEAD", "/", "page", {"", "", ""}},
        {"GET", "/v2", "server", {"", "", ""}},
        {"GET", "/v2/", "server", {"", "", ""}},
        {"GET", "/v2/models", "models", {"", "", ""}},
        {"GET", "/v2/models/a", "model", {"a", "", ""}},
        {"GET", "/v2/models/a/", "model", {"a", "", ""}},
        {"GET", "/v2/models/a/versions/3", "model", {"a", "3", ""}},
        {"GET", "/v2/models/a/ready", "model_ready", {"a", "", ""}},
        {"POST", "/v2/models/a/versions/3/infer", "infer", {"a", "3", ""}},
        {"POST", "/serve/a@b", "serve", {"a@b", "", ""}},
        {"GET", "/serve/a/schema", "schema", {"a", "", ""}},
        {"GET", "/api/models/a/3", "card", {"a", "3", ""}},
        {"GET", "/api/models/a/3/file/assess/roc.svg", "file", {"a", "3", "assess/roc.svg"}},
        {"GET", "/api/models/a/3/file/..//x/", "file", {"a", "3", "..//x"}},
        {"GET", "/assets/page.js", "asset", {"page.js", "", ""}},
        {"GET", "/assets/a/b", "", {"", "", ""}},
        {"GET", "/serve/a", "", {"", "", ""}},
        {"POST", "/v2", "", {"", "", ""}},
        {"GET", "//", "", {"", "", ""}},
        {"GET", "", "", {"", "", ""}},
        {"GET", "v2", "", {"", "", ""}},
        {"GET", "/v2x", "", {"", "", ""}},
        {"POST", "/serve//", "", {"", "", ""}},
    };
    tarn_call call;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(found(&call, cases[i].method, cases[i].path), cases[i].name) != 0)
            fail_msg("%s %s: %s", cases[i].method, cases[i].path, found(&call, cases[i].method, cases[i].path));
        for (int v = 0; v < TARN_ROUTE_VALUES && *cases[i].name; v++)
            assert_string_equal(call.value[v], cases[i].values[v]);
    }
    assert_string_equal(found(&call, "GET", "/serve/a"), "");
    assert_string_equal(call.allow, "POST");
}

static void long_paths_are_no_routes(void **state)
{
    static char path[100000];
    tarn_call call;

    (void)state;
    memset(path, 'a', sizeof path - 1);
    memcpy(path, "/serve/", 7);
    for (size_t len = 2000; len < 2100; len++) {
        char cut = path[len];
        path[len] = '\0';
        (void)found(&call, "POST", path);
        path[len] = cut;
    }
    assert_string_equal(found(&call, "POST", path), "");
}

static void every_route_says_what_it_is(void **state)
{
    (void)state;
    tarn_action action = TARN_ACT_COUNT;

    assert_in_range(tarn_route_count(), 15, TARN_METRIC_ROUTES - 1);
    for (int i = 0; i < tarn_route_count(); i++) {
        const tarn_route *r = tarn_route_at(i);
        assert_true(r->name && r->title && r->group && r->answer && r->path[0] == '/');
        assert_true(strcmp(r->method, "GET") == 0 || strcmp(r->method, "POST") == 0);
        bool form = strcmp(r->name, "login") == 0 || strcmp(r->name, "logout") == 0; /* what browsers send */
        assert_true((strcmp(r->method, "POST") == 0 && !form) == (r->takes != NULL));
        assert_true(r->needs && tarn_action_find(r->needs, &action)); /* nobody is let in unasked */
        assert_true(strcmp(r->method, "GET") == 0 || form || strcmp(r->needs, "always") != 0);
        assert_true(tarn_action_at(action)->on != TARN_ON_MODEL || !strchr(r->path, '{') ||
                    strncmp(strchr(r->path, '{'), "{model}", 7) == 0); /* value[0] */
        assert_true(r->title[strlen(r->title) - 1] != '.');
        for (int j = 0; j < i; j++)
            assert_false(strcmp(tarn_route_at(j)->path, r->path) == 0 &&
                         strcmp(tarn_route_at(j)->method, r->method) == 0);
    }
}

/* The rules of OpenAPI 3.0.3 that a table could break: every {part} of a path is declared once, ids are unique,
 * references lead somewhere, every operation has replies with a schema. */
static void the_description_is_openapi(void **state)
{
    json_t *doc = NULL, *item, *op, *parameter;
    const char *path, *method;
    size_t n_ops = 0, i;

    (void)state;
    tarn_json_setup();
    must(tarn_routes_openapi("0.1.0", &doc, err));
    assert_string_equal(tarn_json_text(doc, "openapi", ""), "3.0.3");
    json_t *ids = json_object();
    json_object_foreach(json_object_get(doc, "paths"), path, item)
    {
        json_object_foreach(item, method, op)
        {
            size_t declared = 0, parts = 0;
            n_ops++;
            assert_int_equal(json_object_set_new(ids, tarn_json_text(op, "operationId", ""), json_true()), 0);
            assert_non_null(json_object_get(json_object_get(op, "responses"), "200"));
            json_array_foreach(json_object_get(op, "parameters"), i, parameter)
            {
                char part[100];
                if (strcmp(tarn_json_text(parameter, "in", ""), "path") != 0) continue;
                declared++;
                (void)snprintf(part, sizeof part, "{%s}", tarn_json_text(parameter, "name", ""));
                assert_non_null(strstr(path, part));
                assert_true(tarn_json_text(parameter, "description", "")[0] != '\0');
            }
            for (const char *p = path; (p = strchr(p, '{')) != NULL; p++) parts++;
            assert_int_equal(declared, parts);
            assert_null(strchr(path, '+'));
        }
    }
    assert_int_equal(json_object_size(ids), n_ops);
    assert_true((int)n_ops >= tarn_route_count());
    assert_non_null(json_object_get(json_object_get(json_object_get(doc, "components"), "schemas"), "ProtocolError"));
    json_decref(ids);
    json_decref(doc);
}

TARN_TESTS(TARN_TEST(finds_routes_and_their_values), TARN_TEST(long_paths_are_no_routes),
           TARN_TEST(every_route_says_what_it_is), TARN_TEST(the_description_is_openapi))
