/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c - what a report says first: the figures to remember, as sentences and as tiles. */
#include "assess/picture.h"
#include "assess/plain.h"
#include "assess/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double test_of(const tarn_report *r, const char *metric) { return tarn_picture_metric(r->assessed, metric); }

static double baseline_of(const tarn_report *r, const char *metric) { return tarn_picture_number(r->baseline, metric); }

/* "46", "fewer than 1", "more than 99": of a hundred. */
static const char *of_hundred(double share, char out[TARN_PLAIN])
{
    double n = round(share * 100);

    if (!isfinite(share)) return tarn_plain_fixed(share, 0, out);
    if (n < 1 && share > 0) (void)snprintf(out, TARN_PLAIN, "fewer than 1");
    else if (n > 99 && share < 1) (void)snprintf(out, TARN_PLAIN, "more than 99");
    else (void)tarn_plain_fixed(n, 0, out);
    return out;
}

/* Plural word for rows: "flights". */
static const char *rows_word(const tarn_report *r) { return tarn_json_text(r->story, "noun", "rows"); }

static const char *positive_word(const tarn_report *r)
{
    return tarn_json_text(r->story, "positive", tarn_json_text(r->assessed, "positive", "positive"));
}

/* Weight of rows that are class 1, and of all, from the confusion. */
static double positive_share(const tarn_report *r)
{
    const json_t *lines = json_object_get(r->assessed, "per_class");
    double no = tarn_picture_number(json_array_get(lines, 0), "rows"),
           yes = tarn_picture_number(json_array_get(lines, 1), "rows");

    return yes / (no + yes);
}

static bool flags_nothing(const tarn_report *r)
{
    return tarn_picture_number(json_array_get(json_object_get(r->assessed, "per_class"), 1), "predicted") <= 0;
}

static void binary_sentences(tarn_report *r)
{
    char a[TARN_PLAIN], b[TARN_PLAIN];

    tarn_text_add(&r->out, "<p>");
    if (flags_nothing(r)) {
        tarn_text_add(&r->out, "At its threshold the model flags nothing at all.");
    } else {
        tarn_text_add(&r->out, "Of 100 ");
        tarn_report_text(r, rows_word(r));
        tarn_text_add(&r->out, " that the model flags as \u201c");
        tarn_report_text(r, positive_word(r));
        tarn_text_addf(&r->out, "\u201d, %s are. Of 100 that are, it finds %s.", of_hundred(test_of(r, "precision"), a),
                       of_hundred(test_of(r, "recall"), b));
    }
    tarn_text_addf(&r->out, "</p><p>Without a model, %s of 100 flagged at random would be.",
                   of_hundred(positive_share(r), a));
    if (isfinite(test_of(r, "roc_auc")))
        tarn_text_addf(
            &r->out, " Given one of each kind, it ranks the right one higher %s times in 100; guessing would 50 times.",
            of_hundred(test_of(r, "roc_auc"), a));
    tarn_text_add(&r->out, "</p>");
}

static void multiclass_sentences(tarn_report *r)
{
    char a[TARN_PLAIN];

    tarn_text_addf(&r->out, "<p>Of 100 ");
    tarn_report_text(r, rows_word(r));
    tarn_text_addf(&r->out, ", the model names the right class for %s.</p>", of_hundred(test_of(r, "accuracy"), a));
    if (isfinite(baseline_of(r, "accuracy")))
        tarn_text_addf(&r->out, "<p>Without a model, %s of 100 would be right.</p>",
                       of_hundred(baseline_of(r, "accuracy"), a));
}

static void regression_sentences(tarn_report *r)
{
    char a[TARN_PLAIN], b[TARN_PLAIN];

    tarn_text_addf(&r->out, "<p>Half of the predictions are within %s of the true ",
                   tarn_plain_figure(test_of(r, "median_ae"), a));
    tarn_report_text(r, tarn_json_text(r->story, "target", "value"));
    tarn_text_addf(&r->out, "; on average they are off by %s.</p>", tarn_plain_figure(test_of(r, "mae"), a));
    if (isfinite(baseline_of(r, "mae")))
        tarn_text_addf(&r->out, "<p>Without a model, the average error would be %s.</p>",
                       tarn_plain_figure(baseline_of(r, "mae"), b));
}

static void money_text(tarn_report *r, double value)
{
    char number[TARN_PLAIN];
    const char *unit = tarn_json_text(json_object_get(r->assessed, "profit"), "unit", "");

    tarn_text_add(&r->out, tarn_plain_fixed(value, fabs(value) < 100 ? 2 : 0, number));
    if (*unit) tarn_text_add(&r->out, " ");
    tarn_report_text(r, unit);
}

static void money_sentence(tarn_report *r)
{
    const json_t *profit = json_object_get(r->assessed, "profit");
    double gain, value = tarn_picture_number(profit, "value");
    double none = tarn_picture_number(profit, "none"), all = tarn_picture_number(profit, "all");

    if (!isfinite(value) || !isfinite(none) || !isfinite(all)) return;
    gain = value - fmax(none, all);
    tarn_text_add(&r->out, "<p>With the declared costs, its decisions on the test rows are worth <b>");
    money_text(r, fabs(gain));
    tarn_text_addf(&r->out, "</b> %s than the better of flagging nothing and flagging everything.</p>",
                   gain >= 0 ? "more" : "<b>less</b>");
}

