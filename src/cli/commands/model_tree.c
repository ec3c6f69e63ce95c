/* SPDX-License-Identifier: Apache-2.0 */
/* model_tree.c - tarn model tree: a tree of a model, to be read. */
#include "cli/scored.h"

typedef struct tree_params {
    int64_t tree, depth;
} tree_params;

static const tarn_param params[] = {
    TARN_INT(tree_params, tree, 1, 1, 1e9, "which of its trees"),
    TARN_INT(tree_params, depth, 8, 0, TARN_TREE_LINES_DEEP, "branches from the root down; deeper leaves are counted"),
    TARN_PARAMS_END,
};

typedef struct printing {
    tarn_cli *cli;
    json_t *lines;
} printing;

static tarn_code print_line(void *arg, const char *line, tarn_err *err)
{
    const printing *p = arg;

    tarn_out(p->cli, "%s\n", line);
    return tarn_json_append(p->lines, json_string(line), err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tree_params *p = values;
    printing to = {.cli = cli, .lines = json_array()};
    tarn_lake *lake = NULL;
    tarn_model *m = NULL;

    (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_cli_model(lake, argv[0], &m, NULL, err));
    int64_t trees = tarn_model_trees(m);
    if (trees == 0) {
        rc = TARN_FAIL(err, TARN_INVALID, "model '%.100s' has no trees; models of other kinds cannot be shown so",
                       argv[0]);
        goto done;
    }
    if (p->tree <= trees) tarn_out(cli, "tree %lld of %lld\n", (long long)p->tree, (long long)trees);
    TARN_TRY(tarn_model_tree_lines(m, p->tree - 1, (int)p->depth, print_line, &to, err));
    TARN_TRY(tarn_json_set(cli->result, "trees", json_integer((json_int_t)trees), err));
    TARN_TRY(tarn_json_set(cli->result, "tree", json_integer((json_int_t)p->tree), err));
    TARN_TRY(tarn_json_set(cli->result, "lines", json_incref(to.lines), err));
done:
    json_decref(to.lines);
    tarn_model_free(m);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_model_tree = {
    .name = "model tree",
    .stage = "registry",
    .title = "a tree of a model, to be read: columns, thresholds, values",
    .usage = "MODEL/VERSION | MODEL@ALIAS",
    .help =
        "Example: `tarn model tree flights@champion --tree 3 --depth 4`. Each line asks something of a column; below "
        "it "
        "stand what follows if that is so, and if not. A decision tree's values are predictions, or shares of a class; "
        "a boosted tree's are what it adds to the score, a log of odds where there are classes.",
    .least = 1,
    .most = 1,
    .params_size = sizeof(tree_params),
    .params = params,
    .run = run,
};
