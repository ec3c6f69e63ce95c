/* SPDX-License-Identifier: Apache-2.0 */
/* gaussian.c - log densities of normal distributions. d columns in, k out. Payload: double bias[k], mean[k][d],
 * half[k][d], width[k][d].
 *
 * out_k = bias_k - sum_j (half_kj (x_j - mean_kj)^2 + width_kj), added in order of j; a column that is missing or
 * infinite adds nothing. half is half the inverse variance, so that squares are cut at 1e280: sums stay finite. */
#include "model/node.h"

#include <math.h>
#include <stdio.h>

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const double *numbers = n->data;
    uint64_t count = (uint64_t)n->n_out * (3 * (uint64_t)n->n_in + 1), cells = (uint64_t)n->n_out * n->n_in;

    if (count > SIZE_MAX / sizeof *numbers)
        return TARN_FAIL(err, TARN_CORRUPT, "%u by %u distributions are too many", n->n_out, n->n_in);
    TARN_TRY(tarn_node_check_len(n, count * sizeof *numbers, err));
    TARN_TRY(tarn_node_check_finite(numbers, (size_t)count, "numbers", err));
    for (uint64_t i = 0; i < cells; i++)
        if (numbers[n->n_out + cells + i] < 0)
            return TARN_FAIL(err, TARN_CORRUPT, "half[%llu] is below 0", (unsigned long long)i);
done:
    return rc;
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    const double *bias = n->data;
    size_t d = n->n_in, cells = n->n_out * d;

    for (size_t k = 0; k < n->n_out; k++) {
        const double *mean = bias + n->n_out + k * d, *half = mean + cells, *width = half + cells;
        double *out = regs + (n->out + k) * stride;
        for (size_t i = 0; i < rows; i++) out[i] = bias[k];
        for (size_t j = 0; j < d; j++) {
            const double *x = regs + n->in[j] * stride;
            double least = 1e280;
            for (size_t i = 0; i < rows; i++) {
                double off = x[i] - mean[j], square = half[j] * off * off;
                double far = square < least ? square : least;
                out[i] -= isfinite(x[i]) ? far + width[j] : 0;
            }
        }
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    (void)snprintf(out, cap, "normal distributions of %u column%s in %u classes", n->n_in, n->n_in == 1 ? "" : "s",
                   n->n_out);
}

const tarn_node_kind tarn_node_gaussian = {
    .name = "gaussian",
    .title = "Log densities of normal distributions",
    .id = 21,
    .check = check,
    .run = run,
    .text = text,
};
