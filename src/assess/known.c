/* SPDX-License-Identifier: Apache-2.0 */
/* known.c - see known.h. */
#include "assess/known.h"

#include "assess/order.h"
#include "base/mem.h"
#include "math/gram.h"

/* Above so many scores in all, orders and curves are not remembered: they would take a gigabyte and more. */
static const int64_t most_scores = INT64_C(1) << 24;

static int curves_of(const tarn_judged *j)
{
    int curves = j->task == TARN_BINARY ? 1 : j->task == TARN_MULTICLASS ? j->classes : 0;

    return (int64_t)curves * j->rows <= most_scores ? curves : 0;
}

/* Places of equal scores are one point of the curve; the highest comes first. */
static tarn_code find_points(const double *score, const uint32_t *order, int64_t rows, uint32_t **out, tarn_err *err)
{
    uint32_t *point = NULL, n = 0;
    tarn_code rc = tarn_alloc(&point, (size_t)rows, sizeof(*point), err);

    for (int64_t i = rows - 1; rc == TARN_OK && i >= 0; i--) {
        n += i < rows - 1 && score[order[i]] < score[order[i + 1]];
        point[i] = n;
    }
    *out = point;
    return rc;
}

tarn_code tarn_facts_new(const tarn_judged *j, tarn_facts **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_facts *f = NULL;
    int32_t *class = NULL;

    TARN_TRY(tarn_alloc(&f, 1, sizeof(*f), err));
    f->learning = true;
    f->curves = curves_of(j);
    TARN_TRY(tarn_alloc(&f->order, (size_t)f->curves, sizeof(*f->order), err));
    TARN_TRY(tarn_alloc(&f->point, (size_t)f->curves, sizeof(*f->point), err));
    for (int k = 0; k < f->curves; k++) {
        const double *score = j->p + (int64_t)k * j->rows;
        TARN_TRY(tarn_order(score, j->rows, &f->order[k], err));
        TARN_TRY(find_points(score, f->order[k], j->rows, &f->point[k], err));
    }
    if (j->task != TARN_REGRESSION) {
        TARN_TRY(tarn_alloc(&class, (size_t)j->rows, sizeof(*class), err));
        for (int64_t i = 0; i < j->rows; i++) class[i] = tarn_judged_class(j, i);
        f->class = class;
    }
    *out = f;
    f = NULL;
done:
    tarn_facts_free(f);
    return rc;
}

void tarn_facts_settle(tarn_facts *f) { f->learning = false; }

void tarn_facts_free(tarn_facts *f)
{
    if (!f) return;
    for (int k = 0; f->order && k < f->curves; k++) tarn_free(f->order[k]);
    for (int k = 0; f->point && k < f->curves; k++) tarn_free(f->point[k]);
    tarn_free(f->order);
    tarn_free(f->point);
    tarn_free(f->class);
    for (int i = 0; i < f->losses; i++) tarn_free(f->said[i]);
    tarn_free(f->off);
    tarn_free(f->off_order);
    tarn_free(f->y_order);
    tarn_groups_clear(&f->groups);
    tarn_free(f);
}

tarn_code tarn_known_new(tarn_facts *facts, int64_t rows, tarn_known **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_known *k = NULL;

    TARN_TRY(tarn_alloc(&k, 1, sizeof(*k), err));
    k->facts = facts;
    TARN_TRY(tarn_alloc(&k->drawn, (size_t)facts->curves, sizeof(*k->drawn), err));
    TARN_TRY(tarn_alloc(&k->curve, (size_t)facts->curves, sizeof(*k->curve), err));
    for (int i = 0; i < facts->curves; i++) TARN_TRY(tarn_curve_allocate(rows, &k->curve[i], err));
    *out = k;
    k = NULL;
done:
    tarn_known_free(k);
    return rc;
}

void tarn_known_forget(tarn_known *k)
{
    tarn_confusion_clear(&k->confusion);
    k->confused = k->weighed = false;
    for (int i = 0; i < k->facts->curves; i++) k->drawn[i] = false;
}

void tarn_known_free(tarn_known *k)
{
    if (!k) return;
    tarn_confusion_clear(&k->confusion);
    for (int i = 0; k->curve && i < k->facts->curves; i++) tarn_curve_clear(&k->curve[i]);
    tarn_free(k->curve);
    tarn_free(k->drawn);
    tarn_free(k);
}

tarn_code tarn_known_confusion(const tarn_judged *j, tarn_confusion *own, const tarn_confusion **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_known *k = j->known;

    if (!k) {
        TARN_TRY(tarn_confusion_make(j, own, err));
        *out = own;
        goto done;
    }
    if (!k->confused) TARN_TRY(tarn_confusion_make(j, &k->confusion, err));
    k->confused = true;
    *out = &k->confusion;
done:
    return rc;
}

