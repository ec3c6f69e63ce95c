/* SPDX-License-Identifier: Apache-2.0 */
/* predict.c - see predict.h. Replies are written straight as text: no tree of values between. */
#include "serve/predict.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void tarn_answers_clear(tarn_answers *a)
{
    tarn_free(a->p);
    tarn_free(a->label);
    *a = (tarn_answers){0};
}

/* ---- running ---- */

static tarn_code run_one(const tarn_batch *b, double *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *in = NULL, *room = NULL;
    tarn_string *strings = NULL;

    TARN_TRY(tarn_alloc(&in, b->inputs, sizeof *in, err));
    TARN_TRY(tarn_alloc(&strings, b->inputs, sizeof *strings, err));
    tarn_batch_values(b, 0, strings, in);
    TARN_TRY(tarn_alloc(&room, tarn_model_scratch_row(b->model, in), sizeof *room, err));
    tarn_model_row(b->model, in, room, p);
done:
    tarn_free(room);
    tarn_free(strings);
    tarn_free(in);
    return rc;
}

static tarn_code run_many(const tarn_batch *b, double *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *values = NULL, *row = NULL;
    tarn_string *strings = NULL;
    const double **columns = NULL;
    size_t rows = (size_t)b->rows;

    TARN_TRY(tarn_alloc(&values, rows * b->inputs, sizeof *values, err));
    TARN_TRY(tarn_alloc(&strings, rows * b->inputs, sizeof *strings, err));
    TARN_TRY(tarn_alloc(&row, b->inputs, sizeof *row, err));
    TARN_TRY(tarn_alloc(&columns, b->inputs, sizeof *columns, err));
    for (size_t r = 0; r < rows; r++) {
        tarn_batch_values(b, (int64_t)r, strings + r * b->inputs, row);
        for (size_t i = 0; i < b->inputs; i++) values[i * rows + r] = row[i];
    }
    for (size_t i = 0; i < b->inputs; i++) columns[i] = values + i * rows;
    TARN_TRY(tarn_model_run(b->model, NULL, b->rows, columns, p, err));
done:
    tarn_free(columns);
    tarn_free(row);
    tarn_free(strings);
    tarn_free(values);
    return rc;
}

/* The class a row is given: class 1 from the threshold on, or the most probable (the first of equals). */
static int32_t choose(const tarn_model *m, const tarn_answers *a, int64_t row)
{
    int32_t best = 0;

    if (tarn_model_task(m) == TARN_BINARY) return a->p[row] >= tarn_model_threshold(m);
    for (int k = 1; k < a->outputs; k++)
        if (a->p[k * a->rows + row] > a->p[best * a->rows + row]) best = k;
    return best;
}

tarn_code tarn_answers_compute(const tarn_batch *b, tarn_answers *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_answers a = {.rows = b->rows, .outputs = tarn_model_outputs(b->model)};

    TARN_TRY(tarn_alloc(&a.p, (size_t)(a.rows * a.outputs), sizeof *a.p, err));
    TARN_TRY(tarn_alloc(&a.label, (size_t)a.rows, sizeof *a.label, err));
    if (a.rows == 1) TARN_TRY(run_one(b, a.p, err));
    else TARN_TRY(run_many(b, a.p, err));
    if (tarn_model_task(b->model) != TARN_REGRESSION)
        for (int64_t r = 0; r < a.rows; r++) a.label[r] = choose(b->model, &a, r);
    *out = a;
    a = (tarn_answers){0};
done:
    tarn_answers_clear(&a);
    return rc;
}

/* ---- writing ---- */

static void add(tarn_text *t, const char *text) { tarn_text_addn(t, text, strlen(text)); }

void tarn_put_quoted(tarn_text *t, const char *text, size_t len)
{
    size_t from = 0;

    tarn_text_addn(t, "\"", 1);
    for (size_t i = 0; i <= len; i++) {
        unsigned char c = i < len ? (unsigned char)text[i] : '"';
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        tarn_text_addn(t, text + from, i - from);
        from = i + 1;
        if (i == len) break;
        if (c == '"' || c == '\\') tarn_text_addn(t, (const char[]){'\\', (char)c}, 2);
        else if (c == '\n') tarn_text_addn(t, "\\n", 2);
        else tarn_text_addf(t, "\\u%04x", c);
    }
    tarn_text_addn(t, "\"", 1);
}

