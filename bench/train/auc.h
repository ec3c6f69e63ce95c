/* SPDX-License-Identifier: Apache-2.0 */
/* auc.h - the area under the ROC curve, for the programs here: independent of what Tarn itself computes. */
#ifndef TARN_BENCH_AUC_H
#define TARN_BENCH_AUC_H

#include <stdint.h>
#include <stdlib.h>

typedef struct scored {
    double p, y;
} scored;

static int by_score(const void *a, const void *b)
{
    const scored *x = a, *y = b;

    return (x->p > y->p) - (x->p < y->p);
}

/* Of n rows: p a score, y 0 or 1. Sorts them. */
static double auc(scored *s, int64_t n)
{
    double ranks = 0, ones = 0;

    qsort(s, (size_t)n, sizeof *s, by_score);
    for (int64_t i = 0; i < n;) {
        int64_t end = i;
        while (end < n && s[end].p == s[i].p) end++;
        double rank = (double)(i + 1 + end) / 2;
        for (; i < end; i++) {
            ones += s[i].y;
            ranks += s[i].y * rank;
        }
    }
    return (ranks - ones * (ones + 1) / 2) / (ones * ((double)n - ones));
}

#endif
