/* SPDX-License-Identifier: Apache-2.0 */
/* lake_tag.c - tarn lake tag: list, make, remove tags. */
#include "cli/ref_command.h"

typedef struct tag_params {
    bool remove, force;
    char message[500];
} tag_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(tag_params, remove, false, "remove the tag; its commits stay reachable by id and by the ref log"),
    TARN_BOOL_PARAM(tag_params, force, false, "move a tag that is there"),
    TARN_TEXT(tag_params, message, "", "what it stands for; kept in the ref log and shown in the list"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    const tag_params *p = values;
    tarn_ref_change change = {
        .prefix = "tags/", .word = "tag", .remove = p->remove, .force = p->force, .message = p->message};

    return tarn_cli_refs(cli, &change, argc, argv, err);
}

const tarn_command tarn_command_lake_tag = {
    .name = "lake tag",
    .stage = "lake",
    .title = "tags: list, make, move, remove",
    .usage = "[TAG [REF]]",
    .help = "Without arguments: lists. With a name: makes it at REF (default: the project's branch). Constant time, "
            "whatever the size.",
    .most = 2,
    .params_size = sizeof(tag_params),
    .params = params,
    .run = run,
};
