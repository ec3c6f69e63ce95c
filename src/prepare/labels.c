/* SPDX-License-Identifier: Apache-2.0 */
/* labels.c - finding the classes of a target, and reading rows as class numbers. See labels.h.
 *
 * A class is named by its text: "false" and "true", a number in its shortest form, or the text itself. So a model knows
 * its classes without the table, and a table whose target has become 0/1 instead of false/true still fits.
 */
#include "prepare/labels.h"

#include "prepare/fields.h"
#include "prepare/names.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- learn ---- */

static int by_int(const void *a, const void *b)
{
    int64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int by_real(const void *a, const void *b)
{
    double x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static tarn_code too_many(const char *target, int64_t n, tarn_err *err)
{
    return TARN_FAIL(err, TARN_INVALID,
                     "target '%s' has %lld different values, over %d classes; is it a number to predict (regression)?",
                     target, (long long)n, TARN_CLASSES_MOST);
}

static tarn_code refuse_missing(const tarn_prepare_job *job, const tarn_column *c, tarn_err *err)
{
    int64_t missing = 0, first = -1;

    for (int64_t i = 0; i < job->n_train; i++) {
        int64_t row = job->train_rows[i];
        if (tarn_column_has(c, row) && !(c->type == TARN_REAL && !isfinite(tarn_column_number(c, row)))) continue;
        if (missing++ == 0) first = row;
    }
    if (missing == 0) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID,
                     "target '%s' is missing or not finite in %lld train rows, the first is row %lld; drop them before "
                     "(repair missing: drop_row)",
                     job->target, (long long)missing, (long long)first + 1);
}

/* Texts or truth values: which of them train rows have. */
static tarn_code words_of(const tarn_prepare_job *job, const tarn_column *c, tarn_arena *arena, tarn_labels *out,
                          tarn_err *err)
{
    static const char *const truth[] = {"false", "true"};
    tarn_code rc = TARN_OK;
    int32_t words = c->type == TARN_BOOL ? 2 : c->words, n = 0;
    uint8_t *seen = NULL;
    const char **names = NULL;

    TARN_TRY(tarn_alloc(&seen, (size_t)words, 1, err));
    for (int64_t i = 0; i < job->n_train; i++) {
        int64_t row = job->train_rows[i];
        int32_t w = c->type == TARN_BOOL ? ((const uint8_t *)c->values)[row] != 0 : ((const int32_t *)c->values)[row];
        if (!seen[w]) n++;
        seen[w] = 1;
    }
    if (n > TARN_CLASSES_MOST) {
        rc = too_many(job->target, n, err);
        goto done;
    }
    TARN_TRY(tarn_arena_alloc(arena, &names, (size_t)n, sizeof *names, err));
    out->names = names;
    for (int32_t w = 0; w < words; w++) {
        char *copy;
        int32_t len = 0;
        const char *text = NULL;
        if (!seen[w]) continue;
        if (c->type == TARN_BOOL) len = (int32_t)strlen(text = truth[w]);
        else text = tarn_column_word(c, w, &len);
        if (memchr(text, 0, (size_t)len)) {
            rc = TARN_FAIL(err, TARN_INVALID, "target '%s' has a label with a zero byte in it", job->target);
            goto done;
        }
        TARN_TRY(tarn_arena_strndup(arena, text, (size_t)len, &copy, err));
        names[out->classes++] = copy;
    }
done:
    tarn_free(seen);
    return rc;
}

/* Numbers: the different values, sorted. int64_t and double are both 8 bytes. */
static tarn_code numbers_of(const tarn_prepare_job *job, const tarn_column *c, tarn_arena *arena, tarn_labels *out,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool whole = c->type == TARN_INT;
    int64_t *v = NULL, n = 0;
    const char **names = NULL;

    TARN_TRY(tarn_alloc(&v, (size_t)job->n_train, sizeof *v, err));
    for (int64_t i = 0; i < job->n_train; i++) {
        double x = whole ? 0 : ((const double *)c->values)[job->train_rows[i]] + 0.0; /* -0 is 0 */
        if (whole) v[i] = ((const int64_t *)c->values)[job->train_rows[i]];
        else memcpy(&v[i], &x, sizeof x);
    }
    if (job->n_train > 0) qsort(v, (size_t)job->n_train, sizeof *v, whole ? by_int : by_real);
    for (int64_t i = 0; i < job->n_train; i++)
        if (n == 0 || v[i] != v[n - 1]) v[n++] = v[i];
    if (n > TARN_CLASSES_MOST) {
        rc = too_many(job->target, n, err);
        goto done;
    }
    TARN_TRY(tarn_arena_alloc(arena, &names, (size_t)n, sizeof *names, err));
    out->names = names;
    for (int64_t i = 0; i < n; i++) {
        char text[32], *copy;
        double x;
        memcpy(&x, &v[i], sizeof x);
        if (whole) (void)snprintf(text, sizeof text, "%" PRId64, v[i]);
        else tarn_num_format(x, text);
        TARN_TRY(tarn_arena_strndup(arena, text, strlen(text), &copy, err));
        names[out->classes++] = copy;
    }
done:
    tarn_free(v);
    return rc;
}

/* Do two labels mean the same: the same text, the same number, or true for 1. */
static bool same_label(const char *a, const char *b)
{
    double x, y;

    if (strcmp(a, b) == 0) return true;
    if (strcmp(a, "true") == 0) a = "1";
    if (strcmp(a, "false") == 0) a = "0";
    return tarn_num_parse(a, strlen(a), false, &x) && tarn_num_parse(b, strlen(b), false, &y) && x == y;
}

/* Two classes, `positive` the second. */
static tarn_code order_two(const tarn_prepare_job *job, tarn_arena *arena, tarn_labels *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char **names = NULL;
    int at = 1;

    if (l->classes != 2)
        return TARN_FAIL(err, TARN_INVALID,
                         "target '%s' has %d different labels in %lld train rows, but yes or no needs two", job->target,
                         l->classes, (long long)job->n_train);
    if (!job->positive) return TARN_OK;
    for (at = 0; at < 2 && !same_label(l->names[at], job->positive); at++) continue;
    if (at == 2)
        return tarn_name_fail(TARN_INVALID, "positive", job->positive, "is not a label of the target", l->names, 2,
                              err);
    TARN_TRY(tarn_arena_alloc(arena, &names, 2, sizeof *names, err));
    names[0] = l->names[1 - at];
    names[1] = l->names[at];
    l->names = names;
done:
    return rc;
}

tarn_code tarn_labels_learn(const tarn_prepare_job *job, tarn_arena *arena, tarn_labels *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int at;

    *out = (tarn_labels){.task = job->task};
    TARN_TRY(tarn_name_column(job->data, "target", job->target, &at, err));
    const tarn_column *c = tarn_columns_at(job->data, at);
    char *copy;
    TARN_TRY(tarn_arena_strndup(arena, c->name, strlen(c->name), &copy, err));
    out->target = copy;
    if (c->type == TARN_TIME)
        return TARN_FAIL(err, TARN_INVALID, "target '%s' is a time; predict a number or a class", c->name);
    if (job->task == TARN_REGRESSION && c->type == TARN_TEXT)
        return TARN_FAIL(err, TARN_INVALID, "target '%s' is text, but a regression predicts a number", c->name);
    TARN_TRY(refuse_missing(job, c, err));
    if (job->task == TARN_REGRESSION) return TARN_OK;
    if (c->type == TARN_TEXT || c->type == TARN_BOOL) TARN_TRY(words_of(job, c, arena, out, err));
    else TARN_TRY(numbers_of(job, c, arena, out, err));
    if (job->task == TARN_BINARY) return order_two(job, arena, out, err);
    if (out->classes < 2)
        return TARN_FAIL(err, TARN_INVALID, "target '%s' has only one label in %lld train rows", c->name,
                         (long long)job->n_train);
done:
    return rc;
}

/* ---- read ---- */

/* How labels of one column become class numbers. */
typedef struct lookup {
    int32_t *word;  /* TEXT, BOOL: class of each word, -1 unknown */
    int64_t *whole; /* numbers: of each class, where is_whole */
    double *real;   /* NaN: the class is not a number */
    uint8_t *is_whole;
} lookup;

static void lookup_clear(lookup *k)
{
    tarn_free(k->word);
    tarn_free(k->whole);
    tarn_free(k->real);
    tarn_free(k->is_whole);
}

static int find_text(const tarn_labels *l, const char *text, size_t len)
{
    for (int i = 0; i < l->classes; i++)
        if (strlen(l->names[i]) == len && memcmp(l->names[i], text, len) == 0) return i;
    return -1;
}

static tarn_code lookup_words(const tarn_labels *l, const tarn_column *c, lookup *k, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&k->word, (size_t)c->words, sizeof *k->word, err));
    for (int32_t w = 0; w < c->words; w++) {
        int32_t len;
        const char *text = tarn_column_word(c, w, &len);
        k->word[w] = find_text(l, text, (size_t)len);
    }
