/* SPDX-License-Identifier: Apache-2.0 */
/* project.h - the project file, read and checked whole, as a plan of steps.
 *
 * The file says what is wanted (problem, sources, tables, preparation, candidates, costs, name); the plan says
 * what is to be done: steps in an order in which each finds its inputs made. All mistakes are reported at once, each
 * with line, column, what was expected and the nearest known word.
 */
#ifndef TARN_FLOW_PROJECT_H
#define TARN_FLOW_PROJECT_H

#include "base/json.h"
#include "base/mem.h"
#include "flow/yaml.h"

/* One step as planned. Everything it depends on stands in kind, params and inputs. */
typedef struct tarn_planned {
    const char *name; /* "prepare/clean/planes": unique, shown to people */
    const char *kind; /* in stages.def */
    json_t *params;
    const char **inputs; /* lake paths, made by earlier steps */
    size_t n_inputs;
    /* For a step that goes on from its own last run: the output that it goes on from, and the lake path under which
     * what the branch has of it is a further input. NULL: starts from nothing. */
    const char *state, *before;
    int line; /* of the project file */
} tarn_planned;

typedef struct tarn_project {
    tarn_arena *arena;
    const char *file, *folder; /* of the project file */
    const char *name, *problem;
    const char *branch;
    const char *model, *alias; /* registry name; "" = nothing is registered */
    const char *target, *positive;
    int64_t port;
    const char *bind;
    int64_t s3_port, s3_commit_after_s, s3_copies_mb, s3_most_requests;
    const char *s3_bucket, *s3_domain; /* "": none */
    bool s3_anonymous_reads, s3_signature_v2;
    const char *anonymous, *tls_cert, *tls_key; /* of serve; "" where nothing is said */
    bool open_metrics, audit_reads;
    tarn_planned *steps;
    size_t n_steps, cap_steps;
    json_t *settings; /* the file as JSON, for people and for the page */
} tarn_project;

/* Read `folder`/tarn.yaml. If it has mistakes the call is TARN_INVALID with the first one in err, and all of them
 * in problems (may be NULL), sorted by place. *out: tarn_project_free. */
TARN_MUST tarn_code tarn_project_read(const char *folder, tarn_project **out, tarn_problems *problems, tarn_err *err);
/* The same from text; `file` names it in messages. */
TARN_MUST tarn_code tarn_project_parse(const char *text, size_t len, const char *file, const char *folder,
                                       tarn_project **out, tarn_problems *problems, tarn_err *err);
void tarn_project_free(tarn_project *p);

/* The keys of the file as a reference page (Markdown), made from the tables that check it. */
void tarn_project_reference(tarn_text *out);

#endif
