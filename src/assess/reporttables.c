/* SPDX-License-Identifier: Apache-2.0 */
/* reporttables.c - the tables and lists of a report: candidates, figures, classes, data, notes, commands. */
#include "assess/picture.h"
#include "assess/plain.h"
#include "assess/report.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 5 };
static const char *const compared[3][COLUMNS] = {{"roc_auc", "pr_auc", "f1", "log_loss", "brier"},
                                                 {"accuracy", "balanced_accuracy", "f1", "log_loss", "roc_auc"},
                                                 {"rmse", "mae", "median_ae", "mape", "r2"}};

static const char *figure_text(const tarn_metric *m, double x, char out[TARN_PLAIN])
{
    return strcmp(m->unit, "target") == 0 || !isfinite(x) ? tarn_plain_figure(x, out)
                                                          : tarn_plain_fixed(x, fabs(x) < 100 ? 3 : 0, out);
}

static void number_cell(tarn_report *r, const tarn_metric *m, double x, bool best)
{
    char number[TARN_PLAIN];

    tarn_text_addf(&r->out, "<td class=\"n%s\">%s</td>", best ? " best" : "",
                   isfinite(x) ? figure_text(m, x, number) : "\u2013");
}

/* The best value of a metric among the candidates; NaN if none has it. */
static double best_of(const json_t *candidates, const tarn_metric *m)
{
    const json_t *candidate;
    double best = NAN;
    size_t i;

    json_array_foreach(candidates, i, candidate)
    {
        double x = tarn_picture_number(json_object_get(candidate, "valid"), m->name);
        if (isfinite(x) && !(m->higher_is_better ? x <= best : x >= best)) best = x;
    }
    return best;
}

static void candidate_line(tarn_report *r, const json_t *candidate, const json_t *all,
                           const tarn_metric *const *columns)
{
    const char *name = tarn_json_text(candidate, "name", "");
    const json_t *valid = json_object_get(candidate, "valid");
    bool chosen = strcmp(name, tarn_json_text(r->story, "champion", "")) == 0;

    tarn_text_addf(&r->out, "<tr%s><td>", chosen ? " class=\"chosen\"" : "");
    tarn_report_text(r, tarn_json_text(candidate, "title", name));
    if (chosen) tarn_text_add(&r->out, "<span class=\"mark\">chosen</span>");
    tarn_text_add(&r->out, "</td>");
    for (int k = 0; k < COLUMNS; k++) {
        double x = tarn_picture_number(valid, columns[k]->name), best = best_of(all, columns[k]);
        number_cell(r, columns[k], x, x >= best && x <= best);
    }
    tarn_text_add(&r->out, "</tr>\n");
}

void tarn_report_candidates(tarn_report *r)
{
    const json_t *all = json_object_get(r->story, "candidates"), *candidate;
    const tarn_metric *columns[COLUMNS];
    size_t i;

    if (json_array_size(all) == 0) return;
    tarn_report_section(
        r, "What was tried",
        "Judged on the validation rows, which no candidate was trained on. The best of each column is in "
        "green.");
    tarn_text_add(&r->out, "<div class=\"wide\"><table><tr><th>Candidate</th>");
    for (int k = 0; k < COLUMNS; k++) {
        if (tarn_metric_find(compared[r->task][k], &columns[k], NULL) != TARN_OK) return;
        tarn_text_addf(&r->out, "<th class=\"n\">%s %s</th>", columns[k]->title,
                       columns[k]->higher_is_better ? "\u2191" : "\u2193");
    }
    tarn_text_add(&r->out, "</tr>\n");
    json_array_foreach(all, i, candidate) candidate_line(r, candidate, all, columns);
    tarn_text_add(&r->out, "</table></div><p class=\"help\">\u2191 more is better, \u2193 less is better</p>");
    tarn_report_section_end(r);
}

/* "0.81 to 0.84" */
static void interval_cell(tarn_report *r, const tarn_metric *m)
{
    double low, high;
    char number[TARN_PLAIN];

    tarn_text_add(&r->out, "<td class=\"n\">");
    if (tarn_picture_interval(r->assessed, m->name, &low, &high)) {
        tarn_text_addf(&r->out, "%s to ", figure_text(m, low, number));
        tarn_text_add(&r->out, figure_text(m, high, number));
    } else {
        tarn_text_add(&r->out, "\u2013");
    }
    tarn_text_add(&r->out, "</td>");
}

