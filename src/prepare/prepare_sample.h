/* SPDX-License-Identifier: Apache-2.0 */
/* prepare_sample.h - made-up flights for the tests of this room: every type of column, missing values, rare levels.
 *
 * A row's values depend on its number alone, so a table may be made in any order of rows.
 */
#ifndef TARN_PREPARE_SAMPLE_H
#define TARN_PREPARE_SAMPLE_H

#include "base/random.h"
#include "prepare/prepare.h"
#include "prepare/step.h"
#include "support/tarn_test.h"

#include <math.h>

static const char *const sample_features[] = {"when", "age", "fare", "seats", "night", "carrier", "dest", NULL};
enum { SAMPLE_FEATURES = 7 };

static inline double sample_unit(int64_t row, uint32_t what)
{
    return tarn_random_unit(7, TARN_STREAM_TEST, (uint64_t)row, what);
}

/* How a sample may be told to differ. */
typedef struct sample_options {
    const int64_t *order;  /* row numbers, NULL: 0, 1, 2 ... */
    const uint8_t *poison; /* of each place: absurd values there */
} sample_options;

/* Columns of `rows` flights: id, the features, and the targets late (bool), class (text), code (int), delay (real). */
static inline tarn_columns *sample_table(int64_t rows, sample_options o)
{
    tarn_columns_maker *m = NULL;
    tarn_columns *c = NULL;
    size_t n = (size_t)rows, bits = (n + 7) / 8;
    int64_t *id = NULL, *when = NULL, *seats = NULL, *code = NULL;
    double *age = NULL, *fare = NULL, *delay = NULL;
    uint8_t *night = NULL, *late = NULL, *has_age = NULL, *has_seats = NULL;
    const char **carrier = NULL, **dest = NULL, **class = NULL;
    static const char *const carriers[] = {"AA", "AS", "DL", "HA", "UA", "WN"}, *const classes[] = {"ok", "bad",
                                                                                                    "late"};
    static const char *const dests[] = {"PDX", "SEA", "LAX", "\xC3\x85lesund", "ORD", "JFK", "OGG", "Rare"};

    must(tarn_alloc(&id, n, 8, err));
    must(tarn_alloc(&when, n, 8, err));
    must(tarn_alloc(&seats, n, 8, err));
    must(tarn_alloc(&code, n, 8, err));
    must(tarn_alloc(&age, n, 8, err));
    must(tarn_alloc(&fare, n, 8, err));
    must(tarn_alloc(&delay, n, 8, err));
    must(tarn_alloc(&night, n, 1, err));
    must(tarn_alloc(&late, n, 1, err));
    must(tarn_alloc(&has_age, bits, 1, err));
    must(tarn_alloc(&has_seats, bits, 1, err));
    must(tarn_alloc(&carrier, n, sizeof *carrier, err));
    must(tarn_alloc(&dest, n, sizeof *dest, err));
    must(tarn_alloc(&class, n, sizeof *class, err));
    for (int64_t i = 0; i < rows; i++) {
        int64_t r = o.order ? o.order[i] : i;
        bool bad = o.poison && o.poison[i];
        id[i] = 1000 + r;
        when[i] = bad ? INT64_C(9000000000000000) : INT64_C(1388534400000000) + r * INT64_C(977000000);
        seats[i] = bad ? -123456789 : (int64_t)(50 + 200 * sample_unit(r, 1));
        age[i] = bad ? 1e300 : floor(400 * sample_unit(r, 2)) / 8 - 5;
        fare[i] = bad ? (i & 1 ? INFINITY : -1e305) : sample_unit(r, 3) * sample_unit(r, 3) * 1e3;
        night[i] = bad ? 1 : sample_unit(r, 4) < 0.3;
        if (bad || sample_unit(r, 5) < 0.9) has_age[i / 8] |= (uint8_t)(1 << i % 8);
        if (bad ? i & 1 : sample_unit(r, 6) < 0.97) has_seats[i / 8] |= (uint8_t)(1 << i % 8);
        carrier[i] = bad ? "ABSURD" : sample_unit(r, 7) < 0.05 ? NULL : carriers[(int)(6 * sample_unit(r, 8))];
        double far = sample_unit(r, 9);
        dest[i] = bad ? (i & 1 ? NULL : "Nowhere") : dests[far < 0.002 ? 7 : (int)(7 * far)];
        double x = age[i] / 50 + (night[i] ? 1 : 0) + 2 * sample_unit(r, 10);
        late[i] = x > 2;
        class[i] = bad ? "unheard of" : classes[x < 1 ? 0 : x < 2 ? 1 : 2];
        code[i] = bad ? 77 : x < 1 ? -1 : x < 2 ? 0 : 10;
        delay[i] = bad ? 1e200 : 30 * x;
    }
    must(tarn_columns_maker_new(rows, &m, err));
    must(tarn_columns_maker_add(m, "id", TARN_INT, id, NULL, err));
    must(tarn_columns_maker_add(m, "when", TARN_TIME, when, NULL, err));
    must(tarn_columns_maker_add(m, "age", TARN_REAL, age, has_age, err));
    must(tarn_columns_maker_add(m, "fare", TARN_REAL, fare, NULL, err));
    must(tarn_columns_maker_add(m, "seats", TARN_INT, seats, has_seats, err));
    must(tarn_columns_maker_add(m, "night", TARN_BOOL, night, NULL, err));
    must(tarn_columns_maker_text(m, "carrier", carrier, NULL, err));
    must(tarn_columns_maker_text(m, "dest", dest, NULL, err));
    must(tarn_columns_maker_add(m, "late", TARN_BOOL, late, NULL, err));
    must(tarn_columns_maker_text(m, "class", class, NULL, err));
    must(tarn_columns_maker_add(m, "code", TARN_INT, code, NULL, err));
    must(tarn_columns_maker_add(m, "delay", TARN_REAL, delay, NULL, err));
    must(tarn_columns_maker_finish(m, &c, err));
    tarn_columns_maker_free(m);
    void *all[] = {id, when, seats, code, age, fare, delay, night, late, has_age, has_seats, carrier, dest, class};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) tarn_free(all[i]);
    return c;
}

