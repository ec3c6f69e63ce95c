/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_rank.c - see boosting_rank.h for the formulas and for what edges are. */
#include "train/algos/boosting_rank.h"

#include "base/mem.h"
#include "math/elementary.h"

#include <math.h>
#include <string.h>

enum { MOST_RELEVANCE = 60 };

/* A query: its rows' labels, and where its scores are to be found. */
typedef struct query {
    int64_t begin, end; /* of this rank's rows */
    int64_t edge;       /* -1: all of it is here; else its first row among the gathered ones */
    int64_t rows, skip; /* of all ranks; those before this rank's first */
} query;

/* One rank's first or last query, as gathered. */
typedef struct edge {
    int64_t group, rows;
} edge;

typedef struct scratch {
    double *g, *h;  /* (longest) */
    int64_t *order; /* (longest) row by place */
    int64_t *spare;
} scratch;

struct tarn_lambda {
    const tarn_matrix *x;
    tarn_comm *comm;
    tarn_pool *pool;
    int64_t truncation, queries, longest;
    query *query;
    int64_t *of_block;             /* (blocks + 1) the first query that begins in each block of rows */
    double *discount;              /* (longest) */
    int64_t first_rows, last_rows; /* of this rank's edges; last_rows 0: one query only */
    double *edge_y, *edge_score;   /* of all ranks */
    double *mine;                  /* (first_rows + last_rows) to be sent */
    scratch *at;                   /* (threads) */
};

/* ---- which rows belong together ---- */

static int64_t count_queries(const tarn_matrix *x)
{
    int64_t n = x->rows > 0;

    for (int64_t i = 1; i < x->rows; i++) n += x->group[i] != x->group[i - 1];
    return n;
}

static void list_queries(tarn_lambda *r)
{
    const tarn_matrix *x = r->x;
    int64_t n = 0;

    for (int64_t i = 0; i < x->rows; i++) {
        if (i > 0 && x->group[i] == x->group[i - 1]) continue;
        if (n > 0) r->query[n - 1].end = i;
        r->query[n++] = (query){.begin = i, .end = x->rows, .edge = -1};
    }
    for (int64_t q = 0; q < n; q++) r->query[q].rows = r->query[q].end - r->query[q].begin;
    if (n > 0) r->first_rows = r->query[0].rows;
    if (n > 1) r->last_rows = r->query[n - 1].rows;
}

/* This rank's rows of its first and last query, put together in r->mine. */
static void take_edges(tarn_lambda *r, const double *from)
{
    if (r->first_rows > 0) memcpy(r->mine, from, (size_t)r->first_rows * sizeof *from);
    if (r->last_rows > 0)
        memcpy(r->mine + r->first_rows, from + r->x->rows - r->last_rows, (size_t)r->last_rows * sizeof *from);
}

static tarn_code gather_edges(tarn_lambda *r, const double *from, double **out, tarn_err *err)
{
    size_t len = 0;
    void *all = NULL;

    take_edges(r, from);
    tarn_code rc = tarn_comm_gather(r->comm, r->mine, (size_t)(r->first_rows + r->last_rows) * sizeof *from, &all, &len,
                                    NULL, err);
    tarn_free(*out);
    *out = all;
    return rc;
}

/* The run of edges of one group around edge k. */
static void join_edges(const edge *e, int64_t n, int64_t k, query *q)
{
    int64_t at = 0, before = 0, from = k;

    while (from > 0 && e[from - 1].group == e[k].group) from--;
    for (int64_t i = 0; i < from; i++) at += e[i].rows;
    for (int64_t i = from; i < k; i++) before += e[i].rows;
    q->edge = at;
    q->skip = before;
    q->rows = before;
    for (int64_t i = k; i < n && e[i].group == e[k].group; i++) q->rows += e[i].rows;
}

static tarn_code find_edges(tarn_lambda *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = r->x;
    edge mine[2] = {{0}};
    size_t n = (r->first_rows > 0) + (size_t)(r->last_rows > 0), len = 0, sizes[TARN_RANKS_MAX];
    int64_t before = 0;
    void *all = NULL;

    if (n > 0) mine[0] = (edge){x->group[0], r->first_rows};
    if (n > 1) mine[1] = (edge){x->group[x->rows - 1], r->last_rows};
    TARN_TRY(tarn_comm_gather(r->comm, mine, n * sizeof *mine, &all, &len, sizes, err));
    for (int k = 0; k < tarn_comm_rank(r->comm); k++) before += (int64_t)(sizes[k] / sizeof *mine);
    if (n > 0) join_edges(all, (int64_t)(len / sizeof *mine), before, &r->query[0]);
    if (n > 1) join_edges(all, (int64_t)(len / sizeof *mine), before + 1, &r->query[r->queries - 1]);
    TARN_TRY(gather_edges(r, x->y, &r->edge_y, err));
done:
    tarn_free(all);
    return rc;
}

/* ---- making and freeing ---- */

