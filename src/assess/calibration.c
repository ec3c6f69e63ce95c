/* SPDX-License-Identifier: Apache-2.0 */
/* calibration.c - sums per bin of stated probability. */
#include "assess/calibration.h"

#include "assess/confusion.h"
#include "assess/sum.h"

/* Inner borders are b * 0.1, rounded as a double: what numpy.linspace(0, 1, 11) gives. */
static int bin_of(double p)
{
    int b = p < 1 ? (int)(p * 10) : TARN_CALIBRATION_BINS - 1;

    while (b > 0 && !(p > b * 0.1)) b--;
    while (b < TARN_CALIBRATION_BINS - 1 && p > (b + 1) * 0.1) b++;
    return b;
}

void tarn_calibration_make(const tarn_judged *j, tarn_calibration *out)
{
    tarn_sum weight[TARN_CALIBRATION_BINS] = {{0}}, stated[TARN_CALIBRATION_BINS] = {{0}},
             came_true[TARN_CALIBRATION_BINS] = {{0}};

    for (int64_t i = 0; i < j->rows; i++) {
        int class = j->task == TARN_BINARY ? 1 : tarn_judged_class(j, i);
        double p = j->task == TARN_BINARY ? j->p[i] : j->p[(int64_t) class * j->rows + i], w = tarn_judged_weight(j, i);
        int b = bin_of(p);

        tarn_sum_add(&weight[b], w);
        tarn_sum_add(&stated[b], w * p);
        if ((int)j->y[i] == class) tarn_sum_add(&came_true[b], w);
    }
    for (int b = 0; b < TARN_CALIBRATION_BINS; b++) {
        out->weight[b] = tarn_sum_get(&weight[b]);
        out->stated[b] = tarn_sum_get(&stated[b]);
        out->came_true[b] = tarn_sum_get(&came_true[b]);
    }
}
