/* SPDX-License-Identifier: Apache-2.0 */
/* comm.c - the collectives, written once over send and receive. See comm.h.
 *
 * Order of messages: where ranks talk in pairs, each goes through its peers by number, and in a pair the lower rank
 * sends first. The lowest unfinished pair, ordered by (lower, higher), can always proceed, so nothing can hang even if
 * a send waits for its receive.
 *
 * Failure: a send or receive that fails leaves the job (tarn_comm_leave), for the peers cannot know what would have
 * come. They see that this rank is gone and leave in turn. What may fail on one rank alone (memory, a caller's
 * function) is done apart from talking, and agreed upon.
 */
#include "comm/transport.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { CHUNK = 4096, LOOK_AHEAD_BYTES = 64 << 20 };

#define TARN_TRANSPORT(name) extern const tarn_transport tarn_transport_##name;
#include "comm/transports.def"
#undef TARN_TRANSPORT

static const tarn_transport *const transports[] = {
#define TARN_TRANSPORT(name) &tarn_transport_##name,
#include "comm/transports.def"
#undef TARN_TRANSPORT
};

int tarn_transport_count(void) { return (int)(sizeof transports / sizeof *transports); }

const tarn_transport *tarn_transport_at(int i) { return i >= 0 && i < tarn_transport_count() ? transports[i] : NULL; }

tarn_code tarn_comm_run_threads(int ranks, tarn_rank_fn *fn, void *arg, tarn_err *err)
{
    return tarn_transport_threads.run(ranks, fn, arg, err);
}

tarn_code tarn_comm_local(tarn_comm **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc == TARN_OK) (*out)->size = 1;
    return rc;
}

void tarn_comm_leave(tarn_comm *comm)
{
    if (comm->transport && !comm->left) comm->transport->close(comm->self);
    comm->left = true;
}

void tarn_comm_free(tarn_comm *comm)
{
    if (!comm) return;
    tarn_comm_leave(comm);
    tarn_free(comm);
}

int tarn_comm_rank(const tarn_comm *comm) { return comm ? comm->rank : 0; }
int tarn_comm_size(const tarn_comm *comm) { return comm ? comm->size : 1; }

/* ---- two ranks ---- */

static tarn_code here_still(const tarn_comm *comm, tarn_err *err)
{
    if (!comm->left) return TARN_OK;
    return TARN_FAIL(err, TARN_CANCELLED, "rank %d has left the job after an earlier failure", comm->rank);
}

static tarn_code send_to(tarn_comm *comm, int to, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = here_still(comm, err);

    if (rc != TARN_OK || len == 0) return rc;
    rc = comm->transport->send(comm->self, to, bytes, len, err);
    if (rc != TARN_OK) tarn_comm_leave(comm);
    return rc;
}

static tarn_code receive_from(tarn_comm *comm, int from, void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = here_still(comm, err);

    if (rc != TARN_OK || len == 0) return rc;
    rc = comm->transport->receive(comm->self, from, bytes, len, err);
    if (rc != TARN_OK) tarn_comm_leave(comm);
    return rc;
}

/* ---- sums and maxima of all ranks ---- */

typedef enum operation { SUM_I64, MAX_I64, MAX_F64 } operation;

/* into[n] = into op from, both of eight bytes each. */
static void combine(operation op, void *into, const void *from, size_t n)
{
    int64_t *a = into;
    const int64_t *b = from;
    double *x = into;
    const double *y = from;

    for (size_t i = 0; op == SUM_I64 && i < n; i++) a[i] = (int64_t)((uint64_t)a[i] + (uint64_t)b[i]);
    for (size_t i = 0; op == MAX_I64 && i < n; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
    for (size_t i = 0; op == MAX_F64 && i < n; i++) x[i] = x[i] > y[i] ? x[i] : y[i];
}

/* Receive n numbers and combine them with those at `into`. */
static tarn_code receive_combine(tarn_comm *comm, int from, operation op, char *into, size_t n, tarn_err *err)
{
    int64_t chunk[CHUNK];
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < n; i += CHUNK) {
        const size_t m = n - i < CHUNK ? n - i : CHUNK;

        TARN_TRY(receive_from(comm, from, chunk, m * 8, err));
        combine(op, into + i * 8, chunk, m);
    }
done:
    return rc;
}

