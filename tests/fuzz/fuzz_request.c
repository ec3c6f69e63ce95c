/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_request.c - any bytes as the body of a request: refused with a message, or answered with JSON.
 *
 * The first byte chooses the reader: 't' tensors, else records. Build with libFuzzer, or with TARN_FUZZ_REPLAY for a
 * program that runs the files named on its command line. */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/model_sample.h"
#include "replay.h"
#include "serve/predict.h"

#include <stdio.h>
#include <stdlib.h>

/* What was answered must be JSON by another reader's judgement. */
static void check_reply(const tarn_text *reply)
{
    json_t *value = NULL;
    tarn_err err = {0};

    if (reply->failed != TARN_OK) return;
    if (tarn_json_read(reply->data, reply->len, "reply", &value, &err) != TARN_OK) abort();
    json_decref(value);
}

static tarn_code answer(const tarn_model *m, bool tensors, char *body, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_batch b = {.model = m};
    tarn_answers a = {0};
    tarn_loaded loaded = {.version = {.model = "sample", .number = 1}};
    tarn_text reply = {0};

    TARN_TRY(tensors ? tarn_tensors_read(&b, body, len, err) : tarn_records_read(&b, body, len, err));
    TARN_TRY(tarn_answers_compute(&b, &a, err));
    tarn_segment_name(0, 0, a.segment);
    if (tensors) tarn_answers_tensors(&loaded, &b, &a, &reply);
    else tarn_answers_plain(&loaded, &b, &a, &reply);
    check_reply(&reply);
done:
    tarn_text_clear(&reply);
    tarn_answers_clear(&a);
    tarn_batch_clear(&b);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static tarn_model *m; /* made once: the fuzzer's process is its own */
    tarn_err err = {0};
    char *body = NULL;

    if (len == 0 || len > 1 << 20) return 0;
    if (!m && sample_model(&m, &err) != TARN_OK) return 0;
    if (tarn_alloc(&body, len, 1, &err) != TARN_OK) return 0;
    memcpy(body, bytes + 1, len - 1);
    if (answer(m, bytes[0] == 't', body, len - 1, &err) != TARN_OK && err.msg[0] == '\0') abort();
    tarn_free(body);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
int main(int argc, char **argv) { return replay(argc, argv, NULL); }
#endif
