/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - running a list of nodes. See run.h. */
#include "model/run.h"

#include <string.h>

enum { MOST_ROWS = 256, CACHE_DOUBLES = 1 << 15 /* 256 KiB */ };

size_t tarn_run_rows(const tarn_node *nodes, uint32_t n, const unsigned char *live, uint32_t registers)
{
    size_t rows = CACHE_DOUBLES / (registers ? registers : 1);

    rows = rows >= MOST_ROWS ? MOST_ROWS : rows < 8 ? 8 : rows - rows % 8;
    for (uint32_t k = 0; k < n; k++) {
        const tarn_node *node = &nodes[k];
        if (!node->kind->together || (live && !live[node->view.out])) continue;
        size_t wanted = node->kind->together(&node->view);
        rows = wanted > rows ? wanted : rows;
    }
    return rows;
}

void tarn_run_mark(const tarn_node *nodes, uint32_t n, unsigned char *live)
{
    for (uint32_t k = n; k-- > 0;) {
        const tarn_node_view *v = &nodes[k].view;
        if (!memchr(live + v->out, 1, v->n_out)) continue;
        live[v->out] = 1;
        for (uint32_t j = 0; j < v->n_in; j++) live[v->in[j]] = 1;
    }
}

size_t tarn_run_scratch(const tarn_node *nodes, uint32_t n, const unsigned char *live, size_t rows, size_t longest)
{
    size_t most = 0;

    for (uint32_t k = 0; k < n; k++) {
        const tarn_node *node = &nodes[k];
        if (!node->kind->scratch || (live && !live[node->view.out])) continue;
        size_t bytes = node->kind->scratch(&node->view, rows, longest);
        most = bytes > most ? bytes : most;
    }
    return (most + sizeof(double) - 1) / sizeof(double);
}

tarn_code tarn_run_check_reads(const tarn_node *node, bool (*is_text)(const void *arg, uint32_t reg), const void *arg,
                               tarn_err *err)
{
    const tarn_node_view *v = &node->view;

    if (node->kind->reads_text && v->n_in == 0) return TARN_FAIL(err, TARN_CORRUPT, "reads no text");
    for (uint32_t j = 0; j < v->n_in; j++) {
        bool text = is_text(arg, v->in[j]), wanted = node->kind->reads_text && j == 0;
        if (text == wanted) continue;
        return TARN_FAIL(err, TARN_CORRUPT, "reads register %u, which is %s text", v->in[j], text ? "a" : "no");
    }
    return TARN_OK;
}

void tarn_run_nodes(const tarn_node *nodes, uint32_t n, const unsigned char *live, size_t rows, size_t stride,
                    double *regs, void *scratch)
{
    for (uint32_t k = 0; k < n; k++) {
        const tarn_node *node = &nodes[k];
        if (!live[node->view.out]) continue;
        if (node->kind->run_with) node->kind->run_with(&node->view, rows, stride, regs, scratch);
        else node->kind->run(&node->view, rows, stride, regs);
    }
}