static tarn_code send_chunks(tarn_comm *comm, int to, const char *bytes, size_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < n; i += CHUNK)
        TARN_TRY(send_to(comm, to, bytes + i * 8, (n - i < CHUNK ? n - i : CHUNK) * 8, err));
done:
    return rc;
}

/* Where rank k's share of n numbers begins. */
static size_t share_at(const tarn_comm *comm, size_t n, int k)
{
    const size_t size = (size_t)comm->size, each = n / size, more = n % size;

    return each * (size_t)k + ((size_t)k < more ? (size_t)k : more);
}

/* Each rank combines its share of the numbers, then hands it round. x and y of one element must be combined to the same
 * bits in any order. */
static tarn_code reduce(tarn_comm *comm, operation op, void *numbers, size_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *x = numbers;

    if (!comm || comm->size == 1) return TARN_OK;
    const int me = comm->rank;
    const size_t my_at = share_at(comm, n, me), my_n = share_at(comm, n, me + 1) - my_at;
    for (int p = 0; p < comm->size; p++) {
        const size_t at = share_at(comm, n, p), count = share_at(comm, n, p + 1) - at;

        if (me < p) TARN_TRY(send_chunks(comm, p, x + at * 8, count, err));
        if (me != p) TARN_TRY(receive_combine(comm, p, op, x + my_at * 8, my_n, err));
        if (me > p) TARN_TRY(send_chunks(comm, p, x + at * 8, count, err));
    }
    for (int p = 0; p < comm->size; p++) {
        const size_t at = share_at(comm, n, p), count = share_at(comm, n, p + 1) - at;

        if (me < p) TARN_TRY(send_to(comm, p, x + my_at * 8, my_n * 8, err));
        if (me != p) TARN_TRY(receive_from(comm, p, x + at * 8, count * 8, err));
        if (me > p) TARN_TRY(send_to(comm, p, x + my_at * 8, my_n * 8, err));
    }
done:
    return rc;
}

tarn_code tarn_comm_sum_i64(tarn_comm *comm, int64_t *x, size_t n, tarn_err *err)
{
    return reduce(comm, SUM_I64, x, n, err);
}

tarn_code tarn_comm_max_f64(tarn_comm *comm, double *x, size_t n, tarn_err *err)
{
    return reduce(comm, MAX_F64, x, n, err);
}

/* ---- copies ---- */

/* A binomial tree with `from` as its root: in round k those that have it pass it on to those 2^k behind. */
tarn_code tarn_comm_share(tarn_comm *comm, int from, void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const int size = tarn_comm_size(comm), behind = (tarn_comm_rank(comm) - from + size) % size;

    if (from < 0 || from >= size)
        return TARN_FAIL(err, TARN_INVALID, "there is no rank %d to share from: ranks are 0 to %d", from, size - 1);
    for (int step = 1; step < size; step *= 2) {
        if (behind < step && behind + step < size)
            TARN_TRY(send_to(comm, (behind + step + from) % size, bytes, len, err));
        if (behind >= step && behind < 2 * step)
            TARN_TRY(receive_from(comm, (behind - step + from) % size, bytes, len, err));
    }
done:
    return rc;
}

/* Every rank's bytes to every rank; at[k] is where rank k's begin, at[size] the end. Ours are in place. */
static tarn_code spread(tarn_comm *comm, char *all, const size_t *at, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const int me = tarn_comm_rank(comm), size = tarn_comm_size(comm);

    for (int p = 0; p < size; p++) {
        if (me < p) TARN_TRY(send_to(comm, p, all + at[me], at[me + 1] - at[me], err));
        if (me != p) TARN_TRY(receive_from(comm, p, all + at[p], at[p + 1] - at[p], err));
        if (me > p) TARN_TRY(send_to(comm, p, all + at[me], at[me + 1] - at[me], err));
    }
done:
    return rc;
}

