/* SPDX-License-Identifier: Apache-2.0 */
/* flow_run.c - see flow_run.h. */
#include "cli/flow_run.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tarn_code tarn_cli_project(tarn_cli *cli, tarn_project **out, tarn_err *err)
{
    tarn_problems problems = {0};
    tarn_code rc = tarn_project_read(cli->folder, out, &problems, err);
    json_t *list = json_array();

    for (size_t i = 0; i < problems.n; i++) {
        const tarn_problem *p = &problems.items[i];
        if (!cli->json) (void)fprintf(stderr, "tarn.yaml:%d:%d: %s\n", p->line, p->column, p->text);
        (void)json_array_append_new(
            list, json_pack("{s:i, s:i, s:s}", "line", p->line, "column", p->column, "problem", p->text));
    }
    if (problems.n > 0) {
        (void)json_object_set(cli->result, "problems", list);
        rc = TARN_FAIL(err, TARN_INVALID, "tarn.yaml has %zu mistake%s; nothing was done", problems.n,
                       problems.n == 1 ? "" : "s");
    }
    json_decref(list);
    tarn_problems_clear(&problems);
    return rc;
}

static void print_news(void *arg, const tarn_step_news *news)
{
    tarn_cli *cli = arg;
    static const char *const colors[] = {"dim", "blue", "green", "dim", "red"};

    if (news->state == TARN_STEP_RUNNING) {
        if (strcmp(news->said, "has not run yet") != 0)
            tarn_say(cli->sink, TARN_INFO, "%s: %s", news->name, news->said);
        tarn_progress(cli->sink, news->name, 0, 0, "...");
        return;
    }
    tarn_progress(cli->sink, news->name, 1, 1, ""); /* takes the bar away */
    if (cli->quiet && news->state == TARN_STEP_KEPT) return;
    tarn_out(cli, "%s%-7s%s %-28s", tarn_color(cli, colors[news->state]), tarn_step_state_name(news->state),
             tarn_color(cli, NULL), news->name);
    if (news->state == TARN_STEP_DONE) tarn_out(cli, " %6.2f s", news->seconds);
    else tarn_out(cli, "         ");
    tarn_out(cli, "  %s\n", news->said ? news->said : "");
    (void)fflush(stdout);
}

static void print_end(const tarn_cli *cli, const json_t *summary)
{
    const json_t *model = json_object_get(summary, "model"), *steps = json_object_get(summary, "steps");
    json_int_t ran = json_integer_value(json_object_get(summary, "ran"));
    double seconds = json_number_value(json_object_get(summary, "seconds"));

    if (ran == 0)
        tarn_out(cli, "\nNothing to do: none of the %zu steps has changed inputs, parameters or code (%.2f s).\n",
                 json_array_size(steps), seconds);
    else tarn_out(cli, "\n%lld of %zu steps ran in %.1f s.\n", (long long)ran, json_array_size(steps), seconds);
    if (json_is_string(json_object_get(summary, "commit")))
        tarn_out(cli, "Commit   %.12s\n", tarn_json_text(summary, "commit", ""));
    if (model)
        tarn_out(cli, "Model    %s@%s = version %lld, %.12s%s\n", tarn_json_text(model, "name", ""),
                 tarn_json_text(model, "alias", ""), (long long)json_integer_value(json_object_get(model, "version")),
                 tarn_json_text(model, "id", ""), json_is_true(json_object_get(model, "new")) ? " (new)" : "");
}

/* A lake above the project's folder is taken, as a repository above would be: that should not go unseen. */
static void tell_lake(const tarn_cli *cli, const tarn_lake *lake)
{
    char *here = realpath(cli->folder, NULL);

    if (here && strcmp(here, tarn_lake_folder(lake)) != 0)
        tarn_say(cli->sink, TARN_INFO, "the lake is that of '%s', above this folder; `tarn init` makes one here",
                 tarn_lake_folder(lake));
    free(here);
}

static tarn_code open_or_make_lake(const tarn_cli *cli, tarn_lake **out, tarn_err *err)
{
    tarn_err why = {0};
    tarn_code rc = tarn_cli_lake(cli, out, &why);

    if (rc == TARN_OK) tell_lake(cli, *out);
    if (rc != TARN_NOT_FOUND) {
        if (rc != TARN_OK && err) *err = why;
        return rc;
    }
    rc = tarn_lake_init(cli->folder, err);
    return rc == TARN_OK ? tarn_cli_lake(cli, out, err) : rc;
}

tarn_code tarn_cli_run_flow(tarn_cli *cli, const char *until, bool again, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *p = NULL;
    tarn_lake *lake = NULL;
    json_t *summary = NULL;

    TARN_TRY(tarn_cli_project(cli, &p, err));
    TARN_TRY(open_or_make_lake(cli, &lake, err));
    tarn_flow_options options = {
        .until = until, .again = again, .pool = cli->pool, .sink = cli->sink, .news = print_news, .news_arg = cli};
    rc = tarn_flow_run(lake, p, &options, &summary, err);
    if (summary && json_object_update(cli->result, summary) != 0 && rc == TARN_OK)
        rc = TARN_FAIL(err, TARN_NOMEM, "cannot keep the result");
    if (rc == TARN_OK) print_end(cli, summary);
done:
    json_decref(summary);
    tarn_lake_close(lake);
    tarn_project_free(p);
    return rc;
}
