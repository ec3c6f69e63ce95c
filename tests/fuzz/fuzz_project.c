/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_project.c - a project file of any bytes is read, or refused with a place; never more. */
#include "base/json.h"
#include "flow/project.h"
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>

/* libfyaml 0.7.12 loses a buffer of 4 KiB when a quoted text with many breaks or quotes in it does not end. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libfyaml.so"; }

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    tarn_project *p = NULL;
    tarn_problems problems = {0};
    tarn_err err = {0};
    tarn_code rc = tarn_project_parse((const char *)bytes, len, "tarn.yaml", ".", &p, &problems, &err);

    if (rc == TARN_OK && (!p || problems.n > 0)) abort();
    if (rc == TARN_INVALID && (p || problems.n == 0 || !err.msg[0])) abort();
    if (rc != TARN_OK && rc != TARN_INVALID && rc != TARN_NOMEM) abort();
    tarn_project_free(p);
    tarn_problems_clear(&problems);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
int main(int argc, char **argv) { return replay(argc, argv, NULL); }
#endif
