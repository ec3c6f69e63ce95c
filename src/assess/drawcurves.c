/* SPDX-License-Identifier: Apache-2.0 */
/* drawcurves.c - the pictures that are lines: ROC, precision and recall, calibration, profit. */
#include "assess/picture.h"

#include "assess/plain.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 520, HEIGHT = 380, SIDE = 172 /* room for a legend */, LABEL_WIDTH = 110 /* of a threshold */ };

static const char *positive(const json_t *assessed) { return tarn_json_text(assessed, "positive", "positive"); }

static bool binary(const json_t *assessed) { return json_object_get(assessed, "positive") != NULL; }

static void say_share(tarn_text *out, const char *before, double x, const char *after)
{
    char number[TARN_PLAIN];

    tarn_text_addf(out, "%s%s%s", before, tarn_plain_share(x, number), after);
}

static void say_figure(tarn_text *out, const char *before, double x, const char *after)
{
    char number[TARN_PLAIN];

    tarn_text_addf(out, "%s%s%s", before, tarn_plain_figure(x, number), after);
}

/* The names of curves with their areas, for a legend: "late 0.81". */
enum { NAMES = 8, NAME_BYTES = 96 };
typedef struct names {
    char text[NAMES][NAME_BYTES];
    const char *at[NAMES];
    size_t n;
} names;

static void name_curves(const json_t *curves, names *out)
{
    out->n = json_array_size(curves) < NAMES ? json_array_size(curves) : NAMES;
    for (size_t i = 0; i < out->n; i++) {
        const json_t *curve = json_array_get(curves, i);
        char cut[NAME_BYTES - TARN_PLAIN], area[TARN_PLAIN];
        (void)tarn_plain_cut(tarn_json_text(curve, "name", "?"), 8, cut, sizeof(cut));
        (void)snprintf(out->text[i], NAME_BYTES, "%s  %s", cut,
                       tarn_plain_fixed(tarn_picture_number(curve, "area"), 3, area));
        out->at[i] = out->text[i];
    }
}

/* One curve of roc or pr; the only one also gets its area. */
static tarn_code draw_one(tarn_chart *c, const json_t *curve, const char *x_key, const char *y_key, int colour,
                          bool fill, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_series x = {0}, y = {0};

    TARN_TRY(tarn_series_read(curve, x_key, &x, err));
    TARN_TRY(tarn_series_read_n(curve, y_key, x.n, &y, err));
    if (fill) tarn_chart_area(c, colour, x.x, y.x, x.n, 0);
    tarn_chart_line(c, colour, TARN_SOLID, x.x, y.x, x.n);
done:
    tarn_series_clear(&x);
    tarn_series_clear(&y);
    return rc;
}

static tarn_code draw_all(tarn_chart *c, const json_t *part, const char *x_key, const char *y_key, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *curves = json_object_get(part, "curves");
    size_t n = json_array_size(curves);

    for (size_t i = 0; i < n && i < NAMES; i++)
        TARN_TRY(draw_one(c, json_array_get(curves, i), x_key, y_key, (int)i, n == 1, err));
done:
    return rc;
}

/* The threshold in use as a dot on the curve, with its label. */
static void draw_threshold(tarn_chart *c, const json_t *assessed, double x, double y, double dx, double dy)
{
    char number[TARN_PLAIN], text[TARN_PLAIN + 32];
    double threshold = tarn_picture_number(assessed, "threshold");

    if (!isfinite(threshold) || !isfinite(x) || !isfinite(y)) return;
    (void)snprintf(text, sizeof(text), "threshold %s", tarn_plain_share(threshold, number));
    bool fits = tarn_chart_x(c, x) + LABEL_WIDTH < c->right;
    tarn_chart_dot(c, 1, 5.5, 1, x, y);
    tarn_chart_label(c, 1, fits ? TARN_RIGHT_OF : TARN_LEFT_OF, x, y, fits ? dx : -dx, dy, text);
}

static void say_roc(const json_t *assessed, tarn_text *out)
{
    double area = tarn_picture_metric(assessed, "roc_auc");

    if (!isfinite(area)) {
        tarn_text_add(out, "The area under this curve is not defined: these rows do not hold every class.");
        return;
    }
    if (!binary(assessed)) {
        say_figure(out,
                   "Each line is one class against all others; the further it bends to the upper left, the better. On "
                   "average the area under it is ",
                   area, ", where guessing gives 0.5.");
        return;
    }
    say_share(out, "Given one row of each kind, the model gives the higher score to the right one ", area,
              " of the time; guessing would do so half the time.");
    say_share(out, " At its threshold it finds ", tarn_picture_metric(assessed, "recall"), "");
    tarn_text_addf(out, " of what is \u201c%s\u201d", positive(assessed));
    say_share(out, " and wrongly flags ", 1 - tarn_picture_metric(assessed, "specificity"), " of the rest.");
}

