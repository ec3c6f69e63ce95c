/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.c - the table of routes as an OpenAPI 3.0.3 document.
 * Source: OpenAPI Specification 3.0.3, sections 4.7.8 to 4.7.21. */
#include "serve/route.h"

#include <stdio.h>
#include <string.h>

static tarn_code schema(const char *text, const char *what, json_t **out, tarn_err *err)
{
    return tarn_json_read(text, strlen(text), what, out, err);
}

static tarn_code add_parameter(json_t *list, const char *name, int len, const char *in, bool required, const char *help,
                               tarn_err *err)
{
    return tarn_json_append(list,
                            json_pack("{s:s%, s:s, s:b, s:s, s:{s:s}}", "name", name, (size_t)len, "in", in, "required",
                                      (int)required, "description", help, "schema", "type", "string"),
                            err);
}

static const char *meaning(const char *name, int len)
{
    static const char *const names[][2] = {{"model", "name of a model, or name@alias"},
                                           {"version", "number of the version"},
                                           {"file", "path of the file in the version"},
                                           {"id", "id of a prediction"},
                                           {"name", "name of a file"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i][0]) == (size_t)len && memcmp(names[i][0], name, (size_t)len) == 0) return names[i][1];
    return "";
}

/* {parts} of the path, and the "name: help; name: help" of the query. */
static tarn_code add_parameters(const tarn_route *r, const char *path, json_t *op, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *list = json_array();

    for (const char *p = path; (p = strchr(p, '{')) != NULL; p++) {
        int len = (int)strcspn(p + 1, "+}");
        TARN_TRY(add_parameter(list, p + 1, len, "path", true, meaning(p + 1, len), err));
    }
    for (const char *p = r->query; p && *p;) {
        int name = (int)strcspn(p, ":"), len = (int)strcspn(p, ";");
        char help[200];
        (void)snprintf(help, sizeof help, "%.*s", len - name - 2, p + name + 2);
        TARN_TRY(add_parameter(list, p, name, "query", false, help, err));
        p += len;
        p += strspn(p, "; ");
    }
    if (json_array_size(list) > 0) TARN_TRY(tarn_json_set(op, "parameters", json_incref(list), err));
done:
    json_decref(list);
    return rc;
}

static tarn_code add_body(const tarn_route *r, json_t *op, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *content = NULL, *example = NULL, *takes = NULL;

    if (!r->takes) return TARN_OK;
    TARN_TRY(schema(r->takes, r->name, &takes, err));
    content = json_pack("{s:O}", "schema", takes);
    if (r->example) {
        TARN_TRY(schema(r->example, r->name, &example, err));
        TARN_TRY(tarn_json_set(content, "example", json_incref(example), err));
    }
    TARN_TRY(tarn_json_set(op, "requestBody",
                           json_pack("{s:b, s:{s:O}}", "required", 1, "content", "application/json", content), err));
done:
    json_decref(takes);
    json_decref(example);
    json_decref(content);
    return rc;
}

static tarn_code add_replies(const tarn_route *r, json_t *op, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *gives = NULL;

    TARN_TRY(schema(r->gives  ? r->gives
                    : r->type ? "{\"type\":\"string\"}"
                              : "{\"type\":\"object\"}",
                    r->name, &gives, err));
    TARN_TRY(tarn_json_set(op, "responses",
                           json_pack("{s:{s:s, s:{s:{s:O}}}, s:{s:s, s:{s:{s:{s:s}}}}}", "200", "description",
                                     "what was asked for", "content", r->type ? r->type : "application/json", "schema",
                                     gives, "default", "description", "why not", "content", "application/json",
                                     "schema", "$ref",
                                     r->protocol ? "#/components/schemas/ProtocolError" : "#/components/schemas/Error"),
                           err));
done:
    json_decref(gives);
    return rc;
}

static tarn_code add_operation(const tarn_route *r, const char *path, const char *suffix, json_t *paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char method[8] = {0}, plain[200] = {0}, id[80];
    json_t *op = NULL, *item;
    size_t n = 0;

    for (size_t i = 0; r->method[i] && i < 7; i++) method[i] = (char)(r->method[i] | 0x20);
    for (const char *p = path; *p && n < sizeof plain - 1; p++)
        if (*p != '+') plain[n++] = *p;
    (void)snprintf(id, sizeof id, "%s%s", r->name, suffix);
    op = json_pack("{s:s, s:s, s:[s]}", "operationId", id, "summary", r->title, "tags", r->group ? r->group : "serve");
    if (r->help) TARN_TRY(tarn_json_set(op, "description", json_string(r->help), err));
    if (r->needs) TARN_TRY(tarn_json_set(op, "x-tarn-needs", json_string(r->needs), err));
    if (r->needs && strcmp(r->needs, "always") == 0) TARN_TRY(tarn_json_set(op, "security", json_array(), err));
    TARN_TRY(add_parameters(r, path, op, err));
    TARN_TRY(add_body(r, op, err));
    TARN_TRY(add_replies(r, op, err));
    item = json_object_get(paths, plain);
    if (!item) {
        TARN_TRY(tarn_json_set(paths, plain, json_object(), err));
        item = json_object_get(paths, plain);
    }
    TARN_TRY(tarn_json_set(item, method, json_incref(op), err));
done:
    json_decref(op);
    return rc;
}

tarn_code tarn_routes_openapi(const char *version, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *doc = NULL, *errors = NULL, *paths = json_object();

    for (int i = 0; i < tarn_route_count(); i++) {
        const tarn_route *r = tarn_route_at(i);
        TARN_TRY(add_operation(r, r->path, "", paths, err));
        if (r->also) TARN_TRY(add_operation(r, r->also, "_other", paths, err));
    }
    TARN_TRY(schema("{\"Error\":{\"type\":\"object\",\"required\":[\"error\",\"code\"],\"properties\":{\"error\":{"
                    "\"type\":\"string\"},"
                    "\"code\":{\"type\":\"string\"},\"remedy\":{\"type\":\"string\"}}},"
                    "\"ProtocolError\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{"
                    "\"type\":\"string\"}}}}",
                    "schemas", &errors, err));
    doc = json_pack("{s:s, s:{s:s, s:s, s:s}, s:O, s:{s:O, s:{s:{s:s, s:s}, s:{s:s, s:s}}}, s:[{s:[]}, {s:[]}, {}]}",
                    "openapi", "3.0.3", "info", "title", "Tarn", "version", version, "description",
                    "Predictions, each with an id, from registered models; and what the page shows.", "paths", paths,
                    "components", "schemas", errors, "securitySchemes", "token", "type", "http", "scheme", "bearer",
                    "password", "type", "http", "scheme", "basic", "security", "token", "password");
    if (!doc) rc = TARN_FAIL(err, TARN_NOMEM, "no memory for the description");
    else *out = doc;
done:
    json_decref(errors);
    json_decref(paths);
    return rc;
}