static tarn_code check_relevance(const tarn_matrix *x, tarn_err *err)
{
    for (int64_t i = 0; i < x->rows; i++)
        if (x->y[i] > MOST_RELEVANCE)
            return TARN_FAIL(err, TARN_INVALID, "the relevance of row %lld is %g; it may be %d at most",
                             tarn_matrix_row(x, i), x->y[i], (int)MOST_RELEVANCE);
    return TARN_OK;
}

static tarn_code alloc_alone(tarn_lambda *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(check_relevance(r->x, err));
    r->queries = count_queries(r->x);
    TARN_TRY(tarn_alloc(&r->query, (size_t)r->queries, sizeof *r->query, err));
    TARN_TRY(tarn_alloc(&r->of_block, (size_t)tarn_blocks(r->x->rows) + 1, sizeof *r->of_block, err));
    list_queries(r);
    TARN_TRY(tarn_alloc(&r->mine, (size_t)(r->first_rows + r->last_rows), sizeof *r->mine, err));
done:
    return rc;
}

/* Once the longest query is known. */
static tarn_code alloc_scratch(tarn_lambda *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t threads = (size_t)tarn_pool_threads(r->pool), n = (size_t)r->longest;

    TARN_TRY(tarn_alloc(&r->discount, n, sizeof *r->discount, err));
    for (size_t k = 0; k < n; k++) r->discount[k] = tarn_log(2) / tarn_log(2 + (double)k);
    TARN_TRY(tarn_alloc(&r->at, threads, sizeof *r->at, err));
    for (size_t t = 0; t < threads; t++) {
        TARN_TRY(tarn_alloc(&r->at[t].g, n, sizeof(double), err));
        TARN_TRY(tarn_alloc(&r->at[t].h, n, sizeof(double), err));
        TARN_TRY(tarn_alloc(&r->at[t].order, n, sizeof(int64_t), err));
        TARN_TRY(tarn_alloc(&r->at[t].spare, n, sizeof(int64_t), err));
    }
done:
    return rc;
}

static void set_blocks(tarn_lambda *r)
{
    int64_t q = 0;

    for (int64_t b = 0; b <= tarn_blocks(r->x->rows); b++) {
        while (q < r->queries && r->query[q].begin < b * TARN_BLOCK_ROWS) q++;
        r->of_block[b] = q;
    }
    r->of_block[tarn_blocks(r->x->rows)] = r->queries;
}

tarn_code tarn_lambda_new(const tarn_matrix *x, tarn_comm *comm, tarn_pool *pool, int64_t truncation, tarn_lambda **out,
                          tarn_err *err)
{
    tarn_lambda *r = NULL;
    tarn_code rc = tarn_alloc(&r, 1, sizeof *r, err);

    *out = NULL;
    if (rc == TARN_OK) {
        *r = (tarn_lambda){.x = x, .comm = comm, .pool = pool, .truncation = truncation};
        rc = alloc_alone(r, err);
    }
    TARN_TRY(tarn_comm_agree(comm, rc, err));
    if (tarn_comm_size(comm) > 1) TARN_TRY(find_edges(r, err));
    for (int64_t q = 0; q < r->queries; q++)
        if (r->query[q].rows > r->longest) r->longest = r->query[q].rows;
    set_blocks(r);
    rc = alloc_scratch(r, err);
    TARN_TRY(tarn_comm_agree(comm, rc, err));
    *out = r;
    r = NULL;
done:
    tarn_lambda_free(r);
    return rc;
}

void tarn_lambda_free(tarn_lambda *r)
{
    if (!r) return;
    for (int t = 0; r->at && t < tarn_pool_threads(r->pool); t++) {
        tarn_free(r->at[t].g);
        tarn_free(r->at[t].h);
        tarn_free(r->at[t].order);
        tarn_free(r->at[t].spare);
    }
    tarn_free(r->at);
    tarn_free(r->query);
    tarn_free(r->of_block);
    tarn_free(r->discount);
    tarn_free(r->edge_y);
    tarn_free(r->edge_score);
    tarn_free(r->mine);
    tarn_free(r);
}

/* ---- a query ---- */

static const double *labels_of(const tarn_lambda *r, const query *q)
{
    return q->edge < 0 ? r->x->y + q->begin : r->edge_y + q->edge;
}

static const double *scores_of(const tarn_lambda *r, const query *q, const double *score)
{
    return q->edge < 0 ? score + q->begin : r->edge_score + q->edge;
}

/* Rows by what they have, most first; ties: the earlier row. Merging, from runs of one. */
static const int64_t *sort_rows(const double *by, int64_t n, int64_t *order, int64_t *spare)
{
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t at = 0; at < n; at += 2 * run) {
            int64_t a = at, middle = at + run < n ? at + run : n, end = at + 2 * run < n ? at + 2 * run : n, b = middle;
            for (int64_t to = at; to < end; to++) {
                bool left = a < middle && (b >= end || by[order[a]] >= by[order[b]]);
                spare[to] = order[left ? a++ : b++];
            }
        }
        int64_t *t = order;
        order = spare;
        spare = t;
    }
    return order;
}