static tarn_code draw_roc(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err)
{
    static const tarn_axis x = {.title = "Wrongly flagged (false positive rate)", .most = 1, .scale = TARN_SCALE_SHARE};
    static const tarn_axis y = {.title = "Found (true positive rate)", .most = 1, .scale = TARN_SCALE_SHARE};
    static const double corner[] = {0, 1};
    tarn_code rc = TARN_OK;
    const json_t *part = NULL;
    names legend;

    TARN_TRY(tarn_picture_part(assessed, "roc", &part, err));
    tarn_chart_begin(c, WIDTH, HEIGHT, "What is found, and at what price", about);
    name_curves(json_object_get(part, "curves"), &legend);
    if (legend.n > 1) c->side = SIDE;
    tarn_chart_axes(c, &x, &y);
    tarn_chart_line(c, TARN_MUTED, TARN_DASHED, corner, corner, 2);
    tarn_chart_label(c, TARN_MUTED, TARN_LEFT_OF, 0.5, 0.5, -10, 0, "guessing");
    TARN_TRY(draw_all(c, part, "fpr", "tpr", err));
    if (legend.n > 1) {
        tarn_chart_legend(c, c->right + 16, c->top + 12, legend.at, legend.n);
        goto done;
    }
    char number[TARN_PLAIN], text[TARN_PLAIN + 32];
    (void)snprintf(text, sizeof(text), "area (AUC) %s",
                   tarn_plain_fixed(tarn_picture_metric(assessed, "roc_auc"), 3, number));
    tarn_chart_label(c, 0, TARN_LEFT_OF, 1, 0, -16, -20, text);
    draw_threshold(c, assessed, 1 - tarn_picture_metric(assessed, "specificity"),
                   tarn_picture_metric(assessed, "recall"), 12, 16);
done:
    return rc;
}

const tarn_picture_kind tarn_picture_roc = {.name = "roc", .say = say_roc, .draw = draw_roc};

static void say_pr(const json_t *assessed, tarn_text *out)
{
    const json_t *curve = json_array_get(json_object_get(json_object_get(assessed, "pr"), "curves"), 0);

    if (!binary(assessed)) {
        tarn_text_add(out,
                      "Each line is one class: how often a flag is right, as more and more of that class is found.");
        return;
    }
    say_share(out, "Of the rows it flags, ", tarn_picture_metric(assessed, "precision"), "");
    tarn_text_addf(out, " are \u201c%s\u201d", positive(assessed));
    say_share(out, "; flagging blindly, ", tarn_picture_number(curve, "share"),
              " would be. Finding more (to the right) costs precision.");
}

static tarn_code draw_pr(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err)
{
    static const tarn_axis x = {.title = "Found (recall)", .most = 1, .scale = TARN_SCALE_SHARE};
    static const tarn_axis y = {.title = "Flags that are right (precision)", .most = 1, .scale = TARN_SCALE_SHARE};
    static const double ends[] = {0, 1};
    tarn_code rc = TARN_OK;
    const json_t *part = NULL;
    names legend;

    TARN_TRY(tarn_picture_part(assessed, "pr", &part, err));
    tarn_chart_begin(c, WIDTH, HEIGHT, "How far flags can be trusted", about);
    name_curves(json_object_get(part, "curves"), &legend);
    if (legend.n > 1) c->side = SIDE;
    tarn_chart_axes(c, &x, &y);
    TARN_TRY(draw_all(c, part, "recall", "precision", err));
    if (legend.n > 1) {
        tarn_chart_legend(c, c->right + 16, c->top + 12, legend.at, legend.n);
        goto done;
    }
    double share = tarn_picture_number(json_array_get(json_object_get(part, "curves"), 0), "share");
    if (isfinite(share)) {
        char number[TARN_PLAIN], text[TARN_PLAIN + 32];
        (void)snprintf(text, sizeof(text), "guessing %s", tarn_plain_share(share, number));
        tarn_chart_line(c, TARN_MUTED, TARN_DASHED, ends, (const double[]){share, share}, 2);
        tarn_chart_label(c, TARN_MUTED, TARN_RIGHT_OF, 0, share, 8, share > 0.9 ? 16 : -7, text);
    }
    draw_threshold(c, assessed, tarn_picture_metric(assessed, "recall"), tarn_picture_metric(assessed, "precision"), 11,
                   -8);
done:
    return rc;
}

