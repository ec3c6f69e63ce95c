/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c - weighted sums of columns. d columns in, k out. Payload: double bias[k], double weight[k][d], finite.
 *
 * out_k = fma(w_k,d-1, x_d-1, ... fma(w_k0, x_0, bias_k)): one chain in order of j for each row, so that one row and
 * many give the same bits. Eight rows are done side by side, which fills a vector without touching the order. */
#include "model/node.h"

#include <math.h>
#include <stdio.h>

enum { LANES = 8 };

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const double *numbers = n->data;
    uint64_t count = (uint64_t)n->n_out * ((uint64_t)n->n_in + 1);

    if (count > SIZE_MAX / sizeof *numbers)
        return TARN_FAIL(err, TARN_CORRUPT, "%u by %u weights are too many", n->n_out, n->n_in);
    TARN_TRY(tarn_node_check_len(n, count * sizeof *numbers, err));
    TARN_TRY(tarn_node_check_finite(numbers, n->n_out, "bias", err));
    TARN_TRY(tarn_node_check_finite(numbers + n->n_out, (size_t)count - n->n_out, "weight", err));
done:
    return rc;
}

/* One output for LANES rows; x and out at the first of them. */
static void sum_lanes(const tarn_node_view *n, const double *w, double bias, size_t stride, const double *x,
                      double *out)
{
    double sum[LANES];

    for (int l = 0; l < LANES; l++) sum[l] = bias;
    for (uint32_t j = 0; j < n->n_in; j++) {
        const double *x_j = x + n->in[j] * stride;
        for (int l = 0; l < LANES; l++) sum[l] = fma(w[j], x_j[l], sum[l]);
    }
    for (int l = 0; l < LANES; l++) out[l] = sum[l];
}

static double sum_row(const tarn_node_view *n, const double *w, double bias, size_t stride, const double *x)
{
    double sum = bias;

    for (uint32_t j = 0; j < n->n_in; j++) sum = fma(w[j], x[n->in[j] * stride], sum);
    return sum;
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    const double *bias = n->data, *weight = bias + n->n_out;

    for (uint32_t k = 0; k < n->n_out; k++) {
        const double *w = weight + (size_t)k * n->n_in;
        double *out = regs + (n->out + k) * stride;
        size_t i = 0;
        for (; i + LANES <= rows; i += LANES) sum_lanes(n, w, bias[k], stride, regs + i, out + i);
        for (; i < rows; i++) out[i] = sum_row(n, w, bias[k], stride, regs + i);
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%u weighted sum%s of %u column%s", n->n_out, n->n_out == 1 ? "" : "s", n->n_in,
                   n->n_in == 1 ? "" : "s");
}

const tarn_node_kind tarn_node_linear = {
    .name = "linear",
    .title = "Weighted sums of columns",
    .id = 3,
    .check = check,
    .run = run,
    .text = text,
};
