/* SPDX-License-Identifier: Apache-2.0 */
/* tensors.c - a request of the Open Inference Protocol: one tensor per field, shape [n] or [n,1]. See batch.h.
 *
 * The keys of a tensor may come in any order, so its data are passed over first and read when type and shape are known.
 * Integers must be whole and in the range of their type; BYTES are texts; null stands for missing. */
#include "base/str.h"
#include "serve/batch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum family { WHOLE, REAL, TRUTH, BYTES } family;

typedef struct datatype {
    const char *name;
    family family;
    double least, most;
} datatype;

static const datatype types[] = {
    {"BOOL", TRUTH, 0, 1},
    {"UINT8", WHOLE, 0, 255},
    {"UINT16", WHOLE, 0, 65535},
    {"UINT32", WHOLE, 0, 4294967295.0},
    {"UINT64", WHOLE, 0, 0x1p64},
    {"INT8", WHOLE, -128, 127},
    {"INT16", WHOLE, -32768, 32767},
    {"INT32", WHOLE, -2147483648.0, 2147483647.0},
    {"INT64", WHOLE, -0x1p63, 0x1p63},
    {"FP16", REAL, -65504, 65504},
    {"FP32", REAL, -3.4028235677973366e38, 3.4028235677973366e38},
    {"FP64", REAL, -INFINITY, INFINITY},
    {"BYTES", BYTES, 0, 0},
};

const char *tarn_output_name(tarn_output o)
{
    static const char *const names[] = {"prediction", "probability", "label", "prediction_id"};
    return names[o];
}

bool tarn_output_suits(const tarn_model *m, tarn_output o)
{
    if (o == TARN_OUT_ID) return true;
    return (tarn_model_task(m) == TARN_REGRESSION) == (o == TARN_OUT_PREDICTION);
}

/* What one tensor says of itself; data is where they stand. */
typedef struct tensor {
    int input;
    char name[100];
    const datatype *type;
    int64_t rows; /* -1: no shape given */
    tarn_scan data;
    bool has_data;
} tensor;

static bool is(const char *key, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(key, word, len) == 0;
}

/* ---- the parts of a tensor ---- */

static tarn_code read_name(const tarn_batch *b, tarn_scan *s, tensor *t, tarn_err *err)
{
    const char *text;
    size_t len;
    char hint[240];
    tarn_code rc = tarn_scan_text(s, &text, &len, err);

    if (rc != TARN_OK) return rc;
    (void)snprintf(t->name, sizeof t->name, "%.*s", len < 80 ? (int)len : 80, text);
    t->input = tarn_model_find_input(b->model, text, len);
    if (t->input < 0)
        return TARN_FAIL(err, TARN_INVALID, "the model has no input '%s'%s", t->name,
                         tarn_batch_suggest(b, t->name, hint, sizeof hint));
    return TARN_OK;
}

static tarn_code read_type(tarn_scan *s, tensor *t, tarn_err *err)
{
    const char *text;
    size_t len;
    tarn_code rc = tarn_scan_text(s, &text, &len, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is(text, len, types[i].name)) t->type = &types[i];
    if (!t->type)
        return TARN_FAIL(
            err, TARN_INVALID,
            "datatype '%.*s' is not known; expected BOOL, INT8 to INT64, UINT8 to UINT64, FP16 to FP64 or BYTES",
            (int)(len < 40 ? len : 40), text);
    return TARN_OK;
}

static tarn_code read_shape(tarn_scan *s, tensor *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool first = true, more;
    double x, dims[2] = {0, 1};
    int n = 0;

    TARN_TRY(tarn_scan_enter(s, TARN_SCAN_ARRAY, "a shape such as [3] or [3,1]", err));
    for (;; n++) {
        TARN_TRY(tarn_scan_item(s, &first, &more, err));
        if (!more) break;
        tarn_scan mark = *s;
        TARN_TRY(tarn_scan_number(s, &x, NULL, NULL, err));
        if (x < 0 || x > 1e9 || x != floor(x)) return tarn_scan_fail(&mark, "a whole number, 0 or more", err);
        if (n < 2) dims[n] = x;
    }
    if (n < 1 || n > 2 || dims[1] != 1)
        return TARN_FAIL(err, TARN_INVALID, "its shape is not [n] or [n,1]; a field has one value a row");
    t->rows = (int64_t)dims[0];
done:
    return rc;
}

/* ---- its data ---- */

