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
    /* (rows) which rows are ranked against each other (a query, a day), by any number; they need not stand together.
     * NULL: none, and no rankings. */
    const int64_t *group;
    /* (rows) which rows depend on each other (those of one customer), by any number: how sure a figure is goes by
     * whole clusters, while no figure looks at them. NULL: those of a group do, or, without groups, none. */
    const int64_t *cluster;
    struct tarn_known *known; /* of this room; NULL outside of it */
} tarn_judged;

typedef struct tarn_metric {
    const char *name, *title;
    const char *unit; /* "share": 0 to 1; "nats"; "target": that of what is predicted; "": a plain number */
    unsigned tasks;   /* bits 1 << tarn_task */
    bool higher_is_better;
    double best;      /* the value of a perfect prediction; NaN: depends on the rows */
    bool needs_group; /* a ranking: judged within each group */
    bool no_interval; /* a maximum or the like, of which resampling gives a wrong idea */
    const char *help; /* one line: what it says, in plain words */
    /* NaN where it is not defined (one class only). Called by this room only, which has checked j. */
    tarn_code (*compute)(const tarn_judged *j, double *out, tarn_err *err);
    /* For shares of rows: how many (weight) of how many; *whole NaN where it is not one (a mean over classes). Or NULL.
     */
    tarn_code (*share)(const tarn_judged *j, double *part, double *whole, tarn_err *err);
} tarn_metric;
int tarn_metric_count(void);
const tarn_metric *tarn_metric_at(int i);
TARN_MUST tarn_code tarn_metric_find(const char *name, const tarn_metric **out, tarn_err *err);
/* Whether the metric can be computed: it is for the task, and has groups if it needs them. */
bool tarn_metric_suits(const tarn_metric *metric, const tarn_judged *j);
/* TARN_INVALID names the first row that cannot be judged: a value that is not finite, an unknown class ... */
TARN_MUST tarn_code tarn_judged_check(const tarn_judged *j, tarn_err *err);
/* One figure. Errors: what tarn_judged_check says; TARN_INVALID the metric does not suit the task, or
 * needs groups; TARN_NOMEM. */
TARN_MUST tarn_code tarn_metric_value(const tarn_metric *metric, const tarn_judged *j, double *out, tarn_err *err);

/* {metric: value or null}: every figure that suits; in one go, since most of them share a sort or a table. Caller
 * decrefs. Errors: what tarn_judged_check says; TARN_NOMEM */
TARN_MUST tarn_code tarn_metrics_all(const tarn_judged *j, json_t **out, tarn_err *err);

/* How sure a figure is. All zero is a good choice. */
typedef struct tarn_resampling {
    double level;  /* 0: 0.95, so that 95 of 100 intervals hold the true figure */
    int resamples; /* 0: 100 (many rows) to 1,000 (few) */
    uint64_t seed;
} tarn_resampling;

typedef struct tarn_interval {
    double value, low, high; /* low and high NaN: not defined */
    const char *kind;        /* which of the table made it */
} tarn_interval;

/* intervals.def has the kinds, the best first. Whole clusters or groups are drawn where j has them: rows that depend on
 * each other say less than their number promises. */
typedef struct tarn_interval_kind {
    const char *name, *title, *paper;
    const char *help;
    bool resamples; /* takes many rounds over the rows */
    bool (*suits)(const tarn_metric *metric, const tarn_judged *j);
    /* Called by this room only, which has checked j and filled `how`. NaN where it is not defined. */
    tarn_code (*compute)(const tarn_metric *metric, const tarn_judged *j, const tarn_resampling *how, tarn_pool *pool,
                         tarn_interval *out, tarn_err *err);
} tarn_interval_kind;
int tarn_interval_count(void);
const tarn_interval_kind *tarn_interval_at(int i);
TARN_MUST tarn_code tarn_interval_find(const char *name, const tarn_interval_kind **out, tarn_err *err);
/* kind NULL: the first that suits. how may be NULL. The same bytes for any number of threads.
 * Errors: those of tarn_metric_value; TARN_INVALID the kind does not suit, the level is not between 0 and 1 */
TARN_MUST tarn_code tarn_metric_interval(const tarn_interval_kind *kind, const tarn_metric *metric,
                                         const tarn_judged *j, const tarn_resampling *how, tarn_pool *pool,
                                         tarn_interval *out, tarn_err *err);
/* Wilson's interval of a share, part of whole; 0 to 1 if whole is 0. */
void tarn_wilson(double part, double whole, double level, double *low, double *high);

/* What is compared: the predictions of two models for the same rows, or scores that models reached on several sets of
 * rows (folds, repetitions, tables). */
typedef struct tarn_contest {
    const tarn_judged *a, *b;  /* the same rows, y, weight, group and cluster; NULL: scores are given */
    const tarn_metric *metric; /* rows: which figure (`bootstrap`); scores: which way is better, NULL: higher */
    const double *score;       /* (models, sets) */
    int models;
    int64_t sets;
    double test_share;   /* `resampled_t`: rows tested on / rows trained on, in each set */
    tarn_resampling how; /* level of the intervals, and the draws of `bootstrap` */
} tarn_contest;

