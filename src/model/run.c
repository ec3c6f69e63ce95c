/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - running a list of nodes. See run.h. */
#include "model/run.h"

#include <string.h>

enum { MOST_ROWS = 256, CACHE_DOUBLES = 1 << 15 /* 256 KiB */ };

size_t tarn_run_rows(uint32_t registers)
{
    size_t rows = CACHE_DOUBLES / (registers ? registers : 1);

    if (rows >= MOST_ROWS) return MOST_ROWS;
    return rows < 8 ? 8 : rows - rows % 8;
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

void tarn_run_nodes(const tarn_node *nodes, uint32_t n, const unsigned char *live, size_t rows, size_t stride,
                    double *regs)
{
    for (uint32_t k = 0; k < n; k++)
        if (live[nodes[k].view.out]) nodes[k].kind->run(&nodes[k].view, rows, stride, regs);
}