static double gain_of(double relevance) { return tarn_exp(relevance * tarn_log(2)) - 1; }

static double dcg(const tarn_lambda *r, const double *y, const int64_t *order, int64_t n)
{
    double sum = 0;

    for (int64_t k = 0; k < n && k < r->truncation; k++) sum += gain_of(y[order[k]]) * r->discount[k];
    return sum;
}

/* What one pair adds to both rows' g and h; returns the size of its g. */
static double add_pair(const scratch *s, const double *score, int64_t high, int64_t low, double change, bool scaled)
{
    double off = score[high] - score[low];

    if (scaled) change /= 0.01 + fabs(off);
    double rho = tarn_sigmoid(-off), g = rho * change, h = rho * (1 - rho) * change;
    s->g[high] -= g;
    s->g[low] += g;
    s->h[high] += h;
    s->h[low] += h;
    return 2 * g;
}

static void lambdas(const tarn_lambda *r, const double *y, const double *score, int64_t n, const scratch *s)
{
    double best = dcg(r, y, sort_rows(y, n, s->order, s->spare), n), sum = 0;

    memset(s->g, 0, (size_t)n * sizeof *s->g);
    memset(s->h, 0, (size_t)n * sizeof *s->h);
    if (!(best > 0)) return;
    const int64_t *order = sort_rows(score, n, s->order, s->spare);
    bool scaled = score[order[0]] != score[order[n - 1]];
    for (int64_t i = 0; i < n && i < r->truncation; i++) {
        double gain = gain_of(y[order[i]]);
        for (int64_t j = i + 1; j < n; j++) {
            int64_t a = order[i], b = order[j];
            if (y[a] == y[b]) continue;
            double change = fabs(gain - gain_of(y[b])) * (r->discount[i] - r->discount[j]) / best;
            sum += y[a] > y[b] ? add_pair(s, score, a, b, change, scaled) : add_pair(s, score, b, a, change, scaled);
        }
    }
    if (!(sum > 0)) return;
    double scale = tarn_log(1 + sum) / tarn_log(2) / sum;
    for (int64_t i = 0; i < n; i++) {
        s->g[i] *= scale;
        s->h[i] *= scale;
    }
}

static double ndcg(const tarn_lambda *r, const double *y, const double *score, int64_t n, const scratch *s)
{
    double best = dcg(r, y, sort_rows(y, n, s->order, s->spare), n);

    return best > 0 ? dcg(r, y, sort_rows(score, n, s->order, s->spare), n) / best : 1;
}

/* ---- all queries ---- */

typedef struct working {
    tarn_lambda *r;
    const double *score;
    double *g, *h;
} working;

static tarn_code gradients_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const working *w = arg;
    const tarn_lambda *r = w->r;
    const scratch *s = &r->at[worker];

    (void)err;
    for (int64_t k = r->of_block[block]; k < r->of_block[block + 1]; k++) {
        const query *q = &r->query[k];
        size_t bytes = (size_t)(q->end - q->begin) * sizeof *w->g;
        lambdas(r, labels_of(r, q), scores_of(r, q, w->score), q->rows, s);
        memcpy(w->g + q->begin, s->g + q->skip, bytes);
        memcpy(w->h + q->begin, s->h + q->skip, bytes);
    }
    return TARN_OK;
}

tarn_code tarn_lambda_gradients(tarn_lambda *r, const double *score, double *g, double *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    working w = {r, score, g, h};

    if (tarn_comm_size(r->comm) > 1) TARN_TRY(gather_edges(r, score, &r->edge_score, err));
    TARN_TRY(tarn_pool_run(r->pool, tarn_blocks(r->x->rows), gradients_block, &w, err));
done:
    return rc;
}

/* A query belongs to the block in which it begins, on the rank where it does. */
static tarn_code sum_ndcg(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const working *w = arg;
    const tarn_lambda *r = w->r;

    (void)err;
    for (int64_t k = r->of_block[block]; k < r->of_block[block + 1]; k++) {
        const query *q = &r->query[k];
        if (q->skip > 0) continue;
        sum[0] += 1;
        sum[1] += ndcg(r, labels_of(r, q), scores_of(r, q, w->score), q->rows, &r->at[worker]);
    }
    return TARN_OK;
}

tarn_code tarn_lambda_ndcg(tarn_lambda *r, const double *score, double *mean, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    working w = {r, score, NULL, NULL};
    double sum[2] = {0};

    if (tarn_comm_size(r->comm) > 1) TARN_TRY(gather_edges(r, score, &r->edge_score, err));
    TARN_TRY(tarn_comm_sum_blocks(r->comm, r->pool, tarn_blocks(r->x->rows), 2, sum_ndcg, &w, sum, err));
    *mean = sum[0] > 0 ? sum[1] / sum[0] : 1;
done:
    return rc;
}
