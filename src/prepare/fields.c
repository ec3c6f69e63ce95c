/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - raw fields of a model read from columns of a table. See fields.h. */
#include "prepare/fields.h"

#include "base/mem.h"
#include "prepare/names.h"
#include "prepare/prepare.h"

#include <math.h>
#include <string.h>

static bool suits(const tarn_column *c, tarn_kind kind)
{
    switch (kind) {
    case TARN_NUMBER: return c->type == TARN_BOOL || c->type == TARN_INT || c->type == TARN_REAL;
    case TARN_CATEGORY:
    case TARN_STRING: return c->type == TARN_TEXT;
    case TARN_MOMENT: return c->type == TARN_TIME;
    }
    return false;
}

static tarn_code keep_strings(tarn_reader *r, const tarn_column *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&r->strings, (size_t)c->words, sizeof *r->strings, err));
    for (int32_t w = 0; w < c->words; w++) {
        int32_t len;
        r->strings[w].bytes = tarn_column_word(c, w, &len);
        r->strings[w].len = (size_t)len;
        if (len > TARN_STRING_MOST)
            return TARN_FAIL(err, TARN_LIMIT, "field '%s' has a text of %d bytes; at most %d, so cut it", c->name,
                             (int)len, TARN_STRING_MOST);
        if ((size_t)len > r->longest) r->longest = (size_t)len;
        r->codes[w] = tarn_string_value(&r->strings[w]);
    }
done:
    return rc;
}

tarn_code tarn_reader_init(tarn_reader *r, const tarn_columns *data, const char *name, tarn_kind kind, bool required,
                           tarn_code_of *code_of, const void *arg, int input, tarn_err *err)
{
    static const char *const kinds[] = {"a number", "a text", "a time", "a text"};
    tarn_code rc = TARN_OK;
    int at = tarn_columns_find(data, name);

    *r = (tarn_reader){0};
    if (at < 0 && required) return tarn_name_column(data, "field", name, &at, err);
    if (at < 0) return TARN_OK;
    const tarn_column *c = tarn_columns_at(data, at);
    if (c->nulls == c->rows) return TARN_OK;
    if (!suits(c, kind))
        return TARN_FAIL(err, TARN_INVALID, "field '%s' is %s in the table, but the model takes %s", name,
                         tarn_type_name(c->type), kinds[kind]);
    if (c->type == TARN_TEXT) TARN_TRY(tarn_alloc(&r->codes, (size_t)c->words, sizeof *r->codes, err));
    if (kind == TARN_STRING) TARN_TRY(keep_strings(r, c, err));
    if (kind == TARN_CATEGORY) {
        for (int32_t w = 0; w < c->words; w++) {
            int32_t len;
            const char *text = tarn_column_word(c, w, &len);
            r->codes[w] = code_of(arg, input, text, (size_t)len);
        }
    }
    r->column = c;
done:
    return rc;
}

void tarn_reader_clear(tarn_reader *r)
{
    tarn_free(r->codes);
    tarn_free(r->strings);
    *r = (tarn_reader){0};
}

static void read_all(const tarn_reader *r, const int64_t *rows, int64_t n, double *out)
{
    const tarn_column *c = r->column;

    switch (c->type) {
    case TARN_BOOL: {
        const uint8_t *v = c->values;
        for (int64_t i = 0; i < n; i++) out[i] = v[rows[i]] != 0;
        break;
    }
    case TARN_INT:
    case TARN_TIME: {
        const int64_t *v = c->values;
        for (int64_t i = 0; i < n; i++) out[i] = (double)v[rows[i]];
        break;
    }
    case TARN_REAL: {
        const double *v = c->values;
        for (int64_t i = 0; i < n; i++) out[i] = v[rows[i]];
        break;
    }
    case TARN_TEXT: {
        const int32_t *v = c->values;
        for (int64_t i = 0; i < n; i++) {
            int32_t w = v[rows[i]];
            out[i] = w >= 0 && w < c->words ? r->codes[w] : NAN; /* under a null any code may stand */
        }
        break;
    }
    }
}

void tarn_reader_read(const tarn_reader *r, const int64_t *rows, int64_t n, double *out)
{
    const tarn_column *c = r->column;

    if (!c) {
        for (int64_t i = 0; i < n; i++) out[i] = NAN;
        return;
    }
    read_all(r, rows, n, out);
    if (!c->valid) return;
    for (int64_t i = 0; i < n; i++)
        if (!tarn_column_has(c, rows[i])) out[i] = NAN;
}

tarn_code tarn_rows_check(const tarn_columns *data, const int64_t *rows, int64_t n, tarn_err *err)
{
    int64_t most = tarn_columns_rows(data);

    for (int64_t i = 0; i < n; i++)
        if (rows[i] < 0 || rows[i] >= most)
            return TARN_FAIL(err, TARN_INVALID, "row %lld is outside the table, which has %lld rows",
                             (long long)rows[i], (long long)most);
    return TARN_OK;
}

static double code_in_model(const void *arg, int input, const char *text, size_t len)
{
    return tarn_model_code(arg, input, text, len);
}

/* What a reader has of texts moves to the arena. */
static tarn_code hand_over(tarn_reader *r, tarn_arena *arena, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_string *kept = NULL;

    if (!r->strings) return TARN_OK;
    TARN_TRY(tarn_arena_alloc(arena, &kept, (size_t)r->column->words, sizeof *kept, err));
    memcpy(kept, r->strings, (size_t)r->column->words * sizeof *kept);
    for (int32_t w = 0; w < r->column->words; w++) r->codes[w] = tarn_string_value(&kept[w]);
done:
    return rc;
}

tarn_code tarn_model_fields(const tarn_model *m, const tarn_columns *data, const int64_t *rows_of, int64_t n,
                            tarn_arena *arena, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_reader r = {0};

    TARN_TRY(tarn_rows_check(data, rows_of, n, err));
    for (int i = 0; i < tarn_model_inputs(m); i++) {
        const tarn_model_input *in = tarn_model_input_at(m, i);
        TARN_TRY(tarn_reader_init(&r, data, in->name, in->kind, in->required, code_in_model, m, i, err));
        TARN_TRY(hand_over(&r, arena, err));
        tarn_reader_read(&r, rows_of, n, out + (size_t)i * (size_t)n);
        tarn_reader_clear(&r);
    }
done:
    tarn_reader_clear(&r);
    return rc;
}
