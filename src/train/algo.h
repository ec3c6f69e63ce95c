/* SPDX-License-Identifier: Apache-2.0 */
/* algo.h - what an estimator must do (plug-ins of train, one file each in train/algos/).
 *
 * An estimator is given a matrix, settings and a seed, and adds nodes to a graph. It sums through the
 * job's comm and runs on the job's pool, so that any number of threads and ranks gives the same bytes.
 *
 * What it may rely on: tarn_train (train.h) has checked labels, weights, columns and values, so that an
 * estimator holds its mathematics only; and tests/conform/algos_test.c tries every estimator of the table.
 * docs/adding/estimator.md shows a whole one.
 *
 * What it must keep to:
 * - sums of floating-point numbers over rows go through tarn_comm_sum_blocks, counts through tarn_comm_sum_i64;
 * - random numbers come from base/random.h with job->seed and the row's global number (first + i), never from an
 *   order of calls;
 * - what can fail on one rank alone (an allocation) is agreed upon (tarn_comm_agree) before the next collective.
 *   After the last collective a rank may fail by itself: tarn_train agrees once more at the end;
 * - between two passes it asks tarn_cancel_check, and agrees on the answer.
 */
#ifndef TARN_TRAIN_ALGO_H
#define TARN_TRAIN_ALGO_H

#include "base/param.h"
#include "base/sink.h"
#include "comm/comm.h"
#include "model/graph.h"

/* What serves a range of sparse columns: a field of text and how its tokens become columns. */
typedef struct tarn_sparse_source {
    int32_t first, cols; /* the columns first .. first + cols - 1 come from it */
    uint32_t reg;        /* the raw field, a TARN_STRING */
    const void *head;    /* the beginning of the payload of node `bag` (model/payload.h) */
    size_t len;
} tarn_sparse_source;

/* Sparse columns, beside the dense ones: numbers of which most are 0, row by row. All of this rank's rows, in memory or
 * mapped from a file. */
typedef struct tarn_sparse {
    int32_t cols;
    const int64_t *start; /* (rows + 1) row i has entries start[i] .. start[i + 1] - 1 */
    const int32_t *index; /* 0 .. cols-1, ascending within a row, each once */
    const float *value;   /* finite, not 0 */
    const tarn_sparse_source *source;
    int32_t sources;
} tarn_sparse;

/* Rows that an estimator learns from. Rows are this rank's: whole blocks of TARN_BLOCK_ROWS, except
 * the last rank's last one. Columns are features. Values are made block by block, on demand. */
typedef struct tarn_matrix {
    int64_t rows, first; /* this rank's, and the global number of its first one */
    int64_t all_rows;    /* over all ranks */
    int32_t cols;
    const tarn_feature *features; /* (cols) */
    /* Fill out (cols, n), column-major with stride n: rows at .. at + n - 1 of this rank (n <= TARN_BLOCK_ROWS,
     * at a multiple of TARN_BLOCK_ROWS). Any thread. */
    tarn_code (*block)(void *self, int64_t at, int64_t n, double *out, tarn_err *err);
    /* The same values where they lie already, for as long as the matrix does: column j begins at the result
     * + j * *stride. NULL: they lie nowhere now, ask block. The member may be NULL. Any thread. */
    const double *(*view)(const void *self, int64_t at, int64_t n, int64_t *stride);
    void *self;
    const double *y;      /* (rows) class index 0 .. classes-1, or the value; finite. NULL only if rows is 0 */
    const double *weight; /* (rows) > 0, finite; or NULL for all 1 */
    int32_t classes;      /* 0: regression */
    /* RANKING: (rows) which query each row belongs to; a query's rows stand together, but may continue on the next
     * rank. NULL: no ranking */
    const int64_t *group;
    const tarn_sparse *sparse; /* NULL: none. cols may be 0 with it. Sparse column c counts as column cols + c */
    /* (rows) the number, from 0, that each row has in the table it came from: what messages say. NULL: first + i */
    const int64_t *of_table;
} tarn_matrix;

/* What a message calls row i of this rank: counted from 1. */
static inline long long tarn_matrix_row(const tarn_matrix *x, int64_t i)
{
    return (long long)(x->of_table ? x->of_table[i] : x->first + i) + 1;
}

