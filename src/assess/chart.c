/* SPDX-License-Identifier: Apache-2.0 */
/* chart.c - axes with round steps, lines, areas, bars, dots and labels, as SVG text.
 *
 * Numbers are written by integer arithmetic in tenths of a picture unit, so that no locale and no printf rounding
 * shows.
 */
#include "assess/chart.h"

#include "assess/plain.h"

#include <math.h>
#include <string.h>

/* Host variables first, then our own colours, which hold their contrast on white and on near-black. */
static const char style_text[] =
    ".tarn-chart{--ink:var(--tarn-ink,#1c2733);--muted:var(--tarn-muted,#5b6876);--line:var(--tarn-line,#e3e8ee);"
    "--paper:var(--tarn-paper,#fff);--on:var(--tarn-on,#fff);--c0:var(--tarn-0,#1f6feb);--c1:var(--tarn-1,#d9730d);"
    "--c2:var(--tarn-2,#0f8a6d);--c3:var(--tarn-3,#c2325b);--c4:var(--tarn-4,#7b4fd0);--c5:var(--tarn-5,#8a6d1b);"
    "--c6:var(--tarn-6,#2b8fb3);--c7:var(--tarn-7,#6b7785);max-width:100%;height:auto}"
    "@media(prefers-color-scheme:dark){.tarn-chart{--ink:var(--tarn-ink,#e6ebf1);--muted:var(--tarn-muted,#9aa7b5);"
    "--line:var(--tarn-line,#2c3641);--paper:var(--tarn-paper,#12181f);--on:var(--tarn-on,#0b1016);--c0:var(--tarn-0,#"
    "6aa8ff);"
    "--c1:var(--tarn-1,#f2a65a);--c2:var(--tarn-2,#4cc9a4);--c3:var(--tarn-3,#f27a9b);--c4:var(--tarn-4,#b79bf5);"
    "--c5:var(--tarn-5,#d8bd62);--c6:var(--tarn-6,#6cc5e3);--c7:var(--tarn-7,#a5b1bd)}}"
    ".tarn-chart text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica "
    "Neue',Arial,sans-serif;fill:var(--ink)}"
    ".tarn-chart .t{font-size:15px;font-weight:600}.tarn-chart .b{font-size:20px;font-weight:600}"
    ".tarn-chart .m{font-size:12px;fill:var(--muted)}.tarn-chart .on{fill:var(--on)}.tarn-chart "
    ".bon{font-size:20px;font-weight:600;"
    "fill:var(--on)}.tarn-chart .l{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}"
    ".tarn-chart .grid{stroke:var(--line);stroke-width:1}.tarn-chart .axis{stroke:var(--muted);stroke-width:1}"
    ".tarn-chart polyline{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}"
    ".tarn-chart .dash{stroke-width:1.5;stroke-dasharray:5 5}"
    ".tarn-chart .km{stroke:var(--muted)}.tarn-chart .fm{fill:var(--muted)}"
    ".tarn-chart .k0{stroke:var(--c0)}.tarn-chart .k1{stroke:var(--c1)}.tarn-chart .k2{stroke:var(--c2)}"
    ".tarn-chart .k3{stroke:var(--c3)}.tarn-chart .k4{stroke:var(--c4)}.tarn-chart .k5{stroke:var(--c5)}"
    ".tarn-chart .k6{stroke:var(--c6)}.tarn-chart .k7{stroke:var(--c7)}"
    ".tarn-chart .f0{fill:var(--c0)}.tarn-chart .f1{fill:var(--c1)}.tarn-chart .f2{fill:var(--c2)}"
    ".tarn-chart .f3{fill:var(--c3)}.tarn-chart .f4{fill:var(--c4)}.tarn-chart .f5{fill:var(--c5)}"
    ".tarn-chart .f6{fill:var(--c6)}.tarn-chart .f7{fill:var(--c7)}.tarn-chart text.fm{fill:var(--muted)}"
    ".tarn-chart text.f0{fill:var(--c0)}.tarn-chart text.f1{fill:var(--c1)}.tarn-chart text.f2{fill:var(--c2)}"
    ".tarn-chart text.f3{fill:var(--c3)}.tarn-chart text.f4{fill:var(--c4)}.tarn-chart text.f5{fill:var(--c5)}"
    ".tarn-chart text.f6{fill:var(--c6)}.tarn-chart text.f7{fill:var(--c7)}.tarn-chart .paper{fill:var(--paper)}";

