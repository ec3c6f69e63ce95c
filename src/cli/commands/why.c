/* SPDX-License-Identifier: Apache-2.0 */
/* why.c - tarn why: from a prediction to its model, the run, the commit and the rows. */
#include "cli/why.h"
#include "base/mem.h"
#include "cli/command.h"

#include <string.h>

static void print_inputs(const tarn_cli *cli, const json_t *object, const char *title)
{
    const char *key;
    json_t *value;
    char *text = NULL;

    tarn_out(cli, "\n%s%s%s\n", tarn_color(cli, "bold"), title, tarn_color(cli, NULL));
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char number[32];
        if (json_is_real(value)) {
            tarn_out(cli, "  %-22s %s\n", key, tarn_num_format(json_real_value(value), number));
            continue;
        }
        if (tarn_json_compact(value, &text, NULL) != TARN_OK) continue;
        tarn_out(cli, "  %-22s %s\n", key, text);
        tarn_free(text);
        text = NULL;
    }
}

static void print_chain(const tarn_cli *cli, const json_t *node, int depth)
{
    size_t i;
    json_t *input, *inputs = json_object_get(node, "inputs"), *source, *sources = json_object_get(node, "sources");

    tarn_out(cli, "  %*s%s%s%s  %.12s", 2 * depth, "", tarn_color(cli, "blue"), tarn_json_text(node, "path", ""),
             tarn_color(cli, NULL), tarn_json_text(node, "object", ""));
    if (json_is_true(json_object_get(node, "seen"))) tarn_out(cli, "  (above)");
    else if (json_is_string(json_object_get(node, "step"))) tarn_out(cli, "  by %s", tarn_json_text(node, "step", ""));
    tarn_out(cli, "\n");
    json_array_foreach(sources, i, source)
    {
        tarn_out(cli, "  %*sfile %s  sha256 %.12s\n", 2 * depth + 2, "", tarn_json_text(source, "file", "?"),
                 tarn_json_text(source, "sha256", ""));
    }
    json_array_foreach(inputs, i, input) print_chain(cli, input, depth + 1);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    json_t *why = NULL;

    (void)values, (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_why(lake, argv[0], &why, err));
    const json_t *record = json_object_get(why, "prediction"), *version = json_object_get(why, "version"),
                 *data = json_object_get(why, "data");
    tarn_out(cli, "Prediction %s, made %s by model %s version %lld\n", argv[0], tarn_json_text(record, "time", "?"),
             tarn_json_text(version, "model", "?"), (long long)json_integer_value(json_object_get(version, "version")));
    print_inputs(cli, json_object_get(record, "inputs"), "What was asked");
    print_inputs(cli, json_object_get(record, "outputs"), "What was answered");
    tarn_out(cli, "\n%sThe model%s\n  model.tarn             %s\n  registered             %s by %s\n",
             tarn_color(cli, "bold"), tarn_color(cli, NULL), tarn_json_text(version, "id", ""),
             tarn_json_text(version, "made", ""), tarn_json_text(version, "by", ""));
    tarn_out(cli, "  learned from commit    %.12s (%s)\n  rows learned from      %lld, of %s\n",
             tarn_json_text(data, "commit", "?"), tarn_json_text(data, "time", ""),
             (long long)json_integer_value(json_object_get(data, "train_rows")), tarn_json_text(data, "table", "?"));
    tarn_out(cli, "\n%sWhat it came from%s\n", tarn_color(cli, "bold"), tarn_color(cli, NULL));
    if (!cli->json) print_chain(cli, json_object_get(why, "lineage"), 0);
    (void)json_object_update(cli->result, why);
done:
    json_decref(why);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_why = {
    .name = "why",
    .stage = "registry",
    .title = "from a prediction to its model, the run, the commit and the rows",
    .usage = "PREDICTION-ID",
    .help = "Every prediction of `tarn serve` carries an id. This follows it back: what was asked and answered, which "
            "model version,\n"
            "which commit and table it learned from, and every step and file before that.",
    .least = 1,
    .most = 1,
    .run = run,
};
