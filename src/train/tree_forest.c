/* SPDX-License-Identifier: Apache-2.0 */
/* tree_forest.c - see tree_forest.h. */
#include "train/tree_forest.h"

#include "base/mem.h"
#include "base/str.h"
#include "train/tree_deep.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

typedef struct forest {
    const tarn_fit *job;
    const tarn_forest_settings *p;
    tarn_bins *bins;
    tarn_binned binned;
    tarn_deep_data data;
    tarn_deep_shape shape;
    uint8_t *columns;     /* of all ranks; NULL: one rank, binned has them */
    uint8_t *by_row;      /* the same row by row, unless columns are many */
    double *y, *weight;   /* of all ranks */
    int64_t first, trees; /* this rank's trees */
    int32_t outputs;
    tarn_deep **deep;  /* (threads) */
    tarn_grove *grown; /* (trees) */
    tarn_grove grove;
    double *gain; /* (trees, cols) */
    tarn_deep_votes votes;
    atomic_llong done;
} forest;

/* ---- settings ---- */

static int64_t rule_of(const char *word, int64_t cols)
{
    if (strcmp(word, "sqrt") == 0) return (int64_t)sqrt((double)cols);
    if (strcmp(word, "third") == 0) return (cols + 2) / 3;
    if (strcmp(word, "all") == 0) return cols;
    return -1;
}

static tarn_code columns_per_split(const forest *f, int32_t *out, tarn_err *err)
{
    const char *text = f->p->columns;
    int64_t cols = f->job->x->cols, n;

    if (strcmp(text, "auto") == 0) text = f->job->x->classes > 0 ? "sqrt" : "all";
    n = rule_of(text, cols);
    if (n < 0 && (!tarn_int_parse(text, strlen(text), &n) || n < 1))
        return TARN_FAIL(err, TARN_INVALID,
                         "parameter 'columns' is '%s'; expected auto, sqrt, third, all, or 1 and more", text);
    *out = (int32_t)(n < 1 ? 1 : n > cols ? cols : n);
    return TARN_OK;
}

static tarn_code set_shape(forest *f, tarn_err *err)
{
    const tarn_matrix *x = f->job->x;
    int64_t draws = (int64_t)ceil(f->p->row_share * (double)x->all_rows);

    int64_t min_rows = x->classes == 0 ? 3 : x->classes == 2 ? 10 : 1;
    f->shape = (tarn_deep_shape){.min_rows = f->p->min_rows > 0 ? f->p->min_rows : min_rows,
                                 .depth = f->p->depth,
                                 .leaves = f->p->leaves,
                                 .draws = f->p->bootstrap ? draws : 0,
                                 .random_cuts = f->p->random_cuts,
                                 .prune = f->p->prune,
                                 .smooth = f->p->smooth};
    if (x->all_rows > INT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT,
                         "trees of this kind take at most %d rows, and there are %lld; sample them first", INT32_MAX,
                         (long long)x->all_rows);
    return columns_per_split(f, &f->shape.columns, err);
}

/* ---- all rows to all ranks ---- */

/* Everyone's n bytes at mine, put together at *to (all bytes). */
static tarn_code gather_into(tarn_comm *comm, const void *mine, size_t n, void *to, size_t all, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    void *out = NULL;
    size_t len = 0;

    TARN_TRY(tarn_comm_gather(comm, mine, n, &out, &len, NULL, err));
    if (len != all) {
        rc = TARN_FAIL(err, TARN_INVALID, "ranks together have %zu bytes of a column, and should have %zu", len, all);
        goto done;
    }
    if (all > 0) memcpy(to, out, all);
done:
    tarn_free(out);
    return rc;
}

