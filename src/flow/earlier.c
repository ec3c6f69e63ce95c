/* SPDX-License-Identifier: Apache-2.0 */
/* earlier.c - see earlier.h. */
#include "flow/earlier.h"

#include "base/mem.h"
#include "flow/recipe.h"
#include "prepare/rowhash.h"

#include <stdlib.h>
#include <string.h>

static const char magic[8] = "TARNPAST";
enum { HEAD = 8 + 3 * 8 + sizeof(tarn_id) };

/* ---- bytes ---- */

static void put_number(char *to, uint64_t v)
{
    for (int i = 0; i < 8; i++) to[i] = (char)(v >> (8 * i));
}

static uint64_t get_number(const char *from)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++) v |= (uint64_t)(unsigned char)from[i] << (8 * i);
    return v;
}

/* The three lengths add up to what is there, and no sum overflows. */
static bool fits(uint64_t n, uint64_t model, uint64_t state, size_t len)
{
    uint64_t left = len - HEAD;

    return n <= left / 8 && model <= left - 8 * n && state == left - 8 * n - model;
}

tarn_code tarn_earlier_read(const char *bytes, size_t len, tarn_earlier *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *out = (tarn_earlier){.n = 0};
    if (len < HEAD || memcmp(bytes, magic, sizeof magic) != 0 ||
        !fits(get_number(bytes + 8), get_number(bytes + 16), get_number(bytes + 24), len))
        return TARN_FAIL(err, TARN_CORRUPT, "this is not what a candidate remembers of its past, or not all of it");
    out->n = (int64_t)get_number(bytes + 8);
    out->model_len = (size_t)get_number(bytes + 16);
    out->state_len = (size_t)get_number(bytes + 24);
    memcpy(&out->spec, bytes + 32, sizeof out->spec);
    TARN_TRY(tarn_alloc(&out->rows, (size_t)out->n, sizeof *out->rows, err));
    for (int64_t i = 0; i < out->n; i++) {
        out->rows[i] = get_number(bytes + HEAD + 8 * i);
        if (i > 0 && out->rows[i] < out->rows[i - 1])
            TARN_TRY(TARN_FAIL(err, TARN_CORRUPT, "the rows that a candidate remembers are not in order"));
    }
    TARN_TRY(tarn_alloc(&out->bytes, out->model_len + out->state_len + 1, 1, err));
    memcpy(out->bytes, bytes + len - out->model_len - out->state_len, out->model_len + out->state_len);
    out->model = out->bytes;
    out->state = out->bytes + out->model_len;
done:
    if (rc != TARN_OK) tarn_earlier_clear(out);
    return rc;
}

tarn_code tarn_earlier_write(const tarn_earlier *past, char **out, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *out = NULL;
    *len = HEAD + 8 * (size_t)past->n + past->model_len + past->state_len;
    TARN_TRY(tarn_alloc(out, *len, 1, err));
    char *at = *out;
    memcpy(at, magic, sizeof magic);
    put_number(at + 8, (uint64_t)past->n);
    put_number(at + 16, past->model_len);
    put_number(at + 24, past->state_len);
    memcpy(at + 32, &past->spec, sizeof past->spec);
    at += HEAD;
    for (int64_t i = 0; i < past->n; i++, at += 8) put_number(at, past->rows[i]);
    memcpy(at, past->model, past->model_len);
    if (past->state_len > 0) memcpy(at + past->model_len, past->state, past->state_len);
done:
    return rc;
}

void tarn_earlier_clear(tarn_earlier *past)
{
    tarn_free(past->rows);
    tarn_free(past->bytes);
    *past = (tarn_earlier){.n = 0};
}

tarn_code tarn_earlier_spec(const tarn_fitting *f, const json_t *settings, tarn_id *out, tarn_err *err)
{
    static const char *const parts[] = {"algo", "prepare", "features", "target",      "positive",
                                        "task", "weight",  "group",    "class_weight"};
    tarn_code rc = TARN_OK;
    json_t *spec = json_object();

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_t *x = json_object_get(f->spec, parts[i]);
        if (x) TARN_TRY(tarn_json_set(spec, parts[i], json_incref(x), err));
    }
    TARN_TRY(tarn_json_set(spec, "settings", json_deep_copy(settings), err));
    TARN_TRY(tarn_recipe_id(spec, out, NULL, err));
done:
    json_decref(spec);
    return rc;
}

/* ---- rows ---- */

/* A train row and its number. */
typedef struct numbered {
    uint64_t number;
    int64_t row;
} numbered;

static int by_number(const void *a_, const void *b_)
{
    const numbered *a = a_, *b = b_;

    if (a->number != b->number) return a->number < b->number ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static int by_value(const void *a_, const void *b_)
{
    uint64_t a = *(const uint64_t *)a_, b = *(const uint64_t *)b_;

    return (a > b) - (a < b);
}

static int by_row(const void *a_, const void *b_)
{
    int64_t a = *(const int64_t *)a_, b = *(const int64_t *)b_;

    return (a > b) - (a < b);
}

/* The columns that the candidate sees: its features, target, weight and queries. */
static tarn_code seen_columns(const tarn_fitting *f, int **out, int *n, tarn_err *err)
{
    const json_t *features = json_object_get(f->spec, "features");
    tarn_code rc = tarn_alloc(out, json_array_size(features) + 3, sizeof **out, err);

    *n = 0;
    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < json_array_size(features); i++) (*out)[(*n)++] = tarn_columns_find(f->data, f->features[i]);
    (*out)[(*n)++] = tarn_columns_find(f->data, tarn_json_text(f->spec, "target", ""));
    if (f->weight >= 0) (*out)[(*n)++] = f->weight;
    if (f->group >= 0) (*out)[(*n)++] = f->group;
    for (int i = 0; i < *n; i++)
        if ((*out)[i] < 0)
            return TARN_FAIL(err, TARN_INVALID, "the table lacks a column that the candidate learns from");
    return TARN_OK;
}

