/* SPDX-License-Identifier: Apache-2.0 */
/* interval.c - the table of intervals, and the intervals of a whole assessment from one set of resamples. */
#include "assess/resample.h"

#include "assess/put.h"
#include "base/mem.h"
#include "math/distribution.h"

#include <math.h>
#include <string.h>

#define TARN_INTERVAL(name) extern const tarn_interval_kind tarn_interval_##name;
#include "assess/intervals.def"
#undef TARN_INTERVAL

static const tarn_interval_kind *const table[] = {
#define TARN_INTERVAL(name) &tarn_interval_##name,
#include "assess/intervals.def"
#undef TARN_INTERVAL
};

enum { KINDS = sizeof(table) / sizeof(table[0]) };

int tarn_interval_count(void) { return KINDS; }

const tarn_interval_kind *tarn_interval_at(int i) { return table[i]; }

tarn_code tarn_interval_find(const char *name, const tarn_interval_kind **out, tarn_err *err)
{
    const char *names[KINDS];

    for (int i = 0; i < KINDS; i++) {
        names[i] = table[i]->name;
        if (strcmp(name, names[i]) != 0) continue;
        *out = table[i];
        return TARN_OK;
    }
    const char *near = tarn_nearest_word(name, names, KINDS);
    return TARN_FAIL(err, TARN_NOT_FOUND, "there is no kind of interval '%s'%s%s%s", name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void tarn_wilson(double part, double whole, double level, double *low, double *high)
{
    double z = tarn_normal_quantile((1 + level) / 2), z2 = z * z;

    *low = 0;
    *high = 1;
    if (!(whole > 0)) return;
    double share = part / whole, middle = share + z2 / (2 * whole);
    double half = z * sqrt((share * (1 - share) + z2 / (4 * whole)) / whole);
    *low = part > 0 ? (middle - half) / (1 + z2 / whole) : 0;
    *high = part < whole ? (middle + half) / (1 + z2 / whole) : 1;
}

static tarn_code check_how(const tarn_resampling *how, tarn_err *err)
{
    if (!(how->level > 0 && how->level < 1))
        return TARN_FAIL(err, TARN_INVALID, "level %g of an interval is not between 0 and 1", how->level);
    if (how->resamples > 1000000)
        return TARN_FAIL(err, TARN_LIMIT, "%d resamples are more than 1,000,000", how->resamples);
    return TARN_OK;
}

tarn_code tarn_metric_interval(const tarn_interval_kind *kind, const tarn_metric *metric, const tarn_judged *j,
                               const tarn_resampling *how, tarn_pool *pool, tarn_interval *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double value = 0;
    tarn_interval found = {NAN, NAN, NAN, NULL};

    TARN_TRY(tarn_metric_value(metric, j, &value, err));
    tarn_resampling filled = tarn_resampling_of(how, j);
    TARN_TRY(check_how(&filled, err));
    if (kind && !kind->suits(metric, j))
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "interval '%s' does not suit metric '%s' of these rows; try percentile",
                           kind->name, metric->name));
    for (int i = 0; i < KINDS; i++) {
        if (kind ? kind != table[i] : !table[i]->suits(metric, j)) continue;
        TARN_TRY(table[i]->compute(metric, j, &filled, pool, &found, err));
        found.kind = table[i]->name;
        if (!isnan(found.low)) break;
    }
    found.value = value;
    *out = found;
done:
    return rc;
}

/* Metrics of an assessment: those that one set of resamples answers, and those with a kind of their own. */
typedef struct figures {
    const tarn_metric **metric;
    int n;
    double *rounds; /* (resamples, n) */
    json_t *intervals, *kinds;
} figures;

static tarn_code put_one(figures *f, const tarn_metric *m, double low, double high, const char *kind, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (!isfinite(low) || !isfinite(high)) goto done;
    TARN_TRY(tarn_json_set(f->intervals, m->name, json_pack("[f,f]", low, high), err));
    TARN_TRY(tarn_put_text(f->kinds, m->name, kind, err));
done:
    return rc;
}

/* Intervals that need no resampling; the metrics that are left are kept in f. */
static tarn_code put_direct(figures *f, const tarn_judged *j, const tarn_resampling *how, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int i = 0; i < tarn_metric_count(); i++) {
        const tarn_metric *m = tarn_metric_at(i);
        tarn_interval found = {NAN, NAN, NAN, NULL};
        if (!tarn_metric_suits(m, j) || m->no_interval) continue;
        for (int k = 0; k < KINDS && isnan(found.low); k++) {
            if (table[k]->resamples || !table[k]->suits(m, j)) continue;
            TARN_TRY(table[k]->compute(m, j, how, NULL, &found, err));
            found.kind = table[k]->name;
        }
        if (isnan(found.low)) f->metric[f->n++] = m;
        else TARN_TRY(put_one(f, m, found.low, found.high, found.kind, err));
    }
done:
    return rc;
}

static tarn_code put_resampled(figures *f, const tarn_judged *j, const tarn_resampling *how, tarn_pool *pool,
                               tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_trial trial = {{j, NULL}, f->metric, f->n, how->resamples, 0, how->seed};

    TARN_TRY(tarn_alloc(&f->rounds, (size_t)how->resamples * (size_t)f->n, sizeof(double), err));
    TARN_TRY(tarn_resample(&trial, pool, NULL, f->rounds, err));
    for (int k = 0; k < f->n; k++) {
        double low = NAN, high = NAN;
        TARN_TRY(tarn_resample_interval(f->rounds + k, how->resamples, f->n, how->level, &low, &high, err));
        TARN_TRY(put_one(f, f->metric[k], low, high, "percentile", err));
    }
done:
    return rc;
}

tarn_code tarn_put_intervals(const tarn_judged *j, const tarn_resampling *how, tarn_pool *pool, json_t *assessed,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    figures f = {0};
    json_t *about = NULL;
    int64_t units = 0;

    TARN_TRY(tarn_judged_check(j, err));
    tarn_resampling filled = tarn_resampling_of(how, j);
    TARN_TRY(check_how(&filled, err));
    TARN_TRY(tarn_alloc(&f.metric, (size_t)tarn_metric_count(), sizeof(*f.metric), err));
    TARN_TRY(tarn_put_object(assessed, "intervals", &f.intervals, err));
    TARN_TRY(tarn_put_object(assessed, "interval", &about, err));
    TARN_TRY(tarn_put_number(about, "level", filled.level, err));
    TARN_TRY(tarn_json_set(about, "resamples", json_integer(filled.resamples), err));
    TARN_TRY(tarn_json_set(about, "by_group", json_boolean(tarn_judged_unit(j) != NULL), err));
    if (tarn_judged_unit(j)) {
        TARN_TRY(tarn_resample_units(j, &units, err));
        TARN_TRY(tarn_json_set(about, "groups", json_integer((json_int_t)units), err));
    }
    TARN_TRY(tarn_put_object(about, "kinds", &f.kinds, err));
    TARN_TRY(put_direct(&f, j, &filled, err));
    TARN_TRY(put_resampled(&f, j, &filled, pool, err));
done:
    if (rc != TARN_OK) tarn_err_note(err, "intervals");
    tarn_free(f.metric);
    tarn_free(f.rounds);
    return rc;
}
