/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_project.c - a project file of any bytes is read, or refused with a place; never more. */
#include "base/json.h"
#include "flow/project.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

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
#include "base/file.h"
#include "base/mem.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *text = NULL;
        size_t len = 0;
        if (tarn_file_read(argv[i], 0, &text, &len, NULL) != TARN_OK) {
            (void)fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
        (void)LLVMFuzzerTestOneInput((const uint8_t *)text, len);
        tarn_free(text);
    }
    (void)printf("%d inputs replayed\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
#endif