done:
    return rc;
}

static tarn_code lookup_numbers(const tarn_labels *l, const tarn_column *c, lookup *k, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = (size_t)l->classes;

    TARN_TRY(tarn_alloc(&k->whole, n, sizeof *k->whole, err));
    TARN_TRY(tarn_alloc(&k->real, n, sizeof *k->real, err));
    TARN_TRY(tarn_alloc(&k->is_whole, n, 1, err));
    for (size_t i = 0; i < n; i++) {
        const char *name = l->names[i];
        if (strcmp(name, "true") == 0) name = "1";
        if (strcmp(name, "false") == 0) name = "0";
        k->is_whole[i] = tarn_int_parse(name, strlen(name), &k->whole[i]);
        if (!tarn_num_parse(name, strlen(name), false, &k->real[i])) k->real[i] = NAN;
    }
    if (c->type != TARN_BOOL) return TARN_OK;
    TARN_TRY(tarn_alloc(&k->word, 2, sizeof *k->word, err));
    k->word[0] = k->word[1] = -1;
    for (size_t i = 0; i < n; i++)
        if (k->real[i] == 0 || k->real[i] == 1) k->word[k->real[i] == 1] = (int32_t)i;
done:
    return rc;
}

/* Class of a row that has a label; -1 unknown. */
static int class_of(const tarn_labels *l, const lookup *k, const tarn_column *c, int64_t row)
{
    switch (c->type) {
    case TARN_TEXT: return k->word[((const int32_t *)c->values)[row]];
    case TARN_BOOL: return k->word[((const uint8_t *)c->values)[row] != 0];
    case TARN_INT: {
        int64_t v = ((const int64_t *)c->values)[row];
        for (int i = 0; i < l->classes; i++)
            if (k->is_whole[i] ? k->whole[i] == v : k->real[i] == (double)v) return i;
        return -1;
    }
    case TARN_REAL: {
        double v = ((const double *)c->values)[row];
        for (int i = 0; i < l->classes; i++)
            if (k->real[i] == v) return i;
        return -1;
    }
    case TARN_TIME: break;
    }
    return -1;
}

