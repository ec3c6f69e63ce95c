/* SPDX-License-Identifier: Apache-2.0 */
/* metric.c - the table of figures, and the checks that every figure relies on. */
#include "assess/assess.h"

#include <math.h>
#include <string.h>

#define TARN_METRIC(name) extern const tarn_metric tarn_metric_##name;
#include "assess/metrics.def"
#undef TARN_METRIC

static const tarn_metric *const table[] = {
#define TARN_METRIC(name) &tarn_metric_##name,
#include "assess/metrics.def"
#undef TARN_METRIC
};

enum { METRICS = sizeof(table) / sizeof(table[0]) };

int tarn_metric_count(void) { return METRICS; }

const tarn_metric *tarn_metric_at(int i) { return table[i]; }

tarn_code tarn_metric_find(const char *name, const tarn_metric **out, tarn_err *err)
{
    const char *names[METRICS];

    for (int i = 0; i < METRICS; i++) {
        names[i] = table[i]->name;
        if (strcmp(name, names[i]) != 0) continue;
        *out = table[i];
        return TARN_OK;
    }
    const char *near = tarn_nearest_word(name, names, METRICS);
    return TARN_FAIL(err, TARN_NOT_FOUND, "there is no metric '%s'%s%s%s", name, near ? "; did you mean '" : "",
                     near ? near : "", near ? "'?" : "");
}

static tarn_code check_shape(const tarn_judged *j, tarn_err *err)
{
    if (j->task != TARN_BINARY && j->task != TARN_MULTICLASS && j->task != TARN_REGRESSION)
        return TARN_FAIL(err, TARN_INVALID, "task %d is not one of binary, multiclass, regression", (int)j->task);
    if (j->rows < 1) return TARN_FAIL(err, TARN_INVALID, "there are no rows to judge; give the part more of the data");
    if (j->rows > UINT32_MAX) return TARN_FAIL(err, TARN_LIMIT, "more than %u rows to judge", (unsigned)UINT32_MAX);
    if (j->task == TARN_BINARY && j->classes != 2)
        return TARN_FAIL(err, TARN_INVALID, "a binary task has 2 classes, not %d", j->classes);
    if (j->task == TARN_MULTICLASS && (j->classes < 2 || j->classes > 1000))
        return TARN_FAIL(err, TARN_INVALID, "a multiclass task has 2 to 1,000 classes, not %d", j->classes);
    if (j->task == TARN_BINARY && !isfinite(j->threshold))
        return TARN_FAIL(err, TARN_INVALID, "the threshold is not a number");
    return TARN_OK;
}

static tarn_code check_weights(const tarn_judged *j, tarn_err *err)
{
    bool any = !j->weight;

    for (int64_t i = 0; j->weight && i < j->rows; i++) {
        if (!isfinite(j->weight[i]) || j->weight[i] < 0)
            return TARN_FAIL(err, TARN_INVALID, "row %lld: weight %g is not a number of 0 or more", (long long)i,
                             j->weight[i]);
        any |= j->weight[i] > 0;
    }
    return any ? TARN_OK : TARN_FAIL(err, TARN_INVALID, "all rows have weight 0");
}

static tarn_code check_values(const tarn_judged *j, tarn_err *err)
{
    for (int64_t i = 0; i < j->rows; i++) {
        if (!isfinite(j->y[i]))
            return TARN_FAIL(err, TARN_INVALID, "row %lld: the true value is not a number", (long long)i);
        if (!isfinite(j->p[i]))
            return TARN_FAIL(err, TARN_INVALID, "row %lld: the prediction is not a number", (long long)i);
    }
    return TARN_OK;
}

static tarn_code check_row_sum(const tarn_judged *j, int64_t row, tarn_err *err)
{
    int outputs = j->task == TARN_BINARY ? 1 : j->classes;
    double sum = 0;

    for (int c = 0; c < outputs; c++) {
        double p = j->p[(int64_t)c * j->rows + row];
        if (!(p >= 0 && p <= 1))
            return TARN_FAIL(err, TARN_INVALID, "row %lld: prediction %g is not a probability (0 to 1)", (long long)row,
                             p);
        sum += p;
    }
    if (outputs > 1 && !(fabs(sum - 1) <= 1e-5))
        return TARN_FAIL(err, TARN_INVALID, "row %lld: the probabilities sum to %.9g, not to 1", (long long)row, sum);
    return TARN_OK;
}

static tarn_code check_classes(const tarn_judged *j, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int64_t i = 0; i < j->rows; i++) {
        double y = j->y[i];
        if (!(y >= 0 && y < j->classes) || y != floor(y))
            return TARN_FAIL(err, TARN_INVALID, "row %lld: true class %g is not one of 0 to %d", (long long)i, y,
                             j->classes - 1);
        TARN_TRY(check_row_sum(j, i, err));
    }
done:
    return rc;
}

tarn_code tarn_judged_check(const tarn_judged *j, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(check_shape(j, err));
    TARN_TRY(check_weights(j, err));
    TARN_TRY(j->task == TARN_REGRESSION ? check_values(j, err) : check_classes(j, err));
done:
    return rc;
}

bool tarn_metric_suits(const tarn_metric *metric, const tarn_judged *j)
{
    return (metric->tasks >> j->task & 1u) && (j->group || !metric->needs_group);
}

tarn_code tarn_metric_value(const tarn_metric *metric, const tarn_judged *j, double *out, tarn_err *err)
{
    static const char *const words[] = {"binary", "multiclass", "regression"};
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_judged_check(j, err));
    if (!(metric->tasks >> j->task & 1u))
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "metric '%s' does not suit a %s task", metric->name, words[j->task]));
    if (metric->needs_group && !j->group)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "metric '%s' ranks within groups, and the rows have none", metric->name));
    TARN_TRY(metric->compute(j, out, err));
done:
    return rc;
}
