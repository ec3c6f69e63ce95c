/* SPDX-License-Identifier: Apache-2.0 */
/* lake_gc.c - tarn lake gc: remove what nothing needs. */
#include "cli/command.h"
#include "lake/care.h"

typedef struct gc_params {
    double grace;
    bool dry_run;
} gc_params;

static const tarn_param params[] = {
    TARN_REAL(gc_params, grace, 14, 0, 36500, "days in which nothing is removed that was put, or that a ref was"),
    TARN_BOOL_PARAM(gc_params, dry_run, false, "only tell what would be removed"),
    TARN_PARAMS_END,
};

static tarn_code show_kinds(tarn_cli *cli, const tarn_gc *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *kinds = json_object();
    char live[32], garbage[32];

    tarn_out(cli, "%-10s %12s %12s\n", "", "needed", "not needed");
    for (int i = 0; i < TARN_GC_KINDS; i++) {
        tarn_out(cli, "%-10s %12s %12s\n", tarn_gc_kind(i), tarn_num_bytes((uint64_t)g->live[i], live),
                 tarn_num_bytes((uint64_t)g->garbage[i], garbage));
        TARN_TRY(tarn_json_set(
            kinds, tarn_gc_kind(i),
            json_pack("{s:I, s:I}", "needed", (json_int_t)g->live[i], "not_needed", (json_int_t)g->garbage[i]), err));
    }
    TARN_TRY(tarn_json_set(cli->result, "kinds", json_incref(kinds), err));
done:
    json_decref(kinds);
    return rc;
}

static void show_work(tarn_cli *cli, const tarn_gc *g, bool dry_run)
{
    int64_t freed = g->bytes_dropped - g->bytes_written + g->leftover_bytes + g->cached_bytes;
    const char *would = dry_run ? "would be " : "";
    char a[32], b[32], c[32];

    tarn_out(cli, "%lld packs of %s; %lld %srewritten (%s -> %s)\n", (long long)g->packs,
             tarn_num_bytes((uint64_t)g->bytes, a), (long long)g->packs_dropped, would,
             tarn_num_bytes((uint64_t)g->bytes_dropped, b), tarn_num_bytes((uint64_t)g->bytes_written, c));
    if (g->leftovers > 0)
        tarn_out(cli, "%lld packs that killed processes left %sremoved (%s)\n", (long long)g->leftovers, would,
                 tarn_num_bytes((uint64_t)g->leftover_bytes, a));
    if (g->cached > 0)
        tarn_out(cli, "%lld cached files %sremoved (%s)\n", (long long)g->cached, would,
                 tarn_num_bytes((uint64_t)g->cached_bytes, a));
    tarn_out(cli, "%s%s %sfreed%s\n", tarn_color(cli, "green"), tarn_num_bytes(freed > 0 ? (uint64_t)freed : 0, a),
             would, tarn_color(cli, NULL));
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const gc_params *p = values;
    tarn_lake *lake = NULL;
    tarn_gc g = {0};
    tarn_gc_options o = {.dry_run = p->dry_run, .no_grace = p->grace <= 0, .grace_us = (int64_t)(p->grace * 86400e6)};

    (void)argc, (void)argv;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_gc(lake, &o, &g, cli->sink, err));
    TARN_TRY(show_kinds(cli, &g, err));
    show_work(cli, &g, p->dry_run);
    json_t *j =
        json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "dry_run", (int)p->dry_run, "packs",
                  (json_int_t)g.packs, "bytes", (json_int_t)g.bytes, "needed", (json_int_t)g.live_bytes, "not_needed",
                  (json_int_t)g.garbage_bytes, "packs_dropped", (json_int_t)g.packs_dropped, "bytes_dropped",
                  (json_int_t)g.bytes_dropped, "packs_written", (json_int_t)g.packs_written, "bytes_written",
                  (json_int_t)g.bytes_written, "leftovers", (json_int_t)g.leftovers, "leftover_bytes",
                  (json_int_t)g.leftover_bytes, "cached_bytes", (json_int_t)g.cached_bytes);
    (void)json_object_update(cli->result, j);
    json_decref(j);
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_gc = {
    .name = "lake gc",
    .stage = "lake",
    .title = "remove what nothing needs",
    .usage = "",
    .help =
        "Removes content that no branch, tag, model, staging area or result of a run needs, and that no ref named "
        "in the last days (--grace). Others may read and write meanwhile; killed, it leaves the lake whole and goes "
        "on next time. With --grace 0 nobody else should be writing: who does may be told to put something again."
        "\nExample: `tarn lake gc --dry-run`",
    .params_size = sizeof(gc_params),
    .params = params,
    .run = run,
};