tarn_code tarn_comm_gather(tarn_comm *comm, const void *mine, size_t len, void **out, size_t *out_len, size_t *sizes,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const size_t me = (size_t)tarn_comm_rank(comm), size = (size_t)tarn_comm_size(comm);
    int64_t lengths[TARN_RANKS_MAX] = {0};
    size_t at[TARN_RANKS_MAX + 1] = {0};
    char *all = NULL;

    *out = NULL;
    lengths[me] = (int64_t)len;
    TARN_TRY(tarn_comm_sum_i64(comm, lengths, size, err));
    for (size_t k = 0; k < size; k++) at[k + 1] = at[k] + (size_t)lengths[k];
    TARN_TRY(tarn_comm_agree(comm, tarn_alloc(&all, at[size], 1, err), err));
    if (len > 0) memcpy(all + at[me], mine, len);
    TARN_TRY(spread(comm, all, at, err));
    for (size_t k = 0; sizes && k < size; k++) sizes[k] = (size_t)lengths[k];
    *out_len = at[size];
    *out = all;
    all = NULL;
done:
    tarn_free(all);
    return rc;
}

/* ---- agreement ---- */

/* The code in the low 16 bits, above it the lower rank first, above it whether it failed by itself. */
static int64_t failure_key(tarn_code code, int rank)
{
    if (code == TARN_OK) return 0;
    return (int64_t)(code == TARN_CANCELLED ? 1 : 2) << 40 | (int64_t)(TARN_RANKS_MAX - rank) << 16 | (int64_t)code;
}

tarn_code tarn_comm_agree(tarn_comm *comm, tarn_code mine, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err told = {0};
    int64_t key = failure_key(mine, tarn_comm_rank(comm));

    if (!comm || comm->size == 1) return mine;
    if (comm->left && mine != TARN_OK) return mine;
    if (reduce(comm, MAX_I64, &key, 1, &told) != TARN_OK) goto done;
    if (key == 0) return TARN_OK;
    const int rank = TARN_RANKS_MAX - (int)(key >> 16 & 0xffffff);
    const tarn_code agreed = (tarn_code)(key & 0xffff);
    char msg[sizeof err->msg] = {0};
    (void)snprintf(msg, sizeof msg, "%s", err && mine != TARN_OK ? err->msg : tarn_code_text(mine));
    if (tarn_comm_share(comm, rank, msg, sizeof msg, &told) != TARN_OK) goto done;
    return rank == comm->rank ? mine : TARN_FAIL(err, agreed, "%.*s", (int)sizeof msg - 1, msg);
done:
    /* A peer is gone in the middle of it: our own failure says more than that, if there was one. */
    rc = mine != TARN_OK ? mine : told.code;
    if (mine == TARN_OK && err) *err = told;
    return rc;
}

/* ---- sums of floating-point numbers in block order ---- */

typedef struct ordered_sum {
    tarn_sum_fn *fn;
    void *arg;
    int64_t first, n;
    double *parts; /* (window, n): shares of blocks first .. first + window - 1 */
} ordered_sum;

static tarn_code one_block(void *arg, int64_t i, int worker, tarn_err *err)
{
    const ordered_sum *s = arg;
    double *part = s->parts + i * s->n;

    memset(part, 0, (size_t)s->n * sizeof *part);
    return s->fn(s->arg, s->first + i, worker, part, err);
}

static void add_parts(const ordered_sum *s, int64_t count, double *out)
{
    for (int64_t b = 0; b < count; b++)
        for (int64_t i = 0; i < s->n; i++) out[i] += s->parts[b * s->n + i];
}

