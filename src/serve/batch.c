/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c - one value into one cell. See batch.h. */
#include "serve/batch.h"

#include "base/mem.h"
#include "base/sink.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_CELLS = 1 << 20 };

void tarn_batch_clear(tarn_batch *b)
{
    tarn_free(b->cells);
    b->cells = NULL;
    b->rows = b->room = 0;
}

tarn_code tarn_batch_rows(tarn_batch *b, int64_t rows, tarn_err *err)
{
    b->inputs = (size_t)tarn_model_inputs(b->model);
    int64_t most = MOST_CELLS / (int64_t)(b->inputs ? b->inputs : 1);

    if (rows > most)
        return TARN_FAIL(err, TARN_LIMIT,
                         "more than %lld records in one request; send them in several, or use `tarn predict FILE`",
                         (long long)most);
    if (rows > b->room) {
        int64_t room = rows > 2 * b->room ? rows : 2 * b->room;
        tarn_code rc = tarn_resize(&b->cells, (size_t)room * b->inputs, sizeof *b->cells, err);
        if (rc != TARN_OK) return rc;
        b->room = room;
    }
    for (size_t i = (size_t)b->rows * b->inputs; i < (size_t)rows * b->inputs; i++) b->cells[i] = (tarn_cell){.x = NAN};
    b->rows = rows;
    return TARN_OK;
}

const char *tarn_batch_suggest(const tarn_batch *b, const char *name, char *out, size_t cap)
{
    const char **words = NULL, *near = NULL;
    int n = tarn_model_inputs(b->model);
    size_t at = 0;

    out[0] = '\0';
    if (tarn_alloc(&words, (size_t)n, sizeof *words, NULL) != TARN_OK) return out;
    for (int i = 0; i < n; i++) words[i] = tarn_model_input_at(b->model, i)->name;
    near = tarn_nearest_word(name, words, (size_t)n);
    if (near) {
        (void)snprintf(out, cap, "; did you mean '%s'?", near);
    } else {
        at = (size_t)snprintf(out, cap, "; the fields are");
        for (int i = 0; i < n && at + strlen(words[i]) + 8 < cap; i++)
            at += (size_t)snprintf(out + at, cap - at, "%s %s", i ? "," : "", words[i]);
        if (at + strlen(words[n - 1]) + 8 >= cap && at + 5 < cap) (void)snprintf(out + at, cap - at, " ...");
    }
    tarn_free(words);
    return out;
}

/* ---- one value ---- */

static tarn_code note_place(const tarn_batch *b, int64_t row, size_t input, tarn_code rc, tarn_err *err)
{
    const char *name = tarn_model_input_at(b->model, (int)input)->name;

    if (b->tensors) tarn_err_note(err, "input '%s', element %lld", name, (long long)row);
    else if (b->single) tarn_err_note(err, "field '%s'", name);
    else tarn_err_note(err, "record %lld, field '%s'", (long long)row, name);
    return rc;
}

static tarn_code read_number(tarn_scan *s, tarn_scan_kind kind, tarn_cell *cell, tarn_err *err)
{
    size_t len = 0;
    tarn_code rc;

    cell->kind = TARN_CELL_NUMBER;
    if (kind == TARN_SCAN_TRUE || kind == TARN_SCAN_FALSE) {
        cell->x = kind == TARN_SCAN_TRUE;
        cell->text = kind == TARN_SCAN_TRUE ? "true" : "false";
        cell->len = kind == TARN_SCAN_TRUE ? 4 : 5;
        return tarn_scan_word(s, err);
    }
    if (kind != TARN_SCAN_NUMBER) return tarn_scan_fail(s, "a finite number", err);
    rc = tarn_scan_number(s, &cell->x, &cell->text, &len, err);
    cell->len = (uint32_t)len;
    return rc;
}

static tarn_code read_category(const tarn_model *m, tarn_scan *s, tarn_scan_kind kind, size_t input, tarn_cell *cell,
                               tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t len = 0;

    if (kind == TARN_SCAN_TEXT) {
        TARN_TRY(tarn_scan_text(s, &cell->text, &len, err));
    } else if (kind == TARN_SCAN_NUMBER || kind == TARN_SCAN_TRUE || kind == TARN_SCAN_FALSE) {
        tarn_scan mark = *s;
        TARN_TRY(read_number(s, kind, cell, err));
        len = cell->len;
        if (kind == TARN_SCAN_NUMBER &&
            (memchr(cell->text, '.', len) || memchr(cell->text, 'e', len) || memchr(cell->text, 'E', len)))
            return tarn_scan_fail(&mark, "a category as text", err);
    } else {
        return tarn_scan_fail(s, "a category as text", err);
    }
    cell->kind = TARN_CELL_TEXT;
    cell->len = (uint32_t)len;
    cell->x = tarn_model_code(m, (int)input, cell->text, len);
done:
    return rc;
}