static void put_whole(tarn_text *t, int64_t n)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t x = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    do *--at = (char)('0' + x % 10);
    while ((x /= 10) > 0);
    if (n < 0) *--at = '-';
    tarn_text_addn(t, at, (size_t)(digits + sizeof digits - at));
}

static void put_number(tarn_text *t, double x)
{
    if (isfinite(x)) tarn_text_num(t, x);
    else add(t, "null");
}

static void put_class(tarn_text *t, const tarn_model *m, int k)
{
    const char *name = tarn_model_class(m, k);
    tarn_put_quoted(t, name, strlen(name));
}

/* "prediction":1,"label":"late","probability":0.4 - the same in replies and in the log. */
static void put_answer(tarn_text *t, const tarn_model *m, const tarn_answers *a, int64_t row)
{
    add(t, "\"prediction\":");
    if (tarn_model_task(m) == TARN_REGRESSION) {
        put_number(t, a->p[row]);
        return;
    }
    put_whole(t, a->label[row]);
    add(t, ",\"label\":");
    put_class(t, m, a->label[row]);
    add(t, ",\"probability\":");
    if (tarn_model_task(m) == TARN_BINARY) {
        put_number(t, a->p[row]);
        return;
    }
    put_number(t, a->p[a->label[row] * a->rows + row]);
    add(t, ",\"probabilities\":{");
    for (int k = 0; k < a->outputs; k++) {
        if (k) add(t, ",");
        put_class(t, m, k);
        add(t, ":");
        put_number(t, a->p[k * a->rows + row]);
    }
    add(t, "}");
}

/* ---- the log ---- */

/* 2026-11-22T10:44:32.123456Z */
static void put_time(tarn_text *t, int64_t us)
{
    char text[32];
    size_t len = strlen(tarn_time_text(us, text));

    tarn_text_addn(t, text, len - 1);
    tarn_text_addf(t, ".%06dZ", (int)(us % 1000000));
}

static void put_inputs(tarn_text *t, const tarn_batch *b, int64_t row)
{
    for (size_t i = 0; i < b->inputs; i++) {
        const tarn_cell *cell = &b->cells[(size_t)row * b->inputs + i];
        const char *name = tarn_model_input_at(b->model, (int)i)->name;
        if (i) tarn_text_addn(t, ",", 1);
        tarn_put_quoted(t, name, strlen(name));
        tarn_text_addn(t, ":", 1);
        if (cell->kind == TARN_CELL_NUMBER) tarn_text_addn(t, cell->text, cell->len);
        else if (cell->kind == TARN_CELL_TEXT) tarn_put_quoted(t, cell->text, cell->len);
        else tarn_text_addn(t, "null", 4);
    }
}

tarn_code tarn_answers_log(const tarn_loaded *loaded, const tarn_batch *b, tarn_answers *a, tarn_predlog *log,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text head = {0}, tails = {0};
    size_t one = 0, *ends = &one;

    if (a->rows > 1) TARN_TRY(tarn_alloc(&ends, (size_t)a->rows, sizeof *ends, err));
    add(&head, ",\"time\":\"");
    put_time(&head, tarn_now_us());
    add(&head, "\",\"model\":");
    tarn_put_quoted(&head, loaded->version.model, strlen(loaded->version.model));
    add(&head, ",\"version\":");
    put_whole(&head, loaded->version.number);
    tarn_text_addf(&head, ",\"object\":\"%s\",\"inputs\":{", loaded->object);
    TARN_TRY(tarn_text_check(&head, err));
    for (int64_t r = 0; r < a->rows; r++) {
        tarn_text_addn(&tails, head.data, head.len);
        put_inputs(&tails, b, r);
        add(&tails, "},\"outputs\":{");
        put_answer(&tails, b->model, a, r);
        add(&tails, "}}");
        ends[r] = tails.len;
    }
    TARN_TRY(tarn_text_check(&tails, err));
    TARN_TRY(
        tarn_predlog_add(log, loaded->version.model, tails.data, ends, (size_t)a->rows, a->segment, &a->first, err));
done:
    if (ends != &one) tarn_free(ends);
    tarn_text_clear(&tails);
    tarn_text_clear(&head);
    return rc;
}

/* ---- replies ---- */

