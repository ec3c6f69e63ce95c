/* SPDX-License-Identifier: Apache-2.0 */
/* clustering.c - the table of figures of clusters, and all of them in one JSON object. */
#include "assess/clusters.h"
#include "assess/put.h"
#include "assess/sum.h"
#include "base/mem.h"

#include <string.h>

#define TARN_CLUSTERING(name) extern const tarn_clustering tarn_clustering_##name;
#include "assess/clusterings.def"
#undef TARN_CLUSTERING

static const tarn_clustering *const table[] = {
#define TARN_CLUSTERING(name) &tarn_clustering_##name,
#include "assess/clusterings.def"
#undef TARN_CLUSTERING
};

enum { FIGURES = sizeof(table) / sizeof(table[0]) };

int tarn_clustering_count(void) { return FIGURES; }

const tarn_clustering *tarn_clustering_at(int i) { return table[i]; }

tarn_code tarn_clustering_find(const char *name, const tarn_clustering **out, tarn_err *err)
{
    const char *names[FIGURES];

    for (int i = 0; i < FIGURES; i++) {
        names[i] = table[i]->name;
        if (strcmp(name, names[i]) != 0) continue;
        *out = table[i];
        return TARN_OK;
    }
    const char *near = tarn_nearest_word(name, names, FIGURES);
    return TARN_FAIL(err, TARN_NOT_FOUND, "there is no figure of clusters '%s'%s%s%s", name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static tarn_code check(const tarn_clustered *c, tarn_err *err)
{
    if (c->rows < 1) return TARN_FAIL(err, TARN_INVALID, "there are no clustered rows to judge");
    if (c->rows > UINT32_MAX) return TARN_FAIL(err, TARN_LIMIT, "more than %u rows to judge", (unsigned)UINT32_MAX);
    if (!c->label) return TARN_FAIL(err, TARN_INVALID, "the rows have no clusters");
    for (int k = 0; c->column && k < c->columns; k++)
        for (int64_t i = 0; i < c->rows; i++)
            if (!isfinite(c->column[k][i]))
                return TARN_FAIL(err, TARN_INVALID, "row %lld: column %d is not a finite number", (long long)i, k);
    return TARN_OK;
}

/* Whether there is what the figure needs. */
static bool suits(const tarn_clustering *f, const tarn_clustered *c)
{
    return f->needs_truth ? c->truth != NULL : c->column && c->columns > 0;
}

tarn_code tarn_clustering_value(const tarn_clustering *figure, const tarn_clustered *c, tarn_pool *pool, double *out,
                                tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_clusters made = {0};

    TARN_TRY(check(c, err));
    if (!suits(figure, c))
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'%s' needs %s of the rows", figure->name,
                           figure->needs_truth ? "the true groups" : "the columns"));
    TARN_TRY(tarn_clusters_make(c, pool, &made, err));
    TARN_TRY(figure->compute(&made, out, err));
done:
    tarn_clusters_clear(&made);
    return rc;
}

static tarn_code put_each(const tarn_clusters *c, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sum *sums = NULL;
    json_t *list = NULL, *item = NULL;

    TARN_TRY(tarn_alloc(&sums, (size_t)c->clusters, sizeof(*sums), err));
    for (int64_t i = 0; c->silhouette && i < c->rows; i++) tarn_sum_add(&sums[c->label[i]], c->silhouette[i]);
    TARN_TRY(tarn_put_array(out, "per_cluster", &list, err));
    for (int64_t g = 0; g < c->clusters; g++) {
        TARN_TRY(tarn_put_item(list, &item, err));
        TARN_TRY(tarn_json_set(item, "label", json_integer(c->name[g]), err));
        TARN_TRY(tarn_json_set(item, "rows", json_integer((json_int_t)c->size[g]), err));
        if (c->columns == 0) continue;
        TARN_TRY(tarn_put_number(item, "cohesion", c->inside[g], err));
        if (c->silhouette) TARN_TRY(tarn_put_number(item, "silhouette", tarn_sum_get(&sums[g]) / c->size[g], err));
    }
done:
    tarn_free(sums);
    return rc;
}

tarn_code tarn_assess_clusters(const tarn_clustered *c, tarn_pool *pool, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_clusters made = {0};
    json_t *all = NULL, *metrics = NULL;

    TARN_TRY(check(c, err));
    TARN_TRY(tarn_clusters_make(c, pool, &made, err));
    if (made.columns > 0 && tarn_clusters_apart(&made)) {
        TARN_TRY(tarn_alloc(&made.silhouette, (size_t)c->rows, sizeof(double), err));
        TARN_TRY(tarn_clusters_silhouette(&made, made.silhouette, err));
    }
    all = json_object();
    if (!all) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "no memory for an assessment"));
    TARN_TRY(tarn_json_set(all, "rows", json_integer(c->rows), err));
    TARN_TRY(tarn_json_set(all, "clusters", json_integer(made.clusters), err));
    TARN_TRY(tarn_put_object(all, "metrics", &metrics, err));
    for (int i = 0; i < FIGURES; i++) {
        double x = 0;
        if (!suits(table[i], c)) continue;
        TARN_TRY(table[i]->compute(&made, &x, err));
        TARN_TRY(tarn_put_number(metrics, table[i]->name, x, err));
    }
    TARN_TRY(put_each(&made, all, err));
    *out = all;
    all = NULL;
done:
    tarn_clusters_clear(&made);
    json_decref(all);
    return rc;
}