static const char colour_letters[] = "m01234567";

static char letter(int colour) { return colour_letters[colour < 0 ? 0 : colour % TARN_CHART_COLOURS + 1]; }

/* In tenths. */
static void put(tarn_chart *c, double x)
{
    long long tenths = llround((x > -1e6 ? x < 1e6 ? x : 1e6 : -1e6) * 10), size = tenths < 0 ? -tenths : tenths;

    tarn_text_addf(&c->out, "%s%lld", tenths < 0 ? "-" : "", size / 10);
    if (size % 10) tarn_text_addf(&c->out, ".%lld", size % 10);
}

static void attribute(tarn_chart *c, const char *name, double x)
{
    tarn_text_addf(&c->out, " %s=\"", name);
    put(c, x);
    tarn_text_add(&c->out, "\"");
}

static void opacity_of(tarn_chart *c, double opacity)
{
    long long percent = llround((opacity > 0 ? opacity < 1 ? opacity : 1 : 0) * 100);

    if (percent < 100) tarn_text_addf(&c->out, " fill-opacity=\"0.%02lld\"", percent);
}

void tarn_chart_begin(tarn_chart *c, double width, double height, const char *title, const char *about)
{
    *c = (tarn_chart){
        .width = width, .height = height, .top = 44, .bottom = height - 16, .left = 16, .right = width - 16};
    tarn_text_add(&c->out,
                  "<svg class=\"tarn-chart\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 ");
    put(c, width);
    tarn_text_add(&c->out, " ");
    put(c, height);
    tarn_text_add(&c->out, "\"");
    attribute(c, "width", width);
    attribute(c, "height", height);
    tarn_text_add(&c->out, " aria-label=\"");
    tarn_plain_markup(&c->out, title);
    tarn_text_add(&c->out, "\"><title>");
    tarn_plain_markup(&c->out, title);
    tarn_text_add(&c->out, "</title><desc>");
    tarn_plain_markup(&c->out, about);
    tarn_text_add(&c->out, "</desc><style>");
    tarn_text_add(&c->out, style_text);
    tarn_text_add(&c->out, "</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n");
    tarn_chart_text(c, "t", TARN_RIGHT_OF, 16, 26, title);
}

/* 1, 2 or 5 times a power of ten, so that about `wanted` steps cover the range. */
static double round_step(double range, int wanted)
{
    double raw = range / wanted, power = 1;

    while (power * 10 <= raw) power *= 10;
    while (power > raw) power /= 10;
    return raw <= power ? power : raw <= 2 * power ? 2 * power : raw <= 5 * power ? 5 * power : 10 * power;
}

/* Make the range drawable, and whole steps long unless it is exact; returns the step. */
static double settle(tarn_axis *a, int wanted)
{
    const double far = 1e150, near = 1e-100;

    a->least = isnan(a->least) ? 0 : a->least < -far ? -far : a->least;
    a->most = isnan(a->most) ? 0 : a->most > far ? far : a->most;
    if (!(a->most - a->least > near + 1e-12 * fabs(a->most))) {
        double half = fabs(a->least) > 0 && fabs(a->least) > near ? fabs(a->least) / 2 : 0.5;
        a->least -= half;
        a->most += half;
    }
    double step = round_step(a->most - a->least, wanted);
    if (!a->exact) {
        a->least = floor(a->least / step + 1e-9) * step;
        a->most = ceil(a->most / step - 1e-9) * step;
    }
    return step;
}

static double larger(double a, double b) { return a > b ? a : b; }

