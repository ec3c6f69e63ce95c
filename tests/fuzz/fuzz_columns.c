/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_columns.c - any bytes as a file of columns: refused, or every value and word of it can be read.
 *
 * Lengths and checksum are put right first where they can be, so that the fuzzer gets behind them. Build with
 * libFuzzer, or with TARN_FUZZ_REPLAY for a program that runs the files named on its command line: `fuzz_columns
 * FILE...`; `fuzz_columns --samples FOLDER` writes the columns that the corpus began with. */
#include "base/file.h"
#include "base/mem.h"
#include "replay.h"
#include "table/column.h"
#include "table/column_make.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Touch all that a caller may touch. */
static double ask(const tarn_columns *c)
{
    double sum = 0;

    for (int i = 0; i < tarn_columns_count(c); i++) {
        const tarn_column *a = tarn_columns_at(c, i);
        int64_t nulls = 0;
        if (tarn_columns_find(c, a->name) != i || a->rows != tarn_columns_rows(c)) abort();
        for (int64_t r = 0; r < a->rows; r++) {
            double x = tarn_column_number(a, r);
            nulls += !tarn_column_has(a, r);
            if (a->type == TARN_TEXT && tarn_column_has(a, r)) {
                int32_t n;
                const char *word = tarn_column_word(a, (int32_t)x, &n);
                for (int32_t k = 0; k < n; k++) sum += word[k];
            }
            sum += isnan(x) ? 0 : x;
        }
        if (nulls != a->nulls) abort();
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char path[64];
    uint8_t *copy = NULL;
    tarn_err err = {0};
    tarn_columns *c = NULL, *again = NULL;

    if (len > 1 << 16 || tarn_alloc(&copy, len + 1, 1, &err) != TARN_OK) return 0;
    if (len > 0) memcpy(copy, bytes, len);
    tarn_columns_seal(copy, len);
    (void)snprintf(path, sizeof path, "/tmp/tarn-fuzz-columns-%ld", (long)getpid());
    FILE *f = fopen(path, "wb");
    if (f && fwrite(copy, 1, len, f) == len && fclose(f) == 0) {
        if (tarn_columns_map(path, &c, &err) == TARN_OK) {
            volatile double said = ask(c);
            if (tarn_columns_save(c, path, &err) != TARN_OK || tarn_columns_map(path, &again, &err) != TARN_OK) abort();
            said += ask(again);
            (void)said;
        } else if (err.code != TARN_CORRUPT && err.code != TARN_NOMEM) {
            abort();
        }
    }
    tarn_columns_release(again);
    tarn_columns_release(c);
    tarn_free(copy);
    (void)unlink(path);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
static tarn_code samples(const char *folder, tarn_err *err)
{
    static const char *const words[3] = {"pear", NULL, "apple"};
    static const int64_t ints[3] = {7, -1, 1388563200000000};
    static const double reals[3] = {0.5, -1e300, 3};
    static const uint8_t bools[3] = {1, 0, 1}, valid = 5;
    tarn_code rc = TARN_OK;
    tarn_columns_maker *m = NULL;
    tarn_columns *c = NULL;
    char path[4096];

    TARN_TRY(tarn_path_join(path, sizeof path, folder, "sample.columns", err));
    TARN_TRY(tarn_columns_maker_new(3, &m, err));
    TARN_TRY(tarn_columns_maker_text(m, "fruit", words, NULL, err));
    TARN_TRY(tarn_columns_maker_add(m, "n", TARN_INT, ints, &valid, err));
    TARN_TRY(tarn_columns_maker_add(m, "x", TARN_REAL, reals, NULL, err));
    TARN_TRY(tarn_columns_maker_add(m, "yes", TARN_BOOL, bools, NULL, err));
    TARN_TRY(tarn_columns_maker_add(m, "at", TARN_TIME, ints, NULL, err));
    TARN_TRY(tarn_columns_maker_finish(m, &c, err));
    TARN_TRY(tarn_columns_save(c, path, err));
done:
    tarn_columns_release(c);
    tarn_columns_maker_free(m);
    return rc;
}

int main(int argc, char **argv) { return replay(argc, argv, samples); }
#endif