static tarn_code read_moment(tarn_scan *s, tarn_scan_kind kind, tarn_cell *cell, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_scan mark = *s;
    size_t len = 0;
    int64_t us;

    if (kind != TARN_SCAN_TEXT) return tarn_scan_fail(s, "a time as text, such as 2026-01-31T12:00:05Z", err);
    TARN_TRY(tarn_scan_text(s, &cell->text, &len, err));
    if (!tarn_time_parse(cell->text, len, &us))
        return tarn_scan_fail(&mark, "a time such as 2026-01-31T12:00:05Z", err);
    cell->kind = TARN_CELL_TEXT;
    cell->len = (uint32_t)len;
    cell->x = (double)us;
done:
    return rc;
}

static tarn_code read_string(tarn_scan *s, tarn_scan_kind kind, tarn_cell *cell, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_scan mark = *s;
    size_t len = 0;
    char wanted[64];

    if (kind != TARN_SCAN_TEXT) return tarn_scan_fail(s, "a text", err);
    TARN_TRY(tarn_scan_text(s, &cell->text, &len, err));
    (void)snprintf(wanted, sizeof wanted, "a text of up to %d bytes", TARN_STRING_MOST);
    if (len > TARN_STRING_MOST) return tarn_scan_fail(&mark, wanted, err);
    cell->kind = TARN_CELL_TEXT;
    cell->len = (uint32_t)len;
done:
    return rc;
}

void tarn_batch_values(const tarn_batch *b, int64_t row, tarn_string *strings, double *out)
{
    for (size_t i = 0; i < b->inputs; i++) {
        const tarn_cell *cell = &b->cells[(size_t)row * b->inputs + i];
        out[i] = cell->x;
        if (tarn_model_input_at(b->model, (int)i)->kind != TARN_STRING || cell->kind != TARN_CELL_TEXT) continue;
        strings[i] = (tarn_string){cell->text, cell->len};
        out[i] = tarn_string_value(&strings[i]);
    }
}

tarn_code tarn_batch_read(tarn_batch *b, tarn_scan *s, int64_t row, size_t input, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_model_input *in = tarn_model_input_at(b->model, (int)input);
    tarn_cell *cell = &b->cells[(size_t)row * b->inputs + input];
    tarn_scan_kind kind = tarn_scan_next(s);

    if (kind == TARN_SCAN_NULL) {
        cell->kind = TARN_CELL_NULL;
        rc = in->required ? tarn_scan_fail(s, "a value, since this field must be given", err) : tarn_scan_word(s, err);
    } else if (in->kind == TARN_NUMBER) {
        rc = read_number(s, kind, cell, err);
    } else if (in->kind == TARN_CATEGORY) {
        rc = read_category(b->model, s, kind, input, cell, err);
    } else if (in->kind == TARN_STRING) {
        rc = read_string(s, kind, cell, err);
    } else {
        rc = read_moment(s, kind, cell, err);
    }
    return rc == TARN_OK ? rc : note_place(b, row, input, rc, err);
}

tarn_code tarn_batch_check_row(const tarn_batch *b, int64_t row, tarn_err *err)
{
    for (size_t i = 0; i < b->inputs; i++) {
        const tarn_model_input *in = tarn_model_input_at(b->model, (int)i);
        if (!in->required || b->cells[(size_t)row * b->inputs + i].kind != TARN_CELL_ABSENT) continue;
        if (b->tensors)
            return TARN_FAIL(err, TARN_INVALID, "input '%s' is missing; the model cannot do without it", in->name);
        if (b->single)
            return TARN_FAIL(err, TARN_INVALID, "field '%s' is missing; the model cannot do without it", in->name);
        return TARN_FAIL(err, TARN_INVALID, "record %lld, field '%s' is missing; the model cannot do without it",
                         (long long)row, in->name);
    }
    return TARN_OK;
}
