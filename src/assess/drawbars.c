/* SPDX-License-Identifier: Apache-2.0 */
/* drawbars.c - the pictures that are bars, dots and fields: confusion, histogram, importance, residuals, predicted. */
#include "assess/picture.h"

#include "assess/plain.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 520, HEIGHT = 380, FEW_CLASSES = 4, MOST_IN_MATRIX = 12, MOST_INPUTS = 15 };

/* Confusion of up to MOST_IN_MATRIX classes; with more, the last line and column hold all others. */
typedef struct matrix {
    size_t n;
    char names[MOST_IN_MATRIX][64];
    double cells[MOST_IN_MATRIX][MOST_IN_MATRIX], truth[MOST_IN_MATRIX];
} matrix;

static double cell_of(const json_t *lines, size_t t, size_t p)
{
    double x = json_number_value(json_array_get(json_array_get(lines, t), p));

    return x > 0 && x < 1e15 ? x : 0;
}

static void read_matrix(const json_t *assessed, matrix *m)
{
    const json_t *lines = json_object_get(assessed, "confusion"), *classes = json_object_get(assessed, "classes");
    size_t all = json_array_size(lines);

    *m = (matrix){.n = all < MOST_IN_MATRIX ? all : MOST_IN_MATRIX};
    for (size_t t = 0; t < all; t++)
        for (size_t p = 0; p < all; p++) {
            size_t i = t < m->n ? t : m->n - 1, k = p < m->n ? p : m->n - 1;
            m->cells[i][k] += cell_of(lines, t, p);
            m->truth[i] += cell_of(lines, t, p);
        }
    for (size_t i = 0; i < m->n; i++) {
        const char *name = json_string_value(json_array_get(classes, i));
        if (i == MOST_IN_MATRIX - 1 && all > m->n) name = "all others";
        (void)tarn_plain_cut(name ? name : "?",
                             m->n > FEW_CLASSES ? 9
                             : m->n > 2         ? 8
                                                : 12,
                             m->names[i], sizeof(m->names[i]));
    }
}

static void say_confusion(const json_t *assessed, tarn_text *out)
{
    char a[TARN_PLAIN], b[TARN_PLAIN], e[TARN_PLAIN];
    matrix m;
    double right = 0, all = 0;

    read_matrix(assessed, &m);
    for (size_t i = 0; i < m.n; i++) {
        right += m.cells[i][i];
        all += m.truth[i];
    }
    if (m.n == 2 && json_object_get(assessed, "positive")) {
        tarn_text_addf(out, "Of %s rows flagged \u201c%s\u201d, %s are; of %s that are, ",
                       tarn_plain_fixed(m.cells[0][1] + m.cells[1][1], 0, a), m.names[1],
                       tarn_plain_fixed(m.cells[1][1], 0, b), tarn_plain_fixed(m.truth[1], 0, e));
        tarn_text_addf(out, "%s are missed.", tarn_plain_fixed(m.cells[1][0], 0, a));
        return;
    }
    tarn_text_addf(out, "%s of %s rows lie on the diagonal: rightly predicted. The rest shows what is taken for what.",
                   tarn_plain_fixed(right, 0, a), tarn_plain_fixed(all, 0, b));
}

