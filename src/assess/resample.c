/* SPDX-License-Identifier: Apache-2.0 */
/* resample.c - see resample.h. A round is a vector of weights; metrics remember what weights do not touch (known.h). */
#include "assess/resample.h"

#include "assess/known.h"
#include "assess/order.h"
#include "base/mem.h"
#include "base/random.h"

#include <string.h>

/* What one thread works with. */
typedef struct bench {
    uint32_t *count;      /* (units) how often each was drawn */
    double *weight;       /* (rows) */
    tarn_known *known[2]; /* of each model */
} bench;

typedef struct work {
    const tarn_trial *trial;
    int models, benches;
    int64_t rows, units;
    uint32_t *unit; /* (rows) number of the row's unit; NULL: its own */
    tarn_facts *facts[2];
    bench *bench;
    double *out;
} work;

static tarn_code find_units(const tarn_judged *j, uint32_t **unit, int64_t *units, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t *rows = NULL, *number = NULL;
    const int64_t *id = tarn_judged_unit(j);
    int64_t n = 0;

    *units = j->rows;
    if (!id) return TARN_OK;
    TARN_TRY(tarn_alloc(&rows, (size_t)j->rows, sizeof(*rows), err));
    TARN_TRY(tarn_alloc(&number, (size_t)j->rows, sizeof(*number), err));
    for (int64_t i = 0; i < j->rows; i++) rows[i] = (uint32_t)i;
    TARN_TRY(tarn_order_by(id, j->rows, rows, err));
    for (int64_t i = 0; i < j->rows; i++) {
        n += i > 0 && id[rows[i]] != id[rows[i - 1]];
        number[rows[i]] = (uint32_t)n;
    }
    *units = n + 1;
    *unit = number;
    number = NULL;
done:
    tarn_free(rows);
    tarn_free(number);
    return rc;
}

tarn_code tarn_resample_units(const tarn_judged *j, int64_t *units, tarn_err *err)
{
    uint32_t *unit = NULL;
    tarn_code rc = find_units(j, &unit, units, err);

    tarn_free(unit);
    return rc;
}

static void draw_few(const work *w, uint32_t round, uint32_t *count)
{
    for (int64_t i = 0; i < w->units; i += 4) {
        tarn_random4 r = tarn_philox(w->trial->seed, TARN_STREAM_BOOTSTRAP, round, (uint32_t)(i / 4));
        int n = w->units - i < 4 ? (int)(w->units - i) : 4;
        for (int k = 0; k < n; k++) count[(uint64_t)r.v[k] * (uint64_t)w->units >> 32]++;
    }
}

static void draw_many(const work *w, uint32_t round, uint32_t *count)
{
    __extension__ typedef unsigned __int128 wide;

    for (int64_t i = 0; i < w->units; i += 2) {
        tarn_random4 r = tarn_philox(w->trial->seed, TARN_STREAM_BOOTSTRAP, round, (uint32_t)(i / 2));
        for (int k = 0; k < 2 && i + k < w->units; k++) {
            uint64_t v = (uint64_t)r.v[2 * k] << 32 | r.v[2 * k + 1];
            count[(uint64_t)((wide)v * (uint64_t)w->units >> 64)]++;
        }
    }
}

/* How often each unit counts in a round. */
static void draw(const work *w, int64_t round, uint32_t *count)
{
    const tarn_trial *t = w->trial;

    if (round >= t->resamples) {
        int64_t left_out = round - t->resamples;
        for (int64_t u = 0; u < w->units; u++) count[u] = u % t->leave_outs != left_out;
        return;
    }
    memset(count, 0, (size_t)w->units * sizeof(*count));
    if (w->units <= INT64_C(1) << 20) draw_few(w, (uint32_t)round, count);
    else draw_many(w, (uint32_t)round, count);
}

static tarn_code judge_round(void *arg, int64_t round, int worker, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const work *w = arg;
    const bench *b = &w->bench[worker];
    const tarn_judged *first = w->trial->judged[0];

    draw(w, round, b->count);
    for (int64_t i = 0; i < w->rows; i++)
        b->weight[i] = tarn_judged_weight(first, i) * b->count[w->unit ? w->unit[i] : (uint32_t)i];
    for (int m = 0; m < w->models; m++) {
        tarn_judged j = *w->trial->judged[m];
        j.weight = b->weight;
        j.known = b->known[m];
        tarn_known_forget(j.known);
        for (int k = 0; k < w->trial->metrics; k++)
            TARN_TRY(w->trial->metric[k]->compute(&j, &w->out[(round * w->models + m) * w->trial->metrics + k], err));
    }
done:
    return rc;
}