/* Every difference is that of a less b (of the first model less the second). NaN: not defined. */
typedef struct tarn_outcome {
    double statistic, p; /* p: chance of a statistic this far from equality, or farther, if the models were equal */
    double difference, low, high;
} tarn_outcome;

/* comparisons.def has the tests. */
typedef struct tarn_comparison {
    const char *name, *title, *paper;
    const char *help;
    unsigned tasks; /* of two models on the same rows: bits 1 << tarn_task; 0: of scores */
    bool weights;   /* rows may have weights, groups and clusters */
    int most;       /* models, of which two are the least; 0: any number */
    int64_t least;  /* sets of scores */
    /* Called by this room only, which has checked c. What there is beside the outcome goes into more, a JSON object. */
    tarn_code (*compute)(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err);
} tarn_comparison;
int tarn_comparison_count(void);
const tarn_comparison *tarn_comparison_at(int i);
TARN_MUST tarn_code tarn_comparison_find(const char *name, const tarn_comparison **out, tarn_err *err);
/* Whether it can be asked of these. */
bool tarn_comparison_suits(const tarn_comparison *test, const tarn_contest *c);
/* {test, title, statistic, p, difference, interval [low, high] or null, ...}; numbers that are not defined are null.
 * What else: mcnemar only_a, only_b (rows that one alone has right); bootstrap metric, a, b, resamples; delong a, b
 * (the areas); t tests df; friedman ranks [mean rank, 1 is best], critical_difference, pairs [[p]] (Nemenyi). Caller
 * decrefs. Errors: those of tarn_judged_check, for each; TARN_INVALID a and b are not of the same rows, the test does
 * not suit, a score is not finite; TARN_NOMEM */
TARN_MUST tarn_code tarn_compare(const tarn_comparison *test, const tarn_contest *c, tarn_pool *pool, json_t **out,
                                 tarn_err *err);

/* Money: value of each outcome of a binary decision, in `unit` per row. */
typedef struct tarn_costs {
    double true_positive, false_positive, true_negative, false_negative;
    char unit[32];
    bool given;
} tarn_costs;

/* Rows that were put into clusters. Everything is borrowed. */
typedef struct tarn_clustered {
    int64_t rows; /* 1 .. 2^32 - 1 */
    int columns;
    const double *const
        *column;          /* (columns) of (rows) finite numbers, on the scale on which distance counts; or NULL */
    const int64_t *label; /* (rows) cluster of each row, by any number */
    const int64_t *truth; /* (rows) the group it belongs to in truth, by any number; or NULL */
} tarn_clustered;

struct tarn_clusters;
/* clusterings.def has every figure; definitions and edge cases are those of scikit-learn 1.2.1, to 1e-12. */
typedef struct tarn_clustering {
    const char *name, *title, *unit, *help; /* as of tarn_metric; unit "target": of the columns, squared */
    bool needs_truth;                       /* else it needs columns */
    bool higher_is_better;
    double best; /* NaN: depends on the rows */
    tarn_code (*compute)(const struct tarn_clusters *c, double *out, tarn_err *err);
} tarn_clustering;
int tarn_clustering_count(void);
const tarn_clustering *tarn_clustering_at(int i);
TARN_MUST tarn_code tarn_clustering_find(const char *name, const tarn_clustering **out, tarn_err *err);
/* One figure; NaN where it is not defined (one cluster, or as many as rows). The same bits for any number of threads.
 * Errors: TARN_INVALID names a value that is not finite, or what is missing; TARN_NOMEM
 * Cost:   silhouette O(rows^2 columns) time, adjusted_mutual_info O(rows x clusters); all O(rows + clusters columns)
 *         memory */
TARN_MUST tarn_code tarn_clustering_value(const tarn_clustering *figure, const tarn_clustered *c, tarn_pool *pool,
                                          double *out, tarn_err *err);
/* {rows, clusters, metrics {name: value or null}, per_cluster [{label, rows, cohesion, silhouette}]}: every figure for
 * which there is what it needs; cohesion and silhouette if there are columns. Caller decrefs. */
TARN_MUST tarn_code tarn_assess_clusters(const tarn_clustered *c, tarn_pool *pool, json_t **out, tarn_err *err);

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
/* Into what tarn_assess gave for the same j:
 *
 *   intervals    {metric: [low, high]}; a metric without a defined interval is not there
 *   interval     {level, resamples, by_group, kinds {metric: kind of interval}}; by_group: whether whole clusters or
 *                groups were drawn, of which there are `groups` then. A caller that knows of which column they are
 *                puts it in as groups_of, for the report.
 *
 * how and pool may be NULL. Cost: 50,000 rows of two classes take some 0.3 s on two cores. */
TARN_MUST tarn_code tarn_put_intervals(const tarn_judged *j, const tarn_resampling *how, tarn_pool *pool,
                                       json_t *assessed, tarn_err *err);
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