static const char *tick_text(const tarn_axis *a, double x, double step, char out[TARN_PLAIN])
{
    double most = larger(fabs(a->least), fabs(a->most));

    if (a->scale == TARN_SCALE_NUMBER) return tarn_plain_tick(x, step, most, out);
    (void)tarn_plain_tick(x * 100, step * 100, most * 100, out);
    size_t len = strlen(out);
    memcpy(out + len, "%", 2);
    return out;
}

/* The i-th tick, exactly; false beyond the end. */
static bool tick_at(const tarn_axis *a, double step, int i, double *out)
{
    *out = (ceil(a->least / step - 1e-9) + i) * step;
    if (fabs(*out) < step * 1e-6) *out = 0;
    return i < 50 && *out <= a->most + step * 1e-6;
}

static void stroke_line(tarn_chart *c, const char *class, double x0, double y0, double x1, double y1)
{
    tarn_text_addf(&c->out, "<line class=\"%s\"", class);
    attribute(c, "x1", x0);
    attribute(c, "y1", y0);
    attribute(c, "x2", x1);
    attribute(c, "y2", y1);
    tarn_text_add(&c->out, "/>\n");
}

static void draw_x(tarn_chart *c, double step)
{
    char text[TARN_PLAIN];
    double at;

    for (int i = 0; tick_at(&c->x, step, i, &at); i++) {
        stroke_line(c, "grid", tarn_chart_x(c, at), c->top, tarn_chart_x(c, at), c->bottom);
        tarn_chart_text(c, "m", TARN_MIDDLE, tarn_chart_x(c, at), c->bottom + 17, tick_text(&c->x, at, step, text));
    }
    if (c->x.title) tarn_chart_text(c, "m", TARN_MIDDLE, (c->left + c->right) / 2, c->bottom + 38, c->x.title);
}

static void draw_y(tarn_chart *c, double step)
{
    char text[TARN_PLAIN];
    double at;

    for (int i = 0; tick_at(&c->y, step, i, &at); i++) {
        stroke_line(c, "grid", c->left, tarn_chart_y(c, at), c->right, tarn_chart_y(c, at));
        tarn_chart_text(c, "m", TARN_LEFT_OF, c->left - 8, tarn_chart_y(c, at) + 4, tick_text(&c->y, at, step, text));
    }
    if (c->y.title) tarn_chart_text(c, "m", TARN_RIGHT_OF, 16, 48, c->y.title);
}

void tarn_chart_axes(tarn_chart *c, const tarn_axis *x, const tarn_axis *y)
{
    char text[TARN_PLAIN];
    double at, widest = 0;

    c->x = *x;
    c->y = *y;
    double x_step = settle(&c->x, 6), y_step = settle(&c->y, 5);
    for (int i = 0; tick_at(&c->y, y_step, i, &at); i++)
        widest = larger(widest, tarn_plain_width(tick_text(&c->y, at, y_step, text)) * 12);
    c->left = 16 + widest + 10;
    c->right = c->width - 26 - c->side;
    c->top = y->title ? 62 : 46;
    c->bottom = c->height - (x->title ? 52 : 30);
    draw_x(c, x_step);
    draw_y(c, y_step);
    stroke_line(c, "axis", c->left, c->bottom, c->right, c->bottom);
}

static double place(const tarn_axis *a, double v, double from, double to)
{
    double share = (v - a->least) / (a->most - a->least);

    return from + (share > 0 ? share < 1 ? share : 1 : 0) * (to - from);
}

double tarn_chart_x(const tarn_chart *c, double x) { return place(&c->x, x, c->left, c->right); }

double tarn_chart_y(const tarn_chart *c, double y) { return place(&c->y, y, c->bottom, c->top); }

static void put_point(tarn_chart *c, double x, double y, bool first)
{
    if (!first) tarn_text_add(&c->out, " ");
    put(c, tarn_chart_x(c, x));
    tarn_text_add(&c->out, ",");
    put(c, tarn_chart_y(c, y));
}

void tarn_chart_line(tarn_chart *c, int colour, tarn_stroke stroke, const double *x, const double *y, size_t n)
{
    static const char *const classes[] = {"", " dash"};

    tarn_text_addf(&c->out, "<polyline class=\"k%c%s\" points=\"", letter(colour), classes[stroke]);
    for (size_t i = 0; i < n; i++) put_point(c, x[i], y[i], i == 0);
    tarn_text_add(&c->out, "\"/>\n");
}