static tarn_code unknown_label(const tarn_labels *l, const tarn_column *c, int64_t row, tarn_err *err)
{
    char number[32], label[80];
    const char *text = number;
    int32_t len = 0;

    if (c->type == TARN_TEXT) text = tarn_column_word(c, ((const int32_t *)c->values)[row], &len);
    else len = (int32_t)strlen(tarn_num_format(tarn_column_number(c, row), number));
    (void)snprintf(label, sizeof label, "%.*s", len < 60 ? len : 60, text);
    char what[400];
    (void)snprintf(what, sizeof what, "row %lld: label", (long long)row + 1);
    tarn_code rc =
        tarn_name_fail(TARN_INVALID, what, label, "is not a class of the model", l->names, (size_t)l->classes, err);
    tarn_err_note(err, "target '%s'", l->target);
    return rc;
}

static tarn_code read_classes(const tarn_labels *l, const tarn_column *c, const int64_t *rows, int64_t n, double *out,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    lookup k = {0};

    if (c->type == TARN_TEXT) TARN_TRY(lookup_words(l, c, &k, err));
    else TARN_TRY(lookup_numbers(l, c, &k, err));
    for (int64_t i = 0; i < n; i++) {
        if (!tarn_column_has(c, rows[i])) {
            rc = TARN_FAIL(err, TARN_INVALID, "target '%s' is missing in row %lld", l->target, (long long)rows[i] + 1);
            goto done;
        }
        int class = class_of(l, &k, c, rows[i]);
        if (class < 0) {
            rc = unknown_label(l, c, rows[i], err);
            goto done;
        }
        out[i] = class;
    }
done:
    lookup_clear(&k);
    return rc;
}

tarn_code tarn_labels_read(const tarn_labels *l, const tarn_columns *data, const int64_t *rows, int64_t n, double *out,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int at;

    TARN_TRY(tarn_name_column(data, "target", l->target, &at, err));
    const tarn_column *c = tarn_columns_at(data, at);
    if (c->type == TARN_TIME || (l->task == TARN_REGRESSION && c->type == TARN_TEXT))
        return TARN_FAIL(err, TARN_INVALID, "target '%s' is %s in the table; the model predicts %s", l->target,
                         tarn_type_name(c->type), l->task == TARN_REGRESSION ? "a number" : "a class");
    TARN_TRY(tarn_rows_check(data, rows, n, err));
    if (l->task != TARN_REGRESSION) return read_classes(l, c, rows, n, out, err);
    for (int64_t i = 0; i < n; i++) {
        out[i] = tarn_column_number(c, rows[i]);
        if (!isfinite(out[i]))
            return TARN_FAIL(err, TARN_INVALID, "target '%s' is missing or not finite in row %lld", l->target,
                             (long long)rows[i] + 1);
    }
done:
    return rc;
}

tarn_code tarn_model_labels(const tarn_model *m, const tarn_columns *data, const int64_t *rows_of, int64_t n,
                            double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char **names = NULL;
    int classes = tarn_model_classes(m);

    TARN_TRY(tarn_alloc(&names, (size_t)classes, sizeof *names, err));
    for (int i = 0; i < classes; i++) names[i] = tarn_model_class(m, i);
    tarn_labels l = {tarn_model_task(m), tarn_model_target(m), classes, names};
    TARN_TRY(tarn_labels_read(&l, data, rows_of, n, out, err));
done:
    tarn_free(names);
    return rc;
}
