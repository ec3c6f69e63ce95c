/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - lanes beside a log: which line of commits each commit is on. Plain characters.
 *
 * Give it commits newest first. Each gets one row with '*' in its lane; rows between show lines that part or join.
 */
#ifndef TARN_CLI_GRAPH_H
#define TARN_CLI_GRAPH_H

#include "base/str.h"
#include "lake/lake.h"

enum { TARN_GRAPH_LANES = 64 };

typedef struct tarn_graph {
    tarn_id lane[TARN_GRAPH_LANES]; /* the commit that the line leads to; none: free */
    size_t n;
} tarn_graph;

/* Start with {0}. row: lanes and '*', to stand in front of the commit's text; below: rows to print behind it, each
 * with newline ("" for none). More than TARN_GRAPH_LANES lines at once: those beyond are left out. */
void tarn_graph_next(tarn_graph *g, const tarn_commit *c, tarn_text *row, tarn_text *below);

#endif
