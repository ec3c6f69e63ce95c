/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - tarn reference: the reference pages, made from the tables that check what they describe. */
#include "cli/reference.h"
#include "base/file.h"
#include "cli/command.h"

#include <string.h>

typedef struct reference_params {
    char out[1024];
} reference_params;

static const tarn_param params[] = {
    TARN_TEXT(reference_params, out, "", "write all pages into this folder instead of printing one"),
    TARN_PARAMS_END,
};

static tarn_code save_pages(const tarn_cli *cli, const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[4096], name[64];

    TARN_TRY(tarn_dir_make(folder, err));
    for (const tarn_page *page = tarn_pages; page->name; page++) {
        tarn_text text = {0};
        page->write(&text);
        (void)snprintf(name, sizeof name, "%s.md", page->name);
        rc = tarn_text_check(&text, err);
        if (rc == TARN_OK) rc = tarn_path_join(path, sizeof path, folder, name, err);
        if (rc == TARN_OK) rc = tarn_file_save(path, text.data, text.len, err);
        tarn_text_clear(&text);
        if (rc != TARN_OK) goto done;
        tarn_out(cli, "%s\n", path);
    }
done:
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    const reference_params *p = values;
    const char *names[16] = {0};
    size_t n = 0;

    if (p->out[0]) return save_pages(cli, p->out, err);
    for (const tarn_page *page = tarn_pages; page->name; page++) {
        names[n++] = page->name;
        if (argc == 0) tarn_out(cli, "%-12s %s\n", page->name, page->title);
        if (argc == 0 || strcmp(argv[0], page->name) != 0) continue;
        tarn_text text = {0};
        page->write(&text);
        tarn_out(cli, "%s", text.data ? text.data : "");
        tarn_code rc = tarn_json_set(cli->result, "markdown", json_string(text.data ? text.data : ""), err);
        tarn_text_clear(&text);
        return rc;
    }
    if (argc == 0) return TARN_OK;
    const char *near = tarn_nearest_word(argv[0], names, n);
    return TARN_FAIL(err, TARN_USAGE, "there is no page '%.60s'%s%s", argv[0],
                     near ? "; did you mean " : "; `tarn reference` lists them", near ? near : "");
}

const tarn_command tarn_command_reference = {
    .name = "reference",
    .stage = "project",
    .title = "reference pages: commands, the project file, sources, steps, estimators, metrics",
    .usage = "[PAGE]",
    .help = "Prints a page as Markdown, or lists the pages. docs/reference is written by `tarn reference --out "
            "docs/reference`.",
    .most = 1,
    .params_size = sizeof(reference_params),
    .params = params,
    .run = run,
};
