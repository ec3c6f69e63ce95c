/* SPDX-License-Identifier: Apache-2.0 */
/* leak.c - see leak.h. */
#include "flow/leak.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_ROWS = 10000, /* that are looked at: enough to tell nearly all from most */
    LEAST_OTHERS = 10  /* rows that are not of the most frequent class: with fewer, chance looks like knowledge */
};
#define MOST_MISSED 0.02  /* of those */
#define MOST_LEFT   0.001 /* of the variance */

/* A row: what the column says, and what the target is. */
typedef struct seen {
    double x, y; /* x NaN: missing */
} seen;

struct tarn_leak {
    const tarn_columns *columns;
    const char *target;
    bool classes;
    int64_t n;
    int64_t *rows; /* (n) */
    double *y;     /* (n) */
    int64_t others;
};

/* Rows of one value. */
typedef struct flock {
    const seen *first;
    int64_t n;
    int64_t best, second; /* rows of the most frequent class, and of the next */
    double label, mean;   /* that class; the mean */
    bool alone;           /* one row, to be guessed from those beside it */
} flock;

static int by_value(const void *a_, const void *b_)
{
    const seen *a = a_, *b = b_;

    if (isnan(a->x) != isnan(b->x)) return isnan(a->x) ? 1 : -1;
    if (a->x < b->x || a->x > b->x) return a->x < b->x ? -1 : 1;
    return (a->y > b->y) - (a->y < b->y);
}

/* The flock that begins at s, of what is left of the sorted rows. */
static flock gather(const seen *s, int64_t left)
{
    flock f = {.first = s};
    int64_t run = 0;

    for (; f.n < left && (s[f.n].x == s->x || (isnan(s[f.n].x) && isnan(s->x))); f.n++) {
        run = f.n > 0 && s[f.n].y == s[f.n - 1].y ? run + 1 : 1;
        f.mean += s[f.n].y;
        if (f.best > 0 && s[f.n].y == f.label) f.best = run;
        else if (run > f.best) {
            f.second = f.best;
            f.best = run;
            f.label = s[f.n].y;
        } else if (run > f.second) f.second = run;
    }
    f.mean /= (double)f.n;
    return f;
}

/* ---- guessing each row from the others ---- */

/* How many rows of the flock the others of their class outnumber. */
static int64_t told(const flock *f, const flock *before, const flock *after)
{
    if (!f->alone) return f->best - 1 > f->second ? f->best : 0;
    return (before && before->label == f->first->y) || (after && after->label == f->first->y);
}

/* Squares of what is left of the flock's values, and of their distance from the mean of all. */
static void measure(const flock *f, const flock *before, const flock *after, double mean, double *left, double *all)
{
    if (f->alone && (!before || !after)) return; /* beyond the last neighbour nothing is known */
    for (int64_t i = 0; i < f->n; i++) {
        const seen *s = &f->first[i];
        double guess = mean;
        if (f->alone) {
            double share = (s->x - before->first->x) / (after->first->x - before->first->x);
            guess = before->mean + share * (after->mean - before->mean);
        } else if (f->n > 1) guess = f->mean + (f->mean - s->y) / (double)(f->n - 1);
        *left += (s->y - guess) * (s->y - guess);
        *all += (s->y - mean) * (s->y - mean);
    }
}

/* What the column says of each row. Texts have no order, so those that stand alone are one flock. */
static tarn_code read_column(const tarn_leak *l, const tarn_column *c, seen *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int32_t *count = NULL;

    for (int64_t i = 0; i < l->n; i++) out[i] = (seen){tarn_column_number(c, l->rows[i]), l->y[i]};
    if (c->type != TARN_TEXT) goto done;
    TARN_TRY(tarn_alloc(&count, (size_t)c->words + 1, sizeof *count, err));
    for (int64_t i = 0; i < l->n; i++)
        if (!isnan(out[i].x)) count[(int32_t)out[i].x]++;
    for (int64_t i = 0; i < l->n; i++)
        if (!isnan(out[i].x) && count[(int32_t)out[i].x] == 1) out[i].x = -1;
done:
    tarn_free(count);
    return rc;
}

