/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - raw records by field name: one object, an array of objects, or {"records": [...]}. See batch.h. */
#include "serve/batch.h"

#include <stdio.h>
#include <string.h>

static tarn_code unknown_field(const tarn_batch *b, int64_t row, const char *key, size_t len, tarn_err *err)
{
    char name[100], hint[240];

    (void)snprintf(name, sizeof name, "%.*s", len < 80 ? (int)len : 80, key);
    (void)tarn_batch_suggest(b, name, hint, sizeof hint);
    if (b->single) return TARN_FAIL(err, TARN_INVALID, "the model has no field '%s'%s", name, hint);
    return TARN_FAIL(err, TARN_INVALID, "record %lld: the model has no field '%s'%s", (long long)row, name, hint);
}

/* The value of a key into the last row. */
static tarn_code read_field(tarn_batch *b, tarn_scan *s, const char *key, size_t len, tarn_err *err)
{
    int64_t row = b->rows - 1;
    int input = tarn_model_find_input(b->model, key, len);

    if (input < 0) return unknown_field(b, row, key, len, err);
    if (b->cells[(size_t)row * b->inputs + (size_t)input].kind != TARN_CELL_ABSENT)
        return TARN_FAIL(err, TARN_INVALID, "record %lld, field '%.*s' is given twice", (long long)row,
                         (int)(len < 80 ? len : 80), key);
    return tarn_batch_read(b, s, row, (size_t)input, err);
}

static tarn_code read_record(tarn_batch *b, tarn_scan *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool first = true, more;
    const char *key;
    size_t len;

    TARN_TRY(tarn_batch_rows(b, b->rows + 1, err));
    rc = tarn_scan_enter(s, TARN_SCAN_OBJECT, "an object with the fields of a record", err);
    if (rc != TARN_OK) {
        if (!b->single) tarn_err_note(err, "record %lld", (long long)b->rows - 1);
        goto done;
    }
    for (;;) {
        TARN_TRY(tarn_scan_key(s, &first, &key, &len, &more, err));
        if (!more) break;
        TARN_TRY(read_field(b, s, key, len, err));
    }
    TARN_TRY(tarn_batch_check_row(b, b->rows - 1, err));
done:
    return rc;
}

static tarn_code read_array(tarn_batch *b, tarn_scan *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool first = true, more;

    TARN_TRY(tarn_scan_enter(s, TARN_SCAN_ARRAY, "an array of records", err));
    for (;;) {
        TARN_TRY(tarn_scan_item(s, &first, &more, err));
        if (!more) break;
        TARN_TRY(read_record(b, s, err));
    }
    if (b->rows == 0) rc = TARN_FAIL(err, TARN_INVALID, "no records: the array is empty");
done:
    return rc;
}

/* Whether the object at the scan is {"records": [ ..., and not a record of a model with such a field. */
static bool is_envelope(const tarn_batch *b, const tarn_scan *s)
{
    tarn_scan c = *s;

    if (tarn_model_find_input(b->model, "records", 7) >= 0 || tarn_scan_next(&c) != TARN_SCAN_OBJECT) return false;
    c.at++;
    return tarn_scan_next(&c) == TARN_SCAN_TEXT && c.len - c.at > 9 && memcmp(c.text + c.at, "\"records\"", 9) == 0;
}

tarn_code tarn_records_read(tarn_batch *b, char *body, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_scan s;
    bool first = true, more;
    const char *key;
    size_t key_len;

    tarn_scan_init(&s, body, len);
    if (tarn_scan_next(&s) == TARN_SCAN_END)
        return TARN_FAIL(err, TARN_INVALID, "the body is empty; expected a record such as {\"field\": 1}");
    if (tarn_scan_next(&s) == TARN_SCAN_ARRAY) {
        TARN_TRY(read_array(b, &s, err));
    } else if (is_envelope(b, &s)) {
        TARN_TRY(tarn_scan_enter(&s, TARN_SCAN_OBJECT, "an object", err));
        TARN_TRY(tarn_scan_key(&s, &first, &key, &key_len, &more, err));
        TARN_TRY(read_array(b, &s, err));
        TARN_TRY(tarn_scan_key(&s, &first, &key, &key_len, &more, err));
        if (more)
            return TARN_FAIL(err, TARN_INVALID, "'%.*s' beside \"records\" means nothing",
                             (int)(key_len < 80 ? key_len : 80), key);
    } else {
        b->single = true;
        TARN_TRY(read_record(b, &s, err));
    }
    TARN_TRY(tarn_scan_finish(&s, err));
done:
    return rc;
}
