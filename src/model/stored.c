/* SPDX-License-Identifier: Apache-2.0 */
/* stored.c - rows that a model keeps. See stored.h. */
#include "model/stored.h"

#include <math.h>

/* The briefs that begin at `at`; returns their end. A stride is a multiple of 4 and places are one of 8. */
static const char *view_brief(size_t rows, size_t d, const char *at, tarn_brief *out)
{
    out->centre = (const float *)(const void *)at;
    at += (sizeof(float) * d + 7) / 8 * 8;
    out->note = (const tarn_brief_note *)(const void *)at;
    at += sizeof(tarn_brief_note) * rows;
    out->code = (const int8_t *)at;
    return at + tarn_brief_places(rows) * tarn_brief_stride(d);
}

uint64_t tarn_stored_view(const tarn_node_view *n, tarn_stored *out)
{
    const tarn_neighbors_data *head = n->data;
    uint64_t rows = head->rows, leaves = tarn_kd_leaves(rows), d = n->n_in, size = head->wide ? 8 : 4;
    const char *at = (const char *)(head + 1);

    *out = (tarn_stored){.head = head, .label = (const double *)(const void *)at};
    at += 8 * rows;
    if (head->weighted) out->weight = (const double *)(const void *)at;
    at += head->weighted ? 8 * rows : 0;
    if (head->tree) {
        out->kd = (tarn_kd){.metric = (tarn_metric)head->metric, .rows = rows, .d = d};
        out->kd.number = (const uint32_t *)(const void *)at;
        at += 4 * leaves * TARN_KD_LEAF;
        out->kd.split = (const tarn_kd_split *)(const void *)at;
        at += sizeof(tarn_kd_split) * (leaves - 1);
        out->kd.column = (const uint32_t *)(const void *)at;
        at += (4 * (leaves - 1) + 7) / 8 * 8;
        out->kd.wide = head->wide ? (const double *)(const void *)at : NULL;
        out->kd.narrow = head->wide ? NULL : (const float *)(const void *)at;
        at += (size * leaves * TARN_KD_LEAF * d + 7) / 8 * 8;
    } else {
        out->near = (tarn_near){.metric = (tarn_metric)head->metric, .rows = rows, .d = d, .most = head->most};
        out->near.norm = (const float *)(const void *)at;
        at += (4 * rows + 7) / 8 * 8;
        out->near.wide = head->wide ? (const double *)(const void *)at : NULL;
        out->near.narrow = head->wide ? NULL : (const float *)(const void *)at;
        at += (size * rows * d + 7) / 8 * 8;
        if (head->brief) at = view_brief(rows, d, at, &out->near.brief);
    }
    return (uint64_t)(at - (const char *)n->data);
}

static tarn_code check_head(const tarn_node_view *n, const tarn_neighbors_data *h, tarn_err *err)
{
    if (h->metric >= TARN_METRIC_COUNT) return TARN_FAIL(err, TARN_CORRUPT, "metric %u is not known", h->metric);
    if (h->by_distance > 1 || h->wide > 1 || h->tree > 1 || h->weighted > 1 || h->brief > 1)
        return TARN_FAIL(err, TARN_CORRUPT, "a flag is neither 0 nor 1");
    if (h->k < 1 || h->k > TARN_NEIGHBORS_MOST)
        return TARN_FAIL(err, TARN_CORRUPT, "k is %u, not 1 to %d", h->k, TARN_NEIGHBORS_MOST);
    if (h->rows < 1 || n->n_in < 1 || (uint64_t)h->rows * n->n_in > UINT64_C(1) << 40)
        return TARN_FAIL(err, TARN_CORRUPT, "%u rows of %u columns are none or too many", h->rows, n->n_in);
    if (h->classes == 1 || n->n_out != (h->classes > 2 ? h->classes : 1))
        return TARN_FAIL(err, TARN_CORRUPT, "%u outputs do not fit %u classes", n->n_out, h->classes);
    if (h->tree && (h->metric == TARN_METRIC_COSINE || n->n_in > TARN_KD_COLUMNS))
        return TARN_FAIL(err, TARN_CORRUPT, "there is no tree for this metric, or for %u columns", n->n_in);
    bool products = h->metric == TARN_METRIC_EUCLIDEAN || h->metric == TARN_METRIC_COSINE;
    if (h->brief && (h->tree || !products || n->n_in > TARN_BRIEF_COLUMNS))
        return TARN_FAIL(err, TARN_CORRUPT, "there are no briefs for this metric, for a tree, or for %u columns",
                         n->n_in);
    if (isnan(h->most)) return TARN_FAIL(err, TARN_CORRUPT, "the largest length is not a number");
    return TARN_OK;
}

