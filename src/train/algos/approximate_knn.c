/* SPDX-License-Identifier: Apache-2.0 */
/* approximate_knn.c - nearest neighbours found through a graph: most of them, and how many is said.
 *
 * The model holds all rows, as that of knn does, a sketch of each, and the graph through which they are found
 * (math/hnsw.h). The last 256 rows are put in after it has been measured how many of their nearest are found; if a
 * recall is asked for, the search is made wider until it is reached. What is found is measured exactly, so that what
 * comes out is as with knn except for rows that were missed.
 *
 * Every rank makes the whole graph.
 *
 * Cost: O(n log n) distances between sketches; memory beside that of knn: a byte or four for each value, and some
 * 4 m bytes a row for links.
 * Source: Malkov, Yashunin, IEEE Trans. Pattern Anal. Mach. Intell. 42(4), 2020; math/hnsw_build.c names that of
 * batches.
 */
#include "base/mem.h"
#include "train/algos/approximate_knn_parts.h"

#include <string.h>

static const tarn_param params_table[] = {
    TARN_INT(approximate_knn_params, k, 5, 1, TARN_NEIGHBORS_MOST, "how many of the nearest rows vote"),
    TARN_WORD(approximate_knn_params, weights, 0, "uniform|distance",
              "distance: votes count 1 / distance, and only rows at distance 0 if there are such"),
    TARN_WORD(approximate_knn_params, metric, TARN_METRIC_EUCLIDEAN, "euclidean|manhattan|chebyshev|cosine",
              "how far rows are apart; chebyshev: the largest difference; cosine: 1 - cosine of the angle"),
    TARN_INT(approximate_knn_params, m, 16, TARN_HNSW_LEAST_M, TARN_HNSW_MOST_M,
             "links of a row in the graph; more for many columns that matter"),
    TARN_INT(approximate_knn_params, ef_construction, 200, 1, 100000,
             "how many rows are looked at to choose the links of a new one"),
    TARN_INT(approximate_knn_params, ef, 64, 1, 1000000, "how many rows a search keeps, at least k: more find more"),
    TARN_REAL(approximate_knn_params, recall, 0, 0, 1,
              "share of the nearest that must be found: ef is raised until it is; 0: ef as it is"),
    TARN_PARAMS_END,
};

typedef struct work {
    const tarn_fit *job;
    const approximate_knn_params *set;
    knn_nodes nodes;
    knn_sample sample;
    knn_sketches sketches;
    tarn_hnsw_index index; /* its graph is what is built so far */
    tarn_hnsw_build *build;
    size_t k, ef;
    double recall;
    char *data; /* the payload */
    size_t len;
} work;

/* What of the payload is as that of knn: head, labels and rows. index.near then looks into it. */
static tarn_code keep_rows(work *w, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_exemplars_vote vote = {.k = w->set->k, .by_distance = w->set->weights, .metric = w->set->metric};
    tarn_exemplars rows = {0};

    TARN_TRY(tarn_exemplars_read(w->job, (tarn_metric)vote.metric, &rows, err));
    if (w->job->keep_state)
        TARN_TRY(tarn_exemplars_state(&rows, w->job->x->classes, &out->state, &out->state_len, err));
    bool wide = rows.wide != NULL;
    TARN_TRY(tarn_exemplars_scan(w->job, &vote, &rows, false, &w->data, &w->len, err));
    const tarn_neighbors_data *head = (const void *)w->data;
    const char *norm = w->data + sizeof *head + 8 * rows.n * (rows.weighted ? 2 : 1);
    const char *values = norm + (4 * rows.n + 7) / 8 * 8;
    w->k = head->k;
    w->index.near = (tarn_near){.metric = (tarn_metric)head->metric,
                                .rows = rows.n,
                                .d = rows.d,
                                .narrow = wide ? NULL : (const float *)(const void *)values,
                                .wide = wide ? (const double *)(const void *)values : NULL,
                                .norm = (const float *)(const void *)norm,
                                .most = head->most};
done:
    tarn_exemplars_clear(&rows);
    return rc;
}

static tarn_code set_recall(work *w, size_t ef, tarn_err *err)
{
    size_t nodes = w->nodes.n;
    tarn_code rc = tarn_cancel_check(w->job->sink, err);

    w->ef = ef < nodes ? ef : nodes > w->k ? nodes : w->k;
    w->recall = 1; /* all are looked at */
    if (rc == TARN_OK && w->ef < nodes) rc = knn_recall(&w->sample, &w->index, w->ef, w->job->pool, &w->recall, err);
    return rc;
}

/* Between a width that is not enough and the present one, which is: the least that is, or nearly. */
static tarn_code narrow_ef(work *w, size_t low, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t high = w->ef;
    double reached = w->recall;

    while (high - low > 1 + low / 16) {
        TARN_TRY(set_recall(w, (low + high) / 2, err));
        if (w->recall < w->set->recall) {
            low = w->ef;
        } else {
            high = w->ef;
            reached = w->recall;
        }
    }
    w->ef = high;
    w->recall = reached;
done:
    return rc;
}

