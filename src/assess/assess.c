/* SPDX-License-Identifier: Apache-2.0 */
/* assess.c - everything about one model on one set of rows, gathered into one JSON object. */
#include "assess/assess.h"

#include "assess/calibration.h"
#include "assess/known.h"
#include "assess/profit.h"
#include "assess/put.h"
#include "assess/sum.h"

#include <string.h>

enum { HISTOGRAM_BINS = 20, MOST_IN_CONFUSION = 100 };

static tarn_code check_names(const tarn_judged *j, tarn_err *err)
{
    for (int c = 0; j->class_names && c < j->classes; c++) {
        const char *name = j->class_names[c];
        size_t bad;
        if (name && !tarn_utf8_valid(name, strlen(name), &bad))
            return TARN_FAIL(err, TARN_INVALID, "the name of class %d is not UTF-8 (byte %zu)", c, bad);
    }
    return TARN_OK;
}

static tarn_code check_costs(const tarn_costs *costs, tarn_err *err)
{
    size_t bad, len = strnlen(costs->unit, sizeof(costs->unit));

    if (len == sizeof(costs->unit) || !tarn_utf8_valid(costs->unit, len, &bad))
        return TARN_FAIL(err, TARN_INVALID, "the unit of the costs is not a short UTF-8 text");
    return tarn_costs_check(costs, err);
}

static tarn_code put_head(const tarn_judged *j, json_t *out, tarn_err *err)
{
    static const char *const tasks[] = {"binary", "multiclass", "regression"};
    tarn_code rc = TARN_OK;
    char number[32];
    json_t *names = NULL;

    TARN_TRY(tarn_put_text(out, "task", tasks[j->task], err));
    TARN_TRY(tarn_json_set(out, "rows", json_integer(j->rows), err));
    TARN_TRY(tarn_json_set(out, "weighted", json_boolean(j->weight != NULL), err));
    TARN_TRY(tarn_put_array(out, "classes", &names, err));
    for (int c = 0; c < j->classes; c++)
        TARN_TRY(tarn_json_append(names, json_string(tarn_judged_name(j, c, number)), err));
    if (j->task != TARN_BINARY) goto done;
    TARN_TRY(tarn_put_text(out, "positive", tarn_judged_name(j, 1, number), err));
    TARN_TRY(tarn_put_number(out, "threshold", j->threshold, err));
done:
    return rc;
}

/* Each figure that suits, of rows that were checked. */
static tarn_code put_metrics(const tarn_judged *judged, json_t *metrics, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_facts *facts = NULL;
    tarn_judged j = *judged;

    TARN_TRY(tarn_facts_new(&j, &facts, err));
    TARN_TRY(tarn_known_new(facts, j.rows, &j.known, err));
    for (int i = 0; i < tarn_metric_count(); i++) {
        const tarn_metric *m = tarn_metric_at(i);
        double value = 0;
        if (!tarn_metric_suits(m, &j)) continue;
        TARN_TRY(m->compute(&j, &value, err));
        TARN_TRY(tarn_put_number(metrics, m->name, value, err));
    }
done:
    if (rc != TARN_OK) tarn_err_note(err, "metrics");
    tarn_known_free(j.known);
    tarn_facts_free(facts);
    return rc;
}

tarn_code tarn_metrics_all(const tarn_judged *j, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *all = NULL;

    TARN_TRY(tarn_judged_check(j, err));
    all = json_object();
    if (!all) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "no memory for the metrics"));
    TARN_TRY(put_metrics(j, all, err));
    *out = all;
    all = NULL;
done:
    json_decref(all);
    return rc;
}

static tarn_code put_per_class(const tarn_judged *j, const tarn_confusion *c, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char number[32];
    json_t *list = NULL, *item = NULL;

    TARN_TRY(tarn_put_array(out, "per_class", &list, err));
    for (int k = 0; k < c->classes; k++) {
        TARN_TRY(tarn_put_item(list, &item, err));
        TARN_TRY(tarn_put_text(item, "name", tarn_judged_name(j, k, number), err));
        TARN_TRY(tarn_put_number(item, "rows", c->truth[k], err));
        TARN_TRY(tarn_put_number(item, "predicted", c->predicted[k], err));
        TARN_TRY(tarn_put_number(item, "precision", tarn_confusion_precision(c, k), err));
        TARN_TRY(tarn_put_number(item, "recall", tarn_confusion_recall(c, k), err));
        TARN_TRY(tarn_put_number(item, "f1", tarn_confusion_fbeta(c, k, 1), err));
    }
done:
    return rc;
}