/* What is said of a column whose numbers are so large that their squares overflow: TARN_NUMERIC, with its name. */
static inline tarn_code tarn_matrix_overflow(const tarn_matrix *x, int64_t column, tarn_err *err)
{
    return TARN_FAIL(err, TARN_NUMERIC, "the squares of column '%s' overflow; scale it first",
                     column < x->cols ? x->features[column].name : "of text");
}

/* Which tasks: classes is 2; more than 2; 0; 0 with groups (labels are relevances of 0 or more, the output is a score
 * by which the rows of a query are put in order). */
typedef enum tarn_does {
    TARN_DOES_BINARY = 1,
    TARN_DOES_MULTICLASS = 2,
    TARN_DOES_REGRESSION = 4,
    TARN_DOES_RANKING = 8
} tarn_does;
/* Which values: NaN (and infinities); columns whose kind is TARN_CATEGORY (codes, NaN, TARN_UNSEEN); sparse columns.
 * Moments count as numbers. Without TARN_TAKES_MISSING every value is finite. */
typedef enum tarn_takes { TARN_TAKES_MISSING = 1, TARN_TAKES_CATEGORIES = 2, TARN_TAKES_SPARSE = 4 } tarn_takes;

/* One fit. */
typedef struct tarn_fit {
    const tarn_matrix *x;
    const tarn_matrix *valid; /* for early stopping; NULL: none. On every rank the whole of it */
    uint64_t seed;
    tarn_pool *pool;       /* may be NULL */
    tarn_comm *comm;       /* may be NULL */
    const tarn_sink *sink; /* may be NULL */
    tarn_graph *graph;     /* nodes go here */
    const uint32_t *regs;  /* (cols) register of each column */
    /* Going on from an earlier fit with other rows of the same columns and classes: what it left in fitted.state. NULL:
     * from the beginning. Only where the estimator learns on. A class may be absent from the new rows. */
    const void *before;
    size_t before_len;
    bool keep_state; /* fill fitted.state */
} tarn_fit;

/* What came out besides nodes. fit gets it with converged = true, objective = NaN and the rest 0. */
typedef struct tarn_fitted {
    uint32_t out;       /* first register of the outputs: BINARY 1 (probability of class 1), MULTICLASS one
                           probability per class, REGRESSION 1 */
    int64_t iterations; /* rounds, passes, trees */
    bool converged;     /* false: stopped at the limit */
    double objective;   /* final training objective, NaN if the method has none */
    /* Rows judged by parts of the model that did not see them (out of bag), and how good: accuracy or R2. 0: none */
    int64_t oob_rows;
    double oob;
    double *importance; /* (cols, and one per sparse source) >= 0, tarn_free by the caller (after a failure by
                           tarn_train); NULL if the method gives none */
    /* What a later fit goes on from, if keep_state: bytes of the estimator's own, the same on every rank, read back as
     * foreign bytes are. tarn_free by the caller (after a failure by tarn_train) */
    void *state;
    size_t state_len;
} tarn_fitted;

/* An entry of the table. name is also the file's; title is one line for help and forms; paper says where the method is
 * described. params ends with TARN_PARAMS_END, and may be NULL with params_size 0. */
typedef struct tarn_algo {
    const char *name, *title, *paper;
    unsigned does, takes;   /* tarn_does, tarn_takes */
    bool learns_on;         /* heeds job->before */
    bool learns_on_numbers; /* the same, but not with sparse columns */
    bool quadratic;         /* its time grows with the square of the rows: tests try it with fewer */
    /* The estimator that does the same exactly, if this one does it nearly: a draft of a project leaves this one to
     * those who ask for it. NULL: none */
    const char *exact;
    /* Tasks (tarn_does) of which it then predicts something else that weights still move to the heavier rows: a median,
     * or what a few rows say. 0 for most */
    unsigned other_centre;
    bool counts; /* takes numbers of 0 or more only */
    bool votes;  /* its probabilities are shares of a few rows, which say 0 of what they have not seen */
    size_t params_size;
    const tarn_param *params;
    /* What a search varies when the project does not say, as YAML: "{trees: [100, 300], rate: {from: 0.02, to: 0.3,
     * scale: log}}". NULL: nothing */
    const char *space;
    /* Learn. On failure the graph may have grown, and is thrown away. Errors: TARN_INVALID data that this method cannot
     * take (names column and row), TARN_NUMERIC diverged, TARN_NOMEM. All ranks return the same code. */
    tarn_code (*fit)(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err);
} tarn_algo;

#endif
