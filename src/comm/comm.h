/* SPDX-License-Identifier: Apache-2.0 */
/* comm.h - ranks that work on one job, and what they say to each other.
 *
 * Every estimator sums through a tarn_comm, so that it runs on one machine and on many with the same
 * code. Rows belong to ranks in whole blocks (TARN_BLOCK_ROWS), in order: rank 0 has the first ones.
 * Sums of floating-point numbers are made per block and added in block order over all ranks, so that
 * the number of ranks makes no difference to a single bit; sums of integers are order-free.
 *
 * Every collective must be called by all ranks in the same order. A NULL comm is one rank.
 * Before a phase that may fail on one rank only, ranks agree (tarn_comm_agree), so that one rank's
 * failure is everyone's clean return, not a hang.
 *
 * Threads: a rank calls from one thread at a time.
 */
#ifndef TARN_COMM_H
#define TARN_COMM_H

#include "base/err.h"
#include "base/pool.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tarn_comm tarn_comm;

/* One rank, no transport. */
TARN_MUST tarn_code tarn_comm_local(tarn_comm **out, tarn_err *err);
void tarn_comm_free(tarn_comm *comm);

/* Run fn once per rank, each in a thread of its own with a comm of `ranks` ranks (the "threads"
 * transport), and wait for all. The error is that of the lowest failed rank. */
typedef tarn_code tarn_rank_fn(void *arg, tarn_comm *comm, tarn_err *err);
TARN_MUST tarn_code tarn_comm_run_threads(int ranks, tarn_rank_fn *fn, void *arg, tarn_err *err);

int tarn_comm_rank(const tarn_comm *comm);
int tarn_comm_size(const tarn_comm *comm);

/* The worst code of all ranks; a rank that was fine gets the message of the lowest rank that was not. */
TARN_MUST tarn_code tarn_comm_agree(tarn_comm *comm, tarn_code mine, tarn_err *err);

/* x[n] becomes the sum (wrapping) or the maximum over all ranks. NaN must not occur in max. */
TARN_MUST tarn_code tarn_comm_sum_i64(tarn_comm *comm, int64_t *x, size_t n, tarn_err *err);
TARN_MUST tarn_code tarn_comm_max_f64(tarn_comm *comm, double *x, size_t n, tarn_err *err);

/* Copy rank `from`'s bytes to all. */
TARN_MUST tarn_code tarn_comm_share(tarn_comm *comm, int from, void *bytes, size_t len, tarn_err *err);

/* Everyone's bytes, in rank order, to everyone. *out (tarn_free) has *out_len bytes; sizes may be
 * NULL or get each rank's share in bytes. */
TARN_MUST tarn_code tarn_comm_gather(tarn_comm *comm, const void *mine, size_t len, void **out, size_t *out_len,
                                     size_t *sizes, tarn_err *err);

/* out[n] = sum over the blocks of all ranks, added in global block order (((0 + b0) + b1) + ...).
 * `blocks` is how many this rank has; fn gets 0 .. blocks-1 and runs on the pool. */
TARN_MUST tarn_code tarn_comm_sum_blocks(tarn_comm *comm, tarn_pool *pool, int64_t blocks, int64_t n,
                                         tarn_sum_fn *fn, void *arg, double *out, tarn_err *err);

/* Which rows of `rows` this rank has: whole blocks, as even as can be. */
void tarn_comm_rows(const tarn_comm *comm, int64_t rows, int64_t *first, int64_t *count);

#endif