static tarn_code gather_rows(forest *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = f->job->x;
    size_t rows = (size_t)x->rows, all = (size_t)x->all_rows;
    double weighted = x->weight ? 1 : 0;

    TARN_TRY(tarn_comm_max_f64(f->job->comm, &weighted, 1, err));
    rc = tarn_alloc(&f->columns, (size_t)x->cols, all, err);
    if (rc == TARN_OK) rc = tarn_alloc(&f->y, all, sizeof *f->y, err);
    if (rc == TARN_OK && weighted > 0) rc = tarn_alloc(&f->weight, all, sizeof *f->weight, err);
    TARN_TRY(tarn_comm_agree(f->job->comm, rc, err));
    for (size_t j = 0; j < (size_t)x->cols; j++)
        TARN_TRY(gather_into(f->job->comm, f->binned.by_column + j * rows, rows, f->columns + j * all, all, err));
    TARN_TRY(gather_into(f->job->comm, x->y, rows * sizeof *x->y, f->y, all * sizeof *f->y, err));
    if (weighted > 0)
        TARN_TRY(gather_into(f->job->comm, x->weight, rows * sizeof *x->y, f->weight, all * sizeof *f->y, err));
    tarn_binned_clear(&f->binned);
done:
    return rc;
}

static tarn_code copy_labels(forest *f, tarn_err *err)
{
    tarn_code rc = tarn_alloc(&f->y, (size_t)f->job->x->rows, sizeof *f->y, err);

    if (rc == TARN_OK) memcpy(f->y, f->job->x->y, (size_t)f->job->x->rows * sizeof *f->y);
    return rc;
}

/* Values are learned as distances from their mean, so that squares of sums keep their digits. */
static tarn_code set_data(forest *f, tarn_err *err)
{
    const tarn_matrix *x = f->job->x;
    double sum = 0;

    f->data = (tarn_deep_data){.bins = f->bins,
                               .rows = x->all_rows,
                               .by_column = f->columns ? f->columns : f->binned.by_column,
                               .y = f->y,
                               .weight = f->columns ? f->weight : x->weight,
                               .classes = x->classes};
    if (x->classes > 0) return TARN_OK;
    for (int64_t i = 0; i < x->all_rows; i++) sum += f->y[i];
    f->data.shift = sum / (double)x->all_rows;
    if (!isfinite(f->data.shift))
        return TARN_FAIL(err, TARN_NUMERIC, "the mean of the target is not finite; divide the target by a constant");
    for (int64_t i = 0; i < x->all_rows; i++) f->y[i] -= f->data.shift;
    return TARN_OK;
}

enum { ROW_BYTES = 64 /* at most, so that a row is in one line of cache */ };

static tarn_code turn_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const forest *f = arg;
    const tarn_deep_data *x = &f->data;
    int64_t at = block * TARN_BLOCK_ROWS, end = at + TARN_BLOCK_ROWS < x->rows ? at + TARN_BLOCK_ROWS : x->rows;

    (void)worker, (void)err;
    for (int32_t j = 0; j < f->job->x->cols; j++)
        for (int64_t i = at; i < end; i++) f->by_row[(size_t)i * x->row_bytes + j] = x->by_column[j * x->rows + i];
    return TARN_OK;
}

static tarn_code turn_rows(forest *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)f->job->x->cols;

    if (cols > ROW_BYTES) return TARN_OK;
    for (f->data.row_bytes = 8; f->data.row_bytes < cols; f->data.row_bytes *= 2) continue;
    TARN_TRY(tarn_alloc(&f->by_row, (size_t)f->data.rows, f->data.row_bytes, err));
    TARN_TRY(tarn_pool_run(f->job->pool, tarn_blocks(f->data.rows), turn_block, f, err));
    f->data.by_row = f->by_row;
done:
    return rc;
}

/* ---- growing ---- */

static tarn_code set_up_alone(forest *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t trees = (size_t)f->trees, cols = (size_t)f->job->x->cols;

    TARN_TRY(set_data(f, err));
    TARN_TRY(turn_rows(f, err));
    TARN_TRY(tarn_alloc(&f->deep, (size_t)tarn_pool_threads(f->job->pool), sizeof *f->deep, err));
    TARN_TRY(tarn_alloc(&f->grown, trees, sizeof *f->grown, err));
    TARN_TRY(tarn_alloc(&f->gain, trees * cols, sizeof *f->gain, err));
    if (f->p->oob && f->p->bootstrap) TARN_TRY(tarn_deep_votes_init(&f->votes, &f->data, err));
done:
    return rc;
}

