/* SPDX-License-Identifier: Apache-2.0 */
/* split.c - rows into train, valid, test and holdout.
 *
 * A row's draw is Philox(seed, hash of its key): it does not depend on where the row stands or what other rows there
 * are.
 *
 *   random      draw < holdout: holdout; < holdout + test: test; < ... + valid: valid; else train.
 *   stratified  rows of a stratum in order of their draw; the first go to holdout, then test, valid, train. A part gets
 *               floor(n share) rows or one more; the seats left over go to the parts that over all strata so
 *               far have most to make up for, so that totals come out right too.
 *   group       groups in order of their draw, laid end to end; a group goes where its middle falls.
 *   time        the last border at or below the row's value.
 */
#include "prepare/split.h"

#include "base/mem.h"
#include "base/random.h"
#include "prepare/names.h"
#include "prepare/rowhash.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const part_names[TARN_PARTS] = {"train", "valid", "test", "holdout"};

const tarn_param tarn_split_table[] = {
    TARN_WORD(tarn_split_params, by, TARN_BY_RANDOM, "random|stratified|time|group",
              "random: row by row; stratified: the same share of each class; time: later rows are tested on; group: "
              "rows that "
              "belong together stay together"),
    TARN_TEXT(tarn_split_params, column, "",
              "by time: the time; by group: the group; stratified: the class (empty: the target)"),
    TARN_TEXT(tarn_split_params, valid_from, "", "by time: first date or value of valid; empty: no such part"),
    TARN_TEXT(tarn_split_params, test_from, "", "by time: first date or value of test; empty: no such part"),
    TARN_TEXT(tarn_split_params, holdout_from, "", "by time: first date or value of holdout; empty: no such part"),
    TARN_REAL(tarn_split_params, valid, 0.15, 0, 0.9, "not by time: share of rows for validation"),
    TARN_REAL(tarn_split_params, test, 0.15, 0, 0.9, "not by time: share of rows for the test"),
    TARN_REAL(tarn_split_params, holdout, 0, 0, 0.9, "not by time: share of rows that nobody looks at before release"),
    TARN_INT(tarn_split_params, seed, 1, 0, 9007199254740992.0, "another seed gives another split"),
    TARN_PARAMS_END,
};

const char *tarn_part_name(tarn_part part) { return (unsigned)part < TARN_PARTS ? part_names[part] : "?"; }

/* ---- by time ---- */

static bool read_border(const tarn_column *c, const char *text, double *out)
{
    int64_t us;

    if (c->type != TARN_TIME) return tarn_num_parse(text, strlen(text), false, out);
    if (!tarn_time_parse(text, strlen(text), &us)) return false;
    *out = (double)us;
    return true;
}

static tarn_code read_borders(tarn_splitting *s, tarn_err *err)
{
    const tarn_split_params *p = s->params;
    const tarn_column *c = tarn_columns_at(s->c, s->column);
    const char *const texts[TARN_PARTS] = {"", p->valid_from, p->test_from, p->holdout_from};
    int last = 0;

    if (c->type == TARN_TEXT || c->type == TARN_BOOL)
        return TARN_FAIL(err, TARN_INVALID,
                         "split by time: column '%s' is %s, not a time or a number; declare its type as time", c->name,
                         tarn_type_name(c->type));
    for (int k = 1; k < TARN_PARTS; k++) {
        if (!*texts[k]) continue;
        if (!read_border(c, texts[k], &s->border[k]))
            return TARN_FAIL(err, TARN_INVALID, "%s_from: '%.40s' should be %s, as column '%s' is %s", part_names[k],
                             texts[k], c->type == TARN_TIME ? "a date or time like 2026-01-31" : "a number", c->name,
                             tarn_type_name(c->type));
        if (last && s->border[k] <= s->border[last])
            return TARN_FAIL(err, TARN_INVALID, "%s_from (%s) should be after %s_from (%s)", part_names[k], texts[k],
                             part_names[last], texts[last]);
        last = k;
    }
    if (!last) return TARN_FAIL(err, TARN_INVALID, "split by time needs valid_from, test_from or holdout_from");
    return TARN_OK;
}

