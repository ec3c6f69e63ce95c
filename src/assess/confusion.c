/* SPDX-License-Identifier: Apache-2.0 */
/* confusion.c - the table of true and predicted classes, and the rates that follow from it. */
#include "assess/confusion.h"

#include "assess/known.h"
#include "assess/sum.h"
#include "base/mem.h"

int tarn_judged_class(const tarn_judged *j, int64_t row)
{
    int best = 0;

    if (j->known && j->known->facts->class) return j->known->facts->class[row];
    if (j->task == TARN_BINARY) return j->p[row] >= j->threshold;
    for (int c = 1; c < j->classes; c++)
        if (j->p[(int64_t)c * j->rows + row] > j->p[(int64_t)best * j->rows + row]) best = c;
    return best;
}

/* cells, truth, predicted and total from the sums of the cells. */
static void fill(tarn_confusion *c, const tarn_sum *cells)
{
    tarn_sum total = {0};

    for (int t = 0; t < c->classes; t++) {
        tarn_sum truth = {0}, predicted = {0};
        for (int p = 0; p < c->classes; p++) {
            double cell = tarn_sum_get(&cells[t * c->classes + p]);
            c->cells[t * c->classes + p] = cell;
            tarn_sum_add(&truth, cell);
            tarn_sum_add(&predicted, tarn_sum_get(&cells[p * c->classes + t]));
            tarn_sum_add(&total, cell);
        }
        c->truth[t] = tarn_sum_get(&truth);
        c->predicted[t] = tarn_sum_get(&predicted);
    }
    c->total = tarn_sum_get(&total);
}

static void add_exactly(const tarn_judged *j, tarn_sum *cells)
{
    for (int64_t i = 0; i < j->rows; i++)
        tarn_sum_add(&cells[(int)j->y[i] * j->classes + tarn_judged_class(j, i)], tarn_judged_weight(j, i));
}

tarn_code tarn_confusion_make(const tarn_judged *j, tarn_confusion *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t k = (size_t)j->classes;
    tarn_confusion c = {.classes = j->classes};
    tarn_sum *cells = NULL;

    TARN_TRY(tarn_alloc(&cells, k * k, sizeof(*cells), err));
    TARN_TRY(tarn_alloc(&c.cells, k * k, sizeof(double), err));
    TARN_TRY(tarn_alloc(&c.truth, k, sizeof(double), err));
    TARN_TRY(tarn_alloc(&c.predicted, k, sizeof(double), err));
    const tarn_facts *facts = j->known && j->weight ? j->known->facts : NULL;
    if (facts && facts->class && !facts->learning) {
        for (int64_t i = 0; i < j->rows; i++) cells[(int)j->y[i] * j->classes + facts->class[i]].value += j->weight[i];
    } else {
        add_exactly(j, cells);
    }
    fill(&c, cells);
    *out = c;
    c = (tarn_confusion){0};
done:
    tarn_free(cells);
    tarn_confusion_clear(&c);
    return rc;
}

void tarn_confusion_clear(tarn_confusion *c)
{
    tarn_free(c->cells);
    tarn_free(c->truth);
    tarn_free(c->predicted);
    *c = (tarn_confusion){0};
}

static double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

static double hits(const tarn_confusion *c, int class) { return c->cells[class * c->classes + class]; }

double tarn_confusion_precision(const tarn_confusion *c, int class)
{
    return share(hits(c, class), c->predicted[class]);
}

double tarn_confusion_recall(const tarn_confusion *c, int class) { return share(hits(c, class), c->truth[class]); }

double tarn_confusion_specificity(const tarn_confusion *c, int class)
{
    double others = 0, rejected = 0;

    for (int t = 0; t < c->classes; t++) {
        if (t == class) continue;
        others += c->truth[t];
        for (int p = 0; p < c->classes; p++)
            if (p != class) rejected += c->cells[t * c->classes + p];
    }
    return share(rejected, others);
}

double tarn_confusion_jaccard(const tarn_confusion *c, int class)
{
    return share(hits(c, class), c->truth[class] + c->predicted[class] - hits(c, class));
}

double tarn_confusion_fbeta(const tarn_confusion *c, int class, double beta)
{
    double p = tarn_confusion_precision(c, class), r = tarn_confusion_recall(c, class), b2 = beta * beta;

    return share((1 + b2) * p * r, b2 * p + r);
}

static double macro(const tarn_confusion *c, tarn_rate_fn *rate)
{
    double sum = 0;
    int present = 0;

    for (int k = 0; k < c->classes; k++) {
        if (c->truth[k] <= 0 && c->predicted[k] <= 0) continue;
        sum += rate(c, k);
        present++;
    }
    return sum / present;
}

tarn_code tarn_confusion_rate(const tarn_judged *j, tarn_rate_fn *rate, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_confusion own = {0};
    const tarn_confusion *c = NULL;

    TARN_TRY(tarn_known_confusion(j, &own, &c, err));
    *out = j->task == TARN_BINARY ? rate(c, 1) : macro(c, rate);
done:
    tarn_confusion_clear(&own);
    return rc;
}

tarn_code tarn_confusion_whole(const tarn_judged *j, tarn_whole_fn *whole, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_confusion own = {0};
    const tarn_confusion *c = NULL;

    TARN_TRY(tarn_known_confusion(j, &own, &c, err));
    *out = whole(c);
done:
    tarn_confusion_clear(&own);
    return rc;
}

tarn_code tarn_confusion_weighted(const tarn_judged *j, tarn_rate_fn *rate, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_confusion own = {0};
    const tarn_confusion *c = NULL;
    double sum = 0;

    TARN_TRY(tarn_known_confusion(j, &own, &c, err));
    for (int k = 0; k < c->classes; k++) sum += c->truth[k] * rate(c, k);
    *out = sum / c->total;
done:
    tarn_confusion_clear(&own);
    return rc;
}

tarn_code tarn_confusion_share(const tarn_judged *j, tarn_share_fn *share_of, double *part, double *whole,
                               tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_confusion own = {0};
    const tarn_confusion *c = NULL;

    TARN_TRY(tarn_known_confusion(j, &own, &c, err));
    *whole = 0;
    share_of(c, part, whole);
done:
    tarn_confusion_clear(&own);
    return rc;
}
