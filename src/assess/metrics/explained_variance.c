/* SPDX-License-Identifier: Apache-2.0 */
/* explained_variance.c - 1 - variance of the errors / variance of the truth: R squared that forgives a constant error.
 * A constant truth gives 1 if the errors are constant, too, else 0. */
#include "assess/sum.h"

static double error(const tarn_judged *j, int64_t row) { return j->y[row] - j->p[row]; }
static double truth(const tarn_judged *j, int64_t row) { return j->y[row]; }

static double spread(const tarn_judged *j, tarn_loss_fn *of) { return tarn_mean_square(j, of, tarn_mean_loss(j, of)); }

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    double left = spread(j, error), all = spread(j, truth);

    (void)err;
    *out = isnan(all) ? NAN : all > 0 ? 1 - left / all : left > 0 ? 0 : 1;
    return TARN_OK;
}

const tarn_metric tarn_metric_explained_variance = {
    .name = "explained_variance",
    .title = "Explained variance",
    .unit = "",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = true,
    .best = 1,
    .help = "as R squared, but an error that is the same everywhere does not count",
    .compute = compute,
};
