/* SPDX-License-Identifier: Apache-2.0 */
/* column.c - columns: looking at them, and making them in memory. See column.h.
 *
 * A maker holds finished columns one by one; finish hands their buffers over without copying. The file
 * form is column_file.c, the dictionaries of texts are words.c. */
#include "table/column.h"

#include "base/mem.h"
#include "base/str.h"
#include "table/column_make.h"
#include "table/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const type_names[] = {"bool", "int", "real", "text", "time"};
enum { TYPES = sizeof type_names / sizeof type_names[0], MOST_COLUMNS = 1 << 20 };
#define MOST_ROWS ((int64_t)1 << 40)

const char *tarn_type_name(tarn_type type) { return (unsigned)type < TYPES ? type_names[type] : "?"; }

bool tarn_type_parse(const char *name, tarn_type *out)
{
    for (int i = 0; i < TYPES; i++) {
        if (strcmp(name, type_names[i]) != 0) continue;
        *out = (tarn_type)i;
        return true;
    }
    return false;
}

size_t tarn_type_width(tarn_type type)
{
    switch (type) {
    case TARN_BOOL: return sizeof(uint8_t);
    case TARN_TEXT: return sizeof(int32_t);
    case TARN_INT:
    case TARN_REAL:
    case TARN_TIME: break;
    }
    return 8;
}

int64_t tarn_columns_rows(const tarn_columns *c) { return c->rows; }
int tarn_columns_count(const tarn_columns *c) { return c->count; }
const tarn_column *tarn_columns_at(const tarn_columns *c, int i) { return &c->at[i]; }

int tarn_columns_find(const tarn_columns *c, const char *name)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->at[i].name, name) == 0) return i;
    return -1;
}

tarn_columns *tarn_columns_retain(tarn_columns *c)
{
    if (c) atomic_fetch_add(&c->users, 1);
    return c;
}

void tarn_columns_release(tarn_columns *c)
{
    if (!c || atomic_fetch_sub(&c->users, 1) != 1) return;
    for (int i = 0; c->owned && i < c->count; i++) tarn_buffers_clear(&c->owned[i]);
    if (!c->owned) tarn_map_close(&c->map);
    tarn_free(c->owned);
    tarn_free(c->at);
    tarn_free(c);
}

double tarn_column_number(const tarn_column *c, int64_t row)
{
    if (!tarn_column_has(c, row)) return NAN;
    switch (c->type) {
    case TARN_BOOL: return ((const uint8_t *)c->values)[row];
    case TARN_INT:
    case TARN_TIME: return (double)((const int64_t *)c->values)[row];
    case TARN_REAL: return ((const double *)c->values)[row];
    case TARN_TEXT: return ((const int32_t *)c->values)[row];
    }
    return NAN;
}

struct tarn_columns_maker {
    tarn_words names; /* so that none is taken twice */
    int64_t rows;
    int count, cap;
    tarn_column *at;
    tarn_buffers *owned;
};

void tarn_buffers_clear(tarn_buffers *b)
{
    tarn_free(b->name);
    tarn_free(b->values);
    tarn_free(b->valid);
    tarn_free(b->offsets);
    tarn_free(b->bytes);
    *b = (tarn_buffers){0};
}

tarn_code tarn_columns_maker_new(int64_t rows, tarn_columns_maker **out, tarn_err *err)
{
    *out = NULL;
    if (rows < 0 || rows > MOST_ROWS)
        return TARN_FAIL(err, TARN_LIMIT, "%lld rows: 0 to %lld are possible", (long long)rows, (long long)MOST_ROWS);
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);
    if (rc == TARN_OK) (*out)->rows = rows;
    return rc;
}

void tarn_columns_maker_free(tarn_columns_maker *m)
{
    if (!m) return;
    for (int i = 0; i < m->count; i++) tarn_buffers_clear(&m->owned[i]);
    tarn_words_clear(&m->names);
    tarn_free(m->owned);
    tarn_free(m->at);
    tarn_free(m);
}

static tarn_code check_name(tarn_columns_maker *m, const char *name, tarn_err *err)
{
    int32_t known = m->names.count, code;
    size_t bad;

    if (!*name) return TARN_FAIL(err, TARN_INVALID, "column %d has no name", m->count + 1);
    if (!tarn_utf8_valid(name, strlen(name), &bad))
        return TARN_FAIL(err, TARN_INVALID, "the name of column %d is not UTF-8", m->count + 1);
    tarn_code rc = tarn_words_put(&m->names, name, strlen(name), &code, err);
    if (rc == TARN_OK && code < known) return TARN_FAIL(err, TARN_INVALID, "column '%s' is there twice", name);
    return rc;
}

static tarn_code grow_maker(tarn_columns_maker *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int cap = m->cap ? m->cap * 2 : 8;

    if (m->count < m->cap) return TARN_OK;
    if (m->count >= MOST_COLUMNS) return TARN_FAIL(err, TARN_LIMIT, "more than %d columns", MOST_COLUMNS);
    TARN_TRY(tarn_resize(&m->at, (size_t)cap, sizeof *m->at, err));
    TARN_TRY(tarn_resize(&m->owned, (size_t)cap, sizeof *m->owned, err));
    m->cap = cap;
done:
    return rc;
}