static tarn_code check_tree(const tarn_kd *t, tarn_err *err)
{
    size_t leaves = tarn_kd_leaves(t->rows);

    for (size_t i = 0; i < leaves * TARN_KD_LEAF; i++)
        if (t->number[i] >= t->rows)
            return TARN_FAIL(err, TARN_CORRUPT, "number[%zu] is %u of %zu", i, t->number[i], t->rows);
    for (size_t i = 0; i + 1 < leaves; i++)
        if (t->column[i] >= t->d)
            return TARN_FAIL(err, TARN_CORRUPT, "column[%zu] is %u of %zu", i, t->column[i], t->d);
    return TARN_OK;
}

tarn_code tarn_stored_check(const tarn_node_view *n, tarn_stored *out, uint64_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_neighbors_data *head = n->data;

    if (n->len < sizeof *head)
        return TARN_FAIL(err, TARN_CORRUPT, "payload of %zu bytes is too short for its head", n->len);
    TARN_TRY(check_head(n, head, err));
    *len = tarn_stored_view(n, out);
    if (n->len < *len)
        return TARN_FAIL(err, TARN_CORRUPT, "payload has %zu bytes, its rows need %llu", n->len,
                         (unsigned long long)*len);
    TARN_TRY(tarn_node_check_finite(out->label, head->rows, "label", err));
    for (size_t i = 0; i < head->rows; i++) {
        double x = out->label[i];
        if (head->classes > 0 && !(x >= 0 && x < head->classes && x == floor(x)))
            return TARN_FAIL(err, TARN_CORRUPT, "label[%zu] is %g of %u classes", i, x, head->classes);
        if (out->weight && !(out->weight[i] > 0 && isfinite(out->weight[i])))
            return TARN_FAIL(err, TARN_CORRUPT, "weight[%zu] is %g", i, out->weight[i]);
    }
    if (head->tree) TARN_TRY(check_tree(&out->kd, err));
done:
    return rc;
}

/* How much a hit's vote counts: rows at no distance, if there are any, are the only ones that count by distance. */
static double vote_of(const tarn_stored *s, const tarn_best *best, size_t k)
{
    double weight = s->weight ? s->weight[best->hit[k].row] : 1;

    if (!s->head->by_distance) return weight;
    tarn_metric metric = (tarn_metric)s->head->metric;
    double nearest = tarn_near_length(metric, best->hit[0].distance);
    double own = tarn_near_length(metric, best->hit[k].distance);
    if (!(nearest > 1e-300)) return own > 1e-300 ? 0 : weight;
    return weight * (nearest / own); /* relative to the nearest, so that nothing overflows */
}

void tarn_stored_vote(const tarn_stored *s, const tarn_node_view *n, const tarn_best *best, size_t i, size_t stride,
                      double *regs)
{
    double *out = regs + n->out * stride + i, total = 0, sum = 0;

    for (uint32_t c = 0; c < n->n_out; c++) out[c * stride] = 0;
    for (size_t k = 0; k < best->n; k++) {
        double vote = vote_of(s, best, k), label = s->label[best->hit[k].row];
        if (isnan(vote)) vote = 0; /* both infinitely far */
        total += vote;
        if (n->n_out > 1) out[(size_t)label * stride] += vote;
        else sum += vote * label;
    }
    if (n->n_out == 1) out[0] = sum;
    for (uint32_t c = 0; c < n->n_out; c++)
        out[c * stride] =
            total > 0 ? out[c * stride] / total : 1 / (double)(s->head->classes > 0 ? s->head->classes : 1);
}
