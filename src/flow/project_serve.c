/* SPDX-License-Identifier: Apache-2.0 */
/* project_serve.c - section `serve` of the project file. */
#include "flow/project_inside.h"

#include "flow/keys.h"

#include <string.h>

static int64_t number_of(tarn_maker *m, const tarn_yaml *map, const char *key, int64_t least, int64_t most,
                         int64_t otherwise)
{
    const char *text = tarn_maker_word(map, key, NULL);
    int64_t n = otherwise;

    if (!text || (tarn_int_parse(text, strlen(text), &n) && n >= least && n <= most)) return n;
    const tarn_yaml *v = tarn_yaml_get(map, key);
    tarn_problems_add(m->problems, v->line, v->column, "%s should be %lld to %lld, not '%.40s'", key, (long long)least,
                      (long long)most, text);
    return otherwise;
}

static void read_gateway(tarn_maker *m, const tarn_yaml *serve)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    tarn_project *p = m->p;
    const char *bucket = tarn_maker_word(serve, "s3_bucket", "");
    size_t len = strlen(bucket);

    p->s3_port = number_of(m, serve, "s3_port", 1, 65535, 0);
    p->s3_commit_after_s = number_of(m, serve, "s3_commit_after_s", 0, 86400, 5);
    p->s3_copies_mb = number_of(m, serve, "s3_copies_mb", 0, 1 << 30, 4096);
    p->s3_most_requests = number_of(m, serve, "s3_most_requests", 1, 512, 256);
    p->s3_bucket = tarn_maker_text(m, "%s", bucket);
    p->s3_domain = tarn_maker_text(m, "%s", tarn_maker_word(serve, "s3_domain", ""));
    p->s3_signature_v2 = strcmp(tarn_maker_word(serve, "s3_signature_v2", "false"), "true") == 0;
    p->s3_anonymous_reads = strcmp(tarn_maker_word(serve, "s3_anonymous_reads", "false"), "true") == 0;
    if (len == 0 ||
        (len >= 3 && len <= 63 && strspn(bucket, letters) == len && bucket[0] != '-' && bucket[len - 1] != '-'))
        return;
    const tarn_yaml *v = tarn_yaml_get(serve, "s3_bucket");
    tarn_problems_add(m->problems, v->line, v->column,
                      "s3_bucket should be 3 to 63 lower-case letters, digits and '-', not '%.40s'", bucket);
}

void tarn_project_serve(tarn_maker *m, const tarn_yaml *serve)
{
    tarn_project *p = m->p;
    const char *anonymous = tarn_maker_word(serve, "anonymous", "");

    if (serve) (void)tarn_keys_check(&tarn_keys_serve, serve, serve->line, serve->column, m->problems);
    p->port = number_of(m, serve, "port", 1, 65535, 8471);
    if (*anonymous && strcmp(anonymous, "none") != 0 && strcmp(anonymous, "predict") != 0 &&
        strcmp(anonymous, "read") != 0) {
        const tarn_yaml *v = tarn_yaml_get(serve, "anonymous");
        tarn_problems_add(m->problems, v->line, v->column, "anonymous should be none, predict or read, not '%.40s'",
                          anonymous);
    }
    p->bind = tarn_maker_text(m, "%s", tarn_maker_word(serve, "bind", "127.0.0.1"));
    p->anonymous = tarn_maker_text(m, "%s", anonymous);
    p->tls_cert = tarn_maker_text(m, "%s", tarn_maker_word(serve, "tls_cert", ""));
    p->tls_key = tarn_maker_text(m, "%s", tarn_maker_word(serve, "tls_key", ""));
    p->open_metrics = strcmp(tarn_maker_word(serve, "open_metrics", "false"), "true") == 0;
    p->audit_reads = strcmp(tarn_maker_word(serve, "audit_reads", "false"), "true") == 0;
    read_gateway(m, serve);
}