/* Train rows by their numbers, of 63 bits. */
static tarn_code number_rows(const tarn_fitting *f, const int64_t *train, int64_t n, numbered **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t *hash = NULL;
    int *cols = NULL, n_cols = 0;

    TARN_TRY(tarn_alloc(out, (size_t)n, sizeof **out, err));
    TARN_TRY(tarn_alloc(&hash, (size_t)tarn_columns_rows(f->data), sizeof *hash, err));
    TARN_TRY(seen_columns(f, &cols, &n_cols, err));
    TARN_TRY(tarn_row_hashes(f->data, cols, n_cols, hash, err));
    for (int64_t i = 0; i < n; i++) (*out)[i] = (numbered){hash[train[i]] >> 1, train[i]};
    if (n > 0) qsort(*out, (size_t)n, sizeof **out, by_number);
done:
    tarn_free(cols);
    tarn_free(hash);
    return rc;
}

/* Pair the past's rows with train rows of the same content. False: one of them has none. */
static bool pair(const tarn_earlier *past, const numbered *train, int64_t n, tarn_news *out)
{
    int64_t at = 0;

    for (int64_t i = 0; i < past->n; i++, at++) {
        uint64_t number = past->rows[i] >> 1;
        while (at < n && train[at].number < number) out->fresh[out->n_fresh++] = train[at++].row;
        if (at == n || train[at].number != number) return false;
        if (past->rows[i] & 1) out->prepare[out->n_prepare++] = train[at].row;
    }
    while (at < n) out->fresh[out->n_fresh++] = train[at++].row;
    return true;
}

/* A label among the fresh rows that no row of the preparation has: classes are fitted, too. */
static tarn_code has_new_class(const tarn_fitting *f, const tarn_news *news, bool *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_column *c = tarn_columns_at(f->data, tarn_columns_find(f->data, tarn_json_text(f->spec, "target", "")));
    uint64_t *known = NULL, bits;
    size_t n = 0;

    *out = false;
    if (f->task == TARN_REGRESSION || news->n_fresh == 0) return TARN_OK;
    TARN_TRY(tarn_alloc(&known, (size_t)news->n_prepare + 1, sizeof *known, err));
    for (int64_t i = 0; i < news->n_prepare; i++)
        if (tarn_value_bits(c, news->prepare[i], &bits)) known[n++] = bits;
    qsort(known, n, sizeof *known, by_value);
    for (int64_t i = 0; i < news->n_fresh && !*out; i++)
        *out = tarn_value_bits(c, news->fresh[i], &bits) && !bsearch(&bits, known, n, sizeof *known, by_value);
done:
    tarn_free(known);
    return rc;
}

static void take_all(tarn_news *out, const int64_t *train, int64_t n, const char *why)
{
    out->afresh = why;
    out->n_prepare = out->n_fresh = n;
    for (int64_t i = 0; i < n; i++) out->prepare[i] = out->fresh[i] = train[i];
}

/* The rows of the past this fit leaves behind. */
static void remember(tarn_news *out, const tarn_earlier *past, const numbered *train, int64_t n)
{
    out->n_rows = n;
    if (out->afresh) {
        for (int64_t i = 0; i < n; i++) out->rows[i] = train[i].number << 1 | 1;
        return;
    }
    int64_t k = 0;
    for (int64_t i = 0; i < n;
         i++) { /* every row of the past is paired: where numbers are equal, its rows come first */
        bool old = k < past->n && past->rows[k] >> 1 == train[i].number;
        out->rows[i] = old ? past->rows[k++] : train[i].number << 1;
    }
    if (n > 0) qsort(out->rows, (size_t)n, sizeof *out->rows, by_value);
}

tarn_code tarn_earlier_compare(const tarn_earlier *past, const tarn_id *spec, const tarn_fitting *f,
                               const int64_t *train, int64_t n, tarn_news *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    numbered *rows = NULL;
    bool new_class = false;

    *out = (tarn_news){.n_rows = 0};
    TARN_TRY(tarn_alloc(&out->prepare, (size_t)n + 1, sizeof *out->prepare, err));
    TARN_TRY(tarn_alloc(&out->fresh, (size_t)n + 1, sizeof *out->fresh, err));
    TARN_TRY(tarn_alloc(&out->rows, (size_t)n + 1, sizeof *out->rows, err));
    TARN_TRY(number_rows(f, train, n, &rows, err));
    if (!past) {
        take_all(out, train, n, "there is nothing to go on from");
    } else if (!tarn_id_equal(spec, &past->spec)) {
        take_all(out, train, n, "its settings or columns have changed");
    } else if (!pair(past, rows, n, out)) {
        take_all(out, train, n, "a row that it has learned from has changed, is gone, or is no train row any more");
    } else {
        if (out->n_prepare > 0) qsort(out->prepare, (size_t)out->n_prepare, sizeof *out->prepare, by_row);
        if (out->n_fresh > 0) qsort(out->fresh, (size_t)out->n_fresh, sizeof *out->fresh, by_row);
        TARN_TRY(has_new_class(f, out, &new_class, err));
        if (new_class) take_all(out, train, n, "a new row is of a class that was not there before");
    }
    remember(out, past, rows, n);
done:
    tarn_free(rows);
    if (rc != TARN_OK) tarn_news_clear(out);
    return rc;
}

void tarn_news_clear(tarn_news *news)
{
    tarn_free(news->prepare);
    tarn_free(news->fresh);
    tarn_free(news->rows);
    *news = (tarn_news){.n_rows = 0};
}