static tarn_code grow_tree(void *arg, int64_t i, int worker, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    forest *f = arg;
    tarn_deep **deep = &f->deep[worker];

    TARN_TRY(tarn_cancel_check(f->job->sink, err));
    if (!*deep) TARN_TRY(tarn_deep_new(&f->data, f->shape, deep, err));
    TARN_TRY(tarn_deep_grow(*deep, f->job->seed, (uint64_t)(f->first + i), f->gain + i * f->job->x->cols, err));
    for (int32_t k = 0; k < f->outputs; k++) {
        const tarn_tree *t = NULL;
        TARN_TRY(tarn_deep_tree(*deep, k, &t, err));
        TARN_TRY(tarn_grove_add(&f->grown[i], t, f->bins, (uint32_t)k, err));
    }
    if (f->votes.sum) tarn_deep_vote(*deep, &f->votes);
    tarn_progress(f->job->sink, f->p->what, atomic_fetch_add(&f->done, 1) + 1, f->trees, "trees");
done:
    return rc;
}

static tarn_code grow(forest *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(set_up_alone(f, err));
    TARN_TRY(tarn_pool_run(f->job->pool, f->trees, grow_tree, f, err));
    for (int64_t i = 0; i < f->trees; i++) {
        TARN_TRY(tarn_grove_join(&f->grove, &f->grown[i], err));
        tarn_grove_clear(&f->grown[i]);
    }
done:
    return rc;
}

/* ---- results ---- */

/* Gains of all trees, added in tree order. */
static tarn_code sum_importance(forest *f, double **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)f->job->x->cols, trees = (size_t)f->p->trees, bytes = trees * cols * sizeof *f->gain;
    double *all = NULL;

    rc = tarn_alloc(&all, trees * cols, sizeof *all, err);
    if (rc == TARN_OK) rc = tarn_alloc(out, cols, sizeof **out, err);
    TARN_TRY(tarn_comm_agree(f->job->comm, rc, err));
    if (tarn_comm_size(f->job->comm) == 1) memcpy(all, f->gain, bytes);
    else TARN_TRY(gather_into(f->job->comm, f->gain, (size_t)f->trees * cols * sizeof *f->gain, all, bytes, err));
    for (size_t t = 0; t < trees; t++)
        for (size_t j = 0; j < cols; j++) (*out)[j] += all[t * cols + j];
done:
    tarn_free(all);
    return rc;
}

typedef struct judging {
    const forest *f;
    const int64_t *sum;
    double mean; /* of y, over the rows that are judged */
} judging;

/* What trees that did not see the row say: is it its class, or how far from its value (data.y has the shift taken off).
 */
static double off_of(const forest *f, int64_t row, const int64_t *sum, int64_t times)
{
    int32_t classes = f->data.classes, best = 0;

    if (classes == 0) return (double)sum[0] / (double)times / f->votes.steps - f->data.y[row];
    if (classes == 2) return (2 * sum[0] > times * (int64_t)f->votes.steps) == (f->data.y[row] > 0) ? 0 : 1;
    for (int32_t k = 1; k < classes; k++)
        if (sum[k] > sum[best]) best = k;
    return f->data.y[row] == (double)best ? 0 : 1;
}

/* sum: weight, rows, weighted y; squares of what is off, squares of y less the mean (added in a second turn). */
static tarn_code judge_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const judging *j = arg;
    const forest *f = j->f;
    int64_t stride = f->votes.stride, at = block * TARN_BLOCK_ROWS, end = at + TARN_BLOCK_ROWS;

    (void)worker, (void)err;
    for (int64_t row = at; row < end && row < f->data.rows; row++) {
        const int64_t *votes = j->sum + row * stride;
        double w = f->data.weight ? f->data.weight[row] : 1, y = f->data.y[row];
        if (votes[0] == 0) continue;
        double off = off_of(f, row, votes + 1, votes[0]);
        sum[0] += w;
        sum[1] += 1;
        sum[2] += w * y;
        sum[3] += w * off * off;
        sum[4] += w * (y - j->mean) * (y - j->mean);
    }
    return TARN_OK;
}

