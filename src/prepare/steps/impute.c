/* SPDX-License-Identifier: Apache-2.0 */
/* impute.c - fill in missing numbers with a value learned from train rows.
 *
 * median: the middle value, exactly; of an even number of values the mean of the two in the middle. mean: summed in
 * block order. constant: the value given. Infinite values count as missing, here and when the model runs. Categories
 * are left alone: onehot and the tree methods know what missing means there.
 */
#include "base/mem.h"
#include "model/payload.h"
#include "prepare/step.h"

#include <math.h>

typedef struct impute_params {
    int strategy;
    double value;
    char columns[4096];
} impute_params;

enum { MEDIAN, MEAN, CONSTANT };

static const tarn_param params[] = {
    TARN_WORD(impute_params, strategy, MEDIAN, "median|mean|constant",
              "what a missing or infinite number becomes, learned from train rows"),
    TARN_REAL(impute_params, value, 0, -1e300, 1e300, "for strategy constant: the number"),
    TARN_TEXT(impute_params, columns, "", "numbers to fill, comma-separated; empty: all"),
    TARN_PARAMS_END,
};

/* fill[n] for regs[n]; every rank returns the same. */
static tarn_code learn(const tarn_step_job *job, const impute_params *p, const uint32_t *regs, int32_t n, double *fill,
                       tarn_step_moments *moments, tarn_err *err)
{
    static const double half = 0.5;
    tarn_code rc = TARN_OK;

    if (p->strategy == MEDIAN) TARN_TRY(tarn_step_quantiles(job, regs, n, &half, 1, fill, err));
    if (p->strategy == MEAN) TARN_TRY(tarn_step_measure(job, regs, n, moments, err));
    for (int32_t i = 0; i < n; i++) {
        if (p->strategy == MEAN) fill[i] = moments[i].mean;
        if (p->strategy == CONSTANT) fill[i] = p->value;
        if (isfinite(fill[i])) continue;
        rc = TARN_FAIL(err, TARN_INVALID,
                       "column '%s' has no finite value in train rows to learn from; use strategy constant",
                       tarn_graph_feature(job->graph, regs[i])->name);
        goto done;
    }
done:
    return rc;
}

static tarn_code fit(const tarn_step_job *job, const void *params_, uint32_t *out_regs, int32_t *n_out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const impute_params *p = params_;
    size_t room = (size_t)job->n_regs;
    uint32_t *regs = NULL;
    double *fill = NULL;
    tarn_step_moments *moments = NULL;
    int32_t n = 0;

    rc = tarn_alloc(&regs, room, sizeof *regs, err);
    if (rc == TARN_OK) rc = tarn_alloc(&fill, room, sizeof *fill, err);
    if (rc == TARN_OK) rc = tarn_alloc(&moments, room, sizeof *moments, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_step_pick(job, p->columns, TARN_NUMBER, regs, &n, err));
    TARN_TRY(learn(job, p, regs, n, fill, moments, err));
    TARN_TRY(tarn_step_map(job, "impute", regs, n, fill, (size_t)n * sizeof *fill, out_regs, n_out, err));
done:
    tarn_free(moments);
    tarn_free(fill);
    tarn_free(regs);
    return rc;
}

const tarn_step tarn_step_impute = {
    .name = "impute",
    .title = "Fill in missing numbers",
    .takes = TARN_NUMBER,
    .params_size = sizeof(impute_params),
    .params = params,
    .fit = fit,
};