/* Get the running sum of the ranks before: its first word says whether all went well with them. */
static tarn_code receive_running(tarn_comm *comm, double *out, int64_t n, int64_t *well, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (tarn_comm_rank(comm) == 0) return TARN_OK;
    TARN_TRY(receive_from(comm, comm->rank - 1, well, sizeof *well, err));
    if (*well) TARN_TRY(receive_from(comm, comm->rank - 1, out, (size_t)n * sizeof *out, err));
done:
    return rc;
}

static tarn_code send_running(tarn_comm *comm, const double *out, int64_t n, int64_t well, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (tarn_comm_rank(comm) == tarn_comm_size(comm) - 1) return TARN_OK;
    TARN_TRY(send_to(comm, comm->rank + 1, &well, sizeof well, err));
    if (well) TARN_TRY(send_to(comm, comm->rank + 1, out, (size_t)n * sizeof *out, err));
done:
    return rc;
}

/* How many blocks to work out before they are added: some for each thread, or all that memory allows if there are
 * other ranks to wait for. */
static int64_t window_of(const tarn_comm *comm, const tarn_pool *pool, int64_t blocks, int64_t n)
{
    int64_t window = 4 * (int64_t)tarn_pool_threads(pool);
    const int64_t ahead = LOOK_AHEAD_BYTES / (int64_t)sizeof(double) / n;

    if (tarn_comm_rank(comm) > 0 && ahead > window) window = ahead;
    return window < blocks ? window : blocks;
}

/* This rank's part of the chain: work ahead, wait for the ranks before, add, pass on. What fails here by itself is
 * *mine; the return value is about talking only. */
static tarn_code chain(tarn_comm *comm, tarn_pool *pool, int64_t blocks, ordered_sum *s, double *out, tarn_code *mine,
                       tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err talk = {0};
    int64_t well = 1, window = window_of(comm, pool, blocks, s->n), count = window;

    *mine = tarn_alloc(&s->parts, (size_t)window, (size_t)s->n * sizeof(double), err);
    if (*mine == TARN_OK) *mine = tarn_pool_run(pool, count, one_block, s, err);
    TARN_TRY(receive_running(comm, out, s->n, &well, &talk));
    while (*mine == TARN_OK && well) {
        add_parts(s, count, out);
        s->first += count;
        count = blocks - s->first < window ? blocks - s->first : window;
        if (count == 0) break;
        *mine = tarn_pool_run(pool, count, one_block, s, err);
    }
    TARN_TRY(send_running(comm, out, s->n, *mine == TARN_OK && well, &talk));
done:
    tarn_free(s->parts);
    if (rc != TARN_OK && *mine == TARN_OK && err) *err = talk;
    return rc;
}

tarn_code tarn_comm_sum_blocks(tarn_comm *comm, tarn_pool *pool, int64_t blocks, int64_t n, tarn_sum_fn *fn, void *arg,
                               double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK, mine = TARN_OK;
    ordered_sum s = {.fn = fn, .arg = arg, .n = n};

    if (n == 0) return TARN_OK;
    memset(out, 0, (size_t)n * sizeof *out);
    rc = chain(comm, pool, blocks, &s, out, &mine, err);
    if (rc != TARN_OK) return mine != TARN_OK ? mine : rc;
    TARN_TRY(tarn_comm_agree(comm, mine, err));
    TARN_TRY(tarn_comm_share(comm, tarn_comm_size(comm) - 1, out, (size_t)n * sizeof *out, err));
done:
    return rc;
}

void tarn_comm_rows(const tarn_comm *comm, int64_t rows, int64_t *first, int64_t *count)
{
    const int64_t blocks = tarn_blocks(rows), rank = tarn_comm_rank(comm), size = tarn_comm_size(comm);
    const int64_t each = blocks / size, more = blocks % size;
    const int64_t from = each * rank + (rank < more ? rank : more), to = from + each + (rank < more ? 1 : 0);

    *first = from * TARN_BLOCK_ROWS < rows ? from * TARN_BLOCK_ROWS : rows;
    *count = (to * TARN_BLOCK_ROWS < rows ? to * TARN_BLOCK_ROWS : rows) - *first;
}
