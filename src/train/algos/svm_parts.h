/* SPDX-License-Identifier: Apache-2.0 */
/* svm_parts.h - what the files of svm.c share.
 *
 * One problem, for two classes (y_i = +-1, p_i = 0, beta_i between 0 and y_i c_i) and for regression (y_i any,
 * p = epsilon, |beta_i| <= c_i):
 *
 *     minimise  1/2 beta' K beta - y' beta + p sum |beta_i|   subject to  sum beta_i = 0
 *
 * K_ij = k(x_i, x_j). For classes beta_i = alpha_i y_i and y'beta = sum alpha_i of the usual form; for regression
 * beta_i = alpha_i - alpha_i*. The decision for x is sum beta_i k(x_i, x) - rho.
 *
 * Order of calls: svm_rows_read; svm_plan_make; svm_plan_solve, which calls svm_solve for every part; svm_platt for
 * each pair of classes; then the nodes.
 */
#ifndef TARN_SVM_PARTS_H
#define TARN_SVM_PARTS_H

#include "math/kernel.h"
#include "train/algo.h"

typedef struct svm_params {
    int kernel, class_weight;
    double C, coef0, epsilon, tol, cache_mb;
    int64_t degree, folds, max_iter;
    bool shrinking;
    char gamma[32];
} svm_params;

/* Everybody's rows, on every rank. */
typedef struct svm_rows {
    int64_t n;
    size_t d;
    double *shift;      /* (d) taken from each column before it is rounded to float; 0 unless the kernel is RBF */
    float *x;           /* (n, d) */
    double *y, *weight; /* (n) label; weight: 1 where there is none */
    double gamma;
} svm_rows;

TARN_MUST tarn_code svm_rows_read(const tarn_fit *job, const svm_params *set, svm_rows *out, tarn_err *err);
void svm_rows_clear(svm_rows *rows);

/* ---- one problem ---- */

typedef struct svm_team svm_team;

typedef struct svm_problem {
    tarn_kernel kernel;
    size_t n, d;
    const float *x;     /* rows of d floats, of which row[0 .. n-1] are this problem's */
    const int32_t *row; /* (n) */
    const double *y;    /* (n) */
    const double *cost; /* (n) c_i > 0 */
    bool regression;
    bool shrinking;
    double epsilon, tol; /* epsilon 0 unless regression */
    int64_t max_iter;
    size_t cache_bytes;
    svm_team *team; /* helpers; NULL: none */
    const tarn_sink *sink;
} svm_problem;

typedef struct svm_solution {
    double *beta;     /* (n), the caller's */
    double *decision; /* (n), the caller's: what is decided for the rows themselves; NULL: not wanted */
    double rho, objective;
    int64_t iterations;
    bool converged;
} svm_solution;

/* Errors: TARN_NOMEM, TARN_CANCELLED */
TARN_MUST tarn_code svm_solve(const svm_problem *p, svm_solution *out, tarn_err *err);

/* out_i += sum_s coef_s k(x_s, z_i), s in order; packed, square: n rows z. row: which rows of x are the x_s.
 * Any thread. */
void svm_decide(const tarn_kernel *k, size_t d, const float *x, size_t count, const int32_t *row, const double *coef,
                size_t n, const float *packed, const float *square, double *out);

/* ---- helpers ---- */

/* Columns that go to a thread at a time; borders of sums and choices, so the same for any number of threads. */
enum { SVM_PIECE = 2048 };

/* Run lead(arg, team) with the pool's other threads waiting to help. NULL pool: team is NULL. */
typedef tarn_code svm_lead_fn(void *arg, svm_team *team, tarn_err *err);
TARN_MUST tarn_code svm_team_lead(tarn_pool *pool, svm_lead_fn *lead, void *arg, tarn_err *err);
/* fn for 0 .. pieces-1, on whichever thread is free, and wait; by the leader only. */
typedef void svm_piece_fn(void *arg, size_t piece);
void svm_team_run(svm_team *team, size_t pieces, svm_piece_fn *fn, void *arg);

/* ---- one pass over a piece of the columns ---- */

typedef struct svm_pass {
    double *f;              /* gradient of the smooth part */
    const float *up, *low;  /* what is added to f where beta may go up (else infinity), down (else -infinity) */
    const float *diagonal;  /* K_kk */
    const float *k_i, *k_j; /* rows of K */
    double u_i, step;       /* f_i + up_i; by how much beta_i grows and beta_j shrinks */
    float diagonal_i;
} svm_pass;

typedef struct svm_choice {
    int64_t at;     /* -1: none */
    double value;   /* choose_j: the largest f + low; move: the smallest f + up */
    float num, den; /* choose_j: num / den is the square of the gap by the curvature */
} svm_choice;

/* Which j to pair with i. Columns from .. to - 1, both multiples of 8. */
svm_choice svm_choose_j(const svm_pass *s, size_t from, size_t to);
/* f += step (K_i - K_j), and the least f + up. */
svm_choice svm_move(const svm_pass *s, size_t from, size_t to);
/* Whether a beats b as choice of j; ties: the lower one. */
bool svm_beats(const svm_choice *a, const svm_choice *b);

/* ---- all problems of a fit ---- */

/* Two classes, or everything for regression. */
typedef struct svm_pair {
    int32_t a, b; /* y = +1 and y = -1; regression: 0 and 0 */
    size_t n;
    int32_t *row;     /* (n) which rows of svm_rows: those of a, then those of b */
    double *y, *cost; /* (n) */
    uint8_t *fold;    /* (n) 0 .. folds-1 */
    double *held_out; /* (n) what is decided for each row by a fit without its fold; with 0 folds, by the fit itself */
    svm_solution full;
} svm_pair;

typedef struct svm_plan {
    const tarn_fit *job;
    const svm_params *set;
    const svm_rows *rows;
    tarn_kernel kernel;
    int64_t folds, pairs;
    svm_pair *pair; /* (pairs) in the order (0,1) (0,2) ... (1,2) ... */
} svm_plan;

TARN_MUST tarn_code svm_plan_make(const tarn_fit *job, const svm_params *set, const svm_rows *rows, svm_plan *out,
                                  tarn_err *err);
/* Solve them all: each rank some, several at a time if there are many, else one with all threads. */
TARN_MUST tarn_code svm_plan_solve(svm_plan *plan, tarn_err *err);
void svm_plan_clear(svm_plan *plan);

/* ---- probabilities ---- */

/* Platt's sigmoid 1 / (1 + exp(a f + b)) for the probability of y > 0, from n decisions with weights. */
void svm_platt(size_t n, const double *decision, const double *y, const double *weight, double *a, double *b);

#endif
