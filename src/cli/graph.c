/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - lanes beside a log. See graph.h.
 *
 * A commit stands in the first lane that leads to it; further lanes to it end here, shown in a row above it with '/'
 * coming from the right. Its first parent goes on in its lane, its second in a lane that leads there already, or in a
 * new one to the right, shown in a row below with '\'. */
#include "cli/graph.h"

#include <string.h>

static size_t lane_of(const tarn_graph *g, const tarn_id *id)
{
    for (size_t i = 0; i < g->n; i++)
        if (tarn_id_equal(&g->lane[i], id)) return i;
    return SIZE_MAX;
}

static size_t new_lane(tarn_graph *g, const tarn_id *id)
{
    for (size_t i = 0; i < g->n; i++)
        if (tarn_id_none(&g->lane[i])) {
            g->lane[i] = *id;
            return i;
        }
    if (g->n == TARN_GRAPH_LANES) return SIZE_MAX;
    g->lane[g->n] = *id;
    return g->n++;
}

static void drop_free(tarn_graph *g)
{
    while (g->n > 0 && tarn_id_none(&g->lane[g->n - 1])) g->n--;
}

/* One row: '|' for every line; `at` as `mark`. */
static void draw(const tarn_graph *g, size_t at, char mark, tarn_text *out)
{
    for (size_t i = 0; i < g->n || i == at; i++)
        tarn_text_addf(out, "%c ", i == at ? mark : i < g->n && !tarn_id_none(&g->lane[i]) ? '|' : ' ');
}

/* A line from lane `from` to lane `to`: '|' where lines stand, '_' between, '/' or '\' at the end that is to the right.
 */
static void draw_bend(const tarn_graph *g, size_t left, size_t right, char bend, tarn_text *out)
{
    for (size_t i = 0; i <= right || i < g->n; i++) {
        bool line = i < g->n && !tarn_id_none(&g->lane[i]) && i != right;
        bool between = i >= left && i + 1 < right;
        tarn_text_addf(out, "%c", i == right ? ' ' : line ? '|' : between ? '_' : ' ');
        if (i + 1 == right) tarn_text_addf(out, "%c", bend);
        else tarn_text_addf(out, "%c", between ? '_' : ' ');
    }
    tarn_text_add(out, "\n");
}

/* Lanes that lead to the same commit as `at` end in it. */
static void join_lanes(tarn_graph *g, size_t at, tarn_text *above)
{
    for (size_t i = g->n; i-- > at + 1;) {
        if (!tarn_id_equal(&g->lane[i], &g->lane[at])) continue;
        draw_bend(g, at, i, '/', above);
        g->lane[i] = (tarn_id){{0}};
    }
    drop_free(g);
}

void tarn_graph_next(tarn_graph *g, const tarn_commit *c, tarn_text *row, tarn_text *below)
{
    size_t at = lane_of(g, &c->id);

    if (at == SIZE_MAX) at = new_lane(g, &c->id);
    else join_lanes(g, at, row);
    draw(g, at, '*', row);
    if (at == SIZE_MAX) return;
    g->lane[at] = c->n_parents > 0 ? c->parents[0] : (tarn_id){{0}};
    if (c->n_parents > 1) {
        size_t other = lane_of(g, &c->parents[1]);
        if (other == SIZE_MAX || other == at) other = new_lane(g, &c->parents[1]);
        if (other != SIZE_MAX && other != at)
            draw_bend(g, at < other ? at : other, at < other ? other : at, at < other ? '\\' : '/', below);
    }
    drop_free(g);
}