void tarn_chart_area(tarn_chart *c, int colour, const double *x, const double *y, size_t n, double base)
{
    if (n == 0) return;
    tarn_text_addf(&c->out, "<polygon class=\"f%c\" fill-opacity=\"0.14\" points=\"", letter(colour));
    put_point(c, x[0], base, true);
    for (size_t i = 0; i < n; i++) put_point(c, x[i], y[i], false);
    put_point(c, x[n - 1], base, false);
    tarn_text_add(&c->out, "\"/>\n");
}

void tarn_chart_box(tarn_chart *c, int colour, double opacity, double x, double y, double width, double height,
                    const char *hint)
{
    tarn_text_addf(&c->out, "<rect class=\"f%c\"", letter(colour));
    attribute(c, "x", x);
    attribute(c, "y", y);
    attribute(c, "width", width > 0 ? width : 0);
    attribute(c, "height", height > 0 ? height : 0);
    opacity_of(c, opacity);
    if (hint) {
        tarn_text_add(&c->out, "><title>");
        tarn_plain_markup(&c->out, hint);
        tarn_text_add(&c->out, "</title></rect>\n");
    } else {
        tarn_text_add(&c->out, "/>\n");
    }
}

void tarn_chart_bar(tarn_chart *c, int colour, double opacity, double x0, double y0, double x1, double y1)
{
    double left = tarn_chart_x(c, x0), right = tarn_chart_x(c, x1), a = tarn_chart_y(c, y0), b = tarn_chart_y(c, y1);

    tarn_chart_box(c, colour, opacity, left, a < b ? a : b, right - left, fabs(a - b), NULL);
}

void tarn_chart_dot(tarn_chart *c, int colour, double radius, double opacity, double x, double y)
{
    tarn_text_addf(&c->out, "<circle class=\"f%c\"", letter(colour));
    attribute(c, "cx", tarn_chart_x(c, x));
    attribute(c, "cy", tarn_chart_y(c, y));
    attribute(c, "r", radius);
    opacity_of(c, opacity);
    tarn_text_add(&c->out, "/>\n");
}

static void put_text(tarn_chart *c, tarn_anchor anchor, double x, double y, const char *text)
{
    static const char *const anchors[] = {"", " text-anchor=\"end\"", " text-anchor=\"middle\""};

    attribute(c, "x", x);
    attribute(c, "y", y);
    tarn_text_add(&c->out, anchors[anchor]);
    tarn_text_add(&c->out, ">");
    tarn_plain_markup(&c->out, text);
    tarn_text_add(&c->out, "</text>\n");
}

void tarn_chart_text(tarn_chart *c, const char *class, tarn_anchor anchor, double x, double y, const char *text)
{
    tarn_text_add(&c->out, "<text");
    if (*class) tarn_text_addf(&c->out, " class=\"%s\"", class);
    put_text(c, anchor, x, y, text);
}

void tarn_chart_label(tarn_chart *c, int colour, tarn_anchor anchor, double x, double y, double dx, double dy,
                      const char *text)
{
    tarn_text_addf(&c->out, "<text class=\"l f%c\"", letter(colour));
    put_text(c, anchor, tarn_chart_x(c, x) + dx, tarn_chart_y(c, y) + dy, text);
}

void tarn_chart_legend(tarn_chart *c, double x, double y, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tarn_chart_box(c, (int)i, 1, x, y + (double)i * 19 - 9, 11, 11, NULL);
        tarn_text_add(&c->out, "<text class=\"l\"");
        put_text(c, TARN_RIGHT_OF, x + 18, y + (double)i * 19 + 1, names[i]);
    }
}

tarn_code tarn_chart_end(tarn_chart *c, char **svg, tarn_err *err)
{
    tarn_text_add(&c->out, "</svg>\n");
    return tarn_text_take(&c->out, svg, err);
}

void tarn_chart_clear(tarn_chart *c) { tarn_text_clear(&c->out); }
