/* SPDX-License-Identifier: Apache-2.0 */
/* tree_quantile.c - see tree_quantile.h. */
#include "train/tree_quantile.h"

#include <math.h>

enum { WEIGHT_BITS = 30 };

void tarn_quantile_narrow(tarn_quantile *q, const int64_t bucket[256])
{
    int64_t sum = 0;
    int byte = 0;

    if (q->shift == 56) {
        for (int b = 0; b < 256; b++) sum += bucket[b];
        double least = ceil(q->level * (double)sum);
        q->below = least < 1 ? 1 : least > (double)sum ? sum : (int64_t)least;
    }
    for (; byte < 255 && q->below > bucket[byte]; byte++) q->below -= bucket[byte];
    q->begin = q->begin << 8 | (uint64_t)byte;
    q->shift -= 8;
}

int64_t tarn_quantile_steps(double weight, double most_weight)
{
    int64_t steps = (int64_t)(weight / most_weight * (double)(INT64_C(1) << WEIGHT_BITS));

    return steps > 0 ? steps : 1;
}

tarn_code tarn_quantile_of(tarn_comm *comm, const double *y, const double *weight, double most_weight, int64_t rows,
                           double level, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_quantile q = tarn_quantile_begin(level);

    while (q.shift >= 0) {
        int64_t bucket[256] = {0};
        for (int64_t i = 0; i < rows; i++) {
            uint64_t key = tarn_key_of(y[i]);
            if (!tarn_quantile_wants(&q, key)) continue;
            bucket[key >> q.shift & 255] += weight ? tarn_quantile_steps(weight[i], most_weight) : 1;
        }
        TARN_TRY(tarn_comm_sum_i64(comm, bucket, 256, err));
        tarn_quantile_narrow(&q, bucket);
    }
    *out = tarn_key_value(q.begin);
done:
    return rc;
}