/* Accuracy or R2 on rows out of the bag. */
static tarn_code judge_votes(forest *f, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t *votes = f->votes.sum;
    judging j = {.f = f, .sum = votes};
    double sum[5] = {0}, again[5] = {0};

    if (!votes) return TARN_OK;
    TARN_TRY(tarn_comm_sum_i64(f->job->comm, votes, (size_t)(f->data.rows * f->votes.stride), err));
    rc = tarn_pool_sum(f->job->pool, tarn_blocks(f->data.rows), 5, judge_block, &j, sum, err);
    if (rc == TARN_OK && sum[0] > 0) {
        j.mean = sum[2] / sum[0];
        rc = tarn_pool_sum(f->job->pool, tarn_blocks(f->data.rows), 5, judge_block, &j, again, err);
    }
    TARN_TRY(tarn_comm_agree(f->job->comm, rc, err));
    if (!(sum[0] > 0)) goto done;
    out->oob_rows = (int64_t)sum[1];
    if (f->data.classes > 0) out->oob = 1 - sum[3] / sum[0];
    else out->oob = again[4] > 0 ? 1 - sum[3] / again[4] : sum[3] == 0; /* all targets equal: as metric r2 has it */
done:
    return rc;
}

static tarn_code finish(forest *f, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *base = NULL;

    TARN_TRY(tarn_alloc(&base, (size_t)f->outputs, sizeof *base, err));
    TARN_TRY(tarn_grove_finish(&f->grove, f->job, (uint32_t)f->outputs, base, 1 / (double)f->p->trees, &out->out, err));
    out->iterations = f->p->trees;
done:
    tarn_free(base);
    return rc;
}

static void tear_down(forest *f)
{
    for (int t = 0; f->deep && t < tarn_pool_threads(f->job->pool); t++) tarn_deep_free(f->deep[t]);
    for (int64_t i = 0; f->grown && i < f->trees; i++) tarn_grove_clear(&f->grown[i]);
    tarn_grove_clear(&f->grove);
    tarn_bins_free(f->bins);
    tarn_binned_clear(&f->binned);
    tarn_free(f->deep);
    tarn_free(f->grown);
    tarn_free(f->gain);
    tarn_free(f->columns);
    tarn_free(f->by_row);
    tarn_free(f->y);
    tarn_free(f->weight);
    tarn_free(f->votes.sum);
}

tarn_code tarn_forest_fit(const tarn_fit *job, const tarn_forest_settings *s, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    forest f = {.job = job, .p = s, .outputs = job->x->classes > 2 ? job->x->classes : 1};
    int64_t ranks = tarn_comm_size(job->comm), rank = tarn_comm_rank(job->comm);

    f.first = f.p->trees * rank / ranks;
    f.trees = f.p->trees * (rank + 1) / ranks - f.first;
    TARN_TRY(set_shape(&f, err)); /* the same on all ranks */
    TARN_TRY(tarn_bins_make(job, f.p->max_bins, false, &f.bins, err));
    rc = tarn_bins_rows(f.bins, job->x, job->pool, false, true, &f.binned, err);
    if (rc == TARN_OK && ranks == 1) rc = copy_labels(&f, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    if (ranks > 1) TARN_TRY(gather_rows(&f, err));
    rc = grow(&f, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_grove_gather(&f.grove, job->comm, err));
    TARN_TRY(judge_votes(&f, out, err));
    TARN_TRY(sum_importance(&f, &out->importance, err));
    rc = finish(&f, out, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
done:
    if (rc != TARN_OK) {
        tarn_free(out->importance);
        out->importance = NULL;
    }
    tear_down(&f);
    return rc;
}