/* Whether rows or whole groups of them were drawn is what the width of an interval hangs on. */
static void tell_groups(tarn_report *r, const json_t *about)
{
    double groups = tarn_picture_number(about, "groups");
    char number[TARN_PLAIN];

    if (!json_is_true(json_object_get(about, "by_group")) || !(groups > 0)) return;
    tarn_text_addf(&r->out,
                   "<p class=\"help\">How sure figures are goes by whole groups, since rows of one group depend "
                   "on each other: %s groups of rows with the same ",
                   tarn_plain_fixed(groups, 0, number));
    tarn_report_text(r, tarn_json_text(about, "groups_of", "group"));
    tarn_text_add(&r->out, ".</p>");
}

void tarn_report_figures(tarn_report *r)
{
    const json_t *about = json_object_get(r->assessed, "interval");
    double level = tarn_picture_number(about, "level");
    bool sure = json_object_size(json_object_get(r->assessed, "intervals")) > 0 && level > 0 && level < 1;
    char number[TARN_PLAIN];

    tarn_report_section(
        r, "All figures on the test rows",
        sure ? "These rows were put aside from the start and used once, for this page. Another sample of "
               "as many rows would give other figures: where the model's true figure lies is said beside it."
             : "These rows were put aside from the start and used once, for this page.");
    tarn_text_add(&r->out, "<div class=\"wide\"><table><tr><th>Figure</th><th class=\"n\">Model</th>");
    if (sure) tarn_text_addf(&r->out, "<th class=\"n\">%s sure</th>", tarn_plain_share(level, number));
    if (r->baseline) tarn_text_add(&r->out, "<th class=\"n\">No model</th>");
    tarn_text_add(&r->out, "<th>What it says</th></tr>\n");
    for (int i = 0; i < tarn_metric_count(); i++) {
        const tarn_metric *m = tarn_metric_at(i);
        double model = tarn_picture_metric(r->assessed, m->name), base = tarn_picture_number(r->baseline, m->name);
        if (!(m->tasks >> r->task & 1u) || (m->needs_group && !isfinite(model))) continue;
        tarn_text_add(&r->out, "<tr>");
        tarn_report_element(r, "td", m->title);
        number_cell(r, m, model, isfinite(base) && (m->higher_is_better ? model > base : model < base));
        if (sure) interval_cell(r, m);
        if (r->baseline) number_cell(r, m, base, false);
        tarn_text_addf(&r->out, "<td class=\"help\">%s%s</td></tr>\n", m->help,
                       m->higher_is_better ? "" : " (less is better)");
    }
    tarn_text_add(&r->out, "</table></div>");
    if (sure) tell_groups(r, about);
    tarn_report_section_end(r);
}

void tarn_report_classes(tarn_report *r)
{
    static const char *const keys[] = {"precision", "recall", "f1"};
    const json_t *list = json_object_get(r->assessed, "per_class"), *item;
    char number[TARN_PLAIN];
    size_t i;

    if (r->task != TARN_MULTICLASS || json_array_size(list) == 0) return;
    tarn_report_section(r, "Class by class",
                        "Precision: of the rows given this class, the share that is. Recall: of the rows that are, the "
                        "share that was given it.");
    tarn_text_add(
        &r->out,
        "<div class=\"wide\"><table><tr><th>Class</th><th class=\"n\">Rows</th><th class=\"n\">Precision</th><th "
        "class=\"n\">Recall</th><th class=\"n\">F1 score</th></tr>\n");
    json_array_foreach(list, i, item)
    {
        tarn_text_add(&r->out, "<tr>");
        tarn_report_element(r, "td", tarn_json_text(item, "name", "?"));
        tarn_text_addf(&r->out, "<td class=\"n\">%s</td>",
                       tarn_plain_fixed(tarn_picture_number(item, "rows"), 0, number));
        for (int k = 0; k < 3; k++)
            tarn_text_addf(&r->out, "<td class=\"n\">%s</td>",
                           tarn_plain_share(tarn_picture_number(item, keys[k]), number));
        tarn_text_add(&r->out, "</tr>\n");
    }
    tarn_text_add(&r->out, "</table></div>");
    tarn_report_section_end(r);
}