static void put_id(tarn_text *t, const tarn_answers *a, int64_t row)
{
    char id[TARN_PREDICTION_ID];
    add(t, tarn_prediction_id(a->segment, a->first + row, id));
}

/* ,"unseen":["carrier"]: categories the model has never met, so that nobody is surprised by the answer. */
static void put_unseen(tarn_text *t, const tarn_batch *b, int64_t row)
{
    bool any = false;

    for (size_t i = 0; i < b->inputs; i++) {
        const tarn_model_input *in = tarn_model_input_at(b->model, (int)i);
        const tarn_cell *cell = &b->cells[(size_t)row * b->inputs + i];
        if (in->kind != TARN_CATEGORY || cell->kind != TARN_CELL_TEXT || cell->x != TARN_UNSEEN) continue;
        add(t, any ? "," : ",\"unseen\":[");
        tarn_put_quoted(t, in->name, strlen(in->name));
        any = true;
    }
    if (any) add(t, "]");
}

void tarn_answers_plain(const tarn_loaded *loaded, const tarn_batch *b, const tarn_answers *a, tarn_text *out)
{
    const tarn_model *m = b->model;

    add(out, "{\"model\":");
    tarn_put_quoted(out, loaded->version.model, strlen(loaded->version.model));
    add(out, ",\"version\":");
    put_whole(out, loaded->version.number);
    if (tarn_model_task(m) == TARN_BINARY) {
        add(out, ",\"positive\":");
        put_class(out, m, 1);
        add(out, ",\"threshold\":");
        put_number(out, tarn_model_threshold(m));
    }
    add(out, ",\"predictions\":[");
    for (int64_t r = 0; r < a->rows; r++) {
        add(out, r ? ",{\"id\":\"" : "{\"id\":\"");
        put_id(out, a, r);
        add(out, "\",");
        put_answer(out, m, a, r);
        put_unseen(out, b, r);
        add(out, "}");
    }
    add(out, "]}\n");
}

static void put_tensor(tarn_text *out, const tarn_batch *b, const tarn_answers *a, tarn_output o)
{
    const tarn_model *m = b->model;
    bool wide = o == TARN_OUT_PROBABILITY && tarn_model_task(m) == TARN_MULTICLASS,
         texts = o == TARN_OUT_LABEL || o == TARN_OUT_ID;
    int width = wide ? a->outputs : 1;

    tarn_text_addf(out, "{\"name\":\"%s\",\"datatype\":\"%s\",\"shape\":[", tarn_output_name(o),
                   texts ? "BYTES" : "FP64");
    put_whole(out, a->rows);
    if (wide) tarn_text_addf(out, ",%d", width);
    add(out, "],\"data\":[");
    for (int64_t r = 0; r < a->rows; r++) {
        for (int k = 0; k < width; k++) {
            if (r + k > 0) add(out, ",");
            if (o == TARN_OUT_LABEL) {
                put_class(out, m, a->label[r]);
            } else if (o == TARN_OUT_ID) {
                add(out, "\"");
                put_id(out, a, r);
                add(out, "\"");
            } else {
                put_number(out, a->p[k * a->rows + r]);
            }
        }
    }
    add(out, "]}");
}

void tarn_answers_tensors(const tarn_loaded *loaded, const tarn_batch *b, const tarn_answers *a, tarn_text *out)
{
    bool any = false;

    add(out, "{\"model_name\":");
    tarn_put_quoted(out, loaded->version.model, strlen(loaded->version.model));
    tarn_text_addf(out, ",\"model_version\":\"%lld\"", (long long)loaded->version.number);
    if (b->id) {
        add(out, ",\"id\":");
        tarn_put_quoted(out, b->id, b->id_len);
    }
    add(out, ",\"parameters\":{\"prediction_ids\":\""); /* the protocol allows no arrays here */
    for (int64_t r = 0; r < a->rows; r++) {
        if (r) add(out, ",");
        put_id(out, a, r);
    }
    add(out, "\"},\"outputs\":[");
    for (int o = 0; o < TARN_OUT_COUNT; o++) {
        bool usual = tarn_output_suits(b->model, (tarn_output)o) && o != TARN_OUT_ID;
        if (b->wanted ? !(b->wanted >> o & 1) : !usual) continue;
        if (any) add(out, ",");
        put_tensor(out, b, a, (tarn_output)o);
        any = true;
    }
    add(out, "]}\n");
}