/* Zero values under nulls, one NaN, bools 0 or 1, no bits past the last row. Returns the nulls. */
static int64_t settle(tarn_type type, int64_t rows, tarn_buffers *b)
{
    int64_t nulls = 0;
    size_t width = tarn_type_width(type);

    for (int64_t i = 0; b->valid && i < rows; i++) {
        if (b->valid[i >> 3] >> (i & 7) & 1) continue;
        nulls++;
        memset((char *)b->values + (size_t)i * width, 0, width);
    }
    if (b->valid && rows % 8) b->valid[rows / 8] &= (uint8_t)((1u << rows % 8) - 1);
    if (type == TARN_REAL) {
        double *x = b->values;
        for (int64_t i = 0; i < rows; i++)
            if (isnan(x[i])) x[i] = (double)NAN;
    }
    if (type == TARN_BOOL) {
        uint8_t *x = b->values;
        for (int64_t i = 0; i < rows; i++) x[i] = x[i] != 0;
    }
    return nulls;
}

tarn_code tarn_columns_maker_take(tarn_columns_maker *m, const char *name, tarn_type type, tarn_buffers *take_b,
                                  tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_buffers b = *take_b;

    *take_b = (tarn_buffers){0};
    TARN_TRY(check_name(m, name, err));
    TARN_TRY(grow_maker(m, err));
    TARN_TRY(tarn_strdup(name, &b.name, err));
    int64_t nulls = settle(type, m->rows, &b);
    if (nulls == 0) {
        tarn_free(b.valid);
        b.valid = NULL;
    }
    m->owned[m->count] = b;
    m->at[m->count++] = (tarn_column){.name = b.name,
                                      .type = type,
                                      .rows = m->rows,
                                      .nulls = nulls,
                                      .valid = b.valid,
                                      .values = b.values,
                                      .words = b.words,
                                      .offsets = b.offsets,
                                      .bytes = b.bytes};
    return TARN_OK;
done:
    tarn_buffers_clear(&b);
    return rc;
}

tarn_code tarn_columns_maker_add(tarn_columns_maker *m, const char *name, tarn_type type, const void *values,
                                 const uint8_t *valid, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_buffers b = {0};
    size_t bitmap = (size_t)(m->rows + 7) / 8, width = tarn_type_width(type);

    if ((unsigned)type >= TYPES || type == TARN_TEXT)
        return TARN_FAIL(err, TARN_INVALID, "column '%s': texts are added with tarn_columns_maker_text", name);
    TARN_TRY(tarn_alloc(&b.values, (size_t)m->rows, width, err));
    if (m->rows > 0) memcpy(b.values, values, (size_t)m->rows * width);
    if (valid) {
        TARN_TRY(tarn_alloc(&b.valid, bitmap, 1, err));
        if (bitmap > 0) memcpy(b.valid, valid, bitmap);
    }
    rc = tarn_columns_maker_take(m, name, type, &b, err);
done:
    tarn_buffers_clear(&b);
    return rc;
}

tarn_code tarn_columns_maker_text(tarn_columns_maker *m, const char *name, const char *const *texts,
                                  const int32_t *lens, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_buffers b = {0};
    tarn_words words = {0};
    int32_t *codes;
    size_t bad;

    TARN_TRY(tarn_alloc(&b.values, (size_t)m->rows, sizeof *codes, err));
    TARN_TRY(tarn_alloc(&b.valid, (size_t)(m->rows + 7) / 8, 1, err));
    codes = b.values;
    for (int64_t i = 0; i < m->rows; i++) {
        codes[i] = -1;
        if (!texts[i]) continue;
        size_t len = lens ? (size_t)lens[i] : strlen(texts[i]);
        if (!tarn_utf8_valid(texts[i], len, &bad)) {
            rc = TARN_FAIL(err, TARN_INVALID, "column '%s', row %lld: not UTF-8", name, (long long)i + 1);
            goto done;
        }
        TARN_TRY(tarn_words_put(&words, texts[i], len, &codes[i], err));
        b.valid[i >> 3] |= (uint8_t)(1u << (i & 7));
    }
    b.words = words.count;
    TARN_TRY(tarn_words_finish(&words, codes, m->rows, &b.offsets, &b.bytes, err));
    rc = tarn_columns_maker_take(m, name, TARN_TEXT, &b, err);
done:
    tarn_words_clear(&words);
    tarn_buffers_clear(&b);
    return rc;
}

tarn_code tarn_columns_maker_finish(tarn_columns_maker *m, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns *c = NULL;

    *out = NULL;
    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    TARN_TRY(grow_maker(m, err)); /* so that owned is never NULL: that would mean mapped */
    c->users = 1;
    c->count = m->count;
    c->rows = m->rows;
    c->at = m->at;
    c->owned = m->owned;
    m->count = m->cap = 0;
    m->at = NULL;
    m->owned = NULL;
    *out = c;
    c = NULL;
done:
    tarn_free(c);
    return rc;
}
