/* SPDX-License-Identifier: Apache-2.0 */
/* cross.c - see cross.h. */
#include "flow/cross.h"

#include "base/mem.h"
#include "flow/settings.h"
#include "math/distribution.h"

#include <math.h>
#include <string.h>

tarn_code tarn_cross_folds(const tarn_fitting *f, tarn_fold_params *out, tarn_err *err)
{
    return tarn_settings_read(tarn_fold_table, json_object_get(f->spec, "folds"), out, err);
}

/* Rows that are dealt, and room for what one fold learns from and is judged on. */
typedef struct dealt {
    tarn_fold_params params;
    const int64_t *rows;
    int64_t n;
    int32_t *fold;
    int64_t *learn, *judge, n_learn, n_judge;
    int32_t folds; /* of all repetitions; 0: none are declared */
} dealt;

static void clear(dealt *d)
{
    tarn_free(d->fold);
    tarn_free(d->learn);
    tarn_free(d->judge);
}

static tarn_code deal(const tarn_fitting *f, const int64_t *rows, int64_t n, dealt *d, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *d = (dealt){.rows = rows, .n = n};
    TARN_TRY(tarn_cross_folds(f, &d->params, err));
    d->folds = (int32_t)(d->params.n * d->params.repeats);
    if (d->folds == 0) goto done;
    TARN_TRY(tarn_alloc(&d->fold, (size_t)n, sizeof *d->fold, err));
    TARN_TRY(tarn_alloc(&d->learn, (size_t)n, sizeof *d->learn, err));
    TARN_TRY(tarn_alloc(&d->judge, (size_t)n, sizeof *d->judge, err));
done:
    return rc;
}

/* Fold i of d->folds; they are taken in their order, and dealt anew where a repetition begins. */
static tarn_code take_fold(const tarn_fitting *f, dealt *d, int32_t i, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int32_t k = i % (int32_t)d->params.n;
    tarn_fold_params params = d->params;

    params.seed += i / params.n;
    if (k == 0)
        TARN_TRY(tarn_folds(f->data, &params, tarn_json_text(f->spec, "target", ""), d->rows, d->n, d->fold, err));
    d->n_learn = d->n_judge = 0;
    for (int64_t row = 0; row < d->n; row++) {
        if (d->fold[row] == k) d->judge[d->n_judge++] = d->rows[row];
        else if (tarn_fold_learns(&d->params, k, d->fold[row])) d->learn[d->n_learn++] = d->rows[row];
    }
done:
    return rc;
}

/* Learn from some rows, and judge on others. */
static tarn_code learn_and_score(const tarn_fitting *f, const int64_t *learn, int64_t n, const int64_t *valid,
                                 int64_t n_valid, const int64_t *judge, int64_t n_judge, tarn_scored *out,
                                 tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_learned l = {0};

    TARN_TRY(tarn_fitting_learn(f, learn, n, valid, n_valid, NULL, &l, err));
    TARN_TRY(tarn_fitting_score(f, l.model, judge, n_judge, out, err));
done:
    tarn_learned_clear(&l);
    return rc;
}

/* All metrics on one fold, added to lists: {metric: [value or null, ...]}. */
static tarn_code add_fold(const tarn_scored *scored, json_t *lists, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *all = NULL, *x;
    const char *name;

    TARN_TRY(tarn_metrics_all(&scored->judged, &all, err));
    json_object_foreach(all, name, x)
    {
        if (!json_object_get(lists, name)) TARN_TRY(tarn_json_set(lists, name, json_array(), err));
        TARN_TRY(tarn_json_append(json_object_get(lists, name), json_incref(x), err));
    }
done:
    json_decref(all);
    return rc;
}

/* {"mean", "low", "high", "each"} of a list; null where a fold has no value. share: rows judged on to rows learned
 * from, of a fold. The interval ends where the metric does. */
static json_t *summary_of(json_t *list, const tarn_metric *metric, double share)
{
    size_t k = json_array_size(list);
    double mean = 0, square = 0, low, high;

    for (size_t i = 0; i < k; i++) {
        const json_t *x = json_array_get(list, i);
        mean += (json_is_number(x) ? json_number_value(x) : NAN) / (double)k;
    }
    for (size_t i = 0; i < k && !isnan(mean); i++) {
        double off = json_number_value(json_array_get(list, i)) - mean;
        square += off * off / (double)(k - 1);
    }
    double by = tarn_t_quantile(0.975, (double)(k - 1)) * sqrt(square * (1 / (double)k + share));
    low = mean - by;
    high = mean + by;
    if (metric->higher_is_better && high > metric->best) high = metric->best;
    if (!metric->higher_is_better && low < metric->best) low = metric->best;
    if (low < 0 && metric->higher_is_better && strcmp(metric->unit, "share") == 0) low = 0;
    return json_pack("{s:o, s:o, s:o, s:O}", "mean", tarn_json_num(mean), "low", tarn_json_num(low), "high",
                     tarn_json_num(high), "each", list);
}

static tarn_code summarise(const dealt *d, const json_t *lists, double share, json_t **out, tarn_err *err)
{
    static const char *const words[] = {"random", "stratified", "group", "time"};
    tarn_code rc = TARN_OK;
    json_t *metrics = json_object(), *list;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)lists, name, list)
    {
        const tarn_metric *metric = NULL;
        TARN_TRY(tarn_metric_find(name, &metric, err));
        TARN_TRY(tarn_json_set(metrics, name, summary_of(list, metric, share), err));
    }
    *out = json_pack("{s:I, s:I, s:s, s:f, s:O}", "n", (json_int_t)d->params.n, "repeats",
                     (json_int_t)d->params.repeats, "by", words[d->params.by], "test_share", share, "metrics", metrics);
    if (!*out) rc = TARN_FAIL(err, TARN_NOMEM, "out of memory");
