/* SPDX-License-Identifier: Apache-2.0 */
/* upper_halves.h - are the upper halves of vector registers in use? Code without AVX forms, as that of SHA-256, runs a
 * hundred times slower on some processors while they are. */
#ifndef TARN_TEST_UPPER_HALVES_H
#define TARN_TEST_UPPER_HALVES_H

#include "support/tarn_test.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>

/* Whether the processor can say which vectors are in use. */
static inline bool tarn_test_tells_upper_halves(void)
{
    char line[8192];
    bool tells = false;
    FILE *f = fopen("/proc/cpuinfo", "re");

    while (f && !tells && fgets(line, sizeof line, f)) tells = strstr(line, " xgetbv1") != NULL;
    if (f) (void)fclose(f);
    return tells;
}

static inline bool tarn_test_upper_halves(void)
{
    enum { STATE_IN_USE = 1, OF_AVX = 4 };
    unsigned low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(STATE_IN_USE));
    return low & OF_AVX;
}

#endif