/* Without a value a row cannot be placed. */
static tarn_code refuse_missing(const tarn_splitting *s, const char *what, tarn_err *err)
{
    const tarn_column *c = tarn_columns_at(s->c, s->column);
    int64_t missing = 0, first = -1;
    uint64_t bits;

    for (int64_t i = 0; i < s->rows; i++)
        if (!tarn_value_bits(c, i, &bits) && missing++ == 0) first = i;
    if (missing == 0) return TARN_OK;
    return TARN_FAIL(
        err, TARN_INVALID,
        "split by %s: column '%s' is missing in %lld of %lld rows, the first is row %lld; drop them before "
        "(repair missing: drop_row)",
        what, c->name, (long long)missing, (long long)s->rows, (long long)first + 1);
}

static tarn_code by_time(tarn_splitting *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_column *c = tarn_columns_at(s->c, s->column);

    TARN_TRY(read_borders(s, err));
    TARN_TRY(refuse_missing(s, "time", err));
    for (int64_t i = 0; i < s->rows; i++) {
        double x = tarn_column_number(c, i);
        for (int k = 1; k < TARN_PARTS; k++)
            if (x >= s->border[k]) s->part[i] = (uint8_t)k;
    }
done:
    return rc;
}

/* ---- by draw ---- */

/* Where a draw falls, in [0, 1). */
static uint8_t part_at(const tarn_splitting *s, double x)
{
    double edge = 0;

    for (int k = TARN_HOLDOUT; k > TARN_TRAIN; k--) {
        edge += s->share[k];
        if (x < edge) return (uint8_t)k;
    }
    return TARN_TRAIN;
}

static tarn_code by_random(tarn_splitting *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t *hash = NULL;

    TARN_TRY(tarn_alloc(&hash, (size_t)s->rows, sizeof *hash, err));
    TARN_TRY(tarn_row_hashes(s->c, s->keys, s->n_keys, hash, err));
    for (int64_t i = 0; i < s->rows; i++)
        s->part[i] = part_at(s, tarn_random_unit((uint64_t)s->params->seed, TARN_STREAM_SPLIT, hash[i], 0));
done:
    tarn_free(hash);
    return rc;
}

/* A row, sorted by (missing, set, draw, row): rows of one stratum or group stand together. */
typedef struct item {
    uint64_t set, draw;
    int64_t row;
    bool missing; /* no stratum: the last one */
} item;

static bool same_set(const item *a, const item *b) { return a->missing == b->missing && a->set == b->set; }

