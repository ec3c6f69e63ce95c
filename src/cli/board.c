/* SPDX-License-Identifier: Apache-2.0 */
/* board.c - see board.h. */
#include "cli/board.h"

#include "base/mem.h"
#include "cli/scored.h"
#include "flow/scoring.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is asked of every candidate, and on which rows. */
typedef struct board {
    tarn_cli *cli;
    tarn_lake *lake;
    const char *branch;
    const tarn_metric *metric;
    tarn_columns *columns; /* NULL: the validation rows are not to be had */
    int64_t *rows, n;
    tarn_weighed weighed;
    json_t *runs, *out;
} board;

/* One line. */
typedef struct line {
    double figure, low, high; /* NaN: not known */
    bool folds;
    double fit_s, search_s; /* NaN: no record */
    double row_us, one_us;
    int64_t bytes, tries;
} line;

/* ---- time ---- */

/* Seconds of the newest run that did the step; NaN if none is on record. */
static double seconds_of(const board *b, const char *name)
{
    for (size_t i = 0; i < json_array_size(b->runs); i++) {
        const json_t *steps = json_object_get(json_array_get(b->runs, i), "steps");
        for (size_t k = 0; k < json_array_size(steps); k++) {
            const json_t *s = json_array_get(steps, k);
            if (strcmp(tarn_json_text(s, "name", ""), name) == 0 && strcmp(tarn_json_text(s, "state", ""), "done") == 0)
                return json_number_value(json_object_get(s, "seconds"));
        }
    }
    return NAN;
}

/* The same of all tries of a candidate, each in the newest run that did it. */
static double search_seconds(const board *b, const char *name)
{
    char prefix[200];
    double sum = 0;
    json_t *seen = json_object();

    (void)snprintf(prefix, sizeof prefix, "train/tries/%.150s/", name);
    for (size_t i = 0; seen && i < json_array_size(b->runs); i++) {
        const json_t *steps = json_object_get(json_array_get(b->runs, i), "steps");
        for (size_t k = 0; k < json_array_size(steps); k++) {
            const json_t *s = json_array_get(steps, k);
            const char *step = tarn_json_text(s, "name", "");
            if (strncmp(step, prefix, strlen(prefix)) != 0 || strcmp(tarn_json_text(s, "state", ""), "done") != 0 ||
                json_object_get(seen, step))
                continue;
            sum += json_number_value(json_object_get(s, "seconds"));
            (void)json_object_set_new(seen, step, json_true());
        }
    }
    json_decref(seen);
    return sum;
}

/* The fastest of several goes over n rows, in microseconds a row. The machine has other things to do, too. */
static tarn_code time_many(const tarn_model *m, int64_t n, const double *fields, double *p, double *us, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const double **columns = NULL;
    double until = tarn_seconds() + 0.1;

    *us = INFINITY;
    TARN_TRY(tarn_alloc(&columns, (size_t)tarn_model_inputs(m) + 1, sizeof *columns, err));
    for (int i = 0; i < tarn_model_inputs(m); i++) columns[i] = fields + (int64_t)i * n;
    for (int go = 0; go < 3 || (go < 1000 && tarn_seconds() < until); go++) {
        double from = tarn_seconds();
        TARN_TRY(tarn_model_run(m, NULL, n, columns, p, err));
        *us = fmin(*us, (tarn_seconds() - from) * 1e6 / (double)n);
    }
done:
    tarn_free(columns);
    return rc;
}

/* A row by itself, as a request to the server has it: up to ROWS different rows one after the other, so that no branch
 * and no cache line is guessed from the same row the moment before. The fastest of several goes, as above. */
static tarn_code time_one(const tarn_model *m, int64_t n, const double *fields, double *us, tarn_err *err)
{
    enum { ROWS = 512 };
    tarn_code rc = TARN_OK;
    int inputs = tarn_model_inputs(m);
    int64_t rows = n < ROWS ? n : ROWS;
    double *in = NULL, *scratch = NULL, *out = NULL, until;

    *us = INFINITY;
    TARN_TRY(tarn_alloc(&in, (size_t)rows * (size_t)inputs + 1, sizeof *in, err));
    TARN_TRY(tarn_alloc(&scratch, tarn_model_scratch(m) + 1, sizeof *scratch, err));
    TARN_TRY(tarn_alloc(&out, (size_t)tarn_model_outputs(m), sizeof *out, err));
    for (int64_t row = 0; row < rows; row++)
        for (int i = 0; i < inputs; i++) in[row * inputs + i] = fields[(int64_t)i * n + row];
    until = tarn_seconds() + 0.05;
    for (int go = 0; go < 2 || (go < 1000 && tarn_seconds() < until); go++) {
        double from = tarn_seconds();
        for (int64_t row = 0; row < rows; row++) tarn_model_row(m, in + row * inputs, scratch, out);
        *us = fmin(*us, (tarn_seconds() - from) * 1e6 / (double)rows);
    }
done:
    tarn_free(in);
    tarn_free(scratch);
    tarn_free(out);
    return rc;
}

