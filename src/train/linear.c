/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c - the nodes of a linear model. See linear.h. */
#include "train/linear.h"

#include "base/mem.h"

tarn_code tarn_linear_add(const tarn_fit *job, uint32_t outputs, const double *coefficients, tarn_link link,
                          uint32_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t cols = (uint32_t)job->x->cols, sums = 0, *regs = NULL;
    size_t len = (size_t)outputs * (1 + (size_t)cols) * sizeof *coefficients;
    tarn_link_data data = {.link = (uint32_t)link};

    TARN_TRY(tarn_alloc(&regs, outputs, sizeof *regs, err));
    TARN_TRY(tarn_graph_node(job->graph, "linear", job->regs, cols, outputs, NULL, coefficients, len, &sums, err));
    for (uint32_t k = 0; k < outputs; k++) regs[k] = sums + k;
    TARN_TRY(tarn_graph_node(job->graph, "link", regs, outputs, outputs, NULL, &data, sizeof data, first, err));
done:
    tarn_free(regs);
    return rc;
}