/* Rows where they fit, else hundredths of the line; in full for few classes. */
static void draw_cell(tarn_chart *c, const matrix *m, size_t t, size_t p, double x, double y, double w, double h)
{
    char number[TARN_PLAIN], share[TARN_PLAIN], hint[320];
    double part = m->truth[t] > 0 ? m->cells[t][p] / m->truth[t] : 0;
    bool strong = part > 0.8, few = m->n <= FEW_CLASSES;

    (void)tarn_plain_fixed(m->cells[t][p], 0, number);
    (void)tarn_plain_share(part, share);
    (void)snprintf(hint, sizeof(hint), "truly %s, predicted %s: %s rows, %s of the line", m->names[t], m->names[p],
                   number, share);
    tarn_chart_box(c, t == p ? 0 : 1, 0.06 + 0.94 * part, x, y, w - 3, h - 3, hint);
    if (few) {
        bool big = tarn_plain_width(number) * 20 < w - 8;
        tarn_chart_text(c,
                        big      ? (strong ? "bon" : "b")
                        : strong ? "on"
                                 : "",
                        TARN_MIDDLE, x + w / 2 - 1, y + h / 2, number);
        (void)snprintf(hint, sizeof(hint), m->n == 2 ? "%s of these" : "%s", share);
        tarn_chart_text(c, strong ? "on" : part > 0.25 ? "" : "m", TARN_MIDDLE, x + w / 2 - 1, y + h / 2 + 22, hint);
        return;
    }
    (void)tarn_plain_fixed(part * 100, 0, share);
    tarn_chart_text(c, strong ? "on" : "", TARN_MIDDLE, x + w / 2 - 1, y + h / 2 + 4, share);
}

/* Names of lines and columns; with many classes, columns carry the numbers of the lines. */
static void draw_names(tarn_chart *c, const matrix *m, double left, double top, double w, double h)
{
    for (size_t i = 0; i < m->n; i++) {
        char line[96], column[96];
        (void)snprintf(line, sizeof(line), "%s", m->names[i]);
        (void)tarn_plain_cut(m->names[i], (w - 4) / 13, column, sizeof(column));
        if (m->n > FEW_CLASSES) {
            (void)snprintf(line, sizeof(line), "%s  %zu", m->names[i], i + 1);
            (void)snprintf(column, sizeof(column), "%zu", i + 1);
        }
        tarn_chart_text(c, "", TARN_MIDDLE, left + ((double)i + 0.5) * w - 1, top - 10, column);
        tarn_chart_text(c, "", TARN_LEFT_OF, left - 12, top + ((double)i + 0.5) * h + 4, line);
    }
}

static tarn_code draw_confusion(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *part = NULL;
    matrix m;
    double widest = 0;

    TARN_TRY(tarn_picture_part(assessed, "confusion", &part, err));
    read_matrix(assessed, &m);
    if (m.n == 0) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'confusion' has no lines"));
    for (size_t i = 0; i < m.n; i++)
        widest = fmax(widest, tarn_plain_width(m.names[i]) * 13 + (m.n > FEW_CLASSES ? 24 : 0));
    tarn_chart_begin(c, WIDTH, HEIGHT, "What is taken for what", about);
    double left = 16 + fmax(widest, 60) + 12, top = 92, w = (WIDTH - 16 - left) / (double)m.n,
           h = (HEIGHT - 18 - top) / (double)m.n;
    tarn_chart_text(c, "m", TARN_MIDDLE, (left + WIDTH - 16) / 2, 58, "predicted");
    tarn_chart_text(c, "m", TARN_RIGHT_OF, 16, 58, m.n > FEW_CLASSES ? "truly (of 100 in a line)" : "truly");
    draw_names(c, &m, left, top, w, h);
    for (size_t t = 0; t < m.n; t++)
        for (size_t p = 0; p < m.n; p++) draw_cell(c, &m, t, p, left + (double)p * w, top + (double)t * h, w, h);
done:
    return rc;
}

const tarn_picture_kind tarn_picture_confusion = {.name = "confusion", .say = say_confusion, .draw = draw_confusion};

static void say_histogram(const json_t *assessed, tarn_text *out)
{
    const char *positive = json_string_value(json_object_get(assessed, "positive"));

    if (positive)
        tarn_text_addf(out,
                       "Scores of rows that are \u201c%s\u201d beside those of the rest, each as shares of its own "
                       "kind: the less the two overlap, the better the model can tell them apart.",
                       positive);
    else
        tarn_text_add(out, "How sure the model was, where it was right and where it was wrong: wrong answers should be "
                           "the unsure ones.");
}

