/* SPDX-License-Identifier: Apache-2.0 */
/* putcurves.c - ROC, precision-recall and profit curves of an assessment, thinned to what a picture can show. */
#include "assess/profit.h"
#include "assess/put.h"

#include "base/mem.h"

#include <math.h>

enum { MOST_POINTS = 512, MOST_POINTS_OF_MANY = 128, MOST_CLASSES = 8 };

/* A curve with one more point in front, where nothing is flagged, and room for what is drawn. */
typedef struct drawing {
    const tarn_curve *curve;
    int64_t n;          /* curve->n + 1 */
    double *x, *y, *at; /* (n) */
    int64_t keep[MOST_POINTS];
    int kept, most;
} drawing;

static tarn_code drawing_init(drawing *d, const tarn_curve *c, int most, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *d = (drawing){.curve = c, .n = c->n + 1, .most = most};
    TARN_TRY(tarn_alloc(&d->x, (size_t)d->n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&d->y, (size_t)d->n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&d->at, (size_t)d->n, sizeof(double), err));
    d->at[0] = NAN;
    for (int64_t i = 0; i < c->n; i++) d->at[i + 1] = c->threshold[i];
done:
    return rc;
}

static void drawing_clear(drawing *d)
{
    tarn_free(d->x);
    tarn_free(d->y);
    tarn_free(d->at);
}

/* x and y, chosen points only, and the thresholds there. `from` leaves out the first point. */
static tarn_code put_drawing(drawing *d, int64_t from, const char *x_key, const char *y_key, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_thin(d->x + from, d->y + from, d->n - from, d->most, d->keep, &d->kept, err));
    TARN_TRY(tarn_put_chosen(out, x_key, d->x + from, d->keep, d->kept, err));
    TARN_TRY(tarn_put_chosen(out, y_key, d->y + from, d->keep, d->kept, err));
    TARN_TRY(tarn_put_chosen(out, "thresholds", d->at + from, d->keep, d->kept, err));
done:
    return rc;
}

static tarn_code put_roc(drawing *d, json_t *out, tarn_err *err)
{
    const tarn_curve *c = d->curve;
    double p = c->positives > 0 ? c->positives : 1, n = c->negatives > 0 ? c->negatives : 1;

    d->x[0] = d->y[0] = 0;
    for (int64_t i = 0; i < c->n; i++) {
        d->x[i + 1] = c->fp[i] / n;
        d->y[i + 1] = c->tp[i] / p;
    }
    return put_drawing(d, 0, "fpr", "tpr", out, err);
}

static tarn_code put_pr(drawing *d, json_t *out, tarn_err *err)
{
    const tarn_curve *c = d->curve;
    double p = c->positives > 0 ? c->positives : 1;

    for (int64_t i = 0; i < c->n; i++) {
        d->x[i + 1] = c->tp[i] / p;
        d->y[i + 1] = c->tp[i] / (c->tp[i] + c->fp[i]);
    }
    return put_drawing(d, 1, "recall", "precision", out, err);
}

/* Value over threshold, thresholds rising. */
static tarn_code put_profit_curve(const tarn_costs *costs, drawing *d, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_curve *c = d->curve;
    double all = c->positives + c->negatives;
    double *flagged = d->at;

    for (int64_t i = -1; i < c->n; i++) {
        int64_t to = c->n - 1 - i;
        double tp = i < 0 ? 0 : c->tp[i], fp = i < 0 ? 0 : c->fp[i];
        d->x[to] = tarn_profit_threshold(c, i);
        d->y[to] = tarn_profit(costs, c, tp, fp);
        flagged[to] = (tp + fp) / all;
    }
    TARN_TRY(tarn_thin(d->x, d->y, d->n, d->most, d->keep, &d->kept, err));
    TARN_TRY(tarn_put_chosen(out, "thresholds", d->x, d->keep, d->kept, err));
    TARN_TRY(tarn_put_chosen(out, "values", d->y, d->keep, d->kept, err));
    TARN_TRY(tarn_put_chosen(out, "flagged", flagged, d->keep, d->kept, err));
done:
    return rc;
}

/* What the threshold in use earns: the last point of the curve at or above it. */
static double value_at(const tarn_costs *costs, const tarn_curve *c, double threshold)
{
    int64_t i = 0;

    while (i < c->n && c->threshold[i] >= threshold) i++;
    return i == 0 ? tarn_profit(costs, c, 0, 0) : tarn_profit(costs, c, c->tp[i - 1], c->fp[i - 1]);
}

