/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c - the nodes of a linear model. See linear.h. */
#include "train/linear.h"

#include "base/mem.h"

#include <string.h>

enum { TILE = 256 }; /* columns that are turned together, so that what is written stays in the cache */

/* 'linear' over the dense columns: biases, and their part of each output's weights. */
static tarn_code add_dense(const tarn_fit *job, uint32_t outputs, const double *coefficients, size_t all,
                           uint32_t *sums, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)job->x->cols, count = (size_t)outputs * (1 + cols);
    double *copy = NULL;

    if (all > cols) {
        TARN_TRY(tarn_alloc(&copy, count, sizeof *copy, err));
        memcpy(copy, coefficients, outputs * sizeof *copy);
        for (size_t k = 0; cols > 0 && k < outputs; k++)
            memcpy(copy + outputs + k * cols, coefficients + outputs + k * all, cols * sizeof *copy);
    }
    TARN_TRY(tarn_graph_node(job->graph, "linear", job->regs, (uint32_t)cols, outputs, NULL, copy ? copy : coefficients,
                             count * sizeof *coefficients, sums, err));
done:
    tarn_free(copy);
    return rc;
}

/* 'bag' for one source: what the sums so far get from its text. weights (outputs, all) begin at the first column. */
static tarn_code add_source(const tarn_fit *job, const tarn_sparse_source *s, uint32_t outputs, const double *weights,
                            size_t all, uint32_t *sums, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)s->cols, len = s->len + cols * outputs * sizeof *weights;
    const double *from = weights + s->first;
    tarn_feature *features = NULL;
    uint32_t *regs = NULL;
    char *payload = NULL;
    tarn_bag_data head;

    TARN_TRY(tarn_alloc(&payload, len, 1, err));
    TARN_TRY(tarn_alloc(&regs, (size_t)outputs + 1, sizeof *regs, err));
    TARN_TRY(tarn_alloc(&features, outputs, sizeof *features, err));
    memcpy(&head, s->head, sizeof head);
    head.outputs = outputs;
    memcpy(payload, s->head, s->len);
    memcpy(payload, &head, sizeof head);
    for (size_t at = 0; at < cols; at += TILE)
        for (size_t k = 0; k < outputs; k++)
            for (size_t c = at; c < cols && c < at + TILE; c++)
                memcpy(payload + s->len + (c * outputs + k) * sizeof *from, from + k * all + c, sizeof *from);
    regs[0] = s->reg;
    for (uint32_t k = 0; k < outputs; k++) {
        regs[1 + k] = *sums + k;
        features[k] = *tarn_graph_feature(job->graph, *sums + k);
    }
    TARN_TRY(tarn_graph_node(job->graph, "bag", regs, outputs + 1, outputs, features, payload, len, sums, err));
done:
    tarn_free(features);
    tarn_free(regs);
    tarn_free(payload);
    return rc;
}

tarn_code tarn_linear_add(const tarn_fit *job, uint32_t outputs, const double *coefficients, tarn_link link,
                          uint32_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_sparse *sparse = job->x->sparse;
    size_t cols = (size_t)job->x->cols, all = cols + (sparse ? (size_t)sparse->cols : 0);
    uint32_t sums = 0, *regs = NULL;
    tarn_link_data data = {.link = (uint32_t)link};

    TARN_TRY(tarn_alloc(&regs, outputs, sizeof *regs, err));
    TARN_TRY(add_dense(job, outputs, coefficients, all, &sums, err));
    for (int32_t s = 0; sparse && s < sparse->sources; s++)
        TARN_TRY(add_source(job, &sparse->source[s], outputs, coefficients + outputs + cols, all, &sums, err));
    for (uint32_t k = 0; k < outputs; k++) regs[k] = sums + k;
    TARN_TRY(tarn_graph_node(job->graph, "link", regs, outputs, outputs, NULL, &data, sizeof data, first, err));
done:
    tarn_free(regs);
    return rc;
}