/* 0, step, 2 step ... below rows; tarn_free it. */
static inline int64_t *sample_rows(int64_t rows, int64_t step, int64_t *n)
{
    int64_t *out = NULL;

    must(tarn_alloc(&out, (size_t)(rows / step + 1), sizeof *out, err));
    *n = 0;
    for (int64_t i = 0; i < rows; i += step) out[(*n)++] = i;
    return out;
}

/* A step with settings: name, then pairs of parameter and text, then NULL. params has room for the step's struct. */
static inline tarn_step_use sample_step(void *params, const char *name, ...)
{
    const tarn_step *step = NULL;
    const char *key;
    va_list list;

    must(tarn_step_find(name, &step, err));
    tarn_params_default(step->params, params);
    va_start(list, name);
    while ((key = va_arg(list, const char *)) != NULL)
        must(tarn_param_set(step->params, params, key, va_arg(list, const char *), err));
    va_end(list);
    return (tarn_step_use){.name = name, .params = params};
}

/* Room for any step's parameters. */
typedef union sample_params {
    double align;
    char bytes[16384];
} sample_params;

/* The graph as a model that gives register `reg`; tarn_model_free it. */
static inline tarn_model *sample_model(tarn_prepared *p, uint32_t reg)
{
    tarn_model *m = NULL;

    must(tarn_graph_output(tarn_prepared_graph(p), TARN_REGRESSION, "y", &reg, 1, NULL, 0, 0, err));
    must(tarn_graph_finish(tarn_prepared_graph(p), &m, err));
    return m;
}

/* Bytes of the graph and its columns, for comparing; tarn_free *out. */
static inline tarn_code sample_bytes(tarn_prepared *p, char **out, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_model *m = NULL;
    int32_t n, texts;
    size_t bytes;
    const uint32_t *regs = tarn_prepared_regs(p, &n);

    TARN_TRY(tarn_graph_output(tarn_prepared_graph(p), TARN_REGRESSION, "y", regs, 1, NULL, 0, 0, err));
    TARN_TRY(tarn_graph_finish(tarn_prepared_graph(p), &m, err));
    const void *block = tarn_model_bytes(m, &bytes);
    *len = bytes + (size_t)n * sizeof *regs;
    const tarn_text_source *text = tarn_prepared_texts(p, &texts);
    for (int32_t s = 0; s < texts; s++) *len += text[s].len;
    TARN_TRY(tarn_alloc(out, *len, 1, err));
    memcpy(*out, block, bytes);
    memcpy(*out + bytes, regs, (size_t)n * sizeof *regs);
    bytes += (size_t)n * sizeof *regs;
    for (int32_t s = 0; s < texts; s++) {
        memcpy(*out + bytes, text[s].head, text[s].len);
        bytes += text[s].len;
    }
done:
    tarn_model_free(m);
    return rc;
}

/* A job over the sample: late by all features from every row of train_rows. */
static inline tarn_prepare_job sample_job(const tarn_columns *data, const int64_t *rows, int64_t n,
                                          const tarn_step_use *steps, int n_steps)
{
    return (tarn_prepare_job){.data = data,
                              .features = sample_features,
                              .target = "late",
                              .task = TARN_BINARY,
                              .train_rows = rows,
                              .n_train = n,
                              .steps = steps,
                              .n_steps = n_steps};
}

#endif
