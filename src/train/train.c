/* SPDX-License-Identifier: Apache-2.0 */
/* train.c - check that a matrix suits an estimator, then fit. See train.h.
 *
 * Checks that need this rank's rows only come first; then the ranks agree, so that one rank's bad row is
 * everyone's clean return; then come the checks over all ranks (is every class there?), which end the same
 * way on each of them; then the fit. */
#include "train/train.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* More classes than this is not a classification: most likely an identifier was named as target. */
enum { MOST_CLASSES = 10000 };

static const char *task_name(const tarn_matrix *x)
{
    int32_t classes = x->classes;

    if (x->group) return "ranking";
    return classes == 0 ? "regression" : classes == 2 ? "binary classification" : "multiclass classification";
}

static unsigned task_bit(const tarn_matrix *x)
{
    int32_t classes = x->classes;

    if (x->group) return TARN_DOES_RANKING;
    return classes == 0 ? TARN_DOES_REGRESSION : classes == 2 ? TARN_DOES_BINARY : TARN_DOES_MULTICLASS;
}

static tarn_code check_shape(const tarn_matrix *x, const char *what, tarn_err *err)
{
    if (x->all_rows < 1) return TARN_FAIL(err, TARN_INVALID, "%s has no rows", what);
    if (x->cols < 0 || (x->cols < 1 && !x->sparse))
        return TARN_FAIL(err, TARN_INVALID, "%s has no columns to learn from", what);
    if (x->rows < 0 || x->first < 0 || x->first + x->rows > x->all_rows || (x->rows > 0 && !x->y))
        return TARN_FAIL(err, TARN_INVALID, "%s: rows %lld to %lld of %lld make no sense, or there are no labels", what,
                         (long long)x->first, (long long)(x->first + x->rows), (long long)x->all_rows);
    if (x->classes == 1 || x->classes < 0)
        return TARN_FAIL(err, TARN_INVALID, "%s has one class only: there is nothing to tell apart", what);
    if (x->classes > MOST_CLASSES)
        return TARN_FAIL(err, TARN_INVALID, "%s has %d classes, more than %d: is the target an identifier?", what,
                         (int)x->classes, (int)MOST_CLASSES);
    return TARN_OK;
}

static tarn_code check_algo(const tarn_algo *algo, const tarn_matrix *x, tarn_err *err)
{
    if (!(algo->does & task_bit(x)))
        return TARN_FAIL(err, TARN_INVALID, "estimator '%s' does not do %s", algo->name, task_name(x));
    if (x->sparse && !(algo->takes & TARN_TAKES_SPARSE))
        return TARN_FAIL(err, TARN_INVALID, "estimator '%s' does not take text; linear ones and naive Bayes do",
                         algo->name);
    if (algo->takes & TARN_TAKES_CATEGORIES) return TARN_OK;
    for (int32_t j = 0; j < x->cols; j++)
        if (x->features[j].kind == TARN_CATEGORY)
            return TARN_FAIL(err, TARN_INVALID,
                             "column '%s' holds categories, which estimator '%s' does not take; encode it first "
                             "(onehot)",
                             x->features[j].name, algo->name);
    return TARN_OK;
}

static tarn_code check_labels(const tarn_matrix *x, const char *what, tarn_err *err)
{
    for (int64_t i = 0; i < x->rows; i++) {
        double y = x->y[i];
        long long row = tarn_matrix_row(x, i);
        if (!isfinite(y)) return TARN_FAIL(err, TARN_INVALID, "%s: the label of row %lld is missing", what, row);
        if (x->classes > 0 && !(y >= 0 && y < x->classes && y == floor(y)))
            return TARN_FAIL(err, TARN_INVALID, "%s: the label of row %lld is %g, not a class number 0 to %d", what,
                             row, y, (int)x->classes - 1);
        if (x->group && !(y >= 0))
            return TARN_FAIL(err, TARN_INVALID, "%s: the relevance of row %lld is %g; it must be 0 or more", what, row,
                             y);
        if (x->weight && !(isfinite(x->weight[i]) && x->weight[i] > 0))
            return TARN_FAIL(err, TARN_INVALID, "%s: the weight of row %lld is %g; weights must be above 0", what, row,
                             x->weight[i]);
    }
    return TARN_OK;
}

typedef struct value_check {
    const tarn_matrix *x;
    const tarn_algo *algo;
    const char *what;
    double *scratch; /* (threads, cols, TARN_BLOCK_ROWS) */
} value_check;