static tarn_code check_value(tarn_batch *b, const tensor *t, tarn_scan *s, tarn_err *err)
{
    tarn_scan_kind kind = tarn_scan_next(s);
    tarn_scan look = *s;
    double x = 0;
    char wanted[80];

    if (kind == TARN_SCAN_NULL) return TARN_OK;
    bool number = kind == TARN_SCAN_NUMBER, word = kind == TARN_SCAN_TRUE || kind == TARN_SCAN_FALSE;
    (void)b;
    (void)snprintf(wanted, sizeof wanted, "a value of type %s", t->type->name);
    if (t->type->family == BYTES) return kind == TARN_SCAN_TEXT ? TARN_OK : tarn_scan_fail(s, wanted, err);
    if (t->type->family == TRUTH) return word ? TARN_OK : tarn_scan_fail(s, "true or false", err);
    if (!number) return tarn_scan_fail(s, wanted, err);
    tarn_code rc = tarn_scan_number(&look, &x, NULL, NULL, err);
    if (rc != TARN_OK) return rc;
    if (x < t->type->least || x > t->type->most || (t->type->family == WHOLE && x != floor(x)))
        return tarn_scan_fail(s, wanted, err);
    return TARN_OK;
}

static tarn_code read_value(tarn_batch *b, const tensor *t, tarn_scan *s, int64_t *row, tarn_err *err)
{
    tarn_code rc;

    if (*row == t->rows)
        return TARN_FAIL(err, TARN_INVALID, "input '%s' has more than the %lld values that its shape says", t->name,
                         (long long)t->rows);
    rc = check_value(b, t, s, err);
    if (rc != TARN_OK) {
        tarn_err_note(err, "input '%s', element %lld", t->name, (long long)*row);
        return rc;
    }
    return tarn_batch_read(b, s, (*row)++, (size_t)t->input, err);
}

/* Flat, or one array a row. */
static tarn_code read_data(tarn_batch *b, const tensor *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_scan s = t->data;
    bool first = true, more, one;
    int64_t row = 0;

    TARN_TRY(tarn_scan_enter(&s, TARN_SCAN_ARRAY, "an array of data", err));
    for (;;) {
        TARN_TRY(tarn_scan_item(&s, &first, &more, err));
        if (!more) break;
        if (tarn_scan_next(&s) != TARN_SCAN_ARRAY) {
            TARN_TRY(read_value(b, t, &s, &row, err));
            continue;
        }
        TARN_TRY(tarn_scan_enter(&s, TARN_SCAN_ARRAY, "a row of data", err));
        for (one = true;;) {
            TARN_TRY(tarn_scan_item(&s, &one, &more, err));
            if (!more) break;
            TARN_TRY(read_value(b, t, &s, &row, err));
        }
    }
    if (row != t->rows)
        rc = TARN_FAIL(err, TARN_INVALID, "input '%s' has %lld values, its shape says %lld", t->name, (long long)row,
                       (long long)t->rows);
done:
    return rc;
}

static tarn_code check_tensor(tarn_batch *b, const tensor *t, tarn_err *err)
{
    const char *missing = !t->name[0]    ? "name"
                          : !t->type     ? "datatype"
                          : t->rows < 0  ? "shape"
                          : !t->has_data ? "data"
                                         : NULL;

    if (missing)
        return TARN_FAIL(err, TARN_INVALID, "an input %s%s%s has no \"%s\"", t->name[0] ? "'" : "", t->name,
                         t->name[0] ? "'" : "", missing);
    tarn_kind kind = tarn_model_input_at(b->model, t->input)->kind;
    bool fits = kind == TARN_NUMBER     ? t->type->family != BYTES
                : kind != TARN_CATEGORY ? t->type->family == BYTES
                                        : t->type->family != REAL;
    if (!fits)
        return TARN_FAIL(err, TARN_INVALID, "input '%s' is %s; expected datatype %s, got %s", t->name,
                         kind == TARN_NUMBER   ? "a number"
                         : kind == TARN_MOMENT ? "a time"
                         : kind == TARN_STRING ? "a text"
                                               : "a category",
                         kind == TARN_NUMBER ? "FP64" : "BYTES", t->type->name);
    if (t->rows == 0) return TARN_FAIL(err, TARN_INVALID, "input '%s' has no rows", t->name);
    if (b->rows == 0) return tarn_batch_rows(b, t->rows, err);
    if (b->rows != t->rows)
        return TARN_FAIL(err, TARN_INVALID, "input '%s' has %lld rows, those before it %lld", t->name,
                         (long long)t->rows, (long long)b->rows);
    if (b->cells[t->input].kind != TARN_CELL_ABSENT)
        return TARN_FAIL(err, TARN_INVALID, "input '%s' is given twice", t->name);
    return TARN_OK;
}

