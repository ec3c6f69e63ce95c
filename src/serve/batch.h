/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h - the values of a request: rows of cells, one a field of the model, read from JSON and checked.
 *
 * Two readers fill a batch: records (raw records by field name) and tensors (the Open Inference Protocol). A cell keeps
 * both what was sent, for the log, and what the model reads. Texts point into the body.
 *
 * What a field takes: NUMBER a number, or true and false for 1 and 0; CATEGORY a text, or a whole number or true or
 * false standing for its own spelling; a category the model has not seen is taken and marked; MOMENT a text such as
 * 2026-01-31T12:00:05Z (without zone: UTC); STRING a text of up to TARN_STRING_MOST bytes. null means missing, and is
 * refused where the field must be given.
 */
#ifndef TARN_SERVE_BATCH_H
#define TARN_SERVE_BATCH_H

#include "model/model.h"
#include "serve/scan.h"

typedef enum tarn_cell_kind { TARN_CELL_ABSENT, TARN_CELL_NULL, TARN_CELL_NUMBER, TARN_CELL_TEXT } tarn_cell_kind;

typedef struct tarn_cell {
    const char *text; /* what was sent: digits or decoded text */
    uint32_t len;
    tarn_cell_kind kind;
    double x; /* what the model reads; NaN: missing. Of a STRING that is given, tarn_batch_values knows */
} tarn_cell;

typedef struct tarn_batch {
    const tarn_model *model;
    int64_t rows, room;
    size_t inputs;
    tarn_cell *cells; /* (rows, inputs) */
    bool single;      /* one record, not in an array: messages then name no record */
    bool tensors;     /* messages speak of inputs and elements */
    /* what only tensors bring */
    const char *id;
    size_t id_len;
    uint32_t wanted; /* bits of the outputs asked for; 0: the usual */
} tarn_batch;

void tarn_batch_clear(tarn_batch *b);
/* Make room for `rows` rows; new ones are absent throughout. TARN_LIMIT above 2^20 cells. */
TARN_MUST tarn_code tarn_batch_rows(tarn_batch *b, int64_t rows, tarn_err *err);
/* Read the value at the scan into a cell. */
TARN_MUST tarn_code tarn_batch_read(tarn_batch *b, tarn_scan *s, int64_t row, size_t input, tarn_err *err);
/* What the model reads of one row: out[inputs]; strings[inputs] is room for its texts, which out points to. */
void tarn_batch_values(const tarn_batch *b, int64_t row, tarn_string *strings, double *out);
/* All fields that must be there are there, in this row. */
TARN_MUST tarn_code tarn_batch_check_row(const tarn_batch *b, int64_t row, tarn_err *err);
/* "; did you mean 'x'?" for a name that is nearly a field's, else the names of some fields; into out, returns it. */
const char *tarn_batch_suggest(const tarn_batch *b, const char *name, char *out, size_t cap);

/* The readers. b->model is set, all else zero; the caller clears b in any case. The body is changed. */
TARN_MUST tarn_code tarn_records_read(tarn_batch *b, char *body, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_tensors_read(tarn_batch *b, char *body, size_t len, tarn_err *err);

/* Outputs of the Open Inference Protocol, in the order in which they are given. */
typedef enum tarn_output {
    TARN_OUT_PREDICTION,
    TARN_OUT_PROBABILITY,
    TARN_OUT_LABEL,
    TARN_OUT_ID,
    TARN_OUT_COUNT
} tarn_output;
const char *tarn_output_name(tarn_output o);
/* Whether the model's task has it. */
bool tarn_output_suits(const tarn_model *m, tarn_output o);

#endif
