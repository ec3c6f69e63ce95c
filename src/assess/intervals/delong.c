/* SPDX-License-Identifier: Apache-2.0 */
/* delong.c - area under the ROC curve, by DeLong's variance and the normal distribution, cut at 0 and 1. */
#include "assess/delong.h"
#include "assess/resample.h"
#include "math/distribution.h"

#include <math.h>
#include <string.h>

static bool suits(const tarn_metric *metric, const tarn_judged *j)
{
    bool area = strcmp(metric->name, "roc_auc") == 0 || strcmp(metric->name, "gini") == 0;

    return area && j->task == TARN_BINARY && tarn_judged_plain(j);
}

static tarn_code compute(const tarn_metric *metric, const tarn_judged *j, const tarn_resampling *how, tarn_pool *pool,
                         tarn_interval *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_delong d;

    (void)pool;
    TARN_TRY(tarn_delong_make(j, NULL, &d, err));
    double half = tarn_normal_quantile((1 + how->level) / 2) * sqrt(d.variance[0]);
    out->value = d.area[0];
    out->low = d.area[0] - half < 0 ? 0 : d.area[0] - half;
    out->high = d.area[0] + half > 1 ? 1 : d.area[0] + half;
    if (strcmp(metric->name, "gini") != 0) goto done;
    out->value = 2 * out->value - 1;
    out->low = 2 * out->low - 1;
    out->high = 2 * out->high - 1;
done:
    return rc;
}

const tarn_interval_kind tarn_interval_delong = {
    .name = "delong",
    .title = "DeLong",
    .paper = "DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44(3)",
    .help = "for ROC AUC and Gini of two classes",
    .suits = suits,
    .compute = compute,
};