void tarn_report_verdict(tarn_report *r)
{
    tarn_text_add(&r->out, "<section class=\"verdict\">");
    if (r->task == TARN_BINARY) binary_sentences(r);
    if (r->task == TARN_MULTICLASS) multiclass_sentences(r);
    if (r->task == TARN_REGRESSION) regression_sentences(r);
    money_sentence(r);
    tarn_text_add(&r->out, "</section>\n");
}

/* sure: what it lies between, or "". */
static void tile(tarn_report *r, const char *value, const char *label, const char *sure)
{
    tarn_text_add(&r->out, "<div class=\"tile\"><b>");
    tarn_report_text(r, value);
    tarn_text_add(&r->out, "</b><span>");
    tarn_report_text(r, label);
    if (*sure) tarn_text_add(&r->out, "<br/>");
    tarn_report_text(r, sure);
    tarn_text_add(&r->out, "</span></div>");
}

static const char *tile_number(double x, bool percent, char out[TARN_PLAIN])
{
    return percent ? tarn_plain_share(x, out) : tarn_plain_figure(x, out);
}

static void metric_tile(tarn_report *r, const tarn_metric *metric)
{
    bool percent = strcmp(metric->unit, "share") == 0 && strcmp(metric->name, "roc_auc") != 0;
    double low, high;
    char value[TARN_PLAIN], a[TARN_PLAIN], b[TARN_PLAIN], sure[2 * TARN_PLAIN + 8] = "";

    if (tarn_picture_interval(r->assessed, metric->name, &low, &high))
        (void)snprintf(sure, sizeof sure, "%s to %s", tile_number(low, percent, a), tile_number(high, percent, b));
    tile(r, tile_number(test_of(r, metric->name), percent, value), metric->title, sure);
}

void tarn_report_tiles(tarn_report *r)
{
    static const char *const shown[3][4] = {{"roc_auc", "precision", "recall", "ece"},
                                            {"accuracy", "balanced_accuracy", "f1", "log_loss"},
                                            {"mae", "rmse", "median_ae", "r2"}};
    char number[TARN_PLAIN];

    tarn_text_add(&r->out, "<div class=\"tiles\">");
    for (int i = 0; i < 4; i++) {
        const tarn_metric *metric = NULL;
        if (tarn_metric_find(shown[r->task][i], &metric, NULL) != TARN_OK) continue;
        metric_tile(r, metric);
    }
    tile(r, tarn_plain_fixed(tarn_picture_number(r->assessed, "rows"), 0, number), "test rows, never seen in training",
         "");
    tarn_text_add(&r->out, "</div>\n");
}

static void money_line(tarn_report *r, const char *what, const char *key, double threshold, double rows)
{
    char number[TARN_PLAIN];
    const json_t *profit = json_object_get(r->assessed, "profit");
    double value = tarn_picture_number(profit, key);

    tarn_text_addf(&r->out, "<tr%s><td>", strcmp(key, "value") == 0 ? " class=\"chosen\"" : "");
    tarn_report_text(r, what);
    tarn_text_addf(&r->out, "</td><td class=\"n\">%s</td><td class=\"n\">",
                   isfinite(threshold) ? tarn_plain_share(threshold, number) : "\u2013");
    money_text(r, value);
    tarn_text_add(&r->out, "</td><td class=\"n\">");
    money_text(r, value / rows * 100);
    tarn_text_add(&r->out, "</td></tr>\n");
}

void tarn_report_money(tarn_report *r)
{
    const json_t *profit = json_object_get(r->assessed, "profit"), *classes = json_object_get(r->assessed, "per_class");
    double rows = tarn_picture_number(json_array_get(classes, 0), "rows") +
                  tarn_picture_number(json_array_get(classes, 1), "rows");

    if (!json_is_object(profit) || !(rows > 0)) return;
    tarn_report_section(
        r, "Money",
        "What all decisions on the test rows are worth by the declared cost table. The best threshold in "
        "hindsight shows how much is left on the table; the one in use was chosen without looking at these rows.");
    tarn_text_add(
        &r->out,
        "<div class=\"wide\"><table><tr><th>Policy</th><th class=\"n\">Flagged from</th><th class=\"n\">Value on the "
        "test rows</th><th class=\"n\">Per 100 rows</th></tr>\n");
    money_line(r, "The model, at the threshold in use", "value", tarn_picture_number(profit, "threshold"), rows);
    money_line(r, "The model, at the best threshold in hindsight", "best_value",
               tarn_picture_number(profit, "best_threshold"), rows);
    money_line(r, "Flag nothing", "none", NAN, rows);
    money_line(r, "Flag everything", "all", NAN, rows);
    tarn_text_add(&r->out, "</table></div>");
    tarn_report_section_end(r);
}
