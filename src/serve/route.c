/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - the table of routes, finding one, and describing all as OpenAPI. See route.h. */
#include "serve/route.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define TARN_ROUTE(name) extern const tarn_route tarn_route_##name;
#include "serve/routes.def"
#undef TARN_ROUTE

static const tarn_route *const table[] = {
#define TARN_ROUTE(name) &tarn_route_##name,
#include "serve/routes.def"
#undef TARN_ROUTE
};

int tarn_route_count(void) { return (int)(sizeof table / sizeof *table); }
const tarn_route *tarn_route_at(int i) { return table[i]; }

const char *tarn_call_query(const tarn_call *call, const char *name)
{
    return call->ask ? call->ask(call->asked, false, name) : NULL;
}
const char *tarn_call_header(const tarn_call *call, const char *name)
{
    return call->ask ? call->ask(call->asked, true, name) : NULL;
}

tarn_code tarn_call_give(tarn_call *call, json_t *value, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;

    if (!value) return TARN_FAIL(err, TARN_NOMEM, "no memory for the reply");
    TARN_TRY(tarn_json_pretty(value, &text, err));
    tarn_text_add(&call->out, text);
    tarn_text_add(&call->out, "\n");
    rc = tarn_text_check(&call->out, err);
done:
    tarn_free(text);
    json_decref(value);
    return rc;
}

/* ---- finding ---- */

/* Whether path fits the pattern; the values then point into call->room, which holds a copy of path. A part {name+}
 * takes all that is left. */
static bool fits(tarn_call *call, const char *pattern, const char *path)
{
    char *at = call->room;
    int n = 0;

    (void)snprintf(call->room, sizeof call->room, "%s", path);
    for (int i = 0; i < TARN_ROUTE_VALUES; i++) call->value[i] = call->room + strlen(call->room);
    for (; *pattern; pattern++) {
        if (*pattern != '{') {
            if (*at++ != *pattern) return false;
            continue;
        }
        const char *close = strchr(pattern, '}');
        bool rest = close[-1] == '+';
        char *end = rest ? at + strlen(at) : at + strcspn(at, "/");
        if (end == at || n == TARN_ROUTE_VALUES) return false;
        call->value[n++] = at;
        at = end;
        pattern = close;
    }
    return *at == '\0' || (*at == '/' && at[1] == '\0' && at > call->room + 1);
}

/* The values are pieces of room: end each at the slash behind it. */
static void cut_values(tarn_call *call, const char *pattern)
{
    for (int i = 0; i < TARN_ROUTE_VALUES; i++) {
        size_t len = strlen(call->value[i]);
        bool rest = strchr(pattern, '+') && (i + 1 == TARN_ROUTE_VALUES || !*call->value[i + 1]);
        if (len > 0 && call->value[i][len - 1] == '/') call->value[i][len - 1] = '\0';
        if (!rest) call->value[i][strcspn(call->value[i], "/")] = '\0';
    }
}

static bool method_fits(const tarn_route *r, const char *method)
{
    return strcmp(r->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

tarn_code tarn_route_find(tarn_call *call, const char *method, const char *path, tarn_err *err)
{
    call->route = -1;
    if (strlen(path) >= sizeof call->room - 1)
        return TARN_FAIL(err, TARN_NOT_FOUND, "the path is longer than %zu bytes", sizeof call->room - 2);
    for (int i = 0; i < tarn_route_count(); i++) {
        const tarn_route *r = table[i];
        const char *pattern = fits(call, r->path, path)              ? r->path
                              : r->also && fits(call, r->also, path) ? r->also
                                                                     : NULL;
        if (!pattern) continue;
        if (!method_fits(r, method)) {
            call->allow = strcmp(r->method, "GET") == 0 ? "GET, HEAD" : r->method;
            continue;
        }
        cut_values(call, pattern);
        call->route = i;
        call->allow = NULL;
        return TARN_OK;
    }
    if (call->allow) return TARN_FAIL(err, TARN_USAGE, "%.20s is not for this path; use %s", method, call->allow);
    return TARN_FAIL(err, TARN_NOT_FOUND, "there is nothing at %.120s; /openapi.json lists what there is", path);
}