const tarn_picture_kind tarn_picture_pr = {.name = "pr", .say = say_pr, .draw = draw_pr};

/* The bin with most rows. */
static size_t fullest(const json_t *part)
{
    const json_t *rows = json_object_get(part, "rows");
    size_t best = 0;

    for (size_t i = 1; i < json_array_size(rows); i++)
        if (json_number_value(json_array_get(rows, i)) > json_number_value(json_array_get(rows, best))) best = i;
    return best;
}

static void say_calibration(const json_t *assessed, tarn_text *out)
{
    char number[TARN_PLAIN];
    const json_t *part = json_object_get(assessed, "calibration");
    size_t best = fullest(part);
    const json_t *stated = json_array_get(json_object_get(part, "stated"), best);
    const json_t *came_true = json_array_get(json_object_get(part, "came_true"), best);

    if (json_is_number(stated) && json_is_number(came_true)) {
        say_share(out, "Where the model says about ", json_number_value(stated), "");
        say_share(out, binary(assessed) ? ", it really happens in " : ", it is right in ", json_number_value(came_true),
                  " of cases. ");
    }
    tarn_text_addf(out,
                   "On average its probabilities are off by %s percentage points; on the dashed line they could be "
                   "taken at their word.",
                   tarn_plain_figure(100 * tarn_picture_metric(assessed, "ece"), number));
}

static tarn_code draw_calibration(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err)
{
    static const tarn_axis x = {
        .title = "What the model says (mean probability in each tenth)", .most = 1, .scale = TARN_SCALE_SHARE};
    static const tarn_axis y = {.title = "How often it came true", .most = 1, .scale = TARN_SCALE_SHARE};
    static const double corner[] = {0, 1};
    tarn_code rc = TARN_OK;
    const json_t *part = NULL;
    tarn_series stated = {0}, came_true = {0}, rows = {0};
    double most = 0;

    TARN_TRY(tarn_picture_part(assessed, "calibration", &part, err));
    TARN_TRY(tarn_series_read(part, "stated", &stated, err));
    TARN_TRY(tarn_series_read_n(part, "came_true", stated.n, &came_true, err));
    TARN_TRY(tarn_series_read_n(part, "rows", stated.n, &rows, err));
    tarn_chart_begin(c, WIDTH, HEIGHT, "Can its probabilities be taken at their word?", about);
    tarn_chart_axes(c, &x, &y);
    tarn_chart_line(c, TARN_MUTED, TARN_DASHED, corner, corner, 2);
    tarn_chart_label(c, TARN_MUTED, TARN_RIGHT_OF, 0, 1, 10, 16, "happens more often than it says");
    tarn_chart_label(c, TARN_MUTED, TARN_LEFT_OF, 1, 0, -10, -26, "happens less often than it says");
    tarn_chart_label(c, TARN_MUTED, TARN_LEFT_OF, 1, 0, -10, -9, "larger dots: more rows");
    tarn_chart_line(c, 0, TARN_SOLID, stated.x, came_true.x, stated.n);
    for (size_t i = 0; i < rows.n; i++)
        if (rows.x[i] > most) most = rows.x[i];
    for (size_t i = 0; i < rows.n; i++)
        tarn_chart_dot(c, 0, 3.5 + 7 * (most > 0 && rows.x[i] > 0 ? sqrt(rows.x[i] / most) : 0), 0.85, stated.x[i],
                       came_true.x[i]);
done:
    tarn_series_clear(&stated);
    tarn_series_clear(&came_true);
    tarn_series_clear(&rows);
    return rc;
}

const tarn_picture_kind tarn_picture_calibration = {
    .name = "calibration", .say = say_calibration, .draw = draw_calibration};

static void say_money(tarn_text *out, const char *before, double x, const char *unit, const char *after)
{
    char number[TARN_PLAIN];

    tarn_text_addf(out, "%s%s%s%s%s", before, tarn_plain_fixed(x, 0, number), *unit ? " " : "", unit, after);
}

