/* SPDX-License-Identifier: Apache-2.0 */
/* comm.h - ranks that work on one job, and what they say to each other.
 *
 * Every estimator sums through a tarn_comm, so that it runs on one machine and on many with the same
 * code. Rows belong to ranks in whole blocks (TARN_BLOCK_ROWS), in order: rank 0 has the first ones.
 * Sums of floating-point numbers are made per block and added in block order over all ranks, so that
 * the number of ranks makes no difference to a single bit; sums of integers are order-free.
 *
 * Every collective must be called by all ranks in the same order. A NULL comm is one rank.
 * After a phase that may fail on one rank only, ranks agree (tarn_comm_agree), so that one rank's
 * failure is everyone's clean return, not a hang. A rank that returns without having agreed, or whose
 * transport fails, has left the job: the others get TARN_CANCELLED from their next collective that needs
 * it, and so does it itself from then on.
 *
 * Threads: a rank calls from one thread at a time.
 *
 * Example (compiled by make check-docs):
 *
 *     // The mean of y over all ranks: each brings its rows.
 *     typedef struct rows { const double *y; int64_t n; } rows;
 *     static tarn_code add_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
 *     {
 *         const rows *r = arg;
 *         (void)worker, (void)err;
 *         for (int64_t i = block * TARN_BLOCK_ROWS; i < r->n && i < (block + 1) * TARN_BLOCK_ROWS; i++)
 *             sum[0] += r->y[i];
 *         return TARN_OK;
 *     }
 *     tarn_code mean(tarn_comm *comm, tarn_pool *pool, rows *mine, double *out, tarn_err *err)
 *     {
 *         tarn_code rc = TARN_OK;
 *         int64_t n = mine->n;
 *
 *         TARN_TRY(tarn_comm_sum_blocks(comm, pool, tarn_blocks(n), 1, add_block, mine, out, err));
 *         TARN_TRY(tarn_comm_sum_i64(comm, &n, 1, err));
 *         *out /= (double)n;
 *     done:
 *         return rc;
 *     }
 */
#ifndef TARN_COMM_H
#define TARN_COMM_H

#include "base/err.h"
#include "base/pool.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tarn_comm tarn_comm;

enum { TARN_RANKS_MAX = 1024 };

/* One rank, no transport. */
TARN_MUST tarn_code tarn_comm_local(tarn_comm **out, tarn_err *err);
void tarn_comm_free(tarn_comm *comm);

/* Run fn once per rank, each in a thread of its own (rank 0 in the caller's) with a comm of `ranks` ranks
 * (the "threads" transport), and wait for all. The comm is fn's for the call only; all ranks get the same arg.
 *
 * Errors: that of the lowest rank that failed by itself; only if all were TARN_CANCELLED, the lowest of these.
 *         TARN_INVALID ranks is not 1 .. TARN_RANKS_MAX; TARN_LIMIT a thread cannot be started; TARN_NOMEM */
typedef tarn_code tarn_rank_fn(void *arg, tarn_comm *comm, tarn_err *err);
TARN_MUST tarn_code tarn_comm_run_threads(int ranks, tarn_rank_fn *fn, void *arg, tarn_err *err);

/* 0 and 1 for a NULL comm. */
int tarn_comm_rank(const tarn_comm *comm);
int tarn_comm_size(const tarn_comm *comm);

/* One code for all: TARN_OK if `mine` was that on every rank; else that of the lowest rank that failed by itself (with
 * something else than TARN_CANCELLED, if any did). All other ranks get its code and message in err. */
TARN_MUST tarn_code tarn_comm_agree(tarn_comm *comm, tarn_code mine, tarn_err *err);

/* x[n] becomes the sum (wrapping) or the maximum over all ranks; n is the same on all. NaN must not occur in max.
 * Cost: each rank sends and receives about 2 n numbers, whatever the number of ranks; no memory. */
TARN_MUST tarn_code tarn_comm_sum_i64(tarn_comm *comm, int64_t *x, size_t n, tarn_err *err);
TARN_MUST tarn_code tarn_comm_max_f64(tarn_comm *comm, double *x, size_t n, tarn_err *err);

/* Copy rank `from`'s bytes to all. */
TARN_MUST tarn_code tarn_comm_share(tarn_comm *comm, int from, void *bytes, size_t len, tarn_err *err);

/* Everyone's bytes, in rank order, to everyone. *out (tarn_free) has *out_len bytes; sizes may be
 * NULL or get each rank's share in bytes. On failure *out is NULL. Out of memory on one rank is TARN_NOMEM on all. */
TARN_MUST tarn_code tarn_comm_gather(tarn_comm *comm, const void *mine, size_t len, void **out, size_t *out_len,
                                     size_t *sizes, tarn_err *err);

/* out[n] = sum over the blocks of all ranks, added in global block order (((0 + b0) + b1) + ...).
 * `blocks` is how many this rank has (0 is fine); fn gets 0 .. blocks-1 and runs on the pool.
 *
 * The running sum goes from rank to rank; a rank works its blocks out beforehand, as many as go into 64 MB, and those
 * beyond while the ranks after it wait.
 *
 * Errors: those of fn and TARN_NOMEM, agreed among all ranks: no tarn_comm_agree is needed around it. On failure out
 *         is of no use. */
TARN_MUST tarn_code tarn_comm_sum_blocks(tarn_comm *comm, tarn_pool *pool, int64_t blocks, int64_t n, tarn_sum_fn *fn,
                                         void *arg, double *out, tarn_err *err);

/* Which rows of `rows` this rank has: whole blocks, as even as can be. A rank may get none. */
void tarn_comm_rows(const tarn_comm *comm, int64_t rows, int64_t *first, int64_t *count);

#endif
