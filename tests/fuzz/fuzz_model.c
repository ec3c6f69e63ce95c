/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_model.c - any bytes as a model: refused, or described and run without a step outside its memory.
 *
 * The frame of the block (magic, length, checksum) is put right first, so that the fuzzer gets behind it. Build with
 * libFuzzer, or with TARN_FUZZ_REPLAY for a program that runs the files named on its command line:
 * `fuzz_model FILE...`; `fuzz_model --samples FOLDER` writes two of the models that the corpus began
 * with. */
#include "base/file.h"
#include "model/block.h"
#include "model/model_sample.h"
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>

static void ask(const tarn_model *m)
{
    char line[256];
    size_t len;

    for (int i = 0; i < tarn_model_nodes(m); i++) (void)tarn_model_node_text(m, i, line, sizeof line);
    for (int i = 0; i < tarn_model_inputs(m); i++) {
        const tarn_model_input *in = tarn_model_input_at(m, i);
        if (tarn_model_find_input(m, in->name, strlen(in->name)) != i) abort();
        for (int32_t code = 0; code < in->levels; code++) {
            const char *level = tarn_model_level(m, i, code, &len);
            if (tarn_model_code(m, i, level, len) != code) abort();
        }
    }
}

/* What a field may hold: odd numbers, or texts. */
static double odd_value(tarn_kind kind, size_t i)
{
    static const double odd[] = {NAN, 0, 1, -1, 0.5, 1e300, -INFINITY, 1.4e15, 4294967296.0};
    static const char one[] = "Free money: tomorrow, free of charge 1:2 b:-3.5e2",
                      other[] = "\xc3\x84rger \xff\xe2\x82 \xf0\x9f\x98\x80 free\0money";
    static const tarn_string texts[] = {{"", 0}, {one, sizeof one - 1}, {other, sizeof other - 1}};

    if (kind != TARN_STRING) return odd[i % (sizeof odd / sizeof *odd)];
    return tarn_string_value(i % 4 < 3 ? &texts[i % 4] : NULL);
}

/* A few odd rows; one by one and together must agree to the bit. */
static tarn_code run(const tarn_model *m, tarn_err *err)
{
    enum { ROWS = 9 };
    size_t inputs = (size_t)tarn_model_inputs(m), outputs = (size_t)tarn_model_outputs(m);
    double *data = NULL, *scratch = NULL, *out = NULL;
    const double **columns = NULL;
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&data, inputs * (ROWS + 1), sizeof *data, err));
    TARN_TRY(tarn_alloc(&columns, inputs, sizeof *columns, err));
    TARN_TRY(tarn_alloc(&scratch, tarn_model_scratch(m), sizeof *scratch, err));
    TARN_TRY(tarn_alloc(&out, outputs * (ROWS + 1), sizeof *out, err));
    double *row = data + inputs * ROWS, *row_out = out + outputs * ROWS;
    for (size_t j = 0; j < inputs; j++) {
        columns[j] = data + j * ROWS;
        for (size_t i = 0; i < ROWS; i++)
            data[j * ROWS + i] = odd_value(tarn_model_input_at(m, (int)j)->kind, i + 2 * j);
    }
    TARN_TRY(tarn_model_run(m, NULL, ROWS, columns, out, err));
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < inputs; j++) row[j] = columns[j][i];
        tarn_model_row(m, row, scratch, row_out);
        for (size_t k = 0; k < outputs; k++) {
            double together = out[k * ROWS + i];
            if (memcmp(&together, &row_out[k], sizeof together) != 0 && !(isnan(together) && isnan(row_out[k])))
                abort();
        }
    }
done:
    tarn_free(out);
    tarn_free(scratch);
    tarn_free(columns);
    tarn_free(data);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    tarn_err err = {0};
    tarn_model *m = NULL;
    uint8_t *copy = NULL;

    if (len > 1 << 20 || tarn_alloc(&copy, len, 1, &err) != TARN_OK) return 0;
    if (len > 0) memcpy(copy, bytes, len);
    if (len >= sizeof(tarn_block_head)) tarn_block_seal(copy, len);
    if (tarn_model_load(copy, len, &m, &err) == TARN_OK) {
        ask(m);
        (void)run(m, &err);
    } else if (err.msg[0] == '\0') {
        abort();
    }
    tarn_model_free(m);
    tarn_free(copy);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
static tarn_code write_sample(bool text, const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_model *m = NULL;
    size_t len;

    TARN_TRY(text ? sample_text_model(&m, err) : sample_model(&m, err));
    const void *bytes = tarn_model_bytes(m, &len);
    TARN_TRY(save_sample(folder, text ? "text.model" : "sample.model", bytes, len, err));
done:
    tarn_model_free(m);
    return rc;
}

static tarn_code samples(const char *folder, tarn_err *err)
{
    tarn_code rc = write_sample(false, folder, err);
    return rc == TARN_OK ? write_sample(true, folder, err) : rc;
}

int main(int argc, char **argv) { return replay(argc, argv, samples); }
#endif
