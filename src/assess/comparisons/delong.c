/* SPDX-License-Identifier: Apache-2.0 */
/* delong.c - areas under the ROC curves of two models on the same rows. */
#include "assess/delong.h"
#include "assess/put.h"
#include "math/distribution.h"

#include <math.h>

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_delong d;

    (void)pool;
    TARN_TRY(tarn_delong_make(c->a, c->b, &d, err));
    double variance = d.variance[0] + d.variance[1] - 2 * d.covariance, error = sqrt(variance > 0 ? variance : 0);
    double half = tarn_normal_quantile((1 + c->how.level) / 2) * error;
    out->difference = d.area[0] - d.area[1];
    TARN_TRY(tarn_put_number(more, "a", d.area[0], err));
    TARN_TRY(tarn_put_number(more, "b", d.area[1], err));
    if (isnan(variance)) goto done;
    out->low = out->difference - half;
    out->high = out->difference + half;
    out->statistic = error > 0 ? out->difference / error : fabs(out->difference) > 0 ? NAN : 0;
    out->p = error > 0 ? 2 * tarn_normal_above(fabs(out->statistic)) : fabs(out->difference) > 0 ? 0 : 1;
done:
    return rc;
}

const tarn_comparison tarn_comparison_delong = {
    .name = "delong",
    .title = "DeLong",
    .paper = "DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44(3); Sun & Xu 2014, IEEE Signal Process. Lett. 21(11)",
    .help = "whether two ROC AUCs on the same rows differ",
    .tasks = 1u << TARN_BINARY,
    .compute = compute,
};