static tarn_code gather_all(const tarn_leak *l, const tarn_column *c, seen *rows, flock *out, int64_t *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *n = 0;
    TARN_TRY(read_column(l, c, rows, err));
    qsort(rows, (size_t)l->n, sizeof *rows, by_value);
    for (int64_t at = 0; at < l->n; at += out[(*n)++].n) {
        out[*n] = gather(rows + at, l->n - at);
        out[*n].alone = out[*n].n == 1 && c->type != TARN_TEXT && isfinite(rows[at].x);
    }
done:
    return rc;
}

tarn_code tarn_leak_look(tarn_leak *l, int column, char *found, size_t cap, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    seen *rows = NULL;
    flock *flocks = NULL;
    int64_t n = 0, right = 0;
    double mean = 0, left = 0, all = 0;
    int target = (int)tarn_utf8_cut(l->target, strlen(l->target), 60);

    found[0] = '\0';
    TARN_TRY(tarn_alloc(&rows, (size_t)l->n + 1, sizeof *rows, err));
    TARN_TRY(tarn_alloc(&flocks, (size_t)l->n + 1, sizeof *flocks, err));
    TARN_TRY(gather_all(l, tarn_columns_at(l->columns, column), rows, flocks, &n, err));
    for (int64_t i = 0; i < l->n; i++) mean += l->y[i] / (double)l->n;
    for (int64_t i = 0; i < n; i++) {
        const flock *before = i > 0 ? &flocks[i - 1] : NULL, *after = i + 1 < n ? &flocks[i + 1] : NULL;
        if (before && !isfinite(before->first->x)) before = NULL;
        if (after && !isfinite(after->first->x)) after = NULL;
        if (l->classes) right += told(&flocks[i], before, after);
        else measure(&flocks[i], before, after, mean, &left, &all);
    }
    if (l->classes && l->others >= LEAST_OTHERS && (double)(l->n - right) <= MOST_MISSED * (double)l->others)
        (void)snprintf(found, cap, "alone it tells '%.*s' in %lld of %lld rows", target, l->target, (long long)right,
                       (long long)l->n);
    else if (!l->classes && all > 0 && left <= MOST_LEFT * all)
        (void)snprintf(found, cap, "alone it explains over 99.9 %% of '%.*s'", target, l->target);
done:
    tarn_free(rows);
    tarn_free(flocks);
    return rc;
}

/* ---- the target ---- */

static int compare_numbers(const void *a_, const void *b_)
{
    double a = *(const double *)a_, b = *(const double *)b_;
    return (a > b) - (a < b);
}

/* Rows that are not of the most frequent class. */
static tarn_code count_others(tarn_leak *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *y = NULL;
    int64_t run = 0, most = 0;

    TARN_TRY(tarn_alloc(&y, (size_t)l->n + 1, sizeof *y, err));
    for (int64_t i = 0; i < l->n; i++) y[i] = l->y[i];
    qsort(y, (size_t)l->n, sizeof *y, compare_numbers);
    for (int64_t i = 0; i < l->n; i++) {
        run = i > 0 && y[i] == y[i - 1] ? run + 1 : 1;
        if (run > most) most = run;
    }
    l->others = l->n - most;
done:
    tarn_free(y);
    return rc;
}

tarn_code tarn_leak_new(const tarn_columns *c, int target, bool classes, tarn_leak **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_column *t = tarn_columns_at(c, target);
    tarn_leak *l = NULL;
    int64_t have = 0, at = 0;

    TARN_TRY(tarn_alloc(&l, 1, sizeof *l, err));
    l->columns = c;
    l->target = t->name;
    l->classes = classes;
    for (int64_t i = 0; i < t->rows; i++) have += !isnan(tarn_column_number(t, i));
    int64_t n = have < MOST_ROWS ? have : MOST_ROWS;
    TARN_TRY(tarn_alloc(&l->rows, (size_t)n + 1, sizeof *l->rows, err));
    TARN_TRY(tarn_alloc(&l->y, (size_t)n + 1, sizeof *l->y, err));
    for (int64_t i = 0; i < t->rows && l->n < n; i++) {
        double y = tarn_column_number(t, i);
        if (isnan(y) || at++ < l->n * have / n) continue; /* evenly over the table */
        l->rows[l->n] = i;
        l->y[l->n++] = y;
    }
    TARN_TRY(count_others(l, err));
    *out = l;
    l = NULL;
done:
    tarn_leak_free(l);
    return rc;
}

void tarn_leak_free(tarn_leak *l)
{
    if (!l) return;
    tarn_free(l->rows);
    tarn_free(l->y);
    tarn_free(l);
}