/* The first row of the block that has a missing value, and of that row the first column. */
static tarn_code check_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const value_check *c = arg;
    const tarn_matrix *x = c->x;
    int64_t at = block * TARN_BLOCK_ROWS, n = x->rows - at < TARN_BLOCK_ROWS ? x->rows - at : TARN_BLOCK_ROWS;
    double *values = c->scratch + (int64_t)worker * x->cols * TARN_BLOCK_ROWS;
    int64_t row = n;
    int32_t col = 0;

    tarn_code rc = x->block(x->self, at, n, values, err);
    if (rc != TARN_OK) return rc;
    for (int32_t j = 0; j < x->cols; j++) {
        const double *v = values + (int64_t)j * n;
        for (int64_t i = 0; i < row; i++) {
            if (isfinite(v[i]) && !(c->algo->counts && v[i] < 0)) continue;
            row = i;
            col = j;
        }
    }
    if (row == n) return TARN_OK;
    double bad = values[(int64_t)col * n + row];
    return TARN_FAIL(err, TARN_INVALID, "%s: column '%s' is %s in row %lld, and estimator '%s' does not take that; %s",
                     c->what, x->features[col].name,
                     isnan(bad)   ? "missing"
                     : isinf(bad) ? "infinite"
                                  : "below 0",
                     tarn_matrix_row(x, at + row), c->algo->name, isfinite(bad) ? "leave it out" : "impute it first");
}

static tarn_code check_values(const tarn_algo *algo, const tarn_matrix *x, tarn_pool *pool, const char *what,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    value_check c = {.x = x, .algo = algo, .what = what};

    if (algo->takes & TARN_TAKES_MISSING) return TARN_OK;
    size_t block = (size_t)x->cols * TARN_BLOCK_ROWS;
    TARN_TRY(tarn_alloc(&c.scratch, (size_t)tarn_pool_threads(pool) * block, sizeof *c.scratch, err));
    TARN_TRY(tarn_pool_run(pool, tarn_blocks(x->rows), check_block, &c, err));
done:
    tarn_free(c.scratch);
    return rc;
}

/* A query's rows stand together: within this rank, no query comes back. Queries are numbered as they come. */
static tarn_code check_groups(const tarn_matrix *x, const char *what, tarn_err *err)
{
    for (int64_t i = 1; x->group && i < x->rows; i++)
        if (x->group[i] < x->group[i - 1])
            return TARN_FAIL(err, TARN_INVALID, "%s: the rows of a query do not stand together (row %lld)", what,
                             tarn_matrix_row(x, i));
    if (x->group && x->classes > 0) return TARN_FAIL(err, TARN_INVALID, "%s has both classes and queries", what);
    return TARN_OK;
}

typedef struct sparse_check {
    const tarn_matrix *x;
    float least; /* that a value may be */
    const char *what;
} sparse_check;

/* Whether a row's entries are in order, within the columns, finite and not below least. */
static bool row_fits(const tarn_sparse *s, int64_t row, float least)
{
    int32_t last = -1;
    bool bad = false;

    for (int64_t k = s->start[row]; k < s->start[row + 1]; k++) {
        bad |= (s->index[k] <= last) | !(fabsf(s->value[k]) <= FLT_MAX) | (s->value[k] < least);
        last = s->index[k];
    }
    return !bad && last < s->cols;
}

static tarn_code check_sparse_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const sparse_check *c = arg;
    const tarn_matrix *x = c->x;
    const tarn_sparse *s = x->sparse;

    (void)worker;
    for (int64_t i = block * TARN_BLOCK_ROWS; i < x->rows && i < (block + 1) * TARN_BLOCK_ROWS; i++) {
        if (row_fits(s, i, c->least)) continue;
        int64_t k = s->start[i]; /* the first entry at fault */
        for (int32_t last = -1;
             s->index[k] > last && s->index[k] < s->cols && fabsf(s->value[k]) <= FLT_MAX && s->value[k] >= c->least;
             k++)
            last = s->index[k];
        return TARN_FAIL(err, TARN_INVALID, "%s: entry %lld of row %lld is column %d with value %g of %d columns",
                         c->what, (long long)(k - s->start[i] + 1), tarn_matrix_row(x, i), (int)s->index[k],
                         (double)s->value[k], (int)s->cols);
    }
    return TARN_OK;
}

