/* SPDX-License-Identifier: Apache-2.0 */
/* curve.c - exact threshold curves from one sort, their areas, and the choice of points to draw. */
#include "assess/curve.h"

#include "assess/known.h"
#include "assess/order.h"
#include "assess/sum.h"
#include "base/mem.h"

tarn_code tarn_curve_allocate(int64_t n, tarn_curve *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&c->threshold, (size_t)n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&c->tp, (size_t)n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&c->fp, (size_t)n, sizeof(double), err));
done:
    return rc;
}

void tarn_curve_draw(const tarn_judged *j, int class, const uint32_t *order, tarn_curve *c)
{
    const double *score = j->task == TARN_BINARY ? j->p : j->p + (int64_t) class * j->rows;
    tarn_sum tp = {0}, fp = {0};

    c->n = 0;
    for (int64_t i = j->rows - 1; i >= 0; i--) {
        int64_t row = order[i];
        double w = tarn_judged_weight(j, row);

        if (w <= 0) continue;
        tarn_sum_add((int)j->y[row] == class ? &tp : &fp, w);
        if (c->n == 0 || c->threshold[c->n - 1] > score[row]) c->threshold[c->n++] = score[row];
        c->tp[c->n - 1] = tarn_sum_get(&tp);
        c->fp[c->n - 1] = tarn_sum_get(&fp);
    }
    c->positives = tarn_sum_get(&tp);
    c->negatives = tarn_sum_get(&fp);
}

tarn_code tarn_curve_make(const tarn_judged *j, int class, tarn_curve *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_curve c = {0};
    uint32_t *order = NULL;

    TARN_TRY(tarn_order(j->task == TARN_BINARY ? j->p : j->p + (int64_t) class * j->rows, j->rows, &order, err));
    TARN_TRY(tarn_curve_allocate(j->rows, &c, err));
    tarn_curve_draw(j, class, order, &c);
    *out = c;
    c = (tarn_curve){0};
done:
    tarn_free(order);
    tarn_curve_clear(&c);
    return rc;
}

void tarn_curve_clear(tarn_curve *c)
{
    tarn_free(c->threshold);
    tarn_free(c->tp);
    tarn_free(c->fp);
    *c = (tarn_curve){0};
}

double tarn_curve_roc_area(const tarn_curve *c)
{
    tarn_sum twice = {0};
    double tp = 0, fp = 0;

    if (c->positives <= 0 || c->negatives <= 0) return NAN;
    for (int64_t i = 0; i < c->n; i++) {
        tarn_sum_add(&twice, (c->fp[i] - fp) * (c->tp[i] + tp));
        tp = c->tp[i];
        fp = c->fp[i];
    }
    return tarn_sum_get(&twice) / 2 / c->positives / c->negatives;
}

double tarn_curve_average_precision(const tarn_curve *c)
{
    tarn_sum sum = {0};
    double tp = 0;

    if (c->positives <= 0) return 0;
    for (int64_t i = 0; i < c->n; i++) {
        if (c->tp[i] > tp) tarn_sum_add(&sum, (c->tp[i] - tp) * (c->tp[i] / (c->tp[i] + c->fp[i])));
        tp = c->tp[i];
    }
    return tarn_sum_get(&sum) / c->positives;
}

/* Mean over the classes, all counting the same or by how many rows truly are of them. */
static tarn_code mean_area(const tarn_judged *j, tarn_area_fn *area, bool by_rows, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int first = j->task == TARN_BINARY ? 1 : 0;
    double sum = 0, weight = 0;

    for (int k = first; k < j->classes; k++) {
        tarn_curve own = {0};
        const tarn_curve *c = NULL;
        TARN_TRY(tarn_known_curve(j, k, &own, &c, err));
        double w = by_rows ? c->positives : 1;
        sum += w * area(c);
        weight += w;
        tarn_curve_clear(&own);
    }
    *out = sum / weight;
done:
    return rc;
}

tarn_code tarn_curve_area(const tarn_judged *j, tarn_area_fn *area, double *out, tarn_err *err)
{
    return mean_area(j, area, false, out, err);
}

tarn_code tarn_curve_weighted(const tarn_judged *j, tarn_area_fn *area, double *out, tarn_err *err)
{
    return mean_area(j, area, true, out, err);
}

double tarn_curve_captured(const tarn_curve *c, double share)
{
    double wanted = share * (c->positives + c->negatives), tp = 0, fp = 0;

    for (int64_t i = 0; i < c->n; i++) {
        double more = c->tp[i] + c->fp[i] - tp - fp;
        if (tp + fp + more >= wanted) return tp + (c->tp[i] - tp) * ((wanted - tp - fp) / more);
        tp = c->tp[i];
        fp = c->fp[i];
    }
    return tp;
}

/* A run of points between two chosen ones, and the point in it that lies farthest from their line. */
typedef struct run {
    int64_t from, to, far;
    double distance; /* 0: all lie on the line */
} run;

typedef struct plane {
    const double *x, *y;
    double x_scale, y_scale;
} plane;

static double one_over_range(const double *x, int64_t n)
{
    double least = x[0], most = x[0];

    for (int64_t i = 1; i < n; i++) {
        if (x[i] < least) least = x[i];
        if (x[i] > most) most = x[i];
    }
    return most > least ? 1 / (most - least) : 0;
}

static run measure(const plane *p, int64_t from, int64_t to)
{
    run r = {from, to, from, 1e-9}; /* nearer than this is on the line */
    double dx = (p->x[to] - p->x[from]) * p->x_scale, dy = (p->y[to] - p->y[from]) * p->y_scale;
    double length = sqrt(dx * dx + dy * dy);

    for (int64_t i = from + 1; i < to; i++) {
        double ax = (p->x[i] - p->x[from]) * p->x_scale, ay = (p->y[i] - p->y[from]) * p->y_scale;
        double d = length > 0 ? fabs(ax * dy - ay * dx) / length : sqrt(ax * ax + ay * ay);
        if (d > r.distance) r = (run){from, to, i, d};
    }
    if (r.far == from) r.distance = 0;
    return r;
}

static int farthest(const run *runs, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        if (runs[i].distance > runs[best].distance) best = i;
    return best;
}

tarn_code tarn_thin(const double *x, const double *y, int64_t n, int most, int64_t *keep, int *kept, tarn_err *err)
{
    plane p = {x, y, one_over_range(x, n), one_over_range(y, n)};
    run *runs = NULL;
    int count = 1;
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&runs, (size_t)most, sizeof(*runs), err));
    runs[0] = measure(&p, 0, n - 1);
    while (count < most - 1) {
        int at = farthest(runs, count);
        run r = runs[at];

        if (r.distance <= 0) break;
        for (int i = count; i > at + 1; i--) runs[i] = runs[i - 1];
        runs[at] = measure(&p, r.from, r.far);
        runs[at + 1] = measure(&p, r.far, r.to);
        count++;
    }
    *kept = 0;
    for (int i = 0; i < count; i++) keep[(*kept)++] = runs[i].from;
    if (n > 1) keep[(*kept)++] = n - 1;
done:
    tarn_free(runs);
    return rc;
}