static void say_profit(const json_t *assessed, tarn_text *out)
{
    const json_t *part = json_object_get(assessed, "profit");
    const char *unit = tarn_json_text(part, "unit", "");

    say_money(out, "With the declared costs, these rows bring ", tarn_picture_number(part, "value"), unit,
              " at the threshold in use");
    say_money(out, ", ", tarn_picture_number(part, "none"), unit, " if nothing is flagged");
    say_money(out, " and ", tarn_picture_number(part, "all"), unit, " if everything is.");
    say_money(out, " The most that any threshold could bring here is ", tarn_picture_number(part, "best_value"), unit,
              "");
    say_share(out, ", at ", tarn_picture_number(part, "best_threshold"), ".");
}

static void level(tarn_chart *c, double y, const char *text, double dy)
{
    const double ends[] = {c->x.least, c->x.most}, both[] = {y, y};

    if (!isfinite(y)) return;
    tarn_chart_line(c, TARN_MUTED, TARN_DASHED, ends, both, 2);
    tarn_chart_label(c, TARN_MUTED, TARN_LEFT_OF, c->x.most, y, -6, dy, text);
}

/* Best and used threshold; one label when they are near each other. */
static void draw_choices(tarn_chart *c, const json_t *part)
{
    char number[TARN_PLAIN], text[TARN_PLAIN + 32];
    double best = tarn_picture_number(part, "best_threshold"), used = tarn_picture_number(part, "threshold");
    double best_value = tarn_picture_number(part, "best_value"), used_value = tarn_picture_number(part, "value");
    bool beside = fabs(tarn_chart_x(c, best) - tarn_chart_x(c, used)) < 150;
    bool near = beside && fabs(tarn_chart_y(c, best_value) - tarn_chart_y(c, used_value)) < 20;

    if (isfinite(best) && isfinite(best_value) && !near) {
        (void)snprintf(text, sizeof(text), "best here %s", tarn_plain_share(best, number));
        tarn_chart_dot(c, 2, 5, 1, best, best_value);
        tarn_chart_label(c, 2, best > 0.7 ? TARN_LEFT_OF : TARN_RIGHT_OF, best, best_value, best > 0.7 ? -8 : 8, -9,
                         text);
    }
    if (!isfinite(used) || !isfinite(used_value)) return;
    (void)snprintf(text, sizeof(text), "in use %s", tarn_plain_share(used, number));
    tarn_chart_dot(c, 1, 5.5, 1, used, used_value);
    tarn_chart_label(c, 1, used > 0.7 ? TARN_LEFT_OF : TARN_RIGHT_OF, used, used_value, used > 0.7 ? -8 : 8,
                     beside && !near ? 18 : -9, text);
}

static tarn_code draw_profit(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *part = NULL;
    tarn_series x = {0}, y = {0};
    char title[96], unit[40];

    TARN_TRY(tarn_picture_part(assessed, "profit", &part, err));
    TARN_TRY(tarn_series_read(part, "thresholds", &x, err));
    TARN_TRY(tarn_series_read_n(part, "values", x.n, &y, err));
    (void)tarn_plain_cut(tarn_json_text(part, "unit", ""), 16, unit, sizeof(unit));
    (void)snprintf(title, sizeof(title), "Value of all decisions%s%s", *unit ? ", " : "", unit);
    tarn_axis ax = {.title = "Threshold: from which probability on a row is flagged",
                    .most = 1,
                    .scale = TARN_SCALE_SHARE,
                    .exact = true};
    tarn_axis ay = {.title = title, .least = tarn_picture_number(part, "none"), .scale = TARN_SCALE_NUMBER};
    ay.most = ay.least;
    for (size_t i = 0; i < y.n; i++) {
        if (!(y.x[i] >= ay.least)) ay.least = y.x[i];
        if (!(y.x[i] <= ay.most)) ay.most = y.x[i];
    }
    tarn_chart_begin(c, WIDTH, HEIGHT, "What each threshold would earn", about);
    tarn_chart_axes(c, &ax, &ay);
    double none = tarn_picture_number(part, "none"), all = tarn_picture_number(part, "all");
    bool all_below = tarn_chart_y(c, all) > tarn_chart_y(c, none);
    level(c, none, "nothing flagged", all_below ? -6 : 15);
    level(c, all, "everything flagged", all_below ? 15 : -6);
    tarn_chart_line(c, 0, TARN_SOLID, x.x, y.x, x.n);
    draw_choices(c, part);
done:
    tarn_series_clear(&x);
    tarn_series_clear(&y);
    return rc;
}

const tarn_picture_kind tarn_picture_profit = {.name = "profit", .say = say_profit, .draw = draw_profit};
