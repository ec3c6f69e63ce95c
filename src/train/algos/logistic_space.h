/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_space.h - how a pass of logistic regression goes over rows; its files only include it. See logistic_parts.h.
 *
 * Rows come block by block. In double precision a block goes through in tiles, columns side by side
 * (logistic_read_block, logistic_take_tile); in single precision rows were packed once (logistic_single.c). Either way
 * margins go into s->margin, and logistic_losses makes residuals of them. */
#ifndef TARN_TRAIN_LOGISTIC_SPACE_H
#define TARN_TRAIN_LOGISTIC_SPACE_H

#include "train/algos/logistic_parts.h"

/* A thread's work space. Columns of a tile lie `stride` apart, which is no power of two: else they would all fall on
 * the same few lines of the cache. */
typedef struct logistic_space {
    int64_t stride;
    double *block; /* (cols, rows of the block), if it lies nowhere else */
    const double *from;
    int64_t apart;    /* column j of the block begins at from + j * apart */
    double *x;        /* (wide, stride) the tile */
    double *margin;   /* (outputs, stride) */
    double *residual; /* (outputs, stride) */
    double *weight;   /* (stride) */
    double *curve;    /* (stride) */
    double *row;      /* (outputs) of one row, for its sparse columns */
} logistic_space;

logistic_space logistic_space_of(const logistic_problem *p, int worker);
/* Numbers that one thread's space takes. */
int64_t logistic_space_size(const logistic_problem *p);

/* Make s->from the dense columns of a block of this rank. */
TARN_MUST tarn_code logistic_read_block(const logistic_problem *p, int64_t block, logistic_space *s, tarn_err *err);

/* Rows at .. at + n - 1 of the block that was read, which is row number `row` of this rank and following: columns,
 * ones, and weights. */
logistic_tile logistic_take_tile(const logistic_problem *p, int64_t row, int64_t at, int64_t n, logistic_space *s);

/* s->weight of n rows from number `row` on. */
void logistic_weigh(const logistic_problem *p, int64_t row, int64_t n, logistic_space *s);

/* The loss of n rows from number `row` on, whose margins and weights stand in s. Residuals come out, what add_hessian
 * needs, too; margins are lost. */
double logistic_losses(const logistic_problem *p, int64_t row, int64_t n, logistic_space *s);

#endif