/* A text, or a number as people read it. */
static void value_text(tarn_report *r, const json_t *value)
{
    char number[TARN_PLAIN];

    if (json_is_string(value)) tarn_report_text(r, json_string_value(value));
    if (json_is_integer(value)) tarn_report_text(r, tarn_plain_fixed((double)json_integer_value(value), 0, number));
    if (json_is_real(value)) tarn_report_text(r, tarn_plain_figure(json_real_value(value), number));
    if (json_is_boolean(value)) tarn_report_text(r, json_is_true(value) ? "yes" : "no");
}

static void parts_table(tarn_report *r, const json_t *parts)
{
    const json_t *part;
    size_t i;

    if (json_array_size(parts) == 0) return;
    tarn_text_add(&r->out, "<div class=\"wide\"><table><tr><th>Part</th><th "
                           "class=\"n\">Rows</th><th>From</th><th>To</th><th>Used for</th></tr>\n");
    json_array_foreach(parts, i, part)
    {
        tarn_text_add(&r->out, "<tr>");
        tarn_report_element(r, "td", tarn_json_text(part, "name", ""));
        tarn_text_add(&r->out, "<td class=\"n\">");
        value_text(r, json_object_get(part, "rows"));
        tarn_text_add(&r->out, "</td><td>");
        value_text(r, json_object_get(part, "from"));
        tarn_text_add(&r->out, "</td><td>");
        value_text(r, json_object_get(part, "to"));
        tarn_text_add(&r->out, "</td><td class=\"help\">");
        value_text(r, json_object_get(part, "used_for"));
        tarn_text_add(&r->out, "</td></tr>\n");
    }
    tarn_text_add(&r->out, "</table></div>");
}

/* Entries {"name", "value"} as a table, plain texts as lines of it. */
static void facts_table(tarn_report *r, const json_t *facts)
{
    const json_t *fact;
    size_t i;

    if (json_array_size(facts) == 0) return;
    tarn_text_add(&r->out, "<div class=\"wide\"><table>\n");
    json_array_foreach(facts, i, fact)
    {
        if (json_is_string(fact)) {
            tarn_text_add(&r->out, "<tr><td colspan=\"2\">");
            value_text(r, fact);
        } else {
            tarn_text_add(&r->out, "<tr><td class=\"help\">");
            value_text(r, json_object_get(fact, "name"));
            tarn_text_add(&r->out, "</td><td>");
            value_text(r, json_object_get(fact, "value"));
        }
        tarn_text_add(&r->out, "</td></tr>\n");
    }
    tarn_text_add(&r->out, "</table></div>");
}

void tarn_report_data(tarn_report *r)
{
    const json_t *parts = json_object_get(r->story, "parts"), *facts = json_object_get(r->story, "data");

    if (json_array_size(parts) + json_array_size(facts) == 0) return;
    tarn_report_section(r, "The data", NULL);
    parts_table(r, parts);
    facts_table(r, facts);
    tarn_report_section_end(r);
}

void tarn_report_notes(tarn_report *r)
{
    const json_t *notes = json_object_get(r->story, "notes"), *note;
    size_t i;

    if (json_array_size(notes) == 0) return;
    tarn_report_section(r, "What to keep in mind", NULL);
    tarn_text_add(&r->out, "<ul>");
    json_array_foreach(notes, i, note)
        tarn_report_element(r, "li", json_is_string(note) ? json_string_value(note) : "");
    tarn_text_add(&r->out, "</ul>");
    tarn_report_section_end(r);
}

void tarn_report_reproduce(tarn_report *r)
{
    const json_t *commands = json_object_get(r->story, "commands"), *command;
    const char *id = tarn_json_text(r->story, "model_id", "");
    size_t i;

    if (json_array_size(commands) == 0 && !*id) return;
    tarn_report_section(r, "How to get the same again", NULL);
    if (*id) {
        tarn_text_add(&r->out, "<p>Model ");
        tarn_report_element(r, "code", id);
        tarn_text_add(&r->out, "</p>");
    }
    json_array_foreach(commands, i, command)
    {
        const char *text =
            json_is_string(command) ? json_string_value(command) : tarn_json_text(command, "command", "");
        const char *what = tarn_json_text(command, "what", "");
        if (*what) tarn_report_element(r, "p", what);
        tarn_report_element(r, "pre", text);
    }
    tarn_report_section_end(r);
}
