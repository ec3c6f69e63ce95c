/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - scores become probabilities or positive values. Payload: tarn_link_data.
 *
 * identity: p = z; sigmoid: p_k = 1 / (1 + exp(-z_k)); exp: p_k = exp(z_k); softmax: p_k = exp(z_k - max z) / sum,
 * summed in order of k; shares: p_k = z_k / sum, equal shares where the sum is not above 0. Subtracting the maximum
 * keeps exp finite for any finite z. */
#include "math/elementary.h"
#include "model/node.h"
#include "model/payload.h"

#include <stdio.h>
#include <string.h>

enum { CHUNK = 64 };

static const char *const link_names[TARN_LINK_COUNT] = {
    [TARN_LINK_IDENTITY] = "identity", [TARN_LINK_SIGMOID] = "sigmoid", [TARN_LINK_SOFTMAX] = "softmax",
    [TARN_LINK_EXP] = "exp",           [TARN_LINK_SHARES] = "shares",
};

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_link_data *d = n->data;

    TARN_TRY(tarn_node_check_len(n, sizeof *d, err));
    if (n->n_in != n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "%u columns in but %u out; they must be as many", n->n_in, n->n_out);
    if (d->link >= TARN_LINK_COUNT)
        return TARN_FAIL(err, TARN_CORRUPT, "link is %u; links go from 0 to %d", d->link, TARN_LINK_COUNT - 1);
    if (d->pad != 0) return TARN_FAIL(err, TARN_CORRUPT, "pad is %u, not 0", d->pad);
done:
    return rc;
}

/* rows <= CHUNK */
static void softmax(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    double top[CHUNK], sum[CHUNK];

    memcpy(top, regs + n->in[0] * stride, rows * sizeof *top);
    for (uint32_t k = 1; k < n->n_in; k++) {
        const double *z = regs + n->in[k] * stride;
        for (size_t i = 0; i < rows; i++) top[i] = z[i] > top[i] ? z[i] : top[i];
    }
    memset(sum, 0, sizeof sum);
    for (uint32_t k = 0; k < n->n_in; k++) {
        const double *z = regs + n->in[k] * stride;
        double *p = regs + (n->out + k) * stride;
        for (size_t i = 0; i < rows; i++) p[i] = z[i] - top[i];
        tarn_exp_n(rows, p, p);
        for (size_t i = 0; i < rows; i++) sum[i] += p[i];
    }
    for (uint32_t k = 0; k < n->n_in; k++) {
        double *p = regs + (n->out + k) * stride;
        for (size_t i = 0; i < rows; i++) p[i] /= sum[i];
    }
}

/* rows <= CHUNK */
static void shares(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    double sum[CHUNK] = {0};

    for (uint32_t k = 0; k < n->n_in; k++)
        for (size_t i = 0; i < rows; i++) sum[i] += regs[n->in[k] * stride + i];
    for (uint32_t k = 0; k < n->n_in; k++) {
        const double *z = regs + n->in[k] * stride;
        double *p = regs + (n->out + k) * stride;
        for (size_t i = 0; i < rows; i++) p[i] = sum[i] > 0 ? z[i] / sum[i] : 1.0 / n->n_in;
    }
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    const tarn_link_data *d = n->data;

    if (d->link == TARN_LINK_SOFTMAX || d->link == TARN_LINK_SHARES) {
        for (size_t i = 0; i < rows; i += CHUNK)
            (d->link == TARN_LINK_SOFTMAX ? softmax : shares)(n, rows - i < CHUNK ? rows - i : CHUNK, stride, regs + i);
        return;
    }
    for (uint32_t k = 0; k < n->n_in; k++) {
        const double *z = regs + n->in[k] * stride;
        double *p = regs + (n->out + k) * stride;
        if (d->link == TARN_LINK_SIGMOID) tarn_sigmoid_n(rows, z, p);
        else if (d->link == TARN_LINK_EXP) tarn_exp_n(rows, z, p);
        else memcpy(p, z, rows * sizeof *p);
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    const tarn_link_data *d = n->data;
    (void)snprintf(out, cap, "%s of %u score%s", link_names[d->link], n->n_in, n->n_in == 1 ? "" : "s");
}

const tarn_node_kind tarn_node_link = {
    .name = "link",
    .title = "Scores become probabilities",
    .id = 4,
    .check = check,
    .run = run,
    .text = text,
};
