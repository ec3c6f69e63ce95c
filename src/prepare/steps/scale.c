/* SPDX-License-Identifier: Apache-2.0 */
/* scale.c - bring numbers to a common scale, out = (in - shift) * factor, learned from train rows.
 *
 * standard: shift is the mean, factor 1 / deviation (divided by n, as scikit-learn does). minmax: to 0..1 over train
 * rows; other rows may fall outside. robust: shift is the median, factor 1 / (third - first quartile). A column that
 * does not vary (deviation, range or quartile distance 0) has factor 1: it becomes 0 everywhere, and stays finite.
 * Missing stays missing. Put this step before onehot, or name columns, to leave indicators as they are.
 */
#include "base/mem.h"
#include "model/payload.h"
#include "prepare/step.h"

#include <math.h>

typedef struct scale_params {
    int method;
    char columns[4096];
} scale_params;

enum { STANDARD, MINMAX, ROBUST };

static const tarn_param params[] = {
    TARN_WORD(scale_params, method, STANDARD, "standard|minmax|robust",
              "standard: mean 0, deviation 1; minmax: 0 to 1; robust: by median and quartiles"),
    TARN_TEXT(scale_params, columns, "", "numbers to scale, comma-separated; empty: all"),
    TARN_PARAMS_END,
};

/* 1 / width, or 1 if the column does not vary. */
static double factor_of(double width)
{
    double factor = 1 / width;

    return width > 0 && isfinite(factor) ? factor : 1;
}

/* data: shift[n], then factor[n]. quartiles (n, 3). */
static tarn_code learn(const tarn_step_job *job, const scale_params *p, const uint32_t *regs, int32_t n, double *data,
                       double *quartiles, tarn_step_moments *moments, tarn_err *err)
{
    static const double quarters[3] = {0.25, 0.5, 0.75};
    tarn_code rc = TARN_OK;

    if (p->method == ROBUST) TARN_TRY(tarn_step_quantiles(job, regs, n, quarters, 3, quartiles, err));
    else TARN_TRY(tarn_step_measure(job, regs, n, moments, err));
    for (int32_t i = 0; i < n; i++) {
        const tarn_step_moments *m = &moments[i];
        const double *q = quartiles + 3 * (size_t)i;
        double shift = p->method == STANDARD ? m->mean : p->method == MINMAX ? m->least : q[1];
        double width = p->method == STANDARD ? sqrt(m->variance)
                       : p->method == MINMAX ? m->most - m->least
                                             : q[2] - q[0];
        if (!isfinite(shift) || !isfinite(width)) {
            rc = TARN_FAIL(err, isnan(shift) ? TARN_INVALID : TARN_NUMERIC, "column '%s' %s",
                           tarn_graph_feature(job->graph, regs[i])->name,
                           isnan(shift) ? "has no finite value in train rows to learn from"
                                        : "has values so large that their spread overflows; set a range for it");
            goto done;
        }
        data[i] = shift;
        data[n + i] = factor_of(width);
    }
done:
    return rc;
}

static tarn_code fit(const tarn_step_job *job, const void *params_, uint32_t *out_regs, int32_t *n_out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const scale_params *p = params_;
    size_t room = (size_t)job->n_regs;
    uint32_t *regs = NULL;
    double *data = NULL, *quartiles = NULL;
    tarn_step_moments *moments = NULL;
    int32_t n = 0;

    rc = tarn_alloc(&regs, room, sizeof *regs, err);
    if (rc == TARN_OK) rc = tarn_alloc(&data, room, 2 * sizeof *data, err);
    if (rc == TARN_OK) rc = tarn_alloc(&quartiles, room, 3 * sizeof *quartiles, err);
    if (rc == TARN_OK) rc = tarn_alloc(&moments, room, sizeof *moments, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_step_pick(job, p->columns, TARN_NUMBER, regs, &n, err));
    TARN_TRY(learn(job, p, regs, n, data, quartiles, moments, err));
    TARN_TRY(tarn_step_map(job, "scale", regs, n, data, (size_t)n * 2 * sizeof *data, out_regs, n_out, err));
done:
    tarn_free(moments);
    tarn_free(quartiles);
    tarn_free(data);
    tarn_free(regs);
    return rc;
}

const tarn_step tarn_step_scale = {
    .name = "scale",
    .title = "Bring numbers to a common scale",
    .takes = TARN_NUMBER,
    .params_size = sizeof(scale_params),
    .params = params,
    .fit = fit,
};
