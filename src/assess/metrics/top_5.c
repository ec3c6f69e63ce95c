/* SPDX-License-Identifier: Apache-2.0 */
/* top_5.c - share of rows whose class is among the five likeliest; of equally likely classes the later one counts as
 * likelier, as in scikit-learn. */
#include "assess/sum.h"

static double among(const tarn_judged *j, int64_t row)
{
    int y = (int)j->y[row], before = 0;
    double p = j->p[(int64_t)y * j->rows + row];

    for (int c = 0; c < j->classes; c++) {
        double other = j->p[(int64_t)c * j->rows + row];
        before += other > p || (c > y && other >= p);
    }
    return before < 5;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, among);
    return TARN_OK;
}

const tarn_metric tarn_metric_top_5 = {
    .name = "top_5",
    .title = "Right among five",
    .unit = "share",
    .tasks = 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "share of rows whose true class is among the five likeliest",
    .compute = compute,
};
