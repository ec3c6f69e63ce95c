/* SPDX-License-Identifier: Apache-2.0 */
/* reproduce.c - tarn reproduce: make a model again from its recipe and compare the bytes. */
#include "cli/command.h"
#include "flow/flow.h"

static void print_steps(const tarn_cli *cli, const json_t *result)
{
    size_t i;
    json_t *step, *steps = json_object_get(result, "steps");

    json_array_foreach(steps, i, step)
    {
        bool same = json_is_true(json_object_get(step, "same"));
        tarn_out(cli, "%s%-6s%s %-32s %.12s", tarn_color(cli, same ? "green" : "red"), same ? "same" : "OTHER",
                 tarn_color(cli, NULL), tarn_json_text(step, "output", ""), tarn_json_text(step, "expected", ""));
        if (!same) tarn_out(cli, " became %.12s", tarn_json_text(step, "got", ""));
        tarn_out(cli, "\n");
    }
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_version v = {0};
    json_t *result = NULL;

    (void)values, (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_registry_find(lake, argv[0], &v, err));
    TARN_TRY(tarn_flow_reproduce(lake, &v, cli->pool, cli->sink, &result, err));
    print_steps(cli, result);
    (void)json_object_update(cli->result, result);
    bool same = json_is_true(json_object_get(result, "same")),
         code = json_is_true(json_object_get(result, "code_same"));
    if (same)
        tarn_out(cli, "\nModel %s version %lld came out the same to the byte: %s\n", v.model, (long long)v.number,
                 tarn_json_text(result, "id", ""));
    else
        rc = TARN_FAIL(err, TARN_CHECK, "model '%s' version %lld came out differently%s", v.model, (long long)v.number,
                       code ? " although the program is the same: please report this"
                            : "; it was made by another version of the program (code hash differs)");
done:
    json_decref(result);
    tarn_version_clear(&v);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_reproduce = {
    .name = "reproduce",
    .stage = "registry",
    .title = "make a model again from its recipe and compare the bytes",
    .usage = "MODEL",
    .help = "Runs every step that the model came from again, from the committed raw tables on, and compares each "
            "output's hash\n"
            "with the one in the lake. MODEL is name, name@alias, name/version or a model's id.",
    .least = 1,
    .most = 1,
    .run = run,
};
