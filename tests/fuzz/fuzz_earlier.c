/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_earlier.c - any bytes as what a candidate remembers of its past. Refused; or read, and then written again they
 * are the same bytes, and its model is a model or is refused.
 *
 * Build with libFuzzer, or with TARN_FUZZ_REPLAY for a program that runs the files named on its command line;
 * `fuzz_earlier --samples FOLDER` writes what the corpus began with. */
#include "base/file.h"
#include "base/mem.h"
#include "flow/earlier.h"
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    tarn_earlier earlier;
    tarn_model *m = NULL;
    char *again = NULL;
    size_t n = 0;

    if (tarn_earlier_read((const char *)bytes, len, &earlier, NULL) != TARN_OK) return 0;
    if (tarn_earlier_write(&earlier, &again, &n, NULL) != TARN_OK || n != len || memcmp(again, bytes, len) != 0)
        abort();
    if (tarn_model_load(earlier.model, earlier.model_len, &m, NULL) == TARN_OK) tarn_model_free(m);
    tarn_free(again);
    tarn_earlier_clear(&earlier);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
/* Two rows, and a model and a state that are none. */
static tarn_code samples(const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t rows[] = {3, 8};
    tarn_earlier earlier = {.rows = rows, .n = 2, .model = "model", .model_len = 5, .state = "state", .state_len = 5};
    char *bytes = NULL;
    size_t len = 0;

    TARN_TRY(tarn_earlier_write(&earlier, &bytes, &len, err));
    TARN_TRY(save_sample(folder, "two_rows", bytes, len, err));
done:
    tarn_free(bytes);
    return rc;
}

int main(int argc, char **argv) { return replay(argc, argv, samples); }
#endif