static tarn_code check_sparse(const tarn_matrix *x, bool counts, tarn_pool *pool, const char *what, tarn_err *err)
{
    sparse_check c = {x, counts ? 0 : -INFINITY, what};

    return x->sparse ? tarn_pool_run(pool, tarn_blocks(x->rows), check_sparse_block, &c, err) : TARN_OK;
}

static tarn_code check_same(const tarn_matrix *x, const tarn_matrix *valid, tarn_err *err)
{
    int32_t sparse = x->sparse ? x->sparse->cols : 0, valid_sparse = valid->sparse ? valid->sparse->cols : 0;

    if (!valid->group != !x->group)
        return TARN_FAIL(err, TARN_INVALID, "the training data and the validation data must both have queries");
    if (valid->cols == x->cols && valid->classes == x->classes && sparse == valid_sparse) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID,
                     "the validation data has %d columns and %d classes, the training data %d and %d", (int)valid->cols,
                     (int)valid->classes, (int)x->cols, (int)x->classes);
}

/* All that one rank can see by itself. */
static tarn_code check_mine(const tarn_algo *algo, const tarn_fit *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x, *valid = job->valid;

    TARN_TRY(check_shape(x, "the training data", err));
    TARN_TRY(check_algo(algo, x, err));
    if ((job->before || job->keep_state) && !algo->learns_on && !(algo->learns_on_numbers && !x->sparse))
        return TARN_FAIL(err, TARN_INVALID,
                         "estimator '%s' cannot go on from an earlier fit%s; fit it anew on all rows", algo->name,
                         algo->learns_on_numbers ? " of texts" : "");
    TARN_TRY(check_labels(x, "the training data", err));
    TARN_TRY(check_groups(x, "the training data", err));
    TARN_TRY(check_sparse(x, algo->counts, job->pool, "the training data", err));
    TARN_TRY(check_values(algo, x, job->pool, "the training data", err));
    if (!valid) goto done;
    TARN_TRY(check_shape(valid, "the validation data", err));
    TARN_TRY(check_same(x, valid, err));
    TARN_TRY(check_labels(valid, "the validation data", err));
    TARN_TRY(check_groups(valid, "the validation data", err));
    TARN_TRY(check_sparse(valid, algo->counts, job->pool, "the validation data", err));
    TARN_TRY(check_values(algo, valid, job->pool, "the validation data", err));
done:
    return rc;
}

/* Every rank sees the same counts, and so ends the same way. counts has a place per class, and one for rows. */
static tarn_code check_all(const tarn_matrix *x, bool goes_on, const int64_t *counts, tarn_err *err)
{
    if (counts[x->classes] != x->all_rows)
        return TARN_FAIL(err, TARN_INVALID, "the training data has %lld rows, but the ranks hold %lld",
                         (long long)x->all_rows, (long long)counts[x->classes]);
    for (int32_t k = 0; !goes_on && k < x->classes; k++) {
        if (counts[k] > 0) continue;
        if (x->classes == 2)
            return TARN_FAIL(err, TARN_INVALID,
                             "all %lld rows of the training data are of class %d: class %d does not occur",
                             (long long)x->all_rows, (int)(1 - k), (int)k);
        return TARN_FAIL(err, TARN_INVALID, "class %d of 0 to %d has no row in the training data", (int)k,
                         (int)x->classes - 1);
    }
    return TARN_OK;
}

static tarn_code check(const tarn_algo *algo, const tarn_fit *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    int64_t *counts = NULL;

    rc = check_mine(algo, job, err);
    if (rc == TARN_OK) rc = tarn_alloc(&counts, (size_t)x->classes + 1, sizeof *counts, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    if (x->classes > 0)
        for (int64_t i = 0; i < x->rows; i++) counts[(size_t)x->y[i]]++;
    counts[x->classes] = x->rows;
    TARN_TRY(tarn_comm_sum_i64(job->comm, counts, (size_t)x->classes + 1, err));
    TARN_TRY(check_all(x, job->before != NULL, counts, err));
done:
    tarn_free(counts);
    return rc;
}

tarn_code tarn_train(const tarn_algo *algo, const void *params, const tarn_fit *job, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_fitted fitted = {.converged = true, .objective = NAN};

    TARN_TRY(check(algo, job, err));
    rc = algo->fit(job, params, &fitted, err);
    if (rc != TARN_OK) tarn_err_note(err, "estimator '%s'", algo->name);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    *out = fitted;
    fitted.importance = NULL;
    fitted.state = NULL;
done:
    tarn_free(fitted.importance);
    tarn_free(fitted.state);
    return rc;
}
