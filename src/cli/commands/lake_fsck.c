/* SPDX-License-Identifier: Apache-2.0 */
/* lake_fsck.c - tarn lake fsck: read everything and check every hash and link. */
#include "cli/command.h"

#include <stdio.h>

typedef struct findings {
    tarn_cli *cli;
    json_t *list;
} findings;

static void show(void *arg, const char *line)
{
    findings *f = arg;

    tarn_out(f->cli, "%sdamaged%s  %s\n", tarn_color(f->cli, "red"), tarn_color(f->cli, NULL), line);
    (void)json_array_append_new(f->list, json_string(line));
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_fsck sum = {0};
    findings f = {cli, json_array()};
    char bytes[32];

    (void)values, (void)argc, (void)argv;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_fsck(lake, show, &f, &sum, cli->sink, err));
    tarn_out(cli, "%lld refs, %lld commits, %lld trees, %lld objects, %lld chunks in %lld packs, %s\n",
             (long long)sum.refs, (long long)sum.commits, (long long)sum.trees, (long long)sum.objects,
             (long long)sum.chunks, (long long)sum.packs, tarn_num_bytes((uint64_t)sum.bytes, bytes));
    json_t *j = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "refs", (json_int_t)sum.refs, "commits",
                          (json_int_t)sum.commits, "trees", (json_int_t)sum.trees, "objects", (json_int_t)sum.objects,
                          "chunks", (json_int_t)sum.chunks, "packs", (json_int_t)sum.packs, "bytes",
                          (json_int_t)sum.bytes, "problems", (json_int_t)sum.problems, "damaged", f.list);
    (void)json_object_update(cli->result, j);
    json_decref(j);
    if (sum.problems > 0)
        rc =
            TARN_FAIL(err, TARN_CORRUPT, "%lld problems found; what is named above cannot be read, everything else can",
                      (long long)sum.problems);
    else tarn_out(cli, "%sclean%s\n", tarn_color(cli, "green"), tarn_color(cli, NULL));
done:
    json_decref(f.list);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_fsck = {
    .name = "lake fsck",
    .stage = "lake",
    .title = "read everything and check every hash and link",
    .usage = "",
    .run = run,
};
