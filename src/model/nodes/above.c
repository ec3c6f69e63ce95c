/* SPDX-License-Identifier: Apache-2.0 */
/* above.c - whether columns are above a threshold. n in, n out. Payload: double threshold[n].
 *
 * out = 1 if x > threshold, else 0; missing gives 0. */
#include "model/node.h"

#include <stdio.h>

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (n->n_in != n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "%u columns in but %u out; they must be as many", n->n_in, n->n_out);
    TARN_TRY(tarn_node_check_len(n, (uint64_t)n->n_in * sizeof(double), err));
    TARN_TRY(tarn_node_check_finite(n->data, n->n_in, "threshold", err));
done:
    return rc;
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    const double *threshold = n->data;

    for (uint32_t j = 0; j < n->n_in; j++) {
        const double *x = regs + n->in[j] * stride;
        double *out = regs + (n->out + j) * stride;
        for (size_t i = 0; i < rows; i++) out[i] = x[i] > threshold[j];
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%u column%s above a threshold", n->n_in, n->n_in == 1 ? "" : "s");
}

const tarn_node_kind tarn_node_above = {
    .name = "above",
    .title = "Whether columns are above a threshold",
    .id = 23,
    .check = check,
    .run = run,
    .text = text,
};
