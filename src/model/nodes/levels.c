/* SPDX-License-Identifier: Apache-2.0 */
/* levels.c - sums of what is told by the levels of categories. k numbers and c categories in, k out. Payload:
 * tarn_levels_data, uint32_t first[c + 1], (pad to 8), double table[first[c]][k].
 *
 * out_k = in_k + sum over categories j of table[first_j + code_j][k], in order of j; missing and unseen add nothing. */
#include "model/node.h"
#include "model/payload.h"

#include <stdio.h>

static const uint32_t *firsts(const tarn_node_view *n)
{
    const tarn_levels_data *d = n->data;
    const void *behind = d + 1;

    return behind;
}

static const double *table_of(const tarn_node_view *n)
{
    const tarn_levels_data *d = n->data;
    const void *at = (const char *)(d + 1) + ((size_t)d->categories + 2) / 2 * 8;

    return at;
}

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_levels_data *d = n->data;

    if (n->len < sizeof *d) return TARN_FAIL(err, TARN_CORRUPT, "the payload has %zu bytes of %zu", n->len, sizeof *d);
    if (d->outputs != n->n_out || (uint64_t)d->categories + d->outputs != n->n_in)
        return TARN_FAIL(err, TARN_CORRUPT, "%u columns in and %u out; the payload is for %u categories and %u",
                         n->n_in, n->n_out, d->categories, d->outputs);
    uint64_t head = sizeof *d + ((uint64_t)d->categories + 2) / 2 * 8;
    if (n->len < head) return TARN_FAIL(err, TARN_CORRUPT, "the payload ends after %zu bytes", n->len);
    const uint32_t *first = firsts(n);
    for (uint32_t j = 0; j < d->categories; j++)
        if (first[j + 1] < first[j]) return TARN_FAIL(err, TARN_CORRUPT, "first[%u] is below the one before", j + 1);
    if (first[0] != 0) return TARN_FAIL(err, TARN_CORRUPT, "first[0] is %u, not 0", first[0]);
    if (d->categories % 2 == 0 && first[d->categories + 1] != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "the gap behind first is not zero");
    uint64_t cells = (uint64_t)first[d->categories] * n->n_out;
    if (cells > SIZE_MAX / 16) return TARN_FAIL(err, TARN_CORRUPT, "the table is too large");
    TARN_TRY(tarn_node_check_len(n, head + cells * sizeof(double), err));
    TARN_TRY(tarn_node_check_finite(table_of(n), (size_t)cells, "table", err));
done:
    return rc;
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    const tarn_levels_data *d = n->data;
    const uint32_t *first = firsts(n);
    const double *table = table_of(n);

    for (uint32_t k = 0; k < n->n_out; k++) {
        const double *in = regs + n->in[k] * stride;
        double *out = regs + (n->out + k) * stride;
        for (size_t i = 0; i < rows; i++) {
            double sum = in[i];
            for (uint32_t j = 0; j < d->categories; j++) {
                double code = regs[n->in[n->n_out + j] * stride + i];
                uint32_t levels = first[j + 1] - first[j];
                if (code >= 0 && code < levels) sum += table[((size_t)first[j] + (uint32_t)code) * n->n_out + k];
            }
            out[i] = sum;
        }
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    const tarn_levels_data *d = n->data;

    (void)snprintf(out, cap, "sums over the levels of %u categor%s", d->categories, d->categories == 1 ? "y" : "ies");
}

const tarn_node_kind tarn_node_levels = {
    .name = "levels",
    .title = "Sums of what the levels of categories tell",
    .id = 22,
    .check = check,
    .run = run,
    .text = text,
};
