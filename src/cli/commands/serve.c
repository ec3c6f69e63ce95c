/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - tarn serve: answer requests until Ctrl-C. */
#include "serve/serve.h"
#include "cli/flow_run.h"
#include "cli/terminal.h"
#include "cli/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct serve_params {
    int64_t port, s3_port;
    char bind[100], anonymous[16], tls_cert[1024], tls_key[1024];
} serve_params;

static const tarn_param params[] = {
    TARN_INT(serve_params, port, 0, 0, 65535, "TCP port (0: the project's)"),
    TARN_TEXT(serve_params, bind, "", "address to listen on (default: the project's, 127.0.0.1)"),
    TARN_INT(serve_params, s3_port, 0, 0, 65535, "TCP port of the S3 gateway (0: the project's; without one, none)"),
    TARN_TEXT(serve_params, anonymous, "",
              "what may be done without a credential: none, predict, read (default: the project's)"),
    TARN_TEXT(serve_params, tls_cert, "", "PEM file with a certificate: speak TLS"),
    TARN_TEXT(serve_params, tls_key, "", "PEM file with the certificate's key"),
    TARN_PARAMS_END,
};

/* What the page shows from above the server. The lake is opened by the server's owner; all calls come one at a time. */
typedef struct view {
    tarn_lake *lake;
    const char *folder;
} view;

static tarn_code show_project(void *arg, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    view *v = arg;
    tarn_project *p = NULL;

    *out = NULL;
    TARN_TRY(tarn_project_read(v->folder, &p, NULL, err));
    TARN_TRY(tarn_flow_status(v->lake, p, out, err));
    TARN_TRY(tarn_json_set(*out, "branch", json_string(p->branch), err));
    TARN_TRY(tarn_json_set(*out, "model", json_string(p->model), err));
    TARN_TRY(tarn_json_set(*out, "alias", json_string(p->alias), err));
done:
    if (rc != TARN_OK) {
        json_decref(*out);
        *out = NULL;
    }
    tarn_project_free(p);
    return rc;
}

static tarn_code show_runs(void *arg, json_t **out, tarn_err *err)
{
    return tarn_flow_runs(((view *)arg)->lake, 100, out, err);
}
static tarn_code show_why(void *arg, const char *id, json_t **out, tarn_err *err)
{
    return tarn_why(((view *)arg)->lake, id, out, err);
}

static void wait_for_stop(void)
{
    struct timespec pause = {.tv_nsec = 100000000};

    while (!tarn_stop_asked()) (void)nanosleep(&pause, NULL);
}

/* What the project says of the S3 gateway, where the command line does not. */
static void gateway_of(const tarn_project *project, tarn_server_options *options)
{
    if (!options->s3_port) options->s3_port = (int)project->s3_port;
    options->s3_bucket = project->s3_bucket[0] ? project->s3_bucket : project->name;
    options->s3_domain = project->s3_domain;
    options->s3_commit_after_s = (int)project->s3_commit_after_s;
    options->s3_copies_bytes = (uint64_t)project->s3_copies_mb * 1000000;
    options->s3_most_requests = (int)project->s3_most_requests;
    options->s3_signature_v2 = project->s3_signature_v2;
    options->s3_anonymous_reads = project->s3_anonymous_reads;
}

/* A path that the project file says is meant from where that file is. */
static const char *from_project(const tarn_project *p, const char *path, char *out, size_t cap)
{
    if (!*path || *path == '/') (void)snprintf(out, cap, "%s", path);
    else (void)snprintf(out, cap, "%s/%s", p->folder, path);
    return out;
}

/* What is typed goes before what the project says. A project file that cannot be read may have said that nobody gets in
 * without a credential. */
static void set_access(tarn_server_options *o, const serve_params *p, const tarn_project *project, bool unreadable,
                       char cert[2100], char key[2100])
{
    o->anonymous = p->anonymous[0] ? p->anonymous : project ? project->anonymous : unreadable ? "none" : NULL;
    o->open_metrics = project && project->open_metrics;
    o->audit_reads = project && project->audit_reads;
    if (p->tls_cert[0] || p->tls_key[0]) {
        o->tls_cert = p->tls_cert;
        o->tls_key = p->tls_key;
    } else if (project) {
        o->tls_cert = from_project(project, project->tls_cert, cert, 2100);
        o->tls_key = from_project(project, project->tls_key, key, 2100);
    }
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK, read;
    const serve_params *p = values;
    tarn_lake *lake = NULL;
    tarn_project *project = NULL;
    tarn_server *server = NULL;
    tarn_err none = {0};
    char cert[2100], key[2100];

    (void)argc, (void)argv;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    read = tarn_project_read(cli->folder, &project, NULL, &none);
    if (read != TARN_OK) tarn_say(cli->sink, TARN_WARN, "%s", none.msg);
    view v = {lake, cli->folder};
    const char *bind = p->bind[0] ? p->bind : project ? project->bind : "127.0.0.1";
    tarn_server_options options = {.lake = lake,
                                   .bind = bind,
                                   .port = p->port   ? (int)p->port
                                           : project ? (int)project->port
                                                     : 8471,
                                   .threads = cli->threads,
                                   .version = tarn_version_text(),
                                   .code = tarn_code_hash(),
                                   .s3_port = (int)p->s3_port,
                                   .s3_commit_after_s = 5,
                                   .s3_copies_bytes = 4096000000,
                                   .s3_access_key = getenv("TARN_S3_ACCESS_KEY"),
                                   .s3_secret_key = getenv("TARN_S3_SECRET_KEY"),
                                   .view = {.arg = &v, .project = show_project, .runs = show_runs, .why = show_why},
                                   .sink = cli->sink};
    if (project) gateway_of(project, &options);
    set_access(&options, p, project, read != TARN_OK && read != TARN_NOT_FOUND, cert, key);
    TARN_TRY(tarn_server_start(&options, &server, err));
    const char *tls = options.tls_cert && *options.tls_cert ? "s" : "";
    tarn_out(cli, "Serving on http%s://%s:%d/ until Ctrl-C\n", tls, bind, tarn_server_port(server));
    if (tarn_server_s3_port(server))
        tarn_out(cli, "S3 on http%s://%s:%d/, bucket %s is the lake\n", tls, bind, tarn_server_s3_port(server),
                 tarn_server_s3_bucket(server));
    (void)fflush(stdout);
    wait_for_stop();
    tarn_out(cli, "\nStopping: finishing requests, committing the prediction log\n");
    rc = tarn_server_stop(server, err);
done:
    tarn_lake_close(lake);
    tarn_project_free(project);
    return rc;
}

const tarn_command tarn_command_serve = {
    .name = "serve",
    .stage = "serve",
    .title = "answer requests and show the page, until Ctrl-C",
    .usage = "",
    .help =
        "POST /serve/MODEL takes raw records by field name; POST /v2/models/MODEL/infer speaks the Open Inference "
        "Protocol;\n"
        "GET /metrics is for Prometheus; / is the page; /openapi.json describes all of it.\n"
        "With --s3-port (or serve: s3_port in tarn.yaml) any S3 client reads and writes s3://PROJECT/BRANCH/PATH; see\n"
        "docs/s3.md. TARN_S3_ACCESS_KEY and TARN_S3_SECRET_KEY in the environment are a key that may do everything.\n"
        "Who may do what: docs/security/access.md. On an address that others can reach there must be a user first.",
    .params_size = sizeof(serve_params),
    .params = params,
    .run = run,
};