/* Two bars side by side in each bin: shares of each group. */
static tarn_code draw_groups(tarn_chart *c, const json_t *groups, const tarn_series *edges, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_series rows = {0};

    for (size_t g = 0; g < json_array_size(groups) && g < 2; g++) {
        TARN_TRY(tarn_series_read_n(json_array_get(groups, g), "rows", edges->n - 1, &rows, err));
        double sum = 0;
        for (size_t b = 0; b < rows.n; b++) sum += rows.x[b];
        for (size_t b = 0; b < rows.n && sum > 0; b++) {
            double width = (edges->x[b + 1] - edges->x[b]) * 0.42;
            double from = edges->x[b] + width * (0.19 + (double)g);
            tarn_chart_bar(c, (int)g, 0.9, from, 0, from + width, rows.x[b] / sum);
        }
        tarn_series_clear(&rows);
    }
done:
    tarn_series_clear(&rows);
    return rc;
}

static double tallest(const json_t *groups)
{
    double most = 0;

    for (size_t g = 0; g < json_array_size(groups); g++) {
        const json_t *rows = json_object_get(json_array_get(groups, g), "rows"), *item;
        double sum = 0, top = 0;
        size_t i;
        json_array_foreach(rows, i, item)
        {
            sum += json_number_value(item);
            top = fmax(top, json_number_value(item));
        }
        if (sum > 0) most = fmax(most, top / sum);
    }
    return most < 1 ? most : 1;
}

static void draw_histogram_threshold(tarn_chart *c, const json_t *assessed)
{
    char number[TARN_PLAIN], text[TARN_PLAIN + 32];
    double at = tarn_picture_number(assessed, "threshold");

    if (!isfinite(at)) return;
    const double x[] = {at, at}, y[] = {c->y.least, c->y.most};
    (void)snprintf(text, sizeof(text), "flagged from %s", tarn_plain_share(at, number));
    tarn_chart_line(c, TARN_MUTED, TARN_DASHED, x, y, 2);
    tarn_chart_label(c, TARN_MUTED, at > 0.75 ? TARN_LEFT_OF : TARN_RIGHT_OF, at, y[1], at > 0.75 ? -7 : 7, 12, text);
}

static tarn_code draw_histogram(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *part = NULL, *groups = NULL;
    tarn_series edges = {0};
    char cut[2][64];
    const char *names[2] = {cut[0], cut[1]};

    TARN_TRY(tarn_picture_part(assessed, "histogram", &part, err));
    TARN_TRY(tarn_series_read(part, "edges", &edges, err));
    if (edges.n < 2) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'edges' has fewer than 2 numbers"));
    groups = json_object_get(part, "groups");
    tarn_axis x = {.title = json_object_get(assessed, "positive") ? "Probability that the model gives"
                                                                  : "Probability of the predicted class",
                   .most = 1,
                   .scale = TARN_SCALE_SHARE};
    tarn_axis y = {.title = "Share of its kind", .most = fmax(tallest(groups), 0.01), .scale = TARN_SCALE_SHARE};
    tarn_chart_begin(c, WIDTH, HEIGHT, "How well the scores separate", about);
    tarn_chart_axes(c, &x, &y);
    TARN_TRY(draw_groups(c, groups, &edges, err));
    draw_histogram_threshold(c, assessed);
    size_t n = json_array_size(groups) < 2 ? json_array_size(groups) : 2;
    for (size_t g = 0; g < n; g++)
        (void)tarn_plain_cut(tarn_json_text(json_array_get(groups, g), "name", "?"), 12, cut[g], sizeof(cut[g]));
    tarn_chart_legend(c, c->right - 150, 26, names, n);
done:
    tarn_series_clear(&edges);
    return rc;
}

const tarn_picture_kind tarn_picture_histogram = {.name = "histogram", .say = say_histogram, .draw = draw_histogram};

static const char *input_name(const json_t *list, size_t i)
{
    return tarn_json_text(json_array_get(list, i), "name", "?");
}

static double input_share(const json_t *list, size_t i)
{
    double x = tarn_picture_number(json_array_get(list, i), "share");

    return x > 0 && x < 1 ? x : x >= 1 ? 1 : 0;
}

