/* SPDX-License-Identifier: Apache-2.0 */
/* chart.h - a small writer of tidy charts as SVG text.
 *
 * Calls, in order: tarn_chart_begin, then tarn_chart_axes (not for a chart without axes), then marks, then
 * tarn_chart_end in any case. A failed allocation is remembered and reported by tarn_chart_end.
 *
 * Positions of marks are in the data's units once there are axes; what lies outside is drawn on the border. Texts are
 * escaped. Colours are numbers 0 to 7, or TARN_MUTED. They come from CSS variables that the page around may set
 * (--tarn-ink, --tarn-muted, --tarn-line, --tarn-paper, --tarn-on, --tarn-0 ... --tarn-7); without them, the chart
 * follows the reader's light or dark setting. No ids, so that many charts can stand in one page. The same calls give
 * the same bytes.
 */
#ifndef TARN_ASSESS_CHART_H
#define TARN_ASSESS_CHART_H

#include "base/str.h"

enum { TARN_MUTED = -1, TARN_CHART_COLOURS = 8 };

typedef enum tarn_scale { TARN_SCALE_NUMBER, TARN_SCALE_SHARE /* 0 to 1, written 0% to 100% */ } tarn_scale;

typedef struct tarn_axis {
    const char *title;
    double least, most; /* tarn_chart_axes widens them to whole steps unless `exact` */
    tarn_scale scale;
    bool exact;
} tarn_axis;

typedef struct tarn_chart {
    tarn_text out;
    double width, height, left, right, top, bottom; /* of the picture; of the plot inside it */
    double side; /* room to keep free right of the plot, for a legend; set before tarn_chart_axes */
    tarn_axis x, y;
} tarn_chart;

/* Where a text stands, seen from its point. */
typedef enum tarn_anchor { TARN_RIGHT_OF, TARN_LEFT_OF, TARN_MIDDLE } tarn_anchor;

void tarn_chart_begin(tarn_chart *c, double width, double height, const char *title, const char *about);
/* x along the bottom, y along the left; room for labels is measured. */
void tarn_chart_axes(tarn_chart *c, const tarn_axis *x, const tarn_axis *y);

typedef enum tarn_stroke { TARN_SOLID, TARN_DASHED } tarn_stroke;
void tarn_chart_line(tarn_chart *c, int colour, tarn_stroke stroke, const double *x, const double *y, size_t n);
/* Between the line and y = base, lightly. */
void tarn_chart_area(tarn_chart *c, int colour, const double *x, const double *y, size_t n, double base);
void tarn_chart_bar(tarn_chart *c, int colour, double opacity, double x0, double y0, double x1, double y1);
void tarn_chart_dot(tarn_chart *c, int colour, double radius, double opacity, double x, double y);
/* Text dx, dy picture units away from a point (dy grows downwards), with a rim so that it reads on lines. */
void tarn_chart_label(tarn_chart *c, int colour, tarn_anchor anchor, double x, double y, double dx, double dy,
                      const char *text);
/* Names with a swatch each, below one another from x, y (picture units). Their colours are 0, 1 ... */
void tarn_chart_legend(tarn_chart *c, double x, double y, const char *const *names, size_t n);

/* Marks in picture units, for charts that lay themselves out. `hint`: shown under the pointer, or NULL. class: "t"
 * title, "m" muted, "b" big, "on" and "bon" the same on a strong colour, or "". */
void tarn_chart_box(tarn_chart *c, int colour, double opacity, double x, double y, double width, double height,
                    const char *hint);
void tarn_chart_text(tarn_chart *c, const char *class, tarn_anchor anchor, double x, double y, const char *text);

/* Data to picture units. */
double tarn_chart_x(const tarn_chart *c, double x);
double tarn_chart_y(const tarn_chart *c, double y);

/* tarn_free(*svg). */
TARN_MUST tarn_code tarn_chart_end(tarn_chart *c, char **svg, tarn_err *err);
/* After an error, instead of tarn_chart_end. Harmless after it. */
void tarn_chart_clear(tarn_chart *c);

#endif