static int by_draw(const void *a_, const void *b_)
{
    const item *a = a_, *b = b_;

    if (a->missing != b->missing) return a->missing ? 1 : -1;
    if (a->set != b->set) return a->set < b->set ? -1 : 1;
    if (a->draw != b->draw) return a->draw < b->draw ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* take[k] of n rows for each part: the floor of n share or one more. given: what parts have had so far of `before`
 * rows. */
static void apportion(const tarn_splitting *s, int64_t n, int64_t before, const int64_t given[TARN_PARTS],
                      int64_t take[TARN_PARTS])
{
    double rest[TARN_PARTS];
    int64_t left = n;

    for (int k = 0; k < TARN_PARTS; k++) {
        double quota = (double)n * s->share[k];
        take[k] = (int64_t)floor(quota + 1e-9);
        rest[k] = quota - (double)take[k];
        left -= take[k];
    }
    for (; left > 0; left--) {
        int best = TARN_TRAIN;
        double most = -INFINITY;
        for (int k = 0; k < TARN_PARTS; k++) {
            double owed = (double)(before + n) * s->share[k] - (double)(given[k] + take[k]);
            if (rest[k] > 1e-9 && owed > most + 1e-9) {
                most = owed;
                best = k;
            }
        }
        take[best]++;
        rest[best] = 0;
    }
}

static void deal(const tarn_splitting *s, const item *items)
{
    int64_t given[TARN_PARTS] = {0}, take[TARN_PARTS], end;

    for (int64_t at = 0; at < s->rows; at = end) {
        for (end = at + 1; end < s->rows && same_set(&items[end], &items[at]); end++) continue;
        apportion(s, end - at, at, given, take);
        int64_t i = at;
        for (int k = TARN_HOLDOUT; k >= TARN_TRAIN; k--) {
            given[k] += take[k];
            for (int64_t j = 0; j < take[k] && i < end; j++) s->part[items[i++].row] = (uint8_t)k;
        }
    }
}

static tarn_code by_strata(tarn_splitting *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_column *c = tarn_columns_at(s->c, s->column);
    uint64_t *hash = NULL;
    item *items = NULL;
    int64_t strata = 0;

    TARN_TRY(tarn_alloc(&hash, (size_t)s->rows, sizeof *hash, err));
    TARN_TRY(tarn_alloc(&items, (size_t)s->rows, sizeof *items, err));
    TARN_TRY(tarn_row_hashes(s->c, s->keys, s->n_keys, hash, err));
    for (int64_t i = 0; i < s->rows; i++) {
        items[i] = (item){0, tarn_random_u64((uint64_t)s->params->seed, TARN_STREAM_SPLIT, hash[i], 0), i, false};
        items[i].missing = !tarn_value_bits(c, i, &items[i].set);
        if (items[i].missing) items[i].set = 0;
    }
    qsort(items, (size_t)s->rows, sizeof *items, by_draw);
    for (int64_t i = 0; i < s->rows; i++) strata += i == 0 || !same_set(&items[i], &items[i - 1]);
    if (strata > 1000) {
        rc = TARN_FAIL(err, TARN_INVALID,
                       "stratified: column '%s' has %lld different values; take one with at most 1,000", c->name,
                       (long long)strata);
        goto done;
    }
    deal(s, items);
done:
    tarn_free(items);
    tarn_free(hash);
    return rc;
}

static tarn_code by_group(tarn_splitting *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t *hash = NULL;
    item *items = NULL;
    int64_t end;

    TARN_TRY(refuse_missing(s, "group", err));
    TARN_TRY(tarn_alloc(&hash, (size_t)s->rows, sizeof *hash, err));
    TARN_TRY(tarn_alloc(&items, (size_t)s->rows, sizeof *items, err));
    TARN_TRY(tarn_row_hashes(s->c, &s->column, 1, hash, err));
    for (int64_t i = 0; i < s->rows; i++) {
        uint64_t draw = tarn_random_u64((uint64_t)s->params->seed, TARN_STREAM_SPLIT, hash[i], 0);
        items[i] = (item){draw, hash[i], i, false};
    }
    qsort(items, (size_t)s->rows, sizeof *items, by_draw);
    for (int64_t at = 0; at < s->rows; at = end) {
        for (end = at + 1; end < s->rows && same_set(&items[end], &items[at]); end++) continue;
        uint8_t part = part_at(s, ((double)at + (double)(end - at) / 2) / (double)s->rows);
        for (int64_t i = at; i < end; i++) s->part[items[i].row] = part;
    }
done:
    tarn_free(items);
    tarn_free(hash);
    return rc;
}

/* ---- checks before and after ---- */

static tarn_code find_columns(tarn_splitting *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *at = s->key, *column = s->params->column;
    char name[TARN_NAME_CAP];

    TARN_TRY(tarn_alloc(&s->keys, (size_t)tarn_columns_count(s->c), sizeof *s->keys, err));
    while (tarn_name_next(&at, name, sizeof name)) {
        if (s->n_keys == tarn_columns_count(s->c))
            return TARN_FAIL(err, TARN_INVALID, "the key names more columns than there are");
        TARN_TRY(tarn_name_column(s->c, "key column", name, &s->keys[s->n_keys], err));
        s->n_keys++;
    }
    if (s->target) TARN_TRY(tarn_name_column(s->c, "target", s->target, &s->target_at, err));
    if (!*column && s->params->by == TARN_BY_STRATIFIED && s->target) column = s->target;
    if (*column) TARN_TRY(tarn_name_column(s->c, "split column", column, &s->column, err));
done:
    return rc;
}

static tarn_code check_settings(tarn_splitting *s, tarn_err *err)
{
    const tarn_split_params *p = s->params;
    static const char *const needs[] = {"", "stratified needs a column (or a target)", "split by time needs a column",
                                        "split by group needs a column"};

    if (s->rows == 0) return TARN_FAIL(err, TARN_INVALID, "there are no rows to split");
    if (p->by < TARN_BY_RANDOM || p->by > TARN_BY_GROUP)
        return TARN_FAIL(err, TARN_INVALID, "split by %d is unknown", p->by);
    if (p->by == TARN_BY_RANDOM && s->column >= 0)
        return TARN_FAIL(err, TARN_INVALID,
                         "column '%s' means nothing to a random split; did you mean by: stratified or by: group?",
                         p->column);
    if (p->by != TARN_BY_RANDOM && s->column < 0) return TARN_FAIL(err, TARN_INVALID, "%s", needs[p->by]);
    if (p->by == TARN_BY_TIME) return TARN_OK;
    if (*p->valid_from || *p->test_from || *p->holdout_from)
        return TARN_FAIL(err, TARN_INVALID, "valid_from, test_from and holdout_from are for by: time");
    const double shares[TARN_PARTS] = {0, p->valid, p->test, p->holdout};
    for (int k = 1; k < TARN_PARTS; k++)
        if (!(shares[k] >= 0 && shares[k] < 1))
            return TARN_FAIL(err, TARN_INVALID, "share of %s should be 0 to 0.9", part_names[k]);
    if (!(p->valid + p->test + p->holdout < 1 - 1e-9))
        return TARN_FAIL(err, TARN_INVALID, "valid, test and holdout take %g of the rows and leave none to train on",
                         p->valid + p->test + p->holdout);
    memcpy(s->share, shares, sizeof shares);
    s->share[TARN_TRAIN] = 1 - p->valid - p->test - p->holdout;
    return TARN_OK;
}

static tarn_code check_parts(tarn_splitting *s, tarn_err *err)
{
    for (int64_t i = 0; i < s->rows; i++) s->count[s->part[i]]++;
    for (int k = 0; k < TARN_PARTS; k++) {
        bool asked = s->params->by == TARN_BY_TIME ? k == TARN_TRAIN || !isnan(s->border[k]) : s->share[k] > 0;
        if (!asked || s->count[k] > 0) continue;
        if (s->params->by == TARN_BY_TIME)
            return TARN_FAIL(err, TARN_INVALID,
                             "%s gets none of the %lld rows; see the borders against the times of column '%s'",
                             part_names[k], (long long)s->rows, s->params->column);
        return TARN_FAIL(err, TARN_INVALID, "%s gets none of the %lld rows; raise its share, or take another seed",
                         part_names[k], (long long)s->rows);
    }
    return TARN_OK;
}

tarn_code tarn_split(const tarn_columns *c, const tarn_split_params *params, const char *key, const char *target,
                     uint8_t *part, json_t **report, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_splitting s = {.c = c,
                        .params = params,
                        .key = key,
                        .target = target,
                        .rows = tarn_columns_rows(c),
                        .column = -1,
                        .target_at = -1,
                        .border = {NAN, NAN, NAN, NAN},
                        .part = part};

    if (report) *report = NULL;
    TARN_TRY(find_columns(&s, err));
    TARN_TRY(check_settings(&s, err));
    memset(part, TARN_TRAIN, (size_t)s.rows);
    switch (params->by) {
    case TARN_BY_RANDOM: rc = by_random(&s, err); break;
    case TARN_BY_STRATIFIED: rc = by_strata(&s, err); break;
    case TARN_BY_TIME: rc = by_time(&s, err); break;
    default: rc = by_group(&s, err); break;
    }
    TARN_TRY(rc);
    TARN_TRY(check_parts(&s, err));
    if (report) TARN_TRY(tarn_split_report(&s, report, err));
done:
    tarn_free(s.keys);
    return rc;
}