/* Indices of the inputs with the largest shares, the earlier of equals first; returns how many. */
static size_t largest(const json_t *list, size_t out[MOST_INPUTS])
{
    size_t all = json_array_size(list), n = 0;

    for (size_t i = 0; i < all; i++) {
        size_t at = n;
        while (at > 0 && input_share(list, i) > input_share(list, out[at - 1])) at--;
        if (at == MOST_INPUTS) continue;
        if (n < MOST_INPUTS) n++;
        for (size_t k = n - 1; k > at; k--) out[k] = out[k - 1];
        out[at] = i;
    }
    return n;
}

static void say_importance(const json_t *assessed, tarn_text *out)
{
    const json_t *list = json_object_get(assessed, "importance");
    size_t top[MOST_INPUTS], n = largest(list, top);
    char number[TARN_PLAIN];

    if (n == 0) return;
    tarn_text_addf(out, "\u201c%s\u201d matters most (%s of the total)", input_name(list, top[0]),
                   tarn_plain_share(input_share(list, top[0]), number));
    for (size_t i = 1; i < n && i < 3; i++)
        tarn_text_addf(out, "%s\u201c%s\u201d (%s)", i == 1 ? ", then " : " and ", input_name(list, top[i]),
                       tarn_plain_share(input_share(list, top[i]), number));
    tarn_text_add(out, ".");
}

static tarn_code draw_importance(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *list = NULL;
    size_t top[MOST_INPUTS], n;
    char name[96], number[TARN_PLAIN];
    double widest = 0;

    TARN_TRY(tarn_picture_part(assessed, "importance", &list, err));
    n = largest(list, top);
    if (n == 0) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'importance' is empty"));
    for (size_t i = 0; i < n; i++)
        widest = fmax(widest, tarn_plain_width(tarn_plain_cut(input_name(list, top[i]), 16, name, sizeof(name))));
    tarn_chart_begin(c, WIDTH, 60 + 25 * (double)n, "What matters most", about);
    double left = 16 + widest * 13 + 12, room = WIDTH - 70 - left, most = input_share(list, top[0]);
    for (size_t i = 0; i < n; i++) {
        double y = 48 + 25 * (double)i, share = input_share(list, top[i]), length = most > 0 ? share / most * room : 0;
        tarn_chart_text(c, "", TARN_LEFT_OF, left - 10, y + 13,
                        tarn_plain_cut(input_name(list, top[i]), 16, name, sizeof(name)));
        tarn_chart_box(c, 0, 0.9, left, y, length > 1 ? length : 1, 17, input_name(list, top[i]));
        tarn_chart_text(c, "m", TARN_RIGHT_OF, left + length + 7, y + 13, tarn_plain_share(share, number));
    }
done:
    return rc;
}

const tarn_picture_kind tarn_picture_importance = {
    .name = "importance", .say = say_importance, .draw = draw_importance};

static void say_residuals(const json_t *assessed, tarn_text *out)
{
    const json_t *part = json_object_get(assessed, "residuals");
    char a[TARN_PLAIN], b[TARN_PLAIN], m[TARN_PLAIN];

    tarn_text_addf(out,
                   "Half of the predictions are off by less than %s; nine in ten lie between %s below and %s above the "
                   "true value.",
                   tarn_plain_figure(tarn_picture_metric(assessed, "median_ae"), m),
                   tarn_plain_figure(-tarn_picture_number(part, "p05"), a),
                   tarn_plain_figure(tarn_picture_number(part, "p95"), b));
}

