/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - tarn status: what a run would do now, and why. */
#include "base/mem.h"
#include "cli/flow_run.h"

#include <string.h>

typedef struct staged_count {
    int64_t n;
} staged_count;

static tarn_code count_staged(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                              tarn_err *err)
{
    (void)kind, (void)before, (void)after, (void)err;
    ((staged_count *)arg)->n++;
    return TARN_OK;
}

static void print_steps(const tarn_cli *cli, const json_t *status)
{
    size_t i;
    json_t *step, *steps = json_object_get(status, "steps");

    json_array_foreach(steps, i, step)
    {
        const char *state = tarn_json_text(step, "state", "");
        tarn_out(cli, "%s%-5s%s %-28s %s\n", tarn_color(cli, strcmp(state, "kept") == 0 ? "green" : "yellow"), state,
                 tarn_color(cli, NULL), tarn_json_text(step, "name", ""), tarn_json_text(step, "why", ""));
    }
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *p = NULL;
    tarn_lake *lake = NULL;
    json_t *status = NULL;
    staged_count staged = {0};
    char hex[TARN_ID_HEX], ref[200], who[256];
    tarn_id head;

    (void)values, (void)argc, (void)argv;
    TARN_TRY(tarn_cli_project(cli, &p, err));
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_flow_status(lake, p, &status, err));
    (void)snprintf(ref, sizeof ref, "heads/%.150s", p->branch);
    bool there = tarn_lake_ref_get(lake, ref, &head, NULL) == TARN_OK;
    TARN_TRY(tarn_lake_staged(lake, p->branch, tarn_cli_author(who, sizeof who), count_staged, &staged, err));
    tarn_out(cli, "Project %s on branch %s%s%.12s\n%s\n\n", p->name, p->branch, there ? " at " : " (no commit yet)",
             there ? tarn_id_hex(&head, hex) : "", p->problem);
    print_steps(cli, status);
    if (strcmp(tarn_lake_store_at(lake), "disk:.") != 0 || strcmp(tarn_lake_meta_at(lake), "meta.db") != 0)
        tarn_out(cli, "\nThe lake's packs are at %s, its metadata at %s.\n", tarn_lake_store_at(lake),
                 tarn_lake_meta_at(lake));
    json_int_t todo = json_integer_value(json_object_get(status, "todo"));
    if (todo == 0) tarn_out(cli, "\nUp to date: `tarn run` would do nothing.\n");
    else tarn_out(cli, "\n`tarn run` would do %lld of %zu steps.\n", (long long)todo, p->n_steps);
    if (staged.n > 0) tarn_out(cli, "%lld paths are staged; `tarn lake commit` commits them.\n", (long long)staged.n);
    (void)json_object_update(cli->result, status);
    TARN_TRY(tarn_json_set(cli->result, "packs", json_string(tarn_lake_store_at(lake)), err));
    TARN_TRY(tarn_json_set(cli->result, "metadata", json_string(tarn_lake_meta_at(lake)), err));
    TARN_TRY(tarn_json_set(cli->result, "branch", json_string(p->branch), err));
    TARN_TRY(tarn_json_set(cli->result, "commit", there ? json_string(tarn_id_hex(&head, hex)) : json_null(), err));
    TARN_TRY(tarn_json_set(cli->result, "staged", json_integer((json_int_t)staged.n), err));
done:
    json_decref(status);
    tarn_lake_close(lake);
    tarn_project_free(p);
    return rc;
}

const tarn_command tarn_command_status = {
    .name = "status",
    .stage = "project",
    .title = "what a run would do now, and why",
    .usage = "",
    .help = "Shows every step of the project: `kept` if its inputs, parameters and code are as they were, else `todo` "
            "and what differs.",
    .run = run,
};