/* ---- figures ---- */

/* Of the validation rows, unless there are folds: how sure the figure is. And how fast the model is on these rows. */
static tarn_code look_at_model(const board *b, const char *name, line *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_model *m = NULL;
    tarn_scored s = {0};
    tarn_interval found;

    TARN_TRY(tarn_cli_candidate(b->lake, b->branch, name, &m, err));
    TARN_TRY(tarn_score(m, b->cli->pool, b->columns, b->rows, b->n, &s, err));
    tarn_weighed_give(&b->weighed, &s.judged);
    if (!l->folds && tarn_metric_suits(b->metric, &s.judged)) {
        TARN_TRY(tarn_metric_interval(NULL, b->metric, &s.judged, NULL, b->cli->pool, &found, err));
        l->low = found.low;
        l->high = found.high;
    }
    TARN_TRY(time_many(m, b->n, s.fields, s.p, &l->row_us, err));
    TARN_TRY(time_one(m, b->n, s.fields, &l->one_us, err));
done:
    tarn_scored_clear(&s);
    tarn_model_free(m);
    return rc;
}

static double number(const json_t *j, const char *key)
{
    const json_t *x = json_object_get(j, key);
    return json_is_number(x) ? json_number_value(x) : NAN;
}

static tarn_code look(const board *b, const json_t *candidate, line *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *name = tarn_json_text(candidate, "name", "");
    const json_t *folds = json_object_get(candidate, "folds");
    const json_t *fold = json_object_get(json_object_get(folds, "metrics"), b->metric->name);
    char step[200];

    *l = (line){.low = NAN, .high = NAN, .row_us = NAN, .one_us = NAN, .folds = json_is_object(folds)};
    l->figure = number(json_object_get(candidate, "valid"), b->metric->name);
    if (l->folds) {
        l->figure = number(fold, "mean");
        l->low = number(fold, "low");
        l->high = number(fold, "high");
    }
    (void)snprintf(step, sizeof step, "train/%.150s", name);
    l->fit_s = seconds_of(b, step);
    l->search_s = search_seconds(b, name);
    l->bytes = json_integer_value(json_object_get(candidate, "bytes"));
    l->tries = json_integer_value(json_object_get(candidate, "tries"));
    if (b->columns) TARN_TRY(look_at_model(b, name, l, err));
done:
    return rc;
}

/* ---- telling ---- */

static void tell_head(const board *b)
{
    tarn_out(b->cli, "%s, higher is %s\n%s  %-18s %10s  %-22s %6s %9s %9s %10s %9s %9s%s\n", b->metric->title,
             b->metric->higher_is_better ? "better" : "worse", tarn_color(b->cli, "bold"), "candidate", b->metric->name,
             "95 % sure", "tries", "fit s", "search s", "us a row", "us alone", "size", tarn_color(b->cli, NULL));
}

static tarn_code tell(const board *b, const json_t *candidate, const line *l, bool winner, tarn_err *err)
{
    char sure[64] = "-", fit[32] = "-", size[32];
    const char *name = tarn_json_text(candidate, "name", "");

    if (isfinite(l->low) && isfinite(l->high)) (void)snprintf(sure, sizeof sure, "%.4g to %.4g", l->low, l->high);
    if (isfinite(l->fit_s)) (void)snprintf(fit, sizeof fit, "%.2f", l->fit_s);
    tarn_out(b->cli, "%s %-18s %10.5g  %-22s %6lld %9s %9.2f %10.3f %9.2f %9s\n", winner ? "*" : " ", name, l->figure,
             sure, (long long)(l->tries ? l->tries : 1), fit, l->search_s, l->row_us, l->one_us,
             tarn_num_bytes((uint64_t)l->bytes, size));
    return tarn_json_append(b->out,
                            json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:s, s:I, s:o, s:o, s:o, s:o, s:I}", "name", name,
                                      "algo", tarn_json_text(candidate, "algo", ""), "winner", (int)winner, "figure",
                                      tarn_json_num(l->figure), "low", tarn_json_num(l->low), "high",
                                      tarn_json_num(l->high), "of", l->folds ? "folds" : "valid", "tries",
                                      (json_int_t)(l->tries ? l->tries : 1), "fit_seconds", tarn_json_num(l->fit_s),
                                      "search_seconds", tarn_json_num(l->search_s), "row_us", tarn_json_num(l->row_us),
                                      "one_row_us", tarn_json_num(l->one_us), "bytes", (json_int_t)l->bytes),
                            err);
}

