/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - the main of a fuzz target that is built without libFuzzer: it runs the files named on its command line.
 *
 * `TARGET --samples FOLDER` writes what the corpus began with, where a target has such samples. */
#ifndef TARN_FUZZ_REPLAY_H
#define TARN_FUZZ_REPLAY_H

#include "base/file.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static inline tarn_code save_sample(const char *folder, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    char path[4096];
    tarn_code rc = tarn_path_join(path, sizeof path, folder, name, err);

    return rc == TARN_OK ? tarn_file_save(path, bytes, len, err) : rc;
}

static inline int replay_end(tarn_code rc, const tarn_err *err)
{
    if (rc != TARN_OK) (void)fprintf(stderr, "%s\n", err->msg);
    return rc != TARN_OK;
}

/* samples may be NULL: there are none. */
static inline int replay(int argc, char **argv, tarn_code (*samples)(const char *folder, tarn_err *err))
{
    tarn_err err = {0};
    tarn_code rc = TARN_OK;

    if (samples && argc == 3 && strcmp(argv[1], "--samples") == 0) return replay_end(samples(argv[2], &err), &err);
    for (int i = 1; i < argc && rc == TARN_OK; i++) {
        char *bytes = NULL;
        size_t len = 0;
        rc = tarn_file_read(argv[i], 0, &bytes, &len, &err);
        if (rc == TARN_OK) (void)LLVMFuzzerTestOneInput((const uint8_t *)bytes, len);
        tarn_free(bytes);
    }
    return replay_end(rc, &err);
}

#endif