/* tarn_curve_draw without branches. Points without weight stay in it; they change no area. */
static void redraw(const tarn_judged *j, int class, const uint32_t *order, const uint32_t *point, tarn_curve *c)
{
    const double *score = j->task == TARN_BINARY ? j->p : j->p + (int64_t) class * j->rows;
    double tp = 0, fp = 0;

    for (int64_t i = j->rows - 1; i >= 0; i--) {
        uint32_t row = order[i], at = point[i];
        double w = j->weight[row], hit = (int)j->y[row] == class ? w : 0;
        tp += hit;
        fp += w - hit;
        c->threshold[at] = score[row];
        c->tp[at] = tp;
        c->fp[at] = fp;
    }
    c->n = (int64_t)point[0] + 1;
    c->positives = tp;
    c->negatives = fp;
}

tarn_code tarn_known_curve(const tarn_judged *j, int class, tarn_curve *own, const tarn_curve **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_known *k = j->known;
    int at = j->task == TARN_BINARY ? 0 : class;

    if (!k || at >= k->facts->curves) {
        TARN_TRY(tarn_curve_make(j, class, own, err));
        *out = own;
        goto done;
    }
    if (!k->drawn[at] && (k->facts->learning || !j->weight))
        tarn_curve_draw(j, class, k->facts->order[at], &k->curve[at]);
    else if (!k->drawn[at]) redraw(j, class, k->facts->order[at], k->facts->point[at], &k->curve[at]);
    k->drawn[at] = true;
    *out = &k->curve[at];
done:
    return rc;
}

tarn_code tarn_known_groups(const tarn_judged *j, tarn_groups *own, const tarn_groups **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_facts *f = j->known ? j->known->facts : NULL;

    if (f && f->learning && f->groups.n == 0) TARN_TRY(tarn_groups_make(j, &f->groups, err));
    *out = f && f->groups.n > 0 ? &f->groups : own;
    if (*out == own) TARN_TRY(tarn_groups_make(j, own, err));
done:
    return rc;
}

/* What the loss says of every row, if it is remembered or can be now. */
static const double *said(const tarn_judged *j, tarn_loss_fn *loss)
{
    tarn_facts *f = j->known ? j->known->facts : NULL;
    double *x = NULL;

    for (int i = 0; f && i < f->losses; i++)
        if (f->loss[i] == loss) return f->said[i];
    if (!f || !f->learning || f->losses == TARN_KNOWN_LOSSES) return NULL;
    if (tarn_alloc(&x, (size_t)j->rows, sizeof(*x), NULL) != TARN_OK) return NULL; /* it goes without */
    for (int64_t i = 0; i < j->rows; i++) x[i] = loss(j, i);
    f->loss[f->losses] = loss;
    f->said[f->losses++] = x;
    return x;
}

/* Whether sums may be made in lanes: the rows are judged again, and the first time was exact. */
static bool again(const tarn_judged *j) { return j->known && !j->known->facts->learning && j->weight; }

static double weight_of(const tarn_judged *j)
{
    double lane[4] = {0};
    tarn_known *k = j->known;

    if (k->weighed) return k->weight;
    for (int64_t i = 0; i < j->rows; i++) lane[i % 4] += j->weight[i];
    k->weighed = true;
    return k->weight = (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

double tarn_mean_loss(const tarn_judged *j, tarn_loss_fn *loss)
{
    tarn_sum sum = {0}, weight = {0};
    const double *x = said(j, loss);

    if (x && again(j)) {
        double mean = tarn_dot((size_t)j->rows, j->weight, x) / weight_of(j);
        if (!isnan(mean)) return mean; /* else perhaps because of a row of weight 0 */
    }
    for (int64_t i = 0; i < j->rows; i++) {
        double w = tarn_judged_weight(j, i);
        if (w <= 0) continue;
        tarn_sum_add(&sum, w * (x ? x[i] : loss(j, i)));
        tarn_sum_add(&weight, w);
    }
    return tarn_sum_get(&sum) / tarn_sum_get(&weight);
}

static double mean_distance(const tarn_judged *j, tarn_loss_fn *loss, double centre, bool squared)
{
    const double *x = said(j, loss);
    tarn_sum sum = {0}, weight = {0};
    double lane[4] = {0};

    if (x && again(j)) {
        for (int64_t i = 0; i < j->rows; i++) {
            double d = x[i] - centre;
            lane[i % 4] += j->weight[i] * (squared ? d * d : fabs(d));
        }
        return ((lane[0] + lane[1]) + (lane[2] + lane[3])) / weight_of(j);
    }
    for (int64_t i = 0; i < j->rows; i++) {
        double w = tarn_judged_weight(j, i), d = (x ? x[i] : loss(j, i)) - centre;
        tarn_sum_add(&sum, w * (squared ? d * d : fabs(d)));
        tarn_sum_add(&weight, w);
    }
    return tarn_sum_get(&sum) / tarn_sum_get(&weight);
}

double tarn_mean_distance(const tarn_judged *j, tarn_loss_fn *loss, double centre)
{
    return mean_distance(j, loss, centre, false);
}

double tarn_mean_square(const tarn_judged *j, tarn_loss_fn *loss, double centre)
{
    return mean_distance(j, loss, centre, true);
}