done:
    json_decref(metrics);
    return rc;
}

tarn_code tarn_cross_validate(const tarn_fitting *f, const int64_t *rows, int64_t n, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    dealt d = {0};
    json_t *lists = json_object();
    double share = 0;

    *out = NULL;
    TARN_TRY(deal(f, rows, n, &d, err));
    for (int32_t k = 0; k < d.folds; k++) {
        tarn_scored scored = {0};
        TARN_TRY(take_fold(f, &d, k, err));
        share += (double)d.n_judge / (double)d.n_learn / (double)d.folds;
        tarn_progress(f->job->sink, "folds", k, d.folds, "folds");
        rc = learn_and_score(f, d.learn, d.n_learn, NULL, 0, d.judge, d.n_judge, &scored, err);
        if (rc == TARN_OK) rc = add_fold(&scored, lists, err);
        tarn_scored_clear(&scored);
        if (rc != TARN_OK) tarn_err_note(err, "fold %d of %d", (int)k + 1, (int)d.folds);
        TARN_TRY(rc);
    }
    if (d.folds > 0) TARN_TRY(summarise(&d, lists, share, out, err));
done:
    json_decref(lists);
    clear(&d);
    return rc;
}

static tarn_code figure_on(const tarn_fitting *f, const tarn_metric *metric, const int64_t *learn, int64_t n,
                           const int64_t *valid, int64_t n_valid, const int64_t *judge, int64_t n_judge, double *out,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_scored scored = {0};

    TARN_TRY(learn_and_score(f, learn, n, valid, n_valid, judge, n_judge, &scored, err));
    TARN_TRY(tarn_metric_value(metric, &scored.judged, out, err));
done:
    tarn_scored_clear(&scored);
    return rc;
}

tarn_code tarn_cross_figure(const tarn_fitting *f, const tarn_metric *metric, const int64_t *rows, int64_t n,
                            const int64_t *valid, int64_t n_valid, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    dealt d = {0};
    double sum = 0, one = 0;

    TARN_TRY(deal(f, rows, n, &d, err));
    if (d.folds == 0) TARN_TRY(figure_on(f, metric, rows, n, valid, n_valid, valid, n_valid, &sum, err));
    for (int32_t k = 0; k < d.folds; k++) {
        TARN_TRY(take_fold(f, &d, k, err));
        TARN_TRY(figure_on(f, metric, d.learn, d.n_learn, valid, n_valid, d.judge, d.n_judge, &one, err));
        sum += one / (double)d.folds;
    }
    *out = sum;
done:
    clear(&d);
    return rc;
}

/* The number of the settings that are best on these rows. */
static tarn_code choose(const tarn_stage_job *job, const json_t *spec, const json_t *settings,
                        const tarn_metric *metric, const int64_t *rows, int64_t n, size_t *best, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double top = NAN;

    *best = 0;
    for (size_t i = 0; i < json_array_size(settings); i++) {
        tarn_fitting f;
        double x = NAN;
        rc = tarn_fitting_open(job, spec, json_array_get(settings, i), &f, err);
        if (rc == TARN_OK) rc = tarn_cross_figure(&f, metric, rows, n, NULL, 0, &x, err);
        tarn_fitting_close(&f);
        if (rc != TARN_OK) return rc;
        if (isnan(x) || !(isnan(top) || (metric->higher_is_better ? x > top : x < top))) continue;
        top = x;
        *best = i;
    }
    return TARN_OK;
}

static tarn_code nested_fold(const tarn_stage_job *job, const json_t *spec, const json_t *settings,
                             const tarn_metric *metric, const dealt *d, json_t *lists, json_t *chosen, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_fitting f = {0};
    tarn_scored scored = {0};
    size_t best = 0;

    TARN_TRY(choose(job, spec, settings, metric, d->learn, d->n_learn, &best, err));
    TARN_TRY(tarn_json_append(chosen, json_integer((json_int_t)best), err));
    TARN_TRY(tarn_fitting_open(job, spec, json_array_get(settings, best), &f, err));
    TARN_TRY(learn_and_score(&f, d->learn, d->n_learn, NULL, 0, d->judge, d->n_judge, &scored, err));
    TARN_TRY(add_fold(&scored, lists, err));
done:
    tarn_scored_clear(&scored);
    tarn_fitting_close(&f);
    return rc;
}

tarn_code tarn_cross_nested(const tarn_stage_job *job, const json_t *spec, const json_t *settings,
                            const tarn_metric *metric, const int64_t *rows, int64_t n, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_fitting f = {0};
    dealt d = {0};
    json_t *lists = json_object(), *chosen = json_array();
    double share = 0;

    *out = NULL;
    TARN_TRY(tarn_fitting_open(job, spec, json_array_get(settings, 0), &f, err));
    TARN_TRY(deal(&f, rows, n, &d, err));
    for (int32_t k = 0; k < d.folds; k++) {
        TARN_TRY(take_fold(&f, &d, k, err));
        share += (double)d.n_judge / (double)d.n_learn / (double)d.folds;
        TARN_TRY(nested_fold(job, spec, settings, metric, &d, lists, chosen, err));
    }
    TARN_TRY(summarise(&d, lists, share, out, err));
    TARN_TRY(tarn_json_set(*out, "chosen", json_incref(chosen), err));
done:
    json_decref(lists);
    json_decref(chosen);
    clear(&d);
    tarn_fitting_close(&f);
    return rc;
}
