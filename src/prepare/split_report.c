/* SPDX-License-Identifier: Apache-2.0 */
/* split_report.c - what a split came to: rows and classes of each part, borders, and what leaked across them.
 *
 * Leaks are counted from the finished parts, not believed from how they were made.
 */
#include "prepare/split.h"

#include "base/mem.h"
#include "prepare/rowhash.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const by_names[] = {"random", "stratified", "time", "group"};
enum { CLASSES = 64, EXAMPLES = 3 };

/* ---- classes of the target ---- */

typedef struct spread {
    int n; /* different values; CLASSES + 1: too many, so the mean is told */
    double value[CLASSES];
    int64_t count[CLASSES][TARN_PARTS], missing[TARN_PARTS], finite[TARN_PARTS];
    double sum[TARN_PARTS];
} spread;

static void see(spread *d, double x, int part)
{
    int at = 0;

    if (isnan(x)) {
        d->missing[part]++;
        return;
    }
    if (isfinite(x)) {
        d->finite[part]++;
        d->sum[part] += x;
    }
    if (d->n > CLASSES) return;
    while (at < d->n && d->value[at] < x) at++;
    if (at == d->n || d->value[at] != x) {
        if (d->n == CLASSES) {
            d->n++;
            return;
        }
        memmove(&d->value[at + 1], &d->value[at], (size_t)(d->n - at) * sizeof d->value[0]);
        memmove(&d->count[at + 1], &d->count[at], (size_t)(d->n - at) * sizeof d->count[0]);
        memset(d->count[at], 0, sizeof d->count[at]);
        d->value[at] = x;
        d->n++;
    }
    d->count[at][part]++;
}

static json_t *label_of(const tarn_column *c, double x)
{
    char text[32];
    int32_t len;

    if (c->type == TARN_BOOL) return json_string(x != 0 ? "true" : "false");
    if (c->type != TARN_TEXT) return json_string(tarn_num_format(x, text));
    const char *word = tarn_column_word(c, (int32_t)x, &len);
    return json_stringn(word, (size_t)len);
}

static tarn_code add_class(json_t *list, json_t *take_label, int64_t n, int64_t rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *one = json_object();

    rc = tarn_json_set(one, "class", take_label, err);
    if (rc == TARN_OK) rc = tarn_json_set(one, "rows", json_integer(n), err);
    if (rc == TARN_OK) rc = tarn_json_set(one, "share", tarn_json_num(rows ? (double)n / (double)rows : 0), err);
    if (rc == TARN_OK) return tarn_json_append(list, one, err);
    json_decref(one);
    return rc;
}

static tarn_code tell_classes(const tarn_splitting *s, const spread *d, int part, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_column *c = tarn_columns_at(s->c, s->target_at);
    json_t *list = json_array();

    TARN_TRY(tarn_json_set(out, "classes", list, err));
    for (int k = 0; k < d->n; k++)
        TARN_TRY(add_class(list, label_of(c, d->value[k]), d->count[k][part], s->count[part], err));
    if (d->missing[part]) TARN_TRY(add_class(list, json_string("(missing)"), d->missing[part], s->count[part], err));
done:
    return rc;
}

static tarn_code tell_target(const tarn_splitting *s, const spread *d, int part, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (s->target_at < 0) return TARN_OK;
    if (d->n <= CLASSES) return tell_classes(s, d, part, out, err);
    if (tarn_columns_at(s->c, s->target_at)->type != TARN_TEXT)
        TARN_TRY(tarn_json_set(out, "mean", tarn_json_num(d->sum[part] / (double)d->finite[part]), err));
    TARN_TRY(tarn_json_set(out, "missing", json_integer(d->missing[part]), err));
done:
    return rc;
}

/* ---- parts ---- */

static json_t *value_text(const tarn_column *c, double x)
{
    char text[32];

    return json_string(c->type == TARN_TIME ? tarn_time_text((int64_t)x, text) : tarn_num_format(x, text));
}

