/* SPDX-License-Identifier: Apache-2.0 */
/* onehot.c - a category becomes one column of 0 and 1 per level. Payload: tarn_onehot_data.
 *
 * A code x counts as level floor(x) if 0 <= x < levels; NaN is missing; anything else is unseen and sets no column. */
#include "model/node.h"
#include "model/payload.h"

#include <stdio.h>

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_onehot_data *d = n->data;

    TARN_TRY(tarn_node_check_len(n, sizeof *d, err));
    if (n->n_in != 1) return TARN_FAIL(err, TARN_CORRUPT, "%u columns in; one category belongs here", n->n_in);
    if (d->missing_column > 1)
        return TARN_FAIL(err, TARN_CORRUPT, "missing_column is %u, neither 0 nor 1", d->missing_column);
    if ((uint64_t)d->levels + d->missing_column != n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "%u levels and %u missing column do not make %u columns out", d->levels,
                         d->missing_column, n->n_out);
done:
    return rc;
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    const tarn_onehot_data *d = n->data;
    const double *x = regs + n->in[0] * stride;
    double *out = regs + n->out * stride;

    for (uint32_t j = 0; j < n->n_out; j++)
        for (size_t i = 0; i < rows; i++) out[j * stride + i] = 0;
    for (size_t i = 0; i < rows; i++) {
        if (x[i] >= 0 && x[i] < d->levels) out[(size_t)x[i] * stride + i] = 1;
        if (x[i] != x[i] && d->missing_column) out[d->levels * stride + i] = 1;
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    const tarn_onehot_data *d = n->data;
    (void)snprintf(out, cap, "one column for each of %u levels%s", d->levels,
                   d->missing_column ? ", one for missing" : "");
}

const tarn_node_kind tarn_node_onehot = {
    .name = "onehot",
    .title = "A column of 0 and 1 for each level",
    .id = 5,
    .check = check,
    .run = run,
    .text = text,
};