static tarn_code draw_residuals(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *part = NULL;
    tarn_series edges = {0}, rows = {0};
    double most = 0;

    TARN_TRY(tarn_picture_part(assessed, "residuals", &part, err));
    TARN_TRY(tarn_series_read(part, "edges", &edges, err));
    if (edges.n < 2) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'edges' has fewer than 2 numbers"));
    TARN_TRY(tarn_series_read_n(part, "rows", edges.n - 1, &rows, err));
    for (size_t i = 0; i < rows.n; i++) most = fmax(most, rows.x[i]);
    tarn_axis x = {
        .title = "Predicted minus true value", .least = edges.x[0], .most = edges.x[edges.n - 1], .exact = true};
    tarn_axis y = {.title = "Rows", .most = most > 0 ? most : 1};
    tarn_chart_begin(c, WIDTH, HEIGHT, "How far off predictions are", about);
    tarn_chart_axes(c, &x, &y);
    for (size_t b = 0; b < rows.n; b++) {
        double inset = (edges.x[b + 1] - edges.x[b]) * 0.06;
        tarn_chart_bar(c, 0, 0.8, edges.x[b] + inset, 0, edges.x[b + 1] - inset, rows.x[b]);
    }
    if (x.least < 0 && x.most > 0) {
        tarn_chart_line(c, TARN_MUTED, TARN_DASHED, (const double[]){0, 0}, (const double[]){0, c->y.most}, 2);
        tarn_chart_label(c, TARN_MUTED, TARN_RIGHT_OF, c->x.least, c->y.most, 8, 14, "\u2190 too low");
        tarn_chart_label(c, TARN_MUTED, TARN_LEFT_OF, c->x.most, c->y.most, -8, 14, "too high \u2192");
    }
done:
    tarn_series_clear(&edges);
    tarn_series_clear(&rows);
    return rc;
}

const tarn_picture_kind tarn_picture_residuals = {.name = "residuals", .say = say_residuals, .draw = draw_residuals};

static void say_predicted(const json_t *assessed, tarn_text *out)
{
    char r2[TARN_PLAIN];

    tarn_text_addf(out,
                   "Each dot is a row; on the dashed line it was predicted exactly. The orange line is the mean true "
                   "value of each tenth of the predictions: near the dashed line, predictions are right on average. "
                   "Share of the variation explained (R\u00b2): %s.",
                   tarn_plain_figure(tarn_picture_metric(assessed, "r2"), r2));
}

static void widen(tarn_axis *a, const tarn_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!(s->x[i] >= a->least)) a->least = s->x[i];
        if (!(s->x[i] <= a->most)) a->most = s->x[i];
    }
}

static tarn_code draw_predicted(const json_t *assessed, tarn_chart *c, const char *about, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *part = NULL, *tenths = json_object_get(assessed, "tenths");
    tarn_series x = {0}, y = {0}, tx = {0}, ty = {0};

    TARN_TRY(tarn_picture_part(assessed, "scatter", &part, err));
    TARN_TRY(tarn_series_read(part, "predicted", &x, err));
    TARN_TRY(tarn_series_read_n(part, "actual", x.n, &y, err));
    if (tenths) TARN_TRY(tarn_series_read(tenths, "predicted", &tx, err));
    if (tenths) TARN_TRY(tarn_series_read_n(tenths, "actual", tx.n, &ty, err));
    tarn_axis ax = {.title = "Predicted", .least = NAN, .most = NAN},
              ay = {.title = "True value", .least = NAN, .most = NAN};
    widen(&ax, &x);
    widen(&ax, &tx);
    widen(&ay, &y);
    tarn_chart_begin(c, WIDTH, HEIGHT, "Predicted and true values", about);
    tarn_chart_axes(c, &ax, &ay);
    double from = fmax(c->x.least, c->y.least), to = fmin(c->x.most, c->y.most);
    for (size_t i = 0; i < x.n; i++) tarn_chart_dot(c, 0, 3, 0.4, x.x[i], y.x[i]);
    if (to > from) {
        tarn_chart_line(c, TARN_MUTED, TARN_DASHED, (const double[]){from, to}, (const double[]){from, to}, 2);
        tarn_chart_label(c, TARN_MUTED, TARN_LEFT_OF, to, to, -14, 14, "exact");
    }
    if (tx.n > 1) tarn_chart_line(c, 1, TARN_SOLID, tx.x, ty.x, tx.n);
done:
    tarn_series_clear(&x);
    tarn_series_clear(&y);
    tarn_series_clear(&tx);
    tarn_series_clear(&ty);
    return rc;
}

const tarn_picture_kind tarn_picture_predicted = {.name = "predicted", .say = say_predicted, .draw = draw_predicted};