static tarn_code read_tensor(tarn_batch *b, tarn_scan *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tensor t = {.rows = -1};
    bool first = true, more;
    const char *key;
    size_t len;

    TARN_TRY(tarn_scan_enter(s, TARN_SCAN_OBJECT, "an object with name, shape, datatype and data", err));
    for (;;) {
        TARN_TRY(tarn_scan_key(s, &first, &key, &len, &more, err));
        if (!more) break;
        if (is(key, len, "name")) rc = read_name(b, s, &t, err);
        else if (is(key, len, "datatype")) rc = read_type(s, &t, err);
        else if (is(key, len, "shape")) rc = read_shape(s, &t, err);
        else if (is(key, len, "data")) t.data = *s, t.has_data = true, rc = tarn_scan_skip(s, err);
        else rc = tarn_scan_skip(s, err);
        if (rc != TARN_OK) {
            if (t.name[0] && t.input >= 0) tarn_err_note(err, "input '%s'", t.name);
            goto done;
        }
    }
    TARN_TRY(check_tensor(b, &t, err));
    TARN_TRY(read_data(b, &t, err));
done:
    return rc;
}

/* ---- the request ---- */

static tarn_code read_wanted_one(tarn_batch *b, tarn_scan *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool first = true, more;
    const char *key, *name;
    size_t len;
    int found = -1;

    TARN_TRY(tarn_scan_enter(s, TARN_SCAN_OBJECT, "an object with the name of an output", err));
    for (;;) {
        TARN_TRY(tarn_scan_key(s, &first, &key, &len, &more, err));
        if (!more) break;
        if (!is(key, len, "name")) {
            TARN_TRY(tarn_scan_skip(s, err));
            continue;
        }
        TARN_TRY(tarn_scan_text(s, &name, &len, err));
        for (int o = 0; o < TARN_OUT_COUNT; o++)
            if (tarn_output_suits(b->model, (tarn_output)o) && is(name, len, tarn_output_name((tarn_output)o)))
                found = o;
        if (found < 0)
            return TARN_FAIL(err, TARN_INVALID, "the model has no output '%.*s'; it has %s and prediction_id",
                             (int)(len < 80 ? len : 80), name,
                             tarn_model_task(b->model) == TARN_REGRESSION ? "prediction" : "probability, label");
    }
    if (found < 0) return TARN_FAIL(err, TARN_INVALID, "an output that is asked for has no \"name\"");
    b->wanted |= 1u << found;
done:
    return rc;
}

typedef tarn_code item_fn(tarn_batch *b, tarn_scan *s, tarn_err *err);

static tarn_code read_list(tarn_batch *b, tarn_scan *s, const char *wanted, item_fn *item, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool first = true, more;

    TARN_TRY(tarn_scan_enter(s, TARN_SCAN_ARRAY, wanted, err));
    for (;;) {
        TARN_TRY(tarn_scan_item(s, &first, &more, err));
        if (!more) break;
        TARN_TRY(item(b, s, err));
    }
done:
    return rc;
}

tarn_code tarn_tensors_read(tarn_batch *b, char *body, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_scan s;
    bool first = true, more;
    const char *key;
    size_t key_len;

    b->tensors = true;
    tarn_scan_init(&s, body, len);
    TARN_TRY(tarn_scan_enter(&s, TARN_SCAN_OBJECT, "an object with \"inputs\"", err));
    for (;;) {
        TARN_TRY(tarn_scan_key(&s, &first, &key, &key_len, &more, err));
        if (!more) break;
        if (is(key, key_len, "id")) rc = tarn_scan_text(&s, &b->id, &b->id_len, err);
        else if (is(key, key_len, "inputs")) rc = read_list(b, &s, "an array of inputs", read_tensor, err);
        else if (is(key, key_len, "outputs")) rc = read_list(b, &s, "an array of outputs", read_wanted_one, err);
        else rc = tarn_scan_skip(&s, err);
        if (rc != TARN_OK) goto done;
    }
    TARN_TRY(tarn_scan_finish(&s, err));
    if (b->rows == 0)
        return TARN_FAIL(err, TARN_INVALID, "the request has no inputs; expected one for each field of the model");
    TARN_TRY(tarn_batch_check_row(b, 0, err));
done:
    return rc;
}