static tarn_code put_confusion(const tarn_judged *j, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_confusion c = {0};
    json_t *lines = NULL, *line = NULL;

    TARN_TRY(tarn_confusion_make(j, &c, err));
    TARN_TRY(put_per_class(j, &c, out, err));
    if (c.classes > MOST_IN_CONFUSION) {
        TARN_TRY(tarn_json_set(out, "confusion", json_null(), err));
        goto done;
    }
    TARN_TRY(tarn_put_array(out, "confusion", &lines, err));
    for (int t = 0; t < c.classes; t++) {
        line = json_array();
        TARN_TRY(tarn_json_append(lines, line, err));
        for (int p = 0; p < c.classes; p++)
            TARN_TRY(tarn_json_append(line, tarn_json_num(c.cells[t * c.classes + p]), err));
    }
done:
    tarn_confusion_clear(&c);
    return rc;
}

static tarn_code put_calibration(const tarn_judged *j, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_calibration c;
    double from[TARN_CALIBRATION_BINS], to[TARN_CALIBRATION_BINS];
    json_t *part = NULL;
    int n = 0;

    tarn_calibration_make(j, &c);
    for (int b = 0; b < TARN_CALIBRATION_BINS; b++) {
        if (c.weight[b] <= 0) continue;
        from[n] = b / 10.0;
        to[n] = (b + 1) / 10.0;
        c.stated[n] = c.stated[b] / c.weight[b];
        c.came_true[n] = c.came_true[b] / c.weight[b];
        c.weight[n++] = c.weight[b];
    }
    TARN_TRY(tarn_put_object(out, "calibration", &part, err));
    TARN_TRY(tarn_put_numbers(part, "from", from, n, err));
    TARN_TRY(tarn_put_numbers(part, "to", to, n, err));
    TARN_TRY(tarn_put_numbers(part, "rows", c.weight, n, err));
    TARN_TRY(tarn_put_numbers(part, "stated", c.stated, n, err));
    TARN_TRY(tarn_put_numbers(part, "came_true", c.came_true, n, err));
done:
    return rc;
}

/* Rows per score bin in two groups: BINARY by true class, MULTICLASS right and wrong. */
static tarn_code put_histogram(const tarn_judged *j, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool binary = j->task == TARN_BINARY;
    char number[32];
    double edges[HISTOGRAM_BINS + 1];
    tarn_sum sums[2][HISTOGRAM_BINS] = {{{0}}};
    json_t *part = NULL, *groups = NULL, *group = NULL;

    for (int b = 0; b <= HISTOGRAM_BINS; b++) edges[b] = (double)b / HISTOGRAM_BINS;
    for (int64_t i = 0; i < j->rows; i++) {
        int class = binary ? 1 : tarn_judged_class(j, i), hit = (int)j->y[i] == class, to = binary ? hit : !hit;
        int b = (int)((binary ? j->p[i] : j->p[(int64_t) class * j->rows + i]) * HISTOGRAM_BINS);
        tarn_sum_add(&sums[to][b < HISTOGRAM_BINS ? b : HISTOGRAM_BINS - 1], tarn_judged_weight(j, i));
    }
    TARN_TRY(tarn_put_object(out, "histogram", &part, err));
    TARN_TRY(tarn_put_text(part, "of", binary ? "probability" : "probability of the predicted class", err));
    TARN_TRY(tarn_put_numbers(part, "edges", edges, HISTOGRAM_BINS + 1, err));
    TARN_TRY(tarn_put_array(part, "groups", &groups, err));
    for (int g = 0; g < 2; g++) {
        double rows[HISTOGRAM_BINS];
        for (int b = 0; b < HISTOGRAM_BINS; b++) rows[b] = tarn_sum_get(&sums[g][b]);
        TARN_TRY(tarn_put_item(groups, &group, err));
        TARN_TRY(tarn_put_text(group, "name", binary ? tarn_judged_name(j, g, number) : g ? "wrong" : "right", err));
        TARN_TRY(tarn_put_numbers(group, "rows", rows, HISTOGRAM_BINS, err));
    }
done:
    return rc;
}

static tarn_code put_all(const tarn_judged *j, const tarn_costs *costs, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *metrics = NULL;

    TARN_TRY(put_head(j, out, err));
    TARN_TRY(tarn_put_object(out, "metrics", &metrics, err));
    TARN_TRY(put_metrics(j, metrics, err));
    if (j->task == TARN_REGRESSION) {
        TARN_TRY(tarn_put_residuals(j, out, err));
        goto done;
    }
    TARN_TRY(put_confusion(j, out, err));
    TARN_TRY(tarn_put_curves(j, costs, out, err));
    TARN_TRY(put_calibration(j, out, err));
    TARN_TRY(put_histogram(j, out, err));
done:
    return rc;
}

tarn_code tarn_assess(const tarn_judged *j, const tarn_costs *costs, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *all = NULL;

    TARN_TRY(tarn_judged_check(j, err));
    TARN_TRY(check_names(j, err));
    if (costs && costs->given) TARN_TRY(check_costs(costs, err));
    all = json_object();
    if (!all) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "no memory for an assessment"));
    TARN_TRY(put_all(j, costs, all, err));
    *out = all;
    all = NULL;
done:
    json_decref(all);
    return rc;
}
