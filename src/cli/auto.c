/* SPDX-License-Identifier: Apache-2.0 */
/* auto.c - see auto.h.
 *
 * The project file is the record: all that is decided here stands in it, so a run depends on the file alone. With a
 * budget in minutes the candidates are fitted once with their preset settings, by a file without searches, and what
 * that took decides how many tries the file then asks for.
 */
#include "cli/auto.h"

#include "base/file.h"
#include "base/mem.h"
#include "cli/board.h"
#include "cli/flow_run.h"
#include "cli/scored.h"
#include "flow/draft.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MOST = 4096 };

typedef struct work {
    tarn_cli *cli;
    const tarn_auto *asked;
    tarn_columns *columns;
    tarn_guess guess;
    tarn_draft draft;
    char name[64], path[PATH_MOST], file[PATH_MOST];
    double started;
} work;

static void close_work(work *w)
{
    tarn_guess_clear(&w->guess);
    tarn_columns_release(w->columns);
    tarn_free(w->draft.candidates);
}

/* ---- the rows ---- */

/* The path of a file as the project names it: from its folder if it is inside, else from the root. */
static tarn_code path_of_file(work *w, tarn_err *err)
{
    char *file = realpath(w->asked->rows, NULL), *folder = realpath(w->cli->folder, NULL);
    size_t len = folder ? strlen(folder) : 0;
    tarn_code rc = TARN_OK;

    if (!file) rc = TARN_FAIL_ERRNO(err, "find", w->asked->rows);
    else if (strlen(file) >= sizeof w->path) rc = TARN_FAIL(err, TARN_LIMIT, "the path '%.80s...' is too long", file);
    else if (len > 1 && strncmp(file, folder, len) == 0 && file[len] == '/')
        (void)snprintf(w->path, sizeof w->path, "%s", file + len + 1);
    else (void)snprintf(w->path, sizeof w->path, "%s", file);
    free(file); /* realpath's own */
    free(folder);
    return rc;
}

static tarn_code give_piece(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_file_write(arg, bytes, len, err);
}

/* A table of the lake goes to data/<name>.parquet, so that the project stands by itself. */
static tarn_code copy_table(work *w, const tarn_lake_db *db, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry entry;
    char folder[PATH_MOST], path[PATH_MOST];
    tarn_file *file = NULL;

    (void)snprintf(w->path, sizeof w->path, "data/%s.parquet", w->name);
    TARN_TRY(tarn_path_join(folder, sizeof folder, w->cli->folder, "data", err));
    TARN_TRY(tarn_dir_make(folder, err));
    TARN_TRY(tarn_path_join(path, sizeof path, w->cli->folder, w->path, err));
    if (tarn_path_exists(path))
        TARN_TRY(TARN_FAIL(err, TARN_EXISTS, "'%s' is there already; the table would be written there", path));
    TARN_TRY(tarn_lake_table(db->lake, db->branch, w->asked->rows, &entry, err));
    TARN_TRY(tarn_file_create(path, &file, err));
    TARN_TRY(tarn_lake_read(db->lake, &entry.object.id, 0, UINT64_MAX, give_piece, file, err));
    TARN_TRY(tarn_file_commit(file, err));
done:
    tarn_file_close(file);
    return rc;
}

static tarn_code check_metric(const char *name, tarn_task task, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_metric *metric = NULL;
    tarn_judged rows = {.task = task};

    if (!name[0]) return TARN_OK;
    TARN_TRY(tarn_metric_find(name, &metric, err));
    if (!tarn_metric_suits(metric, &rows))
        rc = TARN_FAIL(err, TARN_INVALID, "metric '%.60s' does not suit this task", name);
done:
    return rc;
}

static tarn_code read_rows(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_lake_db db = {0};
    bool file = tarn_path_exists(w->asked->rows);
    char branch[256];
    tarn_db_options options = {.threads = tarn_pool_threads(w->cli->pool)};

    tarn_draft_name(w->asked->rows, w->name, sizeof w->name);
    if (file) {
        TARN_TRY(tarn_db_open(&options, &db.db, err));
    } else {
        rc = tarn_cli_lake(w->cli, &lake, err);
        if (rc == TARN_NOT_FOUND)
            rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no file '%.200s', and no lake with such a table",
                           w->asked->rows);
        TARN_TRY(rc);
        (void)tarn_cli_branch(w->cli, branch, sizeof branch);
        TARN_TRY(tarn_lake_db_open(lake, branch, options.threads, false, &db, err));
    }
    TARN_TRY(tarn_cli_rows(w->cli, w->asked->rows, &db, &w->columns, err));
    TARN_TRY(tarn_guess_problem(w->columns, &w->asked->wish, &w->guess, err));
    TARN_TRY(check_metric(w->asked->metric, w->guess.task, err));
    TARN_TRY(tarn_dir_make(w->cli->folder, err));
    TARN_TRY(file ? path_of_file(w, err) : copy_table(w, &db, err));