/* Places of the candidates, best first; those without a figure last. */
static void sort(const line *lines, size_t n, bool higher, size_t *order)
{
    for (size_t i = 0; i < n; i++) {
        double x = isnan(lines[i].figure) ? -INFINITY : higher ? lines[i].figure : -lines[i].figure;
        size_t at = i;
        for (; at > 0; at--) {
            double y = lines[order[at - 1]].figure;
            y = isnan(y) ? -INFINITY : higher ? y : -y;
            if (!(x > y)) break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

static tarn_code fill(board *b, const json_t *read, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *candidates = json_object_get(read, "candidates");
    const char *winner = tarn_json_text(read, "winner", "");
    size_t n = json_array_size(candidates), *order = NULL;
    line *lines = NULL;
    bool drawn = false;

    TARN_TRY(tarn_alloc(&lines, n + 1, sizeof *lines, err));
    TARN_TRY(tarn_alloc(&order, n + 1, sizeof *order, err));
    for (size_t i = 0; i < n; i++) {
        TARN_TRY(tarn_cancel_check(b->cli->sink, err));
        TARN_TRY(look(b, json_array_get(candidates, i), &lines[i], err));
        drawn = drawn || !lines[i].folds;
    }
    sort(lines, n, b->metric->higher_is_better, order);
    tell_head(b);
    for (size_t i = 0; i < n; i++) {
        const json_t *c = json_array_get(candidates, order[i]);
        TARN_TRY(tell(b, c, &lines[order[i]], strcmp(tarn_json_text(c, "name", ""), winner) == 0, err));
    }
    if (drawn) TARN_TRY(tarn_weighed_tell(b->cli, &b->weighed, err));
done:
    tarn_free(order);
    tarn_free(lines);
    return rc;
}

static void clear(board *b)
{
    tarn_columns_release(b->columns);
    tarn_free(b->rows);
    tarn_weighed_clear(&b->weighed);
    json_decref(b->runs);
    json_decref(b->out);
}

tarn_code tarn_cli_leaderboard(tarn_cli *cli, tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char branch[256], rows[32];
    tarn_lake_db db = {0};
    json_t *read = NULL;
    board b = {.cli = cli, .lake = lake, .branch = tarn_cli_branch(cli, branch, sizeof branch), .out = json_array()};

    rc = tarn_cli_read_json(lake, branch, "train/leaderboard.json", &read, err);
    if (rc == TARN_NOT_FOUND)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "nothing was trained on branch '%.100s' yet; `tarn train` does it", branch);
    TARN_TRY(rc);
    TARN_TRY(tarn_metric_find(tarn_json_text(read, "metric", ""), &b.metric, err));
    TARN_TRY(tarn_flow_runs(lake, 1000, &b.runs, err));
    TARN_TRY(tarn_lake_db_open(lake, branch, tarn_pool_threads(cli->pool), false, &db, err));
    TARN_TRY(tarn_cli_part(cli, &db, "valid", &b.columns, &b.rows, &b.n, err));
    TARN_TRY(tarn_cli_weigh(cli, b.columns, b.rows, b.n, &b.weighed, err));
    TARN_TRY(fill(&b, read, err));
    tarn_out(cli, "Times of predictions were measured now, on %s validation rows, on one thread.\n",
             tarn_num_group(b.n, rows));
    TARN_TRY(tarn_json_set(cli->result, "metric", json_string(b.metric->name), err));
    TARN_TRY(tarn_json_set(cli->result, "rows", json_integer(b.n), err));
    TARN_TRY(tarn_json_set(cli->result, "candidates", json_incref(b.out), err));
done:
    json_decref(read);
    tarn_lake_db_close(&db);
    clear(&b);
    return rc;
}