/* First and last time of a part. */
static tarn_code tell_times(const tarn_splitting *s, int part, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_column *c = tarn_columns_at(s->c, s->column);
    double least = INFINITY, most = -INFINITY;

    for (int64_t i = 0; i < s->rows; i++) {
        if (s->part[i] != part) continue;
        double x = tarn_column_number(c, i);
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    TARN_TRY(tarn_json_set(out, "first", value_text(c, least), err));
    TARN_TRY(tarn_json_set(out, "last", value_text(c, most), err));
done:
    return rc;
}

static tarn_code tell_part(const tarn_splitting *s, const spread *d, int part, json_t *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *one = json_object();

    TARN_TRY(tarn_json_append(list, one, err));
    TARN_TRY(tarn_json_set(one, "part", json_string(tarn_part_name((tarn_part)part)), err));
    TARN_TRY(tarn_json_set(one, "rows", json_integer(s->count[part]), err));
    TARN_TRY(tarn_json_set(one, "share", tarn_json_num((double)s->count[part] / (double)s->rows), err));
    TARN_TRY(tell_target(s, d, part, one, err));
    if (s->params->by == TARN_BY_TIME) TARN_TRY(tell_times(s, part, one, err));
done:
    return rc;
}

static tarn_code tell_parts(const tarn_splitting *s, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *list = json_array();
    spread *d = NULL;

    TARN_TRY(tarn_json_set(out, "parts", list, err));
    TARN_TRY(tarn_alloc(&d, 1, sizeof *d, err));
    if (s->target_at >= 0) {
        const tarn_column *c = tarn_columns_at(s->c, s->target_at);
        for (int64_t i = 0; i < s->rows; i++) see(d, tarn_column_number(c, i), s->part[i]);
    }
    for (int k = 0; k < TARN_PARTS; k++)
        if (s->count[k] > 0) TARN_TRY(tell_part(s, d, k, list, err));
    if (s->params->by != TARN_BY_TIME) goto done;
    json_t *borders = json_object();
    TARN_TRY(tarn_json_set(out, "borders", borders, err));
    for (int k = 1; k < TARN_PARTS; k++)
        if (!isnan(s->border[k]))
            TARN_TRY(tarn_json_set(borders, tarn_part_name((tarn_part)k),
                                   value_text(tarn_columns_at(s->c, s->column), s->border[k]), err));
done:
    tarn_free(d);
    return rc;
}

/* ---- leaks ---- */

typedef struct twin {
    uint64_t hash;
    int64_t row;
    uint8_t part;
} twin;

static int by_hash(const void *a_, const void *b_)
{
    const twin *a = a_, *b = b_;

    if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
    if (a->part != b->part) return a->part < b->part ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Rows whose columns equal those of a row in an earlier part, and how many such sets there are. examples may be NULL.
 */
static tarn_code find_twins(const tarn_splitting *s, const int *cols, int n_cols, int64_t *rows, int64_t *sets,
                            json_t *examples, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t *hash = NULL;
    twin *twins = NULL;
    int64_t end;

    *rows = *sets = 0;
    if (n_cols == 0) return TARN_OK;
    TARN_TRY(tarn_alloc(&hash, (size_t)s->rows, sizeof *hash, err));
    TARN_TRY(tarn_alloc(&twins, (size_t)s->rows, sizeof *twins, err));
    TARN_TRY(tarn_row_hashes(s->c, cols, n_cols, hash, err));
    for (int64_t i = 0; i < s->rows; i++) twins[i] = (twin){hash[i], i, s->part[i]};
    qsort(twins, (size_t)s->rows, sizeof *twins, by_hash);
    for (int64_t at = 0; at < s->rows; at = end) {
        int64_t found = 0;
        for (end = at + 1; end < s->rows && twins[end].hash == twins[at].hash; end++) {
            if (twins[end].part == twins[at].part ||
                !tarn_rows_equal(s->c, cols, n_cols, twins[at].row, twins[end].row))
                continue;
            found++;
            if (!examples || json_array_size(examples) >= EXAMPLES) continue;
            char text[128];
            (void)snprintf(text, sizeof text, "row %lld (%s) is as row %lld (%s)", (long long)twins[end].row + 1,
                           tarn_part_name((tarn_part)twins[end].part), (long long)twins[at].row + 1,
                           tarn_part_name((tarn_part)twins[at].part));
            TARN_TRY(tarn_json_append(examples, json_string(text), err));
        }
        *rows += found;
        *sets += found > 0;
    }
done:
    tarn_free(twins);
    tarn_free(hash);
    return rc;
}

/* Rows that are older than the last one of an earlier part. */
static int64_t out_of_order(const tarn_splitting *s)
{
    const tarn_column *c = tarn_columns_at(s->c, s->column);
    double last[TARN_PARTS] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    int64_t n = 0;

    for (int64_t i = 0; i < s->rows; i++) {
        double x = tarn_column_number(c, i);
        for (int k = s->part[i] + 1; k < TARN_PARTS; k++) last[k] = x > last[k] ? x : last[k];
    }
    for (int64_t i = 0; i < s->rows; i++) n += tarn_column_number(c, i) < last[s->part[i]];
    return n;
}

/* Columns that make a row what it is: not the target, the split column, or the key. */
static int compared(const tarn_splitting *s, int *cols)
{
    int n = 0;

    for (int i = 0; i < tarn_columns_count(s->c); i++) {
        bool out = i == s->target_at || i == s->column;
        for (int k = 0; k < s->n_keys; k++) out = out || s->keys[k] == i;
        if (!out) cols[n++] = i;
    }
    return n;
}

static tarn_code tell_leaks(const tarn_splitting *s, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *leaks = json_object(), *examples = json_array(), *names = json_array();
    int *cols = NULL;
    int64_t rows, sets;

    rc = tarn_json_set(out, "leaks", leaks, err);
    if (rc == TARN_OK) rc = tarn_json_set(leaks, "compared", names, err);
    else json_decref(names);
    if (rc == TARN_OK) rc = tarn_json_set(leaks, "examples", examples, err);
    else json_decref(examples);
    TARN_TRY(rc);
    TARN_TRY(tarn_alloc(&cols, (size_t)tarn_columns_count(s->c), sizeof *cols, err));
    int n = compared(s, cols);
    for (int i = 0; i < n; i++)
        TARN_TRY(tarn_json_append(names, json_string(tarn_columns_at(s->c, cols[i])->name), err));
    TARN_TRY(find_twins(s, cols, n, &rows, &sets, examples, err));
    TARN_TRY(tarn_json_set(leaks, "duplicate_rows", json_integer(rows), err));
    if (s->params->by == TARN_BY_GROUP) {
        TARN_TRY(find_twins(s, &s->column, 1, &rows, &sets, NULL, err));
        TARN_TRY(tarn_json_set(leaks, "groups", json_integer(sets), err));
    }
    if (s->params->by == TARN_BY_TIME) TARN_TRY(tarn_json_set(leaks, "times", json_integer(out_of_order(s)), err));
done:
    tarn_free(cols);
    return rc;
}

tarn_code tarn_split_report(const tarn_splitting *s, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *r = json_object();

    if (!r) return TARN_FAIL(err, TARN_NOMEM, "no memory for a report");
    TARN_TRY(tarn_json_set(r, "by", json_string(by_names[s->params->by]), err));
    if (s->column >= 0) TARN_TRY(tarn_json_set(r, "column", json_string(tarn_columns_at(s->c, s->column)->name), err));
    if (s->n_keys > 0) TARN_TRY(tarn_json_set(r, "key", json_string(s->key), err));
    if (s->params->by != TARN_BY_TIME) TARN_TRY(tarn_json_set(r, "seed", json_integer(s->params->seed), err));
    TARN_TRY(tarn_json_set(r, "rows", json_integer(s->rows), err));
    TARN_TRY(tell_parts(s, r, err));
    TARN_TRY(tell_leaks(s, r, err));
    *out = r;
    r = NULL;
done:
    json_decref(r);
    return rc;
}