done:
    tarn_lake_db_close(&db);
    tarn_lake_close(lake);
    return rc;
}

/* ---- the project ---- */

static tarn_code write_file(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text text = {0};

    TARN_TRY(tarn_draft_write(&w->guess, &w->draft, &text, err));
    TARN_TRY(tarn_file_save(w->file, text.data, text.len, err));
done:
    tarn_text_clear(&text);
    return rc;
}

/* A lake of the project's own, even below a folder that has one. */
static tarn_code make_lake(const tarn_cli *cli, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char inside[PATH_MOST];

    TARN_TRY(tarn_path_join(inside, sizeof inside, cli->folder, ".tarn", err));
    if (!tarn_path_exists(inside)) TARN_TRY(tarn_lake_init(cli->folder, err));
done:
    return rc;
}

static tarn_code tell_guess(const work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    static const char *const tasks[] = {"binary", "multiclass", "regression"};
    const tarn_guess *g = &w->guess;
    json_t *out = json_array(), *doubtful = json_array();
    char rows[32];
    int used = 0, tried = 0;

    for (int i = 0; i < g->n; i++) used += g->columns[i].role < TARN_ROLE_TARGET;
    for (int i = 0; i < tarn_algo_count(); i++) tried += !w->draft.candidates[i].out[0];
    tarn_out(w->cli, "%s rows to predict '%s' by %d columns: %s (%s)%s%s\n", tarn_num_group(g->rows, rows),
             w->asked->wish.target, used, tasks[g->task], g->why, g->positive[0] ? "; yes is " : "", g->positive);
    for (int i = 0; i < g->n; i++) {
        if (g->columns[i].role != TARN_ROLE_OUT) continue;
        tarn_out(w->cli, "  left out: %s (%s)\n", g->columns[i].name, g->columns[i].why);
        TARN_TRY(tarn_json_append(out, json_pack("{s:s, s:s}", "column", g->columns[i].name, "why", g->columns[i].why),
                                  err));
    }
    if (g->rare > 0)
        tarn_say(w->cli->sink, TARN_WARN,
                 "%lld row%s of classes with fewer than %lld rows, like '%s', %s left out: no model will know them",
                 (long long)g->rare, g->rare == 1 ? "" : "s", (long long)g->rare_least, g->rare_class,
                 g->rare == 1 ? "is" : "are");
    for (int i = 0; i < g->n; i++) {
        if (!g->columns[i].doubt[0]) continue;
        tarn_say(w->cli->sink, TARN_WARN, "column '%s': %s", g->columns[i].name, g->columns[i].doubt);
        TARN_TRY(tarn_json_append(
            doubtful, json_pack("{s:s, s:s}", "column", g->columns[i].name, "why", g->columns[i].doubt), err));
    }
    if (json_array_size(doubtful) > 0)
        tarn_say(w->cli->sink, TARN_WARN,
                 "to learn without such a column, take it out of the features in %s and `tarn run`", w->file);
    tarn_out(w->cli, "Wrote %s with %d candidates; it can be changed and run again.\n\n", w->file, tried);
    TARN_TRY(tarn_json_set(w->cli->result, "project_file", json_string(w->file), err));
    TARN_TRY(tarn_json_set(w->cli->result, "task", json_string(tasks[g->task]), err));
    TARN_TRY(tarn_json_set(w->cli->result, "positive", json_string(g->positive), err));
    TARN_TRY(tarn_json_set(w->cli->result, "rows_of_rare_classes", json_integer(g->rare), err));
    TARN_TRY(tarn_json_set(w->cli->result, "left_out", json_incref(out), err));
    TARN_TRY(tarn_json_set(w->cli->result, "doubtful", json_incref(doubtful), err));
done:
    json_decref(out);
    json_decref(doubtful);
    return rc;
}

/* ---- running ---- */

static int candidate_of(const char *step)
{
    static const char *const before[] = {"train/tries/", "train/search/", "train/"};

    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        size_t len = strlen(before[i]);
        if (strncmp(step, before[i], len) != 0) continue;
        size_t name = strcspn(step + len, "/");
        for (int a = 0; a < tarn_algo_count(); a++)
            if (strlen(tarn_algo_at(a)->name) == name && strncmp(step + len, tarn_algo_at(a)->name, name) == 0)
                return a;
    }
    return -1;
}

static int candidates_left(const work *w)
{
    int left = 0;

    for (int a = 0; a < tarn_algo_count(); a++) left += !w->draft.candidates[a].out[0];
    return left;
}