/* Every figure of all rows, by which the facts become complete. */
static tarn_code learn(work *w, double *value, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_known *known = NULL;

    for (int m = 0; m < w->models; m++) {
        tarn_judged j = *w->trial->judged[m];
        TARN_TRY(tarn_facts_new(&j, &w->facts[m], err));
        TARN_TRY(tarn_known_new(w->facts[m], j.rows, &known, err));
        j.known = known;
        for (int k = 0; k < w->trial->metrics; k++) {
            double x = 0;
            TARN_TRY(w->trial->metric[k]->compute(&j, &x, err));
            if (value) value[m * w->trial->metrics + k] = x;
        }
        tarn_facts_settle(w->facts[m]);
        tarn_known_free(known);
        known = NULL;
    }
done:
    tarn_known_free(known);
    return rc;
}

static tarn_code set_up(work *w, tarn_pool *pool, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(find_units(w->trial->judged[0], &w->unit, &w->units, err));
    w->benches = tarn_pool_threads(pool);
    TARN_TRY(tarn_alloc(&w->bench, (size_t)w->benches, sizeof(*w->bench), err));
    for (int i = 0; i < w->benches; i++) {
        bench *b = &w->bench[i];
        TARN_TRY(tarn_alloc(&b->count, (size_t)w->units, sizeof(*b->count), err));
        TARN_TRY(tarn_alloc(&b->weight, (size_t)w->rows, sizeof(*b->weight), err));
        for (int m = 0; m < w->models; m++) TARN_TRY(tarn_known_new(w->facts[m], w->rows, &b->known[m], err));
    }
done:
    return rc;
}

static void clear(work *w)
{
    for (int i = 0; w->bench && i < w->benches; i++) {
        tarn_free(w->bench[i].count);
        tarn_free(w->bench[i].weight);
        for (int m = 0; m < 2; m++) tarn_known_free(w->bench[i].known[m]);
    }
    tarn_free(w->bench);
    tarn_free(w->unit);
    for (int m = 0; m < 2; m++) tarn_facts_free(w->facts[m]);
}

tarn_code tarn_resample(const tarn_trial *trial, tarn_pool *pool, double *value, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    work w = {.trial = trial, .models = trial->judged[1] ? 2 : 1, .rows = trial->judged[0]->rows, .out = out};

    TARN_TRY(learn(&w, value, err));
    TARN_TRY(set_up(&w, pool, err));
    if (w.unit && w.units == 1) {
        int64_t n = ((int64_t)trial->resamples + trial->leave_outs) * w.models * trial->metrics;
        for (int64_t i = 0; i < n; i++) out[i] = NAN;
        goto done;
    }
    TARN_TRY(tarn_pool_run(pool, (int64_t)trial->resamples + trial->leave_outs, judge_round, &w, err));
done:
    clear(&w);
    return rc;
}

tarn_resampling tarn_resampling_of(const tarn_resampling *how, const tarn_judged *j)
{
    /* So that it takes about as long for any number of rows: half a second of one core for all metrics. */
    int64_t scores = j->rows * (j->task == TARN_MULTICLASS ? j->classes : 1);
    int64_t affordable = INT64_C(10000000) / scores;
    tarn_resampling out = how ? *how : (tarn_resampling){0};

    if (!(out.level > 0)) out.level = 0.95;
    if (out.resamples < 1) out.resamples = affordable < 100 ? 100 : affordable > 1000 ? 1000 : (int)affordable;
    return out;
}

tarn_code tarn_resample_sorted(const double *x, int64_t n, int64_t stride, double **out, int64_t *kept, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *defined = NULL, *rising = NULL;
    uint32_t *order = NULL;
    int64_t m = 0;

    TARN_TRY(tarn_alloc(&defined, (size_t)n, sizeof(*defined), err));
    TARN_TRY(tarn_alloc(&rising, (size_t)n, sizeof(*rising), err));
    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i * stride])) defined[m++] = x[i * stride];
    TARN_TRY(tarn_order(defined, m, &order, err));
    for (int64_t i = 0; i < m; i++) rising[i] = defined[order[i]];
    *out = rising;
    *kept = m;
    rising = NULL;
done:
    tarn_free(order);
    tarn_free(defined);
    tarn_free(rising);
    return rc;
}

double tarn_quantile(const double *rising, int64_t n, double q)
{
    double at = q * (double)(n - 1);
    int64_t below = (int64_t)at;

    if (n < 1 || !(q >= 0 && q <= 1)) return NAN;
    if (below >= n - 1) return rising[n - 1];
    return rising[below] + (rising[below + 1] - rising[below]) * (at - (double)below);
}

tarn_code tarn_resample_interval(const double *x, int64_t n, int64_t stride, double level, double *low, double *high,
                                 tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *rising = NULL;
    int64_t kept = 0;

    TARN_TRY(tarn_resample_sorted(x, n, stride, &rising, &kept, err));
    *low = 2 * kept < n ? NAN : tarn_quantile(rising, kept, (1 - level) / 2);
    *high = 2 * kept < n ? NAN : tarn_quantile(rising, kept, (1 + level) / 2);
done:
    tarn_free(rising);
    return rc;
}
