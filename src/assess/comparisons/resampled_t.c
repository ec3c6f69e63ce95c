/* SPDX-License-Identifier: Apache-2.0 */
/* resampled_t.c - the differences of two models over folds or repeated splits, whose training rows overlap: the
 * variance counts test_share more. */
#include "assess/paired.h"

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    (void)pool;
    if (!(c->test_share > 0 && c->test_share < 1e6))
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "test_share %g: give rows tested on per row trained on, above 0",
                           c->test_share));
    TARN_TRY(tarn_paired_t(c, 1.0 / (double)c->sets + c->test_share, out, more, err));
done:
    return rc;
}

const tarn_comparison tarn_comparison_resampled_t = {
    .name = "resampled_t",
    .title = "Corrected resampled t",
    .paper = "Nadeau & Bengio 2003, Machine Learning 52(3)",
    .help = "scores of a cross-validation or of repeated random splits",
    .most = 2,
    .least = 2,
    .compute = compute,
};
