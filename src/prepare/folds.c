/* SPDX-License-Identifier: Apache-2.0 */
/* folds.c - rows dealt into folds for cross-validation. See prepare.h. */
#include "base/mem.h"
#include "base/random.h"
#include "prepare/prepare.h"

#include <stdlib.h>
#include <string.h>

enum { BY_RANDOM, BY_STRATIFIED, BY_GROUP, BY_TIME };

const tarn_param tarn_fold_table[] = {
    TARN_INT(tarn_fold_params, n, 0, 0, 1000, "how many folds; 0: no cross-validation, the validation rows decide"),
    TARN_WORD(
        tarn_fold_params, by, BY_RANDOM, "random|stratified|group|time",
        "stratified: each fold has its share of every class; group: rows of one value stay together; time: judged "
        "on what came after"),
    TARN_TEXT(tarn_fold_params, column, "", "column of the groups or times; stratified: the target if empty"),
    TARN_INT(tarn_fold_params, seed, 1, 0, 1e15, "seed of the draw"),
    TARN_INT(tarn_fold_params, repeats, 1, 1, 100,
             "how often the rows are dealt anew, for steadier means; n: 2 with repeats: 5 is what a 5x2cv test takes"),
    TARN_PARAMS_END,
};

/* A row while it is dealt, or a group of `size` rows. */
typedef struct item {
    uint64_t set, draw;
    int64_t at, size;
} item;

static int by_set(const void *a_, const void *b_)
{
    const item *a = a_, *b = b_;

    if (a->set != b->set) return a->set < b->set ? -1 : 1;
    if (a->draw != b->draw) return a->draw < b->draw ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static int by_size(const void *a_, const void *b_)
{
    const item *a = a_, *b = b_;

    if (a->size != b->size) return a->size > b->size ? -1 : 1;
    return by_set(a, b);
}

static tarn_code find_column(const tarn_columns *c, const tarn_fold_params *p, const char *target, int *out,
                             tarn_err *err)
{
    const char *name = p->column[0] ? p->column : p->by == BY_STRATIFIED && target ? target : "";

    *out = -1;
    if (p->by == BY_RANDOM) return TARN_OK;
    if (!name[0]) return TARN_FAIL(err, TARN_INVALID, "folds by group or time need a column");
    *out = tarn_columns_find(c, name);
    if (*out < 0) return TARN_FAIL(err, TARN_INVALID, "folds: the table has no column '%s'", name);
    return TARN_OK;
}

/* A value as bits that sort like it: numbers and times by size, texts by their code. */
static tarn_code value_of(const tarn_column *c, int64_t row, bool needed, uint64_t *out, tarn_err *err)
{
    double x = tarn_column_number(c, row);
    uint64_t bits = 0;

    *out = UINT64_MAX;
    if (!tarn_column_has(c, row) || x != x) {
        if (!needed) return TARN_OK;
        return TARN_FAIL(err, TARN_INVALID, "folds: column '%s' is missing in row %lld", c->name, (long long)row + 1);
    }
    memcpy(&bits, &x, sizeof bits);
    *out = bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
    return TARN_OK;
}

/* Whole groups, largest first, each to the fold with the fewest rows (the lowest of several). items are sorted. */
static tarn_code deal_groups(const tarn_fold_params *p, item *items, int64_t n, int32_t *fold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    item *groups = NULL;
    int64_t *held = NULL, count = 0;

    TARN_TRY(tarn_alloc(&groups, (size_t)n, sizeof *groups, err));
    TARN_TRY(tarn_alloc(&held, (size_t)p->n, sizeof *held, err));
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && items[end].set == items[i].set; end++) continue;
        groups[count++] = (item){.set = items[i].set, .at = i, .size = end - i};
    }
    if (count < p->n)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "folds: %lld folds of %lld groups; take fewer folds", (long long)p->n,
                           (long long)count));
    qsort(groups, (size_t)count, sizeof *groups, by_size);
    for (int64_t g = 0; g < count; g++) {
        int64_t best = 0;
        for (int64_t k = 1; k < p->n; k++)
            if (held[k] < held[best]) best = k;
        held[best] += groups[g].size;
        for (int64_t i = 0; i < groups[g].size; i++) fold[items[groups[g].at + i].at] = (int32_t)best;
    }
done:
    tarn_free(groups);
    tarn_free(held);
    return rc;
}

/* Runs of rows in order of time; rows of one moment stay together, in the run of the first. */
static tarn_code deal_runs(const tarn_fold_params *p, const item *items, int64_t n, int32_t *fold, tarn_err *err)
{
    int32_t last = -1;
    int64_t filled = 1;

    for (int64_t i = 0; i < n; i++) {
        int32_t k = (int32_t)(i * (p->n + 1) / n) - 1;
        if (i > 0 && items[i].set == items[i - 1].set) k = last;
        filled += k != last;
        last = k;
        fold[items[i].at] = k;
    }
    if (filled == p->n + 1) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID, "folds: too few moments for %lld folds by time; take fewer folds",
                     (long long)p->n);
}

static tarn_code deal(const tarn_columns *c, const tarn_fold_params *p, int column, const int64_t *rows_of, int64_t n,
                      item *items, int32_t *fold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_column *values = column >= 0 ? tarn_columns_at(c, column) : NULL;
    bool needed = p->by == BY_GROUP || p->by == BY_TIME;

    for (int64_t i = 0; i < n; i++) {
        items[i] = (item){.at = i};
        if (!needed) items[i].draw = tarn_random_u64((uint64_t)p->seed, TARN_STREAM_SPLIT, (uint64_t)rows_of[i], 1);
        if (values) TARN_TRY(value_of(values, rows_of[i], needed, &items[i].set, err));
    }
    qsort(items, (size_t)n, sizeof *items, by_set);
    if (p->by == BY_GROUP) return deal_groups(p, items, n, fold, err);
    if (p->by == BY_TIME) return deal_runs(p, items, n, fold, err);
    for (int64_t i = 0; i < n; i++) fold[items[i].at] = (int32_t)(i % p->n);
done:
    return rc;
}

tarn_code tarn_folds(const tarn_columns *c, const tarn_fold_params *params, const char *target, const int64_t *rows_of,
                     int64_t n, int32_t *fold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    item *items = NULL;
    int column = -1;

    if (params->n < 2 || params->n > n)
        return TARN_FAIL(err, TARN_INVALID, "folds: %lld folds of %lld rows; take 2 or more, and no more than rows",
                         (long long)params->n, (long long)n);
    if (params->repeats > 1 && (params->by == BY_GROUP || params->by == BY_TIME))
        return TARN_FAIL(err, TARN_INVALID,
                         "folds: by group or time rows are dealt the same each time; repeats is for the other two");
    TARN_TRY(find_column(c, params, target, &column, err));
    TARN_TRY(tarn_alloc(&items, (size_t)n, sizeof *items, err));
    TARN_TRY(deal(c, params, column, rows_of, n, items, fold, err));
done:
    tarn_free(items);
    return rc;
}

bool tarn_fold_learns(const tarn_fold_params *params, int32_t k, int32_t of)
{
    return params->by == BY_TIME ? of < k : of != k;
}
