/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - the interface of routes: what a route says of itself, and what it can ask of the server.
 *
 * A route is one file in serve/routes/ and one line in routes.def. Its table entry gives method, path and what goes in
 * and out; from it come matching, the answer 405, /openapi.json and the docs.
 *
 * An `answer` reads call->value (parts of the path), call->body and tarn_call_query, and writes call->out, or returns
 * an error, which becomes {"error","code","remedy"} with the status that base/codes.def gives.
 *
 * Example (compiled by make check-docs):
 *
 *     static tarn_code answer(tarn_call *call, tarn_err *err)
 *     {
 *         tarn_text_addf(&call->out, "{\"hello\":\"%s\"}\n", call->value[0]);
 *         return tarn_text_check(&call->out, err);
 *     }
 *     const tarn_route tarn_route_hello = {
 *         .name = "hello", .method = "GET", .path = "/hello/{who}", .title = "Greet somebody", .needs = "always",
 *         .answer = answer,
 *     };
 *
 * Before an answer runs, the one who asks was found and the action that the route needs was asked for: of the model
 * that {model} names, of the branch of the query's ref (main), else of the lake. call->who is that one.
 *
 * Threads: answers run on any of the server's threads, several at once.
 */
#ifndef TARN_SERVE_ROUTE_H
#define TARN_SERVE_ROUTE_H

#include "base/json.h"
#include "base/str.h"
#include "lake/access.h"

enum { TARN_ROUTE_VALUES = 3, TARN_PATH_PARTS = 16 };

typedef struct tarn_call tarn_call;

typedef struct tarn_route {
    const char *name, *method;
    const char *path, *also;  /* "/v2/models/{model}/infer"; also (may be NULL): a second form, same names first */
    const char *title, *help; /* one line; what a careful caller must know, may be NULL */
    const char *group;        /* stage word, for the docs */
    const char *needs;        /* the action it is (lake/actions.def): "predict"; without one nobody is let in */
    const char *query;        /* "ref: where to start; most: how many", may be NULL */
    const char *takes;        /* JSON schema of the body; NULL: none */
    const char *gives;        /* JSON schema of the reply; NULL: see type */
    const char *type;         /* of the reply; NULL: application/json */
    const char *example;      /* a body, may be NULL */
    bool protocol;            /* errors are {"error"} alone, as the Open Inference Protocol has it */
    tarn_code (*answer)(tarn_call *call, tarn_err *err);
} tarn_route;

int tarn_route_count(void);
const tarn_route *tarn_route_at(int i);

/* One request and its reply. */
struct tarn_call {
    struct tarn_server *server;
    int route; /* index; -1 none */
    const char *method, *path;
    char *value[TARN_ROUTE_VALUES]; /* what the {parts} of the path are, decoded; "" where there is none */
    char room[2048];                /* path in pieces */
    char *body;                     /* may be written to */
    size_t body_len;
    /* Query or header by name, NULL if there is none; set by who made the call. */
    const char *(*ask)(const void *asked, bool header, const char *name);
    const void *asked;
    /* who asks; the door sets the first two, the server the others */
    char peer[64];  /* address */
    bool loopback;  /* the server listens on a loopback address */
    bool secure;    /* through TLS */
    bool admitted;  /* who was found, and may do this */
    const char *id; /* of the request */
    tarn_who who;
    /* the reply */
    int status;                                           /* 200 */
    const char *type;                                     /* application/json */
    const char *policy, *etag, *encoding, *cache, *allow; /* headers; NULL: none, or the strictest */
    const char *authenticate, *location;                  /* the same: WWW-Authenticate, Location */
    char cookie[160];                                     /* Set-Cookie; "": none */
    int retry_after;                                      /* seconds; 0: not said */
    char etag_room[TARN_ROUTE_VALUES + 70];
    const char *remedy; /* for an error reply, may be NULL */
    tarn_text out;      /* the body, or */
    const void *fixed;  /* bytes that outlive the server */
    size_t fixed_len;
};

const char *tarn_call_query(const tarn_call *call, const char *name);
const char *tarn_call_header(const tarn_call *call, const char *name);
/* The value as the reply. Steals value; NULL is TARN_NOMEM. */
TARN_MUST tarn_code tarn_call_give(tarn_call *call, json_t *value, tarn_err *err);

/* ---- what a route can ask of the server ---- */

/* Read the body with one of the two readers, run the model that the path names, log, and write the reply. */
TARN_MUST tarn_code tarn_call_predict(tarn_call *call, const char *model, const char *version, bool tensors,
                                      tarn_err *err);
/* The model's own account: fields, kinds, levels, ranges, classes. */
TARN_MUST tarn_code tarn_call_schema(tarn_call *call, const char *model, json_t **out, tarn_err *err);
/* Metadata of the Open Inference Protocol; only_ready: {"name","ready"}. */
TARN_MUST tarn_code tarn_call_metadata(tarn_call *call, const char *model, const char *version, bool only_ready,
                                       json_t **out, tarn_err *err);
/* Every version of every model, newest first:
 * [{"model","version","aliases","time","author","note","id","commit","run"}]. */
TARN_MUST tarn_code tarn_call_versions(tarn_call *call, json_t **out, tarn_err *err);
/* Writes {"models": [names]}. */
TARN_MUST tarn_code tarn_call_names(tarn_call *call, tarn_err *err);
/* A version with figures, leaderboard, names of files, importance and the graph. */
TARN_MUST tarn_code tarn_call_card(tarn_call *call, const char *model, const char *version, json_t **out,
                                   tarn_err *err);
/* A file of a version's tree as the reply, with type and policy. */
TARN_MUST tarn_code tarn_call_file(tarn_call *call, const char *model, const char *version, const char *file,
                                   tarn_err *err);
/* Commits from a ref on, newest first. */
TARN_MUST tarn_code tarn_call_commits(tarn_call *call, const char *ref, int64_t most, json_t **out, tarn_err *err);
/* What only the top floor knows; TARN_NOT_FOUND if it gave no such view. */
typedef enum tarn_view_kind { TARN_VIEW_PROJECT, TARN_VIEW_RUNS, TARN_VIEW_WHY } tarn_view_kind;
TARN_MUST tarn_code tarn_call_view(tarn_call *call, tarn_view_kind kind, const char *about, json_t **out,
                                   tarn_err *err);
/* Version of the program. */
const char *tarn_call_program(const tarn_call *call);
TARN_MUST tarn_code tarn_call_metrics(tarn_call *call, tarn_err *err);
/* OpenAPI 3.0 of the table of routes. */
TARN_MUST tarn_code tarn_routes_openapi(const char *version, json_t **out, tarn_err *err);
/* A file of the page. */
TARN_MUST tarn_code tarn_call_asset(tarn_call *call, const char *name, tarn_err *err);

/* The form for a user's name and password, with a line of text on it ("" for none). */
TARN_MUST tarn_code tarn_call_login_page(tarn_call *call, const char *message, tarn_err *err);
/* Open a session with the form's user and password in the body, and send the browser to the page; or end it. */
TARN_MUST tarn_code tarn_call_login(tarn_call *call, tarn_err *err);
TARN_MUST tarn_code tarn_call_logout(tarn_call *call, tarn_err *err);

/* ---- for the server ---- */

/* The route of a path, its values set. TARN_NOT_FOUND; TARN_USAGE another method would do (call->allow says which). */
TARN_MUST tarn_code tarn_route_find(tarn_call *call, const char *method, const char *path, tarn_err *err);

#endif
