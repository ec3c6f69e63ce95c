/* SPDX-License-Identifier: Apache-2.0 */
/* scale.c - shift and stretch each column: out = (in - shift) * factor; missing stays missing.
 * Payload: double shift[n], double factor[n], finite. */
#include "model/node.h"

#include <stdio.h>

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const double *numbers = n->data;

    if (n->n_in != n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "%u columns in but %u out; they must be as many", n->n_in, n->n_out);
    TARN_TRY(tarn_node_check_len(n, 2 * (uint64_t)n->n_in * sizeof(double), err));
    TARN_TRY(tarn_node_check_finite(numbers, n->n_in, "shift", err));
    TARN_TRY(tarn_node_check_finite(numbers + n->n_in, n->n_in, "factor", err));
done:
    return rc;
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    const double *shift = n->data, *factor = shift + n->n_in;

    for (uint32_t j = 0; j < n->n_in; j++) {
        const double *x = regs + n->in[j] * stride;
        double *out = regs + (n->out + j) * stride;
        for (size_t i = 0; i < rows; i++) out[i] = (x[i] - shift[j]) * factor[j];
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    (void)snprintf(out, cap, "shifts and stretches %u column%s", n->n_in, n->n_in == 1 ? "" : "s");
}

const tarn_node_kind tarn_node_scale = {
    .name = "scale",
    .title = "Shift and stretch each column",
    .id = 6,
    .check = check,
    .run = run,
    .text = text,
};
