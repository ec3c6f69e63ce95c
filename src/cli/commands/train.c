/* SPDX-License-Identifier: Apache-2.0 */
/* train.c - tarn train: run the project up to this stage; or make a project from the statement of the problem. */
#include "cli/auto.h"
#include "cli/flow_run.h"

typedef struct train_params {
    char rows[1000], target[128], positive[256], metric[64], time[128];
    int task;
    int64_t tries;
    double minutes;
} train_params;

static const tarn_param params[] = {
    {.type = TARN_P_TEXT,
     .name = "auto",
     .at = offsetof(train_params, rows),
     .preset_text = "",
     .most = sizeof(((train_params *)0)->rows),
     .help = "make the project file from these rows, a file or a table of the lake, and run it"},
    TARN_TEXT(train_params, target, "", "--auto: the column to predict"),
    TARN_WORD(train_params, task, 0, "auto|binary|multiclass|regression",
              "--auto: what kind of answer; auto: by the target's values"),
    TARN_TEXT(train_params, positive, "", "--auto: of two values, the one that counts as yes (default: the rarer one)"),
    TARN_TEXT(train_params, metric, "", "--auto: the figure that chooses (default: roc_auc, log_loss or rmse)"),
    TARN_TEXT(train_params, time, "", "--auto: a column by which rows are split, later ones to be tested on"),
    TARN_INT(train_params, tries, 10, 1, 1000, "--auto: how many settings of each candidate are tried"),
    TARN_REAL(train_params, minutes, 0, 0, 100000,
              "--auto: try settings for about so long; 0: as long as it takes (then --tries is the most)"),
    TARN_PARAMS_END,
};

static tarn_code make_project(tarn_cli *cli, const train_params *p, tarn_err *err)
{
    static const char *const tasks[] = {"", "binary", "multiclass", "regression"};
    tarn_auto asked = {.rows = p->rows,
                       .wish = {.target = p->target, .task = tasks[p->task], .positive = p->positive, .time = p->time},
                       .metric = p->metric,
                       .tries = p->tries,
                       .minutes = p->minutes};

    if (!p->target[0]) return TARN_FAIL(err, TARN_USAGE, "--auto needs --target COLUMN: what is to be predicted");
    return tarn_cli_auto(cli, &asked, err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    const train_params *p = values;

    (void)argc, (void)argv;
    if (p->rows[0]) return make_project(cli, p, err);
    if (p->target[0] || p->positive[0] || p->metric[0] || p->time[0] || p->task || p->minutes > 0)
        return TARN_FAIL(err, TARN_USAGE,
                         "--target and the like go with --auto FILE; a project says them in tarn.yaml");
    return tarn_cli_run_flow(cli, "train", false, err);
}

const tarn_command tarn_command_train = {
    .name = "train",
    .stage = "train",
    .title = "train the candidates, and choose",
    .usage = "",
    .help =
        "Runs the project up to the choice among the candidates.\n\n"
        "--auto starts from rows and the name of a column: it looks at the columns, writes a project file with every "
        "estimator that does the task, each with a search of its settings, runs it to the report, and prints the "
        "leaderboard. The file says why each thing is as it is, and is yours to change; one that is there is not "
        "touched.\nExample: tarn train --auto customers.csv --target churn --folder churn --minutes 5",
    .params_size = sizeof(train_params),
    .params = params,
    .run = run,
};
