/* SPDX-License-Identifier: Apache-2.0 */
/* assess: stage 5. In: labels and predictions of held-out rows. Out: metrics, pictures, a report.
 *
 * The metric table (metrics.def) has every figure; definitions, ties and edge cases are those of scikit-learn
 * 1.2.1, to 1e-12. Pictures are SVG.
 */
#ifndef TARN_ASSESS_H
#define TARN_ASSESS_H

#include "base/json.h"
#include "base/param.h"
#include "base/pool.h"
#include "model/model.h"

/* Held-out rows and what was predicted for them. All values finite; everything is borrowed. */
typedef struct tarn_judged {
    tarn_task task;
    int64_t rows;                   /* 1 .. 2^32 - 1 */
    int classes;                    /* 0: regression; BINARY: 2 */
    const char *const *class_names; /* (classes), or NULL: they are called by their numbers */
    const double *y;                /* (rows) class index or value */
    /* BINARY (rows) probability of class 1; MULTICLASS (classes, rows), summing to 1 over the classes;
     * REGRESSION (rows) value. */
    const double *p;
    /* (rows) 0 or more, not all 0; or NULL: 1 each. A row of weight 0 is as if it were not there. */
    const double *weight;
    double threshold; /* BINARY: at or above it is class 1 */
} tarn_judged;

typedef struct tarn_metric {
    const char *name, *title;
    const char *unit; /* "share": 0 to 1; "nats"; "target": that of what is predicted; "": a plain number */
    unsigned tasks;   /* bits 1 << tarn_task */
    bool higher_is_better;
    double best;      /* the value of a perfect prediction */
    const char *help; /* one line: what it says, in plain words */
    /* NaN where it is not defined (one class only). Called by this room only, which has checked j. */
    tarn_code (*compute)(const tarn_judged *j, double *out, tarn_err *err);
} tarn_metric;
int tarn_metric_count(void);
const tarn_metric *tarn_metric_at(int i);
TARN_MUST tarn_code tarn_metric_find(const char *name, const tarn_metric **out, tarn_err *err);
/* TARN_INVALID names the first row that cannot be judged: a value that is not finite, an unknown class ... */
TARN_MUST tarn_code tarn_judged_check(const tarn_judged *j, tarn_err *err);
/* One figure. Errors: what tarn_judged_check says; TARN_INVALID the metric does not suit the task; TARN_NOMEM. */
TARN_MUST tarn_code tarn_metric_value(const tarn_metric *metric, const tarn_judged *j, double *out, tarn_err *err);

/* Money: value of each outcome of a binary decision, in `unit` per row. */
typedef struct tarn_costs {
    double true_positive, false_positive, true_negative, false_negative;
    char unit[32];
    bool given;
} tarn_costs;

/* Everything about one model on one set of rows, as a JSON object (caller decrefs):
 *
 *   task, rows, weighted, classes [name]
 *   positive, threshold   BINARY: name of class 1; from which probability on a row is flagged
 *   metrics      {name: value or null}
 * and for classes
 *   per_class    [{name, rows, predicted, precision, recall, f1}], rows: weight of those that truly are
 *   confusion    [[rows]] by true class, then predicted class; null for more than 100 classes
 *   roc          {curves [{name, area, fpr [], tpr [], thresholds []}]}, the first threshold is null: none flagged
 *   pr           {curves [{name, area, share, recall [], precision [], thresholds []}]}, share: what guessing gets
 *   calibration  {from [], to [], rows [], stated [], came_true []}, bins that hold rows
 *   histogram    {of, edges [], groups [{name, rows []}]}
 *   profit       {unit, threshold, value, best_threshold, best_value, none, all, thresholds [], values [], flagged []}
 *                BINARY with costs; thresholds rise, values are sums over the rows; none, all: if so many are flagged
 * or for REGRESSION
 *   residuals    {edges [], rows [], below, above, mean, p05, p25, p50, p75, p95}, of predicted minus true value
 *   scatter      {predicted [], actual []}, at most 400 rows, evenly spaced
 *   tenths       {predicted [], actual [], rows []}, means of rows sorted by prediction
 *
 * Figures are computed on all points; then curves are thinned by shape to at most 512 points (128 when there are
 * several: those of the eight most frequent classes). costs may be NULL.
 *
 * Errors: what tarn_judged_check says; TARN_INVALID a class name is not UTF-8 or a cost is not finite; TARN_NOMEM
 * Cost:   O(rows classes); 50,000 rows of two classes take some 20 ms */
TARN_MUST tarn_code tarn_assess(const tarn_judged *j, const tarn_costs *costs, json_t **out, tarn_err *err);
/* Threshold with the highest profit on these rows: one of the scores, or just above them all if flagging nothing is
 * best. Ties go to the lower threshold. TARN_INVALID: no costs are given, or the task is not BINARY. */
TARN_MUST tarn_code tarn_best_threshold(const tarn_judged *j, const tarn_costs *costs, double *out, tarn_err *err);

/* One picture as SVG text (tarn_free). which: roc, pr, calibration, confusion, profit, histogram, importance;
 * REGRESSION predicted, residuals, importance. `assessed` is what tarn_assess gave; importance is drawn from
 * "importance" [{name, share}], which the caller has put into it. Same bytes for the same input. Colours follow the
 * page (see chart.h), or the reader's light or dark setting. Errors: TARN_NOT_FOUND no such picture, or the assessment
 * has nothing for it; TARN_INVALID names what is not as it should be. */
TARN_MUST tarn_code tarn_picture(const char *which, const json_t *assessed, char **svg, tarn_err *err);
/* Names of the pictures that suit a task, NULL-terminated. */
const char *const *tarn_pictures(tarn_task task);

/* A page that a manager can read: one HTML file, pictures inside, no script, nothing fetched. `story` is an object; all
 * but assessed may be missing, and leave their section out:
 *
 *   title, problem, target, positive   texts; noun: plural word for rows ("flights")
 *   champion, model_id                 name among the candidates; id to show
 *   candidates  [{name, title, valid {metric: value}}]      a naive baseline may be one of them
 *   assessed    what tarn_assess gave for the test rows
 *   baseline    {metric: value} of the naive baseline on the test rows, or what tarn_assess gave for it
 *   importance  [{name, share}]
 *   parts       [{name, rows, from, to, used_for}]
 *   data        [{name, value}] or texts: sources, repairs, dead letters ...
 *   notes       [text]
 *   commands    [text] or [{what, command}]
 *
 * Depends on nothing else (no clock), so equal stories give equal bytes. tarn_free(*html). */
TARN_MUST tarn_code tarn_report_html(const json_t *story, char **html, tarn_err *err);

#endif
