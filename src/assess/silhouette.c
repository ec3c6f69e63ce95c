/* SPDX-License-Identifier: Apache-2.0 */
/* silhouette.c - the exact silhouette of every row, in blocks of rows over the pool.
 *
 * For a block of rows and a tile of other rows, distances are made a column at a time (so that they vectorise) and
 * added to one sum per row and cluster. Nothing of size rows^2 is ever held; a row's sums are added in the order of the
 * other rows, whatever thread does it.
 */
#include "assess/clusters.h"

#include "base/mem.h"

#include <math.h>

enum { BLOCK = 64, TILE = 1024 };

typedef struct job {
    const tarn_clusters *c;
    double *s;    /* (rows) out */
    double *sums; /* (threads, BLOCK, clusters) */
} job;

/* square (n) += (x - here)^2. Inlined for n = TILE, which compilers then vectorise. */
static inline void add_column(double *square, const double *x, double here, int64_t n)
{
    for (int64_t i = 0; i < n; i++) square[i] += (x[i] - here) * (x[i] - here);
}

/* Distances of one row to rows from .. to - 1, added to the sums of their clusters. */
static void add_tile(const tarn_clusters *c, int64_t row, int64_t from, int64_t to, double *sums)
{
    double square[TILE] = {0};
    int64_t n = to - from;

    for (int k = 0; k < c->columns; k++) {
        const double *x = c->of->column[k] + from;
        double here = c->of->column[k][row];
        if (n == TILE) add_column(square, x, here, TILE);
        else add_column(square, x, here, n);
    }
    for (int64_t i = 0; i < TILE; i++) square[i] = sqrt(square[i]);
    for (int64_t i = 0; i < n; i++) sums[c->label[from + i]] += square[i];
}

static double silhouette(const tarn_clusters *c, int64_t row, const double *sums)
{
    int64_t own = c->label[row];
    double next = INFINITY;

    if (c->size[own] < 2) return 0;
    double inside = sums[own] / (c->size[own] - 1);
    for (int64_t g = 0; g < c->clusters; g++)
        if (g != own) next = fmin(next, sums[g] / c->size[g]);
    double larger = fmax(inside, next);
    return larger > 0 ? (next - inside) / larger : 0;
}

static tarn_code do_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const job *j = arg;
    const tarn_clusters *c = j->c;
    int64_t first = block * BLOCK, last = first + BLOCK < c->rows ? first + BLOCK : c->rows;
    double *sums = j->sums + (int64_t)worker * BLOCK * c->clusters;

    (void)err;
    for (int64_t i = 0; i < BLOCK * c->clusters; i++) sums[i] = 0;
    for (int64_t from = 0; from < c->rows; from += TILE)
        for (int64_t i = first; i < last; i++)
            add_tile(c, i, from, from + TILE < c->rows ? from + TILE : c->rows, sums + (i - first) * c->clusters);
    for (int64_t i = first; i < last; i++) j->s[i] = silhouette(c, i, sums + (i - first) * c->clusters);
    return TARN_OK;
}

tarn_code tarn_clusters_silhouette(const tarn_clusters *c, double *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    job j = {c, s, NULL};

    TARN_TRY(
        tarn_alloc(&j.sums, (size_t)tarn_pool_threads(c->pool) * BLOCK * (size_t)c->clusters, sizeof(double), err));
    TARN_TRY(tarn_pool_run(c->pool, (c->rows + BLOCK - 1) / BLOCK, do_block, &j, err));
done:
    tarn_free(j.sums);
    return rc;
}