/* If it was a candidate that failed and another one is left, take it out of the file and go on. */
static bool drop_failed(work *w, const tarn_err *why)
{
    const json_t *steps = json_object_get(w->cli->result, "steps");
    const json_t *last = json_array_get(steps, json_array_size(steps) - 1);
    int a = candidate_of(tarn_json_text(last, "name", ""));

    if (strcmp(tarn_json_text(last, "state", ""), "failed") != 0 || a < 0 || candidates_left(w) < 2) return false;
    (void)snprintf(w->draft.candidates[a].out, sizeof w->draft.candidates[a].out, "%.190s", why->msg);
    tarn_say(w->cli->sink, TARN_WARN, "%s is taken out: %s", tarn_algo_at(a)->name, why->msg);
    return true;
}

static tarn_code run_file(work *w, const char *until, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err why = {0};

    for (;;) {
        TARN_TRY(write_file(w, err));
        rc = tarn_cli_run_flow(w->cli, until, false, &why);
        bool again = (rc == TARN_INVALID || rc == TARN_NUMERIC || rc == TARN_LIMIT) && drop_failed(w, &why);
        if (!again) break;
    }
    if (rc != TARN_OK && err) *err = why;
done:
    return rc;
}

/* ---- a budget ---- */

static double seconds_of(const work *w, int a)
{
    const json_t *steps = json_object_get(w->cli->result, "steps"), *step;
    char name[100];
    size_t i;

    (void)snprintf(name, sizeof name, "train/%.80s", tarn_algo_at(a)->name);
    json_array_foreach((json_t *)(uintptr_t)steps, i, step)
    {
        if (strcmp(tarn_json_text(step, "name", ""), name) == 0)
            return json_number_value(json_object_get(step, "seconds"));
    }
    return 0;
}

/* Share what is left of the minutes among the candidates that have something to search; a try takes about as long as
 * the fit with the preset settings did, and the fit that ends the search as long again. */
static void share_out(work *w)
{
    double left = w->asked->minutes * 60 - (tarn_seconds() - w->started);
    int searching = 0;

    for (int a = 0; a < tarn_algo_count(); a++) {
        if (w->draft.candidates[a].out[0]) continue;
        left -= seconds_of(w, a);
        searching += tarn_algo_at(a)->space != NULL;
    }
    for (int a = 0; a < tarn_algo_count() && searching > 0; a++) {
        double fit = fmax(seconds_of(w, a), 0.01), tries = floor(left / searching / fit);
        double most = (double)w->asked->tries;
        w->draft.candidates[a].tries = (int64_t)fmax(0, fmin(tries, most));
    }
}

static tarn_code run_within_minutes(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int a = 0; a < tarn_algo_count(); a++) w->draft.candidates[a].tries = 0;
    TARN_TRY(run_file(w, "train", err));
    share_out(w);
    tarn_out(w->cli, "\nWhat is left of %g minutes goes into trying settings.\n\n", w->asked->minutes);
    TARN_TRY(run_file(w, NULL, err));
done:
    return rc;
}

tarn_code tarn_cli_auto(tarn_cli *cli, const tarn_auto *asked, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    work w = {.cli = cli, .asked = asked, .started = tarn_seconds()};
    tarn_lake *lake = NULL;

    TARN_TRY(tarn_path_join(w.file, sizeof w.file, cli->folder, "tarn.yaml", err));
    if (tarn_path_exists(w.file))
        TARN_TRY(TARN_FAIL(err, TARN_EXISTS,
                           "there is a project file '%.200s' already; change that and `tarn run`, or give --folder",
                           w.file));
    TARN_TRY(read_rows(&w, err));
    TARN_TRY(tarn_alloc(&w.draft.candidates, (size_t)tarn_algo_count(), sizeof *w.draft.candidates, err));
    w.draft.name = w.name;
    w.draft.path = w.path;
    w.draft.metric = asked->metric;
    tarn_draft_choose(&w.guess, asked->tries, w.draft.candidates);
    if (candidates_left(&w) == 0)
        TARN_TRY(TARN_FAIL(err, TARN_UNSUPPORTED, "no estimator does this task with these columns"));
    TARN_TRY(make_lake(cli, err));
    TARN_TRY(write_file(&w, err));
    TARN_TRY(tell_guess(&w, err));
    TARN_TRY(asked->minutes > 0 ? run_within_minutes(&w, err) : run_file(&w, NULL, err));
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    tarn_out(cli, "\n");
    TARN_TRY(tarn_cli_leaderboard(cli, lake, err));
done:
    tarn_lake_close(lake);
    close_work(&w);
    return rc;
}