/* As wide as is asked for; where that finds too little, the double, and so on. */
static tarn_code choose_ef(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t ef = (size_t)w->set->ef > w->k ? (size_t)w->set->ef : w->k, low = 0;

    TARN_TRY(set_recall(w, w->sample.n > 0 ? ef : w->nodes.n, err));
    while (w->recall < w->set->recall) {
        low = w->ef;
        TARN_TRY(set_recall(w, 2 * w->ef, err));
    }
    if (low > 0) TARN_TRY(narrow_ef(w, low, err));
done:
    return rc;
}

static tarn_code make_graph(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = w->job;

    TARN_TRY(knn_nodes_make(&w->index.near, job->seed, &w->nodes, err));
    w->index.first = w->nodes.first;
    w->index.member = w->nodes.member;
    w->index.graph = (tarn_hnsw){.levels = 1, .level[0].nodes = (uint32_t)w->nodes.n};
    TARN_TRY(knn_sample_make(&w->index.near, &w->nodes, w->k, job->pool, &w->sample, err));
    TARN_TRY(knn_sketches_make(&w->index, &w->nodes, &w->sample, job->pool, &w->sketches, err));
    TARN_TRY(tarn_hnsw_build_new(&w->sketches.as, w->nodes.n, (size_t)w->set->m, (size_t)w->set->ef_construction,
                                 &w->build, err));
    TARN_TRY(tarn_hnsw_build_add(w->build, w->sample.first, job->pool, job->sink, err));
    tarn_hnsw_build_view(w->build, &w->index.graph);
    TARN_TRY(choose_ef(w, err));
    TARN_TRY(tarn_hnsw_build_add(w->build, w->nodes.n, job->pool, job->sink, err));
    TARN_TRY(tarn_hnsw_build_join(w->build, err));
done:
    return rc;
}

static void append(char **to, const void *what, size_t bytes)
{
    memcpy(*to, what, bytes);
    *to += bytes;
}

/* The graph behind the rows, as payload.h has it. */
static tarn_code pack(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_sketches *as = &w->sketches.as;
    const tarn_hnsw *g = &w->index.graph;
    size_t lists, links, start = w->len, sketches = tarn_sketch_size(as->kind, as->d) * w->nodes.n;

    tarn_hnsw_build_size(w->build, &lists, &links);
    if (links > UINT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT, "%zu links are more than can be kept; set m lower", links);
    tarn_neighbor_graph_data head = {.nodes = (uint32_t)w->nodes.n,
                                     .levels = g->levels,
                                     .links = (uint32_t)links,
                                     .kind = (uint32_t)as->kind,
                                     .ef = (uint32_t)w->ef,
                                     .sample = (uint32_t)w->sample.n,
                                     .recall = w->recall,
                                     .steps = as->steps};
    w->len += sizeof head + (4 * (size_t)g->levels + 7) / 8 * 8 + 8 * as->d + sketches +
              (4 * (w->nodes.n + 1 + w->nodes.rows + lists + 1 + links) + 7) / 8 * 8;
    TARN_TRY(tarn_resize(&w->data, w->len, 1, err));
    char *to = w->data + start;
    memset(w->data + w->len - 8, 0, 8); /* what may be left over at the end */
    append(&to, &head, sizeof head);
    for (uint32_t l = 0; l < (g->levels + 1) / 2 * 2; l++)
        append(&to, &(uint32_t){l < g->levels ? g->level[l].nodes : 0}, sizeof(uint32_t));
    append(&to, as->low, 8 * as->d);
    append(&to, as->row, sketches);
    append(&to, w->nodes.first, 4 * (w->nodes.n + 1));
    append(&to, w->nodes.member, 4 * w->nodes.rows);
    uint32_t *lists_at = (uint32_t *)(void *)to;
    tarn_hnsw_build_pack(w->build, lists_at, lists_at + lists + 1);
done:
    return rc;
}

static void clear(work *w)
{
    knn_nodes_clear(&w->nodes);
    knn_sample_clear(&w->sample);
    knn_sketches_clear(&w->sketches);
    tarn_hnsw_build_free(w->build);
    tarn_free(w->data);
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    work w = {.job = job, .set = params};
    uint32_t cols = (uint32_t)job->x->cols, outputs = job->x->classes > 2 ? (uint32_t)job->x->classes : 1;

    TARN_TRY(keep_rows(&w, out, err));
    TARN_TRY(make_graph(&w, err));
    TARN_TRY(pack(&w, err));
    TARN_TRY(
        tarn_graph_node_take(job->graph, "neighbor_graph", job->regs, cols, outputs, &w.data, w.len, &out->out, err));
    out->iterations = 1;
    if (tarn_comm_rank(job->comm) == 0)
        tarn_say(job->sink, TARN_INFO,
                 "approximate_knn: searched %zu wide, %.4f of the %zu nearest are found (%zu rows)", w.ef, w.recall,
                 w.k, w.sample.n);
done:
    clear(&w);
    return rc;
}

const tarn_algo tarn_algo_approximate_knn = {
    .name = "approximate_knn",
    .title = "Nearest neighbours (through a graph, most of them)",
    .paper = "Malkov & Yashunin 2020, IEEE Trans. Pattern Anal. Mach. Intell. 42(4)",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
    .learns_on = true,
    .exact = "knn",
    .other_centre = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION, /* k rows speak, not all */
    .votes = true,
    .params_size = sizeof(approximate_knn_params),
    .params = params_table,
    .space = "{k: [3, 5, 10, 20, 50], weights: [uniform, distance]}",
    .fit = fit,
};