static tarn_code put_profit(const tarn_judged *j, const tarn_costs *costs, drawing *d, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_curve *c = d->curve;
    json_t *profit = NULL;
    int64_t best = tarn_profit_best(costs, c);
    double tp = best < 0 ? 0 : c->tp[best], fp = best < 0 ? 0 : c->fp[best];

    TARN_TRY(tarn_put_object(out, "profit", &profit, err));
    TARN_TRY(tarn_put_text(profit, "unit", costs->unit, err));
    TARN_TRY(tarn_put_number(profit, "threshold", j->threshold, err));
    TARN_TRY(tarn_put_number(profit, "value", value_at(costs, c, j->threshold), err));
    TARN_TRY(tarn_put_number(profit, "best_threshold", tarn_profit_threshold(c, best), err));
    TARN_TRY(tarn_put_number(profit, "best_value", tarn_profit(costs, c, tp, fp), err));
    TARN_TRY(tarn_put_number(profit, "none", tarn_profit(costs, c, 0, 0), err));
    TARN_TRY(tarn_put_number(profit, "all", tarn_profit(costs, c, c->positives, c->negatives), err));
    TARN_TRY(put_profit_curve(costs, d, profit, err));
done:
    return rc;
}

typedef struct places {
    json_t *all, *roc, *pr; /* the assessment, and the two lists of curves in it */
} places;

static tarn_code put_class(const tarn_judged *j, const tarn_costs *costs, int class, int most, const places *to,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char number[32];
    const char *name = tarn_judged_name(j, class, number);
    json_t *roc = NULL, *pr = NULL;
    drawing d = {0};
    tarn_curve c = {0};

    TARN_TRY(tarn_curve_make(j, class, &c, err));
    TARN_TRY(drawing_init(&d, &c, most, err));
    TARN_TRY(tarn_put_item(to->roc, &roc, err));
    TARN_TRY(tarn_put_text(roc, "name", name, err));
    TARN_TRY(tarn_put_number(roc, "area", tarn_curve_roc_area(&c), err));
    TARN_TRY(put_roc(&d, roc, err));
    TARN_TRY(tarn_put_item(to->pr, &pr, err));
    TARN_TRY(tarn_put_text(pr, "name", name, err));
    TARN_TRY(tarn_put_number(pr, "area", tarn_curve_average_precision(&c), err));
    TARN_TRY(tarn_put_number(pr, "share", c.positives / (c.positives + c.negatives), err));
    TARN_TRY(put_pr(&d, pr, err));
    if (j->task == TARN_BINARY && costs && costs->given) TARN_TRY(put_profit(j, costs, &d, to->all, err));
done:
    drawing_clear(&d);
    tarn_curve_clear(&c);
    return rc;
}

/* The classes with most rows, the lower of equals first; returns how many. */
static int most_frequent(const tarn_judged *j, double *rows, int out[MOST_CLASSES])
{
    int n = 0;

    for (int64_t i = 0; i < j->rows; i++) rows[(int)j->y[i]] += 1;
    for (; n < MOST_CLASSES && n < j->classes; n++) {
        int best = 0;
        for (int k = 1; k < j->classes; k++)
            if (rows[k] > rows[best]) best = k;
        rows[best] = -1;
        out[n] = best;
    }
    return n;
}

tarn_code tarn_put_curves(const tarn_judged *j, const tarn_costs *costs, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    places to = {.all = out};
    json_t *roc = NULL, *pr = NULL;
    double *rows = NULL;
    int chosen[MOST_CLASSES] = {1}, n = 1;

    TARN_TRY(tarn_put_object(out, "roc", &roc, err));
    TARN_TRY(tarn_put_array(roc, "curves", &to.roc, err));
    TARN_TRY(tarn_put_object(out, "pr", &pr, err));
    TARN_TRY(tarn_put_array(pr, "curves", &to.pr, err));
    if (j->task == TARN_MULTICLASS) {
        TARN_TRY(tarn_alloc(&rows, (size_t)j->classes, sizeof(*rows), err));
        n = most_frequent(j, rows, chosen);
    }
    for (int i = 0; i < n; i++)
        TARN_TRY(put_class(j, costs, chosen[i], n > 1 ? MOST_POINTS_OF_MANY : MOST_POINTS, &to, err));
done:
    tarn_free(rows);
    return rc;
}
