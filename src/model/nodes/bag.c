/* SPDX-License-Identifier: Apache-2.0 */
/* bag.c - weighted sums of what a text says. 1 text and k numbers in, k out. Payload: a recipe, then double
 * weight[cols][k], finite.
 *
 * out_k = fma(w_jk, x_j, ... in_k) over the text's columns j in ascending order: one chain for each row, so that one
 * row and many give the same bits. A text that is missing has no columns. */
#include "model/node.h"
#include "model/tokens.h"

#include <math.h>
#include <stdio.h>

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_bag bag;

    TARN_TRY(tarn_bag_open(n->data, n->len, &bag, err));
    if (bag.head->outputs != n->n_out || (uint64_t)n->n_in != (uint64_t)n->n_out + 1)
        return TARN_FAIL(err, TARN_CORRUPT, "%u columns in and %u out; the payload is for %u", n->n_in, n->n_out,
                         bag.head->outputs);
    uint64_t weights = (uint64_t)bag.head->cols * n->n_out;
    if (weights > SIZE_MAX / 16) return TARN_FAIL(err, TARN_CORRUPT, "%u weights a column are too many", n->n_out);
    TARN_TRY(tarn_node_check_len(n, bag.len + weights * sizeof(double), err));
    const void *weight = (const char *)n->data + bag.len;
    TARN_TRY(tarn_node_check_finite(weight, (size_t)weights, "weight", err));
done:
    return rc;
}

static size_t scratch_of(const tarn_node_view *n, size_t rows, size_t longest)
{
    (void)rows; /* one after another */
    return tarn_bag_scratch(n->data, longest);
}

static void run_with(const tarn_node_view *n, size_t rows, size_t stride, double *regs, void *scratch)
{
    tarn_bag bag;

    tarn_bag_point(n->data, &bag);
    const void *behind = (const char *)n->data + bag.len;
    const double *weight = behind;
    for (size_t i = 0; i < rows; i++) {
        const tarn_string *text = tarn_string_at(regs[n->in[0] * stride + i]);
        tarn_bag_entry *entry = NULL;
        uint32_t found = text ? tarn_bag_read(&bag, text->bytes, text->len, scratch, &entry) : 0;
        for (uint32_t k = 0; k < n->n_out; k++) regs[(n->out + k) * stride + i] = regs[n->in[1 + k] * stride + i];
        for (uint32_t e = 0; e < found; e++) {
            const double *w = weight + (size_t)entry[e].col * n->n_out;
            double x = (double)entry[e].value;
            for (uint32_t k = 0; k < n->n_out; k++) {
                double *out = &regs[(n->out + k) * stride + i];
                *out = fma(w[k], x, *out);
            }
        }
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    static const char *const tokens[TARN_TOKENS_COUNT] = {"words", "runs of characters", "values", "texts"};
    const tarn_bag_data *d = n->data;

    (void)snprintf(out, cap, "%u weighted sum%s of %u %s%s", n->n_out, n->n_out == 1 ? "" : "s", d->cols,
                   d->hashed ? "hashed " : "", tokens[d->tokens]);
}

const tarn_node_kind tarn_node_bag = {
    .name = "bag",
    .title = "Weighted sums of the words of a text",
    .id = 20,
    .reads_text = true,
    .check = check,
    .scratch = scratch_of,
    .run_with = run_with,
    .text = text,
};
