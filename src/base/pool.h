/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h - threads that work through numbered blocks.
 *
 * Work is cut into blocks whose borders depend on the data alone. Threads take blocks in any order;
 * what they compute must not depend on which thread took which, so results go to a place of the
 * block's own, and are combined in block order afterwards (tarn_pool_sum does both).
 *
 * Code that works in parallel is given a pool; it never makes threads. A NULL pool is one thread.
 *
 * Threads: a pool runs one job at a time; a second caller waits. A job may not start another job on
 * the same pool (it would wait for itself): inside a block, pass NULL on.
 *
 * Example (compiled by make check-docs):
 *
 *     static tarn_code square(void *arg, int64_t block, int worker, tarn_err *err)
 *     {
 *         double *x = arg;
 *         (void)worker, (void)err;
 *         x[block] *= x[block];
 *         return TARN_OK;
 *     }
 *     tarn_code squares(tarn_pool *pool, double x[100], tarn_err *err)
 *     {
 *         return tarn_pool_run(pool, 100, square, x, err);
 *     }
 */
#ifndef TARN_BASE_POOL_H
#define TARN_BASE_POOL_H

#include "base/err.h"

#include <stdint.h>

/* Rows in a block, everywhere: sums over rows are made per block and combined in block order. */
enum { TARN_BLOCK_ROWS = 8192 };

static inline int64_t tarn_blocks(int64_t rows) { return (rows + TARN_BLOCK_ROWS - 1) / TARN_BLOCK_ROWS; }

typedef struct tarn_pool tarn_pool;

/* threads >= 1 counts the caller, who works too; 0 = as many as the machine has cores (at most 64). */
TARN_MUST tarn_code tarn_pool_new(int threads, tarn_pool **out, tarn_err *err);
void tarn_pool_free(tarn_pool *pool);
/* Threads of the pool; 1 for NULL. */
int tarn_pool_threads(const tarn_pool *pool);

/* Called once per block. worker is 0 .. threads-1: use it for scratch memory only. */
typedef tarn_code tarn_block_fn(void *arg, int64_t block, int worker, tarn_err *err);

/* Run fn for blocks 0 .. blocks-1. After a failure no new blocks are started; the error returned is
 * that of the lowest failed block. */
TARN_MUST tarn_code tarn_pool_run(tarn_pool *pool, int64_t blocks, tarn_block_fn *fn, void *arg, tarn_err *err);

/* Add a block's share to sum[n], which starts at zero. */
typedef tarn_code tarn_sum_fn(void *arg, int64_t block, int worker, double *sum, tarn_err *err);

/* out[n] += the sum over blocks, added in block order: ((out + b0) + b1) + ..., whatever the number
 * of threads. Cost: memory for 4 partial sums per thread. */
TARN_MUST tarn_code tarn_pool_sum(tarn_pool *pool, int64_t blocks, int64_t n, tarn_sum_fn *fn, void *arg, double *out,
                                  tarn_err *err);

#endif
